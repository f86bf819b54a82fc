/*
 * collection.c: the related objects of one entity through one relationship.
 *
 * Invariant: an item that is added to an array is marked for a running trace; a removal corrects the positions in the
 * trace's list of big arrays. Scratch flags on entities are clear again when a function returns. An operation that
 * fails has changed nothing.
 */
#include "collection_index.h"

#include <string.h>

enum { FIRST_CAP = 4, INDEXED_FROM = 32 };

static mr_heap *heap_for(const mr_collection *c) { return heap_of(c->parent); }

static bool keeps_history(const mr_entity *e) { return e->state != MR_TRANSIENT && e->state != MR_PENDING; }

/* A viewonly collection is never written: changing it does not change its parent. */
static bool is_view(const mr_collection *c) { return c->prop->relationship && c->prop->relationship->viewonly; }

mr_entity **mr_collection_array(const mr_collection *c, big_array which, uint32_t *n) {
    switch (which) {
    case BIG_ITEMS:
        *n = c->n;
        return c->items;
    case BIG_REMOVED:
        *n = c->nremoved;
        return c->removed;
    case BIG_COMMITTED:
        break;
    }
    *n = c->ncommitted;
    return c->committed;
}

/* ---------------------------------------------------------------- arrays */

static mr_entity **resize_array(mr_heap *heap, mr_entity **array, uint32_t was, uint32_t cap) {
    mr_entity **grown = mr_realloc(heap->env, array, cap * sizeof(mr_entity *));
    if (grown) heap->bytes += (size_t)cap * sizeof(mr_entity *) - (size_t)was * sizeof(mr_entity *);
    return grown;
}

static void free_array(mr_heap *heap, mr_entity **array, uint32_t cap) {
    if (!array) return;
    heap->bytes -= (size_t)cap * sizeof(mr_entity *);
    mr_free(heap->env, array);
}

static mr_status reserve(mr_heap *heap, mr_entity ***array, uint32_t *cap, uint32_t n) {
    if (n < *cap) return MR_OK;
    if (n > UINT32_MAX / 4) return mr_nomem(heap->env);
    uint32_t more = *cap ? *cap * 2 : FIRST_CAP;
    mr_entity **grown = resize_array(heap, *array, *cap, more);
    if (!grown) return MR_FAIL;
    *array = grown;
    *cap = more;
    return MR_OK;
}

/* The item at `at` is removed: corrects the position up to which the trace has marked the array. */
static void tell_removed(mr_heap *heap, const mr_collection *c, big_array which, uint32_t at) {
    for (size_t i = 0; i < heap->big.len; i++) {
        big_entry *big = mr_vec_at(&heap->big, i);
        if (big->collection == c && big->which == which && at < big->pos) big->pos--;
    }
}

static void remove_item(mr_heap *heap, mr_collection *c, uint32_t at) {
    mr_collection_index_removed(c, c->items[at]);
    c->n--;
    memmove(&c->items[at], &c->items[at + 1], (c->n - at) * sizeof(mr_entity *));
    tell_removed(heap, c, BIG_ITEMS, at);
}

static void remove_removed(mr_heap *heap, mr_collection *c, uint32_t at) {
    c->nremoved--;
    memmove(&c->removed[at], &c->removed[at + 1], (c->nremoved - at) * sizeof(mr_entity *));
    tell_removed(heap, c, BIG_REMOVED, at);
}

static uint32_t find_in(mr_entity *const *array, uint32_t n, const mr_entity *item) {
    for (uint32_t i = 0; i < n; i++)
        if (array[i] == item) return i;
    return UINT32_MAX;
}

static void mark_all(mr_heap *heap, mr_entity *const *array, uint32_t n) {
    if (!heap->marking) return;
    for (uint32_t i = 0; i < n; i++) heap_mark_written(heap, array[i]);
}

/* ---------------------------------------------------------------- making and freeing */

mr_collection *mr_entity_collection(mr_entity *parent, const mr_property *prop, bool loaded) {
    mr_heap *heap = heap_of(parent);
    mr_entity_touch(parent);
    mr_value *place = mr_entity_make_place(parent, prop->slot);
    if (!place) return NULL;
    if (place->kind == MR_COLLECTION) return place->u.p;
    mr_collection *c = mr_calloc(heap->env, sizeof *c);
    if (!c) return NULL;
    heap->bytes += sizeof *c;
    c->parent = parent;
    c->prop = prop;
    c->loaded = loaded;
    /* A new object has no rows: the committed items are none. */
    c->has_committed = loaded && !keeps_history(parent);
    mr_entity_clear_value(heap, place);
    *place = mr_value_of(MR_COLLECTION, 0);
    place->u.p = c;
    return c;
}

void mr_collection_free(mr_heap *heap, mr_collection *c) {
    for (size_t i = heap->big.len; i-- > 0;)
        if (((big_entry *)mr_vec_at(&heap->big, i))->collection == c) mr_vec_remove(&heap->big, i);
    mr_collection_index_drop(heap->env, c);
    free_array(heap, c->items, c->cap);
    free_array(heap, c->removed, c->removed_cap);
    free_array(heap, c->committed, c->ncommitted);
    heap->bytes -= sizeof *c;
    mr_free(heap->env, c);
}

/* ---------------------------------------------------------------- changing */

/* Call before the first change of a loaded collection: saves its items as the committed ones. */
static mr_status keep_committed(mr_heap *heap, mr_collection *c) {
    if (!c->loaded || c->has_committed || !keeps_history(c->parent)) return MR_OK;
    if (c->n > 0) {
        c->committed = resize_array(heap, NULL, 0, c->n);
        if (!c->committed) return MR_FAIL;
        memcpy(c->committed, c->items, c->n * sizeof(mr_entity *));
        c->ncommitted = c->n;
        mark_all(heap, c->committed, c->n);
    }
    c->has_committed = true;
    return MR_OK;
}

static void drop_committed(mr_heap *heap, mr_collection *c) {
    free_array(heap, c->committed, c->ncommitted);
    c->committed = NULL;
    c->ncommitted = 0;
    c->has_committed = c->partial = false;
}

static void set_dirty(const mr_collection *c, bool dirty) {
    mr_value *place = mr_entity_place(c->parent, c->prop->slot);
    if (!place || place->u.p != c) return;
    if (dirty && keeps_history(c->parent) && !is_view(c)) place->flags |= MR_VALUE_DIRTY;
    else place->flags &= (uint8_t)~MR_VALUE_DIRTY;
}

/* Everything that a change needs and that can fail. */
static mr_status prepare(mr_heap *heap, mr_collection *c) {
    if (is_view(c)) return MR_OK;
    return keep_committed(heap, c) == MR_OK ? mr_entity_mark_modified(c->parent) : MR_FAIL;
}

/* Versions rise over all collections, so that equal ones are of one collection in one state. */
static void next_version(mr_collection *c) {
    mr_heap *heap = heap_for(c);
    if (++heap->collection_version == 0) heap->collection_version = 1;
    c->version = heap->collection_version;
}

static void changed(mr_collection *c) {
    next_version(c);
    set_dirty(c, true);
}

mr_status mr_collection_insert(mr_collection *c, uint32_t at, mr_entity *item) {
    mr_heap *heap = heap_for(c);
    if (reserve(heap, &c->items, &c->cap, c->n) != MR_OK || prepare(heap, c) != MR_OK) return MR_FAIL;
    uint32_t was = c->loaded ? UINT32_MAX : find_in(c->removed, c->nremoved, item);
    if (was != UINT32_MAX) {
        remove_removed(heap, c, was); /* it was removed and is put back: no change is left */
    } else {
        if (at > c->n) at = c->n;
        memmove(&c->items[at + 1], &c->items[at], (c->n - at) * sizeof(mr_entity *));
        c->items[at] = item;
        c->n++;
        heap_mark_written(heap, item);
        mr_collection_index_added(c, item, at);
    }
    changed(c);
    return MR_OK;
}

mr_status mr_collection_remove_at(mr_collection *c, uint32_t at) {
    mr_heap *heap = heap_for(c);
    if (at >= c->n)
        return mr_fail(heap->env, MR_ERR_ARGUMENT, "%s.%s has no item %lu", c->parent->mapper->name, c->prop->name,
                       (unsigned long)at + 1);
    if (prepare(heap, c) != MR_OK) return MR_FAIL;
    remove_item(heap, c, at);
    changed(c);
    return MR_OK;
}

mr_status mr_collection_replace_at(mr_collection *c, uint32_t at, mr_entity *item) {
    mr_heap *heap = heap_for(c);
    if (prepare(heap, c) != MR_OK) return MR_FAIL;
    mr_collection_index_removed(c, c->items[at]);
    c->items[at] = item;
    heap_mark_written(heap, item);
    mr_collection_index_added(c, item, at);
    changed(c);
    return MR_OK;
}

mr_status mr_collection_note_removed(mr_collection *c, mr_entity *item) {
    mr_heap *heap = heap_for(c);
    uint32_t at = mr_collection_find(c, item);
    if (at != UINT32_MAX) return mr_collection_remove_at(c, at);
    if (c->loaded || find_in(c->removed, c->nremoved, item) != UINT32_MAX) return MR_OK;
    if (reserve(heap, &c->removed, &c->removed_cap, c->nremoved) != MR_OK || prepare(heap, c) != MR_OK) return MR_FAIL;
    c->removed[c->nremoved++] = item;
    heap_mark_written(heap, item);
    changed(c);
    return MR_OK;
}

uint32_t mr_collection_find(mr_collection *c, const mr_entity *item) {
    if (c->n < INDEXED_FROM) return find_in(c->items, c->n, item);
    return mr_collection_index_find(c, item);
}

uint32_t mr_collection_find_shown(mr_collection *c, const mr_entity *item) {
    return c->partial ? find_in(c->committed, c->ncommitted, item) : mr_collection_find(c, item);
}

bool mr_collection_holds(mr_collection *c, const mr_entity *item) {
    if (c->n < INDEXED_FROM) return find_in(c->items, c->n, item) != UINT32_MAX;
    return mr_collection_index_holds(c, item);
}

/* ---------------------------------------------------------------- compared with the database */

static void flag_all(mr_entity *const *array, uint32_t n, uint32_t flags) {
    for (uint32_t i = 0; i < n; i++) array[i]->flags |= flags;
}

static void unflag_all(mr_entity *const *array, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) array[i]->flags &= ~(uint32_t)(MR_ENTITY_SCRATCH_A | MR_ENTITY_SCRATCH_B);
}

/* Writes to out the rows that were not removed (removed ones have SCRATCH_A), then those of the first `pending` items
 * that are not among the rows (rows have SCRATCH_B). Returns the number of items. *differs: they are not just the rows.
 */
static uint32_t merge(const mr_collection *c, mr_entity *const *rows, uint32_t n, uint32_t pending, mr_entity **out,
                      bool *differs) {
    uint32_t len = 0;
    if (c->nremoved == 0 && pending == 0) { /* there is nothing to tell apart */
        for (uint32_t i = 0; i < n; i++) {
            if ((rows[i]->flags & MR_ENTITY_MODIFIED) && mr_entity_has_left(c->parent, c->prop->relationship, rows[i]))
                *differs = true;
            else out[len++] = rows[i];
        }
        return len;
    }
    flag_all(c->removed, c->nremoved, MR_ENTITY_SCRATCH_A);
    flag_all(rows, n, MR_ENTITY_SCRATCH_B);
    for (uint32_t i = 0; i < n; i++) {
        if ((rows[i]->flags & MR_ENTITY_SCRATCH_A) || mr_entity_has_left(c->parent, c->prop->relationship, rows[i]))
            *differs = true;
        else out[len++] = rows[i];
    }
    for (uint32_t i = 0; i < pending; i++) {
        if (c->items[i]->flags & MR_ENTITY_SCRATCH_B) continue;
        out[len++] = c->items[i];
        *differs = true;
    }
    unflag_all(c->removed, c->nremoved);
    unflag_all(rows, n);
    return len;
}

static void set_as_of(mr_collection *c) {
    if (c->parent->owner) c->as_of = c->parent->owner->as_of;
}

static bool holds_just(const mr_collection *c, mr_entity *const *items, uint32_t n) {
    return c->loaded && !c->has_committed && c->n == n && mr_collection_is_set(c) &&
           (n == 0 || memcmp(c->items, items, n * sizeof(mr_entity *)) == 0);
}

mr_status mr_collection_fill(mr_collection *c, mr_entity *const *items, uint32_t n) {
    mr_heap *heap = heap_for(c);
    if (holds_just(c, items, n)) {
        set_as_of(c);
        return MR_OK;
    }
    uint32_t pending = c->loaded ? 0 : c->n; /* the items that were appended before it was loaded */
    uint32_t cap = n + pending;
    if (cap < n) return mr_nomem(heap->env);
    mr_entity **merged = NULL, **rows = NULL;
    if (cap > 0 && !(merged = resize_array(heap, NULL, 0, cap))) return MR_FAIL;
    bool differs = false;
    uint32_t len = merged ? merge(c, items, n, pending, merged, &differs) : 0;
    if (differs && n > 0) {
        rows = resize_array(heap, NULL, 0, n);
        if (!rows || mr_entity_mark_modified(c->parent) != MR_OK) {
            free_array(heap, rows, n);
            free_array(heap, merged, cap);
            return MR_FAIL;
        }
        memcpy(rows, items, n * sizeof(mr_entity *));
    }
    mr_collection_index_drop(heap->env, c);
    drop_committed(heap, c);
    free_array(heap, c->items, c->cap);
    c->items = merged;
    c->cap = cap;
    c->n = len;
    c->nremoved = 0;
    c->committed = rows;
    c->ncommitted = rows ? n : 0;
    c->has_committed = differs;
    c->loaded = true;
    next_version(c);
    set_as_of(c);
    mark_all(heap, c->items, c->n);
    mark_all(heap, c->committed, c->ncommitted);
    set_dirty(c, differs);
    if (!differs) mr_entity_leave_if_clean(c->parent);
    return MR_OK;
}

mr_status mr_collection_fill_part(mr_collection *c, mr_entity *const *items, uint32_t n) {
    mr_heap *heap = heap_for(c);
    if (c->loaded || c->n > 0 || c->nremoved > 0) return MR_OK;
    mr_entity **part = n > 0 ? resize_array(heap, NULL, 0, n) : NULL;
    if (n > 0 && !part) return MR_FAIL;
    drop_committed(heap, c);
    if (part) memcpy(part, items, n * sizeof(mr_entity *));
    c->committed = part;
    c->ncommitted = n;
    c->partial = true;
    next_version(c);
    set_as_of(c);
    mark_all(heap, c->committed, c->ncommitted);
    return MR_OK;
}

uint32_t mr_collections_version(const mr_heap *heap) { return heap->collection_version; }

bool mr_collection_is_part_since(const mr_collection *c, uint32_t version) {
    return c->partial && c->version - version - 1 < UINT32_MAX / 2; /* the numbers begin again at the end */
}

/* Appends each item once: to `in` if it has SCRATCH_A, else to `other`. Items that were appended get SCRATCH_B. */
static mr_status sort_out(mr_entity *const *array, uint32_t n, mr_vec *in, mr_vec *other) {
    for (uint32_t i = 0; i < n; i++) {
        mr_entity *e = array[i];
        if (e->flags & MR_ENTITY_SCRATCH_B) continue;
        e->flags |= MR_ENTITY_SCRATCH_B;
        mr_vec *vec = e->flags & MR_ENTITY_SCRATCH_A ? in : other;
        if (vec && mr_vec_push_ptr(vec, e) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_collection_changes(mr_collection *c, mr_vec *added, mr_vec *removed, mr_vec *unchanged) {
    mr_status status;
    if (is_view(c)) {
        status = sort_out(c->items, c->n, NULL, unchanged);
    } else if (!keeps_history(c->parent)) {
        status = sort_out(c->items, c->n, NULL, added);
    } else if (!c->loaded) {
        status = sort_out(c->items, c->n, NULL, added);
        if (status == MR_OK) status = sort_out(c->removed, c->nremoved, NULL, removed);
    } else if (!c->has_committed) {
        status = sort_out(c->items, c->n, NULL, unchanged);
    } else {
        flag_all(c->committed, c->ncommitted, MR_ENTITY_SCRATCH_A);
        status = sort_out(c->items, c->n, unchanged, added);
        if (status == MR_OK) status = sort_out(c->committed, c->ncommitted, removed, NULL);
    }
    unflag_all(c->items, c->n);
    unflag_all(c->removed, c->nremoved);
    unflag_all(c->committed, c->ncommitted);
    return status;
}

bool mr_collection_held(const mr_collection *c, const mr_entity *item) {
    if (!c->loaded) return false;
    if (c->has_committed) return find_in(c->committed, c->ncommitted, item) != UINT32_MAX;
    return find_in(c->items, c->n, item) != UINT32_MAX;
}

bool mr_collection_changed(const mr_collection *c) {
    if (is_view(c)) return false;
    if (!keeps_history(c->parent)) return c->n > 0;
    if (!c->loaded) return c->n > 0 || c->nremoved > 0;
    if (!c->has_committed) return false;
    return c->n != c->ncommitted || (c->n > 0 && memcmp(c->items, c->committed, c->n * sizeof(mr_entity *)) != 0);
}

void mr_collection_note_assigned(mr_collection *c) { next_version(c); }

bool mr_collection_is_set(const mr_collection *c) { return c->version > 0; }

/* An unloaded collection forgets what was appended and removed. */
static void forget_pending(mr_heap *heap, mr_collection *c) {
    if (c->loaded) return;
    mr_collection_index_drop(heap->env, c);
    c->n = c->nremoved = 0;
}

void mr_collection_accept(mr_collection *c) {
    mr_heap *heap = heap_for(c);
    if (c->partial && c->n == 0 && c->nremoved == 0) return;
    drop_committed(heap, c);
    forget_pending(heap, c);
    set_dirty(c, false);
    /* The object was new until now: no other program can have added items. */
    if (c->loaded && c->as_of == MR_AS_OF_NOTHING) set_as_of(c);
    if (c->prop->relationship && mr_relationship_is_queried(c->prop->relationship)) {
        c->loaded = false; /* it is queried, so its items need not stay in memory */
        forget_pending(heap, c);
    }
}

void mr_collection_revert(mr_collection *c) {
    mr_heap *heap = heap_for(c);
    if (c->loaded && c->has_committed) {
        mr_collection_index_drop(heap->env, c);
        free_array(heap, c->items, c->cap);
        c->items = c->committed;
        c->n = c->cap = c->ncommitted;
        mark_all(heap, c->items, c->n);
        c->committed = NULL;
        c->ncommitted = 0;
        c->has_committed = false;
    }
    forget_pending(heap, c);
    next_version(c);
    set_dirty(c, false);
}

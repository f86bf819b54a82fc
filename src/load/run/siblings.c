/*
 * siblings.c: which objects were loaded together, so that what one of them lacks is loaded for the next ones, too.
 *
 * Invariant: a place names the newest group of an object, and at most one more: that of a loop around the load that has
 * made the newest one, so that this loop goes on in chunks. A group without places is freed. Objects that were freed
 * are taken out at the end of each trace of the heap, and a group of which one object is left goes with the others.
 * Nothing here exists before the first group is made.
 */
#include "siblings.h"

#include <string.h>

#include "prepared/cache.h"

typedef struct group_entry {
    uint32_t slot, generation;
} group_entry;

/* How many groups of the loops around it a group knows. */
enum { ABOVE = 8 };

typedef struct group_loads {
    const void *what;
    uint32_t n;
} group_loads;

struct mr_group {
    mr_group *next, *before;
    mr_env *env;
    mr_vec loads;    /* group_loads */
    uint32_t n;      /* entries */
    uint32_t places; /* that name this group */
    uint64_t serial; /* from 1 on */
    uint64_t
        above[ABOVE]; /* serials: the group of the object that has asked for these, the one above that, ...; 0: none */
    group_entry entries[];
};

/* Where an object is found: the key is its slot in the heap. */
typedef struct group_place {
    uint32_t slot, generation, index, outer_index;
    mr_group *group, *outer; /* outer: or NULL */
} group_place;

struct mr_siblings {
    mr_env *env;
    mr_heap *heap;
    mr_map *places; /* group_place */
    mr_group *first;
    uint64_t serials; /* given so far */
};

/* ---------------------------------------------------------------- life */

static uint64_t hash_place(const void *element) {
    return ((const group_place *)element)->slot * UINT64_C(0x9E3779B97F4A7C15);
}

static bool equal_places(const void *a, const void *b) {
    return ((const group_place *)a)->slot == ((const group_place *)b)->slot;
}

static void free_group(mr_siblings *s, mr_group *g) {
    if (g->before) g->before->next = g->next;
    else s->first = g->next;
    if (g->next) g->next->before = g->before;
    mr_vec_done(&g->loads);
    mr_free(s->env, g);
}

static void leave_group(mr_siblings *s, mr_group *g) { /* NULL passes */
    if (g && --g->places == 0) free_group(s, g);
}

static void prune_all(mr_env *env);

static void on_close(void *ud) {
    mr_siblings *s = ud;
    while (s->first) free_group(s, s->first);
    mr_map_free(s->places);
    mr_free(s->env, s);
}

/* The environment's, or NULL: there is none yet. */
static mr_siblings *peek(mr_env *env) {
    mr_siblings *const *at = mr_loader_siblings(env);
    return at ? *at : NULL;
}

static mr_siblings *make(mr_env *env) {
    mr_siblings **at = mr_loader_of(env) ? mr_loader_siblings(env) : NULL;
    mr_heap *heap = mr_heap_of(env);
    if (!at || !heap) return NULL;
    if (*at) return *at;
    mr_siblings *s = mr_calloc(env, sizeof *s);
    if (!s) return NULL;
    s->env = env;
    s->heap = heap;
    s->places = mr_map_new(env, sizeof(group_place), hash_place, equal_places);
    if (!s->places || mr_env_on_close(env, on_close, s) != MR_OK) {
        mr_map_free(s->places);
        mr_free(env, s);
        return NULL;
    }
    mr_heap_set_swept(heap, prune_all);
    return *at = s;
}

/* ---------------------------------------------------------------- making a group */

/* Is it the group of a loop around the one that reads g? NULL is none. */
static bool is_above(const mr_group *g, const mr_group *group) {
    for (unsigned i = 0; group && i < ABOVE; i++)
        if (g->above[i] == group->serial) return true;
    return false;
}

static void note_above(mr_group *g, const mr_group *asker) {
    if (!asker) return;
    g->above[0] = asker->serial;
    memcpy(g->above + 1, asker->above, sizeof g->above - sizeof *g->above);
}

/* The object is found in the group from now on, unless it is in the group `kept`. The map has room. */
static void put_place(mr_siblings *s, mr_group *g, const mr_entity *e, const mr_group *kept) {
    group_place place = {
        .slot = e->heap_slot, .generation = mr_heap_generation(s->heap, e->heap_slot), .index = g->n, .group = g};
    group_place *known = mr_map_get(s->places, &place), old = {0};
    if (known) old = *known;
    if (known && old.generation == place.generation) {
        /* It was in two rows, or stays where it is. */
        if (old.group == g || old.group == kept) return;
        bool around = is_above(g, old.group);
        place.outer = around ? old.group : is_above(g, old.outer) ? old.outer : NULL;
        place.outer_index = around ? old.index : old.outer_index;
    }
    if (known) *known = place;
    else mr_map_put(s->places, &place);
    g->entries[g->n++] = (group_entry){place.slot, place.generation};
    g->places++;
    if (place.outer) place.outer->places++;
    leave_group(s, old.group);
    leave_group(s, old.outer);
}

mr_status mr_siblings_add(mr_env *env, mr_entity *const *entities, size_t n, const mr_entity *asker) {
    uint32_t index;
    if (n < 2 || n >= MR_GROUP_BATCHED) return MR_OK;
    mr_siblings *s = make(env);
    mr_group *g = s ? mr_alloc(env, sizeof *g + n * sizeof *g->entries) : NULL;
    if (!g) return MR_FAIL;
    if (mr_map_reserve(s->places, mr_map_count(s->places) + n) != MR_OK) {
        mr_free(env, g);
        return MR_FAIL;
    }
    memset(g, 0, sizeof *g);
    g->env = env;
    g->next = s->first;
    if (g->next) g->next->before = g;
    s->first = g;
    g->serial = ++s->serials;
    mr_vec_init(&g->loads, env, sizeof(group_loads));
    const mr_group *kept = asker ? mr_siblings_of(asker, &index) : NULL;
    note_above(g, kept);
    for (size_t i = 0; i < n; i++) put_place(s, g, entities[i], kept);
    if (g->places == 0) free_group(s, g);
    return MR_OK;
}

/* ---------------------------------------------------------------- pruning */

static bool lives(const mr_siblings *s, const group_entry *entry) {
    return mr_heap_look(s->heap, entry->slot, entry->generation) != NULL;
}

/* The place names the group no more. A place without groups is taken out. */
static void forget_group(mr_siblings *s, group_place *place, mr_group *g) {
    if (!place || (place->group != g && place->outer != g)) return;
    g->places--;
    if (place->group == g) {
        place->group = place->outer;
        place->index = place->outer_index;
    }
    place->outer = NULL;
    if (!place->group) mr_map_remove(s->places, place);
}

/* Takes out the objects that were freed; those behind them move up. */
static void prune(mr_siblings *s, mr_group *g) {
    uint32_t left = 0;
    group_place *place = NULL;
    for (uint32_t i = 0; i < g->n; i++) {
        const group_entry entry = g->entries[i];
        const group_place key = {.slot = entry.slot};
        place = mr_map_get(s->places, &key);
        if (place && place->generation != entry.generation) place = NULL;
        if (!lives(s, &entry)) {
            forget_group(s, place, g);
            continue;
        }
        if (place && place->group == g) place->index = left;
        if (place && place->outer == g) place->outer_index = left;
        g->entries[left++] = entry;
    }
    g->n = left;
    if (left != 1) return;
    const group_place key = {.slot = g->entries[0].slot};
    place = mr_map_get(s->places, &key);
    if (place && place->generation == g->entries[0].generation) forget_group(s, place, g);
}

/* The heap calls this at the end of a trace. */
static void prune_all(mr_env *env) {
    mr_siblings *s = peek(env);
    for (mr_group *g = s ? s->first : NULL, *next; g; g = next) {
        next = g->next;
        prune(s, g);
        if (g->places == 0) free_group(s, g);
    }
    if (s && !s->first) mr_map_clear(s->places);
}

/* ---------------------------------------------------------------- asking */

static const group_place *place_of(const mr_entity *entity) {
    const mr_siblings *s = peek(entity->mapper->env);
    const group_place key = {.slot = entity->heap_slot};
    const group_place *place = s ? mr_map_get(s->places, &key) : NULL;
    return place && place->generation == mr_heap_generation(s->heap, entity->heap_slot) ? place : NULL;
}

mr_group *mr_siblings_of(const mr_entity *entity, uint32_t *index) {
    const group_place *place = place_of(entity);
    if (!place) return NULL;
    *index = place->index;
    return place->group;
}

mr_group *mr_siblings_around(const mr_entity *entity, uint32_t *index) {
    const group_place *place = place_of(entity);
    if (!place || !place->outer) return NULL;
    *index = place->outer_index;
    return place->outer;
}

mr_entity *mr_siblings_next(const mr_group *group, uint32_t *index) {
    mr_heap *heap = mr_heap_of(group->env);
    while (heap && ++*index < group->n) {
        const group_entry *entry = &group->entries[*index];
        mr_entity *e = mr_heap_get(heap, entry->slot, entry->generation);
        if (e) return e;
    }
    return NULL;
}

uint32_t *mr_siblings_loads(mr_group *group, const void *what) {
    for (size_t i = 0; i < group->loads.len; i++) {
        group_loads *loads = mr_vec_at(&group->loads, i);
        if (loads->what == what) return &loads->n;
    }
    group_loads *made = mr_vec_push(&group->loads);
    if (!made) return NULL;
    *made = (group_loads){what, 0};
    return &made->n;
}

size_t mr_siblings_count(mr_env *env, size_t *entries) {
    const mr_siblings *s = peek(env);
    size_t n = 0;
    *entries = 0;
    for (const mr_group *g = s ? s->first : NULL; g; g = g->next) {
        n++;
        *entries += g->n;
    }
    return n;
}

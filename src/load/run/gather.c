/*
 * gather.c: collects the children of parents and fills the parents' slots at the end, each once.
 *
 * Invariant: a slot that was loaded already at the first row of its parent is not changed, unless it is to be renewed.
 * Children keep the order of their rows; rows of one parent need not be neighbours.
 */
#include "gather.h"

#include <string.h>

#define NO_LINK UINT32_MAX

typedef struct gathered_parent {
    mr_entity *parent;
    uint32_t first, last, count; /* links */
    bool loaded;
} gathered_parent;

typedef struct gathered_link {
    mr_entity *child;
    uint32_t next;
} gathered_link;

typedef struct parent_number {
    const void *parent;
    uint32_t number;
} parent_number;

void mr_gather_init(mr_gather *g, mr_env *env, const mr_property *prop, bool repeats, bool force, uint32_t since) {
    const mr_relationship *rel = prop->relationship;
    memset(g, 0, sizeof *g);
    g->env = env;
    g->prop = prop;
    g->list = rel->uselist >= 0 ? rel->uselist > 0 : rel->direction != MR_MANY_TO_ONE;
    g->repeats = repeats;
    g->force = force;
    g->since = since;
    g->seen.env = env;
    mr_vec_init(&g->parents, env, sizeof(gathered_parent));
    mr_vec_init(&g->links, env, sizeof(gathered_link));
}

static void forget_all(mr_gather *g) {
    g->parents.len = g->links.len = 0;
    g->last = 0;
    if (g->numbers) mr_map_clear(g->numbers);
    mr_seen_done(&g->seen);
}

void mr_gather_done(mr_gather *g) {
    if (!g->env) return;
    mr_vec_done(&g->parents);
    mr_vec_done(&g->links);
    mr_map_free(g->numbers);
    mr_seen_done(&g->seen);
}

static gathered_parent *parent_at(const mr_gather *g, uint32_t i) { return mr_vec_at(&g->parents, i); }

/* Has the same load filled the slot with a part? */
static bool has_part(const mr_gather *g, mr_entity *parent) {
    const mr_value *v = mr_entity_slot(parent, g->prop->slot);
    return v->kind == MR_COLLECTION && mr_collection_is_part_since(v->u.p, g->since);
}

static bool is_loaded(const mr_gather *g, mr_entity *parent) {
    const mr_value *v = mr_entity_slot(parent, g->prop->slot);
    if (has_part(g, parent)) return true;
    if (g->force) return false;
    if (g->renews && mr_entity_relation_is_older(parent, g->prop)) return false;
    if (v->kind == MR_COLLECTION) return ((const mr_collection *)v->u.p)->loaded;
    return v->kind != MR_UNLOADED;
}

uint32_t mr_gather_number_of(mr_gather *g, const mr_entity *parent) {
    if (g->last < g->parents.len && parent_at(g, g->last)->parent == parent) return g->last;
    parent_number key = {parent, 0};
    const parent_number *found = g->numbers ? mr_map_get(g->numbers, &key) : NULL;
    if (!found) return UINT32_MAX;
    return g->last = found->number;
}

mr_status mr_gather_parent(mr_gather *g, mr_entity *parent, uint32_t *out) {
    *out = mr_gather_number_of(g, parent);
    if (*out != UINT32_MAX) return MR_OK;
    if (!g->numbers) {
        g->numbers = mr_map_new(g->env, sizeof(parent_number), mr_map_hash_ptr, mr_map_equal_ptr);
        if (!g->numbers) return MR_FAIL;
    }
    parent_number n = {parent, (uint32_t)g->parents.len};
    gathered_parent *made = mr_vec_push(&g->parents);
    if (!made) return MR_FAIL;
    *made = (gathered_parent){parent, NO_LINK, NO_LINK, 0, is_loaded(g, parent)};
    if (!mr_map_put(g->numbers, &n)) return MR_FAIL;
    *out = g->last = n.number;
    return MR_OK;
}

bool mr_gather_skip_empty(mr_gather *g, uint32_t parent) {
    gathered_parent *p = parent_at(g, parent);
    if (p->loaded || p->count > 0) return false;
    return p->loaded = true;
}

mr_status mr_gather_child(mr_gather *g, uint32_t parent, mr_entity *child) {
    gathered_parent *p = parent_at(g, parent);
    if (p->loaded || (p->count > 0 && !g->list)) return MR_OK;
    if (p->count > 0 && ((gathered_link *)mr_vec_at(&g->links, p->last))->child == child && g->repeats) return MR_OK;
    if (g->repeats) {
        mr_status status = mr_seen_add(&g->seen, child, p->parent);
        if (status != MR_OK) return status == MR_NOTFOUND ? MR_OK : status;
    }
    gathered_link *link = mr_vec_push(&g->links);
    if (!link) return MR_FAIL;
    *link = (gathered_link){child, NO_LINK};
    uint32_t number = (uint32_t)(g->links.len - 1);
    if (p->count++ == 0) p->first = number;
    else ((gathered_link *)mr_vec_at(&g->links, p->last))->next = number;
    p->last = number;
    return MR_OK;
}

/* ---------------------------------------------------------------- filling */

static mr_status fill_reference(const mr_gather *g, const gathered_parent *p) {
    mr_entity *child = p->count > 0 ? ((gathered_link *)mr_vec_at(&g->links, p->first))->child : NULL;
    return mr_entity_put_reference(p->parent, g->prop, child, g->force);
}

static mr_status fill_list(const mr_gather *g, const gathered_parent *p, mr_vec *items) {
    const gathered_link *links = g->links.data;
    if (mr_vec_reserve(items, p->count) != MR_OK) return MR_FAIL;
    mr_entity **children = items->data;
    items->len = 0;
    for (uint32_t i = p->first; i != NO_LINK; i = links[i].next) children[items->len++] = links[i].child;
    if (g->force) mr_entity_forget(p->parent, g->prop->slot);
    mr_collection *c = mr_entity_collection(p->parent, g->prop, false);
    if (c && g->part) return mr_collection_fill_part(c, items->data, (uint32_t)items->len);
    return c ? mr_collection_fill(c, items->data, (uint32_t)items->len) : MR_FAIL;
}

mr_status mr_gather_finish(mr_gather *g) {
    mr_vec items;
    mr_status status = MR_OK;
    mr_vec_init(&items, g->env, sizeof(mr_entity *));
    for (size_t i = 0; i < g->parents.len && status == MR_OK; i++) {
        const gathered_parent *p = mr_vec_at(&g->parents, i);
        if (!p->loaded && !has_part(g, p->parent)) status = g->list ? fill_list(g, p, &items) : fill_reference(g, p);
    }
    mr_vec_done(&items);
    forget_all(g);
    return status;
}

/*
 * batch.c: loads what a program reads of one object for the objects after it in its result, too.
 *
 * Invariants: a statement for many objects stands for at least the one that the program would have sent. No object is
 * kept alive, and one that is deleted, expunged, expired or changed is left alone, as is one that came with other
 * options. Where a row of another object cannot be read, the program is not told: the object is loaded alone, and so
 * are the others of its group.
 */
#include "plan/planner.h"
#include "run/siblings.h"
#include "job.h"

const mr_strategy mr_strategy_batch = {.word = "batch", .option = "batchload", .batches = true};

static mr_batching or_usual(mr_batching given) { return given.max ? given : (mr_batching){1, MR_BATCH_MAX}; }

/* ---------------------------------------------------------------- whom to load */

enum { UNFIT = MR_ENTITY_TO_DELETE | MR_ENTITY_GONE };
enum { BAD_VALUES = MR_ENTITY_BAD_NULL | MR_ENTITY_BAD_KEEP };

/* May the object be loaded with the one that the program reads? It belongs to the same session, has a row, and all that
 * is known of it is of now. */
static bool is_fit(const mr_entity *of, mr_entity *e, const mr_mapper *mapper) {
    return e->owner == of->owner && e->state == MR_PERSISTENT && e->generation == e->owner->generation &&
           !(e->flags & UNFIT) && (e->flags & BAD_VALUES) == (of->flags & BAD_VALUES) &&
           mr_mapper_isa(e->mapper, mapper) && mr_entity_slot(e, e->mapper->pk_slots[0])->kind != MR_UNLOADED;
}

/* Does loading the relationship of the object take a statement? Not if it is loaded or changed, its key is not known
 * or not in the database yet, or the target is in memory. */
static bool takes_statement(const mr_load_context *ctx, mr_entity *e, const mr_property *prop) {
    const mr_relationship *rel = prop->relationship;
    const mr_value *v = mr_entity_slot(e, prop->slot);
    bool null = rel->npairs > 0;
    if (v->kind != MR_UNLOADED && v->kind != MR_COLLECTION) return false;
    if (v->kind == MR_COLLECTION) {
        const mr_collection *c = v->u.p;
        if (c->loaded || mr_collection_changed(c)) return false;
    }
    if (v->flags & MR_VALUE_DIRTY) return false;
    for (unsigned i = 0; i < rel->npairs; i++) {
        uint16_t slot = rel->pairs[i].local_slot;
        if (slot == UINT16_MAX) {
            null = false;
            continue;
        }
        uint8_t kind = mr_entity_slot(e, slot)->kind;
        if (kind == MR_UNLOADED || mr_entity_is_dirty(e, slot)) return false;
        if (kind != MR_NULL) null = false;
    }
    return !null && !mr_relationship_is_in_memory(ctx, e, prop);
}

/* Does the object lack one of the columns? */
static bool lacks_column(mr_entity *e, const mr_property *const *props, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (mr_entity_slot(e, props[i]->slot)->kind == MR_UNLOADED) return true;
    return false;
}

/* What is loaded: a relationship, or (columns not NULL) n columns. */
typedef struct what {
    const mr_load_context *ctx;
    mr_mapper *mapper; /* of the objects */
    const mr_property *prop;
    const mr_property *const *columns;
    unsigned n;
    const void *key; /* by which a group counts the loads */
    bool one_class;  /* the objects of subclasses are left to loads of their own, which bring what these add */
} what;

static bool is_wanted(const what *w, const mr_entity *of, mr_entity *e) {
    if ((w->one_class && e->mapper != w->mapper) || !is_fit(of, e, w->mapper)) return false;
    if (w->columns) return lacks_column(e, w->columns, w->n);
    return takes_statement(w->ctx, e, w->prop) && mr_options_agree(w->prop, mr_entity_origin(of), mr_entity_origin(e));
}

/* For those who watch: what is loaded next is a batch, or what is left of one. before: how many of the group have
 * loaded alone, if it is the first batch. */
static void note_batch(mr_owner *owner, uint32_t before) {
    owner->batch_at = owner->reads + 1;
    owner->batch_after = before;
}

/* The groups of an object, and how many have loaded in each. */
typedef struct groups {
    unsigned n;
    mr_group *group[2];
    uint32_t index[2], *loads[2];
} groups;

static mr_status find_groups(const mr_entity *entity, const void *key, groups *g) {
    g->n = 0;
    if (!(g->group[0] = mr_siblings_of(entity, &g->index[0]))) return MR_OK;
    g->n = (g->group[1] = mr_siblings_around(entity, &g->index[1])) ? 2 : 1;
    for (unsigned i = 0; i < g->n; i++)
        if (!(g->loads[i] = mr_siblings_loads(g->group[i], key))) return MR_FAIL;
    return MR_OK;
}

static void set_loads(const groups *g, uint32_t n) {
    for (unsigned i = 0; i < g->n; i++)
        if (*g->loads[i] != MR_GROUP_ALONE) *g->loads[i] = n;
}

/* Appends to parents the object and those after it in the group that are loaded with it; none if there is no other. */
static mr_status gather_in(const what *w, mr_entity *entity, mr_group *group, uint32_t index, uint16_t max,
                           mr_vec *parents) {
    mr_status status = mr_vec_push_ptr(parents, entity);
    for (mr_entity *e; status == MR_OK && parents->len < max && (e = mr_siblings_next(group, &index));)
        if (is_wanted(w, entity, e)) status = mr_vec_push_ptr(parents, e);
    if (parents->len < 2) parents->len = 0;
    return status;
}

/* Counts the load, and appends to parents the object and those after it that are loaded with it. None: it is to be
 * loaded alone. */
static mr_status gather(const what *w, mr_entity *entity, mr_batching batch, mr_vec *parents) {
    groups g = {0};
    if (find_groups(entity, w->key, &g) != MR_OK) return MR_FAIL;
    if (g.n == 0 || !is_wanted(w, entity, entity)) return MR_OK;
    for (unsigned i = 0; i < g.n; i++) {
        uint32_t loads = *g.loads[i], index = g.index[i];
        if (loads < batch.after || loads == MR_GROUP_ALONE) continue;
        if (gather_in(w, entity, g.group[i], index, batch.max, parents) != MR_OK) return MR_FAIL;
        if (parents->len > 0) {
            note_batch(w->ctx->owner, loads == MR_GROUP_BATCHED ? 0 : loads);
            set_loads(&g, MR_GROUP_BATCHED);
            return MR_OK;
        }
        if (loads == MR_GROUP_BATCHED && !mr_siblings_next(g.group[i], &index)) note_batch(w->ctx->owner, 0);
    }
    for (unsigned i = 0; i < g.n; i++)
        if (*g.loads[i] < batch.after) ++*g.loads[i];
    return MR_OK;
}

/* Is it an error of a row, which may be that of another object? */
static bool is_of_a_row(const mr_env *env) {
    mr_errkind kind = mr_env_error(env)->kind;
    return kind == MR_ERR_DATA || kind == MR_ERR_INVALID_REQUEST || kind == MR_ERR_MULTIPLE_RESULTS_FOUND;
}

/* After a failure: MR_NOTFOUND, without an error, if the object is to be loaded alone, as are the others from now on.
 */
static mr_status alone(const mr_load_context *ctx, const mr_entity *entity, const void *key) {
    groups g;
    ctx->owner->batch_at = 0;
    if (!is_of_a_row(ctx->env)) return MR_FAIL;
    mr_env_clear_error(ctx->env);
    if (find_groups(entity, key, &g) != MR_OK) return MR_FAIL;
    set_loads(&g, MR_GROUP_ALONE);
    return MR_NOTFOUND;
}

/* ---------------------------------------------------------------- relationships */

static mr_status load_related(const mr_load_context *ctx, const mr_property *prop, const mr_below *below,
                              const mr_vec *parents) {
    mr_load *load;
    const mr_entity *first = mr_vec_ptr(parents, 0);
    const mr_plan_entity entity = {.mapper = first->mapper};
    const mr_plan_follow follow = {
        .prop = prop, .strategy = &mr_strategy_selectin, .with = below->with, .nopts = below->n, .opts = below->opts};
    if (mr_load_open_jobs(ctx, &load) != MR_OK) return MR_FAIL;
    mr_status status = mr_jobs_add_for(load, &entity, &follow, parents);
    if (status == MR_OK) status = mr_load_run_jobs(load);
    mr_load_close(load);
    return status;
}

mr_status mr_batch_relationship(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop,
                                mr_batching batch, const mr_below *below) {
    const what w = {.ctx = ctx, .mapper = prop->mapper, .prop = prop, .key = prop};
    mr_vec parents;
    mr_vec_init(&parents, ctx->env, sizeof(mr_entity *));
    mr_status status = gather(&w, entity, or_usual(batch), &parents);
    bool several = status == MR_OK && parents.len > 0;
    if (several) status = load_related(ctx, prop, below, &parents);
    mr_vec_done(&parents);
    if (several && status == MR_FAIL) return alone(ctx, entity, prop);
    if (status != MR_OK) return status;
    if (!several) return MR_NOTFOUND;
    if (!takes_statement(ctx, entity, prop)) return MR_OK;
    ctx->owner->batch_at = 0;
    return MR_NOTFOUND;
}

/* ---------------------------------------------------------------- neighbours */

enum { FARTHEST = 16384 };

/* Appends those of the session that are too far from the object in the heap, if the session is not large: where objects
 * lie must not decide how many statements are sent. */
static mr_status far_ones(const what *w, mr_entity *entity, size_t max, mr_vec *out) {
    mr_idmap *map = entity->owner->idmap;
    mr_status status = MR_OK;
    size_t cursor = 0;
    if (mr_idmap_count(map) > FARTHEST) return MR_OK;
    for (mr_entity *e; status == MR_OK && out->len < max && (e = mr_idmap_next(map, &cursor));) {
        uint32_t a = e->heap_slot, b = entity->heap_slot;
        if ((a < b ? b - a : a - b) >= FARTHEST / 2 && is_wanted(w, entity, e)) status = mr_vec_push_ptr(out, e);
    }
    return status;
}

mr_status mr_load_neighbours(mr_entity *entity, const mr_property *prop, size_t max, mr_vec *out) {
    const mr_load_context ctx = {.env = entity->mapper->env, .owner = entity->owner};
    const what w = {.ctx = &ctx, .mapper = prop->mapper, .prop = prop};
    mr_heap *heap = mr_heap_of(ctx.env);
    uint32_t index;
    mr_group *group = mr_siblings_of(entity, &index);
    mr_status status = heap ? mr_vec_push_ptr(out, entity) : MR_FAIL;
    if (group) {
        for (mr_entity *e; status == MR_OK && out->len < max && (e = mr_siblings_next(group, &index));)
            if (is_wanted(&w, entity, e)) status = mr_vec_push_ptr(out, e);
        group = out->len == 1 ? mr_siblings_around(entity, &index) : NULL;
        for (mr_entity *e; group && status == MR_OK && out->len < max && (e = mr_siblings_next(group, &index));)
            if (is_wanted(&w, entity, e)) status = mr_vec_push_ptr(out, e);
        return status;
    }
    /* New objects take the places of freed ones from the last on: those made after it may be on either side. */
    for (uint32_t i = 2; status == MR_OK && out->len < max && i < FARTHEST; i++) {
        uint32_t away = i / 2, slot = i % 2 ? entity->heap_slot - away : entity->heap_slot + away;
        if (i % 2 && away >= entity->heap_slot) continue;
        mr_entity *e = mr_heap_get(heap, slot, mr_heap_generation(heap, slot));
        if (e && is_wanted(&w, entity, e)) status = mr_vec_push_ptr(out, e);
    }
    return status == MR_OK && out->len < max ? far_ones(&w, entity, max, out) : status;
}

/* ---------------------------------------------------------------- columns */

/* The options of a query that reads nothing but these columns. Consumes q. */
static mr_query *only(mr_query *q, const what *w) {
    const mr_option lazily = {.kind = MR_OPTION_WILDCARD_LAZY, .strategy = MR_LAZY_SELECT, .mapper = w->mapper};
    mr_query *made = q ? mr_query_options(q, &lazily, 1) : NULL;
    mr_query_release(q);
    for (unsigned i = 0; made && i < w->n; i++) {
        mr_option_step step = {.prop = w->columns[i]};
        const mr_option option = {.kind = MR_OPTION_LOAD_ONLY, .nsteps = 1, .steps = &step, .mapper = w->mapper};
        mr_query *next = mr_query_options(made, &option, 1);
        mr_query_release(made);
        made = next;
    }
    return made;
}

/* The primary key IN the keys of the objects. NULL: failed. */
static mr_node *keys_of(const mr_mapper *mapper, const mr_vec *entities) {
    mr_env *env = mapper->env;
    mr_value *keys = mr_alloc(env, (entities->len + 1) * mapper->npk * sizeof *keys);
    mr_node **columns = mr_calloc(env, (mapper->npk + (size_t)1) * sizeof(mr_node *));
    bool failed = !keys || !columns;
    for (size_t i = 0; i < entities->len && !failed; i++)
        mr_entity_key(mr_vec_ptr(entities, i), keys + i * mapper->npk);
    for (uint16_t i = 0; i < mapper->npk && !failed; i++)
        failed = !(columns[i] = mr_property_node(mr_mapper_at_slot(mapper, mapper->pk_slots[i]), NULL));
    mr_node *made = failed ? NULL : mr_keys_criterion(env, columns, mapper->npk, keys, entities->len);
    if (failed && columns)
        for (uint16_t i = 0; i < mapper->npk; i++) mr_node_release(columns[i]);
    mr_free(env, columns);
    mr_free(env, keys);
    return made;
}

static mr_status load_columns(const what *w, const mr_vec *entities) {
    mr_query_item item = {.mapper = w->mapper};
    const mr_value *rows;
    size_t n;
    mr_load *load = NULL;
    mr_load_context ctx = *w->ctx;
    ctx.batch = (mr_batching){0, 0}; /* these rows make no group of their own */
    ctx.any_row = true;
    mr_query *q = only(mr_query_new(ctx.env, &item, 1, false), w);
    mr_query *keyed = q ? mr_query_where(q, keys_of(item.mapper, entities)) : NULL;
    mr_query_release(q);
    mr_status status = keyed ? mr_load_start(&ctx, keyed, &load) : MR_FAIL;
    mr_query_release(keyed);
    if (status == MR_OK) status = mr_load_all(load, &rows, &n);
    mr_load_close(load);
    return status;
}

/* Notes that the entity has all columns, if it has. */
static void note_whole(mr_entity *e) {
    size_t index = 0;
    if ((e->flags & MR_ENTITY_PARTIAL) && !mr_refresh_next_lacking(e, &index)) e->flags &= ~(uint32_t)MR_ENTITY_PARTIAL;
}

/* How columns load in batches: as the query of the object says of "*", or else as the session does. */
static mr_batching for_columns(const mr_load_context *ctx, const mr_entity *entity) {
    const mr_origin *origin = mr_entity_origin(entity);
    mr_batching batch = ctx->batch;
    for (unsigned i = 0; origin && i < origin->nopts; i++) {
        const mr_option *o = &origin->opts[i];
        if (o->kind == MR_OPTION_WILDCARD_LAZY && o->nsteps == 0 && o->batch.max > 0) batch = o->batch;
    }
    return or_usual(batch);
}

/* Loads the columns for the entity, and for those after it in its group. */
static mr_status load_with_others(const what *w, mr_entity *entity) {
    uint32_t index;
    mr_vec entities;
    mr_vec_init(&entities, w->ctx->env, sizeof(mr_entity *));
    w->ctx->owner->batches = w->ctx->batch.max > 0 || mr_siblings_of(entity, &index);
    mr_status status = gather(w, entity, for_columns(w->ctx, entity), &entities);
    bool several = status == MR_OK && entities.len > 0;
    if (several) status = load_columns(w, &entities);
    for (size_t i = 0; several && i < entities.len; i++) note_whole(mr_vec_ptr(&entities, i));
    mr_vec_done(&entities);
    return several && status == MR_FAIL ? alone(w->ctx, entity, w->key) : status;
}

mr_status mr_load_deferred(const mr_load_context *ctx, mr_entity *entity, const mr_property *const *props, unsigned n) {
    const mr_property *prop = props[0];
    const bool grouped = prop->deferred && prop->deferred_group;
    const void *key = grouped ? (const void *)prop->deferred_group : prop;
    mr_heap *heap = mr_heap_of(ctx->env);
    if (!heap) return MR_FAIL;
    mr_heap_block(heap);
    mr_load_context as_read = mr_load_context_of(ctx, entity);
    const what read = {.ctx = &as_read, .mapper = prop->mapper, .prop = prop, .columns = props, .n = n, .key = key};
    mr_status status = load_with_others(&read, entity);
    mr_heap_unblock(heap);
    if (status == MR_FAIL) return status;
    return lacks_column(entity, props, n) ? mr_load_refresh(ctx, entity, props, n) : MR_OK;
}

mr_status mr_load_lacking(const mr_load_context *ctx, mr_entity *entity) {
    mr_heap *heap = mr_heap_of(ctx->env);
    mr_vec props;
    if (!heap) return MR_FAIL;
    mr_heap_block(heap);
    mr_vec_init(&props, ctx->env, sizeof(mr_property *));
    mr_status status = MR_OK;
    size_t index = 0;
    for (mr_property *p; status == MR_OK && (p = mr_refresh_next_lacking(entity, &index));)
        status = mr_vec_push_ptr(&props, p);
    const mr_property *const *columns = (const mr_property *const *)props.data;
    mr_load_context as_read = mr_load_context_of(ctx, entity);
    const what read = {.ctx = &as_read,
                       .mapper = entity->mapper,
                       .columns = columns,
                       .n = (unsigned)props.len,
                       .key = entity->mapper,
                       .one_class = true};
    if (status == MR_OK && props.len > 0) status = load_with_others(&read, entity);
    bool lacks = status != MR_FAIL && lacks_column(entity, columns, read.n);
    mr_vec_done(&props);
    mr_heap_unblock(heap);
    if (status == MR_FAIL) return status;
    return lacks ? mr_load_refresh(ctx, entity, NULL, 0) : MR_OK;
}

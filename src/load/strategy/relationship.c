/*
 * relationship.c: loads the slot of a relationship when it is first read.
 *
 * Invariant: a target that is in the identity map takes no statement. Else one statement loads the slot, for every kind
 * of relationship.
 */
#include "prepared/cache.h"
#include "plan/planner.h"
#include "job.h"

/* ---------------------------------------------------------------- filling the slot */

static mr_status put_reference(mr_entity *entity, const mr_property *prop, mr_entity *target) {
    return mr_entity_put_reference(entity, prop, target, false);
}

static mr_status put_list(mr_entity *entity, const mr_property *prop, mr_entity *const *items, uint32_t n) {
    mr_collection *c = mr_entity_collection(entity, prop, false);
    return c ? mr_collection_fill(c, items, n) : MR_FAIL;
}

static mr_status put_nothing(mr_entity *entity, const mr_property *prop) {
    return mr_is_list(prop->relationship) ? put_list(entity, prop, NULL, 0) : put_reference(entity, prop, NULL);
}

/* Puts the rows of the load, which has one entity item, into the slot. */
static mr_status put_rows(mr_load *load, mr_entity *entity, const mr_property *prop) {
    const mr_value *rows;
    size_t n;
    if (mr_load_all(load, &rows, &n) != MR_OK) return MR_FAIL;
    if (!mr_is_list(prop->relationship))
        return put_reference(entity, prop, n > 0 && rows[0].kind == MR_ENTITY ? rows[0].u.p : NULL);
    mr_entity **items = mr_alloc(load->env, (n + 1) * sizeof(mr_entity *));
    if (!items) return MR_FAIL;
    for (size_t i = 0; i < n; i++) items[i] = rows[i].u.p;
    mr_status status = put_list(entity, prop, items, (uint32_t)n);
    mr_free(load->env, items);
    return status;
}

/* ---------------------------------------------------------------- the statement */

static const mr_below nothing_below = {0, NULL, NULL};

static mr_query *with_options(mr_query *q, unsigned nopts, const mr_option *opts) {
    mr_query *made = q ? mr_query_options(q, opts, nopts) : NULL;
    mr_query_release(q);
    return made;
}

/* The query for the target of prop, with the options. References from the target back to the parent are known already:
 * they take no join and no statement, unless an option says so. Consumes q. */
static mr_query *with_way_back(mr_query *q, const mr_property *prop, const mr_below *below) {
    const mr_relationship *back = prop->relationship->reverse;
    if (below->n > 0) q = with_options(q, below->n, below->opts);
    if (!back || back->direction != MR_MANY_TO_ONE || !back->use_get || !mr_strategy_is_eager(back->lazy) ||
        mr_options_strategy(back->prop, below->n, below->opts))
        return q;
    mr_option_step step = {back->prop, NULL, NULL, NULL};
    const mr_option option = {
        .kind = MR_OPTION_LAZY, .strategy = MR_LAZY_SELECT, .nsteps = 1, .steps = &step, .mapper = back->prop->mapper};
    return with_options(q, 1, &option);
}

/* Makes the query for the target: the relationship's condition, with the parent's values as late parameters. */
static mr_status make_lazy(void *ud, mr_vec *lates, mr_query **out) {
    const mr_property *prop = ud;
    mr_relationship *rel = prop->relationship;
    mr_env *env = rel->parent->env;
    mr_query_item item = {.mapper = rel->target};
    mr_condition c = {.env = env, .rel = rel, .lates = lates, .parent = 0};
    mr_node *criterion = NULL;
    *out = NULL;
    if (mr_condition_whole(&c, &criterion) != MR_OK) return MR_FAIL;
    mr_query *q = mr_query_new(env, &item, 1, false), *next = NULL;
    if (q) next = mr_query_where(q, criterion);
    else mr_node_release(criterion);
    mr_query_release(q);
    if (next && rel->order_by) {
        q = mr_query_order_by(next, mr_node_retain(rel->order_by));
        mr_query_release(next);
        next = q;
    }
    *out = with_way_back(next, prop, &nothing_below);
    return *out ? MR_OK : MR_FAIL;
}

static mr_prepared *prepared_of(mr_mapper *mapper, uint16_t slot) {
    mr_class_plans *plans = mr_class_plans_of(mapper);
    while (plans && plans->lazy.len <= slot)
        if (!mr_vec_push(&plans->lazy)) return NULL;
    return plans ? mr_vec_at(&plans->lazy, slot) : NULL;
}

/* Does the entity's row in the database have the values that the relationship compares? */
static bool is_stored(const mr_entity *entity, const mr_relationship *rel, bool committed) {
    if (entity->state != MR_PERSISTENT) return false;
    for (unsigned i = 0; i < rel->npairs && !committed; i++)
        if (rel->pairs[i].local_slot != UINT16_MAX && mr_entity_is_dirty(entity, rel->pairs[i].local_slot))
            return false;
    return true;
}

/* *out: must load_folded load the relationship? Asks the database once. */
static mr_status find_folding(const mr_load_context *ctx, const mr_entity *entity, const mr_property *prop,
                              bool committed, bool *out) {
    const mr_relationship *rel = prop->relationship;
    mr_conn *conn;
    mr_prepared *prepared = prepared_of(rel->parent, prop->slot);
    *out = false;
    if (!prepared || ctx->connection(ctx->ud, rel->target, &conn) != MR_OK) return MR_FAIL;
    uint64_t engine = mr_engine_serial(mr_conn_engine(conn));
    if (prepared->engine != engine && mr_relationship_folds(conn, rel, &prepared->folds) != MR_OK) return MR_FAIL;
    prepared->engine = engine;
    *out = (prepared->folds || rel->mixed) && is_stored(entity, rel, committed);
    return MR_OK;
}

/* Loads by a join from the entity's row, so that the database compares the columns. */
static mr_status load_folded(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop,
                             const mr_below *below) {
    const mr_mapper *parent = prop->relationship->parent;
    mr_load *load = NULL;
    mr_query_item item;
    mr_value *key = mr_alloc(ctx->env, parent->npk * sizeof *key);
    if (!key) return MR_FAIL;
    mr_entity_key(entity, key);
    bool ready = mr_target_item(prop, below->with, &item) == MR_OK;
    mr_query *q = ready ? with_way_back(mr_query_from_keys(prop, &item, key, 1, true), prop, below) : NULL;
    mr_status status = q ? mr_load_start(ctx, q, &load) : MR_FAIL;
    mr_query_release(q);
    if (status == MR_OK) status = put_rows(load, entity, prop);
    mr_load_close(load);
    mr_free(ctx->env, key);
    return status;
}

/* Puts the objects of a simple plan's rows into the slot. */
static mr_status put_objects(const mr_load_context *ctx, mr_conn *conn, mr_plan *plan, const mr_value *params,
                             mr_entity *entity, const mr_property *prop) {
    mr_vec items;
    mr_vec_init(&items, ctx->env, sizeof(mr_entity *));
    mr_plan_retain(plan); /* a listener may change the mappings */
    mr_status status = mr_load_objects(ctx, conn, plan, params, &items);
    mr_plan_release(plan);
    if (status == MR_OK && mr_is_list(prop->relationship))
        status = put_list(entity, prop, items.data, (uint32_t)items.len);
    else if (status == MR_OK) status = put_reference(entity, prop, items.len > 0 ? mr_vec_ptr(&items, 0) : NULL);
    mr_vec_done(&items);
    return status;
}

static mr_status load_prepared(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop, bool committed) {
    enum { FEW = 8 };
    mr_value params[FEW];
    mr_conn *conn;
    mr_load *load;
    bool folds;
    if (find_folding(ctx, entity, prop, committed, &folds) != MR_OK) return MR_FAIL;
    if (folds) return load_folded(ctx, entity, prop, &nothing_below);
    mr_prepared *prepared = prepared_of(prop->relationship->parent, prop->slot);
    if (!prepared || ctx->connection(ctx->ud, prop->relationship->target, &conn) != MR_OK) return MR_FAIL;
    if (mr_prepare(ctx->env, prepared, mr_engine_dialect(mr_conn_engine(conn)), make_lazy, (void *)(uintptr_t)prop) !=
        MR_OK)
        return MR_FAIL;
    if (!committed && prepared->plan->simple && mr_plan_params(prepared->plan, NULL, entity, params, FEW))
        return put_objects(ctx, conn, prepared->plan, params, entity, prop);
    mr_run_source source = {.query = prepared->query, .parent = entity, .committed = committed};
    if (mr_load_open(ctx, prepared->plan, &source, false, &load) != MR_OK) return MR_FAIL;
    mr_status status = put_rows(load, entity, prop);
    mr_load_close(load);
    return status;
}

/* Loads with what applies below the relationship: planned like any query. */
static mr_status load_planned(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop,
                              const mr_below *below) {
    mr_query_item item;
    mr_load *load = NULL;
    bool folds;
    if (find_folding(ctx, entity, prop, false, &folds) != MR_OK) return MR_FAIL;
    if (folds) return load_folded(ctx, entity, prop, below);
    if (mr_target_item(prop, below->with, &item) != MR_OK) return MR_FAIL;
    mr_query *q = with_way_back(mr_query_new(ctx->env, &item, 1, false), prop, below), *next;
    next = q ? mr_query_related(q, prop, entity) : NULL;
    mr_query_release(q);
    mr_status status = next ? mr_load_start(ctx, next, &load) : MR_FAIL;
    mr_query_release(next);
    if (status == MR_OK) status = put_rows(load, entity, prop);
    mr_load_close(load);
    return status;
}

/* ---------------------------------------------------------------- without a statement */

/* The deferred columns (at most max) that the condition needs and the entity lacks. *others: it lacks other columns,
 * too. Returns their number. */
static unsigned lacking(mr_entity *entity, const mr_relationship *rel, const mr_property **deferred, unsigned max,
                        bool *others) {
    unsigned n = 0;
    *others = false;
    for (unsigned i = 0; i < rel->npairs && n < max; i++) {
        uint16_t slot = rel->pairs[i].local_slot;
        if (slot == UINT16_MAX || mr_entity_slot(entity, slot)->kind != MR_UNLOADED) continue;
        const mr_property *prop = mr_mapper_at_slot(entity->mapper, slot);
        if (prop && prop->deferred) deferred[n++] = prop;
        else *others = true;
    }
    return n;
}

/* Loads the columns that the condition needs, if the entity has expired or lacks some of them. */
static mr_status load_locals(const mr_load_context *ctx, mr_entity *entity, const mr_relationship *rel) {
    enum { FEW = 8 };
    const mr_property *deferred[FEW];
    bool others;
    unsigned n = lacking(entity, rel, deferred, FEW, &others);
    if ((n == 0 && !others) || entity->state != MR_PERSISTENT) return MR_OK;
    mr_status status = others ? mr_load_refresh(ctx, entity, NULL, 0) : MR_OK;
    while (status == MR_OK && n > 0) {
        status = mr_load_refresh(ctx, entity, deferred, n);
        n = n == FEW ? lacking(entity, rel, deferred, FEW, &others) : 0;
    }
    return status;
}

/* Are all local values NULL? Then no row can match. */
static bool has_no_key(mr_entity *entity, const mr_relationship *rel) {
    for (unsigned i = 0; i < rel->npairs; i++) {
        if (rel->pairs[i].local_slot == UINT16_MAX) return false;
        uint8_t kind = mr_entity_slot(entity, rel->pairs[i].local_slot)->kind;
        if (kind != MR_NULL && kind != MR_UNLOADED) return false;
    }
    return rel->npairs > 0;
}

/* Takes a many-to-one target from the identity map, by its primary key. MR_NOTFOUND, with *identity set: it is not
 * there. */
static mr_status from_map(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop, mr_strbuf *buf,
                          mr_value *identity) {
    enum { FEW = 8 };
    const mr_relationship *rel = prop->relationship;
    mr_value few[FEW], *key = few;
    if (rel->target->npk > FEW && !(key = mr_alloc(ctx->env, rel->target->npk * sizeof *key))) return MR_FAIL;
    mr_status status = mr_target_identity(rel, entity, buf, key, identity);
    if (key != few) mr_free(ctx->env, key);
    if (status == MR_NOTFOUND) return put_reference(entity, prop, NULL);
    if (status != MR_OK) return status;
    mr_entity *known = mr_idmap_get(ctx->owner->idmap, rel->target->root, identity);
    if (!known) return MR_NOTFOUND;
    return put_reference(entity, prop, mr_mapper_isa(known->mapper, rel->target) ? known : NULL);
}

bool mr_relationship_is_in_memory(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop) {
    enum { FEW = 8 };
    const mr_relationship *rel = prop->relationship;
    mr_value few[FEW], identity;
    mr_strbuf buf;
    if (rel->direction != MR_MANY_TO_ONE || !rel->use_get || rel->target->npk > FEW) return false;
    mr_strbuf_init(&buf, ctx->env);
    mr_status status = mr_target_identity(rel, entity, &buf, few, &identity);
    bool known = status == MR_NOTFOUND ||
                 (status == MR_OK && mr_idmap_get(ctx->owner->idmap, rel->target->root, &identity) != NULL);
    if (status == MR_FAIL) mr_env_clear_error(ctx->env);
    mr_strbuf_done(&buf);
    return known;
}

static mr_status load_reference(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop, bool no_sql,
                                const mr_below *below) {
    mr_mapper *target = prop->relationship->target;
    mr_value identity;
    mr_entity *found = NULL;
    mr_strbuf buf;
    mr_query *options = NULL;
    mr_strbuf_init(&buf, ctx->env);
    mr_status status = from_map(ctx, entity, prop, &buf, &identity);
    if (status != MR_NOTFOUND || no_sql) goto out;
    if (below->n > 0 || below->with) {
        mr_query_item item;
        bool ready = mr_target_item(prop, below->with, &item) == MR_OK;
        options = ready ? with_options(mr_query_new(ctx->env, &item, 1, false), below->n, below->opts) : NULL;
        status = options ? MR_OK : MR_FAIL;
        if (status != MR_OK) goto out;
    }
    status = mr_load_by_identity(ctx, target, &identity, options, &found);
    if (status != MR_FAIL) status = put_reference(entity, prop, found);
    mr_entity_unpin(found);
out:
    mr_query_release(options);
    mr_strbuf_done(&buf);
    return status;
}

/* ---------------------------------------------------------------- the strategies of one access */

static mr_status refuse(const mr_load_context *ctx, const mr_entity *entity, const mr_property *prop,
                        const mr_strategy *strategy) {
    return mr_fail(ctx->env, MR_ERR_INVALID_REQUEST,
                   "'%s.%s' is not loaded and may not be (lazy = \"%s\"): load it with the query, as with selectinload",
                   entity->mapper->name, prop->name, strategy->word);
}

static mr_status access_raise(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop) {
    return refuse(ctx, entity, prop, &mr_strategy_raise);
}

/* raise_on_sql: a target that is in memory needs no SQL, and is allowed. */
static mr_status access_raise_on_sql(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop) {
    const mr_relationship *rel = prop->relationship;
    mr_status status = MR_NOTFOUND;
    if (rel->direction == MR_MANY_TO_ONE && rel->use_get)
        status = load_reference(ctx, entity, prop, true, &nothing_below);
    return status == MR_NOTFOUND ? refuse(ctx, entity, prop, &mr_strategy_raise_on_sql) : status;
}

static mr_status access_noload(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop) {
    (void)ctx;
    return put_nothing(entity, prop);
}

const mr_strategy mr_strategy_select = {.word = "select", .option = "lazyload", .usual = true};
const mr_strategy mr_strategy_raise = {
    .word = "raise", .option = "raiseload", .access = access_raise, .users_only = true, .closed = true};
const mr_strategy mr_strategy_raise_on_sql = {.word = "raise_on_sql",
                                              .option = "raiseload",
                                              .setting = "sql_only",
                                              .access = access_raise_on_sql,
                                              .users_only = true};
const mr_strategy mr_strategy_noload = {.word = "noload", .option = "noload", .access = access_noload, .closed = true};

mr_status mr_lazy_load(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop, const mr_below *below) {
    const mr_relationship *rel = prop->relationship;
    mr_status status = load_locals(ctx, entity, rel);
    if (status == MR_FAIL) return status;
    if (rel->direction == MR_MANY_TO_ONE && rel->use_get) return load_reference(ctx, entity, prop, false, below);
    if (has_no_key(entity, rel)) return put_nothing(entity, prop);
    bool planned = below->n > 0 || below->with || ctx->criteria;
    return planned ? load_planned(ctx, entity, prop, below) : load_prepared(ctx, entity, prop, false);
}

/* Is the key changed and not flushed? Then the related rows still have the old one. */
static bool is_rekeyed(const mr_entity *entity, const mr_relationship *rel) {
    for (unsigned i = 0; i < rel->npairs && rel->direction != MR_MANY_TO_ONE; i++)
        if (rel->pairs[i].local_slot != UINT16_MAX && mr_entity_is_dirty(entity, rel->pairs[i].local_slot)) return true;
    return false;
}

/* *batch: how it loads in batches; may be NULL. */
static const mr_strategy *strategy_of(const mr_load_context *ctx, const mr_entity *entity, const mr_property *prop,
                                      mr_batching *batch) {
    const mr_relationship *rel = prop->relationship;
    const mr_origin *origin = mr_entity_origin(entity);
    const mr_option *option = origin ? mr_options_strategy(prop, origin->nopts, origin->opts) : NULL;
    bool chosen = option && option->kind != MR_OPTION_CONTAINS_EAGER;
    const mr_strategy *strategy = mr_strategy_of(chosen ? option->strategy : rel->lazy);
    if (!chosen && strategy->usual && ctx->batch.max > 0) strategy = &mr_strategy_batch;
    if (batch) *batch = chosen && option->batch.max ? option->batch : rel->batch;
    if (batch && !batch->max) *batch = ctx->batch;
    return strategy;
}

/* The subclasses that an option names to be loaded with the target; or NULL. */
static const mr_polymorphic *with_subclasses(const mr_property *prop, const mr_origin *origin) {
    const mr_option *option = mr_options_strategy(prop, origin->nopts, origin->opts);
    return option && option->kind == MR_OPTION_LAZY && option->nsteps == 1 ? option->steps[0].with : NULL;
}

static mr_status load_slot(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop, mr_arena *arena,
                           bool needed) {
    const mr_relationship *rel = prop->relationship;
    const mr_origin *origin = mr_entity_origin(entity);
    mr_below below = {0, NULL, NULL};
    mr_batching batch;
    const mr_strategy *strategy = strategy_of(ctx, entity, prop, &batch);
    ctx->owner->batches = strategy->batches;
    if (strategy->access && !(needed && strategy->users_only)) return strategy->access(ctx, entity, prop);
    if (origin && mr_options_below(arena, prop, origin->nopts, origin->opts, &below.n, &below.opts) != MR_OK)
        return MR_FAIL;
    below.with = origin ? with_subclasses(prop, origin) : NULL;
    if (needed && is_rekeyed(entity, rel)) return load_prepared(ctx, entity, prop, true);
    if (strategy->batches && !needed) {
        mr_status status = mr_batch_relationship(ctx, entity, prop, batch, &below);
        if (status != MR_NOTFOUND) return status;
    }
    return mr_lazy_load(ctx, entity, prop, &below);
}

static mr_status load(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop, bool needed) {
    mr_heap *heap = mr_heap_of(ctx->env);
    mr_arena *arena = NULL;
    if (!heap) return MR_FAIL;
    if (entity->mapper->registry->dirty && mr_registry_configure(entity->mapper->registry) != MR_OK) return MR_FAIL;
    if (mr_entity_origin(entity) && !(arena = mr_arena_new(ctx->env))) return MR_FAIL;
    mr_heap_block(heap);
    mr_load_context as_read = mr_load_context_of(ctx, entity);
    mr_status status = load_slot(&as_read, entity, prop, arena, needed);
    mr_heap_unblock(heap);
    mr_arena_free(arena);
    return status;
}

mr_status mr_load_known_reference(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop) {
    const mr_relationship *rel = prop->relationship;
    if (rel->direction != MR_MANY_TO_ONE || !rel->use_get) return MR_NOTFOUND;
    if (strategy_of(ctx, entity, prop, NULL)->closed) return MR_NOTFOUND;
    for (unsigned i = 0; i < rel->npairs; i++) {
        uint16_t slot = rel->pairs[i].local_slot;
        if (slot == UINT16_MAX || mr_entity_slot(entity, slot)->kind == MR_UNLOADED) return MR_NOTFOUND;
    }
    return load_reference(ctx, entity, prop, true, &nothing_below);
}

mr_status mr_load_relationship(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop) {
    return load(ctx, entity, prop, false);
}

mr_status mr_load_needed_relationship(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop) {
    return load(ctx, entity, prop, true);
}

/*
 * get.c: loads one entity by its identity.
 *
 * Invariant: without options the statement is prepared once for the class; with options it is planned like any query.
 */
#include "cache.h"
#include "run/load_state.h"

static mr_status make_any(mr_mapper *mapper, bool partial, mr_vec *lates, mr_query **out) {
    mr_query_item item = {.mapper = mapper};
    *out = mr_where_identity(mr_query_new(mapper->env, &item, 1, false), mapper, partial, lates);
    return *out ? MR_OK : MR_FAIL;
}

static mr_status make_get(void *ud, mr_vec *lates, mr_query **out) { return make_any(ud, false, lates, out); }

static mr_status make_get_partial(void *ud, mr_vec *lates, mr_query **out) { return make_any(ud, true, lates, out); }

static mr_status prepare_get(const mr_load_context *ctx, mr_mapper *mapper, bool partial, mr_conn **conn,
                             mr_prepared **out) {
    mr_class_plans *plans = mr_class_plans_of(mapper);
    if (!plans || ctx->connection(ctx->ud, mapper, conn) != MR_OK) return MR_FAIL;
    *out = partial ? &plans->get_partial : &plans->get;
    return mr_prepare(ctx->env, *out, mr_engine_dialect(mr_conn_engine(*conn)), partial ? make_get_partial : make_get,
                      mapper);
}

mr_status mr_get_open(const mr_load_context *ctx, mr_mapper *mapper, const mr_value *values, bool populate,
                      mr_entity *fixed, mr_load **out) {
    mr_conn *conn;
    mr_prepared *get;
    *out = NULL;
    if (prepare_get(ctx, mapper, mr_identity_has_null(mapper, values), &conn, &get) != MR_OK) return MR_FAIL;
    mr_run_source source = {.query = get->query, .keys = values, .fixed = fixed};
    return mr_load_open(ctx, get->plan, &source, populate, out);
}

/* The query (consumed; NULL passes) with the tag and the timeout of another one. */
static mr_query *with_marks(mr_query *q, const mr_query *of) {
    mr_query *tagged = q && of->tag ? mr_query_tag(q, of->tag) : mr_query_retain(q);
    mr_query_release(q);
    mr_query *timed = tagged && of->timeout != 0 ? mr_query_timeout(tagged, of->timeout) : mr_query_retain(tagged);
    mr_query_release(tagged);
    return timed;
}

/* If the options belong to an alias, or to a class with subclasses, the query uses that. */
static mr_node *alias_of(const mr_query *options) {
    return options->nitems == 1 && options->items[0].mapper ? options->items[0].alias : NULL;
}

mr_query *mr_get_query(const mr_load_context *ctx, mr_mapper *mapper, const mr_value *values, const mr_query *options) {
    mr_env *env = mapper->env;
    mr_node *alias = alias_of(options);
    mr_query_item item = {.mapper = mapper, .alias = mr_node_retain(alias)};
    mr_query *plain = mr_query_new(env, &item, 1, false), *next;
    mr_query *q = plain ? mr_query_options(plain, options->options, options->noptions) : NULL;
    mr_query_release(plain);
    if (q && ctx->any_row && mr_query_drop_criteria(q) != MR_OK) { /* nobody else has it yet */
        mr_query_release(q);
        return NULL;
    }
    for (uint16_t i = 0; q && i < mapper->npk; i++) {
        const mr_property *prop = mr_mapper_at_slot(mapper, mapper->pk_slots[i]);
        mr_node *bind = mr_sql_bind(env, mr_column_type(env, prop->column), &values[i]);
        mr_op op = values[i].kind == MR_NULL ? MR_OP_IS : MR_OP_EQ;
        next = mr_query_where(q, mr_sql_binary(env, op, mr_property_node(prop, alias), bind));
        mr_query_release(q);
        q = next;
    }
    if (q && options->bad_values) {
        next = mr_query_bad_values(q, options->bad_values);
        mr_query_release(q);
        q = next;
    }
    if (q && options->clauses.for_update) {
        next = mr_query_for_update(q, options->clauses.for_update_mode);
        mr_query_release(q);
        q = next;
    }
    q = with_marks(q, options);
    if (!q || !options->populate_existing) return q;
    next = mr_query_flags(q, true, -1);
    mr_query_release(q);
    return next;
}

/* Do the options ask for nothing that the usual get does not do? */
static bool is_usual(const mr_query *options) {
    return options->noptions == 0 && !alias_of(options) && !options->bad_values && !options->clauses.for_update &&
           !options->tag && options->timeout == 0;
}

static mr_status open_load(const mr_load_context *ctx, mr_mapper *mapper, const mr_value *values,
                           const mr_query *options, mr_load **out) {
    bool criteria = ctx->criteria && !ctx->any_row;
    if (!criteria && (!options || is_usual(options)))
        return mr_get_open(ctx, mapper, values, options && options->populate_existing, NULL, out);
    const mr_query none = {.env = ctx->env};
    mr_query *q = mr_get_query(ctx, mapper, values, options ? options : &none);
    if (!q) return MR_FAIL;
    mr_status status = mr_load_start(ctx, q, out);
    mr_query_release(q);
    return status;
}

static mr_status first_entity(mr_load *load, const mr_mapper *mapper, const mr_value *key, mr_entity **out) {
    const mr_value *rows;
    size_t n;
    if (mr_load_all_of_key(load, mapper, key, &rows, &n) != MR_OK) return MR_FAIL;
    if (n == 0 || rows[0].kind != MR_ENTITY) return MR_NOTFOUND;
    *out = mr_entity_pin(rows[0].u.p);
    return MR_OK;
}

/* The value of the parent's slot, if it is loaded and no expression. */
static const mr_value *parent_value(mr_entity *parent, uint16_t slot) {
    const mr_value *v = parent ? mr_entity_slot(parent, slot) : NULL;
    return v && v->kind != MR_UNLOADED && v->kind < MR_OPAQUE ? v : NULL;
}

/* The value of a parameter; NULL: it is none that is given, or of the plan's own. */
static const mr_value *param_source(const mr_plan *plan, const mr_param *param, const mr_value *values,
                                    mr_entity *parent) {
    if (!param->name) {
        const mr_node *own = param->ordinal < plan->nbinds ? plan->binds[param->ordinal].own : NULL;
        return own && own->kind == MR_NODE_BIND && own->u.value.kind < MR_OPAQUE ? &own->u.value : NULL;
    }
    for (uint16_t k = 0; k < plan->nlates; k++) {
        const mr_plan_late *late = &plan->lates[k];
        if (late->name != param->name) continue;
        return late->parent == MR_PLAN_NONE ? values ? &values[late->slot] : NULL : parent_value(parent, late->slot);
    }
    return NULL;
}

bool mr_plan_params(const mr_plan *plan, const mr_value *values, mr_entity *parent, mr_value *out, size_t room) {
    const mr_compiled *c = plan->compiled;
    if (c->nparams > room) return false;
    for (size_t i = 0; i < c->nparams; i++) {
        const mr_value *v = param_source(plan, &c->params[i], values, parent);
        if (!v) return false;
        out[i] = mr_param_value(&c->params[i], v);
        out[i].flags &= (uint8_t)~MR_VALUE_OWNED;
    }
    return true;
}

/* The usual get: a whole key, no options. MR_DONE: it is to be loaded as a query is. */
static mr_status get_one(const mr_load_context *ctx, mr_mapper *mapper, const mr_value *key, mr_entity **out) {
    enum { FEW = 8 };
    mr_value params[FEW];
    mr_conn *conn;
    mr_prepared *get;
    if (mr_identity_has_null(mapper, key)) return MR_DONE;
    if (prepare_get(ctx, mapper, false, &conn, &get) != MR_OK) return MR_FAIL;
    if (!get->plan->simple || !mr_plan_params(get->plan, key, NULL, params, FEW)) return MR_DONE;
    mr_plan *plan = mr_plan_retain(get->plan); /* a listener may change the mappings */
    mr_status status = mr_load_one(ctx, conn, plan, params, out);
    mr_plan_release(plan);
    return status;
}

MR_APART static mr_status get_by_query(const mr_load_context *ctx, mr_mapper *mapper, const mr_value *values,
                                       const mr_query *options, mr_entity **out) {
    mr_load *load = NULL;
    mr_status status = open_load(ctx, mapper, values, options, &load);
    if (status == MR_OK) status = first_entity(load, mapper, values, out);
    mr_load_close(load);
    return status;
}

mr_status mr_load_by_identity(const mr_load_context *ctx, mr_mapper *mapper, const mr_value *identity,
                              mr_query *options, mr_entity **out) {
    enum { FEW = 8 };
    mr_value few[FEW], *values = few;
    mr_heap *heap = mr_heap_of(ctx->env);
    *out = NULL;
    if (!heap) return MR_FAIL;
    if (mapper->npk > FEW && !(values = mr_alloc(ctx->env, mapper->npk * sizeof *values))) return MR_FAIL;
    if (identity->kind == MR_INT) few[0] = mr_int_value(identity->u.i);
    else mr_identity_values(mapper, identity, values);
    mr_heap_block(heap);
    mr_status status = options || ctx->criteria ? MR_DONE : get_one(ctx, mapper, values, out);
    if (status == MR_DONE) status = get_by_query(ctx, mapper, values, options, out);
    mr_heap_unblock(heap);
    if (values != few) mr_free(ctx->env, values);
    return status;
}

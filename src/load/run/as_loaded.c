/*
 * as_loaded.c: reads an object again as the query that has loaded it did: with that query's loader options. (As in
 * SQLAlchemy.)
 *
 * Invariant: the object keeps its options, and what it has loaded. Where loader criteria hold, which must not leave out
 * its own row, only its columns are read: its relationships are loaded when they are used, with the criteria.
 */
#include "plan/planner.h"
#include "load_state.h"

static bool is_of_columns(const mr_option *o) {
    if (o->kind == MR_OPTION_UNDEFER_GROUP) return o->nsteps == 0;
    return o->nsteps == 1 &&
           (o->kind == MR_OPTION_DEFER || o->kind == MR_OPTION_UNDEFER || o->kind == MR_OPTION_LOAD_ONLY);
}

/* Does the option load relationships of the object itself? */
static bool is_eager(const mr_option *o) {
    if (o->kind == MR_OPTION_LAZY) return o->nsteps == 1 && mr_strategy_is_eager(o->strategy);
    return o->kind == MR_OPTION_WILDCARD_LAZY && o->nsteps == 0 && mr_strategy_is_eager(o->strategy);
}

/* May the option be given to a query of the class? Its first step may be an attribute of a subclass that the object is
 * not of. A part of a collection is not read again as a part. */
static bool is_for(const mr_option *o, const mr_mapper *mapper) {
    if (o->limit) return false;
    return o->nsteps == 0 || mr_mapper_isa(mapper, o->steps[0].prop->mapper);
}

static bool has_criteria(const mr_load_context *ctx, const mr_origin *origin) {
    if (ctx->criteria) return true;
    for (unsigned i = 0; origin && i < origin->nopts; i++)
        if (origin->opts[i].kind == MR_OPTION_CRITERIA) return true;
    return false;
}

/* Does the class load a relationship with its rows? */
static bool class_is_eager(const mr_mapper *mapper) {
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        if (prop->kind == MR_PROPERTY_RELATIONSHIP && mr_strategy_is_eager(prop->relationship->lazy)) return true;
    }
    return false;
}

bool mr_as_loaded_matters(const mr_load_context *ctx, const mr_entity *entity, bool columns) {
    const mr_origin *origin = mr_entity_origin(entity);
    if (!origin && !ctx->criteria) return false;
    bool criteria = has_criteria(ctx, origin);
    for (unsigned i = 0; origin && i < origin->nopts; i++) {
        const mr_option *o = &origin->opts[i];
        if (is_for(o, entity->mapper) && ((is_eager(o) && !criteria) || (columns && is_of_columns(o)))) return true;
    }
    return criteria && class_is_eager(entity->mapper);
}

/* A query of the object's class with the options of its origin. */
static mr_query *options_of(const mr_load_context *ctx, const mr_entity *entity, bool columns) {
    const mr_origin *origin = mr_entity_origin(entity);
    const mr_query_item item = {.mapper = entity->mapper};
    bool criteria = has_criteria(ctx, origin);
    unsigned n = 0, given = origin ? origin->nopts : 0;
    mr_option *opts = mr_alloc(ctx->env, (given + (size_t)1) * sizeof *opts);
    for (unsigned i = 0; opts && i < given; i++) {
        const mr_option *o = &origin->opts[i];
        if (is_for(o, entity->mapper) && (is_of_columns(o) ? columns : !criteria)) opts[n++] = *o;
    }
    if (opts && criteria)
        opts[n++] = (mr_option){.kind = MR_OPTION_WILDCARD_LAZY, .strategy = MR_LAZY_SELECT, .mapper = entity->mapper};
    mr_query *plain = opts ? mr_query_new(ctx->env, &item, 1, false) : NULL;
    mr_query *made = plain ? mr_query_options(plain, opts, n) : NULL;
    mr_query_release(plain);
    mr_free(ctx->env, opts);
    return made;
}

bool mr_load_keeps_criteria(const mr_entity *entity) {
    const mr_load_context none = {.criteria = NULL};
    return has_criteria(&none, mr_entity_origin(entity));
}

mr_query *mr_load_with_kept_criteria(mr_query *q, const mr_entity *entity) {
    const mr_origin *origin = mr_entity_origin(entity);
    mr_query *made = mr_query_retain(q);
    for (unsigned i = 0; made && origin && i < origin->nopts; i++) {
        if (origin->opts[i].kind != MR_OPTION_CRITERIA) continue;
        mr_query *next = mr_query_options(made, &origin->opts[i], 1);
        mr_query_release(made);
        made = next;
    }
    return made;
}

mr_status mr_as_loaded_open(const mr_load_context *ctx, mr_entity *entity, const mr_value *values, bool columns,
                            mr_load **out) {
    mr_load_context own = *ctx;
    own.any_row = true;
    mr_query *options = options_of(ctx, entity, columns);
    mr_query *q = options ? mr_get_query(&own, entity->mapper, values, options) : NULL;
    mr_query_release(options);
    mr_status status = q ? mr_load_start_named(&own, q, NULL, entity, out) : MR_FAIL;
    mr_query_release(q);
    return status;
}

/*
 * entities.c: turns the items of a query into the entities and columns of a plan.
 *
 * Invariant: the columns of an entity contain its primary key, and the discriminator if the class has subclasses, even
 * if an option defers them.
 */
#include "planner.h"

#include <string.h>

/* ---------------------------------------------------------------- columns of a class */

static bool is_key(const mr_mapper *mapper, const mr_property *prop) {
    for (uint16_t i = 0; i < mapper->npk; i++)
        if (mapper->pk_slots[i] == prop->slot) return true;
    return false;
}

static bool is_needed(const mr_mapper *mapper, const mr_property *prop) {
    if (prop->kind != MR_PROPERTY_COLUMN) return false;
    if (is_key(mapper, prop)) return true;
    return (mapper->discriminator && mapper->discriminator->slot == prop->slot) ||
           (mapper->version && mapper->version->slot == prop->slot);
}

mr_status mr_target_node(mr_planner *p, const mr_target *t, const mr_property *prop, mr_node **out) {
    bool united = mr_united_from(p, t->from) != t->from;
    if (prop->kind == MR_PROPERTY_COLUMN) {
        mr_status status = mr_from_column(p->env, prop->column, prop, t->from, out);
        return united && *out ? mr_united_column(p, *out, out) : status;
    }
    mr_node *expression = prop->expression;
    if (expression->kind == MR_NODE_LABEL) expression = expression->child[0];
    if (mr_expression_through(p->env, expression, t->plan.mapper, t->from, out) != MR_OK) return MR_FAIL;
    return united ? mr_united_translate(p, *out, out) : MR_OK;
}

static mr_status missing_key(mr_planner *p, const mr_target *t, const mr_property *prop) {
    return mr_fail(p->env, MR_ERR_INVALID_REQUEST,
                   "the subquery does not select %s.%s, which %s needs as its primary key", t->plan.mapper->name,
                   prop->name, t->plan.mapper->name);
}

static mr_status add_columns(mr_planner *p, uint16_t number) {
    const mr_mapper *mapper = mr_target_at(p, number)->plan.mapper;
    mr_plan_slot *slots = mr_arena_alloc(p->plan->arena, (mapper->props.len + 1) * sizeof *slots);
    if (!slots) return MR_FAIL;
    uint16_t n = 0;
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        const mr_target *t = mr_target_at(p, number);
        if (prop->kind != MR_PROPERTY_COLUMN && prop->kind != MR_PROPERTY_EXPRESSION) continue;
        bool needed = is_needed(mapper, prop);
        /* A query inside another one lists all columns, because the outer one may need a deferred one. */
        if (!needed && (!p->plain || p->lean) && !mr_options_loads(prop, t->nopts, t->opts)) continue;
        mr_node *node = NULL;
        if (mr_target_node(p, t, prop, &node) != MR_OK) return MR_FAIL;
        if (!node && is_key(mapper, prop)) return missing_key(p, t, prop);
        if (!node) continue;
        uint16_t at = n++;
        while (at > 0 && slots[at - 1].slot > prop->slot) slots[at] = slots[at - 1], at--;
        slots[at].slot = prop->slot;
        if (mr_columns_add(p, t->secondary, node, NULL, true, &slots[at].column) != MR_OK) return MR_FAIL;
    }
    mr_target_at(p, number)->plan.slots = slots;
    mr_target_at(p, number)->plan.nslots = n;
    return MR_OK;
}

static uint16_t column_of_slot(const mr_plan_entity *e, uint16_t slot) {
    for (uint16_t i = 0; i < e->nslots; i++)
        if (e->slots[i].slot == slot) return e->slots[i].column;
    return MR_PLAN_NONE;
}

static mr_status add_keys(mr_planner *p, mr_plan_entity *e) {
    e->keys = mr_arena_alloc(p->plan->arena, (e->mapper->npk + (size_t)1) * sizeof *e->keys);
    if (!e->keys) return MR_FAIL;
    e->nkeys = e->mapper->npk;
    for (uint16_t i = 0; i < e->nkeys; i++) e->keys[i] = column_of_slot(e, e->mapper->pk_slots[i]);
    return MR_OK;
}

/* ---------------------------------------------------------------- origins */

/* Does the option matter after the row was read: for entities below this one, or for a later load of its attributes? */
static bool reaches_on(const mr_option *o) {
    if (o->kind == MR_OPTION_CONTAINS_EAGER) return false;
    if (o->kind == MR_OPTION_CRITERIA) return o->criterion->goes_on;
    return o->nsteps > 0 || o->kind == MR_OPTION_WILDCARD_LAZY || o->kind == MR_OPTION_UNDEFER_GROUP;
}

static mr_status add_origin(mr_planner *p, mr_target *t) {
    mr_option *opts = NULL;
    unsigned n = 0;
    for (unsigned i = 0; i < t->nopts; i++) {
        if (!reaches_on(&t->opts[i])) continue;
        if (!opts && !(opts = mr_arena_alloc(p->plan->arena, t->nopts * sizeof *opts))) return MR_FAIL;
        opts[n] = t->opts[i];
        opts[n++].alias = NULL;
    }
    if (n == 0) return MR_OK;
    mr_origin *origin = mr_arena_alloc(p->plan->arena, sizeof *origin);
    if (!origin) return MR_FAIL;
    *origin = (mr_origin){p->plan, n, opts};
    t->plan.origin = origin;
    return MR_OK;
}

/* ---------------------------------------------------------------- items */

mr_status mr_plan_target(mr_planner *p, const mr_target *proto, uint16_t *out) {
    mr_target *t = proto->from ? mr_vec_push(&p->targets) : NULL;
    if (!t) {
        mr_node_release(proto->from);
        return MR_FAIL;
    }
    *t = *proto;
    if (p->targets.len >= MR_SECONDARY) return mr_fail(p->env, MR_ERR_ARGUMENT, "a query loads too many classes");
    uint16_t number = *out = (uint16_t)(p->targets.len - 1);
    /* As in SQLAlchemy: entities that are joined to this one come before its own columns. */
    if (add_origin(p, t) != MR_OK || mr_eager_expand(p, number) != MR_OK || add_columns(p, number) != MR_OK)
        return MR_FAIL;
    mr_plan_entity *e = &mr_target_at(p, number)->plan;
    return add_keys(p, e) == MR_OK ? mr_plan_identities(p, number) : MR_FAIL;
}

static mr_status plan_class(mr_planner *p, const mr_query_item *item, uint16_t number, mr_plan_item *out) {
    mr_target proto;
    memset(&proto, 0, sizeof proto);
    proto.plan.mapper = item->mapper;
    proto.plan.parent = MR_PLAN_NONE;
    if (p->path && p->path->n > 0) {
        /* A copy: the plan may live longer than the caller. */
        const mr_property **path = mr_arena_alloc(p->plan->arena, p->path->n * sizeof(const mr_property *));
        if (!path) return MR_FAIL;
        memcpy(path, p->path->props, p->path->n * sizeof(const mr_property *));
        proto.plan.path = path;
        proto.plan.npath = p->path->n;
    }
    if (mr_options_of_item(p, number, &proto.nopts, &proto.opts) != MR_OK) return MR_FAIL;
    proto.from = item->alias ? mr_node_retain(item->alias) : mr_mapper_from(item->mapper);
    proto.with = item->alias ? item->alias->annotation : NULL;
    out->name = item->name ? item->name : item->mapper->name;
    if (mr_plan_target(p, &proto, &out->entity) != MR_OK) return MR_FAIL;
    return mr_plan_class_criterion(p, item->mapper, mr_target_at(p, out->entity)->from);
}

static const char *expression_name(const mr_node *x) {
    if (x->kind == MR_NODE_LABEL || x->kind == MR_NODE_FUNC) return x->name;
    return x->kind == MR_NODE_COLUMN ? x->u.column->name : NULL;
}

static mr_status plan_expression(mr_planner *p, const mr_query_item *item, mr_plan_item *out) {
    mr_node *x = item->expression;
    const char *given = NULL;
    if (!x) return mr_fail(p->env, MR_ERR_ARGUMENT, "a query item is neither a class nor an expression");
    out->entity = MR_PLAN_NONE;
    out->name = item->name ? item->name : expression_name(x);
    if (x->kind == MR_NODE_LABEL) {
        given = x->name;
        x = x->child[0];
    }
    mr_node *node = NULL;
    if (mr_plan_readers(p, item->expression) != MR_OK || mr_united_translate_item(p, mr_node_retain(x), &node) != MR_OK)
        return MR_FAIL;
    return mr_columns_add(p, false, node, given, false, &out->column);
}

static const char *name_of(const mr_query_item *item) {
    return item->mapper ? NULL : item->name ? item->name : expression_name(item->expression);
}

static bool is_named(const mr_planner *p, const char *name) {
    for (size_t i = 0; i < p->items.len; i++) {
        const char *other = ((const mr_plan_item *)mr_vec_at(&p->items, i))->name;
        if (other && strcmp(other, name) == 0) return true;
    }
    return false;
}

/* The second "name" of a select is called name_1, so that each column of a row can be read by a name. */
static mr_status number_name(mr_planner *p, unsigned i, mr_plan_item *made) {
    const char *name = p->q->core_labels && !p->q->statement ? name_of(&p->q->items[i]) : NULL;
    if (!name || !is_named(p, name)) return MR_OK;
    size_t n = 0;
    for (unsigned k = 0; k < i; k++) {
        const char *other = name_of(&p->q->items[k]);
        if (other && strcmp(other, name) == 0) n++;
    }
    do made->name = mr_intern_numbered(p->env, name, n ? n : 1);
    while (made->name && is_named(p, made->name) && ++n);
    return made->name ? MR_OK : MR_FAIL;
}

mr_status mr_plan_items(mr_planner *p) {
    mr_united_find_subqueries(p);
    for (unsigned i = 0; i < p->q->nitems; i++) {
        const mr_query_item *item = &p->q->items[i];
        mr_plan_item made = {MR_PLAN_NONE, 0, NULL};
        mr_status status = item->mapper ? plan_class(p, item, (uint16_t)i, &made) : plan_expression(p, item, &made);
        if (status == MR_OK) status = number_name(p, i, &made);
        mr_plan_item *slot = status == MR_OK ? mr_vec_push(&p->items) : NULL;
        if (!slot) return MR_FAIL;
        *slot = made;
    }
    return MR_OK;
}

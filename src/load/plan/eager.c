/*
 * eager.c: adds the eagerly loaded relationships of an entity to a plan: joins to other entities, and statements that
 * run afterwards.
 *
 * Invariant: an eager join does not change which parents a query returns, nor how often: it has an alias of its own,
 * and if the query has a limit, the query becomes a subquery, and the join is made to that.
 */
#include "planner.h"

#include <string.h>

enum { MAX_PATH = 64 };

/* ---------------------------------------------------------------- where the mapping's own strategy stops */

static bool path_has(const mr_plan_path *path, const mr_mapper *end, const mr_mapper *mapper) {
    for (unsigned i = 0; i < path->n; i++) {
        const mr_relationship *rel = path->props[i]->relationship;
        if (rel->parent->root == mapper->root || rel->target->root == mapper->root) return true;
    }
    return end->root == mapper->root;
}

/* Does the eager strategy of the mapping stop here? It stops at its join_depth, or before a class that is on the path
 * already. The path ends at the class `end`. */
static bool default_stops(const mr_plan_path *path, const mr_mapper *end, const mr_relationship *rel) {
    if (rel->join_depth > 0) return path->n + 1 > (unsigned)rel->join_depth;
    return path_has(path, end, rel->target);
}

bool mr_eager_is_due(const mr_plan_path *path, const mr_mapper *end, const mr_property *prop, unsigned nopts,
                     const mr_option *opts) {
    const mr_option *option = mr_options_strategy(prop, nopts, opts);
    if (!mr_strategy_is_eager(option ? option->strategy : prop->relationship->lazy)) return false;
    return (option && option->kind == MR_OPTION_LAZY) || !default_stops(path, end, prop->relationship);
}

static mr_status extend_path(mr_planner *p, const mr_target *t, const mr_property *prop,
                             const mr_property *const **out) {
    if (t->plan.npath >= MAX_PATH)
        return mr_fail(p->env, MR_ERR_ARGUMENT, "eager loading along %s.%s goes deeper than %d levels",
                       prop->mapper->name, prop->name, MAX_PATH);
    const mr_property **path =
        mr_arena_alloc(p->plan->arena, (t->plan.npath + (size_t)1) * sizeof(const mr_property *));
    if (!path) return MR_FAIL;
    for (unsigned i = 0; i < t->plan.npath; i++) path[i] = t->plan.path[i];
    path[t->plan.npath] = prop;
    *out = path;
    return MR_OK;
}

/* ---------------------------------------------------------------- planning */

/* The class of the objects in the query's own join. */
static mr_mapper *contained_target(const mr_property *prop, const mr_option *option) {
    mr_mapper *of_type = option->nsteps == 1 ? option->steps[0].of_type : NULL;
    return of_type ? of_type : prop->relationship->target;
}

/* The subclasses that the option names to be loaded with the target; or NULL. */
static const mr_polymorphic *with_of(const mr_option *option) {
    return option && option->nsteps == 1 ? option->steps[0].with : NULL;
}

static mr_status add_joined(mr_planner *p, uint16_t parent, const mr_property *prop, const mr_option *option,
                            bool contains) {
    const mr_relationship *rel = prop->relationship;
    const mr_target *t = mr_target_at(p, parent);
    mr_target proto;
    uint16_t number;
    memset(&proto, 0, sizeof proto);
    proto.plan.mapper = contains ? contained_target(prop, option) : rel->target;
    proto.plan.parent = parent;
    proto.plan.along = prop;
    proto.plan.collection = mr_is_list(rel);
    proto.plan.npath = t->plan.npath + 1;
    if (extend_path(p, t, prop, &proto.plan.path) != MR_OK) return MR_FAIL;
    if (mr_options_below(p->plan->arena, prop, t->nopts, t->opts, &proto.nopts, &proto.opts) != MR_OK) return MR_FAIL;
    if (contains) {
        proto.secondary = t->secondary;
        proto.from = option->alias ? mr_node_retain(option->alias) : mr_mapper_from(proto.plan.mapper);
        proto.with = option->alias ? option->alias->annotation : NULL;
    } else {
        bool inner = option && option->kind == MR_OPTION_LAZY ? option->innerjoin : rel->innerjoin;
        /* An inner join after an outer join would remove the parents without children: it becomes an outer one. */
        bool outer_above = t->secondary && t->join != MR_OP_INNER;
        proto.secondary = true;
        proto.join = inner && !outer_above ? MR_OP_INNER : MR_OP_LEFT;
        proto.with = with_of(option);
        proto.from = proto.with ? mr_polymorphic_from(proto.with, true, NULL) : mr_mapper_alias(proto.plan.mapper);
    }
    return mr_plan_target(p, &proto, &number);
}

static mr_status add_follow(mr_planner *p, mr_vec *follows, uint16_t parent, const mr_property *prop,
                            const mr_strategy *strategy) {
    const mr_target *t = mr_target_at(p, parent);
    mr_plan_follow *f = mr_vec_push(follows);
    if (!f) return MR_FAIL;
    f->prop = prop;
    f->strategy = strategy;
    const mr_option *option = mr_options_strategy(prop, t->nopts, t->opts);
    f->with = with_of(option);
    if (option && strategy->limits) {
        f->limit = option->limit;
        f->limit_by = option->limit_by;
    }
    return mr_options_below(p->plan->arena, prop, t->nopts, t->opts, &f->nopts, &f->opts);
}

/* included: do the rows have the columns of the class that declares the relationship? */
static mr_status expand(mr_planner *p, uint16_t number, const mr_property *prop, bool included, mr_vec *follows) {
    const mr_target *t = mr_target_at(p, number);
    const mr_option *option = mr_options_strategy(prop, t->nopts, t->opts);
    bool given =
        p->q->statement != NULL; /* the program's statement: no join can be added, but it may have a join itself */
    if (option && option->kind == MR_OPTION_CONTAINS_EAGER)
        return p->plain && !given ? MR_OK : add_joined(p, number, prop, option, true);
    const mr_strategy *strategy = mr_strategy_of(option ? option->strategy : prop->relationship->lazy);
    if (strategy->batches) mr_target_at(p, number)->plan.batched = true;
    const mr_plan_path path = {t->plan.path, t->plan.npath};
    if (!mr_eager_is_due(&path, t->plan.mapper, prop, t->nopts, t->opts)) return MR_OK;
    if (!strategy->joins) return add_follow(p, follows, number, prop, strategy);
    if (given && option) return add_follow(p, follows, number, prop, &mr_strategy_selectin);
    if (p->plain || !included) return MR_OK;
    return add_joined(p, number, prop, option, false);
}

/* The relationships that subclasses add: rows may be of these. */
static mr_status expand_subclasses(mr_planner *p, uint16_t target, mr_vec *follows) {
    mr_mapper *mapper = mr_target_at(p, target)->plan.mapper;
    if (!mr_mapper_polymorphic(mapper)) return MR_OK;
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m));)
        for (size_t i = 0; m != mapper && i < m->props.len; i++) {
            const mr_property *prop = mr_vec_ptr(&m->props, i);
            if (prop->kind != MR_PROPERTY_RELATIONSHIP || prop->mapper != m) continue;
            bool included = mr_target_includes(mr_target_at(p, target), m);
            if (expand(p, target, prop, included, follows) != MR_OK) return MR_FAIL;
        }
    return MR_OK;
}

/* Does an option say "*" of the target's relationships, so that all of them, and its deferred columns, load in batches?
 */
static bool batches_all(const mr_target *t) {
    bool found = false;
    for (unsigned i = 0; i < t->nopts; i++)
        if (t->opts[i].kind == MR_OPTION_WILDCARD_LAZY && t->opts[i].nsteps == 0)
            found = mr_strategy_of(t->opts[i].strategy)->batches;
    return found;
}

mr_status mr_eager_expand(mr_planner *p, uint16_t target) {
    const mr_mapper *mapper = mr_target_at(p, target)->plan.mapper;
    if (batches_all(mr_target_at(p, target))) mr_target_at(p, target)->plan.batched = true;
    mr_vec follows;
    mr_status status = MR_OK;
    mr_vec_init(&follows, p->env, sizeof(mr_plan_follow));
    status = mr_plan_selectin(p, target, &follows);
    for (size_t i = 0; i < mapper->props.len && status == MR_OK; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        if (prop->kind == MR_PROPERTY_RELATIONSHIP) status = expand(p, target, prop, true, &follows);
    }
    if (status == MR_OK) status = expand_subclasses(p, target, &follows);
    if (status == MR_OK && follows.len > 0) {
        mr_plan_entity *e = &mr_target_at(p, target)->plan;
        e->follows = mr_arena_alloc(p->plan->arena, follows.len * sizeof *e->follows);
        if (!e->follows) status = MR_FAIL;
        else memcpy(e->follows, follows.data, follows.len * sizeof *e->follows);
        e->nfollows = (unsigned)follows.len;
    }
    mr_vec_done(&follows);
    return status;
}

/* ---------------------------------------------------------------- the joins */

static mr_condition condition_of(mr_planner *p, const mr_target *t) {
    mr_node *local = mr_target_at(p, t->plan.parent)->from;
    return (mr_condition){
        .env = p->env, .rel = t->plan.along->relationship, .local = local, .remote = t->from, .adapts = p};
}

typedef struct needed_columns {
    mr_planner *p;
    const mr_node *remote, *link;
    bool failed;
} needed_columns;

static bool need_column(void *ud, const mr_node *node) {
    needed_columns *need = ud;
    uint16_t number;
    if (node->kind != MR_NODE_COLUMN) return !need->failed;
    const mr_node *from = node->n > 0 ? node->child[0] : NULL;
    if (from && (mr_from_contains(need->remote, from) || from == need->link)) return false;
    mr_node *column = mr_node_retain((mr_node *)node);
    if (mr_columns_add(need->p, false, column, NULL, true, &number) != MR_OK) need->failed = true;
    return false;
}

mr_status mr_eager_columns(mr_planner *p) {
    for (size_t i = 0; i < p->targets.len; i++) {
        const mr_target *t = mr_target_at(p, i);
        if (!t->join || mr_target_at(p, t->plan.parent)->secondary) continue;
        mr_condition c = condition_of(p, t);
        mr_node *on = NULL;
        if (t->plan.along->relationship->secondary) {
            c.link = mr_sql_alias(p->env, mr_sql_table(p->env, c.rel->secondary), NULL);
            if (!c.link) return MR_FAIL;
        }
        needed_columns need = {p, c.remote, c.link, mr_condition_primary(&c, &on) != MR_OK};
        if (on) mr_node_walk(on, need_column, &need);
        mr_node_release(on);
        mr_node_release(c.link);
        if (need.failed) return MR_FAIL;
    }
    return MR_OK;
}

/* Joins the link table and the target: for an outer join both together as its right side, for an inner join one after
 * the other. */
static mr_status join_through_link(mr_planner *p, const mr_target *t, mr_node *left, mr_condition *c, mr_node *on) {
    mr_node *secondary = NULL, *right = mr_node_retain(t->from), *link = mr_node_retain(c->link);
    if (mr_condition_secondary(c, &secondary) != MR_OK) {
        mr_node_release(on);
        mr_node_release(right);
        mr_node_release(link);
        return MR_FAIL;
    }
    if (t->join == MR_OP_LEFT)
        return mr_froms_join(p, MR_OP_LEFT, left, mr_sql_join(p->env, MR_OP_INNER, link, right, secondary), on);
    mr_status status = mr_froms_join(p, t->join, left, link, on);
    if (status == MR_OK) return mr_froms_join(p, t->join, left, right, secondary);
    mr_node_release(right);
    mr_node_release(secondary);
    return status;
}

static mr_status eager_join(mr_planner *p, const mr_target *t) {
    mr_condition c = condition_of(p, t);
    mr_node *on = NULL, *extra = NULL;
    bool to_wrapper = p->wrapper && !mr_target_at(p, t->plan.parent)->secondary;
    mr_node *left = to_wrapper ? p->wrapper : mr_united_from(p, c.local);
    mr_status status = MR_FAIL;
    if (c.rel->secondary && !(c.link = mr_sql_alias(p->env, mr_sql_table(p->env, c.rel->secondary), NULL)))
        return MR_FAIL;
    if (mr_condition_primary(&c, &on) != MR_OK) goto out;
    if (to_wrapper && !(on = mr_wrapped(p, on))) goto out;
    if (mr_inheritance_criterion(p->env, t->plan.mapper, t->from, &extra) != MR_OK) goto out;
    if (extra && !(on = mr_sql_and(p->env, on, extra))) goto out;
    status =
        c.link ? join_through_link(p, t, left, &c, on) : mr_froms_join(p, t->join, left, mr_node_retain(t->from), on);
    on = NULL;
    if (status == MR_OK) status = mr_plan_order(p, &c);
out:
    mr_node_release(on);
    mr_node_release(c.link);
    return status;
}

mr_status mr_eager_joins(mr_planner *p) {
    for (size_t i = 0; i < p->targets.len; i++) {
        const mr_target *t = mr_target_at(p, i);
        if (t->join && eager_join(p, t) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

const mr_strategy mr_strategy_joined = {.word = "joined", .option = "joinedload", .joins = true};

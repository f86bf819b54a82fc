/*
 * options.c: loader options: resolves the names in their paths, and finds the option that applies to an attribute.
 *
 * Invariant: the steps of a resolved option have their properties, and its mapper is the class of its first step. An
 * option without steps and mapper is the wildcard that applies to all attributes at every depth.
 */
#include "planner.h"

#include <string.h>

static mr_status no_attribute(mr_env *env, const mr_mapper *mapper, const char *name) {
    return mr_fail(env, MR_ERR_ARGUMENT, "'%s' is not an attribute of %s%s", name, mapper->name,
                   mr_hint(env, mr_mapper_nearest(mapper, name)));
}

/* The property of the class that the step names. NULL: there is none. */
static const mr_property *find_step(const mr_mapper *mapper, const mr_option_step *step) {
    const mr_property *prop = mr_mapper_property(mapper, step->prop ? step->prop->name : step->name, true);
    if (step->prop && !mr_mapper_isa(mapper, step->prop->mapper)) {
        /* A step may name an attribute of a subclass. */
        return mr_mapper_isa(step->prop->mapper, mapper) ? step->prop : NULL;
    }
    return prop;
}

static bool wants_column(mr_option_kind kind) {
    return kind == MR_OPTION_DEFER || kind == MR_OPTION_UNDEFER || kind == MR_OPTION_LOAD_ONLY;
}

typedef struct order_search {
    const mr_relationship *rel;
    const mr_node *stranger; /* found: a column that no row of the target has */
} order_search;

/* Is the table one that rows of the class, or of one below it, are in? */
static bool is_table_of(mr_mapper *mapper, const mr_table *table) {
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m));)
        if (mr_mapper_reads(m, table)) return true;
    return false;
}

static bool find_stranger(void *ud, const mr_node *node) {
    order_search *s = ud;
    if (s->stranger || node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    if (node->kind != MR_NODE_COLUMN) return true;
    const mr_table *table = node->u.column->table;
    bool there = node->n == 0 && (!table || table == s->rel->secondary || is_table_of(s->rel->target, table));
    if (!there) s->stranger = node;
    return false;
}

/* The order of a limit for each parent names columns of the items, or of their link to the parent. */
static mr_status check_limit_order(mr_env *env, const mr_option *o, const mr_property *prop) {
    order_search s = {prop->relationship, NULL};
    if (!o->limit || !o->limit_by) return MR_OK;
    mr_node_walk(o->limit_by, find_stranger, &s);
    if (!s.stranger) return MR_OK;
    const mr_mapper *target = s.rel->target;
    const mr_property *named = s.stranger->annotation;
    const mr_table *table = s.stranger->u.column->table;
    const char *from = named ? named->mapper->name : table ? table->name : "a subquery";
    const char *column = named ? named->name : s.stranger->u.column->name;
    return mr_fail(env, MR_ERR_ARGUMENT,
                   "%s.%s: the order_by of %s's limit names %s%s.%s, which its objects, of %s, do not have: order by "
                   "attributes of %s or its subclasses, not through an alias, or by a scalar subquery",
                   prop->mapper->name, prop->name, mr_strategy_of(o->strategy)->option,
                   s.stranger->n > 0 && named ? "an alias of " : "", from, column, target->name, target->name);
}

/* A limit for each parent is for collections, a recursion for a class that refers to itself. */
static mr_status check_settings(mr_env *env, const mr_option *o, const mr_property *prop) {
    const mr_relationship *rel = prop->relationship;
    if (mr_relationship_is_queried(rel) && (o->kind == MR_OPTION_LAZY || o->kind == MR_OPTION_CONTAINS_EAGER))
        return mr_fail(env, MR_ERR_INVALID_REQUEST,
                       "'%s.%s' is queried (lazy = \"%s\"), and no option can load it: with another lazy it is a list",
                       prop->mapper->name, prop->name, mr_strategy_of(rel->lazy)->word);
    if (o->limit && !mr_is_list(rel))
        return mr_fail(env, MR_ERR_ARGUMENT, "%s.%s refers to one object: a limit for each parent is for collections",
                       prop->mapper->name, prop->name);
    if (check_limit_order(env, o, prop) != MR_OK) return MR_FAIL;
    if (o->recursion && !mr_mapper_isa(rel->target, prop->mapper))
        return mr_fail(
            env, MR_ERR_ARGUMENT,
            "%s.%s leads to %s: recursion_depth is for relationships that lead to the same class again; go on "
            "by a further step, mr.%s(%s.%s):%s(%s.NAME)",
            prop->mapper->name, prop->name, rel->target->name, mr_strategy_of(o->strategy)->option, prop->mapper->name,
            prop->name, mr_strategy_of(o->strategy)->option, rel->target->name);
    return MR_OK;
}

static mr_status check_step(mr_env *env, const mr_option *o, unsigned i, const mr_property *prop) {
    bool relationship = prop->kind == MR_PROPERTY_RELATIONSHIP;
    if (wants_column(o->kind) && i + 1 == o->nsteps) {
        if (!relationship) return MR_OK;
        return mr_fail(env, MR_ERR_ARGUMENT, "%s.%s is a relationship: this option is for columns", prop->mapper->name,
                       prop->name);
    }
    if (relationship && i + 1 == o->nsteps) return check_settings(env, o, prop);
    if (relationship) return MR_OK;
    return mr_fail(env, MR_ERR_ARGUMENT, "%s.%s is not a relationship: this option is for relationships",
                   prop->mapper->name, prop->name);
}

/* The steps that were resolved last, for the next options that begin with the same steps. */
typedef struct resolved_path {
    const mr_option_step *given;
    const mr_mapper *start;
    mr_option_step *steps; /* shared by all options with these steps */
    unsigned n;            /* the number resolved; all are relationships */
    mr_mapper *end;
} resolved_path;

static mr_status begin_path(mr_planner *p, resolved_path *path, const mr_query *q, unsigned option, mr_mapper *start) {
    const mr_option_step *given = q->options[option].steps;
    unsigned n = 1;
    for (; option < q->noptions && q->options[option].steps == given; option++)
        if (q->options[option].nsteps > n) n = q->options[option].nsteps;
    *path = (resolved_path){given, start, mr_arena_alloc(p->plan->arena, n * sizeof *path->steps), 0, start};
    return path->steps ? MR_OK : MR_FAIL;
}

static mr_status resolve_steps(mr_planner *p, mr_option *o, resolved_path *path) {
    mr_mapper *mapper = path->end;
    for (unsigned i = path->n; i < o->nsteps; i++) {
        mr_option_step *step = &path->steps[i];
        *step = o->steps[i];
        const mr_property *prop = find_step(mapper, step);
        if (!prop) return no_attribute(p->env, mapper, step->prop ? step->prop->name : step->name);
        if (check_step(p->env, o, i, prop) != MR_OK) return MR_FAIL;
        step->prop = prop;
        if (prop->kind != MR_PROPERTY_RELATIONSHIP) continue;
        mapper = step->of_type ? step->of_type : prop->relationship->target;
        path->n = i + 1;
        path->end = mapper;
    }
    o->steps = path->steps;
    o->path = NULL;
    return MR_OK;
}

/* undefer("*") */
static bool is_all_groups(const mr_option *o) { return strcmp(o->group, "*") == 0; }

/* Refuses a group that no class has to which the path may lead. */
static mr_status check_group(mr_planner *p, const mr_option *o, const mr_mapper *mapper) {
    if (o->kind != MR_OPTION_UNDEFER_GROUP || is_all_groups(o)) return MR_OK;
    const mr_option_step *last = o->nsteps ? &o->steps[o->nsteps - 1] : NULL;
    if (last) mapper = last->of_type ? last->of_type : last->prop->relationship->target;
    const mr_vec *all = &mapper->registry->mappers;
    for (size_t i = 0; i < all->len; i++) {
        const mr_mapper *m = mr_vec_ptr(all, i);
        for (size_t j = 0; mr_mapper_isa(m, mapper) && j < m->props.len; j++)
            if (((const mr_property *)mr_vec_ptr(&m->props, j))->deferred_group == o->group) return MR_OK;
    }
    return mr_fail(p->env, MR_ERR_ARGUMENT, "undefer_group: %s has no deferred columns of a group '%s'", mapper->name,
                   o->group);
}

/* Does the FROM object of with_polymorphic have no names of its own? Then it stands for the class itself. */
static bool is_class_itself(const mr_node *alias) {
    if (!alias || !alias->annotation) return false;
    while (alias->kind == MR_NODE_JOIN) alias = alias->child[0];
    return alias->kind == MR_NODE_TABLE;
}

/* Does the option's path start from this item? An option of a class means the class itself, one of an alias means that
 * alias, and a bare name means any item that has the attribute. */
static bool starts_from(const mr_option *o, const mr_query_item *item) {
    const mr_mapper *mapper = item->mapper;
    if (!mapper) return false;
    if (o->mapper && o->start != item->alias && (o->start || !is_class_itself(item->alias))) return false;
    if (o->mapper && !mr_mapper_isa(mapper, o->mapper) && !mr_mapper_isa(o->mapper, mapper)) return false;
    return o->nsteps == 0 || find_step(mapper, &o->steps[0]);
}

static mr_status no_start(mr_planner *p, const mr_option *o) {
    const mr_mapper *lead = mr_query_lead(p->q);
    const char *name = o->nsteps == 0 ? NULL : o->steps[0].prop ? o->steps[0].prop->name : o->steps[0].name;
    bool aliased = false;
    for (unsigned i = 0; o->mapper && i < p->q->nitems; i++)
        if (p->q->items[i].mapper && mr_mapper_isa(p->q->items[i].mapper, o->mapper)) aliased = true;
    if (o->mapper && name && (o->start || aliased))
        return mr_fail(p->env, MR_ERR_ARGUMENT,
                       "the option for %s.%s does not apply: it is of %s, which the query does not load; write it with "
                       "the class or alias that the query is over",
                       o->mapper->name, name, o->start ? "an alias" : "the class itself");
    if (o->mapper && name)
        return mr_fail(p->env, MR_ERR_ARGUMENT, "the option for %s.%s does not apply: the query loads no %s",
                       o->mapper->name, name, o->mapper->name);
    if (o->mapper && lead && o->kind == MR_OPTION_POLYMORPHIC)
        return mr_fail(
            p->env, MR_ERR_ARGUMENT,
            "selectin_polymorphic(%s, ...) does not apply: the query loads %s, and no %s: behind a path it is "
            "written mr.selectinload(%s.NAME):selectin_polymorphic(...)",
            o->mapper->name, lead->name, o->mapper->name, lead->name);
    if (!lead || !name)
        return mr_fail(p->env, MR_ERR_ARGUMENT, "a loader option does not apply: the query loads no class");
    return no_attribute(p->env, lead, name);
}

mr_status mr_options_resolve(mr_planner *p) {
    const mr_query *q = p->q;
    p->opts = mr_arena_alloc(p->plan->arena, (q->noptions + (size_t)1) * sizeof *p->opts);
    p->roots = mr_arena_alloc(p->plan->arena, (q->noptions + (size_t)1) * sizeof *p->roots);
    p->plan->kept = mr_arena_alloc(p->plan->arena, (q->noptions + (size_t)1) * sizeof *p->plan->kept);
    if (!p->opts || !p->roots || !p->plan->kept) return MR_FAIL;
    resolved_path path = {0};
    for (unsigned i = 0; i < q->noptions; i++) {
        mr_option *o = &p->opts[p->nopts];
        *o = q->options[i];
        p->roots[p->nopts] = MR_PLAN_NONE;
        if ((unsigned)o->strategy >= MR_LAZY__COUNT)
            return mr_fail(p->env, MR_ERR_ARGUMENT, "a loader option asks for strategy %d, which does not exist",
                           (int)o->strategy);
        if (o->kind == MR_OPTION_CRITERIA && mr_plan_keep_criterion(p, o->criterion) != MR_OK) return MR_FAIL;
        if (o->kind == MR_OPTION_CRITERIA || (o->nsteps == 0 && !o->mapper && o->kind == MR_OPTION_WILDCARD_LAZY)) {
            p->nopts++;
            continue;
        }
        unsigned item = 0;
        while (item < q->nitems && !starts_from(o, &q->items[item])) item++;
        if (item == q->nitems && p->plain && !q->statement) continue;
        if (item == q->nitems) return no_start(p, o);
        bool known = path.given && path.given == o->steps && path.start == q->items[item].mapper;
        if (!known && begin_path(p, &path, q, i, q->items[item].mapper) != MR_OK) return MR_FAIL;
        if (resolve_steps(p, o, &path) != MR_OK || check_group(p, o, q->items[item].mapper) != MR_OK) return MR_FAIL;
        if (o->limit_by) p->plan->kept[p->plan->nkept++] = mr_node_retain(o->limit_by);
        o->mapper = q->items[item].mapper;
        o->start = NULL; /* the plan may live longer than the query */
        p->roots[p->nopts++] = (uint16_t)item;
    }
    return MR_OK;
}

mr_status mr_options_of_item(mr_planner *p, uint16_t item, unsigned *n, const mr_option **out) {
    mr_option *opts = mr_arena_alloc(p->plan->arena, (p->nopts + (size_t)1) * sizeof *opts);
    if (!opts) return MR_FAIL;
    *n = 0;
    *out = opts;
    for (unsigned i = 0; i < p->nopts; i++)
        if (p->roots[i] == item || p->roots[i] == MR_PLAN_NONE) opts[(*n)++] = p->opts[i];
    return MR_OK;
}

static bool is_everywhere(const mr_option *o) { return o->nsteps == 0 && !o->mapper; }

mr_status mr_options_below(mr_arena *arena, const mr_property *prop, unsigned nopts, const mr_option *opts, unsigned *n,
                           const mr_option **out) {
    mr_option *below = NULL;
    *n = 0;
    *out = NULL;
    for (unsigned i = 0; i < nopts; i++) {
        const mr_option *o = &opts[i];
        bool again = o->nsteps == 1 && o->steps[0].prop == prop && o->recursion != 0;
        bool goes_on = o->nsteps > 0 && o->steps[0].prop == prop &&
                       (o->nsteps > 1 || o->kind == MR_OPTION_UNDEFER_GROUP || o->kind == MR_OPTION_WILDCARD_LAZY ||
                        o->kind == MR_OPTION_POLYMORPHIC);
        if (!goes_on && !again && !is_everywhere(o)) continue;
        if (!below && !(below = mr_arena_alloc(arena, nopts * sizeof *below))) return MR_FAIL;
        mr_option *b = &below[(*n)++];
        *b = *o;
        if (again && o->recursion > 0) b->recursion--;
        if (!goes_on) continue;
        b->mapper = o->steps[0].of_type ? o->steps[0].of_type : prop->relationship->target;
        b->steps++;
        b->nsteps--;
    }
    *out = below;
    return MR_OK;
}

const mr_option *mr_options_strategy(const mr_property *prop, unsigned nopts, const mr_option *opts) {
    const mr_option *found = NULL, *wildcard = NULL;
    for (unsigned i = 0; i < nopts; i++) {
        const mr_option *o = &opts[i];
        if (o->kind == MR_OPTION_WILDCARD_LAZY && o->nsteps == 0)
            wildcard = is_everywhere(o) && wildcard && !is_everywhere(wildcard)
                           ? wildcard
                           : o; /* a wildcard below a path is more specific */
        else if ((o->kind == MR_OPTION_LAZY || o->kind == MR_OPTION_CONTAINS_EAGER) && o->nsteps == 1 &&
                 o->steps[0].prop == prop)
            found = o;
    }
    if (!found && prop->relationship && mr_relationship_is_queried(prop->relationship)) return NULL;
    return found ? found : wildcard;
}

/* Does the option say how the relationship is loaded, or what of the objects that it leads to? */
static bool concerns(const mr_option *o, const mr_property *prop) {
    if (o->nsteps > 0) return o->steps[0].prop == prop && o->kind != MR_OPTION_PATH;
    return o->kind == MR_OPTION_WILDCARD_LAZY || o->kind == MR_OPTION_CRITERIA;
}

static bool same_steps(const mr_option *a, const mr_option *b) {
    if (a->nsteps != b->nsteps) return false;
    for (unsigned i = 0; i < a->nsteps; i++) {
        const mr_option_step *x = &a->steps[i], *y = &b->steps[i];
        if (x->prop != y->prop || x->of_type != y->of_type || x->with != y->with) return false;
    }
    return true;
}

/* Options that differ in what does not matter here may count as different. */
static bool says_the_same(const mr_option *a, const mr_option *b) {
    return a->kind == b->kind && a->strategy == b->strategy && a->innerjoin == b->innerjoin &&
           a->batch.after == b->batch.after && a->batch.max == b->batch.max && a->limit == b->limit &&
           a->limit_by == b->limit_by && a->recursion == b->recursion && a->group == b->group && a->with == b->with &&
           a->alias == b->alias && a->criterion == b->criterion && !a->mapper == !b->mapper && same_steps(a, b);
}

bool mr_options_agree(const mr_property *prop, const mr_origin *a, const mr_origin *b) {
    unsigned i = 0, k = 0, na = a ? a->nopts : 0, nb = b ? b->nopts : 0;
    if (a == b) return true;
    for (;; i++, k++) {
        while (i < na && !concerns(&a->opts[i], prop)) i++;
        while (k < nb && !concerns(&b->opts[k], prop)) k++;
        if (i == na || k == nb) return i == na && k == nb;
        if (!says_the_same(&a->opts[i], &b->opts[k])) return false;
    }
}

bool mr_options_loads(const mr_property *prop, unsigned nopts, const mr_option *opts) {
    bool loads = !prop->deferred, only = false, named = false;
    for (unsigned i = 0; i < nopts; i++) {
        const mr_option *o = &opts[i];
        bool names = o->nsteps == 1 && o->steps[0].prop == prop;
        if (o->kind == MR_OPTION_DEFER && names) loads = named = false;
        else if (o->kind == MR_OPTION_LOAD_ONLY && o->nsteps == 1) {
            only = true;
            if (names) named = true;
        } else if ((o->kind == MR_OPTION_UNDEFER && names) ||
                   (o->kind == MR_OPTION_UNDEFER_GROUP && o->nsteps == 0 &&
                    (is_all_groups(o) || prop->deferred_group == o->group))) {
            loads = named = true;
        }
    }
    return only ? named : loads;
}

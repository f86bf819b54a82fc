/*
 * loader_criteria.c: the criteria of with_loader_criteria, for the rows of a class wherever a query reads them: its own
 * FROM, joins, eager loads, subqueries and EXISTS. (As in SQLAlchemy.)
 *
 * Invariant: the criteria are added when the SELECT is complete, so that no way to name a class passes them by. A plan
 * keeps the criteria that its objects pass on.
 */
#include "planner.h"

#include <string.h>

/* ---------------------------------------------------------------- life */

mr_status mr_plan_keep_criterion(mr_planner *p, mr_loader_criterion *c) {
    mr_plan *plan = p->plan;
    if (!plan->criteria) plan->criteria = mr_arena_alloc(plan->arena, p->q->noptions * sizeof(mr_loader_criterion *));
    if (!plan->criteria) return MR_FAIL;
    plan->criteria[plan->ncriteria++] = mr_loader_criterion_retain(c);
    return MR_OK;
}

void mr_plan_release_criteria(mr_plan *plan) {
    for (unsigned i = 0; i < plan->ncriteria; i++) mr_loader_criterion_release(plan->criteria[i]);
    plan->ncriteria = 0;
}

/* ---------------------------------------------------------------- whose rows are read */

typedef struct naming {
    const mr_table *table;
    const mr_mapper *mapper; /* the class of whose attributes one is a column of the table, or NULL */
} naming;

static bool find_class(void *ud, const mr_node *node) {
    naming *f = ud;
    if (f->mapper || node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    if (node->kind != MR_NODE_COLUMN || node->n > 0 || !node->annotation) return true;
    if (node->u.column->table == f->table) f->mapper = ((const mr_property *)node->annotation)->mapper;
    return false;
}

/* The class by whose attributes the SELECT names the table; NULL: it names none. Only the outermost SELECT is sure to
 * read itself what its criteria name. */
static const mr_mapper *class_named(const mr_select *s, bool outermost, const mr_table *table) {
    naming f = {table, NULL};
    mr_node_walk(s->columns, find_class, &f);
    if (!outermost) return f.mapper;
    mr_node_walk(s->where, find_class, &f);
    mr_node_walk(s->having, find_class, &f);
    mr_node_walk(s->group_by, find_class, &f);
    mr_node_walk(s->order_by, find_class, &f);
    return f.mapper;
}

static bool has_tables(mr_node *from, const mr_mapper *mapper) {
    for (unsigned i = 0; i < mapper->nparts; i++)
        if (!mr_from_leaf(from, mapper->parts[i].table)) return false;
    return true;
}

/* The smallest part of the object that has the leaf, and all tables of the class. */
static mr_node *unit_of(mr_node *object, const mr_node *leaf, const mr_mapper *mapper) {
    mr_node *unit = object;
    while (unit->kind == MR_NODE_JOIN) {
        mr_node *next = mr_from_contains(unit->child[1], leaf) ? unit->child[1] : unit->child[0];
        if (!has_tables(next, mapper)) break;
        unit = next;
    }
    return unit;
}

/* Do the two say the same? The values of criteria are a part of the plan's key, so they may be compared. */
static mr_status same(mr_env *env, const mr_node *a, const mr_node *b, bool *out) {
    mr_strbuf key[2];
    mr_vec binds[2];
    const mr_node *const nodes[2] = {a, b};
    mr_status status = MR_OK;
    for (int i = 0; i < 2; i++) {
        mr_strbuf_init(&key[i], env);
        mr_vec_init(&binds[i], env, sizeof(mr_node *));
        if (status == MR_OK) status = mr_sql_key(nodes[i], &key[i], &binds[i]);
    }
    *out = status == MR_OK && key[0].len == key[1].len && memcmp(key[0].data, key[1].data, key[0].len) == 0;
    for (size_t i = 0; *out && i < binds[0].len; i++) {
        const mr_node *x = mr_vec_ptr(&binds[0], i), *y = mr_vec_ptr(&binds[1], i);
        bool values = x->kind == MR_NODE_BIND && y->kind == MR_NODE_BIND && x->u.value.kind < MR_OPAQUE;
        *out = x == y || (values && x->name == y->name && mr_value_equal(env, &x->u.value, &y->u.value));
    }
    for (int i = 0; i < 2; i++) {
        mr_strbuf_done(&key[i]);
        mr_vec_done(&binds[i]);
    }
    return status;
}

/* Adds the criterion (consumed) to those of the list, unless one of them says the same. */
static mr_status add_once(mr_env *env, mr_vec *list, mr_node *criterion) {
    bool found = false;
    mr_status status = MR_OK;
    for (size_t i = 0; status == MR_OK && !found && i < list->len; i++)
        status = same(env, mr_vec_ptr(list, i), criterion, &found);
    if (status == MR_OK && !found) status = mr_vec_push_ptr(list, criterion);
    if (status != MR_OK || found) mr_node_release(criterion);
    return status;
}

/* Appends the criteria for the rows of the leaf. */
static mr_status find_criteria(const mr_planner *p, const mr_mapper *mapper, mr_node *object, mr_node *leaf,
                               mr_vec *list) {
    mr_node *unit = mapper->nparts > 1 ? unit_of(object, leaf, mapper) : leaf;
    for (unsigned i = 0; i < p->nopts; i++) {
        const mr_loader_criterion *c = p->opts[i].kind == MR_OPTION_CRITERIA ? p->opts[i].criterion : NULL;
        if (!c || !mr_mapper_isa(mapper, c->mapper) || ((leaf->flags & MR_NODE_GIVEN) && !c->aliases)) continue;
        if (!mr_mapper_reads(mapper, c->mapper->table)) continue; /* a concrete class has a table of its own */
        mr_node *made = NULL;
        if (mr_expression_through(p->env, c->expression, mapper, unit, &made) != MR_OK ||
            add_once(p->env, list, made) != MR_OK)
            return MR_FAIL;
    }
    return MR_OK;
}

static mr_status criterion_of(void *ud, const mr_node *select, bool outermost, mr_node *object, mr_node *leaf,
                              mr_node **out) {
    const mr_planner *p = ud;
    const mr_mapper *mapper = leaf->reader;
    *out = NULL;
    if (!mapper && leaf->kind == MR_NODE_TABLE) mapper = class_named(select->u.select, outermost, leaf->u.table);
    if (!mapper) return MR_OK;
    mr_vec list;
    mr_vec_init(&list, p->env, sizeof(mr_node *));
    mr_status status = find_criteria(p, mapper, object, leaf, &list);
    if (status == MR_OK && list.len > 0) {
        *out = mr_sql_list(p->env, MR_OP_AND, list.data, list.len); /* consumes what is in the list */
        if (!*out) status = MR_FAIL;
    } else {
        for (size_t i = 0; i < list.len; i++) mr_node_release(mr_vec_ptr(&list, i));
    }
    mr_vec_done(&list);
    return status;
}

mr_status mr_loader_criteria_apply(mr_planner *p, mr_node **select) {
    if (p->plan->ncriteria == 0) return MR_OK;
    const mr_narrowing how = {criterion_of, p};
    mr_node *made = NULL;
    mr_status status = mr_node_narrow(*select, &how, &made);
    mr_node_release(*select);
    *select = made;
    return status;
}

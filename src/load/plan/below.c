/*
 * below.c: attributes of a subclass that has a table of its own, in the criteria and orders of a query of a base class,
 * on the left of a join where the base is joined already, or in criteria about related objects (any, has): joins that
 * table, as with_polymorphic would.
 *
 * Invariant: each such join is an outer join by the whole primary key, so that no row of the query is lost or repeated.
 * A table that the query reads already, in whatever way, is not joined again.
 */
#include "planner.h"

/* Does the FROM object, a join perhaps, read the table under its own name? */
static bool reads(const mr_node *from, const mr_table *table) {
    for (; from->kind == MR_NODE_JOIN; from = from->child[0])
        if (reads(from->child[1], table)) return true;
    return from->kind == MR_NODE_TABLE && from->u.table == table;
}

/* The FROM object of the query that reads the table; NULL: none does. Borrowed. */
static mr_node *reader_of(const mr_planner *p, const mr_table *table) {
    for (size_t i = 0; i < p->explicit.len; i++)
        if (reads(mr_vec_ptr(&p->explicit, i), table)) return mr_vec_ptr(&p->explicit, i);
    for (size_t i = 0; i < p->items.len; i++) {
        const mr_plan_item *item = mr_vec_at(&p->items, i);
        mr_node *from = item->entity == MR_PLAN_NONE ? NULL : mr_target_at(p, item->entity)->from;
        if (from && reads(from, table)) return from;
    }
    for (size_t i = 0; i < p->readers.len; i++) {
        mr_node *from = ((const mr_reader *)mr_vec_at(&p->readers, i))->from;
        if (reads(from, table)) return from;
    }
    return NULL;
}

/* Does a column of the query's items name the table? */
static mr_status is_selected(const mr_planner *p, const mr_table *table, bool *out) {
    mr_status status = MR_OK;
    *out = false;
    for (size_t i = 0; i < p->primary.len && status == MR_OK && !*out; i++) {
        mr_vec froms;
        mr_vec_init(&froms, p->env, sizeof(mr_node *));
        status = mr_node_froms(p->env, ((mr_planned_column *)mr_vec_at(&p->primary, i))->node, &froms);
        for (size_t k = 0; k < froms.len; k++) {
            const mr_node *from = mr_vec_ptr(&froms, k);
            *out = *out || (from->kind == MR_NODE_TABLE && from->u.table == table);
            mr_node_release(mr_vec_ptr(&froms, k));
        }
        mr_vec_done(&froms);
    }
    return status;
}

mr_status mr_plan_reads(const mr_planner *p, const mr_table *table, bool *out) {
    *out = reader_of(p, table) != NULL;
    return *out ? MR_OK : is_selected(p, table, out);
}

/* Joins the tables of the class that the query lacks to the one of its base that it reads. */
static mr_status join_tables(mr_planner *p, const mr_mapper *mapper) {
    const mr_table *top = mapper->parts[0].table;
    bool selected = false;
    mr_node *left = reader_of(p, top);
    if (!left && is_selected(p, top, &selected) != MR_OK) return MR_FAIL;
    if (!left && !selected) return MR_OK;
    left = left ? mr_node_retain(left) : mr_sql_table(p->env, top);
    mr_status status = left ? MR_OK : MR_FAIL;
    for (unsigned i = 1; i < mapper->nparts && status == MR_OK; i++) {
        const mr_mapper_part *part = &mapper->parts[i];
        bool there;
        status = mr_plan_reads(p, part->table, &there);
        if (!there && status == MR_OK)
            status = mr_froms_join(p, MR_OP_LEFT, left, mr_sql_table(p->env, part->table), mr_node_retain(part->on));
    }
    mr_node_release(left);
    return status;
}

mr_status mr_plan_left_below(mr_planner *p, mr_mapper *mapper, mr_node **out) {
    mr_node *left = NULL;
    *out = NULL;
    for (size_t i = 0; i < p->explicit.len && !left && mapper->nparts > 1; i++)
        if (reads(mr_vec_ptr(&p->explicit, i), mapper->parts[0].table)) left = mr_vec_ptr(&p->explicit, i);
    if (!left) return MR_OK;
    if (join_tables(p, mapper) != MR_OK) return MR_FAIL;
    *out = mr_node_retain(reader_of(p, mapper->parts[0].table));
    return MR_OK;
}

typedef struct search {
    mr_planner *p;
    bool failed;
} search;

/* The tables of a subclass that an EXISTS along one of its relationships takes from the query around it. */
static mr_status join_correlated(mr_planner *p, const mr_node *select) {
    const mr_select *inner = select->u.select;
    const mr_node *first = inner->correlate && inner->correlate->n > 0 ? inner->correlate->child[0] : NULL;
    const mr_mapper *mapper = first && first->kind == MR_NODE_TABLE ? first->reader : NULL;
    bool whole = mapper && inner->correlate->n == mapper->nparts && !inner->correlate_except;
    if (!whole || mapper->nparts == 1 || reader_of(p, mapper->parts[mapper->nparts - 1].table)) return MR_OK;
    return join_tables(p, mapper);
}

static bool find_below(void *ud, const mr_node *node) {
    search *s = ud;
    if (!s->failed && node->kind == MR_NODE_SELECT) s->failed = join_correlated(s->p, node) != MR_OK;
    if (s->failed || node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    const mr_property *prop = node->kind == MR_NODE_COLUMN && node->n == 0 ? node->annotation : NULL;
    if (prop && prop->mapper->nparts > 1 && prop->column == node->u.column && !reader_of(s->p, prop->column->table))
        s->failed = join_tables(s->p, prop->mapper) != MR_OK;
    return true;
}

mr_status mr_plan_below(mr_planner *p) {
    const mr_select *q = &p->q->clauses;
    const mr_node *const clauses[] = {q->where, q->group_by, q->having, q->order_by, q->distinct_on};
    search s = {p, false};
    if (p->q->united) return MR_OK; /* it has no columns but those of its queries */
    for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++)
        if (clauses[i]) mr_node_walk(clauses[i], find_below, &s);
    return s.failed ? MR_FAIL : MR_OK;
}

/* ---------------------------------------------------------------- criteria about related objects */

typedef struct naming {
    mr_mapper *mapper;
    mr_vec below; /* mr_mapper *: the subclasses that were found */
    bool failed;
} naming;

static bool find_named(void *ud, const mr_node *node) {
    naming *n = ud;
    if (n->failed || node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    const mr_property *prop = node->kind == MR_NODE_COLUMN && node->n == 0 ? node->annotation : NULL;
    if (!prop || prop->column != node->u.column || mr_mapper_reads(n->mapper, node->u.column->table)) return true;
    if (mr_mapper_isa(prop->mapper, n->mapper)) n->failed = mr_vec_push_ptr(&n->below, prop->mapper) != MR_OK;
    return true;
}

mr_node *mr_tables_for(mr_mapper *mapper, bool aliased, const mr_node *criterion) {
    naming n = {.mapper = mapper};
    mr_node *from = NULL;
    mr_vec_init(&n.below, mapper->env, sizeof(mr_mapper *));
    if (criterion && mapper->subclasses.len > 0) mr_node_walk(criterion, find_named, &n);
    const mr_polymorphic *with =
        n.below.len > 0 ? mr_mapper_with(mapper, (mr_mapper *const *)n.below.data, (unsigned)n.below.len) : NULL;
    if (n.failed || (n.below.len > 0 && !with)) from = NULL;
    else if (with) from = mr_polymorphic_from(with, aliased, NULL);
    else from = aliased ? mr_tables_alias(mapper) : mr_mapper_tables(mapper);
    mr_vec_done(&n.below);
    return from;
}

/* ---------------------------------------------------------------- tables that nothing reads */

typedef struct unread {
    const mr_node *from;
    const mr_node *column; /* found */
} unread;

static bool find_unread(void *ud, const mr_node *node) {
    unread *u = ud;
    if (u->column || node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    if (node->kind != MR_NODE_COLUMN || !node->annotation || !node->u.column->table) return true;
    const mr_node *alias = mr_column_object(node);
    if (alias && !(alias->flags & MR_NODE_GIVEN)) return true;
    bool read = false;
    for (uint32_t i = 0; i < u->from->n && !read; i++)
        read = alias ? mr_from_contains(u->from->child[i], alias) : reads(u->from->child[i], node->u.column->table);
    if (!read) u->column = node;
    return true;
}

mr_status mr_plan_check_order(const mr_planner *p, const mr_select *s) {
    const mr_node *const clauses[] = {s->group_by, s->having, s->order_by};
    static const char *const words[] = {"group_by", "having", "order_by"};
    unread u = {s->from, NULL};
    if (!s->from || !p->alone) return MR_OK;
    for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++) {
        if (clauses[i]) mr_node_walk(clauses[i], find_unread, &u);
        if (!u.column) continue;
        const mr_property *prop = u.column->annotation;
        if (u.column->n > 0)
            return mr_fail(
                p->env, MR_ERR_INVALID_REQUEST,
                "%s: the query does not read the alias that %s.%s is of: name it in select_from, join it, or "
                "select one of its attributes",
                words[i], prop->mapper->name, prop->name);
        return mr_fail(p->env, MR_ERR_INVALID_REQUEST,
                       "%s: the query does not read '%s', the table of %s.%s: join it, or name the attribute of what "
                       "the query reads (of an alias, through the alias)",
                       words[i], u.column->u.column->table->name, prop->mapper->name, prop->name);
    }
    return MR_OK;
}

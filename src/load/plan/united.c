/*
 * united.c: translates the clauses of a query over a union: attributes, expressions and classes become columns of the
 * union.
 *
 * Invariant: items, options and criteria of the query still name tables and classes; they are translated here, at
 * planning. A column that the union does not list is refused: read from its table, it would belong to any row.
 */
#include "planner.h"

/* ---------------------------------------------------------------- the union's columns */

static const mr_node *first_columns(const mr_planner *p) {
    return p->q->united ? mr_query_columns(p->q->united) : NULL;
}

static bool gives(const mr_node *list, const mr_node *from) {
    for (; from->kind == MR_NODE_JOIN; from = from->child[0])
        if (gives(list, from->child[1])) return true;
    for (uint32_t i = 0; list && i < list->n; i++) {
        for (const mr_node *x = list->child[i]; x; x = mr_column_source(x)) {
            while (x->kind == MR_NODE_LABEL) x = x->child[0];
            if (x->kind == MR_NODE_COLUMN && mr_column_is_of(x, from)) return true;
        }
    }
    return false;
}

mr_node *mr_united_from(const mr_planner *p, mr_node *from) {
    if (!p->q->united || (p->spared && mr_from_contains(p->spared, from))) return from;
    return gives(first_columns(p), from) ? p->q->united : from;
}

static bool is_joined(const mr_planner *p, const mr_node *column) {
    for (size_t i = 0; i < p->explicit.len; i++)
        if (mr_column_is_of(column, mr_vec_ptr(&p->explicit, i))) return true;
    return false;
}

static bool finds(const mr_node *list, const mr_node *wanted, uint32_t *place) {
    for (uint32_t i = 0; list && i < list->n; i++) {
        if (!mr_stands_for(list->child[i], wanted)) continue;
        *place = i;
        return true;
    }
    return false;
}

/* Finds the attribute through an alias of its class: the bare class may stand for the alias. */
static bool finds_attribute(const mr_node *list, const mr_node *wanted, uint32_t *place) {
    for (uint32_t i = 0; list && wanted->n == 0 && i < list->n; i++) {
        if (!mr_stands_for_column(list->child[i], wanted->u.column)) continue;
        *place = i;
        return true;
    }
    return false;
}

/* Is the column a twin of the attribute in a table of a class below? */
static bool is_twin(const mr_property *prop, const mr_column *column) {
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(prop->mapper, m));) {
        for (size_t i = 0; i < m->twins.len; i++) {
            const mr_twin *twin = mr_vec_at(&m->twins, i);
            if (twin->column == column && twin->prop == prop) return true;
        }
    }
    return false;
}

/* Finds a key column of a class of several tables, of which queries select that of the topmost table. */
static bool finds_twin(const mr_node *list, const mr_node *wanted, uint32_t *place) {
    for (uint32_t i = 0; list && wanted->n == 0 && i < list->n; i++) {
        const mr_node *x = list->child[i];
        while (x->kind == MR_NODE_LABEL) x = x->child[0];
        if (x->kind != MR_NODE_COLUMN || x->n > 0 || !x->annotation || !is_twin(x->annotation, wanted->u.column))
            continue;
        *place = i;
        return true;
    }
    return false;
}

/* The number of the union's column that the expression means. The names of the first query count first; those of the
 * other queries count only if no joined object has them. */
static bool place_of(const mr_planner *p, const mr_node *wanted, uint32_t *place) {
    const mr_node *all = p->q->united->child[0];
    if (finds(first_columns(p), wanted, place)) return true;
    if (wanted->kind != MR_NODE_COLUMN || is_joined(p, wanted)) return false;
    for (uint32_t i = 1; all->kind == MR_NODE_COMPOUND && i < all->n; i++)
        if (finds(mr_query_columns(all->child[i]), wanted, place)) return true;
    return finds_attribute(first_columns(p), wanted, place) || finds_twin(first_columns(p), wanted, place);
}

static mr_node *column_at(mr_planner *p, uint32_t place, const void *annotation) {
    const mr_node *item = first_columns(p)->child[place];
    const char *name = mr_listed_name(item);
    if (!name) {
        mr_fail(p->env, MR_ERR_INVALID_REQUEST, "column %u of the union has no name: give it one with :label()",
                (unsigned)place + 1);
        return NULL;
    }
    const mr_column *stand_in = mr_stand_in_column(p->env, name, item->type);
    return stand_in ? mr_sql_column(p->env, stand_in, mr_node_retain(p->q->united), annotation) : NULL;
}

mr_status mr_united_column(mr_planner *p, mr_node *column, mr_node **out) {
    uint32_t place;
    *out = NULL;
    bool found = place_of(p, column, &place);
    if (found) *out = column_at(p, place, column->annotation);
    mr_node_release(column);
    return *out || !found ? MR_OK : MR_FAIL;
}

/* ---------------------------------------------------------------- expressions */

typedef struct adapting {
    mr_planner *p;
    bool failed;
} adapting;

static mr_status lacks(const mr_planner *p, const mr_node *column) {
    const mr_property *prop = column->annotation;
    const mr_column *c = column->u.column;
    return mr_fail(p->env, MR_ERR_INVALID_REQUEST,
                   "the union does not give %s.%s: let its queries select it, or name what they do select",
                   prop       ? prop->mapper->name
                   : c->table ? c->table->name
                              : "the column",
                   prop ? prop->name : c->name);
}

typedef struct reading {
    const mr_node *column;
    bool found;
} reading;

/* Does an expression of the union have a column of the same table or alias? A query inside the expression has tables of
 * its own. */
static bool find_reading(void *ud, const mr_node *node) {
    reading *r = ud;
    if (r->found || node->kind == MR_NODE_SELECT) return false;
    for (const mr_node *x = node; x && x->kind == MR_NODE_COLUMN; x = mr_column_source(x)) {
        if (x->n != r->column->n) continue;
        r->found = x->n > 0 ? x->child[0] == r->column->child[0] : x->u.column->table == r->column->u.column->table;
        if (r->found) break;
    }
    return !r->found;
}

/* Does the query read the column's table only inside the union? */
static bool is_within(const mr_planner *p, const mr_node *column) {
    if (is_joined(p, column)) return false;
    reading r = {column, false};
    const mr_node *list = first_columns(p);
    for (uint32_t i = 0; list && i < list->n && !r.found; i++) mr_node_walk(list->child[i], find_reading, &r);
    return r.found;
}

/* If the node is an attribute of an alias over a subquery: the column of that subquery. Else the node itself. A new
 * reference. */
static mr_node *through_subquery(const mr_planner *p, const mr_node *node) {
    mr_node *made = NULL, *same = (mr_node *)node;
    if (node->n == 0 || !node->u.column->table || !mr_reads_subquery(node->child[0])) return mr_node_retain(same);
    if (mr_from_column(p->env, node->u.column, node->annotation, node->child[0], &made) != MR_OK) return NULL;
    return made ? made : mr_node_retain(same);
}

static mr_node *adapt_column(adapting *a, const mr_node *node) {
    mr_planner *p = a->p;
    mr_node *through = through_subquery(p, node), *made = NULL;
    if (!through) {
        a->failed = true;
        return NULL;
    }
    bool plain = !p->q->united || (p->spared && mr_column_is_of(node, p->spared)) ||
                 (node->n > 0 && node->child[0] == p->q->united);
    if (plain) {
        if (through != node) return through;
        mr_node_release(through);
        return NULL;
    }
    bool missing = is_within(p, through);
    if (mr_united_column(p, mr_node_retain(through), &made) != MR_OK || (!made && missing && lacks(p, node) != MR_OK))
        a->failed = true;
    if (made || a->failed || through == node) {
        mr_node_release(through);
        return made;
    }
    return through;
}

static mr_node *adapt_expression(void *ud, const mr_node *node) {
    adapting *a = ud;
    uint32_t place;
    if (a->failed) return NULL;
    if (node->kind == MR_NODE_COLUMN) return adapt_column(a, node);
    if (!a->p->q->united || node->kind == MR_NODE_BIND || node->kind == MR_NODE_BINDS) return NULL;
    if (!finds(first_columns(a->p), node, &place)) return NULL;
    mr_node *made = column_at(a->p, place, NULL);
    if (!made) a->failed = true;
    return made;
}

static mr_node *adapt_object(void *ud, const mr_node *from) {
    adapting *a = ud;
    mr_node *other = mr_united_from(a->p, (mr_node *)from);
    return other == from ? NULL : other;
}

mr_status mr_united_translate(mr_planner *p, mr_node *node, mr_node **out) {
    *out = node;
    if (!node || !p->adapts) return MR_OK;
    adapting a = {p, false};
    const mr_adaption how = {adapt_expression, adapt_object, &a, NULL};
    *out = mr_node_adapt(node, &how);
    mr_node_release(node);
    if (*out && !a.failed) return MR_OK;
    mr_node_release(*out);
    *out = NULL;
    return MR_FAIL;
}

mr_status mr_united_translate_item(mr_planner *p, mr_node *node, mr_node **out) {
    uint32_t place;
    if (!p->q->united || !finds(first_columns(p), node, &place)) return mr_united_translate(p, node, out);
    *out = column_at(p, place, node->annotation);
    mr_node_release(node);
    return *out ? MR_OK : MR_FAIL;
}

void mr_united_find_subqueries(mr_planner *p) {
    const mr_query *q = p->q;
    p->adapts = q->united != NULL;
    for (unsigned i = 0; i < q->nitems && !p->adapts; i++)
        p->adapts = q->items[i].mapper && mr_reads_subquery(q->items[i].alias);
    for (unsigned i = 0; i < q->njoins && !p->adapts; i++)
        p->adapts = mr_reads_subquery(q->joins[i].target) || mr_reads_subquery(q->joins[i].left_alias);
}

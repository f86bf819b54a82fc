/*
 * adapt.c: moves an expression from one FROM object to another, together with the queries nested in it. A nested query
 * then correlates with the new object; the objects that it reads itself stay.
 *
 * Invariant: a column inside of nested SELECTs is replaced only if none of these SELECTs reads its FROM object itself.
 * Recursion is as deep as the tree, and the constructors of nodes limit that depth.
 */
#include <moonrow/sql.h>

#include "compiler.h"
#include "node.h"

#include <string.h>

typedef struct adapter {
    const mr_adaption *a;
    mr_vec own; /* const mr_node *: FROM objects that the SELECTs around the current node read themselves */
    unsigned level;
    bool failed;
} adapter;

static mr_node *adapt(adapter *d, mr_node *node);

static bool is_own(const adapter *d, const mr_node *column) {
    for (size_t i = 0; i < d->own.len; i++)
        if (mr_column_is_of(column, mr_vec_ptr(&d->own, i))) return true;
    return false;
}

/* Is it a table's column that is read through a subquery? Such a column is replaced everywhere, under any name that the
 * subquery gives it. */
static bool is_seen_through(const mr_node *column) {
    return column->n > 0 && column->u.column->table && mr_query_columns(column->child[0]);
}

/* ---------------------------------------------------------------- the FROM objects of a SELECT */

static bool lists(const mr_node *list, const mr_node *object) {
    for (uint32_t i = 0; list && i < list->n; i++)
        if (mr_same_object(list->child[i], object)) return true;
    return false;
}

/* Can the surrounding statement supply the object, provided that the SELECT also reads another one itself? */
static bool may_be_supplied(const adapter *d, const mr_select *s, const mr_node *object) {
    if (object->kind == MR_NODE_JOIN || !d->a->from(d->a->ud, object)) return false;
    for (size_t i = 0; i < d->own.len; i++)
        if (mr_same_object(mr_vec_ptr(&d->own, i), object)) return false;
    return s->correlate ? lists(s->correlate, object) != s->correlate_except : d->level == 1;
}

/* Would the SELECT read no object itself? Without an explicit correlate it must read at least one. */
static bool reads_nothing(const adapter *d, const mr_select *s) {
    if (s->correlate) return false;
    for (uint32_t i = 0; i < s->from->n; i++)
        if (!may_be_supplied(d, s, s->from->child[i])) return false;
    return true;
}

static void note_own(adapter *d, const mr_node *object) {
    for (; object->kind == MR_NODE_JOIN; object = object->child[0]) note_own(d, object->child[1]);
    if (mr_vec_push_ptr(&d->own, (mr_node *)object) != MR_OK) d->failed = true;
}

/* The FROM list, in which new objects replace those that the surrounding statement supplies. The other objects are
 * added to d->own. */
static mr_node *adapt_from_list(adapter *d, const mr_select *s) {
    bool own = reads_nothing(d, s);
    mr_node *made = NULL;
    mr_vec mine;
    mr_vec_init(&mine, s->from->env, sizeof(mr_node *));
    for (uint32_t i = 0; i < s->from->n && !d->failed; i++) {
        mr_node *object = s->from->child[i];
        bool supplied = !own && may_be_supplied(d, s, object);
        if (!supplied && mr_vec_push_ptr(&mine, object) != MR_OK) d->failed = true;
    }
    for (size_t i = 0; i < mine.len && !d->failed; i++) note_own(d, mr_vec_ptr(&mine, i));
    for (uint32_t i = 0, k = 0; i < s->from->n && !d->failed; i++) {
        mr_node *object = s->from->child[i], *item;
        bool supplied = k >= mine.len || mr_vec_ptr(&mine, k) != object;
        if (!supplied) k++;
        item = supplied ? mr_node_retain(d->a->from(d->a->ud, object)) : adapt(d, object);
        made = mr_sql_list_append(object->env, made, item);
        if (!made) d->failed = true;
    }
    mr_vec_done(&mine);
    return made;
}

/* Does the SELECT get mr_adaption.outside as what it takes from the surrounding statement? */
static bool takes_outside(const adapter *d, const mr_select *s) {
    if (!d->a->outside || d->level != 1 || s->correlate || !s->from) return false;
    for (uint32_t i = 0; i < s->from->n; i++)
        if (!lists(d->a->outside, s->from->child[i])) return true;
    return false;
}

static mr_node *adapt_correlate(adapter *d, const mr_select *s) {
    if (takes_outside(d, s)) return mr_node_retain(d->a->outside);
    if (s->correlate && s->correlate->n == 0) return mr_node_retain(s->correlate);
    mr_node *made = NULL;
    bool same = true;
    for (uint32_t i = 0; s->correlate && i < s->correlate->n && !d->failed; i++) {
        mr_node *object = s->correlate->child[i];
        bool supplied = may_be_supplied(d, s, object);
        mr_node *placed = supplied ? d->a->from(d->a->ud, object) : object;
        same = same && placed == object;
        made = mr_sql_list_append(object->env, made, mr_node_retain(placed));
        if (!made) d->failed = true;
    }
    if (!same || !made) return made;
    mr_node_release(made);
    return mr_node_retain(s->correlate);
}

/* ---------------------------------------------------------------- the tree */

/* The node with other parts. Consumes the parts. */
static mr_node *rebuilt(adapter *d, mr_node *node, mr_node **parts, uint32_t n) {
    bool changed = false;
    for (uint32_t i = 0; i < n; i++) changed = changed || parts[i] != node->child[i];
    if (!d->failed && changed) {
        mr_node *made = mr_node_with_parts(node, parts);
        if (!made) d->failed = true;
        return made;
    }
    mr_nodes_release(parts, n);
    return d->failed ? NULL : mr_node_retain(node);
}

static mr_node *adapt_select(adapter *d, mr_node *node) {
    const mr_select *s = node->u.select;
    mr_node *parts[MR_SELECT_PARTS] = {NULL};
    size_t before = d->own.len;
    d->level++;
    parts[MR_SELECT_CORRELATE] = adapt_correlate(d, s);
    if (s->from && !d->failed) parts[MR_SELECT_FROM] = adapt_from_list(d, s);
    for (uint32_t i = 0; i < MR_SELECT_PARTS && !d->failed; i++)
        if (i != MR_SELECT_CORRELATE && i != MR_SELECT_FROM && node->child[i]) parts[i] = adapt(d, node->child[i]);
    d->own.len = before;
    d->level--;
    return rebuilt(d, node, parts, MR_SELECT_PARTS);
}

static mr_node *adapt_children(adapter *d, mr_node *node) {
    uint32_t n = mr_node_parts(node);
    mr_node *few[MR_SELECT_PARTS] = {NULL}, **parts = few;
    if (n > MR_SELECT_PARTS && !(parts = mr_alloc(node->env, n * sizeof *parts))) {
        d->failed = true;
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) parts[i] = node->child[i] && !d->failed ? adapt(d, node->child[i]) : NULL;
    mr_node *made = rebuilt(d, node, parts, n);
    if (parts != few) mr_free(node->env, parts);
    return made;
}

static mr_node *adapt(adapter *d, mr_node *node) {
    if (d->failed) return NULL;
    bool asked = node->kind == MR_NODE_COLUMN ? !is_own(d, node) || is_seen_through(node) : d->level == 0;
    if (asked) {
        mr_node *made = d->a->expression(d->a->ud, node);
        if (made) return made;
    }
    switch (node->kind) {
    case MR_NODE_COLUMN:
    case MR_NODE_BIND:
    case MR_NODE_BINDS:
    case MR_NODE_LITERAL_SQL:
    case MR_NODE_TEXT:
    case MR_NODE_TABLE:
    case MR_NODE_ALIAS:
    case MR_NODE_CTE:
        return mr_node_retain(node);
    case MR_NODE_SELECT:
        return adapt_select(d, node);
    default:
        return adapt_children(d, node);
    }
}

mr_node *mr_node_adapt(mr_node *node, const mr_adaption *a) {
    if (!node) return NULL;
    adapter d = {.a = a};
    mr_vec_init(&d.own, node->env, sizeof(mr_node *));
    mr_node *made = adapt(&d, node);
    mr_vec_done(&d.own);
    return made;
}

/* ---------------------------------------------------------------- columns and FROM objects */

bool mr_column_is_of(const mr_node *column, const mr_node *from) {
    for (; from->kind == MR_NODE_JOIN; from = from->child[0])
        if (mr_column_is_of(column, from->child[1])) return true;
    if (from->kind == MR_NODE_TABLE) return column->n == 0 && column->u.column->table == from->u.table;
    return column->n > 0 && column->child[0] == from;
}

mr_node *mr_from_leaf(mr_node *from, const mr_table *table) {
    for (; from->kind == MR_NODE_JOIN; from = from->child[0]) {
        mr_node *found = mr_from_leaf(from->child[1], table);
        if (found) return found;
    }
    const mr_node *of = from->kind == MR_NODE_ALIAS ? from->child[0] : from;
    return of->kind == MR_NODE_TABLE && of->u.table == table ? from : NULL;
}

static const mr_node *select_of(const mr_node *query) {
    while (query && (query->kind == MR_NODE_ALIAS || query->kind == MR_NODE_CTE || query->kind == MR_NODE_COMPOUND))
        query = query->child[0];
    return query && query->kind == MR_NODE_SELECT ? query : NULL;
}

const mr_node *mr_query_columns(const mr_node *query) {
    const mr_node *of = query && (query->kind == MR_NODE_ALIAS || query->kind == MR_NODE_CTE) ? query->child[0] : query;
    if (of && mr_node_is_dml(of)) return of->u.dml->returning;
    if (of && of->kind == MR_NODE_CTE) return mr_query_columns(of);
    if (of && (of->kind == MR_NODE_TYPED_TEXT || of->kind == MR_NODE_ROWS)) return of->child[1];
    if (of && of->kind == MR_NODE_VALUES) return of->child[0];
    const mr_node *select = select_of(query);
    return select ? select->u.select->columns : NULL;
}

const char *mr_listed_name(const mr_node *item) {
    return item->kind == MR_NODE_LABEL ? item->name : item->kind == MR_NODE_COLUMN ? item->u.column->name : NULL;
}

const mr_node *mr_column_source(const mr_node *column) {
    const mr_node *list = column->kind == MR_NODE_COLUMN && column->n > 0 ? mr_query_columns(column->child[0]) : NULL;
    for (uint32_t i = 0; list && i < list->n; i++) {
        const char *name = mr_listed_name(list->child[i]);
        if (name && strcmp(name, column->u.column->name) == 0) return list->child[i];
    }
    return NULL;
}

bool mr_stands_for(const mr_node *listed, const mr_node *wanted) {
    while (wanted->kind == MR_NODE_LABEL) wanted = wanted->child[0];
    for (; listed; listed = mr_column_source(listed)) {
        while (listed->kind == MR_NODE_LABEL) listed = listed->child[0];
        if (listed == wanted) return true;
        if (listed->kind == MR_NODE_COLUMN && wanted->kind == MR_NODE_COLUMN && listed->u.column == wanted->u.column &&
            listed->n == wanted->n && (listed->n == 0 || listed->child[0] == wanted->child[0]))
            return true;
    }
    return false;
}

bool mr_stands_for_column(const mr_node *listed, const mr_column *column) {
    for (; listed; listed = mr_column_source(listed)) {
        while (listed->kind == MR_NODE_LABEL) listed = listed->child[0];
        if (listed->kind == MR_NODE_COLUMN && listed->u.column == column) return true;
    }
    return false;
}

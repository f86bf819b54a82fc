/*
 * criterion.c: criteria that compare with an object, queries that belong to a parent object, and counting rows.
 *
 * Invariant: making a criterion flushes nothing and loads nothing: an object's key is read when the statement runs.
 */
#include "attributes.h"
#include "relationships.h"
#include "session_state.h"

static mr_operand operand_of(mr_entity *object, mr_relationship *rel) {
    return (mr_operand){object, mr_late_key, mr_session_spells_apart(object, rel)};
}

mr_status mr_object_criterion(const mr_property *along, mr_node *alias, mr_entity *object, mr_belonging how,
                              mr_node **out) {
    const mr_operand operand = operand_of(object, along->relationship);
    return mr_criterion_object(along, alias, &operand, how, out);
}

/* ---------------------------------------------------------------- queries with parents */

mr_status mr_query_parents_to_criteria(mr_query *query, mr_query **out) {
    mr_query *plain = query->nparents ? mr_query_without_parents(query) : mr_query_retain(query);
    for (unsigned i = 0; plain && i < query->nparents; i++) {
        const mr_query_parent *p = &query->parents[i];
        mr_node *criterion = NULL;
        mr_status status = mr_object_criterion(p->along, p->alias, p->parent, MR_BELONGS_TO, &criterion);
        mr_query *next = status == MR_OK ? mr_query_where(plain, criterion) : NULL;
        mr_query_release(plain);
        plain = next;
    }
    *out = plain;
    return plain ? MR_OK : MR_FAIL;
}

/* If the database compares the columns of the two sides by different rules, a criterion joins the parent's row. Else
 * the parent's values become parameters. */
mr_query *mr_query_belonging_to(const mr_query *query, const mr_property *along, mr_entity *parent) {
    mr_node *alias = query->nitems > 0 ? mr_node_retain(query->items[0].alias) : NULL;
    mr_query *made = mr_query_with_parent(query, along, parent, alias), *plain = NULL;
    if (!made) return NULL;
    along = made->parents[made->nparents - 1].along;
    const mr_operand operand = operand_of(parent, along->relationship);
    if (!mr_operand_by_row(along, &operand, MR_BELONGS_TO)) return made;
    (void)mr_query_parents_to_criteria(made, &plain);
    mr_query_release(made);
    return plain;
}

/* *out: the query's parameters with their values; free the array. NULL: it has none. */
static mr_status values_of(const mr_query *query, mr_named_value **out) {
    *out = query->nparams ? mr_alloc(query->env, query->nparams * sizeof **out) : NULL;
    for (unsigned i = 0; *out && i < query->nparams; i++)
        (*out)[i] = (mr_named_value){query->params[i].name, query->params[i].value};
    return *out || !query->nparams ? MR_OK : MR_FAIL;
}

/* plain_items: without what is loaded besides the items of the query. */
static mr_status statement_of(mr_query *query, bool plain_items, mr_node **out) {
    mr_query *plain = NULL;
    mr_named_value *named = NULL;
    *out = NULL;
    if (mr_query_parents_to_criteria(query, &plain) != MR_OK) return MR_FAIL;
    mr_status status = mr_load_statement(plain, plain_items, out);
    if (status == MR_OK) status = values_of(query, &named);
    if (status == MR_OK) *out = mr_sql_with_values(*out, named, query->nparams);
    else mr_node_release(*out);
    if (status != MR_OK) *out = NULL;
    mr_free(query->env, named);
    mr_query_release(plain);
    return *out ? MR_OK : MR_FAIL;
}

mr_status mr_query_statement(mr_query *query, mr_node **out) { return statement_of(query, true, out); }
mr_status mr_query_whole_statement(mr_query *query, mr_node **out) { return statement_of(query, false, out); }

/* A list of the same columns without labels. NULL: the list has something else than columns, or there is no memory. */
static mr_node *plain_columns(mr_env *env, const mr_node *list) {
    mr_node *columns = NULL;
    for (uint32_t i = 0; i < list->n; i++) {
        mr_node *x = list->child[i];
        while (x->kind == MR_NODE_LABEL) x = x->child[0];
        if (x->kind != MR_NODE_COLUMN) mr_node_release(columns);
        columns = x->kind == MR_NODE_COLUMN ? mr_sql_list_append(env, columns, mr_node_retain(x)) : NULL;
        if (!columns) break;
    }
    return columns;
}

/* The SELECT with "1" as its only column, for EXISTS, where only the existence of rows matters. Consumes node. */
static mr_node *select_one(mr_env *env, mr_node *node) {
    if (!node || node->kind != MR_NODE_SELECT || !node->u.select->from || node->u.select->group_by) return node;
    mr_select s = *node->u.select;
    /* An offset skips rows that differ in their columns: with DISTINCT the columns matter. SQLite ignores DISTINCT
     * inside EXISTS: so the query groups by its columns instead. */
    bool differ = s.offset && (s.distinct || s.distinct_on);
    s.group_by = differ && !s.distinct_on && !s.having ? plain_columns(env, s.columns) : NULL;
    if (differ && !s.group_by) return node;
    if (differ) s.distinct = false;
    mr_node *const parts[] = {s.from,   s.where,       s.having,    s.order_by, s.limit,
                              s.offset, s.distinct_on, s.correlate, s.with};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) mr_node_retain(parts[i]);
    mr_node *one = mr_sql_raw(env, mr_type_simple(MR_TYPE_INTEGER), "1");
    s.columns = mr_sql_list(env, MR_OP_COMMA, &one, 1);
    mr_node *select = mr_sql_select(env, &s);
    mr_node_release(node);
    return select;
}

mr_status mr_query_exists(mr_query *query, mr_node **out) {
    mr_node *statement;
    *out = NULL;
    if (mr_query_statement(query, &statement) != MR_OK) return MR_FAIL;
    *out = mr_sql_exists(query->env, select_one(query->env, statement));
    return *out ? MR_OK : MR_FAIL;
}

/* ---------------------------------------------------------------- counting */

/* *out: the first value of the statement's first row. Consumes statement. */
static mr_status read_integer(mr_session *s, mr_node *statement, const mr_named_value *named, size_t n, int64_t *out) {
    mr_session_cursor open;
    mr_status status = mr_session_execute(s, statement, named, n, &open);
    if (status != MR_OK) return status;
    mr_value v = mr_null_value();
    status = mr_cursor_step(open.cursor);
    if (status == MR_ROW) status = mr_cursor_fetch(open.cursor, NULL, &v);
    *out = v.kind == MR_INT ? v.u.i : 0;
    mr_error *saved = status == MR_FAIL ? mr_env_save_error(s->env) : NULL;
    mr_session_cursor_close(s->env, &open);
    mr_env_restore_error(s->env, saved);
    return status == MR_FAIL ? MR_FAIL : MR_OK;
}

/* *out: the statement that counts. A row without a key is no object, and is not counted. */
static mr_status count_statement(mr_session *s, mr_query *query, mr_node **out) {
    mr_query *keyed = NULL, *plain = NULL, *whole = NULL;
    mr_status status = mr_session_allow(s, MR_ACT_READ, "a query");
    if (status == MR_OK && !(whole = mr_load_query(&s->load, query))) status = MR_FAIL;
    if (status == MR_OK) status = mr_load_keyed(&s->load, whole, &keyed);
    if (status == MR_OK) status = mr_query_parents_to_criteria(keyed, &plain);
    if (status == MR_OK) status = mr_load_count_statement(plain, out);
    mr_query_release(plain);
    mr_query_release(keyed);
    mr_query_release(whole);
    return status;
}

mr_status mr_session_count(mr_session *s, mr_query *query, int64_t *out) {
    mr_named_value *named;
    mr_node *statement;
    if (values_of(query, &named) != MR_OK) return MR_FAIL;
    if (!query->autoflush) mr_session_block_autoflush(s, 1);
    const mr_marks marks = {query->tag, query->timeout}, *before = mr_session_use_marks(s, &marks);
    mr_status status = count_statement(s, query, &statement);
    if (status == MR_OK) status = read_integer(s, statement, named, query->nparams, out);
    mr_session_use_marks(s, before);
    if (!query->autoflush) mr_session_block_autoflush(s, -1);
    mr_free(s->env, named);
    return status;
}

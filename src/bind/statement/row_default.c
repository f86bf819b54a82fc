/*
 * row_default.c: the defaults of columns, and the versions of a class, for rows that are written by a statement.
 *
 * Invariant: a row that a statement writes gets the same defaults as a row that the flush of an object writes.
 */
#include "row_default.h"

#include "value/node.h"

static const mr_column *column_of(const mr_property *prop) {
    return prop && prop->kind == MR_PROPERTY_COLUMN ? prop->column : NULL;
}

static mr_default first_version(const mr_mapper *m) {
    if (m->version_generator)
        return (mr_default){.kind = MR_DEFAULT_FUNCTION, .fn = m->version_generator, .ud = m->version_ud};
    return (mr_default){.kind = MR_DEFAULT_VALUE, .value = mr_int_value(1)};
}

mr_default bind_row_default(const bind_statement *s, const mr_column *column) {
    const mr_mapper *m = s->mapper;
    if (s->kind != MR_NODE_INSERT) return column->onupdate;
    if (m && column == column_of(m->version) && !m->version_by_hand) return first_version(m);
    if (m && column == column_of(m->discriminator) && m->polymorphic_identity.kind != MR_UNLOADED)
        return (mr_default){.kind = MR_DEFAULT_VALUE, .value = m->polymorphic_identity};
    return column->deflt;
}

mr_column **bind_push_named_columns(lua_State *L, const bind_statement *s, size_t *n) {
    const mr_node *list = s->dml.columns;
    *n = list ? list->n : 0;
    mr_column **columns = lua_newuserdatauv(L, (*n + s->dml.table->u.table->ncolumns + 1u) * sizeof *columns, 0);
    for (size_t i = 0; i < *n; i++) columns[i] = (mr_column *)list->child[i]->u.column;
    return columns;
}

size_t bind_add_defaulted(const bind_statement *s, mr_column **columns, size_t n) {
    const mr_table *table = s->dml.table->u.table;
    size_t total = n;
    for (unsigned i = 0; i < table->ncolumns; i++) {
        mr_column *column = table->columns[i];
        bool named = false;
        for (size_t j = 0; j < n && !named; j++) named = columns[j] == column;
        if (!named && bind_row_default(s, column).kind != MR_DEFAULT_NONE) columns[total++] = column;
    }
    return total;
}

bool bind_writes_no_column(const bind_statement *s) {
    const mr_table *table = s->dml.table->u.table;
    if (s->dml.columns) return false;
    for (unsigned i = 0; i < table->ncolumns; i++)
        if (bind_row_default(s, table->columns[i]).kind != MR_DEFAULT_NONE) return false;
    return true;
}

mr_status bind_default_value(mr_env *env, const mr_default *d, mr_value *out) {
    mr_status st = MR_OK;
    *out = mr_value_of(MR_UNLOADED, 0);
    if (d->kind == MR_DEFAULT_VALUE) *out = d->value;
    else if (d->kind == MR_DEFAULT_NOW) *out = mr_calendar_now();
    else if (d->kind == MR_DEFAULT_FUNCTION) st = d->fn(env, d->ud, out);
    if (out->kind == MR_UNLOADED) *out = mr_null_value();
    return st;
}

void bind_push_row_default(lua_State *L, const bind_statement *s, mr_column *column, bool shown) {
    bind_state *b = bind_of(L);
    mr_default d = bind_row_default(s, column);
    mr_value v = mr_null_value();
    if (d.kind == MR_DEFAULT_SQL) {
        bind_push_node(L, mr_node_retain(d.expression));
        return;
    }
    if (d.kind != MR_DEFAULT_FUNCTION || !shown) BIND_TRY(b, L, bind_default_value(b->env, &d, &v));
    if (v.kind == MR_OPAQUE && v.tag == b->node_tag) bind_push_node(L, mr_node_retain(v.u.p));
    else bind_push_node(L, mr_sql_bind(b->env, mr_column_type(b->env, column), &v));
}

/* ---------------------------------------------------------------- versions */

mr_column *bind_row_version(const bind_statement *s) {
    const mr_mapper *m = s->mapper ? s->mapper : s->rows_of;
    mr_column *column = s->kind == MR_NODE_UPDATE && m && m->version ? m->version->column : NULL;
    /* Of a class of several tables, the statement of one of these may be another's. */
    return column && (s->mapper || column->table == s->dml.table->u.table) ? column : NULL;
}

void bind_check_version(lua_State *L, const bind_statement *s, const mr_column *column, const char *what,
                        bool is_null) {
    if (is_null && s->mapper && column == column_of(s->mapper->version))
        bind_error(L, MR_ERR_INVALID_REQUEST, "%s: a version cannot be NULL: nothing would find the row again", what);
}

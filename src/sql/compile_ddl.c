/*
 * compile_ddl.c: CREATE TABLE and the columns in it, and the SQL names of types.
 *
 * Invariant: constraints stand behind the columns: first the primary key, then the table's constraints in order, then
 * those of the columns in order. A CHECK that was written with a column stands in that column.
 */
#include <moonrow/sql.h>

#include "ddl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- types */

/* The rules that name the column's type in SQL. */
static const mr_type_rules *sql_rules(const mr_type *type) {
    return type->rules->sql_as ? type->rules->sql_as : type->rules;
}

/* Is it a moment that is stored as a text of its own form, which no other program reads as that moment? */
static bool is_written_moment(const mr_type *type) {
    return type->rules->storage && mr_type_is_moment(type) && !type->rules->sql_as;
}

/* The dialect's word for the type, or NULL. */
static const mr_type_word *word_of(const mr_dialect *d, const mr_type *type) {
    static const mr_type_word text = {.sql = "TEXT"};
    if (d->moments && is_written_moment(type)) return &text;
    for (const mr_type_word *w = d->type_words; w && w->sql; w++)
        if (mr_type_simple(w->code)->rules == sql_rules(type)) return w;
    return NULL;
}

/* The SQL type of a column that numbers itself. */
static const char *numbered_type(const mr_dialect *d, const mr_type *type) {
    const mr_type_word *word = word_of(d, mr_type_in(type, d->name));
    return word && word->numbered ? word->numbered : d->numbered;
}

/* INTEGER[], with a pair of brackets for each Array around the items. */
static const char *array_sql(const mr_dialect *d, const mr_type *type, char *buf, size_t size) {
    unsigned depth = 0;
    char of[MR_TYPE_NAME];
    for (; type->item; type = type->item) depth++;
    int len = snprintf(buf, size, "%s", mr_type_sql(d, type, of, sizeof of));
    for (size_t at = (size_t)len; depth > 0 && at + sizeof "[]" <= size; depth--, at += 2)
        snprintf(buf + at, size - at, "[]");
    return buf;
}

const char *mr_type_sql(const mr_dialect *d, const mr_type *type, char *buf, size_t size) {
    type = mr_type_in(type, d->name);
    const mr_type_word *word = word_of(d, type);
    if (type->named && d->named_types) return type->named;
    if (type->item && !word) return array_sql(d, type, buf, size);
    if (word && !(word->precision && type->precision >= 0 && !type->rules->sql_as)) return word->sql;
    if (word && type->scale >= 0) snprintf(buf, size, "%s(%d, %d)", word->sql, type->precision, type->scale);
    else if (word) snprintf(buf, size, "%s(%d)", word->sql, type->precision);
    else if (sql_rules(type)->print_sql) sql_rules(type)->print_sql(type, buf, size);
    else return sql_rules(type)->sql;
    return buf;
}

/* ---------------------------------------------------------------- pieces */

void mr_put_name(const ddl *x, const char *name) { mr_quote_name(x->dialect, name, x->out); }

void mr_put_table(const ddl *x, const mr_table *table) {
    if (table->schema) {
        mr_put_name(x, table->schema);
        mr_strbuf_putc(x->out, '.');
    }
    mr_put_name(x, table->name);
}

void mr_put_text(const ddl *x, const char *text) { mr_quote_text(text, strlen(text), x->out); }

void mr_put_columns(const ddl *x, mr_column *const *columns, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        if (i) mr_strbuf_puts(x->out, ", ");
        mr_put_name(x, columns[i]->name);
    }
}

void mr_put_conflict(const ddl *x, const char *what) {
    if (what && x->dialect->conflict_clauses) mr_strbuf_printf(x->out, " ON CONFLICT %s", what);
}

/* ---------------------------------------------------------------- columns */

/* Does the database number the column by its type? */
static bool is_numbered(const ddl *x, const mr_column *column) {
    const mr_table *table = column->table;
    if (table->autoincrement != column || mr_column_has_server_default(column)) return false;
    if (column->identity && x->dialect->identity) return false;
    const mr_type *type = column->type;
    if (type && type->variants && !mr_type_is_integer(mr_type_in(type, x->dialect->name))) return false;
    return x->dialect->numbered && (table->nprimary == 1 || !x->dialect->numbers_sole_key);
}

bool mr_ddl_numbers_once(const mr_dialect *dialect, const mr_table *table) {
    const mr_column *column = table->autoincrement;
    return column && dialect->numbers_once && table->nprimary == 1 && !mr_column_has_server_default(column) &&
           (table->options.autoincrement || column->autoincrement == 1);
}

/* Writes the DEFAULT. Calls and constants stand without parentheses if the dialect allows it; other expressions have
 * parentheses. */
static mr_status put_default(const ddl *x, const mr_column *column) {
    const mr_node *node = column->server_default_node;
    mr_strbuf sql;
    if (!node && !column->server_default) return MR_OK;
    mr_strbuf_init(&sql, x->env);
    bool bare = !node || node->kind == MR_NODE_TEXT || node->kind == MR_NODE_LITERAL_SQL || node->kind == MR_NODE_FUNC;
    if (!bare) mr_strbuf_putc(&sql, '(');
    mr_status status = node ? mr_sql_constraint(x->env, x->dialect, node, &sql) : MR_OK;
    if (!node) mr_strbuf_puts(&sql, column->server_default);
    if (!bare) mr_strbuf_putc(&sql, ')');
    const char *text = status == MR_OK ? mr_strbuf_str(&sql) : NULL;
    bool plain = text && (!x->dialect->is_plain_default || x->dialect->is_plain_default(text));
    if (text) mr_strbuf_printf(x->out, plain ? " DEFAULT %s" : " DEFAULT (%s)", text);
    mr_strbuf_done(&sql);
    return text ? MR_OK : MR_FAIL;
}

static mr_status put_computed(const ddl *x, const mr_column *column) {
    const mr_computed *computed = column->computed;
    if (!computed) return MR_OK;
    if (computed->persisted == 0 && !x->dialect->virtual_columns)
        return mr_fail(
            x->env, MR_ERR_ARGUMENT,
            "column %s.%s is Computed with persisted = false: %s stores each computed column: leave persisted "
            "out, or make it true",
            column->table->name, column->name, x->dialect->name);
    if (column->primary_key && !x->dialect->computed_keys)
        return mr_fail(x->env, MR_ERR_ARGUMENT,
                       "column %s.%s is Computed and in the primary key: %s computes no keys: choose another primary "
                       "key, and give this column unique = true",
                       column->table->name, column->name, x->dialect->name);
    mr_strbuf_puts(x->out, " GENERATED ALWAYS AS (");
    if (computed->sql) mr_strbuf_puts(x->out, computed->sql);
    else if (mr_sql_definition(x->env, x->dialect, computed->expression, x->out) != MR_OK) return MR_FAIL;
    mr_strbuf_putc(x->out, ')');
    bool stored = computed->persisted == 1 || !x->dialect->virtual_columns;
    if (stored) mr_strbuf_puts(x->out, " STORED");
    else if (computed->persisted == 0) mr_strbuf_puts(x->out, " VIRTUAL");
    return MR_OK;
}

/* Writes the options of an Identity as "(START WITH 5 INCREMENT BY 2)". */
static void put_sequence(const ddl *x, const mr_identity_options *o) {
    mr_strbuf text;
    mr_strbuf_init(&text, x->env);
    if (o->has_start) mr_strbuf_printf(&text, " START WITH %" PRId64, o->start);
    if (o->has_increment) mr_strbuf_printf(&text, " INCREMENT BY %" PRId64, o->increment);
    if (o->has_minvalue) mr_strbuf_printf(&text, " MINVALUE %" PRId64, o->minvalue);
    if (o->no_minvalue) mr_strbuf_puts(&text, " NO MINVALUE");
    if (o->has_maxvalue) mr_strbuf_printf(&text, " MAXVALUE %" PRId64, o->maxvalue);
    if (o->no_maxvalue) mr_strbuf_puts(&text, " NO MAXVALUE");
    if (o->has_cache) mr_strbuf_printf(&text, " CACHE %" PRId64, o->cache);
    if (o->cycle >= 0) mr_strbuf_puts(&text, o->cycle ? " CYCLE" : " NO CYCLE");
    if (text.oom) x->out->oom = true;
    else if (text.len) mr_strbuf_printf(x->out, " (%s)", mr_strbuf_str(&text) + 1);
    mr_strbuf_done(&text);
}

/* Where the database has no IDENTITY, the column must be one that it numbers anyway. */
static mr_status put_identity(const ddl *x, const mr_column *column) {
    const mr_identity_options *o = column->identity;
    if (!o) return MR_OK;
    if (x->dialect->identity) {
        mr_strbuf_printf(x->out, " GENERATED %s AS IDENTITY", o->always ? "ALWAYS" : "BY DEFAULT");
        put_sequence(x, o);
        return MR_OK;
    }
    if (!is_numbered(x, column))
        return mr_fail(
            x->env, MR_ERR_ARGUMENT,
            "column %s.%s has an Identity: %s numbers nothing but a primary key of one column: make it that, "
            "or give it a default",
            column->table->name, column->name, x->dialect->name);
    if ((o->has_start && o->start != 1) || (o->has_increment && o->increment != 1) || o->has_minvalue ||
        o->has_maxvalue)
        mr_warn(x->env, "column %s.%s: its Identity has limits of its own, and %s always numbers 1, 2, 3 ...",
                column->table->name, column->name, x->dialect->name);
    return MR_OK;
}

static mr_status put_type(const ddl *x, mr_column *column) {
    char buf[128];
    const mr_type *type = mr_column_type(x->env, column);
    if (!mr_type_is_known(type))
        return mr_fail(x->env, MR_ERR_ARGUMENT,
                       "column %s.%s has no type, and no foreign key to take it "
                       "from",
                       column->table->name, column->name);
    if ((column->autoincrement == 1 || column->identity) && !mr_type_is_integer(type))
        return mr_fail(x->env, MR_ERR_ARGUMENT,
                       "column %s.%s takes its type from the column that it refers to, which is no integer, and only "
                       "integers are numbered: leave its %s out",
                       column->table->name, column->name, column->identity ? "Identity" : "autoincrement");
    const char *sql = mr_type_sql(x->dialect, type, buf, sizeof buf);
    if (is_numbered(x, column)) sql = numbered_type(x->dialect, type);
    if (column->table->options.strict && x->dialect->strict_type) sql = x->dialect->strict_type(type, sql);
    bool sqlite = strcmp(x->dialect->name, "sqlite") == 0;
    if (sqlite && column->declared) sql = column->declared;
    if (*sql) mr_strbuf_printf(x->out, " %s", sql);
    if (sqlite && column->collation) {
        mr_strbuf_puts(x->out, " COLLATE ");
        mr_put_name(x, column->collation);
    }
    return MR_OK;
}

/* The constraint of the table's primary key, or NULL: its columns have primary_key = true. */
static const mr_constraint *primary_of(const mr_table *table) {
    const mr_constraint *k = table->constraints;
    while (k && k->kind != MR_CONSTRAINT_PRIMARY_KEY) k = k->next;
    return k;
}

const char *mr_key_conflict(const mr_table *table) {
    const mr_constraint *k = primary_of(table);
    return k && k->on_conflict ? k->on_conflict : table->nprimary == 1 ? table->primary[0]->conflict_primary_key : NULL;
}

static mr_status put_key_name(const ddl *x, const mr_table *table) {
    const mr_constraint *k = primary_of(table);
    return mr_put_constraint_name(
        x, &(mr_named){.kind = MR_NAMED_PRIMARY_KEY, .table = table, .given = k ? k->name : NULL, .constraint = k});
}

static mr_status put_column(const ddl *x, mr_column *column) {
    mr_put_name(x, column->name);
    if (put_type(x, column) != MR_OK || put_default(x, column) != MR_OK || put_computed(x, column) != MR_OK ||
        put_identity(x, column) != MR_OK)
        return MR_FAIL;
    if (!column->nullable && !(column->identity && x->dialect->identity)) {
        mr_strbuf_puts(x->out, " NOT NULL");
        mr_put_conflict(x, column->conflict_not_null);
    }
    if (column == column->table->autoincrement && mr_ddl_numbers_once(x->dialect, column->table)) {
        mr_strbuf_putc(x->out, ' ');
        if (put_key_name(x, column->table) != MR_OK) return MR_FAIL;
        mr_strbuf_puts(x->out, "PRIMARY KEY");
        mr_put_conflict(x, mr_key_conflict(column->table));
        mr_strbuf_printf(x->out, " %s", x->dialect->numbers_once);
    }
    for (const mr_constraint *k = column->checks; k; k = k->next) {
        mr_strbuf_putc(x->out, ' ');
        if (mr_put_constraint(x, column->table, k, column) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- the table */

static mr_status put_primary_key(const ddl *x, const mr_table *table) {
    const mr_constraint *k = primary_of(table);
    if (table->nprimary == 0 || table->key_by_mapping || mr_ddl_numbers_once(x->dialect, table)) return MR_OK;
    mr_strbuf_puts(x->out, ", ");
    if (k) return mr_put_constraint(x, table, k, NULL);
    if (put_key_name(x, table) != MR_OK) return MR_FAIL;
    mr_strbuf_puts(x->out, "PRIMARY KEY (");
    mr_put_columns(x, table->primary, table->nprimary);
    mr_strbuf_putc(x->out, ')');
    mr_put_conflict(x, mr_key_conflict(table));
    return MR_OK;
}

static mr_status put_columns_and_constraints(const ddl *x, mr_table *table, const mr_later *later) {
    mr_strbuf_puts(x->out, " ( ");
    bool first = true;
    for (unsigned i = 0; i < table->ncolumns; i++) {
        if (table->columns[i]->system) continue;
        if (!first) mr_strbuf_puts(x->out, ", ");
        first = false;
        if (put_column(x, table->columns[i]) != MR_OK) return MR_FAIL;
    }
    if (put_primary_key(x, table) != MR_OK || mr_put_constraints(x, table, later) != MR_OK) return MR_FAIL;
    mr_strbuf_puts(x->out, " )");
    return MR_OK;
}

/* Writes CREATE VIEW. The values in its query are in the text already. */
static mr_status put_view(const ddl *x, const mr_table *table, bool if_missing) {
    if (!table->options.sql && !table->options.query)
        return mr_fail(x->env, MR_ERR_ARGUMENT, "view '%s' has no definition: give it definition = \"SELECT ...\"",
                       table->full_name);
    if (if_missing && !x->dialect->views_if_missing)
        return mr_fail(x->env, MR_ERR_ARGUMENT, "%s has no CREATE VIEW IF NOT EXISTS: leave if_not_exists out",
                       x->dialect->name);
    mr_strbuf_puts(x->out, if_missing ? "CREATE VIEW IF NOT EXISTS " : "CREATE VIEW ");
    mr_put_table(x, table);
    mr_strbuf_puts(x->out, " AS ");
    if (!table->options.sql) return mr_sql_string_literal(x->env, x->dialect, table->options.query, x->out);
    mr_strbuf_puts(x->out, table->options.sql);
    return MR_OK;
}

mr_status mr_ddl_create(const mr_dialect *dialect, mr_table *table, bool if_missing, const mr_later *later,
                        mr_strbuf *out) {
    ddl x = {dialect, table->metadata->env, out};
    if (table->ncolumns == 0) return mr_fail(x.env, MR_ERR_ARGUMENT, "table '%s' has no columns", table->name);
    if (table->options.is_view) {
        if (put_view(&x, table, if_missing) != MR_OK) return MR_FAIL;
        return out->oom ? mr_nomem(x.env) : MR_OK;
    }
    if (table->options.using_module) {
        if (mr_ddl_create_virtual(&x, table, if_missing) != MR_OK) return MR_FAIL;
        return out->oom ? mr_nomem(x.env) : MR_OK;
    }
    mr_strbuf_puts(out, if_missing ? "CREATE TABLE IF NOT EXISTS " : "CREATE TABLE ");
    mr_put_table(&x, table);
    if (put_columns_and_constraints(&x, table, later) != MR_OK) return MR_FAIL;
    if (dialect->table_options) dialect->table_options(table, out);
    return out->oom ? mr_nomem(x.env) : MR_OK;
}

mr_status mr_ddl_create_table(const mr_dialect *dialect, mr_table *table, mr_strbuf *out) {
    return mr_ddl_create(dialect, table, false, NULL, out);
}

void mr_ddl_drop(const mr_dialect *dialect, const mr_table *table, bool if_there, mr_strbuf *out) {
    ddl x = {dialect, table->metadata->env, out};
    mr_strbuf_printf(out, "DROP %s %s", table->options.is_view ? "VIEW" : "TABLE", if_there ? "IF EXISTS " : "");
    mr_put_table(&x, table);
}

void mr_ddl_drop_table(const mr_dialect *dialect, const mr_table *table, mr_strbuf *out) {
    mr_ddl_drop(dialect, table, false, out);
}

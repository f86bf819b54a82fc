/*
 * compile_ddl.c: CREATE and DROP, and the SQL names of types.
 *
 * Invariant: constraints stand behind the columns: first the primary key, then the table's constraints in order, then
 * those of the columns in order.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- types */

/* The dialect's word for the type, or NULL. */
static const mr_type_word *word_of(const mr_dialect *d, const mr_type *type) {
    for (const mr_type_word *w = d->type_words; w && w->sql; w++)
        if (mr_type_simple(w->code)->rules == type->rules) return w;
    return NULL;
}

/* The SQL type of a column that numbers itself. */
static const char *numbered_type(const mr_dialect *d, const mr_type *type) {
    const mr_type_word *word = word_of(d, type);
    return word && word->numbered ? word->numbered : d->numbered;
}

const char *mr_type_sql(const mr_dialect *d, const mr_type *type, char *buf, size_t size) {
    const mr_type_word *word = word_of(d, type);
    if (word && !(word->precision && type->precision >= 0)) return word->sql;
    if (word) snprintf(buf, size, "%s(%d)", word->sql, type->precision);
    else if (type->rules->print_sql) type->rules->print_sql(type, buf, size);
    else return type->rules->sql;
    return buf;
}

/* ---------------------------------------------------------------- CREATE TABLE */

typedef struct ddl {
    const mr_dialect *dialect;
    mr_env *env;
    mr_strbuf *out;
} ddl;

static void put_name(const ddl *x, const char *name) { mr_quote_name(x->dialect, name, x->out); }

static void put_table(const ddl *x, const mr_table *table) {
    if (table->schema) {
        put_name(x, table->schema);
        mr_strbuf_putc(x->out, '.');
    }
    put_name(x, table->name);
}

static void put_columns(const ddl *x, mr_column *const *columns, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        if (i) mr_strbuf_puts(x->out, ", ");
        put_name(x, columns[i]->name);
    }
}

/* Writes an expression as the dialect spells it. */
static mr_status put_expression(const ddl *x, const mr_node *node) {
    return mr_sql_string(x->env, x->dialect, node, x->out);
}

/* Does the database number the column? */
static bool is_numbered(const ddl *x, const mr_column *column) {
    const mr_table *table = column->table;
    if (table->autoincrement != column || mr_column_has_server_default(column)) return false;
    return x->dialect->numbered && (table->nprimary == 1 || !x->dialect->numbers_sole_key);
}

/* Writes the DEFAULT. Calls and constants stand without parentheses if the dialect allows it; other expressions have
 * parentheses. */
static mr_status put_default(const ddl *x, const mr_column *column) {
    const mr_node *node = column->server_default_node;
    mr_strbuf sql;
    if (!mr_column_has_server_default(column)) return MR_OK;
    mr_strbuf_init(&sql, x->env);
    ddl inner = {x->dialect, x->env, &sql};
    bool bare = !node || node->kind == MR_NODE_TEXT || node->kind == MR_NODE_LITERAL_SQL || node->kind == MR_NODE_FUNC;
    if (!bare) mr_strbuf_putc(&sql, '(');
    mr_status status = node ? put_expression(&inner, node) : MR_OK;
    if (!node) mr_strbuf_puts(&sql, column->server_default);
    if (!bare) mr_strbuf_putc(&sql, ')');
    const char *text = status == MR_OK ? mr_strbuf_str(&sql) : NULL;
    bool plain = text && (!x->dialect->is_plain_default || x->dialect->is_plain_default(text));
    if (text) mr_strbuf_printf(x->out, plain ? " DEFAULT %s" : " DEFAULT (%s)", text);
    mr_strbuf_done(&sql);
    return text ? MR_OK : MR_FAIL;
}

static mr_status put_column(const ddl *x, mr_column *column) {
    char buf[128];
    const mr_type *type = mr_column_type(x->env, column);
    if (!mr_type_is_known(type))
        return mr_fail(x->env, MR_ERR_ARGUMENT,
                       "column %s.%s has no type, and no foreign key to take it "
                       "from",
                       column->table->name, column->name);
    put_name(x, column->name);
    const char *sql = mr_type_sql(x->dialect, type, buf, sizeof buf);
    if (is_numbered(x, column)) sql = numbered_type(x->dialect, type);
    if (*sql) mr_strbuf_printf(x->out, " %s", sql);
    if (put_default(x, column) != MR_OK) return MR_FAIL;
    if (!column->nullable) mr_strbuf_puts(x->out, " NOT NULL");
    return MR_OK;
}

static void put_constraint_name(const ddl *x, const char *name) {
    if (!name) return;
    mr_strbuf_puts(x->out, "CONSTRAINT ");
    put_name(x, name);
    mr_strbuf_putc(x->out, ' ');
}

static void put_actions(const ddl *x, const char *ondelete, const char *onupdate) {
    if (ondelete) mr_strbuf_printf(x->out, " ON DELETE %s", ondelete);
    if (onupdate) mr_strbuf_printf(x->out, " ON UPDATE %s", onupdate);
}

static const char *database_of(const mr_table *table) { return table->schema ? table->schema : "main"; }

/* Can the dialect write a foreign key between the tables? Not to another database, when references must stay in one. */
static bool is_writable(const ddl *x, const mr_table *from, const mr_table *to) {
    return !x->dialect->references_stay || strcasecmp(database_of(from), database_of(to)) == 0;
}

static void put_referred(const ddl *x, const mr_table *table) {
    if (x->dialect->references_stay) put_name(x, table->name);
    else put_table(x, table);
}

/* The foreign key of the constraint's i-th column that belongs to the constraint. */
static mr_foreign_key *part_of(const mr_constraint *k, unsigned i) {
    unsigned same = 0; /* how often the column stands in the constraint before i */
    for (unsigned j = 0; j < i; j++) same += k->columns[j] == k->columns[i];
    for (mr_foreign_key *fk = k->columns[i]->foreign_keys; fk; fk = fk->next)
        if (fk->constraint == k && same-- == 0) return fk;
    return NULL;
}

static mr_status put_foreign_key_constraint(const ddl *x, const mr_constraint *k) {
    mr_strbuf_puts(x->out, "FOREIGN KEY(");
    put_columns(x, k->columns, k->ncolumns);
    for (unsigned i = 0; i < k->ncolumns; i++) {
        mr_foreign_key *fk = part_of(k, i);
        if (!fk || mr_foreign_key_resolve(x->env, fk) != MR_OK) return MR_FAIL;
        if (i == 0) {
            mr_strbuf_puts(x->out, ") REFERENCES ");
            put_referred(x, fk->referred->table);
        }
        mr_strbuf_puts(x->out, i ? ", " : " (");
        put_name(x, fk->referred->name);
    }
    mr_strbuf_putc(x->out, ')');
    put_actions(x, k->ondelete, k->onupdate);
    return MR_OK;
}

static mr_status refers_within(const ddl *x, const mr_table *table, const mr_constraint *k, bool *said) {
    mr_foreign_key *fk = part_of(k, 0);
    if (!fk || mr_foreign_key_resolve(x->env, fk) != MR_OK) return MR_FAIL;
    *said = is_writable(x, table, fk->referred->table);
    return MR_OK;
}

static mr_status put_constraint(const ddl *x, const mr_constraint *k) {
    put_constraint_name(x, k->name);
    switch (k->kind) {
    case MR_CONSTRAINT_CHECK:
        mr_strbuf_puts(x->out, "CHECK (");
        if (k->sql) mr_strbuf_puts(x->out, k->sql);
        else if (put_expression(x, k->condition) != MR_OK) return MR_FAIL;
        mr_strbuf_putc(x->out, ')');
        return MR_OK;
    case MR_CONSTRAINT_FOREIGN_KEY:
        return put_foreign_key_constraint(x, k);
    default:
        mr_strbuf_puts(x->out, k->kind == MR_CONSTRAINT_UNIQUE ? "UNIQUE (" : "PRIMARY KEY (");
        put_columns(x, k->columns, k->ncolumns);
        mr_strbuf_putc(x->out, ')');
        return MR_OK;
    }
}

static void put_primary_key(const ddl *x, const mr_table *table) {
    if (table->nprimary == 0) return;
    const mr_constraint *k = table->constraints;
    while (k && k->kind != MR_CONSTRAINT_PRIMARY_KEY) k = k->next;
    mr_strbuf_puts(x->out, ", ");
    put_constraint_name(x, k ? k->name : NULL);
    mr_strbuf_puts(x->out, "PRIMARY KEY (");
    put_columns(x, table->primary, table->nprimary);
    mr_strbuf_putc(x->out, ')');
}

static mr_status put_column_constraints(const ddl *x, mr_column *column) {
    if (column->unique && !column->indexed) { /* an indexed column gets a unique index instead */
        mr_strbuf_puts(x->out, ", UNIQUE (");
        put_name(x, column->name);
        mr_strbuf_putc(x->out, ')');
    }
    for (mr_foreign_key *fk = column->foreign_keys; fk; fk = fk->next) {
        if (fk->constraint) continue;
        if (mr_foreign_key_resolve(x->env, fk) != MR_OK) return MR_FAIL;
        if (!is_writable(x, column->table, fk->referred->table)) continue;
        mr_strbuf_puts(x->out, ", ");
        put_constraint_name(x, fk->name);
        mr_strbuf_puts(x->out, "FOREIGN KEY(");
        put_name(x, column->name);
        mr_strbuf_puts(x->out, ") REFERENCES ");
        put_referred(x, fk->referred->table);
        mr_strbuf_puts(x->out, " (");
        put_name(x, fk->referred->name);
        mr_strbuf_putc(x->out, ')');
        put_actions(x, fk->ondelete, fk->onupdate);
    }
    return MR_OK;
}

mr_status mr_ddl_create_table(const mr_dialect *dialect, mr_table *table, mr_strbuf *out) {
    ddl x = {dialect, table->metadata->env, out};
    if (table->ncolumns == 0) return mr_fail(x.env, MR_ERR_ARGUMENT, "table '%s' has no columns", table->name);
    mr_strbuf_puts(out, "CREATE TABLE ");
    put_table(&x, table);
    mr_strbuf_puts(out, " ( ");
    for (unsigned i = 0; i < table->ncolumns; i++) {
        if (i) mr_strbuf_puts(out, ", ");
        if (put_column(&x, table->columns[i]) != MR_OK) return MR_FAIL;
    }
    put_primary_key(&x, table);
    for (const mr_constraint *k = table->constraints; k; k = k->next) {
        bool said = k->kind != MR_CONSTRAINT_PRIMARY_KEY;
        if (k->kind == MR_CONSTRAINT_FOREIGN_KEY && refers_within(&x, table, k, &said) != MR_OK) return MR_FAIL;
        if (!said) continue;
        mr_strbuf_puts(out, ", ");
        if (put_constraint(&x, k) != MR_OK) return MR_FAIL;
    }
    for (unsigned i = 0; i < table->ncolumns; i++)
        if (put_column_constraints(&x, table->columns[i]) != MR_OK) return MR_FAIL;
    mr_strbuf_puts(out, " )");
    return out->oom ? mr_nomem(x.env) : MR_OK;
}

/* ---------------------------------------------------------------- CREATE INDEX, DROP TABLE */

mr_status mr_ddl_create_index(const mr_dialect *dialect, const mr_table *table, const mr_index *index, mr_strbuf *out) {
    ddl x = {dialect, table->metadata->env, out};
    bool with_index = table->schema && dialect->index_schema;
    mr_strbuf_puts(out, index->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    if (with_index) {
        put_name(&x, table->schema);
        mr_strbuf_putc(out, '.');
    }
    put_name(&x, index->name);
    mr_strbuf_puts(out, " ON ");
    if (with_index) put_name(&x, table->name);
    else put_table(&x, table);
    mr_strbuf_puts(out, " (");
    for (unsigned i = 0; i < index->ncolumns; i++) {
        if (i) mr_strbuf_puts(out, ", ");
        put_name(&x, index->column_names[i]);
    }
    mr_strbuf_putc(out, ')');
    return out->oom ? mr_nomem(x.env) : MR_OK;
}

void mr_ddl_drop_table(const mr_dialect *dialect, const mr_table *table, mr_strbuf *out) {
    ddl x = {dialect, table->metadata->env, out};
    mr_strbuf_puts(out, "DROP TABLE ");
    put_table(&x, table);
}

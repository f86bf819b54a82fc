/*
 * compile_virtual.c: CREATE VIRTUAL TABLE, of SQLite.
 *
 * Invariant: the module gets its arguments as the program has written them; where it has written none, the names of the
 * columns, and the options behind them. What a virtual table cannot have is refused, and not left out.
 */
#include <moonrow/sql.h>

#include "ddl.h"

#include <string.h>

/* Full text search: its rows have no key but their number, which no definition names. */
static bool is_fts(const char *module) { return strncmp(module, "fts", 3) == 0; }

static bool is_rtree(const char *module) { return strncmp(module, "rtree", 5) == 0; }

/* What the table has that is the database's part elsewhere; NULL: nothing. */
static const char *refused_part(const mr_table *table, const char **name) {
    *name = "";
    if (table->indexes) return "an index";
    for (const mr_constraint *k = table->constraints; k; k = k->next)
        if (k->kind == MR_CONSTRAINT_UNIQUE || k->kind == MR_CONSTRAINT_CHECK) return "a constraint";
    for (unsigned i = 0; i < table->ncolumns; i++) {
        const mr_column *c = table->columns[i];
        *name = c->name;
        if (c->unique) return "unique = true";
        if (c->checks) return "a constraint";
        if (c->computed) return "Computed";
        if (c->server_default || c->server_default_node) return "a server_default";
    }
    return NULL;
}

static mr_status check(const ddl *x, const mr_table *table) {
    const char *module = table->options.using_module, *column;
    if (strcmp(x->dialect->name, "sqlite") != 0)
        return mr_fail(x->env, MR_ERR_ARGUMENT, "table '%s' has sqlite_using = \"%s\": %s has no such tables",
                       table->full_name, module, x->dialect->name);
    const char *part = refused_part(table, &column);
    if (part)
        return mr_fail(x->env, MR_ERR_ARGUMENT,
                       "table '%s'%s%s has %s, and sqlite_using: SQLite's virtual tables take none: leave it out",
                       table->full_name, *column ? ", column " : "", column, part);
    for (unsigned i = 0; is_fts(module) && i < table->nprimary; i++) {
        const char *key = table->primary[i]->name;
        if (table->nprimary > 1 || (strcmp(key, "rowid") != 0 && strcmp(key, "docid") != 0))
            return mr_fail(x->env, MR_ERR_ARGUMENT,
                           "table '%s' has the key '%s', and the rows of \"%s\" have none but their number: "
                           "Column{ \"rowid\", Integer, primary_key = true }",
                           table->full_name, key, module);
    }
    return MR_OK;
}

/* In an R*Tree a column with a type of its own is none of its numbers, but kept beside them. */
static void put_column(const ddl *x, const char *module, const mr_column *column) {
    if (column->declared && is_rtree(module) && !column->primary_key) mr_strbuf_putc(x->out, '+');
    mr_put_name(x, column->name);
    if (column->declared && !column->primary_key) mr_strbuf_printf(x->out, " %s", column->declared);
}

mr_status mr_ddl_create_virtual(const ddl *x, const mr_table *table, bool if_missing) {
    const mr_table_options *o = &table->options;
    if (check(x, table) != MR_OK) return MR_FAIL;
    mr_strbuf_puts(x->out, if_missing ? "CREATE VIRTUAL TABLE IF NOT EXISTS " : "CREATE VIRTUAL TABLE ");
    mr_put_table(x, table);
    mr_strbuf_printf(x->out, " USING %s", o->using_module);
    if (strchr(o->using_module, '(')) return MR_OK;
    const char *between = "(";
    for (unsigned i = 0; i < table->ncolumns; i++) {
        const mr_column *column = table->columns[i];
        if (column->system || (column->primary_key && is_fts(o->using_module))) continue;
        mr_strbuf_puts(x->out, between);
        put_column(x, o->using_module, column);
        between = ", ";
    }
    if (o->using_options) mr_strbuf_printf(x->out, "%s%s", between, o->using_options);
    else if (*between == '(') mr_strbuf_putc(x->out, '(');
    mr_strbuf_putc(x->out, ')');
    return MR_OK;
}

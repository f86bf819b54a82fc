/*
 * table.c: tables: their making, lookups in them, and late columns.
 *
 * Invariant: a table is either complete and in its metadata, or not there at all: every check and
 * every allocation of mr_table_new comes before its first lasting change.
 */
#include <moonrow/schema.h>

#include "build.h"

#include <stdlib.h>
#include <string.h>

static int by_order(const void *a, const void *b) {
    const mr_column *x = *(mr_column *const *)a, *y = *(mr_column *const *)b;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Room doubles when the count reaches a power of two; so no capacity is kept. */
static mr_column **grow_columns(mr_env *env, mr_column **columns, unsigned n) {
    if (n != 0 && (n < 8 || (n & (n - 1)) != 0)) return columns;
    mr_column **grown = mr_env_arena(env, (n == 0 ? 8 : 2 * (size_t)n) * sizeof *grown);
    if (grown && n) memcpy(grown, columns, n * sizeof *grown);
    return grown;
}

static mr_status check_column(const mr_build *b, const mr_column *column) {
    if (!column->name || !*column->name)
        return mr_fail(b->env, MR_ERR_ARGUMENT, "table '%s' has a column without a name", b->table->name);
    if (column->table)
        return mr_fail(b->env, MR_ERR_ARGUMENT,
                       "column '%s' belongs to table '%s' already: table '%s' needs "
                       "its own",
                       column->name, column->table->name, b->table->name);
    if (mr_build_column(b, column->name))
        return mr_fail(b->env, MR_ERR_ARGUMENT, "table '%s' has two columns named '%s'", b->table->name, column->name);
    return MR_OK;
}

static mr_status take_columns(const mr_build *b, mr_column *const *columns, unsigned n) {
    mr_table *table = b->table;
    size_t room = 8;
    while (room <= n) room *= 2;
    mr_column **sorted = mr_env_arena(b->env, 2 * room * sizeof *sorted);
    if (!sorted) return MR_FAIL;
    table->columns = sorted;
    mr_column **scratch = sorted + room;
    if (n) memcpy(scratch, columns, n * sizeof *scratch);
    qsort(scratch, n, sizeof *scratch, by_order);
    for (unsigned i = 0; i < n; i++) {
        if (check_column(b, scratch[i]) != MR_OK) return MR_FAIL;
        table->columns[table->ncolumns++] = scratch[i];
    }
    return MR_OK;
}

/* The indexes that columns ask for by their flag, in a list of its own. */
static mr_status flagged_indexes(const mr_build *b, mr_index **list) {
    *list = NULL;
    mr_index **end = list;
    for (unsigned i = 0; i < b->table->ncolumns; i++) {
        if (!b->table->columns[i]->indexed) continue;
        *end = mr_build_column_index(b->env, b->table, b->table->columns[i]);
        if (!*end) return MR_FAIL;
        end = &(*end)->next;
    }
    return MR_OK;
}

static void settle_nullable(mr_column *column) {
    if (column->primary_key) column->nullable = false;
    else if (!column->nullable_given) column->nullable = true;
}

/* The lasting changes; nothing here fails. */
static void publish(mr_table *table, mr_index *explicit_indexes, mr_index *flagged, mr_foreign_key *fks) {
    for (unsigned i = 0; i < table->nprimary; i++) table->primary[i]->primary_key = true;
    for (unsigned i = 0; i < table->ncolumns; i++) {
        mr_column *column = table->columns[i];
        column->table = table;
        column->index = i;
        settle_nullable(column);
    }
    mr_build_link_foreign_keys(fks);
    table->autoincrement = mr_build_autoincrement(table);
    table->indexes = explicit_indexes;
    mr_index **end = &table->indexes;
    while (*end) end = &(*end)->next;
    *end = flagged;
}

static mr_status name_table(const mr_build *b, const char *name, const char *schema) {
    mr_table *table = b->table;
    table->name = mr_intern(b->env, name, strlen(name));
    if (schema) table->schema = mr_intern(b->env, schema, strlen(schema));
    return table->name && (table->schema || !schema) ? MR_OK : MR_FAIL;
}

mr_table *mr_table_new(mr_metadata *md, const char *name, const char *schema, mr_column **columns, unsigned ncolumns,
                       mr_constraint *constraints, mr_index *indexes) {
    mr_env *env = md->env;
    mr_index *flagged;
    mr_foreign_key *fks;
    mr_table *table = mr_env_arena(env, sizeof *table);
    mr_build b = {env, table};
    if (!table || name_table(&b, name, schema) != MR_OK) return NULL;
    table->metadata = md;
    if (mr_metadata_table_in(md, schema, name)) {
        mr_fail(env, MR_ERR_ARGUMENT, "table '%s%s%s' is already defined in this metadata", schema ? schema : "",
                schema ? "." : "", name);
        return NULL;
    }
    table->constraints = constraints;
    if (take_columns(&b, columns, ncolumns) != MR_OK || mr_build_constraints(&b, constraints) != MR_OK ||
        mr_build_indexes(&b, indexes) != MR_OK || mr_build_primary(&b) != MR_OK ||
        flagged_indexes(&b, &flagged) != MR_OK || mr_build_foreign_keys(&b, &fks) != MR_OK ||
        mr_vec_push_ptr(&md->tables, table) != MR_OK)
        return NULL;
    publish(table, indexes, flagged, fks);
    md->version++;
    return table;
}

mr_status mr_table_append(mr_table *table, mr_column *column) {
    mr_build b = {table->metadata->env, table};
    if (check_column(&b, column) != MR_OK) return MR_FAIL;
    if (column->primary_key)
        return mr_fail(b.env, MR_ERR_ARGUMENT, "table '%s': column '%s' comes too late for the primary key",
                       table->name, column->name);
    mr_index *index = NULL;
    if (column->indexed && !(index = mr_build_column_index(b.env, table, column))) return MR_FAIL;
    mr_column **columns = grow_columns(b.env, table->columns, table->ncolumns);
    if (!columns) return MR_FAIL;
    table->columns = columns;
    column->index = table->ncolumns;
    columns[table->ncolumns++] = column;
    column->table = table;
    settle_nullable(column);
    mr_index **end = &table->indexes;
    while (*end) end = &(*end)->next;
    *end = index;
    table->metadata->version++;
    return MR_OK;
}

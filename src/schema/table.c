/*
 * table.c: makes tables, and appends columns to them.
 *
 * Invariant: a table is complete and in its metadata, or it does not exist: mr_table_new makes all checks and all
 * allocations before its first lasting change.
 */
#include <moonrow/schema.h>

#include "build.h"

#include <stdlib.h>
#include <string.h>

static int by_order(const void *a, const void *b) {
    const mr_column *x = *(mr_column *const *)a, *y = *(mr_column *const *)b;
    return x->order < y->order ? -1 : x->order > y->order;
}

enum { FIRST_ROOM = 8 }; /* number of columns that a table has room for at first; a power of two */

/* Makes room for one column more than n. The room doubles when n is a power of two, so the table need not remember how
 * much room it has. */
static mr_column **grow_columns(mr_env *env, mr_column **columns, unsigned n) {
    if (n != 0 && (n < FIRST_ROOM || (n & (n - 1)) != 0)) return columns;
    mr_column **grown = mr_env_arena(env, (n == 0 ? FIRST_ROOM : 2 * (size_t)n) * sizeof *grown);
    if (grown && n) memcpy(grown, columns, n * sizeof *grown);
    return grown;
}

/* False: it cannot be one of the table's columns. */
static bool check_column(mr_build *b, const mr_column *column) {
    unsigned before = b->nmistakes;
    if (!column->name || !*column->name) mr_build_mistake(b, "has a column without a name");
    else if (column->table)
        mr_build_mistake(b, "column '%s' belongs to table '%s' already: this table needs its own", column->name,
                         column->table->name);
    else if (mr_build_column(b, column->name)) mr_build_mistake(b, "has two columns named '%s'", column->name);
    if (b->nmistakes == before) return true;
    b->without_key = b->without_key || column->primary_key;
    return false;
}

/* Checks the columns and puts them into the table, in order of creation. */
static mr_status add_columns(mr_build *b, mr_column *const *columns, unsigned n) {
    mr_table *table = b->table;
    size_t room = FIRST_ROOM;
    while (room <= n) room *= 2;
    mr_column **sorted = mr_env_arena(b->env, 2 * room * sizeof *sorted);
    if (!sorted) return MR_FAIL;
    table->columns = sorted;
    mr_column **scratch = sorted + room;
    if (n) memcpy(scratch, columns, n * sizeof *scratch);
    qsort(scratch, n, sizeof *scratch, by_order);
    for (unsigned i = 0; i < n; i++) {
        if (check_column(b, scratch[i])) table->columns[table->ncolumns++] = scratch[i];
    }
    return MR_OK;
}

/* Makes the indexes of columns with index = true. */
static mr_status flagged_indexes(const mr_build *b, mr_index **list) {
    *list = NULL;
    mr_index **end = list;
    for (unsigned i = 0; i < b->table->ncolumns; i++) {
        if (!b->table->columns[i]->indexed) continue;
        *end = mr_build_column_index(b->env, b->table->columns[i]);
        if (!*end) return MR_FAIL;
        end = &(*end)->next;
    }
    return MR_OK;
}

static void settle_nullable(mr_column *column) {
    /* In an SQLite database that another program has made, a key may hold NULL. */
    const bool said = column->declared && column->nullable_given;
    if (column->primary_key && !said) column->nullable = false;
    else if (!column->nullable_given) column->nullable = true;
}

/* Makes the lasting changes. Nothing here can fail. */
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
    for (mr_index *index = table->indexes; index; index = index->next) index->table = table;
}

static mr_status name_table(const mr_build *b, const char *name, const char *schema) {
    mr_table *table = b->table;
    table->name = mr_intern(b->env, name, strlen(name));
    table->full_name = table->name;
    if (!schema) return table->name ? MR_OK : MR_FAIL;
    mr_strbuf full;
    mr_strbuf_init(&full, b->env);
    mr_strbuf_printf(&full, "%s.%s", schema, name);
    table->schema = mr_intern(b->env, schema, strlen(schema));
    table->full_name = mr_strbuf_str(&full) ? mr_intern(b->env, full.data, full.len) : NULL;
    mr_strbuf_done(&full);
    return table->name && table->schema && table->full_name ? MR_OK : MR_FAIL;
}

/* The mapper tells a class that it needs a key; here it is told beside other mistakes, which would hide it. */
static void check_class_key(mr_build *b) {
    const char *name = b->table->options.for_class;
    if (name && b->nmistakes && !b->without_key && b->table->nprimary == 0)
        mr_build_mistake(b, "%s needs a primary key: give a column primary_key = true", name);
}

/* Fills the table, and reports all that is wrong with it. */
static mr_status check_definition(mr_build *b, mr_column *const *columns, unsigned n, mr_constraint *constraints,
                                  const mr_index *indexes) {
    mr_build_take_mistakes(b, &b->table->options);
    mr_status status = add_columns(b, columns, n);
    if (status == MR_OK) status = mr_build_constraints(b, constraints);
    mr_build_indexes(b, indexes);
    mr_build_check_names(b, constraints);
    mr_build_check_collisions(b, constraints);
    mr_build_check_index_names(b, indexes);
    if (status == MR_OK && !b->without_key) status = mr_build_primary(b);
    if (status == MR_OK && !b->without_key) mr_build_check(b);
    check_class_key(b);
    if (mr_build_report(b) != MR_OK) return MR_FAIL;
    return status;
}

mr_table *mr_table_new(mr_metadata *md, const char *name, const char *schema, mr_column **columns, unsigned ncolumns,
                       mr_constraint *constraints, mr_index *indexes) {
    return mr_table_new_with(md, name, schema, columns, ncolumns, constraints, indexes, NULL);
}

mr_table *mr_table_new_with(mr_metadata *md, const char *name, const char *schema, mr_column **columns,
                            unsigned ncolumns, mr_constraint *constraints, mr_index *indexes,
                            const mr_table_options *options) {
    mr_env *env = md->env;
    mr_index *flagged;
    mr_foreign_key *fks;
    mr_table *table = mr_env_arena(env, sizeof *table);
    mr_build b;
    mr_build_init(&b, env, table);
    if (!table || name_table(&b, name, schema) != MR_OK) return NULL;
    table->metadata = md;
    /* The schema may be what is wrong in the words. */
    if (mr_metadata_table_in(md, schema, name) && !(options && options->nmistakes)) {
        mr_fail(env, MR_ERR_ARGUMENT, "table '%s%s%s' is already defined in this metadata", schema ? schema : "",
                schema ? "." : "", name);
        return NULL;
    }
    table->constraints = constraints;
    if (options) table->options = *options;
    if (check_definition(&b, columns, ncolumns, constraints, indexes) != MR_OK ||
        flagged_indexes(&b, &flagged) != MR_OK || mr_build_foreign_keys(&b, &fks) != MR_OK ||
        mr_metadata_add(md, table) != MR_OK)
        return NULL;
    publish(table, indexes, flagged, fks);
    md->version++;
    return table;
}

mr_status mr_table_append(mr_table *table, mr_column *column) {
    mr_build b;
    mr_build_init(&b, table->metadata->env, table);
    if (check_column(&b, column)) {
        if (column->primary_key) mr_build_mistake(&b, "column '%s' comes too late for the primary key", column->name);
        mr_build_check_column(&b, column);
    }
    if (mr_build_report(&b) != MR_OK) return MR_FAIL;
    mr_index *index = NULL;
    if (column->indexed && !(index = mr_build_column_index(b.env, column))) return MR_FAIL;
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
    if (index) index->table = table;
    table->metadata->version++;
    return MR_OK;
}

mr_status mr_table_add_index(mr_table *table, mr_index *index) {
    mr_build b;
    mr_build_init(&b, table->metadata->env, table);
    index->next = NULL;
    mr_build_indexes(&b, index);
    mr_build_check_index_names(&b, index);
    if (mr_build_report(&b) != MR_OK) return MR_FAIL;
    mr_index **end = &table->indexes;
    while (*end) end = &(*end)->next;
    *end = index;
    index->table = table;
    return MR_OK;
}

mr_status mr_table_add_constraint(mr_table *table, mr_constraint *constraint) {
    mr_build b;
    mr_build_init(&b, table->metadata->env, table);
    constraint->next = NULL;
    mr_status status = mr_build_constraints(&b, constraint);
    mr_build_check_names(&b, constraint);
    /* A CHECK that is made for a table whose columns are called the same comes here, too. */
    if (constraint->kind != MR_CONSTRAINT_CHECK) mr_build_check_collisions(&b, constraint);
    if (mr_build_report(&b) != MR_OK || status != MR_OK) return MR_FAIL;
    mr_constraint **end = &table->constraints;
    while (*end) end = &(*end)->next;
    *end = constraint;
    return MR_OK;
}

/*
 * constraint.c: primary keys, constraints and indexes of a table that is being made.
 *
 * Invariant: a function that fails has changed no column. table.c sets the columns' flags and links at the end.
 */
#include <moonrow/schema.h>

#include "build.h"

#include <string.h>

typedef struct column_names {
    const mr_table *table;
} column_names;

static const char *next_column_name(void *ud, size_t i) {
    const mr_table *table = ((const column_names *)ud)->table;
    return i < table->ncolumns ? table->columns[i]->name : NULL;
}

mr_column *mr_build_column(const mr_build *b, const char *name) { return mr_table_column(b->table, name); }

static void unknown_column(mr_build *b, const char *what, const char *name) {
    column_names ud = {b->table};
    mr_build_mistake(b, "the %s names no column '%s'%s", what, name,
                     mr_hint(b->env, mr_nearest(name, next_column_name, &ud)));
}

static const char *const kind_words[] = {
    [MR_CONSTRAINT_PRIMARY_KEY] = "primary key",
    [MR_CONSTRAINT_UNIQUE] = "unique constraint",
    [MR_CONSTRAINT_FOREIGN_KEY] = "foreign key",
    [MR_CONSTRAINT_CHECK] = "check constraint",
};

/* The end of the table's name in "table.column" or "schema.table.column". */
static size_t table_end(const char *target) {
    const char *dot = strrchr(target, '.');
    return dot ? (size_t)(dot - target) : strlen(target);
}

/* Where the table's own name begins in a name of n bytes, which may have a schema before it. */
static size_t name_begin(const char *target, size_t n) {
    while (n > 0 && target[n - 1] != '.') n--;
    return n;
}

/* Do both targets name one table? A schema that only one of them names may be the table's own. */
static bool same_table(const char *a, const char *b) {
    size_t na = table_end(a), nb = table_end(b), sa = name_begin(a, na), sb = name_begin(b, nb);
    if (sa == 0 || sb == 0) a += sa, na -= sa, b += sb, nb -= sb;
    return na == nb && strncmp(a, b, na) == 0;
}

static void check_targets(mr_build *b, const mr_constraint *k) {
    for (unsigned i = 1; k->kind == MR_CONSTRAINT_FOREIGN_KEY && k->targets && i < k->ncolumns; i++) {
        if (same_table(k->targets[0], k->targets[i])) continue;
        mr_build_mistake(b,
                         "a foreign key refers to '%s' and '%s', which are of two tables: write a foreign key for each "
                         "table",
                         k->targets[0], k->targets[i]);
        return;
    }
}

static mr_status resolve_constraint(mr_build *b, mr_constraint *k) {
    const char *what = kind_words[k->kind];
    if (k->kind == MR_CONSTRAINT_CHECK) {
        if (!k->sql && !k->condition) mr_build_mistake(b, "a check constraint has no SQL");
        return MR_OK;
    }
    if (k->ncolumns == 0) mr_build_mistake(b, "the %s names no columns", what);
    if (!k->columns && k->ncolumns && !(k->columns = mr_env_arena(b->env, k->ncolumns * sizeof *k->columns)))
        return MR_FAIL;
    for (unsigned i = 0; i < k->ncolumns; i++) {
        const char *name = k->column_names ? k->column_names[i] : k->columns[i]->name;
        k->columns[i] = mr_build_column(b, name ? name : "");
        for (unsigned j = 0; j < i; j++)
            if (k->columns[i] && k->columns[j] == k->columns[i])
                mr_build_mistake(b, "the %s names the column '%s' twice: leave it out once", what, name);
        if (k->columns[i]) continue;
        unknown_column(b, what, name ? name : "");
        if (k->kind == MR_CONSTRAINT_PRIMARY_KEY) b->without_key = true;
    }
    return MR_OK;
}

mr_status mr_build_constraints(mr_build *b, mr_constraint *constraints) {
    unsigned primary = 0;
    for (mr_constraint *k = constraints; k; k = k->next) {
        if (resolve_constraint(b, k) != MR_OK) return MR_FAIL;
        check_targets(b, k);
        if (k->kind != MR_CONSTRAINT_PRIMARY_KEY || ++primary != 2) continue;
        mr_build_mistake(b, "has two primary keys");
        b->without_key = true;
    }
    return MR_OK;
}

void mr_build_indexes(mr_build *b, const mr_index *indexes) {
    for (const mr_index *ix = indexes; ix; ix = ix->next) {
        if (ix->ncolumns == 0) mr_build_mistake(b, "an index needs columns");
        for (unsigned i = 0; i < ix->ncolumns; i++)
            if (ix->column_names[i] && !mr_build_column(b, ix->column_names[i]))
                unknown_column(b, "index", ix->column_names[i]);
    }
}

static bool contains(mr_column *const *columns, unsigned n, const mr_column *column) {
    for (unsigned i = 0; i < n; i++)
        if (columns[i] == column) return true;
    return false;
}

/* A column with primary_key = true must be in the PRIMARY KEY constraint, if there is one: otherwise one of the two is
 * a mistake. */
static void check_flags(mr_build *b, const mr_constraint *k) {
    for (unsigned i = 0; i < b->table->ncolumns; i++) {
        const mr_column *column = b->table->columns[i];
        if (column->primary_key && !contains(k->columns, k->ncolumns, column))
            mr_build_mistake(b, "column '%s' has primary_key = true, but the primary key constraint leaves it out",
                             column->name);
    }
}

mr_status mr_build_primary(mr_build *b) {
    mr_table *table = b->table;
    const mr_constraint *k = table->constraints;
    while (k && k->kind != MR_CONSTRAINT_PRIMARY_KEY) k = k->next;
    if (k) {
        check_flags(b, k);
        table->primary = k->columns;
        table->nprimary = k->ncolumns;
        return MR_OK;
    }
    for (unsigned i = 0; i < table->ncolumns; i++)
        if (table->columns[i]->primary_key) table->nprimary++;
    if (table->nprimary == 0) return MR_OK;
    table->primary = mr_env_arena(b->env, table->nprimary * sizeof *table->primary);
    if (!table->primary) return MR_FAIL;
    unsigned n = 0;
    for (unsigned i = 0; i < table->ncolumns; i++)
        if (table->columns[i]->primary_key) table->primary[n++] = table->columns[i];
    table->key_by_mapping = table->primary[0]->system;
    return MR_OK;
}

mr_index *mr_build_column_index(mr_env *env, const mr_column *column) {
    mr_index *index = mr_env_arena(env, sizeof *index);
    if (!index) return NULL;
    index->unique = column->unique;
    index->ncolumns = 1;
    index->column_names = mr_env_arena(env, sizeof *index->column_names);
    if (!index->column_names) return NULL;
    index->column_names[0] = column->name;
    return index;
}

mr_foreign_key *mr_constraint_part(const mr_constraint *k, unsigned i) {
    unsigned same = 0; /* how often the column stands in the constraint before i */
    for (unsigned j = 0; j < i; j++) same += k->columns[j] == k->columns[i];
    for (mr_foreign_key *fk = k->columns[i]->foreign_keys; fk; fk = fk->next)
        if (fk->constraint == k && same-- == 0) return fk;
    return NULL;
}

mr_status mr_build_foreign_keys(const mr_build *b, mr_foreign_key **made) {
    *made = NULL;
    for (mr_constraint *k = b->table->constraints; k; k = k->next) {
        if (k->kind != MR_CONSTRAINT_FOREIGN_KEY) continue;
        for (unsigned i = 0; i < k->ncolumns; i++) {
            mr_foreign_key *fk = mr_env_arena(b->env, sizeof *fk);
            if (!fk) return MR_FAIL;
            fk->column = k->columns[i];
            fk->target = k->targets[i];
            fk->how = k->how;
            fk->name = k->name;
            fk->constraint = k;
            fk->next = *made;
            *made = fk;
        }
    }
    return MR_OK;
}

void mr_build_link_foreign_keys(mr_foreign_key *made) {
    while (made) {
        mr_foreign_key *fk = made, **end = &fk->column->foreign_keys;
        made = fk->next;
        fk->next = NULL;
        while (*end) end = &(*end)->next;
        *end = fk;
    }
}

static bool is_integer(const mr_type *type) { return type && mr_type_is_integer(type); }

mr_column *mr_build_autoincrement(const mr_table *table) {
    if (table->options.is_view || table->options.without_rowid) return NULL;
    for (unsigned i = 0; i < table->nprimary; i++)
        if (table->primary[i]->autoincrement == 1 || table->primary[i]->identity) return table->primary[i];
    if (table->nprimary != 1) return NULL;
    mr_column *column = table->primary[0];
    bool numbered = column->autoincrement == -1 && is_integer(column->type) && !column->foreign_keys &&
                    !mr_column_has_server_default(column) && column->deflt.kind == MR_DEFAULT_NONE;
    return numbered ? column : NULL;
}

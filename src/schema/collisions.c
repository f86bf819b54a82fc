/*
 * collisions.c: names of constraints and indexes that are there twice: databases refuse the second one, or do not tell
 * them apart.
 *
 * Invariant: only names that the program has given are compared; those by convention tell tables and columns apart.
 * What was read from a database stays as it is there.
 */
#include "build.h"

/* ---------------------------------------------------------------- constraints */

/* A constraint's name, and the pattern that makes another one of it, or NULL. */
typedef struct given_name {
    const char *name, *pattern;
} given_name;

static const mr_named_kind kinds[] = {
    [MR_CONSTRAINT_PRIMARY_KEY] = MR_NAMED_PRIMARY_KEY,
    [MR_CONSTRAINT_UNIQUE] = MR_NAMED_UNIQUE,
    [MR_CONSTRAINT_FOREIGN_KEY] = MR_NAMED_FOREIGN_KEY,
    [MR_CONSTRAINT_CHECK] = MR_NAMED_CHECK,
};

static given_name name_of(const mr_build *b, const char *name, mr_named_kind kind) {
    return (given_name){name, b->table->metadata->naming.patterns[kind]};
}

/* How many of the constraints have the name, up to the end. Names are interned. */
static unsigned count_in(const mr_build *b, const mr_constraint *list, const mr_constraint *end, given_name wanted) {
    unsigned n = 0;
    for (const mr_constraint *k = list; k && k != end; k = k->next) {
        const given_name name = name_of(b, k->name, kinds[k->kind]);
        n += name.name == wanted.name && name.pattern == wanted.pattern;
    }
    return n;
}

/* How often the columns before the number have the name, for a CHECK or a foreign key. */
static unsigned count_before(const mr_build *b, unsigned before, given_name wanted) {
    unsigned n = 0;
    for (unsigned i = 0; i < before; i++) {
        const mr_column *column = b->table->columns[i];
        n += count_in(b, column->checks, NULL, wanted);
        for (const mr_foreign_key *fk = column->foreign_keys; fk; fk = fk->next) {
            const given_name name = name_of(b, fk->name, MR_NAMED_FOREIGN_KEY);
            n += !fk->constraint && name.name == wanted.name && name.pattern == wanted.pattern;
        }
    }
    return n;
}

static void told_twice(mr_build *b, const char *name) {
    mr_build_mistake(b, "two constraints are named '%s': give each a name of its own", name);
}

static bool is_reflected(const mr_build *b) {
    for (unsigned i = 0; i < b->table->ncolumns; i++)
        if (b->table->columns[i]->declared) return true;
    return false;
}

void mr_build_check_collisions(mr_build *b, const mr_constraint *constraints) {
    const mr_constraint *known = b->table->constraints == constraints ? NULL : b->table->constraints;
    if (is_reflected(b)) return;
    for (const mr_constraint *k = constraints; k; k = k->next) {
        const given_name name = name_of(b, k->name, kinds[k->kind]);
        if (k->name && count_in(b, known, NULL, name) + count_in(b, constraints, k, name) > 0) told_twice(b, k->name);
    }
    if (known) return; /* the columns were checked with the table */
    for (unsigned i = 0; i < b->table->ncolumns; i++) {
        const mr_column *column = b->table->columns[i];
        for (const mr_constraint *k = column->checks; k; k = k->next) {
            const given_name name = name_of(b, k->name, MR_NAMED_CHECK);
            const unsigned n = count_in(b, constraints, NULL, name) + count_before(b, i, name);
            if (k->name && n + count_in(b, column->checks, k, name) > 0) told_twice(b, k->name);
        }
        for (const mr_foreign_key *fk = column->foreign_keys; fk; fk = fk->next) {
            const given_name name = name_of(b, fk->name, MR_NAMED_FOREIGN_KEY);
            if (!fk->name || fk->constraint) continue;
            if (count_in(b, constraints, NULL, name) + count_before(b, i, name) > 0) told_twice(b, fk->name);
        }
    }
}

/* ---------------------------------------------------------------- indexes */

/* The table of the schema that has an index of the name already, or NULL. */
static const mr_table *table_with(const mr_build *b, const char *name) {
    const mr_metadata *md = b->table->metadata;
    for (size_t i = 0; i < md->tables.len; i++) {
        const mr_table *table = mr_vec_ptr(&md->tables, i);
        if (table->schema != b->table->schema) continue;
        for (const mr_index *index = table->indexes; index; index = index->next)
            if (index->name == name) return table;
    }
    return NULL;
}

void mr_build_check_index_names(mr_build *b, const mr_index *indexes) {
    if (is_reflected(b)) return;
    for (const mr_index *index = indexes; index; index = index->next) {
        if (!index->name) continue;
        const mr_table *other = table_with(b, index->name);
        for (const mr_index *before = indexes; !other && before != index; before = before->next)
            if (before->name == index->name) other = b->table;
        if (other)
            mr_build_mistake(b,
                             "two indexes are named '%s', the other one on table '%s': an index's name is there once "
                             "in a database (or schema): give each a name of its own",
                             index->name, other->full_name);
    }
}

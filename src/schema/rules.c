/*
 * rules.c: what the columns of a table, and its options, must not say together.
 *
 * Invariant: nothing is changed. Each mistake has its cure.
 */
#include <moonrow/schema.h>

#include "build.h"

#include <strings.h>

/* ---------------------------------------------------------------- columns */

static bool is_key(const mr_table *table, const mr_column *column) {
    for (unsigned i = 0; i < table->nprimary; i++)
        if (table->primary[i] == column) return true;
    return false;
}

static bool is_integer(const mr_column *column) { return !column->type || mr_type_is_integer(column->type); }

/* A column that must be numbered by the database. option: the words for what asks for that. */
static void check_numbered(mr_build *b, const mr_column *column, const char *option) {
    char type[MR_TYPE_NAME];
    if (!is_integer(column))
        mr_build_mistake(
            b, "column '%s' is %s, and has %s: only integers are numbered: make it an Integer, or leave the option out",
            column->name, mr_type_name(column->type, type), option);
    if (column->declared && !column->identity && strcasecmp(column->declared, "INTEGER") != 0)
        mr_build_mistake(b,
                         "column '%s' has %s and sqlite_type = \"%s\": SQLite numbers a column of the type INTEGER "
                         "alone: leave one of them out",
                         column->name, option, column->declared);
    if (column->server_default || column->server_default_node)
        mr_build_mistake(b, "column '%s' has %s and a server_default: both make its values: leave one of them out",
                         column->name, option);
}

static void check_autoincrement(mr_build *b, const mr_column *column) {
    const mr_table *table = b->table;
    if (column->autoincrement != 1) return;
    if (!is_key(table, column))
        mr_build_mistake(
            b,
            "column '%s' has autoincrement = true, and is no primary key: only a primary key is numbered: give it "
            "primary_key = true, or leave autoincrement out",
            column->name);
    else if (table->nprimary > 1)
        mr_build_mistake(
            b,
            "column '%s' has autoincrement = true, and the primary key has %u columns: only a primary key of one "
            "column is numbered: set its values, or give it a default",
            column->name, table->nprimary);
    check_numbered(b, column, "autoincrement = true");
}

static void check_identity(mr_build *b, const mr_column *column) {
    const mr_identity_options *identity = column->identity;
    if (!identity) return;
    check_numbered(b, column, "an Identity");
    if (column->autoincrement == 0)
        mr_build_mistake(b, "column '%s' has an Identity and autoincrement = false: leave one of them out",
                         column->name);
    if (identity->always && column->deflt.kind != MR_DEFAULT_NONE)
        mr_build_mistake(
            b,
            "column '%s' has an Identity with always = true, and a default: the database refuses given values: "
            "leave one of them out",
            column->name);
    else if (column->deflt.kind != MR_DEFAULT_NONE)
        mr_build_mistake(b, "column '%s' has an Identity and a default: both make its values: leave one of them out",
                         column->name);
    if (column->nullable_given && column->nullable)
        mr_build_mistake(
            b,
            "column '%s' has an Identity and nullable = true: the database always gives it a number: leave nullable "
            "out",
            column->name);
    if (identity->has_increment && identity->increment == 0)
        mr_build_mistake(b, "column '%s': the increment of an Identity must not be 0", column->name);
}

static void check_computed(mr_build *b, const mr_column *column) {
    const char *other = column->identity                                        ? "an Identity"
                        : column->server_default || column->server_default_node ? "a server_default"
                        : column->deflt.kind != MR_DEFAULT_NONE                 ? "a default"
                        : column->onupdate.kind != MR_DEFAULT_NONE              ? "an onupdate"
                        : column->autoincrement == 1                            ? "autoincrement = true"
                                                                                : NULL;
    if (column->computed && other)
        mr_build_mistake(
            b, "column '%s' is Computed, and has %s: the database computes each of its values: leave one of them out",
            column->name, other);
}

/* What SQLite does in a conflict is said of a constraint that the column has. */
static void check_conflicts(mr_build *b, const mr_column *column) {
    const mr_table *table = b->table;
    const bool key = is_key(table, column);
    const char *option = NULL, *cure = NULL;
    if (column->conflict_not_null && !key && column->nullable) option = "not_null", cure = "nullable = false";
    if (column->conflict_unique && !column->unique) option = "unique", cure = "unique = true";
    if (column->conflict_primary_key && !key) option = "primary_key", cure = "primary_key = true";
    if (option)
        mr_build_mistake(
            b, "column '%s' has sqlite_on_conflict_%s, and no constraint for it: give it %s, or leave the option out",
            column->name, option, cure);
    if (column->conflict_unique && column->unique && column->indexed)
        mr_build_mistake(
            b,
            "column '%s' has sqlite_on_conflict_unique and index = true: its unique index has no ON CONFLICT: leave "
            "one of them out",
            column->name);
    if (column->conflict_primary_key && key && table->nprimary > 1)
        mr_build_mistake(
            b,
            "column '%s' has sqlite_on_conflict_primary_key, and the primary key has %u columns: write it as "
            "PrimaryKeyConstraint(..., { sqlite_on_conflict = ... })",
            column->name, table->nprimary);
}

/* Is the text the word, which is in capitals, in any letters? */
static bool spells(const char *text, const char *word) {
    while (*text && (*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text) == *word) text++, word++;
    return *text == *word;
}

/* A STRICT table takes six words as types, and no others. */
static void check_strict(mr_build *b, const mr_column *column) {
    static const char *const words[] = {"INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"};
    bool known = !b->table->options.strict || !column->declared;
    for (size_t i = 0; !known && i < sizeof words / sizeof *words; i++) known = spells(column->declared, words[i]);
    if (!known)
        mr_build_mistake(
            b,
            "column '%s' has sqlite_type = \"%s\", and the table is STRICT, which knows INT, INTEGER, REAL, "
            "TEXT, BLOB and ANY: leave one of them out",
            column->name, column->declared);
}

/* A default that no row can have: a text that is too long, no choice, a number out of range. Its kind was checked when
 * the column was made. */
static void check_default(mr_build *b, const mr_column *column, const char *option, const mr_default *deflt) {
    if (deflt->kind != MR_DEFAULT_VALUE || !column->type || column->type->decorator) return;
    if (!mr_type_is_broken(column->type, &deflt->value)) return;
    mr_error *saved = mr_env_save_error(b->env);
    if (mr_type_check_length(b->env, column->type, option, &deflt->value) != MR_OK)
        mr_build_mistake(b, "column '%s': %s", column->name, mr_env_error(b->env)->message);
    mr_env_clear_error(b->env);
    mr_env_restore_error(b->env, saved);
}

static void check_column(mr_build *b, const mr_column *column) {
    const mr_table *table = b->table;
    check_default(b, column, "default", &column->deflt);
    check_default(b, column, "onupdate", &column->onupdate);
    check_conflicts(b, column);
    check_strict(b, column);
    check_autoincrement(b, column);
    check_identity(b, column);
    check_computed(b, column);
    if (is_key(table, column) && column->type && mr_type_is_json(column->type))
        mr_build_mistake(
            b,
            "column '%s' is in the primary key, and its values are stored as JSON, which has many spellings: give the "
            "table a key of another type",
            column->name);
    if (is_key(table, column) && column->nullable_given && column->nullable && !column->declared)
        mr_build_mistake(
            b, "column '%s' is in the primary key, and has nullable = true: a key is never NULL: leave nullable out",
            column->name);
    if (!table->options.is_view) return;
    if (column->unique || column->indexed)
        mr_build_mistake(b, "column '%s' has %s = true, and the table is a view, which has no indexes: leave it out",
                         column->name, column->unique ? "unique" : "index");
    if (column->checks)
        mr_build_mistake(b, "column '%s' has a CheckConstraint, and the table is a view: leave it out", column->name);
}

/* ---------------------------------------------------------------- options */

static bool refers(const mr_table *table, const mr_column *column) {
    bool found = column->foreign_keys != NULL;
    for (const mr_constraint *k = table->constraints; k; k = k->next)
        for (unsigned i = 0; k->kind == MR_CONSTRAINT_FOREIGN_KEY && i < k->ncolumns; i++)
            found = found || k->columns[i] == column;
    return found;
}

/* sqlite_autoincrement needs a column that SQLite numbers. */
static void check_sqlite_autoincrement(mr_build *b) {
    const mr_table *table = b->table;
    const mr_column *key = table->nprimary == 1 ? table->primary[0] : NULL;
    static const char option[] = "sqlite_autoincrement = true";
    if (!table->options.autoincrement) return;
    if (!key)
        mr_build_mistake(b, "%s needs a primary key of one column, and it has %u: leave the option out", option,
                         table->nprimary);
    else if (key->autoincrement == 0)
        mr_build_mistake(b, "%s, and column '%s' has autoincrement = false: leave one of them out", option, key->name);
    else if (!is_integer(key) || key->server_default || key->server_default_node || key->declared)
        check_numbered(b, key, option);
    else if (key->autoincrement < 0 && !key->identity && (key->deflt.kind != MR_DEFAULT_NONE || refers(table, key)))
        mr_build_mistake(
            b,
            "%s, and column '%s' has %s, which makes its values: give it autoincrement = true, or leave the option out",
            option, key->name, key->deflt.kind != MR_DEFAULT_NONE ? "a default" : "a foreign key");
}

static void check_options(mr_build *b) {
    const mr_table *table = b->table;
    const mr_table_options *options = &table->options;
    check_sqlite_autoincrement(b);
    if (options->without_rowid && table->nprimary == 0)
        mr_build_mistake(b, "sqlite_with_rowid = false needs a primary key: give a column primary_key = true");
    for (unsigned i = 0; options->without_rowid && i < table->nprimary; i++)
        if (options->autoincrement || table->primary[i]->autoincrement == 1 || table->primary[i]->identity)
            mr_build_mistake(
                b,
                "sqlite_with_rowid = false, and column '%s' is to be numbered: only a rowid numbers itself: leave one "
                "of them out",
                table->primary[i]->name);
    if ((options->sql || options->query) && !options->is_view)
        mr_build_mistake(b, "a definition is for a view: add is_view = true");
    if (options->using_module &&
        (options->strict || options->without_rowid || options->autoincrement || options->is_view))
        mr_build_mistake(b, "sqlite_using makes a virtual table: leave sqlite_strict, sqlite_with_rowid, "
                            "sqlite_autoincrement and is_view out");
    if (!options->is_view) return;
    if (options->strict || options->without_rowid || options->autoincrement)
        mr_build_mistake(
            b, "a view has no rows of its own: leave sqlite_strict, sqlite_with_rowid and sqlite_autoincrement out");
    for (const mr_constraint *k = table->constraints; k; k = k->next)
        if (k->kind == MR_CONSTRAINT_UNIQUE || k->kind == MR_CONSTRAINT_CHECK)
            mr_build_mistake(b, "a view has no %s: leave it out",
                             k->kind == MR_CONSTRAINT_UNIQUE ? "UniqueConstraint" : "CheckConstraint");
}

/* ---------------------------------------------------------------- all of it */

void mr_build_check(mr_build *b) {
    for (unsigned i = 0; i < b->table->ncolumns; i++) check_column(b, b->table->columns[i]);
    check_options(b);
}

void mr_build_check_column(mr_build *b, const mr_column *column) { check_column(b, column); }

/*
 * naming.c: names of constraints and indexes by the conventions of their metadata.
 *
 * Invariant: what has no name, and no convention, has none, except indexes, whose convention is "ix_%(column_0_label)s"
 * if the program gives none. A name is made when it is needed, because a foreign key may refer to a table that comes
 * later.
 */
#include <moonrow/schema.h>

#include "build.h"

#include <ctype.h>
#include <string.h>

static const char default_index[] = "ix_%(column_0_label)s";

/* ---------------------------------------------------------------- tokens */

/* The tokens of columns: [referred_]column_[0 | 0N | 0_N]_[name | key | label]. */
typedef struct column_token {
    bool referred, all, apart, label;
    unsigned number;
} column_token;

static bool take(const char **at, const char *word) {
    size_t n = strlen(word);
    if (strncmp(*at, word, n) != 0) return false;
    *at += n;
    return true;
}

static bool read_column_token(const char *token, column_token *out) {
    enum { MOST = 1000 };
    *out = (column_token){0};
    out->referred = take(&token, "referred_");
    if (!take(&token, "column_") || !isdigit((unsigned char)*token)) return false;
    while (isdigit((unsigned char)*token) && out->number < MOST)
        out->number = out->number * 10 + (unsigned)(*token++ - '0');
    if (out->number == 0 && take(&token, "_N_")) out->all = out->apart = true;
    else if (out->number == 0 && take(&token, "N_")) out->all = true;
    else if (!take(&token, "_")) return false;
    out->label = strcmp(token, "label") == 0;
    return out->label || strcmp(token, "name") == 0 || strcmp(token, "key") == 0;
}

static const char *const plain_tokens[] = {"table_name",      "referred_table_name",
                                           "constraint_name", "column_0_name",
                                           "column_0_label",  "referred_column_0_name",
                                           "column_0_N_name", "column_0N_name",
                                           "column_0_key",    NULL};

static const char *next_token(void *ud, size_t i) {
    (void)ud;
    return plain_tokens[i];
}

/* ---------------------------------------------------------------- patterns */

/* Finds the next "%(token)s" at or behind *at: *start is its '%', *name and *n its token, and *at its end. */
static bool next_in(const char **at, const char **start, const char **name, size_t *n) {
    const char *open = strstr(*at, "%("), *close = open ? strstr(open, ")s") : NULL;
    if (!close) return false;
    *start = open;
    *name = open + 2;
    *n = (size_t)(close - *name);
    *at = close + 2;
    return true;
}

static bool uses(const char *pattern, const char *token) {
    const char *start, *name;
    size_t n;
    while (next_in(&pattern, &start, &name, &n))
        if (n == strlen(token) && strncmp(name, token, n) == 0) return true;
    return false;
}

mr_status mr_naming_check(mr_env *env, const mr_naming *naming) {
    const char *at, *start, *name;
    size_t n;
    for (int kind = 0; kind < MR_NAMED__COUNT; kind++) {
        if (!(at = naming->patterns[kind])) continue;
        while (next_in(&at, &start, &name, &n)) {
            column_token column;
            const char *token = mr_intern(env, name, n);
            if (!token) return MR_FAIL;
            if (read_column_token(token, &column) || strcmp(token, "table_name") == 0 ||
                strcmp(token, "constraint_name") == 0 || strcmp(token, "referred_table_name") == 0 ||
                (naming->has_token && naming->has_token(naming->ud, token)))
                continue;
            return mr_fail(env, MR_ERR_ARGUMENT, "naming_convention: \"%s\" has an unknown token '%s'%s",
                           naming->patterns[kind], token, mr_hint(env, mr_nearest(token, next_token, NULL)));
        }
        if (strstr(at, "%("))
            return mr_fail(env, MR_ERR_ARGUMENT, "naming_convention: \"%s\": a token is written %%(NAME)s",
                           naming->patterns[kind]);
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- making a name */

/* The number of columns or expressions that the index or constraint is of. */
static unsigned column_count(const mr_named *named) {
    if (named->index) return named->index->ncolumns;
    if (named->constraint && named->constraint->ncolumns) return named->constraint->ncolumns;
    if (named->kind == MR_NAMED_PRIMARY_KEY) return named->table->nprimary;
    return named->column ? 1 : 0;
}

/* The column number i, or NULL: there is an expression. */
static const mr_column *column_at(const mr_named *named, unsigned i) {
    if (named->index)
        return named->index->column_names[i] ? mr_table_column(named->table, named->index->column_names[i]) : NULL;
    if (named->constraint && named->constraint->ncolumns) return named->constraint->columns[i];
    return named->kind == MR_NAMED_PRIMARY_KEY ? named->table->primary[i] : named->column;
}

static mr_env *env_of(const mr_named *named) { return named->table->metadata->env; }

/* *out: the column that column number i of a foreign key refers to. ArgumentError: it is no foreign key, or cannot be
 * resolved. */
static mr_status referred_at(const mr_named *named, unsigned i, const mr_column **out) {
    mr_foreign_key *fk = named->foreign_key;
    if (named->constraint && named->kind == MR_NAMED_FOREIGN_KEY) fk = mr_constraint_part(named->constraint, i);
    *out = NULL;
    if (!fk) {
        mr_fail(env_of(named), MR_ERR_ARGUMENT,
                "naming_convention: a token of referred columns is for foreign keys (fk) only");
        return MR_FAIL;
    }
    if (mr_foreign_key_resolve(env_of(named), fk) != MR_OK) return MR_FAIL;
    *out = fk->referred;
    return MR_OK;
}

static mr_status put_column(const mr_named *named, const column_token *t, unsigned i, mr_strbuf *out) {
    const mr_column *column = NULL;
    if (t->referred && referred_at(named, i, &column) != MR_OK) return MR_FAIL;
    if (!t->referred) column = column_at(named, i);
    if (t->label && named->table->schema) mr_strbuf_printf(out, "%s_", named->table->schema);
    if (t->label) mr_strbuf_printf(out, "%s_", t->referred && column ? column->table->name : named->table->name);
    mr_strbuf_puts(out, column ? column->name : "expr");
    return MR_OK;
}

static mr_status put_columns(const mr_named *named, const column_token *t, mr_strbuf *out) {
    unsigned n = column_count(named), first = t->all ? 0 : t->number, last = t->all ? n : t->number + 1;
    for (unsigned i = first; i < last && i < n; i++) {
        if (i > first && t->apart) mr_strbuf_putc(out, '_');
        if (put_column(named, t, i, out) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status put_token(const mr_named *named, const char *token, mr_strbuf *out) {
    const mr_naming *naming = &named->table->metadata->naming;
    column_token column;
    const mr_column *referred;
    if (naming->has_token && naming->has_token(naming->ud, token))
        return naming->token(env_of(named), naming->ud, token, named, out);
    if (read_column_token(token, &column)) return put_columns(named, &column, out);
    if (strcmp(token, "referred_table_name") == 0) {
        if (referred_at(named, 0, &referred) != MR_OK) return MR_FAIL;
        mr_strbuf_puts(out, referred->table->name);
    } else {
        mr_strbuf_puts(out, strcmp(token, "table_name") == 0 ? named->table->name : named->given);
    }
    return MR_OK;
}

/* The convention's pattern, or NULL: there is none. */
static const char *pattern_of(const mr_named *named) {
    const char *pattern = named->table->metadata->naming.patterns[named->kind];
    return pattern || named->kind != MR_NAMED_INDEX ? pattern : default_index;
}

/* What each kind is called in messages. */
static const char *const kind_words[] = {
    [MR_NAMED_INDEX] = "Index",
    [MR_NAMED_UNIQUE] = "UniqueConstraint",
    [MR_NAMED_CHECK] = "CheckConstraint",
    [MR_NAMED_FOREIGN_KEY] = "ForeignKey",
    [MR_NAMED_PRIMARY_KEY] = "PrimaryKeyConstraint",
};

/* A mistake: the pattern uses a given name, and there is none. */
static void check_given(mr_build *b, const mr_named *named) {
    const char *pattern = pattern_of(named);
    if (pattern && !named->given && uses(pattern, "constraint_name"))
        mr_build_mistake(b,
                         "its %s has no name, and the naming convention \"%s\" needs one: give it { name = \"...\" }",
                         kind_words[named->kind], pattern);
}

mr_status mr_name_of(const mr_named *named, const char **name) {
    const char *pattern = pattern_of(named), *start, *token;
    size_t n;
    *name = named->given;
    if (!pattern || (named->given && !uses(pattern, "constraint_name"))) return MR_OK;
    mr_build b;
    mr_build_init(&b, env_of(named), (mr_table *)named->table); /* which is not changed */
    check_given(&b, named);
    if (mr_build_report(&b) != MR_OK) return MR_FAIL;
    mr_env *env = env_of(named);
    mr_strbuf out;
    mr_strbuf_init(&out, env);
    mr_status status = MR_OK;
    const char *at = pattern, *done = pattern;
    while (status == MR_OK && next_in(&at, &start, &token, &n)) {
        mr_strbuf_add(&out, done, (size_t)(start - done));
        const char *interned = mr_intern(env, token, n);
        status = interned ? put_token(named, interned, &out) : MR_FAIL;
        done = at;
    }
    mr_strbuf_puts(&out, done);
    if (status == MR_OK && !mr_strbuf_str(&out)) status = MR_FAIL;
    if (status == MR_OK && out.len == 0)
        status = mr_fail(env, MR_ERR_ARGUMENT,
                         "table '%s': the naming convention \"%s\" makes an empty name for its %s: give it one with "
                         "{ name = \"...\" }, or write more in the pattern",
                         named->table->name, pattern, kind_words[named->kind]);
    if (status == MR_OK && !(*name = mr_intern(env, out.data, out.len))) status = MR_FAIL;
    mr_strbuf_done(&out);
    return status;
}

/* ---------------------------------------------------------------- at the declaration */

static const mr_named_kind kind_of[] = {
    [MR_CONSTRAINT_PRIMARY_KEY] = MR_NAMED_PRIMARY_KEY,
    [MR_CONSTRAINT_UNIQUE] = MR_NAMED_UNIQUE,
    [MR_CONSTRAINT_FOREIGN_KEY] = MR_NAMED_FOREIGN_KEY,
    [MR_CONSTRAINT_CHECK] = MR_NAMED_CHECK,
};

void mr_build_check_names(mr_build *b, const mr_constraint *constraints) {
    for (const mr_constraint *k = constraints; k; k = k->next) {
        mr_named named = {.kind = kind_of[k->kind], .table = b->table, .given = k->name};
        check_given(b, &named);
    }
    for (unsigned i = 0; i < b->table->ncolumns; i++)
        for (const mr_constraint *k = b->table->columns[i]->checks; k; k = k->next) {
            mr_named named = {.kind = MR_NAMED_CHECK, .table = b->table, .given = k->name};
            check_given(b, &named);
        }
}

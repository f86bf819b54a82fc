/*
 * sqlite_definition.c: reads CREATE TABLE, CREATE VIEW and CREATE INDEX for what no PRAGMA of SQLite tells: names of
 * constraints, conditions, ON CONFLICT, DEFERRABLE, AUTOINCREMENT, and the SQL of expressions.
 *
 * Invariant: SQLite has read the text before, so it is right; where it is not understood, reading stops, and
 * definition.whole is false. Nothing is called in depth: parentheses are counted.
 */
#include "sqlite_words.h"

#include <string.h>

typedef struct reader {
    mr_env *env;
    mr_arena *arena;
    const char *at;   /* behind the word */
    sqlite_word word; /* the current one */
    sqlite_definition *out;
    sqlite_clause **end;
    bool no_memory;
} reader;

static void advance(reader *r) { r->word = mr_sqlite_word(&r->at); }
static bool is(const reader *r, const char *keyword) { return mr_sqlite_is_word(r->word, keyword); }
static bool is_sign(const reader *r, char sign) { return mr_sqlite_is_sign(r->word, sign); }
static bool at_end(const reader *r) { return r->word.kind == SQLITE_WORD_END; }

/* Passes over the keyword, if it is the current word. */
static bool take(reader *r, const char *keyword) {
    bool found = is(r, keyword);
    if (found) advance(r);
    return found;
}

static const char *copy(reader *r, const char *from, const char *to) {
    while (to > from && (to[-1] == ' ' || (to[-1] >= '\t' && to[-1] <= '\r'))) to--;
    const char *text = mr_arena_strndup(r->arena, from, (size_t)(to - from));
    r->no_memory = r->no_memory || !text;
    return text;
}

static const char *take_name(reader *r) {
    const char *name = mr_sqlite_name(r->arena, r->word);
    r->no_memory = r->no_memory || !name;
    advance(r);
    return name;
}

/* Passes over what stands in parentheses, the current word being the first of them; returns the text in them. */
static const char *take_parenthesis(reader *r) {
    int depth = 1;
    advance(r);
    const char *from = r->word.at, *to = from;
    for (; !at_end(r); advance(r)) {
        if (is_sign(r, '(')) depth++;
        if (is_sign(r, ')') && --depth == 0) break;
        to = r->word.at + r->word.len;
    }
    advance(r);
    return copy(r, from, to);
}

/* The number of items in parentheses, the current word being the first of them. */
static unsigned count_items(const reader *list) {
    reader r = *list;
    unsigned n = 1;
    for (int depth = 0; !at_end(&r); advance(&r)) {
        if (is_sign(&r, '(')) depth++;
        if (is_sign(&r, ')') && --depth == 0) break;
        if (depth == 1 && is_sign(&r, ',')) n++;
    }
    return n;
}

/* Passes over the rest of an item; returns where its last word ends that is not ASC or DESC. */
static const char *pass_item(reader *r) {
    const char *to = r->word.at;
    for (int depth = 0; !at_end(r); advance(r)) {
        if (depth == 0 && (is_sign(r, ',') || is_sign(r, ')'))) break;
        if (is_sign(r, '(')) depth++;
        if (is_sign(r, ')')) depth--;
        if (depth > 0 || !(is(r, "ASC") || is(r, "DESC"))) to = r->word.at + r->word.len;
    }
    return to;
}

static sqlite_clause *add(reader *r, int kind, const char *column, const char *name) {
    sqlite_clause *clause = mr_arena_alloc(r->arena, sizeof *clause);
    r->no_memory = r->no_memory || !clause;
    if (!clause) return NULL;
    clause->kind = kind;
    clause->column = column;
    clause->name = name;
    *r->end = clause;
    r->end = &clause->next;
    return clause;
}

/* ---------------------------------------------------------------- the parts of constraints */

static const char *take_conflict(reader *r) {
    static const char *const words[] = {"ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"};
    if (!is(r, "ON")) return NULL;
    advance(r);
    if (!take(r, "CONFLICT")) return NULL;
    const char *found = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is(r, words[i])) found = words[i];
    advance(r);
    return found;
}

/* (a, b COLLATE NOCASE DESC): the names. The current word is the parenthesis. */
static void take_columns(reader *r, sqlite_clause *clause) {
    unsigned n = count_items(r);
    clause->columns = mr_arena_alloc(r->arena, n * sizeof *clause->columns);
    r->no_memory = r->no_memory || !clause->columns;
    if (!clause->columns) return;
    do {
        advance(r);
        clause->columns[clause->ncolumns++] = take_name(r);
        (void)pass_item(r);
    } while (is_sign(r, ',') && clause->ncolumns < n);
    advance(r);
}

/* [NOT] DEFERRABLE [INITIALLY DEFERRED]; the word NOT is passed already. */
static void take_deferrable(reader *r, sqlite_clause *clause, bool not_) {
    if (!take(r, "DEFERRABLE")) return;
    if (clause) clause->deferrable = not_ ? -1 : 1;
    if (!take(r, "INITIALLY")) return;
    if (clause) clause->initially = is(r, "DEFERRED") ? "DEFERRED" : "IMMEDIATE";
    advance(r);
}

/* table (columns) ON DELETE ... MATCH ...: SQLite tells all of it but what is deferred. */
static void take_reference(reader *r, sqlite_clause *clause) {
    sqlite_clause passed = {0};
    advance(r); /* the table */
    if (is_sign(r, '(')) take_columns(r, &passed);
    for (;;) {
        if (take(r, "ON")) {
            advance(r);
            if (take(r, "SET") || take(r, "NO")) advance(r);
            else advance(r);
        } else if (take(r, "MATCH")) {
            advance(r);
        } else if (is(r, "NOT")) {
            reader before = *r;
            advance(r);
            if (!is(r, "DEFERRABLE")) { /* it is the column's NOT NULL */
                *r = before;
                return;
            }
            take_deferrable(r, clause, true);
        } else if (is(r, "DEFERRABLE")) {
            take_deferrable(r, clause, false);
        } else {
            return;
        }
    }
}

/* ---------------------------------------------------------------- columns */

static bool ends_type(const reader *r) {
    static const char *const words[] = {"CONSTRAINT", "PRIMARY", "NOT",        "NULL",      "UNIQUE", "CHECK",
                                        "DEFAULT",    "COLLATE", "REFERENCES", "GENERATED", "AS",     "DEFERRABLE"};
    if (at_end(r) || is_sign(r, ',') || is_sign(r, ')')) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is(r, words[i])) return true;
    return false;
}

/* A value: a literal, a signed number, a name, or an expression in parentheses. */
static void pass_default(reader *r) {
    if (is_sign(r, '+') || is_sign(r, '-')) advance(r);
    if (is_sign(r, '(')) {
        (void)take_parenthesis(r);
        return;
    }
    advance(r);
    if (is_sign(r, '.')) { /* 1.5 */
        advance(r);
        if (r->word.kind == SQLITE_WORD_BARE && !ends_type(r)) advance(r);
    }
    /* 1.5e+10 */
    if ((is_sign(r, '+') || is_sign(r, '-')) && (r->word.at[-1] | 0x20) == 'e') {
        advance(r);
        advance(r);
    }
}

static void take_generated(reader *r, const char *column, const char *name) {
    sqlite_clause *clause = add(r, SQLITE_CLAUSE_GENERATED, column, name);
    const char *sql = is_sign(r, '(') ? take_parenthesis(r) : NULL;
    bool stored = is(r, "STORED");
    if (stored || is(r, "VIRTUAL")) advance(r);
    if (!clause) return;
    clause->sql = sql;
    clause->stored = stored;
}

static void take_key(reader *r, const char *column, const char *name) {
    sqlite_clause *clause = add(r, SQLITE_CLAUSE_PRIMARY_KEY, column, name);
    (void)take(r, "KEY");
    if (!clause) return;
    if (!column && is_sign(r, '(')) take_columns(r, clause);
    if (is(r, "ASC") || is(r, "DESC")) advance(r);
    clause->conflict = take_conflict(r);
    clause->autoincrement = take(r, "AUTOINCREMENT");
}

static void take_unique(reader *r, const char *column, const char *name) {
    sqlite_clause *clause = add(r, SQLITE_CLAUSE_UNIQUE, column, name);
    if (!clause) return;
    if (!column && is_sign(r, '(')) take_columns(r, clause);
    clause->conflict = take_conflict(r);
}

static void take_check(reader *r, const char *column, const char *name) {
    sqlite_clause *clause = add(r, SQLITE_CLAUSE_CHECK, column, name);
    const char *sql = is_sign(r, '(') ? take_parenthesis(r) : NULL;
    const char *conflict = take_conflict(r);
    if (!clause) return;
    clause->sql = sql;
    clause->conflict = conflict;
}

/* NOT is passed. */
static void take_not(reader *r, const char *column, const char *name, sqlite_clause *last) {
    if (is(r, "DEFERRABLE")) {
        take_deferrable(r, last, true);
    } else if (take(r, "NULL")) {
        sqlite_clause *clause = add(r, SQLITE_CLAUSE_NOT_NULL, column, name);
        const char *conflict = take_conflict(r);
        if (clause) clause->conflict = conflict;
    }
}

/* One constraint of a column. False: no more of them is understood. */
static bool take_column_constraint(reader *r, const char *column, const char **name, sqlite_clause **last) {
    const char *called = *name;
    if (take(r, "GENERATED")) return take(r, "ALWAYS");
    *name = NULL;
    if (take(r, "CONSTRAINT")) *name = take_name(r);
    else if (take(r, "PRIMARY")) take_key(r, column, called);
    else if (take(r, "NOT")) take_not(r, column, called, *last);
    else if (take(r, "NULL")) (void)take_conflict(r);
    else if (take(r, "UNIQUE")) take_unique(r, column, called);
    else if (take(r, "CHECK")) take_check(r, column, called);
    else if (take(r, "DEFAULT")) pass_default(r);
    else if (take(r, "COLLATE")) advance(r);
    else if (take(r, "REFERENCES")) take_reference(r, *last = add(r, SQLITE_CLAUSE_FOREIGN_KEY, column, called));
    else if (is(r, "DEFERRABLE")) take_deferrable(r, *last, false);
    else if (take(r, "AS")) take_generated(r, column, called);
    else return false;
    return true;
}

static bool take_column(reader *r) {
    const char *column = take_name(r), *name = NULL;
    sqlite_clause *last = NULL;
    int depth = 0;
    for (; depth > 0 ? !at_end(r) : !ends_type(r); advance(r)) {
        if (is_sign(r, '(')) depth++;
        if (is_sign(r, ')')) depth--;
    }
    while (!at_end(r) && !is_sign(r, ',') && !is_sign(r, ')') && !r->no_memory)
        if (!take_column_constraint(r, column, &name, &last)) return false;
    return true;
}

/* ---------------------------------------------------------------- CREATE TABLE */

static bool begins_constraint(const reader *r) {
    return is(r, "CONSTRAINT") || is(r, "PRIMARY") || is(r, "UNIQUE") || is(r, "CHECK") || is(r, "FOREIGN");
}

static bool take_table_constraint(reader *r) {
    const char *name = take(r, "CONSTRAINT") ? take_name(r) : NULL;
    if (take(r, "PRIMARY")) {
        take_key(r, NULL, name);
    } else if (take(r, "UNIQUE")) {
        take_unique(r, NULL, name);
    } else if (take(r, "CHECK")) {
        take_check(r, NULL, name);
    } else if (take(r, "FOREIGN")) {
        sqlite_clause *clause = add(r, SQLITE_CLAUSE_FOREIGN_KEY, NULL, name);
        (void)take(r, "KEY");
        if (clause && is_sign(r, '(')) take_columns(r, clause);
        if (take(r, "REFERENCES")) take_reference(r, clause);
    } else {
        return is_sign(r, ',') || is_sign(r, ')'); /* a lone CONSTRAINT name */
    }
    return true;
}

/* CREATE ... WORD [IF NOT EXISTS] [schema.]name: the current word is behind the name. */
static void take_head(reader *r, const char *word) {
    while (!at_end(r) && !is(r, word)) advance(r);
    advance(r);
    if (is(r, "IF")) {
        reader before = *r;
        advance(r);
        if (take(r, "NOT")) (void)take(r, "EXISTS");
        else *r = before;
    }
    advance(r);
    if (!is_sign(r, '.')) return;
    advance(r);
    advance(r);
}

static mr_status finish(reader *r, bool whole) {
    r->out->whole = whole;
    return r->no_memory ? mr_nomem(r->env) : MR_OK;
}

static reader reader_of(mr_env *env, mr_arena *arena, const char *sql, sqlite_definition *out) {
    *out = (sqlite_definition){0};
    reader r = {.env = env, .arena = arena, .at = sql, .out = out, .end = &out->clauses};
    advance(&r);
    return r;
}

mr_status mr_sqlite_read_table(mr_env *env, mr_arena *arena, const char *sql, sqlite_definition *out) {
    reader r = reader_of(env, arena, sql, out);
    advance(&r); /* CREATE */
    if (is(&r, "VIRTUAL")) {
        take_head(&r, "TABLE");
        if (is(&r, "USING")) {
            advance(&r);
            out->using = copy(&r, r.word.at, r.word.at + strlen(r.word.at));
            out->module = take_name(&r);
        }
        return finish(&r, true);
    }
    take_head(&r, "TABLE");
    if (!is_sign(&r, '(')) return finish(&r, is(&r, "AS"));
    advance(&r);
    bool constraints = false, good = true;
    while (good && !at_end(&r) && !is_sign(&r, ')') && !r.no_memory) {
        constraints = constraints || begins_constraint(&r);
        good = constraints ? take_table_constraint(&r) : take_column(&r);
        if (is_sign(&r, ',')) advance(&r);
    }
    return finish(&r, good && is_sign(&r, ')'));
}

mr_status mr_sqlite_read_view(mr_env *env, mr_arena *arena, const char *sql, sqlite_definition *out) {
    reader r = reader_of(env, arena, sql, out);
    take_head(&r, "VIEW");
    out->names_columns = is_sign(&r, '(');
    if (out->names_columns) (void)take_parenthesis(&r);
    if (take(&r, "AS")) out->query = copy(&r, r.word.at, r.word.at + strlen(r.word.at));
    return finish(&r, out->query != NULL);
}

/* ---------------------------------------------------------------- CREATE INDEX */

mr_status mr_sqlite_read_index(mr_env *env, mr_arena *arena, const char *sql, sqlite_definition *out) {
    reader r = reader_of(env, arena, sql, out);
    take_head(&r, "INDEX");
    if (!take(&r, "ON")) return finish(&r, false);
    advance(&r); /* the table */
    if (!is_sign(&r, '(')) return finish(&r, false);
    unsigned n = count_items(&r);
    out->parts = mr_arena_alloc(arena, n * sizeof *out->parts);
    if (!out->parts) return mr_nomem(env);
    do {
        advance(&r);
        const char *from = r.word.at;
        out->parts[out->nparts++].expression = copy(&r, from, pass_item(&r));
    } while (is_sign(&r, ',') && out->nparts < n);
    bool closed = is_sign(&r, ')');
    advance(&r);
    if (take(&r, "WHERE")) out->where = copy(&r, r.word.at, r.word.at + strlen(r.word.at));
    return finish(&r, closed);
}

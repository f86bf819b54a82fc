/*
 * sqlite_words.h: the words of SQL as SQLite reads them, and what CREATE TABLE says that no PRAGMA tells.
 *
 * Invariant: texts that are made here live in the caller's arena.
 */
#ifndef MOONROW_DB_SQLITE_WORDS_H
#define MOONROW_DB_SQLITE_WORDS_H

#include <moonrow/reflection.h>

typedef enum sqlite_word_kind {
    SQLITE_WORD_END,
    SQLITE_WORD_BARE,   /* a keyword, or a name without quotes */
    SQLITE_WORD_QUOTED, /* a name in "", `` or [] */
    SQLITE_WORD_TEXT,   /* 'text', x'00' */
    SQLITE_WORD_SIGN    /* one character of anything else */
} sqlite_word_kind;

typedef struct sqlite_word {
    sqlite_word_kind kind;
    const char *at;
    size_t len;
} sqlite_word;

/* The word at *at, which is put behind it. Spaces and comments are passed over. A quote that is not closed ends with
 * the text. */
sqlite_word mr_sqlite_word(const char **at);
/* Is the word this keyword (in capitals)? */
bool mr_sqlite_is_word(sqlite_word word, const char *keyword);
/* Is the word this sign? */
static inline bool mr_sqlite_is_sign(sqlite_word word, char sign) {
    return word.kind == SQLITE_WORD_SIGN && *word.at == sign;
}
/* The word as a name, without its quotes. NULL: no memory. */
const char *mr_sqlite_name(mr_arena *arena, sqlite_word word);

/* A constraint as it is written: its members are those of a reflected one. column: the column that it is written with,
 * or NULL. */
typedef struct sqlite_clause {
    enum {
        SQLITE_CLAUSE_PRIMARY_KEY,
        SQLITE_CLAUSE_UNIQUE,
        SQLITE_CLAUSE_FOREIGN_KEY,
        SQLITE_CLAUSE_CHECK,
        SQLITE_CLAUSE_NOT_NULL,
        SQLITE_CLAUSE_GENERATED
    } kind;
    const char *column, *name, *sql, *conflict, *initially;
    const char **columns;
    unsigned ncolumns;
    int8_t deferrable;
    bool autoincrement, stored;
    struct sqlite_clause *next;
} sqlite_clause;

/* What a definition says. */
typedef struct sqlite_definition {
    sqlite_clause *clauses;   /* in their order */
    const char *module;       /* CREATE VIRTUAL TABLE: behind USING */
    const char *using;        /* the same, with its arguments */
    const char *query;        /* CREATE VIEW: behind AS */
    bool names_columns;       /* CREATE VIEW: a list of names stands behind the view's */
    mr_reflected_part *parts; /* CREATE INDEX: expression is the text of each item, without ASC and DESC */
    unsigned nparts;
    const char *where; /* CREATE INDEX */
    bool whole;        /* it was understood to its end */
} sqlite_definition;

/* Reads a definition. */
mr_status mr_sqlite_read_table(mr_env *env, mr_arena *arena, const char *sql, sqlite_definition *out);
mr_status mr_sqlite_read_view(mr_env *env, mr_arena *arena, const char *sql, sqlite_definition *out);
mr_status mr_sqlite_read_index(mr_env *env, mr_arena *arena, const char *sql, sqlite_definition *out);

#endif

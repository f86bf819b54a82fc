/*
 * sqltext.c: finds out what SQL text does, by its first word, and by the words behind WITH and PRAGMA.
 *
 * Invariant: in doubt the text counts as a write: a transaction that is not needed does less harm than one that is
 * missing.
 */
#include "sqltext.h"

#include <string.h>

typedef struct words {
    const char *start, *at, *end;
} words;

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static void skip_past(words *w, size_t open, const char *close) {
    size_t n = strlen(close);
    w->at += open;
    while (w->at < w->end && ((size_t)(w->end - w->at) < n || memcmp(w->at, close, n) != 0)) w->at++;
    w->at = (size_t)(w->end - w->at) < n ? w->end : w->at + n;
}

static char peek(const words *w) { return w->end - w->at > 1 ? w->at[1] : '\0'; }

bool mr_sqltext_opens_name(char before) {
    if (before == '\0') return true;
    return !is_letter(before) && !(before >= '0' && before <= '9') && !strchr("])\"`", before);
}

static bool opens_name(const words *w) { return mr_sqltext_opens_name(w->at > w->start ? w->at[-1] : '\0'); }

static bool skip_comment(words *w) {
    if (w->at < w->end && *w->at == '-' && peek(w) == '-') skip_past(w, 2, "\n");
    else if (w->at < w->end && *w->at == '/' && peek(w) == '*') skip_past(w, 2, "*/");
    else return false;
    return true;
}

/* Reads the next word outside quotes and comments, in lower case; a long word is cut. False at the end. */
static bool next_word(words *w, char word[24]) {
    while (w->at < w->end && !is_letter(*w->at)) {
        char c = *w->at;
        if (c == '\'') skip_past(w, 1, "'");
        else if (c == '"') skip_past(w, 1, "\"");
        else if (c == '`') skip_past(w, 1, "`");
        else if (c == '[' && opens_name(w)) skip_past(w, 1, "]");
        else if (!skip_comment(w)) w->at++;
    }
    size_t n = 0;
    for (; w->at < w->end && (is_letter(*w->at) || (*w->at >= '0' && *w->at <= '9')); w->at++)
        if (n < 23) word[n++] = (char)(*w->at >= 'A' && *w->at <= 'Z' ? *w->at + 32 : *w->at);
    word[n] = '\0';
    return n > 0;
}

static bool among(const char *word, const char *const *list) {
    for (; *list; list++)
        if (strcmp(word, *list) == 0) return true;
    return false;
}

static void skip_blanks(words *w) {
    do
        while (w->at < w->end && strchr(" \t\r\n\f", *w->at)) w->at++;
    while (skip_comment(w));
}

/* The next character that is not blank and not in a comment; a zero byte at the end. */
static char next_mark(const words *w) {
    words ahead = *w;
    skip_blanks(&ahead);
    return ahead.at < ahead.end ? *ahead.at : '\0';
}

/* Reads the next word, also a quoted one. */
static bool next_name(words *w, char word[24]) {
    skip_blanks(w);
    const char *quoted = w->at < w->end ? strchr("\"'`[", *w->at) : NULL;
    if (!quoted) return next_word(w, word);
    words inside = {w->at + 1, w->at + 1, w->at};
    skip_past(w, 1, *quoted == '[' ? "]" : (char[]){*quoted, '\0'});
    inside.end = w->at > inside.at ? w->at - 1 : inside.at;
    return next_word(&inside, word);
}

/* Reads PRAGMA [schema.]name [= value | (value)]. The lists say which of SQLite's pragmas write to the database, and
 * which of them fail or do nothing inside a transaction. Sources: SQLite's documentation, and tries with 3.40. */
static mr_text_kind pragma_kind(words *w) {
    static const char *const writes[] = {"incremental_vacuum", "optimize", NULL};
    static const char *const writes_value[] = {"user_version",       "application_id", "schema_version",
                                               "default_cache_size", "auto_vacuum",    NULL};
    static const char *const alone[] = {"wal_checkpoint", NULL};
    static const char *const alone_value[] = {"journal_mode", "synchronous", "foreign_keys", "temp_store", NULL};
    char name[24];
    if (!next_name(w, name)) return MR_TEXT_READS;
    if (next_mark(w) == '.') {
        skip_blanks(w);
        w->at++;
        if (!next_name(w, name)) return MR_TEXT_READS;
    }
    char mark = next_mark(w);
    bool value = mark == '=' || mark == '(';
    if (among(name, writes) || (value && among(name, writes_value))) return MR_TEXT_WRITES;
    if (among(name, alone) || (value && among(name, alone_value))) return MR_TEXT_ALONE;
    return MR_TEXT_READS;
}

/* WITH ... SELECT reads, WITH ... UPDATE writes. The word replace with "(" behind it is a function, no statement. */
static mr_text_kind with_kind(words *w) {
    static const char *const writes[] = {"insert", "update", "delete", "replace", "merge", NULL};
    char word[24];
    while (next_word(w, word))
        if (among(word, writes) && next_mark(w) != '(') return MR_TEXT_WRITES;
    return MR_TEXT_READS;
}

mr_sqltext_traits mr_sqltext_look(const char *sql, size_t len) {
    static const char *const reads[] = {"select", "values", "explain", "show", "table", "attach", NULL};
    static const char *const ddl[] = {"create", "drop", "alter", "reindex", "vacuum", "truncate", "detach", NULL};
    static const char *const control[] = {"begin", "start",     "commit",  "end", "rollback",
                                          "abort", "savepoint", "release", NULL};
    static const char *const alone[] = {"vacuum", "detach", NULL};
    words w = {sql, sql, sql + len};
    mr_sqltext_traits traits = {MR_TEXT_WRITES, false};
    char word[24];
    if (!next_word(&w, word)) return traits;
    traits.is_ddl = among(word, ddl);
    if (among(word, reads)) traits.kind = MR_TEXT_READS;
    else if (among(word, control)) traits.kind = MR_TEXT_CONTROL;
    else if (among(word, alone)) traits.kind = MR_TEXT_ALONE;
    else if (strcmp(word, "pragma") == 0) traits.kind = pragma_kind(&w);
    else if (strcmp(word, "with") == 0) traits.kind = with_kind(&w);
    return traits;
}

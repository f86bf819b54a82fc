/*
 * sqltext.c: a glance at SQL text: its first word, and for WITH the words after it.
 *
 * Invariant: in doubt the text is a write, as a needless transaction does less harm than a lost one.
 */
#include "sqltext.h"

#include <string.h>

typedef struct words {
    const char *at, *end;
} words;

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void skip_past(words *w, size_t open, const char *close) {
    size_t n = strlen(close);
    w->at += open;
    while (w->at < w->end && ((size_t)(w->end - w->at) < n || memcmp(w->at, close, n) != 0)) w->at++;
    w->at = (size_t)(w->end - w->at) < n ? w->end : w->at + n;
}

static char peek(const words *w) {
    return w->end - w->at > 1 ? w->at[1] : '\0';
}

/* The next word outside quotes and comments, in lower case and cut to what fits; false at the end. */
static bool next_word(words *w, char word[16]) {
    while (w->at < w->end && !is_letter(*w->at)) {
        char c = *w->at;
        if (c == '\'') skip_past(w, 1, "'");
        else if (c == '"') skip_past(w, 1, "\"");
        else if (c == '-' && peek(w) == '-') skip_past(w, 2, "\n");
        else if (c == '/' && peek(w) == '*') skip_past(w, 2, "*/");
        else w->at++;
    }
    size_t n = 0;
    for (; w->at < w->end && (is_letter(*w->at) || (*w->at >= '0' && *w->at <= '9')); w->at++)
        if (n < 15) word[n++] = (char)(*w->at >= 'A' && *w->at <= 'Z' ? *w->at + 32 : *w->at);
    word[n] = '\0';
    return n > 0;
}

static bool among(const char *word, const char *const *list) {
    for (; *list; list++)
        if (strcmp(word, *list) == 0) return true;
    return false;
}

mr_sqltext_traits mr_sqltext_look(const char *sql, size_t len) {
    static const char *const reads[] = {"select", "values", "explain", "pragma", "show", "table", NULL};
    static const char *const writes[] = {"insert", "update", "delete", "replace", "merge", NULL};
    static const char *const ddl[] = {"create", "drop", "alter", "reindex", "vacuum", "truncate", NULL};
    words w = {sql, sql + len};
    mr_sqltext_traits traits = {true, false};
    char word[16];
    if (!next_word(&w, word)) return traits;
    traits.is_ddl = among(word, ddl);
    if (among(word, reads)) traits.is_write = false;
    if (strcmp(word, "with") != 0) return traits;
    traits.is_write = false;
    while (next_word(&w, word))
        if (among(word, writes)) traits.is_write = true;
    return traits;
}

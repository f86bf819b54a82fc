/*
 * sqlite_words.c: splits SQL into words as SQLite does: its quotes, comments and names.
 *
 * Invariant: a word is a part of the text; nothing is copied before a name is asked for.
 */
#include "sqlite_words.h"

#include <string.h>

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

/* The first byte that is in no space and no comment. */
static const char *skip(const char *at) {
    for (;;) {
        while (is_space(*at)) at++;
        if (at[0] == '-' && at[1] == '-') {
            while (*at && *at != '\n') at++;
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = strstr(at + 2, "*/");
            at = end ? end + 2 : at + strlen(at);
        } else {
            return at;
        }
    }
}

/* The end of what begins with a quote at at: a closing quote that stands twice is a part of it, but not ']'. */
static const char *quoted(const char *at) {
    const char close = *at == '[' ? ']' : *at;
    for (at++; *at; at++) {
        if (*at != close) continue;
        if (close == ']' || at[1] != close) return at + 1;
        at++;
    }
    return at;
}

sqlite_word mr_sqlite_word(const char **at) {
    const char *start = skip(*at), *end = start;
    sqlite_word word = {SQLITE_WORD_SIGN, start, 0};
    if (!*start) {
        word.kind = SQLITE_WORD_END;
    } else if (*start == '\'' || ((*start | 0x20) == 'x' && start[1] == '\'')) {
        word.kind = SQLITE_WORD_TEXT;
        end = quoted(*start == '\'' ? start : start + 1);
    } else if (*start == '"' || *start == '`' || *start == '[') {
        word.kind = SQLITE_WORD_QUOTED;
        end = quoted(start);
    } else if (is_letter(*start)) {
        word.kind = SQLITE_WORD_BARE;
        while (is_letter(*end)) end++;
    } else {
        end = start + 1;
    }
    word.len = (size_t)(end - start);
    *at = end;
    return word;
}

bool mr_sqlite_is_word(sqlite_word word, const char *keyword) {
    if (word.kind != SQLITE_WORD_BARE || word.len != strlen(keyword)) return false;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];
        if ((c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c) != keyword[i]) return false;
    }
    return true;
}

const char *mr_sqlite_name(mr_arena *arena, sqlite_word word) {
    if (word.kind != SQLITE_WORD_QUOTED && word.kind != SQLITE_WORD_TEXT)
        return mr_arena_strndup(arena, word.at, word.len);
    char close = *word.at == '[' ? ']' : *word.at;
    char *name = mr_arena_strndup(arena, word.at + 1, word.len > 0 ? word.len - 1 : 0);
    if (!name) return NULL;
    char *to = name;
    for (const char *from = name; *from; from++) {
        if (*from == close && (close == ']' || from[1] != close)) break;
        if (*from == close) from++;
        *to++ = *from;
    }
    *to = '\0';
    return name;
}

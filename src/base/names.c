/*
 * names.c: the known name that a misspelt one was meant to be, and the table name of a class.
 *
 * Invariant: the answer depends on the set of candidates, never on their order, because a set may come from a hash.
 * Only ASCII letters count as letters.
 */
#include "env_private.h"

#include <stdio.h>
#include <string.h>

enum {
    LONGEST = 64, /* no suggestion is made for longer names */
    SHORTEST = 4, /* a shorter beginning fits too many names */
    WORD = 6,     /* one typing mistake more is allowed for each so many letters */
    SLIPS = 3,    /* more typing mistakes than these make another word */
    LETTERS = 2,  /* a single letter resembles every short name */
};

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static char same(char c) { return c; }

/* Number of edits that make b of a; swapping two neighbours is one edit. Both have at most LONGEST bytes. as: lower, if
 * the case of letters does not matter, else same. */
static size_t distance(const char *a, size_t alen, const char *b, size_t blen, char (*as)(char c)) {
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    memset(rows, 0, sizeof rows);
    for (size_t j = 0; j <= blen; j++) last[j] = j;
    for (size_t i = 1; i <= alen; i++) {
        row[0] = i;
        for (size_t j = 1; j <= blen; j++) {
            size_t change = last[j - 1] + (as(a[i - 1]) != as(b[j - 1]));
            row[j] = least(change, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && as(a[i - 1]) == as(b[j - 2]) && as(a[i - 2]) == as(b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[blen];
}

/* How many typing mistakes may lie between two names of these lengths. A name further away is another word: suggesting
 * it would mislead. */
static size_t slips(size_t a, size_t b) {
    size_t n = 1 + least(a, b) / WORD;
    return n > SLIPS ? SLIPS : n;
}

static bool is_before(const char *a, const char *b) { return !b || strcmp(a, b) < 0; }

/* The candidate that begins with the name, of which the user has written only the beginning. */
static const char *extended(const char *name, size_t len, const char *(*next)(void *ud, size_t i), void *ud) {
    const char *best = NULL, *candidate;
    if (len < SHORTEST) return NULL;
    for (size_t i = 0; (candidate = next(ud, i)) != NULL; i++)
        if (strncmp(candidate, name, len) == 0 && candidate[len] && is_before(candidate, best)) best = candidate;
    return best;
}

const char *mr_nearest(const char *name, const char *(*next)(void *ud, size_t i), void *ud) {
    size_t len = strlen(name);
    if (len > LONGEST) return NULL;
    size_t least_distance = SLIPS + 1, least_exact = SIZE_MAX;
    const char *best = NULL, *candidate;
    for (size_t i = 0; (candidate = next(ud, i)) != NULL; i++) {
        size_t clen = strlen(candidate);
        if (clen > LONGEST) continue;
        size_t d = distance(name, len, candidate, clen, lower);
        /* The name itself is no suggestion. And two names with half of their letters different do not resemble each
         * other. */
        if (strcmp(name, candidate) == 0 || d > slips(len, clen) || 2 * d > (len > clen ? len : clen)) continue;
        if (d > 0 && least(len, clen) < LETTERS) continue;
        if (d > least_distance) continue;
        size_t exact = distance(name, len, candidate, clen, same);
        bool better = d < least_distance || exact < least_exact || (exact == least_exact && is_before(candidate, best));
        if (!better) continue;
        best = candidate;
        least_distance = d;
        least_exact = exact;
    }
    return best ? best : extended(name, len, next, ud);
}

const char *mr_hint(mr_env *env, const char *near) {
    if (!near) return "";
    int len = snprintf(env->hint, sizeof env->hint, " (did you mean '%s'?)", near);
    return len > 0 && (size_t)len < sizeof env->hint ? env->hint : "";
}

static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

void mr_snake_case(mr_strbuf *out, const char *name, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        if (!is_upper(c)) {
            mr_strbuf_putc(out, c);
            continue;
        }
        /* A capital begins a new word when it stands after a small letter or digit, or before a small letter. */
        bool after_word = i > 0 && (is_lower(name[i - 1]) || is_digit(name[i - 1]));
        bool before_word = i > 0 && name[i - 1] != '_' && i + 1 < len && is_lower(name[i + 1]);
        if (after_word || before_word) mr_strbuf_putc(out, '_');
        mr_strbuf_putc(out, (char)(c - 'A' + 'a'));
    }
}

/*
 * like.c: SQLite's LIKE.
 *
 * Invariant: the result is SQLite's, for texts with bytes that are no characters, and with zero bytes, too, which end a
 * text there. With MR_LIKE_WHOLE a zero byte is a character like any other. The time grows with the product of the
 * lengths at most, whatever the pattern is.
 */
#include <moonrow/base.h>

#include <string.h>

enum { ZERO = 0x7fffffff }; /* a zero byte that ends nothing */

/* The text from *s on: reads one character as SQLite does. 0: the text has ended. */
static uint32_t next(const unsigned char **s, const unsigned char *end, bool whole) {
    enum { LEAD = 0xC0, REPLACEMENT = 0xFFFD };
    static const unsigned char first[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                          16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                          0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                          0,  1,  2,  3,  4,  5,  6,  7,  0,  1,  2,  3,  0,  1,  0,  0};
    if (*s < end && !**s && whole) {
        (*s)++;
        return ZERO;
    }
    if (*s >= end || !**s) return 0;
    uint32_t c = *(*s)++;
    if (c < LEAD) return c;
    c = first[c - LEAD];
    while (*s < end && (**s & 0xC0) == 0x80) c = (c << 6) + (*(*s)++ & 0x3FU);
    if (c < 0x80 || (c & 0xFFFFF800) == 0xD800 || (c & 0xFFFFFFFE) == 0xFFFE) return REPLACEMENT;
    return c;
}

uint32_t mr_like_character(const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    return next(&s, s + strlen(text), false);
}

static uint32_t folded(uint32_t c, bool folds) { return folds && c >= 'A' && c <= 'Z' ? c + 32 : c; }

bool mr_like(const char *pattern, size_t npattern, const char *text, size_t ntext, uint32_t escape, unsigned how) {
    const bool folds = (how & MR_LIKE_FOLDS) != 0, whole = (how & MR_LIKE_WHOLE) != 0;
    const unsigned char *p = (const unsigned char *)pattern, *pend = p + npattern;
    const unsigned char *t = (const unsigned char *)text, *tend = t + ntext;
    const unsigned char *after = NULL, *retry = NULL; /* of the last %: the pattern behind it, and where it ended */
    for (;;) {
        uint32_t c = next(&p, pend, whole);
        if (c == '%' && escape != '%') {
            after = p;
            retry = t;
            continue;
        }
        bool literal = escape && c == escape;
        if (literal) c = next(&p, pend, whole);
        uint32_t d = next(&t, tend, whole);
        if (!c && literal) return false; /* an escape at the end matches nothing */
        if (!c && !d) return true;
        if (c && d && ((c == '_' && !literal) || folded(c, folds) == folded(d, folds))) continue;
        if (!after || !d) return false;
        p = after;
        (void)next(&retry, tend, whole); /* the % takes one character more; there is one, since d is none before it */
        t = retry;
    }
}

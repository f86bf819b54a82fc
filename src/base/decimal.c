/*
 * decimal.c: the text of decimals: reading it, comparing, and the number of digits behind the point.
 *
 * Invariant: what is written here is a decimal as base.h describes it. Nothing is allocated, except in a string buffer.
 */
#include <moonrow/base.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- parts */

/* A number as it is written. */
typedef struct parts {
    bool negative;
    const char *whole, *fraction;
    size_t nwhole, nfraction;
    int64_t exponent;
} parts;

static size_t count_digits(const char *s, const char *end) {
    const char *start = s;
    while (s < end && *s >= '0' && *s <= '9') s++;
    return (size_t)(s - start);
}

/* Reads "e-12", from s to the end. An exponent that is too large for a decimal stays too large. */
static bool read_exponent(const char *s, const char *end, int64_t *out) {
    if (s == end) return true;
    if (*s != 'e' && *s != 'E') return false;
    bool negative = ++s < end && *s == '-';
    if (s < end && (*s == '-' || *s == '+')) s++;
    if (s == end || count_digits(s, end) != (size_t)(end - s)) return false;
    for (; s < end; s++)
        if (*out <= MR_DECIMAL_MAX) *out = *out * 10 + (*s - '0');
    if (negative) *out = -*out;
    return true;
}

static bool read_parts(const char *s, size_t len, parts *out) {
    const char *end = s + len;
    *out = (parts){0};
    if (len && (*s == '-' || *s == '+')) out->negative = *s++ == '-';
    out->whole = s;
    out->nwhole = count_digits(s, end);
    s += out->nwhole;
    if (s < end && *s == '.') s++;
    out->fraction = s;
    out->nfraction = count_digits(s, end);
    s += out->nfraction;
    return out->nwhole + out->nfraction > 0 && read_exponent(s, end, &out->exponent);
}

static bool is_zero(const parts *p) {
    for (size_t i = 0; i < p->nwhole; i++)
        if (p->whole[i] != '0') return false;
    for (size_t i = 0; i < p->nfraction; i++)
        if (p->fraction[i] != '0') return false;
    return true;
}

/* The parts of a decimal, without zeros that change nothing. */
static parts parts_of(const mr_value *v) {
    parts p;
    read_parts(v->u.s, v->len, &p);
    while (p.nwhole && *p.whole == '0') p.whole++, p.nwhole--;
    while (p.nfraction && p.fraction[p.nfraction - 1] == '0') p.nfraction--;
    if (p.nwhole + p.nfraction == 0) p.negative = false;
    return p;
}

/* ---------------------------------------------------------------- reading */

/* Digit i of whole and fraction together; '0' where there is none. */
static char digit_at(const parts *p, int64_t i) {
    const int64_t whole = (int64_t)p->nwhole, have = whole + (int64_t)p->nfraction;
    return i < 0 || i >= have ? '0' : i < whole ? p->whole[i] : p->fraction[i - whole];
}

mr_decimal_status mr_decimal_parse(const char *s, size_t len, mr_strbuf *out) {
    parts p;
    if (!read_parts(s, len, &p)) return MR_DECIMAL_NONE;
    const int64_t have = (int64_t)(p.nwhole + p.nfraction), point = (int64_t)p.nwhole + p.exponent;
    const int64_t fraction = have > point ? have - point : 0;
    /* The first digit that is written: one in front of the point at least. */
    int64_t first = point > 0 ? 0 : point - 1;
    while (first < point - 1 && (first >= have || digit_at(&p, first) == '0')) first++;
    if (fraction > MR_DECIMAL_MAX || point - first > MR_DECIMAL_MAX || point - first + fraction > MR_DECIMAL_MAX + 1)
        return MR_DECIMAL_LARGE;
    if (p.negative && !is_zero(&p)) mr_strbuf_putc(out, '-');
    for (int64_t i = first; i < point + fraction; i++) {
        if (i == point) mr_strbuf_putc(out, '.');
        mr_strbuf_putc(out, digit_at(&p, i));
    }
    return out->oom ? MR_DECIMAL_NOMEM : MR_DECIMAL_OK;
}

bool mr_decimal_is(const char *s, size_t len) {
    parts p;
    if (!len || *s == '+' || len > MR_DECIMAL_MAX + 2 || !read_parts(s, len, &p) || p.nwhole == 0) return false;
    if (p.nwhole > 1 && *p.whole == '0') return false;
    size_t plain = p.nwhole + (p.nfraction ? p.nfraction + 1 : 0) + (p.negative ? 1 : 0);
    return plain == len && !(p.negative && is_zero(&p));
}

size_t mr_decimal_scale(const char *s, size_t len) {
    const char *point = len ? memchr(s, '.', len) : NULL;
    return point ? len - (size_t)(point - s) - 1 : 0;
}

size_t mr_decimal_whole_digits(const char *s, size_t len) {
    parts p;
    if (!read_parts(s, len, &p)) return 0;
    return p.nwhole == 1 && *p.whole == '0' ? 0 : p.nwhole;
}

size_t mr_decimal_short(const char *s, size_t len) {
    if (!len || !memchr(s, '.', len)) return len;
    while (s[len - 1] == '0') len--;
    return s[len - 1] == '.' ? len - 1 : len;
}

bool mr_decimal_is_like(const char *s, size_t len) {
    parts p;
    return len <= MR_DECIMAL_MAX + 2 && read_parts(s, len, &p) && p.exponent == 0;
}

size_t mr_decimal_needs(const mr_value *v) {
    if (v->kind == MR_INT) return 0;
    return parts_of(v).nfraction;
}

/* ---------------------------------------------------------------- comparing */

static int order_of(size_t a, size_t b) { return (a > b) - (a < b); }

int mr_decimal_compare(const mr_value *a, const mr_value *b) {
    parts x = parts_of(a), y = parts_of(b);
    if (x.negative != y.negative) return x.negative ? -1 : 1;
    int order = order_of(x.nwhole, y.nwhole);
    if (order == 0 && x.nwhole > 0) order = memcmp(x.whole, y.whole, x.nwhole);
    if (order == 0) {
        size_t len = x.nfraction < y.nfraction ? x.nfraction : y.nfraction;
        if (len > 0) order = memcmp(x.fraction, y.fraction, len);
        if (order == 0) order = order_of(x.nfraction, y.nfraction);
    }
    order = (order > 0) - (order < 0);
    return x.negative ? -order : order;
}

/* ---------------------------------------------------------------- a fixed number of digits */

static void put_zeros(mr_strbuf *out, size_t n) {
    for (; n > 0; n--) mr_strbuf_putc(out, '0');
}

mr_decimal_status mr_decimal_fix(const mr_value *v, int scale, mr_strbuf *out) {
    char digits[24];
    parts p;
    if (v->kind == MR_INT) {
        read_parts(digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)v->u.i), &p);
    } else if (!read_parts(v->u.s, v->len, &p) || p.exponent) {
        return MR_DECIMAL_NONE;
    }
    size_t fraction = scale < 0 ? p.nfraction : (size_t)scale, kept = p.nfraction < fraction ? p.nfraction : fraction;
    for (size_t i = kept; i < p.nfraction; i++)
        if (p.fraction[i] != '0') return MR_DECIMAL_EXCESS;
    if (p.negative && !is_zero(&p)) mr_strbuf_putc(out, '-');
    while (p.nwhole && *p.whole == '0') p.whole++, p.nwhole--;
    if (p.nwhole) mr_strbuf_add(out, p.whole, p.nwhole);
    else mr_strbuf_putc(out, '0');
    if (fraction) mr_strbuf_putc(out, '.');
    mr_strbuf_add(out, p.fraction, kept);
    put_zeros(out, fraction - kept);
    return out->oom ? MR_DECIMAL_NOMEM : MR_DECIMAL_OK;
}

size_t mr_decimal_of_text(const char *s, size_t len, int scale, char *buf) {
    enum { MOST = MR_DECIMAL_ROOM - 3 };
    parts p;
    if (!read_parts(s, len, &p) || p.exponent > MOST || p.exponent < -MOST) return 0;
    const int64_t have = (int64_t)(p.nwhole + p.nfraction), point = (int64_t)p.nwhole + p.exponent;
    int64_t own = have > point ? have - point : 0, fraction = scale < 0 ? own : scale,
            first = point > 0 ? 0 : point - 1;
    while (first < point - 1 && digit_at(&p, first) == '0') first++;
    for (int64_t i = point + fraction; i < have; i++)
        if (digit_at(&p, i) != '0') return 0;
    if (point - first + fraction > MOST) return 0;
    size_t n = 0;
    if (p.negative && !is_zero(&p)) buf[n++] = '-';
    for (int64_t i = first; i < point + fraction; i++) {
        if (i == point) buf[n++] = '.';
        buf[n++] = digit_at(&p, i);
    }
    return n;
}

/* ---------------------------------------------------------------- floats */

/* The digits of a float, at most 17, as an integer, and the power of ten that it is multiplied with. */
static bool float_digits(double d, int64_t *digits, int *exponent) {
    char text[40];
    double back = 0;
    for (int n = 15; n <= 17; n++) {
        mr_print_float(text, sizeof text, n, d);
        if (mr_parse_float(text, &back) && back == d) break;
    }
    parts p;
    if (!read_parts(text, strlen(text), &p)) return false;
    *digits = 0;
    for (size_t i = 0; i < p.nwhole; i++) *digits = *digits * 10 + (p.whole[i] - '0');
    for (size_t i = 0; i < p.nfraction; i++) *digits = *digits * 10 + (p.fraction[i] - '0');
    if (p.negative) *digits = -*digits;
    *exponent = (int)p.exponent - (int)p.nfraction;
    return true;
}

/* Divides by 10 to the power n, half to even. */
static int64_t round_digits(int64_t digits, int n) {
    int64_t unit = 1;
    if (n > 18) return 0;
    for (; n > 0; n--) unit *= 10;
    int64_t rest = digits % unit, q = digits / unit, twice = rest < 0 ? -rest : rest;
    bool up = twice > unit - twice || (twice == unit - twice && q % 2 != 0);
    return !up || rest == 0 ? q : rest < 0 ? q - 1 : q + 1;
}

size_t mr_decimal_of_float(double d, int scale, char *buf) {
    int64_t digits;
    int exponent;
    if (!isfinite(d) || !float_digits(d, &digits, &exponent)) return 0;
    while (digits && digits % 10 == 0 && (exponent < 0 || scale < 0)) digits /= 10, exponent++;
    if (scale >= 0 && exponent < -scale) {
        digits = round_digits(digits, -scale - exponent);
        exponent = -scale;
    }
    if (digits == 0) exponent = 0;
    /* The digits, zeros behind them, or a point among them. */
    char plain[24];
    uint64_t size = digits < 0 ? 0 - (uint64_t)digits : (uint64_t)digits;
    int n = 0, fraction = scale > 0 ? scale : exponent < 0 ? -exponent : 0;
    do plain[n++] = (char)('0' + size % 10);
    while (size /= 10);
    int whole = n + exponent > 1 ? n + exponent : 1;
    if (whole + fraction + 3 > MR_DECIMAL_ROOM) return 0;
    size_t len = 0;
    if (digits < 0) buf[len++] = '-';
    for (int place = whole - 1; place >= -fraction; place--) { /* of the power of ten */
        if (place == -1) buf[len++] = '.';
        int i = place - exponent;
        buf[len++] = i >= 0 && i < n ? plain[i] : '0';
    }
    return len;
}

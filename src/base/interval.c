/*
 * interval.c: intervals as ISO 8601 text: P1DT2H3M4.5S, -PT5S, PT0S.
 *
 * Invariant: a text that is written here is read as the same interval. A text of which a part would be lost (years, a
 * seventh digit of the fraction) is refused.
 */
#include <moonrow/base.h>

#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000) /* in microseconds */
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define WEEK   (7 * DAY)

typedef struct unit {
    char letter;
    bool of_time; /* its letter stands behind the T */
    int64_t micros;
} unit;

/* In the order in which a text names them. */
static const unit units[] = {
    {'W', false, WEEK}, {'D', false, DAY}, {'H', true, HOUR}, {'M', true, MINUTE}, {'S', true, SECOND}};
enum { UNITS = sizeof units / sizeof *units };

/* ---------------------------------------------------------------- to text */

static void put(char *buf, size_t *len, const char *fmt, unsigned long n) {
    int wrote = snprintf(buf + *len, MR_CALENDAR_SIZE - *len, fmt, n);
    if (wrote > 0) *len += (size_t)wrote;
}

static void put_fraction(char *buf, size_t *len, unsigned long micros) {
    put(buf, len, ".%06lu", micros);
    while (buf[*len - 1] == '0') --*len;
    buf[*len] = '\0';
}

size_t mr_interval_format(int64_t micros, char *buf) {
    uint64_t left = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    size_t len = 0;
    bool timed = false;
    strcpy(buf, micros < 0 ? "-P" : "P");
    len = strlen(buf);
    for (size_t i = 1; i < UNITS; i++) { /* without weeks (units[0]): they are read, but never written */
        uint64_t size = (uint64_t)units[i].micros;
        unsigned long n = (unsigned long)(left / size), fraction = 0;
        left %= size;
        if (units[i].letter == 'S') fraction = (unsigned long)left;
        bool needed = n || fraction || (units[i].letter == 'S' && micros == 0);
        if (!needed) continue;
        if (units[i].of_time && !timed) buf[len++] = 'T';
        timed = timed || units[i].of_time;
        put(buf, &len, "%lu", n);
        if (fraction) put_fraction(buf, &len, fraction);
        buf[len++] = units[i].letter;
    }
    buf[len] = '\0';
    return len;
}

/* ---------------------------------------------------------------- from text */

typedef struct reader {
    const char *at, *end;
    int64_t sum;
} reader;

static bool accept(reader *r, char c) {
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool is_digit(const reader *r) { return r->at < r->end && *r->at >= '0' && *r->at <= '9'; }

/* Reads one to six digits. More are refused, because an interval cannot keep them. */
static bool read_fraction(reader *r, int64_t *micros) {
    int64_t unit_size = SECOND;
    *micros = 0;
    if (!is_digit(r)) return false;
    while (is_digit(r)) {
        if (unit_size == 1) return false;
        unit_size /= 10;
        *micros += (*r->at++ - '0') * unit_size;
    }
    return true;
}

/* Reads a number and the letter of a unit: units[*from] or a later one. *from becomes the unit that may follow. */
static bool read_part(reader *r, size_t *from, bool of_time) {
    int64_t n = 0, fraction = 0;
    bool fractional = false;
    if (!is_digit(r)) return false;
    for (; is_digit(r); r->at++) {
        n = n * 10 + (*r->at - '0');
        if (n >= MR_INTERVAL_LIMIT) return false;
    }
    if (accept(r, '.')) {
        fractional = true;
        if (!read_fraction(r, &fraction)) return false;
    }
    for (size_t i = *from; i < UNITS; i++) {
        if (units[i].of_time != of_time || !accept(r, units[i].letter)) continue;
        if (fractional && units[i].letter != 'S') return false;
        if (n >= MR_INTERVAL_LIMIT / units[i].micros) return false;
        r->sum += n * units[i].micros + fraction;
        *from = i + 1;
        return r->sum < MR_INTERVAL_LIMIT;
    }
    return false;
}

static bool read_parts(reader *r) {
    size_t from = 0;
    while (is_digit(r))
        if (!read_part(r, &from, false)) return false;
    if (accept(r, 'T')) {
        if (!is_digit(r)) return false;
        while (is_digit(r))
            if (!read_part(r, &from, true)) return false;
    }
    return from > 0 && r->at == r->end;
}

bool mr_interval_parse(const char *s, size_t len, int64_t *out) {
    reader r = {s, s + len, 0};
    if (len == 0) return false;
    bool negative = accept(&r, '-');
    if (!negative) (void)accept(&r, '+');
    if (!accept(&r, 'P') || !read_parts(&r)) return false;
    *out = negative ? -r.sum : r.sum;
    return true;
}

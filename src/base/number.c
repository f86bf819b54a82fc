/*
 * number.c: floats as text, and text as floats.
 *
 * Invariant: the text has a decimal point in every locale of the program, also where C would write a comma.
 */
#include <moonrow/base.h>

#include <float.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* snprintf has returned n. The length of the text with a point in place of the locale's. */
static size_t with_point(char *buf, size_t size, int n) {
    if (n < 0 || size == 0) return 0;
    size_t len = (size_t)n < size ? (size_t)n : size - 1;
    const char *point = localeconv()->decimal_point;
    size_t width = strlen(point);
    char *at = width && strcmp(point, ".") != 0 ? strstr(buf, point) : NULL;
    if (!at) return len;
    *at = '.';
    memmove(at + 1, at + width, strlen(at + width) + 1);
    return len - width + 1;
}

size_t mr_print_float(char *buf, size_t size, int digits, double d) {
    return with_point(buf, size, snprintf(buf, size, "%.*g", digits, d));
}

size_t mr_print_fixed(char *buf, size_t size, int decimals, double d) {
    return with_point(buf, size, snprintf(buf, size, "%.*f", decimals, d));
}

/* Writes d with so many digits and an exponent, the last digit one more (towards a larger size). False: that carries.
 */
static bool print_next(char *buf, int digits, double d) {
    with_point(buf, MR_FLOAT_SIZE, snprintf(buf, MR_FLOAT_SIZE, "%.*e", digits - 1, d));
    char *last = strchr(buf, 'e') - 1;
    if (*last == '9') return false;
    ++*last;
    return true;
}

/* Does the text read as d, with the same sign where d is zero? */
static bool reads_back(const char *text, double d) {
    double back;
    return mr_parse_float(text, &back) && back == d;
}

size_t mr_print_shortest(char *buf, double d) {
    enum { SURE = 15, MOST = 17 };
    /* So many digits are kept by every float of normal size: a text with fewer comes out without zeros behind it. */
    bool normal = d == 0 || d >= DBL_MIN || d <= -DBL_MIN;
    size_t len = 0;
    for (int digits = normal ? SURE : 1; digits <= MOST; digits++) {
        len = mr_print_float(buf, MR_FLOAT_SIZE, digits, d);
        if (reads_back(buf, d)) break;
        /* Beside a power of two the floats stand closer on one side: the text that is nearest may miss. */
        if (digits == MOST - 1 && print_next(buf, digits, d) && reads_back(buf, d)) {
            len = strlen(buf);
            break;
        }
    }
    if (buf[strcspn(buf, ".e")] == '\0') {
        memcpy(buf + len, ".0", 3);
        len += 2;
    }
    return len;
}

void mr_strbuf_put_float(mr_strbuf *b, int digits, double d) {
    char text[40];
    mr_strbuf_add(b, text, mr_print_float(text, sizeof text, digits, d));
}

bool mr_parse_float(const char *text, double *out) {
    enum { LONGEST = MR_DECIMAL_MAX + 32, POINT = 16 }; /* of any decimal, with its sign and point */
    char local[LONGEST + POINT], *end;
    const char *point = localeconv()->decimal_point, *dot = strchr(text, '.');
    size_t len = strlen(text), width = strlen(point);
    if (len == 0 || len >= LONGEST || width >= POINT || strchr(text, ',')) return false;
    if (dot && width) {
        size_t before = (size_t)(dot - text);
        memcpy(local, text, before);
        memcpy(local + before, point, width);
        memcpy(local + before + width, dot + 1, len - before);
    } else {
        memcpy(local, text, len + 1);
    }
    *out = strtod(local, &end);
    return *end == '\0';
}

/*
 * number.c: floats as text, and text as floats.
 *
 * Invariant: the text has a decimal point in every locale of the program, also where C would write a comma.
 */
#include <moonrow/base.h>

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

void mr_strbuf_put_float(mr_strbuf *b, int digits, double d) {
    char text[40];
    mr_strbuf_add(b, text, mr_print_float(text, sizeof text, digits, d));
}

bool mr_parse_float(const char *text, double *out) {
    enum { LONGEST = 400, POINT = 16 };
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

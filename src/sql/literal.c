/*
 * literal.c: values as SQL text, for definitions (CHECK, an index's condition, a view), and for statements that are
 * shown to a reader.
 *
 * Invariant: the text means the value that a parameter would have brought, whatever the value contains. It ends no
 * quotes, begins no comment, and is one term.
 */
#include <moonrow/sql.h>

#include "literal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void put_hex(const char *bytes, size_t len, mr_strbuf *out) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len; i++) {
        mr_strbuf_putc(out, digits[(unsigned char)bytes[i] >> 4]);
        mr_strbuf_putc(out, digits[bytes[i] & 15]);
    }
}

static void put_blob(const mr_dialect *d, const mr_value *v, mr_strbuf *out) {
    mr_strbuf_puts(out, d->escaped_blobs ? "'\\x" : "X'");
    put_hex(v->u.s, v->len, out);
    mr_strbuf_putc(out, '\'');
}

/* SQL text cannot contain a zero byte. */
static void put_text(const mr_value *v, mr_strbuf *out) {
    if (!v->len || !memchr(v->u.s, '\0', v->len)) {
        mr_quote_text(v->len ? v->u.s : "", v->len, out);
        return;
    }
    mr_strbuf_puts(out, "CAST(X'");
    put_hex(v->u.s, v->len, out);
    mr_strbuf_puts(out, "' AS TEXT)");
}

/* A sign behind a '-' would begin a comment. */
static void part_from_sign(mr_strbuf *out) {
    if (out->len && out->data[out->len - 1] == '-') mr_strbuf_putc(out, ' ');
}

/* With as few digits as tell the number from its neighbours, and always as a number with a fraction. */
static void put_float(double d, mr_strbuf *out) {
    char text[40];
    double back = 0;
    if (isnan(d)) {
        mr_strbuf_puts(out, "'nan'");
        return;
    }
    if (signbit(d)) part_from_sign(out); /* -0.0, too */
    if (isinf(d)) {
        mr_strbuf_puts(out, d < 0 ? "-9e999" : "9e999");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        mr_print_float(text, sizeof text, digits, d);
        if (mr_parse_float(text, &back) && back == d) break;
    }
    mr_strbuf_puts(out, text);
    if (!strpbrk(text, ".e")) mr_strbuf_puts(out, ".0");
}

/* In seconds: a day of an interval may have another length than 24 hours. */
static void put_interval(int64_t micros, mr_strbuf *out) {
    uint64_t n = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    mr_strbuf_printf(out, "INTERVAL '%s%" PRIu64 ".%06" PRIu64 " seconds'", micros < 0 ? "-" : "", n / 1000000,
                     n % 1000000);
}

void mr_put_literal(const mr_dialect *d, const mr_value *v, mr_strbuf *out) {
    char text[48];
    switch (v->kind) {
    case MR_NULL:
        mr_strbuf_puts(out, "NULL");
        return;
    case MR_BOOL:
        mr_strbuf_puts(out, d->true_literals ? (v->u.i ? "true" : "false") : (v->u.i ? "1" : "0"));
        return;
    case MR_INT:
        if (v->u.i < 0) part_from_sign(out);
        mr_strbuf_printf(out, "%" PRId64, v->u.i);
        return;
    case MR_FLOAT:
        put_float(v->u.d, out);
        return;
    case MR_TEXT:
    case MR_DECIMAL:
    case MR_JSON:
        put_text(v, out);
        return;
    case MR_BLOB:
        put_blob(d, v, out);
        return;
    case MR_INTERVAL:
        if (d->intervals) {
            put_interval(v->u.i, out);
            return;
        }
        mr_quote_text(text, mr_calendar_spell(v, text), out);
        return;
    case MR_DATE:
    case MR_TIME:
    case MR_DATETIME:
        mr_quote_text(text, mr_calendar_spell(v, text), out);
        return;
    default:
        mr_strbuf_putc(out, '?');
    }
}

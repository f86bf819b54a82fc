/*
 * echo.c: writes statements to the log.
 *
 * Invariant: the kind of each shown value can be seen, and a long value is cut. Nothing here fails: without memory a
 * line is missing.
 */
#include "engine.h"

enum { SHOWN = 80 };

static void add_bytes(mr_strbuf *b, const mr_value *v) {
    size_t len = v->len > SHOWN ? SHOWN : v->len;
    mr_strbuf_putc(b, '\'');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)v->u.s[i];
        if (c == '\'') mr_strbuf_puts(b, "''");
        else if (c < ' ' || (v->kind == MR_BLOB && c > '~')) mr_strbuf_printf(b, "\\x%02x", (unsigned)c);
        else mr_strbuf_putc(b, (char)c);
    }
    mr_strbuf_putc(b, '\'');
    if (v->len > len) mr_strbuf_printf(b, "... (%lu bytes)", (unsigned long)v->len);
}

void mr_show_value(mr_strbuf *b, const mr_value *v) {
    char text[48];
    switch (v->kind) {
    case MR_NULL:
        mr_strbuf_puts(b, "NULL");
        break;
    case MR_INT:
        mr_strbuf_printf(b, "%lld", (long long)v->u.i);
        break;
    case MR_FLOAT:
        mr_strbuf_put_float(b, 17, v->u.d);
        break;
    case MR_BOOL:
        mr_strbuf_puts(b, v->u.i ? "true" : "false");
        break;
    case MR_TEXT:
    case MR_BLOB:
    case MR_JSON:
        add_bytes(b, v);
        break;
    case MR_DECIMAL:
        mr_strbuf_add(b, v->u.s, v->len);
        break;
    case MR_DATE:
    case MR_TIME:
    case MR_DATETIME:
    case MR_INTERVAL:
        mr_strbuf_add(b, text, mr_calendar_format(v, ' ', false, text));
        break;
    default:
        mr_strbuf_puts(b, mr_kind_name(v->kind));
    }
}

void mr_echo(mr_engine *engine, const char *sql, const mr_value *params, size_t n) {
    mr_strbuf b;
    mr_strbuf_init(&b, engine->env);
    mr_strbuf_puts(&b, sql);
    if (n) mr_strbuf_puts(&b, "\n[");
    for (size_t i = 0; i < n; i++) {
        if (i) mr_strbuf_puts(&b, ", ");
        mr_show_value(&b, &params[i]);
    }
    if (n) mr_strbuf_putc(&b, ']');
    if (b.data && !b.oom) mr_log(engine->env, "%s", b.data);
    mr_strbuf_done(&b);
}

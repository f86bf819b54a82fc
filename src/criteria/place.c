/*
 * place.c: messages about a place in a text.
 *
 * Invariant: the place is shown in a line of the text of limited length, with carets below it; what cannot be shown on
 * one line becomes a blank.
 */
#include "tree.h"

enum { SHOWN = 72, BEFORE = 40 };

static bool is_inner(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

/* A byte as it is shown: the text may have lines, and bytes that are no characters. */
static char shown(char c) { return (unsigned char)c < ' ' || c == 127 ? ' ' : c; }

/* Appends the part of the text around the place, and the carets. */
static void put_place(const mr_scope *s, uint32_t at, uint32_t until, mr_strbuf *out) {
    uint32_t len = (uint32_t)s->len;
    if (at > len) at = len;
    if (until > len) until = len;
    uint32_t first = at > BEFORE ? at - BEFORE : 0;
    while (first > 0 && is_inner(s->text[first])) first--;
    uint32_t last = len - first > SHOWN ? first + SHOWN : len;
    while (last < len && is_inner(s->text[last])) last++;
    const char *front = first ? "..." : "";
    bool valid = mr_utf8_valid(s->text + first, last - first);
    mr_strbuf_printf(out, "\n  %s", front);
    for (uint32_t i = first; i < last; i++)
        mr_strbuf_putc(out, valid || (unsigned char)s->text[i] < 128 ? shown(s->text[i]) : '?');
    mr_strbuf_puts(out, last < len ? "...\n  " : "\n  ");
    for (const char *c = front; *c; c++) mr_strbuf_putc(out, ' ');
    for (uint32_t i = first; i < at; i++)
        if (!valid || !is_inner(s->text[i])) mr_strbuf_putc(out, ' ');
    mr_strbuf_putc(out, '^');
    for (uint32_t i = at + 1; i < until && i < last; i++)
        if (!valid || !is_inner(s->text[i])) mr_strbuf_putc(out, '~');
}

static mr_status fail_with(mr_env *env, const mr_scope *scope, uint32_t at, uint32_t until, mr_strbuf *message) {
    put_place(scope, at, until, message);
    const char *text = mr_strbuf_str(message);
    if (text) mr_fail(env, MR_ERR_ARGUMENT, "%s", text);
    mr_strbuf_done(message);
    return MR_FAIL;
}

mr_status mr_criteria_fail(mr_env *env, const mr_scope *scope, uint32_t at, uint32_t until, const char *fmt, ...) {
    va_list args;
    mr_strbuf message;
    mr_strbuf_init(&message, env);
    va_start(args, fmt);
    mr_strbuf_vprintf(&message, fmt, args);
    va_end(args);
    return fail_with(env, scope, at, until, &message);
}

mr_status mr_criteria_fail_again(mr_env *env, const mr_scope *scope, uint32_t at, uint32_t until) {
    mr_strbuf message;
    const mr_error *e = mr_env_error(env);
    if (e->kind != MR_ERR_ARGUMENT && e->kind != MR_ERR_DATA) return MR_FAIL;
    mr_strbuf_init(&message, env);
    mr_strbuf_puts(&message, e->message);
    return fail_with(env, scope, at, until, &message);
}

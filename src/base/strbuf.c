/*
 * strbuf.c: a string that grows.
 *
 * Invariant: data is NULL, or has cap bytes with a NUL at position len. Once oom is set, nothing is added any more.
 */
#include <moonrow/base.h>

#include <stdio.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void mr_strbuf_init(mr_strbuf *b, mr_env *env) {
    memset(b, 0, sizeof *b);
    b->env = env;
}

void mr_strbuf_done(mr_strbuf *b) {
    if (b->data) mr_free(b->env, b->data);
    mr_strbuf_init(b, b->env);
}

/* Makes room for so many bytes more and the NUL. False, with oom set, without memory. */
static bool reserve(mr_strbuf *b, size_t extra) {
    if (b->oom) return false;
    if (extra < b->cap - b->len) return true;
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    if (extra > SIZE_MAX / 4 || b->len > SIZE_MAX / 4) {
        b->oom = true;
        return false;
    }
    while (cap - b->len <= extra) cap *= 2;
    char *data = mr_realloc(b->env, b->data, cap);
    if (!data) {
        b->oom = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void mr_strbuf_add(mr_strbuf *b, const char *s, size_t len) {
    if (!reserve(b, len)) return;
    if (len > 0) memcpy(b->data + b->len, s, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void mr_strbuf_puts(mr_strbuf *b, const char *s) { mr_strbuf_add(b, s, strlen(s)); }

void mr_strbuf_putc(mr_strbuf *b, char c) { mr_strbuf_add(b, &c, 1); }

void mr_strbuf_printf(mr_strbuf *b, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    mr_strbuf_vprintf(b, fmt, args);
    va_end(args);
}

void mr_strbuf_vprintf(mr_strbuf *b, const char *fmt, va_list args) {
    if (!reserve(b, 0)) return;
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(b->data + b->len, b->cap - b->len, fmt, args);
    if (len < 0) {
        b->data[b->len] = '\0';
    } else if ((size_t)len < b->cap - b->len) {
        b->len += (size_t)len;
    } else {
        b->data[b->len] = '\0';
        if (reserve(b, (size_t)len)) {
            vsnprintf(b->data + b->len, b->cap - b->len, fmt, again);
            b->len += (size_t)len;
        }
    }
    va_end(again);
}

void mr_strbuf_clear(mr_strbuf *b) {
    b->len = 0;
    b->oom = false;
    if (b->data) b->data[0] = '\0';
}

const char *mr_strbuf_str(mr_strbuf *b) {
    if (b->oom) {
        mr_nomem(b->env);
        return NULL;
    }
    return b->data ? b->data : "";
}

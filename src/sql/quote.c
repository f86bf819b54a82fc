/*
 * quote.c: writes names and texts into SQL.
 *
 * Invariant: a name is written without quotes only if every database reads it as the same name, whatever its rules for
 * capitals are. A name that is longer than the database keeps is shortened, always to the same one, so that two of them
 * do not become one. A text stays one text, whatever it contains.
 */
#include <moonrow/sql.h>

#include <stdio.h>
#include <string.h>

static bool is_plain(const char *name) {
    if (!*name || (*name >= '0' && *name <= '9')) return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static bool is_reserved(const char *const *words, const char *name) {
    size_t low = 0, high = 0;
    while (words[high]) high++;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, words[middle]);
        if (order == 0) return true;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return false;
}

/* A number that is made of the name alone, and never of anything that changes from one program to the next. */
static uint32_t hash_of(const char *name) {
    uint32_t hash = UINT32_C(2166136261);
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * UINT32_C(16777619);
    return hash;
}

const char *mr_shorten_name(const mr_dialect *d, const char *name, char *buf) {
    enum { HASH = 9 /* "_" and eight digits */ };
    if (!d->longest_name || strlen(name) <= d->longest_name) return name;
    size_t len = d->longest_name - HASH;
    while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80) len--; /* a character stays whole */
    memcpy(buf, name, len);
    snprintf(buf + len, HASH + 1, "_%08x", (unsigned)hash_of(name));
    return buf;
}

void mr_quote_name(const mr_dialect *d, const char *name, mr_strbuf *out) {
    char shortened[MR_NAME_SIZE];
    name = mr_shorten_name(d, name, shortened);
    if (is_plain(name) && !(d->reserved && is_reserved(d->reserved, name))) {
        mr_strbuf_puts(out, name);
        return;
    }
    mr_strbuf_putc(out, '"');
    for (const char *s = name; *s; s++) {
        if (*s == '"') mr_strbuf_putc(out, '"');
        mr_strbuf_putc(out, *s);
    }
    mr_strbuf_putc(out, '"');
}

void mr_quote_text(const char *text, size_t len, mr_strbuf *out) {
    mr_strbuf_putc(out, '\'');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'') mr_strbuf_putc(out, '\'');
        mr_strbuf_putc(out, text[i]);
    }
    mr_strbuf_putc(out, '\'');
}

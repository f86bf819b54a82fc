/*
 * postgresql_array.c: an Array's value, which is JSON in the library, as PostgreSQL's array, and back.
 *
 * Invariant: [1,"a",null,[true]] is {1,"a",NULL,{true}}: each text is quoted, so that no text is taken for NULL.
 */
#include "driver_postgresql.h"

#include <string.h>

/* ---------------------------------------------------------------- to an array */

static void put_quoted(mr_strbuf *out, const char *s, size_t len) {
    mr_strbuf_putc(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '"' || s[i] == '\\') mr_strbuf_putc(out, '\\');
        mr_strbuf_putc(out, s[i]);
    }
    mr_strbuf_putc(out, '"');
}

static void put_scalar(mr_strbuf *out, const mr_value *v) {
    if (v->kind == MR_NULL) mr_strbuf_puts(out, "NULL");
    else if (v->kind == MR_BOOL) mr_strbuf_puts(out, v->u.i ? "true" : "false");
    else if (v->kind == MR_INT) mr_strbuf_printf(out, "%lld", (long long)v->u.i);
    else if (v->kind == MR_FLOAT) mr_json_put_float(out, v->u.d);
    else put_quoted(out, v->u.s, v->len);
}

bool mr_postgresql_put_array(mr_env *env, const mr_value *json, mr_strbuf *out) {
    mr_json *read;
    mr_json_item item = {.event = MR_JSON_SCALAR};
    bool first = true, arrays = true;
    if (mr_json_parse(env, json->u.s, json->len, false, &read, NULL) != MR_OK) return false;
    while (arrays && mr_json_next(read, &item) == MR_OK && item.event != MR_JSON_DONE) {
        if (item.event == MR_JSON_END) {
            mr_strbuf_putc(out, '}');
            first = false;
            continue;
        }
        if (!first) mr_strbuf_putc(out, ',');
        first = item.event == MR_JSON_ARRAY;
        if (item.event == MR_JSON_ARRAY) mr_strbuf_putc(out, '{');
        else if (item.event == MR_JSON_SCALAR) put_scalar(out, &item.value);
        else arrays = false;
    }
    mr_json_free(read);
    return arrays;
}

/* ---------------------------------------------------------------- from an array */

/* How the server stores the items: an Enum by its position is an integer. */
static mr_type_group group_of(const mr_type *item) {
    while (item->item) item = item->item;
    return item->rules->sql_as ? item->rules->sql_as->group : item->rules->group;
}

/* Are the items numbers, which JSON writes without quotes? */
static bool is_number(const mr_type *item) {
    return group_of(item) == MR_GROUP_INTEGER || group_of(item) == MR_GROUP_FLOAT;
}

static bool is_boolean(const mr_type *item) { return group_of(item) == MR_GROUP_BOOLEAN; }

/* Writes the word of len bytes, which had no quotes. */
static void put_word(mr_strbuf *out, const mr_type *item, const char *s, size_t len) {
    if (len == 4 && memcmp(s, "NULL", 4) == 0) mr_strbuf_puts(out, "null");
    else if (is_boolean(item)) mr_strbuf_puts(out, *s == 't' ? "true" : "false");
    else if (is_number(item)) mr_strbuf_add(out, s, len);
    else mr_json_put_string(out, s, len);
}

/* Writes the quoted word that begins at s; plain: room for its bytes. Returns what is behind it; NULL: it has no end.
 */
static const char *put_string(mr_strbuf *out, const char *s, mr_strbuf *plain) {
    mr_strbuf_clear(plain);
    for (s++; *s && *s != '"'; s++) {
        if (*s == '\\' && s[1]) s++;
        mr_strbuf_putc(plain, *s);
    }
    mr_json_put_string(out, plain->len ? plain->data : "", plain->len);
    return *s ? s + 1 : NULL;
}

bool mr_postgresql_read_array(mr_env *env, const mr_type *type, const char *s, mr_strbuf *out) {
    mr_strbuf plain;
    if (*s == '[') s = strchr(s, '='); /* "[0:1]={a,b}": it begins at another index */
    if (s && *s == '=') s++;
    if (!s || *s != '{') return false;
    mr_strbuf_init(&plain, env);
    while (s && *s) {
        size_t len = strcspn(s, ",{}\"");
        if (len > 0) put_word(out, type->item, s, len);
        else if (*s == '"') {
            s = put_string(out, s, &plain);
            continue;
        } else {
            mr_strbuf_putc(out, *s == '{' ? '[' : *s == '}' ? ']' : ',');
            len = 1;
        }
        s += len;
    }
    mr_strbuf_done(&plain);
    return s != NULL;
}

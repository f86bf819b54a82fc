/*
 * json.c: JSON text: reads it by jansson, item by item, and writes it.
 *
 * Invariant: nothing is rounded or left out in silence: a number that neither 64 bits nor a float can hold is refused.
 * Integers and floats stay apart. What jansson allocates is malloc's, and is freed with the mr_json: jansson's
 * allocator is the whole process's, so the library leaves it as it is.
 */
#include "env_private.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An object or array that has begun and not ended. */
typedef struct frame {
    json_t *container;
    size_t i, n;
    void *iter;        /* an object's next item, where keys are not sorted */
    const char **keys; /* an object's keys in order; NULL: not sorted */
} frame;

struct mr_json {
    mr_env *env;
    json_t *root;
    bool sorted, begun;
    size_t depth;
    frame frames[];
};

/* ---------------------------------------------------------------- reading */

/* How deeply objects and arrays nest, at most. Brackets in strings do not count. */
static size_t depth_of(const char *text, size_t len) {
    size_t depth = 0, most = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\') i++;
            else if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > most) most = depth;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return most;
}

/* Had jansson no memory? It leaves the text empty then; or, where it had none for a string, it takes that for a wrong
 * token. A string that is really wrong has a message of its own. */
static bool is_out_of_memory(const char *text) {
    static const char *const strings[] = {"invalid token near '\"", "string or '}' expected near '\""};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        if (strncmp(text, strings[i], strlen(strings[i])) == 0) return true;
    return text[0] == '\0';
}

mr_status mr_json_parse(mr_env *env, const char *text, size_t len, bool sorted, mr_json **out, char *why) {
    json_error_t error;
    size_t depth = depth_of(text, len);
    *out = NULL;
    if (depth > MR_JSON_DEPTH) {
        if (why) snprintf(why, MR_JSON_WHY, "it nests %zu levels deep, and %d is the most", depth, MR_JSON_DEPTH);
        return MR_NOTFOUND;
    }
    mr_json *json = mr_alloc(env, sizeof *json + depth * sizeof(frame));
    if (!json) return MR_FAIL;
    *json = (mr_json){.env = env, .sorted = sorted};
    json->root = json_loadb(len ? text : "", len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (json->root) {
        *out = json;
        return MR_OK;
    }
    mr_free(env, json);
    if (is_out_of_memory(error.text)) return mr_nomem(env);
    if (why) snprintf(why, MR_JSON_WHY, "line %d, column %d: %.160s", error.line, error.column, error.text);
    return MR_NOTFOUND;
}

void mr_json_free(mr_json *json) {
    if (!json) return;
    for (size_t i = 0; i < json->depth; i++) mr_free(json->env, json->frames[i].keys);
    json_decref(json->root);
    mr_free(json->env, json);
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Keys have no zero bytes: jansson refuses them. */
static mr_status sort_keys(mr_json *json, frame *f) {
    size_t n = 0;
    f->keys = mr_alloc(json->env, (f->n + 1) * sizeof *f->keys);
    if (!f->keys) return MR_FAIL;
    for (void *iter = json_object_iter(f->container); iter; iter = json_object_iter_next(f->container, iter))
        f->keys[n++] = json_object_iter_key(iter);
    qsort(f->keys, n, sizeof *f->keys, by_bytes);
    return MR_OK;
}

/* The value is the next item. */
static mr_status give(mr_json *json, json_t *v, mr_json_item *item) {
    item->event = MR_JSON_SCALAR;
    item->n = 0;
    switch (json_typeof(v)) {
    case JSON_NULL:
        item->value = mr_null_value();
        return MR_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        item->value = mr_bool_value(json_is_true(v));
        return MR_OK;
    case JSON_INTEGER:
        item->value = mr_int_value(json_integer_value(v));
        return MR_OK;
    case JSON_REAL:
        item->value = mr_float_value(json_real_value(v));
        return MR_OK;
    case JSON_STRING:
        item->value = mr_text_value(json_string_value(v), json_string_length(v));
        return MR_OK;
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
    frame *f = &json->frames[json->depth];
    bool object = json_is_object(v);
    *f = (frame){.container = v, .n = object ? json_object_size(v) : json_array_size(v)};
    if (object && json->sorted && sort_keys(json, f) != MR_OK) return MR_FAIL;
    if (object && !json->sorted) f->iter = json_object_iter(v);
    json->depth++;
    item->event = object ? MR_JSON_OBJECT : MR_JSON_ARRAY;
    item->n = f->n;
    return MR_OK;
}

/* Sets where the item that the container has given last stands in it. */
static void set_place(const mr_json *json, mr_json_item *item) {
    item->key = NULL;
    item->key_len = item->index = 0;
    if (json->depth == 0) return;
    const frame *f = &json->frames[json->depth - 1];
    if (!json_is_object(f->container)) {
        item->index = f->i;
        return;
    }
    item->key = f->keys ? f->keys[f->i - 1] : json_object_iter_key(f->iter);
    item->key_len = strlen(item->key);
}

mr_status mr_json_next(mr_json *json, mr_json_item *item) {
    *item = (mr_json_item){.event = MR_JSON_DONE};
    if (!json->begun) {
        json->begun = true;
        return give(json, json->root, item);
    }
    if (json->depth == 0) return MR_OK;
    frame *f = &json->frames[json->depth - 1];
    if (f->i == f->n) {
        mr_free(json->env, f->keys);
        json->depth--;
        item->event = MR_JSON_END;
        set_place(json, item);
        return MR_OK;
    }
    bool object = json_is_object(f->container);
    if (object && !f->keys && f->i > 0) f->iter = json_object_iter_next(f->container, f->iter);
    json_t *v = !object   ? json_array_get(f->container, f->i)
                : f->keys ? json_object_get(f->container, f->keys[f->i])
                          : json_object_iter_value(f->iter);
    f->i++;
    set_place(json, item);
    return give(json, v, item);
}

/* ---------------------------------------------------------------- writing */

void mr_json_put_string(mr_strbuf *out, const char *s, size_t len) {
    size_t from = 0;
    mr_strbuf_putc(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) continue;
        mr_strbuf_add(out, s + from, i - from);
        from = i + 1;
        const char *letters = "\"\"\\\\\bb\ff\nn\rr\tt", *at = letters;
        while (*at && (unsigned char)*at != c) at += 2;
        if (c && *at) mr_strbuf_printf(out, "\\%c", at[1]);
        else mr_strbuf_printf(out, "\\u%04x", c);
    }
    mr_strbuf_add(out, s + from, len - from);
    mr_strbuf_putc(out, '"');
}

void mr_json_put_float(mr_strbuf *out, double d) {
    char text[MR_FLOAT_SIZE];
    mr_strbuf_add(out, text, mr_print_shortest(text, d));
}

static void put_scalar(mr_strbuf *out, const mr_value *v) {
    switch (v->kind) {
    case MR_BOOL:
        mr_strbuf_puts(out, v->u.i ? "true" : "false");
        break;
    case MR_INT:
        mr_strbuf_printf(out, "%lld", (long long)v->u.i);
        break;
    case MR_FLOAT:
        mr_json_put_float(out, v->u.d);
        break;
    case MR_TEXT:
        mr_json_put_string(out, v->u.s, v->len);
        break;
    default:
        mr_strbuf_puts(out, "null");
    }
}

mr_status mr_json_rewrite(mr_env *env, const char *text, size_t len, mr_strbuf *out, char *why) {
    enum { CLOSERS = MR_JSON_DEPTH + 1 };
    char closers[CLOSERS];
    size_t depth = 0;
    bool first = true;
    mr_json *json;
    mr_json_item item;
    mr_status status = mr_json_parse(env, text, len, true, &json, why);
    if (status != MR_OK) return status;
    while ((status = mr_json_next(json, &item)) == MR_OK && item.event != MR_JSON_DONE) {
        if (item.event == MR_JSON_END) {
            mr_strbuf_putc(out, closers[--depth]);
            first = false;
            continue;
        }
        if (!first) mr_strbuf_putc(out, ',');
        if (item.key) {
            mr_json_put_string(out, item.key, item.key_len);
            mr_strbuf_putc(out, ':');
        }
        first = item.event != MR_JSON_SCALAR;
        if (!first) {
            put_scalar(out, &item.value);
            continue;
        }
        mr_strbuf_putc(out, item.event == MR_JSON_OBJECT ? '{' : '[');
        closers[depth++] = item.event == MR_JSON_OBJECT ? '}' : ']';
    }
    mr_json_free(json);
    if (status == MR_OK && out->oom) return mr_nomem(env);
    return status;
}

/* ---------------------------------------------------------------- comparing */

bool mr_json_same(mr_env *env, const mr_value *a, const mr_value *b) {
    if (a->len == b->len && (a->len == 0 || memcmp(a->u.s, b->u.s, a->len) == 0)) return true;
    mr_strbuf x, y;
    mr_strbuf_init(&x, env);
    mr_strbuf_init(&y, env);
    mr_error *saved = mr_env_save_error(env);
    bool same = mr_json_rewrite(env, a->u.s, a->len, &x, NULL) == MR_OK &&
                mr_json_rewrite(env, b->u.s, b->len, &y, NULL) == MR_OK && x.len == y.len &&
                memcmp(mr_strbuf_str(&x), mr_strbuf_str(&y), x.len) == 0;
    mr_env_clear_error(env);
    mr_env_restore_error(env, saved);
    mr_strbuf_done(&x);
    mr_strbuf_done(&y);
    return same;
}

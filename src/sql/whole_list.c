/*
 * whole_list.c: an IN with very many values: they are sent as one parameter, a text that the database takes apart. A
 * parameter for each would pass the limits of the databases (32,766 in SQLite as it is usually built, 65,535 in
 * PostgreSQL).
 *
 * Invariant: only lists whose values come back from the text exactly as they are: integers, booleans, NULL, and texts
 * without zero bytes. The text belongs to the list, so that a statement may borrow it.
 */
#include <moonrow/sql.h>

#include "compiler.h"
#include "node.h"

#include <inttypes.h>
#include <string.h>

enum { MANY = 10000 };

static bool is_exact(const mr_value *v) {
    if (v->kind == MR_TEXT) return !memchr(v->u.s, '\0', v->len);
    return v->kind == MR_INT || v->kind == MR_BOOL || v->kind == MR_NULL;
}

bool mr_list_can_be_whole(const mr_value *values, size_t n) {
    if (n <= MANY) return false;
    for (size_t i = 0; i < n; i++)
        if (!is_exact(&values[i])) return false;
    return true;
}

bool mr_in_whole_list(const mr_compiler *c, const mr_node *in) {
    const mr_node *right = in->child[1];
    if (right->kind != MR_NODE_BINDS || !right->u.list.can_be_whole || c->literals) return false;
    if (mr_spells(c) && right->u.list.nspelled > 0) return false;
    const mr_type *form = mr_form_for(c, right, in->child[0]);
    if (mr_type_is_late(right->type)) return false; /* each is converted when it is sent */
    return !mr_type_stores(form ? form : mr_typed(c, right));
}

void mr_emit_whole_list(mr_compiler *c, const mr_node *binds, mr_whole whole) {
    uint32_t start = c->ordinal;
    mr_emit_param(c, binds, 0);
    if (!c->failed) {
        mr_param *param = &((mr_placed_param *)mr_vec_at(&c->out->params, c->out->params.len - 1))->param;
        param->whole = whole;
        param->type = mr_type_simple(MR_TYPE_TEXT);
    }
    c->ordinal = start + binds->binds;
}

/* ---------------------------------------------------------------- the text */

/* Both forms quote by double quotes, and escape by backslashes; JSON has no control characters in its texts. */
static void put_text(mr_strbuf *out, const mr_value *v, mr_whole whole) {
    const char *s = v->u.s, *end = s + v->len;
    mr_strbuf_add(out, "\"", 1);
    while (s < end) {
        const char *from = s;
        while (s < end && *s != '"' && *s != '\\' && (whole == MR_WHOLE_ARRAY || (unsigned char)*s >= ' ')) s++;
        mr_strbuf_add(out, from, (size_t)(s - from));
        if (s == end) break;
        if ((unsigned char)*s < ' ') mr_strbuf_printf(out, "\\u%04x", (unsigned)*s);
        else mr_strbuf_printf(out, "\\%c", *s);
        s++;
    }
    mr_strbuf_add(out, "\"", 1);
}

static void put_value(mr_strbuf *out, const mr_value *v, mr_whole whole) {
    switch (v->kind) {
    case MR_TEXT:
        put_text(out, v, whole);
        break;
    case MR_BOOL:
        if (whole == MR_WHOLE_JSON) mr_strbuf_puts(out, v->u.i ? "1" : "0");
        else mr_strbuf_puts(out, v->u.i ? "t" : "f");
        break;
    case MR_INT:
        mr_strbuf_printf(out, "%" PRId64, v->u.i);
        break;
    default:
        mr_strbuf_puts(out, whole == MR_WHOLE_JSON ? "null" : "NULL");
    }
}

mr_status mr_whole_list_value(mr_env *env, const mr_node *binds, mr_whole whole, mr_value *out) {
    mr_strbuf *text = ((mr_node *)(uintptr_t)binds)->u.list.text;
    if (!text) {
        text = mr_calloc(env, sizeof *text);
        if (!text) return MR_FAIL;
        mr_strbuf_init(text, env);
        mr_strbuf_puts(text, whole == MR_WHOLE_JSON ? "[" : "{");
        for (size_t i = 0; i < binds->u.list.n; i++) {
            if (i) mr_strbuf_add(text, ",", 1);
            put_value(text, &binds->u.list.values[i], whole);
        }
        mr_strbuf_puts(text, whole == MR_WHOLE_JSON ? "]" : "}");
        if (!mr_strbuf_str(text)) {
            mr_strbuf_done(text);
            mr_free(env, text);
            return MR_FAIL;
        }
        ((mr_node *)(uintptr_t)binds)->u.list.text = text;
    }
    *out = mr_text_value(mr_strbuf_str(text), text->len);
    return MR_OK;
}

/*
 * json_path.c: paths into JSON, in the two ways in which databases write them: '$."a"[0]' and '{a,0}'.
 *
 * Invariant: the two BINDs of a JSON_AT are the same path. Each dialect sends one of them, so a path never becomes SQL,
 * and statements that differ by it are the same statement.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <inttypes.h>
#include <string.h>

/* May the key stand in '{a,b}' without quotes? */
static bool is_plain(const char *key) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return *key && strspn(key, allowed) == strlen(key) && strcmp(key, "NULL") != 0 && strcmp(key, "null") != 0;
}

static void put_quoted(mr_strbuf *out, const char *key) {
    mr_strbuf_putc(out, '"');
    for (; *key; key++) {
        if (*key == '"' || *key == '\\') mr_strbuf_putc(out, '\\');
        mr_strbuf_putc(out, *key);
    }
    mr_strbuf_putc(out, '"');
}

static void put_step(const mr_json_step *step, mr_strbuf *dollar, mr_strbuf *braces) {
    if (braces->len > 1) mr_strbuf_putc(braces, ',');
    if (step->key) {
        mr_strbuf_putc(dollar, '.');
        mr_json_put_string(dollar, step->key, strlen(step->key)); /* SQLite looks for the key as the text spells it */
        if (is_plain(step->key)) mr_strbuf_puts(braces, step->key);
        else put_quoted(braces, step->key);
        return;
    }
    if (step->index < 0) mr_strbuf_printf(dollar, "[#%" PRId64 "]", step->index);
    else mr_strbuf_printf(dollar, "[%" PRId64 "]", step->index);
    mr_strbuf_printf(braces, "%" PRId64, step->index);
}

static mr_node *text_bind(mr_env *env, mr_strbuf *text) {
    const char *s = mr_strbuf_str(text);
    if (!s) return NULL;
    mr_value v = mr_text_value(s, text->len);
    return mr_sql_bind(env, mr_type_simple(MR_TYPE_STRING), &v);
}

/* Begins both texts with the path that x has already. */
static void begin(const mr_node *x, mr_strbuf *dollar, mr_strbuf *braces) {
    bool more = x->kind == MR_NODE_JSON_AT;
    const mr_value *d = more ? &x->child[1]->u.value : NULL, *b = more ? &x->child[2]->u.value : NULL;
    if (d) mr_strbuf_add(dollar, d->u.s, d->len);
    else mr_strbuf_putc(dollar, '$');
    if (b) mr_strbuf_add(braces, b->u.s, b->len - 1); /* without its end */
    else mr_strbuf_putc(braces, '{');
}

mr_node *mr_sql_json_at(mr_env *env, mr_node *x, const mr_json_step *steps, size_t n) {
    if (!x) return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!steps[i].key || !strchr(steps[i].key, '"')) continue;
        mr_node_release(x);
        mr_fail(env, MR_ERR_ARGUMENT, "at: the key '%s' has a double quote, which no path can have", steps[i].key);
        return NULL;
    }
    mr_strbuf dollar, braces;
    mr_strbuf_init(&dollar, env);
    mr_strbuf_init(&braces, env);
    begin(x, &dollar, &braces);
    for (size_t i = 0; i < n; i++) put_step(&steps[i], &dollar, &braces);
    mr_strbuf_putc(&braces, '}');
    mr_node *of = mr_node_retain(x->kind == MR_NODE_JSON_AT ? x->child[0] : x);
    mr_node *parts[3] = {of, text_bind(env, &dollar), text_bind(env, &braces)};
    mr_strbuf_done(&dollar);
    mr_strbuf_done(&braces);
    mr_node_release(x);
    return mr_node_new(env, MR_NODE_JSON_AT, MR_OP_NONE, NULL, parts, 3);
}

mr_node *mr_sql_json_as(mr_env *env, mr_node *at, const mr_type *type, bool natural) {
    if (!at) return NULL;
    for (uint32_t i = 0; i < at->n; i++) mr_node_retain(at->child[i]);
    mr_node *node = mr_node_new(env, MR_NODE_JSON_AT, MR_OP_NONE, type, at->child, at->n);
    if (node && natural) node->flags |= MR_NODE_NATURAL;
    mr_node_release(at);
    return node;
}

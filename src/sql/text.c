/*
 * text.c: text("... :name ..."): finds the binds in SQL that the user has written.
 *
 * Invariant: the value of a TEXT node is the SQL in which one NUL byte replaces each bind; the children are the binds
 * in the same order. Nothing inside of quotes or comments is a bind.
 */
#include <moonrow/sql.h>

#include "node.h"
#include "sqltext.h"

#include <string.h>

typedef struct text_parser {
    mr_env *env;
    const char *at, *end;
    mr_strbuf sql;
    mr_vec binds; /* mr_node *, one reference each */
} text_parser;

static bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

static void take(text_parser *p, size_t n) {
    mr_strbuf_add(&p->sql, p->at, n);
    p->at += n;
}

/* Copies the text up to and including the closing mark; all of the rest when the mark is missing. */
static void take_until(text_parser *p, size_t open, const char *close) {
    const char *s = p->at + open;
    size_t n = strlen(close);
    while (s < p->end && ((size_t)(p->end - s) < n || memcmp(s, close, n) != 0)) s++;
    s = (size_t)(p->end - s) < n ? p->end : s + n;
    take(p, (size_t)(s - p->at));
}

static char peek(const text_parser *p, size_t i) { return (size_t)(p->end - p->at) > i ? p->at[i] : '\0'; }

static bool opens_name(const text_parser *p) {
    return mr_sqltext_opens_name(p->sql.len > 0 ? p->sql.data[p->sql.len - 1] : '\0');
}

static mr_status take_bind(text_parser *p) {
    const char *name = ++p->at;
    while (p->at < p->end && is_name(*p->at)) p->at++;
    const char *interned = mr_intern(p->env, name, (size_t)(p->at - name));
    mr_node *bind = interned ? mr_sql_param(p->env, mr_type_simple(MR_TYPE_NULL), interned) : NULL;
    if (!bind) return MR_FAIL;
    if (mr_vec_push_ptr(&p->binds, bind) != MR_OK) {
        mr_node_release(bind);
        return MR_FAIL;
    }
    mr_strbuf_putc(&p->sql, '\0');
    return MR_OK;
}

static mr_status take_one(text_parser *p) {
    char c = *p->at, next = peek(p, 1);
    if (c == '\0') return mr_fail(p->env, MR_ERR_ARGUMENT, "text: the SQL has a zero byte in it");
    if (c == '[' && opens_name(p)) {
        take_until(p, 1, "]");
    } else if (c == '\'' || c == '"' || c == '`') {
        char close[2] = {c, '\0'};
        take_until(p, 1, close);
    } else if (c == '-' && next == '-') {
        take_until(p, 2, "\n");
    } else if (c == '/' && next == '*') {
        take_until(p, 2, "*/");
    } else if (c == '\\' && next == ':') {
        p->at++;
        take(p, 1);
    } else if (c == ':' && next == ':') {
        take(p, 2);
    } else if (c == ':' && is_name_start(next)) {
        return take_bind(p);
    } else if (is_name(c)) { /* a colon directly behind a word is no bind: it is a slice, or a label */
        size_t n = 1;
        while (is_name(peek(p, n))) n++;
        if (peek(p, n) == ':' && peek(p, n + 1) != ':') n++;
        take(p, n);
    } else {
        take(p, 1);
    }
    return MR_OK;
}

mr_node *mr_sql_text(mr_env *env, const char *sql, size_t len) {
    text_parser p = {.env = env, .at = sql, .end = sql + len};
    mr_node *node = NULL;
    mr_strbuf_init(&p.sql, env);
    mr_vec_init(&p.binds, env, sizeof(mr_node *));
    while (p.at < p.end)
        if (take_one(&p) != MR_OK) goto out;
    const char *text = mr_strbuf_str(&p.sql);
    if (!text) goto out;
    mr_value value = mr_text_value(text, p.sql.len);
    node = mr_node_new(env, MR_NODE_TEXT, MR_OP_NONE, NULL, p.binds.data, (uint32_t)p.binds.len);
    p.binds.len = 0; /* the constructor has consumed their references */
    if (node && mr_value_copy(env, &node->u.value, &value) != MR_OK) {
        mr_node_release(node);
        node = NULL;
    }
out:
    for (size_t i = 0; i < p.binds.len; i++) mr_node_release(mr_vec_ptr(&p.binds, i));
    mr_vec_done(&p.binds);
    mr_strbuf_done(&p.sql);
    return node;
}

mr_node *mr_sql_text_as_it_is(mr_env *env, const char *sql, size_t len) {
    mr_value value = mr_text_value(sql, len);
    mr_node *node = mr_node_new(env, MR_NODE_TEXT, MR_OP_NONE, NULL, NULL, 0);
    if (node && mr_value_copy(env, &node->u.value, &value) != MR_OK) {
        mr_node_release(node);
        node = NULL;
    }
    return node;
}

/* ---------------------------------------------------------------- values of binds */

static bool has_bind(const mr_node *text, const char *name) {
    for (uint32_t i = 0; i < text->n; i++)
        if (text->child[i]->name && strcmp(text->child[i]->name, name) == 0) return true;
    return false;
}

mr_node *mr_sql_text_bind(mr_env *env, mr_node *text, const char *name, mr_node *bind) {
    mr_node *made = NULL, **parts = NULL;
    if (!text || !bind) goto out;
    if (!has_bind(text, name)) {
        mr_fail(env, MR_ERR_ARGUMENT, "bindparams: the text has no parameter named '%s'", name);
        goto out;
    }
    parts = mr_alloc(env, text->n * sizeof(mr_node *));
    if (!parts) goto out;
    for (uint32_t i = 0; i < text->n; i++) {
        mr_node *old = text->child[i];
        parts[i] = mr_node_retain(old->name && strcmp(old->name, name) == 0 ? bind : old);
    }
    made = mr_node_new(env, MR_NODE_TEXT, MR_OP_NONE, NULL, parts, text->n);
    if (made && mr_value_copy(env, &made->u.value, &text->u.value) != MR_OK) {
        mr_node_release(made);
        made = NULL;
    }
out:
    mr_free(env, parts);
    mr_node_release(text);
    mr_node_release(bind);
    return made;
}

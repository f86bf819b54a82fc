/*
 * inline.c: writes the values of an expression into its SQL, for the few places where a database allows no parameters.
 *
 * Invariant: text is quoted as the SQL standard says, so it stays text, whatever it contains. Values that cannot be
 * written in standard SQL are refused.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static mr_status put_value(mr_env *env, mr_strbuf *out, const mr_value *v) {
    if (v->kind == MR_NULL) mr_strbuf_puts(out, "NULL");
    else if (v->kind == MR_BOOL || v->kind == MR_INT) mr_strbuf_printf(out, "%" PRId64, v->u.i);
    else if (v->kind == MR_FLOAT && isfinite(v->u.d)) mr_strbuf_put_float(out, 17, v->u.d);
    else if (v->kind == MR_TEXT && !memchr(v->u.s, '\0', v->len)) mr_quote_text(v->u.s, v->len, out);
    else return mr_fail(env, MR_ERR_ARGUMENT, "a value that is no plain number or text is written as mr.text here");
    return MR_OK;
}

static mr_node *value_node(mr_env *env, const mr_type *type, const mr_value *v) {
    if (v->kind == MR_BOOL) return mr_sql_raw(env, type, v->u.i ? "true" : "false"); /* the dialect knows these */
    mr_strbuf sql;
    mr_node *node = NULL;
    mr_value stored = *v;
    mr_store_room room = {.env = env};
    mr_strbuf_init(&sql, env);
    if ((!mr_type_is_decimal(type) || mr_type_store(type, &stored, &room) == MR_OK) &&
        put_value(env, &sql, &stored) == MR_OK && mr_strbuf_str(&sql)) {
        mr_value text = mr_text_value(sql.data, sql.len);
        node = mr_node_new(env, MR_NODE_TEXT, MR_OP_NONE, type, NULL, 0);
        if (node && mr_value_copy(env, &node->u.value, &text) != MR_OK) {
            mr_node_release(node);
            node = NULL;
        }
    }
    mr_store_done(&room);
    mr_strbuf_done(&sql);
    return node;
}

static mr_node *list_node(mr_env *env, const mr_node *binds) {
    size_t n = binds->u.list.n;
    mr_node **nodes = mr_alloc(env, (n + 1) * sizeof *nodes), *list = NULL;
    if (!nodes) return NULL;
    for (size_t i = 0; i < n; i++) nodes[i] = value_node(env, binds->type, &binds->u.list.values[i]);
    list = mr_sql_list(env, MR_OP_COMMA, nodes, n);
    mr_free(env, nodes);
    return list;
}

static mr_node *inlined(void *ud, const mr_node *node) {
    mr_env *env = ud;
    if (node->name) {
        mr_fail(env, MR_ERR_ARGUMENT, "parameter '%s': a condition of an index takes no parameters", node->name);
        return NULL;
    }
    return node->kind == MR_NODE_BIND ? value_node(env, node->type, &node->u.value) : list_node(env, node);
}

mr_node *mr_sql_inline(mr_node *node) {
    if (!node) return NULL;
    mr_node *made = mr_node_replace_binds(node, inlined, node->env);
    mr_node_release(node);
    return made;
}

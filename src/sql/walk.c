/*
 * walk.c: visits a tree of nodes, and rebuilds it with other columns.
 *
 * Invariant: recursion is as deep as the tree, and constructors limit the depth of trees to MR_NODE_MAX_DEPTH.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <string.h>

void mr_node_walk(const mr_node *node, bool (*visit)(void *ud, const mr_node *node), void *ud) {
    if (!node || !visit(ud, node) || node->kind == MR_NODE_COLUMN) return;
    uint32_t parts = mr_node_parts(node);
    for (uint32_t i = 0; i < parts; i++) mr_node_walk(node->child[i], visit, ud);
}

/* ---------------------------------------------------------------- replace */

typedef struct replacer {
    mr_node *(*replace)(void *ud, const mr_node *node);
    void *ud;
    bool binds; /* binds are replaced, not columns; then NULL from replace means failure */
    bool failed;
} replacer;

static mr_node *rebuild(replacer *r, mr_node *node);

/* The node with replaced children; the node itself when no child has changed. */
static mr_node *rebuild_children(replacer *r, mr_node *node) {
    uint32_t n = mr_node_parts(node);
    mr_node *few[MR_SELECT_PARTS] = {NULL}, **parts = few;
    if (n > MR_SELECT_PARTS && !(parts = mr_alloc(node->env, n * sizeof *parts))) {
        r->failed = true;
        return NULL;
    }
    bool changed = false;
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = node->child[i] ? rebuild(r, node->child[i]) : NULL;
        changed = changed || parts[i] != node->child[i];
    }
    mr_node *result = NULL;
    if (!r->failed && changed) {
        result = mr_node_with_parts(node, parts);
        r->failed = !result;
    } else {
        mr_nodes_release(parts, n);
        if (!r->failed) result = mr_node_retain(node);
    }
    if (parts != few) mr_free(node->env, parts);
    return result;
}

static mr_node *rebuild(replacer *r, mr_node *node) {
    if (r->failed) return NULL;
    switch (node->kind) {
    case MR_NODE_COLUMN: {
        mr_node *made = r->binds ? NULL : r->replace(r->ud, node);
        return made ? made : mr_node_retain(node);
    }
    case MR_NODE_BIND:
    case MR_NODE_BINDS: {
        if (!r->binds) return mr_node_retain(node);
        mr_node *made = r->replace(r->ud, node);
        r->failed = !made;
        return made;
    }
    case MR_NODE_LITERAL_SQL: /* has nothing below, or FROM objects with columns of their own */
    case MR_NODE_TEXT:
    case MR_NODE_TABLE:
    case MR_NODE_ALIAS:
    case MR_NODE_CTE:
        return mr_node_retain(node);
    default:
        return rebuild_children(r, node);
    }
}

mr_node *mr_node_replace(mr_node *node, mr_node *(*replace)(void *ud, const mr_node *node), void *ud) {
    if (!node) return NULL;
    replacer r = {replace, ud, false, false};
    return rebuild(&r, node);
}

mr_node *mr_node_replace_binds(mr_node *node, mr_node *(*replace)(void *ud, const mr_node *node), void *ud) {
    replacer r = {replace, ud, true, false};
    return rebuild(&r, node);
}

/* ---------------------------------------------------------------- FROM objects */

typedef struct from_finder {
    mr_env *env;
    mr_vec *out;
    bool failed;
} from_finder;

/* Adds a FROM object. Consumes the reference. */
static void add_from(from_finder *f, mr_node *from) {
    if (from && mr_vec_push_ptr(f->out, from) == MR_OK) return;
    mr_node_release(from);
    f->failed = true;
}

static void add_table(from_finder *f, const mr_table *table) {
    for (size_t i = 0; i < f->out->len; i++) {
        const mr_node *seen = mr_vec_ptr(f->out, i);
        if (seen->kind == MR_NODE_TABLE && seen->u.table == table) return;
    }
    add_from(f, mr_sql_table(f->env, table));
}

static void add_object(from_finder *f, mr_node *object) {
    for (size_t i = 0; i < f->out->len; i++)
        if (mr_vec_ptr(f->out, i) == object) return;
    add_from(f, mr_node_retain(object));
}

static bool find_from(void *ud, const mr_node *node) {
    from_finder *f = ud;
    if (f->failed) return false;
    switch (node->kind) {
    case MR_NODE_COLUMN:
        if (node->n) add_object(f, mr_column_object(node));
        else if (node->u.column->table) add_table(f, node->u.column->table);
        return false;
    case MR_NODE_TABLE:
        add_table(f, node->u.table);
        return false;
    case MR_NODE_ALIAS:
    case MR_NODE_CTE:
    case MR_NODE_JOIN:
        add_object(f, (mr_node *)node); /* only its reference count changes */
        return false;
    case MR_NODE_SUBQUERY:
    case MR_NODE_EXISTS:
    case MR_NODE_SELECT:
    case MR_NODE_COMPOUND:
        return false;
    default:
        return true;
    }
}

mr_status mr_node_froms(mr_env *env, const mr_node *node, mr_vec *out) {
    from_finder f = {env, out, false};
    mr_node_walk(node, find_from, &f);
    return f.failed ? MR_FAIL : MR_OK;
}

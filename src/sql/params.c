/*
 * params.c: replaces the named parameters of a statement by their values. This is needed when the statement becomes a
 * part of another one, whose parameters of the same names are different ones.
 *
 * Invariant: one node stays one node. A FROM object with a parameter inside is rebuilt only once, and each column that
 * is read from it then refers to the new object. So does each reference to the first part of a recursive CTE.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <string.h>

typedef struct rebuilt {
    const mr_node *from;
    mr_node *to; /* one reference */
} rebuilt;

typedef struct filler {
    mr_env *env;
    const mr_named_value *named;
    size_t n;
    mr_map *known; /* of rebuilt: nodes that other nodes may refer to */
    bool failed;
} filler;

static mr_node *fill(filler *f, mr_node *node);

/* A BIND with the parameter's value, coerced to its type; the node itself when no value is given. */
static mr_node *fill_param(filler *f, mr_node *node) {
    for (size_t i = 0; node->name && i < f->n; i++) {
        if (strcmp(f->named[i].name, node->name) != 0) continue;
        mr_value v = f->named[i].value;
        v.flags &= (uint8_t)~MR_VALUE_OWNED; /* borrowed: coercion must not free it */
        mr_node *made =
            mr_type_coerce(f->env, node->type, node->name, &v) == MR_OK ? mr_sql_bind(f->env, node->type, &v) : NULL;
        if (!made) f->failed = true;
        return made;
    }
    return mr_node_retain(node);
}

/* Do other nodes refer to this node, so that it must be rebuilt only once? */
static bool has_identity(const mr_node *node) {
    return mr_node_is_query(node) || node->kind == MR_NODE_ALIAS || node->kind == MR_NODE_CTE;
}

static mr_node *fill_parts(filler *f, mr_node *node) {
    uint32_t n = mr_node_parts(node);
    mr_node *few[MR_DML_PARTS] = {NULL}, **parts = few, *made = NULL;
    bool changed = false;
    if (n > MR_DML_PARTS && !(parts = mr_calloc(f->env, n * sizeof(mr_node *)))) {
        f->failed = true;
        return NULL;
    }
    for (uint32_t i = 0; i < n && !f->failed; i++) {
        parts[i] = node->child[i] ? fill(f, node->child[i]) : NULL;
        changed = changed || parts[i] != node->child[i];
    }
    if (!f->failed && changed) {
        made = mr_node_with_parts(node, parts);
        f->failed = !made;
    } else {
        mr_nodes_release(parts, n);
        if (!f->failed) made = mr_node_retain(node);
    }
    if (parts != few) mr_free(f->env, parts);
    return made;
}

static mr_node *fill(filler *f, mr_node *node) {
    if (f->failed) return NULL;
    if (node->kind == MR_NODE_BIND) return fill_param(f, node);
    if (mr_node_parts(node) == 0 || node->kind == MR_NODE_BINDS) return mr_node_retain(node);
    rebuilt key = {node, NULL};
    const rebuilt *known = has_identity(node) ? mr_map_get(f->known, &key) : NULL;
    if (known) return mr_node_retain(known->to);
    mr_node *made = fill_parts(f, node);
    if (!made || !has_identity(node)) return made;
    key.to = mr_node_retain(made);
    if (mr_map_put(f->known, &key)) return made;
    mr_node_release(made);
    mr_node_release(made);
    f->failed = true;
    return NULL;
}

mr_node *mr_sql_with_values(mr_node *node, const mr_named_value *named, size_t n) {
    if (!node || n == 0) return node;
    filler f = {node->env, named, n, mr_map_new(node->env, sizeof(rebuilt), mr_map_hash_ptr, mr_map_equal_ptr), false};
    mr_node *made = f.known ? fill(&f, node) : NULL;
    size_t at = 0;
    for (rebuilt *r; f.known && (r = mr_map_next(f.known, &at));) mr_node_release(r->to);
    mr_map_free(f.known);
    mr_node_release(node);
    return made;
}

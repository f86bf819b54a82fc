/*
 * node.h: how nodes are made and looked into, for the files of src/sql alone.
 */
#ifndef MOONROW_SQL_NODE_H
#define MOONROW_SQL_NODE_H

#include <moonrow/sql.h>

/* Limits that keep recursion on expressions and the unfolding of shared parts finite. */
enum { MR_NODE_MAX_DEPTH = 500, MR_NODE_MAX_WEIGHT = 4 * 1024 * 1024 };

/* The clauses of a SELECT (or of a COMPOUND, after its n selects) and of a DML statement, as children:
 * in the order of mr_select and mr_dml. */
enum {
    MR_SELECT_COLUMNS,
    MR_SELECT_FROM,
    MR_SELECT_WHERE,
    MR_SELECT_GROUP_BY,
    MR_SELECT_HAVING,
    MR_SELECT_ORDER_BY,
    MR_SELECT_LIMIT,
    MR_SELECT_OFFSET,
    MR_SELECT_DISTINCT_ON,
    MR_SELECT_CORRELATE,
    MR_SELECT_PARTS
};
enum {
    MR_DML_TABLE,
    MR_DML_COLUMNS,
    MR_DML_VALUES,
    MR_DML_SELECT,
    MR_DML_WHERE,
    MR_DML_RETURNING,
    MR_DML_CONFLICT_TARGET,
    MR_DML_CONFLICT_INDEX_WHERE,
    MR_DML_CONFLICT_COLUMNS,
    MR_DML_CONFLICT_VALUES,
    MR_DML_CONFLICT_WHERE,
    MR_DML_PARTS
};

/* The tree with other BIND and BINDS nodes: replace gives a new reference, or NULL when it failed. NULL then. */
mr_node *mr_node_replace_binds(mr_node *node, mr_node *(*replace)(void *ud, const mr_node *node), void *ud);

/* All children that child[] holds: clauses count, which n leaves out. */
static inline uint32_t mr_node_parts(const mr_node *node) {
    switch (node->kind) {
    case MR_NODE_SELECT:
        return MR_SELECT_PARTS;
    case MR_NODE_COMPOUND:
        return node->n + MR_SELECT_PARTS;
    case MR_NODE_INSERT:
    case MR_NODE_UPDATE:
    case MR_NODE_DELETE:
        return MR_DML_PARTS;
    default:
        return node->n;
    }
}

static inline bool mr_node_is(const mr_node *node, mr_node_kind kind) { return node && node->kind == kind; }
static inline bool mr_node_is_query(const mr_node *node) {
    return mr_node_is(node, MR_NODE_SELECT) || mr_node_is(node, MR_NODE_COMPOUND);
}
static inline bool mr_node_is_dml(const mr_node *node) {
    return node->kind >= MR_NODE_INSERT && node->kind <= MR_NODE_DELETE;
}
/* An unnamed BIND of SQL NULL. */
static inline bool mr_node_is_null(const mr_node *node) {
    return mr_node_is(node, MR_NODE_BIND) && !node->name && node->u.value.kind == MR_NULL;
}

/* A node with n children, whose references it takes over, also when it fails; NULL when one of them
 * is NULL. type may be NULL for what is no expression. */
mr_node *mr_node_new(mr_env *env, mr_node_kind kind, mr_op op, const mr_type *type, mr_node *const *children,
                     uint32_t n);
/* The same, where children may be NULL, with extra bytes behind them (returned zeroed by *extra). */
mr_node *mr_node_new_sparse(mr_env *env, mr_node_kind kind, mr_op op, const mr_type *type, mr_node *const *children,
                            uint32_t n, size_t size, void **extra);
/* Sets node->name to the interned name; releases the node and returns NULL without memory. NULL passes. */
mr_node *mr_node_named(mr_node *node, const char *name);
void mr_nodes_release(mr_node *const *nodes, size_t n);

/* A LIST with the items behind those of list (or NULL), flattening nothing. Consumes list and items.
 * Amortised constant time per item: lists that grew from one another share their items. */
mr_node *mr_list_append(mr_env *env, mr_op op, const mr_type *type, mr_node *list, mr_node *const *items, size_t n);

/* Rebuilds a node around other children (as many as mr_node_parts), whose references it takes over. */
mr_node *mr_node_with_parts(const mr_node *node, mr_node *const *parts);

#endif

/*
 * node.h: making nodes and looking into them, for the files of src/sql only.
 *
 * Invariant: the functions that make nodes consume the children, also when they fail, and return one reference.
 */
#ifndef MOONROW_SQL_NODE_H
#define MOONROW_SQL_NODE_H

#include <moonrow/sql.h>

/* Limits of an expression's depth, which limits recursion, and of its number of nodes, which limits the SQL. */
enum { MR_NODE_MAX_DEPTH = 500, MR_NODE_MAX_WEIGHT = 4 * 1024 * 1024 };

/* The indexes in child[] of the clauses of a SELECT (of a COMPOUND: behind its n SELECTs) and of a DML statement, in
 * the order of mr_select and mr_dml. */
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
    MR_SELECT_WITH,
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
    MR_DML_OTHERS,
    MR_DML_WITH,
    MR_DML_PARTS
};

/* A copy of the tree in which replace(ud, node) takes the place of each BIND and BINDS: a new reference, or NULL on
 * failure. Consumes nothing. One reference. */
mr_node *mr_node_replace_binds(mr_node *node, mr_node *(*replace)(void *ud, const mr_node *node), void *ud);

/* whole_list.c: may the values of a list be sent as one text? */
bool mr_list_can_be_whole(const mr_value *values, size_t n);
/* *out: all values of the BINDS in one text, which the BINDS owns. */
mr_status mr_whole_list_value(mr_env *env, const mr_node *binds, mr_whole whole, mr_value *out);

/* The number of entries in child[], clauses included (n does not count these). */
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
    case MR_NODE_COLUMN:
        return node->n + (node->flags & MR_NODE_PART ? 1 : 0);
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
/* Is it a BIND, without a name, of SQL NULL? */
static inline bool mr_node_is_null(const mr_node *node) {
    return mr_node_is(node, MR_NODE_BIND) && !node->name && node->u.value.kind == MR_NULL;
}

/* A new node with n children. NULL when one of them is NULL. type NULL: the unknown type. */
mr_node *mr_node_new(mr_env *env, mr_node_kind kind, mr_op op, const mr_type *type, mr_node *const *children,
                     uint32_t n);
/* The same, but children may be NULL. *extra receives size bytes, filled with zeros, in the node's block; extra may be
 * NULL. */
mr_node *mr_node_new_sparse(mr_env *env, mr_node_kind kind, mr_op op, const mr_type *type, mr_node *const *children,
                            uint32_t n, size_t size, void **extra);
/* Interns name, sets node->name and returns node. Without memory it releases the node and returns NULL. node may be
 * NULL.
 */
mr_node *mr_node_named(mr_node *node, const char *name);
/* Releases n nodes; each may be NULL. */
void mr_nodes_release(mr_node *const *nodes, size_t n);

/* A LIST of the items of list (NULL: none) and n items more; nothing is flattened. Takes constant time for each item on
 * average, because lists that were made from each other share their items. */
mr_node *mr_list_append(mr_env *env, mr_op op, const mr_type *type, mr_node *list, mr_node *const *items, size_t n);

/* A copy of the node with other children: as many as mr_node_parts says. */
mr_node *mr_node_with_parts(const mr_node *node, mr_node *const *parts);

/* The type of an expression that gives a value of either type: the first one that is known, but rather one with a form
 * of storage; of an integer and a decimal, the decimal; of decimals with different digits, of a decimal that is stored
 * as a number beside any other number, and of a float and a decimal, one with any. first may be NULL. */
static inline const mr_type *mr_type_of_both(const mr_type *first, const mr_type *then) {
    if (!first || !mr_type_is_known(first)) return mr_type_is_known(then) ? then : first;
    const bool counted = first->rules->sql_read || then->rules->sql_read;
    if (counted && mr_type_is_number(first) && mr_type_is_number(then) &&
        (first->rules != then->rules || first->scale != then->scale))
        return mr_type_simple(MR_TYPE_NUMERIC);
    if (!mr_type_is_decimal(then)) return !mr_type_stores(first) && mr_type_stores(then) ? then : first;
    if (mr_type_is_integer(first)) return then;
    if (mr_type_is_float(first)) return mr_type_simple(MR_TYPE_NUMERIC);
    bool alike = first->rules == then->rules && first->scale == then->scale;
    return mr_type_is_decimal(first) && !alike ? mr_type_simple(MR_TYPE_NUMERIC) : first;
}

/* The same where the second value is that of the node: an integer that the program gives takes the decimal's form. */
static inline const mr_type *mr_type_beside(const mr_type *first, const mr_node *then) {
    const bool integer = then->kind == MR_NODE_BIND && mr_type_is_integer(then->type);
    return integer && first && mr_type_is_decimal(first) ? first : mr_type_of_both(first, then->type);
}

#endif

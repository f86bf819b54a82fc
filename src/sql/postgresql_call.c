/*
 * postgresql_call.c: calls of functions that PostgreSQL has by another name, or does not have.
 *
 * Invariant: a call means what it means in SQLite, or is refused. A function that is not known here is called by its
 * own name.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <string.h>

static bool is_named(const mr_node *call, const char *name) { return strcmp(call->name, name) == 0; }

/* SQLite's group_concat takes any values, and a comma where no separator is said. */
static bool compile_string_agg(mr_compiler *c, const mr_node *node) {
    bool sole = is_named(node, "string_agg") && node->n == 1;
    if (!sole && !is_named(node, "group_concat") && !is_named(node, "aggregate_strings")) return false;
    if (node->n < 1 || node->n > 2) return false;
    const mr_node *x = node->child[0], *value = x->kind == MR_NODE_UNARY && x->op == MR_OP_DISTINCT ? x->child[0] : x;
    const mr_node *order = mr_take_enclosed(c);
    bool text = value->type && mr_type_is_string(value->type);
    bool distinct = (node->flags & MR_NODE_DISTINCT) || value != x;
    mr_emit(c, distinct ? "string_agg(DISTINCT " : "string_agg(");
    if (!text) mr_emit(c, "CAST(");
    mr_postgresql_number(c, value, MR_OP_NONE);
    if (!text) mr_emit(c, " AS TEXT)");
    mr_emit(c, ", ");
    if (node->n > 1) mr_compile(c, node->child[1]);
    else mr_emit(c, "','");
    mr_emit_enclosed(c, order);
    mr_emit(c, ")");
    return true;
}

/* PostgreSQL adds up no booleans, and has other names for the largest and the smallest of them. */
static bool compile_truths(mr_compiler *c, const mr_node *node) {
    if (node->n != 1) return false;
    const mr_node *x = node->child[0], *value = x->kind == MR_NODE_UNARY && x->op == MR_OP_DISTINCT ? x->child[0] : x;
    const mr_type *type = value->type ? mr_typed(c, value) : NULL;
    const bool counts = is_named(node, "sum") || is_named(node, "avg"), max = is_named(node, "max");
    if (!type || !mr_type_is_boolean(type) || (!counts && !max && !is_named(node, "min"))) return false;
    if (!counts && mr_is_spelled_boolean(c, value)) return false; /* words have an order */
    const bool distinct = (node->flags & MR_NODE_DISTINCT) || value != x;
    mr_emit(c, counts ? node->name : max ? "bool_or" : "bool_and");
    mr_emit(c, distinct ? "(DISTINCT " : "(");
    if (counts) mr_emit(c, "CAST(");
    mr_compile_condition(c, value, MR_OP_NONE);
    mr_emit(c, counts ? " AS INTEGER))" : ")");
    return true;
}

/* SQLite's max(a, b) is NULL if a value is, which PostgreSQL's greatest is not. */
static bool refuse_extreme(mr_compiler *c, const mr_node *node) {
    const bool max = is_named(node, "max");
    if (node->n < 2 || (!max && !is_named(node, "min"))) return false;
    mr_compile_fail(c,
                    "%s of several values: postgresql has it of the rows of one: mr.func.%s(...) is the %s of those "
                    "that are not NULL, on every database",
                    node->name, max ? "greatest" : "least", max ? "greatest" : "least");
    return true;
}

/* The same with the same arguments. */
static bool compile_renamed(mr_compiler *c, const mr_node *node) {
    const char *name = is_named(node, "ifnull")          ? "coalesce("
                       : is_named(node, "grouping_sets") ? "GROUPING SETS("
                                                         : NULL;
    if (!name || node->n == 0) return false;
    mr_emit(c, name);
    mr_compile_items(c, node);
    mr_emit(c, ")");
    return true;
}

bool mr_postgresql_call(mr_compiler *c, const mr_node *node) {
    return compile_string_agg(c, node) || compile_truths(c, node) || refuse_extreme(c, node) ||
           compile_renamed(c, node);
}

/*
 * sqlite_call.c: calls of functions that SQLite has by another name, or does not have.
 *
 * Invariant: a call means what it means in PostgreSQL. A function that is not known here is called by its own name, so
 * that the program may bring it (engine:create_function).
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <string.h>

static bool is_named(const mr_node *call, const char *name) { return strcmp(call->name, name) == 0; }

/* What has no arguments. */
static bool compile_constant(mr_compiler *c, const mr_node *node) {
    static const struct {
        const char *name, *sql;
    } rows[] = {
        {"now", "CURRENT_TIMESTAMP"},
        {"localtime", "time(CURRENT_TIMESTAMP, 'localtime')"},
        {"localtimestamp", "datetime(CURRENT_TIMESTAMP, 'localtime')"},
        /* Words of SQL elsewhere; here they would be names of columns. */
        {"current_user", "current_user()"},
        {"session_user", "session_user()"},
        {"user", "user()"},
    };
    for (size_t i = 0; node->n == 0 && i < sizeof rows / sizeof *rows; i++) {
        if (!is_named(node, rows[i].name)) continue;
        mr_emit(c, rows[i].sql);
        return true;
    }
    return false;
}

/* Writes x without a comma in it: ~ as ~0, and a comma as ~1. Texts that differ stay different. */
static void compile_escaped(mr_compiler *c, const mr_node *x) {
    mr_emit(c, "replace(replace(");
    mr_compile_operand(c, x, MR_OP_COMMA);
    mr_emit(c, ", '~', '~0'), ',', '~1')");
}

/* A call loses the collation of what it is given, by which DISTINCT compares. */
static void emit_collation(mr_compiler *c, const mr_node *x) {
    const char *name = x->kind == MR_NODE_COLLATE ? x->name : x->kind == MR_NODE_COLUMN ? x->u.column->collation : NULL;
    if (!name) return;
    mr_emit(c, " COLLATE ");
    mr_emit_name(c, name);
}

/* group_concat(DISTINCT x, separator): SQLite takes one argument beside DISTINCT. So texts without a comma are joined
 * by commas, in whose place the separator comes. condition: of a FILTER, or NULL. */
static bool compile_distinct_agg(mr_compiler *c, const mr_node *node, const mr_node *condition) {
    const mr_node *x = node->n == 2 ? node->child[0] : NULL, *separator = x ? node->child[1] : NULL;
    const uint32_t start = c->ordinal;
    if (!is_named(node, "string_agg") && !is_named(node, "aggregate_strings") && !is_named(node, "group_concat"))
        return false;
    if (!x || separator->kind != MR_NODE_BIND) return false;
    const bool wrapped = x->kind == MR_NODE_UNARY && x->op == MR_OP_DISTINCT;
    if (!wrapped && !(node->flags & MR_NODE_DISTINCT)) return false;
    if (wrapped) x = x->child[0];
    if (mr_typed(c, x)->scale < 0 && mr_sorts_by_decimal(c, x)) return false; /* equal ones may be different texts */
    mr_emit(c, "replace(replace(replace(group_concat(DISTINCT ");
    compile_escaped(c, x);
    emit_collation(c, x);
    mr_emit(c, ")");
    if (condition) {
        mr_emit(c, " FILTER (WHERE ");
        c->ordinal = start + node->binds;
        mr_compile_condition(c, condition, MR_OP_NONE);
        mr_emit(c, ")");
    }
    mr_emit(c, ", ',', ");
    mr_seek(c, node, start, 1);
    compile_escaped(c, separator);
    mr_emit(c, "), '~1', ','), '~0', '~')");
    return true;
}

bool mr_sqlite_filter(mr_compiler *c, const mr_node *filter) {
    const mr_node *call = filter->child[0];
    return call->kind == MR_NODE_FUNC && compile_distinct_agg(c, call, filter->child[1]);
}

/* string_agg came with 3.44, and group_concat is the same. SQLite puts a comma where no separator is said. */
static bool compile_string_agg(mr_compiler *c, const mr_node *node) {
    if (!is_named(node, "string_agg") && !is_named(node, "aggregate_strings")) return false;
    if (node->n < 1 || node->n > 2) return false;
    mr_emit(c, node->flags & MR_NODE_DISTINCT ? "group_concat(DISTINCT " : "group_concat(");
    for (uint32_t i = 0; i < node->n; i++) {
        if (i) mr_emit(c, ", ");
        c->distinct = i ? NULL : node->child[i];
        mr_compile_operand(c, node->child[i], MR_OP_COMMA);
    }
    mr_emit(c, ")");
    return true;
}

/* One of the values of which greatest and least choose. */
static void compile_choice(mr_compiler *c, const mr_node *node, const mr_node *x, const mr_node *formed) {
    if (mr_type_is_decimal(mr_typed(c, node))) mr_compile_candidate(c, node, x);
    else mr_compile_among(c, x, formed, MR_OP_COMMA);
}

/* SQLite's max and min of several values are NULL if one is; PostgreSQL's greatest and least pass over NULL. So each
 * value has the others in its place where it is NULL: max(coalesce(a, b), coalesce(b, a)). */
static bool compile_extreme(mr_compiler *c, const mr_node *node) {
    const bool greatest = is_named(node, "greatest");
    if (node->n == 0 || (!greatest && !is_named(node, "least"))) return false;
    const uint32_t start = c->ordinal, n = node->n;
    const mr_node *formed = mr_formed(c, node->child, n, 1);
    for (uint32_t i = 0; i < n; i++) mr_check_sorted(c, node->child[i]);
    mr_emit(c, n < 2 ? "(" : greatest ? "max(" : "min(");
    for (uint32_t i = 0; i < n; i++) {
        if (i) mr_emit(c, ", ");
        if (n > 1) mr_emit(c, "coalesce(");
        for (uint32_t k = 0; k < n; k++) {
            if (k) mr_emit(c, ", ");
            mr_seek(c, node, start, (i + k) % n);
            compile_choice(c, node, node->child[(i + k) % n], formed);
        }
        if (n > 1) mr_emit(c, ")");
        if (i == 0 && mr_type_is_decimal(mr_typed(c, node)) && !c->lasting) mr_emit(c, " COLLATE decimal");
    }
    mr_emit(c, ")");
    mr_seek(c, node, start, n);
    return true;
}

/* The values from first on as one text; NULL is an empty one. before: what stands before each value that is not NULL.
 */
static void compile_joined(mr_compiler *c, const mr_node *node, uint32_t start, uint32_t first, const mr_node *before) {
    for (uint32_t i = first; i < node->n; i++) {
        mr_emit(c, i > first ? " || coalesce(" : "coalesce(");
        if (before) {
            mr_seek(c, node, start, 0);
            mr_compile_operand(c, before, MR_OP_CONCAT);
            mr_emit(c, " || ");
        }
        mr_seek(c, node, start, i);
        mr_compile_operand(c, node->child[i], before ? MR_AGAINST_ANY : MR_OP_COMMA);
        mr_emit(c, ", '')");
    }
}

/* concat and concat_ws came with 3.44. */
static bool compile_concat(mr_compiler *c, const mr_node *node) {
    const uint32_t start = c->ordinal;
    if (is_named(node, "concat") && node->n > 0) {
        mr_emit(c, "(");
        compile_joined(c, node, start, 0, NULL);
        mr_emit(c, node->n > 1 ? ")" : " || '')"); /* a text, even of one number */
    } else if (is_named(node, "concat_ws") && node->n > 1) {
        mr_emit(c, "substr(");
        compile_joined(c, node, start, 1, node->child[0]);
        mr_emit(c, ", length(");
        mr_seek(c, node, start, 0);
        mr_compile_operand(c, node->child[0], MR_OP_COMMA);
        mr_emit(c, ") + 1)");
    } else {
        return false;
    }
    mr_seek(c, node, start, node->n);
    return true;
}

static bool compile_length(mr_compiler *c, const mr_node *node) {
    const bool bytes = is_named(node, "octet_length") && node->n == 1;
    if (!bytes && !is_named(node, "char_length")) return false;
    mr_emit(c, bytes ? "length(CAST(" : "length(");
    mr_compile_items(c, node);
    mr_emit(c, bytes ? " AS BLOB))" : ")");
    return true;
}

/* SQLite's grammar has these words elsewhere: a function of this name can be called by a quoted name. */
static bool compile_quoted(mr_compiler *c, const mr_node *node) {
    if (!is_named(node, "left") && !is_named(node, "right")) return false;
    mr_emit_name(c, node->name);
    mr_emit(c, "(");
    mr_compile_items(c, node);
    mr_emit(c, ")");
    return true;
}

bool mr_sqlite_call(mr_compiler *c, const mr_node *node) {
    return compile_constant(c, node) || compile_distinct_agg(c, node, NULL) || compile_string_agg(c, node) ||
           compile_extreme(c, node) || compile_concat(c, node) || compile_length(c, node) || compile_quoted(c, node);
}

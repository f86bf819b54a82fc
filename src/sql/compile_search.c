/*
 * compile_search.c: the SQL of looking into values: JSON paths, regular expressions, full text search.
 *
 * Invariant: paths, expressions and words to search are parameters. Where a database has values of any type in one
 * column, a value of JSON is compared as it is; elsewhere it is cast to the type that is asked for.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <string.h>

/* ---------------------------------------------------------------- JSON */

/* What the value is cast to; NULL: it is taken as it is. */
static const char *cast_of(const mr_compiler *c, const mr_node *node) {
    const mr_type *type = mr_typed(c, node);
    bool operators = c->dialect->json_operators;
    if (!mr_type_is_known(type) || mr_type_is_json(type)) return NULL;
    if (node->flags & MR_NODE_NATURAL) {
        if (!operators) return NULL;
        return mr_type_is_boolean(type) ? "BOOLEAN" : mr_type_is_number(type) ? "NUMERIC" : NULL;
    }
    if (mr_type_is_boolean(type)) return operators ? "BOOLEAN" : NULL;
    if (mr_type_is_string(type)) return operators ? NULL : "TEXT";
    if (mr_type_is_integer(type)) return operators ? "BIGINT" : "INTEGER";
    if (mr_type_is_float(type)) return operators ? "DOUBLE PRECISION" : "REAL";
    return mr_type_is_number(type) ? "NUMERIC" : NULL;
}

/* x #>> path: a text; x #> path: JSON. A text is cast to JSON first, and an array is made JSON. */
static void compile_operators(mr_compiler *c, const mr_node *node, uint32_t start) {
    const mr_type *type = mr_typed(c, node->child[0]);
    bool is_array = mr_type_is_json(type) && type->item, is_json = mr_type_is_json(type) && !is_array;
    mr_emit(c, is_json ? "(" : is_array ? "(to_jsonb(" : "(CAST(");
    mr_compile_operand(c, node->child[0], is_json ? MR_AGAINST_ANY : MR_OP_NONE);
    if (!is_json) mr_emit(c, is_array ? ")" : " AS JSONB)");
    mr_emit(c, mr_type_is_json(mr_typed(c, node)) ? " #> " : " #>> ");
    mr_seek(c, node, start, 2);
    c->form = mr_type_simple(MR_TYPE_NULL); /* the path is an array of texts */
    mr_compile(c, node->child[2]);
    c->form = NULL;
    mr_emit(c, ")");
}

static void call_with_path(mr_compiler *c, const mr_node *node, uint32_t start, const char *function) {
    mr_seek(c, node, start, 0);
    mr_emit(c, function);
    mr_compile_operand(c, node->child[0], MR_OP_COMMA);
    mr_emit(c, ", ");
    mr_seek(c, node, start, 1);
    mr_compile(c, node->child[1]);
    mr_emit(c, ")");
}

/* As JSON, nothing is NULL, and null is 'null'. */
static void compile_extract(mr_compiler *c, const mr_node *node, uint32_t start) {
    bool json = mr_type_is_json(mr_typed(c, node));
    if (json) {
        mr_emit(c, "CASE WHEN ");
        call_with_path(c, node, start, "json_type(");
        mr_emit(c, " IS NOT NULL THEN ");
        mr_emit(c, "json_quote(");
    }
    call_with_path(c, node, start, "json_extract(");
    if (json) mr_emit(c, ") END");
}

void mr_compile_json_at(mr_compiler *c, const mr_node *node) {
    const char *cast = cast_of(c, node);
    uint32_t start = c->ordinal;
    if (cast) mr_emit(c, "CAST(");
    if (c->dialect->json_operators) compile_operators(c, node, start);
    else compile_extract(c, node, start);
    if (!cast) return;
    mr_emit(c, " AS ");
    mr_emit(c, cast);
    mr_emit(c, ")");
}

/* ---------------------------------------------------------------- regular expressions */

/* The flags as they stand at the beginning of an expression. The expressions of our function for SQLite have other
 * letters for "lines count". */
static void emit_flags(mr_compiler *c, const char *flags) {
    mr_emit(c, "'(?");
    for (; *flags; flags++) {
        char letter[2] = {*flags, '\0'};
        mr_emit(c, letter);
    }
    mr_emit(c, ")' || ");
}

static void compile_regexp(mr_compiler *c, const mr_node *node) {
    bool negated = node->op == MR_OP_NOT_REGEXP;
    const char *flags = node->n > 2 ? node->child[2]->name : "";
    bool any_case = c->dialect->regexp_operators && strcmp(flags, "i") == 0;
    mr_compile_operand(c, node->child[0], MR_AGAINST_ANY);
    if (c->dialect->regexp_operators) mr_emit(c, negated ? " !~" : " ~");
    else mr_emit(c, negated ? " NOT REGEXP " : " REGEXP ");
    if (c->dialect->regexp_operators) mr_emit(c, any_case ? "* " : " ");
    bool inside = *flags && !any_case;
    if (inside) mr_emit(c, "(");
    if (inside) emit_flags(c, flags);
    mr_compile_operand(c, node->child[1], MR_AGAINST_ANY);
    if (inside) mr_emit(c, ")");
}

/* ---------------------------------------------------------------- full text search */

static void compile_match(mr_compiler *c, const mr_node *node) {
    bool negated = node->op == MR_OP_NOT_MATCH;
    if (negated) mr_emit(c, "NOT (");
    mr_compile_operand(c, node->child[0], MR_AGAINST_ANY);
    mr_emit(c, c->dialect->text_search ? " @@ plainto_tsquery(" : " MATCH ");
    mr_compile_operand(c, node->child[1], c->dialect->text_search ? MR_OP_NONE : MR_AGAINST_ANY);
    if (c->dialect->text_search) mr_emit(c, ")");
    if (negated) mr_emit(c, ")");
}

void mr_compile_search(mr_compiler *c, const mr_node *node) {
    if (node->op == MR_OP_REGEXP || node->op == MR_OP_NOT_REGEXP) compile_regexp(c, node);
    else compile_match(c, node);
}

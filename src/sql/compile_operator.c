/*
 * compile_operator.c: the SQL of operators, with parentheses only where their precedence requires them.
 *
 * Invariant: each database that has a dialect parses the text to the same tree from which it was written.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <string.h>

typedef struct op_spelling {
    const char *sql;
    int precedence; /* higher binds tighter */
} op_spelling;

static const op_spelling spelling[MR_OP_CUSTOM + 1] = {
    [MR_OP_NONE] = {"", -2},
    [MR_OP_EQ] = {" = ", 5},
    [MR_OP_NE] = {" != ", 5},
    [MR_OP_LT] = {" < ", 5},
    [MR_OP_LE] = {" <= ", 5},
    [MR_OP_GT] = {" > ", 5},
    [MR_OP_GE] = {" >= ", 5},
    [MR_OP_IS] = {" IS ", 5},
    [MR_OP_IS_NOT] = {" IS NOT ", 5},
    [MR_OP_IS_DISTINCT] = {" IS DISTINCT FROM ", 5},
    [MR_OP_IS_NOT_DISTINCT] = {" IS NOT DISTINCT FROM ", 5},
    [MR_OP_IN] = {" IN ", 5},
    [MR_OP_NOT_IN] = {" NOT IN ", 5},
    [MR_OP_LIKE] = {" LIKE ", 5},
    [MR_OP_NOT_LIKE] = {" NOT LIKE ", 5},
    [MR_OP_ILIKE] = {" ILIKE ", 5},
    [MR_OP_NOT_ILIKE] = {" NOT ILIKE ", 5},
    [MR_OP_ADD] = {" + ", 7},
    [MR_OP_SUB] = {" - ", 7},
    [MR_OP_MUL] = {" * ", 8},
    [MR_OP_DIV] = {" / ", 8},
    [MR_OP_MOD] = {" % ", 8},
    [MR_OP_CONCAT] = {" || ", 6},
    [MR_OP_BIT_AND] = {" & ", 7},
    [MR_OP_BIT_OR] = {" | ", 7},
    [MR_OP_BIT_XOR] = {" ^ ", 7},
    [MR_OP_SHIFT_LEFT] = {" << ", 7},
    [MR_OP_SHIFT_RIGHT] = {" >> ", 7},
    [MR_OP_NEG] = {"-", 8},
    [MR_OP_BIT_NOT] = {"~", 8},
    [MR_OP_NOT] = {"NOT ", 5},
    [MR_OP_ASC] = {" ASC", 3},
    [MR_OP_DESC] = {" DESC", 3},
    [MR_OP_NULLS_FIRST] = {" NULLS FIRST", 3},
    [MR_OP_NULLS_LAST] = {" NULLS LAST", 3},
    [MR_OP_DISTINCT] = {"DISTINCT ", 5},
    [MR_OP_AND] = {" AND ", 3},
    [MR_OP_OR] = {" OR ", 2},
    [MR_OP_COMMA] = {", ", -1},
    [MR_OP_REGEXP] = {" REGEXP ", 5},
    [MR_OP_NOT_REGEXP] = {" NOT REGEXP ", 5},
    [MR_OP_MATCH] = {" MATCH ", 5},
    [MR_OP_NOT_MATCH] = {" MATCH ", 5},
    [MR_OP_CUSTOM] = {" ", 0},
};

/* COLLATE and EXISTS have a precedence like operators, but they are kinds of nodes. */
enum { COLLATE_PRECEDENCE = 4, EXISTS_PRECEDENCE = 0 };
#define OP_COLLATE ((mr_op)254)
#define OP_EXISTS  ((mr_op)253)

int mr_precedence(mr_op op) {
    if (op == OP_COLLATE) return COLLATE_PRECEDENCE;
    if (op == OP_EXISTS) return EXISTS_PRECEDENCE;
    return (unsigned)op <= MR_OP_CUSTOM ? spelling[op].precedence : 100;
}

mr_op mr_operator_of(const mr_node *node) {
    switch (node->kind) {
    case MR_NODE_UNARY:
    case MR_NODE_BINARY:
    case MR_NODE_LIST:
        return (mr_op)node->op;
    case MR_NODE_BETWEEN:
        return MR_OP_IN; /* has the precedence of a comparison */
    case MR_NODE_COLLATE:
        return OP_COLLATE;
    case MR_NODE_EXISTS:
        return OP_EXISTS;
    default:
        return MR_OP_NONE;
    }
}

/* ---------------------------------------------------------------- unary */

static bool is_suffix(mr_op op) { return op >= MR_OP_ASC && op <= MR_OP_NULLS_LAST; }

/* Writes "the boolean column is false": with NOT in a database with booleans, as a comparison with 0 in others. */
static bool compile_false_column(mr_compiler *c, const mr_node *operand) {
    bool spelled = mr_is_spelled_boolean(c, operand);
    bool column = operand->kind == MR_NODE_COLUMN && mr_type_is_boolean(mr_typed(c, operand));
    bool words = spelled && mr_typed(c, operand)->forms;
    if ((c->dialect->true_literals && !words) || (!spelled && !column)) return false;
    mr_compile_operand(c, operand, MR_OP_IN);
    mr_emit(c, spelled ? mr_boolean_words(c, operand, false) : " = 0");
    return true;
}

bool mr_is_order(const mr_node *node) { return node->kind == MR_NODE_UNARY && is_suffix((mr_op)node->op); }

const char *mr_order_words(const mr_node *order) { return spelling[order->op].sql; }

void mr_compile_ordered(mr_compiler *c, const mr_node *term) {
    if (!mr_is_order(term)) {
        mr_compile(c, term);
        if (mr_sorts_by_decimal(c, term)) mr_emit(c, " COLLATE decimal");
        return;
    }
    const mr_node *inner = term->child[0];
    if (mr_is_order(inner)) {
        mr_compile_ordered(c, inner);
    } else {
        mr_compile_operand(c, inner, (mr_op)term->op);
        if (mr_sorts_by_decimal(c, inner)) mr_emit(c, " COLLATE decimal");
    }
    mr_emit(c, mr_order_words(term));
}

/* An order, or DISTINCT, in the middle of an expression. */
static void fail_misplaced(mr_compiler *c, mr_op op) {
    static const char *const methods[] = {"asc", "desc", "nulls_first", "nulls_last"};
    if (op == MR_OP_DISTINCT)
        mr_compile_fail(c, "distinct() is for the first argument of a function, as in mr.func.count(x:distinct()), and "
                           "for the first column of a query; rows that differ are query:distinct()");
    else
        mr_compile_fail(c,
                        "%s() makes an order, and stands last in an item of order_by, of over{ order_by = ... } or of "
                        "within_group; it is no value",
                        methods[op - MR_OP_ASC]);
}

static void compile_unary(mr_compiler *c, const mr_node *node) {
    mr_op op = (mr_op)node->op;
    const mr_node *operand = node->child[0];
    if (is_suffix(op) || (op == MR_OP_DISTINCT && node != c->distinct)) {
        fail_misplaced(c, op);
        return;
    }
    if (op == MR_OP_DISTINCT) c->distinct = NULL;
    if (op == MR_OP_NOT && compile_false_column(c, operand)) return;
    mr_emit(c, spelling[op].sql);
    if (op == MR_OP_DISTINCT) mr_compile_operand(c, operand, MR_OP_COMMA);
    else mr_compile_operand(c, operand, op);
}

/* ---------------------------------------------------------------- binary */

/* Without ESCAPE a backslash is a character like any other, as in SQLite. */
static void compile_like_escape(mr_compiler *c, const mr_node *node) {
    bool like =
        node->op == MR_OP_LIKE || node->op == MR_OP_NOT_LIKE || node->op == MR_OP_ILIKE || node->op == MR_OP_NOT_ILIKE;
    if (node->n < 3 && like && c->dialect->backslash_escapes && (node->flags & MR_NODE_BACKSLASH))
        mr_emit(c, " ESCAPE ''");
    if (node->n < 3) return;
    mr_emit(c, " ESCAPE ");
    mr_compile(c, node->child[2]);
}

static void compile_lower(mr_compiler *c, const mr_node *x) {
    mr_emit(c, "lower(");
    mr_compile(c, x);
    mr_emit(c, ")");
}

static void compile_ilike(mr_compiler *c, const mr_node *node) {
    compile_lower(c, node->child[0]);
    mr_emit(c, spelling[node->op == MR_OP_ILIKE ? MR_OP_LIKE : MR_OP_NOT_LIKE].sql);
    compile_lower(c, node->child[1]);
    compile_like_escape(c, node);
}

void mr_compile_empty(mr_compiler *c, uint32_t width) {
    mr_emit(c, "SELECT 1");
    for (uint32_t i = 1; i < width; i++) mr_emit(c, ", 1");
    mr_emit(c, " FROM (SELECT 1");
    for (uint32_t i = 1; i < width; i++) mr_emit(c, ", 1");
    mr_emit(c, ") WHERE 1!=1");
}

uint32_t mr_in_width(const mr_node *in) { return in->child[0]->kind == MR_NODE_TUPLE ? in->child[0]->n : 1; }

/* Fails when a query is compared with fewer or more values than it has columns. */
static void check_width(mr_compiler *c, const mr_node *side, const mr_node *other) {
    uint32_t wide = side->kind == MR_NODE_SUBQUERY ? mr_query_width(side->child[0]) : 0;
    uint32_t wanted = other->kind == MR_NODE_SUBQUERY ? mr_query_width(other->child[0])
                      : other->kind == MR_NODE_TUPLE  ? other->n
                                                      : 1;
    if (wide == 0 || wanted == 0 || wide == wanted) return;
    mr_compile_fail(c,
                    "a query that gives %u column%s is compared with %u value%s: say by with_only_columns(...) what is "
                    "compared (several values are one side by mr.tuple_)",
                    (unsigned)wide, wide == 1 ? "" : "s", (unsigned)wanted, wanted == 1 ? "" : "s");
}

/* Writes the right side of IN: values, a subquery, or a list of expressions. */
static void compile_in(mr_compiler *c, const mr_node *node) {
    const mr_node *left = node->child[0], *right = node->child[1];
    bool negated = node->op == MR_OP_NOT_IN;
    check_width(c, right, left);
    if (negated) mr_emit(c, "(");
    mr_compile_operand(c, node->child[0], (mr_op)node->op);
    mr_emit(c, mr_decimal_collation(c, node));
    mr_emit(c, spelling[node->op].sql);
    if (right->kind == MR_NODE_BINDS && right->u.list.n == 0) {
        mr_emit(c, "(");
        mr_compile_empty(c, mr_in_width(node));
        mr_emit(c, ")");
    } else if (right->kind == MR_NODE_BINDS || right->kind == MR_NODE_SUBQUERY ||
               (right->kind == MR_NODE_BIND && right->flags & MR_NODE_EXPANDING)) {
        c->form = mr_form_for(c, right, left);
        mr_compile(c, right);
        c->form = NULL;
    } else if (right->kind == MR_NODE_LIST && right->op == MR_OP_COMMA) {
        mr_emit(c, "(");
        for (uint32_t i = 0; i < right->n; i++) {
            if (i) mr_emit(c, ", ");
            mr_compile_compared(c, right->child[i], left, MR_OP_COMMA);
        }
        mr_emit(c, ")");
    } else {
        mr_emit(c, "(");
        mr_compile(c, right);
        mr_emit(c, ")");
    }
    if (negated) mr_emit(c, ")");
}

/* Databases give these operators different precedences. So their operands get parentheses in any case. */
static mr_op operand_against(const mr_node *operand, mr_op op) {
    if (op == MR_OP_CUSTOM) return MR_AGAINST_ANY;
    mr_op inner = mr_operator_of(operand);
    return op == MR_OP_CONCAT && inner != MR_OP_CONCAT ? MR_AGAINST_ANY : op;
}

static bool is_comparison(mr_op op) {
    switch (op) {
    case MR_OP_EQ:
    case MR_OP_NE:
    case MR_OP_LT:
    case MR_OP_LE:
    case MR_OP_GT:
    case MR_OP_GE:
    case MR_OP_IS:
    case MR_OP_IS_NOT:
    case MR_OP_IS_DISTINCT:
    case MR_OP_IS_NOT_DISTINCT:
        return true;
    default:
        return false;
    }
}

/* Writes a tuple that is compared with another one: each part in the form, or by the order, of its counterpart. */
static void compile_tuple_side(mr_compiler *c, const mr_node *tuple, const mr_node *other) {
    mr_emit(c, "(");
    for (uint32_t i = 0; i < tuple->n; i++) {
        const mr_node *part = tuple->child[i];
        if (i) mr_emit(c, ", ");
        mr_compile_compared(c, part, other->child[i], MR_OP_COMMA);
        if (mr_sorts_by_decimal(c, part) &&
            (mr_typed(c, part)->scale < 0 || mr_typed(c, part)->scale != mr_typed(c, other->child[i])->scale))
            mr_emit(c, " COLLATE decimal");
    }
    mr_emit(c, ")");
}

/* A database parses a chain one level deeper for each item, and limits that depth (SQLite: 1000). So long chains are
 * written in groups of this many items; a || b, which has two sides, where both are so large. */
enum { GROUP = 256 };

static void compile_side(mr_compiler *c, const mr_node *node, uint32_t i) {
    const mr_node *operand = node->child[i], *other = node->child[1 - i];
    if (is_comparison((mr_op)node->op)) check_width(c, operand, other);
    if (is_comparison((mr_op)node->op) && operand->kind == MR_NODE_TUPLE && other->kind == MR_NODE_TUPLE &&
        operand->n == other->n) {
        compile_tuple_side(c, operand, other);
        return;
    }
    mr_op against = operand_against(operand, (mr_op)node->op);
    bool halves = node->op == MR_OP_CONCAT && i == 1 && other->weight > GROUP && operand->weight > GROUP;
    /* a + (b + c) is another number than a + b + c: floats lose digits, and integers pass their limits. */
    bool summed =
        (node->op == MR_OP_ADD || node->op == MR_OP_MUL) && mr_operator_of(mr_unlabelled(operand)) == node->op;
    if (halves || (summed && i == 1)) against = MR_AGAINST_ANY;
    if (is_comparison((mr_op)node->op)) mr_compile_compared(c, operand, node->child[1 - i], against);
    else if (node->op >= MR_OP_ADD && node->op <= MR_OP_MOD) mr_compile_factor(c, operand, against);
    else mr_compile_operand(c, operand, against);
}

static bool is_truth_or_null(const char *sql) {
    return strcmp(sql, "NULL") == 0 || strcmp(sql, "true") == 0 || strcmp(sql, "false") == 0;
}

/* IS compares with NULL, true and false alone where there is IS DISTINCT FROM, and with any value where there is not.
 */
static mr_op spoken(const mr_compiler *c, const mr_node *node) {
    mr_op op = (mr_op)node->op;
    const mr_node *right = mr_unlabelled(node->child[1]);
    bool word = right->kind == MR_NODE_LITERAL_SQL && is_truth_or_null(right->name);
    if (op == MR_OP_IS_DISTINCT && !c->dialect->distinct_from) return MR_OP_IS_NOT;
    if (op == MR_OP_IS_NOT_DISTINCT && !c->dialect->distinct_from) return MR_OP_IS;
    if (op == MR_OP_IS && c->dialect->distinct_from && !word) return MR_OP_IS_NOT_DISTINCT;
    return op == MR_OP_IS_NOT && c->dialect->distinct_from && !word ? MR_OP_IS_DISTINCT : op;
}

/* A whole document has no order in any database: PostgreSQL's order of jsonb is by its length first. */
static void check_documents(mr_compiler *c, const mr_node *node) {
    for (uint32_t i = 0; i < node->n; i++) {
        const mr_type *type = node->child[i]->type ? mr_typed(c, node->child[i]) : NULL;
        if (type && mr_type_is_json(type)) mr_check_order(c, type);
    }
}

static void check_texts(mr_compiler *c, const mr_node *node, mr_op op) {
    if (op == MR_OP_CONCAT || (op >= MR_OP_LIKE && op <= MR_OP_NOT_ILIKE)) mr_check_spoken(c, node->child[0]);
    if (op == MR_OP_CONCAT) mr_check_spoken(c, node->child[1]);
}

static void compile_binary(mr_compiler *c, const mr_node *node) {
    mr_op op = (mr_op)node->op;
    check_texts(c, node, op);
    if (op >= MR_OP_LT && op <= MR_OP_GE) check_documents(c, node);
    bool listed = op == MR_OP_IN || op == MR_OP_NOT_IN;
    if (is_comparison(op) || listed) mr_check_forms(c, node->child[0], node->child[1]);
    const char *collation = mr_decimal_collation(c, node);
    if (!*collation && mr_compile_spelled(c, node)) return;
    if (listed) {
        compile_in(c, node);
        return;
    }
    if (op >= MR_OP_REGEXP && op <= MR_OP_NOT_MATCH) {
        mr_compile_search(c, node);
        return;
    }
    if ((op == MR_OP_ILIKE || op == MR_OP_NOT_ILIKE) && !c->dialect->ilike) {
        compile_ilike(c, node);
        return;
    }
    compile_side(c, node, 0);
    mr_emit(c, collation);
    mr_emit(c, spelling[spoken(c, node)].sql);
    if (op == MR_OP_CUSTOM) {
        mr_emit(c, node->name);
        mr_emit(c, " ");
    }
    compile_side(c, node, 1);
    compile_like_escape(c, node);
}

static void compile_between(mr_compiler *c, const mr_node *node) {
    const mr_node *x = node->child[0];
    check_documents(c, node);
    mr_check_forms(c, x, node->child[1]);
    mr_check_forms(c, x, node->child[2]);
    const char *collation = mr_decimal_collation(c, node);
    if (!*collation && mr_compile_spelled(c, node)) return;
    mr_compile_compared(c, x, node->child[1], MR_OP_IN);
    mr_emit(c, collation);
    mr_emit(c, node->flags & MR_NODE_NEGATED ? " NOT BETWEEN " : " BETWEEN ");
    mr_compile_compared(c, node->child[1], x, MR_OP_AND);
    mr_emit(c, " AND ");
    mr_compile_compared(c, node->child[2], x, MR_OP_AND);
}

/* ---------------------------------------------------------------- lists */

static void compile_item(mr_compiler *c, const mr_node *item, mr_op op) {
    if (op == MR_OP_AND || op == MR_OP_OR) mr_compile_condition(c, item, op);
    else mr_compile_operand(c, item, operand_against(item, op));
}

static void compile_list(mr_compiler *c, const mr_node *node) {
    mr_op op = (mr_op)node->op;
    bool grouped = node->n > 2 * GROUP && op != MR_OP_COMMA;
    uint32_t most = op == MR_OP_COMMA || c->literals ? 0 : c->dialect->most_conditions;
    if (most && node->n > most && node->binds > most) {
        mr_compile_fail(
            c,
            "%s of %u conditions with values: %s takes time for the square of their number, so %u are the "
            "most; values of one column are written column:%s{ ... }, others are joined from mr.values(...)",
            op == MR_OP_AND ? "and_" : "or_", node->n, c->dialect->name, most, op == MR_OP_AND ? "not_in" : "in_");
        return;
    }
    for (uint32_t i = 0; i < node->n; i++) {
        if (i) mr_emit(c, grouped && i % GROUP == 0 ? ")" : "");
        if (i) mr_emit(c, spelling[op].sql);
        if (grouped && i % GROUP == 0) mr_emit(c, "(");
        compile_item(c, node->child[i], op);
    }
    if (grouped) mr_emit(c, ")");
}

/* The column that plain values are compared with, for messages; else NULL. */
static const mr_column *compared_column(const mr_node *node) {
    const mr_node *a = mr_unlabelled(node->child[0]), *b = mr_unlabelled(node->child[1]);
    if (node->kind == MR_NODE_BINARY && b->kind == MR_NODE_COLUMN && a->kind == MR_NODE_BIND) a = b;
    return a->kind == MR_NODE_COLUMN && b->kind != MR_NODE_SUBQUERY ? a->u.column : NULL;
}

static void compile_compared(mr_compiler *c, const mr_node *node) {
    const mr_column *outer = c->written_to;
    const bool listed = node->op == MR_OP_IN || node->op == MR_OP_NOT_IN;
    if (node->kind == MR_NODE_BETWEEN || listed || is_comparison((mr_op)node->op))
        c->written_to = compared_column(node);
    if (node->kind == MR_NODE_BETWEEN) compile_between(c, node);
    else compile_binary(c, node);
    c->written_to = outer;
}

void mr_compile_operator(mr_compiler *c, const mr_node *node) {
    switch (node->kind) {
    case MR_NODE_UNARY:
        compile_unary(c, node);
        break;
    case MR_NODE_BINARY:
    case MR_NODE_BETWEEN:
        compile_compared(c, node);
        break;
    case MR_NODE_COLLATE:
        mr_compile_operand(c, node->child[0], OP_COLLATE);
        mr_emit(c, " COLLATE ");
        mr_emit_name(c, node->name);
        break;
    default:
        compile_list(c, node);
    }
}

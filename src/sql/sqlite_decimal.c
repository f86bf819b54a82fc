/*
 * sqlite_decimal.c: decimals in SQLite, which has no type for them. They are stored as text (or by their type's storage
 * as numbers), and compared and calculated by a collation and functions of ours, which each connection has.
 *
 * Invariant: nothing here lets SQLite make a float of a decimal. The names decimal_add, decimal_sub, decimal_mul,
 * decimal_cmp, decimal_sum and the collation are those of SQLite's own extension, which its shell has.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- forms */

/* How the value of an expression stands in SQL. */
typedef enum form {
    FORM_OTHER,  /* it is no decimal */
    FORM_BIND,   /* a parameter: it takes the form that is needed */
    FORM_TEXT,   /* a decimal as text */
    FORM_NUMBER, /* a decimal as the number that its column stores */
} form;

static const mr_node *bare(const mr_node *x) {
    while (x->kind == MR_NODE_LABEL || (x->kind == MR_NODE_UNARY && x->op == MR_OP_DISTINCT)) x = x->child[0];
    return x;
}

/* The type of the node in this dialect. */
static const mr_type *here(const mr_node *x) { return mr_type_in(x->type, "sqlite"); }

static form form_of(const mr_node *x) {
    x = bare(x);
    if (x->kind == MR_NODE_BIND || x->kind == MR_NODE_BINDS) return FORM_BIND;
    if (!here(x) || !mr_type_is_decimal(here(x))) return FORM_OTHER;
    if (x->kind == MR_NODE_LITERAL_SQL) return FORM_OTHER;
    return here(x)->rules->sql_read ? FORM_NUMBER : FORM_TEXT;
}

static bool is_decimal(const mr_node *x) {
    form f = form_of(x);
    return f == FORM_TEXT || f == FORM_NUMBER;
}

static void emit_scale(mr_compiler *c, const mr_type *type) {
    char text[24];
    snprintf(text, sizeof text, ", %d)", type->scale < 0 ? 0 : type->scale);
    mr_emit(c, text);
}

/* Writes the value as the functions take it: a decimal as text, or a number. */
static void emit_value(mr_compiler *c, const mr_node *x) {
    const mr_type *outer = c->form;
    bool number = form_of(x) == FORM_NUMBER;
    x = bare(x);
    if (number) {
        mr_emit(c, here(x)->rules->sql_read);
        mr_emit(c, "(");
    }
    if (x->kind == MR_NODE_BIND && mr_type_is_decimal(here(x))) c->form = mr_type_simple(MR_TYPE_NUMERIC);
    mr_compile_factor(c, x, MR_OP_NONE);
    c->form = outer;
    if (number) emit_scale(c, here(x));
}

static void emit_call(mr_compiler *c, const char *function, const mr_node *a, const mr_node *b) {
    mr_emit(c, function);
    mr_emit(c, "(");
    emit_value(c, a);
    mr_emit(c, ", ");
    emit_value(c, b);
    mr_emit(c, ")");
}

/* ---------------------------------------------------------------- comparisons */

static bool is_order(mr_op op) { return op >= MR_OP_LT && op <= MR_OP_GE; }

/* Are equal values of both stored as equal texts? */
static bool is_fixed_alike(const mr_node *a, const mr_node *b) {
    const mr_type *x = here(a), *y = here(b);
    return x && y && x->scale >= 0 && x->scale == y->scale && mr_type_is_decimal(x) && mr_type_is_decimal(y);
}

/* What a comparison needs: nothing; the collation; the function decimal_cmp. */
typedef enum need { NEED_NOTHING, NEED_COLLATION, NEED_FUNCTION } need;

static need pair_needs(const mr_node *a, const mr_node *b, bool order) {
    form x = form_of(a), y = form_of(b);
    a = bare(a), b = bare(b);
    bool null = a->kind == MR_NODE_LITERAL_SQL || b->kind == MR_NODE_LITERAL_SQL;
    if ((!is_decimal(a) && !is_decimal(b)) || null || a->kind == MR_NODE_LIST || b->kind == MR_NODE_LIST)
        return NEED_NOTHING;
    if (x == FORM_NUMBER && (y == FORM_BIND || (y == FORM_NUMBER && mr_type_same_form(here(a), here(b)) &&
                                                here(a)->scale == here(b)->scale)))
        return NEED_NOTHING;
    if (y == FORM_NUMBER && x == FORM_BIND) return NEED_NOTHING;
    bool text = (x == FORM_TEXT || x == FORM_BIND) && (y == FORM_TEXT || y == FORM_BIND);
    if (!text) return NEED_FUNCTION;
    return !order && is_fixed_alike(a, b) ? NEED_NOTHING : NEED_COLLATION;
}

/* Are the values of the list, or of the query, stored as equal texts where they are equal to x? */
static bool is_listed_alike(const mr_node *x, const mr_node *list) {
    if (here(x)->scale < 0 || list->kind == MR_NODE_SUBQUERY) return is_fixed_alike(x, list);
    for (uint32_t i = 0; i < list->n; i++)
        if (form_of(list->child[i]) != FORM_BIND && !is_fixed_alike(x, list->child[i])) return false;
    return true;
}

const char *mr_decimal_collation(const mr_compiler *c, const mr_node *node) {
    mr_op op = node->kind == MR_NODE_BETWEEN ? MR_OP_LE : (mr_op)node->op;
    bool in = op == MR_OP_IN || op == MR_OP_NOT_IN, compared = op >= MR_OP_EQ && op <= MR_OP_NOT_IN;
    if (!c->dialect->decimal_text || !compared || c->lasting || form_of(node->child[0]) == FORM_OTHER) return "";
    const mr_node *other = node->child[1];
    if (in && (other->kind == MR_NODE_LIST || other->kind == MR_NODE_SUBQUERY))
        return form_of(node->child[0]) == FORM_TEXT && !is_listed_alike(node->child[0], other) ? " COLLATE decimal"
                                                                                               : "";
    return pair_needs(node->child[0], other, is_order(op)) == NEED_COLLATION ? " COLLATE decimal" : "";
}

bool mr_sorts_by_decimal(const mr_compiler *c, const mr_node *x) {
    return c->dialect->decimal_text && !c->lasting && form_of(x) == FORM_TEXT && bare(x)->kind != MR_NODE_COLLATE;
}

static const char *sign_of(mr_op op) {
    static const char *const signs[] = {[MR_OP_EQ] = " = 0",  [MR_OP_NE] = " != 0", [MR_OP_LT] = " < 0",
                                        [MR_OP_LE] = " <= 0", [MR_OP_GT] = " > 0",  [MR_OP_GE] = " >= 0"};
    return signs[op];
}

/* In a definition, the functions would keep other programs from writing to the table. A value that is compared with a
 * CAST is taken for a number, too. */
static void emit_numeric(mr_compiler *c, const mr_node *x) {
    bool bind = form_of(x) == FORM_BIND;
    mr_emit(c, bind ? "" : "CAST(");
    emit_value(c, x);
    mr_emit(c, bind ? "" : " AS NUMERIC)");
}

static bool compile_comparison(mr_compiler *c, const mr_node *node) {
    mr_op op = (mr_op)node->op;
    const mr_node *a = node->child[0], *b = node->child[1];
    if (op > MR_OP_GE) return false;
    need needs = pair_needs(a, b, is_order(op));
    if (c->lasting && needs != NEED_NOTHING) {
        static const char *const signs[] = {[MR_OP_EQ] = " = ",  [MR_OP_NE] = " != ", [MR_OP_LT] = " < ",
                                            [MR_OP_LE] = " <= ", [MR_OP_GT] = " > ",  [MR_OP_GE] = " >= "};
        emit_numeric(c, a);
        mr_emit(c, signs[op]);
        emit_numeric(c, b);
        return true;
    }
    if (needs != NEED_FUNCTION) return false;
    emit_call(c, "decimal_cmp", a, b);
    mr_emit(c, sign_of(op));
    return true;
}

static bool compile_between(mr_compiler *c, const mr_node *node) {
    const uint32_t start = c->ordinal;
    need low = pair_needs(node->child[0], node->child[1], true),
         high = pair_needs(node->child[0], node->child[2], true);
    bool written = c->lasting && (low != NEED_NOTHING || high != NEED_NOTHING);
    if (!written && low != NEED_FUNCTION && high != NEED_FUNCTION) return false;
    mr_emit(c, node->flags & MR_NODE_NEGATED ? "NOT (" : "(");
    for (uint32_t i = 1; i <= 2; i++) {
        mr_seek(c, node, start, 0);
        if (written) {
            emit_numeric(c, node->child[0]);
            mr_emit(c, i == 1 ? " >= " : " <= ");
            mr_seek(c, node, start, i);
            emit_numeric(c, node->child[i]);
        } else {
            mr_emit(c, "decimal_cmp(");
            emit_value(c, node->child[0]);
            mr_emit(c, ", ");
            mr_seek(c, node, start, i);
            emit_value(c, node->child[i]);
            mr_emit(c, i == 1 ? ") >= 0" : ") <= 0");
        }
        mr_emit(c, i == 1 ? " AND " : ")");
    }
    return true;
}

/* ---------------------------------------------------------------- arithmetic */

static bool compile_arithmetic(mr_compiler *c, const mr_node *node) {
    static const char *const functions[] = {[MR_OP_ADD] = "decimal_add",
                                            [MR_OP_SUB] = "decimal_sub",
                                            [MR_OP_MUL] = "decimal_mul",
                                            [MR_OP_DIV] = "decimal_div",
                                            [MR_OP_MOD] = "decimal_mod"};
    static const char *const signs[] = {
        [MR_OP_ADD] = " + ", [MR_OP_SUB] = " - ", [MR_OP_MUL] = " * ", [MR_OP_DIV] = " / ", [MR_OP_MOD] = " % "};
    const mr_node *a = node->child[0], *b = node->child[1];
    if (mr_type_is_decimal(here(node))) {
        emit_call(c, functions[node->op], a, b);
        return true;
    }
    /* With a float the result is one. */
    if (form_of(a) != FORM_NUMBER && form_of(b) != FORM_NUMBER) return false;
    mr_emit(c, "(");
    emit_value(c, a);
    mr_emit(c, signs[node->op]);
    emit_value(c, b);
    mr_emit(c, ")");
    return true;
}

static bool compile_binary(mr_compiler *c, const mr_node *node) {
    return node->op >= MR_OP_ADD && node->op <= MR_OP_MOD ? compile_arithmetic(c, node) : compile_comparison(c, node);
}

static bool compile_negative(mr_compiler *c, const mr_node *node) {
    if (node->op != MR_OP_NEG || form_of(node->child[0]) != FORM_TEXT) return false;
    mr_emit(c, "decimal_sub(0, ");
    emit_value(c, node->child[0]);
    mr_emit(c, ")");
    return true;
}

/* ---------------------------------------------------------------- functions */

/* The function of ours in place of SQLite's, or NULL. */
static const char *replacement(const char *name, form f) {
    static const struct {
        const char *name, *ours;
        bool text; /* for decimals as text only */
    } rows[] = {{"sum", "decimal_sum", false},
                {"avg", "decimal_avg", false},
                {"round", "decimal_round", false},
                {"mr_floor_div", "decimal_floor_div", false},
                {"mr_floor_mod", "decimal_floor_mod", false},
                {"abs", "decimal_abs", true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0 && (f == FORM_TEXT || !rows[i].text)) return rows[i].ours;
    return NULL;
}

/* Writes nullif of decimals that are stored in different forms. */
static bool emit_null_if(mr_compiler *c, const mr_node *node) {
    const uint32_t start = c->ordinal;
    if (strcmp(node->name, "nullif") != 0 || node->n != 2 || c->lasting) return false;
    if (pair_needs(node->child[0], node->child[1], false) != NEED_FUNCTION) return false;
    mr_emit(c, "CASE WHEN ");
    emit_call(c, "decimal_cmp", node->child[0], node->child[1]);
    mr_emit(c, " = 0 THEN NULL ELSE ");
    mr_seek(c, node, start, 0);
    mr_compile_result(c, node, node->child[0]);
    mr_emit(c, " END");
    return true;
}

/* Writes values of which one is the result: parameters take the form of the result. */
static void emit_choices(mr_compiler *c, const mr_node *node) {
    bool compares = strcmp(node->name, "nullif") == 0 && !c->lasting;
    mr_emit(c, node->name);
    mr_emit(c, "(");
    for (uint32_t i = 0; i < node->n; i++) {
        if (i) mr_emit(c, ", ");
        mr_compile_result(c, node, node->child[i]);
        if (i == 0 && compares && form_of(node->child[0]) == FORM_TEXT) mr_emit(c, " COLLATE decimal");
    }
    mr_emit(c, ")");
}

/* Does the function calculate with a number that a column stores in the place of a decimal? Its result is none that is
 * read as that column is, so it must be given the decimal itself. */
static bool takes_number(const mr_node *node) {
    if (mr_type_is_decimal(here(node)) || strcmp(node->name, "count") == 0) return false;
    for (uint32_t i = 0; i < node->n; i++)
        if (form_of(node->child[i]) == FORM_NUMBER) return true;
    return false;
}

static void emit_taking(mr_compiler *c, const mr_node *node) {
    bool distinct = node->flags & MR_NODE_DISTINCT;
    mr_emit_function(c, node->name);
    mr_emit(c, distinct ? "(DISTINCT " : "(");
    for (uint32_t i = 0; i < node->n; i++) {
        const mr_node *x = node->child[i];
        if (i) mr_emit(c, ", ");
        if (x->kind == MR_NODE_UNARY && x->op == MR_OP_DISTINCT) mr_emit(c, "DISTINCT ");
        if (form_of(x) == FORM_NUMBER) emit_value(c, x);
        else mr_compile(c, bare(x));
    }
    mr_emit(c, ")");
}

static bool compile_func(mr_compiler *c, const mr_node *node) {
    if (node->n == 0) return false;
    const mr_node *first = node->child[0];
    if (!is_decimal(first) && node->n == 2 && is_decimal(node->child[1]) && mr_type_is_decimal(here(node)))
        first = node->child[1];
    const char *ours = is_decimal(first) ? replacement(node->name, form_of(first)) : NULL;
    bool extreme = strcmp(node->name, "min") == 0 || strcmp(node->name, "max") == 0;
    if (strcmp(node->name, "coalesce") == 0 || strcmp(node->name, "ifnull") == 0 || strcmp(node->name, "nullif") == 0) {
        if (emit_null_if(c, node)) return true;
        if (!mr_type_is_decimal(here(node))) return false;
        emit_choices(c, node);
        return true;
    }
    bool distinct = node->flags & MR_NODE_DISTINCT || (first->kind == MR_NODE_UNARY && first->op == MR_OP_DISTINCT);
    /* Equal decimals of a type without a number of digits may be different texts. */
    bool counted =
        distinct && node->n == 1 && here(first) && here(first)->scale < 0 && strcmp(node->name, "count") == 0;
    if (!ours && takes_number(node)) {
        emit_taking(c, node);
        return true;
    }
    const bool mixed = extreme && node->n > 1 && mr_type_is_decimal(here(node)) && !here(node)->rules->sql_read;
    if (!ours && !mixed && !((extreme || counted) && form_of(first) == FORM_TEXT)) return false;
    mr_emit(c, ours ? ours : node->name);
    mr_emit(c, distinct ? "(DISTINCT " : "(");
    for (uint32_t i = 0; i < node->n; i++) {
        if (i) mr_emit(c, ", ");
        if (ours) emit_value(c, node->child[i]);
        else if (counted) mr_compile(c, bare(node->child[i]));
        else mr_compile_candidate(c, node, bare(node->child[i]));
        if (i == 0 && (distinct || !ours) && !c->lasting) mr_emit(c, " COLLATE decimal");
    }
    mr_emit(c, ")");
    return true;
}

static bool compile_cast(mr_compiler *c, const mr_node *node) {
    const mr_node *x = node->child[0];
    if (!mr_type_is_decimal(here(node))) {
        if (form_of(x) != FORM_NUMBER) return false;
        char buf[128];
        mr_emit(c, "CAST(");
        emit_value(c, x);
        mr_emit(c, " AS ");
        mr_emit(c, mr_type_sql(c->dialect, here(node), buf, sizeof buf));
        mr_emit(c, ")");
        return true;
    }
    const char *number = here(node)->rules->sql_write;
    mr_emit(c, number ? number : here(node)->scale < 0 ? "decimal" : "decimal_round");
    mr_emit(c, "(");
    emit_value(c, x);
    if (here(node)->scale < 0) mr_emit(c, ")");
    else emit_scale(c, here(node));
    return true;
}

/* A tuple that is compared: equal decimals of a type without a number of digits may be different texts. */
static bool compile_tuple(mr_compiler *c, const mr_node *node) {
    bool any = false;
    for (uint32_t i = 0; i < node->n; i++)
        any = any || (here(node->child[i])->scale < 0 && mr_sorts_by_decimal(c, node->child[i]));
    if (!any) return false;
    mr_emit(c, "(");
    for (uint32_t i = 0; i < node->n; i++) {
        if (i) mr_emit(c, ", ");
        mr_compile(c, node->child[i]);
        if (mr_sorts_by_decimal(c, node->child[i])) mr_emit(c, " COLLATE decimal");
    }
    mr_emit(c, ")");
    return true;
}

bool mr_sqlite_decimal(mr_compiler *c, const mr_node *node) {
    switch (node->kind) {
    case MR_NODE_TUPLE:
        return compile_tuple(c, node);
    case MR_NODE_BINARY:
        return compile_binary(c, node);
    case MR_NODE_BETWEEN:
        return compile_between(c, node);
    case MR_NODE_UNARY:
        return compile_negative(c, node);
    case MR_NODE_FUNC:
        return compile_func(c, node);
    case MR_NODE_CAST:
        return compile_cast(c, node);
    default:
        return false;
    }
}

/* ---------------------------------------------------------------- results and what is written */

void mr_compile_result(mr_compiler *c, const mr_node *node, const mr_node *x) {
    if (!c->dialect->decimal_text) {
        mr_postgresql_result(c, node, x);
        return;
    }
    const mr_type *outer = c->form;
    bool decimal = mr_type_is_decimal(here(node));
    if (decimal && !here(node)->rules->sql_read && form_of(x) == FORM_NUMBER) {
        emit_value(c, x);
        return;
    }
    if (x->kind == MR_NODE_BIND && decimal) c->form = here(node);
    mr_compile(c, x);
    c->form = outer;
}

void mr_compile_candidate(mr_compiler *c, const mr_node *node, const mr_node *x) {
    const mr_type *type = here(bare(x));
    const bool text = !here(node)->rules->sql_read && !c->lasting;
    if (!text || form_of(x) != FORM_OTHER || bare(x)->kind == MR_NODE_LITERAL_SQL || !type ||
        !mr_type_is_number(type)) {
        mr_compile_result(c, node, x);
        return;
    }
    mr_emit(c, "decimal("); /* SQLite puts every number before every text */
    mr_compile(c, bare(x));
    mr_emit(c, ")");
}

bool mr_compile_decimal_written(mr_compiler *c, const mr_node *column, const mr_node *value) {
    if (!c->dialect->decimal_text) return mr_postgresql_written(c, column, value);
    const mr_type *type = here(column);
    if (!type || !mr_type_is_decimal(type)) return false;
    form f = form_of(value);
    const mr_node *x = bare(value);
    if (f == FORM_BIND || x->kind == MR_NODE_LITERAL_SQL) return false;
    const char *function = type->rules->sql_write;
    bool alike = is_decimal(x) && mr_type_same_form(here(x), type) && here(x)->scale == type->scale;
    if (alike || (!function && type->scale < 0 && f != FORM_NUMBER)) return false;
    if (!function && type->scale < 0) { /* it keeps the digits that it is given */
        emit_value(c, x);
        return true;
    }
    mr_emit(c, function ? function : "decimal_round");
    mr_emit(c, "(");
    emit_value(c, x);
    if (type->scale >= 0) emit_scale(c, type);
    else mr_emit(c, ")");
    return true;
}

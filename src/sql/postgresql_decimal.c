/*
 * postgresql_decimal.c: decimals that PostgreSQL's columns store as numbers: as integers of units of the last digit, or
 * as floats. Its own NUMERIC is exact, and needs nothing of this.
 *
 * Invariant: no calculation, comparison or cast takes the stored number for the value. What is read as the column is
 * keeps the column's form.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <stdio.h>
#include <string.h>

static const mr_node *bare(const mr_node *x) {
    while (x->kind == MR_NODE_LABEL || (x->kind == MR_NODE_UNARY && x->op == MR_OP_DISTINCT)) x = x->child[0];
    return x;
}

static bool is_decimal(const mr_compiler *c, const mr_node *x) { return x->type && mr_type_is_decimal(mr_typed(c, x)); }

static bool is_scaled(const mr_type *type) { return type->rules->sql_as && type->rules->sql_as->kind == MR_INT; }

static bool is_bind(const mr_node *x) { return x->kind == MR_NODE_BIND || x->kind == MR_NODE_BINDS; }

/* Does the expression give a decimal as the number that its column stores? */
static bool is_number(const mr_compiler *c, const mr_node *x) {
    x = bare(x);
    return !is_bind(x) && x->kind != MR_NODE_LITERAL_SQL && is_decimal(c, x) && mr_typed(c, x)->rules->sql_read;
}

static bool is_alike(const mr_type *a, const mr_type *b) {
    return a->rules == b->rules && (a->scale == b->scale || !is_scaled(a));
}

/* Writes 10 to the power of n, which may be negative. */
static void emit_power(mr_compiler *c, int n) {
    mr_emit(c, n < 0 ? "0." : "1");
    for (int i = n < 0 ? n + 1 : -n; i < 0; i++) mr_emit(c, "0");
    if (n < 0) mr_emit(c, "1");
}

static void emit_digits(mr_compiler *c, int digits) {
    char text[24];
    snprintf(text, sizeof text, "%d", digits);
    mr_emit(c, text);
}

/* Writes the decimal itself, as a single term. */
static void emit_value(mr_compiler *c, const mr_node *x) {
    const mr_type *outer = c->form;
    x = bare(x);
    if (!is_number(c, x)) {
        if (x->kind == MR_NODE_BIND && is_decimal(c, x)) c->form = mr_type_simple(MR_TYPE_NUMERIC);
        mr_compile_operand(c, x, MR_AGAINST_ANY);
        c->form = outer;
        return;
    }
    const mr_type *type = mr_typed(c, x);
    if (is_scaled(type) && type->scale > 0) { /* 150 * 0.01 is 1.50 */
        mr_emit(c, "(");
        mr_compile_operand(c, x, MR_OP_MUL);
        mr_emit(c, " * ");
        emit_power(c, -type->scale);
        mr_emit(c, ")");
        return;
    }
    mr_emit(c, "round(CAST(");
    mr_compile(c, x);
    mr_emit(c, " AS NUMERIC), ");
    emit_digits(c, type->scale);
    mr_emit(c, ")");
}

/* Writes a number as what a column of the type stores for it. */
static void emit_stored(mr_compiler *c, const mr_type *type, const mr_node *x) {
    const bool scaled = is_scaled(type);
    mr_emit(c, "CAST(round(CAST(");
    emit_value(c, x);
    mr_emit(c, " AS NUMERIC)");
    mr_emit(c, scaled ? " * " : ", ");
    if (scaled) emit_power(c, type->scale);
    else emit_digits(c, type->scale);
    mr_emit(c, scaled ? ") AS BIGINT)" : ") AS DOUBLE PRECISION)");
}

void mr_postgresql_number(mr_compiler *c, const mr_node *x, mr_op against) {
    if (is_number(c, x)) emit_value(c, x);
    else mr_compile_operand(c, x, against);
}

/* ---------------------------------------------------------------- operators */

/* Must the two be compared as the values that they are? */
static bool differ(const mr_compiler *c, const mr_node *a, const mr_node *b) {
    a = bare(a), b = bare(b);
    if (!is_number(c, a) && !is_number(c, b)) return false;
    if (is_bind(a) || is_bind(b) || a->kind == MR_NODE_LITERAL_SQL || b->kind == MR_NODE_LITERAL_SQL) return false;
    return !is_number(c, a) || !is_number(c, b) || !is_alike(mr_typed(c, a), mr_typed(c, b));
}

static void emit_sides(mr_compiler *c, const mr_node *node, const char *sign) {
    emit_value(c, node->child[0]);
    mr_emit(c, sign);
    emit_value(c, node->child[1]);
}

static bool compile_comparison(mr_compiler *c, const mr_node *node) {
    static const char *const signs[] = {[MR_OP_EQ] = " = ",  [MR_OP_NE] = " != ", [MR_OP_LT] = " < ",
                                        [MR_OP_LE] = " <= ", [MR_OP_GT] = " > ",  [MR_OP_GE] = " >= "};
    if (node->op < MR_OP_EQ || node->op > MR_OP_GE || !differ(c, node->child[0], node->child[1])) return false;
    emit_sides(c, node, signs[node->op]);
    return true;
}

static void compile_quotient(mr_compiler *c, const mr_node *node) {
    const bool guarded = node->flags & MR_NODE_ZERO_IS_NULL;
    emit_value(c, node->child[0]);
    mr_emit(c, guarded ? " / nullif(" : " / ");
    emit_value(c, node->child[1]);
    mr_emit(c, guarded ? ", 0)" : "");
}

static bool compile_arithmetic(mr_compiler *c, const mr_node *node) {
    static const char *const signs[] = {[MR_OP_ADD] = " + ", [MR_OP_SUB] = " - ", [MR_OP_MUL] = " * "};
    if (node->op < MR_OP_ADD || node->op > MR_OP_MOD) return false;
    if (!is_number(c, node->child[0]) && !is_number(c, node->child[1])) return false;
    if (node->op == MR_OP_DIV) {
        compile_quotient(c, node);
    } else if (node->op == MR_OP_MOD) { /* there is none of floats */
        const bool real = mr_type_is_float(mr_typed(c, node));
        mr_emit(c, real ? "CAST(CAST(" : "CAST(");
        emit_sides(c, node, " AS NUMERIC) % CAST(");
        mr_emit(c, real ? " AS NUMERIC) AS DOUBLE PRECISION)" : " AS NUMERIC)");
    } else {
        emit_sides(c, node, signs[node->op]);
    }
    return true;
}

static bool compile_between(mr_compiler *c, const mr_node *node) {
    if (!differ(c, node->child[0], node->child[1]) && !differ(c, node->child[0], node->child[2])) return false;
    emit_value(c, node->child[0]);
    mr_emit(c, node->flags & MR_NODE_NEGATED ? " NOT BETWEEN " : " BETWEEN ");
    emit_value(c, node->child[1]);
    mr_emit(c, " AND ");
    emit_value(c, node->child[2]);
    return true;
}

/* ---------------------------------------------------------------- functions */

static bool is_named(const mr_node *node, const char *const *names) {
    for (; *names; names++)
        if (strcmp(node->name, *names) == 0) return true;
    return false;
}

/* Writes nullif of decimals that are stored in different forms: its result has the form of the first one. */
static void compile_null_if(mr_compiler *c, const mr_node *node) {
    const uint32_t start = c->ordinal;
    mr_emit(c, "CASE WHEN ");
    emit_sides(c, node, " = ");
    mr_emit(c, " THEN NULL ELSE ");
    mr_seek(c, node, start, 0);
    mr_compile_result(c, node, node->child[0]);
    mr_emit(c, " END");
}

static void emit_call(mr_compiler *c, const mr_node *node, bool values) {
    const bool distinct = node->flags & MR_NODE_DISTINCT || node->child[0] != bare(node->child[0]);
    mr_emit_function(c, strcmp(node->name, "ifnull") == 0 ? "coalesce" : node->name);
    mr_emit(c, distinct ? "(DISTINCT " : "(");
    for (uint32_t i = 0; i < node->n; i++) {
        if (i) mr_emit(c, ", ");
        if (values) mr_postgresql_number(c, node->child[i], MR_OP_COMMA);
        else mr_compile_result(c, node, bare(node->child[i]));
    }
    mr_emit(c, ")");
}

static bool compile_func(mr_compiler *c, const mr_node *node) {
    static const char *const sums[] = {"sum", "avg", "round", NULL};
    static const char *const choices[] = {"coalesce", "ifnull", "greatest", "least", NULL};
    static const char *const others[] = {"count",        "group_concat", "string_agg", "aggregate_strings",
                                         "mr_floor_div", "mr_floor_mod", NULL};
    bool any = false;
    for (uint32_t i = 0; i < node->n; i++) any = any || is_number(c, node->child[i]);
    if (!any) return false;
    if (strcmp(node->name, "nullif") == 0 && node->n == 2 && differ(c, node->child[0], node->child[1])) {
        compile_null_if(c, node);
        return true;
    }
    const bool chosen = is_decimal(c, node) && is_named(node, choices);
    if (!chosen && !is_named(node, sums) && (is_decimal(c, node) || is_named(node, others))) return false;
    emit_call(c, node, !chosen);
    return true;
}

static bool compile_cast(mr_compiler *c, const mr_node *node) {
    const mr_type *to = mr_typed(c, node);
    const mr_node *x = bare(node->child[0]);
    const bool bind = x->kind == MR_NODE_BIND && is_decimal(c, x) && mr_typed(c, x)->rules->sql_read;
    const bool number = bind || is_number(c, x), made = mr_type_is_decimal(to) && to->rules->sql_read;
    if (mr_type_is_boolean(to)) return false;
    if ((!number && !made) || (number && !bind && made && is_alike(mr_typed(c, x), to))) return false;
    if (made) {
        emit_stored(c, to, x);
        return true;
    }
    char buf[128];
    mr_emit(c, "CAST(");
    emit_value(c, x);
    mr_emit(c, " AS ");
    mr_emit(c, mr_type_sql(c->dialect, to, buf, sizeof buf));
    mr_emit(c, ")");
    return true;
}

bool mr_postgresql_decimal(mr_compiler *c, const mr_node *node) {
    switch (node->kind) {
    case MR_NODE_BINARY:
        return compile_arithmetic(c, node) || compile_comparison(c, node);
    case MR_NODE_BETWEEN:
        return compile_between(c, node);
    case MR_NODE_FUNC:
        return compile_func(c, node);
    case MR_NODE_CAST:
        return compile_cast(c, node);
    default:
        return false;
    }
}

/* ---------------------------------------------------------------- results and what is written */

void mr_postgresql_result(mr_compiler *c, const mr_node *node, const mr_node *x) {
    const mr_type *outer = c->form, *type = node->type ? mr_typed(c, node) : NULL;
    const bool made = type && mr_type_is_decimal(type) && type->rules->sql_read;
    const mr_node *value = mr_unlabelled(x);
    if (made && value->kind == MR_NODE_BIND) c->form = type;
    if (is_number(c, value) && (!made || !is_alike(mr_typed(c, value), type))) emit_value(c, value);
    else mr_compile(c, x);
    c->form = outer;
}

bool mr_postgresql_written(mr_compiler *c, const mr_node *column, const mr_node *value) {
    const mr_type *type = mr_typed(c, column);
    const mr_node *x = bare(value);
    if (!mr_type_is_decimal(type) || is_bind(x) || x->kind == MR_NODE_LITERAL_SQL) return false;
    if (is_number(c, x) && is_alike(mr_typed(c, x), type)) return false;
    if (type->rules->sql_read) emit_stored(c, type, x);
    else if (is_number(c, x)) emit_value(c, x);
    else return false;
    return true;
}

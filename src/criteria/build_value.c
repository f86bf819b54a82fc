/*
 * build_value.c: values: columns, literals, parameters, calculations, texts.
 *
 * Invariant: each value is a parameter of the statement; a division by 0 is NULL.
 */
#include "build.h"

static mr_node *bind(mr_builder *b, const mr_term *t, const mr_value *v) {
    return mr_sql_bind(b->env, t->type && v->kind != MR_FLOAT ? t->type : mr_type_natural((mr_kind)v->kind), v);
}

static mr_node *given(mr_builder *b, const mr_term *t) { return bind(b, t, b->criterion->values[t->use].values); }

const mr_value *mr_build_known(const mr_builder *b, const mr_term *t) {
    if (t->kind == MR_TERM_CONSTANT) return &t->value;
    return t->kind == MR_TERM_PARAMETER ? b->criterion->values[t->use].values : NULL;
}

/* A division by 0 is NULL, in databases, too, that raise. What is known not to be 0 needs no test. */
static mr_node *divided(mr_builder *b, mr_room *r, const mr_term *t, mr_node *left) {
    const mr_value *v = mr_build_known(b, t->child[1]);
    const mr_value zero = mr_int_value(0);
    bool nothing = v && mr_value_compare(v, &zero) == 0;
    mr_node *right =
        nothing ? mr_sql_raw(b->env, mr_type_natural((mr_kind)v->kind), "NULL") : mr_build_value(b, r, t->child[1]);
    mr_node *made = t->op == MR_OP_MOD ? mr_sql_floor_mod(b->env, left, right)
                    : t->floors        ? mr_sql_floor_div(b->env, left, right)
                                       : mr_sql_binary(b->env, MR_OP_DIV, left, right);
    return v ? made : mr_sql_null_at_zero(made);
}

static mr_node *arithmetic(mr_builder *b, mr_room *r, const mr_term *t) {
    mr_node *left = mr_build_value(b, r, t->child[0]);
    if (!left) return NULL;
    if (t->op == MR_OP_DIV || t->op == MR_OP_MOD) return divided(b, r, t, left);
    return mr_sql_binary(b->env, (mr_op)t->op, left, mr_build_value(b, r, t->child[1]));
}

/* Parts from..until of a text that is joined. Many are joined in halves, because nodes have a limit of their depth. */
static mr_node *concatenated(mr_builder *b, mr_room *r, const mr_term *t, uint32_t from, uint32_t until) {
    mr_node *all;
    uint32_t middle = until - from > MR_CRITERIA_CHAIN ? from + (until - from) / 2 : from + 1;
    bool halved = middle > from + 1;
    all = halved ? concatenated(b, r, t, from, middle) : mr_build_value(b, r, t->child[from]);
    if (halved && all) return mr_sql_binary(b->env, MR_OP_CONCAT, all, concatenated(b, r, t, middle, until));
    for (uint32_t i = middle; i < until && all; i++)
        all = mr_sql_binary(b->env, MR_OP_CONCAT, all, mr_build_value(b, r, t->child[i]));
    return all;
}

static mr_node *function(mr_builder *b, mr_room *r, const mr_term *t, const char *name, const mr_type *type) {
    mr_node *x = mr_build_value(b, r, t->child[0]);
    return x ? mr_sql_func(b->env, name, type, &x, 1) : NULL;
}

mr_node *mr_build_value(mr_builder *b, mr_room *r, const mr_term *t) {
    switch ((mr_term_kind)t->kind) {
    case MR_TERM_CONSTANT:
        return bind(b, t, &t->value);
    case MR_TERM_PARAMETER:
        return given(b, t);
    case MR_TERM_COLUMN:
    case MR_TERM_DESCRIBED:
        return mr_build_attribute(b, r, t);
    case MR_TERM_NEGATIVE:
        return mr_sql_unary(b->env, MR_OP_NEG, mr_build_value(b, r, t->child[0]));
    case MR_TERM_ARITHMETIC:
        return arithmetic(b, r, t);
    case MR_TERM_CONCAT:
        return concatenated(b, r, t, 0, t->n);
    case MR_TERM_LENGTH:
        return function(b, r, t, "octet_length", mr_type_simple(MR_TYPE_INTEGER));
    case MR_TERM_LOWER:
        return function(b, r, t, "lower", mr_type_simple(MR_TYPE_STRING));
    case MR_TERM_UPPER:
        return function(b, r, t, "upper", mr_type_simple(MR_TYPE_STRING));
    case MR_TERM_COUNT:
        return mr_build_count(b, r, t);
    default:
        mr_fail(b->env, MR_ERR_ARGUMENT, "the text has a condition where a value is needed");
        return NULL;
    }
}

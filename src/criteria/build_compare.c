/*
 * build_compare.c: comparisons, nil and membership.
 *
 * Invariant: == and ~= take nil for a value, and are never NULL where either side may be; :eq and the like are SQL's.
 */
#include "build.h"

mr_node *mr_build_nil(mr_builder *b, mr_room *r, const mr_term *x, bool is) {
    if (x->kind == MR_TERM_REFERENCE) {
        mr_node *nothing = mr_build_nowhere(b, r, x->path);
        return !nothing || is ? nothing : mr_sql_not(b->env, nothing);
    }
    /* A parameter that is nil has no type, which PostgreSQL wants to know. */
    const mr_value *known = mr_build_known(b, x);
    mr_node *null = mr_sql_raw(b->env, mr_type_simple(MR_TYPE_NULL), "NULL");
    mr_node *value = known && known->kind == MR_NULL ? mr_node_retain(null) : mr_build_value(b, r, x);
    return mr_sql_binary(b->env, is ? MR_OP_IS : MR_OP_IS_NOT, value, null);
}

static mr_node *either(mr_builder *b, mr_node *x, mr_node *y) {
    if (!x || !y) {
        mr_node_release(x);
        mr_node_release(y);
        return NULL;
    }
    mr_node *const both[2] = {x, y};
    return mr_sql_list(b->env, MR_OP_OR, both, 2);
}

static mr_node *both_nil(mr_builder *b, mr_room *r, const mr_term *x, const mr_term *y) {
    mr_node *first = mr_build_nil(b, r, x, true);
    return first ? mr_sql_and(b->env, first, mr_build_nil(b, r, y, true)) : NULL;
}

/* The boolean is the word. */
static mr_node *is_word(mr_builder *b, mr_room *r, const mr_term *x, bool word) {
    return mr_sql_binary(b->env, MR_OP_EQ, mr_build_value(b, r, x), mr_build_word(b, word));
}

/* x == y for booleans. Two of them are compared as truths: they may be stored in different spellings. */
static mr_node *equal_booleans(mr_builder *b, mr_room *r, const mr_term *x, const mr_term *y) {
    const mr_value *v = mr_build_known(b, x);
    if (v && !mr_build_known(b, y)) return is_word(b, r, y, v->u.i != 0);
    v = mr_build_known(b, y);
    if (v) return is_word(b, r, x, v->u.i != 0);
    mr_node *yes = mr_sql_and(b->env, is_word(b, r, x, true), is_word(b, r, y, true));
    mr_node *no = yes ? mr_sql_and(b->env, is_word(b, r, x, false), is_word(b, r, y, false)) : NULL;
    mr_node *made = either(b, yes, no);
    return made && x->nullable && y->nullable ? either(b, made, both_nil(b, r, x, y)) : made;
}

static bool is_decimal(const mr_term *t) { return t->group == MR_CRITERIA_DECIMAL; }

static bool is_untyped(const mr_term *t) { return t->kind == MR_TERM_COLUMN && t->type && mr_type_is_any(t->type); }

/* The value of x, whose bytes count in a comparison, whatever collation its column has. */
static mr_node *plain(mr_builder *b, mr_room *r, const mr_term *x) {
    mr_node *made = mr_build_value(b, r, x);
    bool collated = x->kind == MR_TERM_COLUMN && x->prop->kind == MR_PROPERTY_COLUMN && x->prop->column->collation;
    return made && collated ? mr_sql_collate(b->env, made, "BINARY") : made;
}

/* x as it is compared with y. SQLite would convert the values of a column without a type as those of the typed one
 * beside it are: "5" would equal 5. The result of a function has no type that does this. */
static mr_node *side(mr_builder *b, mr_room *r, const mr_term *x, const mr_term *y) {
    mr_node *made = plain(b, r, x);
    if (!made || !is_untyped(y) || is_untyped(x) || (x->kind != MR_TERM_COLUMN && x->kind != MR_TERM_DESCRIBED))
        return made;
    const mr_type *type = made->type;
    mr_node *const both[2] = {made, mr_sql_raw(b->env, mr_type_simple(MR_TYPE_NULL), "NULL")};
    return mr_sql_func(b->env, "coalesce", type, both, 2);
}

static mr_node *pair(mr_builder *b, mr_room *r, mr_op op, const mr_term *x, const mr_term *y) {
    mr_node *left = side(b, r, x, y);
    mr_node *made = left ? mr_sql_binary(b->env, op, left, side(b, r, y, x)) : NULL;
    bool order = op >= MR_OP_LT && op <= MR_OP_GE;
    return order && x->group == MR_CRITERIA_TEXT ? mr_sql_by_bytes(made) : made;
}

/* x == y: nil equals nil. */
mr_node *mr_build_equal(mr_builder *b, mr_room *r, const mr_term *x, const mr_term *y) {
    if (x->group == MR_CRITERIA_BOOLEAN && y->group == MR_CRITERIA_BOOLEAN) return equal_booleans(b, r, x, y);
    if (!x->nullable || !y->nullable) return pair(b, r, MR_OP_EQ, x, y);
    if (is_decimal(x) || is_decimal(y)) return either(b, pair(b, r, MR_OP_EQ, x, y), both_nil(b, r, x, y));
    return pair(b, r, MR_OP_IS_NOT_DISTINCT, x, y);
}

mr_node *mr_build_unequal(mr_builder *b, mr_room *r, const mr_term *x, const mr_term *y) {
    bool boolean = x->group == MR_CRITERIA_BOOLEAN && y->group == MR_CRITERIA_BOOLEAN;
    const mr_value *word = boolean ? mr_build_known(b, y) : NULL;
    if (word && !mr_build_known(b, x))
        return mr_sql_binary(b->env, MR_OP_IS_NOT, mr_build_value(b, r, x), mr_build_word(b, word->u.i != 0));
    if (boolean || is_decimal(x) || is_decimal(y)) {
        mr_node *same = mr_build_equal(b, r, x, y);
        return same ? mr_build_untrue(b, same) : NULL;
    }
    return pair(b, r, x->nullable || y->nullable ? MR_OP_IS_DISTINCT : MR_OP_NE, x, y);
}

mr_node *mr_build_compared(mr_builder *b, mr_room *r, const mr_term *t) {
    const mr_term *x = t->child[0], *y = t->child[1];
    if (!t->sql && t->op == MR_OP_EQ) return mr_build_equal(b, r, x, y);
    if (!t->sql && t->op == MR_OP_NE) return mr_build_unequal(b, r, x, y);
    bool boolean = x->group == MR_CRITERIA_BOOLEAN && y->group == MR_CRITERIA_BOOLEAN;
    if (boolean && mr_build_known(b, y)) {
        bool word = (mr_build_known(b, y)->u.i != 0) == (t->op == MR_OP_EQ);
        return is_word(b, r, x, word);
    }
    return pair(b, r, (mr_op)t->op, x, y);
}

mr_node *mr_build_listed(mr_builder *b, mr_room *r, const mr_term *t) {
    const mr_term *x = t->child[0], *list = t->child[1];
    mr_node *left = plain(b, r, x);
    if (!left) return NULL;
    if (list->kind == MR_TERM_PARAMETER) {
        const mr_criteria_values *v = &b->criterion->values[list->use];
        const mr_type *type = list->type ? list->type : left->type;
        return mr_sql_binary(b->env, (mr_op)t->op, left, mr_sql_binds(b->env, type, v->values, v->n));
    }
    mr_value few[16], *values = list->n <= 16 ? few : mr_alloc(b->env, list->n * sizeof *values);
    const mr_type *type = x->type ? x->type : left->type;
    bool opaque = false;
    for (uint32_t i = 0; values && i < list->n; i++) {
        values[i] = *mr_build_known(b, list->child[i]);
        opaque = opaque || values[i].kind == MR_OPAQUE;
    }
    mr_node *binds = values ? mr_sql_binds(b->env, type, values, list->n) : NULL;
    if (values != few) mr_free(b->env, values);
    return mr_sql_binary(b->env, (mr_op)t->op, left, binds);
}

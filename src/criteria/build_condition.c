/*
 * build_condition.c: and, or, not, and what stands as a condition.
 *
 * Invariant: a condition that is built is true in SQL exactly where the text's is; where the text's is not, it is false
 * or NULL. What a NOT stands before is made two-valued first (IS NOT true).
 */
#include "build.h"

static mr_node *plain(mr_builder *b, mr_room *r, const mr_term *t);

static mr_node *many(mr_builder *b, mr_room *r, const mr_term *t) {
    mr_op op = t->kind == MR_TERM_AND ? MR_OP_AND : MR_OP_OR;
    mr_node *all = NULL;
    for (uint32_t i = 0; i < t->n; i++) {
        mr_node *const both[2] = {all, plain(b, r, t->child[i])};
        if (!both[1]) {
            mr_node_release(all);
            return NULL;
        }
        all = mr_sql_list(b->env, op, both, 2);
        if (!all) return NULL;
    }
    return all;
}

/* A boolean that stands as a condition. */
static mr_node *truth(mr_builder *b, mr_room *r, const mr_term *t) {
    const mr_value *v = mr_build_known(b, t);
    if (v) return mr_build_word(b, v->kind == MR_BOOL && v->u.i);
    return mr_build_value(b, r, t);
}

/* not x: the opposite operator where there is one that takes NULL for a value, too. */
static mr_node *negated(mr_builder *b, mr_room *r, const mr_term *x) {
    switch ((mr_term_kind)x->kind) {
    case MR_TERM_NOT:
        return plain(b, r, x->child[0]);
    case MR_TERM_NIL:
        return mr_build_nil(b, r, x->child[0], false);
    case MR_TERM_COMPARE:
        if (!x->sql && x->op == MR_OP_EQ) return mr_build_unequal(b, r, x->child[0], x->child[1]);
        if (!x->sql && x->op == MR_OP_NE) return mr_build_equal(b, r, x->child[0], x->child[1]);
        break;
    case MR_TERM_REFERS:
        return mr_build_refers(b, r, x, true);
    case MR_TERM_ANY:
        return mr_sql_not(b->env, mr_build_exists(b, r, x, false));
    case MR_TERM_NONE:
        return mr_build_exists(b, r, x, false);
    case MR_TERM_ALL:
        return mr_build_exists(b, r, x, true);
    default:
        break;
    }
    mr_node *made = plain(b, r, x);
    return made ? mr_build_untrue(b, made) : NULL;
}

static mr_node *plain(mr_builder *b, mr_room *r, const mr_term *t) {
    switch ((mr_term_kind)t->kind) {
    case MR_TERM_AND:
    case MR_TERM_OR:
        return many(b, r, t);
    case MR_TERM_NOT:
        return negated(b, r, t->child[0]);
    case MR_TERM_NIL:
        return mr_build_nil(b, r, t->child[0], true);
    case MR_TERM_COMPARE:
        return mr_build_compared(b, r, t);
    case MR_TERM_IN:
        return mr_build_listed(b, r, t);
    case MR_TERM_REFERS:
        return mr_build_refers(b, r, t, false);
    case MR_TERM_LIKE:
        return mr_build_like(b, r, t);
    case MR_TERM_ANY:
        return mr_build_exists(b, r, t, false);
    case MR_TERM_NONE:
        return mr_sql_not(b->env, mr_build_exists(b, r, t, false));
    case MR_TERM_ALL:
        return mr_sql_not(b->env, mr_build_exists(b, r, t, true));
    default:
        return truth(b, r, t);
    }
}

mr_node *mr_build_condition(mr_builder *b, mr_room *r, const mr_term *t, bool negative) {
    return negative ? negated(b, r, t) : plain(b, r, t);
}

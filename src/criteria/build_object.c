/*
 * build_object.c: a reference that is compared with objects, clan == $clan, clan in $clans.
 *
 * Invariant: the condition of one object is the one that Class.reference:eq(object) makes; several objects of one key
 * column are one IN.
 */
#include "build.h"

/* Is it ? = column? */
static bool is_key(const mr_node *x) {
    return x->kind == MR_NODE_BINARY && x->op == MR_OP_EQ && x->child[0]->kind == MR_NODE_BIND &&
           x->child[1]->kind == MR_NODE_COLUMN;
}

/* column IN (?, ?), in place of the conditions of one key each. Consumes them: the array has the keys then. */
static mr_node *by_keys(mr_builder *b, mr_node **each, size_t n) {
    mr_node *column = mr_node_retain(each[0]->child[1]);
    for (size_t i = 0; i < n; i++) {
        mr_node *key = mr_node_retain(each[i]->child[0]);
        mr_node_release(each[i]);
        each[i] = key;
    }
    return mr_sql_binary(b->env, MR_OP_IN, column, mr_sql_list(b->env, MR_OP_COMMA, each, n));
}

/* The conditions joined by OR. Consumes them. */
static mr_node *joined(mr_builder *b, mr_node **each, size_t n) {
    bool keys = n > 1;
    for (size_t i = 0; i < n; i++) keys = keys && is_key(each[i]);
    return keys ? by_keys(b, each, n) : mr_sql_list(b->env, MR_OP_OR, each, n);
}

/* How rows that are read from `from` lead to the objects. */
static mr_node *about(mr_builder *b, const mr_property *along, mr_node *from, const mr_criteria_values *v) {
    mr_node **each = mr_calloc(b->env, v->n * sizeof *each);
    size_t n = 0;
    if (!each) return NULL;
    while (n < v->n && b->hooks->about(along, from, v->values[n].u.p, MR_REFERS_TO, &each[n]) == MR_OK) n++;
    mr_node *made = NULL;
    if (n == v->n) made = joined(b, each, n);
    for (size_t i = 0; n < v->n && i < n; i++) mr_node_release(each[i]);
    mr_free(b->env, each);
    return made;
}

/* column IS NOT ?, where the key of the object cannot be missing. Consumes x. */
static mr_node *opposite(mr_builder *b, const mr_relationship *rel, mr_node *x) {
    if (!is_key(x) || rel->direction != MR_MANY_TO_ONE) return mr_build_untrue(b, x);
    mr_node *column = mr_node_retain(x->child[1]), *key = mr_node_retain(x->child[0]);
    mr_node_release(x);
    return mr_sql_binary(b->env, MR_OP_IS_DISTINCT, column, key);
}

mr_node *mr_build_refers(mr_builder *b, mr_room *r, const mr_term *t, bool negated) {
    const mr_path *path = t->child[0]->path;
    const mr_criteria_values *v = &b->criterion->values[t->child[1]->use];
    mr_chain c;
    if (v->n == 0) return mr_build_word(b, negated);
    if (mr_build_chain(b, r, path->from, &c) != MR_OK) return NULL;
    mr_node *made = about(b, path->along, c.last, v);
    if (made && c.from) made = mr_build_read(b, &c, made);
    else if (!made) mr_build_drop(&c);
    if (!made || !negated) return made;
    return opposite(b, path->along->relationship, made);
}

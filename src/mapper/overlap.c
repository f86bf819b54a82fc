/*
 * overlap.c: warns of two relationships that write the same foreign key without being the two sides of one
 * relationship. A change of one is not seen in the other, and the one that is flushed last wins.
 *
 * Invariant: each pair of relationships is reported at most once, and nothing is changed here.
 */
#include "configure_private.h"

typedef struct written {
    const mr_column_pair *pairs;
    unsigned n;
    bool local; /* true: the local columns of the pairs are written; false: the remote ones */
} written;

/* Finds the foreign keys that a relationship writes: one, or the two of a secondary table. Returns their number. */
static unsigned written_by(const mr_relationship *rel, written out[2]) {
    out[0] = (written){rel->pairs, rel->npairs, rel->direction == MR_MANY_TO_ONE};
    out[1] = (written){rel->secondary_pairs, rel->nsecondary, true};
    return rel->secondary ? 2 : 1;
}

static const mr_column *column_at(const written *w, unsigned i) {
    return w->local ? w->pairs[i].local : w->pairs[i].remote;
}

static bool has(const written *w, const mr_column *column) {
    for (unsigned i = 0; i < w->n; i++)
        if (column_at(w, i) == column) return true;
    return false;
}

/* Are all columns of the two foreign keys the same? Keys that share only one column (that of a tenant, say) differ. */
static bool same_key(const written *a, const written *b) {
    if (a->n == 0 || a->n != b->n) return false;
    for (unsigned i = 0; i < a->n; i++)
        if (!has(b, column_at(a, i))) return false;
    return true;
}

static const mr_column *shared_key(const mr_relationship *a, const mr_relationship *b) {
    written of_a[2], of_b[2];
    unsigned na = written_by(a, of_a), nb = written_by(b, of_b);
    for (unsigned i = 0; i < na; i++)
        for (unsigned k = 0; k < nb; k++)
            if (same_key(&of_a[i], &of_b[k])) return column_at(&of_a[i], 0);
    return NULL;
}

/* Have two classes a common base, and is neither a subclass of the other? Then no object belongs to both. */
static bool are_siblings(const mr_mapper *a, const mr_mapper *b) {
    return a->root == b->root && !mr_mapper_isa(a, b) && !mr_mapper_isa(b, a);
}

static bool may_conflict(const mr_relationship *a, const mr_relationship *b) {
    if (a == b || a->viewonly || b->viewonly || !b->configured) return false;
    if (a->reverse == b || b->reverse == a) return false;
    if (are_siblings(a->parent, b->parent) || are_siblings(a->target, b->target)) return false;
    if (are_siblings(a->parent, b->target) || are_siblings(a->target, b->parent)) return false;
    return a->prop->name != b->prop->name || a->parent->root != b->parent->root;
}

/* Was the pair of relationships compared already, in the other order? */
static bool is_before(const configuration *c, const mr_relationship *rel, size_t end) {
    for (size_t i = 0; i < end; i++)
        if (plan_at(c, i)->rel == rel) return true;
    return false;
}

static void compare(const configuration *c, size_t number, const mr_relationship *b) {
    const mr_relationship *a = plan_at(c, number)->rel;
    const mr_column *key = may_conflict(a, b) ? shared_key(a, b) : NULL;
    if (!key || is_before(c, b, number)) return;
    mr_warn(c->env,
            "%s.%s and %s.%s both write %s.%s, and do not know of each other: link them with back_populates, or "
            "make one of them viewonly",
            a->prop->mapper->name, a->prop->name, b->prop->mapper->name, b->prop->name, key->table->name, key->name);
}

void mr_configure_warn(const configuration *c) {
    for (size_t i = 0; i < c->plans.len; i++) {
        for (size_t m = 0; m < c->registry->mappers.len; m++) {
            const mr_mapper *mapper = mr_vec_ptr(&c->registry->mappers, m);
            for (size_t k = 0; k < mapper->props.len; k++) {
                const mr_property *prop = mr_vec_ptr(&mapper->props, k);
                if (prop->relationship && prop->mapper == mapper) compare(c, i, prop->relationship);
            }
        }
    }
}

/*
 * overlap.c: tells of relationships that write the same foreign key and do not know of each other: what is
 * done to one is not seen in the other, and the last that is flushed wins.
 */
#include "configure_private.h"

typedef struct written {
    const mr_column_pair *pairs;
    unsigned n;
    bool local; /* the pairs' local columns are written, else the remote ones */
} written;

/* The parts of what a relationship writes: one, or the two sides of a link table. */
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

/* Keys that only share a column, as those of one tenant do, are not one. */
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

/* Two classes that come from one, and neither from the other: no object is both. */
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

/* Has the pair been compared already, from the other's side? */
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

/*
 * overlap.c: warns of two relationships that write the same foreign key without being the two sides of one
 * relationship. A change of one is not seen in the other, and the one that is flushed last wins.
 *
 * Invariant: each pair of relationships is reported at most once, and nothing is changed here.
 */
#include "configure_private.h"

#include <stdlib.h>

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

/* ---------------------------------------------------------------- who writes a column */

/* A relationship that writes the column. */
typedef struct writer {
    const mr_column *column;
    size_t number; /* of the relationship, in the order of the classes and their attributes */
    const mr_relationship *rel;
} writer;

static int by_column(const void *a, const void *b) {
    const writer *x = a, *y = b;
    if (x->column != y->column) return (uintptr_t)x->column < (uintptr_t)y->column ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static size_t columns_of(const mr_relationship *rel) { return (size_t)rel->npairs + rel->nsecondary; }

mr_status mr_configure_reserve_warn(configuration *c) {
    const mr_registry *registry = c->registry;
    size_t n = 0;
    for (size_t i = 0; i < c->plans.len; i++) n += columns_of(&plan_at(c, i)->work);
    for (size_t m = 0; m < registry->mappers.len; m++) {
        const mr_mapper *mapper = mr_vec_ptr(&registry->mappers, m);
        for (size_t k = 0; k < mapper->props.len; k++) {
            const mr_property *prop = mapper_prop(mapper, k);
            if (prop->relationship && prop->mapper == mapper && !prop->relationship->plan)
                n += columns_of(prop->relationship);
        }
    }
    mr_vec_init(&c->writers, c->env, sizeof(writer));
    return mr_vec_reserve(&c->writers, n);
}

static void add_writer(configuration *c, const mr_relationship *rel, size_t number) {
    written parts[2];
    unsigned n = written_by(rel, parts);
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < parts[i].n; k++) {
            writer *w = mr_vec_push(&c->writers); /* reserved */
            if (w) *w = (writer){column_at(&parts[i], k), number, rel};
        }
}

/* Sorted by column. */
static void find_writers(configuration *c) {
    const mr_registry *registry = c->registry;
    size_t number = 0;
    for (size_t m = 0; m < registry->mappers.len; m++) {
        const mr_mapper *mapper = mr_vec_ptr(&registry->mappers, m);
        for (size_t k = 0; k < mapper->props.len; k++) {
            const mr_property *prop = mapper_prop(mapper, k);
            if (prop->relationship && prop->mapper == mapper && !prop->relationship->viewonly)
                add_writer(c, prop->relationship, number++);
        }
    }
    if (c->writers.len > 0) qsort(c->writers.data, c->writers.len, sizeof(writer), by_column);
}

/* Some of the writers, in the order of their numbers. */
typedef struct range {
    const writer *next, *end;
} range;

/* The first of the writers whose column is the given one or, with after, behind it. */
static const writer *first_writer(const mr_vec *writers, const mr_column *column, bool after) {
    const writer *all = writers->data;
    size_t low = 0, high = writers->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uintptr_t at = (uintptr_t)all[middle].column;
        if (at < (uintptr_t)column || (after && at == (uintptr_t)column)) low = middle + 1;
        else high = middle;
    }
    return all + low;
}

static range writers_of(const mr_vec *writers, const mr_column *column) {
    return (range){first_writer(writers, column, false), first_writer(writers, column, true)};
}

/* Who may write the same key: the writers of that of its columns that the fewest write. What all keys have in common,
 * as a tenant, says nothing. */
static range writers_of_key(const mr_vec *writers, const written *key) {
    range best = {NULL, NULL};
    for (unsigned i = 0; i < key->n; i++) {
        range r = writers_of(writers, column_at(key, i));
        if (!best.next || r.end - r.next < best.end - best.next) best = r;
    }
    return best;
}

/* ---------------------------------------------------------------- telling */

static void compare(const configuration *c, const plan *p, const mr_relationship *b) {
    const mr_relationship *a = p->rel;
    if (b->plan && b->plan->number < p->number) return; /* compared from the other's side */
    const mr_column *key = may_conflict(a, b) ? shared_key(a, b) : NULL;
    if (!key) return;
    mr_warn(c->env,
            "%s.%s and %s.%s both write %s.%s, and do not know of each other: link them with back_populates, or "
            "make one of them viewonly",
            a->prop->mapper->name, a->prop->name, b->prop->mapper->name, b->prop->name, key->table->name, key->name);
}

/* Each relationship that writes a part of the same once, in their order. */
static void compare_all(const configuration *c, const plan *p, const mr_vec *writers) {
    written parts[2];
    range ranges[2] = {{NULL, NULL}, {NULL, NULL}};
    unsigned n = written_by(p->rel, parts);
    for (unsigned i = 0; i < n; i++) ranges[i] = writers_of_key(writers, &parts[i]);
    const mr_relationship *last = NULL;
    for (;;) {
        bool left[2] = {ranges[0].next < ranges[0].end, ranges[1].next < ranges[1].end};
        if (!left[0] && !left[1]) return;
        bool second = !left[0] || (left[1] && ranges[1].next->number < ranges[0].next->number);
        const mr_relationship *b = ranges[second].next++->rel;
        if (b != last) compare(c, p, b);
        last = b;
    }
}

void mr_configure_warn(configuration *c) {
    find_writers(c);
    for (size_t i = 0; c->writers.len > 0 && i < c->plans.len; i++)
        if (!plan_at(c, i)->rel->viewonly) compare_all(c, plan_at(c, i), &c->writers);
}

/*
 * option_list.c: the array of a query's options, which the queries of a chain share, so that a chain of n options takes
 * time for n options, and not for their squares.
 *
 * Invariant: an option in the list is never changed, and never moves, while another query shares the list. A query has
 * the first noptions of it; only the query that has all of them appends to it.
 */
#include "copy.h"

struct mr_option_list {
    uint32_t refs;
    unsigned n, capacity;
    mr_option items[];
};

static void retain_parts(const mr_option *o) {
    mr_option_path_retain(o->path);
    mr_node_retain(o->alias);
    mr_node_retain(o->start);
    mr_loader_criterion_retain(o->criterion);
    mr_node_retain(o->limit_by);
}

static void release_parts(mr_env *env, mr_option *o) {
    mr_node_release(o->alias);
    mr_node_release(o->start);
    mr_node_release(o->limit_by);
    mr_option_path_release(env, o->path);
    mr_loader_criterion_release(o->criterion);
}

mr_option_list *mr_option_list_retain(mr_option_list *list) {
    if (list) list->refs++;
    return list;
}

void mr_option_list_release(mr_env *env, mr_option_list *list) {
    if (!list || --list->refs > 0) return;
    for (unsigned i = 0; i < list->n; i++) release_parts(env, &list->items[i]);
    mr_free(env, list);
}

/* Puts a list with the query's options, and room for more, in place of the query's. */
static mr_status renew(mr_query *c, unsigned capacity) {
    mr_option_list *list = mr_alloc(c->env, sizeof *list + capacity * sizeof *list->items);
    if (!list) return MR_FAIL;
    list->refs = 1;
    list->capacity = capacity;
    list->n = c->noptions;
    for (unsigned i = 0; i < list->n; i++) {
        list->items[i] = c->options[i];
        retain_parts(&list->items[i]);
    }
    mr_option_list_release(c->env, c->option_list);
    c->option_list = list;
    c->options = list->items;
    return MR_OK;
}

mr_status mr_option_list_reserve(mr_query *c, unsigned n) {
    enum { FEW = 4 };
    const mr_option_list *list = c->option_list;
    if (list && list->n == c->noptions && list->capacity - list->n >= n) return MR_OK;
    return renew(c, c->noptions < FEW ? c->noptions + n : 2 * (c->noptions + n));
}

mr_option *mr_option_list_next(mr_query *c) {
    c->option_list->n++;
    return &c->options[c->noptions++];
}

mr_status mr_option_list_own(mr_query *c) {
    const mr_option_list *list = c->option_list;
    return !list || (list->refs == 1 && list->n == c->noptions) ? MR_OK : renew(c, c->noptions);
}

void mr_option_list_cut(mr_query *c, unsigned n) {
    if (c->option_list) c->option_list->n = n;
    c->noptions = n;
}

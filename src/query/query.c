/*
 * query.c: makes, copies and releases queries, and adds clauses.
 *
 * Invariant: a query that a caller has received is never changed: clauses are added to a copy. Each query has arrays of
 * its own; nodes and entities are shared, with a reference for each query.
 */
#include "copy.h"

#include <string.h>

/* ---------------------------------------------------------------- life */

static void release_item(mr_query_item *item) {
    mr_node_release(item->alias);
    mr_node_release(item->expression);
}

static void release_items(mr_env *env, mr_query_item *items, unsigned n) {
    for (unsigned i = 0; i < n; i++) release_item(&items[i]);
    mr_free(env, items);
}

static void release_select(mr_select *s) {
    mr_node *const nodes[] = {s->columns, s->from,   s->where,       s->group_by,  s->having, s->order_by,
                              s->limit,   s->offset, s->distinct_on, s->correlate, s->with};
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) mr_node_release(nodes[i]);
}

static void retain_select(const mr_select *s) {
    mr_node *const nodes[] = {s->columns, s->from,   s->where,       s->group_by,  s->having, s->order_by,
                              s->limit,   s->offset, s->distinct_on, s->correlate, s->with};
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) mr_node_retain(nodes[i]);
}

mr_query *mr_query_retain(mr_query *q) {
    if (q) q->refs++;
    return q;
}

void mr_query_release(mr_query *q) {
    if (!q || --q->refs > 0) return;
    release_items(q->env, q->items, q->nitems);
    for (unsigned i = 0; i < q->njoins; i++) {
        mr_node_release(q->joins[i].left_alias);
        mr_node_release(q->joins[i].target);
        mr_node_release(q->joins[i].on);
        mr_node_release(q->joins[i].from);
    }
    mr_free(q->env, q->joins);
    mr_option_list_release(q->env, q->option_list);
    for (unsigned i = 0; i < q->nparents; i++) {
        mr_node_release(q->parents[i].alias);
        mr_entity_unpin(q->parents[i].parent);
    }
    mr_free(q->env, q->parents);
    for (unsigned i = 0; i < q->nparams; i++) mr_value_clear(q->env, &q->params[i].value);
    mr_free(q->env, q->params);
    release_select(&q->clauses);
    mr_node_release(q->statement);
    mr_node_release(q->united);
    mr_free(q->env, q->tag);
    mr_free(q->env, q);
}

const char *mr_query_name(mr_env *env, const char *name, bool *failed) {
    if (!name) return NULL;
    const char *interned = mr_intern(env, name, strlen(name));
    if (!interned) *failed = true;
    return interned;
}

/* Copies n items. Consumes their nodes, also on failure. */
static mr_query_item *copy_items(mr_env *env, const mr_query_item *items, unsigned n) {
    mr_query_item *copy = mr_alloc(env, (n ? n : 1) * sizeof *copy);
    bool failed = !copy;
    for (unsigned i = 0; i < n && !failed; i++) {
        copy[i] = items[i];
        copy[i].name = mr_query_name(env, items[i].name, &failed);
    }
    if (!failed) return copy;
    mr_free(env, copy);
    for (unsigned i = 0; i < n; i++) {
        mr_node_release(items[i].alias);
        mr_node_release(items[i].expression);
    }
    return NULL;
}

mr_query *mr_query_new(mr_env *env, const mr_query_item *items, unsigned n, bool core_labels) {
    mr_query_item *copy = copy_items(env, items, n);
    if (!copy) return NULL;
    mr_query *q = mr_calloc(env, sizeof *q);
    if (!q) {
        release_items(env, copy, n);
        return NULL;
    }
    q->refs = 1;
    q->env = env;
    q->core_labels = core_labels;
    q->items = copy;
    q->nitems = n;
    q->autoflush = true;
    if (n > 0) q->cardinality_name = copy[0].mapper ? copy[0].mapper->name : copy[0].name;
    return q;
}

/* ---------------------------------------------------------------- copying */

static void *copy_array(mr_env *env, const void *array, unsigned n, size_t size, bool *failed) {
    if (n == 0 || *failed) return NULL;
    void *copy = mr_alloc(env, n * size);
    if (copy) memcpy(copy, array, n * size);
    else *failed = true;
    return copy;
}

/* The count of an array is set only when the copy owns its elements, so that the copy can be released after a failure.
 */
static void copy_arrays(const mr_query *q, mr_query *c, bool *failed) {
    mr_env *env = q->env;
    c->items = copy_array(env, q->items, q->nitems, sizeof *q->items, failed);
    if (c->items) c->nitems = q->nitems;
    for (unsigned i = 0; i < c->nitems; i++) {
        mr_node_retain(c->items[i].alias);
        mr_node_retain(c->items[i].expression);
    }
    c->joins = copy_array(env, q->joins, q->njoins, sizeof *q->joins, failed);
    if (c->joins) c->njoins = q->njoins;
    for (unsigned i = 0; i < c->njoins; i++) {
        mr_node_retain(c->joins[i].left_alias);
        mr_node_retain(c->joins[i].target);
        mr_node_retain(c->joins[i].on);
        mr_node_retain(c->joins[i].from);
    }
    c->parents = copy_array(env, q->parents, q->nparents, sizeof *q->parents, failed);
    if (c->parents) c->nparents = q->nparents;
    for (unsigned i = 0; i < c->nparents; i++) {
        mr_node_retain(c->parents[i].alias);
        mr_entity_pin(c->parents[i].parent);
    }
}

static void copy_params(const mr_query *q, mr_query *c, bool *failed) {
    c->params = copy_array(q->env, q->params, q->nparams, sizeof *q->params, failed);
    if (!c->params) return;
    for (unsigned i = 0; i < q->nparams; i++) {
        if (mr_value_copy(q->env, &c->params[i].value, &q->params[i].value) != MR_OK) {
            *failed = true;
            return;
        }
        c->nparams = i + 1;
    }
}

mr_query *mr_query_copy(const mr_query *q) {
    mr_query *c = mr_alloc(q->env, sizeof *c);
    if (!c) return NULL;
    *c = *q;
    c->refs = 1;
    c->items = NULL, c->joins = NULL, c->parents = NULL, c->params = NULL;
    c->nitems = c->njoins = c->nparents = c->nparams = 0;
    mr_option_list_retain(c->option_list);
    c->tag = NULL;
    retain_select(&c->clauses);
    mr_node_retain(c->statement);
    mr_node_retain(c->united);
    bool failed = false;
    copy_arrays(q, c, &failed);
    copy_params(q, c, &failed);
    if (q->tag && !(c->tag = mr_strndup(q->env, q->tag, strlen(q->tag)))) failed = true;
    if (!failed) return c;
    mr_query_release(c);
    return NULL;
}

void *mr_query_grow(mr_env *env, void *array, unsigned count, size_t element_size) {
    return mr_realloc(env, array, (count + (size_t)1) * element_size);
}

/* ---------------------------------------------------------------- clauses */

/* Replaces *place by node, and releases the old node. When node is NULL, releases the query and returns NULL. */
static mr_query *with_node(mr_query *c, mr_node **place, mr_node *node) {
    *place = node;
    if (node) return c;
    mr_query_release(c);
    return NULL;
}

/* Returns the copy to change. Without memory, releases node, which the caller has received. */
static mr_query *begin(const mr_query *q, mr_node *node) {
    mr_query *c = mr_query_copy(q);
    if (!c) mr_node_release(node);
    return c;
}

/* A list with item, or the items of a LIST, behind those of list. Consumes both. */
static mr_node *append_to(mr_env *env, mr_node *list, mr_node *item) {
    if (item->kind != MR_NODE_LIST || item->op != MR_OP_COMMA) return mr_sql_list_append(env, list, item);
    for (uint32_t i = 0; i < item->n; i++) {
        list = mr_sql_list_append(env, list, mr_node_retain(item->child[i]));
        if (!list) break;
    }
    mr_node_release(item);
    return list;
}

mr_query *mr_query_where(const mr_query *q, mr_node *criterion) {
    if (!criterion) return NULL;
    mr_query *c = begin(q, criterion);
    return c ? with_node(c, &c->clauses.where, mr_sql_and(c->env, c->clauses.where, criterion)) : NULL;
}

mr_query *mr_query_having(const mr_query *q, mr_node *criterion) {
    if (!criterion) return NULL;
    mr_query *c = begin(q, criterion);
    return c ? with_node(c, &c->clauses.having, mr_sql_and(c->env, c->clauses.having, criterion)) : NULL;
}

static mr_query *add_to_list(const mr_query *q, size_t offset, mr_node *item) {
    mr_query *c = begin(q, item);
    if (!c) return NULL;
    mr_node **place = (mr_node **)(void *)((char *)&c->clauses + offset);
    if (item) return with_node(c, place, append_to(c->env, *place, item));
    mr_node_release(*place);
    *place = NULL;
    return c;
}

mr_query *mr_query_order_by(const mr_query *q, mr_node *item) {
    mr_query *c = add_to_list(q, offsetof(mr_select, order_by), item);
    for (unsigned i = 0; c && !item && i < c->nparents; i++) c->parents[i].ordered = false; /* not returned yet */
    for (unsigned i = 0; c && !item && i < c->njoins; i++) c->joins[i].ordered = false;
    return c;
}

mr_query *mr_query_group_by(const mr_query *q, mr_node *item) {
    return add_to_list(q, offsetof(mr_select, group_by), item);
}

mr_query *mr_query_select_from(const mr_query *q, mr_node *from) {
    return from ? add_to_list(q, offsetof(mr_select, from), from) : NULL;
}

mr_query *mr_query_select_rows_from(const mr_query *q, mr_node *from) {
    mr_query *c = mr_query_select_from(q, from);
    if (c) c->sources = true; /* not returned yet */
    return c;
}

mr_query *mr_query_correlate(const mr_query *q, mr_node *froms) {
    return froms ? add_to_list(q, offsetof(mr_select, correlate), froms) : NULL;
}

mr_query *mr_query_correlate_list(const mr_query *q, mr_node *froms, bool except) {
    mr_query *c = froms ? begin(q, froms) : NULL;
    if (!c) return NULL;
    mr_node_release(c->clauses.correlate);
    c->clauses.correlate = froms;
    c->clauses.correlate_except = except;
    return c;
}

mr_query *mr_query_add_cte(const mr_query *q, mr_node *cte) {
    return cte ? add_to_list(q, offsetof(mr_select, with), cte) : NULL;
}

/* A query with the node in place of the clause at that offset. Consumes node. */
static mr_query *with_clause(const mr_query *q, size_t clause, mr_node *node) {
    mr_query *c = begin(q, node);
    if (!c) return NULL;
    mr_node **place = (mr_node **)(void *)((char *)&c->clauses + clause);
    mr_node_release(*place);
    *place = node;
    return c;
}

mr_query *mr_query_limit(const mr_query *q, mr_node *limit) {
    return with_clause(q, offsetof(mr_select, limit), limit);
}

mr_query *mr_query_offset(const mr_query *q, mr_node *offset) {
    return with_clause(q, offsetof(mr_select, offset), offset);
}

mr_query *mr_query_distinct(const mr_query *q, mr_node *on) {
    mr_query *c = begin(q, on);
    if (!c) return NULL;
    c->clauses.distinct = true;
    return on ? with_node(c, &c->clauses.distinct_on, append_to(c->env, c->clauses.distinct_on, on)) : c;
}

mr_query *mr_query_not_distinct(const mr_query *q) {
    mr_query *c = mr_query_copy(q);
    if (!c) return NULL;
    mr_node_release(c->clauses.distinct_on);
    c->clauses.distinct_on = NULL;
    c->clauses.distinct = false;
    return c;
}

mr_query *mr_query_for_update(const mr_query *q, const char *mode) {
    mr_query *c = mr_query_copy(q);
    if (!c) return NULL;
    bool failed = false;
    c->clauses.for_update = true;
    c->clauses.for_update_mode = mr_query_name(c->env, mode, &failed);
    if (!failed) return c;
    mr_query_release(c);
    return NULL;
}

/* ---------------------------------------------------------------- statements, parameters, flags */

mr_query *mr_query_with_items(const mr_query *q, const mr_query_item *items, unsigned n, bool append) {
    mr_query_item *taken = copy_items(q->env, items, n);
    if (!taken) return NULL;
    mr_query *c = mr_query_copy(q);
    if (!c) {
        release_items(q->env, taken, n);
        return NULL;
    }
    if (!append) {
        release_items(c->env, c->items, c->nitems);
        c->items = taken;
        c->nitems = n;
        c->cardinality_name = n == 0 ? NULL : taken[0].mapper ? taken[0].mapper->name : taken[0].name;
        return c;
    }
    mr_query_item *all = mr_realloc(c->env, c->items, (c->nitems + n + (size_t)1) * sizeof *all);
    if (!all) {
        release_items(c->env, taken, n);
        mr_query_release(c);
        return NULL;
    }
    memcpy(all + c->nitems, taken, n * sizeof *all);
    mr_free(c->env, taken);
    c->items = all;
    c->nitems += n;
    return c;
}

mr_query *mr_query_param_value(const mr_query *q, const char *name, const mr_value *value) {
    mr_query *c = mr_query_copy(q);
    if (!c) return NULL;
    bool failed = false;
    const char *interned = mr_query_name(c->env, name, &failed);
    mr_value copy = mr_null_value();
    if (failed || mr_value_copy(c->env, &copy, value) != MR_OK) goto fail;
    for (unsigned i = 0; i < c->nparams; i++) {
        if (c->params[i].name != interned) continue;
        mr_value_clear(c->env, &c->params[i].value);
        c->params[i].value = copy;
        return c;
    }
    struct mr_query_param *grown = mr_query_grow(c->env, c->params, c->nparams, sizeof *grown);
    if (!grown) goto fail;
    c->params = grown;
    c->params[c->nparams].name = interned;
    c->params[c->nparams++].value = copy;
    return c;
fail:
    mr_value_clear(q->env, &copy);
    mr_query_release(c);
    return NULL;
}

mr_query *mr_query_from_statement(const mr_query *q, mr_node *statement) {
    if (!statement) return NULL;
    mr_query *c = begin(q, statement);
    if (!c) return NULL;
    mr_node_release(c->statement);
    c->statement = statement;
    return c;
}

mr_query *mr_query_returned(mr_mapper *mapper, mr_node *statement, bool populate, const mr_named_value *named,
                            size_t n) {
    mr_query_item item = {mapper, NULL, NULL, mapper->name};
    mr_query *plain = mr_query_new(mapper->env, &item, 1, false);
    mr_query *q = plain ? mr_query_from_statement(plain, mr_node_retain(statement)) : NULL;
    mr_query_release(plain);
    if (q) q->populate_existing = populate;
    for (size_t i = 0; q && i < n; i++) {
        mr_query *next = mr_query_param_value(q, named[i].name, &named[i].value);
        mr_query_release(q);
        q = next;
    }
    return q;
}

mr_query *mr_query_yield_per(const mr_query *q, uint32_t rows) {
    mr_query *c = mr_query_copy(q);
    if (c) c->yield_per = rows;
    return c;
}

mr_query *mr_query_flags(const mr_query *q, int populate_existing, int autoflush) {
    mr_query *c = mr_query_copy(q);
    if (!c) return NULL;
    if (populate_existing >= 0) c->populate_existing = populate_existing != 0;
    if (autoflush >= 0) c->autoflush = autoflush != 0;
    return c;
}

mr_query *mr_query_tag(const mr_query *q, const char *tag) {
    mr_query *c = mr_query_copy(q);
    if (!c) return NULL;
    mr_free(c->env, c->tag);
    if ((c->tag = mr_strndup(c->env, tag, strlen(tag)))) return c;
    mr_query_release(c);
    return NULL;
}

mr_query *mr_query_timeout(const mr_query *q, double seconds) {
    mr_query *c = mr_query_copy(q);
    if (c) c->timeout = seconds;
    return c;
}

mr_query *mr_query_bad_values(const mr_query *q, mr_bad_values how) {
    mr_query *c = mr_query_copy(q);
    if (c) c->bad_values = how;
    return c;
}

static bool node_writes(const mr_node *node) { return node && node->flags & MR_NODE_WRITES; }

bool mr_query_writes(const mr_query *q) {
    const mr_select *s = &q->clauses;
    const mr_node *const nodes[] = {s->from,     s->where, s->having,    s->group_by,
                                    s->order_by, s->with,  q->statement, q->united};
    bool writes = false;
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes && !writes; i++) writes = node_writes(nodes[i]);
    for (unsigned i = 0; i < q->nitems && !writes; i++)
        writes = node_writes(q->items[i].expression) || node_writes(q->items[i].alias);
    for (unsigned i = 0; i < q->njoins && !writes; i++)
        writes = node_writes(q->joins[i].target) || node_writes(q->joins[i].on);
    return writes;
}

bool mr_query_has_joins(const mr_query *q) {
    for (unsigned i = 0; i < q->njoins; i++)
        if (!q->joins[i].implied) return true;
    return false;
}

const char *mr_query_clause_method(const mr_query *q) {
    const mr_select *c = &q->clauses;
    if (mr_query_has_joins(q)) return "join";
    if (c->from) return "select_from";
    if (c->group_by) return "group_by";
    if (c->having) return "having";
    if (c->order_by) return "order_by";
    if (c->limit) return "limit";
    if (c->offset) return "offset";
    if (c->distinct || c->distinct_on) return "distinct";
    if (c->for_update) return "with_for_update";
    if (c->with) return "add_cte";
    return q->nparents ? "with_parent" : NULL;
}

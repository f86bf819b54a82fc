/*
 * subquery.c: loads a relationship of all parents with one statement, which contains the parents' query as a subquery.
 *
 * Invariant: the subquery returns all parents that are in memory. The keys are used instead, as by selectin, if there
 * is no such query (the parents were loaded by get, or by a join), if it might return other rows when it runs again, or
 * if the condition was written by the program. If only ties in the order may change the rows, the parents that are
 * missing are loaded afterwards.
 */
#include "prepared/cache.h"
#include "plan/planner.h"
#include "job.h"

#include <stdio.h>

enum { MAX_NESTED = 10 };

static mr_query *then(mr_query *old, mr_query *made) {
    mr_query_release(old);
    return made;
}

/* The item of the parents' query that the parents come from, or NULL. */
static const mr_query_item *parent_item(const mr_job *job) {
    if (!job->query || job->query->statement) return NULL;
    for (uint16_t i = 0; i < job->plan->nitems && i < job->query->nitems; i++)
        if (job->plan->items[i].entity != MR_PLAN_NONE &&
            &job->plan->entities[job->plan->items[i].entity] == job->entity && job->query->items[i].mapper)
            return &job->query->items[i];
    return NULL;
}

static bool is_plain(const mr_relationship *rel) {
    if (!rel->simple || rel->mixed || rel->npairs == 0) return false;
    for (unsigned i = 0; i < rel->npairs; i++)
        if (rel->pairs[i].local_slot == UINT16_MAX) return false;
    return true;
}

static bool keys_are_unique(const mr_relationship *rel) {
    for (uint16_t k = 0; k < rel->parent->npk; k++) {
        bool found = false;
        for (unsigned i = 0; i < rel->npairs && !found; i++)
            found = rel->pairs[i].local_slot == rel->parent->pk_slots[k];
        if (!found) return false;
    }
    return true;
}

/* ---------------------------------------------------------------- can the query be repeated? */

static bool is_item_column(const mr_node *x, const mr_query_item *item, const mr_column *column) {
    while (x->kind == MR_NODE_LABEL || (x->kind == MR_NODE_UNARY && x->op >= MR_OP_ASC && x->op <= MR_OP_NULLS_LAST))
        x = x->child[0];
    if (x->kind != MR_NODE_COLUMN || x->u.column != column) return false;
    if (x->n > 0) return x->child[0] == item->alias;
    return !item->alias || mr_reads_subquery(item->alias);
}

/* Does the list (may be NULL) contain the whole primary key of the item? */
static bool names_key(const mr_node *list, const mr_query_item *item) {
    for (uint16_t k = 0; k < item->mapper->npk; k++) {
        const mr_column *column = mr_mapper_at_slot(item->mapper, item->mapper->pk_slots[k])->column;
        bool found = false;
        for (uint32_t i = 0; list && i < list->n && !found; i++) found = is_item_column(list->child[i], item, column);
        if (!found) return false;
    }
    return true;
}

static bool is_limited(const mr_query *q) { return q->clauses.limit || q->clauses.offset; }

/* Does the query return the same rows when it runs again? With a limit only if it has an order; with a group only if
 * the group has the key. */
static bool is_repeatable(const mr_query *q, const mr_query_item *item) {
    const mr_select *s = &q->clauses;
    if (s->distinct_on) return false;
    if ((s->group_by || s->having) && !names_key(s->group_by, item)) return false;
    return !is_limited(q) || s->order_by;
}

/* Does the order tell all rows apart? If not, rows with equal order may be beyond the limit the next time. */
static bool is_total(const mr_query *q, const mr_query_item *item) {
    return !is_limited(q) || names_key(q->clauses.order_by, item);
}

/* Has a parent a key that is changed and not flushed? The database does not know it. */
static bool has_changed_key(const mr_job *job) {
    const mr_relationship *rel = job->follow->prop->relationship;
    for (size_t p = job->next; p < job->parents.len; p++) {
        const mr_entity *parent = mr_vec_ptr(&job->parents, p);
        for (unsigned i = 0; (parent->flags & MR_ENTITY_MODIFIED) && i < rel->npairs; i++)
            if (mr_entity_is_dirty(parent, rel->pairs[i].local_slot)) return true;
    }
    return false;
}

/* ---------------------------------------------------------------- the parents' query */

static const mr_property *local_property(const mr_relationship *rel, unsigned i) {
    return mr_mapper_property_of_column(rel->parent, rel->pairs[i].local);
}

/* A name that no column or label of a program can have. NULL: no memory. */
static const char *key_name(mr_env *env, unsigned i) {
    char name[24];
    int n = snprintf(name, sizeof name, "parent key %u", i + 1);
    return mr_intern(env, name, (size_t)n);
}

static mr_node *named_key(mr_env *env, unsigned i, mr_node *key) {
    const char *name = key_name(env, i);
    if (name) return mr_sql_label(env, name, key);
    mr_node_release(key);
    return NULL;
}

/* Adds an expression to the items of the query. Consumes it; NULL fails. */
static mr_query *with_key(mr_query *q, mr_node *expression) {
    mr_query_item key = {.expression = expression};
    return then(q, expression ? mr_query_with_items(q, &key, 1, true) : NULL);
}

/* The relationship's local column that `from` has. A subclass's table may repeat columns of its base, which alone is
 * read then: both have the same value. NULL: it has none. */
static const mr_column *local_column(const mr_relationship *rel, unsigned i, mr_node *from) {
    const mr_column *column = rel->pairs[i].local;
    if (from->kind != MR_NODE_JOIN && mr_reads_subquery(from)) return column;
    if (mr_from_leaf(from, column->table)) return column;
    const mr_property *prop = local_property(rel, i);
    return prop && mr_from_leaf(from, prop->column->table) ? prop->column : NULL;
}

/* Adds the relationship's local columns, read from `from`, to the items. MR_NOTFOUND: it is a subquery without one of
 * them. */
static mr_status add_keys(mr_job *job, mr_query **q, mr_node *from, bool named) {
    const mr_relationship *rel = job->follow->prop->relationship;
    mr_env *env = job->load->env;
    for (unsigned i = 0; *q && i < rel->npairs; i++) {
        mr_node *key = NULL;
        const mr_column *local = local_column(rel, i, from);
        if (local && mr_from_column(env, local, local_property(rel, i), from, &key) != MR_OK) return MR_FAIL;
        if (!key) return MR_NOTFOUND;
        *q = with_key(*q, named ? named_key(env, i, key) : key);
    }
    return *q ? MR_OK : MR_FAIL;
}

/* *out: the query with the keys as its only items. */
static mr_status keys_query(mr_job *job, const mr_query_item *item, mr_node *from, mr_query **out) {
    mr_env *env = job->load->env;
    mr_node *criterion = NULL;
    mr_query *q = mr_query_with_items(job->query, NULL, 0, false);
    mr_status status = q ? add_keys(job, &q, from, false) : MR_FAIL;
    *out = q;
    if (status != MR_OK) return status;
    if (mr_inheritance_criterion(env, item->mapper, from, &criterion) != MR_OK) return MR_FAIL;
    if (criterion) q = then(q, mr_query_where(q, criterion));
    if (q && !is_limited(q)) q = then(q, mr_query_order_by(q, NULL));
    if (q && !keys_are_unique(job->follow->prop->relationship)) q = then(q, mr_query_distinct(q, NULL));
    if (q && from->kind == MR_NODE_JOIN && !q->clauses.from && !q->united)
        q = then(q, mr_query_select_from(q, mr_node_retain(from)));
    /* q is our own copy, and its columns need names: */
    if (q) q->core_labels = false;
    *out = q;
    return q ? MR_OK : MR_FAIL;
}

/* *out: the distinct keys from the query with all its items. */
static mr_status whole_query(mr_job *job, mr_node *from, mr_query **out) {
    const mr_relationship *rel = job->follow->prop->relationship;
    mr_env *env = job->load->env;
    mr_node *select = NULL;
    mr_query *q = is_limited(job->query) ? mr_query_retain(job->query) : mr_query_order_by(job->query, NULL);
    mr_status status = q ? add_keys(job, &q, from, true) : MR_FAIL;
    if (status == MR_OK) status = mr_load_statement(q, true, &select);
    mr_query_release(q);
    if (status != MR_OK) return status;
    mr_node *alias = mr_sql_alias(env, select, NULL);
    q = alias ? mr_query_new(env, NULL, 0, false) : NULL;
    for (unsigned i = 0; q && i < rel->npairs; i++) {
        const mr_property *prop = local_property(rel, i);
        const char *name = key_name(env, i);
        const mr_column *key = name ? mr_stand_in_column(env, name, mr_column_type(env, rel->pairs[i].local)) : NULL;
        q = with_key(q, key ? mr_sql_column(env, key, mr_node_retain(alias), prop) : NULL);
    }
    mr_node_release(alias);
    if (q) q = then(q, mr_query_distinct(q, NULL));
    *out = q;
    return q ? MR_OK : MR_FAIL;
}

/* Does a join start at one of the items? */
static bool joins_items(const mr_query *q) {
    if (q->nitems < 2 || q->clauses.from || q->united) return false;
    for (unsigned i = 0; i < q->njoins; i++)
        if (!q->joins[i].along) return true;
    return false;
}

/* Must the query keep all its items? Its clauses may name them, and a limit counts their rows. */
static bool needs_items(const mr_job *job) {
    const mr_query *q = job->query;
    if (joins_items(q)) return true;
    for (unsigned i = 0; i < q->nitems; i++)
        if (q->items[i].mapper && mr_reads_subquery(q->items[i].alias)) return true;
    if (!is_limited(q)) return false;
    return q->clauses.distinct || q->nitems > 1 || !keys_are_unique(job->follow->prop->relationship);
}

/* *out: a query that returns the keys of the parents. MR_NOTFOUND: the parents' query cannot. */
static mr_status parents_query(mr_job *job, const mr_query_item *item, mr_query **out) {
    mr_node *from = item->alias ? mr_node_retain(item->alias) : mr_mapper_from(item->mapper);
    *out = NULL;
    if (!from) return MR_FAIL;
    mr_status status = needs_items(job) ? whole_query(job, from, out) : keys_query(job, item, from, out);
    mr_node_release(from);
    if (status == MR_OK) return MR_OK;
    mr_query_release(*out);
    *out = NULL;
    return status;
}

static mr_query *target_query(mr_job *job, mr_node *alias) {
    mr_query_item item;
    if (mr_job_target(job, &item) != MR_OK) return NULL;
    mr_query_join join = {.kind = MR_OP_INNER,
                          .along = job->follow->prop,
                          .left_alias = mr_node_retain(alias),
                          .target = mr_node_retain(item.alias),
                          .ordered = true};
    mr_query *q = mr_query_new(job->load->env, &item, 1, false);
    if (q && add_keys(job, &q, alias, false) != MR_OK) q = then(q, NULL);
    if (q) q = then(q, mr_query_select_from(q, mr_node_retain(alias)));
    if (q) q = then(q, mr_query_join_on(q, &join));
    else mr_node_release(join.left_alias), mr_node_release(join.target);
    return mr_job_options(job, q);
}

/* ---------------------------------------------------------------- the strategy */

static mr_status take_all_parents(mr_job *job) {
    const mr_relationship *rel = job->follow->prop->relationship;
    mr_env *env = job->load->env;
    mr_value *key = mr_alloc(env, rel->npairs * sizeof *key);
    mr_status status = key ? MR_OK : MR_FAIL;
    mr_gather_init(&job->gather, env, job->follow->prop, true, false, job->load->since);
    job->gather.renews = job->load->outside;
    mr_keyring_init(&job->keys, env, rel->npairs);
    for (; status == MR_OK && job->next < job->parents.len; job->next++) {
        mr_entity *parent = mr_vec_ptr(&job->parents, job->next);
        uint32_t number;
        bool missing = false;
        for (unsigned i = 0; i < rel->npairs; i++) {
            key[i] = *mr_entity_slot(parent, rel->pairs[i].local_slot);
            if (key[i].kind == MR_NULL || key[i].kind == MR_UNLOADED) missing = true;
        }
        status = mr_gather_parent(&job->gather, parent, &number);
        if (status == MR_OK && !missing) status = mr_keyring_add(&job->keys, key, number);
    }
    mr_free(env, key);
    return status;
}

static mr_status by_keys(mr_job *job) {
    job->strategy = &mr_strategy_selectin;
    return job->strategy->next(job);
}

static mr_status find_folding(const mr_job *job, bool *out) {
    const mr_relationship *rel = job->follow->prop->relationship;
    const mr_load_context *ctx = &job->load->ctx;
    mr_conn *conn;
    if (ctx->connection(ctx->ud, rel->target, &conn) != MR_OK) return MR_FAIL;
    return mr_relationship_folds(conn, rel, out);
}

static mr_status next(mr_job *job) {
    const mr_query_item *item = parent_item(job);
    mr_query *parents;
    mr_node *select = NULL;
    bool folds = false;
    if (job->next >= job->parents.len) return MR_DONE;
    if (item && find_folding(job, &folds) != MR_OK) return MR_FAIL;
    /* Parents that were joined to an item have no query of their own. With yield_per the whole query would run again
     * for each batch. And each level contains the subqueries of all levels above it, while the parsers of databases
     * have a limit. */
    if (!item || job->entity->parent != MR_PLAN_NONE || folds || job->path.n > MAX_NESTED ||
        !is_plain(job->follow->prop->relationship) || job->load->yield_per || !mr_job_knows_locals(job) ||
        !is_repeatable(job->query, item) || has_changed_key(job))
        return by_keys(job);
    mr_status status = parents_query(job, item, &parents);
    if (status == MR_NOTFOUND) return by_keys(job);
    job->unsure = !is_total(job->query, item);
    if (status == MR_OK) status = take_all_parents(job);
    if (status == MR_OK) status = mr_load_statement(parents, true, &select);
    mr_query_release(parents);
    if (status != MR_OK) return MR_FAIL;
    mr_node *alias = mr_sql_alias(job->load->env, select, NULL);
    status = alias ? mr_job_start(job, target_query(job, alias)) : MR_FAIL;
    mr_node_release(alias);
    return status;
}

static mr_status row(mr_job *job) { return mr_job_give_child(job, 1, 0); }

/* Are the two values certainly different in an order? A collation may ignore case. */
static bool is_apart(mr_env *env, const mr_value *a, const mr_value *b) {
    if (!mr_kind_is_bytes(a->kind) || a->kind != b->kind || a->len != b->len)
        return a->kind == MR_UNLOADED || b->kind == MR_UNLOADED ? false : !mr_value_equal(env, a, b);
    for (uint32_t i = 0; i < a->len; i++)
        if ((a->u.s[i] | 0x20) != (b->u.s[i] | 0x20)) return true;
    return false;
}

/* May the two parents be equal in the query's order? */
static bool may_tie(const mr_job *job, const mr_query_item *item, mr_entity *a, mr_entity *b) {
    const mr_node *order = job->query->clauses.order_by;
    for (uint32_t i = 0; i < order->n; i++) {
        for (size_t k = 0; k < item->mapper->columns.len; k++) {
            const mr_property *prop = mr_vec_ptr(&item->mapper->columns, k);
            if (is_item_column(order->child[i], item, prop->column) &&
                is_apart(job->load->env, mr_entity_slot(a, prop->slot), mr_entity_slot(b, prop->slot)))
                return false;
        }
    }
    return true;
}

/* Keeps the parents without a row that may be equal, in the order, to the first or last one: they are loaded by their
 * keys. */
static void keep_possible_ties(mr_job *job) {
    size_t n = 0;
    const mr_query_item *item = parent_item(job);
    const mr_select *clauses = &job->query->clauses;
    for (size_t i = 0; i < job->parents.len; i++) {
        mr_entity *parent = mr_vec_ptr(&job->parents, i);
        bool at_edge = (clauses->offset && may_tie(job, item, parent, job->first)) ||
                       (clauses->limit && may_tie(job, item, parent, job->last));
        if (at_edge && mr_gather_skip_empty(&job->gather, mr_gather_number_of(&job->gather, parent)))
            *(mr_entity **)mr_vec_at(&job->parents, n++) = parent;
    }
    job->parents.len = n;
    job->next = 0;
    job->strategy = &mr_strategy_selectin;
}

static mr_status end(mr_job *job) {
    if (job->unsure) keep_possible_ties(job);
    return mr_gather_finish(&job->gather);
}

const mr_strategy mr_strategy_subquery = {
    .word = "subquery", .option = "subqueryload", .next = next, .row = row, .end = end};

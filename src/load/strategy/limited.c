/*
 * limited.c: the query for the first items of each parent.
 *
 * A subquery numbers the items of each parent by a window function; the query joins the targets whose number is small
 * enough. Invariant: the numbers follow the order that the option gives, or else that of the relationship, and then the
 * target's primary key, so that the same items come again. The order loses no item: what it names of a subclass is NULL
 * in other items.
 */
#include "plan/planner.h"
#include "job.h"

#include <stdio.h>

/* What the subquery is made of: its query, and the columns by which a row is found again. */
typedef struct limited {
    const mr_job *job;
    mr_env *env;
    mr_relationship *rel;
    mr_node *parent;  /* joined: the alias of the parent's table; else NULL */
    unsigned nkeys;   /* columns of the parent's key */
    mr_node **keys;   /* nkeys expressions, owned */
    uint16_t ntarget; /* columns of the target's key */
    mr_node **target; /* ntarget expressions, owned */
    mr_node *by;      /* the order, read from the target's tables and the link; owned, or NULL */
    bool by_link;     /* the order names columns of the link */
} limited;

static mr_query *then(mr_query *old, mr_query *made) {
    mr_query_release(old);
    return made;
}

/* A name that no column of a program can have. NULL: no memory. */
static const char *name_of(mr_env *env, const char *what, unsigned i) {
    char name[32];
    int n = snprintf(name, sizeof name, "%s %u", what, i + 1);
    return mr_intern(env, name, (size_t)n);
}

static const char PARENT_KEY[] = "parent key", TARGET_KEY[] = "target key", PLACE[] = "place";

/* Adds an expression under the name. Consumes it and the query; NULL fails. */
static mr_query *with_named(mr_query *q, const char *name, mr_node *expression) {
    if (!q || !name || !expression) {
        mr_node_release(expression);
        return then(q, NULL);
    }
    mr_query_item item = {.expression = mr_sql_label(q->env, name, expression)};
    return then(q, item.expression ? mr_query_with_items(q, &item, 1, true) : NULL);
}

static void done(limited *l) {
    for (unsigned i = 0; l->keys && i < l->nkeys; i++) mr_node_release(l->keys[i]);
    for (unsigned i = 0; l->target && i < l->ntarget; i++) mr_node_release(l->target[i]);
    mr_free(l->env, l->keys);
    mr_free(l->env, l->target);
    mr_node_release(l->parent);
    mr_node_release(l->by);
}

/* ---------------------------------------------------------------- the order */

/* An attribute of a subclass stands for its column alone: the order chooses no rows. */
static mr_node *read_plainly(void *ud, const mr_node *node) {
    return node->n == 0 && node->reader ? mr_sql_column(ud, node->u.column, NULL, node->annotation) : NULL;
}

/* Looks for a column of the link (of: NULL), or of a table that is not `of`. Subqueries name what they like. */
typedef struct search {
    const mr_table *of, *link;
    bool found;
} search;

static bool find_column(void *ud, const mr_node *node) {
    search *s = ud;
    if (node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    if (node->kind == MR_NODE_COLUMN && node->n == 0 && node->u.column->table)
        if (s->of ? node->u.column->table != s->of : node->u.column->table == s->link) s->found = true;
    return true;
}

static bool names(const mr_node *order, const mr_table *of, const mr_table *link) {
    search s = {of, link, false};
    mr_node_walk(order, find_column, &s);
    return s.found;
}

/* The rows are grouped by the keys, because two links may lead to one item: an expression that the key of the item does
 * not decide is that of the first link in the order. Consumes order. */
static mr_node *first_of_group(mr_env *env, const mr_table *of, mr_node *order, bool descends) {
    if (!order || !names(order, of, NULL)) return order;
    if (order->kind == MR_NODE_UNARY && order->op >= MR_OP_ASC && order->op <= MR_OP_NULLS_LAST) {
        mr_op op = order->op;
        mr_node *x = first_of_group(env, of, mr_node_retain(order->child[0]), descends || op == MR_OP_DESC);
        mr_node_release(order);
        return x ? mr_sql_unary(env, op, x) : NULL;
    }
    return mr_sql_func(env, descends ? "max" : "min", order->type, &order, 1);
}

/* Sets l->by. */
static mr_status begin_order(limited *l) {
    mr_node *by = l->job->follow->limit_by ? l->job->follow->limit_by : l->rel->order_by;
    if (!by) return MR_OK;
    by = mr_node_replace(by, read_plainly, l->env);
    l->by_link = by && l->rel->secondary && names(by, NULL, l->rel->secondary);
    uint32_t n = by && by->kind == MR_NODE_LIST ? by->n : 1;
    for (uint32_t i = 0; by && i < n; i++) {
        mr_node *item = mr_node_retain(by->kind == MR_NODE_LIST ? by->child[i] : by);
        if (l->rel->secondary) item = first_of_group(l->env, l->target[0]->u.column->table, item, false);
        l->by = mr_sql_list_append(l->env, l->by, item);
        if (!l->by) break;
    }
    mr_node_release(by);
    return l->by ? MR_OK : MR_FAIL;
}

static mr_status begin(limited *l, const mr_job *job, bool joined) {
    mr_relationship *rel = job->follow->prop->relationship;
    *l = (limited){.job = job, .env = job->load->env, .rel = rel, .ntarget = rel->target->npk};
    l->nkeys = joined ? rel->parent->npk : rel->npairs;
    l->keys = mr_calloc(l->env, (l->nkeys + (size_t)1) * sizeof(mr_node *));
    l->target = mr_calloc(l->env, (l->ntarget + (size_t)1) * sizeof(mr_node *));
    if (!l->keys || !l->target || (joined && !(l->parent = mr_tables_alias(rel->parent)))) return MR_FAIL;
    for (unsigned i = 0; i < l->nkeys; i++) {
        const mr_column *remote = joined ? NULL : rel->pairs[i].remote;
        l->keys[i] = joined ? mr_property_node(mr_mapper_at_slot(rel->parent, rel->parent->pk_slots[i]), l->parent)
                            : mr_sql_column(l->env, remote, NULL, mr_mapper_property_of_column(rel->target, remote));
        if (!l->keys[i]) return MR_FAIL;
    }
    for (uint16_t i = 0; i < l->ntarget; i++)
        if (!(l->target[i] = mr_property_node(mr_mapper_at_slot(rel->target, rel->target->pk_slots[i]), NULL)))
            return MR_FAIL;
    return begin_order(l);
}

/* ---------------------------------------------------------------- the subquery */

/* A LIST of the nodes, each with a new reference; by: a LIST of more of them before, or NULL. */
static mr_node *list_of(mr_env *env, const mr_node *by, mr_node *const *nodes, size_t n) {
    size_t more = by ? by->n : 0, count = 0;
    mr_node **all = mr_alloc(env, (more + n + 1) * sizeof(mr_node *));
    if (!all) return NULL;
    for (size_t i = 0; i < more; i++) all[count++] = mr_node_retain(by->child[i]);
    for (size_t i = 0; i < n; i++) all[count++] = mr_node_retain(nodes[i]);
    mr_node *made = mr_sql_list(env, MR_OP_COMMA, all, count);
    mr_free(env, all);
    return made;
}

/* row_number() OVER (PARTITION BY key ORDER BY order, target's key) */
static mr_node *place_of(const limited *l) {
    mr_node *function = mr_sql_func(l->env, "row_number", mr_type_simple(MR_TYPE_INTEGER), NULL, 0);
    return mr_sql_over(l->env, function, list_of(l->env, NULL, l->keys, l->nkeys),
                       list_of(l->env, l->by, l->target, l->ntarget), NULL);
}

/* Joins `to` by the condition. Consumes all; NULL fails. */
static mr_query *joined_by(mr_query *q, mr_mapper *mapper, mr_node *to, mr_node *on) {
    const mr_query_join join = {.kind = MR_OP_INNER, .mapper = mapper, .target = to, .on = on};
    if (q && to && on) return then(q, mr_query_join_on(q, &join));
    mr_node_release(to);
    mr_node_release(on);
    return then(q, NULL);
}

/* Joins the items to the parents by way of the link, which has its own name, so that the order may name it. Consumes q
 * and items. */
static mr_query *join_by_link(const limited *l, mr_query *q, mr_node *items) {
    const mr_condition c = {.env = l->env, .rel = l->rel, .local = l->parent, .remote = items};
    mr_node *primary = NULL, *secondary = NULL;
    if (!q || mr_condition_primary(&c, &primary) != MR_OK || mr_condition_secondary(&c, &secondary) != MR_OK)
        q = then(q, NULL);
    q = joined_by(q, NULL, mr_sql_table(l->env, l->rel->secondary), primary);
    return joined_by(q, l->rel->target, items, secondary);
}

static mr_query *join_to_parents(const limited *l, mr_query *q, mr_node *items) {
    q = then(q, mr_query_select_from(q, mr_node_retain(l->parent)));
    if (l->by_link) return join_by_link(l, q, items);
    mr_query_join join = {
        .kind = MR_OP_INNER, .along = l->job->follow->prop, .left_alias = mr_node_retain(l->parent), .target = items};
    if (q) return then(q, mr_query_join_on(q, &join));
    mr_node_release(join.left_alias);
    mr_node_release(items);
    return NULL;
}

/* The items alone, which have the parents' keys. Consumes q and items. */
static mr_query *select_items(const limited *l, mr_query *q, mr_node *items) {
    mr_node *class_of = NULL;
    if (mr_inheritance_criterion(l->env, l->rel->target, items, &class_of) != MR_OK) q = then(q, NULL);
    if (q && class_of) q = then(q, mr_query_where(q, class_of));
    else mr_node_release(class_of);
    if (q) return then(q, mr_query_select_from(q, items));
    mr_node_release(items);
    return NULL;
}

/* Where the rows come from, and which: the targets of these parents. Consumes q. */
static mr_query *from_parents(const limited *l, mr_query *q, const mr_value *keys, size_t count) {
    mr_node **columns = mr_calloc(l->env, (l->nkeys + (size_t)1) * sizeof(mr_node *));
    mr_node *items = mr_tables_for(l->rel->target, false, l->by);
    if (!q || !items) {
        mr_node_release(items);
        q = then(q, NULL);
    } else if (l->parent) {
        q = join_to_parents(l, q, items);
    } else {
        q = select_items(l, q, items);
    }
    for (unsigned i = 0; columns && i < l->nkeys; i++) columns[i] = mr_node_retain(l->keys[i]);
    mr_node *criterion = q && columns ? mr_keys_criterion(l->env, columns, l->nkeys, keys, count) : NULL;
    for (unsigned i = 0; columns && !q && i < l->nkeys; i++) mr_node_release(columns[i]);
    mr_free(l->env, columns);
    return q ? then(q, mr_query_where(q, criterion)) : NULL;
}

/* *out: the numbered items as a FROM object. */
static mr_status numbered(const limited *l, const mr_value *keys, size_t count, mr_node **out) {
    mr_env *env = l->env;
    mr_node *select = NULL;
    mr_query *q = mr_query_new(env, NULL, 0, false);
    for (unsigned i = 0; i < l->nkeys; i++) q = with_named(q, name_of(env, PARENT_KEY, i), mr_node_retain(l->keys[i]));
    for (uint16_t i = 0; i < l->ntarget; i++)
        q = with_named(q, name_of(env, TARGET_KEY, i), mr_node_retain(l->target[i]));
    q = with_named(q, name_of(env, PLACE, 0), q ? place_of(l) : NULL);
    q = from_parents(l, q, keys, count);
    /* A link that is in its table twice is one item. */
    if (q && l->rel->secondary) {
        mr_node *group = list_of(env, NULL, l->keys, l->nkeys);
        mr_node *both = group ? list_of(env, group, l->target, l->ntarget) : NULL;
        mr_node_release(group);
        q = then(q, both ? mr_query_group_by(q, both) : NULL);
    }
    mr_status status = q ? mr_load_statement(q, true, &select) : MR_FAIL;
    mr_query_release(q);
    if (status != MR_OK) return status;
    *out = mr_sql_alias(env, select, NULL);
    return *out ? MR_OK : MR_FAIL;
}

/* ---------------------------------------------------------------- the query */

/* The subquery's column of that name, which has the type of the expression. NULL: failed. */
static mr_node *column_of(const limited *l, mr_node *from, const char *what, unsigned i, const mr_type *type) {
    const char *name = name_of(l->env, what, i);
    const mr_column *column = name ? mr_stand_in_column(l->env, name, type) : NULL;
    return column ? mr_sql_column(l->env, column, mr_node_retain(from), NULL) : NULL;
}

static mr_node *join_condition(const limited *l, mr_node *from) {
    mr_node *all = NULL;
    for (uint16_t i = 0; i < l->ntarget; i++) {
        mr_node *mine = column_of(l, from, TARGET_KEY, i, l->target[i]->type);
        all = mr_sql_and(l->env, all, mr_sql_binary(l->env, MR_OP_EQ, mr_node_retain(l->target[i]), mine));
        if (!all) return NULL;
    }
    return all;
}

/* The targets in the subquery, whose number is not above the limit. */
static mr_query *outer(const limited *l, mr_node *from) {
    const mr_type *integer = mr_type_simple(MR_TYPE_INTEGER);
    const mr_value most = mr_int_value(l->job->follow->limit);
    mr_query_item item;
    mr_query *q = mr_query_new(l->env, NULL, 0, false);
    for (unsigned i = 0; q && i < l->nkeys; i++) {
        mr_query_item key = {.expression = column_of(l, from, PARENT_KEY, i, l->keys[i]->type)};
        q = then(q, key.expression ? mr_query_with_items(q, &key, 1, true) : NULL);
    }
    if (!q || mr_job_target(l->job, &item) != MR_OK) return then(q, NULL);
    mr_query_join join = {.kind = MR_OP_INNER, .mapper = item.mapper, .target = mr_node_retain(item.alias)};
    q = then(q, mr_query_with_items(q, &item, 1, true));
    if (q) q = then(q, mr_query_select_from(q, mr_node_retain(from)));
    if (q) join.on = join_condition(l, from);
    if (q && join.on) {
        q = then(q, mr_query_join_on(q, &join));
    } else {
        mr_node_release(join.target);
        return then(q, NULL);
    }
    mr_node *place = column_of(l, from, PLACE, 0, integer);
    if (q)
        q = then(q, mr_query_where(q, mr_sql_binary(l->env, MR_OP_LE, mr_node_retain(place),
                                                    mr_sql_bind(l->env, integer, &most))));
    if (q) return then(q, mr_query_order_by(q, place));
    mr_node_release(place);
    return NULL;
}

mr_query *mr_limited_query(const mr_job *job, const mr_value *keys, size_t count, bool joined) {
    limited l;
    mr_node *from = NULL;
    mr_query *q = NULL;
    if (begin(&l, job, joined) == MR_OK && numbered(&l, keys, count, &from) == MR_OK) q = outer(&l, from);
    mr_node_release(from);
    done(&l);
    return q;
}

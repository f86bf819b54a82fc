/*
 * key.c: writes the structure of a query as bytes, so that one plan can be used for all queries of the same structure.
 *
 * Invariant: the key has everything on which the plan depends, and nothing else: no value of a bind, no parent object.
 * The values of a loader criterion are the exception, because objects that the plan has loaded keep the criterion.
 * All nodes are written by one call of mr_sql_key, so that an alias in the criteria and in the order is written as the
 * same one. The key also tells which binds are the same node, because a plan finds its values by the numbers of binds.
 */
#include <moonrow/query.h>

#include <string.h>

typedef struct node_list {
    mr_vec nodes;
    mr_strbuf *key;
    bool failed;
} node_list;

/* Writes whether the node exists, and adds it to the list. */
static void add_node(node_list *l, mr_node *node) {
    mr_strbuf_putc(l->key, node ? '+' : '-');
    if (node && mr_vec_push_ptr(&l->nodes, node) != MR_OK) l->failed = true;
}

static void add_pointer(mr_strbuf *key, const void *p) { mr_strbuf_add(key, (const char *)&p, sizeof p); }

static void add_number(mr_strbuf *key, unsigned n) { mr_strbuf_add(key, (const char *)&n, sizeof n); }

static void add_items(const mr_query *q, node_list *l) {
    add_number(l->key, q->nitems);
    for (unsigned i = 0; i < q->nitems; i++) {
        add_pointer(l->key, q->items[i].mapper);
        add_pointer(l->key, q->items[i].name);
        add_pointer(l->key, q->items[i].alias ? q->items[i].alias->annotation : NULL);
        add_node(l, q->items[i].alias);
        add_node(l, q->items[i].expression);
    }
}

static void add_joins(const mr_query *q, node_list *l) {
    add_number(l->key, q->njoins);
    for (unsigned i = 0; i < q->njoins; i++) {
        const mr_query_join *join = &q->joins[i];
        add_number(l->key, (unsigned)join->kind << 2 | (join->ordered ? 1U : 0U) | (join->implied ? 2U : 0U));
        add_pointer(l->key, join->along);
        add_pointer(l->key, join->mapper);
        add_node(l, join->left_alias);
        add_node(l, join->target);
        add_node(l, join->on);
        add_node(l, join->from);
    }
    add_number(l->key, q->nparents);
    for (unsigned i = 0; i < q->nparents; i++) {
        add_pointer(l->key, q->parents[i].along);
        add_number(l->key, q->parents[i].ordered);
        add_node(l, q->parents[i].alias);
    }
}

/* Writes a value of a loader criterion. A value that only the program can tell is known by its node, which a plan with
 * the criterion keeps alive. */
static void add_value(mr_strbuf *key, const mr_node *bind) {
    const mr_value *v = &bind->u.value;
    if (bind->kind != MR_NODE_BIND || v->kind >= MR_OPAQUE) {
        add_pointer(key, bind);
        return;
    }
    add_number(key, v->kind);
    add_number(key, v->len);
    if (mr_kind_is_bytes(v->kind)) mr_strbuf_add(key, v->u.s, v->len);
    else mr_strbuf_add(key, (const char *)&v->u, sizeof v->u);
}

static void add_criterion(const mr_loader_criterion *c, node_list *l) {
    mr_vec binds;
    mr_vec_init(&binds, c->mapper->env, sizeof(mr_node *));
    add_pointer(l->key, c->mapper);
    add_number(l->key, (c->aliases ? 1U : 0U) | (c->goes_on ? 2U : 0U));
    add_node(l, c->expression);
    if (mr_sql_key(c->expression, NULL, &binds) != MR_OK) l->failed = true;
    for (size_t i = 0; i < binds.len; i++) add_value(l->key, mr_vec_ptr(&binds, i));
    mr_vec_done(&binds);
}

/* Writes the path of option i. Options behind it with the same path do not write it again. */
static void add_path(const mr_query *q, unsigned i, node_list *l) {
    const mr_option *first = &q->options[i];
    unsigned n = 0;
    for (; i < q->noptions && q->options[i].steps == first->steps; i++)
        if (q->options[i].nsteps > n) n = q->options[i].nsteps;
    add_number(l->key, n);
    for (unsigned s = 0; s < n; s++) {
        add_pointer(l->key, first->steps[s].prop);
        add_pointer(l->key, first->steps[s].name);
        add_pointer(l->key, first->steps[s].of_type);
        add_pointer(l->key, first->steps[s].with);
    }
}

static void add_options(const mr_query *q, node_list *l) {
    enum { SAME_STEPS = -1 };
    add_number(l->key, q->noptions);
    for (unsigned i = 0; i < q->noptions; i++) {
        const mr_option *o = &q->options[i];
        if (i > 0 && o->steps == q->options[i - 1].steps) add_number(l->key, (unsigned)SAME_STEPS);
        else add_path(q, i, l);
        add_number(l->key, (unsigned)o->kind << 16 | (unsigned)o->strategy << 1 | (o->innerjoin ? 1U : 0U));
        add_number(l->key, (unsigned)o->batch.after << 16 | o->batch.max);
        add_number(l->key, o->nsteps);
        add_number(l->key, o->limit);
        add_number(l->key, (unsigned)o->recursion);
        add_pointer(l->key, o->limit_by); /* the plan keeps it, values in it included */
        add_pointer(l->key, o->group);
        add_pointer(l->key, o->mapper);
        add_pointer(l->key, o->with);
        add_node(l, o->alias);
        add_node(l, o->start);
        if (o->criterion) add_criterion(o->criterion, l);
    }
}

static void add_clauses(const mr_query *q, node_list *l) {
    const mr_select *s = &q->clauses;
    add_number(l->key, (q->core_labels ? 1U : 0U) | (s->distinct ? 2U : 0U) | (s->for_update ? 4U : 0U) |
                           (q->united_outer ? 8U : 0U) | (s->correlate_except ? 16U : 0U) | (q->standing ? 32U : 0U) |
                           (q->sources ? 64U : 0U));
    add_pointer(l->key, s->for_update_mode);
    mr_node *const nodes[] = {s->from,   s->where,       s->group_by,  s->having, s->order_by,  s->limit,
                              s->offset, s->distinct_on, s->correlate, s->with,   q->statement, q->united};
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) add_node(l, nodes[i]);
}

/* For each bind that is the same node as an earlier one, writes the two numbers. */
static mr_status add_sharing(mr_env *env, mr_strbuf *key, const mr_vec *binds, size_t first) {
    typedef struct entry {
        const void *node;
        unsigned number;
    } entry;
    size_t n = binds->len - first;
    if (n < 2) return MR_OK;
    if (n <= 24) {
        for (size_t i = 1; i < n; i++) {
            size_t j = 0;
            while (mr_vec_ptr(binds, first + j) != mr_vec_ptr(binds, first + i)) j++;
            if (j < i) add_number(key, (unsigned)i), add_number(key, (unsigned)j);
        }
        return MR_OK;
    }
    mr_map *seen = mr_map_new(env, sizeof(entry), mr_map_hash_ptr, mr_map_equal_ptr);
    if (!seen) return MR_FAIL;
    mr_status status = MR_OK;
    for (size_t i = 0; i < n && status == MR_OK; i++) {
        entry e = {mr_vec_ptr(binds, first + i), (unsigned)i};
        const entry *before = mr_map_get(seen, &e);
        if (before) add_number(key, e.number), add_number(key, before->number);
        else if (!mr_map_put(seen, &e)) status = MR_FAIL;
    }
    mr_map_free(seen);
    return status;
}

mr_status mr_query_key(const mr_query *q, mr_strbuf *key, mr_vec *binds) {
    node_list l = {.key = key};
    mr_vec_init(&l.nodes, q->env, sizeof(mr_node *));
    add_items(q, &l);
    add_joins(q, &l);
    add_options(q, &l);
    add_clauses(q, &l);
    mr_status status = l.failed ? MR_FAIL : MR_OK;
    size_t first = binds->len;
    if (status == MR_OK && l.nodes.len > 0) {
        /* The list exists only during this call, and borrows the nodes. */
        mr_node list;
        memset(&list, 0, sizeof list);
        list.refs = 1;
        list.kind = MR_NODE_LIST;
        list.op = MR_OP_COMMA;
        list.n = (uint32_t)l.nodes.len;
        list.env = q->env;
        list.type = mr_type_simple(MR_TYPE_NULL);
        list.child = l.nodes.data;
        for (uint32_t i = 0; i < list.n; i++)
            if (list.child[i]->depth > list.depth) list.depth = list.child[i]->depth;
        list.depth++;
        status = mr_sql_key(&list, key, binds);
    }
    if (status == MR_OK) status = add_sharing(q->env, key, binds, first);
    mr_vec_done(&l.nodes);
    if (status != MR_OK) return MR_FAIL;
    return mr_strbuf_str(key) ? MR_OK : MR_FAIL;
}

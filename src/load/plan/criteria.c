/*
 * criteria.c: the conditions of relationships and classes, rewritten for the FROM objects of a query.
 *
 * A relationship's condition is written with the columns of tables. Invariant: each of its columns is on one side:
 * local (the parent's), remote (the target's), or of the link table. If parent and target share a table, the column
 * pairs decide which side it is.
 */
#include "planner.h"

/* ---------------------------------------------------------------- sides */

typedef enum side { SIDE_OTHER, SIDE_LOCAL, SIDE_REMOTE, SIDE_LINK } side;

static side side_by_pairs(const mr_relationship *rel, const mr_column *column) {
    bool local = false, remote = false;
    for (unsigned i = 0; i < rel->npairs; i++) {
        if (rel->pairs[i].local == column) local = true;
        if (rel->pairs[i].remote == column) remote = true;
    }
    if (local != remote) return local ? SIDE_LOCAL : SIDE_REMOTE;
    for (size_t i = 0; i < rel->remote_side.len; i++)
        if (mr_vec_ptr(&rel->remote_side, i) == column) return SIDE_REMOTE;
    /* A column outside of the pairs belongs to a further criterion, about the rows that are wanted. */
    return local ? SIDE_LOCAL : SIDE_REMOTE;
}

static side side_of(const mr_relationship *rel, const mr_column *column, bool secondary) {
    if (rel->secondary && column->table == rel->secondary) return SIDE_LINK;
    bool local = mr_mapper_reads(rel->parent, column->table), remote = mr_mapper_reads(rel->target, column->table);
    if (local && remote && !rel->secondary) return side_by_pairs(rel, column);
    if (local && remote) return secondary ? SIDE_REMOTE : SIDE_LOCAL;
    return local ? SIDE_LOCAL : remote ? SIDE_REMOTE : SIDE_OTHER;
}

/* ---------------------------------------------------------------- replacing */

typedef struct replacing {
    const mr_condition *c;
    bool secondary; /* this is the secondary condition or the order: a shared column is the target's */
    bool failed;
} replacing;

mr_node *mr_late_param(mr_env *env, mr_vec *lates, const mr_type *type, uint16_t parent, uint16_t slot) {
    mr_strbuf b;
    mr_strbuf_init(&b, env);
    /* With a space, so that it differs from all names that programs write. */
    mr_strbuf_printf(&b, " %u_%u", (unsigned)parent, (unsigned)slot);
    const char *s = mr_strbuf_str(&b), *name = s ? mr_intern(env, s, b.len) : NULL;
    mr_strbuf_done(&b);
    if (!name) return NULL;
    for (size_t i = 0; i < lates->len; i++)
        if (((mr_plan_late *)mr_vec_at(lates, i))->name == name) return mr_sql_param(env, type, name);
    mr_plan_late *late = mr_vec_push(lates);
    if (!late) return NULL;
    *late = (mr_plan_late){name, parent, slot};
    return mr_sql_param(env, type, name);
}

/* The type of the column that the local column is compared with. */
static const mr_type *type_of_partner(const mr_condition *c, const mr_column *column) {
    for (unsigned i = 0; i < c->rel->npairs; i++)
        if (c->rel->pairs[i].local == column) return mr_column_type(c->env, c->rel->pairs[i].remote);
    return NULL;
}

/* The object's value for a column of its side. The value of a column in no pair may be missing. */
static mr_node *object_value(const mr_condition *c, const mr_column *column) {
    const mr_relationship *rel = c->rel;
    bool far = !c->is_parent && rel->secondary, needed = (rel->direction == MR_ONE_TO_MANY) == c->is_parent;
    const mr_column_pair *pairs = far ? rel->secondary_pairs : rel->pairs;
    for (unsigned i = 0; i < (far ? rel->nsecondary : rel->npairs); i++)
        if ((c->is_parent ? pairs[i].local : pairs[i].remote) == column)
            return mr_operand_value(c->object, rel->prop, column, c->is_parent ? pairs[i].remote : pairs[i].local,
                                    needed);
    return mr_operand_value(c->object, rel->prop, column, column, false);
}

static mr_node *late_local(replacing *r, const mr_node *node) {
    const mr_condition *c = r->c;
    const mr_property *prop = mr_mapper_property_of_column(c->rel->parent, node->u.column);
    if (!prop) {
        mr_fail(c->env, MR_ERR_INVALID_REQUEST, "%s.%s: column '%s' of the condition is no attribute of %s",
                c->rel->parent->name, c->rel->prop->name, node->u.column->name, c->rel->parent->name);
        return NULL;
    }
    const mr_type *type = mr_column_type(c->env, prop->column);
    const mr_type *other = c->rel->mixed ? type_of_partner(c, node->u.column) : NULL;
    mr_node *param = mr_late_param(c->env, c->lates, type, c->parent, prop->slot);
    return other ? mr_value_as_column(c->env, param, type, other) : param;
}

static mr_node *replace_side(void *ud, const mr_node *node) {
    replacing *r = ud;
    const mr_condition *c = r->c;
    if (r->failed || node->n > 0 || !node->u.column->table) return NULL;
    side s = side_of(c->rel, node->u.column, r->secondary);
    mr_node *from = s == SIDE_LOCAL ? c->local : s == SIDE_REMOTE ? c->remote : s == SIDE_LINK ? c->link : NULL;
    mr_node *made = NULL;
    bool is_object = c->object && s == (c->is_parent ? SIDE_LOCAL : SIDE_REMOTE);
    if (is_object || (s == SIDE_LOCAL && c->lates)) {
        made = is_object ? object_value(c, node->u.column) : late_local(r, node);
        if (!made) r->failed = true;
        return made;
    }
    if (!from) return NULL;
    const mr_property *prop = node->annotation;
    if (!prop && s != SIDE_LINK)
        prop = mr_mapper_property_of_column(s == SIDE_LOCAL ? c->rel->parent : c->rel->target, node->u.column);
    mr_status status = mr_from_column(c->env, node->u.column, prop, from, &made);
    if (status == MR_OK && !made)
        status = mr_fail(c->env, MR_ERR_INVALID_REQUEST, "the subquery for %s.%s does not select column '%s'",
                         c->rel->parent->name, c->rel->prop->name, node->u.column->name);
    else if (status == MR_OK && s == SIDE_LOCAL && c->adapts) status = mr_united_translate(c->adapts, made, &made);
    if (status != MR_OK) r->failed = true;
    return made;
}

static mr_status replaced(const mr_condition *c, mr_node *node, bool secondary, mr_node **out) {
    replacing r = {c, secondary, false};
    *out = mr_node_replace(node, replace_side, &r);
    if (*out && !r.failed) return MR_OK;
    mr_node_release(*out);
    *out = NULL;
    return MR_FAIL;
}

mr_status mr_condition_primary(const mr_condition *c, mr_node **out) {
    return replaced(c, c->rel->primaryjoin, false, out);
}

mr_status mr_condition_secondary(const mr_condition *c, mr_node **out) {
    return replaced(c, c->rel->secondaryjoin, true, out);
}

mr_status mr_condition_whole(const mr_condition *c, mr_node **out) {
    mr_node *secondary = NULL;
    if (mr_condition_primary(c, out) != MR_OK || !c->rel->secondary) return *out ? MR_OK : MR_FAIL;
    if (mr_condition_secondary(c, &secondary) == MR_OK) {
        *out = mr_sql_and(c->env, *out, secondary);
    } else {
        mr_node_release(*out);
        *out = NULL;
    }
    return *out ? MR_OK : MR_FAIL;
}

/* *out: the relationship's order_by, read from c->remote and c->link. NULL: it has none. */
static mr_status order_of(const mr_condition *c, mr_node **out) {
    *out = NULL;
    if (!c->rel->order_by) return MR_OK;
    mr_condition order = *c;
    order.lates = NULL;
    order.local = c->remote; /* if the class refers to itself, a column in the order is the target's */
    return replaced(&order, c->rel->order_by, true, out);
}

mr_status mr_plan_order(mr_planner *p, const mr_condition *c) {
    mr_node *order = NULL;
    if (order_of(c, &order) != MR_OK) return MR_FAIL;
    for (uint32_t i = 0; order && i < order->n; i++) {
        p->eager_order = mr_sql_list_append(p->env, p->eager_order, mr_node_retain(order->child[i]));
        if (!p->eager_order) break;
    }
    bool failed = order && !p->eager_order;
    mr_node_release(order);
    return failed ? MR_FAIL : MR_OK;
}

/* ---------------------------------------------------------------- expressions of a class */

typedef struct looking {
    mr_env *env;
    const mr_mapper *mapper;
    mr_node *from;
    bool failed;
} looking;

static mr_node *look_through(void *ud, const mr_node *node) {
    looking *l = ud;
    mr_node *made = NULL;
    if (l->failed || node->kind != MR_NODE_COLUMN || node->n > 0 || !mr_mapper_reads(l->mapper, node->u.column->table))
        return NULL;
    if (mr_from_column(l->env, node->u.column, node->annotation, l->from, &made) != MR_OK) l->failed = true;
    return made;
}

/* A query inside the expression that reads the class's table reads the alias instead. */
static mr_node *look_at_object(void *ud, const mr_node *from) {
    const looking *l = ud;
    if (from->kind != MR_NODE_TABLE || !mr_mapper_reads(l->mapper, from->u.table)) return NULL;
    if (l->from->kind == MR_NODE_TABLE) return NULL;
    mr_node *leaf = l->from->kind == MR_NODE_JOIN ? mr_from_leaf(l->from, from->u.table) : l->from;
    return leaf && leaf->kind != MR_NODE_TABLE ? leaf : NULL;
}

mr_status mr_expression_through(mr_env *env, mr_node *expression, const mr_mapper *mapper, mr_node *from,
                                mr_node **out) {
    looking l = {env, mapper, from, false};
    const mr_adaption how = {look_through, look_at_object, &l, NULL};
    *out = mr_node_adapt(expression, &how);
    if (*out && !l.failed) return MR_OK;
    mr_node_release(*out);
    *out = NULL;
    return MR_FAIL;
}

/* ---------------------------------------------------------------- classes that share a table */

/* Are the rows that tell of no class objects of this one, or of a class below it? */
static bool has_fallback(mr_mapper *mapper) {
    bool has = mapper->polymorphic_fallback;
    for (mr_mapper *m = NULL; !has && (m = mr_mapper_next_below(mapper, m));) has = m->polymorphic_fallback;
    return has;
}

/* Appends the discriminator values of the class and of its subclasses; others: those of all other classes. */
static mr_status append_identities(mr_mapper *mapper, bool others, mr_vec *values) {
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper->root, m));) {
        if (m->polymorphic_identity.kind == MR_UNLOADED || mr_mapper_isa(m, mapper) == others) continue;
        mr_value *v = mr_vec_push(values);
        if (!v) return MR_FAIL;
        *v = m->polymorphic_identity;
    }
    return MR_OK;
}

/* The rows of the class: those that tell of it, or (it has the fallback) of no other class. A row that tells nothing is
 * one of the base. */
mr_node *mr_tells_class(mr_env *env, mr_mapper *mapper, mr_node *column) {
    bool others = has_fallback(mapper);
    const mr_value null = mr_null_value();
    mr_vec values;
    mr_vec_init(&values, env, sizeof(mr_value));
    mr_node *made = NULL;
    if (append_identities(mapper, others, &values) != MR_OK) mr_node_release(column);
    else if (others && values.len == 0) made = mr_sql_binary(env, MR_OP_IS_NOT, column, mr_sql_bind(env, NULL, &null));
    else
        made = mr_sql_binary(env, others ? MR_OP_NOT_IN : MR_OP_IN, column,
                             mr_sql_binds(env, column->type, values.data, values.len));
    mr_vec_done(&values);
    return made;
}

/* *out: what tells the class of a row, read from the FROM object. NULL with MR_OK: the object does not have it. */
static mr_status discriminator_of(mr_env *env, const mr_mapper *mapper, mr_node *from, mr_node **out) {
    const mr_property *prop = mapper->discriminator;
    if (prop && prop->kind == MR_PROPERTY_COLUMN) return mr_from_column(env, prop->column, prop, from, out);
    if (prop && mr_property_express((mr_property *)(uintptr_t)prop) != MR_OK) return MR_FAIL;
    mr_node *x = prop ? prop->expression : mapper->polymorphic_on;
    if (x->kind == MR_NODE_LABEL) x = x->child[0];
    return mr_expression_through(env, x, mapper, from, out);
}

mr_status mr_inheritance_criterion(mr_env *env, mr_mapper *mapper, mr_node *from, mr_node **out) {
    *out = NULL;
    if (!mr_mapper_is_single(mapper) || !mr_mapper_polymorphic(mapper->base)) return MR_OK;
    mr_node *column = NULL;
    if (discriminator_of(env, mapper, from, &column) != MR_OK) return MR_FAIL;
    if (!column) return MR_OK;
    *out = mr_tells_class(env, mapper, column);
    return *out ? MR_OK : MR_FAIL;
}

/* ---------------------------------------------------------------- with_parent */

static mr_status plan_parent(mr_planner *p, uint16_t number) {
    const mr_query_parent *parent = &p->q->parents[number];
    mr_relationship *rel = parent->along->relationship;
    mr_condition c = {.env = p->env, .rel = rel, .lates = &p->lates, .parent = number, .remote = parent->alias};
    mr_node *criterion = NULL;
    if (rel->secondary) {
        c.link = mr_sql_alias(p->env, mr_sql_table(p->env, rel->secondary), NULL);
        if (!c.link) return MR_FAIL;
    }
    mr_status status = mr_condition_whole(&c, &criterion);
    if (status == MR_OK && parent->ordered) status = mr_plan_order(p, &c);
    mr_node_release(c.link);
    if (status != MR_OK) {
        mr_node_release(criterion);
        return status;
    }
    if (mr_united_translate(p, criterion, &criterion) != MR_OK) return MR_FAIL;
    p->criteria = mr_sql_and(p->env, p->criteria, criterion);
    return p->criteria ? MR_OK : MR_FAIL;
}

mr_status mr_plan_parents(mr_planner *p) {
    for (unsigned i = 0; i < p->q->nparents; i++)
        if (plan_parent(p, (uint16_t)i) != MR_OK) return MR_FAIL;
    return MR_OK;
}

/*
 * collection.c: configures what a relationship's collection_class says: keys, and the numbers of ordering lists; and
 * checks the order of its items.
 *
 * Invariant: after it, key_prop and position_prop are attributes of the target that hold one value, and order_by names
 * tables that each load of the relationship reads; or there is a mistake.
 */
#include "configure_private.h"

static mr_status no_attribute(configuration *c, plan *p, const char *verb, const char *name) {
    const mr_mapper *target = p->work.target;
    const char *near = mr_mapper_nearest(target, name);
    return mr_configure_mistake(c, p, "its collection is %s by '%s', which %s does not have%s", verb, name,
                                target->name, mr_hint(c->env, near));
}

static mr_status find_key(configuration *c, plan *p) {
    mr_relationship *rel = &p->work;
    const mr_property *prop = mr_mapper_property(rel->target, rel->collection_key, true);
    if (!prop) return no_attribute(c, p, "keyed", rel->collection_key);
    bool list = prop->kind == MR_PROPERTY_RELATIONSHIP && prop->relationship->uselist == 1;
    if (list)
        return mr_configure_mistake(c, p,
                                    "its collection is keyed by %s.%s, which is a collection itself: a key is "
                                    "one value",
                                    rel->target->name, prop->name);
    rel->key_prop = prop;
    return MR_OK;
}

/* Without an order of its own, the list is read in that of its numbers. */
static mr_status set_order(configuration *c, mr_relationship *rel) {
    if (rel->order_by) return MR_OK;
    mr_node *node = mr_sql_column(c->env, rel->position_prop->column, NULL, NULL);
    rel->order_by = mr_sql_list_append(c->env, NULL, node);
    return rel->order_by ? MR_OK : MR_FAIL;
}

static bool takes_numbers(mr_env *env, const mr_type *type) {
    mr_value one = mr_int_value(1);
    return mr_type_takes(type, MR_INT) || (type->rules->coerce && type->rules->coerce(env, type, &one));
}

static mr_status find_position(configuration *c, plan *p) {
    mr_relationship *rel = &p->work;
    const mr_property *prop = mr_mapper_property(rel->target, rel->position, true);
    if (!prop) return no_attribute(c, p, "numbered", rel->position);
    const mr_type *type = prop->kind == MR_PROPERTY_COLUMN ? mr_column_type(c->env, prop->column) : NULL;
    if (!type && rel->position_fn)
        return mr_configure_mistake(c, p, "its collection is numbered by %s.%s, which must be a column",
                                    rel->target->name, prop->name);
    if (!type || (!rel->position_fn && !takes_numbers(c->env, type)))
        return mr_configure_mistake(c, p, "its collection is numbered by %s.%s, which must be a column of integers",
                                    rel->target->name, prop->name);
    rel->position_prop = prop;
    return set_order(c, rel);
}

/* ---------------------------------------------------------------- the order */

typedef struct order_search {
    mr_relationship *rel;
    const mr_column *stray; /* found */
} order_search;

/* Is the table one that loads of the relationship read? */
static bool is_read(const mr_relationship *rel, const mr_table *table) {
    if (table == rel->secondary || mr_mapper_reads(rel->target, table)) return true;
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(rel->target, m));)
        if (mr_mapper_is_inline(rel->target, m) && mr_mapper_reads(m, table)) return true;
    return false;
}

static bool find_stray(void *ud, const mr_node *node) {
    order_search *s = ud;
    if (s->stray || node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    if (node->kind == MR_NODE_COLUMN && node->n == 0 && node->u.column->table &&
        !is_read(s->rel, node->u.column->table))
        s->stray = node->u.column;
    return true;
}

static mr_status check_order(configuration *c, plan *p) {
    order_search s = {&p->work, NULL};
    if (!p->work.order_by) return MR_OK;
    mr_node_walk(p->work.order_by, find_stray, &s);
    if (!s.stray) return MR_OK;
    return mr_configure_mistake(c, p,
                                "its order_by names '%s' of the table '%s', which is no table of %s: order by an "
                                "attribute of %s, or lead the relationship to a class of '%s'",
                                s.stray->name, s.stray->table->name, p->work.target->name, p->work.target->name,
                                s.stray->table->name);
}

mr_status mr_configure_collection(configuration *c, plan *p) {
    if (check_order(c, p) != MR_OK) return MR_FAIL;
    const mr_relationship *rel = &p->work;
    if (rel->collection_given && rel->uselist == 0)
        return mr_configure_mistake(c, p,
                                    "it refers to one object: collection_class is for a collection, such as the "
                                    "other side's");
    if (rel->collection == MR_COLLECTION_DICT && rel->collection_key) return find_key(c, p);
    return rel->position ? find_position(c, p) : MR_OK;
}

/*
 * belongs.c: criteria along a relationship: its rows lead to some row, to one object, or to none.
 *
 * Invariants: mappings are configured before a criterion is made. The condition is the relationship's own, as loads and
 * joins use it (criteria.c), so a criterion with an object finds the same rows as a join. If a value cannot stand for
 * the object's column, the object's own row is joined.
 */
#include "planner.h"

/* ---------------------------------------------------------------- EXISTS */

static bool lists(const mr_node *list, const mr_node *from) {
    for (uint32_t i = 0; i < list->n; i++)
        if (mr_from_contains(list->child[i], from)) return true;
    return false;
}

/* Appends to both lists the FROM objects that the criterion names and that are not in the lists yet. */
static mr_status add_guests(mr_env *env, const mr_node *where, mr_node **froms, mr_node **outer) {
    mr_vec found;
    mr_vec_init(&found, env, sizeof(mr_node *));
    mr_status status = mr_node_froms(env, where, &found);
    for (size_t i = 0; i < found.len; i++) {
        mr_node *from = mr_vec_ptr(&found, i);
        if (status == MR_OK && !lists(*froms, from) && !lists(*outer, from)) {
            *froms = mr_sql_list_append(env, *froms, mr_node_retain(from));
            *outer = mr_sql_list_append(env, *outer, mr_node_retain(from));
            if (!*froms || !*outer) status = MR_FAIL;
        }
        mr_node_release(from);
    }
    mr_vec_done(&found);
    return status;
}

/* Appends the tables and aliases in the FROM object to the list. Consumes the list. */
static mr_node *leaves(mr_env *env, mr_node *list, mr_node *from) {
    if (from->kind != MR_NODE_JOIN) return mr_sql_list_append(env, list, mr_node_retain(from));
    list = leaves(env, list, from->child[0]);
    return list ? leaves(env, list, from->child[1]) : NULL;
}

/* EXISTS (SELECT 1 FROM link, from WHERE where), or (count not NULL) that aggregate of these rows. outer (if it is
 * NULL: the table of mapper) belongs to the statement around the EXISTS. Other FROM objects that the criterion names
 * are listed in the EXISTS, unless a statement around it has them. Consumes from, where and count; each may be NULL
 * after a failure. */
static mr_node *rows_of(mr_env *env, const mr_table *link, mr_node *from, mr_node *where, mr_node *outer,
                        const mr_mapper *mapper, mr_node *count) {
    mr_node *one = count ? count : mr_sql_raw(env, mr_type_simple(MR_TYPE_INTEGER), "1");
    mr_node *around = outer ? mr_node_retain(outer) : mr_mapper_tables((mr_mapper *)(uintptr_t)mapper);
    mr_node *froms[2] = {link ? mr_sql_table(env, link) : from, from};
    mr_select select = {0};
    select.columns = mr_sql_list(env, MR_OP_COMMA, &one, 1);
    select.correlate = around ? leaves(env, NULL, around) : NULL;
    mr_node_release(around);
    select.from = mr_sql_list(env, MR_OP_COMMA, froms, link ? 2 : 1);
    select.where = where;
    if (select.columns && select.correlate && select.from && where &&
        add_guests(env, where, &select.from, &select.correlate) == MR_OK)
        return count ? mr_sql_scalar(env, mr_sql_select(env, &select))
                     : mr_sql_exists(env, mr_sql_select(env, &select));
    mr_node_release(select.columns);
    mr_node_release(select.correlate);
    mr_node_release(select.from);
    mr_node_release(where);
    return NULL;
}

static mr_node *exists(mr_env *env, const mr_table *link, mr_node *from, mr_node *where, mr_node *outer,
                       const mr_mapper *mapper) {
    return rows_of(env, link, from, where, outer, mapper, NULL);
}

/* count(*), or (once, with a key of one column) count(DISTINCT key). */
static mr_node *aggregate(mr_env *env, const mr_mapper *target, mr_node *from, bool once) {
    const mr_type *integer = mr_type_simple(MR_TYPE_INTEGER);
    mr_node *key = NULL;
    if (!once || target->npk > 1) return mr_sql_func(env, "count", integer, NULL, 0);
    const mr_property *prop = mr_mapper_at_slot(target, target->pk_slots[0]);
    if (mr_from_column(env, prop->column, prop, from, &key) != MR_OK || !key) return NULL;
    key = mr_sql_unary(env, MR_OP_DISTINCT, key);
    return key ? mr_sql_func(env, "count", integer, &key, 1) : NULL;
}

/* EXISTS (SELECT 1 FROM link WHERE where): the row of the target is linked. Consumes where. */
static mr_node *is_linked(mr_env *env, const mr_relationship *rel, mr_node *from, mr_node *outer, mr_node *where) {
    mr_node *around = outer ? mr_node_retain(outer) : mr_mapper_tables(rel->parent);
    mr_node *one = mr_sql_raw(env, mr_type_simple(MR_TYPE_INTEGER), "1"), *link = mr_sql_table(env, rel->secondary);
    mr_select select = {.where = where};
    select.columns = mr_sql_list(env, MR_OP_COMMA, &one, 1);
    select.correlate = around ? leaves(env, NULL, around) : NULL;
    if (select.correlate) select.correlate = leaves(env, select.correlate, from);
    select.from = mr_sql_list(env, MR_OP_COMMA, &link, 1);
    mr_node_release(around);
    if (select.columns && select.correlate && select.from) return mr_sql_exists(env, mr_sql_select(env, &select));
    mr_node_release(select.columns);
    mr_node_release(select.correlate);
    mr_node_release(select.from);
    mr_node_release(where);
    return NULL;
}

static mr_status related(const mr_property *along, mr_node *alias, mr_mapper *of_type, mr_node *of_alias,
                         mr_node *criterion, bool counted, mr_node **out) {
    mr_relationship *rel = along->relationship;
    mr_env *env = rel->parent->env;
    mr_mapper *target = of_type ? of_type : rel->target;
    bool shared = false;
    for (unsigned i = 0; i < target->nparts && !shared; i++)
        shared = mr_mapper_reads(rel->parent, target->parts[i].table);
    mr_node *from = of_alias ? mr_node_retain(of_alias) : mr_tables_for(target, shared, criterion);
    mr_node *where = NULL, *classes = NULL, *own = NULL;
    *out = NULL;
    if (!from) return MR_FAIL;
    const mr_condition c = {.env = env, .rel = rel, .local = alias, .remote = from};
    const mr_table *link = rel->secondary;
    bool once = counted && mr_along_repeats(rel);
    if (mr_condition_whole(&c, &where) != MR_OK || mr_inheritance_criterion(env, target, from, &classes) != MR_OK)
        goto fail;
    if (once && target->npk > 1) {
        link = NULL;
        if (!(where = is_linked(env, rel, from, alias, where))) goto fail;
    }
    if (classes && !(where = mr_sql_and(env, where, classes))) goto fail;
    if (of_alias) own = mr_node_retain(criterion); /* it names the alias itself */
    else if (criterion && mr_expression_through(env, criterion, target, from, &own) != MR_OK) goto fail;
    if (own) where = mr_sql_and(env, where, own);
    mr_node *count = counted ? aggregate(env, target, from, once) : NULL;
    if (counted && !count) goto fail;
    *out = rows_of(env, link, from, where, alias, rel->parent, count);
    return *out ? MR_OK : MR_FAIL;
fail:
    mr_node_release(where);
    mr_node_release(from);
    return MR_FAIL;
}

mr_status mr_criterion_related(const mr_property *along, mr_node *alias, mr_mapper *of_type, mr_node *of_alias,
                               mr_node *criterion, mr_node **out) {
    return related(along, alias, of_type, of_alias, criterion, false, out);
}

mr_status mr_count_related(const mr_property *along, mr_node *alias, mr_mapper *of_type, mr_node *of_alias,
                           mr_node *criterion, mr_node **out) {
    return related(along, alias, of_type, of_alias, criterion, true, out);
}

/* ---------------------------------------------------------------- an object's values */

/* The state of making one criterion with an object. The "asked" class is the one whose rows the criterion selects. */
typedef struct object_criterion {
    mr_env *env;
    const mr_property *along;
    mr_relationship *rel;
    mr_node *alias; /* of the asked class, borrowed; NULL: its table */
    const mr_operand *object;
    bool is_parent; /* the object is on the relationship's own side */
} object_criterion;

mr_node *mr_operand_value(const mr_operand *o, const mr_property *along, const mr_column *column,
                          const mr_column *other, bool required) {
    const mr_mapper *mapper = o->object->mapper;
    mr_env *env = mapper->env;
    const mr_property *prop = mr_mapper_property_of_column(mapper, column);
    if (!prop) {
        mr_fail(env, MR_ERR_INVALID_REQUEST, "%s.%s: %s has no attribute for the column '%s'", along->mapper->name,
                along->name, mapper->name, column->name);
        return NULL;
    }
    return mr_value_as_column(env, o->key(o->object, prop, along, required), mr_column_type(env, (mr_column *)column),
                              mr_column_type(env, (mr_column *)other));
}

/* A column of the asked class. NULL: failed. */
static mr_node *asked_column(const object_criterion *a, const mr_column *column) {
    mr_node *made = NULL;
    if (!a->alias) return mr_sql_column(a->env, column, NULL, NULL);
    const mr_property *prop = mr_mapper_property_of_column(a->is_parent ? a->rel->target : a->rel->parent, column);
    if (mr_from_column(a->env, column, prop, a->alias, &made) == MR_OK && !made)
        mr_fail(a->env, MR_ERR_INVALID_REQUEST,
                "%s.%s: the subquery that it is compared in does not select column '%s'", a->along->mapper->name,
                a->along->name, column->name);
    return made;
}

/* Must the object have a key? No, if the object is the one that refers: its reference may be NULL. */
static bool needs_key(const object_criterion *a) { return (a->rel->direction == MR_ONE_TO_MANY) == a->is_parent; }

/* value = column for each pair of the condition. The value is the object's; the column is of the link table, or without
 * one of the asked class. */
static mr_node *equal_values(const object_criterion *a, const mr_column_pair *pairs, unsigned n) {
    bool linked = a->rel->secondary != NULL;
    mr_node *all = NULL;
    for (unsigned i = 0; i < n; i++) {
        const mr_column *own = a->is_parent ? pairs[i].local : pairs[i].remote;
        const mr_column *other = a->is_parent ? pairs[i].remote : pairs[i].local;
        mr_node *value = mr_operand_value(a->object, a->along, own, other, needs_key(a));
        mr_node *x = !value ? NULL : linked ? mr_sql_column(a->env, other, NULL, NULL) : asked_column(a, other);
        all = mr_sql_and(a->env, all, mr_sql_binary(a->env, MR_OP_EQ, value, x));
        if (!all) return NULL;
    }
    return all;
}

/* The part of the condition between the link table and the asked class. */
static mr_node *link_condition(const object_criterion *a) {
    mr_condition c = {.env = a->env, .rel = a->rel};
    mr_node *half = NULL;
    if (a->is_parent) c.remote = a->alias;
    else c.local = a->alias;
    (void)(a->is_parent ? mr_condition_secondary(&c, &half) : mr_condition_primary(&c, &half));
    return half;
}

/* The condition, with values in place of the object's columns. */
static mr_node *by_values(const object_criterion *a) {
    mr_relationship *rel = a->rel;
    mr_node *where = NULL;
    if (!rel->simple) {
        const mr_condition c = {.env = a->env,
                                .rel = rel,
                                .local = a->is_parent ? NULL : a->alias,
                                .remote = a->is_parent ? a->alias : NULL,
                                .object = a->object,
                                .is_parent = a->is_parent};
        (void)mr_condition_whole(&c, &where);
    } else if (!rel->secondary) {
        where = equal_values(a, rel->pairs, rel->npairs);
    } else if ((where = link_condition(a)) != NULL) {
        mr_node *keys = a->is_parent ? equal_values(a, rel->pairs, rel->npairs)
                                     : equal_values(a, rel->secondary_pairs, rel->nsecondary);
        if (!keys) mr_node_release(where);
        where = keys ? mr_sql_and(a->env, where, keys) : NULL;
    }
    if (!rel->secondary || !where) return where;
    return exists(a->env, NULL, mr_sql_table(a->env, rel->secondary), where, a->alias,
                  a->is_parent ? rel->target : rel->parent);
}

/* ---------------------------------------------------------------- an object's row */

/* Column i of the relationship on the object's side. NULL: there are no more. */
static const mr_column *own_column(const object_criterion *a, unsigned i) {
    const mr_relationship *rel = a->rel;
    if (a->is_parent) return i < rel->npairs ? rel->pairs[i].local : NULL;
    if (rel->secondary) return i < rel->nsecondary ? rel->secondary_pairs[i].remote : NULL;
    return i < rel->npairs ? rel->pairs[i].remote : NULL;
}

/* The table of the relationship's columns on the object's side. NULL: they are of several tables. */
static const mr_table *own_table(const object_criterion *a) {
    const mr_relationship *rel = a->rel;
    const mr_column *first = own_column(a, 0), *column;
    if (!first || !first->table) return NULL;
    for (unsigned i = 1; (column = own_column(a, i)) != NULL; i++)
        if (column->table != first->table) return NULL;
    const mr_mapper *mapper = a->is_parent ? rel->parent : rel->target;
    bool several = mapper->base && mapper->base->table != mapper->table;
    return several && !rel->simple ? NULL : first->table;
}

/* A criterion: row (the table, or an alias of it) is the object's row. */
static mr_node *is_row(const object_criterion *a, const mr_table *table, mr_node *row) {
    bool keyed = table->nprimary > 0;
    for (unsigned i = 0; i < table->nprimary; i++)
        if (!mr_mapper_property_of_column(a->object->object->mapper, table->primary[i])) keyed = false;
    /* A part of a key of several columns may be NULL. */
    bool is = keyed && table->nprimary > 1, required = !is && needs_key(a);
    mr_node *all = NULL;
    for (unsigned i = 0;; i++) {
        const mr_column *column = !keyed ? own_column(a, i) : i < table->nprimary ? table->primary[i] : NULL;
        if (!column) return all;
        mr_node *value = mr_operand_value(a->object, a->along, column, column, required);
        mr_node *x = value ? mr_sql_column(a->env, column, mr_node_retain(row), NULL) : NULL;
        all = mr_sql_and(a->env, all, mr_sql_binary(a->env, is ? MR_OP_IS : MR_OP_EQ, x, value));
        if (!all) return NULL;
    }
}

/* EXISTS: the object's row is in the database, and a join leads from it to the row that the statement is about. */
static mr_node *by_row(const object_criterion *a, const mr_table *table) {
    mr_node *row = mr_sql_alias(a->env, mr_sql_table(a->env, table), NULL);
    if (!row) return NULL;
    const mr_condition c = {
        .env = a->env, .rel = a->rel, .local = a->is_parent ? row : a->alias, .remote = a->is_parent ? a->alias : row};
    mr_node *join = NULL;
    mr_node *is = mr_condition_whole(&c, &join) == MR_OK ? is_row(a, table, row) : NULL;
    if (!is) {
        mr_node_release(join);
        mr_node_release(row);
        return NULL;
    }
    return exists(a->env, a->rel->secondary, row, mr_sql_and(a->env, join, is), a->alias,
                  a->is_parent ? a->rel->target : a->rel->parent);
}

/* ---------------------------------------------------------------- criteria with an object */

mr_status mr_criterion_object(const mr_property *along, mr_node *alias, const mr_operand *object, mr_belonging how,
                              mr_node **out) {
    mr_relationship *rel = along->relationship;
    const object_criterion a = {rel->parent->env, along, rel, alias, object, how == MR_BELONGS_TO};
    /* A condition that the program wrote may say more than the pairs: it may be about the object's row, too. */
    const mr_table *table = object->apart || !rel->simple ? own_table(&a) : NULL;
    mr_node *made = table ? by_row(&a, table) : by_values(&a);
    if (made && how == MR_REFERS_TO_ANOTHER) made = mr_sql_not(a.env, made);
    if (made && how == MR_REFERS_TO_ANOTHER && rel->direction == MR_MANY_TO_ONE) {
        mr_node *either[2] = {made, NULL};
        if (mr_criterion_nothing(along, alias, false, &either[1]) == MR_OK) {
            made = mr_sql_list(a.env, MR_OP_OR, either, 2);
        } else {
            mr_node_release(made);
            made = NULL;
        }
    }
    *out = made;
    return made ? MR_OK : MR_FAIL;
}

bool mr_operand_by_row(const mr_property *along, const mr_operand *object, mr_belonging how) {
    mr_relationship *rel = along->relationship;
    const object_criterion a = {rel->parent->env, along, rel, NULL, object, how == MR_BELONGS_TO};
    return object->apart && own_table(&a);
}

mr_status mr_criterion_nothing(const mr_property *along, mr_node *alias, bool negated, mr_node **out) {
    mr_relationship *rel = along->relationship;
    mr_env *env = rel->parent->env;
    const object_criterion a = {.env = env, .along = along, .rel = rel, .alias = alias};
    if (rel->direction != MR_MANY_TO_ONE) {
        if (mr_criterion_related(along, alias, NULL, NULL, NULL, out) != MR_OK) return MR_FAIL;
        if (!negated) *out = mr_sql_not(env, *out);
        return *out ? MR_OK : MR_FAIL;
    }
    mr_node *all = NULL;
    for (unsigned i = 0; i < rel->npairs; i++) {
        mr_node *x = asked_column(&a, rel->pairs[i].local);
        mr_node *null = mr_sql_raw(env, mr_type_simple(MR_TYPE_NULL), "NULL");
        all = mr_sql_and(env, all, mr_sql_binary(env, negated ? MR_OP_IS_NOT : MR_OP_IS, x, null));
        if (!all) break;
    }
    *out = all;
    return all ? MR_OK : MR_FAIL;
}

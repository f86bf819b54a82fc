/*
 * froms.c: FROM objects: the columns that they have, and the FROM list of a query.
 *
 * Invariant: an object is in the FROM list once; an object inside a join is not listed again beside the join.
 */
#include "planner.h"

#include <string.h>

/* ---------------------------------------------------------------- comparing */

bool mr_from_same(const mr_node *a, const mr_node *b) {
    /* The tables of a class are joined anew each time. */
    for (; a->kind == MR_NODE_JOIN && b->kind == MR_NODE_JOIN && a != b; a = a->child[0], b = b->child[0])
        if (a->op != b->op || !mr_from_same(a->child[1], b->child[1])) return false;
    return a == b || (a->kind == MR_NODE_TABLE && b->kind == MR_NODE_TABLE && a->u.table == b->u.table);
}

bool mr_from_contains(const mr_node *from, const mr_node *object) {
    /* A class of several tables is in a join if all of them are. */
    for (; object->kind == MR_NODE_JOIN; object = object->child[0])
        if (from == object || !mr_from_contains(from, object->child[1])) return from == object;
    for (; from->kind == MR_NODE_JOIN; from = from->child[0])
        if (mr_from_contains(from->child[1], object)) return true;
    return mr_from_same(from, object);
}

/* ---------------------------------------------------------------- columns through a FROM object */

static bool gives_property(const mr_node *item, const mr_property *prop) {
    if (item->kind == MR_NODE_LABEL) item = item->child[0];
    return prop && item->kind == MR_NODE_COLUMN && item->annotation == prop;
}

/* The name of the column in the query's list. NULL: it is not listed. */
static const char *output_name(const mr_node *query, const mr_column *column, const mr_property *prop) {
    const mr_node *list = mr_query_columns(query);
    for (int by_property = 0; by_property < 2; by_property++)
        for (uint32_t i = 0; list && i < list->n; i++)
            if (by_property ? gives_property(list->child[i], prop) : mr_stands_for_column(list->child[i], column))
                return mr_listed_name(list->child[i]);
    return NULL;
}

mr_status mr_from_column(mr_env *env, const mr_column *column, const mr_property *prop, mr_node *from, mr_node **out) {
    *out = NULL;
    mr_node *whole = from->kind == MR_NODE_JOIN && from->flags & MR_NODE_GIVEN ? from : NULL;
    if (from->kind == MR_NODE_JOIN) from = mr_from_leaf(from, column->table);
    if (!from) return MR_OK;
    const mr_node *of = from->kind == MR_NODE_ALIAS ? from->child[0] : from;
    if (from->kind == MR_NODE_TABLE) {
        *out = mr_sql_column(env, column, NULL, prop);
    } else if (of->kind == MR_NODE_TABLE) {
        if (of->u.table != column->table) return MR_OK;
        *out = mr_sql_column_in(env, column, mr_node_retain(from), prop, mr_node_retain(whole));
    } else {
        const char *name = output_name(of, column, prop);
        if (!name) return MR_OK;
        const mr_column *stand_in = mr_stand_in_column(env, name, mr_column_type(env, (mr_column *)column));
        if (stand_in) *out = mr_sql_column(env, stand_in, mr_node_retain(from), prop);
    }
    return *out ? MR_OK : MR_FAIL;
}

/* ---------------------------------------------------------------- the FROM list */

static void **find_explicit(const mr_planner *p, const mr_node *object) {
    for (size_t i = 0; i < p->explicit.len; i++)
        if (mr_from_contains(mr_vec_ptr(&p->explicit, i), object)) return (void **)p->explicit.data + i;
    return NULL;
}

bool mr_froms_has(const mr_planner *p, const mr_node *object) { return find_explicit(p, object) != NULL; }

mr_status mr_froms_begin(mr_planner *p, mr_node *from) {
    from = mr_united_from(p, from);
    if (find_explicit(p, from)) return MR_OK;
    if (mr_vec_push_ptr(&p->explicit, from) != MR_OK) return MR_FAIL;
    mr_node_retain(from);
    return MR_OK;
}

/* The FROM object of a class of the query that has all of the object; else the object itself. */
static mr_node *wider(const mr_planner *p, mr_node *object) {
    for (size_t i = 0; i < p->items.len; i++) {
        const mr_plan_item *item = mr_vec_at(&p->items, i);
        if (item->entity == MR_PLAN_NONE) continue;
        mr_node *from = mr_target_at(p, item->entity)->from;
        if (mr_from_contains(from, object)) return from;
    }
    for (size_t i = 0; i < p->readers.len; i++) {
        mr_node *from = ((const mr_reader *)mr_vec_at(&p->readers, i))->from;
        if (mr_from_contains(from, object)) return from;
    }
    return object;
}

mr_node *mr_froms_left(mr_planner *p, mr_mapper *mapper) {
    mr_node *tables = mr_mapper_tables(mapper);
    if (!tables || find_explicit(p, tables)) return tables;
    mr_node *found = wider(p, tables), *below = NULL;
    mr_status status = found == tables ? mr_plan_left_below(p, mapper, &below) : MR_OK;
    if (status == MR_OK && !below) below = mr_node_retain(found);
    mr_node_release(tables);
    return below;
}

mr_status mr_froms_join(mr_planner *p, mr_op kind, mr_node *left, mr_node *right, mr_node *on) {
    void **place = right && on ? find_explicit(p, left) : NULL;
    if (!place && right && on) {
        left = wider(p, left);
        if (mr_vec_push_ptr(&p->explicit, mr_node_retain(left)) == MR_OK) {
            place = (void **)p->explicit.data + (p->explicit.len - 1);
        } else {
            mr_node_release(left);
        }
    }
    if (!place) {
        mr_node_release(right);
        mr_node_release(on);
        return MR_FAIL;
    }
    mr_node *joined = mr_sql_join(p->env, kind, mr_node_retain(*place), right, on);
    if (!joined) return MR_FAIL;
    mr_node_release(*place);
    *place = joined;
    return MR_OK;
}

static mr_status list_froms_of(mr_planner *p, mr_vec *list, const mr_node *expression);
/* Removes from the list what is a part of the join: an attribute of the class came before the class. */
static void drop_parts(mr_vec *list, const mr_node *join) {
    for (size_t i = list->len; i-- > 0;) {
        mr_node *from = mr_vec_ptr(list, i);
        if (!mr_from_contains(join, from)) continue;
        mr_vec_remove(list, i);
        mr_node_release(from);
    }
}

/* Adds object to the list, unless it is there already, or inside a join that is there. */
static mr_status list_object(mr_planner *p, mr_vec *list, mr_node *object) {
    object = mr_united_from(p, object);
    if (find_explicit(p, object)) return MR_OK;
    for (size_t i = 0; i < list->len; i++)
        if (mr_from_contains(mr_vec_ptr(list, i), object)) return MR_OK;
    /* A function that gives rows needs the objects whose columns are its arguments. */
    if (object->kind == MR_NODE_ALIAS && object->child[0]->kind == MR_NODE_ROWS &&
        list_froms_of(p, list, object->child[0]->child[0]) != MR_OK)
        return MR_FAIL;
    if (object->kind == MR_NODE_JOIN) drop_parts(list, object);
    if (mr_vec_push_ptr(list, object) != MR_OK) return MR_FAIL;
    mr_node_retain(object);
    return MR_OK;
}

static mr_status list_froms_of(mr_planner *p, mr_vec *list, const mr_node *expression) {
    mr_vec found;
    mr_vec_init(&found, p->env, sizeof(mr_node *));
    mr_status status = mr_node_froms(p->env, expression, &found);
    for (size_t i = 0; i < found.len; i++) {
        if (status == MR_OK) status = list_object(p, list, mr_vec_ptr(&found, i));
        mr_node_release(mr_vec_ptr(&found, i));
    }
    mr_vec_done(&found);
    return status;
}

static bool is_named_in(const mr_planner *p, const mr_node *where, const mr_node *object) {
    mr_vec list;
    bool found = false;
    mr_vec_init(&list, p->env, sizeof(mr_node *));
    if (where && mr_node_froms(p->env, where, &list) != MR_OK) mr_env_clear_error(p->env);
    for (size_t i = 0; i < list.len; i++) {
        found = found || mr_from_contains(mr_vec_ptr(&list, i), object);
        mr_node_release(mr_vec_ptr(&list, i));
    }
    mr_vec_done(&list);
    return found;
}

/* Refuses contains_eager of an object that was joined inside the queries of a union and that the union does not list:
 * read beside the union, its rows would not belong to the union's rows. */
static mr_status check_contained(const mr_planner *p, const mr_node *where) {
    for (size_t i = 0; p->q->united && i < p->targets.len; i++) {
        const mr_target *t = mr_vec_at(&p->targets, i);
        if (t->plan.parent == MR_PLAN_NONE || t->secondary || find_explicit(p, t->from)) continue;
        if (mr_united_from(p, t->from) != t->from || is_named_in(p, where, t->from)) continue;
        const mr_property *along = t->plan.along;
        return mr_fail(p->env, MR_ERR_INVALID_REQUEST,
                       "contains_eager(%s.%s): the union does not give %s: join it after the union",
                       along->mapper->name, along->name, t->plan.mapper->name);
    }
    return MR_OK;
}

/* Moves the objects that depend on others behind these. */
static void sort_dependent(mr_vec *list) {
    void **objects = list->data;
    for (size_t seen = 0, at = 0; seen < list->len; seen++) {
        void *object = objects[at];
        if (!mr_from_depends(object)) {
            at++;
            continue;
        }
        memmove(objects + at, objects + at + 1, (list->len - at - 1) * sizeof *objects);
        objects[list->len - 1] = object;
    }
}

mr_status mr_froms_list(mr_planner *p, const mr_node *where, mr_node **out) {
    mr_vec list;
    mr_status status = check_contained(p, where);
    *out = NULL;
    mr_vec_init(&list, p->env, sizeof(mr_node *));
    /* Classes first: a class of several tables contains its tables. */
    for (unsigned i = 0; i < p->items.len && status == MR_OK; i++) {
        const mr_plan_item *item = mr_vec_at(&p->items, i);
        if (item->entity != MR_PLAN_NONE)
            status = list_object(p, &list, ((mr_target *)mr_vec_at(&p->targets, item->entity))->from);
        for (size_t k = 0; k < p->readers.len && status == MR_OK; k++)
            if (((const mr_reader *)mr_vec_at(&p->readers, k))->item == i)
                status = list_object(p, &list, ((const mr_reader *)mr_vec_at(&p->readers, k))->from);
        if (item->entity == MR_PLAN_NONE && status == MR_OK)
            status = list_froms_of(p, &list, ((mr_planned_column *)mr_vec_at(&p->primary, item->column))->node);
    }
    for (size_t i = 0; i < p->primary.len && status == MR_OK; i++)
        status = list_froms_of(p, &list, ((mr_planned_column *)mr_vec_at(&p->primary, i))->node);
    if (where && status == MR_OK) status = list_froms_of(p, &list, where);
    for (size_t i = 0; i < p->explicit.len && status == MR_OK; i++) {
        status = mr_vec_push_ptr(&list, mr_vec_ptr(&p->explicit, i));
        if (status == MR_OK) mr_node_retain(mr_vec_ptr(&p->explicit, i));
    }
    if (status == MR_OK && list.len > 0) {
        sort_dependent(&list);
        *out = mr_sql_list(p->env, MR_OP_COMMA, list.data, list.len);
        if (!*out) status = MR_FAIL;
    } else {
        for (size_t i = 0; i < list.len; i++) mr_node_release(mr_vec_ptr(&list, i));
    }
    mr_vec_done(&list);
    return status;
}

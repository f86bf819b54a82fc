/*
 * node.c: making, counting and releasing nodes, without recursion.
 *
 * Invariant: a node never changes after it was made. One change is invisible: LISTs that were made by appending to each
 * other share one array of items. Each LIST sees only its first n items, and only the LIST that sees all of them may
 * add an item to the array.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <string.h>

/* The shared items of LISTs. It has one reference to each item in use. */
typedef struct list_items {
    uint32_t refs, used, cap;
    mr_node *item[];
} list_items;

static list_items *items_of(const mr_node *list) {
    return (list_items *)(void *)((char *)list->child - offsetof(list_items, item));
}

mr_node *mr_node_retain(mr_node *node) {
    if (node) node->refs++;
    return node;
}

/* ---------------------------------------------------------------- release */

/* Gives a reference back. A node without references is added to the list of dead nodes, which are linked by their
 * annotation. */
static void drop(mr_node *node, mr_node **dead) {
    if (!node || --node->refs > 0) return;
    node->annotation = *dead;
    *dead = node;
}

static void drop_children(mr_node *node, mr_node **dead) {
    if (node->kind == MR_NODE_LIST) {
        list_items *items = items_of(node);
        if (--items->refs > 0) return;
        for (uint32_t i = 0; i < items->used; i++) drop(items->item[i], dead);
        mr_free(node->env, items);
        return;
    }
    uint32_t parts = mr_node_parts(node);
    for (uint32_t i = 0; i < parts; i++) drop(node->child[i], dead);
}

static void clear_payload(mr_node *node) {
    if (node->kind == MR_NODE_BIND || node->kind == MR_NODE_TEXT || node->kind == MR_NODE_CRITERION) {
        mr_value_clear(node->env, &node->u.value);
    } else if (node->kind == MR_NODE_BINDS) {
        for (size_t i = 0; i < node->u.list.n; i++) mr_value_clear(node->env, &node->u.list.values[i]);
        mr_free(node->env, node->u.list.values);
        mr_free(node->env, node->u.list.spelled);
        if (node->u.list.text) mr_strbuf_done(node->u.list.text);
        mr_free(node->env, node->u.list.text);
    }
}

void mr_node_release(mr_node *node) {
    mr_node *dead = NULL;
    drop(node, &dead);
    while (dead) {
        mr_node *next = dead;
        dead = (mr_node *)next->annotation;
        drop_children(next, &dead);
        clear_payload(next);
        mr_free(next->env, next);
    }
}

void mr_nodes_release(mr_node *const *nodes, size_t n) {
    for (size_t i = 0; i < n; i++) mr_node_release(nodes[i]);
}

/* ---------------------------------------------------------------- making */

/* Adds a child's measures to its parent's. The binds inside of an ALIAS or CTE are counted separately (see key.c), and
 * the FROM object of a COLUMN is no part of the COLUMN. */
static void measure(mr_node *node, const mr_node *child) {
    if (!child) return;
    if (child->depth >= node->depth) node->depth = child->depth + 1;
    node->flags |= child->flags & MR_NODE_WRITES;
    if (node->kind == MR_NODE_COLUMN) return;
    node->weight += child->weight;
    if (node->kind != MR_NODE_ALIAS && node->kind != MR_NODE_CTE) node->binds += child->binds;
}

/* Called after each child: the sum so far and each child are within the limits, so their sum cannot overflow. */
static bool within_limits(mr_env *env, const mr_node *node) {
    if (node->depth > MR_NODE_MAX_DEPTH) {
        mr_fail(env, MR_ERR_ARGUMENT, "the expression is nested deeper than %d levels", MR_NODE_MAX_DEPTH);
        return false;
    }
    if (node->weight > MR_NODE_MAX_WEIGHT) {
        mr_fail(env, MR_ERR_ARGUMENT, "the expression has more than %d parts", MR_NODE_MAX_WEIGHT);
        return false;
    }
    return true;
}

static bool measure_all(mr_env *env, mr_node *node, mr_node *const *children, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        measure(node, children[i]);
        if (!within_limits(env, node)) return false;
    }
    return true;
}

static void init(mr_node *node, mr_env *env, mr_node_kind kind, mr_op op, const mr_type *type) {
    node->refs = 1;
    node->kind = (uint8_t)kind;
    node->op = (uint8_t)op;
    node->env = env;
    node->type = type ? type : mr_type_simple(MR_TYPE_NULL);
    node->depth = 1;
    node->weight = 1;
    node->binds = kind == MR_NODE_BIND || kind == MR_NODE_BINDS;
}

mr_node *mr_node_new_sparse(mr_env *env, mr_node_kind kind, mr_op op, const mr_type *type, mr_node *const *children,
                            uint32_t n, size_t size, void **extra) {
    size_t front = sizeof(mr_node) + n * sizeof(mr_node *);
    mr_node *node = mr_calloc(env, front + size);
    if (!node) goto fail;
    init(node, env, kind, op, type);
    node->n = n;
    node->child = (mr_node **)(void *)(node + 1);
    if (!measure_all(env, node, children, n)) goto fail;
    if (n) memcpy(node->child, children, n * sizeof *children);
    if (extra) *extra = (char *)node + front;
    return node;
fail:
    mr_free(env, node);
    mr_nodes_release(children, n);
    return NULL;
}

mr_node *mr_node_new(mr_env *env, mr_node_kind kind, mr_op op, const mr_type *type, mr_node *const *children,
                     uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (!children[i]) {
            mr_nodes_release(children, n);
            return NULL;
        }
    return mr_node_new_sparse(env, kind, op, type, children, n, 0, NULL);
}

mr_node *mr_node_named(mr_node *node, const char *name) {
    if (!node) return NULL;
    node->name = mr_intern(node->env, name, strlen(name));
    if (node->name) return node;
    mr_node_release(node);
    return NULL;
}

/* ---------------------------------------------------------------- lists */

/* The items to which n more can be appended: those of list itself, when it sees all of them and there is room,
 * otherwise a copy. One reference. */
static list_items *room_behind(mr_env *env, const mr_node *list, size_t n) {
    list_items *items = list ? items_of(list) : NULL;
    uint32_t used = list ? list->n : 0;
    if (items && items->used == used && n <= items->cap - used) {
        items->refs++;
        return items;
    }
    size_t cap = used + n < 4 ? 4 : (used + n) + (list ? used + n : 0);
    if (n > MR_NODE_MAX_WEIGHT || cap > 2 * (size_t)MR_NODE_MAX_WEIGHT + 2) {
        mr_fail(env, MR_ERR_ARGUMENT, "the expression has more than %d parts", MR_NODE_MAX_WEIGHT);
        return NULL;
    }
    list_items *made = mr_alloc(env, sizeof *made + cap * sizeof(mr_node *));
    if (!made) return NULL;
    made->refs = 1;
    made->used = used;
    made->cap = (uint32_t)cap;
    for (uint32_t i = 0; i < used; i++) made->item[i] = mr_node_retain(list->child[i]);
    return made;
}

static void drop_items(mr_env *env, list_items *items) {
    if (!items || --items->refs > 0) return;
    mr_nodes_release(items->item, items->used);
    mr_free(env, items);
}

mr_node *mr_list_append(mr_env *env, mr_op op, const mr_type *type, mr_node *list, mr_node *const *items, size_t n) {
    list_items *room = room_behind(env, list, n);
    mr_node *node = room ? mr_calloc(env, sizeof *node) : NULL;
    if (!node) goto fail;
    init(node, env, MR_NODE_LIST, op, type);
    if (list) {
        node->depth = list->depth;
        node->binds = list->binds;
        node->weight = list->weight;
    }
    if (!measure_all(env, node, items, (uint32_t)n)) goto fail;
    if (n) memcpy(room->item + room->used, items, n * sizeof *items);
    room->used += (uint32_t)n;
    node->n = room->used;
    node->child = room->item;
    mr_node_release(list);
    return node;
fail:
    drop_items(env, room);
    mr_free(env, node);
    mr_node_release(list);
    mr_nodes_release(items, n);
    return NULL;
}

/* ---------------------------------------------------------------- rebuilding */

static size_t payload_size(const mr_node *node) {
    if (mr_node_is_query(node)) return sizeof(mr_select);
    return mr_node_is_dml(node) ? sizeof(mr_dml) : 0;
}

/* The clauses of a statement are the same pointers as child[], so they are set again from it. */
static void copy_clauses(mr_node *copy, const mr_node *node, void *extra) {
    if (mr_node_is_query(node)) {
        mr_select *s = extra;
        mr_node **part = copy->child + (node->kind == MR_NODE_COMPOUND ? node->n : 0);
        *s = *node->u.select;
        s->columns = part[MR_SELECT_COLUMNS];
        s->from = part[MR_SELECT_FROM];
        s->where = part[MR_SELECT_WHERE];
        s->group_by = part[MR_SELECT_GROUP_BY];
        s->having = part[MR_SELECT_HAVING];
        s->order_by = part[MR_SELECT_ORDER_BY];
        s->limit = part[MR_SELECT_LIMIT];
        s->offset = part[MR_SELECT_OFFSET];
        s->distinct_on = part[MR_SELECT_DISTINCT_ON];
        s->correlate = part[MR_SELECT_CORRELATE];
        s->with = part[MR_SELECT_WITH];
        copy->u.select = s;
    } else if (mr_node_is_dml(node)) {
        mr_dml *d = extra;
        mr_node **part = copy->child;
        *d = *node->u.dml;
        d->table = part[MR_DML_TABLE];
        d->columns = part[MR_DML_COLUMNS];
        d->values = part[MR_DML_VALUES];
        d->select = part[MR_DML_SELECT];
        d->where = part[MR_DML_WHERE];
        d->returning = part[MR_DML_RETURNING];
        d->conflict_target = part[MR_DML_CONFLICT_TARGET];
        d->conflict_index_where = part[MR_DML_CONFLICT_INDEX_WHERE];
        d->conflict_columns = part[MR_DML_CONFLICT_COLUMNS];
        d->conflict_values = part[MR_DML_CONFLICT_VALUES];
        d->conflict_where = part[MR_DML_CONFLICT_WHERE];
        d->others = part[MR_DML_OTHERS];
        d->with = part[MR_DML_WITH];
        copy->u.dml = d;
    }
}

mr_node *mr_node_with_parts(const mr_node *node, mr_node *const *parts) {
    uint32_t n = mr_node_parts(node);
    mr_env *env = node->env;
    mr_node *copy;
    void *extra = NULL;
    if (node->kind == MR_NODE_LIST) copy = mr_list_append(env, (mr_op)node->op, node->type, NULL, parts, n);
    else
        copy = mr_node_new_sparse(env, (mr_node_kind)node->kind, (mr_op)node->op, node->type, parts, n,
                                  payload_size(node), &extra);
    if (!copy) return NULL;
    copy->n = node->n;
    copy->flags = node->flags;
    copy->name = node->name;
    copy->annotation = node->annotation;
    copy->reader = node->reader;
    if (node->kind == MR_NODE_TEXT || node->kind == MR_NODE_CRITERION) {
        if (mr_value_copy(env, &copy->u.value, &node->u.value) == MR_OK) return copy;
        mr_node_release(copy);
        return NULL;
    }
    if (payload_size(node)) copy_clauses(copy, node, extra);
    else if (node->kind == MR_NODE_COLUMN) copy->u.column = node->u.column;
    else if (node->kind == MR_NODE_TABLE) copy->u.table = node->u.table;
    return copy;
}

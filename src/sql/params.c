/*
 * params.c: replaces the named parameters of a statement by their values. This is needed when the statement becomes a
 * part of another one, whose parameters of the same names are different ones.
 *
 * Invariant: one node stays one node. A FROM object with a parameter inside is rebuilt only once, and each column that
 * is read from it then refers to the new object. So does each reference to the first part of a recursive CTE.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <string.h>

typedef struct rebuilt {
    const mr_node *from;
    mr_node *to; /* one reference */
} rebuilt;

typedef struct filler {
    mr_env *env;
    const mr_named_value *named;
    size_t n;
    const mr_named_list *list; /* or NULL: what takes the place of list parameters */
    bool listed;               /* one was found */
    mr_map *known;             /* of rebuilt: nodes that other nodes may refer to */
    mr_store_room *room;       /* values of the program's own are replaced by those that are sent; NULL: they stay */
    bool failed;
} filler;

static mr_node *fill(filler *f, mr_node *node);

/* A BIND with the parameter's value, coerced to its type; the node itself when no value is given. */
static mr_node *fill_param(filler *f, mr_node *node) {
    for (size_t i = 0; node->name && i < f->n; i++) {
        if (strcmp(f->named[i].name, node->name) != 0) continue;
        mr_value v = f->named[i].value;
        v.flags &= (uint8_t)~MR_VALUE_OWNED; /* borrowed: coercion must not free it */
        mr_node *made =
            mr_type_coerce(f->env, node->type, node->name, &v) == MR_OK ? mr_sql_bind(f->env, node->type, &v) : NULL;
        if (!made) f->failed = true;
        return made;
    }
    return mr_node_retain(node);
}

/* Makes a value of the list one of the parameter's type: functions of the program convert it now. */
static mr_status list_value(filler *f, const mr_node *node, mr_value *v, mr_store_room *room) {
    const mr_decorator *decorator = mr_type_in(node->type, room->dialect)->decorator;
    if (!decorator || !decorator->send || v->kind == MR_NULL) return mr_type_coerce(f->env, node->type, node->name, v);
    room->type = node->type;
    return v->kind == MR_OPAQUE ? mr_value_send(f->env, v, room) : decorator->send(f->env, node->type, v, room);
}

/* The list, each value coerced to the parameter's type; the node itself where it is another parameter. */
static mr_node *fill_list(filler *f, mr_node *node) {
    const mr_named_list *list = f->list;
    if (!(node->flags & MR_NODE_EXPANDING) || strcmp(node->name, list->name) != 0) return mr_node_retain(node);
    mr_value *values = mr_alloc(f->env, (list->n + 1) * sizeof *values);
    mr_store_room room = {.env = f->env};
    size_t n = 0;
    f->listed = true;
    for (; values && n < list->n; n++) {
        values[n] = list->values[n];
        values[n].flags &= (uint8_t)~MR_VALUE_OWNED;
        if (list_value(f, node, &values[n], &room) != MR_OK) break;
    }
    mr_node *made = values && n == list->n ? mr_sql_binds(f->env, node->type, values, n) : NULL;
    for (size_t i = 0; values && i < n; i++) mr_value_clear(f->env, &values[i]);
    mr_store_done(&room);
    mr_free(f->env, values);
    if (!made) f->failed = true;
    return made;
}

static bool has_own_values(const mr_node *node) {
    if (node->kind == MR_NODE_BIND) return !node->name && mr_value_is_own(node->env, &node->u.value);
    for (size_t i = 0; node->kind == MR_NODE_BINDS && i < node->u.list.n; i++)
        if (mr_value_is_own(node->env, &node->u.list.values[i])) return true;
    return false;
}

/* The bind, or list of binds, with the values that are sent. */
static mr_node *send(filler *f, mr_node *node) {
    size_t n = node->kind == MR_NODE_BIND ? 1 : node->u.list.n;
    mr_value *values = mr_alloc(f->env, n * sizeof *values);
    mr_status status = values ? MR_OK : MR_FAIL;
    for (size_t i = 0; status == MR_OK && i < n; i++) {
        values[i] = node->kind == MR_NODE_BIND ? node->u.value : node->u.list.values[i];
        values[i].flags = 0;
        status = mr_value_send(f->env, &values[i], f->room);
    }
    mr_node *made = NULL;
    if (status == MR_OK && node->kind == MR_NODE_BIND) made = mr_sql_bind(f->env, node->type, values);
    else if (status == MR_OK) made = mr_sql_binds(f->env, node->type, values, n);
    mr_free(f->env, values);
    f->failed = !made;
    return made;
}

/* Do other nodes refer to this node, so that it must be rebuilt only once? */
static bool has_identity(const mr_node *node) {
    return mr_node_is_query(node) || node->kind == MR_NODE_ALIAS || node->kind == MR_NODE_CTE;
}

static mr_node *fill_parts(filler *f, mr_node *node) {
    uint32_t n = mr_node_parts(node);
    mr_node *few[MR_DML_PARTS] = {NULL}, **parts = few, *made = NULL;
    bool changed = false;
    if (n > MR_DML_PARTS && !(parts = mr_calloc(f->env, n * sizeof(mr_node *)))) {
        f->failed = true;
        return NULL;
    }
    for (uint32_t i = 0; i < n && !f->failed; i++) {
        parts[i] = node->child[i] ? fill(f, node->child[i]) : NULL;
        changed = changed || parts[i] != node->child[i];
    }
    if (!f->failed && changed) {
        made = mr_node_with_parts(node, parts);
        f->failed = !made;
    } else {
        mr_nodes_release(parts, n);
        if (!f->failed) made = mr_node_retain(node);
    }
    if (parts != few) mr_free(f->env, parts);
    return made;
}

static mr_node *fill(filler *f, mr_node *node) {
    if (f->failed) return NULL;
    if (f->room && has_own_values(node)) return send(f, node);
    if (node->kind == MR_NODE_BIND) return f->list ? fill_list(f, node) : fill_param(f, node);
    if (mr_node_parts(node) == 0 || node->kind == MR_NODE_BINDS) return mr_node_retain(node);
    rebuilt key = {node, NULL};
    const rebuilt *known = has_identity(node) ? mr_map_get(f->known, &key) : NULL;
    if (known) return mr_node_retain(known->to);
    mr_node *made = fill_parts(f, node);
    if (!made || !has_identity(node)) return made;
    key.to = mr_node_retain(made);
    if (mr_map_put(f->known, &key)) return made;
    mr_node_release(made);
    mr_node_release(made);
    f->failed = true;
    return NULL;
}

static void begin(filler *f, mr_env *env) {
    f->env = env;
    f->known = mr_map_new(env, sizeof(rebuilt), mr_map_hash_ptr, mr_map_equal_ptr);
    if (!f->known) f->failed = true;
}

static void end(filler *f) {
    size_t at = 0;
    for (rebuilt *r; f->known && (r = mr_map_next(f->known, &at));) mr_node_release(r->to);
    mr_map_free(f->known);
}

mr_node *mr_sql_with_values(mr_node *node, const mr_named_value *named, size_t n) {
    if (!node || n == 0) return node;
    filler f = {.named = named, .n = n};
    begin(&f, node->env);
    mr_node *made = f.failed ? NULL : fill(&f, node);
    end(&f);
    mr_node_release(node);
    return made;
}

mr_status mr_sql_with_list(mr_env *env, mr_node **nodes, size_t k, const mr_named_list *list, bool *found) {
    filler f = {.list = list};
    begin(&f, env);
    for (size_t i = 0; i < k; i++) {
        mr_node *old = nodes[i];
        if (!old) continue;
        nodes[i] = f.failed ? NULL : fill(&f, old);
        mr_node_release(old);
    }
    end(&f);
    *found = f.listed;
    return f.failed ? MR_FAIL : MR_OK;
}

/* ---------------------------------------------------------------- finding one */

typedef struct finder {
    const char *name;
    mr_map *seen; /* of rebuilt: nodes that other nodes may refer to */
    const mr_node *found;
    bool failed;
} finder;

static void find(finder *f, const mr_node *node) {
    if (!node || f->found || f->failed) return;
    if (node->kind == MR_NODE_BIND) {
        if (node->name && strcmp(node->name, f->name) == 0) f->found = node;
        return;
    }
    if (node->kind == MR_NODE_BINDS) return;
    if (has_identity(node)) {
        const rebuilt key = {node, NULL};
        if (mr_map_get(f->seen, &key)) return;
        if (!mr_map_put(f->seen, &key)) f->failed = true;
    }
    uint32_t n = mr_node_parts(node);
    for (uint32_t i = 0; i < n; i++) find(f, node->child[i]);
}

mr_status mr_sql_find_param(mr_env *env, mr_node *const *nodes, size_t k, const char *name, const mr_node **out) {
    finder f = {.name = name, .seen = mr_map_new(env, sizeof(rebuilt), mr_map_hash_ptr, mr_map_equal_ptr)};
    *out = NULL;
    if (!f.seen) return MR_FAIL;
    for (size_t i = 0; i < k; i++) find(&f, nodes[i]);
    mr_map_free(f.seen);
    *out = f.found;
    return f.failed ? MR_FAIL : MR_OK;
}

/* ---------------------------------------------------------------- values of the program's own */

mr_node *mr_sql_with_sent_values(mr_node *node, const char *dialect, bool written) {
    if (!node) return node;
    mr_store_room room = {.env = node->env, .dialect = dialect, .written = written};
    filler f = {.room = &room};
    begin(&f, node->env);
    mr_node *made = f.failed ? NULL : fill(&f, node);
    end(&f);
    mr_node_release(node);
    mr_store_done(&room);
    return made;
}

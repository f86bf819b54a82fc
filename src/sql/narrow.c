/*
 * narrow.c: adds criteria for the rows of FROM objects to a statement, in each SELECT that reads such an object.
 *
 * Invariant: a criterion for what an outer join adds stands in the ON of that join, and drops no other row. A subquery
 * whose SELECT has changed is a new FROM object, and all its columns are columns of that. Recursion is as deep as the
 * tree, and the constructors of nodes limit that depth.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <string.h>

/* A subquery in FROM, and the one that takes its place. */
typedef struct moved_object {
    const mr_node *old;
    mr_node *made; /* owned */
} moved_object;

typedef struct narrower {
    const mr_narrowing *how;
    mr_env *env;
    mr_vec moved; /* moved_object */
    unsigned level;
    bool failed;
} narrower;

typedef mr_node *(*part_fn)(narrower *n, mr_node *node);

/* The node with make(n, part) in place of each part: the node itself if none has changed. */
static mr_node *with_parts(narrower *n, mr_node *node, part_fn make) {
    uint32_t count = mr_node_parts(node);
    mr_node *few[MR_SELECT_PARTS] = {NULL}, **parts = few, *made = NULL;
    if (count > MR_SELECT_PARTS && !(parts = mr_calloc(node->env, count * sizeof *parts))) {
        n->failed = true;
        return NULL;
    }
    bool changed = false;
    for (uint32_t i = 0; i < count && !n->failed; i++) {
        parts[i] = node->child[i] ? make(n, node->child[i]) : NULL;
        changed = changed || parts[i] != node->child[i];
    }
    if (!n->failed && changed) {
        made = mr_node_with_parts(node, parts);
        n->failed = !made;
    } else {
        mr_nodes_release(parts, count);
        if (!n->failed) made = mr_node_retain(node);
    }
    if (parts != few) mr_free(node->env, parts);
    return made;
}

/* ---------------------------------------------------------------- subqueries that have moved */

static mr_node *place_of(const narrower *n, const mr_node *object) {
    for (size_t i = 0; i < n->moved.len; i++) {
        const moved_object *m = mr_vec_at(&n->moved, i);
        if (m->old == object) return m->made;
    }
    return NULL;
}

/* The node with the new objects in place of those that have moved, and their columns. */
static mr_node *follow(narrower *n, mr_node *node) {
    if (n->failed) return NULL;
    mr_node *made = node->kind == MR_NODE_ALIAS ? place_of(n, node) : NULL;
    if (made) return mr_node_retain(made);
    bool ends = node->kind == MR_NODE_ALIAS || node->kind == MR_NODE_CTE || node->kind == MR_NODE_TABLE ||
                node->kind == MR_NODE_TEXT || node->kind == MR_NODE_BIND || node->kind == MR_NODE_BINDS ||
                node->kind == MR_NODE_LITERAL_SQL;
    return ends ? mr_node_retain(node) : with_parts(n, node, follow);
}

/* ---------------------------------------------------------------- criteria */

/* Are the two the same expression, with the same values? */
static bool is_same(narrower *n, const mr_node *a, const mr_node *b) {
    mr_strbuf key[2];
    mr_vec binds[2];
    const mr_node *const nodes[2] = {a, b};
    bool same = a->kind == b->kind && a->weight == b->weight;
    for (int i = 0; i < 2; i++) {
        mr_strbuf_init(&key[i], n->env);
        mr_vec_init(&binds[i], n->env, sizeof(mr_node *));
        if (same && mr_sql_key(nodes[i], &key[i], &binds[i]) != MR_OK) n->failed = true;
    }
    same = same && !n->failed && key[0].len == key[1].len && memcmp(key[0].data, key[1].data, key[0].len) == 0;
    for (size_t i = 0; same && i < binds[0].len; i++) same = mr_vec_ptr(&binds[0], i) == mr_vec_ptr(&binds[1], i);
    for (int i = 0; i < 2; i++) {
        mr_strbuf_done(&key[i]);
        mr_vec_done(&binds[i]);
    }
    return same;
}

static bool has_part(narrower *n, const mr_node *condition, const mr_node *criterion) {
    if (is_same(n, condition, criterion)) return true;
    bool is_list = condition->kind == MR_NODE_LIST && condition->op == MR_OP_AND;
    for (uint32_t i = 0; is_list && i < condition->n; i++)
        if (is_same(n, condition->child[i], criterion)) return true;
    return false;
}

/* condition AND criterion, unless the condition says so already. Consumes both, which may be NULL. */
static mr_node *and_once(narrower *n, mr_node *condition, mr_node *criterion) {
    if (!criterion) return condition;
    if (condition && has_part(n, condition, criterion)) {
        mr_node_release(criterion);
        return condition;
    }
    mr_node *made = mr_sql_and(n->env, condition, criterion);
    if (!made) n->failed = true;
    return made;
}

/* ---------------------------------------------------------------- FROM */

static mr_node *narrow(narrower *n, mr_node *node);

/* What a SELECT reads, and the criteria for it that belong to its WHERE or to the ON around the object. */
typedef struct reading {
    const mr_node *select;
    mr_node *object; /* an entry of its FROM */
} reading;

static mr_node *narrow_subquery(narrower *n, mr_node *alias) {
    mr_node *inner = narrow(n, alias->child[0]);
    if (!inner || inner == alias->child[0]) {
        mr_node_release(inner);
        return n->failed ? NULL : mr_node_retain(alias);
    }
    moved_object *m = mr_vec_push(&n->moved);
    mr_node *made = m ? mr_node_with_parts(alias, &inner) : NULL;
    if (!m) mr_node_release(inner);
    if (m) *m = (moved_object){alias, mr_node_retain(made)};
    if (!made) n->failed = true;
    return made;
}

static mr_node *narrow_leaf(narrower *n, const reading *r, mr_node *leaf, mr_node **criteria) {
    bool is_query = leaf->kind == MR_NODE_ALIAS && mr_node_is_query(leaf->child[0]);
    if (is_query) return narrow_subquery(n, leaf);
    mr_node *criterion = NULL;
    bool is_rows = leaf->kind == MR_NODE_TABLE || leaf->kind == MR_NODE_ALIAS;
    if (is_rows && n->how->criterion(n->how->ud, r->select, n->level == 1, r->object, leaf, &criterion) != MR_OK)
        n->failed = true;
    *criteria = and_once(n, *criteria, criterion);
    return n->failed ? NULL : mr_node_retain(leaf);
}

static mr_node *narrow_object(narrower *n, const reading *r, mr_node *object, mr_node **criteria) {
    if (n->failed) return NULL;
    if (object->kind != MR_NODE_JOIN) return narrow_leaf(n, r, object, criteria);
    mr_node *inside = NULL, *parts[3] = {NULL};
    parts[0] = narrow_object(n, r, object->child[0], criteria);
    parts[1] = narrow_object(n, r, object->child[1], &inside);
    parts[2] = n->failed ? NULL : narrow(n, object->child[2]);
    parts[2] = and_once(n, parts[2], inside);
    bool changed = false;
    for (int i = 0; i < 3; i++) changed = changed || parts[i] != object->child[i];
    if (!n->failed && changed) {
        mr_node *made = mr_node_with_parts(object, parts);
        if (!made) n->failed = true;
        return made;
    }
    mr_nodes_release(parts, 3);
    return n->failed ? NULL : mr_node_retain(object);
}

/* *criteria: those for the WHERE. */
static mr_node *narrow_from(narrower *n, const mr_node *select, mr_node **criteria) {
    const mr_node *from = select->u.select->from;
    mr_node *made = NULL;
    bool changed = false;
    for (uint32_t i = 0; from && i < from->n && !n->failed; i++) {
        reading r = {select, from->child[i]};
        mr_node *object = narrow_object(n, &r, r.object, criteria);
        changed = changed || object != r.object;
        made = mr_sql_list_append(n->env, made, object);
        if (!made) n->failed = true;
    }
    if (changed || !made) return made;
    mr_node_release(made);
    return mr_node_retain((mr_node *)from);
}

/* ---------------------------------------------------------------- the tree */

static mr_node *narrow_select(narrower *n, mr_node *node) {
    mr_node *parts[MR_SELECT_PARTS] = {NULL}, *criteria = NULL;
    size_t before = n->moved.len;
    n->level++;
    parts[MR_SELECT_FROM] = narrow_from(n, node, &criteria);
    for (uint32_t i = 0; i < MR_SELECT_PARTS && !n->failed; i++)
        if (i != MR_SELECT_FROM && node->child[i])
            parts[i] = i == MR_SELECT_CORRELATE ? mr_node_retain(node->child[i]) : narrow(n, node->child[i]);
    n->level--;
    parts[MR_SELECT_WHERE] = and_once(n, parts[MR_SELECT_WHERE], criteria);
    bool changed = false, moved = n->moved.len > before;
    for (uint32_t i = 0; i < MR_SELECT_PARTS; i++) changed = changed || parts[i] != node->child[i];
    if (n->failed || !changed) {
        mr_nodes_release(parts, MR_SELECT_PARTS);
        return n->failed ? NULL : mr_node_retain(node);
    }
    mr_node *made = mr_node_with_parts(node, parts);
    if (!made) n->failed = true;
    if (!made || !moved) return made;
    mr_node *whole = with_parts(n, made, follow);
    mr_node_release(made);
    return whole;
}

static mr_node *narrow(narrower *n, mr_node *node) {
    if (n->failed) return NULL;
    switch (node->kind) {
    case MR_NODE_COLUMN:
    case MR_NODE_BIND:
    case MR_NODE_BINDS:
    case MR_NODE_LITERAL_SQL:
    case MR_NODE_TEXT:
    case MR_NODE_TABLE:
    case MR_NODE_ALIAS:
    case MR_NODE_CTE:
        return mr_node_retain(node);
    case MR_NODE_SELECT:
        return narrow_select(n, node);
    default:
        return with_parts(n, node, narrow);
    }
}

mr_status mr_node_narrow(mr_node *statement, const mr_narrowing *how, mr_node **out) {
    /* What is no SELECT is a part of another statement, whose columns its SELECTs may name. */
    bool inside = !mr_node_is_query(statement);
    narrower n = {.how = how, .env = statement->env, .level = inside};
    mr_vec_init(&n.moved, n.env, sizeof(moved_object));
    *out = narrow(&n, statement);
    for (size_t i = 0; i < n.moved.len; i++) mr_node_release(((moved_object *)mr_vec_at(&n.moved, i))->made);
    mr_vec_done(&n.moved);
    return *out ? MR_OK : MR_FAIL;
}

/*
 * order.c: the order of a flush's operations: by table, then by rows that refer to each other, then updates
 * before inserts.
 *
 * Invariant: the order depends only on classes, keys and the order of session:add, never on addresses in memory.
 */
#include "rows.h"
#include "unit.h"
#include "values.h"

#include <string.h>

/* ---------------------------------------------------------------- row switches */

/* The deleted object that has the same key as the new one. NULL: there is none. */
static flush_op *switched_row(mr_flush *flush, const flush_op *op) {
    const flush_class *cls = op->cls;
    mr_value identity, *key = mr_flush_keys(flush, cls->mapper->npk);
    if (!key) return NULL;
    for (unsigned i = 0; i < cls->mapper->npk; i++) {
        key[i] = *mr_flush_value(op, cls->key[i]);
        if (key[i].kind == MR_UNLOADED || key[i].kind == MR_NULL || key[i].kind >= MR_OPAQUE) return NULL;
    }
    if (!mr_identity_make(cls->mapper, key, &flush->identity, &identity)) return NULL;
    const mr_entity *old = mr_idmap_get(flush->ctx.owner->idmap, cls->mapper->root, &identity);
    flush_op *other = old ? mr_flush_op_of(flush, old) : NULL;
    return other && other->kind == OP_DELETE && !(other->flags & OP_SWITCHED) ? other : NULL;
}

/* The row can only be updated if both objects are in the same tables: else rows of the old object would stay. */
static mr_status check_tables(mr_flush *flush, const flush_op *op, const flush_op *old) {
    const mr_mapper *made = op->cls->mapper, *gone = old->cls->mapper;
    bool same = made->nparts == gone->nparts;
    for (unsigned i = 0; i < made->nparts && same; i++) same = made->parts[i].table == gone->parts[i].table;
    if (same) return MR_OK;
    mr_strbuf who;
    mr_strbuf_init(&who, flush->env);
    mr_entity_describe(old->entity, &who);
    const char *text = mr_strbuf_str(&who);
    if (text)
        mr_fail(flush->env, MR_ERR_INVALID_REQUEST,
                "%s is deleted and a new %s has its key, but the two classes have different tables: call "
                "session:flush() between delete and add, so that the rows of the old object are gone",
                text, made->name);
    mr_strbuf_done(&who);
    return MR_FAIL;
}

/* Finds rows that are deleted and inserted again with the same key: these are updated instead. */
static mr_status find_row_switches(mr_flush *flush) {
    for (size_t i = 0; flush->ndeletes > 0 && i < flush->ninserts; i++) {
        flush_op *op = mr_vec_ptr(&flush->ops, i);
        /* The key may consist of foreign keys, which are staged first. */
        if (mr_flush_stage_links(flush, op) != MR_OK) return MR_FAIL;
        flush_op *other = switched_row(flush, op);
        if (!other) continue;
        if (check_tables(flush, op, other) != MR_OK) return MR_FAIL;
        if (!mr_flush_rare_of(flush, op) || !mr_flush_rare_of(flush, other)) return MR_FAIL;
        op->rare->other = other;
        other->rare->other = op;
        op->flags |= OP_ROW_SWITCH;
        other->flags |= OP_SWITCHED;
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- sorting */

typedef struct sorter {
    mr_flush *flush;
    bool by_key;
    mr_value *left, *right; /* scratch memory for one key each */
} sorter;

static int compare_keys(const sorter *s, const flush_op *a, const flush_op *b) {
    unsigned npk = a->cls->mapper->npk;
    const mr_entity *x = a->entity, *y = b->entity;
    if (x->identity_kind == MR_IDENTITY_INT && y->identity_kind == MR_IDENTITY_INT)
        return (x->key.i > y->key.i) - (x->key.i < y->key.i);
    mr_flush_old_key(a, s->left);
    mr_flush_old_key(b, s->right);
    for (unsigned i = 0; i < npk; i++) {
        int order = mr_value_compare(&s->left[i], &s->right[i]);
        if (order) return order;
    }
    return 0;
}

static bool is_after(const sorter *s, const flush_op *a, const flush_op *b) {
    if (a->level != b->level) return a->level > b->level;
    return s->by_key && compare_keys(s, a, b) > 0;
}

/* Merges the sorted from[lo..mid) and from[mid..hi) into to[lo..hi). */
static void merge(const sorter *s, flush_op **from, flush_op **to, size_t lo, size_t mid, size_t hi) {
    size_t i = lo, j = mid;
    for (size_t k = lo; k < hi; k++)
        to[k] = j >= hi || (i < mid && !is_after(s, from[i], from[j])) ? from[i++] : from[j++];
}

static bool is_sorted(const sorter *s, flush_op *const *ops, size_t n) {
    for (size_t i = 1; i < n; i++) {
        mr_flush_prefetch(ops, i, n);
        if (is_after(s, ops[i - 1], ops[i])) return false;
    }
    return true;
}

/* A stable sort: operations that are equal keep the order of session:add. */
static mr_status sort_ops(mr_flush *flush, mr_vec *ops, bool by_key) {
    size_t n = ops->len;
    if (n < 2 || (!by_key && flush->edges.len == 0)) return MR_OK; /* without edges, all are of one level */
    sorter s = {.flush = flush, .by_key = by_key};
    unsigned npk = ((const flush_op *)mr_vec_ptr(ops, 0))->cls->mapper->npk;
    s.left = mr_flush_keys(flush, 2 * (size_t)npk);
    if (!s.left) return MR_FAIL;
    s.right = s.left + npk;
    if (is_sorted(&s, ops->data, n)) return MR_OK;
    flush_op **spare = mr_alloc(flush->env, n * sizeof(flush_op *)), **from = ops->data, **to = spare;
    if (!spare) return MR_FAIL;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            size_t mid = lo + width < n ? lo + width : n, hi = lo + 2 * width < n ? lo + 2 * width : n;
            merge(&s, from, to, lo, mid, hi);
        }
        flush_op **swap = from;
        from = to;
        to = swap;
    }
    if (from == spare) memcpy(ops->data, spare, n * sizeof(flush_op *));
    mr_free(flush->env, spare);
    return MR_OK;
}

/* ---------------------------------------------------------------- groups */

static bool group_is_before(const flush_class *a, const flush_class *b) {
    if (a->component != b->component) return a->component < b->component;
    return a->rank < b->rank;
}

static flush_group *group_of(mr_flush *flush, flush_class *cls) {
    size_t at = 0;
    for (; at < flush->groups.len; at++) {
        flush_group *group = mr_vec_at(&flush->groups, at);
        if (group->root == cls->mapper->root) return group;
        if (group_is_before(cls, group->cls)) break;
    }
    flush_group made = {.root = cls->mapper->root, .cls = cls};
    mr_vec_init(&made.updates, flush->env, sizeof(flush_op *));
    mr_vec_init(&made.inserts, flush->env, sizeof(flush_op *));
    mr_vec_init(&made.deletes, flush->env, sizeof(flush_op *));
    if (mr_vec_insert(&flush->groups, at, &made) != MR_OK) return NULL;
    return mr_vec_at(&flush->groups, at);
}

static mr_status distribute(mr_flush *flush) {
    flush_group *group = NULL;
    for (size_t i = 0; i < flush->ops.len; i++) {
        flush_op *op = mr_vec_ptr(&flush->ops, i);
        if (!group || (op->cls != group->cls && group->root != op->cls->mapper->root)) group = group_of(flush, op->cls);
        if (!group) return MR_FAIL;
        if (op->cls != group->cls) group->mixed = true;
        mr_vec *list = &group->updates;
        if (op->kind == OP_DELETE) list = &group->deletes;
        else if (op->kind == OP_INSERT && !(op->flags & OP_ROW_SWITCH)) list = &group->inserts;
        if (mr_flush_push(list, op) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* Has a class got attributes since its first operation was made? */
static bool has_grown(const mr_flush *flush) {
    for (size_t i = 0; i < flush->classes.len; i++) {
        const flush_class *cls = mr_vec_ptr(&flush->classes, i);
        if (cls->nslots != cls->mapper->nslots) return true;
    }
    return false;
}

/* Makes room for all that publishing writes, so that it cannot fail: results, late slots, places in the identity map.
 * Late slots were made with the operations, unless the class has grown since. */
static mr_status reserve(mr_flush *flush) {
    for (size_t i = 0; has_grown(flush) && i < flush->ops.len; i++) {
        mr_entity *e = ((const flush_op *)mr_vec_ptr(&flush->ops, i))->entity;
        if (e->mapper->nslots > e->nslots && mr_entity_reserve(e) != MR_OK) return MR_FAIL;
    }
    return mr_vec_reserve(&flush->results, flush->ops.len);
}

mr_status mr_flush_order(mr_flush *flush) {
    if (find_row_switches(flush) != MR_OK || mr_flush_levels(flush) != MR_OK || distribute(flush) != MR_OK ||
        reserve(flush) != MR_OK)
        return MR_FAIL;
    for (size_t i = 0; i < flush->groups.len; i++) {
        flush_group *group = mr_vec_at(&flush->groups, i);
        if (sort_ops(flush, &group->inserts, false) != MR_OK || sort_ops(flush, &group->updates, true) != MR_OK ||
            sort_ops(flush, &group->deletes, true) != MR_OK)
            return MR_FAIL;
    }
    return MR_OK;
}

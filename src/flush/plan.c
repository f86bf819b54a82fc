/*
 * plan.c: makes and frees a flush and its operations, and runs the passes that complete the plan: they find what must
 * be loaded, which other rows are written, and the order.
 *
 * Invariant: an entity has at most one operation. Nothing is freed as long as the flush exists: it blocks the heap.
 */
#include "relationships.h"
#include "rows.h"
#include "unit.h"
#include "values.h"

#include <string.h>

/* ---------------------------------------------------------------- operations */

/* The data of the class, with a reference held by the flush. */
static flush_class *class_of(mr_flush *flush, mr_mapper *mapper) {
    for (size_t i = flush->classes.len; i-- > 0;) {
        flush_class *cls = mr_vec_ptr(&flush->classes, i);
        if (cls->mapper == mapper) return cls;
    }
    flush_class *cls = mr_flush_class_of(mapper);
    if (cls && mr_vec_push_ptr(&flush->classes, cls) != MR_OK) {
        mr_flush_class_release(cls);
        return NULL;
    }
    if (cls && cls->ndeps > 0) flush->related = true;
    return cls;
}

static flush_op *add_op(mr_flush *flush, flush_class *cls, mr_entity *entity, flush_op_kind kind) {
    if (entity->mapper->nslots > entity->nslots && mr_entity_reserve(entity) != MR_OK) return NULL;
    flush_op *op = mr_arena_alloc(flush->arena, sizeof *op);
    if (!op) return NULL;
    op->entity = entity;
    op->cls = cls;
    op->kind = (uint8_t)kind;
    if (mr_flush_push(&flush->ops, op) != MR_OK) return NULL;
    if (kind != OP_INSERT) entity->insert_order = (uint32_t)(flush->ops.len - 1);
    return op;
}

flush_rare *mr_flush_rare_of(mr_flush *flush, flush_op *op) {
    flush->owns = true;
    if (!op->rare) op->rare = mr_arena_alloc(flush->arena, sizeof *op->rare);
    return op->rare;
}

static flush_op *op_at(const mr_flush *flush, size_t i) { return mr_vec_ptr(&flush->ops, i); }

/* Of a new object: the operations that insert are in insert_order, mostly without gaps. */
static flush_op *find_insert(const mr_flush *flush, const mr_entity *entity) {
    if (flush->ninserts == 0) return NULL;
    uint32_t first = op_at(flush, 0)->entity->insert_order, order = entity->insert_order;
    if (order < first) return NULL;
    size_t lo = 0, hi = order - first; /* its place if there are no gaps; else it is before */
    if (hi >= flush->ninserts) hi = flush->ninserts - 1;
    if (op_at(flush, hi)->entity == entity) return op_at(flush, hi);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (op_at(flush, mid)->entity->insert_order < order) lo = mid + 1;
        else hi = mid;
    }
    return op_at(flush, lo)->entity == entity ? op_at(flush, lo) : NULL;
}

flush_op *mr_flush_op_of(mr_flush *flush, const mr_entity *entity) {
    if (entity->state == MR_PENDING || entity->state == MR_TRANSIENT) return find_insert(flush, entity);
    flush_op *op = entity->insert_order < flush->ops.len ? op_at(flush, entity->insert_order) : NULL;
    return op && op->entity == entity ? op : NULL;
}

flush_op *mr_flush_make_op(mr_flush *flush, mr_entity *entity) {
    flush_op *op = mr_flush_op_of(flush, entity);
    if (op) return op;
    flush_class *cls = class_of(flush, entity->mapper);
    return cls ? add_op(flush, cls, entity, OP_UPDATE) : NULL;
}

bool mr_flush_has_row(mr_flush *flush, mr_entity *entity) {
    const flush_op *op = mr_flush_op_of(flush, entity);
    if (op) return op->kind != OP_DELETE;
    return entity->state == MR_PERSISTENT && entity->owner == flush->ctx.owner;
}

/* ---------------------------------------------------------------- making */

static void init(mr_flush *flush, const mr_flush_context *ctx) {
    mr_env *env = ctx->env;
    flush->ctx = *ctx;
    flush->env = env;
    mr_vec_init(&flush->ops, env, sizeof(flush_op *));
    mr_vec_init(&flush->classes, env, sizeof(flush_class *));
    mr_vec_init(&flush->found, env, sizeof(mr_entity *));
    mr_vec_init(&flush->links, env, sizeof(flush_link));
    mr_vec_init(&flush->posts, env, sizeof(flush_post));
    mr_vec_init(&flush->strays, env, sizeof(flush_stray));
    mr_vec_init(&flush->edges, env, sizeof(flush_row_edge));
    mr_vec_init(&flush->groups, env, sizeof(flush_group));
    mr_vec_init(&flush->values, env, sizeof(mr_value));
    mr_vec_init(&flush->keys, env, sizeof(mr_value));
    mr_vec_init(&flush->shape, env, sizeof(uint64_t));
    mr_vec_init(&flush->replacing, env, sizeof(mr_table *));
    mr_vec_init(&flush->results, env, sizeof(flush_op *));
    mr_strbuf_init(&flush->identity, env);
}

static bool has_changed_column(const flush_op *op) {
    for (unsigned c = 0; c < op->cls->ncolumns; c++)
        if (mr_entity_is_dirty(op->entity, op->cls->columns[c].slot)) return true;
    return false;
}

/* Refuses to write an object of a view. */
static mr_status check_is_table(mr_flush *flush, const flush_op *op) {
    static const char *const verbs[] = {[OP_INSERT] = "inserted", [OP_UPDATE] = "changed", [OP_DELETE] = "deleted"};
    const mr_mapper *mapper = op->cls->mapper;
    if (!mapper->table->options.is_view || (op->kind == OP_UPDATE && !has_changed_column(op))) return MR_OK;
    mr_strbuf who;
    mr_strbuf_init(&who, flush->env);
    if (op->kind == OP_INSERT) mr_strbuf_printf(&who, "a new %s", mapper->name);
    else mr_entity_describe(op->entity, &who);
    const char *text = mr_strbuf_str(&who);
    if (text)
        mr_fail(
            flush->env, MR_ERR_INVALID_REQUEST,
            "%s cannot be %s: %s is a view ('%s'), which is only read: write the tables that it reads, and take this "
            "object back with session:%s",
            text, verbs[op->kind], mapper->name, mapper->table->full_name,
            op->kind == OP_UPDATE ? "expire" : "expunge");
    mr_strbuf_done(&who);
    return MR_FAIL;
}

/* An object that is both new and to be deleted has no row, and gets none. */
static bool is_left_out(const mr_entity *e, flush_op_kind kind) {
    if (kind == OP_DELETE) return e->state == MR_PENDING;
    return (e->flags & MR_ENTITY_TO_DELETE) != 0;
}

static mr_status add_all(mr_flush *flush, mr_entity *const *entities, size_t n, flush_op_kind kind) {
    flush_class *cls = NULL;
    for (size_t i = 0; i < n; i++) {
        mr_entity *e = entities[i];
        if (i + FLUSH_AHEAD < n) mr_entity_prefetch(entities[i + FLUSH_AHEAD]);
        if (is_left_out(e, kind)) continue;
        if (!cls || cls->mapper != e->mapper) cls = class_of(flush, e->mapper);
        flush_op *op = cls ? add_op(flush, cls, e, kind) : NULL;
        if (!op || check_is_table(flush, op) != MR_OK) return MR_FAIL;
        if (kind == OP_INSERT) mr_entity_touch(e);
        if (kind != OP_DELETE && cls->nchecked > 0 && mr_flush_check(flush, op) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_flush_new(const mr_flush_context *ctx, mr_entity *const *pending, size_t npending, mr_entity *const *dirty,
                       size_t ndirty, mr_entity *const *deleted, size_t ndeleted, mr_flush **out) {
    *out = NULL;
    mr_flush *flush = mr_calloc(ctx->env, sizeof *flush);
    if (!flush) return MR_FAIL;
    init(flush, ctx);
    mr_heap_block(mr_env_get(ctx->env, MR_ENV_HEAP)); /* there is one: the owner has a map */
    flush->arena = mr_arena_new(ctx->env);
    bool ok = flush->arena && mr_vec_reserve(&flush->ops, npending + ndirty + ndeleted) == MR_OK &&
              add_all(flush, pending, npending, OP_INSERT) == MR_OK;
    flush->ninserts = flush->ops.len;
    ok = ok && add_all(flush, deleted, ndeleted, OP_DELETE) == MR_OK;
    flush->ndeletes = flush->ops.len - flush->ninserts;
    ok = ok && add_all(flush, dirty, ndirty, OP_UPDATE) == MR_OK;
    if (!ok) {
        mr_flush_free(flush);
        return MR_FAIL;
    }
    *out = flush;
    return MR_OK;
}

static void free_groups(mr_flush *flush) {
    for (size_t i = 0; i < flush->groups.len; i++) {
        flush_group *group = mr_vec_at(&flush->groups, i);
        mr_vec_done(&group->updates);
        mr_vec_done(&group->inserts);
        mr_vec_done(&group->deletes);
    }
    mr_vec_done(&flush->groups);
}

static void free_op(mr_env *env, flush_op *op) {
    for (unsigned c = 0; op->staged && c < op->cls->ncolumns; c++) {
        if (op->staged[c].kind != STAGED_BY_SERVER) mr_value_clear(env, &op->staged[c]);
    }
    if (op->identity.flags) mr_value_clear(env, &op->identity);
    if (!op->rare) return;
    mr_value *written = op->rare->written;
    for (unsigned c = 0; written && c < op->cls->ncolumns; c++) mr_value_clear(env, &written[c]);
    mr_value_clear(env, &op->rare->version);
    mr_value_clear(env, &op->rare->old_identity);
}

void mr_flush_free(mr_flush *flush) {
    if (!flush) return;
    mr_env *env = flush->env;
    for (size_t i = 0; i < flush->links.len; i++) {
        const flush_link *link = mr_vec_at(&flush->links, i);
        mr_entity_unpin(link->parent);
        mr_entity_unpin(link->target);
    }
    for (size_t i = 0; i < flush->strays.len; i++)
        mr_entity_unpin(((const flush_stray *)mr_vec_at(&flush->strays, i))->item);
    for (size_t i = 0; flush->owns && i < flush->ops.len; i++) free_op(env, mr_vec_ptr(&flush->ops, i));
    for (size_t i = 0; i < flush->classes.len; i++) mr_flush_class_release(mr_vec_ptr(&flush->classes, i));
    free_groups(flush);
    mr_vec_done(&flush->ops);
    mr_vec_done(&flush->classes);
    mr_vec_done(&flush->found);
    mr_vec_done(&flush->links);
    mr_vec_done(&flush->posts);
    mr_vec_done(&flush->replacing);
    mr_vec_done(&flush->strays);
    mr_vec_done(&flush->edges);
    mr_vec_done(&flush->values);
    mr_vec_done(&flush->keys);
    mr_vec_done(&flush->shape);
    mr_vec_done(&flush->results);
    mr_strbuf_done(&flush->identity);
    mr_map_free(flush->link_set);
    mr_arena_free(flush->arena);
    mr_heap_unblock(mr_env_get(env, MR_ENV_HEAP));
    mr_free(env, flush);
}

/* ---------------------------------------------------------------- asking and linking */

static mr_status ask(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    switch (rel->direction) {
    case MR_ONE_TO_MANY:
        return mr_flush_ask_one_to_many(flush, op, rel);
    case MR_MANY_TO_ONE:
        return mr_flush_ask_many_to_one(flush, op, rel);
    case MR_MANY_TO_MANY:
        return mr_flush_ask_many_to_many(flush, op, rel);
    }
    return MR_OK;
}

static mr_status link(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    switch (rel->direction) {
    case MR_ONE_TO_MANY:
        return mr_flush_link_one_to_many(flush, op, rel);
    case MR_MANY_TO_ONE:
        return mr_flush_link_many_to_one(flush, op, rel);
    case MR_MANY_TO_MANY:
        return mr_flush_link_many_to_many(flush, op, rel);
    }
    return MR_OK;
}

/* Is the version not loaded? The statement needs it to find the row. */
static bool lacks_version(const flush_op *op) {
    const flush_class *cls = op->cls;
    if (cls->version_column == FLUSH_NO_COLUMN || op->kind == OP_INSERT) return false;
    return mr_entity_committed(op->entity, cls->columns[cls->version_column].slot)->kind == MR_UNLOADED;
}

/* The first pass for one operation. MR_ROW: *prop must be loaded first; MR_OK: everything is known. */
static mr_status ask_op(mr_flush *flush, flush_op *op, const mr_property **prop) {
    mr_entity_touch(op->entity);
    if (!(op->flags & OP_VERSION_ASKED) && lacks_version(op)) {
        op->flags |= OP_VERSION_ASKED;
        *prop = op->cls->mapper->version;
        return MR_ROW;
    }
    for (; flush->dep < op->cls->ndeps; flush->dep++) {
        const mr_relationship *rel = op->cls->deps[flush->dep];
        mr_status status = ask(flush, op, rel);
        flush->asked = status == MR_ROW;
        if (status == MR_OK) continue;
        *prop = rel->prop;
        return status;
    }
    return MR_OK;
}

static mr_status link_all(mr_flush *flush) {
    for (size_t i = 0; flush->related && i < flush->ops.len; i++) {
        flush_op *op = mr_vec_ptr(&flush->ops, i);
        for (unsigned d = 0; d < op->cls->ndeps; d++)
            if (link(flush, op, op->cls->deps[d]) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_flush_need(mr_flush *flush, mr_entity **entity, const mr_property **prop) {
    if (flush->planned) return MR_DONE;
    if (!flush->related && flush->work < flush->ninserts) flush->work = flush->ninserts; /* they need nothing */
    for (; flush->work < flush->ops.len; flush->work++, flush->dep = 0) {
        flush_op *op = mr_vec_ptr(&flush->ops, flush->work);
        mr_flush_prefetch(flush->ops.data, flush->work, flush->ops.len);
        mr_status status = ask_op(flush, op, prop);
        *entity = op->entity;
        if (status == MR_ROW && flush->missing_of) {
            *entity = flush->missing_of;
            *prop = flush->missing;
            flush->missing_of = NULL;
        }
        if (status != MR_OK) return status;
        status = mr_flush_follow_key(flush, op);
        if (status == MR_ROW) {
            *entity = flush->missing_of;
            *prop = flush->missing;
            flush->missing_of = NULL;
        }
        if (status != MR_OK) return status;
    }
    if (link_all(flush) != MR_OK || mr_flush_order(flush) != MR_OK) return MR_FAIL;
    flush->planned = true;
    return MR_DONE;
}

bool mr_flush_sent(const mr_flush *flush) { return flush->sent; }

bool mr_flush_has_operations(const mr_flush *flush) {
    if (flush->links.len > 0 || flush->posts.len > 0) return true;
    for (size_t i = 0; i < flush->ops.len; i++) {
        const flush_op *op = mr_vec_ptr(&flush->ops, i);
        if (op->kind == OP_UPDATE ? mr_flush_writes(op) : !(op->flags & OP_SWITCHED)) return true;
    }
    return false;
}

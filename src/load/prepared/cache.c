/*
 * cache.c: the data that the load layer keeps for an environment: plans, found by the structure of their queries, and
 * stand-in columns.
 *
 * Invariant: at most MAX_PLANS plans are kept; the one that was not used for the longest time is dropped. A plan of an
 * older version of the registry is never used.
 */
#include "plan/planner.h"
#include "cache.h"

#include <string.h>

enum { MAX_PLANS = 400 };

typedef struct cached_plan {
    uint64_t hash;
    size_t len;
    char *key; /* owned */
    mr_plan *plan;
    uint64_t used;
} cached_plan;

typedef struct stand_in {
    const char *name;
    const mr_type *type;
    const mr_column *column;
} stand_in;

struct mr_loader {
    mr_env *env;
    mr_map *plans;     /* cached_plan */
    mr_map *stand_ins; /* stand_in */
    uint64_t clock;
    mr_class_plans *classes;
    mr_siblings *siblings;
};

/* ---------------------------------------------------------------- life */

static uint64_t hash_plan(const void *element) { return ((const cached_plan *)element)->hash; }

static bool equal_plans(const void *a, const void *b) {
    const cached_plan *x = a, *y = b;
    return x->len == y->len && memcmp(x->key, y->key, x->len) == 0;
}

static uint64_t hash_stand_in(const void *element) {
    const stand_in *s = element;
    return (uint64_t)(uintptr_t)s->name * 31 + (uint64_t)(uintptr_t)s->type;
}

static bool equal_stand_ins(const void *a, const void *b) {
    const stand_in *x = a, *y = b;
    return x->name == y->name && x->type == y->type;
}

static void free_cached(mr_loader *l, cached_plan *c) {
    mr_free(l->env, c->key);
    mr_plan_release(c->plan);
}

static void free_loader(mr_loader *l) {
    size_t cursor = 0;
    for (cached_plan *c; l->plans && (c = mr_map_next(l->plans, &cursor));) free_cached(l, c);
    for (mr_class_plans *c = l->classes, *next; c; c = next) {
        next = c->next;
        mr_class_plans_free(c);
    }
    mr_map_free(l->plans);
    mr_map_free(l->stand_ins);
    mr_free(l->env, l);
}

static void on_close(void *ud) {
    mr_loader *l = ud;
    mr_env_set(l->env, MR_ENV_LOAD, NULL);
    free_loader(l);
}

/* An origin is part of a plan's memory: releases that plan. */
static void release_origin(mr_env *env, void *origin) {
    (void)env;
    mr_plan_release(((mr_origin *)origin)->plan);
}

mr_loader *mr_loader_of(mr_env *env) {
    mr_loader *l = mr_env_get(env, MR_ENV_LOAD);
    if (l) return l;
    mr_heap *heap = mr_heap_of(env);
    l = heap ? mr_calloc(env, sizeof *l) : NULL;
    if (!l) return NULL;
    l->env = env;
    l->plans = mr_map_new(env, sizeof(cached_plan), hash_plan, equal_plans);
    l->stand_ins = mr_map_new(env, sizeof(stand_in), hash_stand_in, equal_stand_ins);
    if (!l->plans || !l->stand_ins || mr_env_on_close(env, on_close, l) != MR_OK) {
        free_loader(l);
        return NULL;
    }
    mr_heap_set_origin_release(heap, release_origin);
    mr_env_set(env, MR_ENV_LOAD, l);
    return l;
}

mr_siblings **mr_loader_siblings(mr_env *env) {
    mr_loader *l = mr_env_get(env, MR_ENV_LOAD);
    return l ? &l->siblings : NULL;
}

void mr_loader_add_class(mr_loader *loader, mr_class_plans *plans) {
    plans->next = loader->classes;
    loader->classes = plans;
}

/* ---------------------------------------------------------------- stand-ins */

const mr_column *mr_stand_in_column(mr_env *env, const char *name, const mr_type *type) {
    mr_loader *l = mr_loader_of(env);
    if (!l) return NULL;
    stand_in key = {name, type, NULL};
    const stand_in *found = mr_map_get(l->stand_ins, &key);
    if (found) return found->column;
    key.column = mr_column_new(env, name, type);
    if (!key.column || !mr_map_put(l->stand_ins, &key)) return NULL;
    return key.column;
}

/* ---------------------------------------------------------------- plans */

uint64_t mr_plan_version(const mr_query *q) {
    uint64_t sum = 0;
    const mr_mapper *lead = mr_query_lead(q);
    if (lead) sum = lead->registry->version;
    for (unsigned i = 1; i < q->nitems; i++) {
        const mr_mapper *m = q->items[i].mapper;
        if (m && (!lead || m->registry != lead->registry)) sum += m->registry->version;
    }
    return sum;
}

static void evict_oldest(mr_loader *l) {
    size_t cursor = 0;
    cached_plan *oldest = NULL;
    for (cached_plan *c; (c = mr_map_next(l->plans, &cursor));)
        if (!oldest || c->used < oldest->used) oldest = c;
    if (!oldest) return;
    cached_plan gone = *oldest;
    mr_map_remove(l->plans, &gone);
    free_cached(l, &gone);
}

/* Puts the plan into the cache. If that fails, the plan is used only this once, which is no error. */
static void keep(mr_loader *l, const cached_plan *key, mr_plan *plan) {
    if (mr_map_count(l->plans) >= MAX_PLANS) evict_oldest(l);
    cached_plan c = *key;
    c.key = mr_strndup(l->env, key->key, key->len);
    c.plan = plan;
    c.used = ++l->clock;
    if (c.key && mr_map_put(l->plans, &c)) {
        mr_plan_retain(plan);
        return;
    }
    mr_free(l->env, c.key);
    mr_env_clear_error(l->env);
}

static mr_status write_key(mr_query *q, const mr_plan_path *path, const mr_dialect *dialect, mr_strbuf *key,
                           mr_vec *binds) {
    mr_strbuf_add(key, (const char *)&dialect, sizeof(const mr_dialect *));
    unsigned n = path ? path->n : 0;
    mr_strbuf_add(key, (const char *)&n, sizeof n);
    if (n) mr_strbuf_add(key, (const char *)path->props, n * sizeof(const mr_property *));
    return mr_query_key(q, key, binds);
}

mr_status mr_plan_find(mr_query *q, const mr_plan_path *path, const mr_dialect *dialect, mr_vec *binds, mr_plan **out) {
    mr_loader *l = mr_loader_of(q->env);
    mr_strbuf key;
    mr_status status = MR_FAIL;
    *out = NULL;
    if (!l) return MR_FAIL;
    mr_strbuf_init(&key, q->env);
    if (write_key(q, path, dialect, &key, binds) != MR_OK) goto out;
    cached_plan wanted = {mr_hash_bytes(key.data, key.len), key.len, key.data, NULL, 0};
    cached_plan *found = q->statement ? NULL : mr_map_get(l->plans, &wanted);
    if (found && found->plan->version == mr_plan_version(q)) {
        found->used = ++l->clock;
        *out = mr_plan_retain(found->plan);
        status = MR_OK;
        goto out;
    }
    if (found) {
        cached_plan old = *found;
        mr_map_remove(l->plans, &old);
        free_cached(l, &old);
    }
    status = mr_plan_make(q, path, dialect, binds, out);
    if (status == MR_OK && !q->statement) keep(l, &wanted, *out);
out:
    mr_strbuf_done(&key);
    return status;
}

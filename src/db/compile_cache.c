/*
 * compile_cache.c: an engine's cache of compiled statements, found by their structure.
 *
 * Invariant: the entries of the map and those of the list, which is ordered by last use, are the same. When the cache
 * is full, the entry that was not used for the longest time is removed.
 */
#include "engine.h"

#include <string.h>

enum { CAPACITY = 500 };

typedef struct mr_compile_entry {
    uint64_t hash;
    const char *key;
    size_t len;
    mr_compiled *compiled;
    struct mr_compile_entry *newer, *older;
} compile_entry;

static uint64_t hash_entry(const void *element) { return (*(compile_entry *const *)element)->hash; }

static bool equal_entries(const void *x, const void *y) {
    const compile_entry *a = *(compile_entry *const *)x, *b = *(compile_entry *const *)y;
    return a->hash == b->hash && a->len == b->len && memcmp(a->key, b->key, a->len) == 0;
}

void mr_compile_cache_init(mr_compile_cache *cache, mr_env *env) {
    mr_strbuf_init(&cache->key, env);
    mr_vec_init(&cache->binds, env, sizeof(const mr_node *));
}

static void unlink_entry(mr_compile_cache *cache, compile_entry *e) {
    if (e->newer) e->newer->older = e->older;
    else cache->newest = e->older;
    if (e->older) e->older->newer = e->newer;
    else cache->oldest = e->newer;
    e->newer = e->older = NULL;
}

static void link_newest(mr_compile_cache *cache, compile_entry *e) {
    e->older = cache->newest;
    if (cache->newest) cache->newest->newer = e;
    else cache->oldest = e;
    cache->newest = e;
}

/* Frees an entry with its key, which lies in the same block. */
static void free_entry(mr_env *env, compile_entry *e) {
    mr_compiled_release(e->compiled);
    mr_free(env, e);
}

void mr_compile_cache_done(mr_compile_cache *cache) {
    mr_env *env = cache->key.env;
    while (cache->oldest) {
        compile_entry *e = cache->oldest;
        unlink_entry(cache, e);
        free_entry(env, e);
    }
    mr_map_free(cache->entries);
    mr_strbuf_done(&cache->key);
    mr_vec_done(&cache->binds);
}

static mr_status add(mr_engine *engine, const compile_entry *key, mr_compiled *compiled) {
    mr_compile_cache *cache = &engine->compile_cache;
    if (!cache->entries) {
        cache->entries = mr_map_new(engine->env, sizeof(compile_entry *), hash_entry, equal_entries);
        if (!cache->entries) return MR_FAIL;
    }
    compile_entry *e = mr_calloc(engine->env, sizeof *e + key->len);
    if (!e) return MR_FAIL;
    memcpy(e + 1, key->key, key->len);
    e->key = (const char *)(e + 1);
    e->hash = key->hash;
    e->len = key->len;
    if (!mr_map_put(cache->entries, &e)) {
        mr_free(engine->env, e);
        return MR_FAIL;
    }
    e->compiled = mr_compiled_retain(compiled);
    link_newest(cache, e);
    if (mr_map_count(cache->entries) > CAPACITY) {
        compile_entry *oldest = cache->oldest;
        mr_map_remove(cache->entries, &oldest);
        unlink_entry(cache, oldest);
        free_entry(engine->env, oldest);
    }
    return MR_OK;
}

/* Looks for the structure in the cache, and compiles the statement if it is new. *out has one reference. */
static mr_status find_or_compile(mr_engine *engine, const mr_node *statement, mr_compiled **out) {
    mr_compile_cache *cache = &engine->compile_cache;
    compile_entry key = {.key = cache->key.data ? cache->key.data : "", .len = cache->key.len};
    key.hash = mr_hash_bytes(key.key, key.len);
    compile_entry *wanted = &key;
    compile_entry **found = cache->entries ? mr_map_get(cache->entries, &wanted) : NULL;
    if (found) {
        compile_entry *e = *found;
        if (cache->newest != e) {
            unlink_entry(cache, e);
            link_newest(cache, e);
        }
        *out = mr_compiled_retain(e->compiled);
        return MR_OK;
    }
    mr_compiled *compiled;
    if (mr_sql_compile(engine->env, engine->dialect, statement, &compiled)) return MR_FAIL;
    /* A cached statement lives longer than the nodes of the statement that it was compiled from. */
    for (size_t i = 0; i < compiled->ncolumns; i++) compiled->columns[i].node = NULL;
    if (add(engine, &key, compiled)) {
        mr_compiled_release(compiled);
        return MR_FAIL;
    }
    *out = compiled;
    return MR_OK;
}

mr_status mr_engine_compile(mr_engine *engine, const mr_node *statement, const mr_named_value *named, size_t nnamed,
                            mr_compiled **out, mr_value **values) {
    mr_compile_cache *cache = &engine->compile_cache;
    mr_compiled *compiled = NULL;
    mr_value *collected = NULL;
    mr_strbuf_clear(&cache->key);
    cache->binds.len = 0;
    if (mr_sql_key(statement, &cache->key, &cache->binds)) return MR_FAIL;
    if (cache->key.oom) goto fail_key;
    if (find_or_compile(engine, statement, &compiled)) return MR_FAIL;
    if (compiled->nparams) {
        collected = mr_alloc(engine->env, compiled->nparams * sizeof *collected);
        if (!collected || mr_compiled_values(compiled, &cache->binds, named, nnamed, collected)) goto fail;
    }
    *out = compiled;
    *values = collected;
    return MR_OK;
fail_key:
    mr_strbuf_done(&cache->key);
    mr_strbuf_init(&cache->key, engine->env);
    return mr_nomem(engine->env);
fail:
    mr_free(engine->env, collected);
    mr_compiled_release(compiled);
    return MR_FAIL;
}

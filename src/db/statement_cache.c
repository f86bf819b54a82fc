/*
 * statement_cache.c: the prepared statements of a connection, found by their compiled statement.
 *
 * Invariant: a prepared statement is never given to two cursors at once; for the second cursor, another copy is
 * prepared. When the cache is full, the statement is removed that is not in use and was not used for the longest time.
 */
#include "connection.h"

/* An element of the map: all copies of one statement. */
typedef struct slot {
    const mr_compiled *compiled;
    mr_cached_stmt *first; /* the copies are linked by same */
} slot;

void mr_stmt_cache_init(mr_stmt_cache *cache, unsigned capacity) { cache->capacity = capacity; }

static void destroy(mr_conn *conn, mr_cached_stmt *entry) {
    if (entry->stmt) conn->driver->finalize(entry->stmt);
    mr_free(conn->env, entry->types);
    mr_compiled_release(entry->compiled);
    mr_free(conn->env, entry);
}

static void unlink_use(mr_stmt_cache *cache, mr_cached_stmt *entry) {
    if (entry->newer) entry->newer->older = entry->older;
    else cache->newest = entry->older;
    if (entry->older) entry->older->newer = entry->newer;
    else cache->oldest = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(mr_stmt_cache *cache, mr_cached_stmt *entry) {
    entry->older = cache->newest;
    if (cache->newest) cache->newest->newer = entry;
    else cache->oldest = entry;
    cache->newest = entry;
}

static void forget(mr_conn *conn, mr_cached_stmt *entry) {
    slot key = {entry->compiled, NULL};
    slot *found = mr_map_get(conn->cache.entries, &key);
    mr_cached_stmt **at = &found->first;
    while (*at != entry) at = &(*at)->same;
    *at = entry->same;
    if (!found->first) mr_map_remove(conn->cache.entries, &key);
    unlink_use(&conn->cache, entry);
    conn->cache.count--;
}

static void evict(mr_conn *conn) {
    mr_cached_stmt *entry = conn->cache.oldest;
    while (entry && conn->cache.count > conn->cache.capacity) {
        mr_cached_stmt *next = entry->newer;
        if (!entry->in_use) {
            forget(conn, entry);
            destroy(conn, entry);
        }
        entry = next;
    }
}

void mr_stmt_cache_forget(mr_conn *conn) {
    while (conn->cache.oldest) {
        mr_cached_stmt *entry = conn->cache.oldest;
        forget(conn, entry);
        if (entry->in_use) entry->cached = false;
        else destroy(conn, entry);
    }
}

void mr_stmt_cache_done(mr_conn *conn) {
    while (conn->cache.oldest) {
        mr_cached_stmt *entry = conn->cache.oldest;
        forget(conn, entry);
        destroy(conn, entry);
    }
    mr_map_free(conn->cache.entries);
    conn->cache.entries = NULL;
}

static mr_status prepare(mr_conn *conn, mr_compiled *compiled, mr_cached_stmt **out) {
    mr_cached_stmt *entry = mr_calloc(conn->env, sizeof *entry);
    if (!entry) return MR_FAIL;
    entry->compiled = mr_compiled_retain(compiled);
    if (compiled->ncolumns) {
        entry->types = mr_alloc(conn->env, compiled->ncolumns * sizeof(void *));
        if (!entry->types) goto fail;
        for (size_t i = 0; i < compiled->ncolumns; i++) entry->types[i] = compiled->columns[i].type;
    }
    if (mr_engine_call_fails(conn->engine)) goto fail;
    if (conn->driver->prepare_compiled
            ? conn->driver->prepare_compiled(conn->dbc, compiled, &entry->stmt)
            : conn->driver->prepare(conn->dbc, compiled->sql, compiled->sql_len, &entry->stmt))
        goto fail;
    *out = entry;
    return MR_OK;
fail:
    destroy(conn, entry);
    return MR_FAIL;
}

static mr_status insert(mr_conn *conn, mr_cached_stmt *entry) {
    mr_stmt_cache *cache = &conn->cache;
    slot key = {entry->compiled, NULL};
    if (!cache->entries) {
        cache->entries = mr_map_new(conn->env, sizeof(slot), mr_map_hash_ptr, mr_map_equal_ptr);
        if (!cache->entries) return MR_FAIL;
    }
    slot *found = mr_map_get(cache->entries, &key);
    if (!found) found = mr_map_put(cache->entries, &key);
    if (!found) return MR_FAIL;
    entry->same = found->first;
    found->first = entry;
    entry->cached = true;
    link_newest(cache, entry);
    cache->count++;
    return MR_OK;
}

mr_status mr_stmt_cache_take(mr_conn *conn, mr_compiled *compiled, bool keep, mr_cached_stmt **out) {
    mr_stmt_cache *cache = &conn->cache;
    mr_cached_stmt *entry = NULL;
    if (keep && cache->newest && cache->newest->compiled == compiled && !cache->newest->in_use) {
        entry = cache->newest; /* the same statement again */
    } else if (keep && cache->entries) {
        slot key = {compiled, NULL};
        slot *found = mr_map_get(cache->entries, &key);
        entry = found ? found->first : NULL;
        while (entry && entry->in_use) entry = entry->same;
    }
    if (entry) {
        if (cache->newest != entry) {
            unlink_use(cache, entry);
            link_newest(cache, entry);
        }
    } else {
        if (prepare(conn, compiled, &entry)) return MR_FAIL;
        if (keep && insert(conn, entry)) {
            destroy(conn, entry);
            return MR_FAIL;
        }
    }
    entry->in_use = true;
    evict(conn);
    *out = entry;
    return MR_OK;
}

void mr_stmt_cache_give(mr_conn *conn, mr_cached_stmt *entry) {
    entry->in_use = false;
    if (!entry->cached) {
        destroy(conn, entry);
        return;
    }
    conn->driver->reset(entry->stmt);
    evict(conn);
}

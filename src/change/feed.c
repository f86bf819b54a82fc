/*
 * feed.c: the feed of an engine: its beginning and end, and what it is asked for.
 *
 * Invariant: an engine has one feed, which is its watcher; while it has none, its connections have no record.
 */
#include "feed.h"

enum { LIMIT = 16000000, TRANSACTION_LIMIT = 64000000 };

/* ---------------------------------------------------------------- reading */

/* A statement outside of a transaction has committed by itself. */
static void settle(mr_feed *feed) {
    for (size_t i = 0; feed->engine && i < feed->records.len; i++) mr_record_settle(mr_vec_ptr(&feed->records, i));
}

uint64_t mr_feed_token(mr_feed *feed) {
    settle(feed);
    return feed->token;
}

mr_status mr_feed_since(mr_feed *feed, uint64_t token, mr_change_set **out) {
    settle(feed);
    mr_change_set *set = feed->oldest;
    bool gone = feed->token > token && (!set || set->token > token + 1);
    while (set && set->token <= token) set = set->next;
    *out = set;
    return gone ? MR_NOTFOUND : MR_OK;
}

mr_status mr_feed_poll(mr_feed *feed, bool *outside) {
    *outside = false;
    settle(feed);
    return feed->engine ? mr_poll_look(feed, outside) : MR_OK;
}

mr_status mr_feed_tell_outside(mr_feed *feed) {
    settle(feed);
    mr_change_set *set = mr_change_set_new(feed);
    if (!set) return MR_FAIL;
    set->outside = true;
    mr_feed_publish(feed, set, NULL);
    return MR_OK;
}

void mr_feed_limit(mr_feed *feed, size_t bytes, size_t transaction_bytes) {
    feed->limit = bytes;
    feed->transaction_limit = transaction_bytes;
    mr_feed_keep_limit(feed);
}

void mr_feed_before_commit(mr_feed *feed, mr_feed_before_fn fn, void *ud) {
    feed->before = fn;
    feed->before_ud = ud;
}

/* ---------------------------------------------------------------- beginning and end */

/* The engine ends, or is not watched any more. */
static void on_free(void *ud) {
    mr_feed *feed = ud;
    feed->engine = NULL;
    mr_feed_free_memory(feed);
}

static mr_feed *feed_new(mr_engine *engine) {
    mr_env *env = mr_engine_env(engine);
    mr_feed *feed = mr_calloc(env, sizeof *feed);
    if (!feed) return NULL;
    feed->env = env;
    feed->refs = 1;
    feed->limit = LIMIT;
    feed->transaction_limit = TRANSACTION_LIMIT;
    mr_vec_init(&feed->tables, env, sizeof(mr_changed_table *));
    mr_vec_init(&feed->records, env, sizeof(feed_record *));
    mr_vec_init(&feed->subscribers, env, sizeof(feed_subscriber));
    mr_feed_fill_watcher(feed);
    feed->watcher.free = on_free;
    return feed;
}

mr_status mr_feed_of(mr_engine *engine, mr_feed **out) {
    const mr_row_watcher *watcher = mr_engine_watcher(engine);
    if (watcher && watcher->free != on_free)
        return mr_fail(mr_engine_env(engine), MR_ERR_INVALID_REQUEST, "another watcher hears of the engine's rows");
    if (watcher) {
        *out = mr_feed_retain(watcher->ud);
        return MR_OK;
    }
    mr_feed *feed = feed_new(engine);
    if (!feed) return MR_FAIL;
    if (mr_engine_watch(engine, &feed->watcher) != MR_OK) {
        feed->refs = 0;
        mr_feed_free_memory(feed);
        return MR_FAIL;
    }
    feed->engine = engine;
    *out = feed;
    return MR_OK;
}

mr_feed *mr_feed_retain(mr_feed *feed) {
    feed->refs++;
    return feed;
}

void mr_feed_release(mr_feed *feed) {
    if (!feed || --feed->refs > 0) return;
    feed->refs++; /* while it ends */
    while (feed->oldest) mr_feed_drop_oldest(feed);
    mr_poll_end(feed);
    if (feed->engine) (void)mr_engine_watch(feed->engine, NULL);
    feed->refs--;
    mr_feed_free_memory(feed);
}

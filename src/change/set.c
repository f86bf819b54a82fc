/*
 * set.c: the sets of changes that were committed: who hears of them, and how long they stay.
 *
 * Invariant: the list goes from the oldest set to the newest, by token. It holds at most `limit` bytes, or one set. The
 * memory of a feed lasts until its last user and the last of its sets are gone.
 */
#include "feed.h"

#include <time.h>

/* ---------------------------------------------------------------- sets */

mr_change_set *mr_change_set_new(mr_feed *feed) {
    mr_change_set *set = mr_calloc(feed->env, sizeof *set);
    if (!set) return NULL;
    set->arena = mr_arena_new(feed->env);
    if (!set->arena) {
        mr_free(feed->env, set);
        return NULL;
    }
    set->refs = 1;
    set->feed = feed;
    set->bytes = sizeof *set;
    mr_vec_init(&set->changes, feed->env, sizeof(mr_change));
    feed->nsets++;
    return set;
}

mr_change_set *mr_change_set_retain(mr_change_set *set) {
    set->refs++;
    return set;
}

void mr_feed_free_memory(mr_feed *feed) {
    if (feed->refs > 0 || feed->nsets > 0 || feed->engine) return;
    if (feed->free_wake) feed->free_wake(feed->wake);
    mr_arena_free(feed->tables_arena);
    mr_vec_done(&feed->tables);
    mr_vec_done(&feed->records);
    mr_vec_done(&feed->subscribers);
    mr_free(feed->env, feed);
}

void mr_change_set_release(mr_change_set *set) {
    if (!set || --set->refs > 0) return;
    mr_feed *feed = set->feed;
    mr_vec_done(&set->changes);
    mr_arena_free(set->arena);
    mr_free(feed->env, set);
    feed->nsets--;
    mr_feed_free_memory(feed);
}

/* ---------------------------------------------------------------- publishing */

void mr_feed_drop_oldest(mr_feed *feed) {
    mr_change_set *set = feed->oldest;
    feed->oldest = set->next;
    if (!feed->oldest) feed->newest = NULL;
    set->next = NULL; /* who has retained it finds those behind by their tokens */
    feed->bytes -= set->bytes;
    mr_change_set_release(set);
}

void mr_feed_keep_limit(mr_feed *feed) {
    while (feed->oldest && feed->oldest != feed->newest && feed->bytes > feed->limit) mr_feed_drop_oldest(feed);
}

static void remove_left(mr_feed *feed) {
    size_t kept = 0;
    feed_subscriber *all = feed->subscribers.data;
    for (size_t i = 0; i < feed->subscribers.len; i++)
        if (all[i].fn) all[kept++] = all[i];
    feed->subscribers.len = kept;
}

void mr_feed_publish(mr_feed *feed, mr_change_set *set, const void *owner) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    set->time = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    set->token = ++feed->token;
    set->owner = owner;
    if (feed->newest) feed->newest->next = set;
    else feed->oldest = set;
    feed->newest = set;
    feed->bytes += set->bytes;
    mr_feed_keep_limit(feed);
    feed->publishing++;
    for (size_t i = 0; i < feed->subscribers.len; i++) {
        const feed_subscriber *s = mr_vec_at(&feed->subscribers, i);
        if (s->fn) s->fn(s->ud, set);
    }
    if (--feed->publishing == 0) remove_left(feed);
}

mr_status mr_feed_subscribe(mr_feed *feed, mr_feed_fn fn, void *ud) {
    feed_subscriber *s = mr_vec_push(&feed->subscribers);
    if (!s) return MR_FAIL;
    *s = (feed_subscriber){fn, ud};
    return MR_OK;
}

void mr_feed_unsubscribe(mr_feed *feed, mr_feed_fn fn, void *ud) {
    for (size_t i = 0; i < feed->subscribers.len; i++) {
        feed_subscriber *s = mr_vec_at(&feed->subscribers, i);
        if (s->fn == fn && s->ud == ud) s->fn = NULL;
    }
    if (feed->publishing == 0) remove_left(feed);
}

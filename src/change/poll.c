/*
 * poll.c: has somebody else committed? A connection of the feed's own asks the database for the version of its data.
 *
 * Invariant: what the engine's own connections commit is not told as another's. So the version is asked for before such
 * a commit, when no other can commit any more, and after it. Between the commit and that question another may have
 * committed: then the connection that has committed sees a version that is not its own.
 */
#include "feed.h"

/* Reads the database's version. false: it cannot be read now. */
static bool look(mr_feed *feed, mr_conn *conn, int64_t *version) {
    mr_error *saved = mr_env_save_error(feed->env);
    feed->polling = true;
    bool seen = mr_conn_take_snapshot(conn) == MR_OK && mr_conn_data_version(conn, version);
    feed->polling = false;
    mr_env_clear_error(feed->env);
    mr_env_restore_error(feed->env, saved);
    return seen;
}

static void tell_outside(mr_feed *feed) {
    mr_change_set *set = mr_change_set_new(feed);
    if (!set) { /* the next poll tells it */
        feed->doubt = true;
        mr_env_clear_error(feed->env);
        return;
    }
    set->outside = true;
    feed->doubt = false;
    mr_feed_publish(feed, set, NULL);
}

void mr_poll_before_commit(feed_record *r) {
    mr_feed *feed = r->feed;
    int64_t version;
    if (!feed->poll || r->conn == feed->poll) return;
    if (!look(feed, feed->poll, &version)) feed->doubt = true;
    else if (version != feed->seen) {
        feed->seen = version;
        tell_outside(feed);
    }
}

void mr_poll_after_commit(feed_record *r) {
    mr_feed *feed = r->feed;
    int64_t own, after;
    if (!feed->poll || r->conn == feed->poll) return;
    bool known = mr_conn_data_version(r->conn, &own);
    if (!look(feed, feed->poll, &feed->seen) || !known || !look(feed, r->conn, &after) || own != after)
        feed->doubt = true;
}

static mr_status begin(mr_feed *feed) {
    mr_engine *engine = feed->engine;
    const mr_driver *driver = mr_engine_driver(engine);
    if (!driver->data_version || !driver->take_snapshot) return MR_NOTFOUND;
    if (driver->needs_anchor && driver->needs_anchor(mr_engine_url(engine))) return MR_NOTFOUND;
    mr_conn *conn;
    if (mr_engine_connect(engine, &conn) != MR_OK) return MR_FAIL;
    if (!look(feed, conn, &feed->seen)) {
        mr_conn_close(conn);
        return MR_OK; /* it is locked: another call begins */
    }
    feed->poll = conn;
    return MR_OK;
}

mr_status mr_poll_look(mr_feed *feed, bool *outside) {
    if (!feed->poll) return begin(feed) == MR_FAIL ? MR_FAIL : MR_OK;
    int64_t version;
    if (!look(feed, feed->poll, &version)) return MR_OK; /* locked: the next call sees it */
    *outside = version != feed->seen || feed->doubt;
    feed->seen = version;
    if (*outside) tell_outside(feed);
    return MR_OK;
}

void mr_poll_end(mr_feed *feed) {
    mr_conn *conn = feed->poll;
    feed->poll = NULL;
    mr_conn_close(conn);
}

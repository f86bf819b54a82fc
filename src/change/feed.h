/*
 * feed.h: the members of a feed and of a connection's record, for the files of this folder.
 *
 * Invariant: a set is in a record until its commit, then in the feed's list; a table that a set names lives as long as
 * the feed's memory, which lasts as long as a set does.
 */
#ifndef MOONROW_CHANGE_FEED_H
#define MOONROW_CHANGE_FEED_H

#include <moonrow/change.h>
#include <moonrow/db.h>

typedef struct feed_subscriber {
    mr_feed_fn fn; /* NULL: it has left during a publication */
    void *ud;
} feed_subscriber;

struct mr_feed {
    mr_env *env;
    mr_engine *engine; /* NULL: it has ended */
    mr_row_watcher watcher;
    uint32_t refs; /* of those who use it */
    size_t nsets;  /* that are in memory, the records' included: each keeps the memory of the feed */
    uint64_t token;
    mr_change_set *oldest, *newest;
    size_t bytes, limit, transaction_limit; /* of the sets in the list */
    mr_vec subscribers;                     /* feed_subscriber */
    unsigned publishing;
    mr_feed_before_fn before; /* or NULL */
    void *before_ud;
    /* interest.c: what interests have in common, and what frees it; NULL: nobody has had an interest. */
    struct mr_wake *wake;
    void (*free_wake)(struct mr_wake *wake);
    mr_arena *tables_arena;
    mr_vec tables;  /* mr_changed_table *: the newest version of each */
    mr_vec records; /* feed_record * */
    /* poll.c */
    mr_conn *poll; /* the connection that looks; NULL: nobody has asked yet */
    int64_t seen;  /* the version that it has seen last */
    bool polling;  /* it is at work: what it does is nobody's change */
    bool doubt;    /* it could not look */
};

typedef struct feed_savepoint {
    unsigned number;
    size_t mark; /* length of the set's list */
} feed_savepoint;

/* What is recorded of a connection. */
typedef struct feed_record {
    mr_feed *feed;
    mr_conn *conn;
    mr_change_set *set;   /* of the open transaction; NULL: nothing was changed yet */
    mr_vec savepoints;    /* feed_savepoint */
    size_t statement;     /* length of the set's list when the last statement began */
    mr_change_set *loose; /* what single statements have committed, the oldest first; not published yet */
    bool lost;            /* there was no memory for a row: the transaction must not be committed as if it were known */
    bool busy;            /* the feed itself asks the database about a table */
    uint64_t schema_seen; /* mr_conn_schema_seen when the tables were asked for last */
    int64_t version;      /* poll.c: the version after the commit */
} feed_record;

/* record.c */
void mr_feed_fill_watcher(mr_feed *feed);
/* Publishes what was committed by single statements. */
void mr_record_settle(feed_record *record);

/* set.c */

mr_change_set *mr_change_set_new(mr_feed *feed);
/* Takes the set over. */
void mr_feed_publish(mr_feed *feed, mr_change_set *set, const void *owner);
void mr_feed_drop_oldest(mr_feed *feed);
/* Drops old sets beyond the limit. */
void mr_feed_keep_limit(mr_feed *feed);
/* Frees the feed if nobody uses it, and none of its sets is in memory. */
void mr_feed_free_memory(mr_feed *feed);

/* tables.c */

/* The newest version of the table, without its columns as long as nobody has asked for them. NULL: no memory. */
mr_changed_table *mr_changed_table_named(mr_feed *feed, const char *schema, const char *name);
/* Asks for the columns of the tables of the set, as far as they are not known, and mends the values that the database
 * tells in another way than it stores them. */
mr_status mr_record_resolve(feed_record *record, mr_change_set *set);

/* poll.c */

/* Before the COMMIT of the record's connection, and after it: what it has committed does not count as another's. */
void mr_poll_before_commit(feed_record *record);
void mr_poll_after_commit(feed_record *record);
/* Looks whether another has committed; if so, publishes that. The first call only begins. */
mr_status mr_poll_look(mr_feed *feed, bool *outside);
void mr_poll_end(mr_feed *feed);

#endif

/*
 * change.h: what commits have changed: each row as it was and as it is, whoever has written it. The change log, live
 * queries and undo read this; none of them listens to the database by itself.
 *
 * Invariants: a set of changes is what one commit has made lasting: what a savepoint, a statement that failed, or the
 * whole transaction has rolled back is in none. A set that was published never changes. Tokens only grow. Rows are told
 * in the order in which the database has written them, so that the reverse of a set, from its last row to its first,
 * leads through states that the database has been in.
 *
 * As long as an engine has no feed, none of this costs anything: its connections have no record.
 */
#ifndef MOONROW_CHANGE_H
#define MOONROW_CHANGE_H

#include <moonrow/mapper.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_feed mr_feed;

/* A column of a changed table, as the database has it. */
typedef struct mr_changed_column {
    const char *name; /* interned */
    bool key;         /* a part of the primary key */
    bool generated;   /* the database computes it: it is never written */
    bool absent;      /* it is computed when it is read (VIRTUAL): its value is MR_UNLOADED */
    bool real;        /* its numbers are stored as floats */
    bool not_null;
    mr_value
        deflt; /* a plain constant that a row has where it was stored before the column was added; or MR_UNLOADED */
} mr_changed_column;

/* A table as it was when the change was committed. Lives as long as the feed. */
typedef struct mr_changed_table {
    const char *schema, *name; /* as the database calls them: "main", "user"; interned */
    unsigned ncolumns;
    const mr_changed_column *columns; /* in the database's order, which is that of the values */
    bool known;                       /* false: the table is gone, or cannot be asked for; then there are no columns */
    bool rowid;                       /* its rows have numbers, by which mr_change.rowid tells them */
    bool mends;                       /* tables.c: some values may be told in another way than they are stored */
    bool own;                         /* it is MR_HISTORY_TABLE */
    const uint16_t *reals;            /* the columns whose numbers are stored as floats */
    unsigned nreals;
} mr_changed_table;

/* A row. */
typedef struct mr_change {
    uint8_t kind;   /* mr_change_kind */
    bool caused;    /* by a trigger, or by the action of a foreign key (ON DELETE CASCADE) */
    bool unknown;   /* the table was changed, and which rows is not recorded: there are no values (memory had an end) */
    uint16_t n;     /* the number of values; fewer than columns if a column was added later in the transaction */
    uint32_t bytes; /* that the change takes */
    const mr_changed_table *table;
    int64_t old_rowid, rowid;
    /* All columns, as they are stored. NULL: an INSERT has no old ones, a DELETE no new ones. */
    const mr_value *old_values, *new_values;
} mr_change;

/* The table in which the log of changes is stored (lua/moonrow/track.lua): what undo leaves as it is. */
#define MR_CHANGE_LOG_TABLE "moonrow_change"

/* The table in which steps of undo are stored (lua/moonrow/stored_history.lua): what is written there is no change. */
#define MR_HISTORY_TABLE "moonrow_history"

/* What one commit has changed. Counted: a reader that keeps it retains it. */
typedef struct mr_change_set {
    uint32_t refs;
    mr_feed *feed;
    uint64_t token;    /* 1, 2, 3 ... */
    double time;       /* of the commit: seconds since 1970-01-01 */
    const void *owner; /* the session (mr_session *) that has committed, only to be compared; NULL: a connection of the
                          program's without a session */
    bool undo;         /* undo or redo has done it */
    bool outside;      /* another program has committed, or a connection that is no engine's: what is not told */
    bool untold;       /* the database does not tell what the transaction has changed */
    mr_vec changes;    /* mr_change */
    size_t bytes;      /* that the set takes */
    mr_arena *arena;   /* of the values */
    struct mr_change_set *next; /* the newer one; NULL: it is the last */
} mr_change_set;

/* The i-th row of the set. */
static inline const mr_change *mr_change_at(const mr_change_set *set, size_t i) {
    return (const mr_change *)mr_vec_at(&set->changes, i);
}
/* Adds a reference. */
mr_change_set *mr_change_set_retain(mr_change_set *set);
/* Gives a reference back; NULL passes. */
void mr_change_set_release(mr_change_set *set);
/* Is the value of column i another one after the UPDATE? */
bool mr_change_differs(const mr_change *change, unsigned i);

/* Appends the set as bytes to out, without the rows of MR_CHANGE_LOG_TABLE. Its tables must be known. MR_NOTFOUND: not
 * all of its rows were recorded. */
mr_status mr_change_set_store(const mr_change_set *set, mr_strbuf *out);
/* *out: the set of which these are the bytes (one reference), which no feed has published. MR_NOTFOUND: they are of
 * another form, or broken. */
mr_status mr_change_set_restore(mr_feed *feed, const char *bytes, size_t len, mr_change_set **out);

/* ---------------------------------------------------------------- the feed of an engine */

/* The engine's feed, made at the first call: from now on all commits of its connections are recorded. *out: one
 * reference; when the last one is given back, recording ends. InvalidRequestError: the engine has another watcher. */
mr_status mr_feed_of(mr_engine *engine, mr_feed **out);
/* Adds a reference. */
mr_feed *mr_feed_retain(mr_feed *feed);
/* NULL passes. */
void mr_feed_release(mr_feed *feed);
/* The token of the last set; 0: there was none. */
uint64_t mr_feed_token(mr_feed *feed);
/* *out: the oldest set with a larger token (borrowed; its `next` leads to the newer ones); NULL: there is none.
 * MR_NOTFOUND: some of those after the token are not in memory any more; *out is the oldest that is. */
mr_status mr_feed_since(mr_feed *feed, uint64_t token, mr_change_set **out);
/* How much the feed keeps: bytes of sets (16,000,000), the newest is kept in any case; and bytes of one transaction
 * (64,000,000), beyond which its tables count as changed in an unknown way. */
void mr_feed_limit(mr_feed *feed, size_t bytes, size_t transaction_bytes);

/* Told of each set at once, within the commit. It must not use the database, nor call the program: it notes what it
 * needs, and looks later. It cannot fail. */
typedef void (*mr_feed_fn)(void *ud, mr_change_set *set);
mr_status mr_feed_subscribe(mr_feed *feed, mr_feed_fn fn, void *ud);
/* Ends what mr_feed_subscribe has begun with this fn and ud; it may be called by fn itself. */
void mr_feed_unsubscribe(mr_feed *feed, mr_feed_fn fn, void *ud);

/* Called within each transaction that has changed something, before its COMMIT, with what it has changed so far: fn may
 * write with the connection, and what it writes belongs to the set. MR_FAIL: nothing is committed. NULL: no more. Not
 * called for statements that commit by themselves. */
typedef mr_status (*mr_feed_before_fn)(void *ud, mr_conn *conn, mr_change_set *set);
void mr_feed_before_commit(mr_feed *feed, mr_feed_before_fn fn, void *ud);

/* Looks whether somebody else has committed since the last call: another program, or a connection that is not the
 * engine's. If so, publishes a set with `outside`, and *outside is true. The first call only begins. Asks the database
 * for a number, and executes no statement of the program's. Of a database in memory there is nobody else. */
mr_status mr_feed_poll(mr_feed *feed, bool *outside);

/* Publishes a set with `outside`: the whole database is another one (it was restored from a file). */
mr_status mr_feed_tell_outside(mr_feed *feed);

/* ---------------------------------------------------------------- interests */

/* What one reader depends on: columns of tables, the rows of tables, or rows that have a value. Noting a change costs
 * the same for any number of interests: an interest finds out by itself, when it is asked. */
typedef struct mr_interest mr_interest;
/* An interest in nothing yet. It keeps the feed. NULL: no memory. */
mr_interest *mr_interest_new(mr_feed *feed);
void mr_interest_free(mr_interest *interest); /* NULL passes */
/* From now on it is an interest in nothing, which was not woken. */
void mr_interest_clear(mr_interest *interest);
/* Adds a column: it is woken by an UPDATE that changes it, and by an INSERT or DELETE of the table. column "": only the
 * number of rows counts. schema "*": of any database. A name that ends in '*' stands for all tables that begin so. */
mr_status mr_interest_column(mr_interest *interest, const char *schema, const char *table, const char *column);
/* Adds the rows whose column has the value (an integer or a text), before or after their change. */
mr_status mr_interest_value(mr_interest *interest, const char *schema, const char *table, const char *column,
                            const mr_value *value);
/* Was something changed that it depends on, or in an unknown way, since it was made, cleared, or asked last? */
bool mr_interest_take(mr_interest *interest);

/* What the open transaction of the connection has changed so far (borrowed until its next statement); NULL: nothing, or
 * nobody records it. The columns of its tables may not be known yet. */
mr_change_set *mr_change_pending(const mr_conn *conn);

/* ---------------------------------------------------------------- what a change means to the mapping */

/* The table of the metadata that the change is of; NULL: it has none. */
mr_table *mr_change_table_of(const mr_metadata *md, const mr_change *change);
/* The class that the row belongs to: by the table, and by the discriminator where classes share it; a row of a joined
 * table belongs to the class that has brought that table. *out NULL: no class of the registry maps the table (a link
 * table, or an unmapped one). */
mr_status mr_change_class(mr_registry *registry, const mr_change *change, mr_mapper **out);
/* The position of the column's value in the row; -1: it has none of that name. */
int mr_change_position(const mr_change *change, const mr_column *column);
/* The value at position i, old or new, as the type of its column reads it (*out; bytes borrowed from the change or
 * room, MR_READ_ROOM bytes). A value that the type cannot read comes as it is stored. type NULL: as it is stored. */
void mr_change_value(const mr_change *change, bool old, unsigned i, const mr_type *type, char *room, mr_value *out);

#ifdef __cplusplus
}
#endif
#endif

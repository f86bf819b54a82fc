/*
 * session_state.h: the session itself: its struct, the phases of its work, and the functions of the files that handle
 * its connection, its transaction and its flush. journal.h, states.h, relationships.h, cascade.h and attributes.h
 * declare the other files of this folder.
 *
 * Invariants: pending holds exactly the pending objects, and to_delete exactly the objects with the flag TO_DELETE;
 * each list pins its objects once. The journal refers to objects by weak handles, so that a transaction keeps no object
 * alive. The session holds a connection from the first use until the transaction ends.
 */
#ifndef MR_SESSION_STATE_H
#define MR_SESSION_STATE_H

#include <moonrow/session.h>

/* ---------------------------------------------------------------- phases */

typedef enum mr_phase {
    MR_PHASE_IDLE = 0,
    MR_PHASE_LOADING,  /* rows are being read; listeners of load and refresh run in this phase */
    MR_PHASE_FLUSHING, /* from before_flush to after_flush */
    MR_PHASE_ENDING,   /* a commit or rollback is running */
    MR_PHASE_ENDED,    /* the database has ended the transaction; listeners of after_commit and after_rollback run */
    MR_PHASE_CLOSING,
    MR_PHASE__COUNT
} mr_phase;

/* The kinds of work that a caller asks for. The table in session.c says which phase allows which of them. */
typedef enum mr_action {
    MR_ACT_CHANGE = 1, /* add, delete, expunge, merge */
    MR_ACT_READ = 2,   /* get, load, refresh, execute */
    MR_ACT_EXPIRE = 4,
    MR_ACT_FLUSH = 8,
    MR_ACT_BEGIN = 16,
    MR_ACT_COMMIT = 32,
    MR_ACT_ROLLBACK = 64, /* allowed after a failed flush */
    MR_ACT_CLOSE = 128    /* allowed after a failed flush */
} mr_action;

/* What a flush does at the moment, within MR_PHASE_FLUSHING. */
typedef enum mr_flush_step {
    MR_FLUSH_STEP_NONE = 0, /* neither of these */
    MR_FLUSH_STEP_PLANNING, /* it loads what it needs: such a read does not renew objects seen already */
    MR_FLUSH_STEP_SENDING   /* it sends its statements: the objects that it planned stay in the session */
} mr_flush_step;

/* Are all levels being ended, one after the other? */
typedef enum mr_ending {
    MR_ENDING_NONE = 0,    /* no: one level at most */
    MR_ENDING_BY_COMMIT,   /* commit() of the whole transaction */
    MR_ENDING_BY_ROLLBACK, /* rollback() of the whole transaction */
} mr_ending;

/* ---------------------------------------------------------------- the session */

/* How many objects of a class a transaction has written. */
typedef struct mr_class_count {
    const mr_mapper *mapper;
    size_t n;
} mr_class_count;

/* A savepoint, with the state of the session at the moment when it began. */
typedef struct mr_savepoint {
    uint64_t serial;
    size_t mark;            /* length of the journal: the notes of this savepoint begin here */
    uint64_t writes, reads; /* session.writes, owner.reads */
    size_t written;         /* length of session.written */
    size_t statements;      /* session.statements */
    unsigned number;        /* the database knows the savepoint as mr_sp_<number> */
} mr_savepoint;

typedef struct mr_session_hook {
    mr_session_hook_fn fn;
    void *ud;
} mr_session_hook;

struct mr_session {
    uint32_t refs;
    mr_env *env;
    mr_engine *engine;
    mr_heap *heap;
    mr_owner *owner;
    bool autoflush, expire_on_commit;
    int autoflush_blocks; /* autoflush is off while this is above 0 */
    uint8_t phase;        /* mr_phase */
    uint8_t flush_step;   /* mr_flush_step */
    uint8_t ending;       /* mr_ending */
    mr_load_context load;
    mr_marks marks;                  /* of all its statements */
    const mr_marks *call_marks;      /* of the statement that a call runs; or NULL */
    mr_vec hooks[MR_SESSION__COUNT]; /* mr_session_hook */

    /* The connection. */
    mr_conn *conn;         /* NULL: none is held */
    unsigned open_loads;   /* loads of several statements that are running, one inside the other */
    bool load_transaction; /* the open transaction belongs to a load, and ends with that load */
    bool connection_lent;  /* session:connection() gave it to the program: the session does not see what is written */

    /* Versions of the data (mr_owner.as_of). */
    bool nothing_read;       /* nothing was read or written since all objects expired */
    uint32_t oldest_version; /* no unchanged object is of an older version than this */
    uint64_t read_conn;      /* serial number of the connection that read last */
    int64_t read_version;    /* the version of the data that this connection read */
    bool stale;              /* the flush has found that another connection committed changes before it */

    /* The transaction, and the savepoints inside it: together, its levels. */
    bool begun_explicitly;
    uint64_t last_serial; /* the last serial number that was given to a transaction or savepoint */
    uint64_t serial;      /* of the transaction */
    mr_vec savepoints;    /* mr_savepoint */
    mr_vec blocks;        /* uint64_t: serials of the transactions that blocks run in, the outermost first */
    bool block_ended;     /* the transaction of a block that still runs is over: see blocks.c */

    /* A failed or lost transaction. */
    unsigned dead_levels;         /* the number of innermost levels that the database has rolled back already */
    bool lost;                    /* the database has ended the transaction, and memory has not followed yet */
    bool ended_by_database;       /* the reason for dead_levels is that, and not a failed flush */
    struct mr_session *next_lost; /* the next in mr_session_common.lost */
    char *failure;                /* text of the first error; NULL: there was no memory to keep it */

    /* What the transaction has written. */
    mr_vec journal;          /* mr_note */
    bool journal_deletes;    /* some note is about a deletion */
    bool journal_owns;       /* some note owns something */
    size_t prune_at;         /* length of the journal at which notes of freed objects are removed */
    mr_map *expired_inserts; /* see expired_inserts.c; NULL: empty */
    uint64_t writes;         /* the number of flushes and statements that have written since the session was made */
    mr_vec written;          /* mr_class_count, of the flushes of this transaction: see uncommitted.c */
    size_t statements;       /* statements of the program itself that have written in this transaction */

    struct mr_step *keeps_deleted; /* has the objects whose deletion is committed (undo); NULL: nobody */

    /* Objects that wait for a flush. Changed ones are in owner->dirty. */
    mr_vec pending;             /* mr_entity * */
    bool pending_unsorted;      /* pending is not in the order of insert_order */
    uint32_t last_insert_order; /* the last insert_order that was given to an object */
    mr_vec to_delete;           /* mr_entity *, with the flag TO_DELETE */
    mr_vec spared;              /* mr_entity *, pinned: they got the flag SPARED since the last flush */
    mr_vec changed;             /* mr_entity *: session.dirty as after_flush sees it; empty at other times */
    bool add_met_duplicate;     /* the last add was refused because another object has the same identity */
};

/* ---------------------------------------------------------------- session.c */

/* Checks that the session may do the action now. action_name: the program's word for it, such as "commit()", for the
 * message. InvalidRequestError: the phase, or an ended block, does not allow it. PendingRollbackError: the transaction
 * is dead. */
mr_status mr_session_allow(mr_session *s, mr_action action, const char *action_name);
/* Records the PendingRollbackError, with the text of the error that has ended the transaction. */
mr_status mr_session_refuse_dead(mr_session *s);
/* Enters a phase, blocks the heap, and keeps the session alive. Returns the phase before, for mr_session_leave. */
uint8_t mr_session_enter(mr_session *s, mr_phase phase);
/* Ends the phase. The session may be freed by this: do not touch it afterwards without a reference of your own. */
void mr_session_leave(mr_session *s, uint8_t before);

/* ---------------------------------------------------------------- environment.c */

/* The data that all sessions of an environment share. */
typedef struct mr_session_common {
    mr_env *env;
    mr_node *(*expression)(void *ud, const mr_value *value);
    void *expression_ud;
    mr_edits_fn edits; /* see mr_session_set_edits */
    void *edits_ud;
    bool expects_edits;
    mr_access_fn on_access; /* or NULL */
    void *on_access_ud;
    mr_session *last; /* the session that has taken a connection last; NULL: it is closed, or there was none */
    mr_map *parents;  /* see parents.c */
    size_t prune_parents_at;
    uint16_t late_tag; /* tag of the opaque values of late_key.c; 0: not registered yet */
    bool own_values;   /* see own_values.c */
    mr_session *lost;  /* the sessions whose transaction is lost, linked by next_lost */
    mr_making *making; /* the innermost object whose constructor is running; NULL: none */
} mr_session_common;
/* The shared data, made at the first call. NULL: no memory. */
mr_session_common *mr_session_common_of(mr_env *env);
/* Does the session hold an object whose constructor has not finished? (making.c) */
bool mr_session_is_making(const mr_session *s);

/* Tells who watches that the access has loaded, if it has read since. reads: mr_owner.reads before it. */
static inline mr_status mr_session_note_access(const mr_session *s, mr_entity *entity, const mr_property *prop,
                                               mr_access access, uint64_t reads) {
    const mr_session_common *common = mr_env_get(s->env, MR_ENV_SESSION);
    const mr_owner *owner = s->owner;
    if (!common || !common->on_access || owner->reads == reads) return MR_OK;
    int loads = owner->batch_at == reads + 1 ? -(int)owner->batch_after : 1;
    return loads == 0 ? MR_OK : common->on_access(common->on_access_ud, entity, prop, access, loads);
}

/* May an object have an edit that nobody has looked for? */
static inline bool mr_session_may_have_edits(const mr_session *s) {
    const mr_session_common *common = mr_env_get(s->env, MR_ENV_SESSION);
    return common && common->expects_edits;
}

/* mr_session_note_edits before a flush. */
mr_status mr_session_note_edits_of_flush(mr_session *s);
/* The values of the entity (NULL: of the session) that have expired are not those of the program's tables any more. */
/* MR_EDITS_SET. What cannot be noted is left to the flush. */
void mr_entity_note_set(mr_entity *entity, const mr_property *prop);
void mr_session_drop_edits(mr_session *s, mr_entity *entity);

/* ---------------------------------------------------------------- own_values.c */

/* Converts the values of the program's own that the object has: mr_flush_context.settle. */
mr_status mr_session_settle(void *session, mr_entity *e);
/* The same for all objects that wait for a flush. */
mr_status mr_session_settle_all(mr_session *s);
/* The statement (consumed) with such values converted, so that objects in memory can be compared with them. */
mr_node *mr_session_statement_to_send(mr_session *s, mr_node *statement);

/* ---------------------------------------------------------------- events.c */

/* Calls the listeners of the event in the order in which they were added. Stops at the first one that fails. */
mr_status mr_session_fire(mr_session *s, mr_session_event event);

/* ---------------------------------------------------------------- connection.c */

/* mr_load_context.connection: the session's connection, taken from the engine when the session holds none. */
mr_status mr_session_connect(void *session, mr_mapper *mapper, mr_conn **out);
/* The same, and begins the transaction first, because the caller is going to write. This may expire objects that
 * another connection has changed. */
mr_status mr_session_connect_to_write(mr_session *s, mr_conn **out);
/* Gives the connection back; an open transaction is rolled back. */
void mr_session_disconnect(mr_session *s);
/* mr_load_context.enter and leave: a load of several statements reads one snapshot. */
mr_status mr_session_begin_load(void *session);
void mr_session_end_load(void *session);
/* mr_load_context.outside: does the session read outside of a transaction now? Then each row may be newer than the
 * objects in memory. */
bool mr_session_reads_outside(void *session);
/* The transaction has its snapshot now: objects that were read from an older version of the data expire. */
void mr_session_expire_before_snapshot(mr_session *s);
/* The session is going to write while the transaction of a load is open: it becomes the session's own transaction. */
void mr_session_adopt_load_transaction(mr_session *s);
/* Call after a commit, before the connection is given back: the session's own commit makes none of its objects old. */
void mr_session_note_commit(mr_session *s);
/* All objects have expired or left the session: the next read decides of which version the objects in memory are. */
void mr_session_note_all_expired(mr_session *s);

/* ---------------------------------------------------------------- transaction.c */

/* A flush has failed after its first statement: rolls the innermost level back, in the database and in memory, and
 * marks it dead. The recorded error stays. */
void mr_transaction_flush_failed(mr_session *s);
/* Callback of mr_conn_set_on_lost: a statement has failed, and the database has ended the transaction. Returns whether
 * the session loses work by this. */
bool mr_transaction_note_loss(void *session);
/* If the transaction is lost and the session is idle, rolls the objects in memory back. */
void mr_transaction_follow_loss(mr_session *s);
/* The session's transaction does not count as lost any more: its connection was given back. */
void mr_transaction_clear_loss(mr_session *s);

/* ---------------------------------------------------------------- blocks.c */

/* Call when a transaction or savepoint has ended: computes block_ended. */
void mr_blocks_update(mr_session *s);
/* Records the InvalidRequestError: the block's transaction is over. action_name: see mr_session_allow. */
mr_status mr_blocks_refuse(mr_session *s, const char *action_name);
/* May the attribute of the object be changed? The same error when the block's transaction is over. */
mr_status mr_blocks_allow_change(const mr_entity *e, const mr_property *prop);
/* InvalidRequestError when objects wait for a flush: they were changed before the transaction that is to begin. */
mr_status mr_blocks_check_begin(mr_session *s);

/* ---------------------------------------------------------------- uncommitted.c */

/* A flush has run: counts the objects of its results from..to-1. */
void mr_uncommitted_note(mr_session *s, const mr_flush *flush, size_t from, size_t to);
/* Has the open transaction inserted the object's row? Perhaps true, too, long after its transaction: this may only cost
 * memory. */
bool mr_uncommitted_inserted(const mr_session *s, const mr_entity *e);
/* The innermost level is rolled back: an object that was counted in it may be counted again. */
void mr_uncommitted_undo(const mr_session *s, mr_entity *e);
/* The writes of the savepoint (NULL: of the whole transaction) are committed or rolled back: they count no more. */
void mr_uncommitted_forget(mr_session *s, const mr_savepoint *savepoint);

/* ---------------------------------------------------------------- flush.c, get.c, criterion.c */

/* Flushes if autoflush is on and the session is at rest. */
mr_status mr_session_autoflush_now(mr_session *s);
/* Does no object wait for a flush? */
bool mr_session_is_clean(const mr_session *s);
/* The identity of the key. key: npk values in the order of the primary key, coerced here. *out may borrow bytes from
 * buf. MR_NOTFOUND: the key holds a value that no row can have. */
mr_status mr_session_identity(const mr_session *s, const mr_mapper *mapper, const mr_value *key, mr_strbuf *buf,
                              mr_value *out);
/* The query with its parents (with_parent) turned into criteria. *out: a new reference. */
mr_status mr_query_parents_to_criteria(mr_query *query, mr_query **out);

/* execute.c: executes a compiled statement with the marks that mr_session_use_marks has set. */
mr_status mr_session_execute_marked(mr_session *s, mr_conn *conn, mr_compiled *compiled, const mr_value *values,
                                    mr_cursor **out);

/* update_delete.c, all_tables.c */

/* *own: the expression (NULL passes) names the table of the class alone. A query inside of it may take columns of the
 * class's other tables: then it does not. */
mr_status mr_session_names_alone(const mr_mapper *mapper, const mr_table *table, const mr_node *where, bool *own);
/* Runs an UPDATE or DELETE. *rowcount: the rows that it has matched. */
mr_status mr_session_run_to_end(mr_session *s, mr_node *statement, const mr_named_value *named, size_t n,
                                int64_t *rowcount);
/* Does for all tables of the query's class what the statement (an UPDATE of columns of several tables, or a DELETE from
 * the class's own; consumed) says for the rows that meet its criteria. *rowcount: their number. Nothing is written if
 * it fails. */
mr_status mr_session_write_all_tables(mr_session *s, mr_query *q, mr_node *statement, mr_synchronize how,
                                      int64_t *rowcount);
/* Like mr_synchronizer_new, and appends (to mr_value, owned by the caller) the keys of all rows that meet the criteria,
 * whatever `how` says. */
mr_status mr_synchronizer_new_with_keys(mr_session *s, mr_mapper *mapper, mr_node *statement,
                                        const mr_named_value *named, size_t nnamed, mr_synchronize how, mr_vec *keys,
                                        mr_synchronizer **out);

#endif

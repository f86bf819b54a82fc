/*
 * session.h: the session: states of objects, transactions, autoflush, cascades, and the functions through which every
 * attribute is read and written.
 *
 * Invariant: an object is in at most one session. It is in the session's identity map exactly when it is persistent
 * there; a deleted object leaves its place to another object with the same key. A call is refused when the phase of the
 * session (idle, loading, flushing, ending its transaction, closing) does not allow it.
 *
 * Unless something else is said: functions that return mr_status record an error when they return MR_FAIL; objects are
 * borrowed; a refused call has changed nothing. PendingRollbackError: after a failed flush, until the rollback, from
 * all functions that read, write, or change what the session holds; contains, is_modified and the lists still answer.
 */
#ifndef MOONROW_SESSION_H
#define MOONROW_SESSION_H

#include <moonrow/criteria.h>
#include <moonrow/flush.h>
#include <moonrow/load.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_session mr_session;

typedef struct mr_session_options {
    bool autoflush;        /* default true */
    bool expire_on_commit; /* default true */
    mr_batching batch;     /* lazy = "batch": max > 0; default: no */
    double timeout;        /* seconds that a statement may run: see mr_marks */
} mr_session_options;

/* What a session fires: EVENT(CODE, NAME) for each. NAME is what Lua calls it. */
#define MR_SESSION_EVENTS(EVENT)                                                                                       \
    EVENT(BEFORE_FLUSH, "before_flush")                                                                                \
    EVENT(AFTER_FLUSH, "after_flush")                                                                                  \
    EVENT(BEFORE_COMMIT, "before_commit")                                                                              \
    EVENT(AFTER_COMMIT, "after_commit")                                                                                \
    EVENT(AFTER_ROLLBACK, "after_rollback")                                                                            \
    EVENT(AFTER_BEGIN, "after_begin")

#define MR_SESSION_EVENT(CODE, name) MR_SESSION_##CODE,
typedef enum mr_session_event { MR_SESSION_EVENTS(MR_SESSION_EVENT) MR_SESSION__COUNT } mr_session_event;
#undef MR_SESSION_EVENT
/* The name of the event with the number; NULL: there are no more. */
const char *mr_session_event_name(int event);
/* A listener. MR_FAIL, with a recorded error, ends the work that has fired the event. */
typedef mr_status (*mr_session_hook_fn)(mr_env *env, void *ud, mr_session_event event, mr_session *session);

/* A new session with one reference. engine: retained; NULL: a session that only holds objects. options NULL: the
 * defaults. */
mr_status mr_session_new(mr_env *env, mr_engine *engine, const mr_session_options *options, mr_session **out);
/* Sets the marks (borrowed; NULL: none) of the statements that mr_session_execute runs from now on, before those of the
 * session. Returns those before, which the caller sets again. */
const mr_marks *mr_session_use_marks(mr_session *s, const mr_marks *marks);
/* Sets the query whose loader criteria all queries of the session get; other options of it do not count. NULL: none. */
void mr_session_set_criteria(mr_session *s, mr_query *criteria);
/* The query with the loader criteria of the session. One reference; NULL: failed. */
mr_query *mr_session_whole_query(const mr_session *s, mr_query *query);
mr_session *mr_session_retain(mr_session *s); /* NULL passes */
/* Drops a reference; the last one closes and frees the session. NULL passes. */
void mr_session_release(mr_session *s);
/* Rolls back, detaches all objects, and gives the connection back. The session may be used again. Takes constant time,
 * except for pending and changed objects. InvalidRequestError when called during the session's own work (from a
 * listener of a flush): the session stays open. */
mr_status mr_session_close(mr_session *s);
mr_env *mr_session_env(const mr_session *s);
mr_engine *mr_session_engine(const mr_session *s);
mr_owner *mr_session_owner(const mr_session *s);
/* Sets the two options: 0 or 1; -1: as it is. */
void mr_session_set_flags(mr_session *s, int autoflush, int expire_on_commit);
/* Is autoflush on now? */
bool mr_session_autoflush(const mr_session *s);
bool mr_session_expire_on_commit(const mr_session *s);
/* Flushes first, as before a query. *out: a number that is another one when anything may have changed in the database,
 * or in what the session knows of it: it has written, its objects have expired, or it has read newer data. */
mr_status mr_session_stamp(mr_session *s, uint64_t *out);
/* +1: no autoflush from now on; -1: takes back one +1. */
void mr_session_block_autoflush(mr_session *s, int delta);
mr_session *mr_session_of(const mr_entity *entity);    /* the object's session; NULL: it has none */
mr_state mr_session_state_of(const mr_entity *entity); /* an object of a closed session is MR_DETACHED */
/* Sets the function that turns the binding's opaque values into SQL (mr_flush_context.expression), for all sessions of
 * the environment. */
mr_status mr_session_set_expression(mr_env *env, mr_node *(*fn)(void *ud, const mr_value *value), void *ud);
/* A value that the program has been given may be a table, which it changes without telling anybody. fn looks for such
 * edits, in the entity, or (NULL) in all objects of the session and in those that have no session, and sets their
 * columns. It is called before somebody asks for changes, and only after mr_session_expect_edits. An edit that cannot
 * be stored is an error, unless its object has no session; the object counts as changed then. */
typedef enum mr_edits_act {
    MR_EDITS_NOTE,
    MR_EDITS_FLUSH, /* the same; a flush of the session follows */
    MR_EDITS_DROP,  /* the tables of values that have expired are forgotten, with what was changed in them */
    MR_EDITS_SET    /* the column has been set: what was changed before in a composite value of it does not count */
} mr_edits_act;
typedef struct mr_edits {
    mr_edits_act act;
    mr_session *session;
    mr_entity *entity;
    const mr_property *prop; /* of MR_EDITS_SET */
} mr_edits;
typedef mr_status (*mr_edits_fn)(void *ud, const mr_edits *what);
mr_status mr_session_set_edits(mr_env *env, mr_edits_fn fn, void *ud);
/* May there be such tables? */
void mr_session_expect_edits(mr_env *env, bool any);
/* MR_EDITS_NOTE for the session; for the entity alone. */
mr_status mr_session_note_edits(mr_session *session);
mr_status mr_entity_note_edits(mr_entity *entity);
/* From now on the environment may have values of the program's own (mr_value_is_own), which flushes convert. */
mr_status mr_session_has_own_values(mr_env *env);
/* Adds and removes a listener of the event. */
mr_status mr_session_listen(mr_session *s, mr_session_event event, mr_session_hook_fn fn, void *ud);
void mr_session_unlisten(mr_session *s, mr_session_event event, mr_session_hook_fn fn, void *ud);

/* Adds the object, with its save-update cascade. InvalidRequestError: it belongs to another session, was deleted, or
 * the session has another object of the same identity. */
mr_status mr_session_add(mr_session *s, mr_entity *entity);
/* Was the last add refused because another object has the same identity? Resets the answer. That other object may be
 * garbage: after it was collected, the add may be tried again. */
bool mr_session_take_duplicate(mr_session *s);
/* Marks the object, and what its delete cascade reaches, to be deleted by the next flush. InvalidRequestError: it has
 * no row. */
mr_status mr_session_delete(mr_session *s, mr_entity *entity);
/* Takes the object, and what its expunge cascade reaches, out of the session. InvalidRequestError: it is not there, or
 * a flush is sending its statements. */
mr_status mr_session_expunge(mr_session *s, mr_entity *entity);
/* Takes all objects out of the session. InvalidRequestError: the session is at work. */
mr_status mr_session_expunge_all(mr_session *s);
/* Is the session between two calls of the program: in no load, flush, or end of a transaction, and no listener of one?
 */
bool mr_session_is_idle(const mr_session *s);
/* What is in memory counts as old: the next read outside of a transaction replaces what it meets there, but changes
 * that are not flushed. */
void mr_session_distrust_memory(mr_session *s);
/* *out: mr_conn_schema_seen of the session's connection. */
mr_status mr_session_schema_seen(mr_session *s, uint64_t *out);
/* Tells of all that the statement would read, by the session's connection: mr_conn_reads. */
mr_status mr_session_reads(mr_session *s, const char *sql, mr_reads_fn fn, void *ud);
/* The named attributes are read again when they are next used; names NULL: all attributes, with the refresh-expire
 * cascade. n: the number of names. Changes are lost. InvalidRequestError: the object is not persistent here.
 * ArgumentError: an unknown name. */
mr_status mr_session_expire(mr_session *s, mr_entity *entity, const char *const *names, unsigned n);
/* Expires all objects. */
mr_status mr_session_expire_all(mr_session *s);
/* Expires the attributes, autoflushes the other objects, and reads the attributes again. Arguments and errors: as
 * mr_session_expire; InvalidRequestError also if the row is gone. */
mr_status mr_session_refresh(mr_session *s, mr_entity *entity, const char *const *names, unsigned n);
/* The object with the primary key; from the identity map it takes no statement. key: n values in the order of the
 * primary key, coerced here. options: a query whose loader options apply; NULL: none. populate_existing: its row is
 * read in any case. *out: pinned. MR_NOTFOUND: there is no such row. ArgumentError: n is not the number of key columns.
 */
mr_status mr_session_get(mr_session *s, mr_mapper *mapper, const mr_value *key, unsigned n, mr_query *options,
                         bool populate_existing, mr_entity **out);
/* The object of an integer key, not pinned, where mr_session_get would give it as it is in memory with nothing to be
 * done before. NULL: ask mr_session_get. *absent: the map has none, and mr_session_get_absent does the same with less
 * work. */
mr_entity *mr_session_known(mr_session *s, const mr_mapper *mapper, int64_t key, bool *absent);
mr_status mr_session_get_absent(mr_session *s, mr_mapper *mapper, int64_t key, mr_entity **out);
/* Copies the state of source onto the session's own object of the same identity, with the merge cascade. load false:
 * the row is not read, and source must be unchanged. *out: the session's object, pinned. */
mr_status mr_session_merge(mr_session *s, mr_entity *source, bool load, mr_entity **out);
/* Takes the object out of its session, without cascades, and takes its identity away: it is like a new object with the
 * same values. */
mr_status mr_session_make_transient(mr_entity *entity);
/* Makes a transient object with a primary key look as if it had been loaded and expunged. InvalidRequestError: it is
 * not transient, or has no primary key. */
mr_status mr_session_make_detached(mr_entity *entity);
/* Is the object pending or persistent in the session? */
bool mr_session_contains(const mr_session *s, const mr_entity *entity);
/* Has the object changes that a flush would write? Edits inside of values count (mr_session_note_edits). */
bool mr_session_is_modified(mr_session *s, mr_entity *entity);
/* The lists, by 0-based index. new: pending objects, in the order of adding. dirty: persistent objects that were
 * changed (or changed and changed back), without those to be deleted. deleted: objects that the next flush deletes. */
size_t mr_session_new_count(const mr_session *s);
mr_entity *mr_session_new_at(const mr_session *s, size_t i);
size_t mr_session_dirty_count(const mr_session *s);
mr_entity *mr_session_dirty_at(const mr_session *s, size_t i);
size_t mr_session_deleted_count(const mr_session *s);
mr_entity *mr_session_deleted_at(const mr_session *s, size_t i);

/* Begins a transaction. InvalidRequestError: one has begun already, or objects that were changed before wait for a
 * flush. */
mr_status mr_session_begin(mr_session *s, mr_txmode mode);
/* Flushes, and begins a savepoint. */
mr_status mr_session_begin_nested(mr_session *s);
/* Sends all changes to the database. A failure after the first statement rolls the innermost savepoint, or the
 * transaction, back: see PendingRollbackError above. */
mr_status mr_session_flush(mr_session *s);
/* Commit (with a flush before it) and rollback of the innermost savepoint, or of the transaction if there is none. */
mr_status mr_session_commit(mr_session *s);
mr_status mr_session_rollback(mr_session *s);
/* The same for all savepoints and the transaction. */
mr_status mr_session_commit_all(mr_session *s);
mr_status mr_session_rollback_all(mr_session *s);
/* When a statement fails, the database may end the whole transaction. For all sessions to which that happened, and that
 * are at rest: rolls their objects back now. Without this call each session does so at its own next call. The recorded
 * error stays. */
void mr_sessions_follow_losses(mr_env *env);
/* Would mr_sessions_follow_losses do something? */
bool mr_sessions_have_losses(const mr_env *env);
/* Is a transaction open? One begins by begin(), by the first write, or by a savepoint; not by reads, and not by adding
 * an object. */
bool mr_session_in_transaction(const mr_session *s);
unsigned mr_session_nesting(const mr_session *s);            /* 0: none; 1: a transaction; 2..: savepoints */
uint64_t mr_session_transaction_serial(const mr_session *s); /* of the innermost level; each one has another */
bool mr_session_has_transaction(const mr_session *s, uint64_t serial); /* is that level still open? */

/* A block runs a function in the innermost transaction or savepoint, and ends that one afterwards. If the function ends
 * it itself, everything except rollback and close is refused (InvalidRequestError) until the block is left, because
 * nobody would commit the work. Leave the block before its own commit or rollback. serial: of the block's transaction;
 * an unknown one (the session was closed) is ignored. */
mr_status mr_session_enter_block(mr_session *s);
void mr_session_leave_block(mr_session *s, uint64_t serial);
/* Appends the names of the objects that wait for a flush, "<User (pending)>, <Post 3>", to out. false: there are none.
 */
bool mr_session_name_pending(mr_session *s, mr_strbuf *out);

/* Appends what would be lost if the session ended now, "3 objects (2 User, 1 Post)", to out. false: nothing. Sends no
 * statement. */
bool mr_session_uncommitted(const mr_session *s, mr_strbuf *out);

/* Autoflushes (unless the query or the session forbids it), and starts the load of the query. *out: close it. */
mr_status mr_session_load(mr_session *s, mr_query *query, mr_load **out);
/* Finds the first object of the class whose attributes equal these, by a statement that the class keeps for those
 * attributes. *out: pinned. MR_NOTFOUND: there is none. MR_DONE: run the query that says the same. */
mr_status mr_session_first(mr_session *s, mr_mapper *mapper, const mr_equal *equals, unsigned n, mr_entity **out);
/* mr_session_load and mr_ready_first for a query that keeps its plan. named: mr_named_value. */
mr_status mr_session_load_ready(mr_session *s, mr_ready *ready, const mr_vec *named, mr_load **out);
mr_status mr_session_first_ready(mr_session *s, mr_ready *ready, const mr_vec *named, mr_entity **out);
/* *out: the number of rows of the query, by SELECT count(*). */
mr_status mr_session_count(mr_session *s, mr_query *query, int64_t *out);
/* The open cursor of a statement without entities (INSERT, UPDATE, DELETE, text, Core SELECT). Close it with
 * mr_session_cursor_close, which frees the other fields, too. */
typedef struct mr_session_cursor {
    mr_cursor *cursor;
    mr_value *values;
    mr_compiled *compiled;
    mr_node *statement;
} mr_session_cursor;
/* Autoflushes, and runs the statement with the values of its named parameters (borrowed). On failure *out is closed. */
mr_status mr_session_execute(mr_session *s, mr_node *statement /* consumed */, const mr_named_value *named,
                             size_t nnamed, mr_session_cursor *out);
/* The same on a connection without a session. conn NULL: it is closed, InvalidRequestError. */
mr_status mr_connection_execute(mr_env *env, mr_conn *conn, mr_node *statement /* consumed */,
                                const mr_named_value *named, size_t nnamed, mr_session_cursor *out);
void mr_session_cursor_close(mr_env *env, mr_session_cursor *c);
/* *out: the session's connection, borrowed, for the program. Begins no transaction. */
mr_status mr_session_connection(mr_session *s, mr_conn **out);
/* Gives the connection back if no transaction is open and nothing is being read. */
void mr_session_return_idle_connection(mr_session *s);

/* ---------------------------------------------------------------- criteria with an object */

/* mr_criterion_object for an object whose key is read when the statement runs: until then it may be new, or change.
 * Asks the database once how it compares the columns of the relationship. *out: a new reference. */
mr_status mr_object_criterion(const mr_property *along, mr_node *alias, mr_entity *object, mr_belonging how,
                              mr_node **out);
/* A new query: only the rows of the query's first item that belong to the parent along the relationship. along NULL:
 * the parent's first relationship to the query's class. NULL: failed. */
mr_query *mr_query_belonging_to(const mr_query *query, const mr_property *along, mr_entity *parent);
/* The query's SELECT for use inside another statement: parameters have their values, and parents are criteria. *out: a
 * new reference. */
mr_status mr_query_statement(mr_query *query, mr_node **out);
/* The same as the query runs: with what its options load in the same statement. */
mr_status mr_query_whole_statement(mr_query *query, mr_node **out);
/* EXISTS (SELECT ...) of the query; SELECT 1 if its columns do not matter. *out: a new reference. */
mr_status mr_query_exists(mr_query *query, mr_node **out);

/* ---------------------------------------------------------------- many rows at once */

/* How the objects in memory follow an UPDATE or DELETE by criteria. */
typedef enum mr_synchronize {
    MR_SYNCHRONIZE_AUTO = 0, /* EVALUATE if that is possible, else FETCH */
    MR_SYNCHRONIZE_EVALUATE, /* the criteria are computed for each object; InvalidRequestError if that is not possible
                              */
    MR_SYNCHRONIZE_FETCH,    /* the keys of the rows are read first, in the same transaction */
    MR_SYNCHRONIZE_NONE      /* objects are not changed */
} mr_synchronize;

/* UPDATE ... SET columns = values for all rows of the query, one for each table that has one of the columns. The query
 * is over one class, and has only criteria (ArgumentError: it has another clause). columns: LIST of COLUMN; values:
 * LIST with one value for each; both consumed. Autoflushes first. The objects in memory get the values, which do not
 * count as changes; a value that cannot be computed is read again when it is next used. *rowcount: the number of rows
 * matched. ArgumentError: a column is in the primary key, and how is not MR_SYNCHRONIZE_NONE. */
mr_status mr_session_update_rows(mr_session *s, mr_query *query, mr_node *columns, mr_node *values, mr_synchronize how,
                                 int64_t *rowcount);
/* Are there objects of the class, or of one below it, that have rows in several tables? */
bool mr_mapper_spans_tables(mr_mapper *mapper);
/* DELETE of all rows of the query, from all tables of its class, in the same way. The objects become deleted; a
 * rollback makes them persistent again. Nothing cascades. */
mr_status mr_session_delete_rows(mr_session *s, mr_query *query, mr_synchronize how, int64_t *rowcount);

/* The same for a statement that the caller runs with mr_session_execute. Call new before it (this autoflushes, and
 * begins the transaction), apply after it has run to its end, and free in any case. */
typedef struct mr_synchronizer mr_synchronizer;
/* statement: an UPDATE or DELETE of the class's table; retained. named: the values of its parameters, borrowed until
 * mr_synchronizer_free. */
mr_status mr_synchronizer_new(mr_session *s, mr_mapper *mapper, mr_node *statement, const mr_named_value *named,
                              size_t nnamed, mr_synchronize how, mr_synchronizer **out);
mr_status mr_synchronizer_apply(mr_synchronizer *y);
void mr_synchronizer_free(mr_synchronizer *y); /* NULL passes */
/* Call after a statement has written to the table: if the table's constraints may have replaced other rows silently,
 * objects that show it are read again. */
mr_status mr_session_after_write(mr_session *s, const mr_table *table);
/* For statements that update rows by their keys, row by row. Has the session any object in its identity map? */
bool mr_session_has_objects(const mr_session *s);
/* *out: the object of the key, if it is in memory and has not expired; borrowed. NULL: there is none. key: npk values,
 * coerced here. */
mr_status mr_session_find_in_memory(mr_session *s, mr_mapper *mapper, const mr_value *key, mr_entity **out);
/* A statement has written the column in the object's row: the object gets the value, which is no change. The column is
 * read again later if value is MR_UNLOADED or does not fit, or if the object has a change of the column. */
mr_status mr_session_set_stored_value(mr_session *s, mr_entity *entity, const mr_property *prop, const mr_value *value);
/* The INSERT, UPDATE or DELETE with the loader criteria among the options of a query (or NULL) and those of the session
 * (or NULL) in its subqueries. mapper: it is an UPDATE or DELETE of that class, which gets those for its own rows, too,
 * and the criterion of the class, if it shares its table with other classes. Consumes statement. NULL: failed. */
mr_node *mr_statement_with_criteria(const mr_session *s, mr_mapper *mapper, const mr_query *options,
                                    mr_node *statement);

/* What an access of the program has loaded: the attribute alone (a relationship, or a deferred column with its group);
 * all columns of an object that had expired; or the columns that an object lacked: those that its subclass adds to what
 * the query read, or some that had expired. */
typedef enum mr_access { MR_ACCESS_ATTRIBUTE, MR_ACCESS_EXPIRED, MR_ACCESS_LACKING } mr_access;
/* Told after an access has loaded by at least one statement. prop: the attribute that was read. loads: 1; -n after a
 * load for several objects (lazy = "batch"), by which n loads that were told before were the beginning of a batch.
 * MR_FAIL, with a recorded error: the access fails with it; what it has loaded stays. Where nobody watches, an access
 * that loads tests one pointer more. */
typedef mr_status (*mr_access_fn)(void *ud, mr_entity *entity, const mr_property *prop, mr_access access, int loads);
/* Sets the function for the environment; NULL: nobody watches. */
mr_status mr_session_watch_accesses(mr_env *env, mr_access_fn fn, void *ud);

/* ---------------------------------------------------------------- attributes */

/* *out: the value, loaded if it is expired, deferred or lazy; borrowed until the next call. A column that was never set
 * on a new object reads MR_NULL, and stays unset. A relationship reads MR_ENTITY, MR_NULL or MR_COLLECTION.
 * DetachedInstanceError: it must be loaded, and the object has no session. ObjectDeletedError: its row is gone. */
mr_status mr_attribute_get(mr_entity *entity, const mr_property *prop, const mr_value **out);
/* The same, if that is only to look at what is loaded: a reference to an object, or a loaded collection. NULL: ask
 * mr_attribute_get. */
static inline const mr_value *mr_attribute_loaded_relation(const mr_entity *e, const mr_property *prop) {
    if (prop->slot >= e->nslots || (e->owner && e->generation != e->owner->generation)) return NULL;
    const mr_value *v = &e->slots[prop->slot];
    bool there = v->kind == MR_ENTITY || (v->kind == MR_COLLECTION && ((const mr_collection *)v->u.p)->loaded);
    return there && !e->mapper->registry->dirty ? v : NULL;
}
/* *out: does the object meet the criterion, with the values that it has now? Loads what is missing.
 * InvalidRequestError: only the database knows it; DataError: an integer is too large. */
mr_status mr_entity_matches(mr_entity *entity, const mr_criterion *criterion, bool *out);
/* Sets a column or a reference: coerces and validates the value, calls listeners, keeps the committed value, and
 * changes the other side of a relationship, with its cascades. value: MR_NULL for NULL, MR_ENTITY for a reference.
 * ArgumentError: the value does not fit. Collections: mr_attribute_set_items. */
mr_status mr_attribute_set(mr_entity *entity, const mr_property *prop, const mr_value *value);
/* May the value, of a plain kind, go into the attribute of a new object as it is, or, without memory, converted in
 * place? false: mr_attribute_set has to be asked (a validator, a relationship, a value that does not fit). Listeners of
 * the class are not regarded. */
bool mr_attribute_fits(const mr_property *prop, mr_value *value);
/* Does what mr_attribute_set does with a plain value, if that is only to write it over another one in memory. false:
 * nothing has happened, call mr_attribute_set. */
bool mr_attribute_overwrite(mr_entity *entity, const mr_property *prop, const mr_value *value);
/* Appends n items to a collection, all of them or none. */
mr_status mr_attribute_append_items(mr_entity *entity, const mr_property *prop, mr_entity *const *items, uint32_t n);
/* An object whose constructor sets its relationships, and the one whose constructor has called that. */
typedef struct mr_making {
    mr_entity *entity;
    struct mr_making *outer;
} mr_making;
/* From begin to end no autoflush writes the object, which is not whole yet, though it may be in a session by then. m
 * stays the caller's. */
void mr_making_begin(mr_making *m, mr_entity *entity);
void mr_making_end(const mr_making *m);
/* A new object is given up, because its constructor has refused a value: it leaves the objects that it was linked with,
 * and the session. The recorded error stays. Never fails. */
void mr_attribute_abandon(mr_entity *entity);
/* Assigns n items to a collection, as mr_attribute_set does for a reference. */
mr_status mr_attribute_set_items(mr_entity *entity, const mr_property *prop, mr_entity *const *items, uint32_t n);
/* Inserts an item into a collection. at: 0-based; UINT32_MAX: at the end, which loads nothing. ArgumentError: there is
 * no such position. */
mr_status mr_attribute_insert(mr_entity *entity, const mr_property *prop, uint32_t at, mr_entity *item);
/* Removes the item at a 0-based position. */
mr_status mr_attribute_remove_at(mr_entity *entity, const mr_property *prop, uint32_t at);
/* Puts item in the place of the item at `at`. The old item leaves the collection, unless it is there a second time. */
mr_status mr_attribute_replace_at(mr_entity *entity, const mr_property *prop, uint32_t at, mr_entity *item);
/* Removes the item. ArgumentError: it is not in the collection. */
mr_status mr_attribute_remove(mr_entity *entity, const mr_property *prop, mr_entity *item);
/* Gives the items of an ordering list their positions; of another list does nothing. */
mr_status mr_attribute_renumber(mr_entity *entity, const mr_property *prop);
/* Is the value in memory? */
bool mr_attribute_is_loaded(mr_entity *entity, const mr_property *prop);

#ifdef __cplusplus
}
#endif
#endif

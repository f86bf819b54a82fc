/*
 * session.h: the session: states, transactions, autoflush, the one door to attributes, cascades.
 *
 * Invariant: an entity is in at most one session; in its identity map exactly when it is persistent there (a deleted
 * one makes room for another of the same key). What a session does is refused when its phase does not allow it (idle,
 * loading, flushing, ending its transaction, closing).
 */
#ifndef MOONROW_SESSION_H
#define MOONROW_SESSION_H

#include <moonrow/flush.h>
#include <moonrow/load.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_session mr_session;

typedef struct mr_session_options {
    bool autoflush;        /* default true */
    bool expire_on_commit; /* default true */
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
typedef enum mr_session_event {
    MR_SESSION_EVENTS(MR_SESSION_EVENT)
    /* For the library itself: before the session asks itself whether there is anything to flush. Mutable values are
     * compared here. */
    MR_SESSION_COMPARE,
    MR_SESSION__COUNT
} mr_session_event;
#undef MR_SESSION_EVENT
/* The name of the event with the number; NULL: there are no more. */
const char *mr_session_event_name(int event);
typedef mr_status (*mr_session_hook_fn)(mr_env *env, void *ud, mr_session_event event, mr_session *session);

/* engine may be NULL (a session that only holds objects until it is bound). options NULL: the defaults.
 * One reference. */
mr_status mr_session_new(mr_env *env, mr_engine *engine, const mr_session_options *options, mr_session **out);
mr_session *mr_session_retain(mr_session *s);
/* With the last reference: close. */
void mr_session_release(mr_session *s);
/* Rolls back, detaches all, gives the connection back. The session may be used again (it begins anew). Constant time
 * but for pending and changed entities. InvalidRequestError from within its own work (a flush's callback): it stays
 * open. */
mr_status mr_session_close(mr_session *s);
mr_env *mr_session_env(const mr_session *s);
mr_engine *mr_session_engine(const mr_session *s);
mr_owner *mr_session_owner(const mr_session *s);
void mr_session_set_flags(mr_session *s, int autoflush, int expire_on_commit); /* -1: as it is */
bool mr_session_autoflush(const mr_session *s);
bool mr_session_expire_on_commit(const mr_session *s);
void mr_session_block_autoflush(mr_session *s, int delta); /* no_autoflush: +1 and -1 */
mr_session *mr_session_of(const mr_entity *entity);        /* object_session; NULL */
mr_state mr_session_state_of(const mr_entity *entity);     /* MR_DETACHED also for what a closed session left behind */
/* How the binding's opaque values become SQL (mr_flush_context.expression), for all sessions of the environment. */
mr_status mr_session_set_expression(mr_env *env, mr_node *(*fn)(void *ud, const mr_value *value), void *ud);
mr_status mr_session_listen(mr_session *s, mr_session_event event, mr_session_hook_fn fn, void *ud);
void mr_session_unlisten(mr_session *s, mr_session_event event, mr_session_hook_fn fn, void *ud);

/* Objects. Errors: another session's object (InvalidRequestError naming both), a deleted one, a second of
 * one identity. */
mr_status mr_session_add(mr_session *s, mr_entity *entity); /* cascades save-update */
/* Was the last add refused because of another object of its identity? Told once. That object may be one that nobody
 * holds any more: once it is collected, the add may be tried again. */
bool mr_session_take_duplicate(mr_session *s);
mr_status mr_session_delete(mr_session *s, mr_entity *entity); /* cascades delete */
mr_status mr_session_expunge(mr_session *s, mr_entity *entity);
/* As expunge of each, so refused where that is. */
mr_status mr_session_expunge_all(mr_session *s);
/* names NULL: all. InvalidRequestError where the object is not persistent here. */
mr_status mr_session_expire(mr_session *s, mr_entity *entity, const char *const *names, unsigned n);
/* Refused where expire is. */
mr_status mr_session_expire_all(mr_session *s);
mr_status mr_session_refresh(mr_session *s, mr_entity *entity, const char *const *names,
                             unsigned n); /* autoflushes first */
/* Returns *out pinned; MR_NOTFOUND. key: npk values, coerced here. From the identity map without a statement. */
mr_status mr_session_get(mr_session *s, mr_mapper *mapper, const mr_value *key, unsigned n, mr_query *options,
                         bool populate_existing, mr_entity **out);
/* Returns *out pinned. */
mr_status mr_session_merge(mr_session *s, mr_entity *source, bool load, mr_entity **out);
/* Out of its session, without cascade, and without identity: an object like a new one, with the values that it has. */
mr_status mr_session_make_transient(mr_entity *entity);
/* A transient object with a primary key as if it had been loaded and expunged. InvalidRequestError for any other. */
mr_status mr_session_make_detached(mr_entity *entity);
bool mr_session_contains(const mr_session *s, const mr_entity *entity);
bool mr_session_is_modified(mr_session *s, mr_entity *entity);
/* The lists; entities are borrowed. dirty: changed or touched persistent ones that are not to be deleted. */
size_t mr_session_new_count(const mr_session *s);
mr_entity *mr_session_new_at(const mr_session *s, size_t i);
size_t mr_session_dirty_count(const mr_session *s);
mr_entity *mr_session_dirty_at(const mr_session *s, size_t i);
size_t mr_session_deleted_count(const mr_session *s);
mr_entity *mr_session_deleted_at(const mr_session *s, size_t i);

/* Transactions. InvalidRequestError from begin when one has begun, or when objects that were changed before wait for a
 * flush; after a failed flush PendingRollbackError, naming the first error, from everything that reads, writes, or
 * changes what the session holds, but rollback and close. What only asks (contains, is_modified, the lists) is
 * answered. */
mr_status mr_session_begin(mr_session *s, mr_txmode mode);
mr_status mr_session_begin_nested(mr_session *s); /* flushes first */
mr_status mr_session_flush(mr_session *s);
mr_status mr_session_commit(mr_session *s);   /* of the innermost savepoint, or of the transaction */
mr_status mr_session_rollback(mr_session *s); /* likewise */
mr_status mr_session_commit_all(mr_session *s), mr_session_rollback_all(mr_session *s);
/* For sessions whose transaction the database has ended by itself, when a statement failed: rolls their objects back
 * now, if the session is at rest. Without this call each session does so at its own next call. The recorded error
 * stays. */
void mr_sessions_follow_losses(mr_env *env);
bool mr_sessions_have_losses(const mr_env *env); /* is there any to settle? */
/* Begun explicitly, by the first write, or by a savepoint; reads begin none, and neither does adding an object. */
bool mr_session_in_transaction(const mr_session *s);
unsigned mr_session_nesting(const mr_session *s);                      /* 0: none; 1: a transaction; 2..: savepoints */
uint64_t mr_session_transaction_serial(const mr_session *s);           /* of the innermost; differs for each begun */
bool mr_session_has_transaction(const mr_session *s, uint64_t serial); /* is that one open still, at whatever depth? */

/* A block runs a function in the innermost transaction or savepoint, and ends it afterwards. If the function ends that
 * transaction itself, all but rollback and close is refused from then on (InvalidRequestError), until the block is
 * left: nobody would commit the work. Leave the block before its own commit or rollback. serial: of the block's
 * transaction; one that the session does not know (it was closed) passes. */
mr_status mr_session_enter_block(mr_session *s);
void mr_session_leave_block(mr_session *s, uint64_t serial);
/* Names the objects that wait for a flush, "<User (pending)>, <Post 3>"; false: there are none. */
bool mr_session_name_pending(mr_session *s, mr_strbuf *out);

/* Appends what would be lost if the session ended now, "3 objects (2 User, 1 Post)". false: nothing. Sends no
 * statement. */
bool mr_session_uncommitted(const mr_session *s, mr_strbuf *out);

/* Reading. Autoflushes (unless the query or the session says no), then loads. */
mr_status mr_session_load(mr_session *s, mr_query *query, mr_load **out);
/* How many rows the query has, which may have parents: SELECT count(*). */
mr_status mr_session_count(mr_session *s, mr_query *query, int64_t *out);
/* A statement without entities (INSERT, UPDATE, DELETE, text, Core SELECT): *cursor open, close it; values stay with
 * the cursor (freed by mr_session_cursor_close). */
typedef struct mr_session_cursor {
    mr_cursor *cursor;
    mr_value *values;
    mr_compiled *compiled;
    mr_node *statement;
} mr_session_cursor;
mr_status mr_session_execute(mr_session *s, mr_node *statement /* consumed */, const mr_named_value *named,
                             size_t nnamed, mr_session_cursor *out);
/* The same on a connection by itself (NULL: it has been closed, InvalidRequestError). */
mr_status mr_connection_execute(mr_env *env, mr_conn *conn, mr_node *statement /* consumed */,
                                const mr_named_value *named, size_t nnamed, mr_session_cursor *out);
void mr_session_cursor_close(mr_env *env, mr_session_cursor *c);
mr_status mr_session_connection(mr_session *s, mr_conn **out); /* begins nothing */
/* Gives the connection back where it is only kept at hand: no transaction is open, and nothing is being read. */
void mr_session_return_idle_connection(mr_session *s);

/* ---------------------------------------------------------------- criteria with an object */

/* mr_criterion_object with an object whose key is read when the statement runs: it may be new, or change, until then.
 * The database may be asked (once) how it compares the columns of the relationship. */
mr_status mr_object_criterion(const mr_property *along, mr_node *alias, mr_entity *object, mr_belonging how,
                              mr_node **out);
/* The query restricted to what belongs to the parent along the relationship (NULL: the first that leads to the query's
 * class), as rows of the query's first item. NULL: the recorded error. */
mr_query *mr_query_belonging_to(const mr_query *query, const mr_property *along, mr_entity *parent);
/* The query's SELECT as a part of another statement: with the values of its own parameters, and its parents as
 * criteria. *out: a new reference. */
mr_status mr_query_statement(mr_query *query, mr_node **out);
/* EXISTS of it, *out a new reference: SELECT 1 where its columns do not matter. */
mr_status mr_query_exists(mr_query *query, mr_node **out);

/* ---------------------------------------------------------------- many rows at once */

/* How the objects in memory follow an UPDATE or DELETE that names its rows by criteria. */
typedef enum mr_synchronize {
    MR_SYNCHRONIZE_AUTO = 0, /* by evaluation where that can be done, else by fetching */
    MR_SYNCHRONIZE_EVALUATE, /* the criteria are computed over the objects; InvalidRequestError where they cannot be */
    MR_SYNCHRONIZE_FETCH,    /* the keys of the rows are read first, in the same transaction */
    MR_SYNCHRONIZE_NONE      /* they do not */
} mr_synchronize;

/* UPDATE ... SET columns = values of all rows of the query: one over one class, with criteria alone (another clause:
 * ArgumentError that names it). columns: LIST of COLUMN; values: LIST, one for each (both consumed). Autoflushes first.
 * The objects take the values on, unchanged as far as the session is concerned; what cannot be computed is read again
 * when it is next asked for. *rowcount: the rows matched. ArgumentError for a primary key, unless how is
 * MR_SYNCHRONIZE_NONE. */
mr_status mr_session_update_rows(mr_session *s, mr_query *query, mr_node *columns, mr_node *values, mr_synchronize how,
                                 int64_t *rowcount);
/* DELETE likewise. The objects leave the session as deleted ones; a rollback makes them persistent again.
 * No cascades. */
mr_status mr_session_delete_rows(mr_session *s, mr_query *query, mr_synchronize how, int64_t *rowcount);

/* The same for a statement that the caller runs by mr_session_execute: new before it (autoflushes, begins the
 * transaction), apply when it has run to its end, free in any case. */
typedef struct mr_synchronizer mr_synchronizer;
/* statement: an UPDATE or DELETE of the mapper's table (retained), named: borrowed until free. */
mr_status mr_synchronizer_new(mr_session *s, mr_mapper *mapper, mr_node *statement, const mr_named_value *named,
                              size_t nnamed, mr_synchronize how, mr_synchronizer **out);
mr_status mr_synchronizer_apply(mr_synchronizer *y);
void mr_synchronizer_free(mr_synchronizer *y); /* NULL passes */
/* A statement has written to the table: objects whose rows it may have replaced silently are read again. */
mr_status mr_session_after_write(mr_session *s, const mr_table *table);
/* Where rows were updated by their keys, object by object. Has the session any? */
bool mr_session_has_objects(const mr_session *s);
/* The object of the key (npk values, coerced here), if it is in memory and has not expired; borrowed. *out NULL: there
 * is none. */
mr_status mr_session_find_in_memory(mr_session *s, mr_mapper *mapper, const mr_value *key, mr_entity **out);
/* The column of its row was written: the object has that value now (MR_UNLOADED, one that does not fit, or over a
 * change of its own: to be read again). */
mr_status mr_session_set_stored_value(mr_session *s, mr_entity *entity, const mr_property *prop, const mr_value *value);
/* The UPDATE or DELETE with the criterion of a class that shares its table with others. Consumes statement. */
mr_node *mr_class_statement(mr_mapper *mapper, mr_node *statement);

/* ---------------------------------------------------------------- attributes: the one door */

/* The value, loaded when it must be (expired, deferred, lazy): borrowed, good until the next call. Column slots never
 * set on a transient or pending object read MR_NULL (and stay unset); relationships: MR_ENTITY, MR_NULL, MR_COLLECTION.
 * DetachedInstanceError and ObjectDeletedError name class, attribute and cure. */
mr_status mr_attribute_get(mr_entity *entity, const mr_property *prop, const mr_value **out);
/* Coerces, validates, fires attribute events, keeps history, follows backrefs and cascades. value: MR_NULL sets NULL;
 * MR_ENTITY for a reference. Assigning a collection is mr_attribute_set_items. */
mr_status mr_attribute_set(mr_entity *entity, const mr_property *prop, const mr_value *value);
mr_status mr_attribute_set_items(mr_entity *entity, const mr_property *prop, mr_entity *const *items, uint32_t n);
/* Collections: at is 0-based; UINT32_MAX appends. */
mr_status mr_attribute_insert(mr_entity *entity, const mr_property *prop, uint32_t at, mr_entity *item);
mr_status mr_attribute_remove_at(mr_entity *entity, const mr_property *prop, uint32_t at);
/* Another item in its place: the one before leaves unless it is there a second time. */
mr_status mr_attribute_replace_at(mr_entity *entity, const mr_property *prop, uint32_t at, mr_entity *item);
mr_status mr_attribute_remove(mr_entity *entity, const mr_property *prop, mr_entity *item);
/* Is it there without loading? */
bool mr_attribute_is_loaded(mr_entity *entity, const mr_property *prop);

#ifdef __cplusplus
}
#endif
#endif

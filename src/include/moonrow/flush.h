/*
 * flush.h: the unit of work: turns new, changed and deleted entities into statements, in the right order and in
 * batches.
 *
 * Invariant: a flush does not load. If it needs a value that is not loaded, mr_flush_need returns it, and the session
 * loads it and asks again. No entity of the session changes before mr_flush_publish, which cannot fail and does not
 * allocate.
 *
 * Functions that return mr_status record an error when they return MR_FAIL. */
#ifndef MOONROW_FLUSH_H
#define MOONROW_FLUSH_H

#include <moonrow/entity.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_flush mr_flush;

/* What the flush needs from its session. */
typedef struct mr_flush_context {
    mr_env *env;
    mr_owner *owner;
    void *ud;
    mr_status (*connection)(void *ud, mr_mapper *mapper, mr_conn **out); /* for the class; borrowed */
    /* The SQL expression that an opaque value stands for, borrowed. NULL: it is none. */
    mr_node *(*expression)(void *ud, const mr_value *value);
    /* A listener has run: looks for edits inside of the entity's values, and sets its columns. NULL: there are none. */
    mr_status (*edits)(mr_entity *entity);
    /* Converts values of the program's own that a listener has set. */
    mr_status (*settle)(void *ud, mr_entity *entity);
    const char *dialect; /* the name of the database's dialect; NULL: not known */
} mr_flush_context;

/* What the flush has written for one entity: for the session's journal of the transaction. */
typedef enum mr_flush_kind { MR_FLUSH_INSERT = 1, MR_FLUSH_UPDATE, MR_FLUSH_DELETE } mr_flush_kind;
typedef struct mr_flush_result {
    mr_flush_kind kind;
    mr_entity *entity;
    uint64_t generated;    /* INSERT: a bit for each primary key column, by position, that the program had not set */
    bool key_changed;      /* UPDATE: the identity has changed */
    mr_value old_identity; /* with key_changed: the identity before; borrowed from the flush */
} mr_flush_result;

/* Plans a flush. pending: in insert_order; dirty: changed persistent entities; deleted: to be deleted. Of an entity in
 * two of the lists, what it needs is done: nothing if it is new and to be deleted, else the deletion. The heap is
 * blocked until mr_flush_free. Defaults are not evaluated yet. *out: free it with mr_flush_free. */
mr_status mr_flush_new(const mr_flush_context *ctx, mr_entity *const *pending, size_t npending, mr_entity *const *dirty,
                       size_t ndirty, mr_entity *const *deleted, size_t ndeleted, mr_flush **out);
/* What must be loaded first? MR_ROW: attribute *prop of *entity: load it, and call again. MR_DONE: nothing more. */
mr_status mr_flush_need(mr_flush *flush, mr_entity **entity, const mr_property **prop);
/* Will rows be written? false: there is nothing to do, and no transaction is needed. Call after mr_flush_need has
 * returned MR_DONE. */
bool mr_flush_has_operations(const mr_flush *flush);
/* Sends all statements. MR_FAIL: the caller must roll back; no entity has changed. Listeners of before_insert and the
 * like run during this call; what they change on entities of this flush is written, too. */
mr_status mr_flush_run(mr_flush *flush);
/* Call after the run and before publishing. A collection may hold objects that are not in the session: they get the key
 * of the collection's owner, so that they are linked when they are added. */
mr_status mr_flush_set_strays(mr_flush *flush);
/* Updates the entities: writes generated keys and defaults into slots, puts identities into the map, accepts changes,
 * moves states (pending to persistent, to be deleted to deleted), and unloads values that the database has made. Cannot
 * fail, and does not allocate. */
void mr_flush_publish(mr_flush *flush);
/* Are the results exactly the operations, in their order, of one kind, and without a change of identities? Then they
 * may be published in blocks by mr_flush_publish_some. */
bool mr_flush_is_uniform(const mr_flush *flush);
/* Does what mr_flush_publish does, for the entities of results from..to-1 alone, so that the caller can do all else
 * with them while they are in the processor's cache. Only if mr_flush_is_uniform. Begin with 0, leave none out, and do
 * not call mr_flush_publish. */
void mr_flush_publish_some(mr_flush *flush, size_t from, size_t to);
/* Was a statement sent? Only then is there something to roll back after a failure. */
bool mr_flush_sent(const mr_flush *flush);
/* The tables that were written to and whose constraints may replace other rows, by index from 0; NULL: no more. Rows of
 * these tables may be gone, or may differ from what was written. */
mr_table *mr_flush_replaced(const mr_flush *flush, size_t i);
/* The results, one for each row written, in the order of writing. Of an INSERT, what was generated is known until
 * mr_flush_publish. */
size_t mr_flush_result_count(const mr_flush *flush);
mr_flush_result mr_flush_result_at(const mr_flush *flush, size_t i);
mr_entity *mr_flush_result_entity(const mr_flush *flush, size_t i);
void mr_flush_free(mr_flush *flush); /* NULL passes */

#ifdef __cplusplus
}
#endif
#endif

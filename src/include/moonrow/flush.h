/*
 * flush.h: the unit of work: from new, changed and deleted entities to ordered, batched statements.
 *
 * A flush never SELECTs: what it must know and is not loaded it returns as a need; the session loads that and asks
 * again. It changes no entity of the session before mr_flush_publish, which cannot fail and does not
 * allocate. */
#ifndef MOONROW_FLUSH_H
#define MOONROW_FLUSH_H

#include <moonrow/entity.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_flush mr_flush;

typedef struct mr_flush_context {
    mr_env *env;
    mr_owner *owner;
    void *ud;
    mr_status (*connection)(void *ud, mr_mapper *mapper, mr_conn **out);
    /* The SQL of an opaque slot value (an expression set on an attribute), a borrowed node, or NULL when it is none. */
    mr_node *(*expression)(void *ud, const mr_value *value);
} mr_flush_context;

/* What became of one entity: for the session's record of the transaction. */
typedef enum mr_flush_kind { MR_FLUSH_INSERT = 1, MR_FLUSH_UPDATE, MR_FLUSH_DELETE } mr_flush_kind;
typedef struct mr_flush_result {
    mr_flush_kind kind;
    mr_entity *entity;
    uint64_t generated; /* INSERT: bits of the primary key columns (by position) that were not set by the user */
    bool key_changed; /* UPDATE: the identity is another than before; old_identity (owned by the flush) was the old one
                       */
    mr_value old_identity;
} mr_flush_result;

/* Plans the flush of the pending entities (in insert_order), the owner's dirty list, and the deleted ones. All are
 * pinned by the flush. Checks lengths and not-null primary keys; evaluates defaults of nothing yet. */
mr_status mr_flush_new(const mr_flush_context *ctx, mr_entity *const *pending, size_t npending, mr_entity *const *dirty,
                       size_t ndirty, mr_entity *const *deleted, size_t ndeleted, mr_flush **out);
/* MR_ROW: *entity's *prop must be loaded first, then ask again (the same plan goes on); MR_DONE: nothing is missing;
 * MR_FAIL. */
mr_status mr_flush_need(mr_flush *flush, mr_entity **entity, const mr_property **prop);
/* The number of statements' rows that will be sent; 0: nothing to do, no transaction needed. After the
 * needs are met. */
size_t mr_flush_operations(const mr_flush *flush);
/* Runs to the end (MR_OK) or fails (MR_FAIL: the caller rolls the transaction back; no entity has changed). Hooks
 * before_*, after_* run within; what they change on entities of this flush is written. */
mr_status mr_flush_run(mr_flush *flush);
/* After it, before publishing: objects outside of the session that a collection holds get its owner's key, so that they
 * are linked once they are added. */
mr_status mr_flush_set_strays(mr_flush *flush);
/* Makes it true in memory: generated keys and defaults into slots, identities into the map, histories accepted, states
 * (pending to persistent, to-delete to deleted), server-made values unloaded. Cannot fail, does not allocate. */
void mr_flush_publish(mr_flush *flush);
/* Has a statement been sent? After a failure: only then is there something to roll back. */
bool mr_flush_sent(const mr_flush *flush);
/* The tables that it has written to and whose constraints replace rows, from 0 on; NULL: no more. Rows of them may be
 * gone, or be others than what was written. */
mr_table *mr_flush_replaced(const mr_flush *flush, size_t i);
size_t mr_flush_result_count(const mr_flush *flush);
const mr_flush_result *mr_flush_result_at(const mr_flush *flush, size_t i);
void mr_flush_free(mr_flush *flush); /* NULL passes */

#ifdef __cplusplus
}
#endif
#endif

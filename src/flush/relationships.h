/*
 * relationships.h: how relationships become foreign keys, link rows, and an order of rows, for the files of this
 * folder.
 *
 * Invariant: the first pass (ask) may add operations and needs; the second pass (link) adds only notes to operations.
 */
#ifndef MOONROW_FLUSH_RELATIONSHIPS_H
#define MOONROW_FLUSH_RELATIONSHIPS_H

#include "unit.h"

/* ---------------------------------------------------------------- changes.c */

/* Appends the items that the relationship of the operation's entity has added, removed and kept, each once. Each vector
 * may be NULL. Of a new entity all items are added. */
mr_status mr_flush_changes(const flush_op *op, const mr_relationship *rel, mr_vec *added, mr_vec *removed,
                           mr_vec *unchanged);
/* Appends all items that the relationship holds or has lost, for an entity that is deleted. */
mr_status mr_flush_all_items(const flush_op *op, const mr_relationship *rel, mr_vec *out);
/* Are the items of the relationship known without loading? */
bool mr_flush_is_loaded(const flush_op *op, const mr_relationship *rel);
/* Does the UPDATE change a column that the other side of the relationship refers to? */
bool mr_flush_key_changes(const flush_op *op, const mr_relationship *rel);
/* Is a column of the entity not loaded that the other side of rel will copy? Notes it, to be loaded. */
bool mr_flush_must_load(mr_flush *flush, mr_entity *entity, const mr_relationship *rel);
/* Logs a warning: the item is not written, because it is not in the session. */
void mr_flush_warn(mr_flush *flush, const mr_entity *item, const mr_relationship *rel);
/* Notes that the foreign key of op is set from source (NULL: cleared), in op's own row. cascaded: see flush_sync. */
mr_status mr_flush_add_sync(mr_flush *flush, flush_op *op, const mr_relationship *rel, mr_entity *source,
                            bool cascaded);
/* The same, in an UPDATE of its own (post_update). */
mr_status mr_flush_add_post(mr_flush *flush, flush_op *op, const mr_relationship *rel, mr_entity *source,
                            bool before_delete);
/* Notes that the row of `before` must be written first. Only for rows of one component; else nothing happens. */
mr_status mr_flush_add_edge(mr_flush *flush, flush_op *before, flush_op *after);

/* ---------------------------------------------------------------- key_switch.c */

/* The key of op's entity changes: objects in memory that refer to it, by a many-to-one without a reverse side, get
 * operations. MR_ROW: something must be loaded first. */
mr_status mr_flush_follow_key(mr_flush *flush, flush_op *op);

/* ---------------------------------------------------------------- one_to_many.c, many_to_one.c, many_to_many.c */

/* First pass. Other rows that must be written get operations. MR_ROW: something must be loaded first; only if
 * flush->asked is false. */
mr_status mr_flush_ask_one_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel);
mr_status mr_flush_ask_many_to_one(mr_flush *flush, flush_op *op, const mr_relationship *rel);
mr_status mr_flush_ask_many_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel);
/* Second pass. Notes foreign keys, link rows, and edges between rows. */
mr_status mr_flush_link_one_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel);
mr_status mr_flush_link_many_to_one(mr_flush *flush, flush_op *op, const mr_relationship *rel);
mr_status mr_flush_link_many_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel);

#endif

/*
 * rows.h: sending the rows of a flush, for the files of this folder.
 *
 * Invariant: no entity changes while rows are sent; results and staged values wait for mr_flush_publish.
 */
#ifndef MOONROW_FLUSH_ROWS_H
#define MOONROW_FLUSH_ROWS_H

#include "unit.h"

/* ---------------------------------------------------------------- insert.c, update.c, delete.c */

/* Sends n neighbouring operations of a group. Row switches are among the updates. */
mr_status mr_flush_insert_rows(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n);
mr_status mr_flush_update_rows(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n);
mr_status mr_flush_delete_rows(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n);
/* Would the UPDATE write something? true also if that is not known yet, or if listeners may change it. */
bool mr_flush_writes(const flush_op *op);
/* The SQL expression in the column's slot. NULL, with an ArgumentError: the value is none. */
mr_node *mr_flush_expression(mr_flush *flush, const flush_op *op, unsigned c, const mr_value *value);
/* Scratch memory for a class: an empty shape. *inlined: an empty list of expressions by column. NULL: failed. */
uint64_t *mr_flush_shape(mr_flush *flush, const flush_class *cls, mr_node ***inlined);

/* ---------------------------------------------------------------- post_update.c, links.c */

/* Sends the UPDATEs of post_update: those before all deletes, or those after all inserts and updates. */
mr_status mr_flush_run_posts(mr_flush *flush, bool before_delete);
/* Sends the rows of secondary tables. */
mr_status mr_flush_run_links(mr_flush *flush);
/* Frees the statements of links that are kept with the class. */
void mr_flush_link_statements_free(flush_class *cls);

/* ---------------------------------------------------------------- hooks.c */

/* Calls the listeners of the rows, before or after their statements. */
mr_status mr_flush_fire(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n, bool after);
bool mr_flush_has_hooks(const mr_flush *flush);

/* ---------------------------------------------------------------- run.c */

/* The row of the operation is written now: a listener that sets a slot from now on makes a change for the next flush.
 */
mr_status mr_flush_mark_written(mr_flush *flush, flush_op *op);
/* The operation has a result. */
mr_status mr_flush_add_result(mr_flush *flush, flush_op *op);
/* A row of the table was written: notes the table if that may have replaced other rows. */
mr_status mr_flush_note_replacing(mr_flush *flush, mr_table *table, const mr_table_facts *facts);
/* Gets the connection of the group, once. */
mr_status mr_flush_connect(mr_flush *flush, flush_group *group);
/* Room for n parameters; they are bound until the next execution. NULL: no memory. */
mr_value *mr_flush_values(mr_flush *flush, size_t n);
/* Scratch room for the n values of a key, valid until the next call. NULL: no memory. */
mr_value *mr_flush_keys(mr_flush *flush, size_t n);

#endif

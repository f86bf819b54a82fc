/*
 * values.h: the values of rows, and how they are staged, for the files of this folder.
 *
 * Invariant: staging writes only into operations, never into entities.
 */
#ifndef MOONROW_FLUSH_VALUES_H
#define MOONROW_FLUSH_VALUES_H

#include "unit.h"

static inline const mr_value *mr_flush_slot(const flush_op *op, unsigned slot) {
    mr_entity *e = op->entity;
    return slot < e->nslots ? &e->slots[slot] : mr_entity_slot(e, slot);
}
/* The operation whose entity has the row now: of a row switch, that of the deleted object. */
static inline const flush_op *mr_flush_row_of(const flush_op *op) {
    return op->flags & OP_ROW_SWITCH ? op->rare->other : op;
}
/* By column: copies of the slots when the row was written, or NULL. */
static inline mr_value *mr_flush_written(const flush_op *op) { return op->rare ? op->rare->written : NULL; }
/* The column from which column c has its value: itself, unless the tables of the class share it. */
static inline unsigned mr_flush_source(const flush_class *cls, unsigned c) {
    return cls->nparts > 1 && cls->columns[c].carried != FLUSH_NO_COLUMN ? cls->columns[c].carried : c;
}
/* Has the attribute of the column another column, in a table before? */
static inline bool mr_flush_is_twin(const flush_class *cls, unsigned c) {
    unsigned source = mr_flush_source(cls, c);
    return source != c && cls->columns[source].slot == cls->columns[c].slot;
}
/* The value that the row of op has, or will have, in column c of its class. */
static inline const mr_value *mr_flush_value(const flush_op *op, unsigned c) {
    c = mr_flush_source(op->cls, c);
    if (op->staged && op->staged[c].kind != MR_UNLOADED) return &op->staged[c];
    if ((op->flags & OP_GENERATED) && op->cls->key[0] == c) return &op->identity;
    return mr_flush_slot(op, op->cls->columns[c].slot);
}
/* Stages a copy of the value for column c. */
mr_status mr_flush_stage(mr_flush *flush, flush_op *op, unsigned c, const mr_value *value);
/* Notes that the database makes the value of column c. */
mr_status mr_flush_stage_server(mr_flush *flush, flush_op *op, unsigned c);
/* The same for each column that the database computes: an UPDATE of the row may change its value. */
mr_status mr_flush_stage_computed(mr_flush *flush, flush_op *op);
/* *out: the value of a default that is no SQL; its bytes are valid until the next call of the default. */
mr_status mr_flush_default(mr_flush *flush, const mr_type *type, const mr_default *deflt, mr_value *out);
/* Stages the value of a default for column c; an SQL default stages STAGED_BY_SERVER. */
mr_status mr_flush_stage_default(mr_flush *flush, flush_op *op, unsigned c, const mr_default *deflt);

/* Stages the version after old; old MR_UNLOADED: the first version of a new row. */
mr_status mr_flush_stage_version(mr_flush *flush, flush_op *op, const mr_value *old);
/* InvalidRequestError: the row of a class with versions was written with NULL as its version. */
mr_status mr_flush_check_version(mr_flush *flush, const flush_op *op);
/* The version that the row has now. Borrowed. */
const mr_value *mr_flush_version(const flush_op *op);
/* The row was written with the staged version: from now on it is found by that one. */
mr_status mr_flush_version_written(mr_flush *flush, flush_op *op);

/* Checks length and choice of the columns that will be written (of an UPDATE: of the changed ones). */
mr_status mr_flush_check(mr_flush *flush, const flush_op *op);
/* out: the key that the row had before this flush; room for npk values. */
void mr_flush_old_key(const flush_op *op, mr_value *out);
/* The same for the row's part in one table, whose key the database may have changed with that of the first one. */
void mr_flush_part_key(const flush_op *op, uint16_t part, mr_value *out);
/* *out: is a part of that key NULL? Unchanged on failure. */
mr_status mr_flush_is_partial(mr_flush *flush, const flush_op *op, bool *out);
/* The value that the entity's row has in the slot's column after this flush. room: for a value that is not in memory.
 */
const mr_value *mr_flush_entity_value(mr_flush *flush, mr_entity *entity, unsigned slot, mr_value *room);
/* Stages the foreign keys of the operation that relationships set. */
mr_status mr_flush_stage_links(mr_flush *flush, flush_op *op);
/* Stages the columns of one of them. */
mr_status mr_flush_stage_sync(mr_flush *flush, flush_op *op, const flush_sync *sync);
/* Sets op->identity from the values of the row. IntegrityError or InvalidRequestError: the key is not allowed. */
mr_status mr_flush_stage_identity(mr_flush *flush, flush_op *op);

#endif

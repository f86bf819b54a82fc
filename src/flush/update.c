/*
 * update.c: updates changed rows: writes only the columns that differ from the committed values.
 *
 * Invariant: a row without a change is not sent, and its version does not rise.
 */
#include "batch.h"
#include "rows.h"
#include "values.h"

bool mr_flush_writes(const flush_op *op) {
    if (op->syncs || mr_mapper_has_hooks(op->entity->mapper, MR_EVENT_BEFORE_UPDATE)) return true;
    for (unsigned c = 0; c < op->cls->ncolumns; c++)
        if (mr_entity_is_dirty(op->entity, op->cls->columns[c].slot)) return true;
    for (unsigned i = 0; i < op->cls->ndeps; i++) {
        const mr_relationship *rel = op->cls->deps[i];
        if (rel->direction == MR_MANY_TO_ONE && !rel->post_update && mr_entity_is_dirty(op->entity, rel->prop->slot))
            return true;
    }
    return false;
}

static bool is_changed(mr_flush *flush, const flush_op *op, unsigned c) {
    unsigned own = c;
    c = mr_flush_source(op->cls, c);
    /* The database itself carries the key to the other tables, if their foreign keys say so. */
    if (own != c && op->cls->columns[own].key && op->cls->parts[op->cls->columns[own].part].key_cascades) return false;
    const flush_column *col = &op->cls->columns[c];
    const mr_value *staged = op->staged ? &op->staged[c] : NULL;
    if (!staged || staged->kind == MR_UNLOADED || staged->kind == STAGED_BY_SERVER)
        return mr_entity_is_dirty(op->entity, col->slot);
    if (staged->tag == STAGED_CASCADED) return false;
    const mr_value *committed = mr_entity_committed(op->entity, col->slot);
    return committed->kind != staged->kind || !mr_value_equal(flush->env, committed, staged);
}

/* Stages the changed columns of a persistent row. *keyed: one of them is in the primary key. */
static mr_status stage_changes(mr_flush *flush, flush_op *op, uint64_t *shape, mr_node **inlined, bool *any,
                               bool *keyed) {
    const flush_class *cls = op->cls;
    *any = *keyed = false;
    for (unsigned c = 0; c < cls->ncolumns; c++) {
        if (!is_changed(flush, op, c)) continue;
        unsigned source = mr_flush_source(cls, c);
        const mr_value *v = mr_flush_slot(op, cls->columns[source].slot);
        bool staged =
            op->staged && op->staged[source].kind != MR_UNLOADED && op->staged[source].kind != STAGED_BY_SERVER;
        if (v->kind == MR_OPAQUE && !staged) {
            inlined[c] = mr_flush_expression(flush, op, c, v);
            if (!inlined[c] || mr_flush_stage_server(flush, op, c) != MR_OK) return MR_FAIL;
        }
        mr_flush_set_bit(shape, c);
        *any = true;
        *keyed = *keyed || cls->columns[c].key;
    }
    return MR_OK;
}

/* Stages the next version, unless the program has set one. */
static mr_status stage_version(mr_flush *flush, flush_op *op, uint64_t *shape) {
    unsigned c = op->cls->version_column;
    if (c == FLUSH_NO_COLUMN || op->cls->mapper->version_by_hand || mr_flush_has_bit(shape, c)) return MR_OK;
    mr_flush_set_bit(shape, c);
    bool done = op->staged && op->staged[c].kind != MR_UNLOADED && op->staged[c].kind != STAGED_BY_SERVER;
    if (done && op->cls->nparts > 1) return MR_OK; /* with another part of the row */
    return mr_flush_stage_version(flush, op, mr_flush_version(op));
}

/* Is anything written to the table of the column? */
static bool is_written(const flush_class *cls, const uint64_t *shape, unsigned c) {
    const flush_part *part = &cls->parts[cls->columns[c].part];
    bool any = cls->nparts == 1;
    for (unsigned i = part->from; i < part->to && !any; i++) any = mr_flush_has_bit(shape, i);
    return any;
}

/* Stages what each change of a row needs: the next version, onupdate defaults, and that computed columns are read
 * again. */
static mr_status stage_onupdate(mr_flush *flush, flush_op *op, uint64_t *shape) {
    const flush_class *cls = op->cls;
    if (stage_version(flush, op, shape) != MR_OK || mr_flush_stage_computed(flush, op) != MR_OK) return MR_FAIL;
    for (unsigned c = 0; c < cls->ncolumns; c++) {
        const mr_default *onupdate = &cls->columns[c].column->onupdate;
        if (onupdate->kind == MR_DEFAULT_NONE || mr_flush_has_bit(shape, c) || !is_written(cls, shape, c)) continue;
        if (mr_flush_stage_default(flush, op, c, onupdate) != MR_OK) return MR_FAIL;
        mr_flush_set_bit(onupdate->kind == MR_DEFAULT_SQL ? shape + mr_flush_words(cls) : shape, c);
    }
    return MR_OK;
}

/* A new object takes the row of a deleted one: stages the columns that the program has set. The other columns keep the
 * row's values: defaults are only for an INSERT. */
static mr_status stage_switched(mr_flush *flush, flush_op *op, uint64_t *shape, mr_node **inlined, bool *any) {
    const flush_class *cls = op->cls;
    for (unsigned c = 0; c < cls->ncolumns; c++) {
        const mr_value *v = mr_flush_value(op, c);
        if (v->kind == STAGED_BY_SERVER) v = mr_flush_slot(op, cls->columns[c].slot); /* staged with another part */
        if (cls->columns[c].key) continue;
        if (cls->columns[c].column->computed) {
            if (mr_flush_stage_server(flush, op, c) != MR_OK) return MR_FAIL;
            continue;
        }
        if (v->kind == MR_UNLOADED && c == cls->discriminator &&
            mr_flush_stage(flush, op, c, v = &cls->mapper->polymorphic_identity) != MR_OK)
            return MR_FAIL;
        if (v->kind == MR_OPAQUE) inlined[c] = mr_flush_expression(flush, op, c, v);
        if (v->kind == MR_OPAQUE && !inlined[c]) return MR_FAIL;
        bool keeps = v->kind == MR_UNLOADED;
        if ((keeps || inlined[c]) && mr_flush_stage_server(flush, op, c) != MR_OK) return MR_FAIL;
        if (keeps) continue;
        mr_flush_set_bit(shape, c);
        *any = true;
    }
    return MR_OK;
}

/* The database has changed the key with its parent's key (ON UPDATE CASCADE): the row is found by the new key. */
static mr_status follow_key(mr_flush *flush, flush_op *op) {
    const flush_class *cls = op->cls;
    bool follows = false;
    for (unsigned i = 0; op->staged && i < cls->mapper->npk; i++)
        follows = follows || op->staged[cls->key[i]].tag == STAGED_CASCADED;
    if (!follows) return MR_OK;
    if (mr_flush_stage_identity(flush, op) != MR_OK) return MR_FAIL;
    op->flags |= OP_KEY_CASCADED | OP_KEY_CHANGED;
    return MR_OK;
}

/* Does the database change the row with its parent's key (ON UPDATE CASCADE)? A rollback must undo that, too. */
static bool is_cascaded(const flush_op *op) {
    for (unsigned c = 0; op->staged && c < op->cls->ncolumns; c++)
        if (op->staged[c].tag == STAGED_CASCADED) return true;
    return false;
}

static bool has_inlined_key(const flush_op *op, mr_node *const *inlined) {
    bool found = false;
    for (unsigned i = 0; i < op->cls->mapper->npk; i++) found = found || inlined[op->cls->key[i]];
    return found;
}

static mr_status row_updated(void *batch, void *row, mr_status step) {
    if (mr_flush_batch_count(batch, row, step) != MR_OK) return MR_FAIL;
    return mr_flush_check_version(((flush_batch *)batch)->flush, row);
}

/* Stages all that the row needs. *any: something is to be written; *keyed: the key is. */
static mr_status stage_row(mr_flush *flush, flush_op *op, uint64_t *shape, mr_node **inlined, bool *any, bool *keyed) {
    bool switched = (op->flags & OP_ROW_SWITCH) != 0;
    if (mr_flush_stage_links(flush, op) != MR_OK || follow_key(flush, op) != MR_OK) return MR_FAIL;
    mr_status status = switched ? stage_switched(flush, op, shape, inlined, any)
                                : stage_changes(flush, op, shape, inlined, any, keyed);
    if (status == MR_OK && *any) status = stage_onupdate(flush, op, shape);
    if (status == MR_OK && (switched || *keyed) && !has_inlined_key(op, inlined))
        status = mr_flush_stage_identity(flush, op);
    return status;
}

/* Sends one part of the row; with the last one the row is written. */
static mr_status send_row(flush_batch *batch, flush_op *op, uint16_t part) {
    mr_flush *flush = batch->flush;
    mr_node **inlined;
    bool any = false, keyed = false, switched = (op->flags & OP_ROW_SWITCH) != 0;
    uint64_t *shape = mr_flush_shape(flush, op->cls, &inlined);
    if (!shape || stage_row(flush, op, shape, inlined, &any, &keyed) != MR_OK) return MR_FAIL;
    bool told = has_inlined_key(op, inlined); /* RETURNING gives the new key */
    if (any && mr_flush_mask(op->cls, part, shape, inlined)) {
        flush_wanted wanted = {.kind = STATEMENT_UPDATE, .shape = shape, .rows = 1, .keep = true, .part = part};
        for (unsigned c = 0; c < op->cls->ncolumns && !wanted.inlined; c++)
            if (inlined[c]) wanted.inlined = inlined;
        if (mr_flush_is_partial(flush, op, &wanted.partial) != MR_OK ||
            mr_flush_batch_set_statement(batch, op->cls, &wanted) != MR_OK || mr_flush_batch_row(batch, op) != MR_OK ||
            (told && mr_flush_batch_send_waiting(batch) != MR_OK) ||
            (told && !batch->missing && mr_flush_stage_identity(flush, op) != MR_OK))
            return MR_FAIL;
    }
    if (keyed) op->flags |= OP_KEY_CHANGED;
    if (part + 1 < op->cls->nparts) return MR_OK;
    op->flags |= OP_WRITTEN;
    if (!any && !switched && !is_cascaded(op)) return mr_flush_mark_written(flush, op);
    return mr_flush_add_result(flush, op);
}

/* Takes the values of a row straight from its object, if its changed columns are just those that the present statement
 * writes. */
static bool take_values(const flush_batch *batch, const flush_op *op, mr_value *values) {
    const flush_class *cls = op->cls;
    const flush_param *params = batch->st->params;
    size_t n = batch->st->compiled->nparams - 1, at = 0;
    for (unsigned c = 0; c < cls->ncolumns; c++) {
        const mr_value *v = mr_flush_slot(op, cls->columns[c].slot);
        bool changed = (v->flags & MR_VALUE_DIRTY) != 0;
        if (changed != (at < n && params[at].index == c)) return false;
        if (!changed) continue;
        if (cls->columns[c].key || v->kind == MR_UNLOADED || v->kind >= MR_OPAQUE) return false;
        values[at++] = *v;
    }
    values[n] = mr_flush_plain_key(batch->st, op);
    return at > 0;
}

/* Sends rows from the first on, as long as each has the same changed columns and nothing else to do. *sent: how many.
 */
static mr_status send_run(flush_batch *batch, flush_op *const *ops, size_t n, size_t *sent) {
    mr_flush *flush = batch->flush;
    mr_value *values;
    mr_status status = mr_flush_batch_goes_on(batch, ops[0]->cls, STATEMENT_UPDATE, &values);
    if (status != MR_OK || ops[0]->cls->onupdates || ops[0]->cls->nparts > 1)
        return status == MR_FAIL ? MR_FAIL : MR_OK;
    for (size_t i = 0; i < n && ops[i]->cls == batch->cls && !(ops[i]->flags & OP_ROW_SWITCH); i++) {
        flush_op *op = ops[i];
        mr_flush_prefetch(ops, i, n);
        bool linked = op->syncs || op->cls->ndeps > 0;
        if (linked && mr_flush_stage_links(flush, op) != MR_OK) return MR_FAIL;
        if (op->staged || !take_values(batch, op, values)) return MR_OK;
        batch->expected++;
        flush->sent = true;
        if (mr_batch_row(&batch->rows, values, op) != MR_OK) return MR_FAIL;
        op->flags |= OP_WRITTEN;
        if (mr_flush_add_result(flush, op) != MR_OK) return MR_FAIL;
        *sent = i + 1;
    }
    return MR_OK;
}

/* Updates one part of each row that has it. */
static mr_status update_part(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n, uint16_t part) {
    flush_batch batch = {0};
    mr_status status = MR_OK;
    for (size_t i = 0; i < n && status == MR_OK; i++) {
        size_t sent = 0;
        if (batch.flush && part == 0) status = send_run(&batch, ops + i, n - i, &sent);
        i += sent;
        if (status != MR_OK || i == n) break;
        if (part >= ops[i]->cls->nparts) continue;
        bool idle = !(ops[i]->flags & OP_ROW_SWITCH) && !mr_flush_writes(ops[i]);
        if (idle && part == 0) status = mr_flush_mark_written(flush, ops[i]);
        if (idle) continue;
        if (!batch.flush) status = mr_flush_batch_begin(&batch, flush, group, row_updated);
        if (status == MR_OK) status = send_row(&batch, ops[i], part);
    }
    return batch.flush ? mr_flush_batch_end(&batch, status) : status;
}

mr_status mr_flush_update_rows(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n) {
    mr_status status = MR_OK;
    for (uint16_t part = 0, parts = mr_flush_most_parts(ops, n); part < parts && status == MR_OK; part++)
        status = update_part(flush, group, ops, n, part);
    return status;
}

/*
 * insert.c: inserts new rows: chooses their columns, and reads their generated keys.
 *
 * A column without a value is written as NULL, unless its default or the database makes the value. Invariant: staging a
 * row twice gives the same row; a default is called only once.
 */
#include "batch.h"
#include "rows.h"
#include "values.h"

#include <string.h>

enum { MAX_PARAMS = 1000 };

/* ---------------------------------------------------------------- columns */

mr_node *mr_flush_expression(mr_flush *flush, const flush_op *op, unsigned c, const mr_value *value) {
    mr_node *node = flush->ctx.expression ? flush->ctx.expression(flush->ctx.ud, value) : NULL;
    if (!node)
        mr_fail(flush->env, MR_ERR_ARGUMENT, "%s: the value is neither of the column's type nor an SQL expression",
                op->cls->columns[c].what);
    return node;
}

/* Without a value, the row would be one of another class. */
static mr_status check_identity(const mr_mapper *mapper, const mr_column *column) {
    const mr_property *tells = mapper->discriminator;
    if (!tells || tells->kind != MR_PROPERTY_COLUMN || tells->column != column || !mr_mapper_lacks_identity(mapper))
        return MR_OK;
    return mr_fail(mapper->env, MR_ERR_INVALID_REQUEST,
                   "a new %s: the class has no polymorphic_identity, so its row would be found as another's: make an "
                   "object of a subclass, or give the class __mapper_args = { polymorphic_identity = ... }",
                   mapper->name);
}

static mr_status stage_missing(mr_flush *flush, flush_op *op, unsigned c, uint64_t *shape) {
    const flush_class *cls = op->cls;
    const mr_column *column = cls->columns[c].column;
    if (check_identity(cls->mapper, column) != MR_OK) return MR_FAIL;
    if (column->deflt.kind == MR_DEFAULT_SQL) {
        mr_flush_set_bit(shape + mr_flush_words(cls), c);
        return mr_flush_stage_server(flush, op, c);
    }
    if (c == cls->discriminator || column->deflt.kind != MR_DEFAULT_NONE) {
        mr_flush_set_bit(shape, c);
        if (c == cls->discriminator) return mr_flush_stage(flush, op, c, &cls->mapper->polymorphic_identity);
        return mr_flush_stage_default(flush, op, c, &column->deflt);
    }
    if (mr_column_has_server_default(column)) return mr_flush_stage_server(flush, op, c);
    if (!cls->columns[c].key) {
        mr_flush_set_bit(shape, c);
        return MR_OK;
    }
    if (column == cls->parts[0].table->autoincrement) return MR_OK;
    return mr_fail(flush->env, MR_ERR_INVALID_REQUEST,
                   "%s: the primary key of a new %s has no value: set it, or give the column a default",
                   cls->columns[c].what, cls->mapper->name);
}

/* Stages the column. If it is written, sets its bit in the shape (2 * words). inlined[c]: the expression of an opaque
 * value. */
static mr_status stage_column(mr_flush *flush, flush_op *op, unsigned c, uint64_t *shape, mr_node **inlined) {
    if (mr_flush_source(op->cls, c) != c) {
        /* What the database has made for the other table is not known here. */
        bool made = mr_flush_value(op, c)->kind == STAGED_BY_SERVER;
        if (!made) mr_flush_set_bit(shape, c);
        return made ? mr_flush_stage_server(flush, op, c) : MR_OK;
    }
    if (op->cls->computes && op->cls->columns[c].column->computed) return mr_flush_stage_server(flush, op, c);
    uint8_t staged = op->staged ? op->staged[c].kind : MR_UNLOADED;
    if (staged == MR_UNLOADED && c == op->cls->version_column && !op->cls->mapper->version_by_hand) {
        static const mr_value none;
        if (mr_flush_stage_version(flush, op, &none) != MR_OK) return MR_FAIL;
        staged = op->staged[c].kind;
    }
    if (staged == MR_UNLOADED || staged == STAGED_BY_SERVER) {
        const mr_value *v = mr_flush_slot(op, op->cls->columns[c].slot);
        if (v->kind == MR_UNLOADED || v->kind == MR_NULL) return stage_missing(flush, op, c, shape);
        if (v->kind == MR_OPAQUE) {
            inlined[c] = mr_flush_expression(flush, op, c, v);
            if (!inlined[c] || mr_flush_stage_server(flush, op, c) != MR_OK) return MR_FAIL;
        }
    }
    mr_flush_set_bit(shape, c);
    return MR_OK;
}

uint64_t *mr_flush_shape(mr_flush *flush, const flush_class *cls, mr_node ***inlined) {
    size_t words = 2 * mr_flush_words(cls);
    size_t all = words + cls->ncolumns * sizeof(mr_node *) / sizeof(uint64_t) + 1;
    if (mr_vec_reserve(&flush->shape, all) != MR_OK) return NULL;
    memset(flush->shape.data, 0, all * sizeof(uint64_t));
    uint64_t *shape = flush->shape.data;
    *inlined = (mr_node **)(void *)(shape + words);
    return shape;
}

/* *wanted: the statement that the row needs in its part. Its shape is in scratch memory. */
static mr_status stage_row(mr_flush *flush, flush_op *op, flush_wanted *wanted) {
    mr_node **inlined;
    uint64_t *shape = mr_flush_shape(flush, op->cls, &inlined);
    if (!shape || mr_flush_stage_links(flush, op) != MR_OK) return MR_FAIL;
    wanted->kind = STATEMENT_INSERT;
    wanted->shape = shape;
    wanted->inlined = NULL;
    wanted->rows = 1;
    wanted->keep = true;
    for (unsigned c = 0; c < op->cls->ncolumns; c++)
        if (stage_column(flush, op, c, shape, inlined) != MR_OK) return MR_FAIL;
    mr_flush_mask(op->cls, wanted->part, shape, inlined);
    for (unsigned c = 0; c < op->cls->ncolumns && !wanted->inlined; c++)
        if (inlined[c]) wanted->inlined = inlined;
    return MR_OK;
}

/* ---------------------------------------------------------------- keys */

/* Takes the value of a key column that the database has made. */
static mr_status take_key(mr_flush *flush, flush_op *op, unsigned c, const mr_value *value) {
    const flush_class *cls = op->cls;
    if (cls->mapper->int_key && value->kind == MR_INT) {
        op->identity = mr_int_value(value->u.i);
        op->flags |= OP_GENERATED;
        return MR_OK;
    }
    if (value->kind == MR_NULL)
        return mr_fail(flush->env, MR_ERR_INVALID_REQUEST, "%s: the database made no primary key for a new %s: set it",
                       cls->columns[c].what, cls->mapper->name);
    return mr_flush_stage(flush, op, c, value);
}

static mr_status take_value(mr_flush *flush, flush_op *op, unsigned c, const mr_value *value) {
    return op->cls->columns[c].key ? take_key(flush, op, c, value) : mr_flush_stage(flush, op, c, value);
}

/* RETURNING has no row for this operation: the database has skipped the INSERT, or a trigger has hidden the row. */
static mr_status nothing_returned(flush_batch *batch, flush_op *const *ops, size_t row, size_t n) {
    const flush_statement *st = batch->st;
    int64_t inserted = mr_cursor_rowcount(batch->cursor);
    if (inserted >= (int64_t)n)
        return mr_fail(batch->flush->env, MR_ERR_DATABASE, "INSERT into '%s' returned %zu row(s) for %zu",
                       batch->st->table->name, row, n);
    if (mr_mapper_confirms_inserts(batch->cls->mapper)) return mr_flush_skipped(batch, ops, n, inserted);
    for (unsigned i = 0; i < st->nreturning; i++) {
        if (batch->cls->columns[st->returning[i]].key) return mr_flush_skipped(batch, ops, n, inserted);
        if (mr_flush_stage_server(batch->flush, ops[row], st->returning[i]) != MR_OK) return MR_FAIL;
    }
    return MR_DONE;
}

/* Takes the rows of RETURNING. step: the result of stepping to the first one. */
static mr_status take_returned(flush_batch *batch, flush_op *const *ops, size_t n, mr_status step) {
    const flush_statement *st = batch->st;
    mr_status status = step;
    for (size_t row = 0; row < n; row++) {
        mr_value *values = mr_flush_keys(batch->flush, st->nreturning);
        if (!values || (row > 0 && (status = mr_cursor_step(batch->cursor)) == MR_FAIL)) return MR_FAIL;
        if (status != MR_ROW) return nothing_returned(batch, ops, row, n);
        if (mr_cursor_fetch(batch->cursor, NULL, values) != MR_OK) return MR_FAIL;
        for (unsigned i = 0; i < st->nreturning; i++)
            if (take_value(batch->flush, ops[row], st->returning[i], &values[i]) != MR_OK) return MR_FAIL;
    }
    return mr_cursor_step(batch->cursor);
}

/* Is the other object's row gone? The database has accepted the new row, so an expired object of the same key has none.
 */
static bool is_gone(mr_entity *other) {
    mr_entity_touch(other);
    return mr_entity_slot(other, other->mapper->pk_slots[0])->kind == MR_UNLOADED &&
           !(other->flags & (MR_ENTITY_MODIFIED | MR_ENTITY_TO_DELETE));
}

/* Refuses a key, set by the program, that another object of the session has. */
static mr_status check_conflict(mr_flush *flush, const flush_op *op) {
    if (op->flags & OP_GENERATED) return MR_OK;
    mr_entity *other = mr_idmap_get(flush->ctx.owner->idmap, op->cls->mapper->root, &op->identity);
    if (!other || other == op->entity || other->state != MR_PERSISTENT || is_gone(other)) return MR_OK;
    const flush_op *its = mr_flush_op_of(flush, other);
    if (its && (its->kind == OP_DELETE || (its->flags & OP_KEY_CHANGED))) return MR_OK;
    mr_strbuf who;
    mr_strbuf_init(&who, flush->env);
    mr_entity_describe(other, &who);
    const char *text = mr_strbuf_str(&who);
    if (text)
        mr_fail(flush->env, MR_ERR_INVALID_REQUEST,
                "New instance <%s> with identity key %s conflicts with persistent instance <%s>: change that "
                "one, or expunge it",
                op->cls->mapper->name, text, text);
    mr_strbuf_done(&who);
    return MR_FAIL;
}

static mr_status finish_row(mr_flush *flush, flush_op *op) {
    op->flags |= OP_WRITTEN;
    if (mr_flush_check_version(flush, op) != MR_OK) return MR_FAIL;
    if (mr_flush_stage_identity(flush, op) != MR_OK || check_conflict(flush, op) != MR_OK) return MR_FAIL;
    return mr_flush_add_result(flush, op);
}

/* ---------------------------------------------------------------- sending */

/* Fails if not all rows were inserted: then the last rowid would belong to another row. */
static mr_status check_inserted(flush_batch *batch, flush_op *const *ops, size_t n) {
    int64_t inserted = mr_cursor_rowcount(batch->cursor);
    if (mr_flush_batch_ask_facts(batch) != MR_OK || mr_flush_check_key_is_made(batch) != MR_OK) return MR_FAIL;
    bool needed = batch->st->rowid || mr_mapper_confirms_inserts(batch->cls->mapper);
    if (needed && inserted != (int64_t)n) return mr_flush_skipped(batch, ops, n, inserted);
    return mr_flush_note_replacing(batch->flush, batch->st->table, &batch->facts);
}

/* flush_batch.ran: the rows of one INSERT were sent: takes their keys. */
static mr_status take_keys(void *ud, void *row, mr_status step) {
    flush_batch *batch = ud;
    mr_flush *flush = batch->flush;
    flush_op *const *ops = row;
    size_t n = batch->st->rows;
    if (batch->st->nreturning && take_returned(batch, ops, n, step) == MR_FAIL) return MR_FAIL;
    if (check_inserted(batch, ops, n) != MR_OK) return MR_FAIL;
    if (batch->st->rowid) {
        mr_value id = mr_int_value(mr_cursor_last_insert_id(batch->cursor));
        if (take_key(flush, ops[0], ops[0]->cls->key[0], &id) != MR_OK) return MR_FAIL;
    }
    for (size_t i = 0; batch->st->part == 0 && i < n; i++)
        if (finish_row(flush, ops[i]) != MR_OK) return MR_FAIL;
    return MR_OK;
}

/* Listeners of executions may change the entities: remembers the values that are sent. */
static mr_status remember_rows(const flush_batch *batch, flush_op *const *ops) {
    for (size_t i = 0; batch->rows.waits && i < batch->st->rows; i++)
        if (mr_flush_mark_written(batch->flush, ops[i]) != MR_OK) return MR_FAIL;
    return MR_OK;
}

static size_t count_bits(const uint64_t *words, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        for (uint64_t w = words[i]; w; w &= w - 1) count++;
    return count;
}

/* Counts the rows, from the first one on, that have the same shape and go into one statement. *wanted: of the first. */
static mr_status take_rows(mr_flush *flush, flush_op *const *ops, size_t n, flush_wanted *wanted, uint64_t *first) {
    const flush_class *cls = ops[0]->cls;
    size_t words = mr_flush_words(cls), written = count_bits(wanted->shape, words), limit = 1;
    if (written > 0 && written < MAX_PARAMS && !wanted->inlined) limit = MAX_PARAMS / written;
    if (limit > n) limit = n;
    size_t rows = 1;
    memcpy(first, wanted->shape, 2 * words * sizeof *first);
    for (; rows < limit && ops[rows]->cls == cls; rows++) {
        if (stage_row(flush, ops[rows], wanted) != MR_OK) return MR_FAIL;
        if (wanted->inlined || memcmp(first, wanted->shape, 2 * words * sizeof *first) != 0) break;
    }
    if (rows > 1 || limit > 1) {
        wanted->shape = first;
        wanted->inlined = NULL;
    }
    wanted->rows = (uint32_t)rows;
    wanted->keep = rows == 1 || (written > 0 && rows == MAX_PARAMS / written);
    return MR_OK;
}

/* Takes the values of a row straight from its object, if that gives the same as staging it: if the present statement
 * writes just these columns, and no default or version is to be made. */
static bool take_values(const flush_batch *batch, const flush_op *op, mr_value *values) {
    const flush_class *cls = op->cls;
    const flush_param *params = batch->st->params;
    size_t n = batch->st->compiled->nparams, at = 0;
    const mr_value *staging = op->staged;
    bool versioned = cls->version_column != FLUSH_NO_COLUMN && !cls->mapper->version_by_hand;
    if (versioned && (!staging || staging[cls->version_column].kind == MR_UNLOADED)) return false;
    for (unsigned c = 0; c < cls->ncolumns; c++) {
        const flush_column *col = &cls->columns[c];
        bool staged = staging && staging[c].kind != MR_UNLOADED;
        const mr_value *v = staged ? &staging[c] : mr_flush_slot(op, col->slot);
        bool absent = !staged && (v->kind == MR_UNLOADED || v->kind == MR_NULL);
        bool wanted = at < n && params[at].index == c;
        if (v->kind >= MR_OPAQUE || (absent && col->absent == ABSENT_STAGED)) return false;
        if (wanted == (absent && col->absent == ABSENT_NUMBERED)) return false;
        if (wanted) values[at++] = absent ? mr_null_value() : *v;
    }
    return at == n;
}

/* Sends rows from the first on, as long as each fits the present statement as it is. The rows of a run need no more
 * than their values. *sent: how many. */
static mr_status send_run(flush_batch *batch, flush_op *const *ops, size_t n, size_t *sent) {
    mr_flush *flush = batch->flush;
    mr_value *values;
    if (batch->cls && batch->cls->nparts > 1) return MR_OK;
    mr_status status = mr_flush_batch_goes_on(batch, ops[0]->cls, STATEMENT_INSERT, &values);
    if (status != MR_OK) return status == MR_DONE ? MR_OK : MR_FAIL;
    for (size_t i = 0; i < n && ops[i]->cls == batch->cls; i++) {
        flush_op *op = ops[i];
        mr_flush_prefetch(ops, i, n);
        bool linked = op->syncs || op->cls->ndeps > 0;
        if (linked && mr_flush_stage_links(flush, op) != MR_OK) return MR_FAIL;
        if (!take_values(batch, op, values)) return MR_OK;
        flush->sent = true;
        if (mr_batch_row(&batch->rows, values, (void *)(uintptr_t)(ops + i)) != MR_OK) return MR_FAIL;
        *sent = i + 1;
    }
    return MR_OK;
}

/* Inserts one part of each row. */
static mr_status insert_part(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n, uint16_t part) {
    flush_batch batch;
    if (mr_flush_batch_begin(&batch, flush, group, take_keys) != MR_OK) return MR_FAIL;
    batch.objects = ops;
    batch.nobjects = n;
    bool many = mr_engine_dialect(mr_conn_engine(group->conn))->multi_row_insert;
    uint64_t *first = NULL;
    mr_status status = MR_OK;
    for (size_t i = 0; i < n && status == MR_OK;) {
        flush_wanted wanted = {.rows = 1, .part = part};
        size_t sent = 0;
        if (!many) status = send_run(&batch, ops + i, n - i, &sent);
        i += sent;
        if (status != MR_OK || i == n) break;
        /* Staging may call the default's function, which may read the table. */
        if (batch.cursor) status = mr_batch_settle(&batch.rows);
        if (status == MR_OK) status = stage_row(flush, ops[i], &wanted);
        if (status == MR_OK && many) {
            uint64_t *room = mr_realloc(flush->env, first, 2 * mr_flush_words(ops[i]->cls) * sizeof *first);
            if (room) first = room;
            status = room ? take_rows(flush, ops + i, n - i, &wanted, first) : MR_FAIL;
        }
        if (status == MR_OK) status = mr_flush_batch_set_statement(&batch, ops[i]->cls, &wanted);
        if (status == MR_OK) status = mr_flush_check_key_is_made(&batch);
        if (status == MR_OK) status = remember_rows(&batch, ops + i);
        if (status == MR_OK) status = mr_flush_batch_send(&batch, ops + i, (void *)(uintptr_t)(ops + i));
        i += wanted.rows;
    }
    mr_free(flush->env, first);
    return mr_flush_batch_end(&batch, status);
}

/* Appends the operations whose class has more parts than the number, one class after another. */
static mr_status with_part(const mr_flush *flush, flush_op *const *ops, size_t n, uint16_t part, mr_vec *out) {
    out->len = 0;
    for (size_t k = 0; k < flush->classes.len; k++) {
        const flush_class *cls = mr_vec_ptr(&flush->classes, k);
        for (size_t i = 0; cls->nparts > part && cls->mapper->root == ops[0]->cls->mapper->root && i < n; i++)
            if (ops[i]->cls == cls && mr_flush_push(out, ops[i]) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_flush_insert_rows(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n) {
    mr_status status = insert_part(flush, group, ops, n, 0);
    if (status != MR_OK || mr_flush_most_parts(ops, n) == 1) return status;
    mr_vec rest;
    mr_vec_init(&rest, flush->env, sizeof(flush_op *));
    for (uint16_t part = 1; status == MR_OK; part++) {
        status = with_part(flush, ops, n, part, &rest);
        if (rest.len == 0) break;
        if (status == MR_OK) status = insert_part(flush, group, rest.data, rest.len, part);
    }
    mr_vec_done(&rest);
    return status;
}

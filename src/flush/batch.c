/*
 * batch.c: sends rows of the same shape through one cursor, and counts the rows that they match.
 *
 * Invariant: cursor and statement belong together; both are given back when the batch ends, also after a failure.
 */
#include "batch.h"

#include <string.h>

#include "rows.h"
#include "values.h"

mr_status mr_flush_batch_begin(flush_batch *batch, mr_flush *flush, flush_group *group,
                               mr_status (*ran)(void *batch, void *row, mr_status step)) {
    *batch = (flush_batch){.flush = flush, .group = group, .ran = ran};
    return mr_flush_connect(flush, group);
}

/* Appends the name of the first row that was not matched, and likely reasons. Nothing, if it is not known which row. */
static void put_missing(flush_batch *batch, bool deletes, mr_strbuf *out) {
    const flush_op *op = batch->missing;
    if (!op) return;
    mr_entity_describe(op->entity, out);
    if (mr_flush_batch_ask_facts(batch) != MR_OK)
        mr_env_clear_error(batch->flush->env); /* the kind is not known: treat it as a table */
    if (batch->facts.is_view)
        mr_strbuf_printf(
            out,
            ": what the triggers of a view do is not counted: give its class __mapper_args = { confirm_%s_rows = "
            "false }",
            deletes ? "deleted" : "inserted");
    else
        mr_strbuf_puts(
            out, " was changed or deleted meanwhile, or a trigger or constraint has skipped it: roll back and load it "
                 "again");
}

static mr_status check_matched(flush_batch *batch) {
    const flush_statement *st = batch->st;
    if (!st || st->kind == STATEMENT_INSERT || batch->matched == (int64_t)batch->expected) return MR_OK;
    bool deletes = st->kind == STATEMENT_DELETE;
    if (deletes && !mr_mapper_confirms_deletes(batch->cls->mapper)) return MR_OK;
    if (batch->facts.is_view && !mr_mapper_confirms_inserts(batch->cls->mapper)) return MR_OK;
    mr_strbuf missing;
    mr_strbuf_init(&missing, batch->flush->env);
    put_missing(batch, deletes, &missing);
    const char *text = mr_strbuf_str(&missing);
    if (text)
        mr_fail(batch->flush->env, MR_ERR_STALE_DATA,
                "%s statement on table '%s' expected to %s %zu row(s); %lld were matched. %s",
                deletes ? "DELETE" : "UPDATE", st->table->name, deletes ? "delete" : "update", batch->expected,
                (long long)batch->matched, text);
    mr_strbuf_done(&missing);
    return MR_FAIL;
}

/* Is the error that NULL was written to the column? The database names it apart, or as the last word of its message. */
static bool is_about_column(const mr_error *error, const mr_column *column) {
    if (error->facts)
        return !column->nullable && error->facts->column && strcmp(error->facts->column, column->name) == 0;
    size_t len = strlen(error->orig), n = strlen(column->name);
    return !column->nullable && len > n && error->orig[len - n - 1] == '.' &&
           strcmp(error->orig + len - n, column->name) == 0;
}

/* The relationship whose collection the object has left, so that the key that the error is about was cleared. NULL:
 * none. *key: the column. */
static const mr_relationship *left_collection(const mr_error *error, const flush_op *op, const mr_column **key) {
    for (const flush_sync *sync = op->syncs; sync; sync = sync->next) {
        if (sync->source || sync->rel->direction != MR_ONE_TO_MANY) continue;
        for (unsigned i = 0; i < sync->rel->npairs; i++)
            if (is_about_column(error, *key = sync->rel->pairs[i].remote)) return sync->rel;
    }
    const mr_mapper *mapper = op->entity->mapper;
    for (size_t k = 0; k < mapper->props.len; k++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, k);
        const mr_relationship *rel = prop->kind == MR_PROPERTY_RELATIONSHIP ? prop->relationship : NULL;
        if (!rel || rel->direction != MR_MANY_TO_ONE || !rel->reverse) continue;
        if (!mr_entity_is_dirty(op->entity, prop->slot)) continue;
        for (unsigned i = 0; i < rel->npairs; i++)
            if (is_about_column(error, *key = rel->pairs[i].local)) return rel->reverse;
    }
    return NULL;
}

/* Where the error is about a key that was cleared because the object has lost its parent: says so. */
static void note_cleared_key(const mr_error *error, const flush_op *op, mr_strbuf *note) {
    const mr_column *key;
    const mr_relationship *rel =
        error->kind == MR_ERR_INTEGRITY && error->orig ? left_collection(error, op, &key) : NULL;
    if (rel)
        mr_strbuf_printf(note,
                         " (%s is cleared because the object was taken out of %s.%s, or that %s was deleted: "
                         "cascade = \"all, delete-orphan\" there deletes it, too; or delete the object first)",
                         key->name, rel->parent->name, rel->prop->name, rel->parent->name);
}

/* Says which of the new objects of its class *op is. A statement with several rows does not tell. */
static void note_number(const flush_batch *batch, flush_op *const *op, mr_strbuf *note) {
    size_t at = 0, n = 0;
    for (size_t i = 0; i < batch->nobjects; i++) {
        if (batch->objects[i]->cls != batch->cls) continue;
        n++;
        if (batch->objects + i <= op) at = n;
    }
    if (n > 1 && batch->st->rows <= 1)
        mr_strbuf_printf(note, "(number %zu of %zu new %s)", at, n, batch->cls->mapper->name);
}

/* Adds to the recorded error of the database which object its row belongs to. */
static void note_object(const flush_batch *batch) {
    mr_env *env = batch->flush->env;
    const void *row = batch->rows.current;
    if (!row || !batch->st || !mr_env_error(env)->orig) return;
    mr_strbuf note;
    mr_strbuf_init(&note, env);
    if (batch->st->kind == STATEMENT_INSERT) {
        note_number(batch, row, &note);
    } else {
        const flush_op *op = row;
        mr_strbuf_puts(&note, "(of <");
        mr_entity_describe(op->entity, &note);
        mr_strbuf_puts(&note, ">)");
        if (batch->st->kind == STATEMENT_UPDATE) note_cleared_key(mr_env_error(env), op, &note);
    }
    const char *text = note.len ? mr_strbuf_str(&note) : NULL;
    if (text) mr_error_add_note(env, text);
    mr_strbuf_done(&note);
}

mr_status mr_flush_batch_end(flush_batch *batch, mr_status status) {
    if (batch->cursor) status = mr_batch_end(&batch->rows, status);
    if (batch->cursor && status == MR_FAIL) note_object(batch);
    if (status == MR_OK) status = check_matched(batch);
    mr_cursor_close(batch->cursor);
    mr_flush_statement_done(batch->cls, batch->st);
    batch->cursor = NULL;
    batch->st = NULL;
    batch->expected = 0;
    batch->matched = 0;
    batch->missing = NULL;
    return status;
}

mr_status mr_flush_batch_set_statement(flush_batch *batch, flush_class *cls, flush_wanted *wanted) {
    wanted->dialect = mr_engine_dialect(mr_conn_engine(batch->group->conn));
    if (batch->st && batch->cls == cls && mr_flush_statement_fits(cls, batch->st, wanted)) return MR_OK;
    if (batch->st && batch->cls != cls && mr_flush_statement_serves(batch->cls, batch->st, cls, wanted)) return MR_OK;
    if (mr_flush_batch_end(batch, MR_OK) != MR_OK) return MR_FAIL;
    batch->cls = cls;
    if (mr_flush_statement(cls, wanted, &batch->st) != MR_OK) return MR_FAIL;
    if (mr_conn_prepare(batch->group->conn, batch->st->compiled, &batch->cursor) != MR_OK) return MR_FAIL;
    mr_batch_begin(&batch->rows, batch->cursor, batch->ran, batch);
    batch->flush->hooked =
        batch->flush->hooked || batch->rows.waits; /* listeners of executions may change objects, too */
    batch->facts = (mr_table_facts){.numbers = true};
    batch->facts_schema = UINT64_MAX; /* not asked yet */
    if (batch->st->kind == STATEMENT_DELETE) return MR_OK;
    if (mr_flush_batch_ask_facts(batch) != MR_OK) return MR_FAIL;
    bool plain = batch->st->kind == STATEMENT_INSERT && batch->st->rows == 1 && batch->st->nreturning == 0;
    if (plain && batch->facts.in_order) mr_batch_together(&batch->rows, batch->st->rowid, true);
    return MR_OK;
}

mr_status mr_flush_batch_ask_facts(flush_batch *batch) {
    mr_conn *conn = batch->group->conn;
    uint64_t schema = mr_conn_schema_seen(conn);
    if (schema == batch->facts_schema) return MR_OK;
    batch->facts_schema = schema;
    mr_status status = mr_conn_table_facts(conn, batch->st->table, batch->st->numbered, &batch->facts);
    if (status != MR_OK || !batch->facts.in_order) batch->rows.together.may = false;
    return status;
}

mr_status mr_flush_batch_goes_on(const flush_batch *batch, const flush_class *cls, flush_statement_kind kind,
                                 mr_value **values) {
    const flush_statement *st = batch->st;
    if (!mr_flush_statement_is_plain(st) || st->kind != kind || batch->cls != cls || batch->rows.waits) return MR_DONE;
    *values = mr_flush_values(batch->flush, st->compiled->nparams + 1);
    return *values ? MR_OK : MR_FAIL;
}

mr_status mr_flush_batch_send(flush_batch *batch, flush_op *const *ops, void *row) {
    mr_value *values = mr_flush_values(batch->flush, batch->st->compiled->nparams + batch->cls->mapper->npk);
    if (!values) return MR_FAIL;
    mr_flush_fill(batch->st, ops, values);
    batch->flush->sent = true;
    return mr_batch_row(&batch->rows, values, row);
}

/* Takes the values of RETURNING, which the database has made. */
static mr_status take_returned(flush_batch *batch, flush_op *op) {
    const flush_statement *st = batch->st;
    mr_value *values = mr_flush_keys(batch->flush, st->nreturning);
    if (!values || mr_cursor_fetch(batch->cursor, NULL, values) != MR_OK) return MR_FAIL;
    for (unsigned i = 0; i < st->nreturning; i++)
        if (mr_flush_stage(batch->flush, op, st->returning[i], &values[i]) != MR_OK) return MR_FAIL;
    return MR_OK;
}

mr_status mr_flush_batch_row(flush_batch *batch, flush_op *op) {
    batch->expected++;
    return mr_flush_batch_send(batch, &op, op);
}

mr_status mr_flush_batch_count(void *ud, void *row, mr_status step) {
    flush_batch *batch = ud;
    for (; step == MR_ROW; step = mr_cursor_step(batch->cursor))
        if (take_returned(batch, row) != MR_OK) return MR_FAIL;
    if (step == MR_FAIL) return MR_FAIL;
    int64_t n = mr_cursor_rowcount(batch->cursor);
    batch->matched += n;
    if (n != 1 && !batch->missing) batch->missing = row;
    if (batch->st->kind == STATEMENT_DELETE) return MR_OK;
    if (mr_flush_batch_ask_facts(batch) != MR_OK) return MR_FAIL;
    return mr_flush_note_replacing(batch->flush, batch->st->table, &batch->facts);
}

mr_status mr_flush_batch_send_waiting(flush_batch *batch) { return mr_batch_end(&batch->rows, MR_OK); }

uint16_t mr_flush_most_parts(flush_op *const *ops, size_t n) {
    uint16_t most = 1;
    const flush_class *cls = NULL;
    for (size_t i = 0; i < n; i++) {
        if (ops[i]->cls == cls) continue;
        cls = ops[i]->cls;
        if (cls->nparts > most) most = cls->nparts;
    }
    return most;
}

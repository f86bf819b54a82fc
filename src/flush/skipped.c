/*
 * skipped.c: errors for new objects for which the database has made no row, or no key.
 *
 * Invariant: a message names the object as the program knows it, the likely cause, and the cure.
 */
#include "batch.h"
#include "values.h"

/* Appends "User(id=1, name='x')": the values that were to be written, as far as they are known. */
static void put_object(const flush_op *op, mr_strbuf *out) {
    const char *before = "(";
    mr_strbuf_puts(out, op->cls->mapper->name);
    for (unsigned c = 0; c < op->cls->ncolumns; c++) {
        const flush_column *col = &op->cls->columns[c];
        const mr_value *value = mr_flush_value(op, c);
        if (value->kind == MR_UNLOADED || value->kind == MR_OPAQUE || value->kind == STAGED_BY_SERVER) continue;
        const mr_property *prop = mr_mapper_property_of_column(op->cls->mapper, col->column);
        mr_strbuf_printf(out, "%s%s=", before, prop ? prop->name : col->column->name);
        mr_show_value(out, value);
        before = ", ";
    }
    mr_strbuf_puts(out, *before == '(' ? "()" : ")");
}

static const char *cause_of(const flush_batch *batch) {
    if (!mr_mapper_confirms_inserts(batch->cls->mapper)) return "its key was to be that of its row: set the key";
    if (batch->facts.is_view)
        return "what its triggers do is not counted, as it is a view: give the object its key, and its class "
               "__mapper_args = { confirm_inserted_rows = false }";
    if (batch->st->numbered)
        return "a constraint with ON CONFLICT IGNORE or a trigger with RAISE(IGNORE) has skipped it, as where there is "
               "a "
               "row like it already: look for that row first, or, where it may be missing, insert it as a statement: "
               "session:execute(mr.insert(Class), values)";
    return "a constraint with ON CONFLICT IGNORE or a trigger with RAISE(IGNORE) has skipped it, as where there is a "
           "row "
           "like it already: look for that row first, or, where it may be missing, give the class __mapper_args = { "
           "confirm_inserted_rows = false }";
}

mr_status mr_flush_skipped(const flush_batch *batch, flush_op *const *ops, size_t n, int64_t inserted) {
    mr_strbuf who;
    mr_strbuf_init(&who, batch->flush->env);
    if (n == 1) put_object(ops[0], &who);
    else mr_strbuf_printf(&who, "one of %zu new %s", n, batch->cls->mapper->name);
    const char *text = mr_strbuf_str(&who);
    if (text)
        mr_fail(batch->flush->env, MR_ERR_STALE_DATA,
                "INSERT statement on table '%s' expected to insert %zu row(s); %lld were inserted. %s is not there: %s",
                batch->st->table->name, n, (long long)inserted, text, cause_of(batch));
    mr_strbuf_done(&who);
    return MR_FAIL;
}

mr_status mr_flush_check_key_is_made(const flush_batch *batch) {
    const flush_statement *st = batch->st;
    const mr_mapper *mapper = batch->cls->mapper;
    if (!st->numbered || batch->facts.numbers) return MR_OK;
    const char *why = batch->facts.is_view
                          ? "is a view"
                          : "does not number it (only a sole key that is declared INTEGER PRIMARY KEY numbers itself)";
    unsigned c = batch->cls->key[0];
    for (unsigned i = 0; i < mapper->npk; i++)
        if (batch->cls->columns[batch->cls->key[i]].column == st->table->autoincrement) c = batch->cls->key[i];
    return mr_fail(
        batch->flush->env, MR_ERR_INVALID_REQUEST,
        "%s: the database makes no key for a new %s: table '%s' %s: set the key, or give the column a default",
        batch->cls->columns[c].what, mapper->name, st->table->name, why);
}

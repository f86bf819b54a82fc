/*
 * replay_row.c: the statement that changes one row back, or once more.
 *
 * Invariant: the statement finds the row only if all that is stored of it is as the change says. It names each value as
 * a parameter: rows of one table that were changed in the same columns have one statement.
 */
#include "replay_row.h"

#include <string.h>

static void put_name(mr_strbuf *sql, const char *name) {
    mr_strbuf_putc(sql, '"');
    for (; *name; name++) {
        if (*name == '"') mr_strbuf_putc(sql, '"');
        mr_strbuf_putc(sql, *name);
    }
    mr_strbuf_putc(sql, '"');
}

static void put_table(mr_strbuf *sql, const mr_changed_table *t) {
    put_name(sql, t->schema);
    mr_strbuf_putc(sql, '.');
    put_name(sql, t->name);
}

static bool has_key(const mr_changed_table *t) {
    for (unsigned i = 0; i < t->ncolumns; i++)
        if (t->columns[i].key) return true;
    return false;
}

/* The name of the row's number, where the table has no key of its own; NULL: it has none, or columns hide it. */
static const char *rowid_of(const mr_changed_table *t) {
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    if (!t->rowid || has_key(t)) return NULL;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        bool hidden = false;
        for (unsigned i = 0; i < t->ncolumns; i++) hidden = hidden || strcmp(t->columns[i].name, names[k]) == 0;
        if (!hidden) return names[k];
    }
    return NULL;
}

static bool is_stored(const mr_change *c, const mr_value *values, unsigned i) {
    return !c->table->columns[i].generated && values[i].kind != MR_UNLOADED;
}

static mr_status put_value(replay_row *row, const mr_value *v) {
    mr_value *place = mr_vec_push(&row->values);
    if (!place) return MR_FAIL;
    *place = *v;
    return MR_OK;
}

/* WHERE all that is stored is as in values. The key comes first, so that the row is found by it. */
static mr_status put_where(replay_row *row, const mr_change *c, const mr_value *values, int64_t rowid) {
    mr_strbuf *sql = &row->sql;
    const char *before = " WHERE ", *number = rowid_of(c->table);
    if (number) {
        mr_value v = mr_int_value(rowid);
        mr_strbuf_printf(sql, " WHERE %s = ?", number);
        if (put_value(row, &v) != MR_OK) return MR_FAIL;
        before = " AND ";
    }
    for (int keys = 1; keys >= 0; keys--)
        for (unsigned i = 0; i < c->n; i++) {
            if (c->table->columns[i].key != (keys == 1) || !is_stored(c, values, i)) continue;
            mr_strbuf_puts(sql, before);
            put_name(sql, c->table->columns[i].name);
            mr_strbuf_puts(sql, keys ? " = ?" : " IS ?");
            if (put_value(row, &values[i]) != MR_OK) return MR_FAIL;
            before = " AND ";
        }
    return MR_OK;
}

static mr_status make_insert(replay_row *row, const mr_change *c, const mr_value *values, int64_t rowid) {
    mr_strbuf *sql = &row->sql;
    const char *number = rowid_of(c->table), *before = "";
    mr_strbuf_puts(sql, "INSERT INTO ");
    put_table(sql, c->table);
    mr_strbuf_puts(sql, " (");
    if (number) {
        mr_value v = mr_int_value(rowid);
        mr_strbuf_puts(sql, number);
        if (put_value(row, &v) != MR_OK) return MR_FAIL;
        before = ", ";
    }
    for (unsigned i = 0; i < c->n; i++) {
        if (!is_stored(c, values, i)) continue;
        mr_strbuf_puts(sql, before);
        put_name(sql, c->table->columns[i].name);
        if (put_value(row, &values[i]) != MR_OK) return MR_FAIL;
        before = ", ";
    }
    mr_strbuf_puts(sql, ") VALUES (");
    for (size_t i = 0; i < row->values.len; i++) mr_strbuf_puts(sql, i ? ", ?" : "?");
    mr_strbuf_putc(sql, ')');
    return MR_OK;
}

static mr_status make_delete(replay_row *row, const mr_change *c, const mr_value *values, int64_t rowid) {
    mr_strbuf_puts(&row->sql, "DELETE FROM ");
    put_table(&row->sql, c->table);
    return put_where(row, c, values, rowid);
}

static mr_status make_update(replay_row *row, const mr_change *c, bool back) {
    const mr_value *from = back ? c->new_values : c->old_values, *to = back ? c->old_values : c->new_values;
    const char *number = rowid_of(c->table), *before = " SET ";
    mr_strbuf_puts(&row->sql, "UPDATE ");
    put_table(&row->sql, c->table);
    if (number && c->old_rowid != c->rowid) {
        mr_value v = mr_int_value(back ? c->old_rowid : c->rowid);
        mr_strbuf_printf(&row->sql, " SET %s=?", number);
        if (put_value(row, &v) != MR_OK) return MR_FAIL;
        before = ", ";
    }
    for (unsigned i = 0; i < c->n; i++) {
        if (!is_stored(c, to, i) || !mr_change_differs(c, i)) continue;
        mr_strbuf_puts(&row->sql, before);
        put_name(&row->sql, c->table->columns[i].name);
        mr_strbuf_puts(&row->sql, "=?");
        if (put_value(row, &to[i]) != MR_OK) return MR_FAIL;
        before = ", ";
    }
    if (strcmp(before, " SET ") == 0) { /* only what the database computes differs */
        mr_strbuf_clear(&row->sql);
        row->values.len = 0;
        return MR_OK;
    }
    return put_where(row, c, from, back ? c->rowid : c->old_rowid);
}

void mr_replay_row_init(replay_row *row, mr_env *env) {
    row->env = env;
    row->compiled = NULL;
    mr_strbuf_init(&row->sql, env);
    mr_strbuf_init(&row->last, env);
    mr_vec_init(&row->values, env, sizeof(mr_value));
}

void mr_replay_row_done(replay_row *row) {
    mr_compiled_release(row->compiled);
    mr_strbuf_done(&row->sql);
    mr_strbuf_done(&row->last);
    mr_vec_done(&row->values);
}

/* The statement of the text; the one before if that has the same. */
static mr_status compile(replay_row *row) {
    const char *sql = mr_strbuf_str(&row->sql);
    if (!sql) return MR_FAIL;
    if (row->compiled && row->last.len == row->sql.len && memcmp(row->last.data, sql, row->sql.len) == 0) return MR_OK;
    mr_compiled_release(row->compiled);
    row->compiled = mr_compiled_from_sql(row->env, sql, row->sql.len, true);
    if (!row->compiled) return MR_FAIL;
    row->compiled->nparams = row->values.len;
    mr_strbuf_clear(&row->last);
    mr_strbuf_add(&row->last, sql, row->sql.len);
    return mr_strbuf_str(&row->last) ? MR_OK : MR_FAIL;
}

mr_status mr_replay_row_make(replay_row *row, const mr_change *c, bool back) {
    bool appears = c->kind == (back ? MR_CHANGE_DELETE : MR_CHANGE_INSERT);
    const mr_value *values = c->old_values ? c->old_values : c->new_values;
    int64_t rowid = c->old_values ? c->old_rowid : c->rowid;
    mr_strbuf_clear(&row->sql);
    row->values.len = 0;
    mr_status status = c->kind == MR_CHANGE_UPDATE ? make_update(row, c, back)
                       : appears                   ? make_insert(row, c, values, rowid)
                                                   : make_delete(row, c, values, rowid);
    if (status != MR_OK) return status;
    return row->sql.len > 0 || row->sql.oom ? compile(row) : MR_DONE;
}

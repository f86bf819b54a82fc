/*
 * record.c: records what the open transaction of a connection changes, as the database tells it row by row.
 *
 * Invariant: the list has exactly what would be lasting if the transaction were committed now: it is cut where a
 * statement fails, and where a savepoint is rolled back. Nothing here runs a statement but `committing`.
 */
#include "feed.h"

#include <string.h>

enum { FIRST_CHANGES = 16 };

static feed_record *record_of(void *record) { return record; }

/* ---------------------------------------------------------------- the list */

static mr_change_set *set_of(feed_record *r) {
    if (!r->set) r->set = mr_change_set_new(r->feed);
    return r->set;
}

static size_t length(const feed_record *r) { return r->set ? r->set->changes.len : 0; }

static void drop_all(feed_record *r) {
    mr_change_set_release(r->set);
    r->set = NULL;
    r->savepoints.len = 0;
    r->statement = 0;
    r->lost = false;
}

static void cut(feed_record *r, size_t len) {
    if (len >= length(r)) return;
    for (size_t i = len; i < r->set->changes.len; i++) r->set->bytes -= mr_change_at(r->set, i)->bytes;
    r->set->changes.len = len;
    if (len > 0) return;
    mr_change_set_release(r->set); /* with the memory of what was cut */
    r->set = NULL;
}

/* ---------------------------------------------------------------- rows */

bool mr_change_differs(const mr_change *change, unsigned i) {
    const mr_value *a = &change->old_values[i], *b = &change->new_values[i];
    if (a->kind != b->kind || a->len != b->len) return true;
    if (mr_kind_is_bytes(a->kind)) return a->u.s != b->u.s && memcmp(a->u.s, b->u.s, a->len) != 0;
    return a->kind > MR_NULL && a->u.i != b->u.i;
}

/* Compares the values of an UPDATE, and has equal bytes shared: the new value gets the old one's address. *bytes: that
 * the bytes of the others take. Has the row changed? */
static bool compare(const mr_row_change *row, size_t *bytes) {
    const mr_value *old_values = row->old_values;
    mr_value *new_values = row->new_values;
    bool differs = row->old_rowid != row->rowid;
    for (unsigned i = 0; i < row->n; i++) {
        const mr_value *a = &old_values[i];
        mr_value *b = &new_values[i];
        if (mr_kind_is_bytes(a->kind)) *bytes += a->len + 1;
        if (!mr_kind_is_bytes(b->kind)) {
            differs = differs || a->kind != b->kind || (a->kind > MR_NULL && a->u.i != b->u.i);
        } else if (a->kind == b->kind && a->len == b->len &&
                   (a->u.s == b->u.s || memcmp(a->u.s, b->u.s, a->len) == 0)) {
            b->u.s = a->u.s;
        } else {
            differs = true;
            *bytes += b->len + 1;
        }
    }
    return differs;
}

static size_t bytes_of(const mr_value *values, unsigned n) {
    size_t bytes = 0;
    for (unsigned i = 0; i < n; i++)
        if (mr_kind_is_bytes(values[i].kind)) bytes += values[i].len + 1;
    return bytes;
}

/* Copies the values to out, and their bytes to *room. same, copied: the old values of an UPDATE, and their copy; or
 * NULL. */
static void copy_values(const mr_value *values, const mr_value *same, const mr_value *copied, unsigned n, mr_value *out,
                        char **room) {
    memcpy(out, values, n * sizeof *out);
    for (unsigned i = 0; i < n; i++) {
        const mr_value *v = &values[i];
        if (!mr_kind_is_bytes(v->kind)) continue;
        if (same && same[i].u.s == v->u.s && mr_kind_is_bytes(same[i].kind)) {
            out[i].u.s = copied[i].u.s;
            continue;
        }
        memcpy(*room, v->u.s, v->len); /* the memory is filled with zeros: one of them ends it */
        out[i].u.s = *room;
        *room += v->len + 1;
    }
}

/* Puts copies of the row's values into the change; bytes: what their bytes take. */
static bool copy_row(mr_arena *arena, const mr_row_change *row, size_t bytes, mr_change *change) {
    unsigned n = row->n, lists = row->old_values && row->new_values ? 2 : 1;
    mr_value *values = mr_arena_alloc(arena, lists * n * sizeof *values + bytes);
    if (!values) return false;
    char *room = (char *)(values + lists * n);
    if (row->old_values) {
        copy_values(row->old_values, NULL, NULL, n, values, &room);
        change->old_values = values;
        values += n;
    }
    if (row->new_values) {
        copy_values(row->new_values, row->old_values, change->old_values, n, values, &room);
        change->new_values = values;
    }
    change->bytes = (uint32_t)(sizeof *change + lists * n * sizeof *values + bytes);
    return true;
}

static const mr_changed_table *table_of(feed_record *r, const mr_row_change *row) {
    const mr_change_set *set = r->set;
    if (set->changes.len > 0) {
        const mr_changed_table *last = mr_change_at(set, set->changes.len - 1)->table;
        if (strcmp(last->name, row->table) == 0 && strcmp(last->schema, row->schema) == 0) return last;
    }
    return mr_changed_table_named(r->feed, row->schema, row->table);
}

/* That the table was changed, without its rows; once for each table. */
static bool note_unknown(mr_change_set *set, const mr_changed_table *table) {
    for (size_t i = set->changes.len; i-- > 0;) {
        const mr_change *c = mr_change_at(set, i);
        if (!c->unknown) break;
        if (c->table == table) return true;
    }
    mr_change *c = mr_vec_push(&set->changes);
    if (!c) return false;
    *c = (mr_change){.kind = MR_CHANGE_UPDATE, .unknown = true, .table = table, .bytes = sizeof *c};
    set->bytes += sizeof *c;
    return true;
}

/* The row is none that is told: where it is the first, there is nothing yet. */
static bool leave_out(feed_record *r) {
    if (r->set->changes.len > 0) return true;
    mr_change_set_release(r->set);
    r->set = NULL;
    return true;
}

/* bytes: what the bytes of the values take. */
static bool note_row(feed_record *r, const mr_row_change *row, size_t bytes) {
    mr_change_set *set = set_of(r);
    const mr_changed_table *table = set ? table_of(r, row) : NULL;
    if (!table) return false;
    if (table->own) return leave_out(r);
    if (row->n == 0 || set->bytes > r->feed->transaction_limit) return note_unknown(set, table);
    mr_change change = {.kind = (uint8_t)row->kind,
                        .caused = row->caused,
                        .n = (uint16_t)row->n,
                        .table = table,
                        .old_rowid = row->old_rowid,
                        .rowid = row->rowid};
    if (!copy_row(set->arena, row, bytes, &change)) return false;
    if (set->changes.len == set->changes.cap &&
        mr_vec_reserve(&set->changes, set->changes.cap ? 2 * set->changes.cap : FIRST_CHANGES) != MR_OK)
        return false;
    *(mr_change *)mr_vec_at(&set->changes, set->changes.len++) = change;
    set->bytes += change.bytes;
    return true;
}

/* An error is not for the statement that runs: the commit fails instead. */
static void lose(feed_record *r, mr_error *saved) {
    r->lost = true;
    mr_env_clear_error(r->feed->env);
    mr_env_restore_error(r->feed->env, saved);
}

static void on_row(void *record, const mr_row_change *row) {
    feed_record *r = record_of(record);
    size_t bytes = 0;
    if (r->busy || r->feed->polling || r->lost) return;
    if (row->kind != MR_CHANGE_UPDATE || row->n == 0)
        bytes = bytes_of(row->old_values ? row->old_values : row->new_values, row->n);
    else if (!compare(row, &bytes)) return;
    mr_error *saved = mr_env_save_error(r->feed->env);
    if (!note_row(r, row, bytes)) lose(r, saved);
    else mr_env_restore_error(r->feed->env, saved);
}

/* ---------------------------------------------------------------- statements, savepoints, transactions */

static void on_statement(void *record) {
    feed_record *r = record_of(record);
    r->statement = length(r);
}

static void on_failed(void *record) {
    feed_record *r = record_of(record);
    cut(r, r->statement);
}

/* A commit of the connection's own is told by mr_conn_commit, after it has succeeded. */
static void on_ended(void *record, bool committed) {
    feed_record *r = record_of(record);
    if (!committed) drop_all(r);
    else if (r->set && !mr_conn_in_transaction(r->conn)) {
        mr_change_set **end = &r->loose;
        while (*end) end = &(*end)->next;
        *end = r->set;
        r->set = NULL;
        drop_all(r);
    }
}

static void on_savepoint(void *record, unsigned n) {
    feed_record *r = record_of(record);
    mr_error *saved = mr_env_save_error(r->feed->env);
    feed_savepoint *made = mr_vec_push(&r->savepoints);
    if (made) *made = (feed_savepoint){n, length(r)};
    else r->lost = true;
    mr_env_clear_error(r->feed->env);
    mr_env_restore_error(r->feed->env, saved);
}

/* The savepoint with the number, and all inside of it, are over. Returns the length of the list when it began. */
static size_t leave(feed_record *r, unsigned n) {
    for (size_t i = r->savepoints.len; i-- > 0;) {
        const feed_savepoint *p = mr_vec_at(&r->savepoints, i);
        if (p->number != n) continue;
        r->savepoints.len = i;
        return p->mark;
    }
    return length(r);
}

static void on_released(void *record, unsigned n) { leave(record_of(record), n); }

static void on_rolled_back(void *record, unsigned n) {
    feed_record *r = record_of(record);
    if (n > 0) cut(r, leave(r, n));
    else drop_all(r);
}

/* A transaction of a database that does not tell its rows: it may have changed anything, if it is more than a load. */
static mr_status note_untold(feed_record *r) {
    if (mr_conn_reads_outside(r->conn)) return MR_OK;
    mr_change_set *set = set_of(r);
    if (!set) return MR_FAIL;
    set->untold = true;
    return MR_OK;
}

static mr_status on_committing(void *record) {
    feed_record *r = record_of(record);
    if (r->busy || r->feed->polling) return MR_OK;
    if (r->lost) return mr_nomem(r->feed->env);
    if (!mr_conn_tells_rows(r->conn)) return note_untold(r);
    if (!r->set) return MR_OK;
    mr_record_settle(r);
    if (mr_record_resolve(r, r->set) != MR_OK) return MR_FAIL;
    if (r->feed->before) {
        if (r->feed->before(r->feed->before_ud, r->conn, r->set) != MR_OK) return MR_FAIL;
        if (r->lost) return mr_nomem(r->feed->env);
        if (mr_record_resolve(r, r->set) != MR_OK) return MR_FAIL;
    }
    mr_poll_before_commit(r);
    return MR_OK;
}

static void publish(feed_record *r) {
    mr_change_set *set = r->set;
    r->set = NULL;
    drop_all(r);
    mr_feed_publish(r->feed, set, mr_conn_owner(r->conn));
}

static void on_committed(void *record) {
    feed_record *r = record_of(record);
    if (!r->set || r->busy || r->feed->polling) return;
    mr_poll_after_commit(r);
    publish(r);
}

void mr_record_settle(feed_record *r) {
    if (!r->loose || r->busy) return;
    mr_error *saved = mr_env_save_error(r->feed->env);
    while (r->loose && mr_record_resolve(r, r->loose) == MR_OK) {
        mr_change_set *set = r->loose;
        r->loose = set->next;
        set->next = NULL;
        mr_feed_publish(r->feed, set, mr_conn_owner(r->conn));
    }
    mr_env_clear_error(r->feed->env);
    mr_env_restore_error(r->feed->env, saved);
}

mr_change_set *mr_change_pending(const mr_conn *conn) {
    const feed_record *r = mr_conn_record(conn);
    return r ? r->set : NULL;
}

/* ---------------------------------------------------------------- connections */

static mr_status on_open(void *ud, mr_conn *conn, void **record) {
    mr_feed *feed = ud;
    feed_record *r = mr_calloc(feed->env, sizeof *r);
    if (!r || mr_vec_push_ptr(&feed->records, r) != MR_OK) {
        mr_free(feed->env, r);
        return MR_FAIL;
    }
    r->feed = feed;
    r->conn = conn;
    mr_vec_init(&r->savepoints, feed->env, sizeof(feed_savepoint));
    *record = r;
    return MR_OK;
}

static void on_close(void *record) {
    feed_record *r = record_of(record);
    mr_feed *feed = r->feed;
    for (size_t i = 0; i < feed->records.len; i++) {
        if (mr_vec_ptr(&feed->records, i) != r) continue;
        mr_vec_remove(&feed->records, i);
        break;
    }
    mr_vec_done(&r->savepoints);
    mr_change_set_release(r->set);
    for (mr_change_set *set = r->loose, *next; set; set = next) {
        next = set->next;
        mr_change_set_release(set);
    }
    mr_free(feed->env, r);
}

void mr_feed_fill_watcher(mr_feed *feed) {
    feed->watcher = (mr_row_watcher){.ud = feed,
                                     .open = on_open,
                                     .close = on_close,
                                     .statement = on_statement,
                                     .row = on_row,
                                     .failed = on_failed,
                                     .ended = on_ended,
                                     .savepoint = on_savepoint,
                                     .released = on_released,
                                     .rolled_back = on_rolled_back,
                                     .committing = on_committing,
                                     .committed = on_committed};
}

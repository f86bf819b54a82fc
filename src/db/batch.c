/*
 * batch.c: executes one prepared statement for many rows.
 *
 * Invariant: rows are executed in the order in which they came. The values of rows that wait for listeners are copies,
 * because the originals may change before the rows are executed; those of rows that wait for one another may be lent.
 */
#include "connection.h"

#include <string.h>

enum {
    ALONE = 32,  /* so many rows are executed alone, before it is worth to prepare a statement for many */
    MANY = 32,   /* rows of that statement, ... */
    VALUES = 640 /* ... and at most so many values */
};

void mr_batch_begin(mr_batch *batch, mr_cursor *cursor, mr_status (*ran)(void *ud, void *row, mr_status step),
                    void *ud) {
    const mr_engine_hooks *hooks = &cursor->conn->engine->hooks;
    batch->cursor = cursor;
    batch->ran = ran;
    batch->ud = ud;
    batch->width = cursor->compiled->nparams;
    batch->current = NULL;
    batch->waits = hooks->before_execute || hooks->after_execute;
    batch->together = (struct mr_batch_together){0};
    mr_vec_init(&batch->values, cursor->env, sizeof(mr_value *));
    mr_vec_init(&batch->rows, cursor->env, sizeof(void *));
}

static mr_status run_row(mr_batch *batch, const mr_value *values, void *row) {
    batch->current = row;
    if (mr_cursor_bind(batch->cursor, values)) return MR_FAIL;
    mr_status step = mr_cursor_step(batch->cursor);
    return step == MR_FAIL ? MR_FAIL : batch->ran(batch->ud, row, step);
}

static void free_copy(mr_env *env, mr_value *copy, size_t n) {
    for (size_t i = 0; i < n; i++) mr_value_clear(env, &copy[i]);
    mr_free(env, copy);
}

/* ---------------------------------------------------------------- several rows in one statement */

void mr_batch_together(mr_batch *batch, bool numbered, bool lent) {
    size_t width = batch->width, many = width ? VALUES / width : 0;
    struct mr_batch_together *t = &batch->together;
    t->many = many < MANY ? many : MANY;
    t->numbered = numbered;
    /* Values that are converted when they are sent would have to be kept. */
    bool observed = mr_engine_observed(batch->cursor->conn->engine);
    t->may = !observed && !batch->cursor->compiled->stores && t->many > 1;
    t->lent = lent;
}

/* A row alone. The keys of rows that follow one another show that the database numbers the rows of this table by the
 * next number: at the largest one it would take any that is free. */
static mr_status run_alone(mr_batch *batch, const mr_value *values, void *row) {
    struct mr_batch_together *t = &batch->together;
    if (run_row(batch, values, row) != MR_OK) return MR_FAIL;
    if (!t->may) return MR_OK;
    int64_t id = batch->cursor->last_insert_id;
    t->next = t->alone > 0 && t->last < INT64_MAX && id == t->last + 1;
    t->last = id;
    if (t->alone < ALONE) t->alone++;
    return MR_OK;
}

/* Prepares the statement for many rows. MR_DONE: there is none. */
static mr_status prepare_many(mr_batch *batch) {
    struct mr_batch_together *t = &batch->together;
    mr_env *env = batch->values.env;
    mr_conn *conn = batch->cursor->conn;
    mr_compiled *many = NULL;
    if (conn && mr_compiled_many(batch->cursor->compiled, t->many, &many) != MR_OK) return MR_FAIL;
    if (!many || many->nparams != t->many * batch->width) return MR_DONE;
    t->values = mr_alloc(env, many->nparams * sizeof *t->values);
    t->rows = mr_alloc(env, t->many * sizeof *t->rows);
    return t->values && t->rows ? mr_conn_prepare(conn, many, &t->cursor) : MR_FAIL;
}

static mr_status run_waiting_alone(mr_batch *batch) {
    struct mr_batch_together *t = &batch->together;
    size_t n = t->count;
    mr_status status = MR_OK;
    t->count = 0;
    for (size_t i = 0; i < n && status == MR_OK; i++)
        status = run_alone(batch, t->values + i * batch->width, t->rows[i]);
    return status;
}

/* The statement was executed: tells of its rows as if each had been executed alone. */
static mr_status tell_rows(mr_batch *batch) {
    struct mr_batch_together *t = &batch->together;
    size_t n = t->count;
    int64_t last = t->cursor->last_insert_id;
    t->count = 0;
    if (t->cursor->rowcount != (int64_t)n || (t->numbered && last != t->last + (int64_t)n))
        return mr_fail(
            batch->values.env, MR_ERR_DATABASE,
            "an INSERT of %zu rows made %lld, and %lld as the last key after %lld: which row has which key is "
            "not known",
            n, (long long)t->cursor->rowcount, (long long)last, (long long)t->last);
    for (size_t i = 0; i < n; i++) {
        batch->cursor->rowcount = 1;
        batch->cursor->last_insert_id = t->numbered ? ++t->last : last;
        batch->current = t->rows[i];
        if (batch->ran(batch->ud, t->rows[i], MR_DONE) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* Executes the rows that wait for one another. A row that is refused has undone the others: they are executed alone
 * then, and the error is that row's. */
static mr_status run_many(mr_batch *batch) {
    struct mr_batch_together *t = &batch->together;
    mr_env *env = batch->values.env;
    batch->current = NULL;
    mr_status status = mr_cursor_bind(t->cursor, t->values);
    if (status == MR_OK) status = mr_cursor_step(t->cursor);
    if (status != MR_FAIL) return tell_rows(batch);
    const mr_conn *conn = t->cursor->conn;
    if (!conn || conn->lost || mr_env_is_interrupted(env)) return MR_FAIL;
    mr_env_clear_error(env);
    t->may = false;
    return run_waiting_alone(batch);
}

/* Takes the row to those that wait. */
static mr_status take_row(mr_batch *batch, const mr_value *values, void *row) {
    struct mr_batch_together *t = &batch->together;
    size_t width = batch->width;
    if (!t->lent && !t->bytes && !(t->bytes = mr_arena_new(batch->values.env))) return MR_FAIL;
    mr_value *to = t->values + t->count * width;
    memcpy(to, values, width * sizeof *values);
    for (size_t i = 0; t->bytes && i < width; i++) {
        if (!mr_kind_is_bytes(to[i].kind) || to[i].len == 0) continue;
        if (!(to[i].u.s = mr_arena_strndup(t->bytes, to[i].u.s, to[i].len))) return MR_FAIL;
    }
    t->rows[t->count++] = row;
    return MR_OK;
}

static mr_status run_together(mr_batch *batch, const mr_value *values, void *row) {
    struct mr_batch_together *t = &batch->together;
    bool may = t->may && t->alone == ALONE;
    if (t->numbered && (!t->next || t->last > INT64_MAX - MANY)) may = false;
    if (!may) return run_alone(batch, values, row);
    mr_status status = t->cursor ? MR_OK : prepare_many(batch);
    if (status == MR_DONE) t->may = false;
    if (status != MR_OK) return status == MR_DONE ? run_alone(batch, values, row) : MR_FAIL;
    if (take_row(batch, values, row) != MR_OK) return MR_FAIL;
    if (t->count < t->many) return MR_OK;
    status = run_many(batch);
    mr_arena_free(t->bytes);
    t->bytes = NULL;
    return status;
}

mr_status mr_batch_settle(mr_batch *batch) {
    mr_status status = run_waiting_alone(batch);
    mr_arena_free(batch->together.bytes);
    batch->together.bytes = NULL;
    return status;
}

/* Executes the rows that still wait for one another if status is MR_OK. */
static mr_status end_together(mr_batch *batch, mr_status status) {
    struct mr_batch_together *t = &batch->together;
    if (status == MR_OK) status = run_waiting_alone(batch);
    t->count = 0;
    mr_cursor_close(t->cursor);
    mr_free(batch->values.env, t->values);
    mr_free(batch->values.env, t->rows);
    mr_arena_free(t->bytes);
    t->bytes = NULL;
    t->cursor = NULL;
    t->values = NULL;
    t->rows = NULL;
    t->alone = 0; /* what is executed next may stand between the rows */
    t->next = false;
    return status;
}

/* ---------------------------------------------------------------- rows */

mr_status mr_batch_row(mr_batch *batch, const mr_value *values, void *row) {
    if (!batch->waits) return run_together(batch, values, row);
    mr_env *env = batch->values.env;
    size_t n = batch->width;
    if (mr_vec_reserve(&batch->values, batch->values.len + 1) || mr_vec_reserve(&batch->rows, batch->rows.len + 1))
        return MR_FAIL;
    mr_value *copy = mr_calloc(env, (n + 1) * sizeof *copy);
    if (!copy) return MR_FAIL;
    for (size_t i = 0; i < n; i++)
        if (mr_value_copy(env, &copy[i], &values[i])) {
            free_copy(env, copy, n);
            return MR_FAIL;
        }
    mr_vec_push_ptr(&batch->values, copy); /* cannot fail: the room was reserved */
    mr_vec_push_ptr(&batch->rows, row);
    return MR_OK;
}

static mr_status run_waiting(mr_batch *batch) {
    mr_cursor *cursor = batch->cursor;
    batch->current = NULL;
    const mr_value *const *lists = batch->values.data;
    size_t n = batch->values.len;
    if (!cursor->conn) return mr_cursor_bind(cursor, NULL); /* fails, and says what has closed the cursor */
    cursor->notified = true;
    cursor->seconds = cursor->waited = 0;
    mr_status status = mr_cursor_notify(cursor, false, lists, n);
    for (size_t i = 0; status == MR_OK && i < n; i++) status = run_row(batch, lists[i], mr_vec_ptr(&batch->rows, i));
    if (status == MR_OK && cursor->conn) status = mr_cursor_notify(cursor, true, lists, n);
    cursor->notified = false;
    return status;
}

mr_status mr_batch_end(mr_batch *batch, mr_status status) {
    status = end_together(batch, status);
    if (status == MR_OK && batch->values.len > 0) status = run_waiting(batch);
    for (size_t i = 0; i < batch->values.len; i++)
        free_copy(batch->values.env, mr_vec_ptr(&batch->values, i), batch->width);
    mr_vec_done(&batch->values);
    mr_vec_done(&batch->rows);
    return status;
}

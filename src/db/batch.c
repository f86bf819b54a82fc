/*
 * batch.c: executes one prepared statement for many rows.
 *
 * Invariant: rows are executed in the order in which they came. The values of waiting rows are copies, because the
 * originals may change before the rows are executed.
 */
#include "connection.h"

void mr_batch_begin(mr_batch *batch, mr_cursor *cursor, mr_status (*ran)(void *ud, void *row, mr_status step),
                    void *ud) {
    const mr_engine_hooks *hooks = &cursor->conn->engine->hooks;
    batch->cursor = cursor;
    batch->ran = ran;
    batch->ud = ud;
    batch->width = cursor->compiled->nparams;
    batch->current = NULL;
    batch->waits = hooks->before_execute || hooks->after_execute;
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

mr_status mr_batch_row(mr_batch *batch, const mr_value *values, void *row) {
    if (!batch->waits) return run_row(batch, values, row);
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
    if (status == MR_OK && batch->values.len > 0) status = run_waiting(batch);
    for (size_t i = 0; i < batch->values.len; i++)
        free_copy(batch->values.env, mr_vec_ptr(&batch->values, i), batch->width);
    mr_vec_done(&batch->values);
    mr_vec_done(&batch->rows);
    return status;
}

/*
 * postgresql_wait.c: sends and waits, so that a statement can be stopped: by the program, or by its limit of time.
 *
 * Invariant: all results of what was sent are taken before the next thing is sent. Of several errors the first is kept:
 * when a connection is lost, the second one has no code.
 */
#include "driver_postgresql.h"

#include <poll.h>
#include <string.h>
#include <time.h>

enum { TICK = 50 /* milliseconds between two looks */ };

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void mr_postgresql_limit(mr_dbc *handle, double seconds) {
    postgresql_dbc *dbc = postgresql_dbc_of(handle);
    dbc->timed_out = false;
    dbc->deadline = seconds > 0 ? now() + seconds : 0;
}

bool mr_postgresql_should_stop(postgresql_dbc *dbc) {
    if (dbc->deadline > 0 && now() >= dbc->deadline) dbc->timed_out = true;
    else if (mr_env_should_stop(dbc->env)) dbc->interrupted = true;
    return dbc->timed_out || dbc->interrupted;
}

static int tick_of(const postgresql_dbc *dbc) {
    double left = dbc->deadline > 0 ? (dbc->deadline - now()) * 1e3 : TICK;
    if (left < 0) return 0;
    return left < TICK ? (int)left + 1 : TICK;
}

void mr_postgresql_poll(postgresql_dbc *dbc, bool writes) {
    struct pollfd fd = {.fd = dbc->pq->socket(dbc->conn), .events = (short)(POLLIN | (writes ? POLLOUT : 0))};
    if (fd.fd >= 0) (void)poll(&fd, 1, tick_of(dbc));
}

/* Asks the server, by a connection of its own, to stop what runs. */
static void cancel(postgresql_dbc *dbc) {
    char words[256];
    pq_cancel *request = dbc->pq->getCancel(dbc->conn);
    if (!request) return;
    (void)dbc->pq->cancel(request, words, sizeof words);
    dbc->pq->freeCancel(request);
}

/* Waits until a result can be taken without waiting. False: the connection is lost. */
static bool wait_for_result(postgresql_dbc *dbc, bool *cancelled) {
    const pq_library *pq = dbc->pq;
    for (;;) {
        int unsent = pq->flush(dbc->conn);
        if (unsent < 0) return false;
        if (!pq->isBusy(dbc->conn)) return true;
        mr_postgresql_poll(dbc, unsent > 0);
        if (!*cancelled && mr_postgresql_should_stop(dbc)) {
            *cancelled = true;
            cancel(dbc);
        }
        if (!pq->consumeInput(dbc->conn)) return false;
    }
}

/* COPY of rows in or out is no statement that a cursor can run: it is brought to its end. */
static void end_copy(postgresql_dbc *dbc, int status) {
    char *line = NULL;
    if (status == PQ_COPY_IN) {
        (void)dbc->pq->putCopyEnd(dbc->conn, "COPY");
        return;
    }
    while (dbc->pq->getCopyData(dbc->conn, &line, 0) > 0) dbc->pq->freemem(line);
}

static bool is_error(int status) { return status >= PQ_BAD_RESPONSE && status <= PQ_FATAL_ERROR; }

/* Takes all results; *first: the first one that is an error; *last: the last one that is none. */
static bool take_results(postgresql_dbc *dbc, pq_result **first, pq_result **last, bool *copied) {
    const pq_library *pq = dbc->pq;
    bool cancelled = false, alive = true;
    for (;;) {
        alive = wait_for_result(dbc, &cancelled);
        pq_result *result = pq->getResult(dbc->conn);
        if (!result) break;
        int status = pq->resultStatus(result);
        if (status == PQ_COPY_IN || status == PQ_COPY_OUT || status == PQ_COPY_BOTH) {
            *copied = true;
            end_copy(dbc, status);
        }
        pq_result **place = is_error(status) ? first : last;
        if (*place && place == first) {
            pq->clear(result);
        } else {
            if (*place) pq->clear(*place);
            *place = result;
        }
    }
    return alive && pq->status(dbc->conn) == PQ_CONNECTION_OK;
}

mr_status mr_postgresql_wait(postgresql_dbc *dbc, int sent, bool commits, pq_result **out) {
    pq_result *error = NULL, *last = NULL;
    bool copied = false;
    dbc->interrupted = dbc->timed_out = false;
    bool alive = take_results(dbc, &error, &last, &copied);
    mr_status status = MR_OK;
    if (!alive) status = mr_postgresql_lost(dbc, error, commits && sent);
    else if (error) status = mr_postgresql_fail(dbc, error);
    else if (copied)
        status =
            mr_fail(dbc->env, MR_ERR_PROGRAMMING,
                    "(postgresql) COPY to or from this program is no statement that can be executed: session:import "
                    "and query:export read and write rows");
    else if (!last) status = mr_postgresql_fail(dbc, NULL);
    if (error) dbc->pq->clear(error);
    if (status == MR_OK) {
        *out = last;
        return MR_OK;
    }
    if (last) dbc->pq->clear(last);
    return MR_FAIL;
}

mr_status mr_postgresql_run(postgresql_dbc *dbc, const char *sql) {
    pq_result *result;
    if (mr_postgresql_wait(dbc, dbc->pq->sendQuery(dbc->conn, sql), false, &result) != MR_OK) return MR_FAIL;
    dbc->pq->clear(result);
    return MR_OK;
}

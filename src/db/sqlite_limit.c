/*
 * sqlite_limit.c: stops a statement of SQLite that the program, or a limit of time, asks to stop.
 *
 * Invariant: without a limit no clock is read.
 */
#include <time.h>

#include "driver_sqlite.h"

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int mr_sqlite_should_stop(void *p) {
    sqlite_dbc *dbc = p;
    if (dbc->deadline > 0 && now() >= dbc->deadline) dbc->timed_out = true;
    return dbc->timed_out || mr_env_should_stop(dbc->env);
}

void mr_sqlite_limit(mr_dbc *handle, double seconds) {
    sqlite_dbc *dbc = sqlite_dbc_of(handle);
    dbc->timed_out = false;
    dbc->deadline = seconds > 0 ? now() + seconds : 0;
}

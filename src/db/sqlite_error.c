/*
 * sqlite_error.c: errors of SQLite as errors of ours, with a cure where there is one.
 *
 * Invariant: the words and the extended code of SQLite stay with the error.
 */
#include "driver_sqlite.h"

#include <errno.h>
#include <stdio.h>

/* Asked of the system: SQLite says of a journal that it cannot open no more than of a folder that is not there. A
 * database may want several files at once, and has closed the others when it failed. */
bool mr_sqlite_out_of_files(int rc) {
    enum { WANTED = 4 };
    FILE *probes[WANTED];
    int n = 0, reason = 0;
    if ((rc & 0xff) != SQLITE_CANTOPEN) return false;
    while (n < WANTED && (probes[n] = fopen("/dev/null", "rb"))) n++;
    if (n < WANTED) reason = errno;
    while (n > 0) fclose(probes[--n]);
    return reason == EMFILE || reason == ENFILE;
}

static mr_errkind kind_of(int rc) {
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
        return MR_ERR_INTEGRITY;
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
        return MR_ERR_DATA;
    case SQLITE_MISUSE:
        return MR_ERR_PROGRAMMING;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return MR_ERR_DATABASE;
    default:
        return MR_ERR_OPERATIONAL;
    }
}

/* What can be done about an error; a lock of this program's own is told of by the connection. */
static const char *cure_of(int rc) {
    if (rc == SQLITE_BUSY_SNAPSHOT)
        return ": others have committed since this transaction began to read: run it again (session:retry)";
    if ((rc & 0xff) == SQLITE_BUSY)
        return ": another program holds it: run the transaction again (session:retry), or wait longer (busy_timeout)";
    if (mr_sqlite_out_of_files(rc)) return MR_SQLITE_TOO_MANY_FILES;
    return "";
}

mr_status mr_sqlite_fail(sqlite_dbc *dbc, int rc) {
    if ((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM) return mr_nomem(dbc->env);
    /* Where waiting could only end in deadlock SQLite does not call the busy handler. */
    if ((rc & 0xff) == SQLITE_BUSY && !dbc->asked && dbc->busy) dbc->busy(dbc->busy_ud);
    dbc->asked = false;
    /* A handle of the caller's may have extended codes turned off. */
    if (rc <= 0xff && sqlite3_errcode(dbc->db) == rc) rc = sqlite3_extended_errcode(dbc->db);
    const char *words = sqlite3_errmsg(dbc->db);
    mr_fail(dbc->env, kind_of(rc), "(sqlite) %s%s", words, cure_of(rc));
    mr_error_add_orig(dbc->env, words, rc);
    return MR_FAIL;
}

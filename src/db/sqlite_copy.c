/*
 * sqlite_copy.c: a database is copied into a file, or a file over a database, page by page, by SQLite's backup.
 *
 * Invariant: the copy is whole or it is none: what was begun and fails is rolled back by SQLite. The connection itself
 * has no open transaction before and after.
 */
#include "driver_sqlite.h"

enum { WAIT = 10 /* milliseconds between two looks at a locked database */ };

/* Copies some pages after the others, until all are copied. */
static mr_status run(sqlite_dbc *dbc, sqlite3_backup *backup, sqlite3 *to, const mr_copy *copy) {
    int waited = 0;
    for (;;) {
        int rc = sqlite3_backup_step(backup, copy->pages > 0 ? copy->pages : -1);
        if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
            if (waited >= dbc->timeout || mr_env_should_stop(dbc->env))
                return mr_fail(dbc->env, MR_ERR_OPERATIONAL, "(sqlite) database is locked by another connection");
            sqlite3_sleep(WAIT);
            waited += WAIT;
            continue;
        }
        if (rc != SQLITE_OK && rc != SQLITE_DONE)
            return mr_fail(dbc->env, MR_ERR_OPERATIONAL, "(sqlite) the database cannot be copied: %s",
                           sqlite3_errmsg(to) && rc == sqlite3_extended_errcode(to) ? sqlite3_errmsg(to)
                                                                                    : sqlite3_errstr(rc));
        int total = sqlite3_backup_pagecount(backup), left = sqlite3_backup_remaining(backup);
        if (copy->progress && copy->progress(copy->ud, total - left, total) != MR_OK) return MR_FAIL;
        if (rc == SQLITE_DONE) return MR_OK;
        waited = 0;
    }
}

mr_status mr_sqlite_copy(mr_dbc *handle, const mr_copy *copy) {
    sqlite_dbc *dbc = sqlite_dbc_of(handle);
    sqlite3 *other = NULL;
    int flags = copy->restore ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(copy->path, &other, flags | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3 *to = copy->restore ? dbc->db : other, *from = copy->restore ? other : dbc->db;
    sqlite3_backup *backup = rc == SQLITE_OK ? sqlite3_backup_init(to, "main", from, "main") : NULL;
    mr_status status = MR_FAIL;
    if (rc != SQLITE_OK)
        mr_fail(dbc->env, MR_ERR_OPERATIONAL, "(sqlite) cannot open database \"%s\": %s", copy->path,
                other ? sqlite3_errmsg(other) : sqlite3_errstr(rc));
    else if (!backup)
        mr_fail(dbc->env, MR_ERR_OPERATIONAL, "(sqlite) the database cannot be copied: %s", sqlite3_errmsg(to));
    else status = run(dbc, backup, to, copy);
    if (backup) (void)sqlite3_backup_finish(backup);
    (void)sqlite3_close(other);
    dbc->seen++; /* a restored database has another schema */
    return status;
}

/*
 * sqlite_extension.c: extensions of SQLite: libraries that bring functions, collations and modules of tables.
 *
 * Invariant: they are loaded by a call in C alone. The function load_extension of SQL stays refused, as it is by
 * default, so that no SQL loads a library into the program.
 */
#include "driver_sqlite.h"

#pragma weak sqlite3_load_extension /* an SQLite may be built without extensions */

mr_status mr_sqlite_load_extension(mr_dbc *handle, const char *path, const char *entry) {
    sqlite_dbc *dbc = sqlite_dbc_of(handle);
    if (!sqlite3_load_extension)
        return mr_fail(dbc->env, MR_ERR_OPERATIONAL, "(sqlite) this SQLite was built without extensions");
    int before = 0;
    char *words = NULL;
    (void)sqlite3_db_config(dbc->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, -1, &before);
    (void)sqlite3_db_config(dbc->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, (int *)NULL);
    int rc = sqlite3_load_extension(dbc->db, path, entry, &words);
    (void)sqlite3_db_config(dbc->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, before, (int *)NULL);
    if (rc == SQLITE_OK) {
        dbc->seen++; /* a table whose module was missing may be read now */
        return MR_OK;
    }
    mr_status status = MR_FAIL;
    if (rc == SQLITE_NOMEM) {
        status = mr_nomem(dbc->env);
    } else {
        const char *said = words ? words : sqlite3_errstr(rc);
        status =
            mr_fail(dbc->env, MR_ERR_OPERATIONAL, "(sqlite) the extension \"%s\" cannot be loaded: %s", path, said);
        mr_error_add_orig(dbc->env, said, rc);
    }
    sqlite3_free(words);
    return status;
}

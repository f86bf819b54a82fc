/*
 * sqlite_open.c: opens SQLite databases, in two steps. Opening turns foreign keys on and installs a busy handler. The
 * set-up checks that the file is a database, and applies the parameters of the URL.
 *
 * Invariant: the first step does not read the file, because a listener may have to set its key before. A connection
 * whose opening fails is closed completely.
 */
#include "driver_sqlite.h"

/* A SQLite that was built with SQLITE_OMIT_PROGRESS_CALLBACK lacks this function. Then a running statement cannot be
 * interrupted; only the next one is. */
#pragma weak sqlite3_progress_handler

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TIMEOUT = 5000, STEPS_BETWEEN_LOOKS = 5000 /* of SQLite's machine: some 100 microseconds */ };

/* ---------------------------------------------------------------- the URL's parameters */

typedef struct parameter {
    const char *name;
    const char *words;     /* the allowed values, as a message tells them; NULL: any text */
    const char *values[7]; /* the allowed values; none: a number of milliseconds, or any text */
} parameter;

static const parameter PARAMETERS[] = {
    {"journal_mode",
     "delete, truncate, persist, memory, wal or off",
     {"delete", "truncate", "persist", "memory", "wal", "off", NULL}},
    {"synchronous", "off, normal, full or extra", {"off", "normal", "full", "extra", NULL}},
    {"busy_timeout", "a number of milliseconds", {NULL}},
    {"mode",
     "ro (it is only read), rw (it must be there), rwc (it is made if it is missing) or memory",
     {"ro", "rw", "rwc", "memory", NULL}},
    {"immutable", "0 or 1", {"0", "1", NULL}},
    {"vfs", NULL, {NULL}},
};
enum { NPARAMETERS = sizeof PARAMETERS / sizeof PARAMETERS[0] };

static const char *parameter_name(void *ud, size_t i) {
    (void)ud;
    return i < NPARAMETERS ? PARAMETERS[i].name : NULL;
}

static bool same_word(const char *a, const char *lower) {
    for (; *a && *lower; a++, lower++) {
        int c = *a >= 'A' && *a <= 'Z' ? *a - 'A' + 'a' : *a;
        if (c != *lower) return false;
    }
    return *a == *lower;
}

static bool parse_milliseconds(const char *text, int *out) {
    char *end;
    long n = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : -1;
    if (n < 0 || n > INT_MAX || *end) return false;
    *out = (int)n;
    return true;
}

static mr_status check_parameter(mr_env *env, const mr_url *url, const char *name, const char *value) {
    const parameter *p = NULL;
    for (int i = 0; i < NPARAMETERS; i++) {
        if (strcmp(PARAMETERS[i].name, name) == 0) p = &PARAMETERS[i];
    }
    if (!p) {
        const char *near = mr_nearest(name, parameter_name, NULL);
        return mr_fail(env, MR_ERR_ARGUMENT, "database URL \"%s\": unknown parameter '%s'%s", url->text, name,
                       near ? mr_hint(env, near)
                            : " (known are journal_mode, synchronous, busy_timeout, mode, immutable, vfs)");
    }
    int number;
    if (!p->words) return MR_OK;
    if (!p->values[0]) {
        if (parse_milliseconds(value, &number)) return MR_OK;
        return mr_fail(env, MR_ERR_ARGUMENT, "database URL \"%s\": %s is \"%s\"; it takes %s", url->text, name, value,
                       p->words);
    }
    for (int i = 0; p->values[i]; i++) {
        if (same_word(value, p->values[i])) return MR_OK;
    }
    return mr_fail(env, MR_ERR_ARGUMENT, "database URL \"%s\": %s cannot be \"%s\"; it takes %s", url->text, name,
                   value, p->words);
}

mr_status mr_sqlite_check(mr_env *env, const mr_url *url) {
    if (url->host || url->username || url->password || url->port) {
        return mr_fail(env, MR_ERR_ARGUMENT,
                       "database URL \"%s\": SQLite has no host or user; a file is written with "
                       "three slashes (sqlite:///relative.db) or four (sqlite:////absolute.db)",
                       url->text);
    }
    for (unsigned i = 0; i < url->nquery; i++) {
        if (check_parameter(env, url, url->query_names[i], url->query_values[i])) return MR_FAIL;
    }
    return MR_OK;
}

static const char *parameter_of(const mr_url *url, const char *name) {
    for (unsigned i = url->nquery; i > 0; i--) {
        if (strcmp(url->query_names[i - 1], name) == 0) return url->query_values[i - 1];
    }
    return NULL;
}

/* Has the parameter the value? */
static bool has_parameter(const mr_url *url, const char *name, const char *value) {
    const char *given = parameter_of(url, name);
    return given && same_word(given, value);
}

bool mr_sqlite_is_memory(const mr_url *url) {
    return !url->database || strcmp(url->database, ":memory:") == 0 || has_parameter(url, "mode", "memory");
}

/* ---------------------------------------------------------------- waiting */

static int wait_for_lock(void *p, int count) {
    static const int delays[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
    enum { LAST = sizeof delays / sizeof delays[0] - 1 };
    sqlite_dbc *dbc = p;
    if (count == 0) {
        dbc->waited = 0;
        dbc->interrupted = 0;
    }
    dbc->asked = true;
    if (dbc->busy && !dbc->busy(dbc->busy_ud)) return 0;
    int left = dbc->timeout - dbc->waited, delay = delays[count < LAST ? count : LAST];
    if (left <= 0 || dbc->interrupted || mr_env_should_stop(dbc->env)) return 0;
    if (delay > left) delay = left;
    sqlite3_sleep(delay);
    dbc->waited += delay;
    dbc->waited_ever += delay;
    return 1;
}

/* ---------------------------------------------------------------- opening */

/* When SQLite cannot create a file, its error says only that it cannot open the file. So the folder is checked for the
 * message. */
static bool folder_exists(const char *file) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    const char *slash = strrchr(file, '/');
    size_t n = slash ? (size_t)(slash - file) : 1;
    char folder[1024];
    int exists = 0;
    if (!vfs || n >= sizeof folder) return false;
    memcpy(folder, slash ? file : ".", n);
    folder[n] = '\0';
    return vfs->xAccess(vfs, n ? folder : "/", SQLITE_ACCESS_EXISTS, &exists) == SQLITE_OK && exists;
}

static bool ends_in_slash(const char *file) { return *file && file[strlen(file) - 1] == '/'; }

/* Records the error with the name of the file, and with advice. */
static mr_status open_failed(sqlite_dbc *dbc, const mr_url *url, int rc) {
    const char *file = url->database ? url->database : ":memory:";
    const char *words = dbc->db ? sqlite3_errmsg(dbc->db) : sqlite3_errstr(rc);
    if ((rc & 0xff) == SQLITE_NOMEM) return mr_nomem(dbc->env);
    mr_errkind kind = MR_ERR_OPERATIONAL;
    const char *cure = "check its path and that this program may read and write it";
    int reason = dbc->db ? sqlite3_system_errno(dbc->db) : 0;
    if ((rc & 0xff) == SQLITE_NOTADB) {
        kind = MR_ERR_DATABASE;
        cure = "it holds something else, or is encrypted; name another file, or move this one away";
    } else if ((rc & 0xff) == SQLITE_CORRUPT) {
        kind = MR_ERR_DATABASE;
        cure = "restore it from a copy, or try the sqlite3 shell's .recover";
    } else if (dbc->db && parameter_of(url, "vfs") && !sqlite3_vfs_find(parameter_of(url, "vfs"))) {
        cure = "SQLite has no VFS of this name: what registers it must be loaded before";
    } else if (reason == ENOENT && folder_exists(file) &&
               (has_parameter(url, "mode", "rw") || has_parameter(url, "mode", "ro") ||
                has_parameter(url, "immutable", "1"))) {
        cure = "there is no such file, and by the mode of its URL it is not made";
    } else if (ends_in_slash(file)) {
        cure = "this is a folder; name a file";
    } else if (reason == ENOENT && folder_exists(file)) {
        cure = "there is no such file, and its folder cannot be written: this program needs the permission to make "
               "a file there";
    } else if (reason == ENOTDIR) {
        cure = "a part of its path is a file, not a folder";
    } else if (mr_sqlite_out_of_files(rc)) {
        cure = MR_SQLITE_TOO_MANY_FILES + 2;
    } else if (reason == ENOENT) {
        cure = "its folder does not exist (a relative path starts at the folder where the program runs); "
               "create it";
    } else if (reason == EACCES) {
        cure = "permission is missing: this program must be able to write the file and its folder";
    } else if (reason == EISDIR) {
        cure = "this is a folder; name a file";
    }
    mr_fail(dbc->env, kind, "(sqlite) cannot open database \"%s\": %s; %s", file, words, cure);
    mr_error_add_orig(dbc->env, words, rc);
    return MR_FAIL;
}

static mr_status exec(sqlite_dbc *dbc, const char *sql) {
    int rc = sqlite3_exec(dbc->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? MR_OK : mr_sqlite_fail(dbc, rc);
}

/* Reads the file for the first time, so that a file that is no database is an error here, and not at the first query. A
 * lock is no error yet. */
static mr_status probe(sqlite_dbc *dbc, const mr_url *url) {
    if (mr_sqlite_is_memory(url)) return MR_OK;
    int rc = sqlite3_exec(dbc->db, "PRAGMA schema_version", NULL, NULL, NULL);
    if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED) return MR_OK;
    return open_failed(dbc, url, rc);
}

/* SQLite returns the mode that it really has, which may be another than the one that was asked for. */
static mr_status set_journal_mode(sqlite_dbc *dbc, const mr_url *url, const char *mode) {
    char sql[64];
    sqlite3_stmt *stmt = NULL;
    snprintf(sql, sizeof sql, "PRAGMA journal_mode=%s", mode);
    int rc = sqlite3_prepare_v2(dbc->db, sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK) return mr_sqlite_fail(dbc, rc);
    mr_status status = MR_OK;
    rc = sqlite3_step(stmt);
    const char *now = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (rc != SQLITE_ROW) {
        status = mr_sqlite_fail(dbc, rc);
    } else if (!now) {
        status = mr_nomem(dbc->env);
    } else if (!same_word(mode, now)) {
        status = mr_fail(dbc->env, MR_ERR_OPERATIONAL,
                         "(sqlite) database URL \"%s\": journal_mode=%s is not possible "
                         "here, this database stays at journal_mode=%s",
                         url->text, mode, now);
    }
    sqlite3_finalize(stmt);
    return status;
}

mr_status mr_sqlite_set_up(mr_dbc *handle, const mr_url *url) {
    sqlite_dbc *dbc = sqlite_dbc_of(handle);
    char sql[64];
    if (dbc->native) return MR_OK;
    if (probe(dbc, url)) return MR_FAIL;
    const char *mode = parameter_of(url, "journal_mode"), *synchronous = parameter_of(url, "synchronous");
    /* With a write-ahead log, sessions can read while another one writes. */
    if (!mode && mr_sqlite_is_memory(url)) mode = "wal";
    if (mode && set_journal_mode(dbc, url, mode)) return MR_FAIL;
    if (!synchronous) return MR_OK;
    snprintf(sql, sizeof sql, "PRAGMA synchronous=%s", synchronous);
    return exec(dbc, sql);
}

/* Makes the settings that do not need the file. */
static mr_status prepare_handle(sqlite_dbc *dbc, const mr_url *url) {
    const char *timeout = parameter_of(url, "busy_timeout");
    sqlite3_extended_result_codes(dbc->db, 1);
    if (timeout) parse_milliseconds(timeout, &dbc->timeout);
    sqlite3_busy_handler(dbc->db, wait_for_lock, dbc);
    if (sqlite3_progress_handler) sqlite3_progress_handler(dbc->db, STEPS_BETWEEN_LOOKS, mr_sqlite_should_stop, dbc);
    int rc = mr_sqlite_add_decimals(dbc);
    if (rc == SQLITE_OK) rc = mr_sqlite_add_cast(dbc);
    if (rc == SQLITE_OK) rc = mr_sqlite_add_regexp(dbc->db);
    return rc == SQLITE_OK ? exec(dbc, "PRAGMA foreign_keys=ON") : mr_sqlite_fail(dbc, rc);
}

/* An immutable file is named by a URI of SQLite's; there is no other way to say so. */
static int open_immutable(sqlite_dbc *dbc, const char *file, const char *vfs) {
    mr_strbuf uri;
    mr_strbuf_init(&uri, dbc->env);
    mr_strbuf_puts(&uri, "file:");
    for (const char *c = file; *c; c++) {
        if (strchr("%?#", *c)) mr_strbuf_printf(&uri, "%%%02X", (unsigned)*c);
        else mr_strbuf_putc(&uri, *c);
    }
    mr_strbuf_puts(&uri, "?immutable=1");
    const char *text = mr_strbuf_str(&uri);
    int rc = SQLITE_NOMEM, flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    if (text) rc = sqlite3_open_v2(text, &dbc->db, flags, vfs);
    mr_strbuf_done(&uri);
    return rc;
}

static int open_file(sqlite_dbc *dbc, const mr_url *url) {
    const char *vfs = parameter_of(url, "vfs");
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (has_parameter(url, "immutable", "1")) return open_immutable(dbc, url->database, vfs);
    if (has_parameter(url, "mode", "ro")) flags = SQLITE_OPEN_READONLY;
    if (has_parameter(url, "mode", "rw")) flags = SQLITE_OPEN_READWRITE;
    return sqlite3_open_v2(url->database, &dbc->db, flags | SQLITE_OPEN_NOMUTEX, vfs);
}

/* memory: the name of the database in memory that the engine's connections share; NULL: the file of the URL is opened.
 */
static int open_database(sqlite_dbc *dbc, const mr_url *url, const char *memory) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (!memory) return open_file(dbc, url);
    int rc = mr_sqlite_memory_register(memory);
    return rc == SQLITE_OK ? sqlite3_open_v2(memory, &dbc->db, flags, memory) : rc;
}

const char *mr_sqlite_version(void) { return sqlite3_libversion(); }

void mr_sqlite_own_process(void) { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

/* The SQLite library of the machine may be older than the one with which the module was built. */
static mr_status check_library(mr_env *env) {
    int rc = sqlite3_initialize(); /* needed by a SQLite that was built with SQLITE_OMIT_AUTOINIT */
    if (rc != SQLITE_OK)
        return mr_fail(env, MR_ERR_OPERATIONAL, "(sqlite) SQLite cannot be used: %s", sqlite3_errstr(rc));
    if (sqlite3_libversion_number() >= MR_SQLITE_MINIMUM) return MR_OK;
    return mr_fail(env, MR_ERR_OPERATIONAL,
                   "(sqlite) SQLite " MR_SQLITE_MINIMUM_TEXT
                   " or later is needed, and this program has found %s: install "
                   "a newer libsqlite3, or name one in LD_LIBRARY_PATH",
                   sqlite3_libversion());
}

mr_status mr_sqlite_open(mr_env *env, const mr_url *url, uint64_t serial, void *native, mr_dbc **out) {
    if (check_library(env)) return MR_FAIL;
    sqlite_dbc *dbc = mr_calloc(env, sizeof *dbc);
    if (!dbc) return MR_FAIL;
    dbc->env = env;
    dbc->timeout = DEFAULT_TIMEOUT;
    dbc->process = mr_env_process(env);
    if (native) {
        dbc->native = true;
        dbc->db = native;
        int added = mr_sqlite_add_decimals(dbc);
        if (added == SQLITE_OK) added = mr_sqlite_add_cast(dbc);
        if (added != SQLITE_OK) {
            mr_sqlite_fail(dbc, added);
            mr_free(env, dbc);
            return MR_FAIL;
        }
        *out = (mr_dbc *)(void *)dbc;
        return MR_OK;
    }
    char memory[80];
    bool in_memory = mr_sqlite_is_memory(url);
    /* The name is unique in the whole process. */
    snprintf(memory, sizeof memory, "/moonrow-%p-%llu", (void *)env, (unsigned long long)serial);
    int rc = open_database(dbc, url, in_memory ? memory : NULL);
    if ((rc == SQLITE_OK ? prepare_handle(dbc, url) : open_failed(dbc, url, rc)) != MR_OK) {
        sqlite3_close_v2(dbc->db);
        if (in_memory) mr_sqlite_memory_discard(memory);
        mr_free(env, dbc);
        return MR_FAIL;
    }
    *out = (mr_dbc *)(void *)dbc;
    return MR_OK;
}

void mr_sqlite_close(mr_dbc *handle) {
    sqlite_dbc *dbc = sqlite_dbc_of(handle);
    (void)mr_sqlite_watch_rows(handle, NULL, NULL);
    mr_sqlite_forget_schema(dbc);
    /* If another statement keeps the connection from being freed, SQLite must not call our functions later. */
    if (dbc->native && !mr_sqlite_is_inherited(dbc)) {
        mr_sqlite_remove_decimals(dbc);
        mr_sqlite_remove_cast(dbc);
    }
    if (!dbc->native && !mr_sqlite_is_inherited(dbc)) {
        sqlite3_busy_handler(dbc->db, NULL, NULL);
        if (sqlite3_progress_handler) sqlite3_progress_handler(dbc->db, 0, NULL, NULL);
        sqlite3_close_v2(dbc->db);
    }
    mr_error_free(dbc->env, dbc->failed);
    mr_free(dbc->env, dbc);
}

/*
 * driver_mock.h: the script of a mock engine: the rows and failures with which it answers.
 *
 * Invariant: the script belongs to the engine, which passes it to the driver as the native handle of each connection.
 */
#ifndef MOONROW_DB_DRIVER_MOCK_H
#define MOONROW_DB_DRIVER_MOCK_H

#include <moonrow/db.h>

typedef struct mr_mock_script mr_mock_script;

bool mr_driver_is_mock(const mr_driver *driver);
/* A new empty script; the caller frees it. */
mr_mock_script *mr_mock_script_new(mr_env *env);
void mr_mock_script_free(mr_mock_script *script); /* NULL is allowed */

/* The rows of one statement. */
typedef struct mr_mock_result {
    char *sql_part;
    size_t ncolumns, nrows;
    char **names;     /* ncolumns */
    mr_value *values; /* nrows * ncolumns, row by row, owned */
} mr_mock_result;

/* Removes the first result whose sql_part is in sql from the script. The caller frees it. NULL, which is no error, when
 * there is none. */
mr_mock_result *mr_mock_script_take(mr_mock_script *script, const char *sql);
/* Fails with the scripted error when sql must fail. */
mr_status mr_mock_script_check(mr_mock_script *script, const char *sql);
/* Makes count generated keys. Returns the last of them. */
int64_t mr_mock_script_number(mr_mock_script *script, int64_t count);
/* A result with copies of the names and values; the caller frees it. */
mr_mock_result *mr_mock_result_new(mr_env *env, const char *sql_part, const char *const *names, size_t ncolumns,
                                   const mr_value *values, size_t nrows);
void mr_mock_result_free(mr_env *env, mr_mock_result *result); /* NULL is allowed */

#endif

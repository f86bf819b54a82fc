/*
 * driver_mock.h: the script of a mock engine. It belongs to the engine, which hands it to the driver as the
 * native handle of each connection.
 */
#ifndef MOONROW_DB_DRIVER_MOCK_H
#define MOONROW_DB_DRIVER_MOCK_H

#include <moonrow/db.h>

typedef struct mr_mock_script mr_mock_script;

bool mr_driver_is_mock(const mr_driver *driver);
mr_mock_script *mr_mock_script_new(mr_env *env);
void mr_mock_script_free(mr_mock_script *script); /* NULL passes */

/* Rows that were scripted for one statement, or made up for it. */
typedef struct mr_mock_result {
    char *sql_part;
    size_t ncolumns, nrows;
    char **names;     /* ncolumns */
    mr_value *values; /* nrows * ncolumns, row by row, owned */
} mr_mock_result;

/* Takes the first scripted result whose text is part of sql out of the script; NULL where there is none. */
mr_mock_result *mr_mock_script_take(mr_mock_script *script, const char *sql);
/* Fails where the script wants sql to fail. */
mr_status mr_mock_script_check(mr_mock_script *script, const char *sql);
/* The last of count numbers that a generated key takes. */
int64_t mr_mock_script_number(mr_mock_script *script, int64_t count);
mr_mock_result *mr_mock_result_new(mr_env *env, const char *sql_part, const char *const *names, size_t ncolumns,
                                   const mr_value *values, size_t nrows);
void mr_mock_result_free(mr_env *env, mr_mock_result *result); /* NULL passes */

#endif

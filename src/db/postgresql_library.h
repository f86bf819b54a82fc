/*
 * postgresql_library.h: the functions of libpq that the driver calls, looked for when the first PostgreSQL database is
 * opened.
 *
 * Neither a header of libpq's nor the library is needed to build and to load moonrow: its functions are declared here,
 * whose form has been the same since libpq.so.5 exists.
 *
 * Invariant: the table has all functions, or there is none.
 */
#ifndef MOONROW_DB_POSTGRESQL_LIBRARY_H
#define MOONROW_DB_POSTGRESQL_LIBRARY_H

#include <moonrow/base.h>

typedef struct pg_conn pq_conn;
typedef struct pg_result pq_result;
typedef struct pg_cancel pq_cancel;
typedef unsigned int pq_oid;

enum { PQ_CONNECTION_OK = 0, PQ_CONNECTION_BAD = 1 };
enum { PQ_POLLING_FAILED = 0, PQ_POLLING_READING = 1, PQ_POLLING_WRITING = 2, PQ_POLLING_OK = 3 };
enum {
    PQ_EMPTY_QUERY = 0,
    PQ_COMMAND_OK = 1,
    PQ_TUPLES_OK = 2,
    PQ_COPY_OUT = 3,
    PQ_COPY_IN = 4,
    PQ_BAD_RESPONSE = 5,
    PQ_NONFATAL_ERROR = 6,
    PQ_FATAL_ERROR = 7,
    PQ_COPY_BOTH = 8
};
enum {
    PQ_TRANSACTION_IDLE = 0,
    PQ_TRANSACTION_ACTIVE = 1,
    PQ_TRANSACTION_OPEN = 2,
    PQ_TRANSACTION_FAILED = 3,
    PQ_TRANSACTION_UNKNOWN = 4
};

typedef void (*pq_notice_fn)(void *ud, const pq_result *result);

/* FUNCTION(its result, its name behind "PQ", its parameters) */
#define PQ_FUNCTIONS(FUNCTION)                                                                                         \
    FUNCTION(int, libVersion, (void))                                                                                  \
    FUNCTION(pq_conn *, connectStartParams, (const char *const *names, const char *const *values, int expand))         \
    FUNCTION(int, connectPoll, (pq_conn *))                                                                            \
    FUNCTION(void, finish, (pq_conn *))                                                                                \
    FUNCTION(int, status, (const pq_conn *))                                                                           \
    FUNCTION(int, transactionStatus, (const pq_conn *))                                                                \
    FUNCTION(const char *, parameterStatus, (const pq_conn *, const char *name))                                       \
    FUNCTION(int, serverVersion, (const pq_conn *))                                                                    \
    FUNCTION(char *, errorMessage, (const pq_conn *))                                                                  \
    FUNCTION(int, socket, (const pq_conn *))                                                                           \
    FUNCTION(int, setnonblocking, (pq_conn *, int on))                                                                 \
    FUNCTION(pq_notice_fn, setNoticeReceiver, (pq_conn *, pq_notice_fn, void *ud))                                     \
    FUNCTION(int, sendQuery, (pq_conn *, const char *sql))                                                             \
    FUNCTION(int, sendQueryParams,                                                                                     \
             (pq_conn *, const char *sql, int n, const pq_oid *types, const char *const *values, const int *lengths,   \
              const int *formats, int result_format))                                                                  \
    FUNCTION(int, sendPrepare, (pq_conn *, const char *name, const char *sql, int n, const pq_oid *types))             \
    FUNCTION(int, sendQueryPrepared,                                                                                   \
             (pq_conn *, const char *name, int n, const char *const *values, const int *lengths, const int *formats,   \
              int result_format))                                                                                      \
    FUNCTION(int, flush, (pq_conn *))                                                                                  \
    FUNCTION(int, consumeInput, (pq_conn *))                                                                           \
    FUNCTION(int, isBusy, (pq_conn *))                                                                                 \
    FUNCTION(pq_result *, getResult, (pq_conn *))                                                                      \
    FUNCTION(int, getCopyData, (pq_conn *, char **buffer, int async))                                                  \
    FUNCTION(int, putCopyEnd, (pq_conn *, const char *error))                                                          \
    FUNCTION(void, freemem, (void *))                                                                                  \
    FUNCTION(int, resultStatus, (const pq_result *))                                                                   \
    FUNCTION(char *, resultErrorMessage, (const pq_result *))                                                          \
    FUNCTION(char *, resultErrorField, (const pq_result *, int code))                                                  \
    FUNCTION(void, clear, (pq_result *))                                                                               \
    FUNCTION(int, ntuples, (const pq_result *))                                                                        \
    FUNCTION(int, nfields, (const pq_result *))                                                                        \
    FUNCTION(char *, fname, (const pq_result *, int column))                                                           \
    FUNCTION(pq_oid, ftype, (const pq_result *, int column))                                                           \
    FUNCTION(int, fformat, (const pq_result *, int column))                                                            \
    FUNCTION(char *, cmdStatus, (pq_result *))                                                                         \
    FUNCTION(char *, cmdTuples, (pq_result *))                                                                         \
    FUNCTION(char *, getvalue, (const pq_result *, int row, int column))                                               \
    FUNCTION(int, getlength, (const pq_result *, int row, int column))                                                 \
    FUNCTION(int, getisnull, (const pq_result *, int row, int column))                                                 \
    FUNCTION(pq_cancel *, getCancel, (pq_conn *))                                                                      \
    FUNCTION(void, freeCancel, (pq_cancel *))                                                                          \
    FUNCTION(int, cancel, (pq_cancel *, char *words, int size))

#define PQ_MEMBER(result, name, parameters) result(*name) parameters;
typedef struct pq_library {
    PQ_FUNCTIONS(PQ_MEMBER)
} pq_library;
#undef PQ_MEMBER

/* The library; it is looked for once in an environment. OperationalError: there is none, which its message tells. */
mr_status mr_pq_library(mr_env *env, const pq_library **out);

#endif

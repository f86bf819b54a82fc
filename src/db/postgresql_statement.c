/*
 * postgresql_statement.c: statements of the PostgreSQL driver: prepares, binds and runs them.
 *
 * The first execution of a statement is one message, which nothing is kept of on the server. A statement that runs
 * again with parameters of the same types is prepared then. Its name has a random part, because behind a pooler it
 * meets names of other programs. When the server has lost it, or a table of it was changed, it is prepared anew; inside
 * of a transaction, which such an error has ended, only the next time.
 *
 * Invariant: a statement has a result from its first step to its reset.
 */
#include "driver_postgresql.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MOST_PARAMETERS = 65535, MUCH_GARBAGE = 16 };

/* ---------------------------------------------------------------- making and freeing */

static mr_status make(postgresql_dbc *dbc, const char *sql, size_t len, postgresql_stmt **out) {
    if (len > INT_MAX - 1 || (len && memchr(sql, '\0', len)))
        return mr_fail(dbc->env, MR_ERR_PROGRAMMING,
                       len > INT_MAX - 1 ? "(postgresql) the statement is too long"
                                         : "(postgresql) the statement contains a zero byte");
    postgresql_stmt *s = mr_calloc(dbc->env, sizeof *s);
    if (!s) return MR_FAIL;
    s->dbc = dbc;
    s->row = -1;
    mr_vec_init(&s->prepared, dbc->env, sizeof(postgresql_prepared));
    mr_strbuf_init(&s->bytes, dbc->env);
    mr_strbuf_init(&s->params.room, dbc->env);
    s->sql = mr_strndup(dbc->env, sql, len);
    if (!s->sql) {
        mr_postgresql_finalize((mr_stmt *)(void *)s);
        return MR_FAIL;
    }
    s->commits = strcmp(s->sql, "COMMIT") == 0;
    *out = s;
    return MR_OK;
}

mr_status mr_postgresql_prepare(mr_dbc *dbc, const char *sql, size_t len, mr_stmt **out) {
    postgresql_stmt *s;
    if (make(postgresql_dbc_of(dbc), sql, len, &s) != MR_OK) return MR_FAIL;
    *out = (mr_stmt *)(void *)s;
    return MR_OK;
}

/* Has the server read the text? A mistake in the user's own words must not begin a transaction, and end it. That a type
 * is missing is told when the values are there. */
static mr_status check_text(postgresql_dbc *dbc, const mr_compiled *compiled) {
    pq_result *result;
    if (!compiled->is_text || !compiled->is_write || compiled->is_ddl) return MR_OK;
    if (dbc->pq->transactionStatus(dbc->conn) != PQ_TRANSACTION_IDLE) return MR_OK;
    if (mr_postgresql_wait(dbc, dbc->pq->sendPrepare(dbc->conn, "", compiled->sql, 0, NULL), false, &result) == MR_OK) {
        dbc->pq->clear(result);
        return MR_OK;
    }
    const mr_error_facts *facts = mr_env_error(dbc->env)->facts;
    bool untyped = facts && facts->sqlstate && strcmp(facts->sqlstate, "42P18") == 0;
    if (untyped) mr_env_clear_error(dbc->env);
    return untyped ? MR_OK : MR_FAIL;
}

mr_status mr_postgresql_prepare_compiled(mr_dbc *dbc, const mr_compiled *compiled, mr_stmt **out) {
    postgresql_stmt *s;
    mr_env *env = postgresql_dbc_of(dbc)->env;
    if (compiled->nparams > MOST_PARAMETERS)
        return mr_fail(env, MR_ERR_ARGUMENT,
                       "(postgresql) the statement has %zu parameters; PostgreSQL takes 65535: split it into several",
                       compiled->nparams);
    if (check_text(postgresql_dbc_of(dbc), compiled) != MR_OK) return MR_FAIL;
    if (make(postgresql_dbc_of(dbc), compiled->sql, compiled->sql_len, &s) != MR_OK) return MR_FAIL;
    s->compiled = compiled;
    *out = (mr_stmt *)(void *)s;
    return MR_OK;
}

/* Notes that nobody needs the prepared statement any more. Without memory it stays, which does no harm. */
static void discard(postgresql_dbc *dbc, const postgresql_prepared *prepared) {
    if (!prepared->name[0]) return;
    mr_strbuf_printf(&dbc->garbage, "DEALLOCATE %s;", prepared->name);
    dbc->ngarbage++;
}

void mr_postgresql_finalize(mr_stmt *handle) {
    postgresql_stmt *s = postgresql_stmt_of(handle);
    postgresql_dbc *dbc = s->dbc;
    if (s->result) dbc->pq->clear(s->result);
    for (size_t i = 0; i < s->prepared.len; i++) {
        postgresql_prepared *prepared = (postgresql_prepared *)s->prepared.data + i;
        discard(dbc, prepared);
        mr_free(dbc->env, prepared->types);
    }
    mr_vec_done(&s->prepared);
    mr_postgresql_params_done(&s->params, dbc->env);
    mr_strbuf_done(&s->bytes);
    mr_free(dbc->env, s->room);
    mr_free(dbc->env, s->sql);
    mr_free(dbc->env, s);
}

/* ---------------------------------------------------------------- binding */

mr_status mr_postgresql_bind(mr_stmt *handle, const mr_value *values, size_t n) {
    postgresql_stmt *s = postgresql_stmt_of(handle);
    mr_env *env = s->dbc->env;
    mr_postgresql_reset(handle);
    if (n != s->params.n) {
        mr_postgresql_params_done(&s->params, env);
        memset(&s->params, 0, sizeof s->params);
        if (mr_postgresql_params_init(&s->params, env, n) != MR_OK) {
            mr_postgresql_params_done(&s->params, env);
            memset(&s->params, 0, sizeof s->params);
            return MR_FAIL;
        }
    }
    return mr_postgresql_params_set(&s->params, env, s->compiled, values);
}

/* ---------------------------------------------------------------- prepared statements */

/* The statement for parameters of these types; NULL: there is none yet. */
static postgresql_prepared *find_prepared(const postgresql_stmt *s) {
    for (size_t i = 0; i < s->prepared.len; i++) {
        postgresql_prepared *prepared = (postgresql_prepared *)s->prepared.data + i;
        if (s->params.n == 0 || memcmp(prepared->types, s->params.types, s->params.n * sizeof(pq_oid)) == 0)
            return prepared;
    }
    return NULL;
}

/* Notes that the statement was run with parameters of these types. */
static void note_types(postgresql_stmt *s) {
    enum { MOST = 8 };
    if (s->prepared.len >= MOST) return;
    pq_oid *types = mr_alloc(s->dbc->env, s->params.n * sizeof *types + 1);
    postgresql_prepared *prepared = types ? mr_vec_push(&s->prepared) : NULL;
    if (!prepared) { /* it runs unprepared again */
        mr_free(s->dbc->env, types);
        mr_env_clear_error(s->dbc->env);
        return;
    }
    if (s->params.n) memcpy(types, s->params.types, s->params.n * sizeof *types);
    prepared->types = types;
}

static void clear_garbage(postgresql_dbc *dbc) {
    if (dbc->ngarbage < MUCH_GARBAGE || dbc->pq->transactionStatus(dbc->conn) != PQ_TRANSACTION_IDLE) return;
    const char *sql = mr_strbuf_str(&dbc->garbage);
    /* What is gone already, behind a pooler, is no error. */
    if (!sql || mr_postgresql_run(dbc, sql) != MR_OK) mr_env_clear_error(dbc->env);
    mr_strbuf_clear(&dbc->garbage);
    dbc->ngarbage = 0;
}

static mr_status prepare_on_server(postgresql_stmt *s, postgresql_prepared *prepared) {
    postgresql_dbc *dbc = s->dbc;
    pq_result *result;
    if (prepared->name[0] && prepared->generation == dbc->generation) return MR_OK;
    if (prepared->name[0]) discard(dbc, prepared);
    snprintf(prepared->name, sizeof prepared->name, "mr_%llx_%u", (unsigned long long)dbc->random, ++dbc->prepared);
    prepared->generation = dbc->generation;
    int sent = dbc->pq->sendPrepare(dbc->conn, prepared->name, s->sql, (int)s->params.n, s->params.types);
    if (mr_postgresql_wait(dbc, sent, false, &result) != MR_OK) {
        prepared->name[0] = '\0';
        return MR_FAIL;
    }
    dbc->pq->clear(result);
    return MR_OK;
}

/* ---------------------------------------------------------------- running */

static mr_status run_unprepared(postgresql_stmt *s) {
    const postgresql_params *p = &s->params;
    int sent =
        s->dbc->pq->sendQueryParams(s->dbc->conn, s->sql, (int)p->n, p->types, p->values, p->lengths, p->formats, 0);
    return mr_postgresql_wait(s->dbc, sent, s->commits, &s->result);
}

static mr_status run_prepared(postgresql_stmt *s, postgresql_prepared *prepared) {
    postgresql_dbc *dbc = s->dbc;
    const postgresql_params *p = &s->params;
    if (prepare_on_server(s, prepared) != MR_OK) return MR_FAIL;
    int sent = dbc->pq->sendQueryPrepared(dbc->conn, prepared->name, (int)p->n, p->values, p->lengths, p->formats, 0);
    if (mr_postgresql_wait(dbc, sent, s->commits, &s->result) == MR_OK) return MR_OK;
    if (!mr_postgresql_is_stale(dbc->env)) return MR_FAIL;
    dbc->generation++;
    if (dbc->pq->transactionStatus(dbc->conn) != PQ_TRANSACTION_IDLE) {
        mr_error_add_note(dbc->env,
                          "(a table was changed while a prepared statement reads it: run the transaction again)");
        return MR_FAIL;
    }
    mr_env_clear_error(dbc->env);
    return run_unprepared(s);
}

static mr_status run(postgresql_stmt *s) {
    postgresql_dbc *dbc = s->dbc;
    if (dbc->pq->status(dbc->conn) != PQ_CONNECTION_OK) return mr_postgresql_lost(dbc, NULL, false);
    clear_garbage(dbc);
    if (!dbc->keeps || !s->compiled || s->compiled->is_ddl) return run_unprepared(s);
    postgresql_prepared *prepared = find_prepared(s);
    if (prepared) return run_prepared(s, prepared);
    if (run_unprepared(s) != MR_OK) return MR_FAIL;
    note_types(s);
    return MR_OK;
}

/* A COMMIT of a transaction that has failed is answered as if it had worked, by another word. */
static mr_status check_commit(postgresql_stmt *s) {
    if (!s->commits || strcmp(s->dbc->pq->cmdStatus(s->result), "ROLLBACK") != 0) return MR_OK;
    return mr_fail(s->dbc->env, MR_ERR_OPERATIONAL,
                   "(postgresql) the transaction was rolled back instead: one of its statements had failed");
}

static mr_status begin(postgresql_stmt *s) {
    postgresql_dbc *dbc = s->dbc;
    if (run(s) != MR_OK || check_commit(s) != MR_OK) return MR_FAIL;
    const char *tuples = dbc->pq->cmdTuples(s->result);
    dbc->changes = 0;
    for (; *tuples >= '0' && *tuples <= '9'; tuples++) dbc->changes = dbc->changes * 10 + (*tuples - '0');
    s->rows = dbc->pq->resultStatus(s->result) == PQ_TUPLES_OK ? dbc->pq->ntuples(s->result) : 0;
    s->ncolumns = (unsigned)dbc->pq->nfields(s->result);
    return MR_OK;
}

mr_status mr_postgresql_step(mr_stmt *handle) {
    postgresql_stmt *s = postgresql_stmt_of(handle);
    if (!s->result && begin(s) != MR_OK) return MR_FAIL;
    if (s->row + 1 >= s->rows) {
        s->row = s->rows;
        return MR_DONE;
    }
    s->row++;
    return MR_ROW;
}

void mr_postgresql_reset(mr_stmt *handle) {
    postgresql_stmt *s = postgresql_stmt_of(handle);
    if (s->result) s->dbc->pq->clear(s->result);
    s->result = NULL;
    s->row = -1;
    s->rows = 0;
}

unsigned mr_postgresql_column_count(mr_stmt *handle) { return postgresql_stmt_of(handle)->ncolumns; }

const char *mr_postgresql_column_name(mr_stmt *handle, unsigned i) {
    const postgresql_stmt *s = postgresql_stmt_of(handle);
    return s->result ? s->dbc->pq->fname(s->result, (int)i) : NULL;
}

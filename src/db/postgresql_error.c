/*
 * postgresql_error.c: turns errors of PostgreSQL into errors of the library, and adds advice.
 *
 * Invariant: the error keeps the server's message in its orig, and code, constraint, table, column, detail and hint in
 * its facts. A detail that holds data of rows is in no message.
 */
#include "driver_postgresql.h"

#include <string.h>

static bool begins(const char *words, const char *with) { return strncmp(words, with, strlen(with)) == 0; }

/* The kinds by the beginning of the code; the longest that fits counts. */
static mr_errkind kind_of(const char *state) {
    static const struct {
        const char *begin;
        mr_errkind kind;
    } kinds[] = {
        {"22", MR_ERR_DATA},        {"23", MR_ERR_INTEGRITY},   {"44", MR_ERR_INTEGRITY},   {"08", MR_ERR_OPERATIONAL},
        {"25", MR_ERR_OPERATIONAL}, {"26", MR_ERR_OPERATIONAL}, {"28", MR_ERR_OPERATIONAL}, {"3D", MR_ERR_OPERATIONAL},
        {"40", MR_ERR_OPERATIONAL}, {"53", MR_ERR_OPERATIONAL}, {"54", MR_ERR_OPERATIONAL}, {"55", MR_ERR_OPERATIONAL},
        {"57", MR_ERR_OPERATIONAL}, {"58", MR_ERR_OPERATIONAL}, {"0A", MR_ERR_PROGRAMMING}, {"21", MR_ERR_PROGRAMMING},
        {"3F", MR_ERR_PROGRAMMING}, {"42", MR_ERR_PROGRAMMING},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (begins(state, kinds[i].begin)) return kinds[i].kind;
    return MR_ERR_DATABASE;
}

/* Advice for an error, by its code. */
static const char *cure_of(const postgresql_dbc *dbc, const char *state) {
    static const struct {
        const char *state, *cure;
    } cures[] = {
        {"42P01", ": db:create_all() makes the tables of the classes that are declared, in the first schema of "
                  "search_path"},
        {"42703",
         ": is it spelled so? create_all does not change a table that exists: ALTER TABLE ... ADD COLUMN does"},
        {"23503", ": a row refers to one that is not there, or rows refer to one that was to be deleted"},
        {"40001", ": others have changed what this transaction has read: run it again (session:retry)"},
        {"40P01", ": it and another transaction wait for each other: run it again (session:retry)"},
        {"55P03", ": another transaction holds the lock: run the transaction again (session:retry)"},
        {"42P18", ": give the parameter a type: mr.cast(x, mr.Text)"},
        {"25001", ": run it on a connection of engine:connect{ isolation_level = \"AUTOCOMMIT\" }; a step of a "
                  "migration is one transaction"},
        {"53300", ": the server has no free connection: give back those that are not used (session:close, "
                  "db.engine:dispose), or raise max_connections"},
    };
    if (strcmp(state, "57014") == 0 && dbc->timed_out) return ": the statement ran longer than its timeout allows";
    for (size_t i = 0; i < sizeof cures / sizeof *cures; i++)
        if (strcmp(state, cures[i].state) == 0) return cures[i].cure;
    return "";
}

/* Its detail names what depends on what, and no data: an object that others depend on, a column of a view. */
static bool names_dependents(const char *state) { return strcmp(state, "2BP01") == 0 || strcmp(state, "0A000") == 0; }

/* The words without the end of their line, in buf. */
static const char *one_line(const char *words, char *buf, size_t size) {
    size_t len = 0;
    while (words[len] && words[len] != '\n' && len + 1 < size) len++;
    while (len > 0 && ((unsigned char)words[len] & 0xc0) == 0x80) len--; /* a character stays whole */
    memcpy(buf, words, len);
    buf[len] = '\0';
    return buf;
}

static mr_error_facts facts_of(const postgresql_dbc *dbc, const pq_result *result) {
    const pq_library *pq = dbc->pq;
    return (mr_error_facts){.sqlstate = pq->resultErrorField(result, 'C'),
                            .schema = pq->resultErrorField(result, 's'),
                            .table = pq->resultErrorField(result, 't'),
                            .column = pq->resultErrorField(result, 'c'),
                            .constraint = pq->resultErrorField(result, 'n'),
                            .detail = pq->resultErrorField(result, 'D'),
                            .hint = pq->resultErrorField(result, 'H')};
}

/* A plan of the server's that the change of a table has made useless; the code alone means other things, too. */
static bool is_old_plan(const postgresql_dbc *dbc, const pq_result *result, const char *state) {
    const char *function = dbc->pq->resultErrorField(result, 'R');
    return strcmp(state, "0A000") == 0 && function && strcmp(function, "RevalidateCachedQuery") == 0;
}

mr_status mr_postgresql_fail(postgresql_dbc *dbc, const pq_result *result) {
    const pq_library *pq = dbc->pq;
    const char *state = result ? pq->resultErrorField(result, 'C') : NULL;
    const char *words = result ? pq->resultErrorField(result, 'M') : NULL;
    char begin[1000], more[1000];
    if (!words) words = result ? pq->resultErrorMessage(result) : pq->errorMessage(dbc->conn);
    if (!words) return mr_nomem(dbc->env);
    words = one_line(words, begin, sizeof begin);
    if (!state) state = "";
    if (strcmp(state, "57014") == 0 && dbc->interrupted) words = "interrupted";
    if (strcmp(state, "54001") == 0)
        mr_fail(
            dbc->env, MR_ERR_ARGUMENT,
            "(postgresql) the SQL is nested more deeply than this server reads (max_stack_depth): compute a part in "
            "a subquery or in Lua");
    else {
        const char *detail = result && names_dependents(state) ? pq->resultErrorField(result, 'D') : NULL;
        if (detail) detail = one_line(detail, more, sizeof more);
        mr_fail(dbc->env, kind_of(state), "(postgresql) %s%s%s%s", words, detail ? ": " : "", detail ? detail : "",
                cure_of(dbc, state));
    }
    mr_error_add_orig(dbc->env, words, 0);
    if (!result) return MR_FAIL;
    mr_error_facts facts = facts_of(dbc, result);
    if (is_old_plan(dbc, result, state)) facts.sqlstate = "0A000 RevalidateCachedQuery";
    mr_error_add_facts(dbc->env, &facts);
    return MR_FAIL;
}

bool mr_postgresql_is_stale(const mr_env *env) {
    const mr_error_facts *facts = mr_env_error(env)->facts;
    const char *state = facts ? facts->sqlstate : NULL;
    return state && (begins(state, "0A000 ") || strcmp(state, "26000") == 0 || strcmp(state, "42703") == 0);
}

mr_status mr_postgresql_lost(postgresql_dbc *dbc, const pq_result *result, bool commits) {
    const pq_library *pq = dbc->pq;
    char begin[1000];
    const char *words = result ? pq->resultErrorField(result, 'M') : NULL;
    if (!words) words = pq->errorMessage(dbc->conn);
    words = one_line(words ? words : "", begin, sizeof begin);
    if (commits)
        mr_fail(dbc->env, MR_ERR_UNKNOWN_OUTCOME,
                "(postgresql) the connection was lost while COMMIT was running, so it is not known whether the "
                "transaction is stored: look for its rows before doing it again (%s)",
                words);
    else
        mr_fail(
            dbc->env, MR_ERR_OPERATIONAL,
            "(postgresql) the connection to the server is lost: %s; a rollback, or a new session, takes another one",
            words);
    mr_error_add_orig(dbc->env, words, 0);
    if (!result) return MR_FAIL;
    mr_error_facts facts = facts_of(dbc, result);
    mr_error_add_facts(dbc->env, &facts);
    return MR_FAIL;
}

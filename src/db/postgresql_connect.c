/*
 * postgresql_connect.c: opens PostgreSQL databases. The parts of the URL become libpq's own parameters, so that it
 * finds services, sockets and certificates as psql does.
 *
 * Invariant: a connection speaks UTF-8, and writes dates, intervals and times as the driver reads them.
 */
#include "driver_postgresql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---------------------------------------------------------------- the URL */

/* libpq's parameters, and the driver's own. */
static const char *const PARAMETERS[] = {"prepare",
                                         "host",
                                         "hostaddr",
                                         "port",
                                         "dbname",
                                         "user",
                                         "password",
                                         "passfile",
                                         "service",
                                         "channel_binding",
                                         "connect_timeout",
                                         "options",
                                         "application_name",
                                         "fallback_application_name",
                                         "keepalives",
                                         "keepalives_idle",
                                         "keepalives_interval",
                                         "keepalives_count",
                                         "tcp_user_timeout",
                                         "gssencmode",
                                         "gssdelegation",
                                         "krbsrvname",
                                         "gsslib",
                                         "sslmode",
                                         "sslnegotiation",
                                         "sslcompression",
                                         "sslcert",
                                         "sslkey",
                                         "sslpassword",
                                         "sslcertmode",
                                         "sslrootcert",
                                         "sslcrl",
                                         "sslcrldir",
                                         "sslsni",
                                         "require_auth",
                                         "requirepeer",
                                         "ssl_min_protocol_version",
                                         "ssl_max_protocol_version",
                                         "load_balance_hosts",
                                         "target_session_attrs"};
enum { NPARAMETERS = sizeof PARAMETERS / sizeof PARAMETERS[0] };

static const char *parameter_name(void *ud, size_t i) {
    (void)ud;
    return i < NPARAMETERS ? PARAMETERS[i] : NULL;
}

static bool is_known(const char *name) {
    for (size_t i = 0; i < NPARAMETERS; i++)
        if (strcmp(PARAMETERS[i], name) == 0) return true;
    return false;
}

mr_status mr_postgresql_check(mr_env *env, const mr_url *url) {
    for (unsigned i = 0; i < url->nquery; i++) {
        const char *name = url->query_names[i], *value = url->query_values[i];
        if (!is_known(name)) {
            const char *near = mr_nearest(name, parameter_name, NULL);
            return mr_fail(env, MR_ERR_ARGUMENT, "database URL \"%s\": unknown parameter '%s'%s", url->text, name,
                           near ? mr_hint(env, near) : " (known are prepare, and the parameters of libpq)");
        }
        if (strcmp(name, "prepare") == 0 && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
            return mr_fail(env, MR_ERR_ARGUMENT,
                           "database URL \"%s\": prepare cannot be \"%s\"; it takes true or false", url->text, value);
    }
    return MR_OK;
}

static const char *parameter_of(const mr_url *url, const char *name) {
    for (unsigned i = url->nquery; i > 0; i--)
        if (strcmp(url->query_names[i - 1], name) == 0) return url->query_values[i - 1];
    return NULL;
}

/* ---------------------------------------------------------------- connecting */

/* What libpq is given; room for the URL's parts, its parameters and the driver's own. */
typedef struct settings {
    const char **names, **values;
    size_t n;
    char port[8];
} settings;

static void add(settings *s, const char *name, const char *value) {
    if (!value) return;
    s->names[s->n] = name;
    s->values[s->n++] = value;
}

static mr_status settings_of(mr_env *env, const mr_url *url, settings *s) {
    enum { OWN = 9 };
    memset(s, 0, sizeof *s);
    s->names = mr_calloc(env, (url->nquery + OWN) * sizeof(char *));
    s->values = mr_calloc(env, (url->nquery + OWN) * sizeof(char *));
    if (!s->names || !s->values) return MR_FAIL;
    if (url->port) snprintf(s->port, sizeof s->port, "%d", url->port);
    add(s, "fallback_application_name", "moonrow");
    add(s, "host", url->host);
    add(s, "port", url->port ? s->port : NULL);
    add(s, "user", url->username);
    add(s, "password", url->password);
    add(s, "dbname", url->database);
    for (unsigned i = 0; i < url->nquery; i++)
        if (strcmp(url->query_names[i], "prepare") != 0) add(s, url->query_names[i], url->query_values[i]);
    add(s, "client_encoding", "UTF8");
    return MR_OK;
}

/* What the server tells beside results. */
static void notice(void *ud, const pq_result *result) {
    postgresql_dbc *dbc = ud;
    const char *words = dbc->pq->resultErrorField(result, 'M');
    if (words) mr_log(dbc->env, "(postgresql) %s", words);
}

/* The words of libpq about a connection, with our advice; each of its lines is about one address. */
static mr_status refused(postgresql_dbc *dbc, const mr_url *url, const char *why) {
    char words[600];
    const char *said = why ? why : dbc->pq->errorMessage(dbc->conn);
    size_t n = 0;
    for (; *said && n + 1 < sizeof words; said++) words[n++] = *said == '\n' ? ' ' : *said;
    while (n > 0 && words[n - 1] == ' ') n--;
    words[n] = '\0';
    mr_fail(dbc->env, MR_ERR_OPERATIONAL, "(postgresql) cannot connect to \"%s\": %s", url->text, words);
    mr_error_add_orig(dbc->env, words, 0);
    return MR_FAIL;
}

static mr_status wait_connected(postgresql_dbc *dbc, const mr_url *url) {
    const char *timeout = parameter_of(url, "connect_timeout");
    const time_t end = timeout && atoi(timeout) > 0 ? time(NULL) + atoi(timeout) : 0;
    int state = PQ_POLLING_WRITING;
    if (dbc->pq->status(dbc->conn) == PQ_CONNECTION_BAD) return refused(dbc, url, NULL);
    while (state != PQ_POLLING_OK) {
        if (state == PQ_POLLING_FAILED) return refused(dbc, url, NULL);
        if (end && time(NULL) >= end) return refused(dbc, url, "no answer in the time that connect_timeout allows");
        if (mr_postgresql_should_stop(dbc)) return refused(dbc, url, "interrupted");
        mr_postgresql_poll(dbc, state == PQ_POLLING_WRITING);
        state = dbc->pq->connectPoll(dbc->conn);
    }
    return MR_OK;
}

static mr_status connect_to(postgresql_dbc *dbc, const mr_url *url) {
    settings s;
    mr_status status = settings_of(dbc->env, url, &s);
    if (status == MR_OK) {
        dbc->conn = dbc->pq->connectStartParams(s.names, s.values, 0);
        status = dbc->conn ? wait_connected(dbc, url) : mr_nomem(dbc->env);
    }
    mr_free(dbc->env, s.names);
    mr_free(dbc->env, s.values);
    return status;
}

mr_status mr_postgresql_open(mr_env *env, const mr_url *url, uint64_t serial, void *native, mr_dbc **out) {
    const pq_library *pq;
    const char *prepare = parameter_of(url, "prepare");
    (void)serial;
    (void)native;
    if (mr_pq_library(env, &pq) != MR_OK) return MR_FAIL;
    postgresql_dbc *dbc = mr_calloc(env, sizeof *dbc);
    if (!dbc) return MR_FAIL;
    dbc->env = env;
    dbc->pq = pq;
    dbc->keeps = !prepare || strcmp(prepare, "false") != 0;
    dbc->process = mr_env_process(env);
    mr_strbuf_init(&dbc->garbage, env);
    if (mr_random(env, &dbc->random, sizeof dbc->random) != MR_OK || connect_to(dbc, url) != MR_OK) {
        mr_postgresql_close((mr_dbc *)(void *)dbc);
        return MR_FAIL;
    }
    pq->setNoticeReceiver(dbc->conn, notice, dbc);
    pq->setnonblocking(dbc->conn, 1);
    *out = (mr_dbc *)(void *)dbc;
    return MR_OK;
}

/* Writes the SET of a setting that the server tells, if it has another value. */
static void pin(postgresql_dbc *dbc, mr_strbuf *sql, const char *name, const char *begin, const char *value) {
    const char *now = dbc->pq->parameterStatus(dbc->conn, name);
    if (!now || strncmp(now, begin, strlen(begin)) != 0) mr_strbuf_printf(sql, "SET %s = '%s';", name, value);
}

mr_status mr_postgresql_set_up(mr_dbc *handle, const mr_url *url) {
    postgresql_dbc *dbc = postgresql_dbc_of(handle);
    mr_strbuf sql;
    (void)url;
    mr_strbuf_init(&sql, dbc->env);
    pin(dbc, &sql, "DateStyle", "ISO", "ISO");
    pin(dbc, &sql, "IntervalStyle", "postgres", "postgres");
    pin(dbc, &sql, "TimeZone", "UTC", "UTC");
    pin(dbc, &sql, "standard_conforming_strings", "on", "on");
    const char *text = mr_strbuf_str(&sql);
    mr_status status = !text ? MR_FAIL : *text ? mr_postgresql_run(dbc, text) : MR_OK;
    mr_strbuf_done(&sql);
    return status;
}

/* In the child of a fork the socket is the parent's: nothing is sent, and libpq's memory is left. */
void mr_postgresql_close(mr_dbc *handle) {
    postgresql_dbc *dbc = postgresql_dbc_of(handle);
    if (dbc->conn && !mr_postgresql_is_inherited(dbc)) dbc->pq->finish(dbc->conn);
    mr_strbuf_done(&dbc->garbage);
    mr_free(dbc->env, dbc);
}

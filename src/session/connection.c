/*
 * connection.c: the session's connection: taken at first use, in lazy mode, and given back when the transaction ends;
 * and the versions of the data that are read.
 *
 * Invariants: an idle session holds no connection. owner->as_of rises when a read finds another version of the data. If
 * the session writes during a load of several statements, the load leaves its transaction open: ending it would commit
 * the write behind the user's back.
 */
#include "session_state.h"
#include "states.h"

/* ---------------------------------------------------------------- versions of the data */

/* Callback: a statement has read outside of a transaction. The versions of two connections cannot be compared: if
 * another connection reads, that counts as another version. */
static void has_read(void *ud, bool known, int64_t version) {
    mr_session *s = ud;
    uint64_t conn = mr_conn_serial(s->conn);
    s->owner->versioned = known;
    if (!known || conn != s->read_conn || version != s->read_version) {
        s->owner->as_of++;
        if (s->owner->as_of < MR_AS_OF_FIRST) s->owner->as_of = MR_AS_OF_FIRST;
    }
    s->read_conn = conn;
    s->read_version = version;
    if (s->nothing_read) s->oldest_version = s->owner->as_of;
    s->nothing_read = false;
    s->owner->mixed = s->oldest_version != s->owner->as_of;
}

void mr_session_note_all_expired(mr_session *s) {
    bool within =
        s->conn &&
        mr_conn_in_transaction(s->conn); /* all reads of a transaction are of one version, and has_read is not called */
    s->oldest_version = s->owner->as_of;
    s->nothing_read = !within;
    s->owner->mixed = false;
}

void mr_session_note_commit(mr_session *s) {
    int64_t version;
    if (!mr_conn_data_version(s->conn, &version)) return;
    s->read_conn = mr_conn_serial(s->conn);
    s->read_version = version;
}

bool mr_session_is_idle(const mr_session *s) { return s->phase == MR_PHASE_IDLE; }

void mr_session_distrust_memory(mr_session *s) { s->read_conn = 0; }

mr_status mr_session_schema_seen(mr_session *s, uint64_t *out) {
    mr_conn *conn;
    if (mr_session_connect(s, NULL, &conn) != MR_OK) return MR_FAIL;
    *out = mr_conn_schema_seen(conn);
    return MR_OK;
}

mr_status mr_session_reads(mr_session *s, const char *sql, mr_reads_fn fn, void *ud) {
    mr_conn *conn;
    if (mr_session_connect(s, NULL, &conn) != MR_OK) return MR_FAIL;
    return mr_conn_reads(conn, sql, fn, ud);
}

bool mr_session_reads_outside(void *session) {
    const mr_session *s = session;
    return s->flush_step != MR_FLUSH_STEP_PLANNING && (!s->conn || mr_conn_reads_outside(s->conn));
}

static void expire_older(mr_session *s) {
    mr_expire_unmodified(s);
    for (size_t i = 0; i < s->owner->dirty.len; i++) mr_expire_rest(s, mr_vec_ptr(&s->owner->dirty, i));
}

void mr_session_expire_before_snapshot(mr_session *s) {
    int64_t version = 0;
    bool known = mr_conn_data_version(s->conn, &version);
    if (!known && !mr_conn_changes_unseen(s->conn)) return;
    has_read(s, known, version);
    if (s->oldest_version == s->owner->as_of) return;
    if (s->phase == MR_PHASE_FLUSHING) s->stale = true; /* the flush still needs the values of these objects */
    else expire_older(s);
}

/* Callback: the first write has begun the transaction. Objects that were read before may be old. */
static mr_status write_began(void *ud) {
    mr_session *s = ud;
    mr_session_expire_before_snapshot(s);
    return mr_session_fire(s, MR_SESSION_AFTER_BEGIN);
}

void mr_session_adopt_load_transaction(mr_session *s) {
    if (!s->load_transaction) return;
    s->load_transaction = false;
    if (!s->conn) return;
    mr_conn_keep_load(s->conn);
    mr_session_expire_before_snapshot(s);
}

/* ---------------------------------------------------------------- the connection */

mr_status mr_session_connect(void *session, mr_mapper *mapper, mr_conn **out) {
    (void)mapper; /* one engine for all classes */
    mr_session *s = session;
    if (s->conn && !s->dead_levels) {
        *out = s->conn;
        return MR_OK;
    }
    if (mr_session_allow(s, MR_ACT_READ, "a statement") != MR_OK) return MR_FAIL;
    if (!s->engine)
        return mr_fail(s->env, MR_ERR_INVALID_REQUEST,
                       "this session is not bound to an engine: give one, mr.Session(engine) or "
                       "sessionmaker{ bind = engine }");
    mr_conn *conn;
    if (mr_engine_connect_again(s->engine, s->read_conn, &conn) != MR_OK) return MR_FAIL;
    mr_conn_set_owner(conn, s);
    mr_conn_set_lazy(conn, true, write_began, s);
    mr_conn_set_on_read(conn, has_read, s);
    mr_conn_set_on_lost(conn, mr_transaction_note_loss, s);
    if (s->marks.timeout != 0) mr_conn_use_marks(conn, &s->marks);
    *out = s->conn = conn;
    mr_session_common *common = mr_env_get(s->env, MR_ENV_SESSION);
    if (common) common->last = s;
    return MR_OK;
}

mr_status mr_session_connect_to_write(mr_session *s, mr_conn **out) {
    if (mr_session_connect(s, NULL, out) != MR_OK) return MR_FAIL;
    mr_session_adopt_load_transaction(s);
    return mr_conn_in_transaction(*out) ? MR_OK : mr_conn_begin_write(*out);
}

void mr_session_disconnect(mr_session *s) {
    mr_conn *conn = s->conn;
    s->conn = NULL;
    s->load_transaction = s->connection_lent = false;
    s->open_loads = 0;
    if (!conn) return;
    mr_conn_use_marks(conn, NULL);
    mr_conn_close(conn);
}

void mr_session_return_idle_connection(mr_session *s) {
    if (!s->conn || s->phase != MR_PHASE_IDLE || s->open_loads > 0 || mr_session_in_transaction(s)) return;
    if (!mr_conn_in_transaction(s->conn) && !mr_conn_is_reading(s->conn)) mr_session_disconnect(s);
}

mr_status mr_session_connection(mr_session *s, mr_conn **out) {
    if (mr_session_allow(s, MR_ACT_READ, "connection()") != MR_OK) return MR_FAIL;
    if (mr_session_connect(s, NULL, out) != MR_OK) return MR_FAIL;
    s->connection_lent = true;
    return MR_OK;
}

/* A load of several statements reads one snapshot. An open transaction has a snapshot already, and so has a cursor that
 * is being read; else a transaction begins for the load. */
mr_status mr_session_begin_load(void *session) {
    mr_session *s = session;
    mr_conn *conn = NULL;
    if (mr_session_connect(s, NULL, &conn) != MR_OK) return MR_FAIL;
    if (s->open_loads == 0 && !mr_conn_in_transaction(conn) && !mr_conn_is_reading(conn)) {
        if (mr_conn_begin_load(conn) != MR_OK) return MR_FAIL;
        s->load_transaction = true;
    }
    s->open_loads++;
    return MR_OK;
}

void mr_session_end_load(void *session) {
    mr_session *s = session;
    if (s->open_loads > 0) s->open_loads--;
    /* A listener may have left a result open: then the transaction stays open, until the next load or the session
     * ends it. */
    if (s->open_loads > 0 || !s->load_transaction || !s->conn || mr_conn_is_reading(s->conn)) return;
    s->load_transaction = false;
    mr_error *saved = mr_env_save_error(s->env);
    if (mr_conn_commit(s->conn) != MR_OK) mr_env_clear_error(s->env); /* nothing was written: nothing can be lost */
    mr_env_restore_error(s->env, saved);
}

/*
 * connecting.c: the session's connection: taken at first use, in lazy mode, and given back when the
 * transaction ends.
 *
 * Invariant: an idle session holds no connection; a bracketed load that meets a write leaves its transaction
 * open, so that the write is not committed behind the user's back.
 */
#include "session_state.h"

/* The first write has begun the transaction. What was read before may be old. */
static mr_status write_began(void *ud, bool changed) {
    mr_session *s = ud;
    if (changed && s->phase == MR_PHASE_FLUSHING)
        s->stale = true; /* its operations still need what they have */
    else if (changed)
        mr_expire_unmodified(s);
    return mr_session_fire(s, MR_SESSION_AFTER_BEGIN);
}

mr_status mr_session_connect(void *session, mr_mapper *mapper, mr_conn **out) {
    (void)mapper; /* one engine for all classes */
    mr_session *s = session;
    if (s->conn && !s->dead) {
        *out = s->conn;
        return MR_OK;
    }
    if (mr_session_allow(s, MR_ACT_READ, "a statement") != MR_OK) return MR_FAIL;
    if (!s->engine)
        return mr_fail(s->env, MR_ERR_INVALID_REQUEST,
                       "this session is not bound to an engine: give one, mr.Session(engine) or "
                       "sessionmaker{ bind = engine }");
    mr_conn *conn;
    if (mr_engine_connect(s->engine, &conn) != MR_OK) return MR_FAIL;
    mr_conn_set_owner(conn, s);
    mr_conn_set_lazy(conn, true, write_began, s);
    *out = s->conn = conn;
    return MR_OK;
}

mr_status mr_session_connect_to_write(mr_session *s, mr_conn **out) {
    if (mr_session_connect(s, NULL, out) != MR_OK) return MR_FAIL;
    s->reading = false; /* the read transaction becomes the session's */
    return mr_conn_in_transaction(*out) ? MR_OK : mr_conn_begin_write(*out);
}

void mr_session_disconnect(mr_session *s) {
    mr_conn *conn = s->conn;
    s->conn = NULL;
    s->reading = s->lent = false;
    s->brackets = 0;
    if (conn) mr_conn_close(conn);
}

mr_status mr_session_connection(mr_session *s, mr_conn **out) {
    if (mr_session_allow(s, MR_ACT_READ, "connection()") != MR_OK) return MR_FAIL;
    if (mr_session_connect(s, NULL, out) != MR_OK) return MR_FAIL;
    s->lent = true;
    return MR_OK;
}

/* A load of several statements sees one snapshot. An open transaction has one, and so has a cursor that is
 * being read. */
mr_status mr_session_bracket(void *session) {
    mr_session *s = session;
    mr_conn *conn = NULL;
    if (mr_session_connect(s, NULL, &conn) != MR_OK) return MR_FAIL;
    if (s->brackets == 0 && !mr_conn_in_transaction(conn) && !mr_conn_is_reading(conn)) {
        if (mr_conn_begin(conn, MR_TX_DEFERRED) != MR_OK) return MR_FAIL;
        s->reading = true;
    }
    s->brackets++;
    return MR_OK;
}

void mr_session_unbracket(void *session) {
    mr_session *s = session;
    if (s->brackets > 0) s->brackets--;
    /* Results that a hook has left open go on with the transaction, which the next load or the session's end
     * ends. */
    if (s->brackets > 0 || !s->reading || !s->conn || mr_conn_is_reading(s->conn)) return;
    s->reading = false;
    mr_error *saved = mr_env_save_error(s->env);
    if (mr_conn_commit(s->conn) != MR_OK)
        mr_env_clear_error(s->env); /* nothing was written: nothing can be lost */
    mr_env_restore_error(s->env, saved);
}

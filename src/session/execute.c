/*
 * execute.c: runs queries and plain statements in the session's transaction.
 *
 * Invariant: an autoflush comes first, so that the statement sees the changes of the session.
 */
#include "attributes.h"
#include "session_state.h"

/* Begins the transaction before a statement that writes and returns rows: its rows are read in that transaction. */
static mr_status begin_write(mr_session *s) {
    mr_conn *conn;
    s->writes++;
    s->statements++;
    return mr_session_connect_to_write(s, &conn);
}

/* Before a query runs. */
static mr_status prepare(mr_session *s, const mr_query *query) {
    if (mr_session_allow(s, MR_ACT_READ, "a query") != MR_OK) return MR_FAIL;
    if (query->autoflush && mr_session_autoflush_now(s) != MR_OK) return MR_FAIL;
    if (!query->autoflush) mr_session_compare_mutable(s); /* what is changed is not overwritten by what is read */
    return mr_query_writes(query) ? begin_write(s) : MR_OK;
}

mr_status mr_session_load(mr_session *s, mr_query *query, mr_load **out) {
    *out = NULL;
    if (prepare(s, query) != MR_OK) return MR_FAIL;
    mr_heap_block(s->heap);
    mr_status status = mr_load_start(&s->load, query, out);
    mr_heap_unblock(s->heap);
    return status;
}

mr_status mr_session_load_ready(mr_session *s, mr_ready *ready, const mr_vec *named, mr_load **out) {
    *out = NULL;
    if (prepare(s, mr_ready_query(ready)) != MR_OK) return MR_FAIL;
    mr_heap_block(s->heap);
    mr_status status = mr_load_ready(&s->load, ready, named, out);
    mr_heap_unblock(s->heap);
    return status;
}

mr_status mr_session_first_ready(mr_session *s, mr_ready *ready, const mr_vec *named, mr_entity **out) {
    *out = NULL;
    if (prepare(s, mr_ready_query(ready)) != MR_OK) return MR_FAIL;
    mr_heap_block(s->heap);
    mr_status status = mr_ready_first(&s->load, ready, named, out);
    mr_heap_unblock(s->heap);
    return status;
}

mr_status mr_session_first(mr_session *s, mr_mapper *mapper, const mr_equal *equals, unsigned n, mr_entity **out) {
    *out = NULL;
    if (mr_session_allow(s, MR_ACT_READ, "a query") != MR_OK) return MR_FAIL;
    if (mr_session_autoflush_now(s) != MR_OK) return MR_FAIL;
    mr_heap_block(s->heap);
    mr_status status = mr_load_first(&s->load, mapper, equals, n, out);
    mr_heap_unblock(s->heap);
    return status;
}

mr_status mr_session_execute_marked(mr_session *s, mr_conn *conn, mr_compiled *compiled, const mr_value *values,
                                    mr_cursor **out) {
    if (!s->call_marks) return mr_conn_execute(conn, compiled, values, out);
    mr_marks marks = *s->call_marks;
    const mr_marks *before = mr_conn_use_marks(conn, &marks);
    if (before && marks.timeout == 0) marks.timeout = before->timeout;
    mr_status status = mr_conn_execute(conn, compiled, values, out);
    mr_conn_use_marks(conn, before);
    return status;
}

static mr_status open_cursor(mr_session *s, mr_session_cursor *out, const mr_named_value *named, size_t nnamed) {
    if (mr_session_autoflush_now(s) != MR_OK) return MR_FAIL;
    mr_conn *conn;
    if (mr_session_connect(s, NULL, &conn) != MR_OK) return MR_FAIL;
    if (mr_engine_compile(s->engine, out->statement, named, nnamed, &out->compiled, &out->values) != MR_OK)
        return MR_FAIL;
    if (out->compiled->is_write) {
        mr_session_adopt_load_transaction(s);
        s->writes++;
        s->statements++;
    }
    return mr_session_execute_marked(s, conn, out->compiled, out->values, &out->cursor);
}

const mr_marks *mr_session_use_marks(mr_session *s, const mr_marks *marks) {
    const mr_marks *before = s->call_marks;
    s->call_marks = marks;
    return before;
}

mr_status mr_session_execute(mr_session *s, mr_node *statement, const mr_named_value *named, size_t nnamed,
                             mr_session_cursor *out) {
    *out = (mr_session_cursor){NULL, NULL, NULL, NULL};
    if (!statement) return MR_FAIL;
    out->statement = statement;
    mr_status status = mr_session_allow(s, MR_ACT_READ, "execute()");
    if (status == MR_OK) {
        mr_heap_block(s->heap);
        status = open_cursor(s, out, named, nnamed);
        mr_heap_unblock(s->heap);
    }
    if (status != MR_OK) mr_session_cursor_close(s->env, out);
    return status;
}

static mr_status open_on(mr_conn *conn, mr_session_cursor *out, const mr_named_value *named, size_t nnamed) {
    if (mr_engine_compile(mr_conn_engine(conn), out->statement, named, nnamed, &out->compiled, &out->values) != MR_OK)
        return MR_FAIL;
    return mr_conn_execute(conn, out->compiled, out->values, &out->cursor);
}

mr_status mr_connection_execute(mr_env *env, mr_conn *conn, mr_node *statement, const mr_named_value *named,
                                size_t nnamed, mr_session_cursor *out) {
    *out = (mr_session_cursor){NULL, NULL, NULL, NULL};
    if (!statement) return MR_FAIL;
    out->statement = statement;
    mr_status status = conn ? open_on(conn, out, named, nnamed)
                            : mr_fail(env, MR_ERR_INVALID_REQUEST, "execute: the connection is closed");
    if (status == MR_OK) return MR_OK;
    mr_error *saved = mr_env_save_error(env);
    mr_session_cursor_close(env, out);
    mr_env_restore_error(env, saved);
    return MR_FAIL;
}

void mr_session_cursor_close(mr_env *env, mr_session_cursor *c) {
    mr_cursor_close(c->cursor);
    mr_free(env, c->values);
    mr_compiled_release(c->compiled);
    mr_node_release(c->statement);
    *c = (mr_session_cursor){NULL, NULL, NULL, NULL};
}

/*
 * replay.c: undo and redo: a step is changed back, or once more, and the objects in memory follow.
 *
 * Invariant: objects follow only after the commit, by what cannot fail; until then nothing but their loaded values is
 * lost. A conflict leaves neither a transaction nor a change behind.
 */
#include "replay.h"

#include "journal.h"
#include "replay_row.h"
#include "states.h"

#include <string.h>

typedef struct replay {
    mr_session *s;
    mr_registry *registry;
    mr_step *step;
    bool back;
    mr_conn *conn;
    mr_vec *conflicts;
    mr_vec
        others; /* size_t: what foreign keys have changed besides, by index in the pending set; the step has it, too */
    bool triggers; /* they were turned off */
} replay;

/* ---------------------------------------------------------------- rows */

static mr_status add_conflict(replay *r, mr_change_set *set, const mr_change *change) {
    mr_conflict *c = mr_vec_push(r->conflicts);
    if (!c) return MR_FAIL;
    *c = (mr_conflict){mr_change_set_retain(set), change};
    return MR_OK;
}

/* Are both about one row? Where the table has a key, a row that comes back may have another number. */
static bool same_row(const mr_change *a, const mr_change *b) {
    if (a->table->name != b->table->name || a->table->schema != b->table->schema || a->n != b->n) return false;
    const mr_change pair = {.old_values = a->old_values ? a->old_values : a->new_values,
                            .new_values = b->old_values ? b->old_values : b->new_values};
    bool keyed = false;
    for (unsigned i = 0; i < a->n; i++) {
        if (!a->table->columns[i].key) continue;
        if (mr_change_differs(&pair, i)) return false;
        keyed = true;
    }
    return keyed || (a->rowid == b->rowid && a->old_rowid == b->old_rowid);
}

/* Is the change about a row that is a conflict already? One row is named once. */
static bool is_named(const replay *r, const mr_change *change) {
    for (size_t i = 0; i < r->conflicts->len; i++)
        if (same_row(((const mr_conflict *)mr_vec_at(r->conflicts, i))->change, change)) return true;
    return false;
}

static bool same_values(const mr_change *a, const mr_value *x, const mr_value *y) {
    if (!x || !y) return x == y;
    for (unsigned i = 0; i < a->n; i++) {
        const mr_change pair = {.old_values = x, .new_values = y};
        if (a->table->columns[i].absent) return true; /* until the commit, values may not be in their places */
        if (mr_change_differs(&pair, i)) return false;
    }
    return true;
}

/* Is the change of the pending set the one of the step? Redo alone asks: taken back, nothing follows from a row. */
static bool is_change(const mr_change *pending, const mr_change *c) {
    return pending->kind == c->kind && same_row(c, pending) && same_values(c, pending->old_values, c->old_values) &&
           same_values(c, pending->new_values, c->new_values);
}

/* Has a foreign key made the change already, when the row that it refers to was written? */
static bool is_done(replay *r, const mr_change *c) {
    const mr_change_set *pending = c->caused && !r->back ? mr_change_pending(r->conn) : NULL;
    for (size_t i = 0; pending && i < r->others.len; i++) {
        size_t at = *(size_t *)mr_vec_at(&r->others, i);
        if (!is_change(mr_change_at(pending, at), c)) continue;
        mr_vec_remove(&r->others, i);
        return true;
    }
    return false;
}

/* Notes what has changed beside the row that was to be written. from: length of the pending set before. */
static mr_status note_others(replay *r, size_t from) {
    const mr_change_set *pending = mr_change_pending(r->conn);
    bool own = true; /* the row itself, which stands before what follows from it */
    for (size_t i = from; pending && i < pending->changes.len; i++) {
        if (own && !mr_change_at(pending, i)->caused) {
            own = false;
            continue;
        }
        size_t *place = mr_vec_push(&r->others);
        if (!place) return MR_FAIL;
        *place = i;
    }
    return MR_OK;
}

static mr_status write_row(replay *r, replay_row *row, mr_change_set *set, const mr_change *c) {
    int64_t n = 0;
    if (strcmp(c->table->name, MR_CHANGE_LOG_TABLE) == 0 || is_done(r, c)) return MR_OK;
    mr_status status = mr_replay_row_make(row, c, r->back);
    if (status != MR_OK) return status;
    const mr_change_set *pending = mr_change_pending(r->conn);
    size_t before = pending ? pending->changes.len : 0;
    status = mr_conn_run(r->conn, row->compiled, row->values.data, &n);
    if (status == MR_OK && n == 1) return note_others(r, before);
    if (status == MR_FAIL && mr_env_error(r->s->env)->kind != MR_ERR_INTEGRITY) return MR_FAIL;
    mr_env_clear_error(r->s->env);
    return is_named(r, c) ? MR_OK : add_conflict(r, set, c);
}

static mr_status write_rows(replay *r) {
    replay_row row;
    mr_replay_row_init(&row, r->s->env);
    mr_status status = MR_OK;
    for (size_t s = 0, nsets = r->step->sets.len; status != MR_FAIL && s < nsets; s++) {
        mr_change_set *set = mr_vec_ptr(&r->step->sets, r->back ? nsets - 1 - s : s);
        for (size_t i = 0; status != MR_FAIL && i < set->changes.len; i++)
            status = write_row(r, &row, set, mr_change_at(set, r->back ? set->changes.len - 1 - i : i));
    }
    mr_replay_row_done(&row);
    return status == MR_FAIL ? MR_FAIL : MR_OK;
}

/* What a foreign key, or ON CONFLICT REPLACE, has changed besides, of which the step knows nothing. */
static mr_status find_others(replay *r) {
    mr_change_set *pending = mr_change_pending(r->conn);
    for (size_t i = 0; pending && i < r->others.len; i++)
        if (add_conflict(r, pending, mr_change_at(pending, *(size_t *)mr_vec_at(&r->others, i))) != MR_OK)
            return MR_FAIL;
    return MR_OK;
}

static mr_status set_up(replay *r) {
    mr_session *s = r->s;
    if (mr_session_begin(s, MR_TX_DEFAULT) != MR_OK || mr_session_connect_to_write(s, &r->conn) != MR_OK ||
        mr_conn_run_sql(r->conn, "PRAGMA defer_foreign_keys = ON") != MR_OK)
        return MR_FAIL;
    /* The step has what triggers have written. To turn them off costs each prepared statement: only where there are. */
    static const char question[] = "SELECT 1 FROM sqlite_schema WHERE type = 'trigger' UNION ALL "
                                   "SELECT 1 FROM sqlite_temp_schema WHERE type = 'trigger' LIMIT 1";
    mr_compiled *asks = mr_compiled_from_sql(s->env, question, sizeof question - 1, false);
    mr_cursor *cursor = NULL;
    mr_status status = asks ? mr_conn_execute(r->conn, asks, NULL, &cursor) : MR_FAIL;
    if (status == MR_OK) status = mr_cursor_step(cursor);
    mr_cursor_close(cursor);
    mr_compiled_release(asks);
    if (status == MR_FAIL) return MR_FAIL;
    r->triggers = status == MR_ROW;
    if (r->triggers) mr_conn_set_triggers(r->conn, false);
    return MR_OK;
}

/* ---------------------------------------------------------------- objects */

/* The identity of the row, before (old) or after the change. MR_DONE: it is no object's own row. */
static mr_status identity_of(replay *r, const mr_change *c, bool old, mr_strbuf *buf, mr_mapper **root, mr_value *out) {
    enum { MOST = 16 };
    mr_value key[MOST];
    char room[MOST][MR_READ_ROOM];
    mr_mapper *mapper = NULL;
    if (mr_change_class(r->registry, c, &mapper) != MR_OK || !mapper) return MR_DONE;
    mr_mapper *m = mapper->root;
    /* A row of a joined table has no object of its own. */
    if (mr_change_table_of(r->registry->metadata, c) != m->table || m->npk > MOST) return MR_DONE;
    for (unsigned i = 0; i < m->npk; i++) {
        const mr_property *prop = mr_mapper_at_slot(m, m->pk_slots[i]);
        int at = mr_change_position(c, prop->column);
        if (at < 0) return MR_DONE;
        mr_change_value(c, old, (unsigned)at, mr_column_type(m->env, prop->column), room[i], &key[i]);
    }
    *root = m;
    return mr_session_identity(r->s, m, key, buf, out) == MR_OK ? MR_OK : MR_DONE;
}

/* The row has gone: its object leaves the session, and the step keeps it. */
static void let_go(replay *r, mr_entity *e) {
    mr_session *s = r->s;
    mr_entity_pin(e);
    mr_state_make_deleted(s, e);
    mr_step_hold(r->step, e);
    mr_state_detach(s, e);
    mr_entity_unpin(e);
}

/* The row is back: so is the object that had shown it. */
static void bring_back(replay *r, const mr_mapper *root, const mr_value *identity) {
    mr_vec *held = &r->step->held;
    for (size_t i = held->len; i-- > 0;) {
        mr_entity *e = mr_vec_ptr(held, i);
        const mr_value its = mr_entity_identity(e);
        if (e->mapper->root != root || !mr_value_equal(r->s->env, &its, identity)) continue;
        mr_vec_remove(held, i);
        mr_state_leave_closed_session(e);
        bool alone = e->state == MR_DETACHED && !e->owner;
        e->flags &= ~(uint32_t)MR_ENTITY_GONE;
        if (alone) {
            mr_entity_expire(e);
            if (mr_state_attach(r->s, e) != MR_OK) mr_env_clear_error(r->s->env); /* another object shows the row */
        }
        mr_entity_unpin(e);
        return;
    }
}

/* The object of the row with the identity; NULL: it is not in memory. */
static mr_entity *shown_by(replay *r, const mr_change *c, bool old, mr_strbuf *buf, mr_mapper **root,
                           mr_value *identity) {
    *root = NULL;
    if (identity_of(r, c, old, buf, root, identity) != MR_OK) return NULL;
    mr_entity *e = mr_idmap_get(r->s->owner->idmap, *root, identity);
    return e && e->state == MR_PERSISTENT ? e : NULL;
}

/* The key of a row has changed: its object goes to the place of the other key. */
static void follow_key(replay *r, const mr_change *c) {
    mr_strbuf from, to;
    mr_mapper *root;
    mr_value was, is;
    mr_strbuf_init(&from, r->s->env);
    mr_strbuf_init(&to, r->s->env);
    mr_entity *e = shown_by(r, c, !r->back, &from, &root, &was);
    if (e && identity_of(r, c, r->back, &to, &root, &is) == MR_OK && !mr_value_equal(r->s->env, &was, &is)) {
        mr_idmap_remove(r->s->owner->idmap, e);
        if (mr_entity_set_identity(e, &is) != MR_OK || mr_idmap_put(r->s->owner->idmap, e) != MR_OK)
            mr_state_detach(r->s, e);
    }
    mr_strbuf_done(&from);
    mr_strbuf_done(&to);
}

static bool key_differs(const mr_change *c) {
    for (unsigned i = 0; i < c->n; i++)
        if (c->table->columns[i].key && mr_change_differs(c, i)) return true;
    return false;
}

static void follow(replay *r, const mr_change *c) {
    if (c->kind == MR_CHANGE_UPDATE) { /* all have expired */
        if (key_differs(c)) follow_key(r, c);
        return;
    }
    bool appears = c->kind == (r->back ? MR_CHANGE_DELETE : MR_CHANGE_INSERT);
    mr_strbuf buf;
    mr_value identity;
    mr_mapper *root;
    mr_strbuf_init(&buf, r->s->env);
    mr_entity *e = shown_by(r, c, !c->new_values, &buf, &root, &identity);
    if (!appears && e) let_go(r, e);
    if (appears && !e && root) bring_back(r, root, &identity);
    mr_strbuf_done(&buf);
}

static void follow_all(replay *r) {
    for (size_t s = 0, nsets = r->step->sets.len; s < nsets; s++) {
        const mr_change_set *set = mr_vec_ptr(&r->step->sets, r->back ? nsets - 1 - s : s);
        for (size_t i = 0; i < set->changes.len; i++)
            follow(r, mr_change_at(set, r->back ? set->changes.len - 1 - i : i));
    }
    mr_env_clear_error(r->s->env);
}

/* Does a later row of the step have the key that the change has taken away? */
static bool comes_again(const mr_step *step, size_t s, size_t i, const mr_change *gone) {
    for (; s < step->sets.len; s++, i = 0) {
        const mr_change_set *set = mr_vec_ptr(&step->sets, s);
        for (; i < set->changes.len; i++) {
            const mr_change *c = mr_change_at(set, i);
            bool same = c->new_values && c->table == gone->table && c->n == gone->n;
            for (unsigned k = 0; same && k < c->n; k++) {
                const mr_change pair = {.old_values = gone->old_values, .new_values = c->new_values};
                same = !c->table->columns[k].key || !mr_change_differs(&pair, k);
            }
            if (same) return true;
        }
    }
    return false;
}

/* The flush knows whose rows it has deleted. Of those that the database has deleted by itself, or a statement, the
 * objects are still there. */
void mr_session_settle_step(mr_session *s, mr_step *step) {
    size_t cursor = 0;
    mr_entity *any = mr_idmap_next(s->owner->idmap, &cursor);
    if (!any) return;
    replay r = {.s = s, .registry = any->mapper->registry, .step = step};
    for (size_t n = 0; n < step->sets.len; n++) {
        const mr_change_set *set = mr_vec_ptr(&step->sets, n);
        for (size_t i = 0; i < set->changes.len; i++) {
            const mr_change *c = mr_change_at(set, i);
            mr_mapper *root;
            mr_value identity;
            mr_strbuf buf;
            if (c->kind != MR_CHANGE_DELETE) continue;
            mr_strbuf_init(&buf, s->env);
            mr_entity *e = shown_by(&r, c, true, &buf, &root, &identity);
            if (e && !(e->flags & (MR_ENTITY_MODIFIED | MR_ENTITY_TO_DELETE)) && !comes_again(step, n, i + 1, c))
                let_go(&r, e);
            mr_strbuf_done(&buf);
        }
    }
    mr_env_clear_error(s->env);
}

/* ---------------------------------------------------------------- all */

static mr_status allow(mr_session *s) {
    if (!mr_session_in_transaction(s) && mr_session_is_clean(s)) return MR_OK;
    return mr_fail(s->env, MR_ERR_INVALID_REQUEST,
                   "undo and redo are transactions of their own, and this session has %s: commit or roll back first",
                   mr_session_in_transaction(s) ? "one that is open" : "changes that are not committed");
}

static mr_status write_all(replay *r) {
    mr_session *s = r->s;
    mr_status status = set_up(r);
    if (status == MR_OK) status = write_rows(r);
    if (status == MR_OK) status = find_others(r);
    if (r->triggers) mr_conn_set_triggers(r->conn, true);
    if (status != MR_OK) return MR_FAIL;
    if (r->conflicts->len > 0) return MR_NOTFOUND;
    mr_change_set *pending = mr_change_pending(r->conn);
    if (pending) pending->undo = true;
    mr_expire_everything(s);
    return mr_session_commit_all(s);
}

mr_status mr_session_replay(mr_session *s, mr_registry *registry, mr_step *step, bool back, mr_vec *conflicts) {
    replay r = {.s = s, .registry = registry, .step = step, .back = back, .conflicts = conflicts};
    if (mr_session_note_edits(s) != MR_OK || allow(s) != MR_OK) return MR_FAIL;
    if (mr_idmap_reserve(s->owner->idmap, step->held.len) != MR_OK) return MR_FAIL;
    mr_vec_init(&r.others, s->env, sizeof(size_t));
    mr_session_retain(s);
    mr_heap_block(s->heap);
    mr_status status = write_all(&r);
    bool refused = status == MR_FAIL && mr_env_error(s->env)->kind == MR_ERR_INTEGRITY;
    if (status == MR_OK) {
        follow_all(&r);
        mr_expire_everything(s); /* those that have come back are read when they are used */
    }
    mr_error *saved = mr_env_save_error(s->env);
    if (status != MR_OK && mr_session_in_transaction(s)) mr_session_rollback_all(s);
    mr_env_clear_error(s->env);
    mr_env_restore_error(s->env, saved);
    mr_vec_done(&r.others);
    mr_heap_unblock(s->heap);
    mr_session_release(s);
    return refused ? MR_NOTFOUND : status;
}

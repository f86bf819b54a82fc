/*
 * blocks.c: blocks that run a function in a transaction (session:begin(fn)): work that is refused after the transaction
 * of a block has ended, and the check before a new transaction begins.
 *
 * Invariant: block_ended is true while a block still runs though its transaction is over. Then only the end of the
 * block is possible: other work would be in no transaction, and nobody would commit it.
 */
#include "attributes.h"
#include "session_state.h"
#include "states.h"

void mr_blocks_update(mr_session *s) {
    s->block_ended = false;
    for (size_t i = 0; i < s->blocks.len && !s->block_ended; i++)
        s->block_ended = !mr_session_has_transaction(s, *(const uint64_t *)mr_vec_at(&s->blocks, i));
}

mr_status mr_session_enter_block(mr_session *s) {
    uint64_t *serial = mr_vec_push(&s->blocks);
    if (!serial) return MR_FAIL;
    *serial = mr_session_transaction_serial(s);
    return MR_OK;
}

void mr_session_leave_block(mr_session *s, uint64_t serial) {
    for (size_t i = s->blocks.len; i > 0; i--) {
        if (*(const uint64_t *)mr_vec_at(&s->blocks, i - 1) != serial) continue;
        mr_vec_remove(&s->blocks, i - 1);
        mr_blocks_update(s);
        return;
    }
}

mr_status mr_blocks_refuse(mr_session *s, const char *what) {
    return mr_fail(
        s->env, MR_ERR_INVALID_REQUEST,
        "%s: the transaction of this block (session:begin, begin_nested) has been ended inside it, by commit() or "
        "rollback(): nobody would commit what comes after. Let the block end first, or leave the commit to its end",
        what);
}

mr_status mr_blocks_allow_change(const mr_entity *e, const mr_property *prop) {
    mr_session *s = mr_session_of(e);
    if (!s || !s->block_ended || s->phase != MR_PHASE_IDLE) return MR_OK;
    mr_strbuf what;
    mr_strbuf_init(&what, s->env);
    mr_strbuf_printf(&what, "%s.%s", e->mapper->name, prop->name);
    mr_blocks_refuse(s, what.oom ? prop->name : mr_strbuf_str(&what));
    mr_strbuf_done(&what);
    return MR_FAIL;
}

/* ---------------------------------------------------------------- objects that wait for a flush */

/* Has the object something to write? Not if it was changed and changed back. */
static bool is_waiting(const mr_entity *e) {
    return e->state != MR_PERSISTENT || (e->flags & MR_ENTITY_TO_DELETE) || mr_entity_is_changed(e);
}

typedef struct naming {
    mr_strbuf *out;
    size_t named, left_out;
} naming;

static void name_objects(mr_session *s, const mr_vec *list, naming *n) {
    enum { NAMED = 5 };
    mr_strbuf words;
    mr_strbuf_init(&words, s->env);
    for (size_t i = 0; i < list->len; i++) {
        mr_entity *e = mr_vec_ptr(list, i);
        /* An object that is changed and to be deleted is in both lists: it is named once. */
        if (!is_waiting(e) || (list == &s->owner->dirty && (e->flags & MR_ENTITY_TO_DELETE))) continue;
        if (n->named == NAMED) {
            n->left_out++;
            continue;
        }
        mr_strbuf_printf(n->out, "%s%s", n->named++ ? ", " : "", mr_entity_words(e, &words));
    }
    mr_strbuf_done(&words);
}

bool mr_session_name_pending(mr_session *s, mr_strbuf *out) {
    naming n = {out, 0, 0};
    mr_session_compare_mutable(s);
    if (mr_session_is_clean(s)) return false;
    mr_state_sort_pending(s);
    name_objects(s, &s->pending, &n);
    name_objects(s, &s->owner->dirty, &n);
    name_objects(s, &s->to_delete, &n);
    if (n.left_out) mr_strbuf_printf(out, " and %zu more", n.left_out);
    return n.named > 0;
}

mr_status mr_blocks_check_begin(mr_session *s) {
    mr_strbuf words;
    mr_strbuf_init(&words, s->env);
    mr_status status = MR_OK;
    if (mr_session_name_pending(s, &words))
        status = mr_fail(
            s->env, MR_ERR_INVALID_REQUEST,
            "begin(): the session has changes that were made before it and that a rollback of the new transaction "
            "would take back: %s. commit() or rollback() them first, or flush() them and use begin_nested()",
            words.oom ? "objects" : mr_strbuf_str(&words));
    mr_strbuf_done(&words);
    return status;
}

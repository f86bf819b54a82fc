/*
 * journal.c: notes of what the transaction has written, so that memory can follow a rollback.
 *
 * Invariant: the notes of a savepoint are those from its mark on. Notes do not keep objects alive: an object that was
 * freed meanwhile is read from its row when it is needed again, so nothing must be restored for it.
 */
#include "journal.h"

#include "replay.h"
#include "session_state.h"
#include "states.h"

enum { FIRST_PRUNE = 4096 };

static mr_note *note_at(const mr_session *s, size_t i) { return mr_vec_at(&s->journal, i); }

static mr_entity *note_entity(const mr_session *s, const mr_note *note) {
    return mr_heap_get(s->heap, note->slot, note->generation);
}

static void free_note(mr_session *s, mr_note *note) {
    if (note->kind == MR_NOTE_INSERTED && s->expired_inserts) mr_expired_insert_drop(s, note->slot, note->generation);
    if (note->kind == MR_NOTE_OLD_COLUMNS) mr_expired_insert_free(s->env, note->u.columns);
    if (note->kind != MR_NOTE_REKEYED) return;
    mr_value_clear(s->env, note->u.old);
    mr_free(s->env, note->u.old);
}

static void truncate_notes(mr_session *s, size_t len) {
    bool owns = s->journal_owns || s->expired_inserts;
    for (size_t i = len; owns && i < s->journal.len; i++) free_note(s, note_at(s, i));
    s->journal.len = len;
}

/* Removes the notes of freed objects: a long transaction may write many objects and drop them. */
static void prune(mr_session *s) {
    size_t kept = 0, savepoint = 0;
    for (size_t i = 0; i < s->journal.len; i++) {
        for (; savepoint < s->savepoints.len; savepoint++) {
            mr_savepoint *p = mr_vec_at(&s->savepoints, savepoint);
            if (p->mark > i) break;
            p->mark = kept;
        }
        mr_note note = *note_at(s, i);
        if (note_entity(s, &note)) *note_at(s, kept++) = note;
        else free_note(s, &note);
    }
    for (; savepoint < s->savepoints.len; savepoint++)
        ((mr_savepoint *)mr_vec_at(&s->savepoints, savepoint))->mark = kept;
    s->journal.len = kept;
    s->prune_at = kept * 2 > FIRST_PRUNE ? kept * 2 : FIRST_PRUNE;
}

mr_status mr_journal_reserve(mr_session *s, size_t more) {
    if (s->journal.len >= s->prune_at) prune(s);
    size_t need = s->journal.len + more;
    if (need <= s->journal.cap) return MR_OK;
    size_t cap = s->journal.cap * 2;
    return mr_vec_reserve(&s->journal, cap > need ? cap : need);
}

/* Appends a note. Its room was reserved. */
static mr_note *push(mr_session *s, mr_note_kind kind, const mr_entity *entity) {
    mr_note *note = mr_vec_at(&s->journal, s->journal.len++);
    *note = (mr_note){.kind = (uint8_t)kind, .slot = entity->heap_slot};
    if (kind == MR_NOTE_DELETED) s->journal_deletes = true;
    if (kind == MR_NOTE_REKEYED || kind == MR_NOTE_OLD_COLUMNS) s->journal_owns = true;
    note->generation = mr_heap_generation(s->heap, entity->heap_slot);
    return note;
}

/* Room for two notes was reserved. Call inside a savepoint, before the object changes: notes the columns of an object
 * that the transaction has inserted. The rollback of the savepoint reads the row again. But the rollback of the whole
 * transaction makes the object transient, and then only these columns are known. */
static mr_status push_old_columns(mr_session *s, mr_entity *entity) {
    if (s->savepoints.len == 0 || !mr_uncommitted_inserted(s, entity)) return MR_OK;
    mr_expired_insert *kept = mr_expired_insert_copy(s, entity);
    if (!kept) return MR_FAIL;
    push(s, MR_NOTE_OLD_COLUMNS, entity)->u.columns = kept;
    return MR_OK;
}

/* Notes a change of the object's row, with its old columns. */
static mr_status push_updated(mr_session *s, mr_entity *entity) {
    if (s->savepoints.len == 0) return MR_OK;
    if (push_old_columns(s, entity) != MR_OK) return MR_FAIL;
    push(s, MR_NOTE_UPDATED, entity);
    return MR_OK;
}

/* Is the last note of this level about a change of this object? One note is enough when its columns change one by one.
 */
static bool is_just_noted(const mr_session *s, const mr_entity *entity) {
    const mr_savepoint *level = s->savepoints.len ? mr_vec_at(&s->savepoints, s->savepoints.len - 1) : NULL;
    if (!level || s->journal.len <= level->mark) return false;
    const mr_note *last = note_at(s, s->journal.len - 1);
    return last->kind == MR_NOTE_UPDATED && note_entity(s, last) == entity;
}

mr_status mr_journal_updated(mr_session *s, mr_entity *entity) {
    if (is_just_noted(s, entity)) return MR_OK;
    return mr_journal_reserve(s, 2) == MR_OK ? push_updated(s, entity) : MR_FAIL;
}

static mr_status push_deleted(mr_session *s, mr_entity *entity) {
    if (push_old_columns(s, entity) != MR_OK) return MR_FAIL;
    push(s, MR_NOTE_DELETED, entity);
    return MR_OK;
}

mr_status mr_journal_deleted(mr_session *s, mr_entity *entity) {
    return mr_journal_reserve(s, 2) == MR_OK ? push_deleted(s, entity) : MR_FAIL;
}

/* ---------------------------------------------------------------- the results of a flush */

/* The column slots below 64 of a class, a bit for each. */
typedef struct column_slots {
    const mr_mapper *mapper;
    uint64_t bits;
} column_slots;

static void find_columns(column_slots *columns, const mr_mapper *mapper) {
    if (columns->mapper == mapper) return;
    *columns = (column_slots){.mapper = mapper};
    for (size_t i = 0; i < mapper->columns.len; i++) {
        unsigned slot = ((const mr_property *)mr_vec_ptr(&mapper->columns, i))->slot;
        if (slot < 64) columns->bits |= (uint64_t)1 << slot;
    }
}

/* A bit for each column slot below 64 that held nothing before the flush, or whose key the flush has generated. */
static uint64_t unset_slots(mr_entity *e, uint64_t generated, uint64_t columns) {
    uint64_t unset = 0;
    mr_entity_touch(e);
    for (unsigned slot = 0; slot < e->nslots && slot < 64; slot++)
        if (e->slots[slot].kind == MR_UNLOADED) unset |= (uint64_t)1 << slot;
    for (unsigned slot = e->nslots; slot < e->mapper->nslots && slot < 64; slot++)
        if (mr_entity_slot(e, slot)->kind == MR_UNLOADED) unset |= (uint64_t)1 << slot;
    unset &= columns;
    for (unsigned i = 0; i < e->mapper->npk && i < 64; i++) {
        unsigned slot = e->mapper->pk_slots[i];
        if ((generated >> i & 1) && slot < 64) unset |= (uint64_t)1 << slot;
    }
    return unset;
}

static bool has_high_key(const mr_mapper *mapper) {
    for (unsigned i = 0; i < mapper->npk; i++)
        if (mapper->pk_slots[i] >= 64) return true;
    return false;
}

static mr_status note_rekeyed(mr_session *s, const mr_flush_result *result) {
    mr_value *old = mr_calloc(s->env, sizeof *old);
    if (!old || mr_value_copy(s->env, old, &result->old_identity) != MR_OK) {
        mr_free(s->env, old);
        return MR_FAIL;
    }
    push(s, MR_NOTE_REKEYED, result->entity)->u.old = old;
    return MR_OK;
}

static mr_status note_result(mr_session *s, const mr_flush_result *result, column_slots *columns) {
    mr_entity *e = result->entity;
    switch (result->kind) {
    case MR_FLUSH_INSERT:
        find_columns(columns, e->mapper);
        if (result->generated && has_high_key(e->mapper)) push(s, MR_NOTE_NUMBERED, e)->u.unset = result->generated;
        push(s, MR_NOTE_INSERTED, e)->u.unset = unset_slots(e, result->generated, columns->bits);
        return MR_OK;
    case MR_FLUSH_UPDATE:
        /* A modified object is in the dirty list, and was noted with that list. */
        if (!(e->flags & MR_ENTITY_MODIFIED) && push_updated(s, e) != MR_OK) return MR_FAIL;
        return result->key_changed ? note_rekeyed(s, result) : MR_OK;
    case MR_FLUSH_DELETE:
        return push_deleted(s, e);
    }
    return MR_OK;
}

mr_status mr_journal_reserve_for(mr_session *s, const mr_flush *flush) {
    size_t n = mr_flush_result_count(flush);
    return mr_journal_reserve(s, 3 * n + (s->savepoints.len > 0 ? 2 * s->owner->dirty.len : 0));
}

static mr_status note_results(mr_session *s, const mr_flush *flush, size_t from, size_t to) {
    column_slots columns = {0};
    mr_status status = MR_OK;
    for (size_t i = from; status == MR_OK && i < to; i++) {
        const mr_flush_result result = mr_flush_result_at(flush, i);
        status = note_result(s, &result, &columns);
    }
    return status;
}

void mr_journal_flush_some(mr_session *s, const mr_flush *flush, size_t from, size_t to) {
    note_results(s, flush, from, to);
}

mr_status mr_journal_flush(mr_session *s, const mr_flush *flush) {
    const mr_vec *dirty = &s->owner->dirty;
    bool nested = s->savepoints.len > 0;
    if (mr_journal_reserve_for(s, flush) != MR_OK) return MR_FAIL;
    size_t before = s->journal.len;
    mr_status status = MR_OK;
    /* All changed objects, also those whose own row does not change: their collections have changed. */
    for (size_t i = 0; status == MR_OK && nested && i < dirty->len; i++) status = push_updated(s, mr_vec_ptr(dirty, i));
    if (status == MR_OK) status = note_results(s, flush, 0, mr_flush_result_count(flush));
    if (status != MR_OK) truncate_notes(s, before);
    return status;
}

/* ---------------------------------------------------------------- before objects expire */

void mr_journal_before_expiry(mr_session *s, mr_entity *one) {
    if (one) {
        if (mr_uncommitted_inserted(s, one)) mr_expired_insert_add(s, one);
        return;
    }
    for (size_t i = s->journal.len; i-- > 0;) {
        const mr_note *note = note_at(s, i);
        mr_entity *e = note->kind == MR_NOTE_INSERTED ? note_entity(s, note) : NULL;
        /* An object of an older generation has expired already. */
        if (e && e->owner == s->owner && e->generation == s->owner->generation) mr_expired_insert_add(s, e);
    }
}

/* ---------------------------------------------------------------- undoing */

static bool is_ours(const mr_session *s, const mr_entity *e) { return e->owner == s->owner; }

/* The object becomes transient again, and loses the values that the flush has set. Also if it was expunged meanwhile.
 */
static void undo_insert(mr_session *s, mr_entity *e, uint64_t unset) {
    mr_state_leave_closed_session(e);
    if (!is_ours(s, e) && !(e->state == MR_DETACHED && !e->owner)) return;
    mr_state_make_transient(s, e);
    e->flags |= MR_ENTITY_UNDONE;
    const mr_vec *columns = &e->mapper->columns;
    for (size_t i = 0; i < columns->len; i++) {
        const mr_property *prop = mr_vec_ptr(columns, i);
        if (prop->slot < 64 && (unset >> prop->slot & 1)) mr_entity_forget(e, prop->slot);
    }
    mr_expired_insert_give_back(s, e, unset);
}

static void undo_numbering(mr_session *s, mr_entity *e, uint64_t generated) {
    if (!is_ours(s, e) && e->state != MR_TRANSIENT) return;
    for (unsigned i = 0; i < e->mapper->npk && i < 64; i++)
        if ((generated >> i & 1) && e->mapper->pk_slots[i] >= 64) mr_entity_forget(e, e->mapper->pk_slots[i]);
}

static void undo_rekey(mr_session *s, mr_entity *e, mr_value *old) {
    if (!is_ours(s, e)) return;
    mr_idmap_remove(s->owner->idmap, e);
    mr_entity_give_identity(e, old);
}

static void undo_note(mr_session *s, mr_note *note) {
    mr_entity *e = note_entity(s, note);
    if (!e) return;
    mr_uncommitted_undo(s, e);
    switch ((mr_note_kind)note->kind) {
    case MR_NOTE_INSERTED:
        undo_insert(s, e, note->u.unset);
        break;
    case MR_NOTE_NUMBERED:
        undo_numbering(s, e, note->u.unset);
        break;
    case MR_NOTE_UPDATED:
        break; /* see put_back */
    case MR_NOTE_DELETED:
        if (is_ours(s, e) && e->state == MR_DELETED) e->state = MR_PERSISTENT;
        if (!e->owner) e->flags &= ~(uint32_t)MR_ENTITY_GONE; /* it was expunged meanwhile; its row is there again */
        break;
    case MR_NOTE_REKEYED:
        undo_rekey(s, e, note->u.old);
        break;
    case MR_NOTE_OLD_COLUMNS:
        if (!is_ours(s, e)) break;
        mr_expired_insert_replace(s, e, note->u.columns);
        note->u.columns = NULL;
        break;
    }
}

/* The object of the note, if it must get its place in the identity map back; else NULL. */
static mr_entity *returning(const mr_session *s, const mr_note *note) {
    if (note->kind != MR_NOTE_DELETED && note->kind != MR_NOTE_REKEYED) return NULL;
    mr_entity *e = note_entity(s, note);
    bool returns = e && is_ours(s, e) && e->state == MR_PERSISTENT && !(e->flags & MR_ENTITY_IN_MAP);
    return returns ? e : NULL;
}

/* The object that has e's place in the identity map. */
static mr_entity *at_its_place(mr_session *s, const mr_entity *e) {
    const mr_value identity = mr_entity_identity(e);
    return mr_idmap_get(s->owner->idmap, e->mapper->root, &identity);
}

/* Another object may have been read meanwhile from a row of the same key. That row is gone now: detaches the object. */
static void make_room(mr_session *s, size_t mark) {
    for (size_t i = mark; i < s->journal.len; i++) {
        const mr_entity *e = returning(s, note_at(s, i));
        mr_entity *other = e ? at_its_place(s, e) : NULL;
        if (other) mr_state_detach(s, other);
    }
}

/* Puts objects back into the identity map, after all others have left their places there. Objects that were written
 * expire; those that are transient now keep their values. */
static mr_status put_back(mr_session *s, size_t mark) {
    mr_status status = MR_OK;
    for (size_t i = mark; i < s->journal.len; i++) {
        const mr_note *note = note_at(s, i);
        if (note->kind == MR_NOTE_INSERTED || note->kind == MR_NOTE_NUMBERED || note->kind == MR_NOTE_OLD_COLUMNS)
            continue;
        mr_entity *e = note_entity(s, note);
        if (!e || !is_ours(s, e) || e->state != MR_PERSISTENT) continue;
        if (note->kind != MR_NOTE_REKEYED) mr_entity_expire(e);
        if (note->kind == MR_NOTE_UPDATED || (e->flags & MR_ENTITY_IN_MAP)) continue;
        /* If two objects want one place: the first is the one that had it before the transaction. */
        bool taken = at_its_place(s, e) != NULL;
        if (!taken && mr_idmap_put(s->owner->idmap, e) == MR_OK) continue;
        mr_state_detach(s, e);
        if (!taken) status = MR_FAIL;
    }
    return status;
}

mr_status mr_journal_undo(mr_session *s, size_t mark) {
    for (size_t i = s->journal.len; i > mark; i--) undo_note(s, note_at(s, i - 1));
    make_room(s, mark);
    mr_status status = put_back(s, mark);
    truncate_notes(s, mark);
    return status;
}

/* ---------------------------------------------------------------- ending a level */

void mr_journal_merge(mr_session *s, size_t mark) {
    if (s->savepoints.len > 0) return;
    size_t kept = mark;
    for (size_t i = mark; i < s->journal.len; i++) {
        mr_note *note = note_at(s, i);
        if (note->kind == MR_NOTE_UPDATED || note->kind == MR_NOTE_OLD_COLUMNS) free_note(s, note);
        else *note_at(s, kept++) = *note;
    }
    s->journal.len = kept;
}

void mr_journal_accept(mr_session *s) {
    for (size_t i = 0; s->journal_deletes && i < s->journal.len; i++) {
        enum { AHEAD = 12 };
        const mr_note *note = note_at(s, i);
        if (i + AHEAD < s->journal.len) mr_entity_prefetch(note_entity(s, note_at(s, i + AHEAD)));
        if (note->kind != MR_NOTE_DELETED) continue;
        mr_entity *e = note_entity(s, note);
        if (!e || (e->owner && !is_ours(s, e))) continue;
        if (e->state != MR_DELETED) continue;
        if (s->keeps_deleted) mr_step_hold(s->keeps_deleted, e);
        mr_state_detach(s, e);
    }
    mr_journal_clear(s);
}

void mr_journal_clear(mr_session *s) {
    truncate_notes(s, 0);
    mr_expired_insert_clear(s);
    if (s->journal.cap > FIRST_PRUNE)
        mr_vec_done(&s->journal); /* one large transaction must not keep its memory for ever */
    s->prune_at = FIRST_PRUNE;
    s->journal_deletes = s->journal_owns = false;
}

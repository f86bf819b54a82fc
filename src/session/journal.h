/*
 * journal.h: the notes of what a transaction has written, and the old columns of objects that it has inserted.
 *
 * Invariant: a note names its object by a weak handle (slot and generation): nothing must be restored for an object
 * that was freed.
 */
#ifndef MR_SESSION_JOURNAL_H
#define MR_SESSION_JOURNAL_H

#include "session_state.h"

typedef enum mr_note_kind {
    MR_NOTE_INSERTED = 1, /* unset: a bit for each column slot below 64 that held nothing before the flush */
    MR_NOTE_NUMBERED,     /* unset: a bit for each generated key column, by its position in the key; written only where
                             a key column has a slot of 64 or more */
    MR_NOTE_UPDATED,      /* only inside savepoints: the end of the transaction expires all objects anyway */
    MR_NOTE_DELETED,
    MR_NOTE_REKEYED,    /* old: the identity before; owned by the note */
    MR_NOTE_OLD_COLUMNS /* only inside savepoints. columns: of an object that this transaction has inserted, as they
                           were before the change; owned by the note */
} mr_note_kind;

/* The columns of an object that the transaction has inserted, by position in mapper->columns. MR_UNLOADED: the value is
 * not known. */
typedef struct mr_expired_insert {
    size_t n;
    mr_value values[];
} mr_expired_insert;

typedef struct mr_note {
    uint8_t kind;
    uint32_t slot, generation; /* of the object in the heap */
    union {
        uint64_t unset;
        mr_value *old;
        mr_expired_insert *columns;
    } u;
} mr_note;

/* ---------------------------------------------------------------- journal.c */

/* Notes what a flush has written. Call after it has run and before it is published. On failure nothing is noted. */
mr_status mr_journal_flush(mr_session *s, const mr_flush *flush);
/* The same in pieces, where nothing can fail but the first: outside of savepoints, and if no identity has changed
 * (mr_flush_is_uniform): first makes room, then notes results from..to-1. */
mr_status mr_journal_reserve_for(mr_session *s, const mr_flush *flush);
void mr_journal_flush_some(mr_session *s, const mr_flush *flush, size_t from, size_t to);
/* Notes that the object's row was found missing: the object stays deleted until the transaction is rolled back. */
mr_status mr_journal_deleted(mr_session *s, mr_entity *entity);
/* Notes that a statement has changed the object's row. Needed only when a savepoint may be rolled back alone. */
mr_status mr_journal_updated(mr_session *s, mr_entity *entity);
/* Reserves room for that many more notes. */
mr_status mr_journal_reserve(mr_session *s, size_t more);
/* Call before objects expire: saves the columns of those that this transaction has inserted, because a rollback makes
 * them transient, and then no row has their values. one: only this object; NULL: all. Without memory, less is saved. */
void mr_journal_before_expiry(mr_session *s, mr_entity *one);
/* Undoes the notes from position mark on: memory is as it was before them, or is read again. MR_FAIL: there was no
 * memory to put some objects back into the identity map; they are detached. */
mr_status mr_journal_undo(mr_session *s, size_t mark);
/* A savepoint was released: its notes, from position mark on, belong to the level outside now. */
void mr_journal_merge(mr_session *s, size_t mark);
/* The transaction is committed: deleted objects become detached, and the journal is empty. */
void mr_journal_accept(mr_session *s);
/* Empties the journal, and gives back the memory of a long one. */
void mr_journal_clear(mr_session *s);

/* ---------------------------------------------------------------- expired_inserts.c */

/* A copy of all that is known of the object's columns: saved before, or loaded now. The caller owns it. A value for
 * which there is no memory is left out. NULL: no memory at all; the error is recorded. */
mr_expired_insert *mr_expired_insert_copy(const mr_session *s, mr_entity *entity);
/* Saves these columns of the object in place of those saved before. Takes columns over. */
void mr_expired_insert_replace(mr_session *s, const mr_entity *entity, mr_expired_insert *columns);
/* Call before the object expires: saves its loaded columns. Without memory, less is saved; no error is recorded. */
void mr_expired_insert_add(mr_session *s, mr_entity *entity);
/* Gives the saved values back to those columns of a transient object that hold nothing. unset: a bit for each slot
 * below 64 that stays empty. */
void mr_expired_insert_give_back(mr_session *s, mr_entity *entity, uint64_t unset);
/* Forgets the columns of one object. slot, generation: as in mr_note. */
void mr_expired_insert_drop(mr_session *s, uint32_t slot, uint32_t generation);
/* Forgets the columns of all objects. */
void mr_expired_insert_clear(mr_session *s);
void mr_expired_insert_free(mr_env *env, mr_expired_insert *columns);

#endif

/*
 * states.h: moving one object between its states, and expiring objects. Nothing here cascades.
 *
 * Invariant: a function that fails has changed nothing.
 */
#ifndef MR_SESSION_STATES_H
#define MR_SESSION_STATES_H

#include "session_state.h"

/* ---------------------------------------------------------------- states.c */

/* The object in words, "<User 3>" or "<User (pending)>", for messages. buf belongs to the caller, and holds the text.
 */
const char *mr_entity_words(const mr_entity *entity, mr_strbuf *buf);

/* InvalidRequestError when another open session has the object. */
mr_status mr_state_check_session(mr_session *s, const mr_entity *entity);
/* An object of a closed session becomes plainly detached. Call this before anything else that may change the object. */
void mr_state_leave_closed_session(mr_entity *entity);

/* What session:add does with one object, whatever its state is. */
mr_status mr_state_admit(mr_session *s, mr_entity *entity);
mr_status mr_state_make_pending(mr_session *s, mr_entity *entity);
/* A detached object becomes persistent. */
mr_status mr_state_attach(mr_session *s, mr_entity *entity);
/* A persistent or deleted object leaves the session. */
void mr_state_detach(mr_session *s, mr_entity *entity);
/* The object leaves the session and loses its identity; it keeps its values. */
void mr_state_make_transient(mr_session *s, mr_entity *entity);
/* The object's row is gone, though no flush has deleted it. The object becomes deleted, and another object may take its
 * identity. */
void mr_state_make_deleted(mr_session *s, mr_entity *entity);

/* Marks the object with TO_DELETE. cascaded: only because its parent is deleted; an object that the program itself has
 * deleted keeps that stronger mark. */
mr_status mr_state_mark_to_delete(mr_session *s, mr_entity *entity, bool cascaded);
/* Takes the object out of to_delete, and takes its mark away. */
void mr_state_unmark_to_delete(mr_session *s, mr_entity *entity);
/* Takes the mark of an object away that the caller has removed from to_delete. */
void mr_state_clear_mark(mr_entity *entity);
/* Takes the marks of all objects away, and empties to_delete and spared. */
void mr_state_unmark_all(mr_session *s);
void mr_state_clear_spared(mr_entity *entity); /* clears the flag SPARED */
void mr_state_clear_all_spared(mr_session *s); /* of all objects; empties spared */
void mr_state_drop_all_pending(mr_session *s); /* all pending objects become transient */
void mr_state_sort_pending(mr_session *s);     /* puts pending in the order of insert_order */

/* ---------------------------------------------------------------- expire.c */

/* All persistent objects are to be read again; changes are lost. Costs as much as there are pending and changed
 * objects, not as there are loaded ones. */
void mr_expire_everything(mr_session *s);
/* Only the changed objects; their changes are lost. */
void mr_expire_dirty(mr_session *s);
/* Only the unchanged objects. */
void mr_expire_unmodified(mr_session *s);
/* Of a changed object, the columns and references without a change. Its key, its collections and its version stay,
 * because the flush needs them. */
void mr_expire_rest(mr_session *s, mr_entity *entity);
/* One object, because the program asks for it. Unloaded collections at the other ends of its relationships forget what
 * the lost changes told them. */
mr_status mr_expire_one(mr_session *s, mr_entity *entity);
/* A write to the table may have replaced other rows silently: unchanged objects that show the table are read again. */
void mr_expire_table(mr_session *s, const mr_table *table);

#endif

/*
 * cascade.h: walks along relationships, deletion with its cascades, and orphans.
 *
 * Invariant: no recursion: a chain of a million objects must not overflow the C stack.
 */
#ifndef MR_SESSION_CASCADE_H
#define MR_SESSION_CASCADE_H

#include "session_state.h"

/* ---------------------------------------------------------------- cascade.c */

/* Does the walk go on to item, which entity holds through rel? MR_OK: yes; MR_DONE: no; MR_FAIL: error. */
typedef mr_status (*mr_cascade_passes)(void *ud, mr_entity *entity, const mr_relationship *rel, mr_entity *item);
typedef struct mr_cascade {
    unsigned cascade;         /* MR_CASCADE_...: the walk follows the relationships that have it */
    bool loads;               /* unloaded relationships are loaded: listeners may run during the walk */
    mr_cascade_passes passes; /* NULL: the walk goes everywhere */
    void *ud;
    mr_vec out;   /* mr_entity *: the objects reached, each once, pinned */
    size_t at;    /* index in out: the relationships of the objects from here on are still to be followed */
    mr_vec found; /* the items of one relationship */
    mr_map *seen; /* of a walk that loads: mr_entity * */
} mr_cascade;
/* Begins a walk. The caller has set the first four fields, and must call mr_cascade_end whatever the result is. */
mr_status mr_cascade_begin(mr_cascade *w, mr_env *env);
void mr_cascade_end(mr_cascade *w);
/* Adds the object to the objects reached. */
mr_status mr_cascade_reach(mr_cascade *w, mr_entity *e);
bool mr_cascade_has_reached(const mr_cascade *w, const mr_entity *e);
/* Follows the relationships of all objects that were reached. */
mr_status mr_cascade_walk(mr_cascade *w);
/* Reaches the object, and walks. */
mr_status mr_cascade_from(mr_cascade *w, mr_entity *from);
/* Adds the object to the session, and all that save-update reaches from it. The objects that were not in the session
 * before are appended, pinned, to admitted (may be NULL). On failure no object was added. */
mr_status mr_cascade_admit(mr_session *s, mr_entity *entity, mr_vec *admitted);
/* Takes the admitted objects out of the session again. */
void mr_cascade_take_back(mr_session *s, mr_vec *admitted);
/* Unpins the objects, and frees the list. */
void mr_cascade_release(mr_vec *reached);

/* ---------------------------------------------------------------- deletion.c */

/* session:delete: marks the object, and all that the delete cascade reaches from it. Loads relationships. */
mr_status mr_deletion_mark(mr_session *s, mr_entity *entity);
/* The object is not deleted after all: the objects in memory that its deletion had marked lose their marks, too. */
mr_status mr_deletion_unmark_reached(mr_session *s, mr_entity *entity);
/* Before a flush: decides anew which objects are deleted: those that the program has deleted, the orphans, and what the
 * cascade reaches from these now. Others lose their marks. *before: the length of to_delete before objects were added
 * here. */
mr_status mr_deletion_decide(mr_session *s, size_t *before);
/* Takes the marks of the objects from..to-1 of to_delete away. */
void mr_deletion_unmark_range(mr_session *s, size_t from, size_t to);

/* ---------------------------------------------------------------- orphans.c */

/* Appends, pinned, the objects that a delete-orphan relationship has lost and that have no other parent. */
mr_status mr_orphans_find(mr_session *s, mr_vec *out);

#endif

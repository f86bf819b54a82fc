/*
 * undo.h: what a transaction has changed, changed back, and changed once more.
 *
 * Invariant: a step is replayed exactly or not at all. Backwards it goes from the last row that was written to the
 * first, so that each state in between is one that the database has been in. A row that is not as the step has left it,
 * and a row that the replay would change besides, is a conflict.
 */
#ifndef MOONROW_UNDO_H
#define MOONROW_UNDO_H

#include <moonrow/change.h>
#include <moonrow/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The changes of one transaction or several, with the objects that they have deleted. */
typedef struct mr_step mr_step;
/* A new step without changes. Free it with mr_step_free. */
mr_step *mr_step_new(mr_env *env);
void mr_step_free(mr_step *step); /* NULL passes */
/* Adds the set, which is retained, behind the others. MR_NOTFOUND: it cannot be changed back, for not all of its rows
 * were recorded; the step is as before. */
mr_status mr_step_add(mr_step *step, mr_change_set *set);
/* Moves all that the other step has behind what this one has. */
mr_status mr_step_join(mr_step *step, mr_step *later);
size_t mr_step_bytes(const mr_step *step);
/* Calls fn for each table of the step, once for each time that its rows begin. */
void mr_step_tables(const mr_step *step, void (*fn)(void *ud, const mr_changed_table *table), void *ud);
/* Calls fn for each row that is not there while the step is done (undone: true: while it is undone), if its table has a
 * single integer key: such a key must not be given to another row. */
void mr_step_absent(const mr_step *step, bool undone, void (*fn)(void *ud, const mr_changed_table *table, int64_t key),
                    void *ud);
/* The objects whose deletion this session commits from now on are kept by the step, so that they come back with their
 * rows. NULL: no more. */
void mr_session_keep_deleted(mr_session *s, mr_step *step);

/* Call when the step has all that the session has committed in it: the objects of rows that the database has deleted by
 * itself (a cascade, a statement) leave the session, and the step keeps them. */
void mr_session_settle_step(mr_session *s, mr_step *step);

/* A row that keeps a step from being replayed. */
typedef struct mr_conflict {
    mr_change_set *set; /* one reference */
    const mr_change *change;
} mr_conflict;
/* Changes back what the step has changed (back), or changes it once more, in a transaction of its own, and commits it.
 * The rows get just the values of before: no defaults, no triggers. Objects in memory follow. MR_NOTFOUND: there are
 * conflicts (appended; the caller releases their sets); nothing has changed, and no transaction is open. An empty list
 * of conflicts: a constraint has refused the commit, and the recorded error says which. InvalidRequestError: the
 * session has a transaction, or changes that are not flushed. */
mr_status mr_session_replay(mr_session *s, mr_registry *registry, mr_step *step, bool back,
                            mr_vec *conflicts /* mr_conflict */);

#ifdef __cplusplus
}
#endif
#endif

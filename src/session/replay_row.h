/*
 * replay_row.h: the statement that changes one row back.
 *
 * Invariant: the values are borrowed from the change.
 */
#ifndef MR_SESSION_REPLAY_ROW_H
#define MR_SESSION_REPLAY_ROW_H

#include <moonrow/change.h>

typedef struct replay_row {
    mr_env *env;
    mr_strbuf sql, last;
    mr_vec values; /* mr_value: the parameters */
    mr_compiled *compiled;
} replay_row;

void mr_replay_row_init(replay_row *row, mr_env *env);
void mr_replay_row_done(replay_row *row);
/* Makes row->compiled and its values: the statement that takes the change back, or (back false) makes it once more. It
 * matches one row if that is as the change has left it, or found it. MR_DONE: there is nothing to write. */
mr_status mr_replay_row_make(replay_row *row, const mr_change *change, bool back);

#endif

/*
 * sqltext.h: what SQL text does, as far as its words tell.
 *
 * Invariant: in doubt the text counts as a write.
 */
#ifndef MOONROW_SQL_SQLTEXT_H
#define MOONROW_SQL_SQLTEXT_H

#include <moonrow/sql.h>

typedef struct mr_sqltext_traits {
    mr_text_kind kind;
    bool is_ddl; /* CREATE, DROP and the like: open cursors must be closed first */
} mr_sqltext_traits;

/* Does "[" begin a quoted name, as in SQLite? Behind a name or a bracket it begins the index of an array. before is the
 * character in front of "[", or a zero byte when there is none. */
bool mr_sqltext_opens_name(char before);
/* Looks at SQL text of len bytes. */
mr_sqltext_traits mr_sqltext_look(const char *sql, size_t len);

#endif

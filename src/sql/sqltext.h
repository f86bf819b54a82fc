/*
 * sqltext.h: what can be told of SQL text from its words.
 */
#ifndef MOONROW_SQL_SQLTEXT_H
#define MOONROW_SQL_SQLTEXT_H

#include <moonrow/sql.h>

typedef struct mr_sqltext_traits {
    mr_text_kind kind;
    bool is_ddl; /* the statements that are open must be closed first */
} mr_sqltext_traits;

/* May "[" quote a name here, as in SQLite? Behind a name or a bracket it is the index of an array. before: the
 * character in front of it, a zero byte where there is none. */
bool mr_sqltext_opens_name(char before);
mr_sqltext_traits mr_sqltext_look(const char *sql, size_t len);

#endif

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

mr_sqltext_traits mr_sqltext_look(const char *sql, size_t len);

#endif

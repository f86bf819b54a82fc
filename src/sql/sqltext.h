/*
 * sqltext.h: what can be told of SQL text from its words.
 */
#ifndef MOONROW_SQL_SQLTEXT_H
#define MOONROW_SQL_SQLTEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mr_sqltext_traits {
    bool is_write; /* neither a query nor an inspection: begins the transaction */
    bool is_ddl;
} mr_sqltext_traits;

mr_sqltext_traits mr_sqltext_look(const char *sql, size_t len);

#endif

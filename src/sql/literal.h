/*
 * literal.h: values as SQL text, and where they come from.
 *
 * Invariant: neither function keeps what it is given.
 */
#ifndef MOONROW_SQL_LITERAL_H
#define MOONROW_SQL_LITERAL_H

#include <moonrow/sql.h>

/* Appends the value as the dialect writes it in a statement: 'it''s', X'00FF', '2024-02-29', NULL. */
void mr_put_literal(const mr_dialect *d, const mr_value *v, mr_strbuf *out);
/* compiled.c: the value of a parameter without a name, from the binds of mr_sql_key. Its bytes are borrowed from them.
 * May execute statements. InvalidRequestError: the binds are those of another statement. */
mr_status mr_bound_value(mr_env *env, const mr_param *param, const mr_vec *binds, mr_value *out);

#endif

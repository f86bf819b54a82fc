/*
 * key.h: the order in which the binds of a statement are counted.
 *
 * Invariant: the compiler and the key count binds in the same order (see key.c).
 */
#ifndef MOONROW_SQL_KEY_H
#define MOONROW_SQL_KEY_H

#include <moonrow/sql.h>

/* An ALIAS or a CTE of the statement. Its number is its index in the vec. The first bind inside of it has the number
 * base. */
typedef struct mr_key_object {
    const mr_node *node;
    uint32_t base;
} mr_key_object;

/* Fills objects (mr_key_object) in the order in which the key meets them. Appends to key, and to binds (const mr_node
 * *, borrowed); both may be NULL. ArgumentError: too many binds. */
mr_status mr_key_scan(const mr_node *statement, mr_strbuf *key, mr_vec *binds, mr_vec *objects);
/* The number of spellings that a comparison writes for the value of a BIND; a part of the key. (compile_spelled.c) */
unsigned mr_spelling_count(const mr_node *bind);
/* The length to which an IN list of n values is padded. */
size_t mr_key_padded(size_t n);

#endif

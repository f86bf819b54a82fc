/*
 * key.h: the order in which a statement's binds are counted.
 */
#ifndef MOONROW_SQL_KEY_H
#define MOONROW_SQL_KEY_H

#include <moonrow/sql.h>

/* An ALIAS or a CTE of the statement; its number is its place in the vec. The binds in what it wraps
 * count from base on. */
typedef struct mr_key_object {
    const mr_node *node;
    uint32_t base;
} mr_key_object;

/* Fills objects (mr_key_object) in the order in which the key meets them; appends to key and binds,
 * which may be NULL. */
mr_status mr_key_scan(const mr_node *statement, mr_strbuf *key, mr_vec *binds, mr_vec *objects);
/* How many spellings a comparison has for the value of a BIND: part of the key. (compile_spelled.c) */
unsigned mr_spelling_count(const mr_node *bind);
/* Values that an IN list of n is padded to. */
size_t mr_key_padded(size_t n);

#endif

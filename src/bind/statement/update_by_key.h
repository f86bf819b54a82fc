/*
 * update_by_key.h: an UPDATE of many rows, each found by its primary key.
 */
#ifndef MOONROW_BIND_UPDATE_BY_KEY_H
#define MOONROW_BIND_UPDATE_BY_KEY_H

#include "execute.h"
#include "statement.h"

/* idx: an UPDATE without values and criteria; row: a table with the primary key and new values. Pushes the UPDATE of
 * that row. Raises where the key, or the version of a versioned class, is missing. */
void bind_push_update_by_key(lua_State *L, int idx, int row);
/* Raises unless the Result at index result counts as many rows as the list at index rows has. mapper: the class whose
 * rows these are, or NULL. */
void bind_check_all_matched(lua_State *L, int result, int rows, const mr_mapper *mapper);
/* Gives the values of the rows to those of their objects that are in the session's memory. */
void bind_update_objects(lua_State *L, const bind_target *t, mr_mapper *mapper, int rows);

#endif

/*
 * json.h: JSON between Lua and the core: a table, or another Lua value, and its text.
 */
#ifndef MOONROW_BIND_JSON_H
#define MOONROW_BIND_JSON_H

#include "value.h"

/* ---------------------------------------------------------------- array.c: mr.array */

/* The table on top of the stack is an array from now on, also where it is empty. */
void bind_mark_array(lua_State *L);
/* Is the table at the index marked, or a list of results? */
bool bind_is_array(lua_State *L, int idx);
void bind_open_array(lua_State *L);

/* ---------------------------------------------------------------- json_write.c: from Lua to text */

/* Memory that a walk needs, and that many walks may share; it is freed with its owner, which is on the Lua stack. */
typedef struct bind_json_walk {
    mr_vec frames, keys;
} bind_json_walk;
/* Pushes the owner. */
bind_json_walk *bind_push_json_walk(lua_State *L);
/* Appends the JSON of the value at idx to out. type: JSON, or an Array; what: the place for messages
 * ("User.settings"), to which the path inside is added. An error of kind is recorded for a value that JSON cannot hold.
 * Runs no Lua code. walk: NULL, or memory for it. *exact (or NULL): would reading the text give just such a value
 * again? */
mr_status bind_write_json(lua_State *L, int idx, const mr_type *type, const char *what, mr_errkind kind, mr_strbuf *out,
                          bind_json_walk *walk, bool *exact);
/* bind_to_value for such a type. */
bool bind_to_json(lua_State *L, int idx, const mr_type *type, mr_value *out);
void bind_open_json(lua_State *L);

/* ---------------------------------------------------------------- json_read.c: from text to Lua */

/* Pushes what the text says. MR_NOTFOUND: it is bad, why (MR_JSON_WHY bytes) says why, and nothing is pushed. */
mr_status bind_read_json(lua_State *L, const mr_value *v, char *why);
/* The same. A bad text is nil, the text itself, or a DataError, as the value's tag says. what, row:
 * see mr_type_misfit. */
void bind_push_json(lua_State *L, const mr_value *v, const char *what, const char *row);

/* ---------------------------------------------------------------- json_text.c: for the Lua part */

void bind_open_json_text(lua_State *L);

/* ---------------------------------------------------------------- json_table.c: the tables of objects */

/* Pushes the value of the object's column, v, which is MR_JSON in a slot. The same table each time, until the slot is
 * given another value. self: the index of the object. */
void bind_push_json_attribute(lua_State *L, int self, mr_entity *e, const mr_property *prop, const mr_value *v);
/* The object shows the table at the index for the slot from now on, whose value is its JSON. */
void bind_show_table(lua_State *L, mr_entity *e, unsigned slot, int idx);
void bind_open_json_table(lua_State *L);
void bind_open_json_edits(lua_State *L);

#endif

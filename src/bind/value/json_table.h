/*
 * json_table.h: the tables that objects show for their JSON columns, for the two files about them.
 */
#ifndef MOONROW_BIND_JSON_TABLE_H
#define MOONROW_BIND_JSON_TABLE_H

#include "json.h"

/* Registry: an ephemeron table: an object to the table of its tables; and each of these to its object, or to the set of
 * those that show it. Of an object's slot: its table, at slot plus one; under the negative number, how it was given
 * (nil: it was read); and, at HASH behind it, the hash of the text that the last flush knew. */
extern const char bind_shown_key;
enum { GIVEN = 1, GIVEN_AND_FLUSHED };
enum { HASH = 1 << 20 }; /* more than there are slots */

/* Pushes the table that the object (at index self) shows for the slot, which is read now; false: none, and nothing is
 * pushed. */
bool bind_push_shown(lua_State *L, int self, unsigned slot);
/* The object shows the table at the index. given: it was assigned, and nobody has read it from the object yet. */
void bind_show(lua_State *L, int self, mr_entity *e, unsigned slot, int table, bool given);
/* The object at index self does not show the table at the index any more. shown: the index of the registry's table. */
void bind_unshow(lua_State *L, int shown, int self, int table);
const mr_property *bind_slot_property(const mr_mapper *mapper, unsigned slot);
/* Does the text say what the other one, as it is written, says? */
bool bind_json_says(lua_State *L, const mr_value *json, const mr_value *written);
/* Has the table at the index changed since a flush has compared it? */
bool bind_is_table_edited(lua_State *L, int self, int table, mr_entity *e, unsigned slot);
/* Does the row still say what it said when a flush compared the table last? Then whatever is in the table now is the
 * program's. */
bool bind_is_row_unchanged(lua_State *L, int self, mr_entity *e, unsigned slot);
#endif

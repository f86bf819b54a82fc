/*
 * datetime.h: dates and times for the other files of the binding.
 */
#ifndef MOONROW_BIND_DATETIME_H
#define MOONROW_BIND_DATETIME_H

#include "value.h"

/* mr.now and mr.today. The schema knows them by their address, so default = mr.now calls no Lua function. */
int bind_now(lua_State *L);
int bind_today(lua_State *L);
/* The table of fields at idx, an absolute index, as a value of the kind; false where it is none. */
bool bind_table_to_date(lua_State *L, int idx, mr_kind kind, mr_value *out);
/* Raises: says which field of the table at idx makes it no date. what and wanted as for bind_no_value. */
int bind_refuse_date(lua_State *L, int idx, mr_kind kind, const char *what, const char *wanted);

#endif

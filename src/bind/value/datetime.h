/*
 * datetime.h: dates and times for the other files of the binding.
 */
#ifndef MOONROW_BIND_DATETIME_H
#define MOONROW_BIND_DATETIME_H

#include "value.h"

/* mr.now. The schema knows it by its address, so that default = mr.now calls no Lua function. */
int bind_now(lua_State *L);
/* Pushes the date, time, datetime or interval at index 1 as one of this kind: the date of a datetime. Raises: index 1
 * has none of that kind in it. */
int bind_convert_date(lua_State *L, mr_kind kind);
/* Pushes an interval of so many microseconds. Raises: it is too long. */
int bind_push_interval(lua_State *L, double micros);
/* The same of the sum of both; whole is exact, and at most 7e18. */
int bind_push_interval_sum(lua_State *L, double micros, int64_t whole);

/* ---- make_date.c */

/* The table of fields at idx, an absolute index, as a value of the kind; false where it is none. */
bool bind_table_to_date(lua_State *L, int idx, mr_kind kind, mr_value *out);
/* Raises: says which field of the table at idx makes it no date. what and wanted as for bind_no_value. */
int bind_refuse_date(lua_State *L, int idx, mr_kind kind, const char *what, const char *wanted);

#endif

/*
 * option.h: loader options (joinedload and its kin) for the files about queries.
 */
#ifndef MOONROW_BIND_OPTION_H
#define MOONROW_BIND_OPTION_H

#include "value/value.h"

#define BIND_OPTION "moonrow.LoaderOption"

/* Adds the option at idx to the query at index 1 (which is replaced); raises where it is none. */
void bind_apply_option(lua_State *L, int idx);

#endif

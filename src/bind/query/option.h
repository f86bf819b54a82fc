/*
 * option.h: loader options (joinedload, ...) for the files about queries.
 */
#ifndef MOONROW_BIND_OPTION_H
#define MOONROW_BIND_OPTION_H

#include "value/value.h"

#define BIND_OPTION "moonrow.LoaderOption"

/* Replaces the query at index 1 by one with the loader option at idx. Raises where that is another value. */
void bind_apply_option(lua_State *L, int idx);

#endif

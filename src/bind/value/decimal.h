/*
 * decimal.h: decimals for the other files of the binding.
 */
#ifndef MOONROW_BIND_DECIMAL_H
#define MOONROW_BIND_DECIMAL_H

#include "value.h"

/* Pushes the decimal of this text. */
void bind_push_decimal(lua_State *L, const char *text, size_t len);
/* If the value at idx is a decimal, gives it in *out: its bytes are good as long as the value is. */
bool bind_to_decimal(lua_State *L, int idx, mr_value *out);

#endif

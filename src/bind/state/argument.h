/*
 * argument.h: reading the arguments and options of a function.
 */
#ifndef MOONROW_BIND_ARGUMENT_H
#define MOONROW_BIND_ARGUMENT_H

#include "error.h"

/* How options are told from data: if the only argument from index first on is a plain table whose array
 * part is the positional arguments, spreads it on the stack; a final plain table without array part is the options.
 * After it, the stack is first..first+n-1 the positional arguments and *options the index of the options table (or 0).
 * Returns n. */
int bind_arguments(lua_State *L, int first, int *options);
/* Is the name one of names (NULL-terminated)? */
bool bind_is_among(const char *const *names, const char *name);
/* Checks that every key of the options table is among names (NULL-terminated); an unknown one: ArgumentError
 * "unknown option 'x' for FUNCTION (did you mean 'y'?)". idx 0 passes. */
void bind_check_options(lua_State *L, int idx, const char *function, const char *const *names);
/* options[name] typed; absent gives deflt. A wrong type: ArgumentError naming function and option. idx 0: absent. */
bool bind_option_bool(lua_State *L, int idx, const char *function, const char *name, bool deflt);
int64_t bind_option_int(lua_State *L, int idx, const char *function, const char *name, int64_t deflt);
/* Raises where a method has more than n arguments (0 to 3) besides itself: they would be lost silently. cure: words for
 * the end. */
void bind_refuse_more(lua_State *L, int n, const char *function, const char *cure);
/* Is it a function, or has it __call? */
bool bind_is_callable(lua_State *L, int idx);
/* Raises where the argument cannot be called. */
void bind_check_callable(lua_State *L, int idx, const char *function);
/* For a function that runs a block: true if the argument at idx is the block's function; false where there is no such
 * argument, and the block is a value to close. Raises for anything else, nil included: the caller's variable is not
 * set. without: how to write the call without a function, "begin()". */
bool bind_has_block(lua_State *L, int idx, const char *function, const char *without);
/* Room on the Lua stack for so many values, which come from a list of the user's: else an ArgumentError. */
void bind_check_room(lua_State *L, int n, const char *function);
/* The argument as a name: a string, not empty, without zero bytes. wanted: "a name", for the message. */
const char *bind_arg_name(lua_State *L, int idx, const char *function, const char *wanted);
const char *bind_option_string(lua_State *L, int idx, const char *function, const char *name,
                               const char *deflt); /* stays in the table */
/* Pushes options[name] (nil when absent) and returns its Lua type. */
int bind_option(lua_State *L, int idx, const char *name);
/* True for a table without metatable. */
bool bind_is_plain_table(lua_State *L, int idx);
/* The string key of the table at idx that the user may have meant by name (see mr_nearest), or NULL. Pushes nothing;
 * the result lives as long as it is a key of the table. */
const char *bind_nearest_key(lua_State *L, int idx, const char *name);
/* The end of a message about an unknown name: " (did you mean 'NEAR'?)", or "" where near is NULL. Holds until the next
 * call; pushes nothing. Use: bind_error(L, kind, "User has no attribute '%s'%s", name, bind_hint(L, near)). */
const char *bind_hint(lua_State *L, const char *near);
/* Interns the string at idx, or s (NULL passes); raises without memory. */
const char *bind_intern(lua_State *L, int idx);
const char *bind_intern_string(lua_State *L, const char *s);

#endif

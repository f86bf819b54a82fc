/*
 * argument.h: reading the arguments and options of a function.
 */
#ifndef MOONROW_BIND_ARGUMENT_H
#define MOONROW_BIND_ARGUMENT_H

#include "error.h"

/* Tells options from positional arguments. f{ 1, 2, name = x }: a plain table that is the only argument has the
 * arguments in its array part, which is spread on the stack, and the options beside it. f(1, 2, { name = x }): a last
 * plain table without array part is the options. Returns n, the number of positional arguments, which are then at the
 * indices first to first+n-1; *options is the index of the options table, or 0. */
int bind_arguments(lua_State *L, int first, int *options);
/* The same for a function that takes so many values at most: nil in the place of the options is none. */
int bind_arguments_of(lua_State *L, int first, int most, int *options);
/* Is the name one of names (NULL-terminated)? */
bool bind_is_among(const char *const *names, const char *name);
/* Names that other libraries have, and how to do the same: "it is written ...". The last one of a list has no cure. */
typedef struct bind_cure {
    const char *cure, *words[16];
} bind_cure;
/* The cure for the name; NULL where the list has none. */
const char *bind_cure_of(const bind_cure *list, const char *name);
/* Checks that every key of the options table is among names (NULL-terminated). Raises an ArgumentError for another key:
 * "unknown option 'x' for FUNCTION (did you mean 'y'?)". Does nothing for idx 0. Returns: has it any key that is a
 * name? */
bool bind_check_options(lua_State *L, int idx, const char *function, const char *const *names);
/* The value of options[name], or deflt where the option is absent (it is for idx 0). Raises for another type, with the
 * names of function and option in the message. */
bool bind_option_bool(lua_State *L, int idx, const char *function, const char *name, bool deflt);
/* A limit of time in seconds, more than 0; -1 where the option is false: no limit. */
double bind_option_timeout(lua_State *L, int idx, const char *function, double deflt);
int64_t bind_option_int(lua_State *L, int idx, const char *function, const char *name, int64_t deflt);
/* Raises where a method is given more than n arguments (0 to 3) besides its object: they would be ignored silently.
 * cure: text for the end of the message. */
void bind_refuse_more(lua_State *L, int n, const char *function, const char *cure);
/* Is it a function, or has it __call? */
bool bind_is_callable(lua_State *L, int idx);
/* Raises where the argument cannot be called. */
void bind_check_callable(lua_State *L, int idx, const char *function);
/* For a function that runs a block: true if the argument at idx is the block's function; false where there is no such
 * argument, and the block is a value to close. Raises for anything else, nil included: the caller's variable is not
 * set. without: how to write the call without a function, "begin()". */
bool bind_has_block(lua_State *L, int idx, const char *function, const char *without);
/* Makes room on the Lua stack for n values, which come from a list of the user's. Raises an ArgumentError where the
 * list is too long. */
void bind_check_room(lua_State *L, int n, const char *function);
/* The argument as a name: a string, not empty, without zero bytes. wanted: "a name", for the message. */
const char *bind_arg_name(lua_State *L, int idx, const char *function, const char *wanted);
/* The same for a string without zero bytes, which the table keeps. */
const char *bind_option_string(lua_State *L, int idx, const char *function, const char *name, const char *deflt);
/* Pushes options[name] (nil when absent) and returns its Lua type. */
int bind_option(lua_State *L, int idx, const char *name);
/* True for a table without metatable. */
bool bind_is_plain_table(lua_State *L, int idx);
/* The string key of the table at idx that the user may have meant by name (see mr_nearest), or NULL. Pushes nothing;
 * the result lives as long as it is a key of the table. */
const char *bind_nearest_key(lua_State *L, int idx, const char *name);
/* elsewhere.c: for a name that SQL or other libraries have: how the same is done here with a value of the type
 * ("Session", "Query", "Relationship", "Connection", "date"), for the end of a message.
 * NULL for other names. Static. */
const char *bind_elsewhere(const char *type, const char *name);
/* The end of a message about an unknown name: " (did you mean 'NEAR'?)", or "" where near is NULL. Holds until the next
 * call; pushes nothing. Use: bind_error(L, kind, "User has no attribute '%s'%s", name, bind_hint(L, near)). */
const char *bind_hint(lua_State *L, const char *near);
/* Interns the string at idx, or s (NULL passes); raises without memory. */
const char *bind_intern(lua_State *L, int idx);
const char *bind_intern_string(lua_State *L, const char *s);

#endif

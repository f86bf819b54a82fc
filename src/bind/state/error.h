/*
 * error.h: raising errors.
 */
#ifndef MOONROW_BIND_ERROR_H
#define MOONROW_BIND_ERROR_H

#include "state.h"

/* These end in lua_error, of which no compiler knows that it never returns; clang's analyzer is told. */
#ifdef __clang_analyzer__
#define BIND_RAISES __attribute__((analyzer_noreturn))
#else
#define BIND_RAISES
#endif

/* Raises the error recorded in the environment (a callback's own error unchanged). Never returns. */
int bind_raise(lua_State *L) BIND_RAISES;
/* Raises unless st is MR_OK, MR_ROW, MR_DONE or MR_NOTFOUND; returns st. */
mr_status bind_check(lua_State *L, mr_status st);
/* BIND_TRY(b, L, mr_...(...)): enters the core for one call, and raises where it fails. */
#define BIND_TRY(b, state, ...)                                                                                        \
    do {                                                                                                               \
        mr_status status_;                                                                                             \
        BIND_CALL((b), (state), status_ = (__VA_ARGS__));                                                              \
        bind_check((state), status_);                                                                                  \
    } while (0)
/* Raises an error of the kind, made here. */
int bind_error(lua_State *L, mr_errkind kind, const char *fmt, ...) MR_PRINTF(3, 4) BIND_RAISES;
/* "FUNCTION: expected WHAT, got string "x"": an ArgumentError for argument arg. */
int bind_type_error(lua_State *L, int idx, const char *what, const char *wanted) BIND_RAISES;
/* Describes a Lua value for a message: string "x", number 3, User class, ... Pushes the string and returns it. */
const char *bind_describe(lua_State *L, int idx);
/* Pushes what the callback raised that the MR_ERR_CALLBACK error tells of. */
void bind_push_callback_error(lua_State *L, const mr_error *error);
/* Keeps the value on top (popped), which a callback has raised, for bind_push_callback_error; allocates nothing.
 * Returns its slot: the orig_code of the MR_ERR_CALLBACK error. */
unsigned bind_keep_callback_error(bind_state *b, lua_State *L);
/* Pushes the one kept last, which stays kept. */
void bind_peek_callback_error(lua_State *L, const bind_state *b);

static inline bool bind_is_null(lua_State *L, int idx) {
    return lua_islightuserdata(L, idx) && lua_touserdata(L, idx) == NULL;
}

#endif

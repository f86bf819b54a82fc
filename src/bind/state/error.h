/*
 * error.h: raising errors.
 */
#ifndef MOONROW_BIND_ERROR_H
#define MOONROW_BIND_ERROR_H

#include "state.h"

/* For functions that never return: they end in lua_error. clang's analyzer cannot know that by itself. */
#ifdef __clang_analyzer__
#define BIND_RAISES __attribute__((analyzer_noreturn))
#else
#define BIND_RAISES
#endif

/* Raises the error recorded in the environment (a callback's own error unchanged). Never returns. */
int bind_raise(lua_State *L) BIND_RAISES;
/* Raises the recorded error where st is MR_FAIL; returns st otherwise. */
mr_status bind_check(lua_State *L, mr_status st);
/* BIND_TRY(b, L, mr_...(...)): enters the core for one call, and raises where it fails. */
#define BIND_TRY(b, state, ...)                                                                                        \
    do {                                                                                                               \
        mr_status status_;                                                                                             \
        BIND_CALL((b), (state), status_ = (__VA_ARGS__));                                                              \
        bind_check((state), status_);                                                                                  \
    } while (0)
/* Adds to the error of the database that is recorded for which rows of the list it was, from row to last_row. Returns
 * st, the status that it came with. */
mr_status bind_note_rows(mr_env *env, lua_Integer row, lua_Integer last_row, mr_status st);
/* Raises a new error of the kind with this message. */
int bind_error(lua_State *L, mr_errkind kind, const char *fmt, ...) MR_PRINTF(3, 4) BIND_RAISES;
/* Raises an ArgumentError about the value at idx: "WHAT: expected WANTED, got string "x"". what: the function, or
 * "FUNCTION: OPTION". */
int bind_type_error(lua_State *L, int idx, const char *what, const char *wanted) BIND_RAISES;
/* Describes a Lua value for a message: string "x", number 3, User class, ... Pushes the string and returns it. */
const char *bind_describe(lua_State *L, int idx);
/* Pushes the value that a callback has raised; error: the MR_ERR_CALLBACK error that was recorded for it. */
void bind_push_callback_error(lua_State *L, const mr_error *error);
/* Pops the value on top, which a callback has raised, and keeps it for bind_push_callback_error. Returns its slot,
 * which becomes the orig_code of the MR_ERR_CALLBACK error. Allocates nothing. */
unsigned bind_keep_callback_error(bind_state *b, lua_State *L);
/* Pushes the value that was kept last; it stays kept. */
void bind_peek_callback_error(lua_State *L, const bind_state *b);

static inline bool bind_is_null(lua_State *L, int idx) {
    return lua_islightuserdata(L, idx) && lua_touserdata(L, idx) == NULL;
}

#endif

/*
 * host.h: what the files of the host share.
 */
#ifndef MOONROW_HOST_H
#define MOONROW_HOST_H

#include <lua.h>
#include <stdbool.h>

/* state.c: the Lua state and its memory. */

typedef struct host_state host_state;
/* *L: a new Lua state, as luaL_newstate makes it. NULL: not enough memory. */
host_state *host_state_new(lua_State **L);
/* Closes the Lua state and frees its memory. */
void host_state_close(host_state *state);

/* run.c: calling Lua so that errors become messages with tracebacks and Ctrl-C stops the script. */

/* Calls the function below nargs values, and leaves nresults. On failure: leaves the message with its traceback, and
 * returns Lua's error status. */
int host_call(lua_State *L, int nargs, int nresults);
/* The same without Ctrl-C: what that does is up to the functions that are called in turn. */
int host_call_guarded(lua_State *L, int nargs, int nresults);
/* Opens moonrow, as luaopen_moonrow does. From then on Ctrl-C stops running statements, too. */
int host_open_moonrow(lua_State *L);
/* Prints the message on top of the stack to stderr, behind "NAME: " when name is not NULL, and pops it. */
void host_report(lua_State *L, const char *name);

/* command.c: what the first argument may be besides a script. */

/* May it be the name of a command? (The name of a script has a dot or a slash: ./NAME.) */
bool host_is_command(const char *word);
/* Prints how the host is called. */
void host_print_help(lua_State *L);
/* Says why the host does not take the option. */
void host_refuse_option(lua_State *L, const char *option);
/* Prints what may stand behind the command, for the completion of a command line, a word for each line. NULL: behind
 * the host's own name. */
void host_print_words(lua_State *L, const char *command);
/* Runs the command argv[at] with the arguments behind it. Reports an error. Returns the program's exit status. */
int host_run_command(lua_State *L, int argc, char **argv, int at);

/* version.c: libraries(): a list of { name, version } of moonrow and of the libraries that it uses; the version of one
 * that is not there is nil. */
int host_libraries(lua_State *L);

/* shell.c: reads, evaluates and prints until the input ends. url: of a database that is opened first, or NULL; models:
 * a script that declares its classes, or NULL. False: that failed, and was reported. */
bool host_shell(lua_State *L, const char *url, const char *models);
/* Sets the global mr, the name of the module in examples, unless the program has that name for itself. */
void host_offer_module(lua_State *L);

/* line.c: reads lines. */

/* Is the standard input a terminal? */
bool host_stdin_is_terminal(void);
/* The columns of the window; 80 where there is none. */
int host_window_width(void);

#define HOST_COMPLETE "moonrow.host.complete" /* registry: the function that completes names */

typedef enum host_line {
    HOST_LINE_READ,     /* it was pushed, without its end */
    HOST_LINE_GIVEN_UP, /* by Ctrl-C */
    HOST_LINE_END       /* of the input */
} host_line;
/* Reads a line; a terminal shows the prompt. Raises when memory is short. */
host_line host_read_line(lua_State *L, const char *prompt);
/* Puts the text into the history, and the history into its file. */
void host_remember_line(const char *text);
void host_close_lines(void);

#endif

/*
 * line.c: reads the shell's lines: on a terminal by libedit, where the host was built with it, else as they come.
 *
 * Invariant: no Lua error crosses libedit's frames, and no signal ends the process while a line is edited: Ctrl-C gives
 * the line up.
 */
#define _POSIX_C_SOURCE 200809L /* isatty, chmod; NOLINT(bugprone-reserved-identifier) */
#define _DEFAULT_SOURCE         /* TIOCGWINSZ; NOLINT(bugprone-reserved-identifier) */

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

#ifdef MR_HAVE_LIBEDIT
#include <histedit.h>
#include <locale.h>
#endif

bool host_stdin_is_terminal(void) { return isatty(STDIN_FILENO) != 0; }

int host_window_width(void) {
    enum { USUAL = 80 };
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    int given = columns ? atoi(columns) : 0;
    return given > 0 ? given : USUAL;
}

/* Reads a line as it comes. */
static host_line read_plainly(lua_State *L, const char *prompt) {
    if (host_stdin_is_terminal()) {
        fputs(prompt, stdout);
        fflush(stdout);
    }
    int c = getc(stdin);
    if (c == EOF) return HOST_LINE_END;
    luaL_Buffer line;
    luaL_buffinit(L, &line);
    for (; c != EOF && c != '\n'; c = getc(stdin)) luaL_addchar(&line, (char)c);
    luaL_pushresult(&line);
    return HOST_LINE_READ;
}

#ifdef MR_HAVE_LIBEDIT

enum { REMEMBERED = 2000 };

/* There is one terminal, so there is one editor. */
static struct {
    EditLine *edit;
    History *history;
    HistEvent event;
    const char *prompt;
    lua_State *L;
    bool given_up;
    char path[4096]; /* of the file of the history; "": none */
} editor;

static char *show_prompt(EditLine *edit) {
    static char text[256];
    (void)edit;
    snprintf(text, sizeof text, "%s", editor.prompt);
    return text;
}

/* Ctrl-C ends the line, which is then thrown away, behind its end: else the next prompt stands within a long line. */
static unsigned char give_up(EditLine *edit, int key) {
    static const char end[] = "\n";
    const LineInfo *line = el_line(edit);
    (void)key;
    editor.given_up = true;
    el_cursor(edit, (int)(line->lastchar - line->cursor));
    (void)el_insertstr(edit, "^C");
    el_push(edit, end);
    return CC_REFRESH;
}

/* Ctrl-Z: as job control would do it, which -isig has switched off. */
static unsigned char suspend(EditLine *edit, int key) {
    (void)key;
    el_set(edit, EL_PREP_TERM, 0);
    raise(SIGTSTP);
    el_set(edit, EL_PREP_TERM, 1);
    return CC_REDISPLAY;
}

static unsigned char ignore(EditLine *edit, int key) {
    (void)edit;
    (void)key;
    return CC_NORM;
}

/* Asks the shell's function (registry: HOST_COMPLETE) what may follow the text before the cursor. */
static unsigned char complete(EditLine *edit, int key) {
    (void)key;
    lua_State *L = editor.L;
    const LineInfo *line = el_line(edit);
    int top = lua_gettop(L);
    unsigned char answer = CC_REFRESH_BEEP;
    if (!lua_checkstack(L, 8) || lua_getfield(L, LUA_REGISTRYINDEX, HOST_COMPLETE) != LUA_TFUNCTION) return answer;
    lua_pushlstring(L, line->buffer, (size_t)(line->cursor - line->buffer));
    if (lua_pcall(L, 1, 2, 0) == LUA_OK) {
        const char *rest = lua_tostring(L, top + 1), *list = lua_tostring(L, top + 2);
        if (rest && *rest && el_insertstr(edit, rest) == 0) answer = CC_REFRESH;
        if (list) {
            printf("\n%s\n", list);
            answer = CC_REDISPLAY;
        }
    }
    lua_settop(L, top);
    return answer;
}

static void load_history(void) {
    const char *file = getenv("MOONROW_HISTORY"), *home = getenv("HOME");
    if (file) snprintf(editor.path, sizeof editor.path, "%s", file);
    else if (home) snprintf(editor.path, sizeof editor.path, "%s/.moonrow_history", home);
    history(editor.history, &editor.event, H_SETSIZE, REMEMBERED);
    history(editor.history, &editor.event, H_SETUNIQUE, 1);
    if (*editor.path) history(editor.history, &editor.event, H_LOAD, editor.path);
}

/* What keys send that libedit's bindings do not know; without a binding the end of it would be typed. */
static void bind_keys(EditLine *edit) {
    static const char *const keys[][2] = {{"\033[3~", "ed-delete-next-char"},   {"\033[1~", "ed-move-to-beg"},
                                          {"\033[7~", "ed-move-to-beg"},        {"\033[H", "ed-move-to-beg"},
                                          {"\033OH", "ed-move-to-beg"},         {"\033[4~", "ed-move-to-end"},
                                          {"\033[8~", "ed-move-to-end"},        {"\033[F", "ed-move-to-end"},
                                          {"\033OF", "ed-move-to-end"},         {"\033[1;5C", "em-next-word"},
                                          {"\033[1;5D", "ed-prev-word"},        {"\033[1;3C", "em-next-word"},
                                          {"\033[1;3D", "ed-prev-word"},        {"\033[5~", "ed-search-prev-history"},
                                          {"\033[6~", "ed-search-next-history"}};
    /* Insert, the function keys, the marks around what is pasted, arrows with other modifiers. */
    static const char *const ignored[] = {"\033[2~",   "\033[11~",  "\033[12~",  "\033[13~",  "\033[14~",  "\033[15~",
                                          "\033[17~",  "\033[18~",  "\033[19~",  "\033[20~",  "\033[21~",  "\033[23~",
                                          "\033[24~",  "\033OP",    "\033OQ",    "\033OR",    "\033OS",    "\033[200~",
                                          "\033[201~", "\033[1;2A", "\033[1;2B", "\033[1;2C", "\033[1;2D", "\033[1;5A",
                                          "\033[1;5B", "\033[3;5~", "\033[Z"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) el_set(edit, EL_BIND, keys[i][0], keys[i][1], NULL);
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) el_set(edit, EL_BIND, ignored[i], "mr-ignore", NULL);
}

static bool open_editor(void) {
    setlocale(LC_CTYPE, ""); /* else letters beyond ASCII are lost */
    editor.edit = el_init("moonrow", stdin, stdout, stderr);
    editor.history = history_init();
    if (!editor.edit || !editor.history) return false;
    load_history();
    el_set(editor.edit, EL_PROMPT, show_prompt);
    el_set(editor.edit, EL_HIST, history, editor.history);
    el_set(editor.edit, EL_EDITOR, "emacs");
    el_set(editor.edit, EL_SIGNAL,
           1); /* while a line is edited: a window of another size, fg, the end of the program */
    el_set(editor.edit, EL_ADDFN, "mr-complete", "completes names", complete);
    el_set(editor.edit, EL_ADDFN, "mr-give-up", "gives the line up", give_up);
    el_set(editor.edit, EL_ADDFN, "mr-ignore", "does nothing", ignore);
    bind_keys(editor.edit);
    el_set(editor.edit, EL_BIND, "^I", "mr-complete", NULL);
    el_set(editor.edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(editor.edit, NULL); /* the person's own ~/.editrc */
    el_set(editor.edit, EL_SETTY, "-d", "-isig", NULL);
    el_set(editor.edit, EL_ADDFN, "mr-suspend", "stops the program until fg", suspend);
    el_set(editor.edit, EL_BIND, "^Z", "mr-suspend", NULL);
    el_set(editor.edit, EL_BIND, "^C", "mr-give-up", NULL);
    return true;
}

static host_line read_edited(lua_State *L, const char *prompt) {
    int n = 0;
    editor.prompt = prompt;
    editor.L = L;
    editor.given_up = false;
    errno = 0;
    el_resize(editor.edit); /* the window may have changed while something ran */
    const char *text = el_gets(editor.edit, &n);
    if (editor.given_up) return HOST_LINE_GIVEN_UP;
    if (!text && errno == EINTR) { /* SIGINT that no key has sent */
        el_reset(editor.edit);
        fputc('\n', stdout);
        return HOST_LINE_GIVEN_UP;
    }
    if (!text || n <= 0) return HOST_LINE_END;
    size_t len = (size_t)n;
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) len--;
    lua_pushlstring(L, text, len);
    return HOST_LINE_READ;
}

void host_remember_line(const char *text) {
    if (!editor.edit || !*text) return;
    history(editor.history, &editor.event, H_ENTER, text);
    if (!*editor.path) return;
    history(editor.history, &editor.event, H_SAVE, editor.path);
    chmod(editor.path, S_IRUSR | S_IWUSR);
}

void host_close_lines(void) {
    if (editor.edit) el_end(editor.edit);
    if (editor.history) history_end(editor.history);
    editor.edit = NULL;
    editor.history = NULL;
}

host_line host_read_line(lua_State *L, const char *prompt) {
    static bool tried = false;
    if (!host_stdin_is_terminal() || !isatty(STDOUT_FILENO)) return read_plainly(L, prompt);
    if (!tried && !open_editor()) host_close_lines();
    tried = true;
    return editor.edit ? read_edited(L, prompt) : read_plainly(L, prompt);
}

#else

host_line host_read_line(lua_State *L, const char *prompt) { return read_plainly(L, prompt); }

void host_remember_line(const char *text) { (void)text; }

void host_close_lines(void) {}

#endif

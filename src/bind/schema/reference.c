/*
 * reference.c: the options of foreign keys, and what SQLite does where a constraint is broken.
 *
 * Invariant: the words go into SQL unquoted, so only known words are let through.
 */
#include <ctype.h>
#include <string.h>

#include "schema.h"

/* The one of the words (NULL-terminated) that is written, in any case of letters; NULL: the option is absent. */
static const char *read_word(lua_State *L, int options, const char *function, const char *name,
                             const char *const *words, const char *wanted) {
    const char *written = bind_option_string(L, options, function, name, NULL);
    if (!written) return NULL;
    for (; *words; words++) {
        const char *a = *words, *w = written;
        while (*a && *a == (char)toupper((unsigned char)*w)) a++, w++;
        if (!*a && !*w) return *words;
    }
    bind_error(L, MR_ERR_ARGUMENT, "%s: %s expects %s, got string \"%s\"", function, name, wanted, written);
    return NULL;
}

const char *bind_read_conflict(lua_State *L, int options, const char *function, const char *name) {
    static const char *const words[] = {"ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE", NULL};
    return read_word(L, options, function, name, words, "\"ROLLBACK\", \"ABORT\", \"FAIL\", \"IGNORE\" or \"REPLACE\"");
}

void bind_read_deferrable(lua_State *L, int options, const char *function, mr_reference *how) {
    static const char *const words[] = {"DEFERRED", "IMMEDIATE", NULL};
    bool given = bind_option(L, options, "deferrable") != LUA_TNIL;
    lua_pop(L, 1);
    if (given) how->deferrable = bind_option_bool(L, options, function, "deferrable", false) ? 1 : -1;
    how->initially = read_word(L, options, function, "initially", words, "\"DEFERRED\" or \"IMMEDIATE\"");
    if (how->initially && how->deferrable < 0 && strcmp(how->initially, words[0]) == 0)
        bind_error(L, MR_ERR_ARGUMENT, "%s: initially = \"DEFERRED\" needs deferrable = true", function);
}

void bind_read_reference(lua_State *L, int options, const char *function, mr_reference *how) {
    static const char *const actions[] = {"CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION", NULL},
                             wanted[] = "\"CASCADE\", \"SET NULL\", \"SET DEFAULT\", \"RESTRICT\" or \"NO ACTION\"";
    how->ondelete = read_word(L, options, function, "ondelete", actions, wanted);
    how->onupdate = read_word(L, options, function, "onupdate", actions, wanted);
    how->use_alter = bind_option_bool(L, options, function, "use_alter", false);
    bind_read_deferrable(L, options, function, how);
}

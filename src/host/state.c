/*
 * state.c: the host's Lua state: its memory, and what it does with warnings and with an error that nothing catches.
 *
 * Invariant: a block of Lua's comes from a page of the slab if, and only if, the slab holds blocks of its size. Lua
 * says the size of each block that it gives back. Most of what a program allocates is small (strings, tables, objects),
 * and a page costs less time and memory for it than malloc.
 */
#include <lauxlib.h>
#include <moonrow/base.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

enum { LARGEST = 256 }; /* beyond this, malloc's own costs count little */

struct host_state {
    mr_env *env;
    mr_slab slab;
    lua_State *L;
    bool warns;     /* warnings are on */
    bool continues; /* the next piece belongs to the warning that has begun */
};

/* ---------------------------------------------------------------- memory */

static void free_block(host_state *h, void *block, size_t size) {
    if (mr_slab_holds(&h->slab, size)) mr_slab_free(&h->slab, block, size);
    else mr_system_alloc(NULL, block, size, 0);
}

static void *resize(host_state *h, void *block, size_t was, size_t size) {
    bool paged = mr_slab_holds(&h->slab, size);
    if (!paged && !mr_slab_holds(&h->slab, was)) return mr_system_alloc(NULL, block, was, size);
    if (paged && mr_slab_holds(&h->slab, was) && mr_slab_size(block) >= size &&
        mr_slab_size(block) - size < MR_SLAB_STEP)
        return block;
    void *made = paged ? mr_slab_alloc(&h->slab, size) : mr_system_alloc(NULL, NULL, 0, size);
    if (!made) return NULL;
    memcpy(made, block, was < size ? was : size);
    free_block(h, block, was);
    return made;
}

/* The state's lua_Alloc. */
static void *allocate(void *ud, void *block, size_t was, size_t size) {
    host_state *h = ud;
    if (block && size > 0) return resize(h, block, was, size);
    if (size > 0)
        return mr_slab_holds(&h->slab, size) ? mr_slab_alloc(&h->slab, size) : mr_system_alloc(NULL, NULL, 0, size);
    if (block) free_block(h, block, was);
    return NULL;
}

/* ---------------------------------------------------------------- warnings and panic */

/* Prints "Lua warning: ", the pieces, and the end of the line, as lua does. "@on" and "@off" turn warnings on and off.
 */
static void warn(void *ud, const char *text, int to_continue) {
    host_state *h = ud;
    bool begins = !h->continues;
    h->continues = to_continue != 0;
    if (begins && !to_continue && *text == '@') {
        if (strcmp(text, "@on") == 0) h->warns = true;
        if (strcmp(text, "@off") == 0) h->warns = false;
        return;
    }
    if (!h->warns) return;
    lua_writestringerror("%s", begins ? "Lua warning: " : "");
    lua_writestringerror("%s", text);
    if (!to_continue) lua_writestringerror("%s", "\n");
}

static int panic(lua_State *L) {
    const char *text = lua_tostring(L, -1);
    lua_writestringerror("PANIC: unprotected error in call to Lua API (%s)\n",
                         text ? text : "error object is not a string");
    return 0;
}

/* ---------------------------------------------------------------- life */

host_state *host_state_new(lua_State **out) {
    host_state *h = calloc(1, sizeof *h);
    if (!h) return NULL;
    h->env = mr_env_new(NULL, NULL);
    if (h->env) {
        mr_slab_init(&h->slab, h->env, LARGEST);
        h->L = lua_newstate(allocate, h);
    }
    if (!h->L) {
        host_state_close(h);
        return NULL;
    }
    lua_atpanic(h->L, panic);
    lua_setwarnf(h->L, warn, h);
    *out = h->L;
    return h;
}

void host_state_close(host_state *h) {
    if (h->L) lua_close(h->L);
    if (h->env) mr_slab_done(&h->slab);
    mr_env_free(h->env);
    free(h);
}

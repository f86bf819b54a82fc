/*
 * option_value.c: the memory of loader options. A chain of options shares one store of steps and parts.
 *
 * Invariant: an option has the first nsteps and nparts of its store, which nobody changes; only the last option of a
 * chain appends to them.
 */
#include "option_value.h"

#include <string.h>

static const char STORE[] = "moonrow.option_store";

/* The steps and parts of the options of a chain, which is one option longer with each method: so each of them costs
 * one step, and not all those before it. */
typedef struct option_store {
    unsigned nsteps, nparts, most_steps, most_parts;
    bind_option_part *parts;
    mr_option_step *steps;
} option_store;

static int store_gc(lua_State *L) {
    option_store *store = luaL_testudata(L, 1, STORE);
    if (!store) return 0;
    bool open = bind_peek(L) != NULL;
    for (unsigned i = 0; open && i < store->nparts; i++) {
        mr_node_release(store->parts[i].option.alias);
        mr_loader_criterion_release(store->parts[i].option.criterion);
        mr_node_release(store->parts[i].option.limit_by);
    }
    store->nparts = 0;
    return 0;
}

/* Pushes a store with room. */
static option_store *push_store(lua_State *L, unsigned steps, unsigned parts) {
    size_t size = sizeof(option_store) + parts * sizeof(bind_option_part) + steps * sizeof(mr_option_step);
    option_store *store = lua_newuserdatauv(L, size, 0);
    *store = (option_store){.most_steps = steps, .most_parts = parts};
    store->parts = (bind_option_part *)(void *)(store + 1);
    store->steps = (mr_option_step *)(void *)(store->parts + parts);
    luaL_setmetatable(L, STORE);
    return store;
}

static int option_gc(lua_State *L) {
    bind_option_value *o = bind_test(L, 1, BIND_OPTION);
    if (!o) return 0;
    if (bind_peek(L)) mr_node_release(o->start);
    o->start = NULL;
    return bind_finalized(L);
}

void bind_add_step(bind_option_value *o, mr_option_step step) {
    o->steps[o->nsteps++] = step;
    o->store->nsteps = o->nsteps;
}

void bind_add_part(bind_option_value *o, const bind_option_part *part) {
    mr_node_retain(part->option.alias);
    mr_node_retain(part->option.limit_by);
    o->parts[o->nparts++] = *part;
    o->store->nparts = o->nparts;
}

/* Copies the steps and parts of an option to the store, which is new. */
static void fill_store(option_store *store, const bind_option_value *from) {
    if (!from) return;
    memcpy(store->steps, from->steps, from->nsteps * sizeof *store->steps);
    memcpy(store->parts, from->parts, from->nparts * sizeof *store->parts);
    store->nsteps = from->nsteps;
    store->nparts = from->nparts;
    for (unsigned i = 0; i < store->nparts; i++) {
        mr_node_retain(store->parts[i].option.alias);
        mr_loader_criterion_retain(store->parts[i].option.criterion);
        mr_node_retain(store->parts[i].option.limit_by);
    }
}

bind_option_value *bind_extend_option(lua_State *L, const bind_option_value *from, unsigned steps, unsigned parts) {
    unsigned nsteps = from ? from->nsteps : 0, nparts = from ? from->nparts : 0;
    option_store *store = from ? from->store : NULL;
    bool last = store && store->nsteps == nsteps && store->nparts == nparts;
    if (last && store->most_steps - nsteps >= steps && store->most_parts - nparts >= parts) {
        lua_getiuservalue(L, 1, 1);
    } else {
        unsigned times = nsteps > 1 || nparts > 1 ? 2 : 1;
        store = push_store(L, times * (nsteps + steps), times * (nparts + parts));
        fill_store(store, from);
    }
    bind_option_value *o = lua_newuserdatauv(L, sizeof *o, 1);
    *o = (bind_option_value){.nsteps = nsteps, .nparts = nparts};
    bind_set_type(L, BIND_OPTION);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    o->store = store;
    o->steps = store->steps;
    o->parts = store->parts;
    o->mapper = from ? from->mapper : NULL;
    o->start = mr_node_retain(from ? from->start : NULL);
    return o;
}

void bind_open_option_value(lua_State *L) {
    static const luaL_Reg metamethods[] = {{"__gc", option_gc}, {NULL, NULL}};
    bind_type(L, BIND_OPTION, "LoaderOption", NULL, NULL, metamethods);
    luaL_newmetatable(L, STORE);
    lua_pushcfunction(L, store_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

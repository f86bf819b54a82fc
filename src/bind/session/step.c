/*
 * step.c: steps of undo, for the Lua part (lua/moonrow/history.lua), which keeps them in order.
 *
 * Invariant: a Step owns its step, and is given to no other state.
 */
#include <moonrow/undo.h>

#include "feed.h"
#include "value/class.h"
#include "value/row.h"
#include "value/session.h"

#define BIND_STEP "moonrow.Step"

static mr_step *step_arg(lua_State *L, int idx, const char *function) {
    mr_step **step = bind_arg(L, idx, BIND_STEP, function);
    return *step;
}

static int step_gc(lua_State *L) {
    mr_step **step = bind_test(L, 1, BIND_STEP);
    if (!step || !bind_peek(L)) return 0;
    mr_step_free(*step);
    *step = NULL;
    return bind_finalized(L);
}

/* core.step(): a step without changes. */
static int core_step(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_step **step = lua_newuserdatauv(L, sizeof(mr_step *), 0);
    *step = NULL;
    bind_set_type(L, BIND_STEP);
    *step = mr_step_new(b->env);
    if (!*step) bind_raise(L);
    return 1;
}

/* core.keep_deleted(session, step or nil): the step keeps the objects whose deletion the session commits. */
static int core_keep_deleted(lua_State *L) {
    const bind_session *s = bind_test(L, 1, BIND_SESSION);
    mr_step *step = lua_isnoneornil(L, 2) ? NULL : step_arg(L, 2, "begin");
    if (s && s->session) mr_session_keep_deleted(s->session, step);
    return 0;
}

/* step:add(feed, token, session): adds what the session has committed after the token. Returns true; false where
 * nothing was; nil where not all of it was recorded. */
static int step_add(lua_State *L) {
    mr_step *step = step_arg(L, 1, "add");
    mr_feed **feed = bind_arg(L, 2, BIND_FEED, "add");
    lua_Integer token = luaL_checkinteger(L, 3);
    mr_session *s = bind_to_session(L, 4);
    bind_state *b = bind_of(L);
    mr_change_set *set = NULL;
    int added = 0;
    BIND_ENTER(b, L);
    mr_status status = mr_feed_since(*feed, (uint64_t)token, &set);
    for (; status == MR_OK && set; set = set->next) {
        if (set->owner != s) continue;
        status = mr_step_add(step, set);
        added++;
    }
    if (status == MR_OK && added) mr_session_settle_step(s, step);
    BIND_LEAVE(b);
    bind_check(L, status);
    if (status == MR_NOTFOUND) lua_pushnil(L);
    else lua_pushboolean(L, added > 0);
    return 1;
}

/* step:restore(feed, bytes): adds the changes that commit:bytes() has given. false: they are of another form. */
static int step_restore(lua_State *L) {
    mr_step *step = step_arg(L, 1, "restore");
    mr_feed **feed = bind_arg(L, 2, BIND_FEED, "restore");
    size_t len;
    const char *bytes = luaL_checklstring(L, 3, &len);
    bind_state *b = bind_of(L);
    mr_change_set *set = NULL;
    BIND_ENTER(b, L);
    mr_status status = mr_change_set_restore(*feed, bytes, len, &set);
    if (status == MR_OK) status = mr_step_add(step, set);
    mr_change_set_release(set);
    BIND_LEAVE(b);
    bind_check(L, status);
    lua_pushboolean(L, status == MR_OK);
    return 1;
}

static void note_table(void *ud, const mr_changed_table *t) {
    lua_State *L = ud;
    lua_createtable(L, 0, 3);
    lua_pushstring(L, t->schema);
    lua_setfield(L, -2, "schema");
    lua_pushstring(L, t->name);
    lua_setfield(L, -2, "name");
    bind_new_list(L, t->ncolumns);
    for (unsigned i = 0; i < t->ncolumns; i++) {
        lua_pushstring(L, t->columns[i].name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "columns");
    lua_rawseti(L, -2, luaL_len(L, -2) + 1);
}

/* step:tables(): a list of { schema =, name =, columns = } of the tables as they were. */
static int step_tables(lua_State *L) {
    mr_step *step = step_arg(L, 1, "tables");
    lua_newtable(L);
    mr_step_tables(step, note_table, L);
    return 1;
}

/* step:join(later): takes over what the later step has. */
static int step_join(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_step *step = step_arg(L, 1, "join"), *later = step_arg(L, 2, "join");
    BIND_TRY(b, L, mr_step_join(step, later));
    return 0;
}

static int step_bytes(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)mr_step_bytes(step_arg(L, 1, "bytes")));
    return 1;
}

static void note_key(void *ud, const mr_changed_table *table, int64_t key) {
    lua_State *L = ud;
    lua_getfield(L, -1, table->name);
    bool larger = !lua_isinteger(L, -1) || lua_tointeger(L, -1) < key;
    lua_pop(L, 1);
    if (!larger) return;
    lua_pushinteger(L, key);
    lua_setfield(L, -2, table->name);
}

/* step:absent(undone): { table = the largest key of a row that is not there }. */
static int step_absent(lua_State *L) {
    mr_step *step = step_arg(L, 1, "absent");
    bool undone = lua_toboolean(L, 2);
    lua_newtable(L);
    mr_step_absent(step, undone, note_key, L);
    return 1;
}

/* ---------------------------------------------------------------- replay */

#define BIND_CONFLICTS "moonrow.Conflicts"

static int conflicts_gc(lua_State *L) {
    mr_vec *list = bind_test(L, 1, BIND_CONFLICTS);
    if (!list || !bind_peek(L)) return 0;
    for (size_t i = 0; i < list->len; i++) mr_change_set_release(((mr_conflict *)mr_vec_at(list, i))->set);
    mr_vec_done(list);
    return 0;
}

/* step:replay(session, base class, back): nil; or the rows that keep it from being done, and what the database says. */
static int step_replay(lua_State *L) {
    mr_step *step = step_arg(L, 1, "replay");
    mr_session *s = bind_to_session(L, 2);
    const bind_class *base = bind_class_at(L, 3);
    bool back = lua_toboolean(L, 4);
    bind_state *b = bind_of(L);
    if (!base) return bind_type_error(L, 3, "replay", "a class");
    bind_release_loops(L);
    mr_vec *list = lua_newuserdatauv(L, sizeof *list, 0);
    mr_vec_init(list, b->env, sizeof(mr_conflict));
    bind_set_type(L, BIND_CONFLICTS);
    BIND_ENTER(b, L);
    mr_status status = mr_session_replay(s, base->registry, step, back, list);
    BIND_LEAVE(b);
    bind_check(L, status);
    if (status == MR_OK) return 0;
    bind_new_list(L, list->len);
    for (size_t i = 0; i < list->len; i++) {
        const mr_conflict *c = mr_vec_at(list, i);
        bind_push_change(L, base->registry, c->set, c->change);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    const mr_error *e = mr_env_error(b->env);
    lua_pushstring(L, e->kind == MR_ERR_NONE ? NULL : e->message);
    mr_env_clear_error(b->env);
    return 2;
}

void bind_open_step(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"add", step_add},       {"join", step_join},       {"bytes", step_bytes},   {"absent", step_absent},
        {"replay", step_replay}, {"restore", step_restore}, {"tables", step_tables}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__gc", step_gc}, {NULL, NULL}};
    static const luaL_Reg conflicts_meta[] = {{"__gc", conflicts_gc}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"step", core_step}, {"keep_deleted", core_keep_deleted}, {NULL, NULL}};
    bind_type(L, BIND_STEP, "Step", methods, NULL, metamethods);
    bind_type(L, BIND_CONFLICTS, "Conflicts", NULL, NULL, conflicts_meta);
    luaL_setfuncs(L, functions, 0);
}

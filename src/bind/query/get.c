/*
 * get.c: session:get and query:get: an object by its key.
 *
 * Invariant: nil is never taken for a key: a mistyped variable raises.
 */
#include "option.h"
#include "query.h"
#include "value/class.h"
#include "value/decorated.h"
#include "value/proxy.h"
#include "value/session.h"

#define MAX_KEY 32

/* Raises where the key's value i at idx is nil: probably a mistyped variable. NULL is written mr.null. */
static void refuse_nil_key(lua_State *L, mr_mapper *mapper, int idx, unsigned i) {
    if (!lua_isnoneornil(L, idx)) return;
    const char *name = i < mapper->npk ? bind_key_name(mapper, i) : "?";
    bind_error(L, MR_ERR_ARGUMENT, "get(%s): %s.%s: got nil (is the variable set?)", mapper->name, mapper->name, name);
}

/* Raises where the table at idx, a key by attribute, has a name that is not in the primary key. */
static void check_key_names(lua_State *L, const mr_mapper *mapper, int idx) {
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : bind_describe(L, -2);
        const mr_property *prop = lua_type(L, -2) == LUA_TSTRING ? mr_mapper_property(mapper, name, true) : NULL;
        if (prop && prop->is_primary_key) continue;
        const char *near = prop ? NULL : mr_mapper_nearest(mapper, name);
        bind_error(L, MR_ERR_ARGUMENT, "get(%s): '%s' is %s%s", mapper->name, name,
                   prop ? "no attribute of the primary key (query:filter_by finds by others)" : "no attribute",
                   bind_hint(L, near));
    }
}

/* The type of part i of the key, if functions of the program convert its values; otherwise NULL. */
static const mr_type *own_type(lua_State *L, const mr_mapper *mapper, unsigned i) {
    if (!bind_of(L)->has_own || i >= mapper->npk) return NULL;
    const mr_type *type = mr_column_type(mapper->env, mr_mapper_at_slot(mapper, mapper->pk_slots[i])->column);
    return type->decorator ? type : NULL;
}

/* Reads the value at idx as what is sent for it, which takes its place on the stack. */
static void send_part(lua_State *L, const mr_mapper *mapper, const mr_type *type, int idx, unsigned i,
                      const mr_store_room *room, mr_value *out) {
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 12, "a key's value");
    lua_pushfstring(L, "get(%s): %s.%s", mapper->name, mapper->name, bind_key_name(mapper, i));
    lua_pushvalue(L, idx);
    bind_send_value(L, type, room, lua_tostring(L, -2), out);
    lua_replace(L, idx);
    lua_pop(L, 1);
}

/* The value at idx as a part of a key: no expression, whose value only the database knows. */
static void read_part(lua_State *L, const mr_mapper *mapper, int idx, unsigned i, const mr_store_room *room,
                      mr_value *out) {
    const mr_type *type = own_type(L, mapper, i);
    if (type) {
        send_part(L, mapper, type, idx, i, room, out);
        return;
    }
    if (bind_to_value(L, idx, NULL, out) && out->kind != MR_OPAQUE) return;
    idx = lua_absindex(L, idx);
    lua_pushfstring(L, "get(%s)", mapper->name);
    bind_no_value(L, idx, NULL, lua_tostring(L, -1), "a key's value", false);
}

/* Is the table at idx itself the value of a key of one column: no list of one value, and no table by attribute? */
static bool is_own_table(lua_State *L, const mr_mapper *mapper, int idx) {
    if (mapper->npk != 1 || !own_type(L, mapper, 0) || lua_rawlen(L, idx) == 1) return false;
    bool by_name = lua_getfield(L, idx, bind_key_name(mapper, 0)) != LUA_TNIL;
    lua_pop(L, 1);
    return !by_name;
}

/* Reads the key at idx: a value, a list, or a table by attribute. Returns the number of values. */
static unsigned read_key(lua_State *L, mr_session *s, mr_mapper *mapper, int idx, mr_value *values) {
    mr_engine *engine = mr_session_engine(s);
    const mr_store_room room = {.env = mapper->env, .dialect = engine ? mr_engine_dialect(engine)->name : NULL};
    if (!bind_is_plain_table(L, idx) || is_own_table(L, mapper, idx)) {
        refuse_nil_key(L, mapper, idx, 0);
        read_part(L, mapper, idx, 0, &room, &values[0]);
        return 1;
    }
    lua_Integer n = (lua_Integer)lua_rawlen(L, idx);
    bool by_name = n == 0;
    if (by_name) check_key_names(L, mapper, idx);
    if (by_name) n = mapper->npk;
    if (n > MAX_KEY) bind_error(L, MR_ERR_ARGUMENT, "get(%s): a key of %d values is too long", mapper->name, (int)n);
    luaL_checkstack(L, (int)n + 4, "get");
    for (lua_Integer i = 0; i < n; i++) {
        if (by_name) {
            lua_getfield(L, idx, bind_key_name(mapper, (unsigned)i));
        } else {
            lua_rawgeti(L, idx, i + 1);
        }
        refuse_nil_key(L, mapper, -1, (unsigned)i);
        read_part(L, mapper, -1, (unsigned)i, &room, &values[i]);
    }
    return (unsigned)n;
}

/* Called with a query and a list of loader options. Returns the query with the options. */
static int apply_options(lua_State *L) {
    lua_Integer n = luaL_len(L, 2);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, 2, i);
        bind_apply_option(L, lua_gettop(L));
        lua_settop(L, 2);
    }
    lua_settop(L, 1);
    return 1;
}

/* Replaces the list of loader options on top of the stack by a query over the class with these options. */
static mr_query *options_query(lua_State *L, mr_mapper *mapper) {
    mr_query_item item = {mapper, NULL, NULL, mapper->name};
    lua_pushcfunction(L, apply_options);
    bind_push_query(L, mr_query_new(mapper->env, &item, 1, false), 0, BIND_QUERY);
    lua_pushvalue(L, -3);
    lua_call(L, 2, 1);
    lua_replace(L, -2);
    return ((bind_query *)lua_touserdata(L, -1))->query;
}

/* Replaces the value of the option with_for_update on top of the stack, true or a table of options, by a query over the
 * class, or that of the options, which locks the row. */
static mr_query *locking_query(lua_State *L, mr_mapper *mapper, mr_query *options) {
    if (!lua_isboolean(L, -1) && !bind_is_plain_table(L, -1))
        bind_type_error(L, -1, "get: with_for_update", "true or a table of options");
    if (lua_isboolean(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    if (options) {
        lua_pushvalue(L, -2);
    } else {
        mr_query_item item = {mapper, NULL, NULL, mapper->name};
        bind_push_query(L, mr_query_new(mapper->env, &item, 1, false), 0, BIND_QUERY);
    }
    lua_getfield(L, -1, "with_for_update");
    lua_insert(L, -2);
    lua_pushvalue(L, -3);
    lua_call(L, 2, 1);
    lua_replace(L, -2);
    return ((bind_query *)lua_touserdata(L, -1))->query;
}

/* Pushes the object of the key, or nil. */
static int push_found(lua_State *L, mr_session *s, mr_mapper *mapper, const mr_value *key, unsigned n,
                      mr_query *options, bool populate) {
    bind_state *b = mr_env_get(mapper->env, MR_ENV_BIND);
    mr_entity *out = NULL;
    BIND_ENTER(b, L);
    mr_status st = mr_session_get(s, mapper, key, n, options, populate, &out);
    if (st == MR_OK) mr_entity_unpin(out);
    BIND_LEAVE(b);
    bind_check(L, st);
    if (st == MR_NOTFOUND) lua_pushnil(L);
    else bind_push_entity(L, out);
    return 1;
}

enum { CHUNKS = lua_upvalueindex(1) };

/* get(Class, 5), the call of nearly all: pushes the object where it is in memory and up to date, which enters the core
 * for nothing that could fail, call back or free. false: there is more to be done; *absent: by get_absent. */
static inline bool get_known(lua_State *L, const bind_session *s, bool *absent) {
    *absent = false;
    if (!lua_isinteger(L, 3) || lua_gettop(L) != 3) return false;
    bind_state *b = s->b;
    const bind_class *c = lua_touserdata(L, 2);
    if (!c) return false;
    if (c != b->class_met) {
        if (!bind_class_at(L, 2) || !c->mapper || !c->meta) return false;
        b->class_met = c; /* the registry keeps it, by the metatable of its objects */
    }
    if (((unsigned)b->logging | (unsigned)b->stress | b->loops_open) != 0) return false; /* one test for all three */
    mr_entity *e = mr_session_known(s->session, c->mapper, (int64_t)lua_tointeger(L, 3), absent);
    if (e && bind_push_known_entity(L, CHUNKS, b->heap, e)) return true;
    lua_settop(L, 3);
    return false;
}

/* The same, where the object is not in memory: loads it. */
static int get_absent(lua_State *L, const bind_session *s) {
    bind_state *b = s->b;
    mr_mapper *mapper = ((const bind_class *)lua_touserdata(L, 2))->mapper;
    int64_t key = (int64_t)lua_tointeger(L, 3);
    mr_entity *out = NULL;
    BIND_ENTER(b, L);
    mr_status st = mr_session_get_absent(s->session, mapper, key, &out);
    if (st == MR_OK) mr_entity_unpin(out);
    BIND_LEAVE(b);
    if (st == MR_OK) bind_push_entity(L, out);
    else if (st == MR_NOTFOUND) lua_pushnil(L);
    else bind_check(L, st);
    return 1;
}

static bool quick_get(lua_State *L, const bind_session *s, bool *absent) { return get_known(L, s, absent); }

/* get(Class, key, { populate_existing =, options = {...}, with_for_update = }) */
static int session_get(lua_State *L) {
    const bind_session *self = bind_session_at(L, 1);
    bool absent = false;
    if (self && !self->closed && get_known(L, self, &absent)) return 1;
    if (absent) return get_absent(L, self);
    static const char *const known[] = {"populate_existing", "options", "with_for_update", NULL};
    mr_session *s = bind_session_arg(L, "get");
    mr_mapper *mapper = bind_arg_class(L, 2, "get");
    mr_value key[MAX_KEY];
    bind_refuse_more(L, 3, "get", " (a key of several columns is one list)");
    int idx = lua_isnoneornil(L, 4) ? 0 : 4;
    if (idx && !bind_is_plain_table(L, 4))
        return bind_type_error(L, 4, "get", "a table of options (a key of several columns is one list)");
    bind_check_options(L, idx, "get", known);
    bool populate = bind_option_bool(L, idx, "get", "populate_existing", false);
    mr_query *options = NULL;
    if (idx && lua_getfield(L, idx, "options") != LUA_TNIL && !bind_is_plain_table(L, -1))
        return bind_type_error(L, -1, "get: options", "a list of loader options");
    if (idx && !lua_isnil(L, -1)) options = options_query(L, mapper);
    if (idx && lua_getfield(L, idx, "with_for_update") != LUA_TNIL && lua_toboolean(L, -1)) {
        options = locking_query(L, mapper, options);
        populate = true; /* what is locked must be what is known */
    }
    unsigned n = read_key(L, s, mapper, 3, key);
    return push_found(L, s, mapper, key, n, options, populate);
}

static int q_get(lua_State *L) {
    bind_refuse_more(L, 1, "get", " (a key of several columns is one list)");
    mr_query *q = bind_query_arg(L, "get");
    mr_mapper *mapper = q->nitems == 1 ? q->items[0].mapper : NULL;
    if (!mapper) return bind_error(L, MR_ERR_INVALID_REQUEST, "get: the query is not over one class");
    const mr_select *c = &q->clauses;
    if (c->where || c->order_by || c->group_by || c->limit || c->offset || c->distinct || q->njoins || q->nparents ||
        q->statement || q->united)
        return bind_error(L, MR_ERR_INVALID_REQUEST, "get: the query has criteria already: use filter_by(...):first()");
    lua_settop(L, 2);
    mr_session *s = bind_query_session(L, "get");
    mr_value key[MAX_KEY];
    unsigned n = read_key(L, s, mapper, 2, key);
    return push_found(L, s, mapper, key, n, q, q->populate_existing);
}

void bind_open_get(lua_State *L) {
    static const luaL_Reg of_session[] = {{"get", session_get}, {NULL, NULL}};
    static const luaL_Reg of_query[] = {{"get", q_get}, {NULL, NULL}};
    static const bind_quick_method quick = {quick_get, get_absent};
    bind_of(L)->quick_of = session_get;
    bind_of(L)->quick = &quick;
    bind_push_methods(L, BIND_SESSION);
    bind_push_chunks(L);
    luaL_setfuncs(L, of_session, 1);
    lua_pop(L, 1);
    bind_extend_query(L, of_query, false);
}

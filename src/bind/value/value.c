/*
 * value.c: values between Lua and the core. A string that goes to the core is borrowed from the Lua stack.
 *
 * Invariant: the message about a wrong value says what is wrong with it, for example which field of a date's table is
 * missing, or that it is a list.
 */
#include "value.h"

#include <string.h>

#include "datetime.h"
#include "decimal.h"
#include "node.h"
#include "own_value.h"
#include "proxy.h"

void bind_push_value(lua_State *L, const mr_value *v) {
    switch ((mr_kind)v->kind) {
    case MR_INT:
        lua_pushinteger(L, (lua_Integer)v->u.i);
        break;
    case MR_FLOAT:
        lua_pushnumber(L, v->u.d);
        break;
    case MR_BOOL:
        lua_pushboolean(L, v->u.i != 0);
        break;
    case MR_TEXT:
    case MR_BLOB:
        lua_pushlstring(L, v->u.s, v->len);
        break;
    case MR_DECIMAL:
        bind_push_decimal(L, v->u.s, v->len);
        break;
    case MR_DATE:
    case MR_TIME:
    case MR_DATETIME:
    case MR_INTERVAL:
        bind_push_date(L, v);
        break;
    case MR_JSON:
        bind_of(L)->json->push(L, v, "the result", NULL);
        break;
    case MR_OPAQUE: {
        bind_state *b = bind_of(L);
        if (v->tag == b->own_tag) bind_push_own_value(L, v);
        else if (v->tag == b->value_tag) bind_ref_push(L, v->u.p);
        else bind_push_node(L, mr_node_retain(v->u.p));
        break;
    }
    case MR_ENTITY:
        bind_push_entity(L, v->u.p);
        break;
    case MR_UNLOADED:
    case MR_NULL:
    case MR_COLLECTION:
        lua_pushnil(L);
        break;
    }
}

void bind_push_value_or_null(lua_State *L, const mr_value *v) {
    if (v->kind == MR_NULL || v->kind == MR_UNLOADED) bind_push_null(L);
    else bind_push_value(L, v);
}

void bind_push_param(lua_State *L, const mr_value *v) {
    if (v->kind == MR_JSON) lua_pushlstring(L, v->u.s, v->len);
    else bind_push_value_or_null(L, v);
}

static mr_kind calendar_kind(const mr_type *type) {
    return type && mr_type_is_calendar(type) ? type->rules->kind : MR_UNLOADED;
}

/* An object has no place among values; its key has. */
static int refuse_object(lua_State *L, int idx, const char *what, const char *wanted) {
    const mr_mapper *mapper = bind_test_entity(L, idx)->mapper;
    return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got %s (the object's key is its attribute '%s')", what,
                      wanted, bind_describe(L, idx), bind_key_name(mapper, 0));
}

int bind_no_value(lua_State *L, int idx, const mr_type *type, const char *what, const char *wanted, bool compared) {
    mr_kind kind = calendar_kind(type);
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 8, "refusing a value");
    if (type && mr_type_is_json(type)) return bind_of(L)->json->refuse(L, idx, type, what);
    if (bind_test_entity(L, idx)) return refuse_object(L, idx, what, wanted);
    if (lua_isfunction(L, idx))
        return bind_error(
            L, MR_ERR_ARGUMENT,
            "%s: expected %s, got function (a function or a method is called: mr.now(), User.name:desc())", what,
            wanted);
    if (!bind_is_plain_table(L, idx)) return bind_type_error(L, idx, what, wanted);
    int n = compared ? (int)lua_rawlen(L, idx) : 0;
    if (n > 0 && type)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got a list of %d value%s (a list goes into in_)", what,
                          wanted, n, n == 1 ? "" : "s");
    if (n > 0)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s: expected %s, got a list of %d value%s (a list goes into in_; JSON goes into a "
                          "parameter of that type: mr.bindparam(name, mr.JSON))",
                          what, wanted, n, n == 1 ? "" : "s");
    if (compared && !type)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s: expected %s, got a table (JSON goes into a parameter of that type: mr.bindparam(name, "
                          "mr.JSON))",
                          what, wanted);
    if (kind != MR_UNLOADED) return bind_refuse_date(L, idx, kind, what, wanted);
    if (type && type->rules->kind == MR_INTERVAL)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s: expected %s, got a table (mr.interval{ days = 1, hours = 2 } makes one of a table)",
                          what, wanted);
    return bind_type_error(L, idx, what, wanted);
}

/* Is the value at idx taken as it is, whatever the program's functions of a type do: NULL, an SQL expression? */
static bool is_for_the_database(lua_State *L, int idx) {
    return lua_isnoneornil(L, idx) || bind_is_null(L, idx) || (lua_isuserdata(L, idx) && bind_test_node(L, idx));
}

bool bind_to_value(lua_State *L, int idx, const mr_type *type, mr_value *out) {
    if (type && type->decorator && !is_for_the_database(L, idx)) {
        bind_wrap_value(L, idx, type, out);
        return true;
    }
    if (type && mr_type_is_json(type)) return bind_of(L)->json->to_value(L, idx, type, out);
    switch (lua_type(L, idx)) {
    case LUA_TNIL:
    case LUA_TNONE:
        *out = mr_null_value();
        return true;
    case LUA_TBOOLEAN:
        *out = mr_bool_value(lua_toboolean(L, idx));
        return true;
    case LUA_TNUMBER:
        if (lua_isinteger(L, idx)) *out = mr_int_value((int64_t)lua_tointeger(L, idx));
        else *out = mr_float_value(lua_tonumber(L, idx));
        return true;
    case LUA_TSTRING: {
        size_t len;
        const char *s = lua_tolstring(L, idx, &len);
        if (len > UINT32_MAX) return false;
        *out = mr_text_value(s, len);
        return true;
    }
    case LUA_TLIGHTUSERDATA:
        if (!bind_is_null(L, idx)) return false;
        *out = mr_null_value();
        return true;
    case LUA_TTABLE: {
        mr_kind kind = calendar_kind(type);
        return kind != MR_UNLOADED && bind_is_plain_table(L, idx) &&
               bind_table_to_date(L, lua_absindex(L, idx), kind, out);
    }
    case LUA_TUSERDATA: {
        if (bind_to_date(L, idx, out) || bind_to_decimal(L, idx, out)) return true;
        mr_node *node = bind_test_node(L, idx);
        if (!node) return false;
        *out = mr_value_of(MR_OPAQUE, 0);
        out->tag = bind_of(L)->node_tag;
        out->u.p = node;
        return true;
    }
    default:
        return false;
    }
}

void bind_refuse_list(lua_State *L, int idx, const mr_type *type, const char *what) {
    if (!lua_istable(L, idx) || (type && mr_type_is_json(type))) return;
    bool typed = type && mr_type_is_known(type);
    mr_value v;
    if (!bind_to_value(L, idx, type, &v))
        bind_no_value(L, idx, type, what, typed ? mr_type_wants(type) : "a value", true);
}

void bind_check_value(lua_State *L, int idx, const mr_type *type, const char *what, mr_value *out) {
    if (!bind_to_value(L, idx, type, out)) bind_no_value(L, idx, type, what, mr_type_wants(type), false);
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_type_coerce(b->env, type, what, out));
    if (out->kind == MR_OPAQUE) bind_name_value(L, out, what);
}

static int null_tostring(lua_State *L) {
    if (bind_is_null(L, 1)) lua_pushliteral(L, "null");
    else lua_pushfstring(L, "userdata: %p", lua_topointer(L, 1));
    return 1;
}

/* All light userdata have one metatable. If the program has set none, ours makes mr.null, which is on top, print as
 * null. */
static void name_null(lua_State *L) {
    if (lua_getmetatable(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, null_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_setmetatable(L, -2);
}

void bind_open_value(lua_State *L) {
    bind_of(L)->push_param = bind_push_param;
    bind_push_null(L);
    name_null(L);
    lua_setfield(L, -2, "null");
}

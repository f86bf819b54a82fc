/*
 * value.c: values between Lua and the core. Bytes that go in are borrowed from the Lua stack.
 */
#include <string.h>

#include "runtime.h"

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
    case MR_DECIMAL:
        lua_pushlstring(L, v->u.s, v->len);
        break;
    case MR_DATE:
    case MR_TIME:
    case MR_DATETIME:
    case MR_INTERVAL:
        bind_push_date(L, v);
        break;
    case MR_OPAQUE: {
        bind_state *b = bind_of(L);
        if (v->tag == b->value_tag) bind_ref_push(L, v->u.p);
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

static mr_kind calendar_kind(const mr_type *type) {
    switch (type ? type->code : MR_TYPE_NULL) {
    case MR_TYPE_DATE:
        return MR_DATE;
    case MR_TYPE_TIME:
        return MR_TIME;
    case MR_TYPE_DATETIME:
        return MR_DATETIME;
    default:
        return MR_UNLOADED;
    }
}

/* The field under its name, or the other one; deflt where it is missing. False when it is no integer, or missing without a
 * default (-1). */
static bool date_field(lua_State *L, int idx, const char *name, const char *other, int deflt, int *out) {
    int is_int = 1;
    lua_pushstring(L, name);
    if (lua_rawget(L, idx) == LUA_TNIL && other) {
        lua_pop(L, 1);
        lua_pushstring(L, other);
        lua_rawget(L, idx);
    }
    lua_Integer n = lua_isnil(L, -1) ? deflt : lua_tointegerx(L, -1, &is_int);
    lua_pop(L, 1);
    if (!is_int || n < 0 || n > 9999999) return false;
    *out = (int)n;
    return true;
}

/* An os.date "*t" table: year, month, day with hour, min, sec; or the fields of a datetime. */
static bool table_to_date(lua_State *L, int idx, mr_kind kind, mr_value *out) {
    mr_civil c = {0};
    bool is_time = kind == MR_TIME;
    return date_field(L, idx, "year", NULL, is_time ? 1970 : -1, &c.year) &&
           date_field(L, idx, "month", NULL, is_time ? 1 : -1, &c.month) &&
           date_field(L, idx, "day", NULL, is_time ? 1 : -1, &c.day) &&
           date_field(L, idx, "hour", NULL, is_time ? -1 : 0, &c.hour) &&
           date_field(L, idx, "min", "minute", 0, &c.minute) && date_field(L, idx, "sec", "second", 0, &c.second) &&
           date_field(L, idx, "microsecond", NULL, 0, &c.microsecond) && mr_civil_to_value(&c, kind, out);
}

bool bind_to_value(lua_State *L, int idx, const mr_type *type, mr_value *out) {
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
               table_to_date(L, lua_absindex(L, idx), kind, out);
    }
    case LUA_TUSERDATA: {
        if (bind_to_date(L, idx, out)) return true;
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

void bind_check_value(lua_State *L, int idx, const mr_type *type, const char *what, mr_value *out) {
    if (!bind_to_value(L, idx, type, out)) bind_type_error(L, idx, what, mr_type_wants(type));
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L);
    mr_status st = mr_type_coerce(b->env, type, what, out);
    BIND_LEAVE(b);
    bind_check(L, st);
}

void bind_open_value(lua_State *L) {
    bind_push_null(L);
    lua_setfield(L, -2, "null");
}

/*
 * value.c: values between Lua and the core. A string that goes to the core is borrowed from the Lua stack.
 *
 * Invariant: the message about a wrong value says what is wrong with it, for example which field of a date's table is
 * missing, or that it is a list.
 */
#include "value.h"

#include <string.h>

#include "node.h"
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
    return type && mr_type_is_calendar(type) ? type->rules->kind : MR_UNLOADED;
}

/* Pushes the field `name` of the table, or else the field `other`. Returns true and sets *out where the field is an
 * integer, or where it is missing and there is a default (deflt is not -1). */
static bool date_field(lua_State *L, int idx, const char *name, const char *other, int deflt, int *out) {
    int is_int = 1;
    lua_pushstring(L, name);
    if (lua_rawget(L, idx) == LUA_TNIL && other) {
        lua_pop(L, 1);
        lua_pushstring(L, other);
        lua_rawget(L, idx);
    }
    bool given = !lua_isnil(L, -1);
    lua_Integer n = given ? lua_tointegerx(L, -1, &is_int) : deflt;
    if (!is_int || n < -9999999 || n > 9999999 || (!given && n < 0)) return false;
    *out = (int)n;
    return true;
}

/* Reads a table of os.date "*t" (year, month, day, hour, min, sec), or a table with the field names of a datetime.
 * Returns NULL, or the name of the first wrong field (missing, or no integer), and then leaves its value on top. */
static const char *date_fields(lua_State *L, int idx, mr_kind kind, mr_civil *c) {
    bool is_time = kind == MR_TIME;
    const struct {
        const char *name, *other;
        int deflt, *out;
    } fields[] = {{"year", NULL, is_time ? 1970 : -1, &c->year},
                  {"month", NULL, is_time ? 1 : -1, &c->month},
                  {"day", NULL, is_time ? 1 : -1, &c->day},
                  {"hour", NULL, is_time ? -1 : 0, &c->hour},
                  {"min", "minute", 0, &c->minute},
                  {"sec", "second", 0, &c->second},
                  {"microsecond", NULL, 0, &c->microsecond}};
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!date_field(L, idx, fields[i].name, fields[i].other, fields[i].deflt, fields[i].out)) return fields[i].name;
        lua_pop(L, 1);
    }
    return NULL;
}

static bool table_to_date(lua_State *L, int idx, mr_kind kind, mr_value *out) {
    mr_civil c;
    luaL_checkstack(L, 2, "a date");
    if (!date_fields(L, idx, kind, &c)) return mr_civil_to_value(&c, kind, out);
    lua_pop(L, 1);
    return false;
}

/* Raises: the table at idx is no date; the message names the wrong field. */
static int refuse_date(lua_State *L, int idx, mr_kind kind, const char *what, const char *wanted) {
    mr_civil c;
    char mistake[MR_MISTAKE_SIZE] = "";
    const char *field = date_fields(L, idx, kind, &c);
    if (field && lua_isnil(L, -1))
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got a table without the field '%s'", what, wanted,
                          field);
    if (field)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got a table whose field '%s' is no integer but %s",
                          what, wanted, field, bind_describe(L, -1));
    mr_civil_mistake(&c, kind, mistake);
    return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got a table (%s)", what, wanted, mistake);
}

int bind_no_value(lua_State *L, int idx, const mr_type *type, const char *what, const char *wanted, bool compared) {
    mr_kind kind = calendar_kind(type);
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 8, "refusing a value");
    if (!bind_is_plain_table(L, idx)) return bind_type_error(L, idx, what, wanted);
    if (compared && lua_rawlen(L, idx) > 0)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got a table (a list goes into in_)", what, wanted);
    if (kind != MR_UNLOADED) return refuse_date(L, idx, kind, what, wanted);
    return bind_type_error(L, idx, what, wanted);
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
        return kind != MR_UNLOADED && bind_is_plain_table(L, idx) && table_to_date(L, lua_absindex(L, idx), kind, out);
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

void bind_refuse_list(lua_State *L, int idx, const mr_type *type, const char *what) {
    if (!lua_istable(L, idx)) return;
    bool typed = type && mr_type_is_known(type);
    mr_value v;
    if (!bind_to_value(L, idx, type, &v))
        bind_no_value(L, idx, type, what, typed ? mr_type_wants(type) : "a value", true);
}

void bind_check_value(lua_State *L, int idx, const mr_type *type, const char *what, mr_value *out) {
    if (!bind_to_value(L, idx, type, out)) bind_no_value(L, idx, type, what, mr_type_wants(type), false);
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_type_coerce(b->env, type, what, out));
}

void bind_open_value(lua_State *L) {
    bind_of(L)->push_param = bind_push_value_or_null;
    bind_push_null(L);
    lua_setfield(L, -2, "null");
}

/*
 * row.c: rows of several items, and lists of results.
 *
 * Invariant: a row is a userdata that nothing but this file sets, once: a row cannot be changed, not by rawset either.
 * Numbers and short texts are in its memory, and become Lua's when they are asked for: most rows are asked for few of
 * their columns. JSON is read then, too, and functions of the program convert what is of their types. What is long, or
 * an object whose identity may matter, is a user value. Names lead to the values through the metatable, so a column's
 * name wins over a method's, and #row counts columns whatever is NULL.
 */
#include "row.h"

#include "decorated.h"

#include <stdio.h>
#include <string.h>

static const char list_key = 0;    /* registry: the metatable of lists */
static const char methods_key = 0; /* registry: the methods of rows */

/* A row's memory: behind the values are the bytes of its texts. */
typedef struct bind_row {
    const void *magic; /* tells it from other userdata: &methods_key */
    unsigned n;
    const bind_row_type *types; /* NULL: no value is converted */
    mr_value values[];          /* MR_OPAQUE: it is the user value of its number */
} bind_row;

enum { CONVERTED = 1 }; /* mr_value.tag: the user value of its number is what the program sees */

/* Texts up to this length Lua keeps once each: to ask for one again copies nothing. */
enum { SHORT_TEXT = 40 };

/* Upvalues of a row's functions. */
enum { POSITIONS = 1, NAMES };

static lua_Integer width(lua_State *L) { return (lua_Integer)lua_rawlen(L, lua_upvalueindex(NAMES)); }

/* The row at the index, or NULL: the program may call a row's function by hand, with any value. */
static const bind_row *test_row(lua_State *L, int idx) {
    const bind_row *row = lua_touserdata(L, idx);
    return row && lua_rawlen(L, idx) >= sizeof *row && row->magic == &methods_key ? row : NULL;
}

static const bind_row *self(lua_State *L, const char *function) {
    const bind_row *row = test_row(L, 1);
    if (!row) bind_type_error(L, 1, function, "a row: write row:unpack(), row:keys(), row:mapping()");
    return row;
}

/* Pushes the JSON value i of the row, which is at the index. Its user value is the text until it is asked for. */
static void push_json(lua_State *L, int idx, const bind_row *row, int i) {
    enum { SIZE = 40 };
    char what[SIZE];
    mr_value v = row->values[i - 1];
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 4, "a row");
    lua_getiuservalue(L, idx, i);
    v.u.s = lua_tostring(L, -1);
    snprintf(what, sizeof what, "column %d of the row", i);
    bind_of(L)->json->push(L, &v, what, NULL);
    lua_remove(L, -2);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, idx, i);
    ((bind_row *)(uintptr_t)row)->values[i - 1] = mr_value_of(MR_OPAQUE, 0);
}

static bool is_converted_later(const bind_row_type *types, unsigned i) { return types && types[i].type; }

/* Pushes what the program's functions make of the value. They are asked once. */
static void push_converted(lua_State *L, int idx, const bind_row *row, int i) {
    mr_value *v = (mr_value *)&row->values[i - 1];
    const bind_row_type *type = &row->types[i - 1];
    if (v->tag == CONVERTED) {
        lua_getiuservalue(L, idx, i);
        return;
    }
    const bind_place place = {.what = type->what, .bad = type->bad};
    luaL_checkstack(L, 8, "a row's value");
    idx = lua_absindex(L, idx);
    bind_push_typed(L, type->type, v, type->dialect, &place);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, idx, i);
    v->tag = CONVERTED;
}

/* Pushes value i of the row, which is at the index. */
static void push_item(lua_State *L, int idx, const bind_row *row, lua_Integer i) {
    const mr_value *v = i >= 1 && i <= (lua_Integer)row->n ? &row->values[i - 1] : NULL;
    if (!v) lua_pushnil(L);
    else if (is_converted_later(row->types, (unsigned)i - 1)) push_converted(L, idx, row, (int)i);
    else if (v->kind == MR_JSON) push_json(L, idx, row, (int)i);
    else if (v->kind == MR_OPAQUE) lua_getiuservalue(L, idx, (int)i);
    else bind_push_value(L, v);
}

int bind_row_get(lua_State *L, int idx, lua_Integer i) {
    const bind_row *row = test_row(L, idx);
    if (row) push_item(L, idx, row, i);
    else lua_pushnil(L);
    return lua_type(L, -1);
}

static int row_index(lua_State *L) {
    const bind_row *row = self(L, "row");
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(POSITIONS)) == LUA_TNUMBER) {
            push_item(L, 1, row, lua_tointeger(L, -1));
            return 1;
        }
    }
    lua_settop(L, 2);
    if (lua_isinteger(L, 2) && bind_row_get(L, 1, lua_tointeger(L, 2)) != LUA_TNIL) return 1;
    lua_settop(L, 2);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &methods_key);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL) {
        if (!lua_iscfunction(L, -1)) return 1; /* one of the Lua part */
        lua_pushvalue(L, lua_upvalueindex(POSITIONS));
        lua_pushvalue(L, lua_upvalueindex(NAMES));
        lua_pushcclosure(L, lua_tocfunction(L, -3), 2);
        return 1;
    }
    if (lua_isinteger(L, 2)) {
        lua_Integer i = lua_tointeger(L, 2);
        if (i >= 1 && i <= width(L)) return 0; /* NULL */
        if (i == width(L) + 1) return 0;       /* where ipairs stops */
        return bind_error(L, MR_ERR_ARGUMENT, "the row has %d column%s, not %d", (int)width(L),
                          width(L) == 1 ? "" : "s", (int)i);
    }
    if (lua_type(L, 2) != LUA_TSTRING) return bind_type_error(L, 2, "row", "a column's name or number");
    const char *name = lua_tostring(L, 2), *near = bind_nearest_key(L, lua_upvalueindex(POSITIONS), name);
    return bind_error(L, MR_ERR_ARGUMENT, "the row has no column '%s'%s", name, bind_hint(L, near));
}

static int row_newindex(lua_State *L) {
    return bind_error(L, MR_ERR_ARGUMENT, "a row cannot be changed (setting %s)", bind_describe(L, 2));
}

static int row_len(lua_State *L) {
    lua_pushinteger(L, width(L));
    return 1;
}

static int row_unpack(lua_State *L) {
    int n = (int)self(L, "unpack")->n;
    luaL_checkstack(L, n + 1, "too many columns");
    for (int i = 1; i <= n; i++) bind_row_get(L, 1, i);
    return n;
}

static int row_keys(lua_State *L) {
    lua_Integer n = width(L);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, lua_upvalueindex(NAMES), i);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

void bind_push_mapping(lua_State *L, int row, int names) {
    row = lua_absindex(L, row);
    names = lua_absindex(L, names);
    lua_Integer n = (lua_Integer)lua_rawlen(L, names);
    lua_createtable(L, 0, (int)n);
    for (lua_Integer i = n; i >= 1; i--) { /* of equal names the first one counts */
        if (lua_rawgeti(L, names, i) == LUA_TSTRING) {
            bind_row_get(L, row, i);
            lua_rawset(L, -3);
        } else {
            lua_pop(L, 1);
        }
    }
}

/* row:mapping() */
static int row_mapping(lua_State *L) {
    (void)self(L, "mapping");
    bind_push_mapping(L, 1, lua_upvalueindex(NAMES));
    return 1;
}

/* Pushes the value as lists of results print it: strings quoted. */
static void push_shown(lua_State *L, int idx) {
    idx = lua_absindex(L, idx);
    if (lua_type(L, idx) != LUA_TSTRING) {
        luaL_tolstring(L, idx, NULL);
        return;
    }
    size_t len;
    const char *s = lua_tolstring(L, idx, &len);
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    luaL_addchar(&out, '"');
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '"' || s[i] == '\\') luaL_addchar(&out, '\\');
        if (s[i] == '\n') luaL_addstring(&out, "\\n");
        else luaL_addchar(&out, s[i]);
    }
    luaL_addchar(&out, '"');
    luaL_pushresult(&out);
}

/* Pushes the n items of the row or table at index 1 as text: open, the items with commas between them, close. */
static int show_items(lua_State *L, lua_Integer n, char open, char close) {
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    luaL_addchar(&out, open);
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1) luaL_addstring(&out, ", ");
        if (lua_istable(L, 1)) lua_rawgeti(L, 1, i);
        else bind_row_get(L, 1, i);
        push_shown(L, -1);
        lua_remove(L, -2);
        luaL_addvalue(&out);
    }
    luaL_addchar(&out, close);
    luaL_pushresult(&out);
    return 1;
}

static int row_tostring(lua_State *L) { return show_items(L, (lua_Integer)self(L, "tostring")->n, '(', ')'); }

static int list_tostring(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    return show_items(L, (lua_Integer)lua_rawlen(L, 1), '{', '}');
}

/* Two rows are equal when all their values are. */
static int row_eq(lua_State *L) {
    const bind_row *a = test_row(L, 1), *b = test_row(L, 2);
    bool equal = a && b && a->n == b->n;
    for (unsigned i = 1; equal && i <= a->n; i++) {
        bind_row_get(L, 1, i);
        bind_row_get(L, 2, i);
        equal = lua_compare(L, -1, -2, LUA_OPEQ);
        lua_pop(L, 2);
    }
    lua_pushboolean(L, equal);
    return 1;
}

static int next_item(lua_State *L) {
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(3)) + 1;
    if (i > width(L) || !test_row(L, 1)) return 0;
    lua_pushinteger(L, i);
    lua_copy(L, -1, lua_upvalueindex(3));
    lua_rawgeti(L, lua_upvalueindex(NAMES), i);
    if (lua_type(L, -1) != LUA_TSTRING) {
        lua_pop(L, 1);
        lua_pushinteger(L, i);
    }
    bind_row_get(L, 1, i);
    return 2;
}

/* for name, value in pairs(row) */
static int row_pairs(lua_State *L) {
    (void)self(L, "pairs");
    lua_pushvalue(L, lua_upvalueindex(POSITIONS));
    lua_pushvalue(L, lua_upvalueindex(NAMES));
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_item, 3);
    lua_pushvalue(L, 1);
    return 2;
}

void bind_push_row_metatable(lua_State *L, int names) {
    static const luaL_Reg metamethods[] = {
        {"__index", row_index}, {"__newindex", row_newindex}, {"__len", row_len}, {"__tostring", row_tostring},
        {"__eq", row_eq},       {"__pairs", row_pairs},       {NULL, NULL}};
    names = lua_absindex(L, names);
    lua_Integer n = (lua_Integer)lua_rawlen(L, names);
    luaL_checkstack(L, 8, "rows");
    lua_createtable(L, 0, 9);
    lua_createtable(L, 0, (int)n);
    for (lua_Integer i = n; i >= 1; i--) { /* of two equal names the first wins */
        if (lua_rawgeti(L, names, i) == LUA_TSTRING) {
            lua_pushinteger(L, i);
            lua_rawset(L, -3);
        } else {
            lua_pop(L, 1);
        }
    }
    lua_pushvalue(L, names);
    luaL_setfuncs(L, metamethods, 2);
    lua_pushliteral(L, "Row");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "moonrow Row");
    lua_setfield(L, -2, "__metatable");
}

/* Is the value complete in itself? */
static inline bool is_number(const mr_value *v) {
    const unsigned kinds = 1U << MR_UNLOADED | 1U << MR_NULL | 1U << MR_INT | 1U << MR_FLOAT | 1U << MR_BOOL;
    return kinds >> v->kind & 1;
}

static inline bool is_short_text(const mr_value *v) {
    return mr_kind_is_bytes(v->kind) && v->kind != MR_JSON && v->len <= SHORT_TEXT;
}

/* Fills what is not complete in itself: texts, whose bytes go to text, and the user values 1..apart of the row on top.
 */
static void fill_row(lua_State *L, bind_row *row, const mr_value *values, unsigned apart, char *text) {
    for (unsigned i = 0; i < row->n; i++) {
        mr_value *v = &row->values[i];
        if (is_number(v)) continue;
        bool later = is_converted_later(row->types, i);
        if (later && !mr_kind_is_bytes(v->kind)) continue;
        if (is_short_text(v) || later) {
            v->u.s = memcpy(text, v->u.s, v->len);
            text += v->len;
        } else if (v->kind == MR_JSON) {
            v->u.s = NULL;
        } else {
            *v = mr_value_of(MR_OPAQUE, 0);
        }
    }
    for (unsigned i = 0; i < apart; i++) {
        if (row->values[i].kind != MR_OPAQUE && row->values[i].kind != MR_JSON) continue;
        bind_push_param(L, &values[i]);
        lua_setiuservalue(L, -2, (int)i + 1);
    }
}

void bind_push_row(lua_State *L, const mr_value *values, unsigned n, int metatable, const bind_row_type *types) {
    metatable = lua_absindex(L, metatable);
    size_t bytes = 0;
    unsigned apart = 0;
    bool more = false;
    for (unsigned i = 0; i < n; i++) {
        bool later = is_converted_later(types, i);
        if (later) apart = i + 1;
        if (is_number(&values[i])) continue;
        more = true;
        if (later) bytes += mr_kind_is_bytes(values[i].kind) ? values[i].len : 0;
        else if (is_short_text(&values[i])) bytes += values[i].len;
        else apart = i + 1;
    }
    bind_row *row = lua_newuserdatauv(L, sizeof *row + n * sizeof *values + bytes, (int)apart);
    row->magic = &methods_key;
    row->n = n;
    row->types = types;
    memcpy(row->values, values, n * sizeof *values);
    for (unsigned i = 0; types && i < n; i++) row->values[i].tag = 0;
    if (more) fill_row(L, row, values, apart, (char *)(row->values + n));
    lua_pushvalue(L, metatable);
    lua_setmetatable(L, -2);
}

/* Is the value a user value of the row, or does it become one when it is asked for? */
static bool is_apart(const bind_row *row, unsigned i) {
    const mr_kind kind = (mr_kind)row->values[i].kind;
    return kind == MR_OPAQUE || kind == MR_JSON || is_converted_later(row->types, i);
}

void bind_push_row_part(lua_State *L, int row_idx, const unsigned *columns, unsigned n, int metatable) {
    const bind_row *whole = test_row(L, row_idx);
    size_t bytes = 0;
    unsigned apart = 0;
    row_idx = lua_absindex(L, row_idx);
    metatable = lua_absindex(L, metatable);
    for (unsigned i = 0; i < n; i++) {
        const mr_value *v = &whole->values[columns[i]];
        if (is_apart(whole, columns[i])) apart = i + 1;
        else if (mr_kind_is_bytes(v->kind)) bytes += v->len;
    }
    bind_row *part = lua_newuserdatauv(L, sizeof *part + n * sizeof(mr_value) + bytes, (int)apart);
    char *text = (char *)(part->values + n);
    part->magic = &methods_key;
    part->n = n;
    part->types = NULL;
    for (unsigned i = 0; i < n; i++) {
        mr_value *v = &part->values[i];
        *v = is_apart(whole, columns[i]) ? mr_value_of(MR_OPAQUE, 0) : whole->values[columns[i]];
        if (!mr_kind_is_bytes(v->kind)) continue;
        v->u.s = memcpy(text, v->u.s, v->len);
        text += v->len;
    }
    for (unsigned i = 0; i < apart; i++) {
        if (part->values[i].kind != MR_OPAQUE) continue;
        push_item(L, row_idx, whole, (lua_Integer)columns[i] + 1);
        lua_setiuservalue(L, -2, (int)i + 1);
    }
    lua_pushvalue(L, metatable);
    lua_setmetatable(L, -2);
}

/* for x in list do */
static int list_call(lua_State *L) {
    return bind_error(L, MR_ERR_ARGUMENT, "a list cannot be called: a loop over it is for _, x in ipairs(list) do");
}

void bind_set_list_metatable(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &list_key);
    lua_setmetatable(L, -2);
}

bool bind_is_list(lua_State *L, int idx) {
    if (!lua_getmetatable(L, idx)) return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &list_key);
    bool is = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is;
}

void bind_new_list(lua_State *L, size_t n) {
    lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
    bind_set_list_metatable(L);
}

void bind_open_row(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"unpack", row_unpack}, {"keys", row_keys}, {"mapping", row_mapping}, {NULL, NULL}};
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, list_call);
    lua_setfield(L, -2, "__call");
    lua_pushcfunction(L, list_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "List");
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "list_metatable"); /* the Lua part adds methods */
    lua_rawsetp(L, LUA_REGISTRYINDEX, &list_key);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "row_methods");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &methods_key);
}

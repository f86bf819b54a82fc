/*
 * default.c: a column's default, onupdate and server_default, from what the user wrote.
 *
 * Invariant: a default lives as long as the environment: bytes are in the arena, functions and expressions are released
 * when the environment closes.
 */
#include <string.h>

#include "schema.h"
#include "value/class.h"
#include "value/datetime.h"
#include "value/node.h"
#include "value/uuid.h"

typedef struct default_function {
    bind_ref *function;
    mr_column *column; /* has its name and type when the default is first used, perhaps not before */
    const char *what;
    mr_value *out; /* the result of the call that is running */
    bool asks;     /* it has a parameter: it is called with the context */
} default_function;

static const char row_key = 0; /* registry: the row of the statement that is being made: a table; or nil */

void bind_set_default_row(lua_State *L, int row) {
    if (row) lua_pushvalue(L, row);
    else lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &row_key);
}

/* A value of the row, and its column. */
typedef struct row_value {
    const mr_column *column;
    const mr_value *value;
} row_value;

typedef struct row_values {
    row_value *values; /* NULL: they are only counted */
    size_t n;
} row_values;

static mr_status note_value(void *ud, const mr_column *column, const mr_value *value) {
    row_values *row = ud;
    if (row->values) row->values[row->n] = (row_value){column, value};
    row->n++;
    return MR_OK;
}

/* Pushes the values of the row that is being flushed, under the names of the attributes, and of the columns. */
static void push_flushed(lua_State *L, const mr_default_row *row) {
    row_values found = {NULL, 0};
    (void)row->each(row, note_value, &found);
    found.values = lua_newuserdatauv(L, (found.n + 1) * sizeof *found.values, 0);
    found.n = 0;
    (void)row->each(row, note_value, &found);
    lua_newtable(L);
    for (size_t i = 0; i < found.n; i++) {
        const mr_column *column = found.values[i].column;
        const mr_mapper *mapper = column->table ? column->table->mapped : NULL;
        const mr_property *prop = mapper ? mr_mapper_property_of_column(mapper, column) : NULL;
        bind_push_value(L, found.values[i].value);
        if (prop) {
            lua_pushvalue(L, -1);
            lua_setfield(L, -3, prop->name);
        }
        lua_setfield(L, -2, column->name);
    }
    lua_remove(L, -2);
}

/* Pushes a copy of the row of a statement, a table at the index; NULL is nil. */
static void push_given(lua_State *L, int given) {
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, given);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        if (bind_is_null(L, -1)) lua_pop(L, 2);
        else lua_rawset(L, -4);
    }
}

/* Replaces the statement's row on top, or nil, by the context of a call: { current_parameters = the values that the row
 * has by then, by attribute }. */
static void push_context(lua_State *L) {
    int given = lua_gettop(L);
    const mr_default_row *row = mr_env_get(bind_of(L)->env, MR_ENV_ROW);
    lua_createtable(L, 0, 1);
    if (lua_istable(L, given)) push_given(L, given);
    else if (row) push_flushed(L, row);
    else lua_newtable(L);
    lua_setfield(L, -2, "current_parameters");
    lua_replace(L, given);
}

/* Does the function at the index have a parameter? C functions, and what can be called, take none: os.time is one. */
static bool has_parameter(lua_State *L, int idx) {
    lua_Debug info;
    if (lua_iscfunction(L, idx) || !lua_isfunction(L, idx)) return false;
    lua_pushvalue(L, idx);
    return lua_getinfo(L, ">u", &info) && info.nparams > 0;
}

/* The result is kept in the registry, so its bytes stay valid until the next call. */
static int call_body(lua_State *L) {
    default_function *f = lua_touserdata(L, 1);
    bind_ref_push(L, f->function);
    luaL_checkstack(L, 16, "a default");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &row_key);
    bind_set_default_row(L, 0); /* what the function does has rows of its own */
    if (f->asks) push_context(L);
    else lua_pop(L, 1);
    lua_call(L, f->asks ? 1 : 0, 1);
    const mr_column *column = f->column;
    const mr_type *type = mr_column_type(bind_of(L)->env, f->column);
    const char *what = f->what;
    if (column->table) what = lua_pushfstring(L, "%s of %s.%s", what, column->table->name, column->name);
    else lua_pushnil(L);
    bind_check_value(L, -2, type ? type : mr_type_simple(MR_TYPE_NULL), what, f->out);
    lua_pop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, f);
    return 0;
}

static mr_status call_default(mr_env *env, void *ud, mr_value *out) {
    default_function *f = ud;
    mr_value *outer = f->out; /* the Lua function may cause another call of this default */
    f->out = out;
    mr_status st = bind_callback(env, call_body, f);
    f->out = outer;
    return st;
}

/* Raises: the function makes uuids, which are text, and the column takes none. */
static void refuse_uuid(lua_State *L, int idx, const mr_type *type, const char *what) {
    lua_CFunction made = lua_tocfunction(L, idx);
    bool fits = !type || !mr_type_is_known(type) || type->decorator || mr_type_takes(type, MR_TEXT) ||
                type->rules->kind == MR_TEXT;
    if ((made == bind_uuid4 || made == bind_uuid7) && !fits)
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got mr.uuid%s, which gives text (declare the column Uuid)",
                   what, mr_type_wants(type), made == bind_uuid4 ? "4" : "7");
}

static void read_function(lua_State *L, int idx, mr_column *column, const char *what, mr_default *out) {
    const mr_type *type = column->type;
    if (lua_tocfunction(L, idx) == bind_now) {
        if (!type || !mr_type_is_known(type) || type->rules->kind == MR_DATETIME) {
            out->kind = MR_DEFAULT_NOW;
            return;
        }
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got mr.now, which gives a datetime%s", what,
                   mr_type_wants(type), type->rules->kind == MR_DATE ? " (use mr.today)" : "");
    }
    refuse_uuid(L, idx, type, what);
    default_function *f = mr_env_arena(bind_of(L)->env, sizeof *f);
    if (!f) bind_raise(L);
    f->function = bind_ref_forever(L, idx);
    f->column = column;
    f->what = out == &column->onupdate ? "Column onupdate" : "Column default";
    f->asks = has_parameter(L, idx);
    out->kind = MR_DEFAULT_FUNCTION;
    out->fn = call_default;
    out->ud = f;
}

static void read_expression(lua_State *L, mr_node *node, mr_default *out) {
    out->expression = bind_node_forever(L, node);
    out->kind = MR_DEFAULT_SQL;
}

static void read_value(lua_State *L, int idx, const mr_type *type, const char *what, mr_default *out) {
    mr_value v;
    bind_check_value(L, idx, type ? type : mr_type_simple(MR_TYPE_NULL), what, &v);
    if (type && type->rules->fit) bind_check(L, mr_type_check_length(bind_of(L)->env, type, what, &v));
    if (v.kind == MR_NULL) return;
    if (mr_kind_is_bytes(v.kind)) {
        char *bytes = mr_env_arena(bind_of(L)->env, (size_t)v.len + 1);
        if (!bytes) bind_raise(L);
        memcpy(bytes, v.u.s, v.len);
        v.u.s = bytes;
    }
    if (v.kind == MR_OPAQUE) bind_ref_forever(L, idx); /* the box of a value of the program's own */
    v.flags = 0;
    out->kind = MR_DEFAULT_VALUE;
    out->value = v;
}

void bind_read_default(lua_State *L, int idx, mr_column *column, const char *option, mr_default *out) {
    idx = lua_absindex(L, idx);
    lua_pushfstring(L, column->name ? "Column '%s' %s" : "Column%s %s", column->name ? column->name : "", option);
    const char *what = lua_tostring(L, -1);
    mr_node *node = bind_test_node(L, idx);
    if (node) read_expression(L, node, out);
    else if (!bind_test_class(L, idx) && bind_is_callable(L, idx)) read_function(L, idx, column, what, out);
    else read_value(L, idx, column->type, what, out);
    lua_pop(L, 1);
}

void bind_read_server_default(lua_State *L, int idx, mr_column *column) {
    static const char what[] = "Column server_default";
    idx = lua_absindex(L, idx);
    mr_node *node = bind_test_node(L, idx);
    if (node) {
        const char *sql;
        bind_read_sql(L, idx, what, &sql, &column->server_default_node);
        return;
    }
    if (lua_type(L, idx) != LUA_TSTRING)
        bind_type_error(L, idx, what, "a string such as \"5\", or SQL as mr.text \"...\"");
    size_t len;
    const char *text = lua_tolstring(L, idx, &len);
    if (memchr(text, '\0', len)) bind_error(L, MR_ERR_ARGUMENT, "%s: the text has a zero byte", what);
    mr_strbuf sql;
    mr_strbuf_init(&sql, bind_of(L)->env);
    mr_quote_text(text, len, &sql);
    const char *done = mr_strbuf_str(&sql);
    if (done) column->server_default = mr_intern(bind_of(L)->env, done, sql.len);
    mr_strbuf_done(&sql);
    if (!column->server_default) bind_raise(L);
}

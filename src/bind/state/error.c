/*
 * error.c: error objects: tables, with a metatable for each kind of error, raised from what the core recorded.
 *
 * Invariant: a callback's own error is raised again as it was, and never wrapped.
 */
#include "error.h"
#include "place.h"

#include <stdio.h>
#include <string.h>

static const char kinds_key = 0; /* registry: array of metatables by mr_errkind */
/* Slots of the registry for errors of callbacks, made when the library opens and used in turn. Several are needed: an
 * error may wait in the core while another callback runs and fails. */
enum { ERROR_SLOTS = 8 };
static const char error_keys[ERROR_SLOTS] = {0};

/* "file:line" of the innermost Lua frame that is the user's, or "". */
static void push_where(lua_State *L) {
    lua_Debug ar;
    if (bind_find_place(L, &ar)) lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
    else lua_pushliteral(L, "");
}

/* Replaces the message on top by an error object of the kind. */
static void make_error(lua_State *L, mr_errkind kind) {
    lua_createtable(L, 0, 8);
    lua_insert(L, -2);
    lua_setfield(L, -2, "message");
    lua_pushstring(L, mr_errkind_name(kind));
    lua_setfield(L, -2, "kind");
    push_where(L);
    lua_setfield(L, -2, "where");
    luaL_traceback(L, L, NULL, 2);
    lua_setfield(L, -2, "traceback");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &kinds_key);
    lua_rawgeti(L, -1, (lua_Integer)kind);
    lua_setmetatable(L, -3);
    lua_pop(L, 1);
}

/* Sets in the table on top what the database tells of the error besides its message. */
static void add_facts(lua_State *L, const mr_error_facts *facts) {
    if (!facts) return;
    const struct {
        const char *name, *word;
    } fields[] = {{"sqlstate", facts->sqlstate}, {"schema", facts->schema},         {"table", facts->table},
                  {"column", facts->column},     {"constraint", facts->constraint}, {"detail", facts->detail},
                  {"hint", facts->hint}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!fields[i].word) continue;
        lua_pushstring(L, fields[i].word);
        lua_setfield(L, -2, fields[i].name);
    }
}

/* Sets the fields that only an error of the database has: statement, params, orig. */
static void add_database_fields(lua_State *L, const mr_error *e) {
    const bind_state *b = bind_of(L);
    if (e->statement && b->push_param) {
        lua_pushstring(L, e->statement);
        lua_setfield(L, -2, "statement");
        lua_createtable(L, (int)e->nparams, 0);
        for (size_t i = 0; i < e->nparams; i++) {
            b->push_param(L, &e->params[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_setfield(L, -2, "params");
    }
    if (e->orig) {
        lua_createtable(L, 0, 3);
        add_facts(L, e->facts);
        lua_pushstring(L, e->orig);
        lua_setfield(L, -2, "message");
        lua_pushinteger(L, e->orig_code);
        lua_setfield(L, -2, "code");
        lua_setfield(L, -2, "orig");
    }
}

/* Index 1: the mr_error as light userdata. */
static int push_body(lua_State *L) {
    const mr_error *e = lua_touserdata(L, 1);
    lua_pushstring(L, e ? e->message : "unknown error");
    make_error(L, e ? e->kind : MR_ERR_ERROR);
    if (e) add_database_fields(L, e);
    return 1;
}

/* ---------------------------------------------------------------- errors of callbacks */

unsigned bind_keep_callback_error(bind_state *b, lua_State *L) {
    b->error_slot = (b->error_slot + 1) % ERROR_SLOTS;
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_keys[b->error_slot]);
    return b->error_slot;
}

void bind_peek_callback_error(lua_State *L, const bind_state *b) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &error_keys[b->error_slot]);
}

void bind_push_callback_error(lua_State *L, const mr_error *error) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &error_keys[error->orig_code]);
    lua_pushboolean(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_keys[error->orig_code]);
}

/* ---------------------------------------------------------------- raising */

/* Takes the error out of the environment first: pushing it may run a finalizer, which may record another error. */
int bind_raise(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_error *e = mr_env_save_error(b->env);
    if (mr_sessions_have_losses(b->env) && b->depth == 0 && !bind_in_finalizer(L)) {
        BIND_CALL(b, L, mr_sessions_follow_losses(b->env));
    }
    if (e && e->kind == MR_ERR_CALLBACK) {
        bind_push_callback_error(L, e);
        mr_error_free(b->env, e);
        return lua_error(L);
    }
    bool room = lua_checkstack(L, 2);
    if (room) {
        lua_pushcfunction(L, push_body);
        lua_pushlightuserdata(L, e);
        lua_pcall(L, 1, 1, 0); /* if it fails (no memory), its error is raised instead */
    }
    mr_error_free(b->env, e);
    return room ? lua_error(L) : luaL_error(L, "stack overflow (raising an error)");
}

mr_status bind_check(lua_State *L, mr_status st) {
    if (st == MR_FAIL) bind_raise(L);
    return st;
}

/* The name by which Lua knows the value at idx, if it is the module ("mr") or a database ("db"), which has the module's
 * functions, too; or NULL. */
static const char *module_at(lua_State *L, int idx) {
    if (!lua_istable(L, idx) || luaL_getmetafield(L, idx, "__name") == LUA_TNIL) return NULL;
    const char *name = lua_tostring(L, -1);
    const char *module = !name                           ? NULL
                         : strcmp(name, "moonrow") == 0  ? "mr"
                         : strcmp(name, "Database") == 0 ? "db"
                                                         : NULL;
    lua_pop(L, 1);
    return module;
}

/* The module's functions are called with a dot. Where one was called with a colon, the module is the first argument of
 * the function that raises; of those in Lua, which leave their arguments to core.arguments and core.expect, it stands
 * behind the function's name. */
static void add_dot_cure(lua_State *L, bind_state *b) {
    lua_Debug ar;
    const char *name = NULL, *module = NULL;
    if (!lua_checkstack(L, 4)) return;
    if (lua_type(L, 1) == LUA_TSTRING) {
        name = lua_tostring(L, 1);
        for (int idx = 3; idx <= 4 && !module; idx++) module = module_at(L, idx);
    } else {
        module = module_at(L, 1);
        if (module && lua_getstack(L, 0, &ar) && lua_getinfo(L, "n", &ar)) name = ar.name;
    }
    if (name && strchr(name, ':')) return; /* "Session: bind": the value of an option */
    mr_error *e = module ? mr_env_save_error(b->env) : NULL;
    if (!e) return;
    if (name) mr_fail(b->env, e->kind, "%s (functions are called with a dot: %s.%s(...))", e->message, module, name);
    else mr_fail(b->env, e->kind, "%s (functions are called with a dot, not a colon)", e->message);
    mr_error_free(b->env, e);
}

mr_status bind_note_rows(mr_env *env, lua_Integer row, lua_Integer last_row, mr_status st) {
    char note[80];
    if (st != MR_FAIL || row == 0 || !mr_env_error(env)->orig) return st;
    if (row == last_row) snprintf(note, sizeof note, "(row %lld of the list)", (long long)row);
    else snprintf(note, sizeof note, "(one of the rows %lld to %lld of the list)", (long long)row, (long long)last_row);
    mr_error_add_note(env, note);
    return st;
}

int bind_error(lua_State *L, mr_errkind kind, const char *fmt, ...) {
    bind_state *b = bind_of(L);
    va_list args;
    va_start(args, fmt);
    mr_vfail(b->env, kind, fmt, args);
    va_end(args);
    if (kind == MR_ERR_ARGUMENT) add_dot_cure(L, b);
    return bind_raise(L);
}

/* As Lua writes it, but with a point in any locale. */
static const char *describe_number(lua_State *L, int idx) {
    char text[40];
    if (lua_isinteger(L, idx)) return lua_pushfstring(L, "number %I", (LUAI_UACINT)lua_tointeger(L, idx));
    mr_print_float(text, sizeof text, 14, lua_tonumber(L, idx));
    bool whole = text[strspn(text, "-0123456789")] == '\0';
    return lua_pushfstring(L, "number %s%s", text, whole ? ".0" : "");
}

const char *bind_describe(lua_State *L, int idx) {
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 4, "describing a value");
    switch (lua_type(L, idx)) {
    case LUA_TNIL:
    case LUA_TNONE:
        return lua_pushliteral(L, "nil");
    case LUA_TBOOLEAN:
        return lua_pushstring(L, lua_toboolean(L, idx) ? "true" : "false");
    case LUA_TNUMBER:
        return describe_number(L, idx);
    case LUA_TSTRING: {
        size_t len;
        const char *s = lua_tolstring(L, idx, &len);
        luaL_Buffer shown;
        luaL_buffinit(L, &shown);
        for (size_t i = 0; i < (len > 60 ? 57 : len); i++) {
            if (s[i]) luaL_addchar(&shown, s[i]);
            else luaL_addstring(&shown, "\\0"); /* it would end the message */
        }
        luaL_pushresult(&shown);
        lua_pushfstring(L, "string \"%s%s\"", lua_tostring(L, -1), len > 60 ? "..." : "");
        break;
    }
    case LUA_TUSERDATA: {
        size_t len;
        const char *s = luaL_tolstring(L, idx, &len);
        if (len <= 120) return s;
        lua_pushlstring(L, s, 117); /* a query with many columns */
        lua_pushfstring(L, "%s...", lua_tostring(L, -1));
        lua_remove(L, -2);
        break;
    }
    default:
        if (bind_is_null(L, idx)) return lua_pushliteral(L, "mr.null");
        return lua_pushstring(L, luaL_typename(L, idx));
    }
    lua_remove(L, -2);
    return lua_tostring(L, -1);
}

int bind_type_error(lua_State *L, int idx, const char *what, const char *wanted) {
    (void)bind_of(L); /* a library that has closed knows its own values no more */
    const char *got = bind_describe(L, idx), *cure = lua_type(L, idx) == LUA_TNIL ? " (is the variable set?)" : "";
    return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got %s%s", what, wanted, got, cure);
}

/* ---------------------------------------------------------------- the objects' metamethods */

/* Pushes the first values of the statement, which tell what row it was about. The error is at index 1. */
static const char *push_params(lua_State *L) {
    enum { SHOWN = 12 };
    lua_getfield(L, 1, "params");
    int params = lua_gettop(L), text = params + 1;
    lua_Integer n = lua_istable(L, params) ? (lua_Integer)lua_rawlen(L, params) : 0;
    lua_pushliteral(L, "");
    for (lua_Integer i = 1; i <= n && i <= SHOWN; i++) {
        lua_rawgeti(L, params, i);
        const char *shown = bind_is_null(L, -1) ? "null" : bind_describe(L, -1);
        if (lua_type(L, text + 1) == LUA_TSTRING || lua_type(L, text + 1) == LUA_TNUMBER)
            shown = strchr(shown, ' ') + 1;
        lua_pushfstring(L, "%s%s%s", lua_tostring(L, text), i > 1 ? ", " : "", shown);
        lua_replace(L, text);
        lua_settop(L, text);
    }
    if (n > 0) lua_pushfstring(L, "\n[e.params: %s%s]", lua_tostring(L, text), n > SHOWN ? ", ..." : "");
    return lua_tostring(L, -1);
}

static bool is_inside_character(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

/* Adds the statement. Of a very long one the middle is left out: it would hide the message. e.statement has all of it.
 */
static void add_statement(luaL_Buffer *buf, const char *statement, size_t len) {
    enum { BEGINNING = 2000, END = 500 };
    if (len <= 2 * BEGINNING) {
        luaL_addlstring(buf, statement, len);
        return;
    }
    size_t stop = BEGINNING, start = len - END;
    while (stop > 0 && is_inside_character(statement[stop])) stop--;
    while (start < len && is_inside_character(statement[start])) start++;
    char left_out[80];
    snprintf(left_out, sizeof left_out, " ... (%zu bytes) ... ", start - stop);
    luaL_addlstring(buf, statement, stop);
    luaL_addstring(buf, left_out);
    luaL_addlstring(buf, statement + start, len - start);
}

static int error_tostring(lua_State *L) {
    lua_settop(L, 1);
    lua_getfield(L, 1, "where");
    lua_getfield(L, 1, "kind");
    lua_getfield(L, 1, "message");
    luaL_Buffer buf;
    const char *where = lua_tostring(L, 2), *kind = lua_tostring(L, 3), *message = lua_tostring(L, 4);
    lua_getfield(L, 1, "statement");
    size_t statement_len = 0;
    const char *statement = lua_tolstring(L, 5, &statement_len);
    const char *params = push_params(L);
    luaL_buffinit(L, &buf);
    if (where && *where) {
        luaL_addstring(&buf, where);
        luaL_addstring(&buf, ": ");
    }
    luaL_addstring(&buf, kind ? kind : "Error");
    luaL_addstring(&buf, ": ");
    luaL_addstring(&buf, message ? message : "");
    if (statement) {
        luaL_addstring(&buf, "\n[SQL: ");
        add_statement(&buf, statement, statement_len);
        luaL_addstring(&buf, "]");
        luaL_addstring(&buf, params);
    }
    luaL_pushresult(&buf);
    return 1;
}

static int error_concat(lua_State *L) {
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

/* mr.errors.IntegrityError:is(e): is e an error of this kind, or of a kind below it? */
static int kind_is(lua_State *L) {
    lua_settop(L, 2);
    if (lua_getmetatable(L, 2) && lua_getfield(L, -1, "__errkind") == LUA_TNUMBER) {
        mr_errkind kind = (mr_errkind)lua_tointeger(L, -1);
        mr_errkind wanted = (mr_errkind)lua_tointeger(L, lua_upvalueindex(1));
        for (; kind != MR_ERR_NONE; kind = mr_errkind_parent(kind))
            if (kind == wanted) {
                lua_pushboolean(L, 1);
                return 1;
            }
    }
    lua_pushboolean(L, 0);
    return 1;
}

static int kind_tostring(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    return 1;
}

/* Pushes the metatable of errors of the kind. */
static void make_kind(lua_State *L, mr_errkind kind) {
    static const luaL_Reg metamethods[] = {{"__tostring", error_tostring}, {"__concat", error_concat}, {NULL, NULL}};
    lua_createtable(L, 0, 5);
    luaL_setfuncs(L, metamethods, 0);
    lua_pushstring(L, mr_errkind_name(kind));
    lua_setfield(L, -2, "__name");
    lua_pushinteger(L, kind);
    lua_setfield(L, -2, "__errkind");
}

/* Pushes the kind as programs see it: mr.errors.IntegrityError. */
static void make_kind_class(lua_State *L, mr_errkind kind) {
    lua_createtable(L, 0, 2);
    lua_pushinteger(L, kind);
    lua_pushcclosure(L, kind_is, 1);
    lua_setfield(L, -2, "is");
    lua_pushstring(L, mr_errkind_name(kind));
    lua_setfield(L, -2, "name");
    lua_createtable(L, 0, 1);
    lua_pushstring(L, mr_errkind_name(kind));
    lua_pushcclosure(L, kind_tostring, 1);
    lua_setfield(L, -2, "__tostring");
    lua_setmetatable(L, -2);
}

/* core.raise(kind name, message): for the Lua part of the library. */
static int core_raise(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    const char *message = luaL_checkstring(L, 2);
    for (int k = MR_ERR_ERROR; k < MR_ERR__COUNT; k++)
        if (strcmp(mr_errkind_name((mr_errkind)k), name) == 0) return bind_error(L, (mr_errkind)k, "%s", message);
    return luaL_error(L, "no error kind '%s'", name);
}

void bind_open_error(lua_State *L) {
    for (int i = 0; i < ERROR_SLOTS; i++) {
        lua_pushboolean(L, 0);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &error_keys[i]);
    }
    lua_createtable(L, MR_ERR__COUNT, 0);
    lua_createtable(L, 0, MR_ERR__COUNT);
    for (int k = MR_ERR_ERROR; k < MR_ERR__COUNT; k++) {
        if (k == MR_ERR_CALLBACK) continue;
        make_kind(L, (mr_errkind)k);
        lua_rawseti(L, -3, k);
        make_kind_class(L, (mr_errkind)k);
        lua_setfield(L, -2, mr_errkind_name((mr_errkind)k));
    }
    lua_setfield(L, -3, "errors");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &kinds_key);
    lua_pushcfunction(L, core_raise);
    lua_setfield(L, -2, "raise");
}

/*
 * result_methods.c: the methods of results.
 *
 * Invariant: what is asked of a result is refused before it reads a row, so that a mistake takes none away.
 */
#include "result.h"
#include "value/row.h"

static bind_result *self(lua_State *L, const char *function) { return bind_arg(L, 1, BIND_RESULT, function); }

/* ---------------------------------------------------------------- reading */

static int r_all(lua_State *L) {
    bind_result_all(L, 1, self(L, "all"), NULL, NULL);
    return 1;
}

/* The value on top, or nil. */
static int or_nil(lua_State *L, bool found) {
    if (!found) lua_pushnil(L);
    return 1;
}

static int r_fetchone(lua_State *L) { return or_nil(L, bind_result_next(L, 1, self(L, "fetchone"))); }

static int r_first(lua_State *L) {
    bind_result *r = self(L, "first");
    bool found = bind_result_next(L, 1, r);
    if (found) bind_result_close_early(L, 1, r);
    return or_nil(L, found);
}

static int r_fetchmany(lua_State *L) {
    bind_result *r = self(L, "fetchmany");
    if (!lua_isinteger(L, 2) || lua_tointeger(L, 2) < 0) return bind_type_error(L, 2, "fetchmany", "a number of rows");
    lua_Integer n = lua_tointeger(L, 2);
    lua_newtable(L);
    for (lua_Integer i = 1; i <= n && bind_result_next(L, 1, r); i++) lua_rawseti(L, -2, i);
    bind_set_list_metatable(L);
    return 1;
}

/* ---------------------------------------------------------------- what a row is */

/* The number of the result's columns; 0: not known. */
static lua_Integer result_width(lua_State *L, int idx, const bind_result *r) {
    if (r->part) return (lua_Integer)r->part->n;
    if (r->load) return (lua_Integer)mr_load_width(r->load);
    lua_Integer width = lua_getiuservalue(L, idx, RESULT_NAMES) == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, -1) : 0;
    lua_pop(L, 1);
    return width;
}

/* The number, from 0 on, of the column that the value at the index names, by its name or number; names: the index of
 * the list of names. */
static unsigned column_number(lua_State *L, int idx, int names) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, names);
    if (lua_isinteger(L, idx)) {
        lua_Integer i = lua_tointeger(L, idx);
        if (i >= 1 && i <= n) return (unsigned)i - 1;
        bind_error(L, MR_ERR_ARGUMENT, "columns: the result has %d column%s, not %d", (int)n, n == 1 ? "" : "s",
                   (int)i);
    }
    if (lua_type(L, idx) != LUA_TSTRING) bind_type_error(L, idx, "columns", "a column's name or number");
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, names, i);
        bool found = lua_rawequal(L, -1, idx);
        lua_pop(L, 1);
        if (found) return (unsigned)i - 1;
    }
    bind_error(L, MR_ERR_ARGUMENT, "columns: the result has no column '%s'", lua_tostring(L, idx));
    return 0;
}

/* columns("name", 2): rows of these columns alone. */
static int r_columns(lua_State *L) {
    bind_result *r = self(L, "columns");
    int n = lua_gettop(L) - 1;
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "columns: expected names or numbers of columns");
    if (!r->returns_rows) return bind_error(L, MR_ERR_INVALID_REQUEST, "this statement returns no rows");
    if (r->unwrap || r->scalars)
        return bind_error(L, MR_ERR_INVALID_REQUEST, "columns: this result gives single values, which have no columns");
    bind_result_push_names(L, 1, r);
    int names = lua_gettop(L);
    lua_createtable(L, 3, 0);
    bind_part *part = lua_newuserdatauv(L, sizeof *part + (size_t)n * sizeof part->columns[0], 0);
    part->n = (unsigned)n;
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        unsigned column = column_number(L, i + 2, names);
        part->columns[i] = r->part ? r->part->columns[column] : column;
        lua_rawgeti(L, names, (lua_Integer)column + 1);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    bind_push_row_metatable(L, -1);
    lua_rawseti(L, names + 1, RESULT_PART_META);
    lua_rawseti(L, names + 1, RESULT_PART_NAMES);
    lua_rawseti(L, names + 1, RESULT_PART_COLUMNS);
    lua_setiuservalue(L, 1, RESULT_PART);
    r->part = part;
    lua_settop(L, 1);
    return 1;
}

static int r_scalars(lua_State *L) {
    bind_result *r = self(L, "scalars");
    int is_int = 1;
    /* Without a number: the column that was chosen before. */
    lua_Integer column = lua_isnoneornil(L, 2) ? (lua_Integer)r->column + 1 : lua_tointegerx(L, 2, &is_int);
    if (!is_int || lua_type(L, 2) == LUA_TSTRING || column < 1 || column > 32767)
        return bind_type_error(L, 2, "scalars", "a column's number");
    lua_Integer width = result_width(L, 1, r);
    if (width > 0 && column > width)
        return bind_error(L, MR_ERR_ARGUMENT, "scalars: the result has %d column%s, not %d", (int)width,
                          width == 1 ? "" : "s", (int)column);
    r->scalars = true;
    r->column = (unsigned)column - 1;
    lua_settop(L, 1);
    return 1;
}

static int r_mappings(lua_State *L) {
    self(L, "mappings")->mappings = true;
    lua_settop(L, 1);
    return 1;
}

/* tuples(): rows are tuples already. */
static int r_tuples(lua_State *L) {
    self(L, "tuples");
    lua_settop(L, 1);
    return 1;
}

/* unique(function or nil) */
static int r_unique(lua_State *L) {
    bind_result *r = self(L, "unique");
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) bind_check_callable(L, 2, "unique");
    lua_setiuservalue(L, 1, RESULT_UNIQUE_BY);
    lua_newtable(L);
    lua_setiuservalue(L, 1, RESULT_SEEN);
    r->unique = true;
    return 1;
}

/* ---------------------------------------------------------------- the end, and loops */

static int r_close(lua_State *L) {
    bind_result_close_early(L, 1, self(L, "close"));
    return 0;
}

/* The end of a loop, or of the block of a <close> variable. A result that was read to its end stays readable: empty. */
static int result_close(lua_State *L) {
    bind_result *r = self(L, "close");
    if (!r->ended) bind_result_close_early(L, 1, r);
    return 0;
}

/* The Result is the function's own: the program may call it outside of a loop, without arguments. */
static int next_value(lua_State *L) {
    bind_result *r = bind_arg(L, lua_upvalueindex(1), BIND_RESULT, "iter");
    return bind_result_next(L, lua_upvalueindex(1), r) ? 1 : 0;
}

/* for value in result:iter() do. break closes the cursor. */
static int r_iter(lua_State *L) {
    self(L, "iter");
    return bind_push_loop(L, 1);
}

int bind_push_loop(lua_State *L, int idx) {
    idx = lua_absindex(L, idx);
    lua_pushvalue(L, idx);
    lua_pushcclosure(L, next_value, 1);
    lua_pushvalue(L, idx);
    lua_pushnil(L);
    bind_state *b = bind_of(L);
    bind_result *r = bind_test(L, idx, BIND_RESULT);
    if (b->loops_close) {
        lua_pushvalue(L, idx);
        return 4;
    }
    if (!r->counted && r->load && mr_load_streams(r->load)) {
        r->counted = true;
        b->loops_open++;
    }
    return 3;
}

/* core.loops_close(closes): whether closing values are given to for loops. */
static int core_loops_close(lua_State *L) {
    bind_of(L)->loops_close = lua_toboolean(L, 1);
    return 0;
}

/* ---------------------------------------------------------------- what is known */

static int r_keys(lua_State *L) {
    bind_result *r = self(L, "keys");
    bind_result_push_names(L, 1, r);
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -2, i);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

static int get_rowcount(lua_State *L) {
    const bind_result *r = lua_touserdata(L, 1);
    lua_pushinteger(L, (lua_Integer)(r->load ? mr_load_rowcount(r->load) : r->rowcount));
    return 1;
}

static int get_lastrowid(lua_State *L) {
    const bind_result *r = lua_touserdata(L, 1);
    if (r->inserted_none) lua_pushnil(L); /* the last one is that of another statement's row */
    else lua_pushinteger(L, (lua_Integer)r->lastrowid);
    return 1;
}

static int get_returns_rows(lua_State *L) {
    lua_pushboolean(L, ((bind_result *)lua_touserdata(L, 1))->returns_rows);
    return 1;
}

static int get_inserted_primary_key(lua_State *L) {
    int type = lua_getiuservalue(L, 1, RESULT_KEY);
    if (type == LUA_TBOOLEAN) lua_pushnil(L); /* nothing was inserted */
    else if (type != LUA_TTABLE)
        return bind_error(L, MR_ERR_INVALID_REQUEST, "inserted_primary_key: the statement was no INSERT of one row");
    return 1;
}

static int refuse_list(lua_State *L) {
    return bind_error(L, MR_ERR_ARGUMENT, "a result is not a list: use :all() or :iter()");
}

void bind_open_result(lua_State *L) {
    static const luaL_Reg methods[] = {{"all", r_all},
                                       {"fetchone", r_fetchone},
                                       {"fetchmany", r_fetchmany},
                                       {"first", r_first},
                                       {"scalars", r_scalars},
                                       {"mappings", r_mappings},
                                       {"columns", r_columns},
                                       {"tuples", r_tuples},
                                       {"unique", r_unique},
                                       {"iter", r_iter},
                                       {"keys", r_keys},
                                       {"close", r_close},
                                       {NULL, NULL}};
    static const luaL_Reg getters[] = {{"rowcount", get_rowcount},
                                       {"lastrowid", get_lastrowid},
                                       {"returns_rows", get_returns_rows},
                                       {"inserted_primary_key", get_inserted_primary_key},
                                       {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__gc", bind_result_gc},
                                           {"__close", result_close},
                                           {"__len", refuse_list},
                                           {"__call", refuse_list},
                                           {NULL, NULL}};
    bind_type(L, BIND_RESULT, "Result", methods, getters, metamethods);
    bind_push_methods(L, BIND_RESULT);
    lua_setfield(L, -2, "result_methods");
    lua_pushcfunction(L, core_loops_close);
    lua_setfield(L, -2, "loops_close");
}

/*
 * result.c: results: their life, and their rows, one by one or all at once. (Their methods: result_methods.c.)
 *
 * Invariant: an open load belongs to its Result, which closes it at its last row, by close(), or when it is collected.
 */
#include "result.h"

#include "state/own.h"
#include "unique.h"
#include "value/decorated.h"
#include "value/row.h"
#include "value/proxy.h"

bind_result *bind_new_result(lua_State *L, int owner) {
    if (owner) owner = lua_absindex(L, owner);
    bind_result *r = lua_newuserdatauv(L, sizeof *r, RESULT__VALUES);
    *r = (bind_result){.rowcount = -1};
    bind_set_type(L, BIND_RESULT);
    if (owner) {
        lua_pushvalue(L, owner);
        lua_setiuservalue(L, -2, RESULT_OWNER);
    }
    return r;
}

/* Index 1: a pointer to the load. The Result takes the load and sets the pointer to NULL. */
static int new_result_body(lua_State *L) {
    mr_load **given = lua_touserdata(L, 1);
    bind_result *r = bind_new_result(L, 0);
    r->returns_rows = true;
    r->load = *given;
    *given = NULL;
    return 1;
}

int bind_push_result(lua_State *L, mr_load *load, int session_idx) {
    session_idx = lua_absindex(L, session_idx);
    int rc = bind_give(L, new_result_body, &load);
    if (rc != LUA_OK) {
        if (load) mr_load_close(load);
        return bind_raise_given(L, rc);
    }
    lua_pushvalue(L, session_idx);
    lua_setiuservalue(L, -2, RESULT_OWNER);
    return 1;
}

void bind_result_close(lua_State *L, bind_result *r) {
    mr_load *load = r->load;
    r->closed = true;
    r->load = NULL;
    if (!load) return;
    bind_state *b = bind_of(L);
    if (r->counted && b->loops_open) b->loops_open--;
    BIND_ENTER(b, L);
    r->rowcount = mr_load_rowcount(load);
    mr_load_close(load);
    BIND_LEAVE(b);
}

/* Pushes the names of the columns. */
static void push_names(lua_State *L, int idx, const bind_result *r) {
    if (lua_getiuservalue(L, idx, RESULT_NAMES) == LUA_TTABLE) return;
    lua_pop(L, 1);
    unsigned n = r->load ? mr_load_width(r->load) : 0;
    lua_createtable(L, (int)n, 0);
    for (unsigned i = 0; i < n; i++) {
        const char *name = mr_load_name(r->load, i);
        if (name) lua_pushstring(L, name);
        else lua_pushboolean(L, 0);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, idx, RESULT_NAMES);
}

void bind_result_close_early(lua_State *L, int idx, bind_result *r) {
    if (r->returns_rows && !r->closed_early) {
        push_names(L, idx, r);
        lua_pop(L, 1);
    }
    r->closed_early = true;
    bind_result_close(L, r);
}

/* Called without BIND_ENTER: a finalizer may run while another function uses what the core has given it. */
static void close_load(void *p) { mr_load_close(p); }

int bind_result_gc(lua_State *L) {
    bind_result *r = bind_test(L, 1, BIND_RESULT);
    if (!r) return 0;
    bind_state *b = bind_peek(L);
    if (b && r->load) bind_release_quietly(b, close_load, r->load);
    r->load = NULL;
    r->closed = true;
    return 0;
}

/* ---------------------------------------------------------------- types */

void bind_result_find_types(lua_State *L, int idx, bind_result *r, unsigned n,
                            const mr_type *(*type_of)(const void *ud, unsigned i, const char **table,
                                                      const char **name),
                            const void *ud, const char *dialect) {
    if (r->types_known) return;
    r->types_known = true;
    if (!bind_of(L)->has_own || n == 0) return;
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 6, "reading a result");
    bind_row_type *types = lua_newuserdatauv(L, n * sizeof *types, 0);
    bool any = false;
    for (unsigned i = 0; i < n; i++) {
        const char *table = NULL, *name = NULL;
        const mr_type *type = type_of(ud, i, &table, &name);
        types[i] = (bind_row_type){0};
        if (!type || !type->decorator) continue;
        const char *what = lua_pushfstring(L, table ? "%s.%s" : "%scolumn '%s'", table ? table : "", name ? name : "?");
        types[i] = (bind_row_type){type, bind_intern(L, -1), dialect,
                                   r->load ? mr_load_bad_values(r->load) : MR_BAD_VALUES_RAISE};
        (void)what;
        lua_pop(L, 1);
        any = true;
    }
    if (any) r->types = types;
    lua_setiuservalue(L, idx, RESULT_TYPES);
}

static const mr_type *type_of_load(const void *load, unsigned i, const char **table, const char **name) {
    const mr_column *column;
    const mr_type *type = mr_load_type(load, i, &column);
    *name = column ? column->name : mr_load_name(load, i);
    if (column && column->table) *table = column->table->mapped_name ? column->table->mapped_name : column->table->name;
    return type;
}

static void find_types(lua_State *L, int idx, bind_result *r) {
    if (!r->types_known && r->load)
        bind_result_find_types(L, idx, r, mr_load_width(r->load), type_of_load, r->load, mr_load_dialect(r->load));
}

/* ---------------------------------------------------------------- rows */

static void push_row_metatable(lua_State *L, int idx, const bind_result *r) {
    if (lua_getiuservalue(L, idx, RESULT_ROW_META) == LUA_TTABLE) return;
    lua_pop(L, 1);
    push_names(L, idx, r);
    bind_push_row_metatable(L, -1);
    lua_remove(L, -2);
    if (r->types) { /* a row may outlive its result */
        lua_getiuservalue(L, idx, RESULT_TYPES);
        lua_rawseti(L, -2, 1);
    }
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, idx, RESULT_ROW_META);
}

static void push_part(lua_State *L, int idx, lua_Integer what) {
    lua_getiuservalue(L, idx, RESULT_PART);
    lua_rawgeti(L, -1, what);
    lua_remove(L, -2);
}

void bind_result_push_names(lua_State *L, int idx, const bind_result *r) {
    if (r->part) push_part(L, idx, RESULT_PART_NAMES);
    else push_names(L, idx, r);
}

/* Replaces the row on top of the stack by the form that the result gives: some of its columns, a mapping, one of its
 * values, or itself. */
static void shape_row(lua_State *L, int idx, const bind_result *r) {
    if (r->part) {
        push_part(L, idx, RESULT_PART_META);
        bind_push_row_part(L, -2, r->part->columns, r->part->n, -1);
        lua_replace(L, -3);
        lua_pop(L, 1);
    }
    if (r->mappings) {
        bind_result_push_names(L, idx, r);
        bind_push_mapping(L, -2, -1);
        lua_replace(L, -3);
        lua_pop(L, 1);
    } else if (r->scalars || r->unwrap) {
        if (bind_row_get(L, -1, (lua_Integer)r->column + 1) == LUA_TNIL) {
            lua_pop(L, 1);
            bind_push_null(L);
        }
        lua_remove(L, -2);
    }
}

/* One value of each row? */
static bool gives_values(const bind_result *r) { return (r->scalars || r->unwrap) && !r->mappings && !r->part; }

static void push_one(lua_State *L, const bind_result *r, const mr_value *values) {
    unsigned n = mr_load_width(r->load);
    if (r->column >= n) bind_error(L, MR_ERR_ARGUMENT, "scalars: the result has %u columns, not %u", n, r->column + 1);
    if (!r->types || !r->types[r->column].type) {
        bind_push_value_or_null(L, &values[r->column]);
        return;
    }
    const bind_place place = {.what = r->types[r->column].what, .bad = r->types[r->column].bad};
    bind_push_typed(L, r->types[r->column].type, &values[r->column], r->types[r->column].dialect, &place);
    if (!lua_isnil(L, -1)) return;
    lua_pop(L, 1);
    bind_push_null(L);
}

/* Pushes a row of the load in the form that the result gives. */
static void push_values(lua_State *L, int idx, bind_result *r, const mr_value *values) {
    find_types(L, idx, r);
    if (gives_values(r)) {
        push_one(L, r, values);
        return;
    }
    push_row_metatable(L, idx, r);
    bind_push_row(L, values, mr_load_width(r->load), -1, r->types);
    lua_remove(L, -2);
    shape_row(L, idx, r);
}

/* Fills the list on top with n rows of the load. */
static void push_rows(lua_State *L, int idx, bind_result *r, const mr_value *rows, size_t n) {
    find_types(L, idx, r);
    unsigned width = mr_load_width(r->load);
    int list = lua_gettop(L), metatable = 0;
    if (!gives_values(r)) {
        push_row_metatable(L, idx, r);
        metatable = lua_gettop(L);
    }
    for (size_t i = 0; i < n; i++, rows += width) {
        if (metatable) {
            bind_push_row(L, rows, width, metatable, r->types);
            shape_row(L, idx, r);
        } else {
            push_one(L, r, rows);
        }
        lua_rawseti(L, list, (lua_Integer)i + 1);
    }
    lua_settop(L, list);
}

/* Pushes the next value, whether it was given before or not. */
static bool next_of_all(lua_State *L, int idx, bind_result *r) {
    luaL_checkstack(L, 10, "reading a result");
    if (r->closed_early)
        bind_error(L, MR_ERR_INVALID_REQUEST,
                   "this result is closed, and its rows are gone (close, first, scalar and the break of a loop close "
                   "it): read them before, or run the statement again");
    if (r->buffered) {
        lua_getiuservalue(L, idx, RESULT_ROWS);
        if (lua_rawgeti(L, -1, ++r->at) == LUA_TNIL) {
            lua_pop(L, 2);
            r->at--;
            r->ended = true;
            return false;
        }
        lua_remove(L, -2);
        shape_row(L, idx, r);
        return true;
    }
    if (!r->load) {
        if (!r->returns_rows && !r->closed) bind_error(L, MR_ERR_INVALID_REQUEST, "this statement returns no rows");
        return false;
    }
    bind_state *b = bind_of(L);
    mr_status st;
    BIND_CALL(b, L, st = mr_load_step(r->load));
    bind_check(L, bind_note_rows(b->env, r->row, r->last_row, st));
    if (st != MR_ROW) {
        push_names(L, idx, r);
        lua_pop(L, 1);
        r->ended = true;
        bind_result_close(L, r);
        return false;
    }
    push_values(L, idx, r, mr_load_row(r->load));
    return true;
}

/* unique(): is the value on top new? */
static bool is_new(lua_State *L, int idx, const bind_result *r) {
    int value = lua_gettop(L);
    lua_getiuservalue(L, idx, RESULT_SEEN);
    lua_getiuservalue(L, idx, RESULT_UNIQUE_BY);
    if (gives_values(r)) lua_pushnil(L);
    else bind_result_push_names(L, idx, r);
    bool made = bind_unique_is_new(L, r->mappings);
    lua_settop(L, value);
    return made;
}

bool bind_result_next(lua_State *L, int idx, bind_result *r) {
    idx = lua_absindex(L, idx);
    while (next_of_all(L, idx, r)) {
        if (!r->unique || is_new(L, idx, r)) return true;
        lua_pop(L, 1);
    }
    return false;
}

/* Puts the objects of the rows into the list on top. The rows are released a few at a time, as long as their objects
 * are in the processor's cache. */
static void push_objects(lua_State *L, const bind_result *r, const mr_value *rows, size_t n) {
    enum { SOME = 128 };
    unsigned width = mr_load_width(r->load);
    for (size_t i = 0; i < n; i += SOME) {
        size_t some = n - i < SOME ? n - i : SOME;
        bind_list_entities(L, rows + i * width, width, some, i);
        mr_load_release_rows(r->load, n - i - some);
    }
}

/* Pushes the list of all remaining rows, which one call of the core reads. */
static void push_all_of_load(lua_State *L, int idx, bind_result *r, bind_look_fn look, void *ud) {
    bind_state *b = bind_of(L);
    const mr_value *rows = NULL;
    size_t n = 0;
    BIND_TRY(b, L, bind_note_rows(b->env, r->row, r->last_row, mr_load_all(r->load, &rows, &n)));
    if (look) look(L, ud, r->load, rows, n);
    lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
    unsigned width = mr_load_width(r->load);
    bool objects = gives_values(r) && n > 0 && r->column < width;
    if (objects && rows[r->column].kind == MR_ENTITY) push_objects(L, r, rows + r->column, n);
    else push_rows(L, idx, r, rows, n);
    push_names(L, idx, r);
    lua_pop(L, 1);
    r->ended = true;
    bind_result_close(L, r);
}

void bind_result_all(lua_State *L, int idx, bind_result *r, bind_look_fn look, void *ud) {
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 10, "reading a result");
    if (r->load && !r->unique) {
        push_all_of_load(L, idx, r, look, ud);
    } else {
        lua_newtable(L);
        for (lua_Integer i = 1; bind_result_next(L, idx, r); i++) lua_rawseti(L, -2, i);
    }
    bind_set_list_metatable(L);
}

/*
 * update_by_key.c: an UPDATE of many rows, each found by its primary key: the statement of one row, and the objects in
 * memory afterwards.
 *
 * Invariant: each row of the list finds one row of the table, by its key and its version; otherwise an error is raised.
 * Objects in memory change after the statements of all rows have run.
 */
#include "update_by_key.h"

#include "expression/expression.h"
#include "query/result.h"
#include "row_default.h"
#include "value/decorated.h"
#include "value/proxy.h"
#include "value/relationship.h"
#include "value/session.h"

/* ---------------------------------------------------------------- the statement of one row */

/* Pushes a copy of the row at idx without the columns of the primary key. */
static void push_without_key(lua_State *L, const bind_statement *s, int idx) {
    lua_newtable(L);
    int rest = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) bind_type_error(L, -2, "execute", "values by column name");
        const mr_table *table = s->dml.table->u.table;
        const mr_column *column = bind_statement_column(L, s, lua_tostring(L, -2));
        bool key = false;
        for (unsigned i = 0; i < table->nprimary && !key; i++) key = table->primary[i] == column;
        if (key) continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, rest);
    }
}

/* Replaces the version on top of the stack by the next one. */
static void next_version(lua_State *L, const bind_statement *s, const char *what) {
    const mr_mapper *m = s->mapper ? s->mapper : s->rows_of;
    bind_state *b = bind_of(L);
    mr_value v;
    if (m->version_by_hand) return;
    bind_check_value(L, -1, mr_column_type(b->env, m->version->column), what, &v);
    if (m->version_generator) {
        BIND_TRY(b, L, m->version_generator(b->env, m->version_ud, &v));
    } else {
        v = mr_int_value(v.kind == MR_INT ? v.u.i + 1 : 1);
    }
    bind_push_value(L, &v);
    lua_replace(L, -2);
}

/* Sets the version that follows the row's version in the table of new values, which is on top of the stack. */
static void set_next_version(lua_State *L, const bind_statement *s, int row, const mr_column *column) {
    int rest = lua_gettop(L);
    bind_push_field(L, s, row, column);
    const char *what = bind_push_column_what(L, s, column);
    if (lua_isnil(L, -2))
        bind_error(L, MR_ERR_ARGUMENT,
                   "execute: the row has no value for %s: an update of rows needs the version that each was read with",
                   what);
    lua_pushvalue(L, -2);
    next_version(L, s, what);
    lua_setfield(L, rest, s->mapper ? s->mapper->version->name : column->name);
    lua_settop(L, rest);
}

/* Adds the criterion "the column has the row's value". */
static void add_criterion(lua_State *L, const bind_statement *s, bind_statement *made, int row, mr_column *column) {
    mr_env *env = bind_of(L)->env;
    int top = lua_gettop(L);
    bind_push_field(L, s, row, column);
    const char *what = bind_push_column_what(L, s, column);
    if (lua_isnil(L, -2) || bind_is_null(L, -2) || bind_test_node(L, -2))
        bind_error(L, MR_ERR_ARGUMENT,
                   "execute: the row has no value for %s: an update of rows needs the primary key of each", what);
    mr_node *value = bind_to_operand(L, -2, mr_column_type(env, column), what);
    mr_node *equal = mr_sql_binary(env, MR_OP_EQ, mr_sql_column(env, column, NULL, NULL), value);
    mr_node *before = made->dml.where;
    made->dml.where = NULL;
    made->dml.where = mr_sql_and(env, before, equal);
    if (!made->dml.where) bind_raise(L);
    lua_settop(L, top);
}

/* Adds the criterion "the row is that of an object of the class". */
static void add_class(lua_State *L, mr_mapper *mapper, bind_statement *made) {
    bind_state *b = bind_of(L);
    mr_node *criterion = NULL;
    mr_status status;
    if (!mapper || !mapper->base) return;
    bind_configure(L, mapper);
    BIND_CALL(b, L, status = mr_row_criterion(b->env, mapper, made->dml.table->u.table, &criterion));
    bind_check(L, status);
    if (!criterion) return;
    mr_node *before = made->dml.where;
    made->dml.where = NULL;
    made->dml.where = mr_sql_and(b->env, before, criterion);
    if (!made->dml.where) bind_raise(L);
}

void bind_push_update_by_key(lua_State *L, int idx, int row) {
    const bind_statement *s = bind_test_statement(L, idx);
    const mr_table *table = s->dml.table->u.table;
    mr_column *version = bind_row_version(s);
    lua_pushcfunction(L, bind_statement_values);
    lua_pushvalue(L, idx);
    push_without_key(L, s, row);
    if (version) set_next_version(L, s, row, version);
    lua_call(L, 2, 1);
    bind_statement *made = bind_test_statement(L, -1);
    for (unsigned i = 0; i < table->nprimary; i++) add_criterion(L, s, made, row, table->primary[i]);
    if (version) add_criterion(L, s, made, row, version);
    add_class(L, s->rows_of ? s->rows_of : s->mapper, made);
}

/* ---------------------------------------------------------------- the objects in memory */

/* Does the row at the index name the attribute? Pushes its value if it does. */
static bool push_given(lua_State *L, const mr_mapper *mapper, int row, const mr_property *prop) {
    for (lua_pushnil(L); lua_next(L, row); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || mr_mapper_property(mapper, lua_tostring(L, -2), true) != prop) continue;
        lua_remove(L, -2);
        return true;
    }
    return false;
}

/* The primary key in the row, NULL for what cannot be a key. Pushes the memory that holds it. */
static mr_value *read_key(lua_State *L, const mr_mapper *mapper, int row) {
    mr_value *key = lua_newuserdatauv(L, (mapper->npk + 1u) * sizeof *key, 0);
    for (unsigned i = 0; i < mapper->npk; i++) key[i] = mr_null_value();
    lua_newtable(L); /* keeps what is sent for values of the program's own */
    int kept = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, row); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        const mr_property *prop = mr_mapper_property(mapper, name, true);
        for (unsigned i = 0; prop && i < mapper->npk; i++) {
            if (prop->slot != mapper->pk_slots[i]) continue;
            const mr_type *type = mr_column_type(mapper->env, prop->column);
            if (type->decorator) {
                bind_send_value(L, type, NULL, name, &key[i]);
                lua_pushvalue(L, -1);
                lua_rawseti(L, kept, (lua_Integer)i + 1);
            } else if (!bind_to_value(L, -1, prop->column->type, &key[i])) {
                key[i] = mr_null_value();
            }
        }
    }
    return key;
}

/* Gives the row's values to its object, if that is in memory. A value that only the database knows is read again. */
static void update_object(lua_State *L, mr_session *session, mr_mapper *mapper, int row) {
    bind_state *b = bind_of(L);
    mr_entity *entity = NULL;
    const mr_value *key = read_key(L, mapper, row);
    BIND_TRY(b, L, mr_session_find_in_memory(session, mapper, key, &entity));
    if (!entity) return;
    bind_push_entity(L, entity); /* the stack keeps it in memory */
    for (size_t i = 0; i < mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->columns, i);
        mr_value value = mr_value_of(MR_UNLOADED, 0);
        bool given = push_given(L, mapper, row, prop);
        /* The row has the version that was read. The one that was written is not known here. */
        if (given && prop != mapper->version && !bind_to_value(L, -1, prop->column->type, &value))
            value = mr_value_of(MR_UNLOADED, 0);
        if (bind_is_own_value(b, &value)) value = mr_value_of(MR_UNLOADED, 0); /* it is read again */
        bool written = given || prop->column->onupdate.kind != MR_DEFAULT_NONE || prop->column->computed;
        if (written && !prop->is_primary_key)
            BIND_TRY(b, L, mr_session_set_stored_value(session, entity, prop, &value));
        lua_pop(L, given);
    }
}

void bind_check_all_matched(lua_State *L, int result, int rows, const mr_mapper *mapper) {
    const bind_result *r = bind_test(L, result, BIND_RESULT);
    lua_Unsigned n = lua_rawlen(L, rows);
    if (r->rowcount == (int64_t)n) return;
    const mr_mapper *of = mapper && mapper->base ? mapper : NULL;
    bind_error(L, MR_ERR_STALE_DATA, "UPDATE expected to update %llu row(s); %lld were matched: a row is gone%s%s",
               (unsigned long long)n, (long long)r->rowcount, of ? ", or is none of " : "", of ? of->name : "");
}

void bind_update_objects(lua_State *L, const bind_target *t, mr_mapper *mapper, int rows) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, rows);
    int top = lua_gettop(L);
    for (lua_Integer i = 1; i <= n && mr_session_has_objects(bind_to_session(L, t->owner)); i++) {
        if (lua_rawgeti(L, rows, i) == LUA_TTABLE) update_object(L, t->session, mapper, top + 1);
        lua_settop(L, top);
    }
}

/*
 * migration.c: what migrations (lua/moonrow/migrate/) need besides the schema objects: a transaction that begins before
 * its first write, SQL that is sent as it is, or only compiled, what the foreign keys of a table refer to,
 * and what types are made of.
 *
 * Invariant: nothing is resolved here: the targets of a foreign key are told as the program wrote them.
 */
#include <string.h>

#include "schema.h"
#include "state/own.h"
#include "value/engine.h"
#include "value/node.h"

/* core.begin_write(connection): begins the transaction as the first write does. InvalidRequestError: one is open. */
static int begin_write(lua_State *L) {
    mr_conn *conn = bind_test_connection(L, 1);
    if (!conn) return bind_type_error(L, 1, "migrate", "a connection");
    BIND_TRY(bind_of(L), L, mr_conn_begin_write(conn));
    return 0;
}

/* core.plain_sql(text): the text as a statement, in which ":name" is no parameter. */
static int plain_sql(lua_State *L) {
    size_t len;
    const char *sql = luaL_checklstring(L, 1, &len);
    bind_push_node(L, mr_sql_text_as_it_is(bind_of(L)->env, sql, len));
    return 1;
}

/* core.compile_sql(connection, text): has the database compile the statement, without parameters, and run nothing of
 * it. Its own error where it cannot. */
static int compile_sql(lua_State *L) {
    size_t len;
    mr_conn *conn = bind_test_connection(L, 1);
    if (!conn) return bind_type_error(L, 1, "migrate", "a connection");
    const char *sql = luaL_checklstring(L, 2, &len);
    mr_compiled *compiled = mr_compiled_from_sql(bind_of(L)->env, sql, len, false);
    mr_cursor *cursor = NULL;
    mr_status status = compiled ? mr_conn_prepare(conn, compiled, &cursor) : MR_FAIL;
    mr_cursor_close(cursor);
    mr_compiled_release(compiled);
    if (status != MR_OK) return bind_raise(L);
    return 0;
}

/* core.foreign_targets(table): the targets of its foreign keys that are written as text, "table.column", a list. */
static int foreign_targets(lua_State *L) {
    const mr_table *table = bind_test_table(L, 1);
    if (!table) return bind_type_error(L, 1, "migrate", "a table");
    lua_newtable(L);
    lua_Integer n = 0;
    for (unsigned i = 0; i < table->ncolumns; i++)
        for (const mr_foreign_key *fk = table->columns[i]->foreign_keys; fk; fk = fk->next) {
            if (!fk->target) continue;
            lua_pushstring(L, fk->target);
            lua_rawseti(L, -2, ++n);
        }
    return 1;
}

static void set_choices(lua_State *L, const mr_type *type) {
    lua_newtable(L);
    for (lua_Integer i = 0; type->choices[i]; i++) {
        lua_pushstring(L, type->choices[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "choices");
    if (!type->forms) return;
    lua_newtable(L);
    for (lua_Integer i = 0; type->choices[i]; i++) {
        bind_push_value(L, &type->forms[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "forms");
}

/* core.type_parts(type): what a type was made of, in a new table: text, its name with plain arguments; item, the type
 * in an array; choices and forms, those of an Enum and what is stored for each; named, its name in the database;
 * none_as_null. nil: it is made of Lua functions, or has variants. */
static int type_parts(lua_State *L) {
    const mr_type *type = bind_arg_type(L, 1, "type");
    char text[MR_TYPE_NAME];
    for (const mr_type *part = type; part; part = part->item)
        if (part->decorator || part->variants) return 0;
    lua_newtable(L);
    lua_pushstring(L, mr_type_name(type, text));
    lua_setfield(L, -2, "text");
    if (type->choices) set_choices(L, type);
    if (type->item) {
        bind_push_type(L, type->item);
        lua_setfield(L, -2, "item");
    }
    if (type->named) {
        lua_pushstring(L, type->named);
        lua_setfield(L, -2, "named");
    }
    lua_pushboolean(L, type->none_as_null);
    lua_setfield(L, -2, "none_as_null");
    return 1;
}

void bind_open_migration(lua_State *L) {
    static const luaL_Reg functions[] = {{"begin_write", begin_write}, {"plain_sql", plain_sql},
                                         {"compile_sql", compile_sql}, {"foreign_targets", foreign_targets},
                                         {"type_parts", type_parts},   {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}

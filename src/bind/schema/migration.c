/*
 * migration.c: what migrations (lua/moonrow/migrate/) need besides the schema objects: a transaction that begins before
 * its first write, SQL that is sent as it is, and what the foreign keys of a table refer to.
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

void bind_open_migration(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"begin_write", begin_write}, {"plain_sql", plain_sql}, {"foreign_targets", foreign_targets}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}

/*
 * interest.c: what live queries depend on, for lua/moonrow/watch.lua: Interests, and what a statement reads.
 *
 * Invariant: an Interest owns its mr_interest; NULL once it was closed.
 */
#include <string.h>

#include "feed.h"
#include "state/own.h"
#include "value/session.h"

#define BIND_INTEREST "moonrow.Interest"

static mr_interest *interest_arg(lua_State *L) {
    mr_interest **interest = bind_arg(L, 1, BIND_INTEREST, "watch");
    if (!*interest) bind_error(L, MR_ERR_INVALID_REQUEST, "this watch has ended");
    return *interest;
}

/* interest:close() */
static int interest_close(lua_State *L) {
    mr_interest **interest = bind_test(L, 1, BIND_INTEREST);
    if (!interest || !*interest || !bind_peek(L)) return 0;
    mr_interest_free(*interest);
    *interest = NULL;
    return 0;
}

static int interest_gc(lua_State *L) {
    if (!bind_test(L, 1, BIND_INTEREST) || !bind_peek(L)) return 0;
    interest_close(L);
    return bind_finalized(L);
}

/* feed:interest() */
static int feed_interest(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_feed **feed = bind_arg(L, 1, BIND_FEED, "watch");
    mr_interest **interest = lua_newuserdatauv(L, sizeof(mr_interest *), 1);
    *interest = NULL;
    bind_set_type(L, BIND_INTEREST);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1); /* the feed's engine outlives it */
    BIND_CALL(b, L, *interest = mr_interest_new(*feed));
    if (!*interest) bind_raise(L);
    return 1;
}

/* interest:clear() */
static int interest_clear(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_interest *interest = interest_arg(L);
    BIND_CALL(b, L, mr_interest_clear(interest));
    return 0;
}

/* interest:add(schema, table, column, value or nil) */
static int interest_add(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_interest *interest = interest_arg(L);
    const char *schema = luaL_checkstring(L, 2), *table = luaL_checkstring(L, 3), *column = luaL_checkstring(L, 4);
    mr_value value = mr_null_value();
    if (lua_isinteger(L, 5)) value = mr_int_value(lua_tointeger(L, 5));
    else if (!lua_isnoneornil(L, 5)) {
        size_t len;
        const char *text = luaL_checklstring(L, 5, &len);
        value = mr_text_value(text, len);
    }
    if (value.kind == MR_NULL) BIND_TRY(b, L, mr_interest_column(interest, schema, table, column));
    else BIND_TRY(b, L, mr_interest_value(interest, schema, table, column, &value));
    return 0;
}

/* interest:take(): was it woken? */
static int interest_take(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_interest *interest = interest_arg(L);
    bool woken;
    BIND_CALL(b, L, woken = mr_interest_take(interest));
    lua_pushboolean(L, woken);
    return 1;
}

typedef struct listing {
    mr_env *env;
    mr_vec texts; /* const char *: schema, table, column, schema ... interned */
} listing;

static mr_status list_read(void *ud, const char *schema, const char *table, const char *column) {
    listing *l = ud;
    const char *all[] = {schema, table, column};
    for (int i = 0; i < 3; i++) {
        const char *name = mr_intern(l->env, all[i], strlen(all[i]));
        if (!name || mr_vec_push_ptr(&l->texts, (void *)name) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static void free_listing(void *p) {
    listing *l = p;
    mr_env *env = l->env;
    mr_vec_done(&l->texts);
    mr_free(env, l);
}

/* core.statement_reads(session, sql): a list of schema, table, column, schema ... that the statement reads; nil: the
 * database does not tell. */
static int core_statement_reads(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_session *s = bind_to_session(L, 1);
    const char *sql = luaL_checkstring(L, 2);
    bind_owner *owner = bind_own(L, free_listing);
    listing *l = mr_calloc(b->env, sizeof *l);
    if (!l) bind_raise(L);
    owner->p = l;
    l->env = b->env;
    mr_vec_init(&l->texts, b->env, sizeof(const char *));
    mr_status status;
    BIND_CALL(b, L, status = mr_session_reads(s, sql, list_read, l));
    bind_check(L, status);
    if (status == MR_NOTFOUND) return 0;
    lua_createtable(L, (int)l->texts.len, 0);
    for (size_t i = 0; i < l->texts.len; i++) {
        lua_pushstring(L, mr_vec_ptr(&l->texts, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    bind_own_done(owner);
    return 1;
}

/* core.schema_seen(session): a number that rises when the schema may have changed. */
static int core_schema_seen(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_session *s = bind_to_session(L, 1);
    uint64_t seen;
    BIND_TRY(b, L, mr_session_schema_seen(s, &seen));
    lua_pushinteger(L, (lua_Integer)seen);
    return 1;
}

void bind_open_interest(lua_State *L) {
    lua_pushcfunction(L, core_schema_seen);
    lua_setfield(L, -2, "schema_seen");
    static const luaL_Reg methods[] = {{"clear", interest_clear},
                                       {"add", interest_add},
                                       {"take", interest_take},
                                       {"close", interest_close},
                                       {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", interest_gc}, {NULL, NULL}};
    bind_type(L, BIND_INTEREST, "Interest", methods, NULL, meta);
    bind_extend_type(L, BIND_FEED, (const luaL_Reg[]){{"interest", feed_interest}, {NULL, NULL}}, NULL);
    lua_pushcfunction(L, core_statement_reads);
    lua_setfield(L, -2, "statement_reads");
}

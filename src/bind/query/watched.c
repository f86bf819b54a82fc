/*
 * watched.c: core.run_watched: a query's rows, and what a live query (lua/moonrow/watch.lua) needs to compare them with
 * those of the next time.
 *
 * Invariant: the keys and images are those of the rows in the list, in the same order.
 */
#include "state/own.h"

#include "result.h"
#include "value/proxy.h"
#include "value/session.h"

enum { KEYS = 2, IMAGES, AWAITED, OWNER, KEY, IMAGE };

static void close_images(void *images) { mr_images_close(images); }

/* Puts the text of the buffer at index from into the list at index to. */
static void give_text(lua_State *L, int from, int to, size_t i) {
    mr_strbuf *text = lua_touserdata(L, from);
    lua_pushlstring(L, text->len ? mr_strbuf_str(text) : "", text->len);
    lua_rawseti(L, to, (lua_Integer)i);
    mr_strbuf_clear(text);
}

/* The table at AWAITED gets schema (or nothing), table, column and value, where these say which rows can matter. */
static void note_awaited(lua_State *L, const mr_load *load) {
    bind_state *b = bind_of(L);
    const mr_column *column;
    mr_value value;
    mr_status status;
    BIND_CALL(b, L, status = mr_load_awaited(load, &column, &value));
    bind_check(L, status);
    if (status == MR_NOTFOUND) return;
    bind_push_value(L, &value);
    lua_setfield(L, AWAITED, "value");
    lua_pushstring(L, column->table->schema);
    lua_setfield(L, AWAITED, "schema");
    lua_pushstring(L, column->table->name);
    lua_setfield(L, AWAITED, "table");
    lua_pushstring(L, column->name);
    lua_setfield(L, AWAITED, "column");
}

static void look(lua_State *L, void *ud, mr_load *load, const mr_value *rows, size_t n) {
    bind_state *b = bind_of(L);
    bind_owner *owner = lua_touserdata(L, OWNER);
    mr_strbuf *key = lua_touserdata(L, KEY), *image = lua_touserdata(L, IMAGE);
    mr_images *images = NULL;
    unsigned width = mr_load_width(load);
    (void)ud;
    note_awaited(L, load);
    BIND_TRY(b, L, mr_images_open(load, &images));
    owner->p = images;
    for (size_t i = 0; i < n; i++, rows += width) {
        BIND_TRY(b, L, mr_images_row(images, rows, key, image));
        give_text(L, KEY, KEYS, i + 1);
        give_text(L, IMAGE, IMAGES, i + 1);
    }
    bind_own_done(owner);
}

/* core.run_watched(query): its rows as all() gives them, read anew; a list of keys (an empty text: the row is no object
 * nor has one), a list of images; { schema =, table =, column =, value = }, without values where nothing can be said.
 */
static int core_run_watched(lua_State *L) {
    mr_query *q = bind_query_arg(L, "watch");
    mr_session *s = bind_query_session(L, "watch");
    lua_settop(L, 1);
    lua_newtable(L);
    lua_newtable(L);
    lua_newtable(L);
    bind_own(L, close_images);
    (void)bind_own_strbuf(L);
    (void)bind_own_strbuf(L);
    mr_session_distrust_memory(s);
    bind_result_all(L, -1, bind_query_start(L, "watch", q), look, NULL);
    lua_pushvalue(L, KEYS);
    lua_pushvalue(L, IMAGES);
    lua_pushvalue(L, AWAITED);
    return 4;
}

/* core.query_alone(query): a query in the same session for the objects of its class, with its loader options and no
 * clause. nil: it gives something else than the objects of one class. */
static int core_query_alone(lua_State *L) {
    const mr_query *q = bind_query_arg(L, "window");
    if (q->nitems != 1 || !q->items->mapper || q->items->alias || q->statement || q->united) return 0;
    const mr_query_item item = {.mapper = q->items->mapper, .name = q->items->name};
    mr_query *alone = mr_query_new(q->env, &item, 1, false), *with = NULL;
    if (alone) with = q->noptions ? mr_query_options(alone, q->options, q->noptions) : mr_query_retain(alone);
    mr_query_release(alone);
    return bind_derive(L, with);
}

/* core.query_unoptioned(query): the query without loader options, but loader criteria. */
static int core_query_unoptioned(lua_State *L) {
    return bind_derive(L, mr_query_only_criteria(bind_query_arg(L, "window")));
}

/* core.query_rests(query): is its session idle, and has no open transaction? Then what a query reads is committed. */
static int core_query_rests(lua_State *L) {
    bind_query_arg(L, "watch");
    const mr_session *s = bind_query_session(L, "watch");
    lua_pushboolean(L, mr_session_is_idle(s) && !mr_session_in_transaction(s));
    return 1;
}

/* core.session_is_idle(session): is it in no load, flush, commit, nor in a listener of one? A closed one is. */
static int core_session_is_idle(lua_State *L) {
    const bind_session *s = bind_test(L, 1, BIND_SESSION);
    lua_pushboolean(L, !s || !s->session || mr_session_is_idle(s->session));
    return 1;
}

void bind_open_watched(lua_State *L) {
    lua_pushcfunction(L, core_session_is_idle);
    lua_setfield(L, -2, "session_is_idle");
    lua_pushcfunction(L, core_query_alone);
    lua_setfield(L, -2, "query_alone");
    lua_pushcfunction(L, core_query_unoptioned);
    lua_setfield(L, -2, "query_unoptioned");
    lua_pushcfunction(L, core_query_rests);
    lua_setfield(L, -2, "query_rests");
    lua_pushcfunction(L, core_run_watched);
    lua_setfield(L, -2, "run_watched");
}

/*
 * embed.c: a program with an interpreter and an allocator of its own, which shares objects with Lua.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <moonrow.h>
#include <stdio.h>
#include <stdlib.h>

/* Counts the bytes that Lua and moonrow have. */
static void *count_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
    size_t *bytes = ud;
    void *block = NULL;
    if (nsize == 0) free(ptr);
    else if (!(block = realloc(ptr, nsize))) return NULL;
    *bytes += nsize - (ptr ? osize : 0);
    return block;
}

static void show(lua_State *L, const char *what, mr_object *object) {
    const char *text;
    if (mr_object_describe(L, object, &text) == MR_RESULT_OK)
        printf("%s: %s (%s)\n", what, text, mr_life_name(mr_object_life(object)));
}

/* 1: the model's db; 2: its function weaker_than. */
static void play(lua_State *L, mr_db *db) {
    mr_object *troll = NULL;
    int64_t hp = 0;
    if (mr_db_find_text(L, db, mr_class_find(L, "Monster"), "name", "troll", &troll) != MR_RESULT_OK) return;
    show(L, "found", troll);
    mr_object_get_int(L, troll, "hp", &hp);
    mr_object_set_int(L, troll, "hp", hp / 2);
    lua_pushinteger(L, 5);
    if (mr_object_call(L, troll, "hit", 1, 1) == MR_RESULT_OK) lua_pop(L, 1);
    mr_db_commit(L, db);
    show(L, "changed by C and by Lua", troll);
    if (mr_object_set_text(L, troll, "hp", "many") == MR_RESULT_FAIL)
        printf("refused: %s: %s\n", mr_error_kind(L), mr_error_message(L));
    mr_object_release(troll);

    mr_list *weak = NULL;
    lua_pushvalue(L, 2);
    lua_pushinteger(L, 11);
    if (mr_list_call(L, 1, &weak) == MR_RESULT_OK)
        for (size_t i = 0; i < mr_list_count(weak); i++) show(L, "weaker than 11", mr_list_at(weak, i));
    mr_list_release(weak);
}

int main(void) {
    size_t bytes = 0;
    mr_db *db = NULL;
    lua_State *L = lua_newstate(count_alloc, &bytes);
    if (!L) return EXIT_FAILURE;
    luaL_openlibs(L);
    luaL_requiref(L, "moonrow", luaopen_moonrow, 0);
    lua_pop(L, 1);
    if (luaL_dofile(L, "model.lua") != LUA_OK) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
    else if (mr_db_at(L, 1, &db) == MR_RESULT_OK) play(L, db);
    mr_db_release(db);
    lua_close(L);
    printf("bytes that did not come back: %zu\n", bytes);
    return db && bytes == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

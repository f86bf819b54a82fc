/*
 * test_embedding_kinds.c: collections that are sets, dicts or ordering lists, as moonrow.h sees them: lists of their
 * objects.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <moonrow.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char model[] = "local mr = require 'moonrow'\n"
                            "db = mr.open 'sqlite://'\n"
                            "Item = db.Model:extend('Item', {\n"
                            "  id = db.Column{ db.Integer, primary_key = true },\n"
                            "  name = db.Column{ db.String(20) },\n"
                            "  place = db.Column{ db.Integer },\n"
                            "  set_id = db.Column{ db.Integer, db.ForeignKey 'box.id' },\n"
                            "  dict_id = db.Column{ db.Integer, db.ForeignKey 'box.id' },\n"
                            "  list_id = db.Column{ db.Integer, db.ForeignKey 'box.id' },\n"
                            "})\n"
                            "local function items(key, class)\n"
                            "  return db.relationship{ 'Item', foreign_keys = key, collection_class = class }\n"
                            "end\n"
                            "Box = db.Model:extend('Box', {\n"
                            "  id = db.Column{ db.Integer, primary_key = true },\n"
                            "  set = items('Item.set_id', mr.set),\n"
                            "  dict = items('Item.dict_id', mr.attribute_keyed 'name'),\n"
                            "  list = items('Item.list_id', mr.ordering_list 'place'),\n"
                            "})\n";

typedef struct world {
    lua_State *L;
    mr_db *db;
    mr_object *box, *a, *b;
} world;

#define OK(call)   assert_int_equal(call, MR_RESULT_OK)
#define NONE(call) assert_int_equal(call, MR_RESULT_NONE)

static mr_object *made(lua_State *L, const char *klass) {
    mr_object *object = NULL;
    OK(mr_object_new(L, mr_class_find(L, klass), &object));
    return object;
}

static int setup(void **state) {
    static world w;
    w.L = luaL_newstate();
    assert_non_null(w.L);
    luaL_openlibs(w.L);
    luaL_requiref(w.L, "moonrow", luaopen_moonrow, 1);
    lua_pop(w.L, 1);
    if (luaL_dostring(w.L, model) != LUA_OK) fail_msg("%s", lua_tostring(w.L, -1));
    OK(mr_db_global(w.L, "db", &w.db));
    OK(mr_db_create_all(w.L, w.db));
    w.box = made(w.L, "Box");
    w.a = made(w.L, "Item");
    w.b = made(w.L, "Item");
    OK(mr_object_set_text(w.L, w.a, "name", "a"));
    OK(mr_object_set_text(w.L, w.b, "name", "b"));
    *state = &w;
    return 0;
}

static int teardown(void **state) {
    world *w = *state;
    assert_int_equal(lua_gettop(w->L), 0);
    mr_object_release(w->box);
    mr_object_release(w->a);
    mr_object_release(w->b);
    mr_db_release(w->db);
    lua_close(w->L);
    return 0;
}

static size_t count(const world *w, const char *attribute) {
    size_t n = 0;
    OK(mr_object_count(w->L, w->box, attribute, &n));
    return n;
}

static void test_a_set_holds_an_object_once(void **state) {
    world *w = *state;
    mr_object *item = NULL;
    OK(mr_object_append(w->L, w->box, "set", w->a));
    OK(mr_object_append(w->L, w->box, "set", w->a));
    OK(mr_object_append(w->L, w->box, "set", w->b));
    assert_int_equal(count(w, "set"), 2);
    OK(mr_object_contains(w->L, w->box, "set", w->a));
    OK(mr_object_item(w->L, w->box, "set", 0, &item));
    OK(mr_object_remove(w->L, w->box, "set", item));
    mr_object_release(item);
    NONE(mr_object_contains(w->L, w->box, "set", w->a));
    OK(mr_object_clear(w->L, w->box, "set"));
    assert_int_equal(count(w, "set"), 0);
}

static void test_a_dict_holds_one_object_of_a_key(void **state) {
    world *w = *state;
    mr_object *other = made(w->L, "Item"), *unnamed = made(w->L, "Item");
    OK(mr_object_set_text(w->L, other, "name", "a"));
    OK(mr_object_append(w->L, w->box, "dict", w->a));
    OK(mr_object_append(w->L, w->box, "dict", w->b));
    OK(mr_object_append(w->L, w->box, "dict", other));
    assert_int_equal(count(w, "dict"), 2);
    NONE(mr_object_contains(w->L, w->box, "dict", w->a));
    OK(mr_object_contains(w->L, w->box, "dict", other));
    assert_int_equal(mr_object_append(w->L, w->box, "dict", unnamed), MR_RESULT_FAIL);
    assert_string_equal(mr_error_kind(w->L), "ArgumentError");
    mr_error_clear(w->L);
    assert_int_equal(count(w, "dict"), 2);
    mr_object_release(other);
    mr_object_release(unnamed);
}

static void test_an_ordering_list_numbers_its_objects(void **state) {
    world *w = *state;
    int64_t place = 0;
    OK(mr_object_append(w->L, w->box, "list", w->a));
    OK(mr_object_insert(w->L, w->box, "list", 0, w->b));
    OK(mr_object_get_int(w->L, w->a, "place", &place));
    assert_int_equal(place, 2);
    OK(mr_object_remove(w->L, w->box, "list", w->b));
    OK(mr_object_get_int(w->L, w->a, "place", &place));
    assert_int_equal(place, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_set_holds_an_object_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_dict_holds_one_object_of_a_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_ordering_list_numbers_its_objects, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

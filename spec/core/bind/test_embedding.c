/*
 * test_embedding.c: moonrow.h in a C program: handles, attributes, sessions, lists. Errors never jump. Each allocation
 * fails in turn.
 */
#include "embedding_fixture.h"

static const char model[] =
    "local mr = require 'moonrow'\n"
    "db = mr.open 'sqlite://'\n"
    "Pet = db.Model:extend('Pet', {\n"
    "  id = db.Column{ db.Integer, primary_key = true },\n"
    "  name = db.Column{ db.String(20), unique = true, nullable = false },\n"
    "  weight = db.Column{ db.Float }, tame = db.Column{ db.Boolean }, born = db.Column{ db.DateTime },\n"
    "  photo = db.Column{ db.LargeBinary },\n"
    "})\n"
    "function Pet:__tostring() return 'Pet ' .. self.name end\n"
    "function Pet:rename(name) self.name = name return 'renamed' end\n"
    "Code = db.Model:extend('Code', { code = db.Column{ db.String(3), primary_key = true } })\n"
    "db:create_all()\n"
    "db.session:add_all{ Pet{ name = 'cat', weight = 4.5 }, Pet{ name = 'dog' }, Code{ code = 'abc' } }\n"
    "db.session:commit()\n";

static int setup(void **state) { return open_world(state, model); }

static mr_object *find(world *w, const char *name) {
    mr_object *object = NULL;
    const mr_class *pet = mr_class_find(w->L, "Pet");
    assert_int_equal(mr_db_find_text(w->L, w->db, pet, "name", name, &object), MR_RESULT_OK);
    return object;
}

/* ---------------------------------------------------------------- tests */

static void test_classes(void **state) {
    world *w = *state;
    const mr_class *pet = mr_class_find(w->L, "Pet");
    assert_non_null(pet);
    assert_null(mr_class_find(w->L, "Pets"));
    assert_string_equal(mr_class_name(pet), "Pet");
    assert_string_equal(mr_class_table(pet), "pet");
    assert_int_equal(mr_class_attribute_count(pet), 6);
    assert_string_equal(mr_class_attribute_name(pet, 1), "name");
    assert_null(mr_class_attribute_name(pet, 6));
    assert_true(mr_class_has(pet, "weight") && !mr_class_has(pet, "wait"));
    assert_true(mr_class_is_primary_key(pet, "id") && !mr_class_is_primary_key(pet, "name"));
    lua_getglobal(w->L, "Pet");
    assert_ptr_equal(mr_class_at(w->L, -1), pet);
    lua_pop(w->L, 1);
    assert_int_equal(mr_class_push(w->L, pet), MR_RESULT_OK);
    lua_getglobal(w->L, "Pet");
    assert_true(lua_rawequal(w->L, -1, -2));
    lua_pop(w->L, 2);
}

static void test_identity(void **state) {
    world *w = *state;
    mr_object *cat = find(w, "cat"), *again = NULL, *none = NULL;
    int64_t key = 0;
    assert_int_equal(mr_object_key_int(cat, &key), MR_RESULT_OK);
    assert_int_equal(mr_db_get_int(w->L, w->db, mr_object_class(cat), key, &again), MR_RESULT_OK);
    assert_ptr_equal(cat, again);
    assert_int_equal(mr_db_get_int(w->L, w->db, mr_object_class(cat), 99, &none), MR_RESULT_NONE);
    assert_null(none);
    const char *text = NULL;
    mr_object *code = NULL;
    assert_int_equal(mr_object_key_text(cat, &text, NULL), MR_RESULT_NONE);
    assert_int_equal(mr_db_get_text(w->L, w->db, mr_class_find(w->L, "Code"), "abc", &code), MR_RESULT_OK);
    assert_int_equal(mr_object_key_text(code, &text, NULL), MR_RESULT_OK);
    assert_memory_equal(text, "abc", 3);
    assert_int_equal(mr_object_push(w->L, cat), MR_RESULT_OK);
    assert_int_equal(mr_object_at(w->L, -1, &none), MR_RESULT_OK);
    assert_ptr_equal(none, cat);
    lua_pop(w->L, 1);
    lua_pushinteger(w->L, 1);
    assert_int_equal(mr_object_at(w->L, -1, &none), MR_RESULT_NONE);
    lua_pop(w->L, 1);
    mr_object_release(cat), mr_object_release(again), mr_object_release(none), mr_object_release(code);
}

static void test_attributes(void **state) {
    world *w = *state;
    lua_State *L = w->L;
    mr_object *cat = find(w, "cat");
    double weight = 0;
    int tame = 0;
    size_t len = 0;
    const char *text = NULL;
    const void *data = NULL;
    mr_holds what;
    assert_int_equal(mr_object_get_float(L, cat, "weight", &weight), MR_RESULT_OK);
    assert_true(weight == 4.5);
    assert_int_equal(mr_object_get_bool(L, cat, "tame", &tame), MR_RESULT_NONE);
    assert_int_equal(mr_object_set_bool(L, cat, "tame", 1), MR_RESULT_OK);
    assert_int_equal(mr_object_get_bool(L, cat, "tame", &tame), MR_RESULT_OK);
    assert_true(tame);
    assert_int_equal(mr_object_get_text(L, cat, "name", &text, &len), MR_RESULT_OK);
    assert_string_equal(text, "cat");
    assert_int_equal(len, 3);
    assert_int_equal(mr_object_set_blob(L, cat, "photo", "a\0b", 3), MR_RESULT_OK);
    assert_int_equal(mr_object_get_blob(L, cat, "photo", &data, &len), MR_RESULT_OK);
    assert_int_equal(len, 3);
    assert_memory_equal(data, "a\0b", 3);
    mr_moment born = {2024, 2, 29, 13, 4, 5, 6}, read = {0};
    assert_int_equal(mr_object_set_datetime(L, cat, "born", &born), MR_RESULT_OK);
    assert_int_equal(mr_object_get_moment(L, cat, "born", &read), MR_RESULT_OK);
    assert_memory_equal(&born, &read, sizeof born);
    assert_int_equal(mr_object_holds(L, cat, "born", &what), MR_RESULT_OK);
    assert_int_equal(what, MR_HOLDS_DATETIME);
    assert_int_equal(mr_object_set_null(L, cat, "born"), MR_RESULT_OK);
    assert_int_equal(mr_object_holds(L, cat, "born", &what), MR_RESULT_OK);
    assert_int_equal(what, MR_HOLDS_NULL);
    assert_true(mr_object_is_modified(cat));
    assert_int_equal(mr_db_rollback(L, w->db), MR_RESULT_OK);
    assert_int_equal(mr_object_get_bool(L, cat, "tame", &tame), MR_RESULT_NONE);
    mr_object_release(cat);
}

static void test_life(void **state) {
    world *w = *state;
    lua_State *L = w->L;
    mr_object *bird = NULL;
    const char *text = NULL;
    int64_t count = 0;
    const mr_class *pet = mr_class_find(L, "Pet");
    assert_int_equal(mr_object_new(L, pet, &bird), MR_RESULT_OK);
    assert_int_equal(mr_object_life(bird), MR_LIFE_TRANSIENT);
    assert_int_equal(mr_object_set_text(L, bird, "name", "bird"), MR_RESULT_OK);
    assert_int_equal(mr_db_contains(L, w->db, bird), MR_RESULT_NONE);
    assert_int_equal(mr_db_add(L, w->db, bird), MR_RESULT_OK);
    assert_int_equal(mr_db_contains(L, w->db, bird), MR_RESULT_OK);
    assert_int_equal(mr_object_life(bird), MR_LIFE_PENDING);
    assert_int_equal(mr_db_commit(L, w->db), MR_RESULT_OK);
    assert_string_equal(mr_life_name(mr_object_life(bird)), "persistent");
    assert_int_equal(mr_db_count(L, w->db, pet, &count), MR_RESULT_OK);
    assert_int_equal(count, 3);
    lua_pushliteral(L, "parrot");
    assert_int_equal(mr_object_call(L, bird, "rename", 1, 1), MR_RESULT_OK);
    assert_string_equal(lua_tostring(L, -1), "renamed");
    lua_pop(L, 1);
    assert_int_equal(mr_object_describe(L, bird, &text), MR_RESULT_OK);
    assert_string_equal(text, "Pet parrot");
    assert_int_equal(mr_db_delete(L, w->db, bird), MR_RESULT_OK);
    assert_int_equal(mr_db_flush(L, w->db), MR_RESULT_OK);
    assert_int_equal(mr_object_life(bird), MR_LIFE_DELETED);
    assert_int_equal(mr_db_commit(L, w->db), MR_RESULT_OK);
    assert_int_equal(mr_object_life(bird), MR_LIFE_DETACHED);
    mr_object_release(bird);
}

static void test_lists(void **state) {
    world *w = *state;
    lua_State *L = w->L;
    mr_list *list = NULL, *same = NULL;
    const char *text = NULL;
    assert_int_equal(mr_list_eval(L, "return Pet.query:order_by(Pet.name)", &list), MR_RESULT_OK);
    assert_int_equal(mr_list_count(list), 2);
    lua_gc(L, LUA_GCCOLLECT);
    assert_int_equal(mr_memory_trace(L, 0, NULL), MR_RESULT_OK);
    assert_int_equal(mr_object_get_text(L, mr_list_at(list, 1), "name", &text, NULL), MR_RESULT_OK);
    assert_string_equal(text, "dog");
    assert_null(mr_list_at(list, 2));
    luaL_loadstring(L, "local a, b = ... return { b, a }");
    mr_object_push(L, mr_list_at(list, 0));
    mr_object_push(L, mr_list_at(list, 1));
    assert_int_equal(mr_list_call(L, 2, &same), MR_RESULT_OK);
    assert_ptr_equal(mr_list_at(same, 0), mr_list_at(list, 1));
    mr_list_release(same);
    mr_list_release(mr_list_retain(list));
    mr_list_release(list);
    assert_int_equal(mr_list_eval(L, "return { 1 }", &list), MR_RESULT_FAIL);
    assert_string_equal(mr_error_kind(L), "ArgumentError");
    assert_int_equal(mr_list_eval(L, "return nil", &list), MR_RESULT_OK);
    assert_int_equal(mr_list_count(list), 0);
    mr_list_release(list);
}

static void test_handles_keep_objects(void **state) {
    world *w = *state;
    mr_object *cat = find(w, "cat");
    const char *text = NULL;
    lua_gc(w->L, LUA_GCCOLLECT);
    lua_gc(w->L, LUA_GCCOLLECT);
    assert_int_equal(mr_memory_trace(w->L, 0, NULL), MR_RESULT_OK);
    assert_int_equal(mr_memory_objects(w->L), 1);
    assert_int_equal(mr_object_get_text(w->L, cat, "name", &text, NULL), MR_RESULT_OK);
    assert_string_equal(text, "cat");
    mr_object_release(cat);
    lua_gc(w->L, LUA_GCCOLLECT);
    assert_int_equal(mr_memory_trace(w->L, 0, NULL), MR_RESULT_OK);
    assert_int_equal(mr_memory_objects(w->L), 0);
}

static void test_errors(void **state) {
    world *w = *state;
    lua_State *L = w->L;
    mr_object *cat = find(w, "cat"), *twin = NULL;
    int64_t i = 7;
    mr_list *list = NULL;
    mr_db *db = NULL;
    assert_null(mr_error_kind(L));
    assert_int_equal(mr_object_get_int(L, cat, "nmae", &i), MR_RESULT_FAIL);
    assert_int_equal(i, 7);
    assert_true(mr_error_is(L, "ArgumentError") && mr_error_is(L, "Error") && !mr_error_is(L, "DataError"));
    assert_string_equal(mr_error_message(L), "Pet has no attribute 'nmae' (did you mean 'name'?)");
    assert_int_equal(mr_object_get_int(L, cat, "name", &i), MR_RESULT_FAIL);
    assert_string_equal(mr_error_message(L), "Pet.name: expected an integer, got string \"cat\"");
    assert_int_equal(mr_object_set_text(L, cat, "weight", "heavy"), MR_RESULT_FAIL);
    assert_int_equal(mr_object_new(L, mr_object_class(cat), &twin), MR_RESULT_OK);
    mr_object_set_text(L, twin, "name", "cat");
    assert_int_equal(mr_db_add(L, w->db, twin), MR_RESULT_OK);
    assert_int_equal(mr_db_commit(L, w->db), MR_RESULT_FAIL);
    assert_true(mr_error_is(L, "DatabaseError"));
    assert_string_equal(mr_error_kind(L), "IntegrityError");
    assert_non_null(mr_error_statement(L));
    assert_int_not_equal(mr_error_code(L), 0);
    assert_int_equal(mr_db_rollback(L, w->db), MR_RESULT_OK);
    assert_int_equal(mr_list_eval(L, "error('own', 0)", &list), MR_RESULT_FAIL);
    assert_string_equal(mr_error_kind(L), "LuaError");
    assert_string_equal(mr_error_message(L), "own");
    mr_error_push(L);
    assert_string_equal(lua_tostring(L, -1), "own");
    lua_pop(L, 1);
    assert_int_equal(mr_list_eval(L, "return (", &list), MR_RESULT_FAIL);
    mr_error_clear(L);
    assert_null(mr_error_kind(L));
    assert_int_equal(mr_db_global(L, "Pet", &db), MR_RESULT_FAIL);
    assert_int_equal(mr_db_global(L, "nothing", &db), MR_RESULT_FAIL);
    mr_object_release(cat), mr_object_release(twin);
}

/* Uses the functions that a program calls for an object. Stops at the first failure. */
static mr_result work(world *w) {
    lua_State *L = w->L;
    mr_object *cat = NULL;
    mr_list *all = NULL;
    const char *text;
    const mr_class *pet = mr_class_find(L, "Pet");
    mr_result result = pet ? MR_RESULT_OK : MR_RESULT_FAIL;
    if (result == MR_RESULT_OK) result = mr_db_find_text(L, w->db, pet, "name", "cat", &cat);
    if (result == MR_RESULT_OK) result = mr_object_set_float(L, cat, "weight", 5);
    if (result == MR_RESULT_OK) result = mr_object_describe(L, cat, &text);
    if (result == MR_RESULT_OK) result = mr_db_commit(L, w->db);
    if (result == MR_RESULT_OK) result = mr_db_all(L, w->db, pet, &all);
    mr_object_release(cat);
    mr_list_release(all);
    return result;
}

static void test_without_memory(void **state) {
    world *w = *state;
    for (size_t n = 1, done = 0; !done; n++) {
        fa_arm_once(&memory, n);
        mr_result result = work(w);
        fa_disarm(&memory);
        if (result == MR_RESULT_OK) done = 1;
        else if (mr_error_kind(w->L)) assert_string_equal(mr_error_kind(w->L), "NoMemoryError");
        mr_db_rollback(w->L, w->db);
        assert_int_equal(lua_gettop(w->L), 0);
    }
    assert_int_equal(work(w), MR_RESULT_OK);
}

/* A hook that counts down, and raises once, when the count reaches zero. */
static long events_left;

static void interrupt(lua_State *L, lua_Debug *ar) {
    (void)ar;
    if (--events_left == 0) luaL_error(L, "interrupted!");
}

static mr_result more_work(world *w) {
    lua_State *L = w->L;
    mr_object *fresh = NULL, *cat = NULL, *same = NULL;
    mr_list *list = NULL;
    mr_db *db = NULL;
    const mr_class *pet = mr_class_find(L, "Pet");
    mr_result result = pet ? MR_RESULT_OK : MR_RESULT_FAIL;
    if (result == MR_RESULT_OK) result = mr_db_global(L, "db", &db);
    if (result == MR_RESULT_OK) result = mr_object_new(L, pet, &fresh);
    if (result == MR_RESULT_OK) result = mr_db_get_int(L, w->db, pet, 1, &cat);
    if (result == MR_RESULT_OK) result = mr_list_eval(L, "return Pet.query", &list);
    if (result == MR_RESULT_OK) result = mr_object_push(L, cat);
    if (result == MR_RESULT_OK) result = mr_object_at(L, -1, &same);
    lua_settop(L, 0);
    mr_object_release(fresh), mr_object_release(cat), mr_object_release(same);
    mr_list_release(list);
    mr_db_release(db);
    return result == MR_RESULT_OK ? work(w) : result;
}

/* The number of objects that are left after a full collection. */
static size_t objects_kept(world *w) {
    lua_gc(w->L, LUA_GCCOLLECT), lua_gc(w->L, LUA_GCCOLLECT);
    mr_memory_trace(w->L, 0, NULL);
    return mr_memory_objects(w->L);
}

static void test_interrupted_by_a_hook(void **state) {
    world *w = *state;
    const int masks[] = {LUA_MASKCALL, LUA_MASKRET, LUA_MASKCOUNT};
    assert_int_equal(more_work(w), MR_RESULT_OK);
    size_t kept = objects_kept(w);
    for (size_t i = 0; i < 3; i++) {
        for (long n = 1, done = 0; !done; n++) {
            events_left = n;
            lua_sethook(w->L, interrupt, masks[i], 1);
            mr_result result = more_work(w);
            lua_sethook(w->L, NULL, 0, 0);
            done = events_left > 0;
            if (done) assert_int_equal(result, MR_RESULT_OK);
            else if (result == MR_RESULT_FAIL && mr_error_kind(w->L))
                assert_string_equal(mr_error_kind(w->L), "LuaError");
            lua_settop(w->L, 0);
            mr_db_rollback(w->L, w->db);
        }
        mr_error_clear(w->L);
        assert_int_equal(objects_kept(w), kept);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_classes, setup, close_world),
        cmocka_unit_test_setup_teardown(test_identity, setup, close_world),
        cmocka_unit_test_setup_teardown(test_attributes, setup, close_world),
        cmocka_unit_test_setup_teardown(test_life, setup, close_world),
        cmocka_unit_test_setup_teardown(test_lists, setup, close_world),
        cmocka_unit_test_setup_teardown(test_handles_keep_objects, setup, close_world),
        cmocka_unit_test_setup_teardown(test_errors, setup, close_world),
        cmocka_unit_test_setup_teardown(test_without_memory, setup, close_world),
        cmocka_unit_test_setup_teardown(test_interrupted_by_a_hook, setup, close_world),
    };
    return cmocka_run_group_tests_name("embedding", tests, NULL, NULL);
}

/*
 * test_embedding_calls.c: what moonrow.h says of classes and their parents, of references, dates and collections that C
 * writes, of objects that come into a session and leave it, and of the state.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <moonrow.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char model[] = "local mr = require 'moonrow'\n"
                            "db = mr.open 'sqlite://'\n"
                            "Base = db.Model:extend('Base', { __abstract = true })\n"
                            "Team = Base:extend('Team', {\n"
                            "  id = db.Column{ db.Integer, primary_key = true },\n"
                            "  name = db.Column{ db.String(20) },\n"
                            "  founded = db.Column{ db.Date },\n"
                            "  opens = db.Column{ db.Time },\n"
                            "})\n"
                            "Player = db.Model:extend('Player', {\n"
                            "  id = db.Column{ db.Integer, primary_key = true },\n"
                            "  level = db.Column{ db.Integer },\n"
                            "  team_id = db.Column{ db.Integer, db.ForeignKey 'team.id' },\n"
                            "  team = db.relationship{ 'Team', backref = 'players' },\n"
                            "})\n";

typedef struct world {
    lua_State *L;
    mr_db *db;
} world;

#define OK(call)   assert_int_equal(call, MR_RESULT_OK)
#define NONE(call) assert_int_equal(call, MR_RESULT_NONE)

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
    *state = &w;
    return 0;
}

static int teardown(void **state) {
    world *w = *state;
    assert_int_equal(lua_gettop(w->L), 0);
    mr_db_release(w->db);
    lua_close(w->L);
    return 0;
}

static mr_object *made(world *w, const char *klass) {
    mr_object *object = NULL;
    OK(mr_object_new(w->L, mr_class_find(w->L, klass), &object));
    return object;
}

/* A team with two players, which is written. */
static mr_object *team_of_two(world *w, mr_object **first, mr_object **second) {
    mr_object *team = made(w, "Team");
    *first = made(w, "Player");
    *second = made(w, "Player");
    OK(mr_object_set_text(w->L, team, "name", "reds"));
    OK(mr_object_set_int(w->L, *first, "level", 7));
    OK(mr_object_append(w->L, team, "players", *first));
    OK(mr_object_append(w->L, team, "players", *second));
    OK(mr_db_add(w->L, w->db, team));
    OK(mr_db_commit(w->L, w->db));
    return team;
}

static void test_classes_tell_of_their_kin_and_attributes(void **state) {
    world *w = *state;
    const mr_class *team = mr_class_find(w->L, "Team"), *player = mr_class_find(w->L, "Player");
    assert_true(mr_class_is(team, team));
    assert_false(mr_class_is(team, player));
    assert_null(mr_class_parent(team)); /* a base without a table is no class to C */
    assert_true(mr_class_is_relationship(player, "team"));
    assert_false(mr_class_is_relationship(player, "level"));
    assert_false(mr_class_is_relationship(player, "nothing"));
}

static void test_references_are_written_and_read(void **state) {
    world *w = *state;
    mr_object *first, *second, *team = team_of_two(w, &first, &second), *found = NULL;
    OK(mr_object_get_object(w->L, first, "team", &found));
    assert_ptr_equal(found, team);
    mr_object_release(found);
    OK(mr_object_set_object(w->L, first, "team", NULL));
    NONE(mr_object_get_object(w->L, first, "team", &found));
    OK(mr_object_set_object(w->L, first, "team", team));
    OK(mr_object_contains(w->L, team, "players", first));
    mr_object_release(team);
    mr_object_release(first);
    mr_object_release(second);
}

static void test_collections_are_listed_and_emptied(void **state) {
    world *w = *state;
    mr_object *first, *second, *team = team_of_two(w, &first, &second);
    mr_list *items = NULL;
    size_t n = 9;
    OK(mr_object_items(w->L, team, "players", &items));
    OK(mr_object_remove(w->L, team, "players", first));
    NONE(mr_object_contains(w->L, team, "players", first));
    OK(mr_object_clear(w->L, team, "players"));
    OK(mr_object_count(w->L, team, "players", &n));
    assert_int_equal(n, 0);
    assert_int_equal(mr_list_count(items), 2); /* as it was */
    mr_list_release(items);
    mr_object_release(team);
    mr_object_release(first);
    mr_object_release(second);
}

static void test_dates_and_times_are_written(void **state) {
    world *w = *state;
    mr_object *team = made(w, "Team");
    mr_moment day = {2024, 2, 29, 0, 0, 0, 0}, hour = {0, 0, 0, 7, 30, 0, 0}, read = {0};
    OK(mr_object_set_date(w->L, team, "founded", &day));
    OK(mr_object_set_time(w->L, team, "opens", &hour));
    OK(mr_object_get_moment(w->L, team, "founded", &read));
    assert_int_equal(read.year * 10000 + read.month * 100 + read.day, 20240229);
    OK(mr_object_get_moment(w->L, team, "opens", &read));
    assert_int_equal(read.hour * 60 + read.minute, 450);
    day.day = 31; /* of February */
    assert_int_equal(mr_object_set_date(w->L, team, "founded", &day), MR_RESULT_FAIL);
    assert_string_equal(mr_error_kind(w->L), "ArgumentError");
    mr_object_release(team);
}

static void test_objects_are_read_again(void **state) {
    world *w = *state;
    mr_object *first, *second, *team = team_of_two(w, &first, &second), *found = NULL;
    int64_t level = 0;
    OK(mr_db_find_int(w->L, w->db, mr_class_find(w->L, "Player"), "level", 7, &found));
    assert_ptr_equal(found, first);
    mr_object_release(found);
    OK(mr_object_set_int(w->L, first, "level", 8));
    OK(mr_db_expire(w->L, w->db, first)); /* what was not written is lost */
    OK(mr_object_get_int(w->L, first, "level", &level));
    assert_int_equal(level, 7);
    OK(mr_object_set_int(w->L, first, "level", 9));
    OK(mr_db_expire_all(w->L, w->db));
    OK(mr_db_refresh(w->L, w->db, first));
    assert_true(mr_object_is_loaded(first, "level"));
    OK(mr_object_get_int(w->L, first, "level", &level));
    assert_int_equal(level, 7);
    mr_object_release(team);
    mr_object_release(first);
    mr_object_release(second);
}

static void test_a_session_begins_and_ends(void **state) {
    world *w = *state;
    mr_object *first, *second, *team = team_of_two(w, &first, &second);
    mr_db *again = mr_db_retain(w->db);
    assert_ptr_equal(again, w->db);
    mr_db_release(again);
    mr_db_push(w->L, w->db);
    lua_getglobal(w->L, "db");
    assert_true(lua_rawequal(w->L, -1, -2));
    lua_pop(w->L, 2);
    OK(mr_db_begin(w->L, w->db));
    assert_int_equal(mr_db_begin(w->L, w->db), MR_RESULT_FAIL);
    assert_string_equal(mr_error_kind(w->L), "InvalidRequestError");
    OK(mr_db_rollback(w->L, w->db));
    OK(mr_db_expunge(w->L, w->db, first));
    NONE(mr_db_contains(w->L, w->db, first));
    assert_int_equal(mr_object_life(first), MR_LIFE_DETACHED);
    OK(mr_db_remove(w->L, w->db));
    assert_int_equal(mr_object_life(team), MR_LIFE_DETACHED);
    OK(mr_db_close(w->L, w->db));
    mr_object_release(team);
    mr_object_release(first);
    mr_object_release(second);
}

static void test_the_state_tells_its_version_and_memory_and_is_interrupted(void **state) {
    world *w = *state;
    mr_object *first, *second, *team = team_of_two(w, &first, &second);
    int64_t n = 0;
    assert_int_equal(strncmp(mr_version(), "moonrow ", 8), 0);
    assert_true(mr_memory_objects(w->L) >= 3);
    assert_true(mr_memory_object_bytes(w->L) > 0);
    assert_true(mr_memory_bytes(w->L) > mr_memory_object_bytes(w->L));
    mr_state_interrupt(mr_state_env(w->L), 1);
    assert_int_equal(mr_db_count(w->L, w->db, mr_class_find(w->L, "Player"), &n), MR_RESULT_FAIL);
    assert_string_equal(mr_error_kind(w->L), "OperationalError");
    mr_state_interrupt(mr_state_env(w->L), 0);
    OK(mr_db_count(w->L, w->db, mr_class_find(w->L, "Player"), &n));
    assert_int_equal(n, 2);
    mr_state_quiet(w->L); /* no warning of what follows */
    OK(mr_object_set_int(w->L, second, "level", 1));
    mr_object_release(team);
    mr_object_release(first);
    mr_object_release(second);
}

static void test_an_error_has_the_stack_of_lua(void **state) {
    world *w = *state;
    mr_list *none = NULL;
    assert_int_equal(mr_list_eval(w->L, "return Team.query:filter_by{ nothing = 1 }", &none), MR_RESULT_FAIL);
    assert_non_null(mr_error_traceback(w->L));
    mr_error_clear(w->L);
    assert_null(mr_error_traceback(w->L));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_classes_tell_of_their_kin_and_attributes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_references_are_written_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_collections_are_listed_and_emptied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dates_and_times_are_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_objects_are_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_session_begins_and_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_state_tells_its_version_and_memory_and_is_interrupted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_an_error_has_the_stack_of_lua, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

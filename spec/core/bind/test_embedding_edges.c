/*
 * test_embedding_edges.c: rare uses of moonrow.h: texts of keys that have changed, loaded fields, positions after the
 * end, the place of an error, the log, and errno.
 */
#include <errno.h>

#include "embedding_fixture.h"

static const char model[] = "local mr = require 'moonrow'\n"
                            "db = mr.open 'sqlite://'\n"
                            "Code = db.Model:extend('Code', {\n"
                            "  code = db.Column{ db.String(80), primary_key = true },\n"
                            "  worth = db.Column{ db.Integer },\n"
                            "  note = mr.field(),\n"
                            "})\n"
                            "Part = db.Model:extend('Part', {\n"
                            "  id = db.Column{ db.Integer, primary_key = true },\n"
                            "  code_id = db.Column{ db.String(80), db.ForeignKey 'code.code' },\n"
                            "  code = db.relationship('Code', { backref = 'parts' }),\n"
                            "})\n"
                            "db:create_all()\n"
                            "db.session:add(Code{ code = ('long '):rep(12) })\n"
                            "db.session:commit()\n";

static int setup(void **state) { return open_world(state, model); }

static mr_object *first(world *w) {
    mr_list *all = NULL;
    assert_int_equal(mr_db_all(w->L, w->db, mr_class_find(w->L, "Code"), &all), MR_RESULT_OK);
    assert_int_equal(mr_list_count(all), 1);
    mr_object *object = mr_object_retain(mr_list_at(all, 0));
    mr_list_release(all);
    return object;
}

/* ---------------------------------------------------------------- tests */

static void test_a_key_text_outlives_the_key(void **state) {
    world *w = *state;
    mr_object *code = first(w);
    const char *before = NULL, *same = NULL, *after = NULL;
    size_t len = 0;
    assert_int_equal(mr_object_key_text(code, &before, &len), MR_RESULT_OK);
    assert_int_equal(len, 60);
    assert_int_equal(mr_object_key_text(code, &same, NULL), MR_RESULT_OK);
    assert_ptr_equal(before, same);
    for (int i = 0; i < 3; i++) {
        char name[70];
        memset(name, 'a' + i, 64);
        name[64] = '\0';
        assert_int_equal(mr_object_set_text(w->L, code, "code", name), MR_RESULT_OK);
        assert_int_equal(mr_db_flush(w->L, w->db), MR_RESULT_OK);
        assert_int_equal(mr_object_key_text(code, &after, &len), MR_RESULT_OK);
        assert_string_equal(after, name);
        assert_int_equal(len, 64);
        assert_int_equal(strlen(before), 60);
        assert_memory_equal(before, "long long ", 10);
    }
    assert_int_equal(mr_db_rollback(w->L, w->db), MR_RESULT_OK);
    assert_int_equal(mr_object_key_text(code, &same, NULL), MR_RESULT_OK);
    assert_string_equal(same, before);
    /* The texts live until the last handle of the object is released. */
    mr_object *second = mr_object_retain(code);
    mr_object_release(code);
    assert_memory_equal(before, "long long ", 10);
    assert_memory_equal(after, "cccc", 4);
    mr_object_release(second);
}

static void test_a_key_text_without_memory(void **state) {
    world *w = *state;
    mr_object *code = first(w);
    int failed = 0;
    for (size_t n = 1;; n++) {
        const char *text = "untouched";
        fa_arm_once(&memory, n);
        mr_result result = mr_object_key_text(code, &text, NULL);
        fa_disarm(&memory);
        if (result == MR_RESULT_OK) break;
        assert_int_equal(result, MR_RESULT_FAIL);
        assert_string_equal(text, "untouched");
        failed++;
    }
    assert_true(failed > 0);
    mr_object_release(code);
}

/* A handle that is never released: closing the Lua state frees its texts. */
static void test_a_key_text_at_the_states_end(void **state) {
    world *w = *state;
    const char *text = NULL;
    assert_int_equal(mr_object_key_text(first(w), &text, NULL), MR_RESULT_OK);
}

static void test_fields_in_memory_are_no_mapped_attributes(void **state) {
    world *w = *state;
    mr_object *code = first(w);
    const mr_class *klass = mr_object_class(code);
    int64_t value = 0;
    assert_int_equal(mr_class_attribute_count(klass), 3); /* one of them is the backref that Part declares */
    assert_string_equal(mr_class_attribute_name(klass, 0), "code");
    assert_int_equal(mr_class_has(klass, "note"), 0);
    assert_int_equal(mr_class_is_column(klass, "note"), 0);
    assert_int_equal(mr_object_is_loaded(code, "note"), 0);
    assert_int_equal(mr_object_set_int(w->L, code, "note", 7), MR_RESULT_OK);
    assert_int_equal(mr_object_get_int(w->L, code, "note", &value), MR_RESULT_OK);
    assert_int_equal(value, 7);
    mr_object_release(code);
}

static void test_a_null_and_what_holds_it(void **state) {
    world *w = *state;
    mr_object *code = first(w);
    mr_holds holds = MR_HOLDS_OTHER;
    int64_t value = 5;
    assert_int_equal(mr_object_holds(w->L, code, "worth", &holds), MR_RESULT_OK);
    assert_int_equal(holds, MR_HOLDS_NULL);
    assert_int_equal(mr_object_get_int(w->L, code, "worth", &value), MR_RESULT_NONE);
    assert_int_equal(value, 5);
    mr_object_release(code);
}

static void test_an_insert_beyond_the_end(void **state) {
    world *w = *state;
    mr_object *code = first(w), *parts[3] = {NULL, NULL, NULL}, *item = NULL;
    size_t n = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(mr_object_new(w->L, mr_class_find(w->L, "Part"), &parts[i]), MR_RESULT_OK);
    assert_int_equal(mr_object_insert(w->L, code, "parts", 1, parts[0]), MR_RESULT_NONE);
    assert_int_equal(mr_object_insert(w->L, code, "parts", (size_t)-1, parts[0]), MR_RESULT_NONE);
    assert_int_equal(mr_object_count(w->L, code, "parts", &n), MR_RESULT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(mr_object_insert(w->L, code, "parts", 0, parts[0]), MR_RESULT_OK);
    assert_int_equal(mr_object_insert(w->L, code, "parts", 1, parts[1]), MR_RESULT_OK);
    assert_int_equal(mr_object_insert(w->L, code, "parts", 0, parts[2]), MR_RESULT_OK);
    assert_int_equal(mr_object_item(w->L, code, "parts", 0, &item), MR_RESULT_OK);
    assert_ptr_equal(item, parts[2]);
    mr_object_release(item);
    assert_int_equal(mr_object_item(w->L, code, "parts", 3, &item), MR_RESULT_NONE);
    assert_int_equal(mr_db_rollback(w->L, w->db), MR_RESULT_OK);
    for (int i = 0; i < 3; i++) mr_object_release(parts[i]);
    mr_object_release(code);
}

static void test_where_an_error_was(void **state) {
    world *w = *state;
    mr_object *code = first(w);
    int64_t value;
    assert_int_equal(mr_object_get_int(w->L, code, "code", &value), MR_RESULT_FAIL);
    assert_string_equal(mr_error_kind(w->L), "ArgumentError");
    assert_null(mr_error_where(w->L));
    mr_list *list = NULL;
    assert_int_equal(mr_list_eval(w->L, "\nreturn Code.query:filter_by{ cod = 1 }", &list), MR_RESULT_FAIL);
    assert_non_null(mr_error_where(w->L));
    assert_non_null(strstr(mr_error_where(w->L), ":2"));
    mr_object_release(code);
}

static void count_log(void *ud, const char *text) {
    (void)text;
    ++*(int *)ud;
}

static void run(world *w, const char *code) {
    if (luaL_dostring(w->L, code) != LUA_OK) fail_msg("%s", luaL_tolstring(w->L, -1, NULL));
    lua_settop(w->L, 0);
}

static void test_the_log_goes_to_who_asked_last(void **state) {
    world *w = *state;
    int calls = 0;
    run(w, "lines = {} moonrow.set_log(function(line) lines[#lines + 1] = line end) db.engine.echo = true\n"
           "db.session:execute(moonrow.text 'SELECT\\n :x', { x = 5 })\n"
           "assert(#lines > 2)\n"
           "for _, line in ipairs(lines) do assert(not line:find('\\n'), line) end\n");
    assert_int_equal(mr_state_log(w->L, count_log, &calls), MR_RESULT_OK);
    run(w, "lines = {} db.session:execute(moonrow.text 'SELECT 1') assert(#lines == 0)");
    assert_true(calls > 0);
    calls = 0;
    run(w, "moonrow.set_log(function(line) lines[#lines + 1] = line end)\n"
           "db.session:execute(moonrow.text 'SELECT 1') assert(#lines > 0)");
    assert_int_equal(calls, 0);
    assert_int_equal(mr_state_log(w->L, NULL, NULL), MR_RESULT_OK);
    run(w, "lines = {} db.session:execute(moonrow.text 'SELECT 1') assert(#lines == 0)\n"
           "moonrow.set_log(function(line) lines[#lines + 1] = line end)\n"
           "db.session:execute(moonrow.text 'SELECT 1') assert(#lines > 0) db.engine.echo = false");
}

/* An allocator that changes errno, as the system's may. */
static void *spoiling_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
    errno = EAGAIN;
    return fa_alloc(ud, ptr, osize, nsize);
}

/* Asserts the result of a call, and that the call leaves errno unchanged. */
#define LEAVES_ERRNO(result, call)                                                                                     \
    do {                                                                                                               \
        errno = ENOTTY;                                                                                                \
        assert_int_equal((call), (result));                                                                            \
        assert_int_equal(errno, ENOTTY);                                                                               \
    } while (0)

static void test_errno_is_left_alone(void **state) {
    (void)state;
    fa_state own = FA_INIT;
    lua_State *L = lua_newstate(spoiling_alloc, &own);
    luaL_openlibs(L);
    luaL_requiref(L, "moonrow", luaopen_moonrow, 1);
    lua_pop(L, 1);
    mr_db *db = NULL;
    mr_object *code = NULL, *part = NULL;
    mr_list *list = NULL;
    const char *text;
    int64_t n;
    if (luaL_dostring(L, model) != LUA_OK) fail_msg("%s", luaL_tolstring(L, -1, NULL));
    LEAVES_ERRNO(MR_RESULT_OK, mr_db_global(L, "db", &db));
    LEAVES_ERRNO(MR_RESULT_NONE, mr_db_find_text(L, db, mr_class_find(L, "Code"), "code", "none", &code));
    LEAVES_ERRNO(MR_RESULT_OK, mr_db_all(L, db, mr_class_find(L, "Code"), &list));
    code = mr_object_retain(mr_list_at(list, 0));
    LEAVES_ERRNO(1, (mr_list_release(list), 1));
    LEAVES_ERRNO(MR_RESULT_OK, mr_object_key_text(code, &text, NULL));
    LEAVES_ERRNO(MR_RESULT_OK, mr_object_set_int(L, code, "worth", 5));
    LEAVES_ERRNO(MR_RESULT_FAIL, mr_object_set_int(L, code, "wort", 5));
    LEAVES_ERRNO(MR_RESULT_OK, mr_object_get_int(L, code, "worth", &n));
    LEAVES_ERRNO(MR_RESULT_OK, mr_object_new(L, mr_class_find(L, "Part"), &part));
    LEAVES_ERRNO(MR_RESULT_OK, mr_object_append(L, code, "parts", part));
    LEAVES_ERRNO(MR_RESULT_OK, mr_db_commit(L, db));
    LEAVES_ERRNO(MR_RESULT_OK, mr_db_delete(L, db, part));
    LEAVES_ERRNO(MR_RESULT_OK, mr_db_rollback(L, db));
    LEAVES_ERRNO(MR_RESULT_FAIL, mr_list_eval(L, "return 5 +", &list));
    LEAVES_ERRNO(MR_RESULT_OK, mr_memory_trace(L, 0, NULL));
    LEAVES_ERRNO(1, (mr_error_clear(L), 1));
    LEAVES_ERRNO(1, (mr_object_release(code), mr_object_release(part), mr_db_release(db), 1));
    lua_close(L);
    assert_int_equal(fa_live(&own), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_key_text_outlives_the_key, setup, close_world),
        cmocka_unit_test_setup_teardown(test_a_key_text_without_memory, setup, close_world),
        cmocka_unit_test_setup_teardown(test_a_key_text_at_the_states_end, setup, close_world),
        cmocka_unit_test_setup_teardown(test_fields_in_memory_are_no_mapped_attributes, setup, close_world),
        cmocka_unit_test_setup_teardown(test_a_null_and_what_holds_it, setup, close_world),
        cmocka_unit_test_setup_teardown(test_an_insert_beyond_the_end, setup, close_world),
        cmocka_unit_test_setup_teardown(test_where_an_error_was, setup, close_world),
        cmocka_unit_test_setup_teardown(test_the_log_goes_to_who_asked_last, setup, close_world),
        cmocka_unit_test(test_errno_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

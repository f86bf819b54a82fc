/*
 * test_embedding_null.c: what moonrow.h answers to a handle or a class that is NULL, and to a result that is no list.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "embedding_fixture.h"

static const char model[] = "local mr = require 'moonrow'\n"
                            "db = mr.open 'sqlite://'\n"
                            "Monster = db.Model:extend('Monster', {\n"
                            "  id = db.Column{ db.Integer, primary_key = true },\n"
                            "  name = db.Column{ db.String(40) },\n"
                            "})\n"
                            "Item = db.Model:extend('Item', {\n"
                            "  id = db.Column{ db.Integer, primary_key = true },\n"
                            "  monster_id = db.Column{ db.Integer, db.ForeignKey 'monster.id' },\n"
                            "  monster = db.relationship('Monster', { backref = 'loot' }),\n"
                            "})\n"
                            "other = mr.declarative_base()\n"
                            "other:extend('Guild', { id = db.Column{ db.Integer, primary_key = true } })\n"
                            "db:create_all()\n"
                            "db.session:add(Monster{ name = 'troll', loot = { Item{} } })\n"
                            "db.session:commit()\n";

static int setup(void **state) { return open_world(state, model); }

/* ---------------------------------------------------------------- the calls */

/* The functions that were given NULL, as one text: " mr_object_new mr_object_push ". */
static char tried[4096];

/* Notes the function of a call, which is written as in C. */
static void note(const char *call, char name[64]) {
    size_t len = strcspn(call, "(");
    assert_true(len < 64);
    memcpy(name, call, len);
    name[len] = '\0';
    assert_true(strlen(tried) + len + 3 < sizeof tried);
    strcat(strcat(tried, name), " ");
}

/* The call was refused: its error says what was NULL, and the stack has not grown. */
static void check_refused(lua_State *L, const char *call, const char *what, const char *cure, mr_result result) {
    char name[64], expected[200];
    note(call, name);
    snprintf(expected, sizeof expected, "%s: the %s is NULL: %s", name, what, cure);
    if (result != MR_RESULT_FAIL || lua_gettop(L) != 0) fail_msg("%s gives %d", call, result);
    assert_string_equal(mr_error_kind(L), "ArgumentError");
    assert_string_equal(mr_error_message(L), expected);
    assert_null(mr_error_statement(L));
    mr_error_clear(L);
}

static const char NO_CLASS[] = "mr_class_find found none of the name";
static const char NO_OBJECT[] = "the call that was to give it has failed or found none (check its result)";
static const char NO_DB[] = "mr_db_global or mr_db_at has failed (check its result)";

#define NULL_CLASS(call)  check_refused(L, #call, "class", NO_CLASS, (call))
#define NULL_OBJECT(call) check_refused(L, #call, "object", NO_OBJECT, (call))
#define NULL_ITEM(call)   check_refused(L, #call, "item", NO_OBJECT, (call))
#define NULL_DB(call)     check_refused(L, #call, "mr_db", NO_DB, (call))
/* The call has this value, and notes no error. */
#define GIVES(value, call)                                                                                             \
    do {                                                                                                               \
        char name[64];                                                                                                 \
        note(#call, name);                                                                                             \
        if ((call) != (value)) fail_msg("%s", #call);                                                                  \
        assert_null(mr_error_kind(L));                                                                                 \
        assert_int_equal(lua_gettop(L), 0);                                                                            \
    } while (0)

/* Out-parameters of the calls, which stay as they are. */
static struct {
    mr_object *object;
    mr_list *list;
    int64_t i;
    double f;
    int b;
    const char *text;
    const void *data;
    size_t n;
    mr_moment moment;
    mr_holds holds;
} out;

static void objects_that_are_null(lua_State *L, mr_object *troll) {
    const mr_moment day = {.year = 2024, .month = 2, .day = 29};
    NULL_OBJECT(mr_object_push(L, NULL));
    NULL_OBJECT(mr_object_describe(L, NULL, &out.text));
    lua_pushinteger(L, 1), lua_pushinteger(L, 2);
    NULL_OBJECT(mr_object_call(L, NULL, "hit", 2, LUA_MULTRET));
    NULL_OBJECT(mr_object_holds(L, NULL, "name", &out.holds));
    NULL_OBJECT(mr_object_get_int(L, NULL, "id", &out.i));
    NULL_OBJECT(mr_object_get_float(L, NULL, "id", &out.f));
    NULL_OBJECT(mr_object_get_bool(L, NULL, "id", &out.b));
    NULL_OBJECT(mr_object_get_text(L, NULL, "name", &out.text, &out.n));
    NULL_OBJECT(mr_object_get_blob(L, NULL, "name", &out.data, &out.n));
    NULL_OBJECT(mr_object_get_moment(L, NULL, "name", &out.moment));
    NULL_OBJECT(mr_object_get_object(L, NULL, "monster", &out.object));
    NULL_OBJECT(mr_object_set_null(L, NULL, "name"));
    NULL_OBJECT(mr_object_set_int(L, NULL, "id", 1));
    NULL_OBJECT(mr_object_set_float(L, NULL, "id", 1));
    NULL_OBJECT(mr_object_set_bool(L, NULL, "id", 1));
    NULL_OBJECT(mr_object_set_text(L, NULL, "name", "x"));
    NULL_OBJECT(mr_object_set_blob(L, NULL, "name", "x", 1));
    NULL_OBJECT(mr_object_set_date(L, NULL, "name", &day));
    NULL_OBJECT(mr_object_set_time(L, NULL, "name", &day));
    NULL_OBJECT(mr_object_set_datetime(L, NULL, "name", &day));
    NULL_OBJECT(mr_object_set_object(L, NULL, "monster", troll));
    NULL_OBJECT(mr_object_set_object(L, NULL, "monster", NULL));
    NULL_OBJECT(mr_object_count(L, NULL, "loot", &out.n));
    NULL_OBJECT(mr_object_item(L, NULL, "loot", 0, &out.object));
    NULL_OBJECT(mr_object_items(L, NULL, "loot", &out.list));
    NULL_OBJECT(mr_object_clear(L, NULL, "loot"));
    NULL_OBJECT(mr_object_append(L, NULL, "loot", NULL));
    NULL_OBJECT(mr_object_insert(L, NULL, "loot", 0, NULL));
    NULL_OBJECT(mr_object_remove(L, NULL, "loot", NULL));
    NULL_OBJECT(mr_object_contains(L, NULL, "loot", NULL));
    NULL_ITEM(mr_object_append(L, troll, "loot", NULL));
    NULL_ITEM(mr_object_insert(L, troll, "loot", 0, NULL));
    NULL_ITEM(mr_object_remove(L, troll, "loot", NULL));
    NULL_ITEM(mr_object_contains(L, troll, "loot", NULL));
}

static void sessions_that_are_null(lua_State *L, mr_object *troll) {
    const mr_class *monster = mr_object_class(troll);
    NULL_DB(mr_db_get_int(L, NULL, monster, 1, &out.object));
    NULL_DB(mr_db_get_text(L, NULL, monster, "x", &out.object));
    NULL_DB(mr_db_find_int(L, NULL, monster, "id", 1, &out.object));
    NULL_DB(mr_db_find_text(L, NULL, monster, "name", "x", &out.object));
    NULL_DB(mr_db_all(L, NULL, monster, &out.list));
    NULL_DB(mr_db_count(L, NULL, monster, &out.i));
    NULL_DB(mr_db_add(L, NULL, troll));
    NULL_DB(mr_db_delete(L, NULL, troll));
    NULL_DB(mr_db_expunge(L, NULL, troll));
    NULL_DB(mr_db_refresh(L, NULL, troll));
    NULL_DB(mr_db_expire(L, NULL, troll));
    NULL_DB(mr_db_contains(L, NULL, troll));
    NULL_DB(mr_db_expire_all(L, NULL));
    NULL_DB(mr_db_begin(L, NULL));
    NULL_DB(mr_db_flush(L, NULL));
    NULL_DB(mr_db_commit(L, NULL));
    NULL_DB(mr_db_rollback(L, NULL));
    NULL_DB(mr_db_close(L, NULL));
    NULL_DB(mr_db_remove(L, NULL));
    NULL_DB(mr_db_create_all(L, NULL));
    NULL_DB(mr_db_poll(L, NULL, NULL));
    NULL_DB(mr_db_change_token(L, NULL, &out.i));
    NULL_DB(mr_db_changes_since(L, NULL, 0, NULL, NULL));
    NULL_DB(mr_db_undoable(L, NULL, "x", NULL, NULL, NULL));
    NULL_DB(mr_db_undo(L, NULL, NULL));
    NULL_DB(mr_db_redo(L, NULL, NULL));
}

/* The session is there; what it is to use is not. */
static void what_a_session_is_given(lua_State *L, mr_db *db) {
    NULL_CLASS(mr_class_push(L, NULL));
    NULL_CLASS(mr_object_new(L, NULL, &out.object));
    NULL_CLASS(mr_db_get_int(L, db, NULL, 1, &out.object));
    NULL_CLASS(mr_db_get_text(L, db, NULL, "x", &out.object));
    NULL_CLASS(mr_db_find_int(L, db, NULL, "id", 1, &out.object));
    NULL_CLASS(mr_db_find_text(L, db, NULL, "name", "x", &out.object));
    NULL_CLASS(mr_db_all(L, db, NULL, &out.list));
    NULL_CLASS(mr_db_count(L, db, NULL, &out.i));
    NULL_OBJECT(mr_db_add(L, db, NULL));
    NULL_OBJECT(mr_db_delete(L, db, NULL));
    NULL_OBJECT(mr_db_expunge(L, db, NULL));
    NULL_OBJECT(mr_db_refresh(L, db, NULL));
    NULL_OBJECT(mr_db_expire(L, db, NULL));
    NULL_OBJECT(mr_db_contains(L, db, NULL));
}

static void questions_about_null(lua_State *L, const mr_class *monster) {
    GIVES(NULL, mr_class_name(NULL));
    GIVES(NULL, mr_class_table(NULL));
    GIVES(NULL, mr_class_parent(NULL));
    GIVES(0, mr_class_is(NULL, NULL));
    GIVES(0, mr_class_is(NULL, monster));
    GIVES(0, mr_class_is(monster, NULL));
    GIVES(0, mr_class_attribute_count(NULL));
    GIVES(NULL, mr_class_attribute_name(NULL, 0));
    GIVES(0, mr_class_has(NULL, "name"));
    GIVES(0, mr_class_is_column(NULL, "name"));
    GIVES(0, mr_class_is_relationship(NULL, "name"));
    GIVES(0, mr_class_is_primary_key(NULL, "name"));
    GIVES(NULL, mr_object_retain(NULL));
    GIVES(NULL, mr_object_class(NULL));
    GIVES(MR_LIFE_TRANSIENT, mr_object_life(NULL));
    GIVES(0, mr_object_is_modified(NULL));
    GIVES(MR_RESULT_NONE, mr_object_key_int(NULL, &out.i));
    GIVES(MR_RESULT_NONE, mr_object_key_text(NULL, &out.text, &out.n));
    GIVES(0, mr_object_is_loaded(NULL, "name"));
    GIVES(NULL, mr_db_retain(NULL));
    GIVES(0, mr_list_count(NULL));
    GIVES(NULL, mr_list_at(NULL, 0));
    GIVES(NULL, mr_list_retain(NULL));
    GIVES(1, (mr_object_release(NULL), 1));
    GIVES(1, (mr_db_release(NULL), 1));
    GIVES(1, (mr_list_release(NULL), 1));
    GIVES(1, (mr_db_push(L, NULL), lua_isnil(L, -1) ? (lua_pop(L, 1), 1) : 0));
}

/* ---------------------------------------------------------------- no function is forgotten */

/* Does a parameter of the declaration hold one of the types that a call may leave NULL? */
static bool takes_handle(const char *declaration) {
    static const char *const types[] = {"mr_class *", "mr_object *", "mr_db *", "mr_list *"};
    const char *parameters = strchr(declaration, '(');
    for (size_t i = 0; parameters && i < sizeof types / sizeof *types; i++)
        for (const char *at = parameters; (at = strstr(at, types[i])) != NULL; at++)
            if (at[strlen(types[i])] != '*') return true;
    return false;
}

static char *read_header(void) {
    FILE *file = fopen("src/include/moonrow.h", "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 16);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 10000);
    fclose(file);
    return text;
}

/* Overwrites the comments with spaces. */
static void blank_comments(char *text) {
    for (char *at = text; (at = strstr(at, "/*")) != NULL;) {
        const char *end = strstr(at, "*/") + 2;
        while (at < end) *at++ = ' ';
    }
}

static void all_functions_were_tried(void) {
    char *header = read_header(), name[66];
    int found = 0;
    blank_comments(header);
    for (char *one = strtok(header, ";"); one; one = strtok(NULL, ";")) {
        if (!takes_handle(one)) continue;
        const char *end = strchr(one, '('), *start = end;
        while (isalnum((unsigned char)start[-1]) || start[-1] == '_') start--;
        snprintf(name, sizeof name, " %.*s ", (int)(end - start), start);
        if (!strstr(tried, name)) fail_msg("moonrow.h has%swhich was not given NULL", name);
        found++;
    }
    free(header);
    assert_true(found > 70);
}

/* ---------------------------------------------------------------- tests */

static void test_a_null_handle_is_answered(void **state) {
    world *w = *state;
    mr_object *troll = NULL;
    int64_t n = 0;
    assert_int_equal(mr_db_get_int(w->L, w->db, mr_class_find(w->L, "Monster"), 1, &troll), MR_RESULT_OK);
    memset(&out, 0, sizeof out);
    strcpy(tried, " ");
    objects_that_are_null(w->L, troll);
    sessions_that_are_null(w->L, troll);
    what_a_session_is_given(w->L, w->db);
    questions_about_null(w->L, mr_object_class(troll));
    strcat(tried, "mr_object_release mr_db_release mr_list_release mr_db_push ");
    all_functions_were_tried();
    assert_true(!out.object && !out.list && !out.text && !out.data && !out.i && !out.n);
    /* Nothing has happened to the session. */
    assert_false(mr_object_is_modified(troll));
    assert_int_equal(mr_object_set_object(w->L, troll, "name", NULL), MR_RESULT_OK); /* NULL is allowed there */
    assert_int_equal(mr_db_commit(w->L, w->db), MR_RESULT_OK);
    assert_int_equal(mr_db_count(w->L, w->db, mr_class_find(w->L, "Item"), &n), MR_RESULT_OK);
    assert_int_equal(n, 1);
    mr_object_release(troll);
}

static void test_an_unknown_class_is_an_error(void **state) {
    world *w = *state;
    mr_object *none = NULL;
    mr_list *list = NULL;
    assert_int_equal(mr_list_eval(w->L, "error('older', 0)", &list), MR_RESULT_FAIL);
    assert_null(mr_class_find(w->L, "Monstre"));
    assert_string_equal(mr_error_kind(w->L), "ArgumentError");
    assert_string_equal(mr_error_message(w->L),
                        "mr_class_find: there is no class named 'Monstre' (did you mean 'Monster'?)");
    assert_null(mr_class_find(w->L, "Giuld")); /* of the second base */
    assert_non_null(strstr(mr_error_message(w->L), "(did you mean 'Guild'?)"));
    assert_null(mr_class_find(w->L, "Weather"));
    assert_string_equal(mr_error_message(w->L), "mr_class_find: there is no class named 'Weather': run the script that "
                                                "declares it before");
    assert_int_equal(mr_object_new(w->L, mr_class_find(w->L, "Weather"), &none), MR_RESULT_FAIL);
    assert_string_equal(mr_error_message(w->L),
                        "mr_object_new: the class is NULL: mr_class_find found none of the name");
    mr_error_clear(w->L);
    assert_non_null(mr_class_find(w->L, "Guild"));
    assert_null(mr_error_kind(w->L)); /* no failure, no error */
    /* Where the library is not open, there is nothing to note it in. */
    lua_State *bare = luaL_newstate();
    assert_null(mr_class_find(bare, "Monster"));
    assert_int_equal(mr_object_new(bare, NULL, &none), MR_RESULT_FAIL);
    assert_int_equal(mr_db_commit(bare, NULL), MR_RESULT_FAIL);
    assert_int_equal(lua_gettop(bare), 0);
    lua_close(bare);
}

static void refuses(lua_State *L, const char *code, const char *message) {
    mr_list *list = NULL;
    if (mr_list_eval(L, code, &list) != MR_RESULT_FAIL) fail_msg("%s gives a list", code);
    assert_null(list);
    assert_string_equal(mr_error_kind(L), "ArgumentError");
    if (strncmp(mr_error_message(L), message, strlen(message)) != 0) fail_msg("%s: %s", code, mr_error_message(L));
}

static void test_a_result_that_is_no_list(void **state) {
    lua_State *L = ((world *)*state)->L;
    mr_list *list = NULL;
    refuses(L, "return 5", "mr_list_eval: expected objects in a list, got number 5");
    refuses(L, "return 2.5", "mr_list_eval: expected objects in a list, got number 2.5");
    refuses(L, "return 'troll'", "mr_list_eval: expected objects in a list, got string \"troll\"");
    refuses(L, "return ''", "mr_list_eval: expected objects in a list, got string \"\"");
    refuses(L, "return true", "mr_list_eval: expected objects in a list, got ");
    refuses(L, "return print", "mr_list_eval: expected objects in a list, got ");
    refuses(L, "return io.stdout", "mr_list_eval: expected objects in a list, got ");
    refuses(L, "return Monster", "mr_list_eval: expected objects in a list, got <class Monster>");
    refuses(L, "return db.session", "mr_list_eval: expected objects in a list, got ");
    refuses(L, "return db", "mr_list_eval: expected objects in a list, got ");
    refuses(L, "return db.engine", "mr_list_eval: expected objects in a list, got ");
    refuses(L, "return { Monster.query:first(), 5 }",
            "mr_list_eval: list[2]: expected an object of a mapped class, got number 5");
    luaL_loadstring(L, "return ...");
    lua_pushinteger(L, 7);
    assert_int_equal(mr_list_call(L, 1, &list), MR_RESULT_FAIL);
    assert_string_equal(mr_error_message(L), "mr_list_call: expected objects in a list, got number 7");
    static const char *const good[] = {"return nil",
                                       "",
                                       "return {}",
                                       "return setmetatable({}, {})",
                                       "return Monster.query:first().loot",
                                       "return Monster.query",
                                       "return Monster.query:all()",
                                       "return setmetatable(Monster.query:all(), { __name = 'Herd' })"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(mr_list_eval(L, good[i], &list), MR_RESULT_OK);
        assert_int_equal(mr_list_count(list), i > 3);
        mr_list_release(list);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_null_handle_is_answered, setup, close_world),
        cmocka_unit_test_setup_teardown(test_an_unknown_class_is_an_error, setup, close_world),
        cmocka_unit_test_setup_teardown(test_a_result_that_is_no_list, setup, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_embedding_changes.c: live queries, the change log and undo of moonrow.h. Each allocation fails in turn.
 */
#include "embedding_fixture.h"

static const char model[] = "local mr = require 'moonrow'\n"
                            "db = mr.open 'sqlite://'\n"
                            "Pet = db.Model:extend('Pet', {\n"
                            "  id = db.Column{ db.Integer, primary_key = true }, name = db.Column{ db.String(20) },\n"
                            "  age = db.Column{ db.Integer },\n"
                            "})\n"
                            "db:create_all()\n"
                            "for i = 1, 3 do db.session:add(Pet{ id = i, name = 'pet ' .. i, age = i }) end\n"
                            "db.session:commit()\n";

static int setup(void **state) { return open_world(state, model); }

static void run(lua_State *L, const char *code) {
    if (luaL_dostring(L, code) != LUA_OK) fail_msg("%s", luaL_tolstring(L, -1, NULL));
}

/* ---------------------------------------------------------------- live queries */

typedef struct seen {
    int calls, firsts;
    size_t rows, inserted, removed, updated, moved, first_inserted, from, to;
    mr_watch *close;
} seen;

static void on_rows(void *ud, mr_list *rows, const mr_diff *diff) {
    seen *s = ud;
    s->calls++;
    s->rows = mr_list_count(rows);
    if (!diff) {
        s->firsts++;
        return;
    }
    s->inserted = diff->ninserted;
    s->removed = diff->nremoved;
    s->updated = diff->nupdated;
    s->moved = diff->nmoved;
    if (diff->ninserted) s->first_inserted = diff->inserted[0];
    if (diff->nmoved) {
        s->from = diff->moved[0][0];
        s->to = diff->moved[0][1];
    }
    if (s->close) mr_watch_close(s->close);
    s->close = NULL;
}

static const char by_age[] = "return Pet.query:order_by(Pet.age)";

static void test_watch(void **state) {
    world *w = *state;
    lua_State *L = w->L;
    seen s = {0};
    mr_watch *watch = NULL;
    int calls = -1;
    assert_int_equal(mr_watch_eval(L, by_age, on_rows, &s, &watch), MR_RESULT_OK);
    assert_true(s.calls == 1 && s.firsts == 1 && s.rows == 3);
    assert_int_equal(mr_db_poll(L, w->db, &calls), MR_RESULT_OK);
    assert_int_equal(calls, 0);
    run(L, "db.session:add(Pet{ id = 9, age = 0 }) db.session:get(Pet, 1).age = 50 db.session:commit()");
    assert_int_equal(mr_db_poll(L, w->db, &calls), MR_RESULT_OK);
    assert_true(calls == 1 && s.calls == 2 && s.rows == 4);
    assert_true(s.inserted == 1 && s.first_inserted == 0 && s.removed == 0 && s.updated == 1 && s.moved == 1);
    assert_true(s.from == 0 && s.to == 3);
    assert_int_equal(mr_db_poll(L, w->db, NULL), MR_RESULT_OK);
    assert_int_equal(s.calls, 2);
    mr_watch_close(watch);
    run(L, "db.session:delete(db.session:get(Pet, 9)) db.session:commit()");
    assert_int_equal(mr_db_poll(L, w->db, &calls), MR_RESULT_OK);
    assert_int_equal(s.calls, 2);
    mr_watch_close(NULL);
}

static void test_close_within(void **state) {
    world *w = *state;
    seen s = {0};
    assert_int_equal(mr_watch_eval(w->L, by_age, on_rows, &s, &s.close), MR_RESULT_OK);
    run(w->L, "db.session:get(Pet, 1).age = 5 db.session:commit()");
    assert_int_equal(mr_db_poll(w->L, w->db, NULL), MR_RESULT_OK);
    run(w->L, "db.session:get(Pet, 1).age = 6 db.session:commit()");
    assert_int_equal(mr_db_poll(w->L, w->db, NULL), MR_RESULT_OK);
    assert_int_equal(s.calls, 2);
}

static void test_refused_watches(void **state) {
    world *w = *state;
    seen s = {0};
    mr_watch *watch = NULL;
    assert_int_equal(mr_watch_eval(w->L, "return", on_rows, &s, &watch), MR_RESULT_FAIL);
    assert_int_equal(mr_watch_eval(w->L, "retur", on_rows, &s, &watch), MR_RESULT_FAIL);
    assert_int_equal(mr_watch_eval(w->L, "return db.session:query(Pet.name)", on_rows, &s, &watch), MR_RESULT_FAIL);
    assert_string_equal(mr_error_kind(w->L), "ArgumentError");
    assert_null(watch);
    assert_int_equal(s.calls, 0);
    lua_gc(w->L, LUA_GCCOLLECT, 0);
    run(w->L, "db.session:get(Pet, 1).age = 5 db.session:commit()");
    assert_int_equal(mr_db_poll(w->L, w->db, NULL), MR_RESULT_OK);
    assert_int_equal(s.calls, 0);
}

/* ---------------------------------------------------------------- the change log */

typedef struct log_seen {
    int n, stop;
    int64_t token, age;
    mr_told_kind kinds[8];
    const mr_class *klass;
} log_seen;

static int on_change(void *ud, lua_State *L, const mr_told *change) {
    log_seen *s = ud;
    s->kinds[s->n++] = change->kind;
    s->token = change->token;
    s->klass = change->klass;
    assert_string_equal(change->table, "pet");
    assert_true(!change->caused && !change->outside);
    if (change->kind != MR_TOLD_DELETE) {
        lua_getfield(L, -1, "new");
        lua_getfield(L, -1, "age");
        s->age = lua_tointeger(L, -1);
        lua_pop(L, 2);
    }
    return s->n == s->stop;
}

static void test_changes(void **state) {
    world *w = *state;
    lua_State *L = w->L;
    int64_t token = -1;
    log_seen s = {0}, part = {.stop = 1};
    assert_int_equal(mr_db_change_token(L, w->db, &token), MR_RESULT_OK);
    run(L, "db.session:add(Pet{ id = 4, age = 7 }) db.session:commit()"
           "db.session:get(Pet, 1).age = 8 db.session:commit()"
           "db.session:delete(db.session:get(Pet, 2)) db.session:commit()");
    assert_int_equal(mr_db_changes_since(L, w->db, token, on_change, &s), MR_RESULT_OK);
    assert_int_equal(s.n, 3);
    assert_true(s.kinds[0] == MR_TOLD_INSERT && s.kinds[1] == MR_TOLD_UPDATE && s.kinds[2] == MR_TOLD_DELETE);
    assert_true(s.age == 8 && s.token == token + 3 && s.klass == mr_class_find(L, "Pet"));
    assert_int_equal(mr_db_changes_since(L, w->db, token, on_change, &part), MR_RESULT_OK);
    assert_int_equal(part.n, 1);
    assert_int_equal(mr_db_changes_since(L, w->db, -1, on_change, &part), MR_RESULT_FAIL);
    assert_string_equal(mr_error_kind(L), "ArgumentError");
    lua_getglobal(L, "db");
    lua_getfield(L, -1, "session");
    mr_db *session = NULL;
    assert_int_equal(mr_db_at(L, -1, &session), MR_RESULT_OK);
    lua_pop(L, 2);
    assert_int_equal(mr_db_change_token(L, session, &token), MR_RESULT_FAIL);
    assert_non_null(strstr(mr_error_message(L), "mr_db_change_token: the handle must be that of a Database"));
    assert_int_equal(mr_db_poll(L, session, NULL), MR_RESULT_OK);
    mr_db_release(session);
}

/* ---------------------------------------------------------------- undo */

typedef struct step {
    mr_object *pet;
    int64_t age;
    bool fail;
} step;

static mr_result set_age(void *ud, lua_State *L) {
    const step *s = ud;
    if (mr_object_set_int(L, s->pet, "age", s->age) != MR_RESULT_OK) return MR_RESULT_FAIL;
    return s->fail ? MR_RESULT_FAIL : MR_RESULT_OK;
}

static void test_undo(void **state) {
    world *w = *state;
    lua_State *L = w->L;
    step s = {.age = 30};
    int64_t age = 0;
    const char *name = NULL;
    assert_int_equal(mr_db_undo(L, w->db, &name), MR_RESULT_NONE);
    assert_int_equal(mr_db_get_int(L, w->db, mr_class_find(L, "Pet"), 1, &s.pet), MR_RESULT_OK);
    assert_int_equal(mr_db_undoable(L, w->db, "Birthday", NULL, set_age, &s), MR_RESULT_OK);
    s.age = 31;
    assert_int_equal(mr_db_undoable(L, w->db, "Drag", "drag:1", set_age, &s), MR_RESULT_OK);
    s.age = 32;
    assert_int_equal(mr_db_undoable(L, w->db, "Drag", "drag:1", set_age, &s), MR_RESULT_OK);
    s.fail = true;
    s.age = 99;
    assert_int_equal(mr_db_undoable(L, w->db, "No", NULL, set_age, &s), MR_RESULT_FAIL);
    assert_non_null(strstr(mr_error_message(L), "the function of the step \"No\" has failed"));
    assert_int_equal(mr_object_get_int(L, s.pet, "age", &age), MR_RESULT_OK);
    assert_int_equal(age, 32);
    assert_int_equal(mr_db_undo(L, w->db, &name), MR_RESULT_OK);
    assert_string_equal(name, "Drag");
    assert_int_equal(mr_object_get_int(L, s.pet, "age", &age), MR_RESULT_OK);
    assert_int_equal(age, 30);
    assert_int_equal(mr_db_redo(L, w->db, NULL), MR_RESULT_OK);
    assert_int_equal(mr_object_get_int(L, s.pet, "age", &age), MR_RESULT_OK);
    assert_int_equal(age, 32);
    assert_int_equal(mr_db_redo(L, w->db, NULL), MR_RESULT_NONE);
    run(L, "db.session:execute(require 'moonrow'.text 'UPDATE pet SET age = 5') db.session:commit()");
    assert_int_equal(mr_db_undo(L, w->db, NULL), MR_RESULT_FAIL);
    assert_string_equal(mr_error_kind(L), "UndoConflictError");
    mr_object_release(s.pet);
}

/* ---------------------------------------------------------------- without memory */

static void test_without_memory(void **state) {
    (void)state;
    for (uint64_t n = 1;; n++) {
        fa_state fa = FA_INIT;
        seen s = {0};
        log_seen told = {0};
        mr_watch *watch = NULL;
        mr_db *db = NULL;
        int64_t token = 0;
        lua_State *L = open_state(&fa, model);
        assert_int_equal(mr_db_global(L, "db", &db), MR_RESULT_OK);
        fa_arm_once(&fa, n);
        mr_result r = mr_db_change_token(L, db, &token);
        if (r == MR_RESULT_OK) r = mr_watch_eval(L, by_age, on_rows, &s, &watch);
        if (r == MR_RESULT_OK) r = mr_db_poll(L, db, NULL);
        if (r == MR_RESULT_OK) r = mr_db_changes_since(L, db, token, on_change, &told);
        fa_disarm(&fa);
        mr_watch_close(watch);
        mr_db_release(db);
        lua_close(L);
        assert_int_equal(fa_live(&fa), 0);
        if (r == MR_RESULT_OK) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_watch, setup, close_world),
        cmocka_unit_test_setup_teardown(test_close_within, setup, close_world),
        cmocka_unit_test_setup_teardown(test_refused_watches, setup, close_world),
        cmocka_unit_test_setup_teardown(test_changes, setup, close_world),
        cmocka_unit_test_setup_teardown(test_undo, setup, close_world),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_flush_hooks.c: listeners of a flush of one class, and each allocation and each driver call failing in turn.
 */
#include "flush_users.h"

/* ---------------------------------------------------------------- hooks */

typedef struct hook_trace {
    char text[500];
    const mr_property *set;
} hook_trace;

static mr_status trace_hook(mr_env *env, void *ud, mr_mapper_event event, mr_mapper *mapper, mr_conn *conn,
                            mr_entity *e) {
    static const char *const names[] = {"before_insert", "after_insert",  "before_update",
                                        "after_update",  "before_delete", "after_delete"};
    hook_trace *t = ud;
    (void)env;
    (void)mapper;
    assert_non_null(conn);
    size_t len = strlen(t->text);
    snprintf(t->text + len, sizeof t->text - len, "%s\n", names[event]);
    if (event != MR_EVENT_BEFORE_INSERT && event != MR_EVENT_BEFORE_UPDATE) return MR_OK;
    mr_value v = mr_int_value(99);
    return mr_entity_set(e, t->set->slot, &v);
}

static void test_hooks(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    hook_trace t = {.set = mr_mapper_property(u.user, "score", false)};
    for (int event = MR_EVENT_BEFORE_INSERT; event <= MR_EVENT_AFTER_DELETE; event++)
        FL_OK(&u.w, mr_mapper_listen(u.user, (mr_mapper_event)event, trace_hook, &t, false));
    mr_entity *a = make_user(&u, "a");
    fl_expect(&u.w, "INSERT INTO user (username, email, score) VALUES (?, ?, ?) [('a', NULL, 99)]\n");
    fl_set(&u.w, a, "score", mr_int_value(3));
    fl_set(&u.w, a, "email", fl_text("e"));
    fl_expect(&u.w, "UPDATE user SET email=? WHERE user.id = ? [('e', 1)]\n");
    fl_delete(&u.w, a);
    fl_flush(&u.w);
    assert_string_equal(t.text,
                        "before_insert\nafter_insert\nbefore_update\nafter_update\nbefore_delete\nafter_delete\n");
    fl_close(&u.w);
}

static mr_status write_later(mr_env *env, void *ud, mr_mapper_event event, mr_mapper *mapper, mr_conn *conn,
                             mr_entity *e) {
    mr_entity **other = ud;
    mr_value text = fl_text("changed by a hook after its row was written");
    (void)env;
    (void)event;
    (void)conn;
    return *other == e ? MR_OK : mr_entity_set(*other, mr_mapper_property(mapper, "email", false)->slot, &text);
}

static void test_hook_after_the_row(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    mr_entity *a = make_user(&u, "a"), *first = a;
    fl_flush(&u.w);
    FL_OK(&u.w, mr_mapper_listen(u.user, MR_EVENT_AFTER_INSERT, write_later, &first, false));
    /* The hook changes an object that this flush has written before: the next flush writes the change. */
    fl_set(&u.w, a, "score", mr_int_value(1));
    mr_entity *b = make_user(&u, "b");
    fl_expect(&u.w, "UPDATE user SET score=? WHERE user.id = ? [(1, 1)]\n"
                    "INSERT INTO user (username, email, score) VALUES (?, ?, ?) [('b', NULL, NULL)]\n");
    assert_true(mr_entity_is_dirty(a, fl_prop(a, "email")->slot));
    assert_int_equal(mr_entity_committed(a, fl_prop(a, "email")->slot)->kind, MR_NULL);
    fl_expect(&u.w, "UPDATE user SET email=? WHERE user.id = ? "
                    "[('changed by a hook after its row was written', 1)]\n");
    assert_int_equal(u.w.owner->dirty.len, 0);
    /* The hook changes an object after its INSERT in the same flush. */
    mr_mapper_unlisten(u.user, MR_EVENT_AFTER_INSERT, write_later, &first);
    FL_OK(&u.w, mr_mapper_listen(u.user, MR_EVENT_AFTER_INSERT, write_later, &first, false));
    first = make_user(&u, "c");
    make_user(&u, "d");
    fl_set(&u.w, b, "username", fl_text("bb"));
    fl_flush(&u.w);
    fl_expect(&u.w, "UPDATE user SET email=? WHERE user.id = ? "
                    "[('changed by a hook after its row was written', 3)]\n");
    fl_close(&u.w);
}

/* ---------------------------------------------------------------- faults */

static void change_much(user_world *u, mr_entity **old) {
    fl_set(&u->w, old[0], "username", fl_text("a long new name for the first user, to be owned"));
    fl_set(&u->w, old[1], "id", mr_int_value(50));
    fl_delete(&u->w, old[2]);
    make_user(u, "new one");
    fl_set(&u->w, make_user(u, "new two"), "id", mr_int_value(60));
}

static void begin_faults(user_world *u, mr_entity **old) {
    open_users(u);
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        old[i] = make_user(u, name);
    }
    fl_flush(&u->w);
    mr_flush_free(u->w.flush);
    u->w.flush = NULL;
    change_much(u, old);
}

static void assert_untouched(user_world *u, mr_entity **old) {
    assert_int_equal(u->w.fresh.len, 2);
    for (size_t i = 0; i < 2; i++) {
        mr_entity *e = mr_vec_ptr(&u->w.fresh, i);
        assert_int_equal(e->state, MR_PENDING);
        assert_false(mr_entity_has_identity(e));
        assert_int_equal(e->pins, 1);
    }
    assert_int_equal(fl_get(mr_vec_ptr(&u->w.fresh, 0), "id")->kind, MR_UNLOADED);
    assert_true(mr_entity_is_dirty(old[0], fl_prop(old[0], "username")->slot));
    assert_int_equal(mr_entity_identity(old[1]).u.i, 2);
    assert_int_equal(old[2]->state, MR_PERSISTENT);
    assert_int_equal(mr_idmap_count(u->w.owner->idmap), 3);
}

static void assert_flushed(user_world *u, mr_entity **old) {
    assert_int_equal(fl_query(&u->w, "SELECT count(*) FROM user"), 4);
    assert_int_equal(mr_entity_identity(old[1]).u.i, 50);
    assert_int_equal(old[2]->state, MR_DELETED);
    assert_int_equal(mr_idmap_count(u->w.owner->idmap), 4);
    assert_int_equal(u->w.owner->dirty.len, 0);
}

static void test_no_memory(void **state) {
    (void)state;
    user_world u;
    mr_entity *old[3];
    begin_faults(&u, old);
    size_t n = 0;
    for (mr_status status = MR_FAIL; status != MR_OK;) {
        FL_OK(&u.w, mr_conn_begin(u.w.conn, MR_TX_DEFAULT));
        fa_arm(&u.w.fa, ++n);
        status = fl_try(&u.w);
        fa_disarm(&u.w.fa);
        if (status == MR_OK) {
            FL_OK(&u.w, mr_conn_commit(u.w.conn));
            continue;
        }
        assert_int_equal(mr_env_error(u.w.env)->kind, MR_ERR_NO_MEMORY);
        FL_OK(&u.w, mr_conn_rollback(u.w.conn));
        assert_untouched(&u, old);
    }
    assert_true(n > 10);
    assert_flushed(&u, old);
    fl_close(&u.w);
}

static void test_failing_driver(void **state) {
    (void)state;
    user_world u;
    mr_entity *old[3];
    begin_faults(&u, old);
    uint64_t n = 0;
    for (mr_status status = MR_FAIL; status != MR_OK;) {
        FL_OK(&u.w, mr_conn_begin(u.w.conn, MR_TX_DEFAULT));
        mr_engine_fail_at(u.w.engine, ++n);
        status = fl_try(&u.w);
        mr_engine_fail_at(u.w.engine, 0);
        if (status == MR_OK) {
            FL_OK(&u.w, mr_conn_commit(u.w.conn));
            continue;
        }
        assert_int_equal(mr_env_error(u.w.env)->kind, MR_ERR_OPERATIONAL);
        FL_OK(&u.w, mr_conn_rollback(u.w.conn));
        assert_untouched(&u, old);
    }
    assert_true(n > 5);
    assert_flushed(&u, old);
    fl_close(&u.w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hooks),
        cmocka_unit_test(test_hook_after_the_row),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_failing_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_load_steps.c: a load gives its rows one by one, or in batches; listeners, and options of columns.
 */
#include "load_fixture.h"

/* ---------------------------------------------------------------- steps */

static void steps(void **state) {
    (void)state;
    mr_query *q = query(user);
    OK(mr_load_start(&ctx, q, &load));
    assert_int_equal(mr_load_step(load), MR_ROW);
    assert_int_equal(slot(mr_load_row(load)->u.p, "id")->u.i, 1);
    assert_int_equal(mr_load_step(load), MR_ROW);
    OK(mr_load_all(load, &rows, &nrows));
    assert_int_equal(nrows, 1);
    assert_int_equal(mr_load_step(load), MR_DONE);
    done();
    mr_query_release(q);
}

static void in_parts(void **state) {
    (void)state;
    mr_query *q = query(user);
    q = then(q, mr_query_yield_per(q, 2));
    OK(mr_load_start(&ctx, q, &load));
    assert_int_equal(mr_load_step(load), MR_ROW);
    mr_entity *first = mr_load_row(load)->u.p;
    assert_int_equal(first->pins, 1);
    assert_int_equal(mr_load_step(load), MR_ROW);
    assert_int_equal(first->pins, 0);
    assert_int_equal(mr_load_step(load), MR_ROW);
    assert_int_equal(mr_load_step(load), MR_DONE);
    assert_int_equal(mr_load_step(load), MR_DONE);
    done();
    /* A commit closes the cursor: the rows that were read are still given out. */
    OK(mr_load_start(&ctx, q, &load));
    assert_int_equal(mr_load_step(load), MR_ROW);
    OK(mr_conn_begin(conn, MR_TX_DEFAULT));
    OK(mr_conn_commit(conn));
    assert_int_equal(mr_load_step(load), MR_ROW);
    assert_int_equal(mr_load_step(load), MR_FAIL);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_INVALID_REQUEST);
    assert_int_equal(mr_load_step(load), MR_FAIL);
    mr_env_clear_error(env);
    done();
    OK(mr_load_start(&ctx, q, &load));
    assert_int_equal(mr_load_step(load), MR_ROW);
    OK(mr_load_all(load, &rows, &nrows));
    assert_int_equal(nrows, 2);
    done();
    mr_query_release(q);
}

enum { MANY = 4000, CHUNK = 500 };

/* The users of all tests, and as many more. */
static void many_users(void) {
    sql("WITH RECURSIVE c(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM c WHERE i < 4006) "
        "INSERT INTO user SELECT i, 'name ' || i, 'e' || i FROM c");
}

/* Goes through all rows. Returns how often memory was asked for after the first chunk. */
static size_t allocations_of_rows(mr_query *q) {
    size_t after_first = 0;
    unsigned n = 0;
    OK(mr_load_start(&ctx, q, &load));
    while (mr_load_step(load) == MR_ROW)
        if (++n == CHUNK) after_first = fa.calls;
    assert_int_equal(n, MANY);
    size_t calls = fa.calls - after_first;
    done();
    return calls;
}

/* A row takes no memory but that of its object: none at all if that is in memory, and a share of a page of objects if
 * it is new. */
static void rows_without_memory(void **state) {
    (void)state;
    mr_load *held;
    many_users();
    mr_query *all = query(user), *chunks = then(query(user), mr_query_yield_per(all, CHUNK));
    (void)allocations_of_rows(chunks); /* makes the plan */
    OK(mr_load_start(&ctx, all, &held));
    OK(mr_load_all(held, &rows, &nrows));
    assert_int_equal(nrows, MANY);
    assert_int_equal(allocations_of_rows(chunks), 0);
    mr_load_close(held);
    new_owner();
    /* New objects: pages for them, the heap's table, and the identity map, each doubling. */
    size_t calls = allocations_of_rows(chunks);
    assert_true(calls < MANY / 20);
    mr_query_release(chunks);
    mr_query_release(all);
}

/* Objects that the program has released are freed while the load goes on. */
static void flat_memory(void **state) {
    (void)state;
    enum { ROWS = 20000, BATCH = 100 };
    sql("WITH RECURSIVE c(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM c WHERE i < 20009) "
        "INSERT INTO user SELECT i, 'name ' || i, NULL FROM c");
    mr_heap *heap = mr_heap_of(env);
    mr_query *q = query(user);
    q = then(q, mr_query_yield_per(q, BATCH));
    OK(mr_load_start(&ctx, q, &load));
    size_t n = 0, most = 0, bytes = 0;
    while (mr_load_step(load) == MR_ROW) {
        mr_entity *e = mr_load_row(load)->u.p;
        assert_int_equal(slot(e, "id")->u.i > 0, 1);
        if (++n % 50) continue;
        mr_heap_trace(heap, 0);
        if (mr_heap_count(heap) > most) most = mr_heap_count(heap);
        if (n == 1000) bytes = mr_env_memory(env);
    }
    assert_int_equal(n, ROWS + 3);
    assert_true(most <= 2 * BATCH);
    assert_true(mr_env_memory(env) < bytes + 20000);
    done();
    mr_query_release(q);
}

static int loads, refreshes;

static mr_status count_event(mr_env *e, void *ud, mr_mapper_event event, mr_mapper *mapper, mr_conn *c,
                             mr_entity *entity) {
    (void)e, (void)mapper, (void)c;
    assert_int_equal(mr_entity_slot(entity, 1)->kind, MR_TEXT);
    if (event == MR_EVENT_LOAD) loads++;
    else refreshes++;
    return ud ? mr_fail(env, MR_ERR_CALLBACK, "refused") : MR_OK;
}

static void hooks(void **state) {
    (void)state;
    loads = refreshes = 0;
    OK(mr_mapper_listen(user, MR_EVENT_LOAD, count_event, NULL, false));
    OK(mr_mapper_listen(user, MR_EVENT_REFRESH, count_event, NULL, false));
    run(query(user));
    assert_int_equal(loads, 3);
    mr_entity *e = mr_entity_pin(entity_at(0));
    done();
    run(query(user));
    assert_int_equal(refreshes, 0);
    done();
    owner->generation++;
    run(query(user));
    assert_int_equal(refreshes + loads, 6);
    done();
    OK(mr_mapper_listen(user, MR_EVENT_REFRESH, count_event, e, false));
    owner->generation++;
    expect_failure(query(user), MR_ERR_CALLBACK, "refused");
    mr_entity_unpin(e);
}

static void options_of_columns(void **state) {
    (void)state;
    run(option_of(query(post), MR_OPTION_LOAD_ONLY, MR_LAZY_SELECT, "title", NULL));
    expect_sent("SELECT post.id AS post_id, post.title AS post_title FROM post");
    assert_int_equal(slot(entity_at(0), "category_id")->kind, MR_UNLOADED);
    done();
    new_owner();
    run(option_of(query(user), MR_OPTION_DEFER, MR_LAZY_SELECT, "email", NULL));
    expect_sent("SELECT user.id AS user_id, user.username AS user_username FROM user");
    done();
    expect_failure(option_of(query(user), MR_OPTION_DEFER, MR_LAZY_SELECT, "emial", NULL), MR_ERR_ARGUMENT,
                   "'emial' is not an attribute of User (did you mean 'email'?)");
    expect_failure(option_of(query(user), MR_OPTION_LAZY, MR_LAZY_JOINED, "email", NULL), MR_ERR_ARGUMENT,
                   "User.email is not a relationship: this option is for relationships");
    expect_failure(option_of(query(post), MR_OPTION_DEFER, MR_LAZY_SELECT, "tags", NULL), MR_ERR_ARGUMENT,
                   "Post.tags is a relationship: this option is for columns");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(steps),       TEST(in_parts), TEST(rows_without_memory),
        TEST(flat_memory), TEST(hooks),    TEST(options_of_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

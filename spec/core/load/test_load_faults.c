/*
 * test_load_faults.c: each allocation and each driver call of a load fails in turn.
 *
 * Invariant: nothing leaks, nothing is half done, and the same load works afterwards.
 */
#include "load_fixture.h"

/* ---------------------------------------------------------------- the operations */

/* Runs a query and frees it. Building the query may have failed, too. */
static mr_status run_query(mr_query *q) {
    mr_status status = q ? mr_load_start(&ctx, q, &load) : MR_FAIL;
    mr_query_release(q);
    if (status == MR_OK) status = mr_load_all(load, &rows, &nrows);
    done();
    return status;
}

static mr_query *next(mr_query *old, mr_query *made) {
    mr_query_release(old);
    return made;
}

static mr_query *of_class(mr_mapper *m) {
    mr_query_item item = {.mapper = m};
    return mr_query_new(env, &item, 1, false);
}

static mr_query *with_option(mr_query *q, mr_lazy strategy, const char *a, const char *b) {
    mr_option_step steps[2] = {{.name = a}, {.name = b}};
    mr_option o = {.kind = MR_OPTION_LAZY, .strategy = strategy, .nsteps = b ? 2 : 1, .steps = steps};
    return q ? next(q, mr_query_option(q, &o)) : NULL;
}

static mr_status filtered(void) {
    mr_query *q = of_class(post);
    mr_value v = mr_text_value("x", 1);
    mr_node *criterion =
        mr_sql_binary(env, MR_OP_NE, col(post, "title"), mr_sql_bind(env, mr_type_simple(MR_TYPE_TEXT), &v));
    if (q) q = next(q, mr_query_where(q, criterion));
    else mr_node_release(criterion);
    mr_query_join j = {.kind = MR_OP_LEFT, .along = prop(post, "tags")};
    if (q) q = next(q, mr_query_join_on(q, &j));
    if (q) q = next(q, mr_query_order_by(q, col(post, "id")));
    return run_query(q);
}

static mr_status parented(void) {
    mr_entity *c = NULL;
    mr_value identity = mr_int_value(1);
    if (mr_load_by_identity(&ctx, category, &identity, NULL, &c) != MR_OK) return MR_FAIL;
    mr_query *q = of_class(post);
    if (q) q = next(q, mr_query_with_parent(q, prop(category, "posts"), c, NULL));
    mr_entity_unpin(c);
    return run_query(q);
}

static mr_status got_and_refreshed(void) {
    mr_entity *e = NULL;
    mr_value identity = mr_bytes_value(MR_BLOB, "\2\1\0\0\0\0\0\0\0\5\1\0\0\0x", 15);
    if (mr_load_by_identity(&ctx, score, &identity, NULL, &e) != MR_OK) return MR_FAIL;
    mr_entity_expire(e);
    mr_status status = mr_load_refresh(&ctx, e, NULL, 0);
    if (status == MR_OK) {
        mr_entity_forget(e, prop(score, "points")->slot);
        status = mr_load_refresh(&ctx, e, NULL, 0);
    }
    if (status == MR_OK) assert_int_equal(slot(e, "points")->u.i, 10);
    mr_entity_unpin(e);
    return status;
}

static mr_status texted(void) {
    mr_query *q = of_class(user);
    mr_node *statement = mr_sql_text(env, "SELECT * FROM user", 18);
    if (q) q = next(q, mr_query_from_statement(q, statement));
    else mr_node_release(statement);
    return run_query(q);
}

static mr_status in_batches(void) {
    mr_query *q = of_class(user);
    if (q) q = next(q, mr_query_yield_per(q, 2));
    mr_status status = q ? mr_load_start(&ctx, q, &load) : MR_FAIL;
    mr_query_release(q);
    while (status != MR_FAIL && status != MR_DONE) status = mr_load_step(load);
    done();
    return status == MR_DONE ? MR_OK : MR_FAIL;
}

static mr_status counted(void) {
    mr_node *statement = NULL;
    mr_query *q = of_class(user);
    mr_status status = q ? mr_load_count_statement(q, &statement) : MR_FAIL;
    mr_node_release(statement);
    mr_query_release(q);
    return status;
}

static mr_status joined(void) {
    mr_query *q =
        with_option(with_option(of_class(category), MR_LAZY_JOINED, "posts", NULL), MR_LAZY_JOINED, "posts", "tags");
    if (q) q = next(q, mr_query_limit(q, num(2)));
    return run_query(q);
}

static mr_status selected_in(void) {
    return run_query(with_option(with_option(of_class(category), MR_LAZY_SELECTIN, "posts", NULL), MR_LAZY_SELECTIN,
                                 "posts", "tags"));
}

static mr_status subqueried(void) {
    return run_query(with_option(with_option(of_class(category), MR_LAZY_SUBQUERY, "posts", NULL), MR_LAZY_IMMEDIATE,
                                 "posts", "tags"));
}

static mr_status lazily(void) {
    mr_entity *c = NULL;
    mr_value identity = mr_int_value(1);
    if (mr_load_by_identity(&ctx, category, &identity, NULL, &c) != MR_OK) return MR_FAIL;
    mr_status status = mr_load_relationship(&ctx, c, prop(category, "posts"));
    if (status == MR_OK) {
        mr_entity *first = items(c, "posts")->items[0];
        assert_int_equal(items(c, "posts")->n, 2);
        status = mr_load_relationship(&ctx, first, prop(post, "tags"));
        if (status == MR_OK) status = mr_load_relationship(&ctx, first, prop(post, "category"));
    }
    mr_entity_unpin(c);
    return status;
}

static mr_status (*const operations[])(void) = {filtered, parented, got_and_refreshed, texted,     in_batches,
                                                counted,  joined,   selected_in,       subqueried, lazily};
enum { NOPERATIONS = sizeof operations / sizeof operations[0] };

/* ---------------------------------------------------------------- failing in turn */

static void expect_nothing_pinned(void) {
    size_t cursor = 0;
    for (mr_entity *e; (e = mr_idmap_next(owner->idmap, &cursor));) assert_int_equal(e->pins, 0);
}

static void allocations(void **state) {
    (void)state;
    for (size_t i = 0; i < NOPERATIONS; i++) {
        for (size_t n = 1, finished = 0; !finished; n++) {
            assert_true(n < 5000);
            new_owner();
            fa_arm(&fa, n);
            mr_status status = operations[i]();
            fa_disarm(&fa);
            if (status == MR_OK) finished = 1;
            else assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
            mr_env_clear_error(env);
            expect_nothing_pinned();
            assert_int_equal(entered, left);
        }
        OK(operations[i]());
    }
}

static void one_allocation(void **state) {
    (void)state;
    for (size_t i = 0; i < NOPERATIONS; i++) {
        size_t calls = fa.calls;
        new_owner();
        OK(operations[i]());
        calls = fa.calls - calls;
        for (size_t n = 1; n <= calls; n++) {
            new_owner();
            fa_arm_once(&fa, n);
            mr_status status = operations[i]();
            fa_disarm(&fa);
            if (status != MR_OK) assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
            mr_env_clear_error(env);
            expect_nothing_pinned();
        }
        OK(operations[i]());
    }
}

static void driver_calls(void **state) {
    (void)state;
    for (size_t i = 0; i < NOPERATIONS; i++) {
        for (uint64_t n = 1, finished = 0; !finished; n++) {
            assert_true(n < 500);
            new_owner();
            mr_engine_fail_at(engine, n);
            mr_status status = operations[i]();
            mr_engine_fail_at(engine, 0);
            if (status == MR_OK) finished = 1;
            else assert_int_equal(mr_env_error(env)->kind, MR_ERR_OPERATIONAL);
            mr_env_clear_error(env);
            expect_nothing_pinned();
            assert_int_equal(entered, left);
        }
        OK(operations[i]());
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(allocations), TEST(one_allocation), TEST(driver_calls)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

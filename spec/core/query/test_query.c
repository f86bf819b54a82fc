/*
 * test_query.c: queries are immutable and counted, and have a key that describes their structure.
 */
#include "load/load_fixture.h"

static void prefixes_are_shared(void **state) {
    (void)state;
    mr_query *base = where(query(user), eq(col(user, "id"), num(1)));
    const mr_node *criterion = base->clauses.where;
    mr_query *a = keep(mr_query_where(base, eq(col(user, "username"), str("a")))),
             *b = keep(mr_query_limit(base, num(2)));
    assert_ptr_equal(base->clauses.where, criterion);
    assert_null(base->clauses.limit);
    assert_ptr_equal(b->clauses.where, criterion);
    assert_ptr_not_equal(a->clauses.where, criterion);
    mr_query_release(base);
    run_and_expect(b, 1,
                   "SELECT user.id AS user_id, user.username AS user_username, user.email AS user_email FROM user "
                   "WHERE user.id = ? LIMIT ? (1, 2)");
    mr_query_release(a);
}

static void order_is_taken_away(void **state) {
    (void)state;
    mr_query *q = order(order(query(user), col(user, "id")), col(user, "email"));
    assert_int_equal(q->clauses.order_by->n, 2);
    q = order(q, NULL);
    assert_null(q->clauses.order_by);
    mr_query_release(q);
}

static void missing_nodes_fail(void **state) {
    (void)state;
    mr_query *q = query(user);
    assert_null(mr_query_where(q, NULL));
    assert_null(mr_query_select_from(q, NULL));
    mr_query_release(q);
}

static void leads(void **state) {
    (void)state;
    mr_node *alias = NULL, *p = alias_of(post);
    mr_query *q = columns(mr_sql_binary(env, MR_OP_ADD, col(user, "id"), num(1)));
    assert_ptr_equal(mr_query_lead(q), user);
    mr_query_release(q);
    q = columns(num(1));
    assert_null(mr_query_lead(q));
    mr_query_release(q);
    q = join_kind(query(category), MR_OP_INNER, prop(category, "posts"), NULL, mr_node_retain(p), NULL);
    assert_ptr_equal(mr_query_lead(q), category);
    assert_ptr_equal(mr_query_filter_by_target(q, &alias), post);
    assert_ptr_equal(alias, p);
    mr_query_release(q);
    mr_node_release(p);
}

static void params_are_replaced(void **state) {
    (void)state;
    mr_value one = mr_int_value(1), two = mr_text_value("two", 3);
    mr_query *q = query(user);
    q = then(q, mr_query_param_value(q, "x", &one));
    q = then(q, mr_query_param_value(q, "x", &two));
    assert_int_equal(q->nparams, 1);
    assert_int_equal(q->params[0].value.kind, MR_TEXT);
    assert_ptr_not_equal(q->params[0].value.u.s, two.u.s);
    mr_query_release(q);
}

/* ---------------------------------------------------------------- keys */

static bool same_key(mr_query *a, mr_query *b) {
    mr_strbuf x, y;
    mr_vec binds;
    mr_strbuf_init(&x, env);
    mr_strbuf_init(&y, env);
    mr_vec_init(&binds, env, sizeof(mr_node *));
    OK(mr_query_key(a, &x, &binds));
    OK(mr_query_key(b, &y, &binds));
    bool same = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
    mr_strbuf_done(&x);
    mr_strbuf_done(&y);
    mr_vec_done(&binds);
    mr_query_release(a);
    mr_query_release(b);
    return same;
}

static mr_query *by_id(int64_t id) { return where(query(user), eq(col(user, "id"), num(id))); }

static mr_query *of_aliases(bool crossed) {
    mr_node *a = alias_of(user), *b = alias_of(user);
    mr_query *q = query_as(user, a);
    q = order(where(q, eq(col_of(user, "id", a), col_of(user, "id", b))), col_of(user, "id", crossed ? b : a));
    mr_node_release(a);
    mr_node_release(b);
    return q;
}

static mr_query *with_binds(bool shared) {
    mr_node *b = num(1), *c = shared ? mr_node_retain(b) : num(2);
    return where(query(user), mr_sql_and(env, eq(col(user, "id"), b), eq(col(user, "id"), c)));
}

static mr_query *many_binds(unsigned shared) {
    mr_query *q = query(user);
    mr_node *first = num(0);
    for (unsigned i = 0; i < 40; i++)
        q = where(q, eq(col(user, "id"), i == shared ? mr_node_retain(first)
                                         : i == 0    ? mr_node_retain(first)
                                                     : num(i)));
    mr_node_release(first);
    return q;
}

static void keys(void **state) {
    (void)state;
    assert_true(same_key(by_id(1), by_id(2)));
    assert_false(same_key(by_id(1), query(user)));
    assert_false(same_key(query(user), query(post)));
    assert_false(same_key(query(user), core(query(user))));
    assert_false(same_key(limit(query(user), 1), order(query(user), num(1))));
    assert_true(same_key(of_aliases(false), of_aliases(false)));
    assert_false(same_key(of_aliases(false), of_aliases(true)));
    assert_true(same_key(with_binds(true), with_binds(true)));
    assert_false(same_key(with_binds(true), with_binds(false)));
    assert_true(same_key(many_binds(30), many_binds(30)));
    assert_false(same_key(many_binds(30), many_binds(31)));
    assert_false(
        same_key(eager(query(category), MR_LAZY_JOINED, "posts"), eager(query(category), MR_LAZY_SELECTIN, "posts")));
    assert_false(same_key(eager(query(category), MR_LAZY_JOINED, "posts"),
                          eager(query(category), MR_LAZY_JOINED, "posts.tags")));
}

/* ---------------------------------------------------------------- failing allocations */

static mr_query *consume(mr_query *old, mr_query *made) {
    mr_query_release(old);
    return made;
}

static mr_query *all_builders(mr_entity *parent) {
    mr_query_item item = {.mapper = post}, more = {.expression = col(post, "title"), .name = "t"};
    mr_option_step step = {.name = "tags"};
    mr_option option = {.kind = MR_OPTION_LAZY, .strategy = MR_LAZY_SELECTIN, .nsteps = 1, .steps = &step};
    mr_query_join along = {.kind = MR_OP_INNER, .along = prop(post, "tags")};
    mr_value v = mr_text_value("a text", 6);
    mr_query *q = mr_query_new(env, &item, 1, false);
    if (q) q = consume(q, mr_query_with_items(q, &more, 1, true));
    else mr_node_release(more.expression);
    if (q) q = consume(q, mr_query_where(q, mr_sql_unary(env, MR_OP_NOT, col(post, "title"))));
    if (q) q = consume(q, mr_query_order_by(q, col(post, "id")));
    if (q) q = consume(q, mr_query_group_by(q, col(post, "id")));
    if (q) q = consume(q, mr_query_limit(q, mr_sql_raw(env, mr_type_simple(MR_TYPE_INTEGER), "1")));
    if (q) q = consume(q, mr_query_distinct(q, NULL));
    if (q) q = consume(q, mr_query_for_update(q, "NOWAIT"));
    if (q) q = consume(q, mr_query_join_on(q, &along));
    if (q) q = consume(q, mr_query_option(q, &option));
    if (q) q = consume(q, mr_query_with_parent(q, prop(category, "posts"), parent, NULL));
    if (q) q = consume(q, mr_query_param_value(q, "name", &v));
    if (q) q = consume(q, mr_query_yield_per(q, 10));
    if (q) q = consume(q, mr_query_flags(q, true, false));
    return q;
}

static void allocations(void **state) {
    (void)state;
    mr_entity *parent = get(category, 1);
    for (size_t n = 1, finished = 0; !finished; n++) {
        assert_true(n < 1000);
        fa_arm(&fa, n);
        mr_query *q = all_builders(parent);
        fa_disarm(&fa);
        if (q) finished = 1;
        mr_query_release(q);
        assert_int_equal(parent->pins, 1);
        mr_env_clear_error(env);
    }
    mr_entity_unpin(parent);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(prefixes_are_shared), TEST(order_is_taken_away),
        TEST(missing_nodes_fail),  TEST(leads),
        TEST(params_are_replaced), TEST(keys),
        TEST(allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

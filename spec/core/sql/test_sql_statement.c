/*
 * test_sql_statement.c: statements: their SQL, their parameters, and the keys that describe their structure.
 */
#include "test_sql.h"

#define USER_ID "\"user\".id"

static mr_node *label(world *w, const char *name, mr_node *x) { return mr_sql_label(w->env, name, x); }
static mr_node *desc(world *w, mr_node *x) { return mr_sql_unary(w->env, MR_OP_DESC, x); }
static mr_node *users(world *w) { return list1(w, table(w, w->user)); }
static mr_node *posts(world *w) { return list1(w, table(w, w->post)); }

static void selects(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_select s = {.columns =
                       list2(w, label(w, "user_id", col(w, w->id)), label(w, "user_username", col(w, w->username))),
                   .from = users(w),
                   .where = eq(w, col(w, w->username), str(w, "x")),
                   .order_by = list1(w, desc(w, col(w, w->id))),
                   .limit = num(w, 10),
                   .offset = num(w, 20)};
    mr_node *node = mr_sql_select(w->env, &s);
    check(w, mr_node_retain(node), NULL,
          "SELECT \"user\".id AS user_id, \"user\".username AS user_username FROM \"user\" WHERE "
          "\"user\".username = $1 "
          "ORDER BY \"user\".id DESC LIMIT $2 OFFSET $3");
    check_params(w, node,
                 "SELECT user.id AS user_id, user.username AS user_username FROM user WHERE user.username = ? "
                 "ORDER BY user.id DESC LIMIT ? OFFSET ?",
                 "'x' 10 20");
    s = (mr_select){.columns = list1(w, col(w, w->id)), .from = users(w), .offset = num(w, 2)};
    check(w, mr_sql_select(w->env, &s), "SELECT user.id FROM user LIMIT -1 OFFSET ?",
          "SELECT " USER_ID " FROM \"user\" LIMIT ALL OFFSET $1");
    s = (mr_select){.columns =
                        list2(w, func1(w, "count", col(w, w->id)), binary(w, MR_OP_ADD, col(w, w->id), num(w, 1))),
                    .from = users(w),
                    .group_by = list1(w, col(w, w->age)),
                    .distinct = true,
                    .having = binary(w, MR_OP_GT, mr_sql_func(w->env, "count", NULL, NULL, 0), num(w, 1)),
                    .order_by = list1(w, mr_sql_unary(w->env, MR_OP_NULLS_LAST, desc(w, col(w, w->age)))),
                    .for_update = true,
                    .for_update_mode = "SKIP LOCKED"};
    check(w, mr_sql_select(w->env, &s),
          "SELECT DISTINCT count(user.id) AS count_1, user.id + ? AS anon_1 FROM user GROUP BY user.age "
          "HAVING count(*) > ? ORDER BY user.age DESC NULLS LAST",
          "SELECT DISTINCT count(\"user\".id) AS count_1, \"user\".id + $1 AS anon_1 FROM \"user\" GROUP BY "
          "\"user\".age "
          "HAVING count(*) > $2 ORDER BY \"user\".age DESC NULLS LAST FOR UPDATE SKIP LOCKED");
    mr_node *plus = label(w, "lb", binary(w, MR_OP_ADD, col(w, w->id), num(w, 7)));
    s = (mr_select){.columns = list1(w, plus),
                    .from = users(w),
                    .where = eq(w, mr_node_retain(plus), num(w, 8)),
                    .order_by = list1(w, desc(w, mr_node_retain(plus))),
                    .limit = num(w, 9)};
    check_params(w, mr_sql_select(w->env, &s),
                 "SELECT user.id + ? AS lb FROM user WHERE user.id + ? = ? ORDER BY lb DESC LIMIT ?", "7 7 8 9");
    s = (mr_select){.columns = list1(w, col(w, w->id)), .from = users(w), .distinct_on = list1(w, col(w, w->age))};
    mr_node *on = mr_sql_select(w->env, &s);
    mr_compiled *c;
    assert_int_equal(mr_sql_compile(w->env, mr_dialect_sqlite(), on, &c), MR_FAIL);
    check(w, on, NULL, "SELECT DISTINCT ON (\"user\".age) \"user\".id FROM \"user\"");
    check(w, select_from(w, list1(w, col(w, w->id)), users(w), col(w, w->active)),
          "SELECT user.id FROM user WHERE user.active IN (1, '1', 't', 'true')",
          "SELECT \"user\".id FROM \"user\" WHERE \"user\".active");
    check(w, select_from(w, list1(w, col(w, w->id)), users(w), mr_sql_raw(w->env, NULL, "false")),
          "SELECT user.id FROM user WHERE 0 = 1", "SELECT \"user\".id FROM \"user\" WHERE false");
    check(w,
          select_from(w, list2(w, col(w, w->id), col(w, w->post_id)), list2(w, table(w, w->user), table(w, w->post)),
                      NULL),
          "SELECT user.id, post.id AS id_1 FROM user, post", NULL);
    w_close(w);
}

static void from_objects(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_node *a = mr_sql_alias(w->env, table(w, w->user), NULL), *b = mr_sql_alias(w->env, table(w, w->user), NULL);
    check(w,
          select_from(w, list2(w, col_of(w, w->id, b), col_of(w, w->age, a)),
                      list2(w, mr_node_retain(a), mr_node_retain(b)), eq(w, col_of(w, w->id, a), col_of(w, w->id, b))),
          "SELECT user_1.id, user_2.age FROM user AS user_2, user AS user_1 WHERE user_2.id = user_1.id", NULL);
    mr_node *pa = mr_sql_alias(w->env, table(w, w->post), "p");
    mr_node *inner = mr_sql_join(w->env, MR_OP_INNER, table(w, w->post), mr_node_retain(pa),
                                 eq(w, col(w, w->post_id), col_of(w, w->post_id, pa)));
    mr_node *join = mr_sql_join(w->env, MR_OP_LEFT, table(w, w->user), inner, eq(w, col(w, w->user_id), col(w, w->id)));
    check(w, select_from(w, list1(w, col(w, w->id)), list1(w, join), NULL),
          "SELECT user.id FROM user LEFT OUTER JOIN (post JOIN post AS p ON post.id = p.id) ON post.user_id "
          "= user.id",
          NULL);
    mr_select s = {.columns = list2(w, col(w, w->id), label(w, "n", num(w, 5))), .from = users(w), .limit = num(w, 6)};
    mr_node *sub = mr_sql_alias(w->env, mr_sql_select(w->env, &s), NULL);
    check_params(w,
                 select_from(w, list2(w, label(w, "one", num(w, 1)), col_of(w, w->id, sub)),
                             list1(w, mr_node_retain(sub)), eq(w, col_of(w, w->id, sub), num(w, 2))),
                 "SELECT ? AS one, anon_1.id FROM (SELECT user.id AS id, ? AS n FROM user LIMIT ?) AS anon_1 "
                 "WHERE anon_1.id = ?",
                 "1 5 6 2");
    mr_node_release(a);
    mr_node_release(b);
    mr_node_release(pa);
    mr_node_release(sub);
    w_close(w);
}

static void correlation(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_node *both = list2(w, table(w, w->post), table(w, w->user));
    mr_node *exists = mr_sql_exists(w->env, select_from(w, list1(w, mr_sql_raw(w->env, NULL, "1")), both,
                                                        eq(w, col(w, w->user_id), col(w, w->id))));
    check(w, mr_node_retain(exists), "EXISTS (SELECT 1 FROM post, user WHERE post.user_id = user.id)", NULL);
    check(w, select_from(w, list1(w, col(w, w->id)), users(w), mr_node_retain(exists)),
          "SELECT user.id FROM user WHERE EXISTS (SELECT 1 FROM post WHERE post.user_id = user.id)", NULL);
    mr_dml d = {.table = table(w, w->user), .where = mr_sql_not(w->env, exists)};
    check(w, mr_sql_delete(w->env, &d),
          "DELETE FROM user WHERE NOT (EXISTS (SELECT 1 FROM post WHERE post.user_id = user.id))", NULL);
    /* Correlation does not leave out a subquery's only FROM object, unless it is asked to. */
    mr_node *same = mr_sql_scalar(w->env, select_from(w, list1(w, func1(w, "max", col(w, w->id))), users(w), NULL));
    check(w, select_from(w, list1(w, label(w, "m", same)), users(w), NULL),
          "SELECT (SELECT max(user.id) AS max_1 FROM user) AS m FROM user", NULL);
    mr_select s = {.columns = list1(w, col(w, w->id)), .from = users(w), .correlate = users(w)};
    mr_node *asked = mr_sql_scalar(w->env, mr_sql_select(w->env, &s));
    check(w, select_from(w, list1(w, label(w, "m", asked)), users(w), NULL), "SELECT (SELECT user.id) AS m FROM user",
          NULL);
    check(w,
          select_from(w, list1(w, col(w, w->id)), users(w),
                      binary(w, MR_OP_IN, col(w, w->id), select_from(w, list1(w, col(w, w->user_id)), posts(w), NULL))),
          "SELECT user.id FROM user WHERE user.id IN (SELECT post.user_id FROM post)", NULL);
    w_close(w);
}

static void compounds_and_ctes(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_node *first = select_from(w, list1(w, label(w, "x", col(w, w->id))), users(w), eq(w, col(w, w->age), num(w, 1)));
    mr_node *second = select_from(w, list1(w, col(w, w->post_id)), posts(w), eq(w, col(w, w->title), str(w, "t")));
    mr_node *members[] = {first, second};
    mr_select tail = {.order_by = list1(w, desc(w, col(w, w->id))), .limit = num(w, 3)};
    check_params(w, mr_sql_compound(w->env, MR_OP_UNION, members, 2, &tail),
                 "SELECT user.id AS x FROM user WHERE user.age = ? UNION SELECT post.id FROM post WHERE "
                 "post.title = ? "
                 "ORDER BY x DESC LIMIT ?",
                 "1 't' 3");
    mr_select limited = {.columns = list1(w, col(w, w->id)), .from = users(w), .limit = num(w, 1)};
    mr_node *scoped[] = {mr_sql_select(w->env, &limited), select_from(w, list1(w, col(w, w->post_id)), posts(w), NULL)};
    check(w, mr_sql_compound(w->env, MR_OP_EXCEPT, scoped, 2, NULL),
          "SELECT * FROM (SELECT user.id FROM user LIMIT ?) EXCEPT SELECT post.id FROM post",
          "(SELECT \"user\".id FROM \"user\" LIMIT $1) EXCEPT SELECT post.id FROM post");

    mr_node *cte =
        mr_sql_cte(w->env, select_from(w, list1(w, col(w, w->id)), users(w), eq(w, col(w, w->age), num(w, 1))), "x", 0);
    mr_node *outer = select_from(w, list2(w, label(w, "two", num(w, 2)), col_of(w, w->id, cte)),
                                 list1(w, mr_node_retain(cte)), eq(w, col_of(w, w->id, cte), num(w, 3)));
    check(w, mr_node_retain(outer), NULL,
          "WITH x AS (SELECT \"user\".id AS id FROM \"user\" WHERE \"user\".age = $1) SELECT $2 AS two, x.id "
          "FROM x "
          "WHERE x.id = $3");
    check_params(w, outer,
                 "WITH x AS (SELECT user.id AS id FROM user WHERE user.age = ?) SELECT ? AS two, x.id FROM x "
                 "WHERE x.id = ?",
                 "1 2 3");
    mr_node_release(cte);

    for (int named = 0; named < 2; named++) { /* a recursive CTE is found by its name, or by its first part */
        const char *name = named ? "r" : NULL;
        mr_node *base = select_from(w, list1(w, col(w, w->id)), users(w), eq(w, col(w, w->id), num(w, 4)));
        mr_node *seed = mr_sql_cte(w->env, mr_node_retain(base), name, MR_NODE_RECURSIVE);
        mr_node *step =
            select_from(w, list1(w, binary(w, MR_OP_ADD, col_of(w, w->id, seed), num(w, 5))),
                        list1(w, mr_node_retain(seed)), binary(w, MR_OP_LT, col_of(w, w->id, seed), num(w, 6)));
        mr_node *arms[] = {base, step};
        mr_node *whole =
            mr_sql_cte(w->env, mr_sql_compound(w->env, MR_OP_UNION_ALL, arms, 2, NULL), name, MR_NODE_RECURSIVE);
        check_params(w, select_from(w, list1(w, col_of(w, w->id, whole)), list1(w, mr_node_retain(whole)), NULL),
                     named ? "WITH RECURSIVE r(id) AS (SELECT user.id AS id FROM user WHERE user.id = ? UNION ALL "
                             "SELECT r.id + ? AS anon_1 FROM r WHERE r.id < ?) SELECT r.id FROM r"
                           : "WITH RECURSIVE anon_1(id) AS (SELECT user.id AS id FROM user WHERE user.id = ? UNION ALL "
                             "SELECT anon_1.id + ? AS anon_2 FROM anon_1 WHERE anon_1.id < ?) SELECT anon_1.id FROM "
                             "anon_1",
                     "4 5 6");
        mr_node_release(seed);
        mr_node_release(whole);
    }
    w_close(w);
}

static void writes(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_node *row[] = {str(w, "a"), str(w, "b")},
            *row2[] = {str(w, "c"), binary(w, MR_OP_CONCAT, str(w, "d"), str(w, "e"))};
    mr_node *excluded = mr_sql_alias(w->env, table(w, w->user), "excluded");
    mr_dml d = {.table = table(w, w->user),
                .columns = list2(w, col(w, w->username), col(w, w->email)),
                .values = list2(w, mr_sql_tuple(w->env, row, 2), mr_sql_tuple(w->env, row2, 2)),
                .returning = list2(w, col(w, w->id), col(w, w->username)),
                .on_conflict = true,
                .conflict_target = list1(w, col(w, w->id)),
                .conflict_columns = list2(w, col(w, w->username), col(w, w->age)),
                .conflict_values =
                    list2(w, col_of(w, w->username, excluded), binary(w, MR_OP_ADD, col(w, w->age), num(w, 1))),
                .conflict_where = binary(w, MR_OP_GT, col(w, w->age), num(w, 2))};
    mr_node *insert = mr_sql_insert(w->env, &d);
    mr_node_release(excluded);
    check(w, mr_node_retain(insert), NULL,
          "INSERT INTO \"user\" (username, email) VALUES ($1, $2), ($3, ($4 || $5)) ON CONFLICT (id) DO "
          "UPDATE SET "
          "username = excluded.username, age = (\"user\".age + $6) WHERE \"user\".age > $7 "
          "RETURNING \"user\".id, \"user\".username");
    check_params(w, insert,
                 "INSERT INTO user (username, email) VALUES (?, ?), (?, (? || ?)) ON CONFLICT (id) DO UPDATE SET "
                 "username = excluded.username, age = (user.age + ?) WHERE user.age > ? RETURNING id, username",
                 "'a' 'b' 'c' 'd' 'e' 1 2");
    d = (mr_dml){.table = table(w, w->user), .on_conflict = true};
    check(w, mr_sql_insert(w->env, &d), "INSERT INTO user DEFAULT VALUES ON CONFLICT DO NOTHING", NULL);
    d = (mr_dml){.table = table(w, w->user),
                 .columns = list1(w, col(w, w->username)),
                 .select = select_from(w, list1(w, col(w, w->title)), posts(w), NULL)};
    check(w, mr_sql_insert(w->env, &d), "INSERT INTO user (username) SELECT post.title FROM post", NULL);
    d = (mr_dml){.table = table(w, w->user),
                 .columns = list2(w, col(w, w->email), col(w, w->age)),
                 .values = list2(w, str(w, "x"), binary(w, MR_OP_ADD, col(w, w->age), num(w, 1))),
                 .where = eq(w, col(w, w->id), num(w, 7))};
    check_params(w, mr_sql_update(w->env, &d), "UPDATE user SET email=?, age=(user.age + ?) WHERE user.id = ?",
                 "'x' 1 7");
    d = (mr_dml){
        .table = table(w, w->user), .where = eq(w, col(w, w->id), num(w, 1)), .returning = list1(w, col(w, w->id))};
    mr_node *del = mr_sql_delete(w->env, &d);
    mr_compiled *c;
    assert_int_equal(mr_sql_compile(w->env, mr_dialect_postgresql(), del, &c), MR_OK);
    assert_string_equal(c->sql, "DELETE FROM \"user\" WHERE \"user\".id = $1 RETURNING \"user\".id");
    assert_true(c->is_write && c->returns_rows && c->ncolumns == 1);
    mr_compiled_release(c);
    mr_node_release(del);
    d = (mr_dml){.table = table(w, w->user),
                 .columns = list1(w, col(w, w->email)),
                 .values = list1(w, mr_sql_tuple(w->env, NULL, 0))};
    assert_null(mr_sql_insert(w->env, &d));
    w_close(w);
}

static void named_parameters(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_node *node =
        select_from(w, list1(w, col(w, w->id)), users(w), eq(w, col(w, w->id), mr_sql_param(w->env, w->id->type, "x")));
    mr_compiled *c;
    mr_value out[1];
    assert_int_equal(mr_sql_compile(w->env, mr_dialect_sqlite(), node, &c), MR_OK);
    assert_int_equal(mr_compiled_values(c, NULL, NULL, 0, out), MR_FAIL);
    assert_string_equal(mr_env_error(w->env)->message, "a value is required for bind parameter 'x' (given: none)");
    mr_named_value named = {"x", mr_float_value(3.0)};
    assert_int_equal(mr_compiled_values(c, NULL, &named, 1, out), MR_OK);
    assert_int_equal(out[0].kind, MR_INT);
    named.value = mr_text_value("3", 1);
    assert_int_equal(mr_compiled_values(c, NULL, &named, 1, out), MR_FAIL);
    assert_string_equal(c->columns[0].name, "id");
    mr_compiled_release(c);
    mr_node_release(node);
    const struct {
        const char *sql;
        bool write, ddl;
    } texts[] = {{"SELECT 1", false, false},
                 {" -- x\n select 1", false, false},
                 {"pragma foo", false, false},
                 {"insert into t values (1)", true, false},
                 {"WITH x AS (SELECT 'delete') SELECT 1", false, false},
                 {"WITH x AS (SELECT 1) DELETE FROM t", true, false},
                 {"/* c */ CREATE TABLE t (a)", true, true}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        mr_node *text = mr_sql_text(w->env, texts[i].sql, strlen(texts[i].sql));
        assert_int_equal(mr_sql_compile(w->env, mr_dialect_sqlite(), text, &c), MR_OK);
        assert_true(c->is_text);
        assert_int_equal(c->is_write, texts[i].write);
        assert_int_equal(c->is_ddl, texts[i].ddl);
        mr_compiled_release(c);
        mr_node_release(text);
    }
    w_close(w);
}

/* ---------------------------------------------------------------- keys */

/* One of the statements whose keys are compared. value must not change the key. */
static mr_node *variant(world *w, int which, int64_t value) {
    mr_value values[5];
    for (int i = 0; i < 5; i++) values[i] = mr_int_value(value + i);
    mr_node *alias = which == 1 || which == 7 || which == 8 ? mr_sql_alias(w->env, table(w, w->user), NULL) : NULL;
    mr_node *other = which == 7 || which == 8 ? mr_sql_alias(w->env, table(w, w->user), NULL) : NULL;
    mr_node *id = alias ? col_of(w, w->id, alias) : col(w, w->id);
    mr_node *where = binary(w, which == 2 ? MR_OP_LT : MR_OP_EQ, id, num(w, value));
    /* Lists of 3 and of 4 values are filled up to the same length. */
    size_t listed = which == 3 ? 5 : value == 100 ? 3 : 4;
    where = mr_sql_and(w->env, where,
                       binary(w, MR_OP_IN, col(w, w->age), mr_sql_binds(w->env, w->age->type, values, listed)));
    if (which == 7 || which == 8)
        where = mr_sql_and(w->env, where, eq(w, col_of(w, w->id, which == 7 ? alias : other), num(w, value)));
    mr_node *from = alias ? list1(w, alias) : users(w);
    if (other) from = mr_sql_list_append(w->env, from, other);
    mr_select s = {
        .columns = list1(w, which == 6 ? col(w, w->age) : label(w, "a", col(w, w->age))), .from = from, .where = where};
    if (which == 4) s.limit = num(w, value);
    if (which == 5) s.offset = num(w, value);
    if (which == 9) s.distinct = true;
    return mr_sql_select(w->env, &s);
}

static void keys(void **state) {
    (void)state;
    enum { VARIANTS = 10 };
    world ww, *w = &ww;
    w_open(w);
    mr_strbuf key[VARIANTS];
    for (int i = 0; i < VARIANTS; i++) {
        mr_strbuf again;
        mr_vec binds;
        mr_strbuf_init(&key[i], w->env);
        mr_strbuf_init(&again, w->env);
        mr_vec_init(&binds, w->env, sizeof(mr_node *));
        mr_node *one = variant(w, i, 100), *two = variant(w, i, 200);
        assert_int_equal(mr_sql_key(one, &key[i], &binds), MR_OK);
        assert_int_equal(binds.len, one->binds + 0u);
        binds.len = 0;
        assert_int_equal(mr_sql_key(two, &again, &binds), MR_OK);
        assert_int_equal(again.len, key[i].len);
        assert_memory_equal(again.data, key[i].data, again.len);
        /* The statement that was compiled from one takes the values of the other. */
        mr_compiled *c;
        mr_value values[16];
        assert_int_equal(mr_sql_compile(w->env, mr_dialect_sqlite(), one, &c), MR_OK);
        assert_int_equal(mr_compiled_values(c, &binds, NULL, 0, values), MR_OK);
        for (size_t p = 0; p < c->nparams; p++) assert_true(values[p].u.i >= 200);
        for (int j = 0; j < i; j++)
            assert_false(key[j].len == key[i].len && memcmp(key[j].data, key[i].data, key[i].len) == 0);
        mr_compiled_release(c);
        mr_node_release(one);
        mr_node_release(two);
        mr_strbuf_done(&again);
        mr_vec_done(&binds);
    }
    for (int i = 0; i < VARIANTS; i++) mr_strbuf_done(&key[i]);
    w_close(w);
}

/* Two statements of equal structure: one uses a bind twice, the other has two binds. Their keys differ, because a
 * dialect that numbers parameters writes the same number twice for the one. Where it does not, a statement that was
 * compiled from one takes the values of the other. */
static void shared_binds(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_node *x = num(w, 1);
    mr_node *shared = select_from(w, list2(w, label(w, "a", x), label(w, "b", mr_node_retain(x))), NULL, NULL);
    mr_node *apart = select_from(w, list2(w, label(w, "a", num(w, 2)), label(w, "b", num(w, 3))), NULL, NULL);
    mr_strbuf key[2];
    mr_vec binds[2];
    mr_node *nodes[] = {shared, apart};
    mr_compiled *c;
    mr_value values[2];
    for (int i = 0; i < 2; i++) {
        mr_strbuf_init(&key[i], w->env);
        mr_vec_init(&binds[i], w->env, sizeof(mr_node *));
        assert_int_equal(mr_sql_key(nodes[i], &key[i], &binds[i]), MR_OK);
    }
    assert_false(key[0].len == key[1].len && memcmp(key[0].data, key[1].data, key[0].len) == 0);
    assert_int_equal(mr_sql_compile(w->env, mr_dialect_sqlite(), shared, &c), MR_OK);
    assert_int_equal(mr_compiled_values(c, &binds[1], NULL, 0, values), MR_OK);
    assert_int_equal(values[0].u.i, 2);
    assert_int_equal(values[1].u.i, 3);
    mr_compiled_release(c);
    for (int i = 0; i < 2; i++) {
        mr_strbuf_done(&key[i]);
        mr_vec_done(&binds[i]);
        mr_node_release(nodes[i]);
    }
    w_close(w);
}

/* ---------------------------------------------------------------- walking */

static mr_node *to_alias(void *ud, const mr_node *node) {
    mr_node *alias = ud;
    return node->n ? NULL : mr_sql_column(node->env, node->u.column, mr_node_retain(alias), NULL);
}

static void replacing_and_froms(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_node *alias = mr_sql_alias(w->env, table(w, w->user), "u");
    mr_node *where = logic(w, MR_OP_OR, eq(w, col(w, w->id), num(w, 1)),
                           mr_sql_between(w->env, col(w, w->age), num(w, 2), num(w, 3)));
    mr_node *replaced = mr_node_replace(where, to_alias, alias);
    mr_vec froms;
    mr_vec_init(&froms, w->env, sizeof(mr_node *));
    assert_int_equal(mr_node_froms(w->env, where, &froms), MR_OK);
    assert_int_equal(mr_node_froms(w->env, replaced, &froms), MR_OK);
    assert_int_equal(froms.len, 2);
    assert_ptr_equal(mr_vec_ptr(&froms, 1), alias);
    for (size_t i = 0; i < froms.len; i++) mr_node_release(mr_vec_ptr(&froms, i));
    mr_vec_done(&froms);
    mr_node *plain = num(w, 1), *same = mr_node_replace(plain, to_alias, alias);
    assert_ptr_equal(plain, same);
    mr_node_release(plain);
    mr_node_release(same);
    mr_node_release(where);
    mr_node_release(alias);
    check(w, replaced, "u.id = ? OR u.age BETWEEN ? AND ?", NULL);
    w_close(w);
}

/* ---------------------------------------------------------------- missing memory */

static mr_node *rich(world *w) {
    mr_node *cte = mr_sql_cte(
        w->env, select_from(w, list1(w, col(w, w->id)), users(w), eq(w, col(w, w->age), str(w, "1"))), NULL, 0);
    mr_node *alias = mr_sql_alias(w->env, table(w, w->user), NULL);
    const char *sql = "a = :a or b";
    mr_value values[2] = {mr_text_value("x", 1), mr_text_value("y", 1)};
    mr_node *where = logic(w, MR_OP_OR, alias ? eq(w, col_of(w, w->id, alias), num(w, 1)) : NULL,
                           mr_sql_text(w->env, sql, strlen(sql)));
    where =
        where ? mr_sql_and(w->env, where,
                           binary(w, MR_OP_IN, col(w, w->username), mr_sql_binds(w->env, w->username->type, values, 2)))
              : NULL;
    mr_node *join = alias && cte ? mr_sql_join(w->env, MR_OP_LEFT, alias, mr_node_retain(cte),
                                               eq(w, col_of(w, w->id, alias), col_of(w, w->id, cte)))
                                 : NULL;
    if (!alias || !cte) mr_node_release(alias);
    mr_select s = {.columns = list2(w, mr_sql_func(w->env, "count", NULL, NULL, 0),
                                    mr_sql_scalar(w->env, select_from(w, list1(w, col(w, w->title)), posts(w), NULL))),
                   .from = join ? list1(w, join) : NULL,
                   .where = where,
                   .limit = num(w, 1)};
    mr_node_release(cte);
    return mr_sql_select(w->env, &s);
}

static bool try_all(world *w) {
    mr_compiled *c = NULL;
    mr_strbuf key;
    mr_vec binds;
    mr_strbuf_init(&key, w->env);
    mr_vec_init(&binds, w->env, sizeof(mr_node *));
    mr_env_clear_error(w->env);
    mr_node *node = rich(w);
    /* A clause that failed has recorded an error; the node may exist all the same. */
    bool ok = node && mr_env_error(w->env)->kind == MR_ERR_NONE;
    ok = ok && mr_sql_compile(w->env, mr_dialect_postgresql(), node, &c) == MR_OK;
    ok = ok && mr_sql_key(node, &key, &binds) == MR_OK;
    if (!ok) assert_int_equal(mr_env_error(w->env)->kind, MR_ERR_NO_MEMORY);
    if (ok) assert_int_equal(c->nparams, 6);
    mr_compiled_release(c);
    mr_node_release(node);
    mr_strbuf_done(&key);
    mr_vec_done(&binds);
    return ok;
}

static void failing_allocations(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    assert_true(try_all(w)); /* this interns the names, which stay; all other memory must be freed below */
    for (int once = 0; once < 2; once++) {
        size_t blocks = w->fa.blocks;
        bool done = false;
        for (size_t n = 1; !done; n++) {
            if (once) fa_arm_once(&w->fa, n);
            else fa_arm(&w->fa, n);
            done = try_all(w);
            fa_disarm(&w->fa);
            mr_env_clear_error(w->env);
            assert_int_equal(w->fa.blocks, blocks);
        }
    }
    w_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selects),
        cmocka_unit_test(from_objects),
        cmocka_unit_test(correlation),
        cmocka_unit_test(compounds_and_ctes),
        cmocka_unit_test(writes),
        cmocka_unit_test(named_parameters),
        cmocka_unit_test(keys),
        cmocka_unit_test(shared_binds),
        cmocka_unit_test(replacing_and_froms),
        cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

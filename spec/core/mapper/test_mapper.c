/*
 * test_mapper.c: declaring classes: attributes, tables, keys, inheritance; expressions; hooks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mapper_fixture.h"

/* ---------------------------------------------------------------- classes */

static void declared_class(void **state) {
    (void)state;
    mr_mapper *user = class("User");
    mr_mapper_add_column(user, "name", text());
    mr_property *synonym = mr_mapper_add_property(user, "login", MR_PROPERTY_SYNONYM);
    synonym->synonym_of = "name";
    uint64_t version = registry->version;
    assert_null(mr_registry_find(registry, "User"));
    table(user, "user");
    assert_ptr_equal(mr_registry_find(registry, "User"), user);
    assert_true(registry->version > version);
    assert_int_equal(user->nslots, 2);
    assert_int_equal(user->columns.len, 2);
    assert_int_equal(user->npk, 1);
    assert_int_equal(user->pk_slots[0], 0);
    assert_true(user->int_key);
    assert_ptr_equal(user->table->mapped, user);
    assert_ptr_equal(mr_mapper_property(user, "login", false), synonym);
    assert_string_equal(mr_mapper_property(user, "login", true)->name, "name");
    assert_null(mr_mapper_property(user, "nme", true));
    assert_string_equal(mr_mapper_nearest(user, "nme"), "name");
    assert_ptr_equal(mr_mapper_property_of_column(user, column(user, "name")), mr_mapper_property(user, "name", true));
    configure();
    assert_true(user->configured);
    assert_false(registry->dirty);
}

static void mistaken_classes(void **state) {
    (void)state;
    mr_mapper *user = mr_mapper_new(registry, "User", NULL);
    mr_mapper_add_column(user, "name", text());
    assert_null(mr_mapper_add_column(user, "name", text()));
    expect_error(MR_ERR_ARGUMENT, "User.name is declared twice: give one of them another name");
    assert_int_equal(mr_mapper_finish(user, NULL, "user", NULL, NULL, NULL), MR_FAIL);
    expect_error(MR_ERR_MAPPING, "User needs a primary key: give a column primary_key = true");
    assert_null(mr_metadata_table(registry->metadata, "user"));
    assert_int_equal(mr_mapper_finish(user, NULL, NULL, NULL, NULL, NULL), MR_FAIL);
    expect_error(MR_ERR_MAPPING, "User needs a table: give it __tablename or __table");
    table(class("User"), "user");
    mr_mapper *again = class("User");
    assert_int_equal(mr_mapper_finish(again, NULL, "user2", NULL, NULL, NULL), MR_FAIL);
    expect_error(MR_ERR_MAPPING, "a class named 'User' is declared already: give this one another name");
    mr_mapper *other = class("Other");
    assert_int_equal(mr_mapper_finish(other, NULL, "user", NULL, NULL, NULL), MR_FAIL);
    expect_error(MR_ERR_MAPPING,
                 "Other: a table named 'user' is declared already: give the class another __tablename, or "
                 "the table itself as __table");
    assert_int_equal(registry->mappers.len, 1);
    configure();
}

static void over_an_existing_table(void **state) {
    (void)state;
    mr_column *columns[2] = {key(), text()};
    columns[0]->name = mr_intern(env, "id", 2);
    columns[1]->name = mr_intern(env, "query", 5);
    mr_table *t = mr_table_new(registry->metadata, "legacy", NULL, columns, 2, NULL, NULL);
    mr_mapper *m = mr_mapper_new(registry, "Legacy", NULL);
    assert_non_null(mr_mapper_add_column(m, "query_", columns[1]));
    assert_int_equal(mr_mapper_finish(m, t, NULL, NULL, NULL, NULL), MR_OK);
    assert_int_equal(m->props.len, 2);
    assert_ptr_equal(mr_mapper_property(m, "query_", true)->column, columns[1]);
    assert_null(mr_mapper_property(m, "query", true));
}

static void single_table_inheritance(void **state) {
    (void)state;
    mr_mapper *employee = class("Employee");
    employee->discriminator = mr_mapper_add_column(employee, "type", text());
    employee->polymorphic_identity = mr_text_value("employee", 8);
    table(employee, "employee");
    mr_mapper *engineer = mr_mapper_new(registry, "Engineer", employee);
    mr_mapper_add_column(engineer, "language", text());
    engineer->polymorphic_identity = mr_text_value("engineer", 8);
    assert_int_equal(mr_mapper_finish(engineer, employee->table, NULL, NULL, NULL, NULL), MR_OK);
    assert_ptr_equal(engineer->table, employee->table);
    assert_ptr_equal(engineer->root, employee);
    assert_ptr_equal(engineer->discriminator, employee->discriminator);
    assert_int_equal(employee->table->ncolumns, 3);
    assert_int_equal(employee->props.len, 2);
    assert_int_equal(engineer->props.len, 3);
    assert_true(mr_mapper_isa(engineer, employee));
    assert_false(mr_mapper_isa(employee, engineer));
    /* An attribute that is added to the base later gets a slot that is free in the subclass. */
    mr_property *late = mr_mapper_append_column(employee, "salary", integer(NULL));
    assert_int_equal(late->slot, 3);
    assert_ptr_equal(mr_mapper_property(engineer, "salary", false), late);
    assert_int_equal(engineer->nslots, 4);
    assert_int_equal(employee->nslots, 4);
    assert_null(mr_mapper_append_column(employee, "language", text()));
    mr_mapper *twin = mr_mapper_new(registry, "Twin", employee);
    mr_mapper_add_column(twin, "hobby", text());
    twin->polymorphic_identity = mr_text_value("engineer", 8);
    assert_int_equal(mr_mapper_finish(twin, employee->table, NULL, NULL, NULL, NULL), MR_FAIL);
    expect_error(MR_ERR_MAPPING, "Twin has the polymorphic_identity of Engineer: each class needs its own");
    assert_null(mr_table_column(employee->table, "hobby"));
    mr_mapper *joined = mr_mapper_new(registry, "Joined", employee);
    assert_int_equal(mr_mapper_finish(joined, NULL, "joined", NULL, NULL, NULL), MR_FAIL);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_MAPPING);
}

static void as_expressions(void **state) {
    (void)state;
    mr_mapper *user = class("User");
    mr_mapper_add_column(user, "name", text());
    mr_mapper_add_property(user, "login", MR_PROPERTY_SYNONYM)->synonym_of = "name";
    table(user, "user");
    mr_property *upper = mr_mapper_add_property(user, "upper", MR_PROPERTY_EXPRESSION);
    mr_node *arg = column_node(user, "name");
    upper->expression = mr_sql_func(env, "upper", NULL, &arg, 1);
    mr_node *node = mr_property_node(mr_mapper_property(user, "login", false), NULL);
    assert_ptr_equal(node->annotation, mr_mapper_property(user, "name", false));
    mr_node_release(node);
    mr_node *alias = mr_sql_alias(env, mr_sql_table(env, user->table), "u");
    node = mr_property_node(upper, alias);
    expect_sql(node, "upper(u.name)");
    mr_node_release(node);
    mr_node_release(alias);
}

/* ---------------------------------------------------------------- hooks */

typedef struct calls {
    int n;
    bool leaves;
} calls;

static mr_status count_call(mr_env *e, void *ud, mr_mapper_event event, mr_mapper *mapper, mr_conn *conn,
                            mr_entity *entity) {
    (void)e;
    (void)conn;
    (void)entity;
    calls *c = ud;
    c->n++;
    if (c->leaves) mr_mapper_unlisten(mapper, event, count_call, ud);
    return MR_OK;
}

static void hooks(void **state) {
    (void)state;
    mr_mapper *base = class("Base");
    table(base, "base");
    mr_mapper *sub = mr_mapper_new(registry, "Sub", base);
    assert_int_equal(mr_mapper_finish(sub, base->table, NULL, NULL, NULL, NULL), MR_OK);
    calls a = {0, false}, b = {0, true}, c = {0, false};
    assert_false(mr_mapper_has_hooks(sub, MR_EVENT_LOAD));
    mr_mapper_listen(base, MR_EVENT_LOAD, count_call, &a, true);
    mr_mapper_listen(sub, MR_EVENT_LOAD, count_call, &b, false);
    mr_mapper_listen(sub, MR_EVENT_LOAD, count_call, &c, false);
    assert_true(mr_mapper_has_hooks(sub, MR_EVENT_LOAD));
    assert_int_equal(mr_mapper_fire(sub, MR_EVENT_LOAD, NULL, NULL), MR_OK);
    assert_int_equal(mr_mapper_fire(sub, MR_EVENT_LOAD, NULL, NULL), MR_OK);
    assert_int_equal(mr_mapper_fire(base, MR_EVENT_LOAD, NULL, NULL), MR_OK);
    assert_int_equal(a.n, 3);
    assert_int_equal(b.n, 1);
    assert_int_equal(c.n, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(declared_class),           TEST(mistaken_classes), TEST(over_an_existing_table),
        TEST(single_table_inheritance), TEST(as_expressions),   TEST(hooks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_load_belongs.c: criteria along a relationship: it leads to some row, to one object, to nothing; also where
 * classes share a table. Each allocation fails in turn.
 */
#include "load_fixture.h"

/* ---------------------------------------------------------------- asking */

static mr_node *key_now(mr_entity *e, const mr_property *p, const mr_property *along, bool required) {
    (void)along;
    (void)required;
    return mr_sql_bind(env, mr_column_type(env, p->column), mr_entity_slot(e, p->slot));
}

static mr_node *related(mr_mapper *m, const char *name, mr_mapper *of_type, mr_node *criterion) {
    mr_node *made = NULL;
    OK(mr_criterion_related(prop(m, name), NULL, of_type, NULL, criterion, &made));
    mr_node_release(criterion);
    return made;
}

static mr_node *about(mr_mapper *m, const char *name, mr_entity *e, bool apart, mr_belonging how) {
    const mr_operand object = {e, key_now, apart};
    mr_node *made = NULL;
    OK(mr_criterion_object(prop(m, name), NULL, &object, how, &made));
    return made;
}

static mr_node *nothing(mr_mapper *m, const char *name, bool negated) {
    mr_node *made = NULL;
    OK(mr_criterion_nothing(prop(m, name), NULL, negated, &made));
    return made;
}

/* Asserts the SQL of the criterion, and that it finds n rows. */
static void expect_where(mr_mapper *m, mr_node *criterion, size_t n, const char *text_) {
    mr_strbuf sql_;
    mr_strbuf_init(&sql_, env);
    OK(mr_sql_string(env, mr_dialect_sqlite(), criterion, &sql_));
    assert_string_equal(mr_strbuf_str(&sql_), text_);
    mr_strbuf_done(&sql_);
    run(where(query(m), criterion));
    assert_int_equal(nrows, n);
    done();
    sent();
}

/* ---------------------------------------------------------------- plain relationships */

static void with_some_row(void **state) {
    (void)state;
    expect_where(post, related(post, "category", NULL, NULL), 3,
                 "EXISTS (SELECT 1 FROM category WHERE category.id = post.category_id)");
    expect_where(
        post, related(post, "tags", NULL, eq(col(tag, "id"), num(1))), 2,
        "EXISTS (SELECT 1 FROM post_tag, tag WHERE post.id = post_tag.post_id AND tag.id = post_tag.tag_id AND "
        "tag.id = ?)");
    expect_where(node, related(node, "children", NULL, eq(col(node, "id"), num(1))), 0,
                 "EXISTS (SELECT 1 FROM node AS node_1 WHERE node.id = node_1.parent_id AND node_1.id = ?)");
    expect_where(post, nothing(post, "category", false), 1, "post.category_id IS NULL");
    expect_where(post, nothing(post, "category", true), 3, "post.category_id IS NOT NULL");
    expect_where(category, nothing(category, "posts", false), 1,
                 "NOT (EXISTS (SELECT 1 FROM post WHERE category.id = post.category_id))");
}

static void with_one_object(void **state) {
    (void)state;
    mr_entity *c = get(category, 1), *p = get(post, 1), *t = get(tag, 1);
    expect_where(post, about(post, "category", c, false, MR_REFERS_TO), 2, "? = post.category_id");
    expect_where(post, about(post, "category", c, false, MR_REFERS_TO_ANOTHER), 2,
                 "? != post.category_id OR post.category_id IS NULL");
    expect_where(post, about(category, "posts", c, false, MR_BELONGS_TO), 2, "? = post.category_id");
    expect_where(category, about(category, "posts", p, false, MR_REFERS_TO), 1, "? = category.id");
    expect_where(post, about(post, "tags", t, false, MR_REFERS_TO), 2,
                 "EXISTS (SELECT 1 FROM post_tag WHERE post.id = post_tag.post_id AND ? = post_tag.tag_id)");
    expect_where(tag, about(post, "tags", p, false, MR_BELONGS_TO), 2,
                 "EXISTS (SELECT 1 FROM post_tag WHERE tag.id = post_tag.tag_id AND ? = post_tag.post_id)");
    mr_entity_unpin(c);
    mr_entity_unpin(p);
    mr_entity_unpin(t);
}

static void through_the_objects_row(void **state) {
    (void)state;
    mr_entity *c = get(category, 1), *t = get(tag, 1), *n = get(node, 1);
    const mr_operand apart = {c, key_now, true}, alike = {c, key_now, false};
    assert_true(mr_operand_by_row(prop(post, "category"), &apart, MR_REFERS_TO));
    assert_false(mr_operand_by_row(prop(post, "category"), &alike, MR_REFERS_TO));
    expect_where(post, about(post, "category", c, true, MR_REFERS_TO), 2,
                 "EXISTS (SELECT 1 FROM category AS category_1 WHERE category_1.id = post.category_id AND "
                 "category_1.id = ?)");
    expect_where(post, about(post, "tags", t, true, MR_REFERS_TO), 2,
                 "EXISTS (SELECT 1 FROM post_tag, tag AS tag_1 WHERE post.id = post_tag.post_id AND tag_1.id = "
                 "post_tag.tag_id AND tag_1.id = ?)");
    expect_where(node, about(node, "children", n, true, MR_BELONGS_TO), 2,
                 "EXISTS (SELECT 1 FROM node AS node_1 WHERE node_1.id = node.parent_id AND node_1.id = ?)");
    mr_entity_unpin(c);
    mr_entity_unpin(t);
    mr_entity_unpin(n);
}

/* ---------------------------------------------------------------- classes that share a table */

static void shared_table(void **state) {
    (void)state;
    mr_mapper *person = class_with("Person", "id"), *animal = class_with("Animal", "id");
    mr_property *kind = text(animal, "kind");
    mr_mapper_add_column(animal, "person_id", integer("person.id"));
    mr_mapper_add_column(animal, "mother_id", integer("animal.id"));
    relate(person, "animals", "Animal", NULL, NULL);
    relate(person, "cats", "Cat", NULL, NULL);
    relate(animal, "kittens", "Cat", NULL, NULL);
    finish(person, "person");
    finish(animal, "animal");
    animal->discriminator = kind;
    mr_mapper *cat = mr_mapper_new(registry, "Cat", animal);
    cat->polymorphic_identity = mr_text_value("cat", 3);
    OK(mr_mapper_finish(cat, animal->table, NULL, NULL, NULL, NULL));
    if (animal->subclasses.len == 0) OK(mr_vec_push_ptr(&animal->subclasses, cat));
    OK(mr_registry_configure(registry));
    sql("CREATE TABLE person (id INTEGER PRIMARY KEY)");
    sql("CREATE TABLE animal (id INTEGER PRIMARY KEY, kind TEXT, person_id INTEGER, mother_id INTEGER)");
    sql("INSERT INTO person VALUES (1), (2), (3)");
    sql("INSERT INTO animal VALUES (1, 'cat', 1, NULL), (2, 'dog', 2, 1), (3, 'cat', 1, 1)");
    sent();
    expect_where(person, related(person, "animals", NULL, NULL), 2,
                 "EXISTS (SELECT 1 FROM animal WHERE person.id = animal.person_id)");
    expect_where(person, related(person, "cats", NULL, eq(col(animal, "id"), num(1))), 1,
                 "EXISTS (SELECT 1 FROM animal WHERE person.id = animal.person_id AND animal.kind IN (?) AND "
                 "animal.id = ?)");
    expect_where(person, related(person, "cats", NULL, eq(col(animal, "id"), num(2))), 0,
                 "EXISTS (SELECT 1 FROM animal WHERE person.id = animal.person_id AND animal.kind IN (?) AND "
                 "animal.id = ?)");
    expect_where(person, related(person, "animals", cat, NULL), 1,
                 "EXISTS (SELECT 1 FROM animal WHERE person.id = animal.person_id AND animal.kind IN (?))");
    expect_where(person, nothing(person, "cats", false), 2,
                 "NOT (EXISTS (SELECT 1 FROM animal WHERE person.id = animal.person_id AND animal.kind IN (?)))");
    expect_where(animal, related(animal, "kittens", NULL, NULL), 1,
                 "EXISTS (SELECT 1 FROM animal AS animal_1 WHERE animal.id = animal_1.mother_id AND animal_1.kind IN "
                 "(?))");
}

/* ---------------------------------------------------------------- without memory */

static mr_entity *a_category, *a_post, *a_tag;

static mr_status make_all(void) {
    static const struct {
        mr_mapper **mapper;
        const char *name;
        mr_entity **object;
        bool apart;
        mr_belonging how;
    } asked[] = {
        {&post, "category", &a_category, false, MR_REFERS_TO_ANOTHER},
        {&post, "category", &a_category, true, MR_REFERS_TO},
        {&category, "posts", &a_category, true, MR_BELONGS_TO},
        {&category, "posts", &a_post, false, MR_REFERS_TO},
        {&post, "tags", &a_tag, false, MR_REFERS_TO},
        {&post, "tags", &a_tag, true, MR_REFERS_TO},
        {&post, "tags", &a_post, false, MR_BELONGS_TO},
        {&post, "tags", &a_post, true, MR_BELONGS_TO},
    };
    mr_node *made = NULL, *criterion = col(node, "name");
    mr_status status =
        criterion ? mr_criterion_related(prop(node, "children"), NULL, NULL, NULL, criterion, &made) : MR_FAIL;
    mr_node_release(criterion);
    mr_node_release(made);
    made = NULL;
    if (status == MR_OK) status = mr_criterion_related(prop(post, "tags"), NULL, NULL, NULL, NULL, &made);
    mr_node_release(made);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0] && status == MR_OK; i++) {
        const mr_operand object = {*asked[i].object, key_now, asked[i].apart};
        made = NULL;
        status = mr_criterion_object(prop(*asked[i].mapper, asked[i].name), NULL, &object, asked[i].how, &made);
        mr_node_release(made);
    }
    return status;
}

static void without_memory(void **state) {
    (void)state;
    a_category = get(category, 1), a_post = get(post, 1), a_tag = get(tag, 1);
    OK(make_all());
    size_t live = fa.live;
    bool done_ = false;
    for (size_t n = 1; !done_; n++) {
        fa_arm(&fa, n);
        mr_status status = make_all();
        fa_disarm(&fa);
        if (status == MR_OK) done_ = true;
        else assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
        mr_env_clear_error(env);
        assert_int_equal(fa.live, live);
    }
    mr_entity_unpin(a_category);
    mr_entity_unpin(a_post);
    mr_entity_unpin(a_tag);
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(with_some_row), TEST(with_one_object), TEST(through_the_objects_row),
                                       TEST(shared_table), TEST(without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

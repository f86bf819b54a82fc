/*
 * test_mapper_relationship.c: how joins are found, the two sides of a relationship, and messages about mistakes. Each
 * allocation fails in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mapper_fixture.h"

/* ---------------------------------------------------------------- joins */

static void many_to_one_with_backref(void **state) {
    (void)state;
    blog();
    mr_relationship *rel = relate(post, "category", "Category", "posts");
    table(post, "post");
    table(category, "category");
    configure();
    assert_int_equal(rel->direction, MR_MANY_TO_ONE);
    assert_ptr_equal(rel->target, category);
    assert_int_equal(rel->npairs, 1);
    expect_pair(&rel->pairs[0], post, "category_id", category, "id");
    assert_true(rel->use_get);
    assert_true(rel->simple);
    assert_int_equal(rel->uselist, 0);
    assert_int_equal(rel->cascade, MR_CASCADE_SAVE_UPDATE | MR_CASCADE_MERGE);
    expect_sql(rel->primaryjoin, "category.id = post.category_id");
    mr_property *posts = mr_mapper_property(category, "posts", true);
    assert_non_null(posts);
    mr_relationship *back = posts->relationship;
    assert_ptr_equal(rel->reverse, back);
    assert_ptr_equal(back->reverse, rel);
    assert_int_equal(back->direction, MR_ONE_TO_MANY);
    assert_int_equal(back->uselist, 1);
    assert_ptr_equal(back->target, post);
    assert_ptr_equal(back->parent, category);
    assert_false(back->use_get);
    assert_int_equal(posts->slot, category->nslots - 1);
    expect_pair(&back->pairs[0], category, "id", post, "category_id");
    uint64_t version = registry->version;
    configure(); /* the second call has nothing to do */
    assert_int_equal(registry->version, version);
}

static void backref_template(void **state) {
    (void)state;
    blog();
    mr_relationship back = options(NULL), r = options("Category");
    back.lazy = MR_LAZY_SELECTIN;
    back.uselist = 0;
    back.cascade_given = true;
    back.cascade = MR_CASCADE_SAVE_UPDATE | MR_CASCADE_DELETE | MR_CASCADE_DELETE_ORPHAN;
    r.backref = "post";
    r.backref_options = &back;
    assert_non_null(mr_mapper_add_relationship(post, "category", &r));
    table(post, "post");
    table(category, "category");
    configure();
    const mr_relationship *made = mr_mapper_property(category, "post", true)->relationship;
    assert_int_equal(made->lazy, MR_LAZY_SELECTIN);
    assert_int_equal(made->uselist, 0);
    assert_int_equal(made->cascade, back.cascade);
    assert_true(made->passive_updates);
}

static void back_populates(void **state) {
    (void)state;
    blog();
    mr_relationship r = options("Category");
    r.back_populates = "posts";
    mr_relationship *there = mr_mapper_add_relationship(post, "category", &r);
    r = options("Post");
    r.back_populates = "category";
    mr_relationship *back = mr_mapper_add_relationship(category, "posts", &r);
    table(post, "post");
    table(category, "category");
    configure();
    assert_ptr_equal(there->reverse, back);
    assert_ptr_equal(back->reverse, there);
}

static void late_relationship(void **state) {
    (void)state;
    blog();
    mr_relationship *rel = relate(post, "category", "Category", NULL);
    table(post, "post");
    table(category, "category");
    configure();
    mr_relationship r = options("Post");
    r.back_populates = "category";
    mr_relationship *late = mr_mapper_add_relationship(category, "posts", &r);
    assert_null(rel->reverse);
    configure();
    assert_ptr_equal(late->reverse, rel);
    assert_ptr_equal(rel->reverse, late);
}

static void self_reference(void **state) {
    (void)state;
    mr_mapper *node = class("Node");
    refer(node, "parent_id", "node.id");
    table(node, "node");
    mr_relationship *children = relate(node, "children", "Node", NULL);
    mr_relationship r = options("Node");
    mr_vec_push_ptr(&r.remote_side, column(node, "id"));
    r.back_populates = "children";
    mr_relationship *parent = mr_mapper_add_relationship(node, "parent", &r);
    configure();
    assert_int_equal(children->direction, MR_ONE_TO_MANY);
    expect_pair(&children->pairs[0], node, "id", node, "parent_id");
    assert_int_equal(parent->direction, MR_MANY_TO_ONE);
    expect_pair(&parent->pairs[0], node, "parent_id", node, "id");
    assert_true(parent->use_get);
    assert_ptr_equal(children->reverse, parent);
}

static void both_sides_of_one_direction(void **state) {
    (void)state;
    mr_mapper *node = class("Node");
    refer(node, "parent_id", "node.id");
    table(node, "node");
    relate(node, "children", "Node", NULL);
    mr_relationship r = options("Node");
    r.back_populates = "children";
    mr_mapper_add_relationship(node, "parent", &r);
    expect_mistake("Node.parent: it and its other side Node.children are both one-to-many: set remote_side "
                   "on the many-to-one side");
    assert_null(mr_mapper_property(node, "children", true)->relationship->pairs);
}

static mr_table *post_tags(void) {
    mr_column *columns[2] = {integer("post.id"), integer("tag.id")};
    columns[0]->name = mr_intern(env, "post_id", 7);
    columns[1]->name = mr_intern(env, "tag_id", 6);
    return mr_table_new(registry->metadata, "post_tags", NULL, columns, 2, NULL, NULL);
}

static void many_to_many(void **state) {
    (void)state;
    post = class("Post");
    mr_mapper *tag = class("Tag");
    mr_table *secondary = post_tags();
    mr_relationship r = options("Tag");
    r.secondary = secondary;
    r.backref = "posts";
    mr_relationship *tags = mr_mapper_add_relationship(post, "tags", &r);
    table(post, "post");
    table(tag, "tag");
    configure();
    assert_int_equal(tags->direction, MR_MANY_TO_MANY);
    assert_int_equal(tags->uselist, 1);
    assert_ptr_equal(tags->pairs[0].local, column(post, "id"));
    assert_ptr_equal(tags->pairs[0].remote, mr_table_column(secondary, "post_id"));
    assert_int_equal(tags->pairs[0].remote_slot, UINT16_MAX);
    assert_ptr_equal(tags->secondary_pairs[0].local, mr_table_column(secondary, "tag_id"));
    assert_ptr_equal(tags->secondary_pairs[0].remote, column(tag, "id"));
    expect_sql(tags->primaryjoin, "post.id = post_tags.post_id");
    expect_sql(tags->secondaryjoin, "tag.id = post_tags.tag_id");
    const mr_relationship *posts = tags->reverse;
    assert_ptr_equal(posts->secondary, secondary);
    assert_ptr_equal(posts->pairs[0].local, column(tag, "id"));
    assert_ptr_equal(posts->secondary_pairs[0].remote, column(post, "id"));
    expect_sql(posts->primaryjoin, "tag.id = post_tags.tag_id");
    expect_sql(posts->secondaryjoin, "post.id = post_tags.post_id");
}

static void self_many_to_many(void **state) {
    (void)state;
    mr_mapper *node = class("Node");
    table(node, "node");
    mr_column *columns[2] = {integer("node.id"), integer("node.id")};
    columns[0]->name = mr_intern(env, "from_id", 7);
    columns[1]->name = mr_intern(env, "to_id", 5);
    mr_table *edges = mr_table_new(registry->metadata, "edges", NULL, columns, 2, NULL, NULL);
    mr_relationship r = options("Node");
    r.secondary = edges;
    mr_relationship *to = mr_mapper_add_relationship(node, "to", &r);
    expect_mistake("Node.to: could not determine the join between node and edges: there are multiple foreign "
                   "key paths linking the tables (edges.from_id, edges.to_id); give the relationship a "
                   "primaryjoin and a secondaryjoin");
    to->primaryjoin = mr_sql_binary(env, MR_OP_EQ, column_node(node, "id"), mr_sql_column(env, columns[0], NULL, NULL));
    to->secondaryjoin =
        mr_sql_binary(env, MR_OP_EQ, mr_sql_column(env, columns[1], NULL, NULL), column_node(node, "id"));
    configure();
    assert_ptr_equal(to->pairs[0].remote, columns[0]);
    assert_ptr_equal(to->secondary_pairs[0].local, columns[1]);
    assert_true(to->simple);
}

/* Two foreign keys refer to one table. */
static mr_mapper *message, *person;

static void mail(void) {
    message = class("Message");
    refer(message, "from_id", "person.id");
    refer(message, "to_id", "person.id");
    person = class("Person");
    table(message, "message");
    table(person, "person");
}

static void ambiguous_and_cured(void **state) {
    (void)state;
    mail();
    mr_relationship *from = relate(message, "sender", "Person", "sent");
    expect_mistake("Message.sender: could not determine the join between message and person: there are "
                   "multiple foreign key paths linking the tables (message.from_id, message.to_id); name the "
                   "columns that it goes by in foreign_keys");
    assert_null(mr_mapper_property(person, "sent", true));
    assert_false(from->configured);
    assert_true(registry->dirty);
    mr_vec_push_ptr(&from->foreign_keys, column(message, "from_id"));
    configure();
    expect_pair(&from->pairs[0], message, "from_id", person, "id");
    assert_ptr_equal(from->reverse->reverse, from);
}

static void written_join(void **state) {
    (void)state;
    mail();
    mr_relationship r = options("Message");
    r.primaryjoin =
        mr_sql_and(env, equal(person, "id", message, "to_id"),
                   mr_sql_binary(env, MR_OP_GT, column_node(message, "id"), column_node(message, "from_id")));
    mr_relationship *received = mr_mapper_add_relationship(person, "received", &r);
    r = options("Person");
    r.primaryjoin = equal(message, "to_id", person, "id");
    mr_relationship *receiver = mr_mapper_add_relationship(message, "receiver", &r);
    configure();
    assert_int_equal(received->direction, MR_ONE_TO_MANY);
    assert_false(received->simple);
    expect_pair(&received->pairs[0], person, "id", message, "to_id");
    assert_int_equal(receiver->direction, MR_MANY_TO_ONE);
    assert_true(receiver->simple);
    assert_true(receiver->use_get);
}

static void join_over_columns_without_keys(void **state) {
    (void)state;
    mr_mapper *a = class("A"), *b = class("B");
    mr_mapper_add_column(b, "code", integer(NULL));
    table(a, "a");
    table(b, "b");
    mr_relationship r = options("B");
    r.primaryjoin = equal(a, "id", b, "code");
    mr_relationship *bs = mr_mapper_add_relationship(a, "bs", &r);
    expect_mistake("A.bs: its primaryjoin makes no foreign key column equal to the column that it refers to: "
                   "give the column a ForeignKey, or name it in foreign_keys");
    mr_vec_push_ptr(&bs->foreign_keys, column(b, "code"));
    configure();
    assert_int_equal(bs->direction, MR_ONE_TO_MANY);
    expect_pair(&bs->pairs[0], a, "id", b, "code");
}

static void composite_key(void **state) {
    (void)state;
    mr_mapper *order = mr_mapper_new(registry, "Order", NULL), *line = class("Line");
    mr_mapper_add_column(order, "shop", key());
    mr_mapper_add_column(order, "number", key());
    refer(line, "shop", NULL);
    refer(line, "number", NULL);
    static const char *names[] = {"shop", "number"}, *targets[] = {"order.shop", "order.number"};
    mr_constraint fk = {.kind = MR_CONSTRAINT_FOREIGN_KEY, .ncolumns = 2, .column_names = names, .targets = targets};
    table(order, "order");
    assert_int_equal(mr_mapper_finish(line, NULL, "line", NULL, &fk, NULL), MR_OK);
    mr_relationship *rel = relate(line, "order", "Order", "lines");
    configure();
    assert_int_equal(rel->npairs, 2);
    assert_true(rel->use_get);
    expect_pair(&rel->pairs[0], line, "shop", order, "shop");
    expect_pair(&rel->pairs[1], line, "number", order, "number");
    expect_sql(rel->primaryjoin, "\"order\".shop = line.shop AND \"order\".number = line.number");
}

static void backref_onto_a_base_class(void **state) {
    (void)state;
    mr_mapper *employee = class("Employee"), *company = class("Company");
    refer(employee, "company_id", "company.id");
    table(employee, "employee");
    mr_mapper *manager = mr_mapper_new(registry, "Manager", employee);
    mr_mapper_add_column(manager, "title", text());
    assert_int_equal(mr_mapper_finish(manager, employee->table, NULL, NULL, NULL, NULL), MR_OK);
    relate(company, "employees", "Employee", "company");
    table(company, "company");
    configure();
    const mr_property *made = mr_mapper_property(manager, "company", true);
    assert_ptr_equal(made, mr_mapper_property(employee, "company", true));
    assert_int_equal(made->slot, 3);
    assert_int_equal(manager->nslots, 4);
}

/* ---------------------------------------------------------------- mistakes */

static void no_join(void **state) {
    (void)state;
    blog();
    relate(category, "friends", "Post", NULL);
    mr_mapper *lone = class("Lone");
    relate(lone, "posts", "Post", NULL);
    table(lone, "lone");
    table(category, "category");
    table(post, "post");
    expect_mistake("Lone.posts: could not determine the join between lone and post: there are no foreign "
                   "keys linking these tables; give a column a ForeignKey to the other table, or the "
                   "relationship a primaryjoin");
}

static void unknown_strategy(void **state) {
    (void)state;
    blog();
    mr_relationship r = options("Category");
    r.lazy = (mr_lazy)99;
    assert_non_null(mr_mapper_add_relationship(post, "category", &r));
    table(category, "category");
    table(post, "post");
    expect_mistake("Post.category: its lazy is strategy 99, which does not exist");
}

static void all_are_told_together(void **state) {
    (void)state;
    blog();
    relate(post, "category", "Categry", NULL);
    refer(post, "author_id", "autor.id");
    mr_relationship r = options("Post");
    r.back_populates = "categry";
    mr_mapper_add_relationship(category, "posts", &r);
    r = options("Post");
    r.cascade_given = true;
    r.cascade = MR_CASCADE_DELETE_ORPHAN;
    mr_mapper_add_relationship(category, "others", &r);
    table(post, "post");
    table(category, "category");
    size_t props = category->props.len;
    assert_int_equal(mr_registry_configure(registry), MR_FAIL);
    const char *message_text = mr_env_error(env)->message;
    assert_non_null(strstr(message_text, "4 mappings are wrong:\n"
                                         "  Post.category: there is no class 'Categry' (did you mean "
                                         "'Category'?)"));
    assert_non_null(strstr(message_text, "\n  Post.author_id: foreign key of post.author_id to 'autor.id': "
                                         "there is no table 'autor'"));
    assert_non_null(strstr(message_text, "\n  Category.others: the cascade 'delete-orphan' requires "
                                         "'delete': write \"all, delete-orphan\""));
    assert_non_null(strstr(message_text, "\n  Category.posts: back_populates names 'categry', which Post "
                                         "does not have (did you mean 'category'?)"));
    assert_int_equal(category->props.len, props);
    assert_false(category->configured);
}

static void mistaken_backrefs(void **state) {
    (void)state;
    blog();
    relate(post, "category", "Category", "name");
    table(post, "post");
    table(category, "category");
    expect_mistake("Post.category: its backref 'name' cannot be made: Category has an attribute of that name "
                   "already; give the backref another name, or use back_populates on both sides");
}

static void delete_orphan_needs_one_parent(void **state) {
    (void)state;
    blog();
    mr_relationship r = options("Category");
    r.cascade_given = true;
    r.cascade = MR_CASCADE_DELETE | MR_CASCADE_DELETE_ORPHAN;
    mr_relationship *rel = mr_mapper_add_relationship(post, "category", &r);
    table(post, "post");
    table(category, "category");
    expect_mistake("Post.category: delete-orphan belongs on the one side of a one-to-many relationship, and "
                   "this is many-to-one: move it there, or set single_parent = true");
    rel->single_parent = true;
    configure();
}

/* ---------------------------------------------------------------- callbacks */

static mr_status resolve_badly(mr_env *e, void *ud, mr_relationship *rel) {
    (void)rel;
    return ud ? mr_fail(e, MR_ERR_CALLBACK, "the user's own")
              : mr_fail(e, MR_ERR_ARGUMENT, "Post.category: order_by names no column");
}

static mr_status resolve_late_class(mr_env *e, void *ud, mr_relationship *rel) {
    (void)e;
    (void)ud;
    assert_int_equal(mr_registry_configure(registry), MR_OK); /* a call from inside does nothing */
    if (!mr_registry_find(registry, "Category")) {
        category = class("Category");
        relate(category, "posts", "Post", NULL);
        table(category, "category");
    }
    rel->target = category;
    return MR_OK;
}

static void resolve_callbacks(void **state) {
    (void)state;
    post = class("Post");
    refer(post, "category_id", "category.id");
    mr_relationship *rel = relate(post, "category", "Category", NULL);
    table(post, "post");
    rel->resolve = resolve_badly;
    rel->resolve_ud = rel;
    assert_int_equal(mr_registry_configure(registry), MR_FAIL);
    /* Beside another mistake it is told with that one; alone it is itself. */
    assert_non_null(strstr(mr_env_error(env)->message, "\n  Post.category: the user's own"));
    rel->resolve_ud = NULL;
    assert_int_equal(mr_registry_configure(registry), MR_FAIL);
    assert_non_null(strstr(mr_env_error(env)->message, "\n  Post.category: order_by names no column"));
    rel->resolve = resolve_late_class;
    configure();
    assert_ptr_equal(rel->target, category);
    assert_true(mr_mapper_property(category, "posts", true)->relationship->configured);
}

/* ---------------------------------------------------------------- without memory */

static mr_status declare_all(void) {
    mr_mapper *p = class("Post");
    if (!p || !mr_mapper_add_column(p, "category_id", integer("category.id"))) return MR_FAIL;
    mr_relationship back = options(NULL), r = options("Category");
    r.backref = "posts";
    r.backref_options = &back;
    if (!mr_mapper_add_relationship(p, "category", &r)) return MR_FAIL;
    mr_mapper *c = class("Category");
    if (!c || mr_mapper_finish(p, NULL, "post", NULL, NULL, NULL) != MR_OK) return MR_FAIL;
    return mr_mapper_finish(c, NULL, "category", NULL, NULL, NULL);
}

static void without_memory(void **state) {
    for (size_t n = 1, done = 0; !done; n++) {
        assert_int_equal(close_env(state), 0);
        assert_int_equal(open_env(state), 0);
        fa_arm_once(&fa, n);
        done = declare_all() == MR_OK && mr_registry_configure(registry) == MR_OK;
        fa_disarm(&fa);
        if (done) break;
        assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
        mr_mapper *c = mr_registry_find(registry, "Category");
        if (!c) continue;
        /* The class is declared but not configured. Nothing is half done, and the next attempt succeeds. */
        assert_null(mr_mapper_property(c, "posts", true));
        configure();
        assert_non_null(mr_mapper_property(c, "posts", true));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(many_to_one_with_backref),
        TEST(backref_template),
        TEST(back_populates),
        TEST(late_relationship),
        TEST(self_reference),
        TEST(both_sides_of_one_direction),
        TEST(many_to_many),
        TEST(self_many_to_many),
        TEST(ambiguous_and_cured),
        TEST(written_join),
        TEST(join_over_columns_without_keys),
        TEST(composite_key),
        TEST(backref_onto_a_base_class),
        TEST(no_join),
        TEST(unknown_strategy),
        TEST(all_are_told_together),
        TEST(mistaken_backrefs),
        TEST(delete_orphan_needs_one_parent),
        TEST(resolve_callbacks),
        TEST(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

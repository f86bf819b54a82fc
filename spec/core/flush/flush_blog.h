/*
 * flush_blog.h: posts, their categories and their tags, for the tests of the flush. Post is declared before Category,
 * because programs often do so.
 */
#ifndef MOONROW_SPEC_FLUSH_BLOG_H
#define MOONROW_SPEC_FLUSH_BLOG_H

#include "flush_fixture.h"

typedef struct blog {
    fl_world w;
    mr_mapper *category, *post, *tag;
    mr_column *category_id;
    mr_relationship *posts, *category_of, *tags, *posts_of;
    mr_entity *x, *y, *c, *d, *t, *u; /* of open_saved_posts and open_tagged_post */
} blog;

enum { WITH_POSTS = 1, WITH_CATEGORY = 2, WITH_TAGS = 4, WITH_TAGGED = 8 };

/* Declares Tag, the link table, and the sides of the many-to-many. */
static inline void declare_tags(blog *b, unsigned sides) {
    fl_world *w = &b->w;
    b->tag = fl_class(w, "Tag");
    fl_column(w, b->tag, "name", MR_TYPE_TEXT);
    mr_column *columns[2];
    for (int i = 0; i < 2; i++) {
        columns[i] = mr_column_new(w->env, i ? "tag_id" : "post_id", mr_type_simple(MR_TYPE_INTEGER));
        columns[i]->primary_key = true;
        mr_column_add_foreign_key(w->env, columns[i], i ? "tag.id" : "post.id", NULL);
    }
    mr_relationship tags = fl_proto(w, "Tag"), posts = fl_proto(w, "Post");
    tags.secondary = posts.secondary = mr_table_new(w->metadata, "post_tag", NULL, columns, 2, NULL, NULL);
    if (sides & WITH_TAGGED) {
        tags.back_populates = mr_intern(w->env, "posts", 5);
        posts.back_populates = mr_intern(w->env, "tags", 4);
        b->posts_of = fl_relate(w, b->tag, "posts", posts);
    }
    if (sides & WITH_TAGS) b->tags = fl_relate(w, b->post, "tags", tags);
    fl_finish(w, b->tag, "tag");
}

/* Declares the classes with these relationships (WITH_ flags). Call fl_start afterwards. */
static inline void declare_blog(blog *b, unsigned sides) {
    fl_world *w = &b->w;
    memset(b, 0, sizeof *b);
    fl_open(w);
    mr_relationship category = fl_proto(w, "Category"), posts = fl_proto(w, "Post");
    if ((sides & WITH_POSTS) && (sides & WITH_CATEGORY)) {
        category.back_populates = mr_intern(w->env, "posts", 5);
        posts.back_populates = mr_intern(w->env, "category", 8);
    }
    b->post = fl_class(w, "Post");
    fl_column(w, b->post, "name", MR_TYPE_TEXT);
    b->category_id = fl_reference(w, b->post, "category_id", "category.id");
    if (sides & WITH_CATEGORY) b->category_of = fl_relate(w, b->post, "category", category);
    if (sides & (WITH_TAGS | WITH_TAGGED)) declare_tags(b, sides);
    fl_finish(w, b->post, "post");
    b->category = fl_class(w, "Category");
    fl_column(w, b->category, "name", MR_TYPE_TEXT);
    if (sides & WITH_POSTS) b->posts = fl_relate(w, b->category, "posts", posts);
    fl_finish(w, b->category, "category");
}

/* The same, on a new SQLite database. */
static inline void open_blog(blog *b, unsigned sides) {
    declare_blog(b, sides);
    fl_start(&b->w, "sqlite://");
}

static inline mr_entity *category(blog *b, const char *name) { return fl_named(&b->w, b->category, name); }
static inline mr_entity *post(blog *b, const char *name) { return fl_named(&b->w, b->post, name); }
static inline mr_entity *tag(blog *b, const char *name) { return fl_named(&b->w, b->tag, name); }

/* Sets both sides of the relationship, as a session does. */
static inline void put_into(blog *b, mr_entity *p, mr_entity *c) {
    fl_append(&b->w, c, "posts", p);
    fl_set(&b->w, p, "category", fl_ref(c));
}

/* The classes with these relationships, and saved objects: the category c with the posts x and y, and the category d.
 */
static inline void open_saved_posts(blog *b, unsigned sides) {
    open_blog(b, sides);
    mr_entity *posts[] = {b->x = post(b, "x"), b->y = post(b, "y")};
    b->c = category(b, "c");
    b->d = category(b, "d");
    for (size_t i = 0; i < 2; i++) {
        fl_append(&b->w, b->c, "posts", posts[i]);
        if (sides & WITH_CATEGORY) fl_set(&b->w, posts[i], "category", fl_ref(b->c));
    }
    fl_flush(&b->w);
}

/* The post x with the tags t and u, saved. Post.tags is the only relationship. */
static inline void open_tagged_post(blog *b) {
    open_blog(b, WITH_TAGS);
    b->x = post(b, "x");
    b->t = tag(b, "t");
    b->u = tag(b, "u");
    fl_append(&b->w, b->x, "tags", b->t);
    fl_append(&b->w, b->x, "tags", b->u);
    fl_flush(&b->w);
}

/* The items that load_items will give; NULL behind the last. */
static mr_entity *to_be_loaded[4];

/* fl_world.load: fills the collection with to_be_loaded. */
static inline mr_status load_items(fl_world *w, mr_entity *entity, const mr_property *prop) {
    uint32_t n = 0;
    while (n < 4 && to_be_loaded[n]) n++;
    mr_collection *c = mr_entity_collection(entity, prop, false);
    fl_check(w, c != NULL, "collection");
    return mr_collection_fill(c, to_be_loaded, n);
}

#endif

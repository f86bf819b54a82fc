/*
 * flush_users.h: a class User, for the tests of the flush of one class.
 */
#ifndef MOONROW_SPEC_FLUSH_USERS_H
#define MOONROW_SPEC_FLUSH_USERS_H

#include "flush_fixture.h"

typedef struct user_world {
    fl_world w;
    mr_mapper *user;
    mr_column *username, *email, *score;
} user_world;

/* Declares User, but does not end it: a test may add to it. */
static inline void declare_user(user_world *u) {
    fl_open(&u->w);
    u->user = fl_class(&u->w, "User");
    mr_type name80 = {.rules = &mr_type_string, .length = 80};
    u->username = mr_column_new(u->w.env, NULL, mr_type_new(u->w.env, &name80));
    u->username->unique = true;
    mr_mapper_add_column(u->user, "username", u->username);
    u->email = fl_column(&u->w, u->user, "email", MR_TYPE_TEXT);
    u->score = fl_column(&u->w, u->user, "score", MR_TYPE_INTEGER);
}

/* Users on the database of the URL. */
static inline void open_users_on(user_world *u, const char *url) {
    declare_user(u);
    fl_finish(&u->w, u->user, "user");
    fl_start(&u->w, url);
}

static inline void open_users(user_world *u) { open_users_on(u, "sqlite://"); }

/* A pending user. */
static inline mr_entity *make_user(user_world *u, const char *name) {
    mr_entity *e = fl_add(&u->w, fl_new(&u->w, u->user));
    fl_set(&u->w, e, "username", fl_text(name));
    return e;
}

#endif

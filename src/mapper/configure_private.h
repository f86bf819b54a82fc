/*
 * configure_private.h: the state of one configuration, for configure.c, backref.c and overlap.c.
 *
 * Invariant: plans own their working copies; a declared relationship is changed only when all plans are published.
 */
#ifndef MOONROW_MAPPER_CONFIGURE_PRIVATE_H
#define MOONROW_MAPPER_CONFIGURE_PRIVATE_H

#include "mapper_private.h"

/* One relationship that is being configured, as a working copy. */
typedef struct plan {
    mr_relationship *rel; /* the declared one, or one that a backref makes */
    mr_relationship work;
    size_t number; /* among the plans */
    bool resolved;
    bool failed;
    bool is_backref;        /* rel is new: its property is not attached yet */
    struct plan *same_name; /* the next backref of this name on a class of the same family */
    /* The other side, if it was configured before: its reverse is set when the plans are published. */
    mr_relationship *partner;
} plan;

typedef struct configuration {
    mr_env *env;
    mr_registry *registry;
    mr_vec plans;       /* plan * */
    mr_map *backrefs;   /* the first plan of each name and family, by those (backref.c); NULL: none yet */
    mr_vec writers;     /* who writes a column (overlap.c) */
    mr_strbuf mistakes; /* one line for each mistake */
    size_t nmistakes;
    mr_error *own; /* the error of a function of the program's, if it is one of the mistakes */
} configuration;

static inline plan *plan_at(const configuration *c, size_t i) { return mr_vec_ptr(&c->plans, i); }

/* The functions return MR_FAIL only when the configuration must stop: no memory, or the error of a callback. */

/* Notes "Class.attr: message" and marks the plan as failed. */
mr_status mr_configure_mistake(configuration *c, plan *p, const char *fmt, ...) MR_PRINTF(3, 4);
/* Notes the recorded error as a mistake, and clears it. MR_FAIL when it is an error that must stop the configuration.
 */
mr_status mr_configure_note_error(configuration *c, plan *p, const mr_property *prop);
/* Adds a plan for rel, with a working copy. */
plan *mr_configure_plan(configuration *c, mr_relationship *rel);
/* Sets the defaults that depend on the direction, and checks that the options fit each other. */
mr_status mr_configure_settle(configuration *c, plan *p);
/* Makes plans for the other sides that backrefs ask for, and connects the sides of back_populates. */
mr_status mr_configure_backrefs(configuration *c);
mr_status mr_configure_back_populates(configuration *c);

/* collection.c: checks what collection_class says, and finds the attributes that it names. */
mr_status mr_configure_collection(configuration *c, plan *p);

/* overlap.c: warns of each relationship of this configuration that writes the same columns as another one. */
void mr_configure_warn(configuration *c);
/* All the memory that it needs. Called before anything is published. */
mr_status mr_configure_reserve_warn(configuration *c);

#endif

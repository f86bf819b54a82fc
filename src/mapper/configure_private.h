/*
 * configure_private.h: a configuration under way; for configure.c and backref.c.
 */
#ifndef MOONROW_MAPPER_CONFIGURE_PRIVATE_H
#define MOONROW_MAPPER_CONFIGURE_PRIVATE_H

#include "mapper_private.h"

/* One relationship that is being configured: all is done to a working copy. */
typedef struct plan {
    mr_relationship *rel; /* the declared one, or one that a backref makes */
    mr_relationship work;
    bool resolved;
    bool failed;
    bool is_backref;          /* rel's property is not attached yet */
    mr_relationship *partner; /* configured before: its reverse is set when this is published */
} plan;

typedef struct configuration {
    mr_env *env;
    mr_registry *registry;
    mr_vec plans;       /* plan * */
    mr_strbuf mistakes; /* a line each */
    size_t nmistakes;
} configuration;

static inline plan *plan_at(const configuration *c, size_t i) { return mr_vec_ptr(&c->plans, i); }

/* Each returns MR_FAIL only where the configuration cannot go on (no memory, a callback's own error). */

/* Notes "Class.attr: message" and marks the plan as failed. */
mr_status mr_configure_mistake(configuration *c, plan *p, const char *fmt, ...) MR_PRINTF(3, 4);
/* The recorded error as a mistake; MR_FAIL when it must not be swallowed. */
mr_status mr_configure_note_error(configuration *c, plan *p, const mr_property *prop);
/* A plan for rel with a working copy. NULL without memory. */
plan *mr_configure_plan(configuration *c, mr_relationship *rel);
/* Defaults that depend on the direction, and checks of options against each other. */
mr_status mr_configure_settle(configuration *c, plan *p);
/* Makes plans for the other sides that backrefs ask for, and ties back_populates together. */
mr_status mr_configure_backrefs(configuration *c);
mr_status mr_configure_back_populates(configuration *c);

/* overlap.c: warns of relationships that are configured now and write what another writes. */
void mr_configure_warn(const configuration *c);

#endif

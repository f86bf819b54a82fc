/*
 * cache.h: the data that the load layer keeps for an environment, and for each class: the plans of get, refresh and
 * lazy loads, which need no query. Private to src/load.
 *
 * Invariant: a kept plan is used only for its dialect, and only for the version of the registry that it was made for.
 */
#ifndef MOONROW_LOAD_CACHE_H
#define MOONROW_LOAD_CACHE_H

#include "plan/plan.h"

typedef struct mr_loader mr_loader;
typedef struct mr_siblings mr_siblings;

/* A plan that is kept for a purpose, without the key of a query; for one dialect and one version of the registry. */
typedef struct mr_prepared {
    mr_plan *plan;   /* or NULL */
    mr_query *query; /* the query of the plan: a subquery load repeats it */
    const mr_dialect *dialect;
    uint64_t engine; /* of a lazy load: serial of the engine that was asked for folds */
    bool folds;      /* of a lazy load: see mr_relationship_folds */
} mr_prepared;

/* The unloaded columns of an entity that are loaded together. */
typedef struct mr_prepared_columns {
    uint16_t n;
    bool partial;    /* for a row whose key is NULL in part */
    uint16_t *slots; /* owned */
    mr_prepared prepared;
} mr_prepared_columns;

/* The first object whose attributes have given values. */
typedef struct mr_prepared_first {
    unsigned n;
    const mr_property **props; /* owned */
    mr_prepared prepared;
} mr_prepared_first;

typedef struct mr_class_plans {
    struct mr_class_plans *next;
    mr_mapper *mapper;
    uint64_t version;
    mr_prepared get, get_partial; /* get_partial: for a row whose key is NULL in part */
    mr_prepared spelling;         /* reads the key of a row by a key */
    mr_vec lazy;                  /* mr_prepared, by slot of the relationship */
    mr_vec columns;               /* mr_prepared_columns */
    mr_vec firsts;                /* mr_prepared_first, the one used last in front */
} mr_class_plans;

/* The data of the environment, made at first use. NULL: no memory. */
mr_loader *mr_loader_of(mr_env *env);
/* Where run/siblings.c, which frees them, keeps the groups of objects. NULL: there is no loader yet. */
mr_siblings **mr_loader_siblings(mr_env *env);
/* The loader owns plans from now on. */
void mr_loader_add_class(mr_loader *loader, mr_class_plans *plans);

/* prepared.c */
/* The plans of the class; empty when the registry has changed. NULL: no memory. */
mr_class_plans *mr_class_plans_of(mr_mapper *mapper);
void mr_class_plans_free(mr_class_plans *plans);
/* Makes prepared->plan a plan for the dialect: keeps the one it has, or plans the query that make returns (one
 * reference, which prepared keeps). make notes the query's late parameters in lates. */
mr_status mr_prepare(mr_env *env, mr_prepared *prepared, const mr_dialect *dialect,
                     mr_status (*make)(void *ud, mr_vec *lates, mr_query **out), void *ud);
/* Adds the criterion "key = late parameter" to the query; partial: "key IS late parameter". Consumes and returns a
 * query; NULL: failed. */
mr_query *mr_where_identity(mr_query *query, mr_mapper *mapper, bool partial, mr_vec *lates);
void mr_prepared_first_done(mr_prepared_first *first);
/* get.c: the parameters of a simple plan's statement: from values, by the number of its late parameters; those of a
 * parent from the slots of the entity parent (or NULL); and its own constants. Bytes are borrowed. false: out has no
 * room, or the statement takes others. */
bool mr_plan_params(const mr_plan *plan, const mr_value *values, mr_entity *parent, mr_value *out, size_t room);
void mr_prepared_done(mr_prepared *prepared);

#endif

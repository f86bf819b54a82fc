/*
 * cache.h: the load layer's share of an environment, and what it keeps per class: the plans of get, refresh
 * and lazy loads, which need no query. Private to src/load.
 */
#ifndef MOONROW_LOAD_CACHE_H
#define MOONROW_LOAD_CACHE_H

#include "plan.h"

typedef struct mr_loader mr_loader;

/* A plan that is found without a query's key, for one dialect and registry version. */
typedef struct mr_prepared {
    mr_plan *plan;   /* or NULL */
    mr_query *query; /* that it was made of: what a subquery load repeats */
    const mr_dialect *dialect;
    uint64_t engine; /* a lazy load's: where it was asked whether the relationship folds */
    bool folds;
} mr_prepared;

/* The unloaded columns of an entity that are loaded together. */
typedef struct mr_prepared_columns {
    uint16_t n;
    bool partial;    /* of a row whose key is NULL in part */
    uint16_t *slots; /* owned */
    mr_prepared prepared;
} mr_prepared_columns;

typedef struct mr_class_plans {
    struct mr_class_plans *next;
    mr_mapper *mapper;
    uint64_t version;
    mr_prepared get, get_partial; /* of a row whose key is NULL in part */
    mr_prepared spelling;         /* the key of the row that has a key */
    mr_vec lazy;                  /* mr_prepared, by slot of the relationship */
    mr_vec columns;               /* mr_prepared_columns */
} mr_class_plans;

/* The environment's, made at first use. NULL without memory. */
mr_loader *mr_loader_of(mr_env *env);
/* From now on the loader frees it. */
void mr_loader_add_class(mr_loader *loader, mr_class_plans *plans);

/* prepared.c */
/* The class's, emptied when the registry has changed. NULL without memory. */
mr_class_plans *mr_class_plans_of(mr_mapper *mapper);
void mr_class_plans_free(mr_class_plans *plans);
/* Makes sure of prepared's plan for the dialect: the one it has, or a new one of the query that make gives
 * (one reference, which prepared keeps), whose late parameters make notes in lates. */
mr_status mr_prepare(mr_env *env, mr_prepared *prepared, const mr_dialect *dialect,
                     mr_status (*make)(void *ud, mr_vec *lates, mr_query **out), void *ud);
/* A mapper's "key = late parameter" criterion for query; partial: "key IS late parameter". Consumes and gives
 * a query; NULL on failure. */
mr_query *mr_where_identity(mr_query *query, mr_mapper *mapper, bool partial, mr_vec *lates);
/* The column property of a slot. */
const mr_property *mr_mapper_at_slot(const mr_mapper *mapper, uint16_t slot);
void mr_prepared_done(mr_prepared *prepared);

#endif

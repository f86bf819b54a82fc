/*
 * plan.h: what a query has become: a compiled statement and a row program. Private to src/load.
 *
 * A plan is data and never changes once made (but for one by names, which serves one run): rows are
 * interpreted against it. It holds no value of the query that it was made for: the binds are found by their
 * number in the query's key.
 */
#ifndef MOONROW_LOAD_PLAN_H
#define MOONROW_LOAD_PLAN_H

#include <moonrow/load.h>

enum { MR_PLAN_NONE = UINT16_MAX };

typedef struct mr_plan mr_plan;
typedef struct mr_plan_entity mr_plan_entity;

/* The options that go on below an entity: what mr_entity.origin points to. It is part of its plan's memory,
 * and a reference to it is a reference to the plan. */
typedef struct mr_origin {
    mr_plan *plan;
    unsigned nopts;
    const mr_option *opts; /* steps are relative to the entity, with their properties found */
} mr_origin;

typedef struct mr_plan_slot {
    uint16_t column; /* of the result */
    uint16_t slot;
} mr_plan_slot;

/* A discriminator's value and the class that it stands for. */
typedef struct mr_plan_identity {
    const mr_value *value;
    mr_mapper *mapper;
} mr_plan_identity;

/* A relationship to be loaded by more statements, once the rows are read. */
typedef struct mr_plan_follow {
    const mr_property *prop;
    const mr_strategy *strategy; /* one that has jobs */
    unsigned nopts;
    const mr_option *opts; /* relative to the target */
} mr_plan_follow;

/* How an entity is made of a row. An entity comes after the one that it is joined to. */
struct mr_plan_entity {
    mr_mapper *mapper;
    uint16_t *keys;      /* result columns, in the primary key's order */
    mr_plan_slot *slots; /* by rising slot */
    mr_plan_identity *identities;
    const mr_property *along; /* the relationship that joins it to its parent */
    mr_origin *origin;        /* or NULL */
    mr_plan_follow *follows;
    const mr_property *const *path; /* the relationships from the first query's entity to this one */
    unsigned nfollows, npath;
    uint16_t nkeys; /* 0: the run knows its entity already */
    uint16_t nslots;
    uint16_t nidentities;
    uint16_t discriminator; /* result column, or MR_PLAN_NONE */
    uint16_t first, direct; /* direct > 0: all of slots is slot i from column first + i, i < direct */
    uint16_t parent;        /* the entity that this one is joined to, or MR_PLAN_NONE */
    bool collection;        /* along is a collection */
    bool repeats;           /* an item of it can come in several rows of one parent */
    bool outer;             /* a row may have none of it: an outer join */
};

typedef struct mr_plan_item {
    uint16_t entity; /* or MR_PLAN_NONE: */
    uint16_t column; /* of the result */
    const char *name;
} mr_plan_item;

/* A bind of the statement: the query's bind number source, or (source < 0) the plan's own node. */
typedef struct mr_plan_bind {
    int32_t source;
    mr_node *own;
} mr_plan_bind;

/* A named parameter whose value is read when the statement runs. */
typedef struct mr_plan_late {
    const char *name;
    uint16_t parent; /* the query's parent, by number; MR_PLAN_NONE: a key value of the identity that is loaded */
    uint16_t slot;   /* of the parent, or the key's position */
} mr_plan_late;

struct mr_plan {
    uint32_t refs;
    mr_env *env;
    mr_arena *arena; /* of all arrays below */
    mr_compiled *compiled;
    uint64_t version; /* of the registries when it was made */
    mr_mapper *lead;  /* whose connection it runs on, or NULL */
    uint16_t nentities, nitems, nlates;
    mr_plan_entity *entities;
    mr_plan_item *items;
    mr_plan_late *lates;
    uint32_t nbinds;
    mr_plan_bind *binds;
    uint16_t ncolumns;
    uint16_t width;        /* slots that an entity of it can have */
    const mr_type **types; /* or NULL: the compiled ones */
    bool unique;           /* a row of items can come again, and is then left out */
    bool collections;      /* it joins collections */
    bool follows;          /* more statements come after it */
    bool by_name;          /* the columns are found by name once the statement runs */
    unsigned nsources;     /* by_name: of a select it is known which column of which table each one is; NULL: of none */
    const mr_column **sources;
};

/* From outside of the query: where its entity stands below the first query. */
typedef struct mr_plan_path {
    const mr_property *const *props;
    unsigned n;
} mr_plan_path;

static inline bool mr_is_list(const mr_relationship *rel) {
    return rel->uselist >= 0 ? rel->uselist > 0 : rel->direction != MR_MANY_TO_ONE;
}

/* keyed.c: the query with the rows alone that have a primary key, where its rows are objects of one class. A new
 * reference; NULL without memory. */
mr_query *mr_query_keyed(mr_query *q);

/* Configures the mappings of the query's classes where something waits for it. */
mr_status mr_plan_configure(const mr_query *q);
/* Plans and compiles. The result has one reference. path may be NULL; binds: those of the query, in key
 * order. */
mr_status mr_plan_make(mr_query *q, const mr_plan_path *path, const mr_dialect *dialect, const mr_vec *binds,
                       mr_plan **out);
mr_plan *mr_plan_retain(mr_plan *plan);
void mr_plan_release(mr_plan *plan); /* NULL passes */
/* The plan of a query from the environment's cache, or a new one. *binds receives the query's binds in key
 * order. */
mr_status mr_plan_find(mr_query *q, const mr_plan_path *path, const mr_dialect *dialect, mr_vec *binds, mr_plan **out);
/* The sum of the versions of the registries that the query's classes are in. */
uint64_t mr_plan_version(const mr_query *q);
/* Completes a plan by_name from the names of the result's columns. */
mr_status mr_plan_match_names(mr_plan *plan, mr_query *q, mr_cursor *cursor);

#endif

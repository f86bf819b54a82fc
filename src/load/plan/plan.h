/*
 * plan.h: a plan: the compiled statement of a query, and the description of its rows. Private to src/load.
 *
 * Invariant: a finished plan never changes (except a plan by_name, which is used for one run only). It holds no value
 * of the query that it was made for: parameters are found by their number in the query's key.
 */
#ifndef MOONROW_LOAD_PLAN_H
#define MOONROW_LOAD_PLAN_H

#include <moonrow/load.h>

enum { MR_PLAN_NONE = UINT16_MAX };

typedef struct mr_plan mr_plan;
typedef struct mr_plan_entity mr_plan_entity;
typedef struct mr_one mr_one;

/* The loader options that apply below an entity. mr_entity.origin points to it. It is part of its plan's memory: a
 * reference to it is a reference to the plan. */
typedef struct mr_origin {
    mr_plan *plan;
    unsigned nopts;
    const mr_option *opts; /* resolved; their steps begin at the entity */
} mr_origin;

typedef mr_slot_source mr_plan_slot; /* column: of the result */

/* A discriminator's value and the class that it stands for, with what its rows fill. */
typedef struct mr_plan_identity {
    const mr_value *value; /* MR_UNLOADED: no value stands for the class */
    mr_mapper *mapper;
    mr_plan_slot *slots; /* sorted by slot */
    uint16_t nslots;
    bool partial; /* the class has columns that are loaded later, and none of them is deferred */
} mr_plan_identity;

/* The strategy that loads what subclasses add. */
extern const mr_strategy mr_strategy_polymorphic;

/* A relationship that jobs load when the rows were read; or (prop NULL) what subclasses add. */
typedef struct mr_plan_follow {
    const mr_property *prop;
    const mr_strategy *strategy; /* one that has jobs */
    uint32_t limit;              /* so many items for each parent; 0: all */
    mr_node *limit_by;           /* the order in which they are counted, kept by the plan; or NULL */
    const mr_polymorphic *with;  /* the subclasses that are loaded with the target, or (prop NULL) whose columns are */
    unsigned nopts;
    const mr_option *opts; /* relative to the target */
} mr_plan_follow;

/* How an entity is made from a row. In a plan an entity comes after the one that it is joined to. */
struct mr_plan_entity {
    mr_mapper *mapper;
    uint16_t *keys;      /* result columns, in the primary key's order */
    mr_plan_slot *slots; /* sorted by slot */
    mr_plan_identity *identities;
    const mr_property *along; /* the relationship by which it is joined to its parent */
    mr_origin *origin;        /* or NULL */
    mr_plan_follow *follows;
    const mr_property *const *path; /* the relationships from the first query's entity to this one */
    unsigned nfollows, npath;
    uint16_t nkeys; /* 0: the run has the entity already (run.fixed) */
    uint16_t nslots;
    uint16_t nidentities;
    uint16_t discriminator;           /* result column, or MR_PLAN_NONE: all rows are of the entity's class */
    const mr_plan_identity *fallback; /* for rows whose discriminator no class has; or NULL */
    uint16_t first, direct; /* direct > 0: slot i is column first + i for all i < direct, and slots has nothing else */
    uint16_t parent;        /* the entity that this one is joined to, or MR_PLAN_NONE */
    bool batched;           /* some relationship of it loads in batches: its objects make a group */
    bool noted;             /* the run notes its objects, for jobs or for a group */
    bool collection;        /* along is a collection */
    bool repeats;           /* an item of it can be in several rows of one parent */
    bool outer;             /* it is outer joined: a row may have no such entity */
};

typedef struct mr_plan_item {
    uint16_t entity; /* MR_PLAN_NONE: the item is a column */
    uint16_t column; /* of the result */
    const char *name;
} mr_plan_item;

/* A parameter of the statement: the query's parameter number source; source < 0: the plan's own node. */
typedef struct mr_plan_bind {
    int32_t source;
    mr_node *own;
} mr_plan_bind;

/* A named parameter whose value is read when the statement runs. */
typedef struct mr_plan_late {
    const char *name;
    uint16_t parent; /* number of the query's parent; MR_PLAN_NONE: the value is of the key that is loaded */
    uint16_t slot;   /* slot of the parent, or position in the key */
} mr_plan_late;

struct mr_plan {
    uint32_t refs;
    mr_env *env;
    mr_arena *arena; /* all arrays below are in it */
    mr_compiled *compiled;
    uint64_t version; /* version of the registries when the plan was made */
    mr_mapper *lead;  /* the statement runs on the connection of this class; or NULL */
    uint16_t nentities, nitems, nlates;
    mr_plan_entity *entities;
    mr_plan_item *items;
    mr_plan_late *lates;
    uint32_t nbinds;
    mr_plan_bind *binds;
    unsigned ncriteria;
    mr_loader_criterion **criteria; /* those of the options, which objects keep (mr_origin); one reference each */
    uint16_t ncolumns;
    const mr_type **types; /* by column; NULL: the types of compiled */
    bool unique;           /* a row with the same items as an earlier one is left out */
    bool collections;      /* some joined entity is a collection */
    bool follows;          /* jobs come after it */
    bool batched;          /* some entity is */
    bool simple;           /* each row is one object of one class, and nothing follows */
    bool plain;            /* rows are the statement's columns as they are: no entities */
    bool by_name;          /* columns are found by name when the statement runs */
    unsigned nkept;        /* nodes of its options, one reference each */
    mr_node **kept;
    unsigned nsources; /* by_name: the number of sources: the table's column of each result column; NULL: not known */
    const mr_column **sources;
    struct mr_run *spare; /* a run that is over: the memory of the next; or NULL */
    mr_one *one;          /* the same of a load of one object (run/one.c) */
};

/* What rows fill of an object of the class, which is that of the entity or one below it. */
typedef struct mr_filled {
    const mr_plan_slot *slots;
    uint16_t n;
} mr_filled;
static inline mr_filled mr_plan_filled(const mr_plan_entity *pe, const mr_mapper *mapper) {
    if (mapper != pe->mapper)
        for (uint16_t i = 0; i < pe->nidentities; i++)
            if (pe->identities[i].mapper == mapper)
                return (mr_filled){pe->identities[i].slots, pe->identities[i].nslots};
    return (mr_filled){pe->slots, pe->nslots};
}

/* The relationships that lead from the first query of a load to the entity of this query. */
typedef struct mr_plan_path {
    const mr_property *const *props;
    unsigned n;
} mr_plan_path;

static inline bool mr_is_list(const mr_relationship *rel) {
    return rel->uselist >= 0 ? rel->uselist > 0 : rel->direction != MR_MANY_TO_ONE;
}

/* keyed.c: the query without rows whose primary key is NULL, if its rows are objects of one class. A new reference;
 * NULL: no memory. */
mr_query *mr_query_keyed(mr_query *q);

/* Configures the mappings of the query's classes, if that was not done yet. */
mr_status mr_plan_configure(const mr_query *q);
/* Plans and compiles the query. path: may be NULL. binds: the query's parameters, in the order of its key. *out: one
 * reference. */
mr_status mr_plan_make(mr_query *q, const mr_plan_path *path, const mr_dialect *dialect, const mr_vec *binds,
                       mr_plan **out);
mr_plan *mr_plan_retain(mr_plan *plan);
void mr_plan_release(mr_plan *plan); /* NULL passes */
/* *out: the plan of the query, from the cache or new; one reference. *binds: receives the query's parameters, in the
 * order of its key. */
mr_status mr_plan_find(mr_query *q, const mr_plan_path *path, const mr_dialect *dialect, mr_vec *binds, mr_plan **out);
/* The sum of the versions of the registries that the query's classes are in. */
uint64_t mr_plan_version(const mr_query *q);
/* Completes a plan by_name with the column names of the result. */
mr_status mr_plan_match_names(mr_plan *plan, mr_query *q, mr_cursor *cursor);

#endif

/*
 * load.h: turns a query into a SELECT and a row program, runs it, and makes entities of rows.
 *
 * mr_load is a step machine: its state is in the struct, never in C locals, so that a driver that waits can be added.
 * Rows are read ahead (all of them, before the first is given out) unless the query says yield_per, so that follow-up
 * loads (selectin, subquery) see every parent at once.
 */
#ifndef MOONROW_LOAD_H
#define MOONROW_LOAD_H

#include <moonrow/query.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_load mr_load;

/* What the session gives. */
typedef struct mr_load_context {
    mr_env *env;
    mr_owner *owner;
    void *ud;
    /* The connection for a mapper (NULL: for a statement without one), in lazy mode already. */
    mr_status (*connection)(void *ud, mr_mapper *mapper, mr_conn **out);
    /* A load of several statements brackets them (one snapshot): enter may begin a transaction, leave ends it. May be
     * NULL. */
    mr_status (*enter)(void *ud);
    void (*leave)(void *ud);
    /* Before the changes of an entity are lost to what is in its row (populate_existing). May be NULL. */
    mr_status (*overwriting)(void *ud, mr_entity *entity);
    /* Nothing promises that reads repeat: rows are newer than what is in memory of an older version of the data. NULL:
     * false. */
    bool (*outside)(void *ud);
    mr_bad_values bad_values; /* unless the query says */
} mr_load_context;

/* Plans (from the registry's cache when the structure is known) and executes; nothing has been read when it returns.
 * The load pins the entities it gives out until it is closed, and retains the query. */
mr_status mr_load_start(const mr_load_context *ctx, mr_query *query, mr_load **out);
/* MR_ROW: a row is ready; MR_DONE; MR_FAIL. */
mr_status mr_load_step(mr_load *load);
/* Does it hold a cursor open while its rows are given out? */
bool mr_load_streams(const mr_load *load);
unsigned mr_load_width(const mr_load *load);
const char *mr_load_name(const mr_load *load, unsigned i); /* interned, or NULL */
/* The row: width values; entities as MR_ENTITY (or MR_NULL from an outer join). Good until the next step or close. */
const mr_value *mr_load_row(const mr_load *load);
int64_t mr_load_rowcount(const mr_load *load);
/* All rows that remain, at once: *rows is n * width values owned by the load until close. With one entity item, rows of
 * the same entity are given once (unless core_labels). */
mr_status mr_load_all(mr_load *load, const mr_value **rows, size_t *n);
void mr_load_close(mr_load *load); /* NULL passes */

/* The SELECT of the query as a node (new reference): for tostring, subqueries, counts. Options that join are left out
 * when plain is set. */
mr_status mr_load_statement(mr_query *query, bool plain, mr_node **out);
/* SELECT count(*) AS count_1 FROM (SELECT ...) AS anon_1 */
mr_status mr_load_count_statement(mr_query *query, mr_node **out);

/* *out (a new reference): the query without the rows whose primary key is NULL, where its class's table may have such
 * as the database says; otherwise the query itself. For what counts objects. */
mr_status mr_load_keyed(const mr_load_context *ctx, mr_query *query, mr_query **out);

/* ---------------------------------------------------------------- the columns of a FROM object */

/* The table behind aliases, or NULL. */
const mr_table *mr_from_table(const mr_node *from);
/* How many columns a table, alias, subquery or SELECT gives; 0: not known. */
size_t mr_from_width(const mr_node *from);
/* What a program calls column i, interned; NULL: it has no name. */
const char *mr_from_name(const mr_node *from, size_t i);
/* The place of the column of that name; mr_from_width where there is none. */
size_t mr_from_find(const mr_node *from, const char *name);
/* *out: column i as an expression, with the attribute that it comes from (a new reference). ArgumentError where it has
 * no name. */
mr_status mr_from_item(mr_node *from, size_t i, mr_node **out);

/* ---------------------------------------------------------------- criteria along a relationship */

/* An object that a criterion compares with. */
typedef struct mr_operand {
    mr_entity *object;
    /* The object's value for prop as an expression, which may read it when the statement runs; NULL: failed. along: the
     * relationship, for messages. required: a statement without that value is refused. */
    mr_node *(*key)(mr_entity *object, const mr_property *prop, const mr_property *along, bool required);
    bool apart; /* its key, compared as a value, finds other rows than a join of its row does */
} mr_operand;

/* What a criterion says of an object. */
typedef enum mr_belonging {
    MR_REFERS_TO,         /* rows of the relationship's class whose relationship leads to the object */
    MR_REFERS_TO_ANOTHER, /* rows of that class which lead to another object, or to none */
    MR_BELONGS_TO         /* rows of the relationship's target which the object's relationship leads to */
} mr_belonging;

/* All of these: mappings are configured; alias: of the class that the criterion is about (borrowed), or NULL: its
 * table; *out: a new reference. */

/* The relationship leads to a row of its target (or of of_type, when not NULL) for which the criterion (over the
 * target's bare columns; borrowed, or NULL) holds: EXISTS. */
mr_status mr_criterion_related(const mr_property *along, mr_node *alias, mr_mapper *of_type, mr_node *criterion,
                               mr_node **out);
/* InvalidRequestError where the object's class has no attribute for a column of the condition. */
mr_status mr_criterion_object(const mr_property *along, mr_node *alias, const mr_operand *object, mr_belonging how,
                              mr_node **out);
/* The relationship refers to nothing; negated: to something. */
mr_status mr_criterion_nothing(const mr_property *along, mr_node *alias, bool negated, mr_node **out);
/* Does the criterion join the object's row because its values find other rows? */
bool mr_operand_by_row(const mr_property *along, const mr_operand *object, mr_belonging how);

/* One entity by its identity, straight from the database (the identity map is asked by the caller): *out pinned, or
 * MR_NOTFOUND. Cached per mapper: no planning, no compiling after the first. options: a query whose options apply, or
 * NULL. */
mr_status mr_load_by_identity(const mr_load_context *ctx, mr_mapper *mapper, const mr_value *identity,
                              mr_query *options, mr_entity **out);
/* Reads the entity's row again, outside of a transaction: unchanged columns take on its values, deferred ones are to be
 * loaded again. MR_NOTFOUND when its row is gone. */
mr_status mr_load_again(const mr_load_context *ctx, mr_entity *entity, mr_query *options);
/* Loads the unloaded column slots of a persistent entity (props: n properties to load, or NULL: all that are not loaded
 * and not deferred; dirty ones are kept). MR_NOTFOUND when its row is gone. */
mr_status mr_load_refresh(const mr_load_context *ctx, mr_entity *entity, const mr_property *const *props, unsigned n);
/* ---- loader strategies (strategy.c) */

typedef struct mr_job mr_job; /* private to load: one relationship of many parents */

/* A loader strategy. Eager ones join, or have the functions of a job; all others wait for the first access. */
typedef struct mr_strategy {
    const char *word;    /* lazy = "selectin" */
    const char *option;  /* mr.selectinload; NULL: no option of its own */
    const char *setting; /* the option's setting that stands for this strategy: raiseload(A.bs, { sql_only = true }) */
    bool joins;          /* its rows come with those of the parents */

    /* A job's next statement is started: MR_ROW; MR_DONE: the job is done. NULL: there are no jobs. */
    mr_status (*next)(mr_job *job);
    mr_status (*row)(mr_job *job); /* the statement has given a row */
    mr_status (*end)(mr_job *job); /* the statement has been read: its own collections are filled */

    /* What an access to the unloaded attribute does. NULL: it is loaded. */
    mr_status (*access)(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop);
    bool users_only; /* access is for users: what a flush or a cascade needs is loaded all the same */
    bool closed;     /* not even a reference that takes no statement is given */
} mr_strategy;

#define MR_STRATEGY_ROW(CODE, row) extern const mr_strategy mr_strategy_##row;
MR_LOADER_STRATEGIES(MR_STRATEGY_ROW)
#undef MR_STRATEGY_ROW

/* Never NULL. */
const mr_strategy *mr_strategy_of(mr_lazy code);
static inline bool mr_strategy_is_eager(mr_lazy code) {
    const mr_strategy *s = mr_strategy_of(code);
    return s->joins || s->next;
}

/* Loads a relationship's slot by its own lazy strategy. MANY_TO_ONE from the identity map without a statement where it
 * can. */
mr_status mr_load_relationship(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop);
/* A reference that is none, or whose object is in the identity map; MR_NOTFOUND where it would take a statement (or a
 * strategy's word), and for all other relationships. */
mr_status mr_load_known_reference(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop);
/* mr_load_relationship for what a flush or a cascade must know: lazy = "raise" is for users, and does not
 * disturb it. */
mr_status mr_load_needed_relationship(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop);

#ifdef __cplusplus
}
#endif
#endif

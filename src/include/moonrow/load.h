/*
 * load.h: turns a query into a SELECT and a plan for its rows, runs it, and makes entities of the rows.
 *
 * Invariant: mr_load is a step machine: between two calls its whole state is in the struct, so that a driver that waits
 * can be added. Without yield_per all rows are read before the first is given out, so that the following loads
 * (selectin, subquery) see all parents at once.
 *
 * Functions that return mr_status record an error when they return MR_FAIL.
 */
#ifndef MOONROW_LOAD_H
#define MOONROW_LOAD_H

#include <moonrow/query.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_load mr_load;

/* What the load needs from its session. */
typedef struct mr_load_context {
    mr_env *env;
    mr_owner *owner;
    void *ud;
    /* The connection for a class (NULL: for a statement without a class), in lazy mode; borrowed. */
    mr_status (*connection)(void *ud, mr_mapper *mapper, mr_conn **out);
    /* Called before the first and after the last statement of a load with several statements, so that they read one
     * snapshot: enter may begin a transaction, leave ends it. May be NULL. */
    mr_status (*enter)(void *ud);
    void (*leave)(void *ud);
    /* Called before the values of a row overwrite the changes of an entity (populate_existing). May be NULL. */
    mr_status (*overwriting)(void *ud, mr_entity *entity);
    /* Does the session read outside of a transaction? Then a row may be newer than its object in memory. NULL: no. */
    bool (*outside)(void *ud);
    mr_bad_values bad_values; /* the query may say otherwise */
    mr_batching
        batch; /* max > 0: the relationships that load lazily load as "batch" does, and so do deferred columns */
    mr_query *criteria;     /* its options are loader criteria, which all queries get; borrowed, or NULL */
    mr_marks marks;         /* of the statements; what they do not say, the connection's say */
    bool any_row;           /* an object in memory is read again: loader criteria do not leave its row out */
    const mr_entity *asker; /* what is loaded is an attribute of this object; NULL: a query's result */
} mr_load_context;

/* Sets what the query says of its statements in the context, whose tag is then borrowed from the query. */
void mr_load_mark(mr_load_context *ctx, const mr_query *query);
/* The query with the loader criteria of the context. One reference; NULL: failed. */
mr_query *mr_load_query(const mr_load_context *ctx, mr_query *query);
/* Plans the query (or takes a plan from the cache) and runs the statement. No row has been read when it returns. The
 * load retains the query, and pins the entities that it gives out. *out: close it. */
mr_status mr_load_start(const mr_load_context *ctx, mr_query *query, mr_load **out);
/* Goes to the next row. MR_ROW: it is ready; MR_DONE: there are no more; MR_FAIL. */
mr_status mr_load_step(mr_load *load);
/* Does the load hold a cursor open while it gives out rows (yield_per)? */
bool mr_load_streams(const mr_load *load);
/* The number of values in a row. */
unsigned mr_load_width(const mr_load *load);
/* What happens to a stored value that cannot be read: for values that are converted when they are asked for. */
mr_bad_values mr_load_bad_values(const mr_load *load);
const char *mr_load_dialect(const mr_load *load);          /* the name of the database's dialect; NULL: not known */
const char *mr_load_name(const mr_load *load, unsigned i); /* the name of value i, interned; NULL: none */
/* The type by which value i was read; NULL: it is an entity. *column: the column that it is of, or NULL. */
const mr_type *mr_load_type(const mr_load *load, unsigned i, const mr_column **column);
/* The values of the row, borrowed until the next step or close. An entity is MR_ENTITY, or MR_NULL if an outer join has
 * found none. */
const mr_value *mr_load_row(const mr_load *load);
/* The number of rows that the statement has written. */
int64_t mr_load_rowcount(const mr_load *load);
/* All remaining rows at once. *rows: n * width values, borrowed until close. If the query has one item, which is a
 * class, each entity is given once (unless the query has core_labels). */
mr_status mr_load_all(mr_load *load, const mr_value **rows, size_t *n);
/* Of the rows of mr_load_all only the last `left` are still read: the objects of the others may be freed, unless
 * something else keeps them. */
void mr_load_release_rows(mr_load *load, size_t left);
void mr_load_close(mr_load *load); /* NULL passes */

/* ---- what a live query compares (run/image.c, run/awaited.c): of a load whose rows were read by mr_load_all */

/* Makes the images of the load's rows. */
typedef struct mr_images mr_images;
mr_status mr_images_open(mr_load *load, mr_images **out);
/* Appends to image all that the query has read for the row (of mr_load_all), the objects that it loads eagerly
 * included, as the database has it: changes that are not flushed do not count. Appends to key what tells the row's
 * objects from others; nothing, if the row has none. */
mr_status mr_images_row(mr_images *images, const mr_value *row, mr_strbuf *key, mr_strbuf *image);
void mr_images_close(mr_images *images); /* NULL passes */
/* MR_OK: only rows of the table with the value (borrowed) of *column can be in the main statement's result, whatever
 * is changed elsewhere. MR_NOTFOUND: that cannot be said. */
mr_status mr_load_awaited(const mr_load *load, const mr_column **column, mr_value *value);

/* The SELECT of the query, for tostring, subqueries and counts. plain: without the joins of loader options. *out: a new
 * reference. */
mr_status mr_load_statement(mr_query *query, bool plain, mr_node **out);
/* The FROM object that the query's select_from and joins make, for mr.join; the mappings are configured. *out: a new
 * reference. */
mr_status mr_load_join(mr_query *query, mr_node **out);
/* SELECT count(*) AS count_1 FROM (SELECT ...) AS anon_1. *out: a new reference. */
mr_status mr_load_count_statement(mr_query *query, mr_node **out);

/* For counting objects: the query without rows whose primary key is NULL, if the database says that the table may have
 * such rows; else the query itself. *out: a new reference. */
mr_status mr_load_keyed(const mr_load_context *ctx, mr_query *query, mr_query **out);

/* ---------------------------------------------------------------- the columns of a FROM object */

/* The table of the FROM object, also behind aliases. NULL: it is no table. */
const mr_table *mr_from_table(const mr_node *from);
/* A column of that name that is no table's: that of a subquery, or of mr.column. The same name and type give the same
 * column. NULL: failed. */
const mr_column *mr_stand_in_column(mr_env *env, const char *name, const mr_type *type);
/* The number of columns of a table, alias, subquery, join or SELECT; 0: not known. */
size_t mr_from_width(const mr_node *from);
/* The name of column i in a program, interned. NULL: it has none. */
const char *mr_from_name(const mr_node *from, size_t i);
/* The index of the column of that name; mr_from_width: there is none. */
size_t mr_from_find(const mr_node *from, const char *name);
/* *out: column i as an expression, with the attribute that it comes from; a new reference. ArgumentError: it has no
 * name. */
mr_status mr_from_item(mr_node *from, size_t i, mr_node **out);

/* The FROM object of a class with subclasses, annotated with the set. aliased: under names of its own; name: the one
 * that the program wants (of several tables: name_table), or NULL. A new reference; NULL: failed. */
mr_node *mr_polymorphic_from(const mr_polymorphic *with, bool aliased, const char *name);
/* Notes that the program made the aliases in the FROM object, which nobody else has yet. NULL passes. Returns it. */
mr_node *mr_from_given(mr_node *from);
/* The tables of a class, as a query of it reads them. A new reference; NULL: failed. */
mr_node *mr_mapper_from(mr_mapper *mapper);
/* The same under names of their own, for a program; name: as above. */
mr_node *mr_class_alias(mr_mapper *mapper, const char *name);
/* *out: discriminator IN (...) for a class that shares the table of its base; NOT IN (those of other classes) if rows
 * that tell of no class are objects of this one. NULL: the class needs none. */
mr_status mr_inheritance_criterion(mr_env *env, mr_mapper *mapper, mr_node *from, mr_node **out);

/* *out: "the row of the table, one of the class's, is that of an object of the class", for a statement that finds the
 * row by its key. A new reference, or NULL: each row of the table is. */
mr_status mr_row_criterion(mr_env *env, mr_mapper *mapper, const mr_table *table, mr_node **out);
/* *out: such criteria for the aliases and the classes of one table whose attributes `where` names and that the LIST
 * froms (or NULL) does not have. A new reference, or NULL: there are none. */
mr_status mr_where_rows(mr_env *env, const mr_node *where, const mr_node *froms, mr_node **out);

/* Adds the loader criteria among the options of the query to the SELECTs in *node, a part of another statement, which
 * is replaced; NULL passes. On failure *node is NULL. */
mr_status mr_load_narrow(const mr_query *q, mr_node **node);

/* ---------------------------------------------------------------- criteria along a relationship */

/* An object that a criterion compares with. */
typedef struct mr_operand {
    mr_entity *object;
    /* The object's value of prop as an expression, which may read it when the statement runs. along: the relationship,
     * for messages. required: a missing value is an error. NULL: failed. */
    mr_node *(*key)(mr_entity *object, const mr_property *prop, const mr_property *along, bool required);
    bool apart; /* comparing with its key as a value finds other rows than joining its row */
} mr_operand;

/* What a criterion says about an object. */
typedef enum mr_belonging {
    MR_REFERS_TO,         /* rows of the relationship's class whose relationship leads to the object */
    MR_REFERS_TO_ANOTHER, /* rows of that class which lead to another object, or to none */
    MR_BELONGS_TO         /* rows of the relationship's target which the object's relationship leads to */
} mr_belonging;

/* For all of these functions: the mappings are configured before. alias: the alias of the class that the criterion is
 * about, borrowed; NULL: its table. *out: a new reference. */

/* EXISTS: the relationship leads to a row of its target that meets the criterion. of_type: a subclass of the target, or
 * NULL. of_alias: the alias of the target that the criterion names, borrowed; NULL: it names the target's table.
 * criterion: borrowed; NULL: any row. */
mr_status mr_criterion_related(const mr_property *along, mr_node *alias, mr_mapper *of_type, mr_node *of_alias,
                               mr_node *criterion, mr_node **out);
/* The parts of which a layer above builds criteria of its own. */
/* *on: how the target's rows, read from remote (an alias), belong to the relationship's class, read from local (NULL:
 * its tables); with the criterion of the target's class. link: the alias of the link table; NULL: there is none. */
mr_status mr_along_condition(const mr_property *along, mr_node *local, mr_node *remote, mr_node *link, mr_node **on);
/* The LIST of the FROM objects that a SELECT takes from the statement around it: the parts of from (NULL: of the
 * class's own tables). A new reference; NULL: failed. */
mr_node *mr_along_correlated(mr_mapper *mapper, mr_node *from);
/* Is it a plain reference by one column, so that its foreign key says whether it leads anywhere? */
bool mr_along_by_key(const mr_relationship *rel);
/* Does the relationship lead to one row at most, by what the tables say: to a key, or from a unique foreign key? */
bool mr_along_is_single(const mr_relationship *rel);
/* May the link table of the relationship name one object several times, by what its keys say? */
bool mr_along_repeats(const mr_relationship *rel);
/* (SELECT count(*) ...): the number of these rows, each once, as a value. */
mr_status mr_count_related(const mr_property *along, mr_node *alias, mr_mapper *of_type, mr_node *of_alias,
                           mr_node *criterion, mr_node **out);
/* A criterion with an object. InvalidRequestError: the object's class has no attribute for a column that it needs. */
mr_status mr_criterion_object(const mr_property *along, mr_node *alias, const mr_operand *object, mr_belonging how,
                              mr_node **out);
/* The relationship leads to no row; negated: it leads to some row. */
mr_status mr_criterion_nothing(const mr_property *along, mr_node *alias, bool negated, mr_node **out);
/* Does the criterion join the object's row, because comparing with its values would find other rows? */
bool mr_operand_by_row(const mr_property *along, const mr_operand *object, mr_belonging how);

/* Reads one entity by its identity from the database; the caller has looked in the identity map before. *out: pinned.
 * MR_NOTFOUND: there is no row. The plan is kept for the class. options: a query whose loader options apply; NULL:
 * none. */
mr_status mr_load_by_identity(const mr_load_context *ctx, mr_mapper *mapper, const mr_value *identity,
                              mr_query *options, mr_entity **out);
/* A query that keeps its plan, to be run often with other values for its named parameters. Retains the query. whole:
 * NULL, or the one of which this is a part: values for parameters that only it has are ignored; borrowed, it must live
 * as long. NULL: no memory. */
typedef struct mr_ready mr_ready;
mr_ready *mr_ready_new(mr_query *query, mr_ready *whole);
void mr_ready_free(mr_ready *ready); /* NULL passes */
mr_query *mr_ready_query(const mr_ready *ready);
/* mr_load_start with these values (mr_named_value). ArgumentError: no parameter has one of the names. */
mr_status mr_load_ready(const mr_load_context *ctx, mr_ready *ready, const mr_vec *named, mr_load **out);
/* Finds the entity of its first row. *out: pinned. MR_NOTFOUND: there is none. MR_DONE: it takes a load. */
mr_status mr_ready_first(const mr_load_context *ctx, mr_ready *ready, const mr_vec *named, mr_entity **out);

/* Finds the first entity whose attributes equal these, by a statement that the class keeps. *out: pinned. MR_NOTFOUND:
 * there is none. MR_DONE: the class's objects take more than one plain statement, or a value is spelled in several
 * ways: run the query. */
mr_status mr_load_first(const mr_load_context *ctx, mr_mapper *mapper, const mr_equal *equals, unsigned n,
                        mr_entity **out);
/* Reads the entity's row again, outside of a transaction: unchanged columns get the row's values, and deferred columns
 * are unloaded. options: as above. MR_NOTFOUND: the row is gone. */
mr_status mr_load_again(const mr_load_context *ctx, mr_entity *entity, mr_query *options);
/* Loads column slots of a persistent entity. props: n properties to load; NULL: all that are neither loaded nor
 * deferred; if it lacks them all, also the relationships that the options of its query, or the class, load eagerly.
 * Changed slots are kept. MR_NOTFOUND: the row is gone. */
mr_status mr_load_refresh(const mr_load_context *ctx, mr_entity *entity, const mr_property *const *props, unsigned n);
/* The same of an entity that lacks all its columns, for a program that asks for it: the options of its query say which
 * columns are deferred, too. */
mr_status mr_load_refresh_whole(const mr_load_context *ctx, mr_entity *entity);
/* The same for columns that the class or the query has deferred and a program reads: with those of the objects that
 * were loaded together with the entity, if these load in batches. */
mr_status mr_load_deferred(const mr_load_context *ctx, mr_entity *entity, const mr_property *const *props, unsigned n);
/* The same without a list, for an entity that has its key. */
mr_status mr_load_lacking(const mr_load_context *ctx, mr_entity *entity);
/* Appends to out (mr_entity *) the object, and at most max - 1 living ones of its session that come after it and have
 * the collection, which they have not loaded: those that were loaded together with it, or else those of its class that
 * were made after it. Nothing pins them. */
mr_status mr_load_neighbours(mr_entity *entity, const mr_property *prop, size_t max, mr_vec *out);
/* Does the object keep loader criteria of the query that gave it, for what is loaded of it later? */
bool mr_load_keeps_criteria(const mr_entity *entity);
/* The query with these criteria. One reference; NULL: failed. */
mr_query *mr_load_with_kept_criteria(mr_query *q, const mr_entity *entity);
/* ---- loader strategies (strategy.c) */

typedef struct mr_job mr_job; /* private to load: one relationship of many parents */

/* A loader strategy. An eager one joins, or has the functions of a job; all others wait for the first access. */
typedef struct mr_strategy {
    const char *word;    /* lazy = "selectin" */
    const char *option;  /* mr.selectinload; NULL: no option of its own */
    const char *setting; /* a setting of the option that means this strategy: raiseload(A.bs, { sql_only = true }) */
    bool joins;          /* its rows come with those of the parents */

    /* Starts the next statement of a job. MR_ROW: it runs; MR_DONE: the job is finished. NULL: the strategy has no
     * jobs. */
    mr_status (*next)(mr_job *job);
    mr_status (*row)(mr_job *job); /* the statement has given a row */
    mr_status (*end)(mr_job *job); /* the statement has been read; what it joined is filled later */

    /* Called when a program reads the unloaded attribute. NULL: the attribute is loaded then. */
    mr_status (*access)(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop);
    bool limits;     /* can load so many items for each parent */
    bool recurs;     /* can go on along a relationship that leads to the same class again */
    bool usual;      /* a session may say otherwise: mr_load_context.batch */
    bool batches;    /* what a program reads is loaded for the objects that were loaded with it, too */
    bool users_only; /* access is for programs only: a flush or a cascade loads the attribute all the same */
    bool closed;     /* not even a reference that needs no statement may be read */
    mr_queried queried;
} mr_strategy;

#define MR_STRATEGY_ROW(CODE, row) extern const mr_strategy mr_strategy_##row;
MR_LOADER_STRATEGIES(MR_STRATEGY_ROW)
#undef MR_STRATEGY_ROW

/* The strategy of the code. Never NULL. */
const mr_strategy *mr_strategy_of(mr_lazy code);
static inline bool mr_strategy_is_eager(mr_lazy code) {
    const mr_strategy *s = mr_strategy_of(code);
    return s->joins || s->next;
}

/* Loads the slot of a relationship as its lazy strategy says. A many-to-one target that is in the identity map takes no
 * statement. */
mr_status mr_load_relationship(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop);
/* Loads a reference that needs no statement: it is NULL, or its target is in the identity map. MR_NOTFOUND: it needs a
 * statement, or its strategy must decide, or it is a collection. */
mr_status mr_load_known_reference(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop);
/* The same as mr_load_relationship, for a flush or a cascade: lazy = "raise" does not forbid it. */
mr_status mr_load_needed_relationship(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop);

#ifdef __cplusplus
}
#endif
#endif

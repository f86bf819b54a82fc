/*
 * query.h: the description of a query and its loader options. Executes nothing.
 *
 * A query is immutable and counted: each function that changes something returns a new one, so a prefix can
 * be shared. Like the node constructors they consume the nodes given to them, also on failure; the query itself is
 * borrowed.
 */
#ifndef MOONROW_QUERY_H
#define MOONROW_QUERY_H

#include <moonrow/entity.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_query mr_query;

/* What a row of the result holds at one place: an entity of a class (alias: of which FROM), or an expression. */
typedef struct mr_query_item {
    mr_mapper *mapper;   /* or NULL */
    mr_node *alias;      /* of the mapper's table, or NULL: the table itself */
    mr_node *expression; /* when mapper is NULL */
    const char *name;    /* in the row: the class's name, the label, the column; interned; NULL: unnamed */
} mr_query_item;

/* A join as written: along a relationship, or onto a target with an ON of its own, or with an ON found from foreign
 * keys. */
typedef struct mr_query_join {
    mr_op kind;               /* MR_OP_INNER, MR_OP_LEFT, MR_OP_FULL */
    const mr_property *along; /* a relationship, or NULL */
    mr_node *left_alias;      /* of the relationship's own class, or NULL */
    mr_mapper *mapper;        /* the target class, or NULL when target says all */
    mr_node *target;          /* an alias, a table, a subquery; or NULL: the mapper's table */
    mr_node *on;              /* or NULL */
    bool ordered;             /* along's order_by belongs to the query's order */
} mr_query_join;

/* One step of an option's path: a property, or its name, to be found when the query is planned. */
typedef struct mr_option_step {
    const mr_property *prop;
    const char *name;
    mr_mapper *of_type;
} mr_option_step;

/* The steps that the options of one chain share, each the first nsteps of them. Counted; of the query layer. */
typedef struct mr_option_path mr_option_path;

typedef enum mr_option_kind {
    MR_OPTION_LAZY = 1,       /* the last step's relationship loads by strategy */
    MR_OPTION_CONTAINS_EAGER, /* ... from the query's own join */
    MR_OPTION_DEFER,
    MR_OPTION_UNDEFER,
    MR_OPTION_UNDEFER_GROUP,
    MR_OPTION_LOAD_ONLY,     /* of the attributes named by several options with one path, only these */
    MR_OPTION_WILDCARD_LAZY, /* "*": every relationship of the path's class */
    MR_OPTION_PATH           /* a path alone: it must be there, and changes nothing */
} mr_option_kind;

typedef struct mr_option {
    mr_option_kind kind;
    mr_lazy strategy;
    bool innerjoin;
    unsigned nsteps;
    mr_option_step *steps;
    mr_option_path *path; /* that a query's steps are in; ignored in what a query is given */
    const char *group;    /* UNDEFER_GROUP */
    mr_node *alias;       /* CONTAINS_EAGER: the FROM that holds the rows, or NULL */
    mr_mapper *mapper;    /* the class that the path starts from, or NULL: the query's first that has it */
    mr_node *start;       /* the alias of that class whose objects are meant, or NULL: those of the class itself */
} mr_option;

/* A criterion whose value is read when the query runs: with_parent. */
typedef struct mr_query_parent {
    const mr_property *along; /* a relationship of the parent's class */
    mr_entity *parent;        /* pinned by the query */
    mr_node *alias;           /* of the target, or NULL */
    bool ordered;             /* along's order_by belongs to the query's order */
} mr_query_parent;

/* What becomes of a stored value that is none of its type's. */
typedef enum mr_bad_values {
    MR_BAD_VALUES_RAISE = 0, /* DataError */
    MR_BAD_VALUES_NULL,
    MR_BAD_VALUES_KEEP /* it is taken as it is stored */
} mr_bad_values;

/* What a mr_query holds; read by the load layer. */
struct mr_query {
    uint32_t refs;
    mr_env *env;
    bool core_labels; /* select() style: "user.id"; else "user.id AS user_id" */
    unsigned nitems;
    mr_query_item *items;
    unsigned njoins;
    mr_query_join *joins;
    unsigned noptions;
    mr_option *options;
    unsigned nparents;
    mr_query_parent *parents;
    mr_select clauses;  /* columns unused; from: select_from; where, group_by ... */
    mr_node *statement; /* from_statement or a text; or NULL */
    mr_node *united; /* ALIAS of the COMPOUND that its rows come from: what names what that lists means its columns; or
                        NULL */
    bool united_outer; /* a row of it may lack a class */
    unsigned nparams;
    struct mr_query_param {
        const char *name;
        mr_value value;
    } * params;         /* owned copies */
    uint32_t yield_per; /* 0: reads ahead */
    bool populate_existing;
    mr_bad_values bad_values;
    bool autoflush; /* default true */
    mr_lazy deflt;
    const char *cardinality_name; /* "User": what one() names in its errors */
};

/* A query over n items (copied; their nodes consumed). */
mr_query *mr_query_new(mr_env *env, const mr_query_item *items, unsigned n, bool core_labels);
mr_query *mr_query_retain(mr_query *q);
void mr_query_release(mr_query *q); /* NULL passes */

mr_query *mr_query_where(const mr_query *q, mr_node *criterion); /* AND */
mr_query *mr_query_having(const mr_query *q, mr_node *criterion);
/* items: LIST or one expression; NULL takes the order away */
mr_query *mr_query_order_by(const mr_query *q, mr_node *item);
mr_query *mr_query_group_by(const mr_query *q, mr_node *item);
mr_query *mr_query_limit(const mr_query *q, mr_node *limit);
mr_query *mr_query_offset(const mr_query *q, mr_node *offset);
mr_query *mr_query_distinct(const mr_query *q, mr_node *on /* or NULL */);
mr_query *mr_query_select_from(const mr_query *q, mr_node *from);
mr_query *mr_query_correlate(const mr_query *q, mr_node *froms);
mr_query *mr_query_for_update(const mr_query *q, const char *mode);
mr_query *mr_query_join_on(const mr_query *q, const mr_query_join *join); /* its nodes consumed */
mr_query *mr_query_option(const mr_query *q, const mr_option *option);    /* copied; alias and start consumed */
/* Several at once, in time for a chain of them: those that follow each other with one pointer to steps share them.
 * Copied; their aliases and starts are the caller's. */
mr_query *mr_query_options(const mr_query *q, const mr_option *options, unsigned n);
mr_query *mr_query_with_parent(const mr_query *q, const mr_property *along, mr_entity *parent, mr_node *alias);
/* The same in the relationship's own order: what a lazy load of it asks. */
mr_query *mr_query_related(const mr_query *q, const mr_property *along, mr_entity *parent);
/* The same query without its with_parent criteria: for one whose parents' values have become plain criteria. */
mr_query *mr_query_without_parents(const mr_query *q);
mr_query *mr_query_with_items(const mr_query *q, const mr_query_item *items, unsigned n, bool append);
mr_query *mr_query_param_value(const mr_query *q, const char *name, const mr_value *value);
mr_query *mr_query_from_statement(const mr_query *q, mr_node *statement);
/* A query for the objects of the class in what the statement (borrowed) returns, with the values of its parameters. */
mr_query *mr_query_returned(mr_mapper *mapper, mr_node *statement, const mr_named_value *named, size_t n);
/* The items and options of q, over the rows of a compound (ALIAS; consumed) that its queries are in; none of its
 * clauses. */
mr_query *mr_query_over(const mr_query *q, mr_node *united, bool outer);
/* May a row lack a class that the query gives because an outer join found nothing? */
bool mr_query_is_outer(const mr_query *q);
mr_query *mr_query_yield_per(const mr_query *q, uint32_t rows);
mr_query *mr_query_bad_values(const mr_query *q, mr_bad_values how);
mr_query *mr_query_flags(const mr_query *q, int populate_existing, int autoflush); /* -1: as it is */

/* The first item's mapper, or NULL: what filter_by and with_parent start from. With joins: the last joined class for
 * filter_by. */
mr_mapper *mr_query_lead(const mr_query *q);
mr_mapper *mr_query_filter_by_target(const mr_query *q, mr_node **alias /* borrowed */);
/* Appends the query's structure to key, in the manner of mr_sql_key (parents by their relationship; equal keys
 * plan to equal statements and row programs), and its binds. */
mr_status mr_query_key(const mr_query *q, mr_strbuf *key, mr_vec *binds);

/* The method that gave the query a clause other than a criterion: "join", "limit", ...; NULL: it has none. Static. */
const char *mr_query_clause_method(const mr_query *q);

#ifdef __cplusplus
}
#endif
#endif

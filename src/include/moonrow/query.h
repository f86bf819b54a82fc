/*
 * query.h: the description of a query and its loader options. Nothing is executed here.
 *
 * Invariant: a query is never changed after it was made. A function that adds something returns a new query with one
 * reference, so that queries may share their beginning.
 *
 * Ownership: these functions borrow the query q, and consume the nodes that they receive, also on failure. A required
 * node that is NULL makes them return NULL, with the error of making the node. A mr_query may be NULL in the same way.
 */
#ifndef MOONROW_QUERY_H
#define MOONROW_QUERY_H

#include <moonrow/entity.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_query mr_query;

/* One item of a result row: an entity of a class, or the value of an expression. */
typedef struct mr_query_item {
    mr_mapper *mapper;   /* the class of an entity; NULL: the item is an expression */
    mr_node *alias;      /* entity: the alias of the class's table; NULL: the table itself */
    mr_node *expression; /* used when mapper is NULL */
    const char *name;    /* its name in the row (class, label or column), interned; NULL: none */
} mr_query_item;

/* A join, as the user has written it: along a relationship, or to a target with an ON. Without both, the ON is found
 * from the foreign keys. */
typedef struct mr_query_join {
    mr_op kind;               /* MR_OP_INNER, MR_OP_LEFT or MR_OP_FULL */
    const mr_property *along; /* a relationship, or NULL */
    mr_node *left_alias;      /* the alias of the class that has the relationship, or NULL */
    mr_mapper *mapper;        /* the target class; NULL: target is no class */
    mr_node *target;          /* an alias, a table or a subquery; NULL: the table of mapper */
    mr_node *on;              /* or NULL */
    mr_node *from;            /* what the join begins with (join_from); NULL: it is found */
    bool ordered;             /* the query is also ordered by the order_by of the relationship */
    bool implied;             /* a criterion needs it, nobody has asked for it: it finds one row at most */
} mr_query_join;

/* One step of an option's path: a property, or the name of one, which is looked up when the query is planned. */
typedef struct mr_option_step {
    const mr_property *prop;
    const char *name;
    mr_mapper *of_type;
    const mr_polymorphic *with; /* the subclasses that are loaded with the target; NULL: those that the classes say */
} mr_option_step;

/* The steps that all options of one chain share; each option uses the first nsteps of them. Has a reference count. */
typedef struct mr_option_path mr_option_path;

typedef enum mr_option_kind {
    MR_OPTION_LAZY = 1,       /* the relationship of the last step is loaded by strategy */
    MR_OPTION_CONTAINS_EAGER, /* the relationship of the last step is loaded from the query's own join */
    MR_OPTION_DEFER,
    MR_OPTION_UNDEFER,
    MR_OPTION_UNDEFER_GROUP,
    MR_OPTION_LOAD_ONLY,     /* only the attributes that the options with this path name are loaded */
    MR_OPTION_WILDCARD_LAZY, /* "*": all relationships of the last step's class are loaded by strategy */
    MR_OPTION_POLYMORPHIC,   /* what these subclasses add is loaded by a statement for each class */
    MR_OPTION_CRITERIA,      /* the rows of a class meet a criterion wherever they are read; no path */
    MR_OPTION_PATH           /* only a path: it must exist, and changes nothing */
} mr_option_kind;

/* What with_loader_criteria says of the rows of a class. Never changes; has a reference count. */
typedef struct mr_loader_criterion {
    uint32_t refs;
    mr_mapper *mapper;   /* the class; its subclasses, too */
    mr_node *expression; /* names the columns of the class */
    bool aliases;        /* rows of aliases that the program made must meet it, too */
    bool goes_on;        /* so must what is loaded later, when a relationship of the objects is read */
} mr_loader_criterion;

/* One reference. Consumes the expression, also on failure. NULL: failed. */
mr_loader_criterion *mr_loader_criterion_new(mr_mapper *mapper, mr_node *expression, bool aliases, bool goes_on);
/* Adds a reference. Returns c. NULL is allowed. */
mr_loader_criterion *mr_loader_criterion_retain(mr_loader_criterion *c);
void mr_loader_criterion_release(mr_loader_criterion *c); /* NULL passes */

typedef struct mr_option {
    mr_option_kind kind;
    mr_lazy strategy;
    bool innerjoin;
    mr_batching batch; /* LAZY, WILDCARD_LAZY: of the strategy "batch" */
    uint32_t limit;    /* LAZY: so many items for each parent; 0: all */
    mr_node *limit_by; /* the order in which they are counted: an expression or a LIST; or NULL */
    int32_t recursion; /* LAZY, of a self-referential relationship: so many levels more; -1: all that there are */
    unsigned nsteps;
    mr_option_step *steps;
    mr_option_path *path;       /* the owner of steps, in a query's own options; ignored in options that callers pass */
    const char *group;          /* UNDEFER_GROUP */
    const mr_polymorphic *with; /* POLYMORPHIC */
    mr_node *alias;             /* CONTAINS_EAGER: the FROM object that has the rows, or NULL */
    mr_mapper *mapper; /* the class where the path starts; NULL: the query's first class that has the first step */
    mr_node *start;    /* the alias of that class whose objects are meant; NULL: those of the class itself */
    mr_loader_criterion *criterion; /* CRITERIA */
} mr_option;

/* The criterion with_parent, whose values are read from the parent when the query is executed. */
typedef struct mr_query_parent {
    const mr_property *along; /* a relationship of the parent's class */
    mr_entity *parent;        /* the query keeps it alive */
    mr_node *alias;           /* the alias of the target class, or NULL */
    bool ordered;             /* the query is also ordered by the order_by of the relationship */
} mr_query_parent;

/* What happens to a stored value that its type cannot read. */
typedef enum mr_bad_values {
    MR_BAD_VALUES_RAISE = 0, /* it is a DataError */
    MR_BAD_VALUES_NULL,      /* it becomes NULL */
    MR_BAD_VALUES_KEEP       /* it is returned as it is stored */
} mr_bad_values;

/* A column attribute equals a value, which is none that coercion would change, and not NULL. */
typedef struct mr_equal {
    const mr_property *prop;
    mr_value value;
} mr_equal;

/* The members of a query, which the load layer reads. */
struct mr_query {
    mr_env *env;
    uint32_t refs;
    unsigned nitems;
    bool core_labels; /* columns are written as select() writes them, "user.id"; else "user.id AS user_id" */
    unsigned njoins;
    mr_query_item *items;
    mr_query_join *joins;
    unsigned noptions;
    mr_option *options;                 /* the first of those in option_list */
    struct mr_option_list *option_list; /* shared by the queries of a chain; or NULL */
    unsigned nparents;
    mr_query_parent *parents;
    mr_select clauses;  /* from is that of select_from; columns is not used */
    bool sources;       /* from has classes that the program names: rows of others in their tables are left out */
    mr_node *statement; /* the statement of from_statement, or a text; or NULL */
    /* The ALIAS of the COMPOUND (a union) from which the rows come, or NULL. A criterion that names an item of the
     * COMPOUND means the ALIAS's column. */
    mr_node *united;
    bool united_outer; /* a class may be missing in a row of the COMPOUND */
    bool standing;     /* the COMPOUND is written by itself where no clause is about a single row of it */
    unsigned nparams;
    struct mr_query_param {
        const char *name;
        mr_value value;
    } * params;         /* owned copies */
    uint32_t yield_per; /* number of rows that are loaded together; 0: all */
    bool populate_existing;
    mr_bad_values bad_values;
    bool autoflush; /* default true */
    char *tag;      /* mr_marks, the text owned */
    double timeout;
    mr_lazy deflt;
    const char *cardinality_name; /* the name in the errors of one(): "User" */
};

/* A query for n items (copied; their nodes are consumed). One reference. */
mr_query *mr_query_new(mr_env *env, const mr_query_item *items, unsigned n, bool core_labels);
/* Adds a reference. Returns q. */
mr_query *mr_query_retain(mr_query *q);
/* Gives a reference back; frees the query with the last one. NULL is allowed. */
void mr_query_release(mr_query *q);

/* The query with one clause more, or another one. A criterion is added to earlier ones with AND. */
mr_query *mr_query_where(const mr_query *q, mr_node *criterion);
mr_query *mr_query_having(const mr_query *q, mr_node *criterion);
/* item is an expression or a LIST of them, which are added behind earlier ones; NULL removes the order. */
mr_query *mr_query_order_by(const mr_query *q, mr_node *item);
mr_query *mr_query_group_by(const mr_query *q, mr_node *item);
/* The query with one row for each object of its class, where a join repeats the objects; otherwise the query itself.
 * The class must be configured. One reference. NULL: the query cannot have pages, as it has a limit, or fills a list
 * from its own rows (contains_eager). */
mr_query *mr_query_of_parents(mr_query *q);
mr_query *mr_query_limit(const mr_query *q, mr_node *limit);
mr_query *mr_query_offset(const mr_query *q, mr_node *offset);
mr_query *mr_query_distinct(const mr_query *q, mr_node *on /* or NULL */);
mr_query *mr_query_select_from(const mr_query *q, mr_node *from);
/* The same as the program means it: of a class that shares its table, only the class's own rows. */
mr_query *mr_query_select_rows_from(const mr_query *q, mr_node *from);
mr_query *mr_query_correlate(const mr_query *q, mr_node *froms);
/* Writes the CTE in front of the query, whether it reads from it or not. */
mr_query *mr_query_add_cte(const mr_query *q, mr_node *cte);
/* Does the query change rows, by a statement among its CTEs? */
bool mr_query_writes(const mr_query *q);
/* Only the LIST is correlated, nothing if it is empty; except: all but the LIST. */
mr_query *mr_query_correlate_list(const mr_query *q, mr_node *froms, bool except);
/* The query without its DISTINCT. */
mr_query *mr_query_not_distinct(const mr_query *q);
/* The query with the list in place of the list parameters of its name, everywhere. *found: there is one; where there is
 * none, the result is a plain copy. ArgumentError: a value does not fit. */
mr_query *mr_query_with_list(const mr_query *q, const mr_named_list *list, bool *found);
/* The query's first parameter of the name, as in mr_sql_find_param. */
mr_status mr_query_find_param(const mr_query *q, const char *name, const mr_node **out);
mr_query *mr_query_for_update(const mr_query *q, const char *mode);
/* Adds a join. *join is copied; its nodes are consumed. */
mr_query *mr_query_join_on(const mr_query *q, const mr_query_join *join);
/* Adds a loader option. *option is copied; its nodes are consumed, its criterion is borrowed. */
mr_query *mr_query_option(const mr_query *q, const mr_option *option);
/* Adds n options. They are copied; their nodes and criteria are borrowed. Options that follow each other with the same
 * pointer steps share one copy of the steps, so the time is linear for a chain of options, too. */
mr_query *mr_query_options(const mr_query *q, const mr_option *options, unsigned n);
/* The query without loader options, but those that are loader criteria. */
mr_query *mr_query_only_criteria(const mr_query *q);
/* Takes the loader criteria from the options of a query that the caller alone has. */
mr_status mr_query_drop_criteria(mr_query *q);
/* Adds the criterion that the row belongs to parent, along a relationship of the parent's class. alias is that of the
 * target class (consumed), or NULL. */
mr_query *mr_query_with_parent(const mr_query *q, const mr_property *along, mr_entity *parent, mr_node *alias);
/* The same, ordered by the order_by of the relationship: the query of a lazy load. */
mr_query *mr_query_related(const mr_query *q, const mr_property *along, mr_entity *parent);
/* The query without its with_parent criteria, after the caller has replaced them by plain criteria. */
mr_query *mr_query_without_parents(const mr_query *q);
/* The query with other items (copied; their nodes are consumed); append: in addition to its own. */
mr_query *mr_query_with_items(const mr_query *q, const mr_query_item *items, unsigned n, bool append);
/* Sets the value (copied) of a named parameter. */
mr_query *mr_query_param_value(const mr_query *q, const char *name, const mr_value *value);
/* The query whose rows come from this statement. */
mr_query *mr_query_from_statement(const mr_query *q, mr_node *statement);
/* A query for the objects of a class in the rows that the statement (borrowed) returns. It gets the n values of named
 * parameters. populate: objects in memory take the values of their rows. */
mr_query *mr_query_returned(mr_mapper *mapper, mr_node *statement, bool populate, const mr_named_value *named,
                            size_t n);
/* A query with the items and options of q, but without its clauses, whose rows come from united: the ALIAS of a
 * COMPOUND of which q is a part. outer: see mr_query.united_outer. */
mr_query *mr_query_over(const mr_query *q, mr_node *united, bool outer);
/* The same for a COMPOUND that stands alone (mr_query.standing). */
mr_query *mr_query_standing(const mr_query *q, mr_node *united, bool outer);
/* Can a class of the query be missing in a row, because an outer join has found no row for it? */
bool mr_query_is_outer(const mr_query *q);
mr_query *mr_query_yield_per(const mr_query *q, uint32_t rows);
mr_query *mr_query_bad_values(const mr_query *q, mr_bad_values how);
/* Sets the tag (copied) or the timeout of the query's statements: see mr_marks. They are no part of its key. */
mr_query *mr_query_tag(const mr_query *q, const char *tag);
mr_query *mr_query_timeout(const mr_query *q, double seconds);
/* Sets the flags: 1 or 0; -1 leaves a flag as it is. */
mr_query *mr_query_flags(const mr_query *q, int populate_existing, int autoflush);

/* The class of the first item, or NULL. */
mr_mapper *mr_query_lead(const mr_query *q);
/* The same. *alias receives its alias (borrowed), or NULL. */
mr_mapper *mr_query_lead_and_alias(const mr_query *q, mr_node **alias);
/* The class whose attributes filter_by names: that of the last join, or else of the first item; or NULL. *alias
 * receives its alias (borrowed), or NULL. */
mr_mapper *mr_query_filter_by_target(const mr_query *q, mr_node **alias);
/* Appends the structure of the query to key, as mr_sql_key does, and its binds (borrowed) to binds. Queries with equal
 * keys have equal plans: the same SQL, and the same way to read rows. A parent counts only by its relationship. */
mr_status mr_query_key(const mr_query *q, mr_strbuf *key, mr_vec *binds);

/* Has the program joined something to the query? */
bool mr_query_has_joins(const mr_query *q);
/* The query without the joins that its criteria need, and with this criterion (consumed; NULL: none) in place of all of
 * its own. */
mr_query *mr_query_with_criterion(const mr_query *q, mr_node *criterion);
/* The name of a method that has added a clause other than a criterion: "join", "limit" ...; NULL: there is none.
 * Static. */
const char *mr_query_clause_method(const mr_query *q);

#ifdef __cplusplus
}
#endif
#endif

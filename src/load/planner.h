/*
 * planner.h: the state of one planning, shared by the files that plan: columns.c, froms.c, criteria.c,
 * options.c, eager.c, select.c, plan.c. Private to src/load.
 *
 * A planning has steps: expand (items become entities and columns), joins, wrap (is a subquery needed), name
 * (labels), build.
 */
#ifndef MOONROW_LOAD_PLANNER_H
#define MOONROW_LOAD_PLANNER_H

#include "plan.h"

/* While planning, a column of a joined entity is known by its number among those with this bit; they come
 * after the others. */
enum { MR_SECONDARY = 0x8000 };

/* A column of the SELECT. */
typedef struct mr_planned_column {
    mr_node *node;     /* what is selected, without a label; owned */
    const char *given; /* the label that the user gave, or NULL */
    const char *label; /* its name, once named; interned */
    bool bare;         /* written without AS */
} mr_planned_column;

/* A mapped class in the query, under the FROM object it is read from. */
typedef struct mr_target {
    mr_plan_entity plan; /* its arrays live in the plan's arena */
    mr_node *from;       /* TABLE, ALIAS, CTE; owned */
    bool secondary;      /* eagerly joined: its columns and its join come after all others */
    mr_op join;          /* how: MR_OP_LEFT, MR_OP_INNER */
    unsigned nopts;
    const mr_option *opts; /* relative to it */
} mr_target;

typedef struct mr_anonymous {
    const mr_node *alias; /* or NULL: a label */
    const char *base, *name;
} mr_anonymous;

typedef struct mr_planner {
    mr_env *env;
    mr_query *q;
    mr_plan *plan;
    const mr_plan_path *path;
    bool plain;                /* without eager joins */
    bool wrap;                 /* the query is a subquery, to which the eager joins are made */
    mr_vec primary, secondary; /* mr_planned_column */
    mr_vec targets;            /* mr_target */
    mr_vec items;              /* mr_plan_item */
    mr_vec explicit;           /* mr_node *, owned: select_from and joins */
    mr_vec anonymous;          /* mr_anonymous */
    mr_vec lates;              /* mr_plan_late */
    mr_node *wrapper;          /* ALIAS of the wrapped SELECT; owned */
    mr_node *eager_order;      /* LIST of the relationships' orders; owned, or NULL */
    mr_node *criteria;         /* of the parents: before the query's own; owned, or NULL */
    mr_node *classes;          /* which classes a shared table's rows are of: after the query's own; owned, or NULL */
    unsigned nopts;
    mr_option *opts;       /* the query's, with their properties found; in the plan's arena */
    uint16_t *roots;       /* for each: the item that its path starts from */
    bool adapts;           /* something that is named is a subquery's */
    const mr_node *spared; /* a FROM object whose columns are meant as they are, or NULL */
    size_t nfroms;         /* of the FROM list */
    mr_vec order;          /* with wrap: for each item of ORDER BY its column (uint16_t), or MR_PLAN_NONE */
} mr_planner;

/* columns.c */
void mr_columns_init(mr_planner *p);
void mr_columns_done(mr_planner *p);
/* Adds a column (node consumed) and gives its number; an equal one is found again when reuse is set. given
 * may be NULL. */
mr_status mr_columns_add(mr_planner *p, bool secondary, mr_node *node, const char *given, bool reuse, uint16_t *out);
/* Gives all columns their labels. */
mr_status mr_columns_name(mr_planner *p);
/* The column as the SELECT lists it: with its label. New reference. */
mr_node *mr_columns_labelled(mr_planner *p, const mr_planned_column *c);
/* "post", "post_1": what labels call a FROM object; interned. */
const char *mr_columns_from_name(mr_planner *p, const mr_node *from);

/* Is the FROM object (or NULL) no table, under a name or not? */
static inline bool mr_reads_subquery(const mr_node *from) {
    const mr_node *of = from && from->kind == MR_NODE_ALIAS ? from->child[0] : from;
    return of && of->kind != MR_NODE_TABLE;
}

/* froms.c */
/* The FROM object of a class: its table, joined to those of its bases where they differ. New reference. */
mr_node *mr_mapper_from(mr_mapper *mapper);
bool mr_from_same(const mr_node *a, const mr_node *b);
/* Is object in from: itself, or within its joins? */
bool mr_from_contains(const mr_node *from, const mr_node *object);
/* A column of a table as seen through a FROM object. *out NULL with MR_OK: it does not have that column. */
mr_status mr_from_column(mr_env *env, const mr_column *column, const mr_property *prop, mr_node *from, mr_node **out);
/* Joins right (consumed) with on (consumed) to what contains left (borrowed). */
mr_status mr_froms_join(mr_planner *p, mr_op kind, mr_node *left, mr_node *right, mr_node *on);
/* The joins as the query has them. */
mr_status mr_froms_own_joins(mr_planner *p);
/* The FROM list: that of the columns and criteria, then explicit. *out NULL with MR_OK: none. */
mr_status mr_froms_list(mr_planner *p, const mr_node *where, mr_node **out);
/* The ON clause that foreign keys give. InvalidRequestError when there is none, or more than one. */
mr_status mr_foreign_key_on(mr_env *env, mr_node *left, mr_node *right, mr_node **out);
bool mr_foreign_key_exists(mr_env *env, mr_node *left, mr_node *right);

/* criteria.c: the condition of a relationship, with its columns as seen through FROM objects */
typedef struct mr_condition {
    mr_env *env;
    mr_relationship *rel;
    mr_node *local, *remote, *link; /* FROM objects; NULL: the bare tables */
    mr_vec *lates;                  /* when not NULL: local columns become late parameters ... */
    uint16_t parent;                /* ... of this parent */
    const mr_operand *object;       /* when not NULL: the columns of its side become its values; */
    bool is_parent;                 /* ... that is the local side */
    mr_planner *adapts;             /* when not NULL: its union stands for the local side, where it gives that */
} mr_condition;
/* New references. The primary condition; with a link table, the secondary one. */
mr_status mr_condition_primary(const mr_condition *c, mr_node **out);
mr_status mr_condition_secondary(const mr_condition *c, mr_node **out);
/* Both of them. */
mr_status mr_condition_whole(const mr_condition *c, mr_node **out);
/* The relationship's order_by through c->remote (and link); *out NULL when it has none. */
mr_status mr_condition_order(const mr_condition *c, mr_node **out);
/* Notes it as the next part of the query's order, after the query's own. */
mr_status mr_plan_order(mr_planner *p, const mr_condition *c);
/* The parameter of a late value, noted in lates. NULL on failure. */
mr_node *mr_late_param(mr_env *env, mr_vec *lates, const mr_type *type, uint16_t parent, uint16_t slot);
/* class IN (...) of a class that shares its base's table; *out NULL when the class needs none. */
mr_status mr_inheritance_criterion(mr_env *env, mr_mapper *mapper, mr_node *from, mr_node **out);
mr_status mr_plan_parents(mr_planner *p);

/* belongs.c */
/* The object's value for a column of its class, where it is compared with the column other: an expression. NULL on
 * failure. */
mr_node *mr_operand_value(const mr_operand *o, const mr_property *along, const mr_column *column,
                          const mr_column *other, bool required);

/* An expression over the bare columns of a class, with these as seen through from. New reference. */
mr_status mr_through(mr_env *env, mr_node *expression, const mr_mapper *mapper, mr_node *from, mr_node **out);

/* united.c */
/* A clause of a query: columns of what is read from subqueries, and what the query's union gives, are theirs. Consumes
 * node; NULL passes. InvalidRequestError where the union does not give a column of what it is over. */
mr_status mr_adapt(mr_planner *p, mr_node *node, mr_node **out);
/* The same for an item of the query: also a value is the union's column where that lists it. */
mr_status mr_adapt_item(mr_planner *p, mr_node *node, mr_node **out);
/* The union, where it gives columns of the FROM object; else that itself (borrowed). */
mr_node *mr_adapt_from(const mr_planner *p, mr_node *from);
/* A column (consumed) of what the union is over; *out NULL with MR_OK: the union does not give it. */
mr_status mr_united_column(mr_planner *p, mr_node *column, mr_node **out);
/* Sets p->adapts. */
void mr_find_subqueries(mr_planner *p);

/* options.c */
/* Finds what the options of the query name: ArgumentError where they name nothing. */
mr_status mr_options_resolve(mr_planner *p);
/* Those that start from the item. */
mr_status mr_options_of_item(mr_planner *p, uint16_t item, unsigned *n, const mr_option **out);
/* Those of opts that go on below prop. */
mr_status mr_options_below(mr_arena *arena, const mr_property *prop, unsigned nopts, const mr_option *opts, unsigned *n,
                           const mr_option **out);
/* The option that says how prop is loaded, or NULL. */
const mr_option *mr_options_strategy(const mr_property *prop, unsigned nopts, const mr_option *opts);
/* Is the attribute loaded with its entity? */
bool mr_options_loads(const mr_property *prop, unsigned nopts, const mr_option *opts);

/* eager.c: what the relationships of an entity add to the plan */
mr_status mr_eager_expand(mr_planner *p, uint16_t target);
/* Is the relationship loaded with an entity of the class end, which is at the end of the path? */
bool mr_eager_is_due(const mr_plan_path *path, const mr_mapper *end, const mr_property *prop, unsigned nopts,
                     const mr_option *opts);
/* With wrap: the columns that the joins need are among the primary ones. */
mr_status mr_eager_columns(mr_planner *p);
mr_status mr_eager_joins(mr_planner *p);

/* entities.c */
/* Adds the entity, what is eagerly loaded with it, and their columns. proto->from is consumed. */
mr_status mr_plan_target(mr_planner *p, const mr_target *proto, uint16_t *out);
mr_status mr_plan_items(mr_planner *p);
static inline mr_target *mr_target_at(const mr_planner *p, size_t i) { return mr_vec_at(&p->targets, i); }

/* wrap.c: the query as a subquery */
mr_status mr_wrap_columns(mr_planner *p);
/* An expression over the wrapped query's columns as one over the wrapper's. Consumes node. */
mr_node *mr_wrapped(mr_planner *p, mr_node *node);
mr_node *mr_wrapped_column(mr_planner *p, uint16_t column);
mr_status mr_wrapped_order(mr_planner *p, mr_node **out);

/* select.c */
mr_status mr_select_build(mr_planner *p, mr_node **out);

/* plan.c */
void mr_planner_init(mr_planner *p, mr_query *q, mr_plan *plan, bool plain);
void mr_planner_done(mr_planner *p);
/* Everything up to the SELECT node. */
mr_status mr_planner_select(mr_planner *p, mr_node **out);

/* cache.c: a column that stands for a subquery's output column of that name; one per name and type. NULL on
 * failure. */
const mr_column *mr_stand_in_column(mr_env *env, const char *name, const mr_type *type);

#endif

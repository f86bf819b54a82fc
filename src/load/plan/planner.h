/*
 * planner.h: the state of making one plan, for the files that plan: columns.c, froms.c, criteria.c, options.c, eager.c,
 * select.c, plan.c and others. Private to src/load.
 *
 * Invariant: planning goes through these steps in order: items become entities and columns; joins; is a subquery needed
 * (wrap)?; names of columns; the SELECT.
 */
#ifndef MOONROW_LOAD_PLANNER_H
#define MOONROW_LOAD_PLANNER_H

#include "plan.h"

/* A column number with this bit is a number among the secondary columns: those of eagerly joined entities. They come
 * after all primary columns. */
enum { MR_SECONDARY = 0x8000 };

/* A column of the SELECT. */
typedef struct mr_planned_column {
    mr_node *node;     /* the selected expression, without a label; owned */
    const char *given; /* the label that the program gave; or NULL */
    const char *label; /* its final name, after mr_columns_name; interned */
    bool bare;         /* written without AS */
} mr_planned_column;

/* A mapped class in the query, and the FROM object that it is read from. */
typedef struct mr_target {
    mr_plan_entity plan;        /* its arrays live in the plan's arena */
    mr_node *from;              /* TABLE, ALIAS, CTE; owned */
    const mr_polymorphic *with; /* the subclasses whose columns are loaded, too; NULL: those that their classes say */
    bool secondary;             /* eagerly joined: its columns and its join come after all others */
    mr_op join;                 /* MR_OP_LEFT or MR_OP_INNER */
    unsigned nopts;
    const mr_option *opts; /* their steps begin at this class */
} mr_target;

/* A class whose attribute an item of the query reads, where the class that declares it is another one. */
typedef struct mr_reader {
    const mr_reading *reading;
    mr_node *from; /* owned */
    size_t item;
} mr_reader;

/* The query reads only the class's rows of the FROM object without joins. */
typedef struct mr_narrowed {
    const mr_mapper *mapper;
    const mr_node *leaf;
} mr_narrowed;

typedef struct mr_anonymous {
    const mr_node *alias; /* NULL: the name is a label */
    const char *base, *name;
} mr_anonymous;

typedef struct mr_planner {
    mr_env *env;
    mr_query *q;
    mr_plan *plan;
    const mr_plan_path *path;
    bool plain;                /* without eager joins */
    bool lean;                 /* plain, and only counted: without what is deferred, too */
    bool alone;                /* it is no part of another statement, whose tables it could name */
    bool wrap;                 /* the query becomes a subquery, and eager joins are made to that */
    mr_vec primary, secondary; /* mr_planned_column */
    mr_vec targets;            /* mr_target */
    mr_vec items;              /* mr_plan_item */
    mr_vec explicit;           /* mr_node *, owned: select_from and joins */
    mr_vec anonymous;          /* mr_anonymous */
    mr_vec lates;              /* mr_plan_late */
    mr_vec readers;            /* mr_reader */
    mr_vec narrowed;           /* mr_narrowed */
    mr_node *wrapper;          /* ALIAS of the wrapped SELECT; owned */
    mr_node *eager_order;      /* LIST of the relationships' orders; owned, or NULL */
    mr_node *criteria;         /* of the parents; comes before the query's own criteria; owned, or NULL */
    mr_node *classes; /* the classes of rows of a shared table; comes after the query's own criteria; owned, or NULL */
    unsigned nopts;
    mr_option *opts;       /* the query's options, resolved; in the plan's arena */
    uint16_t *roots;       /* for each option: the item that its path starts from */
    bool adapts;           /* some clause may name a column of a subquery or union */
    const mr_node *spared; /* a FROM object whose columns are not translated, or NULL */
    size_t nfroms;         /* length of the FROM list */
    mr_vec order;          /* with wrap: uint16_t for each item of ORDER BY: its column, or MR_PLAN_NONE */
} mr_planner;

/* columns.c */
void mr_columns_init(mr_planner *p);
void mr_columns_done(mr_planner *p);
/* Adds a column. Consumes node. given: the program's label, or NULL. reuse: an equal column is found again. *out: its
 * number. */
mr_status mr_columns_add(mr_planner *p, bool secondary, mr_node *node, const char *given, bool reuse, uint16_t *out);
/* Gives all columns their labels. */
mr_status mr_columns_name(mr_planner *p);
/* The column with its label, for the list of the SELECT. A new reference; NULL: failed. */
mr_node *mr_columns_labelled(mr_planner *p, const mr_planned_column *c);
/* The name of a FROM object in labels: "post", "post_1". Interned. */
const char *mr_columns_from_name(mr_planner *p, const mr_node *from);

/* Is the FROM object, also behind an alias, something else than a table? false for NULL. */
static inline bool mr_reads_subquery(const mr_node *from) {
    const mr_node *of = from && from->kind == MR_NODE_ALIAS ? from->child[0] : from;
    return of && of->kind != MR_NODE_TABLE;
}

/* standing.c */
/* Is the SELECT no more than a compound that stands alone (mr_query.standing), with an order and a limit? Then *out is
 * that compound, or NULL after a failure. The clauses are borrowed. */
bool mr_standing_select(mr_planner *p, const mr_select *s, mr_node **out);

/* tables.c */
/* The tables of a class: its own, joined to those of its bases. A new reference. */
mr_node *mr_mapper_tables(mr_mapper *mapper);
/* mr_mapper_from: the class's tables, and by outer joins those of the subclasses that are always loaded with it. Under
 * names of their own: */
mr_node *mr_mapper_alias(mr_mapper *mapper);
/* The class's own tables alone, under names of their own. */
mr_node *mr_tables_alias(mr_mapper *mapper);
/* The same for the keys of objects that are loaded already: loader criteria do not leave them out. */
mr_node *mr_keys_alias(mr_mapper *mapper);

/* froms.c */
/* A FROM object of the query that has the tables of the class, or else these tables. It is a left side for
 * mr_froms_join. A new reference; NULL: failed. */
mr_node *mr_froms_left(mr_planner *p, mr_mapper *mapper);
/* Are the two FROM objects the same? */
bool mr_from_same(const mr_node *a, const mr_node *b);
/* Is object the same as from, or inside its joins? */
bool mr_from_contains(const mr_node *from, const mr_node *object);
/* *out: a table's column, read from a FROM object; a new reference. NULL with MR_OK: it does not have that column. */
mr_status mr_from_column(mr_env *env, const mr_column *column, const mr_property *prop, mr_node *from, mr_node **out);
/* Joins right to the FROM object that contains left. Consumes right and on. */
mr_status mr_froms_join(mr_planner *p, mr_op kind, mr_node *left, mr_node *right, mr_node *on);
/* Makes sure that the FROM list has the object, for joins that begin with it. */
mr_status mr_froms_begin(mr_planner *p, mr_node *from);
/* Is the object, or a join that has it, in the FROM list because of select_from or a join? */
bool mr_froms_has(const mr_planner *p, const mr_node *object);
/* Makes the joins that the query itself has. */
mr_status mr_froms_own_joins(mr_planner *p);
/* *out: the FROM list: objects of the columns and criteria, then the explicit ones. NULL with MR_OK: it is empty. */
mr_status mr_froms_list(mr_planner *p, const mr_node *where, mr_node **out);
/* *out: the ON clause from foreign keys. InvalidRequestError: there is none, or more than one. */
mr_status mr_foreign_key_on(mr_env *env, mr_node *left, mr_node *right, mr_node **out);
/* Is there a foreign key between the two? */
bool mr_foreign_key_exists(mr_env *env, mr_node *left, mr_node *right);

/* below.c */
/* Joins the tables of subclasses whose attributes the query's clauses name, to the tables of their bases. */
mr_status mr_plan_below(mr_planner *p);
/* If a join of the query reads the table of the class's base, joins those that the class has beside it. *out: the FROM
 * object with all of them, a new reference; NULL: no join reads it. */
mr_status mr_plan_left_below(mr_planner *p, mr_mapper *mapper, mr_node **out);
/* *out: do the query's items, joins or FROM objects read the table under its own name? */
mr_status mr_plan_reads(const mr_planner *p, const mr_table *table, bool *out);
/* The tables of the class, and by outer joins those of subclasses whose attributes the criterion (or NULL) names.
 * aliased: under names of their own. A new reference; NULL: failed. */
mr_node *mr_tables_for(mr_mapper *mapper, bool aliased, const mr_node *criterion);
/* InvalidRequestError: GROUP BY, HAVING or ORDER BY names a table that the SELECT does not read. */
mr_status mr_plan_check_order(const mr_planner *p, const mr_select *s);

/* class_rows.c */
/* Adds the criterion of the class, if it shares a table, for its rows of the FROM object. */
mr_status mr_plan_class_criterion(mr_planner *p, mr_mapper *mapper, mr_node *from);
/* The same for the class of an alias that the program has made, of which an item names a column. */
mr_status mr_plan_alias_rows(mr_planner *p, mr_node *alias);
/* The same for the classes that select_from and join_from name. */
mr_status mr_plan_source_rows(mr_planner *p);
/* The same for the aliases and classes whose attributes only WHERE names. */
mr_status mr_plan_where_rows(mr_planner *p);

/* criteria.c: the condition of a relationship, with its columns read from FROM objects. */
typedef struct mr_condition {
    mr_env *env;
    mr_relationship *rel;
    mr_node *local, *remote, *link; /* FROM objects; NULL: the tables */
    mr_vec *lates;                  /* not NULL: local columns become late parameters, noted here */
    uint16_t parent;                /* with lates: the number of the parent */
    const mr_operand *object;       /* not NULL: the columns of its side become its values */
    bool is_parent;                 /* with object: its side is the local one */
    mr_planner *adapts;             /* not NULL: local columns become columns of its union, if that has them */
} mr_condition;
/* *out: the primary condition, and with a link table the secondary one; new references. */
mr_status mr_condition_primary(const mr_condition *c, mr_node **out);
mr_status mr_condition_secondary(const mr_condition *c, mr_node **out);
/* "The column, by which rows tell their class, says that it is this one, or one below." Consumes column; NULL: failed.
 */
mr_node *mr_tells_class(mr_env *env, mr_mapper *mapper, mr_node *column);
/* *out: both, joined by AND. */
mr_status mr_condition_whole(const mr_condition *c, mr_node **out);
/* Adds that order after the query's own order. */
mr_status mr_plan_order(mr_planner *p, const mr_condition *c);
/* A parameter for a late value, noted in lates. NULL: failed. */
mr_node *mr_late_param(mr_env *env, mr_vec *lates, const mr_type *type, uint16_t parent, uint16_t slot);
/* Adds the criteria of the query's parents (with_parent). */
mr_status mr_plan_parents(mr_planner *p);

/* belongs.c */
/* The object's value for a column of its class, as an expression. other: the column that it is compared with. NULL:
 * failed. */
mr_node *mr_operand_value(const mr_operand *o, const mr_property *along, const mr_column *column,
                          const mr_column *other, bool required);

/* *out: an expression over the columns of a class, with these read from `from`; a new reference. */
mr_status mr_expression_through(mr_env *env, mr_node *expression, const mr_mapper *mapper, mr_node *from,
                                mr_node **out);

/* united.c */
/* Translates a clause of a query: columns that are read from a subquery or the query's union become columns of that.
 * Consumes node; NULL passes. InvalidRequestError: the union does not list a column that is needed. */
mr_status mr_united_translate(mr_planner *p, mr_node *node, mr_node **out);
/* The same for an item of the query: a value, too, becomes the union's column if the union lists it. */
mr_status mr_united_translate_item(mr_planner *p, mr_node *node, mr_node **out);
/* The union, if it has columns of the FROM object; else from itself. Borrowed. */
mr_node *mr_united_from(const mr_planner *p, mr_node *from);
/* *out: the union's column for a column. Consumes column. NULL with MR_OK: the union does not list it. */
mr_status mr_united_column(mr_planner *p, mr_node *column, mr_node **out);
/* Sets p->adapts. */
void mr_united_find_subqueries(mr_planner *p);

/* options.c */
/* Resolves the options of the query. ArgumentError: one names nothing. */
mr_status mr_options_resolve(mr_planner *p);
/* *out: the options that start from the item. */
mr_status mr_options_of_item(mr_planner *p, uint16_t item, unsigned *n, const mr_option **out);
/* *out: those of opts that apply below prop, with the step of prop removed. */
mr_status mr_options_below(mr_arena *arena, const mr_property *prop, unsigned nopts, const mr_option *opts, unsigned *n,
                           const mr_option **out);
/* The option that decides how prop is loaded; NULL: none. */
const mr_option *mr_options_strategy(const mr_property *prop, unsigned nopts, const mr_option *opts);
/* Do the options of two origins (either may be NULL) say the same of the relationship, and of what lies below it? */
bool mr_options_agree(const mr_property *prop, const mr_origin *a, const mr_origin *b);
/* Is the column loaded with its entity? */
bool mr_options_loads(const mr_property *prop, unsigned nopts, const mr_option *opts);

/* loader_criteria.c */
/* Has the plan keep the criterion of an option. */
mr_status mr_plan_keep_criterion(mr_planner *p, mr_loader_criterion *c);
void mr_plan_release_criteria(mr_plan *plan);
/* Replaces the SELECT by one with the criteria of the query's options (with_loader_criteria), if it has any. On failure
 * *select is NULL. */
mr_status mr_loader_criteria_apply(mr_planner *p, mr_node **select);

/* eager.c */
/* Adds the eagerly loaded relationships of the target to the plan. */
mr_status mr_eager_expand(mr_planner *p, uint16_t target);
/* Is the relationship loaded eagerly with an entity of the class `end`, at the end of the path? */
bool mr_eager_is_due(const mr_plan_path *path, const mr_mapper *end, const mr_property *prop, unsigned nopts,
                     const mr_option *opts);
/* With wrap: adds the columns that the joins need to the primary ones. */
mr_status mr_eager_columns(mr_planner *p);
mr_status mr_eager_joins(mr_planner *p);

/* polymorphic.c */
/* Are the columns that the class adds to those of the target's class loaded with it? */
bool mr_target_includes(const mr_target *t, const mr_mapper *mapper);
/* Appends to follows (mr_plan_follow) the statements that load what subclasses add, as classes and options say. */
mr_status mr_plan_selectin(mr_planner *p, uint16_t target, mr_vec *follows);
/* Adds the classes that rows of the target may be of, and what such rows fill. */
mr_status mr_plan_identities(mr_planner *p, uint16_t target);
/* The classes through which the columns in an item of the query are read, with their FROM objects: their criteria are
 * added, and noted where the FROM list finds them. */
mr_status mr_plan_readers(mr_planner *p, const mr_node *x);

/* around.c */
/* Has a query that reads nothing by itself read the class that the subqueries in its items are about. */
mr_status mr_plan_around(mr_planner *p);

/* entities.c */
/* *out: the expression to select for the property. NULL with MR_OK: the FROM object has no such column. */
mr_status mr_target_node(mr_planner *p, const mr_target *t, const mr_property *prop, mr_node **out);
/* Adds the entity, its eagerly loaded relationships, and their columns. Consumes proto->from. *out: its number. */
mr_status mr_plan_target(mr_planner *p, const mr_target *proto, uint16_t *out);
mr_status mr_plan_items(mr_planner *p);
static inline mr_target *mr_target_at(const mr_planner *p, size_t i) { return mr_vec_at(&p->targets, i); }

/* wrap.c: the query as a subquery */
mr_status mr_wrap_columns(mr_planner *p);
/* Translates an expression over the query to one over the subquery. Consumes node. NULL: failed. */
mr_node *mr_wrapped(mr_planner *p, mr_node *node);
mr_node *mr_wrapped_column(mr_planner *p, uint16_t column);
mr_status mr_wrapped_order(mr_planner *p, mr_node **out);

/* select.c */
mr_status mr_select_build(mr_planner *p, mr_node **out);

/* plan.c */
void mr_planner_init(mr_planner *p, mr_query *q, mr_plan *plan, bool plain);
void mr_planner_done(mr_planner *p);
/* *out: the SELECT of the query, after all steps of planning. */
mr_status mr_planner_select(mr_planner *p, mr_node **out);

#endif

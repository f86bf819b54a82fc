/*
 * compiler.h: the state of one compilation, and the functions that the compile_*.c and dialect_*.c files share.
 *
 * Invariant: after a failure nothing is returned. A function that fails records the error, sets failed and goes on; the
 * text is thrown away at the end. So the functions have no result to check.
 */
#ifndef MOONROW_SQL_COMPILER_H
#define MOONROW_SQL_COMPILER_H

#include <moonrow/sql.h>

#include "node.h"

/* A piece of SQL, and its parameters with their positions. The text of a CTE is a piece of its own, because it is moved
 * to the front at the end. */
typedef struct mr_piece {
    mr_strbuf sql;
    mr_vec params; /* mr_placed_param */
} mr_piece;

typedef struct mr_placed_param {
    mr_param param;
    size_t at;           /* its offset in sql */
    const mr_node *bind; /* borrowed */
} mr_placed_param;

/* A SELECT, UPDATE or DELETE that is being compiled. Nested SELECTs may correlate with its FROM objects. */
typedef struct mr_frame {
    const struct mr_frame *parent;
    mr_vec leaves; /* const mr_node *: the TABLEs, ALIASes and CTEs of its FROM */
    bool in_from;  /* it stands in a FROM: it correlates only if correlate says so */
} mr_frame;

/* The place where a query stands. */
typedef enum mr_place { MR_PLACE_STATEMENT, MR_PLACE_EXPRESSION, MR_PLACE_FROM, MR_PLACE_LATERAL } mr_place;

typedef struct mr_named_object {
    const mr_node *node;
    const char *name;
} mr_named_object;

typedef struct mr_name_counter {
    const char *base;
    unsigned last;
} mr_name_counter;

/* The CTEs that stand in front of the statement, or of a query inside of it. */
typedef struct mr_with {
    struct mr_with *outer;    /* that of what is around; NULL: of the statement */
    size_t sql_at, params_at; /* where the query begins in its piece */
    mr_vec finished;          /* struct mr_cte *, in the order in which they are completed, which is that of WITH */
    mr_vec used;              /* struct mr_cte *: those of outer ones that are named in here */
    bool recursive;           /* WITH RECURSIVE is needed */
} mr_with;

/* A CTE of the statement. */
typedef struct mr_cte {
    mr_with *with; /* where it stands; NULL: what that is in front of is complete, so its name means nothing any more */
    const mr_node *node;
    const char *name;
    bool open;     /* its body is being compiled */
    bool restates; /* it is a reference to an open CTE from inside of it, and has no text */
    mr_piece piece;
} mr_cte;

struct mr_compiler {
    mr_env *env;
    const mr_dialect *dialect;
    mr_piece *out;
    const mr_frame *frame;
    uint32_t ordinal; /* the number of the first bind in the node that is compiled next */
    bool failed;
    bool unqualified;    /* columns are written without their table */
    bool as_written;     /* an index's condition: the database compares its words, so no spellings are added */
    bool lasting;        /* a part of a table's definition: other programs, which lack our functions, must know it */
    bool literals;       /* values will be written in place of the parameters */
    const mr_type *form; /* of the bind that is compiled next: the type that it is compared with; or NULL */
    bool written;        /* the bind that is compiled next is written into a column */
    const char *checked; /* its name, where the column's type has variants; or NULL */
    const mr_column *written_to; /* the column that it is written into, or compared with; or NULL */
    bool lints;                  /* the statement will be executed, so warnings of likely mistakes make sense */
    mr_vec objects;              /* mr_key_object */
    mr_vec names;                /* mr_named_object: the aliases */
    mr_vec counters;             /* mr_name_counter */
    mr_vec ctes;                 /* mr_cte *, in the order in which they are met */
    mr_with top;                 /* the WITH of the statement */
    mr_with *with;               /* that of the innermost query which has its own; else the statement's */
    bool unites;                 /* the next SELECT stands in a UNION, INTERSECT or EXCEPT, which compares its rows */
    bool compares;               /* the columns that are compiled next are compared with those of other rows */
    const mr_node *distinct; /* a DISTINCT that stands where it may: in front of a function's or a query's first item */
    const mr_node *enclosed; /* the order (LIST) that the next call of a function has in its brackets; or NULL */
    const mr_node *into;     /* the columns (LIST) that the next SELECT's results are written into; or NULL */
    mr_vec *capture;         /* mr_result_column: receives the columns of the next SELECT; or NULL */
};

/* lint.c: warns when nothing relates two of the objects (const mr_node *) that the SELECT reads. */
/* Fails where nothing relates another FROM object of an UPDATE or DELETE to its table. */
void mr_check_related(mr_compiler *c, const mr_dml *d);
void mr_lint_products(mr_compiler *c, const mr_select *s, const mr_vec *shown);

/* For mr_compile_operand: every operand that is not a single term gets parentheses. */
#define MR_AGAINST_ANY ((mr_op)255)

/* The expression that the labels around it name, or that a CRITERION is written as. */
static inline const mr_node *mr_unlabelled(const mr_node *node) {
    while (node->kind == MR_NODE_LABEL || node->kind == MR_NODE_CRITERION) node = node->child[0];
    return node;
}

/* compile_form.c */
/* The type in whose form the bind is sent, because it is compared with other; NULL: its own. */
const mr_type *mr_form_for(const mr_compiler *c, const mr_node *bind, const mr_node *other);
/* The first of the items, of which each is step further, that gives values in a form of storage; NULL: none does. */
const mr_node *mr_formed(const mr_compiler *c, mr_node *const *items, uint32_t n, uint32_t step);
/* Writes an item of those that become one result, as in CASE: a bind gets the form of formed (or NULL). */
void mr_compile_among(mr_compiler *c, const mr_node *item, const mr_node *formed, mr_op against);
/* Fails when the members of a compound give values of different forms in one column. */
void mr_check_compound(mr_compiler *c, const mr_node *compound);
/* Fails when the stored form of the type does not sort as its values do. */
void mr_check_order(mr_compiler *c, const mr_type *type);
/* The same for what rows are sorted by, or what the largest is looked for of: Enums whose forms are in order pass. */
void mr_check_sorted(mr_compiler *c, const mr_node *term);
/* The type of the node in the dialect. */
static inline const mr_type *mr_typed(const mr_compiler *c, const mr_node *node) {
    return mr_type_in(node->type, c->dialect->name);
}
/* Fails when the two operands of a comparison are stored in different forms. */
void mr_check_forms(mr_compiler *c, const mr_node *a, const mr_node *b);
/* Fails when x is stored in another form than its text, with which it would be joined, or compared by LIKE. */
void mr_check_spoken(mr_compiler *c, const mr_node *x);
/* The same for the arguments of a function of texts; other functions pass. */
void mr_check_spoken_call(mr_compiler *c, const mr_node *call);
/* Fails when the expression is stored in another form than the column that it is written into. */
void mr_check_written(mr_compiler *c, const mr_node *column, const mr_node *value);
/* The same for the columns (NULL: not named) that the results of a query are written into. */
void mr_check_selected(mr_compiler *c, const mr_node *columns, const mr_node *query);
/* Fails when a member of a union has other forms in its columns than the first one (a LIST of columns). */
void mr_check_united(mr_compiler *c, const mr_node *first, const mr_node *query);
/* Compiles one side of a comparison: a bind in the form of the other side. */
void mr_compile_compared(mr_compiler *c, const mr_node *operand, const mr_node *other, mr_op against);

/* compile.c */
/* Records an ArgumentError and sets failed; the first error stays. */
void mr_compile_fail(mr_compiler *c, const char *fmt, ...) MR_PRINTF(2, 3);
/* Appends SQL text. */
void mr_emit(mr_compiler *c, const char *sql);
/* Appends a name, quoted if needed. */
void mr_emit_name(mr_compiler *c, const char *identifier);
/* Appends one parameter, for the BIND or for value number element of the BINDS that is being compiled. */
void mr_emit_param(mr_compiler *c, const mr_node *bind, uint32_t element);
/* "base_1", "base_2", ...: interned; "" without memory. */
const char *mr_anonymous_name(mr_compiler *c, const char *base);
/* The SQL name of an ALIAS or CTE. */
const char *mr_object_name(mr_compiler *c, const mr_node *object);
/* Are two FROM objects the same one? */
bool mr_same_object(const mr_node *a, const mr_node *b);
/* The number of the first bind inside of an ALIAS or CTE. */
uint32_t mr_object_base(const mr_compiler *c, const mr_node *object);
/* Makes an empty piece. */
void mr_piece_init(mr_piece *piece, mr_env *env);

/* whole_list.c: is the list of the IN sent as one text? Then the dialect writes it. */
bool mr_in_whole_list(const mr_compiler *c, const mr_node *in);
/* Appends the parameter for all values of the BINDS. */
void mr_emit_whole_list(mr_compiler *c, const mr_node *binds, mr_whole whole);

/* compile_expression.c: after each of these, c->ordinal has passed the node's binds. */
void mr_compile(mr_compiler *c, const mr_node *node);
/* Writes an operand of the operator `against`, in parentheses if that operator requires them. */
void mr_compile_operand(mr_compiler *c, const mr_node *node, mr_op against);
/* Writes a truth value, such as a WHERE, an ON, or an operand of AND. */
void mr_compile_condition(mr_compiler *c, const mr_node *node, mr_op against);
/* Writes the children of a LIST or TUPLE with ", " between them. */
void mr_compile_items(mr_compiler *c, const mr_node *list);
/* Takes the order that belongs into the brackets of the call that is written next. NULL: it has none. */
const mr_node *mr_take_enclosed(mr_compiler *c);
/* Writes it (or NULL), behind the call's arguments. */
void mr_emit_enclosed(mr_compiler *c, const mr_node *order);
/* Sets c->ordinal to the first bind of the node's child i; start is the number of the node's first bind. To compile
 * children in another order than theirs. */
void mr_seek(mr_compiler *c, const mr_node *node, uint32_t start, uint32_t i);
/* Writes a function's name, which keeps its case. It is quoted only when it could not be written otherwise. */
void mr_emit_function(mr_compiler *c, const char *name);
/* Writes a column's name without its table. */
void mr_compile_column_name(mr_compiler *c, const mr_node *column);

/* compile_operator.c */
/* The precedence of an operator; a higher number binds its operands more closely. */
int mr_precedence(mr_op op);
/* Writes a query of width columns without rows: the right side of an IN without values. */
void mr_compile_empty(mr_compiler *c, uint32_t width);
/* The number of columns that an IN compares; more than 1 for a tuple. */
uint32_t mr_in_width(const mr_node *in);
/* The outermost operator of a node; MR_OP_NONE for a single term. */
mr_op mr_operator_of(const mr_node *node);
/* Writes an operator with its operands. */
void mr_compile_operator(mr_compiler *c, const mr_node *node);
/* Is it an order: ASC, DESC, NULLS FIRST or NULLS LAST of something? */
bool mr_is_order(const mr_node *node);
/* The words of an order, with a blank before them. */
const char *mr_order_words(const mr_node *order);
/* Writes what a window or an aggregate sorts its rows by. */
void mr_compile_ordered(mr_compiler *c, const mr_node *term);

/* compile_spelled.c: comparisons with values that are stored in several spellings. */
/* Must comparisons write each spelling of a value? */
bool mr_spells(const mr_compiler *c);
/* Writes the comparison, and returns true, when one of its values has several spellings. Otherwise returns false. */
bool mr_compile_spelled(mr_compiler *c, const mr_node *node);
/* Writes the rows of a list of TUPLEs with which left is compared, each in all its spellings. */
void mr_compile_rows(mr_compiler *c, const mr_node *left, const mr_node *list);
/* The text behind a boolean that must be true, or false: " IN (1, ...)", or " = 'Y'" where its type has words of its
 * own. Lives as long as the environment. */
const char *mr_boolean_words(mr_compiler *c, const mr_node *x, bool truth);
/* Writes a truth value, such as a comparison, as one of the words of the type, and returns true. False: the type has
 * no words of its own, or x is a parameter, NULL, or such a word already. */
bool mr_compile_worded(mr_compiler *c, const mr_type *type, const mr_node *x);
/* Writes an operand of arithmetic: a stored boolean as 1 or 0, however it is spelled. */
void mr_compile_factor(mr_compiler *c, const mr_node *x, mr_op against);
/* Can the expression (a column, a function's result) be a stored boolean in any spelling? As a condition it needs the
 * words above. */
bool mr_is_spelled_boolean(const mr_compiler *c, const mr_node *x);

/* sqlite_decimal.c: decimals, in a database that stores them as text (mr_dialect.decimal_text). */
/* Writes the node, and returns true, if it must be written in another way than for other types. */
bool mr_sqlite_decimal(mr_compiler *c, const mr_node *node);
/* What stands behind the left operand of a comparison: " COLLATE decimal", or "". */
const char *mr_decimal_collation(const mr_compiler *c, const mr_node *node);
/* Does the expression sort by that collation? */
bool mr_sorts_by_decimal(const mr_compiler *c, const mr_node *x);
/* Writes x, which becomes the result of node (a branch of CASE): a parameter in the form of the result. */
void mr_compile_result(mr_compiler *c, const mr_node *node, const mr_node *x);
/* The same for one of the values of which max, min, greatest and least choose the result. */
void mr_compile_candidate(mr_compiler *c, const mr_node *node, const mr_node *x);
/* Writes an expression that is assigned to the column, and returns true, if it must be brought to the column's digits
 * or form of storage. */
bool mr_compile_decimal_written(mr_compiler *c, const mr_node *column, const mr_node *value);

/* sqlite_call.c */
/* Writes the call, and returns true, if SQLite has the function by another name, or can say it in another way. */
bool mr_sqlite_call(mr_compiler *c, const mr_node *node);
/* The same for a FILTER: its call cannot be written in front of it. */
bool mr_sqlite_filter(mr_compiler *c, const mr_node *filter);

/* postgresql_call.c */
/* The same for PostgreSQL. */
bool mr_postgresql_call(mr_compiler *c, const mr_node *node);

/* postgresql_decimal.c: decimals that a column stores as numbers */
/* The same as mr_sqlite_decimal, for PostgreSQL. */
bool mr_postgresql_decimal(mr_compiler *c, const mr_node *node);
/* Writes an operand of a calculation: such a decimal as the value that it is. */
void mr_postgresql_number(mr_compiler *c, const mr_node *x, mr_op against);
/* What mr_compile_result and mr_compile_decimal_written do there. */
void mr_postgresql_result(mr_compiler *c, const mr_node *node, const mr_node *x);
bool mr_postgresql_written(mr_compiler *c, const mr_node *column, const mr_node *value);

/* postgresql_cast.c */
/* Writes a cast, a part or a calculation, and returns true, if what PostgreSQL stores for the values is not of its own
 * type for them. */
bool mr_postgresql_form(mr_compiler *c, const mr_node *node);

/* sqlite_cast.c */
/* Writes the cast, and returns true, if SQLite's own CAST would not give values of the type. */
bool mr_sqlite_cast(mr_compiler *c, const mr_node *node);

/* compile_search.c */
/* Writes what is read from JSON. */
void mr_compile_json_at(mr_compiler *c, const mr_node *node);
/* Writes the operators REGEXP and MATCH, and their opposites. */
void mr_compile_search(mr_compiler *c, const mr_node *node);

/* compile_select.c */
/* The number of columns that the query gives; 0: not known, as of a text. */
uint32_t mr_query_width(const mr_node *query);
/* Writes a SELECT or COMPOUND. */
void mr_compile_query(mr_compiler *c, const mr_node *query, mr_place place);
/* Writes the columns of a SELECT or RETURNING with their names. capture (mr_result_column) receives them; or NULL. */
void mr_compile_columns(mr_compiler *c, const mr_node *list, mr_place place, mr_vec *capture);

/* compile_from.c */
/* Writes a FROM object. */
void mr_compile_from(mr_compiler *c, const mr_node *from);
/* Appends the TABLEs, ALIASes and CTEs of a FROM object to leaves (const mr_node *, borrowed). */
void mr_collect_leaves(mr_compiler *c, mr_vec *leaves, const mr_node *from);
/* Writes a table's name with its schema. */
void mr_emit_table(mr_compiler *c, const mr_table *table);

/* compile_with.c */
/* The name of a CTE; compiles the CTE when its name is needed first. Interned; "" after a failure. */
const char *mr_cte_name(mr_compiler *c, const mr_node *cte);
/* Puts the CTEs of the list (NULL: none) in front of the statement. */
void mr_compile_with(mr_compiler *c, const mr_node *list);
/* Puts the nesting CTEs among the FROM objects (const mr_node *) of a query in front of that. */
void mr_place_nesting(mr_compiler *c, const mr_vec *leaves);
/* An empty WITH, and its end. */
void mr_with_init(mr_compiler *c, mr_with *with);
void mr_with_done(mr_with *with);
/* Around what is written of a query: its nesting CTEs are put in front of it. */
void mr_open_with(mr_compiler *c, mr_with *with);
void mr_close_with(mr_compiler *c, mr_with *with);

/* compile_dml.c */
/* Writes an INSERT, UPDATE or DELETE. */
void mr_compile_dml(mr_compiler *c, const mr_node *node);

/* compile_ddl.c */
/* The SQL name of a type with its argument. Writes it to buf (size bytes) if it is not static. Returns the name. */
const char *mr_type_sql(const mr_dialect *d, const mr_type *type, char *buf, size_t size);

#endif

/*
 * compiler.h: the state of one compilation, and what the compile_*.c and dialect_*.c files call of
 * one another.
 *
 * Errors are sticky: a function that fails sets failed and goes on; the text is thrown away at the end.
 */
#ifndef MOONROW_SQL_COMPILER_H
#define MOONROW_SQL_COMPILER_H

#include <moonrow/sql.h>

#include "node.h"

/* A stretch of SQL with its parameters apart: where each goes, as CTEs move to the front at the end. */
typedef struct mr_piece {
    mr_strbuf sql;
    mr_vec params; /* mr_placed_param */
} mr_piece;

typedef struct mr_placed_param {
    mr_param param;
    size_t at; /* offset in sql */
} mr_placed_param;

/* A SELECT, UPDATE or DELETE being compiled: what those nested in it may correlate with. */
typedef struct mr_frame {
    const struct mr_frame *parent;
    mr_vec leaves; /* const mr_node *: the TABLEs, ALIASes and CTEs of its FROM */
    bool in_from;  /* it stands in a FROM: nothing correlates by itself */
} mr_frame;

/* Where a query stands. */
typedef enum mr_place { MR_PLACE_STATEMENT, MR_PLACE_EXPRESSION, MR_PLACE_FROM } mr_place;

typedef struct mr_named_object {
    const mr_node *node;
    const char *name;
} mr_named_object;

typedef struct mr_name_counter {
    const char *base;
    unsigned last;
} mr_name_counter;

/* A CTE of the statement. */
typedef struct mr_cte {
    const mr_node *node;
    const char *name;
    bool open;     /* its body is being compiled */
    bool restates; /* it is an open one seen from within, and has no text of its own */
    mr_piece piece;
} mr_cte;

struct mr_compiler {
    mr_env *env;
    const mr_dialect *dialect;
    mr_piece *out;
    const mr_frame *frame;
    uint32_t ordinal; /* of the first bind in the node that is compiled next */
    bool failed;
    bool unqualified; /* columns without their table */
    bool as_written;  /* an index's condition: known again by its words, so no spelling is added */
    bool recursive;   /* WITH RECURSIVE */
    bool lints;       /* tells of SELECTs that are likely to be mistaken: what is compiled will run */
    mr_vec objects;   /* mr_key_object */
    mr_vec names;     /* mr_named_object: the aliases */
    mr_vec counters;  /* mr_name_counter */
    mr_vec ctes;      /* mr_cte *, as met */
    mr_vec finished;  /* mr_cte *, as completed: the order of WITH */
    mr_vec *capture;  /* mr_result_column: the next SELECT puts its columns here; or NULL */
};

/* lint.c: warns where nothing relates the objects (const mr_node *) that the SELECT reads. */
void mr_lint_products(mr_compiler *c, const mr_select *s, const mr_vec *shown);

/* Groups whatever is no single term; as an operator to compile an operand against. */
#define MR_AGAINST_ANY ((mr_op)255)

/* compile.c */
void mr_compile_fail(mr_compiler *c, const char *fmt, ...) MR_PRINTF(2, 3);
void mr_emit(mr_compiler *c, const char *sql);
void mr_emit_name(mr_compiler *c, const char *identifier);
/* One parameter: the element-th value of the BIND or BINDS being compiled. */
void mr_emit_param(mr_compiler *c, const mr_node *bind, uint32_t element);
/* "base_1", "base_2", ...: interned; "" without memory. */
const char *mr_anonymous_name(mr_compiler *c, const char *base);
/* The SQL name of an ALIAS or CTE. */
const char *mr_object_name(mr_compiler *c, const mr_node *object);
/* Whether two FROM objects are the same. */
bool mr_same_object(const mr_node *a, const mr_node *b);
/* The number of the first bind in what an ALIAS or CTE wraps. */
uint32_t mr_object_base(const mr_compiler *c, const mr_node *object);
void mr_piece_init(mr_piece *piece, mr_env *env);
void mr_piece_done(mr_piece *piece);

/* compile_expression.c: each leaves c->ordinal behind the node's binds. */
void mr_compile(mr_compiler *c, const mr_node *node);
/* In parentheses where the operator around it asks for them. */
void mr_compile_operand(mr_compiler *c, const mr_node *node, mr_op against);
/* As a truth value: WHERE, ON, AND ... */
void mr_compile_condition(mr_compiler *c, const mr_node *node, mr_op against);
/* The children of a LIST or TUPLE, apart by ", ". */
void mr_compile_items(mr_compiler *c, const mr_node *list);
/* A child out of turn: number i of the node that begins at start. */
void mr_seek(mr_compiler *c, const mr_node *node, uint32_t start, uint32_t i);
/* A column's name alone. */
void mr_compile_column_name(mr_compiler *c, const mr_node *column);

/* compile_operator.c */
int mr_precedence(mr_op op);
/* A query without rows, of so many columns: the right side of IN for no values. */
void mr_compile_empty(mr_compiler *c, uint32_t width);
/* The columns that an IN compares: more than one for a tuple. */
uint32_t mr_in_width(const mr_node *in);
/* The operator that binds a node together; MR_OP_NONE for a single term. */
mr_op mr_operator_of(const mr_node *node);
void mr_compile_operator(mr_compiler *c, const mr_node *node);

/* compile_spelled.c: comparisons with values that are stored in several spellings. */
/* Do comparisons name each spelling of a value here? */
bool mr_spells(const mr_compiler *c);
/* True when it wrote the comparison; false: its values have one spelling only. */
bool mr_compile_spelled(mr_compiler *c, const mr_node *node);
/* The rows of a list of TUPLEs that left is compared with, each in all its spellings. */
void mr_compile_rows(mr_compiler *c, const mr_node *left, const mr_node *list);
/* What follows a boolean that is to be true, or false: " IN (1, ...)". */
const char *mr_boolean_words(bool truth);
/* True of a column, a function's result, ... that may hold a boolean in any spelling: as a condition it needs those
 * words. */
bool mr_is_spelled_boolean(const mr_compiler *c, const mr_node *x);

/* compile_select.c */
void mr_compile_query(mr_compiler *c, const mr_node *query, mr_place place);
/* The columns of a SELECT or RETURNING, each under its name; capture (or NULL) receives them. */
void mr_compile_columns(mr_compiler *c, const mr_node *list, mr_place place, mr_vec *capture);

/* compile_from.c */
void mr_compile_from(mr_compiler *c, const mr_node *from);
void mr_collect_leaves(mr_compiler *c, mr_vec *leaves, const mr_node *from);
void mr_emit_table(mr_compiler *c, const mr_table *table);
const char *mr_cte_name(mr_compiler *c, const mr_node *cte);

/* compile_dml.c */
void mr_compile_dml(mr_compiler *c, const mr_node *node);

/* compile_ddl.c */
const char *mr_type_sql(const mr_dialect *d, const mr_type *type, char *buf, size_t size);

#endif

/*
 * sql.h: SQL as a tree of immutable nodes with reference counts, and its compilation for a dialect.
 *
 * Invariant: a node is never changed after it was made.
 *
 * Ownership: a constructor consumes the references to the nodes that it receives, also when it fails, and returns a new
 * node with one reference. When a required node is NULL, it releases the others and returns NULL. So calls of
 * constructors can be nested without checks: the error of the innermost call stays recorded.
 */
#ifndef MOONROW_SQL_H
#define MOONROW_SQL_H

#include <moonrow/schema.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_node mr_node;
typedef struct mr_dialect mr_dialect;
typedef struct mr_compiled mr_compiled;

/* The kinds of nodes. The comment names the members of mr_node that a kind uses. */
typedef enum mr_node_kind {
    /* expressions */
    MR_NODE_COLUMN = 1,  /* column; child 0: the alias that the column is read from; n = 0: the table itself */
    MR_NODE_BIND,        /* value (an owned copy); of a named parameter: name */
    MR_NODE_BINDS,       /* list: the values of an IN; each becomes a parameter when compiled */
    MR_NODE_LITERAL_SQL, /* name: fixed SQL text: NULL, CURRENT_TIMESTAMP, * */
    MR_NODE_TEXT,        /* text("... :name ..."): value; the children are the binds in order */
    MR_NODE_UNARY,       /* op, child 0 */
    MR_NODE_BINARY,      /* op, child 0, child 1 (child 2: the escape character of LIKE) */
    MR_NODE_LIST,        /* op: AND, OR, COMMA, CONCAT ...; n children, at least 1 */
    MR_NODE_BETWEEN,     /* child 0..2; flag NEGATED */
    MR_NODE_FUNC,        /* name; children: arguments; flag DISTINCT */
    MR_NODE_CAST,        /* child 0, type */
    MR_NODE_CASE,        /* children: condition, value, ..., and else; flag VALUED: what is compared comes last; op ASC
                            or DESC: the first value alone where the database has NULL last in this order */
    MR_NODE_LABEL,       /* name, child 0 */
    MR_NODE_SUBQUERY,    /* child 0: a SELECT as a scalar or IN operand */
    MR_NODE_EXISTS,      /* child 0: a SELECT */
    MR_NODE_EXTRACT,     /* name (field), child 0 */
    MR_NODE_COLLATE,     /* name, child 0 */
    MR_NODE_OVER,        /* child 0: function; 1: partition list or NULL; 2: order list or NULL; name: frame */
    MR_NODE_TUPLE,       /* n children */
    MR_NODE_FILTER,      /* child 0: an aggregate; 1: the condition of its rows */
    MR_NODE_WITHIN,      /* child 0: an aggregate; 1: LIST by which its rows are ordered, behind it, or ENCLOSED */
    MR_NODE_JSON_AT,     /* child 0: JSON; 1, 2: BINDs of a path, '$."a"[0]' and '{a,0}'; flag NATURAL */
    MR_NODE_CRITERION,   /* child 0: a condition; value: what a higher layer has made it of (an owned copy) */
    /* FROM objects */
    MR_NODE_TABLE,      /* table */
    MR_NODE_ALIAS,      /* name ("": the compiler chooses a name), child 0: TABLE or SELECT */
    MR_NODE_JOIN,       /* op: INNER, LEFT, FULL; child 0, 1, child 2: ON */
    MR_NODE_CTE,        /* name, child 0: SELECT, COMPOUND, INSERT, UPDATE or DELETE; flags */
    MR_NODE_VALUES,     /* below an ALIAS: child 0: LIST of the COLUMNs, 1: LIST of TUPLEs */
    MR_NODE_ROWS,       /* below an ALIAS: a function that gives rows: child 0: FUNC; 1: LIST of the COLUMNs; flags */
    MR_NODE_TYPED_TEXT, /* below an ALIAS or CTE: child 0: TEXT; 1: LIST of the COLUMNs that it returns */
    /* statements */
    MR_NODE_SELECT,   /* see mr_select */
    MR_NODE_COMPOUND, /* op: UNION ...; children: selects; select: order, limit, offset */
    MR_NODE_INSERT,
    MR_NODE_UPDATE,
    MR_NODE_DELETE
} mr_node_kind;

/* The operators; also the kinds of joins and of compounds. */
typedef enum mr_op {
    MR_OP_NONE = 0,
    MR_OP_EQ,
    MR_OP_NE,
    MR_OP_LT,
    MR_OP_LE,
    MR_OP_GT,
    MR_OP_GE,
    MR_OP_IS,
    MR_OP_IS_NOT,
    MR_OP_IS_DISTINCT,     /* IS DISTINCT FROM: != that is never NULL */
    MR_OP_IS_NOT_DISTINCT, /* its opposite */
    MR_OP_IN,
    MR_OP_NOT_IN,
    MR_OP_LIKE,
    MR_OP_NOT_LIKE,
    MR_OP_ILIKE,
    MR_OP_NOT_ILIKE,
    MR_OP_ADD,
    MR_OP_SUB,
    MR_OP_MUL,
    MR_OP_DIV,
    MR_OP_MOD,
    MR_OP_CONCAT,
    MR_OP_BIT_AND,
    MR_OP_BIT_OR,
    MR_OP_BIT_XOR,
    MR_OP_SHIFT_LEFT,
    MR_OP_SHIFT_RIGHT,
    MR_OP_NEG,
    MR_OP_BIT_NOT,
    MR_OP_NOT,
    MR_OP_ASC,
    MR_OP_DESC,
    MR_OP_NULLS_FIRST,
    MR_OP_NULLS_LAST,
    MR_OP_DISTINCT,
    MR_OP_AND,
    MR_OP_OR,
    MR_OP_COMMA,
    MR_OP_INNER,
    MR_OP_LEFT,
    MR_OP_FULL,
    MR_OP_UNION,
    MR_OP_UNION_ALL,
    MR_OP_INTERSECT,
    MR_OP_EXCEPT,
    MR_OP_REGEXP, /* child 2: the flags of the expression, LITERAL_SQL; may be missing */
    MR_OP_NOT_REGEXP,
    MR_OP_MATCH, /* full text search */
    MR_OP_NOT_MATCH,
    MR_OP_CUSTOM /* an operator that the user names, such as "->>": mr_node.name */
} mr_op;

/* Bits of mr_node.flags. */
enum {
    MR_NODE_NEGATED = 1,
    MR_NODE_DISTINCT = 2,
    MR_NODE_RECURSIVE = 4,
    MR_NODE_NAME = 8,              /* COLUMN: only the name, of a label or column of the query that it is used in;
                                      TYPED_TEXT: its columns are found by name, not by their order */
    MR_NODE_VALUED = 16,           /* CASE: the conditions are values, which the last child is compared with */
    MR_NODE_DEFAULTED = 32,        /* BIND with a name: its value is used where none is given */
    MR_NODE_UNTYPED = 16,          /* BIND of a text whose type nobody has said: what stands beside it may tell it */
    MR_NODE_EXPANDING = 64,        /* BIND with a name: a list takes its place (mr_sql_with_list) */
    MR_NODE_LATERAL = 128,         /* ALIAS of a SELECT: it may name the FROM objects before it */
    MR_NODE_ZERO_IS_NULL = 16,     /* BINARY of DIV, FUNC of mr_sql_floor_div and _mod: a division by 0 is NULL */
    MR_NODE_BY_BYTES = 32,         /* BINARY of LT to GE: texts are ordered by their bytes */
    MR_NODE_WHOLE = 16,            /* LIKE: the pattern has a zero byte, or is longer than SQLite's LIKE takes */
    MR_NODE_BACKSLASH = 32,        /* LIKE without ESCAPE: the pattern has a backslash, or may have one */
    MR_NODE_NATURAL = 16,          /* JSON_AT: the type is that of the value that it is compared with */
    MR_NODE_ENCLOSED = 16,         /* WITHIN: the order stands in the brackets of the call */
    MR_NODE_DERIVED = 16,          /* ROWS: the names of the columns are written */
    MR_NODE_ORDINALITY = 32,       /* ROWS: WITH ORDINALITY, whose column comes last */
    MR_NODE_MATERIALIZED = 16,     /* CTE: AS MATERIALIZED */
    MR_NODE_NOT_MATERIALIZED = 32, /* CTE: AS NOT MATERIALIZED */
    MR_NODE_NESTING = 64,          /* CTE: it stands in front of the innermost query that reads it */
    MR_NODE_WRITES = 256,          /* an INSERT, UPDATE or DELETE, or one is below, in a CTE too */
    /* Above the bits that change the SQL: */
    MR_NODE_GIVEN = 512, /* ALIAS: the program has made it, of a class; JOIN: it is such an alias, of several tables */
    MR_NODE_PART = 1024 /* COLUMN: behind its child stands the JOIN (MR_NODE_GIVEN) that its FROM object is a part of */
};

/* The clauses of a SELECT. Each node may be NULL. LIST means a LIST node with op COMMA. */
typedef struct mr_select {
    mr_node *columns;  /* LIST of expressions, with or without LABEL */
    mr_node *from;     /* LIST of FROM objects */
    mr_node *where;    /* an expression */
    mr_node *group_by; /* LIST */
    mr_node *having;
    mr_node *order_by;       /* LIST */
    mr_node *limit, *offset; /* BIND or expression */
    mr_node *distinct_on;    /* LIST; PostgreSQL only */
    mr_node *correlate;      /* LIST of the FROM objects that the enclosing SELECT reads, so this one must not */
    mr_node *with;           /* LIST of CTEs that stand in front, whether they are read or not */
    bool correlate_except;   /* it reads these itself, and all others are those of the enclosing SELECT */
    bool distinct;
    bool for_update;
    const char *for_update_mode; /* interned: "NOWAIT", "SKIP LOCKED" ..., or NULL */
} mr_select;

/* The clauses of INSERT, UPDATE and DELETE. All but table may be NULL. */
typedef struct mr_dml {
    mr_node *table;   /* TABLE */
    mr_node *columns; /* INSERT, UPDATE: LIST of COLUMN */
    mr_node *values;  /* INSERT: LIST of TUPLEs, one for each row; UPDATE: LIST, one value for each column */
    mr_node *select;  /* INSERT ... SELECT */
    mr_node *where;
    mr_node *returning;            /* LIST */
    mr_node *conflict_target;      /* LIST of COLUMN */
    mr_node *conflict_index_where; /* the condition of the partial index in the conflict target (mr_sql_inline) */
    mr_node *conflict_columns, *conflict_values; /* DO UPDATE SET */
    mr_node *conflict_where;
    mr_node *others; /* UPDATE, DELETE: LIST of the other FROM objects that values and criteria name; NULL: there are
                        none. The constructors set it, whatever is given. */
    mr_node *with;   /* LIST of CTEs that stand in front, whether they are read or not */
    const char *conflict_constraint; /* interned: ON CONFLICT ON CONSTRAINT name; NULL: conflict_target says which */
    bool on_conflict;                /* ON CONFLICT is written; with conflict_columns NULL: DO NOTHING */
} mr_dml;

struct mr_node {
    uint32_t refs;
    uint8_t kind;   /* mr_node_kind */
    uint8_t op;     /* mr_op */
    uint16_t flags; /* MR_NODE_ bits */
    uint32_t n;     /* number of children */
    uint32_t depth; /* 1 + the depth of the deepest child */
    uint32_t binds; /* number of BINDs and BINDSs in the tree, itself included; those inside an ALIAS or CTE excluded */
    uint32_t weight; /* number of nodes in the tree, shared ones counted each time: limits the size of the SQL */
    mr_env *env;
    const mr_type *type;    /* the type of an expression; the unknown type for other nodes; never NULL */
    const void *annotation; /* of a higher layer: the mapped attribute of a column; lives as long as the environment */
    /* Of a higher layer: the class that a column was asked of, if it is not the declaring one; the class whose rows a
     * TABLE or ALIAS gives. */
    const void *reader;
    union {
        const mr_column *column;
        const mr_table *table;
        mr_value value;
        const char *name; /* interned */
        struct {
            mr_value *values; /* n owned copies */
            size_t n;
            mr_value *spelled; /* all spellings of the values, borrowed from them; NULL: each has only one */
            size_t nspelled;
            bool can_be_whole; /* the values may be sent as one text ... */
            mr_strbuf *text;   /* ... which is this, once it was sent */
        } list;                /* BINDS */
        mr_select *select;
        mr_dml *dml;
    } u;
    const char
        *name; /* interned: BIND: the parameter's name; ALIAS, LABEL, FUNC, op CUSTOM ...: as their constructors say */
    mr_node **child; /* n children, read-only; an entry may be NULL if the kind allows it */
};

/* Adds a reference. Returns node. NULL is allowed. */
mr_node *mr_node_retain(mr_node *node);
/* Gives a reference back; frees the node with the last one, without recursion on the C stack. NULL is allowed. */
void mr_node_release(mr_node *node);

/* ---- expressions. Constructors copy and intern names. A tree that becomes too deep or too large is an ArgumentError.
 */

/* A column. from is the alias, subquery or CTE that it is read from; NULL: the column's own table. */
mr_node *mr_sql_column(mr_env *env, const mr_column *column, mr_node *from, const void *annotation);
/* The same of a class's alias that is a join of several (whole, MR_NODE_GIVEN), of which from is the part that has the
 * column: whoever reads the column reads the join. Consumes both; whole may be NULL. */
mr_node *mr_sql_column_in(mr_env *env, const mr_column *column, mr_node *from, const void *annotation, mr_node *whole);
/* That join, borrowed; else the alias, subquery or CTE that the COLUMN is read from; NULL: its own table. */
static inline mr_node *mr_column_object(const mr_node *column) {
    return column->flags & MR_NODE_PART ? column->child[1] : column->n > 0 ? column->child[0] : NULL;
}
/* A column of no table, that stands for a label or column of the query that it is used in (MR_NODE_NAME). */
mr_node *mr_sql_named_column(mr_env *env, const mr_column *column);
/* The same for the table's column, as reader has it: see mr_node. */
mr_node *mr_sql_column_of(mr_env *env, const mr_column *column, const void *annotation, const void *reader);
/* A value. It is copied; the caller has coerced it to the type. */
mr_node *mr_sql_bind(mr_env *env, const mr_type *type, const mr_value *value);
/* A named parameter, whose value comes when the statement is executed. */
mr_node *mr_sql_param(mr_env *env, const mr_type *type, const char *name);
/* A named parameter with a value (copied, coerced by the caller) for when none is given. */
mr_node *mr_sql_param_with_default(mr_env *env, const mr_type *type, const char *name, const mr_value *value);
/* A named parameter whose value is a list: the right side of an IN. */
mr_node *mr_sql_list_param(mr_env *env, const mr_type *type, const char *name);
/* The n values of an IN (copied, coerced by the caller). */
mr_node *mr_sql_binds(mr_env *env, const mr_type *type, const mr_value *values, size_t n);
/* Fixed SQL text that needs no parentheses. */
mr_node *mr_sql_raw(mr_env *env, const mr_type *type, const char *sql);
/* The expression (consumed) with its values written as SQL text. ArgumentError: it has named parameters, or a value
 * that is no number, boolean, text or NULL. */
mr_node *mr_sql_inline(mr_node *node);
/* The value of a named parameter. */
typedef struct mr_named_value {
    const char *name;
    mr_value value;
} mr_named_value;
/* The statement or expression (consumed) with values in place of its named parameters, those inside its FROM objects
 * included. A parameter that is not among the n values stays a parameter. ArgumentError: a value does not fit
 * the parameter's type. */
mr_node *mr_sql_with_values(mr_node *node, const mr_named_value *named, size_t n);
/* The statement or expression (consumed) with the plain values that are sent in place of the values of the program's
 * own (mr_value_is_own). written: they go into columns. Errors of the program's functions. */
mr_node *mr_sql_with_sent_values(mr_node *node, const char *dialect, bool written);
/* A list of n values (borrowed) for the parameter of a name. */
typedef struct mr_named_list {
    const char *name;
    const mr_value *values;
    size_t n;
} mr_named_list;
/* The nodes with the list in place of the list parameters of its name, those inside of their FROM objects included. The
 * k nodes are replaced in place; a node is NULL, or consumed and made anew, also on failure. *found: is there such a
 * parameter? ArgumentError: a value does not fit the parameter's type. */
mr_status mr_sql_with_list(mr_env *env, mr_node **nodes, size_t k, const mr_named_list *list, bool *found);
/* The first parameter of the name among the k nodes (or NULL), those inside of their FROM objects included. *out:
 * borrowed; NULL: there is none. */
mr_status mr_sql_find_param(mr_env *env, mr_node *const *nodes, size_t k, const char *name, const mr_node **out);
/* text(sql) with :name binds. "::" and a ':' inside quotes are left as they are; "\:" becomes a colon.
 * ArgumentError: the text has a zero byte. */
mr_node *mr_sql_text(mr_env *env, const char *sql, size_t len);
/* The same for text without binds, in which a colon is a colon. */
mr_node *mr_sql_text_as_it_is(mr_env *env, const char *sql, size_t len);
/* The text with bind (a BIND with a value) in place of each bind of the name. Consumes both. ArgumentError: the text
 * has no bind of that name. */
mr_node *mr_sql_text_bind(mr_env *env, mr_node *text, const char *name, mr_node *bind);
mr_node *mr_sql_unary(mr_env *env, mr_op op, mr_node *operand);
/* An operator with two operands. EQ and NE with a NULL bind become IS NULL and IS NOT NULL. */
mr_node *mr_sql_binary(mr_env *env, mr_op op, mr_node *left, mr_node *right);
/* An operator that the user names. ArgumentError: op is no operator. */
mr_node *mr_sql_custom(mr_env *env, const char *op, mr_node *left, mr_node *right);
/* The same, whose result has the type. */
mr_node *mr_sql_custom_as(mr_env *env, const char *op, mr_node *left, mr_node *right, const mr_type *type);
/* LIKE, ILIKE and their opposites. escape is one character, or NULL. */
mr_node *mr_sql_like(mr_env *env, mr_op op, mr_node *left, mr_node *pattern, const char *escape);
/* A list of n items. Items of AND and OR that are lists of the same operator are flattened, NULLs are left out, and a
 * single item is returned itself. */
mr_node *mr_sql_list(mr_env *env, mr_op op, mr_node *const *items, size_t n);
/* A new COMMA list with the items of list (NULL: none) and item. */
mr_node *mr_sql_list_append(mr_env *env, mr_node *list, mr_node *item);
/* left AND right; right itself when left is NULL. */
mr_node *mr_sql_and(mr_env *env, mr_node *left, mr_node *right);
/* The opposite of a condition: by the opposite operator if there is one (!= for =, NOT IN for IN; LIKE, BETWEEN, IS),
 * otherwise with NOT. */
mr_node *mr_sql_not(mr_env *env, mr_node *operand);
mr_node *mr_sql_between(mr_env *env, mr_node *x, mr_node *low, mr_node *high);
/* A function call. type NULL: the known type of the function, else the unknown type. */
mr_node *mr_sql_func(mr_env *env, const char *name, const mr_type *type, mr_node *const *args, size_t n);
/* a // b and a % b as Lua has them: rounded down; NULL where b is 0. Of numbers and decimals. */
mr_node *mr_sql_floor_div(mr_env *env, mr_node *a, mr_node *b);
mr_node *mr_sql_floor_mod(mr_env *env, mr_node *a, mr_node *b);
/* A division that was just made (or NULL) is NULL where the divisor is 0, in databases, too, that raise there. */
mr_node *mr_sql_null_at_zero(mr_node *division);
/* A comparison of texts that was just made (or NULL) is by their bytes, in databases, too, that order by a language. */
mr_node *mr_sql_by_bytes(mr_node *comparison);
mr_node *mr_sql_cast(mr_env *env, mr_node *x, const mr_type *type);
/* CASE: n nodes: condition, value, condition, value ...; when n is odd, the last one is the ELSE. */
mr_node *mr_sql_case(mr_env *env, mr_node *const *pairs_and_else, size_t n);
/* CASE value WHEN ... : the conditions of the pairs are what value is compared with. */
mr_node *mr_sql_case_of(mr_env *env, mr_node *value, mr_node *const *pairs_and_else, size_t n);
/* Is the node the call of an aggregate function that databases have by this name? */
bool mr_node_is_aggregate(const mr_node *node);
/* What a group is sorted by, when its first row is to decide: min(x), or max(x) when falling; but NULL where x is NULL
 * in a row and NULL comes first: in every database (nulls_first), in none (nulls_last), or (MR_OP_NONE) as each
 * database has it in this direction. */
mr_node *mr_sql_first_in_order(mr_env *env, mr_node *x, bool falling, mr_op nulls);
/* aggregate FILTER (WHERE condition). */
mr_node *mr_sql_filter(mr_env *env, mr_node *aggregate, mr_node *condition);
/* aggregate WITHIN GROUP (ORDER BY order). order: a LIST. */
mr_node *mr_sql_within(mr_env *env, mr_node *aggregate, mr_node *order);
/* aggregate(x ORDER BY order), also of a FILTER around it. order: a LIST. */
mr_node *mr_sql_aggregate_order(mr_env *env, mr_node *aggregate, mr_node *order);
/* A step into JSON: a key, or an index (key NULL) from 0 on, negative from the end. */
typedef struct mr_json_step {
    const char *key;
    int64_t index;
} mr_json_step;
/* The value in the JSON of x at the path of n steps; of a JSON_AT, behind its own path. ArgumentError: a key has a
 * double quote or a zero byte. */
mr_node *mr_sql_json_at(mr_env *env, mr_node *x, const mr_json_step *steps, size_t n);
/* The same value as one of the type; natural: compared as it is, where the database has values of any type. */
mr_node *mr_sql_json_as(mr_env *env, mr_node *at, const mr_type *type, bool natural);
/* x matches the regular expression. flags: NULL, or letters of "inx". */
mr_node *mr_sql_regexp(mr_env *env, mr_node *x, mr_node *pattern, const char *flags);
/* The condition (consumed) together with what a higher layer has made it of, an opaque value (copied). It is written as
 * the condition alone, and its NOT is true wherever the condition is not. */
mr_node *mr_sql_criterion(mr_env *env, mr_node *condition, const mr_value *made_of);
/* x AS name. */
mr_node *mr_sql_label(mr_env *env, const char *name, mr_node *x);
/* A SELECT as a value. */
mr_node *mr_sql_scalar(mr_env *env, mr_node *select);
mr_node *mr_sql_exists(mr_env *env, mr_node *select);
/* EXISTS (SELECT 1), which its clauses are added to; each consumes exists. ArgumentError: it is the EXISTS of a union.
 */
mr_node *mr_sql_exists_any(mr_env *env);
mr_node *mr_sql_exists_where(mr_env *env, mr_node *exists, mr_node *criterion);
mr_node *mr_sql_exists_from(mr_env *env, mr_node *exists, mr_node *from);
/* froms, except: as in mr_select. */
mr_node *mr_sql_exists_correlate(mr_env *env, mr_node *exists, mr_node *froms, bool except);
/* EXTRACT(field FROM x). ArgumentError: field is not made of words. */
mr_node *mr_sql_extract(mr_env *env, const char *field, mr_node *x);
mr_node *mr_sql_collate(mr_env *env, mr_node *x, const char *collation);
/* func OVER (PARTITION BY partition ORDER BY order frame). partition and order are LISTs or NULL; frame may be NULL.
 * ArgumentError: frame is not made of words. */
mr_node *mr_sql_over(mr_env *env, mr_node *func, mr_node *partition, mr_node *order, const char *frame);
mr_node *mr_sql_tuple(mr_env *env, mr_node *const *items, size_t n);

/* ---- FROM objects */

mr_node *mr_sql_table(mr_env *env, const mr_table *table);
/* A table, query or CTE under another name; name NULL: the compiler chooses one. ArgumentError: of is something else.
 */
mr_node *mr_sql_alias(mr_env *env, mr_node *of, const char *name);
/* A join; kind is MR_OP_INNER, MR_OP_LEFT or MR_OP_FULL. */
mr_node *mr_sql_join(mr_env *env, mr_op kind, mr_node *left, mr_node *right, mr_node *on);
/* A CTE of a query or of an INSERT, UPDATE or DELETE. flags: MR_NODE_RECURSIVE, MR_NODE_MATERIALIZED,
 * MR_NODE_NOT_MATERIALIZED, MR_NODE_NESTING. name NULL: the compiler chooses one. */
mr_node *mr_sql_cte(mr_env *env, mr_node *query, const char *name, unsigned flags);
/* A SELECT in FROM that may name the objects before it. */
mr_node *mr_sql_lateral(mr_env *env, mr_node *select, const char *name);
/* Rows of values as a FROM object. columns: LIST of COLUMNs; rows: LIST of TUPLEs of the same width. */
mr_node *mr_sql_values(mr_env *env, mr_node *columns, mr_node *rows, const char *name);
/* The rows that a function gives as a FROM object. flags: MR_NODE_DERIVED, MR_NODE_ORDINALITY, or both. */
mr_node *mr_sql_function_rows(mr_env *env, mr_node *function, mr_node *columns, unsigned flags, const char *name);
/* Does the FROM object depend on those before it: is it lateral, or a function with columns among its arguments? */
bool mr_from_depends(const mr_node *from);
/* The user's text as a query whose columns are known: a LIST of COLUMNs; ordered: in the text's order, otherwise
 * they are found by name. */
mr_node *mr_sql_typed_text(mr_env *env, mr_node *text, mr_node *columns, bool ordered);

/* ---- statements. They consume the references in *clauses. ArgumentError: the clauses do not fit each other. */

mr_node *mr_sql_select(mr_env *env, const mr_select *clauses);
/* A UNION or the like of n SELECTs. Of *order_limit_offset only these three clauses are used. */
mr_node *mr_sql_compound(mr_env *env, mr_op op, mr_node *const *selects, size_t n, const mr_select *order_limit_offset);
mr_node *mr_sql_insert(mr_env *env, const mr_dml *clauses);
mr_node *mr_sql_update(mr_env *env, const mr_dml *clauses);
mr_node *mr_sql_delete(mr_env *env, const mr_dml *clauses);

/* ---- values of an INSERT */

/* The value that an INSERT of one row writes to the column (borrowed). NULL, which is no error, when it writes none, or
 * writes NULL. */
const mr_node *mr_sql_insert_value(const mr_dml *d, const mr_column *column);
/* Has the INSERT of one row an ON CONFLICT about the whole primary key, and values for all of the key? Then the row has
 * this key afterwards, no matter whether it was inserted or updated. */
bool mr_sql_insert_conflicts_by_key(const mr_dml *d);
/* A SELECT of the rows of query with n more columns, the values. Query and values are borrowed. One reference. */
mr_node *mr_sql_select_with_values(mr_env *env, mr_node *query, mr_node *const *values, size_t n);

/* ---- looking into trees. None of these functions consumes a node. */

/* Calls visit for the node and all nodes below it, parents first. When visit returns false, the nodes below that node
 * are skipped. The FROM object of a COLUMN is not below the COLUMN. */
void mr_node_walk(const mr_node *node, bool (*visit)(void *ud, const mr_node *node), void *ud);
/* A copy of the tree in which each COLUMN becomes replace(ud, column): a new reference, or NULL to keep the column. One
 * reference. */
mr_node *mr_node_replace(mr_node *node, mr_node *(*replace)(void *ud, const mr_node *node), void *ud);
/* Moves an expression from one FROM object to another (from a table to its alias, say). */
typedef struct mr_adaption {
    /* Returns the replacement of a node (a new reference), or NULL to keep it and continue with its children. It is
     * called for columns everywhere, except for those that a nested SELECT reads from its own FROM objects (for a
     * column of a subquery, under the subquery's own names); for other nodes only outside of nested SELECTs. */
    mr_node *(*expression)(void *ud, const mr_node *node);
    /* Returns the FROM object that takes the place of from (borrowed), or NULL to keep it. */
    mr_node *(*from)(void *ud, const mr_node *from);
    void *ud;
    /* NULL, or a LIST of FROM objects: the outermost nested SELECTs that do not say what they take from the surrounding
     * statement take these alone, unless they read nothing else. Borrowed. */
    mr_node *outside;
} mr_adaption;
/* The expression moved by *a, one reference. In nested SELECTs, everything that they take from the surrounding
 * statement is moved, too. */
mr_node *mr_node_adapt(mr_node *node, const mr_adaption *a);
/* Criteria for the rows of FROM objects. */
typedef struct mr_narrowing {
    /* *out: the criterion for the rows of leaf, a TABLE or ALIAS in object, an entry of the FROM of select; a new
     * reference, or NULL for all rows. outermost: no other SELECT is around that one. */
    mr_status (*criterion)(void *ud, const mr_node *select, bool outermost, mr_node *object, mr_node *leaf,
                           mr_node **out);
    void *ud;
} mr_narrowing;
/* *out: the statement, one reference, in which each SELECT, those of subqueries and EXISTS included, has these criteria
 * in its WHERE, or in the ON that joins the object. A CTE stays as it is. On failure *out is NULL. */
mr_status mr_node_narrow(mr_node *statement, const mr_narrowing *how, mr_node **out);
/* Does the COLUMN belong to the FROM object, or to an object that is joined in it? */
bool mr_column_is_of(const mr_node *column, const mr_node *from);
/* The part of the FROM object, a join perhaps, that is the table, also behind an alias. Borrowed. NULL: there is none.
 */
mr_node *mr_from_leaf(mr_node *from, const mr_table *table);
/* The LIST of the columns that a query, or an alias or CTE of a query, returns. NULL, which is no error, for other
 * nodes and for text. */
const mr_node *mr_query_columns(const mr_node *query);
/* The name of an item of that list, or NULL. */
const char *mr_listed_name(const mr_node *item);
/* For a column of a subquery: the expression in the subquery's list that it stands for. NULL for other nodes. */
const mr_node *mr_column_source(const mr_node *column);
/* Is an item of a query's list the wanted expression, directly or through the columns of subqueries? */
bool mr_stands_for(const mr_node *listed, const mr_node *wanted);
/* Is an item of a query's list the column, of any FROM object? */
bool mr_stands_for_column(const mr_node *listed, const mr_column *column);
/* Appends to out (mr_node *) the FROM objects of the expression's columns, each once; a table becomes a new TABLE node.
 * Objects that are in out already are not added again. Nested SELECTs are not searched. The caller releases each entry,
 * also after MR_FAIL. */
mr_status mr_node_froms(mr_env *env, const mr_node *node, mr_vec *out);

/* ---------------------------------------------------------------- compilation */

/* The form in which all values of a list are one parameter. */
typedef enum mr_whole {
    MR_WHOLE_NONE = 0,
    MR_WHOLE_JSON, /* [1,"a"] */
    MR_WHOLE_ARRAY /* {1,"a"} */
} mr_whole;

/* One parameter of a compiled statement. */
typedef struct mr_param {
    const char *name; /* the name of a named parameter, or NULL */
    const mr_type *type;
    uint32_t ordinal;       /* the number of its bind in the order of mr_sql_key */
    uint32_t element;       /* BINDS: the index of its value in the list, which is padded by repeating the last value */
    uint8_t spelling;       /* selects a spelling of the value (mr_type_spell); BINDS: not 0 selects list.spelled */
    const mr_type *spelled; /* the type whose spellings are meant */
    uint8_t whole;          /* BINDS: an mr_whole: it stands for all values of the list */
    bool defaulted;         /* named: the bind has a value for when none is given */
    bool written;           /* the value is written into a column: what its form of storage cannot keep is cut off */
    bool own;               /* its value may be one of the program's own until now, because its type has variants */
    const char *what;       /* the column, whose type has variants: the one that holds checks the value now; or NULL */
    const mr_column *into;  /* the column that it is written into, or compared with, for messages; or NULL */
} mr_param;
/* The type by whose form the parameter's value is stored. */
static inline const mr_type *mr_param_type(const mr_param *param) {
    return param->spelled ? param->spelled : param->type;
}

/* Is a value of the parameter checked or converted when it is sent? */
static inline bool mr_param_converts(const mr_param *param) {
    const mr_type *type = mr_param_type(param);
    bool plain = param->spelling == MR_SPELL_PLAIN && type->rules->stores_spellings && !type->decorator;
    return param->what || param->own || (!plain && mr_type_stores(type));
}

/* One column of a result. */
typedef struct mr_result_column {
    const char *name; /* the name that the SELECT gives it */
    const mr_type *type;
    const mr_node *node;     /* borrowed from the compiled statement; NULL in a cached one */
    const mr_column *column; /* NULL: it is computed */
} mr_result_column;

/* The relation of SQL text to the transaction. */
typedef enum mr_text_kind {
    MR_TEXT_READS,
    MR_TEXT_WRITES,  /* begins a transaction */
    MR_TEXT_CONTROL, /* BEGIN, COMMIT, SAVEPOINT ...: only the library itself may execute these */
    MR_TEXT_ALONE    /* works only outside of a transaction: VACUUM, DETACH, PRAGMA journal_mode = ... */
} mr_text_kind;

struct mr_compiled {
    uint32_t refs;
    mr_env *env;
    char *sql;
    size_t sql_len;
    mr_param *params;
    size_t nparams;
    mr_result_column *columns; /* NULL for statements without rows, and for text */
    size_t ncolumns;
    bool returns_rows;
    bool is_text;  /* the result columns are known only when the statement runs */
    bool is_write; /* begins a transaction: everything but a SELECT; text: by its kind */
    bool is_ddl;
    bool stores;       /* values of some parameters are converted when they are sent (mr_type_stores) */
    mr_text_kind kind; /* of the user's text; MR_TEXT_READS for other statements */
    mr_compiled *many; /* mr_compiled_many; NULL: not asked for yet */
};

/* Compiles a statement; *out has one reference. ArgumentError: it is no statement, or the dialect cannot
 * write it. */
mr_status mr_sql_compile(mr_env *env, const mr_dialect *dialect, const mr_node *statement, mr_compiled **out);
/* A compiled statement made of complete SQL text without parameters (PRAGMA, DDL). One reference. */
mr_compiled *mr_compiled_from_sql(mr_env *env, const char *sql, size_t len, bool is_write);
/* For "INSERT INTO t (a, b) VALUES (?, ?)": the same INSERT of n rows, whose parameters stand row by row. It belongs to
 * c, which keeps one, of the first n asked for. *out: NULL when c is no INSERT of this form. */
mr_status mr_compiled_many(mr_compiled *c, size_t n, mr_compiled **out);
/* Adds a reference. Returns c. */
mr_compiled *mr_compiled_retain(mr_compiled *c);
/* Gives a reference back; frees the statement with the last one. NULL is allowed. */
void mr_compiled_release(mr_compiled *c);
/* Appends to key the structure of the statement: everything except the values of its binds. Two statements with equal
 * keys compile to equal SQL and parameters. Appends to binds (const mr_node *, borrowed) its BIND and BINDS nodes in
 * the order that mr_param.ordinal counts. The key contains pointers, so it is good within one environment only. The
 * length of a BINDS is rounded up, so that lists of similar lengths have the same key. */
mr_status mr_sql_key(const mr_node *statement, mr_strbuf *key, mr_vec *binds);
/* The value to bind for a parameter: the value itself or one of its spellings, with borrowed bytes. */
static inline mr_value mr_param_value(const mr_param *param, const mr_value *value) {
    return param->spelling == MR_SPELL_PLAIN ? *value : mr_type_spell(param->spelled, value, param->spelling);
}
/* Converts a value that functions of the program convert (mr_value_send, MR_VALUE_GIVEN), in place. */
mr_status mr_param_send(const mr_param *param, mr_value *v, mr_store_room *room);
/* Checks a value whose type was not known before the dialect (mr_param.what), and converts it, in place. */
mr_status mr_param_check(const mr_param *param, mr_value *v, mr_store_room *room);
/* Converts the parameter's value to the form in which its column stores it, in place; bytes are in the room. */
static inline mr_status mr_param_store(const mr_param *param, mr_value *v, mr_store_room *room) {
    bool own = v->kind == MR_OPAQUE || (v->flags & MR_VALUE_GIVEN);
    if (own && mr_param_send(param, v, room) != MR_OK) return MR_FAIL;
    if (param->what && mr_param_check(param, v, room) != MR_OK) return MR_FAIL;
    if (param->written && mr_type_fit(room->env, param->type, "a value", v, room) != MR_OK) return MR_FAIL;
    return mr_type_store(mr_param_type(param), v, room);
}
/* Writes the values of all parameters to out, which has room for c->nparams. binds comes from mr_sql_key; the values
 * are borrowed from binds and named. InvalidRequestError: a named parameter has no value among the nnamed ones.
 * ArgumentError: a named value does not fit its parameter's type. */
mr_status mr_compiled_values(const mr_compiled *c, const mr_vec *binds, const mr_named_value *named, size_t nnamed,
                             mr_value *out);

/* Appends the SQL of any node, also of an expression alone, for tostring. Errors as in mr_sql_compile. */
mr_status mr_sql_string(mr_env *env, const mr_dialect *dialect, const mr_node *node, mr_strbuf *out);
/* The same with the values written in place of the parameters, for a reader, or as a part of a definition:
 * never run such a statement. A named parameter has no value yet, and is written as :name. IN lists have their own
 * length. May execute statements, for values that become known when they are used; errors of these, too. */
mr_status mr_sql_string_literal(mr_env *env, const mr_dialect *dialect, const mr_node *node, mr_strbuf *out);

/* The same for the condition of a CHECK, and the expression of a DEFAULT. */
mr_status mr_sql_constraint(mr_env *env, const mr_dialect *dialect, const mr_node *node, mr_strbuf *out);
/* The same for another expression in a table's definition: columns without their table, values in the text, and
 * comparisons as they are written, without the spellings of values. */
mr_status mr_sql_definition(mr_env *env, const mr_dialect *dialect, const mr_node *node, mr_strbuf *out);

/* The tables of a CREATE or DROP that come after the one that is written: a foreign key to one of them is written
 * later, by mr_ddl_alter, if the dialect can. */
typedef struct mr_later {
    mr_table *const *tables;
    size_t n;
} mr_later;

/* Appends CREATE TABLE, or CREATE VIEW. if_missing: with IF NOT EXISTS. later may be NULL: every foreign key is
 * written. ArgumentError: a foreign key cannot be resolved, or the dialect cannot write something. */
mr_status mr_ddl_create(const mr_dialect *dialect, mr_table *table, bool if_missing, const mr_later *later,
                        mr_strbuf *out);
/* CREATE TABLE with all foreign keys. */
mr_status mr_ddl_create_table(const mr_dialect *dialect, mr_table *table, mr_strbuf *out);
/* Appends the ALTER TABLE that adds, or drops, the table's later foreign key with the number, from 0 on. *found: is
 * there one? ArgumentError as above; a key to drop has no name. */
mr_status mr_ddl_alter(const mr_dialect *dialect, mr_table *table, const mr_later *later, bool dropping,
                       unsigned number, mr_strbuf *out, bool *found);
/* Appends CREATE INDEX, or DROP INDEX, of an index that is a table's. if_missing, if_there: with IF [NOT] EXISTS. */
mr_status mr_ddl_create_index(const mr_dialect *dialect, const mr_index *index, bool if_missing, mr_strbuf *out);
mr_status mr_ddl_drop_index(const mr_dialect *dialect, const mr_index *index, bool if_there, mr_strbuf *out);
/* Appends DROP TABLE, or DROP VIEW. */
void mr_ddl_drop(const mr_dialect *dialect, const mr_table *table, bool if_there, mr_strbuf *out);
void mr_ddl_drop_table(const mr_dialect *dialect, const mr_table *table, mr_strbuf *out);
/* Appends the COMMENT ON with the number, from 0 on; false: there is none. */
bool mr_ddl_comment(const mr_dialect *dialect, const mr_table *table, unsigned number, mr_strbuf *out);
/* Does the dialect write that no number of the table's key is used twice? */
bool mr_ddl_numbers_once(const mr_dialect *dialect, const mr_table *table);

/* ---------------------------------------------------------------- dialects */

typedef struct mr_compiler mr_compiler;
/* A type that a dialect calls by a name of its own. */
typedef struct mr_type_word {
    mr_typecode code;
    const char *sql;
    bool precision;       /* the precision follows in parentheses if one is given */
    const char *numbered; /* the name for a column that numbers itself; NULL: mr_dialect.numbered */
} mr_type_word;

/* A dialect says how a database's SQL differs from the default. A function that is NULL means: as the default does. */
struct mr_dialect {
    const char *name;   /* "sqlite", "postgresql" */
    char parameter;     /* the mark of a parameter: '?', or '$' with a number behind it */
    const char *schema; /* written before a table without schema when a table of the same name in a schema hides it */
    bool returning;     /* INSERT ... RETURNING is used to get generated keys */
    bool multi_row_insert;                            /* one INSERT with many rows is faster than many INSERTs */
    bool ilike, nulls_order, for_update, distinct_on; /* the database has these */
    bool backslash_escapes;                           /* LIKE without ESCAPE takes a backslash for one */
    uint32_t most_conditions; /* a list of AND or OR with so many values is refused beyond it; 0: there is no limit */
    bool nulls_high;          /* NULL is sorted behind all values; otherwise before them */
    bool true_literals;       /* it has true and false; otherwise 1 and 0 are written */
    bool intervals;           /* it has values INTERVAL '5 seconds'; otherwise they are moments */
    bool escaped_blobs;       /* a blob is written '\\x00FF'; otherwise X'00FF' */
    bool index_schema;        /* CREATE INDEX schema.name ON table; otherwise name ON schema.table */
    bool returning_qualified; /* RETURNING "user".id; otherwise RETURNING id */
    bool spells;              /* dates and booleans are stored as programs spell them: criteria name each spelling */
    bool dml_in_cte;          /* WITH x AS (INSERT ...) */
    bool delete_using;        /* DELETE ... USING; otherwise the criteria stand in an EXISTS */
    bool compound_parens;     /* a member of a compound may stand in parentheses; otherwise it becomes a subquery */
    const char *const *reserved;    /* the words that must be quoted: NULL-terminated, lower case, sorted */
    const mr_type_word *type_words; /* the types with names of their own; the last entry has no sql; or NULL */
    bool moments;                   /* it has types for dates and times; otherwise these are texts */
    bool decimal_text;              /* decimals are stored as text, and compared by functions and a collation */
    const char *numbered;           /* the type's name for a column that numbers itself; NULL: the column's own type */
    bool numbers_sole_key;          /* only the single column of a primary key numbers itself */
    const char *const *begin;       /* the statements that begin a transaction: by mr_txmode */
    bool (*is_plain_default)(const char *sql); /* may the text stand behind DEFAULT without parentheses? NULL: always */
    bool (*compile_node)(mr_compiler *c, const mr_node *node); /* true when it has written the node */
    void (*limit)(mr_compiler *c, const mr_node *limit, const mr_node *offset);
    /* Writes a query that returns a row when the table, or a view of its name, exists. Fills params, and returns their
     * number. */
    unsigned (*table_exists)(const mr_dialect *d, const mr_table *table, mr_strbuf *out, mr_value params[2]);
    const char *numbers_once; /* the word behind PRIMARY KEY with which no number is used twice; NULL: there is none */
    bool identity;            /* it has GENERATED ... AS IDENTITY */
    bool virtual_columns;     /* a computed column need not be stored */
    bool computed_keys;       /* a computed column may be in the primary key */
    bool alters;              /* ALTER TABLE adds and drops constraints; and a foreign key needs its table */
    bool distinct_from;       /* it has IS DISTINCT FROM; otherwise IS NOT compares any values */
    bool within_group;        /* it has WITHIN GROUP */
    const char *const
        *sole_columns;         /* functions whose single column has the name of its FROM object; NULL-terminated */
    bool lateral;              /* it has LATERAL, and names for the columns of what stands in FROM */
    bool json_operators;       /* #> and #>> read JSON, and a text is cast to it; otherwise json_extract */
    bool regexp_operators;     /* ~ and ~*; otherwise REGEXP */
    bool text_search;          /* @@; otherwise MATCH */
    bool defers_keys;          /* UNIQUE and PRIMARY KEY may be deferrable, too */
    bool comments;             /* it has COMMENT ON */
    bool named_types;          /* types may have names of their own: mr_type.named */
    bool index_parens;         /* an expression in an index needs parentheses */
    bool conflict_constraints; /* it has ON CONFLICT ON CONSTRAINT; otherwise the constraint's columns are written */
    bool conflict_clauses;     /* a constraint may say ON CONFLICT ... */
    bool views_if_missing;     /* it has CREATE VIEW IF NOT EXISTS */
    /* The name of a type in a table with strict types; sql is its usual name. NULL: there are no such tables. */
    const char *(*strict_type)(const mr_type *type, const char *sql);
    void (*table_options)(const mr_table *table,
                          mr_strbuf *out); /* writes what follows CREATE TABLE ( ... ); or NULL */
    /* A foreign key cannot refer to another database (schema): it is written without a schema, and left out when it
     * would leave the database. */
    bool references_stay;
    unsigned longest_name; /* bytes of the longest name that the database keeps: below MR_NAME_SIZE; 0: any length */
};
/* All dialects: DIALECT(NAME). To add one, add it here, and mr_dialect_NAME in a file of src/sql. */
#define MR_DIALECTS(DIALECT) DIALECT(sqlite) DIALECT(postgresql)

#define MR_DIALECT_FUNCTION(name) const mr_dialect *mr_dialect_##name(void);
MR_DIALECTS(MR_DIALECT_FUNCTION)
#undef MR_DIALECT_FUNCTION
/* The dialect with the number, from 0 on; NULL behind the last one. */
const mr_dialect *mr_dialects_at(unsigned i);
/* The dialect with the name; NULL: there is none. */
const mr_dialect *mr_dialects_find(const char *name);
enum { MR_NAME_SIZE = 64 }; /* bytes for a name that is shortened */
/* The name, or, where it is longer than the dialect's database keeps, its beginning and a hash of the whole, in buf
 * (MR_NAME_SIZE bytes). */
const char *mr_shorten_name(const mr_dialect *d, const char *name, char *buf);
/* Appends the name, which is shortened if needed. It is quoted when it is a reserved word, has capitals or special
 * characters, or begins with a digit.
 */
void mr_quote_name(const mr_dialect *d, const char *name, mr_strbuf *out);
/* The type under a name of its own (a program's word), quoted where the dialect that has such types needs it. NULL: no
 * memory. */
const mr_type *mr_sql_named_type(mr_env *env, const mr_type *type, const char *name);
/* Appends the text as a literal of SQL, 'it''s'. The caller has made sure that it has no zero byte. */
void mr_quote_text(const char *text, size_t len, mr_strbuf *out);

#ifdef __cplusplus
}
#endif
#endif

/*
 * sql.h: SQL as immutable, counted nodes, and their compilation for a dialect.
 *
 * Ownership: a constructor consumes the references of the nodes it is given, also when it fails, and
 * returns a new node with one reference. Given a NULL node where one is required it releases the
 * others and returns NULL, so constructors nest without checks; the error of the innermost stays.
 * A node is never changed after it was made.
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

typedef enum mr_node_kind {
    /* expressions */
    MR_NODE_COLUMN = 1,  /* column; child 0: the FROM it belongs to when that is an alias, else absent */
    MR_NODE_BIND,        /* value (owned copy), or a named parameter: name */
    MR_NODE_BINDS,       /* a list of values for IN: values, nvalues; expands when compiled */
    MR_NODE_LITERAL_SQL, /* name: fixed SQL text: NULL, CURRENT_TIMESTAMP, * */
    MR_NODE_TEXT,        /* text("... :name ..."): children are the binds in order */
    MR_NODE_UNARY,       /* op, child 0 */
    MR_NODE_BINARY,      /* op, child 0, child 1 (child 2: LIKE's escape) */
    MR_NODE_LIST,        /* op: AND, OR, COMMA, CONCAT ...; n children, n >= 1 */
    MR_NODE_BETWEEN,     /* child 0..2; flag NEGATED */
    MR_NODE_FUNC,        /* name; children: arguments; flag DISTINCT */
    MR_NODE_CAST,        /* child 0, type */
    MR_NODE_CASE,        /* children: condition, value, ..., and else when the count is odd */
    MR_NODE_LABEL,       /* name, child 0 */
    MR_NODE_SUBQUERY,    /* child 0: a SELECT as a scalar or IN operand */
    MR_NODE_EXISTS,      /* child 0: a SELECT */
    MR_NODE_EXTRACT,     /* name (field), child 0 */
    MR_NODE_COLLATE,     /* name, child 0 */
    MR_NODE_OVER,        /* child 0: function; 1: partition list or NULL; 2: order list or NULL; name: frame */
    MR_NODE_TUPLE,       /* n children */
    MR_NODE_DEFAULT,     /* DEFAULT in VALUES */
    /* FROM objects */
    MR_NODE_TABLE, /* table */
    MR_NODE_ALIAS, /* name ("" when anonymous: numbered when compiled), child 0: TABLE or SELECT */
    MR_NODE_JOIN,  /* op: INNER, LEFT, FULL; child 0, 1, child 2: ON */
    MR_NODE_CTE,   /* name, child 0: SELECT or COMPOUND; flag RECURSIVE */
    /* statements */
    MR_NODE_SELECT,   /* see mr_select */
    MR_NODE_COMPOUND, /* op: UNION ...; children: selects; select: order, limit, offset */
    MR_NODE_INSERT,
    MR_NODE_UPDATE,
    MR_NODE_DELETE
} mr_node_kind;

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
    MR_OP_CUSTOM /* name: op "->>" */
} mr_op;

/* Bits of mr_node.flags. */
enum {
    MR_NODE_NEGATED = 1,
    MR_NODE_DISTINCT = 2,
    MR_NODE_RECURSIVE = 4,
    MR_NODE_ERROR_LITERAL = 8 /* reserved */
};

/* The clauses of a SELECT; every node pointer may be NULL. Lists are LIST nodes (op COMMA). */
typedef struct mr_select {
    mr_node *columns;  /* LIST of expressions, LABELs among them */
    mr_node *from;     /* LIST of FROM objects */
    mr_node *where;    /* an expression */
    mr_node *group_by; /* LIST */
    mr_node *having;
    mr_node *order_by;       /* LIST */
    mr_node *limit, *offset; /* BIND or expression */
    mr_node *distinct_on;    /* LIST, PostgreSQL */
    mr_node *correlate;      /* LIST of FROM objects that an enclosing SELECT supplies */
    bool distinct;
    bool for_update;
    const char *for_update_mode; /* interned: "NOWAIT", "SKIP LOCKED" ..., or NULL */
} mr_select;

/* The clauses of INSERT, UPDATE, DELETE. */
typedef struct mr_dml {
    mr_node *table;   /* TABLE */
    mr_node *columns; /* INSERT, UPDATE: LIST of COLUMN */
    mr_node *values;  /* INSERT: LIST of TUPLEs (one per row); UPDATE: LIST, one per column */
    mr_node *select;  /* INSERT ... SELECT */
    mr_node *where;
    mr_node *returning;            /* LIST */
    mr_node *conflict_target;      /* LIST of COLUMN, or NULL */
    mr_node *conflict_index_where; /* the predicate of the partial index that is meant; of mr_sql_inline; or NULL */
    mr_node *conflict_columns, *conflict_values; /* DO UPDATE SET */
    mr_node *conflict_where;
    bool on_conflict; /* with conflict_columns NULL: DO NOTHING */
} mr_dml;

/* An annotation: what a higher layer hangs on a column (the mapped attribute it came from).
 * It must live as long as the environment. */
struct mr_node {
    uint32_t refs;
    uint8_t kind; /* mr_node_kind */
    uint8_t op;   /* mr_op */
    uint16_t flags;
    uint32_t n;      /* children */
    uint32_t depth;  /* 1 + the deepest child's */
    uint32_t binds;  /* BIND and BINDS occurrences below, itself included; what ALIAS and CTE wrap not */
    uint32_t weight; /* nodes below, itself included: bounds what shared parts can unfold to */
    mr_env *env;
    const mr_type *type; /* of an expression; never NULL there */
    const void *annotation;
    union {
        const mr_column *column;
        const mr_table *table;
        mr_value value;
        const char *name; /* interned */
        struct {
            mr_value *values; /* then, borrowed from these: */
            size_t n;
            mr_value *spelled; /* all their spellings; NULL where the type has but one for each */
            size_t nspelled;
        } list;
        mr_select *select;
        mr_dml *dml;
    } u;
    const char *name; /* BIND: its parameter's name; ALIAS, LABEL, FUNC, CUSTOM op ...: interned */
    mr_node **child;  /* n of them; an entry may be NULL where the kind allows it. Read-only. */
};

mr_node *mr_node_retain(mr_node *node); /* NULL passes */
void mr_node_release(mr_node *node);    /* NULL passes; no recursion on the C stack for long lists */

/* Expressions. Names are interned by the constructor. */
mr_node *mr_sql_column(mr_env *env, const mr_column *column, mr_node *from /* or NULL */, const void *annotation);
/* The value is copied, and coerced to the type by the caller beforehand. */
mr_node *mr_sql_bind(mr_env *env, const mr_type *type, const mr_value *value);
mr_node *mr_sql_param(mr_env *env, const mr_type *type, const char *name);
mr_node *mr_sql_binds(mr_env *env, const mr_type *type, const mr_value *values, size_t n);
mr_node *mr_sql_raw(mr_env *env, const mr_type *type, const char *sql);
/* The expression (consumed) with its values written out as SQL text. NULL when it is NULL, has named parameters, or has
 * a value that is no number, boolean, text or NULL: ArgumentError. */
mr_node *mr_sql_inline(mr_node *node);
/* The statement or expression (consumed) with values in the place of its named parameters, also those within its FROM
 * objects; what has no value here keeps its name. A value that is none of the parameter's type: DataError. */
typedef struct mr_named_value {
    const char *name;
    mr_value value;
} mr_named_value;
mr_node *mr_sql_with_values(mr_node *node, const mr_named_value *named, size_t n);
/* text(sql) with :name binds; "::" and ':' inside quotes are left alone; "\:" is a colon. */
mr_node *mr_sql_text(mr_env *env, const char *sql, size_t len);
/* The text with bind (a BIND that has a value) in the place of each bind of the name. Consumes both. A text without one
 * of the name: ArgumentError. */
mr_node *mr_sql_text_bind(mr_env *env, mr_node *text, const char *name, mr_node *bind);
mr_node *mr_sql_unary(mr_env *env, mr_op op, mr_node *operand);
/* eq and ne with a NULL bind become IS NULL and IS NOT NULL. */
mr_node *mr_sql_binary(mr_env *env, mr_op op, mr_node *left, mr_node *right);
mr_node *mr_sql_custom(mr_env *env, const char *op, mr_node *left, mr_node *right);
mr_node *mr_sql_like(mr_env *env, mr_op op, mr_node *left, mr_node *pattern, const char *escape);
/* AND, OR: flattens same-op children, drops NULLs; one child is returned as it is. */
mr_node *mr_sql_list(mr_env *env, mr_op op, mr_node *const *items, size_t n);
mr_node *mr_sql_list_append(mr_env *env, mr_node *list /* or NULL */, mr_node *item); /* COMMA: a new list */
mr_node *mr_sql_and(mr_env *env, mr_node *left /* or NULL */, mr_node *right);
/* NOT, by the opposite operator where there is one (= to !=, IN to NOT IN, LIKE, BETWEEN, IS). */
mr_node *mr_sql_not(mr_env *env, mr_node *operand);
mr_node *mr_sql_between(mr_env *env, mr_node *x, mr_node *low, mr_node *high);
mr_node *mr_sql_func(mr_env *env, const char *name, const mr_type *type /* or NULL: guessed */, mr_node *const *args,
                     size_t n);
mr_node *mr_sql_cast(mr_env *env, mr_node *x, const mr_type *type);
mr_node *mr_sql_case(mr_env *env, mr_node *const *pairs_and_else, size_t n);
mr_node *mr_sql_label(mr_env *env, const char *name, mr_node *x);
mr_node *mr_sql_scalar(mr_env *env, mr_node *select);
mr_node *mr_sql_exists(mr_env *env, mr_node *select);
mr_node *mr_sql_extract(mr_env *env, const char *field, mr_node *x);
mr_node *mr_sql_collate(mr_env *env, mr_node *x, const char *collation);
mr_node *mr_sql_over(mr_env *env, mr_node *func, mr_node *partition, mr_node *order, const char *frame);
mr_node *mr_sql_tuple(mr_env *env, mr_node *const *items, size_t n);
mr_node *mr_sql_default(mr_env *env);
/* FROM objects */
mr_node *mr_sql_table(mr_env *env, const mr_table *table);
mr_node *mr_sql_alias(mr_env *env, mr_node *of, const char *name /* or NULL: anonymous */);
mr_node *mr_sql_join(mr_env *env, mr_op kind, mr_node *left, mr_node *right, mr_node *on);
mr_node *mr_sql_cte(mr_env *env, mr_node *select, const char *name, bool recursive);
/* Statements: consume the references in *clauses. */
mr_node *mr_sql_select(mr_env *env, const mr_select *clauses);
mr_node *mr_sql_compound(mr_env *env, mr_op op, mr_node *const *selects, size_t n, const mr_select *order_limit_offset);
mr_node *mr_sql_insert(mr_env *env, const mr_dml *clauses);
mr_node *mr_sql_update(mr_env *env, const mr_dml *clauses);
mr_node *mr_sql_delete(mr_env *env, const mr_dml *clauses);
/* The value that an INSERT of one row gives the column (borrowed); NULL when there is none, or it is NULL. */
const mr_node *mr_sql_insert_value(const mr_dml *d, const mr_column *column);
/* Is ON CONFLICT about the whole primary key, and does the INSERT of one row give that? Then the row has this key
 * afterwards, whether it is new or changed. */
bool mr_sql_insert_conflicts_by_key(const mr_dml *d);
/* A SELECT of the rows of the query with n more columns, the values (borrowed, like the query). */
mr_node *mr_sql_select_with_values(mr_env *env, mr_node *query, mr_node *const *values, size_t n);

/* Calls visit for the node and everything below, parents first; false from visit skips what is below.
 * A COLUMN's FROM is not below it. */
void mr_node_walk(const mr_node *node, bool (*visit)(void *ud, const mr_node *node), void *ud);
/* A copy in which each COLUMN of FROM `from` (NULL: its bare table) becomes replace(ud, node);
 * replace returns a new reference or NULL to leave the node. Consumes nothing. */
mr_node *mr_node_replace(mr_node *node, mr_node *(*replace)(void *ud, const mr_node *node), void *ud);
/* How an expression is seen from another FROM. */
typedef struct mr_adaption {
    /* The replacement of a node (a new reference), or NULL to leave it and look at what is below. Asked of columns
     * everywhere, but for those of what a nested SELECT reads itself (of a subquery's by its own names); of other nodes
     * only outside of nested SELECTs. */
    mr_node *(*expression)(void *ud, const mr_node *node);
    /* What stands for a FROM object now (borrowed), or NULL: it stays. */
    mr_node *(*from)(void *ud, const mr_node *from);
    void *ud;
} mr_adaption;
/* The expression so seen, with what nested SELECTs take from the statement around them (a new reference), or NULL on
 * failure. Consumes nothing. */
mr_node *mr_node_adapt(mr_node *node, const mr_adaption *a);
/* Is the COLUMN one of the FROM object, or of what is joined in it? */
bool mr_column_is_of(const mr_node *column, const mr_node *from);
/* The list that a query, or a FROM object that is one, gives its columns by; NULL: it is none, or text. */
const mr_node *mr_query_columns(const mr_node *query);
/* The name of an item of that list, or NULL. */
const char *mr_listed_name(const mr_node *item);
/* The listed expression that a column of a subquery is; NULL for other nodes. */
const mr_node *mr_column_source(const mr_node *column);
/* Is an item that a query lists the wanted expression, itself or as a subquery below gives it? */
bool mr_stands_for(const mr_node *listed, const mr_node *wanted);
/* Is it the column, of whichever FROM object? */
bool mr_stands_for_column(const mr_node *listed, const mr_column *column);
/* The FROM objects that the expression's columns name, each once, appended to out (mr_node *, each
 * a reference of out's user: release each, also after MR_FAIL; a bare table comes as a new TABLE node).
 * Those in out already are not added again. Subqueries are not entered. */
mr_status mr_node_froms(mr_env *env, const mr_node *node, mr_vec *out);

/* ---------------------------------------------------------------- compilation */

/* One parameter of a compiled statement. */
typedef struct mr_param {
    const char *name; /* named parameter, or NULL */
    const mr_type *type;
    uint32_t ordinal;       /* the bind's number among the statement's binds in key order (see mr_sql_key) */
    uint32_t element;       /* within a BINDS node: the index in its list; lists are padded by repeating the last */
    uint8_t spelling;       /* which of the value's spellings (see mr_type_spell); of a BINDS node: its list of all */
    const mr_type *spelled; /* the type that they are spelled in */
} mr_param;

typedef struct mr_result_column {
    const char *name; /* as the SELECT names it */
    const mr_type *type;
    const mr_node *node;     /* borrowed from the statement when compiled; NULL in a cached one */
    const mr_column *column; /* or NULL: it is computed */
} mr_result_column;

/* What a statement does with the transaction. */
typedef enum mr_text_kind {
    MR_TEXT_READS,
    MR_TEXT_WRITES,  /* begins it */
    MR_TEXT_CONTROL, /* BEGIN, COMMIT, SAVEPOINT ...: these are the library's own */
    MR_TEXT_ALONE    /* runs outside of one only: VACUUM, DETACH, PRAGMA journal_mode = ... */
} mr_text_kind;

struct mr_compiled {
    uint32_t refs;
    mr_env *env;
    char *sql;
    size_t sql_len;
    mr_param *params;
    size_t nparams;
    mr_result_column *columns; /* 0 for statements that give no rows, and for text */
    size_t ncolumns;
    bool returns_rows;
    bool is_text;  /* result columns are known only once it runs */
    bool is_write; /* not a SELECT: begins the transaction; text: by its kind */
    bool is_ddl;
    mr_text_kind kind; /* of text by the user; else MR_TEXT_READS */
};

/* Compiles a statement. The result has one reference. */
mr_status mr_sql_compile(mr_env *env, const mr_dialect *dialect, const mr_node *statement, mr_compiled **out);
/* A compiled statement from SQL text that is complete already (driver level, PRAGMA, DDL). */
mr_compiled *mr_compiled_from_sql(mr_env *env, const char *sql, size_t len, bool is_write);
mr_compiled *mr_compiled_retain(mr_compiled *c);
void mr_compiled_release(mr_compiled *c);
/* Appends to key the structure of the statement (everything but bind values; two statements with equal
 * keys compile to equal SQL and parameter maps) and to binds its BIND and BINDS nodes in the order that
 * mr_param.ordinal counts. The key holds pointers: it is good within one environment only. A BINDS node
 * enters with its padded length. */
mr_status mr_sql_key(const mr_node *statement, mr_strbuf *key, mr_vec *binds /* const mr_node * */);
/* The value that the parameter takes of the one that is meant; bytes are borrowed from that. */
static inline mr_value mr_param_value(const mr_param *param, const mr_value *value) {
    return param->spelling == MR_SPELL_PLAIN ? *value : mr_type_spell(param->spelled, value, param->spelling);
}
/* The parameters' values, borrowed from the binds and the named params; out has room for c->nparams.
 * An unnamed or missing parameter: ArgumentError (InvalidRequestError "a value is required for bind parameter 'x'"). */
mr_status mr_compiled_values(const mr_compiled *c, const mr_vec *binds, const mr_named_value *named, size_t nnamed,
                             mr_value *out);

/* The SQL of any node (an expression alone too) with the default dialect's spelling, for tostring. */
mr_status mr_sql_string(mr_env *env, const mr_dialect *dialect, const mr_node *node, mr_strbuf *out);

/* DDL: each appends one statement's SQL to out. */
mr_status mr_ddl_create_table(const mr_dialect *dialect, mr_table *table, mr_strbuf *out);
mr_status mr_ddl_create_index(const mr_dialect *dialect, const mr_table *table, const mr_index *index, mr_strbuf *out);
void mr_ddl_drop_table(const mr_dialect *dialect, const mr_table *table, mr_strbuf *out);

/* ---------------------------------------------------------------- dialects */

/* A dialect is a diff: a NULL hook means the default spelling. */
typedef struct mr_compiler mr_compiler;
/* A type whose name in a dialect is not the one that its rules say. */
typedef struct mr_type_word {
    mr_typecode code;
    const char *sql;
    bool precision;       /* the precision follows in parentheses, where one is given */
    const char *numbered; /* of a column that numbers itself; NULL: as the dialect says */
} mr_type_word;

struct mr_dialect {
    const char *name;   /* "sqlite", "postgresql" */
    char parameter;     /* '?' or '$' (numbered) */
    const char *schema; /* that of a table without one, where another table of its name must be told from it; or NULL */
    bool returning;     /* INSERT ... RETURNING gives generated keys */
    bool multi_row_insert; /* many rows in one INSERT are worth it */
    bool ilike, nulls_order, for_update, distinct_on;
    bool true_literals;          /* true and false; otherwise 1 and 0 */
    bool index_schema;           /* CREATE INDEX schema.name ON table; otherwise name ON schema.table */
    bool returning_qualified;    /* RETURNING "user".id; otherwise RETURNING id */
    bool spells;                 /* dates and booleans are stored as programs spell them: criteria name each spelling */
    bool compound_parens;        /* a member of a compound may stand in parentheses; otherwise it is wrapped */
    const char *const *reserved; /* words to quote, NULL-terminated, lower case, sorted */
    const mr_type_word *type_words; /* types that it calls by names of its own; the last has no sql; or NULL */
    const char *numbered;           /* the type of a column that numbers itself; NULL: its own */
    bool numbers_sole_key;          /* only the one column of a primary key numbers itself */
    const char *const *begin; /* what begins a transaction of each mode: default, deferred, immediate, exclusive */
    bool (*is_plain_default)(const char *sql); /* what needs no parentheses behind DEFAULT; NULL: everything */
    bool (*compile_node)(mr_compiler *c, const mr_node *node); /* true when it wrote the node itself */
    void (*limit)(mr_compiler *c, const mr_node *limit, const mr_node *offset);
    /* Writes a query that gives a row when the table, or a view of its name, exists. Fills params and
     * returns how many. */
    unsigned (*table_exists)(const mr_dialect *d, const mr_table *table, mr_strbuf *out, mr_value params[2]);
    /* The schema of a referred table is not written in a foreign key, which stays within one database: those to
     * another database are left out. */
    bool references_stay;
};
/* All of them: DIALECT(NAME). A new one is a line here and mr_dialect_NAME, in a file of src/sql. */
#define MR_DIALECTS(DIALECT) DIALECT(sqlite) DIALECT(postgresql)

#define MR_DIALECT_FUNCTION(name) const mr_dialect *mr_dialect_##name(void);
MR_DIALECTS(MR_DIALECT_FUNCTION)
#undef MR_DIALECT_FUNCTION
/* Appends the name, quoted when it is reserved, has upper case or odd characters, or begins with a digit. */
void mr_quote_name(const mr_dialect *d, const char *name, mr_strbuf *out);
/* Appends the text as a literal of SQL, 'it''s'. Refuse text with a zero byte before. */
void mr_quote_text(const char *text, size_t len, mr_strbuf *out);

#ifdef __cplusplus
}
#endif
#endif

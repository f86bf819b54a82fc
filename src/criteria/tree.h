/*
 * tree.h: a text as a tree of terms. Private to src/criteria.
 *
 * Invariant: a tree never changes after it was read. Its depth is limited (MR_CRITERIA_DEPTH), so walks may recurse.
 */
#ifndef MOONROW_CRITERIA_TREE_H
#define MOONROW_CRITERIA_TREE_H

#include <moonrow/criteria.h>

typedef enum mr_term_kind {
    /* values */
    MR_TERM_CONSTANT,  /* value */
    MR_TERM_PARAMETER, /* use */
    MR_TERM_COLUMN,    /* path, prop: a column or a column property */
    MR_TERM_DESCRIBED, /* path, name: an attribute of the layer above */
    MR_TERM_REFERENCE, /* path: what it leads to */
    MR_TERM_LIST_NAME, /* path, prop: a list, only as an argument of any, all, none, count */
    MR_TERM_NEGATIVE,
    MR_TERM_ARITHMETIC, /* op: ADD, SUB, MUL, DIV, MOD; floors: // */
    MR_TERM_CONCAT,
    MR_TERM_LENGTH,
    MR_TERM_LOWER,
    MR_TERM_UPPER,
    MR_TERM_COUNT,  /* path, prop, scope; child 0: the nested condition, or none */
    MR_TERM_VALUES, /* the right side of `in`: children */
    /* conditions */
    MR_TERM_COMPARE, /* op; sql: NULL makes it unknown, as in SQL */
    MR_TERM_NIL,     /* child 0 is nil */
    MR_TERM_BETWEEN,
    MR_TERM_IN,     /* child 1: VALUES, or a PARAMETER that is a list; op: IN, NOT_IN */
    MR_TERM_REFERS, /* child 0: a REFERENCE; child 1: a PARAMETER, an object or a list of them */
    MR_TERM_LIKE,   /* op; matches: where wildcards stand around the text */
    MR_TERM_AND,
    MR_TERM_OR,
    MR_TERM_NOT,
    MR_TERM_ANY, /* as COUNT */
    MR_TERM_ALL,
    MR_TERM_NONE
} mr_term_kind;

/* A step from one class to another along a reference. */
typedef struct mr_path {
    struct mr_path *from; /* NULL: it begins at the scope's class */
    const mr_property *along;
    mr_mapper *mapper;
    unsigned number; /* in the scope */
    struct mr_path *next;
} mr_path;

/* A text with the class that its names belong to: the whole, or one inside of any(...). */
typedef struct mr_scope {
    mr_mapper *mapper;
    const char *text; /* NUL-terminated */
    size_t len;
    const char *prefix; /* the dotted names that lead to the class, "posts."; "" at the top */
    mr_path *paths, **end;
    unsigned npaths;
} mr_scope;

enum { MR_CRITERIA_CHAIN = 200 }; /* more strings than these are joined in halves */

enum { MR_MATCH_BEFORE = 1, MR_MATCH_AFTER = 2, MR_MATCH_TEXT = 4 }; /* of LIKE: the pattern is a text as it is */

typedef struct mr_term mr_term;
struct mr_term {
    uint8_t kind;  /* mr_term_kind */
    uint8_t group; /* mr_criteria_group */
    uint8_t op;    /* mr_op */
    uint8_t matches;
    bool nullable;             /* it may be nil */
    bool real;                 /* a number that may be a float only */
    bool floors, sql, grouped; /* grouped: in parentheses */
    uint16_t depth;
    uint32_t at, until; /* its place in the scope's text */
    uint32_t n;
    uint32_t use;
    mr_term **child;
    const mr_type *type; /* of a column, or of what is made of one; NULL: that of its values */
    const mr_property *prop;
    mr_path *path;
    mr_scope *scope;
    const char *name;
    mr_value value;
};

/* A use, and where it stands. */
typedef struct mr_placed_use {
    mr_criteria_use use;
    const mr_scope *scope;
    uint32_t at, until;
} mr_placed_use;

/* An attribute that the text names, for allow. */
typedef struct mr_named_attribute {
    const char *name; /* "clan.name" */
    const mr_scope *scope;
    uint32_t at, until;
} mr_named_attribute;

struct mr_criteria {
    uint32_t refs;
    mr_env *env;
    mr_arena *arena;
    mr_mapper *mapper;
    uint64_t version; /* of the registry */
    mr_scope *scope;
    mr_term *root;
    unsigned parts;
    mr_vec uses;   /* mr_criteria_use */
    mr_vec places; /* mr_placed_use: the same with their places */
    mr_vec names;  /* mr_named_attribute */
    mr_criteria_equal *equals;
    size_t nequals;
    uint64_t used; /* the clock of the cache */
};

/* An element of mr_criteria_state.texts. */
typedef struct mr_kept_text {
    mr_mapper *mapper;
    const char *text;
    size_t len;
    mr_criteria *criteria;
} mr_kept_text;

/* What the criteria layer keeps for an environment. */
typedef struct mr_criteria_state {
    mr_env *env;
    mr_criteria_hooks hooks;
    mr_map *texts; /* mr_kept_text */
    uint64_t clock;
    uint16_t tag; /* of a criterion in an opaque value */
} mr_criteria_state;
/* NULL: failed. */
mr_criteria_state *mr_criteria_state_of(mr_env *env);

struct mr_criterion {
    uint32_t refs;
    mr_criteria *criteria;
    mr_node *alias; /* of its class; NULL: the class itself */
    size_t n;
    mr_criteria_values values[]; /* one for each use; owned */
};

/* text.c */
/* A text (copied) that was not read yet. One reference. */
mr_criteria *mr_criteria_new(mr_mapper *mapper, const char *text, size_t len);
mr_criteria *mr_criteria_retain(mr_criteria *c);

/* place.c */
/* Records an ArgumentError: the message, the line of the text, and a caret under the place. Returns MR_FAIL. */
mr_status mr_criteria_fail(mr_env *env, const mr_scope *scope, uint32_t at, uint32_t until, const char *fmt, ...)
    MR_PRINTF(5, 6);
/* The same with the message of the recorded error. */
mr_status mr_criteria_fail_again(mr_env *env, const mr_scope *scope, uint32_t at, uint32_t until);

/* allow.c */
/* ArgumentError: the limits do not allow an attribute that the criteria name, or their size. */
mr_status mr_criteria_check(const mr_criteria *c, const mr_criteria_limits *limits);
/* The same for one attribute. */
mr_status mr_criteria_check_name(mr_env *env, const mr_criteria_limits *limits, const mr_named_attribute *name);

/* parser.c */
/* Reads the text of c->scope: fills the members of *c. */
mr_status mr_criteria_parse(mr_criteria *c, const mr_criteria_limits *limits);

static inline bool mr_term_is_condition(const mr_term *t) { return t->kind >= MR_TERM_COMPARE; }

#endif

/*
 * criteria.h: criteria as text, in Lua's own grammar: "level > $min and clan.name ~= nil".
 *
 * Invariant: a text is checked against the mapping before any SQL is made of it, and nothing in it is ever taken for
 * SQL: its names are looked up in the class, its values become parameters. Truth has two values, as Lua's: a condition
 * is true, or it is not; a NULL in it never makes the whole unknown. examples/guide/criteria.md has the grammar.
 */
#ifndef MOONROW_CRITERIA_H
#define MOONROW_CRITERIA_H

#include <moonrow/load.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_criteria mr_criteria;   /* a text that was read and checked for a class; has a reference count */
typedef struct mr_criterion mr_criterion; /* such a text with the values of its parameters; has a reference count */

enum {
    MR_CRITERIA_LENGTH = 65536, /* the longest text, in bytes */
    MR_CRITERIA_DEPTH = 100,    /* how deep a text nests */
    MR_CRITERIA_PARTS = 5000,   /* how many names, values and operators it has at most */
    MR_CRITERIA_KEPT = 512      /* how many texts are kept for an environment */
};

/* What a text may use. */
typedef struct mr_criteria_limits {
    const char *const *allow; /* attributes, "name", "clan.name", NULL-terminated; NULL: all */
    unsigned parts;           /* 0: MR_CRITERIA_PARTS */
} mr_criteria_limits;

/* The groups of values that go together in a comparison. */
typedef enum mr_criteria_group {
    MR_CRITERIA_NIL,
    MR_CRITERIA_BOOLEAN,
    MR_CRITERIA_NUMBER, /* an integer or a float */
    MR_CRITERIA_DECIMAL,
    MR_CRITERIA_TEXT,
    MR_CRITERIA_BYTES,
    MR_CRITERIA_DATE,
    MR_CRITERIA_TIME,
    MR_CRITERIA_DATETIME,
    MR_CRITERIA_INTERVAL,
    MR_CRITERIA_ANY,       /* of any kind: a column without a type */
    MR_CRITERIA_OTHER,     /* only compared with nil: JSON */
    MR_CRITERIA_PARAMETER, /* what it stands beside says it */
    MR_CRITERIA_OBJECT,    /* what a reference leads to */
    MR_CRITERIA_CONDITION  /* true or not: the result of a comparison */
} mr_criteria_group;

/* One place of a text where a value is put in. A parameter may have several, each with a type of its own. */
typedef struct mr_criteria_use {
    const char *name;        /* of the parameter; NULL: the literal */
    const mr_value *literal; /* a literal that functions of the program convert (mr_type.decorator); else NULL */
    const mr_type *type;     /* the type that the value is converted to; NULL: it stays as it is, and is of the group */
    mr_criteria_group group;
    bool list; /* it is a list of such values */
    /* OBJECT: the reference that it stands beside; the values are MR_ENTITY, of the class that it leads to. */
    const mr_property *along;
} mr_criteria_use;

/* The values for a use: n of them (1 without list). */
typedef struct mr_criteria_values {
    const mr_value *values;
    size_t n;
} mr_criteria_values;

/* An attribute that a layer above makes of others. */
typedef struct mr_criteria_attribute {
    mr_node *expression; /* in SQL, one reference; or NULL */
    const char *column;  /* the attribute of the same class that it stands for; or NULL */
} mr_criteria_attribute;

/* What the layer above knows of the attributes of classes. */
typedef struct mr_criteria_hooks {
    void *ud;
    /* The attribute `name` of the class, which is none of its mapper's; of a composite, its part `part` (else NULL).
     * alias: of the class, or NULL. MR_NOTFOUND: there is none. */
    mr_status (*describe)(void *ud, mr_mapper *mapper, mr_node *alias, const char *name, const char *part,
                          mr_criteria_attribute *out);
    /* How rows of the class lead to the object along the reference: mr_object_criterion. */
    mr_status (*about)(const mr_property *along, mr_node *alias, mr_entity *object, mr_belonging how, mr_node **out);
    /* The name of the class's attribute that most resembles name, or NULL. */
    const char *(*nearest)(void *ud, const mr_mapper *mapper, const char *name);
} mr_criteria_hooks;
/* Sets them for the environment. They are copied. */
mr_status mr_criteria_set_hooks(mr_env *env, const mr_criteria_hooks *hooks);

/* ArgumentError: the limits allow a name that is none of the class. */
mr_status mr_criteria_check_allowed(mr_mapper *mapper, const mr_criteria_limits *limits);
/* Reads the text (len bytes) as criteria about the class, or finds it among those that were read before. limits: or
 * NULL. *out: one reference. ArgumentError: the text has a mistake; the message shows the place. */
mr_status mr_criteria_read(mr_mapper *mapper, const char *text, size_t len, const mr_criteria_limits *limits,
                           mr_criteria **out);
/* The same, if the text was read before and is still good. Borrowed until the next text is read. NULL: it was not. */
const mr_criteria *mr_criteria_find(mr_mapper *mapper, const char *text, size_t len);
void mr_criteria_release(mr_criteria *c); /* NULL passes */
/* The number of names, values and operators. */
unsigned mr_criteria_parts(const mr_criteria *c);
/* The places for values, in the order of the text. */
size_t mr_criteria_uses(const mr_criteria *c, const mr_criteria_use **out);
/* Records the ArgumentError for the use, with its place in the text: "$min: WHY". Returns MR_FAIL. */
mr_status mr_criteria_refuse(const mr_criteria *c, size_t use, const char *why);
/* Has the text a parameter of the name? */
bool mr_criteria_has(const mr_criteria *c, const char *name);
/* The name of the parameter that most resembles it, or NULL. */
const char *mr_criteria_nearest(const mr_criteria *c, const char *name);
/* A column that the text says to be equal to a value, which is no NULL. */
typedef struct mr_criteria_equal {
    const mr_property *prop;
    const mr_value *literal; /* or NULL: the value of the use */
    size_t use;
} mr_criteria_equal;
/* The equalities of which alone the text is made, joined by `and`; 0: it says something else. */
size_t mr_criteria_equals(const mr_criteria *c, const mr_criteria_equal **out);

/* The text with values: one for each use; they are copied, and objects pinned. alias: of the class (consumed); NULL:
 * the class itself. NULL: failed. */
mr_criterion *mr_criterion_new(mr_criteria *c, const mr_criteria_values *values, mr_node *alias);
void mr_criterion_release(mr_criterion *c); /* NULL passes */
mr_mapper *mr_criterion_mapper(const mr_criterion *c);
mr_node *mr_criterion_alias(const mr_criterion *c); /* borrowed; or NULL */

/* *out: the criterion as an expression that stands by itself: what is reached along references is read by subqueries.
 */
mr_status mr_criterion_node(mr_criterion *c, mr_node **out);
/* *out: the query with the criterion: what is reached along references is joined, once each. One reference. */
mr_status mr_criterion_where(mr_criterion *c, const mr_query *q, mr_query **out);
/* The criterion of a node that one of these two has made; NULL: it is none. Borrowed. */
mr_criterion *mr_criterion_of(const mr_node *node);
/* *out: the criteria (borrowed) of a query over a class itself, standing by themselves: without the joins of
 * mr_criterion_where. */
mr_status mr_criteria_alone(mr_node *where, mr_node **out);

/* ---- in memory */

/* How objects are read. MR_NOTFOUND from one of these: it is not known. */
typedef struct mr_criteria_reader {
    void *ud;
    /* *out: the column, borrowed until the next call. */
    mr_status (*column)(void *ud, mr_entity *e, const mr_property *prop, const mr_value **out);
    /* *out: the object that the reference leads to, or NULL. */
    mr_status (*reference)(void *ud, mr_entity *e, const mr_property *prop, mr_entity **out);
    /* *out: is the reference there? Of one that mr_along_by_key is true for, its foreign key alone says it. */
    mr_status (*is_set)(void *ud, mr_entity *e, const mr_property *prop, bool *out);
    /* *out: does the reference lead to the object, by its keys? */
    mr_status (*refers)(void *ud, mr_entity *e, const mr_property *prop, mr_entity *object, bool *out);
    /* Appends the objects of the list to out (mr_entity *). NULL: lists are not known. */
    mr_status (*items)(void *ud, mr_entity *e, const mr_property *prop, mr_vec *out);
    bool copies; /* reading one value may free another one: they are copied */
    bool folds;  /* LIKE takes a and A for the same */
} mr_criteria_reader;

/* Could the criterion be computed, if all attributes were known? lists: those of lists, too. */
bool mr_criterion_computable(const mr_criterion *c, bool lists);
/* Appends what cannot be computed, and why: "'name' is ...". false: there is nothing. */
bool mr_criterion_obstacle(const mr_criterion *c, bool lists, mr_strbuf *out);
/* *out: does the object meet the criterion? MR_NOTFOUND: that is not known; the reason is appended to why (or NULL) as
 * by mr_criterion_obstacle. DataError: an integer overflows; errors of the reader. */
mr_status mr_criterion_matches(const mr_criterion *c, mr_entity *e, const mr_criteria_reader *reader, bool *out,
                               mr_strbuf *why);

#ifdef __cplusplus
}
#endif
#endif

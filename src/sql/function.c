/*
 * function.c: function calls, and the result types of well-known functions.
 *
 * Invariant: the table is sorted by name. A function that is not in it returns the unknown type.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <stdlib.h>
#include <string.h>

typedef enum result_rule {
    RESULT_FIXED,  /* the code in the table */
    RESULT_FIRST,  /* the type of the first argument that has one, or of the first that has a form of storage */
    RESULT_SECOND, /* the same without the first argument, a condition */
    RESULT_SUM,    /* the type of the first argument; Integer for booleans and integers of any size */
    RESULT_OWN,    /* the type of the first argument, whatever the others are */
    RESULT_NUMBER  /* Numeric of a decimal, else the code in the table */
} result_rule;

typedef struct function_type {
    const char *name;
    result_rule rule;
    mr_typecode code;
} function_type;

static const function_type known[] = {
    {"abs", RESULT_FIRST, MR_TYPE_NULL},
    {"aggregate_strings", RESULT_FIXED, MR_TYPE_STRING},
    {"avg", RESULT_NUMBER, MR_TYPE_FLOAT},
    {"bm25", RESULT_FIXED, MR_TYPE_FLOAT},
    {"char_length", RESULT_FIXED, MR_TYPE_INTEGER},
    {"coalesce", RESULT_FIRST, MR_TYPE_NULL},
    {"concat", RESULT_FIXED, MR_TYPE_STRING},
    {"concat_ws", RESULT_FIXED, MR_TYPE_STRING},
    {"count", RESULT_FIXED, MR_TYPE_INTEGER},
    {"current_date", RESULT_FIXED, MR_TYPE_DATE},
    {"current_time", RESULT_FIXED, MR_TYPE_TIME},
    {"current_timestamp", RESULT_FIXED, MR_TYPE_DATETIME},
    {"current_user", RESULT_FIXED, MR_TYPE_STRING},
    {"dense_rank", RESULT_FIXED, MR_TYPE_INTEGER},
    {"first_value", RESULT_FIRST, MR_TYPE_NULL},
    {"greatest", RESULT_FIRST, MR_TYPE_NULL},
    {"group_concat", RESULT_FIXED, MR_TYPE_STRING},
    {"highlight", RESULT_FIXED, MR_TYPE_STRING},
    {"ifnull", RESULT_FIRST, MR_TYPE_NULL},
    {"iif", RESULT_SECOND, MR_TYPE_NULL},
    {"lag", RESULT_FIRST, MR_TYPE_NULL},
    {"last_value", RESULT_FIRST, MR_TYPE_NULL},
    {"lead", RESULT_FIRST, MR_TYPE_NULL},
    {"least", RESULT_FIRST, MR_TYPE_NULL},
    {"length", RESULT_FIXED, MR_TYPE_INTEGER},
    {"localtime", RESULT_FIXED, MR_TYPE_TIME},
    {"localtimestamp", RESULT_FIXED, MR_TYPE_DATETIME},
    {"lower", RESULT_FIXED, MR_TYPE_STRING},
    {"ltrim", RESULT_FIXED, MR_TYPE_STRING},
    {"max", RESULT_FIRST, MR_TYPE_NULL},
    {"min", RESULT_FIRST, MR_TYPE_NULL},
    {"now", RESULT_FIXED, MR_TYPE_DATETIME},
    {"nullif", RESULT_OWN, MR_TYPE_NULL},
    {"rank", RESULT_FIXED, MR_TYPE_INTEGER},
    {"replace", RESULT_FIXED, MR_TYPE_STRING},
    {"round", RESULT_NUMBER, MR_TYPE_NULL},
    {"row_number", RESULT_FIXED, MR_TYPE_INTEGER},
    {"rtrim", RESULT_FIXED, MR_TYPE_STRING},
    {"session_user", RESULT_FIXED, MR_TYPE_STRING},
    {"snippet", RESULT_FIXED, MR_TYPE_STRING},
    {"string_agg", RESULT_FIXED, MR_TYPE_STRING},
    {"substr", RESULT_FIXED, MR_TYPE_STRING},
    {"substring", RESULT_FIXED, MR_TYPE_STRING},
    {"sum", RESULT_SUM, MR_TYPE_NULL},
    {"trim", RESULT_FIXED, MR_TYPE_STRING},
    {"upper", RESULT_FIXED, MR_TYPE_STRING},
    {"user", RESULT_FIXED, MR_TYPE_STRING},
};

static int by_name(const void *key, const void *entry) { return strcmp(key, ((const function_type *)entry)->name); }

static const mr_type *first_type(mr_node *const *args, size_t n) {
    const mr_type *type = mr_type_simple(MR_TYPE_NULL);
    for (size_t i = 0; i < n; i++)
        if (args[i]) type = mr_type_beside(type, args[i]);
    return type;
}

static const mr_type *guess(const char *name, mr_node *const *args, size_t n) {
    const function_type *f = bsearch(name, known, sizeof known / sizeof *known, sizeof *known, by_name);
    if (!f) return mr_type_simple(MR_TYPE_NULL);
    if (f->rule == RESULT_FIXED) return mr_type_simple(f->code);
    size_t skipped = f->rule == RESULT_SECOND && n > 0;
    const mr_type *type = first_type(args + skipped, f->rule == RESULT_OWN && n > 1 ? 1 : n - skipped);
    if (f->rule == RESULT_OWN) return type;
    bool chosen = f->rule == RESULT_FIRST || f->rule == RESULT_SECOND;
    if (!chosen && mr_type_is_decimal(type)) return mr_type_simple(MR_TYPE_NUMERIC);
    if (f->rule == RESULT_NUMBER) return mr_type_simple(f->code);
    bool counts = mr_type_is_integer(type) || mr_type_is_boolean(type);
    if (f->rule == RESULT_SUM && counts) return mr_type_simple(MR_TYPE_INTEGER);
    return type;
}

mr_node *mr_sql_func(mr_env *env, const char *name, const mr_type *type, mr_node *const *args, size_t n) {
    if (n > MR_NODE_MAX_WEIGHT || !*name) {
        mr_nodes_release(args, n);
        mr_fail(env, MR_ERR_ARGUMENT, *name ? "func: too many arguments" : "func: a function needs a name");
        return NULL;
    }
    if (!type) type = guess(name, args, n);
    return mr_node_named(mr_node_new(env, MR_NODE_FUNC, MR_OP_NONE, type, args, (uint32_t)n), name);
}

bool mr_node_is_aggregate(const mr_node *node) {
    static const char *const names[] = {"count",
                                        "sum",
                                        "avg",
                                        "total",
                                        "max",
                                        "min",
                                        "group_concat",
                                        "string_agg",
                                        "json_group_array",
                                        "json_group_object",
                                        "aggregate_strings"};
    for (size_t i = 0; node->kind == MR_NODE_FUNC && i < sizeof names / sizeof *names; i++)
        if (strcmp(node->name, names[i]) == 0) return node->n < 2 || i > 5; /* max(a, b) is none */
    return false;
}

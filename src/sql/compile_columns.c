/*
 * compile_columns.c: the columns of a SELECT or RETURNING: their expressions and their names.
 *
 * Invariant: no two columns of a subquery have the same name, except when the user has given both names.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <string.h>

typedef struct column_names {
    mr_compiler *c;
    mr_vec used;   /* const char *, interned */
    bool compared; /* the rows are compared with each other: DISTINCT, UNION */
    bool nested;   /* the query stands in a FROM: the statement around it refers to its columns by name */
} column_names;

static bool is_used(const column_names *names, const char *name) {
    for (size_t i = 0; i < names->used.len; i++)
        if (mr_vec_ptr(&names->used, i) == name) return true;
    return false;
}

static bool is_constant(const mr_node *node) {
    return node->kind == MR_NODE_LITERAL_SQL &&
           (strcmp(node->name, "NULL") == 0 || strcmp(node->name, "true") == 0 || strcmp(node->name, "false") == 0);
}

/* A name that no other column has: "id", or "id_1" when "id" is taken. */
static const char *own_name(column_names *names, const char *name) {
    while (is_used(names, name) && !names->c->failed) name = mr_anonymous_name(names->c, name);
    return name;
}

/* The column's name; *written tells whether AS must write it. */
static const char *name_column(column_names *names, const mr_node *node, bool *written) {
    mr_compiler *c = names->c;
    const char *name;
    *written = true;
    switch (node->kind) {
    case MR_NODE_LABEL:
        return node->name;
    case MR_NODE_COLUMN:
        name = own_name(names, node->u.column->name);
        *written = names->nested || name != node->u.column->name;
        return name;
    case MR_NODE_CAST:
        if (node->child[0]->kind != MR_NODE_COLUMN) return mr_anonymous_name(c, "anon");
        return own_name(names, node->child[0]->u.column->name);
    case MR_NODE_FUNC:
        return mr_anonymous_name(c, node->name);
    case MR_NODE_TEXT:
        *written = false;
        return "?";
    case MR_NODE_LITERAL_SQL:
        *written = is_constant(node);
        return *written ? mr_anonymous_name(c, "anon") : node->name;
    default:
        return mr_anonymous_name(c, "anon");
    }
}

/* The type of a result column. A computed value may have another type in the database, so its type is only guessed. */
static const mr_type *result_type(const mr_compiler *c, const mr_node *node) {
    while (node->kind == MR_NODE_LABEL) node = node->child[0];
    if (node->kind == MR_NODE_COLUMN && node->u.column->table) return mr_typed(c, node);
    if (node->kind == MR_NODE_CAST) return mr_typed(c, node); /* it was asked for */
    return mr_type_guessed(mr_typed(c, node));
}

static const mr_column *column_of(const mr_node *node) {
    while (node->kind == MR_NODE_LABEL) node = node->child[0];
    return node->kind == MR_NODE_COLUMN ? node->u.column : NULL;
}

static void compile_column(column_names *names, const mr_node *node, mr_vec *capture, const mr_node *into) {
    mr_compiler *c = names->c;
    bool written;
    /* Equal decimals of a type without a number of digits may be different texts. */
    bool compared = names->compared && node->type && mr_typed(c, node)->scale < 0 && mr_sorts_by_decimal(c, node);
    const char *name =
        name_column(names, node, &written); /* before the expression is compiled: names are numbered in order */
    if (!into || (!mr_compile_decimal_written(c, into, node) && !mr_compile_worded(c, mr_typed(c, into), node)))
        mr_compile(c, node);
    if (compared) mr_emit(c, " COLLATE decimal");
    if (written || compared) {
        mr_emit(c, " AS ");
        mr_emit_name(c, name);
    }
    if (mr_vec_push_ptr(&names->used, (char *)name) != MR_OK) c->failed = true;
    if (!capture) return;
    mr_result_column *column = mr_vec_push(capture);
    if (column) *column = (mr_result_column){name, result_type(c, node), node, column_of(node)};
    else c->failed = true;
}

void mr_compile_columns(mr_compiler *c, const mr_node *list, mr_place place, mr_vec *capture) {
    column_names names = {
        .c = c, .nested = place == MR_PLACE_FROM || place == MR_PLACE_LATERAL, .compared = c->compares};
    const mr_node *into = c->into;
    c->into = NULL;
    c->compares = false;
    mr_vec_init(&names.used, c->env, sizeof(const char *));
    for (uint32_t i = 0; i < list->n && !c->failed; i++) {
        if (i) mr_emit(c, ", ");
        c->distinct = i ? NULL : mr_unlabelled(list->child[i]);
        compile_column(&names, list->child[i], capture, into && i < into->n ? into->child[i] : NULL);
    }
    mr_vec_done(&names.used);
}

/*
 * compile_from.c: the SQL of FROM objects: tables, aliases, joins, and CTEs, whose text is moved to the front.
 *
 * Invariant: each CTE is compiled once, when its name is written first. A CTE that is named inside of its own body is a
 * recursive reference and has no text of its own.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <stdio.h>
#include <string.h>

void mr_emit_table(mr_compiler *c, const mr_table *table) {
    if (table->schema) {
        mr_emit_name(c, table->schema);
        mr_emit(c, ".");
    }
    mr_emit_name(c, table->name);
}

void mr_collect_leaves(mr_compiler *c, mr_vec *leaves, const mr_node *from) {
    if (from->kind == MR_NODE_JOIN) {
        mr_collect_leaves(c, leaves, from->child[0]);
        mr_collect_leaves(c, leaves, from->child[1]);
    } else if (mr_vec_push_ptr(leaves, (mr_node *)from) != MR_OK) {
        c->failed = true;
    }
}

static void compile_join(mr_compiler *c, const mr_node *node) {
    const mr_node *right = node->child[1];
    mr_compile_from(c, node->child[0]);
    mr_emit(c, node->op == MR_OP_LEFT ? " LEFT OUTER JOIN " : node->op == MR_OP_FULL ? " FULL OUTER JOIN " : " JOIN ");
    if (right->kind == MR_NODE_JOIN) mr_emit(c, "(");
    mr_compile_from(c, right);
    if (right->kind == MR_NODE_JOIN) mr_emit(c, ")");
    mr_emit(c, " ON ");
    mr_compile_condition(c, node->child[2], MR_OP_NONE);
}

/* " (a, b)": the names of the columns. */
static void compile_names(mr_compiler *c, const mr_node *columns) {
    for (uint32_t i = 0; i < columns->n; i++) {
        mr_emit(c, i ? ", " : " (");
        mr_compile_column_name(c, columns->child[i]);
    }
    mr_emit(c, ")");
}

/* Without names behind an alias, a SELECT around the values gives them. */
static void compile_values(mr_compiler *c, const mr_node *node) {
    const mr_node *columns = node->child[0];
    uint32_t start = c->ordinal;
    char name[32];
    mr_emit(c, c->dialect->lateral ? "(" : "(SELECT ");
    for (uint32_t i = 0; !c->dialect->lateral && i < columns->n; i++) {
        snprintf(name, sizeof name, "%scolumn%u AS ", i ? ", " : "", (unsigned)i + 1);
        mr_emit(c, name);
        mr_compile_column_name(c, columns->child[i]);
    }
    if (!c->dialect->lateral) mr_emit(c, " FROM (");
    mr_seek(c, node, start, 1);
    mr_emit(c, "VALUES ");
    mr_compile_items(c, node->child[1]);
    mr_emit(c, c->dialect->lateral ? ")" : "))");
}

/* generate_series(first, last, step), which SQLite has only in its shell, as a recursive query. */
static void compile_series(mr_compiler *c, const mr_node *node) {
    const mr_node *call = node->child[0];
    if (call->n < 2 || call->n > 3 || node->child[1]->n != 1) {
        mr_compile_fail(c, "generate_series takes a first number, a last one, and a step, and gives one column");
        return;
    }
    mr_emit(c, "(");
    mr_emit(c, "WITH RECURSIVE bounds(a, b, s) AS (SELECT ");
    mr_compile_items(c, call);
    if (call->n == 2) mr_emit(c, ", 1");
    mr_emit(c, "), series(n)");
    mr_emit(c, " AS (");
    mr_emit(c, "SELECT a FROM bounds WHERE s > 0 AND a <= b OR s < 0 AND a >= b UNION ALL ");
    mr_emit(c, "SELECT n + s FROM series, bounds WHERE s > 0 AND n + s <= b OR s < 0 AND n + s >= b) SELECT n AS ");
    mr_compile_column_name(c, node->child[1]->child[0]);
    mr_emit(c, " FROM series)");
}

static void compile_rows_of(mr_compiler *c, const mr_node *node) {
    if (node->flags & MR_NODE_ORDINALITY && !c->dialect->lateral)
        mr_compile_fail(c, "table_valued: %s has no WITH ORDINALITY: number the rows by row_number()",
                        c->dialect->name);
    if (!c->dialect->lateral && strcmp(node->child[0]->name, "generate_series") == 0) {
        compile_series(c, node);
        return;
    }
    mr_compile(c, node->child[0]);
    if (node->flags & MR_NODE_ORDINALITY) mr_emit(c, " WITH ORDINALITY");
}

/* A SELECT in FROM; a lateral one takes what is before it from there. */
static void compile_nested(mr_compiler *c, const mr_node *alias) {
    bool lateral = (alias->flags & MR_NODE_LATERAL) != 0;
    if (lateral && !c->dialect->lateral) {
        mr_compile_fail(
            c,
            "lateral: %s has no LATERAL: a single value of it is a scalar_subquery() among the columns; the "
            "first rows of each group are numbered by row_number():over{ partition_by = ... }",
            c->dialect->name);
        return;
    }
    mr_emit(c, lateral ? "LATERAL (" : "(");
    mr_compile_query(c, alias->child[0], lateral ? MR_PLACE_LATERAL : MR_PLACE_FROM);
    mr_emit(c, ")");
}

/* What stands behind the name: the names of the columns, where the object itself does not have them. */
static void compile_behind(mr_compiler *c, const mr_node *of) {
    if (!c->dialect->lateral) return;
    if (of->kind == MR_NODE_VALUES) compile_names(c, of->child[0]);
    if (of->kind == MR_NODE_ROWS && of->flags & MR_NODE_DERIVED) compile_names(c, of->child[1]);
}

/* The binds inside of an alias have numbers of their own, so c->ordinal is saved and restored. */
static void compile_alias(mr_compiler *c, const mr_node *node) {
    const mr_node *of = node->child[0];
    const char *name = mr_object_name(c, node);
    uint32_t ordinal = c->ordinal;
    c->ordinal = mr_object_base(c, node);
    if (mr_node_is_query(of)) {
        compile_nested(c, node);
    } else if (of->kind == MR_NODE_VALUES) {
        compile_values(c, of);
    } else if (of->kind == MR_NODE_ROWS) {
        compile_rows_of(c, of);
    } else if (of->kind == MR_NODE_TYPED_TEXT) {
        mr_emit(c, "(");
        mr_compile(c, of->child[0]);
        mr_emit(c, ")");
    } else {
        mr_compile_from(c, of);
    }
    mr_emit(c, " AS ");
    mr_emit_name(c, name);
    compile_behind(c, of);
    c->ordinal = ordinal;
}

void mr_compile_from(mr_compiler *c, const mr_node *from) {
    if (c->failed) return;
    switch (from->kind) {
    case MR_NODE_TABLE:
        mr_emit_table(c, from->u.table);
        break;
    case MR_NODE_ALIAS:
        compile_alias(c, from);
        break;
    case MR_NODE_JOIN: {
        uint32_t start = c->ordinal;
        compile_join(c, from);
        c->ordinal = start + from->binds;
        break;
    }
    case MR_NODE_CTE:
        mr_emit_name(c, mr_cte_name(c, from));
        break;
    case MR_NODE_TEXT:
    case MR_NODE_LITERAL_SQL:
    case MR_NODE_FUNC:
        mr_compile(c, from);
        break;
    default:
        mr_compile_fail(c, "this cannot stand in FROM: use a table, an alias, a subquery or a CTE");
    }
}

/* ---------------------------------------------------------------- CTEs */

static const mr_node *leftmost(const mr_node *query) {
    while (query->kind == MR_NODE_COMPOUND) query = query->child[0];
    return query;
}

/* A recursive CTE exists twice: one node for its first part, to which the second part refers, and one node for the
 * union of both parts. They are recognised as the same CTE by their name, or by the first part. */
static bool restates(const mr_cte *open, const mr_node *node) {
    if (!open->open || !(open->node->flags & MR_NODE_RECURSIVE)) return false;
    if (*open->node->name || *node->name) return open->node->name == node->name;
    return leftmost(open->node->child[0]) == leftmost(node->child[0]);
}

static mr_cte *add_cte(mr_compiler *c, const mr_node *node) {
    mr_cte *cte = mr_calloc(c->env, sizeof *cte);
    if (!cte || mr_vec_push_ptr(&c->ctes, cte) != MR_OK) {
        mr_free(c->env, cte);
        c->failed = true;
        return NULL;
    }
    cte->node = node;
    mr_piece_init(&cte->piece, c->env);
    return cte;
}

/* Writes the name before AS; a recursive CTE also names its columns. */
static void compile_header(mr_compiler *c, const mr_cte *cte, const mr_vec *columns) {
    mr_strbuf body = c->out->sql;
    size_t at = 0;
    mr_strbuf_init(&c->out->sql, c->env);
    mr_emit_name(c, cte->name);
    if (cte->node->flags & MR_NODE_RECURSIVE) {
        for (size_t i = 0; i < columns->len; i++) {
            mr_emit(c, i ? ", " : "(");
            mr_emit_name(c, ((const mr_result_column *)mr_vec_at(columns, i))->name);
        }
        if (columns->len) mr_emit(c, ")");
    }
    mr_emit(c, cte->node->flags & MR_NODE_MATERIALIZED       ? " AS MATERIALIZED ("
               : cte->node->flags & MR_NODE_NOT_MATERIALIZED ? " AS NOT MATERIALIZED ("
                                                             : " AS (");
    at = c->out->sql.len;
    if (body.oom) c->out->sql.oom = true;
    else if (body.len) mr_strbuf_add(&c->out->sql, body.data, body.len);
    mr_emit(c, ")");
    mr_strbuf_done(&body);
    for (size_t i = 0; i < c->out->params.len; i++) ((mr_placed_param *)mr_vec_at(&c->out->params, i))->at += at;
}

/* An INSERT, UPDATE or DELETE, whose RETURNING gives the rows. */
static void compile_dml_body(mr_compiler *c, const mr_node *node) {
    if (c->dialect->dml_in_cte) mr_compile_dml(c, node);
    else
        mr_compile_fail(c,
                        "cte: %s has no INSERT, UPDATE or DELETE in WITH: execute it first, and give what it returns "
                        "to the next statement",
                        c->dialect->name);
}

static void compile_body(mr_compiler *c, const mr_node *of) {
    if (mr_node_is_query(of)) mr_compile_query(c, of, MR_PLACE_FROM);
    else if (mr_node_is_dml(of)) compile_dml_body(c, of);
    else if (of->kind == MR_NODE_TYPED_TEXT) mr_compile(c, of->child[0]);
    else mr_compile(c, of);
}

static void compile_cte(mr_compiler *c, mr_cte *cte) {
    mr_piece *out = c->out;
    const mr_frame *frame = c->frame;
    mr_vec *capture = c->capture, columns;
    uint32_t ordinal = c->ordinal;
    bool unqualified = c->unqualified;
    mr_vec_init(&columns, c->env, sizeof(mr_result_column));
    c->out = &cte->piece;
    c->frame = NULL;
    c->capture = &columns;
    c->unqualified = false;
    c->ordinal = mr_object_base(c, cte->node);
    cte->open = true;
    compile_body(c, cte->node->child[0]);
    cte->open = false;
    compile_header(c, cte, &columns);
    c->out = out;
    c->frame = frame;
    c->capture = capture;
    c->unqualified = unqualified;
    c->ordinal = ordinal;
    mr_vec_done(&columns);
    if (cte->node->flags & MR_NODE_RECURSIVE) c->recursive = true;
    if (mr_vec_push_ptr(&c->finished, cte) != MR_OK) c->failed = true;
}

/* The CTE, still being compiled, that is the same as node; NULL if none is. Another CTE of the same name is an error.
 */
static const mr_cte *find_restated(mr_compiler *c, const mr_node *node) {
    for (size_t i = 0; i < c->ctes.len; i++) {
        const mr_cte *cte = mr_vec_ptr(&c->ctes, i);
        if (restates(cte, node)) return cte;
        if (*node->name && cte->name && strcmp(cte->name, node->name) == 0)
            mr_compile_fail(c, "two different CTEs are named '%s'", node->name);
    }
    return NULL;
}

void mr_compile_with(mr_compiler *c, const mr_node *list) {
    for (uint32_t i = 0; list && i < list->n && !c->failed; i++) (void)mr_cte_name(c, list->child[i]);
}

const char *mr_cte_name(mr_compiler *c, const mr_node *node) {
    for (size_t i = 0; i < c->ctes.len; i++) {
        const mr_cte *cte = mr_vec_ptr(&c->ctes, i);
        if (cte->node == node) return cte->name;
    }
    const mr_cte *restated = find_restated(c, node);
    mr_cte *made = c->failed ? NULL : add_cte(c, node);
    if (!made) return "";
    made->restates = restated != NULL;
    made->name = restated ? restated->name : *node->name ? node->name : mr_anonymous_name(c, "anon");
    if (!restated) compile_cte(c, made);
    return made->name;
}

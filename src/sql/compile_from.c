/*
 * compile_from.c: the SQL of FROM objects: tables, aliases, joins. Of a CTE the name alone is written (compile_with.c).
 *
 * Invariant: the binds inside of an alias are numbered by themselves.
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

/* Does the database take a value for one of this type without being told so? A text is what it takes all others for. */
static bool is_plain(const mr_type *type) { return !mr_type_is_known(type) || mr_type_is_string(type); }

/* Writes the rows; the first one says the types of the columns, which would be texts where a value is NULL or a date.
 */
static void compile_typed_rows(mr_compiler *c, const mr_node *node) {
    const mr_node *columns = node->child[0], *rows = node->child[1], *first = rows->child[0];
    char buf[128];
    for (uint32_t i = 0; i < columns->n; i++) {
        bool plain = is_plain(columns->child[i]->type);
        mr_emit(c, i ? ", " : "(");
        if (!plain) mr_emit(c, "CAST(");
        mr_compile_operand(c, first->child[i], plain ? MR_OP_COMMA : MR_OP_NONE);
        if (plain) continue;
        mr_emit(c, " AS ");
        mr_emit(c, mr_type_sql(c->dialect, mr_typed(c, columns->child[i]), buf, sizeof buf));
        mr_emit(c, ")");
    }
    mr_emit(c, ")");
    for (uint32_t i = 1; i < rows->n; i++) {
        mr_emit(c, ", ");
        mr_compile(c, rows->child[i]);
    }
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
    if (c->dialect->lateral) compile_typed_rows(c, node);
    else mr_compile_items(c, node->child[1]);
    mr_emit(c, c->dialect->lateral ? ")" : "))");
}

/* A column of an object that stands beside the function in FROM. */
typedef struct beside {
    const mr_frame *frame;
    const mr_node *column; /* NULL: none was found */
} beside;

static bool find_beside(void *ud, const mr_node *node) {
    beside *b = ud;
    if (node->kind == MR_NODE_SELECT) return false;
    for (size_t i = 0; node->kind == MR_NODE_COLUMN && b->frame && i < b->frame->leaves.len; i++) {
        const mr_node *leaf = mr_vec_ptr(&b->frame->leaves, i);
        bool of_table = leaf->kind == MR_NODE_TABLE && node->n == 0 && node->u.column->table == leaf->u.table;
        if (of_table || (node->n > 0 && mr_same_object(node->child[0], leaf))) b->column = node;
    }
    return !b->column;
}

/* generate_series(first, last, step), which SQLite has only in its shell, as a recursive query. That cannot name what
 * stands beside it in FROM. */
static void compile_series(mr_compiler *c, const mr_node *node) {
    const mr_node *call = node->child[0];
    beside b = {c->frame, NULL};
    mr_node_walk(call, find_beside, &b);
    if (b.column) {
        const char *name = mr_listed_name(b.column);
        mr_compile_fail(c,
                        "generate_series: on %s its arguments are values, and '%s' is a column: give numbers that are "
                        "enough for all rows, and filter them, as in where(series.c.n:le(%s))",
                        c->dialect->name, name ? name : "?", name ? name : "column");
        return;
    }
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

/* Has the only column that the function gives another name than the program's, unless it is renamed? */
static bool is_sole_column(const mr_compiler *c, const mr_node *rows) {
    const char *const *name = c->dialect->sole_columns;
    while (name && *name && strcmp(*name, rows->child[0]->name) != 0) name++;
    return name && *name && rows->child[1]->n == 1;
}

/* What stands behind the name: the names of the columns, where the object itself does not have them. */
static void compile_behind(mr_compiler *c, const mr_node *of) {
    if (!c->dialect->lateral) return;
    if (of->kind == MR_NODE_VALUES) compile_names(c, of->child[0]);
    if (of->kind == MR_NODE_ROWS && (of->flags & MR_NODE_DERIVED || is_sole_column(c, of)))
        compile_names(c, of->child[1]);
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

/*
 * compile_dml.c: INSERT, UPDATE and DELETE.
 *
 * Invariant: values stand in the order of their columns. A WHERE of the statement is always written.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <string.h>

static void compile_names(mr_compiler *c, const mr_node *columns) {
    for (uint32_t i = 0; i < columns->n; i++) {
        if (i) mr_emit(c, ", ");
        mr_compile_column_name(c, columns->child[i]);
    }
}

/* The class that maps the table, or else the table, for messages. */
static const char *name_of(const mr_table *table) { return table->mapped_name ? table->mapped_name : table->full_name; }

/* Refuses to write columns that the database computes. */
static void check_written(mr_compiler *c, const mr_node *columns) {
    for (uint32_t i = 0; columns && i < columns->n; i++) {
        const mr_column *column = columns->child[i]->u.column;
        if (column && column->computed && column->table)
            mr_compile_fail(c,
                            "%s.%s is computed by the database and cannot be written: write the columns it is made of",
                            name_of(column->table), column->name);
    }
}

/* Refuses to write a view, or a column that the database computes. */
static void check_target(mr_compiler *c, const mr_node *node) {
    const mr_dml *d = node->u.dml;
    const mr_table *table = d->table->u.table;
    if (table->options.is_view)
        mr_compile_fail(c,
                        "%s is a view, which is only read: write the tables that it reads (a view whose triggers "
                        "write is declared without is_view)",
                        name_of(table));
    if (node->kind == MR_NODE_DELETE) return;
    check_written(c, d->columns);
    check_written(c, d->conflict_columns);
}

/* "user.name", where only the dialect tells which type checks the value; else NULL. */
static const char *checked_name(mr_compiler *c, const mr_node *column, const mr_node *value) {
    if (value->kind != MR_NODE_BIND || value->name || !column->type->variants) return NULL;
    const mr_table *table = column->u.column->table;
    mr_strbuf text;
    mr_strbuf_init(&text, c->env);
    mr_strbuf_printf(&text, "%s.%s", table ? table->name : "", column->u.column->name);
    const char *s = mr_strbuf_str(&text), *name = s ? mr_intern(c->env, s, text.len) : NULL;
    mr_strbuf_done(&text);
    if (!name) c->failed = true;
    return name;
}

static void compile_value(mr_compiler *c, const mr_node *column, const mr_node *value) {
    c->checked = checked_name(c, column, value);
    if (!mr_compile_decimal_written(c, column, value)) {
        mr_check_written(c, column, value);
        c->written = value->kind == MR_NODE_BIND;
        c->written_to = c->written ? column->u.column : NULL;
        if (!mr_compile_worded(c, mr_typed(c, column), value)) mr_compile_operand(c, value, MR_AGAINST_ANY);
    }
    c->written = false;
    c->written_to = NULL;
    c->checked = NULL;
}

/* Writes "a = x, b = y". The sign is "=" for SET and " = " for DO UPDATE SET. */
static void compile_assignments(mr_compiler *c, const mr_node *columns, const mr_node *values, const char *sign) {
    for (uint32_t i = 0; i < columns->n; i++) {
        if (i) mr_emit(c, ", ");
        mr_compile_column_name(c, columns->child[i]);
        mr_emit(c, sign);
        compile_value(c, columns->child[i], values->child[i]);
    }
}

static void compile_row(mr_compiler *c, const mr_node *columns, const mr_node *row) {
    uint32_t start = c->ordinal;
    mr_emit(c, "(");
    for (uint32_t i = 0; i < row->n; i++) {
        if (i) mr_emit(c, ", ");
        compile_value(c, columns->child[i], row->child[i]);
    }
    mr_emit(c, ")");
    c->ordinal = start + row->binds;
}

static void compile_where(mr_compiler *c, const mr_node *where) {
    if (!where) return;
    mr_emit(c, " WHERE ");
    mr_compile_condition(c, where, MR_OP_NONE);
}

static void emit_column_names(mr_compiler *c, mr_column *const *columns, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        mr_emit(c, i ? ", " : " (");
        mr_emit_name(c, columns[i]->name);
    }
    mr_emit(c, ")");
}

/* Writes which constraint the conflict is with. A database that does not know it by its name gets its columns. */
static void compile_conflict_constraint(mr_compiler *c, const mr_dml *d) {
    const mr_table *table = d->table->u.table;
    const mr_constraint *found = table->constraints;
    if (c->dialect->conflict_constraints) {
        mr_emit(c, " ON CONSTRAINT ");
        mr_emit_name(c, d->conflict_constraint);
        return;
    }
    while (found && (!found->name || strcmp(found->name, d->conflict_constraint) != 0 ||
                     (found->kind != MR_CONSTRAINT_UNIQUE && found->kind != MR_CONSTRAINT_PRIMARY_KEY)))
        found = found->next;
    if (found) emit_column_names(c, found->columns, found->ncolumns);
    else
        mr_compile_fail(c,
                        "on_conflict: %s has no unique constraint '%s', and %s knows none by its name: name its "
                        "columns, index_elements = { ... }",
                        name_of(table), d->conflict_constraint, c->dialect->name);
}

static void compile_conflict(mr_compiler *c, const mr_node *node, uint32_t start) {
    const mr_dml *d = node->u.dml;
    if (!d->on_conflict) return;
    mr_emit(c, " ON CONFLICT");
    if (d->conflict_constraint) compile_conflict_constraint(c, d);
    if (d->conflict_target) {
        mr_emit(c, " (");
        compile_names(c, d->conflict_target);
        mr_emit(c, ")");
    }
    if (d->conflict_index_where) {
        mr_seek(c, node, start, MR_DML_CONFLICT_INDEX_WHERE);
        c->unqualified = c->as_written = c->lasting = true;
        compile_where(c, d->conflict_index_where);
        c->unqualified = c->as_written = c->lasting = false;
    }
    if (!d->conflict_columns) {
        mr_emit(c, " DO NOTHING");
        return;
    }
    mr_emit(c, " DO UPDATE SET ");
    mr_seek(c, node, start, MR_DML_CONFLICT_VALUES);
    compile_assignments(c, d->conflict_columns, d->conflict_values, " = ");
    mr_seek(c, node, start, MR_DML_CONFLICT_WHERE);
    compile_where(c, d->conflict_where);
}

typedef struct returned {
    mr_compiler *c;
    const mr_dml *d;
} returned;

/* Without its table, the name of another table's column would mean a column of the table that is written. */
static bool check_returned(void *ud, const mr_node *node) {
    returned *r = ud;
    if (node->kind == MR_NODE_SELECT) return false;
    if (node->kind != MR_NODE_COLUMN) return true;
    const mr_node *from = node->n > 0 ? node->child[0] : NULL;
    const mr_table *table = from ? from->kind == MR_NODE_TABLE ? from->u.table : NULL : node->u.column->table;
    if (!from && !table) return false;
    if (table != r->d->table->u.table)
        mr_compile_fail(r->c, "returning: '%s' is no column of %s, and only columns of the written table are returned",
                        mr_listed_name(node) ? mr_listed_name(node) : "?", name_of(r->d->table->u.table));
    return false;
}

static void compile_returning(mr_compiler *c, const mr_node *node, uint32_t start, mr_vec *capture) {
    const mr_dml *d = node->u.dml;
    if (!d->returning) return;
    returned r = {c, d};
    if (!d->others || !c->dialect->returning_qualified) mr_node_walk(d->returning, check_returned, &r);
    mr_seek(c, node, start, MR_DML_RETURNING);
    mr_emit(c, " RETURNING ");
    c->unqualified = !c->dialect->returning_qualified;
    mr_compile_columns(c, d->returning, MR_PLACE_STATEMENT, capture);
    c->unqualified = false;
}

/* Behind a SELECT without WHERE, SQLite would read the ON of ON CONFLICT as the ON of a join. So a WHERE is added. */
static void compile_insert_select(mr_compiler *c, const mr_dml *d) {
    const mr_node *query = d->select;
    mr_check_selected(c, d->columns, query);
    mr_emit(c, " ");
    c->into = d->columns;
    mr_compile_query(c, query, MR_PLACE_STATEMENT);
    c->into = NULL;
    bool bare = query->kind == MR_NODE_SELECT && query->u.select->from && !query->u.select->where &&
                !query->u.select->group_by && !query->u.select->order_by && !query->u.select->limit &&
                !query->u.select->offset;
    if (d->on_conflict && bare) mr_emit(c, " WHERE true");
}

static void compile_insert(mr_compiler *c, const mr_node *node, uint32_t start) {
    const mr_dml *d = node->u.dml;
    mr_emit(c, "INSERT INTO ");
    mr_emit_table(c, d->table->u.table);
    bool named = d->columns && d->columns->n;
    if (named) {
        mr_emit(c, " (");
        compile_names(c, d->columns);
        mr_emit(c, ")");
    }
    if (d->select) {
        mr_seek(c, node, start, MR_DML_SELECT);
        compile_insert_select(c, d);
    } else if (!d->values || d->values->n == 0 || !named) {
        mr_emit(c, " DEFAULT VALUES");
    } else {
        mr_seek(c, node, start, MR_DML_VALUES);
        mr_emit(c, " VALUES ");
        for (uint32_t i = 0; i < d->values->n; i++) {
            if (i) mr_emit(c, ", ");
            compile_row(c, d->columns, d->values->child[i]);
        }
    }
    compile_conflict(c, node, start);
}

/* Writes the other FROM objects of an UPDATE or DELETE behind the word. */
static void compile_using(mr_compiler *c, const mr_node *node, uint32_t start, const char *word) {
    const mr_node *list = node->u.dml->others;
    mr_emit(c, word);
    mr_seek(c, node, start, MR_DML_OTHERS);
    for (uint32_t i = 0; i < list->n; i++) {
        if (i) mr_emit(c, ", ");
        mr_compile_from(c, list->child[i]);
    }
}

static void compile_update(mr_compiler *c, const mr_node *node, uint32_t start) {
    const mr_dml *d = node->u.dml;
    mr_emit(c, "UPDATE ");
    mr_emit_table(c, d->table->u.table);
    mr_emit(c, " SET ");
    mr_seek(c, node, start, MR_DML_VALUES);
    compile_assignments(c, d->columns, d->values, "=");
    if (d->others) compile_using(c, node, start, " FROM ");
    mr_seek(c, node, start, MR_DML_WHERE);
    compile_where(c, d->where);
}

static void compile_delete(mr_compiler *c, const mr_node *node, uint32_t start) {
    const mr_dml *d = node->u.dml;
    mr_emit(c, "DELETE FROM ");
    mr_emit_table(c, d->table->u.table);
    bool exists = d->others && !c->dialect->delete_using;
    if (d->others) compile_using(c, node, start, exists ? " WHERE EXISTS (SELECT 1 FROM " : " USING ");
    mr_seek(c, node, start, MR_DML_WHERE);
    compile_where(c, d->where);
    if (exists) mr_emit(c, ")");
}

/* Collects the FROM objects of an UPDATE or DELETE, with which its subqueries correlate, and looks whether they are
 * related: each row of the table would be written because of any row of another. */
static void collect_leaves(mr_compiler *c, mr_frame *frame, const mr_dml *d) {
    mr_collect_leaves(c, &frame->leaves, d->table);
    for (uint32_t i = 0; d->others && i < d->others->n; i++) mr_collect_leaves(c, &frame->leaves, d->others->child[i]);
    mr_place_nesting(c, &frame->leaves);
    if (d->others) mr_check_related(c, d);
}

void mr_compile_dml(mr_compiler *c, const mr_node *node) {
    uint32_t start = c->ordinal;
    mr_frame frame = {.parent = c->frame};
    mr_vec *capture = c->capture;
    check_target(c, node);
    c->capture = NULL;
    mr_compile_with(c, node->u.dml->with);
    mr_vec_init(&frame.leaves, c->env, sizeof(mr_node *));
    /* Subqueries correlate with the rows of UPDATE and DELETE. An INSERT has no such rows: its SELECT reads the table.
     */
    if (node->kind != MR_NODE_INSERT) collect_leaves(c, &frame, node->u.dml);
    c->frame = &frame;
    if (node->kind == MR_NODE_INSERT) compile_insert(c, node, start);
    else if (node->kind == MR_NODE_UPDATE) compile_update(c, node, start);
    else compile_delete(c, node, start);
    compile_returning(c, node, start, capture);
    c->frame = frame.parent;
    mr_vec_done(&frame.leaves);
    c->ordinal = start + node->binds;
}

/*
 * compile_index.c: CREATE INDEX, DROP INDEX, and COMMENT ON.
 *
 * Invariant: an index's expressions and condition name columns without their table, and values as they are: only so the
 * database finds that a query's words are the index's.
 */
#include <moonrow/sql.h>

#include "ddl.h"

#include <string.h>

/* ---------------------------------------------------------------- CREATE INDEX */

static bool orders(const mr_node *node) {
    return node->kind == MR_NODE_UNARY && (node->op == MR_OP_ASC || node->op == MR_OP_DESC ||
                                           node->op == MR_OP_NULLS_FIRST || node->op == MR_OP_NULLS_LAST);
}

/* May the expression stand without parentheses? */
static bool is_bare(const mr_node *node) {
    return node->kind == MR_NODE_COLUMN || node->kind == MR_NODE_FUNC || node->kind == MR_NODE_TEXT ||
           node->kind == MR_NODE_LITERAL_SQL || node->kind == MR_NODE_COLLATE;
}

static mr_status put_item(const ddl *x, const mr_index *index, unsigned i) {
    const mr_node *node = index->expressions ? index->expressions[i] : NULL;
    if (index->column_names[i]) {
        mr_put_name(x, index->column_names[i]);
        return MR_OK;
    }
    const mr_node *inner = node;
    while (orders(inner)) inner = inner->child[0];
    bool bare = is_bare(inner) || (inner == node && !x->dialect->index_parens);
    if (!bare) mr_strbuf_putc(x->out, '(');
    if (mr_sql_definition(x->env, x->dialect, inner, x->out) != MR_OK) return MR_FAIL;
    if (!bare) mr_strbuf_putc(x->out, ')');
    static const struct {
        mr_op op;
        const char *words;
    } words[] = {{MR_OP_ASC, " ASC"},
                 {MR_OP_DESC, " DESC"},
                 {MR_OP_NULLS_FIRST, " NULLS FIRST"},
                 {MR_OP_NULLS_LAST, " NULLS LAST"}};
    /* The innermost operator comes first: (a + b) DESC NULLS LAST. */
    for (const mr_node *done = inner; done != node;) {
        const mr_node *at = node;
        while (at->child[0] != done) at = at->child[0];
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            if (words[w].op == (mr_op)at->op) mr_strbuf_puts(x->out, words[w].words);
        done = at;
    }
    return MR_OK;
}

static mr_status put_where(const ddl *x, const mr_index *index) {
    const mr_index_where *found = NULL;
    for (const mr_index_where *w = index->wheres; w; w = w->next)
        if (w->dialect ? strcmp(w->dialect, x->dialect->name) == 0 : !found) found = w;
    if (!found) return MR_OK;
    mr_strbuf_puts(x->out, " WHERE ");
    if (!found->sql) return mr_sql_definition(x->env, x->dialect, found->condition, x->out);
    mr_strbuf_puts(x->out, found->sql);
    return MR_OK;
}

static mr_status put_index_name(const ddl *x, const mr_index *index, bool with_schema) {
    const char *name;
    mr_named named = {.kind = MR_NAMED_INDEX, .table = index->table, .given = index->name, .index = index};
    if (mr_name_of(&named, &name) != MR_OK) return MR_FAIL;
    if (with_schema && index->table->schema) {
        mr_put_name(x, index->table->schema);
        mr_strbuf_putc(x->out, '.');
    }
    mr_put_name(x, name);
    return MR_OK;
}

mr_status mr_ddl_create_index(const mr_dialect *dialect, const mr_index *index, bool if_missing, mr_strbuf *out) {
    const mr_table *table = index->table;
    ddl x = {dialect, table->metadata->env, out};
    mr_strbuf_puts(out, index->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    if (if_missing) mr_strbuf_puts(out, "IF NOT EXISTS ");
    if (put_index_name(&x, index, dialect->index_schema) != MR_OK) return MR_FAIL;
    mr_strbuf_puts(out, " ON ");
    if (dialect->index_schema) mr_put_name(&x, table->name);
    else mr_put_table(&x, table);
    mr_strbuf_puts(out, " (");
    for (unsigned i = 0; i < index->ncolumns; i++) {
        if (i) mr_strbuf_puts(out, ", ");
        if (put_item(&x, index, i) != MR_OK) return MR_FAIL;
    }
    mr_strbuf_putc(out, ')');
    if (put_where(&x, index) != MR_OK) return MR_FAIL;
    return out->oom ? mr_nomem(x.env) : MR_OK;
}

mr_status mr_ddl_drop_index(const mr_dialect *dialect, const mr_index *index, bool if_there, mr_strbuf *out) {
    ddl x = {dialect, index->table->metadata->env, out};
    mr_strbuf_puts(out, if_there ? "DROP INDEX IF EXISTS " : "DROP INDEX ");
    if (put_index_name(&x, index, true) != MR_OK) return MR_FAIL;
    return out->oom ? mr_nomem(x.env) : MR_OK;
}

/* ---------------------------------------------------------------- COMMENT ON */

bool mr_ddl_comment(const mr_dialect *dialect, const mr_table *table, unsigned number, mr_strbuf *out) {
    ddl x = {dialect, table->metadata->env, out};
    const mr_column *column = NULL;
    const char *comment = table->options.comment;
    bool found = dialect->comments && comment && number-- == 0;
    for (unsigned i = 0; dialect->comments && !found && i < table->ncolumns; i++) {
        column = table->columns[i];
        comment = column->comment;
        found = comment && number-- == 0;
    }
    if (!found) return false;
    mr_strbuf_puts(out, column                   ? "COMMENT ON COLUMN "
                        : table->options.is_view ? "COMMENT ON VIEW "
                                                 : "COMMENT ON TABLE ");
    mr_put_table(&x, table);
    if (column) {
        mr_strbuf_putc(out, '.');
        mr_put_name(&x, column->name);
    }
    mr_strbuf_puts(out, " IS ");
    mr_put_text(&x, comment);
    return true;
}

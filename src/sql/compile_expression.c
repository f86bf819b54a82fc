/*
 * compile_expression.c: the SQL of expressions other than operators.
 *
 * Invariant: when mr_compile returns, c->ordinal has passed all binds of the node, no matter how many of them were
 * written. For a node may be compiled twice, and a child may be left out.
 */
#include <moonrow/sql.h>

#include "compiler.h"
#include "key.h"

#include <string.h>

#define MAX_SQL ((size_t)64 * 1024 * 1024)

void mr_seek(mr_compiler *c, const mr_node *node, uint32_t start, uint32_t i) {
    c->ordinal = start;
    for (uint32_t k = 0; k < i; k++)
        if (node->child[k]) c->ordinal += node->child[k]->binds;
}

void mr_compile_items(mr_compiler *c, const mr_node *list) {
    for (uint32_t i = 0; i < list->n; i++) {
        if (i) mr_emit(c, ", ");
        mr_compile_operand(c, list->child[i], MR_OP_COMMA);
    }
}

/* ---------------------------------------------------------------- columns and binds */

void mr_compile_column_name(mr_compiler *c, const mr_node *column) {
    mr_emit_name(c, column->u.column->name ? column->u.column->name : "?");
}

/* Compares names; capitals and small letters are equal. */
static bool is_same_name(const char *a, const char *b) {
    for (; *a && *b; a++, b++) {
        unsigned x = (unsigned char)*a, y = (unsigned char)*b;
        if (x - 'A' < 26) x += 'a' - 'A';
        if (y - 'A' < 26) y += 'a' - 'A';
        if (x != y) return false;
    }
    return *a == *b;
}

/* Would the table's name, written without schema, mean another table here: one with the same name in a schema, which
 * this query or a nearer one reads? */
static bool is_hidden(const mr_compiler *c, const mr_table *table) {
    if (table->schema) return false;
    for (const mr_frame *frame = c->frame; frame; frame = frame->parent) {
        bool own = false;
        for (size_t i = 0; i < frame->leaves.len; i++) {
            const mr_node *leaf = mr_vec_ptr(&frame->leaves, i);
            if (leaf->kind != MR_NODE_TABLE) continue;
            const mr_table *other = leaf->u.table;
            if (other->schema && is_same_name(other->name, table->name)) return true;
            own = own || other == table;
        }
        if (own) return false;
    }
    return false;
}

static void compile_column(mr_compiler *c, const mr_node *node) {
    const mr_table *table = node->u.column->table;
    /* An alias is written even when columns are unqualified: "excluded.name" is no column of the statement's table. */
    if (node->n) {
        mr_emit_name(c, mr_object_name(c, node->child[0]));
        mr_emit(c, ".");
    } else if (table && !c->unqualified) {
        if (c->dialect->schema && is_hidden(c, table)) {
            mr_emit_name(c, c->dialect->schema);
            mr_emit(c, ".");
        }
        mr_emit_table(c, table);
        mr_emit(c, ".");
    }
    mr_compile_column_name(c, node);
}

static void compile_bind(mr_compiler *c, const mr_node *node) {
    bool list = (node->flags & MR_NODE_EXPANDING) != 0;
    if (list && c->lints) { /* the statement will run */
        mr_compile_fail(
            c, "the parameter '%s' is a list that was not given (a single value is none): params{ %s = { ... } }",
            node->name, node->name);
        return;
    }
    if (list) mr_emit(c, "(");
    mr_emit_param(c, node, 0);
    if (list) mr_emit(c, ")");
}

static void compile_binds(mr_compiler *c, const mr_node *node) {
    bool all = mr_spells(c) && node->u.list.nspelled > 0;
    size_t n = all ? node->u.list.nspelled : node->u.list.n;
    if (!c->literals) n = mr_key_padded(n); /* nothing keeps a text with values for other values */
    mr_emit(c, "(");
    for (uint32_t i = 0; i < n && !c->failed; i++) {
        if (i) mr_emit(c, ", ");
        mr_emit_param(c, node, i);
        if (all && !c->failed)
            ((mr_placed_param *)mr_vec_at(&c->out->params, c->out->params.len - 1))->param.spelling = 1;
    }
    if (n == 0) mr_compile_empty(c, 1);
    mr_emit(c, ")");
}

static void compile_text(mr_compiler *c, const mr_node *node) {
    const char *s = node->u.value.u.s, *stop = s + node->u.value.len;
    for (uint32_t i = 0; s < stop; i++) {
        const char *mark = memchr(s, '\0', (size_t)(stop - s));
        mr_strbuf_add(&c->out->sql, s, (size_t)((mark ? mark : stop) - s));
        if (!mark) return;
        mr_compile(c, node->child[i]);
        s = mark + 1;
    }
}

static void compile_literal(mr_compiler *c, const mr_node *node) {
    const char *sql = node->name;
    if (!c->dialect->true_literals) {
        if (strcmp(sql, "true") == 0) sql = "1";
        else if (strcmp(sql, "false") == 0) sql = "0";
    }
    mr_emit(c, sql);
}

/* ---------------------------------------------------------------- calls */

void mr_emit_function(mr_compiler *c, const char *name) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    if (strspn(name, plain) == strlen(name) && !(name[0] >= '0' && name[0] <= '9')) mr_emit(c, name);
    else mr_emit_name(c, name);
}

/* Is it a call that is written without parentheses (CURRENT_TIMESTAMP)? */
static bool is_keyword_call(const mr_node *node) {
    static const char *const names[] = {"current_date", "current_time",   "current_timestamp", "current_user",
                                        "localtime",    "localtimestamp", "session_user",      "user"};
    for (size_t i = 0; node->n == 0 && i < sizeof names / sizeof *names; i++)
        if (strcmp(node->name, names[i]) == 0) return true;
    return false;
}

static const mr_node *undistinct(const mr_node *x) {
    return x->kind == MR_NODE_UNARY && x->op == MR_OP_DISTINCT ? x->child[0] : x;
}

/* Does the function use the argument as a truth value? A boolean stored as 't' would count as 0 there, that is false.
 */
static bool is_truth(const mr_compiler *c, const mr_node *func, uint32_t i) {
    static const char *const names[] = {"avg", "if", "iif", "sum", "total"};
    for (size_t k = 0; i == 0 && k < sizeof names / sizeof *names; k++)
        if (strcmp(func->name, names[k]) == 0) return mr_is_spelled_boolean(c, undistinct(func->child[i]));
    return false;
}

static void compile_truth(mr_compiler *c, const mr_node *argument) {
    const mr_node *x = undistinct(argument);
    if (x != argument) mr_emit(c, "DISTINCT ");
    mr_compile_condition(c, x, MR_OP_COMMA);
}

/* Does the function return one of its arguments, from the first on, or, with *first set, from another on? */
static bool returns_argument(const mr_node *func, uint32_t *first) {
    static const char *const names[] = {"coalesce", "greatest", "ifnull", "iif", "if",    "lag",
                                        "lead",     "least",    "max",    "min", "nullif"};
    bool found = false;
    for (size_t k = 0; !found && k < sizeof names / sizeof *names; k++) found = strcmp(func->name, names[k]) == 0;
    *first = found && *func->name == 'i' && strcmp(func->name, "ifnull") != 0;
    return found;
}

static void compile_arguments(mr_compiler *c, const mr_node *func) {
    uint32_t first = 0;
    const mr_node *formed = NULL;
    static const char *const extremes[] = {"greatest", "least", "max", "min"};
    bool extreme = false;
    for (size_t k = 0; k < sizeof extremes / sizeof *extremes; k++)
        extreme = extreme || strcmp(func->name, extremes[k]) == 0;
    for (uint32_t i = 0; extreme && i < func->n; i++) mr_check_sorted(c, func->child[i]);
    const bool chosen = returns_argument(func, &first) && func->n > first;
    if (chosen) formed = mr_formed(c, func->child + first, func->n - first, 1);
    for (uint32_t i = 0; i < func->n; i++) {
        bool offset = i == 1 && (strcmp(func->name, "lag") == 0 || strcmp(func->name, "lead") == 0);
        if (i) mr_emit(c, ", ");
        c->distinct = i ? NULL : func->child[i];
        if (is_truth(c, func, i)) compile_truth(c, func->child[i]);
        else if (chosen && i >= first && !offset && mr_type_is_decimal(mr_typed(c, func)))
            mr_compile_result(c, func, func->child[i]);
        else mr_compile_among(c, func->child[i], i < first || offset ? NULL : formed, MR_OP_COMMA);
    }
}

static void compile_window_order(mr_compiler *c, const mr_node *list) {
    for (uint32_t i = 0; i < list->n; i++) {
        if (i) mr_emit(c, ", ");
        mr_check_sorted(c, list->child[i]);
        mr_compile_ordered(c, list->child[i]);
    }
}

const mr_node *mr_take_enclosed(mr_compiler *c) {
    const mr_node *order = c->enclosed;
    c->enclosed = NULL;
    return order;
}

void mr_emit_enclosed(mr_compiler *c, const mr_node *order) {
    if (!order) return;
    mr_emit(c, " ORDER BY ");
    compile_window_order(c, order);
}

static void compile_func(mr_compiler *c, const mr_node *node) {
    const mr_node *order = mr_take_enclosed(c);
    if (is_keyword_call(node)) {
        for (const char *s = node->name; *s; s++)
            mr_strbuf_putc(&c->out->sql, (char)(*s >= 'a' && *s <= 'z' ? *s - 32 : *s));
        return;
    }
    mr_emit_function(c, node->name);
    mr_emit(c, "(");
    if (node->flags & MR_NODE_DISTINCT) mr_emit(c, "DISTINCT ");
    compile_arguments(c, node);
    if (node->n == 0 && strcmp(node->name, "count") == 0) mr_emit(c, "*");
    mr_emit_enclosed(c, order);
    mr_emit(c, ")");
}

static void compile_cast(mr_compiler *c, const mr_node *node) {
    char buf[128];
    const char *type = mr_type_sql(c->dialect, mr_typed(c, node), buf, sizeof buf);
    /* The words of a boolean become 0 and 1: as a number, each word would be 0. */
    bool number =
        mr_type_is_number(mr_typed(c, node)) || (mr_type_is_boolean(mr_typed(c, node)) && !mr_typed(c, node)->forms);
    mr_emit(c, *type ? "CAST(" : "(");
    if (number && mr_is_spelled_boolean(c, node->child[0])) mr_compile_condition(c, node->child[0], MR_OP_NONE);
    else mr_compile(c, node->child[0]);
    if (*type) mr_emit(c, " AS ");
    mr_emit(c, type);
    mr_emit(c, ")");
}

/* A value that the CASE gives. */
static void compile_outcome(mr_compiler *c, const mr_node *node, const mr_node *x, const mr_node *formed) {
    if (formed) mr_compile_among(c, x, formed, MR_OP_NONE);
    else mr_compile_result(c, node, x);
}

/* Is it a CASE of mr_sql_first_in_order that this database does not need, because NULL comes last in the order? */
static bool has_nulls_last(const mr_compiler *c, const mr_node *node) {
    return node->op == (c->dialect->nulls_high ? MR_OP_ASC : MR_OP_DESC);
}

static void compile_case(mr_compiler *c, const mr_node *node) {
    if (has_nulls_last(c, node)) {
        mr_seek(c, node, c->ordinal, 1);
        mr_compile(c, node->child[1]);
        return;
    }
    bool valued = (node->flags & MR_NODE_VALUED) != 0;
    uint32_t n = valued ? node->n - 1 : node->n, start = c->ordinal;
    const mr_node *value = valued ? node->child[n] : NULL;
    const mr_node *formed = mr_formed(c, node->child + 1, n - 1, 2);
    if (!formed && n % 2) formed = mr_formed(c, node->child + n - 1, 1, 1);
    if (mr_type_is_decimal(mr_typed(c, node))) formed = NULL; /* mr_compile_result converts them */
    mr_emit(c, value ? "CASE " : "CASE");
    if (value) {
        mr_seek(c, node, start, n);
        mr_compile_operand(c, value, MR_AGAINST_ANY);
        c->ordinal = start;
    }
    for (uint32_t i = 0; i + 1 < n; i += 2) {
        mr_emit(c, " WHEN ");
        if (value) mr_check_forms(c, value, node->child[i]);
        if (value) mr_compile_compared(c, node->child[i], value, MR_AGAINST_ANY);
        else mr_compile_condition(c, node->child[i], MR_AGAINST_ANY);
        mr_emit(c, " THEN ");
        compile_outcome(c, node, node->child[i + 1], formed);
    }
    if (n % 2) {
        mr_emit(c, " ELSE ");
        compile_outcome(c, node, node->child[n - 1], formed);
    }
    mr_emit(c, " END");
}

/* Equal decimals of a type without a number of digits may be different texts. */
static void compile_partition(mr_compiler *c, const mr_node *by) {
    bool listed = by->kind == MR_NODE_LIST;
    for (uint32_t i = 0; i < (listed ? by->n : 1); i++) {
        const mr_node *term = listed ? by->child[i] : by;
        if (i) mr_emit(c, ", ");
        mr_compile(c, term);
        if (term->type && mr_typed(c, term)->scale < 0 && mr_sorts_by_decimal(c, term)) mr_emit(c, " COLLATE decimal");
    }
}

static void compile_over(mr_compiler *c, const mr_node *node) {
    const char *gap = "";
    mr_compile(c, node->child[0]);
    mr_emit(c, " OVER (");
    if (node->child[1]) {
        mr_emit(c, "PARTITION BY ");
        compile_partition(c, node->child[1]);
        gap = " ";
    }
    if (node->child[2]) {
        mr_emit(c, gap);
        mr_emit(c, "ORDER BY ");
        compile_window_order(c, node->child[2]);
        gap = " ";
    }
    if (node->name) {
        mr_emit(c, gap);
        mr_emit(c, node->name);
    }
    mr_emit(c, ")");
}

static void compile_filter(mr_compiler *c, const mr_node *node) {
    mr_compile(c, node->child[0]);
    mr_emit(c, " FILTER (WHERE ");
    mr_compile_condition(c, node->child[1], MR_OP_NONE);
    mr_emit(c, ")");
}

/* The databases' releases differ in it: SQLite has it from 3.44 on. */
static void compile_enclosed(mr_compiler *c, const mr_node *node) {
    if (!c->dialect->within_group) {
        mr_compile_fail(c,
                        "aggregate_order_by: %s has no ORDER BY in an aggregate: let %s read a subquery that has the "
                        "order: q:order_by(...):subquery()",
                        c->dialect->name, node->child[0]->name);
        return;
    }
    c->enclosed = node->child[1];
    mr_compile(c, node->child[0]);
    if (mr_take_enclosed(c))
        mr_compile_fail(c, "aggregate_order_by is for aggregates: %s is none", node->child[0]->name);
}

static void compile_within(mr_compiler *c, const mr_node *node) {
    if (node->flags & MR_NODE_ENCLOSED) {
        compile_enclosed(c, node);
        return;
    }
    if (!c->dialect->within_group) {
        mr_compile_fail(c,
                        "within_group: %s has no WITHIN GROUP: order the rows in a subquery, and take the one in the "
                        "middle with row_number()",
                        c->dialect->name);
        return;
    }
    mr_compile(c, node->child[0]);
    mr_emit(c, " WITHIN GROUP (ORDER BY ");
    compile_window_order(c, node->child[1]);
    mr_emit(c, ")");
}

static void compile_extract(mr_compiler *c, const mr_node *node) {
    mr_emit(c, "EXTRACT(");
    mr_emit(c, node->name);
    mr_emit(c, " FROM ");
    mr_compile(c, node->child[0]);
    mr_emit(c, ")");
}

static void compile_subquery(mr_compiler *c, const mr_node *node) {
    mr_emit(c, node->kind == MR_NODE_EXISTS ? "EXISTS (" : "(");
    if (mr_node_is_query(node->child[0])) mr_compile_query(c, node->child[0], MR_PLACE_EXPRESSION);
    else mr_compile(c, node->child[0]);
    mr_emit(c, ")");
}

static void compile_tuple(mr_compiler *c, const mr_node *node) {
    mr_emit(c, "(");
    mr_compile_items(c, node);
    mr_emit(c, ")");
}

/* ---------------------------------------------------------------- dispatch */

static void dispatch(mr_compiler *c, const mr_node *node) {
    switch (node->kind) {
    case MR_NODE_COLUMN:
        compile_column(c, node);
        break;
    case MR_NODE_BIND:
        compile_bind(c, node);
        break;
    case MR_NODE_BINDS:
        compile_binds(c, node);
        break;
    case MR_NODE_LITERAL_SQL:
        compile_literal(c, node);
        break;
    case MR_NODE_TEXT:
        compile_text(c, node);
        break;
    case MR_NODE_UNARY:
    case MR_NODE_BINARY:
    case MR_NODE_LIST:
    case MR_NODE_BETWEEN:
    case MR_NODE_COLLATE:
        mr_compile_operator(c, node);
        break;
    case MR_NODE_FUNC:
        compile_func(c, node);
        break;
    case MR_NODE_CAST:
        compile_cast(c, node);
        break;
    case MR_NODE_CASE:
        compile_case(c, node);
        break;
    case MR_NODE_LABEL:
    case MR_NODE_CRITERION:
    case MR_NODE_TYPED_TEXT: /* without the names of its columns */
        mr_compile(c, node->child[0]);
        break;
    case MR_NODE_SUBQUERY:
    case MR_NODE_EXISTS:
        compile_subquery(c, node);
        break;
    case MR_NODE_EXTRACT:
        compile_extract(c, node);
        break;
    case MR_NODE_OVER:
        compile_over(c, node);
        break;
    case MR_NODE_TUPLE:
        compile_tuple(c, node);
        break;
    case MR_NODE_JSON_AT:
        mr_compile_json_at(c, node);
        break;
    case MR_NODE_FILTER:
        compile_filter(c, node);
        break;
    case MR_NODE_WITHIN:
        compile_within(c, node);
        break;
    case MR_NODE_SELECT:
    case MR_NODE_COMPOUND:
        mr_emit(c, "(");
        mr_compile_query(c, node, MR_PLACE_EXPRESSION);
        mr_emit(c, ")");
        break;
    case MR_NODE_ALIAS: /* the alias itself as a value: count(alias) */
    case MR_NODE_CTE:
        mr_emit_name(c, mr_object_name(c, node));
        break;
    case MR_NODE_TABLE:
        mr_emit_table(c, node->u.table);
        break;
    default:
        mr_compile_fail(c, "a statement cannot stand within an expression");
    }
}

void mr_compile(mr_compiler *c, const mr_node *node) {
    if (c->failed) return;
    uint32_t start = c->ordinal;
    if (node->kind == MR_NODE_FUNC) mr_check_spoken_call(c, node);
    if (!c->dialect->compile_node || !c->dialect->compile_node(c, node)) dispatch(c, node);
    c->ordinal = start + node->binds;
    if (c->out->sql.len > MAX_SQL) mr_compile_fail(c, "the statement is too large");
}

/* The user's text gets parentheses only when the operator around it would change its meaning: under NOT, and under AND
 * when the text has an OR. */
static bool text_needs_group(const mr_node *node, mr_op against) {
    if (node->kind != MR_NODE_TEXT || (against != MR_OP_AND && against != MR_OP_NOT)) return false;
    if (against == MR_OP_NOT) return true;
    const char *s = node->u.value.u.s;
    for (uint32_t i = 0; i + 4 <= node->u.value.len; i++)
        if ((s[i] == ' ' || s[i] == '\n') && (s[i + 1] | 32) == 'o' && (s[i + 2] | 32) == 'r' &&
            (s[i + 3] == ' ' || s[i + 3] == '\n'))
            return true;
    return false;
}

/* Needs the operator no parentheses inside of itself, as in a + b + c? */
static bool is_associative(mr_op op) {
    return op == MR_OP_ADD || op == MR_OP_MUL || op == MR_OP_CONCAT || op == MR_OP_AND || op == MR_OP_OR;
}

static bool needs_group(const mr_node *node, mr_op against) {
    if (text_needs_group(node, against)) return true;
    mr_op op = mr_operator_of(node);
    if (op == MR_OP_NONE || against == MR_OP_NONE) return false;
    if (op == MR_OP_NOT_IN) return false; /* it writes its own parentheses */
    if (against == MR_AGAINST_ANY) return true;
    if (op == against && is_associative(op)) return false;
    return mr_precedence(op) <= mr_precedence(against);
}

void mr_compile_operand(mr_compiler *c, const mr_node *node, mr_op against) {
    node = mr_unlabelled(node);
    bool group = needs_group(node, against);
    if (group) mr_emit(c, "(");
    mr_compile(c, node);
    if (group) mr_emit(c, ")");
}

/* ---------------------------------------------------------------- truth values */

static bool is_boolean_column(const mr_compiler *c, const mr_node *node) {
    return node->kind == MR_NODE_COLUMN && mr_type_is_boolean(mr_typed(c, node));
}

static bool is_word(const mr_node *node, const char *word) {
    return node->kind == MR_NODE_LITERAL_SQL && strcmp(node->name, word) == 0;
}

/* In a database without boolean literals, a boolean column is compared with a number, so that an index can be used. */
void mr_compile_condition(mr_compiler *c, const mr_node *node, mr_op against) {
    node = mr_unlabelled(node);
    const char *compared = NULL;
    if (!c->dialect->true_literals) {
        if (is_boolean_column(c, node) || is_word(node, "true") || is_word(node, "false")) compared = " = 1";
    }
    if (mr_is_spelled_boolean(c, node) && (!c->dialect->true_literals || mr_typed(c, node)->forms))
        compared = mr_boolean_words(c, node, true);
    if (!compared) {
        mr_compile_operand(c, node, against);
        return;
    }
    bool group = against == MR_AGAINST_ANY || mr_precedence(MR_OP_EQ) <= mr_precedence(against);
    if (group) mr_emit(c, "(");
    mr_compile(c, node);
    mr_emit(c, compared);
    if (group) mr_emit(c, ")");
}

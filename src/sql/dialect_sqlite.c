/*
 * dialect_sqlite.c: the differences between SQLite's SQL and the default.
 *
 * Invariant: an expression that SQLite does not have is refused when it is compiled, not when it is executed.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <stdio.h>

#include <string.h>

static const char *const reserved[] = {
    "add",          "after",
    "all",          "alter",
    "analyze",      "and",
    "as",           "asc",
    "attach",       "autoincrement",
    "before",       "begin",
    "between",      "by",
    "cascade",      "case",
    "cast",         "check",
    "collate",      "column",
    "commit",       "conflict",
    "constraint",   "create",
    "cross",        "current_date",
    "current_time", "current_timestamp",
    "database",     "default",
    "deferrable",   "deferred",
    "delete",       "desc",
    "detach",       "distinct",
    "drop",         "each",
    "else",         "end",
    "escape",       "except",
    "exclusive",    "exists",
    "explain",      "fail",
    "false",        "for",
    "foreign",      "from",
    "full",         "glob",
    "group",        "having",
    "if",           "ignore",
    "immediate",    "in",
    "index",        "indexed",
    "initially",    "inner",
    "insert",       "instead",
    "intersect",    "into",
    "is",           "isnull",
    "join",         "key",
    "left",         "like",
    "limit",        "match",
    "natural",      "not",
    "nothing",      "notnull",
    "null",         "of",
    "offset",       "on",
    "or",           "order",
    "outer",        "plan",
    "pragma",       "primary",
    "query",        "raise",
    "references",   "reindex",
    "rename",       "replace",
    "restrict",     "returning",
    "right",        "rollback",
    "row",          "select",
    "set",          "table",
    "temp",         "temporary",
    "then",         "to",
    "transaction",  "trigger",
    "true",         "union",
    "unique",       "update",
    "using",        "vacuum",
    "values",       "view",
    "virtual",      "when",
    "where",        "with",
    NULL,
};

/* A column declared JSON or NUMERIC would have the affinity of numbers; a word with TEXT in it has that of text, so
 * that 12.30 stays 12.30. */
static const mr_type_word type_words[] = {
    {.code = MR_TYPE_NUMERIC, .sql = "DECIMAL_TEXT", .precision = true},
    {.code = MR_TYPE_JSON, .sql = "TEXT"},
    {.code = MR_TYPE_JSONB, .sql = "TEXT"},
    {.code = MR_TYPE_ARRAY, .sql = "TEXT"},
    {.sql = NULL},
};

/* ---------------------------------------------------------------- DDL */

/* Is it a constant, or a keyword such as CURRENT_TIMESTAMP? All other defaults must be in parentheses. */
static bool is_plain_default(const char *sql) {
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-";
    size_t len = strlen(sql);
    if (*sql == '(') return true;
    if (*sql == '\'' || *sql == '"') return len > 1 && sql[len - 1] == *sql && !strstr(sql, "||");
    return strspn(sql, word) == len && !strpbrk(sql + 1, "+-");
}

/* A STRICT table takes only these type names. */
static const char *strict_type(const mr_type *type, const char *sql) {
    static const struct {
        const char *pattern, *name;
    } rules[] = {{"INT", "INTEGER"}, {"CHAR", "TEXT"}, {"CLOB", "TEXT"}, {"TEXT", "TEXT"},
                 {"BLOB", "BLOB"},   {"REAL", "REAL"}, {"FLOA", "REAL"}, {"DOUB", "REAL"}};
    if (!*sql) return "ANY";
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strstr(sql, rules[i].pattern)) return rules[i].name;
    return mr_type_is_boolean(type) ? "INTEGER" : "TEXT"; /* dates, decimals and JSON are stored as text */
}

static void table_options(const mr_table *table, mr_strbuf *out) {
    const mr_table_options *o = &table->options;
    if (o->without_rowid) mr_strbuf_puts(out, " WITHOUT ROWID");
    if (o->strict) mr_strbuf_puts(out, o->without_rowid ? ", STRICT" : " STRICT");
}

/* A transaction that may write takes its lock at once, because SQLite does not let it wait for the lock after a read.
 */
static const char *const begin[] = {"BEGIN IMMEDIATE", "BEGIN DEFERRED", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE",
                                    "BEGIN DEFERRED"};

/* ---------------------------------------------------------------- expressions */

/* In SQLite, an integer divided by an integer is an integer. To get a fraction, one side is made a float. */
static void compile_division(mr_compiler *c, const mr_node *node) {
    const mr_node *divisor = mr_unlabelled(node->child[1]);
    bool fraction =
        divisor->kind == MR_NODE_BINARY && divisor->op == MR_OP_DIV && mr_type_is_float(mr_typed(c, divisor));
    mr_compile_factor(c, node->child[0], MR_OP_DIV);
    mr_emit(c, fraction ? " / " : " / (");
    mr_compile_factor(c, divisor, fraction ? MR_OP_DIV : MR_OP_ADD);
    if (!fraction) mr_emit(c, " + 0.0)");
}

/* SQLite has no exclusive or, so it is written as (a | b) - (a & b), which compiles both sides twice. */
static void compile_xor(mr_compiler *c, const mr_node *node) {
    uint32_t start = c->ordinal;
    mr_emit(c, "((");
    mr_compile_operand(c, node->child[0], MR_OP_BIT_OR);
    mr_emit(c, " | ");
    mr_compile_operand(c, node->child[1], MR_OP_BIT_OR);
    mr_emit(c, ") - (");
    c->ordinal = start;
    mr_compile_operand(c, node->child[0], MR_OP_BIT_AND);
    mr_emit(c, " & ");
    mr_compile_operand(c, node->child[1], MR_OP_BIT_AND);
    mr_emit(c, "))");
}

/* Writes the rows with which IN compares a tuple as VALUES. */
static bool compile_tuple_in(mr_compiler *c, const mr_node *node) {
    const mr_node *right = node->child[1];
    if (right->kind != MR_NODE_LIST || right->n == 0 || right->child[0]->kind != MR_NODE_TUPLE) return false;
    bool negated = node->op == MR_OP_NOT_IN;
    if (negated) mr_emit(c, "(");
    uint32_t start = c->ordinal;
    mr_compile_operand(c, node->child[0], (mr_op)node->op);
    mr_emit(c, negated ? " NOT IN (VALUES " : " IN (VALUES ");
    mr_seek(c, node, start, 1);
    mr_compile_rows(c, node->child[0], right);
    mr_emit(c, negated ? "))" : ")");
    return true;
}

/* The column of json_each has the affinity BLOB, under which a column of texts would find no numbers. As an operand of
 * + it has none, like the values of a list (https://www.sqlite.org/datatype3.html, section 4.2). */
static bool compile_whole_in(mr_compiler *c, const mr_node *node) {
    if (!mr_in_whole_list(c, node)) return false;
    bool negated = node->op == MR_OP_NOT_IN;
    if (negated) mr_emit(c, "(");
    mr_compile_operand(c, node->child[0], (mr_op)node->op);
    mr_emit(c, negated ? " NOT IN (SELECT +value FROM json_each(" : " IN (SELECT +value FROM json_each(");
    mr_emit_whole_list(c, node->child[1], MR_WHOLE_JSON);
    mr_emit(c, negated ? ")))" : "))");
    return true;
}

static bool is_moment(const mr_compiler *c, const mr_node *node) {
    return node->type && mr_type_is_moment(mr_typed(c, node));
}

/* Dates are stored as text. In arithmetic SQLite would use the number at the beginning of the text: 2024. So it is
 * refused. */
static bool compile_arithmetic(mr_compiler *c, const mr_node *node) {
    if (!is_moment(c, node->child[0]) && (node->n < 2 || !is_moment(c, node->child[1]))) return false;
    mr_compile_fail(c, "SQLite cannot calculate with dates, times and intervals: calculate in Lua (at:gt(mr.now() - "
                       "mr.interval{ days = 1 })), or by its functions (mr.func.datetime(at, \"+1 day\"), "
                       "mr.func.julianday(a) - mr.func.julianday(b))");
    return true;
}

/* SQLite's LIKE ends a pattern at a zero byte, and takes no long one: the function of ours does neither. */
static bool compile_whole_like(mr_compiler *c, const mr_node *node) {
    if (!(node->flags & MR_NODE_WHOLE)) return false;
    if (c->lasting) {
        mr_compile_fail(c, "like: a pattern with a zero byte, or of more than %d bytes, cannot stand in a definition",
                        (int)MR_LIKE_LONGEST);
        return true;
    }
    bool negated = node->op == MR_OP_NOT_LIKE || node->op == MR_OP_NOT_ILIKE;
    mr_emit(c, negated ? "(NOT mr_like(" : "mr_like(");
    for (uint32_t i = 0; i < node->n; i++) {
        if (i) mr_emit(c, ", ");
        mr_compile(c, node->child[i]);
    }
    mr_emit(c, negated ? "))" : ")");
    return true;
}

static bool compile_binary(mr_compiler *c, const mr_node *node) {
    switch (node->op) {
    case MR_OP_LIKE:
    case MR_OP_NOT_LIKE:
    case MR_OP_ILIKE:
    case MR_OP_NOT_ILIKE:
        return compile_whole_like(c, node);
    case MR_OP_ADD:
    case MR_OP_SUB:
    case MR_OP_MUL:
    case MR_OP_MOD:
        return compile_arithmetic(c, node);
    case MR_OP_DIV:
        if (compile_arithmetic(c, node)) return true;
        compile_division(c, node);
        return true;
    case MR_OP_BIT_XOR:
        compile_xor(c, node);
        return true;
    case MR_OP_IN:
    case MR_OP_NOT_IN:
        return compile_tuple_in(c, node) || compile_whole_in(c, node);
    default:
        return false;
    }
}

/* Functions that calculate with the number that their argument is. */
static bool is_calculation(const char *name) {
    static const char *const names[] = {"abs", "avg", "round", "sum", "total"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

static bool compile_func(mr_compiler *c, const mr_node *node) {
    if (node->n > 0 && is_calculation(node->name) && compile_arithmetic(c, node)) return true;
    return mr_sqlite_call(c, node);
}

typedef struct date_field {
    const char *name, *format;
} date_field;

/* Writes a date or time as STRFTIME takes it. */
static void compile_moment(mr_compiler *c, const mr_node *x) {
    const mr_type_rules *rules = x->type ? mr_typed(c, x)->rules : NULL;
    bool number = rules && mr_type_is_moment(mr_typed(c, x)) && rules->unit && rules->zero == 0;
    char text[96];
    if (!number) { /* a text, or a Julian day */
        mr_compile(c, x);
        return;
    }
    const double second = 1000000;
    snprintf(text, sizeof text, " / %.1f + %lld, 'unixepoch'",
             second / (rules->per > 0 ? rules->per : (double)rules->unit), (long long)(rules->epoch / 1000000));
    mr_compile_operand(c, x, MR_OP_DIV);
    mr_emit(c, text);
}

static const char *next_field(void *fields, size_t i) { return ((const date_field *)fields)[i].name; }

static void compile_extract(mr_compiler *c, const mr_node *node) {
    static const date_field fields[] = {
        {"year", "%Y"}, {"month", "%m"}, {"day", "%d"},   {"hour", "%H"}, {"minute", "%M"},       {"second", "%S"},
        {"doy", "%j"},  {"dow", "%w"},   {"epoch", "%s"}, {"week", "%W"}, {"milliseconds", "%f"}, {NULL, NULL},
    };
    for (size_t i = 0; fields[i].name; i++) {
        if (strcmp(fields[i].name, node->name) != 0) continue;
        mr_emit(c, "CAST(STRFTIME('");
        mr_emit(c, fields[i].format);
        mr_emit(c, "', ");
        compile_moment(c, node->child[0]);
        mr_emit(c, ") AS INTEGER)");
        return;
    }
    mr_compile_fail(c, "extract: SQLite knows no field '%s'%s", node->name,
                    mr_hint(node->env, mr_nearest(node->name, next_field, (void *)fields)));
}

static bool compile_node(mr_compiler *c, const mr_node *node) {
    if (node->kind == MR_NODE_CAST && mr_sqlite_cast(c, node)) return true;
    if (mr_sqlite_decimal(c, node)) return true;
    switch (node->kind) {
    case MR_NODE_BINARY:
        return compile_binary(c, node);
    case MR_NODE_UNARY:
        return node->op == MR_OP_NEG && compile_arithmetic(c, node);
    case MR_NODE_FUNC:
        return compile_func(c, node);
    case MR_NODE_FILTER:
        return mr_sqlite_filter(c, node);
    case MR_NODE_EXTRACT:
        compile_extract(c, node);
        return true;
    default:
        return false;
    }
}

static void compile_limit(mr_compiler *c, const mr_node *limit, const mr_node *offset) {
    mr_emit(c, limit ? " LIMIT " : " LIMIT -1");
    if (limit) mr_compile(c, limit);
    if (!offset) return;
    mr_emit(c, " OFFSET ");
    mr_compile(c, offset);
}

/* Each attached database has its own list of tables. Names are equal when only the case of ASCII letters differs. */
static unsigned table_exists(const mr_dialect *d, const mr_table *table, mr_strbuf *out, mr_value params[2]) {
    mr_strbuf_puts(out, "SELECT 1 FROM ");
    if (table->schema) {
        mr_quote_name(d, table->schema, out);
        mr_strbuf_putc(out, '.');
    }
    mr_strbuf_puts(out, "sqlite_master WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE");
    params[0] = mr_text_value(table->name, strlen(table->name));
    return 1;
}

const mr_dialect *mr_dialect_sqlite(void) {
    static const mr_dialect dialect = {
        .name = "sqlite",
        .parameter = '?',
        .returning = false, /* last_insert_rowid is faster; users may still write RETURNING */
        .nulls_order = true,
        .index_schema = true,
        .spells = true,
        .decimal_text = true,
        .type_words = type_words,
        .schema = "main",
        .reserved = reserved,
        .numbered = "INTEGER", /* it has 64 bits */
        .numbers_sole_key = true,
        .most_conditions = 32766,
        .begin = begin,
        .is_plain_default = is_plain_default,
        .compile_node = compile_node,
        .limit = compile_limit,
        .table_exists = table_exists,
        .references_stay = true,
        .numbers_once = "AUTOINCREMENT",
        .virtual_columns = true,
        .views_if_missing = true,
        .conflict_clauses = true,
        .strict_type = strict_type,
        .table_options = table_options,
    };
    return &dialect;
}

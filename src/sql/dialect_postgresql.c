/*
 * dialect_postgresql.c: the differences between PostgreSQL's SQL and the default.
 *
 * Invariant: parameters have no types, so nothing is written whose type PostgreSQL would have to take from a parameter.
 */
#include <moonrow/sql.h>

#include "compiler.h"
#include "key.h"

#include <stdio.h>
#include <string.h>

static const char *const reserved[] = {
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "new",
    "not",
    "notnull",
    "null",
    "of",
    "off",
    "offset",
    "old",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "over",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    NULL,
};

/* ---------------------------------------------------------------- DDL */

static const mr_type_word type_words[] = {
    {.code = MR_TYPE_SMALLINTEGER, .sql = "SMALLINT", .numbered = "SMALLSERIAL"},
    {.code = MR_TYPE_BIGINTEGER, .sql = "BIGINT", .numbered = "BIGSERIAL"},
    {.code = MR_TYPE_FLOAT, .sql = "FLOAT", .precision = true},
    {.code = MR_TYPE_DATETIME, .sql = "TIMESTAMP WITHOUT TIME ZONE"},
    {.code = MR_TYPE_TIME, .sql = "TIME WITHOUT TIME ZONE"},
    {.code = MR_TYPE_INTERVAL, .sql = "INTERVAL"},
    {.code = MR_TYPE_LARGEBINARY, .sql = "BYTEA"},
    {.code = MR_TYPE_UUID, .sql = "UUID"},
    {.code = MR_TYPE_ANY, .sql = "TEXT"},
    {.sql = NULL},
};

static const char *const sole_columns[] = {"generate_series",
                                           "generate_subscripts",
                                           "unnest",
                                           "string_to_table",
                                           "regexp_split_to_table",
                                           "regexp_matches",
                                           "json_object_keys",
                                           "jsonb_object_keys",
                                           "json_array_elements",
                                           "jsonb_array_elements",
                                           "json_array_elements_text",
                                           "jsonb_array_elements_text",
                                           "jsonb_path_query",
                                           NULL};

/* What is deferred is to read one snapshot; locks are those of rows. */
static const char *const begin[] = {"BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN",
                                    "BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN ISOLATION LEVEL SERIALIZABLE"};

/* ---------------------------------------------------------------- expressions */

static bool is_exact_or_float(const mr_node *node) {
    return mr_type_is_float(node->type) || mr_type_is_decimal(node->type);
}

/* Writes what the node divides by. PostgreSQL raises where it is 0, unless that is made NULL. */
static void compile_divisor(mr_compiler *c, const mr_node *node, mr_op against) {
    bool guarded = node->flags & MR_NODE_ZERO_IS_NULL;
    if (guarded) mr_emit(c, "nullif(");
    mr_postgresql_number(c, node->child[1], guarded ? MR_OP_NONE : against);
    if (guarded) mr_emit(c, ", 0)");
}

/* In PostgreSQL, an integer divided by an integer is an integer. To get a fraction, the right side is cast to NUMERIC.
 */
static bool compile_division(mr_compiler *c, const mr_node *node) {
    bool cast = !is_exact_or_float(node->child[0]) && !is_exact_or_float(node->child[1]);
    if (!cast && !(node->flags & MR_NODE_ZERO_IS_NULL)) return false;
    mr_compile_operand(c, node->child[0], MR_OP_DIV);
    mr_emit(c, cast ? " / CAST(" : " / ");
    compile_divisor(c, node, cast ? MR_OP_NONE : MR_OP_DIV);
    if (cast) mr_emit(c, " AS NUMERIC)");
    return true;
}

static void compile_xor(mr_compiler *c, const mr_node *node) {
    mr_compile_operand(c, node->child[0], MR_OP_BIT_XOR);
    mr_emit(c, " # ");
    mr_compile_operand(c, node->child[1], MR_OP_BIT_XOR);
}

/* Is it a document? An Array, JSON to us, is an array to PostgreSQL, which compares it as it is. */
static bool is_document(const mr_compiler *c, const mr_node *node) {
    const mr_type *type = node->type ? mr_typed(c, node) : NULL;
    return type && mr_type_is_json(type) && !type->item;
}

/* The default for an IN without values has a subquery in FROM, which would need a name here. So a NULL with a constant
 * condition is written. */
static bool compile_empty_in(mr_compiler *c, const mr_node *node) {
    const mr_node *right = node->child[1];
    if (right->kind != MR_NODE_BINDS || right->u.list.n != 0) return false;
    bool negated = node->op == MR_OP_NOT_IN, document = is_document(c, node->child[0]);
    uint32_t width = mr_in_width(node);
    if (negated) mr_emit(c, "(");
    if (document) mr_emit(c, "CAST(");
    mr_compile_operand(c, node->child[0], document ? MR_OP_NONE : (mr_op)node->op);
    if (document) mr_emit(c, " AS JSONB)");
    mr_emit(c, negated ? " NOT IN (" : " IN (");
    if (width > 1) mr_emit(c, "(");
    for (uint32_t i = 0; i < width; i++) mr_emit(c, i ? ", NULL" : "NULL");
    if (width > 1) mr_emit(c, ")");
    mr_emit(c, negated ? ") OR (1 = 1))" : ") AND (1 != 1)");
    return true;
}

static bool compile_whole_in(mr_compiler *c, const mr_node *node) {
    if (!mr_in_whole_list(c, node)) return false;
    bool negated = node->op == MR_OP_NOT_IN;
    if (negated) mr_emit(c, "(");
    mr_compile_operand(c, node->child[0], MR_OP_EQ);
    mr_emit(c, negated ? " != ALL (" : " = ANY (");
    mr_emit_whole_list(c, node->child[1], MR_WHOLE_ARRAY);
    mr_emit(c, negated ? "))" : ")");
    return true;
}

/* Writes Lua's a // b of numbers that are no floats: so many digits of the quotient are asked for that it cannot be
 * rounded to a whole number which it does not reach. */
static void compile_exact_floor(mr_compiler *c, const mr_node *node, bool whole) {
    mr_emit(c, whole ? "CAST(floor(CAST(" : "floor(CAST(");
    mr_postgresql_number(c, node->child[0], MR_OP_NONE);
    mr_emit(c, whole ? " AS NUMERIC(40, 20)) / " : " AS NUMERIC(200, 80)) / ");
    compile_divisor(c, node, MR_AGAINST_ANY);
    mr_emit(c, whole ? ") AS BIGINT)" : ")");
}

/* Writes Lua's a % b of numbers that are no floats. mod has the sign of a; in NUMERIC, because + b could overflow. */
static void compile_exact_rest(mr_compiler *c, const mr_node *node, bool whole) {
    const uint32_t start = c->ordinal;
    mr_emit(c, whole ? "CAST(mod(mod(CAST(" : "mod(mod(CAST(");
    mr_postgresql_number(c, node->child[0], MR_OP_NONE);
    mr_emit(c, " AS NUMERIC), ");
    compile_divisor(c, node, MR_OP_NONE);
    mr_emit(c, ") + ");
    mr_seek(c, node, start, 1);
    mr_postgresql_number(c, node->child[1], MR_OP_ADD);
    mr_emit(c, ", ");
    mr_seek(c, node, start, 1);
    mr_postgresql_number(c, node->child[1], MR_OP_NONE);
    mr_emit(c, whole ? ") AS BIGINT)" : ")");
}

/* Writes floor(a / b) of floats, or what that leaves of a: PostgreSQL has no fmod. */
static void compile_float_floor(mr_compiler *c, const mr_node *node, bool rest) {
    const uint32_t start = c->ordinal;
    if (rest) {
        mr_emit(c, "(");
        mr_postgresql_number(c, node->child[0], MR_OP_SUB);
        mr_emit(c, " - ");
        mr_postgresql_number(c, node->child[1], MR_AGAINST_ANY);
        mr_emit(c, " * ");
        c->ordinal = start;
    }
    mr_emit(c, "floor(");
    mr_postgresql_number(c, node->child[0], MR_AGAINST_ANY);
    mr_emit(c, " / ");
    compile_divisor(c, node, MR_AGAINST_ANY);
    mr_emit(c, rest ? "))" : ")");
}

/* Writes Lua's // and %, which round down, where PostgreSQL's cut. */
static bool compile_floor(mr_compiler *c, const mr_node *node) {
    bool rest = strcmp(node->name, "mr_floor_mod") == 0, whole = mr_type_is_integer(mr_typed(c, node));
    if (node->n != 2 || (!rest && strcmp(node->name, "mr_floor_div") != 0)) return false;
    if (!whole && !mr_type_is_decimal(mr_typed(c, node))) compile_float_floor(c, node, rest);
    else if (rest) compile_exact_rest(c, node, whole);
    else compile_exact_floor(c, node, whole);
    return true;
}

/* A database orders texts by the language that it was made with, unless it is told otherwise. */
static bool compile_by_bytes(mr_compiler *c, const mr_node *node) {
    static const char *const signs[] = {
        [MR_OP_LT] = " < ", [MR_OP_LE] = " <= ", [MR_OP_GT] = " > ", [MR_OP_GE] = " >= "};
    if (!(node->flags & MR_NODE_BY_BYTES)) return false;
    mr_compile_compared(c, node->child[0], node->child[1], MR_AGAINST_ANY);
    mr_emit(c, " COLLATE \"C\"");
    mr_emit(c, signs[node->op]);
    mr_compile_compared(c, node->child[1], node->child[0], (mr_op)node->op);
    return true;
}

/* PostgreSQL has no % of floats: it has one of NUMERIC. */
static bool compile_rest(mr_compiler *c, const mr_node *node) {
    const mr_type *left = mr_typed(c, node->child[0]), *right = mr_typed(c, node->child[1]);
    if (!(left && mr_type_is_float(left)) && !(right && mr_type_is_float(right))) return false;
    mr_emit(c, "CAST(CAST(");
    mr_compile(c, node->child[0]);
    mr_emit(c, " AS NUMERIC) % CAST(");
    mr_compile(c, node->child[1]);
    mr_emit(c, " AS NUMERIC) AS DOUBLE PRECISION)");
    return true;
}

/* Is it written so that it gives a value of JSONB: a path into a text or an array? */
static bool gives_jsonb(const mr_compiler *c, const mr_node *node) {
    node = mr_unlabelled(node);
    return node->kind == MR_NODE_JSON_AT && !is_document(c, node->child[0]);
}

static void compile_jsonb(mr_compiler *c, const mr_node *node) {
    const bool bare = gives_jsonb(c, node);
    if (!bare) mr_emit(c, "CAST(");
    mr_compile(c, node);
    if (!bare) mr_emit(c, " AS JSONB)");
}

/* PostgreSQL compares documents as JSONB alone. */
static bool compile_documents(mr_compiler *c, const mr_node *node) {
    const mr_node *left = node->child[0], *right = node->child[1];
    if (!is_document(c, left) || !is_document(c, right)) return false;
    if (mr_unlabelled(right)->kind == MR_NODE_LITERAL_SQL) return false; /* IS NULL */
    compile_jsonb(c, left);
    mr_emit(c, node->op == MR_OP_EQ                                        ? " = "
               : node->op == MR_OP_NE                                      ? " != "
               : node->op == MR_OP_IS_DISTINCT || node->op == MR_OP_IS_NOT ? " IS DISTINCT FROM "
                                                                           : " IS NOT DISTINCT FROM ");
    compile_jsonb(c, right);
    return true;
}

static bool compile_documents_in(mr_compiler *c, const mr_node *node) {
    const mr_node *left = node->child[0], *right = node->child[1];
    bool negated = node->op == MR_OP_NOT_IN;
    if (!is_document(c, left) || right->kind != MR_NODE_BINDS) return false;
    if (negated) mr_emit(c, "(");
    compile_jsonb(c, left);
    mr_emit(c, negated ? " NOT IN (" : " IN (");
    const size_t n = c->literals ? right->u.list.n : mr_key_padded(right->u.list.n);
    for (uint32_t i = 0; i < n && !c->failed; i++) {
        mr_emit(c, i ? ", CAST(" : "CAST(");
        mr_emit_param(c, right, i);
        mr_emit(c, " AS JSONB)");
    }
    mr_emit(c, negated ? "))" : ")");
    return true;
}

static bool compile_node(mr_compiler *c, const mr_node *node) {
    if (mr_postgresql_decimal(c, node) || mr_postgresql_form(c, node)) return true;
    if (node->kind == MR_NODE_FUNC) return compile_floor(c, node) || mr_postgresql_call(c, node);
    if (node->kind == MR_NODE_COLLATE && strcmp(node->name, "BINARY") == 0) { /* SQLite's: here a column has none */
        mr_compile_operand(c, node->child[0], MR_AGAINST_ANY);
        return true;
    }
    if (node->kind != MR_NODE_BINARY) return false;
    switch (node->op) {
    case MR_OP_DIV:
        return compile_division(c, node);
    case MR_OP_MOD:
        return compile_rest(c, node);
    case MR_OP_EQ:
    case MR_OP_NE:
    case MR_OP_IS:
    case MR_OP_IS_NOT:
    case MR_OP_IS_DISTINCT:
    case MR_OP_IS_NOT_DISTINCT:
        return compile_documents(c, node);
    case MR_OP_LT:
    case MR_OP_LE:
    case MR_OP_GT:
    case MR_OP_GE:
        return compile_by_bytes(c, node);
    case MR_OP_BIT_XOR:
        compile_xor(c, node);
        return true;
    case MR_OP_IN:
    case MR_OP_NOT_IN:
        return compile_empty_in(c, node) || compile_whole_in(c, node) || compile_documents_in(c, node);
    default:
        return false;
    }
}

static void compile_limit(mr_compiler *c, const mr_node *limit, const mr_node *offset) {
    mr_emit(c, limit ? " LIMIT " : " LIMIT ALL");
    if (limit) mr_compile(c, limit);
    if (!offset) return;
    mr_emit(c, " OFFSET ");
    mr_compile(c, offset);
}

/* The name as the database keeps it. A name that is shortened is interned: the parameter borrows it. */
static mr_value kept_name(const mr_dialect *d, const mr_table *table, const char *name) {
    char buf[MR_NAME_SIZE];
    const char *kept = mr_shorten_name(d, name, buf);
    if (kept == buf) kept = mr_intern(table->metadata->env, buf, strlen(buf));
    return mr_text_value(kept ? kept : name, strlen(kept ? kept : name));
}

static unsigned table_exists(const mr_dialect *d, const mr_table *table, mr_strbuf *out, mr_value params[2]) {
    mr_strbuf_puts(
        out, "SELECT 1 FROM pg_catalog.pg_class WHERE relname = $1 AND relkind IN ('r', 'p', 'v', 'm', 'f') AND ");
    params[0] = kept_name(d, table, table->name);
    if (!table->schema) {
        mr_strbuf_puts(out, "pg_catalog.pg_table_is_visible(oid)");
        return 1;
    }
    mr_strbuf_puts(out, "relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $2)");
    params[1] = kept_name(d, table, table->schema);
    return 2;
}

const mr_type *mr_sql_named_type(mr_env *env, const mr_type *type, const char *name) {
    mr_strbuf quoted;
    mr_strbuf_init(&quoted, env);
    mr_quote_name(mr_dialect_postgresql(), name, &quoted);
    const char *text = mr_strbuf_str(&quoted);
    const mr_type *named = text ? mr_type_named(env, type, text) : NULL;
    mr_strbuf_done(&quoted);
    return named;
}

const mr_dialect *mr_dialect_postgresql(void) {
    static const mr_dialect dialect = {
        .name = "postgresql",
        .dml_in_cte = true,
        .conflict_constraints = true,
        .delete_using = true,
        .parameter = '$',
        .returning = true,
        .multi_row_insert = true,
        .ilike = true,
        .backslash_escapes = true,
        .nulls_order = true,
        .nulls_high = true,
        .for_update = true,
        .distinct_on = true,
        .true_literals = true,
        .escaped_blobs = true,
        .intervals = true,
        .returning_qualified = true,
        .compound_parens = true,
        .reserved = reserved,
        .type_words = type_words,
        .numbered = "SERIAL",
        .begin = begin,
        .compile_node = compile_node,
        .limit = compile_limit,
        .table_exists = table_exists,
        .identity = true,
        .computed_keys = true,
        .alters = true,
        .distinct_from = true,
        .within_group = true,
        .lateral = true,
        .sole_columns = sole_columns,
        .json_operators = true,
        .regexp_operators = true,
        .text_search = true,
        .longest_name = 63,
        .moments = true,
        .defers_keys = true,
        .comments = true,
        .named_types = true,
        .index_parens = true,
    };
    return &dialect;
}

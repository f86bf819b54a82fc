/*
 * operator.c: constructors of operators, and of their opposites.
 *
 * Invariant: a comparison with NULL never becomes "= NULL". An AND has no AND as a child, and an OR no OR.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <stdio.h>
#include <string.h>

static const mr_type *boolean(void) { return mr_type_simple(MR_TYPE_BOOLEAN); }

/* ---------------------------------------------------------------- unary */

mr_node *mr_sql_unary(mr_env *env, mr_op op, mr_node *operand) {
    if (!operand) return NULL;
    const mr_type *type = op == MR_OP_NOT ? boolean() : operand->type;
    return mr_node_new(env, MR_NODE_UNARY, op, type, &operand, 1);
}

/* ---------------------------------------------------------------- binary */

/* The type of an arithmetic result: Float if one side is Float, else Numeric if one is Numeric, else Integer. Of a
 * number and an unknown type the result is the number's type. */
static const mr_type *number_type(mr_op op, const mr_type *a, const mr_type *b) {
    if (!mr_type_is_number(a) && !mr_type_is_number(b)) return mr_type_simple(MR_TYPE_NULL);
    if (mr_type_is_float(a) || mr_type_is_float(b)) return mr_type_simple(MR_TYPE_FLOAT);
    if (mr_type_is_decimal(a) || mr_type_is_decimal(b)) return mr_type_simple(MR_TYPE_NUMERIC);
    if (op == MR_OP_DIV) return mr_type_simple(MR_TYPE_FLOAT);
    return mr_type_is_number(a) && mr_type_is_number(b) ? mr_type_simple(MR_TYPE_INTEGER)
                                                        : mr_type_simple(MR_TYPE_NULL);
}

static const mr_type *binary_type(mr_op op, const mr_node *left, const mr_node *right) {
    if (op >= MR_OP_EQ && op <= MR_OP_NOT_ILIKE) return boolean();
    if (op >= MR_OP_REGEXP && op <= MR_OP_NOT_MATCH) return boolean();
    if (op == MR_OP_CONCAT) return mr_type_is_string(left->type) ? left->type : mr_type_simple(MR_TYPE_STRING);
    if (op >= MR_OP_ADD && op <= MR_OP_MOD) return number_type(op, left->type, right->type);
    if (op >= MR_OP_BIT_AND && op <= MR_OP_SHIFT_RIGHT) return mr_type_simple(MR_TYPE_INTEGER);
    return NULL;
}

/* A SELECT as an operand becomes a scalar subquery. */
static mr_node *as_operand(mr_node *x) { return mr_node_is_query(x) ? mr_sql_scalar(x->env, x) : x; }

/* Not every database allows parameters behind IS, so NULL and booleans are written as words. */
static mr_node *as_literal(mr_node *x) {
    if (!mr_node_is(x, MR_NODE_BIND) || x->name) return x;
    const char *word = NULL;
    if (x->u.value.kind == MR_NULL) word = "NULL";
    else if (x->u.value.kind == MR_BOOL) word = x->u.value.u.i ? "true" : "false";
    if (!word) return x;
    mr_node *literal = mr_sql_raw(x->env, x->type, word);
    mr_node_release(x);
    return literal;
}

mr_node *mr_sql_binary(mr_env *env, mr_op op, mr_node *left, mr_node *right) {
    if (op == MR_OP_EQ || op == MR_OP_NE) {
        if (mr_node_is_null(left) && right && !mr_node_is_null(right)) {
            mr_node *null = left;
            left = right;
            right = null;
        }
        if (mr_node_is_null(right)) op = op == MR_OP_EQ ? MR_OP_IS : MR_OP_IS_NOT;
    }
    if (op >= MR_OP_IS && op <= MR_OP_IS_NOT_DISTINCT) right = as_literal(right);
    mr_node *sides[2] = {as_operand(left), as_operand(right)};
    const mr_type *type = sides[0] && sides[1] ? binary_type(op, sides[0], sides[1]) : NULL;
    return mr_node_new(env, MR_NODE_BINARY, op, type, sides, 2);
}

/* A call of the function of ours, which SQLite has on each connection; other dialects write it out. */
static mr_node *floored(mr_env *env, const char *name, mr_node *a, mr_node *b) {
    mr_node *sides[2] = {as_operand(a), as_operand(b)};
    const mr_type *type = sides[0] && sides[1] ? number_type(MR_OP_MOD, sides[0]->type, sides[1]->type) : NULL;
    return mr_sql_func(env, name, type, sides, 2);
}

mr_node *mr_sql_floor_div(mr_env *env, mr_node *a, mr_node *b) { return floored(env, "mr_floor_div", a, b); }
mr_node *mr_sql_floor_mod(mr_env *env, mr_node *a, mr_node *b) { return floored(env, "mr_floor_mod", a, b); }

mr_node *mr_sql_null_at_zero(mr_node *division) {
    if (division) division->flags |= MR_NODE_ZERO_IS_NULL;
    return division;
}

mr_node *mr_sql_by_bytes(mr_node *comparison) {
    if (comparison) comparison->flags |= MR_NODE_BY_BYTES;
    return comparison;
}

/* May the user's operator be written into SQL? It is made of words, or of the characters that PostgreSQL allows in
 * operators, and opens no comment. */
static bool is_operator(const char *op) {
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_ ";
    static const char symbol[] = "+-*/<>=~!@#%^&|?";
    if (!*op || strstr(op, "--") || strstr(op, "/*")) return false;
    return strspn(op, word) == strlen(op) || strspn(op, symbol) == strlen(op);
}

mr_node *mr_sql_custom_as(mr_env *env, const char *op, mr_node *left, mr_node *right, const mr_type *type) {
    mr_node *sides[2] = {as_operand(left), as_operand(right)};
    if (!is_operator(op)) {
        mr_nodes_release(sides, 2);
        mr_fail(env, MR_ERR_ARGUMENT, "op: '%s' is no operator", op);
        return NULL;
    }
    return mr_node_named(mr_node_new(env, MR_NODE_BINARY, MR_OP_CUSTOM, type, sides, 2), op);
}

mr_node *mr_sql_custom(mr_env *env, const char *op, mr_node *left, mr_node *right) {
    return mr_sql_custom_as(env, op, left, right, NULL);
}

static bool is_letter(const char *s) { return (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z'); }

/* Databases without ILIKE change the pattern to small letters. A letter as escape character would then also match the
 * other form of that letter, so it is refused for ILIKE. */
static bool is_plain_pattern(const mr_node *x) {
    if (x->kind == MR_NODE_BINARY && x->op == MR_OP_CONCAT)
        return is_plain_pattern(x->child[0]) && is_plain_pattern(x->child[1]);
    bool text = x->kind == MR_NODE_BIND && !x->name && x->u.value.kind == MR_TEXT;
    return !text || mr_like_is_plain(x->u.value.u.s, x->u.value.len);
}

/* Is it a text, or several joined, without a backslash? */
static bool has_no_backslash(const mr_node *x) {
    if (x->kind == MR_NODE_BINARY && x->op == MR_OP_CONCAT)
        return has_no_backslash(x->child[0]) && has_no_backslash(x->child[1]);
    bool text = x->kind == MR_NODE_BIND && !x->name && x->u.value.kind == MR_TEXT;
    return text && (x->u.value.len == 0 || !memchr(x->u.value.u.s, '\\', x->u.value.len));
}

/* Wildcards are joined to a pattern one at a time, so this does not go deep. */
static mr_node *noting_pattern(mr_node *like) {
    if (!like) return NULL;
    if (!is_plain_pattern(like->child[1])) like->flags |= MR_NODE_WHOLE;
    if (like->n < 3 && !has_no_backslash(like->child[1])) like->flags |= MR_NODE_BACKSLASH;
    return like;
}

mr_node *mr_sql_like(mr_env *env, mr_op op, mr_node *left, mr_node *pattern, const char *escape) {
    if (!escape) return noting_pattern(mr_sql_binary(env, op, left, pattern));
    mr_node *parts[3] = {as_operand(left), as_operand(pattern), NULL};
    if (mr_utf8_length(escape, strlen(escape)) != 1) {
        mr_nodes_release(parts, 2);
        mr_fail(env, MR_ERR_ARGUMENT, "like: escape must be one character, not '%s'", escape);
        return NULL;
    }
    if ((op == MR_OP_ILIKE || op == MR_OP_NOT_ILIKE) && is_letter(escape)) {
        mr_nodes_release(parts, 2);
        mr_fail(env, MR_ERR_ARGUMENT, "escape cannot be the letter '%s' where the case of letters does not count",
                escape);
        return NULL;
    }
    char quoted[8];
    snprintf(quoted, sizeof quoted, "'%s'", strcmp(escape, "'") == 0 ? "''" : escape);
    parts[2] = mr_sql_raw(env, mr_type_simple(MR_TYPE_STRING), quoted);
    return noting_pattern(mr_node_new(env, MR_NODE_BINARY, op, boolean(), parts, 3));
}

mr_node *mr_sql_regexp(mr_env *env, mr_node *x, mr_node *pattern, const char *flags) {
    mr_node *parts[3] = {as_operand(x), as_operand(pattern), NULL};
    uint32_t n = flags && *flags ? 3 : 2;
    if (n == 3 && strspn(flags, "inx") != strlen(flags)) {
        mr_nodes_release(parts, 2);
        mr_fail(env, MR_ERR_ARGUMENT,
                "regexp_match: flags are \"i\" (any case), \"n\" (lines count) and \"x\" (spaces do not), not \"%s\"",
                flags);
        return NULL;
    }
    if (n == 3) parts[2] = mr_sql_raw(env, mr_type_simple(MR_TYPE_STRING), flags);
    return mr_node_new(env, MR_NODE_BINARY, MR_OP_REGEXP, boolean(), parts, n);
}

mr_node *mr_sql_between(mr_env *env, mr_node *x, mr_node *low, mr_node *high) {
    mr_node *parts[3] = {as_operand(x), as_operand(low), as_operand(high)};
    return mr_node_new(env, MR_NODE_BETWEEN, MR_OP_NONE, boolean(), parts, 3);
}

/* ---------------------------------------------------------------- lists */

static const mr_type *list_type(mr_op op) {
    if (op == MR_OP_AND || op == MR_OP_OR) return boolean();
    return op == MR_OP_CONCAT ? mr_type_simple(MR_TYPE_STRING) : NULL;
}

static bool is_list(const mr_node *node, mr_op op) { return mr_node_is(node, MR_NODE_LIST) && node->op == op; }

/* Appends item to list; if item is a list of the same operator, appends its items instead. Consumes both. */
static mr_node *append_flat(mr_env *env, mr_op op, mr_node *list, mr_node *item) {
    if (!is_list(item, op)) return mr_list_append(env, op, list_type(op), list, &item, 1);
    /* The append consumes the items, so they are retained before it. item is released last: it owns their array. */
    for (uint32_t i = 0; i < item->n; i++) mr_node_retain(item->child[i]);
    mr_node *whole = mr_list_append(env, op, list_type(op), list, item->child, item->n);
    mr_node_release(item);
    return whole;
}

/* left op right, where op is AND or OR. When left is NULL, right itself. NULL when right is NULL. */
static mr_node *joined(mr_env *env, mr_op op, mr_node *left, mr_node *right) {
    if (!right) {
        mr_node_release(left);
        return NULL;
    }
    if (!left) return right;
    if (!is_list(left, op)) left = mr_list_append(env, op, list_type(op), NULL, &left, 1);
    if (left) return append_flat(env, op, left, right);
    mr_node_release(right);
    return NULL;
}

mr_node *mr_sql_list(mr_env *env, mr_op op, mr_node *const *items, size_t n) {
    if (op == MR_OP_COMMA) {
        for (size_t i = 0; i < n; i++)
            if (!items[i]) {
                mr_nodes_release(items, n);
                return NULL;
            }
        return mr_list_append(env, op, NULL, NULL, items, n);
    }
    mr_node *list = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!items[i]) continue;
        list = joined(env, op, list, as_operand(items[i]));
        if (!list) {
            mr_nodes_release(items + i + 1, n - i - 1);
            return NULL;
        }
    }
    return list;
}

mr_node *mr_sql_list_append(mr_env *env, mr_node *list, mr_node *item) {
    if (!item) {
        mr_node_release(list);
        return NULL;
    }
    return mr_list_append(env, MR_OP_COMMA, NULL, list, &item, 1);
}

mr_node *mr_sql_and(mr_env *env, mr_node *left, mr_node *right) {
    if (!right) {
        mr_node_release(left);
        return NULL;
    }
    mr_node *pair[2] = {left, right};
    return mr_sql_list(env, MR_OP_AND, pair, 2);
}

/* ---------------------------------------------------------------- NOT */

static mr_op opposite(mr_op op) {
    switch (op) {
    case MR_OP_EQ:
        return MR_OP_NE;
    case MR_OP_NE:
        return MR_OP_EQ;
    case MR_OP_LT:
        return MR_OP_GE;
    case MR_OP_GE:
        return MR_OP_LT;
    case MR_OP_GT:
        return MR_OP_LE;
    case MR_OP_LE:
        return MR_OP_GT;
    case MR_OP_IS:
        return MR_OP_IS_NOT;
    case MR_OP_IS_NOT:
        return MR_OP_IS;
    case MR_OP_IS_DISTINCT:
        return MR_OP_IS_NOT_DISTINCT;
    case MR_OP_IS_NOT_DISTINCT:
        return MR_OP_IS_DISTINCT;
    case MR_OP_IN:
        return MR_OP_NOT_IN;
    case MR_OP_NOT_IN:
        return MR_OP_IN;
    case MR_OP_LIKE:
        return MR_OP_NOT_LIKE;
    case MR_OP_NOT_LIKE:
        return MR_OP_LIKE;
    case MR_OP_ILIKE:
        return MR_OP_NOT_ILIKE;
    case MR_OP_NOT_ILIKE:
        return MR_OP_ILIKE;
    case MR_OP_REGEXP:
        return MR_OP_NOT_REGEXP;
    case MR_OP_NOT_REGEXP:
        return MR_OP_REGEXP;
    case MR_OP_MATCH:
        return MR_OP_NOT_MATCH;
    case MR_OP_NOT_MATCH:
        return MR_OP_MATCH;
    default:
        return MR_OP_NONE;
    }
}

/* The same children with the opposite operator. NULL, with *tried false, when there is no opposite. */
static mr_node *negated(const mr_node *x, bool *tried) {
    mr_op op = x->kind == MR_NODE_BINARY ? opposite((mr_op)x->op) : MR_OP_NONE;
    *tried = op != MR_OP_NONE || x->kind == MR_NODE_BETWEEN;
    if (!*tried) return NULL;
    for (uint32_t i = 0; i < x->n; i++) mr_node_retain(x->child[i]);
    mr_node *node = mr_node_with_parts(x, x->child);
    if (!node) return NULL;
    if (x->kind == MR_NODE_BETWEEN) node->flags ^= MR_NODE_NEGATED;
    else node->op = (uint8_t)op;
    return node;
}

/* The opposite word of true or false; NULL when x is another expression. */
static const char *negated_word(const mr_node *x) {
    if (x->kind != MR_NODE_LITERAL_SQL) return NULL;
    if (strcmp(x->name, "true") == 0) return "false";
    return strcmp(x->name, "false") == 0 ? "true" : NULL;
}

mr_node *mr_sql_not(mr_env *env, mr_node *operand) {
    mr_node *x = as_operand(operand);
    if (!x) return NULL;
    mr_node *inner = x->kind == MR_NODE_LABEL ? x->child[0] : x;
    mr_node *result;
    bool tried = true;
    const char *word = negated_word(inner);
    if (inner->kind == MR_NODE_UNARY && inner->op == MR_OP_NOT) result = mr_node_retain(inner->child[0]);
    else if (word) result = mr_sql_raw(env, inner->type, word);
    else if (inner->kind == MR_NODE_CRITERION)
        result = mr_sql_binary(env, MR_OP_IS_NOT, mr_node_retain(inner), mr_sql_raw(env, boolean(), "true"));
    else result = negated(inner, &tried);
    if (!result && !tried) result = mr_sql_unary(env, MR_OP_NOT, mr_node_retain(inner));
    mr_node_release(x);
    return result;
}

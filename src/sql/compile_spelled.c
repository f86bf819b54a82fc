/*
 * compile_spelled.c: comparisons with values that programs store in several spellings: 13:00 is in one row 13:00:00, in
 * another 13:00:00.000000; true is 1 or 't'.
 *
 * Invariant: a comparison is true of the same rows however the value is spelled in them. Only where a value has more
 * than one spelling is the SQL another than it would be. The number of a value's spellings is part of the statement's
 * key.
 */
#include <moonrow/sql.h>

#include "compiler.h"
#include "key.h"

#include <string.h>

/* The type in which a bind's value is spelled, or NULL: by its own type, else by the kind of its value. */
static const mr_type *own_type(const mr_node *bind) {
    if (mr_type_is_spelled(bind->type)) return bind->type;
    const mr_type *type = bind->name ? NULL : mr_type_natural((mr_kind)bind->u.value.kind);
    return type && mr_type_is_spelled(type) ? type : NULL;
}

static unsigned count_in(const mr_type *type, const mr_node *bind) {
    mr_value all[MR_SPELLINGS];
    return bind->name ? type->rules->spellings : mr_type_spellings(type, &bind->u.value, all);
}

unsigned mr_spelling_count(const mr_node *bind) {
    const mr_type *type = bind->kind == MR_NODE_BIND && !bind->name ? own_type(bind) : NULL;
    return type ? count_in(type, bind) : 1;
}

static const mr_node *unlabelled(const mr_node *node) {
    while (node->kind == MR_NODE_LABEL) node = node->child[0];
    return node;
}

/* Can what is compared hold values as they are stored? A condition is 0 or 1. */
static bool is_stored(const mr_node *x) {
    switch (unlabelled(x)->kind) {
    case MR_NODE_UNARY:
    case MR_NODE_BINARY:
    case MR_NODE_LIST:
    case MR_NODE_BETWEEN:
    case MR_NODE_EXISTS:
    case MR_NODE_LITERAL_SQL:
    case MR_NODE_BIND:
        return false;
    default:
        return true;
    }
}

/* The type in which bind is spelled when it is compared with x, or NULL: it is taken as it is. */
static const mr_type *spelled_type(const mr_node *x, const mr_node *bind) {
    bind = unlabelled(bind);
    if (bind->kind != MR_NODE_BIND || !is_stored(x)) return NULL;
    const mr_type *type = own_type(bind), *other = x->type;
    if (!type && bind->name && mr_type_is_spelled(other)) return other;
    return type && type->rules == other->rules ? type : NULL;
}

static void emit_spelling(mr_compiler *c, const mr_node *bind, const mr_type *type, unsigned spelling) {
    bind = unlabelled(bind);
    mr_emit_param(c, bind, 0);
    if (c->failed) return;
    mr_placed_param *placed = mr_vec_at(&c->out->params, c->out->params.len - 1);
    placed->param.spelling = (uint8_t)spelling;
    placed->param.spelled = type;
}

/* "?, ?, ?": the bind in all its spellings, or an operand of another kind as it is. */
static void emit_all(mr_compiler *c, const mr_node *x, const mr_node *operand) {
    const mr_type *type = spelled_type(x, operand);
    if (!type) {
        mr_compile_operand(c, operand, MR_OP_COMMA);
        return;
    }
    unsigned n = count_in(type, unlabelled(operand));
    for (unsigned i = 0; i < n; i++) {
        if (i) mr_emit(c, ", ");
        emit_spelling(c, operand, type, i + 1);
    }
}

/* ---------------------------------------------------------------- equal and not equal */

static void emit_operand(mr_compiler *c, const mr_node *node, uint32_t start, uint32_t i) {
    mr_seek(c, node, start, i);
    mr_compile_operand(c, node->child[i], MR_OP_IN);
}

/* x IS ? OR x IS ? ..., x IS NOT ? AND ...: a parameter may be NULL, which then is its only spelling. */
static bool compile_is(mr_compiler *c, const mr_node *node) {
    uint32_t start = c->ordinal;
    bool negated = node->op == MR_OP_IS_NOT;
    const mr_type *type = spelled_type(node->child[0], node->child[1]);
    unsigned n = type ? count_in(type, unlabelled(node->child[1])) : 1;
    if (n == 1) return false;
    mr_emit(c, "(");
    for (unsigned i = 0; i < n; i++) {
        if (i) mr_emit(c, negated ? " AND " : " OR ");
        emit_operand(c, node, start, 0);
        mr_emit(c, negated ? " IS NOT " : " IS ");
        mr_seek(c, node, start, 1);
        emit_spelling(c, node->child[1], type, i + 1);
    }
    mr_emit(c, ")");
    return true;
}

/* x = ?, x != ? with a value of several spellings. */
static bool compile_equal(mr_compiler *c, const mr_node *node) {
    uint32_t start = c->ordinal, x = 0, value = 1;
    const mr_type *type = spelled_type(node->child[0], node->child[1]);
    if (!type) {
        x = 1, value = 0;
        type = spelled_type(node->child[1], node->child[0]);
    }
    const mr_node *bind = unlabelled(node->child[value]);
    if (!type || count_in(type, bind) == 1) return false;
    bool negated = node->op == MR_OP_NE;
    mr_emit(c, negated ? "(" : "");
    emit_operand(c, node, start, x);
    mr_emit(c, negated ? " NOT IN (" : " IN (");
    mr_seek(c, node, start, value);
    emit_all(c, node->child[x], bind);
    mr_emit(c, negated ? "))" : ")");
    return true;
}

bool mr_spells(const mr_compiler *c) { return c->dialect->spells && !c->as_written; }

/* Can x be a boolean in a spelling that the database takes for no truth value, as 't'? */
bool mr_is_spelled_boolean(const mr_compiler *c, const mr_node *x) {
    return mr_spells(c) && mr_type_is_boolean(unlabelled(x)->type) && is_stored(x);
}

const char *mr_boolean_words(bool truth) {
    return truth ? " IN (1, '1', 't', 'true')" : " IN (0, '0', 'f', 'false', '')";
}

/* 1, 0 or NULL, however the boolean is spelled. */
static void emit_truth(mr_compiler *c, const mr_node *node, uint32_t start, uint32_t i) {
    mr_seek(c, node, start, i);
    if (mr_is_spelled_boolean(c, node->child[i])) mr_compile_condition(c, node->child[i], MR_AGAINST_ANY);
    else mr_compile_operand(c, node->child[i], MR_AGAINST_ANY);
}

/* A stored boolean beside a condition, or before and after another boolean: as truth values. Two columns are compared
 * as they are stored, so that an index serves. */
static bool compile_truths(mr_compiler *c, const mr_node *node, const char *sign) {
    const mr_node *left = node->child[0], *right = node->child[1];
    bool stored[2] = {mr_is_spelled_boolean(c, left), mr_is_spelled_boolean(c, right)};
    if (stored[0] == stored[1] || !mr_type_is_boolean((stored[0] ? right : left)->type)) return false;
    uint32_t start = c->ordinal;
    emit_truth(c, node, start, 0);
    mr_emit(c, sign);
    emit_truth(c, node, start, 1);
    return true;
}

/* Is node the word true, or false? */
static bool is_word(const mr_node *node, bool *truth) {
    if (node->kind != MR_NODE_LITERAL_SQL) return false;
    *truth = strcmp(node->name, "true") == 0;
    return *truth || strcmp(node->name, "false") == 0;
}

/* x = true, x != false: written out, so that an index serves. */
static bool compile_equal_word(mr_compiler *c, const mr_node *node) {
    uint32_t start = c->ordinal;
    bool truth;
    for (uint32_t i = 0; i < 2; i++) {
        if (!is_word(node->child[1 - i], &truth) || !mr_is_spelled_boolean(c, node->child[i])) continue;
        bool negated = node->op == MR_OP_NE;
        mr_emit(c, "(");
        emit_operand(c, node, start, i);
        if (negated) mr_emit(c, " NOT");
        mr_emit(c, mr_boolean_words(truth));
        mr_emit(c, ")");
        return true;
    }
    return false;
}

/* x IS true: written out. */
static bool compile_is_boolean(mr_compiler *c, const mr_node *node) {
    const mr_node *x = node->child[0], *word = node->child[1];
    bool truth, negated = node->op == MR_OP_IS_NOT;
    if (!is_word(word, &truth) || !mr_is_spelled_boolean(c, x)) return false;
    uint32_t start = c->ordinal;
    mr_emit(c, "(");
    emit_operand(c, node, start, 0);
    mr_emit(c, negated ? " IS NULL OR " : " IS NOT NULL AND ");
    emit_operand(c, node, start, 0);
    if (negated) mr_emit(c, " NOT");
    mr_emit(c, mr_boolean_words(truth));
    mr_emit(c, ")");
    return true;
}

/* ---------------------------------------------------------------- before and after */

static bool is_moment(const mr_type *type) { return type && mr_type_is_moment(type); }

/* From the shortest spelling on the instant has come; with the longest it is over. flipped: the value stands on the
 * left. */
static unsigned limit_of(mr_op op, bool flipped) {
    bool shortest = flipped ? op == MR_OP_LE || op == MR_OP_GT : op == MR_OP_GE || op == MR_OP_LT;
    return shortest ? MR_SPELL_SHORTEST : MR_SPELL_LONGEST;
}

static const char *sign_of(mr_op op) {
    return op == MR_OP_LT ? " < " : op == MR_OP_LE ? " <= " : op == MR_OP_GT ? " > " : " >= ";
}

static bool compile_order(mr_compiler *c, const mr_node *node) {
    mr_op op = (mr_op)node->op;
    uint32_t start = c->ordinal;
    const mr_type *type = spelled_type(node->child[0], node->child[1]);
    bool flipped = !type;
    if (flipped) type = spelled_type(node->child[1], node->child[0]);
    if (!is_moment(type)) return false;
    for (uint32_t i = 0; i < 2; i++) {
        if (i) mr_emit(c, sign_of(op));
        mr_seek(c, node, start, i);
        if ((i == 0) == flipped) emit_spelling(c, node->child[i], type, limit_of(op, flipped));
        else mr_compile_operand(c, node->child[i], op);
    }
    return true;
}

static void between_limit(mr_compiler *c, const mr_node *node, uint32_t i, unsigned spelling) {
    const mr_type *type = spelled_type(node->child[0], node->child[i]);
    if (is_moment(type)) emit_spelling(c, node->child[i], type, spelling);
    else mr_compile_operand(c, node->child[i], MR_OP_AND);
}

/* ? BETWEEN a AND b: the value is another spelling for each end. */
static bool compile_between_columns(mr_compiler *c, const mr_node *node, uint32_t start) {
    const mr_type *type = spelled_type(node->child[1], node->child[0]);
    if (!is_moment(type)) return false;
    mr_emit(c, node->flags & MR_NODE_NEGATED ? "NOT (" : "(");
    for (uint32_t i = 1; i <= 2; i++) {
        mr_seek(c, node, start, 0);
        emit_spelling(c, node->child[0], type, i == 1 ? MR_SPELL_LONGEST : MR_SPELL_SHORTEST);
        mr_emit(c, i == 1 ? " >= " : " <= ");
        emit_operand(c, node, start, i);
        mr_emit(c, i == 1 ? " AND " : ")");
    }
    return true;
}

static bool compile_between(mr_compiler *c, const mr_node *node) {
    uint32_t start = c->ordinal;
    if (!is_stored(node->child[0])) return compile_between_columns(c, node, start);
    emit_operand(c, node, start, 0);
    mr_emit(c, node->flags & MR_NODE_NEGATED ? " NOT BETWEEN " : " BETWEEN ");
    mr_seek(c, node, start, 1);
    between_limit(c, node, 1, MR_SPELL_SHORTEST);
    mr_emit(c, " AND ");
    mr_seek(c, node, start, 2);
    between_limit(c, node, 2, MR_SPELL_LONGEST);
    return true;
}

/* ---------------------------------------------------------------- IN */

/* x IN (a, ?, ...): a list that is written out. */
static bool compile_list(mr_compiler *c, const mr_node *node) {
    const mr_node *list = node->child[1];
    bool negated = node->op == MR_OP_NOT_IN;
    uint32_t start = c->ordinal, at = start + node->child[0]->binds;
    if (negated) mr_emit(c, "(");
    emit_operand(c, node, start, 0);
    mr_emit(c, negated ? " NOT IN (" : " IN (");
    for (uint32_t i = 0; i < list->n; i++) {
        if (i) mr_emit(c, ", ");
        mr_seek(c, list, at, i);
        emit_all(c, node->child[0], list->child[i]);
    }
    mr_emit(c, negated ? "))" : ")");
    return true;
}

static unsigned part_count(const mr_node *x, const mr_node *part) {
    const mr_type *type = spelled_type(x, part);
    return type ? count_in(type, unlabelled(part)) : 1;
}

/* One row of a tuple: of each part the spelling that the number says. */
static void emit_row(mr_compiler *c, const mr_node *left, const mr_node *tuple, uint32_t at, size_t number) {
    mr_emit(c, "(");
    for (uint32_t i = 0; i < tuple->n; i++) {
        const mr_type *type = spelled_type(left->child[i], tuple->child[i]);
        unsigned n = part_count(left->child[i], tuple->child[i]);
        if (i) mr_emit(c, ", ");
        mr_seek(c, tuple, at, i);
        if (type) emit_spelling(c, tuple->child[i], type, (unsigned)(number % n) + 1);
        else mr_compile_operand(c, tuple->child[i], MR_OP_COMMA);
        number /= n;
    }
    mr_emit(c, ")");
}

void mr_compile_rows(mr_compiler *c, const mr_node *left, const mr_node *list) {
    enum { MAX_ROWS = 4096 };
    uint32_t start = c->ordinal;
    for (uint32_t t = 0; t < list->n && !c->failed; t++) {
        const mr_node *tuple = list->child[t];
        size_t rows = 1;
        for (uint32_t i = 0; i < tuple->n && rows < MAX_ROWS; i++) rows *= part_count(left->child[i], tuple->child[i]);
        if (rows >= MAX_ROWS) mr_compile_fail(c, "a tuple has too many dates and booleans to compare with");
        for (size_t row = 0; row < rows && !c->failed; row++) {
            if (t || row) mr_emit(c, ", ");
            mr_seek(c, list, start, t);
            emit_row(c, left, tuple, c->ordinal, row);
        }
    }
}

/* ---------------------------------------------------------------- all */

bool mr_compile_spelled(mr_compiler *c, const mr_node *node) {
    if (!mr_spells(c)) return false;
    if (node->kind == MR_NODE_BETWEEN) return compile_between(c, node);
    switch ((mr_op)node->op) {
    case MR_OP_EQ:
    case MR_OP_NE:
        return compile_equal(c, node) || compile_equal_word(c, node) ||
               compile_truths(c, node, node->op == MR_OP_EQ ? " = " : " != ");
    case MR_OP_IS:
    case MR_OP_IS_NOT:
        return compile_is_boolean(c, node) || compile_is(c, node);
    case MR_OP_LT:
    case MR_OP_LE:
    case MR_OP_GT:
    case MR_OP_GE:
        return compile_order(c, node) || compile_truths(c, node, sign_of((mr_op)node->op));
    case MR_OP_IN:
    case MR_OP_NOT_IN:
        if (node->child[0]->kind == MR_NODE_TUPLE || node->child[1]->kind != MR_NODE_LIST ||
            node->child[1]->op != MR_OP_COMMA)
            return false;
        return compile_list(c, node);
    default:
        return false;
    }
}

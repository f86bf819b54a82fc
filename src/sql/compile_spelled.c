/*
 * compile_spelled.c: comparisons with values that programs store in several spellings: one row has 13:00:00, another
 * 13:00:00.000000 for the same time; true is 1 or 't'.
 *
 * Invariant: a comparison finds the same rows, whatever the spelling of the value in them is. The SQL differs from a
 * plain comparison only when the value has more than one spelling. The number of spellings is part of the statement's
 * key.
 */
#include <moonrow/sql.h>

#include "compiler.h"
#include "key.h"

#include <string.h>

/* The type whose spellings a bind's value has, or NULL: the bind's type, or else the type of its kind of value. */
static const mr_type *own_type(const mr_node *bind, const mr_type *known) {
    if (mr_type_is_spelled(known)) return known;
    const mr_type *type = bind->name ? NULL : mr_type_natural((mr_kind)bind->u.value.kind);
    return type && mr_type_is_spelled(type) ? type : NULL;
}

/* The number of the bind's spellings: of a named one, whose value is not known yet, the largest. */
static unsigned count_in(const mr_type *type, const mr_node *bind) {
    mr_value all[MR_SPELLINGS];
    return bind->name ? type->rules->spellings : mr_type_spellings(type, &bind->u.value, all);
}

unsigned mr_spelling_count(const mr_node *bind) {
    if (bind->kind != MR_NODE_BIND || bind->name) return 1;
    const mr_type *type = own_type(bind, bind->type);
    unsigned n = type ? count_in(type, bind) : 1;
    for (const mr_variant *v = bind->type->variants; v; v = v->next) { /* the same statement in each dialect */
        type = own_type(bind, v->type);
        n = n * (MR_SPELLINGS + 1) + (type ? count_in(type, bind) : 1);
    }
    return n;
}

/* Can the expression return a stored value, in any spelling? A condition cannot: it is 0 or 1. */
static bool is_stored(const mr_node *x) {
    switch (mr_unlabelled(x)->kind) {
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

/* The type whose spellings bind has in a comparison with x; NULL: only the value itself is compared. */
static const mr_type *spelled_type(const mr_compiler *c, const mr_node *x, const mr_node *bind) {
    bind = mr_unlabelled(bind);
    if (bind->kind != MR_NODE_BIND || !is_stored(x)) return NULL;
    const mr_type *type = own_type(bind, mr_typed(c, bind)), *other = mr_typed(c, x);
    if (mr_form_for(c, bind, x)) return mr_type_is_spelled(other) ? other : NULL;
    if (!type && bind->name && mr_type_is_spelled(other)) return other;
    return type && type->rules == other->rules ? type : NULL;
}

static void emit_spelling(mr_compiler *c, const mr_node *bind, const mr_type *type, unsigned spelling) {
    bind = mr_unlabelled(bind);
    mr_emit_param(c, bind, 0);
    if (c->failed) return;
    mr_placed_param *placed = mr_vec_at(&c->out->params, c->out->params.len - 1);
    placed->param.spelling = (uint8_t)spelling;
    placed->param.spelled = type;
}

/* Writes a bind in all its spellings, "?, ?, ?"; another operand is written as it is. */
static void emit_all(mr_compiler *c, const mr_node *x, const mr_node *operand) {
    const mr_type *type = spelled_type(c, x, operand);
    if (!type) {
        mr_compile_compared(c, operand, x, MR_OP_COMMA);
        return;
    }
    unsigned n = count_in(type, mr_unlabelled(operand));
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

static bool says_not(const mr_node *is) { return is->op == MR_OP_IS_NOT || is->op == MR_OP_IS_DISTINCT; }

/* Writes x IS ? OR x IS ? ..., or x IS NOT ? AND ... (a value may be NULL, which has only one spelling). */
static bool compile_is(mr_compiler *c, const mr_node *node) {
    uint32_t start = c->ordinal;
    bool negated = says_not(node);
    const mr_type *type = spelled_type(c, node->child[0], node->child[1]);
    unsigned n = type ? count_in(type, mr_unlabelled(node->child[1])) : 1;
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

/* Writes x = ? and x != ? for a value with several spellings. */
static bool compile_equal(mr_compiler *c, const mr_node *node) {
    uint32_t start = c->ordinal, x = 0, value = 1;
    const mr_type *type = spelled_type(c, node->child[0], node->child[1]);
    if (!type) {
        x = 1, value = 0;
        type = spelled_type(c, node->child[1], node->child[0]);
    }
    const mr_node *bind = mr_unlabelled(node->child[value]);
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

/* Can x be a boolean in a spelling that the database does not read as a truth value, such as 't'? */
bool mr_is_spelled_boolean(const mr_compiler *c, const mr_node *x) {
    const mr_type *type = mr_typed(c, mr_unlabelled(x));
    return mr_type_is_boolean(type) && (mr_spells(c) || type->forms) && is_stored(x);
}

/* The text " = 'Y'" for the word Y. Kept as long as the environment. */
static const char *equals_word(mr_compiler *c, const mr_value *word) {
    char text[64] = " = '";
    size_t len = strlen(text);
    for (uint32_t i = 0; i < word->len && len + 4 < sizeof text; i++) {
        if (word->u.s[i] == '\'') text[len++] = '\'';
        text[len++] = word->u.s[i];
    }
    text[len++] = '\'';
    const char *kept = mr_intern(c->env, text, len);
    if (!kept) c->failed = true;
    return kept ? kept : "";
}

const char *mr_boolean_words(mr_compiler *c, const mr_node *x, bool truth) {
    const mr_type *type = mr_typed(c, mr_unlabelled(x));
    if (type->forms) return equals_word(c, &type->forms[truth]);
    return truth ? " IN (1, '1', 't', 'true')" : " IN (0, '0', 'f', 'false', '')";
}

/* The text of mr_boolean_words, or its negation: " NOT IN (1, ...)", " = 'N'". */
static const char *negated_words(mr_compiler *c, const mr_node *x, bool truth, bool negated) {
    if (negated && mr_typed(c, mr_unlabelled(x))->forms) return mr_boolean_words(c, x, !truth);
    if (negated) mr_emit(c, " NOT");
    return mr_boolean_words(c, x, truth);
}

static void emit_word(mr_compiler *c, const mr_type *type, bool truth) {
    mr_emit(c, equals_word(c, &type->forms[truth]) + strlen(" = "));
}

bool mr_compile_worded(mr_compiler *c, const mr_type *type, const mr_node *x) {
    x = mr_unlabelled(x);
    const mr_type *is = x->type ? mr_typed(c, x) : NULL;
    bool word = x->kind == MR_NODE_LITERAL_SQL && strcmp(x->name, "NULL") != 0;
    if (!mr_type_is_boolean(type) || !type->forms || !is || !mr_type_is_boolean(is)) return false;
    if (x->kind == MR_NODE_BIND || (!word && x->kind == MR_NODE_LITERAL_SQL)) return false;
    if (is_stored(x) && mr_type_same_form(is, type)) return false;
    mr_emit(c, "CASE ");
    mr_compile_condition(c, x, MR_AGAINST_ANY);
    mr_emit(c, c->dialect->true_literals ? " WHEN true THEN " : " WHEN 1 THEN ");
    emit_word(c, type, true);
    mr_emit(c, c->dialect->true_literals ? " WHEN false THEN " : " WHEN 0 THEN ");
    emit_word(c, type, false);
    mr_emit(c, " END");
    return true;
}

void mr_compile_factor(mr_compiler *c, const mr_node *x, mr_op against) {
    if (!c->dialect->true_literals && mr_is_spelled_boolean(c, x)) mr_compile_condition(c, x, against);
    else mr_compile_operand(c, x, against);
}

/* Writes a boolean of any spelling as 1, 0 or NULL. */
static void emit_truth(mr_compiler *c, const mr_node *node, uint32_t start, uint32_t i) {
    mr_seek(c, node, start, i);
    if (mr_is_spelled_boolean(c, node->child[i])) mr_compile_condition(c, node->child[i], MR_AGAINST_ANY);
    else mr_compile_operand(c, node->child[i], MR_AGAINST_ANY);
}

/* Writes the comparison of a stored boolean with a condition, or an order comparison of two booleans, as a comparison
 * of truth values. Two columns are compared for equality as they are stored, so that an index can be used. */
static bool compile_truths(mr_compiler *c, const mr_node *node, const char *sign) {
    const mr_node *left = node->child[0], *right = node->child[1];
    bool stored[2] = {mr_is_spelled_boolean(c, left), mr_is_spelled_boolean(c, right)};
    if (stored[0] == stored[1] || !mr_type_is_boolean(mr_typed(c, stored[0] ? right : left))) return false;
    /* A bind is sent as the column's word. */
    if (mr_typed(c, stored[0] ? left : right)->forms && mr_unlabelled(stored[0] ? right : left)->kind == MR_NODE_BIND)
        return false;
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

/* Writes x = true and x != false with all spellings in the SQL, so that an index can be used. */
static bool compile_equal_word(mr_compiler *c, const mr_node *node) {
    uint32_t start = c->ordinal;
    bool truth;
    for (uint32_t i = 0; i < 2; i++) {
        if (!is_word(node->child[1 - i], &truth) || !mr_is_spelled_boolean(c, node->child[i])) continue;
        bool negated = node->op == MR_OP_NE;
        mr_emit(c, "(");
        emit_operand(c, node, start, i);
        mr_emit(c, negated_words(c, node->child[i], truth, negated));
        mr_emit(c, ")");
        return true;
    }
    return false;
}

/* Writes x IS true in the same way. */
static bool compile_is_boolean(mr_compiler *c, const mr_node *node) {
    const mr_node *x = node->child[0], *word = node->child[1];
    bool truth, negated = says_not(node);
    if (!is_word(word, &truth) || !mr_is_spelled_boolean(c, x)) return false;
    uint32_t start = c->ordinal;
    mr_emit(c, "(");
    emit_operand(c, node, start, 0);
    mr_emit(c, negated ? " IS NULL OR " : " IS NOT NULL AND ");
    emit_operand(c, node, start, 0);
    mr_emit(c, negated_words(c, x, truth, negated));
    mr_emit(c, ")");
    return true;
}

/* ---------------------------------------------------------------- before and after */

static bool is_moment(const mr_type *type) { return type && mr_type_is_moment(type); }

/* Which spelling stands for the value in <, <=, > and >=: texts from the shortest spelling to the longest are the same
 * instant. flipped: the value stands on the left. */
static unsigned limit_of(mr_op op, bool flipped) {
    bool shortest = flipped ? op == MR_OP_LE || op == MR_OP_GT : op == MR_OP_GE || op == MR_OP_LT;
    return shortest ? MR_SPELL_SHORTEST : MR_SPELL_LONGEST;
}

static const char *sign_of(mr_op op) {
    return op == MR_OP_LT ? " < " : op == MR_OP_LE ? " <= " : op == MR_OP_GT ? " > " : " >= ";
}

void mr_check_order(mr_compiler *c, const mr_type *type) {
    char name[MR_TYPE_NAME];
    if (!type || !type->rules->unordered) return;
    if (mr_type_is_json(type))
        mr_compile_fail(c, "%s has no order: a value in it has one, x:at(...)", mr_type_name(type, name));
    else
        mr_compile_fail(c, "%s has no order in the database: store it as a number, or compare in Lua",
                        mr_type_name(type, name));
}

void mr_check_sorted(mr_compiler *c, const mr_node *term) {
    while (term->kind == MR_NODE_LABEL || (term->kind == MR_NODE_UNARY && term->n == 1)) term = term->child[0];
    if (term->type && !mr_type_sorts(mr_typed(c, term))) mr_check_order(c, mr_typed(c, term));
}

/* The Enum as whose choice the bind is compared with x, if its choices sort by their forms; else NULL. */
static const mr_type *choices_of(const mr_compiler *c, const mr_node *x, const mr_node *bind) {
    const mr_type *type = mr_typed(c, mr_unlabelled(x));
    bind = mr_unlabelled(bind);
    if (!type || !type->choices || !type->forms || bind->kind != MR_NODE_BIND || !mr_type_sorts(type)) return NULL;
    return mr_typed(c, bind) == type || mr_form_for(c, bind, x) ? type : NULL;
}

/* Writes operand i of the node: a bind that stands beside x as the place of a choice. */
static void emit_choice(mr_compiler *c, const mr_node *node, uint32_t i, const mr_node *x, mr_op op) {
    const mr_type *type = choices_of(c, x, node->child[i]);
    if (type) emit_spelling(c, node->child[i], type, MR_SPELL_SHORTEST);
    else mr_compile_compared(c, node->child[i], x, op);
}

/* Writes x < ?, or x BETWEEN ? AND ?, where x is an Enum by its position. */
static bool compile_choices(mr_compiler *c, const mr_node *node) {
    const mr_node *a = node->child[0], *b = node->child[1];
    const bool between = node->kind == MR_NODE_BETWEEN;
    const mr_op op = between ? MR_OP_AND : (mr_op)node->op;
    uint32_t start = c->ordinal;
    if (!choices_of(c, a, b) && !choices_of(c, between ? a : b, between ? node->child[2] : a)) return false;
    mr_seek(c, node, start, 0);
    emit_choice(c, node, 0, b, op);
    if (between) mr_emit(c, node->flags & MR_NODE_NEGATED ? " NOT BETWEEN " : " BETWEEN ");
    else mr_emit(c, sign_of(op));
    mr_seek(c, node, start, 1);
    emit_choice(c, node, 1, a, op);
    if (!between) return true;
    mr_emit(c, " AND ");
    mr_seek(c, node, start, 2);
    emit_choice(c, node, 2, a, op);
    return true;
}

static void check_sorted_operands(mr_compiler *c, const mr_node *node) {
    for (uint32_t i = 0; i < (node->kind == MR_NODE_BETWEEN ? 1 : 2); i++) {
        const mr_type *type = mr_typed(c, node->child[i]);
        if (type && !mr_type_sorts(type)) mr_check_order(c, type);
    }
}

static bool compile_order(mr_compiler *c, const mr_node *node) {
    mr_op op = (mr_op)node->op;
    uint32_t start = c->ordinal;
    const mr_type *type = spelled_type(c, node->child[0], node->child[1]);
    bool flipped = !type;
    if (flipped) type = spelled_type(c, node->child[1], node->child[0]);
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
    const mr_type *type = spelled_type(c, node->child[0], node->child[i]);
    if (is_moment(type)) emit_spelling(c, node->child[i], type, spelling);
    else mr_compile_compared(c, node->child[i], node->child[0], MR_OP_AND);
}

/* Writes ? BETWEEN a AND b: each end needs another spelling of the value. */
static bool compile_between_columns(mr_compiler *c, const mr_node *node, uint32_t start) {
    const mr_type *type = spelled_type(c, node->child[1], node->child[0]);
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

/* Writes x IN (a, ?, ...), a list of expressions. */
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

static unsigned part_count(const mr_compiler *c, const mr_node *x, const mr_node *part) {
    const mr_type *type = spelled_type(c, x, part);
    return type ? count_in(type, mr_unlabelled(part)) : 1;
}

/* Writes one row of a tuple: number selects a spelling of each part. */
static void emit_row(mr_compiler *c, const mr_node *left, const mr_node *tuple, uint32_t at, size_t number) {
    mr_emit(c, "(");
    for (uint32_t i = 0; i < tuple->n; i++) {
        const mr_type *type = spelled_type(c, left->child[i], tuple->child[i]);
        unsigned n = part_count(c, left->child[i], tuple->child[i]);
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
        for (uint32_t i = 0; i < tuple->n && rows < MAX_ROWS; i++)
            rows *= part_count(c, left->child[i], tuple->child[i]);
        if (rows >= MAX_ROWS) mr_compile_fail(c, "a tuple has too many dates and booleans to compare with");
        for (size_t row = 0; row < rows && !c->failed; row++) {
            if (t || row) mr_emit(c, ", ");
            mr_seek(c, list, start, t);
            emit_row(c, left, tuple, c->ordinal, row);
        }
    }
}

/* ---------------------------------------------------------------- all comparisons */

static bool is_order(const mr_node *node) {
    return node->kind == MR_NODE_BETWEEN || node->op == MR_OP_LT || node->op == MR_OP_LE || node->op == MR_OP_GT ||
           node->op == MR_OP_GE;
}

/* Writes the comparison of a boolean that is stored as a word with a truth value, in a database that has these. */
static bool compile_word(mr_compiler *c, const mr_node *node) {
    switch ((mr_op)node->op) {
    case MR_OP_EQ:
        return compile_truths(c, node, " = ");
    case MR_OP_NE:
        return compile_truths(c, node, " != ");
    case MR_OP_LT:
    case MR_OP_LE:
    case MR_OP_GT:
    case MR_OP_GE:
        return compile_truths(c, node, sign_of((mr_op)node->op));
    case MR_OP_IS:
    case MR_OP_IS_NOT:
    case MR_OP_IS_DISTINCT:
    case MR_OP_IS_NOT_DISTINCT:
        return compile_is_boolean(c, node);
    default:
        return false;
    }
}

bool mr_compile_spelled(mr_compiler *c, const mr_node *node) {
    if (is_order(node)) {
        check_sorted_operands(c, node);
        if (compile_choices(c, node)) return true;
    }
    if (!mr_spells(c)) return node->kind == MR_NODE_BINARY && compile_word(c, node);
    if (node->kind == MR_NODE_BETWEEN) return compile_between(c, node);
    switch ((mr_op)node->op) {
    case MR_OP_EQ:
    case MR_OP_NE:
        return compile_equal(c, node) || compile_equal_word(c, node) ||
               compile_truths(c, node, node->op == MR_OP_EQ ? " = " : " != ");
    case MR_OP_IS:
    case MR_OP_IS_NOT:
    case MR_OP_IS_DISTINCT:
    case MR_OP_IS_NOT_DISTINCT:
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

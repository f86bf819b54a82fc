/*
 * parser.c: the grammar of criteria. Lua's: from the weakest to the strongest, `or`; `and`; comparisons and `in`; `..`
 * (right to left); `+ -`; `* / // %`; `not # -`.
 *
 * Invariant: recursion is limited by MR_CRITERIA_DEPTH, in nested texts, too. One text is read in one pass: each part
 * is checked when it is complete.
 */
#include "parser.h"

static mr_term *parse_or(mr_parser *p);

/* ---------------------------------------------------------------- terms */

static mr_term *name_or_call(mr_parser *p) {
    enum { MOST = 32 };
    mr_lexeme names[MOST];
    unsigned n = 0;
    names[n++] = p->now;
    if (mr_lex(p) != MR_OK) return NULL;
    if (p->now.token == MR_TOKEN_OPEN) return mr_parse_quantified(p, &names[0]);
    while (p->now.token == MR_TOKEN_DOT) {
        if (mr_lex(p) != MR_OK) return NULL;
        if (p->now.token != MR_TOKEN_NAME) return mr_parse_unexpected(p, "a name");
        if (n == MOST) return mr_parse_refuse(p, &p->now, "the path is too long");
        names[n++] = p->now;
        if (mr_lex(p) != MR_OK) return NULL;
    }
    return mr_names_resolve(p, names, n);
}

static mr_term *parenthesized(mr_parser *p) {
    if (!mr_parse_enter(p) || mr_lex(p) != MR_OK) return NULL;
    mr_term *t = parse_or(p);
    if (!t || !mr_parse_expect(p, MR_TOKEN_CLOSE, ")")) return NULL;
    t->grouped = true;
    return mr_parse_leave(p, t);
}

static mr_term *primary(mr_parser *p) {
    switch (p->now.token) {
    case MR_TOKEN_NAME:
        return name_or_call(p);
    case MR_TOKEN_PARAMETER:
        return mr_parse_parameter(p);
    case MR_TOKEN_STRING:
        return mr_parse_constant(p, &p->now, p->now.value, MR_CRITERIA_TEXT);
    case MR_TOKEN_NUMBER:
        return mr_parse_constant(p, &p->now, p->now.value, MR_CRITERIA_NUMBER);
    case MR_TOKEN_TRUE:
        return mr_parse_constant(p, &p->now, mr_bool_value(true), MR_CRITERIA_BOOLEAN);
    case MR_TOKEN_FALSE:
        return mr_parse_constant(p, &p->now, mr_bool_value(false), MR_CRITERIA_BOOLEAN);
    case MR_TOKEN_NIL:
        return mr_parse_constant(p, &p->now, mr_null_value(), MR_CRITERIA_NIL);
    case MR_TOKEN_OPEN:
        return parenthesized(p);
    default:
        return mr_parse_unexpected(p, "an attribute or a value");
    }
}

static mr_term *postfix(mr_parser *p) {
    mr_term *t = primary(p);
    while (t && p->now.token == MR_TOKEN_COLON) t = mr_lex(p) == MR_OK ? mr_parse_method(p, t) : NULL;
    return t;
}

static mr_term *parse_unary(mr_parser *p) {
    const mr_lexeme x = p->now;
    if (x.token != MR_TOKEN_NOT && x.token != MR_TOKEN_SUB && x.token != MR_TOKEN_LENGTH) return postfix(p);
    if (!mr_parse_enter(p) || mr_lex(p) != MR_OK) return NULL;
    mr_term *inner = parse_unary(p), *t = NULL;
    if (!inner) return NULL;
    if (x.token == MR_TOKEN_SUB) t = mr_check_negative(p, x.at, inner);
    else if (x.token == MR_TOKEN_LENGTH) t = mr_parse_function(p, MR_TERM_LENGTH, x.at, inner->until, inner, "#");
    else if (inner->group != MR_CRITERIA_CONDITION && p->now.token >= MR_TOKEN_IN && p->now.token <= MR_TOKEN_CONCAT)
        return mr_refuse_term(p, inner, "not binds tighter than what follows: write not (x == y)");
    else if ((inner = mr_check_condition(p, inner)) != NULL)
        t = mr_term_new(p, MR_TERM_NOT, x.at, inner->until, &inner, 1);
    return mr_parse_leave(p, t);
}

/* ---------------------------------------------------------------- operators */

static mr_term *multiplicative(mr_parser *p) {
    mr_term *left = parse_unary(p);
    while (left) {
        mr_token token = p->now.token;
        if (token != MR_TOKEN_MUL && token != MR_TOKEN_DIV && token != MR_TOKEN_FLOOR_DIV && token != MR_TOKEN_MOD)
            break;
        mr_op op = token == MR_TOKEN_MUL ? MR_OP_MUL : token == MR_TOKEN_MOD ? MR_OP_MOD : MR_OP_DIV;
        if (mr_lex(p) != MR_OK) return NULL;
        left = mr_check_arithmetic(p, op, token == MR_TOKEN_FLOOR_DIV || op == MR_OP_MOD, left, parse_unary(p));
    }
    return left;
}

static mr_term *additive(mr_parser *p) {
    mr_term *left = multiplicative(p);
    while (left && (p->now.token == MR_TOKEN_ADD || p->now.token == MR_TOKEN_SUB)) {
        mr_op op = p->now.token == MR_TOKEN_ADD ? MR_OP_ADD : MR_OP_SUB;
        if (mr_lex(p) != MR_OK) return NULL;
        left = mr_check_arithmetic(p, op, false, left, multiplicative(p));
    }
    return left;
}

/* a .. b .. c is one term of several parts. */
static mr_term *concatenation(mr_parser *p) {
    mr_term *first = additive(p), *made = NULL;
    if (!first || p->now.token != MR_TOKEN_CONCAT) return first;
    mr_vec parts;
    mr_vec_init(&parts, p->env, sizeof(mr_term *));
    mr_term *part = mr_check_text(p, "..", first);
    uint32_t until = first->until;
    while (part && mr_vec_push_ptr(&parts, part) == MR_OK) {
        until = part->until;
        if (p->now.token != MR_TOKEN_CONCAT) {
            made = mr_term_new(p, MR_TERM_CONCAT, first->at, until, (mr_term *const *)parts.data, (uint32_t)parts.len);
            break;
        }
        part = mr_lex(p) == MR_OK ? mr_check_text(p, "..", additive(p)) : NULL;
    }
    mr_vec_done(&parts);
    if (made) made->group = MR_CRITERIA_TEXT;
    return made;
}

static bool is_comparison(mr_token t) { return t >= MR_TOKEN_EQ && t <= MR_TOKEN_GE; }

static mr_term *membership(mr_parser *p, mr_term *left) {
    if (mr_lex(p) != MR_OK) return NULL;
    mr_term *list = p->now.token == MR_TOKEN_OPEN_LIST   ? mr_parse_list(p)
                    : p->now.token == MR_TOKEN_PARAMETER ? mr_parse_parameter(p)
                                                         : mr_parse_unexpected(p, "a list: $list, or { 1, 2 }");
    return mr_check_in(p, MR_OP_IN, false, left, list);
}

static mr_term *comparison(mr_parser *p) {
    static const mr_op ops[] = {MR_OP_EQ, MR_OP_NE, MR_OP_LT, MR_OP_LE, MR_OP_GT, MR_OP_GE};
    mr_term *left = concatenation(p);
    if (!left) return NULL;
    mr_token token = p->now.token;
    if (token == MR_TOKEN_NOT)
        return mr_parse_refuse(p, &p->now, "not stands before a condition: write not (x in { 1, 2 })");
    if (token == MR_TOKEN_IN) left = membership(p, left);
    else if (is_comparison(token)) {
        if (mr_lex(p) != MR_OK) return NULL;
        left = mr_check_compare(p, ops[token - MR_TOKEN_EQ], false, left, concatenation(p));
    }
    if (left && (is_comparison(token) || token == MR_TOKEN_IN) &&
        (is_comparison(p->now.token) || p->now.token == MR_TOKEN_IN))
        return mr_parse_refuse(p, &p->now, "comparisons are not chained: write a < b and b < c");
    if (left && p->now.token == MR_TOKEN_FOREIGN) return mr_parse_unexpected(p, "an operator");
    return left;
}

/* Operands of one operator, joined into one term of several parts. */
static mr_term *joined(mr_parser *p, mr_token token, mr_term_kind kind, mr_term *(*operand)(mr_parser *p)) {
    mr_term *first = operand(p), *made = NULL;
    if (!first || p->now.token != token) return first;
    mr_vec parts;
    mr_vec_init(&parts, p->env, sizeof(mr_term *));
    mr_term *part = mr_check_condition(p, first);
    while (part && mr_vec_push_ptr(&parts, part) == MR_OK) {
        if (p->now.token != token) {
            made = mr_term_new(p, kind, first->at, part->until, (mr_term *const *)parts.data, (uint32_t)parts.len);
            break;
        }
        part = mr_lex(p) == MR_OK ? mr_check_condition(p, operand(p)) : NULL;
    }
    mr_vec_done(&parts);
    return made;
}

static mr_term *parse_and(mr_parser *p) { return joined(p, MR_TOKEN_AND, MR_TERM_AND, comparison); }
static mr_term *parse_or(mr_parser *p) { return joined(p, MR_TOKEN_OR, MR_TERM_OR, parse_and); }

/* ---------------------------------------------------------------- the whole */

mr_status mr_criteria_parse(mr_criteria *c, const mr_criteria_limits *limits) {
    mr_parser p = {.env = c->env,
                   .made = c,
                   .limits = limits,
                   .scope = c->scope,
                   .most = MR_CRITERIA_PARTS,
                   .condition = parse_or,
                   .operand = parse_unary};
    if (limits && limits->parts && limits->parts < p.most) p.most = limits->parts;
    if (mr_lex(&p) != MR_OK) return MR_FAIL;
    if (p.now.token == MR_TOKEN_END) {
        return mr_criteria_fail(c->env, c->scope, 0, 1, "the text is empty");
    }
    mr_term *t = parse_or(&p);
    if (t && p.now.token != MR_TOKEN_END) t = mr_parse_unexpected(&p, "an operator, or the end");
    c->root = mr_check_condition(&p, t);
    c->parts = p.parts;
    if (!c->root || mr_parse_nesting(c) != MR_OK) return MR_FAIL;
    return mr_parse_equals(c);
}

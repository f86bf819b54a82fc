/*
 * method.c: the methods of values: x:like "J%", x:in_ { 1, 2 }.
 *
 * Invariant: a method is what an operator, or the query builder's method of the name, is.
 */
#include <string.h>

#include "parser.h"

typedef enum form { FORM_COMPARE, FORM_LIKE, FORM_IN, FORM_BETWEEN, FORM_TEXT } form;

typedef struct method {
    const char *name;
    form form;
    mr_op op;
    unsigned flags; /* LIKE: where wildcards stand; TEXT: the kind of the term */
} method;

enum { EXACTLY = MR_MATCH_TEXT, BEFORE = MR_MATCH_BEFORE, AFTER = MR_MATCH_AFTER };

static const method methods[] = {{"eq", FORM_COMPARE, MR_OP_EQ, 0},
                                 {"ne", FORM_COMPARE, MR_OP_NE, 0},
                                 {"lt", FORM_COMPARE, MR_OP_LT, 0},
                                 {"le", FORM_COMPARE, MR_OP_LE, 0},
                                 {"gt", FORM_COMPARE, MR_OP_GT, 0},
                                 {"ge", FORM_COMPARE, MR_OP_GE, 0},
                                 {"between", FORM_BETWEEN, MR_OP_NONE, 0},
                                 {"in_", FORM_IN, MR_OP_IN, 0},
                                 {"not_in", FORM_IN, MR_OP_NOT_IN, 0},
                                 {"like", FORM_LIKE, MR_OP_LIKE, 0},
                                 {"not_like", FORM_LIKE, MR_OP_NOT_LIKE, 0},
                                 {"ilike", FORM_LIKE, MR_OP_ILIKE, 0},
                                 {"not_ilike", FORM_LIKE, MR_OP_NOT_ILIKE, 0},
                                 {"startswith", FORM_LIKE, MR_OP_LIKE, EXACTLY | AFTER},
                                 {"endswith", FORM_LIKE, MR_OP_LIKE, EXACTLY | BEFORE},
                                 {"contains", FORM_LIKE, MR_OP_LIKE, EXACTLY | BEFORE | AFTER},
                                 {"istartswith", FORM_LIKE, MR_OP_ILIKE, EXACTLY | AFTER},
                                 {"iendswith", FORM_LIKE, MR_OP_ILIKE, EXACTLY | BEFORE},
                                 {"icontains", FORM_LIKE, MR_OP_ILIKE, EXACTLY | BEFORE | AFTER},
                                 {"lower", FORM_TEXT, MR_OP_NONE, MR_TERM_LOWER},
                                 {"upper", FORM_TEXT, MR_OP_NONE, MR_TERM_UPPER},
                                 {"len", FORM_TEXT, MR_OP_NONE, MR_TERM_LENGTH},
                                 {NULL, FORM_TEXT, MR_OP_NONE, 0}};

static const char *next_method(void *ud, size_t i) { return ((const method *)ud)[i].name; }

bool mr_parse_is_method(const char *name) {
    for (const method *m = methods; m->name; m++)
        if (strcmp(m->name, name) == 0) return true;
    return false;
}

mr_term *mr_parse_function(mr_parser *p, mr_term_kind kind, uint32_t at, uint32_t until, mr_term *x, const char *what) {
    if (!(x = mr_check_text(p, what, x))) return NULL;
    mr_term *t = mr_term_new(p, kind, at, until, &x, 1);
    if (!t) return NULL;
    t->group = kind == MR_TERM_LENGTH ? MR_CRITERIA_NUMBER : MR_CRITERIA_TEXT;
    return t;
}

/* Reads the arguments of a method: (a, b), or one literal or parameter without parentheses. Returns how many; -1:
 * failed. */
static int arguments(mr_parser *p, mr_term **out, int most, uint32_t *until) {
    const mr_token token = p->now.token;
    if (token == MR_TOKEN_STRING || token == MR_TOKEN_OPEN_LIST || token == MR_TOKEN_PARAMETER) {
        *until = p->now.until;
        if (most == 0) (void)mr_parse_unexpected(p, "()");
        if (most == 0) return -1;
        out[0] = token == MR_TOKEN_PARAMETER ? mr_parse_parameter(p)
                 : token == MR_TOKEN_STRING  ? mr_parse_constant(p, &p->now, p->now.value, MR_CRITERIA_TEXT)
                                             : mr_parse_list(p);
        return out[0] ? 1 : -1;
    }
    if (!mr_parse_expect(p, MR_TOKEN_OPEN, "( and the method's arguments")) return -1;
    int n = 0;
    while (p->now.token != MR_TOKEN_CLOSE) {
        if (n == most) (void)mr_parse_unexpected(p, ")");
        if (n == most) return -1;
        out[n] = p->now.token == MR_TOKEN_OPEN_LIST ? mr_parse_list(p) : p->condition(p);
        if (!out[n++]) return -1;
        if (p->now.token != MR_TOKEN_COMMA) break;
        if (mr_lex(p) != MR_OK) return -1;
    }
    *until = p->now.until;
    return mr_parse_expect(p, MR_TOKEN_CLOSE, ")") ? n : -1;
}

static mr_term *pattern(mr_parser *p, const method *m, const mr_lexeme *name, mr_term *x, mr_term *given,
                        uint32_t until) {
    mr_term *const sides[2] = {mr_check_text(p, name->name, x), mr_check_text(p, name->name, given)};
    mr_term *t = mr_term_new(p, MR_TERM_LIKE, x->at, until, sides, sides[0] ? 2 : 1);
    if (!t) return NULL;
    if (m->flags && sides[1]->kind != MR_TERM_CONSTANT && sides[1]->kind != MR_TERM_PARAMETER)
        return mr_refuse_term(p, sides[1], "%s takes a string, or a parameter", name->name);
    t->op = (uint8_t)m->op;
    t->matches = (uint8_t)m->flags;
    return t;
}

static mr_term *apply(mr_parser *p, const method *m, const mr_lexeme *name, mr_term *x, mr_term **given,
                      uint32_t until) {
    mr_term *t = NULL;
    switch (m->form) {
    case FORM_COMPARE:
        t = mr_check_compare(p, m->op, true, x, given[0]);
        break;
    case FORM_BETWEEN:
        t = mr_check_between(p, x, given[0], given[1]);
        break;
    case FORM_IN:
        if (given[0]->kind != MR_TERM_VALUES && given[0]->kind != MR_TERM_PARAMETER)
            return mr_refuse_term(p, given[0], "%s takes a list: { 1, 2 }, or $list", name->name);
        t = mr_check_in(p, m->op, true, x, given[0]);
        break;
    case FORM_LIKE:
        t = pattern(p, m, name, x, given[0], until);
        break;
    case FORM_TEXT:
        return mr_parse_function(p, (mr_term_kind)m->flags, x->at, until, x, name->name);
    }
    if (t) t->until = until;
    return t;
}

mr_term *mr_parse_method(mr_parser *p, mr_term *x) {
    mr_lexeme name = p->now;
    mr_term *given[2] = {NULL, NULL};
    uint32_t until = 0;
    if (name.token != MR_TOKEN_NAME && name.token != MR_TOKEN_IN) return mr_parse_unexpected(p, "the name of a method");
    const method *m = methods;
    while (m->name && strcmp(m->name, name.token == MR_TOKEN_IN ? "in" : name.name) != 0) m++;
    if (!m->name) {
        (void)mr_criteria_fail(p->env, p->scope, name.at, name.until, "there is no method '%s'%s", name.name,
                               mr_hint(p->env, mr_nearest(name.name, next_method, (void *)(uintptr_t)methods)));
        return NULL;
    }
    int wanted = m->form == FORM_TEXT ? 0 : m->form == FORM_BETWEEN ? 2 : 1;
    if (mr_lex(p) != MR_OK) return NULL;
    int n = arguments(p, given, wanted, &until);
    if (n < 0) return NULL;
    if (n < wanted) {
        (void)mr_criteria_fail(p->env, p->scope, name.at, until, "%s takes %d argument%s", name.name, wanted,
                               wanted == 1 ? "" : "s");
        return NULL;
    }
    return apply(p, m, &name, x, given, until);
}

/*
 * parser.c: the grammar of criteria. Lua's: from the weakest to the strongest, `or`; `and`; comparisons and `in`; `..`
 * (right to left); `+ -`; `* / // %`; `not # -`.
 *
 * Invariant: recursion is limited by MR_CRITERIA_DEPTH, in nested texts, too. One text is read in one pass: each part
 * is checked when it is complete.
 */
#include <stdio.h>
#include <string.h>

#include "parser.h"

static mr_term *parse_or(mr_parser *p);
static mr_term *parse_unary(mr_parser *p);

/* ---------------------------------------------------------------- mistakes */

static mr_term *refuse_lexeme(mr_parser *p, const mr_lexeme *x, const char *words) {
    uint32_t until = x->until > x->at ? x->until : x->at + 1;
    (void)mr_criteria_fail(p->env, p->scope, x->at, until, "%s", words);
    return NULL;
}

static const char *const verbs[] = {"is", "like", "between", "exists", "any", "select"};

/* What is read next cannot stand here. */
static mr_term *unexpected(mr_parser *p, const char *wanted) {
    const mr_lexeme *x = &p->now;
    if (x->token == MR_TOKEN_FOREIGN) {
        (void)mr_criteria_fail(p->env, p->scope, x->at, x->until, "%.*s is not written here: %s",
                               (int)(x->until - x->at), p->scope->text + x->at, x->name);
        return NULL;
    }
    if (x->token == MR_TOKEN_END) {
        (void)mr_criteria_fail(p->env, p->scope, x->at, x->at + 1, "the text ends, and %s is missing", wanted);
        return NULL;
    }
    bool verb = false;
    for (size_t i = 0; x->token == MR_TOKEN_NAME && i < sizeof verbs / sizeof *verbs; i++)
        verb = verb || (strlen(x->name) == strlen(verbs[i]) && (x->name[0] | 32) == verbs[i][0]);
    (void)mr_criteria_fail(p->env, p->scope, x->at, x->until, "expected %s%s", wanted,
                           verb ? " (a text is written in Lua's grammar: x == nil, name:like \"J%\")" : "");
    return NULL;
}

static mr_status advance(mr_parser *p) { return mr_lex(p); }

static bool expect(mr_parser *p, mr_token token, const char *wanted) {
    if (p->now.token == token) return advance(p) == MR_OK;
    (void)unexpected(p, wanted);
    return false;
}

/* Begins one level of recursion; false: it is too deep. */
static bool enter(mr_parser *p) {
    if (++p->depth <= MR_CRITERIA_DEPTH) return true;
    (void)mr_criteria_fail(p->env, p->scope, p->now.at, p->now.at + 1, "the text nests deeper than %d levels",
                           MR_CRITERIA_DEPTH);
    return false;
}

static mr_term *leave(mr_parser *p, mr_term *t) {
    p->depth--;
    return t;
}

/* ---------------------------------------------------------------- literals and parameters */

static mr_term *constant(mr_parser *p, const mr_lexeme *x, mr_value v, mr_criteria_group group) {
    mr_term *t = mr_term_new(p, MR_TERM_CONSTANT, x->at, x->until, NULL, 0);
    if (!t) return NULL;
    t->value = v;
    t->group = (uint8_t)group;
    t->real = v.kind == MR_FLOAT;
    t->nullable = group == MR_CRITERIA_NIL;
    return advance(p) == MR_OK ? t : NULL;
}

static mr_term *parameter(mr_parser *p) {
    const mr_lexeme x = p->now;
    mr_term *t = mr_term_new(p, MR_TERM_PARAMETER, x.at, x.until, NULL, 0);
    mr_criteria_use *use = t ? mr_vec_push(&p->made->uses) : NULL;
    mr_placed_use *place = use ? mr_vec_push(&p->made->places) : NULL;
    if (!place) return NULL;
    *use = (mr_criteria_use){x.name, NULL, NULL, MR_CRITERIA_ANY, false};
    *place = (mr_placed_use){*use, p->scope, x.at, x.until};
    t->use = (uint32_t)p->made->uses.len - 1;
    t->group = MR_CRITERIA_PARAMETER;
    return advance(p) == MR_OK ? t : NULL;
}

/* { 1, 2, 3 } */
static mr_term *literal_list(mr_parser *p) {
    uint32_t at = p->now.at, until;
    mr_vec items;
    mr_term *list = NULL;
    mr_vec_init(&items, p->env, sizeof(mr_term *));
    if (advance(p) != MR_OK) goto out;
    while (p->now.token != MR_TOKEN_CLOSE_LIST) {
        mr_term *item = parse_unary(p);
        if (!item || mr_vec_push_ptr(&items, item) != MR_OK) goto out;
        if (item->kind != MR_TERM_CONSTANT && item->kind != MR_TERM_PARAMETER) {
            (void)mr_refuse_term(p, item, "a list has numbers, strings and parameters");
            goto out;
        }
        if (p->now.token != MR_TOKEN_COMMA) break;
        if (advance(p) != MR_OK) goto out;
    }
    until = p->now.until;
    if (!expect(p, MR_TOKEN_CLOSE_LIST, "}")) goto out;
    list = mr_term_new(p, MR_TERM_VALUES, at, until, (mr_term *const *)items.data, (uint32_t)items.len);
    if (list) list->group = MR_CRITERIA_OTHER;
out:
    mr_vec_done(&items);
    return list;
}

/* ---------------------------------------------------------------- nested texts */

/* Reads a text about the class in a scope of its own. */
static mr_term *nested(mr_parser *p, const mr_value *text, const mr_property *along, const char *names,
                       mr_scope **scope) {
    mr_parser outer = *p;
    mr_scope *s = mr_arena_alloc(p->made->arena, sizeof *s);
    size_t room = strlen(p->scope->prefix) + strlen(names) + 2;
    char *prefix = s ? mr_arena_alloc(p->made->arena, room) : NULL;
    if (!prefix) return NULL;
    snprintf(prefix, room, "%s%s.", p->scope->prefix, names);
    *s = (mr_scope){.mapper = along->relationship->target,
                    .text = text ? text->u.s : "",
                    .len = text ? text->len : 0,
                    .prefix = prefix};
    s->end = &s->paths;
    *scope = s;
    if (!text) return NULL;
    p->scope = s;
    p->pos = 0;
    mr_term *t = advance(p) == MR_OK ? mr_check_condition(p, parse_or(p)) : NULL;
    if (t && p->now.token != MR_TOKEN_END) t = unexpected(p, "an operator, or the end");
    p->scope = outer.scope;
    p->pos = outer.pos;
    p->now = outer.now;
    return t;
}

typedef struct quantifier {
    const char *name;
    mr_term_kind kind;
} quantifier;

static const quantifier quantifiers[] = {
    {"any", MR_TERM_ANY}, {"all", MR_TERM_ALL}, {"none", MR_TERM_NONE}, {"count", MR_TERM_COUNT}};

static const char *next_quantifier(void *ud, size_t i) {
    (void)ud;
    return i < sizeof quantifiers / sizeof *quantifiers ? quantifiers[i].name : NULL;
}

/* The dotted names of the list, as they are written. */
static const char *written(mr_parser *p, const mr_term *list) {
    const mr_named_attribute *name = mr_vec_at(&p->made->names, p->made->names.len - 1);
    (void)list;
    return name->name + strlen(p->scope->prefix);
}

/* any(posts, "score > 3"), behind the '('. */
static mr_term *quantified(mr_parser *p, const mr_lexeme *name) {
    mr_term_kind kind = MR_TERM_CONSTANT;
    for (size_t i = 0; i < sizeof quantifiers / sizeof *quantifiers; i++)
        if (strcmp(quantifiers[i].name, name->name) == 0) kind = quantifiers[i].kind;
    if (kind == MR_TERM_CONSTANT) {
        (void)mr_criteria_fail(p->env, p->scope, name->at, name->until, "there is no function '%s'%s", name->name,
                               mr_hint(p->env, mr_nearest(name->name, next_quantifier, NULL)));
        return NULL;
    }
    if (advance(p) != MR_OK) return NULL;
    mr_term *list = parse_unary(p);
    if (!list) return NULL;
    if (list->kind != MR_TERM_LIST_NAME)
        return mr_refuse_term(p, list, "%s(...) is asked of a list, such as posts in %s(posts, \"score > 3\")",
                              name->name, name->name);
    const char *names = written(p, list);
    mr_lexeme text = p->now;
    mr_scope *scope = NULL;
    mr_term *condition = NULL;
    if (p->now.token == MR_TOKEN_COMMA) {
        if (advance(p) != MR_OK) return NULL;
        text = p->now;
        if (text.token != MR_TOKEN_STRING) return unexpected(p, "a text in quotes, such as \"score > 3\"");
        if (!enter(p)) return NULL;
        condition = leave(p, nested(p, &text.value, list->prop, names, &scope));
        if (!condition || advance(p) != MR_OK) return NULL;
    } else {
        if (kind == MR_TERM_ALL) return unexpected(p, "a comma, and what all of them must meet");
        (void)nested(p, NULL, list->prop, names, &scope);
        if (!scope) return NULL;
    }
    uint32_t until = p->now.until;
    if (!expect(p, MR_TOKEN_CLOSE, ")")) return NULL;
    mr_term *t = mr_term_new(p, kind, name->at, until, &condition, condition ? 1 : 0);
    if (!t) return NULL;
    t->prop = list->prop;
    t->path = list->path;
    t->scope = scope;
    t->nullable = false;
    if (kind == MR_TERM_COUNT) t->group = MR_CRITERIA_NUMBER;
    return t;
}

/* ---------------------------------------------------------------- methods */

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

static mr_term *text_function(mr_parser *p, mr_term_kind kind, uint32_t at, uint32_t until, mr_term *x,
                              const char *what) {
    if (!(x = mr_check_text(p, what, x))) return NULL;
    mr_term *t = mr_term_new(p, kind, at, until, &x, 1);
    if (!t) return NULL;
    t->group = kind == MR_TERM_LENGTH ? MR_CRITERIA_NUMBER : MR_CRITERIA_TEXT;
    return t;
}

/* Reads the arguments of a method: (a, b), or one literal without parentheses. Returns how many; -1: failed. */
static int arguments(mr_parser *p, mr_term **out, int most, uint32_t *until) {
    if (p->now.token == MR_TOKEN_STRING || p->now.token == MR_TOKEN_OPEN_LIST) {
        *until = p->now.until;
        if (most == 0) (void)unexpected(p, "()");
        if (most == 0) return -1;
        out[0] =
            p->now.token == MR_TOKEN_STRING ? constant(p, &p->now, p->now.value, MR_CRITERIA_TEXT) : literal_list(p);
        return out[0] ? 1 : -1;
    }
    if (!expect(p, MR_TOKEN_OPEN, "( and the method's arguments")) return -1;
    int n = 0;
    while (p->now.token != MR_TOKEN_CLOSE) {
        if (n == most) (void)unexpected(p, ")");
        if (n == most) return -1;
        out[n] = p->now.token == MR_TOKEN_OPEN_LIST ? literal_list(p) : parse_or(p);
        if (!out[n++]) return -1;
        if (p->now.token != MR_TOKEN_COMMA) break;
        if (advance(p) != MR_OK) return -1;
    }
    *until = p->now.until;
    return expect(p, MR_TOKEN_CLOSE, ")") ? n : -1;
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
        t = mr_check_in(p, m->op, x, given[0]);
        break;
    case FORM_LIKE: {
        mr_term *const sides[2] = {mr_check_text(p, name->name, x), mr_check_text(p, name->name, given[0])};
        t = mr_term_new(p, MR_TERM_LIKE, x->at, until, sides, sides[0] ? 2 : 1);
        if (!t) return NULL;
        if (m->flags && sides[1]->kind != MR_TERM_CONSTANT && sides[1]->kind != MR_TERM_PARAMETER)
            return mr_refuse_term(p, sides[1], "%s takes a string, or a parameter", name->name);
        t->op = (uint8_t)m->op;
        t->matches = (uint8_t)m->flags;
        break;
    }
    case FORM_TEXT:
        return text_function(p, (mr_term_kind)m->flags, x->at, until, x, name->name);
    }
    if (t) t->until = until;
    return t;
}

/* x:name(...), behind the ':'. */
static mr_term *method_call(mr_parser *p, mr_term *x) {
    mr_lexeme name = p->now;
    mr_term *given[2] = {NULL, NULL};
    uint32_t until = 0;
    if (name.token != MR_TOKEN_NAME && name.token != MR_TOKEN_IN) return unexpected(p, "the name of a method");
    const method *m = methods;
    while (m->name && strcmp(m->name, name.token == MR_TOKEN_IN ? "in" : name.name) != 0) m++;
    if (!m->name) {
        (void)mr_criteria_fail(p->env, p->scope, name.at, name.until, "there is no method '%s'%s", name.name,
                               mr_hint(p->env, mr_nearest(name.name, next_method, (void *)(uintptr_t)methods)));
        return NULL;
    }
    int wanted = m->form == FORM_TEXT ? 0 : m->form == FORM_BETWEEN ? 2 : 1;
    if (advance(p) != MR_OK) return NULL;
    int n = arguments(p, given, wanted, &until);
    if (n < 0) return NULL;
    if (n < wanted) {
        (void)mr_criteria_fail(p->env, p->scope, name.at, until, "%s takes %d argument%s", name.name, wanted,
                               wanted == 1 ? "" : "s");
        return NULL;
    }
    return apply(p, m, &name, x, given, until);
}

/* ---------------------------------------------------------------- terms */

static mr_term *name_or_call(mr_parser *p) {
    enum { MOST = 32 };
    mr_lexeme names[MOST];
    unsigned n = 0;
    names[n++] = p->now;
    if (advance(p) != MR_OK) return NULL;
    if (p->now.token == MR_TOKEN_OPEN) return quantified(p, &names[0]);
    while (p->now.token == MR_TOKEN_DOT) {
        if (advance(p) != MR_OK) return NULL;
        if (p->now.token != MR_TOKEN_NAME) return unexpected(p, "a name");
        if (n == MOST) return refuse_lexeme(p, &p->now, "the path is too long");
        names[n++] = p->now;
        if (advance(p) != MR_OK) return NULL;
    }
    return mr_names_resolve(p, names, n);
}

static mr_term *parenthesized(mr_parser *p) {
    if (!enter(p) || advance(p) != MR_OK) return NULL;
    mr_term *t = parse_or(p);
    if (!t || !expect(p, MR_TOKEN_CLOSE, ")")) return NULL;
    t->grouped = true;
    return leave(p, t);
}

static mr_term *primary(mr_parser *p) {
    switch (p->now.token) {
    case MR_TOKEN_NAME:
        return name_or_call(p);
    case MR_TOKEN_PARAMETER:
        return parameter(p);
    case MR_TOKEN_STRING:
        return constant(p, &p->now, p->now.value, MR_CRITERIA_TEXT);
    case MR_TOKEN_NUMBER:
        return constant(p, &p->now, p->now.value, MR_CRITERIA_NUMBER);
    case MR_TOKEN_TRUE:
        return constant(p, &p->now, mr_bool_value(true), MR_CRITERIA_BOOLEAN);
    case MR_TOKEN_FALSE:
        return constant(p, &p->now, mr_bool_value(false), MR_CRITERIA_BOOLEAN);
    case MR_TOKEN_NIL:
        return constant(p, &p->now, mr_null_value(), MR_CRITERIA_NIL);
    case MR_TOKEN_OPEN:
        return parenthesized(p);
    default:
        return unexpected(p, "an attribute or a value");
    }
}

static mr_term *postfix(mr_parser *p) {
    mr_term *t = primary(p);
    while (t && p->now.token == MR_TOKEN_COLON) t = advance(p) == MR_OK ? method_call(p, t) : NULL;
    return t;
}

static mr_term *parse_unary(mr_parser *p) {
    const mr_lexeme x = p->now;
    if (x.token != MR_TOKEN_NOT && x.token != MR_TOKEN_SUB && x.token != MR_TOKEN_LENGTH) return postfix(p);
    if (!enter(p) || advance(p) != MR_OK) return NULL;
    mr_term *inner = parse_unary(p), *t = NULL;
    if (!inner) return NULL;
    if (x.token == MR_TOKEN_SUB) t = mr_check_negative(p, x.at, inner);
    else if (x.token == MR_TOKEN_LENGTH) t = text_function(p, MR_TERM_LENGTH, x.at, inner->until, inner, "#");
    else if (inner->group != MR_CRITERIA_CONDITION && p->now.token >= MR_TOKEN_IN && p->now.token <= MR_TOKEN_CONCAT)
        return mr_refuse_term(p, inner, "not binds tighter than what follows: write not (x == y)");
    else if ((inner = mr_check_condition(p, inner)) != NULL)
        t = mr_term_new(p, MR_TERM_NOT, x.at, inner->until, &inner, 1);
    return leave(p, t);
}

/* ---------------------------------------------------------------- operators */

static mr_term *multiplicative(mr_parser *p) {
    mr_term *left = parse_unary(p);
    while (left) {
        mr_token token = p->now.token;
        if (token != MR_TOKEN_MUL && token != MR_TOKEN_DIV && token != MR_TOKEN_FLOOR_DIV && token != MR_TOKEN_MOD)
            break;
        mr_op op = token == MR_TOKEN_MUL ? MR_OP_MUL : token == MR_TOKEN_MOD ? MR_OP_MOD : MR_OP_DIV;
        if (advance(p) != MR_OK) return NULL;
        left = mr_check_arithmetic(p, op, token == MR_TOKEN_FLOOR_DIV || op == MR_OP_MOD, left, parse_unary(p));
    }
    return left;
}

static mr_term *additive(mr_parser *p) {
    mr_term *left = multiplicative(p);
    while (left && (p->now.token == MR_TOKEN_ADD || p->now.token == MR_TOKEN_SUB)) {
        mr_op op = p->now.token == MR_TOKEN_ADD ? MR_OP_ADD : MR_OP_SUB;
        if (advance(p) != MR_OK) return NULL;
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
        part = advance(p) == MR_OK ? mr_check_text(p, "..", additive(p)) : NULL;
    }
    mr_vec_done(&parts);
    if (made) made->group = MR_CRITERIA_TEXT;
    return made;
}

static bool is_comparison(mr_token t) { return t >= MR_TOKEN_EQ && t <= MR_TOKEN_GE; }

static mr_term *membership(mr_parser *p, mr_term *left) {
    if (advance(p) != MR_OK) return NULL;
    mr_term *list = p->now.token == MR_TOKEN_OPEN_LIST   ? literal_list(p)
                    : p->now.token == MR_TOKEN_PARAMETER ? parameter(p)
                                                         : unexpected(p, "a list: $list, or { 1, 2 }");
    return mr_check_in(p, MR_OP_IN, left, list);
}

static mr_term *comparison(mr_parser *p) {
    static const mr_op ops[] = {MR_OP_EQ, MR_OP_NE, MR_OP_LT, MR_OP_LE, MR_OP_GT, MR_OP_GE};
    mr_term *left = concatenation(p);
    if (!left) return NULL;
    mr_token token = p->now.token;
    if (token == MR_TOKEN_IN) left = membership(p, left);
    else if (is_comparison(token)) {
        if (advance(p) != MR_OK) return NULL;
        left = mr_check_compare(p, ops[token - MR_TOKEN_EQ], false, left, concatenation(p));
    }
    if (left && (is_comparison(token) || token == MR_TOKEN_IN) &&
        (is_comparison(p->now.token) || p->now.token == MR_TOKEN_IN))
        return refuse_lexeme(p, &p->now, "comparisons are not chained: write a < b and b < c");
    if (left && p->now.token == MR_TOKEN_FOREIGN) return unexpected(p, "an operator");
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
        part = advance(p) == MR_OK ? mr_check_condition(p, operand(p)) : NULL;
    }
    mr_vec_done(&parts);
    return made;
}

static mr_term *parse_and(mr_parser *p) { return joined(p, MR_TOKEN_AND, MR_TERM_AND, comparison); }
static mr_term *parse_or(mr_parser *p) { return joined(p, MR_TOKEN_OR, MR_TERM_OR, parse_and); }

/* ---------------------------------------------------------------- the whole */

/* The equality of a column of the class itself and a value; false: it is none. */
static bool as_equal(const mr_term *t, mr_criteria_equal *out) {
    if (t->kind != MR_TERM_COMPARE || t->op != MR_OP_EQ) return false;
    const mr_term *column = t->child[0], *value = t->child[1];
    if (column->kind != MR_TERM_COLUMN) column = t->child[1], value = t->child[0];
    if (column->kind != MR_TERM_COLUMN || column->path || column->prop->kind != MR_PROPERTY_COLUMN) return false;
    if (value->kind != MR_TERM_PARAMETER && value->kind != MR_TERM_CONSTANT) return false;
    bool constant = value->kind == MR_TERM_CONSTANT;
    *out = (mr_criteria_equal){column->prop, constant ? &value->value : NULL, constant ? 0 : value->use};
    return true;
}

static mr_status find_equals(mr_criteria *c) {
    const mr_term *t = c->root;
    uint32_t n = t->kind == MR_TERM_AND ? t->n : 1;
    mr_criteria_equal *equals = mr_arena_alloc(c->arena, n * sizeof *equals);
    if (!equals) return MR_FAIL;
    for (uint32_t i = 0; i < n; i++)
        if (!as_equal(t->kind == MR_TERM_AND ? t->child[i] : t, &equals[i])) return MR_OK;
    c->equals = equals;
    c->nequals = n;
    return MR_OK;
}

mr_status mr_criteria_parse(mr_criteria *c, const mr_criteria_limits *limits) {
    mr_parser p = {.env = c->env, .made = c, .limits = limits, .scope = c->scope, .most = MR_CRITERIA_PARTS};
    if (limits && limits->parts && limits->parts < p.most) p.most = limits->parts;
    if (mr_lex(&p) != MR_OK) return MR_FAIL;
    if (p.now.token == MR_TOKEN_END) {
        return mr_criteria_fail(c->env, c->scope, 0, 1, "the text is empty");
    }
    mr_term *t = parse_or(&p);
    if (t && p.now.token != MR_TOKEN_END) t = unexpected(&p, "an operator, or the end");
    c->root = mr_check_condition(&p, t);
    c->parts = p.parts;
    return c->root ? find_equals(c) : MR_FAIL;
}

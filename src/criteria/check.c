/*
 * check.c: terms, and whether they go together: numbers with numbers, dates with dates.
 *
 * Invariant: what this file has accepted can be written as SQL, and computed in memory, without a surprise about types.
 * A literal or a parameter takes the type of the column that it stands beside.
 */
#include <string.h>

#include "parser.h"

mr_term *mr_refuse_term(mr_parser *p, const mr_term *t, const char *fmt, ...) {
    mr_strbuf message;
    va_list args;
    mr_strbuf_init(&message, p->env);
    va_start(args, fmt);
    mr_strbuf_vprintf(&message, fmt, args);
    va_end(args);
    const char *words = mr_strbuf_str(&message);
    if (words) (void)mr_criteria_fail(p->env, p->scope, t->at, t->until, "%s", words);
    mr_strbuf_done(&message);
    return NULL;
}

/* ---------------------------------------------------------------- terms */

static mr_status within_limits(mr_parser *p, const mr_term *t) {
    if (t->depth > MR_CRITERIA_DEPTH)
        return mr_criteria_fail(p->env, p->scope, t->at, t->at + 1, "the text nests deeper than %d levels",
                                MR_CRITERIA_DEPTH);
    if (++p->parts > p->most)
        return mr_criteria_fail(p->env, p->scope, t->at, t->until, "the text has more than %u parts", p->most);
    return MR_OK;
}

mr_term *mr_term_new(mr_parser *p, mr_term_kind kind, uint32_t at, uint32_t until, mr_term *const *children,
                     uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (!children[i]) return NULL;
    mr_term *t = mr_arena_alloc(p->made->arena, sizeof *t);
    if (!t) return NULL;
    t->kind = (uint8_t)kind;
    t->at = at;
    t->until = until;
    t->n = n;
    t->depth = 1;
    t->group = MR_CRITERIA_CONDITION;
    t->child = n ? mr_arena_alloc(p->made->arena, n * sizeof *t->child) : NULL;
    if (n && !t->child) return NULL;
    for (uint32_t i = 0; i < n; i++) {
        t->child[i] = children[i];
        if (children[i]->depth >= t->depth) t->depth = (uint16_t)(children[i]->depth + 1);
        t->nullable = t->nullable || children[i]->nullable;
    }
    if (mr_term_is_condition(t)) t->nullable = false;
    return within_limits(p, t) == MR_OK ? t : NULL;
}

static const char *const words[] = {[MR_CRITERIA_NIL] = "nil",
                                    [MR_CRITERIA_BOOLEAN] = "a boolean",
                                    [MR_CRITERIA_NUMBER] = "a number",
                                    [MR_CRITERIA_DECIMAL] = "a decimal",
                                    [MR_CRITERIA_TEXT] = "a string",
                                    [MR_CRITERIA_BYTES] = "bytes",
                                    [MR_CRITERIA_DATE] = "a date",
                                    [MR_CRITERIA_TIME] = "a time",
                                    [MR_CRITERIA_DATETIME] = "a datetime",
                                    [MR_CRITERIA_INTERVAL] = "an interval",
                                    [MR_CRITERIA_ANY] = "a value",
                                    [MR_CRITERIA_OTHER] = "a value of its own kind",
                                    [MR_CRITERIA_PARAMETER] = "a parameter",
                                    [MR_CRITERIA_OBJECT] = "an object",
                                    [MR_CRITERIA_CONDITION] = "a condition"};

/* The text of the term, as far as a message has room for it. */
static const char *shown(mr_parser *p, const mr_term *t) {
    enum { MOST = 40 };
    uint32_t len = t->until - t->at;
    const char *s = p->scope->text + t->at;
    if (len > MOST || t->until > p->scope->len || !mr_utf8_valid(s, len)) return "it";
    for (uint32_t i = 0; i < len; i++)
        if ((unsigned char)s[i] < ' ') return "it";
    const char *copy = mr_arena_strndup(p->made->arena, s, len);
    return copy ? copy : "it";
}

/* A list is no value, and neither is an object. */
static mr_term *refuse_list(mr_parser *p, const mr_term *t) {
    const char *name = t->prop->name;
    return mr_refuse_term(p, t, "%s is a list: write any(%s, \"...\"), or all, none, count(%s)", shown(p, t), name,
                          name);
}

/* An attribute of the class's key, for an example. */
static const char *key_name(const mr_mapper *mapper) {
    const mr_property *key = mapper->npk ? mr_mapper_at_slot(mapper, mapper->pk_slots[0]) : NULL;
    return key ? key->name : "name";
}

static bool is_plain_value(mr_parser *p, mr_term *t) {
    if (t->kind == MR_TERM_LIST_NAME) (void)refuse_list(p, t);
    else if (t->group == MR_CRITERIA_OBJECT)
        (void)mr_refuse_term(p, t,
                             "%s is an object, which is compared by ==, ~= and in, with nil or a parameter: name an "
                             "attribute of it, %s.%s",
                             shown(p, t), shown(p, t), key_name(t->path->mapper));
    else if (t->group == MR_CRITERIA_CONDITION)
        (void)mr_refuse_term(p, t,
                             t->kind == MR_TERM_NOT && !t->grouped
                                 ? "not binds tighter than what follows: write not (x == y)"
                                 : "a condition is true or not, and is not compared: join it by and, or");
    else return true;
    return false;
}

/* ---------------------------------------------------------------- conditions */

mr_term *mr_check_condition(mr_parser *p, mr_term *t) {
    if (!t || t->group == MR_CRITERIA_CONDITION) return t;
    if (t->group == MR_CRITERIA_BOOLEAN) return t;
    if (t->kind == MR_TERM_PARAMETER) {
        mr_criteria_use *use = mr_vec_at(&p->made->uses, t->use);
        use->group = MR_CRITERIA_BOOLEAN;
        t->group = MR_CRITERIA_BOOLEAN;
        return t;
    }
    if (t->kind == MR_TERM_LIST_NAME) return refuse_list(p, t);
    if (t->group == MR_CRITERIA_OBJECT) {
        mr_term *nil = mr_term_new(p, MR_TERM_NIL, t->at, t->until, &t, 1);
        return mr_term_new(p, MR_TERM_NOT, t->at, t->until, &nil, 1);
    }
    const char *text = shown(p, t);
    if (t->group == MR_CRITERIA_NIL) return mr_refuse_term(p, t, "nil is no condition");
    return mr_refuse_term(p, t, "%s is %s, and no condition: compare it (%s ~= nil says that it is there)", text,
                          words[t->group], text);
}

/* ---------------------------------------------------------------- literals and parameters take a type */

static mr_term *refuse_recorded(mr_parser *p, const mr_term *t) {
    (void)mr_criteria_fail_again(p->env, p->scope, t->at, t->until);
    return NULL;
}

/* Blanks may stand between a sign and its number. */
static mr_decimal_status parse_written(mr_parser *p, const mr_term *t, mr_strbuf *out) {
    mr_strbuf written;
    mr_strbuf_init(&written, p->env);
    for (uint32_t i = t->at; i < t->until; i++)
        if (strchr("0123456789.+-eE", p->scope->text[i])) mr_strbuf_putc(&written, p->scope->text[i]);
    mr_decimal_status status = written.oom ? MR_DECIMAL_NOMEM : mr_decimal_parse(written.data, written.len, out);
    mr_strbuf_done(&written);
    return status;
}

/* A number of the text as a decimal, with the digits that are written. */
static mr_term *constant_decimal(mr_parser *p, mr_term *t, const mr_type *type) {
    mr_strbuf b;
    mr_value number = mr_int_value(t->value.u.i);
    mr_strbuf_init(&b, p->env);
    mr_decimal_status status = t->value.kind == MR_INT ? mr_decimal_fix(&number, -1, &b) : parse_written(p, t, &b);
    char *kept = status == MR_DECIMAL_OK && mr_strbuf_str(&b) ? mr_arena_strndup(p->made->arena, b.data, b.len) : NULL;
    if (kept) t->value = mr_bytes_value(MR_DECIMAL, kept, b.len);
    mr_strbuf_done(&b);
    if (status != MR_DECIMAL_OK) return mr_refuse_term(p, t, "this is no decimal");
    t->group = MR_CRITERIA_DECIMAL;
    if (kept && type && mr_type_coerce(p->env, type, "a decimal", &t->value) != MR_OK) return refuse_recorded(p, t);
    t->type = type;
    return kept ? t : NULL;
}

static const char *next_choice(void *ud, size_t i) { return ((const char *const *)ud)[i]; }

static mr_term *check_choice(mr_parser *p, mr_term *t, const mr_type *type) {
    char name[MR_TYPE_NAME];
    if (!type->choices || !mr_type_is_broken(type, &t->value)) return t;
    const char *near = mr_nearest(t->value.u.s, next_choice, (void *)(uintptr_t)type->choices);
    return mr_refuse_term(p, t, "'%s' is not a choice of %s%s", t->value.u.s, mr_type_name(type, name),
                          mr_hint(p->env, near));
}

/* A literal whose type has functions of the program becomes a use, which they convert. */
static mr_term *literal_use(mr_parser *p, mr_term *t, const mr_type *type) {
    mr_criteria_use *use = mr_vec_push(&p->made->uses);
    mr_placed_use *place = use ? mr_vec_push(&p->made->places) : NULL;
    if (!place) return NULL;
    mr_value *literal = mr_arena_alloc(p->made->arena, sizeof *literal);
    if (!literal) return NULL;
    *literal = t->value;
    *use = (mr_criteria_use){.literal = literal, .type = type, .group = MR_CRITERIA_ANY};
    *place = (mr_placed_use){*use, p->scope, t->at, t->until};
    t->kind = MR_TERM_PARAMETER;
    t->use = (uint32_t)p->made->uses.len - 1;
    t->group = MR_CRITERIA_ANY;
    return t;
}

/* The constant as a value of the column's type: a string is a date beside a date. */
static mr_term *constant_as(mr_parser *p, mr_term *t, const mr_term *beside) {
    const mr_type *type = beside->type;
    if (type && type->decorator) return literal_use(p, t, type);
    if (beside->group == MR_CRITERIA_DECIMAL && t->group == MR_CRITERIA_NUMBER) return constant_decimal(p, t, type);
    if (!type || t->group != MR_CRITERIA_TEXT || beside->group == MR_CRITERIA_ANY ||
        beside->group == MR_CRITERIA_NUMBER || beside->group == MR_CRITERIA_BOOLEAN ||
        beside->group == MR_CRITERIA_OTHER)
        return t;
    mr_value v = t->value;
    if (mr_type_coerce(p->env, type, shown(p, beside), &v) != MR_OK) return refuse_recorded(p, t);
    t->value = v;
    t->group = beside->group;
    t->type = type;
    return check_choice(p, t, type);
}

static bool is_any_column(const mr_term *t) {
    return t->kind == MR_TERM_COLUMN && t->type && mr_type_is_any(t->type) && !t->type->decorator;
}

static mr_term *parameter_as(mr_parser *p, mr_term *t, const mr_term *beside) {
    mr_criteria_use *use = mr_vec_at(&p->made->uses, t->use);
    use->group = (mr_criteria_group)beside->group;
    bool typed = beside->type && beside->group != MR_CRITERIA_NUMBER && beside->group != MR_CRITERIA_ANY;
    if (typed || (beside->type && beside->type->decorator) || is_any_column(beside)) use->type = beside->type;
    t->group = beside->group;
    t->type = use->type;
    return t;
}

/* Gives one of the two the type of the other, where it has none of its own. */
static bool settle(mr_parser *p, mr_term **a, mr_term **b) {
    for (int i = 0; i < 2; i++) {
        mr_term **x = i ? b : a, *y = i ? *a : *b;
        if ((*x)->kind == MR_TERM_PARAMETER && (*x)->group == MR_CRITERIA_PARAMETER) {
            if (y->group == MR_CRITERIA_PARAMETER) {
                (void)mr_refuse_term(p, *x, "%s stands beside a parameter: name an attribute, so that it has a type",
                                     shown(p, *x));
                return false;
            }
            if (!(*x = parameter_as(p, *x, y))) return false;
        } else if ((*x)->kind == MR_TERM_CONSTANT && !(*x = constant_as(p, *x, y))) {
            return false;
        }
    }
    return true;
}

/* Can a value of it be one that a column of the type Any holds, in the form in which it is stored? */
static bool is_plainly_stored(const mr_term *t) {
    if (t->group == MR_CRITERIA_ANY || t->group == MR_CRITERIA_NUMBER) return true;
    return t->group == MR_CRITERIA_TEXT && !(t->type && (t->type->forms || t->type->rules->storage));
}

static bool go_together(const mr_term *a, const mr_term *b) {
    if (is_any_column(a) || is_any_column(b)) return is_plainly_stored(is_any_column(a) ? b : a);
    if (a->group == MR_CRITERIA_ANY || b->group == MR_CRITERIA_ANY) return true;
    if (a->group == b->group) return true;
    bool decimals = (a->group == MR_CRITERIA_DECIMAL && b->group == MR_CRITERIA_NUMBER && !b->real) ||
                    (b->group == MR_CRITERIA_DECIMAL && a->group == MR_CRITERIA_NUMBER && !a->real);
    return decimals;
}

static mr_term *refuse_pair(mr_parser *p, const mr_term *left, const mr_term *right, const char *verb) {
    /* What has no type of its own is what is wrong. */
    bool swapped = left->kind == MR_TERM_CONSTANT || left->kind == MR_TERM_PARAMETER;
    const mr_term *wrong = swapped ? left : right, *other = swapped ? right : left;
    return mr_refuse_term(p, wrong, "%s is %s, and cannot be %s %s, which is %s", shown(p, wrong), words[wrong->group],
                          verb, shown(p, other), words[other->group]);
}

/* ---------------------------------------------------------------- comparisons */

static mr_term *compare_nil(mr_parser *p, mr_op op, mr_term *left, mr_term *right) {
    mr_term *x = left->group == MR_CRITERIA_NIL ? right : left;
    uint32_t at = left->at, until = right->until;
    if (op != MR_OP_EQ && op != MR_OP_NE)
        return mr_refuse_term(p, left->group == MR_CRITERIA_NIL ? left : right,
                              "nil has no order: write == nil or ~= nil");
    if (x->kind == MR_TERM_LIST_NAME)
        return mr_refuse_term(p, x, "%s is a list, and never nil: write none(%s)", shown(p, x), x->prop->name);
    if (x->group == MR_CRITERIA_CONDITION) {
        (void)is_plain_value(p, x);
        return NULL;
    }
    if (x->kind == MR_TERM_PARAMETER && x->group == MR_CRITERIA_PARAMETER)
        return mr_refuse_term(p, x, "a parameter is never nil");
    mr_term *nil = mr_term_new(p, MR_TERM_NIL, at, until, &x, 1);
    return op == MR_OP_EQ ? nil : mr_term_new(p, MR_TERM_NOT, at, until, &nil, 1);
}

/* ---------------------------------------------------------------- objects */

static bool is_reference(const mr_term *t) { return t->kind == MR_TERM_REFERENCE; }

/* A parameter that nothing has given a type yet. */
static bool is_free(const mr_term *t) { return t->kind == MR_TERM_PARAMETER && t->group == MR_CRITERIA_PARAMETER; }

/* reference == $object, reference in $objects */
static mr_term *refers(mr_parser *p, mr_term *reference, mr_term *object, uint32_t at, uint32_t until) {
    mr_criteria_use *use = mr_vec_at(&p->made->uses, object->use);
    use->group = MR_CRITERIA_OBJECT;
    use->along = reference->path->along;
    object->group = MR_CRITERIA_OBJECT;
    mr_term *const sides[2] = {reference, object};
    return mr_term_new(p, MR_TERM_REFERS, at, until, sides, 2);
}

static mr_term *compare_object(mr_parser *p, mr_op op, mr_term *left, mr_term *right) {
    bool swapped = is_reference(right);
    mr_term *t = refers(p, swapped ? right : left, swapped ? left : right, left->at, right->until);
    return !t || op == MR_OP_EQ ? t : mr_term_new(p, MR_TERM_NOT, t->at, t->until, &t, 1);
}

/* ---------------------------------------------------------------- all comparisons */

static bool has_order(const mr_term *t) {
    if (t->group == MR_CRITERIA_BOOLEAN) return false;
    return !(t->type && (t->type->choices || t->type->rules->unordered));
}

mr_term *mr_check_compare(mr_parser *p, mr_op op, bool sql, mr_term *left, mr_term *right) {
    if (!left || !right) return NULL;
    if (left->group == MR_CRITERIA_NIL || right->group == MR_CRITERIA_NIL)
        return sql ? mr_refuse_term(p, right, "nil is compared by == nil and ~= nil") : compare_nil(p, op, left, right);
    if (!sql && (op == MR_OP_EQ || op == MR_OP_NE) &&
        ((is_reference(left) && is_free(right)) || (is_free(left) && is_reference(right))))
        return compare_object(p, op, left, right);
    if (!is_plain_value(p, left) || !is_plain_value(p, right) || !settle(p, &left, &right)) return NULL;
    for (int i = 0; i < 2; i++) {
        mr_term *x = i ? right : left;
        if (x->group == MR_CRITERIA_OTHER) return mr_refuse_term(p, x, "%s is compared with nil alone", shown(p, x));
    }
    if (!go_together(left, right)) return refuse_pair(p, left, right, "compared with");
    bool order = op >= MR_OP_LT && op <= MR_OP_GE;
    if (order && !has_order(left)) return mr_refuse_term(p, left, "%s has no order", shown(p, left));
    if (order && !has_order(right)) return mr_refuse_term(p, right, "%s has no order", shown(p, right));
    mr_term *const sides[2] = {left, right};
    mr_term *t = mr_term_new(p, MR_TERM_COMPARE, left->at, right->until, sides, 2);
    if (!t) return NULL;
    t->op = (uint8_t)op;
    t->sql = sql;
    return t;
}

mr_term *mr_check_between(mr_parser *p, mr_term *x, mr_term *low, mr_term *high) {
    mr_term *first = mr_check_compare(p, MR_OP_GE, true, x, low);
    mr_term *second = first ? mr_check_compare(p, MR_OP_LE, true, x, high) : NULL;
    mr_term *const both[2] = {first, second};
    return mr_term_new(p, MR_TERM_AND, x ? x->at : 0, high ? high->until : 0, both, first && second ? 2 : 1);
}

mr_term *mr_check_in(mr_parser *p, mr_op op, bool sql, mr_term *x, mr_term *list) {
    if (!x || !list) return NULL;
    if (is_reference(x) && list->kind == MR_TERM_PARAMETER && !sql) {
        ((mr_criteria_use *)mr_vec_at(&p->made->uses, list->use))->list = true;
        return refers(p, x, list, x->at, list->until);
    }
    if (!is_plain_value(p, x)) return NULL;
    if (x->group == MR_CRITERIA_NIL || x->group == MR_CRITERIA_OTHER || x->group == MR_CRITERIA_PARAMETER)
        return mr_refuse_term(p, x, "%s is looked for in no list", shown(p, x));
    if (list->kind == MR_TERM_PARAMETER) {
        ((mr_criteria_use *)mr_vec_at(&p->made->uses, list->use))->list = true;
        list = parameter_as(p, list, x);
    } else {
        for (uint32_t i = 0; i < list->n; i++) {
            mr_term *item = list->child[i], *beside = x;
            if (item->group == MR_CRITERIA_NIL) return mr_refuse_term(p, item, "a list has no nil");
            if (!is_plain_value(p, item) || !settle(p, &item, &beside)) return NULL;
            if (!go_together(x, item)) return refuse_pair(p, x, item, "compared with");
            list->child[i] = item;
        }
    }
    mr_term *const sides[2] = {x, list};
    mr_term *t = mr_term_new(p, MR_TERM_IN, x->at, list->until, sides, 2);
    if (!t) return NULL;
    t->op = (uint8_t)op;
    return t;
}

/* ---------------------------------------------------------------- calculations */

static bool is_number(mr_parser *p, mr_term *t, const char *what) {
    if (!is_plain_value(p, t)) return false;
    if (t->kind == MR_TERM_PARAMETER && t->group == MR_CRITERIA_PARAMETER) {
        ((mr_criteria_use *)mr_vec_at(&p->made->uses, t->use))->group = MR_CRITERIA_NUMBER;
        t->group = MR_CRITERIA_NUMBER;
    }
    bool number = t->group == MR_CRITERIA_NUMBER || t->group == MR_CRITERIA_DECIMAL;
    if (number && !(t->type && t->type->decorator)) return true;
    (void)mr_refuse_term(p, t, "%s is %s, and %s takes numbers%s", shown(p, t), words[t->group], what,
                         t->group == MR_CRITERIA_TEXT ? " (strings are joined by ..)" : "");
    return false;
}

static const char *sign(mr_op op, bool floors) {
    switch (op) {
    case MR_OP_ADD:
        return "+";
    case MR_OP_SUB:
        return "-";
    case MR_OP_MUL:
        return "*";
    case MR_OP_MOD:
        return "%";
    default:
        return floors ? "//" : "/";
    }
}

mr_term *mr_check_arithmetic(mr_parser *p, mr_op op, bool floors, mr_term *left, mr_term *right) {
    if (!left || !right) return NULL;
    const char *what = sign(op, floors);
    bool decimal = left->group == MR_CRITERIA_DECIMAL || right->group == MR_CRITERIA_DECIMAL;
    if (decimal) {
        if (!is_plain_value(p, left) || !is_plain_value(p, right) || !settle(p, &left, &right)) return NULL;
    }
    if (!is_number(p, left, what) || !is_number(p, right, what)) return NULL;
    if (!go_together(left, right)) return refuse_pair(p, left, right, "calculated with");
    mr_term *const sides[2] = {left, right};
    mr_term *t = mr_term_new(p, MR_TERM_ARITHMETIC, left->at, right->until, sides, 2);
    if (!t) return NULL;
    t->op = (uint8_t)op;
    t->floors = floors;
    t->group = decimal ? MR_CRITERIA_DECIMAL : MR_CRITERIA_NUMBER;
    t->real = !decimal && (left->real || right->real || (op == MR_OP_DIV && !floors));
    t->nullable = t->nullable || op == MR_OP_DIV || op == MR_OP_MOD;
    return t;
}

mr_term *mr_check_negative(mr_parser *p, uint32_t at, mr_term *x) {
    if (!x || !is_number(p, x, "-")) return NULL;
    if (x->kind == MR_TERM_CONSTANT && x->value.kind == MR_INT && x->value.u.i != INT64_MIN && !x->grouped) {
        x->value.u.i = -x->value.u.i;
        x->at = at;
        return x;
    }
    if (x->kind == MR_TERM_CONSTANT && x->value.kind == MR_FLOAT && x->value.u.d >= 0 && !x->grouped) {
        x->value.u.d = -x->value.u.d;
        x->at = at;
        return x;
    }
    mr_term *t = mr_term_new(p, MR_TERM_NEGATIVE, at, x->until, &x, 1);
    if (!t) return NULL;
    t->group = x->group;
    t->real = x->real;
    return t;
}

mr_term *mr_check_text(mr_parser *p, const char *what, mr_term *x) {
    if (!x || !is_plain_value(p, x)) return NULL;
    if (x->kind == MR_TERM_PARAMETER && x->group == MR_CRITERIA_PARAMETER) {
        ((mr_criteria_use *)mr_vec_at(&p->made->uses, x->use))->group = MR_CRITERIA_TEXT;
        x->group = MR_CRITERIA_TEXT;
    }
    bool text = x->group == MR_CRITERIA_TEXT &&
                !(x->type && (x->type->decorator || x->type->forms ||
                              (x->type->rules->group == MR_GROUP_WORD && x->type->rules->storage)));
    if (text) return x;
    return mr_refuse_term(p, x, "%s is %s, and %s takes strings", shown(p, x), words[x->group], what);
}

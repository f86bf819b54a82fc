/*
 * nesting.c: how deep the SQL of a text nests. SQLite's parser has room for a hundred symbols that it has not finished.
 *
 * Invariant: a text that passes is read by SQLite's parser, also inside of a count, of a DELETE with a subquery or
 * under another condition. What a construct adds is what build*.c and SQLite's dialect write before the operand begins,
 * one for each symbol of SQLite's grammar; the specs try each construct at each depth.
 */
#include "parser.h"

enum {
    ROOM = 76,    /* symbols for a text: 100 without those of the statements around it */
    NAMED = 2,    /* a column: table, dot */
    SPELLED = 9,  /* a column whose values have several spellings: x IN (1, '1', ...) */
    TABLES = 16,  /* what reads tables, with joins: (SELECT x FROM a JOIN (b JOIN c ...) ON y = z.w */
    CALL = 3,     /* f ( DISTINCT? */
    NEXT = 2,     /* x , or x + */
    SELECTED = 5, /* SELECT DISTINCT? columns FROM WHERE */
    HALVES = 15   /* a || (b || (c, for MR_CRITERIA_PARTS strings in halves */
};

typedef struct visit {
    mr_env *env;
    const mr_scope *scope;
    unsigned below; /* symbols before the term begins */
} visit;

static mr_status visit_term(visit v, const mr_term *t);

static mr_status visit_at(visit v, const mr_term *t, unsigned more) {
    v.below += more;
    return visit_term(v, t);
}

static bool is_function(const mr_term *t) {
    return t->kind == MR_TERM_ARITHMETIC && (t->group == MR_CRITERIA_DECIMAL || t->floors);
}

/* The parentheses around an operand of arithmetic or of `..`. */
static unsigned brackets(const mr_term *t) {
    bool wide = t->kind == MR_TERM_NEGATIVE || t->kind == MR_TERM_ARITHMETIC || t->kind == MR_TERM_CONCAT;
    return wide && !is_function(t) ? 1 : 0;
}

/* Symbols that a term needs whatever is in it. */
static unsigned own_need(const mr_term *t) {
    switch ((mr_term_kind)t->kind) {
    case MR_TERM_COLUMN:
    case MR_TERM_DESCRIBED:
    case MR_TERM_REFERENCE:
        if (t->path) return TABLES;
        return t->kind == MR_TERM_COLUMN && (t->group == MR_CRITERIA_NUMBER || t->group == MR_CRITERIA_TEXT) ? NAMED
                                                                                                             : SPELLED;
    case MR_TERM_IN:
        return SPELLED;
    case MR_TERM_REFERS: /* by its key; or by the row */
        return t->child[0]->path->from || !mr_along_by_key(t->child[0]->path->along->relationship) ? TABLES : SPELLED;
    case MR_TERM_ANY:
    case MR_TERM_ALL:
    case MR_TERM_NONE:
    case MR_TERM_COUNT:
        return TABLES;
    default:
        return 1;
    }
}

/* ---------------------------------------------------------------- chains: a + b + c */

static bool is_chain(const mr_term *t) {
    switch ((mr_term_kind)t->kind) {
    case MR_TERM_CONCAT:
    case MR_TERM_AND:
    case MR_TERM_OR:
        return true;
    default:
        return t->kind == MR_TERM_ARITHMETIC && !is_function(t) && (t->op == MR_OP_ADD || t->op == MR_OP_MUL);
    }
}

/* The parentheses around a part of the chain. */
static unsigned part_brackets(const mr_term *chain, const mr_term *part) {
    if (chain->kind == MR_TERM_AND) return part->kind == MR_TERM_OR;
    return mr_term_is_condition(part) ? 0 : brackets(part);
}

/* The parts, and those of the same chains among them, which are written without parentheses, so that SQLite reads one
 * after the other. first: nothing of the chain stands before t. */
static mr_status visit_chain(visit v, const mr_term *t, bool first) {
    for (uint32_t i = 0; i < t->n; i++) {
        const mr_term *part = t->child[i];
        bool same = part->kind == t->kind && part->op == t->op && is_chain(part), begins = first && i == 0;
        if (t->kind == MR_TERM_ARITHMETIC && i > 0) same = false; /* a + (b + c) */
        mr_status status =
            same ? visit_chain(v, part, begins) : visit_at(v, part, (begins ? 0 : NEXT) + part_brackets(t, part));
        if (status != MR_OK) return status;
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- terms */

static mr_status visit_pair(visit v, const mr_term *t, unsigned left, unsigned right) {
    mr_status status = visit_at(v, t->child[0], left);
    return status == MR_OK ? visit_at(v, t->child[1], right) : status;
}

static mr_status visit_arithmetic(visit v, const mr_term *t) {
    const mr_term *right = t->child[1];
    if (is_function(t)) return visit_pair(v, t, CALL, CALL + NEXT);
    /* x / (y + 0.0), or x / (y / z) */
    bool fraction = t->op == MR_OP_DIV && !(right->kind == MR_TERM_ARITHMETIC && right->op == MR_OP_DIV);
    return visit_pair(v, t, brackets(t->child[0]), NEXT + brackets(right) + (fraction ? 1 : 0));
}

static mr_status visit_compared(visit v, const mr_term *t) {
    const mr_term *left = t->child[0], *right = t->child[1];
    bool decimal = left->group == MR_CRITERIA_DECIMAL || right->group == MR_CRITERIA_DECIMAL;
    /* (x = y OR x IS NULL AND y IS NULL) IS NOT true */
    unsigned around = decimal ? 1 + 2 * NEXT : 0;
    return visit_pair(v, t, around, around + (decimal ? CALL + NEXT : NEXT));
}

static mr_status visit_list(visit v, const mr_term *t) {
    if (!t->n) return MR_OK;
    v.scope = t->scope;
    /* NOT (EXISTS (SELECT ... WHERE x AND (...) IS NOT true, or (SELECT ... WHERE x AND */
    unsigned opening = t->kind == MR_TERM_COUNT ? 1 : t->kind == MR_TERM_ANY ? 3 : 4;
    bool compound = t->child[0]->kind == MR_TERM_AND || t->child[0]->kind == MR_TERM_OR;
    return visit_at(v, t->child[0], opening + SELECTED + NEXT + (t->kind == MR_TERM_ALL || compound ? 1 : 0));
}

/* not x: (x) IS NOT true, unless the builder has an opposite of x. */
static mr_status visit_negated(visit v, const mr_term *x) {
    if (x->kind == MR_TERM_NOT) return visit_term(v, x->child[0]);
    bool opposite = x->kind >= MR_TERM_ANY || x->kind == MR_TERM_NIL ||
                    (x->kind == MR_TERM_COMPARE && !x->sql && (x->op == MR_OP_EQ || x->op == MR_OP_NE));
    return visit_at(v, x, opposite ? 0 : 1);
}

static mr_status visit_children(visit v, const mr_term *t) {
    switch ((mr_term_kind)t->kind) {
    case MR_TERM_NEGATIVE:
        return visit_at(v, t->child[0], t->group == MR_CRITERIA_DECIMAL ? CALL + NEXT : 1 + brackets(t->child[0]));
    case MR_TERM_LENGTH: /* length(CAST(x */
        return visit_at(v, t->child[0], CALL + 2);
    case MR_TERM_LOWER:
    case MR_TERM_UPPER:
        return visit_at(v, t->child[0], CALL);
    case MR_TERM_COMPARE:
        return visit_compared(v, t);
    case MR_TERM_LIKE: /* lower(x) LIKE lower(y */
        return visit_pair(v, t, CALL, NEXT + CALL);
    case MR_TERM_NOT:
        return visit_negated(v, t->child[0]);
    case MR_TERM_NIL:
    case MR_TERM_IN:
        return visit_at(v, t->child[0], 1);
    case MR_TERM_ARITHMETIC:
        return visit_arithmetic(v, t);
    default:
        return MR_OK;
    }
}

static mr_status visit_term(visit v, const mr_term *t) {
    if (v.below + own_need(t) > ROOM)
        return mr_criteria_fail(v.env, v.scope, t->at, t->until,
                                "nested too deeply: SQLite reads no SQL that nests as this text does: split the text "
                                "into several where(), or calculate a part of it in Lua");
    if (t->kind == MR_TERM_CONCAT && t->n > MR_CRITERIA_CHAIN) v.below += HALVES;
    if (is_chain(t)) return visit_chain(v, t, true);
    if (t->kind >= MR_TERM_ANY || t->kind == MR_TERM_COUNT) return visit_list(v, t);
    return visit_children(v, t);
}

mr_status mr_parse_nesting(const mr_criteria *c) {
    return visit_term((visit){.env = c->env, .scope = c->scope}, c->root);
}

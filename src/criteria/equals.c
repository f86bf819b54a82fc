/*
 * equals.c: texts that only say what columns are equal to, which are lookups.
 *
 * Invariant: each equality is of a column of the class itself and one value.
 */
#include "parser.h"

/* The equality of a column of the class itself and a value; false: it is none. */
static bool as_equal(const mr_term *t, mr_criteria_equal *out) {
    if (t->kind != MR_TERM_COMPARE || t->op != MR_OP_EQ) return false;
    const mr_term *column = t->child[0], *value = t->child[1];
    if (column->kind != MR_TERM_COLUMN) column = t->child[1], value = t->child[0];
    if (column->kind != MR_TERM_COLUMN || column->path || column->prop->kind != MR_PROPERTY_COLUMN) return false;
    if (column->prop->column->collation) return false; /* a lookup compares by it, and a text by bytes */
    if (value->kind != MR_TERM_PARAMETER && value->kind != MR_TERM_CONSTANT) return false;
    bool constant = value->kind == MR_TERM_CONSTANT;
    *out = (mr_criteria_equal){column->prop, constant ? &value->value : NULL, constant ? 0 : value->use};
    return true;
}

mr_status mr_parse_equals(mr_criteria *c) {
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

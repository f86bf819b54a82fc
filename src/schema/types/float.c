/*
 * float.c: Float: a double.
 *
 * Invariant: no NaN is accepted from the program, because databases would store it as NULL.
 */
#include "rules.h"

#include <math.h>
#include <stdio.h>

static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    (void)type;
    if (v->kind == MR_INT) *v = mr_float_value((double)v->u.i);
    return v->kind == MR_FLOAT && !isnan(v->u.d);
}

static bool read(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    (void)type;
    if (v->kind == MR_INT) *v = mr_float_value((double)v->u.i);
    return v->kind == MR_FLOAT;
}

static void print(const mr_type *type, char *buf, size_t size) {
    if (type->precision >= 0) snprintf(buf, size, "Float(%d)", type->precision);
    else snprintf(buf, size, "Float");
}

static void advise(const mr_type *type, const mr_value *v, char *advice) {
    (void)type;
    if (mr_rule_spells_number(v, false)) snprintf(advice, MR_TYPE_ADVICE, " (tonumber(text) makes one of text)");
}

const mr_type_rules mr_type_float = {
    .name = "Float",
    .wants = "a number",
    .sql = "FLOAT",
    .group = MR_GROUP_FLOAT,
    .kind = MR_FLOAT,
    .natural = true,
    .evaluated = true,
    .stored = MR_STORED_FLOAT,
    .coerce = coerce,
    .read = read,
    .print = print,
    .advise = advise,
};

/*
 * integer.c: Integer, SmallInteger and BigInteger: 64 bits in memory.
 *
 * Invariant: a float becomes an integer only when nothing is lost: it has no fraction and fits into 64 bits.
 */
#include "rules.h"

#include <math.h>
#include <stdio.h>

bool mr_rule_spells_number(const mr_value *v, bool integer) {
    if (v->kind != MR_TEXT) return false;
    const char *s = v->u.s;
    size_t i = v->len > 0 && (s[0] == '-' || s[0] == '+'), digits = 0, points = 0;
    for (; i < v->len; i++) {
        if (s[i] >= '0' && s[i] <= '9') digits++;
        else if (s[i] == '.') points++;
        else return false;
    }
    return digits > 0 && digits < 19 && points <= !integer;
}

/* Converts a float without a fraction to an integer, in place; integers pass. False for other values. */
static bool to_integer(mr_value *v) {
    if (v->kind == MR_INT) return true;
    if (v->kind != MR_FLOAT) return false;
    double d = v->u.d;
    /* Both bounds are exact doubles: -2^63 fits, 2^63 does not. NaN fails the comparison. */
    if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0) || floor(d) != d) return false;
    *v = mr_int_value((int64_t)d);
    return true;
}

static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    (void)type;
    return to_integer(v);
}

static bool read(const mr_type *type, mr_value *v, char *room) {
    (void)type;
    (void)room;
    return to_integer(v);
}

/* Text that spells an integer comes from a form or a file. */
static void advise(const mr_type *type, const mr_value *v, char *advice) {
    (void)type;
    if (mr_rule_spells_number(v, true)) snprintf(advice, MR_TYPE_ADVICE, " (math.tointeger(text) makes one of text)");
}

static bool breaks_small(const mr_type *type, const mr_value *v, char *how) {
    (void)type;
    if (v->kind != MR_INT || (v->u.i >= INT16_MIN && v->u.i <= INT16_MAX)) return false;
    if (how) snprintf(how, MR_TYPE_ADVICE, "is outside of -32768 to 32767, the range of");
    return true;
}

#define INTEGER_RULES                                                                                                  \
    .wants = "an integer", .group = MR_GROUP_INTEGER, .kind = MR_INT, .evaluated = true, .takes = MR_TAKES(MR_INT),    \
    .stored = MR_STORED_INTEGER, .coerce = coerce, .read = read, .advise = advise

const mr_type_rules mr_type_integer = {INTEGER_RULES, .name = "Integer", .sql = "INTEGER", .natural = true};
const mr_type_rules mr_type_smallinteger = {INTEGER_RULES, .name = "SmallInteger", .sql = "SMALLINT",
                                            .breaks = breaks_small};
const mr_type_rules mr_type_biginteger = {INTEGER_RULES, .name = "BigInteger", .sql = "BIGINT"};

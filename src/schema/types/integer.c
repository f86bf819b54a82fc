/*
 * integer.c: Integer, SmallInteger and BigInteger: 64 bits in memory.
 *
 * Invariant: a float becomes an integer only when nothing is lost: it has no fraction and fits into 64 bits.
 */
#include "rules.h"

#include <math.h>

bool mr_rule_integer(mr_value *v) {
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
    return mr_rule_integer(v);
}

static bool read(const mr_type *type, mr_value *v) {
    (void)type;
    return mr_rule_integer(v);
}

#define INTEGER_RULES                                                                                                  \
    .wants = "integer", .group = MR_GROUP_INTEGER, .kind = MR_INT, .evaluated = true, .takes = MR_TAKES(MR_INT),       \
    .stored = MR_STORED_INTEGER, .coerce = coerce, .read = read

const mr_type_rules mr_type_integer = {INTEGER_RULES, .name = "Integer", .sql = "INTEGER", .natural = true};
const mr_type_rules mr_type_smallinteger = {INTEGER_RULES, .name = "SmallInteger", .sql = "SMALLINT"};
const mr_type_rules mr_type_biginteger = {INTEGER_RULES, .name = "BigInteger", .sql = "BIGINT"};

/*
 * integer.c: Integer, SmallInteger and BigInteger: 64 bits in memory.
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

static bool take(mr_env *env, const mr_type *type, mr_value *v) {
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
    .stored = MR_STORED_INTEGER, .take = take, .read = read

const mr_type_rules mr_type_integer = {INTEGER_RULES, .name = "Integer", .sql = "INTEGER", .natural = true};
const mr_type_rules mr_type_smallinteger = {INTEGER_RULES, .name = "SmallInteger", .sql = "SMALLINT"};
const mr_type_rules mr_type_biginteger = {INTEGER_RULES, .name = "BigInteger", .sql = "BIGINT"};

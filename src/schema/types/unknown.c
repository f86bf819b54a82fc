/*
 * unknown.c: the type of an expression of which nothing is known. It takes and reads everything, and no column of a
 * table can have it.
 */
#include "rules.h"

static bool take(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    (void)type;
    (void)v;
    return true;
}

bool mr_rule_read_all(const mr_type *type, mr_value *v) {
    (void)type;
    (void)v;
    return true;
}

const mr_type_rules mr_type_unknown = {
    .name = "NullType",
    .internal = true,
    .wants = "value",
    .sql = "NULL",
    .group = MR_GROUP_UNKNOWN,
    .stored = MR_STORED_ALL,
    .take = take,
    .read = mr_rule_read_all,
};

/*
 * unknown.c: the type of an expression about which nothing is known.
 *
 * Invariant: it accepts and reads every value unchanged. No column of a table has it.
 */
#include "rules.h"

static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    (void)type;
    (void)v;
    return true;
}

bool mr_rule_read_all(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    (void)type;
    (void)v;
    return true;
}

const mr_type_rules mr_type_unknown = {
    .name = "NullType",
    .internal = true,
    .wants = "a value",
    .sql = "NULL",
    .group = MR_GROUP_UNKNOWN,
    .stored = MR_STORED_ALL,
    .coerce = coerce,
    .read = mr_rule_read_all,
};

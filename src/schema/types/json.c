/*
 * json.c: JSON. Lua cannot declare it yet.
 *
 * Invariant: values pass unchanged, in both directions.
 */
#include "rules.h"

static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    (void)type;
    (void)v;
    return true;
}

const mr_type_rules mr_type_json = {
    .name = "JSON",
    .internal = true,
    .wants = "a value",
    .sql = "JSON",
    .group = MR_GROUP_OTHER,
    .stored = MR_STORED_TEXT,
    .coerce = coerce,
    .read = mr_rule_read_all,
};

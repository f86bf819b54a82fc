/*
 * json.c: JSON. Lua cannot declare it yet: values pass as they are.
 */
#include "rules.h"

static bool take(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    (void)type;
    (void)v;
    return true;
}

const mr_type_rules mr_type_json = {
    .name = "JSON",
    .internal = true,
    .wants = "value",
    .sql = "JSON",
    .group = MR_GROUP_OTHER,
    .stored = MR_STORED_TEXT,
    .take = take,
    .read = mr_rule_read_all,
};

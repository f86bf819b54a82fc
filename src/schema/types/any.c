/*
 * any.c: Any: a column without a type.
 *
 * Invariant: each value keeps its storage class. The same bytes may be stored as text or as a blob: a criterion finds
 * both.
 */
#include "rules.h"

#include <math.h>

static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    (void)type;
    if (v->kind == MR_BOOL) v->kind = MR_INT;
    return v->kind == MR_INT || (v->kind == MR_FLOAT && !isnan(v->u.d));
}

static unsigned spell(const mr_type *type, const mr_value *v, mr_value *out) {
    (void)type;
    if (v->kind != MR_TEXT && v->kind != MR_BLOB) return 0;
    out[0] = *v;
    out[0].flags = 0;
    out[1] = mr_bytes_value(v->kind == MR_TEXT ? MR_BLOB : MR_TEXT, v->u.s, v->len);
    return 2;
}

const mr_type_rules mr_type_any = {
    .name = "Any",
    .wants = "an integer, float or string",
    .sql = "",
    .group = MR_GROUP_ANY,
    .takes = MR_TAKES(MR_INT) | MR_TAKES(MR_TEXT) | MR_TAKES(MR_BLOB),
    .stored = MR_STORED_ALL,
    .spellings = 2,
    .coerce = coerce,
    .read = mr_rule_read_all,
    .spell = spell,
};

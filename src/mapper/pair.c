/*
 * pair.c: two columns of different types that a relationship makes equal.
 *
 * The database compares them by its own rules (5 is equal to '05' when one side is a number). No comparison of values
 * in memory follows these rules.
 *
 * Invariant: a value that replaces a column in such a comparison is compared as the column would be.
 */
#include "mapper_private.h"

/* Types do not differ when both are texts, or both are in the same group; in MR_GROUP_OTHER they must be the same type.
 */
static bool types_differ(const mr_type *a, const mr_type *b) {
    if (mr_type_is_text(a) && mr_type_is_text(b)) return false;
    if (a->rules->group != b->rules->group) return true;
    return a->rules->group == MR_GROUP_OTHER && a->rules != b->rules;
}

mr_node *mr_value_as_column(mr_env *env, mr_node *value, const mr_type *own, const mr_type *other) {
    if (!value || !mr_type_is_number(own) || mr_type_is_number(other)) return value;
    return mr_sql_cast(env, value, own);
}

static bool any_differ(mr_env *env, const mr_column_pair *pairs, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (types_differ(mr_column_type(env, pairs[i].local), mr_column_type(env, pairs[i].remote))) return true;
    return false;
}

bool mr_join_is_mixed(mr_env *env, const mr_relationship *rel) {
    return any_differ(env, rel->pairs, rel->npairs) || any_differ(env, rel->secondary_pairs, rel->nsecondary);
}

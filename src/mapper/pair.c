/*
 * pair.c: two columns that a relationship makes equal, and what their types say of it.
 *
 * The database compares them by its own rules (5 is equal to '05' where one side is a number), which no comparison
 * of values in memory follows. Invariant: a value that stands for a column in such a comparison counts as the
 * column would.
 */
#include "mapper_private.h"

typedef enum value_class { CLASS_INTEGER = MR_TYPE__COUNT, CLASS_TEXT } value_class;

static int class_of(const mr_type *type) {
    switch (type->code) {
    case MR_TYPE_INTEGER:
    case MR_TYPE_SMALLINTEGER:
    case MR_TYPE_BIGINTEGER:
        return CLASS_INTEGER;
    case MR_TYPE_STRING:
    case MR_TYPE_TEXT:
    case MR_TYPE_ENUM:
    case MR_TYPE_UUID:
        return CLASS_TEXT;
    default:
        return (int)type->code;
    }
}

static bool is_number(const mr_type *type) {
    return class_of(type) == CLASS_INTEGER || type->code == MR_TYPE_FLOAT || type->code == MR_TYPE_NUMERIC;
}

bool mr_types_differ(const mr_type *a, const mr_type *b) { return class_of(a) != class_of(b); }

mr_node *mr_value_as_column(mr_env *env, mr_node *value, const mr_type *own, const mr_type *other) {
    if (!value || !is_number(own) || is_number(other)) return value;
    return mr_sql_cast(env, value, own);
}

static bool any_differ(mr_env *env, const mr_column_pair *pairs, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (mr_types_differ(mr_column_type(env, pairs[i].local), mr_column_type(env, pairs[i].remote))) return true;
    return false;
}

bool mr_join_is_mixed(mr_env *env, const mr_relationship *rel) {
    return any_differ(env, rel->pairs, rel->npairs) || any_differ(env, rel->secondary_pairs, rel->nsecondary);
}

/*
 * decorated.c: types that are made of others: with functions of the program around them, or with a type of its own for
 * a dialect.
 *
 * Invariant: a decorated type has the rules of the type that it decorates, so code that stores, reads and compares
 * plain values need not know of it.
 */
#include <moonrow/schema.h>

#include <string.h>

/* The variants of the decorated type are decorated, too. */
static mr_status decorate_variants(mr_env *env, const mr_variant *variants, const mr_decorator *proto,
                                   const mr_variant **out) {
    for (const mr_variant *v = variants; v; v = v->next) {
        mr_variant *made = mr_env_arena(env, sizeof *made);
        const mr_type *type = made ? mr_type_decorate(env, v->type, proto) : NULL;
        if (!type) return MR_FAIL;
        *made = (mr_variant){v->dialect, type, *out};
        *out = made;
    }
    return MR_OK;
}

const mr_type *mr_type_decorate(mr_env *env, const mr_type *impl, const mr_decorator *proto) {
    mr_decorator *decorator = mr_env_arena(env, sizeof *decorator);
    if (!decorator) return NULL;
    *decorator = *proto;
    decorator->name = mr_intern(env, proto->name, strlen(proto->name));
    if (!decorator->name) return NULL;
    decorator->impl = impl;
    mr_type made = *impl;
    made.decorator = decorator;
    made.variants = NULL;
    if (decorate_variants(env, impl->variants, proto, &made.variants) != MR_OK) return NULL;
    return mr_type_new(env, &made);
}

const mr_type *mr_type_find_variant(const mr_type *type, const char *dialect) {
    for (const mr_variant *v = type->variants; v; v = v->next)
        if (strcmp(v->dialect, dialect) == 0) return v->type;
    return type;
}

const mr_type *mr_type_with_variant(mr_env *env, const mr_type *type, const mr_type *other, const char *dialect) {
    char name[MR_TYPE_NAME], second[MR_TYPE_NAME];
    for (const mr_variant *v = type->variants; v; v = v->next)
        if (strcmp(v->dialect, dialect) == 0) {
            mr_fail(env, MR_ERR_ARGUMENT, "with_variant: %s has a variant for '%s' already", mr_type_name(type, name),
                    dialect);
            return NULL;
        }
    if (other->variants) {
        mr_fail(env, MR_ERR_ARGUMENT,
                "with_variant: the type for '%s', %s, has variants itself: give each of them to the first type",
                dialect, mr_type_name(other, name));
        return NULL;
    }
    if (other->rules->kind != type->rules->kind) {
        mr_fail(env, MR_ERR_ARGUMENT,
                "with_variant: a column has the same values in each dialect: %s takes %s, and %s takes %s",
                mr_type_name(type, name), type->rules->wants, mr_type_name(other, second), other->rules->wants);
        return NULL;
    }
    mr_variant *variant = mr_env_arena(env, sizeof *variant);
    if (!variant) return NULL;
    *variant = (mr_variant){mr_intern(env, dialect, strlen(dialect)), other, type->variants};
    if (!variant->dialect) return NULL;
    mr_type made = *type;
    made.variants = variant;
    return mr_type_new(env, &made);
}

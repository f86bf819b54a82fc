/*
 * decorated.c: types that are made of others: with functions of the program around them, or with a type of its own for
 * a dialect.
 *
 * Invariant: a decorated type has the rules of the type that it decorates, so code that stores, reads and compares
 * plain values need not know of it. A type with variants is asked for the one that holds (mr_type_in) wherever the
 * dialect is known; where it is not, nothing is refused that one of them takes.
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
    const mr_type *other = type;
    for (const mr_variant *v = type->variants; v; v = v->next) {
        if (!v->dialect) other = v->type;
        else if (strcmp(v->dialect, dialect) == 0) return v->type;
    }
    return other;
}

/* Do both take the same values from the program, apart from lengths, digits and choices? */
static bool take_the_same(const mr_type *a, const mr_type *b) {
    return a->rules->kind == b->rules->kind && a->rules->coerce == b->rules->coerce &&
           a->rules->takes == b->rules->takes && a->item == b->item && a->none_as_null == b->none_as_null &&
           !a->decorator && !b->decorator;
}

static mr_status check_variant(mr_env *env, const mr_type *type, const mr_type *other, const char *dialect) {
    char name[MR_TYPE_NAME];
    for (const mr_variant *v = type->variants; v; v = v->next)
        if (v->dialect && strcmp(v->dialect, dialect) == 0)
            return mr_fail(env, MR_ERR_ARGUMENT, "with_variant: %s has a variant for '%s' already",
                           mr_type_name(type, name), dialect);
    if (!other->variants) return MR_OK;
    return mr_fail(env, MR_ERR_ARGUMENT,
                   "with_variant: the type for '%s', %s, has variants itself: give each of them to the first type",
                   dialect, mr_type_name(other, name));
}

/* Puts a variant in front of the type's. */
static mr_status add_variant(mr_env *env, mr_type *type, const char *dialect, const mr_type *other) {
    mr_variant *variant = mr_env_arena(env, sizeof *variant);
    if (!variant) return MR_FAIL;
    *variant = (mr_variant){dialect ? mr_intern(env, dialect, strlen(dialect)) : NULL, other, type->variants};
    if (dialect && !variant->dialect) return MR_FAIL;
    type->variants = variant;
    return MR_OK;
}

const mr_type *mr_type_with_variant(mr_env *env, const mr_type *type, const mr_type *other, const char *dialect,
                                    const mr_decorator *late) {
    if (check_variant(env, type, other, dialect) != MR_OK) return NULL;
    mr_type made = *type;
    if (!made.variants && add_variant(env, &made, NULL, type) != MR_OK) return NULL;
    if (!made.decorator && !take_the_same(type, other)) {
        mr_decorator *decorator = mr_env_arena(env, sizeof *decorator);
        if (!decorator) return NULL;
        *decorator = *late;
        decorator->impl = type;
        made.decorator = decorator;
    }
    if (add_variant(env, &made, dialect, other) != MR_OK) return NULL;
    return mr_type_new(env, &made);
}

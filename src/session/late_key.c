/*
 * late_key.c: a bind parameter for the key of an object. Its value is read when the statement runs: the object may be
 * new when the criterion is made, and may change until then.
 *
 * Invariant: each value that was read lives as long as the criterion, because a cursor may still use it as a parameter.
 */
#include "attributes.h"
#include "session_state.h"

typedef struct kept {
    struct kept *before;
    mr_value value; /* a copy */
} kept;

typedef struct late {
    uint32_t refs;
    mr_entity *entity; /* pinned */
    const mr_property *prop, *along;
    bool required;
    kept *last; /* NULL: no value was ever read */
} late;

static void late_retain(mr_env *env, void *p) {
    (void)env;
    ((late *)p)->refs++;
}

static void late_release(mr_env *env, void *p) {
    late *l = p;
    if (--l->refs > 0) return;
    while (l->last) {
        kept *k = l->last;
        l->last = k->before;
        mr_value_clear(env, &k->value);
        mr_free(env, k);
    }
    mr_entity_unpin(l->entity);
    mr_free(env, l);
}

static mr_status keep(mr_env *env, late *l, const mr_value *v) {
    if (l->last && mr_value_equal(env, &l->last->value, v)) return MR_OK;
    kept *k = mr_alloc(env, sizeof *k);
    if (!k) return MR_FAIL;
    if (mr_value_copy(env, &k->value, v) != MR_OK) {
        mr_free(env, k);
        return MR_FAIL;
    }
    k->before = l->last;
    l->last = k;
    return MR_OK;
}

/* An expired object without a session cannot be read again. Then the last key that was read counts. */
static bool is_out_of_reach(const late *l) {
    return l->last && mr_entity_slot(l->entity, l->prop->slot)->kind == MR_UNLOADED && !mr_session_of(l->entity);
}

mr_status mr_fail_without_key(const mr_entity *object, const mr_property *key, const mr_property *along) {
    return mr_fail(object->mapper->env, MR_ERR_INVALID_REQUEST,
                   "%s.%s: the %s that it is compared with has no %s yet: add it to the session and flush",
                   along->mapper->name, along->name, object->mapper->name, key->name);
}

static const mr_value *late_resolve(mr_env *env, void *p) {
    static const mr_value null = {.kind = MR_NULL};
    late *l = p;
    const mr_value *v = NULL;
    if (is_out_of_reach(l)) return &l->last->value;
    if (mr_attribute_get(l->entity, l->prop, &v) != MR_OK) return NULL;
    if (v->kind == MR_NULL && l->required) {
        (void)mr_fail_without_key(l->entity, l->prop, l->along);
        return NULL;
    }
    if (v->kind == MR_NULL || v->kind == MR_UNLOADED) return &null;
    return keep(env, l, v) == MR_OK ? &l->last->value : NULL;
}

/* The tag of these keys among the opaque values. 0: no memory. */
static uint16_t tag_of(mr_env *env) {
    static const mr_opaque_ops ops = {
        .name = "key of an object", .retain = late_retain, .release = late_release, .resolve = late_resolve};
    mr_session_common *common = mr_session_common_of(env);
    if (common && !common->late_tag) common->late_tag = mr_opaque_register(env, &ops);
    return common ? common->late_tag : 0;
}

mr_node *mr_late_key(mr_entity *entity, const mr_property *prop, const mr_property *along, bool required) {
    mr_env *env = entity->mapper->env;
    uint16_t tag = tag_of(env);
    late *l = tag ? mr_calloc(env, sizeof *l) : NULL;
    if (!l) return NULL;
    *l = (late){1, entity, prop, along, required, NULL};
    mr_entity_pin(entity);
    const mr_value *now = mr_entity_slot(entity, prop->slot);
    mr_node *node = NULL;
    if (now->kind == MR_NULL || now->kind == MR_UNLOADED || keep(env, l, now) == MR_OK) {
        mr_value v = mr_value_of(MR_OPAQUE, 0);
        v.tag = tag;
        v.u.p = l;
        node = mr_sql_bind(env, mr_column_type(env, prop->column), &v);
    }
    late_release(env, l);
    return node;
}

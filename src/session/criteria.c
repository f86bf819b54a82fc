/*
 * criteria.c: criteria as text, computed over the objects of a session.
 *
 * Invariant: what stands for a row (mr_criterion_of_row) is computed of the row's values, and loads nothing. What a
 * program asks of an object (mr_entity_matches) is computed of what it would read itself, and loads what is missing.
 */
#include "attributes.h"
#include "criteria.h"
#include "relationships.h"

/* ---------------------------------------------------------------- the row of an object */

static mr_status row_column(void *ud, mr_entity *e, const mr_property *prop, const mr_value **out) {
    (void)ud;
    mr_entity_touch(e);
    *out = mr_entity_is_dirty(e, prop->slot) ? mr_entity_committed(e, prop->slot) : mr_entity_slot(e, prop->slot);
    return (*out)->kind == MR_UNLOADED ? MR_NOTFOUND : MR_OK;
}

/* By the foreign key: what is in the slot may be older, or not flushed. */
static mr_status row_reference(void *ud, mr_entity *e, const mr_property *prop, mr_entity **out) {
    (void)ud;
    bool known = false;
    *out = mr_reference_target_by_key(e, prop->relationship, &known);
    return known ? MR_OK : MR_NOTFOUND;
}

static mr_status row_is_set(void *ud, mr_entity *e, const mr_property *prop, bool *out) {
    mr_entity *target = NULL;
    const mr_relationship *rel = prop->relationship;
    if (!mr_along_by_key(rel) || rel->pairs[0].local_slot == UINT16_MAX) {
        mr_status status = row_reference(ud, e, prop, &target);
        *out = target != NULL;
        return status;
    }
    mr_entity_touch(e);
    const mr_value *key = mr_entity_committed(e, rel->pairs[0].local_slot);
    *out = key->kind != MR_NULL;
    return key->kind == MR_UNLOADED || (key->kind == MR_NULL && key->len) ? MR_NOTFOUND : MR_OK;
}

static mr_status row_refers(void *ud, mr_entity *e, const mr_property *prop, mr_entity *object, bool *out) {
    (void)ud;
    return mr_row_refers_to(e, prop->relationship, object, out);
}

mr_status mr_criterion_of_row(const mr_criterion *c, mr_entity *e, bool *out) {
    const mr_session *s = mr_session_of(e);
    const mr_criteria_reader reader = {.column = row_column,
                                       .reference = row_reference,
                                       .is_set = row_is_set,
                                       .refers = row_refers,
                                       .folds = !s || !mr_engine_dialect(s->engine)->ilike};
    return mr_criterion_matches(c, e, &reader, out, NULL);
}

/* ---------------------------------------------------------------- what a program reads */

static mr_status read_column(void *ud, mr_entity *e, const mr_property *prop, const mr_value **out) {
    (void)ud;
    return mr_attribute_get(e, prop, out);
}

static mr_status read_reference(void *ud, mr_entity *e, const mr_property *prop, mr_entity **out) {
    (void)ud;
    return mr_reference_by_keys(e, prop, out);
}

static mr_status read_is_set(void *ud, mr_entity *e, const mr_property *prop, bool *out) {
    (void)ud;
    return mr_reference_is_set(e, prop, out);
}

static mr_status read_refers(void *ud, mr_entity *e, const mr_property *prop, mr_entity *object, bool *out) {
    (void)ud;
    return mr_reference_leads_to(e, prop, object, out);
}

static mr_status read_items(void *ud, mr_entity *e, const mr_property *prop, mr_vec *out) {
    (void)ud;
    return mr_list_by_keys(e, prop, out);
}

mr_status mr_entity_matches(mr_entity *e, const mr_criterion *c, bool *out) {
    mr_env *env = e->mapper->env;
    const mr_session *s = mr_session_of(e);
    const mr_criteria_reader reader = {.column = read_column,
                                       .reference = read_reference,
                                       .is_set = read_is_set,
                                       .refers = read_refers,
                                       .items = read_items,
                                       .copies = true,
                                       .folds = !s || !mr_engine_dialect(s->engine)->ilike};
    mr_status status = MR_NOTFOUND;
    mr_heap *heap = mr_heap_of(env);
    mr_strbuf why;
    mr_strbuf_init(&why, env);
    if (!mr_criterion_obstacle(c, true, &why)) {
        mr_heap_block(heap);
        status = mr_criterion_matches(c, e, &reader, out, &why);
        mr_heap_unblock(heap);
    }
    if (status == MR_NOTFOUND) {
        const char *words = mr_strbuf_str(&why);
        status = MR_FAIL;
        if (words)
            mr_fail(env, MR_ERR_INVALID_REQUEST, "matches: the text cannot be computed in memory: %s: ask by a query",
                    *words ? words : "an attribute is not known");
    }
    mr_strbuf_done(&why);
    return status;
}

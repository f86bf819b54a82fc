/*
 * steps.h: the steps of a change of both sides, for both_sides.c.
 */
#ifndef MR_SESSION_STEPS_H
#define MR_SESSION_STEPS_H

#include "relationships.h"

typedef enum step_kind {
    STEP_SET = 1,  /* old: the slot before */
    STEP_CLEARED,  /* old: the slot before; it does not count as a change */
    STEP_INSERTED, /* item at a place of the collection */
    STEP_REMOVED,
    STEP_REPLACED, /* item: what was at the place */
    STEP_NOTED,    /* unloaded collection: item was noted as removed */
    STEP_UNNOTED   /* unloaded collection: item is not noted as removed any more */
} step_kind;

typedef struct link_step {
    mr_entity *entity;
    const mr_relationship *rel;
    mr_entity *item;
    mr_value old;
    uint32_t at;
    uint8_t kind;
} link_step;

/* The collection in the slot, or NULL. */
mr_collection *mr_step_collection(mr_entity *entity, const mr_relationship *rel);
/* entity.rel = item (NULL: nil). */
mr_status mr_step_set_reference(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item);
/* The reference shows nil, but its foreign key stays: the other side has passive_deletes = "all". */
mr_status mr_step_show_nil(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel);
mr_status mr_step_insert(mr_both_sides *l, mr_collection *c, uint32_t at, mr_entity *item);
mr_status mr_step_remove(mr_both_sides *l, mr_collection *c, uint32_t at);
mr_status mr_step_replace(mr_both_sides *l, mr_collection *c, uint32_t at, mr_entity *item);
/* An unloaded collection notes that item was removed. */
mr_status mr_step_note_removed(mr_both_sides *l, mr_collection *c, mr_entity *item);

#endif

/*
 * relationships.h: reading relationships and changing both of their sides, for the other files of the session.
 *
 * Invariant: when a change has succeeded, both sides agree in memory; when it has failed, neither side has changed.
 */
#ifndef MR_SESSION_RELATIONSHIPS_H
#define MR_SESSION_RELATIONSHIPS_H

#include "session_state.h"

/* ---------------------------------------------------------------- relationship_list.c: reads nothing from the database
 */

/* The relationships of a class, collected once for each version of the registry. */
typedef struct mr_relationship_list {
    uint64_t version;
    unsigned cascades;  /* the cascades of all of them together */
    bool may_be_orphan; /* an object of the class may be an orphan: some reverse side has delete-orphan */
    unsigned n;
    const mr_relationship **rels;
} mr_relationship_list;
/* The list of the class. Configures the mappings first if needed. NULL: that has failed. */
const mr_relationship_list *mr_relationship_list_of(mr_mapper *mapper);
/* Is the attribute a collection (and not a reference)? */
bool mr_relationship_is_list(const mr_relationship *rel);
/* The other side that the session keeps equal to this one; NULL: there is none. */
const mr_relationship *mr_relationship_reverse(const mr_relationship *rel);
/* The value in memory: MR_ENTITY, MR_NULL, MR_COLLECTION, or MR_UNLOADED. Borrowed. */
const mr_value *mr_relationship_peek(mr_entity *entity, const mr_relationship *rel);
/* Appends each object that the relationship holds in memory to out. removed: appends also those that were removed since
 * the last flush, if the collection is loaded. */
mr_status mr_relationship_items(mr_entity *entity, const mr_relationship *rel, bool removed, mr_vec *out);
/* Appends the objects that were added since the last flush. */
mr_status mr_relationship_added(mr_entity *entity, const mr_relationship *rel, mr_vec *out);
/* Appends the objects that are known to have been removed since the last flush. */
mr_status mr_relationship_removed(mr_entity *entity, const mr_relationship *rel, mr_vec *out);

/* ---------------------------------------------------------------- relationship.c */

/* The value, loaded if needed. *out: borrowed until the next call. */
mr_status mr_relationship_read(mr_entity *entity, const mr_property *prop, const mr_value **out);
/* The same for the library's own needs: lazy = "raise" does not forbid it. */
mr_status mr_relationship_require(mr_entity *entity, const mr_property *prop, const mr_value **out);
/* Sets a reference. value: MR_ENTITY, or MR_NULL. */
mr_status mr_relationship_set_reference(mr_entity *entity, const mr_property *prop, const mr_value *value);
/* Are the items of the class that the relationship leads to? Asked before anybody hears of a change of several. */
mr_status mr_relationship_check_items(const mr_entity *entity, const mr_relationship *rel, mr_entity *const *items,
                                      uint32_t n);
/* Checks one object that is about to be set, appended or removed, and calls validators and listeners of both sides.
 * item: MR_ENTITY or MR_NULL; they may replace it. */
mr_status mr_relationship_check_change(mr_entity *entity, const mr_relationship *rel, mr_attribute_event event,
                                       mr_value *item);
/* Can comparing keys as values find other rows than a join does (because the two columns compare text differently)?
 * Asks the database once, through the object's session; for a detached object, through the session that has connected
 * last. Where the database cannot be asked, the last answer counts. Never fails. */
bool mr_session_spells_apart(const mr_entity *entity, mr_relationship *rel);

/* ---------------------------------------------------------------- both_sides.c */

/* One change of both sides: begin it, call the functions below, end it. */
typedef struct mr_both_sides {
    mr_env *env;
    mr_vec steps;            /* link_step: what was done, to be undone if a later step fails */
    mr_session *session;     /* the session that admitted objects were added to */
    mr_vec admitted;         /* mr_entity *, pinned */
    mr_vec possible_orphans; /* link_step: pending objects that a delete-orphan relationship has lost */
    mr_vec numbered;         /* mr_numbered: positions that ordering lists have set */
} mr_both_sides;
void mr_both_sides_begin(mr_both_sides *l, mr_env *env);
/* Ends the change. status: the result of the calls before; if it is not MR_OK, everything is undone. Returns the status
 * of the whole change. */
mr_status mr_both_sides_end(mr_both_sides *l, mr_status status);
/* entity.rel = item (NULL: nil). The object that it referred to before is told. */
mr_status mr_both_sides_set_reference(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item);
/* Inserts item into the collection. at: 0-based; UINT32_MAX: at the end, which loads nothing. */
mr_status mr_both_sides_insert(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, uint32_t at,
                               mr_entity *item);
/* Removes the item at a 0-based place of the collection. */
mr_status mr_both_sides_remove(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, uint32_t at);
/* Removes item wherever it is in the collection, loaded or not: an unloaded one notes that it was removed. */
mr_status mr_both_sides_take_out(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item);
/* Puts item in the place of the item at `at`; the collection is loaded. */
mr_status mr_both_sides_replace(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, uint32_t at,
                                mr_entity *item);
/* The object is added again after a rollback took it out of the session. Objects that it refers to may have been read
 * without it in the meantime: they hold it again. */
mr_status mr_both_sides_restore(mr_both_sides *l, mr_entity *entity);
/* Appends the objects that assigning items to the collection would add and remove, each once. */
mr_status mr_both_sides_difference(mr_collection *c, mr_entity *const *items, uint32_t n, mr_vec *added,
                                   mr_vec *removed);
/* Assigns items to a loaded collection. added, removed: from mr_both_sides_difference. */
mr_status mr_both_sides_assign(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *const *items,
                               uint32_t n, const mr_vec *added, const mr_vec *removed);

/* ---------------------------------------------------------------- keyed.c: dicts */

/* Call before item is put into the dict holder.rel: has it a key? One that has expired is loaded. ArgumentError: the
 * key is nil. *displaced: the object that has the key in the loaded dict now, and that item will replace; NULL: none,
 * or the relationship is no dict. displaced NULL: it does not matter. */
mr_status mr_keyed_check(mr_entity *holder, const mr_relationship *rel, mr_entity *item, mr_entity **displaced);
/* The position in holder.rel, if that is a loaded dict, of another item with the key of item; UINT32_MAX: none. Loads
 * nothing. */
mr_status mr_keyed_find(mr_entity *holder, const mr_relationship *rel, mr_entity *item, uint32_t *at);

/* ---------------------------------------------------------------- ordering.c: lists that number their items */

/* A position that was set: what it was before. */
typedef struct mr_numbered {
    mr_entity *item;
    const mr_property *prop;
    mr_value old; /* owned */
} mr_numbered;
/* Gives the items of c, an ordering list, their positions from the 0-based place on, if it is loaded; all of them if
 * those before are not right either. Appends what is set to numbered (mr_numbered). */
mr_status mr_ordering_number(mr_collection *c, uint32_t from, mr_vec *numbered);
/* Gives the items back what they had. */
void mr_ordering_undo(mr_vec *numbered);
/* Frees the list, with the values in it. */
void mr_ordering_done(mr_env *env, mr_vec *numbered);
/* An object is about to be put at the end of the ordering list holder.rel through the other side: loads the list, whose
 * length is the object's position. Does nothing for other relationships. */
mr_status mr_ordering_require(mr_entity *holder, const mr_relationship *rel);

/* ---------------------------------------------------------------- parents.c: a hint about each object: its parent */

/* Must the parents of this relationship be noted? Yes if it allows only one parent, or deletes orphans. */
bool mr_parent_is_tracked(const mr_relationship *rel);
/* Notes that parent holds child through rel. */
mr_status mr_parent_note(mr_entity *child, const mr_relationship *rel, mr_entity *parent);
/* The parent that was noted last, if it still holds the child in memory; else NULL. */
mr_entity *mr_parent_of(mr_entity *child, const mr_relationship *rel);
/* The same, but loads the relationship of the parent if it has expired. */
mr_status mr_parent_load(mr_entity *child, const mr_relationship *rel, const mr_entity **out);

/* ---------------------------------------------------------------- parent_notes.c: before objects forget */

/* Call before the object forgets its references: the objects that hold it in memory are noted as its parents, so that
 * a new reference finds the collection that the object must leave. */
mr_status mr_parent_notes_save_holders(mr_entity *entity);
/* Call before the other objects expire: the holder, which does not expire, is noted as the parent of all objects that
 * it holds. Notes for which there is no memory are left out. */
void mr_parent_notes_save_items(mr_entity *holder);
/* Call before a change of the relationship is lost: unloaded collections at the other side know the change only from
 * this object, and forget it, too. */
mr_status mr_parent_notes_undo_change(mr_entity *entity, const mr_relationship *rel);
/* The same for all relationships of the object. */
mr_status mr_parent_notes_undo_all_changes(mr_entity *entity);
/* The same as mr_load_context.overwriting: a load is about to overwrite the object. */
mr_status mr_parent_notes_before_overwrite(void *session, mr_entity *entity);

/* ---------------------------------------------------------------- reference_target.c */

/* The target of a reference by its foreign key, if the identity map has it. *known: true also when the key says that
 * there is none. */
mr_entity *mr_reference_target_by_key(mr_entity *entity, const mr_relationship *rel, bool *known);
/* The target of a reference now; becomes the loaded value where that needs no statement. *known false: *out is only the
 * object that holds this one in memory, if any. Loads the target only if the change needs it. */
mr_status mr_reference_target(mr_entity *entity, const mr_relationship *rel, mr_entity **out, bool *known);

#endif

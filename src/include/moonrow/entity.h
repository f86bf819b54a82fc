/*
 * entity.h: objects in memory: slots and their committed values, history, collections, the identity map, and the
 * heap that traces them. Knows nothing of SQL.
 *
 * Invariants: mr_entity_put, mr_entity_set and the collection functions are the only writers of slots and items
 * (the trace depends on it); the header of an entity never moves; what is reachable from a root is never
 * freed. */
#ifndef MOONROW_ENTITY_H
#define MOONROW_ENTITY_H

#include <moonrow/mapper.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flexible arrays are no part of C++, which knows them all the same. */
#if defined(__GNUC__) || defined(__clang__)
#define MR_EXTENSION __extension__
#else
#define MR_EXTENSION
#endif

typedef struct mr_owner mr_owner;
typedef struct mr_history mr_history;
typedef struct mr_collection mr_collection;
typedef struct mr_heap mr_heap;
typedef struct mr_idmap mr_idmap;

typedef enum mr_state { MR_TRANSIENT = 0, MR_PENDING, MR_PERSISTENT, MR_DELETED, MR_DETACHED } mr_state;

enum {                             /* mr_entity.flags */
       MR_ENTITY_MODIFIED = 1,     /* in the owner's dirty list */
       MR_ENTITY_HELD = 2,         /* a root: new, changed or deleted (set with mr_entity_hold) */
       MR_ENTITY_IN_MAP = 4,       /* in the owner's identity map */
       MR_ENTITY_TO_DELETE = 8,    /* marked by session:delete, not flushed yet */
       MR_ENTITY_FLUSHED_NEW = 16, /* inserted in the current transaction */
       MR_ENTITY_VISITED = 32,     /* scratch for graph walks; clear again */
       MR_ENTITY_PARTIAL = 64,     /* some column slots are expired one by one (refresh of names, savepoints) */
       MR_ENTITY_GONE = 128,       /* its row was found missing */
       MR_ENTITY_EXTRA =
           256, /* has values beyond nslots, kept aside by the heap (slots appended to the mapping later) */
       MR_ENTITY_SCRATCH_A = 512,
       MR_ENTITY_SCRATCH_B = 1024, /* the collections' own, set only within one call */
       MR_ENTITY_CASCADED = 2048,  /* TO_DELETE only because its parent is: the flush decides again whether it goes */
       MR_ENTITY_SPARED = 4096,    /* added again after the deletion: until the next flush no cascade deletes it */
       MR_ENTITY_UNDONE =
           8192, /* a rollback has made it transient: it still refers to objects that have forgotten it */
       MR_ENTITY_BAD_NULL = 16384,
       MR_ENTITY_BAD_KEEP =
           32768 /* its row has values of other types: they were read as NULL (BAD_NULL), or as they are (BAD_KEEP) */
       /* The bits from 65536 on name the transaction that has counted the object: see the session's uncommitted.c. */
};

/* One block per object: this header, its slots, then packed text. */
struct mr_entity {
    mr_mapper *mapper;
    mr_owner *owner;     /* counted; NULL for a transient object that never was in a session */
    uint32_t heap_slot;  /* its number in the heap */
    uint32_t generation; /* the owner's generation that its values are of */
    uint16_t nslots;
    uint8_t state; /* mr_state */
    uint8_t color; /* the trace's */
    uint32_t flags;
    uint32_t pins;         /* C handles and open results */
    uint32_t block_size;   /* bytes of this block, text included */
    uint32_t list_index;   /* position in the owner's dirty list, or in the session's new list */
    uint32_t insert_order; /* order of session:add, for the flush */
    uint32_t as_of;      /* the owner's version of the data that all of its loaded columns are of, or of a later one */
    mr_value identity;   /* MR_INT, or encoded bytes (OWNED); MR_UNLOADED: none */
    mr_history *history; /* committed values of changed slots; NULL when clean */
    void *origin;        /* counted by the load layer (mr_origin): loader options and batch siblings; or NULL */
    MR_EXTENSION mr_value slots[];
};

/* Versions of the data are counted by their owner: what others have committed makes another one, once a
 * read meets it. */
enum {
    MR_AS_OF_NOTHING = 0, /* no column is loaded */
    MR_AS_OF_UNKNOWN = 1, /* read elsewhere: older than all that the owner has met */
    MR_AS_OF_FIRST = 2
};

/* What a session shares with its entities. */
struct mr_owner {
    uint32_t refs;
    uint32_t generation; /* only rises; an entity of another generation is expired */
    mr_env *env;
    void *session; /* NULL once closed: the entities are detached */
    mr_idmap *idmap;
    mr_vec dirty;   /* mr_entity *: modified persistent ones */
    uint64_t reads; /* steps of loads so far: equal, nothing was read from the database meanwhile */
    uint32_t as_of; /* the latest version of the data that a read has met */
    bool versioned; /* the database tells versions apart; else each read meets another one */
    bool mixed;     /* something in memory may be of an older version */
};
mr_owner *mr_owner_new(mr_env *env, void *session);
mr_owner *mr_owner_retain(mr_owner *owner);
/* What the entity is to its session. The entities of a closed session are not told one by one: their own mark is older
 * than the session's end. */
mr_state mr_entity_state(const mr_entity *entity);
const char *mr_state_name(mr_state state); /* "transient" and the like; "unknown" for any other number */
void mr_owner_release(mr_owner *owner);    /* frees the identity map with the last reference */

/* ---------------------------------------------------------------- entities */

/* A transient object; all slots MR_UNLOADED. Not a root: pin it, or give it a proxy, before the next trace. */
mr_entity *mr_entity_new(mr_env *env, mr_mapper *mapper);
/* An object as loaded: state persistent, owner, generation, identity copied, in the identity map, values[i] copied into
 * slots[i] (i < n; MR_UNLOADED ones stay so), text packed into the block. */
mr_entity *mr_entity_load(mr_owner *owner, mr_mapper *mapper, const mr_value *identity, const mr_value *values,
                          unsigned n);
/* Writes a loaded value: no history. Text goes to where the old one was when it fits, else into memory of its own. Does
 * not touch a slot that is MR_VALUE_DIRTY unless force (then the change is dropped). */
mr_status mr_entity_put(mr_entity *entity, unsigned slot, const mr_value *value, bool force);
/* Puts the reference that a row gives (target NULL: none) into the slot. If the target has been given to another object
 * since, or to none, this side shows NULL, as a change of its own. */
mr_status mr_entity_put_reference(mr_entity *entity, const mr_property *prop, mr_entity *target, bool force);
/* A row says that item belongs to parent. Has the program given item to another object since, or to none? */
bool mr_entity_has_left(const mr_entity *parent, const mr_relationship *rel, mr_entity *item);
/* Writes a change: the committed value is kept once in the history; a value equal to the committed one clears the
 * mark again. Joins the owner's dirty list when persistent. value may be MR_UNLOADED only through mr_entity_forget. */
mr_status mr_entity_set(mr_entity *entity, unsigned slot, const mr_value *value);
/* Like put with force, but takes over what *value owns (MR_VALUE_OWNED) and leaves it MR_UNLOADED: for staged values.
 * Cannot fail when slot < nslots, or after mr_entity_reserve. */
mr_status mr_entity_give(mr_entity *entity, unsigned slot, mr_value *value);
/* Room for all slots that the mapping has now, those appended since the entity was made too. */
mr_status mr_entity_reserve(mr_entity *entity);
/* Joins the owner's dirty list, if persistent in an open session (set and the collection functions do so
 * themselves). */
mr_status mr_entity_mark_modified(mr_entity *entity);
/* Leaves the owner's dirty list; its changes stay. */
void mr_entity_leave_dirty(mr_entity *entity);
/* Makes a slot MR_UNLOADED again, dropping its change. */
void mr_entity_forget(mr_entity *entity, unsigned slot);
/* Drops all loaded values, changes too (refresh, rollback). Relationship slots as well. */
void mr_entity_expire(mr_entity *entity);
/* True, and the slots are cleared, when the owner's generation says that the entity has expired. Call at every touch,
 * and before state or owner are changed: what an expired entity refers to may have been freed. Only persistent entities
 * expire; one that becomes persistent needs its owner's generation. */
bool mr_entity_check_expired(mr_entity *entity);
static inline void mr_entity_touch(mr_entity *e) {
    if (e->owner && e->generation != e->owner->generation) mr_entity_check_expired(e);
}
/* The value of a reference that is read now; target may be NULL. Its len holds the version of the data. */
static inline mr_value mr_reference_value(const mr_entity *of, mr_entity *target) {
    mr_value v = mr_value_of(target ? MR_ENTITY : MR_NULL, 0);
    v.u.p = target;
    v.len = MR_AS_OF_NOTHING;
    if (of->owner) v.len = of->owner->as_of;
    return v;
}
/* The loaded relationship in the slot is as it was read at an older version of the data than the owner has met since,
 * and is not changed. */
bool mr_entity_relation_is_older(mr_entity *entity, const mr_property *prop);
/* Room for slots appended to the mapping since the entity was made: such slots read MR_UNLOADED. Returns the slot's
 * value, borrowed. */
const mr_value *mr_entity_slot(mr_entity *entity, unsigned slot);

/* History. */
struct mr_history {
    uint16_t n, cap;
    MR_EXTENSION struct {
        uint16_t slot;
        mr_value old;
    } entries[]; /* old MR_UNLOADED: was not loaded */
};
/* The row of a changed slot has another value by now: that is the committed value from now on. The change stays. */
mr_status mr_entity_put_committed(mr_entity *entity, unsigned slot, const mr_value *value);
/* The committed value of a slot: the history's, or the slot's own. */
const mr_value *mr_entity_committed(const mr_entity *entity, unsigned slot);
bool mr_entity_extra_is_dirty(const mr_entity *entity, unsigned slot); /* for slots beyond nslots */
static inline bool mr_entity_is_dirty(const mr_entity *e, unsigned slot) {
    if (slot < e->nslots) return (e->slots[slot].flags & MR_VALUE_DIRTY) != 0;
    return (e->flags & MR_ENTITY_EXTRA) != 0 && mr_entity_extra_is_dirty(e, slot);
}
/* Accepts all changes: history dropped, dirty marks cleared, out of the dirty list. Cannot fail. */
void mr_entity_accept(mr_entity *entity);
/* Marks the slot's value MR_VALUE_STORED, unless it was changed. */
void mr_entity_mark_stored(mr_entity *entity, unsigned slot);
/* Before it loses its row: what it refers to is marked MR_VALUE_KEPT where it was not changed. */
void mr_entity_keep_references(mr_entity *entity);
/* Puts the committed values back. Cannot fail. */
void mr_entity_revert(mr_entity *entity);

/* Roots. hold and unhold are for MR_ENTITY_HELD; pins are counted. Each marks for a running trace. */
void mr_entity_hold(mr_entity *entity);
void mr_entity_unhold(mr_entity *entity);
mr_entity *mr_entity_pin(mr_entity *entity);
void mr_entity_unpin(mr_entity *entity); /* NULL passes */

/* ---------------------------------------------------------------- identity */

/* The identity of key values in the primary key's order (normalised by mr_type_coerce already): an integer for int_key,
 * otherwise an encoding in buf, borrowed. false when all values are NULL, one is MR_UNLOADED (sets *out MR_UNLOADED),
 * or memory ran out (buf->oom). */
bool mr_identity_make(const mr_mapper *mapper, const mr_value *key, mr_strbuf *buf, mr_value *out);
/* Of one class. */
bool mr_identity_same(const mr_value *a, const mr_value *b);
/* Is a part of the key NULL? Its row is found by IS; no foreign key refers to it. */
bool mr_identity_has_null(const mr_mapper *mapper, const mr_value *key);
/* The values back from an identity; out has room for npk; bytes are borrowed from identity. */
void mr_identity_values(const mr_mapper *mapper, const mr_value *identity, mr_value *out);
/* "User 3" or "Entry ('a', 2)": for messages. */
void mr_identity_describe(const mr_mapper *mapper, const mr_value *identity, mr_strbuf *out);
mr_status mr_entity_set_identity(mr_entity *entity, const mr_value *identity); /* copies; out of the map beforehand */
void mr_entity_give_identity(mr_entity *entity,
                             mr_value *identity); /* takes over what *identity owns, which becomes MR_UNLOADED */

/* Identities are alike when a database may take their keys for equal: numbers and texts that are numbers of one value,
 * texts that differ in the case of letters or in spaces at the end. Alike ones have one hash (of an
 * integer: itself). */
uint64_t mr_identity_hash(const mr_mapper *root, const mr_value *identity /* no integer */);
bool mr_identity_alike(const mr_mapper *root, const mr_value *a, const mr_value *b);

mr_idmap *mr_idmap_new(mr_env *env);
void mr_idmap_free(mr_idmap *map);
/* An identity hit marks for a running trace; a white entity counts as absent while sweeping. */
mr_entity *mr_idmap_get(mr_idmap *map, const mr_mapper *root, const mr_value *identity);
/* mr_idmap_get; *alike: there may be entities for mr_idmap_alike. */
mr_entity *mr_idmap_find(mr_idmap *map, const mr_mapper *root, const mr_value *identity, bool *alike);
/* The next entity, from *cursor (first 0) on, whose identity is alike, but not the same; NULL. The map must not change
 * between. */
mr_entity *mr_idmap_alike(mr_idmap *map, const mr_mapper *root, const mr_value *identity, size_t *cursor);
mr_status mr_idmap_put(mr_idmap *map,
                       mr_entity *entity); /* by root mapper and identity; InvalidRequestError when another has it */
mr_status mr_idmap_reserve(mr_idmap *map, size_t more); /* puts of so many cannot fail then */
void mr_idmap_remove(mr_idmap *map, mr_entity *entity);
/* The entity has another identity from now on (copied), which no other one in the map has. Fails before it changes
 * anything. */
mr_status mr_idmap_rename(mr_idmap *map, mr_entity *entity, const mr_value *identity);
size_t mr_idmap_count(const mr_idmap *map);
mr_entity *mr_idmap_next(mr_idmap *map, size_t *cursor);

/* ---------------------------------------------------------------- collections */

/* A loaded or half-known list of related objects, owned by the slot it is in. While not loaded it holds only what was
 * appended and removed since (merged when loaded). */
struct mr_collection {
    mr_entity *parent;
    const mr_property *prop;
    bool loaded;
    uint32_t n, cap;
    mr_entity **items; /* in order; when not loaded: the appended ones */
    uint32_t nremoved, removed_cap;
    mr_entity **removed; /* when not loaded: the removed ones */
    bool has_committed;
    uint32_t ncommitted;
    mr_entity **committed; /* the items as the database has them, once changed (loaded ones only) */
    uint32_t version;      /* rises at each change: iterators check it */
    uint32_t as_of;        /* the owner's version of the data that the items are of, when loaded */
    uint32_t proxy_slot;   /* the binding's weak slot, 0: none */
    void *index;           /* DICT: key to item; large lists: item to count; or NULL */
};
/* The collection in the slot, made empty when there is none (loaded tells whether that is the truth). */
mr_collection *mr_entity_collection(mr_entity *parent, const mr_property *prop, bool loaded);
mr_status mr_collection_insert(mr_collection *c, uint32_t at, mr_entity *item); /* at <= n; keeps committed */
mr_status mr_collection_remove_at(mr_collection *c, uint32_t at);
/* The item at `at` makes room for another, which may be there already. Loaded collections only. */
mr_status mr_collection_replace_at(mr_collection *c, uint32_t at, mr_entity *item);
/* Position of the item, or UINT32_MAX. Fast for large lists too. */
uint32_t mr_collection_find(mr_collection *c, const mr_entity *item);
bool mr_collection_holds(mr_collection *c, const mr_entity *item);
/* Not loaded: notes that item was taken away. */
mr_status mr_collection_note_removed(mr_collection *c, mr_entity *item);
/* The rows from the database: merges what was appended and removed meanwhile; then loaded. Consumes nothing. One that
 * is loaded already and not changed takes on the rows, or stays untouched where they are the same. */
mr_status mr_collection_fill(mr_collection *c, mr_entity *const *items, uint32_t n);
/* Added and removed since committed, each once; appended to the vecs (mr_entity *). Either may be NULL. */
mr_status mr_collection_changes(mr_collection *c, mr_vec *added, mr_vec *removed, mr_vec *unchanged);
bool mr_collection_changed(const mr_collection *c);
/* Was the item in the collection before the changes that are not flushed? false as well where that is not known. */
bool mr_collection_held(const mr_collection *c, const mr_entity *item);
/* Counts as a change, though it may have been of nothing for nothing. */
void mr_collection_note_assigned(mr_collection *c);
/* Filled or changed ever since it was made: not one that was only looked at. */
bool mr_collection_is_set(const mr_collection *c);
void mr_collection_accept(mr_collection *c);

/* ---------------------------------------------------------------- heap */

/* What the binding answers. All may be NULL (no proxies). */
typedef struct mr_heap_hooks {
    void *ud;
    /* Sets the bits of those slots among chunk*256 .. chunk*256+255 that a live proxy holds. */
    void (*proxies)(void *ud, uint32_t chunk, uint64_t bits[4]);
    /* True once when a collection cycle of the host has ended since it was asked last. */
    bool (*cycle_ended)(void *ud);
    void (*full_collection)(void *ud);
    bool (*collector_stopped)(void *ud);
    /* An entity is about to be freed; only its header may be read, and nothing of moonrow may be called. */
    void (*freed)(void *ud, const mr_entity *entity);
} mr_heap_hooks;

/* The environment's heap, made at first use. NULL without memory. */
mr_heap *mr_heap_of(mr_env *env);
void mr_heap_set_hooks(mr_heap *heap, const mr_heap_hooks *hooks);
/* The entity of a proxy's {slot, generation}, or NULL when it is stale (or white while sweeping). Marks it. */
mr_entity *mr_heap_get(mr_heap *heap, uint32_t slot, uint32_t generation);
uint32_t mr_heap_generation(const mr_heap *heap, uint32_t slot);
/* Must be called when a proxy or handle to the entity is made. */
void mr_heap_mark(mr_heap *heap, mr_entity *entity);
size_t mr_heap_count(const mr_heap *heap); /* entities */
size_t mr_heap_bytes(const mr_heap *heap); /* entities and what they own */
/* Does at most about budget_us microseconds of the trace (0: starts one when none runs, and finishes it). True when a
 * trace ended. */
bool mr_heap_trace(mr_heap *heap, uint64_t budget_us);
/* At the outermost exit from the API: traces a little when it is time (memory past the threshold and a cycle ended). */
void mr_heap_pulse(mr_heap *heap);
/* Full trace at each pulse, for tests. */
void mr_heap_set_stress(mr_heap *heap, bool on);
/* For tests that must not depend on the clock: a trace with a budget then does one step of about so many entities (0:
 * by the clock again). */
void mr_heap_set_step(mr_heap *heap, uint32_t entities);
/* While > 0 nothing is traced (inside load, flush, callbacks). */
void mr_heap_block(mr_heap *heap);
void mr_heap_unblock(mr_heap *heap);

/* Randomised tests switch a rule off to see themselves fail. */
enum { MR_RULE_NEW_BLACK = 1, MR_RULE_WRITE_BARRIER = 2, MR_RULE_HANDLE_MARK = 4, MR_RULE_WHITE_ABSENT = 8 };
void mr_heap_disable_rules(mr_heap *heap, unsigned rules);

/* The load layer's hook that releases mr_entity.origin. */
void mr_heap_set_origin_release(mr_heap *heap, void (*release)(mr_env *env, void *origin));

#ifdef __cplusplus
}
#endif
#endif

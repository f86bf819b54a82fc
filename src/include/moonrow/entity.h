/*
 * entity.h: objects in memory: their slots and committed values, collections, the identity map, and the heap that frees
 * them. This layer knows nothing of SQL.
 *
 * Invariants: only mr_entity_put, mr_entity_set and the collection functions write slots and items (the trace depends
 * on this). The header of an entity never moves. An entity that is reachable from a root is never freed.
 *
 * All functions that return mr_status record an error when they return MR_FAIL: no memory, if nothing else is said. */
#ifndef MOONROW_ENTITY_H
#define MOONROW_ENTITY_H

#include <moonrow/mapper.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flexible arrays are not in the C++ standard, but compilers accept them with this. */
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
       MR_ENTITY_FLUSHED_NEW = 16, /* inserted in the transaction that has counted the object: see uncommitted.c */
       MR_ENTITY_VISITED = 32,     /* for graph walks, which clear it again */
       MR_ENTITY_PARTIAL = 64,     /* some column slots have expired one by one (refresh of names, savepoints) */
       MR_ENTITY_GONE = 128,       /* its row was found missing */
       MR_ENTITY_EXTRA =
           256, /* has values beyond nslots, kept aside by the heap (slots appended to the mapping later) */
       MR_ENTITY_SCRATCH_A = 512,
       MR_ENTITY_SCRATCH_B = 1024, /* used by collections, only inside one call */
       MR_ENTITY_CASCADED = 2048,  /* TO_DELETE only because its parent is: the flush decides again */
       MR_ENTITY_SPARED = 4096,    /* added again after a deletion: until the next flush no cascade deletes it */
       MR_ENTITY_UNDONE = 8192,    /* a rollback made it transient: it refers to objects that do not know it any more */
       MR_ENTITY_BAD_NULL = 16384,
       MR_ENTITY_BAD_KEEP =
           32768 /* its row has values of wrong types: they were read as NULL (BAD_NULL), or unchanged (BAD_KEEP) */
       /* The bits from 65536 on name the transaction that has counted the object: see the session's uncommitted.c. */
};

typedef enum mr_identity_kind {
    MR_IDENTITY_NONE = 0,
    MR_IDENTITY_INT,
    MR_IDENTITY_PACKED, /* bytes in the entity's own block, behind their length */
    MR_IDENTITY_OWNED   /* bytes in a block of their own */
} mr_identity_kind;

/* One block per object: this header, its slots, then packed text. A program has many of them, and each new page of
 * memory costs more than making the objects in it: so the header is 64 bytes long, and what most objects do not have
 * shares a place. */
struct mr_entity {
    mr_mapper *mapper;
    mr_owner *owner; /* counted; NULL for a transient object that never was in a session */
    union {
        int64_t i;
        char *bytes;
    } key;               /* read it with mr_entity_identity */
    void *rare;          /* NULL; an mr_history; or the origin alone, with its lowest bit set */
    uint32_t heap_slot;  /* its index in the heap's table */
    uint32_t generation; /* the owner's generation when its values were read */
    uint32_t flags;
    uint32_t pins;         /* C handles and open results */
    uint32_t as_of;        /* all loaded columns are of this version of the data, or of a later one */
    uint32_t list_index;   /* position in the owner's dirty list, or in the session's new list */
    uint32_t insert_order; /* order of session:add, for the flush; of an object with a row: scratch of the flush */
    uint16_t nslots;
    uint8_t state;             /* mr_state */
    uint8_t color : 2;         /* used by the trace */
    uint8_t identity_kind : 2; /* mr_identity_kind */
    bool owns : 1;             /* false: the entity owns nothing but its block, and refers to no other */
    bool shown : 1;            /* false: the layer above has never made a proxy of it; that layer's own */
    bool large : 1;            /* its block is none of the slab's */
    bool faced : 1;            /* it has faces: see mr_entity_set_face */
    MR_EXTENSION mr_value slots[];
};

/* Has the processor fetch the entity's header and first slots, which are used soon: a walk over many entities waits for
 * memory otherwise. */
static inline void mr_entity_prefetch(const mr_entity *e) {
#if defined(__GNUC__) || defined(__clang__)
    enum { LINE = 64 };
    __builtin_prefetch(e);
    __builtin_prefetch((const char *)e + (size_t)LINE);
    __builtin_prefetch((const char *)e + (size_t)2 * LINE);
#else
    (void)e;
#endif
}

/* The same in a walk over a vector of entities that is at index i: those that come soon. */
static inline void mr_entity_prefetch_of(const mr_vec *entities, size_t i) {
    enum { AHEAD = 12 };
    if (i + AHEAD < entities->len) mr_entity_prefetch((const mr_entity *)mr_vec_ptr(entities, i + AHEAD));
}

/* Versions of the data. The owner counts them: when a read finds that another connection has committed, that is a new
 * version. */
enum {
    MR_AS_OF_NOTHING = 0, /* no column is loaded */
    MR_AS_OF_UNKNOWN = 1, /* read elsewhere: older than all versions of the owner */
    MR_AS_OF_FIRST = 2
};

/* The data that a session shares with its entities. Counted by references. */
struct mr_owner {
    uint32_t refs;
    uint32_t generation; /* only rises; an entity of another generation is expired */
    mr_env *env;
    void *session;       /* mr_session *; NULL after the close: the entities are detached */
    const char *dialect; /* the name of the dialect that its entities were read in; NULL: not known. Static. */
    mr_idmap *idmap;
    mr_vec dirty;   /* mr_entity *: modified persistent entities */
    uint64_t reads; /* the number of rows read so far: if it is equal, nothing was read meanwhile */
    /* The last access that was part of a batch: reads before it, plus 1 (0: none), and how many objects of the same
     * result had loaded the same by themselves, if it was the first that did not. */
    uint64_t batch_at;
    uint32_t batch_after;
    uint32_t as_of; /* the latest version of the data that was read */
    bool versioned; /* the database tells versions; else each read counts as a new one */
    bool mixed;     /* something in memory may be of an older version */
    bool batches;   /* what an access has loaded last is of those that load in batches */
};
/* A new owner with one reference. session: the mr_session, borrowed. NULL: no memory. */
mr_owner *mr_owner_new(mr_env *env, void *session);
/* Adds a reference; NULL passes. */
mr_owner *mr_owner_retain(mr_owner *owner);
/* Drops a reference; the last one frees the owner and its identity map. NULL passes. */
void mr_owner_release(mr_owner *owner);
/* Its session has closed: its entities are detached now. This takes the same time for any number of unchanged
 * entities. */
void mr_owner_close(mr_owner *owner);
/* The state of the entity for its session. The entities of a closed session keep their old state in the struct: for
 * them this is MR_DETACHED. */
mr_state mr_entity_state(const mr_entity *entity);
/* "transient" and the like; "unknown" for any other number. */
const char *mr_state_name(mr_state state);

/* A place in the identity map for a new entity. It is good until the next change of the map. */
typedef struct mr_idmap_place {
    size_t at;
    uint32_t tag;
    bool alike; /* there may be other entities with an alike identity: ask mr_idmap_alike */
} mr_idmap_place;

/* ---------------------------------------------------------------- entities */

/* A new transient object; all slots are MR_UNLOADED. It is no root: pin it, or give it a proxy, before the next trace.
 * NULL: no memory. */
mr_entity *mr_entity_new(mr_env *env, mr_mapper *mapper);
/* A value and the slot where it goes. */
typedef struct mr_slot_value {
    unsigned slot;
    mr_value value;
} mr_slot_value;
/* The same, with n values, each of another slot below mapper->nslots, and none of them an opaque value, an object or a
 * collection. They are copied; text is packed into the object's block. */
mr_entity *mr_entity_new_with(mr_env *env, mr_mapper *mapper, const mr_slot_value *values, unsigned n);
/* A persistent object of the owner, as if loaded from a row: it is in the identity map, and values[i] is copied into
 * slots[i] for i < n. identity and values are copied; text is packed into the object's block. It is no root. NULL: no
 * memory, or another object has the identity. */
mr_entity *mr_entity_load(mr_owner *owner, mr_mapper *mapper, const mr_value *identity, const mr_value *values,
                          unsigned n);
/* A slot of an entity, and the number of its value in a row. */
typedef struct mr_slot_source {
    uint16_t column;
    uint16_t slot;
} mr_slot_source;
/* The same, if mr_idmap_seek has found no entity, and a place for it. The n values are those of the row that sources
 * names; the class's slots that no source names, or that it does not have, are left out. sources NULL: the row's first
 * n values are those of the first n slots. */
mr_entity *mr_entity_load_at(mr_owner *owner, mr_mapper *mapper, const mr_value *identity, const mr_value *row,
                             const mr_slot_source *sources, unsigned n, const mr_idmap_place *at);
/* Where the object was loaded: a counted mr_origin of the load layer, with loader options and objects loaded together;
 * or NULL. */
void *mr_entity_origin(const mr_entity *entity);
/* Only load calls this: it counts the origins, and releases the old one. */
void mr_entity_set_origin(mr_entity *entity, void *origin);
/* Writes a value that was loaded: it is no change. The value is copied. A slot with an unflushed change is not touched,
 * unless force is true: then the change is lost. */
mr_status mr_entity_put(mr_entity *entity, unsigned slot, const mr_value *value, bool force);
/* Writes a reference that was loaded. target NULL: the row refers to nothing. If the program has given the target to
 * another object since, or taken it away, the slot shows NULL, and that is a change. force: as in mr_entity_put. */
mr_status mr_entity_put_reference(mr_entity *entity, const mr_property *prop, mr_entity *target, bool force);
/* A row says that item belongs to parent. Has the program given item to another object since, or taken it away? */
bool mr_entity_has_left(const mr_entity *parent, const mr_relationship *rel, mr_entity *item);
/* Writes a change. The value is copied; the committed value is kept in the history. A value equal to the committed one
 * undoes the change. A persistent object joins the owner's dirty list. MR_UNLOADED does what mr_entity_forget does. */
mr_status mr_entity_set(mr_entity *entity, unsigned slot, const mr_value *value);
/* The face of a slot's value: an opaque value that the program sees instead. NULL: it has none. */
const mr_value *mr_entity_face(const mr_entity *entity, unsigned slot);
/* Gives the value that is in the slot now a face, which is retained. It is gone when the slot gets another value. An
 * empty slot is left as it is. */
mr_status mr_entity_set_face(mr_entity *entity, unsigned slot, const mr_value *face);
/* Replaces a value of the program's own (mr_value_is_own) by the plain value (copied) that is sent for it, and makes it
 * the face of that if it stays to be shown. It stays a change if it was one. */
mr_status mr_entity_settle(mr_entity *entity, unsigned slot, const mr_value *value, bool shown);
/* Like mr_entity_put with force, but moves *value into the slot, and leaves it MR_UNLOADED. Cannot fail when slot <
 * nslots or after mr_entity_reserve, if the value owns its bytes. */
mr_status mr_entity_give(mr_entity *entity, unsigned slot, mr_value *value);
/* Makes room for all slots of the mapping, also for those that were appended after the object was made. */
mr_status mr_entity_reserve(mr_entity *entity);
/* Puts the object into the owner's dirty list, if it is persistent in an open session. mr_entity_set and the collection
 * functions do this themselves. */
mr_status mr_entity_mark_modified(mr_entity *entity);
/* Takes the object out of the owner's dirty list; its changes stay. */
void mr_entity_leave_dirty(mr_entity *entity);
/* The layer above has made something of the value in the slot that the program may change: a table of its JSON, a
 * composite value. Marks it MR_VALUE_SHOWN. Whatever unloads the slot, or writes another JSON into it, takes the mark
 * away. */
void mr_entity_mark_shown(mr_entity *entity, unsigned slot);
/* Makes a slot MR_UNLOADED again; a change of it is lost. */
void mr_entity_forget(mr_entity *entity, unsigned slot);
/* Drops the values of all slots, relationships and changes included. They are read again when they are needed. */
void mr_entity_expire(mr_entity *entity);
/* Has the object expired because the owner has a newer generation? Then its slots are cleared. Call this before every
 * use of slots, and before changing state or owner: the objects that an expired object refers to may be freed. Only
 * persistent objects expire. An object that becomes persistent must get its owner's generation. */
bool mr_entity_check_expired(mr_entity *entity);
static inline void mr_entity_touch(mr_entity *e) {
    if (e->owner && e->generation != e->owner->generation) mr_entity_check_expired(e);
}
/* The value of a reference that is read now; target NULL: none. The value's len is the version of the data. */
static inline mr_value mr_reference_value(const mr_entity *of, mr_entity *target) {
    mr_value v = mr_value_of(target ? MR_ENTITY : MR_NULL, 0);
    v.u.p = target;
    v.len = MR_AS_OF_NOTHING;
    if (of->owner) v.len = of->owner->as_of;
    return v;
}
/* Was the relationship in the slot read from an older version of the data than the owner has read since? false for one
 * that is not loaded or that is changed. */
bool mr_entity_relation_is_older(mr_entity *entity, const mr_property *prop);
/* The value of the slot, borrowed. A slot that was appended to the mapping after the object was made reads MR_UNLOADED.
 */
const mr_value *mr_entity_slot(mr_entity *entity, unsigned slot);

/* The committed values of changed slots. */
struct mr_history {
    void *origin; /* the entity's */
    uint16_t n, cap;
    MR_EXTENSION struct {
        uint16_t slot;
        mr_value old;
    } entries[]; /* old MR_UNLOADED: the value was not loaded */
};
/* NULL: the object is clean. */
static inline mr_history *mr_entity_history(const mr_entity *e) {
    return (uintptr_t)e->rare & 1 ? NULL : (mr_history *)e->rare;
}
/* Does what mr_entity_set does with a plain value (mr_kind_is_plain), if that is only to write it over another one: the
 * slot is changed already, or keeps no committed value. false: nothing has happened. The object has not expired. In
 * line, because this is most of what a program's assignment costs. */
static inline bool mr_entity_overwrite(mr_entity *e, unsigned slot, const mr_value *value) {
    if (slot >= e->nslots) return false;
    mr_value *place = &e->slots[slot];
    uint8_t flags = place->flags;
    if ((place->kind != value->kind && !mr_kind_is_plain(place->kind)) || (flags & ~MR_VALUE_DIRTY)) return false;
    if (e->state != MR_TRANSIENT && e->state != MR_PENDING) {
        const mr_history *h = mr_entity_history(e);
        unsigned i = 0, n = h ? h->n : 0;
        while (i < n && h->entries[i].slot != slot) i++;
        if (i == n) return false;
        /* The committed value again would end the change. */
        const mr_value *old = &h->entries[i].old;
        if (old->kind == value->kind &&
            (old->kind == MR_INT ? old->u.i == value->u.i : old->kind != MR_FLOAT || old->u.d == value->u.d))
            return false;
    }
    place->kind = value->kind;
    place->tag = value->tag;
    place->len = value->len;
    place->u = value->u;
    return true;
}
/* The row of a changed slot has another value by now: it becomes the committed value. The change stays. */
mr_status mr_entity_put_committed(mr_entity *entity, unsigned slot, const mr_value *value);
/* The committed value of a slot, borrowed: from the history, or the slot's own value if it is not changed. */
const mr_value *mr_entity_committed(const mr_entity *entity, unsigned slot);
/* mr_entity_is_dirty for slots beyond nslots. */
bool mr_entity_extra_is_dirty(const mr_entity *entity, unsigned slot);
/* Has the slot a change that is not flushed? */
static inline bool mr_entity_is_dirty(const mr_entity *e, unsigned slot) {
    if (slot < e->nslots) return (e->slots[slot].flags & MR_VALUE_DIRTY) != 0;
    return (e->flags & MR_ENTITY_EXTRA) != 0 && mr_entity_extra_is_dirty(e, slot);
}
/* The database has all changes now: drops the history and the dirty marks, and leaves the dirty list. Cannot fail. */
void mr_entity_accept(mr_entity *entity);
/* Marks the slot's value MR_VALUE_STORED (it came from a row), unless it was changed. */
void mr_entity_mark_stored(mr_entity *entity, unsigned slot);
/* Call before the object loses its row: marks unchanged references with MR_VALUE_KEPT. */
void mr_entity_keep_references(mr_entity *entity);
/* Undoes all changes: puts the committed values back. Cannot fail. */
void mr_entity_revert(mr_entity *entity);

/* Roots keep an object, and all that it reaches, alive. mr_entity_hold sets the flag MR_ENTITY_HELD; pins are counted.
 * mr_entity_pin returns the object. */
void mr_entity_hold(mr_entity *entity);
void mr_entity_unhold(mr_entity *entity);
mr_entity *mr_entity_pin(mr_entity *entity);
/* The same for an object that was made, or found in the identity map, since the heap was blocked: a running trace knows
 * of it. */
static inline void mr_entity_pin_found(mr_entity *entity) { entity->pins++; }
static inline void mr_entity_unpin(mr_entity *entity) { /* NULL passes */
    if (entity) entity->pins--;
}

/* ---------------------------------------------------------------- identity */

/* Makes the identity of a key. key: npk values in the order of the primary key, coerced by mr_type_coerce. *out: an
 * integer for a class with int_key, else bytes borrowed from buf. false, and *out MR_UNLOADED: all values are NULL, or
 * one is MR_UNLOADED, or there is no memory (buf->oom). */
bool mr_identity_make(const mr_mapper *mapper, const mr_value *key, mr_strbuf *buf, mr_value *out);
/* The identity of an object that has no integer; its bytes are borrowed from the object. */
mr_value mr_entity_other_identity(const mr_entity *entity);
/* The identity of an object; its bytes are borrowed. MR_UNLOADED: it has none. */
static inline mr_value mr_entity_identity(const mr_entity *e) {
    return e->identity_kind == MR_IDENTITY_INT ? mr_int_value(e->key.i) : mr_entity_other_identity(e);
}
static inline bool mr_entity_has_identity(const mr_entity *e) { return e->identity_kind != MR_IDENTITY_NONE; }
/* Are the two identities of one class equal? */
bool mr_identity_same(const mr_value *a, const mr_value *b);
/* Is a part of the key NULL? Then its row is found by IS NULL, and no foreign key refers to it. */
bool mr_identity_has_null(const mr_mapper *mapper, const mr_value *key);
/* The key values of an identity. out: room for npk values; their bytes are borrowed from identity. */
void mr_identity_values(const mr_mapper *mapper, const mr_value *identity, mr_value *out);
/* Appends "User 3" or "Entry ('a', 2)" to out, for messages. */
void mr_identity_describe(const mr_mapper *mapper, const mr_value *identity, mr_strbuf *out);
/* The key values of an object that has an identity. out: as above; their bytes are borrowed from the object. */
void mr_entity_key(const mr_entity *entity, mr_value *out);
/* Appends "User 3" to out; of an object without an identity, the class's name. */
void mr_entity_describe(const mr_entity *entity, mr_strbuf *out);
/* Sets the identity, a copy. The object must not be in the identity map. */
mr_status mr_entity_set_identity(mr_entity *entity, const mr_value *identity);
/* The same, but moves *identity, and leaves it MR_UNLOADED. Cannot fail. */
void mr_entity_give_identity(mr_entity *entity, mr_value *identity);

/* Two identities are alike if a database may treat their keys as equal: a number and a text with the same number, or
 * texts that differ only in case or in spaces at the end. Alike identities have the same hash. root: the root class.
 * The hash of an integer identity is the integer itself: do not ask for it. */
uint64_t mr_identity_hash(const mr_mapper *root, const mr_value *identity /* no integer */);
/* Are the two identities alike? */
bool mr_identity_alike(const mr_mapper *root, const mr_value *a, const mr_value *b);

/* An empty identity map. It does not keep its entities alive. NULL: no memory. */
mr_idmap *mr_idmap_new(mr_env *env);
void mr_idmap_free(mr_idmap *map); /* NULL passes */
/* Empties the map for ever: later puts and removes do nothing. */
void mr_idmap_close(mr_idmap *map);
/* The entity with the identity, borrowed; NULL: there is none. */
mr_entity *mr_idmap_get(mr_idmap *map, const mr_mapper *root, const mr_value *identity);
/* The same of an integer identity. */
mr_entity *mr_idmap_get_int(mr_idmap *map, const mr_mapper *root, int64_t key);
/* *found: the same. If it is NULL, *out is a place for a new entity with this identity. Fails when there is no memory
 * for one more entity. */
mr_status mr_idmap_seek(mr_idmap *map, const mr_mapper *root, const mr_value *identity, mr_idmap_place *out,
                        mr_entity **found);
/* A place for a new entity of the class. InvalidRequestError: there is one with this identity. */
mr_status mr_idmap_vacant(mr_idmap *map, const mr_mapper *mapper, const mr_value *identity, mr_idmap_place *out);
void mr_idmap_put_at(mr_idmap *map, mr_entity *entity, const mr_idmap_place *at);
/* The next entity whose identity is alike, but not equal; NULL: no more. *cursor: 0 at the first call. The map must not
 * change between the calls. */
mr_entity *mr_idmap_alike(mr_idmap *map, const mr_mapper *root, const mr_value *identity, size_t *cursor);
/* Adds the entity under its root class and identity. InvalidRequestError: another entity has the identity. */
mr_status mr_idmap_put(mr_idmap *map, mr_entity *entity);
/* Makes room for so many more entities: adding them cannot fail then. */
mr_status mr_idmap_reserve(mr_idmap *map, size_t more);
/* Removes the entity; nothing happens if it is not in the map. */
void mr_idmap_remove(mr_idmap *map, mr_entity *entity);
/* Gives the entity another identity, a copy. No other entity in the map may have it. On failure nothing has changed. */
mr_status mr_idmap_rename(mr_idmap *map, mr_entity *entity, const mr_value *identity);
size_t mr_idmap_count(const mr_idmap *map);
/* The next entity, in any order; NULL: no more. *cursor: 0 at the first call. */
mr_entity *mr_idmap_next(mr_idmap *map, size_t *cursor);

/* ---------------------------------------------------------------- collections */

/* The related objects of one object. The slot owns the collection. An unloaded collection holds only the items that
 * were appended and removed; loading merges these with the rows. */
struct mr_collection {
    mr_entity *parent;
    const mr_property *prop;
    bool loaded;
    bool partial; /* unloaded, but committed holds some of its items, for a program to look at: a limit for each parent
                   */
    uint32_t n, cap;
    mr_entity **items; /* in order; unloaded: the appended items */
    uint32_t nremoved, removed_cap;
    mr_entity **removed; /* unloaded: the removed items */
    bool has_committed;  /* committed is valid: the collection was changed */
    uint32_t ncommitted;
    mr_entity **committed; /* loaded: the items in the database, before the changes */
    uint32_t version;      /* rises at each change, over all collections of the heap; 0: never filled or changed */
    uint32_t as_of;        /* loaded: the version of the data of the items */
    uint32_t proxy_slot;   /* slot of the binding's weak table; 0: none */
    void *index;           /* of a large collection: see collection_index.c; or NULL */
};
/* The collection in the slot. If there is none, an empty one is made; loaded: does empty mean that there are no items?
 * NULL: no memory. */
mr_collection *mr_entity_collection(mr_entity *parent, const mr_property *prop, bool loaded);
/* Inserts the item as a change. at: 0-based; n or more: at the end. */
mr_status mr_collection_insert(mr_collection *c, uint32_t at, mr_entity *item);
/* Removes the item at a 0-based position as a change. ArgumentError: there is none. */
mr_status mr_collection_remove_at(mr_collection *c, uint32_t at);
/* Puts item in the place of the item at `at` (< n), as a change. Only for loaded collections. */
mr_status mr_collection_replace_at(mr_collection *c, uint32_t at, mr_entity *item);
/* A position of the item, or UINT32_MAX. Fast for large collections, too. */
uint32_t mr_collection_find(mr_collection *c, const mr_entity *item);
/* The same among the items that a program sees. */
uint32_t mr_collection_find_shown(mr_collection *c, const mr_entity *item);
/* Is the item in the collection? */
bool mr_collection_holds(mr_collection *c, const mr_entity *item);
/* Removes the item from an unloaded collection: notes that it was removed. */
mr_status mr_collection_note_removed(mr_collection *c, mr_entity *item);
/* Fills the collection with n items from the database, and merges what was appended and removed meanwhile. Then it is
 * loaded. items stay the caller's. A loaded collection without changes gets the new items, too. */
mr_status mr_collection_fill(mr_collection *c, mr_entity *const *items, uint32_t n);
/* Gives an unloaded collection some of its items to show. It stays unloaded for all but those who look at it
 * (mr_collection_shown). One that is loaded, or has changes, is left as it is. */
mr_status mr_collection_fill_part(mr_collection *c, mr_entity *const *items, uint32_t n);
/* The latest version of a collection of the heap. */
uint32_t mr_collections_version(const mr_heap *heap);
/* Was the collection filled by the function above after that version? */
bool mr_collection_is_part_since(const mr_collection *c, uint32_t version);
/* The items that a program sees, in order. *n: their number. */
static inline mr_entity *const *mr_collection_shown(const mr_collection *c, uint32_t *n) {
    *n = c->partial ? c->ncommitted : c->n;
    return c->partial ? c->committed : c->items;
}
/* Appends the items that were added, removed and not changed since the last flush, each once, to vectors of mr_entity
 * *. Each vector may be NULL. */
mr_status mr_collection_changes(mr_collection *c, mr_vec *added, mr_vec *removed, mr_vec *unchanged);
/* Has the collection changes that are not flushed? */
bool mr_collection_changed(const mr_collection *c);
/* Was the item in the collection before the changes that are not flushed? false also if that is not known. */
bool mr_collection_held(const mr_collection *c, const mr_entity *item);
/* The program has assigned the collection: that counts as setting it, even if the items are the same. */
void mr_collection_note_assigned(mr_collection *c);
/* Was the collection ever filled, changed or assigned? false: it was only looked at. */
bool mr_collection_is_set(const mr_collection *c);
/* The database has the changes now. Cannot fail. */
void mr_collection_accept(mr_collection *c);

/* ---------------------------------------------------------------- heap */

/* The heap's questions to the binding. Each function may be NULL. A proxy is the binding's value for an entity; it
 * keeps the entity alive. */
typedef struct mr_heap_hooks {
    void *ud;
    /* Sets the bits of those slots from chunk*256 to chunk*256+255 that have a live proxy. */
    void (*proxies)(void *ud, uint32_t chunk, uint64_t bits[4]);
    /* Has a cycle of the host's collector ended since the last call? */
    bool (*cycle_ended)(void *ud);
    /* Runs a full cycle of the host's collector. */
    void (*full_collection)(void *ud);
    /* Has the program stopped the host's collector? Then the heap is not traced either. */
    bool (*collector_stopped)(void *ud);
    /* An entity is about to be freed. Read only its header, and call nothing of moonrow. */
    void (*freed)(void *ud, const mr_entity *entity);
} mr_heap_hooks;

/* The heap of the environment, made at the first call. The environment frees it. NULL: no memory. */
mr_heap *mr_heap_of(mr_env *env);
/* Sets the hooks, a copy; NULL: none. */
void mr_heap_set_hooks(mr_heap *heap, const mr_heap_hooks *hooks);
/* Where the heap finds an entity; it stands at the start of a heap, for mr_heap_look. */
typedef struct mr_heap_table {
    mr_entity **entities;  /* by slot; a free slot holds the next free one as (next << 1 | 1); slot 0 is never used */
    uint32_t *generations; /* by slot; rises when the entity in the slot is freed */
    uint32_t used;         /* slots 1 .. used-1 were given out at some time */
    uint8_t phase;         /* of the trace; 0: none is running */
} mr_heap_table;
/* A free slot's entry is odd. */
static inline bool mr_heap_slot_is_free(const mr_entity *entry) { return ((uintptr_t)entry & 1) != 0; }
/* The entity that a proxy names by {slot, generation}, marked for a running trace. NULL: it was freed, or is about to
 * be. */
mr_entity *mr_heap_get(mr_heap *heap, uint32_t slot, uint32_t generation);
/* The same in line, where that is easy. NULL: ask mr_heap_get. */
static inline mr_entity *mr_heap_look(const mr_heap *heap, uint32_t slot, uint32_t generation) {
    const mr_heap_table *table = (const mr_heap_table *)(const void *)heap;
    if (slot >= table->used || table->generations[slot] != generation || table->phase) return NULL;
    mr_entity *e = table->entities[slot];
    return mr_heap_slot_is_free(e) ? NULL : e;
}
/* The generation of the entity in the slot, for a handle. */
uint32_t mr_heap_generation(const mr_heap *heap, uint32_t slot);
/* Call this when a proxy or handle of the entity is made. */
void mr_heap_mark(mr_heap *heap, mr_entity *entity);
size_t mr_heap_count(const mr_heap *heap); /* the number of entities */
size_t mr_heap_bytes(const mr_heap *heap); /* of the entities and what they own */
/* Runs the trace for about budget_us microseconds; starts one if none is running. 0: until it ends. Returns whether a
 * trace has ended. */
bool mr_heap_trace(mr_heap *heap, uint64_t budget_us);
/* Call at the end of each outermost call of the API: traces a little when it is time for it (the heap is above its
 * threshold, and a cycle of the host's collector has ended). */
void mr_heap_pulse(mr_heap *heap);
/* For tests: a full trace at each pulse. */
void mr_heap_set_stress(mr_heap *heap, bool on);
/* For tests that must not depend on the clock: a trace with a budget does one step of about so many entities. 0: the
 * clock counts again. */
void mr_heap_set_step(mr_heap *heap, uint32_t entities);
/* Between block and unblock nothing is traced (inside load, flush, callbacks). Calls may be nested. */
void mr_heap_block(mr_heap *heap);
void mr_heap_unblock(mr_heap *heap);

/* For tests: switches rules of the trace off. A randomised test does so to prove that it would notice. */
enum { MR_RULE_NEW_BLACK = 1, MR_RULE_WRITE_BARRIER = 2, MR_RULE_HANDLE_MARK = 4, MR_RULE_WHITE_ABSENT = 8 };
void mr_heap_disable_rules(mr_heap *heap, unsigned rules);

/* Set by the load layer: called at the end of each trace, when the entities that it has found dead are freed. It may
 * free memory, and touches no entity. */
void mr_heap_set_swept(mr_heap *heap, void (*swept)(mr_env *env));
/* Set by the load layer: releases mr_entity.origin when an entity is freed. */
void mr_heap_set_origin_release(mr_heap *heap, void (*release)(mr_env *env, void *origin));

#ifdef __cplusplus
}
#endif
#endif

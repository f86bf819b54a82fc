/*
 * heap_private.h: the heap's own data and functions. Only for the files of this folder.
 *
 * Invariant: during the marking of a trace, a black entity refers to a white one only if the black one waits on the
 * gray stack, in the list of big collections, or for the rescan. Code that makes a reference or a root calls
 * heap_mark_written or heap_mark_handle.
 */
#ifndef MOONROW_ENTITY_HEAP_PRIVATE_H
#define MOONROW_ENTITY_HEAP_PRIVATE_H

#include <moonrow/entity.h>

typedef enum heap_phase { HEAP_IDLE = 0, HEAP_ROOTS, HEAP_MARK, HEAP_SWEEP } heap_phase;

/* The values of slots that were appended to the mapping after the entity was made: n of them, from slot nslots on. */
typedef struct entity_extra {
    const mr_entity *entity; /* the key */
    uint32_t n;
    mr_value *values;
} entity_extra;

/* The faces of an entity's values, by slot. */
typedef struct entity_faces {
    const mr_entity *entity; /* the key */
    uint32_t n;
    mr_value *values;
} entity_faces;

/* An array of a collection that is too long to be marked in one step: the items before pos are marked. */
typedef enum big_array { BIG_ITEMS, BIG_REMOVED, BIG_COMMITTED } big_array;
typedef struct big_entry {
    mr_collection *collection;
    big_array which;
    uint32_t pos;
} big_entry;

struct mr_heap {
    mr_heap_table table;
    mr_env *env;
    uint32_t cap;                /* of the table */
    uint32_t free_slot;          /* the first free one, or 0 */
    uint32_t first_generation;   /* of a slot that is new, or is made again after a shrink */
    uint32_t collection_version; /* the last one that a collection was given */
    size_t count;
    size_t bytes;
    size_t threshold;
    mr_slab slab;   /* the entities' blocks */
    mr_map *extras; /* of entity_extra */
    mr_map *faces;  /* of entity_faces */
    /* the trace */
    uint8_t black; /* the color of live entities: 1 or 2, changes at the start of each trace */
    bool marking;  /* phase is HEAP_ROOTS or HEAP_MARK */
    bool overflow; /* a gray entity could not be pushed: rescan */
    bool rescanning;
    bool armed; /* above the threshold: waiting for the end of a cycle of the host's collector */
    bool stress;
    uint32_t step; /* the number of entities of one step; 0: the clock ends a step */
    unsigned rules_off;
    uint32_t blocked;
    uint32_t cursor; /* HEAP_ROOTS: a chunk; rescan and HEAP_SWEEP: a slot */
    mr_vec gray;     /* mr_entity * */
    mr_vec big;      /* big_entry */
    mr_heap_hooks hooks;
    void (*origin_release)(mr_env *env, void *origin);
    void (*swept)(mr_env *env); /* or NULL */
};

enum { HEAP_MIN_THRESHOLD = 1024 * 1024, HEAP_PULSE_US = 500, HEAP_CHUNK = 256, HEAP_LARGE = 8192 };

static inline mr_heap *heap_of(const mr_entity *e) { return mr_env_get(e->mapper->env, MR_ENV_HEAP); }

/* Colors e black, and puts it on the gray stack if it may refer to others. */
void mr_heap_gray(mr_heap *heap, mr_entity *e);

static inline void heap_color(mr_entity *e, unsigned color) { e->color = color & 3u; }

static inline void heap_mark_unless(mr_heap *heap, mr_entity *e, unsigned rule) {
    if (heap->marking && e->color != heap->black && !(heap->rules_off & rule)) mr_heap_gray(heap, e);
}
/* Rule 2: a reference to e was written. */
static inline void heap_mark_written(mr_heap *heap, mr_entity *e) { heap_mark_unless(heap, e, MR_RULE_WRITE_BARRIER); }
/* Rule 3: e has become a root or was found by its identity. */
static inline void heap_mark_handle(mr_heap *heap, mr_entity *e) { heap_mark_unless(heap, e, MR_RULE_HANDLE_MARK); }
/* Rule 4: e is about to be freed, and counts as absent. */
static inline bool heap_is_absent(const mr_heap *heap, const mr_entity *e) {
    return heap->table.phase == HEAP_SWEEP && e->color != heap->black && !(heap->rules_off & MR_RULE_WHITE_ABSENT);
}

/* The bytes of the entity's block. */
size_t mr_heap_block_size(mr_entity *e);
/* A block for an entity of the class, with room for `text` bytes of packed text. Its header is filled in, its slots are
 * not. The heap does not know it yet. NULL: no memory. */
mr_entity *mr_heap_allocate(mr_heap *heap, mr_mapper *mapper, size_t text);
/* Makes the table larger: for heap_reserve. */
mr_status mr_heap_grow(mr_heap *heap);
/* Frees a block that the heap does not know. */
void mr_heap_discard(mr_heap *heap, mr_entity *e);
/* Makes room for one more heap_adopt. */
static inline mr_status heap_reserve(mr_heap *heap) {
    return heap->free_slot || heap->table.used < heap->cap ? MR_OK : mr_heap_grow(heap);
}
/* After a trace: frees the unused end of the table. */
void mr_heap_shrink(mr_heap *heap);
/* Gives the entity its slot. Cannot fail after a reserve. */
static inline void heap_adopt(mr_heap *heap, mr_entity *e) {
    uint32_t slot = heap->free_slot;
    if (slot) {
        heap->free_slot = (uint32_t)((uintptr_t)heap->table.entities[slot] >> 1);
    } else {
        slot = heap->table.used++;
        heap->table.generations[slot] = heap->first_generation;
    }
    heap->table.entities[slot] = e;
    e->heap_slot = slot;
    /* Rule 1: a new entity is black. Outside a trace all entities are black. */
    bool white = heap->table.phase != HEAP_IDLE && (heap->rules_off & MR_RULE_NEW_BLACK);
    heap_color(e, white ? 3u - heap->black : heap->black);
    heap->count++;
    heap->bytes += mr_heap_block_size(e);
}
/* Frees an entity and everything that it owns. Does not read the entities that it refers to: they may be freed. */
void mr_heap_free_entity(mr_heap *heap, mr_entity *e);

/* Have the values of e expired? Yes if the owner has a newer generation. An object without a row never expires: there
 * is nothing to read again. */
static inline bool entity_is_expired(const mr_entity *e) {
    return e->owner && e->generation != e->owner->generation && e->state == MR_PERSISTENT;
}

/* Frees the faces of the entity. (face.c) */
void mr_faces_free(mr_heap *heap, mr_entity *e);
/* The place where the value of a slot is. NULL: the slot is beyond nslots, and holds nothing. */
mr_value *mr_entity_place(const mr_entity *e, unsigned slot);
/* The same, made if it is missing. NULL: no memory. */
mr_value *mr_entity_make_place(mr_entity *e, unsigned slot);
entity_extra *mr_entity_extra(const mr_entity *e); /* NULL: none */
/* Clears one value in a slot or in a history. A collection is freed. */
void mr_entity_clear_value(mr_heap *heap, mr_value *v);
void mr_entity_leave_dirty(mr_entity *e);
/* Takes the entity out of the dirty list if nothing of it is changed any more. */
void mr_entity_leave_if_clean(mr_entity *e);

/* The number of bytes that the value owns, for heap->bytes. */
static inline size_t value_bytes(const mr_value *v) {
    return (v->flags & MR_VALUE_OWNED) && mr_kind_is_bytes(v->kind) ? (size_t)v->len + 1 + sizeof(size_t) : 0;
}

/* identity.c */
/* The new entity, which has no identity, gets one; bytes are packed at text. Returns the text's new end. */
char *mr_identity_pack(mr_entity *e, const mr_value *identity, char *text);
/* The bytes that it takes there. */
size_t mr_identity_packed_size(const mr_value *identity);
/* The entity has no identity any more. */
void mr_identity_clear(mr_heap *heap, mr_entity *e);

/* history.c */
mr_value *mr_history_find(const mr_entity *e, unsigned slot); /* the old value, or NULL */
mr_status mr_history_reserve(mr_entity *e);                   /* room for one more entry */
void mr_history_push(mr_entity *e, unsigned slot,
                     const mr_value *old);                        /* call mr_history_reserve before; takes old over */
void mr_history_take(mr_entity *e, unsigned slot, mr_value *old); /* removes the entry and gives its value */
void mr_history_drop(mr_heap *heap, mr_entity *e); /* frees all entries; the caller clears the dirty marks */

/* collection.c */
/* Frees the collection, not its items. */
void mr_collection_free(mr_heap *heap, mr_collection *c);
/* Puts the committed items back; an unloaded collection forgets its changes. Cannot fail. */
void mr_collection_revert(mr_collection *c);
/* One of the collection's three arrays; *n: its length. */
mr_entity **mr_collection_array(const mr_collection *c, big_array which, uint32_t *n);

#endif

/*
 * heap_private.h: the inside of the heap, for the files of entity only.
 *
 * Invariant: while a trace marks, no black entity refers to a white one unless it waits on the gray stack, in
 * the list of big collections, or for the rescan; whoever makes a reference or a root calls one of the two
 * marks below.
 */
#ifndef MOONROW_ENTITY_HEAP_PRIVATE_H
#define MOONROW_ENTITY_HEAP_PRIVATE_H

#include <moonrow/entity.h>

#include "slab.h"

typedef enum heap_phase { HEAP_IDLE = 0, HEAP_ROOTS, HEAP_MARK, HEAP_SWEEP } heap_phase;

/* Values of the slots that were appended to the mapping after the entity
 * was made: n of them, from nslots on. */
typedef struct entity_extra {
    const mr_entity *entity; /* the key */
    uint32_t n;
    mr_value *values;
} entity_extra;

/* An array of a collection too long to be marked at one go: what is before pos is marked. */
typedef enum big_array { BIG_ITEMS, BIG_REMOVED, BIG_COMMITTED } big_array;
typedef struct big_entry {
    mr_collection *collection;
    big_array which;
    uint32_t pos;
} big_entry;

struct mr_heap {
    mr_env *env;
    mr_entity **entities;  /* by slot; a free slot holds the next free one as (next << 1 | 1); slot 0 is never used */
    uint32_t *generations; /* by slot; rises when the slot's entity is freed */
    uint32_t used, cap;    /* slots 1 .. used-1 were given out at some time */
    uint32_t free_slot;    /* the first free one, or 0 */
    uint32_t first_generation; /* of a slot that is new, or comes again after a shrink */
    size_t count;
    size_t bytes;
    size_t threshold;
    mr_slab slab;   /* the entities' blocks */
    mr_map *extras; /* of entity_extra */
    /* the trace */
    uint8_t phase; /* heap_phase */
    uint8_t black; /* the color of what is alive: changes at the start of each trace */
    bool marking;  /* phase is HEAP_ROOTS or HEAP_MARK */
    bool overflow; /* a gray entity could not be pushed: rescan */
    bool rescanning;
    bool armed; /* past the threshold, cycles that end count from now on */
    bool stress;
    uint32_t step; /* entities of one step when it is not the clock that ends a call; 0 */
    unsigned rules_off;
    uint32_t blocked;
    uint32_t cursor; /* chunk of roots, slot of the rescan or the sweep */
    mr_vec gray;     /* mr_entity * */
    mr_vec big;      /* big_entry */
    mr_heap_hooks hooks;
    void (*origin_release)(mr_env *env, void *origin);
};

enum { HEAP_MIN_THRESHOLD = 1024 * 1024, HEAP_PULSE_US = 500, HEAP_CHUNK = 256 };

static inline mr_heap *heap_of(const mr_entity *e) { return mr_env_get(e->mapper->env, MR_ENV_HEAP); }

/* A free slot's entry is odd. */
static inline bool heap_slot_is_free(const mr_entity *entry) { return ((uintptr_t)entry & 1) != 0; }

/* Colors e black and puts it on the gray stack. */
void mr_heap_gray(mr_heap *heap, mr_entity *e);

static inline void heap_mark_unless(mr_heap *heap, mr_entity *e, unsigned rule) {
    if (heap->marking && e->color != heap->black && !(heap->rules_off & rule)) mr_heap_gray(heap, e);
}
/* Rule 2: a reference to e was written. */
static inline void heap_mark_written(mr_heap *heap, mr_entity *e) { heap_mark_unless(heap, e, MR_RULE_WRITE_BARRIER); }
/* Rule 3: e has become a root or was found by its identity. */
static inline void heap_mark_handle(mr_heap *heap, mr_entity *e) { heap_mark_unless(heap, e, MR_RULE_HANDLE_MARK); }
/* Rule 4: e is as good as freed. */
static inline bool heap_is_absent(const mr_heap *heap, const mr_entity *e) {
    return heap->phase == HEAP_SWEEP && e->color != heap->black && !(heap->rules_off & MR_RULE_WHITE_ABSENT);
}

/* A block for an entity of nslots slots and text bytes of packed text, its header filled in (slots
 * MR_UNLOADED, not yet known to the heap). NULL without memory. */
mr_entity *mr_heap_allocate(mr_heap *heap, mr_mapper *mapper, size_t text);
/* Gives back a block that the heap does not know. */
void mr_heap_discard(mr_heap *heap, mr_entity *e);
/* Room for one more mr_heap_adopt. */
mr_status mr_heap_reserve(mr_heap *heap);
/* After a trace: gives back the table's unused end. */
void mr_heap_shrink(mr_heap *heap);
/* Gives the entity its slot. Cannot fail after a reserve. */
void mr_heap_adopt(mr_heap *heap, mr_entity *e);
/* Frees an entity and all that it owns; reads nothing that it refers to. */
void mr_heap_free_entity(mr_heap *heap, mr_entity *e);

/* Can the values of e be trusted? Not when its owner's generation has passed it by. What has no row, or none any more,
 * has nothing newer to read. */
static inline bool entity_is_expired(const mr_entity *e) {
    return e->owner && e->generation != e->owner->generation && e->state == MR_PERSISTENT;
}

/* Where the value of a slot is; NULL for a slot beyond nslots that holds nothing. */
mr_value *mr_entity_place(const mr_entity *e, unsigned slot);
/* The same, made where it is missing. NULL without memory. */
mr_value *mr_entity_make_place(mr_entity *e, unsigned slot);
entity_extra *mr_entity_extra(const mr_entity *e); /* NULL: none */
/* Clears one value of e, in a slot or in its history; collections are freed. */
void mr_entity_clear_value(mr_heap *heap, mr_value *v);
void mr_entity_leave_dirty(mr_entity *e);
/* Leaves the dirty list when nothing is changed any more. */
void mr_entity_leave_if_clean(mr_entity *e);

/* The heap's bytes that an owned copy of v takes. */
static inline size_t value_bytes(const mr_value *v) {
    return (v->flags & MR_VALUE_OWNED) && mr_kind_is_bytes(v->kind) ? (size_t)v->len + 1 + sizeof(size_t) : 0;
}

/* history.c */
mr_value *mr_history_find(const mr_entity *e, unsigned slot);           /* the old value, or NULL */
mr_status mr_history_reserve(mr_entity *e);                             /* room for one more entry */
void mr_history_push(mr_entity *e, unsigned slot, const mr_value *old); /* after a reserve; takes old over */
void mr_history_take(mr_entity *e, unsigned slot, mr_value *old);       /* removes the entry and gives its value */
void mr_history_drop(mr_heap *heap, mr_entity *e);                      /* frees all; dirty marks are the caller's */

/* collection.c */
void mr_collection_free(mr_heap *heap, mr_collection *c);
void mr_collection_revert(mr_collection *c);
/* The array and its length. */
mr_entity **mr_collection_array(const mr_collection *c, big_array which, uint32_t *n);

#endif

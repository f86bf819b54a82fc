/*
 * trace.c: the incremental trace that frees entities: roots, marking, sweeping, and when it runs.
 *
 * Invariant: see heap_private.h. A trace never fails: if the gray stack cannot grow, a rescan of the table finds the
 * marked entities again. No recursion: a chain may be a million objects long. The recorded error does not change.
 */
#include "heap_private.h"

#include <time.h>

/* Entities between two looks at the clock; the most items of a collection that are marked in one step. */
enum { STEP_ENTITIES = 64, STEP_ITEMS = 1024 };

static uint32_t step_size(const mr_heap *heap) { return heap->step ? heap->step : STEP_ENTITIES; }
static uint32_t step_items(const mr_heap *heap) { return heap->step ? heap->step : STEP_ITEMS; }

/* ---------------------------------------------------------------- marking */

void mr_heap_gray(mr_heap *heap, mr_entity *e) {
    heap_color(e, heap->black);
    if (!e->owns) return; /* it refers to nothing */
    if (heap->gray.len < heap->gray.cap) {
        ((mr_entity **)heap->gray.data)[heap->gray.len++] = e;
        return;
    }
    mr_error *saved = mr_env_save_error(heap->env);
    if (mr_vec_push_ptr(&heap->gray, e) != MR_OK) {
        heap->overflow = true;
        mr_env_clear_error(heap->env);
    }
    mr_env_restore_error(heap->env, saved);
}

static inline void mark(mr_heap *heap, mr_entity *e) {
    if (e->color != heap->black) mr_heap_gray(heap, e);
}

static void mark_array(mr_heap *heap, mr_collection *c, big_array which) {
    uint32_t n;
    mr_entity **items = mr_collection_array(c, which, &n);
    if (n > step_items(heap)) {
        mr_error *saved = mr_env_save_error(heap->env);
        big_entry *big = mr_vec_push(&heap->big);
        if (!big) mr_env_clear_error(heap->env);
        mr_env_restore_error(heap->env, saved);
        if (big) {
            *big = (big_entry){c, which, 0};
            return;
        }
    }
    for (uint32_t i = 0; i < n; i++) mark(heap, items[i]);
}

/* Marks some more items of the last big collection. */
static void mark_big(mr_heap *heap) {
    big_entry *big = mr_vec_at(&heap->big, heap->big.len - 1);
    uint32_t n;
    mr_entity **items = mr_collection_array(big->collection, big->which, &n);
    uint32_t end = big->pos < n && n - big->pos > step_items(heap) ? big->pos + step_items(heap) : n;
    while (big->pos < end) mark(heap, items[big->pos++]);
    if (end == n) heap->big.len--;
}

static void mark_value(mr_heap *heap, const mr_value *v) {
    if (v->kind == MR_ENTITY) {
        mark(heap, v->u.p);
    } else if (v->kind == MR_COLLECTION) {
        mark_array(heap, v->u.p, BIG_ITEMS);
        mark_array(heap, v->u.p, BIG_REMOVED);
        mark_array(heap, v->u.p, BIG_COMMITTED);
    }
}

static void mark_edges(mr_heap *heap, mr_entity *e) {
    if (entity_is_expired(e)) return;
    for (unsigned i = 0; i < e->nslots; i++) mark_value(heap, &e->slots[i]);
    const mr_history *history = mr_entity_history(e);
    for (unsigned i = 0; history && i < history->n; i++) mark_value(heap, &history->entries[i].old);
    entity_extra *extra = mr_entity_extra(e);
    for (uint32_t i = 0; extra && i < extra->n; i++) mark_value(heap, &extra->values[i]);
}

/* ---------------------------------------------------------------- phases */

/* After the session was closed the flag HELD means nothing: closing takes constant time and does not clear it. */
static bool is_root(const mr_entity *e) {
    return e->pins > 0 || ((e->flags & MR_ENTITY_HELD) && !(e->owner && !e->owner->session));
}

static void start(mr_heap *heap) {
    heap->black = (uint8_t)(3 - heap->black); /* all are white now */
    heap->table.phase = HEAP_ROOTS;
    heap->marking = true;
    heap->overflow = heap->rescanning = false;
    heap->cursor = 0;
    heap->gray.len = heap->big.len = 0;
}

static void step_roots(mr_heap *heap) {
    uint32_t first = heap->cursor * HEAP_CHUNK;
    uint64_t bits[4] = {0, 0, 0, 0};
    if (heap->hooks.proxies) heap->hooks.proxies(heap->hooks.ud, heap->cursor, bits);
    for (uint32_t i = first ? 0 : 1; i < HEAP_CHUNK && first + i < heap->table.used; i++) {
        mr_entity *e = heap->table.entities[first + i];
        if (mr_heap_slot_is_free(e)) continue;
        if ((bits[i / 64] >> (i % 64) & 1) || is_root(e)) mark(heap, e);
    }
    heap->cursor++;
    if (heap->cursor * (size_t)HEAP_CHUNK >= heap->table.used) heap->table.phase = HEAP_MARK;
}

static void step_rescan(mr_heap *heap) {
    if (heap->cursor >= heap->table.used) {
        heap->rescanning = false;
        return;
    }
    mr_entity *e = heap->table.entities[heap->cursor++];
    if (!mr_heap_slot_is_free(e) && e->color == heap->black) mark_edges(heap, e);
}

static void step_mark(mr_heap *heap) {
    for (uint32_t i = 0; i < step_size(heap); i++) {
        if (heap->gray.len > 0) {
            mark_edges(heap, mr_vec_ptr(&heap->gray, --heap->gray.len));
        } else if (heap->big.len > 0) {
            mark_big(heap);
            return;
        } else if (heap->rescanning) {
            step_rescan(heap);
        } else if (heap->overflow) {
            heap->overflow = false;
            heap->rescanning = true;
            heap->cursor = 1;
        } else {
            heap->table.phase = HEAP_SWEEP;
            heap->marking = false;
            heap->cursor = 1;
            return;
        }
    }
}

/* Frees a stack that a large graph has made deep; the next trace begins with a small one, or with none. */
static void shrink_gray(mr_heap *heap) {
    enum { KEEP = 4096 };
    if (heap->gray.cap <= KEEP) return;
    mr_vec_done(&heap->gray);
    mr_vec_init(&heap->gray, heap->env, sizeof(mr_entity *));
}

static void finish(mr_heap *heap) {
    heap->table.phase = HEAP_IDLE;
    heap->armed = false;
    shrink_gray(heap);
    mr_heap_shrink(heap);
    size_t twice = heap->bytes * 2;
    heap->threshold = twice > HEAP_MIN_THRESHOLD ? twice : HEAP_MIN_THRESHOLD;
    if (heap->swept) heap->swept(heap->env);
}

static void step_sweep(mr_heap *heap) {
    uint32_t most = step_size(heap);
    for (uint32_t freed = 0, seen = 0; freed < most && seen < most * 4; seen++) {
        if (heap->cursor >= heap->table.used) {
            finish(heap);
            return;
        }
        mr_entity *e = heap->table.entities[heap->cursor++];
        if (mr_heap_slot_is_free(e) || e->color == heap->black) continue;
        mr_heap_free_entity(heap, e);
        freed++;
    }
}

static uint64_t now_us(void) {
    struct timespec t;
    if (timespec_get(&t, TIME_UTC) == 0) return 0;
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Runs until the trace ends (returns true) or the time is over. A clock that is set back ends the call, too. */
static bool run(mr_heap *heap, uint64_t budget_us) {
    uint64_t begun = budget_us ? now_us() : 0;
    heap->blocked++;
    while (heap->table.phase != HEAP_IDLE) {
        if (heap->table.phase == HEAP_ROOTS) step_roots(heap);
        else if (heap->table.phase == HEAP_MARK) step_mark(heap);
        else step_sweep(heap);
        if (budget_us && heap->table.phase != HEAP_IDLE && (heap->step || now_us() - begun >= budget_us)) break;
    }
    heap->blocked--;
    return heap->table.phase == HEAP_IDLE;
}

/* ---------------------------------------------------------------- when a trace runs */

bool mr_heap_trace(mr_heap *heap, uint64_t budget_us) {
    if (heap->blocked) return false;
    if (heap->table.phase == HEAP_IDLE) start(heap);
    return run(heap, budget_us);
}

/* The heap is above the threshold. Is it time for a trace? Only after the host's collector has finished a cycle,
 * because it may have freed proxies. If the heap has doubled, a full collection is asked for. */
static bool is_time(mr_heap *heap) {
    const mr_heap_hooks *hooks = &heap->hooks;
    if (!hooks->cycle_ended) return true;
    if (!heap->armed) {
        hooks->cycle_ended(hooks->ud); /* a cycle that ended before does not count */
        heap->armed = true;
    } else if (hooks->cycle_ended(hooks->ud)) {
        return true;
    }
    if (heap->bytes / 2 < heap->threshold || !hooks->full_collection) return false;
    heap->blocked++;
    hooks->full_collection(hooks->ud);
    heap->blocked--;
    return true;
}

static void pulse(mr_heap *heap) {
    if (heap->blocked) return;
    if (heap->stress) {
        mr_heap_trace(heap, 0);
        return;
    }
    if (heap->hooks.collector_stopped && heap->hooks.collector_stopped(heap->hooks.ud)) return;
    if (heap->table.phase == HEAP_IDLE) {
        if (!is_time(heap)) return;
        start(heap);
    }
    run(heap, HEAP_PULSE_US);
}

void mr_heap_pulse(mr_heap *heap) {
    if (heap->table.phase == HEAP_IDLE && heap->bytes < heap->threshold && !heap->stress) return;
    pulse(heap);
}

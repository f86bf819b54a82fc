/*
 * tsort.c: topological sort by Kahn's algorithm. Nodes that wait for no other node lie in a heap, the lowest number on
 * top.
 *
 * Invariant: waits[i] is the number of edges that lead to node i from nodes that are not sorted yet.
 */
#include <moonrow/base.h>

#include <string.h>

typedef struct heap {
    uint32_t *nodes;
    size_t len;
} heap;

static void heap_push(heap *h, uint32_t node) {
    size_t i = h->len++;
    while (i > 0 && h->nodes[(i - 1) / 2] > node) {
        h->nodes[i] = h->nodes[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->nodes[i] = node;
}

static uint32_t heap_pop(heap *h) {
    uint32_t top = h->nodes[0], last = h->nodes[--h->len];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->len) break;
        if (child + 1 < h->len && h->nodes[child + 1] < h->nodes[child]) child++;
        if (last <= h->nodes[child]) break;
        h->nodes[i] = h->nodes[child];
        i = child;
    }
    h->nodes[i] = last;
    return top;
}

mr_status mr_tsort(mr_env *env, size_t n, const mr_edge *edges, size_t nedges, uint32_t *order, size_t *sorted) {
    *sorted = 0;
    if (n > UINT32_MAX || nedges > SIZE_MAX / 4 / sizeof(size_t)) return mr_nomem(env);
    /* One block holds four arrays: first[n + 2] (the index in after where a node's successors begin), waits[n],
     * after[nedges], heap[n]. */
    size_t bytes = (n + 2 + n) * sizeof(size_t) + (nedges + n) * sizeof(uint32_t);
    size_t *first = mr_calloc(env, bytes);
    if (!first) return MR_FAIL;
    size_t *waits = first + n + 2;
    uint32_t *after = (uint32_t *)(waits + n);
    heap ready = {after + nedges, 0};

    /* Successors are counted two places higher. Filling `after` moves each start one place on, to its final value. */
    for (size_t e = 0; e < nedges; e++) {
        first[edges[e].before + (size_t)2]++;
        waits[edges[e].after]++;
    }
    for (size_t i = 2; i < n + 2; i++) first[i] += first[i - 1];
    for (size_t e = 0; e < nedges; e++) after[first[edges[e].before + (size_t)1]++] = edges[e].after;

    for (size_t i = 0; i < n; i++)
        if (waits[i] == 0) heap_push(&ready, (uint32_t)i);
    while (ready.len > 0) {
        uint32_t node = heap_pop(&ready);
        order[(*sorted)++] = node;
        for (size_t e = first[node]; e < first[node + (size_t)1]; e++)
            if (--waits[after[e]] == 0) heap_push(&ready, after[e]);
    }
    mr_free(env, first);
    return *sorted == n ? MR_OK : MR_NOTFOUND;
}

/*
 * levels.c: gives levels to rows that refer to each other: the level of a row is one more than the highest level of the
 * rows that must be written before it.
 *
 * Invariant: no recursion: a chain may be a million rows long.
 */
#include "unit.h"

typedef struct level_graph {
    uint32_t *waiting; /* by operation: the number of its edges from rows without a level */
    uint32_t *first;   /* by operation: its first edge + 1, or 0 */
    uint32_t *next;    /* by edge: the next of the same operation + 1, or 0 */
    uint32_t *queue;   /* operations that wait for no other row */
} level_graph;

static flush_op *op_at(const mr_flush *flush, size_t i) { return mr_vec_ptr(&flush->ops, i); }

static mr_status refuse_cycle(mr_flush *flush, const level_graph *g) {
    const flush_op *op = NULL;
    for (size_t i = 0; i < flush->ops.len && !op; i++)
        if (g->waiting[i] > 0) op = op_at(flush, i);
    return mr_fail(flush->env, MR_ERR_INVALID_REQUEST,
                   "Circular dependency detected: rows of %s (table '%s') refer to each other in a cycle, so "
                   "none can be %s "
                   "first: give one of the relationships post_update = true",
                   op ? op->cls->mapper->name : "?", op ? op->cls->mapper->table->name : "?",
                   op && op->kind == OP_DELETE ? "deleted" : "inserted");
}

static size_t pass(mr_flush *flush, const level_graph *g) {
    size_t head = 0, tail = 0;
    for (uint32_t i = 0; i < flush->ops.len; i++)
        if (g->waiting[i] == 0) g->queue[tail++] = i;
    while (head < tail) {
        const flush_op *op = op_at(flush, g->queue[head++]);
        for (uint32_t e = g->first[op->rare->number]; e; e = g->next[e - 1]) {
            flush_op *after = ((const flush_row_edge *)mr_vec_at(&flush->edges, e - 1))->after;
            if (after->level <= op->level) after->level = op->level + 1;
            if (--g->waiting[after->rare->number] == 0) g->queue[tail++] = after->rare->number;
        }
    }
    return tail;
}

mr_status mr_flush_levels(mr_flush *flush) {
    size_t n = flush->ops.len, nedges = flush->edges.len;
    if (nedges == 0) return MR_OK;
    if (n >= UINT32_MAX || nedges >= UINT32_MAX) return mr_nomem(flush->env);
    for (size_t i = 0; i < n; i++) {
        flush_rare *rare = mr_flush_rare_of(flush, op_at(flush, i));
        if (!rare) return MR_FAIL;
        rare->number = (uint32_t)i;
    }
    uint32_t *memory = mr_calloc(flush->env, (3 * n + nedges) * sizeof *memory);
    if (!memory) return MR_FAIL;
    level_graph g = {memory, memory + n, memory + 3 * n, memory + 2 * n};
    for (size_t i = 0; i < nedges; i++) {
        const flush_row_edge *edge = mr_vec_at(&flush->edges, i);
        uint32_t *first = &g.first[edge->before->rare->number];
        g.waiting[edge->after->rare->number]++;
        g.next[i] = *first;
        *first = (uint32_t)i + 1;
    }
    mr_status status = pass(flush, &g) == n ? MR_OK : refuse_cycle(flush, &g);
    mr_free(flush->env, memory);
    return status;
}

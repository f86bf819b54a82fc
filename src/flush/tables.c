/*
 * tables.c: the order of the mapped tables: each one after the tables that it refers to, by foreign keys or
 * relationships. Tables that could be in any order are in the order of their declaration.
 *
 * Invariant: tables that refer to each other in a cycle form one component; between components there is no cycle. A
 * foreign key that post_update writes does not affect the order.
 */
#include "tables.h"

#include <string.h>

typedef struct table_order {
    mr_env *env;
    uint64_t version;
    uint32_t n;
    flush_place *places; /* by mapper->order; those of root classes are filled in */
} table_order;

typedef struct graph {
    mr_env *env;
    const mr_registry *registry;
    uint32_t n;
    size_t words;    /* the number of words in one row of reach */
    uint64_t *reach; /* n rows of n bits: row i, bit j: j must come after i */
    mr_vec edges;    /* mr_edge */
    mr_vec late;     /* mr_column *: written by post_update */
} graph;

static bool has_bit(const graph *g, uint32_t i, uint32_t j) {
    return (g->reach[i * g->words + j / 64] >> (j % 64)) & 1;
}

static mr_mapper *mapper_at(const graph *g, size_t i) { return mr_vec_ptr(&g->registry->mappers, i); }

/* ---------------------------------------------------------------- edges */

static mr_status add_edge(graph *g, const mr_mapper *before, const mr_mapper *after) {
    uint32_t i = before->root->order, j = after->root->order;
    if (i >= g->n || j >= g->n || has_bit(g, i, j)) return MR_OK;
    mr_edge *edge = mr_vec_push(&g->edges);
    if (!edge) return MR_FAIL;
    *edge = (mr_edge){i, j};
    g->reach[i * g->words + j / 64] |= UINT64_C(1) << (j % 64);
    return MR_OK;
}

static bool is_written_late(const graph *g, const mr_column *column) {
    for (size_t i = 0; i < g->late.len; i++)
        if (mr_vec_ptr(&g->late, i) == column) return true;
    return false;
}

/* Property i, if it is a relationship that writes and that this class has declared; else NULL. */
static mr_relationship *writing_relationship(const mr_mapper *mapper, size_t i) {
    const mr_property *prop = mr_vec_ptr(&mapper->props, i);
    mr_relationship *rel = prop->kind == MR_PROPERTY_RELATIONSHIP ? prop->relationship : NULL;
    return rel && rel->configured && !rel->viewonly && prop->mapper == mapper ? rel : NULL;
}

static mr_status find_late_columns(graph *g, const mr_mapper *mapper) {
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_relationship *rel = writing_relationship(mapper, i);
        if (!rel || !rel->post_update || rel->direction == MR_MANY_TO_MANY) continue;
        for (unsigned p = 0; p < rel->npairs; p++) {
            mr_column *column = rel->direction == MR_MANY_TO_ONE ? rel->pairs[p].local : rel->pairs[p].remote;
            if (mr_vec_push_ptr(&g->late, column) != MR_OK) return MR_FAIL;
        }
    }
    return MR_OK;
}

static mr_status add_table_edges(graph *g, const mr_mapper *mapper, const mr_table *referred) {
    for (size_t i = 0; i < g->n; i++) {
        const mr_mapper *other = mapper_at(g, i);
        if (other->table == referred && !mr_mapper_is_single(other) && add_edge(g, other, mapper) != MR_OK)
            return MR_FAIL;
    }
    return MR_OK;
}

/* Does the foreign key join the parts of one row? */
static bool joins_parts(const mr_mapper *mapper, const mr_foreign_key *fk) {
    if (mapper->nparts < 2 || !mr_mapper_reads(mapper, fk->referred->table)) return false;
    const mr_mapper_part *part = &mapper->parts[mapper->nparts - 1];
    for (uint16_t i = 0; i < mapper->npk; i++)
        for (unsigned p = 0; part->keys[i] == fk->column && p + 1 < mapper->nparts; p++)
            if (mapper->parts[p].keys[i] == fk->referred) return true;
    return false;
}

static mr_status add_foreign_key_edges(graph *g, const mr_mapper *mapper) {
    for (unsigned i = 0; mapper->table && i < mapper->table->ncolumns; i++) {
        mr_column *column = mapper->table->columns[i];
        if (is_written_late(g, column)) continue;
        for (mr_foreign_key *fk = column->foreign_keys; fk; fk = fk->next) {
            if (mr_foreign_key_resolve(g->env, fk) != MR_OK) return MR_FAIL;
            if (fk->referred->table && !joins_parts(mapper, fk) &&
                add_table_edges(g, mapper, fk->referred->table) != MR_OK)
                return MR_FAIL;
        }
    }
    return MR_OK;
}

static mr_status add_relationship_edges(graph *g, const mr_mapper *mapper) {
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_relationship *rel = writing_relationship(mapper, i);
        if (!rel || rel->post_update || rel->direction == MR_MANY_TO_MANY) continue;
        bool first = rel->direction == MR_ONE_TO_MANY;
        if (add_edge(g, first ? mapper : rel->target, first ? rel->target : mapper) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status collect(graph *g) {
    for (size_t i = 0; i < g->n; i++)
        if (find_late_columns(g, mapper_at(g, i)) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < g->n; i++)
        if (add_foreign_key_edges(g, mapper_at(g, i)) != MR_OK || add_relationship_edges(g, mapper_at(g, i)) != MR_OK)
            return MR_FAIL;
    return MR_OK;
}

/* ---------------------------------------------------------------- components */

/* Makes reach its own transitive closure. */
static void close_reach(graph *g) {
    for (uint32_t via = 0; via < g->n; via++)
        for (uint32_t from = 0; from < g->n; from++) {
            if (!has_bit(g, from, via)) continue;
            for (size_t w = 0; w < g->words; w++) g->reach[from * g->words + w] |= g->reach[via * g->words + w];
        }
}

/* The first class of the component of class i. */
static uint32_t representative(const graph *g, uint32_t i) {
    for (uint32_t j = 0; j < i; j++)
        if (has_bit(g, i, j) && has_bit(g, j, i)) return j;
    return i;
}

static mr_status place_all(graph *g, flush_place *places) {
    size_t kept = 0, sorted = 0;
    uint32_t *position = mr_alloc(g->env, 2 * (size_t)g->n * sizeof *position);
    if (!position) return MR_FAIL;
    uint32_t *order = position + g->n;
    for (uint32_t i = 0; i < g->n; i++) places[i] = (flush_place){representative(g, i), i, has_bit(g, i, i)};
    mr_edge *edges = g->edges.data;
    for (size_t i = 0; i < g->edges.len; i++) {
        mr_edge edge = {places[edges[i].before].component, places[edges[i].after].component};
        if (edge.before != edge.after) edges[kept++] = edge;
    }
    mr_status status = mr_tsort(g->env, g->n, edges, kept, order, &sorted);
    if (status == MR_OK) {
        for (uint32_t i = 0; i < g->n; i++) position[order[i]] = i;
        for (uint32_t i = 0; i < g->n; i++) places[i].component = position[places[i].component];
    }
    mr_free(g->env, position);
    return status == MR_OK ? MR_OK : MR_FAIL;
}

static mr_status sort_tables(const mr_registry *registry, flush_place *places) {
    graph g = {.env = registry->env, .registry = registry, .n = (uint32_t)registry->mappers.len};
    mr_status status = MR_FAIL;
    g.words = (g.n + 63) / 64;
    g.reach = mr_calloc(g.env, g.n * g.words * sizeof *g.reach);
    mr_vec_init(&g.edges, g.env, sizeof(mr_edge));
    mr_vec_init(&g.late, g.env, sizeof(mr_column *));
    if (g.reach && collect(&g) == MR_OK) {
        close_reach(&g);
        status = place_all(&g, places);
    }
    mr_vec_done(&g.late);
    mr_vec_done(&g.edges);
    mr_free(g.env, g.reach);
    return status;
}

/* ---------------------------------------------------------------- kept with the registry */

static void free_order(void *ud) {
    mr_registry *registry = ud;
    table_order *order = registry->flush_order;
    if (!order) return;
    mr_free(registry->env, order->places);
    mr_free(registry->env, order);
    registry->flush_order = NULL;
}

static table_order *order_of(mr_registry *registry) {
    table_order *order = registry->flush_order;
    if (order) return order;
    order = mr_calloc(registry->env, sizeof *order);
    if (!order) return NULL;
    if (mr_env_on_close(registry->env, free_order, registry) != MR_OK) {
        mr_free(registry->env, order);
        return NULL;
    }
    registry->flush_order = order;
    return order;
}

mr_status mr_flush_place_of(mr_mapper *mapper, flush_place *out) {
    mr_registry *registry = mapper->registry;
    table_order *order = order_of(registry);
    if (!order) return MR_FAIL;
    if (!order->places || order->version != registry->version) {
        flush_place *places = mr_alloc(registry->env, registry->mappers.len * sizeof *places);
        if (!places) return MR_FAIL;
        if (sort_tables(registry, places) != MR_OK) {
            mr_free(registry->env, places);
            return MR_FAIL;
        }
        mr_free(registry->env, order->places);
        order->places = places;
        order->n = (uint32_t)registry->mappers.len;
        order->version = registry->version;
    }
    uint32_t at = mapper->root->order;
    if (at >= order->n)
        return mr_fail(registry->env, MR_ERR_INVALID_REQUEST, "class %s is not declared completely yet", mapper->name);
    *out = order->places[at];
    return MR_OK;
}

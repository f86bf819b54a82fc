/*
 * metadata.c: the tables that belong together, and the foreign keys between them.
 *
 * Invariant: no two tables of one metadata have the same schema and name; of those that are called the same (a.b
 * without a schema, and b in schema a), the index has the first. A foreign key, once resolved, stays so. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

/* An element of the index. */
typedef struct called {
    const char *text;
    size_t len;
    mr_table *table;
} called;

static uint64_t hash_text(const void *element) {
    const called *c = element;
    return mr_hash_bytes(c->text, c->len);
}

static bool equal_texts(const void *a, const void *b) {
    const called *x = a, *y = b;
    return x->len == y->len && memcmp(x->text, y->text, x->len) == 0;
}

static void free_tables(void *ud) {
    mr_metadata *md = ud;
    mr_vec_done(&md->tables);
    mr_map_free(md->names);
}

mr_metadata *mr_metadata_new(mr_env *env) {
    mr_metadata *md = mr_env_arena(env, sizeof *md);
    if (!md) return NULL;
    md->env = env;
    mr_vec_init(&md->tables, env, sizeof(mr_table *));
    if (mr_env_on_close(env, free_tables, md) != MR_OK) return NULL;
    md->names = mr_map_new(env, sizeof(called), hash_text, equal_texts);
    return md->names ? md : NULL;
}

static called call(mr_table *table) { return (called){table->full_name, strlen(table->full_name), table}; }

mr_status mr_metadata_add(mr_metadata *md, mr_table *table) {
    const called c = call(table);
    if (mr_map_reserve(md->names, mr_map_count(md->names) + 1) != MR_OK || mr_vec_push_ptr(&md->tables, table) != MR_OK)
        return MR_FAIL;
    if (!mr_map_get(md->names, &c)) mr_map_put(md->names, &c);
    return MR_OK;
}

static mr_table *find_table(const mr_metadata *md, const char *text, size_t len) {
    const called key = {text, len, NULL}, *found = mr_map_get(md->names, &key);
    return found ? found->table : NULL;
}

mr_table *mr_metadata_table(const mr_metadata *md, const char *name) { return find_table(md, name, strlen(name)); }

static bool same_text(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static bool is_named(const mr_table *table, const char *schema, const char *name) {
    return same_text(table->schema, schema) && same_text(table->name, name);
}

mr_table *mr_metadata_table_in(const mr_metadata *md, const char *schema, const char *name) {
    char full[128];
    const char *text = name;
    size_t len = strlen(name), n = schema ? strlen(schema) : 0;
    if (schema) text = n + 1 + len < sizeof full ? full : NULL;
    if (schema && text) {
        memcpy(full, schema, n);
        full[n] = '.';
        memcpy(full + n + 1, name, len);
        len += n + 1;
    }
    mr_table *found = text ? find_table(md, text, len) : NULL;
    if (text && (!found || is_named(found, schema, name))) return found;
    for (size_t i = 0; i < md->tables.len; i++) {
        mr_table *table = mr_vec_ptr(&md->tables, i);
        if (is_named(table, schema, name)) return table;
    }
    return NULL;
}

/* Another table that is called the same takes its place in the index, where there is room. */
static void unindex(mr_metadata *md, mr_table *table) {
    const called c = call(table);
    if (find_table(md, c.text, c.len) != table) return;
    mr_map_remove(md->names, &c);
    for (size_t i = 0; i < md->tables.len; i++) {
        const called other = call(mr_vec_ptr(&md->tables, i));
        if (!equal_texts(&c, &other)) continue;
        mr_map_put(md->names, &other);
        return;
    }
}

void mr_metadata_remove(mr_metadata *md, mr_table *table) {
    /* A table that is taken back is the last one. */
    for (size_t i = md->tables.len; i-- > 0;)
        if (mr_vec_ptr(&md->tables, i) == table) {
            mr_vec_remove(&md->tables, i);
            unindex(md, table);
            md->version++;
            return;
        }
}

/* ---------------------------------------------------------------- foreign keys */

static const char *next_table_name(void *ud, size_t i) {
    const mr_metadata *md = ud;
    return i < md->tables.len ? ((const mr_table *)mr_vec_ptr(&md->tables, i))->name : NULL;
}

static const char *next_column_name(void *ud, size_t i) {
    const mr_table *table = ud;
    return i < table->ncolumns ? table->columns[i]->name : NULL;
}

static mr_status unresolved(mr_env *env, const mr_foreign_key *fk, const char *what, const char *name,
                            const char *near) {
    return mr_fail(env, MR_ERR_ARGUMENT, "foreign key of %s.%s to '%s': there is no %s '%s'%s", fk->column->table->name,
                   fk->column->name, fk->target, what, name, mr_hint(env, near));
}

mr_status mr_foreign_key_resolve(mr_env *env, mr_foreign_key *fk) {
    if (fk->referred) return MR_OK;
    mr_table *own = fk->column->table;
    if (!own)
        return mr_fail(env, MR_ERR_ARGUMENT,
                       "foreign key of column '%s' to '%s': the column is in no "
                       "table yet",
                       fk->column->name ? fk->column->name : "?", fk->target);
    const char *dot = strrchr(fk->target, '.');
    if (!dot || dot == fk->target || !dot[1])
        return mr_fail(env, MR_ERR_ARGUMENT, "foreign key of %s.%s to '%s': write it as \"table.column\"", own->name,
                       fk->column->name, fk->target);
    /* A name may have a point in it: each point may be the one before the column's name. */
    for (const char *at = dot; at > fk->target; at--) {
        const mr_table *named = *at == '.' ? find_table(own->metadata, fk->target, (size_t)(at - fk->target)) : NULL;
        if (named && (fk->referred = mr_table_column(named, at + 1)) != NULL) return MR_OK;
    }
    mr_table *table = find_table(own->metadata, fk->target, (size_t)(dot - fk->target));
    if (!table) {
        const char *name = mr_intern(env, fk->target, (size_t)(dot - fk->target));
        if (!name) return MR_FAIL;
        return unresolved(env, fk, "table", name, mr_nearest(name, next_table_name, own->metadata));
    }
    return unresolved(env, fk, "column", dot + 1, mr_nearest(dot + 1, next_column_name, table));
}

/* ---------------------------------------------------------------- sorting */

static int by_name(const void *a, const void *b) {
    const mr_table *x = *(mr_table *const *)a, *y = *(mr_table *const *)b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->schema ? x->schema : "", y->schema ? y->schema : "");
}

/* The table's index in the array, which is sorted by name; n for a table of another metadata. */
static size_t number_of(mr_table *const *tables, size_t n, mr_table *table) {
    mr_table *const *found = bsearch(&table, tables, n, sizeof *tables, by_name);
    return found && *found == table ? (size_t)(found - tables) : n;
}

static mr_status collect_edges(mr_env *env, mr_table *const *tables, size_t n, mr_vec *edges) {
    for (size_t i = 0; i < n; i++)
        for (unsigned c = 0; c < tables[i]->ncolumns; c++)
            for (mr_foreign_key *fk = tables[i]->columns[c]->foreign_keys; fk; fk = fk->next) {
                if (mr_foreign_key_resolve(env, fk) != MR_OK) return MR_FAIL;
                size_t before = number_of(tables, n, fk->referred->table);
                if (before == n || before == i || fk->how.use_alter) continue;
                mr_edge *edge = mr_vec_push(edges);
                if (!edge) return MR_FAIL;
                *edge = (mr_edge){(uint32_t)before, (uint32_t)i};
            }
    return MR_OK;
}

/* An edge that leads to the table from a table that is not placed yet, or NULL. */
static const mr_edge *waits_for(const mr_vec *edges, const bool *placed, uint32_t table) {
    for (size_t i = 0; i < edges->len; i++) {
        const mr_edge *edge = mr_vec_at(edges, i);
        if (edge->after == table && !placed[edge->before]) return edge;
    }
    return NULL;
}

/* Removes one edge of a cycle, so that sorting can go on: an edge to the table of the cycle whose name comes first. */
static void break_cycle(mr_vec *edges, const uint32_t *order, size_t sorted, size_t n, bool *placed) {
    memset(placed, 0, n * sizeof *placed);
    for (size_t i = 0; i < sorted; i++) placed[order[i]] = true;
    uint32_t at = 0;
    while (placed[at]) at++;
    /* Each table that is left waits for another one that is left, so after n steps back `at` is in a cycle. */
    for (size_t i = 0; i < n; i++) at = waits_for(edges, placed, at)->before;
    uint32_t first = at;
    for (size_t i = 0; i < n; i++) {
        at = waits_for(edges, placed, at)->before;
        if (at < first) first = at;
    }
    const mr_edge *edge = waits_for(edges, placed, first);
    mr_vec_remove(edges, (size_t)(edge - (const mr_edge *)edges->data));
}

static mr_status sort_tables(mr_env *env, size_t n, mr_vec *edges, uint32_t *order, bool *placed) {
    for (;;) {
        size_t sorted = 0;
        mr_status status = mr_tsort(env, n, edges->data, edges->len, order, &sorted);
        if (status != MR_NOTFOUND) return status;
        break_cycle(edges, order, sorted, n, placed);
    }
}

mr_status mr_metadata_sorted(mr_metadata *md, mr_table **out, size_t *n) {
    mr_env *env = md->env;
    size_t count = md->tables.len;
    *n = count;
    if (count == 0) return MR_OK;
    mr_status status = MR_FAIL;
    mr_vec edges;
    mr_vec_init(&edges, env, sizeof(mr_edge));
    mr_table **tables = mr_alloc(env, count * sizeof *tables);
    uint32_t *order = tables ? mr_alloc(env, count * sizeof *order) : NULL;
    bool *placed = order ? mr_alloc(env, count * sizeof *placed) : NULL;
    if (!placed) goto out;
    memcpy(tables, md->tables.data, count * sizeof *tables);
    qsort(tables, count, sizeof *tables, by_name);
    if (collect_edges(env, tables, count, &edges) != MR_OK) goto out;
    status = sort_tables(env, count, &edges, order, placed);
    if (status != MR_OK) goto out;
    for (size_t i = 0; i < count; i++) out[i] = tables[order[i]];
out:
    mr_free(env, placed);
    mr_free(env, order);
    mr_free(env, tables);
    mr_vec_done(&edges);
    return status;
}

/*
 * refresh.c: loads columns that an entity lacks: all of them if it has expired, or deferred ones that a program reads.
 *
 * Invariant: only unloaded slots are written, except by a row that is newer than the entity. An expired entity is read
 * with the statement of get, or as its query's options say (as_loaded.c). Columns of a subclass are read from the
 * tables that have them alone.
 */
#include "cache.h"
#include "plan/planner.h"
#include "run/load_state.h"

#include <string.h>

/* ---------------------------------------------------------------- which columns */

static bool is_loadable(const mr_property *prop) {
    return prop->kind == MR_PROPERTY_COLUMN || prop->kind == MR_PROPERTY_EXPRESSION;
}

static bool is_wanted(const mr_property *prop, const mr_property *const *props, unsigned n) {
    if (!props) return !prop->deferred;
    for (unsigned i = 0; i < n; i++) {
        if (props[i]->slot == prop->slot && is_loadable(props[i])) return true;
        /* The columns of a deferred group are loaded together. */
        if (prop->deferred && prop->deferred_group && props[i]->deferred_group == prop->deferred_group) return true;
    }
    return false;
}

/* Appends the unloaded slots that are wanted, in order. *all: they are the same that get loads. */
static mr_status wanted_slots(mr_entity *entity, const mr_property *const *props, unsigned n, mr_vec *slots,
                              bool *all) {
    const mr_mapper *mapper = entity->mapper;
    *all = true;
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        if (!is_loadable(prop)) continue;
        bool unloaded = mr_entity_slot(entity, prop->slot)->kind == MR_UNLOADED;
        bool wanted = unloaded && is_wanted(prop, props, n);
        if (wanted == prop->deferred) *all = false;
        if (!wanted) continue;
        uint16_t *slot = mr_vec_push(slots);
        if (!slot) return MR_FAIL;
        *slot = prop->slot;
    }
    return MR_OK;
}

mr_property *mr_refresh_next_lacking(mr_entity *entity, size_t *index) {
    const mr_vec *all = &entity->mapper->props;
    while (*index < all->len) {
        mr_property *prop = mr_vec_ptr(all, (*index)++);
        if (is_loadable(prop) && !prop->deferred && mr_entity_slot(entity, prop->slot)->kind == MR_UNLOADED)
            return prop;
    }
    return NULL;
}

/* ---------------------------------------------------------------- a statement for some columns */

typedef struct column_set {
    mr_mapper *mapper;
    const uint16_t *slots;
    uint16_t n;
    bool partial;
} column_set;

/* The tables of a class that a statement reads: parts[first .. last]. */
typedef struct table_range {
    unsigned first, last;
} table_range;

static const mr_property *property_at(const mr_mapper *mapper, uint16_t slot) {
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        if (is_loadable(prop) && prop->slot == slot) return prop;
    }
    return NULL;
}

static unsigned part_of(const mr_mapper *m, const mr_table *table) {
    unsigned i = 0;
    while (i < m->nparts && m->parts[i].table != table) i++;
    return i;
}

/* Does the join of the part name no table before the first one? */
static mr_status joins_within(mr_mapper *m, unsigned part, unsigned first, bool *within) {
    mr_vec froms;
    mr_vec_init(&froms, m->env, sizeof(mr_node *));
    mr_status status = mr_node_froms(m->env, m->parts[part].on, &froms);
    for (size_t i = 0; i < froms.len; i++) {
        mr_node *from = mr_vec_ptr(&froms, i);
        unsigned at = from->kind == MR_NODE_TABLE ? part_of(m, from->u.table) : m->nparts;
        if (at < first || at > part) *within = false;
        mr_node_release(from);
    }
    mr_vec_done(&froms);
    return status;
}

/* Can a row be found by the part's own columns of the key? */
static bool has_same_key(const mr_mapper *m, unsigned part) {
    for (uint16_t i = 0; i < m->npk; i++) {
        const mr_type *type = mr_column_type(m->env, m->parts[0].keys[i]);
        const mr_type *own = mr_column_type(m->env, m->parts[part].keys[i]);
        if (own->rules != type->rules || own->decorator != type->decorator || !mr_type_same_form(own, type))
            return false;
    }
    return true;
}

/* The tables that have the columns, with those between them; all, where one is an expression, or where the first has
 * not the key as the class has it. */
static mr_status find_range(const column_set *set, table_range *out) {
    mr_mapper *m = set->mapper;
    const table_range all = {0, m->nparts - 1};
    *out = (table_range){m->nparts, 0};
    for (uint16_t i = 0; i < set->n; i++) {
        const mr_property *prop = property_at(m, set->slots[i]);
        unsigned at = prop->kind == MR_PROPERTY_COLUMN ? part_of(m, prop->column->table) : m->nparts;
        if (at < out->first) out->first = at;
        if (at > out->last) out->last = at;
    }
    bool within = out->last < m->nparts && has_same_key(m, out->first);
    mr_status status = MR_OK;
    for (unsigned i = out->first + 1; within && i <= out->last && status == MR_OK; i++)
        status = joins_within(m, i, out->first, &within);
    if (!within) *out = all;
    return status;
}

/* The query reads these tables alone, and finds the row by the key of the first. Consumes q. */
static mr_query *read_tables(mr_query *q, const column_set *set, table_range range, mr_vec *lates) {
    const mr_mapper *m = set->mapper;
    mr_env *env = m->env;
    mr_node *from = mr_sql_table(env, m->parts[range.first].table), *where = NULL;
    for (unsigned i = range.first + 1; from && i <= range.last; i++)
        from =
            mr_sql_join(env, MR_OP_INNER, from, mr_sql_table(env, m->parts[i].table), mr_node_retain(m->parts[i].on));
    mr_query *read = q && from ? mr_query_select_from(q, from) : NULL;
    if (!q) mr_node_release(from);
    for (uint16_t i = 0; read && i < m->npk; i++) {
        mr_column *key = m->parts[range.first].keys[i];
        mr_node *param = mr_late_param(env, lates, mr_column_type(env, key), MR_PLAN_NONE, i);
        mr_node *column = mr_sql_column(env, key, NULL, NULL);
        where = mr_sql_and(env, where, mr_sql_binary(env, set->partial ? MR_OP_IS : MR_OP_EQ, column, param));
        if (!where) break;
    }
    mr_query *made = read && where ? mr_query_where(read, where) : NULL;
    mr_query_release(read);
    mr_query_release(q);
    return made;
}

static mr_status make_columns(void *ud, mr_vec *lates, mr_query **out) {
    const column_set *set = ud;
    mr_env *env = set->mapper->env;
    table_range range = {0, 0};
    if (set->mapper->nparts > 1 && find_range(set, &range) != MR_OK) return MR_FAIL;
    mr_query *q = mr_query_new(env, NULL, 0, false);
    for (uint16_t i = 0; q && i < set->n; i++) {
        const mr_property *prop = property_at(set->mapper, set->slots[i]);
        mr_query_item item = {.name = prop->name};
        if (prop->kind == MR_PROPERTY_COLUMN) item.expression = mr_property_node(prop, NULL);
        else item.expression = mr_node_retain(prop->expression);
        mr_query *next = item.expression ? mr_query_with_items(q, &item, 1, true) : NULL;
        mr_query_release(q);
        q = next;
    }
    if (set->mapper->nparts > 1) *out = read_tables(q, set, range, lates);
    else *out = mr_where_identity(q, set->mapper, set->partial, lates);
    return *out ? MR_OK : MR_FAIL;
}

/* Changes a plan of plain columns into one that fills one known entity. */
static mr_status fill_entity(mr_plan *plan, const column_set *set) {
    mr_plan_entity *e = mr_arena_alloc(plan->arena, sizeof *e);
    mr_plan_item *item = mr_arena_alloc(plan->arena, sizeof *item);
    mr_plan_slot *slots = mr_arena_alloc(plan->arena, set->n * sizeof *slots);
    if (!e || !item || !slots) return MR_FAIL;
    for (uint16_t i = 0; i < set->n; i++) slots[i] = (mr_plan_slot){plan->items[i].column, set->slots[i]};
    e->mapper = set->mapper;
    e->discriminator = e->parent = MR_PLAN_NONE;
    e->nslots = set->n;
    e->slots = slots;
    *item = (mr_plan_item){0, 0, set->mapper->name};
    plan->entities = e;
    plan->nentities = 1;
    plan->plain = false;
    plan->items = item;
    plan->nitems = 1;
    plan->lead = set->mapper;
    plan->unique = false;
    return MR_OK;
}

static mr_prepared_columns *find_columns(mr_class_plans *plans, const column_set *set) {
    enum { MAX_SETS = 32 };
    for (size_t i = 0; i < plans->columns.len; i++) {
        mr_prepared_columns *c = mr_vec_at(&plans->columns, i);
        if (c->n == set->n && c->partial == set->partial &&
            memcmp(c->slots, set->slots, set->n * sizeof *set->slots) == 0)
            return c;
    }
    if (plans->columns.len >= MAX_SETS) {
        mr_prepared_columns *oldest = mr_vec_at(&plans->columns, 0);
        mr_prepared_done(&oldest->prepared);
        mr_free(plans->mapper->env, oldest->slots);
        mr_vec_remove(&plans->columns, 0);
    }
    mr_prepared_columns *made = mr_vec_push(&plans->columns);
    if (!made) return NULL;
    made->slots = mr_alloc(plans->mapper->env, set->n * sizeof *made->slots);
    if (!made->slots) {
        plans->columns.len--;
        return NULL;
    }
    memcpy(made->slots, set->slots, set->n * sizeof *made->slots);
    made->n = set->n;
    made->partial = set->partial;
    return made;
}

static mr_status open_columns(const mr_load_context *ctx, mr_entity *entity, const mr_vec *slots, const mr_value *keys,
                              mr_load **out) {
    mr_conn *conn;
    column_set set = {entity->mapper, slots->data, (uint16_t)slots->len, mr_identity_has_null(entity->mapper, keys)};
    mr_class_plans *plans = mr_class_plans_of(entity->mapper);
    if (!plans || ctx->connection(ctx->ud, entity->mapper, &conn) != MR_OK) return MR_FAIL;
    mr_prepared_columns *c = find_columns(plans, &set);
    if (!c) return MR_FAIL;
    if (mr_prepare(ctx->env, &c->prepared, mr_engine_dialect(mr_conn_engine(conn)), make_columns, &set) != MR_OK)
        return MR_FAIL;
    if (c->prepared.plan->nentities == 0 && fill_entity(c->prepared.plan, &set) != MR_OK) {
        mr_prepared_done(&c->prepared);
        return MR_FAIL;
    }
    mr_run_source source = {.keys = keys, .fixed = entity};
    return mr_load_open(ctx, c->prepared.plan, &source, false, out);
}

/* ---------------------------------------------------------------- refreshing */

typedef enum way { AS_GET, AS_LOADED, AS_LOADED_WITH_COLUMNS, SOME_COLUMNS } way;

static mr_status open_refresh(const mr_load_context *ctx, mr_entity *entity, const mr_vec *slots, way how,
                              const mr_value *keys, mr_load **out) {
    if (how == AS_GET) return mr_get_open(ctx, entity->mapper, keys, false, entity, out);
    if (how == SOME_COLUMNS) return open_columns(ctx, entity, slots, keys, out);
    return mr_as_loaded_open(ctx, entity, keys, how == AS_LOADED_WITH_COLUMNS, out);
}

static mr_status run_refresh(const mr_load_context *ctx, mr_entity *entity, const mr_vec *slots, way how) {
    enum { FEW = 8 };
    mr_value few[FEW], *keys = few;
    const mr_value *rows;
    mr_load *load = NULL;
    size_t n;
    uint16_t npk = entity->mapper->npk;
    if (npk > FEW && !(keys = mr_alloc(ctx->env, npk * sizeof *keys))) return MR_FAIL;
    mr_entity_key(entity, keys);
    mr_load_context as_read = mr_load_context_of(ctx, entity);
    mr_status status = open_refresh(&as_read, entity, slots, how, keys, &load);
    if (status == MR_OK) status = mr_load_all_of_key(load, entity->mapper, keys, &rows, &n);
    if (status == MR_OK && n == 0) status = MR_NOTFOUND;
    mr_load_close(load);
    if (keys != few) mr_free(ctx->env, keys);
    return status;
}

static mr_status refresh(const mr_load_context *ctx, mr_entity *entity, const mr_property *const *props, unsigned n,
                         bool whole) {
    mr_vec slots;
    bool all;
    mr_heap *heap = mr_heap_of(ctx->env);
    if (!heap) return MR_FAIL;
    mr_heap_block(heap);
    mr_vec_init(&slots, ctx->env, sizeof(uint16_t));
    mr_status status = wanted_slots(entity, props, n, &slots, &all);
    way how = all ? AS_GET : SOME_COLUMNS;
    if (status == MR_OK && all && !props && mr_as_loaded_matters(ctx, entity, whole))
        how = whole ? AS_LOADED_WITH_COLUMNS : AS_LOADED;
    if (status == MR_OK && slots.len > 0) status = run_refresh(ctx, entity, &slots, how);
    if (status == MR_OK && !props) entity->flags &= ~(uint32_t)MR_ENTITY_PARTIAL;
    mr_vec_done(&slots);
    mr_heap_unblock(heap);
    return status;
}

mr_status mr_load_refresh(const mr_load_context *ctx, mr_entity *entity, const mr_property *const *props, unsigned n) {
    return refresh(ctx, entity, props, n, false);
}

mr_status mr_load_refresh_whole(const mr_load_context *ctx, mr_entity *entity) {
    return refresh(ctx, entity, NULL, 0, true);
}

/*
 * plan.c: turns a query into a plan: the compiled SELECT, and arrays that describe its rows.
 *
 * Invariant: one plan is good for all queries with the same key. A parameter of the SELECT that comes from the query is
 * known by its number in the query. Any other comes from the mappings, and the plan holds it.
 */
#include "planner.h"

#include <string.h>

/* ---------------------------------------------------------------- life of a plan */

static mr_plan *new_plan(mr_env *env) {
    mr_plan *plan = mr_calloc(env, sizeof *plan);
    if (!plan) return NULL;
    plan->refs = 1;
    plan->env = env;
    plan->arena = mr_arena_new(env);
    if (plan->arena) return plan;
    mr_free(env, plan);
    return NULL;
}

mr_plan *mr_plan_retain(mr_plan *plan) {
    plan->refs++;
    return plan;
}

void mr_plan_release(mr_plan *plan) {
    if (!plan || --plan->refs > 0) return;
    mr_free(plan->env, plan->spare);
    mr_free(plan->env, plan->one);
    for (uint32_t i = 0; i < plan->nbinds; i++) mr_node_release(plan->binds[i].own);
    mr_plan_release_criteria(plan);
    for (unsigned i = 0; i < plan->nkept; i++) mr_node_release(plan->kept[i]);
    mr_compiled_release(plan->compiled);
    mr_arena_free(plan->arena);
    mr_free(plan->env, plan);
}

/* ---------------------------------------------------------------- life of a planning */

void mr_planner_init(mr_planner *p, mr_query *q, mr_plan *plan, bool plain) {
    memset(p, 0, sizeof *p);
    p->env = q->env;
    p->q = q;
    p->plan = plan;
    p->plain = plain;
    mr_columns_init(p);
    mr_vec_init(&p->targets, p->env, sizeof(mr_target));
    mr_vec_init(&p->items, p->env, sizeof(mr_plan_item));
    mr_vec_init(&p->explicit, p->env, sizeof(mr_node *));
    mr_vec_init(&p->lates, p->env, sizeof(mr_plan_late));
    mr_vec_init(&p->readers, p->env, sizeof(mr_reader));
    mr_vec_init(&p->narrowed, p->env, sizeof(mr_narrowed));
    mr_vec_init(&p->order, p->env, sizeof(uint16_t));
}

void mr_planner_done(mr_planner *p) {
    mr_columns_done(p);
    for (size_t i = 0; i < p->targets.len; i++) mr_node_release(mr_target_at(p, i)->from);
    for (size_t i = 0; i < p->explicit.len; i++) mr_node_release(mr_vec_ptr(&p->explicit, i));
    mr_vec_done(&p->targets);
    mr_vec_done(&p->items);
    mr_vec_done(&p->explicit);
    mr_vec_done(&p->lates);
    for (size_t i = 0; i < p->readers.len; i++) mr_node_release(((const mr_reader *)mr_vec_at(&p->readers, i))->from);
    mr_vec_done(&p->readers);
    mr_vec_done(&p->narrowed);
    mr_vec_done(&p->order);
    mr_node_release(p->wrapper);
    mr_node_release(p->eager_order);
    mr_node_release(p->criteria);
    mr_node_release(p->classes);
}

/* ---------------------------------------------------------------- planning */

/* Must the query become a subquery? A joined collection repeats the parent in several rows, and a limit would count
 * these. */
static bool needs_wrap(const mr_planner *p) {
    const mr_select *s = &p->q->clauses;
    if (!s->limit && !s->offset && !s->distinct && !s->group_by) return false;
    for (size_t i = 0; i < p->targets.len; i++)
        if (mr_target_at(p, i)->join && mr_target_at(p, i)->plan.collection) return true;
    return false;
}

mr_status mr_planner_select(mr_planner *p, mr_node **out) {
    *out = NULL;
    if (mr_options_resolve(p) != MR_OK || mr_plan_items(p) != MR_OK || mr_plan_source_rows(p) != MR_OK) return MR_FAIL;
    if (p->primary.len == 0) return mr_fail(p->env, MR_ERR_ARGUMENT, "a query needs something to select");
    if (mr_froms_own_joins(p) != MR_OK || mr_plan_below(p) != MR_OK || mr_plan_where_rows(p) != MR_OK ||
        mr_plan_parents(p) != MR_OK || mr_plan_around(p) != MR_OK)
        return MR_FAIL;
    p->wrap = needs_wrap(p);
    if (p->wrap && mr_wrap_columns(p) != MR_OK) return MR_FAIL;
    if (mr_columns_name(p) != MR_OK) return MR_FAIL;
    return mr_select_build(p, out);
}

/* ---------------------------------------------------------------- the row program */

static uint16_t final_column(const mr_planner *p, uint16_t column) {
    if (column == MR_PLAN_NONE || !(column & MR_SECONDARY)) return column;
    return (uint16_t)(p->primary.len + (column & (MR_SECONDARY - 1)));
}

static void finish_entity(const mr_planner *p, mr_plan_entity *e) {
    e->discriminator = final_column(p, e->discriminator);
    for (uint16_t i = 0; i < e->nkeys; i++) e->keys[i] = final_column(p, e->keys[i]);
    bool direct = e->nslots > 0;
    for (uint16_t i = 0; i < e->nslots; i++) {
        e->slots[i].column = final_column(p, e->slots[i].column);
        direct = direct && e->slots[i].slot == i && e->slots[i].column == e->slots[0].column + i;
    }
    e->first = e->nslots ? e->slots[0].column : 0;
    e->direct = direct ? e->nslots : 0;
    for (uint16_t i = 0; i < e->nidentities; i++) {
        const mr_plan_identity *id = &e->identities[i];
        for (uint16_t k = 0; id->slots != e->slots && k < id->nslots; k++)
            id->slots[k].column = final_column(p, id->slots[k].column);
    }
}

/* Can the join repeat a parent in several rows? Not for a reference by a foreign key; but yes for a relationship that
 * is only declared as a reference. */
static bool multiplies(const mr_plan_entity *e) {
    if (!e->along) return false;
    const mr_relationship *rel = e->along->relationship;
    return e->collection || rel->direction != MR_MANY_TO_ONE || !rel->use_get;
}

/* Can the query itself, without its eager joins, have an entity in several rows? */
static bool rows_repeat(const mr_planner *p) {
    return p->nfroms > 1 || mr_query_has_joins(p->q) || p->q->clauses.from || p->adapts || p->q->statement;
}

/* The number of joins that repeat rows. It decides whether an item of a joined collection can be in several rows of its
 * parent. */
static unsigned count_multiplying(const mr_planner *p) {
    unsigned n = 0;
    for (size_t i = 0; i < p->targets.len; i++)
        if (multiplies(&mr_target_at(p, i)->plan)) n++;
    return n;
}

/* Can an item of the joined collection be in several rows of its parent? Not if its parent is an entity of the query
 * itself, no other join repeats rows, and no link table can name the item twice. */
static bool item_repeats(const mr_planner *p, const mr_plan_entity *e, unsigned multiplying) {
    if (!e->along) return false;
    return multiplying > 1 || rows_repeat(p) || e->along->relationship->secondary ||
           mr_target_at(p, e->parent)->plan.parent != MR_PLAN_NONE;
}

static void *arena_copy(mr_arena *arena, const mr_vec *v) {
    void *copy = mr_arena_alloc(arena, (v->len + 1) * v->size);
    if (copy && v->len) memcpy(copy, v->data, v->len * v->size);
    return copy;
}

static mr_status finish_arrays(const mr_planner *p) {
    mr_plan *plan = p->plan;
    unsigned multiplying = count_multiplying(p);
    plan->entities = mr_arena_alloc(plan->arena, (p->targets.len + 1) * sizeof *plan->entities);
    plan->items = arena_copy(plan->arena, &p->items);
    plan->lates = arena_copy(plan->arena, &p->lates);
    if (!plan->entities || !plan->items || !plan->lates) return MR_FAIL;
    plan->nentities = (uint16_t)p->targets.len;
    plan->nitems = (uint16_t)p->items.len;
    plan->nlates = (uint16_t)p->lates.len;
    plan->ncolumns = (uint16_t)(p->primary.len + p->secondary.len);
    for (uint16_t i = 0; i < plan->nentities; i++) {
        mr_plan_entity *e = &plan->entities[i];
        *e = mr_target_at(p, i)->plan;
        finish_entity(p, e);
        e->repeats = item_repeats(p, e, multiplying);
        e->outer = e->parent != MR_PLAN_NONE || mr_query_is_outer(p->q);
        if (e->collection) plan->collections = true;
        if (e->nfollows) plan->follows = true;
        if (e->batched) plan->batched = true;
        e->noted = e->nfollows || e->batched;
    }
    bool one_entity = plan->nitems == 1 && plan->items[0].entity != MR_PLAN_NONE;
    plan->unique = multiplying > 0 || (one_entity && !p->q->core_labels && rows_repeat(p));
    return MR_OK;
}

/* ---------------------------------------------------------------- binds */

typedef struct numbered_bind {
    const void *node;
    int32_t number;
} numbered_bind;

static mr_status map_binds(mr_plan *plan, const mr_node *select, const mr_vec *binds) {
    mr_vec own;
    mr_vec_init(&own, plan->env, sizeof(mr_node *));
    mr_map *numbers = mr_map_new(plan->env, sizeof(numbered_bind), mr_map_hash_ptr, mr_map_equal_ptr);
    mr_status status = numbers ? mr_sql_key(select, NULL, &own) : MR_FAIL;
    for (size_t i = binds->len; i-- > 0 && status == MR_OK;) {
        numbered_bind n = {mr_vec_ptr(binds, i), (int32_t)i};
        if (!mr_map_put(numbers, &n)) status = MR_FAIL;
    }
    if (status == MR_OK) {
        plan->binds = mr_arena_alloc(plan->arena, (own.len + 1) * sizeof *plan->binds);
        if (!plan->binds) status = MR_FAIL;
    }
    for (size_t i = 0; i < own.len && status == MR_OK; i++) {
        mr_node *node = mr_vec_ptr(&own, i);
        numbered_bind key = {node, 0};
        /* A named parameter needs its own bind only for the value that it has where none is given. */
        bool named = node->name && !(node->flags & MR_NODE_DEFAULTED);
        const numbered_bind *found = named ? NULL : mr_map_get(numbers, &key);
        plan->binds[i].source = found ? found->number : -1;
        if (!found) plan->binds[i].own = mr_node_retain(node);
        plan->nbinds = (uint32_t)i + 1;
    }
    mr_map_free(numbers);
    mr_vec_done(&own);
    return status;
}

static mr_status compile(mr_plan *plan, const mr_node *statement, const mr_dialect *dialect, const mr_vec *binds) {
    if (mr_sql_compile(plan->env, dialect, statement, &plan->compiled) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < plan->compiled->ncolumns; i++) plan->compiled->columns[i].node = NULL;
    return map_binds(plan, statement, binds);
}

/* ---------------------------------------------------------------- making */

static bool is_simple(const mr_plan *plan) {
    bool one = plan->nitems == 1 && plan->items[0].entity == 0 && plan->nentities == 1;
    return one && plan->entities[0].nkeys > 0 && !plan->follows && !plan->unique;
}

static mr_status make_select(mr_planner *p, const mr_dialect *dialect, const mr_vec *binds) {
    mr_node *select = NULL;
    mr_status status = mr_planner_select(p, &select);
    if (status == MR_OK) status = finish_arrays(p);
    if (status == MR_OK) status = compile(p->plan, select, dialect, binds);
    if (status == MR_OK) p->plan->simple = is_simple(p->plan);
    mr_node_release(select);
    return status;
}

/* The table's column that the item is. deep: looks through unions and other subqueries, too. NULL: none. */
static const mr_column *source_of(const mr_node *item, bool deep) {
    for (; item; item = deep ? mr_column_source(item) : NULL) {
        while (item->kind == MR_NODE_LABEL) item = item->child[0];
        if (item->kind == MR_NODE_COLUMN && item->n == 0) return item->u.column->table ? item->u.column : NULL;
    }
    return NULL;
}

static bool is_source(const mr_plan *plan, const mr_column *column) {
    for (unsigned i = 0; i < plan->nsources; i++)
        if (plan->sources[i] == column) return true;
    return false;
}

/* Notes the table's column of each result column. This is more certain than names, because two tables may have columns
 * of the same name. A column that is read from the table itself wins over one from a subquery. */
static mr_status find_sources(mr_plan *plan, const mr_node *statement) {
    while (statement->kind == MR_NODE_COMPOUND) statement = statement->child[0];
    const mr_node *list = statement->kind == MR_NODE_SELECT ? statement->u.select->columns : NULL;
    if (statement->kind == MR_NODE_TYPED_TEXT && !(statement->flags & MR_NODE_NAME)) list = statement->child[1];
    if (!list) return MR_OK;
    plan->sources = mr_arena_alloc(plan->arena, (list->n + (size_t)1) * sizeof *plan->sources);
    if (!plan->sources) return MR_FAIL;
    for (uint32_t i = 0; i < list->n; i++) plan->sources[i] = source_of(list->child[i], false);
    plan->nsources = list->n;
    for (uint32_t i = 0; i < list->n; i++) {
        const mr_column *column = plan->sources[i] ? NULL : source_of(list->child[i], true);
        if (column && !is_source(plan, column)) plan->sources[i] = column;
    }
    return MR_OK;
}

/* The program wrote the statement: its columns are found by name when it runs. */
static mr_status make_by_name(mr_planner *p, const mr_dialect *dialect, const mr_vec *binds) {
    if (mr_options_resolve(p) != MR_OK || mr_plan_items(p) != MR_OK || finish_arrays(p) != MR_OK) return MR_FAIL;
    p->plan->by_name = true;
    if (find_sources(p->plan, p->q->statement) != MR_OK) return MR_FAIL;
    return compile(p->plan, p->q->statement, dialect, binds);
}

mr_status mr_plan_configure(const mr_query *q) {
    for (unsigned i = 0; i < q->nitems; i++) {
        const mr_mapper *m = q->items[i].mapper;
        if (m && (!m->configured || m->registry->dirty) && mr_registry_configure(m->registry) != MR_OK) return MR_FAIL;
    }
    const mr_mapper *lead = mr_query_lead(q);
    if (lead && lead->registry->dirty) return mr_registry_configure(lead->registry);
    return MR_OK;
}

/* Is each item the column of its number, and are these all columns? */
static bool is_plain(const mr_plan *plan) {
    bool plain = plan->nentities == 0 && !plan->by_name && plan->nitems == plan->ncolumns;
    for (uint16_t i = 0; i < plan->nitems && plain; i++)
        plain = plan->items[i].entity == MR_PLAN_NONE && plan->items[i].column == i;
    return plain;
}

mr_status mr_plan_make(mr_query *q, const mr_plan_path *path, const mr_dialect *dialect, const mr_vec *binds,
                       mr_plan **out) {
    mr_planner p;
    *out = NULL;
    if (mr_plan_configure(q) != MR_OK) return MR_FAIL;
    mr_plan *plan = new_plan(q->env);
    if (!plan) return MR_FAIL;
    /* Nothing can be joined to a statement that the program wrote. */
    mr_planner_init(&p, q, plan, q->statement != NULL);
    p.path = path;
    p.alone = true;
    plan->lead = mr_query_lead(q);
    plan->version = mr_plan_version(q);
    mr_status status = q->statement ? make_by_name(&p, dialect, binds) : make_select(&p, dialect, binds);
    mr_planner_done(&p);
    if (status == MR_OK) {
        plan->plain = is_plain(plan);
        *out = plan;
        return MR_OK;
    }
    mr_plan_release(plan);
    return MR_FAIL;
}

/*
 * names.c: completes the plan of a statement that the program wrote: finds its columns by their names.
 *
 * Invariant: the result must have the primary key of each entity. Another attribute that is missing stays unloaded.
 */
#include "plan/plan.h"

#include <string.h>

typedef struct result_names {
    const mr_plan *plan;
    mr_cursor *cursor;
    unsigned n;
} result_names;

static uint16_t find_name(const result_names *r, const char *name) {
    for (unsigned i = 0; i < r->n; i++) {
        const char *column = mr_cursor_column_name(r->cursor, i);
        if (column && strcmp(column, name) == 0) return (uint16_t)i;
    }
    return MR_PLAN_NONE;
}

/* The result column with the name table_column. */
static uint16_t find_label(const result_names *r, const mr_column *column) {
    size_t len = strlen(column->table->name);
    for (unsigned i = 0; i < r->n; i++) {
        const char *name = mr_cursor_column_name(r->cursor, i);
        if (name && strncmp(name, column->table->name, len) == 0 && name[len] == '_' &&
            strcmp(name + len + 1, column->name) == 0)
            return (uint16_t)i;
    }
    return MR_PLAN_NONE;
}

static uint16_t find_source(const result_names *r, const mr_column *column) {
    for (unsigned i = 0; i < r->plan->nsources && i < r->n; i++)
        if (r->plan->sources[i] == column) return (uint16_t)i;
    return MR_PLAN_NONE;
}

/* The result column for a table's column. label_first: look for table_column first, because the row has several
 * classes. */
static uint16_t find_column(const result_names *r, const mr_column *column, bool label_first) {
    uint16_t found = find_source(r, column);
    if (found != MR_PLAN_NONE) return found;
    found = label_first ? find_label(r, column) : find_name(r, column->name);
    if (found != MR_PLAN_NONE) return found;
    return label_first ? find_name(r, column->name) : find_label(r, column);
}

/* Has another class of the row a column of this name? Then the bare name may be the other's. */
static bool is_shared(const mr_plan *plan, const mr_plan_entity *e, const char *name) {
    for (uint16_t i = 0; i < plan->nentities; i++) {
        const mr_mapper *other = plan->entities[i].mapper;
        for (size_t k = 0; &plan->entities[i] != e && k < other->columns.len; k++)
            if (strcmp(((const mr_property *)mr_vec_ptr(&other->columns, k))->column->name, name) == 0) return true;
    }
    return false;
}

/* The column for an entity that fills a relationship: it must not be a column of the object that has the relationship.
 */
static uint16_t find_of_entity(const mr_plan *plan, const mr_plan_entity *e, const mr_column *column,
                               const result_names *r) {
    bool own = e->parent != MR_PLAN_NONE && is_shared(plan, e, column->name);
    if (own && find_source(r, column) == MR_PLAN_NONE) return find_label(r, column);
    return find_column(r, column, plan->nentities > 1);
}

static const mr_type *in_dialect(const result_names *r, const mr_type *type) {
    return mr_type_in(type, mr_engine_dialect(mr_conn_engine(mr_cursor_conn(r->cursor)))->name);
}

/* The slots that the result fills of an object of the class. */
static uint16_t match_slots(mr_plan *plan, const mr_plan_entity *e, const mr_mapper *mapper, const result_names *r,
                            mr_plan_slot *slots) {
    uint16_t n = 0;
    for (size_t i = 0; i < mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->columns, i);
        uint16_t column = find_of_entity(plan, e, prop->column, r);
        if (column == MR_PLAN_NONE) continue;
        slots[n++] = (mr_plan_slot){column, prop->slot};
        plan->types[column] = in_dialect(r, mr_column_type(plan->env, prop->column));
    }
    return n;
}

/* The same for the classes that rows may be of. */
static mr_status match_identities(mr_plan *plan, mr_plan_entity *e, const result_names *r) {
    for (uint16_t i = 0; i < e->nidentities; i++) {
        mr_plan_identity *id = &e->identities[i];
        if (!mr_mapper_isa(id->mapper, e->mapper)) continue;
        id->slots = mr_arena_alloc(plan->arena, (id->mapper->columns.len + 1) * sizeof *id->slots);
        if (!id->slots) return MR_FAIL;
        id->nslots = match_slots(plan, e, id->mapper, r, id->slots);
        id->partial = id->nslots < id->mapper->columns.len;
    }
    return MR_OK;
}

static mr_status match_entity(mr_plan *plan, mr_plan_entity *e, const result_names *r) {
    const mr_mapper *mapper = e->mapper;
    const mr_property *discriminator = e->nidentities ? mapper->discriminator : NULL;
    e->nslots = 0;
    e->direct = 0;
    e->discriminator = MR_PLAN_NONE;
    for (uint16_t k = 0; k < e->nkeys; k++) e->keys[k] = MR_PLAN_NONE;
    for (size_t i = 0; i < mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->columns, i);
        uint16_t column = find_of_entity(plan, e, prop->column, r);
        if (column == MR_PLAN_NONE) continue;
        e->slots[e->nslots++] = (mr_plan_slot){column, prop->slot};
        plan->types[column] = in_dialect(r, mr_column_type(plan->env, prop->column));
        if (discriminator && discriminator->slot == prop->slot) e->discriminator = column;
        for (uint16_t k = 0; k < e->nkeys; k++)
            if (mapper->pk_slots[k] == prop->slot) e->keys[k] = column;
    }
    for (uint16_t k = 0; k < e->nkeys; k++) {
        if (e->keys[k] != MR_PLAN_NONE) continue;
        for (size_t i = 0; i < mapper->columns.len; i++) {
            const mr_property *prop = mr_vec_ptr(&mapper->columns, i);
            if (prop->slot != mapper->pk_slots[k]) continue;
            return mr_fail(plan->env, MR_ERR_INVALID_REQUEST,
                           "the statement gives no column '%s', which %s needs as its primary key", prop->column->name,
                           mapper->name);
        }
    }
    return match_identities(plan, e, r);
}

/* The place of the item in a text whose columns were named in their order. MR_PLAN_NONE: it has none. */
static uint16_t place_in_text(const mr_query *q, const mr_node *item, unsigned width) {
    const mr_node *text = q->statement;
    if (text->kind != MR_NODE_TYPED_TEXT || text->flags & MR_NODE_NAME) return MR_PLAN_NONE;
    for (uint32_t i = 0; i < text->child[1]->n && i < width; i++)
        if (text->child[1]->child[i] == item) return (uint16_t)i;
    return MR_PLAN_NONE;
}

static mr_status match_item(mr_plan *plan, mr_plan_item *item, const mr_query *q, const mr_query_item *wanted,
                            const result_names *r) {
    if (item->entity != MR_PLAN_NONE) return MR_OK;
    const mr_node *x = wanted->expression;
    item->column = place_in_text(q, x, r->n);
    if (item->column != MR_PLAN_NONE) (void)0;
    else if (x->kind == MR_NODE_COLUMN && x->u.column->table) item->column = find_column(r, x->u.column, false);
    else if (item->name) item->column = find_name(r, item->name);
    if (item->column == MR_PLAN_NONE)
        return mr_fail(plan->env, MR_ERR_INVALID_REQUEST, "the statement gives no column '%s'",
                       item->name ? item->name : "?");
    plan->types[item->column] = in_dialect(r, x->type);
    return MR_OK;
}

mr_status mr_plan_match_names(mr_plan *plan, mr_query *q, mr_cursor *cursor) {
    result_names r = {plan, cursor, mr_cursor_column_count(cursor)};
    if (r.n >= MR_PLAN_NONE) return mr_fail(plan->env, MR_ERR_ARGUMENT, "the statement gives too many columns");
    plan->ncolumns = (uint16_t)r.n;
    plan->types = mr_arena_alloc(plan->arena, (r.n + (size_t)1) * sizeof(const mr_type *));
    if (!plan->types) return MR_FAIL;
    for (unsigned i = 0; i < r.n; i++) plan->types[i] = mr_type_simple(MR_TYPE_NULL);
    for (uint16_t i = 0; i < plan->nentities; i++)
        if (match_entity(plan, &plan->entities[i], &r) != MR_OK) return MR_FAIL;
    for (uint16_t i = 0; i < plan->nitems; i++)
        if (match_item(plan, &plan->items[i], q, &q->items[i], &r) != MR_OK) return MR_FAIL;
    return MR_OK;
}

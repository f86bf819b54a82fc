/*
 * property.c: adds and finds the attributes of a class.
 *
 * Invariant: a property of a mapper is also in all its subclasses, with the same slot. Slots are only appended.
 */
#include "mapper_private.h"

#include <string.h>

/* ---------------------------------------------------------------- finding */

/* The property of an interned name: a wide class looks at no text. */
static mr_property *find_interned(const mr_mapper *m, const char *name) {
    for (size_t i = 0; i < m->props.len; i++)
        if (mapper_prop(m, i)->name == name) return mapper_prop(m, i);
    return NULL;
}

static mr_property *find(const mr_mapper *m, const char *name) {
    mr_property *prop = find_interned(m, name);
    if (prop) return prop;
    for (size_t i = 0; i < m->props.len; i++)
        if (strcmp(mapper_prop(m, i)->name, name) == 0) return mapper_prop(m, i);
    return NULL;
}

mr_property *mr_mapper_property(const mr_mapper *mapper, const char *name, bool follow) {
    mr_property *prop = find(mapper, name);
    /* Synonyms may refer to each other in a circle, so there are at most as many steps as properties. */
    for (size_t i = 0; follow && prop && prop->kind == MR_PROPERTY_SYNONYM; i++)
        prop = i < mapper->props.len && prop->synonym_of ? find(mapper, prop->synonym_of) : NULL;
    return prop;
}

mr_property *mr_mapper_property_of_column(const mr_mapper *mapper, const mr_column *column) {
    for (size_t i = 0; i < mapper->columns.len; i++) {
        mr_property *prop = mr_vec_ptr(&mapper->columns, i);
        if (prop->column == column) return prop;
    }
    for (size_t i = 0; i < mapper->twins.len; i++) {
        const mr_twin *twin = mr_vec_at(&mapper->twins, i);
        if (twin->column == column) return twin->prop;
    }
    return NULL;
}

static const char *next_name(void *ud, size_t i) {
    const mr_mapper *m = ud;
    return i < m->props.len ? mapper_prop(m, i)->name : NULL;
}

const char *mr_mapper_nearest(const mr_mapper *mapper, const char *name) {
    return mr_nearest(name, next_name, (void *)(uintptr_t)mapper);
}

bool mr_mapper_isa(const mr_mapper *mapper, const mr_mapper *base) {
    while (mapper && mapper != base) mapper = mapper->base;
    return mapper != NULL;
}

bool mr_mapper_reads(const mr_mapper *mapper, const mr_table *table) {
    while (mapper && mapper->table != table) mapper = mapper->base;
    return mapper != NULL;
}

/* ---------------------------------------------------------------- adding */

mr_mapper *mr_mapper_next_below(mr_mapper *mapper, mr_mapper *at) {
    if (!at) return mapper;
    if (at->subclasses.len > 0) return mr_vec_ptr(&at->subclasses, 0);
    for (; at != mapper; at = at->base) {
        size_t next = ((const mapper_cell *)at)->place + 1;
        if (next < at->base->subclasses.len) return mr_vec_ptr(&at->base->subclasses, next);
    }
    return NULL;
}

mr_mapper *mr_mapper_who_has(mr_mapper *mapper, const char *name) {
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m));)
        if (find_interned(m, name)) return m;
    return NULL;
}

/* Doubling: one attribute more does not copy the list of all. */
static mr_status reserve_list(mr_vec *list, size_t n) {
    size_t need = list->len + n;
    if (need <= list->cap) return MR_OK;
    return mr_vec_reserve(list, need < 2 * list->cap ? 2 * list->cap : need);
}

mr_status mr_mapper_reserve_own(mr_mapper *m, size_t n) {
    if (m->nslots + n >= UINT16_MAX) return mr_fail(m->env, MR_ERR_ARGUMENT, "%s has too many attributes", m->name);
    return reserve_list(&m->props, n) == MR_OK ? reserve_list(&m->columns, n) : MR_FAIL;
}

/* Makes room for n more properties in the mapper and in all its subclasses. */
static mr_status reserve(mr_mapper *mapper, size_t n) {
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m));)
        if (mr_mapper_reserve_own(m, n) != MR_OK) return MR_FAIL;
    return MR_OK;
}

mr_property *mr_property_new(mr_mapper *mapper, const char *attribute, mr_property_kind kind) {
    mr_property *prop = mr_env_arena(mapper->env, sizeof *prop);
    if (!prop) return NULL;
    prop->name = mr_intern(mapper->env, attribute, strlen(attribute));
    if (!prop->name) return NULL;
    prop->kind = kind;
    prop->slot = prop->read_slot = UINT16_MAX;
    prop->mapper = mapper;
    return prop;
}

void mr_property_set_read_slot(mr_property *prop, const mr_type *type) {
    bool as_it_is = prop->kind != MR_PROPERTY_COLUMN || (type && !type->decorator);
    prop->read_slot = as_it_is ? prop->slot : UINT16_MAX;
}

static bool has_slot(const mr_property *prop) { return prop->kind != MR_PROPERTY_SYNONYM; }

void mr_mapper_attach(mr_mapper *mapper, mr_property *prop) {
    /* The slot is free in all subclasses too. */
    uint16_t slot = 0;
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m));)
        if (m->nslots > slot) slot = m->nslots;
    if (has_slot(prop)) prop->slot = slot;
    mr_property_set_read_slot(prop, prop->column ? prop->column->type : NULL);
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m));) {
        ((mr_property **)m->props.data)[m->props.len++] = prop;
        if (prop->kind == MR_PROPERTY_COLUMN) ((mr_property **)m->columns.data)[m->columns.len++] = prop;
        if (has_slot(prop)) m->nslots = (uint16_t)(slot + 1);
        if (prop->column) m->untyped = true;
    }
    prop->order = mapper->props.len;
    if (!mapper_is_finished(mapper)) return;
    mapper->registry->version++;
    mapper->registry->dirty = true;
}

static mr_property *add(mr_mapper *mapper, const char *attribute, mr_property_kind kind) {
    attribute = mr_intern(mapper->env, attribute, strlen(attribute));
    if (!attribute) return NULL;
    const mr_mapper *who = mr_mapper_who_has(mapper, attribute);
    const mr_property *there = who ? find_interned(who, attribute) : NULL;
    if (there) {
        if (there->mapper == mapper)
            mr_fail(mapper->env, MR_ERR_ARGUMENT, "%s.%s is declared twice: give one of them another name",
                    mapper->name, attribute);
        else
            mr_fail(mapper->env, MR_ERR_ARGUMENT,
                    "%s.%s: %s declares an attribute '%s' already: give one of them another name", mapper->name,
                    attribute, there->mapper->name, attribute);
        return NULL;
    }
    return reserve(mapper, 1) == MR_OK ? mr_property_new(mapper, attribute, kind) : NULL;
}

mr_property *mr_mapper_add_property(mr_mapper *mapper, const char *attribute, mr_property_kind kind) {
    mr_property *prop = add(mapper, attribute, kind);
    if (prop) mr_mapper_attach(mapper, prop);
    return prop;
}

mr_property *mr_mapper_add_column(mr_mapper *mapper, const char *attribute, mr_column *column) {
    if (!column) return NULL; /* making the column has failed */
    if (mapper_is_finished(mapper)) return mr_mapper_append_column(mapper, attribute, column);
    mr_property *prop = add(mapper, attribute, MR_PROPERTY_COLUMN);
    if (!prop) return NULL;
    const mr_property *same = mr_mapper_property_of_column(mapper, column);
    if (same) {
        mr_fail(mapper->env, MR_ERR_ARGUMENT, "%s.%s: its column is that of %s.%s already: use a synonym", mapper->name,
                attribute, same->mapper->name, same->name);
        return NULL;
    }
    if (!column->name) column->name = prop->name;
    prop->column = column;
    prop->computed = column->computed != NULL;
    prop->is_primary_key = column->primary_key;
    mr_mapper_attach(mapper, prop);
    return prop;
}

mr_status mr_mapper_add_twin(mr_mapper *mapper, mr_property *prop, mr_column *column) {
    mr_twin *twin = mr_vec_push(&mapper->twins);
    if (!twin) return MR_FAIL;
    if (!column->name) column->name = prop->name;
    *twin = (mr_twin){column, prop};
    return MR_OK;
}

mr_property *mr_mapper_append_column(mr_mapper *mapper, const char *attribute, mr_column *column) {
    if (!column) return NULL;
    mr_property *prop = add(mapper, attribute, MR_PROPERTY_COLUMN);
    if (!prop) return NULL;
    if (!column->name) column->name = prop->name;
    if (column->table != mapper->table && mr_table_append(mapper->table, column) != MR_OK) return NULL;
    prop->column = column;
    prop->computed = column->computed != NULL;
    mr_mapper_attach(mapper, prop);
    return prop;
}

void mr_relationship_init(mr_env *env, mr_relationship *proto) {
    memset(proto, 0, sizeof *proto);
    proto->uselist = -1;
    proto->passive_updates = true;
    proto->cascade = MR_CASCADE_SAVE_UPDATE | MR_CASCADE_MERGE;
    mr_vec_init(&proto->foreign_keys, env, sizeof(mr_column *));
    mr_vec_init(&proto->remote_side, env, sizeof(mr_column *));
}

static mr_relationship *copy_relationship(mr_env *env, const mr_relationship *proto) {
    mr_relationship *rel = mr_env_arena(env, sizeof *rel);
    if (!rel) return NULL;
    *rel = *proto;
    if (!rel->foreign_keys.env) mr_vec_init(&rel->foreign_keys, env, sizeof(mr_column *));
    if (!rel->remote_side.env) mr_vec_init(&rel->remote_side, env, sizeof(mr_column *));
    return rel;
}

mr_relationship *mr_mapper_add_relationship(mr_mapper *mapper, const char *attribute, const mr_relationship *proto) {
    mr_env *env = mapper->env;
    mr_property *prop = add(mapper, attribute, MR_PROPERTY_RELATIONSHIP);
    mr_relationship *rel = prop ? copy_relationship(env, proto) : NULL;
    mr_relationship *options = rel && proto->backref_options ? copy_relationship(env, proto->backref_options) : NULL;
    if (!rel || (proto->backref_options && !options)) {
        mr_relationship lost = *proto;
        mr_relationship_done(&lost);
        if (!proto->backref_options) return NULL;
        lost = *proto->backref_options;
        mr_relationship_done(&lost);
        return NULL;
    }
    rel->backref_options = options;
    rel->prop = prop;
    rel->parent = mapper;
    rel->configured = false;
    prop->relationship = rel;
    mr_mapper_attach(mapper, prop);
    return rel;
}

mr_status mr_mapper_add_validator(mr_mapper *mapper, const char *attribute, mr_validate_fn fn, void *ud) {
    mr_validator *made = mr_env_arena(mapper->env, sizeof *made);
    const char *name = mr_intern(mapper->env, attribute, strlen(attribute));
    if (!made || !name) return MR_FAIL;
    mr_validator **at = &mapper->validators; /* by name: mistakes are told in the same order each time */
    while (*at && strcmp((*at)->name, name) < 0) at = &(*at)->next;
    *made = (mr_validator){name, fn, ud, *at};
    *at = made;
    return MR_OK;
}

/* ---------------------------------------------------------------- as expressions */

typedef struct alias_of {
    mr_env *env;
    const mr_table *table;
    mr_node *from;
} alias_of;

/* The part of the alias that has the columns of the table: an alias of a class of several tables is a join. */
static mr_node *leaf_of(mr_node *from, const mr_table *table) {
    return from && from->kind == MR_NODE_JOIN ? mr_from_leaf(from, table) : from;
}

/* The alias, if it is a join that the program has made by that name. A new reference, or NULL. */
static mr_node *whole_of(mr_node *from) {
    return from->kind == MR_NODE_JOIN && from->flags & MR_NODE_GIVEN ? mr_node_retain(from) : NULL;
}

static mr_node *replace_column(void *ud, const mr_node *node) {
    const alias_of *a = ud;
    if (node->kind != MR_NODE_COLUMN || node->n > 0) return NULL;
    mr_node *from = leaf_of(a->from, node->u.column->table);
    if (!from || (from == a->from && node->u.column->table != a->table)) return NULL;
    return mr_sql_column_in(a->env, node->u.column, mr_node_retain(from), node->annotation, whole_of(a->from));
}

/* A query nested in the expression that correlates with the table of the class correlates with the alias instead. */
static mr_node *replace_object(void *ud, const mr_node *from) {
    const alias_of *a = ud;
    if (from->kind != MR_NODE_TABLE) return NULL;
    return a->from->kind == MR_NODE_JOIN ? mr_from_leaf(a->from, from->u.table)
           : from->u.table == a->table   ? a->from
                                         : NULL;
}

static mr_node *keep_as_it_is(void *ud, const mr_node *node) {
    (void)ud, (void)node;
    return NULL;
}

/* The tables that a row of the class is in. */
static mr_node *own_tables(const mr_mapper *mapper) {
    mr_node *list = NULL;
    for (unsigned i = 0; i < mapper->nparts; i++) {
        list = mr_sql_list_append(mapper->env, list, mr_sql_table(mapper->env, mapper->parts[i].table));
        if (!list) return NULL;
    }
    return list;
}

/* A query nested in the expression of an attribute takes the row of the class from the statement around it, and nothing
 * else: whatever that statement reads, too, the attribute has one value for a row. Consumes made. NULL: failed, or made
 * is. */
static mr_node *outside_is_class(const mr_mapper *mapper, mr_node *made) {
    mr_node *tables = made ? own_tables(mapper) : NULL;
    const mr_adaption how = {keep_as_it_is, keep_as_it_is, NULL, tables};
    mr_node *out = tables ? mr_node_adapt(made, &how) : NULL;
    mr_node_release(tables);
    mr_node_release(made);
    return out;
}

mr_status mr_property_express(mr_property *prop) {
    mr_env *env = prop->mapper->env;
    if (prop->expression) return MR_OK;
    if (prop->expressing)
        return mr_fail(env, MR_ERR_MAPPING, "%s.%s: its expression is made of itself", prop->mapper->name, prop->name);
    mr_node *made = NULL;
    prop->expressing = true;
    mr_status status = prop->express(env, prop->express_ud, prop, &made);
    prop->expressing = false;
    if (status != MR_OK) return MR_FAIL;
    prop->expression = mr_sql_label(env, prop->name, outside_is_class(prop->mapper, made));
    if (!prop->expression) return MR_FAIL;
    prop->expression->annotation = prop; /* an option finds the attribute by it */
    return MR_OK;
}

mr_node *mr_property_node(const mr_property *prop, mr_node *from) {
    mr_env *env = prop->mapper->env;
    mr_property *real = mr_mapper_property(prop->mapper, prop->name, true);
    if (!real && prop->kind == MR_PROPERTY_SYNONYM) {
        mr_fail(env, MR_ERR_MAPPING, "%s.%s: it is a synonym of '%s', which the class does not have",
                prop->mapper->name, prop->name, prop->synonym_of);
        return NULL;
    }
    if (real->kind == MR_PROPERTY_COLUMN) {
        mr_node *leaf = leaf_of(from, real->column->table);
        const mr_polymorphic *with = from ? from->annotation : NULL;
        if (with && leaf && leaf->kind == MR_NODE_TABLE) /* the query reads the tables of the subclasses, too */
            return mr_sql_column_of(env, real->column, real, &with->reading);
        return mr_sql_column_in(env, real->column, mr_node_retain(leaf), real, from ? whole_of(from) : NULL);
    }
    if (real->kind == MR_PROPERTY_EXPRESSION) {
        if (mr_property_express(real) != MR_OK) return NULL;
        if (!from) return mr_node_retain(real->expression);
        alias_of a = {env, real->mapper->table, from};
        const mr_adaption how = {replace_column, replace_object, &a, NULL};
        return mr_node_adapt(real->expression, &how);
    }
    mr_fail(env, MR_ERR_ARGUMENT, "%s.%s is a relationship, no column: it cannot be part of an expression",
            prop->mapper->name, prop->name);
    return NULL;
}

const mr_property *mr_mapper_at_slot(const mr_mapper *mapper, uint16_t slot) {
    for (size_t i = 0; i < mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->columns, i);
        if (prop->slot == slot) return prop;
    }
    return NULL;
}

mr_node *mr_property_node_of(const mr_property *prop, const mr_mapper *mapper) {
    const mr_property *real = mr_mapper_property(mapper, prop->name, true);
    if (mapper->base && real && real->kind == MR_PROPERTY_COLUMN)
        return mr_sql_column_of(mapper->env, real->column, real, &mapper->reading);
    mr_node *made = mr_property_node(prop, NULL);
    if (!made || !real || real->kind != MR_PROPERTY_EXPRESSION || real->mapper == mapper) return made;
    mr_node *label = mr_sql_label(mapper->env, real->name, made);
    if (!label) return NULL;
    label->annotation = real;
    label->reader = &mapper->reading; /* nobody else has the node yet */
    return label;
}

/*
 * mapper.c: declares classes.
 *
 * Invariant: a mapper is added to the registry, the metadata and its base class only when its whole declaration has
 * succeeded. A failure undoes all changes of the table.
 */
#include "mapper_private.h"

#include <string.h>

/* ---------------------------------------------------------------- beginning */

static void init_lists(mr_mapper *m) {
    mr_vec_init(&m->props, m->env, sizeof(mr_property *));
    mr_vec_init(&m->columns, m->env, sizeof(mr_property *));
    mr_vec_init(&m->twins, m->env, sizeof(mr_twin));
    mr_vec_init(&m->subclasses, m->env, sizeof(mr_mapper *));
    mr_vec_init(&m->attribute_hooks, m->env, sizeof(mr_attribute_hook));
    for (int i = 0; i < MR_EVENT__COUNT; i++) mr_vec_init(&m->hooks[i], m->env, sizeof(mr_mapper_hook));
}

static mr_status inherit(mr_mapper *m, const mr_mapper *base) {
    if (mr_vec_reserve(&m->props, base->props.len) != MR_OK || mr_vec_reserve(&m->columns, base->columns.len) != MR_OK)
        return MR_FAIL;
    for (size_t i = 0; i < base->props.len; i++) mr_vec_push_ptr(&m->props, mr_vec_ptr(&base->props, i));
    for (size_t i = 0; i < base->columns.len; i++) mr_vec_push_ptr(&m->columns, mr_vec_ptr(&base->columns, i));
    for (size_t i = 0; i < base->twins.len; i++) {
        mr_twin *twin = mr_vec_push(&m->twins);
        if (!twin) return MR_FAIL;
        *twin = *(mr_twin *)mr_vec_at(&base->twins, i);
    }
    m->root = base->root;
    m->nslots = base->nslots;
    return MR_OK;
}

mr_mapper *mr_mapper_new(mr_registry *registry, const char *name, mr_mapper *base) {
    registry_cell *cell = (registry_cell *)registry;
    mapper_cell *made = mr_env_arena(registry->env, sizeof *made);
    if (!made) return NULL;
    mr_mapper *m = &made->mapper;
    m->env = registry->env;
    m->registry = registry;
    m->name = mr_intern(m->env, name, strlen(name));
    if (!m->name) return NULL;
    m->base = base;
    m->reading.mapper = m;
    m->root = m;
    init_lists(m);
    made->next = cell->cells;
    cell->cells = made;
    return !base || inherit(m, base) == MR_OK ? m : NULL;
}

/* ---------------------------------------------------------------- the table */

/* The state of a table before the declaration, to undo changes. */
typedef struct table_mark {
    mr_table *table; /* NULL: there is nothing to undo */
    bool made;       /* the table itself is new */
    unsigned ncolumns;
    mr_index **last_index;
} table_mark;

static void take_back(const table_mark *mark) {
    mr_table *table = mark->table;
    if (!table) return;
    if (mark->made) {
        for (unsigned i = 0; i < table->ncolumns; i++) table->columns[i]->table = NULL;
        mr_metadata_remove(table->metadata, table);
        return;
    }
    while (table->ncolumns > mark->ncolumns) table->columns[--table->ncolumns]->table = NULL;
    *mark->last_index = NULL;
}

/* *columns: those that the class declares for a table of its own, in order of creation. Returns how many. */
static unsigned declared_columns(const mr_mapper *m, mr_column **columns) {
    unsigned n = 0;
    size_t twins = m->base ? m->base->twins.len : 0;
    for (size_t i = 0; i < m->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&m->columns, i);
        if (prop->mapper == m) columns[n++] = prop->column;
    }
    for (size_t i = twins; i < m->twins.len; i++) {
        mr_column *column = ((const mr_twin *)mr_vec_at(&m->twins, i))->column;
        unsigned at = n++;
        for (; at > 0 && columns[at - 1]->order > column->order; at--) columns[at] = columns[at - 1];
        columns[at] = column;
    }
    return n;
}

static mr_status make_table(mr_mapper *m, const char *tablename, const char *schema, mr_constraint *constraints,
                            mr_index *indexes, table_mark *mark) {
    mr_metadata *md = m->registry->metadata;
    bool wrong = m->table_options && m->table_options->nmistakes; /* perhaps in the schema */
    if (!wrong && mr_metadata_table_in(md, schema, tablename))
        return mr_fail(m->env, MR_ERR_MAPPING,
                       "%s: a table named '%s%s%s' is declared already: give the class another __tablename, or "
                       "the table itself as __table",
                       m->name, schema ? schema : "", schema ? "." : "", tablename);
    mr_column **columns = mr_env_arena(m->env, (m->columns.len + m->twins.len + 1) * sizeof(mr_column *));
    if (!columns) return MR_FAIL;
    unsigned n = declared_columns(m, columns);
    m->table = mr_table_new_with(md, tablename, schema, columns, n, constraints, indexes, m->table_options);
    if (!m->table) return MR_FAIL;
    mark->table = m->table;
    mark->made = true;
    return MR_OK;
}

/* Appends the declared columns to a table that exists. */
static mr_status extend_table(mr_mapper *m, mr_table *table, table_mark *mark) {
    mark->table = table;
    mark->made = false;
    mark->ncolumns = table->ncolumns;
    mark->last_index = &table->indexes;
    while (*mark->last_index) mark->last_index = &(*mark->last_index)->next;
    m->table = table;
    for (size_t i = 0; i < m->columns.len; i++) {
        mr_property *prop = mr_vec_ptr(&m->columns, i);
        mr_column *column = prop->column;
        if (prop->mapper != m || column->table == table) continue;
        mr_column *there = mr_table_column(table, column->name);
        if (there && mr_mapper_is_single(m) && (m->base->discriminator || m->base->polymorphic_on)) {
            mr_inheritance_share(m, prop, there);
            continue;
        }
        if (there)
            return mr_fail(m->env, MR_ERR_MAPPING,
                           "%s.%s: table '%s' has a column '%s' already: give this one another name", m->name,
                           prop->name, table->name, column->name);
        if (mr_table_append(table, column) != MR_OK && mr_inheritance_note_error(m) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* Does the column become an attribute by itself? */
static bool is_mapped(const mr_mapper *m, const mr_column *column) {
    bool named = false;
    for (unsigned i = 0; i < m->nmapped && !named; i++) named = m->mapped[i] == column;
    return !m->mapped || named != m->excludes;
}

/* Makes properties of the columns of a given table that no property names. */
static mr_status map_rest(mr_mapper *m) {
    for (unsigned i = 0; i < m->table->ncolumns; i++) {
        mr_column *column = m->table->columns[i];
        if (mr_mapper_property_of_column(m, column) || !is_mapped(m, column)) continue;
        mr_property *above = m->base ? mr_mapper_property(m->base, column->name, false) : NULL;
        if (above && above->kind == MR_PROPERTY_COLUMN) {
            if (mr_mapper_add_twin(m, above, column) != MR_OK) return MR_FAIL;
            continue;
        }
        if (!mr_mapper_add_column(m, column->name, column)) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status find_table(mr_mapper *m, mr_table *table, const char *tablename, const char *schema,
                            mr_constraint *constraints, mr_index *indexes, table_mark *mark) {
    const mr_mapper *base = m->base;
    if (base && (table == base->table || (!table && !tablename))) return extend_table(m, base->table, mark);
    if (table) {
        mr_status status = extend_table(m, table, mark);
        return status == MR_OK ? map_rest(m) : status;
    }
    if (!tablename) return mr_fail(m->env, MR_ERR_MAPPING, "%s needs a table: give it __tablename or __table", m->name);
    return make_table(m, tablename, schema, constraints, indexes, mark);
}

/* ---------------------------------------------------------------- the key */

bool mr_mapper_has_int_key(const mr_mapper *m) {
    if (m->npk != 1) return false;
    const mr_type *type = mr_column_type(m->env, m->root->table->primary[0]);
    return mr_type_is_integer(type) && !type->decorator;
}

static mr_status find_key(mr_mapper *m) {
    const mr_table *table = m->root->table;
    if (m->table->nprimary == 0)
        return mr_fail(m->env, MR_ERR_MAPPING, "%s needs a primary key: give a column primary_key = true", m->name);
    m->pk_slots = mr_env_arena(m->env, table->nprimary * sizeof *m->pk_slots);
    if (!m->pk_slots) return MR_FAIL;
    for (unsigned i = 0; i < table->nprimary; i++) {
        mr_property *prop = mr_mapper_property_of_column(m, table->primary[i]);
        if (!prop)
            return mr_fail(m->env, MR_ERR_MAPPING, "%s: column '%s' of the primary key is not mapped", m->name,
                           table->primary[i]->name);
        prop->is_primary_key = true;
        m->pk_slots[i] = prop->slot;
    }
    m->npk = (uint16_t)table->nprimary;
    m->int_key = mr_mapper_has_int_key(m);
    return MR_OK;
}

/* ---------------------------------------------------------------- the end */

static mr_status check_name(const mr_mapper *m) {
    if (!mr_registry_find(m->registry, m->name)) return MR_OK;
    return mr_fail(m->env, MR_ERR_MAPPING, "a class named '%s' is declared already: give this one another name",
                   m->name);
}

/* The table has failed, which was not there before unless it is given: its mistakes are told with those of the body. */
static void report_with_table(mr_mapper *m, const mr_table *given) {
    mapper_cell *cell = (mapper_cell *)m;
    if (mr_env_error(m->env)->kind != MR_ERR_ARGUMENT && mr_env_error(m->env)->kind != MR_ERR_MAPPING) return;
    if (!m->base && !given && m->polymorphic_name) mr_inheritance_find_discriminator(m);
    if (m->base) mr_inheritance_check_identity(m);
    if (cell->nmistakes) cell->of_body = true;
    if (cell->of_body && mr_inheritance_note_error(m) == MR_OK) mr_inheritance_report(m);
}

mr_status mr_mapper_finish(mr_mapper *mapper, mr_table *table, const char *tablename, const char *schema,
                           mr_constraint *constraints, mr_index *indexes) {
    mr_registry *registry = mapper->registry;
    table_mark mark = {NULL, false, 0, NULL};
    if (check_name(mapper) != MR_OK ||
        find_table(mapper, table, tablename, schema, constraints, indexes, &mark) != MR_OK ||
        find_key(mapper) != MR_OK) {
        report_with_table(mapper, table);
        goto fail;
    }
    if (mr_inheritance_join(mapper) != MR_OK || mr_inheritance_settle(mapper) != MR_OK ||
        mr_inheritance_report(mapper) != MR_OK || mr_hooks_inherit(mapper) != MR_OK ||
        mr_registry_reserve(registry) != MR_OK)
        goto fail;
    if (mapper->base) {
        ((mapper_cell *)mapper)->place = mapper->base->subclasses.len;
        if (mr_vec_push_ptr(&mapper->base->subclasses, mapper) != MR_OK) goto fail;
    }
    mr_registry_add(registry, mapper); /* cannot fail: the room was reserved */
    if (!mapper->table->mapped) {
        mapper->table->mapped = mapper;
        mapper->table->mapped_name = mapper->name;
    }
    ((mapper_cell *)mapper)->finished = true;
    registry->version++;
    registry->dirty = true;
    return MR_OK;
fail:
    mr_inheritance_forget(mapper);
    take_back(&mark);
    return MR_FAIL;
}

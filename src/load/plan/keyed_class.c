/*
 * keyed_class.c: is the row of a table, which a statement finds by its key, that of an object of a class? The table may
 * be one that other classes write, too.
 *
 * Invariant: where it can be, the criterion has no parameters, so that rows are bound straight to their statement.
 */
#include "planner.h"

/* Does only the class, with the classes below it, have rows in the table? */
static bool is_its_own(const mr_mapper *mapper, const mr_table *table) {
    const mr_mapper_part *last = &mapper->parts[mapper->nparts - 1];
    return !mapper->base || (last->table == table && last->mapper == mapper);
}

/* The table's column that tells the class of each of its rows; NULL: it has none. */
static const mr_property *told_by(const mr_mapper *mapper, const mr_table *table) {
    const mr_property *prop = mr_mapper_polymorphic(mapper) ? mapper->discriminator : NULL;
    return prop && prop->kind == MR_PROPERTY_COLUMN && prop->column->table == table ? prop : NULL;
}

/* May values of the type be written into the SQL as they are? */
static bool is_plain(const mr_type *type) {
    bool usual = !type->decorator && !type->variants && !type->rules->storage;
    return usual && (mr_type_is_string(type) || mr_type_is_integer(type));
}

/* The key of the table's row is that of the alias's. NULL: failed. */
static mr_node *same_key(mr_env *env, const mr_mapper *mapper, const mr_mapper_part *part, mr_node *alias) {
    mr_node *all = NULL;
    for (uint16_t i = 0; i < mapper->npk; i++) {
        mr_node *key = NULL;
        if (mr_from_column(env, mapper->parts[0].keys[i], NULL, alias, &key) != MR_OK) key = NULL;
        mr_node *own = key ? mr_sql_column(env, part->keys[i], NULL, NULL) : NULL;
        mr_node *made = own ? mr_sql_and(env, all, mr_sql_binary(env, MR_OP_EQ, key, own)) : NULL;
        if (!own) {
            mr_node_release(key);
            mr_node_release(all);
        }
        if (!(all = made)) return NULL;
    }
    return all;
}

/* *out: EXISTS of a row of the class that has the key of the table's row. */
static mr_status exists_of(mr_env *env, mr_mapper *mapper, const mr_mapper_part *part, mr_node **out) {
    mr_node *alias = mr_tables_alias(mapper), *classes = NULL;
    mr_node *where = alias ? same_key(env, mapper, part, alias) : NULL;
    if (where && mr_inheritance_criterion(env, mapper, alias, &classes) != MR_OK) {
        mr_node_release(where);
        where = NULL;
    }
    if (where && classes) where = mr_sql_and(env, where, classes);
    mr_node *exists = where ? mr_sql_exists_from(env, mr_sql_exists_any(env), mr_node_retain(alias)) : NULL;
    *out = exists ? mr_sql_exists_where(env, exists, where) : NULL;
    if (!exists) mr_node_release(where);
    mr_node_release(alias);
    return *out ? MR_OK : MR_FAIL;
}

mr_status mr_row_criterion(mr_env *env, mr_mapper *mapper, const mr_table *table, mr_node **out) {
    *out = NULL;
    const mr_mapper_part *part = NULL;
    for (unsigned i = 0; i < mapper->nparts && !part; i++)
        if (mapper->parts[i].table == table) part = &mapper->parts[i];
    if (!part || is_its_own(mapper, table)) return MR_OK;
    const mr_property *prop = told_by(mapper, table);
    if (!prop && !mr_mapper_polymorphic(mapper) && mapper->nparts == 1) return MR_OK;
    if (!prop) return exists_of(env, mapper, part, out);
    *out = mr_tells_class(env, mapper, mr_sql_column(env, prop->column, NULL, NULL));
    if (*out && is_plain(mr_column_type(env, prop->column))) *out = mr_sql_inline(*out);
    return *out ? MR_OK : MR_FAIL;
}

/*
 * column.c: columns and their foreign keys.
 *
 * Invariant: each column of an environment has a greater order than all columns made before it. So columns that were
 * written in a Lua table, which has no order, can be sorted as they were written.
 */
#include <moonrow/schema.h>

#include <string.h>

/* The environment's counter of columns; it is made when the first column is. */
static uint64_t *creation_counter(mr_env *env) {
    uint64_t *counter = mr_env_get(env, MR_ENV_SCHEMA);
    if (!counter) {
        counter = mr_env_arena(env, sizeof *counter);
        if (counter) mr_env_set(env, MR_ENV_SCHEMA, counter);
    }
    return counter;
}

bool mr_column_has_own_identity(const mr_column *column) {
    return column->identity && !(column->table && column->table->autoincrement == column);
}

mr_column *mr_column_new(mr_env *env, const char *name, const mr_type *type) {
    uint64_t *counter = creation_counter(env);
    mr_column *column = counter ? mr_env_arena(env, sizeof *column) : NULL;
    if (!column) return NULL;
    if (name) {
        column->name = mr_intern(env, name, strlen(name));
        if (!column->name) return NULL;
    }
    column->type = type;
    column->nullable = true;
    column->autoincrement = -1;
    column->order = ++*counter;
    return column;
}

mr_foreign_key *mr_column_add_foreign_key(mr_env *env, mr_column *column, const char *target, mr_column *referred) {
    mr_foreign_key *fk = mr_env_arena(env, sizeof *fk);
    if (!fk) return NULL;
    fk->column = column;
    fk->referred = referred;
    if (target) {
        fk->target = mr_intern(env, target, strlen(target));
        if (!fk->target) return NULL;
    }
    mr_foreign_key **end = &column->foreign_keys;
    while (*end) end = &(*end)->next;
    *end = fk;
    return fk;
}

/* Copies a default. Its text is copied into the arena, to live as long as the column. */
static mr_status clone_default(mr_env *env, mr_default *dst, const mr_default *src) {
    *dst = *src;
    if (src->kind != MR_DEFAULT_VALUE) return MR_OK;
    if (mr_kind_is_bytes(src->value.kind)) {
        char *bytes = mr_env_arena(env, (size_t)src->value.len + 1);
        if (!bytes) return MR_FAIL;
        if (src->value.len) memcpy(bytes, src->value.u.s, src->value.len);
        dst->value.u.s = bytes;
        dst->value.flags = 0;
    }
    return MR_OK;
}

mr_column *mr_column_clone(mr_env *env, const mr_column *column) {
    mr_column *copy = mr_column_new(env, NULL, column->type);
    if (!copy) return NULL;
    uint64_t order = copy->order;
    *copy = *column;
    copy->order = order;
    copy->table = NULL;
    copy->index = 0;
    copy->foreign_keys = NULL;
    if (clone_default(env, &copy->deflt, &column->deflt) != MR_OK ||
        clone_default(env, &copy->onupdate, &column->onupdate) != MR_OK)
        return NULL;
    for (const mr_foreign_key *fk = column->foreign_keys; fk; fk = fk->next) {
        if (fk->constraint) continue; /* belongs to the table, not to the column */
        /* A named target is resolved again: the copy may come into another metadata, with another table of that name.
         */
        mr_column *referred = fk->target ? NULL : fk->referred;
        mr_foreign_key *made = mr_column_add_foreign_key(env, copy, fk->target, referred);
        if (!made) return NULL;
        made->how = fk->how;
        made->name = fk->name;
    }
    return copy;
}

/* The column that this one takes its type from, or NULL. A foreign key that cannot be resolved leaves no recorded
 * error: the caller has only asked for a type. */
static mr_column *type_source(mr_env *env, mr_column *column) {
    mr_foreign_key *fk = column->foreign_keys;
    if (!fk) return NULL;
    if (fk->referred) return fk->referred;
    if (!column->table) return NULL;
    mr_error *saved = mr_env_save_error(env);
    mr_status status = mr_foreign_key_resolve(env, fk);
    mr_env_clear_error(env);
    mr_env_restore_error(env, saved);
    return status == MR_OK ? fk->referred : NULL;
}

enum { LONGEST_CHAIN = 100 }; /* of foreign keys that refer to columns without a type */

const mr_type *mr_column_type(mr_env *env, mr_column *column) {
    mr_column *at = column;
    /* Foreign keys may refer to each other in a circle, so the number of steps is limited. */
    for (int steps = 0; at && !at->type && steps < LONGEST_CHAIN; steps++) at = type_source(env, at);
    if (!at || !at->type) return mr_type_simple(MR_TYPE_NULL);
    column->type = at->type;
    return at->type;
}

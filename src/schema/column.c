/*
 * column.c: columns and their foreign keys.
 *
 * Invariant: a column's order is unique within its environment and rises with creation, so that
 * columns written in a Lua table (which has no order) sort as they were written.
 */
#include <moonrow/schema.h>

#include <string.h>

/* The environment's counter, made with the first column. */
static uint64_t *creation_counter(mr_env *env) {
    uint64_t *counter = mr_env_get(env, MR_ENV_SCHEMA);
    if (!counter) {
        counter = mr_env_arena(env, sizeof *counter);
        if (counter) mr_env_set(env, MR_ENV_SCHEMA, counter);
    }
    return counter;
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

/* Text is copied into the arena: a default lives as long as its column. */
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
        /* What was resolved for another table is resolved again for the copy's. */
        mr_column *referred = fk->target ? NULL : fk->referred;
        mr_foreign_key *made = mr_column_add_foreign_key(env, copy, fk->target, referred);
        if (!made) return NULL;
        made->ondelete = fk->ondelete;
        made->onupdate = fk->onupdate;
        made->name = fk->name;
    }
    return copy;
}

/* The column that this one takes its type from, or NULL. An error met on the way is no error of
 * the caller's, who only asked for a type. */
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

const mr_type *mr_column_type(mr_env *env, mr_column *column) {
    mr_column *at = column;
    /* Keys may refer in a circle: as many steps as a sane chain has, then unknown. */
    for (int steps = 0; at && !at->type && steps < 100; steps++) at = type_source(env, at);
    if (!at || !at->type) return mr_type_simple(MR_TYPE_NULL);
    column->type = at->type;
    return at->type;
}

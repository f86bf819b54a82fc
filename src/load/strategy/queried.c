/*
 * queried.c: lazy = "dynamic" and lazy = "write_only": a collection that a program queries and never loads.
 *
 * Invariant: a program's read loads nothing. What a flush or a cascade needs is loaded under "dynamic", and refused
 * under "write_only".
 */
#include <moonrow/load.h>

static mr_status access_dynamic(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop) {
    return mr_fail(ctx->env, MR_ERR_INVALID_REQUEST,
                   "'%s.%s' is not loaded (lazy = \"dynamic\"): it is queried, object.%s:all()", entity->mapper->name,
                   prop->name, prop->name);
}

static mr_status access_write_only(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop) {
    return mr_fail(ctx->env, MR_ERR_INVALID_REQUEST,
                   "'%s.%s' cannot be loaded (lazy = \"write_only\"), as deleting its object, assigning it and merging "
                   "into it would: passive_deletes = true leaves its rows to the database when the object is deleted; "
                   "otherwise use :add, :remove and object.%s:select()",
                   entity->mapper->name, prop->name, prop->name);
}

const mr_strategy mr_strategy_dynamic = {
    .word = "dynamic", .access = access_dynamic, .users_only = true, .queried = MR_QUERIED_READ};
const mr_strategy mr_strategy_write_only = {
    .word = "write_only", .access = access_write_only, .queried = MR_QUERIED_UNREAD};

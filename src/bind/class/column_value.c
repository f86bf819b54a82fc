/*
 * column_value.c: values that Lua gives for the column of an object.
 *
 * Invariant: what is no value for the column's type is refused before the core sees it, with the names of class and
 * attribute.
 */
#include "class.h"
#include "value/proxy.h"

/* Raises: an object was given for a column. The relationship that the column belongs to takes it. */
static void refuse_object_for_column(lua_State *L, int idx, const mr_property *prop, const char *what,
                                     const char *wanted) {
    const mr_mapper *mapper = prop->mapper;
    const mr_entity *given = bind_test_entity(L, idx);
    const char *got = bind_describe(L, idx);
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *other = mr_vec_ptr(&mapper->props, i);
        const mr_relationship *rel = other->relationship;
        if (!rel || rel->direction != MR_MANY_TO_ONE || rel->npairs == 0 || rel->pairs[0].local != prop->column ||
            !mr_mapper_isa(given->mapper, rel->target))
            continue;
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got %s (the object belongs to %s.%s)", what, wanted, got,
                   mapper->name, other->name);
    }
}

mr_value bind_column_value(lua_State *L, const mr_entity *e, const mr_property *prop, int idx) {
    mr_value v;
    idx = lua_absindex(L, idx);
    if (!bind_to_value(L, idx, prop->column ? prop->column->type : NULL, &v)) {
        lua_pushfstring(L, "%s.%s", e->mapper->name, prop->name);
        const mr_type *type = prop->column ? mr_column_type(e->mapper->env, prop->column) : NULL;
        const char *what = lua_tostring(L, -1), *wanted = type ? mr_type_wants(type) : "a value";
        luaL_checkstack(L, 8, "an attribute's value");
        if (bind_test_entity(L, idx)) refuse_object_for_column(L, idx, prop, what, wanted);
        bind_no_value(L, idx, type, what, wanted, false);
    }
    return v;
}

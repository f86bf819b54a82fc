/*
 * schema.c: the boxes of types, columns, constraints, tables and MetaData.
 *
 * Invariant: each points into the arena, so a value stays valid when its class or table is gone.
 */
#include "schema.h"

#include "node.h"

void bind_push_type(lua_State *L, const mr_type *type) {
    const mr_type **p = lua_newuserdatauv(L, sizeof *p, 0);
    *p = type;
    bind_set_type(L, BIND_TYPE);
}

const mr_type *bind_test_type(lua_State *L, int idx) {
    const mr_type **p = bind_test(L, idx, BIND_TYPE);
    return p ? *p : NULL;
}

const mr_type *bind_arg_type(lua_State *L, int idx, const char *function) {
    const mr_type *type = bind_test_type(L, idx);
    if (!type) bind_type_error(L, idx, function, "a type such as Integer or String(80)");
    return type;
}

mr_column *bind_test_column(lua_State *L, int idx) {
    const bind_column *c = bind_test(L, idx, BIND_COLUMN);
    return c ? c->column : NULL;
}

const bind_ddl *bind_test_ddl(lua_State *L, int idx) { return bind_test(L, idx, BIND_DDL); }

void bind_push_table(lua_State *L, const mr_table *table) {
    mr_table **p = lua_newuserdatauv(L, sizeof *p, 0);
    *p = (mr_table *)table;
    bind_set_type(L, BIND_TABLE);
}

mr_table *bind_test_table(lua_State *L, int idx) {
    mr_table **p = bind_test(L, idx, BIND_TABLE);
    return p ? *p : NULL;
}

void bind_push_metadata(lua_State *L, mr_metadata *md) {
    mr_metadata **p = lua_newuserdatauv(L, sizeof *p, 0);
    *p = md;
    bind_set_type(L, BIND_METADATA);
}

mr_metadata *bind_test_metadata(lua_State *L, int idx) {
    mr_metadata **p = bind_test(L, idx, BIND_METADATA);
    return p ? *p : NULL;
}

mr_column *bind_column_named_by(lua_State *L, int idx) {
    mr_column *column = bind_test_column(L, idx);
    if (column) return column;
    const mr_node *node = bind_test_node(L, idx);
    return node && node->kind == MR_NODE_COLUMN ? (mr_column *)node->u.column : NULL;
}

void bind_push_constraint(lua_State *L, const mr_table *table, mr_constraint *constraint, mr_index *index) {
    bind_constraint *p = lua_newuserdatauv(L, sizeof *p, 0);
    *p = (bind_constraint){constraint, index, (mr_table *)table};
    bind_set_type(L, BIND_CONSTRAINT);
}

bind_constraint *bind_test_constraint(lua_State *L, int idx) { return bind_test(L, idx, BIND_CONSTRAINT); }

/*
 * update_parts.c: an UPDATE of many rows of a class whose objects are in several tables: one for each table.
 *
 * Invariant: a table gets the rows that name a column of it, each with the whole primary key; a table that no row
 * names is not written.
 */
#include "batch.h"
#include "query/result.h"
#include "update_by_key.h"

bool bind_is_in_parts(const bind_statement *s) {
    return s && s->kind == MR_NODE_UPDATE && s->mapper && s->mapper->nparts > 1;
}

/* The place of the column in the primary key of the class, from 0 on; npk: it is no part of it. */
static unsigned place_in_key(const mr_mapper *m, const mr_column *column) {
    unsigned i = 0;
    while (i < m->npk && mr_mapper_at_slot(m, m->pk_slots[i])->column != column) i++;
    return i;
}

/* Pushes what the row at the index has for the table, by names of columns; false, and nothing is pushed, where it has
 * nothing but the key. */
static bool push_part(lua_State *L, const bind_statement *s, const mr_mapper_part *part, int row) {
    bool any = false;
    lua_newtable(L);
    int made = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, row); lua_settop(L, made + 1)) {
        const mr_column *column = bind_statement_column(L, s, lua_tostring(L, made + 1));
        unsigned key = place_in_key(s->mapper, column);
        if (key == s->mapper->npk && column->table != part->table) continue;
        if (key == s->mapper->npk) any = true;
        else column = part->keys[key];
        lua_setfield(L, made, column->name);
    }
    if (!any) lua_settop(L, made - 1);
    return any;
}

/* Pushes the rows for the table; returns how many there are. */
static lua_Integer push_rows(lua_State *L, const bind_statement *s, const mr_mapper_part *part, int rows) {
    lua_Integer found = 0;
    lua_newtable(L);
    int list = lua_gettop(L);
    for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, rows); i <= n; i++) {
        lua_rawgeti(L, rows, i);
        if (push_part(L, s, part, list + 1)) lua_rawseti(L, list, ++found);
        lua_settop(L, list);
    }
    return found;
}

void bind_run_parts(lua_State *L, const bind_target *t, int result, int stmt, int rows) {
    const bind_statement *s = bind_test_statement(L, stmt);
    int top = lua_gettop(L);
    for (unsigned i = 0; i < s->mapper->nparts; i++) {
        const mr_mapper_part *part = &s->mapper->parts[i];
        lua_Integer n = push_rows(L, s, part, rows);
        if (n > 0) {
            bind_push_statement(L, MR_NODE_UPDATE, NULL, part->table)->rows_of = s->mapper;
            bind_run_rows(L, t, result, top + 2, top + 1);
        }
        lua_settop(L, top);
    }
    bind_result *r = bind_test(L, result, BIND_RESULT);
    r->rowcount = (int64_t)lua_rawlen(L, rows);
    if (t->session && t->how != MR_SYNCHRONIZE_NONE) bind_update_objects(L, t, s->mapper, rows);
}

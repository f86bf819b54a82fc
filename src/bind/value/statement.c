/*
 * statement.c: the box of an INSERT, UPDATE or DELETE.
 *
 * Invariant: a statement value holds a reference to each of its clauses.
 */
#include "statement.h"

#include <string.h>

#include "node.h"

enum { DML_PARTS = 12 };

static void each_part(mr_dml *d, mr_node **parts[DML_PARTS]) {
    mr_node **all[DML_PARTS] = {&d->table,
                                &d->columns,
                                &d->values,
                                &d->select,
                                &d->where,
                                &d->returning,
                                &d->conflict_target,
                                &d->conflict_index_where,
                                &d->conflict_columns,
                                &d->conflict_values,
                                &d->conflict_where,
                                &d->with};
    memcpy(parts, all, sizeof all);
}

static void retain_parts(mr_dml *d) {
    mr_node **parts[DML_PARTS];
    each_part(d, parts);
    for (int i = 0; i < DML_PARTS; i++) mr_node_retain(*parts[i]);
}

int bind_statement_gc(lua_State *L) {
    bind_statement *s = bind_test_statement(L, 1);
    if (!s) return 0;
    mr_node **parts[DML_PARTS];
    each_part(&s->dml, parts);
    bool open = bind_peek(L) != NULL;
    for (int i = 0; i < DML_PARTS; i++) {
        if (open) mr_node_release(*parts[i]);
        *parts[i] = NULL;
    }
    if (open) mr_query_release(s->options);
    s->options = NULL;
    return bind_finalized(L);
}

bind_statement *bind_test_statement(lua_State *L, int idx) { return bind_test(L, idx, BIND_STATEMENT); }

bind_statement *bind_push_statement_copy(lua_State *L, const bind_statement *s) {
    bind_statement *copy = lua_newuserdatauv(L, sizeof *copy, 0);
    memset(copy, 0, sizeof *copy);
    bind_set_type(L, BIND_STATEMENT);
    *copy = *s;
    retain_parts(&copy->dml);
    mr_query_retain(copy->options);
    return copy;
}

void bind_statement_take(lua_State *L, mr_node **clause) {
    mr_node *node = mr_node_retain(bind_arg_node(L, -1, "statement"));
    mr_node_release(*clause);
    *clause = node;
    lua_pop(L, 1);
}

bind_statement *bind_push_statement(lua_State *L, mr_node_kind kind, mr_mapper *mapper, const mr_table *table) {
    bind_statement *s = lua_newuserdatauv(L, sizeof *s, 0);
    memset(s, 0, sizeof *s);
    bind_set_type(L, BIND_STATEMENT);
    s->kind = kind;
    s->mapper = mapper;
    s->dml.table = mr_sql_table(bind_of(L)->env, table);
    if (!s->dml.table) bind_raise(L);
    return s;
}

mr_node *bind_statement_of_clauses(mr_env *env, mr_node_kind kind, const mr_dml *clauses) {
    mr_dml d = *clauses;
    retain_parts(&d);
    if (kind == MR_NODE_INSERT) return mr_sql_insert(env, &d);
    if (kind == MR_NODE_UPDATE) return mr_sql_update(env, &d);
    return mr_sql_delete(env, &d);
}

mr_synchronize bind_to_synchronize(lua_State *L, int idx, const char *function) {
    static const char *const words[] = {"auto", "evaluate", "fetch"};
    static const mr_synchronize kinds[] = {MR_SYNCHRONIZE_AUTO, MR_SYNCHRONIZE_EVALUATE, MR_SYNCHRONIZE_FETCH};
    idx = lua_absindex(L, idx);
    if (lua_isnil(L, idx)) return MR_SYNCHRONIZE_AUTO;
    if (lua_isboolean(L, idx) && !lua_toboolean(L, idx)) return MR_SYNCHRONIZE_NONE;
    for (size_t i = 0; lua_type(L, idx) == LUA_TSTRING && i < sizeof words / sizeof *words; i++)
        if (strcmp(lua_tostring(L, idx), words[i]) == 0) return kinds[i];
    bind_type_error(L, idx, lua_pushfstring(L, "%s: synchronize_session", function),
                    "\"auto\", \"evaluate\", \"fetch\" or false");
    return MR_SYNCHRONIZE_AUTO;
}

/*
 * batch_check.c: checks the rows of a batch before the first one runs, so that a wrong row leaves nothing half done.
 *
 * Invariant: the check calls no functions of the program (defaults, generators of versions), so each row is still the
 * same when it runs.
 */
#include "batch.h"

#include <string.h>

#include "expression/expression.h"
#include "row_default.h"
#include "update_by_key.h"
#include "value/decimal.h"

/* A key in the rows' tables, which keep the string. A long string may have several addresses: then it is noted several
 * times. */
typedef struct known_key {
    const char *key;
    const mr_column *column;
    const mr_type *type;
    const char *what;    /* "User.name", for messages */
    lua_Integer seen;    /* the last row that has it */
    uint32_t safe_bytes; /* a text of fewer bytes needs no check of its length */
} known_key;

#define KNOWN 64

typedef struct checker {
    const bind_statement *s;
    int stmt, n;
    known_key keys[KNOWN];
} checker;

static void read_key(lua_State *L, const bind_statement *s, const char *key, known_key *out) {
    mr_env *env = bind_of(L)->env;
    mr_column *column = bind_statement_column(L, s, key);
    const char *what =
        lua_pushfstring(L, "%s.%s", s->mapper ? s->mapper->name : column->table->name, s->mapper ? key : column->name);
    *out = (known_key){key, column, mr_column_type(env, column), mr_intern(env, what, strlen(what)), 0, 0};
    if (out->type) out->safe_bytes = mr_type_is_limited(out->type) ? mr_type_safe_bytes(out->type) : UINT32_MAX;
    lua_pop(L, 1);
    if (!out->what) bind_raise(L);
}

/* The key below the top of the stack. hint: its place among the known keys, if the row is like the one before. other:
 * used when too many keys are known. */
static known_key *find_key(lua_State *L, checker *c, int hint, known_key *other) {
    if (lua_type(L, -2) != LUA_TSTRING) bind_type_error(L, -2, "execute", "values by column name");
    const char *key = lua_tostring(L, -2);
    if (hint < c->n && c->keys[hint].key == key) return &c->keys[hint];
    for (int i = 0; i < c->n; i++)
        if (c->keys[i].key == key) return &c->keys[i];
    known_key *known = c->n < KNOWN ? &c->keys[c->n++] : other;
    known->key = NULL; /* until it is read: that may raise */
    read_key(L, c->s, key, known);
    return known;
}

static bool has_column(const checker *c, lua_Integer row, const mr_column *column) {
    for (int i = 0; i < c->n; i++)
        if (c->keys[i].seen == row && c->keys[i].column == column) return true;
    return c->n == KNOWN; /* too many keys: it is checked when the row runs */
}

/* The same for a class whose objects are in several tables. */
static void check_has_class_key(lua_State *L, checker *c, lua_Integer row) {
    const mr_mapper *m = c->s->mapper;
    for (uint16_t i = 0; i < m->npk; i++) {
        const mr_column *column = mr_mapper_at_slot(m, m->pk_slots[i])->column;
        if (!has_column(c, row, column))
            bind_error(L, MR_ERR_ARGUMENT,
                       "execute: the row has no value for %s: an update of rows needs the primary key of each",
                       bind_push_column_what(L, c->s, column));
    }
    if (m->version && !has_column(c, row, m->version->column))
        bind_error(L, MR_ERR_ARGUMENT,
                   "execute: the row has no value for %s: an update of rows needs the version that each was read with",
                   bind_push_column_what(L, c->s, m->version->column));
}

/* An UPDATE needs the key of the row. If a part is missing, making the statement raises an error that names it. */
static void check_has_key(lua_State *L, checker *c, lua_Integer row) {
    const mr_table *table = c->s->dml.table->u.table;
    const mr_column *version = bind_row_version(c->s);
    bool complete = !version || has_column(c, row, version);
    for (unsigned i = 0; complete && i < table->nprimary; i++) complete = has_column(c, row, table->primary[i]);
    if (!complete) bind_push_update_by_key(L, c->stmt, lua_gettop(L));
}

/* Is the value on top of the stack a plain number or string of the type? Most values are, and need no other check. */
static bool is_plainly(lua_State *L, const known_key *known) {
    const mr_type *type = known->type;
    int given = lua_type(L, -1);
    if (given == LUA_TNUMBER && lua_isinteger(L, -1)) {
        mr_value v = mr_int_value(lua_tointeger(L, -1));
        return mr_type_takes(type, MR_INT) && !mr_type_is_broken(type, &v);
    }
    if (given == LUA_TNUMBER) {
        double number = lua_tonumber(L, -1);
        return mr_type_takes(type, MR_FLOAT) || (mr_type_is_float(type) && number == number); /* no NaN */
    }
    if (given != LUA_TSTRING || !mr_type_takes(type, MR_TEXT)) return false;
    size_t len = lua_rawlen(L, -1);
    if (len < known->safe_bytes) return true;
    mr_value v = mr_text_value(lua_tostring(L, -1), len);
    return len <= UINT32_MAX && !mr_type_is_broken(type, &v);
}

/* Is the value on top of the stack one of the type? What the core says against it is forgotten. */
static bool fits(lua_State *L, const known_key *known, mr_value *value) {
    bind_state *b = bind_of(L);
    if (!bind_to_value(L, -1, known->type, value)) return false;
    BIND_ENTER(b, L);
    mr_status st = mr_type_coerce(b->env, known->type, known->what, value);
    if (st == MR_OK) st = mr_type_check_length(b->env, known->type, known->what, value);
    if (st != MR_OK) mr_env_clear_error(b->env);
    BIND_LEAVE(b);
    return st == MR_OK;
}

/* Raises unless the value on top of the stack is of the column's type, or an expression. */
static void check_value(lua_State *L, const bind_statement *s, const known_key *known) {
    mr_value value;
    if (known->type && is_plainly(L, known)) return;
    if (bind_is_null(L, -1)) bind_check_version(L, s, known->column, known->what, true);
    if ((lua_type(L, -1) != LUA_TUSERDATA || bind_to_decimal(L, -1, &value)) && known->type &&
        mr_type_is_known(known->type)) {
        if (fits(L, known, &value)) return;
        const char *what = lua_pushfstring(L, "row %I: %s", (LUAI_UACINT)known->seen, known->what);
        bind_check_value(L, -2, known->type, what, &value);
        bind_check(L, mr_type_check_length(bind_of(L)->env, known->type, what, &value));
        return;
    }
    lua_pushvalue(L, -1);
    bind_own_operand(L, -1, known->type, known->what);
    lua_pop(L, 1);
}

void bind_check_rows(lua_State *L, int stmt, int rows) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, rows);
    checker *c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = (checker){.s = bind_test_statement(L, stmt), .stmt = stmt};
    int top = lua_gettop(L);
    for (lua_Integer i = 1; i <= n; i++) {
        known_key other;
        int at = 0;
        if (lua_rawgeti(L, rows, i) != LUA_TTABLE)
            bind_type_error(L, -1, "execute",
                            "parameters as a table of values by name ({ id = 1 } for :id), or a list of such");
        for (lua_pushnil(L); c->s && lua_next(L, top + 1); lua_pop(L, 1)) {
            known_key *known = find_key(L, c, at++, &other);
            known->seen = i;
            check_value(L, c->s, known);
        }
        if (bind_is_in_parts(c->s)) check_has_class_key(L, c, i);
        else if (c->s && c->s->kind == MR_NODE_UPDATE) check_has_key(L, c, i);
        lua_settop(L, top);
    }
    lua_settop(L, top - 1);
}

/*
 * batch_binding.c: rows of a batch bound straight from their tables.
 *
 * Invariant: a row is bound here only if a statement made for it would bind equal values: it has the keys of the first
 * row, and its values are plain ones.
 */
#include "batch.h"

#include <string.h>

#include "row_default.h"
#include "schema/schema.h"
#include "value/own_value.h"

typedef struct row_column {
    mr_column *column;
    const mr_type *type;
    const char *name;    /* of the attribute, or of the column where there is none */
    const char *key;     /* the same where the row's table has it; NULL: the default gives the value */
    const char *address; /* of the key as Lua's string, which the binding keeps */
    const char *what;    /* "User.name", for messages */
    mr_default deflt;
} row_column;

struct bind_row_binding {
    bind_state *state;
    size_t n, named;
    size_t written;   /* the columns behind these are the key by which an UPDATE finds the row */
    bool calls;       /* a default is a function: it may change the row, or free a value that another default gave */
    bool makes;       /* a value is JSON: its text is made, and the row's table does not keep it */
    mr_value *values; /* behind columns */
    size_t *order;    /* behind values: the columns of the keys in the order in which the last row had them */
    row_column columns[];
};

/* ---------------------------------------------------------------- from the first row */

static bool is_plain_bind(const mr_node *node) { return node && node->kind == MR_NODE_BIND && !node->name; }

/* Are the parameters the values of the columns in their order and, in an UPDATE, then the key? */
static bool is_bindable(const mr_node *node, const mr_compiled *compiled, size_t n) {
    const mr_dml *d = node->u.dml;
    if (d->on_conflict || d->returning || !d->columns || !d->values || compiled->nparams != n) return false;
    for (size_t i = 0; i < n; i++)
        if (compiled->params[i].ordinal != i) return false;
    const mr_node *list = node->kind == MR_NODE_INSERT ? d->values->child[0] : d->values;
    for (uint32_t i = 0; i < d->columns->n; i++)
        if (!is_plain_bind(list->child[i])) return false;
    return true;
}

static const char *name_of(const bind_statement *s, const mr_column *column) {
    const mr_property *prop = s->mapper ? mr_mapper_property_of_column(s->mapper, column) : NULL;
    return prop ? prop->name : column->name;
}

/* The address of the key, which goes into the table of keys; NULL: the row does not have it. */
static const char *find_key(lua_State *L, int row, int keys, const char *key) {
    const char *address = lua_pushstring(L, key);
    lua_pushvalue(L, -1);
    bool there = lua_rawget(L, row) != LUA_TNIL;
    lua_pop(L, 1);
    if (there) lua_rawseti(L, keys, (lua_Integer)lua_rawlen(L, keys) + 1);
    else lua_pop(L, 1);
    return there ? address : NULL;
}

/* Notes where the column's value comes from: the row, or a default. False: from elsewhere. */
static bool read_column(lua_State *L, const bind_statement *s, bind_row_binding *b, mr_column *column, int row,
                        int keys) {
    mr_env *env = bind_of(L)->env;
    const char *name = name_of(s, column);
    row_column *c = &b->columns[b->n++];
    c->column = column;
    c->type = mr_column_type(env, column);
    c->address = find_key(L, row, keys, name);
    c->name = name;
    c->key = c->address ? name : NULL;
    c->deflt = bind_row_default(s, column);
    if (!c->key && c->deflt.kind == MR_DEFAULT_FUNCTION) b->calls = true;
    if (c->key && c->type && mr_type_is_json(c->type)) b->makes = true;
    if (c->key) b->named++;
    else if (c->deflt.kind == MR_DEFAULT_NONE || c->deflt.kind == MR_DEFAULT_SQL) return false;
    const char *what = bind_push_column_what(L, s, column);
    c->what = mr_intern(env, what, strlen(what));
    lua_pop(L, 1);
    return c->what && c->type;
}

static size_t count_keys(lua_State *L, int row) {
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, row); lua_pop(L, 1)) n++;
    return n;
}

bind_row_binding *bind_push_row_binding(lua_State *L, const bind_statement *s, const mr_node *node,
                                        const mr_compiled *compiled, int row) {
    const mr_dml *d = node->u.dml;
    const mr_table *table = d->table->u.table;
    bool update = node->kind == MR_NODE_UPDATE;
    uint32_t nset = d->columns ? d->columns->n : 0;
    size_t n = nset + (update ? table->nprimary : 0);
    if (n == 0 || bind_row_version(s) || lua_getmetatable(L, row) || !is_bindable(node, compiled, n)) {
        lua_pushnil(L);
        return NULL;
    }
    bind_row_binding *b =
        lua_newuserdatauv(L, sizeof *b + n * (sizeof(row_column) + sizeof(mr_value) + sizeof(size_t)), 1);
    lua_newtable(L);
    int keys = lua_gettop(L);
    b->state = bind_of(L);
    b->n = b->named = 0;
    b->written = nset;
    b->calls = b->makes = false;
    b->values = (mr_value *)(void *)(b->columns + n);
    b->order = (size_t *)(void *)(b->values + n);
    for (size_t i = 0; i < n; i++) b->order[i] = 0;
    bool good = true;
    for (uint32_t i = 0; good && i < nset; i++)
        good = read_column(L, s, b, (mr_column *)(uintptr_t)d->columns->child[i]->u.column, row, keys);
    for (unsigned i = 0; good && update && i < table->nprimary; i++)
        good = read_column(L, s, b, table->primary[i], row, keys);
    lua_setiuservalue(L, -2, 1);
    if (good && count_keys(L, row) == b->named) return b;
    lua_pop(L, 1);
    lua_pushnil(L);
    return NULL;
}

/* ---------------------------------------------------------------- the others */

/* The column of a key; n: none. hint: the column that it most likely is. */
static size_t column_of(const bind_row_binding *b, const char *key, size_t len, size_t hint) {
    if (b->columns[hint].address == key) return hint;
    for (size_t i = 0; i < b->n; i++) {
        const char *name = b->columns[i].key; /* a long string may have several addresses */
        if (name && (b->columns[i].address == key || (strlen(name) == len && memcmp(name, key, len) == 0))) return i;
    }
    return b->n;
}

/* Reads the values of the row, whose table keeps the strings, as its keys come. */
static bool read_plain_row(lua_State *L, bind_row_binding *b, int row) {
    size_t n = 0, len;
    for (lua_pushnil(L); lua_next(L, row); lua_pop(L, 1), n++) {
        if (n == b->named || lua_type(L, -2) != LUA_TSTRING) return false;
        const char *key = lua_tolstring(L, -2, &len);
        size_t i = b->order[n] = column_of(b, key, len, b->order[n]);
        if (i == b->n) {
            b->order[n] = 0;
            return false;
        }
        if (!bind_to_value(L, -1, b->columns[i].type, &b->values[i]) || b->values[i].kind == MR_OPAQUE) return false;
    }
    return n == b->named;
}

/* The same if functions are called for other columns, which may change the row, or if texts are made of values: the
 * stack keeps the strings. */
static bool read_row(lua_State *L, bind_row_binding *b, int row) {
    for (size_t i = 0; i < b->n; i++) {
        const row_column *c = &b->columns[i];
        if (!c->key) continue;
        lua_pushstring(L, c->key);
        bool good = lua_rawget(L, row) != LUA_TNIL && bind_to_value(L, -1, c->type, &b->values[i]) &&
                    b->values[i].kind != MR_OPAQUE;
        if (lua_type(L, -1) != LUA_TSTRING) lua_pop(L, 1);
        if (!good) return false;
    }
    return count_keys(L, row) == b->named;
}

/* The next call of the default's function may free the bytes of this value: a copy of them goes to the stack. */
static void give_default(lua_State *L, bind_state *b, const mr_default *d, mr_value *out) {
    BIND_TRY(b, L, bind_default_value(b->env, d, out));
    if (d->kind != MR_DEFAULT_FUNCTION || !mr_kind_is_bytes(out->kind)) return;
    lua_pushlstring(L, out->u.s, out->len);
    out->u.s = lua_tostring(L, -1);
}

/* Has each value the kind of its column, or is NULL? Most have. */
static bool all_fit(const bind_row_binding *b) {
    for (size_t i = 0; i < b->n; i++) {
        const mr_value *v = &b->values[i];
        const mr_type *type = b->columns[i].type;
        bool number = v->kind == MR_FLOAT && mr_type_is_float(type) && v->u.d == v->u.d; /* no NaN */
        if (!number && v->kind != MR_NULL && !mr_type_takes(type, (mr_kind)v->kind)) return false;
    }
    return true;
}

/* Sets the value on top of the stack (popped) in the table of the row that functions are told of. */
static void note(lua_State *L, const row_column *c, int told) {
    lua_pushvalue(L, -1);
    lua_setfield(L, told, c->column->name);
    lua_setfield(L, told, c->name);
}

/* The same as give_default for all columns that the row does not name, of which some call functions. These are told of
 * the values that the row has by then, as push_operands in with_defaults.c does. */
static void call_defaults(lua_State *L, bind_row_binding *b, int row) {
    lua_createtable(L, 0, (int)b->written);
    int told = lua_gettop(L);
    for (size_t i = 0; i < b->written; i++) {
        if (!b->columns[i].key) continue;
        lua_getfield(L, row, b->columns[i].key);
        note(L, &b->columns[i], told);
    }
    for (size_t i = 0; i < b->written; i++) {
        if (b->columns[i].key) continue;
        bind_set_default_row(L, told);
        give_default(L, b->state, &b->columns[i].deflt, &b->values[i]);
        bind_push_value(L, &b->values[i]);
        note(L, &b->columns[i], told);
    }
    bind_set_default_row(L, 0);
}

bool bind_row_binding_calls(const bind_row_binding *b) { return b->calls; }

const mr_value *bind_row_values(lua_State *L, bind_row_binding *b, int row) {
    bool kept = b->calls || b->makes;
    if (kept) bind_check_room(L, (int)b->n + 16, "execute");
    if (!lua_istable(L, row) || lua_getmetatable(L, row)) return NULL;
    if (!(kept ? read_row : read_plain_row)(L, b, row)) return NULL;
    if (b->calls) call_defaults(L, b, row);
    for (size_t i = 0; !b->calls && b->named < b->n && i < b->n; i++)
        if (!b->columns[i].key) give_default(L, b->state, &b->columns[i].deflt, &b->values[i]);
    if (all_fit(b)) return b->values;
    mr_status st = MR_OK;
    bool plain = true;
    BIND_ENTER(b->state, L);
    for (size_t i = 0; i < b->n && st == MR_OK && plain; i++) {
        const row_column *c = &b->columns[i];
        st = mr_type_coerce(b->state->env, c->type, c->what, &b->values[i]);
        const mr_value *v = &b->values[i];
        plain = v->kind != MR_UNLOADED && (v->kind != MR_OPAQUE || bind_is_own_value(b->state, v));
    }
    BIND_LEAVE(b->state);
    bind_check(L, st);
    return plain ? b->values : NULL;
}

/*
 * json_write.c: a Lua value as JSON text.
 *
 * Invariant: equal values give equal texts: keys are sorted, nothing depends on the order of a table. Whatever JSON
 * could not give back is refused, and its place named. No Lua code runs meanwhile, and nothing raises: keys are kept
 * alive on the stack. A table that is being written is a frame, so that depth costs no C stack.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "state/own.h"

typedef struct key {
    const char *s;
    size_t len;
    int at; /* its place on the stack */
} key;

/* A table that has begun and not ended. */
typedef struct frame {
    int table; /* its place on the stack */
    bool object;
    size_t first;        /* an object: its first key among the writer's keys */
    lua_Unsigned i, n;   /* items written, and in all */
    const mr_type *item; /* of an Array: the type of its items; NULL: any JSON */
} frame;

typedef struct writer {
    lua_State *L;
    mr_env *env;
    const char *what;
    mr_errkind kind;
    mr_strbuf *out;
    bool converted; /* what is read back is not all that is there: another value, or an array that has no mark */
    mr_vec *frames, *keys;
    mr_store_room room;
} writer;

static frame *frame_at(const writer *w, size_t i) { return mr_vec_at(w->frames, i); }

/* ---------------------------------------------------------------- messages */

static bool is_name(const char *s, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9')) return false;
    }
    return len > 0;
}

/* Appends the place of the value that is being written: User.settings.a[3].b */
static void put_path(const writer *w, mr_strbuf *path) {
    enum { SHOWN = 60, ENOUGH = 400 };
    mr_strbuf_puts(path, w->what);
    for (size_t i = 0; i < w->frames->len && path->len < ENOUGH; i++) {
        const frame *f = frame_at(w, i);
        if (f->i == 0) continue;
        if (!f->object) {
            mr_strbuf_printf(path, "[%llu]", (unsigned long long)f->i);
            continue;
        }
        const key *k = mr_vec_at(w->keys, f->first + (size_t)f->i - 1);
        int shown = k->len > SHOWN ? SHOWN : (int)k->len;
        if (is_name(k->s, k->len)) mr_strbuf_printf(path, ".%.*s", shown, k->s);
        else mr_strbuf_printf(path, "[\"%.*s\"]", shown, k->s);
    }
    if (path->len >= ENOUGH) mr_strbuf_puts(path, "...");
}

/* Records the error: the value there cannot be written. */
static mr_status refuse(const writer *w, const char *why) {
    mr_strbuf path;
    mr_strbuf_init(&path, w->env);
    put_path(w, &path);
    if (path.oom) mr_nomem(w->env);
    else mr_fail(w->env, w->kind, "%s: %s", mr_strbuf_str(&path), why);
    mr_strbuf_done(&path);
    return MR_FAIL;
}

static mr_status refuse_type(const writer *w, int type) {
    switch (type) {
    case LUA_TFUNCTION:
        return refuse(w, "JSON cannot hold a function (is it to be called? f() gives its result)");
    case LUA_TTHREAD:
        return refuse(w, "JSON cannot hold a coroutine");
    case LUA_TNIL:
    case LUA_TNONE:
        return refuse(w, "JSON cannot hold nil (null is written mr.null)");
    default:
        return refuse(w,
                      "JSON cannot hold this userdata: write what is to be kept as a table, a string or a number (of "
                      "an object: its key)");
    }
}

/* ---------------------------------------------------------------- tables */

static int by_bytes(const void *a, const void *b) {
    const key *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->s, y->s, len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* What the keys of the table at the index are. */
typedef struct shape {
    lua_Unsigned n, integers, strings;
    lua_Integer most, least;
} shape;

static shape shape_of(lua_State *L, int table) {
    shape s = {0};
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        s.n++;
        if (lua_type(L, -2) == LUA_TSTRING) {
            s.strings++;
        } else if (lua_isinteger(L, -2)) {
            lua_Integer i = lua_tointeger(L, -2);
            if (s.integers == 0 || i > s.most) s.most = i;
            if (s.integers == 0 || i < s.least) s.least = i;
            s.integers++;
        }
    }
    return s;
}

/* The first of 1 .. n that the table has not. */
static lua_Integer first_hole(lua_State *L, int table) {
    for (lua_Integer i = 1;; i++) {
        bool there = lua_rawgeti(L, table, i) != LUA_TNIL;
        lua_pop(L, 1);
        if (!there) return i;
    }
}

static mr_status check_shape(const writer *w, int table, const shape *s, bool array) {
    char why[MR_JSON_WHY];
    if (s->integers + s->strings < s->n)
        return refuse(w, "the table has a key that is neither a string nor an integer: JSON has no other");
    if (s->integers && s->strings)
        return refuse(w, "the table has items 1, 2 ... and keys with names: JSON has arrays, and objects, and nothing "
                         "that is both");
    if (s->strings && array) return refuse(w, "the table is an array (mr.array), and has keys with names");
    if (!s->integers) return MR_OK;
    if (s->least < 1) {
        snprintf(why, sizeof why,
                 "the table has the key %lld: an array has items from 1 on, and the keys of an object are strings "
                 "(tostring makes one)",
                 (long long)s->least);
        return refuse(w, why);
    }
    if ((lua_Unsigned)s->most == s->integers) return MR_OK;
    snprintf(why, sizeof why,
             "the array has a hole: item %lld is nil, and item %lld is not (null is written mr.null; the keys of an "
             "object are strings)",
             (long long)first_hole(w->L, table), (long long)s->most);
    return refuse(w, why);
}

/* A table that answers for other values than it has. */
static bool has_pairs(lua_State *L, int table) {
    if (!lua_getmetatable(L, table)) return false;
    bool found = false;
    for (lua_pushnil(L); !found && lua_next(L, -2); lua_pop(L, found ? 2 : 1))
        found = lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), "__pairs") == 0;
    lua_pop(L, 1);
    return found;
}

/* Pushes the object's keys, and sorts them. */
static mr_status read_keys(writer *w, frame *f) {
    lua_State *L = w->L;
    f->first = w->keys->len;
    if (f->n > INT32_MAX / 2 || !lua_checkstack(L, (int)f->n + 8))
        return refuse(w, "the object has more keys than Lua's stack has room for");
    if (mr_vec_reserve(w->keys, w->keys->len + (size_t)f->n) != MR_OK) return MR_FAIL;
    lua_pushnil(L);
    while (lua_next(L, f->table)) {
        key k = {.at = lua_gettop(L) - 1};
        lua_pop(L, 1);
        k.s = lua_tolstring(L, -1, &k.len);
        *(key *)mr_vec_push(w->keys) = k; /* reserved above */
        lua_pushvalue(L, -1);
    }
    key *keys = f->n ? mr_vec_at(w->keys, f->first) : NULL;
    if (keys) qsort(keys, (size_t)f->n, sizeof *keys, by_bytes);
    for (lua_Unsigned i = 0; i < f->n; i++) {
        if (memchr(keys[i].s, '\0', keys[i].len)) return refuse(w, "the object has a key with a zero byte in it");
        if (!mr_utf8_valid(keys[i].s, keys[i].len))
            return refuse(w, "the object has a key that is no valid UTF-8, and JSON has no other");
    }
    return MR_OK;
}

/* Begins the table on top of the stack, which stays there. type: an Array, or NULL. */
static mr_status begin_table(writer *w, const mr_type *type) {
    lua_State *L = w->L;
    char why[MR_JSON_WHY];
    frame f = {.table = lua_gettop(L), .item = type ? type->item : NULL};
    if (f.item && mr_type_is_json(f.item) && !f.item->item) f.item = NULL;
    const void *address = lua_topointer(L, f.table);
    for (size_t i = 0; i < w->frames->len; i++)
        if (lua_topointer(L, frame_at(w, i)->table) == address) return refuse(w, "the table contains itself");
    if (w->frames->len == MR_JSON_DEPTH) {
        snprintf(why, sizeof why, "the value nests more than %d tables deep", MR_JSON_DEPTH);
        return refuse(w, why);
    }
    bool array = bind_is_array(L, f.table);
    if (!array && has_pairs(L, f.table))
        return refuse(w, "the table has a metatable with __pairs: what it stands for is copied into a plain table");
    shape s = shape_of(L, f.table);
    if (check_shape(w, f.table, &s, array) != MR_OK) return MR_FAIL;
    if (type && s.strings) return refuse(w, "an Array takes a list, and the table has keys with names");
    f.n = s.n;
    if (!array && (type || s.integers > 0)) w->converted = true;
    f.object = !array && !type && s.integers == 0;
    if (f.object && read_keys(w, &f) != MR_OK) return MR_FAIL;
    mr_strbuf_putc(w->out, f.object ? '{' : '[');
    frame *place = mr_vec_push(w->frames);
    if (!place) return MR_FAIL;
    *place = f;
    return MR_OK;
}

/* ---------------------------------------------------------------- single values */

static mr_status put_string(const writer *w, const char *s, size_t len) {
    if (!mr_utf8_valid(s, len))
        return refuse(w, "the string is no valid UTF-8, and JSON has no other (bytes are for a column of LargeBinary)");
    mr_json_put_string(w->out, s, len);
    return MR_OK;
}

static mr_status put_number(const writer *w, const mr_value *v) {
    if (v->kind == MR_FLOAT && !isfinite(v->u.d))
        return refuse(w, isnan(v->u.d) ? "JSON has no number for NaN" : "JSON has no number for an infinite float");
    if (v->kind == MR_FLOAT) mr_json_put_float(w->out, v->u.d);
    else mr_strbuf_printf(w->out, "%lld", (long long)v->u.i);
    return MR_OK;
}

/* A value of ours is its text. */
static mr_status put_own(writer *w) {
    mr_value v;
    char text[MR_CALENDAR_SIZE];
    w->converted = true;
    if (!bind_to_value(w->L, -1, NULL, &v)) return refuse_type(w, LUA_TUSERDATA);
    if (v.kind == MR_OPAQUE) return refuse(w, "JSON cannot hold an SQL expression: it would be stored as a value");
    if (v.kind == MR_DECIMAL) return put_string(w, v.u.s, v.len);
    return put_string(w, text, mr_calendar_format(&v, ' ', false, text));
}

/* The value on top of the stack, of any type but a table. */
static mr_status put_any(writer *w) {
    lua_State *L = w->L;
    mr_value v;
    size_t len;
    const char *s;
    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN:
        mr_strbuf_puts(w->out, lua_toboolean(L, -1) ? "true" : "false");
        return MR_OK;
    case LUA_TNUMBER:
        v = lua_isinteger(L, -1) ? mr_int_value((int64_t)lua_tointeger(L, -1)) : mr_float_value(lua_tonumber(L, -1));
        return put_number(w, &v);
    case LUA_TSTRING:
        s = lua_tolstring(L, -1, &len);
        return put_string(w, s, len);
    case LUA_TLIGHTUSERDATA:
        if (!bind_is_null(L, -1)) return refuse_type(w, LUA_TUSERDATA);
        mr_strbuf_puts(w->out, "null");
        return MR_OK;
    case LUA_TUSERDATA:
        return put_own(w);
    default:
        return refuse_type(w, lua_type(L, -1));
    }
}

/* An item of an Array. */
static mr_status put_item(writer *w, const mr_type *item) {
    lua_State *L = w->L;
    mr_value v;
    char why[MR_JSON_WHY];
    if (lua_type(L, -1) == LUA_TFUNCTION) return refuse_type(w, LUA_TFUNCTION);
    if (!bind_to_value(L, -1, item, &v) || v.kind == MR_OPAQUE) {
        snprintf(why, sizeof why, "expected %s, got %s", mr_type_wants(item), luaL_typename(L, -1));
        return refuse(w, why);
    }
    if (v.kind == MR_NULL) {
        mr_strbuf_puts(w->out, "null");
        return MR_OK;
    }
    if (v.kind != item->rules->kind) w->converted = true;
    mr_strbuf path;
    mr_strbuf_init(&path, w->env);
    put_path(w, &path);
    mr_status status =
        path.oom ? mr_nomem(w->env) : mr_type_store_item(w->env, item, mr_strbuf_str(&path), &v, &w->room);
    mr_strbuf_done(&path);
    if (status != MR_OK) {
        const mr_error *e = mr_env_error(w->env);
        return e->kind == MR_ERR_ARGUMENT ? mr_fail(w->env, w->kind, "%s", e->message) : MR_FAIL;
    }
    if (v.kind == MR_BOOL) mr_strbuf_puts(w->out, v.u.i ? "true" : "false");
    else if (v.kind == MR_TEXT) mr_json_put_string(w->out, v.u.s, v.len);
    else return put_number(w, &v);
    return MR_OK;
}

/* ---------------------------------------------------------------- the walk */

/* Writes the value on top of the stack, and pops it, or begins its table. type: its own, or NULL. */
static mr_status put_value(writer *w, const mr_type *type) {
    bool array = type && type->item;
    mr_status status;
    if (lua_istable(w->L, -1) && (!type || array)) return begin_table(w, type);
    if (array && !bind_is_null(w->L, -1)) return refuse(w, "an Array takes a list");
    status = type && !array ? put_item(w, type) : put_any(w);
    lua_pop(w->L, 1);
    return status;
}

static mr_status next_item(writer *w) {
    lua_State *L = w->L;
    frame *f = frame_at(w, w->frames->len - 1);
    const mr_type *item = f->item;
    if (f->i == f->n) {
        mr_strbuf_putc(w->out, f->object ? '}' : ']');
        if (f->object) w->keys->len = f->first;
        lua_settop(L, f->table - 1);
        w->frames->len--;
        return MR_OK;
    }
    if (f->i++ > 0) mr_strbuf_putc(w->out, ',');
    if (!lua_checkstack(L, 8)) return mr_nomem(w->env);
    if (f->object) {
        const key *k = mr_vec_at(w->keys, f->first + (size_t)f->i - 1);
        mr_json_put_string(w->out, k->s, k->len);
        mr_strbuf_putc(w->out, ':');
        lua_pushvalue(L, k->at);
        lua_rawget(L, f->table);
    } else {
        lua_rawgeti(L, f->table, (lua_Integer)f->i);
    }
    return put_value(w, item);
}

static void free_walk(void *p) {
    bind_json_walk *walk = p;
    mr_env *env = walk->frames.env;
    mr_vec_done(&walk->frames);
    mr_vec_done(&walk->keys);
    mr_free(env, walk);
}

static void begin_walk(bind_json_walk *walk, mr_env *env) {
    mr_vec_init(&walk->frames, env, sizeof(frame));
    mr_vec_init(&walk->keys, env, sizeof(key));
}

bind_json_walk *bind_push_json_walk(lua_State *L) {
    bind_state *b = bind_of(L);
    bind_owner *owner = bind_own(L, free_walk);
    bind_json_walk *walk = mr_alloc(b->env, sizeof *walk);
    if (!walk) bind_raise(L);
    begin_walk(walk, b->env);
    owner->p = walk;
    return walk;
}

mr_status bind_write_json(lua_State *L, int idx, const mr_type *type, const char *what, mr_errkind kind, mr_strbuf *out,
                          bind_json_walk *walk, bool *exact) {
    bind_state *b = bind_of(L);
    int top = lua_gettop(L);
    bind_json_walk own;
    if (!walk) begin_walk(&own, b->env);
    writer w = {.L = L,
                .env = b->env,
                .what = what,
                .kind = kind,
                .out = out,
                .room = {.env = b->env},
                .frames = walk ? &walk->frames : &own.frames,
                .keys = walk ? &walk->keys : &own.keys};
    w.frames->len = w.keys->len = 0;
    if (!lua_checkstack(L, 8)) return mr_nomem(b->env);
    lua_pushvalue(L, idx);
    mr_status status = put_value(&w, type->item ? type : NULL);
    while (status == MR_OK && w.frames->len > 0) status = next_item(&w);
    if (status == MR_OK && out->oom) status = mr_nomem(b->env);
    if (exact) *exact = !w.converted;
    lua_settop(L, top);
    if (!walk) {
        mr_vec_done(&own.frames);
        mr_vec_done(&own.keys);
    }
    mr_store_done(&w.room);
    return status;
}

/* ---------------------------------------------------------------- values of columns */

/* The text of JSON's null, or, where there is none, NULL. */
static mr_value null_of(const mr_type *type) {
    return type->none_as_null || type->item ? mr_null_value() : mr_type_json_value(type, "null", 4);
}

bool bind_to_json(lua_State *L, int idx, const mr_type *type, mr_value *out) {
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 8, "a value as JSON");
    if (lua_isnoneornil(L, idx) || bind_is_null(L, idx)) {
        *out = lua_isnoneornil(L, idx) ? mr_null_value() : null_of(type);
        return true;
    }
    if (lua_type(L, idx) == LUA_TUSERDATA && bind_to_value(L, idx, NULL, out) && out->kind == MR_OPAQUE) return true;
    mr_strbuf *text = bind_own_strbuf(L);
    if (bind_write_json(L, idx, type, "", MR_ERR_ARGUMENT, text, NULL, NULL) != MR_OK) {
        bool memory = mr_env_error(bind_of(L)->env)->kind == MR_ERR_NO_MEMORY;
        mr_strbuf_done(text);
        lua_pop(L, 1);
        if (memory) bind_raise(L);
        mr_env_clear_error(bind_of(L)->env);
        return false;
    }
    bind_own_push_text(L);
    lua_replace(L, idx);
    size_t len;
    const char *s = lua_tolstring(L, idx, &len);
    if (len > UINT32_MAX) bind_error(L, MR_ERR_ARGUMENT, "a JSON text has 4 GB at most");
    *out = mr_type_json_value(type, s, len);
    return true;
}

static int refuse_json(lua_State *L, int idx, const mr_type *type, const char *what) {
    idx = lua_absindex(L, idx);
    mr_strbuf *text = bind_own_strbuf(L);
    if (bind_write_json(L, idx, type, what, MR_ERR_ARGUMENT, text, NULL, NULL) != MR_OK) return bind_raise(L);
    return bind_type_error(L, idx, what, mr_type_wants(type));
}

void bind_open_json(lua_State *L) {
    static const bind_json_functions functions = {bind_push_json, bind_to_json, refuse_json};
    bind_of(L)->json = &functions;
}

/*
 * json_read.c: JSON text as a Lua value.
 *
 * Invariant: what is read is written as the same JSON again: arrays are marked (mr.array), null is mr.null, integers
 * and floats stay apart. The core's reading of the text is owned by a userdata, so that an error in Lua frees it.
 */
#include <stdio.h>

#include "json.h"
#include "state/own.h"

typedef struct reader {
    lua_State *L;
    int base;                                /* the objects and arrays that have begun stand behind it */
    size_t depth;                            /* how many these are */
    const mr_type *types[MR_JSON_DEPTH + 1]; /* of the items at each depth; NULL: any JSON */
    char *why;                               /* MR_JSON_WHY bytes */
} reader;

static void free_json(void *p) { mr_json_free(p); }

static const char *kind_of(const mr_json_item *item) {
    if (item->event == MR_JSON_OBJECT) return "an object";
    if (item->event == MR_JSON_ARRAY) return "an array";
    switch (item->value.kind) {
    case MR_BOOL:
        return "a boolean";
    case MR_TEXT:
        return "a string";
    case MR_NULL:
        return "null";
    default:
        return "a number";
    }
}

static bool refuse_item(reader *r, const mr_json_item *item, const mr_type *type) {
    if (r->depth == 0) snprintf(r->why, MR_JSON_WHY, "it is %s, and no array", kind_of(item));
    else
        snprintf(r->why, MR_JSON_WHY, "item %zu is %s: expected %s", item->index, kind_of(item),
                 type->item ? "an array" : mr_type_wants(type));
    return false;
}

/* Pushes a single value. Allocates for strings and dates only. */
static bool push_scalar(reader *r, const mr_json_item *item) {
    const mr_type *type = r->types[r->depth];
    mr_value v = item->value;
    char room[MR_READ_ROOM];
    if (v.kind != MR_NULL && type && (type->item || !mr_type_read_item(type, &v, room)))
        return refuse_item(r, item, type);
    bind_push_value_or_null(r->L, &v);
    return true;
}

/* Pushes a new table, whose items come next. */
static bool begin(reader *r, const mr_json_item *item) {
    const mr_type *type = r->types[r->depth];
    bool array = item->event == MR_JSON_ARRAY;
    int room = item->n < 1 << 20 ? (int)item->n : 1 << 20;
    if (type && !(type->item && array)) return refuse_item(r, item, type);
    luaL_checkstack(r->L, 8, "a JSON value");
    lua_createtable(r->L, array ? room : 0, array ? 0 : room);
    if (array) bind_mark_array(r->L);
    const mr_type *of = type ? type->item : NULL;
    r->types[++r->depth] = of && mr_type_is_json(of) && !of->item ? NULL : of;
    return true;
}

/* Puts the value on top into its table, which is below it; the value that is all stays. */
static void put(reader *r, const mr_json_item *item) {
    if (r->depth == 0) return;
    if (item->key) {
        lua_pushlstring(r->L, item->key, item->key_len);
        lua_insert(r->L, -2);
        lua_rawset(r->L, -3);
    } else {
        lua_rawseti(r->L, -2, (lua_Integer)item->index);
    }
}

static bool take(reader *r, const mr_json_item *item) {
    switch (item->event) {
    case MR_JSON_OBJECT:
    case MR_JSON_ARRAY:
        return begin(r, item);
    case MR_JSON_SCALAR:
        if (!push_scalar(r, item)) return false;
        break;
    case MR_JSON_END:
        r->depth--;
        break;
    case MR_JSON_DONE:
        return true;
    }
    put(r, item);
    return true;
}

mr_status bind_read_json(lua_State *L, const mr_value *v, char *why) {
    bind_state *b = bind_of(L);
    const mr_type *type = mr_type_of_json(b->env, v);
    int top = lua_gettop(L);
    mr_json_item item;
    luaL_checkstack(L, 12, "a JSON value");
    bind_owner *owner = bind_own(L, free_json); /* made first: it may run finalizers, which may set the attribute */
    mr_json *json;
    mr_status status = mr_json_parse(b->env, v->u.s, v->len, false, &json, why);
    if (status != MR_OK) {
        lua_settop(L, top);
        return status;
    }
    owner->p = json;
    reader r = {.L = L, .base = lua_gettop(L), .why = why};
    r.types[0] = type->item ? type : NULL;
    do {
        status = mr_json_next(json, &item);
        if (status == MR_OK && !take(&r, &item)) status = MR_NOTFOUND;
    } while (status == MR_OK && item.event != MR_JSON_DONE);
    bind_own_done(owner);
    if (status == MR_OK) lua_replace(L, top + 1);
    lua_settop(L, status == MR_OK ? top + 1 : top);
    return status;
}

void bind_push_json(lua_State *L, const mr_value *v, const char *what, const char *row) {
    bind_state *b = bind_of(L);
    char why[MR_JSON_WHY] = "";
    if (b->given_text == v->u.s && v->len > 0) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &b->given_text);
        return;
    }
    mr_json_bad bad = mr_json_bad_of(v);
    mr_status status = bind_read_json(L, v, why);
    if (status == MR_OK) return;
    if (status == MR_FAIL) bind_raise(L);
    if (bad == MR_JSON_BAD_NULL) lua_pushnil(L);
    else if (bad == MR_JSON_BAD_KEEP) lua_pushlstring(L, v->u.s, v->len);
    else bind_check(L, mr_type_bad_json(b->env, mr_type_of_json(b->env, v), what, row, v, why));
}

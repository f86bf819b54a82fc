/*
 * object.c: the embedding API's view of objects: handles, inspection, attributes.
 *
 * Invariant: attributes are read and written as Lua reads and writes them, through the object's
 * metamethods, so a C program meets the same validators, hybrids, fields and messages as a script.
 */
#include <errno.h>
#include <string.h>

#include "capi.h"
#include "class/class.h"
#include "value/decimal.h"
#include "value/proxy.h"

/* ---------------------------------------------------------------- handles */

typedef struct handle_args {
    const mr_class *klass;
    mr_object *object;
} handle_args;

static int new_body(lua_State *L) {
    handle_args *a = lua_touserdata(L, 1);
    bind_push_class(L, a->klass);
    lua_call(L, 0, 1);
    a->object = capi_handle(L, -1);
    return 0;
}

mr_result mr_object_new(lua_State *L, const mr_class *klass, mr_object **out) {
    CAPI_NEEDS(L, CAPI_CLASS, klass);
    handle_args args = {klass, NULL};
    mr_result result = capi_run(L, new_body, &args, 0, 0);
    if (result == MR_RESULT_OK) *out = args.object;
    return result;
}

static int at_body(lua_State *L) {
    handle_args *a = lua_touserdata(L, 1);
    if (bind_test_entity(L, 2)) a->object = capi_handle(L, 2);
    return 0;
}

mr_result mr_object_at(lua_State *L, int index, mr_object **out) {
    handle_args args = {NULL, NULL};
    if (!lua_checkstack(L, 1)) return MR_RESULT_FAIL;
    lua_pushvalue(L, index);
    mr_result result = capi_run(L, at_body, &args, 1, 0);
    if (result != MR_RESULT_OK) return result;
    if (!args.object) return MR_RESULT_NONE;
    *out = args.object;
    return MR_RESULT_OK;
}

static int push_body(lua_State *L) {
    const handle_args *a = lua_touserdata(L, 1);
    bind_push_entity(L, a->object);
    return 1;
}

mr_result mr_object_push(lua_State *L, mr_object *object) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    handle_args args = {NULL, object};
    return capi_run(L, push_body, &args, 0, 1);
}

mr_object *mr_object_retain(mr_object *object) { return object ? mr_entity_pin(object) : NULL; }

/* ---------------------------------------------------------------- inspection */

const mr_class *mr_object_class(const mr_object *object) { return object ? object->mapper : NULL; }

/* mr_life has the places of mr_state. */
mr_life mr_object_life(const mr_object *object) {
    return object ? (mr_life)mr_entity_state(object) : MR_LIFE_TRANSIENT;
}

const char *mr_life_name(mr_life life) { return mr_state_name((mr_state)life); }

int mr_object_is_modified(const mr_object *object) { return object && (object->flags & MR_ENTITY_MODIFIED) != 0; }

mr_result mr_object_key_int(const mr_object *object, int64_t *out) {
    if (!object || object->identity_kind != MR_IDENTITY_INT) return MR_RESULT_NONE;
    *out = object->key.i;
    return MR_RESULT_OK;
}

mr_result mr_object_key_text(const mr_object *object, const char **text, size_t *len) {
    if (!object) return MR_RESULT_NONE;
    if (!mr_entity_has_identity(object) || object->identity_kind == MR_IDENTITY_INT || object->mapper->npk != 1)
        return MR_RESULT_NONE;
    mr_value key;
    mr_entity_key(object, &key);
    if (key.kind != MR_TEXT) return MR_RESULT_NONE;
    int number = errno;
    const char *kept = capi_keep_key(object, key.u.s, key.len);
    errno = number;
    if (!kept) return MR_RESULT_FAIL;
    *text = kept;
    if (len) *len = key.len;
    return MR_RESULT_OK;
}

int mr_object_is_loaded(mr_object *object, const char *attribute) {
    const mr_property *prop = object ? mr_mapper_property(object->mapper, attribute, true) : NULL;
    return prop && mr_attribute_is_loaded(object, prop);
}

/* ---------------------------------------------------------------- reading */

typedef struct read_args read_args;
/* Stores the value on top of the stack in out; false where the value is of another type. */
typedef bool reader(lua_State *L, const read_args *a);

struct read_args {
    mr_object *object;
    const char *name;
    void *out;
    size_t *len;
    reader *read;
    const char *wanted; /* for the message */
    bool none;          /* the attribute is NULL */
};

/* Runs a body that reads; none becomes MR_RESULT_NONE. */
static mr_result run_read(lua_State *L, lua_CFunction body, read_args *args) {
    mr_result result = capi_run(L, body, args, 0, 0);
    return result == MR_RESULT_OK && args->none ? MR_RESULT_NONE : result;
}

/* Pushes the attribute's value; false where it is NULL. */
static bool read_value(lua_State *L, read_args *a) {
    bind_push_entity(L, a->object);
    a->none = lua_getfield(L, -1, a->name) == LUA_TNIL;
    return !a->none;
}

static int read_body(lua_State *L) {
    read_args *a = lua_touserdata(L, 1);
    if (!read_value(L, a) || a->read(L, a)) return 0;
    const char *what = lua_pushfstring(L, "%s.%s", a->object->mapper->name, a->name);
    return bind_type_error(L, -2, what, a->wanted);
}

static mr_result read_as(lua_State *L, mr_object *object, const char *attribute, void *out, reader *read,
                         const char *wanted) {
    return run_read(L, read_body, &(read_args){object, attribute, out, NULL, read, wanted, false});
}

static mr_holds holds(lua_State *L) {
    mr_value date;
    switch (lua_type(L, -1)) {
    case LUA_TNIL:
        return MR_HOLDS_NULL;
    case LUA_TBOOLEAN:
        return MR_HOLDS_BOOL;
    case LUA_TSTRING:
        return MR_HOLDS_TEXT;
    case LUA_TNUMBER:
        return lua_isinteger(L, -1) ? MR_HOLDS_INT : MR_HOLDS_FLOAT;
    default:
        break;
    }
    if (bind_to_decimal(L, -1, &date)) return MR_HOLDS_TEXT;
    if (bind_test_entity(L, -1)) return MR_HOLDS_OBJECT;
    if (bind_is_collection(L, -1)) return MR_HOLDS_COLLECTION;
    if (!bind_to_date(L, -1, &date)) return MR_HOLDS_OTHER;
    switch (date.kind) {
    case MR_DATE:
        return MR_HOLDS_DATE;
    case MR_TIME:
        return MR_HOLDS_TIME;
    case MR_DATETIME:
        return MR_HOLDS_DATETIME;
    default:
        return MR_HOLDS_OTHER;
    }
}

static int holds_body(lua_State *L) {
    read_args *a = lua_touserdata(L, 1);
    read_value(L, a);
    a->none = false;
    *(mr_holds *)a->out = holds(L);
    return 0;
}

mr_result mr_object_holds(lua_State *L, mr_object *object, const char *attribute, mr_holds *out) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return run_read(L, holds_body, &(read_args){.object = object, .name = attribute, .out = out});
}

static bool read_int(lua_State *L, const read_args *a) {
    int integral = 0;
    lua_Integer value = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &integral) : 0;
    if (integral) *(int64_t *)a->out = value;
    return integral;
}

mr_result mr_object_get_int(lua_State *L, mr_object *object, const char *attribute, int64_t *out) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return read_as(L, object, attribute, out, read_int, "an integer");
}

static bool read_float(lua_State *L, const read_args *a) {
    bool good = lua_type(L, -1) == LUA_TNUMBER;
    if (good) *(double *)a->out = lua_tonumber(L, -1);
    return good;
}

mr_result mr_object_get_float(lua_State *L, mr_object *object, const char *attribute, double *out) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return read_as(L, object, attribute, out, read_float, "a number");
}

static bool read_bool(lua_State *L, const read_args *a) {
    bool good = lua_isboolean(L, -1);
    if (good) *(int *)a->out = lua_toboolean(L, -1);
    return good;
}

mr_result mr_object_get_bool(lua_State *L, mr_object *object, const char *attribute, int *out) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return read_as(L, object, attribute, out, read_bool, "a boolean");
}

static bool read_text(lua_State *L, const read_args *a) {
    mr_value decimal;
    bool good = lua_type(L, -1) == LUA_TSTRING || bind_to_decimal(L, -1, &decimal);
    if (lua_isuserdata(L, -1) && good) luaL_tolstring(L, -1, NULL);
    if (good) *(const char **)a->out = capi_keep_text(L, a->len);
    return good;
}

mr_result mr_object_get_text(lua_State *L, mr_object *object, const char *attribute, const char **text, size_t *len) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return run_read(L, read_body, &(read_args){object, attribute, text, len, read_text, "a string", false});
}

mr_result mr_object_get_blob(lua_State *L, mr_object *object, const char *attribute, const void **data, size_t *len) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    const char *text = NULL;
    mr_result result = mr_object_get_text(L, object, attribute, &text, len);
    if (result == MR_RESULT_OK) *data = text;
    return result;
}

static bool read_moment(lua_State *L, const read_args *a) {
    mr_value value;
    if (!bind_to_date(L, -1, &value) || value.kind == MR_INTERVAL) return false;
    mr_civil c = {0};
    mr_civil_from_value(&value, &c);
    mr_moment m = {c.year, c.month, c.day, c.hour, c.minute, c.second, c.microsecond};
    if (value.kind == MR_TIME) m.year = m.month = m.day = 0;
    *(mr_moment *)a->out = m;
    return true;
}

mr_result mr_object_get_moment(lua_State *L, mr_object *object, const char *attribute, mr_moment *out) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return read_as(L, object, attribute, out, read_moment, "date or time");
}

static bool read_object(lua_State *L, const read_args *a) {
    bool good = bind_test_entity(L, -1) != NULL;
    if (good) capi_give_object(L, -1, a->out);
    return good;
}

mr_result mr_object_get_object(lua_State *L, mr_object *object, const char *attribute, mr_object **out) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return read_as(L, object, attribute, out, read_object, "an object");
}

static int describe_body(lua_State *L) {
    read_args *a = lua_touserdata(L, 1);
    bind_push_entity(L, a->object);
    luaL_tolstring(L, -1, NULL);
    *(const char **)a->out = capi_keep_text(L, NULL);
    return 0;
}

mr_result mr_object_describe(lua_State *L, mr_object *object, const char **text) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return run_read(L, describe_body, &(read_args){.object = object, .out = text});
}

/* ---------------------------------------------------------------- writing */

typedef struct write_args {
    mr_object *object;
    const char *name;
    mr_value value;
    mr_object *target; /* where value is MR_ENTITY */
} write_args;

static int set_body(lua_State *L) {
    const write_args *a = lua_touserdata(L, 1);
    bind_push_entity(L, a->object);
    if (a->value.kind == MR_ENTITY) bind_push_entity(L, a->target);
    else bind_push_value(L, &a->value);
    lua_setfield(L, -2, a->name);
    return 0;
}

static mr_result set_value(lua_State *L, mr_object *object, const char *name, mr_value value) {
    write_args args = {object, name, value, NULL};
    return capi_run(L, set_body, &args, 0, 0);
}

mr_result mr_object_set_null(lua_State *L, mr_object *object, const char *attribute) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return set_value(L, object, attribute, mr_null_value());
}

mr_result mr_object_set_int(lua_State *L, mr_object *object, const char *attribute, int64_t value) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return set_value(L, object, attribute, mr_int_value(value));
}

mr_result mr_object_set_float(lua_State *L, mr_object *object, const char *attribute, double value) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return set_value(L, object, attribute, mr_float_value(value));
}

mr_result mr_object_set_bool(lua_State *L, mr_object *object, const char *attribute, int value) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return set_value(L, object, attribute, mr_bool_value(value != 0));
}

typedef struct bytes_args {
    mr_object *object;
    const char *name;
    const char *s;
    size_t len;
} bytes_args;

/* The bytes do not go through a mr_value, whose length has 32 bits. */
static int set_bytes_body(lua_State *L) {
    const bytes_args *a = lua_touserdata(L, 1);
    bind_push_entity(L, a->object);
    if (a->s) lua_pushlstring(L, a->s, a->len);
    else lua_pushnil(L);
    lua_setfield(L, -2, a->name);
    return 0;
}

mr_result mr_object_set_blob(lua_State *L, mr_object *object, const char *attribute, const void *data, size_t len) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    bytes_args args = {object, attribute, len ? data : "", len};
    return capi_run(L, set_bytes_body, &args, 0, 0);
}

mr_result mr_object_set_text(lua_State *L, mr_object *object, const char *attribute, const char *text) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    bytes_args args = {object, attribute, text, text ? strlen(text) : 0};
    return capi_run(L, set_bytes_body, &args, 0, 0);
}

typedef struct moment_args {
    mr_object *object;
    const char *name;
    mr_civil civil;
    mr_kind kind;
} moment_args;

static int set_moment_body(lua_State *L) {
    const moment_args *a = lua_touserdata(L, 1);
    mr_value value;
    if (!mr_civil_to_value(&a->civil, a->kind, &value))
        return bind_error(L, MR_ERR_ARGUMENT, "%s.%s: %04d-%02d-%02d %02d:%02d:%02d.%06d is no %s",
                          a->object->mapper->name, a->name, a->civil.year, a->civil.month, a->civil.day, a->civil.hour,
                          a->civil.minute, a->civil.second, a->civil.microsecond, mr_kind_name((uint8_t)a->kind));
    bind_push_entity(L, a->object);
    bind_push_date(L, &value);
    lua_setfield(L, -2, a->name);
    return 0;
}

static mr_result set_moment(lua_State *L, mr_object *object, const char *name, const mr_moment *m, mr_kind kind) {
    mr_civil civil = {m->year, m->month, m->day, m->hour, m->minute, m->second, m->microsecond};
    moment_args args = {object, name, civil, kind};
    return capi_run(L, set_moment_body, &args, 0, 0);
}

mr_result mr_object_set_date(lua_State *L, mr_object *object, const char *attribute, const mr_moment *value) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return set_moment(L, object, attribute, value, MR_DATE);
}

mr_result mr_object_set_time(lua_State *L, mr_object *object, const char *attribute, const mr_moment *value) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return set_moment(L, object, attribute, value, MR_TIME);
}

mr_result mr_object_set_datetime(lua_State *L, mr_object *object, const char *attribute, const mr_moment *value) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return set_moment(L, object, attribute, value, MR_DATETIME);
}

mr_result mr_object_set_object(lua_State *L, mr_object *object, const char *attribute, mr_object *target) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    write_args args = {object, attribute, mr_null_value(), target};
    if (target) args.value.kind = MR_ENTITY;
    return capi_run(L, set_body, &args, 0, 0);
}

/* ---------------------------------------------------------------- methods */

typedef struct call_args {
    mr_object *object;
    const char *method;
    int nargs;
} call_args;

static int call_body(lua_State *L) {
    const call_args *a = lua_touserdata(L, 1);
    bind_push_entity(L, a->object);
    lua_getfield(L, -1, a->method);
    lua_replace(L, 1); /* method, arguments, object */
    lua_insert(L, 2);  /* method, object, arguments */
    lua_call(L, a->nargs + 1, LUA_MULTRET);
    return lua_gettop(L);
}

mr_result mr_object_call(lua_State *L, mr_object *object, const char *method, int nargs, int nresults) {
    if (!object) return capi_refuse_null(L, __func__, CAPI_OBJECT, nargs);
    call_args args = {object, method, nargs};
    return capi_run(L, call_body, &args, nargs, nresults);
}

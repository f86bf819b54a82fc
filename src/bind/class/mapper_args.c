/*
 * mapper_args.c: __mapper_args: the options of a class's mapper: its version column, and how its rows are written.
 *
 * Invariant: the mapper is not finished yet, so an option that is refused leaves no class behind.
 */
#include <string.h>

#include "body.h"
#include "value/decorated.h"
#include "value/schema.h"

/* version_id_generator: a function of the version that the row has (nil: a new row). */
typedef struct version_function {
    bind_ref *function;
    const mr_mapper *mapper;
    mr_value *version; /* of the running call: in the version before, out the next */
} version_function;

/* The result is kept in the registry, so its bytes stay valid until the next call. */
static int version_body(lua_State *L) {
    version_function *f = lua_touserdata(L, 1);
    const mr_property *prop = f->mapper->version;
    const mr_type *type = mr_column_type(bind_of(L)->env, prop->column);
    const char *what = lua_pushfstring(L, "version_id_generator of %s.%s", f->mapper->name, prop->name);
    const bind_place place = {.what = what};
    bind_ref_push(L, f->function);
    if (f->version->kind == MR_UNLOADED) lua_pushnil(L);
    else bind_push_typed(L, type, f->version, NULL, &place);
    lua_call(L, 1, 1);
    bind_check_value(L, -1, type, what, f->version);
    if (f->version->kind == MR_NULL)
        bind_error(L, MR_ERR_INVALID_REQUEST, "%s gave nil: a version cannot be NULL: nothing would find the row again",
                   what);
    lua_rawsetp(L, LUA_REGISTRYINDEX, f);
    return 0;
}

static mr_status next_version(mr_env *env, void *ud, mr_value *version) {
    version_function *f = ud;
    mr_value *outer = f->version; /* the function may lead to another call of itself */
    f->version = version;
    mr_status st = bind_callback(env, version_body, f);
    f->version = outer;
    return st;
}

static void read_version_generator(lua_State *L, mr_mapper *mapper, int args) {
    int type = bind_option(L, args, "version_id_generator");
    bool by_hand = type == LUA_TBOOLEAN && !lua_toboolean(L, -1);
    if (type != LUA_TNIL) {
        if (!by_hand && type != LUA_TFUNCTION) bind_type_error(L, -1, "version_id_generator", "a function, or false");
        if (!mapper->version)
            bind_error(L, MR_ERR_ARGUMENT,
                       "%s.__mapper_args: version_id_generator is for a version_id_col, which is not given",
                       mapper->name);
    }
    mapper->version_by_hand = by_hand;
    if (type == LUA_TFUNCTION) {
        version_function *f = mr_env_arena(bind_of(L)->env, sizeof *f);
        if (!f) bind_raise(L);
        *f = (version_function){bind_ref_forever(L, -1), mapper, NULL};
        mapper->version_generator = next_version;
        mapper->version_ud = f;
    }
    lua_pop(L, 1);
}

/* true, false, or "auto". */
static void read_eager_defaults(lua_State *L, mr_mapper *mapper, int args) {
    int type = bind_option(L, args, "eager_defaults");
    if (type == LUA_TBOOLEAN) mapper->eager_defaults = lua_toboolean(L, -1) ? MR_EAGER_ALWAYS : MR_EAGER_NEVER;
    else if (type != LUA_TNIL && (type != LUA_TSTRING || strcmp(lua_tostring(L, -1), "auto") != 0))
        bind_type_error(L, -1, "eager_defaults", "true, false or \"auto\"");
    lua_pop(L, 1);
}

/* 0 where it is not given. */
static int8_t read_confirm(lua_State *L, int args, const char *option) {
    int type = bind_option(L, args, option);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN) bind_type_error(L, -1, option, "true or false");
    int8_t confirm = type == LUA_TNIL ? 0 : lua_toboolean(L, -1) ? 1 : -1;
    lua_pop(L, 1);
    return confirm;
}

static void check_names(lua_State *L, mr_mapper *mapper, int args) {
    static const char *const known[] = {"version_id_col",
                                        "version_id_generator",
                                        "eager_defaults",
                                        "confirm_inserted_rows",
                                        "confirm_deleted_rows",
                                        "primary_key",
                                        "include_properties",
                                        "exclude_properties",
                                        "polymorphic_on",
                                        "polymorphic_identity",
                                        "polymorphic_fallback",
                                        "polymorphic_load",
                                        "with_polymorphic",
                                        "inherit_condition",
                                        "concrete",
                                        NULL};
    lua_pushfstring(L, "%s.__mapper_args", mapper->name);
    bind_check_options(L, args, lua_tostring(L, -1), known);
    lua_pop(L, 1);
}

static void read_version(lua_State *L, mr_mapper *mapper, int args) {
    if (bind_option(L, args, "version_id_col") == LUA_TSTRING) {
        mapper->version = mr_mapper_property(mapper, lua_tostring(L, -1), true);
        if (!mapper->version)
            bind_error(L, MR_ERR_ARGUMENT, "%s.__mapper_args: version_id_col: there is no column '%s'", mapper->name,
                       lua_tostring(L, -1));
    } else if (!lua_isnil(L, -1)) {
        mr_column *column = bind_test_column(L, -1);
        for (size_t i = 0; column && i < mapper->columns.len; i++) {
            mr_property *prop = mr_vec_ptr(&mapper->columns, i);
            if (prop->column == column) mapper->version = prop;
        }
        if (!mapper->version)
            bind_type_error(L, -1, "version_id_col", "a column of the class, or its attribute's name");
    }
    lua_pop(L, 1);
    read_version_generator(L, mapper, args);
}

static void read_inserted(lua_State *L, mr_mapper *mapper, int args) {
    mapper->confirm_inserted_rows = read_confirm(L, args, "confirm_inserted_rows");
}

static void read_deleted(lua_State *L, mr_mapper *mapper, int args) {
    mapper->confirm_deleted_rows = read_confirm(L, args, "confirm_deleted_rows");
}

static const bind_option_reader options[] = {check_names,   read_version, read_eager_defaults,
                                             read_inserted, read_deleted, NULL};

typedef struct option_reading {
    bind_option_reader read;
    mr_mapper *mapper;
} option_reading;

/* Arguments: an option_reading, the table of options. */
static int read_option(lua_State *L) {
    const option_reading *r = lua_touserdata(L, 1);
    r->read(L, r->mapper, 2);
    return 0;
}

void bind_declare_mapper_args(lua_State *L, declaration *d, mr_mapper *mapper) {
    const bind_option_reader *const lists[] = {options, bind_inheritance_options};
    for (size_t list = 0; d->mapper_args && list < sizeof lists / sizeof *lists; list++) {
        for (size_t i = 0; lists[list][i]; i++) {
            option_reading r = {lists[list][i], mapper};
            lua_pushvalue(L, d->mapper_args);
            bind_attempt(L, d, read_option, &r);
        }
    }
}

/*
 * inheritance.c: the options of __mapper_args that say how a class is told from others of its family, and how its table
 * is joined to that of its base class.
 *
 * Invariant: the mapper is not finished yet, so an option that is refused leaves no class behind. What the options say
 * of each other is checked by the core, which reports all mistakes together.
 */
#include <string.h>

#include "class.h"
#include "value/from.h"
#include "value/node.h"
#include "value/schema.h"

/* ---------------------------------------------------------------- expressions that need the class's table */

/* A function of the class's columns, which gives an expression. */
typedef struct class_function {
    bind_ref *function;
    const char *option;
    mr_mapper *mapper; /* of the running call */
    mr_node *made;
} class_function;

static int expression_body(lua_State *L) {
    class_function *f = lua_touserdata(L, 1);
    bind_ref_push(L, f->function);
    bind_push_columns(L, f->mapper->table, NULL);
    lua_call(L, 1, 1);
    mr_node *node = bind_test_node(L, -1);
    if (!node)
        bind_error(L, MR_ERR_ARGUMENT, "%s.__mapper_args: %s: expected an SQL expression from the function, got %s",
                   f->mapper->name, f->option, bind_describe(L, -1));
    f->made = mr_node_retain(node);
    return 0;
}

static mr_status make_expression(mr_env *env, void *ud, mr_mapper *mapper, mr_node **out) {
    class_function *f = ud;
    f->mapper = mapper;
    f->made = NULL;
    mr_status status = bind_callback(env, expression_body, f);
    *out = f->made;
    f->made = NULL;
    return status;
}

/* The function on top of the stack, for as long as the environment lives. */
static class_function *keep_function(lua_State *L, const char *option) {
    class_function *f = mr_env_arena(bind_of(L)->env, sizeof *f);
    if (!f) bind_raise(L);
    *f = (class_function){bind_ref_forever(L, -1), option, NULL, NULL};
    return f;
}

/* ---------------------------------------------------------------- the options */

static const mr_property *property_of(const mr_mapper *mapper, const mr_column *column) {
    return column ? mr_mapper_property_of_column(mapper, column) : NULL;
}

/* A column, its attribute's name, an expression, or a function of the class's columns. */
static void read_polymorphic_on(lua_State *L, mr_mapper *mapper, int args) {
    int type = bind_option(L, args, "polymorphic_on");
    mr_property *prop = NULL;
    if (type == LUA_TSTRING) {
        mapper->polymorphic_name = bind_intern(L, -1);
    } else if (type == LUA_TFUNCTION) {
        mapper->polymorphic_ud = keep_function(L, "polymorphic_on");
        mapper->make_polymorphic_on = make_expression;
    } else if (type != LUA_TNIL) {
        const mr_node *node = bind_test_node(L, -1);
        const mr_column *column = node && node->kind == MR_NODE_COLUMN ? node->u.column : bind_test_column(L, -1);
        prop = (mr_property *)(uintptr_t)property_of(mapper, column);
        if (!prop && node) mapper->polymorphic_on = mr_node_retain((mr_node *)(uintptr_t)node);
        else if (!prop)
            bind_type_error(L, -1, "polymorphic_on",
                            "a column of the class, its attribute's name, or a function(c) that gives an expression");
    }
    mapper->discriminator = prop;
    lua_pop(L, 1);
}

static void read_identity(lua_State *L, mr_mapper *mapper, int args) {
    int type = bind_option(L, args, "polymorphic_identity");
    mr_value value;
    if (type != LUA_TNIL) {
        if (!bind_to_value(L, -1, NULL, &value) || value.kind >= MR_OPAQUE || value.kind == MR_NULL)
            bind_type_error(L, -1, "polymorphic_identity",
                            "a value that the column of polymorphic_on has in rows of the class");
        bind_state *b = bind_of(L);
        BIND_TRY(b, L, mr_value_copy(b->env, &mapper->polymorphic_identity, &value));
    }
    lua_pop(L, 1);
}

static void read_condition(lua_State *L, mr_mapper *mapper, int args) {
    int type = bind_option(L, args, "inherit_condition");
    if (type == LUA_TFUNCTION) {
        mapper->inherit_ud = keep_function(L, "inherit_condition");
        mapper->inherit_condition = make_expression;
    } else if (type != LUA_TNIL) {
        bind_type_error(L, -1, "inherit_condition",
                        "function(c) return c.id:eq(Base.id) end, of the columns of the table");
    }
    lua_pop(L, 1);
}

static bool read_flag(lua_State *L, int args, const char *option) {
    int type = bind_option(L, args, option);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN) bind_type_error(L, -1, option, "true or false");
    bool flag = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return flag;
}

static void read_load(lua_State *L, mr_mapper *mapper, int args) {
    int type = bind_option(L, args, "polymorphic_load");
    const char *word = type == LUA_TSTRING ? lua_tostring(L, -1) : "";
    if (strcmp(word, "inline") == 0) mapper->polymorphic_load = MR_POLYMORPHIC_INLINE;
    else if (strcmp(word, mr_strategy_selectin.word) == 0) mapper->polymorphic_load = MR_POLYMORPHIC_SELECTIN;
    else if (type != LUA_TNIL) bind_type_error(L, -1, "polymorphic_load", "\"inline\" or \"selectin\"");
    lua_pop(L, 1);
}

static void read_with_polymorphic(lua_State *L, mr_mapper *mapper, int args) {
    int type = bind_option(L, args, "with_polymorphic");
    if (type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "*") == 0) mapper->with_polymorphic_all = true;
    else if (type != LUA_TNIL)
        bind_type_error(L, -1, "with_polymorphic",
                        "\"*\" (a subclass is loaded with its base by its own polymorphic_load = \"inline\")");
    lua_pop(L, 1);
}

static void read_fallback(lua_State *L, mr_mapper *mapper, int args) {
    mapper->polymorphic_fallback = read_flag(L, args, "polymorphic_fallback");
}

const bind_option_reader bind_inheritance_options[] = {
    read_polymorphic_on, read_identity, read_condition, read_load, read_with_polymorphic, read_fallback, NULL};

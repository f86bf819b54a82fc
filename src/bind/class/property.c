/*
 * property.c: mr.synonym and mr.column_property: attributes of a class body that are made of others, and that the core
 * knows.
 *
 * Invariant: what a function says of a class is asked for when it is needed first, or when the mappings are configured:
 * by then the class has its table.
 */
#include "value/property.h"

#include "class.h"
#include "expression/expression.h"
#include "value/query.h"
#include "value/schema.h"

static const char order_key = 0; /* registry: creation counter */

static bind_property_spec *push_spec(lua_State *L, mr_property_kind kind) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &order_key);
    lua_Integer order = lua_tointeger(L, -1) + 1;
    lua_pushinteger(L, order);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &order_key);
    lua_pop(L, 1);
    bind_property_spec *spec = lua_newuserdatauv(L, sizeof *spec, 1);
    *spec = (bind_property_spec){.kind = kind, .order = (uint64_t)order};
    bind_set_type(L, BIND_PROPERTY_SPEC);
    return spec;
}

/* synonym "name" */
static int core_synonym(lua_State *L) {
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, "synonym", (const char *const[]){NULL});
    if (n != 1) return bind_type_error(L, n + (n < 1), "synonym", "one attribute's name");
    const char *name = bind_intern_string(L, bind_arg_name(L, 1, "synonym", "one attribute's name"));
    push_spec(L, MR_PROPERTY_SYNONYM)->synonym_of = name;
    return 1;
}

/* column_property(expression or function, { deferred =, group = }); of a Column: the Column */
static int core_column_property(lua_State *L) {
    static const char *const names[] = {"deferred", "group", NULL};
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, "column_property", names);
    const char *group = bind_option_string(L, options, "column_property", "group", NULL);
    bool deferred = bind_option_bool(L, options, "column_property", "deferred", group != NULL);
    mr_column *named = n == 1 ? bind_column_named_by(L, 1) : NULL;
    if (named) { /* a Column, or table.c.name */
        bind_column *column = lua_newuserdatauv(L, sizeof *column, 0);
        *column = (bind_column){.column = named, .deferred = deferred, .deferred_group = bind_intern_string(L, group)};
        bind_set_type(L, BIND_COLUMN);
        return 1;
    }
    if (n != 1 || !(lua_isfunction(L, 1) || bind_test_node(L, 1) || bind_is_query(L, 1)))
        return bind_type_error(L, n + (n < 1), "column_property",
                               "an SQL expression, or function(cls) ... end that makes one of the class");
    bind_property_spec *spec = push_spec(L, MR_PROPERTY_EXPRESSION);
    spec->deferred = deferred;
    spec->deferred_group = bind_intern_string(L, group);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    return 1;
}

/* ---------------------------------------------------------------- the expression */

typedef struct expressing {
    const bind_ref *source;
    const mr_property *prop;
    mr_node **out;
} expressing;

static int express_body(lua_State *L) {
    const expressing *x = lua_touserdata(L, 1);
    luaL_checkstack(L, 20, "a column property");
    bind_ref_push(L, x->source);
    if (lua_isfunction(L, -1)) {
        bind_push_class(L, x->prop->mapper);
        lua_call(L, 1, 1);
    }
    const char *what = lua_pushfstring(L, "%s.%s", x->prop->mapper->name, x->prop->name);
    if (!bind_test_node(L, -2) && !bind_is_query(L, -2))
        bind_type_error(L, -2, what, "an SQL expression as its column_property");
    *x->out = bind_to_operand(L, -2, NULL, what);
    return 0;
}

static mr_status express(mr_env *env, void *ud, const mr_property *prop, mr_node **out) {
    expressing x = {ud, prop, out};
    return bind_callback_mistake(env, express_body, &x);
}

void bind_push_property(lua_State *L, bind_state *b, const mr_property *prop, mr_node *alias) {
    mr_node *node = NULL;
    BIND_CALL(b, L, node = mr_property_node(prop, alias));
    bind_push_node(L, node);
}

/* ---------------------------------------------------------------- in a class */

void bind_declare_property(lua_State *L, mr_mapper *mapper, const char *attribute, int idx) {
    const bind_property_spec *spec = bind_test(L, idx, BIND_PROPERTY_SPEC);
    lua_getiuservalue(L, idx, 1);
    bind_ref *source = spec->kind == MR_PROPERTY_EXPRESSION ? bind_ref_forever(L, -1) : NULL;
    lua_pop(L, 1);
    mr_property *prop = mr_mapper_add_property(mapper, attribute, spec->kind);
    if (!prop) bind_raise(L);
    prop->synonym_of = spec->synonym_of;
    prop->deferred = spec->deferred;
    prop->deferred_group = spec->deferred_group;
    prop->express = express;
    prop->express_ud = source;
}

/* core.snake_case(name): the table's name of a class of that name. */
static int core_snake_case(lua_State *L) {
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    mr_strbuf buf;
    mr_strbuf_init(&buf, bind_of(L)->env);
    mr_snake_case(&buf, name, len);
    const char *s = mr_strbuf_str(&buf), *made = s ? mr_intern(bind_of(L)->env, s, buf.len) : NULL;
    mr_strbuf_done(&buf);
    if (!made) return bind_raise(L);
    lua_pushstring(L, made);
    return 1;
}

/* core.target_of(class, name): the class that the relationship leads to, and the kind of its collection: "list", "set",
 * "keyed"; nil: it is one object. Nothing where it is no relationship, or where another mistake hides what it leads to.
 */
static int core_target_of(lua_State *L) {
    mr_mapper *mapper = bind_arg_class(L, 1, "target_of");
    const char *name = luaL_checkstring(L, 2);
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_registry_configure(mapper->registry));
    const mr_property *prop = mr_mapper_property(mapper, name, true);
    if (!prop || prop->kind != MR_PROPERTY_RELATIONSHIP) return 0;
    static const char *const kinds[] = {
        [MR_COLLECTION_LIST] = "list", [MR_COLLECTION_SET] = "set", [MR_COLLECTION_DICT] = "keyed"};
    mr_mapper *target = mr_relationship_leads_to(prop->relationship);
    if (!target) return 0;
    bind_push_class(L, target);
    lua_pushstring(L, prop->relationship->uselist == 1 ? kinds[prop->relationship->collection] : NULL);
    return 2;
}

/* What messages say of one that stands where a value is expected. */
static int spec_tostring(lua_State *L) {
    lua_pushliteral(L, "a declaration for the body of a class (a query takes Class.attribute, or "
                       "mr.count_of(Class.attribute))");
    return 1;
}

void bind_open_property(lua_State *L) {
    luaL_newmetatable(L, BIND_PROPERTY_SPEC);
    lua_pushcfunction(L, spec_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "moonrow declaration of an attribute");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_pushcfunction(L, core_synonym);
    lua_setfield(L, -2, "synonym");
    lua_pushcfunction(L, core_column_property);
    lua_setfield(L, -2, "column_property");
    lua_pushcfunction(L, core_target_of);
    lua_setfield(L, -2, "target_of");
    lua_pushcfunction(L, core_snake_case);
    lua_setfield(L, -2, "snake_case");
}

/*
 * relationship.c: mr.relationship and mr.backref: what the user wrote, kept until the mappings are configured, then
 * resolved: names and functions into classes, columns and expressions.
 *
 * Invariant: options are checked when they are written, and targets when they are needed, so the order in which classes
 * are declared does not matter.
 */
#include <string.h>

#include "class.h"
#include "value/node.h"
#include "value/relationship.h"
#include "value/schema.h"

#define BIND_BACKREF "moonrow.Backref"

static const char order_key = 0; /* registry: creation counter of relationships */

static const char *const relationship_options[] = {"backref",
                                                   "back_populates",
                                                   "lazy",
                                                   "uselist",
                                                   "secondary",
                                                   "primaryjoin",
                                                   "secondaryjoin",
                                                   "foreign_keys",
                                                   "remote_side",
                                                   "order_by",
                                                   "cascade",
                                                   "single_parent",
                                                   "passive_deletes",
                                                   "passive_updates",
                                                   "post_update",
                                                   "viewonly",
                                                   "innerjoin",
                                                   "join_depth",
                                                   "collection_class",
                                                   NULL};

/* ---------------------------------------------------------------- what the user wrote */

static uint64_t next_order(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &order_key);
    lua_Integer n = lua_tointeger(L, -1) + 1;
    lua_pop(L, 1);
    lua_pushinteger(L, n);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &order_key);
    return (uint64_t)n;
}

/* Makes a userdata of the type with a table {target or name, options...} as its user value. */
static int make_spec(lua_State *L, const char *function, const char *type, const char *wanted) {
    int options;
    int n = bind_arguments(L, 1, &options);
    if (n != 1) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, then options by name", function, wanted);
    bind_check_options(L, options, function, relationship_options);
    bind_relationship_spec *spec = lua_newuserdatauv(L, sizeof *spec, 1);
    spec->order = next_order(L);
    bind_set_type(L, type);
    lua_newtable(L);
    if (options) {
        lua_pushnil(L);
        while (lua_next(L, options)) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, -4);
        }
    }
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_setiuservalue(L, -2, 1);
    return 1;
}

/* relationship{ target, options }, relationship(target, { options }) */
static int core_relationship(lua_State *L) {
    return make_spec(L, "relationship", BIND_RELATIONSHIP_SPEC,
                     "a target (a class, its name, or a function that returns it)");
}

/* backref{ name, options }: options of the reverse side */
static int core_backref(lua_State *L) {
    make_spec(L, "backref", BIND_BACKREF, "the name of the reverse attribute");
    lua_getiuservalue(L, -1, 1);
    if (lua_rawgeti(L, -1, 1) != LUA_TSTRING)
        return bind_type_error(L, -1, "backref", "the name of the reverse attribute");
    lua_rawseti(L, -2, 0); /* place 1 is for a target, which a backref has not */
    lua_pushnil(L);
    lua_rawseti(L, -2, 1);
    lua_pop(L, 1);
    return 1;
}

/* ---------------------------------------------------------------- options that need no other class */

typedef struct word {
    const char *name;
    int value;
} word;

static const word cascade_words[] = {{"save-update", MR_CASCADE_SAVE_UPDATE},
                                     {"merge", MR_CASCADE_MERGE},
                                     {"expunge", MR_CASCADE_EXPUNGE},
                                     {"delete", MR_CASCADE_DELETE},
                                     {"delete-orphan", MR_CASCADE_DELETE_ORPHAN},
                                     {"refresh-expire", MR_CASCADE_REFRESH_EXPIRE},
                                     {"all", MR_CASCADE_SAVE_UPDATE | MR_CASCADE_MERGE | MR_CASCADE_EXPUNGE |
                                                 MR_CASCADE_DELETE | MR_CASCADE_REFRESH_EXPIRE},
                                     {"none", 0},
                                     {NULL, 0}};

static const char *word_at(void *ud, size_t i) { return ((const word *)ud)[i].name; }

static int find_word(lua_State *L, const word *words, const char *s, size_t len, const char *what) {
    for (const word *w = words; w->name; w++)
        if (strlen(w->name) == len && memcmp(w->name, s, len) == 0) return w->value;
    lua_pushlstring(L, s, len);
    const char *near = mr_nearest(lua_tostring(L, -1), word_at, (void *)(uintptr_t)words);
    return bind_error(L, MR_ERR_ARGUMENT, "%s: unknown value '%s'%s%s%s", what, lua_tostring(L, -1),
                      near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static const char *strategy_word(void *ud, size_t i) {
    (void)ud;
    return i < MR_LAZY__COUNT ? mr_strategy_of((mr_lazy)i)->word : NULL;
}

/* The strategy whose word is on top of the stack; what is "Post.category". */
static mr_lazy find_strategy(lua_State *L, const char *what) {
    const char *s = lua_tostring(L, -1);
    for (int i = 0; i < MR_LAZY__COUNT; i++)
        if (strlen(s) == lua_rawlen(L, -1) && strcmp(s, strategy_word(NULL, (size_t)i)) == 0) return (mr_lazy)i;
    const char *near = mr_nearest(s, strategy_word, NULL);
    bind_error(L, MR_ERR_ARGUMENT, "%s: lazy: unknown value '%s'%s%s%s", what, s, near ? " (did you mean '" : "",
               near ? near : "", near ? "'?)" : "");
    return MR_LAZY_SELECT;
}

/* The options table is at opts; what is "Post.category". */
static mr_lazy read_lazy(lua_State *L, int opts, const char *what) {
    int type = bind_option(L, opts, "lazy");
    mr_lazy lazy = MR_LAZY_SELECT;
    if (type == LUA_TBOOLEAN) lazy = lua_toboolean(L, -1) ? MR_LAZY_SELECT : MR_LAZY_JOINED;
    else if (type == LUA_TSTRING) lazy = find_strategy(L, what);
    else if (bind_is_null(L, -1)) lazy = MR_LAZY_NOLOAD;
    else if (type != LUA_TNIL) {
        lua_pushfstring(L, "%s: lazy", what);
        bind_type_error(L, -2, lua_tostring(L, -1), "a loading strategy");
    }
    lua_pop(L, 1);
    return lazy;
}

static unsigned read_cascade(lua_State *L, int opts, const char *what, bool *given) {
    unsigned bits = MR_CASCADE_SAVE_UPDATE | MR_CASCADE_MERGE;
    const char *s = bind_option_string(L, opts, what, "cascade", NULL);
    *given = s != NULL;
    if (!s) return bits;
    bits = 0;
    while (*s) {
        s += strspn(s, " ,");
        size_t len = strcspn(s, ",");
        while (len && s[len - 1] == ' ') len--;
        if (!len) break;
        lua_pushfstring(L, "%s: cascade", what);
        bits |= (unsigned)find_word(L, cascade_words, s, len, lua_tostring(L, -1));
        lua_pop(L, 1);
        s += strcspn(s, ",");
    }
    return bits;
}

static int8_t read_passive_deletes(lua_State *L, int opts, const char *what) {
    int8_t result = 0;
    if (bind_option(L, opts, "passive_deletes") == LUA_TSTRING) {
        if (strcmp(lua_tostring(L, -1), "all") != 0)
            bind_error(L, MR_ERR_ARGUMENT, "%s: passive_deletes is true, false or 'all', not '%s'", what,
                       lua_tostring(L, -1));
        result = 2;
    } else if (lua_toboolean(L, -1)) result = 1;
    lua_pop(L, 1);
    return result;
}

static int8_t read_uselist(lua_State *L, int opts, const char *what) {
    int8_t result = -1;
    int type = bind_option(L, opts, "uselist");
    if (type == LUA_TBOOLEAN) result = lua_toboolean(L, -1) ? 1 : 0;
    else if (type != LUA_TNIL) bind_type_error(L, -1, what, "uselist to be a boolean");
    lua_pop(L, 1);
    return result;
}

static void read_plain_options(lua_State *L, int opts, const char *what, mr_relationship *rel) {
    rel->lazy = read_lazy(L, opts, what);
    rel->cascade = read_cascade(L, opts, what, &rel->cascade_given);
    rel->uselist = read_uselist(L, opts, what);
    rel->single_parent = bind_option_bool(L, opts, what, "single_parent", false);
    rel->post_update = bind_option_bool(L, opts, what, "post_update", false);
    rel->viewonly = bind_option_bool(L, opts, what, "viewonly", false);
    rel->innerjoin = bind_option_bool(L, opts, what, "innerjoin", false);
    rel->passive_updates = bind_option_bool(L, opts, what, "passive_updates", true);
    rel->passive_deletes = read_passive_deletes(L, opts, what);
    rel->join_depth = (int)bind_option_int(L, opts, what, "join_depth", 0);
    const char *collection = bind_option_string(L, opts, what, "collection_class", "list");
    if (strcmp(collection, "list") != 0)
        bind_error(L, MR_ERR_ARGUMENT, "%s: collection_class is \"list\"; '%s' is not known", what, collection);
}

/* ---------------------------------------------------------------- options that name other classes */

typedef struct resolution {
    mr_relationship *rel;
    const bind_ref *options;
} resolution;

static const char *full_name(lua_State *L, const mr_relationship *rel) {
    return lua_pushfstring(L, "%s.%s", rel->prop->mapper->name, rel->prop->name);
}

static const char *mapper_name_at(void *ud, size_t i) {
    const mr_registry *r = ud;
    return i < r->mappers.len ? ((mr_mapper *)mr_vec_ptr(&r->mappers, i))->name : NULL;
}

static mr_mapper *find_class(lua_State *L, const mr_relationship *rel, const char *name) {
    mr_registry *registry = rel->prop->mapper->registry;
    mr_mapper *mapper = mr_registry_find(registry, name);
    if (mapper) return mapper;
    const char *near = mr_nearest(name, mapper_name_at, registry);
    bind_error(L, MR_ERR_MAPPING, "%s: there is no class named '%s'%s%s%s", full_name(L, rel), name,
               near ? " (did you mean '" : "", near ? near : "",
               near ? "'?)" : ": declare it before the mappings are first used");
    return NULL;
}

/* Replaces a function at the top by what it returns. */
static void call_if_function(lua_State *L) {
    if (lua_isfunction(L, -1)) lua_call(L, 0, 1);
}

/* The column that the value at the top names: a Column, an attribute, "Class.attr". */
static mr_column *to_column(lua_State *L, const mr_relationship *rel, const char *option) {
    mr_column *column = bind_test_column(L, -1);
    if (column) return column;
    const mr_node *node = bind_test_node(L, -1);
    if (node && node->kind == MR_NODE_COLUMN) return (mr_column *)(uintptr_t)node->u.column;
    const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    const char *dot = s ? strchr(s, '.') : NULL;
    if (dot) {
        lua_pushlstring(L, s, (size_t)(dot - s));
        mr_property *prop = mr_mapper_property(find_class(L, rel, lua_tostring(L, -1)), dot + 1, true);
        lua_pop(L, 1);
        if (prop && prop->column) return prop->column;
        bind_error(L, MR_ERR_MAPPING, "%s: %s: '%s' is not a mapped column", full_name(L, rel), option, s);
    }
    lua_pushfstring(L, "%s: %s", full_name(L, rel), option);
    bind_type_error(L, -3, lua_tostring(L, -1), "a column, an attribute, or \"Class.attr\"");
    return NULL;
}

static void resolve_columns(lua_State *L, int opts, const char *option, const mr_relationship *rel, mr_vec *out) {
    if (bind_option(L, opts, option) != LUA_TNIL) {
        call_if_function(L);
        bool is_list = bind_is_plain_table(L, -1);
        lua_Integer n = is_list ? (lua_Integer)lua_rawlen(L, -1) : 1;
        for (lua_Integer i = 1; i <= n; i++) {
            if (is_list) lua_rawgeti(L, -1, i);
            else lua_pushvalue(L, -1);
            if (mr_vec_push_ptr(out, to_column(L, rel, option)) != MR_OK) bind_raise(L);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

static mr_node *resolve_expression(lua_State *L, int opts, const char *option, const mr_relationship *rel) {
    mr_node *node = NULL;
    if (bind_option(L, opts, option) != LUA_TNIL) {
        call_if_function(L);
        node = bind_test_node(L, -1);
        if (!node) {
            lua_pushfstring(L, "%s: %s", full_name(L, rel), option);
            bind_type_error(L, -3, lua_tostring(L, -1), "an expression, or a function that returns one");
        }
    }
    lua_pop(L, 1);
    return mr_node_retain(node);
}

static mr_node *order_item(lua_State *L, const mr_relationship *rel) {
    mr_node *node = bind_test_node(L, -1);
    if (node) return mr_node_retain(node);
    return mr_sql_column(bind_of(L)->env, to_column(L, rel, "order_by"), NULL, NULL);
}

static mr_node *resolve_order(lua_State *L, int opts, const mr_relationship *rel) {
    mr_node *list = NULL;
    if (bind_option(L, opts, "order_by") != LUA_TNIL) {
        call_if_function(L);
        bool is_list = bind_is_plain_table(L, -1);
        lua_Integer n = is_list ? (lua_Integer)lua_rawlen(L, -1) : 1;
        for (lua_Integer i = 1; i <= n; i++) {
            if (is_list) lua_rawgeti(L, -1, i);
            else lua_pushvalue(L, -1);
            mr_node *longer = mr_sql_list_append(bind_of(L)->env, list, order_item(L, rel));
            if (!longer) bind_raise(L);
            list = longer;
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    return list;
}

static mr_table *resolve_secondary(lua_State *L, int opts, const mr_relationship *rel) {
    mr_table *table = NULL;
    if (bind_option(L, opts, "secondary") != LUA_TNIL) {
        call_if_function(L);
        if (lua_type(L, -1) == LUA_TSTRING) {
            const char *name = lua_tostring(L, -1);
            table = mr_metadata_table(rel->prop->mapper->registry->metadata, name);
            if (!table)
                bind_error(L, MR_ERR_MAPPING, "%s: secondary: there is no table named '%s'", full_name(L, rel), name);
        } else {
            mr_table **p = bind_test(L, -1, BIND_TABLE);
            if (!p)
                bind_type_error(L, -2, full_name(L, rel),
                                "secondary to be a Table or its name"); /* the name is pushed */
            table = *p;
        }
    }
    lua_pop(L, 1);
    return table;
}

/* A name is left to the core. */
static mr_mapper *resolve_target(lua_State *L, int opts, const mr_relationship *rel) {
    mr_mapper *mapper = NULL;
    lua_rawgeti(L, opts, 1);
    call_if_function(L);
    if (lua_type(L, -1) == LUA_TSTRING) {
        if (!rel->target_name) mapper = find_class(L, rel, lua_tostring(L, -1));
    } else if (!lua_isnil(L, -1) && !(mapper = bind_test_class(L, -1))) {
        bind_type_error(L, -2, full_name(L, rel), "a mapped class as target"); /* the name is pushed */
    }
    lua_pop(L, 1);
    return mapper;
}

static int resolve_body(lua_State *L) {
    const resolution *r = lua_touserdata(L, 1);
    mr_relationship *rel = r->rel;
    luaL_checkstack(L, 20, "resolving a relationship");
    bind_ref_push(L, r->options);
    int opts = lua_gettop(L);
    if (!rel->target) rel->target = resolve_target(L, opts, rel); /* a backref has its target already */
    rel->secondary = resolve_secondary(L, opts, rel);
    rel->primaryjoin = resolve_expression(L, opts, "primaryjoin", rel);
    rel->secondaryjoin = resolve_expression(L, opts, "secondaryjoin", rel);
    resolve_columns(L, opts, "foreign_keys", rel, &rel->foreign_keys);
    resolve_columns(L, opts, "remote_side", rel, &rel->remote_side);
    rel->order_by = resolve_order(L, opts, rel);
    return 0;
}

static mr_status resolve(mr_env *env, void *ud, mr_relationship *rel) {
    resolution r = {rel, ud};
    return bind_callback_mistake(env, resolve_body, &r);
}

/* ---------------------------------------------------------------- declaring */

/* The template of the reverse side from mr.backref{...} whose options table is at opts. */
static mr_relationship *backref_template(lua_State *L, int opts, const char *what) {
    bind_state *b = bind_of(L);
    mr_relationship *back = mr_env_arena(b->env, sizeof *back);
    if (!back) bind_raise(L);
    mr_relationship_init(b->env, back);
    read_plain_options(L, opts, what, back);
    back->resolve = resolve;
    back->resolve_ud = bind_ref_forever(L, opts);
    return back;
}

static void read_backref(lua_State *L, int opts, const char *what, mr_relationship *rel) {
    bind_state *b = bind_of(L);
    if (bind_option(L, opts, "backref") == LUA_TSTRING) {
        rel->backref = mr_intern(b->env, lua_tostring(L, -1), strlen(lua_tostring(L, -1)));
        if (!rel->backref) bind_raise(L);
    } else if (bind_test(L, -1, BIND_BACKREF)) {
        lua_getiuservalue(L, -1, 1);
        lua_rawgeti(L, -1, 0);
        rel->backref = mr_intern(b->env, lua_tostring(L, -1), strlen(lua_tostring(L, -1)));
        if (!rel->backref) bind_raise(L);
        lua_pop(L, 1);
        rel->backref_options = backref_template(L, lua_gettop(L), what);
        lua_pop(L, 1);
    } else if (!lua_isnil(L, -1)) {
        bind_type_error(L, -1, what, "backref to be a name or backref{ name, ... }");
    }
    lua_pop(L, 1);
}

void bind_declare_relationship(lua_State *L, mr_mapper *mapper, const char *attribute, int spec) {
    bind_state *b = bind_of(L);
    mr_relationship rel;
    mr_relationship_init(b->env, &rel);
    const char *what = lua_pushfstring(L, "%s.%s", mapper->name, attribute);
    lua_getiuservalue(L, spec, 1);
    int opts = lua_gettop(L);
    read_plain_options(L, opts, what, &rel);
    read_backref(L, opts, what, &rel);
    const char *back = bind_option_string(L, opts, what, "back_populates", NULL);
    if (back && !(rel.back_populates = mr_intern(b->env, back, strlen(back)))) bind_raise(L);
    if (lua_rawgeti(L, opts, 1) == LUA_TSTRING &&
        !(rel.target_name = mr_intern(b->env, lua_tostring(L, -1), lua_rawlen(L, -1))))
        bind_raise(L);
    rel.resolve = resolve;
    rel.resolve_ud = bind_ref_forever(L, opts);
    if (!mr_mapper_add_relationship(mapper, attribute, &rel)) bind_raise(L);
    lua_settop(L, opts - 2);
}

/* version_id_generator: a function of the version that the row has (nil: a new row). */
typedef struct version_function {
    bind_ref *function;
    const mr_mapper *mapper;
    mr_value *version; /* of the running call: in the version before, out the next */
} version_function;

/* The result is anchored in the registry, so its bytes stay good until the next call. */
static int version_body(lua_State *L) {
    version_function *f = lua_touserdata(L, 1);
    const mr_property *prop = f->mapper->version;
    bind_ref_push(L, f->function);
    if (f->version->kind == MR_UNLOADED) lua_pushnil(L);
    else bind_push_value(L, f->version);
    lua_call(L, 1, 1);
    const char *what = lua_pushfstring(L, "version_id_generator of %s.%s", f->mapper->name, prop->name);
    bind_check_value(L, -2, mr_column_type(bind_of(L)->env, prop->column), what, f->version);
    if (f->version->kind == MR_NULL)
        bind_error(L, MR_ERR_INVALID_REQUEST, "%s gave nil: a version cannot be NULL: nothing would find the row again",
                   what);
    lua_pop(L, 1);
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

void bind_declare_mapper_args(lua_State *L, mr_mapper *mapper, int args) {
    static const char *const known[] = {"version_id_col",        "version_id_generator", "eager_defaults",
                                        "confirm_inserted_rows", "confirm_deleted_rows", NULL};
    if (!args) return;
    lua_pushfstring(L, "%s.__mapper_args", mapper->name);
    bind_check_options(L, args, lua_tostring(L, -1), known);
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
    read_eager_defaults(L, mapper, args);
    mapper->confirm_inserted_rows = read_confirm(L, args, "confirm_inserted_rows");
    mapper->confirm_deleted_rows = read_confirm(L, args, "confirm_deleted_rows");
    lua_pop(L, 1);
}

void bind_open_relationship(lua_State *L) {
    static const char *const types[] = {BIND_RELATIONSHIP_SPEC, BIND_BACKREF};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        luaL_newmetatable(L, types[i]);
        lua_pushliteral(L, "moonrow declaration of a relationship");
        lua_setfield(L, -2, "__metatable");
        lua_pop(L, 1);
    }
    lua_pushcfunction(L, core_relationship);
    lua_setfield(L, -2, "relationship");
    lua_pushcfunction(L, core_backref);
    lua_setfield(L, -2, "backref");
}

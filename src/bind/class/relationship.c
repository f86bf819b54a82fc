/*
 * relationship.c: mr.relationship and mr.backref: what the user wrote, kept until the class is declared, and then
 * given to its mapper.
 *
 * Invariant: an option that needs no other class is checked when its class is declared. The others are kept, and
 * resolved when the mappings are configured (resolve.c).
 */
#include <string.h>

#include "class.h"
#include "value/batching.h"
#include "value/relationship.h"

#define BIND_BACKREF "moonrow.Backref"

/* Where the options of a backref keep its name: place 1 is for a target, which a backref has not. */
enum { BACKREF_NAME = 0 };

enum { ONLY_OF_RELATIONSHIP = 2 }; /* how many options, the first ones, a backref does not take */

static const char order_key = 0; /* registry: creation counter of relationships */

static const char *const relationship_options[] = {
    "backref",      "back_populates", "lazy",      "uselist",    "secondary",     "primaryjoin",      "secondaryjoin",
    "foreign_keys", "remote_side",    "order_by",  "cascade",    "single_parent", "passive_deletes",  "passive_updates",
    "post_update",  "viewonly",       "innerjoin", "join_depth", "batch",         "collection_class", NULL};

/* ---------------------------------------------------------------- what the user wrote */

static uint64_t next_order(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &order_key);
    lua_Integer n = lua_tointeger(L, -1) + 1;
    lua_pop(L, 1);
    lua_pushinteger(L, n);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &order_key);
    return (uint64_t)n;
}

/* Makes a userdata of the type with a table {target or name, options...} as its user value. known: what the options may
 * be. */
static int make_spec(lua_State *L, const char *function, const char *type, const char *wanted,
                     const char *const *known) {
    int options;
    int n = bind_arguments(L, 1, &options);
    if (n > 0 && lua_isnil(L, 1))
        return bind_error(
            L, MR_ERR_ARGUMENT, "%s: expected %s, got nil (is the variable set?%s)", function, wanted,
            strcmp(type, BIND_BACKREF) == 0 ? "" : " A class that is declared later is given by its name, \"User\"");
    if (n > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, then options by name, got %s besides%s", function,
                          wanted, bind_describe(L, 2), lua_isnil(L, 2) ? " (is the variable set?)" : "");
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, then options by name", function, wanted);
    bind_check_options(L, options, function, known);
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
                     "a target (a class, its name, or a function that returns it)", relationship_options);
}

/* backref{ name, options }: options of the reverse side */
static int core_backref(lua_State *L) {
    make_spec(L, "backref", BIND_BACKREF, "the name of the reverse attribute",
              relationship_options + ONLY_OF_RELATIONSHIP);
    lua_getiuservalue(L, -1, 1);
    if (lua_rawgeti(L, -1, 1) != LUA_TSTRING)
        return bind_type_error(L, -1, "backref", "the name of the reverse attribute");
    lua_rawseti(L, -2, BACKREF_NAME);
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
    const char *name = lua_tostring(L, -1), *near = mr_nearest(name, word_at, (void *)(uintptr_t)words);
    if (near) return bind_error(L, MR_ERR_ARGUMENT, "%s: unknown value '%s'%s", what, name, bind_hint(L, near));
    lua_pushliteral(L, "");
    for (const word *w = words; w->name; w++) {
        lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), w == words ? "" : ", ", w->name);
        lua_remove(L, -2);
    }
    return bind_error(L, MR_ERR_ARGUMENT, "%s: unknown value '%s' (known are %s)", what, name, lua_tostring(L, -1));
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
    if (near) bind_error(L, MR_ERR_ARGUMENT, "%s: lazy: unknown value '%s'%s", what, s, bind_hint(L, near));
    lua_pushliteral(L, "");
    for (size_t i = 0; strategy_word(NULL, i); i++) {
        lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), i ? ", " : "", strategy_word(NULL, i));
        lua_remove(L, -2);
    }
    bind_error(L, MR_ERR_ARGUMENT, "%s: lazy: unknown value '%s' (known are %s)", what, s, lua_tostring(L, -1));
    return MR_LAZY_SELECT;
}

/* The options table is at opts; what is "Post.category". */
static mr_lazy read_lazy(lua_State *L, int opts, const char *what) {
    int type = bind_option(L, opts, "lazy");
    mr_lazy lazy = MR_LAZY_SELECT;
    if (type == LUA_TBOOLEAN) lazy = lua_toboolean(L, -1) ? MR_LAZY_SELECT : MR_LAZY_JOINED;
    else if (type == LUA_TSTRING) lazy = find_strategy(L, what);
    else if (bind_is_null(L, -1)) lazy = MR_LAZY_NOLOAD;
    else if (type != LUA_TNIL) bind_type_error(L, -2, lua_pushfstring(L, "%s: lazy", what), "a loading strategy");
    lua_pop(L, 1);
    return lazy;
}

static unsigned read_cascade(lua_State *L, int opts, const char *what, bool *given) {
    unsigned bits = MR_CASCADE_SAVE_UPDATE | MR_CASCADE_MERGE;
    int type = bind_option(L, opts, "cascade");
    if (type != LUA_TNIL && type != LUA_TSTRING)
        bind_type_error(L, -1, lua_pushfstring(L, "%s: cascade", what) ? lua_tostring(L, -1) : what,
                        "words, such as \"all, delete-orphan\"");
    lua_pop(L, 1);
    const char *s = type == LUA_TNIL ? NULL : bind_option_string(L, opts, what, "cascade", NULL);
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
    int type = bind_option(L, opts, "passive_deletes");
    if (type == LUA_TSTRING) {
        if (strcmp(lua_tostring(L, -1), "all") != 0)
            bind_error(L, MR_ERR_ARGUMENT, "%s: passive_deletes is true, false or 'all', not '%s'", what,
                       lua_tostring(L, -1));
        result = 2;
    } else if (type == LUA_TBOOLEAN) result = lua_toboolean(L, -1) ? 1 : 0;
    else if (type != LUA_TNIL)
        bind_type_error(L, -2, lua_pushfstring(L, "%s: passive_deletes", what), "true, false or 'all'");
    lua_pop(L, 1);
    return result;
}

static int8_t read_uselist(lua_State *L, int opts, const char *what) {
    int8_t result = -1;
    int type = bind_option(L, opts, "uselist");
    if (type == LUA_TBOOLEAN) result = lua_toboolean(L, -1) ? 1 : 0;
    else if (type != LUA_TNIL) bind_type_error(L, -2, lua_pushfstring(L, "%s: uselist", what), "true or false");
    lua_pop(L, 1);
    return result;
}

static void read_plain_options(lua_State *L, int opts, const char *what, mr_relationship *rel) {
    rel->lazy = read_lazy(L, opts, what);
    rel->queried = mr_strategy_of(rel->lazy)->queried;
    if (bind_option(L, opts, "batch") != LUA_TNIL) {
        const char *batch = lua_pushfstring(L, "%s: batch", what);
        lua_insert(L, -2);
        rel->batch = bind_pop_batching(L, batch);
    }
    lua_pop(L, 1);
    rel->cascade = read_cascade(L, opts, what, &rel->cascade_given);
    rel->uselist = read_uselist(L, opts, what);
    rel->single_parent = bind_option_bool(L, opts, what, "single_parent", false);
    rel->post_update = bind_option_bool(L, opts, what, "post_update", false);
    rel->viewonly = bind_option_bool(L, opts, what, "viewonly", false);
    rel->innerjoin = bind_option_bool(L, opts, what, "innerjoin", false);
    rel->passive_updates = bind_option_bool(L, opts, what, "passive_updates", true);
    rel->passive_deletes = read_passive_deletes(L, opts, what);
    rel->join_depth = (int)bind_option_int(L, opts, what, "join_depth", 0);
    bind_read_collection_class(L, opts, what, rel);
}

/* ---------------------------------------------------------------- declaring */

/* The template of the reverse side from mr.backref{...} whose options table is at opts. */
static mr_relationship *backref_template(lua_State *L, int opts, const char *what) {
    bind_state *b = bind_of(L);
    mr_relationship *back = mr_env_arena(b->env, sizeof *back);
    if (!back) bind_raise(L);
    mr_relationship_init(b->env, back);
    read_plain_options(L, opts, what, back);
    bind_resolve_later(L, opts, back);
    return back;
}

static void read_backref(lua_State *L, int opts, const char *what, mr_relationship *rel) {
    if (bind_option(L, opts, "backref") == LUA_TSTRING) {
        rel->backref = bind_intern(L, -1);
    } else if (bind_test(L, -1, BIND_BACKREF)) {
        lua_getiuservalue(L, -1, 1);
        lua_rawgeti(L, -1, BACKREF_NAME);
        rel->backref = bind_intern(L, -1);
        lua_pop(L, 1);
        rel->backref_options = backref_template(L, lua_gettop(L), what);
        lua_pop(L, 1);
    } else if (!lua_isnil(L, -1)) {
        bind_type_error(L, -2, lua_pushfstring(L, "%s: backref", what), "a name, or backref{ name, ... }");
    }
    lua_pop(L, 1);
}

void bind_declare_relationship(lua_State *L, mr_mapper *mapper, const char *attribute, int spec) {
    mr_relationship rel;
    mr_relationship_init(bind_of(L)->env, &rel);
    const char *what = lua_pushfstring(L, "%s.%s", mapper->name, attribute);
    lua_getiuservalue(L, spec, 1);
    int opts = lua_gettop(L);
    read_plain_options(L, opts, what, &rel);
    read_backref(L, opts, what, &rel);
    rel.back_populates = bind_intern_string(L, bind_option_string(L, opts, what, "back_populates", NULL));
    if (lua_rawgeti(L, opts, 1) == LUA_TSTRING) rel.target_name = bind_intern(L, -1);
    bind_resolve_later(L, opts, &rel);
    if (!mr_mapper_add_relationship(mapper, attribute, &rel)) bind_raise(L);
    lua_settop(L, opts - 2);
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

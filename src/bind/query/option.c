/*
 * option.c: loader options as Lua values: joinedload(User.posts):selectinload(Post.tags), load_only, defer, ...
 *
 * Invariant: an option value is never changed. A method of an option makes a new one with the steps and parts of the
 * one before, and more.
 */
#include "option.h"

#include <string.h>

#include "expression/expression.h"
#include "expression/from.h"
#include "option_value.h"
#include "value/batching.h"
#include "value/class.h"
#include "value/from.h"
#include "value/node.h"
#include "value/query.h"
#include "value/relationship.h"
#include "value/session.h"

/* Raises where the path ends with "*", which leads nowhere. */
static void refuse_after_wildcard(lua_State *L, const bind_option_value *before, const char *name) {
    if (before && before->nparts > 0 && before->parts[before->nparts - 1].option.kind == MR_OPTION_WILDCARD_LAZY)
        bind_error(L, MR_ERR_ARGUMENT, "%s: \"*\" ends a path: write another option for what it shall load besides",
                   name);
}

/* ---------------------------------------------------------------- paths */

/* Sets the class, and the alias (borrowed; or NULL), where the path starts, unless they are known. */
static void set_start(bind_option_value *o, mr_mapper *mapper, mr_node *alias) {
    if (o->nsteps > 0 || o->mapper) return;
    o->mapper = mapper;
    o->start = mr_node_retain(alias);
}

/* Appends the steps of a dotted path. */
static void add_path(lua_State *L, bind_option_value *o, const char *path) {
    while (*path) {
        size_t len = strcspn(path, ".");
        const char *name = len ? mr_intern(bind_of(L)->env, path, len) : NULL;
        if (!name && len) bind_raise(L);
        if (!name) bind_error(L, MR_ERR_ARGUMENT, "a loader option's path has an empty name");
        bind_add_step(o, (mr_option_step){.name = name});
        path += len + (path[len] == '.');
    }
}

static unsigned count_steps(lua_State *L, int idx, const char *function) {
    if (bind_test_relationship(L, idx)) return 1;
    if (lua_type(L, idx) != LUA_TSTRING || lua_rawlen(L, idx) == 0)
        bind_type_error(L, idx, function, "a relationship such as User.posts, or its name");
    unsigned n = 1;
    for (const char *s = lua_tostring(L, idx); *s; s++) n += *s == '.';
    return n;
}

static void add_steps(lua_State *L, bind_option_value *o, int idx) {
    const bind_relationship *r = bind_test_relationship(L, idx);
    if (!r) {
        add_path(L, o, lua_tostring(L, idx));
        return;
    }
    set_start(o, r->prop->mapper, r->alias);
    bind_add_step(o, (mr_option_step){.prop = r->prop, .of_type = r->of_type, .with = r->with});
}

/* ---------------------------------------------------------------- strategies */

/* Options that are not named after a loader strategy. contains_eager reads objects from rows that the query has joined;
 * defaultload is only a path. */
static const char *const others[] = {"contains_eager", "defaultload"};
enum { NOTHERS = sizeof others / sizeof others[0], MOST_SETTINGS = 12 };

static const char *const no_options[] = {NULL};

/* The name of the option with the number: the strategies' first. NULL: there is none. */
static const char *option_name(int number) {
    return number < MR_LAZY__COUNT ? mr_strategy_of((mr_lazy)number)->option : others[number - MR_LAZY__COUNT];
}

static bool is_named(mr_lazy code, const char *name) {
    const char *option = mr_strategy_of(code)->option;
    return option && strcmp(option, name) == 0;
}

/* The names of the settings that the option takes: those of all strategies that it stands for. */
static void settings_of(const char *name, const char **out) {
    size_t n = 0;
    for (int i = 0; i < MR_LAZY__COUNT && n + 5 < MOST_SETTINGS; i++) {
        const mr_strategy *s = mr_strategy_of((mr_lazy)i);
        if (!is_named((mr_lazy)i, name)) continue;
        if (s->setting) out[n++] = s->setting;
        if (s->joins) out[n++] = "innerjoin";
        if (s->limits) {
            out[n++] = "limit";
            out[n++] = "order_by";
        }
        if (s->recurs) out[n++] = "recursion_depth";
        if (s->batches) {
            out[n++] = "after";
            out[n++] = "max";
        }
    }
    if (strcmp(name, "contains_eager") == 0) out[n++] = "alias";
    out[n] = NULL;
}

/* The strategy that the option stands for, with the settings in the table at options. */
static mr_lazy read_strategy(lua_State *L, const char *name, int options) {
    mr_lazy found = strcmp(name, "contains_eager") == 0 ? MR_LAZY_JOINED : MR_LAZY_SELECT;
    for (int i = MR_LAZY__COUNT - 1; i >= 0; i--)
        if (is_named((mr_lazy)i, name) && !mr_strategy_of((mr_lazy)i)->setting) found = (mr_lazy)i;
    for (int i = 0; i < MR_LAZY__COUNT; i++) {
        const char *setting = mr_strategy_of((mr_lazy)i)->setting;
        if (setting && is_named((mr_lazy)i, name) && bind_option_bool(L, options, name, setting, false))
            found = (mr_lazy)i;
    }
    return found;
}

static mr_node *read_alias(lua_State *L, int options, const char *function) {
    if (bind_option(L, options, "alias") == LUA_TNIL) return NULL;
    const bind_from *from = bind_test_from(L, -1);
    if (!from) bind_type_error(L, -1, function, "an alias");
    return from->node;
}

/* selectinload(path, { limit = 5, order_by = ..., recursion_depth = 3 }). Leaves the order on the stack. */
static void read_numbers(lua_State *L, int options, const char *name, mr_option *out) {
    enum { MOST = 1000000000 };
    int64_t limit = bind_option_int(L, options, name, "limit", 0);
    int64_t depth = bind_option_int(L, options, name, "recursion_depth", 1);
    bool limited = bind_option(L, options, "limit") != LUA_TNIL;
    lua_pop(L, 1);
    if (limited && (limit < 1 || limit > MOST))
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: limit is a number of objects for each parent, from 1 to %d, got %lld: without a limit all are "
                   "loaded",
                   name, MOST, (long long)limit);
    if (depth != -1 && (depth < 1 || depth > MOST))
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: recursion_depth is a number of levels, from 1 to %d, or -1 for all that there are, got %lld",
                   name, MOST, (long long)depth);
    out->limit = (uint32_t)limit;
    out->recursion = depth == -1 ? -1 : (int32_t)depth - 1;
    if (bind_option(L, options, "order_by") == LUA_TNIL) return;
    if (!limited) bind_error(L, MR_ERR_ARGUMENT, "%s: order_by is the order of a limit, and no limit is given", name);
    bind_push_list_of(L, -1, name);
    out->limit_by = bind_test_node(L, -1);
}

/* Upvalue 1: the option's number. Called as a function it begins a path; as a method it continues the path of the
 * option at index 1. */
static int load_option(lua_State *L) {
    const char *name = option_name((int)lua_tointeger(L, lua_upvalueindex(1))), *settings[MOST_SETTINGS];
    const bind_option_value *before = bind_test(L, 1, BIND_OPTION);
    int first = before ? 2 : 1, options;
    refuse_after_wildcard(L, before, name);
    int n = bind_arguments(L, first, &options);
    settings_of(name, settings);
    bind_check_options(L, options, name, settings);
    if (n == 0)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected a relationship such as User.posts, or its name", name);
    bool wildcard = n == 1 && lua_type(L, first) == LUA_TSTRING && strcmp(lua_tostring(L, first), "*") == 0;
    unsigned steps = 0;
    for (int i = 0; i < n && !wildcard; i++) steps += count_steps(L, first + i, name);
    bind_option_part part = {0};
    part.option.kind = strcmp(name, "contains_eager") == 0 ? MR_OPTION_CONTAINS_EAGER : MR_OPTION_LAZY;
    if (wildcard) part.option.kind = MR_OPTION_WILDCARD_LAZY;
    part.option.strategy = read_strategy(L, name, options);
    if (mr_strategy_of(part.option.strategy)->batches) part.option.batch = bind_read_batching(L, options, name);
    if (mr_strategy_of(part.option.strategy)->recurs) read_numbers(L, options, name, &part.option);
    if (wildcard && (part.option.limit || part.option.recursion))
        return bind_error(L, MR_ERR_ARGUMENT, "%s: limit and recursion_depth are of a relationship, not of \"*\"",
                          name);
    part.option.innerjoin = bind_option_bool(L, options, name, "innerjoin", false);
    part.option.alias = read_alias(L, options, name); /* stays on the stack */
    const bind_relationship *to = bind_test_relationship(L, first + n - 1);
    if (to && !part.option.alias && part.option.kind == MR_OPTION_CONTAINS_EAGER) part.option.alias = to->of_alias;
    bind_option_value *o = bind_extend_option(L, before, steps, 1);
    for (int i = 0; i < n && !wildcard; i++) add_steps(L, o, first + i);
    part.nsteps = o->nsteps;
    if (strcmp(name, "defaultload") == 0 && !wildcard) return 1;
    bind_add_part(o, &part);
    return 1;
}

/* ---------------------------------------------------------------- columns */

/* The attribute at idx, User.name or "name", as a step. Sets its class and alias if they are known. */
static mr_option_step column_step(lua_State *L, int idx, const char *function, mr_mapper **mapper, mr_node **alias) {
    mr_node *node = bind_test_node(L, idx);
    if (node && node->kind == MR_NODE_COLUMN && node->annotation) {
        const mr_property *prop = node->annotation;
        *mapper = prop->mapper;
        *alias = node->n > 0 ? node->child[0] : NULL;
        return (mr_option_step){.prop = prop};
    }
    if (node && node->kind == MR_NODE_LABEL && node->annotation) {
        const mr_property *prop = node->annotation; /* of a class, or through an alias */
        if (prop->expression != node) return (mr_option_step){.name = prop->name};
        *mapper = prop->mapper;
        return (mr_option_step){.prop = prop};
    }
    if (lua_type(L, idx) != LUA_TSTRING)
        bind_type_error(L, idx, function, "an attribute such as User.name, or its name");
    if (strcmp(lua_tostring(L, idx), "*") == 0)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: '*' stands for all columns in undefer '*', by itself: load_only(...) names those that are "
                   "loaded, and the others wait",
                   function);
    return (mr_option_step){.name = bind_intern(L, idx)};
}

static int column_option(lua_State *L, mr_option_kind kind, const char *function) {
    const bind_option_value *before = bind_test(L, 1, BIND_OPTION);
    int first = before ? 2 : 1, options;
    refuse_after_wildcard(L, before, function);
    int n = bind_arguments(L, first, &options);
    bind_check_options(L, options, function, no_options);
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected attributes", function);
    bind_option_value *o = bind_extend_option(L, before, 0, (unsigned)n);
    for (int i = 0; i < n; i++) {
        bind_option_part part = {0};
        mr_mapper *mapper = NULL;
        mr_node *alias = NULL;
        part.option.kind = kind;
        part.nsteps = o->nsteps;
        part.has_last = true;
        part.last = column_step(L, first + i, function, &mapper, &alias);
        if (mapper) set_start(o, mapper, alias);
        if (mapper && o->nsteps == 0 && alias != o->start)
            return bind_error(L, MR_ERR_ARGUMENT,
                              "%s: %s.%s is of another alias than the attributes before it: "
                              "write an option for each",
                              function, mapper->name, part.last.prop->name);
        bind_add_part(o, &part);
    }
    return 1;
}

static int f_load_only(lua_State *L) { return column_option(L, MR_OPTION_LOAD_ONLY, "load_only"); }
static int f_defer(lua_State *L) { return column_option(L, MR_OPTION_DEFER, "defer"); }

static int f_undefer_group(lua_State *L) {
    const bind_option_value *before = bind_test(L, 1, BIND_OPTION);
    int first = before ? 2 : 1;
    refuse_after_wildcard(L, before, "undefer_group");
    if (lua_type(L, first) != LUA_TSTRING || lua_gettop(L) > first)
        return bind_type_error(L, lua_gettop(L) > first ? first + 1 : first, "undefer_group", "one group's name");
    const char *group = bind_intern(L, first);
    bind_option_value *o = bind_extend_option(L, before, 0, 1);
    bind_option_part part = {0};
    part.option.kind = MR_OPTION_UNDEFER_GROUP;
    part.option.group = group;
    part.nsteps = o->nsteps;
    bind_add_part(o, &part);
    return 1;
}

/* undefer("*"): the columns of all groups, and those of none. */
static int f_undefer(lua_State *L) {
    int first = bind_test(L, 1, BIND_OPTION) ? 2 : 1;
    bool all = lua_gettop(L) == first && lua_type(L, first) == LUA_TSTRING && strcmp(lua_tostring(L, first), "*") == 0;
    return all ? f_undefer_group(L) : column_option(L, MR_OPTION_UNDEFER, "undefer");
}

/* ---------------------------------------------------------------- criteria of classes */

/* core.loader_criterion(option or nil, Class, criterion, include_aliases, propagate_to_loaders): the option, with a
 * criterion more. Without arguments: an option that says nothing. */
static int core_loader_criterion(lua_State *L) {
    const char *function = "with_loader_criteria";
    const bind_option_value *before = bind_test(L, 1, BIND_OPTION);
    if (lua_gettop(L) == 0) {
        bind_extend_option(L, NULL, 0, 0);
        return 1;
    }
    mr_mapper *mapper = bind_arg_class(L, 2, function);
    mr_node *node = bind_arg_criterion(L, 3, function);
    bind_option_value *o = bind_extend_option(L, before, 0, 1);
    bind_option_part part = {0};
    part.option.kind = MR_OPTION_CRITERIA;
    part.option.criterion =
        mr_loader_criterion_new(mapper, mr_node_retain(node), lua_toboolean(L, 4), lua_toboolean(L, 5));
    if (!part.option.criterion) return bind_raise(L);
    bind_add_part(o, &part);
    return 1;
}

/* core.session_criteria(session, option or nil): all queries of the session get the criteria. */
static int core_session_criteria(lua_State *L) {
    mr_session *s = bind_to_session(L, 1);
    const bind_option_value *o = bind_test(L, 2, BIND_OPTION);
    mr_query *none = o ? mr_query_new(bind_of(L)->env, NULL, 0, false) : NULL;
    if (o && !none) return bind_raise(L);
    if (o) {
        lua_settop(L, 2);
        bind_push_query(L, none, 0, BIND_SELECT);
        lua_insert(L, 1);
        bind_apply_option(L, 3);
    }
    mr_session_set_criteria(s, o ? bind_query_arg(L, "criteria") : NULL);
    return 0;
}

/* ---------------------------------------------------------------- use */

/* Replaces the value at idx, which may be one that says how to make an option, by that option. */
static const bind_option_value *option_at(lua_State *L, int idx) {
    if (lua_istable(L, idx) && luaL_getmetafield(L, idx, "__loader_option") != LUA_TNIL) {
        lua_pushvalue(L, idx);
        lua_call(L, 1, 1);
        lua_replace(L, idx);
    }
    return bind_test(L, idx, BIND_OPTION);
}

void bind_apply_option(lua_State *L, int idx) {
    const bind_option_value *o = option_at(L, idx);
    if (!o) bind_type_error(L, idx, "options", "a loader option such as joinedload(User.posts)");
    if (o->nparts == 0 && o->nsteps > 0) {
        mr_option alone = {.kind = MR_OPTION_PATH, .steps = o->steps, .nsteps = o->nsteps, .mapper = o->mapper};
        bind_derive_self(L, mr_query_options(bind_query_arg(L, "options"), &alone, 1));
    }
    if (o->nparts == 0) return;
    size_t nlast = 0;
    for (unsigned i = 0; i < o->nparts; i++)
        if (o->parts[i].has_last) nlast += o->parts[i].nsteps + (size_t)1;
    /* A column option has a copy of the steps, with its column as the last one. The others share the steps. */
    mr_option_step *last = lua_newuserdatauv(L, (nlast + 1) * sizeof *last, 0);
    mr_option *options = lua_newuserdatauv(L, o->nparts * sizeof *options, 0);
    for (unsigned i = 0; i < o->nparts; i++) {
        const bind_option_part *part = &o->parts[i];
        options[i] = part->option;
        options[i].steps = part->has_last ? last : o->steps;
        options[i].nsteps = part->nsteps + part->has_last;
        options[i].mapper = o->mapper;
        options[i].start = o->start;
        if (!part->has_last) continue;
        memcpy(last, o->steps, part->nsteps * sizeof *last);
        last[part->nsteps] = part->last;
        last += options[i].nsteps;
    }
    const mr_query *q = bind_query_arg(L, "options");
    bind_derive_self(L, mr_query_options(q, options, o->nparts));
    lua_pop(L, 2);
}

/* selectin_polymorphic(Class, { Subclass, ... } or "*"); as a method: of the class that the path leads to. */
static int f_selectin_polymorphic(lua_State *L) {
    const char *function = "selectin_polymorphic";
    const bind_option_value *before = bind_test(L, 1, BIND_OPTION);
    int first = before ? 2 : 1;
    mr_mapper *mapper = bind_test_class(L, first);
    const mr_option_step *last = before && before->nsteps ? &before->steps[before->nsteps - 1] : NULL;
    if (!mapper && last && last->prop) mapper = last->prop->relationship->target;
    else if (mapper || !before) mapper = bind_arg_class(L, first++, function);
    if (!mapper)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: name the class first, as the path is given by names", function);
    bind_refuse_more(L, first - 1, function, "");
    const mr_polymorphic *with = bind_to_polymorphic(L, mapper, first, function);
    bind_option_value *o = bind_extend_option(L, before, 0, 1);
    bind_option_part part = {0};
    part.option.kind = MR_OPTION_POLYMORPHIC;
    part.option.with = with;
    part.nsteps = o->nsteps;
    set_start(o, mapper, NULL);
    bind_add_part(o, &part);
    return 1;
}

static const luaL_Reg column_functions[] = {{"load_only", f_load_only},
                                            {"selectin_polymorphic", f_selectin_polymorphic},
                                            {"defer", f_defer},
                                            {"undefer", f_undefer},
                                            {"undefer_group", f_undefer_group},
                                            {NULL, NULL}};

/* Sets the functions in the table on top: for the module, and as methods of an option. */
static void set_functions(lua_State *L) {
    luaL_setfuncs(L, column_functions, 0);
    for (int i = 0; i < MR_LAZY__COUNT + NOTHERS; i++) {
        if (!option_name(i)) continue;
        lua_pushinteger(L, i);
        lua_pushcclosure(L, load_option, 1);
        lua_setfield(L, -2, option_name(i));
    }
}

static int option_index(lua_State *L) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    if (lua_type(L, 2) != LUA_TSTRING) return bind_type_error(L, 2, "loader option", "a method's name");
    const char *name = lua_tostring(L, 2), *near = bind_nearest_key(L, lua_upvalueindex(1), name);
    return bind_error(L, MR_ERR_ARGUMENT, "a loader option has no method '%s'%s", name, bind_hint(L, near));
}

void bind_open_option(lua_State *L) {
    bind_open_option_value(L);
    luaL_getmetatable(L, BIND_OPTION);
    lua_newtable(L);
    set_functions(L);
    lua_pushcclosure(L, option_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    set_functions(L);
    lua_pushcfunction(L, core_loader_criterion);
    lua_setfield(L, -2, "loader_criterion");
    lua_pushcfunction(L, core_session_criteria);
    lua_setfield(L, -2, "session_criteria");
}

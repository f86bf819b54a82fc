/*
 * clause.c: the methods of queries that add a criterion, an order, a limit, an option.
 *
 * Invariant: a mistake never selects everything: nil, a boolean and an empty filter_by raise.
 */
#include <stdlib.h>
#include <string.h>

#include "class/attribute.h"
#include "expression/criteria_text.h"
#include "expression/expression.h"
#include "option.h"
#include "query.h"
#include "state/place.h"
#include "value/own_value.h"
#include "value/class.h"
#include "value/descriptor.h"

/* Reads the positional arguments from index 2 on. Options raise. Returns how many. */
static int arguments(lua_State *L, const char *function) {
    int options;
    int n = bind_arguments(L, 2, &options);
    bind_check_options(L, options, function, (const char *const[]){NULL});
    lua_settop(L, 1 + n);
    luaL_checkstack(L, 8, function);
    return n;
}

/* Replaces each of the n arguments from index 2 on that stands for several columns, a composite, by these. Returns how
 * many there are then. */
static int expand_columns(lua_State *L, int n) {
    for (int i = 2; i <= n + 1; i++) {
        if (!lua_istable(L, i) || luaL_getmetafield(L, i, "__columns") == LUA_TNIL) continue;
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);
        int columns = (int)lua_rawlen(L, -1);
        bind_check_room(L, columns + 4, "order_by");
        for (int k = 1; k <= columns; k++) {
            lua_rawgeti(L, n + 2, k);
            lua_insert(L, i + k);
            n++;
        }
        lua_pop(L, 1);
        lua_remove(L, i);
        n--;
        i += columns - 1;
    }
    return n;
}

/* ---------------------------------------------------------------- criteria */

/* Adds the criterion to the query at index 1: what it reaches along references is joined. */
static void add_text(lua_State *L, mr_criterion *c, const char *function) {
    mr_query *q = bind_query_arg(L, function), *made = NULL;
    BIND_CALL(bind_of(L), L, (void)mr_criterion_where(c, q, &made));
    bind_derive_self(L, made);
}

/* The criterion of a text that is about the query's own class, as the query reads it; NULL: it is something else. */
static mr_criterion *own_criterion(const mr_query *q, const mr_node *node) {
    mr_criterion *c = mr_criterion_of(node);
    mr_node *alias = NULL;
    const mr_mapper *lead = c ? mr_query_lead_and_alias(q, &alias) : NULL;
    return lead && mr_mapper_isa(lead, mr_criterion_mapper(c)) && mr_criterion_alias(c) == alias ? c : NULL;
}

static mr_mapper *text_mapper(lua_State *L, const char *function, mr_node **alias) {
    mr_mapper *mapper = mr_query_lead_and_alias(bind_query_arg(L, function), alias);
    if (!mapper)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: the query has no class that the text could be about: use mr.filter(Class, ...)", function);
    return mapper;
}

/* The text at index 2, and its values, or none, behind it. */
static int text_criteria(lua_State *L, const char *function) {
    mr_node *alias;
    if (lua_gettop(L) > 3)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s: expected one text, and a table of its values (texts are joined by and)", function);
    if (!lua_isnoneornil(L, 3) && !bind_is_plain_table(L, 3))
        return bind_type_error(L, 3, function, "a table with the values of the text");
    mr_mapper *mapper = text_mapper(L, function, &alias);
    bool values = lua_istable(L, 3);
    add_text(L, bind_own_criterion(L, mapper, alias, 2, values ? 3 : 0, NULL, false, function), function);
    lua_settop(L, 1);
    return 1;
}

static int criteria(lua_State *L, const char *function, mr_query *(*add)(const mr_query *q, mr_node *criterion)) {
    bind_query_arg_for_clause(L, function);
    int n = lua_gettop(L) - 1;
    if (n == 0)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected at least one criterion, such as User.name:eq(x)", function);
    bool where = add == mr_query_where;
    if (where && lua_type(L, 2) == LUA_TSTRING) return text_criteria(L, function);
    for (int i = 2; i <= n + 1; i++) {
        mr_node *node = bind_arg_criterion(L, i, function);
        mr_criterion *c = where ? own_criterion(bind_query_arg(L, function), node) : NULL;
        if (c) add_text(L, c, function);
        else bind_derive_self(L, add(bind_query_arg(L, function), mr_node_retain(node)));
    }
    lua_settop(L, 1);
    return 1;
}

static int q_having(lua_State *L) { return criteria(L, "having", mr_query_having); }

/* The attribute that the string at idx names, if it is a column whose type takes the value at idx + 1 as it is: *value,
 * whose bytes are the string's there. NULL: another attribute, or value. */
static const mr_property *plain_equal(lua_State *L, const mr_mapper *mapper, int idx, mr_value *value) {
    int type = lua_type(L, idx + 1);
    if (type != LUA_TSTRING && type != LUA_TNUMBER) return NULL;
    const mr_property *prop = mapper->klass ? bind_class_known(mapper->klass, lua_topointer(L, idx)) : NULL;
    if (!prop && lua_type(L, idx) == LUA_TSTRING) prop = mr_mapper_property(mapper, lua_tostring(L, idx), false);
    if (!prop || prop->kind != MR_PROPERTY_COLUMN) return NULL;
    if (!bind_to_value(L, idx + 1, NULL, value)) return NULL;
    const mr_type *known = mr_column_type(mapper->env, prop->column);
    return !known->decorator && known->rules->takes & MR_TAKES(value->kind) ? prop : NULL;
}

/* Class.query:filter_by{...} with plain values: pushes a lookup; false, with nothing pushed, where it is none. */
static bool push_lookup(lua_State *L) {
    const bind_query *q = bind_query_at(L, 1);
    if (!q || !q->mapper || q->nequals > 0 || !q->mapper->configured || lua_gettop(L) != 2) return false;
    if (!bind_is_plain_table(L, 2)) return false;
    mr_equal found[BIND_MAX_EQUALS];
    unsigned n = 0;
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        mr_value v;
        const mr_property *prop = n < BIND_MAX_EQUALS ? plain_equal(L, q->mapper, 3, &v) : NULL;
        if (!prop) {
            lua_settop(L, 2);
            return false;
        }
        unsigned at = n++;
        for (; at > 0 && strcmp(found[at - 1].prop->name, prop->name) > 0; at--) found[at] = found[at - 1];
        found[at] = (mr_equal){prop, v};
    }
    if (n == 0) return false;
    bind_push_lookup(L, q->b, q->mapper, found, n, 0);
    return true;
}

/* Class.query:where(text) of a text seen before that says only what columns are equal to: pushes a lookup; false, with
 * nothing pushed, where it is none, or the usual way has to say what is wrong. */
static bool push_text_lookup(lua_State *L) {
    const bind_query *q = bind_query_at(L, 1);
    int top = lua_gettop(L);
    if (!q || !q->mapper || q->nequals > 0 || !q->mapper->configured || top < 2 || top > 3) return false;
    if (lua_type(L, 2) != LUA_TSTRING || (top == 3 && !bind_is_plain_table(L, 3))) return false;
    size_t len;
    const char *text = lua_tolstring(L, 2, &len);
    const mr_criteria *c = mr_criteria_find(q->mapper, text, len);
    const mr_criteria_equal *equals;
    const mr_criteria_use *uses;
    size_t n = c ? mr_criteria_equals(c, &equals) : 0, named = 0;
    if (n == 0 || n > BIND_MAX_EQUALS) return false;
    (void)mr_criteria_uses(c, &uses);
    mr_equal found[BIND_MAX_EQUALS];
    for (size_t i = 0; i < n; i++) {
        const mr_type *type = mr_column_type(q->mapper->env, equals[i].prop->column);
        mr_value v;
        if (equals[i].literal) {
            v = *equals[i].literal;
        } else {
            if (top < 3) return false;
            named++;
            int kind = lua_getfield(L, 3, uses[equals[i].use].name); /* the table keeps the string */
            bool plain = (kind == LUA_TSTRING || kind == LUA_TNUMBER) && bind_to_value(L, -1, NULL, &v);
            lua_settop(L, top);
            if (!plain) return false;
        }
        if (type->decorator || !(type->rules->takes & MR_TAKES(v.kind))) return false;
        if (type->choices && mr_type_is_broken(type, &v)) return false;
        size_t at = i;
        for (; at > 0 && strcmp(found[at - 1].prop->name, equals[i].prop->name) > 0; at--) found[at] = found[at - 1];
        if (at > 0 && found[at - 1].prop == equals[i].prop) return false;
        found[at] = (mr_equal){equals[i].prop, v};
    }
    if (top == 3) {
        for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) named--;
        if (named != 0) return false; /* a value that no parameter has, or one that several have */
    }
    bind_push_lookup(L, q->b, q->mapper, found, (unsigned)n, 0);
    return true;
}

static int q_where(lua_State *L) { return push_text_lookup(L) ? 1 : criteria(L, "where", mr_query_where); }
static int q_filter(lua_State *L) { return push_text_lookup(L) ? 1 : criteria(L, "filter", mr_query_where); }

static int q_filter_by(lua_State *L) {
    if (push_lookup(L)) return 1;
    mr_query *q = bind_query_arg_for_clause(L, "filter_by");
    bind_refuse_more(L, 1, "filter_by", " (all values are in one table)");
    lua_settop(L, 2);
    mr_node *alias;
    mr_mapper *mapper = mr_query_filter_by_target(q, &alias);
    if (!mapper) return bind_error(L, MR_ERR_ARGUMENT, "filter_by: the query has no class: use filter()");
    bind_push_filter_by(L, mapper, alias, 2, "filter_by");
    return bind_derive(L, mr_query_where(q, mr_node_retain(bind_test_node(L, -1))));
}

/* ---------------------------------------------------------------- lists of expressions */

/* "name desc", "-name": SQL's and other libraries' way to say an order. */
static void refuse_direction(lua_State *L, const mr_mapper *mapper, const char *name, const char *function) {
    size_t from = *name == '-' || *name == '+', n = strcspn(name + from, " \t");
    char word[64], way[8] = "";
    if (n == 0 || n >= sizeof word || (!from && name[n] == '\0')) return;
    memcpy(word, name + from, n);
    word[n] = '\0';
    if (!mr_mapper_property(mapper, word, true)) return;
    const char *rest = name + from + n + strspn(name + from + n, " \t");
    for (size_t i = 0; i + 1 < sizeof way && rest[i]; i++) way[i] = (char)(rest[i] | 0x20);
    bool desc = *name == '-' || strcmp(way, "desc") == 0, asc = *name == '+' || strcmp(way, "asc") == 0;
    if (!desc && !asc) return;
    bind_error(L, MR_ERR_ARGUMENT, "%s: expected an attribute, got string \"%s\" (write %s.%s:%s())", function, name,
               mapper->name, word, desc ? "desc" : "asc");
}

/* order_by(User.name, "desc"): the direction is a method of the column before it. */
static void refuse_lone_direction(lua_State *L, int idx, const mr_query *q) {
    const char *name = lua_tostring(L, idx), *ways[] = {"desc", "asc", "DESC", "ASC"};
    const mr_node *column = bind_test_node(L, idx - 1);
    const mr_mapper *mapper = mr_query_lead(q);
    if (!column || (mapper && mr_mapper_property(mapper, name, true))) return;
    for (unsigned i = 0; i < q->nitems; i++) {
        const mr_node *x = q->items[i].expression;
        if (x && x->kind == MR_NODE_LABEL && strcmp(x->name, name) == 0) return;
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(name, ways[i]) == 0)
            bind_error(L, MR_ERR_ARGUMENT, "order_by: the direction '%s' is a method: write %s:%s()", name,
                       bind_push_what(L, column), ways[i & 1]);
}

/* Replaces the string at idx, a label or an attribute of the query's class, by its expression. */
static void own_named(lua_State *L, int idx, const mr_query *q, const char *function) {
    const char *name = lua_tostring(L, idx);
    mr_mapper *mapper = mr_query_lead(q);
    for (unsigned i = 0; i < q->nitems; i++) {
        const mr_node *x = q->items[i].expression;
        if (!x || x->kind != MR_NODE_LABEL || strcmp(x->name, name) != 0) continue;
        bind_push_node(L, mr_node_retain(q->items[i].expression));
        lua_replace(L, idx);
        return;
    }
    for (unsigned i = 0; i < q->nitems && (!mapper || !mr_mapper_property(mapper, name, true)); i++) {
        if (!q->items[i].expression || !q->items[i].name || strcmp(q->items[i].name, name) != 0) continue;
        bind_push_node(L, mr_node_retain(q->items[i].expression));
        lua_replace(L, idx);
        return;
    }
    if (!mapper) bind_type_error(L, idx, function, "an expression");
    refuse_direction(L, mapper, name, function);
    if (bind_push_described(L, mapper, q->nitems > 0 ? q->items[0].alias : NULL, name)) {
        lua_replace(L, idx);
        return;
    }
    const mr_property *prop = bind_query_attribute(L, mapper, name);
    if (prop->kind == MR_PROPERTY_RELATIONSHIP) bind_type_error(L, idx, function, "a column");
    bind_push_node(L, mr_property_node(prop, q->nitems > 0 ? q->items[0].alias : NULL));
    lua_replace(L, idx);
}

/* mr.desc "name" at idx: replaced by the expression of that name, with the direction around it. */
static void own_directed(lua_State *L, int idx, const mr_query *q, const char *function) {
    enum { MOST = 8 };
    mr_op ops[MOST];
    unsigned n = 0;
    const mr_node *x = bind_test_node(L, idx);
    while (x && x->kind == MR_NODE_UNARY && n < MOST) {
        ops[n++] = (mr_op)x->op;
        x = x->child[0];
    }
    if (!x || x->kind != MR_NODE_COLUMN || !(x->flags & MR_NODE_NAME)) return;
    lua_pushstring(L, x->u.column->name);
    lua_replace(L, idx);
    own_named(L, idx, q, function);
    while (n > 0) {
        bind_push_node(L, mr_sql_unary(q->env, ops[--n], mr_node_retain(bind_test_node(L, idx))));
        lua_replace(L, idx);
    }
}

static int listed(lua_State *L, const char *function, mr_query *(*add)(const mr_query *q, mr_node *item)) {
    mr_query *q = bind_query_arg_for_clause(L, function);
    if (lua_gettop(L) == 2 && (bind_is_null(L, 2) || (lua_isboolean(L, 2) && !lua_toboolean(L, 2))))
        return bind_derive(L, add(q, NULL)); /* order_by(false) takes the order away */
    int n = arguments(L, function);
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected columns", function);
    for (int i = 2; i <= n + 1; i++) {
        if (lua_type(L, i) != LUA_TSTRING) own_directed(L, i, q, function);
        if (lua_type(L, i) != LUA_TSTRING) continue;
        if (i > 2 && strcmp(function, "order_by") == 0) refuse_lone_direction(L, i, q);
        own_named(L, i, q, function);
    }
    n = expand_columns(L, n);
    bind_push_list(L, 2, n, function);
    return bind_derive(L, add(q, mr_node_retain(bind_test_node(L, -1))));
}

static int q_order_by(lua_State *L) { return listed(L, "order_by", mr_query_order_by); }
static int q_group_by(lua_State *L) { return listed(L, "group_by", mr_query_group_by); }

static int q_distinct(lua_State *L) {
    mr_query *q = bind_query_arg_for_clause(L, "distinct");
    if (lua_gettop(L) == 2 && bind_is_null(L, 2)) return bind_derive(L, mr_query_not_distinct(q));
    int n = arguments(L, "distinct");
    if (n == 0) return bind_derive(L, mr_query_distinct(q, NULL));
    n = expand_columns(L, n);
    bind_push_list(L, 2, n, "distinct");
    return bind_derive(L, mr_query_distinct(q, mr_node_retain(bind_test_node(L, -1))));
}

/* ---------------------------------------------------------------- numbers */

static int number(lua_State *L, const char *function, mr_query *(*set)(const mr_query *q, mr_node *n)) {
    mr_query *q = bind_query_arg_for_clause(L, function);
    if (bind_is_null(L, 2)) return bind_derive(L, set(q, NULL)); /* limit(mr.null) takes the limit away */
    if (bind_test_node(L, 2)) return bind_derive(L, set(q, mr_node_retain(bind_test_node(L, 2))));
    int integral = 0;
    lua_Integer n = lua_type(L, 2) == LUA_TNUMBER ? lua_tointegerx(L, 2, &integral) : 0;
    if (!integral || n < 0) return bind_type_error(L, 2, function, "an integer of 0 or more");
    mr_value v = mr_int_value((int64_t)n);
    mr_node *bind = mr_sql_bind(q->env, mr_type_simple(MR_TYPE_INTEGER), &v);
    if (!bind) bind_raise(L);
    return bind_derive(L, set(q, bind));
}

static int q_limit(lua_State *L) {
    bind_refuse_more(L, 1, "limit", " (what is left out at the beginning is given to offset)");
    return number(L, "limit", mr_query_limit);
}
static int q_offset(lua_State *L) {
    bind_refuse_more(L, 1, "offset", "");
    return number(L, "offset", mr_query_offset);
}

/* The number that the clause has now; none where it has none. Raises where it is an expression. */
static int64_t clause_number(lua_State *L, const mr_node *clause, int64_t none, const char *name) {
    if (!clause) return none;
    if (clause->kind != MR_NODE_BIND || clause->name || clause->u.value.kind != MR_INT)
        bind_error(L, MR_ERR_ARGUMENT, "slice: the query's %s is an expression: say it with limit and offset", name);
    return clause->u.value.u.i;
}

static void own_number(lua_State *L, int64_t n, mr_query *(*set)(const mr_query *q, mr_node *n), const char *function) {
    mr_query *q = bind_query_arg(L, function);
    mr_value v = mr_int_value(n);
    mr_node *bind = mr_sql_bind(q->env, mr_type_simple(MR_TYPE_INTEGER), &v);
    if (!bind) bind_raise(L);
    bind_derive_self(L, set(q, bind));
}

static lua_Integer place(lua_State *L, int idx) {
    int integral = 0;
    lua_Integer n = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &integral) : 0;
    if (!integral || n < 0) bind_type_error(L, idx, "slice", "the numbers of the first and of the last row, from 1 on");
    if (n == 0 && idx == 2)
        bind_error(L, MR_ERR_ARGUMENT,
                   "slice: rows are counted from 1, as Lua does: slice(1, 10) gives the first ten rows");
    return n;
}

/* slice(first, last): the rows from the first to the last, as table.unpack counts; slice(first): to the end. */
static int q_slice(lua_State *L) {
    mr_query *q = bind_query_arg_for_clause(L, "slice");
    bind_refuse_more(L, 2, "slice", "");
    bool open = lua_isnoneornil(L, 3);
    int64_t first = place(L, 2), last = open ? INT64_MAX : place(L, 3);
    int64_t offset = clause_number(L, q->clauses.offset, 0, "offset");
    int64_t limit = clause_number(L, q->clauses.limit, INT64_MAX, "limit");
    int64_t rest = limit == INT64_MAX ? limit : limit > first - 1 ? limit - (first - 1) : 0;
    int64_t wanted = open ? INT64_MAX : last >= first ? last - first + 1 : 0;
    if (offset + first - 1 > 0) own_number(L, offset + first - 1, mr_query_offset, "slice");
    if (rest != INT64_MAX || wanted != INT64_MAX) own_number(L, wanted < rest ? wanted : rest, mr_query_limit, "slice");
    lua_settop(L, 1);
    return 1;
}

static int yield_per(lua_State *L, int idx, const char *function) {
    mr_query *q = bind_query_arg(L, function);
    int integral = 0;
    lua_Integer n = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &integral) : 0;
    if (!integral || n < 1 || n > UINT32_MAX) bind_type_error(L, idx, function, "an integer of 1 or more");
    return bind_derive(L, mr_query_yield_per(q, (uint32_t)n));
}

static int q_yield_per(lua_State *L) {
    bind_refuse_more(L, 1, "yield_per", "");
    return yield_per(L, 2, "yield_per");
}

/* ---------------------------------------------------------------- flags, parameters, options */

static int q_populate_existing(lua_State *L) {
    bind_refuse_more(L, 0, "populate_existing", "");
    return bind_derive(L, mr_query_flags(bind_query_arg(L, "populate_existing"), 1, -1));
}

static int q_autoflush(lua_State *L) {
    mr_query *q = bind_query_arg(L, "autoflush");
    bind_refuse_more(L, 1, "autoflush", "");
    if (!lua_isboolean(L, 2)) return bind_type_error(L, 2, "autoflush", "true or false");
    return bind_derive(L, mr_query_flags(q, -1, lua_toboolean(L, 2)));
}

static mr_bad_values bad_values(lua_State *L, int idx) {
    static const char *const words[] = {"raise", "null", "keep"};
    for (int i = 0; lua_type(L, idx) == LUA_TSTRING && i < 3; i++)
        if (strcmp(lua_tostring(L, idx), words[i]) == 0) return (mr_bad_values)i;
    bind_type_error(L, idx, "execution_options: bad_values", "\"raise\", \"null\" or \"keep\"");
    return MR_BAD_VALUES_RAISE;
}

static int q_execution_options(lua_State *L) {
    static const char *const names[] = {"autoflush", "yield_per", "populate_existing", "bad_values", "timeout", NULL};
    const char *function = "execution_options";
    mr_query *q = bind_query_arg(L, function);
    if (!bind_is_plain_table(L, 2)) return bind_type_error(L, 2, function, "a table of options");
    bind_check_options(L, 2, function, names);
    int populate = bind_option(L, 2, "populate_existing") == LUA_TNIL ? -1 : lua_toboolean(L, -1);
    int autoflush = bind_option(L, 2, "autoflush") == LUA_TNIL ? -1 : lua_toboolean(L, -1);
    bind_option_bool(L, 2, function, "populate_existing", false); /* checks */
    bind_option_bool(L, 2, function, "autoflush", false);
    bind_derive_self(L, mr_query_flags(q, populate, autoflush));
    if (bind_option(L, 2, "bad_values") != LUA_TNIL)
        bind_derive_self(L, mr_query_bad_values(bind_query_arg(L, function), bad_values(L, -1)));
    double timeout = bind_option_timeout(L, 2, function, 0);
    if (timeout != 0) bind_derive_self(L, mr_query_timeout(bind_query_arg(L, function), timeout));
    if (bind_option(L, 2, "yield_per") != LUA_TNIL) return yield_per(L, -1, function);
    lua_settop(L, 1);
    return 1;
}

/* tag "shop": the words and the place of the call, in a comment before the SQL wherever that is shown. */
static int q_tag(lua_State *L) {
    bind_query_arg(L, "tag");
    bind_refuse_more(L, 1, "tag", "");
    size_t len;
    const char *words = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &len) : NULL;
    if (!words || len == 0) return bind_type_error(L, 2, "tag", "a text that says what the query is for");
    if (strlen(words) != len || strstr(words, "*/") || strstr(words, "/*"))
        return bind_error(L, MR_ERR_ARGUMENT, "tag: the text stands in a comment of SQL, and may not have %s in it",
                          strlen(words) != len ? "a zero byte" : "/* or */");
    const char *place = bind_push_place(L);
    const char *text = *place ? lua_pushfstring(L, "%s %s", words, place) : words;
    bind_derive_self(L, mr_query_tag(bind_query_arg(L, "tag"), text));
    lua_settop(L, 1);
    return 1;
}

static int q_with_for_update(lua_State *L) {
    static const char *const names[] = {"nowait", "skip_locked", "read", "key_share", NULL};
    const char *function = "with_for_update", *mode = NULL;
    mr_query *q = bind_query_arg_for_clause(L, function);
    int options;
    if (bind_arguments(L, 2, &options) > 0) return bind_error(L, MR_ERR_ARGUMENT, "%s takes options only", function);
    bind_check_options(L, options, function, names);
    bool nowait = bind_option_bool(L, options, function, "nowait", false);
    bool skip = bind_option_bool(L, options, function, "skip_locked", false);
    bool read = bind_option_bool(L, options, function, "read", false);
    bool key = bind_option_bool(L, options, function, "key_share", false);
    if ((nowait && skip) || (key && (nowait || skip)))
        return bind_error(L, MR_ERR_ARGUMENT, "%s: these options exclude each other", function);
    if (read) mode = nowait ? "SHARE NOWAIT" : skip ? "SHARE SKIP LOCKED" : "SHARE";
    else mode = nowait ? "NOWAIT" : skip ? "SKIP LOCKED" : NULL;
    if (key) mode = read ? "KEY SHARE" : "NO KEY UPDATE";
    return bind_derive(L, mr_query_for_update(q, mode));
}

/* Puts the list at index 4 in place of the query's list parameters of the name at index 3. */
static bool own_list(lua_State *L, const mr_type *type, const char *what) {
    mr_named_list list = {.name = lua_tostring(L, 3)};
    list.values = bind_read_list(L, 4, type, what, &list.n);
    bool found = false;
    mr_query *made, *q = bind_query_arg(L, "params");
    BIND_CALL(bind_of(L), L, made = mr_query_with_list(q, &list, &found)); /* functions of the program may be called */
    bind_derive_self(L, made);
    return found;
}

/* Gives the value at index 4 to the query's parameters of the name at index 3. */
static void set_param(lua_State *L) {
    const char *name = lua_tostring(L, 3), *what = lua_pushfstring(L, "params: '%s'", name);
    const mr_node *param = NULL;
    bool table = lua_istable(L, 4);
    if (table || bind_is_null(L, 4))
        BIND_TRY(bind_of(L), L, mr_query_find_param(bind_query_arg(L, "params"), name, &param));
    const mr_type *type = param ? param->type : NULL;
    if (table && bind_takes_list(L, 4, param) && own_list(L, type, what)) return;
    mr_value v;
    bind_read_param(L, 4, type, what, &v);
    bind_derive_self(L, mr_query_param_value(bind_query_arg(L, "params"), name, &v));
}

static int q_params(lua_State *L) {
    bind_query_arg(L, "params");
    bind_refuse_more(L, 1, "params", " (all values are in one table)");
    if (!bind_is_plain_table(L, 2)) return bind_type_error(L, 2, "params", "a table of values by name");
    lua_settop(L, 2);
    for (lua_pushnil(L); lua_next(L, 2); lua_settop(L, 3)) {
        if (lua_type(L, 3) != LUA_TSTRING) return bind_type_error(L, 3, "params", "names");
        set_param(L);
    }
    lua_settop(L, 1);
    return 1;
}

static int q_options(lua_State *L) {
    bind_query_arg(L, "options");
    int n = arguments(L, "options");
    for (int i = 2; i <= n + 1; i++) bind_apply_option(L, i);
    lua_settop(L, 1);
    return 1;
}

void bind_open_query_clause(lua_State *L) {
    static const luaL_Reg methods[] = {{"filter", q_filter},
                                       {"where", q_where},
                                       {"having", q_having},
                                       {"filter_by", q_filter_by},
                                       {"order_by", q_order_by},
                                       {"group_by", q_group_by},
                                       {"distinct", q_distinct},
                                       {"limit", q_limit},
                                       {"offset", q_offset},
                                       {"slice", q_slice},
                                       {"yield_per", q_yield_per},
                                       {"populate_existing", q_populate_existing},
                                       {"autoflush", q_autoflush},
                                       {"execution_options", q_execution_options},
                                       {"with_for_update", q_with_for_update},
                                       {"tag", q_tag},
                                       {"params", q_params},
                                       {"options", q_options},
                                       {NULL, NULL}};
    bind_extend_query(L, methods, true);
}

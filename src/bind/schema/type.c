/*
 * type.c: column types as Lua values: mr.Integer, mr.String(80). A type is callable, so that both
 * mr.Integer and mr.Integer() work.
 *
 * Invariant: a type value points to a type that lives as long as the library: a shared one, or one in the arena.
 */
#include <limits.h>
#include <string.h>

#include "schema.h"

static int type_name(lua_State *L) {
    char buf[MR_TYPE_NAME];
    lua_pushstring(L, mr_type_name(bind_arg_type(L, 1, "type"), buf));
    return 1;
}

/* Reads the choices of Enum: the n positional arguments, all different strings. */
static const mr_type *read_choices(lua_State *L, const mr_type *base, int n) {
    if (n == 0) bind_error(L, MR_ERR_ARGUMENT, "Enum: write its choices: Enum(\"draft\", \"published\")");
    const char **choices = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *choices, 0);
    choices[n] = NULL;
    for (int i = 0; i < n; i++) {
        if (lua_type(L, i + 2) != LUA_TSTRING) bind_type_error(L, i + 2, "Enum", "a string");
        choices[i] = lua_tostring(L, i + 2);
        if (strlen(choices[i]) != lua_rawlen(L, i + 2))
            bind_error(L, MR_ERR_ARGUMENT, "Enum: the choice '%s' has a zero byte in it", choices[i]);
        for (int j = 0; j < i; j++)
            if (strcmp(choices[i], choices[j]) == 0)
                bind_error(L, MR_ERR_ARGUMENT, "Enum: the choice '%s' is there twice", choices[i]);
    }
    mr_type proto = *base;
    proto.choices = choices;
    return mr_type_new(bind_of(L)->env, &proto);
}

/* The form of a choice: what storage has for it, its position, or its name in capitals. Bytes are on the stack. */
static mr_value read_form(lua_State *L, int storage, const char *choice, int64_t position) {
    mr_value v = mr_int_value(position);
    if (lua_istable(L, storage)) {
        int given = lua_getfield(L, storage, choice);
        if (given != LUA_TSTRING && !lua_isinteger(L, -1))
            bind_error(L, MR_ERR_ARGUMENT, "Enum: storage has no number or text for the choice '%s'", choice);
        if (given == LUA_TNUMBER) return mr_int_value(lua_tointeger(L, -1));
    } else if (strcmp(lua_tostring(L, storage), "position") == 0) {
        return v;
    } else {
        lua_pushstring(L, choice);
        luaL_Buffer b;
        luaL_buffinit(L, &b);
        for (const char *c = choice; *c; c++) luaL_addchar(&b, (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c));
        luaL_pushresult(&b);
    }
    size_t len;
    const char *s = lua_tolstring(L, -1, &len);
    return mr_text_value(s, len);
}

/* The keys of storage = { draft = 1, ... } must be choices. */
static void check_storage_keys(lua_State *L, int storage, const mr_type *type) {
    for (lua_pushnil(L); lua_next(L, storage); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        bool found = false;
        for (const char *const *c = type->choices; key && *c; c++) found = found || strcmp(*c, key) == 0;
        if (!found) bind_error(L, MR_ERR_ARGUMENT, "Enum: storage has %s, which is no choice", bind_describe(L, -2));
    }
}

/* Enum("a", "b", { name = "mood" }): PostgreSQL has a type of that name, which create_all makes. */
static const mr_type *name_enum(lua_State *L, const mr_type *type, const char *name) {
    const mr_type *named = mr_sql_named_type(bind_of(L)->env, type, name);
    if (!named) bind_raise(L);
    return named;
}

/* Enum("a", "b", { storage = "position", first = 1 }), "upper", or { a = 1, b = 2 }. */
static const mr_type *read_forms(lua_State *L, const mr_type *type, int options) {
    static const char *const names[] = {"storage", "first", "name", NULL};
    bind_check_options(L, options, "Enum", names);
    const char *own_name = bind_option_string(L, options, "Enum", "name", NULL);
    if (own_name && options && bind_option(L, options, "storage") != LUA_TNIL)
        bind_error(L, MR_ERR_ARGUMENT, "Enum: name = \"%s\" makes a type of its own, which has no other storage",
                   own_name);
    if (own_name) return name_enum(L, type, own_name);
    int64_t position = bind_option_int(L, options, "Enum", "first", 0);
    int given = options ? bind_option(L, options, "storage") : LUA_TNIL, storage = lua_gettop(L);
    const char *word = given == LUA_TSTRING ? lua_tostring(L, storage) : "";
    bool first = options && bind_option(L, options, "first") != LUA_TNIL;
    if (first && strcmp(word, "position") != 0)
        bind_error(L, MR_ERR_ARGUMENT, "Enum: first is the number of the first choice, for storage = \"position\"");
    if (given == LUA_TNIL) return type;
    if (given != LUA_TTABLE && strcmp(word, "position") != 0 && strcmp(word, "upper") != 0)
        bind_error(L, MR_ERR_ARGUMENT,
                   "Enum: storage is \"position\", \"upper\", or a table such as { %s = 1 }, got %s", type->choices[0],
                   bind_describe(L, storage));
    if (given == LUA_TTABLE) check_storage_keys(L, storage, type);
    size_t n = 0;
    while (type->choices[n]) n++;
    if (position > INT64_MAX - (int64_t)n)
        bind_error(L, MR_ERR_ARGUMENT, "Enum: first is too large: the last choice would have no number");
    bind_check_room(L, (int)n * 2 + 8, "Enum");
    mr_value *forms = lua_newuserdatauv(L, n * sizeof *forms, 0);
    for (size_t i = 0; i < n; i++) forms[i] = read_form(L, storage, type->choices[i], position + (int64_t)i);
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_type_with_forms(b->env, type, forms, &type));
    return type;
}

static const mr_type *read_length(lua_State *L, const mr_type *base, const char *name, int n, int options) {
    static const char *const names[] = {"length", NULL};
    bind_check_options(L, options, name, names);
    mr_type proto = *base;
    int64_t length = bind_option_int(L, options, name, "length", 0);
    if (n == 1) {
        int integral = 0;
        if (lua_type(L, 2) == LUA_TNUMBER) length = lua_tointegerx(L, 2, &integral);
        if (!integral) bind_type_error(L, 2, name, "a length");
    }
    if (n > 1) bind_error(L, MR_ERR_ARGUMENT, "%s: expected one length", name);
    if (length > INT32_MAX) bind_error(L, MR_ERR_ARGUMENT, "%s: the length must be at most %d", name, (int)INT32_MAX);
    if (length < 0 || (n == 1 && length == 0))
        bind_error(L, MR_ERR_ARGUMENT, "%s: the length must be at least 1", name);
    if (length == base->length) return base;
    proto.length = (int)length;
    return mr_type_new(bind_of(L)->env, &proto);
}

/* JSON{ none_as_null = true } */
static const mr_type *read_json(lua_State *L, const mr_type *base, const char *name, int n, int options) {
    static const char *const names[] = {"none_as_null", NULL};
    if (n > 0)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s takes no arguments: it is the type of a column, mr.Column{ mr.%s }; a value of it is a plain "
                   "table",
                   name, name);
    bind_check_options(L, options, name, names);
    mr_type proto = *base;
    proto.none_as_null = bind_option_bool(L, options, name, "none_as_null", base->none_as_null);
    return proto.none_as_null == base->none_as_null ? base : mr_type_new(bind_of(L)->env, &proto);
}

/* Array(Integer) */
static const mr_type *read_item(lua_State *L, int n, int options) {
    const mr_type *item = n == 1 ? bind_test_type(L, 2) : NULL;
    if (!item || options)
        bind_error(L, MR_ERR_ARGUMENT, "Array: write the type of its items: mr.Array(mr.Integer)%s",
                   n > 0 ? " (a value is a plain table, or mr.array{ ... })" : "");
    if (item->rules->argument == MR_ARGUMENT_ITEM && !item->item)
        bind_error(L, MR_ERR_ARGUMENT,
                   "Array: the Array inside has no type of its items: mr.Array(mr.Array(mr.Integer))");
    if (item->rules->kind == MR_BLOB || (item->rules->sql_as && item->rules->sql_as->kind == MR_BLOB))
        bind_error(
            L, MR_ERR_ARGUMENT,
            "Array: its items are stored as JSON, which has no bytes: give them another type than %s (text, such "
            "as base64)",
            item->rules->name);
    if (item->decorator)
        bind_error(L, MR_ERR_ARGUMENT,
                   "Array: its items have no functions of their own: decorate the whole, TypeDecorator{ impl = "
                   "mr.Array(...), ... }");
    return mr_type_array_of(bind_of(L)->env, item);
}

/* Reads the argument at idx, a number of digits; deflt where it is missing. */
static int digits_argument(lua_State *L, int idx, int n, int deflt, const char *wanted) {
    int integral = 0;
    if (idx - 1 > n) return deflt;
    lua_Integer digits = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &integral) : -1;
    if (!integral || digits < 0 || digits > INT_MAX) bind_type_error(L, idx, "Numeric", wanted);
    return (int)digits;
}

/* Numeric(10, 2, { storage = "scaled" }) */
static const mr_type *read_precision(lua_State *L, const mr_type *base, int n, int options) {
    static const char *const names[] = {"precision", "scale", "storage", NULL};
    bind_check_options(L, options, "Numeric", names);
    if (n > 2) bind_error(L, MR_ERR_ARGUMENT, "Numeric: expected two numbers of digits: in all, and behind the point");
    int precision = digits_argument(L, 2, n, (int)bind_option_int(L, options, "Numeric", "precision", base->precision),
                                    "the number of digits in all");
    int scale = digits_argument(L, 3, n, (int)bind_option_int(L, options, "Numeric", "scale", base->scale),
                                "the number of digits behind the point");
    const char *storage = bind_option_string(L, options, "Numeric", "storage", NULL);
    const mr_type *type;
    bind_state *b = bind_of(L);
    if (n == 0 && !options) return base;
    BIND_TRY(b, L, mr_type_with_digits(b->env, base, precision, scale, storage, &type));
    return type;
}

/* Raises: a type without arguments is called with some, as if it made values. */
static int refuse_arguments(lua_State *L, const mr_type *type, const char *name) {
    static const struct {
        mr_kind kind;
        const char *maker;
    } makers[] = {{MR_DATE, "mr.date(2024, 5, 1)"},
                  {MR_TIME, "mr.time(12, 30)"},
                  {MR_DATETIME, "mr.datetime(2024, 5, 1, 12, 30)"},
                  {MR_INTERVAL, "mr.interval{ days = 1 }"}};
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (type->rules->kind == makers[i].kind)
            return bind_error(L, MR_ERR_ARGUMENT,
                              "%s takes no arguments: it is the type of a column; a value is made by %s", name,
                              makers[i].maker);
    return bind_error(L, MR_ERR_ARGUMENT, "%s takes no arguments: it is the type of a column, mr.Column{ mr.%s }", name,
                      name);
}

/* Reads digits = 3, or "auto". */
static int read_digits(lua_State *L, int options, const char *name) {
    int digits = MR_DIGITS_UNSET, integral = 0;
    if (lua_getfield(L, options, "digits") == LUA_TNUMBER) {
        digits = (int)lua_tointegerx(L, -1, &integral);
        if (!integral || lua_tointeger(L, -1) != digits || digits < 0) digits = INT_MAX;
    } else if (lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "auto") == 0) {
        digits = MR_DIGITS_AUTO;
    } else if (!lua_isnil(L, -1)) {
        bind_error(L, MR_ERR_ARGUMENT, "%s: digits is a number from 0 to 9, or \"auto\", got %s", name,
                   bind_describe(L, -1));
    }
    lua_pop(L, 1);
    return digits;
}

static const mr_type *read_storage(lua_State *L, const mr_type *base, const char *name, int options) {
    static const char *const names[] = {"storage", "digits", "separator", "zone", NULL};
    bool any = false;
    for (size_t i = 0; names[i]; i++) {
        any = bind_option(L, options, names[i]) != LUA_TNIL || any;
        lua_pop(L, 1);
    }
    if (!any && bind_option(L, options, "timezone") != LUA_TNIL)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s has no option timezone: its values have no zone, and are UTC by agreement (mr.datetime.from_iso "
                   "converts a text); a zone in the file is DateTime{ storage = \"iso\", digits = 3, zone = \"Z\" }",
                   name);
    if (!any) refuse_arguments(L, base, name); /* a value was meant, such as mr.interval{ days = 1 } */
    bind_check_options(L, options, name, names);
    mr_storage_options o = {.storage = bind_option_string(L, options, name, "storage", NULL),
                            .digits = read_digits(L, options, name),
                            .separator = bind_option_string(L, options, name, "separator", NULL),
                            .zone = bind_option_string(L, options, name, "zone", NULL)};
    const mr_type *type;
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_type_with_storage(b->env, base, &o, &type));
    return type;
}

static int type_call(lua_State *L) {
    const mr_type *base = bind_arg_type(L, 1, "type"), *type = base;
    char name[MR_TYPE_NAME];
    int options;
    mr_type_name(base, name);
    if (base->decorator) {
        bind_decorated_type_call(L);
        return 1;
    }
    int n = bind_arguments(L, 2, &options);
    if (base->rules->argument == MR_ARGUMENT_CHOICES) {
        type = read_choices(L, base, n);
        if (type) type = read_forms(L, type, options);
    } else if (base->rules->argument == MR_ARGUMENT_LENGTH) {
        type = read_length(L, base, name, n, options);
    } else if (base->rules->argument == MR_ARGUMENT_JSON) {
        type = read_json(L, base, name, n, options);
    } else if (base->rules->argument == MR_ARGUMENT_ITEM) {
        type = read_item(L, n, options);
    } else if (base->rules->argument == MR_ARGUMENT_DIGITS) {
        type = read_precision(L, base, n, options);
    } else if (n == 0 && options && mr_type_has_storages(base)) {
        type = read_storage(L, base, base->rules->name, options);
    } else if (n > 0 || options) {
        return refuse_arguments(L, base, name);
    }
    if (!type) return bind_raise(L);
    if (type == base) lua_settop(L, 1);
    else bind_push_type(L, type);
    return 1;
}

static int type_eq(lua_State *L) {
    const mr_type *a = bind_test_type(L, 1), *b = bind_test_type(L, 2);
    for (; a && b && a != b && a->item && b->item; a = a->item) b = b->item; /* Array(Integer): what is inside */
    lua_pushboolean(L, a && b &&
                           (a == b || (!a->item && !b->item && a->none_as_null == b->none_as_null && !a->choices &&
                                       !b->choices && a->rules == b->rules && a->length == b->length &&
                                       a->precision == b->precision && a->scale == b->scale && a->form == b->form &&
                                       a->decorator == b->decorator && a->variants == b->variants)));
    return 1;
}

static int type_length(lua_State *L) {
    const mr_type *type = bind_arg_type(L, 1, "type");
    if (type->length > 0) lua_pushinteger(L, type->length);
    else lua_pushnil(L);
    return 1;
}

static const luaL_Reg getters[] = {{"name", type_name}, {"length", type_length}, {NULL, NULL}};
static const luaL_Reg metamethods[] = {
    {"__call", type_call}, {"__tostring", type_name}, {"__eq", type_eq}, {NULL, NULL}};

void bind_open_type(lua_State *L) {
    bind_type(L, BIND_TYPE, "Type", NULL, getters, metamethods);
    for (int code = 0; code < MR_TYPE__COUNT; code++) {
        const mr_type *type = mr_type_simple((mr_typecode)code);
        if (type->rules->internal) continue;
        bind_push_type(L, type);
        lua_setfield(L, -2, type->rules->name);
    }
}

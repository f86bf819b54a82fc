/*
 * make_date.c: how a program makes dates, times, datetimes and intervals: mr.date, mr.time, mr.datetime, mr.interval,
 * and the tables of fields that stand for a date where a value is expected.
 *
 * Invariant: each date that is made is valid. Otherwise the function raises, and names the wrong field.
 */
#include "datetime.h"

#include <string.h>

/* ---------------------------------------------------------------- tables */

/* Pushes the field `name` of the table, or else the field `other`. Returns true and sets *out where the field is an
 * integer, or where it is missing and there is a default (deflt is not -1). */
static bool date_field(lua_State *L, int idx, const char *name, const char *other, int deflt, int *out) {
    int is_int = 1;
    lua_pushstring(L, name);
    if (lua_rawget(L, idx) == LUA_TNIL && other) {
        lua_pop(L, 1);
        lua_pushstring(L, other);
        lua_rawget(L, idx);
    }
    bool given = !lua_isnil(L, -1);
    lua_Integer n = given ? lua_tointegerx(L, -1, &is_int) : deflt;
    if (!is_int || n < -9999999 || n > 9999999 || (!given && n < 0)) return false;
    *out = (int)n;
    return true;
}

/* Reads a table of os.date "*t" (year, month, day, hour, min, sec), or a table with the field names of a datetime.
 * Returns NULL, or the name of the first wrong field (missing, or no integer), and then leaves its value on top. */
static const char *date_fields(lua_State *L, int idx, mr_kind kind, mr_civil *c) {
    bool is_time = kind == MR_TIME;
    const struct {
        const char *name, *other;
        int deflt, *out;
    } fields[] = {{"year", NULL, is_time ? 1970 : -1, &c->year},
                  {"month", NULL, is_time ? 1 : -1, &c->month},
                  {"day", NULL, is_time ? 1 : -1, &c->day},
                  {"hour", NULL, is_time ? -1 : 0, &c->hour},
                  {"min", "minute", 0, &c->minute},
                  {"sec", "second", 0, &c->second},
                  {"microsecond", NULL, 0, &c->microsecond}};
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!date_field(L, idx, fields[i].name, fields[i].other, fields[i].deflt, fields[i].out)) return fields[i].name;
        lua_pop(L, 1);
    }
    return NULL;
}

bool bind_table_to_date(lua_State *L, int idx, mr_kind kind, mr_value *out) {
    mr_civil c;
    luaL_checkstack(L, 2, "a date");
    if (!date_fields(L, idx, kind, &c)) return mr_civil_to_value(&c, kind, out);
    lua_pop(L, 1);
    return false;
}

int bind_refuse_date(lua_State *L, int idx, mr_kind kind, const char *what, const char *wanted) {
    mr_civil c;
    char mistake[MR_MISTAKE_SIZE] = "";
    const char *field = date_fields(L, idx, kind, &c);
    if (field && lua_isnil(L, -1))
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got a table without the field '%s'", what, wanted,
                          field);
    if (field)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got a table whose field '%s' is no integer but %s",
                          what, wanted, field, bind_describe(L, -1));
    mr_civil_mistake(&c, kind, mistake);
    return bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got a table (%s)", what, wanted, mistake);
}

/* ---------------------------------------------------------------- constructors */

typedef struct constructor {
    const char *name; /* mr.date */
    mr_kind kind;
    unsigned required; /* so many of its fields, the first ones, must be given */
    const char *example;
} constructor;

static const constructor date_constructor = {"date", MR_DATE, 3, "2024-02-29"};
static const constructor time_constructor = {"time", MR_TIME, 1, "13:04:05"};
static const constructor datetime_constructor = {"datetime", MR_DATETIME, 3, "2024-02-29 13:04:05"};

/* The field of this name at idx. Raises: it is no integer. */
static int part_of(lua_State *L, int idx, const constructor *made, const char *name) {
    int integral = 0;
    lua_Integer n = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &integral) : 0;
    if (integral && n > 9999 && lua_gettop(L) == 1 && idx == 1)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: there is no year %lld (of seconds since 1970: mr.datetime.from_unix(seconds)%s)", made->name,
                   (long long)n, made->kind == MR_DATE ? ":to_date()" : "");
    if (!integral || n < -1000000000 || n > 1000000000)
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected an integer for the %s, got %s", made->name, name,
                   bind_describe(L, idx));
    return (int)n;
}

/* Reads fields by name from the table, or by position from the stack, into c. */
static void read_parts(lua_State *L, const constructor *made, mr_civil *c) {
    const char *const *names = mr_civil_names(made->kind);
    bool by_name = bind_is_plain_table(L, 1) && lua_rawlen(L, 1) == 0;
    if (by_name) bind_check_options(L, 1, made->name, names);
    if (bind_is_plain_table(L, 1) && !by_name) {
        int options;
        bind_arguments(L, 1, &options);
        lua_settop(L, options ? options - 1 : lua_gettop(L));
    }
    int given = by_name ? 0 : lua_gettop(L);
    for (unsigned i = 0; names[i]; i++) {
        int idx = (int)i + 1;
        if (by_name) {
            bind_option(L, 1, names[i]);
            idx = lua_gettop(L);
        }
        if (!lua_isnoneornil(L, idx)) *mr_civil_field(c, made->kind, i) = part_of(L, idx, made, names[i]);
        else if (i < made->required) bind_error(L, MR_ERR_ARGUMENT, "%s: the %s is missing", made->name, names[i]);
        if (by_name) lua_pop(L, 1);
        else given--;
    }
    if (given > 0) bind_error(L, MR_ERR_ARGUMENT, "%s: too many arguments", made->name);
}

static int no_date(lua_State *L, const constructor *made, const mr_civil *c) {
    char mistake[MR_MISTAKE_SIZE] = "out of range";
    mr_civil_mistake(c, made->kind, mistake);
    return bind_error(L, MR_ERR_ARGUMENT, "%s: %s", made->name, mistake);
}

/* Is the only argument a table as os.date "*t" makes it? */
static bool is_os_date(lua_State *L) {
    if (lua_gettop(L) != 1 || !bind_is_plain_table(L, 1)) return false;
    bool is = bind_option(L, 1, "yday") != LUA_TNIL;
    lua_pop(L, 1);
    return is;
}

static int from_os_date(lua_State *L, const constructor *made) {
    mr_value out;
    if (!bind_table_to_date(L, 1, made->kind, &out))
        return bind_refuse_date(L, 1, made->kind, made->name, lua_pushfstring(L, "a %s", mr_kind_name(made->kind)));
    bind_push_date(L, &out);
    return 1;
}

static int from_text(lua_State *L, const constructor *made) {
    size_t len;
    const char *s = lua_tolstring(L, 1, &len);
    char mistake[MR_MISTAKE_SIZE];
    mr_value out;
    if (mr_calendar_mistake(made->kind, s, len, mistake))
        return bind_error(L, MR_ERR_ARGUMENT, "%s: \"%s\": %s", made->name, s, mistake);
    if (!mr_calendar_parse(made->kind, s, len, &out))
        return bind_error(L, MR_ERR_ARGUMENT, "%s: \"%s\" is not ISO 8601 (write %s)", made->name, s, made->example);
    bind_push_date(L, &out);
    return 1;
}

static int construct(lua_State *L, const constructor *made) {
    mr_value out;
    mr_civil c = {.year = 1970, .month = 1, .day = 1};
    if (is_os_date(L)) return from_os_date(L, made);
    if (lua_gettop(L) == 1 && bind_to_date(L, 1, &out)) return bind_convert_date(L, made->kind);
    if (lua_gettop(L) == 1 && lua_type(L, 1) == LUA_TSTRING) return from_text(L, made);
    read_parts(L, made, &c);
    if (!mr_civil_to_value(&c, made->kind, &out)) return no_date(L, made, &c);
    bind_push_date(L, &out);
    return 1;
}

static int make_date(lua_State *L) { return construct(L, &date_constructor); }
static int make_time(lua_State *L) { return construct(L, &time_constructor); }

/* __call of the table mr.datetime. */
static int make_datetime(lua_State *L) {
    lua_remove(L, 1);
    return construct(L, &datetime_constructor);
}

/* ---------------------------------------------------------------- intervals */

/* core.interval_of(microseconds, others): the others are an integer, which is exact. */
static int interval_of(lua_State *L) {
    return bind_push_interval_sum(L, luaL_checknumber(L, 1), (int64_t)luaL_optinteger(L, 2, 0));
}

static int interval_from_text(lua_State *L) {
    size_t len;
    const char *s = lua_tolstring(L, 1, &len);
    mr_value v;
    if (!mr_calendar_parse(MR_INTERVAL, s, len, &v))
        return bind_error(L, MR_ERR_ARGUMENT,
                          "interval: %s is no interval of ISO 8601 (write \"P1DT2H3M4.5S\", without years and months, "
                          "which have no fixed length)",
                          bind_describe(L, 1));
    bind_push_date(L, &v);
    return 1;
}

/* mr.interval of a number of seconds, of ISO 8601 text, or of an interval. That of a table is in interval.lua. */
static int make_interval(lua_State *L) {
    mr_value same;
    if (lua_gettop(L) > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "interval: expected one argument, got %d", lua_gettop(L));
    if (lua_type(L, 1) == LUA_TNUMBER) return bind_push_interval(L, lua_tonumber(L, 1) * 1e6);
    if (lua_type(L, 1) == LUA_TSTRING) return interval_from_text(L);
    if (!bind_to_date(L, 1, &same) || same.kind != MR_INTERVAL)
        return bind_type_error(L, 1, "interval", "seconds, ISO 8601 text, or a table such as { days = 1, hours = 2 }");
    bind_push_date(L, &same);
    return 1;
}

/* ---------------------------------------------------------------- registration */

static const luaL_Reg functions[] = {
    {"date", make_date}, {"time", make_time}, {"interval", make_interval}, {"interval_of", interval_of}, {NULL, NULL}};

void bind_open_make_date(lua_State *L) {
    luaL_setfuncs(L, functions, 0);
    lua_newtable(L); /* mr.datetime: datetime.lua adds its functions */
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, make_datetime);
    lua_setfield(L, -2, "__call");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "datetime");
}

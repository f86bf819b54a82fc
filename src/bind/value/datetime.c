/*
 * datetime.c: dates, times, datetimes and intervals as Lua values: immutable userdata that hold a mr_value.
 *
 * Invariant: a date or datetime is in the years 1 to 9999; an interval is shorter than 3660000 days.
 */
#include "datetime.h"

#include <math.h>
#include <string.h>

#include "state/own.h"

#define SECOND INT64_C(1000000)
#define DAY    (INT64_C(86400) * SECOND)

void bind_push_date(lua_State *L, const mr_value *v) {
    mr_value copy = *v;
    mr_value *date = lua_newuserdatauv(L, sizeof *date, 0);
    *date = copy;
    date->flags = 0;
    bind_set_type(L, BIND_DATE);
}

bool bind_to_date(lua_State *L, int idx, mr_value *out) {
    const mr_value *date = bind_test(L, idx, BIND_DATE);
    if (date) *out = *date;
    return date != NULL;
}

static mr_value self(lua_State *L, int idx) { return *(const mr_value *)bind_arg(L, idx, BIND_DATE, "date"); }

int bind_now(lua_State *L) {
    mr_value now = mr_calendar_now();
    bind_push_date(L, &now);
    return 1;
}

int bind_today(lua_State *L) {
    mr_civil c;
    mr_value now = mr_calendar_now(), today;
    mr_civil_from_value(&now, &c);
    mr_civil_to_value(&c, MR_DATE, &today);
    bind_push_date(L, &today);
    return 1;
}

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

typedef struct part_names {
    const char *function;
    mr_kind kind;
    unsigned n, required;
    const char *names[8];
} part_names;

static const part_names date_parts = {"date", MR_DATE, 3, 3, {"year", "month", "day"}};
static const part_names time_parts = {"time", MR_TIME, 4, 1, {"hour", "minute", "second", "microsecond"}};
static const part_names datetime_parts = {
    "datetime", MR_DATETIME, 7, 3, {"year", "month", "day", "hour", "minute", "second", "microsecond"}};

static int part_of(lua_State *L, int idx, const part_names *parts, const char *name) {
    int integral = 0;
    lua_Integer n = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &integral) : 0;
    if (integral && n > 9999 && lua_gettop(L) == 1 && idx == 1)
        bind_error(
            L, MR_ERR_ARGUMENT,
            "%s: there is no year %lld: of seconds since 1970 write mr.%s(os.date(\"!*t\", seconds)), or \"*t\" for "
            "local time",
            parts->function, (long long)n, parts->function);
    if (!integral || n < -1000000000 || n > 1000000000)
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected an integer for the %s, got %s", parts->function, name,
                   bind_describe(L, idx));
    return (int)n;
}

/* Reads fields by name from the table, or by position from the stack, into c. */
static void read_parts(lua_State *L, const part_names *parts, mr_civil *c) {
    int *const fields[] = {&c->year, &c->month, &c->day, &c->hour, &c->minute, &c->second, &c->microsecond};
    unsigned skip = parts->kind == MR_TIME ? 3 : 0;
    bool by_name = bind_is_plain_table(L, 1) && lua_rawlen(L, 1) == 0;
    if (by_name) bind_check_options(L, 1, parts->function, parts->names);
    if (bind_is_plain_table(L, 1) && !by_name) {
        int options;
        bind_arguments(L, 1, &options);
        lua_settop(L, options ? options - 1 : lua_gettop(L));
    }
    if (!by_name && (unsigned)lua_gettop(L) > parts->n)
        bind_error(L, MR_ERR_ARGUMENT, "%s: too many arguments", parts->function);
    for (unsigned i = 0; i < parts->n; i++) {
        int idx = (int)i + 1;
        if (by_name) {
            bind_option(L, 1, parts->names[i]);
            idx = lua_gettop(L);
        }
        if (!lua_isnoneornil(L, idx)) *fields[skip + i] = part_of(L, idx, parts, parts->names[i]);
        else if (i < parts->required)
            bind_error(L, MR_ERR_ARGUMENT, "%s: the %s is missing", parts->function, parts->names[i]);
        if (by_name) lua_pop(L, 1);
    }
}

static int no_date(lua_State *L, const part_names *parts, const mr_civil *c) {
    char mistake[MR_MISTAKE_SIZE] = "out of range";
    mr_civil_mistake(c, parts->kind, mistake);
    return bind_error(L, MR_ERR_ARGUMENT, "%s: %s", parts->function, mistake);
}

/* Pushes the date, time or datetime of another value: mr.date(a datetime), mr.datetime(a date), mr.time(a datetime). */
static int convert(lua_State *L, const part_names *parts, const mr_value *from) {
    mr_civil c;
    mr_value out;
    mr_civil_from_value(from, &c);
    bool fits =
        from->kind == parts->kind || from->kind == MR_DATETIME || (from->kind == MR_DATE && parts->kind == MR_DATETIME);
    if (from->kind == MR_DATE) c.hour = c.minute = c.second = c.microsecond = 0;
    if (!fits || !mr_civil_to_value(&c, parts->kind, &out))
        return bind_type_error(L, 1, parts->function, parts->function);
    bind_push_date(L, &out);
    return 1;
}

/* Is the only argument a table as os.date "*t" makes it? */
static bool is_os_date(lua_State *L) {
    if (lua_gettop(L) != 1 || !bind_is_plain_table(L, 1)) return false;
    bool is = bind_option(L, 1, "yday") != LUA_TNIL;
    lua_pop(L, 1);
    return is;
}

static int from_os_date(lua_State *L, const part_names *parts) {
    mr_value out;
    if (!bind_table_to_date(L, 1, parts->kind, &out))
        return bind_refuse_date(L, 1, parts->kind, parts->function,
                                lua_pushfstring(L, "a %s", mr_kind_name(parts->kind)));
    bind_push_date(L, &out);
    return 1;
}

static int construct(lua_State *L, const part_names *parts) {
    mr_value out;
    if (is_os_date(L)) return from_os_date(L, parts);
    mr_civil c = {.year = 1970, .month = 1, .day = 1};
    if (lua_gettop(L) == 1 && bind_to_date(L, 1, &out)) return convert(L, parts, &out);
    if (lua_gettop(L) == 1 && lua_type(L, 1) == LUA_TSTRING) {
        size_t len;
        const char *s = lua_tolstring(L, 1, &len);
        char mistake[MR_MISTAKE_SIZE];
        if (mr_calendar_mistake(parts->kind, s, len, mistake))
            return bind_error(L, MR_ERR_ARGUMENT, "%s: \"%s\": %s", parts->function, s, mistake);
        if (!mr_calendar_parse(parts->kind, s, len, &out))
            return bind_error(L, MR_ERR_ARGUMENT, "%s: \"%s\" is not ISO 8601 (write %s)", parts->function, s,
                              parts->kind == MR_DATE   ? "2024-02-29"
                              : parts->kind == MR_TIME ? "13:04:05"
                                                       : "2024-02-29 13:04:05");
        bind_push_date(L, &out);
        return 1;
    }
    read_parts(L, parts, &c);
    if (!mr_civil_to_value(&c, parts->kind, &out)) return no_date(L, parts, &c);
    bind_push_date(L, &out);
    return 1;
}

static int make_date(lua_State *L) { return construct(L, &date_parts); }
static int make_time(lua_State *L) { return construct(L, &time_parts); }
static int make_datetime(lua_State *L) { return construct(L, &datetime_parts); }

static int push_interval(lua_State *L, double micros) {
    if (!(micros > -(double)MR_INTERVAL_LIMIT && micros < (double)MR_INTERVAL_LIMIT))
        return bind_error(L, MR_ERR_ARGUMENT, "interval: it must be shorter than 3660000 days");
    mr_value v = mr_value_of(MR_INTERVAL, (int64_t)llround(micros));
    bind_push_date(L, &v);
    return 1;
}

static int push_exact_interval(lua_State *L, int64_t micros) {
    if (micros <= -MR_INTERVAL_LIMIT || micros >= MR_INTERVAL_LIMIT)
        return bind_error(L, MR_ERR_ARGUMENT, "interval: it must be shorter than 3660000 days");
    mr_value v = mr_value_of(MR_INTERVAL, micros);
    bind_push_date(L, &v);
    return 1;
}

static int interval_from_text(lua_State *L) {
    size_t len;
    const char *s = lua_tolstring(L, 1, &len);
    int64_t micros;
    if (!mr_interval_parse(s, len, &micros))
        return bind_error(L, MR_ERR_ARGUMENT,
                          "interval: %s is no interval of ISO 8601 (write \"P1DT2H3M4.5S\", without years and months, "
                          "which have no fixed length)",
                          bind_describe(L, 1));
    return push_exact_interval(L, micros);
}

/* mr.interval{ days = 1, hours = 2 }, a number of seconds, ISO 8601 text, or an interval as it is. */
static int make_interval(lua_State *L) {
    static const char *const names[] = {"weeks",   "days",         "hours",        "minutes",
                                        "seconds", "milliseconds", "microseconds", NULL};
    static const double factors[] = {7.0 * 86400e6, 86400e6, 3600e6, 60e6, 1e6, 1e3, 1};
    if (lua_gettop(L) > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "interval: expected one argument, got %d", lua_gettop(L));
    if (lua_type(L, 1) == LUA_TNUMBER) return push_interval(L, lua_tonumber(L, 1) * 1e6);
    if (lua_type(L, 1) == LUA_TSTRING) return interval_from_text(L);
    mr_value same;
    if (bind_to_date(L, 1, &same) && same.kind == MR_INTERVAL) return push_exact_interval(L, same.u.i);
    if (!bind_is_plain_table(L, 1))
        return bind_type_error(L, 1, "interval", "seconds, ISO 8601 text, or a table such as { days = 1, hours = 2 }");
    bind_check_options(L, 1, "interval", names);
    double sum = 0;
    for (int i = 0; names[i]; i++) {
        int type = bind_option(L, 1, names[i]);
        if (type != LUA_TNIL && type != LUA_TNUMBER) return bind_type_error(L, -1, "interval", "a number");
        if (type == LUA_TNUMBER) sum += lua_tonumber(L, -1) * factors[i];
        lua_pop(L, 1);
    }
    return push_interval(L, sum);
}

/* ---------------------------------------------------------------- fields */

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/* Pushes the field of an interval; returns false where there is no such field. */
static bool interval_field(lua_State *L, const mr_value *v, const char *name) {
    int64_t days = floor_div(v->u.i, DAY), rest = v->u.i - days * DAY;
    if (strcmp(name, "days") == 0) lua_pushinteger(L, days);
    else if (strcmp(name, "seconds") == 0) lua_pushinteger(L, rest / SECOND);
    else if (strcmp(name, "microseconds") == 0) lua_pushinteger(L, rest % SECOND);
    else if (strcmp(name, "total_seconds") == 0) lua_pushnumber(L, (lua_Number)v->u.i / 1e6);
    else return false;
    return true;
}

static bool civil_field(lua_State *L, const mr_value *v, const char *name) {
    mr_civil c;
    mr_civil_from_value(v, &c);
    const int values[] = {c.year, c.month, c.day, c.hour, c.minute, c.second, c.microsecond};
    unsigned from = v->kind == MR_TIME ? 3 : 0, to = v->kind == MR_DATE ? 3 : 7;
    for (unsigned i = from; i < to; i++) {
        if (strcmp(name, datetime_parts.names[i]) != 0) continue;
        lua_pushinteger(L, values[i]);
        return true;
    }
    return false;
}

static int format_method(lua_State *L) {
    mr_value v = self(L, 1);
    size_t len;
    if (lua_type(L, 2) != LUA_TSTRING) return bind_type_error(L, 2, "format", "a pattern such as \"%Y-%m-%d\"");
    const char *pattern = lua_tolstring(L, 2, &len);
    if (v.kind == MR_INTERVAL)
        return bind_error(L, MR_ERR_ARGUMENT, "format: intervals have no pattern: use its fields");
    mr_strbuf *text = bind_own_strbuf(L);
    bind_check(L, mr_strftime(bind_of(L)->env, &v, pattern, len, text));
    bind_own_push_text(L);
    return 1;
}

static int isoformat_method(lua_State *L) {
    mr_value v = self(L, 1);
    char buf[64];
    lua_pushlstring(L, buf, mr_calendar_format(&v, 'T', false, buf));
    return 1;
}

static int date_method(lua_State *L) {
    lua_settop(L, 1);
    return construct(L, &date_parts);
}
static int time_method(lua_State *L) {
    lua_settop(L, 1);
    return construct(L, &time_parts);
}

/* Raises: v has no field of the name at index 2. */
static int no_field(lua_State *L, const mr_value *v) {
    static const char *const interval_parts[] = {"days", "seconds", "microseconds", "total_seconds"};
    unsigned from = v->kind == MR_TIME ? 3 : 0, to = v->kind == MR_DATE ? 3 : 7;
    bool is_interval = v->kind == MR_INTERVAL;
    if (lua_type(L, 2) != LUA_TSTRING)
        return bind_error(L, MR_ERR_ARGUMENT, "%s has no field %s", mr_kind_name(v->kind), bind_describe(L, 2));
    lua_newtable(L);
    for (unsigned i = is_interval ? 0 : from; i < (is_interval ? 4 : to); i++) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, is_interval ? interval_parts[i] : datetime_parts.names[i]);
    }
    const char *name = lua_tostring(L, 2), *near = bind_nearest_key(L, -1, name);
    if (!near) near = bind_nearest_key(L, lua_upvalueindex(1), name);
    return bind_error(L, MR_ERR_ARGUMENT, "%s has no field '%s'%s", mr_kind_name(v->kind), name, bind_hint(L, near));
}

static int date_index(lua_State *L) {
    mr_value v = self(L, 1);
    if (lua_type(L, 2) == LUA_TSTRING) {
        const char *name = lua_tostring(L, 2);
        if (v.kind == MR_INTERVAL ? interval_field(L, &v, name) : civil_field(L, &v, name)) return 1;
    }
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    return no_field(L, &v);
}

static int date_newindex(lua_State *L) {
    mr_value v = self(L, 1);
    return bind_error(L, MR_ERR_ARGUMENT, "a %s cannot be changed: make a new one", mr_kind_name(v.kind));
}

static int date_tostring(lua_State *L) {
    mr_value v = self(L, 1);
    char buf[64];
    lua_pushlstring(L, buf, mr_calendar_format(&v, ' ', false, buf));
    return 1;
}

/* ---------------------------------------------------------------- comparison and arithmetic */

static int date_eq(lua_State *L) {
    mr_value a, b;
    lua_pushboolean(L, bind_to_date(L, 1, &a) && bind_to_date(L, 2, &b) && a.kind == b.kind && a.u.i == b.u.i);
    return 1;
}

/* Returns -1, 0 or 1 for the values at the indices 1 and 2. Raises where they are not of one kind. */
static int compare(lua_State *L) {
    mr_value a, b;
    if (!bind_to_date(L, 1, &a) || !bind_to_date(L, 2, &b) || a.kind != b.kind)
        return bind_error(L, MR_ERR_ARGUMENT, "cannot compare %s with %s", bind_describe(L, 1), bind_describe(L, 2));
    return (a.u.i > b.u.i) - (a.u.i < b.u.i);
}
static int date_lt(lua_State *L) {
    lua_pushboolean(L, compare(L) < 0);
    return 1;
}
static int date_le(lua_State *L) {
    lua_pushboolean(L, compare(L) <= 0);
    return 1;
}

/* The other operand may have a metamethod of its own, as an SQL expression does: pushes its result. */
static bool delegate(lua_State *L, const char *event) {
    mr_value v;
    int other = bind_to_date(L, 1, &v) ? 2 : 1;
    if (lua_type(L, other) == LUA_TSTRING) return false; /* its operators would take this value for a number */
    if (bind_to_date(L, other, &v) || luaL_getmetafield(L, other, event) == LUA_TNIL) return false;
    lua_insert(L, 1);
    lua_settop(L, 3);
    lua_call(L, 2, 1);
    return true;
}

static int no_arithmetic(lua_State *L, const char *op) {
    mr_value v, other;
    bool sum = *op == '+' || *op == '-';
    bool number = lua_type(L, 1) == LUA_TNUMBER || lua_type(L, 2) == LUA_TNUMBER;
    bool dates = bind_to_date(L, 1, &v) && bind_to_date(L, 2, &other);
    if (dates && other.kind == MR_TIME) v = other;
    bool moved = sum && (dates ? v.kind == MR_TIME : number && (bind_to_date(L, 1, &v) || bind_to_date(L, 2, &v)));
    const char *cure = !moved              ? ""
                       : v.kind == MR_DATE ? " (days are mr.interval{ days = 1 })"
                       : v.kind == MR_TIME ? " (a time of day has no arithmetic: calculate with a datetime)"
                                           : " (seconds are mr.interval{ seconds = 1 })";
    return bind_error(L, MR_ERR_ARGUMENT, "cannot calculate %s %s %s%s", bind_describe(L, 1), op, bind_describe(L, 2),
                      cure);
}

/* Pushes a date or datetime plus microseconds; a date moves by whole days. */
static int shifted(lua_State *L, const mr_value *v, int64_t micros) {
    mr_value out = mr_value_of((mr_kind)v->kind, v->u.i); /* without v's flags */
    mr_civil first = {.year = 1, .month = 1, .day = 1},
             last = {
                 .year = 9999, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 59, .microsecond = 999999};
    mr_value low, high;
    out.u.i += v->kind == MR_DATE ? floor_div(micros, DAY) : micros;
    bool known = mr_civil_to_value(&first, (mr_kind)v->kind, &low) && mr_civil_to_value(&last, (mr_kind)v->kind, &high);
    if (!known || out.u.i < low.u.i || out.u.i > high.u.i)
        return bind_error(L, MR_ERR_ARGUMENT, "the result is outside of the years 1 to 9999");
    bind_push_date(L, &out);
    return 1;
}

static bool is_shiftable(const mr_value *v) { return v->kind == MR_DATE || v->kind == MR_DATETIME; }

static int date_add(lua_State *L) {
    mr_value a, b;
    if (delegate(L, "__add")) return 1;
    if (!bind_to_date(L, 1, &a) || !bind_to_date(L, 2, &b)) return no_arithmetic(L, "+");
    if (a.kind == MR_INTERVAL && b.kind == MR_INTERVAL) return push_exact_interval(L, a.u.i + b.u.i);
    if (is_shiftable(&a) && b.kind == MR_INTERVAL) return shifted(L, &a, b.u.i);
    if (a.kind == MR_INTERVAL && is_shiftable(&b)) return shifted(L, &b, a.u.i);
    return no_arithmetic(L, "+");
}

static int date_sub(lua_State *L) {
    mr_value a, b;
    if (delegate(L, "__sub")) return 1;
    if (!bind_to_date(L, 1, &a) || !bind_to_date(L, 2, &b)) return no_arithmetic(L, "-");
    if (is_shiftable(&a) && b.kind == MR_INTERVAL) return shifted(L, &a, -b.u.i);
    if (a.kind != b.kind || a.kind == MR_TIME) return no_arithmetic(L, "-");
    return push_exact_interval(L, (a.u.i - b.u.i) * (a.kind == MR_DATE ? DAY : 1));
}

static int date_mul(lua_State *L) {
    mr_value v;
    if (delegate(L, "__mul")) return 1;
    int number = lua_type(L, 1) == LUA_TNUMBER ? 1 : 2;
    if (lua_type(L, number) != LUA_TNUMBER || !bind_to_date(L, 3 - number, &v) || v.kind != MR_INTERVAL)
        return no_arithmetic(L, "*");
    return push_interval(L, (double)v.u.i * lua_tonumber(L, number));
}

static int date_div(lua_State *L) {
    mr_value v, by;
    if (delegate(L, "__div")) return 1;
    if (!bind_to_date(L, 1, &v) || v.kind != MR_INTERVAL) return no_arithmetic(L, "/");
    if (lua_type(L, 2) == LUA_TNUMBER) return push_interval(L, (double)v.u.i / lua_tonumber(L, 2));
    if (!bind_to_date(L, 2, &by) || by.kind != MR_INTERVAL) return no_arithmetic(L, "/");
    lua_pushnumber(L, (lua_Number)v.u.i / (lua_Number)by.u.i);
    return 1;
}

/* Pushes the texts of both operands, one after the other: dates, strings and numbers. */
static int date_concat(lua_State *L) {
    if (delegate(L, "__concat")) return 1;
    mr_value v;
    for (int i = 1; i <= 2; i++)
        if (!lua_isstring(L, i) && !bind_to_date(L, i, &v)) return no_arithmetic(L, "..");
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

static int date_unm(lua_State *L) {
    mr_value v = self(L, 1);
    if (v.kind != MR_INTERVAL) return bind_error(L, MR_ERR_ARGUMENT, "only an interval has a negative");
    v.u.i = -v.u.i;
    bind_push_date(L, &v);
    return 1;
}

/* ---------------------------------------------------------------- registration */

static const luaL_Reg metamethods[] = {{"__eq", date_eq},
                                       {"__lt", date_lt},
                                       {"__le", date_le},
                                       {"__add", date_add},
                                       {"__sub", date_sub},
                                       {"__mul", date_mul},
                                       {"__div", date_div},
                                       {"__concat", date_concat},
                                       {"__unm", date_unm},
                                       {"__tostring", date_tostring},
                                       {"__newindex", date_newindex},
                                       {NULL, NULL}};

static const luaL_Reg date_methods[] = {{"format", format_method},
                                        {"isoformat", isoformat_method},
                                        {"to_date", date_method},
                                        {"to_time", time_method},
                                        {NULL, NULL}};

static const luaL_Reg functions[] = {{"now", bind_now},   {"today", bind_today},       {"date", make_date},
                                     {"time", make_time}, {"datetime", make_datetime}, {"interval", make_interval},
                                     {NULL, NULL}};

void bind_open_datetime(lua_State *L) {
    bind_type(L, BIND_DATE, "Date", date_methods, NULL, metamethods);
    luaL_getmetatable(L, BIND_DATE);
    lua_newtable(L);
    luaL_setfuncs(L, date_methods, 0);
    lua_pushcclosure(L, date_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}

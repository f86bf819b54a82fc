/*
 * datetime.c: dates, times, datetimes and intervals as Lua values: immutable userdata that hold a mr_value.
 *
 * Invariant: a date or datetime is in the years 1 to 9999; an interval is shorter than 3660000 days.
 */
#include "datetime.h"

#include <math.h>
#include <string.h>

#include "state/own.h"

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

static int today(lua_State *L) {
    mr_civil c;
    mr_value now = mr_calendar_now(), today;
    mr_civil_from_value(&now, &c);
    mr_civil_to_value(&c, MR_DATE, &today);
    bind_push_date(L, &today);
    return 1;
}

/* ---------------------------------------------------------------- fields */

/* Pushes the field of an interval; returns false where there is no such field. */
static bool interval_field(lua_State *L, const mr_value *v, const char *name) {
    mr_interval_parts parts;
    mr_interval_split(v->u.i, &parts);
    if (strcmp(name, "days") == 0) lua_pushinteger(L, parts.days);
    else if (strcmp(name, "seconds") == 0) lua_pushinteger(L, parts.seconds);
    else if (strcmp(name, "microseconds") == 0) lua_pushinteger(L, parts.microseconds);
    else if (strcmp(name, "total_seconds") == 0) lua_pushnumber(L, (lua_Number)v->u.i / 1e6);
    else return false;
    return true;
}

static bool civil_field(lua_State *L, const mr_value *v, const char *name) {
    mr_kind kind = (mr_kind)v->kind;
    const char *const *names = mr_civil_names(kind);
    mr_civil c;
    mr_civil_from_value(v, &c);
    for (unsigned i = 0; names[i]; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        lua_pushinteger(L, *mr_civil_field(&c, kind, i));
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

int bind_convert_date(lua_State *L, mr_kind kind) {
    mr_value v = self(L, 1), out;
    if (!mr_calendar_convert(&v, kind, &out)) return bind_type_error(L, 1, mr_kind_name(kind), mr_kind_name(kind));
    bind_push_date(L, &out);
    return 1;
}

static int to_date_method(lua_State *L) { return bind_convert_date(L, MR_DATE); }
static int to_time_method(lua_State *L) { return bind_convert_date(L, MR_TIME); }

static mr_value self_of_day(lua_State *L, const char *method) {
    mr_value v = self(L, 1);
    if (v.kind != MR_DATE && v.kind != MR_DATETIME) bind_type_error(L, 1, method, "a date or a datetime");
    return v;
}

/* Seconds since 1970: an integer, or a float where there is a fraction. */
static int timestamp_method(lua_State *L) {
    const int64_t second = 1000000;
    mr_value v = self_of_day(L, "timestamp");
    if (v.kind == MR_DATE) lua_pushinteger(L, v.u.i * 86400);
    else if (v.u.i % second == 0) lua_pushinteger(L, v.u.i / second);
    else lua_pushnumber(L, (lua_Number)v.u.i / (lua_Number)second);
    return 1;
}

/* 1 is Monday, 7 is Sunday. */
static int weekday_method(lua_State *L) {
    enum { DAYS = 7, OF_1970 = 3 }; /* 1970-01-01 was a Thursday, the third day after a Monday */
    mr_value v = self_of_day(L, "weekday"), day;
    mr_calendar_convert(&v, MR_DATE, &day);
    int64_t n = (day.u.i + OF_1970) % DAYS;
    lua_pushinteger(L, (n < 0 ? n + DAYS : n) + 1);
    return 1;
}

/* replace{ day = 1, hour = 0 }: a copy with other fields. */
static int replace_method(lua_State *L) {
    mr_value v = self(L, 1), made;
    mr_civil c;
    char mistake[MR_MISTAKE_SIZE];
    mr_kind kind = (mr_kind)v.kind;
    if (kind == MR_INTERVAL) return bind_error(L, MR_ERR_ARGUMENT, "replace: an interval has no fields to replace");
    if (!bind_is_plain_table(L, 2)) return bind_type_error(L, 2, "replace", "fields such as { day = 1 }");
    const char *const *names = mr_civil_names(kind);
    bind_check_options(L, 2, "replace", names);
    mr_civil_from_value(&v, &c);
    for (unsigned i = 0; names[i]; i++) {
        int integral = 0, given = bind_option(L, 2, names[i]);
        lua_Integer n = given == LUA_TNUMBER ? lua_tointegerx(L, -1, &integral) : 0;
        if (given != LUA_TNIL && (!integral || n < -1000000000 || n > 1000000000))
            return bind_error(L, MR_ERR_ARGUMENT, "replace: expected an integer for the %s, got %s", names[i],
                              bind_describe(L, -1));
        if (given != LUA_TNIL) *mr_civil_field(&c, kind, i) = (int)n;
        lua_pop(L, 1);
    }
    if (mr_civil_mistake(&c, kind, mistake)) return bind_error(L, MR_ERR_ARGUMENT, "replace: %s", mistake);
    mr_civil_to_value(&c, kind, &made);
    bind_push_date(L, &made);
    return 1;
}

/* Raises: v has no field of the name at index 2. */
static int no_field(lua_State *L, const mr_value *v) {
    static const char *const interval_names[] = {"days", "seconds", "microseconds", "total_seconds", NULL};
    const char *const *names = v->kind == MR_INTERVAL ? interval_names : mr_civil_names((mr_kind)v->kind);
    if (lua_type(L, 2) != LUA_TSTRING)
        return bind_error(L, MR_ERR_ARGUMENT, "%s has no field %s", mr_kind_name(v->kind), bind_describe(L, 2));
    lua_newtable(L);
    for (; *names; names++) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, *names);
    }
    const char *name = lua_tostring(L, 2), *near = bind_nearest_key(L, -1, name);
    if (!near) near = bind_nearest_key(L, lua_upvalueindex(1), name);
    const char *cure = bind_elsewhere("date", name);
    if (cure) return bind_error(L, MR_ERR_ARGUMENT, "%s has no field '%s': %s", mr_kind_name(v->kind), name, cure);
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
    return bind_error(L, MR_ERR_ARGUMENT, "the %s cannot be changed: make a new one", mr_kind_name(v.kind));
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
        return bind_error(L, MR_ERR_ARGUMENT, "cannot compare %s with %s%s", bind_describe(L, 1), bind_describe(L, 2),
                          lua_type(L, 1) == LUA_TSTRING || lua_type(L, 2) == LUA_TSTRING
                              ? " (mr.date, mr.datetime, mr.time and mr.interval make a value of text)"
                              : "");
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
    bool divided = *op == '/' && bind_to_date(L, 1, &other) && (other.kind == MR_DATE || other.kind == MR_DATETIME);
    const char *cure = divided             ? " (seconds since 1970 are its timestamp())"
                       : !moved            ? ""
                       : v.kind == MR_DATE ? " (days are mr.interval{ days = 1 })"
                       : v.kind == MR_TIME ? " (a time of day has no arithmetic: calculate with a datetime)"
                                           : " (seconds are mr.interval{ seconds = 1 })";
    return bind_error(L, MR_ERR_ARGUMENT, "cannot calculate %s %s %s%s", bind_describe(L, 1), op, bind_describe(L, 2),
                      cure);
}

/* Pushes the result of a calculation with intervals, or raises. op: the operator, as messages show it. */
static int push_sum(lua_State *L, mr_sum sum, const mr_value *result, const char *op) {
    if (sum == MR_SUM_NONE) return no_arithmetic(L, op);
    if (sum == MR_SUM_OUTSIDE)
        return bind_error(L, MR_ERR_ARGUMENT,
                          result->kind == MR_INTERVAL ? "interval: it must be shorter than 3660000 days"
                                                      : "the result is outside of the years 1 to 9999");
    bind_push_date(L, result);
    return 1;
}

int bind_push_interval(lua_State *L, double micros) {
    mr_value v;
    mr_sum sum = mr_interval_of(micros, &v);
    return push_sum(L, sum, &v, "");
}

int bind_push_interval_sum(lua_State *L, double micros, int64_t whole) {
    const double most = 1e18; /* whole is less than seven times as much: the sum cannot overflow */
    mr_value v;
    if (whole == 0 || !(micros > -most && micros < most)) return bind_push_interval(L, micros + (double)whole);
    mr_sum sum = mr_interval_times(whole + (int64_t)llround(micros), 1, &v);
    return push_sum(L, sum, &v, "");
}

typedef mr_sum (*calculation)(const mr_value *a, const mr_value *b, mr_value *out);

static int calculate(lua_State *L, const char *event, const char *op, calculation of) {
    mr_value a, b, out;
    if (delegate(L, event)) return 1;
    if (!bind_to_date(L, 1, &a) || !bind_to_date(L, 2, &b)) return no_arithmetic(L, op);
    mr_sum sum = of(&a, &b, &out);
    return push_sum(L, sum, &out, op);
}
static int date_add(lua_State *L) { return calculate(L, "__add", "+", mr_moment_add); }
static int date_sub(lua_State *L) { return calculate(L, "__sub", "-", mr_moment_subtract); }

static int date_mul(lua_State *L) {
    mr_value v;
    if (delegate(L, "__mul")) return 1;
    int number = lua_type(L, 1) == LUA_TNUMBER ? 1 : 2;
    if (lua_type(L, number) != LUA_TNUMBER || !bind_to_date(L, 3 - number, &v) || v.kind != MR_INTERVAL)
        return no_arithmetic(L, "*");
    if (!lua_isinteger(L, number)) return bind_push_interval(L, (double)v.u.i * lua_tonumber(L, number));
    mr_value out;
    mr_sum sum = mr_interval_times(v.u.i, (int64_t)lua_tointeger(L, number), &out);
    return push_sum(L, sum, &out, "*");
}

/* n / by, by the integer that is nearest; halves go away from zero. by is not 0. */
static int64_t nearest_quotient(int64_t n, int64_t by) {
    if (by == INT64_MIN) return 0; /* no interval has so many microseconds */
    int64_t quotient = n / by, rest = n % by;
    uint64_t left = (uint64_t)(rest < 0 ? -rest : rest), whole = (uint64_t)(by < 0 ? -by : by);
    if (left >= whole - left) quotient += (n < 0) == (by < 0) ? 1 : -1;
    return quotient;
}

static bool is_zero(lua_State *L, int idx) {
    mr_value v;
    if (lua_type(L, idx) == LUA_TNUMBER) return lua_tonumber(L, idx) == 0;
    return bind_to_date(L, idx, &v) && v.kind == MR_INTERVAL && v.u.i == 0;
}

static int date_div(lua_State *L) {
    mr_value v, by;
    if (delegate(L, "__div")) return 1;
    if (!bind_to_date(L, 1, &v) || v.kind != MR_INTERVAL) return no_arithmetic(L, "/");
    if (is_zero(L, 2))
        return bind_error(L, MR_ERR_ARGUMENT, "interval: %s / %s: an interval cannot be divided by zero",
                          bind_describe(L, 1), bind_describe(L, 2));
    if (lua_isinteger(L, 2) && lua_tointeger(L, 2) != 0) { /* exact, also beyond the digits of a float */
        v.u.i = nearest_quotient(v.u.i, (int64_t)lua_tointeger(L, 2));
        bind_push_date(L, &v);
        return 1;
    }
    if (lua_type(L, 2) == LUA_TNUMBER) return bind_push_interval(L, (double)v.u.i / lua_tonumber(L, 2));
    if (!bind_to_date(L, 2, &by) || by.kind != MR_INTERVAL) return no_arithmetic(L, "/");
    lua_pushnumber(L, (lua_Number)v.u.i / (lua_Number)by.u.i);
    return 1;
}

/* What moments have not. */
static int date_mod(lua_State *L) { return delegate(L, "__mod") ? 1 : no_arithmetic(L, "%"); }
static int date_idiv(lua_State *L) { return delegate(L, "__idiv") ? 1 : no_arithmetic(L, "//"); }
static int date_pow(lua_State *L) { return delegate(L, "__pow") ? 1 : no_arithmetic(L, "^"); }

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
                                       {"__mod", date_mod},
                                       {"__idiv", date_idiv},
                                       {"__pow", date_pow},
                                       {"__concat", date_concat},
                                       {"__unm", date_unm},
                                       {"__tostring", date_tostring},
                                       {"__newindex", date_newindex},
                                       {NULL, NULL}};

static const luaL_Reg date_methods[] = {{"format", format_method},       {"isoformat", isoformat_method},
                                        {"to_date", to_date_method},     {"to_time", to_time_method},
                                        {"timestamp", timestamp_method}, {"weekday", weekday_method},
                                        {"replace", replace_method},     {NULL, NULL}};

static const luaL_Reg functions[] = {{"now", bind_now}, {"today", today}, {NULL, NULL}};

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

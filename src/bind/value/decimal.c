/*
 * decimal.c: decimals as Lua values: immutable userdata that hold their text, such as "-12.30".
 *
 * Invariant: no float becomes a decimal, or the reverse, unless the program says so (tonumber).
 */
#include "decimal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state/own.h"

typedef struct decimal {
    size_t len;
    char text[];
} decimal;

void bind_push_decimal(lua_State *L, const char *text, size_t len) {
    decimal *d = lua_newuserdatauv(L, sizeof *d + len + 1, 0);
    d->len = len;
    memcpy(d->text, text, len);
    d->text[len] = '\0';
    bind_set_type(L, BIND_DECIMAL);
}

bool bind_to_decimal(lua_State *L, int idx, mr_value *out) {
    const decimal *d = bind_test(L, idx, BIND_DECIMAL);
    if (d) *out = mr_bytes_value(MR_DECIMAL, d->text, d->len);
    return d != NULL;
}

static mr_value self(lua_State *L) {
    const decimal *d = bind_arg(L, 1, BIND_DECIMAL, "decimal");
    return mr_bytes_value(MR_DECIMAL, d->text, d->len);
}

/* ---------------------------------------------------------------- making */

/* Replaces the string buffer's owner on top by its decimal, or raises. what: the operation, for messages. */
static int push_made(lua_State *L, mr_decimal_status status, const mr_strbuf *text, const char *what) {
    switch (status) {
    case MR_DECIMAL_OK:
        bind_push_decimal(L, text->data, text->len);
        return 1;
    case MR_DECIMAL_ZERO:
        return bind_error(L, MR_ERR_ARGUMENT, "%s: a decimal cannot be divided by zero", what);
    case MR_DECIMAL_LARGE:
        return bind_error(L, MR_ERR_ARGUMENT, "%s: the decimal would have more than %d digits", what, MR_DECIMAL_MAX);
    case MR_DECIMAL_NOMEM:
        mr_nomem(bind_of(L)->env);
        return bind_raise(L);
    case MR_DECIMAL_NONE:
    case MR_DECIMAL_EXCESS:
        break;
    }
    return bind_error(L, MR_ERR_ARGUMENT, "%s: %s is no decimal", what, bind_describe(L, 1));
}

/* Is it a word that other libraries take for a number that is none? */
static bool is_no_number(const char *s) {
    static const char *const words[] = {"nan", "snan", "inf", "infinity"};
    char small[16];
    size_t len = 0;
    if (*s == '-' || *s == '+') s++;
    for (; s[len] && len + 1 < sizeof small; len++)
        small[len] = (char)(s[len] >= 'A' && s[len] <= 'Z' ? s[len] + 32 : s[len]);
    small[len] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], small) == 0) return true;
    return false;
}

static int refuse_text(lua_State *L) {
    if (is_no_number(lua_tostring(L, 1)))
        return bind_error(L, MR_ERR_ARGUMENT, "decimal: %s: there is no NaN and no infinity among decimals",
                          bind_describe(L, 1));
    return bind_error(L, MR_ERR_ARGUMENT,
                      "decimal: %s is no decimal (write digits with a point, such as \"-12.30\", without spaces)",
                      bind_describe(L, 1));
}

/* mr.decimal("12.30"), of an integer, or of a decimal. */
static int make(lua_State *L) {
    size_t len;
    mr_value v;
    if (lua_gettop(L) > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "decimal: expected one argument, got %d", lua_gettop(L));
    if (bind_to_decimal(L, 1, &v)) return 1;
    if (lua_type(L, 1) == LUA_TNUMBER && !lua_isinteger(L, 1))
        return bind_error(L, MR_ERR_ARGUMENT,
                          "decimal: %s: a float is not exact: write the digits as a string, \"0.1\", or give "
                          "string.format its number of digits",
                          bind_describe(L, 1));
    if (lua_type(L, 1) != LUA_TSTRING && !lua_isinteger(L, 1))
        return bind_type_error(L, 1, "decimal", "a string such as \"12.30\", or an integer");
    lua_Integer n = lua_isinteger(L, 1) ? lua_tointeger(L, 1) : 0;
    bool text = lua_type(L, 1) == LUA_TSTRING;
    mr_strbuf *out = bind_own_strbuf(L);
    if (!text) mr_strbuf_printf(out, "%lld", (long long)n);
    const char *s = text ? lua_tolstring(L, 1, &len) : NULL;
    mr_decimal_status status = text ? mr_decimal_parse(s, len, out) : out->oom ? MR_DECIMAL_NOMEM : MR_DECIMAL_OK;
    return status == MR_DECIMAL_NONE ? refuse_text(L) : push_made(L, status, out, "decimal");
}

/* ---------------------------------------------------------------- operands */

/* The other operand may have a metamethod of its own, as an SQL expression does: pushes its result. A date asks this
 * value in turn. */
static bool delegate(lua_State *L, const char *event) {
    mr_value v;
    int other = bind_to_decimal(L, 1, &v) ? 2 : 1;
    if (lua_type(L, other) != LUA_TUSERDATA || bind_to_decimal(L, other, &v) || bind_to_date(L, other, &v) ||
        luaL_getmetafield(L, other, event) == LUA_TNIL)
        return false;
    lua_settop(L, 3);
    lua_insert(L, 1);
    lua_call(L, 2, 1);
    return true;
}

static const char *cure_for(lua_State *L, int idx) {
    if (lua_type(L, idx) == LUA_TNUMBER) return " (a float is not exact: mr.decimal(\"0.1\") makes a decimal of text)";
    return lua_type(L, idx) == LUA_TSTRING ? " (mr.decimal makes a decimal of text)" : "";
}

/* Reads the operands at 1 and 2: decimals and integers. Returns 0, or the index of one that is neither. */
static int operands(lua_State *L, mr_value v[2]) {
    for (int i = 0; i < 2; i++) {
        if (bind_to_decimal(L, i + 1, &v[i])) continue;
        if (!lua_isinteger(L, i + 1)) return i + 1;
        v[i] = mr_int_value((int64_t)lua_tointeger(L, i + 1));
    }
    return 0;
}

/* ---------------------------------------------------------------- arithmetic */

static int calculate(lua_State *L, const char *event, const char *op, mr_decimal_op of) {
    mr_value v[2];
    if (delegate(L, event)) return 1;
    int wrong = operands(L, v);
    if (wrong)
        return bind_error(L, MR_ERR_ARGUMENT, "cannot calculate %s %s %s%s", bind_describe(L, 1), op,
                          bind_describe(L, 2), cure_for(L, wrong));
    mr_strbuf *out = bind_own_strbuf(L);
    return push_made(L, mr_decimal_calculate(of, &v[0], &v[1], out), out, op);
}

static int add(lua_State *L) { return calculate(L, "__add", "+", MR_DECIMAL_ADD); }
static int sub(lua_State *L) { return calculate(L, "__sub", "-", MR_DECIMAL_SUB); }
static int mul(lua_State *L) { return calculate(L, "__mul", "*", MR_DECIMAL_MUL); }
static int divide(lua_State *L) { return calculate(L, "__div", "/", MR_DECIMAL_DIV); }
static int floor_divide(lua_State *L) { return calculate(L, "__idiv", "//", MR_DECIMAL_FLOOR_DIV); }
static int mod(lua_State *L) { return calculate(L, "__mod", "%", MR_DECIMAL_MOD); }

static int power(lua_State *L) {
    mr_value v;
    if (delegate(L, "__pow")) return 1;
    if (!bind_to_decimal(L, 1, &v) || !lua_isinteger(L, 2))
        return bind_error(L, MR_ERR_ARGUMENT, "cannot calculate %s ^ %s (the power of a decimal is an integer)",
                          bind_describe(L, 1), bind_describe(L, 2));
    mr_strbuf *out = bind_own_strbuf(L);
    return push_made(L, mr_decimal_power(&v, (int64_t)lua_tointeger(L, 2), out), out, "^");
}

static int negative_of(lua_State *L, const mr_value *v) {
    mr_value zero = mr_int_value(0);
    mr_strbuf *out = bind_own_strbuf(L);
    return push_made(L, mr_decimal_calculate(MR_DECIMAL_SUB, &zero, v, out), out, "-");
}

static int unm(lua_State *L) {
    mr_value v = self(L);
    return negative_of(L, &v);
}

static int sign_of(const mr_value *v) {
    mr_value zero = mr_bytes_value(MR_DECIMAL, "0", 1);
    return mr_decimal_compare(v, &zero);
}

static int absolute(lua_State *L) {
    mr_value v = self(L);
    if (sign_of(&v) < 0) return negative_of(L, &v);
    lua_settop(L, 1);
    return 1;
}

static int sign(lua_State *L) {
    mr_value v = self(L);
    lua_pushinteger(L, sign_of(&v));
    return 1;
}

/* ---------------------------------------------------------------- comparing */

static int equals(lua_State *L) {
    mr_value a, b;
    lua_pushboolean(L, bind_to_decimal(L, 1, &a) && bind_to_decimal(L, 2, &b) && mr_decimal_compare(&a, &b) == 0);
    return 1;
}

/* Returns -1, 0 or 1 for the values at the indices 1 and 2. Raises where one is neither a decimal nor an integer. */
static int compared(lua_State *L) {
    mr_value v[2];
    char digits[2][24];
    int wrong = operands(L, v);
    if (wrong)
        return bind_error(L, MR_ERR_ARGUMENT, "cannot compare %s with %s%s", bind_describe(L, 1), bind_describe(L, 2),
                          cure_for(L, wrong));
    for (int i = 0; i < 2; i++) {
        if (v[i].kind != MR_INT) continue;
        int n = snprintf(digits[i], sizeof digits[i], "%lld", (long long)v[i].u.i);
        v[i] = mr_bytes_value(MR_DECIMAL, digits[i], (size_t)n);
    }
    return mr_decimal_compare(&v[0], &v[1]);
}

static int less(lua_State *L) {
    if (!delegate(L, "__lt")) lua_pushboolean(L, compared(L) < 0);
    return 1;
}

static int less_equal(lua_State *L) {
    if (!delegate(L, "__le")) lua_pushboolean(L, compared(L) <= 0);
    return 1;
}

/* d:compare(x): -1, 0 or 1; x may be an integer, which == never takes for equal. */
static int compare(lua_State *L) {
    self(L);
    lua_settop(L, 2);
    lua_pushinteger(L, compared(L));
    return 1;
}

/* ---------------------------------------------------------------- rounding */

static const char *const modes[] = {[MR_ROUND_HALF_EVEN] = "half_even", [MR_ROUND_HALF_UP] = "half_up",
                                    [MR_ROUND_HALF_DOWN] = "half_down", [MR_ROUND_UP] = "up",
                                    [MR_ROUND_DOWN] = "down",           [MR_ROUND_CEILING] = "ceiling",
                                    [MR_ROUND_FLOOR] = "floor"};

static mr_rounding mode_of(lua_State *L, int idx, const char *function) {
    if (lua_isnoneornil(L, idx)) return MR_ROUND_HALF_EVEN;
    const char *word = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "";
    for (int i = 0; i < MR_ROUND__COUNT; i++)
        if (strcmp(modes[i], word) == 0) return (mr_rounding)i;
    bind_error(L, MR_ERR_ARGUMENT,
               "%s: the way of rounding is \"half_even\", \"half_up\", \"half_down\", \"up\", \"down\", \"ceiling\" or "
               "\"floor\", got %s",
               function, bind_describe(L, idx));
    return MR_ROUND_HALF_EVEN;
}

static int round_to(lua_State *L, const mr_value *v, int64_t scale, mr_rounding how, const char *function) {
    mr_strbuf *out = bind_own_strbuf(L);
    return push_made(L, mr_decimal_round(v, scale, how, out), out, function);
}

/* d:round(digits, mode) */
static int round_method(lua_State *L) {
    mr_value v = self(L);
    bind_refuse_more(L, 2, "round", "");
    int integral = 1;
    lua_Integer scale = lua_isnoneornil(L, 2) ? 0 : lua_tointegerx(L, 2, &integral);
    if (!integral || lua_type(L, 2) == LUA_TSTRING)
        return bind_type_error(L, 2, "round", "a number of digits behind the point");
    return round_to(L, &v, (int64_t)scale, mode_of(L, 3, "round"), "round");
}

/* d:quantize(other, mode): with as many digits behind the point as other has. */
static int quantize(lua_State *L) {
    mr_value v = self(L), other;
    bind_refuse_more(L, 2, "quantize", "");
    if (!bind_to_decimal(L, 2, &other))
        return bind_type_error(L, 2, "quantize",
                               "a decimal whose digits behind the point are counted, mr.decimal(\"0.01\")");
    return round_to(L, &v, (int64_t)mr_decimal_scale(other.u.s, other.len), mode_of(L, 3, "quantize"), "quantize");
}

/* ---------------------------------------------------------------- other forms */

static int scale_method(lua_State *L) {
    mr_value v = self(L);
    lua_pushinteger(L, (lua_Integer)mr_decimal_scale(v.u.s, v.len));
    return 1;
}

static int to_string(lua_State *L) {
    mr_value v = self(L);
    lua_pushlstring(L, v.u.s, v.len);
    return 1;
}

/* d:key(): text that equal decimals share, for the keys of tables. */
static int key(lua_State *L) {
    mr_value v = self(L);
    size_t len = mr_decimal_short(v.u.s, v.len);
    lua_pushlstring(L, v.u.s, len);
    return 1;
}

static int normalize(lua_State *L) {
    mr_value v = self(L);
    bind_push_decimal(L, v.u.s, mr_decimal_short(v.u.s, v.len));
    return 1;
}

static int to_number(lua_State *L) {
    mr_value v = self(L);
    double d = 0;
    mr_parse_float(v.u.s, &d);
    lua_pushnumber(L, d);
    return 1;
}

/* nil where the decimal is no integer of Lua, as math.tointeger does. */
static int to_integer(lua_State *L) {
    mr_value v = self(L);
    char digits[24];
    size_t len = mr_decimal_short(v.u.s, v.len);
    bool integral = len < sizeof digits && !memchr(v.u.s, '.', len);
    if (integral) {
        memcpy(digits, v.u.s, len);
        digits[len] = '\0';
        errno = 0;
    }
    long long n = integral ? strtoll(digits, NULL, 10) : 0;
    if (integral && errno == 0) lua_pushinteger(L, (lua_Integer)n);
    else lua_pushnil(L);
    return 1;
}

static int concat(lua_State *L) {
    if (delegate(L, "__concat")) return 1;
    mr_value v;
    for (int i = 1; i <= 2; i++)
        if (!lua_isstring(L, i) && !bind_to_decimal(L, i, &v))
            return bind_error(L, MR_ERR_ARGUMENT, "cannot calculate %s %s %s%s", bind_describe(L, 1), "..",
                              bind_describe(L, 2), "");
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

static int newindex(lua_State *L) {
    return bind_error(L, MR_ERR_ARGUMENT, "a decimal cannot be changed: make a new one");
}

/* ---------------------------------------------------------------- registration */

void bind_open_decimal(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"round", round_method},  {"quantize", quantize},  {"scale", scale_method},   {"sign", sign},
        {"abs", absolute},        {"compare", compare},    {"tostring", to_string},   {"key", key},
        {"normalize", normalize}, {"tonumber", to_number}, {"tointeger", to_integer}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__add", add},
                                           {"__sub", sub},
                                           {"__mul", mul},
                                           {"__div", divide},
                                           {"__idiv", floor_divide},
                                           {"__mod", mod},
                                           {"__pow", power},
                                           {"__unm", unm},
                                           {"__eq", equals},
                                           {"__lt", less},
                                           {"__le", less_equal},
                                           {"__concat", concat},
                                           {"__tostring", to_string},
                                           {"__newindex", newindex},
                                           {NULL, NULL}};
    bind_type(L, BIND_DECIMAL, "Decimal", methods, NULL, metamethods);
    lua_pushcfunction(L, make);
    lua_setfield(L, -2, "decimal");
}

/*
 * floor.c: Lua's // and %, which round down.
 *
 * Invariant: SQLite (by functions of ours) and criteria that are computed in memory give the same result, because both
 * come from here.
 */
#include <moonrow/base.h>

#include <math.h>

static double real(const mr_value *v) { return v->kind == MR_FLOAT ? v->u.d : (double)v->u.i; }

/* SQLite keeps no NaN: it is NULL there. */
static mr_value number(double d) { return d != d ? mr_null_value() : mr_float_value(d); }

mr_value mr_floor_div(const mr_value *a, const mr_value *b) {
    if (a->kind != MR_INT || b->kind != MR_INT)
        return real(b) == 0 ? mr_null_value() : number(floor(real(a) / real(b)));
    int64_t x = a->u.i, y = b->u.i;
    if (y == 0) return mr_null_value();
    if (y == -1) return mr_int_value((int64_t)(0 - (uint64_t)x)); /* it wraps around, as in Lua */
    int64_t q = x / y;
    return mr_int_value(x % y != 0 && (x < 0) != (y < 0) ? q - 1 : q);
}

mr_value mr_floor_mod(const mr_value *a, const mr_value *b) {
    if (a->kind == MR_INT && b->kind == MR_INT) {
        int64_t x = a->u.i, y = b->u.i;
        if (y == 0) return mr_null_value();
        int64_t rest = y == -1 ? 0 : x % y;
        return mr_int_value(rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest);
    }
    double x = real(a), y = real(b);
    if (y == 0) return mr_null_value();
    double rest = fmod(x, y);
    if (rest > 0 ? y < 0 : (rest < 0 && y > 0)) rest += y;
    return number(rest);
}

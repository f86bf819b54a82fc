/*
 * moment.c: calculates with dates, datetimes and intervals.
 *
 * Invariant: each result is a date or datetime of the years 1 to 9999, or an interval shorter than MR_INTERVAL_LIMIT.
 * Nothing overflows on the way, because the operands are in these ranges, too.
 */
#include <moonrow/base.h>

#include <math.h>

#define SECOND INT64_C(1000000) /* in microseconds, the unit of times and intervals */
#define DAY    (INT64_C(86400) * SECOND)

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/* ---------------------------------------------------------------- intervals */

static mr_sum interval(int64_t micros, mr_value *out) {
    *out = mr_value_of(MR_INTERVAL, micros);
    return micros > -MR_INTERVAL_LIMIT && micros < MR_INTERVAL_LIMIT ? MR_SUM_OK : MR_SUM_OUTSIDE;
}

mr_sum mr_interval_of(double micros, mr_value *out) {
    *out = mr_value_of(MR_INTERVAL, 0);
    /* Written so that NaN is outside, too. */
    if (!(micros > -(double)MR_INTERVAL_LIMIT && micros < (double)MR_INTERVAL_LIMIT)) return MR_SUM_OUTSIDE;
    return interval((int64_t)llround(micros), out);
}

mr_sum mr_interval_times(int64_t micros, int64_t factor, mr_value *out) {
    *out = mr_value_of(MR_INTERVAL, 0);
    if (micros == 0 || factor == 0) return MR_SUM_OK;
    const int64_t most = MR_INTERVAL_LIMIT - 1;
    /* INT64_MIN has no negative; any factor so far from 0 is too large. */
    if (factor > most || factor < -most || micros > most || micros < -most) return MR_SUM_OUTSIDE;
    int64_t size = factor < 0 ? -factor : factor, length = micros < 0 ? -micros : micros;
    if (length > most / size) return MR_SUM_OUTSIDE;
    out->u.i = micros * factor;
    return MR_SUM_OK;
}

void mr_interval_split(int64_t micros, mr_interval_parts *out) {
    out->days = floor_div(micros, DAY);
    int64_t rest = micros - out->days * DAY;
    out->seconds = (int)(rest / SECOND);
    out->microseconds = (int)(rest % SECOND);
}

/* ---------------------------------------------------------------- sums and differences */

/* Are intervals added to values of this kind? A time of day has no arithmetic: it would have to wrap at midnight. */
static bool is_shiftable(const mr_value *v) { return v->kind == MR_DATE || v->kind == MR_DATETIME; }

/* *out: v moved by the microseconds; a date moves by whole days. */
static mr_sum shift(const mr_value *v, int64_t micros, mr_value *out) {
    static const mr_civil first = {.year = 1, .month = 1, .day = 1};
    static const mr_civil last = {
        .year = 9999, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 59, .microsecond = 999999};
    mr_kind kind = (mr_kind)v->kind;
    mr_value least, most;
    *out = mr_value_of(kind, v->u.i + (kind == MR_DATE ? floor_div(micros, DAY) : micros));
    bool known = mr_civil_to_value(&first, kind, &least) && mr_civil_to_value(&last, kind, &most);
    return known && out->u.i >= least.u.i && out->u.i <= most.u.i ? MR_SUM_OK : MR_SUM_OUTSIDE;
}

mr_sum mr_moment_add(const mr_value *a, const mr_value *b, mr_value *out) {
    if (a->kind == MR_INTERVAL && b->kind == MR_INTERVAL) return interval(a->u.i + b->u.i, out);
    if (is_shiftable(a) && b->kind == MR_INTERVAL) return shift(a, b->u.i, out);
    if (a->kind == MR_INTERVAL && is_shiftable(b)) return shift(b, a->u.i, out);
    return MR_SUM_NONE;
}

mr_sum mr_moment_subtract(const mr_value *a, const mr_value *b, mr_value *out) {
    if (is_shiftable(a) && b->kind == MR_INTERVAL) return shift(a, -b->u.i, out);
    if (a->kind != b->kind || !(is_shiftable(a) || a->kind == MR_INTERVAL)) return MR_SUM_NONE;
    return interval((a->u.i - b->u.i) * (a->kind == MR_DATE ? DAY : 1), out);
}

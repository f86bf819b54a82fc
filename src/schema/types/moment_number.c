/*
 * moment_number.c: dates, times, datetimes and intervals that are stored as numbers: of seconds since 1970, of days, of
 * seconds since 2001.
 *
 * Invariant: a number that is read as a value is what the value is stored as again, because a float that is not the
 * nearest one to its value is remembered in the value. A criterion that lies between two integers becomes a float, and
 * so compares rightly.
 */
#include "rules.h"

#include <math.h>
#include <string.h>

#define SECOND INT64_C(1000000) /* in microseconds */
#define DAY    (INT64_C(86400) * SECOND)

#define FIRST (INT64_C(-719162) * DAY)     /* 0001-01-01 */
#define LAST  (INT64_C(2932897) * DAY - 1) /* the end of 9999-12-31 */

static const double HALF = 0.5; /* between two integers that have many digits */

static int64_t micros_of(const mr_value *v) { return v->kind == MR_DATE ? v->u.i * DAY : v->u.i; }

static int64_t floor_to(int64_t n, int64_t unit) {
    int64_t rest = n % unit;
    return n - (rest < 0 ? rest + unit : rest);
}

/* Makes a value of the type's kind of the microseconds. False when there is none. */
static bool moment(const mr_type *type, int64_t micros, mr_value *out) {
    mr_kind kind = type->rules->kind;
    bool calendar = kind == MR_DATE || kind == MR_DATETIME;
    if (calendar && (micros < FIRST || micros > LAST)) return false;
    if (kind == MR_TIME && (micros < 0 || micros >= DAY)) return false;
    if (kind == MR_INTERVAL && (micros <= -MR_INTERVAL_LIMIT || micros >= MR_INTERVAL_LIMIT)) return false;
    if (kind == MR_DATE && micros % DAY != 0) return false;
    *out = mr_value_of(kind, kind == MR_DATE ? micros / DAY : micros);
    return true;
}

/* ---------------------------------------------------------------- integers */

static bool read_integer(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    int64_t unit = type->rules->unit;
    if (v->kind == type->rules->kind) return true;
    if (v->kind != MR_INT || v->u.i > LAST * 2 / unit || v->u.i < -(LAST * 2 / unit)) return false;
    return moment(type, v->u.i * unit + type->rules->epoch, v);
}

static mr_status store_integer(const mr_type *type, mr_value *v, mr_store_room *room) {
    (void)room;
    if (v->kind != type->rules->kind) return MR_OK;
    int64_t unit = type->rules->unit, micros = micros_of(v) - type->rules->epoch, whole = floor_to(micros, unit);
    const double units = (double)(whole / unit), between = units + (double)(micros - whole) / (double)unit;
    if (whole == micros) *v = mr_int_value(micros / unit);
    else *v = mr_float_value(between > units && between < units + 1 ? between : units + HALF);
    return MR_OK;
}

static void cut(const mr_type *type, mr_value *v) {
    if (v->kind != type->rules->kind) return;
    v->len = 0;
    if (v->kind != MR_DATE) v->u.i = floor_to(v->u.i, type->rules->unit);
}

/* ---------------------------------------------------------------- floats */

/* A float's place among all floats in their order: those of neighbours differ by 1. */
static int64_t rank(double d) {
    int64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits < 0 ? INT64_MIN - bits : bits;
}

static double of_rank(int64_t rank) {
    double d;
    if (rank < 0) rank = INT64_MIN - rank;
    memcpy(&d, &rank, sizeof d);
    return d;
}

/* What 1.0 is in units: of both, per is a multiple. */
static int64_t units_of_one(const mr_type *type) { return (int64_t)type->rules->per / type->rules->unit; }

/* The float that is nearest to the microseconds. They have more digits than a float, so whole and rest are converted
 * apart. */
static double nearest_to(const mr_type *type, int64_t micros) {
    const int64_t per = (int64_t)type->rules->per, since = micros - type->rules->epoch, whole = floor_to(since, per);
    return ((double)(whole / per) + type->rules->zero) + (double)(since - whole) / type->rules->per;
}

/* The value whose float that is, to the nearest unit. False: there is none. */
static bool value_of(const mr_type *type, double d, mr_value *out) {
    const double ones = d - type->rules->zero, whole = floor(ones);
    if (!(fabs(ones) * type->rules->per <= (double)LAST * 2)) return false;
    const int64_t one = units_of_one(type), rest = (int64_t)nearbyint((ones - whole) * (double)one);
    const int64_t micros = ((int64_t)whole * one + rest) * type->rules->unit + type->rules->epoch;
    return moment(type, micros, out);
}

static bool is_value_of(const mr_type *type, double d, const mr_value *v) {
    mr_value made;
    return value_of(type, d, &made) && made.u.i == v->u.i;
}

/* The float that is nearest to the value. That of one of the last microseconds may be beyond all values: then the one
 * before it. */
static double nearest(const mr_type *type, const mr_value *v) {
    mr_value made;
    const double d = nearest_to(type, micros_of(v));
    return value_of(type, d, &made) ? d : of_rank(rank(d) - (d > 0 ? 1 : -1));
}

/* The float that was read is remembered by the number of places from the nearest one to it, in the high 16 bits of
 * mr_value.len: more than -FAR, and less than FAR. */
enum { FAR = 1 << 15 };
/* A value of which no float is the nearest, in a comparison for equality. */
enum { NO_FLOAT = MR_SPELLED_REAL };

static int64_t remembered(const mr_value *v) {
    return v->len & MR_SPELLED_REAL ? (int64_t)(v->len >> MR_SPELLED_MINUTE_SHIFT) - FAR : 0;
}

static uint32_t remember(int64_t beside) {
    return beside ? MR_SPELLED_REAL | (uint32_t)(beside + FAR) << MR_SPELLED_MINUTE_SHIFT : 0;
}

static bool read_float(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    if (v->kind == type->rules->kind) return true;
    if (v->kind != MR_FLOAT && v->kind != MR_INT) return false;
    const double d = v->kind == MR_INT ? (double)v->u.i : v->u.d;
    mr_value made;
    if (!value_of(type, d, &made)) return false;
    int64_t beside = rank(d) - rank(nearest(type, &made));
    if (beside <= -FAR || beside >= FAR) return false;
    made.len = remember(beside);
    *v = made;
    return true;
}

/* A value that is written becomes the one that will be read: of far ones, a float cannot tell each microsecond. */
static void cut_float(const mr_type *type, mr_value *v) {
    mr_value made;
    cut(type, v);
    if (v->kind == type->rules->kind && value_of(type, nearest(type, v), &made)) *v = made;
}

/* Lies the value between two units, which a criterion may? Then no stored value is equal. */
static bool is_between_units(const mr_type *type, const mr_value *v) { return micros_of(v) % type->rules->unit != 0; }

/* Such a criterion is a float in the middle, which is no spelling of either. */
static mr_status store_float(const mr_type *type, mr_value *v, mr_store_room *room) {
    (void)room;
    if (v->kind != type->rules->kind) return MR_OK;
    const int64_t unit = type->rules->unit;
    if (v->len == NO_FLOAT) *v = mr_float_value(HUGE_VAL);
    else if (is_between_units(type, v)) *v = mr_float_value(nearest_to(type, floor_to(micros_of(v), unit) + unit / 2));
    else *v = mr_float_value(of_rank(rank(nearest(type, v)) + remembered(v)));
    return MR_OK;
}

/* Other programs calculate in another order, and get a float beside the nearest one. A value that no float gives has
 * two spellings that no row has. */
static unsigned spell_float(const mr_type *type, const mr_value *v, mr_value *out) {
    static const int beside[] = {0, -1, 1, -2, 2};
    unsigned n = 0;
    if (v->kind != type->rules->kind || is_between_units(type, v)) return 0;
    const int64_t own = remembered(v), middle = rank(nearest(type, v));
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        if (!is_value_of(type, of_rank(middle + beside[i]), v)) continue;
        out[n] = *v;
        out[n].flags = 0;
        out[n++].len = remember(beside[i]);
    }
    for (; n < 2 && !is_value_of(type, of_rank(middle), v); n++) {
        out[n] = *v;
        out[n].flags = 0;
        out[n].len = NO_FLOAT;
    }
    if (own >= -2 && own <= 2) return n;
    out[n] = *v;
    out[n++].flags = 0;
    return n;
}

/* A value that no float gives lies between two of them. */
static bool limit_float(const mr_type *type, const mr_value *v, bool before, mr_value *out) {
    mr_value made;
    if (v->kind != type->rules->kind || is_between_units(type, v)) return false;
    const double d = nearest(type, v);
    if (!value_of(type, d, &made) || made.u.i == v->u.i) return false;
    const bool is_before = made.u.i < v->u.i;
    *out = *v;
    out->len = remember(before == is_before ? 0 : before ? -1 : 1);
    return true;
}

/* ---------------------------------------------------------------- the forms */

#define MOMENT(NAME, WANTS, KIND, GROUP)                                                                               \
    .name = NAME, .wants = WANTS, .print = mr_rule_print_storage, .kind = KIND, .group = GROUP,                        \
    .takes = MR_TAKES(KIND), .evaluated = (KIND) != MR_INTERVAL, .coerce = mr_rule_coerce_moment,                      \
    .advise = mr_rule_advise_moment
#define INTEGER(UNIT)                                                                                                  \
    .unit = (UNIT), .sql_as = &mr_type_biginteger, .read = read_integer, .store = store_integer, .cut = cut
#define FLOAT(UNIT, PER, ZERO)                                                                                         \
    .unit = (UNIT), .per = (double)(PER), .zero = (ZERO), .sql_as = &mr_type_float, .read = read_float,                \
    .store = store_float, .cut = cut_float, .spell = spell_float, .limit = limit_float, .spellings = 6

#define DATETIME MOMENT("DateTime", "a datetime", MR_DATETIME, MR_GROUP_DATETIME)
#define DATE     MOMENT("Date", "a date", MR_DATE, MR_GROUP_DATE)
#define TIME     MOMENT("Time", "a time", MR_TIME, MR_GROUP_TIME)
#define INTERVAL MOMENT("Interval", "an interval", MR_INTERVAL, MR_GROUP_INTERVAL)

#define MILLI  INT64_C(1000)
#define JULIAN 2440587.5              /* 1970-01-01 as a Julian day */
#define COCOA  (INT64_C(11323) * DAY) /* 2001-01-01 */
#define SINCE  "datetime: a number of "

const mr_type_rules mr_datetime_unix = {DATETIME, .storage = "unix", .reads = SINCE "seconds since 1970",
                                        INTEGER(SECOND)};
const mr_type_rules mr_datetime_unix_ms = {DATETIME, .storage = "unix_ms", .reads = SINCE "milliseconds since 1970",
                                           INTEGER(MILLI)};
const mr_type_rules mr_datetime_unix_us = {DATETIME, .storage = "unix_us", .reads = SINCE "microseconds since 1970",
                                           INTEGER(1)};
const mr_type_rules mr_datetime_julian = {DATETIME, .storage = "julian", .reads = "datetime: a Julian day",
                                          FLOAT(MILLI, DAY, JULIAN)};
const mr_type_rules mr_datetime_cocoa = {DATETIME, .storage = "cocoa", .reads = SINCE "seconds since 2001",
                                         .epoch = COCOA, FLOAT(1, SECOND, 0)};

const mr_type_rules mr_date_unix = {DATE, .storage = "unix", .reads = "date: the seconds since 1970 of a midnight",
                                    INTEGER(SECOND)};
const mr_type_rules mr_date_unix_ms = {DATE, .storage = "unix_ms",
                                       .reads = "date: the milliseconds since 1970 of a midnight", INTEGER(MILLI)};
const mr_type_rules mr_date_julian = {DATE, .storage = "julian", .reads = "date: the Julian day of a midnight",
                                      FLOAT(MILLI, DAY, JULIAN)};
const mr_type_rules mr_date_cocoa = {DATE, .storage = "cocoa", .reads = "date: the seconds since 2001 of a midnight",
                                     .epoch = COCOA, FLOAT(1, SECOND, 0)};

const mr_type_rules mr_time_seconds = {TIME, .storage = "seconds", .reads = "time: the seconds since midnight",
                                       INTEGER(SECOND)};
const mr_type_rules mr_time_ms = {TIME, .storage = "milliseconds", .reads = "time: the milliseconds since midnight",
                                  INTEGER(MILLI)};
const mr_type_rules mr_time_us = {TIME, .storage = "microseconds", .reads = "time: the microseconds since midnight",
                                  INTEGER(1)};

const mr_type_rules mr_interval_seconds = {INTERVAL, .storage = "seconds", .reads = "interval: a number of seconds",
                                           INTEGER(SECOND)};
const mr_type_rules mr_interval_ms = {INTERVAL, .storage = "milliseconds",
                                      .reads = "interval: a number of milliseconds", INTEGER(MILLI)};
const mr_type_rules mr_interval_us = {INTERVAL, .storage = "microseconds",
                                      .reads = "interval: a number of microseconds", INTEGER(1)};
const mr_type_rules mr_interval_days = {INTERVAL, .storage = "days", .reads = "interval: a number of days",
                                        FLOAT(1, DAY, 0)};

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
    if (whole == micros) *v = mr_int_value(micros / unit);
    else *v = mr_float_value((double)(whole / unit) + (double)(micros - whole) / (double)unit);
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

/* The float that is nearest to the value. */
static double nearest(const mr_type *type, const mr_value *v) {
    return (double)(micros_of(v) - type->rules->epoch) / type->rules->per + type->rules->zero;
}

/* The float that was read is remembered by the number of places from the nearest one to it, in the high 16 bits of
 * mr_value.len: at least -FAR, and less than FAR. */
enum { FAR = 1 << 15 };

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
    double d = v->kind == MR_INT ? (double)v->u.i : v->u.d;
    double micros = (d - type->rules->zero) * type->rules->per, unit = (double)type->rules->unit;
    mr_value made;
    if (!(fabs(micros) <= (double)LAST * 2)) return false;
    int64_t whole = (int64_t)(nearbyint(micros / unit) * unit) + type->rules->epoch;
    if (type->rules->kind == MR_DATE && whole % DAY != 0) return false;
    if (!moment(type, whole, &made)) return false;
    int64_t beside = rank(d) - rank(nearest(type, &made));
    if (beside < -FAR || beside >= FAR) return false;
    made.len = remember(beside);
    *v = made;
    return true;
}

static mr_status store_float(const mr_type *type, mr_value *v, mr_store_room *room) {
    (void)room;
    if (v->kind != type->rules->kind) return MR_OK;
    *v = mr_float_value(of_rank(rank(nearest(type, v)) + remembered(v)));
    return MR_OK;
}

/* Other programs calculate in another order, and get a float beside the nearest one. */
static unsigned spell_float(const mr_type *type, const mr_value *v, mr_value *out) {
    static const int beside[] = {0, -1, 1, -2, 2};
    unsigned n = 0;
    if (v->kind != type->rules->kind) return 0;
    int64_t own = remembered(v);
    if (micros_of(v) % type->rules->unit != 0) return 0; /* no stored value is equal */
    for (; n < sizeof beside / sizeof *beside; n++) {
        out[n] = *v;
        out[n].flags = 0;
        out[n].len = remember(beside[n]);
    }
    if (own >= -2 && own <= 2) return n;
    out[n] = *v;
    out[n++].flags = 0;
    return n;
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
    .store = store_float, .cut = cut, .spell = spell_float, .spellings = 6

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

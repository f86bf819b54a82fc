/*
 * calendar.c: dates and times as ISO 8601 text and as fields. Proleptic Gregorian calendar. Values have no time zone;
 * a datetime that is stored with one is converted to UTC.
 *
 * Invariant: the fields and texts that are written are always valid dates and times of the years 1 to 9999. A value
 * outside of these years is shown as the nearest one inside.
 */
#include <moonrow/base.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000) /* in microseconds, the unit of times */
#define DAY    (INT64_C(86400) * SECOND)

/* The days 0001-01-01, 9999-12-31 and 2000-01-01, counted from 1970-01-01. */
enum { FIRST_DAY = -719162, LAST_DAY = 2932896, DAY_2000 = 10957 };

enum { MILLIS = 3, MICROS = 6, NANOS = 9 }; /* digits of a second's fraction */

static bool is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Number of days from 0001-01-01 to the first of January of the year. */
static int days_before_year(int year) {
    int past = year - 1;
    return past * 365 + past / 4 - past / 100 + past / 400;
}

static int64_t clamp(int64_t value, int64_t least, int64_t most) {
    return value < least ? least : value > most ? most : value;
}

static void date_fields(int64_t day, mr_civil *out) {
    int left = (int)(clamp(day, FIRST_DAY, LAST_DAY) - FIRST_DAY);
    int year = left / 366 + 1; /* a first guess: correct, or a few years too early */
    while (year < 9999 && days_before_year(year + 1) <= left) year++;
    left -= days_before_year(year);
    int month = 1;
    while (left >= days_in_month(year, month)) left -= days_in_month(year, month++);
    out->year = year;
    out->month = month;
    out->day = left + 1;
}

static void time_fields(int64_t micros, mr_civil *out) {
    int64_t seconds = micros / SECOND;
    out->microsecond = (int)(micros % SECOND);
    out->hour = (int)(seconds / 3600);
    out->minute = (int)(seconds / 60 % 60);
    out->second = (int)(seconds % 60);
}

void mr_civil_from_value(const mr_value *v, mr_civil *out) {
    memset(out, 0, sizeof *out);
    if (v->kind == MR_DATE) {
        date_fields(v->u.i, out);
    } else if (v->kind == MR_TIME) {
        time_fields(clamp(v->u.i, 0, DAY - 1), out);
    } else if (v->kind == MR_DATETIME) {
        int64_t at = clamp(v->u.i, FIRST_DAY * DAY, LAST_DAY * DAY + DAY - 1);
        int64_t day = at / DAY, rest = at % DAY;
        if (rest < 0) {
            rest += DAY;
            day--;
        }
        date_fields(day, out);
        time_fields(rest, out);
    }
}

static bool is_date(const mr_civil *c) {
    return c->year >= 1 && c->year <= 9999 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= days_in_month(c->year, c->month);
}

static bool is_time(const mr_civil *c) {
    return c->hour >= 0 && c->hour <= 23 && c->minute >= 0 && c->minute <= 59 && c->second >= 0 && c->second <= 59 &&
           c->microsecond >= 0 && c->microsecond <= 999999;
}

static int64_t day_of(const mr_civil *c) {
    int days = days_before_year(c->year) + c->day - 1;
    for (int month = 1; month < c->month; month++) days += days_in_month(c->year, month);
    return (int64_t)days + FIRST_DAY;
}

static int64_t micros_of(const mr_civil *c) {
    return ((c->hour * INT64_C(60) + c->minute) * 60 + c->second) * SECOND + c->microsecond;
}

bool mr_civil_to_value(const mr_civil *c, mr_kind kind, mr_value *out) {
    if (kind != MR_DATE && kind != MR_TIME && kind != MR_DATETIME) return false;
    if (kind != MR_TIME && !is_date(c)) return false;
    if (kind != MR_DATE && !is_time(c)) return false;
    int64_t day = kind == MR_TIME ? 0 : day_of(c);
    if (kind == MR_DATE) *out = mr_value_of(MR_DATE, day);
    else *out = mr_value_of(kind, day * DAY + micros_of(c));
    return true;
}

bool mr_calendar_convert(const mr_value *v, mr_kind kind, mr_value *out) {
    mr_civil c;
    if (v->kind != kind && v->kind != MR_DATETIME && !(v->kind == MR_DATE && kind == MR_DATETIME)) return false;
    mr_civil_from_value(v, &c);
    return mr_civil_to_value(&c, kind, out);
}

/* ---------------------------------------------------------------- fields by name */

enum { TIME_FIELD = 3 }; /* the first field of a time among those of a datetime */

const char *const *mr_civil_names(mr_kind kind) {
    static const char *const of_date[] = {"year", "month", "day", NULL};
    static const char *const of_datetime[] = {"year", "month", "day", "hour", "minute", "second", "microsecond", NULL};
    return kind == MR_DATE ? of_date : kind == MR_TIME ? of_datetime + TIME_FIELD : of_datetime;
}

int *mr_civil_field(mr_civil *c, mr_kind kind, unsigned i) {
    int *const fields[] = {&c->year, &c->month, &c->day, &c->hour, &c->minute, &c->second, &c->microsecond};
    return fields[i + (kind == MR_TIME ? TIME_FIELD : 0)];
}

/* ---------------------------------------------------------------- mistakes in words */

typedef struct limit {
    const char *name;
    int least, most;
} limit;

static bool is_outside(int n, limit l, char *out) {
    if (n >= l.least && n <= l.most) return false;
    snprintf(out, MR_MISTAKE_SIZE, "there is no %s %d: %ss are %d to %d", l.name, n, l.name, l.least, l.most);
    return true;
}

static bool date_mistake(const mr_civil *c, char *out) {
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    if (is_outside(c->year, (limit){"year", 1, 9999}, out) || is_outside(c->month, (limit){"month", 1, 12}, out))
        return true;
    if (is_date(c)) return false;
    snprintf(out, MR_MISTAKE_SIZE, "%s %d has no day %d", months[c->month - 1], c->year, c->day);
    return true;
}

static bool time_mistake(const mr_civil *c, char *out) {
    return is_outside(c->hour, (limit){"hour", 0, 23}, out) || is_outside(c->minute, (limit){"minute", 0, 59}, out) ||
           is_outside(c->second, (limit){"second", 0, 59}, out) ||
           is_outside(c->microsecond, (limit){"microsecond", 0, 999999}, out);
}

bool mr_civil_mistake(const mr_civil *c, mr_kind kind, char *out) {
    if (kind != MR_TIME && date_mistake(c, out)) return true;
    return kind != MR_DATE && time_mistake(c, out);
}

/* ---------------------------------------------------------------- to text */

static size_t put(char *buf, size_t len, const char *fmt, ...) MR_PRINTF(3, 4);
static size_t put(char *buf, size_t len, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(buf + len, MR_CALENDAR_SIZE - len, fmt, args);
    va_end(args);
    return n < 0 ? len : len + (size_t)n;
}

static size_t put_time(char *buf, size_t len, const mr_civil *c, bool always_micros) {
    len = put(buf, len, "%02d:%02d:%02d", c->hour, c->minute, c->second);
    if (always_micros || c->microsecond != 0) len = put(buf, len, ".%06d", c->microsecond);
    return len;
}

size_t mr_calendar_format(const mr_value *v, char sep, bool always_micros, char *buf) {
    size_t len = 0;
    buf[0] = '\0';
    if (v->kind == MR_INTERVAL) return mr_interval_format(v->u.i, buf);
    mr_civil c;
    mr_civil_from_value(v, &c);
    if (v->kind == MR_DATE || v->kind == MR_DATETIME) len = put(buf, len, "%04d-%02d-%02d", c.year, c.month, c.day);
    if (v->kind == MR_DATETIME) len = put(buf, len, "%c", sep);
    if (v->kind == MR_TIME || v->kind == MR_DATETIME) len = put_time(buf, len, &c, always_micros);
    return len;
}

unsigned mr_calendar_digits(const mr_value *v) {
    if (v->kind == MR_DATE) return 0;
    int64_t fraction = v->u.i % SECOND;
    unsigned n = fraction == 0 ? 0 : MICROS;
    for (; n > 0 && fraction % 10 == 0; n--) fraction /= 10;
    return n;
}

bool mr_calendar_is_odd(const mr_value *v) {
    if (v->kind < MR_DATE || v->kind > MR_INTERVAL || v->len == 0) return false;
    if (v->len & ~(uint32_t)MR_SPELLED_DIGITS) return true;
    unsigned digits = v->len - 1;
    return digits != mr_calendar_digits(v) && digits != MILLIS && digits != MICROS;
}

/* The offset from UTC in minutes. */
static int offset_of(uint32_t how) {
    return how & MR_SPELLED_OFFSET ? (int)(how >> MR_SPELLED_MINUTE_SHIFT) - MR_SPELLED_NO_OFFSET : 0;
}

/* The datetime whose text is the value's: its midnight, the time of a day, an instant in its zone. */
static mr_value as_datetime(const mr_value *v, uint32_t how) {
    mr_value shown = *v;
    if (v->kind == MR_DATE && how & MR_SPELLED_MIDNIGHT) shown = mr_value_of(MR_DATETIME, v->u.i * DAY);
    if (v->kind == MR_TIME && how & MR_SPELLED_2000) shown = mr_value_of(MR_DATETIME, DAY_2000 * DAY + v->u.i);
    if (v->kind == MR_TIME && how & MR_SPELLED_1970) shown = mr_value_of(MR_DATETIME, v->u.i);
    if (v->kind == MR_INTERVAL) shown.kind = MR_DATETIME;
    if (v->kind == MR_DATETIME) shown.u.i += offset_of(how) * 60 * SECOND;
    return shown;
}

/* Gives the fraction at the end of the text, which has six digits, the digits of the spelling, or cuts off seconds or
 * the time. Returns the new length. */
static size_t fit_fraction(const mr_value *v, uint32_t how, size_t len, char *buf) {
    unsigned digits = how & MR_SPELLED_DIGITS;
    if (digits > 0) digits--;
    else digits = (v->kind != MR_DATE && mr_calendar_digits(v) > 0) || v->kind == MR_INTERVAL ? MICROS : 0;
    if (how & MR_SPELLED_MINUTES) return len - (sizeof ":00.000000" - 1);
    if (how & MR_SPELLED_DAY) return len - (sizeof " 00:00:00.000000" - 1);
    for (; digits > MICROS; digits--) buf[len++] = '0';
    return digits == 0 ? len - MICROS - 1 : digits < MICROS ? len - (MICROS - digits) : len;
}

static size_t put_zone(char *buf, size_t len, uint32_t how) {
    int minutes = offset_of(how), size = minutes < 0 ? -minutes : minutes;
    if (how & MR_SPELLED_Z) len = put(buf, len, "Z");
    if (how & MR_SPELLED_OFFSET)
        len = put(buf, len, "%s%c%02d:%02d", how & MR_SPELLED_SPACE ? " " : "", minutes < 0 ? '-' : '+', size / 60,
                  size % 60);
    return how & MR_SPELLED_MARKED ? put(buf, len, "~") : len;
}

size_t mr_calendar_spell(const mr_value *v, char *buf) {
    uint32_t how = v->len & MR_SPELLED_REAL ? 0 : v->len;
    mr_value shown = as_datetime(v, how);
    size_t len = mr_calendar_format(&shown, how & MR_SPELLED_T ? 'T' : ' ', true, buf);
    if (shown.kind != MR_DATE) len = fit_fraction(v, how, len, buf);
    len = put_zone(buf, len, how);
    buf[len] = '\0';
    return len;
}

/* ---------------------------------------------------------------- from text */

typedef struct reader {
    const char *at, *end;
} reader;

static bool accept(reader *r, char c) {
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

/* Reads a number of exactly n digits. */
static bool number(reader *r, int n, int *out) {
    *out = 0;
    for (; n > 0; n--) {
        if (r->at == r->end || *r->at < '0' || *r->at > '9') return false;
        *out = *out * 10 + (*r->at++ - '0');
    }
    return true;
}

/* The bits of mr_value.len that say: the second's fraction has n digits. */
static uint32_t with_digits(unsigned n) { return n + 1; }

static bool read_date(reader *r, mr_civil *c) {
    return number(r, 4, &c->year) && accept(r, '-') && number(r, 2, &c->month) && accept(r, '-') &&
           number(r, 2, &c->day);
}

/* Reads one digit or more. Those behind the sixth must be 0, because a value cannot keep them. */
static bool read_fraction(reader *r, mr_civil *c, unsigned most, uint32_t *spelled) {
    int unit = 1000000, digit;
    unsigned n = 0;
    for (; r->at < r->end && n < most && *r->at >= '0' && *r->at <= '9'; n++) {
        if (!number(r, 1, &digit)) return false;
        unit /= 10;
        if (unit == 0 && digit != 0) return false;
        c->microsecond += digit * unit;
    }
    *spelled = with_digits(n);
    return n > 0;
}

/* Reads HH:MM, HH:MM:SS or HH:MM:SS.ffffff. */
static bool read_time(reader *r, mr_civil *c, unsigned most, uint32_t *spelled) {
    *spelled = MR_SPELLED_MINUTES;
    if (!number(r, 2, &c->hour) || !accept(r, ':') || !number(r, 2, &c->minute)) return false;
    if (!accept(r, ':')) return true;
    *spelled = with_digits(0);
    if (!number(r, 2, &c->second)) return false;
    return !accept(r, '.') || read_fraction(r, c, most, spelled);
}

/* Reads a date, and a time behind it if there is one. */
static bool read_datetime(reader *r, mr_civil *c, unsigned most, uint32_t *how) {
    uint32_t separator = 0;
    if (!read_date(r, c)) return false;
    *how = MR_SPELLED_DAY;
    if (r->at == r->end) return true;
    if (accept(r, 'T')) separator = MR_SPELLED_T;
    else if (!accept(r, ' ')) return false;
    if (!read_time(r, c, most, how)) return false;
    *how |= separator;
    return true;
}

/* Reads the fields of a text, and its spelling. Checks only the text's form, not that the numbers make a date. */
static bool read_fields(mr_kind kind, const char *s, size_t len, mr_civil *c, uint32_t *how) {
    reader r = {s, s + len};
    memset(c, 0, sizeof *c);
    *how = 0;
    if (len == 0) return false;
    bool read = kind == MR_DATE       ? read_date(&r, c)
                : kind == MR_DATETIME ? read_datetime(&r, c, MICROS, how)
                : kind == MR_TIME     ? read_time(&r, c, MICROS, how)
                                      : true;
    return read && r.at == r.end;
}

/* Reads Z, +HH:MM or -HH:MM, with or without a space in front. */
static bool read_zone(reader *r, uint32_t *how) {
    enum { MOST_HOURS = 15, MOST_MINUTES = 59 };
    int hours, minutes;
    if (accept(r, 'Z')) {
        *how |= MR_SPELLED_Z;
        return true;
    }
    if (accept(r, ' ')) *how |= MR_SPELLED_SPACE;
    bool minus = accept(r, '-');
    if (!minus && !accept(r, '+')) return false;
    if (!number(r, 2, &hours) || !accept(r, ':') || !number(r, 2, &minutes)) return false;
    if (hours > MOST_HOURS || minutes > MOST_MINUTES || (minus && hours + minutes == 0)) return false;
    minutes += hours * 60;
    *how |= MR_SPELLED_OFFSET | (uint32_t)((minus ? -minutes : minutes) + MR_SPELLED_NO_OFFSET)
                                    << MR_SPELLED_MINUTE_SHIFT;
    return true;
}

/* Joins the fields of a stored text to a value of the kind. */
static bool join_stored(const mr_civil *c, mr_kind kind, uint32_t how, mr_value *out) {
    mr_value whole;
    if (!mr_civil_to_value(c, MR_DATETIME, &whole)) return false;
    whole.u.i -= offset_of(how) * 60 * SECOND;
    int64_t day = whole.u.i / DAY - (whole.u.i % DAY < 0), rest = whole.u.i - day * DAY;
    if (kind == MR_DATE) *out = mr_value_of(MR_DATE, day);
    else if (kind == MR_TIME) *out = mr_value_of(MR_TIME, rest);
    else *out = whole;
    if (kind == MR_DATE && rest == 0) how |= MR_SPELLED_MIDNIGHT;
    else if (kind == MR_TIME && day == DAY_2000) how |= MR_SPELLED_2000;
    else if (kind == MR_TIME && day == 0) how |= MR_SPELLED_1970;
    else if (kind != MR_DATETIME) return false;
    out->len = how;
    return day >= FIRST_DAY && day <= LAST_DAY;
}

/* Reads a datetime as other programs store it: with a zone, or for a value that is only a date or a time. */
static bool read_stored(mr_kind kind, const char *s, size_t len, mr_value *out) {
    reader r = {s, s + len};
    mr_civil c = {0};
    uint32_t how;
    if (!read_datetime(&r, &c, NANOS, &how)) return false;
    if (r.at < r.end && (kind != MR_DATETIME || how & MR_SPELLED_DAY || !read_zone(&r, &how))) return false;
    if (kind != MR_DATETIME && how & MR_SPELLED_DAY) return false;
    return r.at == r.end && join_stored(&c, kind, how, out);
}

bool mr_calendar_read(mr_kind kind, const char *s, size_t len, mr_value *out) {
    uint32_t how;
    mr_civil c;
    if (read_fields(kind, s, len, &c, &how)) {
        if (!mr_civil_to_value(&c, kind, out)) return false;
        out->len = how;
        return true;
    }
    if (kind != MR_TIME) return read_stored(kind, s, len, out);
    /* A fraction of up to nine digits, or a datetime. */
    reader r = {s, s + len};
    memset(&c, 0, sizeof c);
    if (!read_time(&r, &c, NANOS, &how) || r.at != r.end) return read_stored(kind, s, len, out);
    if (!mr_civil_to_value(&c, kind, out)) return false;
    out->len = how;
    return true;
}

bool mr_calendar_parse(mr_kind kind, const char *s, size_t len, mr_value *out) {
    int64_t micros;
    uint32_t how;
    mr_civil c;
    if (kind != MR_INTERVAL) return read_fields(kind, s, len, &c, &how) && mr_civil_to_value(&c, kind, out);
    if (!mr_interval_parse(s, len, &micros)) return false;
    *out = mr_value_of(MR_INTERVAL, micros);
    return true;
}

/* The length of the zone at the text's end: Z, +01:00, -0230. 0: there is none. */
static size_t zone_length(const char *s, size_t len) {
    enum { LONGEST_ZONE = 6 };
    if (len > 0 && (s[len - 1] == 'Z' || s[len - 1] == 'z')) return 1;
    for (size_t n = 1; n <= LONGEST_ZONE && n < len; n++) {
        char c = s[len - n];
        if (c == '+' || c == '-') return n > 2 ? n : 0;
        if ((c < '0' || c > '9') && c != ':') return 0;
    }
    return 0;
}

bool mr_calendar_mistake(mr_kind kind, const char *s, size_t len, char *out) {
    uint32_t how;
    mr_civil c;
    if (read_fields(kind, s, len, &c, &how)) return mr_civil_mistake(&c, kind, out);
    size_t zone = kind == MR_DATETIME ? zone_length(s, len) : 0;
    if (!zone || !read_fields(kind, s, len - zone, &c, &how)) return false;
    snprintf(out, MR_MISTAKE_SIZE, "a datetime has no zone: mr.datetime.from_iso turns \"%.*s\" into UTC", (int)zone,
             s + len - zone);
    return true;
}

mr_value mr_calendar_now(void) {
    struct timespec now = {0, 0};
    timespec_get(&now, TIME_UTC);
    return mr_value_of(MR_DATETIME, (int64_t)now.tv_sec * SECOND + now.tv_nsec / 1000);
}

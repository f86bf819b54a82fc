/*
 * calendar.c: Date, Time, DateTime and Interval. Databases without such types store text.
 *
 * Invariant: each stored text that is read as a value is one of that value's spellings, or the unusual spelling that
 * the value itself remembers.
 */
#include "rules.h"

#include <stdio.h>
#include <string.h>

/* Converts ISO text to a value of the type, and a date to the datetime of its midnight. */
static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    mr_kind kind = type->rules->kind;
    if (v->kind == MR_DATE && kind == MR_DATETIME) {
        mr_civil civil;
        mr_civil_from_value(v, &civil);
        civil.hour = civil.minute = civil.second = civil.microsecond = 0;
        return mr_civil_to_value(&civil, MR_DATETIME, v);
    }
    mr_value parsed;
    if (v->kind != MR_TEXT || !mr_calendar_parse(kind, v->u.s, v->len, &parsed)) return false;
    mr_value_clear(env, v);
    *v = parsed;
    return true;
}

/* An interval is stored as the datetime that lies so long after 1970-01-01. */
static bool read(const mr_type *type, mr_value *v) {
    mr_kind kind = type->rules->kind;
    mr_value made;
    if (v->kind == kind) return true;
    if (v->kind != MR_TEXT || !mr_calendar_read(kind == MR_INTERVAL ? MR_DATETIME : kind, v->u.s, v->len, &made))
        return false;
    made.kind = (uint8_t)kind;
    *v = made;
    return true;
}

/* Says how to write an interval. */
static void advise_interval(const mr_type *type, const mr_value *v, char *advice) {
    (void)type;
    if (v->kind == MR_TEXT) strcpy(advice, " (write it as \"P1DT2H3M4.5S\", without years and months)");
    if (v->kind == MR_INT || v->kind == MR_FLOAT) strcpy(advice, " (mr.interval{ seconds = ... } makes one)");
}

/* Says what is wrong with a text that has the form of a date or time, and for other text how to write one; and how a
 * datetime becomes a date or a time. */
static void advise(const mr_type *type, const mr_value *v, char *advice) {
    mr_kind kind = type->rules->kind;
    char mistake[MR_MISTAKE_SIZE];
    if (v->kind == MR_DATETIME && kind == MR_DATE) strcpy(advice, " (its method to_date() gives the date)");
    if (v->kind == MR_DATETIME && kind == MR_TIME) strcpy(advice, " (its method to_time() gives the time)");
    if ((v->kind == MR_INT || v->kind == MR_FLOAT) && kind != MR_TIME)
        snprintf(advice, MR_TYPE_ADVICE,
                 " (of seconds since 1970: os.date(\"!*t\", seconds), or \"*t\" for local time)");
    if (v->kind != MR_TEXT) return;
    const char *sample = kind == MR_DATE ? "2024-02-29" : kind == MR_TIME ? "13:04:05" : "2024-02-29 13:04:05";
    if (mr_calendar_mistake(kind, v->u.s, v->len, mistake)) snprintf(advice, MR_TYPE_ADVICE, " (%s)", mistake);
    else snprintf(advice, MR_TYPE_ADVICE, " (write it as \"%s\")", sample);
}

/* ---------------------------------------------------------------- spellings */

typedef struct spellings {
    mr_value *out;
    unsigned n;
} spellings;

static void add(spellings *s, mr_value v) {
    for (unsigned i = 0; i < s->n; i++)
        if (s->out[i].kind == v.kind && s->out[i].len == v.len && s->out[i].u.i == v.u.i) return;
    s->out[s->n++] = v;
}

static mr_value with_digits(const mr_value *v, unsigned digits) {
    mr_value made = *v;
    made.flags = 0;
    made.len = (v->len & MR_SPELLED_T) | (digits + 1);
    return made;
}

/* The spellings: the fraction as short as possible, with three digits if they are enough, with six digits; and the
 * spelling that the value itself remembers. */
static unsigned spell(const mr_value *v, mr_value *out) {
    enum { MILLIS = 3, MICROS = 6 };
    spellings s = {out, 0};
    if (v->kind != MR_DATETIME && v->kind != MR_TIME && v->kind != MR_INTERVAL) return 0;
    unsigned digits = mr_calendar_digits(v);
    add(&s, with_digits(v, digits));
    if (digits < MILLIS) add(&s, with_digits(v, MILLIS));
    add(&s, with_digits(v, MICROS));
    if (v->len == 0) return s.n;
    mr_value own = *v;
    own.flags = 0;
    add(&s, own);
    return s.n;
}

/* ---------------------------------------------------------------- the types */

#define CALENDAR_RULES .natural = true, .evaluated = true, .coerce = coerce, .read = read, .advise = advise

const mr_type_rules mr_type_date = {
    CALENDAR_RULES, .name = "Date",         .wants = "a date", .reads = "date: text such as 2024-02-29",
    .sql = "DATE",  .group = MR_GROUP_DATE, .kind = MR_DATE,   .takes = MR_TAKES(MR_DATE),
};

const mr_type_rules mr_type_time = {
    CALENDAR_RULES, .name = "Time",         .wants = "a time", .reads = "time: text such as 13:04:05",
    .sql = "TIME",  .group = MR_GROUP_TIME, .kind = MR_TIME,   .takes = MR_TAKES(MR_TIME),
    .spellings = 4, .spell = spell,
};

const mr_type_rules mr_type_datetime = {
    CALENDAR_RULES,        .name = "DateTime",
    .wants = "a datetime", .reads = "datetime: text such as 2024-02-29 13:04:05",
    .sql = "DATETIME",     .group = MR_GROUP_DATETIME,
    .kind = MR_DATETIME,   .takes = MR_TAKES(MR_DATETIME),
    .spellings = 4,        .spell = spell,
};

const mr_type_rules mr_type_interval = {
    .name = "Interval",
    .wants = "an interval",
    .reads = "interval: the datetime that lies so far after 1970-01-01, as text",
    .sql = "DATETIME",
    .group = MR_GROUP_INTERVAL,
    .kind = MR_INTERVAL,
    .natural = true,
    .takes = MR_TAKES(MR_INTERVAL),
    .spellings = 4,
    .coerce = coerce,
    .read = read,
    .advise = advise_interval,
    .spell = spell,
};

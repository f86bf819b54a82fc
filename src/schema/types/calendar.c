/*
 * calendar.c: Date, Time, DateTime and Interval, stored as text. Databases without such types store no other.
 *
 * Invariant: each stored text that is read as a value is one of that value's spellings, or the unusual spelling that
 * the value itself remembers.
 */
#include "rules.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- from the database */

/* An interval is stored as the datetime that lies so long after 1970-01-01. */
static bool read(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    mr_kind kind = type->rules->kind;
    mr_value made;
    if (v->kind == kind) return true;
    if (v->kind != MR_TEXT || !mr_calendar_read(kind == MR_INTERVAL ? MR_DATETIME : kind, v->u.s, v->len, &made))
        return false;
    if (kind == MR_INTERVAL && made.len & (MR_SPELLED_Z | MR_SPELLED_OFFSET)) return false;
    made.kind = (uint8_t)kind;
    *v = made;
    return true;
}

/* A date that is stored as a datetime remembers that its row has no time: without a spelling it has one. */
static bool read_midnight(const mr_type *type, mr_value *v, char *room) {
    if (!read(type, v, room)) return false;
    if (v->len == 0) v->len = MR_SPELLED_DAY;
    return true;
}

/* ---------------------------------------------------------------- spellings */

enum { MILLIS = 3, MICROS = 6 }; /* digits of a fraction */

typedef struct spellings {
    mr_value *out;
    unsigned n;
} spellings;

static void add(spellings *s, mr_value v) {
    for (unsigned i = 0; i < s->n; i++)
        if (s->out[i].kind == v.kind && s->out[i].len == v.len && s->out[i].u.i == v.u.i) return;
    s->out[s->n++] = v;
}

/* The value, stored with so many digits, in the type's form. */
static mr_value with_digits(const mr_type *type, const mr_value *v, unsigned digits) {
    mr_value made = *v;
    made.flags = 0;
    made.len = (type->form & ~(uint32_t)MR_SPELLED_DIGITS) | (v->len & MR_SPELLED_T) | (digits + 1);
    return made;
}

static unsigned fixed_digits(const mr_type *type) { return (type->form & MR_SPELLED_DIGITS) - 1; }

/* The microseconds that a form with so many digits cannot keep. */
static int64_t beyond(const mr_value *v, unsigned digits) {
    int64_t unit = 1;
    for (; digits < MICROS; digits++) unit *= 10;
    int64_t rest = v->u.i % unit;
    return rest < 0 ? rest + unit : rest;
}

/* The value in the form of a type with a fixed number of digits. One that needs more digits lies between two texts. */
static mr_value in_form(const mr_type *type, const mr_value *v) {
    mr_value made = *v;
    made.flags = 0;
    made.len = type->form;
    if (v->kind == MR_DATE || !(type->form & MR_SPELLED_DIGITS)) return made;
    int64_t rest = beyond(v, fixed_digits(type));
    made.u.i -= rest;
    if (rest) made.len |= MR_SPELLED_MARKED;
    return made;
}

/* The spellings: the fraction as short as possible, with three digits if they are enough, with six digits, or with the
 * number of digits that the type declares; and the spelling that the value itself remembers. */
static unsigned spell(const mr_type *type, const mr_value *v, mr_value *out) {
    spellings s = {out, 0};
    if (v->kind != type->rules->kind) return 0;
    if (v->kind == MR_DATE || type->form & MR_SPELLED_DIGITS) {
        add(&s, in_form(type, v));
    } else {
        unsigned digits = mr_calendar_digits(v);
        add(&s, with_digits(type, v, digits));
        if (digits < MILLIS) add(&s, with_digits(type, v, MILLIS));
        add(&s, with_digits(type, v, MICROS));
    }
    if (v->len == 0 || v->len & MR_SPELLED_REAL) return s.n;
    mr_value own = *v;
    own.flags = 0;
    add(&s, own);
    return s.n;
}

/* ---------------------------------------------------------------- another form of text */

static mr_status store(const mr_type *type, mr_value *v, mr_store_room *room) {
    (void)room;
    if (v->kind == type->rules->kind && (v->len == 0 || v->len & MR_SPELLED_REAL)) *v = in_form(type, v);
    return MR_OK;
}

static void cut(const mr_type *type, mr_value *v) {
    if (v->kind != type->rules->kind) return;
    v->len = 0;
    if (v->kind != MR_DATE && type->form & MR_SPELLED_DIGITS) v->u.i -= beyond(v, fixed_digits(type));
}

static bool read_iso_interval(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    int64_t micros;
    (void)type;
    if (v->kind == MR_INTERVAL) return true;
    if (v->kind != MR_TEXT || !mr_interval_parse(v->u.s, v->len, &micros)) return false;
    *v = mr_value_of(MR_INTERVAL, micros);
    return true;
}

static mr_status store_iso_interval(const mr_type *type, mr_value *v, mr_store_room *room) {
    (void)type;
    if (v->kind != MR_INTERVAL) return MR_OK;
    char *text = mr_store_bytes(room, MR_CALENDAR_SIZE);
    if (!text) return MR_FAIL;
    *v = mr_text_value(text, mr_interval_format(v->u.i, text));
    return MR_OK;
}

/* ---------------------------------------------------------------- the types */

#define MOMENT(NAME, KIND, GROUP)                                                                                      \
    .name = NAME, .kind = KIND, .group = GROUP, .takes = MR_TAKES(KIND), .coerce = mr_rule_coerce_moment,              \
    .read = read, .advise = mr_rule_advise_moment
#define DATE MOMENT("Date", MR_DATE, MR_GROUP_DATE), .wants = "a date", .evaluated = true, .sql = "DATE"
#define MIDNIGHT                                                                                                       \
    .name = "Date", .kind = MR_DATE, .group = MR_GROUP_DATE, .takes = MR_TAKES(MR_DATE),                               \
    .coerce = mr_rule_coerce_moment, .read = read_midnight, .advise = mr_rule_advise_moment, .wants = "a date",        \
    .evaluated = true
#define TIME MOMENT("Time", MR_TIME, MR_GROUP_TIME), .wants = "a time", .evaluated = true, .sql = "TIME"
#define DATETIME                                                                                                       \
    MOMENT("DateTime", MR_DATETIME, MR_GROUP_DATETIME), .wants = "a datetime", .evaluated = true, .sql = "DATETIME"
#define INTERVAL MOMENT("Interval", MR_INTERVAL, MR_GROUP_INTERVAL), .wants = "an interval"
#define ISO_INTERVAL                                                                                                   \
    .name = "Interval", .kind = MR_INTERVAL, .group = MR_GROUP_INTERVAL, .takes = MR_TAKES(MR_INTERVAL),               \
    .wants = "an interval", .coerce = mr_rule_coerce_moment, .read = read_iso_interval,                                \
    .advise = mr_rule_advise_moment
#define SPELLED_DATE .spellings = 2, .spell = spell
#define SPELLED      .spellings = 4, .spell = spell
#define FORM         .print = mr_rule_print_storage, .store = store, .cut = cut

static const mr_type_rules iso_datetime = {DATETIME,
                                           FORM,
                                           SPELLED,
                                           .storage = "iso",
                                           .text_options = true,
                                           .reads = "datetime: text such as 2024-02-29 13:04:05"};
static const mr_type_rules iso_time = {
    TIME, FORM, SPELLED, .storage = "iso", .text_options = true, .reads = "time: text such as 13:04:05"};
static const mr_type_rules iso_date = {DATE, FORM, SPELLED_DATE, .storage = "iso",
                                       .reads = "date: text such as 2024-02-29"};
/* The type of these columns holds a whole datetime. */
static const mr_type_rules midnight = {MIDNIGHT,
                                       FORM,
                                       SPELLED_DATE,
                                       .storage = "datetime",
                                       .form = MR_SPELLED_MIDNIGHT | 1,
                                       .sql_as = &mr_type_datetime,
                                       .reads = "date: the text of a midnight, such as 2024-02-29 00:00:00"};
static const mr_type_rules time_of_2000 = {TIME,
                                           FORM,
                                           SPELLED,
                                           .storage = "datetime",
                                           .form = MR_SPELLED_2000,
                                           .text_options = true,
                                           .sql_as = &mr_type_datetime,
                                           .reads = "time: text such as 2000-01-01 13:04:05"};
static const mr_type_rules iso_interval = {ISO_INTERVAL,
                                           .print = mr_rule_print_storage,
                                           .store = store_iso_interval,
                                           .storage = "iso",
                                           .unordered = true,
                                           .sql_as = &mr_type_text,
                                           .reads = "interval: text such as P1DT2H3M4.5S"};

const mr_type_rules mr_type_date = {DATE, SPELLED_DATE, .natural = true, .reads = "date: text such as 2024-02-29",
                                    .storages = (const mr_type_rules *const[]){&iso_date, &midnight, &mr_date_unix,
                                                                               &mr_date_unix_ms, &mr_date_julian,
                                                                               &mr_date_cocoa, NULL}};

const mr_type_rules mr_type_time = {TIME, SPELLED, .natural = true, .reads = "time: text such as 13:04:05",
                                    .storages = (const mr_type_rules *const[]){
                                        &iso_time, &time_of_2000, &mr_time_seconds, &mr_time_ms, &mr_time_us, NULL}};

const mr_type_rules mr_type_datetime = {
    DATETIME, SPELLED, .natural = true, .reads = "datetime: text such as 2024-02-29 13:04:05",
    .storages = (const mr_type_rules *const[]){&iso_datetime, &mr_datetime_unix, &mr_datetime_unix_ms,
                                               &mr_datetime_unix_us, &mr_datetime_julian, &mr_datetime_cocoa, NULL}};

const mr_type_rules mr_type_interval = {INTERVAL,
                                        SPELLED,
                                        .natural = true,
                                        .sql = "DATETIME",
                                        .reads = "interval: the datetime that lies so far after 1970-01-01, as text",
                                        .storages = (const mr_type_rules *const[]){&iso_interval, &mr_interval_seconds,
                                                                                   &mr_interval_ms, &mr_interval_us,
                                                                                   &mr_interval_days, NULL}};

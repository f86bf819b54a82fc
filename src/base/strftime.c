/*
 * strftime.c: formats dates and times by a pattern, in English, the same on every system.
 *
 * Invariant: each directive is a row of one table. A directive that is not in the table is refused, never copied.
 */
#include <moonrow/base.h>

#include <string.h>

/* ---------------------------------------------------------------- numbers */

/* A date, time or datetime, and its fields. */
typedef struct moment {
    const mr_value *v;
    mr_civil at;
} moment;

static int year(const moment *m) { return m->at.year; }
static int year_of_century(const moment *m) { return m->at.year % 100; }
static int century(const moment *m) { return m->at.year / 100; }
static int month(const moment *m) { return m->at.month; }
static int day(const moment *m) { return m->at.day; }
static int hour(const moment *m) { return m->at.hour; }
static int hour12(const moment *m) { return m->at.hour % 12 ? m->at.hour % 12 : 12; }
static int minute(const moment *m) { return m->at.minute; }
static int second(const moment *m) { return m->at.second; }
static int microsecond(const moment *m) { return m->at.microsecond; }

enum { DAYS_OF_WEEK = 7, THURSDAY = 4 /* the weekday of 1970-01-01, counted from Sunday */ };

/* Days since 1970-01-01. */
static int64_t day_number(const mr_value *v) {
    const int64_t length = INT64_C(86400000000); /* of a day, in microseconds */
    if (v->kind == MR_DATE) return v->u.i;
    return v->u.i >= 0 ? v->u.i / length : -((length - 1 - v->u.i) / length);
}

static int weekday(const moment *m) {
    int64_t n = (day_number(m->v) + THURSDAY) % DAYS_OF_WEEK;
    return (int)(n < 0 ? n + DAYS_OF_WEEK : n);
}

static int weekday_from_monday(const moment *m) { return weekday(m) ? weekday(m) : 7; }

static int day_of_year(const moment *m) {
    const mr_civil first = {.year = m->at.year, .month = 1, .day = 1};
    mr_value start;
    if (!mr_civil_to_value(&first, MR_DATE, &start)) return 0;
    return (int)(day_number(m->v) - start.u.i) + 1;
}

/* The number of the week in its year, where weeks begin on the weekday `first`. Days before the year's first such
 * weekday are in week 0. */
static int week(const moment *m, int first) { return (day_of_year(m) + 6 - (weekday(m) + 7 - first) % 7) / 7; }
static int week_from_sunday(const moment *m) { return week(m, 0); }
static int week_from_monday(const moment *m) { return week(m, 1); }

/* The year and the week of ISO 8601: weeks begin on Monday, and a week belongs to the year that has its Thursday. */
static mr_civil thursday_of(const moment *m) {
    mr_value thursday = mr_value_of(MR_DATE, day_number(m->v) + THURSDAY - weekday_from_monday(m));
    mr_civil at;
    mr_civil_from_value(&thursday, &at);
    return at;
}

static int iso_year(const moment *m) { return thursday_of(m).year; }
static int iso_year_of_century(const moment *m) { return iso_year(m) % 100; }

static int iso_week(const moment *m) {
    const mr_civil at = thursday_of(m), first = {.year = at.year, .month = 1, .day = 1};
    mr_value thursday, start;
    if (!mr_civil_to_value(&at, MR_DATE, &thursday) || !mr_civil_to_value(&first, MR_DATE, &start)) return 53;
    return (int)(thursday.u.i - start.u.i) / DAYS_OF_WEEK + 1;
}

/* ---------------------------------------------------------------- words */

static const char *day_name(const moment *m) {
    static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    return days[weekday(m)];
}

static const char *month_name(const moment *m) {
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    return months[m->at.month - 1];
}

static const char *half_of_day(const moment *m) { return m->at.hour < 12 ? "AM" : "PM"; }

/* ---------------------------------------------------------------- directives */

enum { OF_DATE = 1, OF_TIME = 2 };

typedef struct directive {
    char letter;
    uint8_t of; /* the parts of the value that it needs: OF_ bits */
    /* The source of its text: exactly one of these three is set. */
    int (*number)(const moment *m);
    const char *(*word)(const moment *m);
    const char *pattern;
    uint8_t width;   /* number: it has at least so many digits ... */
    char pad;        /* ... and this character in front to fill up */
    uint8_t letters; /* word: its first so many letters; 0: all of it */
} directive;

static const directive directives[] = {
    {'Y', OF_DATE, .number = year, .width = 4, .pad = '0'},
    {'y', OF_DATE, .number = year_of_century, .width = 2, .pad = '0'},
    {'C', OF_DATE, .number = century, .width = 2, .pad = '0'},
    {'m', OF_DATE, .number = month, .width = 2, .pad = '0'},
    {'d', OF_DATE, .number = day, .width = 2, .pad = '0'},
    {'e', OF_DATE, .number = day, .width = 2, .pad = ' '},
    {'j', OF_DATE, .number = day_of_year, .width = 3, .pad = '0'},
    {'U', OF_DATE, .number = week_from_sunday, .width = 2, .pad = '0'},
    {'W', OF_DATE, .number = week_from_monday, .width = 2, .pad = '0'},
    {'G', OF_DATE, .number = iso_year, .width = 4, .pad = '0'},
    {'g', OF_DATE, .number = iso_year_of_century, .width = 2, .pad = '0'},
    {'V', OF_DATE, .number = iso_week, .width = 2, .pad = '0'},
    {'w', OF_DATE, .number = weekday},
    {'u', OF_DATE, .number = weekday_from_monday},
    {'H', OF_TIME, .number = hour, .width = 2, .pad = '0'},
    {'I', OF_TIME, .number = hour12, .width = 2, .pad = '0'},
    {'M', OF_TIME, .number = minute, .width = 2, .pad = '0'},
    {'S', OF_TIME, .number = second, .width = 2, .pad = '0'},
    {'f', OF_TIME, .number = microsecond, .width = 6, .pad = '0'},
    {'A', OF_DATE, .word = day_name},
    {'a', OF_DATE, .word = day_name, .letters = 3},
    {'B', OF_DATE, .word = month_name},
    {'b', OF_DATE, .word = month_name, .letters = 3},
    {'h', OF_DATE, .word = month_name, .letters = 3},
    {'p', OF_TIME, .word = half_of_day},
    {'F', OF_DATE, .pattern = "%Y-%m-%d"},
    {'D', OF_DATE, .pattern = "%m/%d/%y"},
    {'x', OF_DATE, .pattern = "%m/%d/%y"},
    {'T', OF_TIME, .pattern = "%H:%M:%S"},
    {'X', OF_TIME, .pattern = "%H:%M:%S"},
    {'R', OF_TIME, .pattern = "%H:%M"},
    {'r', OF_TIME, .pattern = "%I:%M:%S %p"},
    {'c', OF_DATE | OF_TIME, .pattern = "%a %b %e %H:%M:%S %Y"},
    {'n', .pattern = "\n"},
    {'t', .pattern = "\t"},
};

static const directive *find(char letter) {
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++)
        if (directives[i].letter == letter) return &directives[i];
    return NULL;
}

/* Refuses a directive for a part that the value does not have. Unknown letters pass: add_directive refuses them. */
static mr_status check_part(mr_env *env, const mr_value *v, char letter) {
    const directive *d = find(letter);
    if (d && v->kind == MR_DATE && (d->of & OF_TIME))
        return mr_fail(env, MR_ERR_ARGUMENT, "format: a date has no time of day for '%%%c'", letter);
    if (d && v->kind == MR_TIME && (d->of & OF_DATE))
        return mr_fail(env, MR_ERR_ARGUMENT, "format: a time has no date for '%%%c'", letter);
    return MR_OK;
}

/* ---------------------------------------------------------------- the text */

static void add_number(mr_strbuf *out, int n, const directive *d) {
    char digits[12];
    size_t len = 0;
    do digits[len++] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    for (size_t i = len; i < d->width; i++) mr_strbuf_putc(out, d->pad);
    while (len > 0) mr_strbuf_putc(out, digits[--len]);
}

static void add_simple(mr_strbuf *out, const moment *m, const directive *d) {
    const char *word = d->word ? d->word(m) : NULL;
    if (word) mr_strbuf_add(out, word, d->letters ? d->letters : strlen(word));
    else add_number(out, d->number(m), d);
}

/* Adds a pattern of the table. Its directives are numbers and words, never patterns again. */
static void add_pattern(mr_strbuf *out, const moment *m, const char *pattern) {
    for (; *pattern; pattern++) {
        if (*pattern == '%') add_simple(out, m, find(*++pattern));
        else mr_strbuf_putc(out, *pattern);
    }
}

static mr_status add_directive(mr_env *env, mr_strbuf *out, const moment *m, char letter) {
    const directive *d = letter ? find(letter) : NULL;
    if (letter == '%') mr_strbuf_putc(out, '%');
    else if (d && d->pattern) add_pattern(out, m, d->pattern);
    else if (d) add_simple(out, m, d);
    else return mr_fail(env, MR_ERR_ARGUMENT, "format: unknown directive '%%%c'", letter ? letter : ' ');
    return MR_OK;
}

mr_status mr_strftime(mr_env *env, const mr_value *v, const char *pattern, size_t len, mr_strbuf *out) {
    moment m = {v, {0}};
    mr_civil_from_value(v, &m.at);
    for (size_t i = 0; i < len; i++)
        if (pattern[i] == '%' && ++i < len && check_part(env, v, pattern[i]) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < len; i++) {
        if (pattern[i] != '%') mr_strbuf_putc(out, pattern[i]);
        else if (add_directive(env, out, &m, ++i < len ? pattern[i] : '\0') != MR_OK) return MR_FAIL;
    }
    return out->oom ? mr_nomem(env) : MR_OK;
}

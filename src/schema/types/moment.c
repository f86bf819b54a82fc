/*
 * moment.c: what all forms of Date, Time, DateTime and Interval share: values from the program.
 *
 * Invariant: text is taken only where it is ISO 8601 and loses nothing.
 */
#include "rules.h"

#include <stdio.h>
#include <string.h>

/* Converts ISO text to a value of the type, and a date to the datetime of its midnight. */
bool mr_rule_coerce_moment(mr_env *env, const mr_type *type, mr_value *v) {
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

/* Says how to write an interval. */
static void advise_interval(const mr_value *v, char *advice) {
    if (v->kind == MR_TEXT) strcpy(advice, " (write it as \"P1DT2H3M4.5S\", without years and months)");
    if (v->kind == MR_INT || v->kind == MR_FLOAT) strcpy(advice, " (mr.interval{ seconds = ... } makes one)");
}

/* Says what is wrong with a text that has the form of a date or time, and for other text how to write one; and how a
 * datetime becomes a date or a time. */
void mr_rule_advise_moment(const mr_type *type, const mr_value *v, char *advice) {
    mr_kind kind = type->rules->kind;
    if (kind == MR_INTERVAL) {
        advise_interval(v, advice);
        return;
    }
    char mistake[MR_MISTAKE_SIZE];
    if (v->kind == MR_DATETIME && kind == MR_DATE) strcpy(advice, " (its method to_date() gives the date)");
    if (v->kind == MR_DATETIME && kind == MR_TIME) strcpy(advice, " (its method to_time() gives the time)");
    if ((v->kind == MR_INT || v->kind == MR_FLOAT) && kind != MR_TIME)
        snprintf(advice, MR_TYPE_ADVICE, " (of seconds since 1970: mr.datetime.from_unix(seconds)%s)",
                 kind == MR_DATE ? ":to_date()" : "");
    if (v->kind != MR_TEXT) return;
    const char *sample = kind == MR_DATE ? "2024-02-29" : kind == MR_TIME ? "13:04:05" : "2024-02-29 13:04:05";
    if (mr_calendar_mistake(kind, v->u.s, v->len, mistake)) snprintf(advice, MR_TYPE_ADVICE, " (%s)", mistake);
    else snprintf(advice, MR_TYPE_ADVICE, " (write it as \"%s\")", sample);
}

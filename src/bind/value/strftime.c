/*
 * strftime.c: dates as text after a pattern, in English, the same on every system.
 *
 * Invariant: every directive is known, or raises: text never comes out half formatted.
 */
#include "datetime.h"

#include <stdio.h>
#include <string.h>

static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

/* Days since 1970-01-01, which was a Thursday, of a date or datetime. */
static int64_t day_number(const mr_value *v) {
    const int64_t day = INT64_C(86400000000);
    if (v->kind == MR_DATE) return v->u.i;
    return v->u.i >= 0 ? v->u.i / day : -((day - 1 - v->u.i) / day);
}

static int weekday(const mr_value *v) {
    int64_t n = (day_number(v) + 4) % 7;
    return (int)(n < 0 ? n + 7 : n);
}

static int day_of_year(const mr_value *v, const mr_civil *c) {
    mr_civil first = {.year = c->year, .month = 1, .day = 1};
    mr_value start;
    if (!mr_civil_to_value(&first, MR_DATE, &start)) return 0;
    return (int)(day_number(v) - start.u.i) + 1;
}

typedef struct format_state {
    const mr_value *v;
    mr_civil civil;
} format_state;

/* Directives that are another pattern. */
static const char *composed(char c) {
    switch (c) {
    case 'F':
        return "%Y-%m-%d";
    case 'T':
        return "%H:%M:%S";
    case 'R':
        return "%H:%M";
    case 'D':
        return "%m/%d/%y";
    case 'c':
        return "%a %b %e %H:%M:%S %Y";
    case 'x':
        return "%m/%d/%y";
    case 'X':
        return "%H:%M:%S";
    case 'r':
        return "%I:%M:%S %p";
    default:
        return NULL;
    }
}

static int hour12(int hour) { return hour % 12 ? hour % 12 : 12; }

/* Week of the year: weeks begin on the weekday `first`, days before it are in week 0. */
static int week(const format_state *s, int first) {
    int in_week = (weekday(s->v) + 7 - first) % 7;
    return (day_of_year(s->v, &s->civil) + 6 - in_week) / 7;
}

/* One simple directive into buf; false when it is none. */
static bool simple(const format_state *s, char c, char *buf, size_t size) {
    const mr_civil *t = &s->civil;
    switch (c) {
    case 'Y':
        snprintf(buf, size, "%04d", t->year);
        break;
    case 'y':
        snprintf(buf, size, "%02d", t->year % 100);
        break;
    case 'C':
        snprintf(buf, size, "%02d", t->year / 100);
        break;
    case 'm':
        snprintf(buf, size, "%02d", t->month);
        break;
    case 'd':
        snprintf(buf, size, "%02d", t->day);
        break;
    case 'e':
        snprintf(buf, size, "%2d", t->day);
        break;
    case 'H':
        snprintf(buf, size, "%02d", t->hour);
        break;
    case 'I':
        snprintf(buf, size, "%02d", hour12(t->hour));
        break;
    case 'M':
        snprintf(buf, size, "%02d", t->minute);
        break;
    case 'S':
        snprintf(buf, size, "%02d", t->second);
        break;
    case 'f':
        snprintf(buf, size, "%06d", t->microsecond);
        break;
    case 'p':
        snprintf(buf, size, "%s", t->hour < 12 ? "AM" : "PM");
        break;
    case 'j':
        snprintf(buf, size, "%03d", day_of_year(s->v, t));
        break;
    case 'U':
        snprintf(buf, size, "%02d", week(s, 0));
        break;
    case 'W':
        snprintf(buf, size, "%02d", week(s, 1));
        break;
    case 'w':
        snprintf(buf, size, "%d", weekday(s->v));
        break;
    case 'u':
        snprintf(buf, size, "%d", weekday(s->v) ? weekday(s->v) : 7);
        break;
    case 'a':
        snprintf(buf, size, "%.3s", days[weekday(s->v)]);
        break;
    case 'A':
        snprintf(buf, size, "%s", days[weekday(s->v)]);
        break;
    case 'b':
    case 'h':
        snprintf(buf, size, "%.3s", months[t->month - 1]);
        break;
    case 'B':
        snprintf(buf, size, "%s", months[t->month - 1]);
        break;
    case '%':
        snprintf(buf, size, "%%");
        break;
    case 'n':
        snprintf(buf, size, "\n");
        break;
    case 't':
        snprintf(buf, size, "\t");
        break;
    default:
        return false;
    }
    return true;
}

/* Dates have no time of day, times no date: asking for it is a mistake. */
static void check_part(lua_State *L, const mr_value *v, char c) {
    if (v->kind == MR_DATE && strchr("HIMSfpTRXrc", c))
        bind_error(L, MR_ERR_ARGUMENT, "format: a date has no time of day for '%%%c'", c);
    if (v->kind == MR_TIME && strchr("YyCmdejUWwuaAbhBFDxc", c))
        bind_error(L, MR_ERR_ARGUMENT, "format: a time has no date for '%%%c'", c);
}

static void add_directive(lua_State *L, luaL_Buffer *out, const format_state *s, char c) {
    char buf[24];
    const char *pattern = composed(c);
    if (!pattern) {
        if (!c || !simple(s, c, buf, sizeof buf))
            bind_error(L, MR_ERR_ARGUMENT, "format: unknown directive '%%%c'", c ? c : ' ');
        luaL_addstring(out, buf);
        return;
    }
    for (; *pattern; pattern++) {
        if (*pattern != '%') {
            luaL_addchar(out, *pattern);
            continue;
        }
        simple(s, *++pattern, buf, sizeof buf);
        luaL_addstring(out, buf);
    }
}

void bind_push_formatted(lua_State *L, const mr_value *v, const char *pattern, size_t len) {
    format_state state = {v, {0}};
    mr_civil_from_value(v, &state.civil);
    if (state.civil.month < 1) state.civil.month = 1;
    for (size_t i = 0; i < len; i++)
        if (pattern[i] == '%' && ++i < len) check_part(L, v, pattern[i] ? pattern[i] : ' ');
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    for (size_t i = 0; i < len; i++) {
        if (pattern[i] == '%') add_directive(L, &out, &state, ++i < len ? pattern[i] : '\0');
        else luaL_addchar(&out, pattern[i]);
    }
    luaL_pushresult(&out);
}

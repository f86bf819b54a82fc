/*
 * numeric.c: Numeric: exact decimals.
 *
 * Invariant: a float from the program is refused, because its digits are not exactly those that were written. A stored
 * number stays a number here: the driver, which has memory for the digits, makes a decimal of it.
 */
#include "rules.h"

#include <stdio.h>

/* Has the text only digits, with at most one sign in front and one point? */
static bool is_decimal(const mr_value *v) {
    const char *s = v->u.s, *end = s + v->len;
    size_t digits = 0;
    if (v->len && (*s == '-' || *s == '+')) s++;
    for (; s < end && *s >= '0' && *s <= '9'; s++) digits++;
    if (s < end && *s == '.') s++;
    for (; s < end && *s >= '0' && *s <= '9'; s++) digits++;
    return s == end && digits > 0;
}

static bool read(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    (void)type;
    if (v->kind == MR_TEXT && is_decimal(v)) v->kind = MR_DECIMAL;
    return v->kind == MR_DECIMAL || v->kind == MR_INT || v->kind == MR_FLOAT;
}

static void advise(const mr_type *type, const mr_value *v, char *advice) {
    (void)type;
    if (v->kind == MR_FLOAT) snprintf(advice, MR_TYPE_ADVICE, " (a float is not exact: use a decimal)");
}

static void print_as(const char *name, const mr_type *type, char *buf, size_t size) {
    if (type->precision >= 0 && type->scale >= 0) snprintf(buf, size, "%s(%d, %d)", name, type->precision, type->scale);
    else if (type->precision >= 0) snprintf(buf, size, "%s(%d)", name, type->precision);
    else snprintf(buf, size, "%s", name);
}

static void print(const mr_type *type, char *buf, size_t size) { print_as("Numeric", type, buf, size); }
static void print_sql(const mr_type *type, char *buf, size_t size) { print_as("NUMERIC", type, buf, size); }

const mr_type_rules mr_type_numeric = {
    .name = "Numeric",
    .internal = true,
    .wants = "a decimal",
    .reads = "decimal: a number, or text such as 12.30",
    .sql = "NUMERIC",
    .group = MR_GROUP_DECIMAL,
    .kind = MR_DECIMAL,
    .takes = MR_TAKES(MR_INT) | MR_TAKES(MR_DECIMAL),
    .read = read,
    .advise = advise,
    .print = print,
    .print_sql = print_sql,
};

/*
 * string.c: String(n) and Text.
 *
 * Invariant: only the length of a String is checked, in characters. The n of Text(n) is a hint for other databases.
 */
#include "rules.h"

#include <stdio.h>

static bool breaks(const mr_type *type, const mr_value *v, char *how) {
    if (type->length <= 0 || v->kind != MR_TEXT || v->len <= (size_t)type->length) return false;
    size_t chars = mr_utf8_length(v->u.s, v->len);
    if (how) snprintf(how, MR_TYPE_ADVICE, "has %zu characters, too long for", chars);
    return chars > (size_t)type->length;
}

static void print_sql(const mr_type *type, char *buf, size_t size) {
    if (type->length > 0) snprintf(buf, size, "VARCHAR(%d)", type->length);
    else snprintf(buf, size, "VARCHAR");
}

static void advise(const mr_type *type, const mr_value *v, char *advice) {
    (void)type;
    if (v->kind != MR_BLOB) snprintf(advice, MR_TYPE_ADVICE, " (tostring makes one)");
}

#define STRING_RULES                                                                                                   \
    .wants = "a string", .group = MR_GROUP_STRING, .kind = MR_TEXT, .evaluated = true, .argument = MR_ARGUMENT_LENGTH, \
    .takes = MR_TAKES(MR_TEXT), .stored = MR_STORED_TEXT, .advise = advise

const mr_type_rules mr_type_string = {STRING_RULES,    .name = "String", .sql = "VARCHAR",
                                      .natural = true, .breaks = breaks, .print_sql = print_sql};
const mr_type_rules mr_type_text = {STRING_RULES, .name = "Text", .sql = "TEXT"};

/*
 * enum.c: Enum("draft", "published"): one of a few texts.
 *
 * Invariant: any other text is refused, both when it is flushed and when it is read.
 */
#include "rules.h"

#include <stdio.h>
#include <string.h>

static bool is_choice(const mr_type *type, const mr_value *v) {
    for (const char *const *c = type->choices; *c; c++)
        if (strlen(*c) == v->len && memcmp(*c, v->u.s, v->len) == 0) return true;
    return false;
}

static bool breaks(const mr_type *type, const mr_value *v, char *how) {
    if (v->kind != MR_TEXT || !type->choices) return false;
    if (how) snprintf(how, MR_TYPE_ADVICE, "is not a choice of");
    return !is_choice(type, v);
}

static bool read(const mr_type *type, mr_value *v) { return v->kind == MR_TEXT && !breaks(type, v, NULL); }

/* Writes "Enum(a, b)"; dots replace the choices for which there is no room. */
static void print(const mr_type *type, char *buf, size_t size) {
    const char *const *c = type->choices;
    if (!c) {
        snprintf(buf, size, "Enum");
        return;
    }
    size_t len = (size_t)snprintf(buf, size, "Enum(");
    for (size_t i = 0; c[i]; i++) {
        size_t need = strlen(c[i]) + 2, dots = 6;
        if (len + need + dots > size) {
            len += (size_t)snprintf(buf + len, size - len, "%s", i ? ", ..." : "...");
            break;
        }
        len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? ", " : "", c[i]);
    }
    snprintf(buf + len, size - len, ")");
}

/* The column has room for the longest choice. */
static void print_sql(const mr_type *type, char *buf, size_t size) {
    size_t longest = 0;
    for (const char *const *c = type->choices; c && *c; c++) {
        size_t n = mr_utf8_length(*c, strlen(*c));
        if (n > longest) longest = n;
    }
    if (longest) snprintf(buf, size, "VARCHAR(%zu)", longest);
    else snprintf(buf, size, "VARCHAR");
}

const mr_type_rules mr_type_enum = {
    .name = "Enum",
    .wants = "a string",
    .sql = "VARCHAR",
    .group = MR_GROUP_WORD,
    .kind = MR_TEXT,
    .evaluated = true,
    .argument = MR_ARGUMENT_CHOICES,
    .takes = MR_TAKES(MR_TEXT),
    .read = read,
    .breaks = breaks,
    .print = print,
    .print_sql = print_sql,
};

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

static bool read(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    return v->kind == MR_TEXT && !breaks(type, v, NULL);
}

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

/* ---------------------------------------------------------------- other forms */

static size_t choice_number(const mr_type *type, const mr_value *v) {
    size_t i = 0;
    while (type->choices[i] && (strlen(type->choices[i]) != v->len || memcmp(type->choices[i], v->u.s, v->len) != 0))
        i++;
    return i;
}

static bool read_form(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    for (size_t i = 0; type->choices[i]; i++) {
        const mr_value *form = &type->forms[i];
        bool same = form->kind == v->kind && (v->kind == MR_INT ? form->u.i == v->u.i
                                                                : v->kind == MR_TEXT && form->len == v->len &&
                                                                      memcmp(form->u.s, v->u.s, v->len) == 0);
        if (!same) continue;
        *v = mr_text_value(type->choices[i], strlen(type->choices[i]));
        return true;
    }
    return false;
}

static bool is_form(const mr_type *type, int64_t number) {
    for (size_t i = 0; type->choices[i]; i++)
        if (type->forms[i].kind == MR_INT && type->forms[i].u.i == number) return true;
    return false;
}

/* A number, or a text, that is the form of no choice. */
static mr_value no_form(const mr_type *type) {
    mr_value v = mr_text_value("", 0);
    if (type->forms[0].kind == MR_INT) {
        int64_t number = INT32_MIN;
        while (is_form(type, number)) number++;
        return mr_int_value(number);
    }
    for (size_t i = 0; type->choices[i]; i++)
        if (type->forms[i].kind == MR_TEXT && type->forms[i].len == 0) v = mr_text_value("\1no choice", 10);
    return v;
}

static void print_forms(const mr_type *type, char *buf, size_t size);

static mr_status no_place(const mr_type *type, const mr_value *v, const mr_store_room *room) {
    enum { SHOWN = 40 };
    char name[MR_TYPE_NAME];
    print_forms(type, name, sizeof name);
    return mr_fail(room->env, MR_ERR_ARGUMENT,
                   "%s: string \"%.*s%s\" is not a choice of %s, so it has no place in its order",
                   room->what ? room->what : "parameter", v->len > SHOWN ? SHOWN : (int)v->len, v->u.s,
                   v->len > SHOWN ? "..." : "", name);
}

/* A text that is no choice has no form: a criterion finds nothing that is equal to it, and nothing comes before it. */
static mr_status store_form(const mr_type *type, mr_value *v, mr_store_room *room) {
    if (v->kind != MR_TEXT) return MR_OK;
    size_t i = choice_number(type, v);
    if (!type->choices[i] && v->tag == MR_CHOICE_PLACE) return no_place(type, v, room);
    *v = type->choices[i] ? type->forms[i] : no_form(type);
    return MR_OK;
}

static void print_forms(const mr_type *type, char *buf, size_t size) {
    size_t len = (size_t)snprintf(buf, size, "Enum(");
    for (size_t i = 0; type->choices[i]; i++) {
        char form[MR_TYPE_NAME];
        const mr_value *v = &type->forms[i];
        if (v->kind == MR_INT) snprintf(form, sizeof form, "%lld", (long long)v->u.i);
        else snprintf(form, sizeof form, "\"%.*s\"", (int)v->len, v->u.s);
        size_t need = strlen(type->choices[i]) + strlen(form) + 5, dots = 6;
        if (len + need + dots > size) {
            len += (size_t)snprintf(buf + len, size - len, "%s", i ? ", ..." : "...");
            break;
        }
        len += (size_t)snprintf(buf + len, size - len, "%s%s = %s", i ? ", " : "", type->choices[i], form);
    }
    snprintf(buf + len, size - len, ")");
}

/* The column has room for the longest form. */
static void print_sql_words(const mr_type *type, char *buf, size_t size) {
    size_t longest = 1;
    for (size_t i = 0; type->choices[i]; i++) {
        size_t n = mr_utf8_length(type->forms[i].u.s, type->forms[i].len);
        if (n > longest) longest = n;
    }
    snprintf(buf, size, "VARCHAR(%zu)", longest);
}

#define STORED_ENUM                                                                                                    \
    .name = "Enum", .wants = "a string", .reads = "choice in its stored form", .group = MR_GROUP_WORD,                 \
    .kind = MR_TEXT, .argument = MR_ARGUMENT_CHOICES, .takes = MR_TAKES(MR_TEXT), .read = read_form, .breaks = breaks, \
    .print = print_forms, .unordered = true, .store = store_form

static const mr_type_rules numbers = {STORED_ENUM, .storage = "number", .sql_as = &mr_type_integer};
static const mr_type_rules words = {STORED_ENUM, .storage = "text", .sql = "VARCHAR", .print_sql = print_sql_words};

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
    .storages = (const mr_type_rules *const[]){&numbers, &words, NULL},
};

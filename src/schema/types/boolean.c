/*
 * boolean.c: Boolean. Databases without booleans store 1 and 0, or the text that other programs write for true and
 * false.
 *
 * Invariant: each text that is read as a boolean is one of its spellings, so a criterion finds it.
 */
#include "rules.h"

#include <stdio.h>
#include <string.h>

static const char *const truths[] = {"1", "t", "true"};
static const char *const falsehoods[] = {"0", "f", "false", ""};

static bool is_word(const char *word, const char *s, size_t len) {
    return strlen(word) == len && (len == 0 || memcmp(word, s, len) == 0);
}

/* Reads a boolean that is stored as text: "1", "t", "true", "0", "f", "false", "". False for other text. */
static bool read_text(const char *s, size_t len, bool *out) {
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++)
        if (is_word(truths[i], s, len)) return *out = true, true;
    for (size_t i = 0; i < sizeof falsehoods / sizeof *falsehoods; i++)
        if (is_word(falsehoods[i], s, len)) return *out = false, true;
    return false;
}

static bool read(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    bool b;
    (void)type;
    if (v->kind == MR_BOOL) return true;
    if (v->kind == MR_INT && (v->u.i == 0 || v->u.i == 1)) b = v->u.i == 1;
    else if (v->kind == MR_FLOAT && (v->u.d == 0 || v->u.d == 1)) b = v->u.d == 1;
    else if (v->kind != MR_TEXT || !read_text(v->u.s, v->len, &b)) return false;
    *v = mr_bool_value(b);
    return true;
}

static unsigned spell(const mr_type *type, const mr_value *v, mr_value *out) {
    (void)type;
    if (v->kind != MR_BOOL) return 0;
    const char *const *words = v->u.i ? truths : falsehoods;
    size_t n = v->u.i ? sizeof truths / sizeof *truths : sizeof falsehoods / sizeof *falsehoods;
    out[0] = *v;
    for (size_t i = 0; i < n; i++) out[i + 1] = mr_text_value(words[i], strlen(words[i]));
    return (unsigned)n + 1;
}

static void advise(const mr_type *type, const mr_value *v, char *advice) {
    bool b;
    (void)type;
    if (v->kind == MR_INT) snprintf(advice, MR_TYPE_ADVICE, " (write true or false; x ~= 0 makes one of a number)");
    else if (v->kind == MR_TEXT && read_text(v->u.s, v->len, &b) && v->len > 0)
        snprintf(advice, MR_TYPE_ADVICE, " (write %s, without quotes)", b ? "true" : "false");
}

/* ---------------------------------------------------------------- other words */

static bool is_form(const mr_value *form, const mr_value *v) {
    return v->kind == MR_TEXT && v->len == form->len && memcmp(v->u.s, form->u.s, v->len) == 0;
}

static bool read_words(const mr_type *type, mr_value *v, char *room) {
    (void)room;
    if (v->kind == MR_BOOL) return true;
    if (!is_form(&type->forms[0], v) && !is_form(&type->forms[1], v)) return false;
    *v = mr_bool_value(is_form(&type->forms[1], v));
    return true;
}

static mr_status store_word(const mr_type *type, mr_value *v, mr_store_room *room) {
    (void)room;
    if (v->kind == MR_BOOL) *v = type->forms[v->u.i != 0];
    return MR_OK;
}

static void print_words(const mr_type *type, char *buf, size_t size) {
    const mr_value *no = &type->forms[0], *yes = &type->forms[1];
    snprintf(buf, size, "Boolean{ storage = \"%.*s/%.*s\" }", (int)yes->len, yes->u.s, (int)no->len, no->u.s);
}

static const mr_type_rules word_boolean;

/* "Y/N": the word for true, and the word for false. */
static mr_status choose_words(mr_env *env, const char *storage, mr_type *made) {
    enum { LONGEST = 16 };
    const char *slash = strchr(storage, '/'), *no = slash ? slash + 1 : "";
    bool good = slash && slash > storage && *no && !strchr(no, '/') && strlen(storage) <= LONGEST &&
                (strlen(no) != (size_t)(slash - storage) || memcmp(no, storage, strlen(no)) != 0);
    if (!good)
        return mr_fail(env, MR_ERR_ARGUMENT,
                       "Boolean: storage is the words for true and false: \"t/f\", \"Y/N\", \"true/false\"; got \"%s\"",
                       storage);
    mr_value *forms = mr_env_arena(env, 2 * sizeof *forms);
    const char *words = forms ? mr_intern(env, storage, strlen(storage)) : NULL;
    if (!words) return MR_FAIL;
    forms[0] = mr_text_value(words + (no - storage), strlen(no));
    forms[1] = mr_text_value(words, (size_t)(slash - storage));
    made->forms = forms;
    made->rules = &word_boolean;
    return MR_OK;
}

static const mr_type_rules word_boolean = {
    .name = "Boolean",
    .wants = "a boolean",
    .reads = "boolean: one of the two words of its storage",
    .group = MR_GROUP_BOOLEAN,
    .kind = MR_BOOL,
    .takes = MR_TAKES(MR_BOOL),
    .read = read_words,
    .advise = advise,
    .print = print_words,
    .storage = "words",
    .unordered = true, /* unless the word for false comes first */
    .sql_as = &mr_type_string,
    .store = store_word,
};

const mr_type_rules mr_type_boolean = {
    .name = "Boolean",
    .wants = "a boolean",
    .reads = "boolean: 0, 1, or text such as t, f, true or false",
    .sql = "BOOLEAN",
    .group = MR_GROUP_BOOLEAN,
    .kind = MR_BOOL,
    .natural = true,
    .evaluated = true,
    .takes = MR_TAKES(MR_BOOL),
    .spellings = 5,
    .read = read,
    .advise = advise,
    .spell = spell,
    .choose = choose_words,
};

/*
 * spelling.c: what a column may hold for one value of its type. Databases without dates and booleans store what
 * programs write, and programs write one instant, or true, in several ways.
 *
 * Invariant: what a column's type reads as a value is among that value's spellings, unless it is spelled in a way that
 * the value itself remembers. So a criterion finds each row whose value is read as equal.
 */
#include <moonrow/schema.h>

#include <string.h>

bool mr_type_is_spelled(const mr_type *type) {
    return type->code == MR_TYPE_DATETIME || type->code == MR_TYPE_TIME || type->code == MR_TYPE_INTERVAL ||
           type->code == MR_TYPE_BOOLEAN || type->code == MR_TYPE_ANY;
}

typedef struct spellings {
    mr_value *out;
    unsigned n;
} spellings;

static void add(spellings *s, mr_value v) {
    for (unsigned i = 0; i < s->n; i++)
        if (s->out[i].kind == v.kind && s->out[i].len == v.len && s->out[i].u.i == v.u.i) return;
    s->out[s->n++] = v;
}

/* ---------------------------------------------------------------- dates and times */

static bool is_calendar(const mr_type *type, const mr_value *v) {
    return (v->kind == MR_DATETIME || v->kind == MR_TIME || v->kind == MR_INTERVAL) && mr_type_is_spelled(type) &&
           type->code != MR_TYPE_BOOLEAN && type->code != MR_TYPE_ANY;
}

static mr_value with_digits(const mr_value *v, unsigned digits) {
    mr_value made = *v;
    made.flags = 0;
    made.len = (v->len & MR_SPELLED_T) | (digits + 1);
    return made;
}

/* The fraction as short as can be, with three digits where they suffice, with six; and as the value itself was read. */
static void add_calendar(spellings *s, const mr_value *v) {
    enum { MILLIS = 3, MICROS = 6 };
    unsigned digits = mr_calendar_digits(v);
    add(s, with_digits(v, digits));
    if (digits < MILLIS) add(s, with_digits(v, MILLIS));
    add(s, with_digits(v, MICROS));
    if (v->len == 0) return;
    mr_value own = *v;
    own.flags = 0;
    add(s, own);
}

/* ---------------------------------------------------------------- booleans */

static const char *const truths[] = {"1", "t", "true"};
static const char *const falsehoods[] = {"0", "f", "false", ""};

static void add_boolean(spellings *s, const mr_value *v) {
    const char *const *words = v->u.i ? truths : falsehoods;
    size_t n = v->u.i ? sizeof truths / sizeof *truths : sizeof falsehoods / sizeof *falsehoods;
    add(s, *v);
    for (size_t i = 0; i < n; i++) s->out[s->n++] = mr_text_value(words[i], strlen(words[i]));
}

bool mr_boolean_read(const char *s, size_t len, bool *out) {
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++)
        if (strlen(truths[i]) == len && memcmp(truths[i], s, len) == 0) return *out = true, true;
    for (size_t i = 0; i < sizeof falsehoods / sizeof *falsehoods; i++)
        if (strlen(falsehoods[i]) == len && (len == 0 || memcmp(falsehoods[i], s, len) == 0)) return *out = false, true;
    return false;
}

/* ---------------------------------------------------------------- all */

unsigned mr_type_spellings(const mr_type *type, const mr_value *v, mr_value *out) {
    spellings s = {out, 0};
    if (is_calendar(type, v)) {
        add_calendar(&s, v);
    } else if (type->code == MR_TYPE_BOOLEAN && v->kind == MR_BOOL) {
        add_boolean(&s, v);
    } else {
        add(&s, *v);
        out->flags = 0;
        if (type->code == MR_TYPE_ANY && (v->kind == MR_TEXT || v->kind == MR_BLOB))
            add(&s, mr_bytes_value(v->kind == MR_TEXT ? MR_BLOB : MR_TEXT, v->u.s, v->len));
    }
    return s.n;
}

mr_value mr_type_limit(const mr_type *type, const mr_value *v, bool longest) {
    mr_value all[MR_SPELLINGS];
    if (!is_calendar(type, v)) return *v;
    char best[48], text[48];
    unsigned n = mr_type_spellings(type, v, all), found = 0;
    mr_calendar_spell(&all[0], best);
    for (unsigned i = 1; i < n; i++) {
        mr_calendar_spell(&all[i], text);
        if ((strcmp(text, best) > 0) != longest) continue;
        found = i;
        memcpy(best, text, sizeof text);
    }
    return all[found];
}

mr_value mr_type_spell(const mr_type *type, const mr_value *v, unsigned spelling) {
    mr_value all[MR_SPELLINGS];
    if (spelling == MR_SPELL_SHORTEST || spelling == MR_SPELL_LONGEST)
        return mr_type_limit(type, v, spelling == MR_SPELL_LONGEST);
    if (spelling == MR_SPELL_PLAIN) return *v;
    unsigned n = mr_type_spellings(type, v, all);
    return all[spelling <= n ? spelling - 1 : n - 1];
}

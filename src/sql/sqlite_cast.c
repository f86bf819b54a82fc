/*
 * sqlite_cast.c: casts in SQLite, whose CAST knows numbers, texts and bytes only: as a DATE or a BOOLEAN it would make
 * the number at the beginning of a text.
 *
 * Invariant: a cast gives what a column of the type stores for the value, or an error. What no value could become is
 * refused when the cast is compiled.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <stdio.h>
#include <string.h>

typedef struct casting {
    mr_compiler *c;
    const mr_node *x;    /* what is cast */
    const mr_type *from; /* NULL: each value is what its storage class says */
    const mr_type *to;
} casting;

/* ---------------------------------------------------------------- refused */

#define IN_LUA " (read the values, and convert them in Lua)"

/* Returns true: the cast is dealt with. */
static bool refuse(const casting *k, const char *cure) {
    char from[MR_TYPE_NAME], to[MR_TYPE_NAME];
    const mr_type *is = k->from ? k->from : mr_type_simple(MR_TYPE_ANY);
    mr_compile_fail(k->c, "cast: SQLite cannot turn %s into %s%s", mr_type_name(is, from), mr_type_name(k->to, to),
                    cure);
    return true;
}

/* ---------------------------------------------------------------- writing */

/* Writes what is cast; a parameter in the form of the type, NULL: its own. */
static void emit_value(const casting *k, const mr_type *form) {
    const mr_type *outer = k->c->form;
    bool written = k->c->written;
    if (k->x->kind == MR_NODE_BIND && form) {
        k->c->form = form;
        k->c->written = true; /* what the form cannot keep is cut off */
    }
    mr_compile(k->c, k->x);
    k->c->form = outer;
    k->c->written = written;
}

/* Writes SQLite's CAST. */
static void emit_cast(const casting *k, const mr_type *form) {
    char buf[2 * MR_TYPE_NAME];
    const char *type = mr_type_sql(k->c->dialect, k->to, buf, sizeof buf);
    mr_emit(k->c, *type ? "CAST(" : "(");
    emit_value(k, form);
    if (*type) mr_emit(k->c, " AS ");
    mr_emit(k->c, type);
    mr_emit(k->c, ")");
}

static bool emit_same(const casting *k) {
    mr_emit(k->c, "(");
    emit_value(k, k->to);
    mr_emit(k->c, ")");
    return true;
}

/* Writes the function of sqlite_cast.c in db. */
static bool emit_function(const casting *k) {
    char from[MR_TYPE_NAME] = "", to[MR_TYPE_NAME], text[2 * MR_TYPE_NAME + 16];
    if (k->c->lasting)
        return refuse(k, " in an index or a constraint: other programs, which lack our function, must know it");
    if (k->from && (mr_type_is_moment(k->from) || k->from->rules->storage)) mr_type_form_name(k->from, from);
    mr_type_form_name(k->to, to);
    snprintf(text, sizeof text, ", '%s', '%s')", from, to);
    mr_emit(k->c, "moonrow_cast(");
    emit_value(k, k->from);
    mr_emit(k->c, text);
    return true;
}

/* Writes a function of SQLite's own around the value. */
static bool emit_native(const casting *k, const char *call) {
    mr_emit(k->c, call);
    mr_compile(k->c, k->x);
    mr_emit(k->c, ")");
    return true;
}

static void emit_word(mr_compiler *c, const mr_value *word) {
    if (word->kind == MR_INT) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)word->u.i);
        mr_emit(c, number);
        return;
    }
    mr_emit(c, "'");
    for (uint32_t i = 0; i < word->len; i++) {
        if (word->u.s[i] == '\'') mr_emit(c, "'");
        mr_strbuf_putc(&c->out->sql, word->u.s[i]);
    }
    mr_emit(c, "'");
}

static void emit_when(mr_compiler *c, const mr_value *when, const mr_value *then) {
    mr_emit(c, " WHEN ");
    emit_word(c, when);
    mr_emit(c, " THEN ");
    emit_word(c, then);
}

/* ---------------------------------------------------------------- numbers and booleans */

static bool is_uuid(const mr_type *type) { return type->rules->casts; }
static bool is_enum(const mr_type *type) { return type->rules->group == MR_GROUP_WORD && type->choices; }
static bool is_numbered(const mr_type *type) { return type->forms && type->forms[0].kind == MR_INT; }

/* Writes a truth value as 1, 0 or NULL. */
static void emit_truth(const casting *k) {
    const mr_type *type = k->from;
    if (type && mr_type_is_boolean(type)) {
        mr_emit(k->c, "(");
        if (mr_is_spelled_boolean(k->c, k->x)) mr_compile_condition(k->c, k->x, MR_OP_NONE);
        else emit_value(k, mr_type_simple(MR_TYPE_BOOLEAN));
        mr_emit(k->c, ")");
    } else if (type && mr_type_is_number(type)) {
        mr_emit(k->c, "(CAST(");
        mr_compile(k->c, k->x);
        mr_emit(k->c, " AS NUMERIC) != 0)");
    } else {
        casting plain = *k;
        plain.to = mr_type_simple(MR_TYPE_BOOLEAN);
        emit_function(&plain);
    }
}

/* A moment that is stored as a number is cast as that number. */
static bool to_number(const casting *k) {
    if (!k->from) return false;
    if (mr_type_is_moment(k->from) && !k->from->rules->unit)
        return refuse(k, " (mr.extract(\"year\", x) gives a part of it, mr.extract(\"epoch\", x) seconds since 1970)");
    if (is_uuid(k->from)) return refuse(k, IN_LUA);
    if (!mr_type_is_boolean(k->from)) return false;
    if (mr_type_is_decimal(k->to)) return refuse(k, " (cast it to Integer first)");
    if (k->x->kind != MR_NODE_BIND) return false;
    emit_cast(k, mr_type_simple(MR_TYPE_BOOLEAN));
    return true;
}
/* Writes the truth as two words. */
static bool emit_words(const casting *k, const mr_value *yes, const mr_value *no) {
    const mr_value one = mr_int_value(1), zero = mr_int_value(0);
    mr_emit(k->c, "CASE ");
    emit_truth(k);
    emit_when(k->c, &one, yes);
    emit_when(k->c, &zero, no);
    mr_emit(k->c, " END");
    return true;
}

static bool is_of_texts(const mr_type *type) {
    return !type || mr_type_is_string(type) || (is_enum(type) && !type->forms) || mr_type_is_json(type);
}

static bool to_boolean(const casting *k) {
    const mr_type *from = k->from;
    if (!is_of_texts(from) && !mr_type_is_boolean(from) && !mr_type_is_number(from)) return refuse(k, IN_LUA);
    if (from && mr_type_is_boolean(from) && k->x->kind == MR_NODE_BIND) return emit_same(k);
    if (k->to->forms) return emit_words(k, &k->to->forms[1], &k->to->forms[0]);
    emit_truth(k);
    return true;
}

/* ---------------------------------------------------------------- moments */

static bool goes_with(mr_kind from, mr_kind to) {
    if (from == to) return true;
    if (from == MR_DATETIME) return to == MR_DATE || to == MR_TIME;
    if (from == MR_DATE) return to == MR_DATETIME;
    return (from == MR_TIME && to == MR_INTERVAL) || (from == MR_INTERVAL && to == MR_TIME);
}

/* What other programs must be able to read is written by SQLite's own functions, which keep thousandths of a second. */
static bool to_lasting(const casting *k) {
    mr_kind kind = k->to->rules->kind;
    if (k->to->rules->storage || (k->from && k->from->rules->storage) || kind == MR_INTERVAL) return emit_function(k);
    return emit_native(k, kind == MR_DATE   ? "date("
                          : kind == MR_TIME ? "strftime('%H:%M:%f', "
                                            : "strftime('%Y-%m-%d %H:%M:%f', ");
}

static bool to_moment(const casting *k) {
    const mr_type *from = k->from;
    if (from && mr_type_is_moment(from)) {
        if (!goes_with(from->rules->kind, k->to->rules->kind)) return refuse(k, IN_LUA);
        if (from->rules->kind == k->to->rules->kind && k->x->kind == MR_NODE_BIND) return emit_same(k);
    } else if (from && mr_type_is_number(from)) {
        if (k->to->rules->unit) return false; /* the type says what the number counts */
        return refuse(k, " (a number counts as the type's storage says, as in mr.DateTime{ storage = \"unix\" })");
    } else if (!is_of_texts(from)) {
        return refuse(k, IN_LUA);
    }
    return k->c->lasting ? to_lasting(k) : emit_function(k);
}

/* ---------------------------------------------------------------- words and texts */

static bool to_uuid(const casting *k) {
    const mr_type *from = k->from;
    bool bytes = from && from->rules->group == MR_GROUP_BYTES;
    if (from && is_uuid(from)) {
        bool same = k->x->kind == MR_NODE_BIND || mr_type_same_form(from, k->to);
        return same ? emit_same(k) : emit_function(k);
    }
    if (!bytes && !is_of_texts(from)) return refuse(k, IN_LUA);
    return k->to->rules->storage || bytes ? emit_function(k) : false;
}

static bool has_choice(const mr_type *type, const char *choice, size_t *i) {
    for (*i = 0; type->choices[*i]; ++*i)
        if (strcmp(type->choices[*i], choice) == 0) return true;
    return false;
}

static mr_value word_of(const mr_type *type, size_t i) {
    return type->forms ? type->forms[i] : mr_text_value(type->choices[i], strlen(type->choices[i]));
}

/* The stored words of one Enum, or texts, as those of another one, or as texts. Others stay, and are refused when they
 * are read. */
static bool emit_choices(const casting *k, const mr_type *choices) {
    const uint32_t start = k->c->ordinal;
    mr_emit(k->c, "CASE ");
    mr_compile_operand(k->c, k->x, MR_AGAINST_ANY);
    for (size_t i = 0, j = 0; choices->choices[i]; i++) {
        mr_value text = mr_text_value(choices->choices[i], strlen(choices->choices[i])), when = text, then = text;
        if (k->from && is_enum(k->from) && !has_choice(k->from, choices->choices[i], &j)) continue;
        if (k->from && is_enum(k->from)) when = word_of(k->from, j);
        if (is_enum(k->to)) then = word_of(k->to, i);
        emit_when(k->c, &when, &then);
    }
    k->c->ordinal = start;
    mr_emit(k->c, " ELSE CAST(");
    mr_compile(k->c, k->x);
    mr_emit(k->c, " AS TEXT) END");
    return true;
}

static bool to_enum(const casting *k) {
    const mr_type *from = k->from;
    if (from && is_enum(from)) {
        bool same = k->x->kind == MR_NODE_BIND || (!from->forms && !k->to->forms) || mr_type_same_form(from, k->to);
        return same ? emit_same(k) : emit_choices(k, k->to);
    }
    if (from && mr_type_is_number(from)) return is_numbered(k->to) ? false : refuse(k, IN_LUA);
    if (!is_of_texts(from)) return refuse(k, IN_LUA);
    return k->to->forms ? emit_choices(k, k->to) : false;
}

static bool to_string(const casting *k) {
    const mr_type *from = k->from;
    if (!from) return false;
    if (is_enum(from) && from->forms) return emit_choices(k, from);
    bool formed = (mr_type_is_moment(from) || is_uuid(from)) && from->rules->storage;
    return formed || from->rules->kind == MR_INTERVAL ? emit_function(k) : false;
}

static bool to_json(const casting *k) {
    static const char yes[] = "true", no[] = "false";
    const mr_type *from = k->from;
    if (from && mr_type_is_boolean(from)) {
        const mr_value words[] = {mr_text_value(no, sizeof no - 1), mr_text_value(yes, sizeof yes - 1)};
        return emit_words(k, &words[1], &words[0]);
    }
    if (from && (mr_type_is_moment(from) || from->rules->group == MR_GROUP_WORD))
        return refuse(k, " (read the values, and write them as JSON)");
    return false;
}

/* ---------------------------------------------------------------- the types */

static const mr_type *type_from(const mr_compiler *c, const mr_node *x) {
    const mr_type *type = x->type ? mr_typed(c, x) : NULL;
    bool any = !type || !mr_type_is_known(type) || mr_type_is_any(type);
    return any || x->kind == MR_NODE_LITERAL_SQL || x->kind == MR_NODE_TEXT ? NULL : type;
}

static bool compile(const casting *k) {
    if (mr_type_is_moment(k->to)) return to_moment(k);
    if (mr_type_is_number(k->to)) return to_number(k);
    if (mr_type_is_boolean(k->to)) return to_boolean(k);
    if (mr_type_is_string(k->to)) return to_string(k);
    if (mr_type_is_json(k->to)) return to_json(k);
    if (is_uuid(k->to)) return to_uuid(k);
    return is_enum(k->to) ? to_enum(k) : false;
}

bool mr_sqlite_cast(mr_compiler *c, const mr_node *node) {
    const mr_node *x = mr_unlabelled(node->child[0]);
    casting k = {c, x, type_from(c, x), mr_typed(c, node)};
    /* A parameter need not have the form of a column: 13:04:05.5 is not cut before it is cast. Of a moment, the number
     * that its form makes is what a cast to a number wants. */
    bool formed = x->kind == MR_NODE_BIND && k.from && k.from->rules->storage;
    const mr_type *plain = NULL;
    if (formed && mr_type_is_decimal(k.from) && !mr_type_is_decimal(k.to)) plain = mr_type_simple(MR_TYPE_NUMERIC);
    if (formed && mr_type_is_moment(k.from) && !mr_type_is_number(k.to))
        plain = k.from = mr_type_natural(k.from->rules->kind);
    if (compile(&k)) return true;
    if (plain) emit_cast(&k, plain);
    return plain != NULL;
}

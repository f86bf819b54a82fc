/*
 * postgresql_cast.c: dates, times, intervals, uuids and Enums that PostgreSQL's columns store in another form than that
 * of its own types, wherever their value is needed: in casts, EXTRACT and calculations.
 *
 * Invariant: what is stored never stands for the value. A cast gives what a column of the type stores for the value, or
 * is refused when it is compiled.
 */
#include <moonrow/sql.h>

#include "compiler.h"
#include "literal.h"

#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000) /* in microseconds */

static bool is_stored(const mr_type *type) { return type && type->rules->storage; }
static bool is_uuid(const mr_type *type) { return type->rules->casts; }
static bool is_enum(const mr_type *type) { return type->rules->group == MR_GROUP_WORD && type->choices; }

/* Refuses, and returns true: the node is dealt with. */
static bool refuse(mr_compiler *c, const mr_type *from, const mr_type *to) {
    char is[MR_TYPE_NAME], made[MR_TYPE_NAME];
    mr_compile_fail(c, "cast: PostgreSQL cannot turn %s into %s (read the values, and convert them in Lua)",
                    from ? mr_type_name(from, is) : "this", mr_type_name(to, made));
    return true;
}

static void emit_number(mr_compiler *c, double number) {
    char text[40];
    snprintf(text, sizeof text, number == (double)(int64_t)number ? "%.0f" : "%.1f", number);
    mr_emit(c, text);
}

/* ---------------------------------------------------------------- the value of what is stored */

/* Writes the time that a stored number counts. Units that are no seconds are counted apart, because an interval times a
 * number is a float. */
static void emit_counted(mr_compiler *c, const mr_type *type, const mr_node *x) {
    const uint32_t start = c->ordinal;
    const mr_type_rules *rules = type->rules;
    const double units = (double)SECOND / (double)rules->unit;
    mr_emit(c, "(");
    if (rules->per > 0) {
        mr_emit(c, rules->zero > 0 ? "(" : "");
        mr_compile_operand(c, x, rules->zero > 0 ? MR_OP_SUB : MR_OP_MUL);
        if (rules->zero > 0) mr_emit(c, " - ");
        if (rules->zero > 0) emit_number(c, rules->zero);
        mr_emit(c, rules->zero > 0 ? ") * " : " * ");
        emit_number(c, rules->per / (double)SECOND);
        mr_emit(c, " * INTERVAL '1 second'");
    } else if (rules->unit == SECOND) {
        mr_compile_operand(c, x, MR_OP_MUL);
        mr_emit(c, " * INTERVAL '1 second'");
    } else {
        mr_compile_operand(c, x, MR_AGAINST_ANY);
        mr_emit(c, " / ");
        emit_number(c, units);
        mr_emit(c, " * INTERVAL '1 second' + ");
        c->ordinal = start;
        mr_compile_operand(c, x, MR_AGAINST_ANY);
        mr_emit(c, " % ");
        emit_number(c, units);
        mr_emit(c, rules->unit == 1 ? " * INTERVAL '1 microsecond'" : " * INTERVAL '1 millisecond'");
    }
    mr_emit(c, ")");
}

/* An interval as ISO text. PostgreSQL reads none with a sign in front. */
static void emit_iso_interval(mr_compiler *c, const mr_node *x) {
    const uint32_t start = c->ordinal;
    mr_emit(c, "CASE WHEN ");
    mr_compile_operand(c, x, MR_OP_LIKE);
    mr_emit(c, " LIKE '-%' THEN -CAST(substr(");
    c->ordinal = start;
    mr_compile(c, x);
    mr_emit(c, ", 2) AS INTERVAL) ELSE CAST(");
    c->ordinal = start;
    mr_compile(c, x);
    mr_emit(c, " AS INTERVAL) END");
}

static const char *native_name(mr_kind kind) {
    return kind == MR_DATE ? "DATE" : kind == MR_TIME ? "TIME" : kind == MR_DATETIME ? "TIMESTAMP" : "INTERVAL";
}

/* Writes the moment that the number since the type's epoch counts. */
static void emit_since(mr_compiler *c, const mr_type *type, const mr_node *x) {
    const mr_type_rules *rules = type->rules;
    const bool rounded = rules->per > 0 && rules->unit > 1; /* a float has fewer digits than a microsecond needs */
    mr_emit(c, rounded ? "date_trunc('milliseconds', " : "(");
    mr_emit(c, rules->epoch ? "TIMESTAMP '2001-01-01 00:00:00' + " : "TIMESTAMP '1970-01-01 00:00:00' + ");
    emit_counted(c, type, x);
    mr_emit(c, rounded ? " + INTERVAL '0.0005 seconds')" : ")");
}

/* Writes a moment as a value of PostgreSQL's own type. */
static void emit_moment(mr_compiler *c, const mr_type *type, const mr_node *x) {
    const mr_type *outer = c->form;
    const mr_kind kind = type->rules->kind;
    const bool since = kind == MR_DATE || kind == MR_DATETIME;
    if (x->kind == MR_NODE_BIND) {
        c->form = mr_type_natural(kind);
        mr_compile(c, x);
        c->form = outer;
        return;
    }
    if (!is_stored(type)) {
        mr_compile_operand(c, x, MR_AGAINST_ANY);
    } else if (!type->rules->unit) {
        if (kind == MR_INTERVAL) {
            emit_iso_interval(c, x);
            return;
        }
        mr_emit(c, "CAST(");
        mr_compile(c, x);
        mr_emit(c, " AS ");
        mr_emit(c, native_name(kind));
        mr_emit(c, ")");
    } else if (kind == MR_DATETIME) {
        emit_since(c, type, x);
    } else if (kind == MR_INTERVAL) {
        emit_counted(c, type, x);
    } else {
        mr_emit(c, "CAST(");
        if (since) emit_since(c, type, x);
        else emit_counted(c, type, x);
        mr_emit(c, " AS ");
        mr_emit(c, native_name(kind));
        mr_emit(c, ")");
    }
}

/* ---------------------------------------------------------------- casts of moments */

static bool goes_with(mr_kind from, mr_kind to) {
    if (from == to) return true;
    if (from == MR_DATETIME) return to == MR_DATE || to == MR_TIME;
    if (from == MR_DATE) return to == MR_DATETIME;
    return (from == MR_TIME && to == MR_INTERVAL) || (from == MR_INTERVAL && to == MR_TIME);
}

/* Has the stored text digits, a separator or a zone that PostgreSQL does not write? */
static bool is_spelled_text(const mr_type *type) {
    return !type->rules->unit && strcmp(type->rules->storage, "iso") == 0 && type->rules->kind != MR_DATE;
}

/* Writes what is cast as a value of the type's kind. from NULL: a text, or what the database knows. */
static void emit_kind(mr_compiler *c, const mr_type *from, mr_kind kind, const mr_node *x) {
    mr_emit(c, "CAST(");
    if (from && mr_type_is_moment(from)) emit_moment(c, from, x);
    else mr_compile(c, x);
    mr_emit(c, " AS ");
    mr_emit(c, native_name(kind));
    mr_emit(c, ")");
}

/* Writes the units since the type's epoch, a whole NUMERIC. */
static void emit_units(mr_compiler *c, const mr_type *from, const mr_type *to, const mr_node *x) {
    const mr_type_rules *rules = to->rules;
    mr_emit(c, rules->epoch ? "floor((CAST(EXTRACT(EPOCH FROM " : "floor(CAST(EXTRACT(EPOCH FROM ");
    emit_kind(c, from, rules->kind, x);
    mr_emit(c, ") AS NUMERIC)");
    if (rules->epoch) {
        mr_emit(c, " - ");
        emit_number(c, (double)(rules->epoch / SECOND));
        mr_emit(c, ")");
    }
    mr_emit(c, " * ");
    emit_number(c, (double)SECOND / (double)rules->unit);
    mr_emit(c, ")");
}

/* Writes the number that the type stores. A float is calculated in the order in which the library does, so that it is
 * the same one: the whole ones, and then the rest. */
static void emit_number_of(mr_compiler *c, const mr_type *from, const mr_type *to, const mr_node *x) {
    const uint32_t start = c->ordinal;
    const mr_type_rules *rules = to->rules;
    const double one = rules->per / (double)rules->unit;
    mr_emit(c, rules->per > 0 ? "(CAST(floor(" : "CAST(");
    emit_units(c, from, to, x);
    if (rules->per <= 0) {
        mr_emit(c, " AS BIGINT)");
        return;
    }
    mr_emit(c, " / ");
    emit_number(c, one);
    mr_emit(c, ") + ");
    emit_number(c, rules->zero);
    mr_emit(c, " AS DOUBLE PRECISION) + CAST(mod(mod(");
    c->ordinal = start;
    emit_units(c, from, to, x);
    mr_emit(c, ", ");
    emit_number(c, one);
    mr_emit(c, ") + ");
    emit_number(c, one);
    mr_emit(c, ", ");
    emit_number(c, one);
    mr_emit(c, ") AS DOUBLE PRECISION) / ");
    emit_number(c, one);
    mr_emit(c, ")");
}

static bool to_moment(mr_compiler *c, const mr_type *from, const mr_type *to, const mr_node *x) {
    const mr_kind kind = to->rules->kind;
    if (from && mr_type_is_number(from)) return false; /* it counts as the type says */
    const bool text = !from || mr_type_is_string(from), moment = from && mr_type_is_moment(from);
    if (!is_stored(from) && !is_stored(to)) return false;
    if (moment && from->rules->kind == kind && x->kind != MR_NODE_BIND && mr_type_same_form(from, to)) return false;
    if (!text && !(moment && goes_with(from->rules->kind, kind))) return refuse(c, from, to);
    if (!is_stored(to)) {
        emit_kind(c, from, kind, x);
    } else if (is_spelled_text(to)) {
        return refuse(c, from, to);
    } else if (to->rules->unit) {
        emit_number_of(c, from, to, x);
    } else if (kind == MR_TIME) {
        mr_emit(c, "(TIMESTAMP '2000-01-01 00:00:00' + CAST(");
        emit_kind(c, from, kind, x);
        mr_emit(c, " AS INTERVAL))");
    } else {
        mr_emit(c, "CAST(");
        emit_kind(c, from, kind, x);
        mr_emit(c, strcmp(to->rules->storage, "iso") == 0 ? " AS DATE)" : " AS TIMESTAMP)");
    }
    return true;
}

/* ---------------------------------------------------------------- casts of words */

static mr_value form_of(const mr_type *type, size_t i) {
    return type->forms ? type->forms[i] : mr_text_value(type->choices[i], strlen(type->choices[i]));
}

static bool has_choice(const mr_type *type, const char *choice, size_t *i) {
    for (*i = 0; type->choices[*i]; ++*i)
        if (strcmp(type->choices[*i], choice) == 0) return true;
    return false;
}

/* The stored words of one Enum, or texts, as those of another one, or as texts. What is no choice raises where the form
 * is a number, and stays where it is a text. */
static bool emit_choices(mr_compiler *c, const mr_type *from, const mr_type *to, const mr_node *x) {
    const uint32_t start = c->ordinal;
    const mr_type *choices = is_enum(to) ? to : from;
    const bool numbers = is_enum(to) && to->forms && to->forms[0].kind == MR_INT;
    mr_emit(c, "CASE ");
    mr_compile_operand(c, x, MR_AGAINST_ANY);
    for (size_t i = 0, j = i; choices->choices[i]; i++) {
        const mr_value text = mr_text_value(choices->choices[i], strlen(choices->choices[i]));
        if (from && is_enum(from) && !has_choice(from, choices->choices[i], &j)) continue;
        const mr_value when = from && is_enum(from) ? form_of(from, j) : text,
                       then = is_enum(to) ? form_of(to, i) : text;
        mr_emit(c, " WHEN ");
        mr_put_literal(c->dialect, &when, &c->out->sql);
        mr_emit(c, " THEN ");
        mr_put_literal(c->dialect, &then, &c->out->sql);
    }
    c->ordinal = start;
    mr_emit(c, " ELSE CAST(");
    mr_compile(c, x);
    mr_emit(c, numbers ? " AS INTEGER) END" : " AS TEXT) END");
    return true;
}

static bool to_enum(mr_compiler *c, const mr_type *from, const mr_type *to, const mr_node *x) {
    if (from && (mr_type_is_number(from) || x->kind == MR_NODE_BIND)) return false;
    if (from && is_enum(from)) {
        if ((!from->forms && !to->forms) || mr_type_same_form(from, to)) return false;
        return emit_choices(c, from, to, x);
    }
    if (from && !mr_type_is_string(from)) return refuse(c, from, to);
    return to->forms ? emit_choices(c, from, to, x) : false;
}

/* ---------------------------------------------------------------- casts of uuids */

static bool is_named(const mr_type *type, const char *storage) {
    return is_stored(type) && strcmp(type->rules->storage, storage) == 0;
}

/* Writes a value of PostgreSQL's own UUID. */
static void emit_uuid(mr_compiler *c, const mr_type *from, const mr_node *x) {
    const bool bytes = from && x->kind != MR_NODE_BIND && (is_named(from, "blob") || !mr_type_is_text(from));
    const mr_type *outer = c->form;
    if (x->kind == MR_NODE_BIND && from && is_uuid(from)) c->form = mr_type_simple(MR_TYPE_UUID);
    mr_emit(c, bytes ? "CAST(encode(" : "CAST(");
    mr_compile(c, x);
    mr_emit(c, bytes ? ", 'hex') AS UUID)" : " AS UUID)");
    c->form = outer;
}

static bool to_uuid(mr_compiler *c, const mr_type *from, const mr_type *to, const mr_node *x) {
    const bool bytes = from && from->rules->group == MR_GROUP_BYTES;
    if (from && !is_uuid(from) && !bytes && !mr_type_is_string(from)) return refuse(c, from, to);
    if (from && is_uuid(from) && x->kind != MR_NODE_BIND && mr_type_same_form(from, to)) return false;
    const bool blob = is_named(to, "blob"), hex = is_named(to, "hex");
    mr_emit(c, blob ? "decode(replace(CAST(" : hex ? "replace(CAST(" : is_stored(to) ? "CAST(" : "");
    emit_uuid(c, from, x);
    mr_emit(c, blob ? " AS TEXT), '-', ''), 'hex')" : hex ? " AS TEXT), '-', '')" : is_stored(to) ? " AS TEXT)" : "");
    return true;
}

/* ---------------------------------------------------------------- casts */

static bool to_text(mr_compiler *c, const mr_type *from, const mr_node *x) {
    if (!from || x->kind == MR_NODE_BIND) return false;
    if (is_enum(from) && from->forms) return emit_choices(c, from, mr_type_simple(MR_TYPE_STRING), x);
    if (!is_stored(from) || (!mr_type_is_moment(from) && !is_uuid(from))) return false;
    if (mr_type_is_moment(from) && from->rules->kind == MR_INTERVAL && !from->rules->unit) return false; /* it is one */
    mr_emit(c, "CAST(");
    if (is_uuid(from)) emit_uuid(c, from, x);
    else emit_moment(c, from, x);
    mr_emit(c, " AS TEXT)");
    return true;
}

/* A moment that is stored as a number is cast as that number. */
static bool to_number(mr_compiler *c, const mr_type *from, const mr_type *to) {
    return is_stored(from) && mr_type_is_moment(from) && !from->rules->unit ? refuse(c, from, to) : false;
}

/* Writes a boolean as an integer, which PostgreSQL makes other numbers of. */
static bool to_counted(mr_compiler *c, const mr_type *from, const mr_type *to, const mr_node *x) {
    if (!from || !mr_type_is_boolean(from)) return to_number(c, from, to);
    char buf[2 * MR_TYPE_NAME];
    const mr_type *outer = c->form;
    if (x->kind == MR_NODE_BIND) c->form = mr_type_simple(MR_TYPE_BOOLEAN);
    mr_emit(c, "CAST(CAST(");
    mr_compile_condition(c, x, MR_OP_NONE);
    c->form = outer;
    mr_emit(c, " AS INTEGER) AS ");
    mr_emit(c, mr_type_sql(c->dialect, to, buf, sizeof buf));
    mr_emit(c, ")");
    return true;
}

static bool to_boolean(mr_compiler *c, const mr_type *from, const mr_type *to, const mr_node *x) {
    if (!from) return false;
    if (mr_type_is_boolean(from)) return mr_compile_worded(c, to, x);
    const bool number = mr_type_is_number(from), text = mr_type_is_string(from);
    if (!number && (!text || to->forms)) return is_stored(from) || to->forms ? refuse(c, from, to) : false;
    if (!number) return false;
    mr_emit(c, to->forms ? "CASE (" : "(");
    mr_postgresql_number(c, x, MR_OP_NE);
    mr_emit(c, " != 0)");
    if (!to->forms) return true;
    for (int truth = 1; truth >= 0; truth--) {
        mr_emit(c, truth ? " WHEN true THEN " : " WHEN false THEN ");
        mr_put_literal(c->dialect, &to->forms[truth], &c->out->sql);
    }
    mr_emit(c, " END");
    return true;
}

/* The type as which a parameter is a value of PostgreSQL's own. */
static const mr_type *plain_type(const mr_type *type) {
    if (mr_type_is_moment(type)) return mr_type_natural(type->rules->kind);
    if (mr_type_is_boolean(type)) return mr_type_simple(MR_TYPE_BOOLEAN);
    return is_uuid(type) ? mr_type_simple(MR_TYPE_UUID) : mr_type_simple(MR_TYPE_STRING);
}

/* Writes the cast of a parameter whose type has a form: as the type that it is cast to where it has such values, else
 * as a value of PostgreSQL's own type. */
static bool compile_parameter(mr_compiler *c, const mr_type *from, const mr_type *to, const mr_node *x) {
    const mr_type *outer = c->form;
    const bool written = c->written, word = mr_type_is_text(from) && is_uuid(from) == is_uuid(to);
    const bool same = from->rules->group == to->rules->group && from->rules->kind == to->rules->kind &&
                      !mr_type_is_number(to) && (from->rules->group != MR_GROUP_WORD || word);
    char buf[2 * MR_TYPE_NAME];
    if (!same && (!is_stored(from) || mr_type_is_moment(to) || mr_type_is_number(from))) return false;
    if (mr_type_is_boolean(from) && mr_type_is_number(to)) return false;
    mr_emit(c, "CAST(");
    c->form = same ? to : plain_type(from);
    c->written = same; /* what the form cannot keep is cut off */
    mr_compile(c, x);
    c->form = outer;
    c->written = written;
    mr_emit(c, " AS ");
    mr_emit(c, mr_type_sql(c->dialect, to, buf, sizeof buf));
    mr_emit(c, ")");
    return true;
}

static bool compile_cast(mr_compiler *c, const mr_node *node) {
    const mr_node *x = mr_unlabelled(node->child[0]);
    const mr_type *to = mr_typed(c, node), *from = x->type ? mr_typed(c, x) : NULL;
    if (from && (!mr_type_is_known(from) || mr_type_is_any(from))) from = NULL;
    if (x->kind == MR_NODE_LITERAL_SQL || x->kind == MR_NODE_TEXT) from = NULL;
    if (from && x->kind == MR_NODE_BIND && (is_stored(from) || is_stored(to)) && compile_parameter(c, from, to, x))
        return true;
    if (mr_type_is_moment(to)) return to_moment(c, from, to, x);
    if (mr_type_is_number(to)) return to_counted(c, from, to, x);
    if (mr_type_is_boolean(to)) return to_boolean(c, from, to, x);
    if (is_uuid(to)) return (is_stored(from) || is_stored(to)) && to_uuid(c, from, to, x);
    if (is_enum(to)) return to_enum(c, from, to, x);
    return mr_type_is_string(to) && to_text(c, from, x);
}

/* ---------------------------------------------------------------- parts and calculations */

static bool is_formed_moment(const mr_compiler *c, const mr_node *x) {
    x = mr_unlabelled(x);
    const mr_type *type = x->type ? mr_typed(c, x) : NULL;
    return type && x->kind != MR_NODE_BIND && mr_type_is_moment(type) && is_stored(type);
}

static bool compile_extract(mr_compiler *c, const mr_node *node) {
    const mr_node *x = mr_unlabelled(node->child[0]);
    if (!is_formed_moment(c, x)) return false;
    mr_emit(c, "EXTRACT(");
    mr_emit(c, node->name);
    mr_emit(c, " FROM ");
    emit_moment(c, mr_typed(c, x), x);
    mr_emit(c, ")");
    return true;
}

/* What is stored in another form is a number or a text to the database, and its sums mean nothing. */
static bool refuse_calculation(mr_compiler *c, const mr_node *node) {
    static const char *const own[] = {"Date", "Time", "DateTime", "Interval"};
    char name[MR_TYPE_NAME];
    for (uint32_t i = 0; i < node->n && i < 2; i++) {
        const mr_node *x = node->child[i];
        if (x->kind == MR_NODE_UNARY && x->op == MR_OP_DISTINCT) x = x->child[0];
        if (!is_formed_moment(c, x)) continue;
        const mr_type *type = mr_typed(c, x);
        mr_compile_fail(c,
                        "the database cannot calculate with %s, which is stored in another form than its own type "
                        "(mr.cast(x, mr.%s) makes one of that)",
                        mr_type_name(type, name), own[type->rules->kind - MR_DATE]);
        return true;
    }
    return false;
}

static bool is_calculation(const char *name) {
    static const char *const names[] = {"abs", "avg", "round", "sum"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

bool mr_postgresql_form(mr_compiler *c, const mr_node *node) {
    switch (node->kind) {
    case MR_NODE_CAST:
        return compile_cast(c, node);
    case MR_NODE_EXTRACT:
        return compile_extract(c, node);
    case MR_NODE_BINARY:
        return node->op >= MR_OP_ADD && node->op <= MR_OP_MOD && refuse_calculation(c, node);
    case MR_NODE_UNARY:
        return node->op == MR_OP_NEG && refuse_calculation(c, node);
    case MR_NODE_FUNC:
        return is_calculation(node->name) && refuse_calculation(c, node);
    default:
        return false;
    }
}

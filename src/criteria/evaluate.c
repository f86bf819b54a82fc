/*
 * evaluate.c: criteria computed over objects in memory.
 *
 * Invariant: the result is the database's: of the SQL that build.c makes. Where that is not certain (an attribute is
 * not known, a stored value does not fit its column) the result is "not known". An integer that overflows is an error:
 * the databases differ there.
 */
#include <math.h>
#include <string.h>

#include "tree.h"

/* A scope, and the object that stands for its class. */
typedef struct place {
    const mr_scope *scope;
    mr_entity *entity;
} place;

typedef struct evaluator {
    mr_env *env;
    const mr_criterion *criterion;
    const mr_criteria_reader *reader;
    mr_arena *texts; /* made when it is needed */
    bool failed;     /* an error is recorded */
    /* The first term whose value is not known, and why; or NULL. */
    const mr_term *unsure;
    const mr_scope *scope;
    const char *why;
} evaluator;

typedef enum truth { FALSE, TRUE, UNKNOWN } truth;

static truth condition(evaluator *v, const place *at, const mr_term *t);
static mr_value value(evaluator *v, const place *at, const mr_term *t);

static mr_value unknown(void) { return mr_value_of(MR_UNLOADED, 0); }

static mr_value not_known(evaluator *v, const place *at, const mr_term *t, const char *why) {
    if (!v->unsure) v->unsure = t, v->scope = at->scope, v->why = why;
    return unknown();
}

static mr_value failure(evaluator *v) {
    v->failed = true;
    return unknown();
}

static truth truth_of(bool b) { return b ? TRUE : FALSE; }

/* ---------------------------------------------------------------- can it be computed? */

/* The text of the term, for a message. */
static void name_term(const mr_scope *scope, const mr_term *t, mr_strbuf *out) {
    mr_strbuf_printf(out, "'%.*s' ", (int)(t->until - t->at), scope->text + t->at);
}

static const char *type_obstacle(const mr_type *type) {
    return type && type->decorator ? "has a type with functions of its own, whose values only the database compares"
                                   : NULL;
}

/* Why the database alone can compute the term, without what is below it. NULL: memory can, too. */
static const char *own_obstacle(const mr_term *t, bool lists) {
    static const char expression[] = "is made of an SQL expression, which only the database computes";
    switch ((mr_term_kind)t->kind) {
    case MR_TERM_DESCRIBED:
        return expression;
    case MR_TERM_COLUMN:
        if (t->prop->kind != MR_PROPERTY_COLUMN) return expression;
        break;
    case MR_TERM_ANY:
    case MR_TERM_ALL:
    case MR_TERM_NONE:
    case MR_TERM_COUNT:
        return lists ? NULL : "asks for rows of a list, of which memory need not have all";
    default:
        break;
    }
    return type_obstacle(t->type);
}

/* The first term that the database alone can compute. NULL: there is none. */
static const mr_term *obstacle(const mr_scope **scope, const mr_term *t, bool lists, const char **why) {
    if (t->kind == MR_TERM_NIL && t->child[0]->kind == MR_TERM_COLUMN) { /* is asked of columns of any type */
        *why = t->child[0]->prop->kind == MR_PROPERTY_COLUMN ? NULL : own_obstacle(t->child[0], lists);
        return *why ? t->child[0] : NULL;
    }
    if ((*why = own_obstacle(t, lists)) != NULL) return t;
    const mr_scope *outer = *scope;
    if (t->scope) *scope = t->scope;
    for (uint32_t i = 0; i < t->n; i++) {
        const mr_term *found = obstacle(scope, t->child[i], lists, why);
        if (found) return found;
    }
    *scope = outer;
    return NULL;
}

bool mr_criterion_computable(const mr_criterion *c, bool lists) {
    const mr_scope *scope = c->criteria->scope;
    const char *why;
    return !obstacle(&scope, c->criteria->root, lists, &why);
}

bool mr_criterion_obstacle(const mr_criterion *c, bool lists, mr_strbuf *out) {
    const mr_scope *scope = c->criteria->scope;
    const char *why;
    const mr_term *t = obstacle(&scope, c->criteria->root, lists, &why);
    if (!t) return false;
    name_term(scope, t, out);
    mr_strbuf_puts(out, why);
    return true;
}

/* ---------------------------------------------------------------- attributes */

/* The object at the end of the path. False: it is not known, or an error is recorded. */
static bool follow(evaluator *v, const place *at, const mr_path *path, mr_entity **out) {
    *out = at->entity;
    if (!path) return true;
    if (!follow(v, at, path->from, out)) return false;
    if (!*out) return true; /* nothing leads to nothing */
    mr_status status = v->reader->reference(v->reader->ud, *out, path->along, out);
    if (status == MR_FAIL) v->failed = true;
    return status == MR_OK;
}

static mr_criteria_group group_of(const mr_value *x) {
    switch ((mr_kind)x->kind) {
    case MR_BOOL:
        return MR_CRITERIA_BOOLEAN;
    case MR_INT:
    case MR_FLOAT:
        return MR_CRITERIA_NUMBER;
    case MR_DECIMAL:
        return MR_CRITERIA_DECIMAL;
    case MR_TEXT:
        return MR_CRITERIA_TEXT;
    case MR_BLOB:
        return MR_CRITERIA_BYTES;
    case MR_DATE:
        return MR_CRITERIA_DATE;
    case MR_TIME:
        return MR_CRITERIA_TIME;
    case MR_DATETIME:
        return MR_CRITERIA_DATETIME;
    case MR_INTERVAL:
        return MR_CRITERIA_INTERVAL;
    default:
        return MR_CRITERIA_OTHER;
    }
}

static char *text_room(evaluator *v, size_t len) {
    if (!v->texts) v->texts = mr_arena_new(v->env);
    char *room = v->texts ? mr_arena_alloc(v->texts, len + 1) : NULL;
    if (!room) v->failed = true;
    return room;
}

static mr_value column(evaluator *v, const place *at, const mr_term *t) {
    mr_entity *e;
    const mr_value *x;
    if (!follow(v, at, t->path, &e)) return not_known(v, at, t, "is not loaded");
    if (!e) return mr_null_value();
    mr_status status = v->reader->column(v->reader->ud, e, t->prop, &x);
    if (status == MR_FAIL) return failure(v);
    if (status != MR_OK || x->kind == MR_UNLOADED) return not_known(v, at, t, "is not loaded");
    /* A stored value that does not fit its column, or the NULL in its place: the database compares it in another way.
     */
    static const char misfit[] = "holds a stored value that is none of its type, which only the database compares";
    if (x->kind == MR_NULL) return x->len ? not_known(v, at, t, misfit) : mr_null_value();
    if (t->group != MR_CRITERIA_ANY && group_of(x) != t->group) return not_known(v, at, t, misfit);
    mr_value plain = *x;
    plain.flags = 0;
    if (!v->reader->copies || !mr_kind_is_bytes(plain.kind) || !plain.len) return plain;
    char *copy = text_room(v, plain.len);
    if (!copy) return unknown();
    memcpy(copy, plain.u.s, plain.len);
    plain.u.s = copy;
    return plain;
}

/* ---------------------------------------------------------------- numbers */

static mr_value overflow(evaluator *v, const place *at, const mr_term *t) {
    (void)mr_criteria_fail(v->env, at->scope, t->at, t->until, "the integer is too large");
    return failure(v);
}

static double real(const mr_value *x) { return x->kind == MR_FLOAT ? x->u.d : (double)x->u.i; }

/* A result that is no number is NULL in SQLite. */
static mr_value number(double d) { return d != d ? mr_null_value() : mr_float_value(d); }

static bool multiplied(int64_t a, int64_t b, int64_t *out) {
    uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a, y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
    bool negative = (a < 0) != (b < 0);
    uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    if (x != 0 && y > most / x) return false;
    uint64_t z = x * y;
    *out = negative ? (int64_t)(0 - z) : (int64_t)z;
    return true;
}

static mr_value whole(evaluator *v, const place *at, const mr_term *t, int64_t a, int64_t b) {
    int64_t product;
    switch (t->op) {
    case MR_OP_ADD:
        if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b) return overflow(v, at, t);
        return mr_int_value(a + b);
    case MR_OP_SUB:
        if (b < 0 ? a > INT64_MAX + b : a < INT64_MIN + b) return overflow(v, at, t);
        return mr_int_value(a - b);
    default:
        return multiplied(a, b, &product) ? mr_int_value(product) : overflow(v, at, t);
    }
}

static mr_value with_decimals(evaluator *v, const mr_term *t, const mr_value *a, const mr_value *b) {
    mr_decimal_op op = t->op == MR_OP_ADD   ? MR_DECIMAL_ADD
                       : t->op == MR_OP_SUB ? MR_DECIMAL_SUB
                       : t->op == MR_OP_MUL ? MR_DECIMAL_MUL
                       : t->op == MR_OP_MOD ? MR_DECIMAL_MOD
                       : t->floors          ? MR_DECIMAL_FLOOR_DIV
                                            : MR_DECIMAL_DIV;
    mr_strbuf out;
    mr_strbuf_init(&out, v->env);
    mr_decimal_status status = mr_decimal_calculate(op, a, b, &out);
    mr_value made = status == MR_DECIMAL_ZERO ? mr_null_value() : unknown();
    if (status == MR_DECIMAL_NOMEM) (void)mr_nomem(v->env), v->failed = true;
    if (status == MR_DECIMAL_OK) {
        if (!v->texts) v->texts = mr_arena_new(v->env);
        char *copy = v->texts ? mr_arena_strndup(v->texts, out.data, out.len) : NULL;
        made = copy ? mr_bytes_value(MR_DECIMAL, copy, out.len) : failure(v);
    }
    mr_strbuf_done(&out);
    return made;
}

static mr_value calculated(evaluator *v, const place *at, const mr_term *t) {
    const mr_value a = value(v, at, t->child[0]), b = value(v, at, t->child[1]);
    if (v->failed) return unknown();
    if (a.kind == MR_NULL || b.kind == MR_NULL) return mr_null_value();
    if (a.kind == MR_UNLOADED || b.kind == MR_UNLOADED) return unknown();
    if (t->group == MR_CRITERIA_DECIMAL) return with_decimals(v, t, &a, &b);
    if (t->op == MR_OP_MOD) return mr_floor_mod(&a, &b);
    if (t->floors) return mr_floor_div(&a, &b);
    if (t->op == MR_OP_DIV) return real(&b) == 0 ? mr_null_value() : number(real(&a) / real(&b));
    if (a.kind == MR_INT && b.kind == MR_INT) return whole(v, at, t, a.u.i, b.u.i);
    double x = real(&a), y = real(&b);
    return number(t->op == MR_OP_ADD ? x + y : t->op == MR_OP_SUB ? x - y : x * y);
}

static mr_value opposite(evaluator *v, const place *at, const mr_term *t) {
    mr_value x = value(v, at, t->child[0]);
    const mr_value zero = mr_int_value(0);
    mr_term minus = *t;
    if (x.kind == MR_FLOAT) return mr_float_value(-x.u.d);
    if (x.kind == MR_INT) return x.u.i == INT64_MIN ? overflow(v, at, t) : mr_int_value(-x.u.i);
    minus.op = MR_OP_SUB;
    return x.kind == MR_DECIMAL ? with_decimals(v, &minus, &zero, &x) : x;
}

/* ---------------------------------------------------------------- texts */

static mr_value concatenated(evaluator *v, const place *at, const mr_term *t) {
    mr_value all = mr_text_value("", 0);
    bool nil = false, known = true;
    for (uint32_t i = 0; i < t->n && !v->failed; i++) {
        const mr_value part = value(v, at, t->child[i]);
        nil = nil || part.kind == MR_NULL;
        known = known && part.kind != MR_UNLOADED;
        if (nil || !known || v->failed) continue;
        size_t len = (size_t)all.len + part.len;
        char *room = len > UINT32_MAX ? NULL : text_room(v, len);
        if (!room) return unknown();
        if (all.len) memcpy(room, all.u.s, all.len);
        if (part.len) memcpy(room + all.len, part.u.s, part.len);
        all = mr_text_value(room, len);
    }
    return v->failed ? unknown() : nil ? mr_null_value() : known ? all : unknown();
}

/* The letters of ASCII, as SQLite's lower and upper do. */
static mr_value cased(evaluator *v, const place *at, const mr_term *t) {
    const mr_value x = value(v, at, t->child[0]);
    if (x.kind != MR_TEXT) return x;
    char first = t->kind == MR_TERM_LOWER ? 'A' : 'a', *room = text_room(v, x.len);
    if (!room) return unknown();
    for (uint32_t i = 0; i < x.len; i++) {
        char c = x.u.s[i];
        room[i] = (char)(c >= first && c < first + 26 ? c ^ 32 : c);
    }
    return mr_text_value(room, x.len);
}

static truth like(evaluator *v, const place *at, const mr_term *t) {
    const mr_value x = value(v, at, t->child[0]), p = value(v, at, t->child[1]);
    if (x.kind == MR_NULL || p.kind == MR_NULL) return FALSE;
    if (x.kind != MR_TEXT || p.kind != MR_TEXT) return UNKNOWN;
    mr_strbuf pattern;
    mr_strbuf_init(&pattern, v->env);
    if (t->matches & MR_MATCH_BEFORE) mr_strbuf_putc(&pattern, '%');
    for (uint32_t i = 0; i < p.len; i++) {
        char c = p.u.s[i];
        if (t->matches && (c == '%' || c == '_' || c == '/')) mr_strbuf_putc(&pattern, '/');
        mr_strbuf_putc(&pattern, c);
    }
    if (t->matches & MR_MATCH_AFTER) mr_strbuf_putc(&pattern, '%');
    const char *s = mr_strbuf_str(&pattern);
    bool any_case = v->reader->folds || t->op == MR_OP_ILIKE || t->op == MR_OP_NOT_ILIKE;
    bool known = t->child[1]->kind == MR_TERM_CONSTANT || t->child[1]->kind == MR_TERM_PARAMETER;
    unsigned how =
        (any_case ? MR_LIKE_FOLDS : 0U) | (known && s && !mr_like_is_plain(s, pattern.len) ? MR_LIKE_WHOLE : 0U);
    bool met = s && mr_like(s, pattern.len, x.u.s, x.len, t->matches ? '/' : '\0', how);
    if (!s) v->failed = true;
    mr_strbuf_done(&pattern);
    return truth_of(met == (t->op == MR_OP_LIKE || t->op == MR_OP_ILIKE));
}

/* ---------------------------------------------------------------- lists */

/* Of how many objects of the list the condition is true (*yes), and not (*no). False: that is not known. */
static bool count_items(evaluator *v, const place *at, const mr_term *t, size_t *yes, size_t *no, size_t *unsure) {
    mr_entity *holder;
    mr_vec items;
    *yes = *no = *unsure = 0;
    if (!v->reader->items || !follow(v, at, t->path, &holder)) return false;
    if (!holder) return true;
    mr_vec_init(&items, v->env, sizeof(mr_entity *));
    mr_status status = v->reader->items(v->reader->ud, holder, t->prop, &items);
    if (status == MR_FAIL) v->failed = true;
    for (size_t i = 0; i < items.len && status == MR_OK && !v->failed; i++) {
        const place inner = {t->scope, mr_vec_ptr(&items, i)};
        truth met = t->n ? condition(v, &inner, t->child[0]) : TRUE;
        ++*(met == TRUE ? yes : met == FALSE ? no : unsure);
    }
    mr_vec_done(&items);
    return status == MR_OK && !v->failed;
}

static mr_value counted(evaluator *v, const place *at, const mr_term *t) {
    size_t yes, no, unsure;
    if (!count_items(v, at, t, &yes, &no, &unsure) || unsure) return unknown();
    return mr_int_value((int64_t)yes);
}

static truth quantified(evaluator *v, const place *at, const mr_term *t) {
    size_t yes, no, unsure;
    if (!count_items(v, at, t, &yes, &no, &unsure)) return UNKNOWN;
    if (t->kind == MR_TERM_ALL) return no ? FALSE : unsure ? UNKNOWN : TRUE;
    if (yes) return truth_of(t->kind == MR_TERM_ANY);
    return unsure ? UNKNOWN : truth_of(t->kind == MR_TERM_NONE);
}

/* ---------------------------------------------------------------- values */

static mr_value value(evaluator *v, const place *at, const mr_term *t) {
    if (v->failed) return unknown();
    switch ((mr_term_kind)t->kind) {
    case MR_TERM_CONSTANT:
        return t->value;
    case MR_TERM_PARAMETER:
        return v->criterion->values[t->use].values[0];
    case MR_TERM_COLUMN:
        return column(v, at, t);
    case MR_TERM_NEGATIVE:
        return opposite(v, at, t);
    case MR_TERM_ARITHMETIC:
        return calculated(v, at, t);
    case MR_TERM_CONCAT:
        return concatenated(v, at, t);
    case MR_TERM_LENGTH: {
        const mr_value x = value(v, at, t->child[0]);
        return x.kind == MR_TEXT ? mr_int_value(x.len) : x;
    }
    case MR_TERM_LOWER:
    case MR_TERM_UPPER:
        return cased(v, at, t);
    case MR_TERM_COUNT:
        return counted(v, at, t);
    default:
        return unknown();
    }
}

/* ---------------------------------------------------------------- comparisons */

/* Is the column's value stored in a spelling by which the database does not find it? */
static bool is_odd(evaluator *v, const place *at, const mr_term *t, const mr_value *x, bool equality) {
    if (t->kind != MR_TERM_COLUMN || !t->type || !mr_type_is_odd(t->type, x)) return false;
    if (x->kind == MR_DECIMAL && !equality && !t->type->rules->sql_read)
        return false; /* decimals are ordered exactly */
    (void)not_known(v, at, t, "is stored in a spelling of another program, by which the database does not find it");
    return true;
}

/* The database compares dates as text: a parameter with every usual spelling of its value, but two columns by the
 * spellings that they have. */
static bool is_uncertain(evaluator *v, const place *at, const mr_term *t, const mr_value *a, const mr_value *b) {
    const mr_term *x = t->child[0], *y = t->child[1];
    bool equality = t->op == MR_OP_EQ || t->op == MR_OP_NE, columns = x->kind == MR_TERM_COLUMN && y->kind == x->kind;
    if (is_odd(v, at, x, a, equality) || is_odd(v, at, y, b, equality)) return true;
    bool moments = a->kind == b->kind && a->kind >= MR_DATE && a->kind <= MR_INTERVAL;
    if (!moments || !columns || a->u.i != b->u.i || a->len == b->len) return false;
    (void)not_known(v, at, x,
                    "and what it is compared with have one value in two spellings, which the database tells "
                    "apart");
    return true;
}

/* Bytes that a column of the type Any holds as a blob are a string, too. The database finds them by a value, and tells
 * them apart from the texts of other columns. */
static bool settle_blob(evaluator *v, const place *at, const mr_term *t, mr_value *x, const mr_term *beside,
                        bool order) {
    if (x->kind != MR_BLOB || t->group != MR_CRITERIA_ANY) return true;
    bool value =
        beside->kind == MR_TERM_CONSTANT || beside->kind == MR_TERM_PARAMETER || beside->kind == MR_TERM_VALUES;
    if (value && !order) x->kind = MR_TEXT;
    else (void)not_known(v, at, t, "holds a blob, which the database compares in another way than a string");
    return value && !order;
}

static truth compared(evaluator *v, const place *at, const mr_term *t) {
    mr_value a = value(v, at, t->child[0]), b = value(v, at, t->child[1]);
    bool order_counts = t->op != MR_OP_EQ && t->op != MR_OP_NE;
    if (v->failed) return UNKNOWN;
    if ((a.kind == MR_NULL || b.kind == MR_NULL) && (t->sql || order_counts)) return FALSE;
    if (a.kind == MR_UNLOADED || b.kind == MR_UNLOADED || is_uncertain(v, at, t, &a, &b)) return UNKNOWN;
    if (!settle_blob(v, at, t->child[0], &a, t->child[1], order_counts) ||
        !settle_blob(v, at, t->child[1], &b, t->child[0], order_counts))
        return UNKNOWN;
    int order = mr_value_compare(&a, &b);
    switch (t->op) {
    case MR_OP_EQ:
        return truth_of(order == 0);
    case MR_OP_NE:
        return truth_of(order != 0);
    case MR_OP_LT:
        return truth_of(order < 0);
    case MR_OP_LE:
        return truth_of(order <= 0);
    case MR_OP_GT:
        return truth_of(order > 0);
    default:
        return truth_of(order >= 0);
    }
}

static truth listed(evaluator *v, const place *at, const mr_term *t) {
    mr_value x = value(v, at, t->child[0]);
    const mr_term *list = t->child[1];
    const mr_criteria_values *given = list->kind == MR_TERM_PARAMETER ? &v->criterion->values[list->use] : NULL;
    size_t n = given ? given->n : list->n;
    bool not_in = t->op == MR_OP_NOT_IN;
    if (n == 0) return truth_of(not_in); /* nothing is in an empty list, not even NULL */
    if (x.kind == MR_NULL) return FALSE;
    if (x.kind == MR_UNLOADED || is_odd(v, at, t->child[0], &x, true)) return UNKNOWN;
    if (!settle_blob(v, at, t->child[0], &x, list, false)) return UNKNOWN;
    for (size_t i = 0; i < n; i++) {
        const mr_value item = given ? given->values[i] : value(v, at, list->child[i]);
        if (mr_value_compare(&x, &item) == 0) return truth_of(!not_in);
    }
    return truth_of(not_in);
}

/* ---------------------------------------------------------------- conditions */

static truth is_nil(evaluator *v, const place *at, const mr_term *x) {
    if (x->kind == MR_TERM_REFERENCE) {
        mr_entity *e;
        bool is_set;
        if (!follow(v, at, x->path->from, &e)) return UNKNOWN;
        if (!e) return TRUE;
        mr_status status = v->reader->is_set(v->reader->ud, e, x->path->along, &is_set);
        if (status == MR_FAIL) v->failed = true;
        return status == MR_OK ? truth_of(!is_set) : UNKNOWN;
    }
    if (x->kind == MR_TERM_COLUMN) {
        mr_entity *e;
        const mr_value *stored;
        if (!follow(v, at, x->path, &e)) return UNKNOWN;
        if (!e) return TRUE;
        mr_status status = v->reader->column(v->reader->ud, e, x->prop, &stored);
        if (status == MR_FAIL) v->failed = true;
        if (status != MR_OK || stored->kind == MR_UNLOADED) return UNKNOWN;
        return stored->kind == MR_NULL && stored->len ? UNKNOWN : truth_of(stored->kind == MR_NULL);
    }
    const mr_value known = value(v, at, x);
    return known.kind == MR_UNLOADED ? UNKNOWN : truth_of(known.kind == MR_NULL);
}

static truth refers(evaluator *v, const place *at, const mr_term *t) {
    const mr_path *path = t->child[0]->path;
    const mr_criteria_values *objects = &v->criterion->values[t->child[1]->use];
    mr_entity *e;
    truth any = FALSE;
    if (!objects->n) return FALSE;
    if (!follow(v, at, path->from, &e)) return UNKNOWN;
    for (size_t i = 0; e && i < objects->n && any != TRUE && !v->failed; i++) {
        bool is = false;
        mr_status status = v->reader->refers(v->reader->ud, e, path->along, objects->values[i].u.p, &is);
        if (status == MR_FAIL) v->failed = true;
        if (status != MR_OK) any = UNKNOWN;
        else if (is) any = TRUE;
    }
    return any;
}

static truth many(evaluator *v, const place *at, const mr_term *t) {
    truth decisive = t->kind == MR_TERM_AND ? FALSE : TRUE, all = decisive == FALSE ? TRUE : FALSE;
    for (uint32_t i = 0; i < t->n && !v->failed; i++) {
        truth next = condition(v, at, t->child[i]);
        if (next == decisive) return decisive;
        if (next == UNKNOWN) all = UNKNOWN;
    }
    return all;
}

static truth condition(evaluator *v, const place *at, const mr_term *t) {
    truth inner;
    if (v->failed) return UNKNOWN;
    switch ((mr_term_kind)t->kind) {
    case MR_TERM_AND:
    case MR_TERM_OR:
        return many(v, at, t);
    case MR_TERM_NOT:
        inner = condition(v, at, t->child[0]);
        return inner == UNKNOWN ? UNKNOWN : truth_of(inner == FALSE);
    case MR_TERM_NIL:
        return is_nil(v, at, t->child[0]);
    case MR_TERM_COMPARE:
        return compared(v, at, t);
    case MR_TERM_IN:
        return listed(v, at, t);
    case MR_TERM_REFERS:
        return refers(v, at, t);
    case MR_TERM_LIKE:
        return like(v, at, t);
    case MR_TERM_ANY:
    case MR_TERM_ALL:
    case MR_TERM_NONE:
        return quantified(v, at, t);
    default: {
        const mr_value x = value(v, at, t);
        return x.kind == MR_UNLOADED ? UNKNOWN : truth_of(x.kind == MR_BOOL && x.u.i != 0);
    }
    }
}

mr_status mr_criterion_matches(const mr_criterion *c, mr_entity *e, const mr_criteria_reader *reader, bool *out,
                               mr_strbuf *why) {
    evaluator v = {.env = c->criteria->env, .criterion = c, .reader = reader};
    const place top = {c->criteria->scope, e};
    truth met = condition(&v, &top, c->criteria->root);
    mr_arena_free(v.texts);
    if (v.failed) return MR_FAIL;
    if (met == UNKNOWN && why && v.unsure) {
        name_term(v.scope, v.unsure, why);
        mr_strbuf_puts(why, v.why);
    }
    if (met == UNKNOWN) return MR_NOTFOUND;
    *out = met == TRUE;
    return MR_OK;
}

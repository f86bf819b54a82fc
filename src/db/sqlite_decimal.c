/*
 * sqlite_decimal.c: the SQL functions and the collation with which SQLite calculates with decimals, and Lua's // and %.
 *
 * Invariant: an argument is an integer, a text of digits, or a float, which counts as the decimal with the fewest
 * digits that is read back as the same float. NULL gives NULL, and so does a division by zero, as in SQLite's own
 * arithmetic. Other arguments are an error. The functions depend on their arguments alone, so they may stand in an
 * index.
 */
#include "driver_sqlite.h"

#include <string.h>

/* ---------------------------------------------------------------- arguments and results */

/* An argument as a decimal; its bytes are SQLite's, or in text. */
typedef struct argument {
    mr_value v;
    char text[MR_DECIMAL_ROOM];
} argument;

static mr_env *env_of(sqlite3_context *c) { return sqlite3_user_data(c); }

static bool read_text(argument *a, const char *s, size_t len) {
    if (mr_decimal_is_like(s, len)) {
        a->v = mr_bytes_value(MR_DECIMAL, s, len);
        return true;
    }
    size_t n = mr_decimal_of_text(s, len, -1, a->text);
    a->v = mr_bytes_value(MR_DECIMAL, a->text, n);
    return n > 0;
}

static bool read_float(argument *a, double d) {
    size_t n = mr_decimal_of_float(d, -1, a->text);
    a->v = mr_bytes_value(MR_DECIMAL, a->text, n);
    return n > 0;
}

/* Records an error as the function's result. */
static void refuse(sqlite3_context *c, sqlite3_value *value) {
    char words[120];
    const char *shown = (const char *)sqlite3_value_text(value);
    sqlite3_snprintf(sizeof words, words, "\"%.60s\" is no decimal", shown ? shown : "");
    sqlite3_result_error(c, words, -1);
}

/* False: it is NULL, or none, and the result is there. */
static bool read_argument(sqlite3_context *c, sqlite3_value *value, argument *a) {
    bool read = false;
    const char *s;
    switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
        return false;
    case SQLITE_INTEGER:
        a->v = mr_int_value(sqlite3_value_int64(value));
        return true;
    case SQLITE_FLOAT:
        read = read_float(a, sqlite3_value_double(value));
        break;
    case SQLITE_TEXT:
        s = (const char *)sqlite3_value_text(value);
        read = s && read_text(a, s, (size_t)sqlite3_value_bytes(value));
        break;
    default:
        break;
    }
    if (!read) refuse(c, value);
    return read;
}

static void set_result(sqlite3_context *c, mr_decimal_status status, const mr_strbuf *text) {
    switch (status) {
    case MR_DECIMAL_OK:
        sqlite3_result_text(c, text->data, (int)text->len, SQLITE_TRANSIENT);
        break;
    case MR_DECIMAL_ZERO:
        sqlite3_result_null(c);
        break;
    case MR_DECIMAL_NOMEM:
        sqlite3_result_error_nomem(c);
        break;
    case MR_DECIMAL_LARGE:
    case MR_DECIMAL_NONE:
    case MR_DECIMAL_EXCESS:
        sqlite3_result_error(c, "the decimal would have too many digits", -1);
        break;
    }
}

/* ---------------------------------------------------------------- functions of values */

static void calculate(sqlite3_context *c, sqlite3_value **values, mr_decimal_op op) {
    argument a, b;
    mr_strbuf out;
    if (!read_argument(c, values[0], &a) || !read_argument(c, values[1], &b)) return;
    mr_strbuf_init(&out, env_of(c));
    set_result(c, mr_decimal_calculate(op, &a.v, &b.v, &out), &out);
    mr_strbuf_done(&out);
}

#define OPERATION(name, op)                                                                                            \
    static void name(sqlite3_context *c, int n, sqlite3_value **values) {                                              \
        (void)n;                                                                                                       \
        calculate(c, values, op);                                                                                      \
    }
OPERATION(add, MR_DECIMAL_ADD)
OPERATION(subtract, MR_DECIMAL_SUB)
OPERATION(multiply, MR_DECIMAL_MUL)
OPERATION(divide, MR_DECIMAL_DIV)

/* The rest has the sign of the dividend, as in SQL. */
static void modulo(sqlite3_context *c, int n, sqlite3_value **values) {
    argument a, b;
    mr_strbuf out, moved;
    (void)n;
    if (!read_argument(c, values[0], &a) || !read_argument(c, values[1], &b)) return;
    mr_env *env = env_of(c);
    mr_value zero = mr_int_value(0);
    mr_strbuf_init(&out, env);
    mr_strbuf_init(&moved, env);
    mr_decimal_status status = mr_decimal_calculate(MR_DECIMAL_MOD, &a.v, &b.v, &out);
    bool same = (mr_value_compare(&a.v, &zero) < 0) == (mr_value_compare(&b.v, &zero) < 0);
    mr_value rest = mr_bytes_value(MR_DECIMAL, out.data, out.len);
    if (status == MR_DECIMAL_OK && !same && mr_value_compare(&rest, &zero) != 0)
        status = mr_decimal_calculate(MR_DECIMAL_SUB, &rest, &b.v, &moved);
    set_result(c, status, moved.len ? &moved : &out);
    mr_strbuf_done(&moved);
    mr_strbuf_done(&out);
}

/* ---------------------------------------------------------------- Lua's // and % */

OPERATION(decimal_floor_div, MR_DECIMAL_FLOOR_DIV)
OPERATION(decimal_floor_mod, MR_DECIMAL_MOD)

static void floor_numbers(sqlite3_context *c, sqlite3_value **values, bool rest) {
    mr_value v[2];
    for (int i = 0; i < 2; i++) {
        int type = sqlite3_value_numeric_type(values[i]);
        if (type == SQLITE_INTEGER) v[i] = mr_int_value(sqlite3_value_int64(values[i]));
        else if (type == SQLITE_FLOAT) v[i] = mr_float_value(sqlite3_value_double(values[i]));
        else return; /* NULL, or no number */
    }
    mr_value made = rest ? mr_floor_mod(&v[0], &v[1]) : mr_floor_div(&v[0], &v[1]);
    if (made.kind == MR_INT) sqlite3_result_int64(c, made.u.i);
    else if (made.kind == MR_FLOAT) sqlite3_result_double(c, made.u.d);
}

static void floor_div(sqlite3_context *c, int n, sqlite3_value **values) {
    (void)n;
    floor_numbers(c, values, false);
}

static void floor_mod(sqlite3_context *c, int n, sqlite3_value **values) {
    (void)n;
    floor_numbers(c, values, true);
}

static void compare(sqlite3_context *c, int n, sqlite3_value **values) {
    argument a, b;
    (void)n;
    if (!read_argument(c, values[0], &a) || !read_argument(c, values[1], &b)) return;
    int order = mr_value_compare(&a.v, &b.v);
    sqlite3_result_int(c, (order > 0) - (order < 0));
}

/* decimal(x): x as text. */
static void plain(sqlite3_context *c, int n, sqlite3_value **values) {
    argument a;
    mr_strbuf out;
    (void)n;
    if (!read_argument(c, values[0], &a)) return;
    mr_strbuf_init(&out, env_of(c));
    set_result(c, mr_decimal_fix(&a.v, -1, &out), &out);
    mr_strbuf_done(&out);
}

static void absolute(sqlite3_context *c, int n, sqlite3_value **values) {
    argument a;
    mr_strbuf out;
    (void)n;
    if (!read_argument(c, values[0], &a)) return;
    mr_value zero = mr_int_value(0);
    mr_decimal_op op = mr_value_compare(&a.v, &zero) < 0 ? MR_DECIMAL_SUB : MR_DECIMAL_ADD;
    mr_strbuf_init(&out, env_of(c));
    set_result(c, mr_decimal_calculate(op, &zero, &a.v, &out), &out);
    mr_strbuf_done(&out);
}

/* decimal_round(x, digits): a half away from zero, as in PostgreSQL; a float is rounded as when it is read. */
static void round_value(sqlite3_context *c, int n, sqlite3_value **values) {
    argument a;
    mr_strbuf out;
    int64_t scale = n > 1 ? sqlite3_value_int64(values[1]) : 0;
    if (n > 1 && sqlite3_value_type(values[1]) == SQLITE_NULL) return;
    if (!read_argument(c, values[0], &a)) return;
    if (sqlite3_value_type(values[0]) == SQLITE_FLOAT && scale >= 0 && scale < MR_DECIMAL_ROOM) {
        size_t len = mr_decimal_of_float(sqlite3_value_double(values[0]), (int)scale, a.text);
        if (len) a.v = mr_bytes_value(MR_DECIMAL, a.text, len);
    }
    mr_strbuf_init(&out, env_of(c));
    set_result(c, mr_decimal_round(&a.v, scale, MR_ROUND_HALF_UP, &out), &out);
    mr_strbuf_done(&out);
}

/* ---------------------------------------------------------------- storage as a number */

/* x times, or divided by, 10 to the power of digits. */
static mr_decimal_status shift(mr_env *env, mr_decimal_op op, const mr_value *x, int64_t digits, mr_strbuf *out) {
    mr_strbuf unit;
    mr_value ten = mr_int_value(10);
    mr_strbuf_init(&unit, env);
    mr_decimal_status status = mr_decimal_power(&ten, digits, &unit);
    mr_value by = mr_bytes_value(MR_DECIMAL, unit.data, unit.len);
    if (status == MR_DECIMAL_OK) status = mr_decimal_calculate(op, x, &by, out);
    mr_strbuf_done(&unit);
    return status;
}

/* decimal_unscaled(1230, 2) is '12.30'. */
static void unscaled(sqlite3_context *c, int n, sqlite3_value **values) {
    argument a;
    mr_strbuf out, fixed;
    int scale = sqlite3_value_int(values[1]);
    (void)n;
    if (!read_argument(c, values[0], &a)) return;
    mr_strbuf_init(&out, env_of(c));
    mr_strbuf_init(&fixed, env_of(c));
    bool stored = sqlite3_value_type(values[0]) == SQLITE_INTEGER;
    mr_decimal_status status =
        stored ? shift(env_of(c), MR_DECIMAL_DIV, &a.v, scale, &out) : mr_decimal_fix(&a.v, -1, &out);
    mr_value x = mr_bytes_value(MR_DECIMAL, out.data, out.len);
    if (status == MR_DECIMAL_OK) status = mr_decimal_round(&x, scale, MR_ROUND_HALF_UP, &fixed);
    set_result(c, status, &fixed);
    mr_strbuf_done(&fixed);
    mr_strbuf_done(&out);
}

/* decimal_scaled('12.30', 2) is 1230. */
static void scaled(sqlite3_context *c, int n, sqlite3_value **values) {
    argument a;
    mr_strbuf out, whole;
    (void)n;
    if (!read_argument(c, values[0], &a)) return;
    mr_strbuf_init(&out, env_of(c));
    mr_strbuf_init(&whole, env_of(c));
    mr_decimal_status status = shift(env_of(c), MR_DECIMAL_MUL, &a.v, sqlite3_value_int(values[1]), &out);
    mr_value x = mr_bytes_value(MR_DECIMAL, out.data, out.len);
    if (status == MR_DECIMAL_OK) status = mr_decimal_round(&x, 0, MR_ROUND_HALF_UP, &whole);
    if (status == MR_DECIMAL_OK && whole.len > 18) status = MR_DECIMAL_LARGE;
    if (status == MR_DECIMAL_OK) {
        int64_t units = 0;
        bool negative = whole.data[0] == '-';
        for (size_t i = negative; i < whole.len; i++) units = units * 10 + (whole.data[i] - '0');
        sqlite3_result_int64(c, negative ? -units : units);
    } else {
        set_result(c, status, &whole);
    }
    mr_strbuf_done(&whole);
    mr_strbuf_done(&out);
}

/* decimal_real(x, digits): the float nearest to x rounded. */
static void real(sqlite3_context *c, int n, sqlite3_value **values) {
    argument a;
    mr_strbuf out;
    double d = 0;
    (void)n;
    if (!read_argument(c, values[0], &a)) return;
    mr_strbuf_init(&out, env_of(c));
    mr_decimal_status status = mr_decimal_round(&a.v, sqlite3_value_int(values[1]), MR_ROUND_HALF_UP, &out);
    if (status == MR_DECIMAL_OK && mr_parse_float(out.data, &d)) sqlite3_result_double(c, d);
    else set_result(c, status, &out);
    mr_strbuf_done(&out);
}

/* ---------------------------------------------------------------- aggregates */

typedef struct total {
    mr_decimal_sum *sum;
    int64_t n;
} total;

static void count(sqlite3_context *c, sqlite3_value *value, bool away) {
    argument a;
    if (!read_argument(c, value, &a)) return;
    total *t = sqlite3_aggregate_context(c, sizeof *t);
    if (t && !t->sum) t->sum = mr_decimal_sum_new(env_of(c));
    mr_decimal_status status = !t || !t->sum ? MR_DECIMAL_NOMEM : mr_decimal_sum_add(t->sum, &a.v, away);
    if (status == MR_DECIMAL_OK) t->n += away ? -1 : 1;
    else set_result(c, status, NULL);
}

static void step(sqlite3_context *c, int n, sqlite3_value **values) {
    (void)n;
    count(c, values[0], false);
}

static void inverse(sqlite3_context *c, int n, sqlite3_value **values) {
    (void)n;
    count(c, values[0], true);
}

static void show(sqlite3_context *c, bool average) {
    total *t = sqlite3_aggregate_context(c, 0);
    mr_strbuf out;
    if (!t || !t->sum || t->n == 0) return; /* NULL */
    mr_strbuf_init(&out, env_of(c));
    set_result(c, mr_decimal_sum_put(t->sum, average ? t->n : 0, &out), &out);
    mr_strbuf_done(&out);
}

static void finish(sqlite3_context *c, bool average) {
    total *t = sqlite3_aggregate_context(c, 0);
    show(c, average);
    if (!t) return;
    mr_decimal_sum_free(t->sum);
    t->sum = NULL;
}

static void sum_value(sqlite3_context *c) { show(c, false); }
static void sum_final(sqlite3_context *c) { finish(c, false); }
static void avg_value(sqlite3_context *c) { show(c, true); }
static void avg_final(sqlite3_context *c) { finish(c, true); }

/* ---------------------------------------------------------------- the collation */

/* What is no decimal stands behind all decimals, sorted by its bytes. */
static int collate(void *ud, int la, const void *a, int lb, const void *b) {
    argument x, y;
    (void)ud;
    bool left = read_text(&x, a, (size_t)la), right = read_text(&y, b, (size_t)lb);
    if (left && right) return mr_decimal_compare(&x.v, &y.v);
    if (left != right) return left ? -1 : 1;
    int order = memcmp(a, b, (size_t)(la < lb ? la : lb));
    return order != 0 ? order : (la > lb) - (la < lb);
}

/* ---------------------------------------------------------------- registration */

typedef void (*function)(sqlite3_context *c, int n, sqlite3_value **values);

static const struct {
    const char *name;
    int n;
    function fn;
} functions[] = {{"decimal", 1, plain},
                 {"decimal_add", 2, add},
                 {"decimal_sub", 2, subtract},
                 {"decimal_mul", 2, multiply},
                 {"decimal_div", 2, divide},
                 {"decimal_mod", 2, modulo},
                 {"decimal_floor_div", 2, decimal_floor_div},
                 {"decimal_floor_mod", 2, decimal_floor_mod},
                 {"mr_floor_div", 2, floor_div},
                 {"mr_floor_mod", 2, floor_mod},
                 {"decimal_cmp", 2, compare},
                 {"decimal_abs", 1, absolute},
                 {"decimal_round", 1, round_value},
                 {"decimal_round", 2, round_value},
                 {"decimal_unscaled", 2, unscaled},
                 {"decimal_scaled", 2, scaled},
                 {"decimal_real", 2, real}};

static const struct {
    const char *name;
    void (*value)(sqlite3_context *c);
    void (*final)(sqlite3_context *c);
} aggregates[] = {{"decimal_sum", sum_value, sum_final}, {"decimal_avg", avg_value, avg_final}};

/* on = false takes them away again. */
static int set_all(sqlite3 *db, mr_env *env, bool on) {
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof functions / sizeof *functions; i++)
        rc = sqlite3_create_function_v2(db, functions[i].name, functions[i].n, flags, env, on ? functions[i].fn : NULL,
                                        NULL, NULL, NULL);
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof aggregates / sizeof *aggregates; i++)
        rc = sqlite3_create_window_function(db, aggregates[i].name, 1, flags, env, on ? step : NULL,
                                            on ? aggregates[i].final : NULL, on ? aggregates[i].value : NULL,
                                            on ? inverse : NULL, NULL);
    return rc == SQLITE_OK ? sqlite3_create_collation(db, "decimal", SQLITE_UTF8, env, on ? collate : NULL) : rc;
}

int mr_sqlite_add_decimals(sqlite_dbc *dbc) { return set_all(dbc->db, dbc->env, true); }
void mr_sqlite_remove_decimals(sqlite_dbc *dbc) { set_all(dbc->db, dbc->env, false); }

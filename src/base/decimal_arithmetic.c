/*
 * decimal_arithmetic.c: calculating with decimals. Small numbers are calculated in 64 bits, others by libtommath.
 *
 * Invariant: results are exact, but for those of a division, which has 28 significant digits. A failed allocation, ours
 * or the library's, is MR_DECIMAL_NOMEM, and leaves nothing behind. (The library allocates by malloc.)
 */
#include <moonrow/base.h>

#include <string.h>
#include <tommath.h>

enum { PRECISION = 28, SMALL = 18 /* digits that surely fit in 64 bits */ };

/* ---------------------------------------------------------------- numbers */

/* The number n / 10^scale. Its mp_int is to be cleared. */
typedef struct number {
    mp_int n;
    size_t scale;
} number;

static mr_decimal_status status_of(mp_err err) {
    return err == MP_OKAY ? MR_DECIMAL_OK : err == MP_MEM ? MR_DECIMAL_NOMEM : MR_DECIMAL_LARGE;
}

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        mr_decimal_status tried_ = (call);                                                                             \
        if (tried_ != MR_DECIMAL_OK) return tried_;                                                                    \
    } while (0)
#define TRY_MP(call) TRY(status_of(call))

/* The digits as an integer in 64 bits, if there are few of them. */
static bool small_of(const mr_value *v, int64_t *n, size_t *scale) {
    *scale = 0;
    if (v->kind == MR_INT) {
        *n = v->u.i;
        return true;
    }
    const char *s = v->u.s, *end = s + v->len, *point = NULL;
    bool negative = v->len && *s == '-';
    if (v->len > SMALL) return false;
    *n = 0;
    for (s += negative || (v->len && *s == '+'); s < end; s++) {
        if (*s == '.') point = s;
        else *n = *n * 10 + (*s - '0');
    }
    if (point) *scale = (size_t)(end - point) - 1;
    if (negative) *n = -*n;
    return true;
}

/* x is initialised. */
static mr_decimal_status read_number(mr_env *env, const mr_value *v, number *x) {
    int64_t small;
    if (small_of(v, &small, &x->scale)) {
        mp_set_i64(&x->n, small); /* the smallest mp_int has room for it */
        return MR_DECIMAL_OK;
    }
    x->scale = mr_decimal_scale(v->u.s, v->len);
    mr_strbuf digits;
    mr_strbuf_init(&digits, env);
    for (const char *s = v->u.s, *end = s + v->len; s < end; s++)
        if (*s != '.' && *s != '+') mr_strbuf_putc(&digits, *s);
    mr_decimal_status status = digits.oom ? MR_DECIMAL_NOMEM : status_of(mp_read_radix(&x->n, digits.data, 10));
    mr_strbuf_done(&digits);
    return status;
}

/* At most one too many. */
static size_t count_digits(const mp_int *n) { return (size_t)((double)mp_count_bits(n) * 0.30103) + 1; }

/* Appends digits, with a sign or without, with the point in front of the last scale ones. */
static mr_decimal_status put_digits(const char *digits, size_t len, size_t scale, mr_strbuf *out) {
    bool negative = *digits == '-';
    if (negative) digits++, len--;
    size_t whole = len > scale ? len - scale : 0;
    if (len > MR_DECIMAL_MAX || scale > MR_DECIMAL_MAX) return MR_DECIMAL_LARGE;
    if (negative) mr_strbuf_putc(out, '-');
    if (whole) mr_strbuf_add(out, digits, whole);
    else mr_strbuf_putc(out, '0');
    if (scale) mr_strbuf_putc(out, '.');
    for (size_t i = len; i < scale; i++) mr_strbuf_putc(out, '0');
    mr_strbuf_add(out, digits + whole, len - whole);
    return out->oom ? MR_DECIMAL_NOMEM : MR_DECIMAL_OK;
}

static mr_decimal_status put_number(mr_env *env, const number *x, mr_strbuf *out) {
    const size_t room = count_digits(&x->n) + 3;
    if (room > MR_DECIMAL_MAX + 4 || x->scale > MR_DECIMAL_MAX) return MR_DECIMAL_LARGE;
    char few[64], *digits = room <= sizeof few ? few : mr_alloc(env, room);
    if (!digits) return MR_DECIMAL_NOMEM;
    mr_decimal_status status = status_of(mp_to_radix(&x->n, digits, room, NULL, 10));
    if (status == MR_DECIMAL_OK) status = put_digits(digits, strlen(digits), x->scale, out);
    if (digits != few) mr_free(env, digits);
    return status;
}

static mr_decimal_status put_small(int64_t n, size_t scale, mr_strbuf *out) {
    char digits[24], *s = digits + sizeof digits;
    uint64_t size = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    do *--s = (char)('0' + size % 10);
    while (size /= 10);
    if (n < 0) *--s = '-';
    return put_digits(s, (size_t)(digits + sizeof digits - s), scale, out);
}

/* Multiplies by 10 to the power n. */
static mr_decimal_status shift(mp_int *x, size_t n) {
    enum { STEP = 9, UNIT = 1000000000 };
    if (n > 2 * (size_t)MR_DECIMAL_MAX) return MR_DECIMAL_LARGE;
    if (n > 4 * (size_t)STEP) {
        mp_int unit;
        TRY_MP(mp_init_set(&unit, 10));
        mp_err err = mp_expt_u32(&unit, (uint32_t)n, &unit);
        if (err == MP_OKAY) err = mp_mul(x, &unit, x);
        mp_clear(&unit);
        return status_of(err);
    }
    for (; n >= STEP; n -= STEP) TRY_MP(mp_mul_d(x, UNIT, x));
    for (; n > 0; n--) TRY_MP(mp_mul_d(x, 10, x));
    return MR_DECIMAL_OK;
}

static mr_decimal_status align(number *a, number *b) {
    if (a->scale < b->scale) TRY(shift(&a->n, b->scale - a->scale));
    else TRY(shift(&b->n, a->scale - b->scale));
    a->scale = b->scale = a->scale > b->scale ? a->scale : b->scale;
    return MR_DECIMAL_OK;
}

/* ---------------------------------------------------------------- in 64 bits */

static bool shift_small(int64_t *n, size_t by) {
    for (; by > 0; by--)
        if (__builtin_mul_overflow(*n, (int64_t)10, n)) return false;
    return true;
}

/* Calculates in 64 bits; false where these are not enough. */
static bool calculate_small(mr_decimal_op op, const mr_value *a, const mr_value *b, int64_t *n, size_t *scale) {
    int64_t x, y;
    size_t sx, sy;
    if (op > MR_DECIMAL_MUL || !small_of(a, &x, &sx) || !small_of(b, &y, &sy)) return false;
    if (op == MR_DECIMAL_MUL) {
        *scale = sx + sy;
        return !__builtin_mul_overflow(x, y, n);
    }
    *scale = sx > sy ? sx : sy;
    if (!shift_small(&x, *scale - sx) || !shift_small(&y, *scale - sy)) return false;
    return op == MR_DECIMAL_ADD ? !__builtin_add_overflow(x, y, n) : !__builtin_sub_overflow(x, y, n);
}

/* ---------------------------------------------------------------- rounding */

/* Must the size of the quotient q grow by one? rest is what the division left, of a divisor; its sign is that of the
 * number. */
static mr_decimal_status grows(mr_rounding how, const mp_int *q, mp_int *rest, const mp_int *divisor, bool *out) {
    bool negative = mp_isneg(rest);
    *out = false;
    if (mp_iszero(rest)) return MR_DECIMAL_OK;
    TRY_MP(mp_mul_2(rest, rest));
    mp_ord half = mp_cmp_mag(rest, divisor);
    switch (how) {
    case MR_ROUND_HALF_EVEN:
        *out = half == MP_GT || (half == MP_EQ && mp_isodd(q));
        break;
    case MR_ROUND_HALF_UP:
        *out = half != MP_LT;
        break;
    case MR_ROUND_HALF_DOWN:
        *out = half == MP_GT;
        break;
    case MR_ROUND_UP:
        *out = true;
        break;
    case MR_ROUND_CEILING:
        *out = !negative;
        break;
    case MR_ROUND_FLOOR:
        *out = negative;
        break;
    case MR_ROUND_DOWN:
    case MR_ROUND__COUNT:
        break;
    }
    return MR_DECIMAL_OK;
}

/* Takes the last n digits off, with the help of unit and rest. */
static mr_decimal_status drop_digits(mp_int *x, size_t n, mr_rounding how, mp_int *unit, mp_int *rest) {
    bool negative = mp_isneg(x), up;
    mp_set(unit, 1);
    TRY(shift(unit, n));
    TRY_MP(mp_div(x, unit, x, rest));
    TRY(grows(how, x, rest, unit, &up));
    if (!up) return MR_DECIMAL_OK;
    mp_set(unit, 1);
    return status_of(negative ? mp_sub(x, unit, x) : mp_add(x, unit, x));
}

static mr_decimal_status round_number(number *x, int64_t scale, mr_rounding how, mp_int *unit, mp_int *rest) {
    if (scale > MR_DECIMAL_MAX || scale < -(int64_t)MR_DECIMAL_MAX) return MR_DECIMAL_LARGE;
    if (scale >= (int64_t)x->scale) {
        TRY(shift(&x->n, (size_t)(scale - (int64_t)x->scale)));
    } else {
        TRY(drop_digits(&x->n, (size_t)((int64_t)x->scale - scale), how, unit, rest));
        if (scale < 0) TRY(shift(&x->n, (size_t)-scale));
    }
    x->scale = scale < 0 ? 0 : (size_t)scale;
    return MR_DECIMAL_OK;
}

/* ---------------------------------------------------------------- operations */

/* Divides as a by b: quotient and rest of integers, rounded down. */
static mr_decimal_status divide_down(number *a, number *b, mp_int *q, mp_int *rest) {
    if (mp_iszero(&b->n)) return MR_DECIMAL_ZERO;
    TRY(align(a, b));
    TRY_MP(mp_div(&a->n, &b->n, q, rest));
    if (mp_iszero(rest) || mp_isneg(rest) == mp_isneg(&b->n)) return MR_DECIMAL_OK;
    TRY_MP(mp_add(rest, &b->n, rest));
    return status_of(mp_sub_d(q, 1, q));
}

/* The number of digits. unit is to calculate with. */
static mr_decimal_status exact_digits(const mp_int *x, mp_int *unit, size_t *out) {
    *out = count_digits(x);
    mp_set(unit, 1);
    TRY(shift(unit, *out - 1));
    if (mp_cmp_mag(x, unit) == MP_LT) --*out;
    return MR_DECIMAL_OK;
}

/* Rounds x to 28 digits where it has more; *scale follows. */
static mr_decimal_status keep_precision(mp_int *x, int64_t *scale, mp_int *unit, mp_int *rest) {
    size_t digits;
    for (;;) { /* a second time if 99.9 became 100 */
        TRY(exact_digits(x, unit, &digits));
        if (digits <= PRECISION) return MR_DECIMAL_OK;
        TRY(drop_digits(x, digits - PRECISION, MR_ROUND_HALF_EVEN, unit, rest));
        *scale -= (int64_t)(digits - PRECISION);
    }
}

/* Divides with 28 significant digits. An exact quotient has no more digits behind the point than it needs, but those
 * that a has more than b. */
static mr_decimal_status divide(number *a, number *b, mp_int *q, mp_int *rest) {
    if (mp_iszero(&b->n)) return MR_DECIMAL_ZERO;
    const bool negative = mp_isneg(&a->n) != mp_isneg(&b->n);
    const int64_t ideal = (int64_t)a->scale - (int64_t)b->scale;
    int64_t by = PRECISION + 2 + (int64_t)count_digits(&b->n) - (int64_t)count_digits(&a->n);
    if (by < 0) TRY(shift(&b->n, (size_t)-by));
    else TRY(shift(&a->n, (size_t)by));
    int64_t scale = ideal + by;
    TRY_MP(mp_div(&a->n, &b->n, q, rest));
    bool exact = mp_iszero(rest);
    if (!exact) { /* a digit behind the others, so that they are not taken for a half */
        TRY(shift(q, 1));
        TRY_MP(negative ? mp_sub_d(q, 1, q) : mp_add_d(q, 1, q));
        scale++;
    }
    while (exact && scale > ideal && !mp_iszero(q)) {
        mp_digit last;
        TRY_MP(mp_div_d(q, 10, rest, &last));
        if (last) break;
        mp_exch(q, rest);
        scale--;
    }
    if (mp_iszero(q)) scale = ideal;
    mp_exch(q, &a->n);
    TRY(keep_precision(&a->n, &scale, &b->n, rest));
    if (scale < 0) TRY(shift(&a->n, (size_t)-scale));
    a->scale = scale < 0 ? 0 : (size_t)scale;
    return MR_DECIMAL_OK;
}

/* a becomes a op b. */
static mr_decimal_status operate(mr_decimal_op op, number *a, number *b, mp_int *q, mp_int *rest) {
    switch (op) {
    case MR_DECIMAL_ADD:
        TRY(align(a, b));
        return status_of(mp_add(&a->n, &b->n, &a->n));
    case MR_DECIMAL_SUB:
        TRY(align(a, b));
        return status_of(mp_sub(&a->n, &b->n, &a->n));
    case MR_DECIMAL_MUL:
        a->scale += b->scale;
        return status_of(mp_mul(&a->n, &b->n, &a->n));
    case MR_DECIMAL_DIV:
        return divide(a, b, q, rest);
    case MR_DECIMAL_FLOOR_DIV:
        TRY(divide_down(a, b, q, rest));
        mp_exch(&a->n, q);
        a->scale = 0;
        return MR_DECIMAL_OK;
    case MR_DECIMAL_MOD:
        TRY(divide_down(a, b, q, rest));
        mp_exch(&a->n, rest);
        return MR_DECIMAL_OK;
    }
    return MR_DECIMAL_NONE;
}

/* Four numbers to calculate with; the last two are the library's alone. */
typedef struct desk {
    number a, b;
    mp_int q, rest;
} desk;

static mr_decimal_status desk_open(desk *d) {
    d->a.scale = d->b.scale = 0;
    return status_of(mp_init_multi(&d->a.n, &d->b.n, &d->q, &d->rest, NULL));
}

static void desk_close(desk *d) { mp_clear_multi(&d->a.n, &d->b.n, &d->q, &d->rest, NULL); }

mr_decimal_status mr_decimal_calculate(mr_decimal_op op, const mr_value *a, const mr_value *b, mr_strbuf *out) {
    int64_t small;
    size_t scale;
    if (calculate_small(op, a, b, &small, &scale)) return put_small(small, scale, out);
    desk d;
    TRY(desk_open(&d));
    mr_decimal_status status = read_number(out->env, a, &d.a);
    if (status == MR_DECIMAL_OK) status = read_number(out->env, b, &d.b);
    if (status == MR_DECIMAL_OK) status = operate(op, &d.a, &d.b, &d.q, &d.rest);
    if (status == MR_DECIMAL_OK) status = put_number(out->env, &d.a, out);
    desk_close(&d);
    return status;
}

static mr_decimal_status power(desk *d, int64_t n) {
    uint64_t times = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    if (n < 0 && mp_iszero(&d->a.n)) return MR_DECIMAL_ZERO;
    bool one = d->a.scale == 0 && mp_count_bits(&d->a.n) <= 1; /* -1, 0, 1 */
    if (one && times > 2) times = 2 - (times & 1);
    if (times * (d->a.scale + 1) > MR_DECIMAL_MAX * (uint64_t)2 || times > MR_DECIMAL_MAX * (uint64_t)4 ||
        count_digits(&d->a.n) * times > MR_DECIMAL_MAX * (uint64_t)2)
        return MR_DECIMAL_LARGE;
    TRY_MP(mp_expt_u32(&d->a.n, (uint32_t)times, &d->a.n));
    d->a.scale *= (size_t)times;
    if (n >= 0) return MR_DECIMAL_OK;
    mp_exch(&d->a.n, &d->b.n);
    d->b.scale = d->a.scale;
    mp_set(&d->a.n, 1);
    d->a.scale = 0;
    return divide(&d->a, &d->b, &d->q, &d->rest);
}

mr_decimal_status mr_decimal_power(const mr_value *a, int64_t n, mr_strbuf *out) {
    desk d;
    TRY(desk_open(&d));
    mr_decimal_status status = read_number(out->env, a, &d.a);
    if (status == MR_DECIMAL_OK) status = power(&d, n);
    if (status == MR_DECIMAL_OK) status = put_number(out->env, &d.a, out);
    desk_close(&d);
    return status;
}

mr_decimal_status mr_decimal_round(const mr_value *v, int64_t scale, mr_rounding how, mr_strbuf *out) {
    desk d;
    TRY(desk_open(&d));
    mr_decimal_status status = read_number(out->env, v, &d.a);
    if (status == MR_DECIMAL_OK) status = round_number(&d.a, scale, how, &d.q, &d.rest);
    if (status == MR_DECIMAL_OK) status = put_number(out->env, &d.a, out);
    desk_close(&d);
    return status;
}

/* ---------------------------------------------------------------- sums */

/* The sum is small / 10^scale, until that does not fit; then it is big. */
struct mr_decimal_sum {
    mr_env *env;
    int64_t small;
    size_t scale;
    bool is_big;
    desk d; /* a: the sum; open when is_big */
};

mr_decimal_sum *mr_decimal_sum_new(mr_env *env) {
    mr_decimal_sum *sum = mr_calloc(env, sizeof *sum);
    if (sum) sum->env = env;
    return sum;
}

void mr_decimal_sum_free(mr_decimal_sum *sum) {
    if (!sum) return;
    if (sum->is_big) desk_close(&sum->d);
    mr_free(sum->env, sum);
}

static bool add_small(mr_decimal_sum *sum, const mr_value *v, bool away) {
    int64_t n, total = sum->small;
    size_t scale;
    if (sum->is_big || !small_of(v, &n, &scale)) return false;
    size_t most = scale > sum->scale ? scale : sum->scale;
    if (!shift_small(&n, most - scale) || !shift_small(&total, most - sum->scale)) return false;
    if (away ? __builtin_sub_overflow(total, n, &total) : __builtin_add_overflow(total, n, &total)) return false;
    sum->small = total;
    sum->scale = most;
    return true;
}

mr_decimal_status mr_decimal_sum_add(mr_decimal_sum *sum, const mr_value *v, bool away) {
    if (add_small(sum, v, away)) return MR_DECIMAL_OK;
    if (!sum->is_big) {
        TRY(desk_open(&sum->d));
        sum->is_big = true;
        mp_set_i64(&sum->d.a.n, sum->small);
        sum->d.a.scale = sum->scale;
    }
    TRY(read_number(sum->env, v, &sum->d.b));
    return operate(away ? MR_DECIMAL_SUB : MR_DECIMAL_ADD, &sum->d.a, &sum->d.b, &sum->d.q, &sum->d.rest);
}

mr_decimal_status mr_decimal_sum_put(const mr_decimal_sum *sum, int64_t n, mr_strbuf *out) {
    if (n <= 0) return sum->is_big ? put_number(sum->env, &sum->d.a, out) : put_small(sum->small, sum->scale, out);
    mr_strbuf text;
    mr_strbuf_init(&text, sum->env);
    mr_decimal_status status = mr_decimal_sum_put(sum, 0, &text);
    if (status == MR_DECIMAL_OK) {
        mr_value total = mr_bytes_value(MR_DECIMAL, text.data, text.len), by = mr_int_value(n);
        status = mr_decimal_calculate(MR_DECIMAL_DIV, &total, &by, out);
    }
    mr_strbuf_done(&text);
    return status;
}

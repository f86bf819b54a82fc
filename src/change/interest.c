/*
 * interest.c: who must look again after a commit: the tables, columns and values that readers depend on.
 *
 * Invariant: a place (a table, a column, a value) knows the token of the last set that has touched it; an interest
 * compares that with the token at which it was asked last. So a commit pays for the places that it touches, and not for
 * the interests. Only those that wait for a value are told: by a look at a map.
 */
#include "feed.h"

#include <ctype.h>
#include <string.h>

/* A value that some interest waits for. It lives as long as one does. */
typedef struct awaited {
    mr_value value; /* owned */
    uint64_t at;
    size_t refs;
} awaited;

typedef struct place_column {
    const char *name;              /* interned */
    const mr_changed_table *table; /* the version of the table in which its position is known */
    int position;                  /* -1: the table has no such column */
    uint64_t at;
    mr_map *values; /* awaited *; NULL: nobody waits for a value */
} place_column;

typedef struct place_table {
    const char *schema, *name; /* interned */
    size_t prefix;             /* length of the name before '*'; 0: it is a whole name */
    uint64_t rows_at;          /* of an INSERT or DELETE */
    uint64_t unknown_at;
    mr_vec columns; /* place_column * */
} place_table;

typedef struct mr_wake {
    mr_feed *feed;
    mr_arena *arena;
    mr_vec tables; /* place_table * */
    uint64_t all_at;
} mr_wake;

typedef struct dependency {
    const place_table *table;
    const place_column *column; /* NULL: the rows */
    awaited *value;             /* or NULL */
} dependency;

struct mr_interest {
    mr_feed *feed;
    uint64_t seen;
    mr_vec on; /* dependency */
};

/* ---------------------------------------------------------------- values */

static uint64_t hash_value(const void *element) { return mr_value_hash(&(*(awaited *const *)element)->value); }

static bool equal_values(const void *a, const void *b) {
    const mr_value *x = &(*(awaited *const *)a)->value, *y = &(*(awaited *const *)b)->value;
    if (x->kind != y->kind) return false;
    return mr_kind_is_bytes(x->kind) ? x->len == y->len && memcmp(x->u.s, y->u.s, x->len) == 0 : x->u.i == y->u.i;
}

/* A whole number in a REAL column is the same number. */
static mr_value plain(const mr_value *v) {
    mr_value out = *v;
    out.flags = 0;
    out.tag = 0;
    if (v->kind == MR_FLOAT && v->u.d >= -9e15 && v->u.d <= 9e15 && v->u.d == (double)(int64_t)v->u.d)
        out = mr_int_value((int64_t)v->u.d);
    return out;
}

static awaited *find_value(const place_column *c, const mr_value *value) {
    awaited probe = {.value = plain(value)};
    const awaited *key = &probe;
    awaited **found = mr_map_get(c->values, &key);
    return found ? *found : NULL;
}

/* ---------------------------------------------------------------- places */

static bool names(const place_table *t, const char *schema, const char *name) {
    if (strcmp(t->schema, "*") != 0 && strcmp(t->schema, schema) != 0) return false;
    for (size_t i = 0; !t->prefix || i < t->prefix; i++) {
        if (tolower((unsigned char)t->name[i]) != tolower((unsigned char)name[i])) return false;
        if (!name[i]) break;
    }
    return true;
}

static place_table *find_table(mr_wake *wake, const char *schema, const char *name) {
    for (size_t i = 0; i < wake->tables.len; i++) {
        place_table *t = mr_vec_ptr(&wake->tables, i);
        if (strcmp(t->name, name) == 0 && strcmp(t->schema, schema) == 0) return t;
    }
    place_table *t = mr_arena_alloc(wake->arena, sizeof *t);
    if (!t) return NULL;
    t->schema = mr_intern(wake->feed->env, schema, strlen(schema));
    t->name = mr_intern(wake->feed->env, name, strlen(name));
    size_t len = strlen(name);
    if (len > 1 && name[len - 1] == '*') t->prefix = len - 1;
    mr_vec_init(&t->columns, wake->feed->env, sizeof(place_column *));
    return t->schema && t->name && mr_vec_push_ptr(&wake->tables, t) == MR_OK ? t : NULL;
}

static place_column *find_column(mr_wake *wake, place_table *t, const char *name) {
    for (size_t i = 0; i < t->columns.len; i++) {
        place_column *c = mr_vec_ptr(&t->columns, i);
        if (strcmp(c->name, name) == 0) return c;
    }
    place_column *c = mr_arena_alloc(wake->arena, sizeof *c);
    if (!c) return NULL;
    c->name = mr_intern(wake->feed->env, name, strlen(name));
    return c->name && mr_vec_push_ptr(&t->columns, c) == MR_OK ? c : NULL;
}

/* One reference more to the value, which is made if nobody waits for it yet. */
static awaited *wait_for(mr_env *env, place_column *c, const mr_value *value) {
    if (!c->values && !(c->values = mr_map_new(env, sizeof(awaited *), hash_value, equal_values))) return NULL;
    awaited *known = find_value(c, value);
    if (known) {
        known->refs++;
        return known;
    }
    awaited *made = mr_calloc(env, sizeof *made);
    mr_value copy = plain(value);
    if (!made) return NULL;
    made->refs = 1;
    if (mr_value_copy(env, &made->value, &copy) == MR_OK && mr_map_put(c->values, &made)) return made;
    mr_value_clear(env, &made->value);
    mr_free(env, made);
    return NULL;
}

static void wait_no_more(mr_env *env, const place_column *c, awaited *value) {
    if (--value->refs > 0) return;
    (void)mr_map_remove(c->values, &value);
    mr_value_clear(env, &value->value);
    mr_free(env, value);
}

/* ---------------------------------------------------------------- what a commit touches */

static bool same_letters(const char *a, const char *b) {
    while (*a && tolower((unsigned char)*a) == tolower((unsigned char)*b)) {
        a++;
        b++;
    }
    return !*a && !*b;
}

static void find_position(place_column *c, const mr_changed_table *table) {
    c->table = table;
    c->position = -1;
    for (unsigned i = 0; i < table->ncolumns; i++)
        if (same_letters(table->columns[i].name, c->name)) c->position = (int)i;
}

static void touch_value(const place_column *c, const mr_value *row, unsigned i, uint64_t token) {
    awaited *waits = row ? find_value(c, &row[i]) : NULL;
    if (waits) waits->at = token;
}

/* A column that is no column of the row, or that the database computes when it is read, may have changed at any UPDATE.
 */
static void touch_column(place_column *c, const mr_change *change, uint64_t token) {
    if (c->table != change->table) find_position(c, change->table);
    unsigned i = (unsigned)c->position;
    bool told = c->position >= 0 && i < change->n && !change->table->columns[i].absent;
    if (change->kind == MR_CHANGE_UPDATE && (!told || mr_change_differs(change, i))) c->at = token;
    if (!c->values || !told) return;
    touch_value(c, change->old_values, i, token);
    touch_value(c, change->new_values, i, token);
}

static void touch(place_table *t, const mr_change *change, uint64_t token) {
    if (change->unknown || !change->table->known || t->prefix) {
        t->unknown_at = token;
        return;
    }
    if (change->kind != MR_CHANGE_UPDATE || change->old_rowid != change->rowid) t->rows_at = token;
    for (size_t i = 0; i < t->columns.len; i++) touch_column(mr_vec_ptr(&t->columns, i), change, token);
}

/* The changes from `from` on that are of one table. Returns the index behind them. */
static size_t note_run(mr_wake *wake, const mr_change_set *set, size_t from) {
    const mr_changed_table *table = mr_change_at(set, from)->table;
    size_t to = from + 1;
    while (to < set->changes.len && mr_change_at(set, to)->table == table) to++;
    for (size_t k = 0; k < wake->tables.len; k++) {
        place_table *t = mr_vec_ptr(&wake->tables, k);
        if (!names(t, table->schema, table->name)) continue;
        for (size_t i = from; i < to; i++) touch(t, mr_change_at(set, i), set->token);
    }
    return to;
}

/* Told of each set. */
static void note(void *ud, mr_change_set *set) {
    mr_wake *wake = ud;
    if (set->outside || set->untold) wake->all_at = set->token;
    for (size_t i = 0; i < set->changes.len;) i = note_run(wake, set, i);
}

/* ---------------------------------------------------------------- beginning and end */

static void free_wake(mr_wake *wake) {
    for (size_t i = 0; i < wake->tables.len; i++) {
        place_table *t = mr_vec_ptr(&wake->tables, i);
        for (size_t k = 0; k < t->columns.len; k++) mr_map_free(((place_column *)mr_vec_ptr(&t->columns, k))->values);
        mr_vec_done(&t->columns);
    }
    mr_vec_done(&wake->tables);
    mr_arena_free(wake->arena);
    mr_free(wake->feed->env, wake);
}

static mr_wake *wake_of(mr_feed *feed) {
    if (feed->wake) return feed->wake;
    mr_wake *wake = mr_calloc(feed->env, sizeof *wake);
    if (!wake) return NULL;
    wake->feed = feed;
    wake->arena = mr_arena_new(feed->env);
    mr_vec_init(&wake->tables, feed->env, sizeof(place_table *));
    if (!wake->arena || mr_feed_subscribe(feed, note, wake) != MR_OK) {
        mr_arena_free(wake->arena);
        mr_free(feed->env, wake);
        return NULL;
    }
    feed->wake = wake;
    feed->free_wake = free_wake;
    return wake;
}

mr_interest *mr_interest_new(mr_feed *feed) {
    if (!wake_of(feed)) return NULL;
    mr_interest *interest = mr_calloc(feed->env, sizeof *interest);
    if (!interest) return NULL;
    interest->feed = mr_feed_retain(feed);
    interest->seen = mr_feed_token(feed);
    mr_vec_init(&interest->on, feed->env, sizeof(dependency));
    return interest;
}

static void forget(mr_interest *interest) {
    for (size_t i = 0; i < interest->on.len; i++) {
        const dependency *d = mr_vec_at(&interest->on, i);
        if (d->value) wait_no_more(interest->feed->env, d->column, d->value);
    }
    interest->on.len = 0;
}

void mr_interest_free(mr_interest *interest) {
    if (!interest) return;
    mr_feed *feed = interest->feed;
    forget(interest);
    mr_vec_done(&interest->on);
    mr_free(feed->env, interest);
    mr_feed_release(feed);
}

void mr_interest_clear(mr_interest *interest) {
    forget(interest);
    interest->seen = mr_feed_token(interest->feed);
}

static mr_status depend(mr_interest *interest, const char *schema, const char *table, const char *column,
                        const mr_value *value) {
    mr_wake *wake = interest->feed->wake;
    place_table *t = find_table(wake, schema, table);
    place_column *c = t && *column ? find_column(wake, t, column) : NULL;
    if (!t || (*column && !c) || mr_vec_reserve(&interest->on, interest->on.len + 1) != MR_OK) return MR_FAIL;
    awaited *waits = value && c ? wait_for(interest->feed->env, c, value) : NULL;
    if (value && !waits) return MR_FAIL;
    dependency *place = mr_vec_push(&interest->on);
    *place = (dependency){t, c, waits};
    return MR_OK;
}

mr_status mr_interest_column(mr_interest *interest, const char *schema, const char *table, const char *column) {
    return depend(interest, schema, table, column, NULL);
}

mr_status mr_interest_value(mr_interest *interest, const char *schema, const char *table, const char *column,
                            const mr_value *value) {
    return depend(interest, schema, table, column, value);
}

static bool is_woken(const dependency *d, uint64_t seen) {
    if (d->table->unknown_at > seen) return true;
    if (d->value) return d->value->at > seen;
    return d->table->rows_at > seen || (d->column && d->column->at > seen);
}

bool mr_interest_take(mr_interest *interest) {
    uint64_t seen = interest->seen;
    interest->seen = mr_feed_token(interest->feed);
    if (interest->feed->wake->all_at > seen) return true;
    for (size_t i = 0; i < interest->on.len; i++)
        if (is_woken(mr_vec_at(&interest->on, i), seen)) return true;
    return false;
}

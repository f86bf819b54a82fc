/*
 * tables.c: what the columns of changed tables are called, and values as they are stored.
 *
 * Invariant: a table that a set names never changes: when its columns do, later sets name another one.
 */
#include "feed.h"

#include <moonrow/reflection.h>

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- tables */

mr_changed_table *mr_changed_table_named(mr_feed *feed, const char *schema, const char *name) {
    for (size_t i = 0; i < feed->tables.len; i++) {
        mr_changed_table *t = mr_vec_ptr(&feed->tables, i);
        if (strcmp(t->name, name) == 0 && strcmp(t->schema, schema) == 0) return t;
    }
    if (!feed->tables_arena) feed->tables_arena = mr_arena_new(feed->env);
    mr_changed_table *t = feed->tables_arena ? mr_arena_alloc(feed->tables_arena, sizeof *t) : NULL;
    if (!t) return NULL;
    t->schema = mr_intern(feed->env, schema, strlen(schema));
    t->name = mr_intern(feed->env, name, strlen(name));
    t->own = strcmp(name, MR_HISTORY_TABLE) == 0;
    if (!t->schema || !t->name || mr_vec_push_ptr(&feed->tables, t) != MR_OK) return NULL;
    return t;
}

/* A number or a text as it stands in a definition; other expressions are none. */
static mr_value constant(mr_arena *arena, const char *sql, bool *failed) {
    mr_value none = mr_value_of(MR_UNLOADED, 0);
    size_t len = sql ? strlen(sql) : 0;
    if (len >= 2 && sql[0] == '\'' && sql[len - 1] == '\'') {
        char *text = mr_arena_alloc(arena, len);
        size_t n = 0;
        *failed = *failed || !text;
        for (size_t i = 1; text && i + 1 < len; i++) {
            text[n++] = sql[i];
            if (sql[i] == '\'') i++;
        }
        return text ? mr_text_value(text, n) : none;
    }
    char *end = NULL;
    double d;
    if (len == 0 || len > 18 || !mr_parse_float(sql, &d)) return none;
    long long i = strtoll(sql, &end, 10);
    return *end ? mr_float_value(d) : mr_int_value(i);
}

static bool fill_column(mr_feed *feed, const mr_reflected_column *from, mr_changed_column *out) {
    bool failed = false;
    *out = (mr_changed_column){.name = mr_intern(feed->env, from->name, strlen(from->name)),
                               .key = from->key > 0,
                               .generated = from->generated != NULL,
                               .absent = from->generated && !from->stored,
                               .real = from->affinity && strcmp(from->affinity, "REAL") == 0,
                               .not_null = from->not_null};
    out->deflt = constant(feed->tables_arena, from->deflt, &failed);
    return out->name && !failed;
}

static bool are_equal(const mr_changed_table *t, const mr_changed_column *columns, unsigned n) {
    if (!t->known || t->ncolumns != n) return false;
    for (unsigned i = 0; i < n; i++)
        if (t->columns[i].name != columns[i].name || t->columns[i].key != columns[i].key ||
            t->columns[i].generated != columns[i].generated || t->columns[i].absent != columns[i].absent)
            return false;
    return true;
}

/* What mend() has to look at in the values of the table. */
static bool note_mending(mr_arena *arena, mr_changed_table *t) {
    uint16_t *reals = mr_arena_alloc(arena, t->ncolumns * sizeof *reals);
    t->mends = false;
    t->nreals = 0;
    t->reals = reals;
    for (unsigned i = 0; reals && i < t->ncolumns; i++) {
        const mr_changed_column *c = &t->columns[i];
        if (c->real) reals[t->nreals++] = (uint16_t)i;
        t->mends = t->mends || c->absent || (c->not_null && c->deflt.kind != MR_UNLOADED);
    }
    return reals != NULL;
}

/* *table: the table as the database has it now. */
static mr_status ask(feed_record *r, mr_changed_table **table) {
    mr_feed *feed = r->feed;
    mr_arena *scratch = mr_arena_new(feed->env);
    mr_reflection seen;
    if (!scratch) return MR_FAIL;
    r->busy = true;
    mr_status status = mr_conn_object(r->conn, scratch, (*table)->schema, (*table)->name, &seen);
    r->busy = false;
    unsigned n = 0;
    for (const mr_reflected_column *c = status == MR_OK ? seen.columns : NULL; c; c = c->next) n++;
    mr_changed_column *columns = NULL;
    if (status == MR_OK && n > 0) {
        columns = mr_arena_alloc(feed->tables_arena, n * sizeof *columns);
        const mr_reflected_column *c = seen.columns;
        for (unsigned i = 0; columns && i < n; i++, c = c->next)
            if (!fill_column(feed, c, &columns[i])) columns = NULL;
        if (!columns) status = MR_FAIL;
    }
    bool rowid = status == MR_OK && !seen.without_rowid;
    mr_arena_free(scratch);
    if (status == MR_FAIL) return MR_FAIL;
    if (n == 0 || are_equal(*table, columns, n)) return MR_OK;
    mr_changed_table *now = *table;
    if (now->known) { /* sets of before name it */
        now = mr_arena_alloc(feed->tables_arena, sizeof *now);
        if (!now) return MR_FAIL;
        now->schema = (*table)->schema;
        now->name = (*table)->name;
        for (size_t i = 0; i < feed->tables.len; i++)
            if (mr_vec_ptr(&feed->tables, i) == *table) ((void **)feed->tables.data)[i] = now;
    }
    now->columns = columns;
    now->ncolumns = n;
    now->rowid = rowid;
    if (!note_mending(feed->tables_arena, now)) return MR_FAIL;
    now->known = true;
    *table = now;
    return MR_OK;
}

/* ---------------------------------------------------------------- values */

/* SQLite 3.40 leaves a VIRTUAL column out: the values behind it stand one place before their own, and the last ones are
 * missing. Later versions leave its place empty. */
static void shift_virtual(const mr_changed_table *t, mr_value *values, unsigned n) {
    for (unsigned i = 0; values && i < n; i++) {
        if (!t->columns[i].absent || values[i].kind == MR_UNLOADED || values[n - 1].kind != MR_UNLOADED) continue;
        memmove(&values[i + 1], &values[i], (n - 1 - i) * sizeof *values);
        values[i] = mr_value_of(MR_UNLOADED, 0);
    }
}

/* A whole number in a REAL column is told as an integer at the INSERT, and as a float at later changes. */
static void make_real(const mr_changed_table *t, mr_value *values, unsigned n) {
    for (unsigned i = 0; values && i < t->nreals; i++) {
        unsigned at = t->reals[i];
        if (at < n && values[at].kind == MR_INT) values[at] = mr_float_value((double)values[at].u.i);
    }
}

/* A row that was stored before ALTER TABLE has added a column has NULL there, and reads the column's default. Where the
 * column takes no NULL, that is certain. */
static void put_defaults(const mr_changed_table *t, mr_value *values, unsigned n) {
    for (unsigned i = 0; values && i < n; i++)
        if (values[i].kind == MR_NULL && t->columns[i].not_null && t->columns[i].deflt.kind != MR_UNLOADED)
            values[i] = t->columns[i].deflt;
}

static void mend(mr_change *c) {
    const mr_changed_table *t = c->table;
    unsigned n = c->n;
    if (c->unknown || !t->known) return;
    if (n > t->ncolumns) { /* columns were dropped since: which value is whose is not known */
        c->unknown = true;
        c->old_values = c->new_values = NULL;
        return;
    }
    if (!t->mends && t->nreals == 0) return;
    mr_value *lists[] = {(mr_value *)c->old_values, (mr_value *)c->new_values};
    for (int i = 0; i < 2; i++) {
        if (t->mends) shift_virtual(t, lists[i], n);
        make_real(t, lists[i], n);
        if (t->mends) put_defaults(t, lists[i], n);
    }
}

/* ---------------------------------------------------------------- before the commit */

mr_status mr_record_resolve(feed_record *r, mr_change_set *set) {
    uint64_t seen = mr_conn_schema_seen(r->conn);
    bool moved = r->schema_seen != seen;
    const mr_changed_table *last = NULL, *last_now = NULL;
    /* Each table is asked for once: those that were asked for are noted by their newest version. */
    mr_vec asked;
    mr_vec_init(&asked, r->feed->env, sizeof(mr_changed_table *));
    mr_status status = MR_OK;
    for (size_t i = 0; status == MR_OK && i < set->changes.len; i++) {
        mr_change *c = mr_vec_at(&set->changes, i);
        if (c->table != last) {
            last = c->table;
            mr_changed_table *now = mr_changed_table_named(r->feed, last->schema, last->name);
            bool done = !now || (now->known && !moved);
            for (size_t k = 0; !done && k < asked.len; k++) done = mr_vec_ptr(&asked, k) == now;
            if (!now) status = MR_FAIL;
            if (!done && ask(r, &now) != MR_OK) status = MR_FAIL;
            if (!done && status == MR_OK) status = mr_vec_push_ptr(&asked, now);
            last_now = now;
        }
        c->table = last_now;
    }
    for (size_t i = 0; status == MR_OK && i < set->changes.len; i++) mend(mr_vec_at(&set->changes, i));
    mr_vec_done(&asked);
    if (status == MR_OK) r->schema_seen = mr_conn_schema_seen(r->conn);
    return status;
}

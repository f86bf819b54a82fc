/*
 * stored.c: a set of changes as bytes, by which undo survives the program.
 *
 * Invariant: what is read of any bytes is a set that is whole, or none: each length is compared with what is left.
 * Numbers are little-endian. The bytes begin with the number of their form.
 */
#include "feed.h"

#include <string.h>

enum { FORM = 1, SAME = 0xff, CAUSED = 0x80, HAS_OLD = 0x40, HAS_NEW = 0x20, KIND = 0x1f };
enum { KEY = 1, GENERATED = 2, ABSENT = 4, REAL = 8, NOT_NULL = 16 };

/* ---------------------------------------------------------------- writing */

static void put_number(mr_strbuf *out, uint64_t n, int bytes) {
    for (int i = 0; i < bytes; i++) mr_strbuf_putc(out, (char)(n >> (8 * i)));
}

static void put_bytes(mr_strbuf *out, const char *s, size_t len) {
    put_number(out, len, 4);
    mr_strbuf_add(out, s, len);
}

static void put_value(mr_strbuf *out, const mr_value *v) {
    mr_strbuf_putc(out, (char)v->kind);
    if (mr_kind_is_bytes(v->kind)) put_bytes(out, v->u.s, v->len);
    else if (v->kind > MR_NULL) put_number(out, (uint64_t)v->u.i, 8); /* a float by its bits */
}

static void put_table(mr_strbuf *out, const mr_changed_table *t) {
    put_bytes(out, t->schema, strlen(t->schema));
    put_bytes(out, t->name, strlen(t->name));
    put_number(out, t->rowid, 1);
    put_number(out, t->ncolumns, 4);
    for (unsigned i = 0; i < t->ncolumns; i++) {
        const mr_changed_column *c = &t->columns[i];
        put_bytes(out, c->name, strlen(c->name));
        put_number(out,
                   (c->key ? KEY : 0) | (c->generated ? GENERATED : 0) | (c->absent ? ABSENT : 0) |
                       (c->real ? REAL : 0) | (c->not_null ? NOT_NULL : 0),
                   1);
        put_value(out, &c->deflt);
    }
}

static void put_change(mr_strbuf *out, const mr_change *c, size_t table) {
    put_number(out, table, 4);
    put_number(out, c->kind | (c->caused ? CAUSED : 0) | (c->old_values ? HAS_OLD : 0) | (c->new_values ? HAS_NEW : 0),
               1);
    put_number(out, c->n, 2);
    put_number(out, (uint64_t)c->old_rowid, 8);
    put_number(out, (uint64_t)c->rowid, 8);
    for (unsigned i = 0; c->old_values && i < c->n; i++) put_value(out, &c->old_values[i]);
    for (unsigned i = 0; c->new_values && i < c->n; i++) {
        if (c->old_values && !mr_change_differs(c, i)) put_number(out, SAME, 1);
        else put_value(out, &c->new_values[i]);
    }
}

static size_t place_of(mr_vec *tables, const mr_changed_table *table) {
    size_t i = tables->len;
    while (i > 0 && mr_vec_ptr(tables, i - 1) != table) i--;
    if (i > 0) return i - 1;
    return mr_vec_push_ptr(tables, (void *)table) == MR_OK ? tables->len - 1 : SIZE_MAX;
}

mr_status mr_change_set_store(const mr_change_set *set, mr_strbuf *out) {
    mr_vec tables;
    mr_vec_init(&tables, set->feed->env, sizeof(mr_changed_table *));
    size_t count = 0;
    mr_status status = MR_OK;
    for (size_t i = 0; status == MR_OK && i < set->changes.len; i++) {
        const mr_change *c = mr_change_at(set, i);
        if (c->unknown || !c->table->known) status = MR_NOTFOUND;
        else if (place_of(&tables, c->table) == SIZE_MAX) status = MR_FAIL;
        count += strcmp(c->table->name, MR_CHANGE_LOG_TABLE) != 0;
    }
    put_number(out, FORM, 1);
    put_number(out, tables.len, 4);
    for (size_t i = 0; i < tables.len; i++) put_table(out, mr_vec_ptr(&tables, i));
    put_number(out, count, 4);
    for (size_t i = 0; status == MR_OK && i < set->changes.len; i++) {
        const mr_change *c = mr_change_at(set, i);
        if (strcmp(c->table->name, MR_CHANGE_LOG_TABLE) != 0) put_change(out, c, place_of(&tables, c->table));
    }
    mr_vec_done(&tables);
    return status == MR_OK && out->oom ? MR_FAIL : status;
}

/* ---------------------------------------------------------------- reading */

typedef struct reader {
    mr_feed *feed;
    const unsigned char *at;
    size_t left;
    bool bad; /* the bytes are not what was written */
} reader;

static uint64_t take_number(reader *r, int bytes) {
    uint64_t n = 0;
    if (r->left < (size_t)bytes) r->bad = true;
    if (r->bad) return 0;
    for (int i = 0; i < bytes; i++) n |= (uint64_t)r->at[i] << (8 * i);
    r->at += bytes;
    r->left -= (size_t)bytes;
    return n;
}

static const char *take_bytes(reader *r, size_t *len) {
    *len = take_number(r, 4);
    if (r->left < *len) r->bad = true;
    if (r->bad) return NULL;
    const char *s = (const char *)r->at;
    r->at += *len;
    r->left -= *len;
    return s;
}

static const char *take_name(reader *r) {
    size_t len;
    const char *s = take_bytes(r, &len);
    return s ? mr_intern(r->feed->env, s, len) : NULL;
}

/* The value, with its bytes copied into the arena. false: no memory. */
static bool take_value(reader *r, int kind, mr_arena *arena, mr_value *out) {
    *out = mr_value_of(MR_UNLOADED, 0);
    if (kind == MR_TEXT || kind == MR_BLOB) {
        size_t len;
        const char *s = take_bytes(r, &len);
        char *copy = s ? mr_arena_strndup(arena, s, len) : NULL;
        if (copy) *out = mr_bytes_value((mr_kind)kind, copy, len);
        return copy || r->bad;
    }
    if (kind == MR_INT || kind == MR_FLOAT) {
        *out = mr_int_value((int64_t)take_number(r, 8));
        out->kind = (uint8_t)kind;
    } else if (kind == MR_NULL) {
        *out = mr_null_value();
    } else if (kind != MR_UNLOADED) {
        r->bad = true;
    }
    return true;
}

static bool take_columns(reader *r, mr_arena *arena, mr_changed_table *t) {
    mr_changed_column *columns = mr_arena_alloc(arena, t->ncolumns * sizeof *columns);
    if (!columns) return false;
    t->columns = columns;
    for (unsigned i = 0; !r->bad && i < t->ncolumns; i++) {
        columns[i].name = take_name(r);
        uint64_t flags = take_number(r, 1);
        columns[i].key = flags & KEY;
        columns[i].generated = flags & GENERATED;
        columns[i].absent = flags & ABSENT;
        columns[i].real = flags & REAL;
        columns[i].not_null = flags & NOT_NULL;
        if (!take_value(r, (int)take_number(r, 1), arena, &columns[i].deflt)) return false;
        if (!columns[i].name) return r->bad;
    }
    return true;
}

/* The tables live as long as the feed, as all that sets name. false: no memory. */
static bool take_table(reader *r, mr_changed_table **out) {
    if (!r->feed->tables_arena) r->feed->tables_arena = mr_arena_new(r->feed->env);
    mr_arena *arena = r->feed->tables_arena;
    mr_changed_table *t = arena ? mr_arena_alloc(arena, sizeof *t) : NULL;
    if (!t) return false;
    *out = t;
    t->schema = take_name(r);
    t->name = t->schema ? take_name(r) : NULL;
    if (!t->name) return r->bad;
    t->known = true;
    t->rowid = take_number(r, 1);
    t->ncolumns = (unsigned)take_number(r, 4);
    if (t->ncolumns > r->left) r->bad = true; /* each takes some bytes */
    return r->bad || take_columns(r, arena, t);
}

static mr_value *take_values(reader *r, const mr_change *c, const mr_value *same, mr_arena *arena) {
    mr_value *values = mr_arena_alloc(arena, (c->n ? c->n : 1) * sizeof *values);
    for (unsigned i = 0; values && !r->bad && i < c->n; i++) {
        int kind = (int)take_number(r, 1);
        if (kind == SAME && same) values[i] = same[i];
        else if (!take_value(r, kind, arena, &values[i])) return NULL;
    }
    return values;
}

/* false: no memory. */
static bool take_change(reader *r, mr_changed_table *const *tables, size_t ntables, mr_change_set *set) {
    size_t before = r->left, table = take_number(r, 4), flags = take_number(r, 1);
    mr_change c = {.kind = flags & KIND, .caused = flags & CAUSED, .n = (uint16_t)take_number(r, 2)};
    c.old_rowid = (int64_t)take_number(r, 8);
    c.rowid = (int64_t)take_number(r, 8);
    bool old = flags & HAS_OLD, new = flags &HAS_NEW;
    r->bad = r->bad || table >= ntables || c.kind < MR_CHANGE_INSERT || c.kind > MR_CHANGE_DELETE ||
             old == (c.kind == MR_CHANGE_INSERT) || new == (c.kind == MR_CHANGE_DELETE) ||
             c.n > tables[table]->ncolumns;
    if (r->bad) return true;
    c.table = tables[table];
    if (old && !(c.old_values = take_values(r, &c, NULL, set->arena))) return false;
    if (new && !(c.new_values = take_values(r, &c, c.old_values, set->arena))) return false;
    c.bytes = (uint32_t)(sizeof c + ((size_t)old + new) * c.n * sizeof(mr_value) + (before - r->left));
    mr_change *place = mr_vec_push(&set->changes);
    if (!place) return false;
    *place = c;
    set->bytes += c.bytes;
    return true;
}

static bool take_all(reader *r, mr_change_set *set) {
    size_t ntables = take_number(r, 4);
    if (ntables > r->left) r->bad = true;
    mr_changed_table **tables = r->bad ? NULL : mr_arena_alloc(set->arena, (ntables + 1) * sizeof *tables);
    if (!tables) return r->bad;
    for (size_t i = 0; !r->bad && i < ntables; i++)
        if (!take_table(r, &tables[i])) return false;
    size_t n = take_number(r, 4);
    for (size_t i = 0; !r->bad && i < n; i++)
        if (!take_change(r, tables, ntables, set)) return false;
    return true;
}

mr_status mr_change_set_restore(mr_feed *feed, const char *bytes, size_t len, mr_change_set **out) {
    reader r = {.feed = feed, .at = (const unsigned char *)bytes, .left = len};
    if (take_number(&r, 1) != FORM) return MR_NOTFOUND;
    mr_change_set *set = mr_change_set_new(feed);
    if (!set) return MR_FAIL;
    if (take_all(&r, set) && !r.bad && r.left == 0) {
        *out = set;
        return MR_OK;
    }
    mr_change_set_release(set);
    return r.bad || r.left > 0 ? MR_NOTFOUND : MR_FAIL;
}

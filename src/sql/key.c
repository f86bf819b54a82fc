/*
 * key.c: writes the structure of a statement as bytes, and lists its binds in order.
 *
 * Invariant: the number of a bind depends only on the structure of the statement. Binds are counted in the order of the
 * nodes' children, and a shared node is counted each time it occurs. So a compiled statement fits every other statement
 * with the same key. ALIASes and CTEs are the exception, because the SQL shows whether two of them are the same one:
 * they are numbered when they are met, and the binds inside of them are counted once, behind all others. That a bind
 * occurs again is told, too: a dialect may number it once.
 */
#include <moonrow/sql.h>

#include "key.h"
#include "node.h"

#include <string.h>

#define MAX_KEY ((size_t)64 * 1024 * 1024)

typedef struct scanner {
    mr_env *env;
    mr_strbuf *key; /* or NULL */
    mr_vec *binds;  /* or NULL */
    mr_vec *objects;
    mr_vec shared;  /* shared_bind */
    uint32_t count; /* number of binds so far */
    bool comparing; /* inside of a comparison, where the number of a value's spellings matters */
    bool failed;
} scanner;

/* A BIND that several nodes may have, and its number. */
typedef struct shared_bind {
    const mr_node *node;
    uint32_t ordinal;
} shared_bind;

/* Lists up to this length are padded to a power of two. Longer lists are rare, and padding them could exceed the number
 * of parameters that databases allow. */
enum { MAX_PADDED = 16384 };

size_t mr_key_padded(size_t n) {
    if (n > MAX_PADDED) return n;
    size_t padded = n ? 1 : 0;
    while (padded < n) padded *= 2;
    return padded;
}

static void put(scanner *s, const void *bytes, size_t n) {
    if (s->key) mr_strbuf_add(s->key, bytes, n);
}

static void put_pointer(scanner *s, const void *p) { put(s, &p, sizeof p); }

static void put_count(scanner *s, size_t n) {
    uint32_t small = (uint32_t)n;
    put(s, &small, sizeof small);
}

/* Writes the object's number. A new object is added to the list, and its inside is scanned later. */
static void put_object(scanner *s, const mr_node *object) {
    size_t i = 0;
    while (i < s->objects->len && ((mr_key_object *)mr_vec_at(s->objects, i))->node != object) i++;
    put_count(s, i);
    if (i < s->objects->len) return;
    mr_key_object *made = mr_vec_push(s->objects);
    if (made) made->node = object;
    else s->failed = true;
}

static void put_bind(scanner *s, const mr_node *node) {
    if (node->kind == MR_NODE_BINDS) {
        put_count(s, mr_key_padded(node->u.list.n));
        put_count(s, mr_key_padded(node->u.list.nspelled));
        put_count(s, node->u.list.can_be_whole);
    } else if (s->comparing) {
        put_count(s, mr_spelling_count(node));
    }
    s->count++;
    if (s->binds && mr_vec_push_ptr(s->binds, (mr_node *)node) != MR_OK) s->failed = true;
}

/* Writes the members of a node, other than kind, operator, name and children, that change the SQL. */
static void put_payload(scanner *s, const mr_node *node) {
    switch (node->kind) {
    case MR_NODE_COLUMN:
        put_pointer(s, node->u.column);
        put_pointer(s, node->reader);
        if (node->n) put_pointer(s, node->child[0]->reader);
        if (node->n) put_object(s, node->child[0]);
        put_count(s, node->flags & MR_NODE_PART);
        if (node->flags & MR_NODE_PART) put_object(s, mr_column_object(node));
        break;
    case MR_NODE_JOIN:
        put_count(s, node->flags & MR_NODE_GIVEN);
        put_pointer(s, node->annotation);
        break;
    case MR_NODE_BIND:
    case MR_NODE_BINDS:
        put_bind(s, node);
        break;
    case MR_NODE_TEXT:
        put_count(s, node->u.value.len);
        put(s, node->u.value.u.s, node->u.value.len);
        break;
    case MR_NODE_LABEL:
        put_pointer(s, node->reader);
        break;
    case MR_NODE_TABLE:
        put_pointer(s, node->u.table);
        put_pointer(s, node->reader);
        break;
    case MR_NODE_ALIAS:
        put_pointer(s, node->reader);
        put_object(s, node);
        break;
    case MR_NODE_CTE:
        put_object(s, node);
        break;
    case MR_NODE_SELECT: {
        const mr_select *q = node->u.select;
        unsigned char bits =
            (unsigned char)((q->distinct ? 1 : 0) | (q->for_update ? 2 : 0) | (q->correlate_except ? 4 : 0));
        put(s, &bits, 1);
        put_pointer(s, q->for_update_mode ? mr_intern(s->env, q->for_update_mode, strlen(q->for_update_mode)) : NULL);
        break;
    }
    case MR_NODE_INSERT: {
        unsigned char bit = node->u.dml->on_conflict;
        put(s, &bit, 1);
        put_pointer(s, node->u.dml->conflict_constraint);
        break;
    }
    default:
        break;
    }
}

/* Is the BIND one that was met before? *ordinal: the number that it had then. */
static bool is_repeated(scanner *s, const mr_node *node, uint32_t *ordinal) {
    if (node->kind != MR_NODE_BIND || node->refs < 2 || !s->key) return false;
    for (size_t i = 0; i < s->shared.len; i++) {
        const shared_bind *known = mr_vec_at(&s->shared, i);
        *ordinal = known->ordinal;
        if (known->node == node) return true;
    }
    shared_bind *made = mr_vec_push(&s->shared);
    if (made) *made = (shared_bind){node, s->count};
    else s->failed = true;
    return false;
}

static void scan(scanner *s, const mr_node *node);

static void scan_parts(scanner *s, const mr_node *node) {
    uint32_t parts = mr_node_parts(node);
    put_count(s, parts);
    for (uint32_t i = 0; i < parts; i++) scan(s, node->child[i]);
}

static bool compares(const mr_node *node) {
    return node->kind == MR_NODE_BETWEEN ||
           (node->kind == MR_NODE_BINARY && node->op >= MR_OP_EQ && node->op <= MR_OP_NOT_IN);
}

static void scan(scanner *s, const mr_node *node) {
    unsigned char head[4] = {0};
    if (s->failed) return;
    if (!node) {
        put(s, head, 1);
        return;
    }
    head[0] = node->kind;
    head[1] = node->op;
    head[2] = (unsigned char)(node->flags & 0xff);
    uint32_t first = 0;
    bool repeated = is_repeated(s, node, &first);
    head[3] = (unsigned char)((node->name ? 1 : 0) | (repeated ? 2 : 0));
    put(s, head, sizeof head);
    if (repeated) put_count(s, first);
    if (node->name) put_pointer(s, node->name);
    put_pointer(s, node->type);
    put_payload(s, node);
    if (node->kind == MR_NODE_COLUMN || node->kind == MR_NODE_ALIAS || node->kind == MR_NODE_CTE) return;
    if (s->key && s->key->len > MAX_KEY) {
        mr_fail(s->env, MR_ERR_ARGUMENT, "the statement is too large");
        s->failed = true;
        return;
    }
    bool comparing = s->comparing;
    s->comparing = comparing || compares(node);
    scan_parts(s, node);
    s->comparing = comparing;
}

mr_status mr_key_scan(const mr_node *statement, mr_strbuf *key, mr_vec *binds, mr_vec *objects) {
    scanner s = {.env = statement->env, .key = key, .binds = binds, .objects = objects};
    mr_vec_init(&s.shared, statement->env, sizeof(shared_bind));
    scan(&s, statement);
    for (size_t i = 0; i < objects->len && !s.failed; i++) {
        mr_key_object *object = mr_vec_at(objects, i);
        object->base = s.count;
        scan_parts(&s, object->node);
    }
    mr_vec_done(&s.shared);
    if (s.failed) return MR_FAIL;
    return key && key->oom ? mr_nomem(s.env) : MR_OK;
}

mr_status mr_sql_key(const mr_node *statement, mr_strbuf *key, mr_vec *binds) {
    mr_vec objects;
    mr_vec_init(&objects, statement->env, sizeof(mr_key_object));
    mr_status status = mr_key_scan(statement, key, binds, &objects);
    mr_vec_done(&objects);
    return status;
}

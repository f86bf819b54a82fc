/*
 * identity.c: the primary key of an entity as one value.
 *
 * Invariant: equal keys of a class have equal identities.
 *
 * The identity of one integer is that integer. Any other is a blob with one field for each key column: one byte for the
 * kind, then eight bytes, or four bytes of length and the bytes. The key values have been coerced to the columns'
 * types, so equal keys have equal encodings. A part of a key may be NULL (tables made by other programs have such
 * rows). The whole key may not be NULL: two such rows could not be told apart. A date with an unusual spelling
 * (SPELLED) has four bytes more, its MR_SPELLED_ bits, because its row is found only by that spelling.
 */
#include "heap_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SPELLED = 0x80 }; /* a bit in the byte of the kind */

/* Is the row of the key's part i found only by the spelling that the value remembers? A column with a form of storage
 * has one usual spelling, others have several. */
static bool is_spelled(const mr_mapper *mapper, unsigned i, const mr_value *v) {
    if (v->kind < MR_DATE || v->kind > MR_INTERVAL || v->len == 0) return false;
    const mr_property *prop = mr_mapper_at_slot(mapper, mapper->pk_slots[i]);
    const mr_type *type = mr_column_type(mapper->env, prop->column);
    return type->rules->storage ? v->len != type->form : mr_calendar_is_odd(v);
}

bool mr_identity_make(const mr_mapper *mapper, const mr_value *key, mr_strbuf *buf, mr_value *out) {
    *out = mr_value_of(MR_UNLOADED, 0);
    if (mapper->int_key && key[0].kind == MR_INT) {
        *out = mr_int_value(key[0].u.i);
        return true;
    }
    mr_strbuf_clear(buf);
    bool some = false;
    for (unsigned i = 0; i < mapper->npk; i++) {
        const mr_value *v = &key[i];
        if (v->kind == MR_UNLOADED || v->kind >= MR_OPAQUE) return false;
        some = some || v->kind != MR_NULL;
        bool spelled = is_spelled(mapper, i, v);
        mr_strbuf_putc(buf, (char)(spelled ? v->kind | SPELLED : v->kind));
        if (spelled) mr_strbuf_add(buf, (const char *)&v->len, sizeof v->len);
        if (mr_kind_is_bytes(v->kind)) {
            mr_strbuf_add(buf, (const char *)&v->len, sizeof v->len);
            mr_strbuf_add(buf, v->u.s, v->len);
        } else {
            const int64_t bits = v->kind == MR_NULL ? 0 : v->u.i;
            mr_strbuf_add(buf, (const char *)&bits, sizeof bits);
        }
    }
    if (!some || !mr_strbuf_str(buf)) return false;
    *out = mr_bytes_value(MR_BLOB, buf->data, buf->len);
    return true;
}

bool mr_identity_same(const mr_value *a, const mr_value *b) {
    if (a->kind != b->kind) return false;
    if (a->kind == MR_INT) return a->u.i == b->u.i;
    return a->len == b->len && (a->len == 0 || memcmp(a->u.s, b->u.s, a->len) == 0);
}

bool mr_identity_has_null(const mr_mapper *mapper, const mr_value *key) {
    for (unsigned i = 0; i < mapper->npk; i++)
        if (key[i].kind == MR_NULL) return true;
    return false;
}

/* Reads one field at p. Returns the position of the next one. */
static const char *decode(const char *p, mr_value *out) {
    unsigned char kind = (unsigned char)*p++;
    *out = mr_value_of((mr_kind)(kind & ~(unsigned)SPELLED), 0);
    if (kind & SPELLED) {
        memcpy(&out->len, p, sizeof out->len);
        p += sizeof out->len;
    }
    if (!mr_kind_is_bytes(out->kind)) {
        memcpy(&out->u, p, sizeof out->u);
        return p + sizeof out->u;
    }
    memcpy(&out->len, p, sizeof out->len);
    out->u.s = p + sizeof out->len;
    return out->u.s + out->len;
}

void mr_identity_values(const mr_mapper *mapper, const mr_value *identity, mr_value *out) {
    const char *p = identity->kind == MR_BLOB ? identity->u.s : NULL;
    for (unsigned i = 0; i < mapper->npk; i++) {
        if (p) p = decode(p, &out[i]);
        else out[i] = identity->kind == MR_INT && i == 0 ? mr_int_value(identity->u.i) : mr_value_of(MR_UNLOADED, 0);
    }
}

/* ---------------------------------------------------------------- of an entity */

typedef uint32_t packed_length; /* in front of packed bytes */

size_t mr_identity_packed_size(const mr_value *identity) {
    return mr_kind_is_bytes(identity->kind) ? sizeof(packed_length) + identity->len : 0;
}

char *mr_identity_pack(mr_entity *e, const mr_value *identity, char *text) {
    if (identity->kind == MR_INT) {
        e->identity_kind = MR_IDENTITY_INT;
        e->key.i = identity->u.i;
        return text;
    }
    if (!mr_kind_is_bytes(identity->kind)) return text;
    packed_length length = identity->len;
    memcpy(text, &length, sizeof length);
    e->identity_kind = MR_IDENTITY_PACKED;
    e->key.bytes = text + sizeof length;
    if (length) memcpy(e->key.bytes, identity->u.s, length);
    return e->key.bytes + length;
}

mr_value mr_entity_other_identity(const mr_entity *e) {
    packed_length length;
    switch ((mr_identity_kind)e->identity_kind) {
    case MR_IDENTITY_PACKED:
        memcpy(&length, e->key.bytes - sizeof length, sizeof length);
        return mr_bytes_value(MR_BLOB, e->key.bytes, length);
    case MR_IDENTITY_OWNED: /* the copy of a value: a zero is behind the bytes */
        return mr_bytes_value(MR_BLOB, e->key.bytes, mr_alloc_size(e->key.bytes) - 1);
    case MR_IDENTITY_INT:
    case MR_IDENTITY_NONE:
        break;
    }
    return mr_value_of(MR_UNLOADED, 0);
}

void mr_entity_key(const mr_entity *entity, mr_value *out) {
    const mr_value identity = mr_entity_identity(entity);
    mr_identity_values(entity->mapper, &identity, out);
}

void mr_entity_describe(const mr_entity *entity, mr_strbuf *out) {
    const mr_value identity = mr_entity_identity(entity);
    mr_identity_describe(entity->mapper, &identity, out);
}

static size_t owned_bytes(const mr_entity *e) {
    return e->identity_kind == MR_IDENTITY_OWNED ? mr_alloc_size(e->key.bytes) + sizeof(size_t) : 0;
}

void mr_identity_clear(mr_heap *heap, mr_entity *e) {
    heap->bytes -= owned_bytes(e);
    if (e->identity_kind == MR_IDENTITY_OWNED) mr_free(heap->env, e->key.bytes);
    e->identity_kind = MR_IDENTITY_NONE;
}

mr_status mr_entity_set_identity(mr_entity *entity, const mr_value *identity) {
    mr_value copy;
    if (mr_value_copy(entity->mapper->env, &copy, identity) != MR_OK) return MR_FAIL;
    mr_entity_give_identity(entity, &copy);
    return MR_OK;
}

void mr_entity_give_identity(mr_entity *entity, mr_value *identity) {
    mr_heap *heap = heap_of(entity);
    mr_identity_clear(heap, entity);
    if (identity->kind == MR_INT) {
        entity->identity_kind = MR_IDENTITY_INT;
        entity->key.i = identity->u.i;
    } else if (mr_kind_is_bytes(identity->kind)) {
        entity->identity_kind = MR_IDENTITY_OWNED;
        entity->key.bytes = identity->u.p;
        entity->owns = true;
        heap->bytes += owned_bytes(entity);
    }
    *identity = mr_value_of(MR_UNLOADED, 0);
}

/* ---------------------------------------------------------------- identities that are alike */

/* A key value without the differences that a database may ignore: a number, or text whose case and whose spaces at the
 * end do not count. */
typedef struct rough_value {
    bool number;
    int64_t i;
    double d; /* the number if it is no integer; else 0 */
    const char *s;
    uint32_t len;
} rough_value;

static void rough_number(double d, rough_value *out) {
    const double exact = 9007199254740992.0;
    out->number = true;
    if (d >= -exact && d <= exact && floor(d) == d) out->i = (int64_t)d;
    else out->d = d;
}

/* If the text is a number, as a numeric column would convert it, makes it that number. */
static void rough_text(const char *s, uint32_t len, rough_value *out) {
    enum { LONGEST = 40, EXACT = 18 };
    char text[LONGEST + 1], *end;
    unsigned digits = 0;
    while (len > 0 && *s == ' ') s++, len--;
    if (len == 0 || len > LONGEST) return;
    for (uint32_t i = 0; i < len; i++) {
        if (!memchr("0123456789+-.eE", s[i], 15)) return;
        if (s[i] >= '0' && s[i] <= '9') digits++;
    }
    if (digits == 0) return;
    memcpy(text, s, len);
    text[len] = '\0';
    if (digits <= EXACT) {
        long long i = strtoll(text, &end, 10);
        out->number = *end == '\0';
        if (out->number) out->i = i;
        if (out->number) return;
    }
    double d;
    if (mr_parse_float(text, &d)) rough_number(d, out);
}

static void rough(const mr_value *v, rough_value *out) {
    bool bytes = mr_kind_is_bytes(v->kind);
    *out = (rough_value){.number = !bytes};
    if (v->kind == MR_FLOAT) rough_number(v->u.d, out);
    else if (!bytes) out->i = v->u.i;
    if (!bytes) return;
    out->s = v->u.s;
    out->len = v->len;
    while (out->len > 0 && out->s[out->len - 1] == ' ') out->len--;
    rough_text(out->s, out->len, out);
}

static int lower(char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }

static bool is_alike(const mr_value *a, const mr_value *b) {
    rough_value x, y;
    if ((a->kind == MR_NULL) != (b->kind == MR_NULL)) return false;
    rough(a, &x);
    rough(b, &y);
    if (x.number != y.number) return false;
    if (x.number) return x.i == y.i && !(x.d < y.d) && !(x.d > y.d);
    if (x.len != y.len) return false;
    for (uint32_t i = 0; i < x.len; i++)
        if (lower(x.s[i]) != lower(y.s[i])) return false;
    return true;
}

/* A hash that ignores case: sets the bit that differs between small and capital letters in all bytes. This makes some
 * other characters equal, too, which only means more collisions. */
static uint64_t hash_without_case(const char *s, uint32_t len) {
    const uint64_t small = UINT64_C(0x2020202020202020), prime = UINT64_C(0xD6E8FEB86659FD93);
    uint64_t h = len + UINT64_C(0x51ED270B1F6A2C4D), word;
    for (; len >= sizeof word; s += sizeof word, len -= (uint32_t)sizeof word) {
        memcpy(&word, s, sizeof word);
        h = (h ^ (word | small)) * prime;
        h ^= h >> 32;
    }
    word = 0;
    if (len > 0) memcpy(&word, s, len);
    h = (h ^ (word | small)) * prime;
    return h ^ (h >> 32);
}

uint64_t mr_identity_hash(const mr_mapper *root, const mr_value *identity) {
    uint64_t h = 0;
    const char *p = identity->u.s;
    for (uint16_t i = 0; i < root->npk && identity->kind == MR_BLOB; i++) {
        mr_value v;
        rough_value r;
        uint64_t bits;
        p = decode(p, &v);
        rough(&v, &r);
        memcpy(&bits, &r.d, sizeof bits);
        uint64_t own = r.number ? (uint64_t)r.i ^ bits : hash_without_case(r.s, r.len);
        if (root->npk == 1) return own;
        h = (h ^ own) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 31;
    }
    return h;
}

bool mr_identity_alike(const mr_mapper *root, const mr_value *a, const mr_value *b) {
    const char *p = a->kind == MR_BLOB ? a->u.s : NULL, *q = b->kind == MR_BLOB ? b->u.s : NULL;
    for (uint16_t i = 0; i < root->npk; i++) {
        mr_value v = *a, w = *b;
        if (p) p = decode(p, &v);
        if (q) q = decode(q, &w);
        if (!is_alike(&v, &w)) return false;
    }
    return true;
}

/* ---------------------------------------------------------------- text for messages */

static void describe_value(const mr_value *v, mr_strbuf *out) {
    char text[64];
    switch ((mr_kind)v->kind) {
    case MR_INT:
        mr_strbuf_printf(out, "%lld", (long long)v->u.i);
        break;
    case MR_FLOAT:
        mr_strbuf_put_float(out, 14, v->u.d);
        break;
    case MR_BOOL:
        mr_strbuf_puts(out, v->u.i ? "true" : "false");
        break;
    case MR_DATE:
    case MR_TIME:
    case MR_DATETIME:
    case MR_INTERVAL:
        mr_strbuf_add(out, text, mr_calendar_format(v, ' ', false, text));
        break;
    case MR_DECIMAL:
    case MR_JSON:
        mr_strbuf_add(out, v->u.s, v->len);
        break;
    case MR_TEXT:
        mr_strbuf_putc(out, '\'');
        mr_strbuf_add(out, v->u.s, v->len);
        mr_strbuf_putc(out, '\'');
        break;
    case MR_BLOB:
        mr_strbuf_puts(out, "x'");
        for (uint32_t i = 0; i < v->len && i < 32; i++) mr_strbuf_printf(out, "%02x", (unsigned char)v->u.s[i]);
        mr_strbuf_puts(out, v->len > 32 ? "...'" : "'");
        break;
    case MR_UNLOADED:
    case MR_NULL:
    case MR_OPAQUE:
    case MR_ENTITY:
    case MR_COLLECTION:
        mr_strbuf_puts(out, "nil");
        break;
    }
}

void mr_identity_describe(const mr_mapper *mapper, const mr_value *identity, mr_strbuf *out) {
    mr_strbuf_puts(out, mapper->name);
    if (identity->kind == MR_UNLOADED) return;
    mr_strbuf_putc(out, ' ');
    if (mapper->npk > 1) mr_strbuf_putc(out, '(');
    const char *p = identity->kind == MR_BLOB ? identity->u.s : NULL;
    for (unsigned i = 0; i < mapper->npk; i++) {
        mr_value v = *identity;
        if (p) p = decode(p, &v);
        if (i > 0) mr_strbuf_puts(out, ", ");
        describe_value(&v, out);
    }
    if (mapper->npk > 1) mr_strbuf_putc(out, ')');
}

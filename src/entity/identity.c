/*
 * identity.c: the primary key of an entity as one value.
 *
 * An integer key is itself. Any other is a blob of one field per key column: a byte of the kind, then eight
 * bytes, or four of length and the bytes. Equal keys have equal encodings, as their values have been coerced
 * to the columns' types. A part of a key may be NULL (tables that others made have such rows), the whole of
 * it may not: nothing tells two such rows apart.
 */
#include <moonrow/entity.h>

#include <string.h>

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
        mr_strbuf_add(buf, (const char *)&v->kind, 1);
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

bool mr_identity_has_null(const mr_mapper *mapper, const mr_value *key) {
    for (unsigned i = 0; i < mapper->npk; i++)
        if (key[i].kind == MR_NULL) return true;
    return false;
}

/* Reads one field at p; returns what follows it. */
static const char *decode(const char *p, mr_value *out) {
    *out = mr_value_of((mr_kind)*p++, 0);
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
        if (p)
            p = decode(p, &out[i]);
        else
            out[i] = identity->kind == MR_INT && i == 0 ? mr_int_value(identity->u.i)
                                                        : mr_value_of(MR_UNLOADED, 0);
    }
}

static void describe_value(const mr_value *v, mr_strbuf *out) {
    char text[64];
    switch ((mr_kind)v->kind) {
    case MR_INT:
        mr_strbuf_printf(out, "%lld", (long long)v->u.i);
        break;
    case MR_FLOAT:
        mr_strbuf_printf(out, "%.14g", v->u.d);
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
        mr_strbuf_add(out, v->u.s, v->len);
        break;
    case MR_TEXT:
        mr_strbuf_putc(out, '\'');
        mr_strbuf_add(out, v->u.s, v->len);
        mr_strbuf_putc(out, '\'');
        break;
    case MR_BLOB:
        mr_strbuf_puts(out, "x'");
        for (uint32_t i = 0; i < v->len && i < 32; i++)
            mr_strbuf_printf(out, "%02x", (unsigned char)v->u.s[i]);
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

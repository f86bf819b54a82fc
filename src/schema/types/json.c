/*
 * json.c: JSON, JSONB and Array: values that are stored as JSON text.
 *
 * Invariant: a stored text is not looked into when it is read: most are never asked for. Whoever shows the value finds
 * out whether the text is good. On SQLite the column has TEXT affinity: in one declared JSON, which has that of
 * numbers, 1.0 would become 1. What another program has stored there, a number, is read as the JSON that it was.
 */
#include "rules.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

_Static_assert((int)MR_READ_ROOM > (int)MR_FLOAT_SIZE, "a number has room");

static bool read(const mr_type *type, mr_value *v, char *room) {
    switch (v->kind) {
    case MR_TEXT:
    case MR_BLOB:
        v->kind = MR_JSON;
        break;
    case MR_INT:
        *v = mr_bytes_value(MR_JSON, room, (size_t)snprintf(room, MR_READ_ROOM, "%lld", (long long)v->u.i));
        break;
    case MR_FLOAT:
        if (!isfinite(v->u.d)) return false;
        *v = mr_bytes_value(MR_JSON, room, mr_print_shortest(room, v->u.d));
        break;
    default:
        return v->kind == MR_JSON;
    }
    v->tag = mr_json_tag(type->number, type->guessed ? MR_JSON_BAD_KEEP : MR_JSON_BAD_RAISE);
    return true;
}

/* ---------------------------------------------------------------- parameters */

/* The value of a named parameter is not known to be one of JSON when it is given: it stays as it is until it is stored.
 */
static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    return !type->item && (v->kind == MR_BOOL || v->kind == MR_INT || v->kind == MR_FLOAT || v->kind == MR_TEXT ||
                           (v->kind >= MR_DATE && v->kind <= MR_DECIMAL));
}

/* Such a value as JSON text. */
static mr_status store(const mr_type *type, mr_value *v, mr_store_room *room) {
    char text[MR_CALENDAR_SIZE];
    mr_strbuf out;
    if (v->kind == MR_JSON) return MR_OK;
    if (v->kind == MR_FLOAT && !isfinite(v->u.d))
        return mr_fail(room->env, MR_ERR_ARGUMENT, "a parameter of JSON: JSON has no number for NaN or infinity");
    if (mr_kind_is_bytes(v->kind) && !mr_utf8_valid(v->u.s, v->len))
        return mr_fail(room->env, MR_ERR_ARGUMENT,
                       "a parameter of JSON: the string is no valid UTF-8, and JSON has no other");
    mr_strbuf_init(&out, room->env);
    if (v->kind == MR_BOOL) mr_strbuf_puts(&out, v->u.i ? "true" : "false");
    else if (v->kind == MR_INT) mr_strbuf_printf(&out, "%lld", (long long)v->u.i);
    else if (v->kind == MR_FLOAT) mr_json_put_float(&out, v->u.d);
    else if (mr_kind_is_bytes(v->kind)) mr_json_put_string(&out, v->u.s, v->len);
    else mr_json_put_string(&out, text, mr_calendar_format(v, ' ', false, text));
    char *bytes = out.oom ? NULL : mr_store_bytes(room, out.len + 1);
    if (bytes) {
        memcpy(bytes, mr_strbuf_str(&out), out.len);
        *v = mr_type_json_value(type, bytes, out.len);
    }
    bool oom = out.oom;
    mr_strbuf_done(&out);
    return bytes ? MR_OK : oom ? mr_nomem(room->env) : MR_FAIL;
}

/* ---------------------------------------------------------------- names */

/* The type in parentheses is left out where there is no room for it. */
static void print_array(const mr_type *type, char *buf, size_t size) {
    char item[MR_TYPE_NAME];
    if (!type->item) snprintf(buf, size, "Array");
    else if (strlen(mr_type_name(type->item, item)) + sizeof "Array()" > size) snprintf(buf, size, "Array(...)");
    else snprintf(buf, size, "Array(%s)", item);
}

#define JSON_RULES                                                                                                     \
    .reads = "JSON", .group = MR_GROUP_OTHER, .kind = MR_JSON, .takes = MR_TAKES(MR_JSON), .read = read,               \
    .coerce = coerce, .store = store, .unordered = true

#define JSON_WANTS "JSON: a table, string, number, boolean or mr.null"
const mr_type_rules mr_type_json = {JSON_RULES, .name = "JSON", .wants = JSON_WANTS, .sql = "JSON",
                                    .argument = MR_ARGUMENT_JSON};
const mr_type_rules mr_type_jsonb = {JSON_RULES, .name = "JSONB", .wants = JSON_WANTS, .sql = "JSONB",
                                     .argument = MR_ARGUMENT_JSON};
const mr_type_rules mr_type_array = {
    JSON_RULES, .name = "Array", .wants = "a list", .sql = "JSON", .argument = MR_ARGUMENT_ITEM, .print = print_array};

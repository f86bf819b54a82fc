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

/* The type in parentheses is left out where there is no room for it. */
static void print_array(const mr_type *type, char *buf, size_t size) {
    char item[MR_TYPE_NAME];
    if (!type->item) snprintf(buf, size, "Array");
    else if (strlen(mr_type_name(type->item, item)) + sizeof "Array()" > size) snprintf(buf, size, "Array(...)");
    else snprintf(buf, size, "Array(%s)", item);
}

#define JSON_RULES .reads = "JSON", .group = MR_GROUP_OTHER, .kind = MR_JSON, .takes = MR_TAKES(MR_JSON), .read = read

#define JSON_WANTS "JSON: a table, string, number, boolean or mr.null"
const mr_type_rules mr_type_json = {JSON_RULES, .name = "JSON", .wants = JSON_WANTS, .sql = "JSON",
                                    .argument = MR_ARGUMENT_JSON};
const mr_type_rules mr_type_jsonb = {JSON_RULES, .name = "JSONB", .wants = JSON_WANTS, .sql = "JSONB",
                                     .argument = MR_ARGUMENT_JSON};
const mr_type_rules mr_type_array = {
    JSON_RULES, .name = "Array", .wants = "a list", .sql = "JSON", .argument = MR_ARGUMENT_ITEM, .print = print_array};

/*
 * item.c: the items of Array: how they stand in the JSON text, and what they are read as.
 *
 * Invariant: an item is stored as its column would store it: as a JSON number, text or boolean; dates, decimals and
 * uuids are texts.
 */
#include <moonrow/schema.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A number that the type has left one, as the digits of a decimal. False: it is written with an exponent. */
static bool to_decimal(mr_value *v, char *room) {
    size_t len = v->kind == MR_INT ? (size_t)snprintf(room, MR_READ_ROOM, "%lld", (long long)v->u.i)
                                   : mr_print_shortest(room, v->u.d);
    if (memchr(room, 'e', len)) return false;
    *v = mr_bytes_value(MR_DECIMAL, room, len);
    return true;
}

bool mr_type_read_item(const mr_type *item, mr_value *v, char *room) {
    if (v->kind == MR_BOOL) return item->rules->kind == MR_BOOL;
    if (!mr_type_read(item, v, room)) return false;
    return !mr_type_is_decimal(item) || (v->kind != MR_INT && v->kind != MR_FLOAT) || to_decimal(v, room);
}

mr_status mr_type_store_item(mr_env *env, const mr_type *item, const char *what, mr_value *v, mr_store_room *room) {
    if (mr_type_coerce(env, item, what, v) != MR_OK || mr_type_check_length(env, item, what, v) != MR_OK)
        return MR_FAIL;
    mr_type_cut(item, v);
    if (mr_type_store(item, v, room) != MR_OK) return MR_FAIL;
    if (v->kind >= MR_DATE && v->kind <= MR_INTERVAL) {
        char *text = mr_store_bytes(room, MR_CALENDAR_SIZE);
        if (!text) return MR_FAIL;
        *v = mr_text_value(text, mr_calendar_spell(v, text));
    }
    if (v->kind == MR_DECIMAL) v->kind = MR_TEXT;
    if (v->kind == MR_FLOAT && !isfinite(v->u.d))
        return mr_fail(
            env, MR_ERR_ARGUMENT,
            isnan(v->u.d) ? "%s: JSON has no number for NaN" : "%s: JSON has no number for an infinite float", what);
    if (v->kind == MR_TEXT && !mr_utf8_valid(v->u.s, v->len))
        return mr_fail(env, MR_ERR_ARGUMENT, "%s: the string is no valid UTF-8, and JSON has no other", what);
    return MR_OK;
}

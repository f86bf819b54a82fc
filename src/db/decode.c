/*
 * decode.c: dates and times as text, both ways. What is written always has six digits of microseconds, so
 * that the text of one column sorts as its values do.
 */
#include "decode.h"

#include <stdio.h>

enum { SHOWN = 60 }; /* bytes of a stored text that a message repeats */

static mr_status undecodable(mr_env *env, mr_typecode code, const char *column, const mr_value *stored) {
    const char *wanted = code == MR_TYPE_DATE   ? "date: text such as 2024-02-29"
                         : code == MR_TYPE_TIME ? "time: text such as 13:04:05.000000"
                                                : "datetime: text such as 2024-02-29 13:04:05.000000";
    char shown[SHOWN + 8];
    if (mr_kind_is_bytes(stored->kind) && stored->kind != MR_BLOB) {
        snprintf(shown, sizeof shown, "\"%.*s\"%s", stored->len > SHOWN ? SHOWN : (int)stored->len,
                 stored->u.s, stored->len > SHOWN ? "..." : "");
    } else if (stored->kind == MR_FLOAT) {
        mr_print_float(shown, sizeof shown, 17, stored->u.d);
    } else if (stored->kind == MR_INT) {
        snprintf(shown, sizeof shown, "%lld", (long long)stored->u.i);
    } else {
        snprintf(shown, sizeof shown, "a %s", mr_kind_name(stored->kind));
    }
    return mr_fail(env, MR_ERR_DATA, "column \"%s\" holds %s, which is no %s", column, shown, wanted);
}

mr_status mr_decode_calendar(mr_env *env, mr_typecode code, const char *column, const mr_value *stored,
                             mr_value *out) {
    mr_kind kind = code == MR_TYPE_DATE ? MR_DATE : code == MR_TYPE_TIME ? MR_TIME : MR_DATETIME;
    if (stored->kind != MR_TEXT || !mr_calendar_parse(kind, stored->u.s, stored->len, out)) {
        return undecodable(env, code, column, stored);
    }
    if (code == MR_TYPE_INTERVAL) out->kind = MR_INTERVAL;
    return MR_OK;
}

size_t mr_encode_calendar(const mr_value *value, char *buf) {
    mr_value stored = *value;
    if (stored.kind == MR_INTERVAL) stored.kind = MR_DATETIME;
    mr_value back;
    mr_civil civil;
    mr_civil_from_value(&stored, &civil);
    if (!mr_civil_to_value(&civil, (mr_kind)stored.kind, &back) || back.u.i != stored.u.i) return 0;
    return mr_calendar_format(&stored, ' ', true, buf);
}

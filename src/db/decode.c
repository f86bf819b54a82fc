/*
 * decode.c: dates and times as the text that is stored. A value that was read is written as it was spelled; any other
 * without a fraction where that is zero, and with six digits where not. Both sort as their instants do.
 */
#include "decode.h"

size_t mr_encode_calendar(const mr_value *value, char *buf) {
    mr_value stored = *value;
    if (stored.kind == MR_INTERVAL) stored.kind = MR_DATETIME;
    mr_value back;
    mr_civil civil;
    mr_civil_from_value(&stored, &civil);
    if (!mr_civil_to_value(&civil, (mr_kind)stored.kind, &back) || back.u.i != stored.u.i) return 0;
    return mr_calendar_spell(value, buf);
}

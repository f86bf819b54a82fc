/*
 * decode.c: writes dates and times as the text to store.
 *
 * Invariant: a value that was read is written in the spelling in which it was read. Other values are written without a
 * fraction when it is zero, and with six digits otherwise; these texts sort in the order of their instants.
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

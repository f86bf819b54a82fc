/*
 * decode.h: reading the text of dates that a database without such types stores.
 */
#ifndef MOONROW_DB_DECODE_H
#define MOONROW_DB_DECODE_H

#include <moonrow/db.h>

/* True for the types whose values are stored as ISO text. */
static inline bool mr_type_is_calendar(mr_typecode code) {
    return code == MR_TYPE_DATE || code == MR_TYPE_TIME || code == MR_TYPE_DATETIME ||
           code == MR_TYPE_INTERVAL;
}
/* Turns what is stored (of whatever kind) into a value of the calendar type. DataError naming the column and
 * what is stored. Intervals are stored as the time that lies so far after 1970-01-01. */
mr_status mr_decode_calendar(mr_env *env, mr_typecode code, const char *column, const mr_value *stored,
                             mr_value *out);
/* The text to store: at most 40 bytes; returns its length, 0 where the value is outside the calendar's years.
 */
size_t mr_encode_calendar(const mr_value *value, char *buf);

#endif

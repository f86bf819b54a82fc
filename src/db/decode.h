/*
 * decode.h: the text of dates and times, for databases without such types.
 *
 * Invariant: the text is read back as the same value.
 */
#ifndef MOONROW_DB_DECODE_H
#define MOONROW_DB_DECODE_H

#include <moonrow/db.h>

/* Writes the text to store to buf (MR_CALENDAR_SIZE bytes). Returns its length; 0 when the value is outside of the
 * years 1 to 9999. */
size_t mr_encode_calendar(const mr_value *value, char *buf);

#endif

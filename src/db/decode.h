/*
 * decode.h: the text of dates that a database without such types stores.
 */
#ifndef MOONROW_DB_DECODE_H
#define MOONROW_DB_DECODE_H

#include <moonrow/db.h>

/* The text to store: at most 40 bytes; returns its length, 0 where the value is outside the calendar's years.
 */
size_t mr_encode_calendar(const mr_value *value, char *buf);

#endif

/*
 * rules.h: rules that several types of this folder share.
 *
 * Invariant: like all rules of types, they allocate nothing.
 */
#ifndef MOONROW_SCHEMA_RULES_H
#define MOONROW_SCHEMA_RULES_H

#include <moonrow/schema.h>

enum { MR_STORED_ALL = MR_STORED_INTEGER | MR_STORED_FLOAT | MR_STORED_TEXT | MR_STORED_BLOB };

/* Is the value text that spells a number, or an integer, in digits? */
bool mr_rule_spells_number(const mr_value *v, bool integer);
/* Reads every stored value, unchanged. */
bool mr_rule_read_all(const mr_type *type, mr_value *v, char *room);

/* storage_name.c: writes "DateTime{ storage = "unix_ms" }" to buf. */
void mr_rule_print_storage(const mr_type *type, char *buf, size_t size);

/* moment.c: what all forms of dates, times, datetimes and intervals share. */
bool mr_rule_coerce_moment(mr_env *env, const mr_type *type, mr_value *v);
void mr_rule_advise_moment(const mr_type *type, const mr_value *v, char *advice);
/* moment_number.c: the forms that are numbers. */
extern const mr_type_rules mr_datetime_unix, mr_datetime_unix_ms, mr_datetime_unix_us, mr_datetime_julian,
    mr_datetime_cocoa, mr_date_unix, mr_date_unix_ms, mr_date_julian, mr_date_cocoa, mr_time_seconds, mr_time_ms,
    mr_time_us, mr_interval_seconds, mr_interval_ms, mr_interval_us, mr_interval_days;

#endif

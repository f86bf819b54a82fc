/*
 * storage_name.c: the name of a type with a form of storage, as Lua writes it.
 *
 * Invariant: the name, read by Lua again, makes an equal type.
 */
#include "rules.h"

#include <stdio.h>

/* The word for the option zone, or NULL. */
static const char *zone_name(uint32_t form) {
    if (form & MR_SPELLED_Z) return "Z";
    return form & MR_SPELLED_OFFSET ? form & MR_SPELLED_SPACE ? " +00:00" : "+00:00" : NULL;
}

void mr_rule_print_storage(const mr_type *type, char *buf, size_t size) {
    const mr_type_rules *rules = type->rules;
    char digits[24] = "", zone[24] = "";
    if (rules->text_options && type->form & MR_SPELLED_DIGITS)
        snprintf(digits, sizeof digits, ", digits = %u", (type->form & MR_SPELLED_DIGITS) - 1);
    if (rules->text_options && zone_name(type->form))
        snprintf(zone, sizeof zone, ", zone = \"%s\"", zone_name(type->form));
    snprintf(buf, size, "%s{ storage = \"%s\"%s%s%s }", rules->name, rules->storage, digits,
             rules->text_options && type->form & MR_SPELLED_T ? ", separator = \"T\"" : "", zone);
}

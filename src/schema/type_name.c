/*
 * type_name.c: the names of types, and the words for their values.
 *
 * Invariant: the names come from the rules of the type alone.
 */
#include <moonrow/schema.h>

#include <stdio.h>

const char *mr_type_name(const mr_type *type, char *buf) {
    const mr_type_rules *rules = type->rules;
    if (type->decorator) snprintf(buf, MR_TYPE_NAME, "%s", type->decorator->name);
    else if (rules->print) rules->print(type, buf, MR_TYPE_NAME);
    else if (type->length > 0) snprintf(buf, MR_TYPE_NAME, "%s(%d)", rules->name, type->length);
    else snprintf(buf, MR_TYPE_NAME, "%s", rules->name);
    return buf;
}

const char *mr_type_wants(const mr_type *type) { return type->rules->wants; }

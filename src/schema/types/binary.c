/*
 * binary.c: LargeBinary: bytes.
 *
 * Invariant: a value is a blob, also when the program gives a Lua string; its bytes are never changed.
 */
#include "rules.h"

static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    (void)type;
    if (v->kind != MR_TEXT) return false;
    v->kind = MR_BLOB;
    return true;
}

const mr_type_rules mr_type_largebinary = {
    .name = "LargeBinary",
    .wants = "a string",
    .reads = "blob",
    .sql = "BLOB",
    .group = MR_GROUP_BYTES,
    .kind = MR_BLOB,
    .natural = true,
    .evaluated = true,
    .argument = MR_ARGUMENT_LENGTH,
    .takes = MR_TAKES(MR_BLOB),
    .stored = MR_STORED_BLOB,
    .coerce = coerce,
};

/*
 * dialect.c: the dialects by their names.
 */
#include <moonrow/sql.h>

#include <string.h>

const mr_dialect *mr_dialects_at(unsigned i) {
#define DIALECT_ROW(name) mr_dialect_##name,
    static const mr_dialect *(*const all[])(void) = {MR_DIALECTS(DIALECT_ROW)};
#undef DIALECT_ROW
    return i < sizeof all / sizeof *all ? all[i]() : NULL;
}

const mr_dialect *mr_dialects_find(const char *name) {
    const mr_dialect *d;
    for (unsigned i = 0; (d = mr_dialects_at(i)); i++)
        if (strcmp(d->name, name) == 0) return d;
    return NULL;
}

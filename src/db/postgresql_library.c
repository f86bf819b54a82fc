/*
 * postgresql_library.c: finds libpq.
 *
 * Invariant: a library that was found stays loaded until the process ends: it brings others (TLS) that cannot be
 * unloaded.
 */
#include "postgresql_library.h"

#include <dlfcn.h>
#include <string.h>

/* ISO C has no conversion from an object's address to a function's; POSIX requires that this works. */
static bool find(void *handle, const char *name, void *function) {
    void *address = dlsym(handle, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

/* The name of the first function that is missing; NULL: all are there. */
static const char *find_all(void *handle, pq_library *library) {
#define FIND(result, name, parameters)                                                                                 \
    if (!find(handle, "PQ" #name, (void *)&library->name)) return "PQ" #name;
    PQ_FUNCTIONS(FIND)
#undef FIND
    return NULL;
}

mr_status mr_pq_library(mr_env *env, const pq_library **out) {
    static const char *const names[] = {"libpq.so.5", "libpq.so", "libpq.5.dylib", "libpq.dylib"};
    pq_library *library = mr_env_get(env, MR_ENV_POSTGRESQL);
    void *handle = NULL;
    const char *missing;
    if (library) {
        *out = library;
        return MR_OK;
    }
    for (size_t i = 0; !handle && i < sizeof names / sizeof *names; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return mr_fail(env, MR_ERR_OPERATIONAL,
                       "PostgreSQL databases need the library libpq, which is not installed: install libpq5");
    library = mr_env_arena(env, sizeof *library);
    if (!library) return MR_FAIL;
    missing = find_all(handle, library);
    if (missing)
        return mr_fail(env, MR_ERR_OPERATIONAL,
                       "the library libpq of this machine is too old: it has no %s; install a newer libpq5", missing);
    mr_env_set(env, MR_ENV_POSTGRESQL, library);
    *out = library;
    return MR_OK;
}

int mr_postgresql_version(mr_env *env) {
    const pq_library *library;
    if (mr_pq_library(env, &library) != MR_OK) return 0;
    return library->libVersion();
}

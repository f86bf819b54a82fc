/*
 * env_private.h: the inside of the environment, for the files of base only.
 */
#ifndef MOONROW_BASE_ENV_PRIVATE_H
#define MOONROW_BASE_ENV_PRIVATE_H

#include <stdatomic.h>

#include <moonrow/base.h>

typedef struct mr_close_hook {
    void (*fn)(void *ud);
    void *ud;
} mr_close_hook;

struct mr_env {
    mr_alloc_fn alloc;
    void *alloc_ud;
    size_t memory;                   /* bytes we have from alloc, this struct included */
    atomic_bool interrupted;         /* set by a signal handler or another thread */
    uint32_t process;                /* the number of the process: rises in the child of a fork (process.c) */
    volatile uint32_t *process_page; /* holds it, zero in such a child; NULL where there is no such page */
    long process_id;                 /* used then */
    bool (*asked)(void *ud);         /* NULL: nobody else asks statements to stop */
    void *asked_ud;
    mr_log_fn log, warn;
    void *log_ud, *warn_ud;
    void *slots[MR_ENV__SLOTS];
    mr_error *error;    /* NULL, &no_memory, or a block of its own (error.c) */
    mr_error no_memory; /* recorded without allocating */
    mr_vec hooks;       /* of mr_close_hook, in order of registration */
    mr_vec opaques;     /* of const mr_opaque_ops *, the tag is the index + 1 */
    mr_arena *arena;    /* made when first needed */
    mr_map *names;      /* of mr_intern, made when first needed */
    char hint[128];     /* what mr_hint has given last */
};

/* realloc by lua_Alloc's rules with the bytes accounted for; nsize > 0. NULL without memory,
 * with no error recorded. */
void *mr_env_resize(mr_env *env, void *ptr, size_t osize, size_t nsize);

void mr_process_init(mr_env *env);
void mr_process_done(mr_env *env);

/* Puts the NoMemoryError that mr_nomem records into its place. */
void mr_error_init(mr_env *env);

#endif

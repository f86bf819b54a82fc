/*
 * env_private.h: the members of the environment, for the files of base only.
 *
 * Invariant: every pointer here is owned by the environment and freed by mr_env_free, except the ud of callbacks and
 * the layers' slots.
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
    size_t memory;                   /* number of bytes that are held from alloc, this struct included */
    atomic_bool interrupted;         /* set by a signal handler or another thread */
    uint32_t process;                /* mr_env_process: rises in the child of a fork (process.c) */
    volatile uint32_t *process_page; /* a copy of process; 0 in a new child. NULL: the kernel has no such pages */
    long process_id;                 /* compared when process_page is NULL */
    bool (*asked)(void *ud);         /* mr_env_set_watch, or NULL */
    void *asked_ud;
    mr_log_fn log, warn;
    void *log_ud, *warn_ud;
    void *slots[MR_ENV__SLOTS];
    mr_error *error;    /* NULL, &no_memory, or an allocated block (error.c) */
    mr_error no_memory; /* recorded without allocating */
    mr_vec hooks;       /* of mr_close_hook, in order of registration */
    mr_vec opaques;     /* of const mr_opaque_ops *; the tag is the index + 1 */
    mr_arena *arena;    /* made when first needed */
    mr_map *names;      /* of mr_intern, made when first needed */
    char hint[128];     /* what mr_hint has given last */
};

/* Notes the process that the environment was made in. Cannot fail: without a page, the process id is used. */
void mr_process_init(mr_env *env);
/* Gives the page back. */
void mr_process_done(mr_env *env);

/* Puts the NoMemoryError that mr_nomem records into its place. */
void mr_error_init(mr_env *env);

#endif

/*
 * env.c: the environment: its allocator, log, slots, and the hooks that run when it is freed.
 *
 * Invariant: env->memory is the sum of the sizes of all blocks that the environment holds from its allocator. Each
 * block is given back with exactly the size that was asked for.
 */
#include "env_private.h"

#include <stdio.h>
#include <string.h>

/* The size that stands in front of each block of mr_alloc. A union, so that the block behind it is aligned. */
typedef union header {
    size_t size; /* of the whole block, this header included */
    uint64_t align;
} header;

mr_env *mr_env_new(mr_alloc_fn alloc, void *ud) {
    if (!alloc) alloc = mr_system_alloc;
    mr_env *env = alloc(ud, NULL, 0, sizeof *env);
    if (!env) return NULL;
    memset(env, 0, sizeof *env);
    env->alloc = alloc;
    env->alloc_ud = ud;
    env->memory = sizeof *env;
    mr_error_init(env);
    mr_process_init(env);
    mr_vec_init(&env->hooks, env, sizeof(mr_close_hook));
    mr_vec_init(&env->opaques, env, sizeof(void *));
    return env;
}

void mr_env_free(mr_env *env) {
    if (!env) return;
    /* The error may hold opaque values. It is cleared before the hooks run, because the hooks free the values' owner.
     */
    mr_env_clear_error(env);
    while (env->hooks.len > 0) {
        mr_close_hook hook = *(mr_close_hook *)mr_vec_at(&env->hooks, env->hooks.len - 1);
        env->hooks.len--;
        hook.fn(hook.ud);
    }
    mr_env_clear_error(env);
    mr_vec_done(&env->hooks);
    mr_vec_done(&env->opaques);
    mr_map_free(env->names);
    mr_arena_free(env->arena);
    mr_process_done(env);
    env->alloc(env->alloc_ud, env, sizeof *env, 0);
}

mr_status mr_env_on_close(mr_env *env, void (*fn)(void *ud), void *ud) {
    mr_close_hook *hook = mr_vec_push(&env->hooks);
    if (!hook) return MR_FAIL;
    hook->fn = fn;
    hook->ud = ud;
    return MR_OK;
}

/* ---------------------------------------------------------------- memory */

static void *resize_block(mr_env *env, void *ptr, size_t osize, size_t nsize) {
    void *block = env->alloc(env->alloc_ud, ptr, osize, nsize);
    if (block) env->memory = env->memory - osize + nsize;
    return block;
}

void *mr_raw_try(mr_env *env, size_t size) {
    return resize_block(env, NULL, 0, size > 0 ? size : 1); /* an allocator takes 0 as "free the block" */
}

void *mr_raw_alloc(mr_env *env, size_t size) {
    void *block = mr_raw_try(env, size);
    if (!block) mr_nomem(env);
    return block;
}

/* A block of large.c comes from the kernel, filled with zeros: filling it again would cost as much as using it. */
bool mr_raw_zeroes(const mr_env *env, size_t size) { return env->alloc == mr_system_alloc && mr_system_zeroes(size); }

void mr_raw_free(mr_env *env, void *ptr, size_t size) {
    if (!ptr) return;
    if (size == 0) size = 1;
    env->memory -= size;
    env->alloc(env->alloc_ud, ptr, size, 0);
}

void *mr_alloc(mr_env *env, size_t size) { return mr_realloc(env, NULL, size); }

void *mr_calloc(mr_env *env, size_t size) {
    void *block = mr_alloc(env, size);
    if (block && !mr_raw_zeroes(env, size + sizeof(header))) memset(block, 0, size);
    return block;
}

void *mr_realloc(mr_env *env, void *ptr, size_t size) {
    header *old = ptr ? (header *)ptr - 1 : NULL;
    header *block = NULL;
    if (size <= SIZE_MAX - sizeof(header)) block = resize_block(env, old, old ? old->size : 0, size + sizeof(header));
    if (!block) {
        mr_nomem(env);
        return NULL;
    }
    block->size = size + sizeof(header);
    return block + 1;
}

void mr_free(mr_env *env, void *ptr) {
    if (!ptr) return;
    header *block = (header *)ptr - 1;
    mr_raw_free(env, block, block->size);
}

size_t mr_alloc_size(const void *ptr) { return ((const header *)ptr - 1)->size - sizeof(header); }

char *mr_strndup(mr_env *env, const char *s, size_t len) {
    char *copy = len < SIZE_MAX ? mr_alloc(env, len + 1) : NULL;
    if (!copy) {
        mr_nomem(env);
        return NULL;
    }
    if (len > 0) memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

size_t mr_env_memory(const mr_env *env) { return env->memory; }

/* ---------------------------------------------------------------- interrupt, log, slots */

void mr_env_interrupt(mr_env *env, bool on) { atomic_store_explicit(&env->interrupted, on, memory_order_relaxed); }

bool mr_env_is_interrupted(const mr_env *env) { return atomic_load_explicit(&env->interrupted, memory_order_relaxed); }

void mr_env_set_watch(mr_env *env, bool (*asked)(void *ud), void *ud) {
    env->asked = asked;
    env->asked_ud = ud;
}

bool mr_env_should_stop(const mr_env *env) {
    return mr_env_is_interrupted(env) || (env->asked && env->asked(env->asked_ud));
}

void mr_env_set_log(mr_env *env, mr_log_fn fn, void *ud) {
    env->log = fn;
    env->log_ud = ud;
}

void mr_env_set_warn(mr_env *env, mr_log_fn fn, void *ud) {
    env->warn = fn;
    env->warn_ud = ud;
}

/* Formats a line and passes it to fn. A long line is formatted in allocated memory; when that is missing the line is
 * cut, and no error is recorded. */
static void send_line(mr_env *env, mr_log_fn fn, void *ud, const char *fmt, va_list args) {
    char text[512];
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(text, sizeof text, fmt, args);
    if (len >= 0) {
        size_t size = (size_t)len + 1;
        char *all = size > sizeof text ? resize_block(env, NULL, 0, size) : NULL;
        if (all) vsnprintf(all, size, fmt, again);
        fn(ud, all ? all : text);
        if (all) mr_raw_free(env, all, size);
    }
    va_end(again);
}

void mr_log(mr_env *env, const char *fmt, ...) {
    va_list args;
    if (!env->log) return;
    va_start(args, fmt);
    send_line(env, env->log, env->log_ud, fmt, args);
    va_end(args);
}

void mr_warn(mr_env *env, const char *fmt, ...) {
    va_list args;
    if (!env->warn) return;
    va_start(args, fmt);
    send_line(env, env->warn, env->warn_ud, fmt, args);
    va_end(args);
}

void *mr_env_get(const mr_env *env, mr_env_slot slot) { return env->slots[slot]; }

void mr_env_set(mr_env *env, mr_env_slot slot, void *ptr) { env->slots[slot] = ptr; }

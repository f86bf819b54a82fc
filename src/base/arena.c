/*
 * arena.c: arenas (memory that is freed all at once), and the environment's interned names, which live in an arena.
 *
 * Invariant: each allocation is filled with zeros, when it is given unless its block came so.
 */
#include "env_private.h"

#include <string.h>

/* Blocks grow by doubling. One beyond MIDDLING is a huge page. */
enum { FIRST_BLOCK = 1024, MIDDLING = 256 * 1024, LARGEST_BLOCK = MR_HUGE_PAGE, ALIGN = 8 };

typedef struct block {
    struct block *next;
    size_t size;     /* of the whole block, this struct included */
    size_t used;     /* this struct included */
    uint64_t zeroed; /* its bytes beyond `used` are zero */
} block;

struct mr_arena {
    mr_env *env;
    block *blocks; /* a list; the first one is being filled */
    size_t next_size;
};

mr_arena *mr_arena_new(mr_env *env) {
    mr_arena *arena = mr_raw_alloc(env, sizeof *arena);
    if (!arena) return NULL;
    arena->env = env;
    arena->blocks = NULL;
    arena->next_size = FIRST_BLOCK;
    return arena;
}

void mr_arena_free(mr_arena *arena) {
    if (!arena) return;
    mr_env *env = arena->env;
    for (block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
        mr_raw_free(env, b, b->size);
    }
    mr_raw_free(env, arena, sizeof *arena);
}

/* Adds a block with room for size bytes. A large block is put behind the block that is being filled, so that the free
 * rest of that one is still used. */
static block *add_block(mr_arena *arena, size_t size) {
    bool large = size > arena->next_size / 4;
    size_t bytes = large ? sizeof(block) + size : arena->next_size;
    block *b = mr_raw_alloc(arena->env, bytes);
    if (!b) return NULL;
    b->zeroed = mr_raw_zeroes(arena->env, bytes);
    b->size = bytes;
    b->used = sizeof(block);
    if (large && arena->blocks) {
        b->next = arena->blocks->next;
        arena->blocks->next = b;
    } else {
        b->next = arena->blocks;
        arena->blocks = b;
        if (!large) arena->next_size = arena->next_size < MIDDLING ? arena->next_size * 2 : LARGEST_BLOCK;
    }
    return b;
}

void *mr_arena_alloc(mr_arena *arena, size_t size) {
    if (size > SIZE_MAX / 2) {
        mr_nomem(arena->env);
        return NULL;
    }
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    block *b = arena->blocks;
    if (!b || b->size - b->used < size) {
        b = add_block(arena, size);
        if (!b) return NULL;
    }
    void *ptr = (char *)b + b->used;
    b->used += size;
    if (!b->zeroed) memset(ptr, 0, size);
    return ptr;
}

char *mr_arena_strndup(mr_arena *arena, const char *s, size_t len) {
    if (len > SIZE_MAX / 2) {
        mr_nomem(arena->env);
        return NULL;
    }
    char *copy = mr_arena_alloc(arena, len + 1);
    if (copy && len > 0) memcpy(copy, s, len);
    return copy;
}

/* ---------------------------------------------------------------- the environment's arena */

static mr_arena *env_arena(mr_env *env) {
    if (!env->arena) env->arena = mr_arena_new(env);
    return env->arena;
}

void *mr_env_arena(mr_env *env, size_t size) {
    mr_arena *arena = env_arena(env);
    return arena ? mr_arena_alloc(arena, size) : NULL;
}

typedef struct interned {
    const char *s;
    size_t len;
} interned;

static uint64_t interned_hash(const void *element) {
    const interned *name = element;
    return mr_hash_bytes(name->s, name->len);
}

static bool interned_equal(const void *a, const void *b) {
    const interned *x = a, *y = b;
    return x->len == y->len && memcmp(x->s, y->s, x->len) == 0;
}

const char *mr_intern(mr_env *env, const char *s, size_t len) {
    if (!env->names) env->names = mr_map_new(env, sizeof(interned), interned_hash, interned_equal);
    if (!env->names) return NULL;
    interned name = {len > 0 ? s : "", len};
    const interned *known = mr_map_get(env->names, &name);
    if (known) return known->s;
    mr_arena *arena = env_arena(env);
    name.s = arena ? mr_arena_strndup(arena, name.s, len) : NULL;
    if (!name.s || !mr_map_put(env->names, &name)) return NULL;
    return name.s;
}

const char *mr_intern_numbered(mr_env *env, const char *name, size_t number) {
    mr_strbuf b;
    mr_strbuf_init(&b, env);
    mr_strbuf_printf(&b, "%s_%zu", name, number);
    const char *s = mr_strbuf_str(&b), *made = s ? mr_intern(env, s, b.len) : NULL;
    mr_strbuf_done(&b);
    return made;
}

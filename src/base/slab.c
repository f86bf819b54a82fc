/*
 * slab.c: memory for many small blocks: pages of blocks of one size, so that making and freeing one is a few
 * instructions, and all of them go at once in the end.
 *
 * Invariants: a page lies at a multiple of its size, so a block finds its page by its address; a page is in the list of
 * its size when, and only when, it has a free block; a page without a block in use goes back to its chunk, and a chunk
 * without a page in use to the allocator. A chunk is in the list `open` when it has an unused page, else in `full`.
 * Nothing here walks a list that grows with what is allocated.
 */
#include <moonrow/base.h>

#include <string.h>

enum { PAGE = 8192, MOST_PAGES = 63 }; /* of a chunk that is no huge page */

/* Address sanitizers watch blocks that come from the allocator: there each block does. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_FROM_ALLOCATOR 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define EACH_FROM_ALLOCATOR 1
#endif
#ifndef EACH_FROM_ALLOCATOR
#define EACH_FROM_ALLOCATOR 0
#endif

/* Short, because each page has it: places in the page are counted in bytes from its start. */
struct mr_slab_page {
    mr_slab_chunk *chunk;
    mr_slab_page *next, **link; /* in the list of its size, or of its chunk's unused pages */
    uint16_t freed; /* the first block that was used before, which begins with the place of the next; 0: none */
    uint16_t used;  /* blocks in use */
    uint16_t fresh; /* where the blocks begin that were never used; beyond the last: none */
    uint16_t size;  /* of a block */
};

struct mr_slab_chunk {
    mr_slab_chunk *next, **link;
    mr_slab_page *unused;
    size_t size; /* bytes, with this struct and what is lost by aligning pages */
    uint32_t used;
};

static unsigned class_of(size_t size) { return (unsigned)((size + MR_SLAB_STEP - 1) / MR_SLAB_STEP) - 1; }

static mr_slab_page *page_of(void *block) { return (mr_slab_page *)((uintptr_t)block & ~(uintptr_t)(PAGE - 1)); }

void mr_slab_init(mr_slab *slab, mr_env *env, size_t largest) {
    memset(slab, 0, sizeof *slab);
    slab->env = env;
    slab->largest = EACH_FROM_ALLOCATOR ? 0 : largest;
}

static void free_chunks(mr_slab *slab, mr_slab_chunk *c) {
    for (mr_slab_chunk *next; c; c = next) {
        next = c->next;
        mr_raw_free(slab->env, c, c->size);
    }
}

void mr_slab_done(mr_slab *slab) {
    free_chunks(slab, slab->open);
    free_chunks(slab, slab->full);
    mr_slab_init(slab, slab->env, slab->largest);
}

/* ---------------------------------------------------------------- lists */

static void link_page(mr_slab_page **list, mr_slab_page *p) {
    p->next = *list;
    p->link = list;
    if (p->next) p->next->link = &p->next;
    *list = p;
}

static void unlink_page(mr_slab_page *p) {
    *p->link = p->next;
    if (p->next) p->next->link = p->link;
}

static void link_chunk(mr_slab_chunk **list, mr_slab_chunk *c) {
    c->next = *list;
    c->link = list;
    if (c->next) c->next->link = &c->next;
    *list = c;
}

static void unlink_chunk(mr_slab_chunk *c) {
    *c->link = c->next;
    if (c->next) c->next->link = c->link;
}

/* ---------------------------------------------------------------- chunks and pages */

/* Chunks grow with what is there, so that a small program has small ones. They have a page more, which aligning
 * costs. */
static size_t next_pages(const mr_slab *slab) {
    size_t pages = 1;
    for (size_t i = 0; i < slab->nchunks && pages < MOST_PAGES; i++) pages = pages * 2 + 1;
    return pages;
}

/* A block of the size of a huge page, from an allocator that has these (large.c), which is seen by where it lies. NULL:
 * there is none. */
static char *take_huge(mr_slab *slab) {
    char *block = mr_raw_try(slab->env, MR_HUGE_PAGE);
    if (!block || (uintptr_t)block % MR_HUGE_PAGE == 0) return block;
    mr_raw_free(slab->env, block, MR_HUGE_PAGE);
    slab->without_huge = true;
    return NULL;
}

static char *take_chunk(mr_slab *slab, size_t *size) {
    size_t pages = next_pages(slab);
    char *huge = pages == MOST_PAGES && !slab->without_huge ? take_huge(slab) : NULL;
    *size = huge ? MR_HUGE_PAGE : sizeof(mr_slab_chunk) + (pages + 1) * PAGE;
    return huge ? huge : mr_raw_alloc(slab->env, *size);
}

static mr_slab_chunk *new_chunk(mr_slab *slab) {
    size_t size;
    char *block = take_chunk(slab, &size);
    if (!block) return NULL;
    mr_slab_chunk *c = (mr_slab_chunk *)(void *)block;
    *c = (mr_slab_chunk){.size = size};
    char *first = (char *)page_of(block + sizeof *c + PAGE - 1);
    for (char *page = (char *)page_of(block + size) - PAGE; page >= first; page -= PAGE) {
        mr_slab_page *p = (mr_slab_page *)(void *)page;
        p->chunk = c;
        link_page(&c->unused, p);
    }
    link_chunk(&slab->open, c);
    slab->nchunks++;
    return c;
}

/* A page of blocks of the size, in the list of its size. NULL without memory. */
MR_APART static mr_slab_page *new_page(mr_slab *slab, unsigned class) {
    mr_slab_chunk *c = slab->open ? slab->open : new_chunk(slab);
    if (!c) return NULL;
    mr_slab_page *p = c->unused;
    unlink_page(p);
    c->used++;
    if (!c->unused) {
        unlink_chunk(c);
        link_chunk(&slab->full, c);
    }
    p->freed = 0;
    p->used = 0;
    p->size = (uint16_t)((class + 1) * MR_SLAB_STEP);
    p->fresh = sizeof *p;
    link_page(&slab->room[class], p);
    return p;
}

MR_APART static void give_page_back(mr_slab *slab, mr_slab_page *p) {
    mr_slab_chunk *c = p->chunk;
    bool was_full = !c->unused;
    unlink_page(p);
    link_page(&c->unused, p);
    if (--c->used == 0) {
        unlink_chunk(c);
        mr_raw_free(slab->env, c, c->size);
        slab->nchunks--;
    } else if (was_full) {
        unlink_chunk(c);
        link_chunk(&slab->open, c);
    }
}

/* ---------------------------------------------------------------- blocks */

static bool is_full(const mr_slab_page *p) { return !p->freed && p->fresh + p->size > PAGE; }

void *mr_slab_alloc(mr_slab *slab, size_t size) {
    if (!mr_slab_holds(slab, size)) return mr_raw_alloc(slab->env, size);
    unsigned class = class_of(size);
    mr_slab_page *p = slab->room[class];
    if (!p && !(p = new_page(slab, class))) return NULL;
    char *block = (char *)p + (p->freed ? p->freed : p->fresh);
    if (p->freed) memcpy(&p->freed, block, sizeof p->freed);
    else p->fresh = (uint16_t)(p->fresh + p->size);
    p->used++;
    if (is_full(p)) unlink_page(p);
    return block;
}

size_t mr_slab_size(void *block) { return page_of(block)->size; }

void mr_slab_free(mr_slab *slab, void *block, size_t size) {
    if (!mr_slab_holds(slab, size)) {
        mr_raw_free(slab->env, block, size);
        return;
    }
    mr_slab_page *p = page_of(block);
    if (is_full(p)) link_page(&slab->room[class_of(size)], p);
    memcpy(block, &p->freed, sizeof p->freed);
    p->freed = (uint16_t)((char *)block - (char *)p);
    if (--p->used == 0) give_page_back(slab, p);
}

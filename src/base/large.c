/*
 * large.c: the allocator of who brings none: malloc for most blocks, and memory from the kernel for large ones, in huge
 * pages where it has them. A page is paid for when it is touched first, which costs more than filling it, and a huge
 * page stands for 512 of them.
 *
 * Invariants: a block is mapped if, and only if, its size is at least LEAST; so its size tells where it came from. A
 * mapped block begins at a multiple of HUGE_PAGE. A huge page is asked for only where the block fills half of it.
 */
#define _DEFAULT_SOURCE /* madvise, MAP_ANONYMOUS; NOLINT(bugprone-reserved-identifier) */

#include <moonrow/base.h>

#include <stdlib.h>
#include <string.h>

/* Address sanitizers and valgrind's like watch what comes from malloc. */
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
#include <sys/mman.h>
#ifdef MADV_HUGEPAGE
#define HAS_HUGE_PAGES 1
#endif
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef HAS_HUGE_PAGES
#endif
#endif

#ifdef HAS_HUGE_PAGES

enum { HUGE_PAGE = MR_HUGE_PAGE, SMALL_PAGE = 4096, LEAST = HUGE_PAGE / 2, TOUCHED = 65536 };

static size_t round_up(size_t size, size_t step) { return (size + step - 1) / step * step; }

static bool is_mapped(size_t size) { return size >= LEAST && size <= SIZE_MAX - 2 * HUGE_PAGE; }

/* The bytes of the block that are in huge pages. */
static size_t huge_part(size_t size) {
    size_t whole = size / HUGE_PAGE * HUGE_PAGE;
    return size - whole >= LEAST ? whole + HUGE_PAGE : whole;
}

static size_t mapped_size(size_t size) {
    size_t huge = huge_part(size);
    return huge >= size ? huge : huge + round_up(size - huge, SMALL_PAGE);
}

/* Maps more than is needed, and gives back what lies before and behind the aligned block. */
static void *map(size_t size) {
    size_t wanted = mapped_size(size), all = wanted + HUGE_PAGE - SMALL_PAGE;
    char *start = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return NULL;
    size_t before = round_up((uintptr_t)start, HUGE_PAGE) - (uintptr_t)start;
    size_t behind = all - wanted - before;
    if (before > 0) munmap(start, before);
    if (behind > 0) munmap(start + before + wanted, behind);
    madvise(start + before, huge_part(size), MADV_HUGEPAGE); /* where it is refused, small pages do */
    return start + before;
}

/* Has the kernel give the pages of a middling block in one call, where the block has grown by enough for it. Where the
 * kernel does not know that call, pages come one by one. */
static void *touch(char *block, size_t was, size_t size) {
#ifdef MADV_POPULATE_WRITE
    if (!block || size < was + TOUCHED) return block;
    uintptr_t from = round_up((uintptr_t)block + was, SMALL_PAGE), end = (uintptr_t)block + size;
    madvise((void *)from, (end - from) / SMALL_PAGE * SMALL_PAGE, MADV_POPULATE_WRITE);
#endif
    return block;
}

static void *take(size_t size) { return is_mapped(size) ? map(size) : touch(malloc(size), 0, size); }

static void give_back(void *block, size_t size) {
    if (is_mapped(size)) munmap(block, mapped_size(size));
    else free(block);
}

bool mr_system_zeroes(size_t size) { return is_mapped(size); }

void *mr_system_alloc(void *ud, void *block, size_t was, size_t size) {
    (void)ud;
    if (!block) return size > 0 ? take(size) : NULL;
    if (size == 0) {
        give_back(block, was);
        return NULL;
    }
    if (!is_mapped(was) && !is_mapped(size)) return touch(realloc(block, size), was, size);
    if (is_mapped(was) && is_mapped(size) && mapped_size(was) == mapped_size(size) && huge_part(was) == huge_part(size))
        return block;
    void *made = take(size);
    if (!made) return NULL;
    memcpy(made, block, was < size ? was : size);
    give_back(block, was);
    return made;
}

#else

bool mr_system_zeroes(size_t size) {
    (void)size;
    return false;
}

void *mr_system_alloc(void *ud, void *block, size_t was, size_t size) {
    (void)ud;
    (void)was;
    if (size > 0) return realloc(block, size);
    free(block);
    return NULL;
}

#endif

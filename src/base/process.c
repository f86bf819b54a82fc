/*
 * process.c: tells whether the program has forked since, because the child must not use the parent's open databases.
 *
 * Invariant: where the kernel can fill a page with zeros in the child of a fork (Linux since 4.14), the question costs
 * no system call: a zero in that page means "this is a new child". Elsewhere the process id is compared.
 */
#define _DEFAULT_SOURCE /* madvise; NOLINT(bugprone-reserved-identifier) */

#include <sys/mman.h>
#include <unistd.h>

#include "env_private.h"

enum { PAGE = 4096 };

void mr_process_init(mr_env *env) {
    env->process = 1;
    env->process_id = (long)getpid();
#ifdef MADV_WIPEONFORK
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    if (madvise(page, PAGE, MADV_WIPEONFORK) != 0) {
        munmap(page, PAGE);
        return;
    }
    env->process_page = page;
    *env->process_page = env->process;
#endif
}

void mr_process_done(mr_env *env) {
    if (env->process_page) munmap((void *)(uintptr_t)env->process_page, PAGE);
    env->process_page = NULL;
}

uint32_t mr_env_process(mr_env *env) {
    if (env->process_page) {
        if (*env->process_page == 0) *env->process_page = ++env->process;
    } else if ((long)getpid() != env->process_id) {
        env->process_id = (long)getpid();
        env->process++;
    }
    return env->process;
}

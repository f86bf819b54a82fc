/*
 * random.c: bytes that nobody can guess, from the system.
 *
 * Invariant: nothing is kept: the child of a fork does not get the bytes of its parent.
 */
#define _DEFAULT_SOURCE /* NOLINT(bugprone-reserved-identifier) */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/random.h>
#endif

#include "env_private.h"

/* The system's own call: so many bytes, or -1 where there is no such call, or it fails. */
static ssize_t ask_system(void *out, size_t size) {
#ifdef __linux__
    return getrandom(out, size, 0);
#else
    (void)out;
    (void)size;
    errno = ENOSYS;
    return -1;
#endif
}

static ssize_t ask_device(void *out, size_t size) {
    int file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t n = read(file, out, size);
    int error = errno;
    close(file);
    errno = error;
    return n;
}

mr_status mr_random(mr_env *env, void *out, size_t size) {
    for (char *p = out; size > 0;) {
        ssize_t n = ask_system(p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) n = ask_device(p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return mr_fail(env, MR_ERR_OPERATIONAL, "the system gives no random bytes: %s",
                           n < 0 ? strerror(errno) : "/dev/urandom is empty");
        p += n;
        size -= (size_t)n;
    }
    return MR_OK;
}

/*
 * fixed_time.c: a clock that stands still, for counting instructions (see count.lua). Lua makes the seed of its hashes
 * from the time. With a real clock, the same program would execute other instructions in each run. This file becomes a
 * library that is preloaded. COUNT_SEED is the time that it returns.
 */
#include <stdlib.h>
#include <time.h>

time_t time(time_t *out) {
    const char *seed = getenv("COUNT_SEED");
    time_t now = seed ? (time_t)atol(seed) : 1;
    if (out) *out = now;
    return now;
}

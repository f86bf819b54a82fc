/*
 * fixed_time.c: a clock that stands still, for counting instructions (see count.lua): Lua takes the seed of its hashes
 * from the time, and so the same program takes other steps each time it runs. Preloaded; COUNT_SEED is the time.
 */
#include <stdlib.h>
#include <time.h>

time_t time(time_t *out) {
    const char *seed = getenv("COUNT_SEED");
    time_t now = seed ? (time_t)atol(seed) : 1;
    if (out) *out = now;
    return now;
}

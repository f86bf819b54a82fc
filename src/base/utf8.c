/*
 * utf8.c: counts the characters of UTF-8 text, and checks it.
 *
 * Invariant: a step is at least one byte and never leaves the text, whatever bytes it has.
 */
#include <moonrow/base.h>

/* Number of bytes of the character at s; 1 for a byte that is no valid UTF-8. */
static size_t utf8_step(const unsigned char *s, size_t left) {
    size_t n = s[0] < 0x80                   ? 1
               : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
               : (s[0] & 0xF0) == 0xE0       ? 3
               : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
                                             : 1;
    if (n > left) return 1;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 1;
    if (n == 3 && ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F))) return 1;
    if (n == 4 && ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))) return 1;
    return n;
}

size_t mr_utf8_length(const char *s, size_t len) {
    size_t count = 0;
    for (size_t i = 0; i < len; count++) i += utf8_step((const unsigned char *)s + i, len - i);
    return count;
}

bool mr_utf8_valid(const char *s, size_t len) {
    const unsigned char *bytes = (const unsigned char *)s;
    for (size_t i = 0, step; i < len; i += step) {
        step = bytes[i] < 0x80 ? 1 : utf8_step(bytes + i, len - i);
        if (step == 1 && bytes[i] >= 0x80) return false;
    }
    return true;
}

/*
 * sqlite_regexp.c: SQLite's functions regexp(pattern, text), which X REGEXP Y calls, and regexp_replace. SQLite has the
 * operator, and no function for it.
 *
 * The expressions are those of PostgreSQL's ~, as far as PCRE2 has the same: "." takes line ends along and "$" is the
 * very end, \m, \M, \y and \Y are edges of words, \Z is the end. \b is refused, because it is a backspace there and an
 * edge everywhere else. PCRE2 is looked for when the first expression comes, so that nobody else needs it.
 *
 * Invariant: a pattern never takes time or memory without a limit: what takes too many steps is an error.
 */
#include "driver_sqlite.h"

#include <dlfcn.h>
#include <string.h>

/* PCRE2's own numbers, which belong to its stable interface. */
enum {
    CASELESS = 0x00000008,
    DOLLAR_ENDONLY = 0x00000010,
    DOTALL = 0x00000020,
    EXTENDED = 0x00000080,
    MULTILINE = 0x00000400,
    NEVER_BACKSLASH_C = 0x00100000,
    UCP = 0x00020000,
    UTF = 0x00080000,
    MATCH_INVALID_UTF = 0x04000000,
    NO_MATCH = -1
};
enum { STEPS = 10000000, HEAP_KIB = 65536 };

typedef struct regexp_library {
    void *handle;
    bool searched;
    void *limits; /* a match context */
    void *(*compile)(const unsigned char *pattern, size_t len, uint32_t options, int *error, size_t *at, void *ctx);
    void (*free_code)(void *code);
    void *(*new_data)(const void *code, void *ctx);
    void (*free_data)(void *data);
    int (*match)(const void *code, const unsigned char *s, size_t len, size_t start, uint32_t options, void *data,
                 void *ctx);
    size_t *(*vector)(void *data);
    int (*message)(int error, unsigned char *out, size_t size);
    void *(*new_limits)(void *ctx);
    void (*free_limits)(void *ctx);
    int (*set_steps)(void *ctx, uint32_t limit);
    int (*set_heap)(void *ctx, uint32_t limit);
} regexp_library;

/* A compiled expression, which SQLite keeps with the statement. */
typedef struct regexp {
    const regexp_library *library;
    const char *flags; /* "" or those of regexp_replace, which are kept with it */
    void *code, *data;
} regexp;

/* ---------------------------------------------------------------- the library */

/* ISO C has no conversion from an object's address to a function's; POSIX requires that this works. */
static bool find(void *handle, const char *name, void *function) {
    void *address = dlsym(handle, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static bool find_all(regexp_library *l) {
    void *h = l->handle;
    return find(h, "pcre2_compile_8", &l->compile) && find(h, "pcre2_code_free_8", &l->free_code) &&
           find(h, "pcre2_match_data_create_from_pattern_8", &l->new_data) &&
           find(h, "pcre2_match_data_free_8", &l->free_data) && find(h, "pcre2_match_8", &l->match) &&
           find(h, "pcre2_get_ovector_pointer_8", &l->vector) && find(h, "pcre2_get_error_message_8", &l->message) &&
           find(h, "pcre2_match_context_create_8", &l->new_limits) &&
           find(h, "pcre2_match_context_free_8", &l->free_limits) &&
           find(h, "pcre2_set_match_limit_8", &l->set_steps) && find(h, "pcre2_set_heap_limit_8", &l->set_heap);
}

static void search(regexp_library *l) {
    static const char *const names[] = {"libpcre2-8.so.0", "libpcre2-8.so", "libpcre2-8.0.dylib", "libpcre2-8.dylib"};
    l->searched = true;
    for (size_t i = 0; !l->handle && i < sizeof names / sizeof *names; i++)
        l->handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (l->handle && find_all(l) && (l->limits = l->new_limits(NULL)) != NULL) {
        l->set_steps(l->limits, STEPS);
        l->set_heap(l->limits, HEAP_KIB);
        return;
    }
    if (l->handle) dlclose(l->handle);
    l->handle = NULL;
}

static void free_library(void *p) {
    regexp_library *l = p;
    if (l->limits) l->free_limits(l->limits);
    if (l->handle) dlclose(l->handle);
    sqlite3_free(l);
}

/* The library, or NULL after an error. */
static const regexp_library *library_of(sqlite3_context *ctx) {
    regexp_library *l = sqlite3_user_data(ctx);
    if (!l->searched) search(l);
    if (l->handle) return l;
    sqlite3_result_error(ctx,
                         "regular expressions on SQLite need the library PCRE2, which is not installed: install "
                         "libpcre2-8",
                         -1);
    return NULL;
}

/* ---------------------------------------------------------------- expressions */

static bool add_flag(char flag, uint32_t *options) {
    if (flag == 'i') *options |= CASELESS;
    else if (flag == 'x') *options |= EXTENDED;
    else if (flag == 'n') *options = (*options & ~(uint32_t)DOTALL) | MULTILINE;
    else return flag == 'g';
    return true;
}

/* Reads the flags "(?inx)" at the beginning. Returns how many bytes they take. */
static size_t read_flags(const char *s, size_t len, uint32_t *options) {
    size_t n = 2;
    uint32_t made = *options;
    if (len < 4 || s[0] != '(' || s[1] != '?') return 0;
    for (; n < len && s[n] != ')'; n++)
        if (s[n] == 'g' || !add_flag(s[n], &made)) return 0;
    if (n == len || n == 2) return 0;
    *options = made;
    return n + 1;
}

/* What PCRE2 writes for PostgreSQL's escape, or NULL for one that both have. */
static const char *other_escape(char c) {
    switch (c) {
    case 'm':
        return "\\b(?=\\w)";
    case 'M':
        return "\\b(?<=\\w)";
    case 'y':
        return "\\b";
    case 'Y':
        return "\\B";
    case 'Z':
        return "\\z";
    default:
        return NULL;
    }
}

/* The pattern as PCRE2 reads it; free it with sqlite3_free. NULL after an error. */
static char *translated(sqlite3_context *ctx, const char *s, size_t len, size_t *out) {
    char *made = sqlite3_malloc64(len * 5 + 1), *to = made;
    bool listed = false; /* inside of [ ] */
    if (!made) sqlite3_result_error_nomem(ctx);
    for (size_t i = 0; made && i < len; i++) {
        if (s[i] == '\\' && i + 1 < len) {
            const char *other = listed ? NULL : other_escape(s[++i]);
            if (listed) i++;
            if (!listed && s[i] == 'b') {
                sqlite3_result_error(
                    ctx, "regexp: \\b is a backspace in PostgreSQL and an edge of a word elsewhere: write \\y", -1);
                sqlite3_free(made);
                return NULL;
            }
            size_t n = other ? strlen(other) : 2;
            memcpy(to, other ? other : s + i - 1, n);
            to += n;
            continue;
        }
        if (s[i] == '[' && !listed) {
            listed = true;
            *to++ = s[i];
            if (i + 1 < len && s[i + 1] == '^') *to++ = s[++i];
            if (i + 1 < len && s[i + 1] == ']') *to++ = s[++i];
            continue;
        }
        if (s[i] == '[' && i + 1 < len && strchr(":.=", s[i + 1])) { /* [:alpha:] */
            char close = s[i + 1];
            do *to++ = s[i++];
            while (i + 1 < len && !(s[i] == close && s[i + 1] == ']' && s[i - 1] != '['));
            if (i < len) *to++ = s[i];
            if (i + 1 < len) *to++ = s[++i];
            continue;
        }
        if (s[i] == ']') listed = false;
        *to++ = s[i];
    }
    *out = made ? (size_t)(to - made) : 0;
    return made;
}

static void free_regexp(void *p) {
    regexp *r = p;
    if (r->data) r->library->free_data(r->data);
    if (r->code) r->library->free_code(r->code);
    sqlite3_free(r);
}

static void say(sqlite3_context *ctx, const regexp_library *l, const char *what, int error) {
    unsigned char words[160] = "";
    l->message(error, words, sizeof words);
    char *text = sqlite3_mprintf("regexp: %s: %s", what, words);
    if (text) sqlite3_result_error(ctx, text, -1);
    else sqlite3_result_error_nomem(ctx);
    sqlite3_free(text);
}

/* The expression of the argument with the number; *owned: it is new, and to be kept. NULL after an error. */
static regexp *expression_of(sqlite3_context *ctx, sqlite3_value **args, int number, const char *flags, bool *owned) {
    regexp *r = sqlite3_get_auxdata(ctx, number);
    *owned = false;
    if (r && strcmp(r->flags, flags) == 0) return r;
    const regexp_library *l = library_of(ctx);
    const char *s = l ? (const char *)sqlite3_value_text(args[number]) : NULL;
    if (!s) return NULL;
    size_t len = (size_t)sqlite3_value_bytes(args[number]), made_len, at;
    uint32_t options = UTF | UCP | MATCH_INVALID_UTF | DOTALL | DOLLAR_ENDONLY | NEVER_BACKSLASH_C;
    for (const char *f = flags; *f; f++) {
        if (add_flag(*f, &options)) continue;
        sqlite3_result_error(ctx, "regexp_replace: the flags are letters of \"ginx\"", -1);
        return NULL;
    }
    size_t begin = read_flags(s, len, &options);
    char *made = translated(ctx, s + begin, len - begin, &made_len);
    int error;
    r = made ? sqlite3_malloc64(sizeof *r + strlen(flags) + 1) : NULL;
    if (r) {
        *r = (regexp){.library = l, .flags = strcpy((char *)(r + 1), flags)};
        r->code = l->compile((const unsigned char *)made, made_len, options, &error, &at, NULL);
        if (r->code) r->data = l->new_data(r->code, NULL);
        if (!r->code) say(ctx, l, "the expression cannot be read", error);
        else if (!r->data) sqlite3_result_error_nomem(ctx);
        if (!r->data) {
            free_regexp(r);
            r = NULL;
        }
    } else if (made) {
        sqlite3_result_error_nomem(ctx);
    }
    sqlite3_free(made);
    *owned = r != NULL;
    return r;
}

/* Gives the expression to SQLite, which frees it, at once or when the argument is another one. */
static void keep(sqlite3_context *ctx, regexp *r, int number, bool owned) {
    if (owned) sqlite3_set_auxdata(ctx, number, r, free_regexp);
}

/* ---------------------------------------------------------------- the functions */

static int match(const regexp *r, const char *s, size_t len, size_t start) {
    return r->library->match(r->code, (const unsigned char *)s, len, start, 0, r->data, r->library->limits);
}

/* regexp(pattern, text): 1 or 0. */
static void matches(sqlite3_context *ctx, int n, sqlite3_value **args) {
    bool owned;
    (void)n;
    if (sqlite3_value_type(args[0]) == SQLITE_NULL || sqlite3_value_type(args[1]) == SQLITE_NULL) return;
    regexp *r = expression_of(ctx, args, 0, "", &owned);
    const char *s = r ? (const char *)sqlite3_value_text(args[1]) : NULL;
    if (s) {
        int found = match(r, s, (size_t)sqlite3_value_bytes(args[1]), 0);
        if (found < NO_MATCH) say(ctx, r->library, "the text cannot be matched", found);
        else sqlite3_result_int(ctx, found >= 0);
    }
    if (r) keep(ctx, r, 0, owned);
}

/* Appends the replacement, in which \1 to \9 are groups, \& is the whole, and \\ a backslash. */
static void put_replacement(sqlite3_str *out, const char *with, size_t len, const char *s, const size_t *vector,
                            int groups) {
    for (size_t i = 0; i < len; i++) {
        if (with[i] != '\\' || i + 1 == len) {
            sqlite3_str_append(out, with + i, 1);
            continue;
        }
        char c = with[++i];
        int group = c >= '1' && c <= '9' ? c - '0' : c == '&' ? 0 : -1;
        if (group < 0) sqlite3_str_append(out, &c, 1);
        else if (group < groups && vector[2 * group] != (size_t)-1)
            sqlite3_str_append(out, s + vector[2 * group], (int)(vector[2 * group + 1] - vector[2 * group]));
    }
}

/* The end of the character at this place. */
static size_t next(const char *s, size_t len, size_t at) {
    for (at++; at < len && ((unsigned char)s[at] & 0xc0) == 0x80;) at++;
    return at;
}

/* regexp_replace(text, pattern, with, flags): the first match, with the flag "g" each; the others are those of
 * regexp_match. */
static void replaces(sqlite3_context *ctx, int n, sqlite3_value **args) {
    for (int i = 0; i < n; i++)
        if (sqlite3_value_type(args[i]) == SQLITE_NULL) return;
    const char *flags = n > 3 ? (const char *)sqlite3_value_text(args[3]) : "";
    bool owned, all = flags && strchr(flags, 'g');
    regexp *r = flags ? expression_of(ctx, args, 1, flags, &owned) : NULL;
    if (!r) return;
    const char *s = (const char *)sqlite3_value_text(args[0]), *with = (const char *)sqlite3_value_text(args[2]);
    size_t len = (size_t)sqlite3_value_bytes(args[0]), more = (size_t)sqlite3_value_bytes(args[2]), at = 0, from = 0;
    sqlite3_str *out = sqlite3_str_new(sqlite3_context_db_handle(ctx));
    int groups = 0;
    while (s && with && at <= len && (groups = match(r, s, len, at)) >= 0) {
        const size_t *vector = r->library->vector(r->data);
        size_t begin = vector[0], end = vector[1];
        sqlite3_str_append(out, s + from, (int)(begin - from));
        put_replacement(out, with, more, s, vector, groups);
        from = end;
        at = end > begin ? end : next(s, len, end);
        if (!all) break;
    }
    if (s) sqlite3_str_append(out, s + from, (int)(len - from));
    if (groups < NO_MATCH) say(ctx, r->library, "the text cannot be matched", groups);
    int size = sqlite3_str_length(out);
    char *text = sqlite3_str_finish(out);
    if (groups >= NO_MATCH) sqlite3_result_text(ctx, text ? text : "", text ? size : 0, SQLITE_TRANSIENT);
    sqlite3_free(text);
    keep(ctx, r, 1, owned);
}

static int add(sqlite3 *db, const char *name, int n, void (*function)(sqlite3_context *, int, sqlite3_value **)) {
    const int how = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    regexp_library *l = sqlite3_malloc64(sizeof *l);
    if (!l) return SQLITE_NOMEM;
    memset(l, 0, sizeof *l);
    /* It is freed with the function, also when that cannot be made. */
    return sqlite3_create_function_v2(db, name, n, how, l, function, NULL, NULL, free_library);
}

int mr_sqlite_add_regexp(sqlite3 *db) {
    int rc = add(db, "regexp", 2, matches);
    if (rc == SQLITE_OK) rc = add(db, "regexp_replace", 3, replaces);
    return rc == SQLITE_OK ? add(db, "regexp_replace", 4, replaces) : rc;
}

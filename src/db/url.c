/*
 * url.c: parses database URLs.
 *
 * Invariant: the parts of a parsed URL are decoded and live in the environment's arena. The text for messages never has
 * a password.
 */
#include <string.h>

#include <moonrow/db.h>

static const char FORMS[] = "understood are sqlite:// (in memory), sqlite:///relative.db, "
                            "sqlite:////absolute.db, sqlite:///:memory:";

static const char MASK[] = "***"; /* in the place of a password */

typedef struct span {
    const char *s;
    size_t len;
} span;

static span span_of(const char *from, const char *to) {
    span x = {from, (size_t)(to - from)};
    return x;
}

static const char *find(span x, char c) { return x.len ? memchr(x.s, c, x.len) : NULL; }

static const char *find_last(span x, char c) {
    for (size_t i = x.len; i > 0; i--) {
        if (x.s[i - 1] == c) return x.s + i - 1;
    }
    return NULL;
}

/* Cuts x at the first c: *before becomes the text in front of it, x the text behind it. False when there is no c. */
static bool cut(span *x, char c, span *before) {
    const char *at = find(*x, c);
    if (!at) return false;
    *before = span_of(x->s, at);
    *x = span_of(at + 1, x->s + x->len);
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Decodes %xx. A percent sign without two digits behind it stays, so that file names with percent signs work. */
static const char *decode(mr_env *env, span x, bool plus_is_space) {
    char *out = mr_env_arena(env, x.len + 1);
    if (!out) return NULL;
    size_t n = 0;
    for (size_t i = 0; i < x.len; i++) {
        char c = x.s[i];
        if (c == '%' && i + 2 < x.len && hex_digit(x.s[i + 1]) >= 0 && hex_digit(x.s[i + 2]) >= 0) {
            c = (char)(hex_digit(x.s[i + 1]) * 16 + hex_digit(x.s[i + 2]));
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[n++] = c;
    }
    out[n] = '\0';
    if (strlen(out) != n) {
        mr_fail(env, MR_ERR_ARGUMENT, "the database URL contains a zero byte");
        return NULL;
    }
    return out;
}

static mr_status decode_to(mr_env *env, span x, const char **out) {
    if (x.len == 0) return MR_OK;
    *out = decode(env, x, false);
    return *out ? MR_OK : MR_FAIL;
}

/* Appends the text of a query, ?a=b&c=d, in which the values of passwords are masked. */
static char *mask_query(mr_env *env, char *to, span query) {
    while (to && query.len > 0) {
        const char *and = find(span_of(query.s + 1, query.s + query.len), '&');
        span one = span_of(query.s, and? and : query.s + query.len), name = one;
        const char *equals = find(one, '=');
        bool hidden = false;
        if (equals) {
            name = span_of(one.s + 1, equals);
            const char *decoded = decode(env, name, true);
            if (!decoded) return NULL;
            hidden = strstr(decoded, "password") != NULL;
            if (hidden) one = span_of(one.s, equals + 1);
        }
        memcpy(to, one.s, one.len);
        to += one.len;
        if (hidden) {
            memcpy(to, MASK, sizeof MASK - 1);
            to += sizeof MASK - 1;
        }
        query = and? span_of(and, query.s + query.len) : span_of(query.s + query.len, query.s + query.len);
    }
    return to;
}

/* The user's text, in which the part between the first colon of the user and the last "@" is masked, and each password
 * of the query. */
static const char *masked(mr_env *env, span text) {
    const char *authority = NULL;
    for (size_t i = 0; i + 2 < text.len && !authority; i++) {
        if (memcmp(text.s + i, "://", 3) == 0) authority = text.s + i + 3;
    }
    span head = text, tail = {text.s + text.len, 0};
    bool hidden = false;
    if (authority) {
        span rest = span_of(authority, text.s + text.len);
        const char *slash = find(rest, '/');
        const char *at = find_last(slash ? span_of(authority, slash) : rest, '@');
        /* A password may itself hold a slash that was not escaped: then everything up to the last at sign
         * goes. */
        if (!at && slash != authority) at = find_last(rest, '@');
        const char *colon = at ? find(span_of(authority, at), ':') : NULL;
        if (colon) {
            head = span_of(text.s, colon + 1);
            tail = span_of(at, text.s + text.len);
            hidden = true;
        }
    }
    span *last = hidden ? &tail : &head;
    const char *question = find(*last, '?');
    span query = question ? span_of(question, last->s + last->len) : span_of(text.s, text.s);
    if (question) last->len = (size_t)(question - last->s);
    size_t masks = 1;
    for (size_t i = 0; i < query.len; i++) masks += query.s[i] == '&' || query.s[i] == '?';
    char *out = mr_env_arena(env, text.len + masks * sizeof MASK + 1), *to = out;
    if (!out) return NULL;
    memcpy(to, head.s, head.len);
    to += head.len;
    if (hidden) {
        memcpy(to, MASK, sizeof MASK - 1);
        to += sizeof MASK - 1;
    }
    memcpy(to, tail.s, tail.len);
    to = mask_query(env, to + tail.len, query);
    if (!to) return NULL;
    *to = '\0';
    return out;
}

static mr_status parse_port(mr_env *env, span port, mr_url *out) {
    int n = 0;
    for (size_t i = 0; i < port.len; i++) {
        if (port.s[i] < '0' || port.s[i] > '9' || n > 65535) n = 65536;
        else n = n * 10 + (port.s[i] - '0');
    }
    if (port.len && !strncmp(out->text, "sqlite", 6) && !strncmp(port.s, "memory", 6)) {
        return mr_fail(env, MR_ERR_ARGUMENT,
                       "database URL \"%s\": a database in memory is sqlite://, or sqlite:///:memory:", out->text);
    }
    if (n < 1 || n > 65535) {
        return mr_fail(env, MR_ERR_ARGUMENT, "database URL \"%s\": port \"%.*s\" is no number from 1 to 65535",
                       out->text, (int)port.len, port.s);
    }
    out->port = n;
    return MR_OK;
}

/* [user[:password]@]host[:port], where the host may be an IPv6 address in brackets. */
static mr_status parse_authority(mr_env *env, span x, mr_url *out) {
    const char *at = find_last(x, '@');
    if (at) {
        span user = span_of(x.s, at), name;
        x = span_of(at + 1, x.s + x.len);
        if (cut(&user, ':', &name)) {
            out->password = decode(env, user, false);
            if (!out->password) return MR_FAIL;
            user = name;
        }
        if (decode_to(env, user, &out->username)) return MR_FAIL;
    }
    const char *bracket = x.len && x.s[0] == '[' ? find(x, ']') : NULL;
    span host = x, port = {NULL, 0};
    const char *colon = find(bracket ? span_of(bracket, x.s + x.len) : x, ':');
    if (colon) {
        host = span_of(x.s, colon);
        port = span_of(colon + 1, x.s + x.len);
    }
    if (bracket && host.len >= 2) host = span_of(host.s + 1, host.s + host.len - 1);
    if (decode_to(env, host, &out->host)) return MR_FAIL;
    return port.s ? parse_port(env, port, out) : MR_OK;
}

static mr_status parse_query(mr_env *env, span query, mr_url *out) {
    size_t count = 1;
    for (size_t i = 0; i < query.len; i++) count += query.s[i] == '&';
    out->query_names = mr_env_arena(env, count * sizeof *out->query_names);
    out->query_values = mr_env_arena(env, count * sizeof *out->query_values);
    if (!out->query_names || !out->query_values) return MR_FAIL;
    while (query.len) {
        span item, name;
        if (!cut(&query, '&', &item)) {
            item = query;
            query.len = 0;
        }
        if (!item.len) continue;
        if (!cut(&item, '=', &name)) {
            return mr_fail(env, MR_ERR_ARGUMENT,
                           "database URL \"%s\": parameter \"%.*s\" has no value; "
                           "write name=value",
                           out->text, (int)item.len, item.s);
        }
        const char *decoded_name = decode(env, name, true), *value = decode(env, item, true);
        if (!decoded_name || !value) return MR_FAIL;
        out->query_names[out->nquery] = decoded_name;
        out->query_values[out->nquery++] = value;
    }
    return MR_OK;
}

static bool is_dialect(span x) {
    for (size_t i = 0; i < x.len; i++) {
        char c = x.s[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && c != '+' && c != '_' && c != '-' && c != '.') return false;
    }
    return x.len > 0;
}

/* A name of a file alone is the most likely mistake. */
static mr_status no_url(mr_env *env, const char *text, size_t len) {
    const char *file = strncmp(text, "sqlite:", 7) == 0 ? text + 7 : strncmp(text, "file:", 5) == 0 ? text + 5 : text;
    if (len > 0 && *file && strcmp(file, "/") != 0 && strcmp(text, "sqlite") != 0 && !strstr(text, "//"))
        return mr_fail(env, MR_ERR_ARGUMENT, "\"%s\" is no database URL (did you mean \"sqlite:///%s\"?); %s", text,
                       file, FORMS);
    return mr_fail(env, MR_ERR_ARGUMENT, "\"%s\" is no database URL; %s", text, FORMS);
}

mr_status mr_url_parse(mr_env *env, const char *text, size_t len, mr_url *out) {
    memset(out, 0, sizeof *out);
    span x = {text, len}, dialect, authority;
    out->text = masked(env, x);
    if (!out->text) return MR_FAIL;
    if (find(x, '\0')) return mr_fail(env, MR_ERR_ARGUMENT, "the database URL contains a zero byte");
    if (!cut(&x, ':', &dialect) || !is_dialect(dialect) || x.len < 2 || memcmp(x.s, "//", 2) != 0) {
        return no_url(env, out->text, len);
    }
    x = span_of(x.s + 2, x.s + x.len);
    if (decode_to(env, dialect, &out->dialect)) return MR_FAIL;
    span rest = x, query = {NULL, 0};
    if (cut(&rest, '?', &x)) query = rest;
    else x = rest;
    if (!cut(&x, '/', &authority)) {
        authority = x;
        x.len = 0;
    }
    if (parse_authority(env, authority, out) || decode_to(env, x, &out->database)) return MR_FAIL;
    return query.len ? parse_query(env, query, out) : MR_OK;
}

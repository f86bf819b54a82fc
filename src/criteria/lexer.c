/*
 * lexer.c: the lexemes of a text: Lua's, and $name.
 *
 * Invariant: no byte behind the end of the text is looked at, and each call moves on, or fails.
 */
#include <math.h>
#include <string.h>

#include "parser.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at a distance from the place; 0: there is none. */
static char peek(const mr_parser *p, uint32_t ahead) {
    return p->scope->len - p->pos > ahead ? p->scope->text[p->pos + ahead] : '\0';
}

static mr_status fail(const mr_parser *p, uint32_t at, uint32_t until, const char *words) {
    return mr_criteria_fail(p->env, p->scope, at, until, "%s", words);
}

/* ---------------------------------------------------------------- names */

static mr_token keyword(const char *s, size_t len) {
    static const struct {
        const char *word;
        mr_token token;
    } words[] = {{"and", MR_TOKEN_AND}, {"or", MR_TOKEN_OR},     {"not", MR_TOKEN_NOT},    {"nil", MR_TOKEN_NIL},
                 {"in", MR_TOKEN_IN},   {"true", MR_TOKEN_TRUE}, {"false", MR_TOKEN_FALSE}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].word[0] == *s && strlen(words[i].word) == len && memcmp(words[i].word, s, len) == 0)
            return words[i].token;
    return MR_TOKEN_NAME;
}

static uint32_t name_end(const mr_parser *p, uint32_t from) {
    uint32_t at = from;
    while (at < p->scope->len && (is_letter(p->scope->text[at]) || is_digit(p->scope->text[at]))) at++;
    return at;
}

/* At most this many bytes: longer ones cannot be names of anything, and are not kept. */
enum { LONGEST_NAME = 200 };

static mr_status lex_name(mr_parser *p, uint32_t from, mr_token token) {
    uint32_t end = name_end(p, from);
    const char *s = p->scope->text + from;
    if (end - from > LONGEST_NAME) return fail(p, p->pos, end, "the name is too long");
    p->now.token = token == MR_TOKEN_NAME ? keyword(s, end - from) : token;
    p->now.name = mr_arena_strndup(p->made->arena, s, end - from);
    p->pos = end;
    return p->now.name ? MR_OK : MR_FAIL;
}

static mr_status lex_parameter(mr_parser *p) {
    if (!is_letter(peek(p, 1))) return fail(p, p->pos, p->pos + 1, "a parameter has a name: $name");
    return lex_name(p, p->pos + 1, MR_TOKEN_PARAMETER);
}

/* ---------------------------------------------------------------- strings */

static void put_utf8(mr_strbuf *out, uint32_t c) {
    char bytes[6];
    int n = 0;
    uint32_t limit = 0x3F;
    if (c < 0x80) {
        mr_strbuf_putc(out, (char)c);
        return;
    }
    do {
        bytes[n++] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
        limit >>= 1;
    } while (c > limit);
    mr_strbuf_putc(out, (char)((~limit << 1) | c));
    while (n > 0) mr_strbuf_putc(out, bytes[--n]);
}

/* \u{XXX}, behind the u. */
static mr_status unicode(mr_parser *p, mr_strbuf *out) {
    uint32_t at = p->pos - 2, c = 0, digits = 0;
    if (peek(p, 0) != '{') return fail(p, at, p->pos, "\\u is followed by {XXX}");
    p->pos++;
    for (int d; (d = hex_digit(peek(p, 0))) >= 0; p->pos++, digits++) {
        if (c > 0x7FFFFFF) return fail(p, at, p->pos, "the character is too large");
        c = c * 16 + (uint32_t)d;
    }
    if (!digits || peek(p, 0) != '}') return fail(p, at, p->pos, "\\u is followed by {XXX}");
    p->pos++;
    put_utf8(out, c);
    return MR_OK;
}

static mr_status decimal_escape(mr_parser *p, mr_strbuf *out) {
    uint32_t at = p->pos - 1;
    unsigned c = 0;
    for (int i = 0; i < 3 && is_digit(peek(p, 0)); i++) c = c * 10 + (unsigned)(p->scope->text[p->pos++] - '0');
    if (c > 255) return fail(p, at, p->pos, "the byte is larger than 255");
    mr_strbuf_putc(out, (char)c);
    return MR_OK;
}

/* The escape sequence at the place, behind the backslash. */
static mr_status escape(mr_parser *p, mr_strbuf *out) {
    static const char letters[] = "abfnrtv", bytes[] = "\a\b\f\n\r\t\v";
    char c = peek(p, 0);
    const char *known = c ? strchr(letters, c) : NULL;
    if (is_digit(c)) return decimal_escape(p, out);
    if (p->pos < p->scope->len) p->pos++;
    if (known) mr_strbuf_putc(out, bytes[known - letters]);
    else if (c == '\\' || c == '"' || c == '\'' || c == '\n') mr_strbuf_putc(out, c);
    else if (c == 'u') return unicode(p, out);
    else if (c == 'x' && hex_digit(peek(p, 0)) >= 0 && hex_digit(peek(p, 1)) >= 0) {
        mr_strbuf_putc(out, (char)(hex_digit(peek(p, 0)) * 16 + hex_digit(peek(p, 1))));
        p->pos += 2;
    } else if (c == 'z') {
        while (p->pos < p->scope->len && strchr(" \t\r\n\v\f", peek(p, 0)) && peek(p, 0)) p->pos++;
    } else return fail(p, p->pos - 2, p->pos, "Lua's strings have no such escape");
    return MR_OK;
}

static mr_status keep_string(mr_parser *p, mr_strbuf *b, mr_status status) {
    const char *s = status == MR_OK ? mr_strbuf_str(b) : NULL;
    char *kept = s ? mr_arena_strndup(p->made->arena, s, b->len) : NULL;
    if (kept) p->now.value = mr_text_value(kept, b->len);
    p->now.token = MR_TOKEN_STRING;
    mr_strbuf_done(b);
    return kept ? MR_OK : MR_FAIL;
}

static mr_status lex_string(mr_parser *p) {
    mr_strbuf b;
    uint32_t at = p->pos;
    char quote = p->scope->text[p->pos++];
    mr_status status = MR_OK;
    mr_strbuf_init(&b, p->env);
    while (status == MR_OK) {
        if (p->pos >= p->scope->len || p->scope->text[p->pos] == '\n')
            status = fail(p, at, p->pos, "the string has no end");
        char c = status == MR_OK ? p->scope->text[p->pos++] : '\0';
        if (status != MR_OK || c == quote) break;
        if (c == '\\') status = escape(p, &b);
        else mr_strbuf_putc(&b, c);
    }
    return keep_string(p, &b, status);
}

/* [[...]], [=[...]=]: the number of '=' in an opening bracket; -1: it is none. */
static int long_level(const mr_parser *p) {
    uint32_t n = 0;
    while (peek(p, n + 1) == '=') n++;
    return peek(p, n + 1) == '[' ? (int)n : -1;
}

static mr_status lex_long_string(mr_parser *p, int level) {
    uint32_t at = p->pos, from = p->pos + 2 + (uint32_t)level;
    const char *text = p->scope->text;
    if (from < p->scope->len && text[from] == '\n') from++;
    for (uint32_t i = from; i < p->scope->len; i++) {
        if (text[i] != ']') continue;
        uint32_t k = i + 1;
        while (k < p->scope->len && text[k] == '=' && k - i - 1 < (uint32_t)level) k++;
        if (k >= p->scope->len || k - i - 1 != (uint32_t)level || text[k] != ']') continue;
        mr_strbuf b;
        mr_strbuf_init(&b, p->env);
        mr_strbuf_add(&b, text + from, i - from);
        p->pos = k + 1;
        return keep_string(p, &b, MR_OK);
    }
    return fail(p, at, (uint32_t)p->scope->len, "the string has no end");
}

/* ---------------------------------------------------------------- numbers */

static mr_status bad_number(mr_parser *p) {
    uint32_t at = p->pos, end = at;
    while (end < p->scope->len &&
           (is_letter(p->scope->text[end]) || is_digit(p->scope->text[end]) || p->scope->text[end] == '.'))
        end++;
    return fail(p, at, end, "this is no number");
}

/* The digits of a hexadecimal number. */
typedef struct hex {
    uint64_t wrapped; /* as an integer, which wraps around, as in Lua */
    uint64_t first;   /* the first 15 digits that count; the lowest bit is set where another one is not 0 */
    unsigned counted;
    int exponent; /* of two, for first */
    bool any;
} hex;

/* Reads digits from *end on. */
static void read_hex(const mr_parser *p, uint32_t *end, bool fraction, hex *x) {
    enum { KEPT = 15 };
    for (int d; *end < p->scope->len && (d = hex_digit(p->scope->text[*end])) >= 0; ++*end) {
        x->any = true;
        x->wrapped = x->wrapped * 16 + (uint64_t)d;
        bool kept = x->counted < KEPT;
        if (kept) x->first = x->first * 16 + (uint64_t)d;
        else if (d) x->first |= 1;
        if (kept && x->first) x->counted++;
        x->exponent += (kept ? 0 : 4) - (fraction ? 4 : 0);
    }
}

/* Reads the p-2 of a hexadecimal float at *end; false: there is none, or it has no digits. */
static bool read_power(const mr_parser *p, uint32_t *end, int *out) {
    enum { MOST = 100000 }; /* far out of what a float has */
    const char *text = p->scope->text;
    uint32_t at = *end + 1, len = (uint32_t)p->scope->len;
    bool negative = at < len && text[at] == '-';
    if (at < len && (text[at] == '-' || text[at] == '+')) at++;
    if (at >= len || !is_digit(text[at])) return false;
    for (*out = 0; at < len && is_digit(text[at]); at++)
        if (*out < MOST) *out = *out * 10 + (text[at] - '0');
    if (negative) *out = -*out;
    *end = at;
    return true;
}

/* 0xFF, 0xA.8, 0x1p-2 */
static mr_status lex_hex(mr_parser *p) {
    const char *text = p->scope->text;
    uint32_t end = p->pos + 2, len = (uint32_t)p->scope->len;
    hex x = {0};
    int power = 0;
    read_hex(p, &end, false, &x);
    bool point = end < len && text[end] == '.' && !(end + 1 < len && text[end + 1] == '.');
    if (point) end++;
    if (point) read_hex(p, &end, true, &x);
    bool powered = end < len && (text[end] | 32) == 'p';
    if (!x.any || (powered && !read_power(p, &end, &power))) return bad_number(p);
    if (end < len && (is_letter(text[end]) || is_digit(text[end]) || (text[end] == '.' && (point || powered))))
        return bad_number(p);
    p->now.value = point || powered ? mr_float_value(ldexp((double)x.first, x.exponent + power))
                                    : mr_int_value((int64_t)x.wrapped);
    p->pos = end;
    return MR_OK;
}

static mr_status lex_float(mr_parser *p, uint32_t end) {
    double d;
    char *copy = mr_arena_strndup(p->made->arena, p->scope->text + p->pos, end - p->pos);
    if (!copy) return MR_FAIL;
    if (!mr_parse_float(copy, &d)) return bad_number(p);
    p->now.value = mr_float_value(d);
    p->pos = end;
    return MR_OK;
}

static mr_status lex_number(mr_parser *p) {
    const char *text = p->scope->text;
    uint32_t end = p->pos, len = (uint32_t)p->scope->len;
    bool whole = true;
    p->now.token = MR_TOKEN_NUMBER;
    if (text[end] == '0' && (peek(p, 1) | 32) == 'x') return lex_hex(p);
    while (end < len && is_digit(text[end])) end++;
    if (end < len && text[end] == '.' && !(end + 1 < len && text[end + 1] == '.')) {
        whole = false;
        for (end++; end < len && is_digit(text[end]);) end++;
    }
    if (end < len && (text[end] | 32) == 'e') {
        whole = false;
        end++;
        if (end < len && (text[end] == '+' || text[end] == '-')) end++;
        if (end >= len || !is_digit(text[end])) return bad_number(p);
        while (end < len && is_digit(text[end])) end++;
    }
    if (end < len && (is_letter(text[end]) || text[end] == '.')) return bad_number(p);
    int64_t n = 0;
    for (uint32_t i = p->pos; whole && i < end; i++) {
        int d = text[i] - '0';
        if (n > (INT64_MAX - d) / 10) whole = false; /* a float then, as in Lua */
        else n = n * 10 + d;
    }
    if (!whole) return lex_float(p, end);
    p->now.value = mr_int_value(n);
    p->pos = end;
    return MR_OK;
}

/* ---------------------------------------------------------------- all */

/* What other languages write, and what is written here. */
static const char *const foreign[][2] = {{"==", NULL},
                                         {"~=", NULL},
                                         {"<=", NULL},
                                         {">=", NULL},
                                         {"..", NULL},
                                         {"//", NULL},
                                         {"!=", "write ~="},
                                         {"<>", "write ~="},
                                         {"&&", "use and"},
                                         {"||", "use or"},
                                         {"<<", "numbers are not shifted here"},
                                         {">>", "numbers are not shifted here"},
                                         {"--", "write - -x, or -(-x): a text has no comments"},
                                         {"=", "write =="},
                                         {"!", "use not"},
                                         {"&", "use and"},
                                         {"|", "use or"},
                                         {"~", "use not"},
                                         {"^", "numbers are not raised to powers here"},
                                         {"?", "a parameter is written $name"},
                                         {"@", "a parameter is written $name"},
                                         {"`", "a name is written without quotes"}};

static mr_status lex_symbol(mr_parser *p) {
    static const struct {
        char text[3];
        mr_token token;
    } symbols[] = {{"==", MR_TOKEN_EQ},       {"~=", MR_TOKEN_NE},        {"<=", MR_TOKEN_LE},   {">=", MR_TOKEN_GE},
                   {"..", MR_TOKEN_CONCAT},   {"//", MR_TOKEN_FLOOR_DIV}, {"<", MR_TOKEN_LT},    {">", MR_TOKEN_GT},
                   {"+", MR_TOKEN_ADD},       {"-", MR_TOKEN_SUB},        {"*", MR_TOKEN_MUL},   {"/", MR_TOKEN_DIV},
                   {"%", MR_TOKEN_MOD},       {"#", MR_TOKEN_LENGTH},     {"(", MR_TOKEN_OPEN},  {")", MR_TOKEN_CLOSE},
                   {"{", MR_TOKEN_OPEN_LIST}, {"}", MR_TOKEN_CLOSE_LIST}, {",", MR_TOKEN_COMMA}, {".", MR_TOKEN_DOT},
                   {":", MR_TOKEN_COLON}};
    const char pair[3] = {peek(p, 0), peek(p, 1), '\0'};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        if (foreign[i][0][0] != pair[0]) continue;
        size_t n = strlen(foreign[i][0]);
        if (!foreign[i][1] && strcmp(foreign[i][0], pair) == 0) break;
        if (!foreign[i][1] || strncmp(foreign[i][0], pair, n) != 0) continue;
        p->now.token = MR_TOKEN_FOREIGN;
        p->now.name = foreign[i][1];
        p->pos += (uint32_t)n;
        return MR_OK;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        if (symbols[i].text[0] != pair[0]) continue;
        size_t n = strlen(symbols[i].text);
        if (strncmp(symbols[i].text, pair, n) != 0) continue;
        p->now.token = symbols[i].token;
        p->pos += (uint32_t)n;
        return MR_OK;
    }
    return fail(p, p->pos, p->pos + 1, "unexpected symbol");
}

static mr_status lex(mr_parser *p) {
    char c = peek(p, 0);
    if (is_letter(c)) return lex_name(p, p->pos, MR_TOKEN_NAME);
    if (is_digit(c) || (c == '.' && is_digit(peek(p, 1)))) return lex_number(p);
    if (c == '"' || c == '\'') return lex_string(p);
    if (c == '$') return lex_parameter(p);
    int level = c == '[' ? long_level(p) : -1;
    return level >= 0 ? lex_long_string(p, level) : lex_symbol(p);
}

mr_status mr_lex(mr_parser *p) {
    const mr_scope *s = p->scope;
    while (p->pos < s->len && s->text[p->pos] && strchr(" \t\r\n\v\f", s->text[p->pos])) p->pos++;
    p->now = (mr_lexeme){.token = MR_TOKEN_END, .at = p->pos};
    mr_status status = p->pos < s->len ? lex(p) : MR_OK;
    p->now.until = p->pos;
    return status;
}

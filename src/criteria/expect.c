/*
 * expect.c: the next lexeme is the one that is wanted, or the mistake is told.
 *
 * Invariant: each function that fails has recorded an error with its place.
 */
#include <string.h>

#include "parser.h"

mr_term *mr_parse_refuse(mr_parser *p, const mr_lexeme *x, const char *words) {
    uint32_t until = x->until > x->at ? x->until : x->at + 1;
    (void)mr_criteria_fail(p->env, p->scope, x->at, until, "%s", words);
    return NULL;
}

static const char *const verbs[] = {"is", "like", "between", "exists", "any", "select"};

mr_term *mr_parse_unexpected(mr_parser *p, const char *wanted) {
    const mr_lexeme *x = &p->now;
    if (x->token == MR_TOKEN_FOREIGN) {
        (void)mr_criteria_fail(p->env, p->scope, x->at, x->until, "%.*s is not written here: %s",
                               (int)(x->until - x->at), p->scope->text + x->at, x->name);
        return NULL;
    }
    if (x->token == MR_TOKEN_END) {
        (void)mr_criteria_fail(p->env, p->scope, x->at, x->at + 1, "the text ends, and %s is missing", wanted);
        return NULL;
    }
    bool verb = false;
    for (size_t i = 0; x->token == MR_TOKEN_NAME && i < sizeof verbs / sizeof *verbs; i++)
        verb = verb || (strlen(x->name) == strlen(verbs[i]) && (x->name[0] | 32) == verbs[i][0]);
    (void)mr_criteria_fail(p->env, p->scope, x->at, x->until, "expected %s%s", wanted,
                           verb ? " (a text is written in Lua's grammar: x == nil, name:like \"J%\")" : "");
    return NULL;
}

bool mr_parse_expect(mr_parser *p, mr_token token, const char *wanted) {
    if (p->now.token == token) return mr_lex(p) == MR_OK;
    (void)mr_parse_unexpected(p, wanted);
    return false;
}

bool mr_parse_enter(mr_parser *p) {
    if (++p->depth <= MR_CRITERIA_DEPTH) return true;
    (void)mr_criteria_fail(p->env, p->scope, p->now.at, p->now.at + 1, "the text nests deeper than %d levels",
                           MR_CRITERIA_DEPTH);
    return false;
}

mr_term *mr_parse_leave(mr_parser *p, mr_term *t) {
    p->depth--;
    return t;
}

/*
 * quantified.c: any, all, none and count, and the texts in them.
 *
 * Invariant: a text inside of another has a scope of its own; what the parser reads next is behind its end again.
 */
#include <stdio.h>
#include <string.h>

#include "parser.h"

/* Reads a text about the class in a scope of its own. */
static mr_term *nested(mr_parser *p, const mr_value *text, const mr_property *along, const char *names,
                       mr_scope **scope) {
    mr_parser outer = *p;
    mr_scope *s = mr_arena_alloc(p->made->arena, sizeof *s);
    size_t room = strlen(p->scope->prefix) + strlen(names) + 2;
    char *prefix = s ? mr_arena_alloc(p->made->arena, room) : NULL;
    if (!prefix) return NULL;
    snprintf(prefix, room, "%s%s.", p->scope->prefix, names);
    *s = (mr_scope){.mapper = along->relationship->target,
                    .text = text ? text->u.s : "",
                    .len = text ? text->len : 0,
                    .prefix = prefix};
    s->end = &s->paths;
    *scope = s;
    if (!text) return NULL;
    p->scope = s;
    p->pos = 0;
    mr_term *t = mr_lex(p) == MR_OK ? mr_check_condition(p, p->condition(p)) : NULL;
    if (t && p->now.token != MR_TOKEN_END) t = mr_parse_unexpected(p, "an operator, or the end");
    p->scope = outer.scope;
    p->pos = outer.pos;
    p->now = outer.now;
    return t;
}

typedef struct quantifier {
    const char *name;
    mr_term_kind kind;
} quantifier;

static const quantifier quantifiers[] = {
    {"any", MR_TERM_ANY}, {"all", MR_TERM_ALL}, {"none", MR_TERM_NONE}, {"count", MR_TERM_COUNT}};

static const char *next_quantifier(void *ud, size_t i) {
    (void)ud;
    return i < sizeof quantifiers / sizeof *quantifiers ? quantifiers[i].name : NULL;
}

bool mr_parse_asks_list(const char *name) {
    for (size_t i = 0; i < sizeof quantifiers / sizeof *quantifiers; i++)
        if (strcmp(quantifiers[i].name, name) == 0) return true;
    return false;
}

/* The dotted names of the list, as they are written. */
static const char *written(mr_parser *p, const mr_term *list) {
    const mr_named_attribute *name = mr_vec_at(&p->made->names, p->made->names.len - 1);
    (void)list;
    return name->name + strlen(p->scope->prefix);
}

/* The kind that the name says; CONSTANT with an error recorded: there is no such function. */
static mr_term_kind kind_of(mr_parser *p, const mr_lexeme *name) {
    for (size_t i = 0; i < sizeof quantifiers / sizeof *quantifiers; i++)
        if (strcmp(quantifiers[i].name, name->name) == 0) return quantifiers[i].kind;
    if (mr_parse_is_method(name->name))
        (void)mr_criteria_fail(p->env, p->scope, name->at, name->until,
                               "'%s' is a method, which stands behind a value: x:%s(...)", name->name, name->name);
    else
        (void)mr_criteria_fail(p->env, p->scope, name->at, name->until, "there is no function '%s'%s", name->name,
                               mr_hint(p->env, mr_nearest(name->name, next_quantifier, NULL)));
    return MR_TERM_CONSTANT;
}

/* Reads , "TEXT" behind the list. *condition: the text; NULL: there is none, as all but `all` allow. */
static mr_status inner_text(mr_parser *p, mr_term_kind kind, const mr_term *list, mr_scope **scope,
                            mr_term **condition) {
    const char *names = written(p, list);
    if (p->now.token != MR_TOKEN_COMMA) {
        if (kind == MR_TERM_ALL) (void)mr_parse_unexpected(p, "a comma, and what all of them must meet");
        else (void)nested(p, NULL, list->prop, names, scope);
        return *scope ? MR_OK : MR_FAIL;
    }
    if (mr_lex(p) != MR_OK) return MR_FAIL;
    const mr_lexeme text = p->now;
    if (text.token != MR_TOKEN_STRING) (void)mr_parse_unexpected(p, "a text in quotes, such as \"score > 3\"");
    if (text.token != MR_TOKEN_STRING || !mr_parse_enter(p)) return MR_FAIL;
    *condition = mr_parse_leave(p, nested(p, &text.value, list->prop, names, scope));
    return *condition ? mr_lex(p) : MR_FAIL;
}

mr_term *mr_parse_quantified(mr_parser *p, const mr_lexeme *name) {
    const mr_term_kind kind = kind_of(p, name);
    if (kind == MR_TERM_CONSTANT || mr_lex(p) != MR_OK) return NULL;
    mr_term *list = p->operand(p);
    if (!list) return NULL;
    if (list->kind != MR_TERM_LIST_NAME)
        return mr_refuse_term(p, list, "%s(...) is asked of a list, such as posts in %s(posts, \"score > 3\")",
                              name->name, name->name);
    mr_scope *scope = NULL;
    mr_term *condition = NULL;
    if (inner_text(p, kind, list, &scope, &condition) != MR_OK) return NULL;
    uint32_t until = p->now.until;
    if (!mr_parse_expect(p, MR_TOKEN_CLOSE, ")")) return NULL;
    mr_term *t = mr_term_new(p, kind, name->at, until, &condition, condition ? 1 : 0);
    if (!t) return NULL;
    t->prop = list->prop;
    t->path = list->path;
    t->scope = scope;
    t->nullable = false;
    if (kind == MR_TERM_COUNT) t->group = MR_CRITERIA_NUMBER;
    return t;
}

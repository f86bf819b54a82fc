/*
 * literal.c: literals, parameters and lists of them.
 *
 * Invariant: a parameter has a use for each place where it stands.
 */
#include "parser.h"

mr_term *mr_parse_constant(mr_parser *p, const mr_lexeme *x, mr_value v, mr_criteria_group group) {
    mr_term *t = mr_term_new(p, MR_TERM_CONSTANT, x->at, x->until, NULL, 0);
    if (!t) return NULL;
    t->value = v;
    t->group = (uint8_t)group;
    t->real = v.kind == MR_FLOAT;
    t->nullable = group == MR_CRITERIA_NIL;
    return mr_lex(p) == MR_OK ? t : NULL;
}

mr_term *mr_parse_parameter(mr_parser *p) {
    const mr_lexeme x = p->now;
    mr_term *t = mr_term_new(p, MR_TERM_PARAMETER, x.at, x.until, NULL, 0);
    mr_criteria_use *use = t ? mr_vec_push(&p->made->uses) : NULL;
    mr_placed_use *place = use ? mr_vec_push(&p->made->places) : NULL;
    if (!place) return NULL;
    *use = (mr_criteria_use){.name = x.name, .group = MR_CRITERIA_ANY};
    *place = (mr_placed_use){*use, p->scope, x.at, x.until};
    t->use = (uint32_t)p->made->uses.len - 1;
    t->group = MR_CRITERIA_PARAMETER;
    return mr_lex(p) == MR_OK ? t : NULL;
}

mr_term *mr_parse_list(mr_parser *p) {
    uint32_t at = p->now.at, until;
    mr_vec items;
    mr_term *list = NULL;
    mr_vec_init(&items, p->env, sizeof(mr_term *));
    if (mr_lex(p) != MR_OK) goto out;
    while (p->now.token != MR_TOKEN_CLOSE_LIST) {
        mr_term *item = p->operand(p);
        if (!item || mr_vec_push_ptr(&items, item) != MR_OK) goto out;
        if (item->kind != MR_TERM_CONSTANT && item->kind != MR_TERM_PARAMETER) {
            (void)mr_refuse_term(p, item, "a list has numbers, strings and parameters");
            goto out;
        }
        if (p->now.token != MR_TOKEN_COMMA) break;
        if (mr_lex(p) != MR_OK) goto out;
    }
    until = p->now.until;
    if (!mr_parse_expect(p, MR_TOKEN_CLOSE_LIST, "}")) goto out;
    list = mr_term_new(p, MR_TERM_VALUES, at, until, (mr_term *const *)items.data, (uint32_t)items.len);
    if (list) list->group = MR_CRITERIA_OTHER;
out:
    mr_vec_done(&items);
    return list;
}

/*
 * build_pattern.c: like and its relatives.
 *
 * Invariant: a text that is looked for as it is has each wildcard escaped.
 */
#include "build.h"

enum { ESCAPE = '/' };

/* SQLite's LIKE takes patterns of so many bytes. */
enum { LONGEST = 50000 };

/* Is the pattern of n bytes short enough? If not, an ArgumentError is recorded. */
static bool is_readable(mr_builder *b, const mr_room *r, const mr_term *t, size_t n) {
    if (n <= LONGEST) return true;
    (void)mr_criteria_fail(b->env, r->scope, t->child[1]->at, t->child[1]->until,
                           "the pattern has %zu bytes, and SQLite's LIKE takes %d", n, LONGEST);
    return false;
}

/* The text as a pattern that matches it as it is. */
static mr_node *escaped(mr_builder *b, const mr_room *r, const mr_term *t) {
    const mr_value *text = mr_build_known(b, t->child[1]);
    const unsigned matches = t->matches;
    mr_strbuf out;
    mr_strbuf_init(&out, b->env);
    if (matches & MR_MATCH_BEFORE) mr_strbuf_putc(&out, '%');
    for (uint32_t i = 0; i < text->len; i++) {
        char c = text->u.s[i];
        if (c == '%' || c == '_' || c == ESCAPE) mr_strbuf_putc(&out, ESCAPE);
        mr_strbuf_putc(&out, c);
    }
    if (matches & MR_MATCH_AFTER) mr_strbuf_putc(&out, '%');
    const char *s = mr_strbuf_str(&out);
    if (s && !is_readable(b, r, t, out.len)) s = NULL;
    const mr_value pattern = mr_text_value(s ? s : "", out.len);
    mr_node *made = s ? mr_sql_bind(b->env, mr_type_simple(MR_TYPE_STRING), &pattern) : NULL;
    mr_strbuf_done(&out);
    return made;
}

mr_node *mr_build_like(mr_builder *b, mr_room *r, const mr_term *t) {
    mr_node *left = mr_build_value(b, r, t->child[0]);
    if (!left) return NULL;
    const mr_value *text = mr_build_known(b, t->child[1]);
    if (text && text->kind == MR_TEXT && !is_readable(b, r, t, text->len)) {
        mr_node_release(left);
        return NULL;
    }
    if (!t->matches) return mr_sql_like(b->env, (mr_op)t->op, left, mr_build_value(b, r, t->child[1]), NULL);
    mr_node *pattern = escaped(b, r, t);
    if (!pattern) {
        mr_node_release(left);
        return NULL;
    }
    return mr_sql_like(b->env, (mr_op)t->op, left, pattern, "/");
}

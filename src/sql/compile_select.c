/*
 * compile_select.c: SELECT and compounds of SELECTs.
 *
 * Invariant: clauses are written in the order of SQL, while mr_seek finds the number of their binds. So the two orders
 * do not depend on each other.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <string.h>

/* ---------------------------------------------------------------- correlation */

static bool contains(const mr_vec *leaves, const mr_node *object) {
    for (size_t i = 0; i < leaves->len; i++)
        if (mr_same_object(mr_vec_ptr(leaves, i), object)) return true;
    return false;
}

/* Are these leaves the whole object? The alias of a class of several tables is a join of theirs. */
static bool supply(const mr_vec *leaves, const mr_node *object) {
    if (object->kind != MR_NODE_JOIN || !(object->flags & MR_NODE_GIVEN)) return contains(leaves, object);
    for (; object->kind == MR_NODE_JOIN; object = object->child[0])
        if (!contains(leaves, object->child[1])) return false;
    return contains(leaves, object);
}

static bool list_contains(const mr_node *list, const mr_node *object) {
    for (uint32_t i = 0; i < list->n; i++)
        if (mr_same_object(list->child[i], object)) return true;
    return false;
}

static bool any_frame_contains(const mr_frame *frame, const mr_node *object) {
    for (; frame; frame = frame->parent)
        if (supply(&frame->leaves, object)) return true;
    return false;
}

/* Does an enclosing statement supply the FROM object? Either correlate names it, or, without correlate, the statement
 * directly around this one reads it. */
static bool is_correlated(const mr_frame *frame, const mr_select *s, const mr_node *object) {
    if (s->correlate)
        return list_contains(s->correlate, object) != s->correlate_except && any_frame_contains(frame->parent, object);
    return !frame->in_from && frame->parent && supply(&frame->parent->leaves, object);
}

/* All that the SELECT reads is read around it, too: which of it is meant is not known, and a wrong guess would give
 * wrong rows. */
static void fail_reading_nothing(mr_compiler *c, const mr_select *s) {
    mr_strbuf names;
    mr_strbuf_init(&names, c->env);
    for (uint32_t i = 0; i < s->from->n; i++) {
        const mr_node *object = s->from->child[i];
        while (object->kind == MR_NODE_JOIN) object = object->child[0];
        const char *name = object->kind == MR_NODE_TABLE ? object->u.table->name : mr_object_name(c, object);
        mr_strbuf_printf(&names, "%s'%s'", i ? ", " : "", name);
    }
    const char *text = mr_strbuf_str(&names);
    if (text)
        mr_compile_fail(c,
                        "a subquery would read nothing itself, because the query around it reads %s, too: write "
                        ":correlate(...) with what it takes from there, or read an alias",
                        text);
    else c->failed = true;
    mr_strbuf_done(&names);
}

/* Collects the FROM objects to write. Without correlate a single one is written in any case. */
static void display_froms(mr_compiler *c, const mr_frame *frame, const mr_select *s, mr_vec *shown) {
    if (!s->from) return;
    for (uint32_t i = 0; i < s->from->n; i++)
        if (!is_correlated(frame, s, s->from->child[i]) && mr_vec_push_ptr(shown, s->from->child[i]) != MR_OK)
            c->failed = true;
    if (shown->len || s->correlate) return;
    if (s->from->n > 1) {
        fail_reading_nothing(c, s);
        return;
    }
    for (uint32_t i = 0; i < s->from->n; i++)
        if (mr_vec_push_ptr(shown, s->from->child[i]) != MR_OK) c->failed = true;
}

/* ---------------------------------------------------------------- clauses */

/* Is the user's text a parameter, and nothing else? */
static bool is_param_alone(const mr_node *text) {
    const char *s = text->u.value.u.s;
    for (size_t i = 0; i < text->u.value.len; i++)
        if (s[i] && !strchr(" \t\r\n()", s[i])) return false;
    return text->n == 1;
}

/* Will the term be written as a value alone? A label is not written, and COLLATE and a sign change nothing here. */
static bool is_value(const mr_compiler *c, const mr_node *term) {
    while (term->kind == MR_NODE_LABEL || term->kind == MR_NODE_COLLATE ||
           (term->kind == MR_NODE_UNARY && term->op == MR_OP_NEG))
        term = term->child[0];
    if (term->kind == MR_NODE_BIND || (term->kind == MR_NODE_TEXT && is_param_alone(term))) return c->literals;
    return term->kind == MR_NODE_LITERAL_SQL && !c->dialect->true_literals &&
           (strcmp(term->name, "true") == 0 || strcmp(term->name, "false") == 0);
}

/* Writes a term of ORDER BY, GROUP BY or DISTINCT ON. There a number alone is the place of a result column, and is no
 * value. op: of what stands behind the term. */
static void compile_term(mr_compiler *c, const mr_node *term, mr_op op) {
    if (is_value(c, term)) {
        mr_emit(c, "(SELECT ");
        mr_compile(c, term);
        mr_emit(c, ")");
    } else if (op != MR_OP_NONE) {
        mr_compile_operand(c, term, op);
    } else {
        mr_compile(c, term);
    }
}

static void compile_terms(mr_compiler *c, const mr_node *list) {
    for (uint32_t i = 0; i < list->n; i++) {
        uint32_t start = c->ordinal;
        if (i) mr_emit(c, ", ");
        compile_term(c, list->child[i], MR_OP_COMMA);
        /* Equal decimals of a type without a number of digits may be different texts. */
        if (list->child[i]->type && mr_typed(c, list->child[i])->scale < 0 && mr_sorts_by_decimal(c, list->child[i]))
            mr_emit(c, " COLLATE decimal");
        c->ordinal = start + list->child[i]->binds;
    }
}

static void compile_distinct(mr_compiler *c, const mr_node *node, uint32_t start) {
    const mr_select *s = node->u.select;
    if (s->distinct_on) {
        if (!c->dialect->distinct_on) {
            mr_compile_fail(c, "distinct: %s has no DISTINCT ON", c->dialect->name);
            return;
        }
        mr_seek(c, node, start, MR_SELECT_DISTINCT_ON);
        mr_emit(c, "DISTINCT ON (");
        compile_terms(c, s->distinct_on);
        mr_emit(c, ") ");
    } else if (s->distinct) {
        mr_emit(c, "DISTINCT ");
    }
}

/* Before the call, c->ordinal is that of the FROM list. Objects that are not written are counted, too. */
static void compile_froms(mr_compiler *c, const mr_node *from, const mr_vec *shown) {
    uint32_t at = c->ordinal;
    const char *gap = " FROM ";
    size_t next = 0;
    for (uint32_t i = 0; from && i < from->n && next < shown->len; i++) {
        if (mr_vec_ptr(shown, next) == from->child[i]) {
            next++;
            mr_emit(c, gap);
            gap = ", ";
            c->ordinal = at;
            mr_compile_from(c, from->child[i]);
        }
        at += from->child[i]->binds;
    }
}

static bool is_same_column(const mr_node *a, const mr_node *b) {
    return a->kind == MR_NODE_COLUMN && b->kind == MR_NODE_COLUMN && a->u.column == b->u.column && a->n == b->n &&
           (a->n == 0 || a->child[0] == b->child[0]);
}

/* Are the two expressions equal in structure, whatever their values are? What is decided by it depends on the structure
 * of the statement alone. Queries inside are not looked into. */
static bool is_same(const mr_node *a, const mr_node *b) {
    if (a == b) return true;
    if (!a || !b || a->kind != b->kind || a->op != b->op || a->n != b->n || a->name != b->name) return false;
    if (a->kind == MR_NODE_COLUMN) return is_same_column(a, b);
    if (a->kind == MR_NODE_SELECT || a->kind == MR_NODE_ALIAS || a->kind == MR_NODE_CTE) return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (!is_same(a->child[i], b->child[i])) return false;
    return true;
}

/* Is the label another one than the result's column of its name, or are there several columns of the name? Two hybrids
 * of one class and of its alias have one name. */
static bool is_ambiguous(const mr_node *label, const mr_node *columns, uint32_t first) {
    if (!is_same(label->child[0], columns->child[first]->child[0])) return true;
    for (uint32_t i = first + 1; i < columns->n; i++)
        if (columns->child[i]->kind == MR_NODE_LABEL && columns->child[i]->name == label->name) return true;
    return false;
}

/* The name by which an ORDER BY term can refer to a column of the result, or NULL. A compound can be ordered only by
 * the names of its first SELECT. */
static const char *result_name(const mr_node *term, const mr_node *columns, bool compound) {
    if (term->kind != MR_NODE_LABEL && !(compound && term->kind == MR_NODE_COLUMN)) return NULL;
    for (uint32_t i = 0; columns && i < columns->n; i++) {
        const mr_node *column = columns->child[i];
        bool labelled = column->kind == MR_NODE_LABEL;
        if (labelled && term->kind == MR_NODE_LABEL && term->name == column->name)
            return !compound && is_ambiguous(term, columns, i) ? NULL : term->name;
        if (term->kind == MR_NODE_COLUMN && is_same_column(term, labelled ? column->child[0] : column))
            return labelled ? column->name : term->u.column->name;
    }
    return compound && term->kind == MR_NODE_COLUMN ? term->u.column->name : NULL;
}

static void compile_order_term(mr_compiler *c, const mr_node *term, const mr_node *columns, bool compound) {
    uint32_t start = c->ordinal;
    if (mr_is_order(term)) {
        const mr_node *inner = term->child[0];
        const mr_node *bare = inner;
        while (mr_is_order(bare)) bare = bare->child[0];
        if (bare == inner && !result_name(inner, columns, compound) && !mr_sorts_by_decimal(c, inner))
            compile_term(c, inner, (mr_op)term->op);
        else compile_order_term(c, inner, columns, compound);
        mr_emit(c, mr_order_words(term));
    } else {
        const char *name = result_name(term, columns, compound);
        if (name) mr_emit_name(c, name);
        else compile_term(c, term, MR_OP_NONE);
        if (mr_sorts_by_decimal(c, term)) mr_emit(c, " COLLATE decimal");
    }
    c->ordinal = start + term->binds;
}

static void compile_order(mr_compiler *c, const mr_node *order, const mr_node *columns, bool compound) {
    if (!order) return;
    mr_emit(c, " ORDER BY ");
    for (uint32_t i = 0; i < order->n; i++) {
        const mr_node *term = order->child[i];
        while (mr_is_order(term)) term = term->child[0];
        mr_check_sorted(c, term);
        if (i) mr_emit(c, ", ");
        compile_order_term(c, order->child[i], columns, compound);
    }
}

static void compile_limit(mr_compiler *c, const mr_node *limit, const mr_node *offset) {
    if (!limit && !offset) return;
    if (c->dialect->limit) {
        c->dialect->limit(c, limit, offset);
        return;
    }
    if (limit) {
        mr_emit(c, " LIMIT ");
        mr_compile(c, limit);
    }
    if (offset) {
        mr_emit(c, " OFFSET ");
        mr_compile(c, offset);
    }
}

static void compile_lock(mr_compiler *c, const mr_select *s) {
    if (!s->for_update || !c->dialect->for_update) return;
    const char *mode = s->for_update_mode;
    bool behind = mode && (strcmp(mode, "NOWAIT") == 0 || strcmp(mode, "SKIP LOCKED") == 0);
    mr_emit(c, mode && !behind ? " FOR " : " FOR UPDATE");
    if (behind) mr_emit(c, " ");
    if (mode) mr_emit(c, mode);
}

/* ---------------------------------------------------------------- SELECT */

static void compile_clauses(mr_compiler *c, const mr_node *node, mr_frame *frame, mr_place place, mr_vec *capture,
                            const mr_node *into, bool compares) {
    const mr_select *s = node->u.select;
    uint32_t start = c->ordinal;
    mr_vec shown;
    mr_compile_with(c, s->with);
    mr_vec_init(&shown, c->env, sizeof(mr_node *));
    display_froms(c, frame, s, &shown);
    for (size_t i = 0; i < shown.len; i++) mr_collect_leaves(c, &frame->leaves, mr_vec_ptr(&shown, i));
    mr_place_nesting(c, &frame->leaves);
    mr_emit(c, "SELECT ");
    compile_distinct(c, node, start);
    mr_seek(c, node, start, MR_SELECT_COLUMNS);
    c->into = into;
    c->compares = compares || (s->distinct && !s->distinct_on);
    if (s->columns) mr_compile_columns(c, s->columns, place, capture);
    else mr_emit(c, "*");
    c->into = NULL;
    c->compares = false;
    mr_seek(c, node, start, MR_SELECT_FROM);
    compile_froms(c, s->from, &shown);
    mr_lint_products(c, s, &shown);
    mr_vec_done(&shown);
    mr_seek(c, node, start, MR_SELECT_WHERE);
    if (s->where) {
        mr_emit(c, " WHERE ");
        mr_compile_condition(c, s->where, MR_OP_NONE);
    }
    if (s->group_by) {
        mr_emit(c, " GROUP BY ");
        compile_terms(c, s->group_by);
    }
    if (s->having) {
        mr_emit(c, " HAVING ");
        mr_compile_condition(c, s->having, MR_OP_NONE);
    }
    compile_order(c, s->order_by, s->columns, false);
    mr_seek(c, node, start, MR_SELECT_LIMIT);
    compile_limit(c, s->limit, s->offset);
    compile_lock(c, s);
}

static void compile_select(mr_compiler *c, const mr_node *node, mr_place place) {
    mr_frame frame = {.parent = c->frame, .in_from = place == MR_PLACE_FROM};
    mr_vec *capture = c->capture;
    const mr_node *into = c->into;
    bool unqualified = c->unqualified, compares = c->unites;
    mr_vec_init(&frame.leaves, c->env, sizeof(mr_node *));
    c->capture = NULL;
    c->into = NULL;
    c->unites = false;
    c->frame = &frame;
    c->unqualified = false;
    compile_clauses(c, node, &frame, place, capture, into, compares);
    c->unqualified = unqualified;
    c->frame = frame.parent;
    mr_vec_done(&frame.leaves);
}

/* ---------------------------------------------------------------- compounds */

static void compile_query(mr_compiler *c, const mr_node *query, mr_place place);

/* Does the member have clauses that the database would read as clauses of the whole compound? */
static bool needs_own_scope(const mr_node *member) {
    if (member->kind == MR_NODE_COMPOUND) return true;
    if (member->kind != MR_NODE_SELECT) return false;
    const mr_select *s = member->u.select;
    return s->order_by || s->limit || s->offset || s->for_update;
}

static void compile_member(mr_compiler *c, const mr_node *member, mr_place place) {
    if (!mr_node_is_query(member)) {
        mr_compile(c, member);
        return;
    }
    if (!needs_own_scope(member)) {
        compile_query(c, member, place);
        return;
    }
    mr_with with;
    mr_emit(c, c->dialect->compound_parens ? "(" : "SELECT * FROM (");
    mr_open_with(c, &with);
    compile_query(c, member, place);
    mr_close_with(c, &with);
    mr_emit(c, ")");
}

static const mr_node *first_columns(const mr_node *query) {
    while (query->kind == MR_NODE_COMPOUND) query = query->child[0];
    return query->kind == MR_NODE_SELECT ? query->u.select->columns : NULL;
}

uint32_t mr_query_width(const mr_node *query) {
    const mr_node *columns = first_columns(query);
    for (uint32_t i = 0; columns && i < columns->n; i++) {
        const mr_node *column = mr_unlabelled(columns->child[i]);
        if (column->kind == MR_NODE_TEXT || column->kind == MR_NODE_LITERAL_SQL) return 0;
    }
    return columns ? columns->n : 0;
}

static const char *compound_word(mr_op op) {
    switch (op) {
    case MR_OP_UNION_ALL:
        return " UNION ALL ";
    case MR_OP_INTERSECT:
        return " INTERSECT ";
    case MR_OP_EXCEPT:
        return " EXCEPT ";
    default:
        return " UNION ";
    }
}

/* Where the members give values of different types in one column, the first one's type is only a guess. */
static void doubt_types(const mr_node *node, mr_vec *columns) {
    for (size_t i = 0; columns && i < columns->len; i++) {
        mr_result_column *column = mr_vec_at(columns, i);
        for (uint32_t k = 1; k < node->n; k++) {
            const mr_node *list = first_columns(node->child[k]);
            const mr_type *other = list && i < list->n ? mr_unlabelled(list->child[i])->type : NULL;
            if (other != mr_unlabelled(column->node)->type) column->type = mr_type_guessed(column->type);
        }
    }
}

static void compile_compound(mr_compiler *c, const mr_node *node, mr_place place) {
    mr_vec *capture = c->capture;
    const mr_select *s = node->u.select;
    const mr_node *into = c->into;
    bool unites = c->unites || node->op != MR_OP_UNION_ALL;
    uint32_t start = c->ordinal;
    mr_check_compound(c, node);
    mr_compile_with(c, s->with);
    for (uint32_t i = 0; i < node->n; i++) {
        if (i) mr_emit(c, compound_word((mr_op)node->op));
        c->into = into;
        c->unites = unites;
        if (i && !into) mr_check_united(c, first_columns(node), node->child[i]);
        compile_member(c, node->child[i], place);
        c->capture = NULL; /* only the first member names the columns */
    }
    c->unites = false;
    doubt_types(node, capture);
    mr_seek(c, node, start, node->n + MR_SELECT_ORDER_BY);
    compile_order(c, s->order_by, first_columns(node), true);
    mr_seek(c, node, start, node->n + MR_SELECT_LIMIT);
    compile_limit(c, s->limit, s->offset);
}

static void compile_query(mr_compiler *c, const mr_node *query, mr_place place) {
    uint32_t start = c->ordinal;
    if (query->kind == MR_NODE_COMPOUND) compile_compound(c, query, place);
    else if (query->kind == MR_NODE_SELECT) compile_select(c, query, place);
    else mr_compile(c, query); /* the user's own text */
    c->ordinal = start + query->binds;
}

void mr_compile_query(mr_compiler *c, const mr_node *query, mr_place place) {
    mr_with with;
    bool is_statement = place == MR_PLACE_STATEMENT && !c->frame;
    if (c->failed) return;
    if (!is_statement) mr_open_with(c, &with);
    compile_query(c, query, place);
    if (!is_statement) mr_close_with(c, &with);
}

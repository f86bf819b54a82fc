/*
 * compile_with.c: CTEs: their text, and the WITH in front of the statement or of a query inside of it.
 *
 * Invariant: a CTE is compiled when its name is written first, and its text goes into one WITH: that of the statement,
 * or, of a nesting one, that of the innermost query that reads it. A name means one CTE wherever it is written. A CTE
 * that is named inside of its own body is a recursive reference and has no text of its own.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <string.h>

/* ---------------------------------------------------------------- WITH */

void mr_with_init(mr_compiler *c, mr_with *with) {
    mr_vec_init(&with->finished, c->env, sizeof(mr_cte *));
    mr_vec_init(&with->used, c->env, sizeof(mr_cte *));
    with->outer = NULL;
    with->recursive = false;
}

void mr_with_done(mr_with *with) {
    mr_vec_done(&with->finished);
    mr_vec_done(&with->used);
}

void mr_open_with(mr_compiler *c, mr_with *with) {
    mr_with_init(c, with);
    with->outer = c->with;
    with->sql_at = c->out->sql.len;
    with->params_at = c->out->params.len;
    c->with = with;
}

/* Appends one piece to another. */
static void append_piece(mr_compiler *c, mr_piece *to, const mr_piece *from) {
    size_t at = to->sql.len;
    if (from->sql.oom) c->failed = true;
    else if (from->sql.len) mr_strbuf_add(&to->sql, from->sql.data, from->sql.len);
    for (size_t i = 0; i < from->params.len; i++) {
        mr_placed_param *placed = mr_vec_push(&to->params);
        if (!placed) {
            c->failed = true;
            return;
        }
        *placed = *(const mr_placed_param *)mr_vec_at(&from->params, i);
        placed->at += at;
    }
}

/* Takes what was written since the WITH was opened from out, and appends it to tail. */
static void take_tail(mr_compiler *c, const mr_with *with, mr_piece *out, mr_piece *tail) {
    if (out->sql.oom) c->failed = true;
    else mr_strbuf_add(&tail->sql, out->sql.data + with->sql_at, out->sql.len - with->sql_at);
    for (size_t i = with->params_at; i < out->params.len; i++) {
        mr_placed_param *placed = mr_vec_push(&tail->params);
        if (!placed) {
            c->failed = true;
            return;
        }
        *placed = *(const mr_placed_param *)mr_vec_at(&out->params, i);
        placed->at -= with->sql_at;
    }
    out->sql.len = with->sql_at;
    out->params.len = with->params_at;
}

/* Writes the CTEs of a query before its text. */
static void put_before(mr_compiler *c, const mr_with *with) {
    mr_piece tail;
    mr_piece_init(&tail, c->env);
    take_tail(c, with, c->out, &tail);
    for (size_t i = 0; i < with->finished.len && !c->failed; i++) {
        mr_emit(c, i ? ", " : with->recursive ? "WITH RECURSIVE " : "WITH ");
        append_piece(c, c->out, &((const mr_cte *)mr_vec_ptr(&with->finished, i))->piece);
    }
    mr_emit(c, " ");
    if (!c->failed) append_piece(c, c->out, &tail);
    mr_strbuf_done(&tail.sql);
    mr_vec_done(&tail.params);
}

void mr_close_with(mr_compiler *c, mr_with *with) {
    if (with->finished.len && !c->failed) put_before(c, with);
    for (size_t i = 0; i < c->ctes.len; i++) {
        mr_cte *cte = mr_vec_ptr(&c->ctes, i);
        if (cte->with == with) cte->with = NULL;
    }
    c->with = with->outer;
    mr_with_done(with);
}

/* ---------------------------------------------------------------- CTEs */

static const mr_node *leftmost(const mr_node *query) {
    while (query->kind == MR_NODE_COMPOUND) query = query->child[0];
    return query;
}

/* A recursive CTE exists twice: one node for its first part, to which the second part refers, and one node for the
 * union of both parts. They are recognised as the same CTE by their name, or by the first part. */
static bool restates(const mr_cte *open, const mr_node *node) {
    if (!open->open || !(open->node->flags & MR_NODE_RECURSIVE)) return false;
    if (*open->node->name || *node->name) return open->node->name == node->name;
    return leftmost(open->node->child[0]) == leftmost(node->child[0]);
}

static mr_cte *add_cte(mr_compiler *c, const mr_node *node) {
    mr_cte *cte = mr_calloc(c->env, sizeof *cte);
    if (!cte || mr_vec_push_ptr(&c->ctes, cte) != MR_OK) {
        mr_free(c->env, cte);
        c->failed = true;
        return NULL;
    }
    cte->node = node;
    cte->with = node->flags & MR_NODE_NESTING ? c->with : &c->top;
    mr_piece_init(&cte->piece, c->env);
    return cte;
}

/* Writes the name before AS; a recursive CTE also names its columns. */
static void compile_header(mr_compiler *c, const mr_cte *cte, const mr_vec *columns) {
    mr_strbuf body = c->out->sql;
    size_t at = 0;
    mr_strbuf_init(&c->out->sql, c->env);
    mr_emit_name(c, cte->name);
    if (cte->node->flags & MR_NODE_RECURSIVE) {
        for (size_t i = 0; i < columns->len; i++) {
            mr_emit(c, i ? ", " : "(");
            mr_emit_name(c, ((const mr_result_column *)mr_vec_at(columns, i))->name);
        }
        if (columns->len) mr_emit(c, ")");
    }
    mr_emit(c, cte->node->flags & MR_NODE_MATERIALIZED       ? " AS MATERIALIZED ("
               : cte->node->flags & MR_NODE_NOT_MATERIALIZED ? " AS NOT MATERIALIZED ("
                                                             : " AS (");
    at = c->out->sql.len;
    if (body.oom) c->out->sql.oom = true;
    else if (body.len) mr_strbuf_add(&c->out->sql, body.data, body.len);
    mr_emit(c, ")");
    mr_strbuf_done(&body);
    for (size_t i = 0; i < c->out->params.len; i++) ((mr_placed_param *)mr_vec_at(&c->out->params, i))->at += at;
}

/* An INSERT, UPDATE or DELETE, whose RETURNING gives the rows. */
static void compile_dml_body(mr_compiler *c, const mr_node *node) {
    mr_with with;
    if (!c->dialect->dml_in_cte) {
        mr_compile_fail(c,
                        "cte: %s has no INSERT, UPDATE or DELETE in WITH: execute it first, and give what it returns "
                        "to the next statement",
                        c->dialect->name);
        return;
    }
    mr_open_with(c, &with);
    mr_compile_dml(c, node);
    mr_close_with(c, &with);
}

static void compile_body(mr_compiler *c, const mr_node *of) {
    if (mr_node_is_query(of)) mr_compile_query(c, of, MR_PLACE_FROM);
    else if (mr_node_is_dml(of)) compile_dml_body(c, of);
    else if (of->kind == MR_NODE_TYPED_TEXT) mr_compile(c, of->child[0]);
    else mr_compile(c, of);
}

/* The body sees what is around its WITH: nothing where that is the statement's. */
static void compile_cte(mr_compiler *c, mr_cte *cte) {
    mr_piece *out = c->out;
    mr_with *around = c->with, *with = cte->with;
    const mr_frame *frame = c->frame;
    mr_vec *capture = c->capture, columns;
    uint32_t ordinal = c->ordinal;
    bool unqualified = c->unqualified;
    mr_vec_init(&columns, c->env, sizeof(mr_result_column));
    c->out = &cte->piece;
    c->with = with;
    c->frame = with == &c->top || !frame ? NULL : frame->parent;
    c->capture = &columns;
    c->unqualified = false;
    c->ordinal = mr_object_base(c, cte->node);
    cte->open = true;
    compile_body(c, cte->node->child[0]);
    cte->open = false;
    compile_header(c, cte, &columns);
    c->out = out;
    c->with = around;
    c->frame = frame;
    c->capture = capture;
    c->unqualified = unqualified;
    c->ordinal = ordinal;
    mr_vec_done(&columns);
    if (cte->node->flags & MR_NODE_RECURSIVE) with->recursive = true;
    if (mr_vec_push_ptr(&with->finished, cte) != MR_OK) c->failed = true;
}

/* ---------------------------------------------------------------- names */

static bool is_visible(const mr_compiler *c, const mr_cte *cte) {
    const mr_with *with = c->with;
    while (with && with != cte->with) with = with->outer;
    return with && cte->with;
}

static bool has_name(const mr_cte *cte, const char *name) { return cte->name && strcmp(cte->name, name) == 0; }

static void refuse_second(mr_compiler *c, const char *name) {
    mr_compile_fail(c, "two different CTEs are named '%s'", name);
}

/* Notes that the CTE is named here: each WITH between here and its own must have no other one of the name. */
static void use(mr_compiler *c, mr_cte *cte) {
    for (mr_with *with = c->with; with && with != cte->with; with = with->outer) {
        for (size_t i = 0; i < c->ctes.len; i++) {
            const mr_cte *other = mr_vec_ptr(&c->ctes, i);
            if (other->with == with && !other->restates && has_name(other, cte->name)) refuse_second(c, cte->name);
        }
        if (mr_vec_push_ptr(&with->used, cte) != MR_OK) c->failed = true;
    }
}

/* Refuses a CTE whose name means another one in the WITH that it would stand in. */
static void check_name(mr_compiler *c, const mr_with *with, const char *name) {
    for (size_t i = 0; i < c->ctes.len; i++) {
        const mr_cte *other = mr_vec_ptr(&c->ctes, i);
        if (other->with == with && has_name(other, name)) refuse_second(c, name);
    }
    for (size_t i = 0; i < with->used.len; i++)
        if (has_name(mr_vec_ptr(&with->used, i), name)) refuse_second(c, name);
}

/* The CTE, still being compiled, that is the same as node; NULL if none is. */
static mr_cte *find_restated(mr_compiler *c, const mr_node *node) {
    for (size_t i = 0; i < c->ctes.len; i++) {
        mr_cte *cte = mr_vec_ptr(&c->ctes, i);
        if (is_visible(c, cte) && restates(cte, node)) return cte;
    }
    return NULL;
}

const char *mr_cte_name(mr_compiler *c, const mr_node *node) {
    for (size_t i = 0; i < c->ctes.len; i++) {
        mr_cte *cte = mr_vec_ptr(&c->ctes, i);
        if (cte->node != node || !is_visible(c, cte)) continue;
        use(c, cte);
        return cte->name;
    }
    mr_cte *restated = find_restated(c, node);
    if (!restated && *node->name) check_name(c, node->flags & MR_NODE_NESTING ? c->with : &c->top, node->name);
    mr_cte *made = c->failed ? NULL : add_cte(c, node);
    if (!made) return "";
    if (restated) made->with = restated->with;
    made->restates = restated != NULL;
    made->name = restated ? restated->name : *node->name ? node->name : mr_anonymous_name(c, "anon");
    if (!restated) compile_cte(c, made);
    use(c, made);
    return made->name;
}

void mr_compile_with(mr_compiler *c, const mr_node *list) {
    for (uint32_t i = 0; list && i < list->n && !c->failed; i++) (void)mr_cte_name(c, list->child[i]);
}

void mr_place_nesting(mr_compiler *c, const mr_vec *leaves) {
    for (size_t i = 0; i < leaves->len && !c->failed; i++) {
        const mr_node *object = mr_vec_ptr(leaves, i);
        while (object->kind == MR_NODE_ALIAS) object = object->child[0];
        if (object->kind == MR_NODE_CTE && object->flags & MR_NODE_NESTING) (void)mr_cte_name(c, object);
    }
}

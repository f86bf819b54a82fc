/*
 * lint.c: warns of a SELECT that combines each row of one FROM object with each row of another, because nothing relates
 * the two. Nearly always a join was forgotten. An UPDATE or DELETE that would do so is refused.
 *
 * Invariant: in doubt there is no warning. Two objects are related by a join, and by any condition that names both,
 * also when it names one of them in a nested query, or when the condition relates both to the surrounding statement.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <string.h>

/* A FROM object. Objects that are related to each other have the same group. */
typedef struct lint_object {
    const mr_node *node;   /* NULL: a table of a surrounding query */
    const mr_table *table; /* or NULL */
    size_t group;
} lint_object;

typedef struct linter {
    mr_vec objects; /* lint_object: the SELECT's own, then others that its conditions name */
    mr_vec inner;   /* const mr_table *: read by the queries inside the current condition */
    size_t named;   /* the group of the objects that the current condition has named; 0: none yet */
    bool unsure;
} linter;

static lint_object *object_at(const linter *l, size_t i) { return mr_vec_at(&l->objects, i); }

static bool is_object_of(const lint_object *object, const mr_node *column) {
    return column->n > 0 ? object->node == column->child[0] : object->table == column->u.column->table;
}

static bool is_inner(const linter *l, const mr_table *table) {
    for (size_t i = 0; i < l->inner.len; i++)
        if (mr_vec_ptr(&l->inner, i) == table) return true;
    return false;
}

static void note_inner(linter *l, const mr_node *from) {
    for (; from->kind == MR_NODE_JOIN; from = from->child[0]) note_inner(l, from->child[1]);
    if (from->kind == MR_NODE_TABLE && mr_vec_push_ptr(&l->inner, (void *)from->u.table) != MR_OK) l->unsure = true;
}

static void merge(linter *l, size_t from, size_t into) {
    for (size_t i = 0; i < l->objects.len; i++)
        if (object_at(l, i)->group == from) object_at(l, i)->group = into;
}

/* The current condition names an object of the group: all objects that it names are related. */
static void relate(linter *l, size_t group) {
    if (l->named && l->named != group) merge(l, group, l->named);
    else l->named = group;
}

static bool see(void *ud, const mr_node *node) {
    linter *l = ud;
    if (node->kind == MR_NODE_TEXT) l->unsure = true;
    const mr_node *from = node->kind == MR_NODE_SELECT ? node->u.select->from : NULL;
    for (uint32_t i = 0; from && i < from->n; i++) note_inner(l, from->child[i]);
    if (l->unsure || node->kind != MR_NODE_COLUMN) return !l->unsure;
    if (node->n == 0 && !node->u.column->table) return false;
    for (size_t i = 0; i < l->objects.len; i++) {
        if (!is_object_of(object_at(l, i), node)) continue;
        relate(l, object_at(l, i)->group);
        return false;
    }
    if (node->n == 0 && is_inner(l, node->u.column->table)) return false;
    lint_object *other = mr_vec_push(&l->objects);
    if (!other) {
        l->unsure = true;
        return false;
    }
    *other = node->n > 0 ? (lint_object){node->child[0], NULL, l->objects.len}
                         : (lint_object){NULL, node->u.column->table, l->objects.len};
    relate(l, other->group);
    return false;
}

static void see_condition(linter *l, const mr_node *node) {
    bool parts = (node->kind == MR_NODE_LIST && (node->op == MR_OP_AND || node->op == MR_OP_OR)) ||
                 (node->kind == MR_NODE_UNARY && node->op == MR_OP_NOT);
    for (uint32_t i = 0; parts && i < node->n; i++) see_condition(l, node->child[i]);
    if (parts) return;
    l->named = 0;
    l->inner.len = 0;
    mr_node_walk(node, see, l);
}

static void see_joins(linter *l, const mr_node *from) {
    for (; from->kind == MR_NODE_JOIN; from = from->child[0]) {
        see_joins(l, from->child[1]);
        see_condition(l, from->child[2]);
    }
}

static bool find_aggregate(void *ud, const mr_node *node) {
    bool *found = ud;
    if (*found || node->kind == MR_NODE_OVER || node->kind == MR_NODE_SELECT) return false;
    *found = mr_node_is_aggregate(node);
    return !*found;
}

/* Has the subquery only one row, because it has aggregates without GROUP BY, or no FROM? Then it multiplies no rows. */
static bool gives_one_row(const mr_node *from) {
    const mr_node *query = from->kind == MR_NODE_ALIAS || from->kind == MR_NODE_CTE ? from->child[0] : from;
    if (query->kind != MR_NODE_SELECT) return false;
    const mr_select *s = query->u.select;
    bool found = !s->from;
    if (!s->group_by && !found) mr_node_walk(s->columns, find_aggregate, &found);
    return found;
}

/* Adds the object; for a join, the joined objects from left to right. */
static void add(linter *l, const mr_node *from, size_t group) {
    if (from->kind == MR_NODE_JOIN) {
        add(l, from->child[0], group);
        add(l, from->child[1], group);
        return;
    }
    if (gives_one_row(from)) return;
    lint_object *o = mr_vec_push(&l->objects);
    if (o) *o = (lint_object){from, from->kind == MR_NODE_TABLE ? from->u.table : NULL, group};
    if (!o || mr_from_depends(from) ||
        (from->kind != MR_NODE_TABLE && from->kind != MR_NODE_ALIAS && from->kind != MR_NODE_CTE))
        l->unsure = true;
}

/* Writes the class that maps the table, and the object's name in the SQL. */
static void describe(mr_compiler *c, const mr_node *object, mr_strbuf *out) {
    const mr_node *of = object->kind == MR_NODE_ALIAS ? object->child[0] : object;
    const char *name = of->kind == MR_NODE_TABLE ? of->u.table->mapped_name : NULL;
    const char *sql = object->kind == MR_NODE_TABLE ? object->u.table->name
                      : object->kind == MR_NODE_CTE ? mr_cte_name(c, object)
                                                    : mr_object_name(c, object);
    if (name) mr_strbuf_printf(out, "%s (\"%s\")", name, sql);
    else mr_strbuf_printf(out, "\"%s\"", sql);
}

static void warn(mr_compiler *c, const linter *l, const lint_object *stray) {
    mr_strbuf one, other;
    mr_strbuf_init(&one, c->env);
    mr_strbuf_init(&other, c->env);
    describe(c, stray->node, &one);
    describe(c, object_at(l, 0)->node, &other);
    const char *a = mr_strbuf_str(&one), *b = mr_strbuf_str(&other);
    if (a && b)
        mr_warn(c->env,
                "a SELECT gives each row of %s with each row of %s (a cartesian product): join them, or add a "
                "criterion that relates them",
                b, a);
    mr_strbuf_done(&one);
    mr_strbuf_done(&other);
}

static void linter_init(linter *l, mr_compiler *c) {
    *l = (linter){.unsure = false};
    mr_vec_init(&l->objects, c->env, sizeof(lint_object));
    mr_vec_init(&l->inner, c->env, sizeof(mr_table *));
}

static void linter_done(linter *l) {
    mr_vec_done(&l->objects);
    mr_vec_done(&l->inner);
}

void mr_lint_products(mr_compiler *c, const mr_select *s, const mr_vec *shown) {
    if (!c->lints || shown->len < 2) return;
    linter l;
    linter_init(&l, c);
    for (size_t i = 0; i < shown->len; i++) add(&l, mr_vec_ptr(shown, i), i + 1);
    size_t own = l.objects.len;
    for (size_t i = 0; i < shown->len && !l.unsure; i++) see_joins(&l, mr_vec_ptr(shown, i));
    if (s->where && !l.unsure) see_condition(&l, s->where);
    for (size_t i = 1; i < own && !l.unsure; i++) {
        lint_object stray = *object_at(&l, i);
        if (stray.group == object_at(&l, 0)->group) continue;
        warn(c, &l, &stray);
        merge(&l, stray.group, object_at(&l, 0)->group); /* one warning for each group */
    }
    linter_done(&l);
}

static void fail_unrelated(mr_compiler *c, const mr_node *table, const mr_node *stray) {
    mr_strbuf one, other;
    mr_strbuf_init(&one, c->env);
    mr_strbuf_init(&other, c->env);
    describe(c, table, &one);
    describe(c, stray, &other);
    const char *a = mr_strbuf_str(&one), *b = mr_strbuf_str(&other);
    if (a && b)
        mr_compile_fail(c,
                        "nothing relates %s to %s: each row would be written that fulfils the rest; add a criterion "
                        "that relates them, or ask with any(), has() or mr.exists()",
                        b, a);
    else c->failed = true;
    mr_strbuf_done(&one);
    mr_strbuf_done(&other);
}

void mr_check_related(mr_compiler *c, const mr_dml *d) {
    linter l;
    linter_init(&l, c);
    add(&l, d->table, 1);
    for (uint32_t i = 0; i < d->others->n; i++) add(&l, d->others->child[i], i + 2);
    size_t own = l.objects.len;
    if (d->where && !l.unsure) see_condition(&l, d->where);
    for (size_t i = 1; i < own && !l.unsure && !c->failed; i++)
        if (object_at(&l, i)->group != object_at(&l, 0)->group) fail_unrelated(c, d->table, object_at(&l, i)->node);
    linter_done(&l);
}

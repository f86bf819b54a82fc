/*
 * columns.c: the columns of a SELECT and their labels, named as SQLAlchemy names them.
 *
 * Invariant: labels are unique in one SELECT. A query has table_column; a select() has the bare name if it is the only
 * one. If a name is taken: name_1 for another column, name__1 for the same column again.
 */
#include "planner.h"

#include <string.h>

void mr_columns_init(mr_planner *p) {
    mr_vec_init(&p->primary, p->env, sizeof(mr_planned_column));
    mr_vec_init(&p->secondary, p->env, sizeof(mr_planned_column));
    mr_vec_init(&p->anonymous, p->env, sizeof(mr_anonymous));
}

static void release_list(mr_vec *list) {
    for (size_t i = 0; i < list->len; i++) mr_node_release(((mr_planned_column *)mr_vec_at(list, i))->node);
    mr_vec_done(list);
}

void mr_columns_done(mr_planner *p) {
    release_list(&p->primary);
    release_list(&p->secondary);
    mr_vec_done(&p->anonymous);
}

/* ---------------------------------------------------------------- adding */

static const mr_node *from_of(const mr_node *column) { return column->n > 0 ? column->child[0] : NULL; }

static bool same_column(const mr_node *a, const mr_node *b) {
    if (a == b) return true;
    return a->kind == MR_NODE_COLUMN && b->kind == MR_NODE_COLUMN && a->u.column == b->u.column &&
           from_of(a) == from_of(b);
}

mr_status mr_columns_add(mr_planner *p, bool secondary, mr_node *node, const char *given, bool reuse, uint16_t *out) {
    if (!node) return MR_FAIL;
    mr_vec *list = secondary ? &p->secondary : &p->primary;
    uint16_t bit = secondary ? MR_SECONDARY : 0;
    for (size_t i = 0; reuse && i < list->len; i++) {
        if (!same_column(((mr_planned_column *)mr_vec_at(list, i))->node, node)) continue;
        mr_node_release(node);
        *out = (uint16_t)(i | bit);
        return MR_OK;
    }
    if (list->len >= MR_SECONDARY - 1) {
        mr_node_release(node);
        return mr_fail(p->env, MR_ERR_ARGUMENT, "a query of more than %d columns", MR_SECONDARY - 1);
    }
    mr_planned_column *c = mr_vec_push(list);
    if (!c) {
        mr_node_release(node);
        return MR_FAIL;
    }
    c->node = node;
    c->given = given;
    *out = (uint16_t)((list->len - 1) | bit);
    return MR_OK;
}

/* ---------------------------------------------------------------- names */

static const char *intern_format(mr_env *env, const char *fmt, ...) MR_PRINTF(2, 3);
static const char *intern_format(mr_env *env, const char *fmt, ...) {
    mr_strbuf b;
    va_list args;
    mr_strbuf_init(&b, env);
    va_start(args, fmt);
    mr_strbuf_vprintf(&b, fmt, args);
    va_end(args);
    const char *s = mr_strbuf_str(&b);
    const char *name = s ? mr_intern(env, s, b.len) : NULL;
    mr_strbuf_done(&b);
    return name;
}

/* base_N, where N counts the names with this base. The same alias gets the same name again. */
static const char *anonymous_name(mr_planner *p, const mr_node *alias, const char *base) {
    unsigned count = 1;
    for (size_t i = 0; i < p->anonymous.len; i++) {
        const mr_anonymous *a = mr_vec_at(&p->anonymous, i);
        if (alias && a->alias == alias) return a->name;
        if (strcmp(a->base, base) == 0) count++;
    }
    const char *name = intern_format(p->env, "%s_%u", base, count);
    mr_anonymous *a = name ? mr_vec_push(&p->anonymous) : NULL;
    if (!a) return NULL;
    *a = (mr_anonymous){alias, base, name};
    return name;
}

const char *mr_columns_from_name(mr_planner *p, const mr_node *from) {
    if (from->kind == MR_NODE_TABLE)
        return from->u.table->schema ? intern_format(p->env, "%s_%s", from->u.table->schema, from->u.table->name)
                                     : from->u.table->name;
    if (from->name && from->name[0]) return from->name;
    const mr_node *of = from->kind == MR_NODE_ALIAS ? from->child[0] : NULL;
    return anonymous_name(p, from, of && of->kind == MR_NODE_TABLE ? of->u.table->name : "anon");
}

static const char *column_label(mr_planner *p, const mr_node *column) {
    const mr_column *c = column->u.column;
    const mr_node *from = from_of(column);
    if (p->q->core_labels) return c->name;
    const char *of = NULL;
    if (from) of = mr_columns_from_name(p, from);
    else if (!c->table) return c->name;
    else if (c->table->schema) of = intern_format(p->env, "%s_%s", c->table->schema, c->table->name);
    else of = c->table->name;
    return of ? intern_format(p->env, "%s_%s", of, c->name) : NULL;
}

/* Column i of all: first the primary ones, then the secondary ones. */
static const mr_planned_column *column_at(const mr_planner *p, size_t i) {
    return i < p->primary.len ? mr_vec_at(&p->primary, i) : mr_vec_at(&p->secondary, i - p->primary.len);
}

static bool label_taken(const mr_planner *p, size_t n, const char *label) {
    for (size_t i = 0; i < n; i++)
        if (column_at(p, i)->label == label) return true;
    return false;
}

/* A label for column n that none of the columns before it has: base, base_1 ..., or base__1 ... if the same column was
 * listed before. NULL: no memory. */
static const char *unique_label(mr_planner *p, size_t n, const mr_node *node, const char *base) {
    bool taken = false;
    unsigned same = 0;
    for (size_t i = 0; i < n; i++) {
        const mr_planned_column *c = column_at(p, i);
        if (c->label == base) taken = true;
        if (same_column(c->node, node)) same++;
    }
    if (!taken && !same) return base;
    const char *label = base;
    /* The same column has taken the numbers below, one each time. */
    for (unsigned k = same ? same : 1; label && label_taken(p, n, label); k++)
        label = intern_format(p->env, same ? "%s__%u" : "%s_%u", base, k);
    return label;
}

static mr_status name_column(mr_planner *p, size_t n, mr_planned_column *c) {
    const mr_node *node = c->node;
    const mr_node *source = node->kind == MR_NODE_CAST ? node->child[0] : node;
    if (c->given) {
        c->label = c->given;
    } else if (source->kind == MR_NODE_COLUMN) {
        const char *base = column_label(p, source);
        if (!base) return MR_FAIL;
        c->label = unique_label(p, n, source, base);
        c->bare = p->q->core_labels && source == node && c->label == node->u.column->name;
    } else if (!p->wrap && (node->kind == MR_NODE_TEXT || node->kind == MR_NODE_LITERAL_SQL)) {
        c->bare = true;
        c->label = mr_intern(p->env, "", 0);
    } else {
        const char *base = node->kind == MR_NODE_FUNC && node->name ? node->name : "anon";
        do c->label = anonymous_name(p, NULL, base);
        while (c->label && label_taken(p, n, c->label));
    }
    return c->label ? MR_OK : MR_FAIL;
}

mr_status mr_columns_name(mr_planner *p) {
    size_t n = p->primary.len + p->secondary.len;
    for (size_t i = 0; i < n; i++) {
        mr_planned_column *c =
            i < p->primary.len ? mr_vec_at(&p->primary, i) : mr_vec_at(&p->secondary, i - p->primary.len);
        if (name_column(p, i, c) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_node *mr_columns_labelled(mr_planner *p, const mr_planned_column *c) {
    if (c->bare) return mr_node_retain(c->node);
    return mr_sql_label(p->env, c->label, mr_node_retain(c->node));
}

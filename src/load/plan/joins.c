/*
 * joins.c: the joins that a query asks for: along a relationship, with a condition, or with one found from
 * foreign keys.
 *
 * Invariant: each join extends the one FROM object that contains its left side; if that is ambiguous, the query is
 * refused.
 */
#include "planner.h"

/* ---------------------------------------------------------------- foreign keys */

typedef struct key_pair {
    const void *constraint; /* the columns of one constraint belong together */
    const mr_column *referred, *referring;
    mr_node *referred_from, *referring_from; /* borrowed */
} key_pair;

static const void *constraint_of(const mr_table *table, const mr_foreign_key *fk) {
    for (const mr_constraint *k = table->constraints; k; k = k->next) {
        if (k->kind != MR_CONSTRAINT_FOREIGN_KEY || !k->targets) continue;
        for (unsigned i = 0; i < k->ncolumns; i++)
            if (k->columns[i] == fk->column && k->targets[i] == fk->target) return k;
    }
    return fk;
}

static const mr_table *table_of(const mr_node *leaf) {
    const mr_node *of = leaf->kind == MR_NODE_ALIAS ? leaf->child[0] : leaf;
    return of->kind == MR_NODE_TABLE ? of->u.table : NULL;
}

static unsigned width_of(const mr_node *leaf) {
    const mr_table *table = table_of(leaf);
    const mr_node *list = table ? NULL : mr_query_columns(leaf);
    return table ? table->ncolumns : list ? (unsigned)list->n : 0;
}

/* The table's column that is column i of the leaf, also if the leaf is a subquery. NULL: it is an expression. */
static const mr_column *column_of(const mr_node *leaf, unsigned i) {
    const mr_table *table = table_of(leaf);
    if (table) return table->columns[i];
    const mr_node *x = mr_query_columns(leaf)->child[i];
    for (;;) {
        while (x->kind == MR_NODE_LABEL) x = x->child[0];
        const mr_node *source = mr_column_source(x);
        if (!source) break;
        x = source;
    }
    return x->kind == MR_NODE_COLUMN && x->u.column->table ? x->u.column : NULL;
}

static bool gives_column(const mr_node *leaf, const mr_column *column) {
    const mr_table *table = table_of(leaf);
    if (table) return column->table == table;
    for (unsigned i = 0, n = width_of(leaf); i < n; i++)
        if (column_of(leaf, i) == column) return true;
    return false;
}

/* Appends the foreign keys from columns of one leaf to columns of the other. */
static mr_status add_keys(mr_env *env, mr_node *referring, mr_node *referred, mr_vec *pairs) {
    for (unsigned i = 0, n = width_of(referring); i < n; i++) {
        const mr_column *column = column_of(referring, i);
        for (mr_foreign_key *fk = column ? column->foreign_keys : NULL; fk; fk = fk->next) {
            if (!fk->referred && mr_foreign_key_resolve(env, fk) != MR_OK) return MR_FAIL;
            if (!gives_column(referred, fk->referred)) continue;
            key_pair *pair = mr_vec_push(pairs);
            if (!pair) return MR_FAIL;
            *pair = (key_pair){constraint_of(column->table, fk), fk->referred, column, referred, referring};
        }
    }
    return MR_OK;
}

static mr_status add_leaf_pairs(mr_env *env, mr_node *left, mr_node *right, mr_vec *pairs) {
    if (add_keys(env, right, left, pairs) != MR_OK) return MR_FAIL;
    return mr_from_same(left, right) ? MR_OK : add_keys(env, left, right, pairs);
}

/* Appends the foreign keys between any leaf of left and any leaf of right. */
static mr_status find_keys(mr_env *env, mr_node *left, mr_node *right, mr_vec *pairs) {
    for (mr_node *l = left;; l = l->child[0]) {
        if (l->kind == MR_NODE_JOIN && find_keys(env, l->child[1], right, pairs) != MR_OK) return MR_FAIL;
        if (l->kind == MR_NODE_JOIN) continue;
        for (mr_node *r = right;; r = r->child[0]) {
            if (r->kind == MR_NODE_JOIN && find_keys(env, l, r->child[1], pairs) != MR_OK) return MR_FAIL;
            if (r->kind != MR_NODE_JOIN) return add_leaf_pairs(env, l, r, pairs);
        }
    }
}

/* The number of constraints among the pairs: 0, 1, or 2 for more. */
static unsigned count_constraints(const mr_vec *pairs) {
    for (size_t i = 1; i < pairs->len; i++)
        if (((key_pair *)mr_vec_at(pairs, i))->constraint != ((key_pair *)mr_vec_at(pairs, 0))->constraint) return 2;
    return pairs->len > 0 ? 1 : 0;
}

static const char *words_for(const mr_node *from) {
    while (from->kind == MR_NODE_JOIN) from = from->child[0];
    const mr_table *table = table_of(from);
    if (from->kind != MR_NODE_TABLE && from->name && from->name[0]) return from->name;
    return table ? table->name : "a subquery";
}

static mr_node *on_of_pairs(mr_env *env, const mr_vec *pairs) {
    mr_node *on = NULL;
    for (size_t i = 0; i < pairs->len; i++) {
        const key_pair *pair = mr_vec_at(pairs, i);
        mr_node *a = NULL, *b = NULL;
        if (mr_from_column(env, pair->referred, NULL, pair->referred_from, &a) != MR_OK ||
            mr_from_column(env, pair->referring, NULL, pair->referring_from, &b) != MR_OK) {
            mr_node_release(a);
            mr_node_release(on);
            return NULL;
        }
        on = mr_sql_and(env, on, mr_sql_binary(env, MR_OP_EQ, a, b));
        if (!on) return NULL;
    }
    return on;
}

mr_status mr_foreign_key_on(mr_env *env, mr_node *left, mr_node *right, mr_node **out) {
    mr_vec pairs;
    *out = NULL;
    mr_vec_init(&pairs, env, sizeof(key_pair));
    mr_status status = MR_OK;
    if (left->kind == MR_NODE_JOIN) status = find_keys(env, left->child[1], right, &pairs);
    if (status == MR_OK && pairs.len == 0) status = find_keys(env, left, right, &pairs);
    unsigned n = status == MR_OK ? count_constraints(&pairs) : 0;
    if (status == MR_OK && n == 0)
        status = mr_fail(env, MR_ERR_INVALID_REQUEST,
                         "can't find any foreign key relationship between '%s' and '%s': give the join a condition",
                         words_for(left), words_for(right));
    else if (n > 1)
        status = mr_fail(env, MR_ERR_INVALID_REQUEST,
                         "can't determine the join between '%s' and '%s': there is more than one foreign key between "
                         "them; give the join a condition",
                         words_for(left), words_for(right));
    else if (n == 1 && !(*out = on_of_pairs(env, &pairs))) status = MR_FAIL;
    mr_vec_done(&pairs);
    return status;
}

bool mr_foreign_key_exists(mr_env *env, mr_node *left, mr_node *right) {
    mr_vec pairs;
    mr_vec_init(&pairs, env, sizeof(key_pair));
    bool found = find_keys(env, left, right, &pairs) == MR_OK && pairs.len > 0;
    mr_vec_done(&pairs);
    return found;
}

/* ---------------------------------------------------------------- along a relationship */

static mr_node *target_from(const mr_query_join *join) {
    if (join->target) return mr_node_retain(join->target);
    mr_mapper *mapper = join->mapper ? join->mapper : join->along->relationship->target;
    return mr_mapper_from(mapper);
}

/* left JOIN link ON primary JOIN right ON secondary. An outer join has (link JOIN right) as its right side. */
static mr_status join_link(mr_planner *p, mr_op kind, mr_condition *c, mr_node *right, mr_node *on) {
    mr_node *primary = NULL, *link = mr_node_retain(c->link);
    if (mr_condition_primary(c, &primary) != MR_OK) {
        mr_node_release(right);
        mr_node_release(on);
        mr_node_release(link);
        return MR_FAIL;
    }
    mr_node *left = mr_united_from(p, c->local);
    if (kind != MR_OP_INNER)
        return mr_froms_join(p, kind, left, mr_sql_join(p->env, MR_OP_INNER, link, right, on), primary);
    mr_status status = mr_froms_join(p, kind, left, link, primary);
    if (status == MR_OK) return mr_froms_join(p, kind, left, right, on);
    mr_node_release(right);
    mr_node_release(on);
    return status;
}

static mr_status same_entity(mr_planner *p, const mr_relationship *rel) {
    return mr_fail(p->env, MR_ERR_INVALID_REQUEST,
                   "can't join %s to itself along %s.%s: give an alias of it as the target", rel->parent->name,
                   rel->parent->name, rel->prop->name);
}

/* *out: the condition that the program wrote for the join, with columns of the target's table read from its right side.
 */
static mr_status own_condition(mr_planner *p, const mr_query_join *join, mr_node *right, mr_node **out) {
    *out = NULL;
    if (!join->on) return MR_OK;
    p->spared = right;
    mr_status status = mr_united_translate(p, mr_node_retain(join->on), out);
    p->spared = NULL;
    return status;
}

static mr_status join_along(mr_planner *p, const mr_query_join *join) {
    mr_relationship *rel = join->along->relationship;
    mr_status status = MR_FAIL;
    mr_condition c = {.env = p->env, .rel = rel, .adapts = p};
    mr_node *left = join->left_alias ? mr_node_retain(join->left_alias) : mr_froms_left(p, rel->parent);
    mr_node *right = target_from(join), *on = NULL, *extra = NULL, *own = NULL;
    if (!left || !right) goto out;
    if (mr_from_same(mr_united_from(p, left), right)) {
        status = same_entity(p, rel);
        goto out;
    }
    c.local = left;
    c.remote = right;
    if (rel->secondary) {
        c.link = mr_sql_alias(p->env, mr_sql_table(p->env, rel->secondary), NULL);
        if (!c.link || mr_condition_secondary(&c, &on) != MR_OK) goto out;
    } else if (mr_condition_primary(&c, &on) != MR_OK) {
        goto out;
    }
    if (join->ordered && mr_plan_order(p, &c) != MR_OK) goto out;
    if (mr_inheritance_criterion(p->env, join->mapper ? join->mapper : rel->target, right, &extra) != MR_OK) goto out;
    if (extra) on = mr_sql_and(p->env, on, extra);
    if (on && join->on && own_condition(p, join, right, &own) != MR_OK) goto out;
    if (own) on = mr_sql_and(p->env, on, own);
    if (!on) goto out;
    status = rel->secondary ? join_link(p, join->kind, &c, right, on)
                            : mr_froms_join(p, join->kind, mr_united_from(p, left), right, on);
    right = on = NULL;
out:
    mr_node_release(left);
    mr_node_release(right);
    mr_node_release(on);
    mr_node_release(c.link);
    return status;
}

/* ---------------------------------------------------------------- onto a class or FROM object */

/* Appends the FROM objects that may be the left side: the explicit ones; without such, those of the items. They are
 * borrowed. Sets *same if the right side is one of them. */
static mr_status possible_lefts(mr_planner *p, const mr_node *right, mr_vec *found, bool *same) {
    for (size_t i = 0; i < p->explicit.len; i++) {
        if (mr_vec_push_ptr(found, mr_vec_ptr(&p->explicit, i)) != MR_OK) return MR_FAIL;
        mr_node_retain(mr_vec_ptr(&p->explicit, i));
    }
    if (p->explicit.len > 0) return MR_OK;
    mr_vec all;
    mr_vec_init(&all, p->env, sizeof(mr_node *));
    mr_status status = MR_OK;
    for (size_t i = 0; i < p->items.len && status == MR_OK; i++) {
        const mr_plan_item *item = mr_vec_at(&p->items, i);
        const mr_target *t = item->entity == MR_PLAN_NONE ? NULL : mr_vec_at(&p->targets, item->entity);
        if (!t) status = mr_node_froms(p->env, ((mr_planned_column *)mr_vec_at(&p->primary, item->column))->node, &all);
        else if ((status = mr_vec_push_ptr(&all, t->from)) == MR_OK) mr_node_retain(t->from);
    }
    for (size_t i = 0; i < all.len; i++) {
        mr_node *from = mr_vec_ptr(&all, i);
        bool skip = status != MR_OK || mr_from_contains(right, from);
        if (status == MR_OK && skip) *same = true;
        for (size_t k = 0; k < found->len && !skip; k++) skip = mr_from_same(mr_vec_ptr(found, k), from);
        if (!skip && (status = mr_vec_push_ptr(found, from)) == MR_OK) continue;
        mr_node_release(from);
    }
    mr_vec_done(&all);
    return status;
}

static bool mentions(mr_env *env, const mr_node *on, const mr_node *left) {
    mr_vec froms;
    mr_vec_init(&froms, env, sizeof(mr_node *));
    bool found = false;
    if (mr_node_froms(env, on, &froms) != MR_OK) mr_env_clear_error(env);
    for (size_t i = 0; i < froms.len; i++) {
        if (mr_from_contains(left, mr_vec_ptr(&froms, i))) found = true;
        mr_node_release(mr_vec_ptr(&froms, i));
    }
    mr_vec_done(&froms);
    return found;
}

/* A relationship of the class to the target, or NULL. */
static const mr_relationship *leads_to(const mr_mapper *from, const mr_mapper *target) {
    for (size_t i = 0; from && i < from->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&from->props, i);
        const mr_relationship *rel = prop->kind == MR_PROPERTY_RELATIONSHIP ? prop->relationship : NULL;
        if (rel && rel->target && mr_mapper_isa(target, rel->target)) return rel;
    }
    return NULL;
}

/* A relationship to the join's class, of a class of the query. */
static const mr_relationship *relationship_to(const mr_planner *p, const mr_query_join *join) {
    const mr_relationship *rel = NULL;
    for (unsigned i = 0; join->mapper && i < p->q->nitems && !rel; i++)
        if (!p->q->items[i].alias) rel = leads_to(p->q->items[i].mapper, join->mapper);
    return rel;
}

/* Chooses the left side: the only possible one that the condition names, or that has a foreign key to the right side.
 * same: the query reads the right side already. */
static mr_status choose_left(mr_planner *p, const mr_query_join *join, const mr_node *on, mr_node *right,
                             const mr_vec *lefts, bool same, mr_node **out) {
    size_t n = 0;
    *out = NULL;
    for (size_t i = 0; i < lefts->len; i++) {
        mr_node *left = mr_vec_ptr(lefts, i);
        bool fits = lefts->len == 1 ? on || mr_foreign_key_exists(p->env, left, right)
                    : on            ? mentions(p->env, on, left)
                                    : mr_foreign_key_exists(p->env, left, right);
        if (fits && n++ == 0) *out = left;
    }
    if (*out && n == 1) return MR_OK;
    const char *name = join->mapper ? join->mapper->name : words_for(right);
    const mr_relationship *rel = relationship_to(p, join);
    if (lefts->len == 0 && same)
        return mr_fail(p->env, MR_ERR_INVALID_REQUEST,
                       "can't join %s to itself: join another name for it, which mr.aliased(Class) makes of a class, "
                       "and subquery:alias() of a subquery",
                       name);
    if (n == 0 && rel)
        return mr_fail(p->env, MR_ERR_INVALID_REQUEST,
                       "don't know how to join to %s, no foreign key leads there: name the relationship, join(%s.%s)",
                       name, rel->parent->name, rel->prop->name);
    if (n == 0)
        return mr_fail(p->env, MR_ERR_INVALID_REQUEST,
                       "don't know how to join to %s: say where the join begins with select_from, and give it a "
                       "condition if no foreign key leads there",
                       name);
    return mr_fail(p->env, MR_ERR_INVALID_REQUEST,
                   "can't determine which of the query's classes to join %s to: say so with select_from, or give the "
                   "join a condition",
                   name);
}

static mr_status join_onto(mr_planner *p, const mr_query_join *join) {
    mr_status status = MR_FAIL;
    mr_node *right = target_from(join), *left = NULL, *on = NULL, *extra = NULL;
    bool same = false;
    mr_vec lefts;
    mr_vec_init(&lefts, p->env, sizeof(mr_node *));
    if (!right || possible_lefts(p, right, &lefts, &same) != MR_OK) goto out;
    if (own_condition(p, join, right, &on) != MR_OK) goto out;
    if (join->from) left = mr_united_from(p, join->from);
    else if (choose_left(p, join, on, right, &lefts, same, &left) != MR_OK || !left) goto out;
    if (!on && mr_foreign_key_on(p->env, left, right, &on) != MR_OK) goto out;
    if (join->mapper && mr_inheritance_criterion(p->env, join->mapper, right, &extra) != MR_OK) goto out;
    if (extra && !(on = mr_sql_and(p->env, on, extra))) goto out;
    status = mr_froms_join(p, join->kind, left, right, on);
    right = on = NULL;
out:
    for (size_t i = 0; i < lefts.len; i++) mr_node_release(mr_vec_ptr(&lefts, i));
    mr_vec_done(&lefts);
    mr_node_release(right);
    mr_node_release(on);
    return status;
}

/* Has the query joined along the same relationship before? The join is made only once, as the first one says: a second
 * would join the same rows. */
static bool is_repeated(const mr_query *q, unsigned number) {
    const mr_query_join *join = &q->joins[number];
    for (unsigned i = 0; join->along && !join->on && i < number; i++) {
        const mr_query_join *other = &q->joins[i];
        if (other->along == join->along && other->left_alias == join->left_alias && other->mapper == join->mapper &&
            other->target == join->target && !other->on)
            return true;
    }
    return false;
}

mr_status mr_froms_own_joins(mr_planner *p) {
    const mr_node *from = p->q->clauses.from;
    if (p->q->united) {
        if (mr_vec_push_ptr(&p->explicit, p->q->united) != MR_OK) return MR_FAIL;
        mr_node_retain(p->q->united);
    }
    for (uint32_t i = 0; from && i < from->n; i++) {
        if (mr_united_from(p, from->child[i]) != from->child[i]) continue;
        if (mr_vec_push_ptr(&p->explicit, from->child[i]) != MR_OK) return MR_FAIL;
        mr_node_retain(from->child[i]);
    }
    for (unsigned i = 0; i < p->q->njoins; i++) {
        const mr_query_join *join = &p->q->joins[i];
        if (!join->along && !join->mapper && !join->target)
            return mr_fail(p->env, MR_ERR_ARGUMENT, "a join needs a target: a class, a relationship or an alias");
        if (is_repeated(p->q, i)) continue;
        if (join->from && mr_froms_begin(p, join->from) != MR_OK) return MR_FAIL;
        if ((join->along ? join_along(p, join) : join_onto(p, join)) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

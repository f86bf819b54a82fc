/*
 * class_rows.c: which rows of a table that several classes share are those of the query's classes.
 *
 * Invariant: a class whose rows a query reads, be it an item, an alias of which only attributes are items, or what
 * select_from names, has its criterion once: in the ON where it is joined, else in WHERE.
 */
#include "planner.h"

/* Is the class joined by an outer join, whose ON tells the class already? In WHERE it would drop the rows without one.
 */
static bool is_joined_outer(const mr_planner *p, const mr_mapper *mapper, const mr_node *from) {
    for (unsigned i = 0; i < p->q->njoins; i++) {
        const mr_query_join *join = &p->q->joins[i];
        const mr_mapper *joined = join->mapper ? join->mapper : join->along ? join->along->relationship->target : NULL;
        bool same = join->target ? join->target == from : from->kind == MR_NODE_TABLE;
        if (join->kind == MR_OP_LEFT && joined == mapper && same) return true;
    }
    return false;
}

static bool is_same_test(const mr_node *a, const mr_node *b) {
    if (a->kind != b->kind || a->op != b->op || a->kind != MR_NODE_BINARY) return false;
    const mr_node *x = a->child[0], *y = b->child[0];
    return x->kind == MR_NODE_COLUMN && y->kind == MR_NODE_COLUMN && x->u.column == y->u.column && x->n == y->n &&
           (x->n == 0 || x->child[0] == y->child[0]);
}

/* Does the ON of an outer join that is written as a FROM object have the class's criterion for its right side? */
static bool is_in_outer_join(const mr_node *object, const mr_node *from, const mr_node *criterion) {
    for (; object->kind == MR_NODE_JOIN; object = object->child[0]) {
        const mr_node *on = object->n > 2 ? object->child[2] : NULL;
        if (is_in_outer_join(object->child[1], from, criterion)) return true;
        if (!on || object->op == MR_OP_INNER || !mr_from_same(object->child[1], from)) continue;
        bool list = on->kind == MR_NODE_LIST && on->op == MR_OP_AND;
        for (uint32_t i = 0; i < (list ? on->n : 1); i++)
            if (is_same_test(list ? on->child[i] : on, criterion)) return true;
    }
    return false;
}

static bool is_told_by_from(const mr_planner *p, const mr_node *from, const mr_node *criterion) {
    const mr_node *list = p->q->clauses.from;
    for (uint32_t i = 0; list && i < list->n; i++)
        if (is_in_outer_join(list->child[i], from, criterion)) return true;
    return false;
}

static mr_node *first_leaf(mr_node *from) {
    while (from->kind == MR_NODE_JOIN) from = from->child[0];
    return from;
}

/* Notes that the query reads the leaf's rows of the class alone. *there: it was noted before. */
static mr_status note(mr_planner *p, const mr_mapper *mapper, const mr_node *leaf, bool *there) {
    *there = false;
    for (size_t i = 0; i < p->narrowed.len && !*there; i++) {
        const mr_narrowed *n = mr_vec_at(&p->narrowed, i);
        *there = n->mapper == mapper && mr_from_same(n->leaf, leaf);
    }
    mr_narrowed *n = *there ? NULL : mr_vec_push(&p->narrowed);
    if (n) *n = (mr_narrowed){mapper, leaf};
    return n || *there ? MR_OK : MR_FAIL;
}

mr_status mr_plan_class_criterion(mr_planner *p, mr_mapper *mapper, mr_node *from) {
    mr_node *criterion = NULL;
    bool there;
    if (is_joined_outer(p, mapper, from)) return MR_OK;
    if (mr_inheritance_criterion(p->env, mapper, from, &criterion) != MR_OK) return MR_FAIL;
    if (!criterion) return MR_OK;
    mr_status status = note(p, mapper, first_leaf(from), &there);
    if (status != MR_OK || there || is_told_by_from(p, from, criterion)) {
        mr_node_release(criterion);
        return status;
    }
    if (mr_united_translate(p, criterion, &criterion) != MR_OK) return MR_FAIL;
    p->classes = mr_sql_and(p->env, p->classes, criterion);
    return p->classes ? MR_OK : MR_FAIL;
}

/* ---------------------------------------------------------------- without an item of the class */

/* Does a join of the query, whose ON tells the class, read the alias? */
static bool is_joined(const mr_planner *p, const mr_node *alias) {
    for (unsigned i = 0; i < p->q->njoins; i++)
        if (p->q->joins[i].target && mr_from_contains(p->q->joins[i].target, alias)) return true;
    return false;
}

mr_status mr_plan_alias_rows(mr_planner *p, mr_node *alias) {
    /* The library's own aliases are of rows that it has chosen already. */
    const void *reader = alias->flags & MR_NODE_GIVEN ? first_leaf(alias)->reader : NULL;
    if (!reader || is_joined(p, alias) || mr_united_from(p, alias) != alias) return MR_OK;
    return mr_plan_class_criterion(p, (mr_mapper *)(uintptr_t)reader, alias);
}

static mr_status narrow_source(mr_planner *p, mr_node *from) {
    mr_node *leaf = first_leaf(from); /* the right side of a join has its criterion in the ON */
    if (!leaf->reader || mr_united_from(p, from) != from) return MR_OK;
    return mr_plan_class_criterion(p, (mr_mapper *)(uintptr_t)leaf->reader, leaf);
}

mr_status mr_plan_source_rows(mr_planner *p) {
    const mr_node *list = p->q->sources ? p->q->clauses.from : NULL;
    for (uint32_t i = 0; list && i < list->n; i++)
        if (narrow_source(p, list->child[i]) != MR_OK) return MR_FAIL;
    for (unsigned i = 0; i < p->q->njoins; i++)
        if (p->q->joins[i].from && narrow_source(p, p->q->joins[i].from) != MR_OK) return MR_FAIL;
    return MR_OK;
}

/* ---------------------------------------------------------------- in WHERE alone */

/* Does the query read one of the class's tables? */
static mr_status reads_part(const mr_planner *p, const mr_mapper *mapper, bool *reads) {
    mr_status status = MR_OK;
    *reads = false;
    for (unsigned i = 0; i < mapper->nparts && status == MR_OK && !*reads; i++)
        status = mr_plan_reads(p, mapper->parts[i].table, reads);
    return status;
}

/* Adds to the criterion that the rows of the class's tables are those of one object. */
static mr_status add_parts(mr_env *env, const mr_mapper *mapper, mr_node **criterion) {
    for (unsigned i = 1; i < mapper->nparts; i++) {
        *criterion = mr_sql_and(env, *criterion, mr_node_retain(mapper->parts[i].on));
        if (!*criterion) return MR_FAIL;
    }
    return MR_OK;
}

/* The class of the column, which shares its base's table or has several tables, unless the query reads one of them in
 * another way: then the rows are those of whoever reads it. */
static mr_status narrow_table(mr_planner *p, const mr_reading *reading) {
    mr_mapper *mapper = reading->mapper;
    bool reads = true;
    if (reading->with || (mapper->nparts < 2 && !mr_mapper_is_single(mapper))) return MR_OK;
    if (reads_part(p, mapper, &reads) != MR_OK) return MR_FAIL;
    if (!reads && add_parts(p->env, mapper, &p->classes) != MR_OK) return MR_FAIL;
    mr_node *from = reads ? NULL : mr_mapper_tables(mapper);
    mr_reader *r = from ? mr_vec_push(&p->readers) : NULL;
    if (!r) {
        mr_node_release(from);
        return reads ? MR_OK : MR_FAIL;
    }
    *r = (mr_reader){reading, from, p->items.len}; /* of no item */
    return mr_plan_class_criterion(p, mapper, from);
}

typedef struct narrowing {
    mr_planner *p;
    bool failed;
} narrowing;

static bool find_in_where(void *ud, const mr_node *node) {
    narrowing *n = ud;
    if (n->failed || node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    if (node->kind != MR_NODE_COLUMN) return true;
    mr_node *object = mr_column_object(node);
    mr_status status = MR_OK;
    if (object && !mr_froms_has(n->p, object)) status = mr_plan_alias_rows(n->p, object);
    else if (!object && node->reader) status = narrow_table(n->p, node->reader);
    n->failed = status != MR_OK;
    return false;
}

mr_status mr_plan_where_rows(mr_planner *p) {
    narrowing n = {p, false};
    if (p->q->united || !p->q->clauses.where) return MR_OK;
    mr_node_walk(p->q->clauses.where, find_in_where, &n);
    return n.failed ? MR_FAIL : MR_OK;
}

/* ---------------------------------------------------------------- in the WHERE of an EXISTS */

typedef struct telling {
    mr_env *env;
    const mr_node *froms; /* LIST: their rows are chosen already; or NULL */
    mr_vec told;          /* mr_node *, owned: the FROM objects whose class is told */
    mr_node *criterion;   /* owned, or NULL */
    bool failed;
} telling;

static bool lists(const mr_node *froms, const mr_node *from) {
    for (uint32_t i = 0; froms && i < froms->n; i++)
        if (mr_from_contains(froms->child[i], from)) return true;
    return false;
}

static bool is_told(const telling *t, const mr_node *from) {
    const mr_node *part = from;
    /* A class of several tables is there if each of these is. */
    while (part->kind == MR_NODE_JOIN && lists(t->froms, part->child[1])) part = part->child[0];
    if (part->kind != MR_NODE_JOIN && lists(t->froms, part)) return true;
    if (lists(t->froms, from)) return true;
    for (size_t i = 0; i < t->told.len; i++)
        if (mr_from_same(mr_vec_ptr(&t->told, i), from)) return true;
    return false;
}

/* Adds the class's criterion for the FROM object. Consumes from; NULL: failed. */
static mr_status tell(telling *t, mr_mapper *mapper, mr_node *from) {
    mr_node *criterion = NULL;
    mr_registry *registry = mapper->registry;
    if (registry->dirty && mr_registry_configure(registry) != MR_OK) {
        mr_node_release(from);
        return MR_FAIL;
    }
    if (!from || is_told(t, from) || mr_vec_push_ptr(&t->told, from) != MR_OK) {
        bool done = from && is_told(t, from);
        mr_node_release(from);
        return done ? MR_OK : MR_FAIL;
    }
    if (mr_inheritance_criterion(t->env, mapper, from, &criterion) != MR_OK) return MR_FAIL;
    if (criterion && !(t->criterion = mr_sql_and(t->env, t->criterion, criterion))) return MR_FAIL;
    bool tables = from->kind == MR_NODE_JOIN && first_leaf(from)->kind == MR_NODE_TABLE;
    return tables ? add_parts(t->env, mapper, &t->criterion) : MR_OK;
}

static bool find_to_tell(void *ud, const mr_node *node) {
    telling *t = ud;
    if (t->failed || node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    if (node->kind != MR_NODE_COLUMN) return true;
    mr_node *object = mr_column_object(node);
    const void *alias_of = object && object->flags & MR_NODE_GIVEN ? first_leaf(object)->reader : NULL;
    const mr_reading *reading = object ? NULL : node->reader;
    if (alias_of) t->failed = tell(t, (mr_mapper *)(uintptr_t)alias_of, mr_node_retain(object)) != MR_OK;
    else if (reading && !reading->with)
        t->failed = tell(t, reading->mapper, mr_mapper_tables(reading->mapper)) != MR_OK;
    return false;
}

mr_status mr_where_rows(mr_env *env, const mr_node *where, const mr_node *froms, mr_node **out) {
    telling t = {.env = env, .froms = froms};
    mr_vec_init(&t.told, env, sizeof(mr_node *));
    mr_node_walk(where, find_to_tell, &t);
    for (size_t i = 0; i < t.told.len; i++) mr_node_release(mr_vec_ptr(&t.told, i));
    mr_vec_done(&t.told);
    if (t.failed) mr_node_release(t.criterion);
    *out = t.failed ? NULL : t.criterion;
    return t.failed ? MR_FAIL : MR_OK;
}

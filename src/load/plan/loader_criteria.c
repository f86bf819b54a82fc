/*
 * loader_criteria.c: the criteria of with_loader_criteria, for the rows of a class wherever a query reads them: its own
 * FROM, joins, eager loads, subqueries and EXISTS. (As in SQLAlchemy.)
 *
 * Invariant: the criteria are added when the SELECT is complete, so that no way to name a class passes them by. A plan
 * keeps the criteria that its objects pass on.
 */
#include "planner.h"

#include <string.h>

/* ---------------------------------------------------------------- life */

mr_status mr_plan_keep_criterion(mr_planner *p, mr_loader_criterion *c) {
    mr_plan *plan = p->plan;
    if (!plan->criteria) plan->criteria = mr_arena_alloc(plan->arena, p->q->noptions * sizeof(mr_loader_criterion *));
    if (!plan->criteria) return MR_FAIL;
    plan->criteria[plan->ncriteria++] = mr_loader_criterion_retain(c);
    return MR_OK;
}

void mr_plan_release_criteria(mr_plan *plan) {
    for (unsigned i = 0; i < plan->ncriteria; i++) mr_loader_criterion_release(plan->criteria[i]);
    plan->ncriteria = 0;
}

/* ---------------------------------------------------------------- whose rows are read */

typedef struct naming {
    const mr_table *table;
    const mr_mapper *mapper; /* the class of whose attributes one is a column of the table, or NULL */
} naming;

static bool find_class(void *ud, const mr_node *node) {
    naming *f = ud;
    if (f->mapper || node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    if (node->kind != MR_NODE_COLUMN || node->n > 0 || !node->annotation) return true;
    if (node->u.column->table == f->table) f->mapper = ((const mr_property *)node->annotation)->mapper;
    return false;
}

/* The class by whose attributes the SELECT names the table; NULL: it names none. Only the outermost SELECT is sure to
 * read itself what its criteria name. */
static const mr_mapper *class_named(const mr_select *s, bool outermost, const mr_table *table) {
    naming f = {table, NULL};
    mr_node_walk(s->columns, find_class, &f);
    if (!outermost) return f.mapper;
    mr_node_walk(s->where, find_class, &f);
    mr_node_walk(s->having, find_class, &f);
    mr_node_walk(s->group_by, find_class, &f);
    mr_node_walk(s->order_by, find_class, &f);
    return f.mapper;
}

static bool has_tables(mr_node *from, const mr_mapper *mapper) {
    for (unsigned i = 0; i < mapper->nparts; i++)
        if (!mr_from_leaf(from, mapper->parts[i].table)) return false;
    return true;
}

/* The smallest part of the object that has the leaf, and all tables of the class. */
static mr_node *unit_of(mr_node *object, const mr_node *leaf, const mr_mapper *mapper) {
    mr_node *unit = object;
    while (unit->kind == MR_NODE_JOIN) {
        mr_node *next = mr_from_contains(unit->child[1], leaf) ? unit->child[1] : unit->child[0];
        if (!has_tables(next, mapper)) break;
        unit = next;
    }
    return unit;
}

/* ---------------------------------------------------------------- what was said already */

/* The criteria that were found for a leaf, and what they say, by which one that says the same again is left out. */
typedef struct criteria_found {
    mr_env *env;
    mr_vec nodes; /* mr_node *, one reference each */
    mr_map *said; /* said_criterion; made with the second criterion */
} criteria_found;

typedef struct said_criterion {
    char *key; /* its structure, and its values behind that */
    size_t len;
} said_criterion;

static uint64_t hash_said(const void *element) {
    const said_criterion *s = element;
    return mr_hash_bytes(s->key, s->len);
}

static bool equal_said(const void *a, const void *b) {
    const said_criterion *x = a, *y = b;
    return x->len == y->len && memcmp(x->key, y->key, x->len) == 0;
}

/* Writes what the criterion says. Its values are a part of the plan's key, so they may be compared; one that only the
 * program can tell is known by its node. */
static mr_status write_said(mr_env *env, const mr_node *criterion, mr_strbuf *out) {
    mr_vec binds;
    mr_vec_init(&binds, env, sizeof(mr_node *));
    mr_status status = mr_sql_key((mr_node *)(uintptr_t)criterion, out, &binds); /* only read */
    for (size_t i = 0; status == MR_OK && i < binds.len; i++) {
        const mr_node *bind = mr_vec_ptr(&binds, i);
        const mr_value *v = &bind->u.value;
        bool plain = bind->kind == MR_NODE_BIND && v->kind < MR_OPAQUE;
        mr_strbuf_add(out, (const char *)&bind->name, sizeof bind->name);
        if (!plain) mr_strbuf_add(out, (const char *)&bind, sizeof bind);
        if (!plain) continue;
        mr_strbuf_add(out, (const char *)&v->kind, sizeof v->kind);
        mr_strbuf_add(out, (const char *)&v->len, sizeof v->len);
        if (mr_kind_is_bytes(v->kind)) mr_strbuf_add(out, v->u.s, v->len);
        else mr_strbuf_add(out, (const char *)&v->u, sizeof v->u);
    }
    mr_vec_done(&binds);
    return status == MR_OK && out->oom ? mr_nomem(env) : status;
}

/* Notes what the criterion says. *again: that was said. */
static mr_status note_said(criteria_found *f, const mr_node *criterion, bool *again) {
    mr_strbuf said;
    mr_strbuf_init(&said, f->env);
    mr_status status = write_said(f->env, criterion, &said);
    said_criterion s = {said.data, said.len};
    *again = status == MR_OK && mr_map_get(f->said, &s);
    if (status == MR_OK && !*again) {
        s.key = mr_alloc(f->env, s.len + 1);
        if (s.key) memcpy(s.key, said.data, s.len);
        if (!s.key || !mr_map_put(f->said, &s)) {
            mr_free(f->env, s.key);
            status = MR_FAIL;
        }
    }
    mr_strbuf_done(&said);
    return status;
}

/* Adds the criterion (consumed), unless one of those before it says the same. */
static mr_status add_once(criteria_found *f, mr_node *criterion) {
    bool again = false;
    mr_status status = MR_OK;
    if (f->nodes.len > 0 && !f->said) {
        f->said = mr_map_new(f->env, sizeof(said_criterion), hash_said, equal_said);
        status = f->said ? note_said(f, mr_vec_ptr(&f->nodes, 0), &again) : MR_FAIL;
    }
    if (status == MR_OK && f->said) status = note_said(f, criterion, &again);
    if (status == MR_OK && !again) status = mr_vec_push_ptr(&f->nodes, criterion);
    if (status != MR_OK || again) mr_node_release(criterion);
    return status;
}

/* Frees what is known of the criteria, but not these. */
static void forget_said(criteria_found *f) {
    size_t cursor = 0;
    for (said_criterion *s; f->said && (s = mr_map_next(f->said, &cursor));) mr_free(f->env, s->key);
    mr_map_free(f->said);
    mr_vec_done(&f->nodes);
}

/* ---------------------------------------------------------------- finding them */

/* The options whose criteria are meant. */
typedef struct criteria_given {
    mr_env *env;
    const mr_option *opts;
    unsigned n;
} criteria_given;

/* Appends the criteria for the rows of the leaf. */
static mr_status find_criteria(const criteria_given *p, const mr_mapper *mapper, mr_node *object, mr_node *leaf,
                               criteria_found *f) {
    mr_node *unit = mapper->nparts > 1 ? unit_of(object, leaf, mapper) : leaf;
    for (unsigned i = 0; i < p->n; i++) {
        const mr_loader_criterion *c = p->opts[i].kind == MR_OPTION_CRITERIA ? p->opts[i].criterion : NULL;
        if (!c || !mr_mapper_isa(mapper, c->mapper) || ((leaf->flags & MR_NODE_GIVEN) && !c->aliases)) continue;
        if (!mr_mapper_reads(mapper, c->mapper->table)) continue; /* a concrete class has a table of its own */
        mr_node *made = NULL;
        if (mr_expression_through(p->env, c->expression, mapper, unit, &made) != MR_OK || add_once(f, made) != MR_OK)
            return MR_FAIL;
    }
    return MR_OK;
}

static mr_status criterion_of(void *ud, const mr_node *select, bool outermost, mr_node *object, mr_node *leaf,
                              mr_node **out) {
    const criteria_given *p = ud;
    const mr_mapper *mapper = leaf->reader;
    *out = NULL;
    if (!mapper && leaf->kind == MR_NODE_TABLE) mapper = class_named(select->u.select, outermost, leaf->u.table);
    if (!mapper) return MR_OK;
    criteria_found f = {p->env, {0}, NULL};
    mr_vec_init(&f.nodes, p->env, sizeof(mr_node *));
    mr_status status = find_criteria(p, mapper, object, leaf, &f);
    if (status == MR_OK && f.nodes.len > 0) {
        *out = mr_sql_list(p->env, MR_OP_AND, f.nodes.data, f.nodes.len); /* consumes the nodes */
        if (!*out) status = MR_FAIL;
    } else {
        for (size_t i = 0; i < f.nodes.len; i++) mr_node_release(mr_vec_ptr(&f.nodes, i));
    }
    forget_said(&f);
    return status;
}

/* Puts the node with the criteria in place of *node. */
static mr_status apply(criteria_given *p, mr_node **node) {
    const mr_narrowing how = {criterion_of, p};
    mr_node *made = NULL;
    mr_status status = mr_node_narrow(*node, &how, &made);
    mr_node_release(*node);
    *node = made;
    return status;
}

mr_status mr_loader_criteria_apply(mr_planner *p, mr_node **select) {
    criteria_given given = {p->env, p->opts, p->nopts};
    return p->plan->ncriteria == 0 ? MR_OK : apply(&given, select);
}

mr_status mr_load_narrow(const mr_query *q, mr_node **node) {
    criteria_given given = {q->env, q->options, q->noptions};
    bool any = false;
    for (unsigned i = 0; i < q->noptions; i++) any = any || q->options[i].kind == MR_OPTION_CRITERIA;
    return any && *node ? apply(&given, node) : MR_OK;
}

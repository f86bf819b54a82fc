/*
 * build.c: criteria as SQL expressions.
 *
 * Invariant: each expression is a constructor's, and each value a parameter. A condition that is built is true in SQL
 * exactly where the text's is; where the text's is not, it is false or NULL. What a NOT stands before is made
 * two-valued first (IS NOT true).
 */
#include "tree.h"

/* A scope of the text that is being built: its class is read from `from`. */
typedef struct room {
    const mr_scope *scope;
    mr_node *from;     /* the alias of the class, borrowed; NULL: the class itself */
    bool joins;        /* references are joined to it; otherwise they are read by subqueries */
    mr_node **aliases; /* for each path: what is joined, one reference; or NULL */
} room;

typedef struct builder {
    mr_env *env;
    const mr_criterion *criterion;
    const mr_criteria_hooks *hooks;
    const mr_query *shares; /* the query that the joins of the outermost scope are added to; or NULL */
    bool failed;
} builder;

static mr_node *condition(builder *b, room *r, const mr_term *t);
static mr_node *value(builder *b, room *r, const mr_term *t);

static mr_status open_room(builder *b, room *r) {
    r->aliases = r->scope->npaths ? mr_calloc(b->env, r->scope->npaths * sizeof(mr_node *)) : NULL;
    return r->aliases || !r->scope->npaths ? MR_OK : MR_FAIL;
}

static void close_room(builder *b, room *r) {
    for (unsigned i = 0; r->aliases && i < r->scope->npaths; i++) mr_node_release(r->aliases[i]);
    mr_free(b->env, r->aliases);
}

/* ---------------------------------------------------------------- references */

/* Are all steps of the path joined? Not where a step may lead to several rows: parents would be repeated. */
static bool is_joined(const room *r, const mr_path *path) {
    for (; path; path = path->from)
        if (!r->joins || !mr_along_is_single(path->along->relationship)) return false;
    return true;
}

/* The join of the query along the same reference that an earlier criterion needs. */
static mr_node *shared_alias(const builder *b, const mr_path *path, const mr_node *left) {
    for (unsigned i = 0; b->shares && i < b->shares->njoins; i++) {
        const mr_query_join *join = &b->shares->joins[i];
        if (join->implied && join->along == path->along && join->left_alias == left) return join->target;
    }
    return NULL;
}

/* What the class behind the path is read from. Borrowed; NULL: failed. */
static mr_node *alias_of(builder *b, room *r, const mr_path *path) {
    mr_node **place = &r->aliases[path->number];
    if (*place) return *place;
    mr_node *left = path->from ? alias_of(b, r, path->from) : r->from;
    if (path->from && !left) return NULL;
    mr_node *shared = shared_alias(b, path, left);
    *place = shared ? mr_node_retain(shared) : mr_class_alias(path->mapper, NULL);
    return *place;
}

/* A chain of steps that is read by a subquery. */
typedef struct chain {
    mr_node *from;  /* what the subquery reads, joined; NULL: the path is empty, or joined already */
    mr_node *where; /* how it belongs to the scope around it */
    mr_node *last;  /* what the class at the end is read from, borrowed */
    mr_node *outer; /* what the chain begins at, borrowed; NULL: the class of the scope */
    mr_mapper *outer_mapper;
    bool single;
} chain;

static void drop_chain(chain *c) {
    mr_node_release(c->from);
    mr_node_release(c->where);
}

/* Adds a step behind the chain. */
static mr_status add_step(builder *b, chain *c, const mr_path *path) {
    const mr_relationship *rel = path->along->relationship;
    mr_node *alias = mr_class_alias(path->mapper, NULL), *link = NULL, *on = NULL;
    if (alias && rel->secondary) link = mr_sql_alias(b->env, mr_sql_table(b->env, rel->secondary), NULL);
    mr_node *local = c->from ? c->last : c->outer;
    if (!alias || (rel->secondary && !link) || mr_along_condition(path->along, local, alias, link, &on) != MR_OK) {
        mr_node_release(alias);
        mr_node_release(link);
        return MR_FAIL;
    }
    c->last = alias;
    c->single = c->single && mr_along_is_single(rel);
    if (link)
        alias =
            mr_sql_join(b->env, MR_OP_INNER, link, alias, mr_sql_raw(b->env, mr_type_simple(MR_TYPE_BOOLEAN), "true"));
    if (!c->from) {
        c->from = alias;
        c->where = on;
        return alias ? MR_OK : MR_FAIL;
    }
    c->from = mr_sql_join(b->env, MR_OP_INNER, c->from, alias, on);
    return c->from ? MR_OK : MR_FAIL;
}

static mr_status add_steps(builder *b, room *r, chain *c, const mr_path *path) {
    if (!path) return MR_OK;
    if (is_joined(r, path)) {
        c->outer = c->last = alias_of(b, r, path);
        c->outer_mapper = path->mapper;
        return c->outer ? MR_OK : MR_FAIL;
    }
    return add_steps(b, r, c, path->from) == MR_OK ? add_step(b, c, path) : MR_FAIL;
}

static mr_status begin_chain(builder *b, room *r, const mr_path *path, chain *c) {
    *c = (chain){.outer = r->from, .last = r->from, .outer_mapper = r->scope->mapper, .single = true};
    if (add_steps(b, r, c, path) == MR_OK) return MR_OK;
    drop_chain(c);
    return MR_FAIL;
}

/* (SELECT x FROM the chain). Consumes x. */
static mr_node *read_chain(builder *b, chain *c, mr_node *x) {
    mr_select s = {0};
    const mr_value one = mr_int_value(1);
    s.columns = mr_sql_list_append(b->env, NULL, x);
    s.from = mr_sql_list_append(b->env, NULL, c->from);
    s.where = c->where;
    s.correlate = mr_along_correlated(c->outer_mapper, c->outer);
    if (!c->single) s.limit = mr_sql_bind(b->env, mr_type_simple(MR_TYPE_INTEGER), &one);
    if (s.columns && s.from && s.correlate && (c->single || s.limit))
        return mr_sql_scalar(b->env, mr_sql_select(b->env, &s));
    mr_node_release(s.columns);
    mr_node_release(s.from);
    mr_node_release(s.where);
    mr_node_release(s.correlate);
    mr_node_release(s.limit);
    return NULL;
}

/* The attribute as it is read from a FROM object of its class; NULL: the class itself. */
static mr_node *attribute(builder *b, const mr_term *t, mr_mapper *mapper, mr_node *from) {
    if (t->kind == MR_TERM_COLUMN) return from ? mr_property_node(t->prop, from) : mr_property_node_of(t->prop, mapper);
    mr_criteria_attribute made = {0};
    mr_status status =
        b->hooks->describe ? b->hooks->describe(b->hooks->ud, mapper, from, t->name, NULL, &made) : MR_NOTFOUND;
    if (status == MR_OK && made.expression) {
        if (made.expression->kind != MR_NODE_LABEL) return made.expression;
        mr_node *inner = mr_node_retain(made.expression->child[0]);
        mr_node_release(made.expression);
        return inner;
    }
    if (status != MR_FAIL) mr_fail(b->env, MR_ERR_ARGUMENT, "%s.%s is no attribute any more", mapper->name, t->name);
    return NULL;
}

static mr_node *column(builder *b, room *r, const mr_term *t) {
    chain c;
    mr_mapper *mapper = t->path ? t->path->mapper : r->scope->mapper;
    if (begin_chain(b, r, t->path, &c) != MR_OK) return NULL;
    mr_node *x = attribute(b, t, mapper, c.last);
    if (!c.from) return x;
    if (x) return read_chain(b, &c, x);
    drop_chain(&c);
    return NULL;
}

/* The reference leads to nothing. */
static mr_node *leads_nowhere(builder *b, room *r, const mr_path *path) {
    chain c;
    mr_node *made = NULL;
    if (begin_chain(b, r, path->from, &c) != MR_OK) return NULL;
    const mr_status status = mr_criterion_nothing(path->along, c.last, false, &made);
    if (!c.from) return status == MR_OK ? made : NULL;
    /* There is no object before it, or that one leads to nothing: the subquery gives the key of what it leads to. */
    mr_node_release(made);
    drop_chain(&c);
    if (status != MR_OK || begin_chain(b, r, path, &c) != MR_OK) return NULL;
    mr_node *one = mr_sql_raw(b->env, mr_type_simple(MR_TYPE_INTEGER), "1");
    c.single = false;
    return mr_sql_binary(b->env, MR_OP_IS, read_chain(b, &c, one),
                         mr_sql_raw(b->env, mr_type_simple(MR_TYPE_NULL), "NULL"));
}

/* ---------------------------------------------------------------- lists */

/* Joins what the criteria of the scope have named. Consumes from. */
static mr_node *with_joins(builder *b, const room *r, mr_node *from) {
    for (const mr_path *path = r->scope->paths; path && from; path = path->next) {
        mr_node *alias = r->aliases[path->number], *on = NULL;
        if (!alias) continue;
        mr_node *left = path->from ? r->aliases[path->from->number] : r->from;
        if (mr_along_condition(path->along, left, alias, NULL, &on) != MR_OK) {
            mr_node_release(from);
            return NULL;
        }
        from = mr_sql_join(b->env, MR_OP_LEFT, from, mr_node_retain(alias), on);
    }
    return from;
}

static mr_node *true_word(builder *b) { return mr_sql_raw(b->env, mr_type_simple(MR_TYPE_BOOLEAN), "true"); }

/* Not true: false, or NULL. Consumes x. */
static mr_node *untrue(builder *b, mr_node *x) { return mr_sql_binary(b->env, MR_OP_IS_NOT, x, true_word(b)); }

/* The SELECT of item over the rows of the list that meet its condition; negated: that do not. Consumes item. */
static mr_node *select_related(builder *b, room *r, const mr_term *t, bool negated, mr_node *item) {
    const mr_relationship *rel = t->prop->relationship;
    room inner = {.scope = t->scope, .from = mr_class_alias(rel->target, NULL), .joins = true};
    mr_select s = {0};
    chain c;
    mr_node *link = NULL, *on = NULL, *own = NULL, *made = NULL;
    if (!inner.from || begin_chain(b, r, t->path, &c) != MR_OK) {
        mr_node_release(inner.from);
        mr_node_release(item);
        return NULL;
    }
    if (rel->secondary) link = mr_sql_alias(b->env, mr_sql_table(b->env, rel->secondary), NULL);
    bool good = open_room(b, &inner) == MR_OK && (link || !rel->secondary) &&
                mr_along_condition(t->prop, c.last, inner.from, link, &on) == MR_OK;
    if (good && t->n) {
        const mr_query *shares = b->shares;
        b->shares = NULL;
        own = condition(b, &inner, t->child[0]);
        if (own && negated) own = untrue(b, own);
        b->shares = shares;
        good = own != NULL;
    }
    if (good) {
        if (c.from) s.from = mr_sql_list_append(b->env, NULL, c.from);
        if (link && (s.from || !c.from)) s.from = mr_sql_list_append(b->env, s.from, mr_node_retain(link));
        if (s.from || (!c.from && !link))
            s.from = mr_sql_list_append(b->env, s.from, with_joins(b, &inner, mr_node_retain(inner.from)));
        mr_node *const parts[] = {c.where, on, own};
        s.where = mr_sql_list(b->env, MR_OP_AND, parts, 3);
        s.columns = mr_sql_list_append(b->env, NULL, item);
        s.correlate = mr_along_correlated(c.outer_mapper, c.outer);
        if (s.from && s.where && s.columns && s.correlate) {
            made = mr_sql_select(b->env, &s);
        } else {
            mr_node_release(s.from);
            mr_node_release(s.where);
            mr_node_release(s.columns);
            mr_node_release(s.correlate);
        }
    } else {
        drop_chain(&c);
        mr_node_release(on);
        mr_node_release(own);
        mr_node_release(item);
    }
    mr_node_release(link);
    close_room(b, &inner);
    mr_node_release(inner.from);
    return made;
}

static mr_node *exists(builder *b, room *r, const mr_term *t, bool negated) {
    mr_node *one = mr_sql_raw(b->env, mr_type_simple(MR_TYPE_INTEGER), "1");
    return one ? mr_sql_exists(b->env, select_related(b, r, t, negated, one)) : NULL;
}

static mr_node *count(builder *b, room *r, const mr_term *t) {
    const mr_type *integer = mr_type_simple(MR_TYPE_INTEGER);
    mr_node *star = mr_sql_raw(b->env, integer, "*");
    mr_node *item = star ? mr_sql_func(b->env, "count", integer, &star, 1) : NULL;
    return item ? mr_sql_scalar(b->env, select_related(b, r, t, false, item)) : NULL;
}

/* ---------------------------------------------------------------- values */

static mr_node *bind(builder *b, const mr_term *t, const mr_value *v) {
    return mr_sql_bind(b->env, t->type && v->kind != MR_FLOAT ? t->type : mr_type_natural((mr_kind)v->kind), v);
}

static mr_node *given(builder *b, const mr_term *t) { return bind(b, t, b->criterion->values[t->use].values); }

/* A divisor that is 0 gives NULL, in databases, too, that raise. */
static mr_node *divisor(builder *b, room *r, const mr_term *t) {
    const mr_value *v = t->kind == MR_TERM_CONSTANT    ? &t->value
                        : t->kind == MR_TERM_PARAMETER ? b->criterion->values[t->use].values
                                                       : NULL;
    mr_node *x = value(b, r, t);
    const mr_value zero = mr_int_value(0);
    if (!x || (v && mr_value_compare(v, &zero) != 0)) return x;
    mr_node *const both[2] = {x, mr_sql_bind(b->env, mr_type_simple(MR_TYPE_INTEGER), &zero)};
    const mr_type *type = x->type;
    return mr_sql_func(b->env, "nullif", type, both, 2);
}

static mr_node *arithmetic(builder *b, room *r, const mr_term *t) {
    mr_node *left = value(b, r, t->child[0]);
    if (!left) return NULL;
    bool divides = t->op == MR_OP_DIV || t->op == MR_OP_MOD;
    mr_node *right = divides ? divisor(b, r, t->child[1]) : value(b, r, t->child[1]);
    if (t->op == MR_OP_MOD) return mr_sql_floor_mod(b->env, left, right);
    if (t->floors) return mr_sql_floor_div(b->env, left, right);
    return mr_sql_binary(b->env, (mr_op)t->op, left, right);
}

static mr_node *concatenated(builder *b, room *r, const mr_term *t) {
    mr_node *all = NULL;
    for (uint32_t i = 0; i < t->n; i++) {
        mr_node *part = value(b, r, t->child[i]);
        all = i ? mr_sql_binary(b->env, MR_OP_CONCAT, all, part) : part;
        if (!all) return NULL;
    }
    return all;
}

static mr_node *function(builder *b, room *r, const mr_term *t, const char *name, const mr_type *type) {
    mr_node *x = value(b, r, t->child[0]);
    return x ? mr_sql_func(b->env, name, type, &x, 1) : NULL;
}

static mr_node *value(builder *b, room *r, const mr_term *t) {
    switch ((mr_term_kind)t->kind) {
    case MR_TERM_CONSTANT:
        return bind(b, t, &t->value);
    case MR_TERM_PARAMETER:
        return given(b, t);
    case MR_TERM_COLUMN:
    case MR_TERM_DESCRIBED:
        return column(b, r, t);
    case MR_TERM_NEGATIVE:
        return mr_sql_unary(b->env, MR_OP_NEG, value(b, r, t->child[0]));
    case MR_TERM_ARITHMETIC:
        return arithmetic(b, r, t);
    case MR_TERM_CONCAT:
        return concatenated(b, r, t);
    case MR_TERM_LENGTH:
        return function(b, r, t, "octet_length", mr_type_simple(MR_TYPE_INTEGER));
    case MR_TERM_LOWER:
        return function(b, r, t, "lower", mr_type_simple(MR_TYPE_STRING));
    case MR_TERM_UPPER:
        return function(b, r, t, "upper", mr_type_simple(MR_TYPE_STRING));
    case MR_TERM_COUNT:
        return count(b, r, t);
    default:
        mr_fail(b->env, MR_ERR_ARGUMENT, "the text has a condition where a value is needed");
        return NULL;
    }
}

/* ---------------------------------------------------------------- comparisons */

static mr_node *null_test(builder *b, room *r, const mr_term *x, bool is) {
    if (x->kind == MR_TERM_REFERENCE) {
        mr_node *nothing = leads_nowhere(b, r, x->path);
        return !nothing || is ? nothing : mr_sql_not(b->env, nothing);
    }
    mr_node *null = mr_sql_raw(b->env, mr_type_simple(MR_TYPE_NULL), "NULL");
    return mr_sql_binary(b->env, is ? MR_OP_IS : MR_OP_IS_NOT, value(b, r, x), null);
}

static mr_node *either(builder *b, mr_node *x, mr_node *y) {
    if (!x || !y) {
        mr_node_release(x);
        mr_node_release(y);
        return NULL;
    }
    mr_node *const both[2] = {x, y};
    return mr_sql_list(b->env, MR_OP_OR, both, 2);
}

static mr_node *both_nil(builder *b, room *r, const mr_term *x, const mr_term *y) {
    mr_node *first = null_test(b, r, x, true);
    return first ? mr_sql_and(b->env, first, null_test(b, r, y, true)) : NULL;
}

/* The boolean is the word. */
static mr_node *is_word(builder *b, room *r, const mr_term *x, bool word) {
    mr_node *literal = mr_sql_raw(b->env, mr_type_simple(MR_TYPE_BOOLEAN), word ? "true" : "false");
    return mr_sql_binary(b->env, MR_OP_EQ, value(b, r, x), literal);
}

static const mr_value *known_value(const builder *b, const mr_term *t) {
    if (t->kind == MR_TERM_CONSTANT) return &t->value;
    return t->kind == MR_TERM_PARAMETER ? b->criterion->values[t->use].values : NULL;
}

/* x == y for booleans. Two of them are compared as truths: they may be stored in different spellings. */
static mr_node *equal_booleans(builder *b, room *r, const mr_term *x, const mr_term *y) {
    const mr_value *v = known_value(b, x);
    if (v && !known_value(b, y)) return is_word(b, r, y, v->u.i != 0);
    v = known_value(b, y);
    if (v) return is_word(b, r, x, v->u.i != 0);
    mr_node *yes = mr_sql_and(b->env, is_word(b, r, x, true), is_word(b, r, y, true));
    mr_node *no = yes ? mr_sql_and(b->env, is_word(b, r, x, false), is_word(b, r, y, false)) : NULL;
    mr_node *made = either(b, yes, no);
    return made && x->nullable && y->nullable ? either(b, made, both_nil(b, r, x, y)) : made;
}

static bool is_decimal(const mr_term *t) { return t->group == MR_CRITERIA_DECIMAL; }

static mr_node *pair(builder *b, room *r, mr_op op, const mr_term *x, const mr_term *y) {
    mr_node *left = value(b, r, x);
    return left ? mr_sql_binary(b->env, op, left, value(b, r, y)) : NULL;
}

/* x == y: nil equals nil. */
static mr_node *equal(builder *b, room *r, const mr_term *x, const mr_term *y) {
    if (x->group == MR_CRITERIA_BOOLEAN && y->group == MR_CRITERIA_BOOLEAN) return equal_booleans(b, r, x, y);
    if (!x->nullable || !y->nullable) return pair(b, r, MR_OP_EQ, x, y);
    if (is_decimal(x) || is_decimal(y)) return either(b, pair(b, r, MR_OP_EQ, x, y), both_nil(b, r, x, y));
    return pair(b, r, MR_OP_IS_NOT_DISTINCT, x, y);
}

static mr_node *unequal(builder *b, room *r, const mr_term *x, const mr_term *y) {
    bool boolean = x->group == MR_CRITERIA_BOOLEAN && y->group == MR_CRITERIA_BOOLEAN;
    const mr_value *word = boolean ? known_value(b, y) : NULL;
    if (word && !known_value(b, x)) {
        mr_node *literal = mr_sql_raw(b->env, mr_type_simple(MR_TYPE_BOOLEAN), word->u.i ? "true" : "false");
        return mr_sql_binary(b->env, MR_OP_IS_NOT, value(b, r, x), literal);
    }
    if (boolean || is_decimal(x) || is_decimal(y)) {
        mr_node *same = equal(b, r, x, y);
        return same ? untrue(b, same) : NULL;
    }
    return pair(b, r, x->nullable || y->nullable ? MR_OP_IS_DISTINCT : MR_OP_NE, x, y);
}

static mr_node *compared(builder *b, room *r, const mr_term *t) {
    const mr_term *x = t->child[0], *y = t->child[1];
    if (!t->sql && t->op == MR_OP_EQ) return equal(b, r, x, y);
    if (!t->sql && t->op == MR_OP_NE) return unequal(b, r, x, y);
    bool boolean = x->group == MR_CRITERIA_BOOLEAN && y->group == MR_CRITERIA_BOOLEAN;
    if (boolean && known_value(b, y)) {
        bool word = (known_value(b, y)->u.i != 0) == (t->op == MR_OP_EQ);
        return is_word(b, r, x, word);
    }
    return pair(b, r, (mr_op)t->op, x, y);
}

static mr_node *listed(builder *b, room *r, const mr_term *t) {
    const mr_term *x = t->child[0], *list = t->child[1];
    mr_node *left = value(b, r, x);
    if (!left) return NULL;
    if (list->kind == MR_TERM_PARAMETER) {
        const mr_criteria_values *v = &b->criterion->values[list->use];
        const mr_type *type = list->type ? list->type : left->type;
        return mr_sql_binary(b->env, (mr_op)t->op, left, mr_sql_binds(b->env, type, v->values, v->n));
    }
    mr_value few[16], *values = list->n <= 16 ? few : mr_alloc(b->env, list->n * sizeof *values);
    const mr_type *type = x->type ? x->type : left->type;
    bool opaque = false;
    for (uint32_t i = 0; values && i < list->n; i++) {
        values[i] = *known_value(b, list->child[i]);
        opaque = opaque || values[i].kind == MR_OPAQUE;
    }
    mr_node *binds = values ? mr_sql_binds(b->env, type, values, list->n) : NULL;
    if (values != few) mr_free(b->env, values);
    return mr_sql_binary(b->env, (mr_op)t->op, left, binds);
}

/* ---------------------------------------------------------------- patterns */

enum { ESCAPE = '/' };

/* The text as a pattern that matches it as it is. */
static mr_node *escaped(builder *b, const mr_value *text, unsigned matches) {
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
    const mr_value pattern = mr_text_value(s ? s : "", out.len);
    mr_node *made = s ? mr_sql_bind(b->env, mr_type_simple(MR_TYPE_STRING), &pattern) : NULL;
    mr_strbuf_done(&out);
    return made;
}

static mr_node *like(builder *b, room *r, const mr_term *t) {
    mr_node *left = value(b, r, t->child[0]);
    if (!left) return NULL;
    if (!t->matches) return mr_sql_like(b->env, (mr_op)t->op, left, value(b, r, t->child[1]), NULL);
    mr_node *pattern = escaped(b, known_value(b, t->child[1]), t->matches);
    if (!pattern) {
        mr_node_release(left);
        return NULL;
    }
    return mr_sql_like(b->env, (mr_op)t->op, left, pattern, "/");
}

/* ---------------------------------------------------------------- conditions */

static mr_node *many(builder *b, room *r, const mr_term *t) {
    mr_op op = t->kind == MR_TERM_AND ? MR_OP_AND : MR_OP_OR;
    mr_node *all = NULL;
    for (uint32_t i = 0; i < t->n; i++) {
        mr_node *const both[2] = {all, condition(b, r, t->child[i])};
        if (!both[1]) {
            mr_node_release(all);
            return NULL;
        }
        all = mr_sql_list(b->env, op, both, 2);
        if (!all) return NULL;
    }
    return all;
}

/* A boolean that stands as a condition. */
static mr_node *truth(builder *b, room *r, const mr_term *t) {
    const mr_value *v = known_value(b, t);
    if (v) return mr_sql_raw(b->env, mr_type_simple(MR_TYPE_BOOLEAN), v->kind == MR_BOOL && v->u.i ? "true" : "false");
    return value(b, r, t);
}

/* not x: the opposite operator where there is one that takes NULL for a value, too. */
static mr_node *negated(builder *b, room *r, const mr_term *x) {
    switch ((mr_term_kind)x->kind) {
    case MR_TERM_NOT:
        return condition(b, r, x->child[0]);
    case MR_TERM_NIL:
        return null_test(b, r, x->child[0], false);
    case MR_TERM_COMPARE:
        if (!x->sql && x->op == MR_OP_EQ) return unequal(b, r, x->child[0], x->child[1]);
        if (!x->sql && x->op == MR_OP_NE) return equal(b, r, x->child[0], x->child[1]);
        break;
    case MR_TERM_ANY:
        return mr_sql_not(b->env, exists(b, r, x, false));
    case MR_TERM_NONE:
        return exists(b, r, x, false);
    case MR_TERM_ALL:
        return exists(b, r, x, true);
    default:
        break;
    }
    mr_node *made = condition(b, r, x);
    return made ? untrue(b, made) : NULL;
}

static mr_node *condition(builder *b, room *r, const mr_term *t) {
    switch ((mr_term_kind)t->kind) {
    case MR_TERM_AND:
    case MR_TERM_OR:
        return many(b, r, t);
    case MR_TERM_NOT:
        return negated(b, r, t->child[0]);
    case MR_TERM_NIL:
        return null_test(b, r, t->child[0], true);
    case MR_TERM_COMPARE:
        return compared(b, r, t);
    case MR_TERM_IN:
        return listed(b, r, t);
    case MR_TERM_LIKE:
        return like(b, r, t);
    case MR_TERM_ANY:
        return exists(b, r, t, false);
    case MR_TERM_NONE:
        return mr_sql_not(b->env, exists(b, r, t, false));
    case MR_TERM_ALL:
        return mr_sql_not(b->env, exists(b, r, t, true));
    default:
        return truth(b, r, t);
    }
}

/* ---------------------------------------------------------------- the whole */

static builder builder_of(const mr_criterion *c) {
    const mr_criteria_state *s = mr_criteria_state_of(c->criteria->env);
    static const mr_criteria_hooks none = {0};
    return (builder){.env = c->criteria->env, .criterion = c, .hooks = s ? &s->hooks : &none};
}

/* *out: the condition, with the criterion that it was made of. */
static mr_status wrap(mr_criterion *c, mr_node *made, mr_node **out) {
    const mr_criteria_state *s = mr_criteria_state_of(c->criteria->env);
    if (!made || !s) {
        mr_node_release(made);
        return MR_FAIL;
    }
    mr_value of = mr_value_of(MR_OPAQUE, 0);
    of.tag = s->tag;
    of.u.p = c;
    *out = mr_sql_criterion(made->env, made, &of);
    return *out ? MR_OK : MR_FAIL;
}

mr_status mr_criterion_node(mr_criterion *c, mr_node **out) {
    builder b = builder_of(c);
    room r = {.scope = c->criteria->scope, .from = c->alias};
    if (open_room(&b, &r) != MR_OK) return MR_FAIL;
    mr_node *made = condition(&b, &r, c->criteria->root);
    close_room(&b, &r);
    return wrap(c, made, out);
}

/* The query with the joins that the room has. */
static mr_query *joined(const builder *b, const room *r, const mr_query *q) {
    mr_query *made = mr_query_retain((mr_query *)(uintptr_t)q);
    for (const mr_path *path = r->scope->paths; path && made; path = path->next) {
        mr_node *alias = r->aliases[path->number];
        mr_node *left = path->from ? r->aliases[path->from->number] : r->from;
        if (!alias || shared_alias(b, path, left)) continue;
        const mr_query_join join = {.kind = MR_OP_LEFT,
                                    .along = path->along,
                                    .left_alias = mr_node_retain(left),
                                    .mapper = path->mapper,
                                    .target = mr_node_retain(alias),
                                    .implied = true};
        mr_query *next = mr_query_join_on(made, &join);
        mr_query_release(made);
        made = next;
    }
    return made;
}

mr_status mr_criterion_where(mr_criterion *c, const mr_query *q, mr_query **out) {
    builder b = builder_of(c);
    room r = {.scope = c->criteria->scope, .from = c->alias, .joins = true};
    mr_query *with = NULL;
    mr_node *node = NULL;
    b.shares = q;
    *out = NULL;
    if (open_room(&b, &r) != MR_OK) return MR_FAIL;
    mr_node *made = condition(&b, &r, c->criteria->root);
    if (made) with = joined(&b, &r, q);
    close_room(&b, &r);
    if (wrap(c, made, &node) == MR_OK && with) *out = mr_query_where(with, node);
    else if (node) mr_node_release(node);
    mr_query_release(with);
    return *out ? MR_OK : MR_FAIL;
}

static mr_node *alone(mr_node *x) {
    mr_criterion *c = mr_criterion_of(x);
    mr_node *made = NULL;
    if (!c) return mr_node_retain(x);
    return mr_criterion_node(c, &made) == MR_OK ? made : NULL;
}

mr_status mr_criteria_alone(mr_node *where, mr_node **out) {
    bool list = where->kind == MR_NODE_LIST && where->op == MR_OP_AND;
    *out = NULL;
    if (!list) *out = alone(where);
    for (uint32_t i = 0; list && i < where->n; i++) {
        *out = mr_sql_and(where->env, *out, alone(where->child[i]));
        if (!*out) break;
    }
    return *out ? MR_OK : MR_FAIL;
}

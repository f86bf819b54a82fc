/*
 * evaluate.c: computes SQL expressions over an object in memory, as the database would over its row.
 *
 * Invariant: a result is the same that the database gives (text is compared by its bytes). An expression with uncertain
 * results is refused (mr_evaluable), or its result is MR_UNLOADED: "not known".
 */
#include "criteria.h"
#include "evaluate.h"

#include <math.h>
#include <string.h>

enum { MAX_DEPTH = 500 };

/* Values of one group can be compared with one another. */
typedef enum group {
    GROUP_NONE = 0, /* cannot be evaluated */
    GROUP_ANY,      /* NULL */
    GROUP_NUMBER,   /* and truth */
    GROUP_DECIMAL,  /* compared with numbers, too; its arithmetic is left to the database */
    GROUP_TEXT,
    GROUP_BYTES,
    GROUP_DATE,
    GROUP_TIME,
    GROUP_DATETIME
} group;

static mr_value unknown(void) { return mr_value_of(MR_UNLOADED, 0); }

static mr_value truth(bool b) { return mr_int_value(b ? 1 : 0); }

/* ---------------------------------------------------------------- can it be evaluated? */

static group group_of_rules(const mr_type *type) {
    if (!type->rules->evaluated) return GROUP_NONE;
    switch (type->rules->group) {
    case MR_GROUP_INTEGER:
    case MR_GROUP_FLOAT:
    case MR_GROUP_BOOLEAN:
        return GROUP_NUMBER;
    case MR_GROUP_DECIMAL:
        return GROUP_DECIMAL;
    case MR_GROUP_STRING:
    case MR_GROUP_WORD:
        return GROUP_TEXT;
    case MR_GROUP_BYTES:
        return GROUP_BYTES;
    case MR_GROUP_DATE:
        return GROUP_DATE;
    case MR_GROUP_TIME:
        return GROUP_TIME;
    case MR_GROUP_DATETIME:
        return GROUP_DATETIME;
    default:
        return GROUP_NONE;
    }
}

/* Which of a type's variants holds is not known here: all are to be of one group. */
static group group_of_type(const mr_type *type) {
    group found = group_of_rules(type);
    for (const mr_variant *v = type->variants; v; v = v->next)
        if (group_of_rules(v->type) != found) return GROUP_NONE;
    return found;
}

static group group_of_value(const mr_value *v) {
    switch ((mr_kind)v->kind) {
    case MR_NULL:
        return GROUP_ANY;
    case MR_INT:
    case MR_FLOAT:
    case MR_BOOL:
        return GROUP_NUMBER;
    case MR_DECIMAL:
        return GROUP_DECIMAL;
    case MR_TEXT:
        return GROUP_TEXT;
    case MR_BLOB:
        return GROUP_BYTES;
    case MR_DATE:
        return GROUP_DATE;
    case MR_TIME:
        return GROUP_TIME;
    case MR_DATETIME:
        return GROUP_DATETIME;
    default:
        return GROUP_NONE;
    }
}

/* The common group of a and b. GROUP_NONE: they cannot be compared. */
static group both(group a, group b) {
    if (a == GROUP_ANY) return b;
    if ((a == GROUP_DECIMAL && b == GROUP_NUMBER) || (a == GROUP_NUMBER && b == GROUP_DECIMAL)) return GROUP_DECIMAL;
    return b == GROUP_ANY || a == b ? a : GROUP_NONE;
}

static group truth_if(bool can) { return can ? GROUP_NUMBER : GROUP_NONE; }

static group number_if(group g) { return truth_if(g == GROUP_NUMBER || g == GROUP_ANY); }

const mr_value *mr_evaluation_param(const mr_evaluation *x, const char *name) {
    for (size_t i = 0; i < x->nnamed; i++)
        if (strcmp(x->named[i].name, name) == 0) return &x->named[i].value;
    return NULL;
}

static const mr_value *bound(const mr_evaluation *x, const mr_node *node) {
    if (node->name && node->type && node->type->decorator) return NULL; /* it is converted when it is sent */
    const mr_value *given = node->name ? mr_evaluation_param(x, node->name) : NULL;
    if (given || (node->name && !(node->flags & MR_NODE_DEFAULTED))) return given;
    const mr_value *v = mr_value_resolve(node->env, &node->u.value);
    if (!v) mr_env_clear_error(node->env); /* the statement itself will report the error */
    return v;
}

static const mr_property *property_of(const mr_evaluation *x, const mr_node *node) {
    if (node->n > 0 && node->child[0]) return NULL;
    const mr_property *prop = mr_mapper_property_of_column(x->mapper, node->u.column);
    return prop && prop->kind == MR_PROPERTY_COLUMN ? prop : NULL;
}

static group group_of(const mr_evaluation *x, const mr_node *node);

static group group_of_binds(const mr_node *binds) {
    group g = GROUP_ANY;
    for (size_t i = 0; i < binds->u.list.n && g != GROUP_NONE; i++)
        g = both(g, group_of_value(&binds->u.list.values[i]));
    return g;
}

static group group_of_binary(const mr_evaluation *x, const mr_node *node) {
    if (node->n != 2) return GROUP_NONE;
    const mr_node *right = node->child[1];
    group a = group_of(x, node->child[0]), b;
    if (a == GROUP_NONE) return GROUP_NONE;
    switch ((mr_op)node->op) {
    case MR_OP_IN:
    case MR_OP_NOT_IN:
        if (right->kind != MR_NODE_BINDS) return GROUP_NONE;
        return truth_if(both(a, group_of_binds(right)) != GROUP_NONE);
    case MR_OP_EQ:
    case MR_OP_NE:
    case MR_OP_LT:
    case MR_OP_LE:
    case MR_OP_GT:
    case MR_OP_GE:
    case MR_OP_IS:
    case MR_OP_IS_NOT:
    case MR_OP_IS_DISTINCT:
    case MR_OP_IS_NOT_DISTINCT:
        b = group_of(x, right);
        return truth_if(b != GROUP_NONE && both(a, b) != GROUP_NONE);
    case MR_OP_ADD:
    case MR_OP_SUB:
    case MR_OP_MUL:
    case MR_OP_DIV:
    case MR_OP_MOD:
        if (number_if(a) == GROUP_NONE) return GROUP_NONE;
        return number_if(group_of(x, right));
    default:
        return GROUP_NONE;
    }
}

static group group_of_list(const mr_evaluation *x, const mr_node *node) {
    if (node->op != MR_OP_AND && node->op != MR_OP_OR) return GROUP_NONE;
    for (uint32_t i = 0; i < node->n; i++)
        if (number_if(group_of(x, node->child[i])) == GROUP_NONE) return GROUP_NONE;
    return GROUP_NUMBER;
}

static group group_of_between(const mr_evaluation *x, const mr_node *node) {
    group g = GROUP_ANY;
    for (uint32_t i = 0; i < 3; i++) {
        group part = group_of(x, node->child[i]);
        if (part == GROUP_NONE || (g = both(g, part)) == GROUP_NONE) return GROUP_NONE;
    }
    return GROUP_NUMBER;
}

static bool is_word(const mr_node *node, const char *word) {
    return node->kind == MR_NODE_LITERAL_SQL && strcmp(node->name, word) == 0;
}

static group group_of(const mr_evaluation *x, const mr_node *node) {
    const mr_property *prop;
    const mr_value *v;
    switch ((mr_node_kind)node->kind) {
    case MR_NODE_COLUMN:
        prop = property_of(x, node);
        return prop ? group_of_type(mr_column_type(node->env, prop->column)) : GROUP_NONE;
    case MR_NODE_BIND:
        v = bound(x, node);
        return v ? group_of_value(v) : GROUP_NONE;
    case MR_NODE_LITERAL_SQL:
        if (is_word(node, "NULL")) return GROUP_ANY;
        return truth_if(is_word(node, "true") || is_word(node, "false"));
    case MR_NODE_LABEL:
        return group_of(x, node->child[0]);
    case MR_NODE_CRITERION: {
        const mr_criterion *c = mr_criterion_of(node);
        bool own = !mr_criterion_alias(c) && mr_mapper_isa(x->mapper, mr_criterion_mapper(c));
        return truth_if(own && mr_criterion_computable(c, false));
    }
    case MR_NODE_UNARY:
        if (node->op != MR_OP_NOT && node->op != MR_OP_NEG) return GROUP_NONE;
        return number_if(group_of(x, node->child[0]));
    case MR_NODE_BINARY:
        return group_of_binary(x, node);
    case MR_NODE_LIST:
        return group_of_list(x, node);
    case MR_NODE_BETWEEN:
        return group_of_between(x, node);
    default:
        return GROUP_NONE;
    }
}

bool mr_evaluable(const mr_evaluation *x, const mr_node *node) {
    return node->depth <= MAX_DEPTH && group_of(x, node) != GROUP_NONE;
}

/* ---------------------------------------------------------------- values */

/* A boolean becomes 0 or 1, as in databases without booleans; other values stay. */
static mr_value plain(const mr_value *v) {
    if (v->kind == MR_BOOL) return mr_int_value(v->u.i);
    if (group_of_value(v) == GROUP_NONE) return unknown();
    mr_value made = *v;
    made.flags = 0;
    return made;
}

/* A stored value that does not fit the column's type, or the NULL that was read in its place: the database may compare
 * it in another way. */
static bool is_misfit(const mr_type *type, const mr_value *v) {
    if (v->kind == MR_NULL) return v->len != 0;
    if (mr_type_is_boolean(type) && v->kind != MR_BOOL) return true;
    return both(group_of_type(type), group_of_value(v)) == GROUP_NONE;
}

static mr_value column_value(const mr_evaluation *x, mr_entity *e, const mr_node *node) {
    const mr_property *prop = property_of(x, node);
    if (!prop) return unknown();
    mr_entity_touch(e);
    const mr_value *v =
        mr_entity_is_dirty(e, prop->slot) ? mr_entity_committed(e, prop->slot) : mr_entity_slot(e, prop->slot);
    return is_misfit(mr_column_type(node->env, prop->column), v) ? unknown() : plain(v);
}

/* If one operand is NULL, the result is NULL, even when the other is not known. Else if one is not known, the result is
 * not known. */
static bool is_absent(const mr_value *a, const mr_value *b, mr_value *out) {
    if (a->kind == MR_NULL || b->kind == MR_NULL) *out = mr_null_value();
    else if (a->kind == MR_UNLOADED || b->kind == MR_UNLOADED) *out = unknown();
    else return false;
    return true;
}

static bool equal(const mr_value *a, const mr_value *b) { return mr_value_compare(a, b) == 0; }

/* The database compares dates as text. A parameter is compared with every usual spelling of its value, but two columns
 * are equal only if their spellings are. */
static uint32_t spelling_of(const mr_value *v) {
    enum { MICROS = 6 };
    if (v->len) return v->len;
    return (mr_calendar_digits(v) ? MICROS : 0) + 1;
}

static bool is_odd(const mr_value *v) { return v->kind == MR_DECIMAL && v->tag & MR_DECIMAL_ODD; }

static bool is_uncertain(const mr_value *a, const mr_value *b, bool columns) {
    if (a->kind == MR_DECIMAL || b->kind == MR_DECIMAL)
        return a->kind == MR_FLOAT || b->kind == MR_FLOAT || is_odd(a) || is_odd(b);
    if (a->kind != b->kind || a->kind < MR_DATE || a->kind > MR_INTERVAL) return false;
    if (mr_calendar_is_odd(a) || mr_calendar_is_odd(b)) return true;
    return columns && a->u.i == b->u.i && spelling_of(a) != spelling_of(b);
}

static bool is_column(const mr_node *node) {
    while (node->kind == MR_NODE_LABEL) node = node->child[0];
    return node->kind == MR_NODE_COLUMN;
}

static mr_value compared(mr_op op, const mr_value *a, const mr_value *b) {
    mr_value out;
    if (op >= MR_OP_IS && op <= MR_OP_IS_NOT_DISTINCT) {
        if (a->kind == MR_UNLOADED || b->kind == MR_UNLOADED) return unknown();
        return truth(equal(a, b) == (op == MR_OP_IS || op == MR_OP_IS_NOT_DISTINCT));
    }
    if (is_absent(a, b, &out)) return out;
    int order = mr_value_compare(a, b);
    switch (op) {
    case MR_OP_EQ:
        return truth(order == 0);
    case MR_OP_NE:
        return truth(order != 0);
    case MR_OP_LT:
        return truth(order < 0);
    case MR_OP_LE:
        return truth(order <= 0);
    case MR_OP_GT:
        return truth(order > 0);
    default:
        return truth(order >= 0);
    }
}

static mr_value negated(mr_value v) {
    if (v.kind == MR_INT) return truth(v.u.i == 0);
    if (v.kind == MR_FLOAT) return truth(v.u.d == 0);
    return v;
}

/* value IN (list). Nothing is in an empty list, not even NULL. */
static mr_value member(const mr_value *v, const mr_node *binds) {
    bool has_null = false;
    if (binds->u.list.n == 0) return truth(false);
    if (v->kind == MR_NULL || v->kind == MR_UNLOADED) return *v;
    for (size_t i = 0; i < binds->u.list.n; i++) {
        mr_value item = plain(&binds->u.list.values[i]);
        if (item.kind == MR_NULL) has_null = true;
        else if (is_uncertain(v, &item, false)) return unknown();
        else if (equal(v, &item)) return truth(true);
    }
    return has_null ? mr_null_value() : truth(false);
}

/* ---------------------------------------------------------------- arithmetic */

static double real(const mr_value *v) { return v->kind == MR_FLOAT ? v->u.d : (double)v->u.i; }

static mr_value finite_or_unknown(double d) { return isfinite(d) ? mr_float_value(d) : unknown(); }

/* Databases differ when an integer overflows: then the result is not known. */
static mr_value whole(mr_op op, int64_t a, int64_t b) {
    bool over;
    switch (op) {
    case MR_OP_ADD:
        over = b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b;
        return over ? unknown() : mr_int_value(a + b);
    case MR_OP_SUB:
        over = b < 0 ? a > INT64_MAX + b : a < INT64_MIN + b;
        return over ? unknown() : mr_int_value(a - b);
    case MR_OP_MUL: {
        /* INT64_MIN is left to the database, so that abs() cannot overflow here. */
        if (a == INT64_MIN || b == INT64_MIN) return unknown();
        int64_t x = a < 0 ? -a : a, y = b < 0 ? -b : b;
        return y != 0 && x > INT64_MAX / y ? unknown() : mr_int_value(a * b);
    }
    case MR_OP_MOD:
        if (b == 0 || b == -1) return b == 0 ? unknown() : mr_int_value(0);
        return mr_int_value(a % b);
    default:
        return b == 0 ? unknown() : finite_or_unknown((double)a / (double)b);
    }
}

static mr_value calculated(mr_op op, const mr_value *a, const mr_value *b) {
    mr_value out;
    if (is_absent(a, b, &out)) return out;
    if (a->kind == MR_INT && b->kind == MR_INT) return whole(op, a->u.i, b->u.i);
    double x = real(a), y = real(b);
    switch (op) {
    case MR_OP_ADD:
        return finite_or_unknown(x + y);
    case MR_OP_SUB:
        return finite_or_unknown(x - y);
    case MR_OP_MUL:
        return finite_or_unknown(x * y);
    case MR_OP_DIV:
        return y == 0 ? unknown() : finite_or_unknown(x / y);
    default:
        return unknown(); /* the remainder of fractions differs from database to database */
    }
}

static mr_value opposite(mr_value v) {
    mr_value zero = mr_int_value(0);
    if (v.kind == MR_FLOAT) return mr_float_value(-v.u.d);
    return v.kind == MR_INT ? calculated(MR_OP_SUB, &zero, &v) : v;
}

/* ---------------------------------------------------------------- expressions */

static mr_value conjunction(bool is_and, mr_value so_far, mr_value next) {
    mr_value next_truth = next.kind == MR_INT || next.kind == MR_FLOAT ? negated(negated(next)) : next;
    mr_value decisive = truth(!is_and);
    if (so_far.kind == MR_INT && so_far.u.i == decisive.u.i) return so_far;
    if (next_truth.kind == MR_INT) return next_truth.u.i == decisive.u.i ? decisive : so_far;
    /* Undecided: a value that is not known may still decide the result; NULL may not. */
    return so_far.kind == MR_UNLOADED ? so_far : next_truth;
}

static mr_value listed(const mr_evaluation *x, mr_entity *e, const mr_node *node) {
    bool is_and = node->op == MR_OP_AND;
    mr_value so_far = truth(is_and);
    for (uint32_t i = 0; i < node->n; i++) so_far = conjunction(is_and, so_far, mr_evaluate(x, e, node->child[i]));
    return so_far;
}

static mr_value between(const mr_evaluation *x, mr_entity *e, const mr_node *node) {
    mr_value v = mr_evaluate(x, e, node->child[0]);
    mr_value low = mr_evaluate(x, e, node->child[1]), high = mr_evaluate(x, e, node->child[2]);
    for (int i = 1; i <= 2; i++)
        if (is_uncertain(&v, i == 1 ? &low : &high, is_column(node->child[0]) && is_column(node->child[i])))
            return unknown();
    mr_value both_ends = conjunction(true, compared(MR_OP_GE, &v, &low), compared(MR_OP_LE, &v, &high));
    return node->flags & MR_NODE_NEGATED ? negated(both_ends) : both_ends;
}

static mr_value binary(const mr_evaluation *x, mr_entity *e, const mr_node *node) {
    mr_op op = (mr_op)node->op;
    mr_value a = mr_evaluate(x, e, node->child[0]);
    if (op == MR_OP_IN) return member(&a, node->child[1]);
    if (op == MR_OP_NOT_IN) return negated(member(&a, node->child[1]));
    mr_value b = mr_evaluate(x, e, node->child[1]);
    if (is_uncertain(&a, &b, is_column(node->child[0]) && is_column(node->child[1]))) return unknown();
    return op >= MR_OP_ADD ? calculated(op, &a, &b) : compared(op, &a, &b);
}

/* Criteria as text, whose truth is never NULL. */
static mr_value criterion(mr_entity *e, const mr_node *node) {
    bool met = false;
    mr_status status = mr_criterion_of_row(mr_criterion_of(node), e, &met);
    if (status == MR_FAIL) mr_env_clear_error(node->env); /* the database decides */
    return status == MR_OK ? truth(met) : unknown();
}

mr_value mr_evaluate(const mr_evaluation *x, mr_entity *e, const mr_node *node) {
    const mr_value *v;
    switch ((mr_node_kind)node->kind) {
    case MR_NODE_COLUMN:
        return column_value(x, e, node);
    case MR_NODE_BIND:
        v = bound(x, node);
        return v ? plain(v) : unknown();
    case MR_NODE_LITERAL_SQL:
        return is_word(node, "NULL") ? mr_null_value() : truth(is_word(node, "true"));
    case MR_NODE_LABEL:
        return mr_evaluate(x, e, node->child[0]);
    case MR_NODE_CRITERION:
        return criterion(e, node);
    case MR_NODE_UNARY:
        return node->op == MR_OP_NOT ? negated(mr_evaluate(x, e, node->child[0]))
                                     : opposite(mr_evaluate(x, e, node->child[0]));
    case MR_NODE_BINARY:
        return binary(x, e, node);
    case MR_NODE_LIST:
        return listed(x, e, node);
    case MR_NODE_BETWEEN:
        return between(x, e, node);
    default:
        return unknown();
    }
}

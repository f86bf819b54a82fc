/*
 * compile_form.c: comparisons of values that are stored in a form of their own, such as a datetime as seconds since
 * 1970.
 *
 * Invariant: a bind that is compared with such a column is sent in the column's form. Two columns of different forms
 * are never compared: the database would compare numbers with texts, and find nothing.
 */
#include <moonrow/sql.h>

#include "compiler.h"

#include <string.h>

static bool is_bind(const mr_node *node) {
    node = mr_unlabelled(node);
    return node->kind == MR_NODE_BIND || node->kind == MR_NODE_BINDS;
}

const mr_type *mr_form_for(const mr_compiler *c, const mr_node *bind, const mr_node *other) {
    const mr_type *type = mr_typed(c, mr_unlabelled(bind)), *form = mr_typed(c, other);
    if (!is_bind(bind) || is_bind(other) || !form || type == form) return NULL;
    if (!mr_type_stores(form) && !mr_type_is_late(other->type)) return NULL;
    bool texts = mr_type_is_text(type) && mr_type_is_text(form);
    bool fits = texts || !mr_type_is_known(type) || type->rules->group == form->rules->group;
    return fits ? form : NULL;
}

/* Does the expression return values as a column stores them? */
static bool has_form(const mr_node *node) {
    node = mr_unlabelled(node);
    switch (node->kind) {
    case MR_NODE_COLUMN:
    case MR_NODE_FUNC:
    case MR_NODE_SUBQUERY:
    case MR_NODE_CASE:
    case MR_NODE_OVER:
    case MR_NODE_FILTER:
        return true;
    case MR_NODE_UNARY:
        return node->op == MR_OP_NEG;
    case MR_NODE_CAST:
        return !mr_type_is_decimal(node->type) || node->type->rules->sql_read; /* else its text */
    default:
        return false;
    }
}

static bool differ(const mr_compiler *c, const mr_node *a, const mr_node *b) {
    return a->type && b->type && has_form(a) && has_form(b) && !mr_type_same_form(mr_typed(c, a), mr_typed(c, b));
}

static void check_pair(mr_compiler *c, const mr_node *a, const mr_node *b) {
    char left[MR_TYPE_NAME], right[MR_TYPE_NAME];
    if (!differ(c, a, b)) return;
    mr_compile_fail(
        c,
        "the database cannot compare %s with %s: they are stored in different forms (read both, and compare "
        "them in Lua, or declare the same storage)",
        mr_type_name(mr_typed(c, a), left), mr_type_name(mr_typed(c, b), right));
}

/* Is a number, are bytes, or is another word stored for the value's text? */
static bool hides_text(const mr_type *type) {
    const mr_type_rules *rules = type->rules;
    if (type->decorator || !rules->storage) return false;
    if (mr_type_is_decimal(type) || (type->choices && type->forms)) return true;
    return rules->unit != 0 || (rules->sql_as && rules->sql_as->group == MR_GROUP_BYTES);
}

void mr_check_spoken(mr_compiler *c, const mr_node *x) {
    char name[MR_TYPE_NAME];
    x = mr_unlabelled(x);
    if (!x->type || !has_form(x) || !hides_text(mr_typed(c, x))) return;
    mr_compile_fail(c, "the database has no text of %s, but another form of it: mr.cast(x, mr.Text) gives the text",
                    mr_type_name(mr_typed(c, x), name));
}

void mr_check_spoken_call(mr_compiler *c, const mr_node *call) {
    static const char *const names[] = {"concat", "concat_ws", "group_concat", "string_agg",  "aggregate_strings",
                                        "lower",  "upper",     "length",       "char_length", "trim",
                                        "ltrim",  "rtrim",     "substr",       "substring",   "replace",
                                        "instr"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        if (strcmp(call->name, names[k]) != 0) continue;
        for (uint32_t i = 0; i < call->n; i++) {
            const mr_node *x = call->child[i];
            if (x->kind == MR_NODE_UNARY && x->op == MR_OP_DISTINCT) x = x->child[0];
            const bool decimal = x->type && mr_type_is_decimal(mr_typed(c, x)); /* the function is given its value */
            if (!decimal) mr_check_spoken(c, x);
        }
        return;
    }
}

/* The columns of a query that stands in an expression, or NULL. */
static const mr_node *columns_of(const mr_node *node) {
    if (node->kind == MR_NODE_SUBQUERY) node = node->child[0];
    while (node->kind == MR_NODE_COMPOUND) node = node->child[0];
    return node->kind == MR_NODE_SELECT ? node->u.select->columns : NULL;
}

void mr_check_forms(mr_compiler *c, const mr_node *a, const mr_node *b) {
    const mr_node *columns = a->kind == MR_NODE_TUPLE ? columns_of(b) : NULL;
    if (b->kind == MR_NODE_LIST && b->op == MR_OP_COMMA) {
        for (uint32_t i = 0; i < b->n; i++) mr_check_forms(c, a, b->child[i]);
    } else if (a->kind == MR_NODE_TUPLE && b->kind == MR_NODE_TUPLE) {
        for (uint32_t i = 0; i < a->n && i < b->n; i++) check_pair(c, a->child[i], b->child[i]);
    } else if (columns) {
        for (uint32_t i = 0; i < a->n && i < columns->n; i++) check_pair(c, a->child[i], columns->child[i]);
    } else {
        check_pair(c, a, b);
    }
}

/* Decimals are converted by functions. */
static bool are_decimals(const mr_compiler *c, const mr_node *a, const mr_node *b) {
    return c->dialect->decimal_text && a->type && b->type && mr_type_is_decimal(mr_typed(c, a)) &&
           mr_type_is_decimal(mr_typed(c, b));
}

void mr_check_written(mr_compiler *c, const mr_node *column, const mr_node *value) {
    char from[MR_TYPE_NAME], to[MR_TYPE_NAME];
    const bool number = value->type && mr_type_is_number(mr_typed(c, value));
    if (number && mr_type_is_decimal(mr_typed(c, column))) return; /* mr_compile_decimal_written converts it */
    if (!differ(c, column, value)) return;
    mr_compile_fail(
        c,
        "%s cannot be written into a column of %s: they are stored in different forms (read the values, and "
        "write them)",
        mr_type_name(mr_typed(c, value), from), mr_type_name(mr_typed(c, column), to));
}

void mr_check_selected(mr_compiler *c, const mr_node *columns, const mr_node *query) {
    const mr_node *values = columns_of(query);
    for (uint32_t i = 0; values && columns && i < columns->n && i < values->n; i++)
        mr_check_written(c, columns->child[i], values->child[i]);
}

/* Has the second decimal digits behind the point for which the first one has no room? */
static bool is_longer(const mr_compiler *c, const mr_node *first, const mr_node *then) {
    return are_decimals(c, first, then) && mr_typed(c, first)->scale >= 0 &&
           mr_typed(c, then)->scale > mr_typed(c, first)->scale;
}

void mr_check_united(mr_compiler *c, const mr_node *first, const mr_node *query) {
    const mr_node *columns = columns_of(query);
    char is[MR_TYPE_NAME], was[MR_TYPE_NAME];
    for (uint32_t i = 0; first && columns && i < first->n && i < columns->n; i++) {
        const mr_node *a = first->child[i], *b = columns->child[i];
        if (differ(c, a, b) || is_longer(c, a, b))
            mr_compile_fail(c,
                            "%s cannot stand in one column with %s, which the first query of the union has: the column "
                            "is read as the first one says (cast one of them to the type of the other, or begin with "
                            "the one that has more digits)",
                            mr_type_name(mr_typed(c, b), is), mr_type_name(mr_typed(c, a), was));
    }
}

/* ---------------------------------------------------------------- values that become one */

const mr_node *mr_formed(const mr_compiler *c, mr_node *const *items, uint32_t n, uint32_t step) {
    for (uint32_t i = 0; i < n; i += step) {
        const mr_type *type = items[i] && items[i]->type && has_form(items[i]) ? mr_typed(c, items[i]) : NULL;
        if (type && mr_type_stores(type) && !mr_type_is_decimal(type)) return items[i];
    }
    return NULL;
}

void mr_compile_among(mr_compiler *c, const mr_node *item, const mr_node *formed, mr_op against) {
    char one[MR_TYPE_NAME], other[MR_TYPE_NAME];
    if (!formed) {
        mr_compile_operand(c, item, against);
        return;
    }
    if (differ(c, item, formed))
        mr_compile_fail(
            c,
            "the database cannot give %s and %s as one result: they are stored in different forms (read both, "
            "and choose in Lua, or declare the same storage)",
            mr_type_name(mr_typed(c, item), one), mr_type_name(mr_typed(c, formed), other));
    if (!mr_compile_worded(c, mr_typed(c, formed), item)) mr_compile_compared(c, item, formed, against);
}

/* Column i of the first member of a compound whose column i has a form. */
static const mr_node *formed_column(const mr_compiler *c, const mr_node *compound, uint32_t i) {
    for (uint32_t k = 0; k < compound->n; k++) {
        const mr_node *columns = columns_of(compound->child[k]);
        if (columns && i < columns->n && mr_formed(c, &columns->child[i], 1, 1)) return columns->child[i];
    }
    return NULL;
}

void mr_check_compound(mr_compiler *c, const mr_node *compound) {
    char one[MR_TYPE_NAME], other[MR_TYPE_NAME];
    const mr_node *first = columns_of(compound->child[0]);
    for (uint32_t i = 0; first && i < first->n; i++) {
        const mr_node *formed = formed_column(c, compound, i);
        for (uint32_t k = 0; formed && k < compound->n; k++) {
            const mr_node *columns = columns_of(compound->child[k]);
            const mr_node *item = columns && i < columns->n ? columns->child[i] : formed;
            const mr_type *type = item->type ? mr_typed(c, item) : NULL, *form = mr_typed(c, formed);
            if (!type) continue;
            bool texts = mr_type_is_text(type) && mr_type_is_text(form) && type->rules != form->rules;
            bool value = is_bind(item) && mr_type_is_known(type) && (texts || !mr_type_same_form(type, form));
            if (value || differ(c, item, formed))
                mr_compile_fail(
                    c,
                    "a union cannot have %s beside %s: they are stored in different forms (declare the same "
                    "storage; a value gets the column's type by mr.literal(value, column.type))",
                    mr_type_name(type, one), mr_type_name(form, other));
        }
    }
}

void mr_compile_compared(mr_compiler *c, const mr_node *operand, const mr_node *other, mr_op against) {
    c->form = mr_form_for(c, operand, other);
    mr_compile_operand(c, operand, against);
    c->form = NULL;
}

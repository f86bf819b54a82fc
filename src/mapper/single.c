/*
 * single.c: classes that share the table of their base class: what their columns must be like.
 *
 * Invariant: a column of the shared table is that of each class that declares it; the classes that do not declare it
 * leave it NULL.
 */
#include "mapper_private.h"

static bool same_words(const char *const *a, const char *const *b) {
    for (; a && b && *a && *a == *b; a++) b++;
    return (!a || !*a) == (!b || !*b) && (!a || !*a);
}

/* Do both columns store the same? */
static bool is_same_type(mr_env *env, mr_column *a, mr_column *b) {
    const mr_type *x = mr_column_type(env, a), *y = mr_column_type(env, b);
    return x == y || (x->rules == y->rules && x->length == y->length && x->precision == y->precision &&
                      x->scale == y->scale && x->form == y->form && same_words(x->choices, y->choices));
}

void mr_inheritance_share(mr_mapper *m, mr_property *prop, mr_column *there) {
    const mr_mapper *owner = NULL;
    for (size_t i = 0; i < m->registry->mappers.len && !owner; i++) {
        const mr_mapper *other = mr_vec_ptr(&m->registry->mappers, i);
        if (other->table == m->table && mr_mapper_property_of_column(other, there)) owner = other;
    }
    const char *who = owner ? owner->name : m->base->name;
    if (!is_same_type(m->env, prop->column, there)) {
        mr_inheritance_mistake(
            m,
            "%s.%s: %s has a column '%s' in the table '%s' already, of another type: a table has one "
            "column of a name, so give this one another name",
            m->name, prop->name, who, there->name, m->table->name);
        return;
    }
    if (mr_mapper_isa(m, owner)) {
        mr_inheritance_mistake(m, "%s.%s: table '%s' has a column '%s' already: give this one another name", m->name,
                               prop->name, m->table->name, there->name);
        return;
    }
    prop->column = there;
    prop->computed = there->computed != NULL;
}

void mr_inheritance_check_single(mr_mapper *m) {
    for (size_t i = 0; i < m->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&m->columns, i);
        const mr_column *column = prop->column;
        if (prop->mapper != m || column->nullable || !column->nullable_given || mr_column_has_server_default(column))
            continue;
        mr_inheritance_mistake(m,
                               "%s.%s has nullable = false, but the rows of %s are in the same table and have no value "
                               "for it: leave that out, give it a server_default, or give %s a table of its own "
                               "(__tablename)",
                               m->name, prop->name, m->base->name, m->name);
    }
}

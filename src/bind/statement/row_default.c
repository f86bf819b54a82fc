/*
 * row_default.c: the defaults of rows without objects, and the versions of rows of a versioned class.
 *
 * Invariant: such rows get what a flush gives the rows of objects.
 */
#include "row_default.h"

static const mr_column *column_of(const mr_property *prop) {
    return prop && prop->kind == MR_PROPERTY_COLUMN ? prop->column : NULL;
}

static mr_default first_version(const mr_mapper *m) {
    if (m->version_generator)
        return (mr_default){.kind = MR_DEFAULT_FUNCTION, .fn = m->version_generator, .ud = m->version_ud};
    return (mr_default){.kind = MR_DEFAULT_VALUE, .value = mr_int_value(1)};
}

mr_default bind_row_default(const bind_statement *s, const mr_column *column) {
    const mr_mapper *m = s->mapper;
    if (s->kind != MR_NODE_INSERT) return column->onupdate;
    if (m && column == column_of(m->version) && !m->version_by_hand) return first_version(m);
    if (m && column == column_of(m->discriminator) && m->polymorphic_identity.kind != MR_UNLOADED)
        return (mr_default){.kind = MR_DEFAULT_VALUE, .value = m->polymorphic_identity};
    return column->deflt;
}

mr_column *bind_row_version(const bind_statement *s) {
    return s->kind == MR_NODE_UPDATE && s->mapper && s->mapper->version ? s->mapper->version->column : NULL;
}

void bind_check_version(lua_State *L, const bind_statement *s, const mr_column *column, const char *what,
                        bool is_null) {
    if (is_null && s->mapper && column == column_of(s->mapper->version))
        bind_error(L, MR_ERR_INVALID_REQUEST, "%s: a version cannot be NULL: nothing would find the row again", what);
}

void bind_next_version(lua_State *L, const bind_statement *s, const char *what) {
    const mr_mapper *m = s->mapper;
    bind_state *b = bind_of(L);
    mr_value v;
    if (m->version_by_hand) return;
    bind_check_value(L, -1, mr_column_type(b->env, m->version->column), what, &v);
    if (m->version_generator) {
        BIND_TRY(b, L, m->version_generator(b->env, m->version_ud, &v));
    } else {
        v = mr_int_value(v.kind == MR_INT ? v.u.i + 1 : 1);
    }
    bind_push_value(L, &v);
    lua_replace(L, -2);
}

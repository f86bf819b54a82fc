/*
 * compiled.c: compiled statements: their reference counts, and the values of their parameters.
 *
 * Invariant: a compiled statement refers to its nodes only by mr_result_column.node. Code that keeps it longer than the
 * statement's nodes sets these pointers to NULL.
 */
#include <moonrow/sql.h>

#include "literal.h"
#include "node.h"
#include "sqltext.h"

#include <stdio.h>
#include <string.h>

mr_compiled *mr_compiled_from_sql(mr_env *env, const char *sql, size_t len, bool is_write) {
    mr_compiled *c = mr_calloc(env, sizeof *c);
    if (!c) return NULL;
    c->sql = mr_strndup(env, sql, len);
    if (!c->sql) {
        mr_free(env, c);
        return NULL;
    }
    c->refs = 1;
    c->env = env;
    c->sql_len = len;
    c->is_text = true;
    c->is_write = is_write;
    mr_sqltext_traits traits = mr_sqltext_look(sql, len);
    c->is_ddl = traits.is_ddl;
    return c;
}

mr_compiled *mr_compiled_retain(mr_compiled *c) {
    if (c) c->refs++;
    return c;
}

void mr_compiled_release(mr_compiled *c) {
    if (!c || --c->refs > 0) return;
    mr_free(c->env, c->sql);
    mr_free(c->env, c->params);
    mr_free(c->env, c->columns);
    mr_compiled_release(c->many);
    mr_free(c->env, c);
}

/* The values of the only row, "(?, ?)": the end of the SQL. NULL: it does not end so. */
static const char *only_row(const mr_compiled *c) {
    const char *row = strrchr(c->sql, '('), *at = row ? row + 1 : "";
    for (size_t i = 0; i < c->nparams; i++) {
        if (i > 0 && (*at++ != ',' || *at++ != ' ')) return NULL;
        if (*at++ != '?') return NULL;
    }
    static const char before[] = " VALUES ";
    size_t len = sizeof before - 1;
    bool follows = row && (size_t)(row - c->sql) > len && memcmp(row - len, before, len) == 0;
    return follows && strcmp(at, ")") == 0 ? row : NULL;
}

mr_status mr_compiled_many(mr_compiled *c, size_t n, mr_compiled **out) {
    *out = c->many;
    const char *row = c->many ? NULL : only_row(c);
    if (!row || !c->is_write || c->returns_rows || c->nparams == 0) return MR_OK;
    mr_strbuf sql;
    mr_strbuf_init(&sql, c->env);
    mr_strbuf_puts(&sql, c->sql);
    for (size_t i = 1; i < n; i++) mr_strbuf_printf(&sql, ", %s", row);
    const char *text = mr_strbuf_str(&sql);
    mr_compiled *many = text ? mr_compiled_from_sql(c->env, text, sql.len, true) : NULL;
    mr_strbuf_done(&sql);
    if (!many) return MR_FAIL;
    many->is_text = false;
    many->params = mr_alloc(c->env, n * c->nparams * sizeof *many->params);
    if (!many->params) {
        mr_compiled_release(many);
        return MR_FAIL;
    }
    for (size_t i = 0; i < n; i++) memcpy(many->params + i * c->nparams, c->params, c->nparams * sizeof *c->params);
    many->nparams = n * c->nparams;
    *out = c->many = many;
    return MR_OK;
}

/* ---------------------------------------------------------------- values */

/* No value has the parameter's name: says which were given. */
static mr_status no_value(mr_env *env, const char *name, const mr_named_value *named, size_t n) {
    enum { SHOWN = 6 };
    char given[256] = "none";
    size_t len = 0;
    for (size_t i = 0; i < n && i < SHOWN && len < sizeof given; i++) {
        int wrote = snprintf(given + len, sizeof given - len, "%s'%s'", i ? ", " : "", named[i].name);
        if (wrote > 0) len += (size_t)wrote;
    }
    return mr_fail(env, MR_ERR_INVALID_REQUEST, "a value is required for bind parameter '%s' (given: %s%s)", name,
                   given, n > SHOWN ? ", ..." : "");
}

static mr_status named_value(const mr_compiled *c, const mr_param *param, const mr_vec *binds,
                             const mr_named_value *named, size_t n, mr_value *out) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(named[i].name, param->name) != 0) continue;
        *out = named[i].value;
        out->flags &= (uint8_t)~MR_VALUE_OWNED; /* borrowed: coercion must not free it */
        /* The program's functions convert it when it is sent. */
        bool given = param->type->decorator && param->type->decorator->send && param->name[0] != ' ';
        if (given && out->kind != MR_OPAQUE && out->kind != MR_NULL) out->flags |= MR_VALUE_GIVEN;
        if (given) return MR_OK;
        if (param->own && out->kind == MR_OPAQUE) return MR_OK;
        if (mr_value_is_own(c->env, out))
            return mr_fail(c->env, MR_ERR_ARGUMENT, "parameter '%s': expected %s, got a table", param->name,
                           mr_type_wants(param->type));
        /* The library's own parameters have a space in front of their name. Their values come from the database, and
         * are not changed, whatever type the column has. */
        if (param->name[0] != ' ' && mr_type_coerce(c->env, param->type, param->name, out) != MR_OK) return MR_FAIL;
        if (param->name[0] != ' ' && param->written &&
            mr_type_check_length(c->env, param->type, param->name, out) != MR_OK)
            return MR_FAIL;
        *out = mr_param_value(param, out);
        out->flags &= (uint8_t)~MR_VALUE_OWNED;
        return MR_OK;
    }
    if (param->defaulted) return mr_bound_value(c->env, param, binds, out);
    return no_value(c->env, param->name, named, n);
}

mr_status mr_bound_value(mr_env *env, const mr_param *param, const mr_vec *binds, mr_value *out) {
    if (!binds || param->ordinal >= binds->len)
        return mr_fail(env, MR_ERR_INVALID_REQUEST, "a value is required for bind parameter %u",
                       (unsigned)param->ordinal + 1);
    const mr_node *bind = mr_vec_ptr(binds, param->ordinal);
    if (bind->kind == MR_NODE_BINDS && param->whole) {
        return mr_whole_list_value(env, bind, (mr_whole)param->whole, out);
    } else if (bind->kind == MR_NODE_BINDS && bind->u.list.n) {
        bool all = param->spelling != MR_SPELL_PLAIN;
        size_t last = (all ? bind->u.list.nspelled : bind->u.list.n) - 1; /* padding repeats the last value */
        *out = (all ? bind->u.list.spelled : bind->u.list.values)[param->element < last ? param->element : last];
    } else if (bind->kind == MR_NODE_BIND) {
        const mr_value *v = mr_value_resolve(env, &bind->u.value);
        if (!v) return MR_FAIL;
        *out = mr_param_value(param, v);
    } else {
        return mr_fail(env, MR_ERR_INVALID_REQUEST, "the binds are those of another statement");
    }
    out->flags &= (uint8_t)~MR_VALUE_OWNED;
    return MR_OK;
}

mr_status mr_compiled_values(const mr_compiled *c, const mr_vec *binds, const mr_named_value *named, size_t nnamed,
                             mr_value *out) {
    for (size_t i = 0; i < c->nparams; i++) {
        const mr_param *param = &c->params[i];
        mr_status status = param->name ? named_value(c, param, binds, named, nnamed, &out[i])
                                       : mr_bound_value(c->env, param, binds, &out[i]);
        if (status != MR_OK) return status;
    }
    return MR_OK;
}

mr_status mr_param_check(const mr_param *param, mr_value *v, mr_store_room *room) {
    if (mr_type_coerce(room->env, param->type, param->what, v) != MR_OK ||
        mr_type_fit(room->env, param->type, param->what, v, room) != MR_OK)
        return MR_FAIL;
    return mr_type_check_length(room->env, param->type, param->what, v);
}

mr_status mr_param_send(const mr_param *param, mr_value *v, mr_store_room *room) {
    bool own = v->kind == MR_OPAQUE;
    unsigned spelling = own ? v->len : 0; /* of an own value: which one is meant, as in mr_type_spell */
    room->written = param->written;
    room->type = param->type;
    room->what = param->name && param->name[0] != ' ' ? param->name : NULL;
    v->flags = 0;
    mr_status sent =
        own ? mr_value_send(room->env, v, room) : param->type->decorator->send(room->env, param->type, v, room);
    if (sent != MR_OK) return MR_FAIL;
    *v = spelling ? mr_type_spell(param->type, v, spelling) : mr_param_value(param, v);
    return MR_OK;
}

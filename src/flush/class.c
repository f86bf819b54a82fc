/*
 * class.c: the data of a class that a flush needs, with the statements compiled for it. It is kept with the mapper.
 *
 * Invariant: mapper->flush_plans holds one reference to the newest flush_class. When the registry's version has risen,
 * it is replaced, never changed.
 */
#include "rows.h"
#include "statement.h"
#include "tables.h"

#include <string.h>

void mr_flush_class_release(flush_class *cls) {
    if (!cls || --cls->refs > 0) return;
    mr_flush_statements_free(cls);
    mr_flush_link_statements_free(cls);
    mr_free(cls->env, cls->columns);
    mr_free(cls->env, cls->column_of);
    mr_free(cls->env, cls->deps);
    mr_free(cls->env, cls);
}

static void free_kept(void *ud) {
    mr_mapper *mapper = ud;
    mr_flush_class_release(mapper->flush_plans);
    mapper->flush_plans = NULL;
}

/* ---------------------------------------------------------------- columns */

static const char *full_name(mr_env *env, const mr_mapper *mapper, const mr_property *prop) {
    mr_strbuf text;
    mr_strbuf_init(&text, env);
    mr_strbuf_printf(&text, "%s.%s", mapper->name, prop->name);
    const char *s = mr_strbuf_str(&text);
    const char *name = s ? mr_intern(env, s, text.len) : NULL;
    mr_strbuf_done(&text);
    return name;
}

/* Do both attributes have the same slot? special: NULL when the class has no such attribute. */
static bool is_same(const mr_property *special, const mr_property *prop) {
    return special && special->slot == prop->slot;
}

/* What an INSERT does with the column where the object has no value (flush_absent). */
static uint8_t absent_of(const mr_mapper *mapper, const mr_property *prop) {
    const mr_column *column = prop->column;
    bool made = column->deflt.kind != MR_DEFAULT_NONE || mr_column_has_server_default(column) || column->computed;
    if (made || is_same(mapper->discriminator, prop) || is_same(mapper->version, prop)) return ABSENT_STAGED;
    if (!prop->is_primary_key) return ABSENT_NULL;
    return column == mapper->table->autoincrement ? ABSENT_NUMBERED : ABSENT_STAGED;
}

static mr_status add_column(flush_class *cls, const mr_property *prop) {
    mr_env *env = cls->env;
    flush_column made = {.column = prop->column, .slot = prop->slot, .key = prop->is_primary_key};
    made.type = mr_column_type(env, prop->column);
    made.what = full_name(env, cls->mapper, prop);
    if (!made.what) return MR_FAIL;
    made.checked = mr_type_is_limited(made.type);
    cls->computes = cls->computes || prop->column->computed;
    made.absent = absent_of(cls->mapper, prop);
    if (prop->column->onupdate.kind != MR_DEFAULT_NONE || prop->column->computed || is_same(cls->mapper->version, prop))
        cls->onupdates = true;
    made.safe_bytes = mr_type_safe_bytes(made.type);
    /* Inserts in the table's order; this is nearly always the end. */
    unsigned at = cls->ncolumns++;
    while (at > 0 && cls->columns[at - 1].column->index > made.column->index) {
        cls->columns[at] = cls->columns[at - 1];
        at--;
    }
    cls->columns[at] = made;
    return MR_OK;
}

static mr_status add_columns(flush_class *cls) {
    const mr_mapper *mapper = cls->mapper;
    cls->nslots = mapper->nslots;
    cls->columns = mr_calloc(cls->env, (mapper->columns.len + 1) * sizeof *cls->columns);
    cls->column_of =
        mr_alloc(cls->env, ((size_t)mapper->nslots + mapper->npk + mapper->props.len) * sizeof *cls->column_of);
    if (!cls->columns || !cls->column_of) return MR_FAIL;
    for (size_t i = 0; i < mapper->columns.len; i++)
        if (add_column(cls, mr_vec_ptr(&mapper->columns, i)) != MR_OK) return MR_FAIL;
    for (unsigned i = 0; i < mapper->nslots; i++) cls->column_of[i] = FLUSH_NO_COLUMN;
    for (uint16_t i = 0; i < cls->ncolumns; i++) cls->column_of[cls->columns[i].slot] = i;
    cls->key = cls->column_of + mapper->nslots;
    for (unsigned i = 0; i < mapper->npk; i++) {
        cls->key[i] = cls->column_of[mapper->pk_slots[i]];
        cls->columns[cls->key[i]].key = true;
    }
    cls->checked = cls->key + mapper->npk;
    for (uint16_t i = 0; i < cls->ncolumns; i++)
        if (cls->columns[i].checked) cls->checked[cls->nchecked++] = i;
    cls->expressions = cls->checked + cls->nchecked;
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        if (prop->kind != MR_PROPERTY_EXPRESSION) continue;
        cls->expressions[cls->nexpressions++] = prop->slot;
        cls->reads_expressions = cls->reads_expressions || !prop->deferred;
    }
    cls->version_column = mapper->version ? cls->column_of[mapper->version->slot] : FLUSH_NO_COLUMN;
    bool polymorphic = mapper->discriminator && mapper->discriminator->kind == MR_PROPERTY_COLUMN &&
                       mapper->polymorphic_identity.kind != MR_UNLOADED;
    cls->discriminator = polymorphic ? cls->column_of[mapper->discriminator->slot] : FLUSH_NO_COLUMN;
    return MR_OK;
}

/* ---------------------------------------------------------------- relationships */

static mr_status add_dependencies(flush_class *cls) {
    const mr_vec *props = &cls->mapper->props;
    cls->deps = mr_alloc(cls->env, (props->len + 1) * sizeof(mr_relationship *));
    if (!cls->deps) return MR_FAIL;
    for (size_t i = 0; i < props->len; i++) {
        const mr_property *prop = mr_vec_ptr(props, i);
        mr_relationship *rel = prop->kind == MR_PROPERTY_RELATIONSHIP ? prop->relationship : NULL;
        if (rel && rel->configured && !rel->viewonly) cls->deps[cls->ndeps++] = rel;
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- kept with the mapper */

static flush_class *make(mr_mapper *mapper) {
    mr_env *env = mapper->env;
    flush_place place = {0};
    flush_class *cls = mr_calloc(env, sizeof *cls);
    if (!cls) return NULL;
    cls->refs = 1;
    cls->env = env;
    cls->mapper = mapper;
    cls->version = mapper->registry->version;
    mr_vec_init(&cls->links, env, sizeof(void *));
    if (add_columns(cls) != MR_OK || add_dependencies(cls) != MR_OK || mr_flush_statements_init(cls) != MR_OK ||
        mr_flush_place_of(mapper, &place) != MR_OK) {
        mr_flush_class_release(cls);
        return NULL;
    }
    cls->component = place.component;
    cls->rank = place.rank;
    cls->cyclic = place.cyclic;
    return cls;
}

flush_class *mr_flush_class_of(mr_mapper *mapper) {
    flush_class *kept = mapper->flush_plans;
    if (!kept || kept->version != mapper->registry->version) {
        flush_class *made = make(mapper);
        if (!made) return NULL;
        if (!kept && mr_env_on_close(mapper->env, free_kept, mapper) != MR_OK) {
            mr_flush_class_release(made);
            return NULL;
        }
        mr_flush_class_release(kept);
        mapper->flush_plans = kept = made;
    }
    kept->refs++;
    return kept;
}

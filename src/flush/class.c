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
    mr_free(cls->env, cls->parts);
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
    return column == mapper->root->table->autoincrement ? ABSENT_NUMBERED : ABSENT_STAGED;
}

static uint16_t part_of(const mr_mapper *mapper, const mr_column *column) {
    uint16_t part = 0;
    while (part + 1U < mapper->nparts && mapper->parts[part].table != column->table) part++;
    return part;
}

static bool is_behind(const flush_column *a, const flush_column *b) {
    return a->part != b->part ? a->part > b->part : a->column->index > b->column->index;
}

static mr_status add_column(flush_class *cls, const mr_property *prop, mr_column *column) {
    mr_env *env = cls->env;
    flush_column made = {.column = column, .slot = prop->slot, .key = prop->is_primary_key};
    made.type = mr_column_type(env, column);
    made.what = full_name(env, cls->mapper, prop);
    if (!made.what) return MR_FAIL;
    made.part = part_of(cls->mapper, column);
    made.carried = FLUSH_NO_COLUMN;
    made.checked = mr_type_is_limited(made.type);
    cls->computes = cls->computes || column->computed;
    made.absent = absent_of(cls->mapper, prop);
    if (column->onupdate.kind != MR_DEFAULT_NONE || column->computed || is_same(cls->mapper->version, prop))
        cls->onupdates = true;
    made.safe_bytes = mr_type_safe_bytes(made.type);
    /* Inserts in the table's order; this is nearly always the end. */
    unsigned at = cls->ncolumns++;
    for (; at > 0 && is_behind(&cls->columns[at - 1], &made); at--) cls->columns[at] = cls->columns[at - 1];
    cls->columns[at] = made;
    return MR_OK;
}

static mr_status add_all(flush_class *cls) {
    const mr_mapper *mapper = cls->mapper;
    for (size_t i = 0; i < mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->columns, i);
        if (add_column(cls, prop, prop->column) != MR_OK) return MR_FAIL;
    }
    for (size_t i = 0; i < mapper->twins.len; i++) {
        const mr_twin *twin = mr_vec_at(&mapper->twins, i);
        if (add_column(cls, twin->prop, twin->column) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static uint16_t number_of(const flush_class *cls, const mr_column *column) {
    uint16_t c = 0;
    while (c < cls->ncolumns && cls->columns[c].column != column) c++;
    return c;
}

/* Notes which columns have the value of a column of a table before. */
static void find_carried(flush_class *cls) {
    const mr_mapper *mapper = cls->mapper;
    for (size_t i = 0; i < mapper->twins.len; i++) {
        const mr_twin *twin = mr_vec_at(&mapper->twins, i);
        cls->columns[number_of(cls, twin->column)].carried = cls->column_of[twin->prop->slot];
    }
    for (unsigned p = 1; p < mapper->nparts; p++)
        for (unsigned i = 0; i < mapper->npk; i++) {
            flush_column *col = &cls->columns[cls->parts[p].key[i]];
            col->carried = cls->key[i];
            col->key = true;
        }
}

static bool cascades(const mr_column *column) {
    for (const mr_foreign_key *fk = column->foreign_keys; fk; fk = fk->next)
        if (fk->how.onupdate && strcmp(fk->how.onupdate, "CASCADE") == 0) return true;
    return false;
}

static mr_status add_parts(flush_class *cls) {
    const mr_mapper *mapper = cls->mapper;
    size_t nkeys = (size_t)mapper->nparts * mapper->npk;
    cls->parts = mr_calloc(cls->env, mapper->nparts * sizeof *cls->parts + nkeys * sizeof(uint16_t));
    if (!cls->parts) return MR_FAIL;
    uint16_t *keys = (uint16_t *)(void *)(cls->parts + mapper->nparts);
    cls->nparts = (uint16_t)mapper->nparts;
    for (uint16_t p = 0, c = 0; p < cls->nparts; p++, keys += mapper->npk) {
        flush_part *part = &cls->parts[p];
        *part = (flush_part){mapper->parts[p].table, c, c, keys, p > 0};
        while (c < cls->ncolumns && cls->columns[c].part == p) c++;
        part->to = c;
        for (unsigned i = 0; i < mapper->npk; i++) {
            keys[i] = p ? number_of(cls, mapper->parts[p].keys[i]) : cls->key[i];
            part->key_cascades = part->key_cascades && cascades(mapper->parts[p].keys[i]);
        }
    }
    return MR_OK;
}

static mr_status add_columns(flush_class *cls) {
    const mr_mapper *mapper = cls->mapper;
    size_t most = mapper->columns.len + mapper->twins.len;
    cls->nslots = mapper->nslots;
    cls->columns = mr_calloc(cls->env, (most + 1) * sizeof *cls->columns);
    cls->column_of =
        mr_alloc(cls->env, ((size_t)mapper->nslots + mapper->npk + most + mapper->props.len) * sizeof *cls->column_of);
    if (!cls->columns || !cls->column_of || add_all(cls) != MR_OK) return MR_FAIL;
    for (unsigned i = 0; i < mapper->nslots; i++) cls->column_of[i] = FLUSH_NO_COLUMN;
    for (uint16_t i = 0; i < cls->ncolumns; i++) /* of several columns the first: that of the attribute itself */
        if (cls->column_of[cls->columns[i].slot] == FLUSH_NO_COLUMN) cls->column_of[cls->columns[i].slot] = i;
    cls->key = cls->column_of + mapper->nslots;
    for (unsigned i = 0; i < mapper->npk; i++) {
        cls->key[i] = cls->column_of[mapper->pk_slots[i]];
        cls->columns[cls->key[i]].key = true;
    }
    if (add_parts(cls) != MR_OK) return MR_FAIL;
    find_carried(cls);
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

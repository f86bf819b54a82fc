/*
 * classes.c: what a changed row means to the mapping: its table, its class, its values.
 *
 * Invariant: nothing here asks the database. A row that no class maps keeps the names and values of the database.
 */
#include "feed.h"

#include <ctype.h>
#include <string.h>

static bool same_name(const char *a, const char *b) {
    while (*a && *b && tolower((unsigned char)*a) == tolower((unsigned char)*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

mr_table *mr_change_table_of(const mr_metadata *md, const mr_change *change) {
    bool usual = strcmp(change->table->schema, "main") == 0;
    mr_table *exact = mr_metadata_table_in(md, usual ? NULL : change->table->schema, change->table->name);
    if (exact) return exact;
    for (size_t i = 0; i < md->tables.len; i++) {
        mr_table *t = mr_vec_ptr(&md->tables, i);
        const char *schema = t->schema ? t->schema : "main";
        if (same_name(t->name, change->table->name) && same_name(schema, change->table->schema)) return t;
    }
    return NULL;
}

int mr_change_position(const mr_change *change, const mr_column *column) {
    const mr_changed_table *table = change->table;
    for (unsigned i = 0; i < table->ncolumns; i++)
        if (table->columns[i].name == column->name || same_name(table->columns[i].name, column->name)) return (int)i;
    return -1;
}

void mr_change_value(const mr_change *change, bool old, unsigned i, const mr_type *type, char *room, mr_value *out) {
    const mr_value *values = old ? change->old_values : change->new_values;
    *out = values && i < change->n ? values[i] : mr_value_of(MR_UNLOADED, 0);
    mr_value stored = *out;
    if (!type || stored.kind <= MR_NULL) return;
    if (!mr_type_read(type, out, room)) *out = stored;
}

/* Of the classes that share the table, the one that the row says it is of. */
static mr_status by_discriminator(const mr_change *change, mr_mapper *top, mr_mapper **out) {
    const mr_property *tells = top->root->discriminator;
    int at = tells && tells->kind == MR_PROPERTY_COLUMN ? mr_change_position(change, tells->column) : -1;
    *out = top;
    if (at < 0) return MR_OK;
    char room[MR_READ_ROOM];
    mr_value told;
    mr_change_value(change, !change->new_values, (unsigned)at, mr_column_type(top->env, tells->column), room, &told);
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(top, m));)
        if (m->polymorphic_identity.kind != MR_UNLOADED && mr_value_equal(m->env, &m->polymorphic_identity, &told)) {
            *out = m;
            break;
        }
    return MR_OK;
}

mr_status mr_change_class(mr_registry *registry, const mr_change *change, mr_mapper **out) {
    const mr_table *table = mr_change_table_of(registry->metadata, change);
    *out = NULL;
    for (size_t i = 0; table && i < registry->mappers.len; i++) {
        mr_mapper *m = mr_vec_ptr(&registry->mappers, i);
        if (m->table != table || mr_mapper_is_single(m)) continue;
        if (change->unknown || !change->table->known) {
            *out = m;
            return MR_OK;
        }
        return by_discriminator(change, m, out);
    }
    return MR_OK;
}

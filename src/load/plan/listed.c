/*
 * listed.c: the columns of a FROM object, by index and by name: those of its table, those that its query lists,
 * or those of all joined objects.
 *
 * Invariant: a column of a query has the name that a program uses: the attribute that it comes from, or its label. The
 * second "id" is id_1.
 */
#include "planner.h"

#include <stdlib.h>
#include <string.h>

const mr_table *mr_from_table(const mr_node *from) {
    while (from && (from->kind == MR_NODE_ALIAS || from->kind == MR_NODE_CTE)) from = from->child[0];
    return from && from->kind == MR_NODE_TABLE ? from->u.table : NULL;
}

/* The object in the join that has its column *i, which becomes the number among the object's own columns. */
static mr_node *leaf_of(const mr_node *join, size_t *i) {
    const mr_node *from = join;
    while (from->kind == MR_NODE_JOIN) {
        size_t left = mr_from_width(from->child[0]);
        bool right = *i >= left;
        if (right) *i -= left;
        from = from->child[right ? 1 : 0];
    }
    return (mr_node *)from; /* only its reference count changes */
}

/* "table_column", as the columns of a join are called. */
static const char *joined_name(const mr_node *leaf, size_t i) {
    const mr_table *table = mr_from_table(leaf);
    const char *name = mr_from_name(leaf, i);
    const char *of = leaf->kind != MR_NODE_TABLE && leaf->name && *leaf->name ? leaf->name : table ? table->name : NULL;
    if (!name || !of) return name;
    mr_strbuf b;
    mr_strbuf_init(&b, leaf->env);
    mr_strbuf_printf(&b, "%s_%s", of, name);
    const char *s = mr_strbuf_str(&b), *made = s ? mr_intern(leaf->env, s, b.len) : NULL;
    mr_strbuf_done(&b);
    return made ? made : name;
}

/* By its name in the join, or by that of a column that only one of the joined objects has. */
static size_t find_joined(const mr_node *join, const char *name) {
    size_t n = mr_from_width(join), found = n, times = 0;
    for (size_t i = 0; i < n; i++) {
        const char *key = mr_from_name(join, i);
        if (key && strcmp(key, name) == 0) return i;
    }
    for (size_t i = 0; i < n; i++) {
        size_t own = i;
        const mr_node *leaf = leaf_of(join, &own);
        const char *key = mr_from_name(leaf, own);
        if (!key || strcmp(key, name) != 0) continue;
        found = i;
        times++;
    }
    return times == 1 ? found : n;
}

size_t mr_from_width(const mr_node *from) {
    if (from->kind == MR_NODE_JOIN) return mr_from_width(from->child[0]) + mr_from_width(from->child[1]);
    const mr_table *table = mr_from_table(from);
    const mr_node *list = mr_query_columns(from);
    return table ? table->ncolumns : list ? list->n : 0;
}

mr_status mr_from_item(mr_node *from, size_t i, mr_node **out) {
    if (from->kind == MR_NODE_JOIN) from = leaf_of(from, &i);
    mr_env *env = from->env;
    const mr_table *table = mr_from_table(from);
    const mr_node *item = table ? NULL : mr_query_columns(from)->child[i];
    const char *name = table ? NULL : mr_listed_name(item);
    *out = NULL;
    if (!table && !name)
        return mr_fail(env, MR_ERR_ARGUMENT, "column %zu of the subquery has no name: give it one with :label()",
                       i + 1);
    const mr_column *column = table ? table->columns[i] : mr_stand_in_column(env, name, item->type);
    if (column) *out = mr_sql_column(env, column, mr_node_retain(from), item ? item->annotation : NULL);
    return *out ? MR_OK : MR_FAIL;
}

/* ---------------------------------------------------------------- names */

/* Is the label one that the library makes for the name: name, name_1 or name__1? */
static bool is_numbered(const char *label, const char *name) {
    size_t len = strlen(name);
    if (strncmp(label, name, len) != 0) return false;
    if (label[len] == '\0') return true;
    label += len;
    size_t bars = strspn(label, "_"), digits = strspn(label + bars, "0123456789");
    return bars > 0 && digits > 0 && label[bars + digits] == '\0';
}

/* The program's name for the item: the attribute that it comes from, or the label that the program gave. */
static const char *item_key(const mr_node *item) {
    const mr_node *x = item->kind == MR_NODE_LABEL ? item->child[0] : item;
    const mr_property *prop = x->kind == MR_NODE_COLUMN ? x->annotation : NULL;
    bool given = item->kind == MR_NODE_LABEL && !(prop && is_numbered(item->name, x->u.column->name));
    return prop && !given ? prop->name : mr_listed_name(item);
}

/* The number of items before item i with the same name. */
static size_t same_before(const mr_node *list, size_t i, const char *key) {
    size_t n = 0;
    for (size_t k = 0; k < i; k++) {
        const char *other = item_key(list->child[k]);
        if (other && strcmp(other, key) == 0) n++;
    }
    return n;
}

const char *mr_from_name(const mr_node *from, size_t i) {
    if (from->kind == MR_NODE_JOIN) {
        const mr_node *leaf = leaf_of(from, &i);
        return joined_name(leaf, i);
    }
    const mr_table *table = mr_from_table(from);
    if (table) return table->columns[i]->name;
    const mr_node *list = mr_query_columns(from);
    const char *key = item_key(list->child[i]);
    size_t before = key ? same_before(list, i, key) : 0;
    return before ? mr_intern_numbered(from->env, key, before) : key;
}

/* The index of the item: by attribute names first, then by names in SQL. */
static size_t find_item(const mr_node *list, const char *name) {
    size_t n = list->n, last = n;
    const char *bar = strrchr(name, '_');
    for (size_t i = 0; i < n; i++) {
        const char *key = item_key(list->child[i]);
        if (key && strcmp(key, name) == 0) return i;
    }
    for (size_t i = 0; bar && i < n; i++) { /* id_1 is the second item with the name id */
        const char *key = item_key(list->child[i]);
        if (!key || strlen(key) != (size_t)(bar - name) || strncmp(key, name, (size_t)(bar - name)) != 0) continue;
        if (last < n && strtoul(bar + 1, NULL, 10) == same_before(list, i, key)) return i;
        last = i;
    }
    for (size_t i = 0; i < n; i++) {
        const char *written = mr_listed_name(list->child[i]);
        if (written && strcmp(written, name) == 0) return i;
    }
    return n;
}

size_t mr_from_find(const mr_node *from, const char *name) {
    if (from->kind == MR_NODE_JOIN) return find_joined(from, name);
    const mr_table *table = mr_from_table(from);
    const mr_node *list = table ? NULL : mr_query_columns(from);
    if (list) return find_item(list, name);
    size_t n = mr_from_width(from), i = 0;
    while (i < n && strcmp(table->columns[i]->name, name) != 0) i++;
    return i;
}

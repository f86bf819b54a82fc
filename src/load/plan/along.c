/*
 * along.c: the parts of criteria along a relationship, for a layer above that puts them together itself.
 *
 * Invariant: the condition is the relationship's own, as loads and joins use it (criteria.c).
 */
#include "planner.h"

mr_status mr_along_condition(const mr_property *along, mr_node *local, mr_node *remote, mr_node *link, mr_node **on) {
    mr_relationship *rel = along->relationship;
    mr_env *env = rel->parent->env;
    const mr_condition c = {.env = env, .rel = rel, .local = local, .remote = remote, .link = link};
    mr_node *whole = NULL, *classes = NULL;
    *on = NULL;
    if (mr_condition_whole(&c, &whole) != MR_OK) return MR_FAIL;
    if (mr_inheritance_criterion(env, rel->target, remote, &classes) != MR_OK) {
        mr_node_release(whole);
        return MR_FAIL;
    }
    *on = classes ? mr_sql_and(env, whole, classes) : whole;
    return *on ? MR_OK : MR_FAIL;
}

static mr_node *append_leaves(mr_env *env, mr_node *list, mr_node *from) {
    if (from->kind != MR_NODE_JOIN) return mr_sql_list_append(env, list, mr_node_retain(from));
    list = append_leaves(env, list, from->child[0]);
    return list ? append_leaves(env, list, from->child[1]) : NULL;
}

mr_node *mr_along_correlated(mr_mapper *mapper, mr_node *from) {
    mr_node *around = from ? mr_node_retain(from) : mr_mapper_from(mapper);
    mr_node *list = around ? append_leaves(mapper->env, NULL, around) : NULL;
    mr_node_release(around);
    return list;
}

/* Is one of the columns of the pairs unique by itself, or do the pairs name all columns of a key? */
static bool pairs_are_unique(const mr_relationship *rel) {
    for (unsigned i = 0; i < rel->npairs; i++)
        if (rel->pairs[i].remote->unique) return true;
    const mr_table *table = rel->npairs ? rel->pairs[0].remote->table : NULL;
    if (!table) return false;
    unsigned found = 0;
    for (unsigned k = 0; k < table->nprimary; k++)
        for (unsigned i = 0; i < rel->npairs; i++)
            if (rel->pairs[i].remote == table->primary[k]) {
                found++;
                break;
            }
    return table->nprimary > 0 && found == table->nprimary && !table->key_by_mapping;
}

bool mr_along_is_single(const mr_relationship *rel) {
    if (rel->secondary || mr_is_list(rel)) return false;
    return (rel->direction == MR_MANY_TO_ONE && rel->use_get) || pairs_are_unique(rel);
}

static bool is_linked_by(const mr_relationship *rel, const mr_column *column) {
    for (unsigned i = 0; i < rel->npairs; i++)
        if (rel->pairs[i].remote == column) return true;
    for (unsigned i = 0; i < rel->nsecondary; i++)
        if (rel->secondary_pairs[i].local == column) return true;
    return false;
}

/* Do the columns, which no two rows of the link table have equal, all belong to the link? */
static bool tells_links_apart(const mr_relationship *rel, mr_column *const *columns, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (!is_linked_by(rel, columns[i])) return false;
    return n > 0;
}

bool mr_along_repeats(const mr_relationship *rel) {
    const mr_table *link = rel->secondary;
    if (!link || (!link->key_by_mapping && tells_links_apart(rel, link->primary, link->nprimary))) return false;
    for (const mr_constraint *k = link->constraints; k; k = k->next)
        if (k->kind == MR_CONSTRAINT_UNIQUE && tells_links_apart(rel, k->columns, k->ncolumns)) return false;
    return true;
}

bool mr_along_by_key(const mr_relationship *rel) {
    return rel->direction == MR_MANY_TO_ONE && rel->simple && !rel->secondary && rel->npairs == 1;
}

/*
 * join.c: finds the join of two mapped tables, from their foreign keys or from the condition that the user has written.
 *
 * Invariant: the direction tells which column of a pair refers to the other: that of the target for ONE_TO_MANY, that
 * of the parent for MANY_TO_ONE, that of the secondary table for MANY_TO_MANY.
 */
#include "mapper_private.h"

#include <string.h>

/* A pair of columns: of a foreign key, or made equal by the user's condition. */
typedef struct link {
    mr_column *referring, *referred;
    const void *group; /* the constraint to which the pair belongs */
} link;

typedef struct finder {
    mr_env *env;
    const mr_relationship *rel;
    mr_strbuf *why;
    mr_vec links;    /* link */
    bool unresolved; /* a foreign key cannot be resolved; this is reported elsewhere */
} finder;

/* Notes a mistake of the user. Returns MR_NOTFOUND. */
static mr_status mistake(finder *f, const char *fmt, ...) MR_PRINTF(2, 3);
static mr_status mistake(finder *f, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    mr_strbuf_vprintf(f->why, fmt, args);
    va_end(args);
    return f->why->oom ? mr_nomem(f->env) : MR_NOTFOUND;
}

static bool among(const mr_vec *columns, const mr_column *column) {
    for (size_t i = 0; i < columns->len; i++)
        if (mr_vec_ptr(columns, i) == column) return true;
    return false;
}

static link *link_at(const finder *f, size_t i) { return mr_vec_at(&f->links, i); }

/* ---------------------------------------------------------------- from foreign keys */

/* Does the foreign key only join the tables that one row of a class is in? */
static bool joins_parts(const mr_mapper *mapper, const mr_foreign_key *fk) {
    for (unsigned p = 1; p < mapper->nparts; p++)
        for (uint16_t i = 0; i < mapper->npk; i++)
            if (mapper->parts[p].keys[i] == fk->column && mr_mapper_reads(mapper, fk->referred->table)) return true;
    return false;
}

static mr_status add_foreign_keys(finder *f, const mr_table *from, const mr_table *to) {
    for (unsigned i = 0; i < from->ncolumns; i++) {
        for (mr_foreign_key *fk = from->columns[i]->foreign_keys; fk; fk = fk->next) {
            if (!fk->referred) f->unresolved = true;
            if (!fk->referred || fk->referred->table != to) continue;
            if (joins_parts(f->rel->parent, fk) || joins_parts(f->rel->target, fk)) continue;
            link *l = mr_vec_push(&f->links);
            if (!l) return MR_FAIL;
            l->referring = fk->column;
            l->referred = fk->referred;
            l->group = fk->constraint ? (const void *)fk->constraint : (const void *)fk;
        }
    }
    return MR_OK;
}

static void remove_group(finder *f, const void *group) {
    for (size_t i = f->links.len; i-- > 0;)
        if (link_at(f, i)->group == group) mr_vec_remove(&f->links, i);
}

/* When foreign_keys is given, removes the constraints that have a referring column outside of it. */
static void keep_given(finder *f) {
    const mr_vec *given = &f->rel->foreign_keys;
    for (size_t i = 0; given->len && i < f->links.len;) {
        if (among(given, link_at(f, i)->referring)) {
            i++;
        } else {
            remove_group(f, link_at(f, i)->group);
            i = 0;
        }
    }
}

static bool has_pair(const finder *f, const void *group, const link *pair) {
    for (size_t i = 0; i < f->links.len; i++) {
        const link *l = link_at(f, i);
        if (l->group == group && l->referring == pair->referring && l->referred == pair->referred) return true;
    }
    return false;
}

/* Removes constraints that are equal to an earlier one. */
static void drop_repeated(finder *f) {
    for (size_t i = 0; i < f->links.len; i++) {
        const void *group = link_at(f, i)->group;
        for (size_t j = i + 1; j < f->links.len; j++) {
            const void *other = link_at(f, j)->group;
            bool same = other != group;
            for (size_t k = 0; same && k < f->links.len; k++)
                if (link_at(f, k)->group == other) same = has_pair(f, group, link_at(f, k));
            if (!same) continue;
            remove_group(f, other);
            j = i;
        }
    }
}

static bool is_ambiguous(const finder *f) {
    for (size_t i = 1; i < f->links.len; i++)
        if (link_at(f, i)->group != link_at(f, 0)->group) return true;
    return false;
}

static mr_status none_found(finder *f, const mr_table *a, const mr_table *b, bool secondary) {
    if (f->unresolved) return MR_NOTFOUND;
    if (f->rel->foreign_keys.len)
        return mistake(f,
                       "none of the columns in foreign_keys refers from %s to %s or back: name columns that "
                       "have a ForeignKey, or give a primaryjoin",
                       a->name, b->name);
    if (secondary)
        return mistake(f,
                       "could not determine the join between %s and %s: there are no foreign keys linking "
                       "these tables via the secondary table; give a column of %s a ForeignKey to %s, or the "
                       "relationship a primaryjoin and a secondaryjoin",
                       b->name, a->name, a->name, b->name);
    return mistake(f,
                   "could not determine the join between %s and %s: there are no foreign keys linking these "
                   "tables; give a column a ForeignKey to the other table, or the relationship a primaryjoin",
                   a->name, b->name);
}

static mr_status many_found(finder *f, const mr_table *a, const mr_table *b, bool secondary) {
    mistake(f,
            "could not determine the join between %s and %s: there are multiple foreign key paths linking "
            "the tables (",
            secondary ? b->name : a->name, secondary ? a->name : b->name);
    for (size_t i = 0; i < f->links.len; i++)
        mr_strbuf_printf(f->why, "%s%s.%s", i ? ", " : "", link_at(f, i)->referring->table->name,
                         link_at(f, i)->referring->name);
    return mistake(f, "); %s",
                   secondary ? "give the relationship a primaryjoin and a secondaryjoin"
                             : "name the columns that it goes by in foreign_keys");
}

/* Puts the pairs of the constraints between the tables into f->links. secondary: only the foreign keys of the first one
 * count. */
static mr_status add_links(finder *f, const mr_table *a, const mr_table *b, bool secondary) {
    if (add_foreign_keys(f, a, b) != MR_OK) return MR_FAIL;
    if (a != b && !secondary && add_foreign_keys(f, b, a) != MR_OK) return MR_FAIL;
    keep_given(f);
    drop_repeated(f);
    return MR_OK;
}

static mr_status settle_links(finder *f, const mr_table *a, const mr_table *b, bool secondary) {
    if (f->links.len == 0) return none_found(f, a, b, secondary);
    return is_ambiguous(f) ? many_found(f, a, b, secondary) : MR_OK;
}

/* Finds the only constraint between the secondary table and a table of the class. */
static mr_status find_secondary(finder *f, const mr_mapper *mapper) {
    f->links.len = 0;
    for (unsigned p = mapper->nparts; p-- > 0 && f->links.len == 0;)
        if (add_links(f, f->rel->secondary, mapper->parts[p].table, true) != MR_OK) return MR_FAIL;
    return settle_links(f, f->rel->secondary, mapper->table, true);
}

/* Finds the only constraint between tables of the two classes. Their own tables come before those of their bases. */
static mr_status find_links(finder *f, const mr_mapper *a, const mr_mapper *b) {
    f->links.len = 0;
    for (unsigned p = a->nparts; p-- > 0 && f->links.len == 0;)
        for (unsigned q = b->nparts; q-- > 0 && f->links.len == 0;)
            if (add_links(f, a->parts[p].table, b->parts[q].table, false) != MR_OK) return MR_FAIL;
    return settle_links(f, a->table, b->table, false);
}

/* The links as an expression: referred = referring AND ... One reference. */
static mr_node *links_node(const finder *f) {
    mr_node *all = NULL;
    for (size_t i = 0; i < f->links.len; i++) {
        const link *l = link_at(f, i);
        mr_node *equal = mr_sql_binary(f->env, MR_OP_EQ, mr_sql_column(f->env, l->referred, NULL, NULL),
                                       mr_sql_column(f->env, l->referring, NULL, NULL));
        all = all ? mr_sql_and(f->env, all, equal) : equal;
        if (!all) return NULL;
    }
    return all;
}

/* ---------------------------------------------------------------- from a written condition */

static mr_column *plain_column(const mr_node *node) {
    return node->kind == MR_NODE_COLUMN && (node->n == 0 || !node->child[0]) ? (mr_column *)(uintptr_t)node->u.column
                                                                             : NULL;
}

static bool refers_to(const mr_column *column, const mr_column *to) {
    for (const mr_foreign_key *fk = column->foreign_keys; fk; fk = fk->next)
        if (fk->referred == to) return true;
    return false;
}

/* Which of two equal columns refers to the other: 1 the first, 2 the second, 0 neither. */
static int which_refers(const finder *f, const mr_column *a, const mr_column *b, const mr_table *secondary) {
    const mr_vec *given = &f->rel->foreign_keys;
    if (given->len && among(given, a) != among(given, b)) return among(given, a) ? 1 : 2;
    if (given->len) return 0;
    if (refers_to(a, b) != refers_to(b, a)) return refers_to(a, b) ? 1 : 2;
    if (secondary && (a->table == secondary) != (b->table == secondary)) return a->table == secondary ? 1 : 2;
    return 0;
}

/* Adds the link of one equality of columns. *taken is false when the node is another kind of criterion. */
static mr_status read_equality(finder *f, const mr_node *node, const mr_table *secondary, bool *taken) {
    *taken = false;
    if (node->kind != MR_NODE_BINARY || node->op != MR_OP_EQ) return MR_OK;
    mr_column *a = plain_column(node->child[0]), *b = plain_column(node->child[1]);
    int refers = a && b ? which_refers(f, a, b, secondary) : 0;
    if (!refers) return MR_OK;
    link *l = mr_vec_push(&f->links);
    if (!l) return MR_FAIL;
    l->referring = refers == 1 ? a : b;
    l->referred = refers == 1 ? b : a;
    *taken = true;
    return MR_OK;
}

static mr_status read_condition(finder *f, const mr_node *node, const mr_table *secondary, bool *simple) {
    f->links.len = 0;
    bool list = node->kind == MR_NODE_LIST && node->op == MR_OP_AND;
    for (uint32_t i = 0; i < (list ? node->n : 1); i++) {
        bool taken;
        if (read_equality(f, list ? node->child[i] : node, secondary, &taken) != MR_OK) return MR_FAIL;
        if (!taken) *simple = false;
    }
    if (f->links.len) return MR_OK;
    return mistake(f,
                   "its %s makes no foreign key column equal to the column that it refers to: give the "
                   "column a ForeignKey, or name it in foreign_keys",
                   secondary && node == f->rel->secondaryjoin ? "secondaryjoin" : "primaryjoin");
}

/* ---------------------------------------------------------------- direction and pairs */

/* Is the link's referring column the remote one? 1: yes, 0: no, -1: the tables do not decide it. */
static int referring_is_remote(const finder *f, const link *l) {
    const mr_relationship *rel = f->rel;
    const mr_vec *remote = &rel->remote_side;
    if (remote->len && among(remote, l->referring) != among(remote, l->referred)) return among(remote, l->referring);
    const mr_table *referring = l->referring->table, *referred = l->referred->table;
    bool there = mr_mapper_reads(rel->target, referring) && mr_mapper_reads(rel->parent, referred);
    bool here = mr_mapper_reads(rel->parent, referring) && mr_mapper_reads(rel->target, referred);
    if (there && here) return remote->len ? -1 : 1;
    return there ? 1 : here ? 0 : -1;
}

static mr_column_pair *new_pairs(finder *f) { return mr_env_arena(f->env, f->links.len * sizeof(mr_column_pair)); }

/* Sets the direction of a relationship without a secondary table. */
static mr_status set_direction(finder *f, mr_relationship *rel) {
    rel->pairs = new_pairs(f);
    if (!rel->pairs) return MR_FAIL;
    rel->npairs = (unsigned)f->links.len;
    int first = 0;
    for (unsigned i = 0; i < rel->npairs; i++) {
        const link *l = link_at(f, i);
        int remote = referring_is_remote(f, l);
        if (i == 0) first = remote;
        if (remote < 0)
            return mistake(f,
                           "could not tell the local from the remote column in %s.%s = %s.%s: name the "
                           "remote one, and no other, in remote_side",
                           l->referred->table->name, l->referred->name, l->referring->table->name, l->referring->name);
        if (remote != first)
            return mistake(f,
                           "could not tell its direction: both %s and %s have foreign key columns in the "
                           "join; name those that count in foreign_keys",
                           rel->parent->table->name, rel->target->table->name);
        rel->pairs[i].local = remote ? l->referred : l->referring;
        rel->pairs[i].remote = remote ? l->referring : l->referred;
    }
    rel->direction = first ? MR_ONE_TO_MANY : MR_MANY_TO_ONE;
    return MR_OK;
}

/* Are the remote columns exactly the target's primary key, in one of its tables? */
static bool is_whole_key(const mr_relationship *rel) {
    const mr_mapper *target = rel->target;
    if (rel->npairs != target->npk) return false;
    for (unsigned p = 0; p < target->nparts; p++) {
        unsigned found = 0;
        for (unsigned i = 0; i < target->npk; i++)
            for (unsigned k = 0; k < rel->npairs; k++)
                if (rel->pairs[k].remote == target->parts[p].keys[i]) found++;
        if (found == target->npk) return true;
    }
    return false;
}

static mr_status direct_join(finder *f, mr_relationship *rel) {
    mr_status status;
    if (rel->primaryjoin) {
        status = read_condition(f, rel->primaryjoin, NULL, &rel->simple);
    } else {
        status = find_links(f, rel->parent, rel->target);
        if (status == MR_OK && !(rel->primaryjoin = links_node(f))) return MR_FAIL;
    }
    if (status == MR_OK) status = set_direction(f, rel);
    rel->mixed = status == MR_OK && mr_join_is_mixed(f->env, rel);
    rel->use_get =
        status == MR_OK && rel->direction == MR_MANY_TO_ONE && rel->simple && !rel->mixed && is_whole_key(rel);
    return status;
}

/* Finds one half of a MANY_TO_MANY: from the foreign keys of the secondary table, or from the written condition. */
static mr_status half_join(finder *f, mr_relationship *rel, const mr_mapper *mapper, mr_node **join) {
    mr_status status;
    if (*join) {
        status = read_condition(f, *join, rel->secondary, &rel->simple);
    } else {
        status = find_secondary(f, mapper);
        if (status == MR_OK && !(*join = links_node(f))) return MR_FAIL;
    }
    for (size_t i = 0; status == MR_OK && i < f->links.len; i++) {
        const link *l = link_at(f, i);
        if (l->referring->table != rel->secondary || !mr_mapper_reads(mapper, l->referred->table))
            return mistake(f, "%s.%s = %s.%s does not join the secondary table '%s' to '%s'", l->referred->table->name,
                           l->referred->name, l->referring->table->name, l->referring->name, rel->secondary->name,
                           mapper->table->name);
    }
    return status;
}

static mr_status secondary_join(finder *f, mr_relationship *rel) {
    mr_status status = half_join(f, rel, rel->parent, &rel->primaryjoin);
    if (status != MR_OK) return status;
    if (!(rel->pairs = new_pairs(f))) return MR_FAIL;
    rel->npairs = (unsigned)f->links.len;
    for (unsigned i = 0; i < rel->npairs; i++) {
        rel->pairs[i].local = link_at(f, i)->referred;
        rel->pairs[i].remote = link_at(f, i)->referring;
    }
    status = half_join(f, rel, rel->target, &rel->secondaryjoin);
    if (status != MR_OK) return status;
    if (!(rel->secondary_pairs = new_pairs(f))) return MR_FAIL;
    rel->nsecondary = (unsigned)f->links.len;
    for (unsigned i = 0; i < rel->nsecondary; i++) {
        rel->secondary_pairs[i].local = link_at(f, i)->referring;
        rel->secondary_pairs[i].remote = link_at(f, i)->referred;
    }
    rel->direction = MR_MANY_TO_MANY;
    rel->mixed = mr_join_is_mixed(f->env, rel);
    return MR_OK;
}

mr_status mr_join_determine(mr_env *env, mr_relationship *rel, mr_strbuf *why) {
    finder f = {.env = env, .rel = rel, .why = why};
    mr_vec_init(&f.links, env, sizeof(link));
    rel->simple = true;
    rel->use_get = false;
    mr_status status;
    if (!rel->secondary && rel->secondaryjoin)
        status = mistake(&f, "a secondaryjoin needs a secondary table: give secondary, or leave the "
                             "secondaryjoin out");
    else status = rel->secondary ? secondary_join(&f, rel) : direct_join(&f, rel);
    mr_vec_done(&f.links);
    return status;
}

/* ---------------------------------------------------------------- the other side */

static mr_column_pair *turned(mr_env *env, const mr_column_pair *pairs, unsigned n) {
    mr_column_pair *out = mr_env_arena(env, (n ? n : 1) * sizeof *out);
    for (unsigned i = 0; out && i < n; i++) {
        out[i].local = pairs[i].remote;
        out[i].remote = pairs[i].local;
    }
    return out;
}

mr_status mr_join_reverse(mr_env *env, const mr_relationship *rel, mr_relationship *reverse) {
    bool many = rel->direction == MR_MANY_TO_MANY;
    reverse->secondary = rel->secondary;
    reverse->direction = many ? MR_MANY_TO_MANY : rel->direction == MR_ONE_TO_MANY ? MR_MANY_TO_ONE : MR_ONE_TO_MANY;
    reverse->simple = rel->simple;
    reverse->mixed = rel->mixed;
    mr_node_release(reverse->primaryjoin);
    mr_node_release(reverse->secondaryjoin);
    reverse->primaryjoin = mr_node_retain(many ? rel->secondaryjoin : rel->primaryjoin);
    reverse->secondaryjoin = many ? mr_node_retain(rel->primaryjoin) : NULL;
    reverse->npairs = many ? rel->nsecondary : rel->npairs;
    reverse->pairs = turned(env, many ? rel->secondary_pairs : rel->pairs, reverse->npairs);
    reverse->nsecondary = many ? rel->npairs : 0;
    reverse->secondary_pairs = turned(env, rel->pairs, reverse->nsecondary);
    if (!reverse->pairs || !reverse->secondary_pairs) return MR_FAIL;
    reverse->use_get =
        reverse->direction == MR_MANY_TO_ONE && reverse->simple && !reverse->mixed && is_whole_key(reverse);
    return MR_OK;
}

static uint16_t slot_of(const mr_mapper *mapper, const mr_column *column) {
    const mr_property *prop = mr_mapper_property_of_column(mapper, column);
    return prop ? prop->slot : UINT16_MAX;
}

static void find_slots(const mr_relationship *rel, mr_column_pair *pairs, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        pairs[i].local_slot = slot_of(rel->parent, pairs[i].local);
        pairs[i].remote_slot = slot_of(rel->target, pairs[i].remote);
    }
}

void mr_join_find_slots(mr_relationship *rel) {
    find_slots(rel, rel->pairs, rel->npairs);
    find_slots(rel, rel->secondary_pairs, rel->nsecondary);
}

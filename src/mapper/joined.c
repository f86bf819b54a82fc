/*
 * joined.c: classes with a table of their own beside that of their base class: how the tables are joined.
 *
 * Invariant: each part holds the whole primary key: row by row, its key columns equal those of the first part.
 */
#include "mapper_private.h"

#include <string.h>

/* A column of the class's own table, and the one of its base's tables that it equals. */
typedef struct link {
    mr_column *own, *above;
    const void *group; /* the constraint to which the pair belongs */
} link;

typedef struct joining {
    mr_mapper *m;
    mr_env *env;
    mr_vec links; /* link */
} joining;

static link *link_at(const joining *j, size_t i) { return mr_vec_at(&j->links, i); }

static bool is_above(const mr_mapper *m, const mr_table *table) {
    for (unsigned i = 0; i < m->base->nparts; i++)
        if (m->base->parts[i].table == table) return true;
    return false;
}

/* The column that the foreign key names, if it is in a table of the base classes. */
static mr_column *referred_above(const joining *j, mr_foreign_key *fk) {
    mr_column *to = fk->referred;
    for (unsigned i = 0; !to && fk->target && i < j->m->base->nparts; i++) {
        const mr_table *table = j->m->base->parts[i].table;
        size_t n = strlen(table->full_name);
        if (strncmp(fk->target, table->full_name, n) == 0 && fk->target[n] == '.')
            to = mr_table_column(table, fk->target + n + 1);
    }
    return to && is_above(j->m, to->table) ? to : NULL;
}

static mr_status find_foreign_keys(joining *j) {
    for (unsigned i = 0; i < j->m->table->ncolumns; i++) {
        mr_column *column = j->m->table->columns[i];
        for (mr_foreign_key *fk = column->foreign_keys; fk; fk = fk->next) {
            mr_column *to = referred_above(j, fk);
            link *l = to ? mr_vec_push(&j->links) : NULL;
            if (to && !l) return MR_FAIL;
            if (l) *l = (link){column, to, fk->constraint ? (const void *)fk->constraint : (const void *)fk};
        }
    }
    return MR_OK;
}

/* The attribute that the column holds a part of the key for; UINT16_MAX: none. */
static uint16_t key_place(const mr_mapper *base, const mr_column *column) {
    for (unsigned p = 0; p < base->nparts; p++)
        for (uint16_t i = 0; i < base->npk; i++)
            if (base->parts[p].keys[i] == column) return i;
    return UINT16_MAX;
}

static bool is_in_own_key(const mr_table *table, const mr_column *column) {
    for (unsigned i = 0; i < table->nprimary; i++)
        if (table->primary[i] == column) return true;
    return false;
}

/* Does the constraint lead from the table's own primary key to the whole key of the base? */
static bool leads_by_key(const joining *j, const void *group) {
    uint16_t n = 0;
    for (size_t i = 0; i < j->links.len; i++) {
        const link *l = link_at(j, i);
        if (l->group != group) continue;
        if (!is_in_own_key(j->m->table, l->own) || key_place(j->m->base, l->above) == UINT16_MAX) return false;
        n++;
    }
    return n == j->m->base->npk;
}

/* Foreign keys of single columns may together be that of a key of several columns. */
static bool leads_together(const joining *j) {
    const mr_mapper *base = j->m->base;
    if (base->npk < 2 || j->links.len != base->npk) return false;
    for (size_t i = 0; i < j->links.len; i++) {
        if (key_place(base, link_at(j, i)->above) == UINT16_MAX) return false;
        for (size_t k = 0; k < i; k++)
            if (key_place(base, link_at(j, k)->above) == key_place(base, link_at(j, i)->above)) return false;
    }
    return true;
}

static void keep_group(joining *j, const void *group) {
    for (size_t i = j->links.len; i-- > 0;)
        if (link_at(j, i)->group != group) mr_vec_remove(&j->links, i);
}

/* Of several foreign keys to the base's tables, keeps the one that is the primary key of the own table. false: none or
 * several are; it is noted. */
static bool choose_foreign_key(joining *j) {
    const mr_mapper *m = j->m, *base = m->base;
    const void *chosen = NULL;
    unsigned groups = 0, fitting = 0;
    for (size_t i = 0; i < j->links.len; i++) {
        const void *group = link_at(j, i)->group;
        bool seen = false;
        for (size_t k = 0; k < i; k++) seen = seen || link_at(j, k)->group == group;
        if (seen) continue;
        groups++;
        if (!leads_by_key(j, group)) continue;
        fitting++;
        chosen = group;
    }
    if (groups == 0) {
        mr_inheritance_mistake(
            j->m,
            "%s has a table of its own, '%s', but no foreign key from there to '%s', the table of %s: "
            "write id = Column{ Integer, ForeignKey \"%s.%s\", primary_key = true }, or leave "
            "__tablename and the primary key out to share '%s'",
            m->name, m->table->name, base->table->name, base->name, base->table->full_name,
            base->table->primary[0]->name, base->table->name);
        return false;
    }
    if (groups == 1 || leads_together(j)) return true;
    if (fitting == 1) {
        keep_group(j, chosen);
        return true;
    }
    mr_inheritance_mistake(j->m,
                           "%s: %u foreign keys lead from '%s' to the table of %s: say which one joins them, "
                           "__mapper_args = { inherit_condition = function(c) return ... end }",
                           m->name, groups, m->table->name, base->name);
    return false;
}

/* ---------------------------------------------------------------- from a written condition */

static mr_column *plain_column(const mr_node *node) {
    return node->kind == MR_NODE_COLUMN && node->n == 0 ? (mr_column *)(uintptr_t)node->u.column : NULL;
}

static mr_status read_equality(joining *j, const mr_node *node) {
    if (node->kind != MR_NODE_BINARY || node->op != MR_OP_EQ) return MR_OK;
    mr_column *a = plain_column(node->child[0]), *b = plain_column(node->child[1]);
    if (a && a->table != j->m->table) {
        mr_column *other = a;
        a = b;
        b = other;
    }
    if (!a || !b || a->table != j->m->table || !is_above(j->m, b->table)) return MR_OK;
    link *l = mr_vec_push(&j->links);
    if (l) *l = (link){a, b, NULL};
    return l ? MR_OK : MR_FAIL;
}

static mr_status read_condition(joining *j, const mr_node *on) {
    bool list = on->kind == MR_NODE_LIST && on->op == MR_OP_AND;
    for (uint32_t i = 0; i < (list ? on->n : 1); i++)
        if (read_equality(j, list ? on->child[i] : on) != MR_OK) return MR_FAIL;
    return MR_OK;
}

/* ---------------------------------------------------------------- the part */

static mr_node *condition(const joining *j) {
    mr_node *all = NULL;
    for (size_t i = 0; i < j->links.len; i++) {
        const link *l = link_at(j, i);
        all = mr_sql_and(j->env, all,
                         mr_sql_binary(j->env, MR_OP_EQ, mr_sql_column(j->env, l->above, NULL, NULL),
                                       mr_sql_column(j->env, l->own, NULL, NULL)));
        if (!all) return NULL;
    }
    return all;
}

/* Notes which own columns hold the key. */
static void find_keys(const joining *j, mr_mapper_part *part) {
    const mr_mapper *m = j->m, *base = m->base;
    for (size_t i = 0; i < j->links.len; i++) {
        uint16_t place = key_place(base, link_at(j, i)->above);
        if (place != UINT16_MAX) part->keys[place] = link_at(j, i)->own;
    }
    for (uint16_t i = 0; i < base->npk; i++) {
        if (part->keys[i]) continue;
        mr_inheritance_mistake(j->m,
                               "%s: what joins '%s' to '%s' leaves out '%s' of the primary key of %s: it must lead to "
                               "the whole key",
                               m->name, m->table->name, base->table->name, base->parts[0].keys[i]->name, base->name);
        return;
    }
}

static mr_status join_own_table(joining *j, mr_mapper_part *part) {
    mr_mapper *m = j->m;
    if (m->inherit_condition) {
        if (m->inherit_condition(j->env, m->inherit_ud, m, &part->on) != MR_OK) return MR_FAIL;
        if (read_condition(j, part->on) != MR_OK) return MR_FAIL;
        if (j->links.len == 0)
            mr_inheritance_mistake(m,
                                   "%s: its inherit_condition makes no column of '%s' equal to one of '%s': write "
                                   "function(c) return c.id:eq(%s.id) end",
                                   m->name, m->table->name, m->base->table->name, m->base->name);
    } else {
        if (find_foreign_keys(j) != MR_OK) return MR_FAIL;
        if (!choose_foreign_key(j)) return MR_OK;
        if (!(part->on = condition(j))) return MR_FAIL;
    }
    if (j->links.len) find_keys(j, part);
    return MR_OK;
}

/* The columns of the own table that have the value of an attribute of a base class without being a part of the key. */
static void warn_of_twins(const mr_mapper *m, const mr_mapper_part *part) {
    for (size_t i = m->base->twins.len; i < m->twins.len; i++) {
        const mr_twin *twin = mr_vec_at(&m->twins, i);
        bool key = false;
        for (uint16_t k = 0; k < m->base->npk; k++) key = key || part->keys[k] == twin->column;
        if (!key)
            mr_warn(m->env,
                    "%s.%s: the tables '%s' and '%s' both have a column for it, and both get its value: where that is "
                    "not meant, give the column of %s another attribute's name",
                    m->name, twin->prop->name, twin->prop->column->table->name, m->table->name, m->name);
    }
}

mr_status mr_inheritance_join(mr_mapper *m) {
    unsigned above = m->base ? m->base->nparts : 0;
    bool own = !m->base || m->table != m->base->table;
    if (!own || !m->base) {
        if (m->inherit_condition)
            mr_inheritance_mistake(
                m, "%s has an inherit_condition, but no table beside one of a base class: leave it out", m->name);
    }
    if (!own) {
        m->parts = m->base->parts;
        m->nparts = above;
        return MR_OK;
    }
    uint16_t nkeys = m->base ? m->base->npk : (uint16_t)m->table->nprimary;
    mr_mapper_part *parts = mr_env_arena(m->env, (above + (size_t)1) * sizeof *parts);
    mr_column **keys = mr_env_arena(m->env, (nkeys + (size_t)1) * sizeof(mr_column *));
    if (!parts || !keys) return MR_FAIL;
    if (above) memcpy(parts, m->base->parts, above * sizeof *parts);
    parts[above] = (mr_mapper_part){m->table, NULL, keys, m};
    m->parts = parts;
    m->nparts = above + 1;
    if (!m->base) {
        memcpy(keys, m->table->primary, nkeys * sizeof(mr_column *));
        return MR_OK;
    }
    joining j = {.m = m, .env = m->env};
    mr_vec_init(&j.links, m->env, sizeof(link));
    mr_status status = join_own_table(&j, &parts[above]);
    if (status == MR_OK && !((const mapper_cell *)m)->nmistakes) warn_of_twins(m, &parts[above]);
    mr_vec_done(&j.links);
    return status;
}

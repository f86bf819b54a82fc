/*
 * criteria.c: what a relationship is compared with, as EXISTS or as a comparison of keys.
 *
 * Invariants: mappings are configured before a relationship's pairs are read; a criterion with an object finds what a
 * join finds: where the two columns of a pair compare by different rules, the object's own row is joined.
 */
#include "attribute.h"

#include "expression/expression.h"
#include "expression/late.h"

/* ---------------------------------------------------------------- the join condition */

/* The two sides as the criterion sees them; aliases are borrowed, NULL: the bare tables. */
typedef struct sides {
    const mr_relationship *rel;
    mr_mapper *target;
    mr_node *parent_alias, *target_alias;
    bool written;   /* the condition is wanted as joins have it: its left sides say how texts are compared */
    bool secondary; /* the condition is between the link and the target */
    bool failed;    /* a column could not be made: NULL from a replacement means "as it is" */
} sides;

static bool reads_table(const mr_mapper *mapper, const mr_table *table) {
    for (; mapper; mapper = mapper->base)
        if (mapper->table == table) return true;
    return false;
}

static bool is_local(const mr_relationship *rel, const mr_column *column) {
    for (unsigned i = 0; i < rel->npairs; i++)
        if (rel->pairs[i].local == column) return true;
    return false;
}

static bool is_remote(const mr_relationship *rel, const mr_column *column) {
    for (unsigned i = 0; i < rel->npairs; i++)
        if (rel->pairs[i].remote == column) return true;
    return false;
}

static mr_node *seen_through(sides *s, const mr_node *node, mr_node *alias) {
    mr_node *made = mr_sql_column(node->env, node->u.column, mr_node_retain(alias), node->annotation);
    if (!made) s->failed = true;
    return made;
}

/* A copy of the expression with its columns replaced; NULL when one could not be made. Consumes nothing. */
static mr_node *replaced(mr_node *expression, mr_node *(*replace)(void *ud, const mr_node *node), sides *s) {
    mr_node *copy = mr_node_replace(expression, replace, s);
    if (!s->failed) return copy;
    mr_node_release(copy);
    return NULL;
}

/* The column of a written condition as its side sees it. */
static mr_node *see_column(void *ud, const mr_node *node) {
    const sides *s = ud;
    const mr_column *column = node->u.column;
    if (node->n > 0) return NULL;
    bool parent = reads_table(s->rel->parent, column->table), target = reads_table(s->target, column->table);
    if (parent && target) {
        if (!s->secondary && is_local(s->rel, column) && !is_remote(s->rel, column)) target = false;
        else parent = false;
    }
    mr_node *alias = target ? s->target_alias : parent ? s->parent_alias : NULL;
    return alias ? seen_through(ud, node, alias) : NULL;
}

/* The columns of the user's criterion are the target's. */
static mr_node *see_target(void *ud, const mr_node *node) {
    const sides *s = ud;
    if (node->n > 0 || !reads_table(s->target, node->u.column->table)) return NULL;
    return seen_through(ud, node, s->target_alias);
}

static mr_node *pairs_condition(mr_env *env, const mr_column_pair *pairs, unsigned n, mr_node *local, mr_node *remote,
                                bool remote_first) {
    mr_node *all = NULL;
    for (unsigned i = 0; i < n; i++) {
        mr_node *a = mr_sql_column(env, pairs[i].local, mr_node_retain(local), NULL);
        mr_node *b = mr_sql_column(env, pairs[i].remote, mr_node_retain(remote), NULL);
        all = mr_sql_and(env, all, mr_sql_binary(env, MR_OP_EQ, remote_first ? b : a, remote_first ? a : b));
        if (!all) return NULL;
    }
    return all;
}

static mr_node *join_condition(mr_env *env, sides *s) {
    const mr_relationship *rel = s->rel;
    if ((s->written || !rel->simple) && rel->primaryjoin) {
        mr_node *on = replaced(rel->primaryjoin, see_column, s);
        s->secondary = true;
        if (rel->secondaryjoin && on) on = mr_sql_and(env, on, replaced(rel->secondaryjoin, see_column, s));
        s->secondary = false;
        return on;
    }
    if (rel->direction != MR_MANY_TO_MANY)
        return pairs_condition(env, rel->pairs, rel->npairs, s->parent_alias, s->target_alias,
                               rel->direction == MR_MANY_TO_ONE);
    mr_node *primary = pairs_condition(env, rel->pairs, rel->npairs, s->parent_alias, NULL, false);
    return primary
               ? mr_sql_and(env, primary,
                            pairs_condition(env, rel->secondary_pairs, rel->nsecondary, NULL, s->target_alias, true))
               : NULL;
}

/* A class's FROM: the alias (borrowed) or its table. */
static mr_node *from_of(mr_env *env, mr_node *alias, const mr_mapper *mapper) {
    return alias ? mr_node_retain(alias) : mr_sql_table(env, mapper->table);
}

static bool lists(const mr_node *list, const mr_node *from) {
    for (uint32_t i = 0; i < list->n; i++) {
        const mr_node *x = list->child[i];
        if (x == from) return true;
        if (x->kind == MR_NODE_TABLE && from->kind == MR_NODE_TABLE && x->u.table == from->u.table) return true;
    }
    return false;
}

/* Appends to both lists the FROM objects that where names beside those that are in them. */
static mr_status add_guests(mr_env *env, const mr_node *where, mr_node **froms, mr_node **outer) {
    mr_vec found;
    mr_vec_init(&found, env, sizeof(mr_node *));
    mr_status status = mr_node_froms(env, where, &found);
    for (size_t i = 0; i < found.len; i++) {
        mr_node *from = mr_vec_ptr(&found, i);
        if (status == MR_OK && !lists(*froms, from) && !lists(*outer, from)) {
            *froms = mr_sql_list_append(env, *froms, mr_node_retain(from));
            *outer = mr_sql_list_append(env, *outer, mr_node_retain(from));
            if (!*froms || !*outer) status = MR_FAIL;
        }
        mr_node_release(from);
    }
    mr_vec_done(&found);
    return status;
}

/* EXISTS (SELECT 1 FROM froms WHERE where), outer supplied from outside; what else where names the EXISTS lists itself,
 * unless a statement around it has that. Consumes all, whichever is missing. */
static mr_node *exists(mr_env *env, mr_node *froms, mr_node *where, mr_node *outer) {
    mr_node *one = mr_sql_raw(env, mr_type_simple(MR_TYPE_INTEGER), "1");
    mr_select select = {0};
    select.columns = mr_sql_list(env, MR_OP_COMMA, &one, 1);
    select.correlate = mr_sql_list(env, MR_OP_COMMA, &outer, 1);
    select.from = froms;
    select.where = where;
    if (select.columns && select.correlate && froms && where &&
        add_guests(env, where, &select.from, &select.correlate) == MR_OK)
        return mr_sql_exists(env, mr_sql_select(env, &select));
    mr_node_release(select.columns);
    mr_node_release(select.correlate);
    mr_node_release(select.from);
    mr_node_release(where);
    return NULL;
}

void bind_push_related_exists(lua_State *L, const mr_property *prop, mr_node *alias, mr_mapper *of_type,
                              int criterion) {
    mr_env *env = bind_of(L)->env;
    const mr_relationship *rel = prop->relationship;
    sides s = {.rel = rel, .target = of_type ? of_type : rel->target, .parent_alias = alias};
    int top = lua_gettop(L);
    bool shared = reads_table(rel->parent, s.target->table);
    bind_push_node(L, shared ? mr_sql_alias(env, mr_sql_table(env, s.target->table), NULL)
                             : mr_sql_table(env, s.target->table));
    mr_node *target = bind_test_node(L, -1);
    if (shared) s.target_alias = target;
    mr_node *where = join_condition(env, &s);
    mr_node *more = criterion ? bind_test_node(L, criterion) : NULL;
    if (where && more) where = mr_sql_and(env, where, shared ? replaced(more, see_target, &s) : mr_node_retain(more));
    mr_node *froms[2] = {mr_node_retain(target), NULL};
    if (rel->direction == MR_MANY_TO_MANY) {
        froms[1] = froms[0];
        froms[0] = mr_sql_table(env, rel->secondary);
    }
    mr_node *list = mr_sql_list(env, MR_OP_COMMA, froms, froms[1] ? 2 : 1);
    bind_push_node(L, exists(env, list, where, from_of(env, alias, rel->parent)));
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
}

/* ---------------------------------------------------------------- an object's keys */

/* The object's value for the column, as it will be when the statement runs. */
static mr_node *key_of(mr_entity *e, const mr_column *column, const mr_column *other, bool required,
                       const mr_property *along) {
    const mr_property *prop = mr_mapper_property_of_column(e->mapper, column);
    mr_env *env = e->mapper->env;
    if (!prop) {
        mr_fail(env, MR_ERR_INVALID_REQUEST, "%s.%s: %s has no attribute for the column '%s'", along->mapper->name,
                along->name, e->mapper->name, column->name);
        return NULL;
    }
    return mr_value_as_column(env, bind_late_key(e, prop, along, required), mr_column_type(env, (mr_column *)column),
                              mr_column_type(env, (mr_column *)other));
}

/* key = column for each pair; the object has the columns of its side. */
static mr_node *keys_condition(mr_env *env, const mr_property *along, const mr_column_pair *pairs, unsigned n,
                               mr_node *alias, mr_entity *e, bool object_is_remote) {
    bool required = (along->relationship->direction == MR_ONE_TO_MANY) != object_is_remote;
    mr_node *all = NULL;
    for (unsigned i = 0; i < n; i++) {
        const mr_column *key = object_is_remote ? pairs[i].remote : pairs[i].local;
        const mr_column *column = object_is_remote ? pairs[i].local : pairs[i].remote;
        mr_node *value = key_of(e, key, column, required, along);
        if (!value) {
            mr_node_release(all);
            return NULL;
        }
        mr_node *x = mr_sql_column(env, column, mr_node_retain(alias), NULL);
        all = mr_sql_and(env, all, mr_sql_binary(env, MR_OP_EQ, value, x));
        if (!all) return NULL;
    }
    return all;
}

/* The link table has a row for both: the object is on the target's side, or (parent) on the relationship's
 * own. */
static mr_node *link_exists(mr_env *env, const mr_property *prop, mr_node *alias, mr_entity *e, bool parent) {
    const mr_relationship *rel = prop->relationship;
    mr_node *where, *keys;
    if (parent) where = pairs_condition(env, rel->secondary_pairs, rel->nsecondary, NULL, alias, true);
    else where = pairs_condition(env, rel->pairs, rel->npairs, alias, NULL, false);
    if (!where) return NULL;
    if (parent) keys = keys_condition(env, prop, rel->pairs, rel->npairs, NULL, e, false);
    else keys = keys_condition(env, prop, rel->secondary_pairs, rel->nsecondary, NULL, e, true);
    if (!keys) {
        mr_node_release(where);
        return NULL;
    }
    mr_node *link = mr_sql_table(env, rel->secondary);
    return exists(env, mr_sql_list(env, MR_OP_COMMA, &link, 1), mr_sql_and(env, where, keys),
                  from_of(env, alias, parent ? rel->target : rel->parent));
}

/* ---------------------------------------------------------------- through an object's row */

/* The columns of the relationship that are on the object's side: the one at i, or NULL. */
static const mr_column *own_column(const mr_relationship *rel, bool parent, unsigned i) {
    if (parent) return i < rel->npairs ? rel->pairs[i].local : NULL;
    if (rel->direction == MR_MANY_TO_MANY) return i < rel->nsecondary ? rel->secondary_pairs[i].remote : NULL;
    return i < rel->npairs ? rel->pairs[i].remote : NULL;
}

/* The table that the object's side is joined by; NULL: it takes several. */
static mr_table *own_table(const mr_relationship *rel, bool parent) {
    const mr_column *first = own_column(rel, parent, 0), *column;
    if (!first || !first->table) return NULL;
    for (unsigned i = 1; (column = own_column(rel, parent, i)) != NULL; i++)
        if (column->table != first->table) return NULL;
    const mr_mapper *mapper = parent ? rel->parent : rel->target;
    bool several = mapper->base && mapper->base->table != mapper->table;
    return several && !rel->simple ? NULL : first->table;
}

/* The row of the table, seen as alias, is the object's. */
static mr_node *is_row(mr_env *env, const mr_property *along, const mr_table *table, mr_node *alias, mr_entity *e,
                       bool parent, bool required) {
    bool keyed = table->nprimary > 0;
    for (unsigned i = 0; i < table->nprimary; i++)
        if (!mr_mapper_property_of_column(e->mapper, table->primary[i])) keyed = false;
    /* A part of a key of several columns may be NULL. */
    bool is = keyed && table->nprimary > 1;
    mr_node *all = NULL;
    for (unsigned i = 0;; i++) {
        const mr_column *column = !keyed                ? own_column(along->relationship, parent, i)
                                  : i < table->nprimary ? table->primary[i]
                                                        : NULL;
        if (!column) return all;
        mr_node *value = key_of(e, column, column, required && !is, along);
        mr_node *x = value ? mr_sql_column(env, column, mr_node_retain(alias), NULL) : NULL;
        if (!value) mr_node_release(all);
        if (!value) return NULL;
        all = mr_sql_and(env, all, mr_sql_binary(env, is ? MR_OP_IS : MR_OP_EQ, x, value));
        if (!all) return NULL;
    }
}

/* The object's row is there, and a join leads from it to the row that the statement is about. parent: the object is on
 * the relationship's own side. */
static mr_node *row_exists(mr_env *env, const mr_property *along, mr_table *table, mr_node *alias, mr_entity *e,
                           bool parent) {
    const mr_relationship *rel = along->relationship;
    bool required = (rel->direction == MR_ONE_TO_MANY) == parent;
    mr_node *own = mr_sql_alias(env, mr_sql_table(env, table), NULL), *froms[2] = {own, own};
    if (!own) return NULL;
    sides s = {.rel = rel,
               .target = rel->target,
               .parent_alias = parent ? own : alias,
               .target_alias = parent ? alias : own,
               .written = true};
    mr_node *join = join_condition(env, &s);
    mr_node *row = join ? is_row(env, along, table, own, e, parent, required) : NULL;
    if (!row) {
        mr_node_release(join);
        mr_node_release(own);
        return NULL;
    }
    if (rel->direction == MR_MANY_TO_MANY) froms[0] = mr_sql_table(env, rel->secondary);
    return exists(env, mr_sql_list(env, MR_OP_COMMA, froms, rel->direction == MR_MANY_TO_MANY ? 2 : 1),
                  mr_sql_and(env, join, row), from_of(env, alias, parent ? rel->target : rel->parent));
}

/* The table for row_exists; NULL: to compare with the object's values finds the same rows. */
static mr_table *table_apart(const mr_property *along, const mr_entity *e, bool parent) {
    return mr_session_spells_apart(e, along->relationship) ? own_table(along->relationship, parent) : NULL;
}

/* The same for a criterion: a written condition that says more than the pairs is asked for as it is, too. */
static mr_table *table_of_row(const mr_property *along, const mr_entity *e, bool parent) {
    mr_table *table = table_apart(along, e, parent);
    return table || along->relationship->simple ? table : own_table(along->relationship, parent);
}

bool bind_spells_apart(const mr_property *along, const mr_entity *e) { return table_apart(along, e, true) != NULL; }

/* ---------------------------------------------------------------- criteria with an object */

mr_node *bind_belongs_to(const mr_property *along, mr_node *alias, mr_entity *parent) {
    mr_env *env = parent->mapper->env;
    const mr_relationship *rel = along->relationship;
    mr_table *table = table_of_row(along, parent, true);
    if (table) return row_exists(env, along, table, alias, parent, true);
    if (rel->direction == MR_MANY_TO_MANY) return link_exists(env, along, alias, parent, true);
    return keys_condition(env, along, rel->pairs, rel->npairs, alias, parent, false);
}

void bind_push_refers_to(lua_State *L, const mr_property *prop, mr_node *alias, int entity) {
    const mr_relationship *rel = prop->relationship;
    mr_entity *e = bind_test_entity(L, entity);
    bind_state *b = bind_of(L);
    if (!e || !mr_mapper_isa(e->mapper, rel->target))
        bind_type_error(L, entity, lua_pushfstring(L, "%s.%s", prop->mapper->name, prop->name),
                        lua_pushfstring(L, "a %s", rel->target->name));
    BIND_ENTER(b, L);
    mr_table *table = table_of_row(prop, e, false);
    mr_node *node = table ? row_exists(b->env, prop, table, alias, e, false)
                    : rel->direction == MR_MANY_TO_MANY
                        ? link_exists(b->env, prop, alias, e, false)
                        : keys_condition(b->env, prop, rel->pairs, rel->npairs, alias, e, true);
    BIND_LEAVE(b);
    bind_push_node(L, node);
}

void bind_push_refers_to_nothing(lua_State *L, const mr_property *prop, mr_node *alias, bool negated) {
    mr_env *env = bind_of(L)->env;
    const mr_relationship *rel = prop->relationship;
    if (rel->direction != MR_MANY_TO_ONE) {
        bind_push_related_exists(L, prop, alias, NULL, 0);
        if (!negated) {
            bind_push_node(L, mr_sql_not(env, mr_node_retain(bind_test_node(L, -1))));
            lua_remove(L, -2);
        }
        return;
    }
    mr_node *all = NULL;
    for (unsigned i = 0; i < rel->npairs; i++) {
        mr_node *x = mr_sql_column(env, rel->pairs[i].local, mr_node_retain(alias), NULL);
        mr_node *null = mr_sql_raw(env, mr_type_simple(MR_TYPE_NULL), "NULL");
        all = mr_sql_and(env, all, mr_sql_binary(env, negated ? MR_OP_IS_NOT : MR_OP_IS, x, null));
        if (!all) bind_raise(L);
    }
    bind_push_node(L, all);
}

/*
 * tables.c: the FROM object of a class: its table, or the join of the tables that its rows are in.
 *
 * Invariant: the first table is that of the topmost base class. A column of the class is read from the part of the join
 * that is its table.
 */
#include "planner.h"

#include <string.h>

/* ---------------------------------------------------------------- joining the parts */

/* A FROM object under construction. aliased: each table gets a name of its own. */
typedef struct joining {
    mr_env *env;
    bool aliased;
    const char *name; /* of the alias that the program wants; NULL: the compiler chooses */
    bool several;     /* each table's alias is called name_table */
    mr_mapper *reads; /* the class whose rows these are; NULL: only keys of it are read */
    mr_node *from;    /* owned; NULL: nothing yet, or failed */
    bool failed;
} joining;

static mr_node *read_from_part(void *ud, const mr_node *column) {
    joining *j = ud;
    if (column->n > 0) return NULL;
    mr_node *leaf = mr_from_leaf(j->from, column->u.column->table);
    if (!leaf || leaf->kind == MR_NODE_TABLE) return NULL;
    mr_node *made = mr_sql_column(j->env, column->u.column, mr_node_retain(leaf), column->annotation);
    if (!made) j->failed = true;
    return made;
}

/* The ON of a join of which j->from has all tables already, read from their aliases. */
static mr_node *condition(joining *j, mr_node *on) {
    return j->aliased ? mr_node_replace(on, read_from_part, j) : mr_node_retain(on);
}

/* The table, under a name of its own where that is wanted. NULL: failed. */
static mr_node *part_node(const joining *j, const mr_table *table) {
    mr_node *node = mr_sql_table(j->env, table);
    if (!node || !j->aliased) return node;
    if (!j->name || !j->several) return mr_sql_alias(j->env, node, j->name);
    mr_strbuf text;
    mr_strbuf_init(&text, j->env);
    mr_strbuf_printf(&text, "%s_%s", j->name, table->name);
    const char *name = mr_strbuf_str(&text);
    if (name) node = mr_sql_alias(j->env, node, name);
    else mr_node_release(node);
    mr_strbuf_done(&text);
    return name ? node : NULL;
}

static void add_part(joining *j, const mr_mapper_part *part, mr_op kind) {
    if (j->failed) return;
    mr_node *table = part_node(j, part->table);
    if (!j->from) {
        if (!(j->from = table)) j->failed = true;
        else table->reader = j->reads; /* nobody else has the node yet */
        return;
    }
    /* The ON names the new table, too: it is found in a join of both that has no condition yet. */
    mr_node *left = j->from;
    mr_node *none = mr_sql_raw(j->env, mr_type_simple(MR_TYPE_BOOLEAN), "1");
    j->from = mr_sql_join(j->env, kind, mr_node_retain(left), mr_node_retain(table), none);
    mr_node *on = j->from ? condition(j, part->on) : NULL;
    if (j->failed) {
        mr_node_release(on);
        on = NULL;
    }
    mr_node_release(j->from);
    j->from = mr_sql_join(j->env, kind, left, table, on);
    if (!j->from) j->failed = true;
}

static void add_own(joining *j, const mr_mapper *mapper) {
    for (unsigned i = 0; i < mapper->nparts; i++) add_part(j, &mapper->parts[i], MR_OP_INNER);
}

/* Adds the tables of a class below that are not there yet. */
static void add_below(joining *j, const mr_mapper *mapper) {
    for (unsigned i = 0; i < mapper->nparts && !j->failed; i++)
        if (!mr_from_leaf(j->from, mapper->parts[i].table)) add_part(j, &mapper->parts[i], MR_OP_LEFT);
}

mr_node *mr_mapper_tables(mr_mapper *mapper) {
    joining j = {.env = mapper->env, .reads = mapper};
    add_own(&j, mapper);
    return j.from;
}

static mr_node *with_inline(mr_mapper *mapper, bool aliased, const char *name) {
    joining j = {.env = mapper->env, .aliased = aliased, .name = name, .reads = mapper};
    j.several = mapper->nparts > 1;
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m));)
        j.several = j.several || (mr_mapper_is_inline(mapper, m) && m->nparts > 1);
    add_own(&j, mapper);
    for (mr_mapper *m = NULL; !j.failed && (m = mr_mapper_next_below(mapper, m));)
        if (mr_mapper_is_inline(mapper, m)) add_below(&j, m);
    return j.from;
}

mr_node *mr_mapper_from(mr_mapper *mapper) { return with_inline(mapper, false, NULL); }

mr_node *mr_mapper_alias(mr_mapper *mapper) { return with_inline(mapper, true, NULL); }

mr_node *mr_from_given(mr_node *from) {
    for (mr_node *x = from; x; x = x->kind == MR_NODE_JOIN ? x->child[0] : NULL) {
        if (x == from && x->kind == MR_NODE_JOIN) x->flags |= MR_NODE_GIVEN;
        mr_node *leaf = x->kind == MR_NODE_JOIN ? x->child[1] : x;
        if (leaf->kind == MR_NODE_ALIAS) leaf->flags |= MR_NODE_GIVEN;
    }
    return from;
}

mr_node *mr_class_alias(mr_mapper *mapper, const char *name) { return mr_from_given(with_inline(mapper, true, name)); }

static mr_node *tables_alias(mr_mapper *mapper, mr_mapper *reads) {
    joining j = {.env = mapper->env, .aliased = true, .reads = reads};
    add_own(&j, mapper);
    return j.from;
}

mr_node *mr_tables_alias(mr_mapper *mapper) { return tables_alias(mapper, mapper); }

mr_node *mr_keys_alias(mr_mapper *mapper) { return tables_alias(mapper, NULL); }

mr_node *mr_polymorphic_from(const mr_polymorphic *with, bool aliased, const char *name) {
    joining j = {.env = with->mapper->env, .aliased = aliased, .name = name, .reads = with->mapper};
    j.several = with->mapper->nparts > 1;
    for (unsigned i = 0; i < with->n; i++) j.several = j.several || with->classes[i]->nparts > 1;
    add_own(&j, with->mapper);
    for (unsigned i = 0; i < with->n && !j.failed; i++) add_below(&j, with->classes[i]);
    if (j.from) j.from->annotation = with; /* nobody else has the node yet */
    return j.from;
}

/*
 * links.c: writes the rows of secondary tables: for each table first deletes, then updates, then inserts.
 *
 * Invariant: the parameters of a link statement are the new values in the order of the secondary table's columns
 * (INSERT, UPDATE), then the old values (UPDATE, DELETE); constants of SQL defaults are among them. A DELETE removes
 * the same rows that a join finds: if the two columns of a pair compare by different rules, it joins the object's row.
 * The links that the two sides of a relationship have noted go through one statement.
 */
#include "rows.h"
#include "statement.h"
#include "values.h"

/* A column of the secondary table, and the source of its value: a slot of the parent or of the target, or its default
 * (INSERT) or onupdate (UPDATE). */
typedef struct link_column {
    mr_column *column;
    const mr_default *made;
    bool of_target;
    uint16_t slot;
    const mr_column *own; /* the column of the object; NULL: a default makes the value */
    bool apart;           /* comparing with the value finds other rows than comparing with own */
} link_column;

typedef struct flush_link_statement {
    const mr_relationship *rel;
    const mr_dialect *dialect;
    flush_link_kind kind;
    bool plain;      /* rows are found by values, because the objects' rows do not have these values any more */
    uint64_t engine; /* serial of the engine that was asked how it compares; 0: no need to ask */
    unsigned ncolumns;
    link_column *columns;
    mr_node *node;
    mr_compiled *compiled;
    mr_value *constants; /* by parameter; MR_UNLOADED: the value comes from the row. Borrowed from node */
} flush_link_statement;

/* ---------------------------------------------------------------- statements */

static void free_statement(mr_env *env, flush_link_statement *st) {
    mr_compiled_release(st->compiled);
    mr_node_release(st->node);
    mr_free(env, st->constants);
    mr_free(env, st->columns);
    mr_free(env, st);
}

void mr_flush_link_statements_free(flush_class *cls) {
    for (size_t i = 0; i < cls->links.len; i++) free_statement(cls->env, mr_vec_ptr(&cls->links, i));
    mr_vec_done(&cls->links);
}

static void add_column(flush_link_statement *st, link_column made) {
    unsigned at = st->ncolumns;
    for (unsigned i = 0; i < at; i++)
        if (st->columns[i].column == made.column) return;
    for (; at > 0 && st->columns[at - 1].column->index > made.column->index; at--)
        st->columns[at] = st->columns[at - 1];
    st->columns[at] = made;
    st->ncolumns++;
}

static mr_status find_apart(flush_link_statement *st, mr_conn *conn) {
    for (unsigned i = 0; i < st->ncolumns; i++) {
        link_column *col = &st->columns[i];
        if (!col->own || !col->own->table) continue;
        if (mr_conn_columns_apart(conn, col->own, col->column, &col->apart) == MR_FAIL) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status find_columns(mr_env *env, flush_link_statement *st, mr_conn *conn) {
    const mr_relationship *rel = st->rel;
    const mr_table *table = rel->secondary;
    size_t most = (size_t)rel->npairs + rel->nsecondary + table->ncolumns;
    st->columns = mr_alloc(env, most * sizeof *st->columns);
    if (!st->columns) return MR_FAIL;
    for (unsigned i = 0; i < rel->npairs; i++)
        add_column(st, (link_column){.column = rel->pairs[i].remote,
                                     .slot = rel->pairs[i].local_slot,
                                     .own = rel->pairs[i].local});
    for (unsigned i = 0; i < rel->nsecondary; i++)
        add_column(st, (link_column){.column = rel->secondary_pairs[i].local,
                                     .of_target = true,
                                     .slot = rel->secondary_pairs[i].remote_slot,
                                     .own = rel->secondary_pairs[i].remote});
    bool writes = st->kind == LINK_INSERT || st->kind == LINK_UPDATE;
    for (unsigned i = 0; writes && i < table->ncolumns; i++) {
        mr_column *column = table->columns[i];
        const mr_default *made = st->kind == LINK_INSERT ? &column->deflt : &column->onupdate;
        if (made->kind != MR_DEFAULT_NONE)
            add_column(st, (link_column){.column = column, .made = made, .slot = UINT16_MAX});
    }
    return st->engine ? find_apart(st, conn) : MR_OK;
}

/* Does the join's condition have the link's column on its left side? The left side decides how text is compared. */
typedef struct seen_pair {
    const link_column *col;
    bool link_first;
} seen_pair;

static bool see_pair(void *ud, const mr_node *node) {
    seen_pair *seen = ud;
    if (node->kind == MR_NODE_BINARY && node->op == MR_OP_EQ && node->child[0]->kind == MR_NODE_COLUMN &&
        node->child[1]->kind == MR_NODE_COLUMN && node->child[0]->u.column == seen->col->column &&
        node->child[1]->u.column == seen->col->own)
        seen->link_first = true;
    return !seen->link_first;
}

/* A criterion: the object's row has the value, and a join leads from it to the link. Consumes link and param. */
static mr_node *joined_node(mr_env *env, const flush_link_statement *st, const link_column *col, mr_node *link,
                            mr_node *param) {
    seen_pair seen = {col, false};
    const mr_node *join = col->of_target ? st->rel->secondaryjoin : st->rel->primaryjoin;
    if (join) mr_node_walk(join, see_pair, &seen);
    mr_node *row = mr_sql_alias(env, mr_sql_table(env, col->own->table), NULL);
    mr_node *one = mr_sql_raw(env, mr_type_simple(MR_TYPE_INTEGER), "1");
    mr_node *own = row ? mr_sql_column(env, col->own, mr_node_retain(row), NULL) : NULL;
    mr_node *same = row ? mr_sql_column(env, col->own, mr_node_retain(row), NULL) : NULL;
    mr_node *pair = mr_sql_binary(env, MR_OP_EQ, seen.link_first ? link : own, seen.link_first ? own : link);
    mr_node *value = mr_sql_binary(env, MR_OP_EQ, same, param);
    mr_select s = {.columns = mr_sql_list_append(env, NULL, one),
                   .from = mr_sql_list_append(env, NULL, row),
                   .correlate = mr_sql_list_append(env, NULL, mr_sql_table(env, st->rel->secondary)),
                   .where = mr_sql_and(env, pair, value)};
    if (s.columns && s.from && s.correlate && s.where) return mr_sql_exists(env, mr_sql_select(env, &s));
    mr_node_release(s.columns);
    mr_node_release(s.from);
    mr_node_release(s.correlate);
    mr_node_release(s.where);
    return NULL;
}

typedef enum part { PART_COLUMNS, PART_VALUES, PART_WHERE } part;

static mr_node *part_node(mr_env *env, const flush_link_statement *st, const link_column *col, part which) {
    mr_node *column = which == PART_VALUES ? NULL : mr_sql_column(env, col->column, NULL, NULL);
    if (which == PART_COLUMNS) return column;
    if (col->made && col->made->kind == MR_DEFAULT_SQL) return mr_node_retain(col->made->expression);
    bool joined = which == PART_WHERE && col->apart;
    const mr_column *read = joined ? col->own : col->column;
    mr_node *param = mr_sql_param(env, mr_column_type(env, (mr_column *)(uintptr_t)read), "link");
    if (joined) return joined_node(env, st, col, column, param);
    return which == PART_VALUES ? param : mr_sql_binary(env, MR_OP_EQ, column, param);
}

/* A part of the statement: its list of columns, its list of values, or its WHERE. */
static mr_node *part_list(mr_env *env, const flush_link_statement *st, part which) {
    mr_node *list = NULL;
    for (unsigned i = 0; i < st->ncolumns; i++) {
        if (which == PART_WHERE && st->columns[i].made) continue;
        mr_node *node = part_node(env, st, &st->columns[i], which);
        list = which == PART_WHERE ? mr_sql_and(env, list, node) : mr_sql_list_append(env, list, node);
        if (!list) return NULL;
    }
    return list;
}

static mr_node *row_list(mr_env *env, const flush_link_statement *st) {
    mr_node *values = part_list(env, st, PART_VALUES);
    if (!values) return NULL;
    for (uint32_t i = 0; i < values->n; i++) mr_node_retain(values->child[i]);
    mr_node *tuple = mr_sql_tuple(env, values->child, values->n);
    mr_node_release(values);
    return mr_sql_list_append(env, NULL, tuple);
}

static void release_clauses(const mr_dml *d) {
    mr_node_release(d->table);
    mr_node_release(d->columns);
    mr_node_release(d->values);
    mr_node_release(d->where);
}

static mr_node *build_find(mr_env *env, const flush_link_statement *st) {
    mr_select s = {.columns = mr_sql_list_append(env, NULL, part_node(env, st, &st->columns[0], PART_COLUMNS)),
                   .from = mr_sql_list_append(env, NULL, mr_sql_table(env, st->rel->secondary)),
                   .where = part_list(env, st, PART_WHERE)};
    if (s.columns && s.from && s.where) return mr_sql_select(env, &s);
    mr_node_release(s.columns);
    mr_node_release(s.from);
    mr_node_release(s.where);
    return NULL;
}

static mr_node *build(mr_env *env, const flush_link_statement *st) {
    if (st->kind == LINK_FIND) return build_find(env, st);
    mr_dml d = {.table = mr_sql_table(env, st->rel->secondary)};
    bool ok = d.table != NULL;
    if (ok && st->kind != LINK_DELETE) {
        ok = (d.columns = part_list(env, st, PART_COLUMNS)) != NULL;
        if (ok) ok = (d.values = st->kind == LINK_INSERT ? row_list(env, st) : part_list(env, st, PART_VALUES)) != NULL;
    }
    if (ok && st->kind != LINK_INSERT) ok = (d.where = part_list(env, st, PART_WHERE)) != NULL;
    if (!ok) {
        release_clauses(&d);
        return NULL;
    }
    if (st->kind == LINK_INSERT) return mr_sql_insert(env, &d);
    return st->kind == LINK_UPDATE ? mr_sql_update(env, &d) : mr_sql_delete(env, &d);
}

/* Finds the constants of defaults that are SQL. */
static mr_status find_constants(mr_env *env, flush_link_statement *st) {
    mr_strbuf key;
    mr_vec binds;
    mr_strbuf_init(&key, env);
    mr_vec_init(&binds, env, sizeof(mr_node *));
    st->constants = mr_calloc(env, (st->compiled->nparams + 1) * sizeof *st->constants);
    mr_status status = st->constants ? mr_sql_key(st->node, &key, &binds) : MR_FAIL;
    for (size_t i = 0; status == MR_OK && i < st->compiled->nparams; i++) {
        const mr_param *param = &st->compiled->params[i];
        const mr_node *bind = param->ordinal < binds.len ? mr_vec_ptr(&binds, param->ordinal) : NULL;
        if (!param->name && bind) st->constants[i] = mr_param_value(param, &bind->u.value);
    }
    mr_vec_done(&binds);
    mr_strbuf_done(&key);
    return status;
}

/* The statement, kept with the parent's class. */
static flush_link_statement *statement_of(flush_class *cls, const mr_relationship *rel, flush_link_kind kind,
                                          bool plain, mr_conn *conn) {
    const mr_dialect *dialect = mr_engine_dialect(mr_conn_engine(conn));
    uint64_t engine = plain ? 0 : mr_engine_serial(mr_conn_engine(conn));
    for (size_t i = 0; i < cls->links.len; i++) {
        flush_link_statement *known = mr_vec_ptr(&cls->links, i);
        if (known->rel == rel && known->kind == kind && known->dialect == dialect && known->engine == engine)
            return known;
    }
    flush_link_statement *st = mr_calloc(cls->env, sizeof *st);
    if (!st) return NULL;
    st->rel = rel;
    st->kind = kind;
    st->dialect = dialect;
    st->plain = plain;
    st->engine = engine;
    st->node = find_columns(cls->env, st, conn) == MR_OK ? build(cls->env, st) : NULL;
    if (st->node && mr_sql_compile(cls->env, dialect, st->node, &st->compiled) == MR_OK &&
        find_constants(cls->env, st) == MR_OK && mr_vec_push_ptr(&cls->links, st) == MR_OK)
        return st;
    free_statement(cls->env, st);
    return NULL;
}

/* ---------------------------------------------------------------- values */

/* The entity's value before this flush. */
static const mr_value *old_value(mr_flush *flush, mr_entity *entity, uint16_t slot, mr_value *room) {
    const mr_mapper *mapper = entity->mapper;
    for (unsigned i = 0; i < mapper->npk; i++) {
        if (mapper->pk_slots[i] != slot || !mr_entity_has_identity(entity)) continue;
        mr_value *key = mr_flush_keys(flush, mapper->npk);
        if (!key) return NULL;
        mr_entity_key(entity, key);
        *room = key[i];
        return room;
    }
    return mr_entity_committed(entity, slot);
}

/* *out: the value of one column; bytes are borrowed. */
static mr_status column_value(mr_flush *flush, const flush_link *link, const link_column *col, bool old,
                              mr_value *out) {
    mr_value room;
    mr_entity *e = col->of_target ? link->target : link->parent;
    if (col->made) {
        const mr_type *type = mr_type_in(mr_column_type(flush->env, col->column), flush->ctx.dialect);
        if (mr_flush_default(flush, type, col->made, out) != MR_OK) return MR_FAIL;
        return mr_type_coerce(flush->env, type, col->column->name, out);
    }
    if (col->slot == UINT16_MAX)
        return mr_fail(flush->env, MR_ERR_INVALID_REQUEST,
                       "%s.%s: column '%s.%s' refers to a column that is not mapped", link->rel->parent->name,
                       link->rel->prop->name, link->rel->secondary->name, col->column->name);
    const mr_value *v = old ? old_value(flush, e, col->slot, &room) : mr_flush_entity_value(flush, e, col->slot, &room);
    if (!v) return MR_FAIL;
    *out = v->kind == MR_UNLOADED || v->kind >= MR_OPAQUE ? mr_null_value() : *v;
    return MR_OK;
}

static void put_constants(const flush_link_statement *st, mr_value *values, size_t *n) {
    for (; *n < st->compiled->nparams && st->constants[*n].kind != MR_UNLOADED; ++*n) values[*n] = st->constants[*n];
}

static mr_status fill(mr_flush *flush, const flush_link *link, const flush_link_statement *st, mr_value *values) {
    /* If the database has changed the link already (ON UPDATE CASCADE), it is found by the new values. */
    bool follows = link->kind == LINK_DELETE && link->rel->passive_updates;
    size_t n = 0;
    for (int old = link->kind == LINK_DELETE; old <= (link->kind != LINK_INSERT); old++)
        for (unsigned i = 0; i < st->ncolumns; i++) {
            const link_column *col = &st->columns[i];
            if (col->made && (old || col->made->kind == MR_DEFAULT_SQL)) continue;
            put_constants(st, values, &n);
            mr_value v;
            if (column_value(flush, link, col, old && !follows, &v) != MR_OK) return MR_FAIL;
            /* A value that rows are found by may take several parameters: one for each spelling. */
            const mr_param *params = st->compiled->params;
            uint32_t ordinal = params[n].ordinal;
            for (; n < st->compiled->nparams && params[n].ordinal == ordinal; n++)
                values[n] = mr_param_value(&params[n], &v);
        }
    put_constants(st, values, &n);
    return MR_OK;
}

/* ---------------------------------------------------------------- sending */

/* Appends the object's name: with the key that this flush gives it, else with its own. */
static void describe(mr_flush *flush, mr_entity *entity, mr_strbuf *out) {
    const flush_op *op = mr_flush_op_of(flush, entity);
    bool fresh = op && op->identity.kind != MR_UNLOADED;
    if (fresh) mr_identity_describe(entity->mapper, &op->identity, out);
    else mr_entity_describe(entity, out);
}

/* Link rows that are sent through one statement. */
typedef struct link_batch {
    mr_cursor *cursor;
    size_t expected;
    size_t doubtful; /* number of links of objects outside of the session: they may never have been written */
    int64_t matched;
    mr_vec missed; /* const flush_link *: links whose statement has matched or inserted no row */
} link_batch;

static mr_status count_link(void *ud, void *row, mr_status step) {
    (void)step;
    link_batch *batch = ud;
    int64_t n = mr_cursor_rowcount(batch->cursor);
    batch->matched += n;
    return n == 0 ? mr_vec_push_ptr(&batch->missed, row) : MR_OK;
}

/* The database has skipped the INSERT of the link. That is no error if the link exists: a table with ON CONFLICT IGNORE
 * skips such rows. */
static mr_status check_linked(mr_flush *flush, flush_class *cls, flush_group *group, const flush_link *link) {
    const flush_link_statement *st = statement_of(cls, link->rel, LINK_FIND, false, group->conn);
    mr_value *values = st ? mr_flush_values(flush, st->compiled->nparams) : NULL;
    mr_cursor *cursor;
    if (!values || fill(flush, link, st, values) != MR_OK ||
        mr_conn_execute(group->conn, st->compiled, values, &cursor) != MR_OK)
        return MR_FAIL;
    mr_status status = mr_cursor_step(cursor);
    mr_cursor_close(cursor);
    if (status != MR_DONE) return status == MR_FAIL ? MR_FAIL : MR_OK;
    mr_strbuf parent, target;
    mr_strbuf_init(&parent, flush->env);
    mr_strbuf_init(&target, flush->env);
    describe(flush, link->parent, &parent);
    describe(flush, link->target, &target);
    if (mr_strbuf_str(&parent) && mr_strbuf_str(&target))
        mr_fail(flush->env, MR_ERR_STALE_DATA,
                "INSERT statement on table '%s' expected to insert 1 row(s); 0 were inserted. The link of %s.%s from "
                "%s to %s "
                "is not there: a constraint with ON CONFLICT IGNORE or a trigger with RAISE(IGNORE) has skipped it",
                link->rel->secondary->name, link->rel->parent->name, link->rel->prop->name, mr_strbuf_str(&parent),
                mr_strbuf_str(&target));
    mr_strbuf_done(&parent);
    mr_strbuf_done(&target);
    return MR_FAIL;
}

/* Is the link found by values? Yes if the rows of its objects have other values by now, or if nothing is searched. */
static bool is_plain(mr_flush *flush, const flush_link *link) {
    if (link->kind != LINK_DELETE) return true;
    if (link->rel->passive_updates) return false;
    const flush_op *parent = mr_flush_op_of(flush, link->parent), *target = mr_flush_op_of(flush, link->target);
    return (parent && parent->flags & OP_KEY_CHANGED) || (target && target->flags & OP_KEY_CHANGED);
}

/* *out: have the statements found more rows than links only because one link has rows with different spellings? */
static mr_status are_spelled(mr_conn *conn, const flush_link_statement *st, const link_batch *batch, bool *out) {
    *out = false;
    if (st->kind != LINK_DELETE || batch->missed.len > batch->doubtful) return MR_OK;
    for (unsigned i = 0; i < st->ncolumns && !*out; i++)
        if (st->columns[i].apart) *out = true;
        else if (mr_conn_column_folds(conn, st->columns[i].column, out) != MR_OK) return MR_FAIL;
    return MR_OK;
}

static mr_status check_matched(const mr_flush *flush, mr_conn *conn, const flush_link_statement *st,
                               const link_batch *batch) {
    int64_t least = (int64_t)batch->expected, most = least + (int64_t)batch->doubtful;
    if (batch->matched >= least && batch->matched <= most) return MR_OK;
    bool spelled = false;
    if (batch->matched > most && are_spelled(conn, st, batch, &spelled) != MR_OK) return MR_FAIL;
    if (batch->matched > most && spelled) return MR_OK;
    const char *verb = st->kind == LINK_DELETE ? "delete" : "update";
    return mr_fail(flush->env, MR_ERR_STALE_DATA,
                   "%s statement on table '%s' expected to %s %zu row(s); Only %lld were matched. Links of "
                   "%s.%s were changed "
                   "meanwhile: roll back and load them again",
                   st->kind == LINK_DELETE ? "DELETE" : "UPDATE", st->rel->secondary->name, verb, batch->expected,
                   (long long)batch->matched, st->rel->parent->name, st->rel->prop->name);
}

static mr_status check_links(mr_flush *flush, flush_class *cls, flush_group *group, const flush_link_statement *st,
                             const link_batch *batch) {
    mr_table_facts facts;
    if (st->kind != LINK_DELETE && (mr_conn_table_facts(group->conn, st->rel->secondary, false, &facts) != MR_OK ||
                                    mr_flush_note_replacing(flush, st->rel->secondary, &facts) != MR_OK))
        return MR_FAIL;
    if (st->kind != LINK_INSERT) return check_matched(flush, group->conn, st, batch);
    for (size_t i = 0; i < batch->missed.len; i++)
        if (check_linked(flush, cls, group, mr_vec_ptr(&batch->missed, i)) != MR_OK) return MR_FAIL;
    return MR_OK;
}

static bool are_mirrored(const mr_column_pair *a, unsigned n, const mr_column_pair *b, unsigned m) {
    bool same = n == m;
    for (unsigned i = 0; same && i < n; i++) same = a[i].local == b[i].remote && a[i].remote == b[i].local;
    return same;
}

/* Are the links of both relationships the same rows, seen from the two sides? */
static bool is_other_side(const mr_relationship *rel, const mr_relationship *other) {
    return rel->reverse == other && other->reverse == rel && rel->secondary == other->secondary &&
           rel->passive_updates == other->passive_updates &&
           are_mirrored(rel->pairs, rel->npairs, other->secondary_pairs, other->nsecondary) &&
           are_mirrored(rel->secondary_pairs, rel->nsecondary, other->pairs, other->npairs);
}

static bool belongs(mr_flush *flush, const flush_link_statement *st, const flush_link *link) {
    return !link->sent && link->kind == st->kind && (link->rel == st->rel || is_other_side(st->rel, link->rel)) &&
           is_plain(flush, link) == st->plain;
}

/* The link as it is seen from the side of the relationship. */
static flush_link seen_from(const mr_relationship *rel, const flush_link *link) {
    if (link->rel == rel) return *link;
    return (flush_link){rel, link->target, link->parent, link->kind, link->sent};
}

static mr_status send_links(mr_flush *flush, flush_class *cls, flush_group *group, const flush_link_statement *st,
                            size_t from) {
    link_batch batch = {0};
    mr_vec_init(&batch.missed, flush->env, sizeof(flush_link *));
    mr_value *values = mr_flush_values(flush, st->compiled->nparams);
    if (!values || mr_conn_prepare(group->conn, st->compiled, &batch.cursor) != MR_OK) return MR_FAIL;
    mr_batch rows;
    mr_batch_begin(&rows, batch.cursor, count_link, &batch);
    mr_table_facts facts = {0};
    mr_status status = MR_OK;
    if (st->kind == LINK_INSERT) status = mr_conn_table_facts(group->conn, st->rel->secondary, false, &facts);
    if (status == MR_OK && facts.in_order) mr_batch_together(&rows, false, true);
    for (size_t i = from; i < flush->links.len && status == MR_OK; i++) {
        flush_link *link = mr_vec_at(&flush->links, i);
        if (!belongs(flush, st, link)) continue;
        link->sent = true;
        const flush_link seen = seen_from(st->rel, link);
        status = fill(flush, &seen, st, values);
        if (status != MR_OK) break;
        flush->sent = true;
        status = mr_batch_row(&rows, values, link);
        if (link->target->owner == flush->ctx.owner) batch.expected++;
        else batch.doubtful++;
    }
    status = mr_batch_end(&rows, status);
    mr_cursor_close(batch.cursor);
    if (status == MR_OK) status = check_links(flush, cls, group, st, &batch);
    mr_vec_done(&batch.missed);
    return status;
}

static flush_class *class_of(const mr_flush *flush, const mr_mapper *mapper) {
    for (size_t i = 0; i < flush->classes.len; i++) {
        flush_class *cls = mr_vec_ptr(&flush->classes, i);
        if (cls->mapper == mapper) return cls;
    }
    return NULL;
}

static flush_group *group_of(const mr_flush *flush, const mr_mapper *mapper) {
    for (size_t i = 0; i < flush->groups.len; i++) {
        flush_group *group = mr_vec_at(&flush->groups, i);
        if (group->root == mapper->root) return group;
    }
    return NULL;
}

mr_status mr_flush_run_links(mr_flush *flush) {
    for (int kind = 0; kind < LINK__COUNT; kind++)
        for (size_t i = 0; i < flush->links.len; i++) {
            const flush_link *link = mr_vec_at(&flush->links, i);
            if (link->sent || link->kind != (flush_link_kind)kind) continue;
            flush_group *group = group_of(flush, link->parent->mapper);
            flush_class *cls = class_of(flush, link->parent->mapper);
            if (!group || !cls || mr_flush_connect(flush, group) != MR_OK) return MR_FAIL;
            const flush_link_statement *st =
                statement_of(cls, link->rel, link->kind, is_plain(flush, link), group->conn);
            if (!st || send_links(flush, cls, group, st, i) != MR_OK) return MR_FAIL;
        }
    return MR_OK;
}

/*
 * update_delete.c: query:update and query:delete: one UPDATE or DELETE of all rows that match a query.
 *
 * Invariant: a query with a clause that an UPDATE or DELETE cannot have is refused. A clause is never left out: more
 * rows would be changed than the program meant.
 */
#include "session_state.h"

/* ---------------------------------------------------------------- the query's criteria */

/* The clause that an UPDATE or DELETE cannot have; NULL: there is none. */
static const char *clause_in_the_way(const mr_query *q) {
    if (q->statement) return "from_statement";
    if (q->united) return "union"; /* or the like */
    return mr_query_clause_method(q);
}

/* The attribute of the first column of the primary key. */
static const char *key_name(const mr_mapper *mapper) {
    size_t i = 0;
    while (i + 1 < mapper->columns.len &&
           ((const mr_property *)mr_vec_ptr(&mapper->columns, i))->slot != mapper->pk_slots[0])
        i++;
    return ((const mr_property *)mr_vec_ptr(&mapper->columns, i))->name;
}

static mr_status check_query(const mr_query *q, const char *function) {
    if (q->nitems != 1 || !q->items[0].mapper)
        return mr_fail(q->env, MR_ERR_ARGUMENT, "%s: the query must be over one class, session:query(User)", function);
    if (q->items[0].alias)
        return mr_fail(q->env, MR_ERR_ARGUMENT, "%s: the query is over an alias of %s: query the class itself",
                       function, q->items[0].mapper->name);
    const char *clause = clause_in_the_way(q);
    if (!clause) return MR_OK;
    const mr_mapper *mapper = q->items[0].mapper;
    return mr_fail(q->env, MR_ERR_ARGUMENT,
                   "%s cannot be called on a query with %s(): write filter(%s.%s:in_(...)) with the query "
                   "as a subquery",
                   function, clause, mapper->name, key_name(mapper));
}

/* A column of another table of the class. */
typedef struct foreign_part {
    const mr_mapper *mapper;
    const mr_table *table;
    bool found;
} foreign_part;

static bool find_part(void *ud, const mr_node *node) {
    foreign_part *f = ud;
    if (node->kind == MR_NODE_COLUMN && node->n == 0 && node->u.column->table != f->table &&
        mr_mapper_reads(f->mapper, node->u.column->table))
        f->found = true;
    return !f->found;
}

mr_status mr_session_names_alone(const mr_mapper *mapper, const mr_table *table, const mr_node *where, bool *own) {
    mr_env *env = mapper->env;
    foreign_part part = {mapper, table, false};
    *own = true;
    if (!where) return MR_OK;
    if (mapper->nparts > 1) mr_node_walk(where, find_part, &part);
    if (part.found) *own = false;
    mr_vec froms;
    mr_vec_init(&froms, env, sizeof(mr_node *));
    mr_status status = mr_node_froms(env, where, &froms);
    for (size_t i = 0; i < froms.len; i++) {
        mr_node *from = mr_vec_ptr(&froms, i);
        if (from->kind != MR_NODE_TABLE || from->u.table != table) *own = false;
        mr_node_release(from);
    }
    mr_vec_done(&froms);
    return status;
}

/* The criteria (consumed; or NULL) with what joins the tables of the class. NULL: failed. */
static mr_node *with_joins(const mr_mapper *mapper, mr_node *where) {
    mr_node *all = NULL;
    for (unsigned i = 1; i < mapper->nparts; i++) {
        all = mr_sql_and(mapper->env, all, mr_node_retain(mapper->parts[i].on));
        if (!all) {
            mr_node_release(where);
            return NULL;
        }
    }
    return where ? mr_sql_and(mapper->env, all, where) : all;
}

/* Replaces the query, which is consumed, by one in which criteria that are text need no joins. */
static mr_status alone(mr_query **q) {
    mr_query *before = *q;
    mr_node *where = NULL;
    if (!before->njoins || !before->clauses.where) return MR_OK;
    *q = mr_criteria_alone(before->clauses.where, &where) == MR_OK ? mr_query_with_criterion(before, where) : NULL;
    mr_query_release(before);
    return *q ? MR_OK : MR_FAIL;
}

/* A column of a table that only subclasses of the class have. */
typedef struct below {
    const mr_mapper *mapper;
    bool found;
} below;

static bool find_below(void *ud, const mr_node *node) {
    below *b = ud;
    if (node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    const mr_property *prop = node->kind == MR_NODE_COLUMN && node->n == 0 ? node->annotation : NULL;
    if (prop && mr_mapper_isa(prop->mapper, b->mapper) && !mr_mapper_reads(b->mapper, node->u.column->table))
        b->found = true;
    return !b->found;
}

/* The query with the key of its class, of rows of that class, as its items; NULL: failed. */
static mr_query *keys_of(const mr_query *q, const mr_mapper *mapper) {
    mr_query *keys = NULL;
    for (unsigned i = 0; i < mapper->npk; i++) {
        const mr_property *prop = mr_mapper_at_slot(mapper, mapper->pk_slots[i]);
        const mr_query_item item = {.expression = mr_property_node_of(prop, mapper)};
        mr_query *more = item.expression ? mr_query_with_items(keys ? keys : q, &item, 1, i > 0) : NULL;
        mr_query_release(keys);
        if (!(keys = more)) return NULL;
    }
    return keys;
}

/* *where: the key is one of those that the query finds. Only a SELECT can join the tables of subclasses. */
static mr_status key_is_found(const mr_query *q, const mr_mapper *mapper, mr_node **where) {
    mr_env *env = mapper->env;
    mr_node *select = NULL, **key = mr_calloc(env, mapper->npk * sizeof(mr_node *));
    mr_query *keys = keys_of(q, mapper);
    *where = NULL;
    bool ready = key && keys && mr_load_statement(keys, true, &select) == MR_OK;
    for (unsigned i = 0; ready && i < mapper->npk; i++)
        ready = (key[i] = mr_property_node(mr_mapper_at_slot(mapper, mapper->pk_slots[i]), NULL)) != NULL;
    if (ready) {
        mr_node *one = mapper->npk == 1 ? key[0] : mr_sql_tuple(env, key, mapper->npk);
        *where = mr_sql_binary(env, MR_OP_IN, one, mr_sql_scalar(env, select));
    } else {
        for (unsigned i = 0; key && i < mapper->npk; i++) mr_node_release(key[i]);
        mr_node_release(select);
    }
    mr_query_release(keys);
    mr_free(env, key);
    return *where ? MR_OK : MR_FAIL;
}

/* *where: the query's criteria about the rows of a table of its class, with those of its parents and of its class; a
 * new reference. NULL: there are none. */
static mr_status criteria_of(mr_query *q, const mr_table *table, const char *function, mr_node **where) {
    mr_query *plain;
    mr_node *select = NULL;
    bool own = true;
    *where = NULL;
    if (mr_query_parents_to_criteria(q, &plain) != MR_OK || alone(&plain) != MR_OK) return MR_FAIL;
    const mr_mapper *mapper = NULL;
    mr_status status = check_query(plain, function);
    if (status == MR_OK) status = mr_load_statement(plain, true, &select);
    if (status == MR_OK) {
        mapper = q->items[0].mapper;
        status = mr_session_names_alone(mapper, table, select->u.select->where, &own);
    }
    below b = {mapper, false};
    if (status == MR_OK && select->u.select->where) mr_node_walk(select->u.select->where, find_below, &b);
    if (b.found) status = key_is_found(plain, mapper, where);
    else if (status == MR_OK) *where = mr_node_retain(select->u.select->where);
    /* The rows of the class's own table are those of the class; those of a table above are not. */
    if (status == MR_OK && mapper->nparts > 1 && (!own || table != mapper->table) &&
        !(*where = with_joins(mapper, *where)))
        status = MR_FAIL;
    mr_node_release(select);
    mr_query_release(plain);
    return status;
}

/* The same with the loader criteria of the session, which the subqueries in *values (or NULL) get, too. */
static mr_status criteria_in(const mr_session *s, mr_query *q, const mr_table *table, const char *function,
                             mr_node **where, mr_node **values) {
    mr_query *whole = mr_load_query(&s->load, q);
    *where = NULL;
    mr_status status = whole ? criteria_of(whole, table, function, where) : MR_FAIL;
    if (status == MR_OK && values) status = mr_load_narrow(whole, values);
    mr_query_release(whole);
    return status;
}

/* A query of the class (NULL: of nothing) with the options, and those of the session; both may be NULL. NULL: failed.
 */
static mr_query *query_with(mr_env *env, mr_mapper *mapper, const mr_query *options, const mr_query *of_session) {
    mr_query_item item = {mapper, NULL, NULL, mapper ? mapper->name : NULL};
    mr_query *q = mr_query_new(env, mapper ? &item : NULL, mapper != NULL, false);
    const mr_query *const all[] = {options, of_session};
    for (int i = 0; q && i < 2; i++) {
        if (!all[i]) continue;
        mr_query *more = mr_query_options(q, all[i]->options, all[i]->noptions);
        mr_query_release(q);
        q = more;
    }
    return q;
}

/* Puts the criteria of the class, and those of the query's options for it, in place of *where. */
static mr_status narrow_class(mr_query *q, const mr_table *table, mr_node **where) {
    mr_query *whole = *where ? mr_query_where(q, mr_node_retain(*where)) : mr_query_retain(q);
    mr_node *before = *where;
    *where = NULL;
    mr_status status = whole ? criteria_of(whole, table, "execute", where) : MR_FAIL;
    mr_node_release(before);
    mr_query_release(whole);
    return status;
}

mr_node *mr_statement_with_criteria(const mr_session *s, mr_mapper *mapper, const mr_query *options,
                                    mr_node *statement) {
    const mr_query *of_session = s ? s->load.criteria : NULL;
    if (!statement || ((!mapper || !mapper->base) && !options && !of_session)) return statement;
    mr_env *env = statement->env;
    mr_query *q = query_with(env, mapper, options, of_session);
    mr_dml d = *statement->u.dml;
    mr_node **const kept[] = {&d.table, &d.columns,         &d.conflict_target, &d.conflict_index_where,
                              &d.with,  &d.conflict_columns};
    mr_node **const parts[] = {&d.values, &d.select, &d.returning, &d.conflict_values, &d.conflict_where, &d.where};
    enum { NKEPT = sizeof kept / sizeof *kept, NPARTS = sizeof parts / sizeof *parts };
    for (int i = 0; i < NKEPT; i++) mr_node_retain(*kept[i]);
    for (int i = 0; i < NPARTS; i++) mr_node_retain(*parts[i]);
    mr_status status = q ? MR_OK : MR_FAIL;
    for (int i = 0; i < NPARTS && status == MR_OK; i++) {
        bool of_class = mapper && parts[i] == &d.where;
        status = of_class ? narrow_class(q, d.table->u.table, parts[i]) : mr_load_narrow(q, parts[i]);
    }
    mr_node *made = NULL;
    if (status != MR_OK) {
        for (int i = 0; i < NKEPT; i++) mr_node_release(*kept[i]);
        for (int i = 0; i < NPARTS; i++) mr_node_release(*parts[i]);
    } else if (statement->kind == MR_NODE_INSERT) {
        made = mr_sql_insert(env, &d);
    } else {
        made = statement->kind == MR_NODE_UPDATE ? mr_sql_update(env, &d) : mr_sql_delete(env, &d);
    }
    mr_query_release(q);
    mr_node_release(statement);
    return made;
}

/* ---------------------------------------------------------------- running it */

mr_status mr_session_run_to_end(mr_session *s, mr_node *statement, const mr_named_value *named, size_t n,
                                int64_t *rowcount) {
    mr_session_cursor open;
    mr_status status = mr_session_execute(s, mr_node_retain(statement), named, n, &open);
    if (status != MR_OK) return status;
    do status = mr_cursor_step(open.cursor);
    while (status == MR_ROW);
    if (status == MR_DONE) *rowcount = mr_cursor_rowcount(open.cursor);
    mr_error *saved = status == MR_FAIL ? mr_env_save_error(s->env) : NULL;
    mr_session_cursor_close(s->env, &open);
    mr_env_restore_error(s->env, saved);
    return status == MR_FAIL ? MR_FAIL : MR_OK;
}

/* Consumes statement. */
static mr_status run(mr_session *s, mr_query *q, mr_node *statement, mr_synchronize how, int64_t *rowcount) {
    if (!statement) return MR_FAIL;
    mr_synchronizer *y = NULL;
    mr_named_value *named = NULL;
    mr_status status = MR_FAIL;
    statement = mr_session_statement_to_send(s, statement);
    if (!statement) return MR_FAIL;
    if (q->nparams && !(named = mr_alloc(s->env, q->nparams * sizeof *named))) goto out;
    for (unsigned i = 0; i < q->nparams; i++) named[i] = (mr_named_value){q->params[i].name, q->params[i].value};
    if (!q->autoflush) mr_session_block_autoflush(s, 1);
    const mr_marks marks = {q->tag, q->timeout}, *before = mr_session_use_marks(s, &marks);
    status = mr_synchronizer_new(s, q->items[0].mapper, statement, named, q->nparams, how, &y);
    if (status == MR_OK) status = mr_session_run_to_end(s, statement, named, q->nparams, rowcount);
    mr_session_use_marks(s, before);
    if (!q->autoflush) mr_session_block_autoflush(s, -1);
    if (status == MR_OK) status = mr_synchronizer_apply(y);
    if (status == MR_OK && statement->kind == MR_NODE_UPDATE)
        status = mr_session_after_write(s, statement->u.dml->table->u.table);
    mr_synchronizer_free(y);
out:
    mr_free(s->env, named);
    mr_node_release(statement);
    return status;
}

/* Refuses values that a flush would refuse, too. */
static mr_status check_values(const mr_mapper *mapper, const mr_node *columns, const mr_node *values) {
    for (uint32_t i = 0; i < columns->n; i++) {
        const mr_node *value = values->child[i];
        const mr_property *prop = mr_mapper_property_of_column(mapper, columns->child[i]->u.column);
        if (!prop || value->kind != MR_NODE_BIND || value->name) continue;
        mr_strbuf what;
        mr_strbuf_init(&what, mapper->env);
        mr_strbuf_printf(&what, "%s.%s", mapper->name, prop->name);
        const char *text = mr_strbuf_str(&what);
        mr_status status =
            text ? mr_type_check_length(mapper->env, mr_column_type(mapper->env, prop->column), text, &value->u.value)
                 : MR_FAIL;
        mr_strbuf_done(&what);
        if (status != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_session_update_rows(mr_session *s, mr_query *query, mr_node *columns, mr_node *values, mr_synchronize how,
                                 int64_t *rowcount) {
    mr_dml d = {.columns = columns};
    const mr_table *table = columns && columns->n > 0 ? columns->child[0]->u.column->table : NULL;
    bool several = false;
    for (uint32_t i = 1; table && i < columns->n; i++)
        if (columns->child[i]->u.column->table != table) several = true;
    if (several) table = mr_query_lead(query) ? mr_query_lead(query)->table : NULL;
    if (!table || !values || criteria_in(s, query, table, "update", &d.where, &values) != MR_OK ||
        check_values(query->items[0].mapper, columns, values) != MR_OK || !(d.table = mr_sql_table(s->env, table))) {
        mr_node_release(columns);
        mr_node_release(values);
        mr_node_release(d.where);
        return MR_FAIL;
    }
    d.values = values;
    mr_node *statement = mr_sql_update(s->env, &d);
    return several ? mr_session_write_all_tables(s, query, statement, how, rowcount)
                   : run(s, query, statement, how, rowcount);
}

mr_status mr_session_delete_rows(mr_session *s, mr_query *query, mr_synchronize how, int64_t *rowcount) {
    mr_dml d = {0};
    const mr_mapper *mapper = query->nitems > 0 ? query->items[0].mapper : NULL;
    if (criteria_in(s, query, mapper ? mapper->table : NULL, "delete", &d.where, NULL) != MR_OK) return MR_FAIL;
    if (!(d.table = mr_sql_table(s->env, mapper->table))) {
        mr_node_release(d.where);
        return MR_FAIL;
    }
    mr_node *statement = mr_sql_delete(s->env, &d);
    return mr_mapper_spans_tables(query->items[0].mapper)
               ? mr_session_write_all_tables(s, query, statement, how, rowcount)
               : run(s, query, statement, how, rowcount);
}

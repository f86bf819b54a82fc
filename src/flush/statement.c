/*
 * statement.c: builds, compiles and keeps the statements of a class.
 *
 * Invariant: the params of a statement are in the order of the parameters in the SQL, so that a row is bound without
 * looking at names.
 */
#include "statement.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_KEPT = 128, BINDABLE_NAME = 16 };

/* ---------------------------------------------------------------- keeping */

static uint64_t hash_statement(const void *element) {
    const flush_statement *st = *(flush_statement *const *)element;
    return mr_hash_bytes(st->shape, st->nwords * sizeof *st->shape) + (uint64_t)st->kind * 7 + (uint64_t)st->rows * 31 +
           st->partial + (uint64_t)st->part * 131;
}

static bool equal_statement(const void *a, const void *b) {
    const flush_statement *x = *(flush_statement *const *)a, *y = *(flush_statement *const *)b;
    return x->kind == y->kind && x->rows == y->rows && x->partial == y->partial && x->part == y->part &&
           x->dialect == y->dialect && x->nwords == y->nwords &&
           memcmp(x->shape, y->shape, x->nwords * sizeof *x->shape) == 0;
}

mr_status mr_flush_statements_init(flush_class *cls) {
    cls->statements = mr_map_new(cls->env, sizeof(flush_statement *), hash_statement, equal_statement);
    return cls->statements ? MR_OK : MR_FAIL;
}

static void free_statement(mr_env *env, flush_statement *st) {
    mr_compiled_release(st->compiled);
    mr_node_release(st->node);
    mr_free(env, st->params);
    mr_free(env, st->returning);
    mr_free(env, st->shape);
    mr_free(env, st);
}

void mr_flush_statements_free(flush_class *cls) {
    if (!cls->statements) return;
    size_t cursor = 0;
    for (flush_statement **st; (st = mr_map_next(cls->statements, &cursor));) free_statement(cls->env, *st);
    mr_map_free(cls->statements);
}

void mr_flush_statement_done(flush_class *cls, flush_statement *st) {
    if (st && !st->kept) free_statement(cls->env, st);
}

/* ---------------------------------------------------------------- building */

typedef struct builder {
    mr_env *env;
    const flush_class *cls;
    const flush_wanted *wanted;
    flush_statement *st;
    mr_vec made;  /* flush_param, by the number that is the parameter's name */
    mr_vec items; /* mr_node *: a list under construction */
} builder;

static mr_node *parameter(builder *b, flush_source source, unsigned index, uint32_t row, const mr_type *type) {
    char name[BINDABLE_NAME];
    size_t at = sizeof name - 1;
    size_t number = b->made.len;
    flush_param *p = mr_vec_push(&b->made);
    if (!p) return NULL;
    p->source = (uint8_t)source;
    p->index = (uint16_t)index;
    p->row = row;
    name[at] = '\0';
    do name[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return mr_sql_param(b->env, type, name + at);
}

static mr_status push(builder *b, mr_node *node) {
    if (!node) return MR_FAIL;
    if (mr_vec_push_ptr(&b->items, node) == MR_OK) return MR_OK;
    mr_node_release(node);
    return MR_FAIL;
}

static void drop_items(builder *b) {
    for (size_t i = 0; i < b->items.len; i++) mr_node_release(mr_vec_ptr(&b->items, i));
    b->items.len = 0;
}

static mr_node *take_list(builder *b) {
    mr_node *list = mr_sql_list(b->env, MR_OP_COMMA, b->items.data, b->items.len);
    b->items.len = 0;
    return list;
}

static mr_node *take_tuple(builder *b) {
    mr_node *tuple = mr_sql_tuple(b->env, b->items.data, b->items.len);
    b->items.len = 0;
    return tuple;
}

static bool is_written(const builder *b, unsigned c) {
    size_t words = mr_flush_words(b->cls);
    return mr_flush_has_bit(b->wanted->shape, c) || mr_flush_has_bit(b->wanted->shape + words, c);
}

/* The SQL expression of the column's default or onupdate. */
static mr_node *default_node(const builder *b, unsigned c) {
    const mr_column *column = b->cls->columns[c].column;
    const mr_default *from = b->wanted->kind == STATEMENT_INSERT ? &column->deflt : &column->onupdate;
    return mr_node_retain(from->expression);
}

static mr_node *value_node(builder *b, unsigned c, uint32_t row) {
    const flush_column *col = &b->cls->columns[c];
    if (b->wanted->inlined && b->wanted->inlined[c]) return mr_node_retain(b->wanted->inlined[c]);
    if (mr_flush_has_bit(b->wanted->shape + mr_flush_words(b->cls), c)) return default_node(b, c);
    return parameter(b, SOURCE_VALUE, c, row, col->type);
}

static mr_node *column_node(const builder *b, unsigned c) {
    return mr_sql_column(b->env, b->cls->columns[c].column, NULL, NULL);
}

static const uint32_t COLUMNS = UINT32_MAX;

/* Appends the columns that are written, or the values of one row, to the items. */
static mr_status written(builder *b, uint32_t row) {
    for (unsigned c = 0; c < b->cls->ncolumns; c++) {
        if (!is_written(b, c)) continue;
        if (push(b, row == COLUMNS ? column_node(b, c) : value_node(b, c, row)) == MR_OK) continue;
        drop_items(b);
        return MR_FAIL;
    }
    return MR_OK;
}

static mr_node *written_list(builder *b, uint32_t row) { return written(b, row) == MR_OK ? take_list(b) : NULL; }

static mr_node *rows_of(builder *b) {
    mr_vec tuples;
    mr_node *list = NULL;
    mr_vec_init(&tuples, b->env, sizeof(mr_node *));
    for (uint32_t row = 0; row < b->wanted->rows; row++) {
        mr_node *tuple = written(b, row) == MR_OK ? take_tuple(b) : NULL;
        if (!tuple) goto fail;
        if (mr_vec_push_ptr(&tuples, tuple) != MR_OK) {
            mr_node_release(tuple);
            goto fail;
        }
    }
    list = mr_sql_list(b->env, MR_OP_COMMA, tuples.data, tuples.len);
    tuples.len = 0;
fail:
    for (size_t i = 0; i < tuples.len; i++) mr_node_release(mr_vec_ptr(&tuples, i));
    mr_vec_done(&tuples);
    return list;
}

static mr_node *equals(builder *b, unsigned c, flush_source source, unsigned index) {
    bool is = source == SOURCE_KEY && b->wanted->partial;
    return mr_sql_binary(b->env, is ? MR_OP_IS : MR_OP_EQ, column_node(b, c),
                         parameter(b, source, index, 0, b->cls->columns[c].type));
}

static bool is_of_part(const builder *b, unsigned c) { return b->cls->columns[c].part == b->wanted->part; }

/* WHERE: the key that the row has in the database, and its version. */
static mr_node *where_row(builder *b) {
    mr_node *where = NULL;
    const flush_part *part = &b->cls->parts[b->wanted->part];
    for (unsigned i = 0; i < b->cls->mapper->npk; i++) {
        where = mr_sql_and(b->env, where, equals(b, part->key[i], SOURCE_KEY, i));
        if (!where) return NULL;
    }
    if (b->cls->version_column != FLUSH_NO_COLUMN && is_of_part(b, b->cls->version_column))
        where = mr_sql_and(b->env, where, equals(b, b->cls->version_column, SOURCE_VERSION, 0));
    return where;
}

static bool is_inlined(const builder *b, unsigned c) { return b->wanted->inlined && b->wanted->inlined[c]; }

/* Does the database make the value of the column, if the program has not set it? */
static bool is_made_by_database(const builder *b, unsigned c) {
    const mr_column *column = b->cls->columns[c].column;
    if (b->wanted->kind != STATEMENT_INSERT) return column->onupdate.kind == MR_DEFAULT_SQL || column->computed;
    return mr_column_has_server_default(column) || column->deflt.kind == MR_DEFAULT_SQL;
}

/* Must RETURNING give the value of the column (no key column) at once? The value of an expression that the program has
 * set is read later, when it is used. */
static bool is_fetched(const builder *b, unsigned c) {
    const flush_class *cls = b->cls;
    bool inserts = b->wanted->kind == STATEMENT_INSERT, versions = c == cls->version_column;
    bool plain = mr_flush_has_bit(b->wanted->shape, c) && !is_inlined(b, c);
    if (cls->columns[c].key || plain) return false;
    if (inserts && !mr_mapper_confirms_inserts(cls->mapper) && !versions)
        return false; /* the INSERT may be skipped: then there is no row */
    if (versions) {   /* the next UPDATE finds the row by its version, which a trigger may have made */
        bool triggered = cls->mapper->version_by_hand && mr_column_has_server_default(cls->columns[c].column);
        return is_made_by_database(b, c) || is_inlined(b, c) || triggered;
    }
    mr_eager_defaults eager = cls->mapper->eager_defaults;
    return is_made_by_database(b, c) && (eager == MR_EAGER_ALWAYS || (eager == MR_EAGER_INSERT && inserts));
}

/* Is the key of the table SQLite's rowid, if the program gives none? */
static bool has_rowid(const mr_table *table, const mr_dialect *dialect) {
    return !dialect->multi_row_insert && table->nprimary == 1 && table->autoincrement == table->primary[0];
}

/* Chooses the columns of RETURNING: values that the database makes. */
static mr_status plan_returning(builder *b, mr_node **returning) {
    flush_statement *st = b->st;
    const flush_class *cls = b->cls;
    bool inserts = b->wanted->kind == STATEMENT_INSERT;
    *returning = NULL;
    st->returning = mr_alloc(b->env, (cls->ncolumns + 1u) * sizeof *st->returning);
    if (!st->returning) return MR_FAIL;
    const flush_part *part = &cls->parts[b->wanted->part];
    for (unsigned i = 0; i < cls->mapper->npk; i++) {
        const mr_column *column = cls->columns[part->key[i]].column;
        bool numbers = column == part->table->autoincrement && !mr_column_has_server_default(column);
        if (inserts && numbers && !is_written(b, part->key[i])) st->numbered = true;
        if ((inserts && !mr_flush_has_bit(b->wanted->shape, part->key[i])) || is_inlined(b, part->key[i]))
            st->returning[st->nreturning++] = part->key[i];
    }
    uint16_t keys = st->nreturning;
    for (uint16_t c = part->from; c < part->to; c++)
        if (is_fetched(b, c)) st->returning[st->nreturning++] = c;
    if (st->nreturning == 0) return MR_OK;
    if (inserts && st->nreturning == keys && !is_written(b, part->key[0]) &&
        has_rowid(part->table, b->wanted->dialect)) {
        st->nreturning = 0;
        st->rowid = true;
        return MR_OK;
    }
    for (unsigned i = 0; i < st->nreturning; i++)
        if (push(b, column_node(b, st->returning[i])) != MR_OK) {
            drop_items(b);
            return MR_FAIL;
        }
    *returning = take_list(b);
    return *returning ? MR_OK : MR_FAIL;
}

static const mr_table *table_of(const builder *b) { return b->cls->parts[b->wanted->part].table; }

static bool writes_any(const builder *b) {
    for (unsigned c = 0; c < b->cls->ncolumns; c++)
        if (is_written(b, c)) return true;
    return false;
}

static void release_clauses(const mr_dml *d) {
    mr_node_release(d->table);
    mr_node_release(d->columns);
    mr_node_release(d->values);
    mr_node_release(d->where);
    mr_node_release(d->returning);
}

/* If a part has failed, all parts are released: a NULL part would mean that the clause is absent. */
static mr_node *build_insert(builder *b) {
    mr_dml d = {.table = mr_sql_table(b->env, table_of(b))};
    bool some = writes_any(b);
    if (!d.table || plan_returning(b, &d.returning) != MR_OK) goto fail;
    if (some && (!(d.columns = written_list(b, COLUMNS)) || !(d.values = rows_of(b)))) goto fail;
    return mr_sql_insert(b->env, &d);
fail:
    release_clauses(&d);
    return NULL;
}

static mr_node *build_update(builder *b) {
    mr_dml d = {.table = mr_sql_table(b->env, table_of(b))};
    if (!d.table || !(d.columns = written_list(b, COLUMNS)) || !(d.values = written_list(b, 0)) ||
        !(d.where = where_row(b)) || plan_returning(b, &d.returning) != MR_OK) {
        release_clauses(&d);
        return NULL;
    }
    return mr_sql_update(b->env, &d);
}

static mr_node *build_delete(builder *b) {
    mr_dml d = {.table = mr_sql_table(b->env, table_of(b))};
    if (!d.table || !(d.where = where_row(b))) {
        release_clauses(&d);
        return NULL;
    }
    return mr_sql_delete(b->env, &d);
}

/* ---------------------------------------------------------------- compiling */

static mr_status constant(builder *b, const mr_param *param, const mr_vec *binds, flush_param *out) {
    const mr_node *node = param->ordinal < binds->len ? mr_vec_ptr(binds, param->ordinal) : NULL;
    out->source = SOURCE_CONSTANT;
    if (!node) return mr_fail(b->env, MR_ERR_ERROR, "a parameter of a flush has no bind");
    if (node->kind == MR_NODE_BINDS) {
        bool all = param->spelling != MR_SPELL_PLAIN;
        size_t n = all ? node->u.list.nspelled : node->u.list.n;
        const mr_value *values = all ? node->u.list.spelled : node->u.list.values;
        if (n == 0) out->constant = mr_null_value();
        else out->constant = values[param->element < n ? param->element : n - 1];
    } else {
        const mr_value *v = mr_value_resolve(b->env, &node->u.value);
        if (!v) return MR_FAIL;
        out->constant = mr_param_value(param, v);
    }
    return MR_OK;
}

static bool is_plain(const flush_class *cls, const flush_statement *st) {
    bool keyed = st->kind != STATEMENT_INSERT;
    size_t n = st->compiled->nparams, values = keyed ? n - 1 : n;
    if (st->rows != 1 || st->inlined || st->partial || st->nreturning > 0) return false;
    if (keyed && (n == 0 || cls->mapper->npk != 1 || st->params[values].source != SOURCE_KEY)) return false;
    for (size_t i = 0; i < values; i++)
        if (st->params[i].source != SOURCE_VALUE || (i > 0 && st->params[i - 1].index >= st->params[i].index))
            return false;
    return true;
}

/* Our own parameters have numbers for names, which no program can use. */
static mr_status resolve(builder *b, const mr_param *param, const mr_vec *binds, flush_param *out) {
    if (!param->name) return constant(b, param, binds, out);
    char *end;
    unsigned long number = strtoul(param->name, &end, 10);
    if (*end != '\0' || end == param->name || number >= b->made.len)
        return mr_fail(b->env, MR_ERR_INVALID_REQUEST, "a value is required for bind parameter '%s'", param->name);
    *out = *(flush_param *)mr_vec_at(&b->made, number);
    return MR_OK;
}

static mr_status compile(builder *b) {
    flush_statement *st = b->st;
    mr_strbuf key;
    mr_vec binds;
    mr_strbuf_init(&key, b->env);
    mr_vec_init(&binds, b->env, sizeof(mr_node *));
    mr_status status = mr_sql_key(st->node, &key, &binds);
    if (status == MR_OK) status = mr_sql_compile(b->env, b->wanted->dialect, st->node, &st->compiled);
    if (status == MR_OK) {
        st->params = mr_calloc(b->env, (st->compiled->nparams + 1) * sizeof *st->params);
        if (!st->params) status = MR_FAIL;
    }
    for (size_t i = 0; status == MR_OK && i < st->compiled->nparams; i++) {
        status = resolve(b, &st->compiled->params[i], &binds, &st->params[i]);
        st->params[i].param = &st->compiled->params[i];
    }
    st->plain = status == MR_OK && is_plain(b->cls, st);
    mr_vec_done(&binds);
    mr_strbuf_done(&key);
    return status;
}

static mr_status make(flush_class *cls, const flush_wanted *wanted, flush_statement *st) {
    builder b = {.env = cls->env, .cls = cls, .wanted = wanted, .st = st};
    mr_vec_init(&b.made, cls->env, sizeof(flush_param));
    mr_vec_init(&b.items, cls->env, sizeof(mr_node *));
    switch (wanted->kind) {
    case STATEMENT_INSERT:
        st->node = build_insert(&b);
        break;
    case STATEMENT_UPDATE:
        st->node = build_update(&b);
        break;
    case STATEMENT_DELETE:
        st->node = build_delete(&b);
        break;
    }
    mr_status status = st->node ? compile(&b) : MR_FAIL;
    mr_vec_done(&b.items);
    mr_vec_done(&b.made);
    return status;
}

mr_status mr_flush_statement(flush_class *cls, const flush_wanted *wanted, flush_statement **out) {
    flush_statement probe = {.dialect = wanted->dialect,
                             .kind = wanted->kind,
                             .rows = wanted->rows,
                             .partial = wanted->partial,
                             .part = wanted->part,
                             .table = cls->parts[wanted->part].table,
                             .nwords = 2 * mr_flush_words(cls)};
    probe.shape = (uint64_t *)wanted->shape;
    flush_statement *st = &probe;
    flush_statement **known = wanted->inlined ? NULL : mr_map_get(cls->statements, &st);
    if (known) {
        *out = *known;
        return MR_OK;
    }
    st = mr_calloc(cls->env, sizeof *st);
    if (!st) return MR_FAIL;
    *st = probe;
    st->inlined = wanted->inlined != NULL;
    st->shape = mr_alloc(cls->env, probe.nwords * sizeof *st->shape);
    if (!st->shape ||
        (memcpy(st->shape, wanted->shape, probe.nwords * sizeof *st->shape), make(cls, wanted, st)) != MR_OK) {
        free_statement(cls->env, st);
        return MR_FAIL;
    }
    if (wanted->keep && !wanted->inlined && mr_map_count(cls->statements) < MAX_KEPT) {
        if (!mr_map_put(cls->statements, &st)) {
            free_statement(cls->env, st);
            return MR_FAIL;
        }
        st->kept = true;
    }
    *out = st;
    return MR_OK;
}

bool mr_flush_statement_fits(const flush_class *cls, const flush_statement *st, const flush_wanted *wanted) {
    return !wanted->inlined && !st->inlined && st->kind == wanted->kind && st->rows == wanted->rows &&
           st->partial == wanted->partial && st->part == wanted->part && st->dialect == wanted->dialect &&
           st->nwords == 2 * mr_flush_words(cls) &&
           memcmp(st->shape, wanted->shape, st->nwords * sizeof *st->shape) == 0;
}

static bool has_wanted(const flush_class *cls, const uint64_t *shape, unsigned c) {
    size_t words = mr_flush_words(cls);
    return mr_flush_has_bit(shape, c) || mr_flush_has_bit(shape + words, c);
}

/* Have both classes the same columns, at the same places, in the part? */
static bool share_part(const flush_class *a, const flush_class *b, uint16_t number) {
    if (number >= a->nparts || number >= b->nparts) return false;
    const flush_part *x = &a->parts[number], *y = &b->parts[number];
    bool same = x->table == y->table && x->from == y->from && x->to == y->to;
    for (unsigned c = x->from; c < x->to && same; c++) same = a->columns[c].column == b->columns[c].column;
    return same;
}

bool mr_flush_statement_serves(const flush_class *of, const flush_statement *st, const flush_class *cls,
                               const flush_wanted *wanted) {
    const mr_mapper *a = of->mapper, *b = cls->mapper;
    if (a->root != b->root || a->eager_defaults != b->eager_defaults || a->version != b->version ||
        a->confirm_inserted_rows != b->confirm_inserted_rows || a->confirm_deleted_rows != b->confirm_deleted_rows)
        return false;
    if (wanted->inlined || st->inlined || st->kind != wanted->kind || st->rows != 1 || wanted->rows != 1 ||
        st->partial != wanted->partial || st->part != wanted->part || st->dialect != wanted->dialect)
        return false;
    if (!share_part(of, cls, st->part)) return false;
    const flush_part *part = &of->parts[st->part];
    size_t ours = mr_flush_words(of), theirs = mr_flush_words(cls);
    for (unsigned c = part->from; c < part->to; c++) {
        if (has_wanted(of, st->shape, c) != has_wanted(cls, wanted->shape, c)) return false;
        if (mr_flush_has_bit(st->shape + ours, c) != mr_flush_has_bit(wanted->shape + theirs, c)) return false;
    }
    return true;
}

bool mr_flush_mask(const flush_class *cls, uint16_t part, uint64_t *shape, mr_node **inlined) {
    size_t words = mr_flush_words(cls);
    const flush_part *p = &cls->parts[part];
    bool any = false;
    for (unsigned c = 0; cls->nparts > 1 && c < cls->ncolumns; c++) {
        if (c >= p->from && c < p->to) continue;
        uint64_t bit = ~(UINT64_C(1) << (c % 64));
        shape[c / 64] &= bit;
        shape[words + c / 64] &= bit;
        inlined[c] = NULL;
    }
    for (size_t w = 0; w < 2 * words; w++) any = any || shape[w];
    return any;
}

/* ---------------------------------------------------------------- filling */

/* The value for finding a row: a value that was read keeps its spelling; any other is tried in all its spellings. */
static mr_value as_spelled(const mr_param *param, const mr_value *v) {
    bool known = v->kind >= MR_DATE && v->kind <= MR_INTERVAL && v->len != 0;
    return known ? *v : mr_param_value(param, v);
}

mr_value mr_flush_plain_key(const flush_statement *st, const flush_op *op) {
    mr_value key;
    mr_flush_old_key(op, &key);
    return as_spelled(st->params[st->compiled->nparams - 1].param, &key);
}

void mr_flush_fill(const flush_statement *st, flush_op *const *ops, mr_value *values) {
    size_t n = st->compiled->nparams;
    mr_value *key = values + n;
    bool has_key = false;
    for (size_t i = 0; i < n; i++) {
        const flush_param *p = &st->params[i];
        flush_op *op = ops[p->row];
        switch ((flush_source)p->source) {
        case SOURCE_VALUE:
            values[i] = *mr_flush_value(op, p->index);
            if (values[i].kind == MR_UNLOADED) values[i] = mr_null_value();
            break;
        case SOURCE_KEY:
            if (!has_key) mr_flush_part_key(op, st->part, key);
            has_key = true;
            values[i] = as_spelled(p->param, &key[p->index]);
            break;
        case SOURCE_VERSION:
            values[i] = as_spelled(p->param, mr_flush_version(op));
            break;
        case SOURCE_CONSTANT:
            values[i] = p->constant;
            break;
        }
    }
}

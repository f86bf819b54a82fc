/*
 * compile.c: compiles a statement to SQL: the functions around the compile_*.c files, and the names of aliases.
 *
 * Invariant: text and parameters are put together in one pass at the end, so the parameters are numbered in the order
 * in which they stand in the text.
 */
#include <moonrow/sql.h>

#include "compiler.h"
#include "key.h"
#include "literal.h"
#include "sqltext.h"

#include <string.h>

/* ---------------------------------------------------------------- emitting */

void mr_compile_fail(mr_compiler *c, const char *fmt, ...) {
    if (c->failed) return;
    va_list args;
    va_start(args, fmt);
    mr_vfail(c->env, MR_ERR_ARGUMENT, fmt, args);
    va_end(args);
    c->failed = true;
}

void mr_emit(mr_compiler *c, const char *sql) { mr_strbuf_puts(&c->out->sql, sql); }

void mr_emit_name(mr_compiler *c, const char *identifier) { mr_quote_name(c->dialect, identifier, &c->out->sql); }

void mr_emit_param(mr_compiler *c, const mr_node *bind, uint32_t element) {
    mr_placed_param *placed = mr_vec_push(&c->out->params);
    if (!placed) {
        c->failed = true;
        return;
    }
    placed->at = c->out->sql.len;
    placed->bind = bind;
    placed->param = (mr_param){.name = bind->name,
                               .type = c->form ? c->form : mr_typed(c, bind),
                               .ordinal = c->ordinal,
                               .element = element,
                               .defaulted = (bind->flags & MR_NODE_DEFAULTED) != 0,
                               .written = c->written,
                               .own = mr_type_is_late(bind->type) || (c->form && !mr_type_is_known(bind->type)),
                               .what = c->checked,
                               .into = c->written_to};
}

void mr_piece_init(mr_piece *piece, mr_env *env) {
    mr_strbuf_init(&piece->sql, env);
    mr_vec_init(&piece->params, env, sizeof(mr_placed_param));
}

static void piece_done(mr_piece *piece) {
    mr_strbuf_done(&piece->sql);
    mr_vec_done(&piece->params);
}

/* ---------------------------------------------------------------- names */

static unsigned next_number(mr_compiler *c, const char *base) {
    for (size_t i = 0; i < c->counters.len; i++) {
        mr_name_counter *counter = mr_vec_at(&c->counters, i);
        if (strcmp(counter->base, base) == 0) return ++counter->last;
    }
    mr_name_counter *counter = mr_vec_push(&c->counters);
    if (!counter) {
        c->failed = true;
        return 1;
    }
    counter->base = base;
    return counter->last = 1;
}

const char *mr_anonymous_name(mr_compiler *c, const char *base) {
    mr_strbuf text;
    mr_strbuf_init(&text, c->env);
    mr_strbuf_printf(&text, "%s_%u", base, next_number(c, base));
    const char *s = mr_strbuf_str(&text), *name = s ? mr_intern(c->env, s, text.len) : NULL;
    mr_strbuf_done(&text);
    if (!name) c->failed = true;
    return name ? name : "";
}

static const char *base_name(mr_compiler *c, const mr_node *alias) {
    const mr_node *of = alias->child[0];
    if (of->kind == MR_NODE_TABLE) return of->u.table->name;
    return of->kind == MR_NODE_CTE ? mr_object_name(c, of) : "anon";
}

const char *mr_object_name(mr_compiler *c, const mr_node *object) {
    if (object->kind == MR_NODE_CTE) return mr_cte_name(c, object);
    if (*object->name) return object->name;
    for (size_t i = 0; i < c->names.len; i++) {
        const mr_named_object *named = mr_vec_at(&c->names, i);
        if (named->node == object) return named->name;
    }
    const char *name = mr_anonymous_name(c, base_name(c, object));
    mr_named_object *made = mr_vec_push(&c->names);
    if (made) *made = (mr_named_object){object, name};
    else c->failed = true;
    return name;
}

bool mr_same_object(const mr_node *a, const mr_node *b) {
    return a == b || (a->kind == MR_NODE_TABLE && b->kind == MR_NODE_TABLE && a->u.table == b->u.table);
}

uint32_t mr_object_base(const mr_compiler *c, const mr_node *object) {
    for (size_t i = 0; i < c->objects.len; i++) {
        const mr_key_object *known = mr_vec_at(&c->objects, i);
        if (known->node == object) return known->base;
    }
    return 0;
}

/* ---------------------------------------------------------------- assembly */

typedef struct assembly {
    const mr_dialect *dialect;
    mr_strbuf *sql;
    mr_vec *params;         /* mr_param; or NULL */
    const mr_vec *literals; /* the binds (const mr_node *) whose values are written; NULL: parameters are */
    unsigned number;
    mr_map *numbered;     /* numbered_bind: those of a dialect that numbers its parameters; made with the first one */
    bool failed, refused; /* refused: a value is not to be had, and the error says why */
} assembly;

static void place_literal(assembly *a, const mr_param *param) {
    mr_value v;
    mr_store_room room = {.env = a->sql->env, .dialect = a->dialect->name, .literal = true};
    if (param->name && !param->defaulted) {
        mr_strbuf_printf(a->sql, ":%s", param->name);
        return;
    }
    if (mr_bound_value(a->sql->env, param, a->literals, &v) == MR_OK && mr_param_store(param, &v, &room) == MR_OK)
        mr_put_literal(a->dialect, &v, a->sql);
    else a->refused = true;
    mr_store_done(&room);
}

/* A bind that has its number already. */
typedef struct numbered_bind {
    const mr_node *bind;
    const mr_type *type;
    unsigned number;
} numbered_bind;

static uint64_t hash_numbered(const void *element) {
    const numbered_bind *n = element;
    return mr_hash_bytes(&n->bind, sizeof n->bind);
}

static bool equal_numbered(const void *a, const void *b) {
    const numbered_bind *x = a, *y = b;
    return x->bind == y->bind && x->type == y->type;
}

/* Writes the mark of the parameter. Returns false where it is that of a parameter before it: one bind in two places is
 * one expression for the database, as GROUP BY and DISTINCT want it (PostgreSQL takes n % $1 and n % $2 for two). Which
 * binds are one is a part of the statement's key. */
static bool place_mark(assembly *a, const mr_placed_param *placed) {
    const mr_param *param = &placed->param;
    if (a->dialect->parameter != '$') {
        mr_strbuf_putc(a->sql, a->dialect->parameter);
        return true;
    }
    bool single = placed->bind->kind == MR_NODE_BIND && !param->spelling && !param->written;
    numbered_bind own = {placed->bind, param->type, 0};
    const numbered_bind *before = single && a->numbered ? mr_map_get(a->numbered, &own) : NULL;
    if (single && !a->numbered) a->numbered = mr_map_new(a->sql->env, sizeof own, hash_numbered, equal_numbered);
    own.number = before ? before->number : ++a->number;
    if (single && !before && (!a->numbered || !mr_map_put(a->numbered, &own))) a->failed = true;
    mr_strbuf_printf(a->sql, "$%u", own.number);
    return !before;
}

static void place_param(assembly *a, const mr_placed_param *placed) {
    const mr_param *param = &placed->param;
    if (a->literals) {
        place_literal(a, param);
        return;
    }
    if (!place_mark(a, placed)) return;
    if (!a->params) return;
    mr_param *made = mr_vec_push(a->params);
    if (made) *made = *param;
    else a->failed = true;
}

static void place_piece(assembly *a, const mr_piece *piece) {
    size_t from = 0;
    if (piece->sql.oom) { /* text is missing, so the parameters' offsets are wrong */
        a->failed = true;
        return;
    }
    for (size_t i = 0; i < piece->params.len; i++) {
        const mr_placed_param *placed = mr_vec_at(&piece->params, i);
        if (placed->at > from) mr_strbuf_add(a->sql, piece->sql.data + from, placed->at - from);
        from = placed->at;
        place_param(a, placed);
    }
    if (piece->sql.len > from) mr_strbuf_add(a->sql, piece->sql.data + from, piece->sql.len - from);
}

/* Writes WITH and the CTEs, then the rest. */
static mr_status assemble(mr_compiler *c, mr_strbuf *sql, mr_vec *params, const mr_vec *literals) {
    assembly a = {.dialect = c->dialect, .sql = sql, .params = params, .literals = literals};
    for (size_t i = 0; i < c->top.finished.len; i++) {
        mr_strbuf_puts(sql, i ? ", " : c->top.recursive ? "WITH RECURSIVE " : "WITH ");
        place_piece(&a, &((mr_cte *)mr_vec_ptr(&c->top.finished, i))->piece);
    }
    if (c->top.finished.len) mr_strbuf_putc(sql, ' ');
    place_piece(&a, c->out);
    mr_map_free(a.numbered);
    if (a.refused) return MR_FAIL;
    return a.failed || sql->oom ? mr_nomem(c->env) : MR_OK;
}

/* ---------------------------------------------------------------- one compilation */

static void begin(mr_compiler *c, mr_env *env, const mr_dialect *dialect, mr_piece *main) {
    memset(c, 0, sizeof *c);
    c->env = env;
    c->dialect = dialect;
    c->out = main;
    mr_piece_init(main, env);
    mr_vec_init(&c->objects, env, sizeof(mr_key_object));
    mr_vec_init(&c->names, env, sizeof(mr_named_object));
    mr_vec_init(&c->counters, env, sizeof(mr_name_counter));
    mr_vec_init(&c->ctes, env, sizeof(mr_cte *));
    mr_with_init(c, &c->top);
    c->with = &c->top;
}

static void end(mr_compiler *c) {
    for (size_t i = 0; i < c->ctes.len; i++) {
        mr_cte *cte = mr_vec_ptr(&c->ctes, i);
        piece_done(&cte->piece);
        mr_free(c->env, cte);
    }
    mr_vec_done(&c->objects);
    mr_vec_done(&c->names);
    mr_vec_done(&c->counters);
    mr_vec_done(&c->ctes);
    mr_with_done(&c->top);
    piece_done(c->out);
}

static void compile_any(mr_compiler *c, const mr_node *node) {
    switch (node->kind) {
    case MR_NODE_TABLE:
    case MR_NODE_ALIAS:
    case MR_NODE_JOIN:
    case MR_NODE_CTE:
        mr_compile_from(c, node);
        break;
    case MR_NODE_SELECT:
    case MR_NODE_COMPOUND:
        mr_compile_query(c, node, MR_PLACE_STATEMENT);
        break;
    case MR_NODE_INSERT:
    case MR_NODE_UPDATE:
    case MR_NODE_DELETE:
        mr_compile_dml(c, node);
        break;
    default:
        mr_compile(c, node);
    }
}

/* What the text is for: a statement, a constraint (mr_sql_constraint), or another definition (mr_sql_definition). */
typedef enum purpose { FOR_STATEMENT, FOR_CONSTRAINT, FOR_DEFINITION } purpose;

/* Compiles to sql and params; columns receives the result columns and may be NULL. binds: an empty vec where values are
 * written in place of parameters, else NULL. */
static mr_status run(mr_env *env, const mr_dialect *dialect, const mr_node *node, purpose what, mr_strbuf *sql,
                     mr_vec *params, mr_vec *columns, mr_vec *binds) {
    mr_compiler c;
    mr_piece main;
    begin(&c, env, dialect, &main);
    c.capture = columns;
    c.lints = columns != NULL;
    c.unqualified = c.as_written = what == FOR_DEFINITION;
    c.lasting = what != FOR_STATEMENT;
    c.literals = binds != NULL;
    mr_status status = mr_key_scan(node, NULL, binds, &c.objects);
    if (status == MR_OK) {
        compile_any(&c, node);
        if (c.failed) status = MR_FAIL;
        else status = assemble(&c, sql, params, binds);
    }
    end(&c);
    return status;
}

mr_status mr_sql_string(mr_env *env, const mr_dialect *dialect, const mr_node *node, mr_strbuf *out) {
    return run(env, dialect, node, FOR_STATEMENT, out, NULL, NULL, NULL);
}

static mr_status with_literals(mr_env *env, const mr_dialect *dialect, const mr_node *node, purpose what,
                               mr_strbuf *out) {
    mr_vec binds;
    mr_vec_init(&binds, env, sizeof(const mr_node *));
    mr_status status = run(env, dialect, node, what, out, NULL, NULL, &binds);
    mr_vec_done(&binds);
    return status;
}

mr_status mr_sql_string_literal(mr_env *env, const mr_dialect *dialect, const mr_node *node, mr_strbuf *out) {
    return with_literals(env, dialect, node, FOR_STATEMENT, out);
}

mr_status mr_sql_constraint(mr_env *env, const mr_dialect *dialect, const mr_node *node, mr_strbuf *out) {
    return with_literals(env, dialect, node, FOR_CONSTRAINT, out);
}

mr_status mr_sql_definition(mr_env *env, const mr_dialect *dialect, const mr_node *node, mr_strbuf *out) {
    return with_literals(env, dialect, node, FOR_DEFINITION, out);
}

/* ---------------------------------------------------------------- the result */

/* Takes the elements out of a vec: the caller owns them. NULL for an empty vec. */
static void *hand_over(mr_vec *v, size_t *n) {
    void *data = v->data;
    *n = v->len;
    v->data = NULL;
    v->len = v->cap = 0;
    return data;
}

/* The number of columns is not known when one of them is text, which may stand for several. */
static bool columns_known(const mr_vec *columns) {
    for (size_t i = 0; i < columns->len; i++) {
        const mr_node *node = ((const mr_result_column *)mr_vec_at(columns, i))->node;
        if (node && (node->kind == MR_NODE_TEXT || (node->kind == MR_NODE_LITERAL_SQL && strchr(node->name, '*'))))
            return false;
    }
    return true;
}

static bool locks_rows(const mr_dialect *dialect, const mr_node *statement) {
    return statement->kind == MR_NODE_SELECT && statement->u.select->for_update && dialect->for_update;
}

static bool is_statement(const mr_node *node) {
    return mr_node_is_query(node) || mr_node_is_dml(node) || node->kind == MR_NODE_TEXT ||
           node->kind == MR_NODE_TYPED_TEXT;
}

mr_status mr_sql_compile(mr_env *env, const mr_dialect *dialect, const mr_node *statement, mr_compiled **out) {
    *out = NULL;
    if (!is_statement(statement))
        return mr_fail(env, MR_ERR_ARGUMENT, "this is no statement: an expression alone cannot be executed");
    mr_strbuf sql;
    mr_vec params, columns;
    mr_strbuf_init(&sql, env);
    mr_vec_init(&params, env, sizeof(mr_param));
    mr_vec_init(&columns, env, sizeof(mr_result_column));
    mr_compiled *made = NULL;
    mr_status status = run(env, dialect, statement, FOR_STATEMENT, &sql, &params, &columns, NULL);
    if (status != MR_OK) goto out;
    status = MR_FAIL;
    made = mr_compiled_from_sql(env, sql.data ? sql.data : "", sql.len, !mr_node_is_query(statement));
    if (!made) goto out;
    bool text = statement->kind == MR_NODE_TEXT || statement->kind == MR_NODE_TYPED_TEXT;
    if (!columns_known(&columns) || text) {
        made->is_text = true;
        columns.len = 0;
    } else {
        made->is_text = false;
    }
    if (text) {
        made->kind = mr_sqltext_look(made->sql, made->sql_len).kind;
        made->is_write = made->kind == MR_TEXT_WRITES;
    } else {
        made->is_ddl = false;
        made->is_write =
            !mr_node_is_query(statement) || (statement->flags & MR_NODE_WRITES) || locks_rows(dialect, statement);
        made->returns_rows = mr_node_is_query(statement) || statement->u.dml->returning;
    }
    made->params = hand_over(&params, &made->nparams);
    for (size_t i = 0; i < made->nparams; i++)
        if (mr_param_converts(&made->params[i])) made->stores = true;
    if (columns.len) made->columns = hand_over(&columns, &made->ncolumns);
    *out = made;
    status = MR_OK;
out:
    mr_strbuf_done(&sql);
    mr_vec_done(&params);
    mr_vec_done(&columns);
    return status;
}

/*
 * load.c: the step machine of a load: reads rows, runs the jobs that load relationships, and gives rows out.
 *
 * Invariant: the entities of rows that were read are pinned until the rows are given out and done with. All other
 * pointers to entities in a load are valid only during one call, because the heap is blocked only then.
 */
#include "strategy/job.h"

#include <string.h>

/* ---------------------------------------------------------------- life */

mr_status mr_load_init(mr_load *load, const mr_load_context *ctx) {
    mr_heap *heap = mr_heap_of(ctx->env);
    if (!heap) return MR_FAIL;
    memset(load, 0, sizeof *load);
    load->ctx = *ctx;
    load->env = ctx->env;
    load->heap = heap;
    load->since = mr_collections_version(heap);
    load->seen_entities.env = load->seen_rows.env = load->overwritten.env = ctx->env;
    mr_owner_retain(ctx->owner);
    mr_query_retain(ctx->criteria);
    mr_vec_init(&load->rows, ctx->env, sizeof(mr_value));
    mr_vec_init(&load->jobs, ctx->env, sizeof(mr_job *));
    mr_vec_init(&load->events, ctx->env, sizeof(mr_load_event));
    return MR_OK;
}

/* An empty load. *out: close it. */
static mr_status load_new(const mr_load_context *ctx, mr_load **out) {
    *out = mr_alloc(ctx->env, sizeof **out);
    if (!*out) return MR_FAIL;
    if (mr_load_init(*out, ctx) == MR_OK) return MR_OK;
    mr_free(ctx->env, *out);
    *out = NULL;
    return MR_FAIL;
}

mr_load_context mr_load_context_of(const mr_load_context *ctx, const mr_entity *entity) {
    mr_load_context made = *ctx;
    made.asker = entity;
    if (entity->flags & MR_ENTITY_BAD_NULL) made.bad_values = MR_BAD_VALUES_NULL;
    if (entity->flags & MR_ENTITY_BAD_KEEP) made.bad_values = MR_BAD_VALUES_KEEP;
    return made;
}

/* Unpins the rows before row `end`. */
static void unpin_rows(mr_load *load, size_t end) {
    const mr_value *rows = load->rows.data;
    for (size_t i = load->unpinned * load->width; load->has_objects && i < end * load->width; i++)
        if (rows[i].kind == MR_ENTITY) mr_entity_unpin(rows[i].u.p);
    load->unpinned = end;
}

static size_t row_count(const mr_load *load) { return load->width ? load->rows.len / load->width : 0; }

static void drop_rows(mr_load *load) {
    unpin_rows(load, row_count(load));
    load->rows.len = 0;
    load->given = load->unpinned = 0;
    mr_arena_free(load->texts);
    load->texts = NULL;
}

static void leave(mr_load *load) {
    if (load->entered && load->ctx.leave) load->ctx.leave(load->ctx.ud);
    load->entered = false;
}

/* Frees the parts that are needed only for reading. */
static void stop_reading(mr_load *load) {
    if (load->main) mr_run_close_cursor(load->main);
    mr_jobs_done(load);
    mr_seen_done(&load->seen_entities);
    mr_row_set_done(&load->seen_rows);
    mr_seen_done(&load->overwritten);
    leave(load);
}

void mr_load_close(mr_load *load) {
    if (!load) return;
    stop_reading(load);
    drop_rows(load);
    mr_run_close(load->main);
    mr_vec_done(&load->rows);
    mr_vec_done(&load->jobs);
    mr_vec_done(&load->events);
    mr_query_release(load->ctx.criteria);
    mr_owner_release(load->ctx.owner);
    mr_free(load->env, load);
}

static mr_status fail(mr_load *load) {
    mr_error *saved = mr_env_save_error(load->env);
    load->state = MR_LOAD_FAILED;
    load->events.len = 0;
    stop_reading(load);
    drop_rows(load);
    mr_env_restore_error(load->env, saved);
    return MR_FAIL;
}

/* ---------------------------------------------------------------- starting */

mr_status mr_load_enter(mr_load *load, const mr_plan *plan) {
    if (!plan->follows || load->entered || !load->ctx.enter) return MR_OK;
    if (load->ctx.enter(load->ctx.ud) != MR_OK) return MR_FAIL;
    load->entered = true;
    return MR_OK;
}

static mr_status open_main(mr_load *load, mr_plan *plan, const mr_run_source *source) {
    load->width = plan->nitems;
    load->has_objects = !plan->plain;
    load->unique = plan->unique && !load->yield_per;
    if (mr_load_enter(load, plan) != MR_OK) return MR_FAIL;
    return mr_run_open(load, plan, source, &load->main);
}

void mr_load_mark(mr_load_context *ctx, const mr_query *query) {
    if (query->tag) ctx->marks.tag = query->tag;
    if (query->timeout != 0) ctx->marks.timeout = query->timeout;
}

mr_query *mr_load_query(const mr_load_context *ctx, mr_query *query) {
    const mr_query *more = ctx->any_row ? NULL : ctx->criteria;
    return more ? mr_query_options(query, more->options, more->noptions) : mr_query_retain(query);
}

mr_status mr_load_start(const mr_load_context *ctx, mr_query *query, mr_load **out) {
    return mr_load_start_named(ctx, query, NULL, NULL, out);
}

mr_status mr_load_start_named(const mr_load_context *ctx, mr_query *query, const mr_vec *named, mr_entity *fixed,
                              mr_load **out) {
    mr_load *load;
    mr_plan *plan = NULL;
    mr_conn *conn;
    mr_vec binds;
    *out = NULL;
    if (load_new(ctx, &load) != MR_OK) return MR_FAIL;
    mr_vec_init(&binds, ctx->env, sizeof(mr_node *));
    mr_heap_block(load->heap);
    load->yield_per = query->yield_per;
    load->populate = query->populate_existing;
    if (query->bad_values) load->ctx.bad_values = query->bad_values;
    mr_load_mark(&load->ctx, query);
    /* An offset skips rows unseen, so rows without a key must be left out by the statement. */
    mr_query *keyed = NULL, *whole = mr_load_query(ctx, query);
    mr_status status = whole ? MR_OK : MR_FAIL;
    if (whole) query = whole;
    if (status == MR_OK && query->clauses.offset) status = mr_load_keyed(ctx, query, &keyed);
    if (keyed) query = keyed;
    if (status == MR_OK) status = ctx->connection(ctx->ud, mr_query_lead(query), &conn);
    if (status == MR_OK) status = mr_plan_find(query, NULL, mr_engine_dialect(mr_conn_engine(conn)), &binds, &plan);
    mr_run_source source = {.query = query, .binds = &binds, .named = named, .fixed = fixed};
    if (status == MR_OK) status = open_main(load, plan, &source);
    mr_plan_release(plan);
    mr_vec_done(&binds);
    mr_query_release(keyed);
    mr_query_release(whole);
    mr_heap_unblock(load->heap);
    if (status == MR_OK) *out = load;
    else mr_load_close(load);
    return status;
}

mr_status mr_load_open(const mr_load_context *ctx, mr_plan *plan, const mr_run_source *source, bool populate,
                       mr_load **out) {
    return mr_load_open_reading(ctx, plan, source, 0, populate, out);
}

mr_status mr_load_open_reading(const mr_load_context *ctx, mr_plan *plan, const mr_run_source *source,
                               uint32_t yield_per, bool populate, mr_load **out) {
    mr_load *load;
    *out = NULL;
    if (load_new(ctx, &load) != MR_OK) return MR_FAIL;
    load->yield_per = yield_per;
    load->populate = populate;
    if (open_main(load, plan, source) != MR_OK) {
        mr_load_close(load);
        return MR_FAIL;
    }
    *out = load;
    return MR_OK;
}

mr_status mr_load_open_jobs(const mr_load_context *ctx, mr_load **out) {
    if (load_new(ctx, out) != MR_OK) return MR_FAIL;
    (*out)->main_done = (*out)->without_rows = true;
    (*out)->state = MR_LOAD_FOLLOWING;
    (*out)->outside = ctx->outside && ctx->outside(ctx->ud);
    return MR_OK;
}

/* ---------------------------------------------------------------- rows */

/* The row's texts become copies, which live as long as the load's rows. */
static mr_status keep_bytes(mr_load *load, mr_value *row) {
    size_t bytes = 0;
    bool any = false;
    for (size_t i = 0; i < load->width; i++) {
        if (!mr_kind_is_bytes(row[i].kind)) continue;
        any = true;
        bytes += row[i].len + (size_t)1;
    }
    if (!any) return MR_OK;
    if (!load->texts && !(load->texts = mr_arena_new(load->env))) return MR_FAIL;
    char *text = mr_arena_alloc(load->texts, bytes);
    if (!text) return MR_FAIL;
    for (size_t i = 0; i < load->width; i++) {
        mr_value *v = &row[i];
        if (!mr_kind_is_bytes(v->kind)) continue;
        memcpy(text, v->u.s, v->len);
        text[v->len] = '\0';
        v->u.s = text;
        v->flags = 0;
        text += v->len + (size_t)1;
    }
    return MR_OK;
}

/* MR_NOTFOUND: the last row repeats an earlier one. */
static mr_status check_new(mr_load *load) {
    const mr_value *row = mr_vec_at(&load->rows, load->rows.len - load->width);
    if (load->width > 1 || row->kind != MR_ENTITY)
        return mr_row_set_add(&load->seen_rows, load->rows.data, load->width, row_count(load) - 1);
    return mr_seen_add(&load->seen_entities, row->u.p, NULL);
}

/* Is the row to be left out, because it is to be one object and its key is NULL? */
static bool is_keyless(const mr_load *load) {
    const mr_run *run = load->main;
    if (load->width != 1 || run->out->kind != MR_NULL) return false;
    const mr_plan_item *item = run->plan->items;
    return item->entity != MR_PLAN_NONE && run->entities[item->entity].keyless;
}

/* Is the row the object of the row before? Those of a joined collection come together. */
static bool repeats_last(const mr_load *load, const mr_value *out) {
    if (!load->unique || load->width > 1 || load->rows.len == 0 || out->kind != MR_ENTITY) return false;
    const mr_value *last = mr_vec_at(&load->rows, load->rows.len - 1);
    return last->kind == MR_ENTITY && last->u.p == out->u.p;
}

static mr_status keep_row(mr_load *load) {
    const mr_value *out = load->main->out;
    size_t begin = load->rows.len;
    if (is_keyless(load)) {
        load->keyless = true;
        return MR_OK;
    }
    if (repeats_last(load, out)) return MR_OK;
    if (load->width == 1 && out->kind == MR_ENTITY && begin < load->rows.cap && !load->unique) { /* most rows */
        ((mr_value *)load->rows.data)[load->rows.len++] = *out;
        mr_entity_pin_found(out->u.p);
        return MR_OK;
    }
    if (begin + load->width > load->rows.cap) {
        size_t cap = load->rows.cap ? load->rows.cap * 2 : 16;
        if (mr_vec_reserve(&load->rows, cap < begin + load->width ? begin + load->width : cap) != MR_OK) return MR_FAIL;
    }
    mr_value *row = (mr_value *)load->rows.data + begin;
    memcpy(row, out, load->width * sizeof *row);
    load->rows.len += load->width;
    mr_status status = load->unique ? check_new(load) : MR_OK;
    if (status == MR_OK) status = keep_bytes(load, row);
    if (status != MR_OK) {
        load->rows.len = begin;
        return status == MR_NOTFOUND ? MR_OK : status;
    }
    for (size_t i = 0; load->has_objects && i < load->width; i++)
        if (row[i].kind == MR_ENTITY) mr_entity_pin_found(row[i].u.p);
    return MR_OK;
}

/* ---------------------------------------------------------------- reading */

/* The limit has counted rows that are no objects: sends the statement again without such rows. */
static mr_status read_keyed(mr_load *load) {
    const mr_load_context *ctx = &load->ctx;
    mr_run *run = NULL;
    mr_plan *plan = NULL;
    mr_conn *conn;
    mr_vec binds;
    mr_query *q = mr_query_keyed(load->main->query);
    if (!q) return MR_FAIL;
    mr_vec_init(&binds, load->env, sizeof(mr_node *));
    mr_status status = ctx->connection(ctx->ud, mr_query_lead(q), &conn);
    if (status == MR_OK) status = mr_plan_find(q, NULL, mr_engine_dialect(mr_conn_engine(conn)), &binds, &plan);
    mr_run_source source = {.query = q, .binds = &binds, .named = &load->main->named};
    if (status == MR_OK) status = mr_run_open(load, plan, &source, &run);
    mr_plan_release(plan);
    mr_vec_done(&binds);
    mr_query_release(q);
    if (status != MR_OK) return status;
    drop_rows(load);
    mr_seen_done(&load->seen_entities);
    mr_run_close(load->main);
    load->main = run;
    return MR_OK;
}

/* Were rows left out that the limit has counted? */
static bool is_short(const mr_load *load) {
    const mr_query *q = load->main->query;
    return load->keyless && !load->yield_per && q && q->clauses.limit;
}

static mr_status read_rows(mr_load *load) {
    size_t read = 0;
    while (!load->yield_per || read < load->yield_per) {
        mr_status status = mr_run_step(load->main);
        if (status == MR_DONE && is_short(load)) {
            load->keyless = false;
            if (read_keyed(load) != MR_OK) return MR_FAIL;
            continue;
        }
        if (status == MR_DONE) {
            load->main_done = true;
            break;
        }
        if (status != MR_ROW) return status;
        if (keep_row(load) != MR_OK) return MR_FAIL;
        read++;
    }
    return mr_run_finish_rows(load->main);
}

mr_status mr_load_fire_events(mr_load *load) {
    mr_status status = MR_OK;
    for (size_t i = 0; i < load->events.len && status == MR_OK; i++) {
        const mr_load_event *e = mr_vec_at(&load->events, i);
        status = mr_mapper_fire(e->entity->mapper, e->event, NULL, e->entity);
    }
    load->events.len = 0;
    return status;
}

/* Goes on until rows can be given out. */
static mr_status advance(mr_load *load) {
    mr_status status;
    if (load->state == MR_LOAD_READING || load->state == MR_LOAD_FOLLOWING)
        load->outside = load->ctx.outside && load->ctx.outside(load->ctx.ud);
    if (load->state == MR_LOAD_READING) {
        status = read_rows(load);
        if (status == MR_WAIT) return status;
        if (status != MR_OK) return fail(load);
        load->state = MR_LOAD_FOLLOWING;
    }
    if (load->state == MR_LOAD_FOLLOWING) {
        status = mr_jobs_advance(load);
        if (status == MR_WAIT) return status;
        if (status != MR_DONE) return fail(load);
        if (load->main_done) stop_reading(load);
        load->state = MR_LOAD_GIVING;
        if (mr_load_fire_events(load) != MR_OK) return fail(load);
    }
    if (load->state == MR_LOAD_FAILED)
        return mr_fail(load->env, MR_ERR_INVALID_REQUEST, "this result ended with an error; run the query again");
    return MR_OK;
}

static mr_status step(mr_load *load) {
    for (;;) {
        mr_status status = advance(load);
        if (status != MR_OK) return status;
        if (load->yield_per) unpin_rows(load, load->given);
        if (load->given < row_count(load)) {
            load->given++;
            return MR_ROW;
        }
        if (load->main_done) return MR_DONE;
        drop_rows(load);
        mr_seen_done(&load->overwritten);
        load->since = mr_collections_version(load->heap);
        load->state = MR_LOAD_READING;
    }
}

mr_status mr_load_step(mr_load *load) {
    /* All rows were read before: only give the next one. */
    if (load->state == MR_LOAD_GIVING && !load->yield_per) {
        if (load->given >= row_count(load)) return MR_DONE;
        load->given++;
        return MR_ROW;
    }
    mr_heap_block(load->heap);
    mr_status status = step(load);
    mr_heap_unblock(load->heap);
    return status;
}

bool mr_load_streams(const mr_load *load) { return load->yield_per && !load->main_done; }

/* Runs the load to its end. */
static mr_status finish(mr_load *load) {
    mr_status status;
    do status = advance(load);
    while (status == MR_WAIT);
    return status;
}

mr_status mr_load_run_jobs(mr_load *load) { return finish(load); }

mr_status mr_load_all_of_key(mr_load *load, const mr_mapper *mapper, const mr_value *key, const mr_value **rows,
                             size_t *n) {
    mr_status status = mr_load_all(load, rows, n);
    if (status != MR_OK || *n < 2 || !mr_identity_has_null(mapper, key)) return status;
    mr_strbuf text, buf;
    mr_value identity;
    mr_strbuf_init(&text, load->env);
    mr_strbuf_init(&buf, load->env);
    if (mr_identity_make(mapper, key, &buf, &identity)) mr_identity_describe(mapper, &identity, &text);
    const char *who = mr_strbuf_str(&text);
    if (who)
        mr_fail(load->env, MR_ERR_MULTIPLE_RESULTS_FOUND,
                "%zu rows of table '%s' are %s: a key that is NULL in part does not tell them apart; map the class "
                "by the number that SQLite gives each row: _rowid = Column{ \"rowid\", Integer, primary_key = true }, "
                "and no other column as primary_key",
                *n, mapper->table->name, who);
    mr_strbuf_done(&text);
    mr_strbuf_done(&buf);
    return MR_FAIL;
}

mr_status mr_load_all(mr_load *load, const mr_value **rows, size_t *n) {
    mr_status status;
    mr_heap_block(load->heap);
    if (load->yield_per && load->state == MR_LOAD_GIVING && !load->main_done) load->state = MR_LOAD_READING;
    load->yield_per = 0;
    status = finish(load);
    mr_heap_unblock(load->heap);
    *rows = NULL;
    *n = 0;
    if (status != MR_OK) return status;
    *n = row_count(load) - load->given;
    *rows = *n ? mr_vec_at(&load->rows, load->given * load->width) : NULL;
    load->given = row_count(load);
    return MR_OK;
}

void mr_load_release_rows(mr_load *load, size_t left) { unpin_rows(load, row_count(load) - left); }

/* ---------------------------------------------------------------- asking */

unsigned mr_load_width(const mr_load *load) { return (unsigned)load->width; }

mr_bad_values mr_load_bad_values(const mr_load *load) { return load->ctx.bad_values; }

const char *mr_load_dialect(const mr_load *load) { return load->ctx.owner ? load->ctx.owner->dialect : NULL; }

const char *mr_load_name(const mr_load *load, unsigned i) {
    return i < load->width ? load->main->plan->items[i].name : NULL;
}

const mr_type *mr_load_type(const mr_load *load, unsigned i, const mr_column **column) {
    const mr_plan *plan = load->main->plan;
    *column = NULL;
    if (i >= load->width || plan->items[i].entity != MR_PLAN_NONE) return NULL;
    unsigned at = plan->items[i].column;
    const mr_compiled *compiled = plan->compiled;
    if (compiled && at < compiled->ncolumns) *column = compiled->columns[at].column;
    if (plan->types) return plan->types[at];
    return compiled && at < compiled->ncolumns ? compiled->columns[at].type : NULL;
}

const mr_value *mr_load_row(const mr_load *load) {
    if (load->given == 0 || load->state != MR_LOAD_GIVING) return NULL;
    return mr_vec_at(&load->rows, (load->given - 1) * load->width);
}

int64_t mr_load_rowcount(const mr_load *load) {
    const mr_run *run = load->main;
    return run->cursor ? mr_cursor_rowcount(run->cursor) : run->rowcount;
}

/*
 * run.c: one execution of a plan: its parameters, its cursor, and the jobs that its rows need.
 *
 * Invariant: the bytes of parameters live as long as the cursor: late values are copied; the others belong to the query
 * or the plan, and the run holds references to both.
 */
#include "siblings.h"
#include "strategy/job.h"

#include <string.h>

/* ---------------------------------------------------------------- parameters */

static mr_status add_named(mr_run *run, const char *name, const mr_value *value) {
    mr_named_value *n = mr_vec_push(&run->named);
    if (!n) return MR_FAIL;
    n->name = name;
    return mr_value_copy(run->load->env, &n->value, value);
}

/* *out: the parent's value; committed: the one in its row. Reads an expired parent again first. */
static mr_status parent_value(mr_run *run, mr_entity *parent, uint16_t slot, bool committed, mr_value *out) {
    const mr_value *v = mr_entity_slot(parent, slot);
    if (committed && mr_entity_committed(parent, slot)->kind != MR_UNLOADED) {
        *out = *mr_entity_committed(parent, slot);
        return MR_OK;
    }
    if (v->kind == MR_UNLOADED && parent->state == MR_PERSISTENT && parent->owner == run->load->ctx.owner) {
        mr_status status = mr_load_refresh(&run->load->ctx, parent, NULL, 0);
        if (status == MR_FAIL) return status;
        v = mr_entity_slot(parent, slot);
    }
    *out = v->kind == MR_UNLOADED ? mr_null_value() : *v;
    return MR_OK;
}

static mr_status add_lates(mr_run *run, const mr_run_source *source) {
    const mr_plan *plan = run->plan;
    for (uint16_t i = 0; i < plan->nlates; i++) {
        const mr_plan_late *late = &plan->lates[i];
        mr_value v = mr_null_value();
        if (late->parent == MR_PLAN_NONE) {
            if (source->keys) v = source->keys[late->slot];
        } else {
            mr_entity *parent = source->parent;
            if (source->query && late->parent < source->query->nparents)
                parent = source->query->parents[late->parent].parent;
            if (parent && parent_value(run, parent, late->slot, source->committed, &v) != MR_OK) return MR_FAIL;
        }
        if (add_named(run, late->name, &v) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status add_params(mr_run *run, const mr_run_source *source) {
    /* The first of a name counts: values given for this run come before those that the query has. */
    for (size_t i = 0; source->named && i < source->named->len; i++) {
        const mr_named_value *n = mr_vec_at(source->named, i);
        if (add_named(run, n->name, &n->value) != MR_OK) return MR_FAIL;
    }
    for (unsigned i = 0; source->query && i < source->query->nparams; i++)
        if (add_named(run, source->query->params[i].name, &source->query->params[i].value) != MR_OK) return MR_FAIL;
    return MR_OK;
}

static mr_status collect_values(mr_run *run, const mr_run_source *source) {
    const mr_plan *plan = run->plan;
    mr_env *env = run->load->env;
    if (add_lates(run, source) != MR_OK || add_params(run, source) != MR_OK) return MR_FAIL;
    if (plan->compiled->nparams == 0) return MR_OK;
    mr_vec binds;
    mr_vec_init(&binds, env, sizeof(mr_node *));
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < plan->nbinds && status == MR_OK; i++) {
        const mr_plan_bind *b = &plan->binds[i];
        status = mr_vec_push_ptr(&binds, b->source < 0 ? b->own : mr_vec_ptr(source->binds, (size_t)b->source));
    }
    if (status == MR_OK)
        status = mr_compiled_values(plan->compiled, &binds, run->named.data, run->named.len, run->values);
    mr_vec_done(&binds);
    return status;
}

/* ---------------------------------------------------------------- opening */

static size_t align(size_t n) { return (n + 15) & ~(size_t)15; }

/* Do the objects of the plan's rows make groups? Then a run of a simple plan notes them, as one of another plan does.
 */
static void set_grouping(mr_run *run) {
    run->grouped = run->load->ctx.batch.max > 0;
    run->simple = run->plan->simple && !run->grouped && !run->plan->batched;
}

/* The run and its arrays in one block. If columns are found by name, the number of columns is not known yet. */
static mr_run *allocate(mr_load *load, mr_plan *plan) {
    mr_run *run = plan->spare;
    if (run) {
        plan->spare = NULL;
        run->load = load;
        run->plan = mr_plan_retain(plan);
        set_grouping(run);
        return run;
    }
    size_t head = align(sizeof(mr_run)), entities = align(plan->nentities * sizeof(mr_run_entity));
    size_t columns = plan->by_name ? 0 : plan->ncolumns, nparams = plan->compiled->nparams;
    size_t values = (columns + plan->nitems + nparams) * sizeof(mr_value);
    run = mr_calloc(load->env, head + entities + values);
    if (!run) return NULL;
    run->load = load;
    run->plan = mr_plan_retain(plan);
    run->rowcount = -1;
    run->entities = (mr_run_entity *)(void *)((char *)run + head);
    run->values = (mr_value *)(void *)((char *)run + head + entities);
    run->out = run->values + nparams;
    run->row = plan->by_name ? NULL : run->out + plan->nitems;
    if (plan->plain) run->out = run->row;
    mr_vec_init(&run->named, load->env, sizeof(mr_named_value));
    mr_strbuf_init(&run->key, load->env);
    for (uint16_t i = 0; i < plan->nentities; i++)
        mr_vec_init(&run->entities[i].parents, load->env, sizeof(mr_entity *));
    set_grouping(run);
    return run;
}

static mr_status refuse_yield_per(mr_env *env, const mr_plan *plan) {
    const char *class_name = "the class", *name = "its collection";
    for (uint16_t i = 0; i < plan->nentities; i++) {
        const mr_property *along = plan->entities[i].along;
        if (!along || along->relationship->uselist != 1) continue;
        class_name = along->mapper->name;
        name = along->name;
        break;
    }
    return mr_fail(env, MR_ERR_INVALID_REQUEST,
                   "yield_per does not go with the joined collection %s.%s: its rows must be read as a whole; "
                   "use selectinload or lazyload",
                   class_name, name);
}

/* Executes the plan's statement with the marks of its load. */
static mr_status execute(const mr_load *load, mr_conn *conn, const mr_plan *plan, const mr_value *values,
                         mr_cursor **out) {
    mr_marks marks = load->ctx.marks;
    if (!marks.tag && marks.timeout == 0) return mr_conn_execute(conn, plan->compiled, values, out);
    const mr_marks *before = mr_conn_use_marks(conn, &marks);
    if (before && marks.timeout == 0) marks.timeout = before->timeout;
    mr_status status = mr_conn_execute(conn, plan->compiled, values, out);
    mr_conn_use_marks(conn, before);
    return status;
}

mr_status mr_run_open_with(mr_load *load, mr_plan *plan, const mr_value *values, mr_run **out) {
    mr_conn *conn;
    mr_run *run = *out = allocate(load, plan);
    if (!run || load->ctx.connection(load->ctx.ud, plan->lead, &conn) != MR_OK) return MR_FAIL;
    return execute(load, conn, plan, values, &run->cursor);
}

mr_status mr_run_open(mr_load *load, mr_plan *plan, const mr_run_source *source, mr_run **out) {
    mr_conn *conn;
    *out = NULL;
    if (plan->collections && load->yield_per) return refuse_yield_per(load->env, plan);
    mr_run *run = allocate(load, plan);
    if (!run) return MR_FAIL;
    run->query = mr_query_retain(source->query);
    run->fixed = source->fixed;
    if (collect_values(run, source) != MR_OK) goto fail;
    if (load->ctx.connection(load->ctx.ud, plan->lead, &conn) != MR_OK) goto fail;
    if (execute(load, conn, plan, run->values, &run->cursor) != MR_OK) goto fail;
    *out = run;
    return MR_OK;
fail:
    mr_run_close(run);
    return MR_FAIL;
}

void mr_run_close_cursor(mr_run *run) {
    if (!run->cursor) return;
    run->rowcount = mr_cursor_rowcount(run->cursor);
    mr_cursor_close(run->cursor);
    run->cursor = NULL;
}

/* Nothing of a run that is over is in it but its memory. */
static bool keep_as_spare(mr_run *run) {
    mr_plan *plan = run->plan;
    if (plan->by_name || plan->spare || plan->refs == 1) return false;
    run->load = NULL;
    run->query = NULL;
    run->fixed = NULL;
    run->rowcount = -1;
    run->rows = 0;
    run->started = false;
    for (uint16_t i = 0; i < plan->nentities; i++) {
        mr_run_entity *re = &run->entities[i];
        re->current = re->last = NULL;
        re->last_key = 0;
        re->keyless = false;
        memset(&re->gather, 0, sizeof re->gather);
    }
    plan->spare = run;
    mr_plan_release(plan);
    return true;
}

void mr_run_close(mr_run *run) {
    if (!run) return;
    mr_env *env = run->load->env;
    mr_run_close_cursor(run);
    for (uint16_t i = 0; i < run->plan->nentities; i++) {
        mr_gather_done(&run->entities[i].gather);
        mr_vec_done(&run->entities[i].parents);
    }
    for (size_t i = 0; i < run->named.len; i++)
        mr_value_clear(env, &((mr_named_value *)mr_vec_at(&run->named, i))->value);
    mr_vec_done(&run->named);
    mr_strbuf_done(&run->key);
    if (run->plan->by_name) mr_free(env, run->row);
    mr_query_release(run->query);
    if (!keep_as_spare(run)) {
        mr_plan_release(run->plan);
        mr_free(env, run);
    }
}

/* ---------------------------------------------------------------- stepping */

/* Reads the first row, and finds the columns by their names, which are known only when the statement runs. */
static mr_status first_by_name(mr_run *run) {
    mr_status status = mr_cursor_step(run->cursor);
    if (status != MR_ROW) return status;
    if (mr_plan_match_names(run->plan, run->query, run->cursor) != MR_OK) return MR_FAIL;
    run->row = mr_alloc(run->load->env, (run->plan->ncolumns + (size_t)1) * sizeof *run->row);
    if (!run->row) return MR_FAIL;
    status = mr_cursor_fetch_any(run->cursor, run->plan->types, run->row);
    return status == MR_OK ? MR_ROW : status;
}

mr_status mr_run_step(mr_run *run) {
    if (!run->cursor) return MR_DONE;
    run->load->ctx.owner->reads++; /* also if there is no row: then that is what was read */
    mr_status status = run->row ? mr_cursor_next(run->cursor, run->plan->types, run->row) : first_by_name(run);
    if (status != MR_ROW && status != MR_NOTFOUND) {
        if (status == MR_DONE) mr_run_close_cursor(run);
        return status;
    }
    run->rows++;
    bool misfits = status == MR_NOTFOUND;
    if (misfits && mr_run_misfits(run) != MR_OK) return MR_FAIL;
    if (run->load->ctx.bad_values != MR_BAD_VALUES_RAISE && mr_run_mark_late(run)) misfits = true;
    if (mr_row_interpret(run) != MR_OK) return MR_FAIL;
    if (misfits) mr_run_remember_misfits(run);
    return MR_ROW;
}

mr_status mr_run_finish_rows(mr_run *run) {
    for (uint16_t i = 0; i < run->plan->nentities; i++) {
        mr_run_entity *re = &run->entities[i];
        re->last = re->current = NULL;
        if (re->gather.env && mr_gather_finish(&re->gather) != MR_OK) return MR_FAIL;
    }
    for (uint16_t i = 0; i < run->plan->nentities; i++) {
        mr_vec *parents = &run->entities[i].parents;
        if (parents->len == 0) continue;
        bool grouped = run->grouped || run->plan->entities[i].batched;
        if (grouped && mr_siblings_add(run->load->env, parents->data, parents->len, run->load->ctx.asker) != MR_OK)
            return MR_FAIL;
        if (mr_jobs_add(run, i) != MR_OK) return MR_FAIL;
        parents->len = 0;
    }
    return MR_OK;
}

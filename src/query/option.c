/*
 * option.c: the loader options of a query.
 *
 * Names of attributes are looked up when the query is planned, so that an option may be made before its class is
 * configured.
 *
 * Invariant: the options of one chain share one path, so that copying the query does not copy the steps.
 */
#include "copy.h"

#include <string.h>

struct mr_option_path {
    uint32_t refs;
    mr_option_step steps[];
};

mr_option_path *mr_option_path_retain(mr_option_path *path) {
    if (path) path->refs++;
    return path;
}

void mr_option_path_release(mr_env *env, mr_option_path *path) {
    if (path && --path->refs == 0) mr_free(env, path);
}

mr_loader_criterion *mr_loader_criterion_new(mr_mapper *mapper, mr_node *expression, bool aliases, bool goes_on) {
    mr_loader_criterion *c = expression ? mr_alloc(mapper->env, sizeof *c) : NULL;
    if (c) *c = (mr_loader_criterion){1, mapper, expression, aliases, goes_on};
    else mr_node_release(expression);
    return c;
}

mr_loader_criterion *mr_loader_criterion_retain(mr_loader_criterion *c) {
    if (c) c->refs++;
    return c;
}

void mr_loader_criterion_release(mr_loader_criterion *c) {
    if (!c || --c->refs > 0) return;
    mr_node_release(c->expression);
    mr_free(c->mapper->env, c);
}

/* The number of options, counted from the first one, that have the same pointer steps. *nsteps: the largest number of
 * their steps. */
static unsigned run_length(const mr_option *options, unsigned n, unsigned *nsteps) {
    unsigned i = 0;
    *nsteps = 0;
    for (; i < n && options[i].steps == options[0].steps; i++)
        if (options[i].nsteps > *nsteps) *nsteps = options[i].nsteps;
    return i;
}

/* Copies the steps. One reference. */
static mr_option_path *new_path(mr_env *env, const mr_option_step *steps, unsigned n) {
    mr_option_path *path = mr_alloc(env, sizeof *path + n * sizeof *steps);
    bool failed = !path;
    for (unsigned i = 0; i < n && !failed; i++) {
        path->steps[i] = steps[i];
        path->steps[i].name = mr_query_name(env, steps[i].name, &failed);
    }
    if (!failed) {
        path->refs = 1;
        return path;
    }
    mr_free(env, path);
    return NULL;
}

/* Appends options that share one path. The caller has made room for them. */
static mr_status append_run(mr_query *c, const mr_option *options, unsigned n, unsigned nsteps) {
    mr_option_path *path = nsteps ? new_path(c->env, options[0].steps, nsteps) : NULL;
    if (nsteps && !path) return MR_FAIL;
    bool failed = false;
    for (unsigned i = 0; i < n; i++) {
        mr_option *o = mr_option_list_next(c);
        *o = options[i];
        o->path = mr_option_path_retain(path);
        o->steps = path ? path->steps : NULL;
        o->group = mr_query_name(c->env, options[i].group, &failed);
        mr_node_retain(o->alias);
        mr_node_retain(o->start);
        mr_loader_criterion_retain(o->criterion);
        mr_node_retain(o->limit_by);
    }
    mr_option_path_release(c->env, path);
    return failed ? MR_FAIL : MR_OK;
}

mr_query *mr_query_options(const mr_query *q, const mr_option *options, unsigned n) {
    mr_query *c = mr_query_copy(q);
    if (!c || n == 0) return c;
    mr_status status = mr_option_list_reserve(c, n);
    for (unsigned i = 0; i < n && status == MR_OK;) {
        unsigned nsteps, run = run_length(options + i, n - i, &nsteps);
        status = append_run(c, options + i, run, nsteps);
        i += run;
    }
    if (status == MR_OK) return c;
    mr_query_release(c);
    return NULL;
}

mr_query *mr_query_only_criteria(const mr_query *q) {
    mr_query *c = mr_query_copy(q);
    if (!c) return NULL;
    mr_option_list_release(c->env, c->option_list);
    c->option_list = NULL;
    c->options = NULL;
    c->noptions = 0;
    for (unsigned i = 0; c && i < q->noptions; i++) {
        if (q->options[i].kind != MR_OPTION_CRITERIA) continue;
        mr_query *with = mr_query_options(c, &q->options[i], 1);
        mr_query_release(c);
        c = with;
    }
    return c;
}

mr_query *mr_query_option(const mr_query *q, const mr_option *option) {
    mr_query *c = mr_query_options(q, option, 1);
    mr_node_release(option->alias);
    mr_node_release(option->start);
    mr_node_release(option->limit_by);
    return c;
}

mr_status mr_query_drop_criteria(mr_query *q) {
    unsigned n = 0;
    if (mr_option_list_own(q) != MR_OK) return MR_FAIL;
    for (unsigned i = 0; i < q->noptions; i++) {
        if (q->options[i].kind == MR_OPTION_CRITERIA) mr_loader_criterion_release(q->options[i].criterion);
        else q->options[n++] = q->options[i];
    }
    mr_option_list_cut(q, n);
    return MR_OK;
}

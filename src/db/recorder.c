/*
 * recorder.c: recorders, which keep copies of all statements that an engine's connections execute.
 *
 * Invariant: the running recorders of an engine form a list, the newest first, and each of them gets every record. All
 * rows of a batch have the same execution number, and so one record.
 */
#include "engine.h"

#include <string.h>

typedef struct entry {
    mr_record record; /* must be first: users get a pointer to it */
    uint64_t execution;
} entry;

struct mr_recorder {
    mr_env *env;
    mr_engine *engine; /* retained; NULL when the recorder is stopped */
    mr_recorder *outer;
    mr_vec entries; /* entry * */
};

mr_status mr_recorder_start(mr_engine *engine, mr_recorder **out) {
    mr_recorder *recorder = mr_calloc(engine->env, sizeof *recorder);
    if (!recorder) return MR_FAIL;
    recorder->env = engine->env;
    recorder->engine = mr_engine_retain(engine);
    mr_vec_init(&recorder->entries, engine->env, sizeof(entry *));
    recorder->outer = engine->recorders;
    engine->recorders = recorder;
    *out = recorder;
    return MR_OK;
}

void mr_recorder_stop(mr_recorder *recorder) {
    mr_engine *engine = recorder->engine;
    if (!engine) return;
    mr_recorder **at = &engine->recorders;
    while (*at != recorder) at = &(*at)->outer;
    *at = recorder->outer;
    recorder->engine = NULL;
    recorder->outer = NULL;
    mr_engine_release(engine);
}

static void free_list(mr_env *env, mr_value *list, size_t n) {
    for (size_t i = 0; list && i < n; i++) mr_value_clear(env, &list[i]);
    mr_free(env, list);
}

static void free_entry(mr_env *env, entry *e) {
    for (size_t i = 0; i < e->record.lists.len; i++) {
        free_list(env, mr_vec_ptr(&e->record.lists, i), e->record.nparams);
    }
    mr_vec_done(&e->record.lists);
    mr_free(env, e->record.statement);
    mr_free(env, e);
}

void mr_recorder_free(mr_recorder *recorder) {
    if (!recorder) return;
    mr_recorder_stop(recorder);
    for (size_t i = 0; i < recorder->entries.len; i++) {
        free_entry(recorder->env, mr_vec_ptr(&recorder->entries, i));
    }
    mr_vec_done(&recorder->entries);
    mr_free(recorder->env, recorder);
}

size_t mr_recorder_count(const mr_recorder *recorder) { return recorder->entries.len; }

const mr_record *mr_recorder_at(const mr_recorder *recorder, size_t i) {
    if (i >= recorder->entries.len) return NULL;
    const entry *e = mr_vec_ptr(&recorder->entries, i);
    return &e->record;
}

/* Finds the record of an execution, from the end: it is almost always the last one, unless a row of the batch has
 * caused other executions. */
static entry *find(const mr_recorder *recorder, uint64_t execution) {
    for (size_t i = recorder->entries.len; i > 0; i--) {
        entry *e = mr_vec_ptr(&recorder->entries, i - 1);
        if (e->execution == execution) return e;
        if (e->execution < execution) return NULL;
    }
    return NULL;
}

static entry *add_entry(mr_recorder *recorder, uint64_t execution, const char *sql, size_t n) {
    mr_env *env = recorder->env;
    entry *e = mr_calloc(env, sizeof *e);
    if (!e) return NULL;
    e->execution = execution;
    e->record.nparams = n;
    mr_vec_init(&e->record.lists, env, sizeof(mr_value *));
    e->record.statement = mr_strndup(env, sql, strlen(sql));
    if (e->record.statement && mr_vec_push_ptr(&recorder->entries, e) == MR_OK) return e;
    free_entry(env, e);
    return NULL;
}

static mr_status add_list(mr_env *env, entry *e, const mr_value *params, size_t n) {
    mr_value *list = mr_calloc(env, (n + 1) * sizeof *list);
    if (!list) return MR_FAIL;
    for (size_t i = 0; i < n; i++) {
        if (mr_value_copy(env, &list[i], &params[i])) goto fail;
    }
    if (mr_vec_push_ptr(&e->record.lists, list) == MR_OK) return MR_OK;
fail:
    free_list(env, list, n);
    return MR_FAIL;
}

mr_status mr_recorders_note(mr_engine *engine, uint64_t execution, const char *sql, const mr_value *params, size_t n) {
    for (mr_recorder *r = engine->recorders; r; r = r->outer) {
        entry *e = find(r, execution);
        if (!e) e = add_entry(r, execution, sql, n);
        if (!e || add_list(r->env, e, params, n)) return MR_FAIL;
    }
    return MR_OK;
}

void mr_recorders_add_time(mr_engine *engine, uint64_t execution, double seconds, double waited) {
    for (mr_recorder *r = engine->recorders; r; r = r->outer) {
        entry *e = find(r, execution);
        if (!e) continue;
        e->record.duration += seconds;
        e->record.waited += waited;
    }
}

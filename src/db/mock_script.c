/*
 * mock_script.c: the answers that were set for a mock engine.
 *
 * Invariant: each entry is used for one statement and then removed; of several that match, the oldest one is used.
 */
#include "driver_mock.h"
#include "engine.h"

#include <string.h>

typedef struct mock_failure {
    char *sql_part;
    mr_errkind kind;
    char *words;
    unsigned after; /* number of matching statements that still pass before */
} mock_failure;

struct mr_mock_script {
    mr_env *env;
    mr_vec results;  /* mr_mock_result * */
    mr_vec failures; /* mock_failure */
    int64_t number;  /* the last generated key */
};

mr_mock_script *mr_mock_script_new(mr_env *env) {
    mr_mock_script *script = mr_calloc(env, sizeof *script);
    if (!script) return NULL;
    script->env = env;
    mr_vec_init(&script->results, env, sizeof(mr_mock_result *));
    mr_vec_init(&script->failures, env, sizeof(mock_failure));
    return script;
}

static void failure_clear(mr_env *env, mock_failure *failure) {
    mr_free(env, failure->sql_part);
    mr_free(env, failure->words);
}

void mr_mock_script_free(mr_mock_script *script) {
    if (!script) return;
    for (size_t i = 0; i < script->results.len; i++) {
        mr_mock_result_free(script->env, mr_vec_ptr(&script->results, i));
    }
    for (size_t i = 0; i < script->failures.len; i++) failure_clear(script->env, mr_vec_at(&script->failures, i));
    mr_vec_done(&script->results);
    mr_vec_done(&script->failures);
    mr_free(script->env, script);
}

void mr_mock_result_free(mr_env *env, mr_mock_result *result) {
    if (!result) return;
    for (size_t i = 0; result->names && i < result->ncolumns; i++) mr_free(env, result->names[i]);
    for (size_t i = 0; result->values && i < result->ncolumns * result->nrows; i++) {
        mr_value_clear(env, &result->values[i]);
    }
    mr_free(env, result->names);
    mr_free(env, result->values);
    mr_free(env, result->sql_part);
    mr_free(env, result);
}

mr_mock_result *mr_mock_result_new(mr_env *env, const char *sql_part, const char *const *names, size_t ncolumns,
                                   const mr_value *values, size_t nrows) {
    mr_mock_result *result = mr_calloc(env, sizeof *result);
    if (!result) return NULL;
    result->ncolumns = ncolumns;
    result->nrows = nrows;
    result->sql_part = mr_strndup(env, sql_part, strlen(sql_part));
    result->names = mr_calloc(env, (ncolumns + 1) * sizeof *result->names);
    result->values = mr_calloc(env, (ncolumns * nrows + 1) * sizeof *result->values);
    bool ok = result->sql_part && result->names && result->values;
    for (size_t i = 0; ok && i < ncolumns; i++) {
        ok = (result->names[i] = mr_strndup(env, names[i], strlen(names[i]))) != NULL;
    }
    for (size_t i = 0; ok && i < ncolumns * nrows; i++) {
        ok = mr_value_copy(env, &result->values[i], &values[i]) == MR_OK;
    }
    if (ok) return result;
    mr_mock_result_free(env, result);
    return NULL;
}

mr_mock_result *mr_mock_script_take(mr_mock_script *script, const char *sql) {
    for (size_t i = 0; i < script->results.len; i++) {
        mr_mock_result *result = mr_vec_ptr(&script->results, i);
        if (!strstr(sql, result->sql_part)) continue;
        mr_vec_remove(&script->results, i);
        return result;
    }
    return NULL;
}

mr_status mr_mock_script_check(mr_mock_script *script, const char *sql) {
    for (size_t i = 0; i < script->failures.len; i++) {
        mock_failure *failure = mr_vec_at(&script->failures, i);
        if (!strstr(sql, failure->sql_part)) continue;
        if (failure->after > 0) {
            failure->after--;
            continue;
        }
        mr_fail(script->env, failure->kind, "(mock) %s", failure->words);
        mr_error_add_orig(script->env, failure->words, 0);
        failure_clear(script->env, failure);
        mr_vec_remove(&script->failures, i);
        return MR_FAIL;
    }
    return MR_OK;
}

int64_t mr_mock_script_number(mr_mock_script *script, int64_t count) { return script->number += count; }

static mr_mock_script *script_of(mr_engine *engine) {
    if (mr_driver_is_mock(engine->driver)) return engine->native;
    mr_fail(engine->env, MR_ERR_ARGUMENT, "engine \"%s\" is no mock; make it with mock+sqlite:// or mock+postgresql://",
            engine->url.text);
    return NULL;
}

mr_status mr_mock_rows(mr_engine *engine, const char *sql_part, const char *const *names, size_t ncolumns,
                       const mr_value *values, size_t nrows) {
    mr_mock_script *script = script_of(engine);
    if (!script) return MR_FAIL;
    mr_mock_result *result = mr_mock_result_new(engine->env, sql_part, names, ncolumns, values, nrows);
    if (!result) return MR_FAIL;
    mr_status status = mr_vec_push_ptr(&script->results, result);
    if (status != MR_OK) mr_mock_result_free(engine->env, result);
    return status;
}

mr_status mr_mock_fail(mr_engine *engine, const char *sql_part, mr_errkind kind, const char *words, unsigned after) {
    mr_mock_script *script = script_of(engine);
    if (!script) return MR_FAIL;
    mock_failure failure = {.kind = kind, .after = after};
    failure.sql_part = mr_strndup(engine->env, sql_part, strlen(sql_part));
    failure.words = failure.sql_part ? mr_strndup(engine->env, words, strlen(words)) : NULL;
    mock_failure *stored = failure.words ? mr_vec_push(&script->failures) : NULL;
    if (!stored) {
        failure_clear(engine->env, &failure);
        return MR_FAIL;
    }
    *stored = failure;
    return MR_OK;
}

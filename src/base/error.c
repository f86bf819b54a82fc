/*
 * error.c: the last error of an environment.
 *
 * Invariant: env->error is one of three: NULL; the environment's own no_memory, which owns nothing and is never freed;
 * or a block that owns its statement, parameters, orig and facts, with the message right behind the struct. So
 * recording NoMemoryError, and saving any error, never allocates.
 */
#include "env_private.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    mr_errkind parent;
} kinds[MR_ERR__COUNT] = {
    [MR_ERR_NONE] = {"None", MR_ERR_NONE},
    [MR_ERR_ERROR] = {"Error", MR_ERR_NONE},
    [MR_ERR_ARGUMENT] = {"ArgumentError", MR_ERR_ERROR},
    [MR_ERR_INVALID_REQUEST] = {"InvalidRequestError", MR_ERR_ERROR},
    [MR_ERR_NO_RESULT_FOUND] = {"NoResultFound", MR_ERR_INVALID_REQUEST},
    [MR_ERR_NOT_FOUND] = {"NotFound", MR_ERR_NO_RESULT_FOUND},
    [MR_ERR_MULTIPLE_RESULTS_FOUND] = {"MultipleResultsFound", MR_ERR_INVALID_REQUEST},
    [MR_ERR_DETACHED_INSTANCE] = {"DetachedInstanceError", MR_ERR_INVALID_REQUEST},
    [MR_ERR_PENDING_ROLLBACK] = {"PendingRollbackError", MR_ERR_INVALID_REQUEST},
    [MR_ERR_OBJECT_DELETED] = {"ObjectDeletedError", MR_ERR_INVALID_REQUEST},
    [MR_ERR_MAPPING] = {"MappingError", MR_ERR_ERROR},
    [MR_ERR_STALE_DATA] = {"StaleDataError", MR_ERR_ERROR},
    [MR_ERR_UNDO_CONFLICT] = {"UndoConflictError", MR_ERR_STALE_DATA},
    [MR_ERR_DATABASE] = {"DatabaseError", MR_ERR_ERROR},
    [MR_ERR_INTEGRITY] = {"IntegrityError", MR_ERR_DATABASE},
    [MR_ERR_OPERATIONAL] = {"OperationalError", MR_ERR_DATABASE},
    [MR_ERR_UNKNOWN_OUTCOME] = {"UnknownOutcomeError", MR_ERR_OPERATIONAL},
    [MR_ERR_DATA] = {"DataError", MR_ERR_DATABASE},
    [MR_ERR_PROGRAMMING] = {"ProgrammingError", MR_ERR_DATABASE},
    [MR_ERR_NO_MEMORY] = {"NoMemoryError", MR_ERR_ERROR},
    [MR_ERR_CALLBACK] = {"CallbackError", MR_ERR_ERROR},
};

static const mr_error no_error;

const char *mr_errkind_name(mr_errkind kind) {
    return (unsigned)kind < MR_ERR__COUNT ? kinds[kind].name : kinds[MR_ERR_ERROR].name;
}

mr_errkind mr_errkind_parent(mr_errkind kind) {
    return (unsigned)kind < MR_ERR__COUNT ? kinds[kind].parent : MR_ERR_NONE;
}

void mr_error_init(mr_env *env) {
    env->no_memory.kind = MR_ERR_NO_MEMORY;
    env->no_memory.message = "not enough memory";
}

static void clear_params(mr_env *env, mr_value *params, size_t n) {
    for (size_t i = 0; i < n; i++) mr_value_clear(env, &params[i]);
    mr_free(env, params);
}

void mr_error_free(mr_env *env, mr_error *saved) {
    if (!saved || saved == &env->no_memory) return;
    mr_free(env, (char *)saved->statement);
    mr_free(env, (char *)saved->orig);
    mr_free(env, (mr_error_facts *)saved->facts);
    clear_params(env, (mr_value *)saved->params, saved->nparams);
    mr_free(env, saved);
}

/* Takes the error out of the environment before freeing it: releasing its opaque values may run code that records or
 * clears an error. */
void mr_env_clear_error(mr_env *env) {
    mr_error *old = env->error;
    env->error = NULL;
    mr_error_free(env, old);
}

mr_status mr_nomem(mr_env *env) {
    mr_env_clear_error(env);
    env->error = &env->no_memory;
    return MR_FAIL;
}

mr_status mr_vfail(mr_env *env, mr_errkind kind, const char *fmt, va_list args) {
    if (kind == MR_ERR_NO_MEMORY) return mr_nomem(env);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    size_t size = len < 0 ? 1 : (size_t)len + 1;
    mr_error *error = mr_alloc(env, sizeof *error + size);
    if (error) {
        char *message = (char *)(error + 1);
        memset(error, 0, sizeof *error);
        message[0] = '\0';
        vsnprintf(message, size, fmt, again);
        error->kind = kind;
        error->message = message;
        /* Not earlier: the arguments may point into the error that was recorded before. */
        mr_env_clear_error(env);
        env->error = error;
    }
    va_end(again);
    return MR_FAIL;
}

mr_status mr_fail(mr_env *env, mr_errkind kind, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    mr_status status = mr_vfail(env, kind, fmt, args);
    va_end(args);
    return status;
}

/* A copy of n values; NULL without memory. */
static mr_value *copy_params(mr_env *env, const mr_value *params, size_t n) {
    if (n > SIZE_MAX / sizeof(mr_value)) return NULL;
    mr_value *copy = mr_alloc(env, n * sizeof *copy);
    if (!copy) return NULL;
    for (size_t i = 0; i < n; i++) {
        if (mr_value_copy(env, &copy[i], &params[i]) != MR_OK) {
            clear_params(env, copy, i);
            return NULL;
        }
    }
    return copy;
}

void mr_error_add_statement(mr_env *env, const char *sql, const mr_value *params, size_t nparams) {
    mr_error *error = mr_env_save_error(env);
    if (error && error != &env->no_memory) {
        char *statement = sql ? mr_strndup(env, sql, strlen(sql)) : NULL;
        mr_value *copy = nparams > 0 ? copy_params(env, params, nparams) : NULL;
        mr_free(env, (char *)error->statement);
        clear_params(env, (mr_value *)error->params, error->nparams);
        error->statement = statement;
        error->params = copy;
        error->nparams = copy ? nparams : 0;
    }
    mr_env_restore_error(env, error);
}

/* The message shares one block with the error. A longer message needs a larger block, into which the error is moved. */
void mr_error_add_note(mr_env *env, const char *note) {
    mr_error *error = mr_env_save_error(env);
    if (error && error != &env->no_memory && error->kind != MR_ERR_CALLBACK) {
        size_t size = strlen(error->message) + strlen(note) + 2;
        mr_error *made = mr_alloc(env, sizeof *made + size);
        if (made) {
            *made = *error;
            snprintf((char *)(made + 1), size, "%s %s", error->message, note);
            made->message = (const char *)(made + 1);
            mr_free(env, error);
            error = made;
        }
    }
    mr_env_restore_error(env, error);
}

void mr_error_add_orig(mr_env *env, const char *orig, int code) {
    mr_error *error = mr_env_save_error(env);
    if (error && error != &env->no_memory) {
        char *copy = orig ? mr_strndup(env, orig, strlen(orig)) : NULL;
        mr_free(env, (char *)error->orig);
        error->orig = copy;
        error->orig_code = code;
    }
    mr_env_restore_error(env, error);
}

enum { NFACTS = sizeof(mr_error_facts) / sizeof(char *) };

/* A copy of the facts and their words in one block; NULL without memory. */
static mr_error_facts *copy_facts(mr_env *env, const mr_error_facts *facts) {
    const char *words[NFACTS];
    size_t size = sizeof *facts;
    memcpy(words, facts, sizeof words);
    for (size_t i = 0; i < NFACTS; i++)
        if (words[i]) size += strlen(words[i]) + 1;
    mr_error_facts *copy = mr_alloc(env, size);
    if (!copy) return NULL;
    char *at = (char *)(copy + 1);
    for (size_t i = 0; i < NFACTS; i++) {
        if (!words[i]) continue;
        size_t len = strlen(words[i]) + 1;
        memcpy(at, words[i], len);
        words[i] = at;
        at += len;
    }
    memcpy(copy, words, sizeof words);
    return copy;
}

void mr_error_add_facts(mr_env *env, const mr_error_facts *facts) {
    mr_error *error = mr_env_save_error(env);
    if (error && error != &env->no_memory) {
        mr_error_facts *copy = copy_facts(env, facts);
        mr_free(env, (mr_error_facts *)error->facts);
        error->facts = copy;
    }
    mr_env_restore_error(env, error);
}

const mr_error *mr_env_error(const mr_env *env) { return env->error ? env->error : &no_error; }

mr_error *mr_env_save_error(mr_env *env) {
    mr_error *error = env->error;
    env->error = NULL;
    return error;
}

void mr_env_restore_error(mr_env *env, mr_error *saved) {
    if (!saved) return;
    mr_env_clear_error(env);
    env->error = saved;
}

char *mr_error_words(mr_env *env, const mr_error *e) {
    const char *kind = e->kind == MR_ERR_CALLBACK ? "" : mr_errkind_name(e->kind);
    const char *between = kind[0] ? ": " : "", *message = e->message ? e->message : "";
    size_t size = strlen(kind) + strlen(between) + strlen(message) + 1;
    mr_error *saved = mr_env_save_error(env);
    char *text = mr_alloc(env, size);
    if (text) snprintf(text, size, "%s%s%s", kind, between, message);
    else mr_env_clear_error(env);
    mr_env_restore_error(env, saved);
    return text;
}

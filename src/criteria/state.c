/*
 * state.c: what an environment knows of criteria: the texts that are kept, what the layer above knows of attributes,
 * and how the layers below count criteria.
 */
#include <string.h>

#include "tree.h"

/* ---------------------------------------------------------------- the environment's */

static uint64_t hash(const void *element) {
    const mr_kept_text *k = element;
    return mr_hash_bytes(k->text, k->len) ^ (uint64_t)(uintptr_t)k->mapper;
}

static bool equal(const void *a, const void *b) {
    const mr_kept_text *x = a, *y = b;
    return x->mapper == y->mapper && x->len == y->len && memcmp(x->text, y->text, x->len) == 0;
}

static void free_state(mr_criteria_state *s) {
    size_t cursor = 0;
    for (mr_kept_text *k; s->texts && (k = mr_map_next(s->texts, &cursor));) mr_criteria_release(k->criteria);
    mr_map_free(s->texts);
    mr_free(s->env, s);
}

static void on_close(void *ud) {
    mr_criteria_state *s = ud;
    mr_env_set(s->env, MR_ENV_CRITERIA, NULL);
    free_state(s);
}

static void retain_criterion(mr_env *env, void *p) {
    (void)env;
    ((mr_criterion *)p)->refs++;
}
static void release_criterion(mr_env *env, void *p) {
    (void)env;
    mr_criterion_release(p);
}
static bool equal_criteria(mr_env *env, const void *a, const void *b) {
    (void)env;
    return a == b;
}
static const mr_opaque_ops ops = {"criterion", retain_criterion, release_criterion, equal_criteria, NULL, NULL};

mr_criteria_state *mr_criteria_state_of(mr_env *env) {
    mr_criteria_state *s = mr_env_get(env, MR_ENV_CRITERIA);
    if (s) return s;
    s = mr_calloc(env, sizeof *s);
    if (!s) return NULL;
    s->env = env;
    s->texts = mr_map_new(env, sizeof(mr_kept_text), hash, equal);
    s->tag = s->texts ? mr_opaque_register(env, &ops) : 0;
    if (!s->tag || mr_env_on_close(env, on_close, s) != MR_OK) {
        free_state(s);
        return NULL;
    }
    mr_env_set(env, MR_ENV_CRITERIA, s);
    return s;
}

mr_status mr_criteria_set_hooks(mr_env *env, const mr_criteria_hooks *hooks) {
    mr_criteria_state *s = mr_criteria_state_of(env);
    if (s) s->hooks = *hooks;
    return s ? MR_OK : MR_FAIL;
}

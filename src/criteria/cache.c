/*
 * cache.c: texts that were read are kept by their class and their bytes.
 *
 * Invariant: at most MR_CRITERIA_KEPT texts are kept; when there are more, those that were not used for the longest
 * time are dropped. A text is read anew when the mappings have changed since.
 */
#include <string.h>

#include "tree.h"

/* ---------------------------------------------------------------- keeping */

static void drop(mr_criteria_state *s, const mr_kept_text *k) {
    mr_kept_text gone = *k;
    mr_map_remove(s->texts, &gone);
    mr_criteria_release(gone.criteria);
}

/* Drops the texts that were not among the last used ones: half of them at least, so that few texts pay for the search.
 */
static void drop_old(mr_criteria_state *s) {
    mr_kept_text old[MR_CRITERIA_KEPT];
    size_t cursor = 0, n = 0;
    const uint64_t recent = s->clock > MR_CRITERIA_KEPT / 2 ? s->clock - MR_CRITERIA_KEPT / 2 : 0;
    for (const mr_kept_text *k; n < MR_CRITERIA_KEPT && (k = mr_map_next(s->texts, &cursor));)
        if (k->criteria->used <= recent) old[n++] = *k;
    for (size_t i = 0; i < n; i++) drop(s, &old[i]);
}

/* If there is no memory, the text is used this once, which is no error. */
static void keep(mr_criteria_state *s, mr_criteria *c) {
    if (mr_map_count(s->texts) >= MR_CRITERIA_KEPT) drop_old(s);
    const mr_kept_text k = {c->mapper, c->scope->text, c->scope->len, c};
    if (mr_map_put(s->texts, &k)) mr_criteria_retain(c);
    else mr_env_clear_error(s->env);
}

static mr_status check_length(mr_env *env, size_t len) {
    if (len <= MR_CRITERIA_LENGTH) return MR_OK;
    return mr_fail(env, MR_ERR_ARGUMENT, "the text has %zu bytes, and may have %d", len, MR_CRITERIA_LENGTH);
}

const mr_criteria *mr_criteria_find(mr_mapper *mapper, const char *text, size_t len) {
    mr_criteria_state *s = mr_env_get(mapper->env, MR_ENV_CRITERIA);
    if (!s || mapper->registry->dirty) return NULL;
    const mr_kept_text key = {mapper, text, len, NULL};
    const mr_kept_text *found = mr_map_get(s->texts, &key);
    if (!found || found->criteria->version != mapper->registry->version) return NULL;
    found->criteria->used = ++s->clock;
    return found->criteria;
}

mr_status mr_criteria_read(mr_mapper *mapper, const char *text, size_t len, const mr_criteria_limits *limits,
                           mr_criteria **out) {
    mr_criteria_state *s = mr_criteria_state_of(mapper->env);
    if (!s || check_length(mapper->env, len) != MR_OK) return MR_FAIL;
    if (mapper->registry->dirty && mr_registry_configure(mapper->registry) != MR_OK) return MR_FAIL;
    const mr_kept_text key = {mapper, text, len, NULL};
    const mr_kept_text *found = mr_map_get(s->texts, &key);
    if (found && found->criteria->version != mapper->registry->version) {
        drop(s, found);
        found = NULL;
    }
    if (found) {
        if (limits && mr_criteria_check(found->criteria, limits) != MR_OK) return MR_FAIL;
        found->criteria->used = ++s->clock;
        *out = mr_criteria_retain(found->criteria);
        return MR_OK;
    }
    mr_criteria *c = mr_criteria_new(mapper, text, len);
    if (!c) return MR_FAIL;
    if (mr_criteria_parse(c, limits) != MR_OK) {
        mr_criteria_release(c);
        return MR_FAIL;
    }
    c->used = ++s->clock;
    keep(s, c);
    *out = c;
    return MR_OK;
}

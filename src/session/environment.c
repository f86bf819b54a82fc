/*
 * environment.c: the data that all sessions of one environment share.
 *
 * Invariant: the data is made at first use, and freed with the environment.
 */
#include "session_state.h"

static void free_common(void *ud) {
    mr_session_common *common = ud;
    mr_env_set(common->env, MR_ENV_SESSION, NULL);
    mr_map_free(common->parents);
    mr_free(common->env, common);
}

mr_session_common *mr_session_common_of(mr_env *env) {
    mr_session_common *common = mr_env_get(env, MR_ENV_SESSION);
    if (common) return common;
    common = mr_calloc(env, sizeof *common);
    if (!common) return NULL;
    common->env = env;
    if (mr_env_on_close(env, free_common, common) != MR_OK) {
        mr_free(env, common);
        return NULL;
    }
    mr_env_set(env, MR_ENV_SESSION, common);
    return common;
}

mr_status mr_session_set_expression(mr_env *env, mr_node *(*fn)(void *ud, const mr_value *value), void *ud) {
    mr_session_common *common = mr_session_common_of(env);
    if (!common) return MR_FAIL;
    common->expression = fn;
    common->expression_ud = ud;
    return MR_OK;
}

mr_status mr_session_watch_accesses(mr_env *env, mr_access_fn fn, void *ud) {
    mr_session_common *common = mr_session_common_of(env);
    if (!common) return MR_FAIL;
    common->on_access = fn;
    common->on_access_ud = ud;
    return MR_OK;
}

/* ---------------------------------------------------------------- edits inside of values */

mr_status mr_session_set_edits(mr_env *env, mr_edits_fn fn, void *ud) {
    mr_session_common *common = mr_session_common_of(env);
    if (!common) return MR_FAIL;
    common->edits = fn;
    common->edits_ud = ud;
    return MR_OK;
}

void mr_session_expect_edits(mr_env *env, bool any) {
    mr_session_common *common = mr_env_get(env, MR_ENV_SESSION);
    if (common) common->expects_edits = any;
}

static mr_status call(mr_env *env, const mr_edits *what) {
    const mr_session_common *common = mr_env_get(env, MR_ENV_SESSION);
    if (!common || !common->expects_edits || !common->edits) return MR_OK;
    return common->edits(common->edits_ud, what);
}

mr_status mr_session_note_edits(mr_session *session) {
    return call(session->env, &(mr_edits){MR_EDITS_NOTE, .session = session});
}

mr_status mr_session_note_edits_of_flush(mr_session *s) {
    return call(s->env, &(mr_edits){MR_EDITS_FLUSH, .session = s});
}

mr_status mr_entity_note_edits(mr_entity *entity) {
    return call(entity->mapper->env, &(mr_edits){MR_EDITS_NOTE, .entity = entity});
}

void mr_entity_note_set(mr_entity *entity, const mr_property *prop) {
    mr_env *env = entity->mapper->env;
    if (call(env, &(mr_edits){MR_EDITS_SET, .entity = entity, .prop = prop}) != MR_OK) mr_env_clear_error(env);
}

void mr_session_drop_edits(mr_session *s, mr_entity *entity) {
    mr_env *env = s->env;
    mr_error *saved = mr_env_save_error(env);
    (void)call(
        env, &(mr_edits){MR_EDITS_DROP, .session = s, .entity = entity}); /* without memory, a table is kept in vain */
    mr_env_clear_error(env);
    mr_env_restore_error(env, saved);
}

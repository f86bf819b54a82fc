/*
 * events.c: the listeners of a session's events.
 *
 * Invariant: listeners run in the order in which they were added. A listener may remove itself while it runs.
 */
#include "session_state.h"

const char *mr_session_event_name(int event) {
#define NAME(CODE, name) name,
    static const char *const names[] = {MR_SESSION_EVENTS(NAME)};
#undef NAME
    return event >= 0 && event < MR_SESSION__COUNT ? names[event] : NULL;
}

mr_status mr_session_listen(mr_session *s, mr_session_event event, mr_session_hook_fn fn, void *ud) {
    mr_session_hook *hook = mr_vec_push(&s->hooks[event]);
    if (!hook) return MR_FAIL;
    hook->fn = fn;
    hook->ud = ud;
    return MR_OK;
}

void mr_session_unlisten(mr_session *s, mr_session_event event, mr_session_hook_fn fn, void *ud) {
    mr_vec *hooks = &s->hooks[event];
    for (size_t i = 0; i < hooks->len; i++) {
        const mr_session_hook *hook = mr_vec_at(hooks, i);
        if (hook->fn != fn || hook->ud != ud) continue;
        mr_vec_remove(hooks, i);
        return;
    }
}

mr_status mr_session_fire(mr_session *s, mr_session_event event) {
    mr_vec *hooks = &s->hooks[event];
    for (size_t i = 0; i < hooks->len;) {
        mr_session_hook hook = *(mr_session_hook *)mr_vec_at(hooks, i);
        if (hook.fn(s->env, hook.ud, event, s) != MR_OK) return MR_FAIL;
        const mr_session_hook *now = i < hooks->len ? mr_vec_at(hooks, i) : NULL;
        if (now && now->fn == hook.fn && now->ud == hook.ud) i++;
    }
    return MR_OK;
}

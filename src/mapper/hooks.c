/*
 * hooks.c: the callbacks of mapper events.
 *
 * Invariant: a hook may be added or taken away while the event fires; each that stays is called once.
 */
#include "mapper_private.h"

mr_status mr_mapper_listen(mr_mapper *mapper, mr_mapper_event event, mr_mapper_hook_fn fn, void *ud) {
    mr_mapper_hook *hook = mr_vec_push(&mapper->hooks[event]);
    if (!hook) return MR_FAIL;
    hook->fn = fn;
    hook->ud = ud;
    return MR_OK;
}

void mr_mapper_unlisten(mr_mapper *mapper, mr_mapper_event event, mr_mapper_hook_fn fn, void *ud) {
    mr_vec *hooks = &mapper->hooks[event];
    for (size_t i = 0; i < hooks->len; i++) {
        const mr_mapper_hook *hook = mr_vec_at(hooks, i);
        if (hook->fn != fn || hook->ud != ud) continue;
        mr_vec_remove(hooks, i);
        return;
    }
}

static bool is_same(const mr_mapper_hook *a, const mr_mapper_hook *b) {
    return a->fn == b->fn && a->ud == b->ud;
}

static mr_status fire_own(mr_mapper *of, mr_mapper *mapper, mr_mapper_event event, mr_conn *conn,
                          mr_entity *entity) {
    const mr_vec *hooks = &of->hooks[event];
    size_t n = hooks->len; /* what is added meanwhile waits for the next event */
    for (size_t i = 0; i < n && i < hooks->len;) {
        mr_mapper_hook hook = *(mr_mapper_hook *)mr_vec_at(hooks, i);
        if (hook.fn(mapper->env, hook.ud, event, mapper, conn, entity) != MR_OK) return MR_FAIL;
        /* One that took itself away has left its place to the next. */
        if (i < hooks->len && is_same(&hook, mr_vec_at(hooks, i)))
            i++;
        else
            n--;
    }
    return MR_OK;
}

mr_status mr_mapper_fire(mr_mapper *mapper, mr_mapper_event event, mr_conn *conn, mr_entity *entity) {
    for (mr_mapper *m = mapper; m; m = m->base)
        if (m->hooks[event].len && fire_own(m, mapper, event, conn, entity) != MR_OK) return MR_FAIL;
    return MR_OK;
}

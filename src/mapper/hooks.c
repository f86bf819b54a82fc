/*
 * hooks.c: the callbacks of mapper and attribute events.
 *
 * Invariant: each class has its own list of hooks, in the order in which they were added. A hook that propagates is in
 * the lists of the class and of all its present and future subclasses. Hooks may be added or removed while their event
 * is fired: each hook that stays is called once.
 */
#include "mapper_private.h"

#define NAME(CODE, name) name,

const char *mr_mapper_event_name(int event) {
    static const char *const names[] = {MR_MAPPER_EVENTS(NAME)};
    return event >= 0 && event < MR_EVENT__COUNT ? names[event] : NULL;
}

const char *mr_attribute_event_name(int event) {
    static const char *const names[] = {MR_ATTRIBUTE_EVENTS(NAME)};
    return event >= 0 && event < MR_EVENT__ATTRIBUTE_COUNT ? names[event] : NULL;
}

#undef NAME

/* The class after `at` that gets a hook of mapper: mapper itself; if all is true, its subclasses, too. */
static mr_mapper *next_class(mr_mapper *mapper, bool all, mr_mapper *at) {
    return all || !at ? mr_mapper_next_below(mapper, at) : NULL;
}

/* ---------------------------------------------------------------- mapper events */

mr_status mr_mapper_listen(mr_mapper *mapper, mr_mapper_event event, mr_mapper_hook_fn fn, void *ud, bool propagate) {
    for (mr_mapper *m = NULL; (m = next_class(mapper, propagate, m)) != NULL;) {
        mr_mapper_hook *hook = mr_vec_push(&m->hooks[event]);
        if (!hook) {
            mr_mapper_unlisten(mapper, event, fn, ud);
            return MR_FAIL;
        }
        *hook = (mr_mapper_hook){fn, ud, ++m->registry->hooks, propagate};
    }
    return MR_OK;
}

static bool is_same(const mr_mapper_hook *a, const mr_mapper_hook *b) { return a->fn == b->fn && a->ud == b->ud; }

void mr_mapper_unlisten(mr_mapper *mapper, mr_mapper_event event, mr_mapper_hook_fn fn, void *ud) {
    const mr_mapper_hook wanted = {.fn = fn, .ud = ud};
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m)) != NULL;) {
        mr_vec *hooks = &m->hooks[event];
        size_t i = 0;
        while (i < hooks->len && !is_same(mr_vec_at(hooks, i), &wanted)) i++;
        if (i < hooks->len) mr_vec_remove(hooks, i);
    }
}

mr_status mr_mapper_fire(mr_mapper *mapper, mr_mapper_event event, mr_conn *conn, mr_entity *entity) {
    const mr_vec *hooks = &mapper->hooks[event];
    uint64_t last = mapper->registry->hooks, fired = 0; /* a hook that is added meanwhile is not called yet */
    for (size_t i = 0; i < hooks->len; i++) {
        mr_mapper_hook hook = *(mr_mapper_hook *)mr_vec_at(hooks, i);
        if (hook.serial <= fired || hook.serial > last) continue;
        if (hook.fn(mapper->env, hook.ud, event, mapper, conn, entity) != MR_OK) return MR_FAIL;
        fired = hook.serial;
        i = SIZE_MAX; /* start again: hooks may have been removed, and there are few */
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- attribute events */

mr_status mr_attribute_listen(mr_mapper *mapper, const mr_property *prop, mr_attribute_hook_fn fn, void *ud,
                              bool propagate) {
    mapper->registry->listened = true;
    for (mr_mapper *m = NULL; (m = next_class(mapper, propagate, m)) != NULL;) {
        mr_attribute_hook *hook = mr_vec_push(&m->attribute_hooks);
        if (!hook) {
            mr_attribute_unlisten(mapper, fn, ud);
            return MR_FAIL;
        }
        *hook = (mr_attribute_hook){fn, ud, prop, ++m->registry->hooks, propagate};
    }
    return MR_OK;
}

void mr_attribute_unlisten(mr_mapper *mapper, mr_attribute_hook_fn fn, void *ud) {
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m)) != NULL;) {
        mr_vec *hooks = &m->attribute_hooks;
        for (size_t i = 0; i < hooks->len; i++) {
            const mr_attribute_hook *hook = mr_vec_at(hooks, i);
            if (hook->fn != fn || hook->ud != ud) continue;
            mr_vec_remove(hooks, i);
            break;
        }
    }
}

/* ---------------------------------------------------------------- new classes */

mr_status mr_hooks_inherit(mr_mapper *mapper) {
    const mr_mapper *base = mapper->base;
    for (int event = 0; base && event < MR_EVENT__COUNT; event++)
        for (size_t i = 0; i < base->hooks[event].len; i++) {
            const mr_mapper_hook *hook = mr_vec_at(&base->hooks[event], i);
            if (!hook->propagate) continue;
            mr_mapper_hook *copy = mr_vec_push(&mapper->hooks[event]);
            if (!copy) return MR_FAIL;
            *copy = *hook;
            copy->serial = ++mapper->registry->hooks;
        }
    for (size_t i = 0; base && i < base->attribute_hooks.len; i++) {
        const mr_attribute_hook *hook = mr_vec_at(&base->attribute_hooks, i);
        if (!hook->propagate) continue;
        mr_attribute_hook *copy = mr_vec_push(&mapper->attribute_hooks);
        if (!copy) return MR_FAIL;
        *copy = *hook;
        copy->serial = ++mapper->registry->hooks;
    }
    return MR_OK;
}

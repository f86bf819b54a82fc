/*
 * allow.c: what a text that somebody else has written may use.
 *
 * Invariant: the answer does not tell whether the class has an attribute that is not allowed.
 */
#include <string.h>

#include "tree.h"

static const char *next_allowed(void *ud, size_t i) { return ((const char *const *)ud)[i]; }

/* Is it the name, or what leads to it? */
static bool covers(const char *allowed, const char *name) {
    size_t len = strlen(name);
    return strncmp(allowed, name, len) == 0 && (allowed[len] == '\0' || allowed[len] == '.');
}

mr_status mr_criteria_check_name(mr_env *env, const mr_criteria_limits *limits, const mr_named_attribute *name) {
    if (!limits || !limits->allow) return MR_OK;
    for (size_t i = 0; limits->allow[i]; i++)
        if (covers(limits->allow[i], name->name)) return MR_OK;
    mr_strbuf all;
    mr_strbuf_init(&all, env);
    for (size_t i = 0; limits->allow[i]; i++) mr_strbuf_printf(&all, "%s%s", i ? ", " : "", limits->allow[i]);
    const char *list = mr_strbuf_str(&all);
    if (list) {
        const char *near = mr_nearest(name->name, next_allowed, (void *)(uintptr_t)limits->allow);
        if (near)
            mr_criteria_fail(env, name->scope, name->at, name->until, "'%s' is not allowed here%s", name->name,
                             mr_hint(env, near));
        else
            mr_criteria_fail(env, name->scope, name->at, name->until, "'%s' is not allowed here (these are: %s)",
                             name->name, *list ? list : "none");
    }
    mr_strbuf_done(&all);
    return MR_FAIL;
}

mr_status mr_criteria_check(const mr_criteria *c, const mr_criteria_limits *limits) {
    if (!limits) return MR_OK;
    for (size_t i = 0; i < c->names.len; i++)
        if (mr_criteria_check_name(c->env, limits, mr_vec_at(&c->names, i)) != MR_OK) return MR_FAIL;
    if (!limits->parts || c->parts <= limits->parts) return MR_OK;
    return mr_criteria_fail(c->env, c->scope, 0, 1, "the text has %u parts, and may have %u", c->parts, limits->parts);
}

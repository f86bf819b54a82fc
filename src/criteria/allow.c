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

/* ---------------------------------------------------------------- the list itself */

static mr_status refuse_allowed(const mr_criteria_hooks *hooks, const mr_mapper *mapper, const char *allowed,
                                const char *step) {
    const char *near = hooks->nearest ? hooks->nearest(hooks->ud, mapper, step) : mr_mapper_nearest(mapper, step);
    return mr_fail(mapper->env, MR_ERR_ARGUMENT, "filter: allow: '%s': %s has no attribute '%s'%s", allowed,
                   mapper->name, step, mr_hint(mapper->env, near));
}

/* Is it an attribute of the layer above, such as a hybrid or a composite? A failure says that it is there. */
static bool is_described(const mr_criteria_hooks *hooks, mr_mapper *mapper, const char *name, const char *part) {
    mr_criteria_attribute made = {0};
    mr_status status = hooks->describe ? hooks->describe(hooks->ud, mapper, NULL, name, part, &made) : MR_NOTFOUND;
    if (status == MR_FAIL) mr_env_clear_error(mapper->env);
    mr_node_release(made.expression);
    return status != MR_NOTFOUND;
}

static mr_status check_allowed(const mr_criteria_hooks *hooks, mr_mapper *mapper, const char *allowed) {
    enum { MOST = 256 };
    char names[MOST];
    size_t len = strlen(allowed);
    if (len >= MOST) return refuse_allowed(hooks, mapper, allowed, allowed);
    memcpy(names, allowed, len + 1);
    for (char *step = names; step;) {
        char *dot = strchr(step, '.');
        if (dot) *dot = '\0';
        const mr_property *prop = mr_mapper_property(mapper, step, true);
        if (!prop)
            return is_described(hooks, mapper, step, dot ? dot + 1 : NULL)
                       ? MR_OK
                       : refuse_allowed(hooks, mapper, allowed, step);
        if (!dot) return MR_OK;
        if (prop->kind != MR_PROPERTY_RELATIONSHIP || !prop->relationship->target)
            return mr_fail(mapper->env, MR_ERR_ARGUMENT, "filter: allow: '%s': %s.%s is a value, and has no '%s'",
                           allowed, mapper->name, step, dot + 1);
        mapper = prop->relationship->target;
        step = dot + 1;
    }
    return MR_OK;
}

mr_status mr_criteria_check_allowed(mr_mapper *mapper, const mr_criteria_limits *limits) {
    static const mr_criteria_hooks none = {0};
    const mr_criteria_state *s = mr_criteria_state_of(mapper->env);
    const mr_criteria_hooks *hooks = s ? &s->hooks : &none;
    for (size_t i = 0; limits->allow && limits->allow[i]; i++)
        if (check_allowed(hooks, mapper, limits->allow[i]) != MR_OK) return MR_FAIL;
    return MR_OK;
}

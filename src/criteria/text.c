/*
 * text.c: a text that was read, and a text with values.
 *
 * Invariant: both are counted, and never change; a criterion keeps its text alive.
 */
#include <string.h>

#include "tree.h"

/* ---------------------------------------------------------------- texts */

static void free_criteria(mr_criteria *c) {
    mr_vec_done(&c->uses);
    mr_vec_done(&c->places);
    mr_vec_done(&c->names);
    mr_arena_free(c->arena);
    mr_free(c->env, c);
}

void mr_criteria_release(mr_criteria *c) {
    if (c && --c->refs == 0) free_criteria(c);
}

mr_criteria *mr_criteria_retain(mr_criteria *c) {
    c->refs++;
    return c;
}

mr_criteria *mr_criteria_new(mr_mapper *mapper, const char *text, size_t len) {
    mr_env *env = mapper->env;
    mr_criteria *c = mr_calloc(env, sizeof *c);
    if (!c) return NULL;
    c->refs = 1;
    c->env = env;
    c->mapper = mapper;
    c->version = mapper->registry->version;
    mr_vec_init(&c->uses, env, sizeof(mr_criteria_use));
    mr_vec_init(&c->places, env, sizeof(mr_placed_use));
    mr_vec_init(&c->names, env, sizeof(mr_named_attribute));
    c->arena = mr_arena_new(env);
    c->scope = c->arena ? mr_arena_alloc(c->arena, sizeof *c->scope) : NULL;
    char *copy = c->scope ? mr_arena_strndup(c->arena, text, len) : NULL;
    if (!copy) {
        free_criteria(c);
        return NULL;
    }
    *c->scope = (mr_scope){.mapper = mapper, .text = copy, .len = len, .prefix = ""};
    c->scope->end = &c->scope->paths;
    return c;
}

/* ---------------------------------------------------------------- asking */

unsigned mr_criteria_parts(const mr_criteria *c) { return c->parts; }

size_t mr_criteria_uses(const mr_criteria *c, const mr_criteria_use **out) {
    *out = c->uses.data;
    return c->uses.len;
}

mr_status mr_criteria_refuse(const mr_criteria *c, size_t use, const char *why) {
    const mr_placed_use *place = mr_vec_at(&c->places, use);
    const mr_criteria_use *x = mr_vec_at(&c->uses, use);
    return mr_criteria_fail(c->env, place->scope, place->at, place->until, "%s%s%s%s", x->name ? "$" : "",
                            x->name ? x->name : "", x->name ? ": " : "", why);
}

bool mr_criteria_has(const mr_criteria *c, const char *name) {
    for (size_t i = 0; i < c->uses.len; i++) {
        const mr_criteria_use *use = mr_vec_at(&c->uses, i);
        if (use->name && strcmp(use->name, name) == 0) return true;
    }
    return false;
}

typedef struct use_names {
    const mr_criteria *criteria;
} use_names;

static const char *next_use(void *ud, size_t i) {
    const mr_criteria *c = ((use_names *)ud)->criteria;
    for (size_t k = 0; k < c->uses.len; k++) {
        const mr_criteria_use *use = mr_vec_at(&c->uses, k);
        if (use->name && i-- == 0) return use->name;
    }
    return NULL;
}

const char *mr_criteria_nearest(const mr_criteria *c, const char *name) {
    use_names names = {c};
    return mr_nearest(name, next_use, &names);
}

size_t mr_criteria_equals(const mr_criteria *c, const mr_criteria_equal **out) {
    *out = c->equals;
    return c->nequals;
}

/* ---------------------------------------------------------------- with values */

mr_criterion *mr_criterion_new(mr_criteria *c, const mr_criteria_values *values, mr_node *alias) {
    size_t n = c->uses.len;
    mr_criterion *made = mr_calloc(c->env, sizeof *made + n * sizeof *made->values);
    if (!made) {
        mr_node_release(alias);
        return NULL;
    }
    made->refs = 1;
    made->alias = alias;
    made->criteria = mr_criteria_retain(c);
    made->n = n;
    for (size_t i = 0; i < n; i++) {
        mr_value *copy = mr_calloc(c->env, (values[i].n + 1) * sizeof *copy);
        made->values[i].values = copy;
        for (size_t k = 0; copy && k < values[i].n; k++) {
            if (mr_value_copy(c->env, &copy[k], &values[i].values[k]) != MR_OK) copy = NULL;
            else made->values[i].n = k + 1;
            if (copy && copy[k].kind == MR_ENTITY) mr_entity_pin(copy[k].u.p);
        }
        if (!copy) {
            mr_criterion_release(made);
            return NULL;
        }
    }
    return made;
}

void mr_criterion_release(mr_criterion *c) {
    if (!c || --c->refs > 0) return;
    mr_env *env = c->criteria->env;
    for (size_t i = 0; i < c->n; i++) {
        mr_value *values = (mr_value *)(uintptr_t)c->values[i].values;
        for (size_t k = 0; k < c->values[i].n; k++) {
            if (values[k].kind == MR_ENTITY) mr_entity_unpin(values[k].u.p);
            mr_value_clear(env, &values[k]);
        }
        mr_free(env, values);
    }
    mr_node_release(c->alias);
    mr_criteria_release(c->criteria);
    mr_free(env, c);
}

mr_mapper *mr_criterion_mapper(const mr_criterion *c) { return c->criteria->mapper; }
mr_node *mr_criterion_alias(const mr_criterion *c) { return c->alias; }

mr_criterion *mr_criterion_of(const mr_node *node) {
    return node && node->kind == MR_NODE_CRITERION ? node->u.value.u.p : NULL;
}

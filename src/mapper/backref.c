/*
 * backref.c: makes the other sides that backrefs ask for, and connects the two sides of relationships.
 *
 * Invariant: existing relationships are not changed here. All changes are noted in the plans.
 */
#include "configure_private.h"

#include <string.h>

/* An element of configuration.backrefs. */
typedef struct named_side {
    const mr_mapper *root;
    const char *name;
    plan *first;
} named_side;

static uint64_t hash_side(const void *element) {
    const named_side *side = element;
    return mr_hash_bytes(side->name, strlen(side->name)) ^ mr_map_hash_ptr(&side->root);
}

static bool equal_sides(const void *a, const void *b) {
    const named_side *x = a, *y = b;
    return x->root == y->root && strcmp(x->name, y->name) == 0;
}

/* The plan of a side with the same name that another backref of this configuration makes, on the same class or on a
 * base or subclass of it. */
static const plan *made_already(const configuration *c, const mr_mapper *mapper, const char *name) {
    const named_side key = {mapper->root, name, NULL}, *side = c->backrefs ? mr_map_get(c->backrefs, &key) : NULL;
    for (const plan *p = side ? side->first : NULL; p; p = p->same_name) {
        const mr_mapper *other = p->rel->prop->mapper;
        if (mr_mapper_isa(other, mapper) || mr_mapper_isa(mapper, other)) return p;
    }
    return NULL;
}

/* From now on made_already finds it. */
static mr_status note_side(configuration *c, plan *p) {
    const mr_property *prop = p->rel->prop;
    named_side key = {prop->mapper->root, prop->name, p};
    if (!c->backrefs && !(c->backrefs = mr_map_new(c->env, sizeof key, hash_side, equal_sides))) return MR_FAIL;
    named_side *side = mr_map_get(c->backrefs, &key);
    p->is_backref = true;
    if (!side) return mr_map_put(c->backrefs, &key) ? MR_OK : MR_FAIL;
    p->same_name = side->first;
    side->first = p;
    return MR_OK;
}

/* Makes the other side from the template, which is not changed. */
static mr_relationship *make_side(configuration *c, const plan *p) {
    const mr_relationship *forward = &p->work, *template = p->rel->backref_options;
    mr_relationship *rel = mr_env_arena(c->env, sizeof *rel);
    mr_property *prop = rel ? mr_property_new(forward->target, forward->backref, MR_PROPERTY_RELATIONSHIP) : NULL;
    if (!prop) return NULL;
    mr_relationship_init(c->env, rel);
    if (template) {
        *rel = *template;
        rel->primaryjoin = rel->secondaryjoin = NULL; /* they belong to the forward side */
        rel->order_by = mr_node_retain(template->order_by);
        mr_vec_init(&rel->foreign_keys, c->env, sizeof(mr_column *));
        mr_vec_init(&rel->remote_side, c->env, sizeof(mr_column *));
    }
    rel->backref = NULL;
    rel->backref_options = NULL;
    rel->back_populates = p->rel->prop->name;
    rel->viewonly = rel->viewonly || forward->viewonly;
    rel->post_update = rel->post_update || forward->post_update;
    rel->passive_updates = rel->passive_updates && forward->passive_updates;
    rel->prop = prop;
    rel->parent = forward->target;
    rel->target = forward->parent;
    prop->relationship = rel;
    return rel;
}

static mr_status make_backref(configuration *c, plan *p) {
    const char *name = p->work.backref;
    mr_mapper *target = p->work.target;
    const mr_mapper *who = mr_mapper_who_has(target, name);
    if (!who && made_already(c, target, name)) who = target;
    if (who)
        return mr_configure_mistake(c, p,
                                    "its backref '%s' cannot be made: %s has an attribute of that name "
                                    "already; give the backref another name, or use back_populates on both "
                                    "sides",
                                    name, who->name);
    mr_relationship *rel = make_side(c, p);
    if (!rel) return MR_FAIL;
    plan *q = mr_configure_plan(c, rel);
    mr_node_release(rel->order_by); /* the plan's copy has its own */
    rel->order_by = NULL;
    if (!q || note_side(c, q) != MR_OK) return MR_FAIL;
    if (q->work.resolve && q->work.resolve(c->env, q->work.resolve_ud, &q->work) != MR_OK)
        return mr_configure_note_error(c, q, rel->prop);
    q->resolved = true;
    q->work.target = p->work.parent;
    if (mr_join_reverse(c->env, &p->work, &q->work) != MR_OK) return MR_FAIL;
    p->work.reverse = q->rel;
    q->work.reverse = p->rel;
    return mr_configure_settle(c, q);
}

mr_status mr_configure_backrefs(configuration *c) {
    size_t n = c->plans.len; /* the plans that are added here have no backrefs */
    for (size_t i = 0; i < n; i++) {
        plan *p = plan_at(c, i);
        if (p->failed || !p->work.backref) continue;
        if (p->work.back_populates) {
            if (mr_configure_mistake(c, p, "it has both a backref and back_populates: leave one of them out") != MR_OK)
                return MR_FAIL;
        } else if (make_backref(c, p) != MR_OK) {
            return MR_FAIL;
        }
    }
    return MR_OK;
}

static const char *direction_name(mr_direction d) {
    return d == MR_ONE_TO_MANY ? "one-to-many" : d == MR_MANY_TO_ONE ? "many-to-one" : "many-to-many";
}

static mr_status no_partner(configuration *c, plan *p) {
    const char *name = p->work.back_populates;
    const char *near = mr_mapper_nearest(p->work.target, name);
    return mr_configure_mistake(c, p, "back_populates names '%s', which %s does not have%s", name, p->work.target->name,
                                near ? mr_hint(c->env, near)
                                     : ": declare a relationship of that name there, or use backref");
}

/* Checks that the partner is the other side, and connects the two. */
static mr_status connect(configuration *c, plan *p, mr_relationship *other) {
    const plan *q = other->plan;
    if (q && q->failed) {
        p->failed = true; /* the mistake of the other side is reported */
        return MR_OK;
    }
    const mr_relationship *seen = q ? &q->work : other;
    if (!mr_mapper_isa(p->work.parent, seen->target) && !mr_mapper_isa(seen->target, p->work.parent))
        return mr_configure_mistake(c, p, "back_populates names %s.%s, which leads to %s, not to %s",
                                    seen->parent->name, other->prop->name, seen->target->name, p->work.parent->name);
    mr_direction d = p->work.direction;
    if (d == seen->direction && d != MR_MANY_TO_MANY)
        return mr_configure_mistake(c, p,
                                    "it and its other side %s.%s are both %s: set remote_side on the many-to-one side",
                                    seen->parent->name, other->prop->name, direction_name(d));
    if (d != seen->direction && (d == MR_MANY_TO_MANY || seen->direction == MR_MANY_TO_MANY))
        return mr_configure_mistake(c, p, "it is %s, and its other side %s.%s is %s: give both the same secondary",
                                    direction_name(d), seen->parent->name, other->prop->name,
                                    direction_name(seen->direction));
    p->work.reverse = other;
    if (q && !q->work.reverse) other->plan->work.reverse = p->rel;
    else if (!q && !other->reverse) p->partner = other;
    return MR_OK;
}

mr_status mr_configure_back_populates(configuration *c) {
    for (size_t i = 0; i < c->plans.len; i++) {
        plan *p = plan_at(c, i);
        if (p->failed || p->is_backref || !p->work.back_populates) continue;
        const mr_property *prop = mr_mapper_property(p->work.target, p->work.back_populates, true);
        const plan *made = prop ? NULL : made_already(c, p->work.target, p->work.back_populates);
        if (made) prop = made->rel->prop;
        mr_status status;
        if (!prop) status = no_partner(c, p);
        else if (!prop->relationship)
            status = mr_configure_mistake(c, p, "back_populates names %s.%s, which is no relationship",
                                          p->work.target->name, prop->name);
        else status = connect(c, p, prop->relationship);
        if (status != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

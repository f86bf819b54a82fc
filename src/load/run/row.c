/*
 * row.c: makes entities and items from the values of one row.
 *
 * Invariant: an entity that was in memory keeps its values: only unloaded slots are filled. Two kinds of load overwrite
 * loaded slots: one with populate_existing (each object once), and one whose rows are of a newer version of the data
 * (renew.c). A row allocates memory only for new entities.
 */
#include "prepared/cache.h"
#include "load_state.h"

#include <string.h>

/* ---------------------------------------------------------------- origins and events */

static void set_origin(mr_entity *entity, mr_origin *origin) {
    mr_origin *old = mr_entity_origin(entity);
    if (origin) mr_plan_retain(origin->plan);
    mr_entity_set_origin(entity, origin);
    if (old) mr_plan_release(old->plan);
}

mr_status mr_row_note_event(mr_load *load, mr_entity *entity, mr_mapper_event event) {
    if (!mr_mapper_has_hooks(entity->mapper, event)) return MR_OK;
    mr_load_event *e = mr_vec_push(&load->events);
    if (!e) return MR_FAIL;
    *e = (mr_load_event){entity, event};
    return MR_OK;
}

/* ---------------------------------------------------------------- entities that are in memory */

static bool is_unloaded(mr_entity *e, uint16_t slot) {
    return (slot < e->nslots ? &e->slots[slot] : mr_entity_slot(e, slot))->kind == MR_UNLOADED;
}

/* Unloads the relationships of an entity that is overwritten. */
static void forget_relationships(mr_entity *e) {
    for (size_t i = 0; i < e->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&e->mapper->props, i);
        if (prop->kind == MR_PROPERTY_RELATIONSHIP) mr_entity_forget(e, prop->slot);
    }
}

static bool is_in_row(mr_filled f, uint16_t slot) {
    for (uint16_t i = 0; i < f.n; i++)
        if (f.slots[i].slot == slot) return true;
    return false;
}

/* Unloads the columns that are not in the row; most of them are deferred. */
static void forget_columns(mr_filled f, mr_entity *e) {
    if (f.n == e->mapper->columns.len) return;
    for (size_t i = 0; i < e->mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&e->mapper->columns, i);
        if (!is_in_row(f, prop->slot)) mr_entity_forget(e, prop->slot);
    }
}

/* Are columns of the object's class, which the row does not have, to be read together at the first access? */
static bool is_partial(const mr_plan_entity *pe, const mr_mapper *mapper) {
    for (uint16_t i = 0; mapper != pe->mapper && i < pe->nidentities; i++)
        if (pe->identities[i].mapper == mapper) return pe->identities[i].partial;
    return false;
}

static mr_status overwrite(mr_run *run, const mr_plan_entity *pe, mr_entity *e, const mr_value *row) {
    mr_status status = mr_seen_add(&run->load->overwritten, e, NULL);
    if (status != MR_OK) return status == MR_NOTFOUND ? MR_OK : status;
    const mr_load_context *ctx = &run->load->ctx;
    bool changed = (e->flags & MR_ENTITY_MODIFIED) != 0;
    if (changed && ctx->overwriting && ctx->overwriting(ctx->ud, e) != MR_OK) return MR_FAIL;
    const mr_filled f = mr_plan_filled(pe, e->mapper);
    for (uint16_t i = 0; i < f.n; i++)
        if (mr_entity_put(e, f.slots[i].slot, &row[f.slots[i].column], true) != MR_OK) return MR_FAIL;
    forget_columns(f, e);
    forget_relationships(e);
    e->flags &= ~(uint32_t)MR_ENTITY_PARTIAL;
    if (is_partial(pe, e->mapper)) e->flags |= MR_ENTITY_PARTIAL;
    e->as_of = e->owner->as_of;
    set_origin(e, pe->origin);
    return mr_row_note_event(run->load, e, MR_EVENT_REFRESH);
}

static mr_status fill_known(mr_run *run, const mr_plan_entity *pe, mr_entity *e, const mr_value *row) {
    bool expired = e->owner && e->generation != e->owner->generation && mr_entity_check_expired(e);
    if (run->load->populate) return overwrite(run, pe, e, row);
    if (e->as_of != run->load->ctx.owner->as_of) {
        if (e->as_of == MR_AS_OF_NOTHING) e->as_of = run->load->ctx.owner->as_of;
        else if (run->load->outside) return mr_row_renew(run, pe, e, row);
    }
    /* The program has expired the entity: it gets the options of this query. But if the load is for this entity alone
     * (run->fixed), it keeps its own. */
    if (e != run->fixed && is_unloaded(e, e->mapper->pk_slots[0])) expired = true;
    bool filled = false;
    const mr_filled f = mr_plan_filled(pe, e->mapper);
    for (uint16_t i = 0; i < f.n; i++) {
        if (!is_unloaded(e, f.slots[i].slot)) continue;
        if (mr_entity_put(e, f.slots[i].slot, &row[f.slots[i].column], false) != MR_OK) return MR_FAIL;
        filled = true;
    }
    if (expired && is_partial(pe, e->mapper)) e->flags |= MR_ENTITY_PARTIAL;
    if (expired) set_origin(e, pe->origin);
    return filled ? mr_row_note_event(run->load, e, MR_EVENT_REFRESH) : MR_OK;
}

/* ---------------------------------------------------------------- new entities */

/* Appends the row's key and the value that should tell its class: "Animal(7)", "'cat'". */
static void describe_row(mr_run *run, const mr_plan_entity *pe, const mr_value *row, mr_strbuf *who, mr_strbuf *value) {
    enum { FEW = 8 };
    mr_value key[FEW], identity;
    for (uint16_t i = 0; i < pe->nkeys && i < FEW; i++) key[i] = row[pe->keys[i]];
    if (pe->nkeys <= FEW && mr_identity_make(pe->mapper, key, &run->key, &identity))
        mr_identity_describe(pe->mapper, &identity, who);
    else mr_strbuf_puts(who, pe->mapper->name);
    mr_show_value(value, &row[pe->discriminator]);
}

/* What the error calls that which tells the class: "kind". */
static const char *name_of_discriminator(const mr_mapper *mapper) {
    return mapper->discriminator ? mapper->discriminator->name : "polymorphic_on";
}

/* Records the error: the row is of no class, or (other) of a class that is none of those asked for. */
static mr_status wrong_identity(mr_run *run, const mr_plan_entity *pe, const mr_value *row, const mr_mapper *other) {
    mr_env *env = run->load->env;
    const char *class = pe->mapper->name, *on = name_of_discriminator(pe->mapper);
    mr_strbuf who, value;
    mr_strbuf_init(&who, env);
    mr_strbuf_init(&value, env);
    describe_row(run, pe, row, &who, &value);
    const char *w = mr_strbuf_str(&who), *v = mr_strbuf_str(&value);
    if (w && v && other)
        mr_fail(env, MR_ERR_INVALID_REQUEST,
                "the row %s is of the class %s by its %s, %s, and not of %s: leave such rows out of the statement, or "
                "query %s",
                w, other->name, on, v, class, mr_mapper_polymorphic(pe->mapper)->name);
    else if (w && v)
        mr_fail(env, MR_ERR_INVALID_REQUEST,
                "the row %s has the %s %s, which is the polymorphic_identity of no class: declare one, or give a class "
                "of the family __mapper_args = { polymorphic_fallback = true } to have such rows as its objects",
                w, on, v);
    mr_strbuf_done(&who);
    mr_strbuf_done(&value);
    return MR_FAIL;
}

static const mr_plan_identity *find_identity(const mr_run *run, const mr_plan_entity *pe, const mr_value *value) {
    for (uint16_t i = 0; i < pe->nidentities; i++)
        if (mr_value_equal(run->load->env, pe->identities[i].value, value)) return &pe->identities[i];
    return pe->fallback;
}

/* *out: the class of the row, and what the row fills. NULL: the entity's own. */
static mr_status class_of_row(mr_run *run, const mr_plan_entity *pe, mr_run_entity *re, const mr_value *row,
                              const mr_plan_identity **out) {
    const mr_value *value = &row[pe->discriminator];
    *out = NULL;
    if (value->kind == MR_NULL) return MR_OK;
    const mr_plan_identity *id = re->identity; /* that of the row before, most likely */
    if (!id || !mr_value_equal(run->load->env, id->value, value)) id = find_identity(run, pe, value);
    if (!id) return wrong_identity(run, pe, row, NULL);
    if (id->mapper != pe->mapper && !mr_mapper_isa(id->mapper, pe->mapper))
        return wrong_identity(run, pe, row, id->mapper);
    *out = re->identity = id;
    return MR_OK;
}

static mr_status make_new(mr_run *run, const mr_plan_entity *pe, mr_run_entity *re, const mr_value *identity,
                          const mr_value *row, const mr_idmap_place *at, mr_entity **out) {
    mr_mapper *mapper = pe->mapper;
    const mr_plan_identity *id = NULL;
    if (pe->discriminator != MR_PLAN_NONE && class_of_row(run, pe, re, row, &id) != MR_OK) return MR_FAIL;
    mr_owner *owner = run->load->ctx.owner;
    mr_entity *e;
    if (id && id->mapper != mapper) {
        mapper = id->mapper;
        e = mr_entity_load_at(owner, mapper, identity, row, id->slots, id->nslots, at);
        if (e && id->partial) e->flags |= MR_ENTITY_PARTIAL;
    } else if (pe->direct) {
        e = mr_entity_load_at(owner, mapper, identity, row + pe->first, NULL, pe->direct, at);
    } else {
        e = mr_entity_load_at(owner, mapper, identity, row, pe->slots, pe->nslots, at);
    }
    if (!e) return MR_FAIL;
    *out = e;
    if (pe->origin) set_origin(e, pe->origin);
    if (run->load->populate) {
        mr_status status = mr_seen_add(&run->load->overwritten, e, NULL);
        if (status == MR_FAIL) return status;
    }
    return mr_mapper_has_hooks(mapper, MR_EVENT_LOAD) ? mr_row_note_event(run->load, e, MR_EVENT_LOAD) : MR_OK;
}

/* ---------------------------------------------------------------- identity */

MR_APART static mr_status composite_identity(mr_run *run, const mr_plan_entity *pe, const mr_value *row,
                                             mr_value *out) {
    enum { FEW = 8 };
    mr_value few[FEW] = {{0}}, *key = few;
    if (pe->nkeys > FEW && !(key = mr_alloc(run->load->env, pe->nkeys * sizeof *key))) return MR_FAIL;
    for (uint16_t i = 0; i < pe->nkeys; i++) key[i] = row[pe->keys[i]];
    bool made = mr_identity_make(pe->mapper, key, &run->key, out);
    if (key != few) mr_free(run->load->env, key);
    if (made) return MR_OK;
    return run->key.oom ? mr_nomem(run->load->env) : MR_NOTFOUND;
}

static mr_status wrong_class(mr_run *run, const mr_plan_entity *pe, const mr_entity *e) {
    return mr_fail(run->load->env, MR_ERR_INVALID_REQUEST,
                   "a row for %s is, by its key, the %s that the session holds already", pe->mapper->name,
                   e->mapper->name);
}

static void warn_keyless(mr_mapper *mapper) {
    mr_strbuf names;
    mr_strbuf_init(&names, mapper->env);
    for (uint16_t i = 0; i < mapper->npk; i++)
        mr_strbuf_printf(&names, "%s%s", i ? ", " : "", mr_mapper_at_slot(mapper, mapper->pk_slots[i])->name);
    const char *text = mr_strbuf_str(&names);
    if (text)
        mr_warn(mapper->env,
                "%s: rows of table '%s' without a primary key (%s %s NULL) are left out; to have them, map the "
                "class by the number that SQLite gives each row: _rowid = Column{ \"rowid\", Integer, "
                "primary_key = true }, and no other column as primary_key",
                mapper->name, mapper->table->name, text, mapper->npk > 1 ? "are" : "is");
    mr_strbuf_done(&names);
}

/* The row's key is NULL: an outer join has found nothing, or the table has a row without a key, which is no object. */
static mr_status find_no_entity(const mr_plan_entity *pe, mr_run_entity *re, const mr_value *row) {
    bool there = !pe->outer;
    for (uint16_t i = 0; i < pe->nslots && !there; i++) there = row[pe->slots[i].column].kind != MR_NULL;
    re->keyless = there;
    if (!there || pe->mapper->keyless) return MR_OK;
    pe->mapper->keyless = true;
    warn_keyless(pe->mapper);
    return MR_OK;
}

/* Records the error: the row of e has a key that belongs to another object in memory. */
static mr_status two_objects(mr_run *run, const mr_entity *e, const mr_value *identity) {
    mr_strbuf old, new;
    mr_strbuf_init(&old, run->load->env);
    mr_strbuf_init(&new, run->load->env);
    mr_entity_describe(e, &old);
    mr_identity_describe(e->mapper, identity, &new);
    const char *was = mr_strbuf_str(&old), *is = mr_strbuf_str(&new);
    if (was && is)
        mr_fail(run->load->env, MR_ERR_INVALID_REQUEST,
                "the session has two objects for one row: the row found for %s is %s, which another object is; "
                "expunge one of them",
                was, is);
    mr_strbuf_done(&old);
    mr_strbuf_done(&new);
    return MR_FAIL;
}

/* The database has found e's row though its key is spelled differently ('ABC' for 'abc', 7 for '007'): e gets the
 * spelling of the row. */
static mr_status respell(mr_run *run, const mr_plan_entity *pe, mr_entity *e, const mr_value *identity,
                         const mr_value *row) {
    mr_idmap *map = run->load->ctx.owner->idmap;
    mr_entity *other = mr_idmap_get(map, pe->mapper->root, identity);
    if (other && other != e) return two_objects(run, e, identity);
    mr_entity_touch(e);
    if (mr_idmap_rename(map, e, identity) != MR_OK) return MR_FAIL;
    for (uint16_t i = 0; i < pe->nkeys; i++)
        if (mr_entity_put(e, pe->mapper->pk_slots[i], &row[pe->keys[i]], false) != MR_OK) return MR_FAIL;
    return MR_OK;
}

/* No entity has the row's key, but some may have a key that is alike. *out: the entity whose key finds this row in the
 * database, if there is one. It gets the row's spelling. */
static mr_status find_respelled(mr_run *run, const mr_plan_entity *pe, const mr_value *identity, const mr_value *row,
                                mr_entity **out) {
    mr_idmap *map = run->load->ctx.owner->idmap;
    size_t cursor = 0;
    *out = NULL;
    for (mr_entity *e; (e = mr_idmap_alike(map, pe->mapper->root, identity, &cursor));) {
        mr_status status = mr_spelling_is_same_row(run->load, e, identity);
        if (status == MR_FAIL) return status;
        if (status != MR_OK) continue;
        *out = e;
        return respell(run, pe, e, identity, row);
    }
    return MR_OK;
}

/* The row was found by the key of run->fixed: it fills that entity, even if it spells the key differently. */
static mr_status fill_fixed(mr_run *run, const mr_plan_entity *pe, const mr_value *identity, const mr_value *row,
                            mr_entity **out) {
    mr_entity *e = *out = run->fixed;
    mr_heap_mark(run->load->heap, e); /* as the identity map does with those that it finds */
    const mr_value held = mr_entity_identity(e);
    if (!mr_identity_same(&held, identity) && respell(run, pe, e, identity, row) != MR_OK) return MR_FAIL;
    return fill_known(run, pe, e, row);
}

/* Sets re->current: the entity of the row. NULL: an outer join has found none. */
static mr_status find_entity(mr_run *run, const mr_plan_entity *pe, mr_run_entity *re, const mr_value *row) {
    const mr_value *key = &row[pe->keys[0]];
    mr_value identity;
    re->current = NULL;
    re->keyless = false;
    if (pe->mapper->int_key && key->kind == MR_INT) {
        if (re->last && re->last_key == key->u.i) {
            re->current = re->last;
            return MR_OK;
        }
        identity = *key;
    } else {
        if (key->kind == MR_NULL && pe->nkeys == 1) return find_no_entity(pe, re, row);
        mr_status status = composite_identity(run, pe, row, &identity);
        if (status == MR_NOTFOUND) return find_no_entity(pe, re, row);
        if (status != MR_OK) return status;
    }
    bool fixed = run->fixed && pe == run->plan->entities;
    mr_idmap_place at = {0};
    mr_entity *e = NULL;
    if (!fixed && mr_idmap_seek(run->load->ctx.owner->idmap, pe->mapper->root, &identity, &at, &e) != MR_OK)
        return MR_FAIL;
    if (!e && at.alike && find_respelled(run, pe, &identity, row, &e) != MR_OK) return MR_FAIL;
    if (e) {
        if (e->mapper != pe->mapper && !mr_mapper_isa(e->mapper, pe->mapper)) return wrong_class(run, pe, e);
        if (fill_known(run, pe, e, row) != MR_OK) return MR_FAIL;
    } else if (fixed) {
        if (fill_fixed(run, pe, &identity, row, &e) != MR_OK) return MR_FAIL;
    } else if (make_new(run, pe, re, &identity, row, &at, &e) != MR_OK) {
        return MR_FAIL;
    }
    re->current = e;
    if (identity.kind == MR_INT) {
        re->last = e;
        re->last_key = identity.u.i;
    }
    return MR_OK;
}

static mr_status fixed_entity(mr_run *run, const mr_plan_entity *pe, mr_run_entity *re, const mr_value *row) {
    re->current = run->fixed;
    mr_heap_mark(run->load->heap, run->fixed);
    if (re->last == run->fixed) return MR_OK;
    re->last = run->fixed;
    return fill_known(run, pe, run->fixed, row);
}

/* ---------------------------------------------------------------- relationships */

static mr_status attach(mr_run *run, const mr_plan_entity *pe, mr_run_entity *re, mr_entity *parent) {
    mr_gather *g = &re->gather;
    uint32_t number;
    if (!g->env) {
        mr_gather_init(g, run->load->env, pe->along, pe->repeats, run->load->populate, run->load->since);
        g->renews = run->load->outside;
    }
    if (mr_gather_parent(g, parent, &number) != MR_OK) return MR_FAIL;
    return re->current ? mr_gather_child(g, number, re->current) : MR_OK;
}

static mr_status note_parent(mr_run_entity *re) {
    mr_vec *v = &re->parents;
    if (v->len > 0 && mr_vec_ptr(v, v->len - 1) == re->current) return MR_OK;
    return mr_vec_push_ptr(v, re->current);
}

static void fill_items(mr_run *run) {
    const mr_plan *plan = run->plan;
    for (uint16_t i = 0; i < plan->nitems; i++) {
        const mr_plan_item *item = &plan->items[i];
        if (item->entity == MR_PLAN_NONE) {
            run->out[i] = run->row[item->column];
            continue;
        }
        mr_entity *e = run->entities[item->entity].current;
        run->out[i] = mr_value_of(e ? MR_ENTITY : MR_NULL, 0);
        run->out[i].u.p = e;
    }
}

/* Has the object the relationship, which may be that of a subclass? */
static bool has_relationship(const mr_entity *e, const mr_property *along) {
    return e->mapper == along->mapper || mr_mapper_isa(e->mapper, along->mapper);
}

mr_status mr_row_interpret(mr_run *run) {
    const mr_plan *plan = run->plan;
    if (plan->plain) return MR_OK; /* the row is run->out */
    if (run->simple) {             /* one object, as most rows */
        if (find_entity(run, plan->entities, run->entities, run->row) != MR_OK) return MR_FAIL;
        mr_entity *e = run->entities->current;
        *run->out = mr_value_of(e ? MR_ENTITY : MR_NULL, 0);
        run->out->u.p = e;
        return MR_OK;
    }
    for (uint16_t i = 0; i < plan->nentities; i++) {
        const mr_plan_entity *pe = &plan->entities[i];
        mr_run_entity *re = &run->entities[i];
        mr_entity *parent = NULL;
        if (pe->parent != MR_PLAN_NONE &&
            (!(parent = run->entities[pe->parent].current) || !has_relationship(parent, pe->along))) {
            re->current = NULL;
            continue;
        }
        mr_status status = pe->nkeys > 0 ? find_entity(run, pe, re, run->row) : fixed_entity(run, pe, re, run->row);
        if (status != MR_OK) return MR_FAIL;
        if (parent && attach(run, pe, re, parent) != MR_OK) return MR_FAIL;
        if ((pe->noted || run->grouped) && re->current && note_parent(re) != MR_OK) return MR_FAIL;
    }
    fill_items(run);
    return MR_OK;
}

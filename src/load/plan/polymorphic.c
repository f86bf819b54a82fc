/*
 * polymorphic.c: of which classes the rows of a class may be, and what is loaded for each of them.
 *
 * Invariant: what a row fills of an object depends on the object's class alone: the columns of the entity's own class,
 * and those of subclasses that the query includes.
 */
#include "planner.h"

#include <string.h>

/* ---------------------------------------------------------------- included classes */

static bool lists(const mr_polymorphic *with, const mr_mapper *mapper) {
    for (unsigned i = 0; i < with->n; i++)
        if (mr_mapper_isa(with->classes[i], mapper)) return true;
    return false;
}

bool mr_target_includes(const mr_target *t, const mr_mapper *mapper) {
    if (t->with) return lists(t->with, mapper);
    return mr_mapper_is_inline(t->plan.mapper, mapper);
}

/* ---------------------------------------------------------------- what a class's rows fill */

/* Adds the columns of the subclass that the target's class does not have. */
static mr_status add_own_columns(mr_planner *p, uint16_t number, mr_plan_identity *id) {
    const mr_target *t = mr_target_at(p, number);
    const mr_plan_entity *e = &t->plan;
    mr_plan_slot *slots = mr_arena_alloc(p->plan->arena, (id->mapper->props.len + 1) * sizeof *slots);
    if (!slots) return MR_FAIL;
    uint16_t n = e->nslots;
    memcpy(slots, e->slots, n * sizeof *slots);
    for (size_t i = 0; i < id->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&id->mapper->props, i);
        if (prop->kind != MR_PROPERTY_COLUMN && prop->kind != MR_PROPERTY_EXPRESSION) continue;
        if (mr_mapper_isa(e->mapper, prop->mapper) || !mr_target_includes(t, prop->mapper)) continue;
        if ((!p->plain || p->lean) && !mr_options_loads(prop, t->nopts, t->opts)) continue;
        mr_node *node = NULL;
        if (mr_target_node(p, t, prop, &node) != MR_OK) return MR_FAIL;
        if (!node) continue;
        uint16_t at = n++;
        while (at > 0 && slots[at - 1].slot > prop->slot) slots[at] = slots[at - 1], at--;
        slots[at].slot = prop->slot;
        if (mr_columns_add(p, t->secondary, node, NULL, true, &slots[at].column) != MR_OK) return MR_FAIL;
        t = mr_target_at(p, number);
    }
    id->slots = slots;
    id->nslots = n;
    return MR_OK;
}

static bool fills(const mr_plan_identity *id, uint16_t slot) {
    for (uint16_t i = 0; i < id->nslots; i++)
        if (id->slots[i].slot == slot) return true;
    return false;
}

/* Are there columns that wait for the first access, without being deferred? */
static bool is_partial(const mr_plan_identity *id) {
    for (size_t i = 0; i < id->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&id->mapper->props, i);
        bool loadable = prop->kind == MR_PROPERTY_COLUMN || prop->kind == MR_PROPERTY_EXPRESSION;
        if (loadable && !prop->deferred && !fills(id, prop->slot)) return true;
    }
    return false;
}

static mr_status add_class(mr_planner *p, uint16_t number, mr_mapper *mapper, mr_plan_identity *id) {
    const mr_target *t = mr_target_at(p, number);
    *id = (mr_plan_identity){&mapper->polymorphic_identity, mapper, t->plan.slots, t->plan.nslots, false};
    if (mapper == t->plan.mapper || !mr_mapper_isa(mapper, t->plan.mapper)) return MR_OK;
    bool more = false;
    for (const mr_mapper *m = mapper; m != t->plan.mapper && !more; m = m->base) more = mr_target_includes(t, m);
    if (more && add_own_columns(p, number, id) != MR_OK) return MR_FAIL;
    id->partial = is_partial(id);
    return MR_OK;
}

/* ---------------------------------------------------------------- in further statements */

/* Does an option of the target ask for it? */
static bool is_asked_for(const mr_target *t, const mr_mapper *mapper) {
    for (unsigned i = 0; i < t->nopts; i++) {
        const mr_option *o = &t->opts[i];
        for (unsigned k = 0; o->kind == MR_OPTION_POLYMORPHIC && o->nsteps == 0 && k < o->with->n; k++)
            if (o->with->classes[k] == mapper) return true;
    }
    return false;
}

mr_status mr_plan_selectin(mr_planner *p, uint16_t number, mr_vec *follows) {
    mr_mapper *mapper = mr_target_at(p, number)->plan.mapper;
    if (mapper->subclasses.len == 0 || !mr_mapper_polymorphic(mapper)) return MR_OK;
    mr_vec found;
    mr_vec_init(&found, p->env, sizeof(mr_mapper *));
    mr_status status = MR_OK;
    for (mr_mapper *m = NULL; status == MR_OK && (m = mr_mapper_next_below(mapper, m));) {
        const mr_target *t = mr_target_at(p, number);
        bool wanted = is_asked_for(t, m) || (m->polymorphic_load == MR_POLYMORPHIC_SELECTIN && !t->with);
        if (m != mapper && wanted && !mr_target_includes(t, m)) status = mr_vec_push_ptr(&found, m);
    }
    mr_plan_follow *f = status == MR_OK && found.len > 0 ? mr_vec_push(follows) : NULL;
    if (found.len > 0 && !f) status = MR_FAIL;
    if (f) {
        *f = (mr_plan_follow){.strategy = &mr_strategy_polymorphic};
        f->with = mr_mapper_with(mapper, (mr_mapper *const *)found.data, (unsigned)found.len);
        if (!f->with) status = MR_FAIL;
    }
    mr_vec_done(&found);
    return status;
}

/* ---------------------------------------------------------------- the column that tells the class */

static uint16_t column_of_slot(const mr_plan_entity *e, uint16_t slot) {
    for (uint16_t i = 0; i < e->nslots; i++)
        if (e->slots[i].slot == slot) return e->slots[i].column;
    return MR_PLAN_NONE;
}

static mr_status add_discriminator(mr_planner *p, uint16_t number) {
    const mr_target *t = mr_target_at(p, number);
    const mr_mapper *mapper = t->plan.mapper;
    uint16_t column = MR_PLAN_NONE;
    if (mapper->discriminator) {
        column = column_of_slot(&t->plan, mapper->discriminator->slot);
    } else {
        mr_node *node = NULL, *x = mapper->polymorphic_on;
        if (x->kind == MR_NODE_LABEL) x = x->child[0];
        if (mr_expression_through(p->env, x, mapper, t->from, &node) != MR_OK) return MR_FAIL;
        if (mr_united_from(p, t->from) != t->from && mr_united_translate(p, node, &node) != MR_OK) return MR_FAIL;
        if (mr_columns_add(p, t->secondary, node, NULL, true, &column) != MR_OK) return MR_FAIL;
    }
    mr_target_at(p, number)->plan.discriminator = column;
    return MR_OK;
}

mr_status mr_plan_identities(mr_planner *p, uint16_t number) {
    mr_plan_entity *e = &mr_target_at(p, number)->plan;
    mr_mapper *top = (mr_mapper *)(uintptr_t)mr_mapper_polymorphic(e->mapper);
    e->discriminator = MR_PLAN_NONE;
    /* A statement that the program wrote may have rows of other classes. */
    if (!top || (e->mapper->subclasses.len == 0 && !p->q->statement)) return MR_OK;
    if (add_discriminator(p, number) != MR_OK) return MR_FAIL;
    e = &mr_target_at(p, number)->plan;
    if (e->discriminator == MR_PLAN_NONE) return MR_OK;
    size_t n = 0;
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(top, m));) n++;
    mr_plan_identity *ids = mr_arena_alloc(p->plan->arena, n * sizeof *ids);
    if (!ids) return MR_FAIL;
    n = 0;
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(top, m)); n++) {
        if (add_class(p, number, m, &ids[n]) != MR_OK) return MR_FAIL;
        if (m->polymorphic_fallback) mr_target_at(p, number)->plan.fallback = &ids[n];
    }
    e = &mr_target_at(p, number)->plan;
    e->identities = ids;
    e->nidentities = (uint16_t)n;
    return MR_OK;
}

/* ---------------------------------------------------------------- attributes of a subclass, as items */

typedef struct finding {
    mr_planner *p;
    bool failed;
} finding;

static mr_status add_reader(mr_planner *p, const mr_reading *reading) {
    mr_mapper *mapper = reading->mapper;
    for (size_t i = 0; i < p->readers.len; i++)
        if (((const mr_reader *)mr_vec_at(&p->readers, i))->reading == reading) return MR_OK;
    for (unsigned i = 0; i < p->q->nitems; i++)
        if (p->q->items[i].mapper == mapper && !p->q->items[i].alias && !reading->with) return MR_OK;
    mr_node *from = reading->with ? mr_polymorphic_from(reading->with, false, NULL) : mr_mapper_tables(mapper);
    mr_reader *r = from ? mr_vec_push(&p->readers) : NULL;
    if (!r) {
        mr_node_release(from);
        return MR_FAIL;
    }
    *r = (mr_reader){reading, from, p->items.len};
    /* The queries of a union have the criterion each. */
    return mr_united_from(p, from) == from ? mr_plan_class_criterion(p, mapper, from) : MR_OK;
}

static bool find_reader(void *ud, const mr_node *node) {
    finding *f = ud;
    if (f->failed || node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND) return false;
    if (node->kind == MR_NODE_LABEL && node->reader) f->failed = add_reader(f->p, node->reader) != MR_OK;
    if (node->kind != MR_NODE_COLUMN) return true;
    if (node->n > 0) f->failed = mr_plan_alias_rows(f->p, mr_column_object(node)) != MR_OK;
    else if (node->reader) f->failed = add_reader(f->p, node->reader) != MR_OK;
    return false;
}

mr_status mr_plan_readers(mr_planner *p, const mr_node *x) {
    finding f = {p, false};
    mr_node_walk(x, find_reader, &f);
    return f.failed ? MR_FAIL : MR_OK;
}

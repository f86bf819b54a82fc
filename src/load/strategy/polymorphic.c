/*
 * polymorphic.c: loads what subclasses add to objects that a query of their base class has read: one statement for
 * every 500 objects of each class.
 *
 * Invariant: only unloaded slots are written. An object is read with the most special class of the set that it is of.
 */
#include "plan/planner.h"
#include "prepared/cache.h"
#include "job.h"

/* ---------------------------------------------------------------- which columns, of which objects */

/* Does the class add the attribute to those of the query's class, and is it loaded without being asked for? */
static bool is_added(const mr_job *job, const mr_property *prop) {
    if (prop->kind != MR_PROPERTY_COLUMN && prop->kind != MR_PROPERTY_EXPRESSION) return false;
    return !prop->deferred && !mr_mapper_isa(job->follow->with->mapper, prop->mapper);
}

/* The attribute after number *i that the class adds; NULL: no more. */
static const mr_property *next_added(const mr_job *job, const mr_mapper *mapper, size_t *i) {
    while (*i < mapper->props.len) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, (*i)++);
        if (is_added(job, prop)) return prop;
    }
    return NULL;
}

static bool lacks_some(const mr_job *job, const mr_mapper *mapper, mr_entity *e) {
    const mr_property *prop;
    for (size_t i = 0; (prop = next_added(job, mapper, &i)) != NULL;)
        if (mr_entity_slot(e, prop->slot)->kind == MR_UNLOADED) return true;
    return false;
}

/* The most special class of the set that the object is of; NULL: none. */
static const mr_mapper *class_for(const mr_polymorphic *with, const mr_entity *e) {
    const mr_mapper *found = NULL;
    for (unsigned i = 0; i < with->n; i++)
        if (mr_mapper_isa(e->mapper, with->classes[i]) && (!found || mr_mapper_isa(with->classes[i], found)))
            found = with->classes[i];
    return found;
}

/* ---------------------------------------------------------------- the statement */

static mr_status take_keys(mr_job *job, const mr_mapper *mapper) {
    mr_env *env = job->load->env;
    mr_value *key = mr_alloc(env, mapper->npk * sizeof *key);
    mr_status status = key ? MR_OK : MR_FAIL;
    mr_keyring_done(&job->keys);
    mr_keyring_init(&job->keys, env, mapper->npk);
    while (status == MR_OK && job->next < job->parents.len && job->keys.distinct.len < MR_KEYS_PER_STATEMENT) {
        uint32_t number = (uint32_t)job->next++;
        mr_entity *e = mr_vec_ptr(&job->parents, number);
        if (class_for(job->follow->with, e) != mapper || !lacks_some(job, mapper, e)) continue;
        const mr_value identity = mr_entity_identity(e);
        mr_identity_values(mapper, &identity, key);
        status = mr_keyring_add(&job->keys, key, number);
    }
    mr_free(env, key);
    return status;
}

static mr_query *then(mr_query *old, mr_query *made) {
    mr_query_release(old);
    return made;
}

static mr_query *with_item(mr_query *q, mr_node *expression) {
    const mr_query_item item = {.expression = expression};
    return then(q, expression ? mr_query_with_items(q, &item, 1, true) : NULL);
}

/* key IN (the keys taken). */
static mr_node *criterion(mr_job *job, mr_mapper *mapper) {
    mr_env *env = job->load->env;
    size_t count = job->keys.distinct.len, n = mapper->npk;
    mr_value *values = mr_alloc(env, (count + 1) * n * sizeof *values);
    mr_node **columns = mr_calloc(env, n * sizeof(mr_node *)), *made = NULL;
    bool ready = values && columns;
    for (size_t i = 0; ready && i < n; i++)
        ready = (columns[i] = mr_property_node(mr_mapper_at_slot(mapper, mapper->pk_slots[i]), NULL)) != NULL;
    for (size_t i = 0; ready && i < count * n; i++) values[i] = mr_keyring_key(&job->keys, i / n)[i % n];
    if (ready) made = mr_keys_criterion(env, columns, (unsigned)n, values, count);
    else
        for (size_t i = 0; columns && i < n; i++) mr_node_release(columns[i]);
    mr_free(env, columns);
    mr_free(env, values);
    return made;
}

static mr_query *make_query(mr_job *job, mr_mapper *mapper) {
    const mr_property *prop;
    mr_query *q = mr_query_new(job->load->env, NULL, 0, false);
    for (uint16_t i = 0; q && i < mapper->npk; i++)
        q = with_item(q, mr_property_node(mr_mapper_at_slot(mapper, mapper->pk_slots[i]), NULL));
    for (size_t i = 0; q && (prop = next_added(job, mapper, &i)) != NULL;)
        q = with_item(q, mr_property_node(prop, NULL));
    if (q) q = then(q, mr_query_select_from(q, mr_mapper_tables(mapper)));
    if (q) q = then(q, mr_query_where(q, criterion(job, mapper)));
    return q;
}

/* ---------------------------------------------------------------- the strategy */

static mr_mapper *present_class(const mr_job *job) { return job->follow->with->classes[job->form]; }

static mr_status next(mr_job *job) {
    for (; (unsigned)job->form < job->follow->with->n; job->form++, job->next = 0) {
        mr_mapper *mapper = present_class(job);
        while (job->next < job->parents.len) {
            if (take_keys(job, mapper) != MR_OK) return MR_FAIL;
            if (job->keys.distinct.len > 0) return mr_job_start(job, make_query(job, mapper));
        }
    }
    return MR_DONE;
}

static mr_status row(mr_job *job) {
    const mr_mapper *mapper = present_class(job);
    const mr_value *out = job->run->out;
    uint32_t at = mr_keyring_find(&job->keys, out);
    for (; at != MR_KEYRING_END; at = mr_keyring_next(&job->keys, at)) {
        mr_entity *e = mr_vec_ptr(&job->parents, mr_keyring_number(&job->keys, at));
        const mr_property *prop;
        unsigned value = mapper->npk;
        for (size_t i = 0; (prop = next_added(job, mapper, &i)) != NULL; value++)
            if (mr_entity_slot(e, prop->slot)->kind == MR_UNLOADED &&
                mr_entity_put(e, prop->slot, &out[value], false) != MR_OK)
                return MR_FAIL;
    }
    return MR_OK;
}

static mr_status end(mr_job *job) {
    (void)job;
    return MR_OK;
}

const mr_strategy mr_strategy_polymorphic = {.word = "polymorphic", .next = next, .row = row, .end = end};

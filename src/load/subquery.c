/*
 * subquery.c: loads a relationship of all parents with one statement that has the parents' own query as a
 * subquery.
 *
 * Where there is no such query (the parents came by get or by another's rows), or the condition is not plain,
 * the keys are asked for instead, as selectin does.
 */
#include "planner.h"
#include "run.h"

static mr_query *then(mr_query *old, mr_query *made) {
    mr_query_release(old);
    return made;
}

/* The item of the parents' query that they are, or NULL. */
static const mr_query_item *parent_item(const mr_job *job) {
    if (!job->query || job->query->statement) return NULL;
    for (uint16_t i = 0; i < job->plan->nitems && i < job->query->nitems; i++)
        if (job->plan->items[i].entity != MR_PLAN_NONE &&
            &job->plan->entities[job->plan->items[i].entity] == job->entity && job->query->items[i].mapper)
            return &job->query->items[i];
    return NULL;
}

static bool is_plain(const mr_relationship *rel) {
    if (!rel->simple || rel->npairs == 0) return false;
    for (unsigned i = 0; i < rel->npairs; i++)
        if (rel->pairs[i].local_slot == UINT16_MAX) return false;
    return true;
}

static bool keys_are_unique(const mr_relationship *rel) {
    for (unsigned i = 0; i < rel->npairs; i++)
        if (!rel->pairs[i].local->primary_key) return false;
    return true;
}

/* The parents' query, giving the local columns of the relationship only. */
static mr_query *parents_query(mr_job *job, const mr_query_item *item) {
    const mr_relationship *rel = job->follow->prop->relationship;
    mr_env *env = job->load->env;
    mr_node *criterion = NULL,
            *from = item->alias ? mr_node_retain(item->alias) : mr_mapper_from(item->mapper);
    if (!from) return NULL;
    mr_query *q = mr_query_with_items(job->query, NULL, 0, false);
    for (unsigned i = 0; q && i < rel->npairs; i++) {
        mr_query_item key = {.mapper = NULL};
        const mr_column *local = rel->pairs[i].local;
        if (mr_from_column(env, local, mr_mapper_property_of_column(rel->parent, local), from,
                           &key.expression) != MR_OK ||
            !key.expression) {
            mr_query_release(q);
            q = NULL;
            break;
        }
        q = then(q, mr_query_with_items(q, &key, 1, true));
    }
    if (q && mr_inheritance_criterion(env, item->mapper, from, &criterion) != MR_OK) q = then(q, NULL);
    if (q && criterion) q = then(q, mr_query_where(q, criterion));
    if (q && !q->clauses.limit && !q->clauses.offset) q = then(q, mr_query_order_by(q, NULL));
    if (q && !keys_are_unique(rel)) q = then(q, mr_query_distinct(q, NULL));
    if (q && from->kind == MR_NODE_JOIN && !q->clauses.from)
        q = then(q, mr_query_select_from(q, mr_node_retain(from)));
    mr_node_release(from);
    /* A copy of our own: the labels are needed as names. */
    if (q) q->core_labels = false;
    return q;
}

static mr_query *target_query(mr_job *job, mr_node *alias) {
    mr_relationship *rel = job->follow->prop->relationship;
    mr_env *env = job->load->env;
    mr_query_item item = {.mapper = rel->target};
    mr_query_join join = {
        .kind = MR_OP_INNER, .along = job->follow->prop, .left_alias = mr_node_retain(alias), .ordered = true};
    mr_query *q = mr_query_new(env, &item, 1, false);
    for (unsigned i = 0; q && i < rel->npairs; i++) {
        mr_query_item key = {.mapper = NULL};
        if (mr_from_column(env, rel->pairs[i].local, NULL, alias, &key.expression) != MR_OK ||
            !key.expression)
            q = then(q, NULL);
        else
            q = then(q, mr_query_with_items(q, &key, 1, true));
    }
    if (q) q = then(q, mr_query_select_from(q, mr_node_retain(alias)));
    if (q)
        q = then(q, mr_query_join_on(q, &join));
    else
        mr_node_release(join.left_alias);
    return mr_job_options(job, q);
}

static mr_status take_all(mr_job *job) {
    const mr_relationship *rel = job->follow->prop->relationship;
    mr_env *env = job->load->env;
    mr_value *key = mr_alloc(env, rel->npairs * sizeof *key);
    mr_status status = key ? MR_OK : MR_FAIL;
    mr_gather_init(&job->gather, env, job->follow->prop, true, false);
    mr_keyring_init(&job->keys, env, rel->npairs);
    for (; status == MR_OK && job->next < job->parents.len; job->next++) {
        mr_entity *parent = mr_vec_ptr(&job->parents, job->next);
        uint32_t number;
        bool missing = false;
        for (unsigned i = 0; i < rel->npairs; i++) {
            key[i] = *mr_entity_slot(parent, rel->pairs[i].local_slot);
            if (key[i].kind == MR_NULL || key[i].kind == MR_UNLOADED) missing = true;
        }
        status = mr_gather_parent(&job->gather, parent, &number);
        if (status == MR_OK && !missing) status = mr_keyring_add(&job->keys, key, number);
    }
    mr_free(env, key);
    return status;
}

static mr_status next(mr_job *job) {
    const mr_query_item *item = parent_item(job);
    mr_node *select = NULL;
    if (job->next >= job->parents.len) return MR_DONE;
    /* With yield_per the whole query again for each batch would be far too much. */
    if (!item || !is_plain(job->follow->prop->relationship) || job->load->yield_per) {
        job->strategy = mr_strategy_selectin();
        return job->strategy->next(job);
    }
    if (take_all(job) != MR_OK) return MR_FAIL;
    mr_query *parents = parents_query(job, item);
    if (!parents || mr_load_statement(parents, true, &select) != MR_OK) {
        mr_query_release(parents);
        return MR_FAIL;
    }
    mr_query_release(parents);
    mr_node *alias = mr_sql_alias(job->load->env, select, NULL);
    mr_status status = alias ? mr_job_start(job, target_query(job, alias)) : MR_FAIL;
    mr_node_release(alias);
    return status;
}

static mr_status row(mr_job *job) {
    return mr_job_give(job, 1, 0);
}

static mr_status end(mr_job *job) {
    return mr_gather_finish(&job->gather);
}

const mr_strategy *mr_strategy_subquery(void) {
    static const mr_strategy strategy = {next, row, end};
    return &strategy;
}

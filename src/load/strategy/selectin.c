/*
 * selectin.c: loads a relationship of many parents by their keys, with one statement for every 500 of them.
 *
 * Invariant: a one-to-many reads the children by their foreign key. A many-to-one reads only the targets that the
 * identity map lacks. All others (with a link table, with a condition written by the program, or with parents whose
 * foreign key is not loaded) join from the parents' keys.
 */
#include "prepared/cache.h"
#include "plan/planner.h"
#include "job.h"

#include <string.h>

typedef enum selectin_form { FORM_UNKNOWN, FORM_CHILDREN, FORM_TARGETS, FORM_JOINED } selectin_form;

static mr_status find_form(mr_job *job) {
    const mr_relationship *rel = job->follow->prop->relationship;
    const mr_load_context *ctx = &job->load->ctx;
    mr_conn *conn;
    bool folds;
    if (job->form != FORM_UNKNOWN) return MR_OK;
    if (ctx->connection(ctx->ud, rel->target, &conn) != MR_OK || mr_relationship_folds(conn, rel, &folds) != MR_OK)
        return MR_FAIL;
    if (folds || rel->mixed || rel->secondary || rel->npairs == 0 || !mr_job_knows_locals(job)) job->form = FORM_JOINED;
    else if (rel->direction == MR_MANY_TO_ONE && rel->use_get) job->form = FORM_TARGETS;
    else job->form = rel->simple ? FORM_CHILDREN : FORM_JOINED;
    return MR_OK;
}

/* Adds the item to the query. Consumes its nodes. */
static mr_status add(mr_query **q, const mr_query_item *item) {
    mr_query *next = mr_query_with_items(*q, item, 1, true);
    mr_query_release(*q);
    *q = next;
    return next ? MR_OK : MR_FAIL;
}

static mr_status add_item(mr_query **q, mr_mapper *mapper, mr_node *expression) {
    const mr_query_item item = {.mapper = mapper, .expression = expression};
    return mapper || expression ? add(q, &item) : MR_FAIL;
}

static mr_status add_target(mr_query **q, const mr_job *job) {
    mr_query_item item;
    return mr_job_target(job, &item) == MR_OK ? add(q, &item) : MR_FAIL;
}

static mr_query *then(mr_query *old, mr_query *made) {
    mr_query_release(old);
    return made;
}

/* ---------------------------------------------------------------- parents by their keys */

/* *out: the key of a parent. false: a value is NULL, so no row belongs to it. */
static bool parent_key(const mr_job *job, selectin_form form, mr_entity *parent, mr_value *out) {
    const mr_relationship *rel = job->follow->prop->relationship;
    if (form == FORM_JOINED) {
        mr_entity_key(parent, out);
        return true;
    }
    for (unsigned i = 0; i < rel->npairs; i++) {
        out[i] = *mr_entity_slot(parent, rel->pairs[i].local_slot);
        if (out[i].kind == MR_NULL || out[i].kind == MR_UNLOADED) return false;
    }
    return true;
}

/* Takes parents from the job until there are enough keys for a statement. */
static mr_status take_keys(mr_job *job, selectin_form form, unsigned n) {
    mr_env *env = job->load->env;
    mr_value *key = mr_alloc(env, n * sizeof *key);
    mr_status status = key ? MR_OK : MR_FAIL;
    mr_gather_done(&job->gather);
    mr_gather_init(&job->gather, env, job->follow->prop, form == FORM_JOINED, false, job->load->since);
    job->gather.renews = job->load->outside;
    job->gather.part = job->follow->limit > 0;
    mr_keyring_done(&job->keys);
    mr_keyring_init(&job->keys, env, n);
    while (status == MR_OK && job->next < job->parents.len && job->keys.distinct.len < MR_KEYS_PER_STATEMENT) {
        mr_entity *parent = mr_vec_ptr(&job->parents, job->next++);
        uint32_t number;
        status = mr_gather_parent(&job->gather, parent, &number);
        if (status == MR_OK && parent_key(job, form, parent, key)) status = mr_keyring_add(&job->keys, key, number);
    }
    mr_free(env, key);
    return status;
}

/* A copy of the keys taken, n values for each. Free it. NULL: no memory. */
static mr_value *keys_taken(mr_job *job, unsigned n) {
    size_t count = job->keys.distinct.len;
    mr_value *values = mr_alloc(job->load->env, (count + 1) * n * sizeof *values);
    for (size_t i = 0; values && i < count; i++)
        memcpy(values + i * n, mr_keyring_key(&job->keys, i), n * sizeof *values);
    return values;
}

/* columns IN (the keys taken). Consumes the columns. */
static mr_node *keys_criterion(mr_job *job, mr_node *const *columns, unsigned n) {
    size_t count = job->keys.distinct.len;
    mr_value *values = keys_taken(job, n);
    if (!values) {
        for (unsigned i = 0; i < n; i++) mr_node_release(columns[i]);
        return NULL;
    }
    mr_node *made = mr_keys_criterion(job->load->env, columns, n, values, count);
    mr_free(job->load->env, values);
    return made;
}

static mr_query *ordered(mr_job *job, mr_query *q) {
    const mr_relationship *rel = job->follow->prop->relationship;
    if (!q || !rel->order_by) return q;
    return then(q, mr_query_order_by(q, mr_node_retain(rel->order_by)));
}

/* ---------------------------------------------------------------- children by their foreign key */

static mr_query *children_query(mr_job *job) {
    const mr_relationship *rel = job->follow->prop->relationship;
    mr_env *env = job->load->env;
    mr_query *q = mr_query_new(env, NULL, 0, false);
    mr_node **columns = mr_calloc(env, rel->npairs * sizeof(mr_node *));
    bool failed = !q || !columns;
    for (unsigned i = 0; i < rel->npairs && !failed; i++) {
        const mr_column *remote = rel->pairs[i].remote;
        columns[i] = mr_sql_column(env, remote, NULL, mr_mapper_property_of_column(rel->target, remote));
        failed = !columns[i] || add_item(&q, NULL, mr_node_retain(columns[i])) != MR_OK;
    }
    if (!failed) failed = add_target(&q, job) != MR_OK;
    if (!failed) {
        q = then(q, mr_query_where(q, keys_criterion(job, columns, rel->npairs)));
        q = ordered(job, q);
    } else {
        for (unsigned i = 0; columns && i < rel->npairs; i++) mr_node_release(columns[i]);
        mr_query_release(q);
        q = NULL;
    }
    mr_free(env, columns);
    return mr_job_options(job, q);
}

/* ---------------------------------------------------------------- through the condition */

mr_query *mr_query_from_keys(const mr_property *along, const mr_query_item *target, const mr_value *keys, size_t count,
                             bool bare) {
    mr_relationship *rel = along->relationship;
    mr_env *env = rel->parent->env;
    mr_mapper *parent = rel->parent;
    mr_node *alias = mr_keys_alias(parent);
    mr_query *q = alias ? mr_query_new(env, NULL, 0, false) : NULL;
    mr_node **columns = mr_calloc(env, (parent->npk + (size_t)1) * sizeof(mr_node *));
    bool failed = !q || !columns;
    for (uint16_t i = 0; i < parent->npk && !failed; i++) {
        columns[i] = mr_property_node(mr_mapper_at_slot(parent, parent->pk_slots[i]), alias);
        failed = !columns[i] || (!bare && add_item(&q, NULL, mr_node_retain(columns[i])) != MR_OK);
    }
    mr_node *joined = mr_node_retain(target->alias);
    if (failed) mr_node_release(target->alias);
    else failed = add(&q, target) != MR_OK;
    if (!failed) {
        mr_query_join join = {.kind = MR_OP_INNER,
                              .along = along,
                              .left_alias = mr_node_retain(alias),
                              .target = mr_node_retain(joined),
                              .ordered = true};
        q = then(q, mr_query_select_from(q, mr_node_retain(alias)));
        if (q) {
            q = then(q, mr_query_join_on(q, &join));
        } else {
            mr_node_release(join.left_alias);
            mr_node_release(join.target);
        }
    }
    if (!failed && q) {
        q = then(q, mr_query_where(q, mr_keys_criterion(env, columns, parent->npk, keys, count)));
    } else {
        for (uint16_t i = 0; columns && i < parent->npk; i++) mr_node_release(columns[i]);
        mr_query_release(q);
        q = NULL;
    }
    mr_free(env, columns);
    mr_node_release(alias);
    mr_node_release(joined);
    return q;
}

static mr_query *joined_query(mr_job *job) {
    const mr_property *prop = job->follow->prop;
    mr_value *keys = keys_taken(job, prop->relationship->parent->npk);
    mr_query_item target;
    bool ready = keys && mr_job_target(job, &target) == MR_OK;
    mr_query *q = ready ? mr_query_from_keys(prop, &target, keys, job->keys.distinct.len, false) : NULL;
    mr_free(job->load->env, keys);
    return mr_job_options(job, q);
}

/* ---------------------------------------------------------------- targets by their key */

mr_status mr_target_identity(const mr_relationship *rel, mr_entity *parent, mr_strbuf *buf, mr_value *key,
                             mr_value *out) {
    const mr_mapper *target = rel->target;
    for (uint16_t k = 0; k < target->npk; k++) {
        key[k] = mr_null_value();
        for (unsigned i = 0; i < rel->npairs; i++)
            if (rel->pairs[i].remote_slot == target->pk_slots[k])
                key[k] = *mr_entity_slot(parent, rel->pairs[i].local_slot);
    }
    if (mr_identity_has_null(target, key)) return MR_NOTFOUND;
    if (mr_identity_make(target, key, buf, out)) return MR_OK;
    return buf->oom ? mr_nomem(target->env) : MR_NOTFOUND;
}

static mr_status put_target(const mr_job *job, mr_entity *parent, mr_entity *target) {
    return mr_entity_put_reference(parent, job->follow->prop, target, false);
}

/* Does the target in memory lack something that its row, or an eager load of the options, would load? */
static bool lacks_something(const mr_job *job, mr_entity *target) {
    const mr_plan_follow *follow = job->follow;
    const mr_mapper *mapper = follow->prop->relationship->target;
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        bool is_relationship = prop->kind == MR_PROPERTY_RELATIONSHIP;
        if (is_relationship ? !mr_load_must_ask(job->load, target, prop)
                            : mr_entity_slot(target, prop->slot)->kind != MR_UNLOADED)
            continue;
        if (is_relationship ? mr_eager_is_due(&job->path, mapper, prop, follow->nopts, follow->opts)
                            : mr_options_loads(prop, follow->nopts, follow->opts))
            return true;
    }
    return false;
}

/* Sets the reference from the identity map, or to NULL if the key is NULL. MR_NOTFOUND: a statement is needed.
 * complete: a target that is old, or lacks something, counts as not found. */
static mr_status from_map(const mr_job *job, mr_entity *parent, bool complete, mr_strbuf *buf, mr_value *key) {
    const mr_relationship *rel = job->follow->prop->relationship;
    mr_value identity;
    mr_status status = mr_target_identity(rel, parent, buf, key, &identity);
    if (status == MR_NOTFOUND) return put_target(job, parent, NULL);
    if (status != MR_OK) return status;
    mr_entity *known = mr_idmap_get(job->load->ctx.owner->idmap, rel->target->root, &identity);
    if (!known || (complete && (lacks_something(job, known) || !mr_load_is_up_to_date(job->load, known))))
        return MR_NOTFOUND;
    return put_target(job, parent, mr_mapper_isa(known->mapper, rel->target) ? known : NULL);
}

static mr_status take_targets(mr_job *job) {
    const mr_relationship *rel = job->follow->prop->relationship;
    mr_env *env = job->load->env;
    mr_value *key = mr_alloc(env, rel->target->npk * sizeof *key);
    mr_strbuf buf;
    mr_status status = key ? MR_OK : MR_FAIL;
    mr_strbuf_init(&buf, env);
    mr_keyring_done(&job->keys);
    mr_keyring_init(&job->keys, env, rel->target->npk);
    job->pending.len = 0;
    while (status == MR_OK && job->next < job->parents.len && job->keys.distinct.len < MR_KEYS_PER_STATEMENT) {
        mr_entity *parent = mr_vec_ptr(&job->parents, job->next++);
        status = from_map(job, parent, !job->load->without_rows, &buf, key);
        if (status != MR_NOTFOUND) continue;
        status = mr_keyring_add(&job->keys, key, 0);
        if (status == MR_OK) status = mr_vec_push_ptr(&job->pending, parent);
    }
    mr_strbuf_done(&buf);
    mr_free(env, key);
    return status;
}

static mr_query *targets_query(mr_job *job) {
    mr_mapper *target = job->follow->prop->relationship->target;
    mr_env *env = job->load->env;
    mr_query_item item;
    if (mr_job_target(job, &item) != MR_OK) return NULL;
    mr_node **columns = mr_calloc(env, (target->npk + (size_t)1) * sizeof(mr_node *));
    bool failed = !columns;
    for (uint16_t i = 0; i < target->npk && !failed; i++)
        failed = !(columns[i] = mr_property_node(mr_mapper_at_slot(target, target->pk_slots[i]), NULL));
    mr_query *q = failed ? NULL : mr_query_new(env, &item, 1, false);
    if (failed) mr_node_release(item.alias);
    if (q) {
        q = then(q, mr_query_where(q, keys_criterion(job, columns, target->npk)));
    } else {
        for (uint16_t i = 0; columns && i < target->npk; i++) mr_node_release(columns[i]);
    }
    mr_free(env, columns);
    return mr_job_options(job, q);
}

static mr_status end_targets(mr_job *job) {
    mr_value *key = mr_alloc(job->load->env, job->follow->prop->relationship->target->npk * sizeof *key);
    mr_strbuf buf;
    mr_status status = key ? MR_OK : MR_FAIL;
    mr_strbuf_init(&buf, job->load->env);
    for (size_t i = 0; i < job->pending.len && status == MR_OK; i++) {
        mr_entity *parent = mr_vec_ptr(&job->pending, i);
        status = from_map(job, parent, false, &buf, key);
        if (status == MR_NOTFOUND) status = put_target(job, parent, NULL);
    }
    mr_strbuf_done(&buf);
    mr_free(job->load->env, key);
    return status;
}

/* ---------------------------------------------------------------- so many for each parent */

/* The parents' keys, which a row of the statement without a limit begins with: mr_limited. */
static mr_query *limited_query(mr_job *job, selectin_form form) {
    unsigned n =
        form == FORM_JOINED ? job->follow->prop->relationship->parent->npk : job->follow->prop->relationship->npairs;
    mr_value *keys = keys_taken(job, n);
    mr_query *q = keys ? mr_limited_query(job, keys, job->keys.distinct.len, form == FORM_JOINED) : NULL;
    mr_free(job->load->env, keys);
    return mr_job_options(job, q);
}

/* ---------------------------------------------------------------- the strategy */

static unsigned key_width(const mr_relationship *rel, selectin_form form) {
    return form == FORM_JOINED ? rel->parent->npk : rel->npairs;
}

static mr_status next(mr_job *job) {
    const mr_relationship *rel = job->follow->prop->relationship;
    if (find_form(job) != MR_OK) return MR_FAIL;
    selectin_form form = (selectin_form)job->form;
    while (job->next < job->parents.len) {
        mr_status status = form == FORM_TARGETS ? take_targets(job) : take_keys(job, form, key_width(rel, form));
        if (status != MR_OK) return MR_FAIL;
        if (job->keys.distinct.len > 0 && job->follow->limit > 0) return mr_job_start(job, limited_query(job, form));
        if (job->keys.distinct.len > 0)
            return mr_job_start(job, form == FORM_TARGETS    ? targets_query(job)
                                     : form == FORM_CHILDREN ? children_query(job)
                                                             : joined_query(job));
        if (form != FORM_TARGETS && mr_gather_finish(&job->gather) != MR_OK) return MR_FAIL;
    }
    return MR_DONE;
}

static mr_status row(mr_job *job) {
    if (job->form == FORM_TARGETS) return MR_OK;
    return mr_job_give_child(job, 0, key_width(job->follow->prop->relationship, (selectin_form)job->form));
}

static mr_status end(mr_job *job) {
    if (job->form == FORM_TARGETS) return end_targets(job);
    return mr_gather_finish(&job->gather);
}

const mr_strategy mr_strategy_selectin = {
    .word = "selectin", .option = "selectinload", .limits = true, .recurs = true, .next = next, .row = row, .end = end};

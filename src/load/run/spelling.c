/*
 * spelling.c: decides whether two spellings of a key name the same row.
 *
 * Invariant: only the database decides this. It is asked only if it compares the key column by its own rules.
 */
#include "prepared/cache.h"
#include "load_state.h"

static mr_status make_spelling(void *ud, mr_vec *lates, mr_query **out) {
    mr_mapper *mapper = ud;
    mr_query *q = mr_query_new(mapper->env, NULL, 0, false);
    for (uint16_t i = 0; q && i < mapper->npk; i++) {
        const mr_property *prop = mr_mapper_at_slot(mapper, mapper->pk_slots[i]);
        mr_query_item item = {.name = prop->name, .expression = mr_property_node(prop, NULL)};
        mr_query *next = item.expression ? mr_query_with_items(q, &item, 1, true) : NULL;
        mr_query_release(q);
        q = next;
    }
    *out = mr_where_identity(q, mapper, true, lates);
    return *out ? MR_OK : MR_FAIL;
}

static mr_status key_folds(mr_conn *conn, const mr_mapper *mapper, bool *out) {
    *out = false;
    for (uint16_t i = 0; i < mapper->npk; i++)
        if (mr_column_folds(conn, mr_mapper_at_slot(mapper, mapper->pk_slots[i])->column, out) != MR_OK) return MR_FAIL;
    return MR_OK;
}

/* Is the key of the row that was found, if any, the identity? */
static mr_status compare(mr_run *run, const mr_mapper *mapper, const mr_value *identity) {
    mr_value found;
    mr_status status = mr_run_step(run);
    if (status != MR_ROW) return status == MR_DONE ? MR_NOTFOUND : MR_FAIL;
    if (!mr_identity_make(mapper, run->out, &run->key, &found))
        return run->key.oom ? mr_nomem(run->load->env) : MR_NOTFOUND;
    return mr_identity_same(&found, identity) ? MR_OK : MR_NOTFOUND;
}

mr_status mr_spelling_is_same_row(mr_load *load, const mr_entity *entity, const mr_value *identity) {
    mr_mapper *root = entity->mapper->root;
    const mr_load_context *ctx = &load->ctx;
    mr_class_plans *plans = mr_class_plans_of(root);
    mr_conn *conn;
    mr_run *run = NULL;
    bool folds;
    if (!plans || ctx->connection(ctx->ud, root, &conn) != MR_OK || key_folds(conn, root, &folds) != MR_OK)
        return MR_FAIL;
    if (!folds) return MR_NOTFOUND;
    if (mr_prepare(load->env, &plans->spelling, mr_engine_dialect(mr_conn_engine(conn)), make_spelling, root) != MR_OK)
        return MR_FAIL;
    mr_value *key = mr_alloc(load->env, root->npk * sizeof *key);
    if (!key) return MR_FAIL;
    mr_entity_key(entity, key);
    mr_run_source source = {.query = plans->spelling.query, .keys = key};
    mr_status status = mr_run_open(load, plans->spelling.plan, &source, &run);
    if (status == MR_OK) status = compare(run, root, identity);
    mr_run_close(run);
    mr_free(load->env, key);
    return status;
}

/*
 * keyed.c: makes a query leave out rows whose primary key is NULL. Such rows are no objects, so a limit or a count must
 * not count them.
 *
 * Invariant: nearly all tables cannot have such rows; their queries stay as they are.
 */
#include "prepared/cache.h"
#include "run.h"

/* The query's only item, if it is a class whose rows without a key may be left out. NULL: no rows are left out. */
static const mr_query_item *item_of(const mr_query *q) {
    if (q->nitems != 1 || !q->items[0].mapper || mr_query_is_outer(q)) return NULL;
    return &q->items[0];
}

mr_query *mr_query_keyed(mr_query *q) {
    const mr_query_item *item = item_of(q);
    if (!item) return mr_query_retain(q);
    mr_env *env = q->env;
    const mr_value null = mr_null_value();
    mr_node **parts = mr_alloc(env, item->mapper->npk * sizeof(mr_node *));
    if (!parts) return NULL;
    for (uint16_t i = 0; i < item->mapper->npk; i++) {
        const mr_property *prop = mr_mapper_at_slot(item->mapper, item->mapper->pk_slots[i]);
        mr_node *bind = mr_sql_bind(env, mr_type_simple(MR_TYPE_NULL), &null);
        parts[i] = mr_sql_binary(env, MR_OP_IS_NOT, mr_property_node(prop, item->alias), bind);
    }
    mr_node *any = mr_sql_list(env, MR_OP_OR, parts, item->mapper->npk);
    mr_free(env, parts);
    return mr_query_where(q, any);
}

/* *out: does the database allow rows of the class whose whole key is NULL? */
static mr_status may_lack_key(mr_conn *conn, const mr_mapper *mapper, bool *out) {
    *out = false;
    for (uint16_t i = 0; i < mapper->npk; i++) {
        mr_column_facts facts;
        const mr_column *column = mr_mapper_at_slot(mapper, mapper->pk_slots[i])->column;
        mr_status status = mr_conn_column_facts(conn, column, &facts);
        if (status == MR_FAIL) return status;
        if (status == MR_OK && (facts.not_null || (facts.integer && mapper->npk == 1))) return MR_OK;
    }
    *out = true;
    return MR_OK;
}

mr_status mr_load_keyed(const mr_load_context *ctx, mr_query *query, mr_query **out) {
    mr_conn *conn;
    bool lacks = false;
    *out = NULL;
    if (mr_plan_configure(query) != MR_OK) return MR_FAIL;
    const mr_query_item *item = item_of(query);
    if (item &&
        (ctx->connection(ctx->ud, item->mapper, &conn) != MR_OK || may_lack_key(conn, item->mapper, &lacks) != MR_OK))
        return MR_FAIL;
    *out = lacks ? mr_query_keyed(query) : mr_query_retain(query);
    return *out ? MR_OK : MR_FAIL;
}

/*
 * own_values.c: values of the program's own, of columns whose type is decorated: they become plain ones when a flush
 * begins, before anything is planned, and again after each listener. Plain values whose form depends on the dialect get
 * that form then, too.
 *
 * Invariant: a flush sees plain values only, so that keys, comparisons and batches are the same as for other columns. A
 * failed conversion names the column and the object, and leaves all values that are not converted yet as they are.
 */
#include "attributes.h"
#include "session_state.h"

#include <stdio.h>

mr_status mr_session_has_own_values(mr_env *env) {
    mr_session_common *common = mr_session_common_of(env);
    if (!common) return MR_FAIL;
    common->own_values = true;
    return MR_OK;
}

/* Does the flush leave out the column of a new object that has no value for it? */
static bool is_left_out(const mr_column *column, const mr_value *v) {
    if (v->kind == MR_NULL) return false;
    const mr_table *table = column->table;
    return column->deflt.kind != MR_DEFAULT_NONE || mr_column_has_server_default(column) ||
           (table && table->autoincrement == column);
}

/* NULL is converted, too, where it is going to be written. */
static mr_status settle_null(mr_session *s, mr_entity *e, const mr_property *prop, const mr_type *type,
                             const mr_value *v, mr_store_room *room) {
    bool written = v->kind == MR_NULL ? (v->flags & MR_VALUE_DIRTY) != 0 : e->state == MR_PENDING;
    mr_value made = mr_null_value();
    if (!written || prop->is_primary_key || !type->decorator || !type->decorator->send || prop->column->foreign_keys ||
        is_left_out(prop->column, v))
        return MR_OK;
    char what[200];
    snprintf(what, sizeof what, "%s.%s", e->mapper->name, prop->name);
    room->what = what;
    mr_status status = type->decorator->send(s->env, type, &made, room);
    room->what = NULL;
    if (status != MR_OK) return MR_FAIL;
    if (made.kind == MR_NULL) return MR_OK;
    return v->kind == MR_NULL ? mr_entity_settle(e, prop->slot, &made, true) : mr_entity_set(e, prop->slot, &made);
}

/* One way through the objects. */
typedef struct settling {
    mr_session *s;
    const mr_property *last; /* of the value that was converted last; NULL: there was none */
    bool again;              /* NULLs were converted before */
} settling;

/* How often functions may assign to columns that were converted already, before it is taken for an endless game. */
enum { MOST_WAYS = 16 };

static bool is_same(const mr_value *a, const mr_value *b) {
    return a->kind == b->kind && a->len == b->len && a->tag == b->tag && a->u.i == b->u.i;
}

/* A plain value that was set before the dialect was known: gives it the form of the type that holds there. */
static mr_status settle_plain(mr_entity *e, const mr_property *prop, const mr_value *v, mr_store_room *room) {
    mr_value made = *v;
    bool written = e->state == MR_PENDING || mr_entity_is_dirty(e, prop->slot);
    if (!written || v->kind == MR_NULL || v->kind >= MR_OPAQUE || (v->flags & MR_VALUE_STORED)) return MR_OK;
    made.flags = 0;
    if (mr_attribute_coerce(e->mapper, prop, &made, room) != MR_OK) return MR_FAIL;
    return is_same(&made, v) ? MR_OK : mr_entity_settle(e, prop->slot, &made, false);
}

static mr_status settle_column(settling *x, mr_entity *e, const mr_property *prop, mr_store_room *room) {
    mr_env *env = x->s->env;
    const mr_type *type = mr_column_type(env, prop->column);
    if (!type->decorator && !type->variants && !type->rules->fits_by_dialect) return MR_OK;
    const mr_value *v = mr_entity_slot(e, prop->slot);
    if (!type->decorator) return x->again ? MR_OK : settle_plain(e, prop, v, room);
    if (v->kind == MR_NULL || v->kind == MR_UNLOADED)
        return x->again ? MR_OK : settle_null(x->s, e, prop, mr_type_in(type, room->dialect), v, room);
    if (!mr_value_is_own(env, v)) return x->again || !mr_type_is_late(type) ? MR_OK : settle_plain(e, prop, v, room);
    const bool shown = mr_type_in(type, room->dialect)->decorator != NULL;
    x->last = prop;
    mr_value kept, made;
    if (mr_value_copy(env, &kept, v) != MR_OK) return MR_FAIL; /* the function may change the object */
    made = kept;
    mr_status status = mr_value_send(env, &made, room);
    if (status == MR_OK) status = mr_attribute_coerce(e->mapper, prop, &made, room);
    v = mr_entity_slot(e, prop->slot);
    if (status == MR_OK && v->kind == MR_OPAQUE && v->u.p == kept.u.p)
        status = mr_entity_settle(e, prop->slot, &made, shown);
    else if (status == MR_OK && mr_value_is_own(env, v))
        status = mr_fail(env, MR_ERR_INVALID_REQUEST,
                         "%s.%s: the function bind of the column's type has assigned to this very column: it returns "
                         "the value that is stored, and leaves the object alone",
                         e->mapper->name, prop->name);
    mr_value_clear(env, &kept);
    return status;
}

static mr_status settle_entity(settling *x, mr_entity *e) {
    mr_session *s = x->s;
    if (!e->mapper->decorated) return MR_OK;
    mr_store_room room = {.env = s->env, .written = true};
    if (s->engine) room.dialect = mr_engine_dialect(s->engine)->name;
    mr_status status = MR_OK;
    mr_entity_pin(e);
    for (size_t i = 0; status == MR_OK && i < e->mapper->columns.len; i++)
        status = settle_column(x, e, mr_vec_ptr(&e->mapper->columns, i), &room);
    mr_entity_unpin(e);
    mr_store_done(&room);
    return status;
}

/* A list may grow while a function of the program runs. */
static mr_status settle_list(settling *x, const mr_vec *list) {
    for (size_t i = 0; i < list->len; i++) {
        mr_entity *e = mr_vec_ptr(list, i);
        if (!(e->flags & MR_ENTITY_TO_DELETE) && settle_entity(x, e) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* Converts those of the object (NULL: of all that wait for a flush). A function may assign to columns, and objects,
 * that came before its own, so the way is gone until nothing is left. */
static mr_status settle(mr_session *s, mr_entity *e) {
    settling x = {s, NULL, false};
    for (int ways = 0; ways < MOST_WAYS; ways++) {
        x.last = NULL;
        mr_status status = e ? settle_entity(&x, e) : settle_list(&x, &s->pending);
        if (status == MR_OK && !e) status = settle_list(&x, &s->owner->dirty);
        if (status != MR_OK || !x.last) return status;
        x.again = true;
    }
    return mr_fail(s->env, MR_ERR_INVALID_REQUEST,
                   "%s.%s: the functions bind of types assign to columns again and again: such a function returns the "
                   "value that is stored, and leaves the object alone",
                   x.last->mapper->name, x.last->name);
}

mr_status mr_session_settle(void *session, mr_entity *e) { return e->mapper->decorated ? settle(session, e) : MR_OK; }

mr_status mr_session_settle_all(mr_session *s) {
    const mr_session_common *common = mr_env_get(s->env, MR_ENV_SESSION);
    bool some = (common && common->own_values) || mr_dialect_has_uuids(s->owner->dialect);
    return some ? settle(s, NULL) : MR_OK;
}

mr_node *mr_session_statement_to_send(mr_session *s, mr_node *statement) {
    const mr_session_common *common = mr_env_get(s->env, MR_ENV_SESSION);
    if (!common || !common->own_values || !s->engine) return statement;
    return mr_sql_with_sent_values(statement, mr_engine_dialect(s->engine)->name, true);
}

/*
 * values.c: stages the values that a row gets and its entity does not have yet: defaults, versions, foreign keys and
 * identities.
 *
 * Invariant: staged bytes are owned by the operation, so that publishing can move them without copying.
 */
#include "rows.h"
#include "unit.h"
#include "values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mr_value *mr_flush_values(mr_flush *flush, size_t n) {
    return mr_vec_reserve(&flush->values, n) == MR_OK ? flush->values.data : NULL;
}

mr_value *mr_flush_keys(mr_flush *flush, size_t n) {
    return mr_vec_reserve(&flush->keys, n) == MR_OK ? flush->keys.data : NULL;
}

/* ---------------------------------------------------------------- staging */

static mr_value *staged_place(mr_flush *flush, flush_op *op, unsigned c) {
    flush->owns = true;
    if (!op->staged) op->staged = mr_arena_alloc(flush->arena, op->cls->ncolumns * sizeof *op->staged);
    if (!op->staged) return NULL;
    mr_value_clear(flush->env, &op->staged[c]);
    return &op->staged[c];
}

mr_status mr_flush_stage(mr_flush *flush, flush_op *op, unsigned c, const mr_value *value) {
    mr_value copy;
    if (mr_value_copy(flush->env, &copy, value) != MR_OK) return MR_FAIL;
    mr_value *place = staged_place(flush, op, c);
    if (place) *place = copy;
    else mr_value_clear(flush->env, &copy);
    return place ? MR_OK : MR_FAIL;
}

mr_status mr_flush_stage_server(mr_flush *flush, flush_op *op, unsigned c) {
    mr_value *place = staged_place(flush, op, c);
    if (!place) return MR_FAIL;
    place->kind = STAGED_BY_SERVER;
    return MR_OK;
}

mr_status mr_flush_stage_computed(mr_flush *flush, flush_op *op) {
    for (unsigned c = 0; op->cls->computes && c < op->cls->ncolumns; c++)
        if (op->cls->columns[c].column->computed && mr_flush_stage_server(flush, op, c) != MR_OK) return MR_FAIL;
    return MR_OK;
}

static mr_value now_for(const mr_type *type) {
    enum { HOURS = 24 };
    const int64_t day = (int64_t)HOURS * 3600 * 1000000;
    mr_value now = mr_calendar_now();
    int64_t days = now.u.i / day, rest = now.u.i % day;
    if (rest < 0) {
        rest += day;
        days--;
    }
    if (type->rules->kind == MR_DATE) return mr_value_of(MR_DATE, days);
    return type->rules->kind == MR_TIME ? mr_value_of(MR_TIME, rest) : now;
}

mr_status mr_flush_default(mr_flush *flush, const mr_type *type, const mr_default *deflt, mr_value *out) {
    *out = mr_null_value();
    if (deflt->kind == MR_DEFAULT_VALUE) *out = deflt->value;
    if (deflt->kind == MR_DEFAULT_NOW) *out = now_for(type);
    if (deflt->kind != MR_DEFAULT_FUNCTION) return MR_OK;
    if (deflt->fn(flush->env, deflt->ud, out) != MR_OK) return MR_FAIL;
    if (out->kind == MR_UNLOADED) *out = mr_null_value();
    return MR_OK;
}

/* Stages what is sent for a value of the program's own. */
static mr_status stage_own(mr_flush *flush, flush_op *op, unsigned c, const mr_value *own) {
    mr_store_room room = {.env = flush->env, .written = true, .dialect = flush->ctx.dialect};
    mr_value value = *own;
    mr_status status = mr_value_send(flush->env, &value, &room);
    const flush_column *col = &op->cls->columns[c];
    const mr_type *type = mr_type_in(col->type, flush->ctx.dialect);
    if (status == MR_OK) status = mr_type_fit(flush->env, type, col->what, &value, &room);
    if (status == MR_OK) status = mr_flush_stage(flush, op, c, &value);
    mr_store_done(&room);
    return status;
}

static mr_status stage_checked(mr_flush *flush, flush_op *op, unsigned c, mr_value value) {
    const flush_column *col = &op->cls->columns[c];
    const mr_type *type = mr_type_in(col->type, flush->ctx.dialect);
    mr_store_room room = {.env = flush->env, .dialect = flush->ctx.dialect};
    if (mr_value_is_own(flush->env, &value)) return stage_own(flush, op, c, &value);
    if (mr_type_coerce(flush->env, type, col->what, &value) != MR_OK) return MR_FAIL;
    mr_status status = mr_type_fit(flush->env, type, col->what, &value, &room);
    if (status == MR_OK && col->checked) status = mr_type_check_length(flush->env, type, col->what, &value);
    if (status == MR_OK) status = mr_flush_stage(flush, op, c, &value);
    mr_store_done(&room);
    return status;
}

/* The values that the row has by now: those of the object, and defaults before this one. */
static mr_status each_value(const mr_default_row *row,
                            mr_status (*fn)(void *ud, const mr_column *column, const mr_value *value), void *ud) {
    const flush_op *op = row->ud;
    for (unsigned c = 0; c < op->cls->ncolumns; c++) {
        const flush_column *column = &op->cls->columns[c];
        const mr_value *v = op->staged ? &op->staged[c] : NULL;
        if (v && v->kind == STAGED_BY_SERVER) continue;
        if (!v || v->kind == MR_UNLOADED) v = mr_flush_slot(op, column->slot);
        if (v->kind != MR_UNLOADED && fn(ud, column->column, v) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_flush_stage_default(mr_flush *flush, flush_op *op, unsigned c, const mr_default *deflt) {
    mr_value value;
    if (deflt->kind == MR_DEFAULT_NONE) return MR_OK;
    if (deflt->kind == MR_DEFAULT_SQL) return mr_flush_stage_server(flush, op, c);
    mr_default_row row = {each_value, op};
    void *outer = mr_env_get(flush->env, MR_ENV_ROW);
    mr_env_set(flush->env, MR_ENV_ROW, &row);
    const mr_type *type = mr_type_in(op->cls->columns[c].type, flush->ctx.dialect);
    mr_status status = mr_flush_default(flush, type, deflt, &value);
    mr_env_set(flush->env, MR_ENV_ROW, outer);
    return status == MR_OK ? stage_checked(flush, op, c, value) : MR_FAIL;
}

mr_status mr_flush_stage_version(mr_flush *flush, flush_op *op, const mr_value *old) {
    const mr_mapper *mapper = op->cls->mapper;
    mr_value next = mr_int_value(old->kind == MR_INT ? old->u.i + 1 : 1);
    if (mapper->version_generator) {
        next = *old; /* the generator gets the old version, and returns the next one */
        if (mapper->version_generator(flush->env, mapper->version_ud, &next) != MR_OK) return MR_FAIL;
    }
    return stage_checked(flush, op, op->cls->version_column, next);
}

const mr_value *mr_flush_version(const flush_op *op) {
    if (op->rare && op->rare->version.kind != MR_UNLOADED) return &op->rare->version;
    const flush_op *row = mr_flush_row_of(op);
    return mr_entity_committed(row->entity, op->cls->columns[op->cls->version_column].slot);
}

mr_status mr_flush_check_version(mr_flush *flush, const flush_op *op) {
    unsigned c = op->cls->version_column;
    if (c == FLUSH_NO_COLUMN) return MR_OK;
    uint8_t kind = mr_flush_value(op, c)->kind;
    if (kind != MR_NULL && (kind != MR_UNLOADED || op->kind != OP_INSERT)) return MR_OK;
    return mr_fail(flush->env, MR_ERR_INVALID_REQUEST,
                   "%s: a row of %s needs a version, which is NULL: set it, or give the column a default",
                   op->cls->columns[c].what, op->cls->mapper->name);
}

mr_status mr_flush_version_written(mr_flush *flush, flush_op *op) {
    unsigned c = op->cls->version_column;
    if (c == FLUSH_NO_COLUMN) return MR_OK;
    const mr_value *v = mr_flush_value(op, c);
    mr_value copy;
    if (v->kind == MR_UNLOADED || v->kind >= MR_OPAQUE) return MR_OK;
    flush_rare *rare = mr_flush_rare_of(flush, op);
    if (!rare || mr_value_copy(flush->env, &copy, v) != MR_OK) return MR_FAIL;
    mr_value_clear(flush->env, &rare->version);
    rare->version = copy;
    return MR_OK;
}

/* ---------------------------------------------------------------- checks */

mr_status mr_flush_check(mr_flush *flush, const flush_op *op) {
    const flush_class *cls = op->cls;
    for (unsigned i = 0; i < cls->nchecked; i++) {
        const flush_column *col = &cls->columns[cls->checked[i]];
        if (op->kind == OP_UPDATE && !mr_entity_is_dirty(op->entity, col->slot)) continue;
        const mr_value *v = mr_flush_slot(op, col->slot);
        if ((v->flags & MR_VALUE_STORED) || (v->kind == MR_TEXT && v->len < col->safe_bytes)) continue;
        const mr_type *type = mr_type_in(col->type, flush->ctx.dialect);
        if (mr_type_check_length(flush->env, type, col->what, v) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- keys */

/* Dates in an identity do not have the row's spelling: takes it from the object, if it is loaded. */
static void spell_key(const flush_op *row, mr_value *key) {
    for (unsigned i = 0; i < row->cls->mapper->npk; i++) {
        if (key[i].kind < MR_DATE || key[i].kind > MR_INTERVAL) continue;
        const mr_value *held = mr_entity_committed(row->entity, row->cls->mapper->pk_slots[i]);
        if (held->kind == key[i].kind && held->u.i == key[i].u.i) key[i].len = held->len;
    }
}

void mr_flush_old_key(const flush_op *op, mr_value *out) {
    const flush_op *row = mr_flush_row_of(op);
    const flush_class *cls = op->cls;
    /* The key was made or changed by this flush. */
    bool written = (row->flags & OP_WRITTEN) && row->identity.kind != MR_UNLOADED;
    const mr_value identity = written ? row->identity : mr_entity_identity(row->entity);
    mr_identity_values(cls->mapper, &identity, out);
    if (!written) spell_key(row, out);
    if (written || !(row->flags & OP_KEY_CASCADED)) return;
    for (unsigned i = 0; i < cls->mapper->npk; i++) /* the key was changed by ON UPDATE CASCADE */
        if (row->staged[cls->key[i]].tag == STAGED_CASCADED) out[i] = row->staged[cls->key[i]];
}

void mr_flush_part_key(const flush_op *op, uint16_t part, mr_value *out) {
    bool follows =
        part > 0 && op->kind == OP_UPDATE && (op->flags & OP_KEY_CHANGED) && op->cls->parts[part].key_cascades;
    if (follows && op->identity.kind != MR_UNLOADED) mr_identity_values(op->cls->mapper, &op->identity, out);
    else mr_flush_old_key(op, out);
}

mr_status mr_flush_is_partial(mr_flush *flush, const flush_op *op, bool *out) {
    const mr_mapper *mapper = op->cls->mapper;
    if (mapper->npk == 1) return MR_OK;
    mr_value *key = mr_flush_keys(flush, mapper->npk);
    if (!key) return MR_FAIL;
    mr_flush_old_key(op, key);
    *out = mr_identity_has_null(mapper, key);
    return MR_OK;
}

const mr_value *mr_flush_entity_value(mr_flush *flush, mr_entity *entity, unsigned slot, mr_value *room) {
    flush_op *op = mr_flush_op_of(flush, entity);
    const mr_value *v;
    if (op && op->cls->column_of[slot] != FLUSH_NO_COLUMN) v = mr_flush_value(op, op->cls->column_of[slot]);
    else v = mr_entity_slot(entity, slot);
    if (v->kind != MR_UNLOADED || !mr_entity_has_identity(entity)) return v;
    /* It is not loaded: the identity has the key. */
    const mr_mapper *mapper = entity->mapper;
    for (unsigned i = 0; i < mapper->npk; i++) {
        if (mapper->pk_slots[i] != slot) continue;
        mr_value *key = mr_flush_keys(flush, mapper->npk);
        if (!key) return NULL;
        mr_entity_key(entity, key);
        *room = key[i];
        return room;
    }
    return v;
}

/* Converts a value to the type of the column that the relationship copies it to. Bytes of the result may be in room. */
static mr_value foreign_value(const mr_type *type, const mr_value *v, char *room, size_t size) {
    mr_value made = *v;
    bool text = mr_type_is_string(type);
    char *end = room;
    made.flags = 0;
    if (text && v->kind == MR_INT) return mr_text_value(room, (size_t)snprintf(room, size, "%lld", (long long)v->u.i));
    if (text && v->kind == MR_FLOAT) return mr_text_value(room, mr_print_float(room, size, 15, v->u.d));
    if (text && v->kind == MR_DECIMAL) made.kind = MR_TEXT;
    bool number = mr_type_is_integer(type) || mr_type_is_float(type);
    if (!number || (v->kind != MR_TEXT && v->kind != MR_DECIMAL) || v->len == 0 || v->len >= size) return made;
    memcpy(room, v->u.s, v->len);
    room[v->len] = '\0';
    if (mr_type_is_float(type)) {
        double d;
        bool plain = strspn(room, " +-.0123456789eE") == v->len; /* the database treats "nan" and "0x10" as text */
        return plain && mr_parse_float(room, &d) ? mr_float_value(d) : made;
    }
    errno = 0;
    long long i = strtoll(room, &end, 10);
    return *end == '\0' && errno == 0 ? mr_int_value(i) : made;
}

mr_status mr_flush_stage_sync(mr_flush *flush, flush_op *op, const flush_sync *sync) {
    const mr_relationship *rel = sync->rel;
    bool own = rel->direction == MR_MANY_TO_ONE;
    for (unsigned i = 0; i < rel->npairs; i++) {
        const mr_column_pair *pair = &rel->pairs[i];
        uint16_t to = own ? pair->local_slot : pair->remote_slot, from = own ? pair->remote_slot : pair->local_slot;
        uint16_t c = to < op->cls->nslots ? op->cls->column_of[to] : FLUSH_NO_COLUMN;
        if (c == FLUSH_NO_COLUMN || from == UINT16_MAX) continue;
        mr_value room, none = mr_null_value();
        const mr_value *v = sync->source ? mr_flush_entity_value(flush, sync->source, from, &room) : &none;
        if (!v) return MR_FAIL;
        if (v->kind == MR_UNLOADED || v->kind >= MR_OPAQUE) v = &none;
        char digits[32];
        mr_value foreign;
        if (rel->mixed) {
            foreign = foreign_value(op->cls->columns[c].type, v, digits, sizeof digits);
            v = &foreign;
        }
        if (mr_flush_stage(flush, op, c, v) != MR_OK) return MR_FAIL;
        op->staged[c].tag = sync->cascaded ? STAGED_CASCADED : 0;
    }
    return MR_OK;
}

/* A new object takes the row of a deleted one: must its foreign key be cleared, because nothing else sets it? */
static bool clears_switched(const flush_op *op, const mr_relationship *rel) {
    for (unsigned i = 0; i < rel->npairs; i++) {
        uint16_t slot = rel->pairs[i].local_slot;
        if (slot != UINT16_MAX && mr_flush_slot(op, slot)->kind != MR_UNLOADED) return false;
    }
    return (op->flags & OP_ROW_SWITCH) != 0;
}

/* Stages the foreign key of a many-to-one that is changed, or that belongs to a new entity. */
static mr_status stage_many_to_one(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    const mr_value *v = mr_flush_slot(op, rel->prop->slot);
    flush_sync sync = {.rel = rel};
    if (op->kind == OP_UPDATE && !mr_entity_is_dirty(op->entity, rel->prop->slot)) return MR_OK;
    if (v->kind == MR_ENTITY) {
        const flush_op *target = mr_flush_op_of(flush, v->u.p);
        bool gone = target && target->kind == OP_DELETE, made = target && target->kind == OP_INSERT;
        if (op->kind == OP_INSERT && (v->flags & MR_VALUE_KEPT) && !made) return MR_OK;
        if (!gone && !mr_flush_has_row(flush, v->u.p))
            return MR_OK; /* the target is not in the session: a warning was logged */
        if (!gone) sync.source = v->u.p;
    } else if (v->kind != MR_NULL) {
        return MR_OK;
    }
    if (!sync.source && op->kind == OP_INSERT && !clears_switched(op, rel)) return MR_OK;
    return mr_flush_stage_sync(flush, op, &sync);
}

/* Refuses a relationship that would set the key of an existing row to NULL. */
static mr_status check_key_stays(mr_flush *flush, const flush_op *op) {
    const flush_class *cls = op->cls;
    if (op->kind != OP_UPDATE || !op->staged) return MR_OK;
    for (unsigned i = 0; i < cls->mapper->npk; i++) {
        if (op->staged[cls->key[i]].kind != MR_NULL) continue;
        mr_strbuf who;
        mr_strbuf_init(&who, flush->env);
        mr_entity_describe(op->entity, &who);
        const char *text = mr_strbuf_str(&who);
        if (text)
            mr_fail(flush->env, MR_ERR_INVALID_REQUEST,
                    "Dependency rule tried to blank-out primary key column '%s.%s' on instance '<%s>': "
                    "delete the object, or "
                    "give the relationship cascade = \"all, delete-orphan\"",
                    cls->parts[0].table->name, cls->columns[cls->key[i]].column->name, text);
        mr_strbuf_done(&who);
        return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_flush_stage_links(mr_flush *flush, flush_op *op) {
    /* If a child has moved, the old parent clears its key and the new one sets it, found in any order: clear first. */
    for (int setting = 0; setting < 2; setting++)
        for (const flush_sync *sync = op->syncs; sync; sync = sync->next)
            if ((sync->source != NULL) == (setting == 1) && mr_flush_stage_sync(flush, op, sync) != MR_OK)
                return MR_FAIL;
    for (unsigned i = 0; i < op->cls->ndeps; i++) {
        const mr_relationship *rel = op->cls->deps[i];
        if (rel->direction == MR_MANY_TO_ONE && !rel->post_update && stage_many_to_one(flush, op, rel) != MR_OK)
            return MR_FAIL;
    }
    return op->cls->ndeps || op->syncs ? check_key_stays(flush, op) : MR_OK;
}

/* ---------------------------------------------------------------- identities */

static mr_status refuse_null_key(mr_flush *flush, const flush_op *op, const mr_value *key) {
    const flush_class *cls = op->cls;
    for (unsigned i = 0; i < cls->mapper->npk; i++)
        if (key[i].kind == MR_NULL || key[i].kind == MR_UNLOADED)
            return mr_fail(flush->env, MR_ERR_INVALID_REQUEST,
                           "%s: a row of table '%s' has no primary key: set it, or give the column a default",
                           cls->columns[cls->key[i]].what, cls->parts[0].table->name);
    return mr_nomem(flush->env);
}

mr_status mr_flush_stage_identity(mr_flush *flush, flush_op *op) {
    const flush_class *cls = op->cls;
    if (op->flags & OP_GENERATED) return MR_OK;
    mr_value *key = mr_flush_keys(flush, cls->mapper->npk);
    if (!key) return MR_FAIL;
    /* The key of an expired object is known from its identity. */
    bool known = mr_entity_has_identity(op->entity), nullified = false;
    if (known) mr_entity_key(op->entity, key);
    for (unsigned i = 0; i < cls->mapper->npk; i++) {
        const mr_value *v = mr_flush_value(op, cls->key[i]);
        /* A part that is NULL already may stay NULL. */
        if (v->kind == MR_NULL && !(known && key[i].kind == MR_NULL)) nullified = true;
        if (v->kind != MR_UNLOADED && v->kind != STAGED_BY_SERVER) key[i] = *v;
        else if (!known || v->kind == STAGED_BY_SERVER) key[i] = mr_value_of(MR_UNLOADED, 0);
    }
    mr_value made;
    if (nullified || !mr_identity_make(cls->mapper, key, &flush->identity, &made))
        return refuse_null_key(flush, op, key);
    mr_value copy;
    if (mr_value_copy(flush->env, &copy, &made) != MR_OK) return MR_FAIL;
    mr_value_clear(flush->env, &op->identity);
    op->identity = copy;
    flush->owns = true;
    return MR_OK;
}

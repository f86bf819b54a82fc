/*
 * configure.c: resolves the names, joins and backrefs of all declared classes.
 *
 * Invariant: everything is computed in plans. The mappings are changed only at the end, when there is no mistake and
 * nothing can fail any more. All mistakes are reported together, and what only follows from another one is not.
 */
#include "configure_private.h"

#include <string.h>

/* ---------------------------------------------------------------- mistakes */

static void begin_mistake(configuration *c, const mr_property *prop) {
    mr_strbuf_printf(&c->mistakes, "\n  %s.%s: ", prop->mapper->name, prop->name);
    c->nmistakes++;
}

mr_status mr_configure_mistake(configuration *c, plan *p, const char *fmt, ...) {
    begin_mistake(c, p->rel->prop);
    va_list args;
    va_start(args, fmt);
    mr_strbuf_vprintf(&c->mistakes, fmt, args);
    va_end(args);
    p->failed = true;
    return MR_OK;
}

mr_status mr_configure_note_error(configuration *c, plan *p, const mr_property *prop) {
    const mr_error *error = mr_env_error(c->env);
    if (p) p->failed = true;
    if (error->kind == MR_ERR_NO_MEMORY || error->kind == MR_ERR_NONE) return MR_FAIL;
    begin_mistake(c, prop);
    /* The message may begin with the attribute's name already. */
    const char *message = error->message;
    size_t len = strlen(prop->mapper->name);
    if (strncmp(message, prop->mapper->name, len) == 0 && message[len] == '.' &&
        strncmp(message + len + 1, prop->name, strlen(prop->name)) == 0) {
        const char *rest = message + len + 1 + strlen(prop->name);
        if (rest[0] == ':' && rest[1] == ' ') message = rest + 2;
    }
    mr_strbuf_puts(&c->mistakes, message);
    if (error->kind == MR_ERR_CALLBACK && !c->own) {
        c->own = mr_env_save_error(c->env);
        if (!c->own) return MR_FAIL;
    }
    mr_env_clear_error(c->env);
    return MR_OK;
}

/* The error of a function of the program's is itself where it is alone. */
static mr_status report(configuration *c) {
    if (c->mistakes.oom) return mr_nomem(c->env);
    const char *text = c->mistakes.data;
    if (c->nmistakes == 1 && c->own) {
        mr_env_restore_error(c->env, c->own);
        c->own = NULL;
        return MR_FAIL;
    }
    if (c->nmistakes == 1) return mr_fail(c->env, MR_ERR_MAPPING, "%s", text + strlen("\n  "));
    return mr_fail(c->env, MR_ERR_MAPPING, "%lu mappings are wrong:%s", (unsigned long)c->nmistakes, text);
}

/* ---------------------------------------------------------------- plans */

static mr_status copy_list(mr_env *env, mr_vec *dst, const mr_vec *src) {
    mr_vec_init(dst, env, sizeof(mr_column *));
    if (src->len == 0) return MR_OK;
    if (mr_vec_reserve(dst, src->len) != MR_OK) return MR_FAIL;
    memcpy(dst->data, src->data, src->len * sizeof(mr_column *));
    dst->len = src->len;
    return MR_OK;
}

plan *mr_configure_plan(configuration *c, mr_relationship *rel) {
    plan *p = mr_calloc(c->env, sizeof *p);
    if (!p) return NULL;
    p->rel = rel;
    p->work = *rel;
    p->work.primaryjoin = mr_node_retain(rel->primaryjoin);
    p->work.secondaryjoin = mr_node_retain(rel->secondaryjoin);
    p->work.order_by = mr_node_retain(rel->order_by);
    mr_vec_init(&p->work.remote_side, c->env, sizeof(mr_column *));
    if (copy_list(c->env, &p->work.foreign_keys, &rel->foreign_keys) != MR_OK ||
        copy_list(c->env, &p->work.remote_side, &rel->remote_side) != MR_OK || mr_vec_push_ptr(&c->plans, p) != MR_OK) {
        mr_relationship_done(&p->work);
        mr_free(c->env, p);
        return NULL;
    }
    p->number = c->plans.len - 1;
    rel->plan = p;
    return p;
}

static void free_plans(configuration *c) {
    for (size_t i = 0; i < c->plans.len; i++) {
        mr_relationship_done(&plan_at(c, i)->work);
        plan_at(c, i)->rel->plan = NULL;
        mr_free(c->env, plan_at(c, i));
    }
    mr_vec_done(&c->plans);
    mr_map_free(c->backrefs);
    if (c->writers.env) mr_vec_done(&c->writers);
}

/* Makes plans for the relationships that have none. *found: was there one? */
static mr_status collect(configuration *c, bool *found) {
    *found = false;
    for (size_t i = 0; i < c->registry->mappers.len; i++) {
        const mr_mapper *m = mr_vec_ptr(&c->registry->mappers, i);
        for (size_t k = 0; k < m->props.len; k++) {
            mr_relationship *rel = mapper_prop(m, k)->relationship;
            if (!rel || mapper_prop(m, k)->mapper != m || rel->configured || rel->plan) continue;
            if (!mr_configure_plan(c, rel)) return MR_FAIL;
            *found = true;
        }
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- steps */

/* What values of the type are compared as: numbers with numbers, text with text. 0: that is not known. */
static int comparison_of(const mr_type *type) {
    if (!mr_type_is_known(type) || mr_type_is_any(type) || type->variants || type->decorator) return 0;
    if (mr_type_is_number(type)) return MR_GROUP_INTEGER;
    return mr_type_is_text(type) ? MR_GROUP_STRING : (int)type->rules->group;
}

/* A foreign key whose type was written, and is another one than that of its key, which is no error in each database. */
static void warn_of_type(configuration *c, const mr_property *prop, const mr_foreign_key *fk) {
    const mr_type *own = prop->column->type;
    mr_column *key = fk->referred;
    const mr_type *other = key ? mr_column_type(c->env, key) : NULL;
    if (!own || !other || own == other || prop->column->declared || key->declared) return;
    const int a = comparison_of(own), b = comparison_of(other);
    if (!a || !b || (a == b && mr_type_same_form(own, other))) return;
    char left[MR_TYPE_NAME], right[MR_TYPE_NAME];
    mr_warn(c->env,
            "%s.%s is %s, and refers to %s.%s, which is %s: %s: leave the type out, and the column has that of its key",
            prop->mapper->name, prop->name, mr_type_name(own, left), key->table->name, key->name,
            mr_type_name(other, right),
            a == b ? "the database compares them as they are stored, and finds none equal"
                   : "PostgreSQL refuses such a foreign key, and SQLite may find no row by it");
}

static mr_status resolve_foreign_keys(configuration *c, plan *p, const mr_property *prop, mr_column *column) {
    for (mr_foreign_key *fk = column->foreign_keys; fk; fk = fk->next)
        if (mr_foreign_key_resolve(c->env, fk) != MR_OK && mr_configure_note_error(c, p, prop) != MR_OK) return MR_FAIL;
    return MR_OK;
}

static mr_status resolve_columns(configuration *c) {
    for (size_t i = 0; i < c->registry->mappers.len; i++) {
        const mr_mapper *m = mr_vec_ptr(&c->registry->mappers, i);
        for (size_t k = 0; k < m->columns.len; k++) {
            const mr_property *prop = mr_vec_ptr(&m->columns, k);
            if (prop->mapper == m && resolve_foreign_keys(c, NULL, prop, prop->column) != MR_OK) return MR_FAIL;
        }
    }
    return MR_OK;
}

/* Once for each class. */
static void warn_of_types(configuration *c) {
    for (size_t i = 0; i < c->registry->mappers.len; i++) {
        mr_mapper *m = mr_vec_ptr(&c->registry->mappers, i);
        for (size_t k = 0; !m->keys_compared && k < m->columns.len; k++) {
            const mr_property *prop = mr_vec_ptr(&m->columns, k);
            if (prop->mapper != m) continue;
            for (const mr_foreign_key *fk = prop->column->foreign_keys; fk; fk = fk->next) warn_of_type(c, prop, fk);
        }
        m->keys_compared = true;
    }
}

static const char *next_class(void *ud, size_t i) {
    const mr_registry *registry = ud;
    return i < registry->mappers.len ? ((const mr_mapper *)mr_vec_ptr(&registry->mappers, i))->name : NULL;
}

/* Finds the target by its name, when resolve has not set it. */
static mr_status find_target(configuration *c, plan *p) {
    const char *name = p->work.target_name;
    if (!name) return mr_configure_mistake(c, p, "it has no target: give the related class, or its name");
    p->work.target = mr_registry_find(c->registry, name);
    if (p->work.target) return MR_OK;
    for (size_t i = 0; i < c->registry->mappers.len; i++) {
        const mr_mapper *m = mr_vec_ptr(&c->registry->mappers, i);
        if (m->table && strcmp(m->table->name, name) == 0 && strcmp(m->name, name) != 0)
            return mr_configure_mistake(c, p, "there is no class '%s': the class of the table '%s' is '%s'", name, name,
                                        m->name);
    }
    const char *near = mr_nearest(name, next_class, c->registry);
    return mr_configure_mistake(c, p, "there is no class '%s'%s", name,
                                near ? mr_hint(c->env, near) : ": declare it before its mapping is used");
}

static mr_status resolve(configuration *c, plan *p) {
    p->resolved = true;
    if (p->work.resolve && p->work.resolve(c->env, p->work.resolve_ud, &p->work) != MR_OK)
        return mr_configure_note_error(c, p, p->rel->prop);
    return p->work.target ? MR_OK : find_target(c, p);
}

/* Resolves all relationships, also those of classes that a resolve callback declares meanwhile. */
static mr_status resolve_all(configuration *c) {
    bool found = true;
    while (found) {
        if (collect(c, &found) != MR_OK) return MR_FAIL;
        for (size_t i = 0; i < c->plans.len; i++)
            if (!plan_at(c, i)->resolved && resolve(c, plan_at(c, i)) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status join(configuration *c, plan *p) {
    mr_table *secondary = p->work.secondary;
    for (unsigned i = 0; secondary && i < secondary->ncolumns; i++)
        if (resolve_foreign_keys(c, p, p->rel->prop, secondary->columns[i]) != MR_OK) return MR_FAIL;
    if (p->failed) return MR_OK;
    mr_strbuf why;
    mr_strbuf_init(&why, c->env);
    mr_status status = mr_join_determine(c->env, &p->work, &why);
    if (status == MR_NOTFOUND) {
        p->failed = true;
        if (why.len) status = mr_configure_mistake(c, p, "%s", why.data);
        else status = MR_OK;
    }
    mr_strbuf_done(&why);
    return status == MR_OK ? mr_configure_settle(c, p) : status;
}

static mr_status settle_cascade(configuration *c, plan *p) {
    mr_relationship *rel = &p->work;
    const unsigned writes = MR_CASCADE_SAVE_UPDATE | MR_CASCADE_DELETE | MR_CASCADE_DELETE_ORPHAN;
    if (!rel->cascade_given)
        rel->cascade = rel->viewonly ? MR_CASCADE_MERGE : MR_CASCADE_SAVE_UPDATE | MR_CASCADE_MERGE;
    if (rel->viewonly && (rel->cascade & writes))
        return mr_configure_mistake(c, p,
                                    "a viewonly relationship writes nothing: leave save-update, delete and "
                                    "delete-orphan out of its cascade");
    if ((rel->cascade & MR_CASCADE_DELETE_ORPHAN) && !(rel->cascade & MR_CASCADE_DELETE))
        return mr_configure_mistake(c, p,
                                    "the cascade 'delete-orphan' requires 'delete': write \"all, delete-orphan\"");
    if ((rel->cascade & MR_CASCADE_DELETE_ORPHAN) && rel->direction != MR_ONE_TO_MANY && !rel->single_parent)
        return mr_configure_mistake(c, p,
                                    "delete-orphan belongs on the one side of a one-to-many relationship, "
                                    "and this is %s: move it there, or set single_parent = true",
                                    rel->direction == MR_MANY_TO_ONE ? "many-to-one" : "many-to-many");
    if (rel->passive_deletes == 2 && (rel->cascade & (MR_CASCADE_DELETE | MR_CASCADE_DELETE_ORPHAN)))
        return mr_configure_mistake(c, p,
                                    "passive_deletes = \"all\" leaves the related rows to the database: "
                                    "leave delete and delete-orphan out of its cascade");
    return MR_OK;
}

mr_status mr_configure_settle(configuration *c, plan *p) {
    mr_relationship *rel = &p->work;
    if (p->failed) return MR_OK;
    if (rel->uselist < 0) rel->uselist = rel->direction == MR_MANY_TO_ONE ? 0 : 1;
    if (mr_configure_collection(c, p) != MR_OK) return MR_FAIL;
    if (p->failed) return MR_OK;
    if ((unsigned)rel->lazy >= MR_LAZY__COUNT)
        return mr_configure_mistake(c, p, "its lazy is strategy %d, which does not exist", (int)rel->lazy);
    if (mr_relationship_is_queried(rel) && (!rel->uselist || rel->collection != MR_COLLECTION_LIST || rel->position))
        return mr_configure_mistake(c, p,
                                    "lazy = \"dynamic\" and \"write_only\" are for collections without a "
                                    "collection_class, which are queried: this is %s",
                                    rel->uselist ? "a set, a dict or an ordering list" : "one object");
    return settle_cascade(c, p);
}

/* Is the attribute one that a backref makes, for the class or one that it inherits from, or would make if nothing were
 * wrong with its relationship? */
static bool is_coming(const configuration *c, const mr_mapper *mapper, const char *name) {
    for (size_t i = 0; i < c->plans.len; i++) {
        const plan *p = plan_at(c, i);
        const mr_property *prop = p->rel->prop;
        if (p->is_backref && prop->name == name && mr_mapper_isa(mapper, prop->mapper)) return true;
        if (p->failed && p->work.backref == name) return true;
    }
    return false;
}

/* A synonym must stand for an attribute, in the end. */
static mr_status check_synonym(configuration *c, const mr_property *prop) {
    const mr_mapper *m = prop->mapper;
    const mr_property *last = prop;
    for (size_t i = 0; last && last->kind == MR_PROPERTY_SYNONYM && i <= m->props.len; i++) {
        const mr_property *next = mr_mapper_property(m, last->synonym_of, false);
        if (!next && is_coming(c, m, last->synonym_of)) return MR_OK;
        if (!next) {
            mr_fail(c->env, MR_ERR_MAPPING, "it is a synonym of '%s', which %s does not have%s", last->synonym_of,
                    m->name, mr_hint(c->env, mr_mapper_nearest(m, last->synonym_of)));
            return mr_configure_note_error(c, NULL, prop);
        }
        last = next;
    }
    if (last->kind != MR_PROPERTY_SYNONYM) return MR_OK;
    mr_fail(c->env, MR_ERR_MAPPING, "it is a synonym of itself, by way of '%s'", prop->synonym_of);
    return mr_configure_note_error(c, NULL, prop);
}

/* Why the class can have no validator of the attribute; NULL: it can. *cure: the end of the message. */
static const char *wrong_validator(const configuration *c, const mr_mapper *m, const char *name, const char **cure) {
    const mr_property *prop = mr_mapper_property(m, name, false);
    *cure = "";
    if (!prop && is_coming(c, m, name)) return NULL;
    if (!prop) {
        *cure = mr_hint(c->env, mr_mapper_nearest(m, name));
        return "there is no such attribute";
    }
    if (prop->kind == MR_PROPERTY_SYNONYM) return "it is a synonym: validate the attribute that it stands for";
    if (prop->kind == MR_PROPERTY_EXPRESSION || prop->computed) return "it is computed by the database and never set";
    return NULL;
}

static void check_validators(configuration *c, const mr_mapper *m) {
    for (const mr_validator *v = m->validators; v; v = v->next) {
        const char *cure, *problem = wrong_validator(c, m, v->name, &cure);
        if (!problem) continue;
        mr_strbuf_printf(&c->mistakes, "\n  %s.__validators.%s: %s%s", m->name, v->name, problem, cure);
        c->nmistakes++;
    }
}

/* A class between the base and its subclasses may do without an identity: no object is of it (see the flush). */
static void check_identity(configuration *c, const mr_mapper *m) {
    const mr_mapper *top = mr_mapper_polymorphic(m);
    if (m->subclasses.len > 0 || m->polymorphic_fallback || !mr_mapper_lacks_identity(m)) return;
    mr_strbuf_printf(&c->mistakes,
                     "\n  %s: it has no polymorphic_identity, and its rows would count as those of %s: give it "
                     "__mapper_args = { polymorphic_identity = ... }, the value that %s has in its rows",
                     m->name, top->name, m->discriminator ? m->discriminator->name : "polymorphic_on");
    c->nmistakes++;
}

/* The properties of this class's validators are there now. */
static void attach_validators(mr_mapper *m) {
    for (const mr_validator *v = m->validators; v; v = v->next) {
        mr_property *prop = mr_mapper_property(m, v->name, false);
        prop->validate = v->fn;
        prop->validate_ud = v->ud;
        /* The side that loses an object asks who has it. */
        if (prop->kind == MR_PROPERTY_RELATIONSHIP) m->registry->listened = true;
    }
    m->validators = NULL;
}

/* Calls fn for each attribute of the kind, once. */
static mr_status each_property(configuration *c, mr_property_kind kind,
                               mr_status (*fn)(configuration *c, const mr_property *prop)) {
    for (size_t i = 0; i < c->registry->mappers.len; i++) {
        const mr_mapper *m = mr_vec_ptr(&c->registry->mappers, i);
        for (size_t k = 0; k < m->props.len; k++)
            if (mapper_prop(m, k)->kind == kind && mapper_prop(m, k)->mapper == m && fn(c, mapper_prop(m, k)) != MR_OK)
                return MR_FAIL;
    }
    return MR_OK;
}

static mr_status express(configuration *c, const mr_property *prop) {
    bool partial = c->registry->partial;
    /* Its function, whose turn came first, has asked for what waits for the configuration. */
    if (prop->expressing) return MR_OK;
    c->registry->awaited = false;
    if (mr_property_express((mr_property *)(uintptr_t)prop) == MR_OK) return MR_OK;
    if (!partial || !c->registry->awaited) return mr_configure_note_error(c, NULL, prop);
    mr_env_clear_error(c->env);
    return MR_OK;
}

/* Makes the expressions of attributes that are some, and asks the layers above what is wrong with theirs. */
static mr_status look_at_others(configuration *c) {
    mr_status status = each_property(c, MR_PROPERTY_EXPRESSION, express);
    if (status != MR_OK || !c->registry->find_mistakes) return status;
    return c->registry->find_mistakes(c->registry, &c->mistakes, &c->nmistakes);
}

/* Something is wrong, so no relationship gets its join: looks for the mistakes that do not wait for one. */
static mr_status look_further(configuration *c) {
    c->registry->partial = true;
    mr_status status = look_at_others(c);
    c->registry->partial = false;
    return status == MR_OK ? report(c) : status;
}

static mr_status compute(configuration *c) {
    if (c->registry->before_configure && c->registry->before_configure(c->env) != MR_OK) return MR_FAIL;
    if (resolve_all(c) != MR_OK || resolve_columns(c) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < c->plans.len; i++)
        if (!plan_at(c, i)->failed && join(c, plan_at(c, i)) != MR_OK) return MR_FAIL;
    if (mr_configure_backrefs(c) != MR_OK || mr_configure_back_populates(c) != MR_OK) return MR_FAIL;
    if (each_property(c, MR_PROPERTY_SYNONYM, check_synonym) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < c->registry->mappers.len; i++) check_validators(c, mr_vec_ptr(&c->registry->mappers, i));
    for (size_t i = 0; i < c->registry->mappers.len; i++) check_identity(c, mr_vec_ptr(&c->registry->mappers, i));
    return c->nmistakes || c->mistakes.oom ? look_further(c) : MR_OK;
}

/* ---------------------------------------------------------------- publishing */

static mapper_cell *cell_at(const mr_vec *mappers, size_t i) { return mr_vec_ptr(mappers, i); }

/* Room for the backrefs: a class gets those of its bases as well, and a slot that is free in all of its family. */
static mr_status reserve(configuration *c) {
    const mr_vec *mappers = &c->registry->mappers;
    for (size_t i = 0; i < mappers->len; i++) cell_at(mappers, i)->coming = 0;
    for (size_t i = 0; i < c->plans.len; i++) {
        const plan *p = plan_at(c, i);
        for (mr_mapper *m = NULL; p->is_backref && (m = mr_mapper_next_below(p->rel->parent, m));)
            ((mapper_cell *)m)->coming++;
    }
    for (size_t i = 0; i < mappers->len; i++) {
        mapper_cell *cell = cell_at(mappers, i);
        if (cell->coming > 0 && mr_mapper_reserve_own(&cell->mapper, cell->coming) != MR_OK) return MR_FAIL;
    }
    return mr_configure_reserve_warn(c);
}

static void publish(configuration *c) {
    for (size_t i = 0; i < c->plans.len; i++) {
        plan *p = plan_at(c, i);
        mr_relationship *rel = p->rel;
        if (p->is_backref) mr_mapper_attach(rel->prop->mapper, rel->prop);
        mr_relationship_done(rel);
        *rel = p->work;
        rel->configured = true;
        rel->plan = p;
        if (p->partner && !p->partner->reverse) p->partner->reverse = rel;
        memset(&p->work, 0, sizeof p->work);
    }
    for (size_t i = 0; i < c->plans.len; i++) mr_join_find_slots(plan_at(c, i)->rel);
    for (size_t i = 0; i < c->registry->mappers.len; i++) {
        mr_mapper *m = mr_vec_ptr(&c->registry->mappers, i);
        if (!m->configured) m->int_key = mr_mapper_has_int_key(m);
        bool known = m->configured && !m->untyped; /* the type of a foreign key is known now */
        for (size_t k = 0; !known && k < m->columns.len; k++) {
            mr_property *prop = mr_vec_ptr(&m->columns, k);
            const mr_type *type = mr_column_type(c->env, prop->column);
            mr_property_set_read_slot(prop, type);
            if (type->decorator || type->variants || type->rules->fits_by_dialect) m->decorated = true;
        }
        m->untyped = false;
        m->configured = true;
        attach_validators(m);
    }
    c->registry->version++;
    c->registry->dirty = false;
}

/* Expressions may be about relationships, so these are published before. A mistake leaves them so; the next use of the
 * mappings reports it again. */
static mr_status express_all(configuration *c) {
    mr_status status = look_at_others(c);
    if (status == MR_OK && (c->nmistakes || c->mistakes.oom)) status = report(c);
    if (status != MR_OK) c->registry->dirty = true;
    return status;
}

mr_mapper *mr_relationship_leads_to(const mr_relationship *rel) {
    if (rel->configured || !rel->plan) return rel->target;
    return rel->plan->failed ? NULL : rel->plan->work.target;
}

bool mr_mapper_awaits(const mr_mapper *mapper, const char *name) {
    mr_registry *registry = mapper->registry;
    for (size_t i = 0; registry->partial && i < registry->mappers.len; i++) {
        const mr_mapper *m = mr_vec_ptr(&registry->mappers, i);
        for (size_t k = 0; k < m->props.len; k++) {
            const mr_relationship *rel = mapper_prop(m, k)->relationship;
            if (!rel || rel->configured || !rel->backref || strcmp(rel->backref, name) != 0) continue;
            registry->awaited = true;
            return true;
        }
    }
    return false;
}

mr_status mr_registry_configure(mr_registry *registry) {
    registry_cell *cell = (registry_cell *)registry;
    if (!registry->dirty || cell->configuring) return MR_OK;
    configuration c = {.env = registry->env, .registry = registry};
    mr_vec_init(&c.plans, c.env, sizeof(plan *));
    mr_strbuf_init(&c.mistakes, c.env);
    cell->configuring = true;
    mr_status status = compute(&c);
    if (status == MR_OK) status = reserve(&c);
    if (status == MR_OK) publish(&c);
    if (status == MR_OK) status = express_all(&c);
    cell->configuring = false;
    if (status == MR_OK) warn_of_types(&c);
    if (status == MR_OK) mr_configure_warn(&c);
    free_plans(&c);
    mr_error_free(c.env, c.own);
    mr_strbuf_done(&c.mistakes);
    if (status == MR_OK && registry->after_configure) status = registry->after_configure(registry->env);
    return status;
}

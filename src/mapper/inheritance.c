/*
 * inheritance.c: what a class has from its base class, and how the rows of a family of classes tell of which class they
 * are.
 *
 * Invariant: the classes of one family have different identities. Mistakes are noted as they are found, and reported in
 * one error, so that a program is mended in one go.
 */
#include "mapper_private.h"

#include <string.h>

/* ---------------------------------------------------------------- mistakes */

void mr_inheritance_mistake(mr_mapper *mapper, const char *fmt, ...) {
    mapper_cell *cell = (mapper_cell *)mapper;
    if (!cell->nmistakes++) mr_strbuf_init(&cell->mistakes, mapper->env);
    mr_strbuf_puts(&cell->mistakes, "\n  ");
    va_list args;
    va_start(args, fmt);
    mr_strbuf_vprintf(&cell->mistakes, fmt, args);
    va_end(args);
}

void mr_mapper_mistake(mr_mapper *mapper, const char *message) {
    mr_inheritance_mistake(mapper, "%s", message);
    ((mapper_cell *)mapper)->of_body = true;
}

/* Notes each of the mistakes that the message tells in lines of their own. */
static void note_lines(mr_mapper *mapper, const char *message) {
    for (const char *line = strstr(message, "\n  "), *end; line; line = end) {
        line += strlen("\n  ");
        end = strstr(line, "\n  ");
        mr_inheritance_mistake(mapper, "%.*s", (int)(end ? (size_t)(end - line) : strlen(line)), line);
    }
}

mr_status mr_inheritance_note_error(mr_mapper *mapper) {
    const mr_error *error = mr_env_error(mapper->env);
    bool of_body = ((mapper_cell *)mapper)->of_body;
    if (error->kind != MR_ERR_ARGUMENT && !(of_body && error->kind == MR_ERR_MAPPING)) return MR_FAIL;
    if (strstr(error->message, "\n  ")) note_lines(mapper, error->message);
    else mr_inheritance_mistake(mapper, "%s", error->message);
    ((mapper_cell *)mapper)->of_table = true;
    mr_env_clear_error(mapper->env);
    return MR_OK;
}

void mr_inheritance_forget(mr_mapper *mapper) {
    mapper_cell *cell = (mapper_cell *)mapper;
    if (cell->nmistakes) mr_strbuf_done(&cell->mistakes);
    cell->nmistakes = 0;
    cell->of_body = false;
}

mr_status mr_inheritance_report(mr_mapper *mapper) {
    mapper_cell *cell = (mapper_cell *)mapper;
    if (!cell->nmistakes) return MR_OK;
    const char *text = mr_strbuf_str(&cell->mistakes);
    mr_errkind kind = cell->of_table && !cell->of_body ? MR_ERR_ARGUMENT : MR_ERR_MAPPING;
    if (text && cell->nmistakes == 1) mr_fail(mapper->env, kind, "%s", text + strlen("\n  "));
    else if (text)
        mr_fail(mapper->env, MR_ERR_MAPPING,
                cell->of_body ? "%s: %u mistakes:%s" : "%s: %u mistakes in its inheritance:%s", mapper->name,
                cell->nmistakes, text);
    mr_inheritance_forget(mapper);
    return MR_FAIL;
}

/* ---------------------------------------------------------------- from the base */

static void take_over(mr_mapper *m, const mr_mapper *base) {
    if (m->eager_defaults == MR_EAGER_INSERT) m->eager_defaults = base->eager_defaults;
    if (!m->confirm_inserted_rows) m->confirm_inserted_rows = base->confirm_inserted_rows;
    if (!m->confirm_deleted_rows) m->confirm_deleted_rows = base->confirm_deleted_rows;
    if (!m->discriminator && !m->polymorphic_on) {
        m->discriminator = base->discriminator;
        m->polymorphic_on = mr_node_retain(base->polymorphic_on);
    } else if (base->discriminator || base->polymorphic_on) {
        mr_inheritance_mistake(m, "%s has polymorphic_on, which %s gives already: leave it out", m->name, base->name);
    }
    if (m->version) return;
    m->version = base->version;
    m->version_generator = base->version_generator;
    m->version_ud = base->version_ud;
    m->version_by_hand = base->version_by_hand;
}

/* ---------------------------------------------------------------- identities */

const mr_mapper *mr_mapper_polymorphic(const mr_mapper *mapper) {
    const mr_mapper *top = NULL;
    for (; mapper && (mapper->discriminator || mapper->polymorphic_on); mapper = mapper->base) top = mapper;
    return top;
}

bool mr_mapper_lacks_identity(const mr_mapper *mapper) {
    return mapper->polymorphic_identity.kind == MR_UNLOADED && mr_mapper_polymorphic(mapper) &&
           mr_mapper_polymorphic(mapper) != mapper;
}

/* Makes the identity, which is the program's value, the one that is stored: the type has functions of the program. */
static mr_status send_identity(mr_env *env, const mr_type *type, const char *what, mr_value *id) {
    mr_store_room room = {.env = env, .written = true, .what = what, .mistake = true};
    mr_value sent = *id, made = mr_null_value();
    sent.flags = 0;
    mr_status status = type->decorator->send(env, type, &sent, &room);
    if (status == MR_OK) status = mr_value_copy(env, &made, &sent);
    mr_store_done(&room);
    if (status != MR_OK) return status;
    mr_value_clear(env, id);
    *id = made;
    return MR_OK;
}

/* Converts the identity to what the column of polymorphic_on holds. */
static void convert_identity(mr_mapper *m) {
    mr_value *id = &m->polymorphic_identity;
    const mr_column *column = m->discriminator ? m->discriminator->column : NULL;
    mr_strbuf what;
    mr_strbuf_init(&what, m->env);
    mr_strbuf_printf(&what, "%s: polymorphic_identity", m->name);
    const char *text = mr_strbuf_str(&what);
    const mr_type *type = column ? column->type : NULL;
    bool own = type && type->decorator && type->decorator->send;
    mr_status status = MR_OK;
    if (own) status = send_identity(m->env, type, text, id);
    else if (text && type) status = mr_type_coerce(m->env, type, text, id);
    if (status == MR_OK && text && type) status = mr_type_check_length(m->env, type, text, id);
    if (status != MR_OK) {
        mr_inheritance_mistake(m, "%s", mr_env_error(m->env)->message);
        mr_env_clear_error(m->env);
    }
    mr_strbuf_done(&what);
}

void mr_inheritance_check_identity(mr_mapper *m) {
    mr_errkind kind = mr_env_error(m->env)->kind;
    mr_strbuf message;
    mr_strbuf_init(&message, m->env);
    mr_strbuf_puts(&message, mr_env_error(m->env)->message);
    if (!m->discriminator) m->discriminator = m->base->discriminator;
    const char *text = mr_strbuf_str(&message);
    if (text && m->discriminator && m->polymorphic_identity.kind != MR_UNLOADED) {
        mr_env_clear_error(m->env);
        convert_identity(m);
        mr_fail(m->env, kind, "%s", text);
    }
    mr_strbuf_done(&message);
}

/* Keeps the bytes of the identity as long as the environment. */
static mr_status keep_identity(mr_value *id, mr_env *env) {
    if (!mr_kind_is_bytes(id->kind) || (id->flags & MR_VALUE_OWNED)) return MR_OK;
    id->u.s = mr_intern(env, id->u.s, id->len);
    if (id->u.s) return MR_OK;
    *id = mr_value_of(MR_UNLOADED, 0);
    return MR_FAIL;
}

static void compare_with_family(mr_mapper *m) {
    const mr_mapper *top = mr_mapper_polymorphic(m);
    const mr_value *id = &m->polymorphic_identity;
    if (!m->base || (id->kind == MR_UNLOADED && !m->polymorphic_fallback)) return;
    for (mr_mapper *other = NULL; (other = mr_mapper_next_below(m->root, other));) {
        if (id->kind != MR_UNLOADED && mr_value_equal(m->env, &other->polymorphic_identity, id))
            mr_inheritance_mistake(m, "%s has the polymorphic_identity of %s: each class needs its own", m->name,
                                   other->name);
        if (m->polymorphic_fallback && other->polymorphic_fallback && mr_mapper_polymorphic(other) == top)
            mr_inheritance_mistake(m, "%s has polymorphic_fallback, and so has %s: one class of a family can have it",
                                   m->name, other->name);
    }
}

void mr_inheritance_find_discriminator(mr_mapper *m) {
    mr_property *prop = mr_mapper_property(m, m->polymorphic_name, true);
    if (prop && prop->kind != MR_PROPERTY_RELATIONSHIP) {
        m->discriminator = prop;
        return;
    }
    mr_inheritance_mistake(m, "%s: polymorphic_on: there is no column '%s'%s", m->name, m->polymorphic_name,
                           mr_hint(m->env, mr_mapper_nearest(m, m->polymorphic_name)));
}

/* A function may give one of the columns itself: then the attribute of that column is what a new object's class is
 * written to, as if it had been named. */
static void find_discriminator_of_expression(mr_mapper *m) {
    const mr_node *on = m->polymorphic_on;
    if (!on || on->kind != MR_NODE_COLUMN || on->n > 0) return;
    m->discriminator = mr_mapper_property_of_column(m, on->u.column);
    if (!m->discriminator) return;
    mr_node_release(m->polymorphic_on);
    m->polymorphic_on = NULL;
}

mr_status mr_inheritance_settle(mr_mapper *m) {
    mr_value *id = &m->polymorphic_identity;
    if (m->polymorphic_name) mr_inheritance_find_discriminator(m);
    if (m->make_polymorphic_on && m->make_polymorphic_on(m->env, m->polymorphic_ud, m, &m->polymorphic_on) != MR_OK)
        return MR_FAIL;
    find_discriminator_of_expression(m);
    if (m->base) take_over(m, m->base);
    bool tells = m->discriminator || m->polymorphic_on || m->polymorphic_name;
    if (!tells && id->kind != MR_UNLOADED)
        mr_inheritance_mistake(m,
                               "%s has a polymorphic_identity, but no column says of which class a row is: give %s "
                               "__mapper_args = { polymorphic_on = \"NAME\" }, the name of such a column",
                               m->name, m->root->name);
    else if (id->kind != MR_UNLOADED) convert_identity(m);
    if (!tells && m->polymorphic_fallback)
        mr_inheritance_mistake(m, "%s has polymorphic_fallback, but no class of its family has polymorphic_on",
                               m->name);
    if (keep_identity(id, m->env) != MR_OK) return MR_FAIL;
    compare_with_family(m);
    if (mr_mapper_is_single(m) && tells) mr_inheritance_check_single(m);
    return MR_OK;
}

/* ---------------------------------------------------------------- loaded together */

bool mr_mapper_is_inline(const mr_mapper *mapper, const mr_mapper *below) {
    if (mapper == below || !mr_mapper_isa(below, mapper)) return false;
    bool all = mapper->with_polymorphic_all;
    for (; below != mapper && !all; below = below->base)
        if (below->polymorphic_load != MR_POLYMORPHIC_INLINE) return false;
    return true;
}

static bool is_set(const mr_polymorphic *set, mr_mapper *const *classes, unsigned n) {
    return set->n == n && memcmp(set->classes, classes, n * sizeof *classes) == 0;
}

const mr_polymorphic *mr_mapper_with(mr_mapper *mapper, mr_mapper *const *classes, unsigned n) {
    mr_env *env = mapper->env;
    unsigned all = 0, found = 0;
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m));) all++;
    mr_mapper **sorted = mr_alloc(env, (all + (size_t)1) * sizeof(mr_mapper *));
    if (!sorted) return NULL;
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m));) {
        bool wanted = n == 0 && m != mapper;
        for (unsigned i = 0; i < n && !wanted; i++) wanted = classes[i] == m && m != mapper;
        if (wanted) sorted[found++] = m;
    }
    mr_polymorphic *set = mapper->polymorphics;
    while (set && !is_set(set, sorted, found)) set = set->next;
    if (!set) {
        mr_mapper **kept = mr_env_arena(env, (found + (size_t)1) * sizeof(mr_mapper *));
        set = kept ? mr_env_arena(env, sizeof *set) : NULL;
        if (set) {
            memcpy(kept, sorted, found * sizeof(mr_mapper *));
            *set = (mr_polymorphic){{mapper, set}, mapper, found, kept, mapper->polymorphics};
            mapper->polymorphics = set;
        }
    }
    mr_free(env, sorted);
    return set;
}

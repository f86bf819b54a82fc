/*
 * names.c: what the names in a text stand for.
 *
 * Invariant: a name that is not allowed is refused before anybody looks for it.
 */
#include <string.h>

#include "parser.h"

/* ---------------------------------------------------------------- mistakes */

static const mr_criteria_hooks *hooks_of(const mr_parser *p) {
    const mr_criteria_state *state = mr_criteria_state_of(p->env);
    return state ? &state->hooks : NULL;
}

/* Is it the name of a function of lists, which the text has for an attribute? Then that is told. */
static bool lacks_brackets(mr_parser *p, const mr_lexeme *name) {
    if (!mr_parse_asks_list(name->name)) return false;
    (void)mr_criteria_fail(p->env, p->scope, name->at, name->until,
                           "%s asks a list, which stands in parentheses: %s(posts, \"score > 3\")", name->name,
                           name->name);
    return true;
}

static mr_term *unknown(mr_parser *p, const mr_mapper *mapper, const mr_lexeme *name) {
    if (mapper == p->scope->mapper && lacks_brackets(p, name)) return NULL;
    const mr_criteria_hooks *hooks = hooks_of(p);
    const char *near =
        hooks && hooks->nearest ? hooks->nearest(hooks->ud, mapper, name->name) : mr_mapper_nearest(mapper, name->name);
    /* Names that the text may not use are not told. */
    if (p->limits && p->limits->allow) near = NULL;
    (void)mr_criteria_fail(p->env, p->scope, name->at, name->until, "%s has no attribute '%s'%s", mapper->name,
                           name->name, mr_hint(p->env, near));
    return NULL;
}

static bool is_list(const mr_relationship *rel) {
    return rel->uselist == 1 || (rel->uselist < 0 && rel->direction != MR_MANY_TO_ONE);
}

static mr_term *refuse_step(mr_parser *p, const mr_mapper *mapper, const mr_property *prop, const mr_lexeme *name,
                            const mr_lexeme *next) {
    if (prop->kind == MR_PROPERTY_RELATIONSHIP)
        (void)mr_criteria_fail(p->env, p->scope, name->at, next->until,
                               "%s.%s is a list: write any(%s, \"%s ...\"), or all, none, count(%s, ...)", mapper->name,
                               prop->name, prop->name, next->name, prop->name);
    else
        (void)mr_criteria_fail(p->env, p->scope, next->at, next->until, "%s.%s is a value, and has no '%s'",
                               mapper->name, prop->name, next->name);
    return NULL;
}

/* ---------------------------------------------------------------- paths */

/* SQLite joins 64 tables: those of a text, the class and three of the program. */
enum { MOST_PATHS = 60 };

/* The path one step further; the same for the same step. NULL: an error is recorded. */
static mr_path *step(mr_parser *p, mr_path *from, const mr_property *along, const mr_lexeme *name) {
    mr_scope *s = p->scope;
    for (mr_path *path = s->paths; path; path = path->next)
        if (path->from == from && path->along == along) return path;
    if (s->npaths == MOST_PATHS) {
        (void)mr_criteria_fail(
            p->env, s, name->at, name->until,
            "the text follows more than %d references, and SQLite joins no more tables: split it into "
            "several queries",
            MOST_PATHS);
        return NULL;
    }
    mr_path *made = mr_arena_alloc(p->made->arena, sizeof *made);
    if (!made) return NULL;
    *made = (mr_path){from, along, along->relationship->target, s->npaths++, NULL};
    *s->end = made;
    s->end = &made->next;
    return made;
}

/* ---------------------------------------------------------------- what a name is */

static mr_criteria_group group_of(const mr_type *type) {
    switch (type->rules->group) {
    case MR_GROUP_INTEGER:
    case MR_GROUP_FLOAT:
        return MR_CRITERIA_NUMBER;
    case MR_GROUP_DECIMAL:
        return MR_CRITERIA_DECIMAL;
    case MR_GROUP_BOOLEAN:
        return MR_CRITERIA_BOOLEAN;
    case MR_GROUP_STRING:
    case MR_GROUP_WORD:
        return MR_CRITERIA_TEXT;
    case MR_GROUP_BYTES:
        return MR_CRITERIA_BYTES;
    case MR_GROUP_DATE:
        return MR_CRITERIA_DATE;
    case MR_GROUP_TIME:
        return MR_CRITERIA_TIME;
    case MR_GROUP_DATETIME:
        return MR_CRITERIA_DATETIME;
    case MR_GROUP_INTERVAL:
        return MR_CRITERIA_INTERVAL;
    case MR_GROUP_OTHER:
        return MR_CRITERIA_OTHER;
    case MR_GROUP_UNKNOWN:
    case MR_GROUP_ANY:
        break;
    }
    return MR_CRITERIA_ANY;
}

static mr_term *value_term(mr_parser *p, mr_term_kind kind, const mr_lexeme *names, unsigned n, const mr_type *type) {
    mr_term *t = mr_term_new(p, kind, names[0].at, names[n - 1].until, NULL, 0);
    if (!t) return NULL;
    t->type = type;
    t->group = (uint8_t)group_of(type);
    t->real = mr_type_is_float(type);
    t->nullable = true;
    return t;
}

static mr_term *property_term(mr_parser *p, mr_path *path, mr_property *prop, const mr_lexeme *names, unsigned n) {
    const mr_type *type;
    if (prop->kind == MR_PROPERTY_EXPRESSION) {
        if (mr_property_express(prop) != MR_OK) return NULL;
        type = prop->expression->type;
    } else {
        type = mr_column_type(p->env, prop->column);
    }
    mr_term *t = value_term(p, MR_TERM_COLUMN, names, n, type);
    if (!t) return NULL;
    t->prop = prop;
    t->path = path;
    t->nullable =
        path || prop->kind != MR_PROPERTY_COLUMN || prop->column->nullable || prop->mapper != p->scope->mapper;
    return t;
}

/* An attribute that the layer above makes of others. used: how many of the names behind it it takes. NULL with *found:
 * there is one, and it failed. */
static mr_term *described_term(mr_parser *p, mr_mapper *mapper, mr_path *path, const mr_lexeme *names, unsigned i,
                               unsigned n, bool *found) {
    const mr_criteria_hooks *hooks = hooks_of(p);
    mr_criteria_attribute made = {0};
    const char *part = i + 1 < n ? names[i + 1].name : NULL;
    *found = true;
    mr_status status =
        hooks && hooks->describe ? hooks->describe(hooks->ud, mapper, NULL, names[i].name, part, &made) : MR_NOTFOUND;
    *found = status != MR_NOTFOUND;
    if (status == MR_FAIL) (void)mr_criteria_fail_again(p->env, p->scope, names[i].at, names[n - 1].until);
    if (status != MR_OK) return NULL;
    if (made.column) {
        mr_property *prop = mr_mapper_property(mapper, made.column, true);
        if (prop && prop->kind == MR_PROPERTY_COLUMN && i + 2 == n) return property_term(p, path, prop, names, n);
        (void)mr_criteria_fail(p->env, p->scope, names[n - 1].at, names[n - 1].until,
                               "%s.%s is a value, and has no '%s'", mapper->name, names[i + 1].name, names[n - 1].name);
        return NULL;
    }
    const mr_type *type = made.expression->type;
    mr_node_release(made.expression);
    if (i + 1 < n) {
        (void)mr_criteria_fail(p->env, p->scope, names[i + 1].at, names[i + 1].until,
                               "%s.%s is a value, and has no '%s'", mapper->name, names[i].name, names[i + 1].name);
        return NULL;
    }
    mr_term *t = value_term(p, MR_TERM_DESCRIBED, names, n, type);
    if (!t) return NULL;
    t->name = names[i].name;
    t->path = path;
    return t;
}

/* ---------------------------------------------------------------- all */

/* The names with dots between them, behind those that lead to the scope. NULL: no memory. */
static const char *joined(mr_parser *p, const mr_lexeme *names, unsigned n) {
    mr_strbuf b;
    mr_strbuf_init(&b, p->env);
    mr_strbuf_puts(&b, p->scope->prefix);
    for (unsigned i = 0; i < n; i++) mr_strbuf_printf(&b, "%s%s", i ? "." : "", names[i].name);
    const char *s = mr_strbuf_str(&b);
    char *kept = s ? mr_arena_strndup(p->made->arena, s, b.len) : NULL;
    mr_strbuf_done(&b);
    return kept;
}

/* Notes the whole name, and refuses it where it is not allowed. */
static mr_status note_name(mr_parser *p, const mr_lexeme *names, unsigned n) {
    const char *kept = n == 1 && !*p->scope->prefix ? names[0].name : joined(p, names, n);
    mr_named_attribute *name = kept ? mr_vec_push(&p->made->names) : NULL;
    if (!name) return MR_FAIL;
    *name = (mr_named_attribute){kept, p->scope, names[0].at, names[n - 1].until};
    if (mr_criteria_check_name(p->env, p->limits, name) == MR_OK) return MR_OK;
    if (n == 1) (void)lacks_brackets(p, &names[0]); /* a better error than that it is not allowed */
    return MR_FAIL;
}

mr_term *mr_names_resolve(mr_parser *p, const mr_lexeme *names, unsigned n) {
    mr_mapper *mapper = p->scope->mapper;
    mr_path *path = NULL;
    if (note_name(p, names, n) != MR_OK) return NULL;
    for (unsigned i = 0; i < n; i++) {
        mr_property *prop = mr_mapper_property(mapper, names[i].name, true);
        if (!prop) {
            bool found;
            mr_term *made = described_term(p, mapper, path, names, i, n, &found);
            return found ? made : unknown(p, mapper, &names[i]);
        }
        bool last = i + 1 == n;
        if (prop->kind != MR_PROPERTY_RELATIONSHIP) {
            if (!last) return refuse_step(p, mapper, prop, &names[i], &names[i + 1]);
            return property_term(p, path, prop, names, n);
        }
        if (is_list(prop->relationship)) {
            if (!last) return refuse_step(p, mapper, prop, &names[i], &names[i + 1]);
            mr_term *list = mr_term_new(p, MR_TERM_LIST_NAME, names[0].at, names[i].until, NULL, 0);
            if (!list) return NULL;
            list->prop = prop;
            list->path = path;
            list->group = MR_CRITERIA_OTHER;
            return list;
        }
        if (!(path = step(p, path, prop, &names[i]))) return NULL;
        mapper = path->mapper;
    }
    mr_term *t = mr_term_new(p, MR_TERM_REFERENCE, names[0].at, names[n - 1].until, NULL, 0);
    if (!t) return NULL;
    t->path = path;
    t->group = MR_CRITERIA_OBJECT;
    t->nullable = true;
    return t;
}

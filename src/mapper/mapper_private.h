/*
 * mapper_private.h: structures and functions that the files of mapper share.
 *
 * Invariant: every mapper is in the list of cells of its environment, also one whose declaration has failed, so that it
 * is freed with the environment.
 */
#ifndef MOONROW_MAPPER_PRIVATE_H
#define MOONROW_MAPPER_PRIVATE_H

#include <moonrow/mapper.h>

/* A mapper with its place in the list of all mappers. */
typedef struct mapper_cell {
    mr_mapper mapper; /* must be first: a pointer to it is a pointer to the cell */
    bool finished;
    size_t place;       /* among its base's subclasses, once it is finished */
    size_t coming;      /* attributes that a configuration is about to attach to it */
    mr_strbuf mistakes; /* of its inheritance, a line for each, while it is being declared */
    unsigned nmistakes;
    bool of_table; /* one of them is of the table's definition, and not of the mapping */
    bool of_body;  /* one of them was told by mr_mapper_mistake */
    struct mapper_cell *next;
} mapper_cell;

typedef struct registry_cell {
    mr_registry registry; /* must be first */
    mapper_cell *cells;
    mr_map *names;    /* mr_mapper *, by name */
    bool configuring; /* mr_registry_configure is running; a resolve callback may call it again */
} registry_cell;

static inline bool mapper_is_finished(const mr_mapper *m) { return ((const mapper_cell *)m)->finished; }

/* The i-th property of a mapper, inherited ones included. */
static inline mr_property *mapper_prop(const mr_mapper *m, size_t i) { return mr_vec_ptr(&m->props, i); }

/* Makes room for n more properties in this mapper alone. */
mr_status mr_mapper_reserve_own(mr_mapper *mapper, size_t n);
/* The first of mapper and its subclasses that has a property with the name, which is interned, or NULL. */
mr_mapper *mr_mapper_who_has(mr_mapper *mapper, const char *name);
/* Makes a property that belongs to no mapper's list yet. */
mr_property *mr_property_new(mr_mapper *mapper, const char *attribute, mr_property_kind kind);
/* Gives the property its slot, and adds it to the mapper and its subclasses. Cannot fail: room for it was made in all
 * of them before. */
void mr_mapper_attach(mr_mapper *mapper, mr_property *prop);
/* Sets read_slot, for a column of the type; NULL: not known yet. */
void mr_property_set_read_slot(mr_property *prop, const mr_type *type);
/* Is the primary key one integer column? */
bool mr_mapper_has_int_key(const mr_mapper *mapper);

/* Makes room for one more class in the registry: then adding one cannot fail. */
mr_status mr_registry_reserve(mr_registry *registry);
void mr_registry_add(mr_registry *registry, mr_mapper *mapper);

/* Releases the nodes and lists of a relationship. */
void mr_relationship_done(mr_relationship *rel);

/* Finds the join of the tables of rel->parent and rel->target: sets primaryjoin, secondaryjoin, pairs, secondary_pairs,
 * direction, use_get and simple. MR_NOTFOUND: the user has made a mistake; why receives its description and advice, and
 * stays empty when another mistake is the cause. */
mr_status mr_join_determine(mr_env *env, mr_relationship *rel, mr_strbuf *why);
/* The same for the other side of a relationship whose join is known. */
mr_status mr_join_reverse(mr_env *env, const mr_relationship *rel, mr_relationship *reverse);
/* Has a pair two types whose values only the database can compare? The pairs must be set. */
bool mr_join_is_mixed(mr_env *env, const mr_relationship *rel);
/* Sets the slots of the pairs' columns in the parent and in the target. */
void mr_join_find_slots(mr_relationship *rel);

/* ---- inheritance: mistakes are noted, and reported together at the end of the declaration */

/* Notes a mistake in the inheritance of a class that is being declared. */
void mr_inheritance_mistake(mr_mapper *mapper, const char *fmt, ...) MR_PRINTF(2, 3);
/* Finds the attribute that polymorphic_on names, which may be one of a table that was there before. (inheritance.c) */
void mr_inheritance_find_discriminator(mr_mapper *mapper);
/* Notes what is wrong with the identity of a subclass whose table failed, so that both are told. The error of the table
 * stays. (inheritance.c) */
void mr_inheritance_check_identity(mr_mapper *mapper);
/* Takes over from the base class what the class does not say itself, and checks what it says. (inheritance.c) */
mr_status mr_inheritance_settle(mr_mapper *mapper);
/* Notes the error that is recorded, an ArgumentError about the table's definition, as one of them, and clears it.
 * Another error stays: MR_FAIL. (inheritance.c) */
mr_status mr_inheritance_note_error(mr_mapper *mapper);
/* Forgets them: the declaration has failed by another error. (inheritance.c) */
void mr_inheritance_forget(mr_mapper *mapper);
/* MappingError: the mistakes that were noted (ArgumentError: one of the table alone). MR_OK: there are none.
 * (inheritance.c) */
mr_status mr_inheritance_report(mr_mapper *mapper);
/* Joins the class's own table to those of its base class: sets its parts. (joined.c) */
mr_status mr_inheritance_join(mr_mapper *mapper);
/* The class declares a column that its base's table has already, from another subclass. The attribute gets that one if
 * both say the same; else it is a mistake. (single.c) */
void mr_inheritance_share(mr_mapper *mapper, mr_property *prop, mr_column *there);
/* Notes columns of a shared table that other classes could not fill. (single.c) */
void mr_inheritance_check_single(mr_mapper *mapper);

/* Copies the hooks of the base class that propagate to a new class. (hooks.c) */
mr_status mr_hooks_inherit(mr_mapper *mapper);

#endif

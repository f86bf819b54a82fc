/*
 * build.h: the state of making SQL of one criterion, for the files build*.c.
 *
 * Invariant: a function that returns a node returns one reference, or NULL when an error is recorded. The files call
 * each other in one direction: build, condition, compare, pattern and object, value, list, path; a list reaches the
 * condition inside of it through mr_builder.condition.
 */
#ifndef MOONROW_CRITERIA_BUILD_H
#define MOONROW_CRITERIA_BUILD_H

#include "tree.h"

/* A scope of the text that is being built: its class is read from `from`. */
typedef struct mr_room {
    const mr_scope *scope;
    mr_node *from;     /* the alias of the class, borrowed; NULL: the class itself */
    bool joins;        /* references are joined to it; otherwise they are read by subqueries */
    mr_node **aliases; /* for each path: what is joined, one reference; or NULL */
} mr_room;

typedef struct mr_builder mr_builder;
struct mr_builder {
    mr_env *env;
    const mr_criterion *criterion;
    const mr_criteria_hooks *hooks;
    const mr_query *shares; /* the query that the joins of the outermost scope are added to; or NULL */
    mr_node *(*condition)(mr_builder *b, mr_room *r, const mr_term *t, bool negative); /* mr_build_condition */
};

/* A chain of steps that is read by a subquery. */
typedef struct mr_chain {
    mr_node *from;  /* what the subquery reads, joined; NULL: the path is empty, or joined already */
    mr_node *where; /* how it belongs to the scope around it */
    mr_node *last;  /* what the class at the end is read from, borrowed */
    mr_node *outer; /* what the chain begins at, borrowed; NULL: the class of the scope */
    mr_mapper *outer_mapper;
    bool single;
} mr_chain;

/* build_path.c */
mr_status mr_build_open(mr_builder *b, mr_room *r);
void mr_build_close(mr_builder *b, mr_room *r);
/* The join of the query along the same reference that an earlier criterion needs. Borrowed, or NULL. */
mr_node *mr_build_shared(const mr_builder *b, const mr_path *path, const mr_node *left);
/* *c: the path from the room. MR_FAIL: nothing is to be dropped. */
mr_status mr_build_chain(mr_builder *b, mr_room *r, const mr_path *path, mr_chain *c);
void mr_build_drop(mr_chain *c);
/* A COLUMN or DESCRIBED. */
mr_node *mr_build_attribute(mr_builder *b, mr_room *r, const mr_term *t);
/* (SELECT x FROM the chain). Consumes x, and what the chain has. */
mr_node *mr_build_read(mr_builder *b, mr_chain *c, mr_node *x);
/* The reference leads to nothing. */
mr_node *mr_build_nowhere(mr_builder *b, mr_room *r, const mr_path *path);

/* build_list.c */
/* There is a row of the list that meets its condition; negated: that does not. */
mr_node *mr_build_exists(mr_builder *b, mr_room *r, const mr_term *t, bool negated);
mr_node *mr_build_count(mr_builder *b, mr_room *r, const mr_term *t);

/* build_value.c */
mr_node *mr_build_value(mr_builder *b, mr_room *r, const mr_term *t);
/* The value of a literal or a parameter, borrowed; NULL: the term is neither. */
const mr_value *mr_build_known(const mr_builder *b, const mr_term *t);

/* build_compare.c */
/* x is nil; !is: it is not. */
mr_node *mr_build_nil(mr_builder *b, mr_room *r, const mr_term *x, bool is);
/* x == y: nil equals nil. */
mr_node *mr_build_equal(mr_builder *b, mr_room *r, const mr_term *x, const mr_term *y);
mr_node *mr_build_unequal(mr_builder *b, mr_room *r, const mr_term *x, const mr_term *y);
mr_node *mr_build_compared(mr_builder *b, mr_room *r, const mr_term *t);
mr_node *mr_build_listed(mr_builder *b, mr_room *r, const mr_term *t);

/* build_pattern.c */
mr_node *mr_build_like(mr_builder *b, mr_room *r, const mr_term *t);

/* build_object.c */
/* The reference leads to the object, or to one of the list; negated: it does not. */
mr_node *mr_build_refers(mr_builder *b, mr_room *r, const mr_term *t, bool negated);

/* build_condition.c */
/* The condition; negated: its opposite. */
mr_node *mr_build_condition(mr_builder *b, mr_room *r, const mr_term *t, bool negated);

static inline mr_node *mr_build_word(mr_builder *b, bool word) {
    return mr_sql_raw(b->env, mr_type_simple(MR_TYPE_BOOLEAN), word ? "true" : "false");
}

/* Not true: false, or NULL. Consumes x. */
static inline mr_node *mr_build_untrue(mr_builder *b, mr_node *x) {
    return mr_sql_binary(b->env, MR_OP_IS_NOT, x, mr_build_word(b, true));
}

#endif

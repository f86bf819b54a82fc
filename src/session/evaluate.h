/*
 * evaluate.h: SQL expressions computed over an object in memory, as the database would over its row.
 *
 * Invariant: nothing is loaded, flushed or changed by an evaluation.
 */
#ifndef MR_SESSION_EVALUATE_H
#define MR_SESSION_EVALUATE_H

#include <moonrow/session.h>

typedef struct mr_evaluation {
    const mr_mapper *mapper; /* the expressions name columns of this class */
    const mr_named_value *named;
    size_t nnamed;
} mr_evaluation;

/* Can the expression be computed for objects of the class? It may have columns of the class's own table, values,
 * comparisons, AND, OR, NOT, IN, IS, BETWEEN and arithmetic, over numbers, booleans, text, bytes, dates and times.
 * False also when the database might give another result, because of the types: decimals, or text compared with a
 * number. */
bool mr_evaluable(const mr_evaluation *x, const mr_node *node);

/* The value of the expression for the object's row: changes that are not flushed yet do not count. node: an expression
 * that mr_evaluable has accepted. MR_NULL is SQL's NULL; truth is MR_INT 0 or 1; MR_UNLOADED: the result depends on a
 * value that is not loaded, or on how the database handles overflow. Text is borrowed from the object or the
 * expression. Allocates nothing, and cannot fail. */
mr_value mr_evaluate(const mr_evaluation *x, mr_entity *entity, const mr_node *node);

/* The value of the named parameter, borrowed. NULL: there is none of that name. */
const mr_value *mr_evaluation_param(const mr_evaluation *x, const char *name);

#endif

/*
 * evaluate.h: SQL expressions computed over an object in memory, as the database would over its row.
 */
#ifndef MR_SESSION_EVALUATE_H
#define MR_SESSION_EVALUATE_H

#include <moonrow/session.h>

typedef struct mr_evaluation {
    const mr_mapper *mapper; /* whose columns the expressions name */
    const mr_named_value *named;
    size_t nnamed;
} mr_evaluation;

/* Can the expression be computed for objects of the class? Columns of the class (of its bare table), values,
 * comparisons, AND, OR, NOT, IN, IS, BETWEEN and arithmetic; over numbers, booleans, text, bytes, dates and
 * times. False too where the types say that the database might see it another way: decimals, text compared
 * with a number. */
bool mr_evaluable(const mr_evaluation *x, const mr_node *node);

/* The value as of the row that the object was read from or flushed to: what is not flushed yet is not in it.
 * MR_NULL is SQL's NULL; truth is MR_INT 0 or 1; MR_UNLOADED: it depends on what the object has not loaded,
 * or on how the database overflows. Text is borrowed from the object or the expression. Allocates nothing,
 * and cannot fail. node: one that mr_evaluable has accepted. */
mr_value mr_evaluate(const mr_evaluation *x, mr_entity *entity, const mr_node *node);

/* The named parameter's value, or NULL. */
const mr_value *mr_evaluation_param(const mr_evaluation *x, const char *name);

#endif

/*
 * statement.h: the INSERT, UPDATE and DELETE statements of a class, one for each shape, compiled once for a dialect.
 *
 * A shape is two sets of bits, one bit for each column of the class: the columns that are written from a value, and
 * those that are written by an SQL expression in the statement (of their default or onupdate).
 *
 * Invariant: statements with the same kind, shape, dialect and number of rows are the same statement.
 */
#ifndef MOONROW_FLUSH_STATEMENT_H
#define MOONROW_FLUSH_STATEMENT_H

#include "unit.h"

typedef enum flush_statement_kind {
    STATEMENT_INSERT = 1,
    STATEMENT_UPDATE, /* WHERE has the key, and the version if there is one */
    STATEMENT_DELETE
} flush_statement_kind;

typedef enum flush_source {
    SOURCE_VALUE = 1, /* of the column with that number */
    SOURCE_KEY,       /* the row's present key, by position */
    SOURCE_VERSION,   /* the row's present version */
    SOURCE_CONSTANT   /* a constant in an SQL expression */
} flush_source;

typedef struct flush_param {
    uint8_t source;
    uint16_t index;
    uint32_t row;          /* which row of a multi-row INSERT */
    const mr_param *param; /* of the compiled statement */
    mr_value constant;     /* borrowed from the statement's node */
} flush_param;

struct flush_statement {
    const mr_dialect *dialect;
    flush_statement_kind kind;
    uint32_t rows;
    uint16_t part;   /* the number of the class's part that it writes */
    mr_table *table; /* of that part */
    bool kept;       /* kept by the class; else mr_flush_statement_done frees it */
    bool inlined;    /* has an SQL expression that one row sets */
    bool partial;    /* a part of its rows' keys is NULL: compared by IS */
    bool plain;      /* see mr_flush_statement_is_plain */
    bool numbered;   /* the table makes the key */
    bool rowid;      /* with numbered: the key is the rowid, and not a column of RETURNING */
    size_t nwords;
    uint64_t *shape;
    mr_node *node;
    mr_compiled *compiled;
    flush_param *params; /* compiled->nparams elements */
    uint16_t nreturning;
    uint16_t *returning; /* the columns of RETURNING */
};

static inline size_t mr_flush_words(const flush_class *cls) { return ((size_t)cls->ncolumns + 63) / 64; }
static inline void mr_flush_set_bit(uint64_t *bits, unsigned i) { bits[i / 64] |= UINT64_C(1) << (i % 64); }
static inline bool mr_flush_has_bit(const uint64_t *bits, unsigned i) { return (bits[i / 64] >> (i % 64)) & 1; }

mr_status mr_flush_statements_init(flush_class *cls);
void mr_flush_statements_free(flush_class *cls);

/* The statement that a row needs. inlined: by column, an SQL expression that one row sets, or NULL; a statement with
 * such an expression is not kept. */
typedef struct flush_wanted {
    const mr_dialect *dialect;
    flush_statement_kind kind;
    const uint64_t *shape; /* 2 * mr_flush_words(cls) */
    uint32_t rows;         /* the number of rows of an INSERT; else 1 */
    bool keep;             /* keep the statement for the next flushes */
    bool partial;          /* a part of the row's key is NULL */
    uint16_t part;         /* the number of the class's part; the shape has bits for its columns only */
    mr_node *const *inlined;
} flush_wanted;
/* *out: the statement; call mr_flush_statement_done after use. */
mr_status mr_flush_statement(flush_class *cls, const flush_wanted *wanted, flush_statement **out);
/* Call when the statement is not used any more. NULL passes. */
void mr_flush_statement_done(flush_class *cls, flush_statement *st);
/* Is st the statement that is wanted? */
bool mr_flush_statement_fits(const flush_class *cls, const flush_statement *st, const flush_wanted *wanted);
/* Are the parameters the written columns in their order, then, but of an INSERT, the key, a single column? And does
 * nothing come back? Then the values of a row are easily taken from its object. NULL is not. */
static inline bool mr_flush_statement_is_plain(const flush_statement *st) { return st && st->plain; }
/* The last parameter of a plain UPDATE or DELETE: the present key of the row. key: room for it. */
mr_value mr_flush_plain_key(const flush_statement *st, const flush_op *op);
/* Writes the parameters of st->rows operations to values, which has room for all of them, and after them for a key. */
void mr_flush_fill(const flush_statement *st, flush_op *const *ops, mr_value *values);
/* Does the statement of a class write what a row of another class of the same tables wants to be written? */
bool mr_flush_statement_serves(const flush_class *of, const flush_statement *st, const flush_class *cls,
                               const flush_wanted *wanted);
/* Clears all bits of the shape, and all expressions, but those of one part's columns. Is any left? */
bool mr_flush_mask(const flush_class *cls, uint16_t part, uint64_t *shape, mr_node **inlined);

#endif

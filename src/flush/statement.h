/*
 * statement.h: the INSERT, UPDATE and DELETE of a class, by shape, compiled once for a dialect.
 *
 * A shape is two rows of bits over the class's columns: those written from a value, and those written by an
 * SQL expression of their default or onupdate, which stands in the statement.
 */
#ifndef MOONROW_FLUSH_STATEMENT_H
#define MOONROW_FLUSH_STATEMENT_H

#include "unit.h"

typedef enum flush_statement_kind {
    STATEMENT_INSERT = 1,
    STATEMENT_UPDATE, /* WHERE the key, and the version where there is one */
    STATEMENT_DELETE
} flush_statement_kind;

typedef enum flush_source {
    SOURCE_VALUE = 1, /* of a column, by its number */
    SOURCE_KEY,       /* as the row has it now, by position */
    SOURCE_VERSION,   /* as the row has it now */
    SOURCE_CONSTANT   /* of an SQL expression */
} flush_source;

typedef struct flush_param {
    uint8_t source;
    uint16_t index;
    uint32_t row;          /* of a multi-row INSERT */
    const mr_param *param; /* of the compiled statement: how its value is spelled */
    mr_value constant;     /* borrowed from the statement's node */
} flush_param;

struct flush_statement {
    const mr_dialect *dialect;
    flush_statement_kind kind;
    uint32_t rows;
    bool kept;     /* by the class; otherwise freed by mr_flush_statement_done */
    bool inlined;  /* has an expression of one row */
    bool partial;  /* its rows' keys are NULL in part: they are compared by IS */
    bool numbered; /* the table is to make the key */
    bool rowid;    /* ... which is the rowid that the database gives, not a column of RETURNING */
    size_t nwords;
    uint64_t *shape;
    mr_node *node;
    mr_compiled *compiled;
    flush_param *params; /* compiled->nparams */
    uint16_t nreturning;
    uint16_t *returning; /* columns of RETURNING */
};

static inline size_t mr_flush_words(const flush_class *cls) { return ((size_t)cls->ncolumns + 63) / 64; }
static inline void mr_flush_set_bit(uint64_t *bits, unsigned i) { bits[i / 64] |= UINT64_C(1) << (i % 64); }
static inline bool mr_flush_has_bit(const uint64_t *bits, unsigned i) { return (bits[i / 64] >> (i % 64)) & 1; }

mr_status mr_flush_statements_init(flush_class *cls);
void mr_flush_statements_free(flush_class *cls);

/* What the statement is to be. inlined: by column, the node of an SQL expression that one row sets, or NULL;
 * with it, the statement is not kept. */
typedef struct flush_wanted {
    const mr_dialect *dialect;
    flush_statement_kind kind;
    const uint64_t *shape; /* 2 * mr_flush_words(cls) */
    uint32_t rows;         /* of an INSERT; otherwise 1 */
    bool keep;             /* for the next flushes */
    bool partial;          /* the key of the row is NULL in part */
    mr_node *const *inlined;
} flush_wanted;
mr_status mr_flush_statement(flush_class *cls, const flush_wanted *wanted, flush_statement **out);
/* The caller is done with it. NULL passes. */
void mr_flush_statement_done(flush_class *cls, flush_statement *st);
/* Is the statement what is wanted already? */
bool mr_flush_statement_fits(const flush_class *cls, const flush_statement *st, const flush_wanted *wanted);
/* Writes the parameters of ops (st->rows of them) to values, which has room for all, and behind them for a
 * key. */
void mr_flush_fill(const flush_statement *st, flush_op *const *ops, mr_value *values);
/* The key of the class's table is SQLite's rowid when it is not given. */
bool mr_flush_has_rowid(const flush_class *cls, const mr_dialect *dialect);

#endif

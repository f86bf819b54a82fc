/*
 * result.h: Result values: what queries and statements give.
 */
#ifndef MOONROW_BIND_RESULT_H
#define MOONROW_BIND_RESULT_H

#include "query.h"
#include "value/row.h"
#include "value/value.h"

#define BIND_RESULT "moonrow.Result"

/* User values of a Result. */
enum {
    RESULT_OWNER = 1, /* the session or connection it came from */
    RESULT_ROW_META,  /* the metatable of its rows, once there is one */
    RESULT_ROWS,      /* buffered: the list of rows */
    RESULT_NAMES,     /* the names of its columns */
    RESULT_KEY,       /* inserted_primary_key */
    RESULT_PART,      /* what columns() has chosen: the names, the metatable of such rows, and the bind_part */
    RESULT_TYPES,     /* the memory of bind_result.types */
    RESULT_UNIQUE_BY, /* unique(): the program's function, or nil */
    RESULT_SEEN,      /* unique(): what was given (unique.c) */
    RESULT__VALUES = RESULT_SEEN
};

/* What the user value RESULT_PART holds. */
enum { RESULT_PART_NAMES = 1, RESULT_PART_META, RESULT_PART_COLUMNS };

/* The columns that columns() has chosen. */
typedef struct bind_part {
    unsigned n;
    unsigned columns[]; /* their numbers, from 0 on */
} bind_part;

typedef struct bind_result {
    mr_load *load; /* or NULL: buffered rows */
    bool unwrap;   /* a query of one entity: items, not rows */
    bool scalars, mappings;
    bool unique;     /* of rows that are alike the first is given */
    bind_part *part; /* held by the user value RESULT_PART; or NULL */
    bool closed, buffered;
    bool counted;      /* among the state's open loops */
    bool ended;        /* its last row has been given */
    bool closed_early; /* closed before its last row: reading on raises, because it must not seem empty */
    unsigned column;   /* scalars: which */
    lua_Integer at;    /* buffered: rows given so far */
    int64_t rowcount;  /* -1: not known */
    int64_t lastrowid;
    bool inserted_none; /* the statement was an INSERT that made no row */
    bool returns_rows;
    bool types_known;
    const bind_row_type *types; /* of the columns, if the program's functions convert some; or NULL */
    lua_Integer row, last_row;  /* the load is of a statement for these rows of a list, for messages; 0: of no list */
} bind_result;

/* Pushes the values of a for loop over the Result at the index: next, the Result and nil; and the Result as the closing
 * value, where the loops of this Lua close it reliably. Returns how many. */
int bind_push_loop(lua_State *L, int idx);
/* Pushes an empty Result that belongs to the value at index owner. The caller sets load, or buffers rows. */
bind_result *bind_new_result(lua_State *L, int owner);
/* Pushes the result of a load, which is consumed. Returns 1. */
int bind_push_result(lua_State *L, mr_load *load, int session_idx);
/* Finds bind_result.types, of rows from a database of the dialect. Then the metatable of rows on top keeps them. */
void bind_result_find_types(lua_State *L, int idx, bind_result *r, unsigned n,
                            const mr_type *(*type_of)(const void *ud, unsigned i, const char **table,
                                                      const char **name),
                            const void *ud, const char *dialect);
/* Runs q in the session of the query at index 1. Pushes the value of the session, and the Result. */
bind_result *bind_query_start(lua_State *L, const char *function, mr_query *q);
/* Pushes the next value of the Result at idx, or returns false at its end. */
bool bind_result_next(lua_State *L, int idx, bind_result *r);
void bind_result_close(lua_State *L, bind_result *r);
/* Closes the Result for the program. Reading on raises: rows may be left. The names of its columns stay known. */
void bind_result_close_early(lua_State *L, int idx, bind_result *r);
/* Pushes the list of the names of the columns that the Result gives. */
void bind_result_push_names(lua_State *L, int idx, const bind_result *r);
int bind_result_gc(lua_State *L); /* __gc */
/* Looks at the n rows of the load that all() is about to give; pushes nothing. */
typedef void (*bind_look_fn)(lua_State *L, void *ud, mr_load *load, const mr_value *rows, size_t n);
/* Pushes what all() gives. look: NULL, or called before; then the result is no list that others have read from. */
void bind_result_all(lua_State *L, int idx, bind_result *r, bind_look_fn look, void *ud);

#endif

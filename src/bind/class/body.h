/*
 * body.h: the body of a class, { id = Column{ ... }, ... }, as it is read before anything is declared.
 */
#ifndef MOONROW_BIND_BODY_H
#define MOONROW_BIND_BODY_H

#include "class.h"

enum entry_kind { ENTRY_COLUMN, ENTRY_RELATIONSHIP, ENTRY_PROPERTY, ENTRY_OTHER };

typedef struct entry {
    const char *name; /* anchored in its table */
    uint64_t order;   /* creation counter: Lua tables have no order */
    int kind;
    int table;   /* stack index of the table that it is in */
    int value;   /* stack index of what stands in its place; 0: its value in the table */
    bool cloned; /* from a mixin or an abstract base: its column is copied */
} entry;

typedef struct declaration {
    const char *name;
    int body; /* stack index */
    entry *entries;
    size_t n, cap;
    const char *tablename, *schema;
    mr_table *table;
    bool abstract_;
    mr_mapper *base; /* the nearest base class with a table, or NULL */
    bool joined;     /* it has a table of its own beside that of base */
    int table_args;  /* stack index or 0 */
    int mapper_args;
} declaration;

/* Pushes the tables that the class is made of: its body at the index, and its mixins and the abstract bases above the
 * class at the index base. Returns how many. */
int bind_body_push_sources(lua_State *L, int base, int body);
/* Replaces what declared_attr has made in the n tables from index first on by what its functions give for the class. */
void bind_body_expand(lua_State *L, declaration *d, int first, int n);
/* Reads __tablename and the like of the n tables from index first on. */
void bind_body_read_directives(lua_State *L, declaration *d, int first, int n);
/* Reads the attributes and members of the n tables from index first on, and sorts them. */
void bind_body_read(lua_State *L, declaration *d, int first, int n);
/* Is it the name of a directive, such as "__tablename"? */
bool bind_body_is_directive(const char *name);
/* For qsort: the order of two entries. */
int bind_body_compare_entries(const void *a, const void *b);

/* What __table_args say, as it is being read. */
typedef struct bind_table_args {
    declaration *d;    /* its schema is set */
    const char *where; /* "CLASS.__table_args" */
    const char *option;
    mr_table_options *options; /* the caller's; has the mistakes, too */
    mr_constraint *constraints, **next_constraint;
    mr_index *indexes, **next_index;
} bind_table_args;

/* Reads the __table_args of args->d: constraints and indexes go to the two lists, options to args->options. */
void bind_declare_table_args(lua_State *L, bind_table_args *args);
/* __table_args say something of a new table: raises where the class has any, and maps a table that is there. */
void bind_refuse_table_args(lua_State *L, const declaration *d, const mr_table *table);

#endif

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
    int mistakes; /* stack index of a table: the errors that say what is wrong in the body */
    unsigned nmistakes;
    bool refused; /* an attribute was: what the table has is not known */
} declaration;

/* Pushes room for the mistakes. (mistakes.c) */
void bind_mistakes_begin(lua_State *L, declaration *d);
/* Calls read with data, as light userdata, and the value on top, and pops the value. Notes what is wrong: then it is
 * false. (mistakes.c) */
bool bind_attempt(lua_State *L, declaration *d, lua_CFunction read, void *data);
/* Raises the mistakes, if there is one. (mistakes.c) */
void bind_mistakes_tell(lua_State *L, const declaration *d);
/* The core reports them, with those that it finds itself. (mistakes.c) */
void bind_mistakes_give(lua_State *L, const declaration *d, mr_mapper *mapper);
/* Raises the error of the core. (mistakes.c) */
void bind_mistakes_raise(lua_State *L, const declaration *d);

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
/* __table_args say something of a new table: a mistake where the class has any, and maps a table that is there. */
void bind_refuse_table_args(lua_State *L, declaration *d, mr_table *table);
/* Reads __mapper_args into the mapper, as far as they need no table. (mapper_args.c) */
void bind_declare_mapper_args(lua_State *L, declaration *d, mr_mapper *mapper);
/* Reads the options of __mapper_args that are about the table (NULL: it is the class's own). (mapped_columns.c) */
void bind_declare_mapped_columns(lua_State *L, declaration *d, mr_mapper *mapper, mr_table *table);
/* Gives the class the validators of its base, and those that the n tables that it is made of, from index first on,
 * have as __validators. (validator.c) */
void bind_declare_validators(lua_State *L, declaration *d, int class_idx, int first, int n);

#endif

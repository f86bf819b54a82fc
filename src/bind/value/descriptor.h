/*
 * descriptor.h: the box of an attribute that the Lua part of the library makes of others: a hybrid, a composite value,
 * an association proxy.
 */
#ifndef MOONROW_BIND_DESCRIPTOR_H
#define MOONROW_BIND_DESCRIPTOR_H

#include "class.h"

typedef struct bind_descriptor {
    const void *magic;     /* tells it from other userdata */
    const char *kind;      /* for messages: "hybrid"; interned */
    bool is_method;        /* objects give the function itself */
    bool is_reconstructor; /* a method that is called when an object was made of a row (mr.reconstructor) */
    bool is_declared;      /* not an attribute, but what makes one of the class (mr.declared_attr) */
} bind_descriptor;

/* User values of a descriptor: functions, nil where it has none. */
enum {
    DESCRIPTOR_GET = 1, /* get(object): the object's value; where is_method, the function that the object gives */
    DESCRIPTOR_SET,     /* set(object, value, name) */
    DESCRIPTOR_EXPRESS, /* express(class or alias, name, class): what stands for it in SQL */
    DESCRIPTOR_SPREAD,  /* spread(class, name, value): a table of values for columns, for statements that write */
    DESCRIPTOR_SPEC,    /* whatever its kind keeps */
    DESCRIPTOR__VALUES = 5
};

/* The descriptor at idx, or NULL. */
bind_descriptor *bind_descriptor_at(lua_State *L, int idx);
/* The member of the mapper's class with the name, if it is a descriptor: pushes it, and returns true. */
bool bind_push_descriptor(lua_State *L, const mr_mapper *mapper, const char *name);
/* Replaces the descriptor on top by what stands for it in SQL. owner: the index of the class or alias it is read from.
 * mapper: the class. An error of the program's function is raised. */
void bind_express_descriptor(lua_State *L, int owner, const mr_mapper *mapper, const char *name);
/* The descriptor that the class has under the name, in SQL: pushes it. alias: what it is read from (borrowed), or NULL:
 * the class itself. false: pushes nothing; there is no descriptor of the name. */
bool bind_push_described(lua_State *L, mr_mapper *mapper, mr_node *alias, const char *name);
/* Replaces the table of values at idx by one in which those of descriptors are the values of their columns. Does
 * nothing where it names none. */
void bind_spread_values(lua_State *L, const mr_mapper *mapper, int idx, const char *function);
/* The same for each row of the list of rows at idx, if the first row names a descriptor: so a list of rows that names
 * none, as most do, costs no look at each row. */
void bind_spread_rows(lua_State *L, const mr_mapper *mapper, int idx, const char *function);

/* Where the value at the index is a mr.reconstructor: puts its function into the table of members as __reconstructor.
 */
void bind_set_reconstructor(lua_State *L, int members, int value);
/* The name of the class's attribute or descriptor that most resembles name, or NULL. Pushes nothing. */
const char *bind_nearest_attribute(lua_State *L, const mr_mapper *mapper, const char *name);

#endif

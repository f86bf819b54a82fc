/*
 * class.h: a class as Lua sees it: a userdata with its members, and the metatable of its objects.
 */
#ifndef MOONROW_BIND_CLASS_H
#define MOONROW_BIND_CLASS_H

#include "state/runtime.h"

typedef struct bind_class {
    const void *magic; /* tells it from other userdata: the address of a static of class.c */
    mr_mapper *mapper; /* NULL: a base or abstract class */
    mr_registry *registry;
    bind_state *b;
    size_t synced; /* properties that the attribute table knows */
    bool has_fields;
    int meta; /* reference to the metatable of its objects, once one was pushed; 0 */
} bind_class;

/* User values of a class. */
enum {
    CLASS_MEMBERS = 1, /* table: methods, constants, declared fields (as field markers) */
    CLASS_BASE,        /* the class it extends, or nil */
    CLASS_ATTRIBUTES,  /* table: attribute name to light userdata of its mr_property */
    CLASS_EXPRESSIONS, /* table: attribute name to its expression, made at first use */
    CLASS_META,        /* the metatable of its objects */
    CLASS_DECLARED,    /* abstract classes: the table of what they declare, applied to each subclass; or nil */
    CLASS_MIXINS,      /* list of the mixins that its body names; or nil */
    CLASS__VALUES = 7
};

extern const char bind_class_meta_key;            /* registry: the metatable of classes; its address is their magic */
bind_class *bind_class_at(lua_State *L, int idx); /* NULL when it is none, or when the library has closed */
/* Pushes the member of the class at idx or of its bases (nil when none), and returns its type. */
int bind_class_member(lua_State *L, int idx, const char *name);
/* The same for the key at index key. */
int bind_class_member_key(lua_State *L, int idx, int key);
/* Brings the attribute table up to date with the mapper (backrefs appear late). */
void bind_class_sync(lua_State *L, int idx);
/* The property of the attribute named at index key, after configuring where that may help; NULL when there is none. */
const mr_property *bind_class_property(lua_State *L, int idx, int key);
/* Raises "CLASS has no attribute 'x' (did you mean 'y'?)". */
int bind_class_no_attribute(lua_State *L, int idx, const char *name);
/* The metafields that a class may give to its objects, besides __tostring; NULL-terminated. */
extern const char *const bind_object_metamethods[];
/* Makes the metatable for the class's objects (entity.c); leaves it on the stack. */
void bind_entity_metatable(lua_State *L, int class_idx);
/* What the class at the index, a base without a table, declares under the key at index key: pushes it.
 * False: nothing. */
bool bind_class_declared(lua_State *L, int idx, int key);
/* A mapped class has been declared: listeners of what it comes from hear of it. (event/bases.c) */
void bind_tell_listeners(lua_State *L, int class_idx);
/* declare.c: Base:extend(name, body) */
int bind_class_extend(lua_State *L);
/* __mapper_args at the index (0: none) into the mapper; raises on unknown options. */
void bind_declare_mapper_args(lua_State *L, mr_mapper *mapper, int args);
/* Makes a class userdata over base (index, or 0), with empty tables; leaves it on the stack. */
bind_class *bind_class_push_new(lua_State *L, int base);
/* The base constructor: Class.__init(self, values). */
int bind_entity_init(lua_State *L);
/* Class(...): makes a transient object and runs its __init. */
int bind_entity_construct(lua_State *L);

/* mr.field() */
#define BIND_FIELD "moonrow.Field"
/* mr.relationship{...}: the options as written, until the class is declared; user value 1: the options table. */
#define BIND_RELATIONSHIP_SPEC "moonrow.RelationshipSpec"
typedef struct bind_relationship_spec {
    uint64_t order;
} bind_relationship_spec;
/* Declares the attribute from the spec on top of the stack; raises. */
void bind_declare_relationship(lua_State *L, mr_mapper *mapper, const char *attribute, int spec);

#endif

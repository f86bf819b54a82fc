/*
 * class.h: the box of a class: its mapper and its members.
 */
#ifndef MOONROW_BIND_CLASS_BOX_H
#define MOONROW_BIND_CLASS_BOX_H

#include "value.h"

/* Collections of objects, by their kind. */
#define BIND_COLLECTION "moonrow.Collection" /* a list */
#define BIND_SET        "moonrow.Set"
#define BIND_KEYED      "moonrow.Keyed"
#define BIND_DYNAMIC    "moonrow.Dynamic"
#define BIND_WRITE_ONLY "moonrow.WriteOnly"

/* An attribute by the address of its name, a Lua string. Lua has each short string once, so equal names have one
 * address; a long name is not found. The lowest bits of addresses are equal; these are as many as a place has bytes. */
typedef struct bind_known {
    const void *name;
    const mr_property *prop;
} bind_known;

typedef struct bind_class {
    const void *magic; /* tells it from other userdata: the address of a static of class.c */
    mr_mapper *mapper; /* NULL: a base or abstract class */
    mr_registry *registry;
    bind_state *b;
    size_t synced;          /* how many properties of the mapper are in the attribute table already */
    uint64_t query_changes; /* the state's member_changes then; 0: never asked for */
    uint64_t
        getters_changes; /* the same, when what the objects' index function keeps of hybrids was begun; 0: nothing */
    bool has_fields;
    const bind_known *known; /* what the attribute table holds, hashed by address */
    uintptr_t known_mask;    /* the bits of an address that say its place, in bytes */
    int meta; /* registry reference to the metatable of its objects, which is kept there alone; 0: none yet */
} bind_class;

/* User values of a class. */
enum {
    CLASS_MEMBERS = 1, /* table: methods, constants, declared fields (as field markers) */
    CLASS_BASE,        /* the class it extends, or nil */
    CLASS_ATTRIBUTES,  /* table: attribute name to light userdata of its mr_property */
    CLASS_EXPRESSIONS, /* table: attribute name to its expression, made at first use */
    CLASS_DECLARED,    /* abstract classes: the table of what they declare, applied to each subclass; or nil */
    CLASS_MIXINS,      /* list of the mixins that its body names; or nil */
    CLASS_KNOWN,       /* userdata: the memory of bind_class.known; or nil */
    CLASS_QUERY,       /* what Class.query was when query_changes was noted */
    CLASS_VALIDATORS,  /* table: attribute name to { function, include_removes =, include_backrefs = }; or nil */
    CLASS__VALUES = 9
};

/* What a place without an attribute has; its slot is none of any object. */
extern const mr_property bind_no_property;
/* The attribute whose name has the address (lua_topointer); &bind_no_property: ask bind_class_property. */
static inline const mr_property *bind_class_look(const bind_class *c, const void *name) {
    for (uintptr_t at = (uintptr_t)name;; at += sizeof(bind_known)) {
        const bind_known *known = (const bind_known *)((const char *)c->known + (at & c->known_mask));
        if (known->name == name || !known->name) return known->prop;
    }
}
/* The same; NULL: ask bind_class_property. */
static inline const mr_property *bind_class_known(const bind_class *c, const void *name) {
    const mr_property *prop = bind_class_look(c, name);
    return prop == &bind_no_property ? NULL : prop;
}

/* Is the value a collection of an object, of whatever kind? */
bool bind_is_collection(lua_State *L, int idx);

extern const char bind_object_class_key; /* in the metatable of a class's objects: their class */
extern const char bind_class_meta_key;   /* registry: the metatable of classes; its address is their magic */
/* Pushes a class of nothing yet; its metatable is bind_class_meta_key's. */
bind_class *bind_push_empty_class(lua_State *L);
/* NULL when it is none, or when the library has closed. A light userdata has no length. */
static inline bind_class *bind_class_at(lua_State *L, int idx) {
    bind_class *c = lua_touserdata(L, idx);
    if (!c || lua_rawlen(L, idx) != sizeof *c) return NULL;
    return c->magic == &bind_class_meta_key && !c->b->closed ? c : NULL;
}
mr_mapper *bind_test_class(lua_State *L, int idx); /* a mapped class, or NULL */
mr_mapper *bind_arg_class(lua_State *L, int idx, const char *function);
/* Pushes the metatable of the class's objects; without one (the class is being declared) pushes nil and returns false.
 */
bool bind_push_object_metatable(lua_State *L, const mr_mapper *mapper);
/* Pushes the class; nil while it is being declared. */
void bind_push_class(lua_State *L, const mr_mapper *mapper);
/* Pushes the member of the class at idx, or of the nearest base that has it (nil: none), and returns its Lua type. */
int bind_class_member(lua_State *L, int idx, const char *name);
/* The same for the key at index key. */
int bind_class_member_key(lua_State *L, int idx, int key);

#endif

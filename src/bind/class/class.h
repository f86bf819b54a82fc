/*
 * class.h: a class as Lua sees it: a userdata with its members, and the metatable of its objects.
 */
#ifndef MOONROW_BIND_CLASS_H
#define MOONROW_BIND_CLASS_H

#include "value/class.h"
#include "value/descriptor.h"

/* Brings the attribute table up to date with the mapper (backrefs appear late). */
void bind_class_sync(lua_State *L, int idx);
/* The property that the key at index key names; NULL: none. Configures the mappings first where a backref may make the
 * property. */
const mr_property *bind_class_property(lua_State *L, int idx, int key);
/* Raises "CLASS has no attribute 'x' (did you mean 'y'?)". */
int bind_class_no_attribute(lua_State *L, int idx, const char *name);
/* The metafields that a class may give to its objects, besides __tostring; NULL-terminated. */
extern const char *const bind_object_metamethods[];
/* Makes the metatable of the class's objects, and keeps it in the class's box. (entity.c) */
void bind_make_object_metatable(lua_State *L, int class_idx);
/* From now on Class.NAME is what get(L) pushes, called with the class at index 1; get returns 1. For the files that
 * come after class.c. */
void bind_extend_class(lua_State *L, const char *name, lua_CFunction get);
/* Reads an option of __mapper_args, which are at the index, into the mapper; raises. (mapper_args.c, inheritance.c) */
typedef void (*bind_option_reader)(lua_State *L, mr_mapper *mapper, int args);
/* Those about inheritance, until NULL. (inheritance.c) */
extern const bind_option_reader bind_inheritance_options[];
/* Makes a class userdata over base (index, or 0), with empty tables; leaves it on the stack. */
bind_class *bind_class_push_new(lua_State *L, int base);
/* The value at idx for a column's attribute of e, bytes borrowed; raises where it is no value. (column_value.c) */
mr_value bind_column_value(lua_State *L, const mr_entity *e, const mr_property *prop, int idx);
/* Sets the attribute to the value at idx; raises. (set_attribute.c) */
void bind_set_attribute(lua_State *L, bind_class *c, mr_entity *e, const mr_property *prop, int idx);
/* own_values.c: the type of the attribute, if it is decorated with functions of the program; otherwise NULL. */
const mr_type *bind_decorator_of(const mr_entity *e, const mr_property *prop);
/* Pushes v, a value that the attribute has or had, as the program sees it. Functions of the program are asked once for
 * each value in a slot. */
void bind_push_attribute(lua_State *L, mr_entity *e, const mr_property *prop, const mr_value *v);
/* Sets such an attribute to the value at idx; raises. */
mr_status bind_set_own_value(lua_State *L, bind_state *b, mr_entity *e, const mr_property *prop, int idx);
/* Raises: the name is a member of the class, and no attribute of its objects. (entity.c) */
int bind_refuse_member(lua_State *L, const bind_class *c, const char *name);
/* Pushes the collection as Lua sees it: a list, a set or a dict. (collection.c, as the next ones) */
void bind_push_collection(lua_State *L, mr_entity *parent, const mr_property *prop);
/* Pushes the collection at idx as a list of its items, whatever its kind. */
void bind_push_as_list(lua_State *L, int idx);
/* The parent and the attribute of the collection at idx; raises where that is none. */
mr_entity *bind_collection_parent(lua_State *L, int idx, const mr_property **prop);
/* The same, and its items, which are loaded first; NULL: it is empty. */
mr_collection *bind_collection_items(lua_State *L, int idx, mr_entity **parent, const mr_property **prop);
/* Reads the option collection_class at opts; what is "Post.category". (collection_class.c) */
void bind_read_collection_class(lua_State *L, int opts, const char *what, mr_relationship *rel);
/* The same for the ordering_func in the table of the collection class. (ordering_function.c) */
void bind_read_ordering_function(lua_State *L, int spec, mr_relationship *rel);
/* Where the key of a dict is no mapped attribute of the target, but a hybrid or the like: it is read as those are.
 * spec: the table of the collection class. (collection_class.c) */
void bind_key_by_member(lua_State *L, int spec, mr_relationship *rel, const mr_mapper *target);

/* Gives the mapper the synonym or column property that the value at idx declares; raises. (property.c) */
void bind_declare_property(lua_State *L, mr_mapper *mapper, const char *attribute, int idx);
/* Pushes the attribute as an expression, read from the alias (borrowed; NULL: the class itself). (property.c) */
void bind_push_property(lua_State *L, bind_state *b, const mr_property *prop, mr_node *alias);

/* Pushes what the validator of the attribute makes of the value at index idx, and returns its index. The core is to be
 * told (bind_state.validated), or it asks again. (validator.c) */
int bind_validate(lua_State *L, mr_entity *e, const mr_property *prop, int idx);

/* mr.field() */
#define BIND_FIELD "moonrow.Field"
/* Gives the mapper the relationship that the value at index spec, a mr.relationship{...}, declares; raises.
 * (relationship.c) */
void bind_declare_relationship(lua_State *L, mr_mapper *mapper, const char *attribute, int spec);
/* The table of options at the index is resolved when the mappings are configured. (resolve.c) */
void bind_resolve_later(lua_State *L, int options, mr_relationship *rel);

#endif

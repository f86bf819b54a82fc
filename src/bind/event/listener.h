/*
 * listener.h: listeners of classes and attributes, and what the files about events share.
 */
#ifndef MOONROW_BIND_LISTENER_H
#define MOONROW_BIND_LISTENER_H

#include "value/class.h"

/* The name of the event with the number; NULL: there are no more. */
typedef const char *bind_event_name(int event);

/* User values of a listener. */
enum { LISTENER_FUNCTION = 1, LISTENER_TARGET, LISTENER__VALUES = 2 };

typedef struct bind_listener {
    mr_mapper
        *mapper; /* NULL: listens to what the value in LISTENER_TARGET, a base, a mixin or what it declares, reaches */
    const mr_property *prop; /* the attribute of mapper; NULL: an event of the class */
    int event;
    bool of_attribute;
    bool heard; /* without a mapper: a class has come from the target */
    bool once;
    bool retval;    /* attributes: the result replaces the value */
    bool propagate; /* mapper: also to the classes that inherit from it */
} bind_listener;

/* The number of the event with the name; -1 where there is none. */
int bind_event_named(bind_event_name *name_of, const char *name);
/* The function below its n arguments is called; the connection among them (index, or 0) ends with the call. */
void bind_call_listener(lua_State *L, int n, int connection);

/* From now on the class's events come to the listener (prop: of that attribute). */
mr_status bind_listener_attach(bind_listener *l, mr_mapper *mapper, const mr_property *prop, bool propagate);
void bind_listener_detach(bind_listener *l, mr_mapper *mapper);

/* bases.c: listeners of a base without a table, of a mixin, or of an attribute that such a one declares */
bool bind_is_event_base(lua_State *L, int idx, bool of_attribute);
/* The listener at the index hears of all classes that come from its target, now and later; on failure, of those that it
 * was told of so far. */
mr_status bind_listener_spread(lua_State *L, int listener);
/* Takes the listener away from its classes and from the registry, and so from use. */
void bind_listener_forget(lua_State *L, bind_listener *l);

/* In the registry. */
extern const char bind_listeners_key;     /* light userdata of a listener to its userdata */
extern const char bind_event_classes_key; /* list: the mapped classes, in the order of declaration */
extern const char bind_event_waiting_key; /* list: the listeners of bases, which new classes hear of */

#endif

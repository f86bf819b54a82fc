/*
 * relationship.c: the box of Class.attr of a relationship.
 *
 * Invariant: a value holds one reference to each of its aliases.
 */
#include "relationship.h"

#include "state/own.h"

/* Index 1: a bind_relationship as light userdata, whose contents move into the new value. */
static int push_body(lua_State *L) {
    bind_relationship *what = lua_touserdata(L, 1);
    bind_relationship *r = lua_newuserdatauv(L, sizeof *r, 0);
    *r = (bind_relationship){.prop = what->prop};
    bind_set_type(L, BIND_RELATIONSHIP);
    *r = *what;
    what->alias = what->of_alias = NULL;
    return 1;
}

static void push(lua_State *L, bind_relationship what) {
    int rc = bind_give(L, push_body, &what);
    if (rc == LUA_OK) return;
    mr_node_release(what.alias);
    mr_node_release(what.of_alias);
    bind_raise_given(L, rc);
}

void bind_push_relationship(lua_State *L, const mr_property *prop, mr_node *alias, mr_mapper *of_type) {
    mr_registry *registry = prop->mapper->registry;
    if (registry->partial && !prop->relationship->configured) {
        mr_node_release(alias);
        registry->awaited = true;
        bind_error(L, MR_ERR_MAPPING, "%s.%s: something is wrong with a mapping", prop->mapper->name, prop->name);
    }
    push(L, (bind_relationship){.prop = prop, .alias = alias, .of_type = of_type});
}

void bind_push_of_type(lua_State *L, const bind_relationship *of, mr_mapper *of_type, mr_node *of_alias,
                       const mr_polymorphic *with) {
    push(L, (bind_relationship){of->prop, mr_node_retain(of->alias), of_type, of_alias, with});
}

bind_relationship *bind_test_relationship(lua_State *L, int idx) { return bind_test(L, idx, BIND_RELATIONSHIP); }

int bind_relationship_gc(lua_State *L) {
    bind_relationship *r = bind_test_relationship(L, 1);
    if (!r) return 0;
    if (bind_peek(L)) mr_node_release(r->alias), mr_node_release(r->of_alias);
    r->alias = r->of_alias = NULL;
    return bind_finalized(L);
}

void bind_configure(lua_State *L, const mr_mapper *mapper) {
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_registry_configure(mapper->registry));
}

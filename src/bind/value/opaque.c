/*
 * opaque.c: Lua values and SQL expressions as values of the core: a column's slot or a statement's parameter can hold
 * them, and the core does not look into them.
 *
 * Invariant: each kind has a tag of its own (in bind_state), so the core counts references with the right functions.
 */
#include "state/callback.h"
#include "state/error.h"

static void ref_retain(mr_env *env, void *p) {
    (void)env;
    ((bind_ref *)p)->refs++;
}
static void ref_release(mr_env *env, void *p) {
    (void)env;
    bind_ref_release(p);
}
static bool ref_equal(mr_env *env, const void *a, const void *b) {
    (void)env;
    return a == b;
}
static const mr_opaque_ops ref_ops = {"Lua value", ref_retain, ref_release, ref_equal, NULL, NULL};

static void node_retain(mr_env *env, void *p) {
    (void)env;
    mr_node_retain(p);
}
static void node_release(mr_env *env, void *p) {
    (void)env;
    mr_node_release(p);
}
/* Two expressions are never equal values: assigning one is always a change. */
static bool node_equal(mr_env *env, const void *a, const void *b) {
    (void)env, (void)a, (void)b;
    return false;
}
/* Called by the flush: the SQL expression that a slot holds, or NULL. */
static mr_node *value_expression(void *ud, const mr_value *v) {
    const bind_state *b = ud;
    return v->tag == b->node_tag ? v->u.p : NULL;
}
static const mr_opaque_ops node_ops = {"SQL expression", node_retain, node_release, node_equal, NULL, NULL};

void bind_open_opaque(lua_State *L) {
    bind_state *b = bind_of(L);
    b->value_tag = mr_opaque_register(b->env, &ref_ops);
    b->node_tag = mr_opaque_register(b->env, &node_ops);
    if (!b->value_tag || !b->node_tag || mr_session_set_expression(b->env, value_expression, b) != MR_OK) bind_raise(L);
}

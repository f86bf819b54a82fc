/*
 * runtime.h: what every file of the binding stands on: the binding's state for one Lua state, entering and
 * leaving the core, raising errors, calling back into Lua, and values in both directions.
 *
 * Invariants:
 *  - Between bind_enter and bind_leave no Lua function that can raise is called (callbacks go through bind_callback).
 *    So: read the arguments, enter, call the core, leave, then push the results or raise.
 *  - The heap is traced only at the outermost bind_enter, when every argument has its proxy on the stack: what the core
 *    hands out is good until the next enter, pinned or not.
 *  - Only the binding raises. lua_push* can throw: own first (in a userdata), then push.
 */
#ifndef MOONROW_BIND_RUNTIME_H
#define MOONROW_BIND_RUNTIME_H

#include <lauxlib.h>
#include <lua.h>
#include <moonrow/session.h>

typedef struct bind_state {
    mr_env *env;
    mr_heap *heap;
    lua_State *L;        /* the one that is calling; NULL outside of BIND_ENTER..BIND_LEAVE */
    lua_State *main;     /* the main thread */
    unsigned depth;      /* of entered core calls */
    lua_Hook hooks[2];   /* of the main thread and of the one that called, when the library was entered (stop.c) */
    bool closed;         /* the Lua state closes: finalizers do nothing more */
    bool quiet;          /* what sessions lose is not warned of */
    bool logging;        /* the function that logs runs, wherever the core is: it must not call the library */
    int stress;          /* registry "moonrow.stress" when opened: 1 a collector step at each call, 2 a trace as well */
    size_t charged;      /* native bytes that Lua's collector has been told of */
    uint16_t value_tag;  /* MR_OPAQUE tag of a Lua value (u.p: bind_ref *) */
    uint16_t node_tag;   /* MR_OPAQUE tag of an SQL expression (u.p: mr_node *, counted) */
    unsigned error_slot; /* of ERROR_SLOTS: where the last error of a callback is kept */
    unsigned cycles;     /* collector cycles counted by the sentinel */
    unsigned cycles_seen, anchors_seen; /* those that the heap, and the anchors, have followed */
    lua_CFunction pcall, xpcall;        /* Lua's own, as they were when the module opened; NULL: others */
    bool own_init;                      /* some class has an __init of its own */
    bool loops_close;                   /* the closing value of a for loop can be trusted */
    mr_map *key_texts;                  /* of the C API: texts of keys that it has given out, by object; or NULL */
    struct capi_made *made;             /* what the running call of the C API has made for its caller */
    unsigned
        loops_open;   /* loops without a closing value, over cursors that may be open: begun since bind_release_loops */
    int chunks, weak; /* references to proxy.c's table of chunks, and to the metatable of weak tables */
} bind_state;

/* The binding of this Lua state (made by luaopen_moonrow). Raises once the state is closing. */
bind_state *bind_of(lua_State *L);
bind_state *bind_peek(lua_State *L); /* NULL then: for finalizers */
/* The same of an object that Lua holds, without a look into the registry. */
static inline bind_state *bind_of_entity(const mr_entity *e) { return mr_env_get(e->mapper->env, MR_ENV_BIND); }
bind_state *bind_state_make(lua_State *L);
/* capi.c: what a run of the embedding API has made that began before the library was open; NULL where there is none. */
struct capi_made *capi_early_made(lua_State *L);
void bind_leave(bind_state *b, lua_State *outer); /* outer: what bind_enter's b->L was */
/* BIND_ENTER(b, L) ... BIND_LEAVE(b): in one function, paired. */
#define BIND_ENTER(b, L)                                                                                               \
    lua_State *bind_outer_ = (b)->L;                                                                                   \
    bind_enter_state((b), (L))
#define BIND_LEAVE(b) bind_leave((b), bind_outer_)
void bind_enter_state(bind_state *b, lua_State *L);
/* Has statements stop when the program asks for it by a debug hook (stop.c). */
void bind_watch_hooks(bind_state *b);
void bind_note_hooks(bind_state *b, lua_State *L);
void bind_stress_step(bind_state *b, lua_State *L);
/* In a finalizer nothing is traced: the function of ours that made garbage may hold what the core handed out. */
bool bind_in_finalizer(lua_State *L);
bool bind_collector_runs(lua_State *L); /* false when it is stopped, and in a finalizer */

/* ---------------------------------------------------------------- errors (error.c) */

/* These end in lua_error, of which no compiler knows that it never returns; clang's analyzer is told. */
#ifdef __clang_analyzer__
#define BIND_RAISES __attribute__((analyzer_noreturn))
#else
#define BIND_RAISES
#endif

/* Raises the error recorded in the environment (a callback's own error unchanged). Never returns. */
int bind_raise(lua_State *L) BIND_RAISES;
/* Raises unless st is MR_OK, MR_ROW, MR_DONE or MR_NOTFOUND; returns st. */
mr_status bind_check(lua_State *L, mr_status st);
/* Raises an error of the kind, made here. */
int bind_error(lua_State *L, mr_errkind kind, const char *fmt, ...) MR_PRINTF(3, 4) BIND_RAISES;
/* "FUNCTION: expected WHAT, got string "x"": an ArgumentError for argument arg. */
int bind_type_error(lua_State *L, int idx, const char *what, const char *wanted) BIND_RAISES;
/* Describes a Lua value for a message: string "x", number 3, User class, ... Pushes the string and returns it. */
const char *bind_describe(lua_State *L, int idx);

/* ---------------------------------------------------------------- callbacks (runtime.c) */

/* A Lua value kept for the core: counted, in the registry. */
typedef struct bind_ref {
    uint32_t refs;
    int ref;
    bind_state *b;
} bind_ref;
bind_ref *bind_ref_new(lua_State *L, int idx); /* may raise (memory, a hook); one reference */
void bind_ref_release(bind_ref *r);
void bind_ref_push(lua_State *L, const bind_ref *r);
/* A ref that lives as long as the environment (defaults, hooks, resolvers). */
bind_ref *bind_ref_forever(lua_State *L, int idx);

/* Runs body(L) with data as light userdata at index 1, under lua_pcall, on the state that called the core. An error in
 * it is kept as it is (registry slot made beforehand) and MR_ERR_CALLBACK recorded. Yielding inside is an error. */
mr_status bind_callback(mr_env *env, lua_CFunction body, void *data);
/* The same, but an error object of ours is recorded with its own kind and message: for what the user
 * wrote, read late. */
mr_status bind_callback_mistake(mr_env *env, lua_CFunction body, void *data);
void bind_push_callback_error(
    lua_State *L, const mr_error *error); /* what the callback raised that the MR_ERR_CALLBACK error tells of */

/* ---------------------------------------------------------------- values (value.c) */

void bind_push_value(lua_State *L, const mr_value *v);         /* MR_NULL: nil */
void bind_push_value_or_null(lua_State *L, const mr_value *v); /* MR_NULL: mr.null, for lists without holes */
#define bind_push_null(L) lua_pushlightuserdata((L), NULL)
static inline bool bind_is_null(lua_State *L, int idx) {
    return lua_islightuserdata(L, idx) && lua_touserdata(L, idx) == NULL;
}
/* The Lua value as a mr_value, bytes borrowed from the stack: nil and mr.null MR_NULL, booleans, numbers, strings,
 * dates; expressions as MR_OPAQUE node_tag (borrowed). With type Date, Time, DateTime also os.date "*t" tables. false
 * where it is none (a table, a function, an entity). */
bool bind_to_value(lua_State *L, int idx, const mr_type *type, mr_value *out);
/* Raises: the value at idx is none of the type (or NULL). what names it, wanted says what is expected;
 * compared: it was to be compared with, where a list has a way of its own. */
int bind_no_value(lua_State *L, int idx, const mr_type *type, const char *what, const char *wanted,
                  bool compared) BIND_RAISES;
/* Raises where one value is wanted to compare with and a table is given that is none: a list has in_. */
void bind_refuse_list(lua_State *L, int idx, const mr_type *type, const char *what);
/* As bind_to_value, then mr_type_coerce with what ("User.id"); raises. */
void bind_check_value(lua_State *L, int idx, const mr_type *type, const char *what, mr_value *out);

/* Dates (datetime.c): immutable userdata. */
void bind_push_date(lua_State *L, const mr_value *v);
bool bind_to_date(lua_State *L, int idx, mr_value *out);

/* ---------------------------------------------------------------- arguments (argument.c) */

/* How options are told from data: if the only argument from index first on is a plain table whose array
 * part is the positional arguments, spreads it on the stack; a final plain table without array part is the options.
 * After it, the stack is first..first+n-1 the positional arguments and *options the index of the options table (or 0).
 * Returns n. */
int bind_arguments(lua_State *L, int first, int *options);
/* Is the name one of names (NULL-terminated)? */
bool bind_is_among(const char *const *names, const char *name);
/* Checks that every key of the options table is among names (NULL-terminated); an unknown one: ArgumentError
 * "unknown option 'x' for FUNCTION (did you mean 'y'?)". idx 0 passes. */
void bind_check_options(lua_State *L, int idx, const char *function, const char *const *names);
/* options[name] typed; absent gives deflt. A wrong type: ArgumentError naming function and option. idx 0: absent. */
bool bind_option_bool(lua_State *L, int idx, const char *function, const char *name, bool deflt);
int64_t bind_option_int(lua_State *L, int idx, const char *function, const char *name, int64_t deflt);
/* Raises where a method has more than n arguments (0 to 3) besides itself: they would be lost silently. cure: words for
 * the end. */
void bind_refuse_more(lua_State *L, int n, const char *function, const char *cure);
/* Is it a function, or has it __call? */
bool bind_is_callable(lua_State *L, int idx);
/* Raises where the argument cannot be called. */
void bind_check_callable(lua_State *L, int idx, const char *function);
/* Room on the Lua stack for so many values, which come from a list of the user's: else an ArgumentError. */
void bind_check_room(lua_State *L, int n, const char *function);
/* The argument as a name: a string, not empty, without zero bytes. wanted: "a name", for the message. */
const char *bind_arg_name(lua_State *L, int idx, const char *function, const char *wanted);
const char *bind_option_string(lua_State *L, int idx, const char *function, const char *name,
                               const char *deflt); /* stays in the table */
/* Pushes options[name] (nil when absent) and returns its Lua type. */
int bind_option(lua_State *L, int idx, const char *name);
/* True for a table without metatable. */
bool bind_is_plain_table(lua_State *L, int idx);
/* Did-you-mean among the string keys of the table at idx; pushes nothing; NULL or a string anchored in the table. */
const char *bind_nearest_key(lua_State *L, int idx, const char *name);

/* ---------------------------------------------------------------- types of userdata */

/* Makes the metatable `name` with methods and metamethods, kept in the registry (luaL_newmetatable). methods go to a
 * table whose unknown names raise "TYPE has no method 'x' (did you mean 'y'?)". getters: functions called with the
 * object for fields; may be NULL. */
void bind_type(lua_State *L, const char *name, const char *shown, const luaL_Reg *methods, const luaL_Reg *getters,
               const luaL_Reg *metamethods);
/* Makes the userdata on top a value of the type; raises once the library has closed. */
void bind_set_type(lua_State *L, const char *type);
/* The end of a finalizer. Other finalizers may still reach the value at index 1: from now on no function accepts it,
 * and every use of it raises. Returns 0. (closing.c) */
int bind_finalized(lua_State *L);
/* The library closes: the same for the values of every type. */
void bind_close_types(lua_State *L);
/* NULL unless the value is a userdata of that type. */
void *bind_test(lua_State *L, int idx, const char *type);
/* Raises an ArgumentError otherwise. */
void *bind_arg(lua_State *L, int idx, const char *type, const char *function);

/* coroutine.c */
/* Called by a __close: has the Lua function that holds the variable come to its end, or to that of the variable's
 * block? Not where an error unwinds it, be it nil, nor where its coroutine or state is closed from outside. */
bool bind_scope_ends(lua_State *L);
/* The same, or has os.exit closed the state in its midst? */
bool bind_scope_or_state_ends(lua_State *L);
/* Does an error in the running coroutine close the variables that are to be closed? A coroutine that dies of it leaves
 * them open; so does none that a protected call keeps alive, and not the main thread. */
bool bind_error_closes(lua_State *L);
/* Calls the function and its nargs arguments on top of the stack, as the work of a block whose userdata is to be closed
 * further down, and returns finish(L, status, 0): LUA_OK or LUA_YIELD with the results on top, or the error. An error
 * that closes the block by itself does not come to finish, and keeps its traceback. The function may yield. */
int bind_call_block(lua_State *L, int nargs, int nresults, lua_KFunction finish);
void bind_open_coroutine(lua_State *L);

/* Registered type names. */
#define BIND_EXPRESSION   "moonrow.Expression"   /* bind_expression */
#define BIND_RELATIONSHIP "moonrow.Relationship" /* bind_relationship: Class.attr of a relationship */
#define BIND_TYPE         "moonrow.Type"         /* const mr_type * */
#define BIND_COLUMN       "moonrow.Column"       /* mr_column * in the arena */
#define BIND_TABLE        "moonrow.Table"        /* mr_table * */
#define BIND_METADATA     "moonrow.MetaData"     /* mr_metadata * */
#define BIND_CONSTRAINT   "moonrow.Constraint"   /* mr_constraint * or mr_index * */
#define BIND_ENGINE       "moonrow.Engine"       /* mr_engine * (counted) */
#define BIND_CONNECTION   "moonrow.Connection"
#define BIND_QUERY        "moonrow.Query"     /* bind_query; user value 1: where its session comes from */
#define BIND_SELECT       "moonrow.Select"    /* bind_query, core_labels */
#define BIND_STATEMENT    "moonrow.Statement" /* mr_node *: INSERT, UPDATE, DELETE, text */
#define BIND_OPTION       "moonrow.LoaderOption"
#define BIND_RESULT       "moonrow.Result"
#define BIND_SESSION      "moonrow.Session"
#define BIND_CLASS        "moonrow.Class"
#define BIND_DATE         "moonrow.Date"
#define BIND_COLLECTION   "moonrow.Collection"

typedef struct bind_expression {
    mr_node *node;
} bind_expression;
typedef struct bind_relationship {
    const mr_property *prop;
    mr_node *alias;
    mr_mapper *of_type;
} bind_relationship;
typedef struct bind_query {
    mr_query *query;
} bind_query;
typedef struct bind_session {
    mr_session *session;
    bool closed;
} bind_session;
typedef struct bind_constraint {
    mr_constraint *constraint;
    mr_index *index;
} bind_constraint; /* one of them */

/* schema.c */
mr_column *bind_test_column(lua_State *L, int idx); /* of a Column value; NULL when it is none */
void bind_push_table(lua_State *L, const mr_table *table);
void bind_push_metadata(lua_State *L, mr_metadata *md);
/* collection.c */
void bind_push_collection(lua_State *L, mr_entity *parent, const mr_property *prop);

/* expression.c */
void bind_push_node(lua_State *L, mr_node *node); /* consumes; raises when node is NULL (the recorded error) */
mr_node *bind_test_node(lua_State *L, int idx);   /* borrowed, or NULL */
/* The Lua value as an operand: an expression (retained), a Select or Query as a scalar subquery, a plain value as a
 * bind coerced to the type (raises with `what` in the message). nil raises: "is the variable set?". New reference. */
mr_node *bind_to_operand(lua_State *L, int idx, const mr_type *type, const char *what);
/* A criterion for where/having/on: an expression; booleans, nil and else raise. New reference. */
mr_node *bind_to_criterion(lua_State *L, int idx, const char *function);

/* relationship_attribute.c: Class.attr of a relationship. alias consumed. */
void bind_push_relationship(lua_State *L, const mr_property *prop, mr_node *alias);
/* class.c */
mr_mapper *bind_test_class(lua_State *L, int idx); /* a mapped class, or NULL */
mr_mapper *bind_arg_class(lua_State *L, int idx, const char *function);
void bind_push_class(lua_State *L, const mr_mapper *mapper);
/* entity.c */
void bind_push_entity(lua_State *L, mr_entity *entity);
mr_entity *bind_test_entity(lua_State *L, int idx); /* NULL when it is none; raises when stale */
mr_entity *bind_arg_entity(lua_State *L, int idx, const char *function);
/* The same of what the relationship refers to. */
mr_entity *bind_related_entity(lua_State *L, int idx, const mr_property *prop, const char *what);
/* session.c */
/* The session that a value stands for: a Session, or a table with a method _session (scoped_session). Raises when
 * closed or none. */
mr_session *bind_to_session(lua_State *L, int idx);
/* query.c */
/* A query over a class with the session source at index source (0: none). */
void bind_push_query(lua_State *L, mr_query *query /* consumed */, int source, const char *type);
/* result.c: an empty result list with room for n: a table that prints its items. */
void bind_new_list(lua_State *L, size_t n);
/* result.c: pushes one item of a row: entities as proxies. */
void bind_push_item(lua_State *L, const mr_value *v);

/* Each file registers itself; called in this order by luaopen_moonrow, with the module's core table on top of the
 * stack. */
void bind_open_closing(lua_State *L);
void bind_open_error(lua_State *L);
void bind_open_value(lua_State *L);
void bind_open_datetime(lua_State *L);
void bind_open_type(lua_State *L);
void bind_open_schema(lua_State *L);
void bind_open_expression(lua_State *L);
void bind_open_engine(lua_State *L);
void bind_open_query(lua_State *L);
void bind_open_result(lua_State *L);
void bind_open_statement(lua_State *L);
void bind_open_class(lua_State *L);
void bind_open_proxy(lua_State *L);
void bind_open_entity(lua_State *L);
void bind_open_session(lua_State *L);
void bind_open_collection(lua_State *L);
void bind_open_relationship(lua_State *L);
void bind_open_inspect(lua_State *L);
void bind_open_event(lua_State *L);
void bind_open_event_base(lua_State *L);
void bind_open_event_hub(lua_State *L);
void bind_open_sleep(lua_State *L);
void bind_open_memory(lua_State *L);
void bind_open_log(lua_State *L);

#endif

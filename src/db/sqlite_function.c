/*
 * sqlite_function.c: functions, aggregates and collations of the program's, as SQLite calls them.
 *
 * Invariant: an error in one of them stops the statement that has called it, and is that statement's error, as it was
 * made (dbc->failed). A collation cannot fail: all texts are equal from then on, and what SQLite answers does not
 * count.
 */
#include "driver_sqlite.h"

#include <string.h>

/* What SQLite keeps of a function: freed by it. */
typedef struct registered {
    sqlite_dbc *dbc;
    const mr_sql_function *fn;
} registered;

/* ---------------------------------------------------------------- values */

static void take_value(sqlite3_value *from, mr_value *to) {
    *to = (mr_value){.kind = MR_NULL};
    switch (sqlite3_value_type(from)) {
    case SQLITE_INTEGER:
        to->kind = MR_INT;
        to->u.i = sqlite3_value_int64(from);
        break;
    case SQLITE_FLOAT:
        to->kind = MR_FLOAT;
        to->u.d = sqlite3_value_double(from);
        break;
    case SQLITE_TEXT:
        to->kind = MR_TEXT;
        to->u.s = (const char *)sqlite3_value_text(from);
        to->len = (uint32_t)sqlite3_value_bytes(from);
        break;
    case SQLITE_BLOB:
        to->kind = MR_BLOB;
        to->len = (uint32_t)sqlite3_value_bytes(from);
        to->u.s = to->len ? sqlite3_value_blob(from) : "";
        break;
    default:
        break;
    }
    if (mr_kind_is_bytes(to->kind) && !to->u.s) to->kind = MR_NULL; /* SQLite had no memory, and will say so */
}

static void give(mr_sql_call *call, const mr_value *v) {
    sqlite3_context *context = call->to;
    switch (v->kind) {
    case MR_INT:
    case MR_BOOL:
        sqlite3_result_int64(context, v->u.i);
        break;
    case MR_FLOAT:
        sqlite3_result_double(context, v->u.d);
        break;
    case MR_TEXT:
        sqlite3_result_text64(context, v->u.s, v->len, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case MR_BLOB:
        sqlite3_result_blob64(context, v->u.s, v->len, SQLITE_TRANSIENT);
        break;
    default:
        sqlite3_result_null(context);
    }
}

/* ---------------------------------------------------------------- calls */

/* Keeps the error that was recorded for the end of the statement. */
static void keep_error(sqlite_dbc *dbc) {
    if (dbc->failed) mr_env_clear_error(dbc->env);
    else dbc->failed = mr_env_save_error(dbc->env);
}

static bool run(registered *r, mr_status (*fn)(void *ud, mr_sql_call *call), mr_sql_call *call) {
    r->dbc->calling++;
    mr_status status = fn(r->fn->ud, call);
    r->dbc->calling--;
    if (status == MR_FAIL) keep_error(r->dbc);
    return status != MR_FAIL;
}

/* Calls the function with the values; `group` is that of an aggregate. */
static void call_with(sqlite3_context *context, int argc, sqlite3_value **argv, int64_t *group) {
    registered *r = sqlite3_user_data(context);
    mr_value few[8], *args = argc <= 8 ? few : mr_alloc(r->dbc->env, (size_t)argc * sizeof *args);
    if (!args) {
        sqlite3_result_error_nomem(context);
        return;
    }
    for (int i = 0; i < argc; i++) take_value(argv[i], &args[i]);
    mr_sql_call call = {.args = args, .n = (size_t)argc, .group = group, .give = give, .to = context};
    if (!r->dbc->failed && !run(r, r->fn->call, &call)) sqlite3_result_error(context, "a function has failed", -1);
    if (args != few) mr_free(r->dbc->env, args);
}

static void call_scalar(sqlite3_context *context, int argc, sqlite3_value **argv) {
    call_with(context, argc, argv, NULL);
}

static void call_step(sqlite3_context *context, int argc, sqlite3_value **argv) {
    int64_t *group = sqlite3_aggregate_context(context, sizeof *group);
    if (group) call_with(context, argc, argv, group);
    else sqlite3_result_error_nomem(context);
}

/* SQLite calls it for each group, after an error, too: what the group has is released. */
static void call_final(sqlite3_context *context) {
    registered *r = sqlite3_user_data(context);
    int64_t none = 0, *group = sqlite3_aggregate_context(context, 0);
    mr_sql_call call = {.group = group ? group : &none, .give = give, .to = context, .aborted = r->dbc->failed != NULL};
    if (!run(r, r->fn->finish, &call)) sqlite3_result_error(context, "an aggregate has failed", -1);
}

static int call_collation(void *ud, int a_len, const void *a, int b_len, const void *b) {
    registered *r = ud;
    int order = 0;
    if (r->dbc->failed) return 0;
    r->dbc->calling++;
    mr_status status = r->fn->compare(r->fn->ud, a, (size_t)a_len, b, (size_t)b_len, &order);
    r->dbc->calling--;
    if (status != MR_FAIL) return order;
    keep_error(r->dbc);
    return 0;
}

/* ---------------------------------------------------------------- adding */

mr_status mr_sqlite_add_function(mr_dbc *handle, const mr_sql_function *fn) {
    sqlite_dbc *dbc = sqlite_dbc_of(handle);
    registered *r = sqlite3_malloc(sizeof *r);
    if (!r) return mr_nomem(dbc->env);
    *r = (registered){dbc, fn};
    const int flags = SQLITE_UTF8 | (fn->deterministic ? SQLITE_DETERMINISTIC : 0);
    int rc;
    if (fn->kind == MR_SQL_COLLATION) {
        rc = sqlite3_create_collation_v2(dbc->db, fn->name, SQLITE_UTF8, r, call_collation, sqlite3_free);
        if (rc != SQLITE_OK) sqlite3_free(r);
    } else if (fn->kind == MR_SQL_AGGREGATE) {
        rc = sqlite3_create_function_v2(dbc->db, fn->name, fn->args, flags, r, NULL, call_step, call_final,
                                        sqlite3_free);
    } else {
        rc = sqlite3_create_function_v2(dbc->db, fn->name, fn->args, flags, r, call_scalar, NULL, NULL, sqlite3_free);
    }
    return rc == SQLITE_OK ? MR_OK : mr_sqlite_fail(dbc, rc);
}

void mr_sqlite_remove_function(mr_dbc *handle, const mr_sql_function *fn) {
    sqlite3 *db = sqlite_dbc_of(handle)->db;
    if (fn->kind == MR_SQL_COLLATION) (void)sqlite3_create_collation_v2(db, fn->name, SQLITE_UTF8, NULL, NULL, NULL);
    else (void)sqlite3_create_function_v2(db, fn->name, fn->args, SQLITE_UTF8, NULL, NULL, NULL, NULL, NULL);
}

bool mr_sqlite_is_calling(mr_dbc *dbc) { return sqlite_dbc_of(dbc)->calling > 0; }

mr_status mr_sqlite_function_failed(sqlite_dbc *dbc) {
    mr_error *failed = dbc->failed;
    dbc->failed = NULL;
    mr_env_restore_error(dbc->env, failed);
    return MR_FAIL;
}

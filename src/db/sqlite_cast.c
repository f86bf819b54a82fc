/*
 * sqlite_cast.c: the SQL function moonrow_cast(value, from, to), by which a cast gives dates, times, booleans and uuids
 * in SQLite. from and to are names of types with their form of storage ("DateTime unix"); from may be empty.
 *
 * Invariant: NULL gives NULL. A value that is none of the type is an error, as it is in PostgreSQL: SQLite's own CAST
 * would make the number at its beginning of it. The function depends on its arguments alone.
 */
#include "driver_sqlite.h"

static bool read_type(sqlite3_value *name, mr_type *out) {
    const char *text = (const char *)sqlite3_value_text(name);
    return text && mr_type_of_form_name(text, out);
}

static mr_value read_value(sqlite3_value *value) {
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        return mr_int_value(sqlite3_value_int64(value));
    case SQLITE_FLOAT:
        return mr_float_value(sqlite3_value_double(value));
    case SQLITE_BLOB: {
        const char *bytes = sqlite3_value_blob(value);
        return mr_bytes_value(MR_BLOB, bytes ? bytes : "", (size_t)sqlite3_value_bytes(value));
    }
    default: {
        const char *text = (const char *)sqlite3_value_text(value);
        return mr_text_value(text ? text : "", text ? (size_t)sqlite3_value_bytes(value) : 0);
    }
    }
}

static void set_result(sqlite3_context *c, const mr_value *v) {
    if (v->kind == MR_INT) sqlite3_result_int64(c, v->u.i);
    else if (v->kind == MR_FLOAT) sqlite3_result_double(c, v->u.d);
    else if (v->kind == MR_BLOB) sqlite3_result_blob(c, v->u.s, (int)v->len, SQLITE_TRANSIENT);
    else sqlite3_result_text(c, v->u.s, (int)v->len, SQLITE_TRANSIENT);
}

static void refuse(sqlite3_context *c, sqlite3_value *value, const mr_type *to) {
    char words[200 + MR_TYPE_ADVICE], advice[MR_TYPE_ADVICE] = "";
    mr_value v = read_value(value);
    if (to->rules->advise) to->rules->advise(to, &v, advice);
    const char *shown = v.kind == MR_BLOB ? NULL : (const char *)sqlite3_value_text(value);
    sqlite3_snprintf(sizeof words, words, "cast: \"%.60s\" cannot become %s%s", shown ? shown : "(bytes)",
                     to->rules->wants, advice);
    sqlite3_result_error(c, words, -1);
    sqlite3_result_error_code(c, SQLITE_MISMATCH); /* a DataError */
}

static void cast(sqlite3_context *c, int n, sqlite3_value **values) {
    mr_type from, to;
    mr_cast_room room = {.store = {.env = sqlite3_user_data(c)}};
    bool known = sqlite3_value_bytes(values[1]) > 0;
    (void)n;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
    if ((known && !read_type(values[1], &from)) || !read_type(values[2], &to)) {
        sqlite3_result_error(c, "moonrow_cast: no such type", -1);
        return;
    }
    mr_value v = read_value(values[0]);
    if (mr_type_cast(known ? &from : NULL, &to, &v, &room)) set_result(c, &v);
    else refuse(c, values[0], &to);
    mr_store_done(&room.store);
}

/* mr_like(text, pattern [, escape]): LIKE, for which a zero byte is a character. */
static void like(sqlite3_context *c, int n, sqlite3_value **values) {
    for (int i = 0; i < n; i++)
        if (sqlite3_value_type(values[i]) == SQLITE_NULL) return;
    const char *text = (const char *)sqlite3_value_text(values[0]),
               *pattern = (const char *)sqlite3_value_text(values[1]);
    const char *escape = n > 2 ? (const char *)sqlite3_value_text(values[2]) : "";
    if (!text || !pattern || !escape) {
        sqlite3_result_error_nomem(c);
        return;
    }
    uint32_t sign = mr_like_character(escape);
    bool met = mr_like(pattern, (size_t)sqlite3_value_bytes(values[1]), text, (size_t)sqlite3_value_bytes(values[0]),
                       sign, MR_LIKE_FOLDS | MR_LIKE_WHOLE);
    sqlite3_result_int(c, met);
}

static int set(sqlite3 *db, mr_env *env, bool on) {
    for (int n = 2; n <= 3; n++) {
        int rc = sqlite3_create_function_v2(db, "mr_like", n, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                            NULL, on ? like : NULL, NULL, NULL, NULL);
        if (rc != SQLITE_OK) return rc;
    }
    return sqlite3_create_function_v2(db, "moonrow_cast", 3, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, env,
                                      on ? cast : NULL, NULL, NULL, NULL);
}

int mr_sqlite_add_cast(sqlite_dbc *dbc) { return set(dbc->db, dbc->env, true); }
void mr_sqlite_remove_cast(sqlite_dbc *dbc) { set(dbc->db, dbc->env, false); }

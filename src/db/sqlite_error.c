/*
 * sqlite_error.c: turns errors of SQLite into errors of the library, and adds advice.
 *
 * Invariant: the error keeps SQLite's message (in its orig, where the message itself says more) and extended code.
 */
#include "driver_sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The operating system is asked, because SQLite's error is the same for too many files and for a missing folder.
 * Several files are tried: SQLite may need several at once, and it has closed the others when it fails. */
bool mr_sqlite_out_of_files(int rc) {
    enum { WANTED = 4 };
    FILE *probes[WANTED];
    int n = 0, reason = 0;
    if ((rc & 0xff) != SQLITE_CANTOPEN) return false;
    while (n < WANTED && (probes[n] = fopen("/dev/null", "rb"))) n++;
    if (n < WANTED) reason = errno;
    while (n > 0) fclose(probes[--n]);
    return reason == EMFILE || reason == ENFILE;
}

static mr_errkind kind_of(int rc) {
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
        return MR_ERR_INTEGRITY;
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
        return MR_ERR_DATA;
    case SQLITE_MISUSE:
        return MR_ERR_PROGRAMMING;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return MR_ERR_DATABASE;
    default:
        return MR_ERR_OPERATIONAL;
    }
}

static bool begins(const char *words, const char *with) { return strncmp(words, with, strlen(with)) == 0; }

static const char date_part[] =
    "a part of a date is mr.extract(\"year\", x), with \"month\", \"day\", \"hour\" and the like in place of \"year\"";
static const char one_grouping[] =
    "SQLite groups rows in one way at a time: unite a select for each grouping by mr.union_all";
static const char no_users[] = "SQLite knows no users";
static const char no_sequences[] = "SQLite has no sequences: an integer primary key numbers its rows by itself";
static const char extremes[] =
    "SQLite has it as mr.func.min(x), for \"all of them\", and mr.func.max(x), for \"some of them\"";
static const char json_lists[] = "SQLite has mr.func.json_group_array(x)";
static const char places[] = "SQLite has mr.func.instr(x, text): the text stands behind what it is looked for in";

/* Functions of other databases, and what SQLite has in their place. */
static const struct {
    const char *name, *cure;
} foreign_functions[] = {
    {"year", date_part},
    {"month", date_part},
    {"day", date_part},
    {"hour", date_part},
    {"minute", date_part},
    {"second", date_part},
    {"week", date_part},
    {"dayofmonth", date_part},
    {"dayofweek", date_part},
    {"dayofyear", date_part},
    {"weekday", date_part},
    {"quarter", date_part},
    {"date_part", date_part},
    {"cube", one_grouping},
    {"rollup", one_grouping},
    {"grouping_sets", one_grouping},
    {"grouping", one_grouping},
    {"user", no_users},
    {"current_user", no_users},
    {"session_user", no_users},
    {"next_value", no_sequences},
    {"nextval", no_sequences},
    {"currval", no_sequences},
    {"every", extremes},
    {"bool_and", extremes},
    {"bool_or", extremes},
    {"array_agg", json_lists},
    {"json_agg", json_lists},
    {"jsonb_agg", json_lists},
    {"position", places},
    {"strpos", places},
    {"left", "SQLite has mr.func.substr(x, 1, n)"},
    {"right", "SQLite has mr.func.substr(x, -n)"},
    {"lpad", "SQLite has mr.func.printf(\"%5s\", x)"},
    {"rpad", "SQLite has mr.func.printf(\"%-5s\", x)"},
    {"sysdate", "mr.func.now() is the time in UTC, and mr.func.localtimestamp() that of this place"},
    {"date_trunc", "SQLite has mr.func.strftime(\"%Y-%m-01\", x), with a format of what is to stay"},
    {"to_char", "SQLite has mr.func.strftime(format, x) for dates, and mr.func.printf(format, x) for numbers"},
};

static const char *foreign_function(const char *name) {
    for (size_t i = 0; i < sizeof foreign_functions / sizeof *foreign_functions; i++)
        if (sqlite3_stricmp(name, foreign_functions[i].name) == 0) return foreign_functions[i].cure;
    return NULL;
}

/* What SQLite says of a mistake of the program's, and what to do: begin NULL: the part stands anywhere. */
typedef struct known_mistake {
    const char *begin, *part, *cure;
} known_mistake;

static const char no_schema[] =
    "the connection has no schema of that name: ATTACH its file when a connection opens (the event \"connect\" of the "
    "engine), or leave the option schema out";

static const char no_search[] =
    "match() searches tables of FTS5, on the left of AND alone: a text is found by contains, like or regexp_match";

static const known_mistake mistakes[] = {
    {NULL, ".sqlite_master", no_schema}, /* where create_all asks what there is */
    {"unknown database ", NULL, no_schema},
    {"no such table: ", NULL, "db:create_all() makes the tables of the classes that are declared, once for each file"},
    {"no such column: ", NULL,
     "is it spelled so? create_all does not change a table that exists: ALTER TABLE ... ADD COLUMN does"},
    {NULL, " has no column named ",
     "is it spelled so? create_all does not change a table that exists: ALTER TABLE ... ADD COLUMN does"},
    {"no such function: ", NULL,
     "this SQLite has none of the name; the program gives it one by engine:create_function(name, fn)"},
    {"no such collation sequence: ", NULL,
     "SQLite has BINARY, NOCASE and RTRIM; the program gives it others by engine:create_collation(name, fn)"},
    {"too many arguments on function ", NULL,
     "SQLite takes 127 at most: call it for parts of them, and once for these"},
    {"wrong number of arguments to function ", NULL,
     "mr.func passes on what it is given: see SQLite's list of functions"},
    {"misuse of aggregate", NULL,
     "an aggregate is computed of rows that where() has chosen: ask it by having(...), or in a subquery of its own"},
    {"misuse of window function", NULL,
     "a window function is called with over{ ... }, among the columns or in order_by: ask its value in a query around, "
     "by query:subquery()"},
    {"aggregate functions are not allowed in the GROUP BY", NULL,
     "group_by says which rows are counted together: the columns that are no aggregates"},
    {"HAVING clause on a non-aggregate query", NULL,
     "having() is about the groups of group_by(...): rows are chosen by where()"},
    {"FILTER may not be used with non-aggregate", NULL, "filter() is for aggregates: rows are chosen by where()"},
    {"FILTER clause may only be used with aggregate window functions", NULL,
     "filter() is for aggregates such as mr.func.sum: of others mr.case{ ... } chooses"},
    {NULL, " may not be used as a window function", "over{ ... } is for aggregates, and for functions such as rank"},
    {"DISTINCT is not supported for window functions", NULL, "count what differs in a subquery with group_by"},
    {"DISTINCT aggregates must have exactly one argument", NULL,
     "beside DISTINCT, what stands between texts is a value, no column: else they are read in a subquery with "
     "distinct()"},
    {"RANGE with offset", NULL, "range counts from the value of one column: give over{ order_by = } one"},
    {"row value misused", NULL,
     "mr.tuple_, or a query of several columns, is compared with another one, or stands before in_: elsewhere name the "
     "columns one by one"},
    {"sub-select returns ", NULL, "say by with_only_columns(...) which column is meant"},
    {"unable to use function MATCH", NULL, no_search},
    {"malformed JSON", NULL, "a row or a value is no JSON: mr.func.json_valid(x):eq(1) chooses those that are"},
    {"ambiguous column name: ", NULL,
     "two objects of the query have such a column: mr.aliased(Class) makes another name for one of them"},
    {"too many columns in result set", NULL, "SQLite gives 2000 columns at most: read some of them by a second query"},
    {"too many terms in compound SELECT", NULL,
     "SQLite unites 500 queries at most: one query with mr.or_, in_{ ... } or mr.values reads the same"},
    {"at most 64 tables in a join", NULL,
     "a query reads 64 tables at most: read some by a subquery, such as has(...) or any(...), or by a second query"},
    {"LIKE or GLOB pattern too complex", NULL,
     "SQLite's LIKE takes patterns of 50000 bytes: mr.func.instr(x, text):gt(0) finds longer ones"},
    {"near \"?\": syntax error", NULL,
     "a parameter stands for a value alone, not for a name, a PRAGMA's value or the like: write these into the SQL"},
};

/* The cure for an error that is a mistake of the program, known by its words alone; NULL: there is none. */
static const char *mistake_of(const char *words) {
    const char *cure =
        begins(words, "no such function: ") ? foreign_function(words + strlen("no such function: ")) : NULL;
    if (cure) return cure;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const known_mistake *m = &mistakes[i];
        if (m->begin ? begins(words, m->begin) : strstr(words, m->part) != NULL) return m->cure;
    }
    return NULL;
}

/* Has the SQL the text? */
static bool has(const char *sql, size_t len, const char *text) {
    const size_t n = strlen(text);
    for (size_t i = 0; n <= len && i <= len - n; i++)
        if (memcmp(sql + i, text, n) == 0) return true;
    return false;
}

/* The cure for an error of full text search. In a statement that runs, only the words to search can be at fault: all
 * names were found when it was prepared. */
static const char *search_mistake(const char *words, const char *sql, size_t len, bool running) {
    static const char quoted[] =
        "the words are in the language of FTS5: what is to be found as it is stands in \"...\", "
        "with each \" in it twice, as in match '\"a-b\"'";
    const char *const column = "no such column: ";
    char name[200];
    if (!sql || !has(sql, len, " MATCH ")) return NULL;
    if (running)
        return begins(words, column) || begins(words, "fts5: ") || begins(words, "unterminated string") ||
                       begins(words, "unknown special query: ") || begins(words, "malformed MATCH expression")
                   ? quoted
                   : NULL;
    if (!begins(words, column)) return NULL;
    int n = snprintf(name, sizeof name, " %s MATCH ", words + strlen(column));
    return n < (int)sizeof name && has(sql, len, name) ? no_search : NULL;
}

static bool is_about_file(int rc, const char *words) {
    return (rc & 0xff) == SQLITE_READONLY || begins(words, "no such table: ");
}

enum { PLACE_SIZE = 400 };

/* Where it happened, if that is the likely reason: another file than was meant. */
static const char *place_of(const sqlite_dbc *dbc, int rc, const char *words, char *buf) {
    const char *path = is_about_file(rc, words) ? sqlite3_db_filename(dbc->db, "main") : NULL;
    if (!path || !*path || sqlite3_vfs_find(path)) return ""; /* in memory: a VFS of its own */
    snprintf(buf, PLACE_SIZE, " (the file is %s)", path);
    return buf;
}

/* Advice for an error. (For locks that this program holds, the connection adds the advice.) */
static const char *cure_of(const sqlite_dbc *dbc, int rc) {
    if (rc == SQLITE_BUSY_SNAPSHOT)
        return ": others have committed since this transaction began to read: run it again (session:retry)";
    if ((rc & 0xff) == SQLITE_BUSY)
        return ": another program holds it: run the transaction again (session:retry), or wait longer (busy_timeout)";
    if (rc == SQLITE_INTERRUPT && dbc->timed_out) return ": the statement ran longer than its timeout allows";
    if (mr_sqlite_out_of_files(rc)) return MR_SQLITE_TOO_MANY_FILES;
    bool is_locked = rc == SQLITE_READONLY_DIRECTORY || sqlite3_db_readonly(dbc->db, "main") == 1;
    if ((rc & 0xff) == SQLITE_READONLY && is_locked)
        return ": the file, or its folder, gives this program no permission to write";
    if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
        return ": a row refers to one that is not there, or rows refer to one that was to be deleted";
    return "";
}

/* The words as a message has them: SQLite repeats a name, however long it is. The whole is in the error's orig. */
static const char *shortened(const char *words, char *buf, size_t size) {
    size_t len = strlen(words), kept = size - 4;
    if (len < size) return words;
    while (kept > 0 && ((unsigned char)words[kept] & 0xc0) == 0x80) kept--; /* a character stays whole */
    memcpy(buf, words, kept);
    strcpy(buf + kept, "...");
    return buf;
}

/* What the parser cannot read is a mistake of the program's, whatever SQLite was compiled with. */
static bool is_too_deep(int rc, const char *words) {
    return rc == SQLITE_ERROR &&
           (begins(words, "parser stack overflow") || begins(words, "Expression tree is too large"));
}

mr_status mr_sqlite_fail(sqlite_dbc *dbc, int rc) { return mr_sqlite_fail_in(dbc, rc, NULL, 0, false); }

mr_status mr_sqlite_fail_in(sqlite_dbc *dbc, int rc, const char *sql, size_t len, bool running) {
    if (dbc->failed) return mr_sqlite_function_failed(dbc);
    if ((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM) return mr_nomem(dbc->env);
    /* SQLite does not call the busy handler when waiting would be a deadlock. Then the handler is called here. */
    if ((rc & 0xff) == SQLITE_BUSY && !dbc->asked && dbc->busy) dbc->busy(dbc->busy_ud);
    dbc->asked = false;
    /* The caller's own handle may have extended codes turned off. */
    if (rc <= 0xff && sqlite3_errcode(dbc->db) == rc) rc = sqlite3_extended_errcode(dbc->db);
    const char *words = sqlite3_errmsg(dbc->db);
    const char *mistake = (rc & 0xff) == SQLITE_ERROR ? search_mistake(words, sql, len, running) : NULL;
    if (!mistake && (rc & 0xff) == SQLITE_ERROR) mistake = mistake_of(words);
    char place[PLACE_SIZE], begin[1000];
    if (is_too_deep(rc, words))
        mr_fail(dbc->env, MR_ERR_ARGUMENT,
                "(sqlite) the SQL is nested more deeply than this SQLite reads: give inner queries a name by :cte(), "
                "and compute a part in a subquery or in Lua");
    else
        mr_fail(dbc->env, kind_of(rc), "(sqlite) %s%s%s%s%s", shortened(words, begin, sizeof begin), cure_of(dbc, rc),
                mistake ? ": " : "", mistake ? mistake : "", place_of(dbc, rc, words, place));
    mr_error_add_orig(dbc->env, words, rc);
    return MR_FAIL;
}

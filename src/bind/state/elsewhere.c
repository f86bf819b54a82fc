/*
 * elsewhere.c: names that SQL and other libraries have for what is called otherwise here, for messages.
 *
 * Invariant: no name of a table here is a method or field of the type that the table is for.
 */
#include <string.h>

#include "argument.h"

static const bind_cure of_session[] = {
    {"SQL is run by session:execute(mr.text \"...\")", {"raw", "sql", "run", NULL}},
    {"it is session:begin(function() ... end)", {"transaction", "atomic", "transact", NULL}},
    {NULL, {NULL}},
};

static const bind_cure of_connection[] = {
    {"objects are a session's: mr.Session(engine)",
     {"query", "add", "add_all", "get", "delete", "flush", "refresh", "merge", NULL}},
    {"SQL is run by connection:execute(mr.text \"...\")", {"run", "sql", "prepare", "cursor", NULL}},
    {NULL, {NULL}},
};

static const bind_cure of_query[] = {
    {"an order is given to order_by(User.name:desc())", {"sort", "sort_by", "order", NULL}},
    {"it is for x in query:iter() do ... end", {"each", "foreach", "for_each", "map", NULL}},
    {"it is order_by(User.id:desc()):first()", {"last", "latest", "reverse", NULL}},
    {"it is get(key), or filter_by{ name = x }:first()", {"find", "find_by", "fetch_one", NULL}},
    {"it is outerjoin(User.posts)", {"left_join", "leftjoin", "left_outer_join", NULL}},
    {"it is options(mr.joinedload(User.posts)) or mr.selectinload",
     {"with", "include", "includes", "preload", "eager_load", "prefetch_related", "select_related", NULL}},
    {"columns are asked for by with_entities(User.name)",
     {"select", "values", "values_list", "pluck", "only", "columns", "project", NULL}},
    {"it is with_entities(mr.func.NAME(User.age)):scalar()",
     {"max", "min", "sum", "avg", "average", "maximum", "minimum", NULL}},
    {"it is delete(), for all its rows", {"remove", "destroy", "delete_all", NULL}},
    {"it is filter(~User.name:eq(x))", {"exclude", "where_not", "reject", NULL}},
    {"it is filter(User.id:in_{ ... })", {"where_in", "in_", NULL}},
    {"it is limit(n) and offset(n)", {"skip", "take", "top", "slice", NULL}},
    {"it is all()", {"fetch", "fetchall", "list", "to_list", "get_all", "results", "exec", "run", "execute", NULL}},
    {"it is count()", {"size", "length", "len", NULL}},
    {"it is paginate{ page = 1, per_page = 20 }", {"page", "pages", NULL}},
    {"objects are written by session:add(object), then session:commit()",
     {"add", "insert", "create", "save", "commit", NULL}},
    {NULL, {NULL}},
};

static const bind_cure of_relationship[] = {
    {"its class's rows are chosen by any{ ... } or has{ ... }, or after query:join(User.posts)",
     {"filter", "filter_by", "where", "exists", NULL}},
    {"it is a relationship: its objects are those of one object, object.posts",
     {"all", "first", "append", "add", "count", "iter", "get", NULL}},
    {NULL, {NULL}},
};

static const bind_cure of_date[] = {
    {"it is date + mr.interval{ days = 1 }, date - mr.interval{ days = 1 }",
     {"add", "subtract", "plus", "minus", "add_days", NULL}},
    {"it is later - earlier, which is an interval", {"diff", "difference", "since", "until", NULL}},
    {"it is format(\"%Y-%m-%d\"), or tostring", {"strftime", "isoformat", "to_string", "fmt", NULL}},
    {NULL, {NULL}},
};

static const struct {
    const char *type;
    const bind_cure *rows;
} types[] = {{"Session", of_session},
             {"Connection", of_connection},
             {"Query", of_query},
             {"Relationship", of_relationship},
             {"date", of_date}};

const char *bind_elsewhere(const char *type, const char *name) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, type) == 0) return bind_cure_of(types[i].rows, name);
    return NULL;
}

/*
 * mistakes.c: what is wrong in the definition of a table.
 *
 * Invariant: all mistakes of a table are reported in one error, each with its cure where there is one.
 */
#include "build.h"

#include <stdarg.h>
#include <string.h>

void mr_build_init(mr_build *b, mr_env *env, mr_table *table) {
    *b = (mr_build){.env = env, .table = table};
    mr_strbuf_init(&b->mistakes, env);
}

void mr_build_mistake(mr_build *b, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    mr_strbuf_puts(&b->mistakes, "\n  ");
    mr_strbuf_vprintf(&b->mistakes, fmt, args);
    va_end(args);
    b->nmistakes++;
}

void mr_build_take_mistakes(mr_build *b, const mr_table_options *options) {
    if (options->nmistakes) mr_strbuf_puts(&b->mistakes, options->mistakes);
    b->nmistakes += options->nmistakes;
}

/* One mistake alone. Where it is of the words, its text says itself what stands wrong. */
static mr_status report_one(const mr_build *b, const char *text) {
    const char *table = b->table->full_name;
    if (b->table->options.nmistakes) return mr_fail(b->env, MR_ERR_ARGUMENT, "%s", text);
    return mr_fail(b->env, MR_ERR_ARGUMENT, strncmp(text, "has ", 4) == 0 ? "table '%s' %s" : "table '%s': %s", table,
                   text);
}

mr_status mr_build_report(mr_build *b) {
    const char *text = mr_strbuf_str(&b->mistakes);
    mr_status status = text ? MR_OK : mr_nomem(b->env);
    if (text && b->nmistakes == 1) status = report_one(b, text + strlen("\n  "));
    else if (text && b->nmistakes)
        status =
            mr_fail(b->env, MR_ERR_ARGUMENT, "table '%s': %u mistakes:%s", b->table->full_name, b->nmistakes, text);
    mr_strbuf_done(&b->mistakes);
    return status;
}

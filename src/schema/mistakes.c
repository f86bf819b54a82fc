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

mr_status mr_build_report(mr_build *b) {
    const char *text = mr_strbuf_str(&b->mistakes), *table = b->table->full_name;
    mr_status status = text ? MR_OK : mr_nomem(b->env);
    if (text && b->nmistakes == 1)
        status =
            mr_fail(b->env, MR_ERR_ARGUMENT, strncmp(text, "\n  has ", 7) == 0 ? "table '%s' %s" : "table '%s': %s",
                    table, text + strlen("\n  "));
    else if (text && b->nmistakes)
        status = mr_fail(b->env, MR_ERR_ARGUMENT, "table '%s': %u mistakes:%s", table, b->nmistakes, text);
    mr_strbuf_done(&b->mistakes);
    return status;
}

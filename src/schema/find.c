/*
 * find.c: a column of a table by its name.
 */
#include <moonrow/schema.h>

#include <string.h>

mr_column *mr_table_column(const mr_table *table, const char *name) {
    for (unsigned i = 0; i < table->ncolumns; i++)
        if (table->columns[i]->name == name || strcmp(table->columns[i]->name, name) == 0) return table->columns[i];
    return NULL;
}

/*
 * find.c: finds a column of a table by its name.
 *
 * Invariant: any copy of the name finds the column; the interned name is only found faster.
 */
#include <moonrow/schema.h>

#include <string.h>

mr_column *mr_table_column(const mr_table *table, const char *name) {
    for (unsigned i = 0; i < table->ncolumns; i++)
        if (table->columns[i]->name == name || strcmp(table->columns[i]->name, name) == 0) return table->columns[i];
    return NULL;
}

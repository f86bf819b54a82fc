/*
 * compile_constraint.c: PRIMARY KEY, UNIQUE, CHECK and FOREIGN KEY, in CREATE TABLE and in ALTER TABLE.
 *
 * Invariant: a foreign key is written once: in the table, or behind all tables where it refers to one that does not
 * exist yet. One to another database, which the dialect cannot write, or to a view is left out.
 */
#include <moonrow/sql.h>

#include "ddl.h"

#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- names, conditions */

mr_status mr_put_constraint_name(const ddl *x, const mr_named *named) {
    const char *name;
    if (mr_name_of(named, &name) != MR_OK) return MR_FAIL;
    if (!name) return MR_OK;
    mr_strbuf_puts(x->out, "CONSTRAINT ");
    mr_put_name(x, name);
    mr_strbuf_putc(x->out, ' ');
    return MR_OK;
}

static mr_status put_check(const ddl *x, const mr_constraint *k) {
    mr_strbuf_puts(x->out, "CHECK (");
    if (k->sql) mr_strbuf_puts(x->out, k->sql);
    else if (mr_sql_constraint(x->env, x->dialect, k->condition, x->out) != MR_OK) return MR_FAIL;
    mr_strbuf_putc(x->out, ')');
    mr_put_conflict(x, k->on_conflict);
    return MR_OK;
}

/* INITIALLY alone has the meaning that is written out here, and is no word of SQLite's. */
static void put_deferrable(const ddl *x, const mr_reference *how) {
    int deferrable = how->deferrable;
    if (!deferrable && how->initially) deferrable = strcmp(how->initially, "DEFERRED") == 0 ? 1 : -1;
    if (deferrable) mr_strbuf_puts(x->out, deferrable > 0 ? " DEFERRABLE" : " NOT DEFERRABLE");
    if (how->initially) mr_strbuf_printf(x->out, " INITIALLY %s", how->initially);
}

/* UNIQUE and PRIMARY KEY may be deferrable, but not everywhere. */
static mr_status put_deferrable_key(const ddl *x, const mr_table *table, const mr_constraint *k) {
    if ((k->how.deferrable == 1 || k->how.initially) && !x->dialect->defers_keys)
        return mr_fail(x->env, MR_ERR_ARGUMENT,
                       "table '%s': %s defers foreign keys only: leave deferrable and initially out of the %s",
                       table->full_name, x->dialect->name,
                       k->kind == MR_CONSTRAINT_UNIQUE ? "UniqueConstraint" : "PrimaryKeyConstraint");
    if (x->dialect->defers_keys) put_deferrable(x, &k->how);
    return MR_OK;
}

/* ---------------------------------------------------------------- foreign keys */

/* The foreign key of one column, or of a constraint. */
typedef struct reference {
    mr_column *column; /* of one column; otherwise NULL */
    const mr_constraint *constraint;
    mr_foreign_key *first; /* resolved */
    const mr_reference *how;
} reference;

static unsigned width_of(const reference *r) { return r->column ? 1 : r->constraint->ncolumns; }

static mr_foreign_key *part_of(const reference *r, unsigned i) {
    return r->column ? r->first : mr_constraint_part(r->constraint, i);
}

static const char *database_of(const mr_table *table) { return table->schema ? table->schema : "main"; }

/* Can the dialect write it? */
static bool is_writable(const ddl *x, const reference *r) {
    const mr_table *from = r->first->column->table, *to = r->first->referred->table;
    if (to->options.is_view) return false;
    return !x->dialect->references_stay || strcasecmp(database_of(from), database_of(to)) == 0;
}

static bool is_among(const mr_later *later, const mr_table *table) {
    for (size_t i = 0; later && i < later->n; i++)
        if (later->tables[i] == table) return true;
    return false;
}

/* Is it added behind all tables? */
static bool is_later(const ddl *x, const reference *r, const mr_later *later) {
    const mr_table *to = r->first->referred->table;
    if (!later || !x->dialect->alters) return false;
    return r->how->use_alter || (to != r->first->column->table && is_among(later, to));
}

static mr_status put_reference_name(const ddl *x, const reference *r) {
    const mr_constraint *k = r->constraint;
    return mr_put_constraint_name(x, &(mr_named){.kind = MR_NAMED_FOREIGN_KEY,
                                                 .table = r->first->column->table,
                                                 .given = k ? k->name : r->first->name,
                                                 .constraint = k,
                                                 .foreign_key = r->column ? r->first : NULL,
                                                 .column = r->column});
}

static mr_status put_reference(const ddl *x, const reference *r) {
    const mr_table *to = r->first->referred->table;
    if (put_reference_name(x, r) != MR_OK) return MR_FAIL;
    mr_strbuf_puts(x->out, "FOREIGN KEY(");
    if (r->column) mr_put_name(x, r->column->name);
    else mr_put_columns(x, r->constraint->columns, r->constraint->ncolumns);
    mr_strbuf_puts(x->out, ") REFERENCES ");
    if (x->dialect->references_stay) mr_put_name(x, to->name);
    else mr_put_table(x, to);
    for (unsigned i = 0; i < width_of(r); i++) {
        mr_foreign_key *fk = part_of(r, i);
        if (!fk || mr_foreign_key_resolve(x->env, fk) != MR_OK) return MR_FAIL;
        mr_strbuf_puts(x->out, i ? ", " : " (");
        mr_put_name(x, fk->referred->name);
    }
    mr_strbuf_putc(x->out, ')');
    if (r->how->ondelete) mr_strbuf_printf(x->out, " ON DELETE %s", r->how->ondelete);
    if (r->how->onupdate) mr_strbuf_printf(x->out, " ON UPDATE %s", r->how->onupdate);
    put_deferrable(x, r->how);
    return MR_OK;
}

static mr_status resolve(const ddl *x, reference *r) {
    if (!r->first) r->first = mr_constraint_part(r->constraint, 0);
    return r->first ? mr_foreign_key_resolve(x->env, r->first) : MR_FAIL;
}

/* ---------------------------------------------------------------- in CREATE TABLE */

mr_status mr_put_constraint(const ddl *x, const mr_table *table, const mr_constraint *k, mr_column *column) {
    mr_named named = {.table = table, .given = k->name, .constraint = k, .column = column};
    named.kind = k->kind == MR_CONSTRAINT_CHECK    ? MR_NAMED_CHECK
                 : k->kind == MR_CONSTRAINT_UNIQUE ? MR_NAMED_UNIQUE
                                                   : MR_NAMED_PRIMARY_KEY;
    if (mr_put_constraint_name(x, &named) != MR_OK) return MR_FAIL;
    if (k->kind == MR_CONSTRAINT_CHECK) return put_check(x, k);
    mr_strbuf_puts(x->out, k->kind == MR_CONSTRAINT_UNIQUE ? "UNIQUE (" : "PRIMARY KEY (");
    mr_put_columns(x, k->columns, k->ncolumns);
    mr_strbuf_putc(x->out, ')');
    mr_put_conflict(x, k->kind == MR_CONSTRAINT_UNIQUE ? k->on_conflict : mr_key_conflict(table));
    return put_deferrable_key(x, table, k);
}

static mr_status put_unique(const ddl *x, mr_column *column) {
    if (!column->unique || column->indexed) return MR_OK; /* an indexed column gets a unique index instead */
    mr_strbuf_puts(x->out, ", ");
    if (mr_put_constraint_name(x, &(mr_named){.kind = MR_NAMED_UNIQUE, .table = column->table, .column = column}) !=
        MR_OK)
        return MR_FAIL;
    mr_strbuf_puts(x->out, "UNIQUE (");
    mr_put_name(x, column->name);
    mr_strbuf_putc(x->out, ')');
    mr_put_conflict(x, column->conflict_unique);
    return MR_OK;
}

/* Writes the foreign key, unless it is added later, or cannot be written. */
static mr_status put_inside(const ddl *x, reference *r, const mr_later *later) {
    if (resolve(x, r) != MR_OK) return MR_FAIL;
    if (!is_writable(x, r) || is_later(x, r, later)) return MR_OK;
    mr_strbuf_puts(x->out, ", ");
    return put_reference(x, r);
}

/* Those of one column, in the column's order: UNIQUE, then its foreign keys. */
static mr_status put_of_column(const ddl *x, mr_column *column, const mr_later *later) {
    if (put_unique(x, column) != MR_OK) return MR_FAIL;
    for (mr_foreign_key *fk = column->foreign_keys; fk; fk = fk->next) {
        reference r = {.column = column, .first = fk, .how = &fk->how};
        if (!fk->constraint && put_inside(x, &r, later) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_put_constraints(const ddl *x, mr_table *table, const mr_later *later) {
    for (const mr_constraint *k = table->constraints; k; k = k->next) {
        if (k->kind == MR_CONSTRAINT_PRIMARY_KEY) continue;
        if (k->kind == MR_CONSTRAINT_FOREIGN_KEY) {
            reference r = {.constraint = k, .how = &k->how};
            if (put_inside(x, &r, later) != MR_OK) return MR_FAIL;
            continue;
        }
        mr_strbuf_puts(x->out, ", ");
        if (mr_put_constraint(x, table, k, NULL) != MR_OK) return MR_FAIL;
    }
    for (unsigned i = 0; i < table->ncolumns; i++)
        if (put_of_column(x, table->columns[i], later) != MR_OK) return MR_FAIL;
    return MR_OK;
}

/* ---------------------------------------------------------------- ALTER TABLE */

/* The later foreign key of a table with a number, that is looked for. */
typedef struct search {
    const ddl *x;
    const mr_later *later;
    bool dropping;
    unsigned left; /* so many are passed over */
    bool found;
} search;

static mr_status put_drop(const ddl *x, const reference *r) {
    const mr_constraint *k = r->constraint;
    const mr_foreign_key *fk = r->first;
    const char *name;
    mr_named named = {.kind = MR_NAMED_FOREIGN_KEY,
                      .table = fk->column->table,
                      .given = k ? k->name : fk->name,
                      .constraint = k,
                      .foreign_key = r->column ? r->first : NULL,
                      .column = r->column};
    if (mr_name_of(&named, &name) != MR_OK) return MR_FAIL;
    if (!name)
        return mr_fail(x->env, MR_ERR_ARGUMENT,
                       "tables '%s' and '%s' refer to each other: to drop them, the foreign key of %s.%s is dropped "
                       "first, and needs a name: ForeignKey{ ..., name = \"...\" }",
                       fk->column->table->full_name, fk->referred->table->full_name, fk->column->table->name,
                       fk->column->name);
    mr_strbuf_puts(x->out, "DROP CONSTRAINT ");
    mr_put_name(x, name);
    return MR_OK;
}

/* Writes the statement if this is the one that is looked for. */
static mr_status look_at(search *s, reference *r) {
    if (s->found) return MR_OK;
    if (resolve(s->x, r) != MR_OK) return MR_FAIL;
    const mr_table *from = r->first->column->table, *to = r->first->referred->table;
    if (!is_writable(s->x, r)) return MR_OK;
    if (s->dropping ? to == from || !is_among(s->later, to) : !is_later(s->x, r, s->later)) return MR_OK;
    if (s->left-- > 0) return MR_OK;
    s->found = true;
    mr_strbuf_puts(s->x->out, "ALTER TABLE ");
    mr_put_table(s->x, from);
    mr_strbuf_puts(s->x->out, s->dropping ? " " : " ADD ");
    return s->dropping ? put_drop(s->x, r) : put_reference(s->x, r);
}

mr_status mr_ddl_alter(const mr_dialect *dialect, mr_table *table, const mr_later *later, bool dropping,
                       unsigned number, mr_strbuf *out, bool *found) {
    ddl x = {dialect, table->metadata->env, out};
    search s = {.x = &x, .later = later, .dropping = dropping, .left = number};
    *found = false;
    if (!dialect->alters || table->options.is_view) return MR_OK;
    for (const mr_constraint *k = table->constraints; k; k = k->next) {
        reference r = {.constraint = k, .how = &k->how};
        if (k->kind == MR_CONSTRAINT_FOREIGN_KEY && look_at(&s, &r) != MR_OK) return MR_FAIL;
    }
    for (unsigned i = 0; i < table->ncolumns; i++)
        for (mr_foreign_key *fk = table->columns[i]->foreign_keys; fk; fk = fk->next) {
            reference r = {.column = fk->column, .first = fk, .how = &fk->how};
            if (!fk->constraint && look_at(&s, &r) != MR_OK) return MR_FAIL;
        }
    *found = s.found;
    return out->oom ? mr_nomem(x.env) : MR_OK;
}

/*
 * misfit.c: stored values that do not fit their column's type (bad values): refuses or converts them, as the query
 * says.
 *
 * Invariant: after this, no value of the row has the mark MR_VALUE_MISFIT. A key or a version is kept as it is stored,
 * even if other bad values become NULL: without it the row could not be found again.
 */
#include "load_state.h"

#include <stdio.h>

enum { NAME_SIZE = 160 };

static const mr_type *type_of(const mr_run *run, uint16_t column) {
    const mr_type *const *types = run->plan->types ? run->plan->types : mr_cursor_types(run->cursor);
    return types[column];
}

static bool is_key(const mr_plan_entity *pe, uint16_t column) {
    for (uint16_t i = 0; i < pe->nkeys; i++)
        if (pe->keys[i] == column) return true;
    return false;
}

static bool is_any_key(const mr_plan *plan, uint16_t column) {
    for (uint16_t i = 0; i < plan->nentities; i++)
        if (is_key(&plan->entities[i], column)) return true;
    return false;
}

/* Is the column a version? Without its version a row cannot be written. */
static bool is_version(const mr_plan *plan, uint16_t column) {
    for (uint16_t i = 0; i < plan->nentities; i++) {
        const mr_plan_entity *pe = &plan->entities[i];
        for (uint16_t k = 0; pe->mapper->version && k < pe->nslots; k++)
            if (pe->slots[k].column == column && pe->slots[k].slot == pe->mapper->version->slot) return true;
    }
    return false;
}

/* Is the column a value of the result by itself? */
static bool is_item(const mr_plan *plan, uint16_t column) {
    for (uint16_t i = 0; i < plan->nitems; i++)
        if (plan->items[i].entity == MR_PLAN_NONE && plan->items[i].column == column) return true;
    return false;
}

static bool is_discriminator(const mr_plan *plan, uint16_t column) {
    for (uint16_t i = 0; i < plan->nentities; i++)
        if (plan->entities[i].discriminator == column) return true;
    return false;
}

/* ---------------------------------------------------------------- naming */

/* The entity and the attribute that the column is for. false: it is an item of its own. */
static bool attribute_of(const mr_plan *plan, uint16_t column, const mr_plan_entity **entity,
                         const mr_property **prop) {
    for (uint16_t i = 0; i < plan->nentities; i++) {
        const mr_plan_entity *pe = *entity = &plan->entities[i];
        for (uint16_t k = 0; k < pe->nslots; k++) {
            if (pe->slots[k].column != column) continue;
            for (size_t j = 0; j < pe->mapper->props.len; j++) {
                *prop = mr_vec_ptr(&pe->mapper->props, j);
                if ((*prop)->slot == pe->slots[k].slot && (*prop)->kind <= MR_PROPERTY_EXPRESSION) return true;
            }
        }
    }
    return false;
}

/* Appends the name of the row, "User 5", to row. false: the key is not known, or is itself the bad value. */
static bool name_row(const mr_run *run, const mr_plan_entity *pe, mr_strbuf *row) {
    enum { FEW = 8 };
    mr_value key[FEW], identity;
    if (pe->nkeys == 0) {
        if (!run->fixed) return false;
        mr_entity_describe(run->fixed, row);
        return true;
    }
    if (pe->nkeys > FEW) return false;
    for (uint16_t i = 0; i < pe->nkeys; i++) {
        key[i] = run->row[pe->keys[i]];
        if (key[i].flags & MR_VALUE_MISFIT) return false;
    }
    mr_strbuf buf;
    mr_strbuf_init(&buf, run->load->env);
    bool made = mr_identity_make(pe->mapper, key, &buf, &identity);
    if (made) mr_identity_describe(pe->mapper, &identity, row);
    mr_strbuf_done(&buf);
    return made;
}

static void name_item(const mr_run *run, uint16_t column, char *what) {
    const mr_plan *plan = run->plan;
    const char *name = NULL;
    for (uint16_t i = 0; i < plan->nitems; i++) {
        const mr_plan_item *item = &plan->items[i];
        if (item->entity != MR_PLAN_NONE || item->column != column) continue;
        const mr_node *x = run->query && i < run->query->nitems ? run->query->items[i].expression : NULL;
        while (x && x->kind == MR_NODE_LABEL) x = x->child[0];
        const mr_property *prop = x && x->kind == MR_NODE_COLUMN ? x->annotation : NULL;
        name = item->name;
        if (!prop) break;
        snprintf(what, NAME_SIZE, "%s.%s", prop->mapper->name, prop->name);
        return;
    }
    if (!name) name = mr_cursor_column_name(run->cursor, column);
    snprintf(what, NAME_SIZE, "column \"%s\"", name ? name : "?");
}

static mr_status refuse(mr_run *run, uint16_t column) {
    const mr_plan_entity *pe = NULL;
    const mr_property *prop = NULL;
    const char *text = NULL;
    char what[NAME_SIZE];
    mr_strbuf row;
    mr_strbuf_init(&row, run->load->env);
    if (attribute_of(run->plan, column, &pe, &prop)) {
        snprintf(what, sizeof what, "%s.%s", pe->mapper->name, prop->name);
        if (name_row(run, pe, &row)) text = mr_strbuf_str(&row);
    } else {
        name_item(run, column, what);
    }
    if (!text) {
        mr_strbuf_clear(&row);
        mr_strbuf_printf(&row, "row %lu of the result", (unsigned long)run->rows);
        text = mr_strbuf_str(&row);
    }
    mr_type_misfit(run->load->env, type_of(run, column), what, text, &run->row[column]);
    mr_strbuf_done(&row);
    return mr_cursor_failed(run->cursor);
}

/* ---------------------------------------------------------------- deciding */

/* May the value stay unloaded in its object? Whoever reads the attribute loads that column alone, and gets the error.
 */
static bool is_late(const mr_run *run, uint16_t column) {
    const mr_plan *plan = run->plan;
    const mr_plan_entity *pe;
    const mr_property *prop;
    bool asked = run->fixed && plan->entities[0].nslots == 1;
    return type_of(run, column)->rules->late && !asked && attribute_of(plan, column, &pe, &prop) &&
           !is_item(plan, column) && !is_any_key(plan, column) && !is_version(plan, column) &&
           !is_discriminator(plan, column);
}

mr_status mr_run_misfits(mr_run *run) {
    mr_bad_values how = run->load->ctx.bad_values;
    for (uint16_t i = 0; i < run->plan->ncolumns; i++) {
        mr_value *v = &run->row[i];
        if (!(v->flags & MR_VALUE_MISFIT)) continue;
        if (how == MR_BAD_VALUES_RAISE && is_late(run, i)) {
            *v = mr_value_of(MR_UNLOADED, 0);
            continue;
        }
        if (how == MR_BAD_VALUES_RAISE) return refuse(run, i);
        v->flags &= (uint8_t)~MR_VALUE_MISFIT;
        if (how == MR_BAD_VALUES_KEEP || is_any_key(run->plan, i) || is_version(run->plan, i)) continue;
        *v = mr_null_value();
        v->len = 1;
    }
    return MR_OK;
}

/* Is the column's value made by a function of the program, which is called when the value is asked for? */
static bool is_decorated(const mr_plan *plan, uint16_t column) {
    const mr_compiled *compiled = plan->compiled;
    const mr_type *type = plan->types                               ? plan->types[column]
                          : compiled && column < compiled->ncolumns ? compiled->columns[column].type
                                                                    : NULL;
    return type && type->decorator;
}

bool mr_run_mark_late(mr_run *run) {
    mr_bad_values how = run->load->ctx.bad_values;
    bool any = false;
    for (uint16_t i = 0; i < run->plan->ncolumns; i++) {
        mr_value *v = &run->row[i];
        if (is_decorated(run->plan, i)) any = true;
        if (v->kind != MR_JSON) continue;
        v->tag = mr_json_tag(mr_json_number_of(v), how == MR_BAD_VALUES_KEEP ? MR_JSON_BAD_KEEP : MR_JSON_BAD_NULL);
        any = true;
    }
    return any;
}

void mr_run_remember_misfits(mr_run *run) {
    uint32_t flag = run->load->ctx.bad_values == MR_BAD_VALUES_KEEP ? MR_ENTITY_BAD_KEEP : MR_ENTITY_BAD_NULL;
    if (run->load->ctx.bad_values == MR_BAD_VALUES_RAISE) return; /* its columns were left out */
    for (uint16_t i = 0; i < run->plan->nentities; i++) {
        mr_entity *e = run->entities[i].current;
        if (!e) continue;
        e->flags &= ~(uint32_t)(MR_ENTITY_BAD_KEEP | MR_ENTITY_BAD_NULL);
        e->flags |= flag;
    }
}

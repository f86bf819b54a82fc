/*
 * spelling.c: the spellings of a value: all forms in which a column may hold it. A database without dates and booleans
 * stores them as text or numbers, and programs write the same instant, or true, in several ways.
 *
 * Invariant: each stored form that a type reads as a value is one of that value's spellings, or the unusual spelling
 * that the value itself remembers. So a criterion finds each row whose value is read as equal.
 */
#include <moonrow/schema.h>

#include <string.h>

bool mr_type_is_spelled(const mr_type *type) { return type->rules->spell != NULL; }

/* A value of the program's own is not known yet: it may have as many spellings as any, and remembers which is meant. */
static mr_value spell_later(const mr_value *v, unsigned spelling) {
    mr_value made = *v;
    made.flags = 0;
    made.len = spelling;
    return made;
}

unsigned mr_type_spellings(const mr_type *type, const mr_value *v, mr_value *out) {
    if (v->kind == MR_OPAQUE && type->rules->spell) {
        for (unsigned i = 0; i < type->rules->spellings; i++) out[i] = spell_later(v, i + 1);
        return type->rules->spellings;
    }
    unsigned n = type->rules->spell ? type->rules->spell(type, v, out) : 0;
    if (n) return n;
    *out = *v;
    out->flags = 0;
    return 1;
}

bool mr_type_is_odd(const mr_type *type, const mr_value *v) {
    mr_value plain = *v, all[MR_SPELLINGS];
    if (v->kind == MR_DECIMAL) return (v->tag & MR_DECIMAL_ODD) != 0;
    if (v->kind < MR_DATE || v->kind > MR_INTERVAL || v->len == 0 || v->len & MR_SPELLED_REAL) return false;
    plain.len = 0;
    unsigned n = mr_type_spellings(type, &plain, all);
    for (unsigned i = 0; i < n; i++)
        if (all[i].len == v->len) return false;
    return true;
}

/* Which of two spellings sorts first in the database? */
static int compare_stored(const mr_type *type, const mr_value *a, const mr_value *b) {
    char left[MR_CALENDAR_SIZE], right[MR_CALENDAR_SIZE];
    mr_value x = *a, y = *b;
    mr_store_room none = {0}; /* numbers and moments need no room */
    if (mr_type_store(type, &x, &none) == MR_OK && mr_type_store(type, &y, &none) == MR_OK && x.kind == MR_FLOAT)
        return x.u.d < y.u.d ? -1 : x.u.d > y.u.d;
    mr_calendar_spell(a, left);
    mr_calendar_spell(b, right);
    return strcmp(left, right);
}

/* The spelling that sorts first among the value's spellings; longest: last. For dates and times, else the value. */
static mr_value limit(const mr_type *type, const mr_value *v, bool longest) {
    mr_value all[MR_SPELLINGS];
    if (type->forms && type->choices) {
        mr_value placed = *v;
        placed.tag = MR_CHOICE_PLACE;
        return placed;
    }
    if (type->rules->limit && type->rules->limit(type, v, longest, &all[0])) return all[0];
    unsigned n = mr_type_is_moment(type) && type->rules->spell ? type->rules->spell(type, v, all) : 0, found = 0;
    if (n == 0) return *v;
    for (unsigned i = 1; i < n; i++)
        if ((compare_stored(type, &all[i], &all[found]) > 0) == longest) found = i;
    return all[found];
}

mr_value mr_type_spell(const mr_type *type, const mr_value *v, unsigned spelling) {
    mr_value all[MR_SPELLINGS];
    if (v->kind == MR_OPAQUE) return spell_later(v, spelling);
    if (spelling == MR_SPELL_SHORTEST || spelling == MR_SPELL_LONGEST)
        return limit(type, v, spelling == MR_SPELL_LONGEST);
    if (spelling == MR_SPELL_PLAIN) return *v;
    unsigned n = mr_type_spellings(type, v, all);
    return all[spelling <= n ? spelling - 1 : n - 1];
}

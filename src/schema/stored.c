/*
 * stored.c: converts values to the form in which their column stores them.
 *
 * Invariant: bytes that a conversion makes live in the room until mr_store_done. NULL is stored as NULL in every form.
 */
#include <moonrow/schema.h>

#include <string.h>

mr_status mr_type_store(const mr_type *type, mr_value *v, mr_store_room *room) {
    return v->kind == MR_NULL || !type->rules->store ? MR_OK : type->rules->store(type, v, room);
}

bool mr_dialect_has_uuids(const char *dialect) { return dialect && strcmp(dialect, "postgresql") == 0; }

char *mr_store_bytes(mr_store_room *room, size_t size) {
    if (!room->filled && size <= sizeof room->few) {
        room->filled = true;
        return room->few;
    }
    if (!room->texts) room->texts = mr_arena_new(room->env);
    return room->texts ? mr_arena_alloc(room->texts, size) : NULL;
}

void mr_store_done(mr_store_room *room) {
    mr_arena_free(room->texts);
    room->texts = NULL;
    room->filled = false;
}

static bool is_same_word(const mr_value *a, const mr_value *b) {
    if (a->kind != b->kind) return false;
    return a->kind == MR_TEXT ? a->len == b->len && memcmp(a->u.s, b->u.s, a->len) == 0 : a->u.i == b->u.i;
}

static bool has_choice(const mr_type *type, const char *choice, const mr_value *form) {
    for (size_t i = 0; type->choices[i]; i++)
        if (strcmp(type->choices[i], choice) == 0) return is_same_word(&type->forms[i], form);
    return false;
}

/* Do both types, of the same rules, store each value in the same words? Each declaration has words of its own. */
static bool are_same_words(const mr_type *a, const mr_type *b) {
    if (a->forms == b->forms) return true;
    if (!a->forms || !b->forms || !a->choices != !b->choices) return false;
    if (!a->choices) return is_same_word(&a->forms[0], &b->forms[0]) && is_same_word(&a->forms[1], &b->forms[1]);
    size_t n = 0, m = 0;
    while (b->choices[m]) m++;
    for (; a->choices[n]; n++)
        if (!has_choice(b, a->choices[n], &a->forms[n])) return false;
    return n == m;
}

/* Is it a decimal that is stored as an integer, beside another number? Its integers mean nothing without their scale.
 */
static bool is_scaled_beside(const mr_type *a, const mr_type *b) {
    const bool scaled = mr_type_is_decimal(a) && a->rules->sql_as && a->rules->sql_as->kind == MR_INT;
    return scaled && mr_type_is_number(b) && (a->rules != b->rules || a->scale != b->scale);
}

bool mr_type_same_form(const mr_type *a, const mr_type *b) {
    if (is_scaled_beside(a, b) || is_scaled_beside(b, a)) return false;
    bool usual = !a->rules->storage && !b->rules->storage && !a->forms && !b->forms;
    /* Whether values of two groups go together is not a question of their forms. */
    if (usual || a->rules->group != b->rules->group) return true;
    /* A number of digits is a form, too: as text, 13:04:05 is not equal to 13:04:05.000. */
    return a->rules == b->rules && a->form == b->form && are_same_words(a, b); /* of a decorated type: of its impl */
}

bool mr_type_sorts(const mr_type *type) {
    if (!type->rules->unordered) return true;
    if (!type->forms) return false;
    if (!type->choices) return mr_value_compare(&type->forms[0], &type->forms[1]) < 0; /* false and true */
    for (size_t i = 1; type->choices[i]; i++)
        if (mr_value_compare(&type->forms[i - 1], &type->forms[i]) >= 0) return false;
    return true;
}

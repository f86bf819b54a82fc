/*
 * stored.c: converts values to the form in which their column stores them.
 *
 * Invariant: bytes that a conversion makes live in the room until mr_store_done. NULL is stored as NULL in every form.
 */
#include <moonrow/schema.h>

mr_status mr_type_store(const mr_type *type, mr_value *v, mr_store_room *room) {
    return v->kind == MR_NULL || !type->rules->store ? MR_OK : type->rules->store(type, v, room);
}

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

bool mr_type_same_form(const mr_type *a, const mr_type *b) {
    bool usual = !a->rules->storage && !b->rules->storage && !a->forms && !b->forms;
    /* Whether values of two groups go together is not a question of their forms. */
    if (usual || a->rules->group != b->rules->group) return true;
    /* A number of digits is a form, too: as text, 13:04:05 is not equal to 13:04:05.000. */
    return a->rules == b->rules && a->form == b->form && a->forms == b->forms; /* of a decorated type: of its impl */
}

bool mr_type_sorts(const mr_type *type) {
    if (!type->rules->unordered) return true;
    for (size_t i = 1; type->forms && type->choices && type->choices[i]; i++)
        if (mr_value_compare(&type->forms[i - 1], &type->forms[i]) >= 0) return false;
    return type->forms != NULL;
}

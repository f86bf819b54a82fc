/*
 * cast.c: what a cast makes of a value: one of another type, or in another form of storage. SQLite calls it, because
 * its own CAST knows numbers, texts and bytes only.
 *
 * Invariant: the result is exactly what a column of the type would store for the value. Where a value has nothing of
 * the type, or says not enough (a number without a form of storage), nothing is guessed.
 */
#include <moonrow/schema.h>

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- names of forms */

void mr_type_form_name(const mr_type *type, char *buf) {
    const mr_type_rules *rules = type->rules;
    size_t len = (size_t)snprintf(buf, MR_TYPE_NAME, "%s", rules->name);
    if (rules->storage) len += (size_t)snprintf(buf + len, MR_TYPE_NAME - len, " %s", rules->storage);
    if (rules->storage && type->form) snprintf(buf + len, MR_TYPE_NAME - len, " %u", (unsigned)type->form);
}

static const mr_type_rules *find_rules(const char *name, size_t len) {
    for (int code = 0; code < MR_TYPE__COUNT; code++) {
        const mr_type_rules *rules = mr_type_simple((mr_typecode)code)->rules;
        if (strlen(rules->name) == len && memcmp(rules->name, name, len) == 0) return rules;
    }
    return NULL;
}

bool mr_type_of_form_name(const char *name, mr_type *out) {
    char storage[MR_TYPE_NAME] = "";
    unsigned form = 0;
    size_t len = strcspn(name, " ");
    const mr_type_rules *rules = find_rules(name, len);
    if (!rules || strlen(name) >= sizeof storage) return false;
    if (name[len] && sscanf(name + len, " %95s %u", storage, &form) < 1) return false;
    const mr_type_rules *const *found = rules->storages;
    while (*storage && found && *found && strcmp((*found)->storage, storage) != 0) found++;
    if (*storage && (!found || !*found)) return false;
    if (rules->argument == MR_ARGUMENT_CHOICES) return false; /* they are not in the name */
    *out = (mr_type){.rules = *storage ? *found : rules, .precision = -1, .scale = -1, .form = form};
    return true;
}

/* ---------------------------------------------------------------- conversions */

static bool is_word(const mr_value *v, const char *const *words) {
    char small[8];
    if (v->len >= sizeof small) return false;
    for (uint32_t i = 0; i < v->len; i++)
        small[i] = v->u.s[i] >= 'A' && v->u.s[i] <= 'Z' ? (char)(v->u.s[i] + 32) : v->u.s[i];
    small[v->len] = '\0';
    for (; *words; words++)
        if (strlen(*words) == v->len && strcmp(*words, small) == 0) return true;
    return false;
}

/* A number is true unless it is 0; a text is one of PostgreSQL's words for booleans. */
static bool to_boolean(mr_value *v) {
    static const char *const truths[] = {"1", "t", "true", "y", "yes", "on", NULL};
    static const char *const falsehoods[] = {"0", "f", "false", "n", "no", "off", "", NULL};
    bool yes = false;
    if (v->kind == MR_INT) yes = v->u.i != 0;
    else if (v->kind == MR_FLOAT) yes = v->u.d != 0;
    else if (v->kind != MR_TEXT) return false;
    else if (is_word(v, truths)) yes = true;
    else if (!is_word(v, falsehoods)) return false;
    *v = mr_int_value(yes);
    return true;
}

/* Reads a text as a value of the kind, or as one of another kind that has such a value inside. */
static bool read_moment(mr_kind kind, mr_value *v) {
    mr_value made;
    int64_t micros;
    if (v->kind != MR_TEXT) return false;
    if (kind == MR_INTERVAL && mr_interval_parse(v->u.s, v->len, &micros)) {
        *v = mr_value_of(MR_INTERVAL, micros);
        return true;
    }
    mr_kind first = kind == MR_INTERVAL ? MR_DATETIME : kind;
    if (!mr_calendar_read(first, v->u.s, v->len, &made) && !mr_calendar_read(MR_DATETIME, v->u.s, v->len, &made))
        return false;
    if (kind == MR_INTERVAL) made.kind = MR_INTERVAL; /* the datetime that lies so long after 1970 */
    *v = made;
    return true;
}

/* The value as one of the kind. */
static bool to_kind(mr_kind kind, mr_value *v) {
    const int64_t day = INT64_C(86400) * 1000000;
    mr_value made;
    if (v->kind == kind) return true;
    if (kind == MR_INTERVAL && v->kind == MR_TIME) {
        *v = mr_value_of(MR_INTERVAL, v->u.i);
    } else if (kind == MR_TIME && v->kind == MR_INTERVAL) {
        *v = mr_value_of(MR_TIME, (v->u.i % day + day) % day);
    } else {
        if (!mr_calendar_convert(v, kind, &made)) return false;
        *v = made;
    }
    return true;
}

/* A date, time, datetime or interval as the text in which a column without a form of storage keeps it (spelled), or as
 * the text that a program would write. */
static bool to_text(mr_value *v, bool spelled, char *text) {
    if (v->kind < MR_DATE || v->kind > MR_INTERVAL) return v->kind == MR_TEXT;
    *v = mr_text_value(text, spelled ? mr_calendar_spell(v, text) : mr_calendar_format(v, ' ', false, text));
    return true;
}

static bool to_moment(const mr_type *to, mr_value *v, mr_cast_room *room) {
    mr_kind kind = to->rules->kind;
    if (v->kind == MR_TEXT && !read_moment(kind, v)) return false;
    if (v->kind < MR_DATE || v->kind > MR_INTERVAL || !to_kind(kind, v)) return false;
    v->len = 0;
    mr_type_cut(to, v);
    if (mr_type_store(to, v, &room->store) != MR_OK) return false;
    return v->kind == MR_INT || v->kind == MR_FLOAT || to_text(v, true, room->text);
}

static bool to_uuid(const mr_type *to, mr_value *v, mr_cast_room *room) {
    const mr_type *usual = mr_type_simple(MR_TYPE_UUID);
    mr_type blob;
    if (v->kind == MR_BLOB && mr_type_of_form_name("Uuid blob", &blob)) blob.rules->read(&blob, v, room->text);
    return usual->rules->read(usual, v, NULL) && mr_type_store(to, v, &room->store) == MR_OK;
}

bool mr_type_cast(const mr_type *from, const mr_type *to, mr_value *v, mr_cast_room *room) {
    if (from && from->rules->read && !from->rules->read(from, v, room->read)) return false;
    if (mr_type_is_boolean(to)) return to_boolean(v);
    if (mr_type_is_moment(to)) return to_moment(to, v, room);
    if (mr_type_is_string(to)) return to_text(v, false, room->text);
    return mr_type_is_text(to) && to_uuid(to, v, room);
}

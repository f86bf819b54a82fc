/*
 * type.c: makes types, and checks a program's values by the rules of the types (schema/types).
 *
 * Invariant: a value that passed mr_type_coerce has a kind that its type stores, or is NULL or opaque. Only mr_type_new
 * and error messages allocate.
 */
#include <moonrow/schema.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    SHOWN_BYTES = 60,      /* a message repeats so many bytes of a value */
    ZERO_BYTES = 10,       /* room for zero bytes among them, which are shown as two characters */
    AROUND = 50,           /* room for that, and for the words around them */
    FLOAT_DIGITS = 14,     /* significant digits of a float in a message */
    LONGEST_CHARACTER = 4, /* bytes of UTF-8 */
    MOST_ARRAY_TYPES = UINT16_MAX >> 2
};

#define SIMPLE(CODE, name) [MR_TYPE_##CODE] = {.rules = &mr_type_##name, .precision = -1, .scale = -1},
static const mr_type simple[MR_TYPE__COUNT] = {MR_COLUMN_TYPES(SIMPLE)};

#define GUESSED(CODE, name)                                                                                            \
    [MR_TYPE_##CODE] = {.rules = &mr_type_##name, .precision = -1, .scale = -1, .guessed = true},
static const mr_type guessed[MR_TYPE__COUNT] = {MR_COLUMN_TYPES(GUESSED)};

const mr_type *mr_type_guessed(const mr_type *type) {
    /* Results are read with them. */
    if (type->scale >= 0 || type->rules->storage || type->item || type->decorator || type->variants) return type;
    size_t code = 0;
    while (simple[code].rules != type->rules) code++;
    return &guessed[code];
}

const mr_type *mr_type_natural(mr_kind kind) {
    for (size_t code = 0; code < MR_TYPE__COUNT; code++)
        if (simple[code].rules->kind == kind && simple[code].rules->natural) return &simple[code];
    return &simple[MR_TYPE_NULL];
}

const mr_type *mr_type_simple(mr_typecode code) {
    return (unsigned)code < MR_TYPE__COUNT ? &simple[code] : &simple[MR_TYPE_NULL];
}

/* Copies the choices; each is interned. */
static const char *const *copy_choices(mr_env *env, const char *const *choices) {
    size_t n = 0;
    while (choices[n]) n++;
    const char **copy = mr_env_arena(env, (n + 1) * sizeof *copy);
    if (!copy) return NULL;
    for (size_t i = 0; i < n; i++) {
        copy[i] = mr_intern(env, choices[i], strlen(choices[i]));
        if (!copy[i]) return NULL;
    }
    return copy;
}

/* ---------------------------------------------------------------- the numbers of Array types */

static void free_types(void *ud) { mr_vec_done(ud); }

/* The Array types of the environment, in order of their numbers. */
static mr_vec *types_of(mr_env *env) {
    mr_vec *types = mr_env_get(env, MR_ENV_TYPES);
    if (types) return types;
    types = mr_env_arena(env, sizeof *types);
    if (!types) return NULL;
    mr_vec_init(types, env, sizeof(mr_type *));
    if (mr_env_on_close(env, free_types, types) != MR_OK) return NULL;
    mr_env_set(env, MR_ENV_TYPES, types);
    return types;
}

static mr_status number_array(mr_env *env, mr_type *type) {
    mr_vec *types = types_of(env);
    if (!types) return MR_FAIL;
    if (types->len == MOST_ARRAY_TYPES)
        return mr_fail(env, MR_ERR_ARGUMENT, "Array: a program has at most %d Array types: make each once, and keep it",
                       MOST_ARRAY_TYPES);
    if (mr_vec_push_ptr(types, type) != MR_OK) return MR_FAIL;
    type->number = (uint16_t)types->len;
    return MR_OK;
}

const mr_type *mr_type_of_json(mr_env *env, const mr_value *json) {
    unsigned number = mr_json_number_of(json);
    const mr_vec *types = number ? mr_env_get(env, MR_ENV_TYPES) : NULL;
    return types && number <= types->len ? mr_vec_ptr(types, number - 1) : mr_type_simple(MR_TYPE_JSON);
}

/* ---------------------------------------------------------------- making */

const mr_type *mr_type_new(mr_env *env, const mr_type *proto) {
    mr_type *type = mr_env_arena(env, sizeof *type);
    if (!type) return NULL;
    *type = *proto;
    if (proto->item && number_array(env, type) != MR_OK) return NULL;
    if (proto->choices) {
        type->choices = copy_choices(env, proto->choices);
        if (!type->choices) return NULL;
    }
    return type;
}

const mr_type *mr_type_named(mr_env *env, const mr_type *type, const char *name) {
    mr_type proto = *type;
    proto.named = mr_intern(env, name, strlen(name));
    return proto.named ? mr_type_new(env, &proto) : NULL;
}

const mr_type *mr_type_array_of(mr_env *env, const mr_type *item) {
    const mr_vec *types = mr_env_get(env, MR_ENV_TYPES);
    for (size_t i = 0; types && i < types->len; i++) {
        const mr_type *known = mr_vec_ptr(types, i);
        if (known->item == item) return known;
    }
    mr_type proto = *mr_type_simple(MR_TYPE_ARRAY);
    proto.item = item;
    return mr_type_new(env, &proto);
}

/* ---------------------------------------------------------------- messages */

/* The number of bytes to show: at most SHOWN_BYTES, without a part of a character at the end. */
static int shown_length(const mr_value *v) {
    if (v->len <= SHOWN_BYTES) return (int)v->len;
    int n = SHOWN_BYTES;
    while (n > SHOWN_BYTES - LONGEST_CHARACTER && ((unsigned char)v->u.s[n] & 0xC0) == 0x80) n--;
    return n;
}

/* Writes the text's first n bytes to buf, with each zero byte as \\0: it would end the message. */
static void show(char *buf, size_t size, const char *text, int n) {
    size_t len = 0;
    for (int i = 0; i < n && len + 3 < size; i++) {
        if (!text[i]) buf[len++] = '\\';
        buf[len++] = text[i] ? text[i] : '0';
    }
    buf[len] = '\0';
}

/* Writes the value as a message names it: string "x", number 1.5, date 2024-02-29. */
static void describe(const mr_value *v, char *buf, size_t size) {
    const char *kind = mr_kind_name(v->kind);
    char iso[MR_CALENDAR_SIZE], text[SHOWN_BYTES + ZERO_BYTES];
    switch (v->kind) {
    case MR_TEXT:
    case MR_BLOB:
    case MR_JSON: {
        int n = shown_length(v);
        show(text, sizeof text, v->u.s, n);
        snprintf(buf, size, "%s \"%s%s\"", kind, text, (uint32_t)n < v->len ? "..." : "");
        break;
    }
    case MR_DECIMAL: {
        int n = shown_length(v);
        snprintf(buf, size, "%s %.*s%s", kind, n, n ? v->u.s : "", (uint32_t)n < v->len ? "..." : "");
        break;
    }
    case MR_INT:
        snprintf(buf, size, "%s %lld", kind, (long long)v->u.i);
        break;
    case MR_FLOAT:
        if (isnan(v->u.d)) snprintf(buf, size, "NaN");
        else {
            int n = snprintf(buf, size, "%s ", kind);
            mr_print_float(buf + n, size - (size_t)n, FLOAT_DIGITS, v->u.d);
        }
        break;
    case MR_BOOL:
        snprintf(buf, size, "%s %s", kind, v->u.i ? "true" : "false");
        break;
    case MR_DATE:
    case MR_TIME:
    case MR_DATETIME:
    case MR_INTERVAL:
        mr_calendar_format(v, ' ', false, iso);
        snprintf(buf, size, "%s %s", kind, iso);
        break;
    default:
        snprintf(buf, size, "%s", kind);
    }
}

static mr_status refuse(mr_env *env, const mr_type *type, const char *what, const mr_value *v) {
    char got[SHOWN_BYTES + AROUND], advice[MR_TYPE_ADVICE] = "";
    describe(v, got, sizeof got);
    if (type->rules->advise) type->rules->advise(type, v, advice);
    return mr_fail(env, MR_ERR_ARGUMENT, "%s: expected %s, got %s%s", what, type->rules->wants, got, advice);
}

/* ---------------------------------------------------------------- coercion */

/* Does one of the variants take the value? It is converted as that one has it. */
static bool one_takes(mr_env *env, const mr_type *type, mr_value *value) {
    for (const mr_variant *v = type->variants; v; v = v->next) {
        const mr_type_rules *rules = v->type->rules;
        if (rules->takes & MR_TAKES(value->kind)) return true;
        if (rules->coerce && rules->coerce(env, v->type, value)) return true;
    }
    return false;
}

mr_status mr_type_coerce(mr_env *env, const mr_type *type, const char *what, mr_value *value) {
    const unsigned passing = MR_TAKES(MR_NULL) | MR_TAKES(MR_OPAQUE) | MR_TAKES(MR_UNLOADED);
    const mr_type_rules *rules = type->rules;
    if ((rules->takes | passing) & MR_TAKES(value->kind)) return MR_OK;
    if (rules->coerce && rules->coerce(env, type, value)) return MR_OK;
    if (type->variants && one_takes(env, type, value)) return MR_OK;
    return refuse(env, type, what, value);
}

/* ---------------------------------------------------------------- at flush */

bool mr_type_is_limited(const mr_type *type) {
    for (const mr_variant *v = type->variants; v; v = v->next)
        if (mr_type_is_limited(v->type)) return true;
    if (!type->rules->breaks) return false;
    return type->rules->argument == MR_ARGUMENT_NONE || type->precision >= 0 || type->length > 0 || type->choices;
}

uint32_t mr_type_safe_bytes(const mr_type *type) {
    if (type->variants) return 0;
    return type->rules->argument == MR_ARGUMENT_LENGTH && type->length > 0 ? (uint32_t)type->length + 1 : 0;
}

bool mr_type_is_broken(const mr_type *type, const mr_value *value) {
    if (!type->rules->breaks || !type->rules->breaks(type, value, NULL)) return false;
    for (const mr_variant *v = type->variants; v; v = v->next)
        if (!mr_type_is_broken(v->type, value)) return false;
    return true;
}

mr_status mr_type_check_length(mr_env *env, const mr_type *type, const char *what, const mr_value *value) {
    if (!mr_type_is_broken(type, value)) return MR_OK;
    mr_store_room room = {.env = env};
    mr_value copy = *value;
    if (type->rules->fit) return type->rules->fit(env, type, what, &copy, &room);
    char name[MR_TYPE_NAME], got[SHOWN_BYTES + AROUND], how[MR_TYPE_ADVICE];
    describe(value, got, sizeof got);
    type->rules->breaks(type, value, how);
    return mr_fail(env, MR_ERR_DATA, "%s: %s %s %s", what, got, how, mr_type_name(type, name));
}

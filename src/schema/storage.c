/*
 * storage.c: the forms in which a type's values may be stored, as the option `storage` names them.
 *
 * Invariant: values in memory are the same in every form. They are converted when they are sent to the database, and
 * when they are read. Each form has rules of its own, so code that reads the rules need not know of it.
 */
#include <moonrow/schema.h>

#include <stdio.h>
#include <string.h>

enum { MOST_DIGITS = 9, WORDS = 160 };

/* ---------------------------------------------------------------- choosing */

/* Writes the words for all forms of the type: "iso", "unix", ... */
static void list_storages(const mr_type_rules *usual, char *out) {
    size_t len = 0;
    out[0] = '\0';
    for (const mr_type_rules *const *r = usual->storages; r && *r; r++)
        len += (size_t)snprintf(out + len, WORDS - len, "%s\"%s\"", len ? ", " : "", (*r)->storage);
}

static mr_status unknown_storage(mr_env *env, const mr_type_rules *usual, const char *storage) {
    char words[WORDS];
    if (!usual->storages)
        return mr_fail(env, MR_ERR_ARGUMENT, "%s has only one form of storage: leave the option storage out",
                       usual->name);
    list_storages(usual, words);
    return mr_fail(env, MR_ERR_ARGUMENT, "%s: storage is one of %s, got \"%s\"", usual->name, words, storage);
}

/* The form with that word, or NULL. */
static const mr_type_rules *find_storage(const mr_type_rules *usual, const char *storage) {
    for (const mr_type_rules *const *r = usual->storages; r && *r; r++)
        if (strcmp((*r)->storage, storage) == 0) return *r;
    return NULL;
}

/* The words for the option zone. zone_bits has the bits for each, in the same order. */
static const char *const zones[] = {"", "Z", "+00:00", " +00:00"};

static mr_status zone_bits(mr_env *env, const char *name, const char *zone, uint32_t *form) {
    const uint32_t utc = MR_SPELLED_OFFSET | (uint32_t)MR_SPELLED_NO_OFFSET << MR_SPELLED_MINUTE_SHIFT;
    const uint32_t bits[] = {0, MR_SPELLED_Z, utc, utc | MR_SPELLED_SPACE};
    for (size_t i = 0; zone && i < sizeof bits / sizeof *bits; i++) {
        if (strcmp(zones[i], zone) != 0) continue;
        *form |= bits[i];
        return MR_OK;
    }
    if (!zone) return MR_OK;
    return mr_fail(
        env, MR_ERR_ARGUMENT,
        "%s: zone is one of \"\", \"Z\", \"+00:00\", \" +00:00\", because datetimes are kept in UTC; got \"%s\"", name,
        zone);
}

/* Adds to *form the bits that the options digits, separator and zone name. ArgumentError: the form is not text, or an
 * option is wrong. */
static mr_status text_form(mr_env *env, const mr_type_rules *rules, const mr_storage_options *o, uint32_t *form) {
    const char *name = rules->name, *separator = o->separator;
    bool datetime = rules->kind == MR_DATETIME, given = o->digits != MR_DIGITS_UNSET || separator || o->zone;
    if (!rules->text_options && given)
        return mr_fail(env, MR_ERR_ARGUMENT, "%s: digits, separator and zone go with storage = \"iso\"%s", name,
                       datetime ? "" : " of DateTime, or with that of Time (digits)");
    if (!datetime && (separator || o->zone))
        return mr_fail(env, MR_ERR_ARGUMENT, "%s: only a DateTime has a separator and a zone", name);
    if (o->digits < MR_DIGITS_UNSET || o->digits > MOST_DIGITS)
        return mr_fail(env, MR_ERR_ARGUMENT, "%s: digits is a number from 0 to %d, or \"auto\"", name, MOST_DIGITS);
    if (separator && strcmp(separator, "T") != 0 && strcmp(separator, " ") != 0)
        return mr_fail(env, MR_ERR_ARGUMENT, "%s: separator is \"T\" or \" \", got \"%s\"", name, separator);
    if (separator && *separator == 'T') *form |= MR_SPELLED_T;
    if (o->digits >= 0) *form |= (uint32_t)o->digits + 1;
    if (zone_bits(env, name, o->zone, form) != MR_OK) return MR_FAIL;
    if (*form & MR_SPELLED_Z && o->digits < 0)
        return mr_fail(env, MR_ERR_ARGUMENT,
                       "%s: zone = \"Z\" needs a number of digits (digits = 3, for example): texts with and without a "
                       "fraction would not sort by time",
                       name);
    return MR_OK;
}

mr_status mr_type_with_storage(mr_env *env, const mr_type *type, const mr_storage_options *options,
                               const mr_type **out) {
    const mr_type_rules *usual = type->rules;
    const char *storage = options->storage ? options->storage : usual->kind == MR_TEXT ? "text" : "iso";
    mr_type made = *type;
    if (usual->choose) {
        if (!options->storage || options->digits != MR_DIGITS_UNSET || options->separator || options->zone)
            return mr_fail(env, MR_ERR_ARGUMENT, "%s has the option storage, and no other", usual->name);
        if (usual->choose(env, storage, &made) != MR_OK) return MR_FAIL;
        *out = mr_type_new(env, &made);
        return *out ? MR_OK : MR_FAIL;
    }
    made.rules = find_storage(usual, storage);
    if (!made.rules) return unknown_storage(env, usual, storage);
    made.form = made.rules->form;
    if (text_form(env, made.rules, options, &made.form) != MR_OK) return MR_FAIL;
    *out = mr_type_new(env, &made);
    return *out ? MR_OK : MR_FAIL;
}

mr_status mr_type_with_digits(mr_env *env, const mr_type *type, int precision, int scale, const char *storage,
                              const mr_type **out) {
    enum { MOST = 1000, SCALED = 18, REAL = 15 };
    mr_type made = *type;
    bool scaled = storage && strcmp(storage, "scaled") == 0;
    if (precision < 0 && scale >= 0)
        return mr_fail(env, MR_ERR_ARGUMENT,
                       "Numeric: digits behind the point need the number of all digits: Numeric(10, 2)");
    if (precision == 0 || precision > MOST)
        return mr_fail(env, MR_ERR_ARGUMENT, "Numeric: the number of digits is one from 1 to %d, got %d", MOST,
                       precision);
    if (scale > precision)
        return mr_fail(env, MR_ERR_ARGUMENT, "Numeric: there cannot be %d digits behind the point among %d in all",
                       scale, precision);
    if (storage && !(made.rules = find_storage(type->rules, storage)))
        return unknown_storage(env, type->rules, storage);
    if (storage && (precision < 0 || precision > (scaled ? SCALED : REAL)))
        return mr_fail(
            env, MR_ERR_ARGUMENT,
            "Numeric: storage = \"%s\" needs a number of digits from 1 to %d, as in Numeric(10, 2, { storage "
            "= \"%s\" })",
            storage, scaled ? SCALED : REAL, storage);
    made.precision = precision;
    made.scale = precision < 0 ? -1 : scale < 0 ? 0 : scale;
    *out = mr_type_new(env, &made);
    return *out ? MR_OK : MR_FAIL;
}

static mr_status copy_form(mr_env *env, const mr_value *form, mr_value *out) {
    *out = *form;
    out->flags = 0;
    if (form->kind == MR_INT) return MR_OK;
    out->u.s = mr_intern(env, form->u.s, form->len);
    return out->u.s ? MR_OK : MR_FAIL;
}

mr_status mr_type_with_forms(mr_env *env, const mr_type *type, const mr_value *forms, const mr_type **out) {
    size_t n = 0;
    while (type->choices[n]) n++;
    mr_value *copy = mr_env_arena(env, n * sizeof *copy);
    if (!copy) return MR_FAIL;
    for (size_t i = 0; i < n; i++) {
        if (forms[i].kind != forms[0].kind)
            return mr_fail(env, MR_ERR_ARGUMENT, "Enum: storage is a number for each choice, or a text for each");
        for (size_t j = 0; j < i; j++)
            if (mr_value_equal(env, &forms[i], &forms[j]))
                return mr_fail(env, MR_ERR_ARGUMENT, "Enum: the choices '%s' and '%s' are stored as the same",
                               type->choices[j], type->choices[i]);
        if (copy_form(env, &forms[i], &copy[i]) != MR_OK) return MR_FAIL;
    }
    mr_type made = *type;
    made.rules = find_storage(type->rules, forms[0].kind == MR_INT ? "number" : "text");
    made.forms = copy;
    *out = mr_type_new(env, &made);
    return *out ? MR_OK : MR_FAIL;
}

/*
 * uncommitted.c: counts what would be lost if the session ended now: the objects that wait for a flush, and those that
 * the open transaction has written.
 *
 * Invariant: an object counts once in a transaction, however often it is written. Counting keeps no object alive, and
 * costs almost nothing if no one asks for the count. The flag FLUSHED_NEW holds for the transaction that has counted
 * the object, so that a commit does not go over the objects to clear it.
 */
#include "attributes.h"
#include "session_state.h"

/* The upper bits of an object's flags hold the mark of the transaction or savepoint that has counted it last. */
enum { MARK_SHIFT = 16, MARKS = 0xffff };

static uint32_t mark_of(uint64_t serial) { return (uint32_t)(serial % MARKS + 1); }

/* Was the object counted in the transaction or savepoint of this serial number, or in one that began later? */
static bool is_counted_since(const mr_session *s, const mr_entity *e, uint64_t serial) {
    uint32_t mark = e->flags >> MARK_SHIFT;
    return mark && (mark + MARKS - mark_of(serial)) % MARKS <= s->last_serial - serial;
}

static bool is_counted(const mr_session *s, const mr_entity *e) { return is_counted_since(s, e, s->serial); }

static void set_mark(mr_entity *e, uint32_t mark) { e->flags = (e->flags & MARKS) | mark << MARK_SHIFT; }

bool mr_uncommitted_inserted(const mr_session *s, const mr_entity *e) {
    return (e->flags & MR_ENTITY_FLUSHED_NEW) && is_counted(s, e);
}

void mr_uncommitted_undo(const mr_session *s, mr_entity *e) {
    if (is_counted_since(s, e, mr_session_transaction_serial(s))) set_mark(e, 0);
}

/* Adds n to the count of the class. Only the counts at index `from` and above belong to the innermost level. */
static void count(mr_vec *counts, size_t from, const mr_mapper *mapper, size_t n) {
    for (size_t i = counts->len; i > from; i--) {
        mr_class_count *c = mr_vec_at(counts, i - 1);
        if (c->mapper != mapper) continue;
        c->n += n;
        return;
    }
    mr_error *saved = mr_env_save_error(counts->env);
    mr_class_count *c = mr_vec_push(counts);
    if (c) *c = (mr_class_count){mapper, n};
    else mr_env_clear_error(counts->env); /* not counted: nothing else depends on it */
    mr_env_restore_error(counts->env, saved);
}

void mr_uncommitted_note(mr_session *s, const mr_flush *flush, size_t from, size_t to) {
    const mr_savepoint *innermost = s->savepoints.len ? mr_vec_at(&s->savepoints, s->savepoints.len - 1) : NULL;
    size_t level = innermost ? innermost->written : 0;
    uint32_t mark = mark_of(mr_session_transaction_serial(s));
    const mr_mapper *mapper = NULL;
    size_t n = 0; /* so many objects of the class were not added yet */
    for (size_t i = from; i < to; i++) {
        mr_entity *e = mr_flush_result_entity(flush, i);
        if (e->flags >> MARK_SHIFT && is_counted(s, e)) continue;
        set_mark(e, mark);
        e->flags &= ~(uint32_t)MR_ENTITY_FLUSHED_NEW; /* of an earlier transaction */
        if (e->mapper != mapper && n > 0) {
            count(&s->written, level, mapper, n);
            n = 0;
        }
        mapper = e->mapper;
        n++;
    }
    if (n > 0) count(&s->written, level, mapper, n);
}

void mr_uncommitted_forget(mr_session *s, const mr_savepoint *savepoint) {
    s->written.len = savepoint ? savepoint->written : 0;
    s->statements = savepoint ? savepoint->statements : 0;
}

/* ---------------------------------------------------------------- words */

static void count_waiting(const mr_session *s, const mr_vec *list, mr_vec *counts) {
    for (size_t i = 0; i < list->len; i++) {
        mr_entity *e = mr_vec_ptr(list, i);
        bool doomed = (e->flags & MR_ENTITY_TO_DELETE) != 0;
        bool settled = list == &s->owner->dirty ? doomed || !mr_entity_is_changed(e) : doomed && e->state == MR_PENDING;
        if (settled || is_counted(s, e)) continue;
        count(counts, 0, e->mapper, 1);
    }
}

static size_t count_all(const mr_session *s, mr_vec *counts) {
    size_t n = 0;
    for (size_t i = 0; i < s->written.len; i++) {
        const mr_class_count *c = mr_vec_at(&s->written, i);
        count(counts, 0, c->mapper, c->n);
    }
    count_waiting(s, &s->pending, counts);
    count_waiting(s, &s->owner->dirty, counts);
    count_waiting(s, &s->to_delete, counts);
    for (size_t i = 0; i < counts->len; i++) n += ((const mr_class_count *)mr_vec_at(counts, i))->n;
    return n;
}

bool mr_session_uncommitted(const mr_session *s, mr_strbuf *out) {
    if (s->dead_levels || s->lost) return false;
    mr_vec counts;
    mr_vec_init(&counts, s->env, sizeof(mr_class_count));
    size_t n = count_all(s, &counts);
    if (n > 0) mr_strbuf_printf(out, "%zu object%s (", n, n == 1 ? "" : "s");
    for (size_t i = 0; i < counts.len; i++) {
        const mr_class_count *c = mr_vec_at(&counts, i);
        mr_strbuf_printf(out, "%s%zu %s", i ? ", " : "", c->n, c->mapper->name);
    }
    if (n > 0) mr_strbuf_putc(out, ')');
    if (s->statements > 0)
        mr_strbuf_printf(out, "%swhat %zu statement%s wrote", n > 0 ? ", and " : "", s->statements,
                         s->statements == 1 ? "" : "s");
    mr_vec_done(&counts);
    return (n > 0 || s->statements > 0) && !out->oom;
}

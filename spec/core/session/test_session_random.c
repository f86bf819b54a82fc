/*
 * test_session_random.c: random programs, compared with a model: what objects refer to, what the database has, and what
 * a rollback gives back.
 *
 * Invariant: after each step both sides of a relationship agree where both are loaded, and reading gives what the model
 * has.
 */
#include "session_fixture.h"

enum { CATEGORIES = 4, POSTS = 8, LEVELS = 3, STEPS = 60, PROGRAMS = 150 };

/* The model: for each post the number of its category (-1: none), and whether the objects have rows. */
typedef struct world {
    int category_of[POSTS];
    int name_of[POSTS];
    bool category_saved[CATEGORIES], post_saved[POSTS];
} world;

static mr_entity *categories[CATEGORIES], *posts[POSTS];
static world now, stack[LEVELS + 1];
static unsigned depth;
static uint64_t state_of_random;

static unsigned roll(unsigned n) {
    state_of_random = state_of_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state_of_random >> 33) % n;
}

static mr_value number_text(int n) {
    static char text_[16];
    snprintf(text_, sizeof text_, "%d", n);
    return text(text_);
}

/* A flush: each object of the session has a row now. */
static void model_saves(void) {
    for (int i = 0; i < CATEGORIES; i++) now.category_saved[i] = mr_session_of(categories[i]) != NULL;
    for (int i = 0; i < POSTS; i++) now.post_saved[i] = mr_session_of(posts[i]) != NULL;
}

/* A rollback: an object that loses its row keeps its references, but the objects with rows do not know it any more. So
 * the references are removed here, too. */
static void model_restores(const world *then) {
    for (int j = 0; j < CATEGORIES; j++)
        if (!then->category_saved[j])
            ok(mr_attribute_set_items(categories[j], attribute(categories[j], "posts"), NULL, 0));
    for (int i = 0; i < POSTS; i++) {
        now.category_of[i] = then->category_of[i];
        if (then->post_saved[i]) {
            now.name_of[i] = then->name_of[i];
            continue;
        }
        now.category_of[i] = -1;
        ok(refer_to(posts[i], "category", NULL));
        ok(set(posts[i], "name", number_text(now.name_of[i]))); /* its name may have expired before it lost its row */
    }
    memcpy(now.category_saved, then->category_saved, sizeof now.category_saved);
    memcpy(now.post_saved, then->post_saved, sizeof now.post_saved);
}

static void check_sides(int program, int step) {
    for (int i = 0; i < POSTS; i++) {
        for (int j = 0; j < CATEGORIES; j++) {
            const mr_value *one = mr_entity_slot(posts[i], attribute(posts[i], "category")->slot);
            const mr_value *many = mr_entity_slot(categories[j], attribute(categories[j], "posts")->slot);
            if (one->kind == MR_UNLOADED || many->kind != MR_COLLECTION || !((mr_collection *)many->u.p)->loaded)
                continue;
            bool refers = one->kind == MR_ENTITY && one->u.p == categories[j];
            bool holds = mr_collection_find(many->u.p, posts[i]) != UINT32_MAX;
            if (refers != holds)
                fail_msg("program %d, step %d: post %d %s category %d, which %s it", program, step, i,
                         refers ? "refers to" : "does not refer to", j, holds ? "holds" : "does not hold");
        }
    }
}

static void check_model(int program, int step) {
    for (int i = 0; i < POSTS; i++) {
        const mr_entity *c = related(posts[i], "category");
        int found = -1;
        for (int j = 0; j < CATEGORIES; j++)
            if (categories[j] == c) found = j;
        if (found != now.category_of[i])
            fail_msg("program %d, step %d: post %d is in %d, not in %d", program, step, i, found, now.category_of[i]);
        mr_value name = get(posts[i], "name"), wanted = number_text(now.name_of[i]);
        if (!mr_value_equal(env, &name, &wanted))
            fail_msg("program %d, step %d: post %d is called %.*s, not %d", program, step, i, (int)name.len, name.u.s,
                     now.name_of[i]);
    }
    for (int j = 0; j < CATEGORIES; j++) {
        unsigned n = 0;
        for (int i = 0; i < POSTS; i++) n += now.category_of[i] == j;
        if (items(categories[j], "posts")->n != n)
            fail_msg("program %d, step %d: category %d has %u posts, not %u", program, step, j,
                     items(categories[j], "posts")->n, n);
    }
}

static void assign_some(int j) {
    mr_entity *list[POSTS];
    uint32_t n = 0;
    for (int i = 0; i < POSTS; i++) {
        bool in = roll(3) == 0;
        if (in) list[n++] = posts[i];
        if (in) now.category_of[i] = j;
        else if (now.category_of[i] == j) now.category_of[i] = -1;
    }
    ok(mr_attribute_set_items(categories[j], attribute(categories[j], "posts"), list, n));
}

static void begin_level(void) {
    if (depth == LEVELS) return;
    ok(mr_session_begin_nested(session));
    model_saves();
    stack[depth++] = now;
}

static world committed;

static void end_level(bool keep) {
    if (depth > 0) {
        ok(keep ? mr_session_commit(session) : mr_session_rollback(session));
        depth--;
        if (keep) model_saves();
        else model_restores(&stack[depth]);
        return;
    }
    ok(keep ? mr_session_commit(session) : mr_session_rollback(session));
    if (keep) model_saves();
    else model_restores(&committed);
    if (keep) committed = now;
}

static void do_step(void) {
    int i = (int)roll(POSTS), j = (int)roll(CATEGORIES);
    switch (roll(15)) {
    case 0:
    case 1:
        if (now.category_of[i] == j) break; /* otherwise the post would be in the list twice */
        ok(append(categories[j], "posts", posts[i]));
        now.category_of[i] = j;
        break;
    case 2:
    case 3:
        ok(refer_to(posts[i], "category", categories[j]));
        now.category_of[i] = j;
        break;
    case 4:
        ok(refer_to(posts[i], "category", NULL));
        now.category_of[i] = -1;
        break;
    case 5:
        if (now.category_of[i] < 0) break;
        ok(take(categories[now.category_of[i]], "posts", posts[i]));
        now.category_of[i] = -1;
        break;
    case 6:
        assign_some(j);
        break;
    case 7:
        now.name_of[i] = (int)roll(5);
        ok(set(posts[i], "name", number_text(now.name_of[i])));
        break;
    case 8:
        add(roll(2) ? posts[i] : categories[j]);
        break;
    case 9:
        flush();
        model_saves();
        break;
    case 10:
        begin_level();
        break;
    case 11:
        end_level(true);
        break;
    case 12:
        end_level(false);
        break;
    case 13:
        flush();
        model_saves();
        mr_session_expire_all(session);
        break;
    case 14:
        if (mr_session_state_of(posts[i]) != MR_PERSISTENT) break;
        flush();
        model_saves();
        ok(mr_session_expire(session, posts[i], NULL, 0));
        break;
    }
}

static void make_objects(void) {
    memset(&now, 0, sizeof now);
    depth = 0;
    for (int j = 0; j < CATEGORIES; j++) categories[j] = object("Category", "c");
    for (int i = 0; i < POSTS; i++) {
        now.category_of[i] = -1;
        posts[i] = object("Post", NULL);
        ok(set(posts[i], "name", number_text(0)));
    }
    committed = now;
}

static void drop_objects(void) {
    for (int j = 0; j < CATEGORIES; j++) mr_entity_unpin(categories[j]);
    for (int i = 0; i < POSTS; i++) mr_entity_unpin(posts[i]);
}

static void random_programs(void **state) {
    (void)state;
    blog();
    mr_heap_set_stress(mr_heap_of(env), true);
    for (int program = 0; program < PROGRAMS; program++) {
        state_of_random = (uint64_t)program * 7919 + 1;
        make_objects();
        for (int step = 0; step < STEPS; step++) {
            do_step();
            mr_heap_pulse(mr_heap_of(env));
            check_sides(program, step);
            if (roll(6) == 0) {
                check_model(program, step); /* loads, and flushes before that */
                model_saves();
                check_sides(program, step);
            }
        }
        ok(mr_session_rollback_all(session));
        mr_session_close(session);
        drop_objects();
        mr_heap_trace(mr_heap_of(env), 0);
        elsewhere("DELETE FROM post");
        elsewhere("DELETE FROM category");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(random_programs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

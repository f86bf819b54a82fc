/*
 * image.c: what a query has read for a row, as bytes: two results tell the same exactly if their rows have the same
 * images. For live queries.
 *
 * Invariant: an image has the values of the database, without the changes that are not flushed; and of relationships
 * those that the query loads, not those that the program has read. An object that a row leads to several times along
 * the same way is written once.
 */
#include "plan/planner.h"
#include "load_state.h"

enum { MAX_PATH = 64 };

/* A place in the tree of what the query loads: an item, or a relationship of another place. */
typedef struct image_node {
    const mr_property *along;
    unsigned nopts;
    const mr_option *opts;
    const mr_property *path[MAX_PATH]; /* from the item; of a longer one, its first steps */
    unsigned npath;
    struct image_node *child, *next;
} image_node;

typedef struct reached {
    mr_entity *entity;
    image_node *node;
    uint64_t number;
} reached;

struct mr_images {
    mr_env *env;
    mr_arena *arena;
    const mr_plan *plan;
    unsigned width;
    image_node **items; /* by item; NULL: a value */
    mr_map *numbers;    /* reached, of the row; NULL: no row has needed it yet */
    mr_vec queue;       /* reached */
};

/* ---------------------------------------------------------------- what is reached */

static uint64_t hash_reached(const void *element) {
    const reached *r = element;
    return ((uint64_t)(uintptr_t)r->entity * UINT64_C(0x9E3779B97F4A7C15)) ^ (uint64_t)(uintptr_t)r->node;
}

static bool equal_reached(const void *a, const void *b) {
    const reached *x = a, *y = b;
    return x->entity == y->entity && x->node == y->node;
}

/* *out: the entity's number at this place; it is written later, if it is new. */
static mr_status reach(mr_images *im, mr_entity *entity, image_node *node, uint64_t *out) {
    reached made = {entity, node, im->queue.len};
    if (!im->numbers && !(im->numbers = mr_map_new(im->env, sizeof made, hash_reached, equal_reached))) return MR_FAIL;
    const reached *known = mr_map_get(im->numbers, &made);
    *out = known ? known->number : made.number;
    if (known) return MR_OK;
    reached *place = mr_vec_push(&im->queue);
    if (!place || !mr_map_put(im->numbers, &made)) return MR_FAIL;
    *place = made;
    return MR_OK;
}

static image_node *new_node(mr_images *im, const mr_property *along) {
    image_node *node = mr_arena_alloc(im->arena, sizeof *node);
    if (node) node->along = along;
    return node;
}

/* *out: the place behind the relationship; NULL: the query does not load it. */
static mr_status place_behind(mr_images *im, image_node *node, const mr_mapper *end, const mr_property *prop,
                              image_node **out) {
    const mr_option *option = mr_options_strategy(prop, node->nopts, node->opts);
    const mr_plan_path path = {node->path, node->npath};
    *out = NULL;
    if (!(option && option->kind == MR_OPTION_CONTAINS_EAGER) &&
        !mr_eager_is_due(&path, end, prop, node->nopts, node->opts))
        return MR_OK;
    for (image_node *c = node->child; c; c = c->next)
        if (c->along == prop) *out = c;
    if (*out) return MR_OK;
    image_node *made = new_node(im, prop);
    if (!made || mr_options_below(im->arena, prop, node->nopts, node->opts, &made->nopts, &made->opts) != MR_OK)
        return MR_FAIL;
    for (; made->npath < node->npath; made->npath++) made->path[made->npath] = node->path[made->npath];
    if (made->npath < MAX_PATH) made->path[made->npath++] = prop;
    made->next = node->child;
    node->child = made;
    *out = made;
    return MR_OK;
}

/* ---------------------------------------------------------------- bytes */

static void put(mr_strbuf *out, const void *bytes, size_t n) { mr_strbuf_add(out, bytes, n); }

static void put_value(mr_strbuf *out, const mr_value *v) {
    mr_strbuf_putc(out, (char)('a' + v->kind));
    if (mr_kind_is_bytes(v->kind)) {
        put(out, &v->len, sizeof v->len);
        put(out, v->u.s, v->len);
    } else if (v->kind > MR_NULL) {
        put(out, &v->u.i, sizeof v->u.i);
    }
}

static void put_identity(mr_strbuf *out, const mr_entity *entity) {
    const mr_value identity = mr_entity_identity(entity);
    put(out, &entity->mapper->root, sizeof entity->mapper->root);
    put_value(out, &identity);
}

static const mr_value *committed(mr_entity *entity, unsigned slot) {
    return mr_entity_is_dirty(entity, slot) ? mr_entity_committed(entity, slot) : mr_entity_slot(entity, slot);
}

static void put_column(mr_strbuf *out, const image_node *node, mr_entity *entity, const mr_property *prop) {
    static const mr_value unloaded = {.kind = MR_UNLOADED};
    bool counts = !prop->deferred || mr_options_loads(prop, node->nopts, node->opts);
    put_value(out, counts ? committed(entity, prop->slot) : &unloaded);
}

static mr_status put_items(mr_images *im, mr_strbuf *out, image_node *below, const mr_collection *c) {
    bool kept = c->partial || c->has_committed;
    uint32_t n = kept ? c->ncommitted : c->n;
    mr_entity *const *items = kept ? c->committed : c->items;
    put(out, &n, sizeof n);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t number;
        if (reach(im, items[i], below, &number) != MR_OK) return MR_FAIL;
        put(out, &number, sizeof number);
    }
    return MR_OK;
}

static mr_status put_relationship(mr_images *im, mr_strbuf *out, image_node *node, mr_entity *entity,
                                  const mr_property *prop) {
    image_node *below;
    uint64_t number;
    if (place_behind(im, node, entity->mapper, prop, &below) != MR_OK) return MR_FAIL;
    if (!below) return MR_OK;
    const mr_value *v = mr_entity_slot(entity, prop->slot);
    if (v->kind == MR_COLLECTION) {
        const mr_collection *c = v->u.p;
        mr_strbuf_putc(out, c->loaded || c->partial ? 'c' : 'u');
        return c->loaded || c->partial ? put_items(im, out, below, c) : MR_OK;
    }
    v = committed(entity, prop->slot);
    if (v->kind != MR_ENTITY) {
        mr_strbuf_putc(out, v->kind == MR_UNLOADED ? 'u' : 'n');
        return MR_OK;
    }
    if (reach(im, v->u.p, below, &number) != MR_OK) return MR_FAIL;
    mr_strbuf_putc(out, 'r');
    put(out, &number, sizeof number);
    return MR_OK;
}

static mr_status put_entity(mr_images *im, mr_strbuf *out, mr_entity *entity, image_node *node) {
    const mr_mapper *mapper = entity->mapper;
    put(out, &mapper, sizeof mapper);
    put_identity(out, entity);
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        if (prop->kind == MR_PROPERTY_SYNONYM) continue;
        if (prop->kind != MR_PROPERTY_RELATIONSHIP) put_column(out, node, entity, prop);
        else if (put_relationship(im, out, node, entity, prop) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- rows */

mr_status mr_images_open(mr_load *load, mr_images **out) {
    mr_images *im = *out = mr_calloc(load->env, sizeof *im);
    if (!im) return MR_FAIL;
    im->env = load->env;
    im->plan = load->main->plan;
    im->width = mr_load_width(load);
    mr_vec_init(&im->queue, load->env, sizeof(reached));
    im->arena = mr_arena_new(load->env);
    im->items = im->arena ? mr_arena_alloc(im->arena, (im->width + (size_t)1) * sizeof(image_node *)) : NULL;
    bool failed = !im->items;
    for (unsigned i = 0; !failed && i < im->width && i < im->plan->nitems; i++) {
        const mr_plan_item *item = &im->plan->items[i];
        if (item->entity == MR_PLAN_NONE) continue;
        image_node *node = im->items[i] = new_node(im, NULL);
        failed = !node;
        const mr_origin *origin = im->plan->entities[item->entity].origin;
        if (failed || !origin) continue;
        node->nopts = origin->nopts;
        node->opts = origin->opts;
    }
    if (!failed) return MR_OK;
    mr_images_close(im);
    *out = NULL;
    return MR_FAIL;
}

mr_status mr_images_row(mr_images *im, const mr_value *row, mr_strbuf *key, mr_strbuf *image) {
    im->queue.len = 0;
    if (im->numbers) mr_map_clear(im->numbers);
    for (unsigned i = 0; i < im->width; i++) {
        uint64_t number;
        if (row[i].kind != MR_ENTITY || !im->items[i]) {
            put_value(image, &row[i]);
            if (im->items[i]) mr_strbuf_putc(key, 'n');
            continue;
        }
        put_identity(key, row[i].u.p);
        if (reach(im, row[i].u.p, im->items[i], &number) != MR_OK) return MR_FAIL;
        put(image, &number, sizeof number);
    }
    for (size_t i = 0; i < im->queue.len; i++) {
        const reached r = *(const reached *)mr_vec_at(&im->queue, i);
        if (put_entity(im, image, r.entity, r.node) != MR_OK) return MR_FAIL;
    }
    return key->oom || image->oom ? mr_nomem(im->env) : MR_OK;
}

void mr_images_close(mr_images *im) {
    if (!im) return;
    mr_map_free(im->numbers);
    mr_vec_done(&im->queue);
    mr_arena_free(im->arena);
    mr_free(im->env, im);
}

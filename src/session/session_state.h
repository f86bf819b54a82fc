/*
 * session_state.h: what the files of the session share: its struct, its phases, and what each file offers the
 * others.
 *
 * Invariants: fresh holds exactly the pending entities and doomed those marked TO_DELETE, each pinned once by
 * its list; the journal holds weak handles, so a transaction keeps no object alive; a connection is held from
 * first use to the transaction's end.
 */
#ifndef MR_SESSION_STATE_H
#define MR_SESSION_STATE_H

#include <moonrow/session.h>

/* ---------------------------------------------------------------- phases */

typedef enum mr_phase {
    MR_PHASE_IDLE = 0,
    MR_PHASE_LOADING,  /* rows are being read: hooks of load and refresh run in it */
    MR_PHASE_FLUSHING, /* from before_flush to after_flush */
    MR_PHASE_ENDING,   /* commit or rollback is under way */
    MR_PHASE_ENDED,    /* it has come about: hooks of after_commit and after_rollback run in it */
    MR_PHASE_CLOSING,
    MR_PHASE__COUNT
} mr_phase;

/* What a caller wants; the table in session.c says which phase allows it. */
typedef enum mr_action {
    MR_ACT_CHANGE = 1, /* add, delete, expunge, merge */
    MR_ACT_READ = 2,   /* get, load, refresh, execute */
    MR_ACT_EXPIRE = 4,
    MR_ACT_FLUSH = 8,
    MR_ACT_BEGIN = 16,
    MR_ACT_COMMIT = 32,
    MR_ACT_ROLLBACK = 64, /* allowed after a failed flush */
    MR_ACT_CLOSE = 128    /* likewise */
} mr_action;

/* ---------------------------------------------------------------- the transaction's journal */

typedef enum mr_note_kind {
    MR_NOTE_INSERTED = 1, /* unset: its column slots (below 64) that held nothing before */
    MR_NOTE_NUMBERED,     /* unset: generated key columns by position, where a key's slot is 64 or more */
    MR_NOTE_UPDATED,      /* within savepoints only: the end of the transaction expires all */
    MR_NOTE_DELETED,
    MR_NOTE_REKEYED, /* old: the identity before; owned */
    MR_NOTE_WAS      /* within savepoints: what an object had that this transaction has inserted. kept: owned */
} mr_note_kind;

/* What an inserted object had: by column of its class; MR_UNLOADED: nothing was known. */
typedef struct mr_kept {
    size_t n;
    mr_value values[];
} mr_kept;

typedef struct mr_note {
    uint8_t kind;
    uint32_t slot, generation; /* the entity, weakly: of one that was freed nothing must be restored */
    union {
        uint64_t unset;
        mr_value *old;
        mr_kept *kept;
    } u;
} mr_note;

/* Objects of a class that a transaction has written. */
typedef struct mr_class_count {
    const mr_mapper *mapper;
    size_t n;
} mr_class_count;

/* A savepoint: where its part of the journal begins. */
typedef struct mr_savepoint {
    uint64_t serial;
    size_t mark;
    uint64_t writes, reads;     /* the session's and its owner's, when it began */
    size_t written, statements; /* lengths and numbers in the session, when it began */
    unsigned number;            /* in the database: mr_sp_N */
} mr_savepoint;

typedef struct mr_session_hook {
    mr_session_hook_fn fn;
    void *ud;
} mr_session_hook;

struct mr_session {
    uint32_t refs;
    mr_env *env;
    mr_engine *engine;
    mr_heap *heap;
    mr_owner *owner;
    mr_conn *conn; /* from first use to the end of the transaction */
    bool autoflush, expire_on_commit;
    int autoflush_blocks;
    uint8_t phase;
    unsigned brackets;      /* loads of several statements that run, one within the other */
    bool reading;           /* the open transaction is a load's, and ends with it */
    bool planning;          /* a flush loads what it needs: these reads do not renew objects that it has seen already */
    bool fresh_memory;      /* nothing has been read or written since all objects expired */
    uint32_t since;         /* no unchanged object is of an older version of the data (mr_owner.as_of) */
    uint64_t read_conn;     /* serial number of the connection that was read last */
    int64_t read_version;   /* the version of the data that was read there */
    bool began;             /* explicitly */
    bool running;           /* a flush sends its statements: what it has planned stays in the session */
    bool stale;             /* found while flushing: another connection has committed */
    bool unwinding;         /* all levels are being rolled back, one by one */
    bool committing;        /* all levels are being committed, one by one */
    bool overtaken;         /* the transaction of a block that still runs is over: see blocks.c */
    bool twin;              /* an add was refused because of another object of the identity */
    bool lent;              /* the user has the connection: what is written through it is not counted */
    uint64_t writes;        /* flushes and statements that wrote, so far */
    uint64_t serials;       /* the last one given out */
    uint64_t serial;        /* of the transaction */
    mr_vec savepoints;      /* mr_savepoint */
    mr_vec blocks;          /* uint64_t: serials of the transactions that functions run in, the outermost first */
    mr_vec written;         /* mr_class_count: what flushes of this transaction have written; see uncommitted.c */
    size_t statements;      /* statements of the program's own that wrote in this transaction */
    mr_vec journal;         /* mr_note */
    mr_map *kept;           /* see kept.c; NULL: nothing is */
    size_t prune_at;        /* length of the journal at which notes of freed objects are dropped */
    unsigned dead;          /* innermost levels that the database has rolled back already */
    bool lost;              /* the database has ended the transaction by itself, and memory has not followed yet */
    bool ended_by_database; /* the levels are dead because of that, not because a flush failed */
    struct mr_session *next_lost;    /* in mr_session_common */
    char *failure;                   /* why, the first error's text (NULL when there was no memory for it) */
    mr_vec fresh;                    /* mr_entity *: pending */
    bool fresh_mixed;                /* not in the order of insert_order */
    uint32_t orders;                 /* the last insert_order given out */
    mr_vec doomed;                   /* mr_entity *: TO_DELETE */
    mr_vec spared;                   /* mr_entity *, pinned: SPARED now or earlier since the last flush */
    mr_vec changed;                  /* mr_entity *: what session.dirty shows to after_flush; empty otherwise */
    mr_vec hooks[MR_SESSION__COUNT]; /* mr_session_hook */
    mr_load_context load;
};

/* session.c */
/* InvalidRequestError where the phase refuses the action, PendingRollbackError where the transaction is dead.
 * what: the user's word, "commit()". */
mr_status mr_session_allow(mr_session *s, mr_action action, const char *what);
/* PendingRollbackError, naming the error that has ended the transaction. */
mr_status mr_session_refuse_dead(mr_session *s);
/* Enters a phase, blocks the heap and keeps the session alive; gives the phase to leave to. After leave the
 * session may be gone. */
uint8_t mr_session_enter(mr_session *s, mr_phase phase);
void mr_session_leave(mr_session *s, uint8_t before);

/* environment.c: what the sessions of an environment share */
typedef struct mr_session_common {
    mr_env *env;
    mr_node *(*expression)(void *ud, const mr_value *value);
    void *expression_ud;
    mr_session *last; /* that has taken a connection; NULL: it has gone */
    mr_map *parents;  /* see parents.c */
    size_t prune_parents_at;
    uint16_t late_tag; /* of keys that are read when a statement runs, among opaque values; 0: not registered yet */
    mr_session
        *lost; /* sessions whose lost is set, linked by next_lost; without memory for this struct they are not listed */
} mr_session_common;
/* Made at first use. NULL without memory. */
mr_session_common *mr_session_common_of(mr_env *env);

/* related.c */
/* Does the key of an object on one side of the relationship, compared as a value, find other rows than a join does? The
 * database is asked once, through the object's session; of a detached object, through the session that has connected
 * last. Where it cannot be asked: what was known last. Never fails. */
bool mr_session_spells_apart(const mr_entity *entity, mr_relationship *rel);

/* late.c */
/* A bind of the value that the object's attribute has when the statement runs. along: the relationship that is
 * compared, for the error where the value is required and missing then. The node pins the object. NULL without memory.
 */
mr_node *mr_late_key(mr_entity *object, const mr_property *prop, const mr_property *along, bool required);

/* criterion.c */
/* The query with its parents (with_parent) as criteria: *out has one reference. */
mr_status mr_query_settle(mr_query *query, mr_query **out);

/* events.c */
mr_status mr_session_fire(mr_session *s, mr_session_event event);

/* connecting.c */
mr_status mr_session_connect(void *session, mr_mapper *mapper, mr_conn **out);
/* Are reads outside of a transaction now? Their rows are newer than objects of an older version of the data. */
bool mr_session_reads_outside(void *session);
/* The transaction has begun and has its snapshot: objects that are older than it expire. */
void mr_session_settle_snapshot(mr_session *s);
/* The session writes while a load's own transaction is open: that becomes the session's transaction. */
void mr_session_keep_reading(mr_session *s);
/* After a commit, before the connection is given back: the session's own commit makes none of its objects old. */
void mr_session_note_commit(mr_session *s);
/* All objects have expired, or gone: what is in memory from now on is of this version of the data, or outside of a
 * transaction of the next that is read. */
void mr_session_note_fresh(mr_session *s);
/* The same, with the transaction begun that a statement which writes will be in. Its begin may expire what another
 * connection has changed. */
mr_status mr_session_connect_to_write(mr_session *s, mr_conn **out);
void mr_session_disconnect(mr_session *s);
mr_status mr_session_bracket(void *session);
void mr_session_unbracket(void *session);

/* journal.c */
/* Notes what a flush that has run, but is not published yet, will make true. Nothing is noted when it fails.
 */
mr_status mr_journal_flush(mr_session *s, const mr_flush *flush);
/* The object's row was found missing: it is deleted for as long as this transaction stands. */
mr_status mr_journal_deleted(mr_session *s, mr_entity *entity);
/* Its row was changed behind the object's back: noted where a savepoint may be rolled back alone. */
mr_status mr_journal_updated(mr_session *s, mr_entity *entity);
/* Room for so many notes. */
mr_status mr_journal_reserve(mr_session *s, size_t more);
/* Before objects expire: what those inserted by this transaction have is kept, for a rollback makes them
 * transient. one: only that object, NULL: all. Without memory, less is kept. */
void mr_journal_keep(mr_session *s, mr_entity *one);
/* Undoes the notes from mark on: memory is as before them, but for what must be read again. MR_FAIL: some
 * objects could not be put back into the identity map for want of memory, and are detached. */
mr_status mr_journal_undo(mr_session *s, size_t mark);
/* The notes from mark on have become part of the level outside. */
void mr_journal_merge(mr_session *s, size_t mark);
/* All of it is committed: what was deleted is detached. */
void mr_journal_accept(mr_session *s);
void mr_journal_clear(mr_session *s);

/* kept.c */
/* What is known of the object now: kept before, and loaded. Without memory for a value, not that. NULL: no
 * memory at all, and the error is recorded. */
mr_kept *mr_kept_copy(const mr_session *s, mr_entity *entity);
/* This and nothing else is kept of the object from now on; taken over. */
void mr_kept_restore(mr_session *s, const mr_entity *entity, mr_kept *kept);
/* Before the object expires: what it has is kept. Without memory, less is; no error is recorded. */
void mr_kept_add(mr_session *s, mr_entity *entity);
/* The columns of a transient object that hold nothing get theirs back, but for those of unset (slots below 64);
 * it keeps what it was given since. */
void mr_kept_give_back(mr_session *s, mr_entity *entity, uint64_t unset);
void mr_kept_drop(mr_session *s, uint32_t slot, uint32_t generation);
void mr_kept_clear(mr_session *s);
void mr_kept_free(mr_env *env, mr_kept *kept);

/* "<User 3>", "<User (pending)>". The strbuf is the caller's. (states.c) */
const char *mr_entity_words(const mr_entity *entity, mr_strbuf *buf);

/* states.c: the moves between states, without cascades */
mr_status mr_state_make_pending(mr_session *s, mr_entity *entity);
mr_status mr_state_attach(mr_session *s, mr_entity *entity); /* detached to persistent */
/* Marks the object to be deleted. cascaded: only because its parent is deleted; an object that was deleted by name
 * stays so. */
mr_status mr_state_doom(mr_session *s, mr_entity *entity, bool cascaded);
void mr_state_spare(mr_session *s, mr_entity *entity); /* the mark taken away */
void mr_state_unmark(mr_entity *entity);               /* the same for an object that is not in doomed any more */
void mr_state_forget_spared(mr_entity *entity);
void mr_state_drop_spared(mr_session *s); /* no object is SPARED any more */
void mr_state_make_transient(mr_session *s, mr_entity *entity);
void mr_state_detach(mr_session *s, mr_entity *entity);
/* Its row is gone by other ways than a flush: deleted, and its key is free for another one. */
void mr_state_bury(mr_session *s, mr_entity *entity);
/* Makes what a closed session left behind plainly detached. Call at every touch that may change. */
void mr_state_settle(mr_entity *entity);
/* InvalidRequestError where another open session has it. */
mr_status mr_state_ours(mr_session *s, const mr_entity *entity);
/* Adds without cascades: what session:add does for one object. */
mr_status mr_state_admit(mr_session *s, mr_entity *entity);
void mr_state_drop_pending(mr_session *s); /* all of fresh become transient */
void mr_state_drop_doomed(mr_session *s);  /* all of doomed are spared */
void mr_state_sort_pending(mr_session *s);

/* expire.c */
/* All persistent objects are read again; changes are lost. Constant time but for pending and changed ones. */
void mr_expire_everything(mr_session *s);
/* The changed ones only. */
void mr_expire_dirty(mr_session *s);
/* The unchanged ones only. */
void mr_expire_unmodified(mr_session *s);
/* Expires the columns and references of a changed object that it has not changed. Its key, its collections and its
 * version stay: the flush needs them. */
void mr_expire_rest(mr_session *s, mr_entity *entity);
/* One object, as its user asks for it: what others know by its changes goes with them. */
mr_status mr_expire_one(mr_session *s, mr_entity *entity);
/* A constraint of the table may have replaced rows: unchanged objects that show them are read again. */
void mr_expire_table(mr_session *s, const mr_table *table);
mr_property *mr_session_named_property(mr_entity *entity, const char *name);

/* transaction.c */
/* A flush has failed after its first statement: the innermost level is rolled back at the database and in
 * memory, and dead. The recorded error stays. */
void mr_transaction_fail(mr_session *s);
/* A statement has failed and the database has ended the transaction with it (mr_conn_set_on_lost). */
bool mr_transaction_lost(void *session);
/* Memory follows the database, if the session is at rest and its transaction was lost. */
void mr_transaction_settle(mr_session *s);
/* The session is not lost any more: its connection has been given up. */
void mr_transaction_settled(mr_session *s);

/* blocks.c */
/* A transaction or savepoint has ended: sets overtaken anew. */
void mr_blocks_follow(mr_session *s);
/* InvalidRequestError: the block's transaction is over. */
mr_status mr_blocks_refuse(mr_session *s, const char *what);
/* The same error if the object's session is overtaken: its attribute must not be changed. */
mr_status mr_blocks_allow_change(const mr_entity *e, const mr_property *prop);
/* InvalidRequestError if objects wait for a flush: they were changed before the transaction that is to begin. */
mr_status mr_blocks_begin(mr_session *s);

/* uncommitted.c */
/* A flush has run: its objects are counted. */
void mr_uncommitted_note(mr_session *s, const mr_flush *flush);
/* The innermost level is rolled back: an object that it has counted may be counted again. */
void mr_uncommitted_undo(const mr_session *s, mr_entity *e);
/* What the transaction (savepoint NULL) or the savepoint has written is rolled back or committed: it is not counted any
 * more. */
void mr_uncommitted_forget(mr_session *s, const mr_savepoint *savepoint);

/* flushing.c */
mr_status mr_session_autoflush_now(mr_session *s);
bool mr_session_is_clean(const mr_session *s);

/* get.c: the identity of the key's values, coerced. MR_NOTFOUND: no row has a NULL in its key. */
mr_status mr_session_identity(const mr_mapper *mapper, const mr_value *key, mr_strbuf *buf, mr_value *out);

/* attribute.c */
/* Reads an object that has expired again. MR_NOTFOUND: its row is gone, and it is deleted now. */
mr_status mr_attribute_unexpire(mr_entity *entity);
/* Its row was found missing: deleted for as long as the transaction stands. MR_NOTFOUND. */
mr_status mr_attribute_bury(mr_session *s, mr_entity *entity);
/* Has any attribute of a persistent object another value than its row? */
bool mr_entity_is_changed(const mr_entity *entity);
/* Listeners compare mutable values with their rows now; what they raise is dropped. */
void mr_session_compare(mr_session *s);
/* mr_type_coerce with "User.email" for the message. */
mr_status mr_attribute_coerce(const mr_mapper *mapper, const mr_property *prop, mr_value *value);
/* Loads a column that is not loaded. ObjectDeletedError, DetachedInstanceError. */
mr_status mr_attribute_load_column(mr_entity *entity, const mr_property *prop);
mr_status mr_attribute_detached(const mr_entity *entity, const mr_property *prop);
/* Runs the attribute hooks of the class. old: NULL where it is not known. */
mr_status mr_attribute_fire(mr_attribute_event event, mr_entity *entity, const mr_property *prop, mr_value *value,
                            const mr_value *old);

/* ---------------------------------------------------------------- relationships */

/* relations.c: the relationships of a class, gathered once per version of the registry */
typedef struct mr_relations {
    uint64_t version;
    unsigned cascades;  /* all that some of them has */
    bool may_be_orphan; /* some is the other side of one that deletes orphans */
    unsigned n;
    const mr_relationship **rels;
} mr_relations;
/* Configures the mappings when they are not. NULL: failed. */
const mr_relations *mr_relations_of(mr_mapper *mapper);
bool mr_relation_is_list(const mr_relationship *rel);
/* The other side that memory keeps equal, or NULL. */
const mr_relationship *mr_relation_reverse(const mr_relationship *rel);
/* The value in memory, not loaded for it: MR_ENTITY, MR_NULL, MR_COLLECTION or MR_UNLOADED. */
const mr_value *mr_relation_peek(mr_entity *entity, const mr_relationship *rel);
/* Appends what the relationship holds in memory, each entity. removed: also what was taken away since the
 * last flush, of a collection that is loaded. */
mr_status mr_relation_items(mr_entity *entity, const mr_relationship *rel, bool removed, mr_vec *out);
/* Appends the entities that were put in since the last flush. */
mr_status mr_relation_added(mr_entity *entity, const mr_relationship *rel, mr_vec *out);
/* Appends what was taken away since the last flush and is known. */
mr_status mr_relation_removed(mr_entity *entity, const mr_relationship *rel, mr_vec *out);

/* related.c: references, and the loading of relationships */
mr_status mr_related_get(mr_entity *entity, const mr_property *prop, const mr_value **out);
/* The same for a cascade: lazy = "raise" does not stop it. */
mr_status mr_related_need(mr_entity *entity, const mr_property *prop, const mr_value **out);
mr_status mr_related_set(mr_entity *entity, const mr_property *prop, const mr_value *value);
/* Validates and fires hooks for one object about to be set or appended; it may be replaced. item: MR_ENTITY
 * or MR_NULL. */
mr_status mr_related_accept(mr_entity *entity, const mr_relationship *rel, mr_attribute_event event, mr_value *item);

/* linking.c: both sides of an association at once */
typedef struct mr_linking {
    mr_env *env;
    mr_vec steps;        /* what was done, to be undone when a later step fails */
    mr_session *session; /* into which admitted has cascaded */
    mr_vec admitted;     /* mr_entity *, pinned */
    mr_vec let_go;       /* pending objects that a delete-orphan relationship has lost */
} mr_linking;
void mr_linking_init(mr_linking *l, mr_env *env);
/* status not MR_OK: undoes all. Gives the status back. */
mr_status mr_linking_end(mr_linking *l, mr_status status);
/* entity.rel = item (NULL: none), the reference being replaced let go. */
mr_status mr_link_reference(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item);
/* item into the collection at a place (UINT32_MAX: at the end, which loads nothing). */
mr_status mr_link_item(mr_linking *l, mr_entity *entity, const mr_relationship *rel, uint32_t at, mr_entity *item);
mr_status mr_unlink_item(mr_linking *l, mr_entity *entity, const mr_relationship *rel, uint32_t at);
/* item in the place of the one at `at` of a loaded list. */
mr_status mr_relink_item(mr_linking *l, mr_entity *entity, const mr_relationship *rel, uint32_t at, mr_entity *item);
/* The entity is added again after a rollback had put it out of the session: the objects that it refers to may have been
 * read without it since, and hold it again. */
mr_status mr_link_again(mr_linking *l, mr_entity *entity);
/* What assigning the items would add and take away, each once. */
mr_status mr_collection_difference(mr_collection *c, mr_entity *const *items, uint32_t n, mr_vec *added,
                                   mr_vec *removed);
/* The loaded collection becomes items. */
mr_status mr_link_items(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *const *items,
                        uint32_t n, const mr_vec *added, const mr_vec *removed);

/* parents.c: who holds an object through a relationship that allows one parent or deletes orphans */
mr_status mr_parent_note(mr_entity *child, const mr_relationship *rel, mr_entity *parent);
/* The parent noted last that still holds the child in memory, or NULL. */
mr_entity *mr_parent_of(mr_entity *child, const mr_relationship *rel);
/* The same for one that must be known: what has expired of a parent is loaded. */
mr_status mr_parent_ask(mr_entity *child, const mr_relationship *rel, const mr_entity **out);
bool mr_parent_is_tracked(const mr_relationship *rel);
/* reference.c: the target of a reference by its foreign key, when it is in the identity map. *known: also when it
 * is that there is none. */
mr_entity *mr_reference_by_key(mr_entity *entity, const mr_relationship *rel, bool *known);
/* reference.c: what the reference refers to now, made the slot's loaded value where that costs no statement. *known:
 * NULL means none. Where it has expired and need not be known: who holds the object in memory. */
mr_status mr_reference_now(mr_entity *entity, const mr_relationship *rel, mr_entity **out, bool *known);

/* holders.c */
/* Before the object forgets its references: who holds it in memory is noted as its parent, so that a new reference
 * finds what it must leave. */
mr_status mr_holders_note(mr_entity *entity);
/* Before all but the holder and others that have changed expire: what it holds in memory is noted as its own. */
void mr_holders_note_items(mr_entity *holder);
/* Before a change of the relationship is lost: the collections at its other end that are not loaded, and so know of
 * nothing else, lose what it has noted there. */
mr_status mr_holders_take_back(mr_entity *entity, const mr_relationship *rel);
mr_status mr_holders_take_back_all(mr_entity *entity);
mr_status mr_holders_lose(void *session, mr_entity *entity); /* the same, for a load that overwrites the object */

/* cascade.c: walks over graphs, without recursion */
/* Does the walk go on to item, which entity holds through rel? MR_OK: yes; MR_DONE: no; MR_FAIL. */
typedef mr_status (*mr_cascade_passes)(void *ud, mr_entity *entity, const mr_relationship *rel, mr_entity *item);
typedef struct mr_cascade {
    unsigned cascade;
    bool loads;               /* what is not loaded is loaded, so that callbacks run */
    mr_cascade_passes passes; /* NULL: wherever the cascade leads */
    void *ud;
    mr_vec out;   /* mr_entity *: reached, each once, pinned */
    size_t at;    /* index in out: from here on they are not followed yet */
    mr_vec found; /* of one relationship */
    mr_map *seen; /* of a walk that loads: mr_entity * */
} mr_cascade;
/* Begins a walk; end it whatever the result is. The caller has set the first four fields. */
mr_status mr_cascade_begin(mr_cascade *w, mr_env *env);
void mr_cascade_end(mr_cascade *w);
mr_status mr_cascade_reach(mr_cascade *w, mr_entity *e);
bool mr_cascade_has_reached(const mr_cascade *w, const mr_entity *e);
/* Follows the entities that were reached and not followed yet. */
mr_status mr_cascade_walk(mr_cascade *w);
mr_status mr_cascade_from(mr_cascade *w, mr_entity *from); /* reach and walk */
/* Admits the entity and what save-update reaches from it. What was not in the session before is appended,
 * pinned, to admitted (NULL: no interest). When it fails, nothing was admitted. */
mr_status mr_cascade_admit(mr_session *s, mr_entity *entity, mr_vec *admitted);
/* Takes back what was admitted. */
void mr_cascade_take_back(mr_session *s, mr_vec *admitted);
/* Unpins them, and frees the list. */
void mr_cascade_release(mr_vec *reached);

/* doom.c: what a deletion takes with it */
/* Marks the entity and what delete reaches from it, loading relationships. */
mr_status mr_doom(mr_session *s, mr_entity *entity);
/* The entity is not deleted after all: the objects in memory that its deletion had marked lose their marks, too. */
mr_status mr_doom_spare_reached(mr_session *s, mr_entity *entity);
/* Before a flush: marks the objects that were deleted by name, the orphans, and what these take with them as things
 * stand now; no others stay marked. *before: the length of doomed without the objects that were added here. */
mr_status mr_doom_settle(mr_session *s, size_t *before);
/* Takes the marks of the objects from..to-1 in doomed away. */
void mr_doom_take_back(mr_session *s, size_t from, size_t to);

/* orphans.c: appends, pinned, the objects that a delete-orphan relationship has lost */
mr_status mr_orphans_find(mr_session *s, mr_vec *out);

#endif

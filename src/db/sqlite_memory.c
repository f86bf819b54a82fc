/*
 * sqlite_memory.c: a VFS whose files are in memory, and are shared by the connections of one engine. Unlike SQLite's
 * own memdb it supports a write-ahead log, so that sessions can read while another one writes.
 *
 * Invariant: a file without a name lives while it is open; a file with a name lives as long as the store. The store is
 * freed with its last open file. The bytes of a file beyond its size are zero. All connections of a store are used by
 * one thread, that of their environment. Names of other files are passed to the default VFS, so that a file can be
 * attached, and VACUUM INTO can write one.
 */
#include "driver_sqlite.h"

#include <string.h>

enum { CHUNK_BYTES = 65536, MAX_REGIONS = 4096 };

typedef struct memory_file memory_file;

typedef struct memory_store {
    sqlite3_vfs vfs;
    sqlite3_vfs *base;
    memory_file *files; /* the files with names */
    unsigned open;
    size_t name_len;
    char name[]; /* the name of the VFS and of its database */
} memory_store;

typedef struct memory_handle memory_handle;

struct memory_file {
    memory_file *next;
    char *name; /* NULL: the file is temporary, or deleted */
    unsigned handles;
    unsigned char **chunks;
    size_t nchunks;
    sqlite3_int64 size;
    unsigned readers;        /* number of handles with a lock of SHARED or higher */
    memory_handle *writer;   /* the handle with a lock of RESERVED or higher, or NULL */
    bool closed_to_readers;  /* the writer has a lock of PENDING or EXCLUSIVE */
    void **regions;          /* the memory of the log's index */
    int nregions, mapped_by; /* number of regions, and of handles that have mapped them */
    int shared[SQLITE_SHM_NLOCK];
    uint16_t exclusive;
};

struct memory_handle {
    sqlite3_file base;
    memory_store *store;
    memory_file *file;
    int lock;
    bool mapped;
    uint16_t shared, exclusive; /* the handle's own locks on the log's index, as bits */
};

static memory_store *store_of(const sqlite3_vfs *vfs) { return vfs->pAppData; }

static memory_handle *handle_of(sqlite3_file *file) { return (memory_handle *)(void *)file; }

/* ---------------------------------------------------------------- bytes */

/* Frees the chunks beyond the size, and fills the rest of the last chunk with zeros. */
static void shrink(memory_file *file, sqlite3_int64 size) {
    size_t keep = (size_t)((size + CHUNK_BYTES - 1) / CHUNK_BYTES);
    for (size_t i = keep; i < file->nchunks; i++) sqlite3_free(file->chunks[i]);
    if (keep < file->nchunks) file->nchunks = keep;
    size_t used = (size_t)(size % CHUNK_BYTES);
    if (used > 0 && keep > 0 && keep <= file->nchunks) memset(file->chunks[keep - 1] + used, 0, CHUNK_BYTES - used);
    if (size < file->size) file->size = size;
}

/* Makes room for so many bytes; the new ones are zero. */
static int grow(memory_file *file, sqlite3_int64 size) {
    size_t need = (size_t)((size + CHUNK_BYTES - 1) / CHUNK_BYTES);
    if (need <= file->nchunks) return SQLITE_OK;
    unsigned char **chunks = sqlite3_realloc64(file->chunks, need * sizeof *chunks);
    if (!chunks) return SQLITE_IOERR_NOMEM;
    file->chunks = chunks;
    while (file->nchunks < need) {
        unsigned char *chunk = sqlite3_malloc(CHUNK_BYTES);
        if (!chunk) return SQLITE_IOERR_NOMEM;
        memset(chunk, 0, CHUNK_BYTES);
        chunks[file->nchunks++] = chunk;
    }
    return SQLITE_OK;
}

/* Copies n bytes between the buffer and the file. The range is inside of the file. */
static void copy(memory_file *file, unsigned char *buffer, size_t n, sqlite3_int64 from, bool writes) {
    while (n > 0) {
        size_t at = (size_t)(from % CHUNK_BYTES), part = CHUNK_BYTES - at < n ? CHUNK_BYTES - at : n;
        unsigned char *bytes = file->chunks[from / CHUNK_BYTES] + at;
        if (writes) memcpy(bytes, buffer, part);
        else memcpy(buffer, bytes, part);
        buffer += part;
        from += (sqlite3_int64)part;
        n -= part;
    }
}

static int file_read(sqlite3_file *f, void *buffer, int n, sqlite3_int64 from) {
    memory_file *file = handle_of(f)->file;
    sqlite3_int64 there = from < file->size ? file->size - from : 0;
    size_t part = there < n ? (size_t)there : (size_t)n;
    copy(file, buffer, part, from, false);
    if (part == (size_t)n) return SQLITE_OK;
    memset((char *)buffer + part, 0, (size_t)n - part);
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *f, const void *buffer, int n, sqlite3_int64 from) {
    memory_file *file = handle_of(f)->file;
    int rc = grow(file, from + n);
    if (rc != SQLITE_OK) return rc;
    copy(file, (unsigned char *)(uintptr_t)buffer, (size_t)n, from, true);
    if (from + n > file->size) file->size = from + n;
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
    memory_file *file = handle_of(f)->file;
    if (size <= file->size) {
        shrink(file, size);
        return SQLITE_OK;
    }
    int rc = grow(file, size);
    if (rc == SQLITE_OK) file->size = size;
    return rc;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *out) {
    *out = handle_of(f)->file->size;
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *f, int flags) {
    (void)f, (void)flags;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *arg) {
    (void)f, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *f) {
    (void)f;
    return 4096;
}

static int characteristics(sqlite3_file *f) {
    (void)f;
    return SQLITE_IOCAP_ATOMIC | SQLITE_IOCAP_SAFE_APPEND | SQLITE_IOCAP_SEQUENTIAL | SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---------------------------------------------------------------- the locks of the database */

static int lock_shared(memory_handle *h) {
    memory_file *file = h->file;
    if (file->closed_to_readers) return SQLITE_BUSY;
    file->readers++;
    h->lock = SQLITE_LOCK_SHARED;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *f, int wanted) {
    memory_handle *h = handle_of(f);
    memory_file *file = h->file;
    if (h->lock >= wanted) return SQLITE_OK;
    if (wanted == SQLITE_LOCK_SHARED) return lock_shared(h);
    if (file->writer && file->writer != h) return SQLITE_BUSY;
    file->writer = h;
    if (wanted == SQLITE_LOCK_RESERVED) {
        h->lock = SQLITE_LOCK_RESERVED;
        return SQLITE_OK;
    }
    file->closed_to_readers = true;
    h->lock = file->readers > 1 ? SQLITE_LOCK_PENDING : wanted;
    return h->lock >= wanted ? SQLITE_OK : SQLITE_BUSY;
}

static int file_unlock(sqlite3_file *f, int wanted) {
    memory_handle *h = handle_of(f);
    if (h->lock <= wanted) return SQLITE_OK;
    if (h->file->writer == h) {
        h->file->writer = NULL;
        h->file->closed_to_readers = false;
    }
    if (wanted == SQLITE_LOCK_NONE) h->file->readers--;
    h->lock = wanted;
    return SQLITE_OK;
}

static int is_reserved(sqlite3_file *f, int *out) {
    *out = handle_of(f)->file->writer != NULL;
    return SQLITE_OK;
}

/* ---------------------------------------------------------------- the log's index */

static int make_regions(memory_file *file, int n, int size) {
    if (!file->regions) {
        file->regions = sqlite3_malloc64(MAX_REGIONS * sizeof *file->regions);
        if (!file->regions) return SQLITE_IOERR_NOMEM;
    }
    if (n > MAX_REGIONS) return SQLITE_FULL;
    while (file->nregions < n) {
        void *region = sqlite3_malloc(size);
        if (!region) return SQLITE_IOERR_NOMEM;
        memset(region, 0, (size_t)size);
        file->regions[file->nregions++] = region;
    }
    return SQLITE_OK;
}

static void free_regions(memory_file *file) {
    for (int i = 0; i < file->nregions; i++) sqlite3_free(file->regions[i]);
    sqlite3_free(file->regions);
    file->regions = NULL;
    file->nregions = 0;
}

static int index_map(sqlite3_file *f, int at, int size, int extend, void volatile **out) {
    memory_handle *h = handle_of(f);
    *out = NULL;
    if (!h->mapped) {
        h->mapped = true;
        h->file->mapped_by++;
    }
    if (at >= h->file->nregions && !extend) return SQLITE_OK;
    int rc = at >= h->file->nregions ? make_regions(h->file, at + 1, size) : SQLITE_OK;
    if (rc == SQLITE_OK) *out = h->file->regions[at];
    return rc;
}

static void unlock_index(memory_handle *h, uint16_t mask) {
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++)
        if (h->shared & mask & (1 << i)) h->file->shared[i]--;
    h->file->exclusive &= (uint16_t) ~(h->exclusive & mask);
    h->shared &= (uint16_t)~mask;
    h->exclusive &= (uint16_t)~mask;
}

static int lock_index(memory_handle *h, int from, int n, uint16_t mask, bool exclusive) {
    memory_file *file = h->file;
    if (!exclusive) {
        if (h->shared & mask) return SQLITE_OK;
        if (file->exclusive & mask) return SQLITE_BUSY;
        file->shared[from]++;
        h->shared |= mask;
        return SQLITE_OK;
    }
    if ((file->exclusive & ~h->exclusive) & mask) return SQLITE_BUSY;
    for (int i = from; i < from + n; i++)
        if (file->shared[i] > 0) return SQLITE_BUSY;
    file->exclusive |= mask;
    h->exclusive |= mask;
    return SQLITE_OK;
}

static int index_lock(sqlite3_file *f, int from, int n, int flags) {
    uint16_t mask = (uint16_t)((1 << (from + n)) - (1 << from));
    if (!(flags & SQLITE_SHM_UNLOCK))
        return lock_index(handle_of(f), from, n, mask, (flags & SQLITE_SHM_EXCLUSIVE) != 0);
    unlock_index(handle_of(f), mask);
    return SQLITE_OK;
}

static void index_barrier(sqlite3_file *f) { (void)f; /* there is only one thread */ }

static int index_unmap(sqlite3_file *f, int delete_it) {
    memory_handle *h = handle_of(f);
    if (!h->mapped) return SQLITE_OK;
    unlock_index(h, UINT16_MAX);
    h->mapped = false;
    if (--h->file->mapped_by == 0 && delete_it) free_regions(h->file);
    return SQLITE_OK;
}

/* ---------------------------------------------------------------- files */

static void free_file(memory_file *file) {
    shrink(file, 0);
    free_regions(file);
    sqlite3_free(file->chunks);
    sqlite3_free(file->name);
    sqlite3_free(file);
}

static memory_file **find_file(memory_store *store, const char *name) {
    memory_file **place = &store->files;
    while (*place && strcmp((*place)->name, name) != 0) place = &(*place)->next;
    return place;
}

/* Is it the name of the store's database, or of its log or journal? */
static bool is_ours(const memory_store *store, const char *name) {
    return strncmp(name, store->name, store->name_len) == 0 &&
           (name[store->name_len] == '\0' || name[store->name_len] == '-');
}

static void close_store(memory_store *store) {
    sqlite3_vfs_unregister(&store->vfs);
    while (store->files) {
        memory_file *file = store->files;
        store->files = file->next;
        free_file(file);
    }
    sqlite3_free(store);
}

static int file_close(sqlite3_file *f) {
    memory_handle *h = handle_of(f);
    memory_store *store = h->store;
    file_unlock(f, SQLITE_LOCK_NONE);
    if (--h->file->handles == 0 && !h->file->name) free_file(h->file);
    if (--store->open == 0) close_store(store);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = is_reserved,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = index_map,
    .xShmLock = index_lock,
    .xShmBarrier = index_barrier,
    .xShmUnmap = index_unmap,
};

/* The file with the name; it is made if there is none. name NULL: a new temporary file. */
static memory_file *get_file(memory_store *store, const char *name) {
    memory_file **place = name ? find_file(store, name) : NULL;
    if (place && *place) return *place;
    memory_file *made = sqlite3_malloc(sizeof *made);
    if (!made) return NULL;
    memset(made, 0, sizeof *made);
    if (!name) return made;
    made->name = sqlite3_mprintf("%s", name);
    if (made->name) return *place = made;
    sqlite3_free(made);
    return NULL;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags) {
    memory_store *store = store_of(vfs);
    if (name && !is_ours(store, name)) return store->base->xOpen(store->base, name, f, flags, out_flags);
    memory_handle *h = handle_of(f);
    memset(h, 0, sizeof *h);
    h->file = get_file(store, name);
    if (!h->file) return SQLITE_NOMEM;
    h->base.pMethods = &methods;
    h->store = store;
    h->file->handles++;
    store->open++;
    if (out_flags) *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    memory_store *store = store_of(vfs);
    if (!is_ours(store, name)) return store->base->xDelete(store->base, name, sync);
    memory_file **place = find_file(store, name), *file = *place;
    if (!file) return SQLITE_IOERR_DELETE_NOENT;
    *place = file->next;
    sqlite3_free(file->name);
    file->name = NULL;
    if (file->handles == 0) free_file(file);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    memory_store *store = store_of(vfs);
    if (!is_ours(store, name)) return store->base->xAccess(store->base, name, flags, out);
    const memory_file *file = *find_file(store, name);
    *out = file && file->size > 0; /* an empty journal counts as none */
    return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int n, char *out) {
    memory_store *store = store_of(vfs);
    if (!is_ours(store, name)) return store->base->xFullPathname(store->base, name, n, out);
    sqlite3_snprintf(n, out, "%s", name);
    return SQLITE_OK;
}

/* ---------------------------------------------------------------- stores */

/* Functions that have nothing to do with files are taken from the default VFS. They do not use the VFS argument. */
static void set_up(memory_store *store, sqlite3_vfs *base) {
    store->vfs = *base;
    store->vfs.iVersion = base->iVersion < 2 ? base->iVersion : 2;
    store->vfs.pNext = NULL;
    store->vfs.zName = store->name;
    store->vfs.pAppData = store;
    if (store->vfs.szOsFile < (int)sizeof(memory_handle)) store->vfs.szOsFile = (int)sizeof(memory_handle);
    store->vfs.xOpen = vfs_open;
    store->vfs.xDelete = vfs_delete;
    store->vfs.xAccess = vfs_access;
    store->vfs.xFullPathname = vfs_full_name;
}

int mr_sqlite_memory_register(const char *name) {
    if (sqlite3_vfs_find(name)) return SQLITE_OK;
    sqlite3_vfs *base = sqlite3_vfs_find(NULL);
    if (!base) return SQLITE_ERROR;
    size_t len = strlen(name);
    memory_store *store = sqlite3_malloc64(sizeof *store + len + 1);
    if (!store) return SQLITE_NOMEM;
    memset(store, 0, sizeof *store);
    memcpy(store->name, name, len + 1);
    store->name_len = len;
    store->base = base;
    set_up(store, base);
    int rc = sqlite3_vfs_register(&store->vfs, 0);
    if (rc != SQLITE_OK) sqlite3_free(store);
    return rc;
}

void mr_sqlite_memory_discard(const char *name) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(name);
    if (vfs && store_of(vfs)->open == 0) close_store(store_of(vfs));
}

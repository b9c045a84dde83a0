/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_expiry.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/s3/s3_archive.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_lifecycle.h"
#include "control/s3/s3_lock.h"
#include "control/s3/s3_name.h"
#include "http/http_block.h"
#include "store/store_uploads.h"

#define ROUNDS_A_DAY   24  /* S3 looks once */
#define SOON_MS        100 /* after a change; more of them at once are one */
#define ROWS_A_TURN    1000
#define BUCKETS_A_TURN 100
#define NAME_BYTES     64 /* a name has 63 */

#define HEADERS_BYTES_MAX (32 * KIB) /* those that it was put with, and one more */

/* A version that moves to another storage class. */
struct moved {
    struct stored_object object; /* as it is then */
    char *memory;
    struct buf headers;
    int event;
};

/* One thing that is over. */
struct expired {
    struct object_removal removal;
    uint64_t modified_ms; /* still the one that was looked at */
    int event_deleted, event_marker;
    int64_t upload;      /* instead of an object; 0: none */
    struct moved *moved; /* instead: owned, or NULL */
    char *key;           /* owned */
};

enum part { PART_OBJECTS, PART_UPLOADS };

/* Where the walk is: in a bucket's objects, then in its uploads, then at the next bucket. A turn
 * may end between two versions of a key: what is known of it waits for the next. */
struct s3_expiry {
    struct s3 *s3;
    uv_timer_t timer;
    struct store_job job;
    bool is_working;          /* the job is the store's */
    bool again;               /* from the first bucket on, when this round is over */
    char name[NAME_BYTES];    /* of the bucket, or of the last one; empty: at rest */
    struct s3_bucket *bucket; /* during a turn */
    enum part part;
    struct buf key; /* of the last row that was looked at */
    int64_t last;   /* its rank, or the upload's id: the walk goes on behind it */
    uint64_t now_ms;
    size_t rows; /* of a turn */
    bool is_cut; /* there are more than a turn may look at */
    /* Each row adds one at most, and a key that ended with the turn before its marker. */
    struct expired all[ROWS_A_TURN + 1];
    size_t count;
    struct s3_events *events; /* of them; NULL: none so far */

    /* Of the key that the walk is at. */
    size_t versions; /* that were looked at; 0: it is at none */
    size_t noncurrent;
    uint64_t newer_ms; /* when what is newer than the next version was written */
    bool marker_alone; /* the one version so far is a delete marker, that may go: */
    struct object_version marker;
    uint64_t marker_ms;
};

static void on_timer(uv_timer_t *timer);

/* ---- what is over ---- */

static struct expired *add(struct s3_expiry *e, struct str key)
{
    assert(e->count < ARRAY_COUNT(e->all));
    struct expired *x = &e->all[e->count++];
    *x = (struct expired){ .key = mem_copy_str(key) };
    return x;
}

static int check(const struct stored_object *o, void *context)
{
    const struct expired *x = context;
    bool is_same = o && o->modified_ms == x->modified_ms;
    bool is_version = x->removal.version.which != VERSION_CURRENT;
    return is_same && (!is_version || s3_lock_allows_removal(o, x->removal.now_ms, false))
               ? 0
               : s3_error_refuse(S3_OK);
}

static struct s3_events *own_events(struct s3_expiry *e)
{
    e->events = e->events ? e->events : s3_event_create_own(e->s3, e->now_ms);
    return e->events;
}

static void expire(struct s3_expiry *e, struct str key, struct object_version version,
                   uint64_t modified_ms)
{
    struct expired *x = add(e, key);
    x->event_deleted = s3_event_add(own_events(e), e->bucket, key, "LifecycleExpiration:Delete");
    x->event_marker =
        s3_event_add(e->events, e->bucket, key, "LifecycleExpiration:DeleteMarkerCreated");
    x->modified_ms = modified_ms;
    x->removal = (struct object_removal){ .bucket = e->bucket->row.id,
                                          .key = str_c(x->key),
                                          .version = version,
                                          .owner = e->bucket->row.owner,
                                          .now_ms = e->now_ms,
                                          .check = check,
                                          .context = x };
}

static void free_moved(struct moved *m)
{
    if (m) {
        buf_finish(&m->headers);
        free(m->memory);
        free(m);
    }
}

/* Does nothing without a class. */
static void move(struct s3_expiry *e, const struct stored_object *o, struct str class)
{
    if (!class.data || (o->flags & OBJECT_DELETE_MARKER)) {
        return;
    }
    struct moved *m = mem_new(struct moved);
    struct str block = o->headers, name, value;
    m->memory = store_objects_copy(o, &m->object);
    buf_init(&m->headers, HEADERS_BYTES_MAX);
    int r = 0;
    while (r == 0 && http_block_next(&block, &name, &value)) {
        bool is_old =
            str_eq(name, STR("x-amz-storage-class")) || str_eq(name, STR(S3_RESTORE_HEADER));
        r = is_old ? 0 : http_block_add(&m->headers, name, value);
    }
    r = r < 0 ? r : http_block_add(&m->headers, STR("x-amz-storage-class"), class);
    if (r < 0) {
        free_moved(m); /* no more headers than any object may have */
        return;
    }
    m->object.headers = buf_str(&m->headers);
    m->event = s3_event_add(own_events(e), e->bucket, o->key, "LifecycleTransition");
    add(e, o->key)->moved = m;
}

static struct object_version exactly(const struct stored_object *o)
{
    return o->flags & OBJECT_NULL_VERSION
               ? (struct object_version){ .which = VERSION_NULL }
               : (struct object_version){ VERSION_EXACT, o->rank, o->salt };
}

static void key_over(struct s3_expiry *e)
{
    if (e->marker_alone) {
        expire(e, buf_str(&e->key), e->marker, e->marker_ms);
    }
    e->marker_alone = false;
}

/* The row that the walk is at. False: a turn may look at no more, the next begins with it. */
static bool begin_row(struct s3_expiry *e, struct str key, int64_t last)
{
    e->is_cut = e->rows == ROWS_A_TURN;
    if (!e->is_cut) {
        e->rows++;
        e->last = last;
        buf_clear(&e->key);
        (void)!buf_append(&e->key, key); /* keys have their limit */
    }
    return !e->is_cut;
}

static void look_at(struct s3_expiry *e, const struct stored_object *o)
{
    struct s3_lifecycle l = s3_lifecycle_of(e->s3, e->bucket);
    bool is_marker = (o->flags & OBJECT_DELETE_MARKER) != 0;
    e->marker_alone = false;
    if (e->versions++ > 0) {
        const struct s3_noncurrent n = { e->newer_ms, e->noncurrent++ };
        if (s3_lifecycle_noncurrent_ms(&l, o, n) <= e->now_ms) {
            expire(e, o->key, exactly(o), o->modified_ms);
        } else {
            move(e, o, s3_lifecycle_class(&l, o, &n, e->now_ms));
        }
    } else if (is_marker) {
        e->marker_alone = s3_lifecycle_drops_marker(&l, o, e->now_ms);
        e->marker = exactly(o);
        e->marker_ms = o->modified_ms;
    } else if (s3_lifecycle_current_ms(&l, o, NULL) <= e->now_ms) {
        expire(e, o->key, (struct object_version){ .which = VERSION_CURRENT }, o->modified_ms);
    } else {
        move(e, o, s3_lifecycle_class(&l, o, NULL, e->now_ms));
    }
    e->newer_ms = o->modified_ms;
}

static enum object_walk on_object(const struct stored_object *o, struct buf *seek, void *context)
{
    struct s3_expiry *e = context;
    (void)seek;
    bool is_new = e->versions == 0 || !str_eq(buf_str(&e->key), o->key);
    if (is_new) {
        key_over(e);
    }
    if (!begin_row(e, o->key, o->rank)) {
        return WALK_STOP;
    }
    if (is_new) {
        e->versions = e->noncurrent = 0;
    }
    look_at(e, o);
    return WALK_NEXT;
}

static bool on_upload(const struct stored_upload *u, void *context)
{
    struct s3_expiry *e = context;
    struct s3_lifecycle l = s3_lifecycle_of(e->s3, e->bucket);
    if (!begin_row(e, u->object.key, u->id)) {
        return false;
    }
    if (s3_lifecycle_upload_ms(&l, &u->object, u->started_ms) <= e->now_ms) {
        add(e, u->object.key)->upload = u->id;
    }
    return true;
}

/* ---- doing it ---- */

static int remove_object(struct s3_expiry *e, struct sql *db, struct expired *x)
{
    struct object_removal *d = &x->removal;
    int r = store_objects_remove(db, d);
    if (r == s3_error_refuse(S3_OK)) {
        return 0;
    }
    if (r < 0 || (!d->made && !d->removed)) {
        return r;
    }
    const struct stored_object o = {
        .key = d->key, .rank = d->rank, .salt = d->salt, .flags = d->flags
    };
    return s3_event_insert(e->events, db, d->made ? x->event_marker : x->event_deleted, &o);
}

static int move_object(struct s3_expiry *e, struct sql *db, const struct moved *m)
{
    int r = store_objects_set_headers(db, &m->object, m->object.headers);
    return r == -ENOENT ? 0 : r < 0 ? r : s3_event_insert(e->events, db, m->event, &m->object);
}

static int change(struct s3_expiry *e, struct sql *db, struct expired *x)
{
    return x->upload  ? store_uploads_remove(db, x->upload, NULL, 0)
           : x->moved ? move_object(e, db, x->moved)
                      : remove_object(e, db, x);
}

static int run(struct store_job *job, struct sql *db)
{
    struct s3_expiry *e = container_of(job, struct s3_expiry, job);
    int r = 0;
    for (size_t i = 0; i < e->count && r >= 0; i++) {
        r = change(e, db, &e->all[i]);
    }
    return r;
}

static void forget_all(struct s3_expiry *e)
{
    for (size_t i = 0; i < e->count; i++) {
        free(e->all[i].key);
        free_moved(e->all[i].moved);
    }
    e->count = 0;
    s3_event_free(e->events);
    e->events = NULL;
}

static void done(struct store_job *job, int r)
{
    struct s3_expiry *e = container_of(job, struct s3_expiry, job);
    e->is_working = false;
    if (r >= 0 && e->events) {
        s3_event_wake(e->events);
    }
    forget_all(e);
    if (r < 0 && r != -ENOENT) {
        log_error("what is over in bucket %s could not be removed: %s", e->name, strerror(-r));
    }
    store_contents_sweep(e->s3->contents);
    (void)uv_timer_start(&e->timer, on_timer, 0, 0); /* has a callback: cannot fail */
}

/* ---- the walk ---- */

static void leave_bucket(struct s3_expiry *e)
{
    s3_bucket_unref(e->bucket);
    e->bucket = NULL;
}

static void keep_name(const struct stored_bucket *b, void *context)
{
    char *name = context;
    (void)snprintf(name, NAME_BYTES, STR_FMT, STR_ARG(b->name)); /* fits */
}

static void begin_part(struct s3_expiry *e, enum part part)
{
    e->part = part;
    buf_clear(&e->key);
    e->last = part == PART_OBJECTS ? RANK_BEFORE_ALL : 0;
    e->versions = 0;
    e->marker_alone = false;
    e->is_cut = false;
}

/* False: that was the last one, the round is over. */
static bool next_name(struct s3_expiry *e)
{
    char next[NAME_BYTES] = "";
    store_buckets_list(e->s3->services->store, str_c(e->name), 1, keep_name, next);
    memcpy(e->name, next, sizeof(next));
    begin_part(e, PART_OBJECTS);
    return next[0] != '\0';
}

/* The bucket to go on with, or the next that has a lifecycle. False: the round is over, or none of
 * those that a turn may look at has one. */
static bool enter_bucket(struct s3_expiry *e)
{
    for (int i = 0; i < BUCKETS_A_TURN; i++) {
        if (!e->is_cut && !next_name(e)) {
            return false;
        }
        e->bucket = s3_buckets_find(e->s3->buckets, str_c(e->name));
        if (e->bucket && e->bucket->lifecycle) {
            return true;
        }
        leave_bucket(e);
        e->is_cut = false;
    }
    return false;
}

static void look_through(struct s3_expiry *e)
{
    struct store *store = e->s3->services->store;
    int64_t bucket = e->bucket->row.id;
    e->rows = 0;
    e->is_cut = false;
    if (e->part == PART_OBJECTS) {
        store_objects_walk(store, bucket, buf_str(&e->key), e->last, on_object, e);
        if (!e->is_cut) {
            key_over(e);
            begin_part(e, PART_UPLOADS);
        }
    }
    if (e->part == PART_UPLOADS) {
        store_uploads_walk(store, bucket, buf_str(&e->key), e->last, on_upload, e);
    }
    if (store_read_failure(store) < 0) {
        forget_all(e); /* a version that was not seen may be one that the rest depends on */
    }
    leave_bucket(e); /* its rules may be others by the next turn */
}

static void on_timer(uv_timer_t *timer)
{
    struct s3_expiry *e = container_of(timer, struct s3_expiry, timer);
    uint64_t wait_ms = 0;
    e->now_ms = clock_wall_ms();
    if (!s3_is_served(e->s3)) {
        wait_ms = SOON_MS; /* nobody knows yet whom it would notify */
    } else if (enter_bucket(e)) {
        look_through(e);
    } else if (!e->name[0]) {
        wait_ms = e->again ? SOON_MS : e->s3->lifecycle_day_ms / ROUNDS_A_DAY;
        e->again = false;
    }
    if (e->count > 0) {
        e->is_working = true;
        e->job = (struct store_job){ .run = run, .done = done, .makes_room = true };
        store_submit(e->s3->services->store, &e->job);
    } else {
        (void)uv_timer_start(timer, on_timer, wait_ms, 0); /* has a callback: cannot fail */
    }
}

struct s3_expiry *s3_expiry_create(struct s3 *s3)
{
    struct s3_expiry *e = mem_new(struct s3_expiry);
    e->s3 = s3;
    buf_init(&e->key, 2 * S3_KEY_BYTES_MAX);
    (void)uv_timer_init(s3->services->loop, &e->timer); /* cannot fail */
    uv_unref((uv_handle_t *)&e->timer);
    (void)uv_timer_start(&e->timer, on_timer, SOON_MS, 0);
    return e;
}

void s3_expiry_wake(struct s3_expiry *e)
{
    bool is_resting = !e->is_working && !e->name[0];
    if (is_resting) {
        (void)uv_timer_start(&e->timer, on_timer, SOON_MS, 0);
    } else {
        e->again = true;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_lanes.h"

#include <assert.h>

#include "base/mem.h"

#define PIECE_SOON_BYTES (128 * KIB) /* for lanes that have nothing to do */
/* What one transfer may hold, and what while all together hold more than that. */
#define PENDING_MAX         (8 * MIB)
#define PENDING_ALL_BYTES   (64 * MIB)
#define PENDING_CROWDED_MAX MIB
/* Pieces kept while there is any transfer, and while there is none. */
#define SPARE_MAX      32
#define SPARE_IDLE_MAX 2

/* Pieces are used again, the last one first: fresh memory costs more than the copy into it. */
struct s3_lanes_pool {
    size_t pending; /* bytes, of all transfers */
    unsigned lanes; /* that there are */
    struct s3_piece *spare[SPARE_MAX];
    unsigned spare_count;
};

struct lane {
    struct s3_lanes *lanes;
    enum s3_lane kind;
    struct list waiting; /* of s3_piece.links[kind] */
    struct list working; /* the thread's while busy, as `error` */
    enum s3_error error;
    bool busy;
    uv_work_t work;
};

struct s3_lanes {
    uv_loop_t *loop;
    struct s3_lanes_pool *pool;
    bool decodes, failed;
    s3_lanes_work_fn work;
    s3_lanes_ran_fn ran;
    void *context;
    struct s3_piece *filling;
    struct lane lanes[S3_LANE_COUNT];
    size_t pending; /* bytes fed and not dealt with */
};

struct s3_lanes_pool *s3_lanes_pool_create(void)
{
    return mem_new(struct s3_lanes_pool);
}

static void change_pending(struct s3_lanes *l, size_t more, size_t less)
{
    l->pending += more - less;
    l->pool->pending += more - less;
}

struct s3_lanes *s3_lanes_create(uv_loop_t *loop, struct s3_lanes_pool *pool, bool decodes,
                                 s3_lanes_work_fn work, s3_lanes_ran_fn ran, void *context)
{
    struct s3_lanes *l = mem_new(struct s3_lanes);
    *l = (struct s3_lanes){
        .loop = loop, .pool = pool, .decodes = decodes, .work = work, .ran = ran, .context = context
    };
    pool->lanes++;
    for (int i = 0; i < S3_LANE_COUNT; i++) {
        l->lanes[i].lanes = l;
        l->lanes[i].kind = (enum s3_lane)i;
        list_init(&l->lanes[i].waiting);
        list_init(&l->lanes[i].working);
    }
    return l;
}

static struct s3_piece *take_piece(struct s3_lanes_pool *pool)
{
    return pool->spare_count > 0
               ? pool->spare[--pool->spare_count]
               : mem_resize(NULL, 1, sizeof(struct s3_piece)); /* not zeroed: it is filled */
}

static void give_piece(struct s3_lanes_pool *pool, struct s3_piece *p)
{
    if (pool->spare_count < SPARE_MAX) {
        pool->spare[pool->spare_count++] = p;
    } else {
        free(p);
    }
}

static void drop_spare(struct s3_lanes_pool *pool, unsigned keep)
{
    while (pool->spare_count > keep) {
        free(pool->spare[--pool->spare_count]);
    }
}

void s3_lanes_pool_destroy(struct s3_lanes_pool *pool)
{
    if (pool) {
        assert(pool->lanes == 0);
        drop_spare(pool, 0);
        free(pool);
    }
}

void s3_lanes_destroy(struct s3_lanes *l)
{
    if (!l) {
        return;
    }
    assert(s3_lanes_is_idle(l));
    change_pending(l, 0, l->pending);
    if (l->filling) {
        give_piece(l->pool, l->filling);
    }
    if (--l->pool->lanes == 0) {
        drop_spare(l->pool, SPARE_IDLE_MAX);
    }
    free(l);
}

/* ---- lanes ---- */

static void push(struct s3_lanes *l, struct s3_piece *p, enum s3_lane kind)
{
    list_push(&l->lanes[kind].waiting, &p->links[kind]);
}

/* To the lanes that run beside one another. */
static void push_decoded(struct s3_lanes *l, struct s3_piece *p)
{
    p->lanes_left = 2;
    push(l, p, S3_LANE_MD5);
    push(l, p, S3_LANE_FILE);
}

static void push_filled(struct s3_lanes *l)
{
    struct s3_piece *p = take_ptr(l->filling);
    if (l->decodes) {
        push(l, p, S3_LANE_DECODE);
    } else {
        push_decoded(l, p);
    }
}

/* Whole pieces cost the least, but what could be worked on does not wait for one. */
static void push_filled_soon(struct s3_lanes *l)
{
    const struct lane *first = &l->lanes[l->decodes ? S3_LANE_DECODE : S3_LANE_MD5];
    if (l->filling && l->filling->len >= PIECE_SOON_BYTES && !first->busy &&
        list_is_empty(&first->waiting)) {
        push_filled(l);
    }
}

/* A piece has left a lane. */
static void move_on(struct lane *lane, struct s3_piece *p)
{
    struct s3_lanes *l = lane->lanes;
    list_remove(&p->links[lane->kind]);
    if (lane->kind == S3_LANE_DECODE && !l->failed) {
        push_decoded(l, p);
    } else if (lane->kind == S3_LANE_DECODE || --p->lanes_left == 0) {
        change_pending(l, 0, p->fed);
        give_piece(l->pool, p);
    }
}

static void run_lane(uv_work_t *work)
{
    struct lane *lane = container_of(work, struct lane, work);
    struct s3_lanes *l = lane->lanes;
    for (struct list *item = lane->working.next; item != &lane->working && lane->error == S3_OK;
         item = item->next) {
        struct s3_piece *p = container_of(item, struct s3_piece, links[lane->kind]);
        lane->error = l->work(lane->kind, p, l->context);
    }
}

static void start_lanes(struct s3_lanes *l);

static void lane_ran(uv_work_t *work, int status)
{
    struct lane *lane = container_of(work, struct lane, work);
    struct s3_lanes *l = lane->lanes;
    enum s3_error error = lane->error; /* the thread's again once the lane is started */
    (void)status;                      /* never cancelled */
    lane->busy = false;
    l->failed = l->failed || error != S3_OK;
    while (!list_is_empty(&lane->working)) {
        move_on(lane, container_of(lane->working.next, struct s3_piece, links[lane->kind]));
    }
    push_filled_soon(l);
    start_lanes(l);
    l->ran(lane->kind, error, l->context);
}

static void start_lane(struct lane *lane)
{
    if (lane->busy || list_is_empty(&lane->waiting)) {
        return;
    }
    while (!list_is_empty(&lane->waiting)) {
        struct list *item = lane->waiting.next;
        list_remove(item);
        list_push(&lane->working, item);
    }
    lane->busy = true;
    int r = uv_queue_work(lane->lanes->loop, &lane->work, run_lane, lane_ran);
    assert(r == 0); /* only a missing function is refused */
}

static void start_lanes(struct s3_lanes *l)
{
    for (int i = 0; i < S3_LANE_COUNT; i++) {
        start_lane(&l->lanes[i]);
    }
}

/* ---- feeding ---- */

static struct s3_piece *filling(struct s3_lanes *l)
{
    if (!l->filling) {
        struct s3_piece *p = take_piece(l->pool);
        p->fed = p->len = 0;
        p->is_last = false;
        l->filling = p;
    }
    return l->filling;
}

void s3_lanes_feed(struct s3_lanes *l, struct str data)
{
    change_pending(l, data.len, 0);
    while (data.len > 0) {
        struct s3_piece *p = filling(l);
        size_t len = S3_PIECE_BYTES - p->len < data.len ? S3_PIECE_BYTES - p->len : data.len;
        memcpy(p->data + p->len, data.data, len);
        p->len += len;
        p->fed += len;
        data = str_skip(data, len);
        if (p->len == S3_PIECE_BYTES) {
            push_filled(l);
        }
    }
    push_filled_soon(l);
    start_lanes(l);
}

void s3_lanes_end(struct s3_lanes *l)
{
    filling(l)->is_last = true;
    push_filled(l);
    start_lanes(l);
}

bool s3_lanes_is_idle(const struct s3_lanes *l)
{
    for (int i = 0; i < S3_LANE_COUNT; i++) {
        if (l->lanes[i].busy || !list_is_empty(&l->lanes[i].waiting)) {
            return false;
        }
    }
    return true;
}

bool s3_lanes_have_room(const struct s3_lanes *l)
{
    return l->pending < (l->pool->pending < PENDING_ALL_BYTES ? PENDING_MAX : PENDING_CROWDED_MAX);
}

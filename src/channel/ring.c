/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RING_UNIT ((uint32_t)sizeof(struct frame))

static uint32_t round_up(uint32_t n)
{
    return (n + RING_UNIT - 1) & ~(RING_UNIT - 1);
}

size_t ring_bytes(uint32_t size)
{
    return sizeof(struct ring_shared) + size;
}

void ring_init(struct ring *r, struct ring_shared *shared, uint32_t size)
{
    assert(size >= 4 * RING_UNIT && (size & (size - 1)) == 0);
    *r = (struct ring){ .shared = shared, .size = size };
}

static unsigned char *ring_at(struct ring *r, uint32_t position)
{
    return r->shared->data + (position & (r->size - 1));
}

/* Bytes that may be written. A tail outside of what we have written is a lie: treat it as full, and
 * the reader of that ring, which is the liar, only hurts itself. */
static uint32_t ring_room(struct ring *r)
{
    uint32_t used = r->position - r->peer;
    return used > r->size ? 0 : r->size - used;
}

static bool ring_has_room(struct ring *r, uint32_t need)
{
    if (ring_room(r) >= need) {
        return true;
    }
    /* pairs with the release in ring_consume */
    r->peer = atomic_load_explicit(&r->shared->tail, memory_order_acquire);
    return ring_room(r) >= need;
}

static void ring_publish(struct ring *r, uint32_t bytes)
{
    r->position += bytes;
    /* pairs with the acquire in ring_peek */
    atomic_store_explicit(&r->shared->head, r->position, memory_order_release);
}

static uint32_t offset_of(const struct ring *r)
{
    return r->position & (r->size - 1);
}

static bool ring_is_empty(struct ring *r)
{
    /* pairs with the release in ring_consume */
    r->peer = atomic_load_explicit(&r->shared->tail, memory_order_acquire);
    return r->peer == r->position;
}

static uint32_t calm_bytes(const struct ring *r)
{
    return r->size / 2 < RING_CALM_BYTES ? r->size / 2 : RING_CALM_BYTES;
}

/* Whether the next frame goes to the start although there is room before the end. */
static bool should_rewind(struct ring *r, uint32_t need)
{
    uint32_t offset = offset_of(r);
    return offset >= calm_bytes(r) && offset >= need && ring_is_empty(r);
}

void *ring_reserve(struct ring *r, uint32_t length)
{
    assert(length <= ring_payload_max(r));
    uint32_t need = RING_UNIT + round_up(length);
    uint32_t to_end = r->size - offset_of(r);
    bool jump = to_end < need || should_rewind(r, need);
    uint32_t total = jump ? to_end + need : need;
    if (!ring_has_room(r, total)) {
        atomic_store_explicit(&r->shared->writer_waits, 1, memory_order_seq_cst);
        atomic_thread_fence(memory_order_seq_cst); /* the flag before the second look */
        if (!ring_has_room(r, total)) {
            return NULL;
        }
    }
    if (jump) {
        struct frame padding = { .type = FRAME_PADDING, .length = to_end - RING_UNIT };
        memcpy(ring_at(r, r->position), &padding, sizeof(padding));
        ring_publish(r, to_end);
    }
    r->pending = need;
    return ring_at(r, r->position) + RING_UNIT;
}

void ring_commit(struct ring *r, const struct frame *frame)
{
    assert(RING_UNIT + round_up(frame->length) <= r->pending);
    uint32_t bytes = RING_UNIT + round_up(frame->length);
    uint32_t end = offset_of(r) + bytes;
    memcpy(ring_at(r, r->position), frame, sizeof(*frame));
    ring_publish(r, bytes);
    r->reached = end > r->reached ? end : r->reached;
    r->pending = 0;
}

bool ring_is_large(const struct ring *r)
{
    return r->reached > calm_bytes(r);
}

bool ring_trim(struct ring *r)
{
    if (!ring_is_large(r) || !ring_is_empty(r)) {
        return false;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *from = r->shared->data + calm_bytes(r);
    unsigned char *to = r->shared->data + r->size;
    from += (page - (uintptr_t)from % page) % page;
    to -= (uintptr_t)to % page;
    r->reached = 0;
    if (from < to) {
        (void)madvise(from, (size_t)(to - from), MADV_REMOVE); /* what is not shared stays */
    }
    return true;
}

int ring_write(struct ring *r, const struct frame *frame, const void *payload)
{
    if (frame->length > ring_payload_max(r)) {
        return -EMSGSIZE;
    }
    void *at = ring_reserve(r, frame->length);
    if (!at) {
        return -EAGAIN;
    }
    if (frame->length > 0) {
        memcpy(at, payload, frame->length);
    }
    ring_commit(r, frame);
    return 0;
}

/* The bytes that the writer says it has published and we have not consumed; negative if it lies. */
static int64_t ring_available(struct ring *r)
{
    if (r->peer == r->position) {
        /* pairs with the release in ring_publish */
        r->peer = atomic_load_explicit(&r->shared->head, memory_order_acquire);
    }
    uint32_t available = r->peer - r->position;
    return available > r->size || available % RING_UNIT != 0 ? -1 : (int64_t)available;
}

/* Padding reaches from behind the start to the end, so a frame follows it: whoever could have us
 * skip one padding after the other would keep us from everything else. */
static bool is_sound(const struct ring *r, const struct frame *frame, uint32_t available)
{
    uint32_t to_end = r->size - offset_of(r);
    if (frame->type == FRAME_PADDING &&
        (to_end == r->size || frame->length != to_end - RING_UNIT)) {
        return false;
    }
    return frame->length <= to_end - RING_UNIT && RING_UNIT + round_up(frame->length) <= available;
}

int ring_peek(struct ring *r, struct frame *ret_frame, const void **ret_payload)
{
    for (;;) {
        int64_t available = ring_available(r);
        if (available <= 0) {
            return available < 0 ? -EPROTO : 0;
        }
        struct frame frame;
        unsigned char *at = ring_at(r, r->position);
        memcpy(&frame, at, sizeof(frame)); /* the one copy that is looked at */
        if (!is_sound(r, &frame, (uint32_t)available)) {
            return -EPROTO;
        }
        r->pending = RING_UNIT + round_up(frame.length);
        if (frame.type != FRAME_PADDING) {
            *ret_frame = frame;
            *ret_payload = at + RING_UNIT;
            return 1;
        }
        ring_consume(r);
    }
}

void ring_consume(struct ring *r)
{
    uint32_t end = offset_of(r) + r->pending;
    r->reached = end > r->reached ? end : r->reached;
    r->position += r->pending;
    r->pending = 0;
    /* pairs with the acquires in ring_has_room and ring_is_empty */
    atomic_store_explicit(&r->shared->tail, r->position, memory_order_release);
}

bool ring_sleep(struct ring *r)
{
    atomic_store_explicit(&r->shared->reader_sleeps, 1, memory_order_seq_cst);
    atomic_thread_fence(memory_order_seq_cst); /* the flag before the second look */
    r->peer = atomic_load_explicit(&r->shared->head, memory_order_acquire);
    if (r->peer == r->position) {
        return true;
    }
    ring_awake(r);
    return false;
}

void ring_awake(struct ring *r)
{
    atomic_store_explicit(&r->shared->reader_sleeps, 0, memory_order_relaxed);
}

static bool take_flag(_Atomic uint32_t *flag)
{
    atomic_thread_fence(memory_order_seq_cst); /* our position before their flag */
    return atomic_load_explicit(flag, memory_order_relaxed) != 0 &&
           atomic_exchange_explicit(flag, 0, memory_order_relaxed) != 0;
}

bool ring_reader_wants_wake(struct ring *r)
{
    return take_flag(&r->shared->reader_sleeps);
}

bool ring_writer_wants_wake(struct ring *r)
{
    return take_flag(&r->shared->writer_waits);
}

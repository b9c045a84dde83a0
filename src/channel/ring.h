/* A single-producer, single-consumer ring of frames in shared memory.
 *
 * The other side is hostile: it may write anything anywhere in the shared part at any time. So each
 * side keeps its own position in private memory and reads only the other's, which it checks; a
 * frame's head is copied out once and the copy validated; payloads are handed out as pointers into
 * the ring, and whoever looks at one twice copies it first.
 *
 * Wake-ups: a reader that is about to sleep sets `reader_sleeps` and looks once more; a writer that
 * found the ring full sets `writer_waits`. The other side, after it has moved its position, takes
 * the flag with ring_wants_wake() and then wakes the peer by whatever means the channel has.
 *
 * Memory: pages come as they are touched. A writer that finds its ring empty beyond RING_CALM_BYTES
 * (or its half) begins at the start again, so a large ring costs no more than a small one until it
 * is needed, and ring_trim() gives back what a large transfer has touched.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/scope.h"
#include "channel/frame.h"

#define RING_CALM_BYTES (64U * 1024)

struct ring_shared {
    _Alignas(64) _Atomic uint32_t head; /* written by the producer, free-running */
    _Alignas(64) _Atomic uint32_t tail; /* written by the consumer, free-running */
    _Alignas(64) _Atomic uint32_t reader_sleeps;
    _Atomic uint32_t writer_waits;
    _Alignas(64) unsigned char data[];
};

struct ring {
    struct ring_shared *shared;
    uint32_t size;     /* of data, a power of two */
    uint32_t position; /* our own head or tail */
    uint32_t peer;     /* the other's, as last read */
    uint32_t pending;  /* bytes reserved (writer) or peeked (reader) and not yet passed on */
    uint32_t reached;  /* how far into the data frames have gone since the last trim */
};

/* Bytes of payload in the largest frame: half of the ring, so that it always fits in time. */
static inline uint32_t ring_payload_max(const struct ring *r)
{
    return r->size / 2 - (uint32_t)sizeof(struct frame);
}

/* Bytes of shared memory for a ring of `size` data bytes. */
size_t ring_bytes(uint32_t size);
void ring_init(struct ring *r, struct ring_shared *shared, uint32_t size);

/* Writer. Room for a frame with `length` payload bytes, at most ring_payload_max(); returns where
 * its payload goes, or NULL when the ring is full (then `writer_waits` is set and the reader will
 * wake us). ring_commit() publishes what was reserved last; `frame->length` may be smaller than
 * reserved. */
void *ring_reserve(struct ring *r, uint32_t length);
void ring_commit(struct ring *r, const struct frame *frame);

/* Reserve, copy and commit. -EAGAIN when full, -EMSGSIZE when it can never fit. */
int ring_write(struct ring *r, const struct frame *frame, const void *payload) MUST_USE;

/* Either. Whether frames have gone beyond RING_CALM_BYTES since the ring was made or trimmed. */
bool ring_is_large(const struct ring *r);
/* Writer. Gives the memory behind RING_CALM_BYTES back, if the ring is large and empty. False when
 * it is not. */
bool ring_trim(struct ring *r);

/* Reader. 1: a frame was copied to ret_frame, its payload lies at *ret_payload until
 * ring_consume(). 0: empty. -EPROTO: the other side broke the rules; the channel is of no more use.
 */
int ring_peek(struct ring *r, struct frame *ret_frame, const void **ret_payload) MUST_USE;
void ring_consume(struct ring *r);

/* Reader: announces sleep. False when something came in meanwhile: go on reading. */
bool ring_sleep(struct ring *r);
void ring_awake(struct ring *r);

/* After writing (or consuming): whether the reader (or writer) asked to be woken. Takes the
 * request. */
bool ring_reader_wants_wake(struct ring *r);
bool ring_writer_wants_wake(struct ring *r);

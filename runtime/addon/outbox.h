/* What an instance sends, in order, when the ring or a stream's window has no room at the moment.
 *
 * Frames of a stream keep their order. Body bytes wait for the stream's window; everything waits
 * for the ring. Bodies are bounded by their writers, who look at outbox_window() and stop; the rest
 * is a few small frames a request.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "channel/channel.h"

#define OUTBOX_BUCKETS 64

struct outbox {
    struct channel *channel;
    struct list streams[OUTBOX_BUCKETS]; /* of streamed answers in progress, by id */
    struct list blocked;                 /* those of them with queued bytes */
    struct list frames;                  /* waiting for the ring, before any stream's bytes */
    size_t frames_bytes;
    uint32_t logs_lost; /* that the gateway has not been told of */
};

void outbox_init(struct outbox *o, struct channel *channel);

/* Begins to count a window for this stream: its answer is streamed. */
void outbox_open_stream(struct outbox *o, uint32_t stream);

/* Body bytes of an opened stream; without one they are dropped, because the client is gone. Copied.
 */
void outbox_write(struct outbox *o, uint32_t stream, const void *data, size_t len);

/* Bytes that may still be written before the writer should wait; <= 0: wait for credit. */
int64_t outbox_window(struct outbox *o, uint32_t stream);

/* Any other frame, behind all that its stream has queued. Copied. */
void outbox_send(struct outbox *o, const struct frame *frame, const void *payload);

/* A frame that may be lost when too much waits already: then the gateway is told how many were. */
void outbox_send_log(struct outbox *o, const struct frame *frame, const void *payload);

/* The peer has consumed this much. */
void outbox_credit(struct outbox *o, uint32_t stream, uint32_t bytes);

/* Forgets a stream and what it has queued. */
void outbox_close_stream(struct outbox *o, uint32_t stream);

/* The ring may have room again. */
void outbox_flush(struct outbox *o);

/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

#define OUTBOX_LOGS_BYTES (1 * MIB) /* logs wait for a slow gateway up to this much */

struct waiting {
    struct list item;
    struct frame frame; /* a body's frame may stand for more bytes than one frame holds */
    size_t sent;        /* of a body */
    size_t len;
    unsigned char data[];
};

struct outbox_stream {
    struct list item;    /* in its bucket */
    struct list blocked; /* in outbox.blocked while `queue` is not empty */
    struct list queue;   /* of struct waiting */
    size_t queued_bytes;
    uint32_t id;
    int64_t window;
};

void outbox_init(struct outbox *o, struct channel *channel)
{
    *o = (struct outbox){ .channel = channel };
    for (size_t i = 0; i < OUTBOX_BUCKETS; i++) {
        list_init(&o->streams[i]);
    }
    list_init(&o->blocked);
    list_init(&o->frames);
}

static struct outbox_stream *stream_find(struct outbox *o, uint32_t id)
{
    list_for_each (item, &o->streams[id % OUTBOX_BUCKETS]) {
        struct outbox_stream *s = list_entry(item, struct outbox_stream, item);
        if (s->id == id) {
            return s;
        }
    }
    return NULL;
}

void outbox_open_stream(struct outbox *o, uint32_t stream)
{
    if (stream_find(o, stream)) {
        return;
    }
    struct outbox_stream *s = mem_new(struct outbox_stream);
    s->id = stream;
    s->window = (int64_t)LIMIT_STREAM_WINDOW_BYTES;
    list_init(&s->queue);
    list_init(&s->blocked);
    list_push(&o->streams[stream % OUTBOX_BUCKETS], &s->item);
}

static struct waiting *waiting_create(const struct frame *frame, const void *data, size_t len)
{
    struct waiting *w = mem_alloc(sizeof(*w) + len);
    w->frame = *frame;
    w->len = len;
    if (len > 0) {
        memcpy(w->data, data, len);
    }
    return w;
}

static void waiting_destroy(struct waiting *w)
{
    list_remove(&w->item);
    free(w);
}

static void stream_queue(struct outbox *o, struct outbox_stream *s, const struct frame *frame,
                         const void *data, size_t len)
{
    struct waiting *w = waiting_create(frame, data, len);
    list_push(&s->queue, &w->item);
    s->queued_bytes += len;
    if (list_is_empty(&s->blocked)) {
        list_push(&o->blocked, &s->blocked);
    }
}

/* Sends what window and ring take; returns how many bytes that was. */
static size_t body_send(struct outbox *o, struct outbox_stream *s, const void *data, size_t len)
{
    size_t sent = 0;
    while (sent < len && s->window > 0) {
        size_t piece = len - sent;
        piece = piece > LIMIT_BODY_FRAME_BYTES ? LIMIT_BODY_FRAME_BYTES : piece;
        piece = (int64_t)piece > s->window ? (size_t)s->window : piece;
        struct frame frame = { .type = FRAME_BODY, .stream = s->id, .length = (uint32_t)piece };
        if (ring_write(&o->channel->out, &frame, (const char *)data + sent) < 0) {
            break;
        }
        sent += piece;
        s->window -= (int64_t)piece;
    }
    return sent;
}

void outbox_write(struct outbox *o, uint32_t stream, const void *data, size_t len)
{
    struct outbox_stream *s = stream_find(o, stream);
    if (!s || len == 0) {
        return;
    }
    size_t sent = 0;
    if (list_is_empty(&s->queue) && list_is_empty(&o->frames)) {
        sent = body_send(o, s, data, len);
    }
    if (sent < len) {
        struct frame frame = { .type = FRAME_BODY, .stream = stream };
        stream_queue(o, s, &frame, (const char *)data + sent, len - sent);
    }
}

int64_t outbox_window(struct outbox *o, uint32_t stream)
{
    const struct outbox_stream *s = stream_find(o, stream);
    return s ? s->window - (int64_t)s->queued_bytes : (int64_t)LIMIT_STREAM_WINDOW_BYTES;
}

static void frame_send(struct outbox *o, const struct frame *frame, const void *payload)
{
    if (!list_is_empty(&o->frames) || ring_write(&o->channel->out, frame, payload) < 0) {
        struct waiting *w = waiting_create(frame, payload, frame->length);
        list_push(&o->frames, &w->item);
        o->frames_bytes += frame->length;
    }
}

void outbox_send(struct outbox *o, const struct frame *frame, const void *payload)
{
    struct outbox_stream *s = frame->stream ? stream_find(o, frame->stream) : NULL;
    /* What the function takes does not wait for what its client takes. */
    if (s && !list_is_empty(&s->queue) && frame->type != FRAME_CREDIT) {
        stream_queue(o, s, frame, payload, frame->length);
        return;
    }
    frame_send(o, frame, payload);
    if (frame->type == FRAME_DONE) {
        outbox_close_stream(o, frame->stream);
    }
}

/* Once all that waited before it is gone. */
static void tell_lost_logs(struct outbox *o)
{
    if (o->logs_lost > 0) {
        struct frame frame = { .type = FRAME_LOG_LOST, .value = o->logs_lost };
        o->logs_lost = 0;
        frame_send(o, &frame, NULL);
    }
}

void outbox_send_log(struct outbox *o, const struct frame *frame, const void *payload)
{
    if (o->frames_bytes + frame->length > OUTBOX_LOGS_BYTES) {
        o->logs_lost++;
        return;
    }
    frame_send(o, frame, payload);
}

void outbox_credit(struct outbox *o, uint32_t stream, uint32_t bytes)
{
    struct outbox_stream *s = stream_find(o, stream);
    if (s) {
        s->window += bytes;
        outbox_flush(o);
    }
}

void outbox_close_stream(struct outbox *o, uint32_t stream)
{
    struct outbox_stream *s = stream_find(o, stream);
    if (!s) {
        return;
    }
    list_for_each (item, &s->queue) {
        waiting_destroy(list_entry(item, struct waiting, item));
    }
    list_remove(&s->blocked);
    list_remove(&s->item);
    free(s);
}

static bool frames_flush(struct outbox *o)
{
    list_for_each (item, &o->frames) {
        struct waiting *w = list_entry(item, struct waiting, item);
        if (ring_write(&o->channel->out, &w->frame, w->data) < 0) {
            return false;
        }
        o->frames_bytes -= w->len;
        waiting_destroy(w);
    }
    tell_lost_logs(o);
    return list_is_empty(&o->frames);
}

/* Sends what goes; a stream that is done is freed. */
static void stream_flush(struct outbox *o, struct outbox_stream *s)
{
    list_for_each (item, &s->queue) {
        struct waiting *w = list_entry(item, struct waiting, item);
        if (w->frame.type == FRAME_BODY) {
            size_t sent = body_send(o, s, w->data + w->sent, w->len - w->sent);
            w->sent += sent;
            s->queued_bytes -= sent;
            if (w->sent < w->len) {
                return;
            }
        } else {
            if (ring_write(&o->channel->out, &w->frame, w->data) < 0) {
                return;
            }
            s->queued_bytes -= w->len;
            if (w->frame.type == FRAME_DONE) {
                outbox_close_stream(o, s->id);
                return;
            }
        }
        waiting_destroy(w);
    }
    list_remove(&s->blocked);
}

void outbox_flush(struct outbox *o)
{
    if (!frames_flush(o)) {
        return;
    }
    list_for_each (item, &o->blocked) {
        stream_flush(o, list_entry(item, struct outbox_stream, blocked));
    }
}

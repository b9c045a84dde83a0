/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/instance.h"

#include <assert.h>

#include "base/mem.h"
#include "gateway/gateway.h"
#include "gateway/request.h"

#define READ_BATCH  256   /* frames a turn: one instance does not starve the others */
#define PING_MS     50    /* of silence, with requests unanswered */
#define STOP_MS     1500  /* between being asked to stop and being killed */
#define TRIM_MS     1000  /* unused for this long, it needs no large rings */
#define TRIM_ALL_MS 30000 /* ... nor free memory */
#define WARMTH_MAX  10    /* 512 requests: those that have had more are alike */

/* A stream is the slot and how often slots have been given: late frames of an earlier request find
 * nobody. */
#define GENERATION_MAX (UINT32_MAX >> FRAME_SLOT_BITS)

static const struct instance_events *events_of(const struct instance *i)
{
    return i->gateway->instance_events;
}

static void on_wake(uv_poll_t *poll, int status, int events)
{
    struct instance *i = container_of(poll, struct instance, wake);
    (void)status; /* what it sleeps on has no errors */
    (void)events;
    gateway_turn(i->gateway);
    channel_awake(&i->channel);
    instance_touch(i);
    instance_read(i);
}

static void init_slots(struct instance *i)
{
    i->slot_count = i->function->limits.concurrency;
    i->slots = mem_alloc(i->slot_count * sizeof(void *));
    i->free_slots = mem_alloc(i->slot_count * sizeof(*i->free_slots));
    for (uint32_t k = 0; k < i->slot_count; k++) {
        i->free_slots[k] = i->slot_count - 1 - k;
    }
    i->free_count = i->slot_count;
}

static void on_closed(uv_handle_t *handle)
{
    struct instance *i = container_of((uv_poll_t *)handle, struct instance, wake);
    struct function *f = i->function;
    channel_close(&i->channel);
    free(i->slots);
    free(i->free_slots);
    buf_finish(&i->owed);
    free(i);
    function_unref(f);
}

int instance_create(struct gateway *g, struct function *f, uint64_t id,
                    const struct channel_fds *fds)
{
    struct instance *i = mem_new(struct instance);
    int r = channel_open(&i->channel, fds, CHANNEL_HOST);
    if (r == 0) {
        r = uv_poll_init(&g->loop, &i->wake, i->channel.wake_self);
    }
    if (r < 0) {
        channel_close(&i->channel);
        free(i);
        return r;
    }
    i->gateway = g;
    i->function = function_ref(f);
    i->id = id;
    i->unused_ms = i->progress_ms = gateway_now_ms(g);
    i->trimmed = true;
    list_init(&i->in_function);
    list_init(&i->awake);
    list_init(&i->dirty);
    init_slots(i);
    buf_init(&i->owed, (2 * i->slot_count + 1) * sizeof(struct frame)); /* cancels, and a ping */
    f->instance_count++;
    f->unused_count++;
    g->instance_count++;
    list_push(&g->instances[id % GATEWAY_INSTANCE_HASH], &i->in_gateway);
    list_push(&f->open, &i->in_function);
    (void)uv_poll_start(&i->wake, UV_READABLE, on_wake); /* an open handle: works */
    instance_touch(i);
    return 0;
}

struct instance *instance_find(struct gateway *g, uint64_t id)
{
    list_for_each (item, &g->instances[id % GATEWAY_INSTANCE_HASH]) {
        struct instance *i = list_entry(item, struct instance, in_gateway);
        if (i->id == id) {
            return i;
        }
    }
    return NULL;
}

bool instance_is_silent(const struct instance *i)
{
    return i->ping_ms > 0 && gateway_now_ms(i->gateway) - i->ping_ms >= INSTANCE_STUCK_MS;
}

/* Whether somebody has waited for a processor most of the time since it was asked. */
static bool is_starved(const struct instance *i, uint64_t now_ms)
{
    uint64_t waited_us = pressure_waited_us(&i->gateway->pressure, now_ms) - i->ping_waited_us;
    return waited_us / 1000 > (now_ms - i->ping_ms) / 2;
}

bool instance_is_open(const struct instance *i)
{
    return !i->dead && !i->stuck && !i->full && i->stop_ms == 0 && i->free_count > 0;
}

bool instance_takes_requests(const struct instance *i)
{
    /* Where others serve one of them may be free before this one has started; what is in a channel
     * cannot be called back. Where nobody does, requests are there when its process is. */
    bool early = !i->ready && i->function->ready_count > 0;
    bool lags = i->ready && i->unaccepted > 0 &&
                gateway_now_ms(i->gateway) - i->accepted_ms >= INSTANCE_LAG_MS;
    return instance_is_open(i) && !lags && !early;
}

void instance_sent(struct instance *i)
{
    if (i->unaccepted++ == 0) {
        i->accepted_ms = gateway_now_ms(i->gateway);
    }
}

void instance_accepted(struct instance *i)
{
    assert(i->unaccepted > 0);
    i->unaccepted--;
    i->accepted_ms = gateway_now_ms(i->gateway);
}

/* How much of the function it has compiled, roughly: so often as many requests again make a
 * difference. */
static unsigned warmth(const struct instance *i)
{
    unsigned doublings = 0;
    while (doublings < WARMTH_MAX && i->served_count >> doublings > 0) {
        doublings++;
    }
    return doublings;
}

/* The warmest in front, of those the last that was free, and those behind may become idle. A fresh
 * one waits its turn. */
static void push_open(struct instance *i)
{
    struct list *open = &i->function->open;
    struct list *before = i->served_count > 0 ? open->next : open;
    while (before != open && warmth(list_entry(before, struct instance, in_function)) > warmth(i)) {
        before = before->next;
    }
    list_push(before, &i->in_function);
}

void instance_sort(struct instance *i)
{
    list_remove(&i->in_function);
    if (instance_is_open(i)) {
        push_open(i);
    } else {
        list_push(&i->function->closed, &i->in_function);
    }
}

void instance_bind(struct instance *i, struct request *rq)
{
    assert(i->free_count > 0);
    struct function *f = i->function;
    if (instance_used(i) == 0) {
        f->unused_count -= i->stop_ms == 0;
        f->start_counted += i->served_count == 0;
        i->progress_ms = gateway_now_ms(i->gateway);
        i->ping_ms = 0;
        i->trimmed = false;
    }
    uint32_t slot = i->free_slots[--i->free_count];
    i->generation = i->generation % GENERATION_MAX + 1; /* never 0, so that no stream is */
    i->slots[slot] = rq;
    rq->instance = i;
    rq->stream = i->generation << FRAME_SLOT_BITS | slot;
    rq->attempts++;
    rq->accepted = rq->cancelled = rq->body_end_sent = rq->sent = false;
    rq->body_credit = 0;
    rq->kill_ms = 0;
    if (i->free_count == 0) {
        instance_sort(i);
    }
}

void instance_unbind(struct instance *i, struct request *rq)
{
    uint32_t slot = rq->stream % FRAME_SLOTS;
    assert(i->slots[slot] == rq);
    i->slots[slot] = NULL;
    i->free_slots[i->free_count++] = slot;
    if (rq->sent && !rq->accepted) {
        instance_accepted(i);
    }
    rq->sent = false;
    rq->instance = NULL;
    if (instance_used(i) == 0 && !i->dead) {
        i->unused_ms = gateway_now_ms(i->gateway);
        i->function->unused_count += i->stop_ms == 0;
    }
    if (i->free_count == 1 && !i->dead) {
        instance_sort(i);
    }
    events_of(i)->room(i);
}

void instance_touch(struct instance *i)
{
    if (i->dead) {
        return;
    }
    if (list_is_empty(&i->dirty)) {
        list_push(&i->gateway->dirty_instances, &i->dirty);
    }
    if (list_is_empty(&i->awake)) {
        list_push(&i->gateway->awake, &i->awake);
    }
}

static struct request *request_of(const struct instance *i, uint32_t stream)
{
    uint32_t slot = stream % FRAME_SLOTS;
    struct request *rq = slot < i->slot_count ? i->slots[slot] : NULL;
    return rq && rq->stream == stream ? rq : NULL;
}

static void on_ready(struct instance *i)
{
    if (!i->ready) {
        i->ready = true;
        i->function->ready_count += i->stop_ms == 0;
        events_of(i)->up(i);
    }
}

static int on_frame(struct instance *i, const struct frame *frame, const char *payload)
{
    struct request *rq = frame->stream != 0 ? request_of(i, frame->stream) : NULL;
    if (rq) {
        return events_of(i)->frame(rq, frame, payload);
    }
    if (frame->stream != 0 || (frame->type != FRAME_READY && frame->type != FRAME_PONG)) {
        return events_of(i)->other_frame(i, frame, payload);
    }
    if (frame->type == FRAME_READY) {
        on_ready(i);
    }
    return 0;
}

void instance_send(struct instance *i, const struct frame *frame)
{
    if (i->owed.len > 0 || ring_write(&i->channel.out, frame, NULL) < 0) {
        i->full = true;
        (void)!buf_append(&i->owed, str_of((const char *)frame, sizeof(*frame))); /* has room */
    }
    instance_touch(i);
}

void instance_cancel(struct request *rq, enum frame_cancel why)
{
    struct frame frame = { .type = FRAME_CANCEL, .stream = rq->stream, .value = why };
    if (rq->instance && !rq->cancelled) {
        rq->cancelled = true;
        instance_send(rq->instance, &frame);
    }
}

static void send_owed(struct instance *i)
{
    while (i->owed.len > 0) {
        struct frame frame;
        memcpy(&frame, i->owed.data, sizeof(frame));
        if (ring_write(&i->channel.out, &frame, NULL) < 0) {
            i->full = true;
            return;
        }
        buf_consume(&i->owed, sizeof(frame));
    }
}

/* The channel was full and the other side has read. */
static void retry(struct instance *i)
{
    i->full = false;
    send_owed(i);
    for (uint32_t k = 0; k < i->slot_count && !i->full && !i->dead; k++) {
        if (i->slots[k]) {
            events_of(i)->retry(i->slots[k]);
        }
    }
    instance_sort(i);
    events_of(i)->room(i);
}

static void progress(struct instance *i)
{
    i->progress_ms = gateway_now_ms(i->gateway);
    i->ping_ms = 0;
    if (i->stuck) {
        i->stuck = false;
        instance_sort(i);
    }
    if (!list_is_empty(&i->function->waiting)) {
        events_of(i)->room(i);
    }
}

void instance_read(struct instance *i)
{
    int r = 0;
    int count = 0;
    while (count < READ_BATCH && !i->dead) {
        struct frame frame;
        const void *payload;
        r = ring_peek(&i->channel.in, &frame, &payload);
        if (r <= 0) {
            break;
        }
        count++;
        r = on_frame(i, &frame, payload);
        if (r < 0) {
            break;
        }
        ring_consume(&i->channel.in);
    }
    if (i->dead) {
        return;
    }
    if (r < 0) {
        events_of(i)->misbehaved(i);
        instance_kill(i, STOP_MISBEHAVED);
        return;
    }
    if (count > 0) {
        progress(i);
        instance_touch(i);
    }
    if (i->full) {
        retry(i);
    }
}

bool instance_sleep(struct instance *i)
{
    return channel_sleep(&i->channel);
}

/* It is told to stop, or gone. */
static void count_out(struct instance *i)
{
    struct function *f = i->function;
    f->instance_count--;
    f->unused_count -= instance_used(i) == 0;
    f->ready_count -= i->ready;
}

void instance_stop(struct instance *i)
{
    if (i->stop_ms > 0 || i->dead) {
        return;
    }
    struct frame frame = { .type = FRAME_STOP };
    i->stop_ms = gateway_now_ms(i->gateway) + STOP_MS;
    count_out(i);
    if (ring_write(&i->channel.out, &frame, NULL) < 0) {
        instance_kill(i, STOP_IDLE);
        return;
    }
    instance_touch(i);
    instance_sort(i);
    gateway_expect_sweep(i->gateway);
}

void instance_abandon(struct instance *i)
{
    if (++i->abandoned > i->slot_count / 4) {
        instance_stop(i);
    }
}

/* Out of all lists that are looked through; what is left is to close it. */
static void bury(struct instance *i)
{
    if (i->dead) {
        return;
    }
    if (i->stop_ms == 0) {
        count_out(i);
    }
    i->dead = true;
    list_remove(&i->awake);
    list_remove(&i->dirty);
    list_remove(&i->in_function);
    (void)uv_poll_stop(&i->wake); /* always succeeds */
}

static void end_requests(struct instance *i, enum error_kind kind, struct str text)
{
    for (uint32_t k = 0; k < i->slot_count; k++) {
        struct request *rq = i->slots[k];
        if (rq) {
            instance_unbind(i, rq);
            events_of(i)->lost(i, rq, kind, text);
        }
    }
}

void instance_kill(struct instance *i, enum message_stop why)
{
    struct message_instance_stop stop = { .type = MESSAGE_INSTANCE_STOP,
                                          .reason = why,
                                          .instance = i->id };
    (void)link_send(&i->gateway->supervisor, &stop, NULL, 0); /* its end is ours, on_gone() */
    if (why == STOP_MISBEHAVED) {
        bury(i);
        end_requests(i, ERROR_CRASH, STR("the instance was killed for misbehaving"));
    } else if (i->stop_ms == 0) {
        i->stop_ms = UINT64_MAX; /* gone soon: no new requests */
        count_out(i);
        instance_sort(i);
    } else {
        i->stop_ms = UINT64_MAX;
    }
}

/* What it said before it ended counts; what a process that it has left behind goes on to write does
 * not. */
static void read_last(struct instance *i)
{
    const struct ring *in = &i->channel.in;
    uint32_t first = in->position;
    uint32_t before = first - 1;
    while (!i->dead && in->position != before && in->position - first < in->size) {
        before = in->position;
        instance_read(i);
    }
}

void instance_gone(struct instance *i, enum error_kind kind, struct str text)
{
    read_last(i);
    bury(i);
    list_remove(&i->in_gateway);
    i->gateway->instance_count--;
    end_requests(i, kind, text);
    uv_close((uv_handle_t *)&i->wake, on_closed);
}

static void ping(struct instance *i, uint64_t now_ms)
{
    struct frame frame = { .type = FRAME_PING };
    i->ping_ms = now_ms;
    i->ping_waited_us = pressure_waited_us(&i->gateway->pressure, now_ms);
    instance_send(i, &frame);
}

/* Requests that its code has not seen go elsewhere. They are in its channel still, and it may come
 * back to life and begin them before it reads that they were taken away: so only those that may run
 * twice. The others wait until it goes on, or is killed, which is safe. */
static void give_away(struct instance *i)
{
    for (uint32_t k = 0; k < i->slot_count; k++) {
        struct request *rq = i->slots[k];
        if (rq && rq->conn && !rq->accepted && !rq->responded && !rq->cancelled &&
            http_method_is_safe(rq->head.method)) {
            instance_cancel(rq, FRAME_CANCEL_DRAIN);
            instance_unbind(i, rq);
            rq->attempts--; /* nobody died */
            events_of(i)->again(rq);
        }
    }
}

/* What large bodies have touched of the channel is given back soon, free memory of its own later,
 * and once: bursts that follow one another would fetch it again each time. */
static void trim(struct instance *i, uint64_t now_ms)
{
    uint64_t unused_ms = now_ms - i->unused_ms;
    if (i->stop_ms > 0 || unused_ms < TRIM_MS) {
        return;
    }
    bool all = !i->trimmed && unused_ms >= TRIM_ALL_MS;
    struct frame frame = { .type = FRAME_TRIM, .value = all };
    if ((channel_trim(&i->channel) || all) && ring_write(&i->channel.out, &frame, NULL) == 0) {
        i->trimmed = i->trimmed || all;
        instance_touch(i);
    }
}

void instance_sweep(struct instance *i, uint64_t now_ms)
{
    if (i->dead) {
        return;
    }
    if (i->stop_ms > 0) {
        if (i->stop_ms != UINT64_MAX && now_ms >= i->stop_ms && instance_used(i) > 0) {
            i->stop_ms = now_ms + STOP_MS; /* it finishes what it has; each has its own deadline */
        } else if (i->stop_ms != UINT64_MAX && now_ms >= i->stop_ms) {
            instance_kill(i, STOP_IDLE);
        }
    }
    if (!i->ready) {
        return;
    }
    if (instance_used(i) == 0) {
        trim(i, now_ms);
        return;
    }
    if (i->ping_ms == 0) {
        if (now_ms - i->progress_ms >= PING_MS) {
            ping(i, now_ms);
        }
    } else if (i->stuck) {
        give_away(i);
    } else if (instance_is_silent(i) &&
               (now_ms - i->ping_ms >= INSTANCE_STARVED_MS || !is_starved(i, now_ms))) {
        i->stuck = true;
        instance_sort(i);
        give_away(i);
    }
}

/* The gateway's end of one instance: its channel, its streams, whether its loop turns.
 *
 * What comes out of the channel was written by user code: an instance that breaks the rules is
 * killed and its requests are answered 502. Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "base/list.h"
#include "channel/channel.h"
#include "gateway/errors.h"
#include "gateway/function.h"
#include "ipc/message.h"

struct gateway;
struct request;

/* Without a sign of life for so long its requests go elsewhere; later where processes wait for
 * processors most of the time: then it may only not have had its turn, and another would not have
 * it either. */
#define INSTANCE_STUCK_MS   100
#define INSTANCE_STARVED_MS 1000
/* While it does not even take what it was sent, new requests wait outside, where any instance can
 * take them: one that is in the channel cannot be called back without the danger of running twice.
 */
#define INSTANCE_LAG_MS 20

struct instance {
    uv_poll_t wake;
    struct gateway *gateway;
    struct function *function; /* counted */
    uint64_t id;
    struct channel channel;
    struct list in_gateway;  /* gateway->instances[] */
    struct list in_function; /* function->open or closed */
    struct list awake;       /* gateway->awake */
    struct list dirty;       /* gateway->dirty_instances */

    struct request **slots; /* function->limits.concurrency of them; NULL: free */
    uint32_t *free_slots;   /* a stack */
    uint32_t free_count;
    uint32_t slot_count;
    uint32_t generation;
    uint32_t abandoned;
    struct buf owed; /* frames of instance_send() that the ring had no room for */

    uint64_t served_count;   /* requests sent to it */
    uint32_t unaccepted;     /* requests sent and not begun */
    uint64_t accepted_ms;    /* when one last was, or the first was sent */
    uint64_t progress_ms;    /* the last frame */
    uint64_t ping_ms;        /* asked for a sign of life, 0: not */
    uint64_t ping_waited_us; /* the machine's pressure by then */
    uint64_t unused_ms;      /* since when it has nothing to do */
    uint64_t stop_ms;        /* told to stop: when it must have gone, 0: not told */
    bool ready;              /* reads its channel */
    bool trimmed;            /* since it was used last, or not used yet */
    bool full;               /* its ring takes no more for now */
    bool stuck;              /* its requests go elsewhere */
    bool dead;               /* being closed */
};

/* Those whose requests it serves. What `rq` is they know; here it is a slot. */
struct instance_events {
    /* A frame of this request's stream. -EPROTO: the instance broke the rules. */
    int (*frame)(struct request *rq, const struct frame *frame, const char *payload);
    /* One of the instance itself, or of a request that is over. As above. */
    int (*other_frame)(struct instance *i, const struct frame *frame, const char *payload);
    /* Its process is there. */
    void (*up)(struct instance *i);
    /* It may have room for a request. */
    void (*room)(struct instance *i);
    /* Its channel was full, and has room for what this request has to say. */
    void (*retry)(struct request *rq);
    /* It is gone, and the request with no instance. */
    void (*lost)(struct instance *i, struct request *rq, enum error_kind kind, struct str text);
    /* It does not turn: its code has not seen the request, which is free to go elsewhere. */
    void (*again)(struct request *rq);
    /* It broke the rules, and will be killed. */
    void (*misbehaved)(struct instance *i);
};

/* Takes over the descriptors, also on failure (-errno). Its events are g->instance_events. */
int instance_create(struct gateway *g, struct function *f, uint64_t id,
                    const struct channel_fds *fds) MUST_USE;
struct instance *instance_find(struct gateway *g, uint64_t id);

static inline uint32_t instance_used(const struct instance *i)
{
    return i->slot_count - i->free_count;
}

/* Asked for a sign of life, it has given none for INSTANCE_STUCK_MS. */
bool instance_is_silent(const struct instance *i);
/* Whether a new request may go there. */
bool instance_is_open(const struct instance *i);
/* Open, and takes what it is sent. */
bool instance_takes_requests(const struct instance *i);
/* A request was sent, or begun or taken away. */
void instance_sent(struct instance *i);
void instance_accepted(struct instance *i);
/* Binds a request to a free slot, or lets it go. */
void instance_bind(struct instance *i, struct request *rq);
void instance_unbind(struct instance *i, struct request *rq);
/* Moves it to the list where it belongs, after anything that instance_is_open() looks at. */
void instance_sort(struct instance *i);

/* Sends a frame without payload, which it gets even if its ring is full now: when it has read. */
void instance_send(struct instance *i, const struct frame *frame);
/* Tells the function that nobody waits for this request any more: once, behind what is in the
 * channel. */
void instance_cancel(struct request *rq, enum frame_cancel why);
/* Something was written to its channel, or read. */
void instance_touch(struct instance *i);
/* Handles what is in the channel. */
void instance_read(struct instance *i);
/* At the end of a turn; false: there is more to read. */
bool instance_sleep(struct instance *i);

/* Asks it to finish; it is killed if it does not. */
void instance_stop(struct instance *i);
/* A request that ignored the end of its time is given up there; too many, and it is stopped. */
void instance_abandon(struct instance *i);
/* Has the supervisor kill it; its requests end when INSTANCE_GONE arrives, or now if it
 * misbehaved. */
void instance_kill(struct instance *i, enum message_stop why);
/* The process is gone: answers or moves its requests and frees it. */
void instance_gone(struct instance *i, enum error_kind kind, struct str text);
/* Signs of life and stops that take too long. */
void instance_sweep(struct instance *i, uint64_t now_ms);

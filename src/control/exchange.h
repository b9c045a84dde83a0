/* A request that the gateway has passed to control, and its answer. Control is an instance among
 * the gateway's instances: requests come and answers go over a channel, bodies of any size within a
 * window in each direction (doc/runtime.md has the frames).
 *
 * Loop thread only. An exchange lives until its handler's `over` has returned.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"
#include "channel/channel.h"

struct exchange;
struct exchange_port;

/* Which door of the gateway it came through (doc/events.md). */
enum exchange_door {
    EXCHANGE_AWS,
    EXCHANGE_ROUTE,
    EXCHANGE_FUNCTION,
    EXCHANGE_WEBHOOK,
    EXCHANGE_DOOR_COUNT
};

/* What happens to an exchange. Each may be NULL but `over`. */
struct exchange_events {
    /* A part of the body, at most a frame; it lives until the call returns, in memory that the
     * gateway can still write to: what is to be looked at is copied first. The sender's window
     * opens only by exchange_credit(). */
    void (*body)(struct exchange *x, struct str data);
    void (*body_end)(struct exchange *x);
    /* The window of the answer is open again, after exchange_write() has returned 0 or less; or a
     * file was sent, and there are more. */
    void (*writable)(struct exchange *x);
    /* The client is gone: what is answered now goes nowhere. `over` follows exchange_end(). */
    void (*gone)(struct exchange *x);
    /* Answered and done: the last call, from the loop and never from within the functions below;
     * x->user is the handler's to free. */
    void (*over)(struct exchange *x);
};

struct exchange {
    const struct exchange_events *events; /* set by exchange_begin_fn, or it is answered by then */
    void *user;
    enum exchange_door door;
    struct str method;
    struct str target;  /* path and query exactly as received */
    struct str headers; /* "name\0value\0"..., names in lower case, in the order received */
    struct str host;    /* with the port, as sent */
    struct str remote;  /* the client's address */
    struct str scheme;
    const char *request_id; /* a UUID */
    bool has_body;
    bool has_whole_body; /* all of it has come: nothing more to ask for */
    bool is_gone;

    struct exchange_port *port; /* the rest is exchange.c's */
    struct list link;
    char *memory;
    uint32_t stream;
    uint64_t received; /* of body */
    int64_t window;
    struct buf pending; /* of the answer, behind the window */
    bool head_sent, end_wanted, ended, wants_room;
};

/* A new request. The handler sets x->events and x->user, or answers at once. */
typedef void (*exchange_begin_fn)(struct exchange *x, void *context);
/* Hands the gateway a file that is the body of a stream's answer (MESSAGE_FILE); fd stays the
 * caller's. */
typedef int (*exchange_file_fn)(int fd, uint32_t stream, uint64_t offset, uint64_t length,
                                void *context);

struct exchange_actions {
    exchange_begin_fn begin;
    exchange_file_fn send_file;
};

/* Takes over the descriptors, also on failure. */
int exchange_port_open(uv_loop_t *loop, const struct channel_fds *fds,
                       const struct exchange_actions *actions, void *context,
                       struct exchange_port **ret) MUST_USE;

/* The whole answer. Headers as "name\0value\0"...; HTTP's framing is the gateway's, a
 * content-length is honoured for answers to HEAD. */
void exchange_respond(struct exchange *x, unsigned status, struct str headers, struct str body);
/* Or in parts: a head, any number of writes, an end. */
void exchange_head(struct exchange *x, unsigned status, struct str headers);
/* Takes any size; what is over the window waits in memory. Returns the bytes left in the window:
 * at 0 or less stop and wait for `writable`. */
int64_t exchange_write(struct exchange *x, struct str data);
void exchange_end(struct exchange *x);
/* Instead of writes: `length` bytes of a file from `offset`, sent by the gateway without passing
 * through here. fd stays the caller's. After the last one the exchange ends by itself; after others
 * `writable` is called when it is time for the next. */
void exchange_send_file(struct exchange *x, int fd, uint64_t offset, uint64_t length);
void exchange_send_last_file(struct exchange *x, int fd, uint64_t offset, uint64_t length);
/* The answer cannot be completed: its client must see it broken. */
void exchange_break(struct exchange *x);

/* So much of the body has been dealt with. */
void exchange_credit(struct exchange *x, size_t bytes);

/* Reads the whole body, then calls `done` once: 0 and the body (which lives until it returns), or
 * -EMSGSIZE over `limit`, -EBUSY when all such bodies are over LIMIT_READING_BYTES and this one has
 * taken longest, -ECANCELED when the client has gone. Until then what happens to the exchange is
 * not told to the handler, but that it is over: who answers meanwhile is not called by `done`. */
typedef void (*exchange_body_fn)(struct exchange *x, int r, struct str body);
void exchange_read_body(struct exchange *x, size_t limit, exchange_body_fn done);

/* One client connection of HTTP/1.
 *
 * Reads heads and bodies, hands requests on one after the other (pipelined ones wait in the
 * buffer), sends what answers append. What a request is it does not know: those who answer are told
 * by struct conn_events. Ends by itself; nobody else frees it. Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "gateway/conn_body.h"
#include "gateway/conn_out.h"
#include "gateway/listener.h"
#include "http/http_head.h"

struct gateway;
struct request;

enum conn_state {
    CONN_IDLE,    /* between requests */
    CONN_HEAD,    /* part of a head has come */
    CONN_BUSY,    /* a request is being answered, its body may be coming */
    CONN_DISCARD, /* answered before its body was complete: the rest is read and dropped */
    CONN_CLOSING, /* what is left to send is sent, then the connection ends */
    CONN_LINGER,  /* our side is shut: reading until the client has seen it */
    CONN_CLOSED
};

struct conn {
    uv_poll_t poll;
    struct gateway *gateway;
    int fd;
    enum door door;
    int events; /* polled for */
    enum conn_state state;
    struct list in_gateway;
    struct list
        dirty; /* in gateway->dirty_conns while there is something to do at the turn's end */
    struct request *request; /* the one being answered, between conn_begin() and its end */

    struct buf in; /* read and not handled */
    struct conn_out out;
    struct http_scan scan;
    struct conn_body body;
    uint64_t deadline_ms; /* of the state, 0: none */
    uint64_t gone_ms;     /* half-closed: when to believe that the client is gone, 0: it is not */
    uint64_t gone_sent_bytes; /* by then */
    bool keep_alive;          /* after this request */
    bool eof;                 /* the client will send no more */
    bool is_cut_off; /* would be, if it ended now: an answer that ends with the connection has begun
                        and only a reset tells that something is missing */
    bool body_blocked;  /* nobody takes the body now */
    bool process_again; /* at the turn's end: `in` may hold a whole request */

    uint16_t port;
    char address[INET6_ADDRSTRLEN];
};

/* Those who answer. Each is called within a turn, and may end c->request. */
struct conn_events {
    /* A head has come: sees to conn_begin() and to an answer. Negative: it is refused with this
     * status. */
    int (*head)(struct conn *c, struct str bytes);
    /* Writes an answer of ours into conn->out, where no request is, or is any more. `head` is what
     * came instead of one, if that is why. */
    void (*refuse)(struct conn *c, unsigned status, struct str head);
    /* How many of `wanted` bytes of body are taken now; 0: wait for conn_resume_body(). */
    size_t (*body_room)(struct request *rq, size_t wanted);
    /* At most what body_room() said. */
    void (*body)(struct request *rq, struct str data);
    /* The same without a copy: where up to *ret_room bytes of body may be written, for
     * body_commit(). NULL: not now, or if there is room, not this way. */
    char *(*body_reserve)(struct request *rq, size_t wanted, size_t *ret_room);
    void (*body_commit)(struct request *rq, size_t len);
    void (*body_end)(struct request *rq);
    /* Some of conn->out may have been sent. */
    void (*drained)(struct request *rq);
    /* The client has gone, or what it sends is no body: the request is the connection's no more.
     * False: nothing of an answer was said, and a refusal can be. */
    bool (*gone)(struct request *rq);
};

/* Takes over fd. Its events are g->conn_events. */
void conn_create(struct gateway *g, int fd, enum door door, const struct sockaddr_storage *peer);

/* Something was appended to conn->out: it leaves at the turn's end. */
void conn_touch(struct conn *c);
/* The head that has come is this request's, and a body follows as the head says. */
void conn_begin(struct conn *c, struct request *rq, const struct http_head *head);
/* The answer of conn->request is complete in conn->out: it is the connection's no more. */
void conn_answered(struct conn *c, bool keep_alive);
/* The answer cannot be completed, and the client must not take it for whole: as above. */
void conn_abort(struct conn *c);
/* There is room for the request's body again. */
void conn_resume_body(struct conn *c);
/* Bytes of conn->out not sent yet. */
static inline size_t conn_pending(const struct conn *c)
{
    return conn_out_pending(&c->out);
}

/* At the turn's end, for each of gateway->dirty_conns. */
void conn_flush(struct conn *c);
/* Times. */
void conn_sweep(struct conn *c, uint64_t now_ms);

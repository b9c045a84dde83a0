/* One client connection of HTTP/1.
 *
 * Reads heads and bodies, hands requests on one after the other (pipelined ones wait in the
 * buffer), sends what answers append. Ends by itself; nobody else frees it. Loop thread only.
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
    struct request *request; /* the one being answered; owned together with its instance */

    struct buf in; /* read and not handled */
    struct conn_out out;
    struct http_scan scan;
    struct conn_body body;
    uint64_t deadline_ms; /* of the state, 0: none */
    uint64_t gone_ms;     /* half-closed: when to believe that the client is gone, 0: it is not */
    uint64_t gone_said_bytes; /* of the answer, when gone_ms was set */
    bool keep_alive;          /* after this request */
    bool eof;                 /* the client will send no more */
    bool is_cut_off; /* would be, if it ended now: an answer that ends with the connection has begun
                        and only a reset tells that something is missing */
    bool body_blocked;  /* nobody takes the body now */
    bool process_again; /* at the turn's end: `in` may hold a whole request */

    uint16_t port;
    char address[INET6_ADDRSTRLEN];
};

/* Takes over fd. */
void conn_create(struct gateway *g, int fd, enum door door, const struct sockaddr_storage *peer);

/* Something was appended to conn->out: it leaves at the turn's end. */
void conn_touch(struct conn *c);
/* The answer of conn->request is complete in conn->out. The request is let go. */
void conn_answered(struct conn *c, bool keep_alive);
/* The answer cannot be completed: the client must not take it for whole. The request is let go. */
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

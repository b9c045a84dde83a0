/* One request from its head to its usage record.
 *
 * Belongs to its connection until it is answered and to its instance until the invocation is over
 * (waitUntil goes on after the answer); freed when both have let it go. Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/limits.h"
#include "base/list.h"
#include "gateway/errors.h"
#include "gateway/function.h"
#include "gateway/inner.h"
#include "gateway/router.h"
#include "http/http_gzip.h"
#include "http/http_head.h"
#include "http/http_reply.h"
#include "ipc/record.h"

struct conn;
struct gateway;
struct instance;

enum request_step {
    REQUEST_ROUTE,
    REQUEST_LEASE, /* waits for room in an instance */
    REQUEST_REPLY, /* waits for the function */
    REQUEST_OVER   /* answered, or nobody is there to be */
};

/* What control is told a request is, as its endpoint; src/control/exchange.h has the same. */
enum control_door { CONTROL_AWS, CONTROL_ROUTE, CONTROL_FUNCTION, CONTROL_WEBHOOK };

/* Where the body of an answer comes from that is no function's: a file. */
struct body_source {
    /* The connection has sent something: there is room for more. */
    void (*resume)(struct body_source *source);
    /* Nobody wants it any more; frees it, now or when it can. */
    void (*close)(struct body_source *source);
};

#define REQUEST_ID_BYTES    36
#define REQUEST_TRACE_BYTES 55
#define REQUEST_HEAD_KEEP   2048 /* a request kept for reuse keeps at most this much of a head */
/* Until the handler has begun, a request may have to move to another instance, with its body: so
 * much of it is taken, and kept. */
#define REQUEST_REPLAY_BYTES (64 * KIB)

struct request {
    struct gateway *gateway;
    struct conn *conn;          /* NULL once answered or gone */
    struct function *function;  /* counted; NULL until routed to one */
    struct instance *instance;  /* NULL until leased, and once the invocation is over */
    struct router *router;      /* counted */
    struct body_source *source; /* of a static file's bytes, or of one of control's; owned */
    struct list awaiting_file;  /* in gateway->awaiting_file */
    uint32_t file_stream;       /* of which it waits for the file */
    bool wants_file;            /* the next one is to be asked for: the channel was full */
    struct list in_gateway;
    struct list waiting; /* in function->waiting */
    enum request_step step;
    uint32_t stream; /* in the instance's channel */
    uint32_t endpoint;
    uint32_t attempts;
    uint64_t served_by; /* id of the last instance */

    char *head_bytes; /* owned; what `head` points into */
    size_t head_capacity;
    struct http_head head;
    char *raw_target; /* owned; as it came, for who parses it himself; NULL: as in the head */
    struct route_answer route;
    char id[REQUEST_ID_BYTES + 1];
    char trace[REQUEST_TRACE_BYTES + 1]; /* traceparent */

    struct inner inner;
    uint64_t start_ns;
    uint64_t start_ms; /* since the epoch */
    uint64_t leased_ns;
    uint64_t limit_ms;    /* that the function may take, 0: any time */
    uint64_t deadline_ms; /* loop time, 0: none; first of the wait for an instance, then of the
                             function itself, whose time begins when it takes the request */
    uint64_t kill_ms;     /* timed out: when the instance must have let it go, 0: it is not */

    /* The body, to the instance. */
    struct buf replay;    /* sent and not accepted: what a second instance would need */
    uint64_t body_bytes;  /* handed over in all */
    uint64_t body_credit; /* ... and what the function takes besides the first window */
    bool body_end;        /* the client's part is complete */
    bool body_end_sent;
    bool body_refused; /* too large: the rest is not handed over */

    /* The answer. */
    struct http_reply reply;
    struct http_gzip gzip;
    uint64_t reply_bytes;    /* of body, received from the instance */
    uint64_t reply_credited; /* ... and what it may send besides the first window */
    uint64_t reply_left;     /* of a body with a length */
    uint64_t sent_bytes;     /* of body, to the client */
    bool reply_started;      /* something of it is in the connection's buffer */
    bool responded;          /* the function has begun its answer, or failed */
    bool response_over;      /* ... and ended it */
    bool reply_warned;
    bool head_failed; /* an answer's head could not be written: another is tried once */
    bool cold;
    bool sent; /* is in the instance's channel */
    bool accepted;
    bool cancelled;
    bool continue_sent;
    bool tunnel; /* the connection is the function's: WebSocket */

    /* For the record. */
    enum record_outcome outcome;
    unsigned status;
    char error[256];
};

/* A request for conn whose head is `bytes`. Negative: refused with this status. */
int request_create(struct gateway *g, struct conn *c, struct str bytes,
                   struct request **ret) MUST_USE;
/* Its connection has let it go: answered, or gone. It may be gone afterwards. */
void request_leave_conn(struct request *rq);
/* It waits for an instance no longer. */
void request_stop_waiting(struct request *rq);
/* The function's time begins now; `start_ms` more for its process to be there. */
void request_count_time(struct request *rq, uint64_t start_ms);
/* The instance has let it go, or there was none: the invocation is over; cpu and memory as far as
 * known. It may be gone afterwards. */
void request_done(struct request *rq, uint64_t cpu_us, uint64_t memory_peak_bytes);

/* Whether control answers it (control_port.h). */
bool request_is_controls(const struct request *rq);

/* What the parts of the gateway's process share: its loop, its clocks, and lists of all there is.
 *
 * One thread, one loop. Work is done in the callbacks of a turn; what it wrote leaves together at
 * the turn's end (turn.c): one write a connection, one wake-up an instance.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/pressure.h"
#include "gateway/listener.h"
#include "gateway/records.h"
#include "gateway/router.h"
#include "http/http_date.h"
#include "http/http_gzip.h"
#include "ipc/link.h"

#define GATEWAY_SCRATCH_BYTES ((size_t)64 * 1024)
#define GATEWAY_INSTANCE_HASH 1024
#define GATEWAY_SWEEP_MS      25 /* with requests in flight: time-outs are this exact */

#define GATEWAY_LISTENERS_MAX 8
#define GATEWAY_PATIENCE_MS   5000
/* A build was served before a process died: it will be again, however busy the machine is. */
#define GATEWAY_PATIENCE_AGAIN_MS 60000

struct gateway {
    uv_loop_t loop;
    struct link supervisor;
    struct link control;
    struct records records;
    struct listener listeners[GATEWAY_LISTENERS_MAX];
    size_t listener_count;
    bool accepting;
    bool said_full;             /* that conns_max has been reached */
    bool said_refused;          /* why accept() fails, since it last worked */
    bool said_http2;            /* that the AWS port is not spoken to in HTTP/2 */
    uint64_t patience_until_ms; /* then connections are accepted without a build, too */
    bool dev;                   /* answers say more: x-mayfly-*, errors with their stacks */
    int status;                 /* what the process ends with */
    unsigned processors;        /* that we may use */

    struct router *router;             /* NULL until the first build */
    struct function *control_function; /* control_port.c; owned */
    struct list early_folders;         /* of struct folder, in folders.c */
    struct list early_files;           /* of struct control_file */
    struct list unwanted_files;        /* as these: to be closed when they come */
    struct list awaiting_file;         /* requests whose answer goes on with a file from control */
    struct list functions;             /* all, retired ones too */
    struct list drains;                /* builds whose predecessors are not quiet yet, lease.c */
    struct list instances[GATEWAY_INSTANCE_HASH]; /* by id */
    size_t instance_count;
    size_t instances_max; /* within what files may be open; the same of conns_max */
    const struct conn_events *conn_events;         /* conn_requests.h */
    const struct instance_events *instance_events; /* instance_requests.h */
    struct list conns;
    size_t conn_count;
    bool conn_left; /* this turn: there is room for another */
    size_t conns_max;
    struct list requests; /* all that are not over */
    size_t request_count;
    struct list spare_requests; /* kept for the next */
    size_t spare_count;

    /* The turn. */
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t again; /* active: the next poll must not wait */
    uv_timer_t sweep;
    uv_timer_cb on_sweep;        /* turn.c */
    struct list awake;           /* instances to read before the loop waits */
    struct list dirty_instances; /* ... to wake because something was written */
    struct list dirty_conns;     /* connections with something to send */
    bool in_turn;

    struct pressure pressure;
    char date[HTTP_DATE_BYTES];
    int64_t date_s;
    uint64_t epoch_offset_ms;      /* wall clock minus loop time */
    struct http_gzip_tables *gzip; /* NULL until the first body is compressed; owned */
    char *scratch; /* GATEWAY_SCRATCH_BYTES: what a read brought, until it is handled */
    char *copy;    /* the same: a frame's payload, copied out before it is looked at */
};

/* The first thing in any callback that may handle traffic. */
static inline void gateway_turn(struct gateway *g)
{
    g->in_turn = true;
}

static inline uint64_t gateway_now_ms(const struct gateway *g)
{
    return uv_now(&g->loop);
}

static inline uint64_t gateway_epoch_ms(const struct gateway *g)
{
    return uv_now(&g->loop) + g->epoch_offset_ms;
}

struct str gateway_date(struct gateway *g);

/* Makes sure that the sweep runs within GATEWAY_SWEEP_MS: a request is in flight. */
void gateway_expect_sweep(struct gateway *g);

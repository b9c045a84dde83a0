/* A function as the gateway knows it: one version of a group, its limits and its instances.
 *
 * Lives from the first build that names it until it is retired and its last instance and request
 * are gone. Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/list.h"
#include "base/str.h"
#include "gateway/dialect.h"
#include "gateway/pool.h"

/* Which requests control has first (doc/events.md). */
enum endpoint_via { ENDPOINT_VIA_NOTHING, ENDPOINT_VIA_EVENTS, ENDPOINT_VIA_EVENTS_UNLESS_SAFE };

/* API Gateway in front of a Lambda function: its clients are told of failures in its words. */
enum endpoint_api { ENDPOINT_API_NONE, ENDPOINT_API_HTTP, ENDPOINT_API_REST };

struct endpoint {
    char *name;          /* owned, as all texts here */
    uint64_t timeout_ms; /* 0: none */
    char *broken;        /* what the build has to say about it; NULL: it is sound */
    char *allow;         /* "GET, POST" for a 405; NULL: unknown */
    bool invoke;         /* answers as Lambda's Invoke API does */
    enum endpoint_api api;
    enum endpoint_via via;
};

struct function {
    uint64_t id;
    char *name;
    enum dialect dialect;
    struct pool_limits limits;
    uint64_t timeout_ms;
    uint64_t body_max_bytes;     /* 0: none */
    uint64_t response_max_bytes; /* 0: none */
    bool edge;                   /* Next.js: runtime = 'edge' */
    bool compress;               /* answers go out compressed to those who accept it */
    int64_t reserved;            /* requests at a time, more are refused at once; -1: any */
    char *token;                 /* says on an inner request that it asks; NULL: it never does */
    char **services;             /* names of functions that it may ask directly */
    size_t service_count;
    struct endpoint *endpoints;
    size_t endpoint_count;

    struct list in_gateway;
    struct list open;    /* instances with room, the warmest first */
    struct list closed;  /* instances without */
    struct list waiting; /* requests, first come first served */
    size_t waiting_count;
    size_t starting;       /* asked for and not heard of */
    size_t instance_count; /* not told to stop */
    size_t unused_count;
    size_t ready_count;     /* of instance_count, those whose process serves */
    size_t reference_count; /* requests and instances that point here */
    size_t request_count;   /* in flight, waitUntil included */
    uint64_t used_ms;
    double start_rate;
    uint64_t start_counted; /* unused instances taken into use since the rate was computed */
    uint64_t rated_ms;
    bool has_served;   /* an instance has been ready: it is loaded, unless it was put away */
    bool start_failed; /* the last start of one that was heard of */
    bool retired;      /* of no current build */
};

struct function *function_create(void);
void function_destroy(struct function *f); /* NULL is fine */
/* Counted while a request or an instance points here. NULL is fine. */
struct function *function_ref(struct function *f);
void function_unref(struct function *f);
/* Frees it if nobody needs it any more: of no build, pointed at by nobody, and none is starting. */
void function_release(struct function *f);

/* NULL when the index is out of range. */
const struct endpoint *function_endpoint(const struct function *f, uint32_t index);
/* Milliseconds a request of this endpoint may take, 0: any. */
uint64_t function_timeout_ms(const struct function *f, uint32_t endpoint);

DEFINE_SCOPED(function)
#define scoped_function SCOPED(function_scope)

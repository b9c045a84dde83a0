/* Requests that the project's own functions make of each other and of what they stand in front of.
 *
 * Such a request says who asks (x-mayfly-token, made by control for each function) and what it
 * wants, in the other x-mayfly-* fields; runtime/js/dialects/worker/origin.js lists them. Without a
 * token of ours the fields say nothing and go nowhere: anybody can write them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/function.h"
#include "http/http_head.h"

struct gateway;
struct request;

/* The texts point into the request's head; data NULL: not said. */
struct inner {
    struct function *caller; /* NULL: from outside; counted */
    struct str scheme;
    struct str via;        /* "a,b": functions the request came through */
    struct str service;    /* who is to answer, whatever the routes say */
    struct str entrypoint; /* this and the next two: for the service's runtime */
    struct str props;
    struct str rpc;
    struct str site;    /* the host under which the outermost request came */
    struct str address; /* of the outermost request's client */
    struct str target;  /* that of the outermost request, before middleware rewrote it */
    struct str trace;   /* "00-...": the trace that the request belongs to */
    uint64_t hops;      /* how many functions have passed the request on */
    bool to_control;    /* of a caller: control itself is to answer */

    /* Of control's own requests; empty for all others. */
    bool trusted;
    bool direct;           /* past what goes through events */
    bool to_aws;           /* as if it had come by the AWS port */
    struct str event;      /* for the function's runtime */
    struct str request_id; /* instead of a new one */
    struct str delivery;   /* what is handled, for the log */
    uint64_t timeout_ms;   /* instead of the function's own, 0: that */

    /* Of a request that is passed to control: whose it was. */
    struct function *passed;                /* counted */
    const struct endpoint *passed_endpoint; /* NULL: control knows it by its function alone */
};

/* Takes the x-mayfly-* fields out of the head. Those of a caller of ours go to `ret` and may
 * replace the head's host; of the others, only the counter of hops. `trusted`: it is control that
 * asks. */
void inner_read(const struct gateway *g, bool trusted, struct http_head *head, struct inner *ret);

/* Sets rq->route to the service that the caller names. Returns 0 or the status to refuse with. */
unsigned inner_route(struct request *rq);

/* The function behind whose routes the request goes on: middleware lets its requests pass to what
 * comes after it, and redirects and headers have been dealt with. Empty: it begins at the top. */
struct str inner_through(const struct inner *in);

/* Whether the request has been passed on so often that it must be going round in circles. */
bool inner_loops(const struct inner *in);

/* The fields for the function that answers, which is of that dialect, as "name\0value\0...":
 * writes them to `at` and returns the end; inner_bound() is how much that may be. */
char *inner_put(const struct inner *in, enum dialect dialect, char *at);
size_t inner_bound(const struct inner *in);

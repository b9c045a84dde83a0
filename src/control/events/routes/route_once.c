/* An idempotent route: one request a key runs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/routes/route.h"
#include "control/events/routes/stored_request.h"
#include "http/http_block.h"
#include "store/store_answers.h"

/* A key whose request is running, and all that wait for its answer. */
struct claim {
    struct list link; /* route->claims */
    struct route *route;
    char *key;           /* owned */
    struct list waiting; /* of struct waiter */
    struct buf headers;  /* the answer */
    struct buf body;
    unsigned status;
    uint64_t ttl_ms; /* the route's: a build may change that while the store's thread writes */
    struct store_job job;
};

struct waiter {
    struct list link;
    struct exchange *x;
    struct claim *claim; /* NULL: answered */
};

static void waiter_over(struct exchange *x)
{
    struct waiter *w = x->user;
    list_remove(&w->link);
    free(w);
}

static const struct exchange_events waiter_events = { .over = waiter_over };

static void wait_for(struct claim *c, struct exchange *x)
{
    struct waiter *w = mem_new(struct waiter);
    *w = (struct waiter){ .x = x, .claim = c };
    list_push(&c->waiting, &w->link);
    x->events = &waiter_events;
    x->user = w;
}

static void answer_all(struct claim *c, unsigned status, struct str headers, struct str body)
{
    list_remove(&c->link);
    while (!list_is_empty(&c->waiting)) {
        struct waiter *w = list_entry(c->waiting.next, struct waiter, link);
        list_remove(&w->link);
        w->claim = NULL;
        exchange_respond(w->x, status, headers, body);
    }
    buf_finish(&c->headers);
    buf_finish(&c->body);
    free(c->key);
    free(c);
}

static int run_store(struct store_job *job, struct sql *db)
{
    const struct claim *c = container_of(job, struct claim, job);
    uint64_t now_ms = clock_wall_ms();
    const struct stored_answer answer = { .status = c->status,
                                          .headers = buf_str(&c->headers),
                                          .body = buf_str(&c->body),
                                          .until_ms = now_ms + c->ttl_ms };
    return store_answers_put(db, str_c(c->route->name), str_c(c->key), &answer, now_ms);
}

static void stored(struct store_job *job, int r)
{
    struct claim *c = container_of(job, struct claim, job);
    if (r < 0) {
        /* It has run, but that cannot be kept: the sender must not take it for done once and for
         * all, and will try again. */
        answer_all(c, r == -ENOSPC ? 507 : 500, STR(""), STR("the answer could not be kept\n"));
        return;
    }
    answer_all(c, c->status, buf_str(&c->headers), buf_str(&c->body));
}

/* Of the one time that it was made. */
static bool is_dropped(struct str name)
{
    return http_block_is_hop_by_hop(name) || str_eq(name, STR("date")) ||
           str_starts(name, STR("x-mayfly-"));
}

static int keep_headers(struct buf *to, struct str headers)
{
    struct str name, value;
    int r = 0;
    while (r == 0 && http_block_next(&headers, &name, &value)) {
        r = is_dropped(name) ? 0 : http_block_add(to, name, value);
    }
    return r;
}

static void ran(const struct invocation_result *result, void *context)
{
    struct claim *c = context;
    if (result->error < 0) {
        answer_all(c, 502, STR(""),
                   result->error == -EMSGSIZE ? STR("the answer is too large to be kept\n")
                                              : STR("the function did not answer\n"));
        return;
    }
    c->status = result->status;
    if (keep_headers(&c->headers, result->headers) < 0 || buf_append(&c->body, result->body) < 0) {
        answer_all(c, 502, STR(""), STR("the answer is too large to be kept\n"));
    } else if (c->status >= 400) {
        /* Refused or failed: nothing was done that must not be done twice. Who forges a key, or has
         * the wrong secret for an hour, must not keep the true request from being handled. */
        answer_all(c, c->status, buf_str(&c->headers), buf_str(&c->body));
    } else {
        /* The disk may be full by now: it was begun, so it may end. */
        c->ttl_ms = c->route->config.ttl_ms;
        c->job = (struct store_job){ .run = run_store, .done = stored, .makes_room = true };
        store_submit(c->route->services->store, &c->job);
    }
}

static struct claim *find_claim(const struct route *route, struct str key)
{
    list_for_each (item, &route->claims) {
        struct claim *c = list_entry(item, struct claim, link);
        if (str_eq(str_c(c->key), key)) {
            return c;
        }
    }
    return NULL;
}

static void answer_again(const struct stored_answer *a, void *context)
{
    exchange_respond(context, a->status, a->headers, a->body);
}

static void run(struct claim *c, struct exchange *x, struct str body)
{
    struct buf headers;
    buf_init(&headers, 2 * LIMIT_REQUEST_HEAD_BYTES);
    /* Fits: it came in a head. */
    (void)!(stored_request_fields(&headers, x->headers) == 0 &&
            http_block_add(&headers, STR("x-mayfly-direct"), STR("1")) == 0);
    const struct invocation_request rq = { .method = x->method,
                                           .target = x->target,
                                           .host = x->host,
                                           .headers = buf_str(&headers),
                                           .body = body,
                                           .response_max_bytes = ROUTE_RESPONSE_BYTES_MAX };
    (void)invoker_call(c->route->services->invoker, &rq, ran, c);
    buf_finish(&headers);
}

void route_once_begin(struct route *route, struct exchange *x, struct str body, struct str key)
{
    struct claim *c = find_claim(route, key);
    if (c) {
        wait_for(c, x);
        return;
    }
    if (store_answers_find(route->services->store, str_c(route->name), key, clock_wall_ms(),
                           answer_again, x)) {
        return;
    }
    if (store_read_failure(route->services->store) < 0) { /* it may have run before */
        exchange_respond(x, 500, STR("content-type\0text/plain\0"),
                         STR("what was answered before cannot be read: this was not run\n"));
        return;
    }
    if (store_is_full(
            route->services->store)) { /* what runs could not be kept, and would run again */
        exchange_respond(x, 507, STR("content-type\0text/plain\0"),
                         STR("the disk is full: this was not run\n"));
        return;
    }
    if (invoker_is_full(route->services->invoker)) {
        exchange_respond(x, 503, STR("content-type\0text/plain\0"),
                         STR("too much is sent at once\n"));
        return;
    }
    c = mem_new(struct claim);
    c->route = route;
    c->key = mem_copy_str(key);
    list_init(&c->waiting);
    buf_init(&c->headers, 2 * LIMIT_RESPONSE_HEAD_BYTES);
    buf_init(&c->body, ROUTE_RESPONSE_BYTES_MAX);
    list_push(&route->claims, &c->link);
    wait_for(c, x);
    run(c, x, body);
}

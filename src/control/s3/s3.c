/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3.h"

#include "base/clock.h"
#include "base/mem.h"
#include "control/s3/s3_access_log.h"
#include "control/s3/s3_authenticate.h"
#include "control/s3/s3_blobs.h"
#include "control/s3/s3_dispatch.h"
#include "control/s3/s3_event.h"
#include "control/s3/s3_expiry.h"
#include "control/s3/s3_lanes.h"
#include "control/s3/s3_lifecycle.h"
#include "control/s3/s3_name.h"
#include "control/s3/s3_post.h"
#include "control/s3/s3_preflight.h"
#include "control/s3/s3_turn.h"
#include "control/s3/s3_website.h"
#include "http/http_head.h"
#include "store/store_uploads.h"

int s3_create(struct services *services, struct s3 **ret, struct err *err)
{
    struct s3 *s = mem_new(struct s3);
    s->services = services;
    int r = store_contents_open(services->loop, services->store, store_uploads_sweep, &s->contents,
                                err);
    if (r < 0) {
        free(s);
        return r;
    }
    s->lanes = s3_lanes_pool_create();
    s->lifecycle_day_ms = S3_LIFECYCLE_DAY_MS;
    s->buckets = s3_buckets_create(services->store);
    s->expiry = s3_expiry_create(s);
    s->access_logs = s3_access_logs_create(s);
    s->turns = s3_turns_create(services->loop);
    *ret = s;
    return 0;
}

/* ---- reading the head ---- */

/* "bucket.s3.amazonaws.com", "bucket.s3.eu-west-1.amazonaws.com". */
static struct str bucket_of_amazon(struct str host)
{
    const struct str domain = STR(".amazonaws.com"), service = STR(".s3.");
    const char *at = memmem(host.data, host.len, service.data, service.len);
    bool is_amazon =
        host.len > domain.len && str_eq_nocase(str_skip(host, host.len - domain.len), domain);
    return at && is_amazon ? str_of(host.data, (size_t)(at - host.data)) : STR("");
}

/* "bucket.s3.localhost:4566" and the like: the bucket, or empty. */
static struct str bucket_of_host(struct str host)
{
    static const struct str suffixes[] = {
        STR(".s3.localhost"),
        STR(".s3.localhost.localstack.cloud"),
        STR(".localhost"),
    };
    host = http_host_without_port(host);
    for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++) {
        size_t len = suffixes[i].len;
        if (host.len > len && str_eq_nocase(str_skip(host, host.len - len), suffixes[i])) {
            host.len -= len;
            /* "s3.localhost" itself is no bucket. */
            return str_eq_nocase(host, STR("s3")) ? STR("") : host;
        }
    }
    return bucket_of_amazon(host);
}

static bool read_target(struct s3_request *rq)
{
    struct str path, query, host = s3_website_bucket(rq->x->host);
    char *room;
    host = host.len > 0 ? host : bucket_of_host(rq->x->host);
    buf_init(&rq->target, rq->x->target.len + host.len + 1);
    aws_target_split(rq->x->target, &path, &query);
    if (buf_reserve(&rq->target, rq->target.limit, &room) < 0 || path.len == 0 ||
        path.data[0] != '/') {
        return false;
    }
    path = str_skip(path, 1);
    if (host.len > 0) {
        rq->bucket_name = host;
        rq->is_by_host = true;
    } else if (!s3_decode(rq, str_cut(&path, '/'), AWS_URI_PLUS, &rq->bucket_name)) {
        return false;
    }
    return s3_decode(rq, path, AWS_URI_PLUS_IS_SPACE, &rq->key) && s3_read_params(rq, query);
}

/* ---- what the exchange tells ---- */

static void on_body(struct exchange *x, struct str data)
{
    struct s3_request *rq = x->user;
    if (rq->on_body) {
        rq->on_body(rq, data);
    } else if (rq->takes_body) {
        s3_receive_feed(rq->receive, data);
    } else {
        exchange_credit(x, data.len); /* nobody wants it */
    }
}

static void on_body_end(struct exchange *x)
{
    struct s3_request *rq = x->user;
    if (rq->on_body_end) {
        rq->on_body_end(rq);
    } else if (rq->takes_body) {
        s3_receive_end(rq->receive);
    }
}

static void on_writable(struct exchange *x)
{
    struct s3_request *rq = x->user;
    if (rq->writable) {
        rq->writable(rq);
    }
}

static void on_gone(struct exchange *x)
{
    struct s3_request *rq = x->user;
    if (rq->gone) {
        rq->gone(rq);
    } else if (rq->receive) {
        s3_receive_fail(rq->receive, S3_INCOMPLETE_BODY);
    }
}

static void on_over(struct exchange *x)
{
    struct s3_request *rq = x->user;
    s3_access_log_request(rq);
    s3_receive_destroy(rq->receive, false);
    if (rq->state) {
        (rq->free_state ? rq->free_state : free)(rq->state);
    }
    if (rq->front_state) {
        rq->free_front_state(rq->front_state);
    }
    s3_event_free(rq->events);
    s3_xml_destroy(rq->xml);
    s3_bucket_unref(rq->bucket);
    buf_finish(&rq->target);
    buf_finish(&rq->head);
    buf_finish(&rq->headers);
    buf_finish(&rq->body);
    buf_finish(&rq->details);
    free(rq);
}

static const struct exchange_events events = {
    .body = on_body,
    .body_end = on_body_end,
    .writable = on_writable,
    .gone = on_gone,
    .over = on_over,
};

static struct s3_request *request_create(struct s3 *s, struct exchange *x)
{
    struct s3_request *rq = mem_new(struct s3_request);
    rq->s3 = s;
    rq->x = x;
    rq->now_ms = clock_wall_ms();
    buf_init(&rq->headers, LIMIT_RESPONSE_HEAD_BYTES);
    buf_init(&rq->body, S3_ANSWER_BYTES_MAX);
    buf_init(&rq->details, 8 * LIMIT_REQUEST_HEAD_BYTES); /* signatures are explained */
    /* Sixteen digits of the request's UUID. */
    size_t len = 0;
    for (const char *at = x->request_id; *at && len < sizeof(rq->id) - 1; at++) {
        if (*at != '-') {
            rq->id[len++] = (char)(*at >= 'a' && *at <= 'z' ? *at - 32 : *at);
        }
    }
    x->user = rq;
    x->events = &events;
    return rq;
}

void s3_begin(struct services *services, struct exchange *x)
{
    struct s3_request *rq = request_create(services->s3, x);
    if (s3_blobs_is(x)) {
        s3_blobs_begin(rq);
    } else if (!read_target(rq) || !s3_name_is_utf8(rq->key)) {
        s3_fail(rq, S3_INVALID_URI);
    } else if (str_eq(x->method, STR("OPTIONS"))) {
        rq->bucket = s3_buckets_find(rq->s3->buckets, rq->bucket_name);
        s3_preflight(rq);
    } else if (s3_website_bucket(x->host).len > 0) {
        s3_website_begin(rq);
    } else if (s3_post_is(rq)) {
        s3_post_begin(rq);
    } else if (s3_authenticate(rq)) {
        s3_dispatch(rq);
    }
}

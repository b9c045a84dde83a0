/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/aws_hold.h"

#include "base/limits.h"
#include "base/mem.h"
#include "control/s3/s3.h"

#define LOOK_MS     50
#define LOOKS_MAX   400        /* 20 s */
#define BYTES_MAX   (16 * MIB) /* more than any window has: nothing is credited meanwhile */
#define PIECE_BYTES (16 * KIB) /* no more than a frame has */

struct held {
    struct services *services;
    struct exchange *exchange;
    aws_hold_fn begin, refuse;
    struct buf body;
    bool body_ended;
    uv_timer_t timer;
    unsigned looks;
};

static void held_closed(uv_handle_t *timer)
{
    struct held *h = container_of((uv_timer_t *)timer, struct held, timer);
    buf_finish(&h->body);
    free(h);
}

/* As if it came now. */
static void replay(struct exchange *x, struct str body, bool ended)
{
    while (body.len > 0) {
        size_t len = body.len < PIECE_BYTES ? body.len : PIECE_BYTES;
        if (x->events && x->events->body) {
            x->events->body(x, str_of(body.data, len));
        } else {
            exchange_credit(x, len); /* nobody wants it */
        }
        body = str_skip(body, len);
    }
    if (ended && !x->ended && x->events && x->events->body_end) {
        x->events->body_end(x);
    }
}

static void give(struct held *h, aws_hold_fn to)
{
    struct exchange *x = h->exchange;
    x->events = NULL;
    x->user = NULL;
    to(h->services, x);
    replay(x, buf_str(&h->body), h->body_ended);
    uv_close((uv_handle_t *)&h->timer, held_closed);
}

static void look(uv_timer_t *timer)
{
    struct held *h = container_of(timer, struct held, timer);
    if (s3_is_served(h->services->s3)) {
        give(h, h->begin);
    } else if (h->looks++ >= LOOKS_MAX) {
        give(h, h->refuse);
    }
}

static void held_body(struct exchange *x, struct str data)
{
    struct held *h = x->user;
    if (buf_append(&h->body, data) < 0) {
        exchange_break(x); /* it has sent more than it may */
    }
}

static void held_body_end(struct exchange *x)
{
    struct held *h = x->user;
    h->body_ended = true;
}

static void held_gone(struct exchange *x)
{
    exchange_end(x); /* over follows */
}

static void held_over(struct exchange *x)
{
    struct held *h = x->user;
    uv_close((uv_handle_t *)&h->timer, held_closed);
}

void aws_hold(struct services *s, struct exchange *x, aws_hold_fn begin, aws_hold_fn refuse)
{
    static const struct exchange_events events = {
        .body = held_body, .body_end = held_body_end, .gone = held_gone, .over = held_over
    };
    struct held *h = mem_new(struct held);
    *h = (struct held){ .services = s, .exchange = x, .begin = begin, .refuse = refuse };
    buf_init(&h->body, BYTES_MAX);
    (void)uv_timer_init(s->loop, &h->timer); /* neither fails */
    (void)uv_timer_start(&h->timer, look, LOOK_MS, LOOK_MS);
    x->events = &events;
    x->user = h;
}

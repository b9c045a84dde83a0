/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/aws_body.h"

#include <errno.h>

#include "base/mem.h"

#define LOOK_MS   50
#define LOOKS_MAX 400 /* 20 s */

/* A call that came before the project was served. */
struct waiting {
    struct services *services;
    struct exchange *exchange;
    const struct exchange_events *before; /* the handler's */
    void *user;
    exchange_body_fn done;
    char *body; /* owned; a copy */
    size_t body_len;
    uv_timer_t timer;
    unsigned looks;
};

static void waiting_closed(uv_handle_t *timer)
{
    struct waiting *w = container_of((uv_timer_t *)timer, struct waiting, timer);
    free(w->body);
    free(w);
}

static void give(struct waiting *w, int r, struct str body)
{
    struct exchange *x = w->exchange;
    x->events = w->before;
    x->user = w->user;
    w->done(x, r, body);
    uv_close((uv_handle_t *)&w->timer, waiting_closed);
}

static void look(uv_timer_t *timer)
{
    struct waiting *w = container_of(timer, struct waiting, timer);
    if (w->services->deployment->active) {
        give(w, 0, str_of(w->body, w->body_len));
    } else if (w->looks++ >= LOOKS_MAX) {
        give(w, -EAGAIN, STR(""));
    }
}

static void waiting_gone(struct exchange *x)
{
    give(x->user, -ECANCELED, STR(""));
}

static void waiting_over(struct exchange *x)
{
    struct waiting *w = x->user; /* answered while it was read */
    uv_close((uv_handle_t *)&w->timer, waiting_closed);
}

static void have_body(struct exchange *x, int r, struct str body)
{
    struct waiting *w = x->user;
    if (r < 0 || w->services->deployment->active) {
        give(w, r, body);
        return;
    }
    w->body = mem_copy_str(body);
    w->body_len = body.len;
    (void)uv_timer_start(&w->timer, look, LOOK_MS, LOOK_MS); /* it has a callback */
}

void aws_body_read(struct services *s, struct exchange *x, size_t limit, exchange_body_fn done)
{
    static const struct exchange_events events = { .gone = waiting_gone, .over = waiting_over };
    if (s->deployment->active) { /* and stays so */
        exchange_read_body(x, limit, done);
        return;
    }
    struct waiting *w = mem_new(struct waiting);
    *w = (struct waiting){
        .services = s, .exchange = x, .before = x->events, .user = x->user, .done = done
    };
    (void)uv_timer_init(s->loop, &w->timer); /* always succeeds */
    x->events = &events;
    x->user = w;
    exchange_read_body(x, limit, have_body);
}

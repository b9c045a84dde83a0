/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/conn_requests.h"

#include <errno.h>

#include "gateway/instance.h"
#include "gateway/invoke.h"
#include "gateway/request_error.h"
#include "gateway/request_log.h"
#include "gateway/request_steps.h"

static int on_head(struct conn *c, struct str bytes)
{
    struct request *rq;
    int r = request_create(c->gateway, c, bytes, &rq);
    if (r < 0) {
        return r;
    }
    conn_begin(c, rq, &rq->head);
    rq->body_end = conn_body_is_complete(&c->body);
    request_start(rq);
    return 0;
}

static void on_refuse(struct conn *c, unsigned status, struct str head)
{
    request_log_refused(c, head);
    request_refuse(c, status);
}

static void on_body(struct request *rq, struct str data)
{
    int r = invoke_body(rq, data);
    if (r == -EFBIG) {
        request_fail(rq, ERROR_BODY, STR(""));
    } else if (r < 0) {
        request_fail(rq, ERROR_CRASH, STR("its channel is blocked"));
    }
}

static void on_body_end(struct request *rq)
{
    rq->body_end = true;
    invoke_body_end(rq);
}

static bool on_gone(struct request *rq)
{
    bool begun = rq->reply_started;
    bool is_over = !rq->function;
    request_leave_conn(rq);
    if (is_over) {
        return begun;
    }
    if (rq->outcome == RECORD_OK) {
        rq->outcome = RECORD_CLIENT;
    }
    if (rq->instance) {
        instance_cancel(rq, FRAME_CANCEL_CLIENT);
    } else {
        request_done(rq, 0, 0);
    }
    return begun;
}

const struct conn_events conn_requests = { .head = on_head,
                                           .refuse = on_refuse,
                                           .body_room = invoke_body_room,
                                           .body = on_body,
                                           .body_reserve = invoke_body_reserve,
                                           .body_commit = invoke_body_commit,
                                           .body_end = on_body_end,
                                           .drained = invoke_drained,
                                           .gone = on_gone };

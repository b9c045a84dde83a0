/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/instance_requests.h"

#include <errno.h>

#include "gateway/control_files.h"
#include "gateway/gateway.h"
#include "gateway/invoke.h"
#include "gateway/lease.h"
#include "gateway/request_error.h"
#include "gateway/request_frames.h"
#include "gateway/request_log.h"

#define ATTEMPTS_MAX 3 /* instances that may die under a request that none has accepted */

static int on_other_frame(struct instance *i, const struct frame *frame, const char *payload)
{
    if (frame->type == FRAME_LOG) {
        request_log_console(i, NULL, frame->value, str_of(payload, frame->length),
                            frame->flags & FRAME_FLAG_TRUNCATED);
        return 0;
    }
    if (frame->stream != 0) { /* of one that was given up: late */
        if (frame->type == FRAME_FILE && i->function == i->gateway->control_function) {
            control_files_unwanted(i->gateway, frame->stream);
        }
        return 0;
    }
    if (frame->type == FRAME_LOG_LOST) {
        records_lost(&i->gateway->records, frame->value);
        return 0;
    }
    return -EPROTO;
}

/* Answered, or tried elsewhere if no code of the function has seen it. */
static void on_lost(struct instance *i, struct request *rq, enum error_kind kind, struct str text)
{
    if (rq->conn && !rq->accepted && !rq->responded && rq->attempts < ATTEMPTS_MAX &&
        !i->function->retired) {
        lease_again(rq);
        return;
    }
    if (!rq->response_over && rq->outcome != RECORD_TIMEOUT) {
        request_fail(rq, kind, text);
    }
    request_done(rq, 0, 0);
}

static void on_misbehaved(struct instance *i)
{
    request_log_instance(i, RECORD_ERROR,
                         STR("the instance broke the channel's rules and was killed"));
}

const struct instance_events instance_requests = { .frame = request_frame,
                                                   .other_frame = on_other_frame,
                                                   .up = lease_up,
                                                   .room = lease_offer,
                                                   .retry = invoke_retry,
                                                   .lost = on_lost,
                                                   .again = lease_again,
                                                   .misbehaved = on_misbehaved };

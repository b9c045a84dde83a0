/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/api_queue.h"

#include <errno.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/eventbridge/aws_sdk.h"
#include "control/events/eventbridge/event_arn.h"
#include "control/events/eventbridge/target_attempt.h"
#include "control/events/schedules/schedule_input.h"
#include "control/sign/aws_sign_own.h"
#include "control/text/json_reading.h"
#include "http/http_block.h"

#define IN_FLIGHT_MAX 64 /* a synchronous Invoke may take fifteen minutes */
#define ANSWER_BYTES  (8 * MIB)
#define HOST          "localhost" /* the invoker's, which is part of what is signed */

struct api_call {
    struct services *services;
    struct delivery *delivery;
};

static bool passes(unsigned status)
{
    return status == 429 || status >= 500;
}

static void failed(struct api_call *call, const struct invocation_result *result)
{
    struct aws_sdk_error error;
    aws_sdk_error_read(&error, result->headers, result->body);
    const struct target_failure failure = {
        .fault = passes(result->status) ? TARGET_FAULT_PASSES : TARGET_FAULT_STAYS,
        .code = error.code[0] ? error.code : "UnknownError",
        .why = error.message,
    };
    target_attempt_failed(call->services, call->delivery, &failure);
}

static void call_done(const struct invocation_result *result, void *context)
{
    struct api_call *call = context;
    if (result->error == -EIO) {
        const struct target_failure failure = { TARGET_FAULT_PASSES, "ServiceUnavailable",
                                                "the AWS port broke off", 0 };
        target_attempt_failed(call->services, call->delivery, &failure);
    } else if (result->error == 0 && (result->status < 200 || result->status > 299)) {
        failed(call, result);
    } else { /* also when its answer was too large: nobody reads it */
        queue_delivered(call->delivery);
    }
    free(call);
}

/* The account's root, unless a user with an account of its own has made the schedule; NULL: that
 * one is gone. */
static const struct aws_user *find_user(struct services *s, json_t *target)
{
    const char *key = json_text(target, "user");
    return key ? aws_users_find(s->users, str_c(key)) : aws_users_root(s->users);
}

static int sign(struct services *s, json_t *attributes, struct aws_sdk_request *rq)
{
    char region[AWS_SCOPE_BYTES] = EVENT_ARN_REGION;
    const struct str body = buf_str(&rq->body);
    const struct aws_user *user = find_user(s, json_object_get(attributes, "target"));
    const char *source = json_text(attributes, "source");
    const struct aws_sign_request request = { .method = str_c(rq->method),
                                              .target = buf_str(&rq->target),
                                              .host = STR(HOST),
                                              .now_s = clock_wall_ms() / 1000,
                                              .body = &body };
    if (!user) {
        return -EACCES;
    }
    (void)!str_keep(event_arn_region(str_c(source ? source : "")), region, sizeof(region));
    TRY(aws_sign_own(s->users, user, &request, region, rq->service, &rq->headers));
    return http_block_add(&rq->headers, STR("x-mayfly-aws"), STR("1"));
}

/* The signed request of the message; else what is wrong with it. */
static int write_request(struct services *s, const struct delivery *d, struct aws_sdk_request *ret,
                         struct err *err)
{
    struct buf input;
    const struct stored_message *m = &d->messages[0].message;
    json_t *attributes = target_attempt_read(d);
    const char *api = json_text(json_object_get(attributes, "target"), "api");
    buf_init(&input, LIMIT_EVENT_BYTES);
    schedule_input_append_attempt(&input, m->body, m->attempts);
    int r = aws_sdk_request_init(ret, str_c(api ? api : ""), buf_str(&input), err);
    buf_finish(&input);
    if (r == 0) {
        r = sign(s, attributes, ret);
        if (r < 0) {
            aws_sdk_request_finish(ret);
            r = err_set(err, -r,
                        r == -EACCES ? "the user who made its schedule is gone"
                                     : "its input is too large");
        }
    }
    json_decref(attributes);
    return r;
}

static const char *code_of(int r)
{
    return r == -ENOSYS ? "NO_RESOURCE" : r == -EACCES ? "NO_PERMISSIONS" : "INVALID_PARAMETER";
}

static void api_deliver(struct queue *q, struct delivery *d, void *context)
{
    struct services *s = context;
    struct aws_sdk_request rq;
    struct err err = { 0 };
    char name[QUEUE_DELIVERY_NAME_BYTES];
    (void)q;
    int r = write_request(s, d, &rq, &err);
    if (r < 0) {
        const struct target_failure failure = { TARGET_FAULT_STAYS, code_of(r), err.text, 0 };
        target_attempt_failed(s, d, &failure);
        return;
    }
    struct api_call *call = mem_new(struct api_call);
    *call = (struct api_call){ s, d };
    queue_delivery_name(d, name);
    const struct invocation_request invocation = { .method = str_c(rq.method),
                                                   .target = buf_str(&rq.target),
                                                   .host = STR(HOST),
                                                   .event = str_c(name),
                                                   .headers = buf_str(&rq.headers),
                                                   .body = buf_str(&rq.body),
                                                   .response_max_bytes = ANSWER_BYTES };
    (void)invoker_call(s->invoker, &invocation, call_done, call);
    aws_sdk_request_finish(&rq);
}

void api_queue_open(struct services *s)
{
    static const struct queue_consumer consumer = { .name = "api", .deliver = api_deliver };
    static const struct queue_policy policy = { .batch_size = 1, .concurrency = IN_FLIGHT_MAX };
    queue_consume(queue_open(s->queues, STR(API_QUEUE)), &consumer, &policy, s);
}

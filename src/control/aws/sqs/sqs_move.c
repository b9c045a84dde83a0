/* SQS: moving dead letters. A task handle is {"taskId","sourceArn"} in base64, as AWS's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "control/aws/sqs/sqs_operations.h"
#include "control/events/sqs/sqs_moves.h"
#include "control/text/base64.h"
#include "control/text/json_read.h"

#define RATE_MAX  500
#define LIST_MAX  10
#define ARN_PARTS 5 /* colons in front of the name */

/* The queue that an ARN names; `ret_missing` tells an ARN from what is none. NULL: none. */
static struct sqs_queue *queue_of(const struct sqs_call *c, const char *arn, bool *ret_is_arn)
{
    size_t colons = 0;
    for (const char *at = arn; *at; at++) {
        colons += *at == ':';
    }
    *ret_is_arn = colons == ARN_PARTS && strncmp(arn, "arn:", 4) == 0;
    return *ret_is_arn ? sqs_queue_find(c->queues, str_c(strrchr(arn, ':') + 1)) : NULL;
}

/* The queue of a parameter; NULL: the call has failed. */
static struct sqs_queue *need_queue(struct sqs_call *c, const char *parameter)
{
    const char *arn = sqs_call_text(c->input, parameter);
    bool is_arn = false;
    if (!arn) {
        sqs_call_fail(c, SQS_ERROR_MISSING, "The request must contain the parameter %s.",
                      parameter);
        return NULL;
    }
    struct sqs_queue *q = queue_of(c, arn, &is_arn);
    if (!is_arn) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "You must use this format to specify the %s: "
                      "arn:<partition>:<service>:<region>:<account-id>:<resource-id>",
                      parameter);
    } else if (!q) {
        sqs_call_fail(c, SQS_ERROR_NO_RESOURCE,
                      "The resource that you specified for the %s parameter doesn't exist.",
                      parameter);
    }
    return q;
}

static bool is_dead_letter_queue(const struct sqs_call *c, const struct sqs_queue *q)
{
    for (GTreeNode *n = g_tree_node_first(c->queues->by_name); n; n = g_tree_node_next(n)) {
        const struct sqs_queue *other = g_tree_node_value(n);
        if (other->dead_letter && strcmp(other->dead_letter, q->name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_running(const struct sqs_move *m)
{
    return m->status == SQS_MOVE_RUNNING || m->status == SQS_MOVE_CANCELLING;
}

static const struct sqs_move *running_of(const struct sqs_call *c, const struct sqs_queue *source)
{
    list_for_each (item, &c->services->sqs_moves->tasks) {
        const struct sqs_move *m = list_entry(item, struct sqs_move, link);
        if (is_running(m) && strcmp(m->source, source->name) == 0) {
            return m;
        }
    }
    return NULL;
}

static json_t *handle_of(const struct sqs_call *c, const struct sqs_move *m)
{
    char arn[SQS_ARN_BYTES];
    char text[SQS_ARN_BYTES + 96];
    sqs_queue_arn(m->source, str_c(c->region), arn);
    int len = snprintf(text, sizeof(text), "{\"taskId\":\"%s\",\"sourceArn\":\"%s\"}", m->id, arn);
    scoped_free char *handle = base64_encode(str_of(text, (size_t)len));
    return json_string(handle);
}

/* A task to the queue itself would never end; a FIFO queue hands out no message without a group. */
static bool check_destination(struct sqs_call *c, const struct sqs_queue *source,
                              const struct sqs_queue *destination)
{
    const char *why = destination == source ? "It must be another queue than the source."
                      : destination->fifo != source->fifo
                          ? "It must be of the same type as the source queue."
                          : NULL;
    if (why) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "Value for parameter DestinationArn is invalid. Reason: %s", why);
    }
    return !why;
}

void sqs_move_start(struct sqs_call *c)
{
    struct sqs_queue *source = need_queue(c, "SourceArn");
    struct sqs_queue *destination = NULL;
    int64_t rate = 0;
    if (!source) {
        return;
    }
    if (!is_dead_letter_queue(c, source)) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "Source queue must be configured as a Dead Letter Queue.");
        return;
    }
    if (sqs_call_text(c->input, "DestinationArn") &&
        (!(destination = need_queue(c, "DestinationArn")) ||
         !check_destination(c, source, destination))) {
        return;
    }
    if (json_object_get(c->input, "MaxNumberOfMessagesPerSecond") &&
        (!sqs_call_number(c->input, "MaxNumberOfMessagesPerSecond", &rate) || rate < 1 ||
         rate > RATE_MAX)) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must "
                      "be between 1 and 500, if provided.");
        return;
    }
    if (running_of(c, source)) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "There is already a task running. Only one active task is allowed for a "
                      "source queue arn at a given time.");
        return;
    }
    const struct sqs_move *m = sqs_moves_start(c->services->sqs_moves, source, destination,
                                               (uint32_t)rate, sqs_call_saved, c);
    c->context = json_pack("{s:o}", "TaskHandle", handle_of(c, m));
}

/* The task id of a handle, and the ARN; NULL: it is no handle. The caller owns the result. */
static json_t *read_handle(const char *handle)
{
    size_t len = 0;
    scoped_free char *text = base64_decode(str_c(handle), &len);
    json_t *json = text ? json_read(str_of(text, len), 0) : NULL;
    if (json && (!sqs_call_text(json, "taskId") || !sqs_call_text(json, "sourceArn"))) {
        json_decref(json);
        json = NULL;
    }
    return json;
}

static void cancel(struct sqs_call *c, const json_t *handle)
{
    bool is_arn;
    const char *id = sqs_call_text(handle, "taskId");
    const struct sqs_queue *source = queue_of(c, sqs_call_text(handle, "sourceArn"), &is_arn);
    struct sqs_move *m = sqs_moves_find(c->services->sqs_moves, str_c(id));
    if (!source) {
        sqs_call_fail(c, SQS_ERROR_NO_RESOURCE,
                      "The resource that you specified for the SourceArn parameter doesn't exist.");
    } else if (!m || m->status != SQS_MOVE_RUNNING || !sqs_moves_cancel(m, sqs_call_saved, c)) {
        sqs_call_fail(c, SQS_ERROR_NO_RESOURCE, "Task does not exist.");
    } else {
        c->context = json_pack("{s:I}", "ApproximateNumberOfMessagesMoved", (json_int_t)m->moved);
    }
}

void sqs_move_cancel(struct sqs_call *c)
{
    const char *text = sqs_call_text(c->input, "TaskHandle");
    if (!text) {
        sqs_call_fail(c, SQS_ERROR_MISSING, "The request must contain the parameter TaskHandle.");
        return;
    }
    json_t *handle = read_handle(text);
    if (handle) {
        cancel(c, handle);
    } else {
        sqs_call_fail(c, SQS_ERROR_PARAMETER, "Value for parameter TaskHandle is invalid.");
    }
    json_decref(handle);
}

static json_t *describe(const struct sqs_call *c, const struct sqs_move *m)
{
    char source[SQS_ARN_BYTES];
    char destination[SQS_ARN_BYTES];
    sqs_queue_arn(m->source, str_c(c->region), source);
    json_t *out = json_pack("{s:s, s:s, s:I, s:I, s:I}", "Status", sqs_moves_status(m), "SourceArn",
                            source, "ApproximateNumberOfMessagesMoved", (json_int_t)m->moved,
                            "ApproximateNumberOfMessagesToMove", (json_int_t)m->to_move,
                            "StartedTimestamp", (json_int_t)m->started_ms);
    if (m->destination) {
        sqs_queue_arn(m->destination, str_c(c->region), destination);
        (void)json_object_set_new(out, "DestinationArn", json_string(destination));
    }
    if (m->rate > 0) {
        (void)json_object_set_new(out, "MaxNumberOfMessagesPerSecond", json_integer(m->rate));
    }
    if (m->reason) {
        (void)json_object_set_new(out, "FailureReason", json_string(m->reason));
    }
    if (m->status == SQS_MOVE_RUNNING) {
        (void)json_object_set_new(out, "TaskHandle", handle_of(c, m));
    }
    return out;
}

void sqs_move_list(struct sqs_call *c)
{
    const struct sqs_queue *source = need_queue(c, "SourceArn");
    int64_t max = 1;
    if (!source) {
        return;
    }
    if (json_object_get(c->input, "MaxResults") &&
        (!sqs_call_number(c->input, "MaxResults", &max) || max < 1 || max > LIST_MAX)) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "Value for parameter MaxResults is invalid. Reason: Must be between 1 and "
                      "10, if provided.");
        return;
    }
    json_t *results = json_array();
    list_for_each (item, &c->services->sqs_moves->tasks) {
        const struct sqs_move *m = list_entry(item, struct sqs_move, link);
        if (m->is_known && json_array_size(results) < (size_t)max &&
            strcmp(m->source, source->name) == 0) {
            (void)json_array_append_new(results, describe(c, m));
        }
    }
    sqs_call_answer(c, json_pack("{s:o}", "Results", results));
}

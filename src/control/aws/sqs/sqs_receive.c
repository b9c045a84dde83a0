/* SQS: ReceiveMessage.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/aws/sqs/sqs_attributes.h"
#include "control/aws/sqs/sqs_check.h"
#include "control/aws/sqs/sqs_operations.h"
#include "control/events/sqs/sqs_attempt.h"
#include "control/events/sqs/sqs_md5.h"
#include "control/events/sqs/sqs_record.h"
#include "control/text/json_read.h"

#define WAIT_MAX_S 20

/* ---- receiving ---- */

struct receive {
    struct sqs_call *c;
    struct sqs_queue *q;
    size_t max;
    uint64_t received_ms; /* the request */
    uint64_t visibility_ms;
    uint64_t until_ms;      /* of the loop: when to stop waiting */
    json_t *messages;       /* owned; what has been found */
    const char *attempt_id; /* the input's, under which it is remembered; NULL: it is not */
    struct sqs_attempt attempt;
    size_t burying; /* of what was found, on its way to the dead-letter queue */
    struct queue_taken taken;
    bool taking; /* it is being written what was taken */
    struct queue_waiter waiter;
    uv_timer_t timer;
    uint32_t references; /* its call, burials */
};

static void receive_free(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct receive, timer));
}

static void receive_unref(struct receive *r)
{
    if (--r->references == 0) {
        uv_close((uv_handle_t *)&r->timer, receive_free);
    }
}

static void receive_end(struct receive *r)
{
    list_remove(&r->waiter.link);
    (void)uv_timer_stop(&r->timer); /* always succeeds */
    json_decref(r->messages);
    sqs_queue_unref(r->q);
    r->c->gone = NULL;
    r->c = NULL;
    receive_unref(r);
}

/* "All", a name, "*" or "prefix.*". */
static bool matches(const char *wanted, const char *name)
{
    size_t len = strlen(wanted);
    if (len == 0 || wanted[len - 1] != '*') {
        return strcmp(wanted, "All") == 0 || strcmp(wanted, name) == 0;
    }
    len -= len > 1 && wanted[len - 2] == '.' ? 2 : 1;
    return strncmp(wanted, name, len) == 0;
}

static bool wants(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *wanted = json_string_value(json_array_get(names, i));
        if (wanted && matches(wanted, name)) {
            return true;
        }
    }
    return false;
}

static json_t *system_attributes(const struct receive *r, const struct stored_message *m,
                                 const json_t *stored)
{
    const json_t *old_names = json_object_get(r->c->input, "AttributeNames");
    const json_t *names = json_object_get(r->c->input, "MessageSystemAttributeNames");
    json_t *all = sqs_record_system(m, stored, r->q->fifo, str_c(r->c->region));
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(all, next, name, value)
    {
        if (!wants(names, name) && !wants(old_names, name)) {
            (void)json_object_del(all, name);
        }
    }
    return all;
}

/* Those that were asked for; their digest is of these. */
static json_t *message_attributes(const struct receive *r, const json_t *stored)
{
    const json_t *names = json_object_get(r->c->input, "MessageAttributeNames");
    json_t *to = json_object();
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(stored, "messageAttributes"), name, value)
    {
        if (wants(names, name)) {
            (void)json_object_set(to, name, value);
        }
    }
    return to;
}

static json_t *message_json(const struct receive *r, const struct stored_message *m)
{
    char md5[SQS_MD5_BYTES];
    scoped_free char *receipt = sqs_record_receipt(m, r->received_ms);
    json_t *stored = json_read(m->attributes, JSON_ALLOW_NUL);
    json_t *system = system_attributes(r, m, stored);
    json_t *own = message_attributes(r, stored);
    json_t *body = json_stringn(m->body.data, m->body.len);
    sqs_md5_body(m->body, md5);
    json_t *json = json_pack("{s:s, s:s, s:s, s:o}", "MessageId", m->uuid.data, "ReceiptHandle",
                             receipt, "MD5OfBody", md5, "Body", body ? body : json_string(""));
    if (json_object_size(system) > 0) {
        (void)json_object_set(json, "Attributes", system);
    }
    if (sqs_md5_attributes(own, md5)) {
        (void)json_object_set(json, "MessageAttributes", own);
        (void)json_object_set_new(json, "MD5OfMessageAttributes", json_string(md5));
    }
    json_decref(system);
    json_decref(own);
    json_decref(stored);
    return json;
}

static void receive_found(struct receive *r);

static void buried(void *context)
{
    struct receive *r = context;
    r->burying--;
    if (r->c && r->burying == 0) {
        receive_found(r);
    }
    receive_unref(r);
}

/* Whether a message that was taken may be handed out: not when it was too often, unless its
 * dead-letter queue is gone. */
static bool is_deliverable(struct receive *r, const struct stored_message *m)
{
    struct sqs_queue *q = r->q;
    if (q->dead_letter && m->attempts > q->max_receives &&
        sqs_queue_bury(r->c->queues, q, m, buried, r)) {
        r->references++;
        r->burying++;
        return false;
    }
    return true;
}

static void receive_answer(struct receive *r)
{
    json_t *output = json_object();
    if (json_array_size(r->messages) > 0) {
        (void)json_object_set(output, "Messages", r->messages);
    }
    if (r->attempt_id && r->attempt.count > 0) {
        sqs_attempt_keep(r->q->attempts, r->attempt_id, &r->attempt, r->received_ms);
    }
    struct sqs_call *c = r->c;
    receive_end(r);
    sqs_call_answer(c, output);
}

static void receive_fail(struct receive *r, enum sqs_error error)
{
    struct sqs_call *c = r->c;
    receive_end(r);
    sqs_call_fail(c, error, NULL);
}

static void receive_take(struct receive *r)
{
    r->taking = true;
    queue_take(r->q->queue, r->max, clock_wall_ms() + r->visibility_ms, &r->taken);
    if (r->taken.count > 0) {
        r->references++;
        return;
    }
    r->taking = false;
    if (store_read_failure(r->c->services->store) < 0) {
        receive_fail(r, SQS_ERROR_INTERNAL);
    } else if (uv_now(r->c->services->loop) >= r->until_ms && !r->taken.is_behind) {
        receive_answer(r);
    } else {
        queue_wait(r->q->queue, &r->waiter);
    }
}

/* Answers with what there is, once dead letters are where they belong; if those were all, what is
 * behind them may be had. */
static void receive_found(struct receive *r)
{
    if (r->q->removed) {
        receive_fail(r, SQS_ERROR_NO_QUEUE);
    } else if (json_array_size(r->messages) > 0) {
        receive_answer(r);
    } else {
        receive_take(r);
    }
}

/* What could not be hidden is not handed out: others would be given it, too, and its attempts not
 * be counted. */
static void receive_taken(struct queue_taken *t)
{
    struct receive *r = container_of(t, struct receive, taken);
    r->taking = false;
    for (size_t i = 0; r->c && t->result == 0 && i < t->count; i++) {
        const struct stored_message *m = &t->messages[i].message;
        if (is_deliverable(r, m)) {
            (void)json_array_append_new(r->messages, message_json(r, m));
            sqs_attempt_add(&r->attempt, m);
        }
    }
    queue_taken_free(t);
    if (r->c && t->result < 0) {
        receive_fail(r, t->result == -ENOSPC ? SQS_ERROR_FULL : SQS_ERROR_INTERNAL);
    } else if (r->c && r->burying == 0) {
        receive_found(r);
    }
    receive_unref(r);
}

static void receive_available(struct queue_waiter *w)
{
    struct receive *r = container_of(w, struct receive, waiter);
    if (r->q->removed) {
        receive_fail(r, SQS_ERROR_NO_QUEUE);
    } else {
        receive_take(r);
    }
}

/* What has been found meanwhile is answered in a moment. */
static void receive_timed_out(uv_timer_t *timer)
{
    struct receive *r = container_of(timer, struct receive, timer);
    if (!r->taking && r->burying == 0) {
        receive_answer(r);
    }
}

static void receive_gone(struct sqs_call *c)
{
    receive_end(c->context);
    c->answered = true;
    exchange_end(c->exchange);
}

static bool read_number(struct sqs_call *c, const char *name, int64_t min, int64_t max,
                        int64_t *ret)
{
    int64_t number = 0;
    if (!json_object_get(c->input, name)) {
        return true;
    }
    if (!sqs_call_number(c->input, name, &number) || number < min || number > max) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      min > 0 ? "Value %lld for parameter %s is invalid. Reason: Must be between "
                                "%lld and %lld, if provided."
                              : "Value %lld for parameter %s is invalid. Reason: Must be >= %lld "
                                "and <= %lld, if provided.",
                      (long long)number, name, (long long)min, (long long)max);
        return false;
    }
    *ret = number;
    return true;
}

/* ---- the same again ---- */

struct again {
    struct receive *receive;
    uint64_t now_ms;
    uint64_t first_ms;
    uint32_t attempts;
    bool is_same;
};

/* Still there, still hidden, and handed out to nobody since. */
static bool add_again(const struct stored_message *m, void *context)
{
    struct again *a = context;
    struct receive *r = a->receive;
    a->is_same = m->state == MESSAGE_WAITING && m->queue == queue_number(r->q->queue) &&
                 m->attempts == a->attempts && m->due_ms > a->now_ms;
    if (a->is_same) {
        struct stored_message copy = *m;
        scoped_free char *texts = queue_copy_texts(&copy);
        (void)texts; /* what `copy` points into */
        a->first_ms = m->first_ms;
        (void)json_array_append_new(r->messages, message_json(r, &copy));
    }
    return false;
}

static void was_hidden(struct queue_settle *settle, int r)
{
    (void)r; /* then it is hidden as before */
    free(settle);
}

/* Hidden for the whole time from now on. */
static void hide_again(struct receive *r, uint64_t id, const struct again *a)
{
    struct queue_settle *settle = mem_new(struct queue_settle);
    *settle = (struct queue_settle){ .queue = r->q->queue,
                                     .outcome = { .id = id,
                                                  .fate = FATE_AGAIN,
                                                  .due_ms = a->now_ms + r->visibility_ms,
                                                  .first_ms = a->first_ms,
                                                  .attempts = a->attempts,
                                                  .error = STR("") },
                                     .done = was_hidden };
    queue_settle(settle);
}

/* Gives what the attempt was given before; false: something of it has changed meanwhile. */
static bool receive_again(struct receive *r, const struct sqs_attempt *attempt)
{
    struct again all[SQS_ATTEMPT_MESSAGES];
    uint64_t now_ms = r->received_ms;
    r->received_ms = attempt->made_ms; /* so the receipts are the same, too */
    for (size_t i = 0; i < attempt->count; i++) {
        all[i] = (struct again){ .receive = r,
                                 .attempts = attempt->messages[i].attempts,
                                 .now_ms = now_ms };
        (void)store_messages_find(r->c->services->store, attempt->messages[i].id, add_again,
                                  &all[i]); /* one that is not there is not the same */
        if (!all[i].is_same) {
            (void)json_array_clear(r->messages); /* always succeeds */
            r->received_ms = now_ms;
            return false;
        }
    }
    for (size_t i = 0; i < attempt->count; i++) {
        hide_again(r, attempt->messages[i].id, &all[i]);
    }
    receive_answer(r);
    return true;
}

/* ---- the call ---- */

/* Whether the attempt's name, if it has one, is sound; else that is answered. */
static bool check_attempt(struct sqs_call *c, const struct sqs_queue *q)
{
    static const char name[] = "ReceiveRequestAttemptId";
    struct sqs_fault f;
    const char *id = sqs_call_text(c->input, name);
    int r = 0;
    if (id && !q->fifo) {
        r = sqs_check_fault(&f, SQS_ERROR_PARAMETER,
                            "Value %.200s for parameter %s is invalid. Reason: The request include "
                            "parameter that is not valid for this queue type.",
                            id, name);
    } else if (id) {
        r = sqs_check_token(name, id, &f);
    }
    if (r < 0) {
        sqs_call_fail(c, f.error, "%s", f.text);
    }
    return r == 0;
}

static bool is_system_attribute(const char *name)
{
    static const char *const names[] = { "SenderId",
                                         "SentTimestamp",
                                         "ApproximateReceiveCount",
                                         "ApproximateFirstReceiveTimestamp",
                                         "SequenceNumber",
                                         "MessageDeduplicationId",
                                         "MessageGroupId",
                                         "AWSTraceHeader",
                                         "DeadLetterQueueSourceArn" };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return sqs_attributes_is_known(
        name); /* by the model they may be asked for, and have no value */
}

/* Whether the attributes are there that the message is to come with; else that is answered. */
static bool check_names(struct sqs_call *c, const char *member)
{
    const json_t *names = json_object_get(c->input, member);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!name || !is_system_attribute(name)) {
            sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_NAME, "Unknown Attribute %.200s.",
                          name ? name : "");
            return false;
        }
    }
    return true;
}

void sqs_receive(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    if (!q || !check_names(c, "AttributeNames") || !check_names(c, "MessageSystemAttributeNames")) {
        return;
    }
    int64_t max = 1, wait = (int64_t)(q->wait_ms / 1000),
            visibility = (int64_t)(q->visibility_ms / 1000);
    if (!read_number(c, "MaxNumberOfMessages", 1, SQS_BATCH_MAX, &max) ||
        !read_number(c, "WaitTimeSeconds", 0, WAIT_MAX_S, &wait) ||
        !read_number(c, "VisibilityTimeout", 0, SQS_VISIBILITY_MAX_S, &visibility) ||
        !check_attempt(c, q)) {
        return;
    }
    const char *id = sqs_call_text(c->input, "ReceiveRequestAttemptId");
    struct sqs_attempt before;
    bool is_known = id && sqs_attempt_find(q->attempts, id, clock_wall_ms(), &before);
    struct receive *r = mem_new(struct receive);
    *r = (struct receive){ .c = c,
                           .q = sqs_queue_ref(q),
                           .max = (size_t)max,
                           .received_ms = clock_wall_ms(),
                           .visibility_ms = (uint64_t)visibility * 1000,
                           .until_ms = uv_now(c->services->loop) + (uint64_t)wait * 1000,
                           .messages = json_array(),
                           .taken = { .taken = receive_taken },
                           .waiter = { .available = receive_available },
                           .references = 1 };
    list_init(&r->waiter.link);
    (void)uv_timer_init(c->services->loop, &r->timer); /* always succeeds */
    c->context = r;
    c->gone = receive_gone;
    if (wait > 0) {
        (void)uv_timer_start(&r->timer, receive_timed_out, (uint64_t)wait * 1000, 0);
    }
    if (is_known && receive_again(r, &before)) {
        return;
    }
    r->attempt_id = id;
    receive_take(r);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/lambda/lambda_batch.h"

#include <assert.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/lambda/lambda_error.h"
#include "control/events/lambda/lambda_path.h"
#include "control/events/lambda/lambda_source.h"
#include "control/events/queue/event_log.h"
#include "control/events/sqs/sqs_md5.h"
#include "control/events/sqs/sqs_record.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"
#include "http/http_block.h"

#define EVENT_BYTES (6 * MIB) /* Lambda's payload */
#define POSTPONE_MS 1000      /* until a function that could not be invoked is tried again */

/* ---- the event ---- */

static json_t *message_attributes(const json_t *stored)
{
    json_t *to = json_object();
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(stored, "messageAttributes"), name, value)
    {
        json_t *string = json_object_get(value, "StringValue");
        json_t *binary = json_object_get(value, "BinaryValue");
        json_t *one = json_object();
        if (string) {
            (void)json_object_set(one, "stringValue", string);
        }
        if (binary) {
            (void)json_object_set(one, "binaryValue", binary);
        }
        (void)json_object_set_new(one, "stringListValues", json_array());
        (void)json_object_set_new(one, "binaryListValues", json_array());
        (void)json_object_set(one, "dataType", json_object_get(value, "DataType"));
        (void)json_object_set_new(to, name, one);
    }
    return to;
}

static json_t *record_of(const struct lambda_source *ls, const struct delivered *d)
{
    const struct stored_message *m = &d->message;
    const struct sqs_queue *q = sqs_queue_find(ls->services->sqs, str_c(ls->queue));
    char md5[SQS_MD5_BYTES], arn[SQS_ARN_BYTES];
    scoped_free char *receipt = sqs_record_receipt(m, clock_wall_ms());
    json_t *stored = json_read(m->attributes, JSON_ALLOW_NUL);
    json_t *body = json_stringn(m->body.data, m->body.len);
    sqs_queue_arn(ls->queue, str_c(ls->region), arn);
    sqs_md5_body(m->body, md5);
    json_t *record =
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:s, s:s}", "messageId", m->uuid.data,
                  "receiptHandle", receipt, "body", body ? body : json_string(""), "attributes",
                  sqs_record_system(m, stored, q && q->fifo, str_c(ls->region)),
                  "messageAttributes", message_attributes(stored), "md5OfBody", md5, "eventSource",
                  "aws:sqs", "eventSourceARN", arn, "awsRegion", ls->region);
    if (sqs_md5_attributes(json_object_get(stored, "messageAttributes"), md5)) {
        (void)json_object_set_new(record, "md5OfMessageAttributes", json_string(md5)); /* hex */
    } else if (json_integer_value(json_object_get(ls->config, "window_ms")) > 0) {
        /* Without a window Lambda leaves it out: a schema has to allow both. */
        (void)json_object_set_new(record, "md5OfMessageAttributes", json_null());
    }
    json_decref(stored);
    return record;
}

/* ---- filters ---- */

/* A body that is JSON is matched as such, any other only as a text. */
static bool passes(const struct lambda_source *ls, const json_t *record)
{
    if (ls->filter_count == 0) {
        return true;
    }
    json_t *event = json_copy(json_reading(record));
    const char *body = json_string_value(json_object_get(record, "body"));
    json_t *parsed = body ? json_loads(body, 0, NULL) : NULL;
    if (parsed) {
        (void)json_object_set_new(event, "body", parsed);
    }
    bool found = false;
    for (size_t i = 0; i < ls->filter_count && !found; i++) {
        found = event_pattern_matches(ls->filters[i], event);
    }
    json_decref(event);
    return found;
}

/* Its text, which the caller frees; NULL: it does not pass, and is done with: Lambda deletes it. */
static char *record_text(const struct lambda_source *ls, struct delivered *m)
{
    json_t *record = record_of(ls, m);
    char *text = passes(ls, record) ? json_write(record) : NULL;
    if (!text) {
        queue_set_outcome(m, FATE_GONE, 0, STR(""));
    }
    json_decref(record);
    return text;
}

/* It comes again as if it had not been its turn. */
static void leave_out(struct delivered *m)
{
    m->outcome.attempts--;
    queue_set_outcome(m, FATE_AGAIN, m->message.due_ms, m->message.error);
}

/* Adds as many as fit into an event: a quote is two bytes there, and the queue knows only how long
 * bodies are. Returns how many; those behind the first that does not fit are left out with it, or
 * they would go ahead of it in its group. */
static size_t add_records(const struct lambda_source *ls, struct delivery *d, struct buf *event)
{
    size_t count = 0;
    bool is_full = false;
    for (size_t i = 0; i < d->count; i++) {
        scoped_free char *text = is_full ? NULL : record_text(ls, &d->messages[i]);
        is_full = is_full || (text && count > 0 && event->len + strlen(text) > EVENT_BYTES - 8);
        if (is_full) {
            leave_out(&d->messages[i]);
        } else if (text) {
            (void)!buf_append(event, count++ > 0 ? STR(",") : STR("")); /* it has no limit */
            (void)!buf_append(event, str_c(text));
        }
    }
    return count;
}

/* ---- outcomes ---- */

static bool is_open(const struct delivered *m)
{
    return m->outcome.fate == FATE_DONE; /* what no filter or answer has decided about */
}

static void fail_one(const struct lambda_source *ls, struct delivery *d, struct delivered *m,
                     struct str error)
{
    struct sqs_queue *q = sqs_queue_find(ls->services->sqs, str_c(ls->queue));
    struct sqs_queue *dead =
        q && q->dead_letter ? sqs_queue_find(ls->services->sqs, str_c(q->dead_letter)) : NULL;
    if (dead && m->message.attempts >= q->max_receives) {
        scoped_free char *attributes = sqs_queue_dead_attributes(q, m->message.attributes);
        const struct stored_message moved = { .uuid = m->message.uuid,
                                              .group = m->message.group,
                                              .attributes = str_c(attributes),
                                              .body = m->message.body,
                                              .sent_ms = q->fifo ? 0 : m->message.sent_ms,
                                              .first_ms = m->message.first_ms,
                                              .attempts =
                                                  dead->dead_letter ? 0 : m->message.attempts };
        queue_follow(d, dead->queue, &moved, STR(""), 0);
        queue_set_outcome(m, FATE_GONE, 0, error);
        event_log_moved(ls->services, d, m, queue_name(dead->queue));
        return;
    }
    queue_set_outcome(m, FATE_AGAIN, d->started_ms + (q ? q->visibility_ms : 0), error);
    event_log_again(ls->services, d, m);
}

static void fail_all(const struct lambda_source *ls, struct delivery *d, struct str error)
{
    for (size_t i = 0; i < d->count; i++) {
        if (is_open(&d->messages[i])) {
            fail_one(ls, d, &d->messages[i], error);
        }
    }
}

static void succeed_rest(struct delivery *d)
{
    for (size_t i = 0; i < d->count; i++) {
        if (is_open(&d->messages[i])) {
            queue_set_outcome(&d->messages[i], FATE_GONE, 0, STR(""));
        }
    }
}

/* Lambda: an empty list or null is success. The ids of what has failed, as members of an object,
 * since a report may name one message many times; NULL: the report makes no sense. The caller owns
 * it. */
static json_t *read_failures(const json_t *failures)
{
    json_t *ids = json_object();
    bool is_sound = !failures || json_is_null(failures) || json_is_array(failures);
    for (size_t i = 0; is_sound && i < json_array_size(failures); i++) {
        const char *id =
            json_string_value(json_object_get(json_array_get(failures, i), "itemIdentifier"));
        is_sound = id && id[0] && json_object_set_new(ids, id, json_true()) == 0;
    }
    if (!is_sound) {
        json_decref(ids);
        return NULL;
    }
    return ids;
}

static bool has_failed(const json_t *ids, const struct delivered *m)
{
    return json_object_get(ids, m->message.uuid.data) != NULL;
}

/* Whether each is of a message of the batch. */
static bool are_known(const json_t *ids, const struct delivery *d)
{
    size_t known = 0;
    for (size_t i = 0; i < d->count; i++) {
        known += has_failed(ids, &d->messages[i]);
    }
    return known == json_object_size(ids);
}

/* An answer that makes no sense fails the whole batch. */
static void apply_report(const struct lambda_source *ls, struct delivery *d, struct str payload)
{
    json_t *answer = json_read(payload, JSON_DECODE_ANY | JSON_ALLOW_NUL);
    json_t *ids = payload.len > 0 && !answer
                      ? NULL
                      : read_failures(json_object_get(answer, "batchItemFailures"));
    if (!ids || !are_known(ids, d)) {
        fail_all(ls, d, STR("its report of failed items makes no sense: the whole batch failed"));
    } else {
        for (size_t i = 0; i < d->count; i++) {
            if (is_open(&d->messages[i]) && has_failed(ids, &d->messages[i])) {
                fail_one(ls, d, &d->messages[i], STR("the function reported it as failed"));
            }
        }
        succeed_rest(d);
    }
    json_decref(ids);
    json_decref(answer);
}

struct attempt {
    struct lambda_source *source; /* counted */
    struct delivery *delivery;
};

static void postpone(struct delivery *d)
{
    uint64_t now = clock_wall_ms();
    d->is_throttled = true;
    for (size_t i = 0; i < d->count; i++) {
        if (is_open(&d->messages[i])) {
            d->messages[i].outcome.attempts--; /* it did not reach the function */
            queue_set_outcome(&d->messages[i], FATE_AGAIN, now + POSTPONE_MS,
                              STR("the function could not be invoked"));
        }
    }
}

static void attempt_done(const struct invocation_result *result, void *context)
{
    struct attempt *a = context;
    struct lambda_source *ls = a->source;
    struct delivery *d = a->delivery;
    free(a);
    ls->batches--;
    if (result->error < 0 || result->status != 200) {
        postpone(d);
    } else if (http_block_find(result->headers, STR("x-amz-function-error")).data) {
        scoped_free char *error = lambda_error_text(result->body);
        fail_all(ls, d, str_c(error));
    } else if (ls->report_failures) {
        apply_report(ls, d, result->body);
    } else {
        succeed_rest(d);
    }
    queue_delivered(d);
    lambda_source_unref(ls);
}

static void batch_deliver(struct queue *queue, struct delivery *d, void *context)
{
    struct lambda_source *ls = lambda_source_pick(context, queue_name(queue) + strlen("sqs:"));
    char target[LAMBDA_TARGET_BYTES];
    static const char headers[] = "x-mayfly-direct\0001\0content-type\0application/json";
    assert(ls); /* without one the queue has no consumer */
    struct buf event;
    buf_init(&event, SIZE_MAX);
    (void)!buf_append(&event, STR("{\"Records\":["));
    if (add_records(ls, d, &event) == 0) {
        buf_finish(&event);
        queue_delivered(d);
        return;
    }
    (void)!buf_append(&event, STR("]}"));
    lambda_path_invoke(ls->function_name, json_text(ls->config, "qualifier"), target);
    struct attempt *a = mem_new(struct attempt);
    *a = (struct attempt){ .source = ls, .delivery = d };
    ls->references++;
    ls->batches++;
    ls->given++;
    char name[QUEUE_DELIVERY_NAME_BYTES];
    queue_delivery_name(d, name);
    const struct invocation_request rq = { .method = STR("POST"),
                                           .target = str_c(target),
                                           .event = str_c(name),
                                           .headers = str_of(headers, sizeof(headers)),
                                           .body = buf_str(&event),
                                           .response_max_bytes = LIMIT_LAMBDA_PAYLOAD_BYTES };
    (void)invoker_call(ls->services->invoker, &rq, attempt_done, a);
    buf_finish(&event);
}

const struct queue_consumer lambda_batch_consumer = { .name = "lambda batch",
                                                      .deliver = batch_deliver };

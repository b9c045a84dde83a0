/* SQS: SendMessage and SendMessageBatch.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "control/aws/sqs/sqs_check.h"
#include "control/aws/sqs/sqs_operations.h"
#include "control/events/sqs/sqs_md5.h"
#include "control/sign/aws_digest.h"
#include "control/text/json_write.h"
#include "http/http_block.h"

#define DEDUP_MS        300000 /* SQS: five minutes */
#define ID_MAX          80
#define SEQUENCE_DIGITS 20

/* One message on its way into the store. */
struct sending {
    struct queue_send send;
    struct send_call *call;
    const char *id; /* of a batch's entry, the input's; NULL: none */
    char uuid[UUID_BYTES];
    char md5[SQS_MD5_BYTES];
    char md5_attributes[SQS_MD5_BYTES]; /* "": there are none */
    char md5_system[SQS_MD5_BYTES];     /* the same */
    char *attributes;                   /* owned */
    char *dedup;                        /* owned; what the receiver is told */
    char *dedup_key;                    /* owned; of what is the same */
    int result;
};

struct send_call {
    struct sqs_call *c;
    struct sqs_queue *q;
    struct sending *sendings; /* owned */
    size_t count;
    size_t waiting;
    json_t *failed; /* owned; of a batch, NULL: not one */
};

/* ---- making the message ---- */

static char *hash_of(struct str body)
{
    uint8_t digest[AWS_DIGEST_BYTES];
    char *text = mem_alloc(AWS_HEX_BYTES + 1);
    aws_sha256(body, digest);
    *hex_write(digest, sizeof(digest), text) = '\0';
    return text;
}

/* What a client says with the request, or in its header. */
static json_t *trace_of(const struct sqs_call *c, const json_t *entry)
{
    const json_t *system = json_object_get(entry, "MessageSystemAttributes");
    const char *text = sqs_call_text(json_object_get(system, "AWSTraceHeader"), "StringValue");
    struct str header = http_block_find(c->exchange->headers, STR("x-amzn-trace-id"));
    return text ? json_string(text) : header.data ? json_stringn(header.data, header.len) : NULL;
}

static char *stored_attributes(const struct sqs_call *c, const json_t *entry, const char *dedup)
{
    json_t *attributes = json_object_get(entry, "MessageAttributes");
    json_t *trace = trace_of(c, entry);
    if (json_object_size(attributes) == 0 && !dedup && !trace) {
        return mem_copy_str(STR("{}"));
    }
    json_t *json = json_object();
    if (json_object_size(attributes) > 0) {
        (void)json_object_set(json, "messageAttributes", attributes);
    }
    if (dedup) {
        (void)json_object_set_new(json, "dedup", json_string(dedup));
    }
    if (trace) {
        (void)json_object_set_new(json, "trace", trace);
    }
    char *text = json_write(json);
    json_decref(json);
    return text;
}

/* With a scope of groups, what is the same is so only within its group: no id has a space. */
static char *dedup_key(const struct sqs_queue *q, const char *group, const char *dedup)
{
    if (!q->fifo) {
        return mem_copy_str(STR(""));
    }
    return q->dedup_by_group ? mem_format("%s %s", group, dedup) : mem_copy_str(str_c(dedup));
}

static void digest(const json_t *attributes, char ret[SQS_MD5_BYTES])
{
    if (!sqs_md5_attributes(attributes, ret)) {
        ret[0] = '\0';
    }
}

static void sent(struct queue_send *send, int r);

/* Everything a message needs, from the call's input or a batch's entry, which has been checked. */
static void prepare(struct send_call *s, const json_t *entry, struct sending *out)
{
    const json_t *body = json_object_get(entry, "MessageBody");
    const char *group = sqs_call_text(entry, "MessageGroupId");
    const char *dedup = sqs_call_text(entry, "MessageDeduplicationId");
    int64_t delay = 0;
    bool delayed = sqs_call_number(entry, "DelaySeconds", &delay) && !s->q->fifo;
    struct str text = str_of(json_string_value(body), json_string_length(body));
    uint64_t now = clock_wall_ms();
    out->call = s;
    out->dedup = dedup ? mem_copy_str(str_c(dedup)) : s->q->fifo ? hash_of(text) : NULL;
    out->dedup_key = dedup_key(s->q, group, out->dedup);
    out->attributes = stored_attributes(s->c, entry, out->dedup);
    chance_uuid(out->uuid);
    sqs_md5_body(text, out->md5);
    digest(json_object_get(entry, "MessageAttributes"), out->md5_attributes);
    digest(json_object_get(entry, "MessageSystemAttributes"), out->md5_system);
    out->send = (struct queue_send){ .queue = s->q->queue,
                                     .message = { .uuid = str_c(out->uuid),
                                                  .group = str_c(group ? group : ""),
                                                  .attributes = str_c(out->attributes),
                                                  .body = text,
                                                  .error = STR(""),
                                                  .sent_ms = now,
                                                  .due_ms = now + (delayed ? (uint64_t)delay * 1000
                                                                           : s->q->delay_ms) },
                                     .dedup = str_c(out->dedup_key),
                                     .dedup_since_ms = now - DEDUP_MS,
                                     .sent = sent };
}

/* ---- answers ---- */

static void send_call_free(struct send_call *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->sendings[i].attributes);
        free(s->sendings[i].dedup);
        free(s->sendings[i].dedup_key);
    }
    free(s->sendings);
    sqs_queue_unref(s->q);
    free(s);
}

static json_t *result_of(struct sending *out)
{
    const struct sqs_queue *q = out->call->q;
    if (out->send.is_duplicate) {
        queue_send_original(&out->send, out->uuid);
    }
    json_t *result = json_object();
    (void)json_object_set_new(result, "MessageId", json_string(out->uuid));
    (void)json_object_set_new(result, "MD5OfMessageBody", json_string(out->md5));
    if (out->id) {
        (void)json_object_set_new(result, "Id", json_string(out->id));
    }
    if (out->md5_attributes[0]) {
        (void)json_object_set_new(result, "MD5OfMessageAttributes",
                                  json_string(out->md5_attributes));
    }
    if (out->md5_system[0]) {
        (void)json_object_set_new(result, "MD5OfMessageSystemAttributes",
                                  json_string(out->md5_system));
    }
    if (q->fifo) {
        char sequence[SEQUENCE_DIGITS + 1];
        (void)snprintf(sequence, sizeof(sequence), "%020llu",
                       (unsigned long long)out->send.message.id);
        (void)json_object_set_new(result, "SequenceNumber", json_string(sequence));
    }
    return result;
}

static void answer_batch(struct send_call *s)
{
    json_t *successful = json_array();
    for (size_t i = 0; i < s->count; i++) {
        struct sending *out = &s->sendings[i];
        if (out->result < 0) {
            enum sqs_error e = out->result == -ENOSPC ? SQS_ERROR_FULL : SQS_ERROR_INTERNAL;
            (void)json_array_append_new(s->failed, sqs_call_entry_error(s->c, out->id, e, NULL));
        } else {
            (void)json_array_append_new(successful, result_of(out));
        }
    }
    json_t *output = json_pack("{s:o}", "Successful", successful);
    if (json_array_size(s->failed) > 0) {
        (void)json_object_set(output, "Failed", s->failed);
    }
    json_decref(s->failed);
    sqs_call_answer(s->c, output);
}

static void all_sent(struct send_call *s)
{
    if (s->failed) {
        answer_batch(s);
    } else if (s->sendings[0].result < 0) {
        sqs_call_fail(s->c, s->sendings[0].result == -ENOSPC ? SQS_ERROR_FULL : SQS_ERROR_INTERNAL,
                      NULL);
    } else {
        sqs_call_answer(s->c, result_of(&s->sendings[0]));
    }
    send_call_free(s);
}

static void sent(struct queue_send *send, int r)
{
    struct sending *out = container_of(send, struct sending, send);
    struct send_call *s = out->call;
    out->result = r;
    if (--s->waiting == 0) {
        all_sent(s);
    }
}

static struct send_call *send_call_create(struct sqs_call *c, struct sqs_queue *q, size_t max)
{
    struct send_call *s = mem_new(struct send_call);
    *s = (struct send_call){ .c = c,
                             .q = sqs_queue_ref(q),
                             .sendings = mem_alloc(max * sizeof(*s->sendings)) };
    return s;
}

static void send_all(struct send_call *s)
{
    s->waiting = s->count;
    for (size_t i = 0; i < s->count; i++) {
        queue_send(&s->sendings[i].send);
    }
}

void sqs_send_one(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    struct sqs_fault f;
    if (!q) {
        return;
    }
    if (sqs_check_message(q, c->input, false, &f) < 0) {
        sqs_call_fail(c, f.error, "%s", f.text);
        return;
    }
    struct send_call *s = send_call_create(c, q, 1);
    prepare(s, c->input, &s->sendings[0]);
    s->count = 1;
    send_all(s);
}

static bool id_is_sound(const char *id)
{
    size_t len = strlen(id);
    return len > 0 && len <= ID_MAX &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

bool sqs_send_check_batch(struct sqs_call *c, const json_t *entries)
{
    size_t count = json_array_size(entries);
    if (count == 0) {
        sqs_call_fail(c, SQS_ERROR_BATCH_EMPTY,
                      "There should be at least one %sRequestEntry in the request.", c->operation);
        return false;
    }
    if (count > SQS_BATCH_MAX) {
        sqs_call_fail(c, SQS_ERROR_BATCH_LARGE,
                      "Maximum number of entries per request are 10. You have sent %zu.", count);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char *id = sqs_call_text(json_array_get(entries, i), "Id");
        if (!id || !id_is_sound(id)) {
            sqs_call_fail(c, SQS_ERROR_BATCH_ID, NULL);
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(id, sqs_call_text(json_array_get(entries, k), "Id")) == 0) {
                sqs_call_fail(c, SQS_ERROR_BATCH_TWICE, "Id %s repeated.", id);
                return false;
            }
        }
    }
    return true;
}

static size_t bytes_of(const json_t *entries)
{
    size_t bytes = 0;
    struct sqs_fault f;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        bytes += json_string_length(json_object_get(entry, "MessageBody"));
        (void)!sqs_check_attributes(json_object_get(entry, "MessageAttributes"), &bytes,
                                    &f); /* later */
    }
    return bytes;
}

void sqs_send_batch(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    const json_t *entries = json_object_get(c->input, "Entries");
    struct sqs_fault f;
    if (!q || !sqs_send_check_batch(c, entries)) {
        return;
    }
    size_t bytes = bytes_of(entries);
    if (bytes > SQS_MESSAGE_BYTES_MAX) {
        sqs_call_fail(c, SQS_ERROR_BATCH_LONG,
                      "Batch requests cannot be longer than %d bytes. You have sent %zu bytes.",
                      SQS_MESSAGE_BYTES_MAX, bytes);
        return;
    }
    if (sqs_check_batch_ids(q, entries, &f) < 0) {
        sqs_call_fail(c, f.error, "%s", f.text);
        return;
    }
    struct send_call *s = send_call_create(c, q, json_array_size(entries));
    s->failed = json_array();
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        const char *id = sqs_call_text(entry, "Id");
        if (sqs_check_message(q, entry, true, &f) < 0) {
            (void)json_array_append_new(s->failed, sqs_call_entry_error(c, id, f.error, f.text));
        } else {
            prepare(s, entry, &s->sendings[s->count]);
            s->sendings[s->count++].id = id;
        }
    }
    if (s->count == 0) {
        answer_batch(s);
        send_call_free(s);
        return;
    }
    send_all(s);
}

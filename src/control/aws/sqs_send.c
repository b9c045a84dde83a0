/* SQS: SendMessage and SendMessageBatch.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/chance.h"
#include "base/hex.h"
#include "base/mem.h"
#include "control/aws/aws_digest.h"
#include "control/aws/sqs_md5.h"
#include "control/aws/sqs_operations.h"

#define DEDUP_MS        300000 /* SQS: five minutes */
#define ID_MAX          80
#define TOKEN_MAX       128 /* of a group or deduplication id */
#define ATTRIBUTES_MAX  10
#define SEQUENCE_DIGITS 20

/* One message on its way into the store. */
struct sending {
    struct queue_send send;
    struct send_call *call;
    const char *id; /* of a batch's entry, the input's; NULL: none */
    char uuid[UUID_BYTES];
    char md5[SQS_MD5_BYTES];
    char md5_attributes[SQS_MD5_BYTES]; /* "": there are none */
    char *attributes;                   /* owned */
    char *dedup;                        /* owned */
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

/* What is wrong with a message. */
struct fault {
    enum sqs_error error;
    char text[320];
};

static int fault_set(struct fault *f, enum sqs_error error, const char *text)
{
    f->error = error;
    (void)snprintf(f->text, sizeof(f->text), "%s", text);
    return -1;
}

/* ---- checks ---- */

/* #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF, of sound UTF-8. */
static bool is_sound_text(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
            return false;
        }
        if (c == 0xef && i + 2 < len && (unsigned char)text[i + 1] == 0xbf &&
            (unsigned char)text[i + 2] >= 0xbe) {
            return false;
        }
    }
    return true;
}

static bool is_token(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return len > 0 && len <= TOKEN_MAX;
}

static bool type_is(const char *type, const char *kind)
{
    size_t len = strlen(kind);
    return strncmp(type, kind, len) == 0 && (type[len] == '\0' || type[len] == '.');
}

static int check_attribute(const char *name, const json_t *attribute, size_t *bytes,
                           struct fault *f)
{
    char text[300];
    const char *type = sqs_call_text(attribute, "DataType");
    const json_t *string = json_object_get(attribute, "StringValue");
    const json_t *binary = json_object_get(attribute, "BinaryValue");
    if (!type || !type[0]) {
        (void)snprintf(text, sizeof(text),
                       "The message attribute '%.200s' must contain non-empty "
                       "message attribute type.",
                       name);
        return fault_set(f, SQS_ERROR_PARAMETER, text);
    }
    if (!type_is(type, "String") && !type_is(type, "Number") && !type_is(type, "Binary")) {
        (void)snprintf(text, sizeof(text),
                       "The message attribute '%.100s' has an invalid message attribute type, the "
                       "set of supported type prefixes is Binary, Number, and String.",
                       name);
        return fault_set(f, SQS_ERROR_PARAMETER, text);
    }
    const json_t *value = type_is(type, "Binary") ? binary : string;
    if (!json_is_string(value) || json_string_length(value) == 0) {
        (void)snprintf(text, sizeof(text),
                       "The message attribute '%.100s' must contain a non-empty message attribute "
                       "value for message attribute type '%.60s'.",
                       name, type);
        return fault_set(f, SQS_ERROR_PARAMETER, text);
    }
    *bytes += strlen(name) + strlen(type) +
              (value == binary ? json_string_length(value) / 4 * 3 : json_string_length(value));
    return 0;
}

static int check_attributes(const json_t *attributes, size_t *bytes, struct fault *f)
{
    const char *name;
    json_t *value;
    if (json_object_size(attributes) > ATTRIBUTES_MAX) {
        return fault_set(f, SQS_ERROR_PARAMETER,
                         "Number of message attributes exceeds the allowed maximum [10].");
    }
    json_object_foreach((json_t *)(uintptr_t)attributes, name, value)
    {
        if (check_attribute(name, value, bytes, f) < 0) {
            return -1;
        }
    }
    return 0;
}

static int check_fifo(const struct sqs_queue *q, const char *group, const char *dedup,
                      const json_t *entry, struct fault *f)
{
    if (!q->fifo) {
        if (dedup) {
            return fault_set(f, SQS_ERROR_PARAMETER,
                             "The request include parameter that is not valid for this queue type: "
                             "MessageDeduplicationId.");
        }
        return group && !is_token(group)
                   ? fault_set(f, SQS_ERROR_PARAMETER,
                               "Value for parameter MessageGroupId is invalid. Reason: it has 1 to "
                               "128 alphanumeric or punctuation characters.")
                   : 0;
    }
    if (!group) {
        return fault_set(f, SQS_ERROR_MISSING,
                         "The request must contain the parameter MessageGroupId.");
    }
    if (!is_token(group) || (dedup && !is_token(dedup))) {
        return fault_set(f, SQS_ERROR_PARAMETER,
                         "MessageGroupId and MessageDeduplicationId can only include alphanumeric "
                         "and punctuation characters. 1 to 128 in length.");
    }
    if (!dedup && !q->content_dedup) {
        return fault_set(f, SQS_ERROR_PARAMETER,
                         "The queue should either have ContentBasedDeduplication enabled or "
                         "MessageDeduplicationId provided explicitly");
    }
    int64_t delay;
    return sqs_call_number(entry, "DelaySeconds", &delay) && delay != 0
               ? fault_set(f, SQS_ERROR_PARAMETER,
                           "Value for parameter DelaySeconds is invalid. Reason: The request "
                           "include parameter that is not valid for this queue type.")
               : 0;
}

static int check_body(const struct sqs_queue *q, const json_t *body, size_t bytes, struct fault *f)
{
    char text[160];
    if (!json_is_string(body) || json_string_length(body) == 0) {
        return fault_set(f, SQS_ERROR_MISSING,
                         "The request must contain the parameter MessageBody.");
    }
    if (!is_sound_text(json_string_value(body), json_string_length(body))) {
        return fault_set(f, SQS_ERROR_CONTENTS,
                         "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | "
                         "#x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF");
    }
    if (bytes + json_string_length(body) > q->max_bytes) {
        (void)snprintf(text, sizeof(text),
                       "One or more parameters are invalid. Reason: Message must be shorter than "
                       "%llu bytes.",
                       (unsigned long long)q->max_bytes);
        return fault_set(f, SQS_ERROR_PARAMETER, text);
    }
    return 0;
}

/* ---- making the message ---- */

static char *hash_of(struct str body)
{
    uint8_t digest[AWS_DIGEST_BYTES];
    char *text = mem_alloc(AWS_HEX_BYTES + 1);
    aws_sha256(body, digest);
    *hex_write(digest, sizeof(digest), text) = '\0';
    return text;
}

static char *stored_attributes(const json_t *entry, const char *dedup)
{
    json_t *json = json_object();
    json_t *attributes = json_object_get(entry, "MessageAttributes");
    const json_t *system = json_object_get(entry, "MessageSystemAttributes");
    const char *trace = sqs_call_text(json_object_get(system, "AWSTraceHeader"), "StringValue");
    if (json_object_size(attributes) > 0) {
        (void)json_object_set(json, "messageAttributes", attributes);
    }
    if (dedup) {
        (void)json_object_set_new(json, "dedup", json_string(dedup));
    }
    if (trace) {
        (void)json_object_set_new(json, "trace", json_string(trace));
    }
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static void sent(struct queue_send *send, int r);

/* Everything a message needs, from the call's input or a batch's entry. */
static int prepare(struct send_call *s, const json_t *entry, struct sending *out, struct fault *f)
{
    const json_t *body = json_object_get(entry, "MessageBody");
    const json_t *attributes = json_object_get(entry, "MessageAttributes");
    const char *group = sqs_call_text(entry, "MessageGroupId");
    const char *dedup = sqs_call_text(entry, "MessageDeduplicationId");
    size_t bytes = 0;
    int64_t delay = 0;
    if (check_attributes(attributes, &bytes, f) < 0 || check_body(s->q, body, bytes, f) < 0 ||
        check_fifo(s->q, group, dedup, entry, f) < 0) {
        return -1;
    }
    bool delayed = sqs_call_number(entry, "DelaySeconds", &delay) && !s->q->fifo;
    if (delayed && (delay < 0 || delay > 900)) {
        return fault_set(f, SQS_ERROR_PARAMETER,
                         "Value for parameter DelaySeconds is invalid. Reason: DelaySeconds must "
                         "be >= 0 and <= 900.");
    }
    struct str text = str_of(json_string_value(body), json_string_length(body));
    uint64_t now = queue_now_ms();
    out->call = s;
    out->dedup = dedup ? mem_copy_str(str_c(dedup)) : s->q->fifo ? hash_of(text) : NULL;
    out->attributes = stored_attributes(entry, out->dedup);
    chance_uuid(out->uuid);
    sqs_md5_body(text, out->md5);
    if (!sqs_md5_attributes(attributes, out->md5_attributes)) {
        out->md5_attributes[0] = '\0';
    }
    out->send = (struct queue_send){ .queue = s->q->queue,
                                     .message = { .uuid = str_c(out->uuid),
                                                  .group = s->q->fifo ? str_c(group) : STR(""),
                                                  .attributes = str_c(out->attributes),
                                                  .body = text,
                                                  .error = STR(""),
                                                  .sent_ms = now,
                                                  .due_ms = now + (delayed ? (uint64_t)delay * 1000
                                                                           : s->q->delay_ms) },
                                     .dedup = s->q->fifo ? str_c(out->dedup) : STR(""),
                                     .dedup_since_ms = now - DEDUP_MS,
                                     .sent = sent };
    return 0;
}

/* ---- answers ---- */

static void send_call_free(struct send_call *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->sendings[i].attributes);
        free(s->sendings[i].dedup);
    }
    free(s->sendings);
    free(s);
}

/* A duplicate is told the id of the one that was kept, as long as that is there. */
static bool take_uuid(const struct stored_message *m, void *context)
{
    struct sending *out = context;
    (void)snprintf(out->uuid, sizeof(out->uuid), STR_FMT, STR_ARG(m->uuid));
    return false;
}

static json_t *result_of(struct sending *out)
{
    const struct sqs_queue *q = out->call->q;
    if (out->send.is_duplicate) {
        (void)store_messages_find(out->call->c->services->store, out->send.message.id, take_uuid,
                                  out);
    }
    json_t *result = json_pack("{s:s, s:s}", "MessageId", out->uuid, "MD5OfMessageBody", out->md5);
    if (out->id) {
        (void)json_object_set_new(result, "Id", json_string(out->id));
    }
    if (out->md5_attributes[0]) {
        (void)json_object_set_new(result, "MD5OfMessageAttributes",
                                  json_string(out->md5_attributes));
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
    *s = (struct send_call){ .c = c, .q = q, .sendings = mem_alloc(max * sizeof(*s->sendings)) };
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
    struct fault f;
    if (!q) {
        return;
    }
    struct send_call *s = send_call_create(c, q, 1);
    if (prepare(s, c->input, &s->sendings[0], &f) < 0) {
        sqs_call_fail(c, f.error, "%s", f.text);
        send_call_free(s);
        return;
    }
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
        sqs_call_fail(c, SQS_ERROR_BATCH_EMPTY, NULL);
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
    struct fault f;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        bytes += json_string_length(json_object_get(entry, "MessageBody"));
        (void)check_attributes(json_object_get(entry, "MessageAttributes"), &bytes, &f); /* later */
    }
    return bytes;
}

void sqs_send_batch(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    const json_t *entries = json_object_get(c->input, "Entries");
    struct fault f;
    if (!q || !sqs_send_check_batch(c, entries)) {
        return;
    }
    size_t bytes = bytes_of(entries);
    if (bytes > q->max_bytes) {
        sqs_call_fail(c, SQS_ERROR_BATCH_LONG,
                      "Batch requests cannot be longer than %llu bytes. You have sent %zu bytes.",
                      (unsigned long long)q->max_bytes, bytes);
        return;
    }
    struct send_call *s = send_call_create(c, q, json_array_size(entries));
    s->failed = json_array();
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        const char *id = sqs_call_text(entry, "Id");
        if (prepare(s, entry, &s->sendings[s->count], &f) < 0) {
            (void)json_array_append_new(s->failed, sqs_call_entry_error(c, id, f.error, f.text));
        } else {
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

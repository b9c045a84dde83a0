/* https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/sqs/sqs_attributes.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "control/aws/sqs/sqs_operations.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"

#define ATTRIBUTE_BYTES 65536 /* a policy; AWS allows 8 KB of one */
#define ALLOWED_MAX     10    /* queues that a RedriveAllowPolicy names */
#define RECEIVES_MAX    1000
#define KMS_REUSE_S     "300" /* the default, which is not said */

enum kind { NUMBER, TRUTH, TEXT, ONE_OF, POLICY };

/* clang-format off */
static const struct attribute {
    const char *name;
    int64_t min;
    int64_t max;
    const char *values; /* of ONE_OF, with blanks around each */
    enum kind kind;
    bool fifo; /* of FIFO queues only */
} settable[] = {
    { "VisibilityTimeout",               0,    43200,   NULL,                           NUMBER, false },
    { "MessageRetentionPeriod",          60,   1209600, NULL,                           NUMBER, false },
    { "DelaySeconds",                    0,    900,     NULL,                           NUMBER, false },
    { "ReceiveMessageWaitTimeSeconds",   0,    20,      NULL,                           NUMBER, false },
    { "MaximumMessageSize",              1024, 1048576, NULL,                           NUMBER, false },
    { "RedrivePolicy",                   0,    0,       NULL,                           POLICY, false },
    { "RedriveAllowPolicy",              0,    0,       NULL,                           POLICY, false },
    { "Policy",                          0,    0,       NULL,                           POLICY, false },
    { "KmsMasterKeyId",                  0,    0,       NULL,                           TEXT,   false },
    { "KmsDataKeyReusePeriodSeconds",    60,   86400,   NULL,                           NUMBER, false },
    { "SqsManagedSseEnabled",            0,    0,       NULL,                           TRUTH,  false },
    { "FifoQueue",                       0,    0,       NULL,                           TRUTH,  true },
    { "ContentBasedDeduplication",       0,    0,       NULL,                           TRUTH,  true },
    { "DeduplicationScope",              0,    0,       " queue messageGroup ",         ONE_OF, true },
    { "FifoThroughputLimit",             0,    0,       " perQueue perMessageGroupId ", ONE_OF, true },
};
/* clang-format on */

/* ---- policies ---- */

static const char *name_in_arn(const char *arn)
{
    const char *colon = arn ? strrchr(arn, ':') : NULL;
    return colon ? colon + 1 : NULL;
}

/* Whether a dead-letter queue lets a queue of that name use it. */
static bool allows(const struct sqs_queue *dead, const char *name)
{
    const char *text = json_string_value(json_object_get(dead->attributes, "RedriveAllowPolicy"));
    json_t *policy = text ? json_loads(text, 0, NULL) : NULL;
    const char *permission = sqs_call_text(policy, "redrivePermission");
    const json_t *sources = json_object_get(policy, "sourceQueueArns");
    bool allowed = !permission || strcmp(permission, "allowAll") == 0;
    for (size_t i = 0; permission && strcmp(permission, "byQueue") == 0 && !allowed &&
                       i < json_array_size(sources);
         i++) {
        const char *source = name_in_arn(json_string_value(json_array_get(sources, i)));
        allowed = source && strcmp(source, name) == 0;
    }
    json_decref(policy);
    return allowed;
}

/* What is wrong with a RedrivePolicy; NULL: nothing. */
static const char *redrive_fault(const struct sqs_call *c, const char *name, const json_t *policy)
{
    const char *dead_name = name_in_arn(sqs_call_text(policy, "deadLetterTargetArn"));
    const json_t *count_given = json_object_get(policy, "maxReceiveCount");
    int64_t count = 0;
    if (!json_object_get(policy, "deadLetterTargetArn")) {
        return "The required parameter 'deadLetterTargetArn' is missing";
    }
    if (!count_given) {
        return "The required parameter 'maxReceiveCount' is missing";
    }
    if (!sqs_call_number(policy, "maxReceiveCount", &count) || count < 1 || count > RECEIVES_MAX) {
        return "Invalid value for maxReceiveCount: valid values are from 1 to 1000 both inclusive.";
    }
    if (json_object_size(policy) > 2) {
        return "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].";
    }
    const struct sqs_queue *dead = dead_name ? sqs_queue_find(c->queues, str_c(dead_name)) : NULL;
    if (!dead) {
        return "Dead letter target does not exist.";
    }
    if (dead->fifo != sqs_queue_is_fifo(str_c(name))) {
        return "Dead-letter queue must be same type of queue as the source.";
    }
    return allows(dead, name) ? NULL
                              : "The dead-letter queue does not allow this queue to use it "
                                "(RedriveAllowPolicy).";
}

static const char *allow_fault(const json_t *policy)
{
    const char *permission = sqs_call_text(policy, "redrivePermission");
    const json_t *sources = json_object_get(policy, "sourceQueueArns");
    if (!permission ||
        !(strcmp(permission, "allowAll") == 0 || strcmp(permission, "denyAll") == 0 ||
          strcmp(permission, "byQueue") == 0)) {
        return "redrivePermission must be allowAll, denyAll or byQueue.";
    }
    bool by_queue = strcmp(permission, "byQueue") == 0;
    if (by_queue != (json_array_size(sources) > 0) || json_array_size(sources) > ALLOWED_MAX) {
        return "sourceQueueArns must name from 1 to 10 queues with byQueue, and none otherwise.";
    }
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const char *arn = json_string_value(json_array_get(sources, i));
        if (!arn || strncmp(arn, "arn:", 4) != 0 || !strstr(arn, ":sqs:")) {
            return "sourceQueueArns must name queues by their ARNs.";
        }
    }
    return NULL;
}

/* SQS takes a maxReceiveCount that is text, and tells a number:
 * https://github.com/hashicorp/terraform/pull/5888 */
static void settle_receives(json_t *attributes, json_t *policy)
{
    int64_t count;
    if (json_is_string(json_object_get(policy, "maxReceiveCount")) &&
        sqs_call_number(policy, "maxReceiveCount", &count)) {
        (void)json_object_set_new(policy, "maxReceiveCount", json_integer(count));
        char *settled = json_write(policy);
        (void)json_object_set_new(attributes, "RedrivePolicy", json_string(settled));
        free(settled);
    }
}

/* Of the attribute `name`; a RedrivePolicy is put among them as it is to be told. */
static bool check_policy(struct sqs_call *c, const char *queue, const char *name, const char *text,
                         json_t *attributes)
{
    if (!text[0]) {
        return true; /* none any more */
    }
    json_t *policy = json_loads(text, 0, NULL);
    const char *fault = NULL;
    if (!json_is_object(policy)) {
        fault = "It is not a valid JSON map.";
    } else if (strcmp(name, "RedrivePolicy") == 0) {
        fault = redrive_fault(c, queue, policy);
        if (!fault) {
            settle_receives(attributes, policy); /* and `text` is gone */
        }
    } else if (strcmp(name, "RedriveAllowPolicy") == 0) {
        fault = allow_fault(policy);
    }
    json_decref(policy);
    if (fault && strcmp(name, "Policy") == 0) {
        sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_VALUE, "Invalid value for the parameter Policy.");
    } else if (fault) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "Value %.300s for parameter %s is invalid. Reason: %s", text, name, fault);
    }
    return fault == NULL;
}

/* ---- checks ---- */

static bool is_one_of(const char *values, const char *text)
{
    char word[64];
    int len = snprintf(word, sizeof(word), " %s ", text);
    return len > 2 && len < (int)sizeof(word) && !strchr(text, ' ') && strstr(values, word);
}

static bool value_is_sound(const struct attribute *a, const json_t *attributes, const char *text)
{
    int64_t number;
    switch (a->kind) {
    case NUMBER:
        return sqs_call_number(attributes, a->name, &number) && number >= a->min &&
               number <= a->max;
    case TRUTH:
        return strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0;
    case ONE_OF:
        return is_one_of(a->values, text);
    case TEXT:
    case POLICY:
        break;
    }
    return true;
}

static bool check_fifo(struct sqs_call *c, const struct attribute *a, const char *queue,
                       const struct sqs_queue *q, const char *text)
{
    if (!sqs_queue_is_fifo(str_c(queue))) {
        sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_NAME,
                      a->kind == ONE_OF
                          ? "You can specify the %s only when FifoQueue is set to true."
                          : "Unknown Attribute %s.",
                      a->name);
        return false;
    }
    if (q && strcmp(a->name, "FifoQueue") == 0 && strcasecmp(text, "true") != 0) {
        sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_VALUE,
                      "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is "
                      "not supported.");
        return false;
    }
    return true;
}

static bool check_one(struct sqs_call *c, const struct attribute *a, const char *queue,
                      const struct sqs_queue *q, json_t *attributes)
{
    const char *text = sqs_call_text(attributes, a->name);
    bool may_be_none = a->kind == POLICY || a->kind == TEXT;
    if (!text || strlen(text) > ATTRIBUTE_BYTES) {
        sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_VALUE, "Invalid value for the parameter %s.", a->name);
        return false;
    }
    if (a->fifo && !check_fifo(c, a, queue, q, text)) {
        return false;
    }
    if ((!text[0] && !may_be_none) || !value_is_sound(a, attributes, text)) {
        sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_VALUE, "Invalid value for the parameter %s.", a->name);
        return false;
    }
    if (a->kind == POLICY && !check_policy(c, queue, a->name, text, attributes)) {
        return false;
    }
    if (a->kind == TRUTH) {
        (void)json_object_set_new(attributes, a->name,
                                  json_string(strcasecmp(text, "true") == 0 ? "true" : "false"));
    }
    return true;
}

static const struct attribute *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(settable); i++) {
        if (strcmp(name, settable[i].name) == 0) {
            return &settable[i];
        }
    }
    return NULL;
}

/* High throughput needs deduplication within groups. */
static bool throughput_is_sound(struct sqs_call *c, const struct sqs_queue *q,
                                const json_t *attributes)
{
    const char *limit = sqs_call_text(attributes, "FifoThroughputLimit");
    const char *scope = sqs_call_text(attributes, "DeduplicationScope");
    scope = scope ? scope : q ? sqs_call_text(q->attributes, "DeduplicationScope") : NULL;
    if (limit && strcmp(limit, "perMessageGroupId") == 0 &&
        (!scope || strcmp(scope, "messageGroup") != 0)) {
        sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_VALUE,
                      "Invalid value for the parameter FifoThroughputLimit. Reason: The "
                      "FifoThroughputLimit attribute can be perMessageGroupId only when "
                      "DeduplicationScope is messageGroup.");
        return false;
    }
    return true;
}

/* One key or the other. */
static bool encryption_is_sound(struct sqs_call *c, const json_t *attributes)
{
    const char *managed = sqs_call_text(attributes, "SqsManagedSseEnabled");
    const json_t *key = json_object_get(attributes, "KmsMasterKeyId");
    if (managed && strcmp(managed, "true") == 0 && json_string_length(key) > 0) {
        sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_NAME,
                      "You can use one type of server-side encryption (SSE) at one time. You can "
                      "either enable KMS SSE or SQS SSE.");
        return false;
    }
    return true;
}

bool sqs_attributes_check(struct sqs_call *c, const char *name, const struct sqs_queue *q,
                          json_t *attributes)
{
    const char *attribute;
    json_t *value;
    void *next;
    json_object_foreach_safe(attributes, next, attribute, value)
    {
        const struct attribute *a = find(attribute);
        if (!a) {
            sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_NAME, "Unknown Attribute %s.", attribute);
            return false;
        }
        if (!check_one(c, a, name, q, attributes)) {
            return false;
        }
    }
    return throughput_is_sound(c, q, attributes) && encryption_is_sound(c, attributes);
}

json_t *sqs_attributes_merge(const json_t *before, const json_t *changes)
{
    json_t *all = before ? json_deep_copy(before) : json_object();
    const char *name;
    json_t *value;
    json_object_foreach(json_reading(changes), name, value)
    {
        bool is_default = strcmp(name, "KmsDataKeyReusePeriodSeconds") == 0 &&
                          strcmp(json_string_value(value), KMS_REUSE_S) == 0;
        if (json_string_length(value) == 0 || is_default) {
            (void)json_object_del(all, name); /* absent is fine */
        } else {
            (void)json_object_set(all, name, value);
        }
    }
    if (json_object_get(all, "KmsMasterKeyId")) { /* one key or the other */
        (void)json_object_set_new(all, "SqsManagedSseEnabled", json_string("false"));
    }
    return all;
}

/* ---- looking ---- */

static void set_number(json_t *to, const char *name, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    (void)json_object_set_new(to, name, json_string(text));
}

static void set_counts(const struct sqs_queue *q, json_t *all)
{
    struct message_counts counts;
    queue_count(q->queue, &counts);
    uint64_t hidden = counts.hidden + counts.delayed;
    set_number(all, "ApproximateNumberOfMessages",
               counts.waiting > hidden ? counts.waiting - hidden : 0);
    set_number(all, "ApproximateNumberOfMessagesNotVisible", counts.hidden);
    set_number(all, "ApproximateNumberOfMessagesDelayed", counts.delayed);
}

json_t *sqs_attributes_all(const struct sqs_call *c, const struct sqs_queue *q)
{
    char arn[SQS_ARN_BYTES];
    json_t *all = json_object();
    sqs_queue_arn(q->name, str_c(c->region), arn);
    set_counts(q, all);
    set_number(all, "CreatedTimestamp", q->created_s);
    set_number(all, "LastModifiedTimestamp", q->modified_s);
    set_number(all, "VisibilityTimeout", q->visibility_ms / 1000);
    set_number(all, "MaximumMessageSize", q->max_bytes);
    set_number(all, "MessageRetentionPeriod", q->retention_ms / 1000);
    set_number(all, "DelaySeconds", q->delay_ms / 1000);
    set_number(all, "ReceiveMessageWaitTimeSeconds", q->wait_ms / 1000);
    (void)json_object_set_new(all, "QueueArn", json_string(arn));
    (void)json_object_set_new(all, "SqsManagedSseEnabled", json_string("true"));
    if (q->fifo) {
        (void)json_object_set_new(all, "FifoQueue", json_string("true"));
        (void)json_object_set_new(all, "ContentBasedDeduplication",
                                  json_string(q->content_dedup ? "true" : "false"));
        (void)json_object_set_new(all, "DeduplicationScope", json_string("queue"));
        (void)json_object_set_new(all, "FifoThroughputLimit", json_string("perQueue"));
    }
    (void)json_object_update(all, q->attributes);
    return all;
}

bool sqs_attributes_is_known(const char *name)
{
    static const char *const others[] = { "All",
                                          "ApproximateNumberOfMessages",
                                          "ApproximateNumberOfMessagesNotVisible",
                                          "ApproximateNumberOfMessagesDelayed",
                                          "CreatedTimestamp",
                                          "LastModifiedTimestamp",
                                          "QueueArn" };
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (strcmp(name, others[i]) == 0) {
            return true;
        }
    }
    return find(name) != NULL;
}

/* Those that were asked for; NULL: the call has failed. */
static json_t *wanted(struct sqs_call *c, const json_t *all)
{
    const json_t *names = json_object_get(c->input, "AttributeNames");
    json_t *attributes = json_object();
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!name || !sqs_attributes_is_known(name)) {
            json_decref(attributes);
            sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_NAME, "Unknown Attribute %s.", name ? name : "");
            return NULL;
        }
        if (strcmp(name, "All") == 0) {
            (void)json_object_update(attributes, json_reading(all));
        } else if (json_object_get(all, name)) {
            (void)json_object_set(attributes, name, json_object_get(all, name));
        }
    }
    return attributes;
}

void sqs_attributes_get(struct sqs_call *c)
{
    const struct sqs_queue *q = sqs_call_queue(c);
    if (!q) {
        return;
    }
    json_t *all = sqs_attributes_all(c, q);
    json_t *attributes = wanted(c, all);
    json_decref(all);
    if (!attributes) {
        return;
    }
    json_t *output = json_object();
    if (json_object_size(attributes) > 0) {
        (void)json_object_set(output, "Attributes", attributes);
    }
    json_decref(attributes);
    sqs_call_answer(c, output);
}

void sqs_attributes_set(struct sqs_call *c)
{
    const struct sqs_queue *q = sqs_call_queue_to_change(c);
    json_t *attributes = json_object_get(c->input, "Attributes");
    if (!q) {
        return;
    }
    if (json_object_size(attributes) == 0) {
        sqs_call_fail(c, SQS_ERROR_MISSING,
                      "The request must contain the parameter Attribute.Name.");
        return;
    }
    if (sqs_attributes_check(c, q->name, q, attributes)) {
        sqs_queue_save(c->queues, q->name, sqs_attributes_merge(q->attributes, attributes), NULL,
                       sqs_call_saved, c);
    }
}

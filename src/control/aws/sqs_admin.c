/* SQS's queues: made, listed, configured, emptied, removed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "control/aws/sqs_operations.h"

#define LIST_MAX        1000
#define PURGE_PAUSE_MS  60000 /* AWS: one purge a minute */
#define PURGE_ROWS      5000  /* a job: others come in between */
#define ATTRIBUTE_BYTES 65536 /* a policy; AWS allows 8 KB of one */

/* clang-format off */
static const struct {
    const char *name;
    int64_t min;
    int64_t max; /* 0: a text */
    bool fifo;   /* of FIFO queues only */
} settable[] = {
    { "VisibilityTimeout",             0,    43200,   false },
    { "MessageRetentionPeriod",        60,   1209600, false },
    { "DelaySeconds",                  0,    900,     false },
    { "ReceiveMessageWaitTimeSeconds", 0,    20,      false },
    { "MaximumMessageSize",            1024, 1048576, false },
    { "RedrivePolicy",                 0,    0,       false },
    { "RedriveAllowPolicy",            0,    0,       false },
    { "Policy",                        0,    0,       false },
    { "KmsMasterKeyId",                0,    0,       false },
    { "KmsDataKeyReusePeriodSeconds",  60,   86400,   false },
    { "SqsManagedSseEnabled",          0,    0,       false },
    { "FifoQueue",                     0,    0,       true },
    { "ContentBasedDeduplication",     0,    0,       true },
    { "DeduplicationScope",            0,    0,       true },
    { "FifoThroughputLimit",           0,    0,       true },
};
/* clang-format on */

/* ---- checks ---- */

static bool name_is_sound(struct str name)
{
    struct str suffix = STR(".fifo");
    bool fifo = name.len > suffix.len && str_eq(str_skip(name, name.len - suffix.len), suffix);
    size_t len = fifo ? name.len - suffix.len : name.len;
    for (size_t i = 0; i < len; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_')) {
            return false;
        }
    }
    return len > 0 && name.len <= SQS_NAME_MAX;
}

static bool is_fifo_name(const char *name)
{
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".fifo") == 0;
}

/* What a RedrivePolicy must say: a queue that is there, of the same kind. NULL: it is fine. */
static const char *redrive_fault(const struct sqs_call *c, const char *name, const char *text)
{
    if (!text[0]) {
        return NULL; /* none any more */
    }
    json_t *policy = json_loads(text, 0, NULL);
    const char *arn = json_string_value(json_object_get(policy, "deadLetterTargetArn"));
    int64_t count = 0;
    const char *fault = NULL;
    if (!json_is_object(policy) || !arn || !sqs_call_number(policy, "maxReceiveCount", &count)) {
        fault = "Reason: Invalid value: it needs deadLetterTargetArn and maxReceiveCount.";
    } else if (count < 1 || count > 1000) {
        fault = "Reason: Invalid value for maxReceiveCount: it is from 1 to 1000.";
    } else {
        const char *dead = strrchr(arn, ':');
        if (!dead || !sqs_queue_find(c->queues, str_c(dead + 1))) {
            fault = "Reason: Dead letter target does not exist.";
        } else if (is_fifo_name(dead + 1) != is_fifo_name(name)) {
            fault = "Reason: Dead-letter queue must be same type of queue as the source.";
        }
    }
    json_decref(policy);
    return fault;
}

static bool check_one(struct sqs_call *c, const char *queue, const char *name, const json_t *value)
{
    const json_t *holder = json_object_get(c->input, "Attributes");
    for (size_t i = 0; i < ARRAY_COUNT(settable); i++) {
        if (strcmp(name, settable[i].name) != 0) {
            continue;
        }
        const char *text = json_string_value(value);
        int64_t number;
        if (settable[i].fifo && !is_fifo_name(queue)) {
            break;
        }
        if (!text || strlen(text) > ATTRIBUTE_BYTES ||
            (settable[i].max > 0 && (!sqs_call_number(holder, name, &number) ||
                                     number < settable[i].min || number > settable[i].max))) {
            sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_VALUE, "Invalid value for the parameter %s.",
                          name);
            return false;
        }
        const char *fault =
            strcmp(name, "RedrivePolicy") == 0 ? redrive_fault(c, queue, text) : NULL;
        if (fault) {
            sqs_call_fail(c, SQS_ERROR_PARAMETER,
                          "Value %s for parameter RedrivePolicy is invalid. %s", text, fault);
            return false;
        }
        return true;
    }
    sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_NAME, "Unknown Attribute %s.", name);
    return false;
}

static bool check_attributes(struct sqs_call *c, const char *queue, const json_t *attributes)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)attributes, name, value)
    {
        if (!check_one(c, queue, name, value)) {
            return false;
        }
    }
    return true;
}

/* ---- making ---- */

static void created(int r, void *context)
{
    struct sqs_call *c = context;
    json_t *output = c->context;
    c->context = NULL;
    if (r < 0) {
        json_decref(output);
        sqs_call_fail(c, r == -ENOSPC ? SQS_ERROR_FULL : SQS_ERROR_INTERNAL, NULL);
        return;
    }
    sqs_call_answer(c, output);
}

static json_t *url_output(const struct sqs_call *c, const struct sqs_queue *q)
{
    char url[SQS_URL_BYTES];
    sqs_call_url(c, q, url);
    return json_pack("{s:s}", "QueueUrl", url);
}

/* The same again is fine; with another attribute it is an error. */
static void create_again(struct sqs_call *c, const struct sqs_queue *q, const json_t *attributes)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)attributes, name, value)
    {
        if (!json_equal(json_object_get(q->attributes, name), value)) {
            sqs_call_fail(c, SQS_ERROR_QUEUE_EXISTS,
                          "A queue already exists with the same name and a different value for "
                          "attribute %s",
                          name);
            return;
        }
    }
    sqs_call_answer(c, url_output(c, q));
}

void sqs_admin_create(struct sqs_call *c)
{
    const char *name = sqs_call_text(c->input, "QueueName");
    const json_t *attributes = json_object_get(c->input, "Attributes");
    const json_t *tags = json_object_get(c->input, "tags");
    tags = tags ? tags : json_object_get(c->input, "Tags");
    if (!name) {
        sqs_call_fail(c, SQS_ERROR_MISSING, "The request must contain the parameter QueueName.");
        return;
    }
    if (!name_is_sound(str_c(name))) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 "
                      "in length");
        return;
    }
    const char *fifo = sqs_call_text(attributes, "FifoQueue");
    if ((fifo && strcmp(fifo, "true") == 0) != is_fifo_name(name)) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      is_fifo_name(name)
                          ? "The name of a standard queue can only include alphanumeric "
                            "characters, hyphens, or underscores. 1 to 80 in length"
                          : "The name of a FIFO queue can only include alphanumeric characters, "
                            "hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in "
                            "length.");
        return;
    }
    if (!check_attributes(c, name, attributes)) {
        return;
    }
    struct sqs_queue *q = sqs_queue_find(c->queues, str_c(name));
    if (q) {
        create_again(c, q, attributes);
        return;
    }
    q = sqs_queue_add(c->queues, str_c(name), attributes ? json_deep_copy(attributes) : NULL,
                      tags ? json_deep_copy(tags) : NULL);
    c->context = url_output(c, q);
    sqs_queue_save(c->queues, q, false, created, c);
}

void sqs_admin_delete(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    if (q) {
        c->context = NULL;
        sqs_queue_save(c->queues, q, true, created, c);
        sqs_queue_remove(c->queues, q);
    }
}

/* ---- looking ---- */

void sqs_admin_url(struct sqs_call *c)
{
    const char *name = sqs_call_text(c->input, "QueueName");
    const struct sqs_queue *q = name ? sqs_queue_find(c->queues, str_c(name)) : NULL;
    if (!name) {
        sqs_call_fail(c, SQS_ERROR_MISSING, "The request must contain the parameter QueueName.");
    } else if (!q) {
        sqs_call_fail(c, SQS_ERROR_NO_QUEUE, NULL);
    } else {
        sqs_call_answer(c, url_output(c, q));
    }
}

static int by_name(const void *a, const void *b)
{
    const struct sqs_queue *const *x = a;
    const struct sqs_queue *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* Those with the prefix behind the name `after`, by name; the caller frees. */
static struct sqs_queue **sorted(const struct sqs_call *c, const char *prefix, const char *after,
                                 size_t *ret_count)
{
    size_t count = 0, n = 0;
    list_for_each (item, &c->queues->queues) {
        count++;
    }
    struct sqs_queue **all = mem_alloc((count + 1) * sizeof(*all));
    list_for_each (item, &c->queues->queues) {
        struct sqs_queue *q = list_entry(item, struct sqs_queue, link);
        if (str_starts(str_c(q->name), str_c(prefix)) && strcmp(q->name, after) > 0) {
            all[n++] = q;
        }
    }
    qsort(all, n, sizeof(struct sqs_queue *), by_name);
    *ret_count = n;
    return all;
}

/* The list of URLs as member `member`; the token is the last name. */
static void answer_list(struct sqs_call *c, struct sqs_queue **queues, size_t count,
                        const char *member)
{
    int64_t max = 0;
    bool paged = sqs_call_number(c->input, "MaxResults", &max);
    if (paged && (max < 1 || max > LIST_MAX)) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "Value for parameter MaxResults is invalid. Reason: MaxResults must be an "
                      "integer between 1 and 1000.");
        return;
    }
    size_t limit = paged ? (size_t)max : LIST_MAX;
    json_t *urls = json_array();
    for (size_t i = 0; i < count && i < limit; i++) {
        char url[SQS_URL_BYTES];
        sqs_call_url(c, queues[i], url);
        (void)json_array_append_new(urls, json_string(url));
    }
    json_t *output = json_object();
    if (json_array_size(urls) > 0 || c->protocol == SQS_QUERY || strcmp(member, "queueUrls") == 0) {
        (void)json_object_set_new(output, member, urls);
    } else {
        json_decref(urls);
    }
    if (paged && count > limit) {
        (void)json_object_set_new(output, "NextToken", json_string(queues[limit - 1]->name));
    }
    sqs_call_answer(c, output);
}

void sqs_admin_list(struct sqs_call *c)
{
    const char *prefix = sqs_call_text(c->input, "QueueNamePrefix");
    const char *token = sqs_call_text(c->input, "NextToken");
    size_t count;
    struct sqs_queue **queues = sorted(c, prefix ? prefix : "", token ? token : "", &count);
    answer_list(c, queues, count, "QueueUrls");
    free(queues);
}

void sqs_admin_dead_letter_sources(struct sqs_call *c)
{
    const struct sqs_queue *dead = sqs_call_queue(c);
    const char *token = sqs_call_text(c->input, "NextToken");
    size_t count, n = 0;
    if (!dead) {
        return;
    }
    struct sqs_queue **queues = sorted(c, "", token ? token : "", &count);
    for (size_t i = 0; i < count; i++) {
        if (queues[i]->dead_letter && strcmp(queues[i]->dead_letter, dead->name) == 0) {
            queues[n++] = queues[i];
        }
    }
    answer_list(c, queues, n, "queueUrls");
    free(queues);
}

/* ---- attributes ---- */

static void set_number(json_t *to, const char *name, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    (void)json_object_set_new(to, name, json_string(text));
}

/* All that a queue has. */
static json_t *all_attributes(const struct sqs_call *c, const struct sqs_queue *q)
{
    char arn[SQS_ARN_BYTES];
    struct message_counts counts = { 0 };
    json_t *all = json_object();
    sqs_queue_arn(q, str_c(c->region), arn);
    if (queue_number(q->queue)) {
        store_messages_count(c->services->store, queue_number(q->queue), queue_now_ms(), &counts);
    }
    uint64_t hidden = counts.hidden + counts.delayed;
    set_number(all, "ApproximateNumberOfMessages",
               counts.waiting > hidden ? counts.waiting - hidden : 0);
    set_number(all, "ApproximateNumberOfMessagesNotVisible", counts.hidden);
    set_number(all, "ApproximateNumberOfMessagesDelayed", counts.delayed);
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
    const char *redrive = sqs_call_text(all, "RedrivePolicy");
    if (redrive && !redrive[0]) {
        (void)json_object_del(all, "RedrivePolicy");
    }
    return all;
}

static bool is_known(const char *name)
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
    for (size_t i = 0; i < ARRAY_COUNT(settable); i++) {
        if (strcmp(name, settable[i].name) == 0) {
            return true;
        }
    }
    return false;
}

void sqs_admin_get(struct sqs_call *c)
{
    const struct sqs_queue *q = sqs_call_queue(c);
    const json_t *names = json_object_get(c->input, "AttributeNames");
    if (!q) {
        return;
    }
    json_t *all = all_attributes(c, q);
    json_t *wanted = json_object();
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!name || !is_known(name)) {
            json_decref(all);
            json_decref(wanted);
            sqs_call_fail(c, SQS_ERROR_ATTRIBUTE_NAME, "Unknown Attribute %s.", name ? name : "");
            return;
        }
        if (strcmp(name, "All") == 0) {
            (void)json_object_update(wanted, all);
        } else if (json_object_get(all, name)) {
            (void)json_object_set(wanted, name, json_object_get(all, name));
        }
    }
    json_decref(all);
    json_t *output = json_object();
    if (json_object_size(wanted) > 0) {
        (void)json_object_set(output, "Attributes", wanted);
    }
    json_decref(wanted);
    sqs_call_answer(c, output);
}

void sqs_admin_set(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    const json_t *attributes = json_object_get(c->input, "Attributes");
    if (!q) {
        return;
    }
    if (json_object_size(attributes) == 0) {
        sqs_call_fail(c, SQS_ERROR_MISSING,
                      "The request must contain the parameter Attribute.Name.");
        return;
    }
    if (!check_attributes(c, q->name, attributes)) {
        return;
    }
    json_t *all = json_deep_copy(q->attributes);
    (void)json_object_update(all, (json_t *)(uintptr_t)attributes);
    sqs_queue_set(q, all);
    c->context = NULL;
    sqs_queue_save(c->queues, q, false, created, c);
}

/* Policies are kept and given back, not enforced: there is one account. */
void sqs_admin_permission(struct sqs_call *c)
{
    if (sqs_call_queue(c)) {
        sqs_call_answer(c, NULL);
    }
}

/* ---- tags ---- */

void sqs_admin_tag(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    json_t *tags = json_object_get(c->input, "Tags");
    if (!q) {
        return;
    }
    if (json_object_size(tags) == 0) {
        sqs_call_fail(c, SQS_ERROR_MISSING, "The request must contain the parameter Tags.");
        return;
    }
    (void)json_object_update(q->tags, tags);
    c->context = NULL;
    sqs_queue_save(c->queues, q, false, created, c);
}

void sqs_admin_untag(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    const json_t *keys = json_object_get(c->input, "TagKeys");
    if (!q) {
        return;
    }
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        if (key) {
            (void)json_object_del(q->tags, key); /* absent is fine */
        }
    }
    c->context = NULL;
    sqs_queue_save(c->queues, q, false, created, c);
}

void sqs_admin_tags(struct sqs_call *c)
{
    const struct sqs_queue *q = sqs_call_queue(c);
    if (q) {
        json_t *output = json_object();
        if (json_object_size(q->tags) > 0) {
            (void)json_object_set(output, "Tags", q->tags);
        }
        sqs_call_answer(c, output);
    }
}

/* ---- purging ---- */

struct purge {
    struct store_job job;
    struct sqs_call *call; /* NULL: answered */
    struct store *store;
    uint64_t queue;
    uint64_t before_ms;
};

static int run_purge(struct store_job *job, struct sql *db)
{
    const struct purge *p = container_of(job, struct purge, job);
    return store_messages_purge(db, p->queue, -1, p->before_ms, PURGE_ROWS);
}

static void purge_done(struct store_job *job, int r)
{
    struct purge *p = container_of(job, struct purge, job);
    if (r == PURGE_ROWS) {
        store_submit(p->store, &p->job);
        return;
    }
    created(r < 0 ? r : 0, p->call);
    free(p);
}

void sqs_admin_purge(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    uint64_t now = queue_now_ms();
    if (!q) {
        return;
    }
    if (q->purged_ms > 0 && now - q->purged_ms < PURGE_PAUSE_MS) {
        sqs_call_fail(c, SQS_ERROR_PURGING,
                      "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q->name);
        return;
    }
    q->purged_ms = now;
    c->context = NULL;
    struct purge *p = mem_new(struct purge);
    *p = (struct purge){ .job = { .run = run_purge, .done = purge_done, .makes_room = true },
                         .call = c,
                         .store = c->services->store,
                         .queue = queue_number(q->queue),
                         .before_ms = now + 1 };
    store_submit(p->store, &p->job);
}

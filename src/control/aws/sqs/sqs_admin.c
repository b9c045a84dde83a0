/* SQS's queues: made, listed, configured, emptied, removed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/aws/call/aws_page.h"
#include "control/aws/call/aws_tags.h"
#include "control/aws/sqs/sqs_attributes.h"
#include "control/aws/sqs/sqs_operations.h"
#include "control/events/lambda/lambda_source.h"
#include "control/text/json_reading.h"

#define LIST_MAX       1000
#define PURGE_PAUSE_MS 60000 /* AWS: one purge a minute */

/* ---- checks ---- */

static bool name_is_sound(struct str name)
{
    size_t len = name.len - (sqs_queue_is_fifo(name) ? sizeof(".fifo") - 1 : 0);
    for (size_t i = 0; i < len; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_')) {
            return false;
        }
    }
    return len > 0 && name.len <= SQS_NAME_MAX;
}

/* Whether `tags` are sound on top of `before` (NULL: none); else that is answered. */
static bool check_tags(struct sqs_call *c, const char *name, json_t *before, json_t *tags)
{
    const char *fault = aws_tags_fault(tags);
    json_t *all = before ? json_copy(before) : json_object();
    (void)json_object_update(all, tags); /* NULL: nothing to add */
    bool many = json_object_size(all) > AWS_TAGS_MAX;
    json_decref(all);
    if (fault) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER, "%s", fault);
    } else if (many) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER, "Too many tags added for queue %s.", name);
    }
    return !fault && !many;
}

/* ---- making ---- */

static json_t *url_output(const struct sqs_call *c, const char *name)
{
    char url[SQS_URL_BYTES];
    sqs_call_url(c, name, url);
    return json_pack("{s:s}", "QueueUrl", url);
}

/* The same again is fine; with another attribute it is an error. */
static void create_again(struct sqs_call *c, const struct sqs_queue *q, const json_t *attributes)
{
    const char *name;
    json_t *value;
    json_t *all = sqs_attributes_all(c, q);
    const char *different = NULL;
    json_object_foreach(json_reading(attributes), name, value)
    {
        bool same = json_equal(json_object_get(all, name), value) ||
                    (json_string_length(value) == 0 && !json_object_get(all, name));
        different = different || same ? different : name;
    }
    json_decref(all);
    if (different) {
        sqs_call_fail(c, SQS_ERROR_QUEUE_EXISTS,
                      "A queue already exists with the same name and a different value for "
                      "attribute %s",
                      different);
    } else {
        sqs_call_answer(c, url_output(c, q->name));
    }
}

/* There may be mappings of it already: of a queue of its name that was deleted. */
static void created(int r, void *call)
{
    struct sqs_call *c = call;
    if (r == 0) {
        lambda_sources_consume(c->services->lambda_sources, sqs_call_text(c->input, "QueueName"));
    }
    sqs_call_saved(r, c);
}

void sqs_admin_create(struct sqs_call *c)
{
    const char *name = sqs_call_text(c->input, "QueueName");
    json_t *attributes = json_object_get(c->input, "Attributes");
    json_t *tags = json_object_get(c->input, "tags");
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
    bool is_fifo = sqs_queue_is_fifo(str_c(name));
    if ((fifo && strcasecmp(fifo, "true") == 0) != is_fifo) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      is_fifo
                          ? "The name of a standard queue can only include alphanumeric "
                            "characters, hyphens, or underscores. 1 to 80 in length"
                          : "The name of a FIFO queue can only include alphanumeric characters, "
                            "hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in "
                            "length.");
        return;
    }
    if (!sqs_attributes_check(c, name, NULL, attributes) || !check_tags(c, name, NULL, tags)) {
        return;
    }
    if (sqs_call_waits(c, name)) {
        return;
    }
    const struct sqs_queue *q = sqs_queue_find(c->queues, str_c(name));
    if (q) {
        create_again(c, q, attributes);
        return;
    }
    if (sqs_queue_was_removed(c->queues, name)) {
        sqs_call_fail(c, SQS_ERROR_DELETED_RECENTLY, NULL);
        return;
    }
    c->context = url_output(c, name);
    sqs_queue_save(c->queues, name, sqs_attributes_merge(NULL, attributes),
                   tags ? json_deep_copy(tags) : NULL, created, c);
}

void sqs_admin_delete(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue_to_change(c);
    if (q) {
        sqs_queue_remove(c->queues, q, sqs_call_saved, c);
    }
}

/* ---- looking ---- */

void sqs_admin_url(struct sqs_call *c)
{
    const char *name = sqs_call_text(c->input, "QueueName");
    const char *owner = sqs_call_text(c->input, "QueueOwnerAWSAccountId");
    bool is_ours = !owner || strcmp(owner, SQS_ACCOUNT) == 0;
    const struct sqs_queue *q = name && is_ours ? sqs_queue_find(c->queues, str_c(name)) : NULL;
    if (!name) {
        sqs_call_fail(c, SQS_ERROR_MISSING, "The request must contain the parameter QueueName.");
    } else if (!q) {
        sqs_call_fail(c, SQS_ERROR_NO_QUEUE, NULL);
    } else {
        sqs_call_answer(c, url_output(c, q->name));
    }
}

/* Those with the prefix that the token does not pass over, by name; the caller frees. NULL: that
 * the token is none has been answered. */
static struct sqs_queue **sorted(struct sqs_call *c, const char *prefix, size_t *ret_count)
{
    const char *token = sqs_call_text(c->input, "NextToken");
    scoped_free char *after = token ? aws_page_last(token) : NULL;
    GTree *by_name = c->queues->by_name;
    size_t n = 0;
    if (token && !after) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER,
                      "Value for parameter NextToken is invalid. Reason: it is no token that a "
                      "list of queues has ended with.");
        return NULL;
    }
    struct sqs_queue **all = mem_alloc(((size_t)g_tree_nnodes(by_name) + 1) * sizeof(void *));
    for (GTreeNode *node = g_tree_lower_bound(by_name, prefix); node;
         node = g_tree_node_next(node)) {
        struct sqs_queue *q = g_tree_node_value(node);
        if (!str_starts(str_c(q->name), str_c(prefix))) {
            break;
        }
        if (!after || strcmp(q->name, after) > 0) {
            all[n++] = q;
        }
    }
    *ret_count = n;
    return all;
}

/* The list of URLs as member `member`. */
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
        sqs_call_url(c, queues[i]->name, url);
        (void)json_array_append_new(urls, json_string(url));
    }
    json_t *output = json_object();
    if (json_array_size(urls) > 0 || c->protocol == SQS_QUERY || strcmp(member, "queueUrls") == 0) {
        (void)json_object_set_new(output, member, urls);
    } else {
        json_decref(urls);
    }
    if (paged && count > limit) {
        scoped_free char *token = aws_page_token(queues[limit - 1]->name);
        (void)json_object_set_new(output, "NextToken", json_string(token)); /* sound text */
    }
    sqs_call_answer(c, output);
}

void sqs_admin_list(struct sqs_call *c)
{
    const char *prefix = sqs_call_text(c->input, "QueueNamePrefix");
    size_t count;
    struct sqs_queue **queues = sorted(c, prefix ? prefix : "", &count);
    if (queues) {
        answer_list(c, queues, count, "QueueUrls");
        free(queues);
    }
}

void sqs_admin_dead_letter_sources(struct sqs_call *c)
{
    const struct sqs_queue *dead = sqs_call_queue(c);
    size_t count, n = 0;
    struct sqs_queue **queues = dead ? sorted(c, "", &count) : NULL;
    if (!queues) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (queues[i]->dead_letter && strcmp(queues[i]->dead_letter, dead->name) == 0) {
            queues[n++] = queues[i];
        }
    }
    answer_list(c, queues, n, "queueUrls");
    free(queues);
}

/* ---- tags ---- */

void sqs_admin_tag(struct sqs_call *c)
{
    const struct sqs_queue *q = sqs_call_queue_to_change(c);
    json_t *tags = json_object_get(c->input, "Tags");
    if (!q) {
        return;
    }
    if (json_object_size(tags) == 0) {
        sqs_call_fail(c, SQS_ERROR_MISSING, "The request must contain the parameter Tags.");
        return;
    }
    if (!check_tags(c, q->name, q->tags, tags)) {
        return;
    }
    json_t *all = json_copy(q->tags);
    (void)json_object_update(all, tags);
    sqs_queue_save(c->queues, q->name, NULL, all, sqs_call_saved, c);
}

void sqs_admin_untag(struct sqs_call *c)
{
    const struct sqs_queue *q = sqs_call_queue_to_change(c);
    const json_t *keys = json_object_get(c->input, "TagKeys");
    if (!q) {
        return;
    }
    json_t *tags = json_copy(q->tags);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        if (key) {
            (void)json_object_del(tags, key); /* absent is fine */
        }
    }
    sqs_queue_save(c->queues, q->name, NULL, tags, sqs_call_saved, c);
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
    struct queue_purge purge;
    struct sqs_call *call;
};

static void purged(struct queue_purge *purge, int r)
{
    struct purge *p = container_of(purge, struct purge, purge);
    sqs_call_saved(r, p->call);
    free(p);
}

void sqs_admin_purge(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    uint64_t now = clock_wall_ms();
    if (!q) {
        return;
    }
    if (q->purged_ms > 0 && now - q->purged_ms < PURGE_PAUSE_MS) {
        sqs_call_fail(c, SQS_ERROR_PURGING,
                      "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q->name);
        return;
    }
    q->purged_ms = now;
    struct purge *p = mem_new(struct purge);
    *p = (struct purge){ .purge = { .queue = q->queue, .purged = purged }, .call = c };
    queue_purge(&p->purge);
}

/* PutBucketNotificationConfiguration and GetBucketNotificationConfiguration.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "control/events/event_target.h"
#include "control/events/sqs_queue.h"
#include "control/s3/s3_config.h"
#include "control/s3/s3_notification.h"
#include "control/s3/s3_operations.h"
#include "store/sql.h"
#include "store/store_messages.h"

#define DOCUMENT_BYTES_MAX (256 * KIB)

struct put_state {
    struct buf text;   /* the document */
    struct buf queues; /* "sqs:NAME\0"... that are told by a test event */
    struct buf test;   /* the test event */
    struct s3_request *rq;
    bool failed; /* answered */
};

static void free_put(void *state)
{
    struct put_state *p = state;
    buf_finish(&p->text);
    buf_finish(&p->queues);
    buf_finish(&p->test);
    free(p);
}

void s3_notification_get(struct s3_request *rq)
{
    struct str kept = s3_bucket_setting(rq->bucket, STR("notification"));
    struct s3_xml_out o = { .out = &rq->body };
    if (kept.data) {
        s3_xml_raw(&o, kept);
    } else {
        s3_xml_begin(&o, "NotificationConfiguration");
        s3_xml_close(&o, "NotificationConfiguration");
    }
    s3_answer_xml(rq, 200, o.r);
}

static void fail_destination(struct put_state *p, const struct s3_destination *d, const char *why)
{
    char name[512];
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(d->arn)); /* a long one is cut */
    p->failed = true;
    s3_fail_argument(p->rq, "Unable to validate the following destination configurations", name,
                     str_c(why));
}

static void check_destination(const struct s3_destination *d, void *context)
{
    struct put_state *p = context;
    struct services *services = p->rq->s3->services;
    if (p->failed) {
        return;
    }
    if (d->kind == S3_TO_FUNCTION) {
        if (!event_target_function(services, d->name)) {
            fail_destination(p, d, "The destination Lambda does not exist");
        }
        return;
    }
    if (d->kind == S3_TO_TOPIC || !sqs_queue_find(services->sqs, d->name)) {
        fail_destination(p, d,
                         d->kind == S3_TO_TOPIC ? "The destination topic does not exist"
                                                : "The destination queue does not exist");
        return;
    }
    if (buf_printf(&p->queues, "sqs:" STR_FMT "%c", STR_ARG(d->name), 0) < 0) {
        p->failed = true;
        s3_fail(p->rq, S3_MALFORMED_XML);
    }
}

static int make_test_event(struct s3_request *rq, struct buf *out)
{
    char when[40];
    struct tm tm;
    time_t seconds = (time_t)(rq->now_ms / 1000);
    size_t len =
        gmtime_r(&seconds, &tm) ? strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm) : 0;
    (void)snprintf(when + len, sizeof(when) - len, ".%03uZ", (unsigned)(rq->now_ms % 1000));
    return buf_printf(out,
                      "{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\",\"Time\":\"%s\","
                      "\"Bucket\":\"" STR_FMT "\",\"RequestId\":\"%s\",\"HostId\":\"" STR_FMT "\"}",
                      when, STR_ARG(rq->bucket_name), rq->id, STR_ARG(s3_host_id(rq)));
}

static int insert_test(struct s3_request *rq, struct sql *db, struct str queue)
{
    const struct put_state *p = rq->state;
    char uuid[QUEUE_UUID_BYTES];
    uint64_t id;
    queue_uuid(uuid);
    struct stored_message m = { .uuid = str_c(uuid),
                                .attributes = STR("{}"),
                                .body = buf_str(&p->test),
                                .sent_ms = rq->now_ms,
                                .due_ms = rq->now_ms };
    int r = store_messages_queue(db, queue, &m.queue);
    return r < 0 ? r : store_messages_insert(db, &m, STR(""), 0, &id);
}

static int run_put(struct s3_request *rq, struct sql *db)
{
    const struct put_state *p = rq->state;
    struct str queues = buf_str(&p->queues);
    int r =
        store_buckets_put_setting(db, rq->bucket->row.id, STR("notification"), buf_str(&p->text));
    while (r >= 0 && queues.len > 0) {
        r = insert_test(rq, db, str_cut(&queues, '\0'));
    }
    return r < 0 ? r : 0;
}

static void put_done(struct s3_request *rq, int r)
{
    const struct put_state *p = rq->state;
    struct str queues = buf_str(&p->queues);
    while (r == 0 && queues.len > 0) {
        queue_wake(queue_open(rq->s3->services->queues, str_cut(&queues, '\0')));
    }
    s3_config_done(rq, r);
}

/* Every configuration has an id. */
static void put_configuration(struct s3_xml_out *o, const struct s3_xml_node *node)
{
    char id[QUEUE_UUID_BYTES], name[64];
    if (s3_xml_text(node, "Id").len > 0 || s3_xml_is(node, "EventBridgeConfiguration")) {
        s3_xml_put_node(o, node);
        return;
    }
    queue_uuid(id);
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(node->name)); /* is a known one */
    s3_xml_open(o, name);
    s3_xml_put(o, "Id", str_c(id));
    for (const struct s3_xml_node *child = node->first; child; child = child->next) {
        if (!s3_xml_is(child, "Id")) {
            s3_xml_put_node(o, child);
        }
    }
    s3_xml_close(o, name);
}

static int write_document(const struct s3_xml_node *root, struct buf *text)
{
    struct s3_xml_out o = { .out = text };
    s3_xml_begin(&o, "NotificationConfiguration");
    for (const struct s3_xml_node *child = root->first; child; child = child->next) {
        put_configuration(&o, child);
    }
    s3_xml_close(&o, "NotificationConfiguration");
    return o.r;
}

void s3_notification_put(struct s3_request *rq)
{
    const struct s3_xml_node *root = s3_xml_root(rq->xml);
    struct s3_notification_fault fault;
    if (!s3_notification_check(root, &fault)) {
        if (fault.is_malformed) {
            s3_fail(rq, S3_MALFORMED_XML);
        } else {
            s3_fail_more(rq, S3_INVALID_ARGUMENT, fault.text, str_of(fault.more, fault.more_len));
        }
        return;
    }
    struct put_state *p = s3_state(rq, sizeof(*p), free_put);
    p->rq = rq;
    buf_init(&p->text, DOCUMENT_BYTES_MAX);
    buf_init(&p->queues, DOCUMENT_BYTES_MAX);
    buf_init(&p->test, 4 * KIB);
    bool skips = str_eq_nocase(s3_header(rq, "x-amz-skip-destination-validation"), STR("true"));
    if (!skips) {
        s3_notification_destinations(root, check_destination, p);
    }
    if (p->failed) {
        return;
    }
    if (write_document(root, &p->text) < 0 || make_test_event(rq, &p->test) < 0) {
        s3_fail(rq, S3_MALFORMED_XML);
    } else {
        s3_submit(rq, run_put, put_done);
    }
}

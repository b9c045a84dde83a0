/* PutBucketNotificationConfiguration and GetBucketNotificationConfiguration.
 *
 * What the project's files declare is shown first, and no Put changes it. So that a client may add
 * to what it got, a Put that names a declared configuration by its Id means that one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/chance.h"
#include "base/mem.h"
#include "control/events/eventbridge/event_target.h"
#include "control/events/sqs/sqs_queue.h"
#include "control/s3/operations/s3_config.h"
#include "control/s3/s3_manifest.h"
#include "control/s3/s3_notification.h"
#include "control/s3/s3_operations.h"
#include "control/text/iso_time.h"
#include "store/sql.h"
#include "store/store_messages.h"

#define DOCUMENT_BYTES_MAX (256 * KIB)
#define AWS_ARN_BYTES      256

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

/* ---- what is declared ---- */

static struct str text_of(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    return value ? str_of(json_string_value(value), json_string_length(value)) : STR("");
}

/* The name at AWS of a function of the manifest. */
static struct str aws_function(const struct services *services, struct str name)
{
    const struct build *build = services->deployment->active;
    for (size_t i = 0; build && i < build->count; i++) {
        if (str_eq(str_c(build->versions[i]->name), name)) {
            struct str known =
                text_of(json_object_get(build->versions[i]->spec, "settings"), "function_name");
            return known.len > 0 ? known : name;
        }
    }
    return name;
}

static void put_target(struct s3_xml_out *o, const char *element, const char *arn, struct str name)
{
    char text[AWS_ARN_BYTES];
    (void)snprintf(text, sizeof(text), "%s" STR_FMT, arn, STR_ARG(name));
    s3_xml_put(o, element, str_c(text));
}

static void put_rule(struct s3_xml_out *o, const char *name, struct str value)
{
    s3_xml_open(o, "FilterRule");
    s3_xml_put(o, "Name", str_c(name));
    s3_xml_put(o, "Value", value);
    s3_xml_close(o, "FilterRule");
}

static void put_filter(struct s3_xml_out *o, const json_t *n)
{
    struct str prefix = text_of(n, "prefix"), suffix = text_of(n, "suffix");
    if (prefix.len > 0 || suffix.len > 0) {
        s3_xml_open(o, "Filter");
        s3_xml_open(o, "S3Key");
        if (prefix.len > 0) {
            put_rule(o, "Prefix", prefix);
        }
        if (suffix.len > 0) {
            put_rule(o, "Suffix", suffix);
        }
        s3_xml_close(o, "S3Key");
        s3_xml_close(o, "Filter");
    }
}

static void put_declared(struct s3_xml_out *o, const struct services *services, const json_t *n)
{
    struct str function = text_of(n, "function");
    bool is_function = function.len > 0;
    const char *element = is_function ? "CloudFunctionConfiguration" : "QueueConfiguration";
    size_t i;
    json_t *event;
    s3_xml_open(o, element);
    s3_xml_put(o, "Id", text_of(n, "id"));
    if (is_function) {
        put_target(o, "CloudFunction", "arn:aws:lambda:us-east-1:" AWS_ACCOUNT_ID ":function:",
                   aws_function(services, function));
    } else {
        put_target(o, "Queue", "arn:aws:sqs:us-east-1:" AWS_ACCOUNT_ID ":", text_of(n, "queue"));
    }
    json_array_foreach(json_object_get(n, "events"), i, event)
    {
        s3_xml_put(o, "Event", str_of(json_string_value(event), json_string_length(event)));
    }
    put_filter(o, n);
    s3_xml_close(o, element);
}

static bool declares_bus(const json_t *declared)
{
    return json_is_true(json_object_get(declared, "eventbridge"));
}

/* ---- getting ---- */

void s3_notification_get(struct s3_request *rq)
{
    const json_t *declared = s3_manifest_bucket(rq->s3, rq->bucket_name);
    const struct s3_xml *kept = rq->bucket->notification;
    struct s3_xml_out o = { .out = &rq->body };
    size_t i;
    json_t *n;
    s3_xml_begin(&o, "NotificationConfiguration");
    json_array_foreach(json_object_get(declared, "notifications"), i, n)
    {
        put_declared(&o, rq->s3->services, n);
    }
    for (const struct s3_xml_node *c = kept ? s3_xml_root(kept)->first : NULL; c; c = c->next) {
        bool is_bus = s3_xml_is(c, "EventBridgeConfiguration");
        if (is_bus ? !declares_bus(declared)
                   : !s3_manifest_has_notification(declared, s3_xml_text(c, "Id"))) {
            s3_xml_put_node(&o, c);
        }
    }
    if (declares_bus(declared)) {
        s3_xml_put(&o, "EventBridgeConfiguration", STR(""));
    }
    s3_xml_close(&o, "NotificationConfiguration");
    s3_answer_xml(rq, 200, o.r);
}

/* ---- putting ---- */

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
    if (sqs_queue_is_fifo(d->name)) {
        fail_destination(p, d, "FIFO SQS queues are not supported.");
        return;
    }
    if (buf_printf(&p->queues, "sqs:" STR_FMT "%c", STR_ARG(d->name), 0) < 0) {
        p->failed = true;
        s3_fail(p->rq, S3_MALFORMED_XML);
    }
}

static int make_test_event(struct s3_request *rq, struct buf *out)
{
    char when[ISO_TIME_BYTES];
    (void)iso_time_ms(rq->now_ms, when);
    return buf_printf(out,
                      "{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\",\"Time\":\"%s\","
                      "\"Bucket\":\"" STR_FMT "\",\"RequestId\":\"%s\",\"HostId\":\"" STR_FMT "\"}",
                      when, STR_ARG(rq->bucket_name), rq->id, STR_ARG(s3_host_id(rq)));
}

static int insert_test(struct s3_request *rq, struct sql *db, struct str queue)
{
    const struct put_state *p = rq->state;
    char uuid[UUID_BYTES];
    uint64_t id;
    chance_uuid(uuid);
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

/* As it came, but for the names of filters' rules, which S3 tells in one way. */
static void put_node(struct s3_xml_out *o, const struct s3_xml_node *node)
{
    char name[64];
    if (s3_xml_is(node, "FilterRule")) {
        bool is_prefix = str_eq_nocase(s3_xml_text(node, "Name"), STR("prefix"));
        put_rule(o, is_prefix ? "Prefix" : "Suffix", s3_xml_text(node, "Value"));
        return;
    }
    if (!node->first) {
        s3_xml_put_node(o, node);
        return;
    }
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(node->name)); /* is a known one */
    s3_xml_open(o, name);
    for (const struct s3_xml_node *child = node->first; child; child = child->next) {
        put_node(o, child);
    }
    s3_xml_close(o, name);
}

/* Every configuration has an id. */
static void put_configuration(struct s3_xml_out *o, const struct s3_xml_node *node)
{
    char id[UUID_BYTES], name[64];
    if (s3_xml_text(node, "Id").len > 0 || s3_xml_is(node, "EventBridgeConfiguration")) {
        put_node(o, node);
        return;
    }
    chance_uuid(id);
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(node->name)); /* is a known one */
    s3_xml_open(o, name);
    s3_xml_put(o, "Id", str_c(id));
    for (const struct s3_xml_node *child = node->first; child; child = child->next) {
        if (!s3_xml_is(child, "Id")) {
            put_node(o, child);
        }
    }
    s3_xml_close(o, name);
}

static int write_document(const struct s3_xml_node *root, const json_t *declared, struct buf *text)
{
    struct s3_xml_out o = { .out = text };
    s3_xml_begin(&o, "NotificationConfiguration");
    for (const struct s3_xml_node *child = root->first; child; child = child->next) {
        struct str id = s3_xml_text(child, "Id");
        if (id.len == 0 || !s3_manifest_has_notification(declared, id)) {
            put_configuration(&o, child);
        }
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
            s3_fail_argument(rq, fault.text, fault.argument, fault.value);
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
    if (write_document(root, s3_manifest_bucket(rq->s3, rq->bucket_name), &p->text) < 0 ||
        make_test_event(rq, &p->test) < 0) {
        s3_fail(rq, S3_MALFORMED_XML);
    } else {
        s3_submit(rq, run_put, put_done);
    }
}

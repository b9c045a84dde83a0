/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/event_target.h"

#include <stdio.h>

#include "base/chance.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/aws/aws_digest.h"
#include "control/aws/aws_sdk.h"
#include "control/events/api_queue.h"
#include "control/events/destination.h"
#include "control/events/endpoint_queue.h"
#include "control/events/sqs_queue.h"
#include "control/events/target_attempt.h"
#include "control/iso_time.h"
#include "control/json_reading.h"
#include "control/json_write.h"

#define ARN_PARTS       6      /* arn:aws:service:region:account:resource */
#define FIFO_DEDUP_MS   300000 /* SQS: five minutes */
#define EXECUTION_BYTES 8

/* ---- functions ---- */

static bool is_function(const struct version *v, struct str function_name)
{
    json_t *settings = json_object_get(v->spec, "settings");
    const char *dialect = json_string_value(json_object_get(v->spec, "dialect"));
    const char *name = json_string_value(json_object_get(settings, "function_name"));
    bool is_lambda =
        dialect && (strcmp(dialect, "lambda") == 0 || strcmp(dialect, "bootstrap") == 0);
    return is_lambda && name && str_eq(str_c(name), function_name);
}

const char *event_target_function(const struct services *s, struct str function_name)
{
    const struct build *build = s->deployment->active;
    for (size_t i = 0; build && i < build->count; i++) {
        if (is_function(build->versions[i], function_name)) {
            return build->versions[i]->name;
        }
    }
    return NULL;
}

static bool has_function(const struct services *s, const char *name)
{
    const struct build *build = s->deployment->active;
    for (size_t i = 0; build && i < build->count; i++) {
        if (strcmp(build->versions[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- ARNs ---- */

static void set_text(json_t *object, const char *member, struct str text)
{
    (void)json_object_set_new(object, member, json_stringn(text.data, text.len)); /* sound text */
}

int event_target_set_arn(json_t *target, struct str arn, struct err *err)
{
    struct str parts[ARN_PARTS] = { { NULL, 0 } };
    struct str rest = arn;
    for (size_t i = 0; i < ARN_PARTS; i++) {
        if (!rest.data) {
            return err_set(err, EINVAL, "is no ARN");
        }
        parts[i] = i + 1 < ARN_PARTS ? str_cut(&rest, ':') : rest;
    }
    struct str resource = parts[5];
    if (!str_eq(parts[0], STR("arn")) || parts[2].len == 0 || resource.len == 0) {
        return err_set(err, EINVAL, "is no ARN");
    }
    set_text(target, "arn", arn);
    if (str_eq(parts[2], STR("lambda")) && str_starts(resource, STR("function:"))) {
        struct str name = str_skip(resource, 9);
        set_text(target, "function_name", str_cut(&name, ':')); /* without version or alias */
    } else if (str_eq(parts[2], STR("sqs"))) {
        set_text(target, "queue", resource);
    } else if (str_eq(parts[2], STR("events")) && str_starts(resource, STR("event-bus/"))) {
        set_text(target, "bus", str_skip(resource, 10));
    } else if (str_eq(parts[2], STR("events")) && str_starts(resource, STR("api-destination/"))) {
        struct str name = str_skip(resource, 16);
        set_text(target, "endpoint", str_cut(&name, '/')); /* without its UUID */
    } else if (str_starts(arn, STR(AWS_SDK_ARN))) {
        set_text(target, "api", str_skip(arn, strlen(AWS_SDK_ARN)));
    }
    return 0;
}

/* ---- messages ---- */

static void add_to_queue(const struct sqs_queue *q, const char *group,
                         const struct target_message *m, struct str attributes,
                         struct message_batch *batch)
{
    char name[LIMIT_TARGET_NAME_BYTES];
    char hash[AWS_HEX_BYTES];
    char fifo_attributes[AWS_HEX_BYTES + 32];
    const uint64_t now = queue_now_ms();
    (void)snprintf(name, sizeof(name), "sqs:%s", q->name);
    struct batch_message message = { .queue = str_c(name),
                                     .attributes = attributes,
                                     .body = m->text,
                                     .dedup = m->dedup,
                                     .due_ms = m->due_ms };
    if (q->delay_ms > 0 && message.due_ms < now + q->delay_ms) {
        message.due_ms = now + q->delay_ms;
    }
    if (group && q->fifo) {
        uint8_t digest[AWS_DIGEST_BYTES];
        aws_sha256(m->text, digest);
        (void)hex_write(digest, sizeof(digest), hash);
        (void)snprintf(fifo_attributes, sizeof(fifo_attributes), "{\"dedup\":\"%.*s\"}",
                       AWS_HEX_BYTES, hash);
        message.group = str_c(group);
        message.attributes = str_c(fifo_attributes);
        message.dedup = str_of(hash, sizeof(hash));
        message.dedup_since_ms = now - FIFO_DEDUP_MS;
    }
    message_batch_add(batch, &message);
}

/* ---- dead letters ---- */

static void set_attribute(json_t *attributes, const char *name, struct str text)
{
    (void)json_object_set_new(attributes, name,
                              json_pack("{s:s,s:s%}", "DataType", "String", "StringValue",
                                        text.data, text.len)); /* sound text */
}

/* What only a schedule's dead letter says. */
static void set_schedule(json_t *attributes, const struct target_message *m)
{
    char time[ISO_TIME_BYTES];
    char execution[2 * EXECUTION_BYTES];
    uint8_t bytes[EXECUTION_BYTES];
    chance_bytes(bytes, sizeof(bytes));
    (void)hex_write(bytes, sizeof(bytes), execution);
    set_attribute(attributes, "SCHEDULE_ARN", m->arn);
    set_attribute(attributes, "SCHEDULED_TIME", iso_time_s(m->tick_ms, time));
    set_attribute(attributes, "EXECUTION_ID", str_of(execution, sizeof(execution)));
    set_attribute(attributes, "IS_PAYLOAD_TRUNCATED", STR("false"));
}

/* AWS's attributes of a dead letter, owned. */
static char *dead_letter_attributes(json_t *target, const struct target_message *m,
                                    const struct dead_letter *dead)
{
    char retries[12];
    const char *arn = json_text(target, "arn");
    const char *api = json_text(target, "api");
    scoped_free char *api_arn = NULL;
    if (api && asprintf(&api_arn, "%s%s", AWS_SDK_ARN, api) < 0) {
        abort();
    }
    (void)snprintf(retries, sizeof(retries), "%u", dead->retries);
    json_t *attributes = json_object();
    if (str_starts(m->arn, STR("arn:aws:scheduler:"))) {
        set_schedule(attributes, m);
    } else {
        set_attribute(attributes, "RULE_ARN", m->arn);
    }
    set_attribute(attributes, "ERROR_CODE", str_c(dead->code));
    set_attribute(attributes, "ERROR_MESSAGE", str_c(dead->why));
    set_attribute(attributes, "RETRY_ATTEMPTS", str_c(retries));
    if (dead->exhausted) {
        set_attribute(attributes, "EXHAUSTED_RETRY_CONDITION", str_c(dead->exhausted));
    }
    if (arn || api_arn) {
        set_attribute(attributes, "TARGET_ARN", str_c(arn ? arn : api_arn));
    }
    json_t *json = json_pack("{s:o}", "messageAttributes", attributes);
    char *text = json_write(json);
    json_decref(json);
    return text;
}

/* The target's dead-letter queue; NULL: it has none that is there. AWS takes standard queues only.
 */
static const struct sqs_queue *find_dead_queue(struct services *s, json_t *target)
{
    const char *name = json_text(json_object_get(target, "dead_letter"), "queue");
    const struct sqs_queue *dead = name ? sqs_queue_find(s->sqs, str_c(name)) : NULL;
    return dead && !dead->fifo ? dead : NULL;
}

void event_target_give_up(struct services *s, json_t *target, const struct target_message *m,
                          const char *code, const char *why, struct message_batch *batch)
{
    const struct sqs_queue *queue = find_dead_queue(s, target);
    if (!queue) {
        log_warning("an event of " STR_FMT " is dropped: %s", STR_ARG(m->arn), why);
        return;
    }
    const struct dead_letter dead = { .code = code, .why = why };
    scoped_free char *attributes = dead_letter_attributes(target, m, &dead);
    add_to_queue(queue, NULL, m, attributes ? str_c(attributes) : STR("{}"), batch);
}

void event_target_follow_dead(struct delivery *d, struct services *s, json_t *target,
                              const struct target_message *m, const struct dead_letter *dead)
{
    if (find_dead_queue(s, target)) {
        scoped_free char *attributes = dead_letter_attributes(target, m, dead);
        destination_send(s, d, json_object_get(target, "dead_letter"), m->text,
                         attributes ? str_c(attributes) : STR("{}"));
    }
}

/* ---- delivery ---- */

static void deliver_to_queue(struct services *s, json_t *target, const struct target_message *m,
                             struct message_batch *batch)
{
    char why[256];
    const char *name = json_text(target, "queue");
    const char *group = json_text(target, "group");
    const struct sqs_queue *q = sqs_queue_find(s->sqs, str_c(name));
    if (!q) {
        (void)snprintf(why, sizeof(why), "the queue %.100s does not exist", name);
        event_target_give_up(s, target, m, "NO_RESOURCE", why, batch);
    } else if (q->fifo && (!group || !q->content_dedup)) {
        (void)snprintf(why, sizeof(why), "the queue %.100s is a FIFO queue, which needs %s", name,
                       group ? "ContentBasedDeduplication" : "a message group");
        event_target_give_up(s, target, m, "INVALID_PARAMETER", why, batch);
    } else {
        add_to_queue(q, group, m, STR("{}"), batch);
    }
}

static void add_to_function(const char *function, const struct target_message *m,
                            struct message_batch *batch)
{
    char name[LIMIT_TARGET_NAME_BYTES];
    (void)snprintf(name, sizeof(name), "lambda:%s", function);
    message_batch_add(
        batch, &(struct batch_message){
                   .queue = str_c(name), .body = m->text, .dedup = m->dedup, .due_ms = m->due_ms });
}

static void add_attempt(struct str queue, json_t *target, const struct target_message *m,
                        struct message_batch *batch)
{
    scoped_free char *attributes = target_attempt_attributes(target, m);
    message_batch_add(batch, &(struct batch_message){ .queue = queue,
                                                      .attributes = str_c(attributes),
                                                      .body = m->text,
                                                      .dedup = m->dedup,
                                                      .due_ms = m->due_ms });
}

static void add_to_endpoint(struct services *s, json_t *target, const struct target_message *m,
                            struct message_batch *batch)
{
    char text[256];
    const char *name = json_text(target, "endpoint");
    if (json_table_find(endpoint_queues_table(s->endpoints), str_c(name))) {
        (void)snprintf(text, sizeof(text), "endpoint:%s", name); /* the name of one that is there */
        add_attempt(str_c(text), target, m, batch);
    } else {
        (void)snprintf(text, sizeof(text), "the API destination %.100s does not exist", name);
        event_target_give_up(s, target, m, "NO_RESOURCE", text, batch);
    }
}

void event_target_add(struct services *s, json_t *target, const struct target_message *m,
                      struct message_batch *batch)
{
    char why[256];
    const char *function = json_text(target, "function");
    const char *aws_name = json_text(target, "function_name");
    if (aws_name) {
        function = event_target_function(s, str_c(aws_name));
    }
    if (json_text(target, "queue")) {
        deliver_to_queue(s, target, m, batch);
    } else if (json_text(target, "api")) {
        add_attempt(STR(API_QUEUE), target, m, batch);
    } else if (json_text(target, "endpoint")) {
        add_to_endpoint(s, target, m, batch);
    } else if (function && has_function(s, function)) {
        add_to_function(function, m, batch);
    } else if (function || aws_name) {
        (void)snprintf(why, sizeof(why), "the function %.100s does not exist",
                       aws_name ? aws_name : function);
        event_target_give_up(s, target, m, "NO_RESOURCE", why, batch);
    } else if (json_text(target, "bus")) {
        (void)snprintf(why, sizeof(why), "the event bus %.200s does not exist",
                       json_text(target, "bus"));
        event_target_give_up(s, target, m, "NO_RESOURCE", why, batch);
    } else {
        const char *arn = json_text(target, "arn");
        (void)snprintf(why, sizeof(why), "its target %.150s is of a service that is not here",
                       arn ? arn : "");
        event_target_give_up(s, target, m, "NO_RESOURCE", why, batch);
    }
}

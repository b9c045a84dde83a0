/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/event_target.h"

#include <stdio.h>

#include "base/limits.h"
#include "control/events/eventbridge/api_queue.h"
#include "control/events/eventbridge/aws_sdk.h"
#include "control/events/eventbridge/endpoint_queue.h"
#include "control/events/eventbridge/target_attempt.h"
#include "control/events/eventbridge/target_dead_letter.h"
#include "control/events/eventbridge/trace_header.h"
#include "control/events/sqs/sqs_queue.h"
#include "control/text/json_reading.h"

#define ARN_PARTS 6 /* arn:aws:service:region:account:resource */

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
        target_dead_letter_add(s, target, m, "NO_RESOURCE", why, batch);
    } else if (q->fifo && (!group || !q->content_dedup)) {
        (void)snprintf(why, sizeof(why), "the queue %.100s is a FIFO queue, which needs %s", name,
                       group ? "ContentBasedDeduplication" : "a message group");
        target_dead_letter_add(s, target, m, "INVALID_PARAMETER", why, batch);
    } else {
        target_message_add(q, group, m, NULL, batch);
    }
}

static void add_to_function(const char *function, const struct target_message *m,
                            struct message_batch *batch)
{
    char name[LIMIT_TARGET_NAME_BYTES];
    char attributes[TRACE_HEADER_MAX + 32] = "";
    (void)snprintf(name, sizeof(name), "lambda:%s", function);
    if (m->trace.len > 0) {
        (void)snprintf(attributes, sizeof(attributes), "{\"traceId\":\"" STR_FMT "\"}",
                       STR_ARG(m->trace));
    }
    message_batch_add(batch, &(struct batch_message){ .queue = str_c(name),
                                                      .attributes = str_c(attributes),
                                                      .body = m->text,
                                                      .dedup = m->dedup,
                                                      .due_ms = m->due_ms });
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
        target_dead_letter_add(s, target, m, "NO_RESOURCE", text, batch);
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
        target_dead_letter_add(s, target, m, "NO_RESOURCE", why, batch);
    } else if (json_text(target, "bus")) {
        (void)snprintf(why, sizeof(why), "the event bus %.200s does not exist",
                       json_text(target, "bus"));
        target_dead_letter_add(s, target, m, "NO_RESOURCE", why, batch);
    } else {
        const char *arn = json_text(target, "arn");
        (void)snprintf(why, sizeof(why), "its target %.150s is of a service that is not here",
                       arn ? arn : "");
        target_dead_letter_add(s, target, m, "NO_RESOURCE", why, batch);
    }
}

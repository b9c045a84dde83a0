/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/event_target.h"

#include <openssl/sha.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

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
    struct str parts[ARN_PARTS];
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
    if (str_eq(parts[2], STR("lambda")) && str_starts(resource, STR("function:"))) {
        struct str name = str_skip(resource, 9);
        set_text(target, "function_name", str_cut(&name, ':')); /* without version or alias */
    } else if (str_eq(parts[2], STR("sqs"))) {
        set_text(target, "queue", resource);
    } else if (str_eq(parts[2], STR("events")) && str_starts(resource, STR("event-bus/"))) {
        set_text(target, "bus", str_skip(resource, 10));
    }
    return 0;
}

/* ---- messages ---- */

static const char *text_of(json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

/* A FIFO queue of EventBridge's has content-based deduplication: AWS's own condition. */
static void add_to_queue(const char *queue, json_t *target, const struct target_message *m,
                         struct str attributes, struct message_batch *batch)
{
    char name[LIMIT_TARGET_NAME_BYTES];
    const char *group = text_of(target, "group");
    (void)snprintf(name, sizeof(name), "sqs:%s", queue);
    message_batch_add(batch, &(struct batch_message){ .queue = str_c(name),
                                                      .group = group ? str_c(group) : STR(""),
                                                      .attributes = attributes,
                                                      .body = m->text,
                                                      .dedup = m->dedup,
                                                      .due_ms = m->due_ms });
}

static bool has_queue(struct services *s, const char *queue)
{
    char name[LIMIT_TARGET_NAME_BYTES];
    return snprintf(name, sizeof(name), "sqs:%s", queue) < (int)sizeof(name) &&
           queue_find(s->queues, str_c(name)) != NULL;
}

/* AWS's attributes of a dead letter. */
static char *dead_letter_attributes(const struct target_message *m, const char *code,
                                    const char *why)
{
    json_t *json = json_pack("{s:{s:{s:s,s:s%},s:{s:s,s:s},s:{s:s,s:s}}}", "messageAttributes",
                             "RULE_ARN", "DataType", "String", "StringValue", m->arn.data,
                             m->arn.len, "ERROR_CODE", "DataType", "String", "StringValue", code,
                             "ERROR_MESSAGE", "DataType", "String", "StringValue", why);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

static void give_up(struct services *s, json_t *target, const struct target_message *m,
                    const char *why, struct message_batch *batch)
{
    const char *dead = text_of(json_object_get(target, "dead_letter"), "queue");
    if (!dead || !has_queue(s, dead)) {
        log_warning("an event of " STR_FMT " is dropped: %s", STR_ARG(m->arn), why);
        return;
    }
    scoped_free char *attributes = dead_letter_attributes(m, "RESOURCE_NOT_FOUND", why);
    add_to_queue(dead, NULL, m, attributes ? str_c(attributes) : STR("{}"), batch);
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

void event_target_add(struct services *s, json_t *target, const struct target_message *m,
                      struct message_batch *batch)
{
    char why[256];
    const char *function = text_of(target, "function");
    const char *aws_name = text_of(target, "function_name");
    const char *queue = text_of(target, "queue");
    if (aws_name) {
        function = event_target_function(s, str_c(aws_name));
    }
    if (queue && has_queue(s, queue)) {
        add_to_queue(queue, target, m, STR("{}"), batch);
    } else if (queue) {
        (void)snprintf(why, sizeof(why), "the queue %.100s does not exist", queue);
        give_up(s, target, m, why, batch);
    } else if (function && has_function(s, function)) {
        add_to_function(function, m, batch);
    } else if (function || aws_name) {
        (void)snprintf(why, sizeof(why), "the function %.100s does not exist",
                       aws_name ? aws_name : function);
        give_up(s, target, m, why, batch);
    } else {
        log_warning("an event of " STR_FMT " is dropped: its target is of a service that is not "
                    "here",
                    STR_ARG(m->arn));
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/declared_target.h"

#include <stdio.h>

#include "control/events/eventbridge/aws_sdk.h"
#include "control/events/eventbridge/endpoint_queue.h"
#include "control/events/eventbridge/target_attempt.h"
#include "control/text/json_reading.h"

static void set(json_t *shown, const char *member, json_t *value)
{
    if (value && !json_is_null(value)) {
        (void)json_object_set(shown, member, value); /* a literal and a sound value */
    }
}

static void set_inside(json_t *shown, const char *object, const char *member, json_t *value)
{
    if (value && !json_is_null(value)) {
        json_t *inside = json_object_get(shown, object);
        if (!inside) {
            inside = json_object();
            (void)json_object_set_new(shown, object, inside); /* a new value */
        }
        set(inside, member, value);
    }
}

void declared_target_arn(const struct services *s, const json_t *target, const char *region,
                         char ret[DECLARED_TARGET_ARN_BYTES])
{
    static const char form[] = "arn:aws:%s:%s:000000000000:%s%s";
    const char *endpoint = json_text(target, "endpoint");
    const char *function = json_text(target, "function");
    const char *queue = json_text(target, "queue");
    const char *api = json_text(target, "api");
    const char *bus = json_text(target, "bus");
    json_t *destination =
        endpoint ? json_table_find(endpoint_queues_table(s->endpoints), str_c(endpoint)) : NULL;
    if (destination) {
        endpoint_queues_arn(destination, region, ret, DECLARED_TARGET_ARN_BYTES);
    } else if (function) {
        const char *slash = strrchr(function, '/');
        (void)snprintf(ret, DECLARED_TARGET_ARN_BYTES, form, "lambda", region,
                       "function:", slash ? slash + 1 : function);
    } else if (queue) {
        (void)snprintf(ret, DECLARED_TARGET_ARN_BYTES, form, "sqs", region, "", queue);
    } else if (api) {
        (void)snprintf(ret, DECLARED_TARGET_ARN_BYTES, AWS_SDK_ARN "%s", api);
    } else {
        (void)snprintf(ret, DECLARED_TARGET_ARN_BYTES, form, "events", region, "event-bus/",
                       bus ? bus : "default");
    }
}

static void set_arn(const struct services *s, json_t *shown, const char *object,
                    const json_t *target, const char *region)
{
    char arn[DECLARED_TARGET_ARN_BYTES];
    declared_target_arn(s, target, region, arn);
    json_t *text = json_string(arn);
    if (object) {
        set_inside(shown, object, "Arn", text);
    } else {
        set(shown, "Arn", text);
    }
    json_decref(text);
}

static void set_retries(json_t *shown, const json_t *target)
{
    json_t *age = json_object_get(target, "max_age_s");
    json_t *retries = json_object_get(target, "max_retries");
    if (json_integer_value(age) != TARGET_ATTEMPT_AGE_MAX_S ||
        json_integer_value(retries) != TARGET_ATTEMPT_RETRIES_MAX) {
        set_inside(shown, "RetryPolicy", "MaximumEventAgeInSeconds", age);
        set_inside(shown, "RetryPolicy", "MaximumRetryAttempts", retries);
    }
}

json_t *declared_target(const struct services *s, const json_t *target, const char *region)
{
    static const char *const members[][2] = {
        { "Id", "id" },
        { "RoleArn", "role_arn" },
        { "Input", "input" },
        { "InputPath", "input_path" },
        { "HttpParameters", "http_parameters" },
    };
    json_t *shown = json_object();
    json_t *transformer = json_object_get(target, "input_transformer");
    json_t *dead = json_object_get(target, "dead_letter");
    set_arn(s, shown, NULL, target, region);
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        set(shown, members[i][0], json_object_get(target, members[i][1]));
    }
    set_inside(shown, "SqsParameters", "MessageGroupId", json_object_get(target, "group"));
    set_inside(shown, "EventBridgeParameters", "DetailType",
               json_object_get(target, "detail_type"));
    set_inside(shown, "EventBridgeParameters", "Source", json_object_get(target, "source"));
    set_inside(shown, "InputTransformer", "InputPathsMap", json_object_get(transformer, "paths"));
    set_inside(shown, "InputTransformer", "InputTemplate",
               json_object_get(transformer, "template"));
    if (json_is_object(dead)) {
        set_arn(s, shown, "DeadLetterConfig", dead, region);
    }
    set_retries(shown, target);
    return shown;
}

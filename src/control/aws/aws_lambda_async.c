/* The Lambda API: what becomes of a function's asynchronous invocations (event-invoke-config).
 *
 * Kept in the settings (kind "lambda-async"), by the manifest's name of the function.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/mem.h"
#include "control/aws/aws_lambda_operations.h"
#include "control/events/event_target.h"
#include "control/events/lambda_queue.h"
#include "control/events/setting_write.h"
#include "store/store_settings.h"

/* ---- between AWS's words and the manifest's ---- */

/* { "Destination": ARN } as a destination; NULL: none. */
static json_t *destination_of(const json_t *on, bool *ret_sound)
{
    const char *arn = json_string_value(json_object_get(on, "Destination"));
    struct err err;
    if (!arn) {
        return json_null();
    }
    json_t *target = json_object();
    *ret_sound = *ret_sound && event_target_set_arn(target, str_c(arn), &err) == 0;
    (void)json_object_set_new(target, "arn", json_string(arn));
    return target;
}

static const char *function_of(const struct services *s, json_t *destination)
{
    const char *name = json_string_value(json_object_get(destination, "function_name"));
    return name ? event_target_function(s, str_c(name)) : NULL;
}

static json_t *config_of(struct aws_call *c, bool *ret_sound)
{
    const json_t *destinations = aws_call_member(c, "DestinationConfig");
    json_t *config = json_object();
    json_t *retries = aws_call_member(c, "MaximumRetryAttempts");
    json_t *age = aws_call_member(c, "MaximumEventAgeInSeconds");
    static const char *const names[][2] = { { "OnSuccess", "on_success" },
                                            { "OnFailure", "on_failure" } };
    if (json_is_integer(retries)) {
        (void)json_object_set(config, "max_retries", retries);
        *ret_sound = json_integer_value(retries) >= 0 && json_integer_value(retries) <= 2;
    }
    if (json_is_integer(age)) {
        (void)json_object_set(config, "max_age_s", age);
        *ret_sound =
            *ret_sound && json_integer_value(age) >= 60 && json_integer_value(age) <= 21600;
    }
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        json_t *to = destination_of(json_object_get(destinations, names[i][0]), ret_sound);
        const char *function = function_of(c->services, to);
        if (function) {
            (void)json_object_set_new(to, "function", json_string(function));
        }
        (void)json_object_set_new(config, names[i][1], to);
    }
    return config;
}

static json_t *describe(const json_t *function, const json_t *config)
{
    char arn[AWS_LAMBDA_ARN_BYTES];
    aws_lambda_path_arn(function, arn);
    json_t *destinations = json_object();
    static const char *const names[][2] = { { "OnSuccess", "on_success" },
                                            { "OnFailure", "on_failure" } };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const char *to =
            json_string_value(json_object_get(json_object_get(config, names[i][1]), "arn"));
        (void)json_object_set_new(destinations, names[i][0],
                                  to ? json_pack("{s:s}", "Destination", to) : json_object());
    }
    json_t *out = json_pack("{s:s, s:f, s:o}", "FunctionArn", arn, "LastModified",
                            (double)queue_now_ms() / 1000, "DestinationConfig", destinations);
    json_t *retries = json_object_get(config, "max_retries");
    json_t *age = json_object_get(config, "max_age_s");
    if (retries) {
        (void)json_object_set(out, "MaximumRetryAttempts", retries);
    }
    if (age) {
        (void)json_object_set(out, "MaximumEventAgeInSeconds", age);
    }
    return out;
}

/* ---- keeping ---- */

static void save(struct aws_call *c, const char *name, const json_t *config, json_t *output)
{
    c->context = output;
    setting_write(c->services->store, LAMBDA_ASYNC_KIND, name,
                  config ? json_dumps(config, JSON_COMPACT) : NULL, aws_call_written, c);
}

void aws_lambda_async(struct aws_call *c, const json_t *function)
{
    const char *name = json_string_value(json_object_get(function, "name"));
    struct str method = c->exchange->method;
    const json_t *known = lambda_queues_config(c->services->lambda_queues, name);
    if (!known && (str_eq(method, STR("GET")) || str_eq(method, STR("DELETE")))) {
        aws_call_fail(c, 404, "ResourceNotFoundException",
                      "The function %s doesn't have an EventInvokeConfig",
                      aws_lambda_path_name(function));
        return;
    }
    if (str_eq(method, STR("GET"))) {
        aws_call_answer(c, describe(function, known));
        return;
    }
    if (str_eq(method, STR("DELETE"))) {
        (void)!lambda_queues_configure(c->services->lambda_queues, name, NULL); /* it is there */
        c->status = 204;
        save(c, name, NULL, NULL);
        return;
    }
    bool sound = true;
    json_t *config = config_of(c, &sound);
    if (!sound) {
        json_decref(config);
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "MaximumRetryAttempts is from 0 to 2, MaximumEventAgeInSeconds from 60 to "
                      "21600, and destinations are ARNs of queues, functions or event buses.");
        return;
    }
    if (str_eq(method, STR("POST")) && known) { /* Update: what is not given stays */
        json_t *merged = json_deep_copy(known);
        (void)json_object_update(merged, config);
        json_decref(config);
        config = merged;
    }
    (void)!lambda_queues_configure(c->services->lambda_queues, name, config); /* it is there */
    save(c, name, config, describe(function, config));
    json_decref(config);
}

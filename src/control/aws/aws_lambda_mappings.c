/* The Lambda API: event source mappings.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "control/aws/aws_lambda_operations.h"
#include "control/events/lambda_source.h"
#include "control/json_reading.h"

#define PREFIX STR("/2015-03-31/event-source-mappings/")

static json_t *number_or(const json_t *config, const char *name, json_int_t otherwise,
                         json_int_t unit)
{
    json_int_t n = json_integer_value(json_object_get(config, name));
    return json_integer(n > 0 ? n / unit : otherwise);
}

static json_t *describe(const struct lambda_source *ls, const char *state)
{
    char queue_arn[SQS_ARN_BYTES];
    (void)snprintf(queue_arn, sizeof(queue_arn), "arn:aws:sqs:us-east-1:" SQS_ACCOUNT ":%.80s",
                   ls->queue);
    char function_arn[AWS_LAMBDA_ARN_BYTES];
    const char *qualifier = json_text(ls->config, "qualifier");
    aws_lambda_path_arn(ls->function_name, qualifier ? qualifier : "", function_arn);
    char arn[AWS_LAMBDA_ARN_BYTES];
    (void)snprintf(arn, sizeof(arn),
                   "arn:aws:lambda:us-east-1:" AWS_ACCOUNT_ID ":event-source-mapping:%s", ls->uuid);
    json_t *out = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:o, s:o}", "UUID", ls->uuid, "EventSourceMappingArn",
        arn, "EventSourceArn", queue_arn, "FunctionArn", function_arn, "State",
        state         ? state
        : ls->enabled ? "Enabled"
                      : "Disabled",
        "StateTransitionReason", "USER_INITIATED", "LastModified", (double)ls->modified_ms / 1000,
        "BatchSize", number_or(ls->config, "batch_size", 10, 1), "MaximumBatchingWindowInSeconds",
        number_or(ls->config, "window_ms", 0, 1000));
    (void)json_object_set_new(out, "FunctionResponseTypes",
                              ls->report_failures ? json_pack("[s]", "ReportBatchItemFailures")
                                                  : json_array());
    json_t *max = json_object_get(ls->config, "max_concurrency");
    if (json_integer_value(max) > 0) {
        (void)json_object_set_new(out, "ScalingConfig",
                                  json_pack("{s:O}", "MaximumConcurrency", max));
    }
    const json_t *filters = json_object_get(ls->config, "filters");
    if (json_array_size(filters) > 0) {
        json_t *list = json_array();
        for (size_t i = 0; i < json_array_size(filters); i++) {
            scoped_free char *text = json_dumps(json_array_get(filters, i), JSON_COMPACT);
            (void)json_array_append_new(list, json_pack("{s:s}", "Pattern", text ? text : "{}"));
        }
        (void)json_object_set_new(out, "FilterCriteria", json_pack("{s:o}", "Filters", list));
    }
    return out;
}

static void copy_number(json_t *to, const char *name, const json_t *value, json_int_t unit)
{
    if (json_is_integer(value)) {
        (void)json_object_set_new(to, name, json_integer(json_integer_value(value) * unit));
    }
}

/* What a request says, in the manifest's words. NULL: the call has failed. */
static json_t *config_of(struct aws_call *c)
{
    json_t *config = json_object();
    const json_t *types = aws_call_member(c, "FunctionResponseTypes");
    const json_t *filters = json_object_get(aws_call_member(c, "FilterCriteria"), "Filters");
    json_t *enabled = aws_call_member(c, "Enabled");
    copy_number(config, "batch_size", aws_call_member(c, "BatchSize"), 1);
    copy_number(config, "window_ms", aws_call_member(c, "MaximumBatchingWindowInSeconds"), 1000);
    copy_number(config, "max_concurrency",
                json_object_get(aws_call_member(c, "ScalingConfig"), "MaximumConcurrency"), 1);
    if (enabled) {
        (void)json_object_set(config, "enabled", enabled);
    }
    if (types) {
        (void)json_object_set_new(config, "report_failures",
                                  json_boolean(json_array_size(types) > 0));
    }
    if (aws_call_member(c, "FilterCriteria")) {
        json_t *list = json_array();
        for (size_t i = 0; i < json_array_size(filters); i++) {
            const char *text =
                json_string_value(json_object_get(json_array_get(filters, i), "Pattern"));
            json_t *pattern = text ? json_loads(text, 0, NULL) : NULL;
            if (!pattern) {
                json_decref(list);
                json_decref(config);
                aws_call_fail(c, 400, "InvalidParameterValueException",
                              "Invalid filter pattern definition.");
                return NULL;
            }
            (void)json_array_append_new(list, pattern);
        }
        (void)json_object_set_new(config, "filters", list);
    }
    return config;
}

static bool batch_is_sound(struct aws_call *c, const json_t *config, bool fifo)
{
    json_int_t size = json_integer_value(json_object_get(config, "batch_size"));
    json_int_t window = json_integer_value(json_object_get(config, "window_ms"));
    if (size < 0 || size > 10000 || window < 0 || window > 300000 ||
        (size > 10 && (fifo || window == 0))) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      fifo ? "BatchSize must not be greater than 10 for FIFO queues."
                           : "Maximum batch window in seconds must be greater than 0 if maximum "
                             "batch size is greater than 10");
        return false;
    }
    return true;
}

/* Answers what of the input's own is wrong with it. */
static bool check_creation(struct aws_call *c, const char *arn, const json_t *function)
{
    if (!arn) {
        aws_call_fail(c, 400, "InvalidParameterValueException", "Unrecognized event source.");
    } else if (aws_call_member(c, "DestinationConfig")) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "Unsupported DestinationConfig parameter for given event source mapping "
                      "type.");
    } else if (!function) {
        aws_call_fail(c, 400, "InvalidParameterValueException", "Function does not exist");
    } else {
        return true;
    }
    return false;
}

static void create(struct aws_call *c)
{
    struct aws_lambda_named named;
    const char *arn = aws_call_text(c, "EventSourceArn");
    const char *said = aws_call_text(c, "FunctionName");
    aws_lambda_path_named(said ? said : "", STR(""), &named);
    const json_t *function = aws_lambda_path_function(c->services, named.name);
    const char *name = arn && strstr(arn, ":sqs:") ? strrchr(arn, ':') : NULL;
    const struct sqs_queue *q = name ? sqs_queue_find(c->services->sqs, str_c(name + 1)) : NULL;
    struct lambda_source *ls;
    struct err err;
    if (function && !aws_lambda_path_version(function, named.qualifier)) {
        function = NULL;
    }
    if (!check_creation(c, arn, function)) {
        return;
    }
    if (!q) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      name ? "Error occurred while ReceiveMessage. SQS Error Code: "
                             "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The "
                             "specified queue does not exist."
                           : "Only SQS queues are event sources here.");
        return;
    }
    json_t *config = config_of(c);
    if (!config) {
        return;
    }
    if (!batch_is_sound(c, config, q->fifo)) {
        json_decref(config);
        return;
    }
    (void)json_object_set_new(config, "queue", json_string(q->name));
    if (named.qualifier[0]) {
        (void)json_object_set_new(config, "qualifier", json_string(named.qualifier));
    }
    (void)json_object_set(config, "function", json_object_get(function, "name"));
    list_for_each (item, &c->services->lambda_sources->sources) {
        const struct lambda_source *known = list_entry(item, struct lambda_source, link);
        if (strcmp(known->queue, q->name) == 0 &&
            strcmp(known->function_name, aws_lambda_path_name(function)) == 0) {
            json_decref(config);
            aws_call_fail(c, 409, "ResourceConflictException",
                          "An event source mapping with SQS arn (\" %s \") and function (\" %s \") "
                          "already exists. Please update or delete the existing mapping with UUID "
                          "%s",
                          arn, known->function_name, known->uuid);
            return;
        }
    }
    if (lambda_source_add(c->services->lambda_sources, config, &ls, &err) < 0) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "Invalid filter pattern definition.");
        return;
    }
    c->status = 202;
    c->context = describe(ls, ls->enabled ? "Creating" : "Disabled");
    lambda_source_save(ls, false, aws_call_written, c);
}

static void change(struct aws_call *c, struct lambda_source *ls)
{
    struct err err;
    bool was_enabled = ls->enabled;
    json_t *config = config_of(c);
    if (!config) {
        return;
    }
    const struct sqs_queue *q = sqs_queue_find(c->services->sqs, str_c(ls->queue));
    json_t *whole = json_copy(ls->config);
    (void)json_object_update(whole, config);
    bool sound = batch_is_sound(c, whole, q && q->fifo);
    json_decref(whole);
    if (!sound) {
        json_decref(config);
        return;
    }
    if (lambda_source_change(ls, config, &err) < 0) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "Invalid filter pattern definition.");
        return;
    }
    c->status = 202;
    c->context = describe(ls, ls->enabled == was_enabled ? "Updating"
                              : ls->enabled              ? "Enabling"
                                                         : "Disabling");
    lambda_source_save(ls, false, aws_call_written, c);
}

static void list(struct aws_call *c)
{
    char function[AWS_LAMBDA_NAME_BYTES];
    char arn[AWS_LAMBDA_NAME_BYTES];
    struct str target = c->exchange->target;
    bool by_function = aws_lambda_path_query(target, STR("FunctionName"), function);
    bool by_queue = aws_lambda_path_query(target, STR("EventSourceArn"), arn);
    const json_t *wanted = by_function ? aws_lambda_path_function(c->services, function) : NULL;
    const char *queue = by_queue ? strrchr(arn, ':') : NULL;
    json_t *mappings = json_array();
    list_for_each (item, &c->services->lambda_sources->sources) {
        const struct lambda_source *ls = list_entry(item, struct lambda_source, link);
        if ((by_function &&
             (!wanted || strcmp(aws_lambda_path_name(wanted), ls->function_name) != 0)) ||
            (by_queue && (!queue || strcmp(queue + 1, ls->queue) != 0))) {
            continue;
        }
        (void)json_array_append_new(mappings, describe(ls, NULL));
    }
    aws_call_answer(c, json_pack("{s:o}", "EventSourceMappings", mappings));
}

void aws_lambda_mappings(struct aws_call *c)
{
    char uuid[AWS_LAMBDA_NAME_BYTES];
    struct str method = c->exchange->method;
    if (!aws_lambda_path_part(c->exchange->target, PREFIX, uuid, NULL)) {
        if (str_eq(method, STR("POST"))) {
            create(c);
        } else {
            list(c);
        }
        return;
    }
    struct lambda_source *ls = lambda_source_find(c->services->lambda_sources, str_c(uuid));
    if (!ls) {
        aws_call_fail(c, 404, "ResourceNotFoundException", AWS_LAMBDA_NO_RESOURCE);
    } else if (str_eq(method, STR("GET"))) {
        aws_call_answer(c, describe(ls, NULL));
    } else if (str_eq(method, STR("PUT"))) {
        change(c, ls);
    } else {
        c->status = 202;
        c->context = describe(ls, "Deleting");
        lambda_source_save(ls, true, aws_call_written, c);
        lambda_source_remove(ls);
    }
}

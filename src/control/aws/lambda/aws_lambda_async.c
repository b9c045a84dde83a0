/* The Lambda API: what becomes of a function's asynchronous invocations (event-invoke-config).
 *
 * A version or alias has one of its own, which counts for what is invoked by its name. Kept in the
 * settings (LAMBDA_ASYNC_KIND), by the manifest's name of the function.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/lambda/aws_lambda_operations.h"
#include "control/events/eventbridge/declared_target.h"
#include "control/events/eventbridge/event_bus.h"
#include "control/events/eventbridge/event_target.h"
#include "control/events/lambda/lambda_queue.h"
#include "control/events/queue/setting_write.h"
#include "control/events/sqs/sqs_queue.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"

#define LIST_MAX 50 /* Lambda's page */

/* ---- what is asked for ---- */

#define DESTINATION                                                                                \
    "$|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:"          \
    "((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)"

static const char *const directions[][3] = {
    { "OnSuccess", "on_success", "destinationConfig.onSuccess." },
    { "OnFailure", "on_failure", "destinationConfig.onFailure." },
};

/* By the model, and whether anything is said at all; else that is answered. */
static bool check_input(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "MaximumRetryAttempts", AWS_INTEGER, AWS_MAY, 0, 2, NULL },
        { "MaximumEventAgeInSeconds", AWS_INTEGER, AWS_MAY, 60, 21600, NULL },
        { "DestinationConfig", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
    };
    static const struct aws_rule rule = { "Destination", AWS_TEXT, AWS_MAY, 0, 350, DESTINATION };
    struct aws_check k;
    const json_t *destinations = aws_call_member(c, "DestinationConfig");
    aws_check_init(&k);
    aws_check_members(&k, c->input, "", rules, ARRAY_COUNT(rules));
    for (size_t i = 0; i < ARRAY_COUNT(directions); i++) {
        json_t *on = json_object_get(destinations, directions[i][0]);
        if (on && !json_is_null(on)) {
            aws_check_members(&k, on, directions[i][2], &rule, 1);
        }
    }
    if (!aws_check_end(&k, c)) {
        return false;
    }
    if (!destinations && !aws_call_member(c, "MaximumRetryAttempts") &&
        !aws_call_member(c, "MaximumEventAgeInSeconds")) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "You must specify at least one of error handling or destination setting.");
        return false;
    }
    return true;
}

static const char *arn_of(const struct aws_call *c, const char *direction)
{
    return json_text(json_object_get(aws_call_member(c, "DestinationConfig"), direction),
                     "Destination");
}

static void invalid_destination(struct aws_call *c)
{
    char texts[ARRAY_COUNT(directions)][400];
    for (size_t i = 0; i < ARRAY_COUNT(directions); i++) {
        const char *arn = arn_of(c, directions[i][0]);
        (void)snprintf(texts[i], sizeof(texts[i]), arn ? "%s(destination=%s)" : "null",
                       directions[i][0], arn);
    }
    aws_call_fail(c, 400, "InvalidParameterValueException",
                  "The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) "
                  "is invalid.",
                  texts[0], texts[1]);
}

/* Whether what a target leads to is there and can be a destination, which a FIFO queue cannot. AWS
 * looks whether it may send to it. */
static bool has_destination(const struct services *s, const json_t *target, const char *function)
{
    const char *queue = json_text(target, "queue");
    const char *bus = json_text(target, "bus");
    return queue ? sqs_queue_find(s->sqs, str_c(queue)) && !sqs_queue_is_fifo(str_c(queue))
           : bus ? event_bus_find(s->buses, str_c(bus)) != NULL
                 : function != NULL;
}

/* An ARN as a destination in the manifest's words, a new reference; NULL: what is wrong with it has
 * been answered. */
static json_t *destination_of(struct aws_call *c, const char *arn, const char *itself)
{
    struct err err;
    json_t *target = json_pack("{s:s}", "arn", arn);
    if (event_target_set_arn(target, str_c(arn), &err) < 0 || json_object_size(target) == 1) {
        invalid_destination(c);
        json_decref(target);
        return NULL;
    }
    const char *name = json_text(target, "function_name");
    const char *function = name ? event_target_function(c->services, str_c(name)) : NULL;
    bool is_itself = function && strcmp(name, itself) == 0;
    if (is_itself || !has_destination(c->services, target, function)) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      is_itself ? "You can't specify the function as a destination for itself."
                                : "The destination ARN %s is invalid.",
                      arn);
        json_decref(target);
        return NULL;
    }
    if (function) {
        (void)json_object_set_new(target, "function", json_string(function)); /* a sound name */
    }
    return target;
}

/* The checked input in the manifest's words, a new reference; NULL: what is wrong has been
 * answered. */
static json_t *config_of(struct aws_call *c, const char *itself)
{
    json_t *config = json_pack(
        "{s:O*, s:O*, s:I}", "max_retries", aws_call_member(c, "MaximumRetryAttempts"), "max_age_s",
        aws_call_member(c, "MaximumEventAgeInSeconds"), "modified_ms", (json_int_t)clock_wall_ms());
    for (size_t i = 0; i < ARRAY_COUNT(directions); i++) {
        const char *arn = arn_of(c, directions[i][0]);
        json_t *to = !arn || !arn[0] ? json_null() : destination_of(c, arn, itself);
        if (!to) {
            json_decref(config);
            return NULL;
        }
        (void)json_object_set_new(config, directions[i][1], to); /* a sound value */
    }
    return config;
}

/* ---- what is answered ---- */

static const char *version_or_latest(const struct aws_lambda_subject *s)
{
    return s->named.qualifier[0] ? s->named.qualifier : "$LATEST";
}

/* The API's has the ARN that it was given, the files' has none; a webhook of mayfly.json is nothing
 * that AWS could show. */
static json_t *describe_destination(const struct services *s, const json_t *to, const char *region)
{
    char own[DECLARED_TARGET_ARN_BYTES];
    const char *arn = json_text(to, "arn");
    if (!arn && to && !json_is_null(to) && !json_text(to, "url")) {
        declared_target_arn(s, to, region, own);
        arn = own;
    }
    return arn ? json_pack("{s:s}", "Destination", arn) : json_object();
}

static json_t *describe(const struct services *services, const struct aws_lambda_subject *s,
                        const char *qualifier, const json_t *config)
{
    char arn[LAMBDA_ARN_BYTES];
    json_t *set = json_object_get(config, "modified_ms");
    uint64_t modified = set ? (uint64_t)json_integer_value(set)
                            : aws_lambda_functions_modified_ms(services, s->function);
    json_t *destinations = json_object();
    lambda_path_arn(s->region, s->named.name, qualifier, arn);
    for (size_t i = 0; i < ARRAY_COUNT(directions); i++) {
        (void)json_object_set_new(
            destinations, directions[i][0],
            describe_destination(services, json_object_get(config, directions[i][1]), s->region));
    }
    return json_pack("{s:s, s:f, s:o, s:O*, s:O*}", "FunctionArn", arn, "LastModified",
                     (double)modified / 1000, "DestinationConfig", destinations,
                     "MaximumRetryAttempts", json_object_get(config, "max_retries"),
                     "MaximumEventAgeInSeconds", json_object_get(config, "max_age_s"));
}

static void no_function(struct aws_call *c)
{
    aws_call_fail(c, 404, "ResourceNotFoundException", "The function doesn't exist.");
}

/* What there is; NULL: that there is none has been answered. */
static const json_t *find_config(struct aws_call *c, const struct aws_lambda_subject *s)
{
    char arn[LAMBDA_ARN_BYTES];
    const json_t *known =
        s->function ? lambda_queues_config(c->services->lambda_queues,
                                           json_text(s->function, "name"), s->named.qualifier)
                    : NULL;
    if (!known) {
        lambda_path_arn(s->region, s->named.name, version_or_latest(s), arn);
        aws_call_fail(c, 404, "ResourceNotFoundException",
                      "The function %s doesn't have an EventInvokeConfig", arn);
    }
    return known;
}

void aws_lambda_async_get(struct aws_call *c, const struct aws_lambda_subject *s)
{
    const json_t *known = find_config(c, s);
    if (known) {
        aws_call_answer(c, describe(c->services, s, version_or_latest(s), known));
    }
}

void aws_lambda_async_list(struct aws_call *c, const struct aws_lambda_subject *s)
{
    if (!s->function) {
        no_function(c);
        return;
    }
    json_t *all = lambda_queues_configs(c->services->lambda_queues, json_text(s->function, "name"));
    json_t *list = json_array();
    const char *qualifier;
    json_t *config;
    json_object_foreach(all, qualifier, config)
    {
        (void)json_array_append_new(list,
                                    describe(c->services, s, qualifier, config)); /* a new value */
    }
    json_decref(all);
    aws_lambda_page(c, list, "FunctionEventInvokeConfigs", LIST_MAX, LIST_MAX);
}

/* ---- keeping ---- */

struct saving {
    struct aws_call *call;
    char *function;  /* owned */
    char *qualifier; /* owned */
    json_t *config;  /* owned; NULL: it is removed */
};

/* It counts when it is durable. */
static void saved(int r, void *context)
{
    struct saving *s = context;
    if (r == 0) {
        (void)!lambda_queues_configure(s->call->services->lambda_queues, s->function, s->qualifier,
                                       s->config); /* ENOENT: a build has taken it away */
    }
    aws_call_written(r, s->call);
    json_decref(s->config);
    free(s->function);
    free(s->qualifier);
    free(s);
}

/* Uses up `config`; NULL: it is removed. */
static void save(struct aws_call *c, const struct aws_lambda_subject *s, json_t *config)
{
    const char *function = json_text(s->function, "name");
    const char *qualifier = version_or_latest(s);
    const bool is_own = strcmp(qualifier, "$LATEST") == 0;
    char name[MESSAGE_NAME_MAX + LAMBDA_NAME_BYTES];
    struct saving *saving = mem_new(struct saving);
    (void)snprintf(name, sizeof(name), "%s%s%s", function, is_own ? "" : ":",
                   is_own ? "" : qualifier);
    *saving =
        (struct saving){ c, mem_copy_str(str_c(function)), mem_copy_str(str_c(qualifier)), config };
    c->context = config ? describe(c->services, s, qualifier, config) : NULL;
    setting_write(c->services->store, LAMBDA_ASYNC_KIND, name, json_write(config), saved, saving);
}

void aws_lambda_async_put(struct aws_call *c, const struct aws_lambda_subject *s)
{
    if (!check_input(c)) {
        return;
    }
    if (!s->function) {
        no_function(c);
        return;
    }
    json_t *config = config_of(c, s->named.name);
    if (config) {
        save(c, s, config);
    }
}

/* What is not given stays. */
void aws_lambda_async_update(struct aws_call *c, const struct aws_lambda_subject *s)
{
    if (!check_input(c)) {
        return;
    }
    if (!lambda_path_function(c->services, s->named.name)) {
        no_function(c);
        return;
    }
    const json_t *known = find_config(c, s);
    json_t *config = known ? config_of(c, s->named.name) : NULL;
    if (!config) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(directions); i++) {
        if (!arn_of(c, directions[i][0])) {
            (void)json_object_del(config, directions[i][1]); /* it is there */
        }
    }
    json_t *merged = json_deep_copy(known);
    (void)json_object_update(merged, config); /* sound values */
    json_decref(config);
    save(c, s, merged);
}

void aws_lambda_async_delete(struct aws_call *c, const struct aws_lambda_subject *s)
{
    if (find_config(c, s)) {
        c->status = 204;
        save(c, s, NULL);
    }
}

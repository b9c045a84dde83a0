/* The Lambda API: what functions there are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "control/aws/aws_lambda_operations.h"
#include "control/events/event_log.h"
#include "control/iso_time.h"

#define LIST_MAX 50 /* Lambda's page */

void aws_lambda_functions_missing(struct aws_call *c, const char *named)
{
    const char *at = strstr(named, "function:");
    aws_call_fail(c, 404, "ResourceNotFoundException",
                  "Function not found: arn:aws:lambda:us-east-1:" AWS_ACCOUNT_ID ":function:%s",
                  at ? at + strlen("function:") : named);
}

static void copy_text(json_t *to, const char *name, const json_t *settings, const char *member)
{
    json_t *value = json_object_get(settings, member);
    if (json_is_string(value)) {
        (void)json_object_set(to, name, value);
    }
}

static json_t *configuration_of(const json_t *function)
{
    char arn[AWS_LAMBDA_ARN_BYTES];
    char now[ISO_TIME_BYTES];
    const json_t *settings = json_object_get(function, "settings");
    aws_lambda_path_arn(function, arn);
    (void)iso_time_ms(queue_now_ms(), now);
    json_int_t timeout = json_integer_value(json_object_get(function, "timeout_ms"));
    json_t *to = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:[s]}",
                           "FunctionName", aws_lambda_path_name(function), "FunctionArn", arn,
                           "Role", "arn:aws:iam::" AWS_ACCOUNT_ID ":role/mayfly", "Description", "",
                           "Timeout", (timeout + 999) / 1000, "MemorySize",
                           json_integer_value(json_object_get(function, "memory_mb")), "Version",
                           "$LATEST", "PackageType", "Zip", "State", "Active", "LastUpdateStatus",
                           "Successful", "LastModified", now, "Architectures", "x86_64");
    copy_text(to, "Handler", settings, "handler");
    copy_text(to, "Runtime", settings, "runtime");
    const char *hash = json_string_value(json_object_get(function, "hash"));
    (void)json_object_set_new(to, "CodeSha256", json_string(hash ? hash : ""));
    (void)json_object_set_new(to, "RevisionId", json_string(hash ? hash : ""));
    (void)json_object_set_new(
        to, "EphemeralStorage",
        json_pack("{s:I}", "Size", json_integer_value(json_object_get(function, "tmp_mb"))));
    return to;
}

static bool is_lambda(const json_t *function)
{
    const char *dialect = json_string_value(json_object_get(function, "dialect"));
    return dialect && (strcmp(dialect, "lambda") == 0 || strcmp(dialect, "bootstrap") == 0);
}

void aws_lambda_functions_list(struct aws_call *c)
{
    char marker[AWS_LAMBDA_NAME_BYTES];
    char max_text[AWS_LAMBDA_NAME_BYTES];
    struct str target = c->exchange->target;
    uint64_t max = LIST_MAX, from = 0;
    const struct deployment *d = c->services->deployment;
    const json_t *functions = d->active ? json_object_get(d->active->manifest, "functions") : NULL;
    if (aws_lambda_path_query(target, STR("MaxItems"), max_text) &&
        (!str_to_u64(str_c(max_text), &max) || max < 1 || max > 10000)) {
        aws_call_fail(c, 400, "InvalidParameterValueException", "MaxItems is from 1 to 10000.");
        return;
    }
    if (aws_lambda_path_query(target, STR("Marker"), marker) && !str_to_u64(str_c(marker), &from)) {
        aws_call_fail(c, 400, "InvalidParameterValueException", "The marker is invalid.");
        return;
    }
    json_t *list = json_array();
    json_t *output = json_object();
    size_t i = (size_t)from;
    for (; i < json_array_size(functions) && json_array_size(list) < max; i++) {
        if (is_lambda(json_array_get(functions, i))) {
            (void)json_array_append_new(list, configuration_of(json_array_get(functions, i)));
        }
    }
    (void)json_object_set_new(output, "Functions", list);
    if (i < json_array_size(functions)) {
        char next[24];
        (void)snprintf(next, sizeof(next), "%zu", i);
        (void)json_object_set_new(output, "NextMarker", json_string(next));
    }
    aws_call_answer(c, output);
}

void aws_lambda_functions_get(struct aws_call *c, const json_t *function, struct str rest)
{
    if (str_eq(rest, STR("/configuration"))) {
        aws_call_answer(c, configuration_of(function));
    } else if (rest.len == 0) {
        aws_call_answer(c, json_pack("{s:o, s:{s:s, s:s}, s:{}}", "Configuration",
                                     configuration_of(function), "Code", "RepositoryType", "S3",
                                     "Location", "", "Tags"));
    } else if (str_eq(rest, STR("/versions"))) {
        aws_call_answer(c, json_pack("{s:[o]}", "Versions", configuration_of(function)));
    } else if (str_eq(rest, STR("/aliases"))) {
        aws_call_answer(c, json_pack("{s:[]}", "Aliases"));
    } else {
        aws_call_fail(c, 404, "ResourceNotFoundException",
                      "The resource you requested does not exist.");
    }
}

/* The Lambda API: what functions there are.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "control/aws/lambda/aws_lambda_operations.h"
#include "control/events/lambda/lambda_concurrency.h"
#include "control/events/lambda/lambda_queue.h"
#include "control/events/queue/event_log.h"
#include "control/events/sqs/sqs_queue.h"
#include "control/sign/aws_digest.h"
#include "control/text/iso_time.h"
#include "control/text/json_reading.h"

#ifdef __aarch64__
#    define ARCHITECTURE "arm64"
#else
#    define ARCHITECTURE "x86_64"
#endif

#define LIST_MAX 50 /* Lambda's page */

/* ---- configurations ---- */

static void copy_text(json_t *to, const char *name, const json_t *settings, const char *member)
{
    json_t *value = json_object_get(settings, member);
    if (json_is_string(value)) {
        (void)json_object_set(to, name, value);
    }
}

uint64_t aws_lambda_functions_modified_ms(const struct services *s, const json_t *function)
{
    const char *name = json_text(function, "name");
    const struct build *build = s->deployment->active;
    for (size_t i = 0; build && i < build->count; i++) {
        if (strcmp(build->versions[i]->name, name) == 0) {
            return build->versions[i]->made_ms;
        }
    }
    return clock_wall_ms();
}

/* "2026-11-25T10:00:30.000+0000": Lambda's own form. */
static void modified_time(const struct services *s, const json_t *function,
                          char ret[ISO_TIME_BYTES])
{
    struct str time = iso_time_s(aws_lambda_functions_modified_ms(s, function), ret);
    (void)snprintf(ret + time.len - 1, ISO_TIME_BYTES - time.len + 1, ".000+0000");
}

static void set_logging(json_t *to, const json_t *function)
{
    char group[LAMBDA_NAME_BYTES];
    (void)snprintf(group, sizeof(group), "/aws/lambda/%.140s", lambda_path_name(function));
    (void)json_object_set_new(to, "LoggingConfig",
                              json_pack("{s:s,s:s}", "LogFormat", "Text", "LogGroup", group));
}

static void set_dead_letter(const struct aws_call *c, json_t *to, const json_t *function)
{
    char arn[SQS_ARN_BYTES];
    const char *queue = json_text(
        lambda_queues_dead_letter(c->services->lambda_queues, json_text(function, "name")),
        "queue");
    if (queue) {
        sqs_queue_arn(queue, str_c(c->region), arn);
        (void)json_object_set_new(to, "DeadLetterConfig", json_pack("{s:s}", "TargetArn", arn));
    }
}

/* There is no zip: its digest is one of what stands for the code here. */
static void set_code(json_t *to, const json_t *function)
{
    uint8_t digest[AWS_DIGEST_BYTES];
    char text[AWS_BASE64_BYTES(AWS_DIGEST_BYTES)];
    char revision[UUID_BYTES];
    const char *hash = json_text(function, "hash");
    aws_sha256(str_c(hash ? hash : ""), digest);
    (void)aws_base64(digest, sizeof(digest), text);
    lambda_path_revision(function, revision);
    (void)json_object_set_new(to, "CodeSha256", json_string(text)); /* sound texts */
    (void)json_object_set_new(to, "RevisionId", json_string(revision));
    (void)json_object_set_new(
        to, "CodeSize", json_integer(json_integer_value(json_object_get(function, "code_bytes"))));
}

/* Without the environment: it may hold secrets, and a function's own credentials are good for this
 * call. `qualifier` is shown in the ARN. */
static json_t *configuration_of(const struct aws_call *c, const json_t *function,
                                const char *qualifier, const char *version)
{
    char arn[LAMBDA_ARN_BYTES];
    char time[ISO_TIME_BYTES];
    const json_t *settings = json_object_get(function, "settings");
    lambda_path_arn(c->region, lambda_path_name(function), qualifier, arn);
    modified_time(c->services, function, time);
    json_int_t timeout = json_integer_value(json_object_get(function, "timeout_ms"));
    json_t *to = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s}, s:{s:s, s:s}}",
        "FunctionName", lambda_path_name(function), "FunctionArn", arn, "Role",
        "arn:aws:iam::" AWS_ACCOUNT_ID ":role/mayfly", "Description", "", "Timeout",
        (timeout + 999) / 1000, "MemorySize",
        json_integer_value(json_object_get(function, "memory_mb")), "Version", version,
        "PackageType", "Zip", "State", "Active", "LastUpdateStatus", "Successful", "LastModified",
        time, "Architectures", ARCHITECTURE, "TracingConfig", "Mode", "PassThrough", "SnapStart",
        "ApplyOn", "None", "OptimizationStatus", "Off");
    copy_text(to, "Handler", settings, "handler");
    copy_text(to, "Runtime", settings, "runtime");
    set_logging(to, function);
    set_dead_letter(c, to, function);
    set_code(to, function);
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

/* Of versions there are what the project's files publish. */
static bool is_version(const char *name)
{
    uint64_t number;
    return str_to_u64(str_c(name), &number);
}

static void append_versions(const struct aws_call *c, json_t *list, const json_t *function)
{
    json_t *aliases = json_object_get(json_object_get(function, "settings"), "aliases");
    const char *name;
    json_t *version;
    (void)json_array_append_new(list, configuration_of(c, function, "$LATEST", "$LATEST"));
    json_object_foreach(aliases, name, version)
    {
        if (is_version(name)) {
            (void)json_array_append_new(list, configuration_of(c, function, name, name));
        }
    }
}

void aws_lambda_functions_list(struct aws_call *c)
{
    const struct deployment *d = c->services->deployment;
    const json_t *functions = d->active ? json_object_get(d->active->manifest, "functions") : NULL;
    char which[LAMBDA_NAME_BYTES] = "";
    json_t *list = json_array();
    size_t i;
    json_t *function;
    (void)lambda_path_query(c->exchange->target, STR("FunctionVersion"), which); /* may be */
    if (which[0] && strcmp(which, "ALL") != 0) {
        aws_call_fail(c, 400, "ValidationException",
                      "1 validation error detected: Value '%s' at 'functionVersion' failed to "
                      "satisfy constraint: Member must satisfy enum value set: [ALL]",
                      which);
        json_decref(list);
        return;
    }
    json_array_foreach(functions, i, function)
    {
        if (is_lambda(function) && which[0]) {
            append_versions(c, list, function);
        } else if (is_lambda(function)) {
            (void)json_array_append_new(list, configuration_of(c, function, "", "$LATEST"));
        }
    }
    aws_lambda_page(c, list, "Functions", LIST_MAX, AWS_LAMBDA_ITEMS_MAX);
}

static json_t *subject_configuration(struct aws_call *c, const struct aws_lambda_subject *s)
{
    return configuration_of(c, s->function, s->named.qualifier, s->version);
}

void aws_lambda_functions_get(struct aws_call *c, const struct aws_lambda_subject *s)
{
    json_t *output = json_pack("{s:o, s:{s:s, s:s}}", "Configuration", subject_configuration(c, s),
                               "Code", "RepositoryType", "S3", "Location", "");
    json_t *concurrency = lambda_concurrency_of(c->services, s->function);
    if (concurrency) {
        (void)json_object_set_new(output, "Concurrency", concurrency); /* a new value */
    }
    json_t *tags = aws_lambda_tags_of(c->services, lambda_path_name(s->function));
    if (json_object_size(tags) > 0) {
        (void)json_object_set(output, "Tags", tags);
    }
    json_decref(tags);
    aws_call_answer(c, output);
}

void aws_lambda_functions_configuration(struct aws_call *c, const struct aws_lambda_subject *s)
{
    aws_call_answer(c, subject_configuration(c, s));
}

/* Nothing is signed here. */
void aws_lambda_functions_signing(struct aws_call *c, const struct aws_lambda_subject *s)
{
    aws_call_answer(c, json_pack("{s:s}", "FunctionName", s->named.name));
}

/* Instances are kept warm here by the function's own settings. */
void aws_lambda_functions_provisioned(struct aws_call *c, const struct aws_lambda_subject *s)
{
    struct str query = c->exchange->target;
    (void)s;
    (void)str_cut(&query, '?');
    if (str_starts(query, STR("List=ALL"))) {
        aws_call_answer(c, json_pack("{s:[]}", "ProvisionedConcurrencyConfigs"));
    } else {
        aws_call_fail(c, 404, "ProvisionedConcurrencyConfigNotFoundException",
                      "No Provisioned Concurrency Config found for this function");
    }
}

void aws_lambda_functions_runtime(struct aws_call *c, const struct aws_lambda_subject *s)
{
    char arn[LAMBDA_ARN_BYTES];
    lambda_path_arn(c->region, s->named.name, s->named.qualifier, arn);
    aws_call_answer(c, json_pack("{s:s, s:s}", "UpdateRuntimeOn", "Auto", "FunctionArn", arn));
}

void aws_lambda_functions_recursion(struct aws_call *c, const struct aws_lambda_subject *s)
{
    (void)s;
    aws_call_answer(c, json_pack("{s:s}", "RecursiveLoop", "Terminate"));
}

/* ---- versions and aliases: what the project's files publish ---- */

void aws_lambda_functions_versions(struct aws_call *c, const struct aws_lambda_subject *s)
{
    json_t *list = json_array();
    append_versions(c, list, s->function);
    aws_lambda_page(c, list, "Versions", LIST_MAX, AWS_LAMBDA_ITEMS_MAX);
}

static json_t *alias_of(const struct aws_lambda_subject *s, const char *name, json_t *version)
{
    char arn[LAMBDA_ARN_BYTES];
    char revision[UUID_BYTES];
    lambda_path_arn(s->region, lambda_path_name(s->function), name, arn);
    lambda_path_revision(s->function, revision);
    return json_pack("{s:s, s:s, s:O, s:s, s:s}", "AliasArn", arn, "Name", name, "FunctionVersion",
                     version, "Description", "", "RevisionId", revision);
}

void aws_lambda_functions_aliases(struct aws_call *c, const struct aws_lambda_subject *s)
{
    char of[LAMBDA_NAME_BYTES] = "";
    json_t *aliases = json_object_get(json_object_get(s->function, "settings"), "aliases");
    json_t *list = json_array();
    const char *name;
    json_t *version;
    (void)lambda_path_query(c->exchange->target, STR("FunctionVersion"), of); /* "": of all */
    json_object_foreach(aliases, name, version)
    {
        if (!is_version(name) && (!of[0] || strcmp(of, json_string_value(version)) == 0)) {
            (void)json_array_append_new(list, alias_of(s, name, version));
        }
    }
    aws_lambda_page(c, list, "Aliases", LIST_MAX, AWS_LAMBDA_ITEMS_MAX);
}

void aws_lambda_functions_alias(struct aws_call *c, const struct aws_lambda_subject *s)
{
    char name[LAMBDA_NAME_BYTES];
    char arn[LAMBDA_ARN_BYTES];
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(s->rest));
    json_t *aliases = json_object_get(json_object_get(s->function, "settings"), "aliases");
    json_t *version = json_object_get(aliases, name);
    if (version && !is_version(name)) {
        aws_call_answer(c, alias_of(s, name, version));
        return;
    }
    lambda_path_arn(c->region, s->named.name, name, arn);
    aws_call_fail(c, 404, "ResourceNotFoundException", "Cannot find alias arn: %s", arn);
}

/* ---- function URLs ---- */

static const json_t *url_settings(const json_t *function)
{
    size_t i;
    json_t *endpoint;
    json_array_foreach(json_object_get(function, "endpoints"), i, endpoint)
    {
        const json_t *settings = json_object_get(endpoint, "settings");
        if (json_is_true(json_object_get(settings, "url"))) {
            return settings;
        }
    }
    return NULL;
}

/* Every function has one, at its own name below the gateway's origin. NULL: it has none. */
static json_t *url_of(struct aws_call *c, const struct aws_lambda_subject *s)
{
    char arn[LAMBDA_ARN_BYTES];
    char url[256];
    char time[ISO_TIME_BYTES];
    const json_t *settings = s->function ? url_settings(s->function) : NULL;
    const char *host = strstr(c->services->origin, "localhost");
    if (!settings || s->named.qualifier[0] || !host) {
        return NULL;
    }
    (void)snprintf(url, sizeof(url), "http://%.64s.%.64s/", s->named.name, host);
    (void)iso_time_ms(aws_lambda_functions_modified_ms(c->services, s->function), time);
    lambda_path_arn(c->region, s->named.name, "", arn);
    const char *mode = json_text(settings, "invoke_mode");
    const char *auth = json_text(settings, "auth_type");
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "FunctionUrl", url, "FunctionArn", arn,
                     "AuthType", auth ? auth : "NONE", "InvokeMode", mode ? mode : "BUFFERED",
                     "CreationTime", time, "LastModifiedTime", time);
}

void aws_lambda_functions_url(struct aws_call *c, const struct aws_lambda_subject *s)
{
    json_t *url = url_of(c, s);
    if (url) {
        aws_call_answer(c, url);
    } else {
        aws_call_fail(c, 404, "ResourceNotFoundException", AWS_LAMBDA_NO_RESOURCE);
    }
}

void aws_lambda_functions_urls(struct aws_call *c, const struct aws_lambda_subject *s)
{
    if (!s->function) {
        aws_call_fail(c, 404, "ResourceNotFoundException", "Function does not exist");
        return;
    }
    json_t *url = url_of(c, s);
    aws_call_answer(
        c, json_pack("{s:o}", "FunctionUrlConfigs", url ? json_pack("[o]", url) : json_array()));
}

/* ---- the account ---- */

/* The limits are those of a new account at AWS; none of them holds here. */
void aws_lambda_functions_account(struct aws_call *c)
{
    const struct deployment *d = c->services->deployment;
    const json_t *functions = d->active ? json_object_get(d->active->manifest, "functions") : NULL;
    int count = 0;
    for (size_t i = 0; i < json_array_size(functions); i++) {
        count += is_lambda(json_array_get(functions, i));
    }
    aws_call_answer(c, json_pack("{s:{s:I,s:i,s:i,s:i,s:i}, s:{s:i,s:i}}", "AccountLimit",
                                 "TotalCodeSize", (json_int_t)80530636800, "CodeSizeUnzipped",
                                 262144000, "CodeSizeZipped", 52428800, "ConcurrentExecutions",
                                 1000, "UnreservedConcurrentExecutions", 1000, "AccountUsage",
                                 "TotalCodeSize", 0, "FunctionCount", count));
}

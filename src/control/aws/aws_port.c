/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/aws_port.h"

#include <stdio.h>
#include <string.h>

#include "control/aws/aws_hold.h"
#include "control/aws/aws_sts.h"
#include "control/aws/events/aws_events.h"
#include "control/aws/lambda/aws_lambda.h"
#include "control/aws/scheduler/aws_scheduler.h"
#include "control/aws/sqs/sqs.h"
#include "control/s3/s3.h"
#include "http/http_block.h"

#define SCOPE_PARTS 5 /* KEY/DATE/REGION/SERVICE/aws4_request */

/* Of "KEY/DATE/REGION/SERVICE/aws4_request", with "/" or "%2F" between. A key may hold no slash. */
static struct str service_of(struct str scope)
{
    struct str part = { 0 };
    for (int i = 0; i < SCOPE_PARTS - 1; i++) {
        size_t at = 0;
        while (at < scope.len && scope.data[at] != '/' && scope.data[at] != '%') {
            at++;
        }
        part = str_of(scope.data, at);
        if (at == scope.len) {
            return (struct str){ 0 };
        }
        scope = str_skip(scope, scope.data[at] == '%' ? at + 3 : at + 1);
    }
    return part;
}

/* The text behind `marker`, up to `end` or the end. */
static struct str after(struct str text, struct str marker, char end)
{
    struct str rest = str_behind(text, marker);
    return rest.data ? str_of(rest.data, str_find(rest, end)) : rest;
}

/* In the scope of its signature; data NULL: it has none. */
static struct str signed_service(const struct exchange *x)
{
    struct str authorization = http_block_find(x->headers, STR("authorization"));
    struct str scope = after(authorization, STR("Credential="), ',');
    if (!scope.data) {
        struct str query = x->target;
        (void)str_cut(&query, '?');
        scope = after(query, STR("X-Amz-Credential="), '&');
    }
    return scope.data ? service_of(scope) : scope;
}

/* clang-format off */
static const struct {
    struct str name;
    void (*begin)(struct services *s, struct exchange *x);
} services[] = {
    { STR("events"), aws_events_begin },
    { STR("scheduler"), aws_scheduler_begin },
    { STR("lambda"), aws_lambda_begin },
    { STR("sqs"), sqs_begin },
    { STR("s3"), s3_begin },
    { STR("sts"), aws_sts_begin },
};
/* clang-format on */

static struct str service_or_s3(const struct exchange *x)
{
    struct str service = signed_service(x);
    return service.data ? service : STR("s3");
}

/* In the form that the service's clients read: S3's, and all older ones', read XML. */
static void refuse(struct exchange *x, unsigned status, const char *code, const char *message)
{
    char text[512];
    struct str type = http_block_find(x->headers, STR("content-type"));
    if (str_eq(service_or_s3(x), STR("s3"))) {
        (void)snprintf(text, sizeof(text),
                       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<Error><Code>%s</Code><Message>%s</Message></Error>",
                       code, message); /* fits, as below */
        exchange_respond(x, status, STR("content-type\0application/xml\0"), str_c(text));
    } else if (str_starts(type, STR("application/x-www-form-urlencoded"))) {
        aws_sts_fail(x, status, code, message);
    } else {
        (void)snprintf(text, sizeof(text), "{\"__type\":\"%s\",\"message\":\"%s\"}", code, message);
        exchange_respond(x, status, STR("content-type\0application/json\0"), str_c(text));
    }
}

/* Services of which the SDKs' variables do not have the name that signatures have:
 * https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html */
static const struct {
    const char *signed_as;
    const char *variable;
} renamed[] = {
    { "bedrock", "BEDROCK_RUNTIME" },
    { "cognito-idp", "COGNITO_IDENTITY_PROVIDER" },
    { "email", "SES" },
    { "logs", "CLOUDWATCH_LOGS" },
    { "monitoring", "CLOUDWATCH" },
    { "secretsmanager", "SECRETS_MANAGER" },
    { "ses", "SESV2" },
    { "states", "SFN" },
};

/* What a service is called in AWS_ENDPOINT_URL_<...>. */
static void variable_of(const char *service, char variable[AWS_SERVICE_BYTES])
{
    for (size_t i = 0; i < ARRAY_COUNT(renamed); i++) {
        if (strcmp(renamed[i].signed_as, service) == 0) {
            (void)snprintf(variable, AWS_SERVICE_BYTES, "%s", renamed[i].variable); /* fits */
            return;
        }
    }
    size_t len = strlen(service);
    for (size_t i = 0; i <= len; i++) {
        char c = service[i];
        variable[i] = (char)(c == '-' ? '_' : c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
}

/* Who asks may keep the answer to itself, as libraries around the SDKs do. */
static void tell_unserved(struct services *s, const char *name, const char *message)
{
    if (strcmp(s->unserved, name) != 0) {
        console_note(s->console, RECORD_WARNING, str_c(message));
        (void)snprintf(s->unserved, sizeof(s->unserved), "%s", name); /* fits */
    }
}

static void refuse_unknown(struct services *s, struct exchange *x, struct str service)
{
    char message[256];
    char name[AWS_SERVICE_BYTES] = "";
    for (size_t i = 0; i < service.len && i < sizeof(name) - 1; i++) {
        char c = service.data[i];
        bool is_sound = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        name[i] = (char)(is_sound ? c : '-');
    }
    char variable[AWS_SERVICE_BYTES];
    variable_of(name, variable);
    (void)snprintf(message, sizeof(message),
                   "Mayfly serves S3, SQS, Lambda, EventBridge and Scheduler here, not %s: give "
                   "it an endpoint of its own in .env, as in "
                   "AWS_ENDPOINT_URL_%s=http://localhost:8000",
                   name, variable); /* fits */
    tell_unserved(s, name, message);
    refuse(x, 400, "UnknownService", message); /* what is 500 or more SDKs try again */
}

static void refuse_early(struct services *s, struct exchange *x)
{
    (void)s;
    refuse(x, 503, "ServiceUnavailable", "The project is not served yet.");
}

static void begin_served(struct services *s, struct exchange *x)
{
    struct str service = service_or_s3(x);
    for (size_t i = 0; i < ARRAY_COUNT(services); i++) {
        if (str_eq(services[i].name, service)) {
            services[i].begin(s, x);
            return;
        }
    }
    refuse_unknown(s, x, service);
}

void aws_port_begin(struct services *s, struct exchange *x)
{
    if (s3_is_served(s->s3)) {
        begin_served(s, x);
    } else {
        aws_hold(s, x, begin_served, refuse_early);
    }
}

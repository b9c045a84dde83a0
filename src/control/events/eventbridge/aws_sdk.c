/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/aws_sdk.h"

#include <stdio.h>

#include "base/limits.h"
#include "control/sign/aws_uri.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"
#include "http/http_block.h"

#define REQUIRED_MAX 3
#define FIELDS_MAX   12
#define TARGET_BYTES (8 * KIB)
#define SHOWN_BYTES  150 /* of a call, in an error */

/* Where a member of the input goes: a header; with "?" in front a parameter of the query; with "*"
 * behind, headers, one for each member that it has itself. */
struct field {
    const char *member;
    const char *name;
};

/* How a call of a REST API is made. */
struct rest {
    const char *method;
    const char *path;    /* with "{Member}" */
    const char *payload; /* the member that is the body */
    struct field fields[FIELDS_MAX];
};

static const struct rest lambda_invoke = {
    .method = "POST",
    .path = "/2015-03-31/functions/{FunctionName}/invocations",
    .payload = "Payload",
    .fields = { { "InvocationType", "x-amz-invocation-type" },
                { "LogType", "x-amz-log-type" },
                { "ClientContext", "x-amz-client-context" },
                { "Qualifier", "?Qualifier" } },
};

#define S3_OBJECT_FIELDS                                                                           \
    { "ContentType", "content-type" }, { "CacheControl", "cache-control" },                        \
        { "ContentDisposition", "content-disposition" },                                           \
        { "ContentEncoding", "content-encoding" }, { "ContentLanguage", "content-language" },      \
        { "ACL", "x-amz-acl" }, { "StorageClass", "x-amz-storage-class" },                         \
        { "Tagging", "x-amz-tagging" },                                                            \
    {                                                                                              \
        "Metadata", "x-amz-meta-*"                                                                 \
    }

static const struct rest s3_put = {
    .method = "PUT", .path = "/{Bucket}/{Key}", .payload = "Body", .fields = { S3_OBJECT_FIELDS }
};
static const struct rest s3_copy = { .method = "PUT",
                                     .path = "/{Bucket}/{Key}",
                                     .fields = {
                                         { "CopySource", "x-amz-copy-source" },
                                         { "MetadataDirective", "x-amz-metadata-directive" },
                                         { "TaggingDirective", "x-amz-tagging-directive" },
                                         S3_OBJECT_FIELDS } };
static const struct rest s3_delete = { .method = "DELETE",
                                       .path = "/{Bucket}/{Key}",
                                       .fields = { { "VersionId", "?versionId" } } };

/* Services that speak JSON take any call as it is. */
static const struct {
    struct str name;
    const char *scope;  /* of signatures */
    const char *prefix; /* of x-amz-target; NULL: a REST API */
    const char *type;
} services[] = {
    { STR("sqs"), "sqs", "AmazonSQS", "application/x-amz-json-1.0" },
    { STR("eventbridge"), "events", "AWSEvents", "application/x-amz-json-1.1" },
    { STR("lambda"), "lambda", NULL, NULL },
    { STR("s3"), "s3", NULL, NULL },
};

/* What is required is of the services' models, in their order. */
/* clang-format off */
static const struct known {
    struct str call;
    const char *required[REQUIRED_MAX];
    const struct rest *rest;
} known_calls[] = {
    { STR("sqs:sendMessage"),          { "QueueUrl", "MessageBody" }, NULL },
    { STR("sqs:sendMessageBatch"),     { "QueueUrl", "Entries" },     NULL },
    { STR("sqs:createQueue"),          { "QueueName" },               NULL },
    { STR("sqs:deleteQueue"),          { "QueueUrl" },                NULL },
    { STR("sqs:purgeQueue"),           { "QueueUrl" },                NULL },
    { STR("sqs:setQueueAttributes"),   { "QueueUrl", "Attributes" },  NULL },
    { STR("sqs:startMessageMoveTask"), { "SourceArn" },               NULL },
    { STR("eventbridge:putEvents"),    { "Entries" },                 NULL },
    { STR("eventbridge:putRule"),      { "Name" },                    NULL },
    { STR("eventbridge:enableRule"),   { "Name" },                    NULL },
    { STR("eventbridge:disableRule"),  { "Name" },                    NULL },
    { STR("eventbridge:deleteRule"),   { "Name" },                    NULL },
    { STR("lambda:invoke"),            { "FunctionName" },            &lambda_invoke },
    { STR("s3:putObject"),             { "Bucket", "Key" },           &s3_put },
    { STR("s3:copyObject"),            { "Bucket", "CopySource", "Key" }, &s3_copy },
    { STR("s3:deleteObject"),          { "Bucket", "Key" },           &s3_delete },
};
/* clang-format on */

/* NULL: it is not known what it needs. */
static const struct known *find_known(struct str call)
{
    for (size_t i = 0; i < ARRAY_COUNT(known_calls); i++) {
        if (str_eq(known_calls[i].call, call)) {
            return &known_calls[i];
        }
    }
    return NULL;
}

/* ---- what Scheduler refuses ---- */

/* https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html */
static bool is_read_only(struct str api)
{
    static const char *const prefixes[] = {
        "get",
        "describe",
        "list",
        "poll",
        "receive",
        "search",
        "scan",
        "query",
        "select",
        "read",
        "lookup",
        "discover",
        "validate",
        "batchGet",
        "batchDescribe",
        "batchRead",
        "transactGet",
        "adminGet",
        "adminList",
        "testMigration",
        "retrieve",
        "testConnection",
        "translateDocument",
        "isAuthorized",
        "invokeModel",
    };
    for (size_t i = 0; i < ARRAY_COUNT(prefixes); i++) {
        if (str_starts(api, str_c(prefixes[i]))) {
            return true;
        }
    }
    return false;
}

static bool lacks(const struct known *known, json_t *input, struct err *err)
{
    char names[128] = "";
    size_t len = 0;
    for (size_t i = 0; i < REQUIRED_MAX && known->required[i]; i++) {
        const json_t *value = json_object_get(input, known->required[i]);
        if (!value || json_is_null(value)) {
            len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len > 0 ? ", " : "",
                                    known->required[i]); /* the table's: short */
        }
    }
    (void)err_set(err, EINVAL,
                  "Invalid RequestJson provided. Reason Request payload is missing the following "
                  "field(s): %s.",
                  names);
    return len > 0;
}

bool aws_sdk_refuses(struct str call, struct str input, struct err *err)
{
    struct str api = call;
    struct str service = str_cut(&api, ':');
    if (service.len == 0 || !api.data || api.len == 0) {
        (void)err_set(err, EINVAL, "Provided Arn is not in correct format.");
        return true;
    }
    if (is_read_only(api)) {
        (void)err_set(err, EINVAL, "%.*s API is not supported.", STR_ARG(api));
        return true;
    }
    if (!input.data) {
        (void)err_set(err, EINVAL,
                      "You must provide an input to set this target for your schedule.");
        return true;
    }
    json_t *json = json_read(input, JSON_ALLOW_NUL);
    const struct known *known = find_known(call);
    bool refused = !json_is_object(json) || (known && lacks(known, json, err));
    if (!json_is_object(json)) {
        (void)err_set(err, EINVAL,
                      "Invalid RequestJson provided. Reason Request payload is no JSON object.");
    }
    json_decref(json);
    return refused;
}

/* ---- the request ---- */

static bool is_header_text(const char *text)
{
    while (*text && (unsigned char)*text >= ' ' && *text != 0x7f) {
        text++;
    }
    return *text == '\0';
}

static int add_header(struct aws_sdk_request *rq, const char *name, const char *value)
{
    return is_header_text(value) ? http_block_add(&rq->headers, str_c(name), str_c(value))
                                 : -EINVAL;
}

/* "x-amz-meta-*" for each member: names are tokens of HTTP, in lower case. */
static int add_headers(struct aws_sdk_request *rq, const char *pattern, json_t *values)
{
    char name[256];
    const char *key;
    json_t *value;
    json_object_foreach(values, key, value)
    {
        int len = snprintf(name, sizeof(name), "%.*s%s", (int)strlen(pattern) - 1, pattern, key);
        if (len < 0 || (size_t)len >= sizeof(name) || !json_is_string(value)) {
            return -EINVAL;
        }
        for (char *c = name; *c; c++) {
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
            if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || strchr("-_.", *c))) {
                return -EINVAL;
            }
        }
        TRY(add_header(rq, name, json_string_value(value)));
    }
    return 0;
}

static int add_field(struct aws_sdk_request *rq, const struct field *f, json_t *value)
{
    const char *text = json_string_value(value);
    if (!value || json_is_null(value)) {
        return 0;
    }
    if (f->name[strlen(f->name) - 1] == '*') {
        return add_headers(rq, f->name, value);
    }
    if (!text) {
        return -EINVAL;
    }
    if (f->name[0] != '?') {
        return add_header(rq, f->name, text);
    }
    TRY(buf_printf(&rq->target, "%s=", f->name)); /* no call has two of them */
    return aws_uri_encode(&rq->target, str_c(text), 0);
}

/* The text of a member, as a part of a path. */
static int append_part(struct buf *out, json_t *input, struct str member)
{
    json_t *value = json_object_getn(input, member.data, member.len);
    return json_string_length(value) > 0 ? aws_uri_encode(out, str_c(json_string_value(value)), '/')
                                         : -EINVAL;
}

static int write_path(struct buf *out, const char *path, json_t *input)
{
    struct str rest = str_c(path);
    int r = 0;
    while (r == 0 && rest.data) {
        r = buf_append(out, str_cut(&rest, '{'));
        r = r < 0 || !rest.data ? r : append_part(out, input, str_cut(&rest, '}'));
    }
    return r;
}

/* A text as it is; what else is said is meant as JSON. */
static int write_payload(struct buf *out, json_t *value)
{
    if (!value || json_is_string(value)) {
        return buf_append(out, str_of(json_string_value(value), json_string_length(value)));
    }
    scoped_free char *text = json_write(value);
    return buf_append(out, str_c(text));
}

static int write_rest(struct aws_sdk_request *rq, const struct rest *rest, json_t *input)
{
    rq->method = rest->method;
    TRY(write_path(&rq->target, rest->path, input));
    for (size_t i = 0; i < FIELDS_MAX && rest->fields[i].member; i++) {
        TRY(add_field(rq, &rest->fields[i], json_object_get(input, rest->fields[i].member)));
    }
    if (strcmp(rq->service, "s3") == 0) {
        TRY(add_header(rq, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"));
    }
    return rest->payload ? write_payload(&rq->body, json_object_get(input, rest->payload)) : 0;
}

static int write_json(struct aws_sdk_request *rq, size_t service, struct str api, struct str input)
{
    char name[128];
    rq->method = "POST";
    (void)snprintf(name, sizeof(name), "%s." STR_FMT, services[service].prefix, STR_ARG(api));
    char *first = name + strlen(services[service].prefix) + 1;
    *first = (char)(*first >= 'a' && *first <= 'z' ? *first - 'a' + 'A' : *first);
    TRY(buf_append(&rq->target, STR("/")));
    TRY(add_header(rq, "content-type", services[service].type));
    TRY(add_header(rq, "x-amz-target", name));
    return buf_append(&rq->body, input);
}

static int write_request(struct aws_sdk_request *rq, struct str call, struct str input)
{
    struct str api = call;
    struct str service = str_cut(&api, ':');
    const struct known *known = find_known(call);
    size_t i = 0;
    while (i < ARRAY_COUNT(services) && !str_eq(services[i].name, service)) {
        i++;
    }
    if (i == ARRAY_COUNT(services) || (!services[i].prefix && !known)) {
        return -ENOSYS;
    }
    rq->service = services[i].scope;
    json_t *json = json_read(input, JSON_ALLOW_NUL);
    int r = !json_is_object(json) ? -EINVAL
            : services[i].prefix  ? write_json(rq, i, api, input)
                                  : write_rest(rq, known->rest, json);
    json_decref(json);
    return r;
}

int aws_sdk_request_init(struct aws_sdk_request *rq, struct str call, struct str input,
                         struct err *err)
{
    *rq = (struct aws_sdk_request){ 0 };
    buf_init(&rq->target, TARGET_BYTES);
    buf_init(&rq->headers, LIMIT_REQUEST_HEAD_BYTES / 2);
    buf_init(&rq->body, LIMIT_EVENT_BYTES);
    int r = write_request(rq, call, input);
    if (r == 0) {
        return 0;
    }
    aws_sdk_request_finish(rq);
    call.len = call.len < SHOWN_BYTES ? call.len : SHOWN_BYTES;
    return r == -ENOSYS
               ? err_set(err, ENOSYS, "its target " STR_FMT " is of a service that is not here",
                         STR_ARG(call))
           : r == -EINVAL ? err_set(err, EINVAL, "its input is none that " STR_FMT " could be sent",
                                    STR_ARG(call))
                          : err_set(err, -r, "its input is too large");
}

void aws_sdk_request_finish(struct aws_sdk_request *rq)
{
    buf_finish(&rq->target);
    buf_finish(&rq->headers);
    buf_finish(&rq->body);
}

/* ---- errors ---- */

/* The part up to `end`. */
static void keep(char *ret, size_t size, struct str text, char end)
{
    (void)snprintf(ret, size, "%.*s", (int)str_find(text, end), text.data ? text.data : "");
}

static void read_xml(struct aws_sdk_error *ret, struct str body)
{
    keep(ret->code, sizeof(ret->code), str_behind(body, STR("<Code>")), '<');
    keep(ret->message, sizeof(ret->message), str_behind(body, STR("<Message>")), '<');
}

static void read_json(struct aws_sdk_error *ret, json_t *json)
{
    const char *type = json_text(json, "__type");
    const char *hash = type ? strchr(type, '#') : NULL;
    const char *message = json_text(json, "message");
    message = message ? message : json_text(json, "Message");
    keep(ret->code, sizeof(ret->code), str_c(hash ? hash + 1 : type ? type : ""), '\0');
    keep(ret->message, sizeof(ret->message), str_c(message ? message : ""), '\0');
}

void aws_sdk_error_read(struct aws_sdk_error *ret, struct str headers, struct str body)
{
    struct str query = http_block_find(headers, STR("x-amzn-query-error"));
    struct str type = http_block_find(headers, STR("x-amzn-errortype"));
    json_t *json = json_read(body, JSON_ALLOW_NUL);
    if (json) {
        read_json(ret, json);
    } else {
        read_xml(ret, body);
    }
    if (query.data) {
        keep(ret->code, sizeof(ret->code), query, ';'); /* SQS: its older name is the known one */
    } else if (type.data) {
        keep(ret->code, sizeof(ret->code), type, ':');
    }
    json_decref(json);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/aws/sqs/sqs_call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/aws/call/aws_access.h"
#include "control/aws/sqs/sqs_query.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"
#include "control/text/utf8.h"
#include "http/http_block.h"

#define BODY_BYTES_MAX (8 * MIB) /* ten messages of SQS's limit, in base64 */
#define TARGET         STR("AmazonSQS.")

/* clang-format off */
static const struct {
    unsigned status;
    const char *json;  /* without the service's name */
    const char *query;
    const char *text;  /* where the call gives none */
} errors[SQS_ERROR_COUNT] = {
    [SQS_ERROR_NO_QUEUE] = { 400, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does not exist." },
    [SQS_ERROR_QUEUE_EXISTS] = { 400, "QueueNameExists", "QueueAlreadyExists", NULL },
    [SQS_ERROR_RECEIPT] = { 400, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", NULL },
    [SQS_ERROR_NOT_IN_FLIGHT] = { 400, "MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight", NULL },
    [SQS_ERROR_ATTRIBUTE_NAME] = { 400, "InvalidAttributeName", "InvalidAttributeName", NULL },
    [SQS_ERROR_ATTRIBUTE_VALUE] = { 400, "InvalidAttributeValue", "InvalidAttributeValue", NULL },
    [SQS_ERROR_CONTENTS] = { 400, "InvalidMessageContents", "InvalidMessageContents", NULL },
    [SQS_ERROR_BATCH_EMPTY] = { 400, "EmptyBatchRequest",
        "AWS.SimpleQueueService.EmptyBatchRequest", NULL },
    [SQS_ERROR_BATCH_LARGE] = { 400, "TooManyEntriesInBatchRequest",
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", NULL },
    [SQS_ERROR_BATCH_LONG] = { 400, "BatchRequestTooLong",
        "AWS.SimpleQueueService.BatchRequestTooLong", NULL },
    [SQS_ERROR_BATCH_TWICE] = { 400, "BatchEntryIdsNotDistinct",
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", NULL },
    [SQS_ERROR_BATCH_ID] = { 400, "InvalidBatchEntryId",
        "AWS.SimpleQueueService.InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
        "It can be at most 80 letters long." },
    [SQS_ERROR_PURGING] = { 403, "PurgeQueueInProgress",
        "AWS.SimpleQueueService.PurgeQueueInProgress", NULL },
    [SQS_ERROR_DELETED_RECENTLY] = { 400, "QueueDeletedRecently",
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another with the "
        "same name." },
    [SQS_ERROR_PARAMETER] = { 400, "InvalidParameterValueException", "InvalidParameterValue", NULL },
    [SQS_ERROR_MISSING] = { 400, "MissingRequiredParameterException", "MissingParameter", NULL },
    [SQS_ERROR_SERIALIZATION] = { 400, "SerializationException", "SerializationException", NULL },
    [SQS_ERROR_OPERATION] = { 400, "UnknownOperationException", "InvalidAction", NULL },
    [SQS_ERROR_UNSUPPORTED] = { 400, "UnsupportedOperation",
        "AWS.SimpleQueueService.UnsupportedOperation", NULL },
    [SQS_ERROR_NO_RESOURCE] = { 404, "ResourceNotFoundException", "ResourceNotFoundException",
        NULL },
    [SQS_ERROR_ACCESS] = { 403, NULL, NULL, NULL },
    [SQS_ERROR_THROTTLED] = { 403, "RequestThrottled", "RequestThrottled",
        "The request was denied due to request throttling." },
    [SQS_ERROR_FULL] = { 507, "InternalFailure", "InternalFailure",
        "The disk is full: nothing was stored." },
    [SQS_ERROR_INTERNAL] = { 500, "InternalFailure", "InternalFailure",
        "It could not be stored." },
};
/* clang-format on */

/* ---- answers ---- */

static void respond(struct sqs_call *c, unsigned status, const char *query_error, struct str body)
{
    struct buf headers;
    buf_init(&headers, KIB);
    const char *type = c->protocol == SQS_JSON ? "application/x-amz-json-1.0"
                       : c->wants_json         ? "application/json"
                                               : "text/xml";
    int r = http_block_add(&headers, STR("content-type"), str_c(type));
    r = r < 0 ? r
              : http_block_add(&headers, STR("x-amzn-requestid"), str_c(c->exchange->request_id));
    if (r == 0 && query_error && c->protocol == SQS_JSON) {
        r = buf_printf(&headers, "x-amzn-query-error%c%s;%s%c", 0, query_error,
                       status < 500 ? "Sender" : "Receiver", 0);
    }
    (void)r; /* they are short */
    c->answered = true;
    exchange_respond(c->exchange, status, buf_str(&headers), body);
    buf_finish(&headers);
}

static void answer_json(struct sqs_call *c, const json_t *output)
{
    scoped_free char *text = json_write(output);
    respond(c, 200, NULL, text ? str_c(text) : STR("{}"));
}

void sqs_call_answer(struct sqs_call *c, json_t *output)
{
    if (c->protocol == SQS_JSON) {
        answer_json(c, output);
    } else {
        const char *id = c->exchange->request_id;
        char *text = c->wants_json ? sqs_query_answer_json(c->operation, output, id)
                                   : sqs_query_answer(c->operation, output, id);
        respond(c, 200, NULL, str_c(text));
        free(text);
    }
    json_decref(output);
}

static void fail_json(struct sqs_call *c, enum sqs_error e, const char *code, const char *text)
{
    char type[128];
    (void)snprintf(type, sizeof(type), "com.amazonaws.sqs#%s", code);
    json_t *body = json_pack("{s:s, s:s}", "__type", type, "message", text);
    char *json = json_write(body);
    respond(c, errors[e].status, errors[e].query ? errors[e].query : code,
            str_c(json ? json : "{}"));
    free(json);
    json_decref(body);
}

void sqs_call_fail(struct sqs_call *c, enum sqs_error e, const char *fmt, ...)
{
    char text[1024] = "";
    char code[64];
    if (fmt) {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, args);
        va_end(args);
    }
    const char *message = text[0] ? text : errors[e].text ? errors[e].text : "";
    if (e == SQS_ERROR_NO_QUEUE && c->protocol == SQS_QUERY) {
        message = "The specified queue does not exist for this wsdl version.";
    }
    (void)snprintf(code, sizeof(code), "%s",
                   c->protocol == SQS_JSON ? errors[e].json ? errors[e].json : ""
                   : errors[e].query       ? errors[e].query
                                           : "");
    if (e == SQS_ERROR_ACCESS) { /* "CODE message" */
        size_t len = strcspn(text, " ");
        (void)snprintf(code, sizeof(code), "%.*s", (int)len, text);
        message = text[len] ? text + len + 1 : "";
    }
    scoped_free char *sound = utf8_copy_sound(str_c(message)); /* what it shows may be cut */
    if (c->protocol == SQS_JSON) {
        fail_json(c, e, code, sound);
        return;
    }
    const char *id = c->exchange->request_id;
    char *body = c->wants_json ? sqs_query_error_json(code, sound, errors[e].status, id)
                               : sqs_query_error(code, sound, errors[e].status, id);
    respond(c, errors[e].status, NULL, str_c(body));
    free(body);
}

void sqs_call_saved(int r, void *call)
{
    struct sqs_call *c = call;
    json_t *output = c->context;
    c->context = NULL;
    if (r == 0) {
        sqs_call_answer(c, output);
    } else {
        json_decref(output);
        sqs_call_fail(c, r == -ENOSPC ? SQS_ERROR_FULL : SQS_ERROR_INTERNAL, NULL);
    }
}

json_t *sqs_call_entry_error(const struct sqs_call *c, const char *id, enum sqs_error e,
                             const char *message)
{
    (void)c;
    message = message ? message : errors[e].text ? errors[e].text : "";
    scoped_free char *sound = utf8_copy_sound(str_c(message)); /* what it shows may be cut */
    return json_pack("{s:s, s:s, s:s, s:b}", "Id", id, "Code", errors[e].query, "Message", sound,
                     "SenderFault", errors[e].status < 500);
}

/* ---- input ---- */

const char *sqs_call_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

bool sqs_call_number(const json_t *object, const char *name, int64_t *ret)
{
    const json_t *value = json_object_get(object, name);
    if (json_is_integer(value)) {
        *ret = json_integer_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    char *end = NULL;
    if (!text || !*text) {
        return false;
    }
    *ret = strtoll(text, &end, 10);
    return *end == '\0';
}

/* The last part of a URL or path. */
static struct str last_part(struct str url)
{
    url.len = str_find(url, '?');
    while (url.len > 0 && url.data[url.len - 1] == '/') {
        url.len--;
    }
    for (size_t at = url.len; at > 0; at--) {
        if (url.data[at - 1] == '/') {
            return str_skip(url, at);
        }
    }
    return url;
}

struct sqs_queue *sqs_call_queue(struct sqs_call *c)
{
    const char *url = sqs_call_text(c->input, "QueueUrl");
    struct str name = last_part(url ? str_c(url) : c->exchange->target);
    struct sqs_queue *q = name.len > 0 ? sqs_queue_find(c->queues, name) : NULL;
    if (!q && !url && name.len == 0) {
        sqs_call_fail(c, SQS_ERROR_MISSING, "The request must contain the parameter QueueUrl.");
    } else if (!q) {
        sqs_call_fail(c, SQS_ERROR_NO_QUEUE, NULL);
    }
    return q;
}

static void run_again(struct sqs_waiter *w)
{
    struct sqs_call *c = container_of(w, struct sqs_call, waiter);
    c->run(c);
}

bool sqs_call_waits(struct sqs_call *c, const char *name)
{
    c->waiter.again = run_again;
    return sqs_queue_wait(c->queues, name, &c->waiter);
}

struct sqs_queue *sqs_call_queue_to_change(struct sqs_call *c)
{
    struct sqs_queue *q = sqs_call_queue(c);
    return q && !sqs_call_waits(c, q->name) ? q : NULL;
}

void sqs_call_url(const struct sqs_call *c, const char *name, char *ret)
{
    struct str host = c->exchange->host;
    host.len = host.len < 300 ? host.len : 300;
    (void)snprintf(ret, SQS_URL_BYTES, "http://" STR_FMT "/" SQS_ACCOUNT "/%s", STR_ARG(host),
                   name);
}

static void call_over(struct exchange *x)
{
    struct sqs_call *c = x->user;
    if (!c->answered && c->gone) {
        c->gone(c);
    }
    json_decref(c->input);
    free(c);
}

static void call_gone(struct exchange *x)
{
    struct sqs_call *c = x->user;
    if (!c->answered && c->gone) {
        c->gone(c);
        c->gone = NULL;
    }
}

struct member {
    const char *name;
    json_type type;
};

static int by_name(const void *name, const void *member)
{
    return strcmp(name, ((const struct member *)member)->name);
}

/* The types of the JSON protocol's members, which mean the same in all operations; by name. Others
 * are passed over, as AWS does. */
static const struct member *find_member(const char *name)
{
    static const struct member members[] = {
        { "AWSAccountIds", JSON_ARRAY },
        { "Actions", JSON_ARRAY },
        { "AttributeNames", JSON_ARRAY },
        { "Attributes", JSON_OBJECT },
        { "DelaySeconds", JSON_INTEGER },
        { "DestinationArn", JSON_STRING },
        { "Entries", JSON_ARRAY },
        { "Id", JSON_STRING },
        { "Label", JSON_STRING },
        { "MaxNumberOfMessages", JSON_INTEGER },
        { "MaxNumberOfMessagesPerSecond", JSON_INTEGER },
        { "MaxResults", JSON_INTEGER },
        { "MessageAttributeNames", JSON_ARRAY },
        { "MessageAttributes", JSON_OBJECT },
        { "MessageBody", JSON_STRING },
        { "MessageDeduplicationId", JSON_STRING },
        { "MessageGroupId", JSON_STRING },
        { "MessageSystemAttributeNames", JSON_ARRAY },
        { "MessageSystemAttributes", JSON_OBJECT },
        { "NextToken", JSON_STRING },
        { "QueueName", JSON_STRING },
        { "QueueNamePrefix", JSON_STRING },
        { "QueueOwnerAWSAccountId", JSON_STRING },
        { "QueueUrl", JSON_STRING },
        { "ReceiptHandle", JSON_STRING },
        { "ReceiveRequestAttemptId", JSON_STRING },
        { "SourceArn", JSON_STRING },
        { "TagKeys", JSON_ARRAY },
        { "Tags", JSON_OBJECT },
        { "TaskHandle", JSON_STRING },
        { "VisibilityTimeout", JSON_INTEGER },
        { "WaitTimeSeconds", JSON_INTEGER },
        { "tags", JSON_OBJECT },
    };
    return bsearch(name, members, ARRAY_COUNT(members), sizeof(members[0]), by_name);
}

/* All lists but that of a batch's entries are of texts. */
static bool has_texts(const json_t *list)
{
    bool all = true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        all = all && json_is_string(json_array_get(list, i));
    }
    return all;
}

static bool has_type(enum sqs_protocol protocol, const json_t *object, const char *name)
{
    const struct member *m = find_member(name);
    const json_t *value = json_object_get(object, name);
    int64_t number;
    bool is_list = m && m->type == JSON_ARRAY && strcmp(name, "Entries") != 0;
    return !m || json_is_null(value) ||
           (json_typeof(value) == m->type && (!is_list || has_texts(value))) ||
           (protocol == SQS_QUERY && m->type == JSON_INTEGER &&
            sqs_call_number(object, name, &number));
}

/* The member that is not of its type, of the input or of a batch's entry; NULL: all are. What is
 * not would otherwise count as not said. */
static const char *find_wrong(enum sqs_protocol protocol, const json_t *object)
{
    const char *name, *wrong = NULL;
    json_t *value;
    json_object_foreach(json_reading(object), name, value)
    {
        wrong = wrong || has_type(protocol, object, name) ? wrong : name;
    }
    return wrong;
}

static bool has_types(struct sqs_call *c)
{
    size_t i;
    json_t *entry;
    const char *wrong = find_wrong(c->protocol, c->input);
    json_array_foreach(json_object_get(c->input, "Entries"), i, entry)
    {
        const char *inside = json_is_object(entry) ? find_wrong(c->protocol, entry) : "Entries";
        wrong = wrong ? wrong : inside;
    }
    if (wrong) {
        sqs_call_fail(c, SQS_ERROR_SERIALIZATION, "%.80s can not be converted to its type", wrong);
    }
    return !wrong;
}

static bool is_form(const struct exchange *x)
{
    struct str type = http_block_find(x->headers, STR("content-type"));
    return str_starts(type, STR("application/x-www-form-urlencoded"));
}

/* A form is one whatever else its head says: Perl's Amazon::SQS::Simple names its target, too. */
static enum sqs_protocol protocol_of(const struct exchange *x)
{
    return !is_form(x) && http_block_find(x->headers, STR("x-amz-target")).data ? SQS_JSON
                                                                                : SQS_QUERY;
}

static bool read_operation(struct sqs_call *c, struct str body)
{
    if (c->protocol == SQS_JSON) {
        struct str target = http_block_find(c->exchange->headers, STR("x-amz-target"));
        if (!str_starts(target, TARGET) ||
            !str_keep(str_skip(target, TARGET.len), c->operation, sizeof(c->operation))) {
            return false;
        }
        c->input = body.len > 0 ? json_read(body, JSON_ALLOW_NUL) : json_object();
        return json_is_object(c->input);
    }
    struct str form = body;
    bool has_type = http_block_find(c->exchange->headers, STR("content-type")).len > 0;
    if (form.len == 0 || (has_type && !is_form(c->exchange))) { /* the form is the query */
        form = c->exchange->target;
        (void)str_cut(&form, '?');
    }
    c->input = sqs_query_input(form.data ? form : STR(""));
    const char *action = sqs_call_text(c->input, "Action");
    (void)snprintf(c->operation, sizeof(c->operation), "%s", action ? action : "");
    return action != NULL;
}

static bool is_allowed(struct sqs_call *c, const struct str *body)
{
    struct aws_access access;
    enum aws_protocol protocol = c->protocol == SQS_JSON ? AWS_PROTOCOL_JSON : AWS_PROTOCOL_QUERY;
    if (aws_access_check(c->services, c->exchange, body, protocol, &access)) {
        memcpy(c->region, access.who.scope.region, sizeof(c->region));
        return true;
    }
    const struct aws_fault_answer *refusal = &access.refusal;
    sqs_call_fail(c, SQS_ERROR_ACCESS, "%s %s" STR_FMT, refusal->code,
                  refusal->message ? refusal->message : "", STR_ARG(access.detail));
    return false;
}

static void have_body(struct exchange *x, int r, struct str body)
{
    struct sqs_call *c = x->user;
    if (r == -EBUSY) {
        sqs_call_fail(c, SQS_ERROR_THROTTLED, NULL);
    } else if (r < 0) {
        sqs_call_fail(c, SQS_ERROR_PARAMETER, "The request is too large.");
    } else if (!read_operation(c, body)) {
        if (c->protocol == SQS_QUERY) { /* as a browser that is pointed at a queue is told */
            respond(c, 404, NULL, STR("<UnknownOperationException/>\n"));
            return;
        }
        if (c->operation[0]) {
            sqs_call_fail(c, SQS_ERROR_SERIALIZATION, "The request's body is not a JSON object.");
        } else {
            sqs_call_fail(c, SQS_ERROR_OPERATION, "The request names no operation.");
        }
    } else if (is_allowed(c, &body) && has_types(c)) {
        c->run(c);
    }
}

void sqs_call_begin(struct services *s, struct exchange *x, void (*run)(struct sqs_call *c))
{
    static const struct exchange_events events = { .over = call_over, .gone = call_gone };
    struct sqs_call *c = mem_new(struct sqs_call);
    *c = (struct sqs_call){ .services = s,
                            .queues = s->sqs,
                            .exchange = x,
                            .run = run,
                            .protocol = protocol_of(x),
                            .wants_json = str_starts(http_block_find(x->headers, STR("accept")),
                                                     STR("application/json")) };
    x->user = c;
    x->events = &events;
    if (!aws_access_comes_first(x) || is_allowed(c, NULL)) {
        exchange_read_body(x, BODY_BYTES_MAX, have_body);
    }
}

/* The Lambda API: event source mappings.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/lambda/aws_lambda_operations.h"
#include "control/events/lambda/lambda_source.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"

#define PREFIX   STR("/2015-03-31/event-source-mappings/")
#define LIST_MAX 100 /* Lambda's page */

static json_t *number_or(const json_t *config, const char *name, json_int_t otherwise,
                         json_int_t unit)
{
    json_int_t n = json_integer_value(json_object_get(config, name));
    return json_integer(n > 0 ? n / unit : otherwise);
}

static json_t *describe(const struct aws_call *c, const struct lambda_source *ls, const char *state)
{
    char queue_arn[SQS_ARN_BYTES];
    sqs_queue_arn(ls->queue, str_c(c->region), queue_arn);
    char function_arn[LAMBDA_ARN_BYTES];
    const char *qualifier = json_text(ls->config, "qualifier");
    lambda_path_arn(c->region, ls->function_name, qualifier ? qualifier : "", function_arn);
    char arn[LAMBDA_ARN_BYTES];
    (void)snprintf(arn, sizeof(arn), "arn:aws:lambda:%s:" AWS_ACCOUNT_ID ":event-source-mapping:%s",
                   c->region, ls->uuid);
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
            scoped_free char *text = json_write(json_array_get(filters, i));
            (void)json_array_append_new(list, json_pack("{s:s}", "Pattern", text ? text : "{}"));
        }
        (void)json_object_set_new(out, "FilterCriteria", json_pack("{s:o}", "Filters", list));
    }
    return out;
}

/* ---- what a request says ---- */

/* By the model; else that is answered. */
static bool check_input(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "BatchSize", AWS_INTEGER, AWS_MAY, 1, 10000, NULL },
        { "MaximumBatchingWindowInSeconds", AWS_INTEGER, AWS_MAY, 0, 300, NULL },
        { "Enabled", AWS_BOOLEAN, AWS_MAY, 0, 0, NULL },
        { "FunctionName", AWS_TEXT, AWS_MAY, 1, 140, NULL },
        { "EventSourceArn", AWS_TEXT, AWS_MAY, 0, 0, NULL },
        { "StartingPosition", AWS_TEXT, AWS_MAY, 0, 0, "LATEST, AT_TIMESTAMP, TRIM_HORIZON" },
        { "FunctionResponseTypes", AWS_LIST, AWS_MAY, 0, 1, NULL },
        { "FilterCriteria", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
        { "ScalingConfig", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
        { "Tags", AWS_OBJECT, AWS_MAY, 0, 0, NULL },
    };
    static const struct aws_rule scaling[] = { { "MaximumConcurrency", AWS_INTEGER, AWS_MAY, 2,
                                                 1000, NULL } };
    static const struct aws_rule response[] = { { "FunctionResponseTypes", AWS_TEXT, AWS_MUST, 0, 0,
                                                  "ReportBatchItemFailures" } };
    struct aws_check k;
    json_t *config = aws_call_member(c, "ScalingConfig");
    json_t *types = aws_call_member(c, "FunctionResponseTypes");
    aws_check_init(&k);
    aws_check_members(&k, c->input, "", rules, ARRAY_COUNT(rules));
    if (json_is_object(config)) {
        aws_check_members(&k, config, "scalingConfig.", scaling, ARRAY_COUNT(scaling));
    }
    if (json_array_size(types) > 0) {
        json_t *first = json_pack("{s:O}", response[0].member, json_array_get(types, 0));
        aws_check_members(&k, first, "", response, ARRAY_COUNT(response));
        json_decref(first);
    }
    return aws_check_end(&k, c);
}

/* Members that are of streams, of Kafka or of other sources that are not here. */
static const char *foreign_member(const struct aws_call *c)
{
    static const char *const members[] = {
        "DestinationConfig",     "StartingPosition",           "StartingPositionTimestamp",
        "ParallelizationFactor", "BisectBatchOnFunctionError", "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",  "TumblingWindowInSeconds",    "Topics",
    };
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        if (aws_call_member(c, members[i])) {
            return members[i];
        }
    }
    return NULL;
}

static void copy_number(json_t *to, const char *name, const json_t *value, json_int_t unit)
{
    if (json_is_integer(value)) {
        (void)json_object_set_new(to, name, json_integer(json_integer_value(value) * unit));
    }
}

/* A new list; NULL: one of the patterns is no JSON. */
static json_t *filters_of(const json_t *filters)
{
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(filters); i++) {
        const char *text = json_text(json_array_get(filters, i), "Pattern");
        json_t *pattern = text ? json_loads(text, 0, NULL) : NULL;
        if (!pattern) {
            json_decref(list);
            return NULL;
        }
        (void)json_array_append_new(list, pattern);
    }
    return list;
}

static void fail_parameter(struct aws_call *c, const char *text)
{
    aws_call_fail(c, 400, "InvalidParameterValueException", "%s", text);
}

/* What a request says, in the manifest's words. NULL: the call has failed. */
static json_t *config_of(struct aws_call *c)
{
    json_t *config = json_object();
    const json_t *types = aws_call_member(c, "FunctionResponseTypes");
    const json_t *scaling = aws_call_member(c, "ScalingConfig");
    const json_t *criteria = aws_call_member(c, "FilterCriteria");
    json_t *enabled = aws_call_member(c, "Enabled");
    copy_number(config, "batch_size", aws_call_member(c, "BatchSize"), 1);
    copy_number(config, "window_ms", aws_call_member(c, "MaximumBatchingWindowInSeconds"), 1000);
    if (scaling) { /* an empty one takes the bound away */
        (void)json_object_set_new(config, "max_concurrency", json_integer(0));
        copy_number(config, "max_concurrency", json_object_get(scaling, "MaximumConcurrency"), 1);
    }
    if (enabled) {
        (void)json_object_set(config, "enabled", enabled);
    }
    if (types) {
        (void)json_object_set_new(config, "report_failures",
                                  json_boolean(json_array_size(types) > 0));
    }
    if (criteria) {
        json_t *filters = filters_of(json_object_get(criteria, "Filters"));
        if (!filters) {
            json_decref(config);
            fail_parameter(c, "Invalid filter pattern definition.");
            return NULL;
        }
        (void)json_object_set_new(config, "filters", filters);
    }
    return config;
}

/* What is wrong with how the queue's batches are made; NULL: nothing. */
static const char *batch_fault(const json_t *config, bool fifo)
{
    json_int_t size = json_integer_value(json_object_get(config, "batch_size"));
    json_int_t window = json_integer_value(json_object_get(config, "window_ms"));
    if (fifo && window > 0) {
        return "Batching window is not supported for FIFO queues";
    }
    if (size > 10 && fifo) {
        return "BatchSize must not be greater than 10 for FIFO queues.";
    }
    return size > 10 && window == 0 ? "Maximum batch window in seconds must be greater than 0 if "
                                      "maximum batch size is greater than 10"
                                    : NULL;
}

/* AWS takes no mapping of which a batch may come again while it is still being worked on. Here it
 * is made, for tests with short times, and the user is told. */
static void warn_of_visibility(struct services *s, const struct sqs_queue *q,
                               const struct lambda_source *ls)
{
    char text[320];
    const json_t *function = lambda_path_function(s, ls->function_name);
    json_int_t timeout_ms = json_integer_value(json_object_get(function, "timeout_ms"));
    if (q && (json_int_t)q->visibility_ms < timeout_ms) {
        int len = snprintf(text, sizeof(text),
                           "event source mapping of %.80s: AWS would refuse it (Queue visibility "
                           "timeout: %llu seconds is less than Function timeout: %lld seconds)",
                           q->name, (unsigned long long)q->visibility_ms / 1000,
                           (long long)(timeout_ms + 999) / 1000);
        console_note(s->console, RECORD_WARNING, str_of(text, (size_t)len));
    }
}

/* ---- creation ---- */

/* A function as a request names it. */
struct wanted_function {
    struct lambda_named named;
    const json_t *function; /* NULL: there is none */
};

static struct wanted_function function_of(const struct aws_call *c)
{
    struct wanted_function w;
    const char *said = aws_call_text(c, "FunctionName");
    lambda_path_named(said ? said : "", STR(""), &w.named);
    w.function = lambda_path_function(c->services, w.named.name);
    if (w.function && !lambda_path_version(w.function, w.named.qualifier)) {
        w.function = NULL;
    }
    return w;
}

static void set_function(json_t *config, const struct wanted_function *w)
{
    (void)json_object_set(config, "function", json_object_get(w->function, "name"));
    (void)json_object_set_new(
        config, "qualifier", w->named.qualifier[0] ? json_string(w->named.qualifier) : json_null());
}

/* Answers what of the input's own is wrong with it. */
static bool check_creation(struct aws_call *c, const char *arn, const json_t *function)
{
    const char *foreign = foreign_member(c);
    if (!check_input(c)) {
        return false;
    }
    if (!arn) {
        fail_parameter(c, "Unrecognized event source.");
    } else if (foreign) {
        aws_call_fail(c, 400, "InvalidParameterValueException",
                      "Unsupported %s parameter for given event source mapping type.", foreign);
    } else if (!function) {
        fail_parameter(c, "Function does not exist");
    } else {
        return true;
    }
    return false;
}

/* The queue that is meant; NULL: that there is none is answered. */
static const struct sqs_queue *queue_of(struct aws_call *c, const char *arn)
{
    const char *name = strstr(arn, ":sqs:") ? strrchr(arn, ':') : NULL;
    const struct sqs_queue *q = name ? sqs_queue_find(c->services->sqs, str_c(name + 1)) : NULL;
    if (!q) {
        fail_parameter(c, name ? "Error occurred while ReceiveMessage. SQS Error Code: "
                                 "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The "
                                 "specified queue does not exist."
                               : "Only SQS queues are event sources here.");
    }
    return q;
}

static const struct lambda_source *find_pair(const struct list *sources, const char *queue,
                                             const char *function)
{
    list_for_each (item, sources) {
        const struct lambda_source *ls = list_entry(item, struct lambda_source, link);
        if (strcmp(ls->queue, queue) == 0 && strcmp(ls->function_name, function) == 0) {
            return ls;
        }
    }
    return NULL;
}

/* Whether there is no such mapping but `itself`; else that there is one is answered. */
static bool is_new(struct aws_call *c, const struct sqs_queue *q, const struct wanted_function *w,
                   const struct lambda_source *itself)
{
    char arn[SQS_ARN_BYTES];
    const struct lambda_sources *all = c->services->lambda_sources;
    const char *function = lambda_path_name(w->function);
    const struct lambda_source *known = find_pair(&all->sources, q->name, function);
    known = known ? known : find_pair(&all->beginning, q->name, function);
    if (!known || known == itself) {
        return true;
    }
    sqs_queue_arn(q->name, str_c(c->region), arn);
    aws_call_fail(c, 409, "ResourceConflictException",
                  "An event source mapping with SQS arn (\" %s \") and function (\" %s \") already "
                  "exists. Please update or delete the existing mapping with UUID %s",
                  arn, known->function_name, known->uuid);
    return false;
}

/* The mapping's whole config, a new reference; NULL: what is wrong has been answered. */
static json_t *new_config(struct aws_call *c, const struct sqs_queue *q,
                          const struct wanted_function *w)
{
    json_t *config = config_of(c), *tags = aws_call_member(c, "Tags");
    const char *fault = config ? batch_fault(config, q->fifo) : NULL;
    if (config && tags) {
        json_t *kept = json_object();
        const char *why = aws_lambda_tags_merge(kept, tags);
        (void)json_object_set_new(config, "tags", kept);
        fault = fault ? fault : why;
    }
    if (fault) {
        json_decref(config);
        fail_parameter(c, fault);
        return NULL;
    }
    if (config) {
        (void)json_object_set_new(config, "queue", json_string(q->name));
        set_function(config, w);
    }
    return config;
}

static void create(struct aws_call *c)
{
    struct wanted_function w = function_of(c);
    const char *arn = aws_call_text(c, "EventSourceArn");
    struct lambda_source *ls;
    struct err err;
    if (!check_creation(c, arn, w.function)) {
        return;
    }
    const struct sqs_queue *q = queue_of(c, arn);
    json_t *config = q && is_new(c, q, &w, NULL) ? new_config(c, q, &w) : NULL;
    if (!config) {
        return;
    }
    if (lambda_source_make(c->services->lambda_sources, config, &ls, &err) < 0) {
        fail_parameter(c, "Invalid filter pattern definition.");
        return;
    }
    warn_of_visibility(c->services, q, ls);
    c->status = 202;
    c->context = describe(c, ls, ls->enabled ? "Creating" : "Disabled");
    lambda_source_begin(ls, aws_call_written, c);
}

/* ---- changes ---- */

/* The changes to a mapping, a new reference; NULL: what is wrong has been answered. */
static json_t *changes_of(struct aws_call *c, const struct lambda_source *ls,
                          const struct sqs_queue *q)
{
    struct wanted_function w = function_of(c);
    bool moves = aws_call_text(c, "FunctionName") != NULL;
    if (!check_input(c)) {
        return NULL;
    }
    if (moves && !w.function) {
        fail_parameter(c, "Function does not exist");
        return NULL;
    }
    if (moves && q && !is_new(c, q, &w, ls)) {
        return NULL;
    }
    json_t *config = config_of(c);
    json_t *whole = config ? json_copy(ls->config) : NULL;
    (void)json_object_update(whole, config); /* NULL: nothing to do */
    const char *fault = whole ? batch_fault(whole, q && q->fifo) : NULL;
    json_decref(whole);
    if (fault) {
        json_decref(config);
        fail_parameter(c, fault);
        return NULL;
    }
    if (config && moves) {
        set_function(config, &w);
    }
    return config;
}

struct changing {
    struct aws_call *call;
    const struct lambda_source *source;
    bool was_enabled;
};

static void changed(int r, void *context)
{
    struct changing *changing = context;
    struct aws_call *c = changing->call;
    const struct lambda_source *ls = changing->source;
    if (r == 0) {
        warn_of_visibility(c->services, sqs_queue_find(c->services->sqs, str_c(ls->queue)), ls);
        c->status = 202;
        c->context = describe(c, ls,
                              ls->enabled == changing->was_enabled ? "Updating"
                              : ls->enabled                        ? "Enabling"
                                                                   : "Disabling");
    }
    free(changing);
    aws_call_written(r, c);
}

static void change(struct aws_call *c, struct lambda_source *ls)
{
    struct err err;
    const struct sqs_queue *q = sqs_queue_find(c->services->sqs, str_c(ls->queue));
    json_t *config = changes_of(c, ls, q);
    if (!config) {
        return;
    }
    struct changing *changing = mem_new(struct changing);
    *changing = (struct changing){ c, ls, ls->enabled };
    if (lambda_source_change(ls, config, changed, changing, &err) < 0) {
        free(changing);
        fail_parameter(c, "Invalid filter pattern definition.");
    }
}

static void list(struct aws_call *c)
{
    char function[LAMBDA_NAME_BYTES];
    char arn[LAMBDA_NAME_BYTES];
    struct str target = c->exchange->target;
    bool by_function = lambda_path_query(target, STR("FunctionName"), function);
    bool by_queue = lambda_path_query(target, STR("EventSourceArn"), arn);
    const json_t *wanted = by_function ? lambda_path_function(c->services, function) : NULL;
    const char *queue = by_queue ? strrchr(arn, ':') : NULL;
    json_t *mappings = json_array();
    list_for_each (item, &c->services->lambda_sources->sources) {
        const struct lambda_source *ls = list_entry(item, struct lambda_source, link);
        if ((by_function &&
             (!wanted || strcmp(lambda_path_name(wanted), ls->function_name) != 0)) ||
            (by_queue && (!queue || strcmp(queue + 1, ls->queue) != 0))) {
            continue;
        }
        (void)json_array_append_new(mappings, describe(c, ls, NULL));
    }
    aws_lambda_page(c, mappings, "EventSourceMappings", LIST_MAX, AWS_LAMBDA_ITEMS_MAX);
}

void aws_lambda_mappings(struct aws_call *c)
{
    char uuid[LAMBDA_NAME_BYTES];
    struct str method = c->exchange->method;
    if (!lambda_path_part(c->exchange->target, PREFIX, uuid, NULL)) {
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
        aws_call_answer(c, describe(c, ls, NULL));
    } else if (ls->is_being_written) {
        aws_call_fail(c, 400, "ResourceInUseException",
                      "Cannot %s the event source mapping %s because it is in use.",
                      str_eq(method, STR("PUT")) ? "update" : "delete", ls->uuid);
    } else if (str_eq(method, STR("PUT"))) {
        change(c, ls);
    } else {
        c->status = 202;
        c->context = describe(c, ls, "Deleting");
        lambda_source_remove(ls, aws_call_written, c);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/lambda/lambda_queue.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/events/eventbridge/trace_header.h"
#include "control/events/lambda/lambda_concurrency.h"
#include "control/events/lambda/lambda_error.h"
#include "control/events/lambda/lambda_path.h"
#include "control/events/queue/attempt.h"
#include "control/events/queue/destination.h"
#include "control/events/queue/event_log.h"
#include "control/text/iso_time.h"
#include "control/text/json_read.h"
#include "control/text/json_write.h"
#include "http/http_block.h"
#include "store/store_settings.h"

#define IN_FLIGHT_MAX  100  /* of one function; its instances bound it too */
#define ERROR_TEXT_MAX 1024 /* of a dead letter: Lambda's "first 1 KB" */

/* Lambda's defaults: two retries, after one minute and two; six hours. */
static const struct retry_policy lambda_policy = { .retries_max = 2,
                                                   .delays_ms = { 60000, 120000 },
                                                   .delay_count = 2,
                                                   .max_age_ms = (uint64_t)6 * 3600 * 1000 };

struct lambda_queue {
    struct list link;
    struct services *services;
    char *name;          /* the manifest's, owned */
    char *function_name; /* AWS's, owned */
    struct queue *queue;
    json_t *function;        /* the manifest's, owned; NULL: of no build yet */
    json_t *manifest_config; /* owned; NULL: none */
    json_t *api_configs;     /* owned: by qualifier; they count for what the API can say */
    bool wanted;             /* by the build that is being read */
};

struct lambda_queues {
    struct services *services;
    struct list queues;
};

/* The function's own is that of its latest version. */
static const char *version_or_latest(const char *qualifier)
{
    return qualifier[0] ? qualifier : "$LATEST";
}

static const json_t *api_config_of(const struct lambda_queue *q, const char *qualifier)
{
    return json_object_get(q->api_configs, version_or_latest(qualifier));
}

static const json_t *config_of(const struct lambda_queue *q, const char *qualifier)
{
    const json_t *config = api_config_of(q, qualifier);
    return config ? config : q->manifest_config;
}

/* A configuration of the API stands before the files', which alone can say the delays. */
static void read_policy(const struct lambda_queue *q, const char *qualifier,
                        struct retry_policy *ret)
{
    const json_t *config = api_config_of(q, qualifier);
    retry_read(q->manifest_config, &lambda_policy, ret);
    if (config) {
        struct retry_policy files = *ret;
        files.retries_max = lambda_policy.retries_max;
        files.max_age_ms = lambda_policy.max_age_ms;
        retry_read(config, &files, ret);
    }
}

/* ---- destinations ---- */

struct failure {
    const char *condition;                  /* Lambda's word: "Success", "RetriesExhausted"... */
    const struct invocation_result *result; /* of this try; NULL: it was none */
    bool is_error;
};

/* The answer as JSON, or as a text if it is none. */
static json_t *payload_json(struct str payload)
{
    json_t *json =
        payload.len > 0 ? json_read(payload, JSON_DECODE_ANY | JSON_ALLOW_NUL) : json_null();
    return json ? json : json_stringn_nocheck(payload.data, payload.len);
}

/* The version or alias that an event is for; "": none is named. */
static void read_qualifier(const struct delivered *m, char ret[LAMBDA_NAME_BYTES])
{
    json_t *attributes = json_read(m->message.attributes, JSON_ALLOW_NUL);
    const char *qualifier = json_string_value(json_object_get(attributes, "qualifier"));
    (void)snprintf(ret, LAMBDA_NAME_BYTES, "%s", qualifier ? qualifier : "");
    json_decref(attributes);
}

/* Which version an event's qualifier means; one that has gone since is its own. */
static const char *version_of(const struct lambda_queue *q, const char *qualifier)
{
    const json_t *function = lambda_path_function(q->services, q->function_name);
    const char *version = lambda_path_version(function, qualifier);
    return version ? version : qualifier;
}

static json_t *record_of(const struct lambda_queue *q, const struct delivered *m,
                         const char *qualifier, const struct failure *f)
{
    char arn[LAMBDA_ARN_BYTES];
    char time[ISO_TIME_BYTES];
    lambda_path_arn(deployment_region(q->function), q->function_name, version_or_latest(qualifier),
                    arn);
    (void)iso_time_ms(clock_wall_ms(), time);
    json_t *context =
        json_pack("{s:s, s:s, s:s, s:i}", "requestId", m->message.uuid.data, "functionArn", arn,
                  "condition", f->condition, "approximateInvokeCount", (int)m->outcome.attempts);
    json_t *record =
        json_pack("{s:s, s:s, s:o, s:o}", "version", "1.0", "timestamp", time, "requestContext",
                  context, "requestPayload", payload_json(m->message.body));
    if (f->result) {
        json_t *response =
            json_pack("{s:i, s:s}", "statusCode", 200, "executedVersion", version_of(q, qualifier));
        if (f->is_error) {
            (void)json_object_set_new(response, "functionError", json_string("Unhandled"));
        }
        (void)json_object_set_new(record, "responseContext", response);
        (void)json_object_set_new(record, "responsePayload", payload_json(f->result->body));
    }
    return record;
}

static void send_record(const struct lambda_queue *q, struct delivery *d, const struct delivered *m,
                        const struct failure *f, const char *member)
{
    char qualifier[LAMBDA_NAME_BYTES];
    read_qualifier(m, qualifier);
    const json_t *destination = json_object_get(config_of(q, qualifier), member);
    if (!json_is_object(destination)) {
        return;
    }
    char trace[TRACE_HEADER_BYTES];
    json_t *record = record_of(q, m, qualifier, f);
    char *text = json_write(record);
    destination_send(q->services, d, destination, str_c(text ? text : "{}"),
                     trace_header_attributes(trace));
    free(text);
    json_decref(record);
}

/* How much of a text fits into `max` bytes without cutting a character. */
static size_t fitting(struct str text, size_t max)
{
    size_t len = text.len < max ? text.len : max;
    while (len > 0 && len < text.len && ((unsigned char)text.data[len] & 0xc0) == 0x80) {
        len--;
    }
    return len;
}

/* A dead-letter queue gets the event itself, and what was wrong as message attributes. It is the
 * function's own, of its files: no configuration of the API replaces it. */
static void send_dead_letter(const struct lambda_queue *q, struct delivery *d,
                             const struct delivered *m, const char *code, struct str error)
{
    const json_t *destination = json_object_get(q->manifest_config, "dead_letter");
    if (!json_is_object(destination)) {
        return;
    }
    json_t *attributes =
        json_pack("{s:{s:{s:s,s:s}, s:{s:s,s:s}, s:{s:s,s:s%}}}", "messageAttributes", "RequestID",
                  "DataType", "String", "StringValue", m->message.uuid.data, "ErrorCode",
                  "DataType", "Number", "StringValue", code, "ErrorMessage", "DataType", "String",
                  "StringValue", error.data, fitting(error, ERROR_TEXT_MAX));
    char *text = json_write(attributes);
    destination_send(q->services, d, destination, m->message.body, text ? str_c(text) : STR(""));
    free(text);
    json_decref(attributes);
}

/* It was its turn, but it has become too old by now. */
static void expire(const struct lambda_queue *q, struct delivery *d)
{
    struct delivered *m = &d->messages[0];
    const struct failure f = { .condition = "EventAgeExceeded" };
    m->outcome.attempts--;
    queue_set_outcome(m, FATE_DEAD, clock_wall_ms(),
                      STR("its maximum age passed before it could be handled"));
    send_record(q, d, m, &f, "on_failure");
    send_dead_letter(q, d, m, "200", STR("the event's maximum age has passed"));
    event_log_dead(q->services, d, m);
    queue_delivered(d);
}

/* With a reserved concurrency of zero nothing will run it: given up at once, with the tries that it
 * has had before. */
static void shut_out(const struct lambda_queue *q, struct delivery *d)
{
    struct delivered *m = &d->messages[0];
    const struct failure f = { .condition = "ZeroReservedConcurrency" };
    m->outcome.attempts--;
    queue_set_outcome(m, FATE_DEAD, clock_wall_ms(), STR("its reserved concurrency is zero"));
    send_record(q, d, m, &f, "on_failure");
    send_dead_letter(q, d, m, "429", STR("Rate Exceeded."));
    event_log_dead(q->services, d, m);
    queue_delivered(d);
}

/* ---- trying ---- */

struct attempt {
    struct lambda_queue *queue;
    struct delivery *delivery;
};

/* The error's own text, for a dead letter. */
static void send_failure(const struct lambda_queue *q, struct delivery *d,
                         const struct delivered *m, struct str payload)
{
    json_t *json = json_read(payload, JSON_ALLOW_NUL);
    const json_t *text = json_object_get(json, "errorMessage");
    send_dead_letter(q, d, m, "200",
                     json_string_length(text) > 0
                         ? str_of(json_string_value(text), json_string_length(text))
                         : STR("the function failed"));
    json_decref(json);
}

static void function_failed(struct lambda_queue *q, struct delivery *d,
                            const struct invocation_result *result)
{
    struct delivered *m = &d->messages[0];
    char *error = lambda_error_text(result->body);
    char qualifier[LAMBDA_NAME_BYTES];
    struct retry_policy policy;
    read_qualifier(m, qualifier);
    read_policy(q, qualifier, &policy);
    if (!attempt_failed(q->services, d, &policy, str_c(error))) {
        bool too_old = m->message.attempts <= policy.retries_max;
        const struct failure f = { .condition = too_old ? "EventAgeExceeded" : "RetriesExhausted",
                                   .result = result,
                                   .is_error = true };
        send_record(q, d, m, &f, "on_failure");
        send_failure(q, d, m, result->body);
    }
    free(error);
}

static void attempt_done(const struct invocation_result *result, void *context)
{
    struct attempt *a = context;
    struct lambda_queue *q = a->queue;
    struct delivery *d = a->delivery;
    const char *hindrance = attempt_hindrance(result);
    free(a);
    if (hindrance) {
        attempt_postponed(q->services, d, hindrance);
    } else if (result->error < 0 || result->status != 200) {
        char why[96];
        (void)snprintf(why, sizeof(why), "it could not be invoked (%s %u)",
                       result->error < 0 ? strerror(-result->error) : "status", result->status);
        attempt_postponed(q->services, d, why);
    } else if (http_block_find(result->headers, STR("x-amz-function-error")).data) {
        function_failed(q, d, result);
    } else {
        const struct failure success = { .condition = "Success", .result = result };
        send_record(q, d, &d->messages[0], &success, "on_success");
    }
    queue_delivered(d);
}

static void lambda_deliver(struct queue *queue, struct delivery *d, void *context)
{
    struct lambda_queue *q = context;
    const struct stored_message *m = &d->messages[0].message;
    char target[LAMBDA_TARGET_BYTES];
    char qualifier[LAMBDA_NAME_BYTES];
    struct retry_policy policy;
    struct buf headers;
    (void)queue;
    read_qualifier(&d->messages[0], qualifier);
    read_policy(q, qualifier, &policy);
    if (policy.max_age_ms > 0 && m->sent_ms + policy.max_age_ms < d->started_ms) {
        expire(q, d);
        return;
    }
    if (lambda_concurrency_reserved(q->services, q->function) == 0) {
        shut_out(q, d);
        return;
    }
    buf_init(&headers, 8 * KIB);
    json_t *attributes = json_read(m->attributes, JSON_ALLOW_NUL);
    lambda_path_invoke(q->function_name, qualifier[0] ? qualifier : NULL, target);
    const char *trace = json_string_value(json_object_get(attributes, "traceId"));
    /* What does not fit is a trace that is none. */
    (void)!(http_block_add(&headers, STR("x-mayfly-direct"), STR("1")) == 0 &&
            http_block_add(&headers, STR("x-mayfly-request-id"), m->uuid) == 0 &&
            http_block_add(&headers, STR("content-type"), STR("application/json")) == 0 && trace &&
            http_block_add(&headers, STR("x-amzn-trace-id"), str_c(trace)) == 0);
    struct attempt *a = mem_new(struct attempt);
    *a = (struct attempt){ .queue = q, .delivery = d };
    char name[QUEUE_DELIVERY_NAME_BYTES];
    queue_delivery_name(d, name);
    const struct invocation_request rq = { .method = STR("POST"),
                                           .target = str_c(target),
                                           .event = str_c(name),
                                           .headers = buf_str(&headers),
                                           .body = m->body,
                                           .response_max_bytes = LIMIT_LAMBDA_PAYLOAD_BYTES };
    (void)invoker_call(q->services->invoker, &rq, attempt_done, a);
    buf_finish(&headers);
    json_decref(attributes);
}

/* How old an event may become is its qualifier's to say, not its queue's. */
static const struct queue_consumer lambda_consumer = { .name = "lambda",
                                                       .deliver = lambda_deliver };

/* ---- which there are ---- */

static struct lambda_queue *find(const struct lambda_queues *lq, const char *name)
{
    list_for_each (item, &lq->queues) {
        struct lambda_queue *q = list_entry(item, struct lambda_queue, link);
        if (strcmp(q->name, name) == 0) {
            return q;
        }
    }
    return NULL;
}

static struct lambda_queue *find_or_create(struct lambda_queues *lq, const char *name)
{
    char queue_name[MESSAGE_NAME_MAX + 16];
    struct lambda_queue *q = find(lq, name);
    if (!q) {
        q = mem_new(struct lambda_queue);
        q->services = lq->services;
        q->name = mem_copy_str(str_c(name));
        q->api_configs = json_object();
        (void)snprintf(queue_name, sizeof(queue_name), "lambda:%s", name);
        q->queue = queue_open(lq->services->queues, str_c(queue_name));
        list_push(&lq->queues, &q->link);
    }
    return q;
}

static json_t *async_of(const json_t *manifest, const char *function)
{
    const json_t *entries = json_object_get(json_object_get(manifest, "events"), "async");
    for (size_t i = 0; i < json_array_size(entries); i++) {
        json_t *entry = json_array_get(entries, i);
        const char *name = json_string_value(json_object_get(entry, "function"));
        if (name && strcmp(name, function) == 0) {
            return json_incref(entry);
        }
    }
    return NULL;
}

static bool is_lambda(const json_t *function)
{
    const char *dialect = json_string_value(json_object_get(function, "dialect"));
    return dialect && (strcmp(dialect, "lambda") == 0 || strcmp(dialect, "bootstrap") == 0);
}

/* Events above what is reserved would only be turned away, and wait longer than they have to. With
 * zero reserved none is handed to the function at all. */
static void consume(struct lambda_queue *q)
{
    const int64_t bounds[] = { json_integer_value(json_object_get(q->function, "max_instances")),
                               lambda_concurrency_reserved(q->services, q->function) };
    struct queue_policy policy = { .batch_size = 1, .concurrency = IN_FLIGHT_MAX };
    for (size_t i = 0; i < ARRAY_COUNT(bounds); i++) {
        if (bounds[i] > 0 && bounds[i] < policy.concurrency) {
            policy.concurrency = (uint32_t)bounds[i];
        }
    }
    queue_consume(q->queue, &lambda_consumer, &policy, q);
}

static void build_one(struct lambda_queues *lq, const json_t *manifest, const json_t *function)
{
    const char *name = json_string_value(json_object_get(function, "name"));
    const char *aws =
        json_string_value(json_object_get(json_object_get(function, "settings"), "function_name"));
    struct lambda_queue *q = find_or_create(lq, name);
    free(q->function_name);
    q->function_name = mem_copy_str(str_c(aws ? aws : name));
    json_decref(q->manifest_config);
    q->manifest_config = async_of(manifest, name);
    json_decref(q->function);
    q->function = json_deep_copy(function);
    q->wanted = true;
    consume(q);
}

void lambda_queues_build(struct lambda_queues *lq, const json_t *manifest)
{
    const json_t *functions = json_object_get(manifest, "functions");
    list_for_each (item, &lq->queues) {
        list_entry(item, struct lambda_queue, link)->wanted = false;
    }
    for (size_t i = 0; i < json_array_size(functions); i++) {
        const json_t *function = json_array_get(functions, i);
        if (is_lambda(function)) {
            build_one(lq, manifest, function);
        }
    }
    list_for_each (item, &lq->queues) {
        struct lambda_queue *q = list_entry(item, struct lambda_queue, link);
        if (!q->wanted) {
            queue_consume(q->queue, NULL, NULL, NULL); /* its events wait for it to come back */
        }
    }
}

void lambda_queues_reserved(struct lambda_queues *lq)
{
    list_for_each (item, &lq->queues) {
        struct lambda_queue *q = list_entry(item, struct lambda_queue, link);
        if (q->wanted) {
            consume(q);
        }
    }
}

int lambda_queues_configure(struct lambda_queues *lq, const char *function, const char *qualifier,
                            const json_t *config)
{
    struct lambda_queue *q = find(lq, function);
    if (!q) {
        return -ENOENT;
    }
    if (config) {
        (void)json_object_set_new(q->api_configs, version_or_latest(qualifier),
                                  json_deep_copy(config)); /* a sound name */
    } else {
        (void)json_object_del(q->api_configs, version_or_latest(qualifier)); /* absent is fine */
    }
    return 0;
}

/* Whether the files say what the API could have said: their delays and dead letters are not of it.
 */
static bool is_telling(const json_t *config)
{
    const json_t *retries = json_object_get(config, "max_retries");
    const json_t *age_s = json_object_get(config, "max_age_s");
    return json_is_object(json_object_get(config, "on_success")) ||
           json_is_object(json_object_get(config, "on_failure")) ||
           (retries && json_integer_value(retries) != lambda_policy.retries_max) ||
           (age_s && json_number_value(age_s) * 1000 < (double)lambda_policy.max_age_ms);
}

const json_t *lambda_queues_config(const struct lambda_queues *lq, const char *function,
                                   const char *qualifier)
{
    const struct lambda_queue *q = find(lq, function);
    return q && (api_config_of(q, qualifier) || is_telling(q->manifest_config))
               ? config_of(q, qualifier)
               : NULL;
}

json_t *lambda_queues_configs(const struct lambda_queues *lq, const char *function)
{
    const struct lambda_queue *q = find(lq, function);
    json_t *all = q ? json_copy(q->api_configs) : json_object();
    if (q && is_telling(q->manifest_config) && !api_config_of(q, "")) {
        (void)json_object_set(all, version_or_latest(""), q->manifest_config);
    }
    return all;
}

const json_t *lambda_queues_dead_letter(const struct lambda_queues *lq, const char *function)
{
    const struct lambda_queue *q = find(lq, function);
    return q ? json_object_get(q->manifest_config, "dead_letter") : NULL;
}

/* What the API has set outlives the process. */
static void read_config(struct str name, struct str value, void *context)
{
    struct str qualifier = name;
    scoped_free char *function = mem_copy_str(str_cut(&qualifier, ':'));
    scoped_free char *version = mem_copy_str(qualifier.data ? qualifier : STR("$LATEST"));
    json_t *config = json_read(value, JSON_ALLOW_NUL);
    if (config) {
        (void)json_object_set_new(find_or_create(context, function)->api_configs, version,
                                  config); /* a sound name */
    }
}

struct lambda_queues *lambda_queues_create(struct services *s)
{
    struct lambda_queues *lq = mem_new(struct lambda_queues);
    lq->services = s;
    list_init(&lq->queues);
    store_settings_each(s->store, LAMBDA_ASYNC_KIND, read_config, lq);
    return lq;
}

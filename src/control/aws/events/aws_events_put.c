/* PutEvents and TestEventPattern.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/limits.h"
#include "control/aws/call/aws_check.h"
#include "control/aws/events/aws_events.h"
#include "control/events/eventbridge/event_bus_send.h"
#include "control/events/eventbridge/event_pattern.h"
#include "control/events/eventbridge/trace_header.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "http/http_block.h"

#define ENTRIES_MAX 10
#define TIME_BYTES  14         /* what a "Time" counts as */
#define SHOWN_BYTES (60 * KIB) /* of the entries, in an error's message */

/* ---- PutEvents ---- */

static size_t entry_size(json_t *entry)
{
    static const char *const texts[] = { "Source", "DetailType", "Detail" };
    size_t size = json_is_number(json_object_get(entry, "Time")) ? TIME_BYTES : 0;
    size_t i;
    json_t *resource;
    for (size_t k = 0; k < ARRAY_COUNT(texts); k++) {
        size += json_string_length(json_object_get(entry, texts[k]));
    }
    json_array_foreach(json_object_get(entry, "Resources"), i, resource)
    {
        size += json_string_length(resource);
    }
    return size;
}

/* The list as AWS's validator shows it. */
static void describe_entries(json_t *entries, struct buf *out)
{
    static const char *const members[][2] = {
        { "source", "Source" },
        { "resources", NULL },
        { "detailType", "DetailType" },
        { "detail", "Detail" },
        { "eventBusName", "EventBusName" },
        { "traceHeader", "TraceHeader" },
    };
    size_t i;
    json_t *entry;
    int r = buf_append(out, STR("["));
    json_array_foreach(entries, i, entry)
    {
        r = r < 0 ? r : buf_printf(out, "%sPutEventsRequestEntry(time=null", i ? ", " : "");
        for (size_t k = 0; r == 0 && k < ARRAY_COUNT(members); k++) {
            const char *text = members[k][1] ? json_text(entry, members[k][1]) : NULL;
            r = buf_printf(out, ", %s=%s", members[k][0], text ? text : "null");
        }
        r = r < 0 ? r : buf_printf(out, ", kmsKeyIdentifier=null, internalMetadata=null)");
    }
    (void)!(r < 0 ? r : buf_append(out, STR("]"))); /* what is too long is cut */
}

/* What is missing fails its entry alone. */
static const struct aws_rule entry_rules[] = {
    { "Source", AWS_TEXT, AWS_MAY, 0, 0, NULL },
    { "DetailType", AWS_TEXT, AWS_MAY, 0, 0, NULL },
    { "Detail", AWS_TEXT, AWS_MAY, 0, 0, NULL },
    { "Time", AWS_NUMBER, AWS_MAY, 0, 0, NULL },
    { "Resources", AWS_LIST, AWS_MAY, 0, 0, NULL },
    { "EventBusName", AWS_TEXT, AWS_MAY, 1, 1600, NULL },
    { "TraceHeader", AWS_TEXT, AWS_MAY, 1, 500, NULL },
};

/* Answers what is wrong with the request as a whole. */
static bool check_request(struct aws_call *c, json_t *entries)
{
    size_t size = 0;
    size_t i;
    json_t *entry;
    struct aws_check k;
    if (!json_is_array(entries) || json_array_size(entries) == 0) {
        aws_call_fail(c, 400, "ValidationException",
                      entries ? "1 validation error detected: Value '[]' at 'entries' failed to "
                                "satisfy constraint: Member must have length greater than or equal "
                                "to 1"
                              : "1 validation error detected: Value null at 'entries' failed to "
                                "satisfy constraint: Member must not be null");
        return false;
    }
    aws_check_init(&k);
    aws_check_elements(&k, entries, "entries", entry_rules, ARRAY_COUNT(entry_rules));
    if (!aws_check_end(&k, c)) {
        return false;
    }
    json_array_foreach(entries, i, entry)
    {
        size += entry_size(entry);
    }
    if (i > ENTRIES_MAX) {
        struct buf shown;
        buf_init(&shown, SHOWN_BYTES);
        describe_entries(entries, &shown);
        aws_call_fail(c, 400, "ValidationException",
                      "1 validation error detected: Value '" STR_FMT "' at 'entries' failed to "
                      "satisfy constraint: Member must have length less than or equal to %d",
                      STR_ARG(buf_str(&shown)), ENTRIES_MAX);
        buf_finish(&shown);
        return false;
    }
    if (size >= LIMIT_PUT_EVENTS_BYTES) {
        aws_call_fail(c, 400, "ValidationException",
                      "Total size of the entries in the request is over the limit.");
        return false;
    }
    return true;
}

static json_t *failed_entry(const char *code, const char *message)
{
    return json_pack("{s:s,s:s}", "ErrorCode", code, "ErrorMessage", message);
}

/* NULL: nothing is missing. A new reference. */
static json_t *find_missing(json_t *entry)
{
    static const char *const needed[] = { "Source", "DetailType", "Detail" };
    char message[128];
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        const char *text = json_text(entry, needed[i]);
        if (!text || !text[0]) {
            (void)snprintf(message, sizeof(message),
                           "Parameter %s is not valid. Reason: %s is a required argument.",
                           needed[i], needed[i]);
            return failed_entry("InvalidArgument", message);
        }
    }
    return NULL;
}

/* AWS's own sources are not for others. */
static bool is_reserved(json_t *entry)
{
    return str_starts(str_c(json_text(entry, "Source")), STR("aws."));
}

static bool is_object_text(json_t *text)
{
    const char *s = json_string_value(text);
    const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL; /* beyond 64 bits, too */
    return s && s[strspn(s, " \t\r\n")] == '{' &&
           json_is_sound(str_of(s, json_string_length(text)), flags);
}

static struct str str_member(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return str_of(json_string_value(value), json_string_length(value));
}

static struct str bus_of(json_t *entry)
{
    struct str name = str_member(entry, "EventBusName");
    const char *in_arn = name.data ? strstr(name.data, ":event-bus/") : NULL;
    if (name.len == 0) {
        return STR("default");
    }
    return in_arn ? str_c(in_arn + 11) : name;
}

/* What the entry says, or else the client in its header; what is no trace is dropped, as by X-Ray.
 */
static struct str trace_of(const struct aws_call *c, json_t *entry)
{
    struct str trace = str_member(entry, "TraceHeader");
    if (!trace.data) {
        trace = http_block_find(c->exchange->headers, STR("x-amzn-trace-id"));
    }
    return trace_header_is_sound(trace) ? trace : STR("");
}

/* What is answered for one entry, a new reference; its messages are in the batch. */
static json_t *put_entry(struct aws_call *c, json_t *entry, struct message_batch *batch)
{
    char uuid[UUID_BYTES];
    json_t *given = json_object_get(entry, "Time");
    json_t *missing = find_missing(entry);
    if (missing) {
        return missing;
    }
    if (is_reserved(entry)) {
        return failed_entry("NotAuthorizedForSourceException", "Not authorized for the source.");
    }
    if (!is_object_text(json_object_get(entry, "Detail"))) {
        return failed_entry("MalformedDetail", "Detail is malformed.");
    }
    double seconds = json_number_value(given);
    bool has_time =
        json_is_number(given) && seconds > 0 && seconds < 253402300800.0; /* year 9999 */
    chance_uuid(uuid);
    json_t *resources = json_object_get(entry, "Resources");
    const struct bus_event event = { .bus = bus_of(entry),
                                     .id = str_c(uuid),
                                     .source = str_member(entry, "Source"),
                                     .detail_type = str_member(entry, "DetailType"),
                                     .time_ms =
                                         has_time ? (uint64_t)(seconds * 1000) : clock_wall_ms(),
                                     .region = str_c(c->region),
                                     .resources = json_is_array(resources) ? resources : NULL,
                                     .detail = str_member(entry, "Detail"),
                                     .trace = trace_of(c, entry) };
    int r = event_bus_send(c->services->buses, &event, batch);
    if (r < 0 && r != -ENOENT) { /* AWS takes events for buses that are not there */
        return failed_entry("MalformedDetail", "Detail is malformed.");
    }
    return json_pack("{s:s}", "EventId", uuid);
}

void aws_events_put_events(struct aws_call *c)
{
    json_t *entries = aws_call_member(c, "Entries");
    size_t i;
    json_t *entry;
    int failed = 0;
    if (!check_request(c, entries)) {
        return;
    }
    struct message_batch *batch = message_batch_create(c->services->queues);
    json_t *results = json_array();
    json_array_foreach(entries, i, entry)
    {
        json_t *result = put_entry(c, entry, batch);
        failed += json_object_get(result, "ErrorCode") != NULL;
        (void)json_array_append_new(results, result); /* a new value */
    }
    c->context = json_pack("{s:i,s:o}", "FailedEntryCount", failed, "Entries", results);
    message_batch_submit(batch, aws_call_written, c);
}

/* ---- TestEventPattern ---- */

/* What AWS wants of an event here. */
static bool is_event(json_t *event)
{
    static const char *const needed[] = {
        "id", "account", "source", "time", "region", "detail-type"
    };
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        if (!json_object_get(event, needed[i])) {
            return false;
        }
    }
    return json_is_object(event);
}

void aws_events_test_pattern(struct aws_call *c)
{
    static const struct aws_rule rules[] = {
        { "EventPattern", AWS_TEXT, AWS_MUST, 0, 4096, NULL },
        { "Event", AWS_TEXT, AWS_MUST, 0, 0, NULL },
    };
    struct event_pattern *pattern;
    struct err err = { 0 };
    if (!aws_events_check(c, rules, ARRAY_COUNT(rules))) {
        return;
    }
    struct str text = str_member(c->input, "Event");
    json_t *event = json_read(text, JSON_ALLOW_NUL);
    if (!is_event(event)) {
        aws_call_fail(c, 400, "ValidationException", "Parameter Event is not valid.");
    } else if (event_pattern_parse(str_member(c->input, "EventPattern"), &pattern, &err) < 0) {
        aws_events_fail_pattern(c);
    } else {
        bool matches = event_pattern_matches(pattern, event);
        event_pattern_destroy(pattern);
        aws_call_answer(c, json_pack("{s:b}", "Result", matches));
    }
    json_decref(event);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/eventbridge/event_bus_send.h"

#include <stdio.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "control/events/eventbridge/event_archive.h"
#include "control/events/eventbridge/event_arn.h"
#include "control/events/eventbridge/event_bus_state.h"
#include "control/events/eventbridge/event_input.h"
#include "control/events/eventbridge/event_target.h"
#include "control/events/eventbridge/target_dead_letter.h"
#include "control/text/iso_time.h"
#include "control/text/json_read.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"

#define BUS_HOPS 5 /* events may go from bus to bus, not for ever */

struct sending {
    struct event_buses *buses;
    const struct bus_event *event;
    json_t *json; /* the event */
    struct buf text;
    char ingested[ISO_TIME_BYTES];
    struct message_batch *batch;
    json_t *buses_reached; /* their names, those of fewer hops first; owned */
    json_t *hops_to;       /* to each of them; owned */
};

/* The rule by which an event goes to a target. */
struct sender {
    struct str name;
    struct str arn;
};

static int append_quoted(struct buf *out, const char *before, struct str text)
{
    json_t *string = json_stringn(text.data, text.len);
    scoped_free char *quoted = json_write(string);
    int r = quoted ? buf_printf(out, "%s%s", before, quoted) : -EBADMSG;
    json_decref(string);
    return r;
}

/* The detail is passed on as it came, byte by byte. */
static int compose(struct buf *out, const struct bus_event *e)
{
    char time[ISO_TIME_BYTES];
    char *resources = json_write(e->resources);
    int r = append_quoted(out, "{\"version\":\"0\",\"id\":", e->id);
    r = r < 0 ? r : append_quoted(out, ",\"detail-type\":", e->detail_type);
    r = r < 0 ? r : append_quoted(out, ",\"source\":", e->source);
    r = r < 0 ? r
              : append_quoted(out, ",\"account\":\"" EVENT_BUS_ACCOUNT "\",\"time\":",
                              iso_time_s(e->time_ms, time));
    r = r < 0 ? r : append_quoted(out, ",\"region\":", e->region);
    if (r == 0 && e->replay.len > 0) {
        r = append_quoted(out, ",\"replay-name\":", e->replay);
    }
    r = r < 0 ? r : buf_printf(out, ",\"resources\":%s,\"detail\":", resources ? resources : "[]");
    r = r < 0 ? r : buf_append(out, e->detail);
    free(resources);
    return r < 0 ? r : buf_append(out, STR("}"));
}

/* Numbers that are too large for integers are read as floating point. */
static json_t *parse(struct str text)
{
    json_t *json = json_read(text, JSON_ALLOW_NUL);
    return json ? json : json_read(text, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL);
}

/* A bus that the event comes to, unless it has been there: many ways may lead to it, and back. */
static void reach(struct sending *s, struct str bus, int hops)
{
    if (hops > BUS_HOPS) {
        log_warning("an event is dropped: it went through more than %d buses", BUS_HOPS);
    } else if (!json_object_getn(s->hops_to, bus.data, bus.len)) {
        json_t *name = json_stringn(bus.data, bus.len);
        (void)json_array_append_new(s->buses_reached, name); /* the name of one that is there */
        (void)json_object_setn_new(s->hops_to, bus.data, bus.len, json_integer(hops));
    }
}

/* With what it says of requests filled with parts of the event. A new reference. */
static json_t *target_for(json_t *target, json_t *event)
{
    json_t *parameters = json_object_get(target, "http_parameters");
    json_t *made = parameters ? json_copy(target) : json_incref(target);
    if (parameters) {
        (void)json_object_set_new(made, "http_parameters", event_input_http(parameters, event));
    }
    return made;
}

static void send_to_target(struct sending *s, const struct sender *rule, json_t *target, int hops)
{
    const char *bus = json_text(target, "bus");
    const char *id = json_text(target, "id");
    struct buf text;
    char dedup[EVENT_BUS_ARN_BYTES * 2];
    if (bus && event_bus_find(s->buses, str_c(bus))) {
        reach(s, str_c(bus), hops + 1);
        return;
    }
    (void)snprintf(dedup, sizeof(dedup), "event " STR_FMT " " STR_FMT " %s%s" STR_FMT,
                   STR_ARG(s->event->id), STR_ARG(rule->arn), id ? id : "",
                   s->event->replay.len > 0 ? " " : "", STR_ARG(s->event->replay));
    const struct event_input_source source = { .event = s->json,
                                               .text = buf_str(&s->text),
                                               .rule_name = rule->name,
                                               .rule_arn = rule->arn,
                                               .ingestion_time = str_c(s->ingested) };
    struct target_message m = { .trace = s->event->trace, .dedup = str_c(dedup), .arn = rule->arn };
    buf_init(&text, LIMIT_EVENT_BYTES);
    int r = event_input_append(target, &source, &text);
    if (r == 0) {
        json_t *filled = target_for(target, s->json);
        m.text = buf_str(&text);
        event_target_add(s->buses->services, filled, &m, s->batch);
        json_decref(filled);
    } else {
        m.text = source.text;
        target_dead_letter_add(s->buses->services, target, &m,
                               r == -EBADMSG ? "INVALID_JSON" : "INVALID_PARAMETER",
                               r == -EBADMSG ? "the input template has become JSON that is none"
                                             : "the input template has become too large",
                               s->batch);
    }
    buf_finish(&text);
}

/* A replay may be for some rules only. */
static bool is_for(const struct bus_event *event, struct str arn)
{
    size_t i;
    json_t *wanted;
    json_array_foreach(event->rules, i, wanted)
    {
        if (event_arn_is_same(str_c(json_string_value(wanted)), arn)) {
            return true;
        }
    }
    return i == 0;
}

static void send_to_rule(struct sending *s, const struct rule *rule, int hops)
{
    size_t i;
    json_t *target;
    char arn[EVENT_BUS_ARN_BYTES];
    const char *state = json_text(rule->json, "State");
    event_bus_rule_arn(rule->json, s->event->region, arn, sizeof(arn));
    const struct sender sender = { str_c(json_text(rule->json, "Name")), str_c(arn) };
    if (!rule->pattern || (hops == 0 && !is_for(s->event, sender.arn)) ||
        (state && strcmp(state, "DISABLED") == 0) ||
        !event_pattern_matches(rule->pattern, s->json)) {
        return;
    }
    json_array_foreach(json_object_get(rule->json, "targets"), i, target)
    {
        send_to_target(s, &sender, target, hops);
    }
}

static void send_through(struct sending *s, struct str bus, int hops)
{
    struct rule *rule;
    event_archive_keep(s->buses->services->archives, bus, s->event, s->json, s->batch);
    for (GTreeNode *n = event_bus_first_rule(s->buses, bus); (rule = event_bus_rule_at(n, bus));
         n = g_tree_node_next(n)) {
        send_to_rule(s, rule, hops);
    }
}

static void send_through_reached(struct sending *s)
{
    for (size_t i = 0; i < json_array_size(s->buses_reached); i++) { /* it grows meanwhile */
        const char *name = json_string_value(json_array_get(s->buses_reached, i));
        send_through(s, str_c(name), (int)json_integer_value(json_object_get(s->hops_to, name)));
    }
}

/* -EBADMSG: it has become no JSON. */
static int sending_init(struct sending *s, struct event_buses *eb, const struct bus_event *event,
                        struct message_batch *batch)
{
    *s = (struct sending){ .buses = eb,
                           .event = event,
                           .batch = batch,
                           .buses_reached = json_array(),
                           .hops_to = json_object() };
    buf_init(&s->text, LIMIT_EVENT_BYTES);
    TRY(compose(&s->text, event));
    s->json = parse(buf_str(&s->text));
    return s->json ? 0 : -EBADMSG;
}

static void sending_finish(struct sending *s)
{
    json_decref(s->json);
    json_decref(s->buses_reached);
    json_decref(s->hops_to);
    buf_finish(&s->text);
}

int event_bus_send(struct event_buses *eb, const struct bus_event *event,
                   struct message_batch *batch)
{
    struct sending s;
    if (!event_bus_find(eb, event->bus)) {
        return -ENOENT;
    }
    int r = sending_init(&s, eb, event, batch);
    (void)iso_time_s(clock_wall_ms(), s.ingested);
    if (r == 0 && json_is_object(json_object_get(s.json, "detail"))) {
        reach(&s, event->bus, 0);
        send_through_reached(&s);
    } else if (r == 0) {
        r = -EBADMSG;
    }
    sending_finish(&s);
    return r;
}

/* AWS's event of its own, for the rule's targets whatever its pattern. */
void event_bus_send_tick(const struct schedule_tick *tick, void *context)
{
    struct rule *rule = context;
    const char *region = json_text(rule->json, "Region");
    char arn[EVENT_BUS_ARN_BYTES];
    char uuid[UUID_BYTES];
    size_t i;
    json_t *target;
    event_bus_rule_arn(rule->json, str_c(region ? region : EVENT_ARN_REGION), arn, sizeof(arn));
    chance_uuid(uuid);
    json_t *resources = json_pack("[s]", arn);
    const struct sender sender = { str_c(json_text(rule->json, "Name")), str_c(arn) };
    const struct bus_event event = { .bus = STR("default"),
                                     .id = str_c(uuid),
                                     .source = STR("aws.events"),
                                     .detail_type = STR("Scheduled Event"),
                                     .time_ms = tick->time_ms,
                                     .region = event_arn_region(sender.arn),
                                     .resources = resources,
                                     .detail = STR("{}") };
    struct sending s;
    int r = sending_init(&s, rule->buses, &event, tick->batch);
    (void)iso_time_s(tick->time_ms, s.ingested);
    if (r == 0) {
        json_array_foreach(json_object_get(rule->json, "targets"), i, target)
        {
            send_to_target(&s, &sender, target, 0);
        }
        send_through_reached(&s);
    }
    sending_finish(&s);
    json_decref(resources);
}

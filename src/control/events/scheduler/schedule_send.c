/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/scheduler/schedule_send.h"

#include "base/chance.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/log.h"
#include "control/events/eventbridge/event_arn.h"
#include "control/events/eventbridge/event_bus_send.h"
#include "control/events/eventbridge/event_bus_table.h"
#include "control/events/eventbridge/event_target.h"
#include "control/events/schedules/schedule_input.h"
#include "control/text/iso_time.h"
#include "control/text/json_reading.h"
#include "control/text/json_write.h"

#define SOURCE      "aws.scheduler" /* where a target does not say otherwise */
#define DETAIL_TYPE "Scheduled Event"

#define EXECUTION_BYTES 8 /* as in the examples of the Scheduler's guide: 16 digits */
#define EXECUTION_CHARS (2 * EXECUTION_BYTES + 1)

static void new_execution(char ret[EXECUTION_CHARS])
{
    uint8_t bytes[EXECUTION_BYTES];
    chance_bytes(bytes, sizeof(bytes));
    *hex_write(bytes, sizeof(bytes), ret) = 0;
}

/* What the service sends of itself. Its detail is a text. */
static int append_event(struct buf *out, struct str arn, uint64_t time_ms)
{
    char uuid[UUID_BYTES];
    char time[ISO_TIME_BYTES];
    struct str region = event_arn_region(arn);
    chance_uuid(uuid);
    (void)iso_time_s(time_ms, time);
    json_t *event = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s%,s:[s%],s:s}", "version", "0", "id",
                              uuid, "detail-type", DETAIL_TYPE, "source", SOURCE, "account",
                              "000000000000", "time", time, "region", region.data, region.len,
                              "resources", arn.data, arn.len, "detail", "{}");
    char *text = json_write(event);
    int r = text ? buf_append(out, str_c(text)) : -EBADMSG;
    free(text);
    json_decref(event);
    return r;
}

static void send_to_bus(struct services *s, json_t *target, struct str detail,
                        const struct schedule_tick *tick, const char *arn)
{
    const char *bus = json_text(target, "bus");
    const char *type = json_text(target, "detail_type");
    const char *source = json_text(target, "source");
    char uuid[UUID_BYTES];
    chance_uuid(uuid);
    const struct bus_event event = { .bus = str_c(bus),
                                     .id = str_c(uuid),
                                     .source = str_c(source ? source : SOURCE),
                                     .detail_type = str_c(type ? type : DETAIL_TYPE),
                                     .time_ms = tick->time_ms,
                                     .region = event_arn_region(str_c(arn)),
                                     .detail = detail };
    int r = event_bus_send(s->buses, &event, tick->batch);
    if (r < 0) {
        log_warning("%s: the event bus %s does not take its event: %s", arn, bus, strerror(-r));
    }
}

void schedule_send(struct services *s, json_t *target, const char *arn, uint64_t due_ms,
                   const struct schedule_tick *tick)
{
    json_t *input = json_object_get(target, "input");
    const char *bus = json_text(target, "bus");
    char execution[EXECUTION_CHARS];
    struct buf text;
    new_execution(execution);
    buf_init(&text, LIMIT_EVENT_BYTES);
    if (json_is_string(input)) {
        schedule_input_append(&text, str_of(json_string_value(input), json_string_length(input)),
                              target, arn, tick->time_ms, execution);
    } else {
        (void)!append_event(&text, str_c(arn), tick->time_ms); /* it is short */
    }
    const struct target_message m = { .text = buf_str(&text),
                                      .dedup = tick->dedup,
                                      .arn = str_c(arn),
                                      .due_ms = due_ms,
                                      .tick_ms = tick->time_ms,
                                      .execution = str_c(execution) };
    if (bus && event_bus_find(s->buses, str_c(bus))) {
        send_to_bus(s, target, m.text, tick, arn);
    } else {
        event_target_add(s, target, &m, tick->batch);
    }
    buf_finish(&text);
}

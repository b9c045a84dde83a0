/* SPDX-License-Identifier: Apache-2.0 */
#include "control/events/schedules/schedule_input.h"

#include <stdio.h>

#include "base/log.h"
#include "control/text/iso_time.h"
#include "control/text/json_reading.h"

#define ATTEMPT "<aws.scheduler.attempt-number>"

static void append_replaced(struct buf *out, struct str text, const char *const values[][2],
                            size_t count)
{
    int r = 0;
    while (r == 0 && text.len > 0) {
        size_t i = 0;
        while (i < count && !str_starts(text, str_c(values[i][0]))) {
            i++;
        }
        r = i < count ? buf_append(out, str_c(values[i][1]))
                      : buf_append(out, str_of(text.data, 1));
        text = str_skip(text, i < count ? strlen(values[i][0]) : 1);
    }
    if (r < 0) {
        log_warning("the input of a schedule became too large and is cut");
    }
}

void schedule_input_append(struct buf *out, struct str input, json_t *target, const char *arn,
                           uint64_t time_ms, const char *execution)
{
    char time[ISO_TIME_BYTES];
    const bool is_called = json_text(target, "api") != NULL;
    (void)iso_time_s(time_ms, time);
    const char *const values[][2] = {
        { "<aws.scheduler.schedule-arn>", arn },
        { "<aws.scheduler.scheduled-time>", time },
        { "<aws.scheduler.execution-id>", execution },
        { ATTEMPT, "1" },
    };
    append_replaced(out, input, values, ARRAY_COUNT(values) - is_called);
}

void schedule_input_append_attempt(struct buf *out, struct str input, uint32_t attempt)
{
    char number[12];
    (void)snprintf(number, sizeof(number), "%u", attempt);
    append_replaced(out, input, (const char *const[][2]){ { ATTEMPT, number } }, 1);
}

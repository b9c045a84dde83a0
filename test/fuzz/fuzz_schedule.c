/* A platform's number, an expression, NUL, a zone: what parses ticks at times that grow, the first
 * of which is the same from just before it; what does not parse says why.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "control/events/schedules/schedule_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS ((uint64_t)1800000000000)

static void check_ticks(const struct schedule_time *t)
{
    uint64_t after = NOW_MS;
    for (int i = 0; i < 5 && after != SCHEDULE_NEVER; i++) {
        uint64_t next = schedule_time_next(t, after, NOW_MS);
        assert(next > after);
        if (next != SCHEDULE_NEVER) {
            assert(schedule_time_next(t, next - 1, NOW_MS) == next);
            assert(t->kind != SCHEDULE_CRON || next % 60000 == 0);
        }
        after = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct schedule_time t;
    struct err err = { 0 };
    if (size == 0) {
        return 0;
    }
    struct str rest = str_of((const char *)data + 1, size - 1);
    struct str expression = str_cut(&rest, '\0');
    enum schedule_platform platform = (enum schedule_platform)(data[0] % 5);
    if (schedule_time_parse(expression, rest, platform, &t, &err) == 0) {
        check_ticks(&t);
    } else {
        assert(err.text[0] != '\0');
    }
    return 0;
}

/* Log and usage records on their way to control, see ipc/record.h.
 *
 * Never blocks: what the channel cannot take is counted and said later. Loop thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "channel/channel.h"
#include "ipc/record.h"

struct records {
    struct channel channel;
    uv_timer_t delay; /* runs while something is written and control not woken yet, or something is
                         lost and not said yet */
    uint64_t unsent_bytes;
    uint64_t lost_count;
    bool open;
};

/* Takes over the descriptors, also on failure. */
int records_open(struct records *r, uv_loop_t *loop, const struct channel_fds *fds) MUST_USE;
void records_close(struct records *r);

void records_usage(struct records *r, struct record_usage *record,
                   const struct str texts[RECORD_USAGE_TEXT_COUNT]);
void records_log(struct records *r, struct record_log *record,
                 const struct str texts[RECORD_LOG_TEXT_COUNT]);
/* So many were lost on their way here. */
void records_lost(struct records *r, uint64_t count);

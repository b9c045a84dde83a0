/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/records.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"

/* Control is woken when this much waits, or after RECORD_DELAY_MS: one wake-up a request would cost
 * more than the request. */
#define BATCH_BYTES (LIMIT_LOG_RING_BYTES / 4)

static void wake_control(struct records *r)
{
    r->unsent_bytes = 0;
    channel_flush(&r->channel);
}

static void on_delay(uv_timer_t *timer);

static void start_delay(struct records *r)
{
    (void)uv_timer_start(&r->delay, on_delay, RECORD_DELAY_MS, 0); /* has a callback: works */
}

static void written(struct records *r, size_t bytes)
{
    if (r->unsent_bytes == 0) {
        start_delay(r);
    }
    r->unsent_bytes += bytes;
    if (r->unsent_bytes >= BATCH_BYTES) {
        (void)uv_timer_stop(&r->delay);
        wake_control(r);
    }
}

static bool write_log(struct records *r, struct record_log *record, const struct str *texts)
{
    size_t size = record_log_write(record, texts, NULL);
    void *at = ring_reserve(&r->channel.out, (uint32_t)size);
    if (!at) {
        return false;
    }
    (void)record_log_write(record, texts, at); /* the size is known */
    struct frame frame = { .type = FRAME_LOG, .length = (uint32_t)size, .value = record->level };
    ring_commit(&r->channel.out, &frame);
    written(r, size + sizeof(frame));
    return true;
}

/* What was lost is said as soon as there is room. */
static bool confess(struct records *r)
{
    if (r->lost_count == 0) {
        return true;
    }
    char text[96];
    int len = snprintf(text, sizeof(text), "%llu log and usage records were lost: too many at once",
                       (unsigned long long)r->lost_count);
    struct record_log record = { .time_ms = clock_wall_ms(),
                                 .level = RECORD_WARNING,
                                 .source = RECORD_SOURCE_PLATFORM };
    struct str texts[RECORD_LOG_TEXT_COUNT] = { [RECORD_LOG_TEXT] = str_of(text, (size_t)len) };
    if (!write_log(r, &record, texts)) {
        return false;
    }
    r->lost_count = 0;
    return true;
}

static void on_delay(uv_timer_t *timer)
{
    struct records *r = container_of(timer, struct records, delay);
    wake_control(r);
    if (!confess(r)) {
        start_delay(r); /* it may be long until there is anything else to say */
    }
}

void records_lost(struct records *r, uint64_t count)
{
    r->lost_count += count;
    if (r->open && !uv_is_active((uv_handle_t *)&r->delay)) {
        start_delay(r);
    }
}

int records_open(struct records *r, uv_loop_t *loop, const struct channel_fds *fds)
{
    memset(r, 0, sizeof(*r));
    int err = channel_open(&r->channel, fds, CHANNEL_INSTANCE);
    if (err < 0) {
        return err;
    }
    (void)uv_timer_init(loop, &r->delay); /* cannot fail */
    r->open = true;
    return 0;
}

void records_close(struct records *r)
{
    if (r->open) {
        r->open = false;
        channel_flush(&r->channel);
        channel_close(&r->channel);
        uv_close((uv_handle_t *)&r->delay, NULL); /* embedded in what outlives the loop */
    }
}

void records_usage(struct records *r, struct record_usage *record,
                   const struct str texts[RECORD_USAGE_TEXT_COUNT])
{
    if (!r->open) {
        return;
    }
    size_t size = record_usage_write(record, texts, NULL);
    void *at = confess(r) ? ring_reserve(&r->channel.out, (uint32_t)size) : NULL;
    if (!at) {
        records_lost(r, 1);
        return;
    }
    (void)record_usage_write(record, texts, at); /* the size is known */
    struct frame frame = { .type = FRAME_DONE, .length = (uint32_t)size };
    ring_commit(&r->channel.out, &frame);
    written(r, size + sizeof(frame));
}

void records_log(struct records *r, struct record_log *record,
                 const struct str texts[RECORD_LOG_TEXT_COUNT])
{
    if (r->open && (!confess(r) || !write_log(r, record, texts))) {
        records_lost(r, 1);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/console/log_reader.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

#define LOG_READER_BATCH    1024 /* records a turn of the loop */
#define LOG_READER_RETRY_MS 20

/* A record that is not sound is a bug of ours: skipped, the next may be. */
static void take_record(struct log_reader *l, const struct frame *frame)
{
    if (frame->type == FRAME_LOG) {
        struct record_log record;
        struct str texts[RECORD_LOG_TEXT_COUNT];
        if (record_log_read(l->record, frame->length, &record, texts) == 0) {
            console_log(l->console, deployment_find(l->deployment, record.function), &record,
                        texts);
        }
    } else if (frame->type == FRAME_DONE) {
        struct record_usage record;
        struct str texts[RECORD_USAGE_TEXT_COUNT];
        if (record_usage_read(l->record, frame->length, &record, texts) == 0) {
            console_usage(l->console, deployment_find(l->deployment, record.function), &record,
                          texts);
        }
    }
}

/* 1: one was read. 0: there is none. -EPROTO: the gateway broke the channel. */
static int read_one(struct log_reader *l)
{
    struct frame frame;
    const void *payload;
    int r = ring_peek(&l->channel.in, &frame, &payload);
    if (r > 0) {
        memcpy(l->record, payload, frame.length); /* fits: a frame is shorter than the ring */
        ring_consume(&l->channel.in);
        take_record(l, &frame);
    }
    return r;
}

static void log_reader_readable(uv_poll_t *poll, int status, int events);

static void wait_for_records(struct log_reader *l)
{
    (void)uv_poll_start(&l->poll, UV_READABLE, log_reader_readable); /* an open handle */
}

static void log_reader_retry(uv_timer_t *timer);

static void wait_for_console(struct log_reader *l)
{
    (void)uv_poll_stop(&l->poll); /* always succeeds on an open handle */
    (void)uv_timer_start(&l->retry, log_reader_retry, LOG_READER_RETRY_MS, 0);
}

static void log_reader_run(struct log_reader *l)
{
    int r = 1;
    for (int i = 0; i < LOG_READER_BATCH && r > 0; i++) {
        r = console_has_room(l->console) ? read_one(l) : -EAGAIN;
        if (r == 0 && !channel_sleep(&l->channel)) {
            r = 1;
        }
    }
    channel_flush(&l->channel);
    if (r == -EAGAIN) {
        wait_for_console(l);
    } else if (r > 0) {
        (void)!write(l->channel.wake_self, "", 1); /* more next turn: others want theirs too */
    } else if (r < 0) {
        log_error("the gateway's log channel is broken: no more requests are shown");
        (void)uv_poll_stop(&l->poll); /* always succeeds on an open handle */
    }
}

static void log_reader_readable(uv_poll_t *poll, int status, int events)
{
    struct log_reader *l = container_of(poll, struct log_reader, poll);
    (void)status; /* what it sleeps on has no errors */
    (void)events;
    channel_awake(&l->channel);
    log_reader_run(l);
}

static void log_reader_retry(uv_timer_t *timer)
{
    struct log_reader *l = container_of(timer, struct log_reader, retry);
    wait_for_records(l);
    log_reader_run(l);
}

int log_reader_open(struct log_reader *l, uv_loop_t *loop, const struct channel_fds *fds,
                    struct console *console, const struct deployment *deployment)
{
    *l = (struct log_reader){ .console = console, .deployment = deployment };
    int r = channel_open(&l->channel, fds, CHANNEL_HOST);
    if (r < 0) {
        return r;
    }
    r = uv_poll_init(loop, &l->poll, l->channel.wake_self);
    if (r < 0) {
        channel_close(&l->channel);
        return r;
    }
    (void)uv_timer_init(loop, &l->retry); /* always succeeds */
    l->record = mem_alloc(l->channel.in.size);
    wait_for_records(l);
    log_reader_run(l);
    return 0;
}

void log_reader_finish(struct log_reader *l)
{
    while (console_has_room(l->console) && read_one(l) > 0) {
    }
    channel_close(&l->channel);
    free(l->record);
    l->record = NULL;
}

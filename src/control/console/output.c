/* SPDX-License-Identifier: Apache-2.0 */
#include "control/console/output.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/text/line_split.h"

#define OUTPUT_READ_BYTES (16 * KIB)

struct output {
    uv_pipe_t pipe;
    struct line_split lines;
    uint64_t function;
    struct console *console;
    const struct deployment *deployment;
    char bytes[OUTPUT_READ_BYTES];
};

static void output_line(struct line_split *split, struct str line, bool cut)
{
    struct output *o = container_of(split, struct output, lines);
    if (!console_has_room(o->console)) {
        return; /* nobody may be held up by what the function prints past its log */
    }
    const struct record_log record = { .function = o->function,
                                       .time_ms = clock_wall_ms(),
                                       .endpoint = UINT32_MAX,
                                       .level = RECORD_INFO,
                                       .source = RECORD_SOURCE_CONSOLE,
                                       .truncated = cut };
    const struct str texts[RECORD_LOG_TEXT_COUNT] = { [RECORD_LOG_TEXT] = line };
    console_log(o->console, deployment_find(o->deployment, o->function), &record, texts);
}

static void output_closed(uv_handle_t *handle)
{
    struct output *o = container_of((uv_pipe_t *)handle, struct output, pipe);
    line_split_finish(&o->lines);
    free(o);
}

static void output_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct output *o = container_of((uv_pipe_t *)handle, struct output, pipe);
    (void)suggested;
    *ret = uv_buf_init(o->bytes, sizeof(o->bytes));
}

static void output_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct output *o = container_of((uv_pipe_t *)stream, struct output, pipe);
    if (n > 0) {
        line_split_feed(&o->lines, str_of(buf->base, (size_t)n));
    } else if (n < 0) {
        line_split_end(&o->lines);
        uv_close((uv_handle_t *)stream, output_closed);
    }
}

void output_open(uv_loop_t *loop, int fd, uint64_t function, struct console *console,
                 const struct deployment *deployment)
{
    struct output *o = mem_new(struct output);
    o->function = function;
    o->console = console;
    o->deployment = deployment;
    line_split_init(&o->lines, LIMIT_LOG_LINE_BYTES, output_line);
    (void)uv_pipe_init(loop, &o->pipe, 0); /* always succeeds */
    if (uv_pipe_open(&o->pipe, fd) < 0) {
        scope_close_fd(&fd);
        uv_close((uv_handle_t *)&o->pipe, output_closed);
        return;
    }
    if (uv_read_start((uv_stream_t *)&o->pipe, output_room, output_read) < 0) {
        uv_close((uv_handle_t *)&o->pipe, output_closed);
    }
}

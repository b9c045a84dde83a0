/* SPDX-License-Identifier: Apache-2.0 */
#include "control/deployment/builder_link.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

#define BUILDER_LINE_BYTES (64 * MIB) /* a manifest of some thousand routes is a megabyte */
#define BUILDER_READ_BYTES (64 * KIB)

static void builder_line(struct line_split *split, struct str line, bool cut)
{
    struct builder_link *link = container_of(split, struct builder_link, lines);
    json_error_t error;
    if (cut) {
        log_error("the builder sent more than %zu bytes at once", (size_t)BUILDER_LINE_BYTES);
        return;
    }
    json_t *message = json_loadb(line.data, line.len, 0, &error);
    const char *type = json_string_value(json_object_get(message, "type"));
    if (type) {
        link->on_message(link, type, message);
    } else {
        log_error("the builder sent what is no message: %s", message ? "no type" : error.text);
    }
    json_decref(message);
}

static void builder_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct builder_link *link = container_of((uv_pipe_t *)handle, struct builder_link, pipe);
    (void)suggested;
    *ret = uv_buf_init(link->bytes, BUILDER_READ_BYTES);
}

static void builder_closed(uv_handle_t *handle)
{
    struct builder_link *link = container_of((uv_pipe_t *)handle, struct builder_link, pipe);
    line_split_finish(&link->lines);
    free(link->bytes);
    link->bytes = NULL;
}

/* At its end the supervisor starts the builder again, and us with it. */
static void builder_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct builder_link *link = container_of((uv_pipe_t *)stream, struct builder_link, pipe);
    if (n > 0) {
        line_split_feed(&link->lines, str_of(buf->base, (size_t)n));
    } else if (n < 0) {
        uv_close((uv_handle_t *)stream, builder_closed);
    }
}

int builder_link_open(struct builder_link *link, uv_loop_t *loop, int fd,
                      void (*on_message)(struct builder_link *link, const char *type,
                                         json_t *message))
{
    static char ask[] = "{\"type\":\"build\"}\n";
    *link =
        (struct builder_link){ .on_message = on_message, .bytes = mem_alloc(BUILDER_READ_BYTES) };
    line_split_init(&link->lines, BUILDER_LINE_BYTES, builder_line);
    (void)uv_pipe_init(loop, &link->pipe, 0); /* always succeeds */
    int r = uv_pipe_open(&link->pipe, fd);
    if (r < 0) {
        scope_close_fd(&fd);
    }
    if (r == 0) {
        r = uv_read_start((uv_stream_t *)&link->pipe, builder_room, builder_read);
    }
    if (r == 0) {
        uv_buf_t line = uv_buf_init(ask, sizeof(ask) - 1);
        r = uv_try_write((uv_stream_t *)&link->pipe, &line, 1); /* an empty socket takes it whole */
    }
    if (r < 0) {
        uv_close((uv_handle_t *)&link->pipe, builder_closed);
        return r;
    }
    return 0;
}

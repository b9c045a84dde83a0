/* SPDX-License-Identifier: Apache-2.0 */
#include "control/console/writer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

#define WRITER_FULL_BYTES  (1 * MIB)
#define WRITER_LIMIT_BYTES (32 * MIB)

struct writer {
    int fd;
    uv_thread_t thread;
    uv_mutex_t mutex; /* guards what follows */
    uv_cond_t changed;
    struct buf waiting;
    size_t waiting_len; /* with what the thread is writing now */
    bool ending;
    bool ended;
};

/* False when nobody will ever read it. */
static bool write_all(int fd, struct str s)
{
    while (s.len > 0) {
        ssize_t n = write(fd, s.data, s.len);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = { .fd = fd, .events = POLLOUT };
            (void)poll(&p, 1, -1); /* tried again whatever it says */
        } else if (n < 0 && errno != EINTR) {
            return false;
        }
        s = str_skip(s, n > 0 ? (size_t)n : 0);
    }
    return true;
}

static void writer_run(void *argument)
{
    struct writer *w = argument;
    struct buf writing;
    buf_init(&writing, WRITER_LIMIT_BYTES);
    uv_mutex_lock(&w->mutex);
    for (;;) {
        while (w->waiting.len == 0 && !w->ending) {
            uv_cond_wait(&w->changed, &w->mutex);
        }
        if (w->waiting.len == 0) {
            break;
        }
        struct buf swap = writing;
        writing = w->waiting;
        w->waiting = swap;
        buf_clear(&w->waiting);
        uv_mutex_unlock(&w->mutex);
        (void)write_all(w->fd, buf_str(&writing)); /* output that nobody reads is lost */
        uv_mutex_lock(&w->mutex);
        w->waiting_len -= writing.len;
    }
    w->ended = true;
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->mutex);
    buf_finish(&writing);
}

struct writer *writer_create(int fd)
{
    struct writer *w = mem_new(struct writer);
    w->fd = fd;
    buf_init(&w->waiting, WRITER_LIMIT_BYTES);
    (void)uv_mutex_init(&w->mutex); /* these fail only without memory */
    (void)uv_cond_init(&w->changed);
    int r = uv_thread_create(&w->thread, writer_run, w);
    if (r < 0) {
        log_error("cannot start a thread (%s): is there room for more (ulimit -u, or the "
                  "container's limit)?",
                  uv_strerror(r));
        _exit(EXIT_FAILURE); /* the supervisor starts us again */
    }
    return w;
}

void writer_finish(struct writer *w, unsigned int patience_ms)
{
    uv_mutex_lock(&w->mutex);
    w->ending = true;
    uv_cond_signal(&w->changed);
    int r = 0;
    while (!w->ended && r == 0) {
        r = uv_cond_timedwait(&w->changed, &w->mutex, patience_ms * 1000000ULL);
    }
    bool ended = w->ended;
    uv_mutex_unlock(&w->mutex);
    if (!ended) {
        return; /* the thread still uses it; the process ends now */
    }
    uv_thread_join(&w->thread);
    uv_mutex_destroy(&w->mutex);
    uv_cond_destroy(&w->changed);
    buf_finish(&w->waiting);
    free(w);
}

void writer_append(struct writer *w, struct str bytes)
{
    uv_mutex_lock(&w->mutex);
    if (buf_append(&w->waiting, bytes) == 0) {
        w->waiting_len += bytes.len;
    }
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->mutex);
}

bool writer_is_full(struct writer *w)
{
    uv_mutex_lock(&w->mutex);
    bool is_full = w->waiting_len > WRITER_FULL_BYTES;
    uv_mutex_unlock(&w->mutex);
    return is_full;
}

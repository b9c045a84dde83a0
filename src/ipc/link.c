/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/link.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/mem.h"

#define LINK_QUEUE_MAX 8192
#define LINK_BATCH     64 /* messages a turn of the loop */

struct link_queued {
    struct link_queued *next;
    size_t size;
    size_t fd_count;
    int fds[IPC_FDS_MAX];
    unsigned char message[];
};

const char *link_fault(int why)
{
    return why == -EBADMSG || why == -EPERM || why == -EMSGSIZE ? "sent what it may not"
                                                                : "cannot be heard";
}

static void link_gone(struct link *link, int why)
{
    if (link->open) {
        (void)uv_poll_stop(&link->poll); /* always succeeds on an open handle */
        link->ends.on_gone(link, why);
    }
}

static void link_receive(struct link *link)
{
    for (int i = 0; i < LINK_BATCH && link->open; i++) {
        union message message;
        struct ipc_received received;
        int r = ipc_receive(link->fd, &message, sizeof(message), &received);
        if (r == -EAGAIN) {
            return;
        }
        if (r > 0) {
            r = message_check(&message, received.size, received.fd_count, link->ends.peer,
                              link->ends.self);
            if (r == 0) {
                link->ends.on_message(link, &message, &received);
                ipc_received_close(&received);
                continue;
            }
        }
        ipc_received_discard(&received);
        link_gone(link, r);
        return;
    }
}

static void queue_drop_first(struct link *link)
{
    struct link_queued *q = link->queue_head;
    link->queue_head = q->next;
    if (!link->queue_head) {
        link->queue_tail = NULL;
    }
    link->queue_count--;
    for (size_t i = 0; i < q->fd_count; i++) {
        scope_close_fd(&q->fds[i]);
    }
    free(q);
}

static void link_poll(uv_poll_t *poll, int status, int events);

static int link_watch(struct link *link)
{
    int events = UV_READABLE | (link->queue_head ? UV_WRITABLE : 0);
    return uv_poll_start(&link->poll, events, link_poll);
}

/* The peer is slow, or the kernel has no memory for a message just now. */
static bool is_for_later(int r)
{
    return r == -EAGAIN || r == -ENOBUFS || r == -ENOMEM;
}

static void link_flush(struct link *link)
{
    while (link->queue_head) {
        struct link_queued *q = link->queue_head;
        if (is_for_later(ipc_send(link->fd, q->message, q->size, q->fds, q->fd_count))) {
            return;
        }
        queue_drop_first(link); /* an error: the peer is gone, which the reading side will tell */
    }
    (void)link_watch(link); /* changing events of a running poll cannot fail */
}

static void link_poll(uv_poll_t *poll, int status, int events)
{
    struct link *link = container_of(poll, struct link, poll);
    /* libuv watches a socket with an error no more: reading tells of it, and what came before. */
    if (status < 0) {
        (void)link_watch(link); /* as it was */
        events = UV_READABLE;
    }
    if (events & UV_WRITABLE) {
        link_flush(link);
    }
    if (events & UV_READABLE) {
        link_receive(link);
    }
}

int link_open(struct link *link, uv_loop_t *loop, int fd, const struct link_ends *ends)
{
    *link = (struct link){ .fd = fd, .ends = *ends, .open = true };
    int flags = fcntl(fd, F_GETFL);
    int r = flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
    if (r == 0) {
        r = uv_poll_init(loop, &link->poll, fd);
    }
    if (r < 0) {
        scope_close_fd(&link->fd);
        link->open = false;
        return r;
    }
    return link_watch(link);
}

static int link_enqueue(struct link *link, const void *message, size_t size, const int *fds,
                        size_t fd_count)
{
    if (link->queue_count >= LINK_QUEUE_MAX) {
        return -ENOBUFS;
    }
    struct link_queued *q = mem_alloc(sizeof(*q) + size);
    q->size = size;
    memcpy(q->message, message, size);
    for (size_t i = 0; i < fd_count; i++) {
        q->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
        if (q->fds[i] < 0) {
            int r = -errno;
            while (i-- > 0) {
                scope_close_fd(&q->fds[i]);
            }
            free(q);
            return r;
        }
    }
    q->fd_count = fd_count;
    if (link->queue_tail) {
        link->queue_tail->next = q;
    } else {
        link->queue_head = q;
    }
    link->queue_tail = q;
    link->queue_count++;
    return link_watch(link);
}

int link_send(struct link *link, const void *message, const int *fds, size_t fd_count)
{
    uint32_t type;
    memcpy(&type, message, sizeof(type));
    size_t size = message_size(type);
    assert(size > 0 && fd_count <= IPC_FDS_MAX);
    if (!link->open) {
        return -EPIPE;
    }
    if (!link->queue_head) {
        int r = ipc_send(link->fd, message, size, fds, fd_count);
        if (!is_for_later(r)) {
            return r;
        }
    }
    return link_enqueue(link, message, size, fds, fd_count);
}

static void link_closed(uv_handle_t *handle)
{
    struct link *link = container_of((uv_poll_t *)handle, struct link, poll);
    scope_close_fd(&link->fd);
    if (link->on_closed) {
        link->on_closed(link);
    }
}

void link_close(struct link *link, void (*on_closed)(struct link *link))
{
    if (!link->open) {
        return;
    }
    link->open = false;
    link->on_closed = on_closed;
    while (link->queue_head) {
        queue_drop_first(link);
    }
    uv_close((uv_handle_t *)&link->poll, link_closed);
}

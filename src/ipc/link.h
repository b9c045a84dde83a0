/* A socket of messages on a libuv loop. Sends never block: what the peer does not take yet waits
 * here, up to a bound; a peer over the bound is as good as gone.
 *
 * Runs on the loop's thread. Owned by whoever embeds it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <uv.h>

#include "ipc/message.h"
#include "ipc/socket.h"

struct link;

/* A checked message. Descriptors that the callee does not take (take_fd on received->fds[i]) are
 * closed after it returns. It may call link_close(). */
typedef void (*link_message_fn)(struct link *link, const union message *message,
                                struct ipc_received *received);
/* The peer has closed or died, or there is a fault (why < 0, link_fault()). Called once;
 * link_close() is the callee's next step. */
typedef void (*link_gone_fn)(struct link *link, int why);

/* Whose fault it is, to go behind the peer's name: "sent what it may not", or "cannot be heard" if
 * it is ours, say for want of descriptors. */
const char *link_fault(int why);

/* Between whom, and who hears of it. */
struct link_ends {
    enum message_role self;
    enum message_role peer;
    link_message_fn on_message;
    link_gone_fn on_gone;
};

struct link_queued;

struct link {
    uv_poll_t poll;
    int fd; /* owned */
    struct link_ends ends;
    bool open;
    void (*on_closed)(struct link *link);
    struct link_queued *queue_head; /* owned */
    struct link_queued *queue_tail;
    size_t queue_count;
};

/* Takes over fd, also on failure. */
int link_open(struct link *link, uv_loop_t *loop, int fd, const struct link_ends *ends) MUST_USE;

/* Descriptors stay the caller's. An error means that the peer is gone or too slow. */
int link_send(struct link *link, const void *message, const int *fds, size_t fd_count);

/* on_closed (may be NULL) is called when the memory may be freed. */
void link_close(struct link *link, void (*on_closed)(struct link *link));

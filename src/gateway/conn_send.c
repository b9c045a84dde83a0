/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/conn_send.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/limits.h"
#include "gateway/conn.h"
#include "gateway/gateway.h"

#define DIRECT_BYTES (16 * KIB) /* below, a copy is cheaper than a system call */
#define SHIFT_BYTES  (64 * KIB) /* sent ones at the buffer's front, before the rest moves there */

/* Sends the parts after what waits in the buffer, and takes what has left off them. */
static void send_now(struct conn *c, struct str parts[3])
{
    struct iovec out[4] = { { c->out.data + c->sent, conn_pending(c) } };
    for (size_t i = 0; i < 3; i++) {
        out[i + 1].iov_len = parts[i].len;
        memcpy(&out[i + 1].iov_base, &parts[i].data, sizeof(void *)); /* sendmsg(2) reads it only */
    }
    struct msghdr message = { .msg_iov = out, .msg_iovlen = 4 };
    ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    size_t left = n > 0 ? (size_t)n : 0;
    size_t waiting = conn_pending(c) < left ? conn_pending(c) : left;
    c->sent += waiting;
    left -= waiting;
    for (size_t i = 0; i < 3; i++) {
        size_t len = parts[i].len < left ? parts[i].len : left;
        parts[i] = str_skip(parts[i], len);
        left -= len;
    }
    if (conn_pending(c) == 0) {
        buf_clear(&c->out);
        c->sent = 0;
    }
}

int conn_send_body(struct conn *c, struct str before, struct str data, struct str after)
{
    struct str parts[3] = { before, data, after };
    /* With so much waiting, the socket has no room. */
    if (data.len >= DIRECT_BYTES && conn_pending(c) < DIRECT_BYTES) {
        send_now(c, parts);
    }
    for (size_t i = 0; i < 3; i++) {
        int r = parts[i].len > 0 ? buf_append(&c->out, parts[i]) : 0;
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

size_t conn_send_file(struct conn *c, int fd, uint64_t offset, size_t len)
{
    off_t at = (off_t)offset;
    ssize_t n = conn_pending(c) == 0 ? sendfile(c->fd, fd, &at, len) : 0;
    return n > 0 ? (size_t)n : 0;
}

int conn_send_pending(struct conn *c)
{
    size_t len = conn_pending(c);
    if (len == 0) {
        c->send_ms = 0;
        return 0;
    }
    ssize_t n = send(c->fd, c->out.data + c->sent, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        return -errno;
    }
    if (n > 0) {
        c->sent += (size_t)n;
    }
    if (n > 0 || c->send_ms == 0) {
        c->send_ms = gateway_now_ms(c->gateway) + LIMIT_SEND_IDLE_MS;
    }
    if (c->sent == c->out.len) {
        buf_clear(&c->out);
        c->sent = 0;
        c->send_ms = 0;
    } else if (c->sent >= SHIFT_BYTES) {
        buf_consume(&c->out, c->sent);
        c->sent = 0;
    }
    return 0;
}

void conn_set_reset(struct conn *c, bool reset)
{
    const struct linger linger = { .l_onoff = reset };
    if (c->resets != reset) {
        c->resets = reset;
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)); /* cannot fail */
    }
}

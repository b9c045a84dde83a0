/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/conn_out.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/limits.h"

#define DIRECT_BYTES (16 * KIB) /* below, a copy is cheaper than a system call */
#define SHIFT_BYTES  (64 * KIB) /* sent ones at the buffer's front, before the rest moves there */

void conn_out_init(struct conn_out *out, int fd, size_t bytes_max)
{
    *out = (struct conn_out){ .fd = fd };
    buf_init(&out->buf, bytes_max);
}

void conn_out_finish(struct conn_out *out)
{
    buf_finish(&out->buf);
}

/* Sends the parts after what waits in the buffer, and takes what has left off them. */
static void send_now(struct conn_out *out, struct str parts[3])
{
    struct iovec all[4] = { { out->buf.data + out->sent, conn_out_pending(out) } };
    for (size_t i = 0; i < 3; i++) {
        all[i + 1].iov_len = parts[i].len;
        memcpy(&all[i + 1].iov_base, &parts[i].data, sizeof(void *)); /* sendmsg(2) reads it only */
    }
    struct msghdr message = { .msg_iov = all, .msg_iovlen = 4 };
    ssize_t n = sendmsg(out->fd, &message, MSG_NOSIGNAL);
    size_t left = n > 0 ? (size_t)n : 0;
    out->sent_total += left;
    size_t waiting = conn_out_pending(out) < left ? conn_out_pending(out) : left;
    out->sent += waiting;
    left -= waiting;
    for (size_t i = 0; i < 3; i++) {
        size_t len = parts[i].len < left ? parts[i].len : left;
        parts[i] = str_skip(parts[i], len);
        left -= len;
    }
    if (conn_out_pending(out) == 0) {
        buf_clear(&out->buf);
        out->sent = 0;
    }
}

int conn_out_body(struct conn_out *out, struct str before, struct str data, struct str after)
{
    struct str parts[3] = { before, data, after };
    /* With so much waiting, the socket has no room. */
    if (data.len >= DIRECT_BYTES && conn_out_pending(out) < DIRECT_BYTES) {
        send_now(out, parts);
    }
    for (size_t i = 0; i < 3; i++) {
        int r = parts[i].len > 0 ? buf_append(&out->buf, parts[i]) : 0;
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

size_t conn_out_file(struct conn_out *out, int fd, uint64_t offset, size_t len)
{
    off_t at = (off_t)offset;
    ssize_t n = conn_out_pending(out) == 0 ? sendfile(out->fd, fd, &at, len) : 0;
    size_t sent = n > 0 ? (size_t)n : 0;
    out->sent_total += sent;
    return sent;
}

int conn_out_flush(struct conn_out *out, uint64_t now_ms)
{
    size_t len = conn_out_pending(out);
    if (len == 0) {
        out->deadline_ms = 0;
        return 0;
    }
    ssize_t n = send(out->fd, out->buf.data + out->sent, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        return -errno;
    }
    if (n > 0) {
        out->sent += (size_t)n;
        out->sent_total += (size_t)n;
    }
    if (n > 0 || out->deadline_ms == 0) {
        out->deadline_ms = now_ms + LIMIT_SEND_IDLE_MS;
    }
    if (out->sent == out->buf.len) {
        buf_clear(&out->buf);
        out->sent = 0;
        out->deadline_ms = 0;
    } else if (out->sent >= SHIFT_BYTES) {
        buf_consume(&out->buf, out->sent);
        out->sent = 0;
    }
    return 0;
}

void conn_out_set_reset(struct conn_out *out, bool reset)
{
    const struct linger linger = { .l_onoff = reset };
    if (out->resets != reset) {
        out->resets = reset;
        (void)setsockopt(out->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)); /* cannot fail */
    }
}

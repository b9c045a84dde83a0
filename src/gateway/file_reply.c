/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/file_reply.h"

#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>
#include <uv.h>

#include "base/limits.h"
#include "base/mem.h"
#include "gateway/conn.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"
#include "gateway/request.h"
#include "http/http_range.h"

#define PIECE_BYTES   (64 * KIB)
#define PENDING_BYTES (256 * KIB) /* in the connection's buffer before reading pauses */

struct file_reply {
    uv_work_t work;
    struct request *request; /* NULL: nobody waits for it any more */
    int fd;
    uint64_t at;
    uint64_t left;
    bool reading; /* a thread is at it */
    ssize_t got;  /* what it read, or -errno */
    char piece[PIECE_BYTES];
};

static void destroy(struct file_reply *f)
{
    (void)close(f->fd);
    free(f);
}

void file_reply_close(struct file_reply *f)
{
    if (f) {
        f->request = NULL;
        if (!f->reading) {
            destroy(f);
        }
    }
}

/* In a thread of the pool. */
static void read_piece(uv_work_t *work)
{
    struct file_reply *f = container_of(work, struct file_reply, work);
    size_t len = f->left < PIECE_BYTES ? (size_t)f->left : PIECE_BYTES;
    ssize_t n = pread(f->fd, f->piece, len, (off_t)f->at);
    f->got = n < 0 ? -errno : n;
}

/* False: the request is over. */
static bool send_piece(struct file_reply *f)
{
    struct request *rq = f->request;
    if (f->got <= 0) {
        conn_abort(
            rq->conn); /* the file has become shorter: the client must not take it for whole */
        return false;
    }
    f->at += (uint64_t)f->got;
    f->left -= (uint64_t)f->got;
    rq->file = f->left > 0 ? f : NULL; /* reply_end() frees the request */
    reply_body(rq, str_of(f->piece, (size_t)f->got));
    if (f->left > 0) {
        return true;
    }
    reply_end(rq);
    destroy(f);
    return false;
}

static void after_read(uv_work_t *work, int status)
{
    struct file_reply *f = container_of(work, struct file_reply, work);
    f->reading = false;
    if (!f->request || status < 0) {
        destroy(f);
        return;
    }
    gateway_turn(f->request->gateway);
    if (send_piece(f)) {
        file_reply_continue(f);
    }
}

/* What the page cache has needs no thread. */
static bool read_cached(struct file_reply *f)
{
    size_t len = f->left < PIECE_BYTES ? (size_t)f->left : PIECE_BYTES;
    struct iovec part = { .iov_base = f->piece, .iov_len = len };
    f->got = preadv2(f->fd, &part, 1, (off_t)f->at, RWF_NOWAIT);
    return f->got >= 0;
}

void file_reply_continue(struct file_reply *f)
{
    while (!f->reading && conn_pending(f->request->conn) < PENDING_BYTES) {
        if (read_cached(f)) {
            if (!send_piece(f)) {
                return;
            }
        } else {
            f->reading = true;
            /* Fails only without a callback. */
            (void)uv_queue_work(&f->request->gateway->loop, &f->work, read_piece, after_read);
        }
    }
}

static bool add_fields(struct buf *fields, struct request *rq, struct str etag)
{
    char date[HTTP_DATE_BYTES];
    struct str names = buf_str(&rq->route.headers);
    http_date_format(rq->route.file.modified_s, date);
    /* A route's own headers win over these. */
    bool ok = buf_append(fields, STR("accept-ranges\0bytes\0last-modified\0")) == 0 &&
              buf_append(fields, str_c(date)) == 0 && buf_append(fields, STR("\0etag\0")) == 0 &&
              buf_append(fields, etag) == 0 && buf_append(fields, STR("\0")) == 0;
    if (ok && !http_block_find(names, STR("content-type")).data) {
        ok = buf_printf(fields, "content-type%c%s%c", 0, rq->route.file.type, 0) == 0;
    }
    if (ok && !http_block_find(names, STR("cache-control")).data) {
        ok = buf_append(fields, STR("cache-control\0public, max-age=0, must-revalidate\0")) == 0;
    }
    return ok;
}

static void send_file(struct request *rq, unsigned status, struct buf *fields, uint64_t first,
                      uint64_t length)
{
    bool ok = buf_printf(fields, "content-length%c%llu%c", 0, (unsigned long long)length, 0) == 0;
    if (!ok) {
        request_fail(rq, ERROR_HEAD, STR(""));
        return;
    }
    if (length == 0) {
        reply_whole(rq, status, buf_str(fields), STR(""));
        return;
    }
    if (!reply_head(rq, status, buf_str(fields))) {
        return;
    }
    if (rq->reply.framing == HTTP_FRAMING_NONE) {
        reply_end(rq); /* HEAD */
        return;
    }
    struct file_reply *f = mem_new(struct file_reply);
    f->request = rq;
    f->fd = take_fd(&rq->route.file.fd);
    f->at = first;
    f->left = length;
    rq->file = f;
    file_reply_continue(f);
}

void file_reply_start(struct request *rq)
{
    char tag[64];
    int len =
        snprintf(tag, sizeof(tag), "\"%llx-%llx\"", (unsigned long long)rq->route.file.modified_ns,
                 (unsigned long long)rq->route.file.size);
    struct http_resource resource = { .etag = str_of(tag, (size_t)len),
                                      .modified_s = rq->route.file.modified_s,
                                      .size = rq->route.file.size };
    struct buf fields;
    buf_init(&fields, 4 * KIB);
    unsigned status = http_conditions(&rq->head, &resource);
    uint64_t first = 0, last = 0;
    if (!add_fields(&fields, rq, resource.etag)) {
        request_fail(rq, ERROR_HEAD, STR(""));
    } else if (status != 200) {
        reply_whole(rq, status, buf_str(&fields), STR(""));
    } else {
        bool get = str_eq(rq->head.method, STR("GET"));
        enum http_range_kind kind =
            get ? http_range(&rq->head, &resource, &first, &last) : HTTP_RANGE_ALL;
        if (kind == HTTP_RANGE_ALL) {
            send_file(rq, 200, &fields, 0, resource.size);
        } else if (kind == HTTP_RANGE_NONE) {
            (void)!buf_printf(&fields, "content-range%cbytes */%llu%c", 0,
                              (unsigned long long)resource.size, 0); /* there is room */
            reply_whole(rq, 416, buf_str(&fields), STR(""));
        } else {
            (void)!buf_printf(&fields, "content-range%cbytes %llu-%llu/%llu%c", 0,
                              (unsigned long long)first, (unsigned long long)last,
                              (unsigned long long)resource.size, 0);
            send_file(rq, 206, &fields, first, last - first + 1);
        }
    }
    buf_finish(&fields);
}

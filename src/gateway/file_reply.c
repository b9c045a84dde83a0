/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/file_reply.h"

#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>
#include <uv.h>

#include "base/chance.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/mem.h"
#include "gateway/conn.h"
#include "gateway/gateway.h"
#include "gateway/invoke.h"
#include "gateway/reply.h"
#include "gateway/request.h"
#include "gateway/request_error.h"
#include "http/http_block.h"
#include "http/http_encoding.h"
#include "http/http_range.h"

#define PIECE_BYTES    (64 * KIB)
#define DIRECT_BYTES   (512 * KIB)
#define DIRECT_A_TURN  4
#define PENDING_BYTES  (256 * KIB) /* in the connection's buffer before reading pauses */
#define RUN_PIECES     16          /* compressed a turn: what hardly pends at all must pause, too */
#define BOUNDARY_BYTES 32
#define PART_BYTES     256 /* delimiter and fields of one part */

struct file_reply {
    struct body_source source; /* request->source */
    uv_work_t work;
    struct request *request; /* NULL: nobody waits for it any more */
    int fd;
    uint64_t at;
    uint64_t left;
    unsigned run; /* pieces compressed */
    bool busy;    /* not to be freed: a thread is at it, or the caller */
    ssize_t got;  /* what was read, or -errno */
    size_t part;  /* the next of them to be sent */
    size_t part_count;
    struct http_range parts[HTTP_RANGES_MAX];
    char boundary[BOUNDARY_BYTES + 1]; /* "": the one part stands alone */
    char type[64];
    uint64_t size; /* of the whole file */
    size_t piece_bytes;
    char piece[];
};

static void destroy(struct file_reply *f)
{
    (void)close(f->fd);
    free(f);
}

/* What stands before part i, or behind all of them. */
static size_t put_delimiter(const struct file_reply *f, size_t i, char *out)
{
    const struct http_range *r = &f->parts[i];
    int len = !f->boundary[0] ? 0
              : i < f->part_count
                  ? snprintf(out, PART_BYTES,
                             "\r\n--%s\r\ncontent-type: %s\r\n"
                             "content-range: bytes %llu-%llu/%llu\r\n\r\n",
                             f->boundary, f->type, (unsigned long long)r->first,
                             (unsigned long long)r->last, (unsigned long long)f->size)
                  : snprintf(out, PART_BYTES, "\r\n--%s--\r\n", f->boundary);
    return (size_t)len; /* fits: a type has at most 63 bytes, a number 20 */
}

static uint64_t body_length(const struct file_reply *f)
{
    char text[PART_BYTES];
    uint64_t length = put_delimiter(f, f->part_count, text);
    for (size_t i = 0; i < f->part_count; i++) {
        length += put_delimiter(f, i, text) + f->parts[i].last - f->parts[i].first + 1;
    }
    return length;
}

/* In a thread of the pool. */
static void read_piece(uv_work_t *work)
{
    struct file_reply *f = container_of(work, struct file_reply, work);
    size_t len = f->left < f->piece_bytes ? (size_t)f->left : f->piece_bytes;
    ssize_t n = pread(f->fd, f->piece, len, (off_t)f->at);
    f->got = n < 0 ? -errno : n;
}

/* False: the request is over, and f is free. */
static bool send_piece(struct file_reply *f)
{
    struct request *rq = f->request;
    f->busy = true;
    if (f->got <= 0) {
        /* The file has become shorter: the client must not take it for whole. */
        reply_abort(rq);
    } else {
        f->at += (uint64_t)f->got;
        f->left -= (uint64_t)f->got;
        request_fail_reply(rq, reply_body(rq, str_of(f->piece, (size_t)f->got)));
    }
    f->busy = false;
    if (!f->request) {
        destroy(f);
        return false;
    }
    return true;
}

/* All of the file is sent. It was the answer, or control has more. */
static void file_sent(struct request *rq)
{
    if (rq->instance && !rq->response_over) {
        invoke_next_file(rq);
    } else {
        reply_end(rq);
    }
}

/* Begins the next part, or ends the answer: false, and f is free. */
static bool next_part(struct file_reply *f)
{
    struct request *rq = f->request;
    char text[PART_BYTES];
    size_t len = put_delimiter(f, f->part, text);
    f->busy = true;
    request_fail_reply(rq, reply_body(rq, str_of(text, len)));
    f->busy = false;
    if (f->request && f->part == f->part_count) {
        rq->source = NULL;
        f->request = NULL;
        file_sent(rq);
    }
    if (!f->request) {
        destroy(f);
        return false;
    }
    f->at = f->parts[f->part].first;
    f->left = f->parts[f->part].last - f->at + 1;
    f->part++;
    return true;
}

static void send_on(struct file_reply *f);

static void after_read(uv_work_t *work, int status)
{
    struct file_reply *f = container_of(work, struct file_reply, work);
    f->busy = false;
    if (!f->request || status < 0) {
        destroy(f);
        return;
    }
    gateway_turn(f->request->gateway);
    if (send_piece(f)) {
        send_on(f);
    }
}

/* What the page cache has needs no thread. */
static ssize_t read_cached(const struct file_reply *f, uint64_t at, void *ret, size_t len)
{
    struct iovec part = { .iov_base = ret, .iov_len = len };
    return preadv2(f->fd, &part, 1, (off_t)at, RWF_NOWAIT);
}

/* ... but for the pause. */
static bool read_piece_cached(struct file_reply *f)
{
    if ((f->request->reply.encoding & HTTP_ENCODING_GZIP) && ++f->run % RUN_PIECES == 0) {
        return false;
    }
    size_t len = f->left < f->piece_bytes ? (size_t)f->left : f->piece_bytes;
    f->got = read_cached(f, f->at, f->piece, len);
    return f->got >= 0;
}

/* By the kernel alone, if the page cache has both ends: it reads ahead more than what may be
 * missing between them, and waits for that. False: not this way. */
static bool send_directly(struct file_reply *f)
{
    size_t len = f->left < DIRECT_BYTES ? (size_t)f->left : DIRECT_BYTES;
    char end;
    if (conn_pending(f->request->conn) > 0 || read_cached(f, f->at, &end, 1) != 1 ||
        read_cached(f, f->at + len - 1, &end, 1) != 1) {
        return false;
    }
    size_t sent = reply_file(f->request, f->fd, f->at, len);
    f->at += sent;
    f->left -= sent;
    return sent > 0;
}

/* Sends as much as goes. What the socket has no room for goes through the connection's buffer,
 * which waits for room. */
static void send_on(struct file_reply *f)
{
    int directly = 0;
    while (!f->busy && conn_pending(f->request->conn) < PENDING_BYTES) {
        if (f->left == 0) {
            if (!next_part(f)) {
                return;
            }
        } else if (directly == DIRECT_A_TURN) {
            conn_touch(f->request->conn); /* others have their turn */
            return;
        } else if (send_directly(f)) {
            directly++;
        } else if (read_piece_cached(f)) {
            if (!send_piece(f)) {
                return;
            }
        } else {
            f->busy = true;
            /* Fails only without a callback. */
            (void)uv_queue_work(&f->request->gateway->loop, &f->work, read_piece, after_read);
        }
    }
}

static void on_resume(struct body_source *source)
{
    send_on(container_of(source, struct file_reply, source));
}

static void on_close(struct body_source *source)
{
    struct file_reply *f = container_of(source, struct file_reply, source);
    f->request = NULL;
    if (!f->busy) {
        destroy(f);
    }
}

static struct file_reply *make(struct request *rq, int fd, uint64_t bytes)
{
    size_t piece_bytes = bytes < PIECE_BYTES ? (size_t)bytes : PIECE_BYTES;
    struct file_reply *f = mem_alloc(sizeof(*f) + piece_bytes);
    *f = (struct file_reply){ .source = { .resume = on_resume, .close = on_close },
                              .request = rq,
                              .fd = fd,
                              .piece_bytes = piece_bytes };
    return f;
}

void file_reply_send(struct request *rq, int fd, uint64_t first, uint64_t length)
{
    if (!rq->conn || rq->reply.framing == HTTP_FRAMING_NONE || length == 0) {
        (void)close(fd); /* nobody is there, or nobody wants a body */
        reply_end(rq);
        return;
    }
    struct file_reply *f = make(rq, fd, length);
    f->part_count = 1;
    f->parts[0] = (struct http_range){ first, first + length - 1 };
    rq->source = &f->source;
    send_on(f);
}

/* The head of an answer. What is too long for `fields` is too long for a response. */

static int add_field(struct buf *fields, const char *name, struct str value)
{
    int r = buf_printf(fields, "%s%c", name, 0);
    r = r == 0 ? buf_append(fields, value) : r;
    return r == 0 ? buf_append(fields, STR("\0")) : r;
}

/* What every answer about a file says. */
static int add_validators(struct buf *fields, const struct request *rq, struct str etag)
{
    char date[HTTP_DATE_BYTES];
    http_date_format(rq->route.file.modified_s, date);
    int r = add_field(fields, "last-modified", str_c(date));
    r = r == 0 ? add_field(fields, "etag", etag) : r;
    /* A route's own headers win over this. */
    if (r == 0 && !http_block_find(buf_str(&rq->route.headers), STR("cache-control")).data) {
        r = add_field(fields, "cache-control", STR("public, max-age=0, must-revalidate"));
    }
    return r;
}

static struct str type_of(const struct request *rq)
{
    struct str own = http_block_find(buf_str(&rq->route.headers), STR("content-type"));
    return own.data ? own : str_c(rq->route.file.type);
}

static int add_type(struct buf *fields, const struct request *rq, const struct file_reply *f)
{
    char text[sizeof(f->boundary) + 64];
    if (!f->boundary[0]) {
        return add_field(fields, "content-type", type_of(rq));
    }
    int len = snprintf(text, sizeof(text), "multipart/byteranges; boundary=%s", f->boundary);
    return add_field(fields, "content-type", str_of(text, (size_t)len));
}

static int add_range(struct buf *fields, const struct http_range *range, uint64_t size)
{
    char text[80];
    int len = range ? snprintf(text, sizeof(text), "bytes %llu-%llu/%llu",
                               (unsigned long long)range->first, (unsigned long long)range->last,
                               (unsigned long long)size)
                    : snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)size);
    return add_field(fields, "content-range", str_of(text, (size_t)len));
}

/* Only a name that needs no other encoding than a quoted string's. */
static int add_name(struct buf *fields, const char *name)
{
    for (const char *at = name; *at; at++) {
        if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\' || *at == '%') {
            return 0;
        }
    }
    return name[0]
               ? buf_printf(fields, "content-disposition%cinline; filename=\"%s\"%c", 0, name, 0)
               : 0;
}

static struct file_reply *create(struct request *rq, const struct http_range *parts, int count)
{
    uint64_t size = rq->route.file.size;
    struct file_reply *f = make(rq, take_fd(&rq->route.file.fd), size);
    f->part_count = size > 0;
    f->size = size;
    f->parts[0] = (struct http_range){ 0, f->size - 1 };
    (void)snprintf(f->type, sizeof(f->type), STR_FMT, STR_ARG(type_of(rq))); /* a long one is cut */
    if (count > 0) {
        memcpy(f->parts, parts, (size_t)count * sizeof(*parts));
        f->part_count = (size_t)count;
    }
    if (count > 1) {
        unsigned char random[BOUNDARY_BYTES / 2];
        chance_bytes(random, sizeof(random));
        *hex_write(random, sizeof(random), f->boundary) = '\0';
    }
    return f;
}

/* The file, or `count` parts of it. */
static void send_file(struct request *rq, unsigned status, struct buf *fields,
                      const struct http_range *parts, int count)
{
    char length[24];
    struct file_reply *f = create(rq, parts, count);
    int len = snprintf(length, sizeof(length), "%llu", (unsigned long long)body_length(f));
    int r = add_field(fields, "content-length", str_of(length, (size_t)len));
    r = r == 0 ? add_field(fields, "accept-ranges", STR("bytes")) : r;
    r = r == 0 ? add_type(fields, rq, f) : r;
    r = r == 0 ? add_name(fields, rq->route.file.name) : r;
    r = r == 0 && count == 1 ? add_range(fields, &parts[0], f->size) : r;
    rq->source = &f->source; /* whoever lets the request go closes it */
    if (r < 0) {
        request_fail(rq, ERROR_HEAD, STR(""));
        return;
    }
    r = reply_head(rq, count > 0 ? 206 : status, buf_str(fields));
    if (r < 0) {
        request_fail_reply(rq, r);
    } else if (rq->reply.framing == HTTP_FRAMING_NONE) {
        reply_end(rq); /* HEAD */
    } else {
        send_on(f);
    }
}

bool file_reply_method(struct request *rq)
{
    static const char allow[] = "allow\0GET, HEAD, OPTIONS\0";
    struct str fields = str_of(allow, sizeof(allow) - 1);
    struct str method = rq->head.method;
    struct str rest = rq->route.target;
    struct static_file file = { .fd = -1 };
    if (str_eq(method, STR("GET")) || str_eq(method, STR("HEAD")) ||
        !static_files_find(rq->router->roots, rq->router->root_count, str_cut(&rest, '?'), &file)) {
        return false;
    }
    scope_close_fd(&file.fd);
    if (str_eq(method, STR("OPTIONS"))) {
        request_answer(rq, 204, fields, STR(""));
    } else {
        request_answer(rq, 405, fields, STR(""));
    }
    return true;
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
    struct http_range parts[HTTP_RANGES_MAX];
    struct buf fields;
    buf_init(&fields, LIMIT_RESPONSE_HEAD_BYTES);
    /* A page that a rule answers with has the rule's status, whatever the client knows of it. */
    unsigned told = rq->route.status;
    unsigned status = told > 0 ? told : http_conditions(&rq->head, &resource);
    bool get = str_eq(rq->head.method, STR("GET")); /* ranges are for it alone, RFC 9110 14.2 */
    int count = get && status == 200 ? http_ranges(&rq->head, &resource, parts) : 0;
    int r = add_validators(&fields, rq, resource.etag);
    if (count < 0 && r == 0) {
        status = 416;
        r = add_range(&fields, NULL, resource.size);
    }
    if (r < 0) {
        request_fail(rq, ERROR_HEAD, STR(""));
    } else if (status != 200 && told == 0) {
        request_answer(rq, status, buf_str(&fields), STR(""));
    } else {
        send_file(rq, status, &fields, parts, count);
    }
    buf_finish(&fields);
}

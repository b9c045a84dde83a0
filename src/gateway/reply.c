/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/reply.h"

#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "gateway/conn.h"
#include "gateway/conn_tunnel.h"
#include "gateway/gateway.h"
#include "gateway/instance.h"
#include "gateway/request_log.h"
#include "http/http_block.h"
#include "http/http_encoding.h"

#define INFORMATIONAL_BYTES (64 * KIB) /* not taken by the client: no more hints then */

/* In development an answer says how it came about. */
static void add_dev_fields(struct request *rq)
{
    struct buf *out = &rq->route.headers;
    /* What a worker fetched it may hand on whole, and that would hide its own. */
    if (rq->gateway->dev && rq->instance && rq->responded && !rq->inner.caller &&
        !request_is_controls(rq)) {
        /* A full buffer leaves them out. */
        (void)!(buf_append(out, STR("x-mayfly-start\0")) == 0 &&
                buf_append(out, rq->cold ? STR("cold\0") : STR("warm\0")) == 0 &&
                buf_append(out, STR("x-mayfly-instance\0")) == 0 &&
                buf_printf(out, "%llu", (unsigned long long)rq->instance->id) == 0 &&
                buf_append(out, STR("\0")) == 0);
    }
}

/* Vercel's and Netlify's edges sign their answers. */
static void add_platform_fields(struct request *rq, enum dialect dialect)
{
    struct buf *out = &rq->route.headers;
    if (dialect == DIALECT_VERCEL) {
        bool cached = http_block_find(buf_str(out), STR("cache-control")).data;
        (void)!((cached || buf_append(out, STR("cache-control\0"
                                               "public, max-age=0, must-revalidate\0")) == 0) &&
                buf_append(out, STR("server\0Vercel\0x-vercel-id\0dev1::")) == 0 &&
                buf_append(out, str_c(rq->id)) == 0 &&
                buf_append(out, STR("\0")) == 0); /* as above */
    }
    if (rq->function && dialect == DIALECT_NETLIFY) {
        (void)!(buf_append(out, STR("server\0Netlify\0x-nf-request-id\0")) == 0 &&
                buf_append(out, str_c(rq->id)) == 0 &&
                buf_append(out, STR("\0")) == 0); /* as above */
    }
}

/* What another function of the project asked for stays as it is: one of them answers the client. */
static bool may_compress(const struct request *rq)
{
    bool wanted = rq->route.kind == ROUTE_STATIC ? rq->route.file.compress
                                                 : rq->function && rq->function->compress;
    return wanted && !rq->inner.caller && rq->conn->door == DOOR_PUBLIC;
}

/* Bits of enum http_encoding. */
static unsigned choose_encoding(const struct request *rq, unsigned status, struct str fields,
                                const struct str *whole)
{
    if (!rq->conn || !may_compress(rq)) {
        return HTTP_ENCODING_NONE;
    }
    struct http_encoding_input in = { .fields = fields,
                                      .defaults = buf_str(&rq->route.headers),
                                      .whole = whole != NULL,
                                      .body_length = whole ? whole->len : 0 };
    bool bodiless = status < 200 || status == 204 || status == 304 ||
                    str_eq(rq->head.method, STR("HEAD")) ||
                    in.body_length > HTTP_GZIP_PIECE_BYTES_MAX;
    return http_encoding_choose(&in, !bodiless && http_encoding_accepts_gzip(&rq->head));
}

static struct str compress(struct request *rq, struct str data, bool last)
{
    struct gateway *g = rq->gateway;
    if (!g->gzip) {
        g->gzip = http_gzip_tables_create();
    }
    return http_gzip_piece(g->gzip, &rq->gzip, data, last);
}

/* A piece of a streamed body as the client gets it. */
static struct str compressed(struct request *rq, struct str data, bool last)
{
    return rq->reply.encoding & HTTP_ENCODING_GZIP ? compress(rq, data, last) : data;
}

/* Answered, or as good as that. */
static void release(struct request *rq)
{
    bool rest_follows = !rq->body_end && !rq->tunnel; /* of the body; it will not come */
    if (rq->instance && (rest_follows || rq->source)) {
        instance_cancel(rq, FRAME_CANCEL_CLIENT);
    }
    request_leave_conn(rq);
}

static void answered(struct request *rq)
{
    conn_answered(rq->conn, rq->reply.keep_alive);
    release(rq);
}

void reply_abort(struct request *rq)
{
    conn_abort(rq->conn);
    release(rq);
}

/* Writes the head into the connection's buffer; as reply_head(). */
static int begin(struct request *rq, unsigned status, struct str fields, const struct str *whole,
                 unsigned encoding)
{
    struct conn *c = rq->conn;
    if (!c || rq->reply_started) {
        return 0;
    }
    add_dev_fields(rq);
    enum dialect dialect = rq->function ? rq->function->dialect : rq->route.dialect;
    add_platform_fields(rq, dialect);
    rq->reply = (struct http_reply){
        .status = status,
        .minor = rq->head.minor,
        .head = str_eq(rq->head.method, STR("HEAD")),
        .upgrade = rq->head.upgrade,
        .whole = whole != NULL,
        .body_length = whole ? whole->len : 0,
        .fields = fields,
        .plain_reason = dialect == DIALECT_VERCEL || dialect == DIALECT_NETLIFY,
        .defaults = buf_str(&rq->route.headers),
        .defaults_win = rq->function && rq->function->dialect == DIALECT_NEXT,
        .encoding = encoding,
        .date = gateway_date(rq->gateway),
        .capitals = c->door == DOOR_AWS,
        .keep_alive = c->keep_alive && (!rq->head.expects_continue || rq->continue_sent),
    };
    int r = http_reply_write(&c->out.buf, &rq->reply);
    if (r < 0) {
        return r == -EMSGSIZE ? -EMSGSIZE : -EINVAL;
    }
    rq->reply_started = true;
    rq->status = status;
    rq->reply_left = rq->reply.length;
    c->is_cut_off = rq->reply.framing == HTTP_FRAMING_CLOSE && status != 101;
    conn_out_set_reset(&c->out, c->is_cut_off);
    if (status == 101) {
        conn_tunnel_begin(rq);
    }
    conn_touch(c);
    return 1;
}

static void warn_length(struct request *rq)
{
    if (!rq->reply_warned) {
        rq->reply_warned = true;
        request_log(rq, RECORD_WARNING,
                    STR("the body of the response is not as long as its content-length"));
    }
}

static bool is_over_limit(const struct request *rq, uint64_t bytes)
{
    uint64_t max = rq->function && !rq->tunnel ? rq->function->response_max_bytes : 0;
    return max > 0 && bytes > max;
}

/* What of `data` the framing lets through. */
static struct str clip(struct request *rq, struct str data)
{
    if (rq->reply.framing == HTTP_FRAMING_NONE) {
        return str_of(data.data, 0);
    }
    if (rq->reply.counted) {
        if (data.len > rq->reply_left) {
            warn_length(rq);
            data.len = (size_t)rq->reply_left;
        }
        rq->reply_left -= data.len;
    }
    return data;
}

static int append(struct request *rq, struct str data)
{
    if (data.len == 0) {
        return 0;
    }
    char size[24];
    struct str none = STR("");
    rq->sent_bytes += data.len;
    if (rq->reply.framing != HTTP_FRAMING_CHUNKED) {
        return conn_out_body(&rq->conn->out, none, data, none);
    }
    int len = snprintf(size, sizeof(size), "%zx\r\n", data.len);
    return conn_out_body(&rq->conn->out, str_of(size, (size_t)len), data, STR("\r\n"));
}

int reply_head(struct request *rq, unsigned status, struct str fields)
{
    /* An answer that is whole, but longer than a frame, comes with its length. */
    uint64_t length;
    if (!str_eq(rq->head.method, STR("HEAD")) &&
        str_to_u64(http_block_find(fields, STR("content-length")), &length) &&
        is_over_limit(rq, length)) {
        return -EFBIG;
    }
    return begin(rq, status, fields, NULL, choose_encoding(rq, status, fields, NULL));
}

int reply_whole(struct request *rq, unsigned status, struct str fields, struct str body)
{
    if (is_over_limit(rq, body.len) && rq->responded && rq->outcome == RECORD_OK) {
        return -EFBIG;
    }
    unsigned encoding = choose_encoding(rq, status, fields, &body);
    if (encoding & HTTP_ENCODING_GZIP) {
        rq->gzip = (struct http_gzip){ 0 };
        body = compress(rq, body, true);
    }
    int r = begin(rq, status, fields, &body, encoding);
    if (r <= 0) {
        return r;
    }
    if (rq->reply.mismatch) {
        warn_length(rq);
    }
    if (append(rq, clip(rq, body)) < 0) {
        reply_abort(rq);
    } else {
        answered(rq);
    }
    return 0;
}

int reply_body(struct request *rq, struct str data)
{
    if (!rq->conn || !rq->reply_started) {
        return 0;
    }
    if (is_over_limit(rq, rq->reply_bytes)) {
        return -EFBIG;
    }
    data = clip(rq, data);
    if (data.len > 0 && append(rq, compressed(rq, data, false)) < 0) {
        reply_abort(rq);
    } else {
        conn_touch(rq->conn);
    }
    return 0;
}

size_t reply_file(struct request *rq, int fd, uint64_t offset, size_t len)
{
    if (rq->reply.framing != HTTP_FRAMING_LENGTH || len > rq->reply_left) {
        return 0;
    }
    size_t sent = conn_out_file(&rq->conn->out, fd, offset, len);
    rq->sent_bytes += sent;
    rq->reply_left -= sent;
    return sent;
}

void reply_end(struct request *rq)
{
    if (!rq->conn || !rq->reply_started) {
        return;
    }
    if (rq->reply.counted && rq->reply_left > 0) {
        warn_length(rq);
        reply_abort(rq);
        return;
    }
    if (append(rq, compressed(rq, STR(""), true)) < 0 ||
        (rq->reply.framing == HTTP_FRAMING_CHUNKED &&
         buf_append(&rq->conn->out.buf, STR("0\r\n\r\n")) < 0)) {
        reply_abort(rq);
        return;
    }
    answered(rq);
}

void reply_informational(struct request *rq, unsigned status, struct str fields)
{
    if (!rq->conn || rq->reply_started || rq->head.minor == 0 ||
        conn_pending(rq->conn) > INFORMATIONAL_BYTES) {
        return;
    }
    if (http_reply_write_informational(&rq->conn->out.buf, status, fields) == 0) {
        conn_touch(rq->conn); /* what cannot be sent is optional anyway */
    }
}

void reply_continue(struct request *rq)
{
    if (rq->head.expects_continue && !rq->continue_sent && rq->conn) {
        rq->continue_sent = true;
        reply_informational(rq, 100, STR(""));
    }
}

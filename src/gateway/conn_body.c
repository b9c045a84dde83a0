/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/conn_body.h"

#include "base/limits.h"
#include "gateway/gateway.h"

void conn_body_begin(struct conn *c, const struct http_head *head)
{
    c->body = head->chunked              ? CONN_BODY_CHUNKED
              : http_head_has_body(head) ? CONN_BODY_LENGTH
                                         : CONN_BODY_NONE;
    c->body_left = head->length;
    c->chunked = (struct http_chunked){ 0 };
    conn_body_await(c);
}

void conn_body_await(struct conn *c)
{
    bool patient = c->body == CONN_BODY_NONE || c->body == CONN_BODY_TUNNEL;
    c->deadline_ms = patient ? 0 : gateway_now_ms(c->gateway) + LIMIT_BODY_IDLE_MS;
}

bool conn_body_is_complete(const struct conn *c)
{
    return c->body == CONN_BODY_NONE;
}

bool conn_body_is_plain(const struct conn *c)
{
    bool plain = c->body == CONN_BODY_LENGTH || c->body == CONN_BODY_TUNNEL;
    return c->state == CONN_BUSY && plain && c->in.len == 0;
}

int conn_body_take(struct conn *c, struct str *in, size_t room, struct str *ret_data)
{
    struct str part = str_of(in->data, in->len < room ? in->len : room);
    *ret_data = str_of(in->data, 0);
    if (c->body != CONN_BODY_CHUNKED) {
        size_t len = part.len < c->body_left ? part.len : (size_t)c->body_left;
        *ret_data = str_of(in->data, len);
        *in = str_skip(*in, len);
        c->body_left -= len;
        return c->body_left > 0 ? HTTP_CHUNKED_DATA : HTTP_CHUNKED_END;
    }
    size_t before = part.len;
    int r = http_chunked_decode(&c->chunked, &part, ret_data);
    *in = str_skip(*in, before - part.len);
    return r;
}

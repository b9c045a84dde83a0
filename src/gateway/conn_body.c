/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/conn_body.h"

void conn_body_begin(struct conn_body *b, const struct http_head *head)
{
    *b = (struct conn_body){ .kind = head->chunked              ? CONN_BODY_CHUNKED
                                     : http_head_has_body(head) ? CONN_BODY_LENGTH
                                                                : CONN_BODY_NONE,
                             .left = head->length };
}

void conn_body_begin_tunnel(struct conn_body *b)
{
    *b = (struct conn_body){ .kind = CONN_BODY_TUNNEL, .left = UINT64_MAX };
}

bool conn_body_is_complete(const struct conn_body *b)
{
    return b->kind == CONN_BODY_NONE;
}

bool conn_body_is_plain(const struct conn_body *b)
{
    return b->kind == CONN_BODY_LENGTH || b->kind == CONN_BODY_TUNNEL;
}

bool conn_body_is_awaited(const struct conn_body *b)
{
    return b->kind == CONN_BODY_LENGTH || b->kind == CONN_BODY_CHUNKED;
}

int conn_body_take(struct conn_body *b, struct str *in, size_t room, struct str *ret_data)
{
    struct str part = str_of(in->data, in->len < room ? in->len : room);
    *ret_data = str_of(in->data, 0);
    if (b->kind != CONN_BODY_CHUNKED) {
        size_t len = part.len < b->left ? part.len : (size_t)b->left;
        *ret_data = str_of(in->data, len);
        *in = str_skip(*in, len);
        b->left -= len;
        return b->left > 0 ? HTTP_CHUNKED_DATA : HTTP_CHUNKED_END;
    }
    size_t before = part.len;
    int r = http_chunked_decode(&b->chunked, &part, ret_data);
    *in = str_skip(*in, before - part.len);
    return r;
}

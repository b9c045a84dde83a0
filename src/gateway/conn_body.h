/* The body of the request that a connection brings: how it is framed, and what of it is to come.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/scope.h"
#include "http/http_chunked.h"
#include "http/http_head.h"

enum conn_body_kind {
    CONN_BODY_NONE, /* or all of it has come */
    CONN_BODY_LENGTH,
    CONN_BODY_CHUNKED,
    CONN_BODY_TUNNEL /* after an upgrade: all there will be, at any time */
};

struct conn_body {
    enum conn_body_kind kind;
    struct http_chunked chunked;
    uint64_t left; /* of CONN_BODY_LENGTH; of CONN_BODY_TUNNEL there is always more */
};

void conn_body_begin(struct conn_body *b, const struct http_head *head);
void conn_body_begin_tunnel(struct conn_body *b);
bool conn_body_is_complete(const struct conn_body *b);
/* Whether its bytes need not be looked at: the next `left` are the body's. */
bool conn_body_is_plain(const struct conn_body *b);
/* Whether its client must go on within a time. */
bool conn_body_is_awaited(const struct conn_body *b);
/* Takes at most `room` bytes of the body off `in`: HTTP_CHUNKED_DATA, HTTP_CHUNKED_END with the
 * last of it, or what http_chunked_decode() says of malformed chunks. */
int conn_body_take(struct conn_body *b, struct str *in, size_t room, struct str *ret_data) MUST_USE;

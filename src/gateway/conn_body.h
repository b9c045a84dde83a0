/* The body of the request that a connection brings: how it is framed, and how long it may pause.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/conn.h"

void conn_body_begin(struct conn *c, const struct http_head *head);
/* The client has its time for the next piece from now on. */
void conn_body_await(struct conn *c);
bool conn_body_is_complete(const struct conn *c);
/* Whether the next bytes are the body's and need not be looked at. */
bool conn_body_is_plain(const struct conn *c);
/* Takes at most `room` bytes of the body off `in`: HTTP_CHUNKED_DATA, HTTP_CHUNKED_END with the
 * last of it, or what http_chunked_decode() says of malformed chunks. */
int conn_body_take(struct conn *c, struct str *in, size_t room, struct str *ret_data) MUST_USE;

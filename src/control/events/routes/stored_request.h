/* An HTTP request as a message: what a durable route's queue holds.
 *
 * The message's body is the length of the head (4 bytes, big endian), the head as "method\0target\0
 * host\0name\0value\0...", and the request's own body, so that every byte comes back as it came.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"

struct stored_request {
    struct str method;
    struct str target;
    struct str host;
    struct str headers; /* "name\0value\0"... */
    struct str body;
};

/* Appends those of a client's fields with which its request may be made again: not what belonged to
 * its connection, and nothing that speaks to the gateway. -EMSGSIZE. */
int stored_request_fields(struct buf *to, struct str headers) MUST_USE;

/* Into an empty buf. -EMSGSIZE. */
int stored_request_pack(const struct stored_request *rq, struct buf *ret) MUST_USE;
/* Its texts point into `packed`. -EBADMSG. */
int stored_request_unpack(struct str packed, struct stored_request *ret) MUST_USE;

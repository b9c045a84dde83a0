/* A block of header fields: "name\0value\0"..., as requests and answers carry them between our
 * processes and in the store.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* Cuts one field off the front; false at the end or when what follows is no field. */
bool http_block_next(struct str *block, struct str *ret_name, struct str *ret_value);

struct http_block_field {
    struct str name, value;
};

/* Cuts a block apart that is looked through more than once. The fields are views of it, in its
 * order. -E2BIG: it has more than `max`. */
int http_block_split(struct str block, size_t max, struct http_block_field *ret_fields,
                     size_t *ret_count) MUST_USE;

/* The value of the first field of that name, in any case, or data NULL. */
struct str http_block_find(struct str block, struct str name);

/* Appends a field, neither part of which may contain a NUL. -EMSGSIZE: nothing is appended. */
int http_block_add(struct buf *block, struct str name, struct str value) MUST_USE;

/* Takes out the first field of that name, in any case, if there is one. */
void http_block_remove(struct buf *block, struct str name);

/* Whether it is about one connection or how a message is framed there, and means nothing once the
 * message has left it (RFC 9110 7.6.1). Names are in lower case. */
bool http_block_is_hop_by_hop(struct str name);

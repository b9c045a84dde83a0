/* Bodies as gzip (RFC 1952), a piece at a time.
 *
 * Each piece is deflated by itself and ends at a byte, so that a client has all of it at once, and
 * a stream that waits for its next piece holds no memory but its checksum: the tables are shared by
 * all streams. Without them a piece repeats what an earlier one has told: for pieces of some
 * kilobytes that is a few percent.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

struct http_gzip_tables;

/* One body. Zeroed is a new one. */
struct http_gzip {
    uint32_t checksum;
    uint32_t length; /* modulo 2^32, as it is written */
    bool begun;
};

#define HTTP_GZIP_PIECE_BYTES_MAX ((size_t)128 * 1024)

struct http_gzip_tables *http_gzip_tables_create(void);
void http_gzip_tables_destroy(struct http_gzip_tables *t); /* NULL is fine */

/* The next bytes of the body, compressed; the view lives until the next call with these tables.
 * `data` has at most HTTP_GZIP_PIECE_BYTES_MAX bytes. It may be memory that somebody else writes:
 * it is copied before it is looked at. With `last` the body ends behind it. */
struct str http_gzip_piece(struct http_gzip_tables *t, struct http_gzip *z, struct str data,
                           bool last);

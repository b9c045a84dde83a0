/* The chunked transfer coding of requests, strictly (RFC 9112 7.1): llhttp takes bare line feeds
 * and extensions without end, which is how requests are smuggled past a proxy.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

/* Zero it for each body. */
struct http_chunked {
    int state;
    uint64_t left;       /* of the current chunk's data */
    bool sized;          /* a digit of its size has been seen */
    size_t extensions;   /* bytes of extensions and leading zeros in this body */
    size_t trailers;     /* bytes of trailers */
    bool trailer_named;  /* the current trailer line has its colon */
    size_t trailer_line; /* bytes of the current trailer line */
};

enum { HTTP_CHUNKED_MORE = 0, HTTP_CHUNKED_DATA = 1, HTTP_CHUNKED_END = 2 };

/* Takes bytes off the front of `in`. DATA: `ret_data` is a piece of the body, call again. END: the
 * body and its trailers, which are dropped, are complete; what is left of `in` is the next request.
 * MORE: `in` is used up. -EBADMSG: malformed. */
int http_chunked_decode(struct http_chunked *c, struct str *in, struct str *ret_data) MUST_USE;

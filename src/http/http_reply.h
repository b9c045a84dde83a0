/* The head of an HTTP/1 response: what a function gave, made safe to send.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

enum http_framing {
    HTTP_FRAMING_NONE,   /* no body may follow */
    HTTP_FRAMING_LENGTH, /* exactly `length` bytes */
    HTTP_FRAMING_CHUNKED,
    HTTP_FRAMING_CLOSE /* up to the end of the connection; after a 101, what it was upgraded to */
};

struct http_reply {
    /* Given. */
    unsigned status;
    uint8_t minor; /* of the request's version */
    bool head;     /* the request was HEAD: length is told, no body follows */
    bool upgrade;  /* the request asked for it: 101 may be the answer */
    bool whole;    /* the body is complete: body_length */
    uint64_t body_length;
    struct str fields;   /* "name\0value\0..." of a function: hostile; first may be its ":reason" */
    bool plain_reason;   /* ... which is not told: the platform's edge speaks no HTTP/1 */
    struct str defaults; /* the same from routes: used where `fields` has no such name */
    bool defaults_win;   /* they take the place of such fields, but of those that may be several */
    unsigned encoding;   /* as http_encoding_choose() has it; body_length is the compressed one */
    struct str date;     /* RFC 9110 date */
    bool capitals;       /* fields' names as S3 has them: "Content-Type", "ETag", "x-amz-id-2" */
    /* Given and changed: false when the connection must close after this response. */
    bool keep_alive;
    /* Found out. */
    enum http_framing framing;
    bool counted; /* the function's body must have `length` bytes, however they are sent */
    uint64_t length;
    bool mismatch; /* a whole body is not as long as its Content-Length said */
};

/* Appends status line, fields and the blank line. Hop-by-hop fields and the function's framing are
 * replaced by ours. -EBADMSG: what the function gave cannot be sent (and nothing was appended),
 * -EMSGSIZE: too large. */
int http_reply_write(struct buf *out, struct http_reply *reply) MUST_USE;

/* The same for a 1xx. */
int http_reply_write_informational(struct buf *out, unsigned status, struct str fields) MUST_USE;

/* "Not Found"; "unknown", as Node.js says, for a status nobody registered. */
const char *http_reason(unsigned status);

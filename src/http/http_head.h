/* The head of an HTTP/1 request, strictly.
 *
 * llhttp splits it; what it lets pass and a proxy must not (bare CR and LF, folded lines, lengths
 * that contradict each other, Hosts that are none) is refused here. A refusal is the status to
 * answer with before the connection is closed. No I/O, nothing allocated: all views point into the
 * caller's bytes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/limits.h"
#include "base/str.h"

struct http_field {
    struct str name; /* lower case */
    struct str value;
    uint64_t capitals; /* bit i: the name's byte i was a capital letter; none behind the 64th */
    bool hop;          /* belongs to this connection: not to be passed on */
};

struct http_head {
    struct str method;
    struct str target; /* path and query, beginning with '/'; or "*" */
    struct str host;   /* of the target or the Host field; empty with HTTP/1.0 only */
    uint64_t length;   /* of the body when has_length */
    uint8_t minor;     /* HTTP/1.minor: 0 or 1 */
    bool has_length;
    bool chunked;
    bool keep_alive;
    bool expects_continue;
    bool expects_other; /* than that: whoever knows no other answers 417 */
    bool upgrade; /* asks to become a WebSocket: its Upgrade and Connection fields are passed on */
    size_t field_count;
    struct http_field fields[LIMIT_REQUEST_HEADERS + LIMIT_INNER_HEADERS];
};

/* How far the search for a head's end has come. Zero it for each head, but for `inner`. */
struct http_scan {
    size_t line;   /* where the line begins that is not complete yet */
    size_t at;     /* searched up to here */
    size_t blank;  /* bytes of blank lines before the head */
    size_t fields; /* lines after the first */
    bool inner;    /* from control: a head that was taken before, and what control adds to it */
};

/* Looks for the end of the head at the front of `bytes`, which has grown since the last call.
 * Positive: bytes up to and with the blank line; sound in form, ready to be parsed. 0: more is
 * needed. Negative: refused with this status, negated. */
int http_head_scan(struct http_scan *scan, struct str bytes) MUST_USE;

/* Parses what http_head_scan() found, at `bytes` without scan->blank leading ones; names are
 * lowered in place. 0, or the status to refuse with, negated. */
int http_head_parse(char *bytes, size_t len, struct http_head *ret_head) MUST_USE;

/* The first field of that name (lower case), or NULL. */
const struct http_field *http_head_find(const struct http_head *head, struct str name);

static inline bool http_head_has_body(const struct http_head *head)
{
    return head->chunked || (head->has_length && head->length > 0);
}

/* A method that only asks: RFC 9110 9.2.1 calls it safe. TRACE is nobody's here. */
bool http_method_is_safe(struct str method);
/* Tokens of RFC 9110 5.6.2: method and field names. */
bool http_is_token(struct str s);
/* What a field's value may hold: no control bytes but tabs. */
bool http_is_field_value(struct str s);
/* host [":" port] of RFC 3986, not empty, without user information and without percent-encoding,
 * which no name of DNS needs and URL parsers refuse. */
bool http_is_host(struct str s);
/* The host of "name:port" or "[::1]:port", lower case is not made. */
struct str http_host_without_port(struct str host);

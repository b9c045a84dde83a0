/* Conditional and range requests: what RFC 9110 sections 13 and 14 make of a request's fields.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/http_head.h"

struct http_resource {
    struct str etag; /* with its quotes */
    int64_t modified_s;
    uint64_t size;
};

/* More ranges than this are an attack or a mistake: then the whole is sent. */
#define HTTP_RANGES_MAX 64

struct http_range {
    uint64_t first;
    uint64_t last; /* inclusive, and inside of the resource */
};

/* 200, 304 or 412 for a GET or HEAD. */
unsigned http_conditions(const struct http_head *head, const struct http_resource *resource);

/* Which parts are asked for, in the request's order: how many, or 0 for the whole, as without the
 * field, with other units, with what is malformed, and with ranges that are more together than the
 * whole. -ERANGE: none of them exists, a 416. */
int http_ranges(const struct http_head *head, const struct http_resource *resource,
                struct http_range ret_ranges[HTTP_RANGES_MAX]) MUST_USE;

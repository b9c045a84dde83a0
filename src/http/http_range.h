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

enum http_range_kind { HTTP_RANGE_ALL, HTTP_RANGE_PART, HTTP_RANGE_NONE };

/* 200, 304 or 412 for a GET or HEAD. */
unsigned http_conditions(const struct http_head *head, const struct http_resource *resource);

/* Which part is asked for. Several ranges, other units, and what is malformed ask for all of it;
 * NONE is a 416. */
enum http_range_kind http_range(const struct http_head *head, const struct http_resource *resource,
                                uint64_t *ret_first, uint64_t *ret_last);

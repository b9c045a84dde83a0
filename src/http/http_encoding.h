/* Whether the body of a response goes out compressed: what the client accepts, and what the
 * response's own fields allow. The rules are those of the package `compression`, which Next.js
 * answers with; small bodies are left as they are, streamed ones too if their length is known.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "http/http_head.h"

/* Bits. */
enum http_encoding {
    HTTP_ENCODING_NONE = 0,
    HTTP_ENCODING_VARIES = 1, /* the answer says that it depends on Accept-Encoding */
    HTTP_ENCODING_GZIP = 2
};

#define HTTP_ENCODING_BYTES_MIN 1024 /* below, a packet is saved at best */

/* Whether gzip is acceptable, and not less so than the plain body. RFC 9110 12.5.3. */
bool http_encoding_accepts_gzip(const struct http_head *head);

/* `fields` as a function gave them, `defaults` what routes add; both "name\0value\0..." and
 * hostile. `whole`: the complete body has body_length bytes. */
struct http_encoding_input {
    struct str fields;
    struct str defaults;
    bool whole;
    uint64_t body_length;
};

/* HTTP_ENCODING_VARIES alone when only the client is against it. */
unsigned http_encoding_choose(const struct http_encoding_input *in, bool accepted);

/* Whether bodies of this Content-Type become smaller. */
bool http_encoding_is_compressible(struct str type);

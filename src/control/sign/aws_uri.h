/* Percent-encoding and queries as AWS's signatures, S3's keys and the forms of the query protocol
 * have them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

enum aws_uri_plus { AWS_URI_PLUS, AWS_URI_PLUS_IS_SPACE };

/* Appends `text` without its escapes. -EBADMSG: an escape that is none. */
int aws_uri_decode(struct buf *out, struct str text, enum aws_uri_plus plus) MUST_USE;
/* Appends `text` with everything escaped but letters, digits, "-_.~", and `keep`, which may be 0.
 */
int aws_uri_encode(struct buf *out, struct str text, char keep) MUST_USE;

/* Cuts "name=value&" off the front, still encoded; a value that is absent has data NULL. False at
 * the end. Empty parts are passed over. */
bool aws_query_next(struct str *query, struct str *ret_name, struct str *ret_value);

/* "/path?query" at its first question mark; without one ret_query has data NULL. */
void aws_target_split(struct str target, struct str *ret_path, struct str *ret_query);

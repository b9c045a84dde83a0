/* Text in fields of a head, which are Latin-1, as S3 takes and gives it.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata
 *
 * No I/O. -EMSGSIZE where `out` is full.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"

/* UTF-8 of a field's value: it is Latin-1, and has encoded words of RFC 2047 ("=?UTF-8?Q?..?="). */
int s3_charset_from_field(struct buf *out, struct str value) MUST_USE;
/* UTF-8 as metadata are given back: as it is when that is plain ASCII, else an encoded word. */
int s3_charset_put_word(struct buf *out, struct str text) MUST_USE;
/* UTF-8 as a field has it, with a blank for what Latin-1 lacks. 1: there was some of that. */
int s3_charset_to_latin1(struct buf *out, struct str text) MUST_USE;

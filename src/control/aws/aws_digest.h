/* Digests as AWS's protocols use them: one shot, and in hexadecimal.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

#define AWS_DIGEST_BYTES 32 /* SHA-256 */
#define AWS_HEX_BYTES    64

void aws_sha256(struct str text, uint8_t ret_digest[AWS_DIGEST_BYTES]);
void aws_hmac(struct str key, struct str text, uint8_t ret_digest[AWS_DIGEST_BYTES]);

/* Two lower case digits a byte; no NUL is added. */
void aws_hex(const uint8_t *bytes, size_t count, char *ret_text);
/* False unless `text` is exactly 2 * count hexadecimal digits, of either case. */
bool aws_hex_decode(struct str text, uint8_t *ret_bytes, size_t count) MUST_USE;
/* Whether they are equal, in a time that does not tell where they differ. */
bool aws_equal(struct str a, struct str b);

/* Strict base64 with padding. `ret_bytes` has room for `count`; false unless `text` stands for
 * exactly that many bytes. */
bool aws_base64_decode(struct str text, uint8_t *ret_bytes, size_t count) MUST_USE;
#define AWS_BASE64_BYTES(count) (((count) + 2) / 3 * 4 + 1)
/* Writes the text and a NUL; returns the text. */
struct str aws_base64(const uint8_t *bytes, size_t count, char *ret_text);

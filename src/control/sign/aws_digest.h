/* Digests as AWS's protocols use them: one shot, and in hexadecimal.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <openssl/evp.h>

#include "base/chance.h"
#include "base/str.h"

#define AWS_DIGEST_BYTES 32 /* SHA-256 */
#define AWS_HEX_BYTES    64

#define AWS_MD5_BYTES 16

/* OpenSSL looks an algorithm up by its name at each use of EVP_sha256(); these were found once. */
const EVP_MD *aws_sha256_algorithm(void);
const EVP_MD *aws_md5_algorithm(void);

void aws_sha256(struct str text, uint8_t ret_digest[AWS_DIGEST_BYTES]);
void aws_md5(struct str text, uint8_t ret_digest[AWS_MD5_BYTES]);
/* A UUID that stands for the text: the same for the same. */
void aws_uuid_of(struct str text, char ret[UUID_BYTES]);
void aws_hmac(struct str key, struct str text, uint8_t ret_digest[AWS_DIGEST_BYTES]);

/* Whether they are equal, in a time that does not tell where they differ. */
bool aws_equal(struct str a, struct str b);

/* Strict base64 with padding. `ret_bytes` has room for `count`; false unless `text` stands for
 * exactly that many bytes. */
bool aws_base64_decode(struct str text, uint8_t *ret_bytes, size_t count) MUST_USE;
#define AWS_BASE64_BYTES(count) (((count) + 2) / 3 * 4 + 1)
/* Writes the text and a NUL; returns the text. */
struct str aws_base64(const uint8_t *bytes, size_t count, char *ret_text);

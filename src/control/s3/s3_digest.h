/* Digests of S3's checksums that are no CRCs: those of OpenSSL, and those of xxHash.
 * On any thread, one at a time. Nothing fails but for want of memory, which ends the process.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum s3_digest_kind {
    S3_DIGEST_MD5,
    S3_DIGEST_SHA1,
    S3_DIGEST_SHA256,
    S3_DIGEST_SHA512,
    S3_DIGEST_XXHASH64,
    S3_DIGEST_XXHASH3, /* of 64 bits */
    S3_DIGEST_XXHASH128
};

#define S3_DIGEST_BYTES 64 /* of the longest, SHA-512 */

struct s3_digest;

struct s3_digest *s3_digest_create(enum s3_digest_kind kind);
void s3_digest_update(struct s3_digest *d, struct str data);
/* xxHash's with the most significant byte first, as S3 tells them. */
void s3_digest_final(struct s3_digest *d, uint8_t ret_bytes[S3_DIGEST_BYTES]);
void s3_digest_destroy(struct s3_digest *d); /* or NULL */

/* Encryption of objects with keys of their clients' (SSE-C): AES-256 in counter mode, so that any
 * range can be decrypted by itself. The key is not kept; a salted digest of it is, to tell whether
 * a later one is the same.
 *
 * Stored with an object as "AES256\0" and 16 bytes of counter, 16 of salt, 32 of digest; in an
 * object of several parts each part begins with the counter plus its number in the top 32 bits.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <openssl/evp.h>

#include "base/str.h"

#define S3_CRYPT_KEY_BYTES     32
#define S3_CRYPT_COUNTER_BYTES 16
#define S3_CRYPT_STORED_BYTES  (7 + 16 + 16 + 32)

struct s3_crypt {
    uint8_t key[S3_CRYPT_KEY_BYTES];
    uint8_t counter[S3_CRYPT_COUNTER_BYTES];
};

/* A new counter and salt for a key; writes what is stored. */
void s3_crypt_create(struct s3_crypt *c, const uint8_t key[S3_CRYPT_KEY_BYTES],
                     char ret_stored[S3_CRYPT_STORED_BYTES]);
/* For stored bytes. False: it is another key. */
bool s3_crypt_open(struct s3_crypt *c, const uint8_t key[S3_CRYPT_KEY_BYTES], struct str stored);
/* The same for part `number` of an object. */
struct s3_crypt s3_crypt_part(const struct s3_crypt *c, uint32_t number);

/* A stream at `offset`; applying it encrypts or decrypts. Freed with EVP_CIPHER_CTX_free(). */
EVP_CIPHER_CTX *s3_crypt_start(const struct s3_crypt *c, uint64_t offset);
void s3_crypt_apply(EVP_CIPHER_CTX *stream, const void *in, void *out, size_t len);

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_crypt.h"

#include <assert.h>
#include <openssl/rand.h>

#include "control/sign/aws_digest.h"

#define SALT_BYTES  16
#define BLOCK_BYTES 16
#define COUNTER_AT  7
#define SALT_AT     (COUNTER_AT + S3_CRYPT_COUNTER_BYTES)
#define DIGEST_AT   (SALT_AT + SALT_BYTES)

static void digest_key(const uint8_t *key, const char *salt, uint8_t ret[AWS_DIGEST_BYTES])
{
    aws_hmac(str_of(salt, SALT_BYTES), str_of((const char *)key, S3_CRYPT_KEY_BYTES), ret);
}

void s3_crypt_create(struct s3_crypt *c, const uint8_t key[S3_CRYPT_KEY_BYTES],
                     char ret_stored[S3_CRYPT_STORED_BYTES])
{
    uint8_t digest[AWS_DIGEST_BYTES];
    memcpy(ret_stored, "AES256", COUNTER_AT);
    int ok =
        RAND_bytes((unsigned char *)ret_stored + COUNTER_AT, S3_CRYPT_COUNTER_BYTES + SALT_BYTES);
    assert(ok == 1); /* the kernel has random numbers */
    /* Its low half counts blocks, from zero. */
    memset(ret_stored + COUNTER_AT + 8, 0, 8);
    digest_key(key, ret_stored + SALT_AT, digest);
    memcpy(ret_stored + DIGEST_AT, digest, sizeof(digest));
    memcpy(c->key, key, sizeof(c->key));
    memcpy(c->counter, ret_stored + COUNTER_AT, sizeof(c->counter));
}

bool s3_crypt_open(struct s3_crypt *c, const uint8_t key[S3_CRYPT_KEY_BYTES], struct str stored)
{
    uint8_t digest[AWS_DIGEST_BYTES];
    if (stored.len != S3_CRYPT_STORED_BYTES) {
        return false;
    }
    digest_key(key, stored.data + SALT_AT, digest);
    memcpy(c->key, key, sizeof(c->key));
    memcpy(c->counter, stored.data + COUNTER_AT, sizeof(c->counter));
    return aws_equal(str_of((const char *)digest, sizeof(digest)),
                     str_of(stored.data + DIGEST_AT, sizeof(digest)));
}

/* Counts up from a big-endian number of `count` bytes. */
static void add(uint8_t *bytes, size_t count, uint64_t number)
{
    unsigned carry = 0;
    for (size_t i = count; i-- > 0;) {
        unsigned sum = bytes[i] + (unsigned)(number & 255) + carry;
        bytes[i] = (uint8_t)sum;
        carry = sum >> 8;
        number >>= 8;
    }
}

struct s3_crypt s3_crypt_part(const struct s3_crypt *c, uint32_t number)
{
    struct s3_crypt part = *c;
    add(part.counter, 4, number);
    return part;
}

EVP_CIPHER_CTX *s3_crypt_start(const struct s3_crypt *c, uint64_t offset)
{
    uint8_t counter[S3_CRYPT_COUNTER_BYTES], skipped[BLOCK_BYTES] = { 0 };
    EVP_CIPHER_CTX *stream = EVP_CIPHER_CTX_new();
    memcpy(counter, c->counter, sizeof(counter));
    add(counter, sizeof(counter), offset / BLOCK_BYTES);
    int ok = stream ? EVP_EncryptInit_ex(stream, EVP_aes_256_ctr(), NULL, c->key, counter) : 0;
    assert(ok == 1); /* fails for want of memory only */
    s3_crypt_apply(stream, skipped, skipped, offset % BLOCK_BYTES);
    return stream;
}

void s3_crypt_apply(EVP_CIPHER_CTX *stream, const void *in, void *out, size_t len)
{
    int written;
    int ok = EVP_EncryptUpdate(stream, out, &written, in, (int)len);
    assert(ok == 1 && (size_t)written == len);
}

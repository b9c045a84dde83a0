/* SPDX-License-Identifier: Apache-2.0 */
#include "control/sign/aws_digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/mem.h"

#define BASE64_BYTES_MAX 64 /* of digests and keys, which is all that is told so */

static EVP_MD *sha256, *md5; /* for good */

/* One of each for a thread: to make one takes as long as a short text's digest. */
struct contexts {
    EVP_MD_CTX *sha256, *md5;
};
static pthread_key_t contexts_key;

static void free_contexts(void *of_thread)
{
    struct contexts *c = of_thread;
    EVP_MD_CTX_free(c->sha256);
    EVP_MD_CTX_free(c->md5);
    free(c);
}

static void find_algorithms(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    if (!sha256 || !md5 || pthread_key_create(&contexts_key, free_contexts) != 0) {
        abort(); /* every OpenSSL that is not in FIPS mode has them, and keys are few */
    }
}

static void need_algorithms(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, find_algorithms); /* does not fail */
}

const EVP_MD *aws_sha256_algorithm(void)
{
    need_algorithms();
    return sha256;
}

const EVP_MD *aws_md5_algorithm(void)
{
    need_algorithms();
    return md5;
}

static const struct contexts *thread_contexts(void)
{
    need_algorithms();
    struct contexts *c = pthread_getspecific(contexts_key);
    if (!c) {
        c = mem_new(struct contexts);
        *c = (struct contexts){ EVP_MD_CTX_new(), EVP_MD_CTX_new() };
        (void)pthread_setspecific(contexts_key, c); /* fails for want of memory only */
    }
    return c;
}

static void digest(EVP_MD_CTX *context, const EVP_MD *algorithm, struct str text,
                   uint8_t *ret_digest)
{
    int ok = EVP_DigestInit_ex2(context, algorithm, NULL) == 1 &&
             EVP_DigestUpdate(context, text.data, text.len) == 1 &&
             EVP_DigestFinal_ex(context, ret_digest, NULL) == 1;
    assert(ok); /* fails for want of memory only */
}

void aws_sha256(struct str text, uint8_t ret_digest[AWS_DIGEST_BYTES])
{
    digest(thread_contexts()->sha256, aws_sha256_algorithm(), text, ret_digest);
}

void aws_md5(struct str text, uint8_t ret_digest[AWS_MD5_BYTES])
{
    digest(thread_contexts()->md5, aws_md5_algorithm(), text, ret_digest);
}

void aws_uuid_of(struct str text, char ret[UUID_BYTES])
{
    uint8_t digest[AWS_DIGEST_BYTES];
    char hex[2 * AWS_DIGEST_BYTES];
    aws_sha256(text, digest);
    (void)hex_write(digest, sizeof(digest), hex);
    (void)snprintf(ret, UUID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
}

void aws_hmac(struct str key, struct str text, uint8_t ret_digest[AWS_DIGEST_BYTES])
{
    const unsigned char *done = HMAC(aws_sha256_algorithm(), key.data, (int)key.len,
                                     (const unsigned char *)text.data, text.len, ret_digest, NULL);
    assert(done); /* fails for want of memory only */
}

bool aws_equal(struct str a, struct str b)
{
    return a.len == b.len && CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}

struct str aws_base64(const uint8_t *bytes, size_t count, char *ret_text)
{
    int len = EVP_EncodeBlock((unsigned char *)ret_text, bytes, (int)count);
    return str_of(ret_text, (size_t)len);
}

bool aws_base64_decode(struct str text, uint8_t *ret_bytes, size_t count)
{
    unsigned char bytes[BASE64_BYTES_MAX + 3];
    char again[(BASE64_BYTES_MAX + 2) / 3 * 4 + 1];
    assert(count <= BASE64_BYTES_MAX);
    /* OpenSSL passes over blanks and spare bits, but there is one text for one value. */
    if (text.len != (count + 2) / 3 * 4 ||
        EVP_DecodeBlock(bytes, (const unsigned char *)text.data, (int)text.len) < 0 ||
        !str_eq(aws_base64(bytes, count, again), text)) {
        return false;
    }
    memcpy(ret_bytes, bytes, count);
    return true;
}

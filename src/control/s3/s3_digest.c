/* SPDX-License-Identifier: Apache-2.0 */
#include "control/s3/s3_digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/mem.h"

struct s3_digest {
    enum s3_digest_kind kind;
    EVP_MD_CTX *evp;      /* of all but xxHash's */
    XXH64_state_t *xxh64; /* of XXHASH64 */
    XXH3_state_t *xxh3;   /* of the other two */
};

static const EVP_MD *evp_of(enum s3_digest_kind kind)
{
    switch (kind) {
    case S3_DIGEST_MD5:
        return EVP_md5();
    case S3_DIGEST_SHA1:
        return EVP_sha1();
    case S3_DIGEST_SHA256:
        return EVP_sha256();
    default:
        return EVP_sha512();
    }
}

struct s3_digest *s3_digest_create(enum s3_digest_kind kind)
{
    struct s3_digest *d = mem_alloc(sizeof(*d));
    int ok;
    *d = (struct s3_digest){ .kind = kind };
    if (kind == S3_DIGEST_XXHASH64) {
        d->xxh64 = XXH64_createState();
        ok = d->xxh64 && XXH64_reset(d->xxh64, 0) == XXH_OK;
    } else if (kind == S3_DIGEST_XXHASH3 || kind == S3_DIGEST_XXHASH128) {
        d->xxh3 = XXH3_createState();
        ok = d->xxh3 && (kind == S3_DIGEST_XXHASH3 ? XXH3_64bits_reset(d->xxh3)
                                                   : XXH3_128bits_reset(d->xxh3)) == XXH_OK;
    } else {
        d->evp = EVP_MD_CTX_new();
        ok = d->evp && EVP_DigestInit_ex(d->evp, evp_of(kind), NULL) == 1;
    }
    assert(ok);
    return d;
}

void s3_digest_update(struct s3_digest *d, struct str data)
{
    int ok;
    if (d->xxh64) {
        ok = XXH64_update(d->xxh64, data.data, data.len) == XXH_OK;
    } else if (d->kind == S3_DIGEST_XXHASH3) {
        ok = XXH3_64bits_update(d->xxh3, data.data, data.len) == XXH_OK;
    } else if (d->kind == S3_DIGEST_XXHASH128) {
        ok = XXH3_128bits_update(d->xxh3, data.data, data.len) == XXH_OK;
    } else {
        ok = EVP_DigestUpdate(d->evp, data.data, data.len) == 1;
    }
    assert(ok);
}

void s3_digest_final(struct s3_digest *d, uint8_t ret_bytes[S3_DIGEST_BYTES])
{
    /* xxHash's canonical forms are big-endian, and arrays of bytes. */
    if (d->xxh64) {
        XXH64_canonicalFromHash((XXH64_canonical_t *)ret_bytes, XXH64_digest(d->xxh64));
    } else if (d->kind == S3_DIGEST_XXHASH3) {
        XXH64_canonicalFromHash((XXH64_canonical_t *)ret_bytes, XXH3_64bits_digest(d->xxh3));
    } else if (d->kind == S3_DIGEST_XXHASH128) {
        XXH128_canonicalFromHash((XXH128_canonical_t *)ret_bytes, XXH3_128bits_digest(d->xxh3));
    } else {
        int ok = EVP_DigestFinal_ex(d->evp, ret_bytes, NULL);
        assert(ok == 1);
    }
    s3_digest_destroy(d);
}

void s3_digest_destroy(struct s3_digest *d)
{
    if (d) {
        EVP_MD_CTX_free(d->evp);
        (void)XXH64_freeState(d->xxh64);
        (void)XXH3_freeState(d->xxh3);
        free(d);
    }
}

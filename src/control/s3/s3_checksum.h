/* The checksums that clients may send along and ask for.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 *
 * Stored with an object as "CRC32\0FULL_OBJECT\0base64\0".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "control/s3/s3_crc.h"
#include "control/s3/s3_digest.h"

enum s3_checksum {
    S3_CHECKSUM_NONE,
    S3_CHECKSUM_CRC32,
    S3_CHECKSUM_CRC32C,
    S3_CHECKSUM_CRC64NVME,
    S3_CHECKSUM_MD5,
    S3_CHECKSUM_SHA1,
    S3_CHECKSUM_SHA256,
    S3_CHECKSUM_SHA512,
    S3_CHECKSUM_XXHASH128,
    S3_CHECKSUM_XXHASH3,
    S3_CHECKSUM_XXHASH64,
    S3_CHECKSUM_COUNT
};
/* S3's own, where a client neither sends nor names one. */
#define S3_CHECKSUM_DEFAULT S3_CHECKSUM_CRC64NVME

enum s3_checksum_type { S3_FULL_OBJECT, S3_COMPOSITE };

/* What is said of one that is not among them. */
#define S3_CHECKSUM_UNSUPPORTED                                                                    \
    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "   \
    "[CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64]"

#define S3_CHECKSUM_SEVERAL                                                                        \
    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
#define S3_CHECKSUM_NO_TYPE "Value for x-amz-checksum-type header is invalid."

#define S3_CHECKSUM_BYTES S3_DIGEST_BYTES
#define S3_CHECKSUM_TEXT  96 /* base64, "-10000" and a NUL */

/* NONE: there is none of that name ("CRC32", in any case). */
enum s3_checksum s3_checksum_of(struct str name);
struct str s3_checksum_name(enum s3_checksum kind);                 /* "CRC32" */
const char *s3_checksum_lower(enum s3_checksum kind, char ret[16]); /* "crc32" */
struct str s3_checksum_header(enum s3_checksum kind);               /* "x-amz-checksum-crc32" */
/* "ChecksumCRC32": its element of XML. */
const char *s3_checksum_element(enum s3_checksum kind);
size_t s3_checksum_size(enum s3_checksum kind);
/* Whether objects of several parts may have a checksum of this kind and type. */
bool s3_checksum_allows(enum s3_checksum kind, enum s3_checksum_type type);
enum s3_checksum_type s3_checksum_default_type(enum s3_checksum kind);

/* One being computed. On any thread, one at a time. */
struct s3_checksum_state {
    enum s3_checksum kind;
    uint64_t crc;
    struct s3_digest *digest;
};
void s3_checksum_init(struct s3_checksum_state *s, enum s3_checksum kind);
void s3_checksum_update(struct s3_checksum_state *s, struct str data);
/* Its text in base64, and frees what it holds. */
struct str s3_checksum_final(struct s3_checksum_state *s, char ret_text[S3_CHECKSUM_TEXT]);

/* Joins the checksums of parts, one after the other. */
struct s3_checksum_parts {
    enum s3_checksum kind;
    enum s3_checksum_type type;
    size_t count;
    uint64_t crc;
    struct s3_digest *digest;
};
void s3_checksum_parts_init(struct s3_checksum_parts *p, enum s3_checksum kind,
                            enum s3_checksum_type type);
/* False: it is not the text of such a checksum. */
bool s3_checksum_parts_add(struct s3_checksum_parts *p, struct str text, uint64_t size) MUST_USE;
struct str s3_checksum_parts_final(struct s3_checksum_parts *p, char ret_text[S3_CHECKSUM_TEXT]);

/* What is stored. */
struct s3_checksum_value {
    enum s3_checksum kind;
    enum s3_checksum_type type;
    struct str text; /* base64 */
};
#define S3_CHECKSUM_STORED 128
struct str s3_checksum_store(const struct s3_checksum_value *v, char ret_text[S3_CHECKSUM_STORED]);
struct s3_checksum_value s3_checksum_load(struct str stored);
struct str s3_checksum_type_name(enum s3_checksum_type type); /* "FULL_OBJECT" */
/* Of that name, in any case. False: there is none. */
bool s3_checksum_type_of(struct str name, enum s3_checksum_type *ret) MUST_USE;
